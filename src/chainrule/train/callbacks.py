"""What may happen between steps and epochs: a callback overrides what it needs; `trainer.stop = "why"` ends it all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loop import Trainer


HIGHER_IS_BETTER = frozenset({"accuracy", "r2", "roc_auc", "f1", "precision", "recall"})


class Callback:
    """Base of all callbacks. Called in order; exceptions pass through."""

    def on_train_begin(self, trainer: Trainer) -> None:
        """Before the first step (also after a resume)."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Before an epoch; `epoch` counts from 1."""

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        """After an update; `step` counts from 1 over the whole training, `cost` is J of the batch."""

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        """Several times a second: `batch` steps of this epoch are done. Setting `trainer.stop` here ends training."""

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        """After an epoch; `row` is its line of the history."""

    def on_train_end(self, trainer: Trainer) -> None:
        """After the last step, also when training was stopped."""


class EarlyStopping(Callback):
    """Stop when the watched value has not improved by more than `min_change` for `patience` epochs; keep the best.

    The best parameters (and running statistics) are put back at the end if `restore_best`.
    """

    def __init__(
        self, patience: int, min_change: float = 0.0, restore_best: bool = True, monitor: str | None = None
    ) -> None:
        self.patience, self.min_change, self.restore_best, self.monitor = patience, min_change, restore_best, monitor
        self.best: float | None = None
        self.best_epoch = 0
        self.waited = 0
        self.kept: dict[str, Any] = {}

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        name = self.monitor or trainer.watched
        value = float(row[name])
        higher = name.removeprefix("val_") in HIGHER_IS_BETTER
        gain = math.inf if self.best is None else value - self.best if higher else self.best - value
        if math.isfinite(value) and gain > self.min_change:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            self.kept = {"theta": trainer.model.theta.copy(), **{n: v.copy() for n, v in trainer.model.state.items()}}
            trainer.history.best_epoch = epoch
        else:
            self.waited += 1
            self.check(trainer)

    def check(self, trainer: Trainer) -> None:
        """Stop the trainer if the patience is over."""
        if self.waited >= self.patience:
            name = self.monitor or trainer.watched
            best = "" if self.best is None else f" (best {self.best:.6g} in epoch {self.best_epoch})"
            trainer.stop = f"{name} has not improved for {self.patience} epochs{best}"
            trainer.history.stopped_early = True

    def on_train_end(self, trainer: Trainer) -> None:
        if self.restore_best and self.kept:
            trainer.model.theta[...] = self.kept["theta"]
            for n, v in trainer.model.state.items():
                v[...] = self.kept[n]
