"""Training as it goes: a bar on a terminal, otherwise a line every few epochs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..train import Callback, Trainer
from .output import Output

_LINES = 10


class Lines(Callback):
    """The first epoch, then about ten lines over the whole training, the last one too."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._shown = 0

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        every = max(1, trainer.settings.epochs // _LINES)
        if epoch == 1 or epoch % every == 0:
            self._show(trainer, trainer.history.rows[-1])

    def on_train_end(self, trainer: Trainer) -> None:
        if trainer.history.rows and trainer.history.rows[-1]["epoch"] != self._shown:
            self._show(trainer, trainer.history.rows[-1])

    def _show(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        self._shown = row["epoch"]
        self.output.say(f"epoch {row['epoch']}/{trainer.settings.epochs}  {describe(row)}")


class Bar(Callback):
    """A bar with epoch, losses, measure and time left; counts steps, so that long epochs move too."""

    def __init__(self, output: Output) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
            console=output.console,
            transient=True,
        )
        self._next = 0.0

    def on_train_begin(self, trainer: Trainer) -> None:
        total = trainer.settings.epochs * trainer.batches
        self._task = self._progress.add_task(
            "", total=total, completed=trainer.step, epoch=f"{trainer.epoch}/{trainer.settings.epochs}", text=""
        )
        self._progress.start()

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 0.1
            self._progress.update(self._task, completed=trainer.step)

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        self._progress.update(
            self._task,
            completed=trainer.step,
            epoch=f"{epoch}/{trainer.settings.epochs}",
            text=describe(trainer.history.rows[-1], short=True),
        )

    def on_train_end(self, trainer: Trainer) -> None:
        self.close()

    def close(self) -> None:
        self._progress.stop()


def describe(row: Mapping[str, Any], *, short: bool = False) -> str:
    """`loss 0.1234  validation loss 0.2345  validation accuracy 0.9712`; short: to fit beside a bar.

    The training loss without penalties where it is known, so that the two can be compared.
    """
    text = f"loss {row.get('train_loss', row['loss']):.4g}"
    if short:
        text += f"  val. loss {row['val_loss']:.4g}" if "val_loss" in row else ""
        return text + "".join(f"  {k[4:]} {v:.3f}" for k, v in row.items() if k in ("val_accuracy", "val_r2"))
    if "val_loss" in row:
        text += f"  validation loss {row['val_loss']:.4g}"
    for name in ("accuracy", "r2"):
        if f"val_{name}" in row:
            text += f"  validation {'R²' if name == 'r2' else name} {row[f'val_{name}']:.4f}"
    return text
