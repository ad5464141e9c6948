"""Checkpoints while training, and the orderly stop: finish the step, save, leave."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError, NonFiniteError
from ..files import CheckpointFolder
from ..train import Callback, Trainer

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Every:
    """When a checkpoint is due: every so many epochs or steps, or at an epoch's end after so many seconds."""

    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = 30.0

    @classmethod
    def parse(cls, text: str) -> Every:
        """Read "10" or "10 epochs", or "500 steps"."""
        digits = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text.strip()[len(digits) :].strip() or "epochs"
        if not digits.isascii() or not digits.isdigit() or int(digits) < 1 or unit.rstrip("s") not in ("epoch", "step"):
            raise ConfigurationError(
                f"checkpoint_every={text!r} cannot be read: give a number of epochs such as 10, or of steps such as "
                "500steps"
            )
        number = int(digits)
        return cls(steps=number, seconds=None) if unit.startswith("step") else cls(epochs=number, seconds=None)


class Keeper(Callback):
    """Saves the trainer's snapshot with the `record` of the run; stops when `wanted()` says so.

    The snapshot is taken between steps, before the best parameters are put back, so that a resumed run goes on as if
    it had not stopped.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        record: Mapping[str, Any],
        every: Every | None = None,
        wanted: Callable[[], bool] = lambda: False,
        saved: Callable[[Trainer], None] = lambda trainer: None,
    ) -> None:
        self.folder, self.record, self.every, self.wanted, self.saved = folder, record, every or Every(), wanted, saved
        self.interrupted = False
        self.lengthened = False  # the recorded number of epochs is no longer that of the checkpoint
        self._last = time.monotonic()

    def on_train_begin(self, trainer: Trainer) -> None:
        if trainer.step == 0 or self.lengthened:
            self.save(trainer)

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        if batch < trainer.batches and self.wanted():  # the end of the epoch follows at once
            self.interrupted = True
            self.save(trainer)
            trainer.stop = INTERRUPTED

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        if self.wanted():
            self.interrupted = True
            self.save(trainer)
            trainer.stop = INTERRUPTED
        elif self._due(trainer, epoch) or (epoch == trainer.settings.epochs and trainer.stop is None):
            self.save(trainer)  # the last one too, so that the run can be lengthened

    def _due(self, trainer: Trainer, epoch: int) -> bool:
        if self.every.epochs is not None:
            return epoch % self.every.epochs == 0
        if self.every.steps is not None:
            return trainer.step % self.every.steps == 0
        return self.every.seconds is not None and time.monotonic() - self._last >= self.every.seconds

    def save(self, trainer: Trainer) -> None:
        tensors, content = trainer.snapshot()
        self.folder.save(trainer.step, tensors, {"trainer": content, "run": dict(self.record)})
        self._last = time.monotonic()
        self.saved(trainer)


class StepKeeper(Keeper):
    """Saves every so many steps; only who asks for that pays for a call after each step."""

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        if trainer.batch < trainer.batches and self.every.steps is not None and step % self.every.steps == 0:
            self.save(trainer)


class FiniteWatch(Callback):
    """Stops at a value of the history, or a parameter, that is not finite at the end of an epoch.

    The loop itself watches the training cost and the gradient.
    """

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        what = next((f"{k} is {v}" for k, v in trainer.history.rows[-1].items() if not math.isfinite(v)), None)
        if what is None and not np.isfinite(trainer.model.theta).all():
            what = "a parameter is not finite"
        if what is not None:
            trainer.history.rows.pop()
            raise NonFiniteError(
                f"training met the first NaN or infinity at the end of epoch {epoch} (step {trainer.step}): {what}; "
                "lower the learning rate, clip gradients, or scale the data"
            )
