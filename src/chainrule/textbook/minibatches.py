"""The data set of the slides' main loop: mini-batches as columns, in a new order every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, ShapeError
from ..train import Schedule, schedule

Array = npt.NDArray[Any]


class MiniBatches:
    """Samples X (n_0 × N) with targets Y (n_L × N, or N labels), handed out batch by batch.

    Every epoch hands out every sample once; its last batch may be smaller. The order is a function of (seed, epoch),
    the one that `chainrule.train.Trainer` uses.
    """

    def __init__(self, X: Any, Y: Any, *, seed: int = 0, shuffle: bool = True) -> None:
        self.X, self.Y = np.asarray(X), np.asarray(Y)
        if self.Y.ndim == 1:
            self.Y = self.Y.reshape(1, -1)
        if self.X.ndim != 2 or self.Y.ndim != 2 or self.X.shape[1] != self.Y.shape[1] or not self.X.shape[1]:
            raise ShapeError(
                f"expected X (n_0 × N) and Y (n_L × N) with the same number of columns, at least one; "
                f"received {np.shape(X)} and {np.shape(Y)}; samples are columns"
            )
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ConfigurationError(f"seed={seed!r}: it must be a whole number from 0 on")
        self.seed, self.shuffle = seed, shuffle
        self.epoch = 0  # epochs begun
        self._order: Array = np.arange(0)
        self._done = 0

    def __len__(self) -> int:
        return int(self.X.shape[1])

    def nbatches(self, batchsize: int) -> int:
        """Batches per epoch, ⌈N / batchsize⌉."""
        return -(-len(self) // _whole(batchsize))

    def next_batch(self, batchsize: int) -> tuple[Array, Array]:
        """The next batch (n_0 × m, n_L × m), m ≤ batchsize; after the last of an epoch the next epoch begins."""
        _whole(batchsize)
        if self._done >= len(self._order):
            self.epoch += 1
            self._done = 0
            self._order = np.arange(len(self))
            if self.shuffle:
                self._order = np.random.Generator(np.random.Philox(key=[self.seed, self.epoch])).permutation(len(self))
        columns = self._order[self._done : self._done + batchsize]
        self._done += len(columns)
        return np.take(self.X, columns, axis=1), np.take(self.Y, columns, axis=1)


def learning_rate(
    spec: str | Schedule | Callable[[float], float] = "constant", rate: float = 0.1, *, epochs: int = 100
) -> Callable[[int], float]:
    """A function of the epoch, counted from 0 as in `range(nepochs)`: `learning_rate("step:10:0.5", 0.1)(iepoch)`.

    spec  name with values, `Schedule` or function, see `chainrule.train.schedule`; rate: the full rate
    """
    made = schedule(spec, rate)

    def at(iepoch: int) -> float:
        return made.rate(iepoch, epochs)

    return at


def _whole(batchsize: int) -> int:
    if isinstance(batchsize, bool) or not isinstance(batchsize, int | np.integer) or batchsize < 1:
        raise ConfigurationError(f"batchsize={batchsize!r}: it must be a whole number from 1 on")
    return int(batchsize)
