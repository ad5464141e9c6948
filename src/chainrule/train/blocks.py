"""The order of samples that lie in blocks on disk: random, reproducible, and read in large pieces.

An epoch takes the blocks in a random order, `window` of them at a time, and mixes the samples of a window. So every
sample is met once per epoch, whichever blocks meet changes from epoch to epoch, and only one window at a time is
needed. It is less random than an order of all samples: those of one block come close together, so a file sorted by
class should be shuffled once when it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .samples import Array


class Blocks:
    """Neighboring samples in blocks.

    sizes    samples of each block
    window   blocks mixed at a time
    seed     of the order, a function of (seed, epoch) alone; None: as they lie
    """

    def __init__(self, sizes: Sequence[int], window: int, seed: int | None) -> None:
        self.sizes, self.window, self.seed = np.asarray(sizes, np.int64), window, seed
        self._epochs: dict[int, tuple[list[Array], npt.NDArray[np.int64]]] = {}

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """First sample of each block, and the number of all samples."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    def windows(self, epoch: int) -> list[Array]:
        """Numbers of the blocks of each window; the windows differ by one block at most."""
        return self._epoch(epoch)[0]

    def ends(self, epoch: int) -> npt.NDArray[np.int64]:
        """For each window the number of samples up to its end."""
        return self._epoch(epoch)[1]

    def _epoch(self, epoch: int) -> tuple[list[Array], npt.NDArray[np.int64]]:
        if epoch not in self._epochs:
            count = len(self.sizes)
            order = np.arange(count) if self.seed is None else self._random(epoch, 0).permutation(count)
            windows = np.array_split(order, -(-count // self.window))
            if len(self._epochs) > 1:  # this epoch and, read ahead, the next
                self._epochs.pop(min(self._epochs))
            self._epochs[epoch] = windows, np.cumsum([self.sizes[w].sum() for w in windows])
        return self._epochs[epoch]

    def mixed(self, epoch: int, number: int, count: int) -> Array:
        """The order of the `count` samples of a window, counted through its blocks."""
        return np.arange(count) if self.seed is None else self._random(epoch, number + 1).permutation(count)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """The numbers of all samples in the order of an epoch."""
        parts = []
        for number, blocks in enumerate(self.windows(epoch)):
            rows = np.concatenate([np.arange(self.starts[b], self.starts[b + 1]) for b in blocks])
            parts.append(rows[self.mixed(epoch, number, len(rows))])
        return np.concatenate(parts)

    def _random(self, epoch: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed or 0, epoch], counter=[0, 0, 0, number]))


def even(count: int, size: int) -> list[int]:
    """Sizes of the blocks of `count` samples: `size` each, the last one less."""
    return [min(size, count - start) for start in range(0, count, size)]
