"""Callbacks by their Keras names and with its counting: `epoch` begins at 0, `logs` is the line of the history."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from ..errors import ConfigurationError, unknown_name
from ..train import Callback, Trainer, schedule
from ..train import EarlyStopping as _EarlyStopping
from .metrics import Metric

Mode = Literal["auto", "min", "max"]

_GROWING = ("acc", "auc", "r2", "precision", "recall", "f1")


class _Saves(Protocol):
    def save(self, path: str | Path) -> None: ...


class Attached(Callback):
    """A callback that is told the `Sequential` it works for."""

    sequential: _Saves | None = None

    def set_model(self, model: _Saves) -> None:
        """Called by `fit` before training."""
        self.sequential = model


class EarlyStopping(_EarlyStopping):
    """Stop when the watched value has not improved by more than `min_delta` for `patience` epochs.

    monitor               a name of the history; mode: "min", "max", or "auto" by the name
    restore_best_weights  go back to the best epoch's weights at the end of training
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        *,
        mode: Mode = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(patience, abs(min_delta), restore_best_weights, monitor)
        self.sign = _sign(mode, monitor)

    def on_train_begin(self, trainer: Trainer) -> None:
        self.best, self.best_epoch, self.waited, self.kept = None, 0, 0, {}

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        assert self.monitor is not None
        value = _value(row, self.monitor)
        gain = math.inf if self.best is None else self.sign * (value - self.best)
        if math.isfinite(value) and gain > self.min_change:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            model = trainer.model
            self.kept = {"theta": model.theta.copy(), **{n: v.copy() for n, v in model.state.items()}}
            trainer.history.best_epoch = epoch
            return
        self.waited += 1
        self.check(trainer)


class ModelCheckpoint(Attached):
    """Save the model after every epoch, or only when the watched value is the best so far.

    filepath  may hold fields: "model-{epoch:02d}-{val_loss:.3f}.safetensors", epochs from 1
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        mode: Mode = "auto",
    ) -> None:
        self.filepath, self.monitor, self.save_best_only = str(filepath), monitor, save_best_only
        self.sign = _sign(mode, monitor)
        self.best: float | None = None

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        assert self.sequential is not None
        if self.save_best_only:
            value = _value(row, self.monitor)
            if math.isnan(value) or (self.best is not None and self.sign * (value - self.best) <= 0):
                return
            self.best = value
        try:
            path = self.filepath.format(**{**row, "epoch": epoch})
        except (KeyError, IndexError, ValueError) as e:
            raise ConfigurationError(
                f"ModelCheckpoint: {self.filepath!r} cannot be filled in ({e}); its fields may be {', '.join(row)}"
            ) from None
        self.sequential.save(path)


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of every epoch: schedule(epoch) or schedule(epoch, rate) -> rate."""

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.function = schedule
        self.both = len(inspect.signature(schedule).parameters) > 1

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        rate = trainer.schedule.rate(epoch - 1, trainer.settings.epochs)
        new = self.function(epoch - 1, rate) if self.both else self.function(epoch - 1)
        trainer.schedule = schedule("constant", float(new))


class LambdaCallback(Callback):
    """Functions to call: `on_epoch_begin(epoch, logs)`, `on_epoch_end(epoch, logs)`, `on_train_batch_end(batch, logs)`,
    `on_train_begin(logs)`, `on_train_end(logs)`; batches are counted from 0 over the whole training."""

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Mapping[str, Any]], Any] | None = None,
        on_epoch_end: Callable[[int, Mapping[str, Any]], Any] | None = None,
        on_train_begin: Callable[[Mapping[str, Any]], Any] | None = None,
        on_train_end: Callable[[Mapping[str, Any]], Any] | None = None,
        on_train_batch_end: Callable[[int, Mapping[str, Any]], Any] | None = None,
    ) -> None:
        self.epoch_begin, self.epoch_end, self.batch_end = on_epoch_begin, on_epoch_end, on_train_batch_end
        self.train_begin, self.train_end = on_train_begin, on_train_end

    def on_train_begin(self, trainer: Trainer) -> None:
        if self.train_begin is not None:
            self.train_begin({})

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        if self.epoch_begin is not None:
            self.epoch_begin(epoch - 1, {})

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        if self.batch_end is not None:
            self.batch_end(step - 1, {"loss": cost})

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        if self.epoch_end is not None:
            self.epoch_end(epoch - 1, _logs(row))

    def on_train_end(self, trainer: Trainer) -> None:
        if self.train_end is not None:
            self.train_end(_logs(trainer.history.rows[-1]) if trainer.history.rows else {})


class Measured(Callback):
    """Enter the metrics of the training data into the history, at the end of each epoch."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = metrics

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        Yhat = trainer.model.predict(trainer.samples.X)
        found = {name: float(f(trainer.samples.targets, Yhat)) for name, f in self.metrics.items()}
        line = {"epoch": epoch, "loss": row["loss"], **found, **row}
        trainer.history.rows[-1] = line
        if isinstance(row, dict):  # the callbacks after this one see the same line
            row.clear()
            row.update(line)


class Progress(Callback):
    """Print a line per epoch."""

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        numbers = " - ".join(f"{name}: {value:.4f}" for name, value in _logs(row).items() if name != "learning_rate")
        print(f"Epoch {epoch}/{trainer.settings.epochs} - {row['seconds']:.2f}s - {numbers}")


def _logs(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("epoch", "seconds")}


def _value(row: Mapping[str, Any], name: str) -> float:
    logs = _logs(row)
    if name not in logs:
        raise unknown_name("monitor", name, logs)
    return float(logs[name])


def _sign(mode: str, monitor: str) -> float:
    """1 if larger values are better, -1 if smaller ones are."""
    if mode not in ("auto", "min", "max"):
        raise unknown_name("mode", mode, ("auto", "min", "max"))
    if mode == "auto":
        return 1.0 if any(part in monitor for part in _GROWING) else -1.0
    return 1.0 if mode == "max" else -1.0
