"""What a training run is told: one frozen record, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ..errors import ConfigurationError
from ..graph import Number
from .optimizers import Optimizer, optimizer
from .schedules import Schedule, schedule


@dataclass(frozen=True)
class Settings:
    """How to train.

    epochs         passes over the data
    batch_size     samples per step; None: 32 below 2,000 samples, 64 below 20,000, else 128
    optimizer      name or `Optimizer`; hyper: its hyper-parameters
    learning_rate  η₀; schedule: name, `Schedule` or function of the epoch
    clip_norm      limit on ‖g‖, clip_value: limit on each entry, None for none
    shuffle        a new order in every epoch, a function of (seed, epoch) alone
    block          samples per block, for data on disk: blocks in random order, `window` of them mixed at a time (see
                   `train.blocks`); None: an order of all samples. The blocks of a `Stream` are its own
    window         blocks mixed at a time; of a stream, two windows are in memory
    seed           of the order and of the dropout masks
    patience       epochs without improvement of the watched value after which training stops, None: never
    min_change     what counts as an improvement
    threads        that share each step on the native executor; None: measured at the start. Never changes a result
    restore_best   after early stopping, go back to the best parameters
    """

    epochs: int = 100
    batch_size: int | None = None
    optimizer: str | Optimizer = "adam"
    hyper: dict[str, Number] = field(default_factory=dict)
    learning_rate: float = 1e-3
    schedule: str | Schedule | Callable[[float], float] = "constant"
    clip_norm: float | None = None
    clip_value: float | None = None
    shuffle: bool = True
    seed: int = 0
    patience: int | None = None
    min_change: float = 0.0
    restore_best: bool = True
    threads: int | None = None
    block: int | None = None
    window: int = 4

    def __post_init__(self) -> None:
        _whole("epochs", self.epochs, 1)
        if self.batch_size is not None:
            _whole("batch_size", self.batch_size, 1)
        if self.patience is not None:
            _whole("patience", self.patience, 1)
        if self.threads is not None:
            _whole("threads", self.threads, 1)
        if self.block is not None:
            _whole("block", self.block, 1)
        _whole("window", self.window, 1)
        _whole("seed", self.seed, 0)
        if not (isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigurationError(f"learning_rate={self.learning_rate!r}: it must be a positive number, e.g. 0.001")
        if not (isfinite(self.min_change) and self.min_change >= 0):
            raise ConfigurationError(f"min_change={self.min_change!r}: it must be a number from 0 on")
        self.make_optimizer()
        self.make_schedule()

    def make_optimizer(self) -> Optimizer:
        return optimizer(self.optimizer, **self.hyper)

    def make_schedule(self) -> Schedule:
        """A fresh schedule, without memory of earlier runs."""
        return schedule(self.schedule, self.learning_rate)

    def batch_for(self, samples: int) -> int:
        """Samples per step for a data set, never more than it has."""
        size = self.batch_size or (32 if samples < 2_000 else 64 if samples < 20_000 else 128)
        return min(size, samples)


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name}={value!r}: it must be a whole number from {least} on")
