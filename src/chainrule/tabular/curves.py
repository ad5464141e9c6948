"""Learning curves that can be compared: training and validation samples under the same equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..train import Callback, History, Samples, Trainer

_MOST = 10_000  # training samples that are judged after every epoch


class TrainingCurve(Callback):
    """Adds `train_loss` and the training measure to every row of the history.

    The loop's `loss` is the cost as trained: with dropout, penalties and the parameters of that moment. This one has
    the equations of prediction and the epoch's last parameters, like `val_loss`; of many samples it takes 10,000.
    """

    def __init__(self, samples: Samples, measures: Mapping[str, Any], seed: int) -> None:
        if len(samples) > _MOST:
            chosen = np.random.default_rng(seed).choice(len(samples), _MOST, replace=False)
            samples = samples.take(np.sort(chosen))
        self.samples, self.measures = samples, measures

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        loss, Yhat = trainer.model.loss_and_prediction(self.samples)
        written: dict[str, Any] = {"train_loss": loss}
        written |= {f"train_{name}": float(f(self.samples.targets, Yhat)) for name, f in self.measures.items()}
        trainer.history.rows[-1].update(written)


def comparable(history: History) -> dict[str, list[float]]:
    """Curves for `evaluate.overfitting` and `show.curves_figure`: loss, val_loss, and the measure of both."""
    found: dict[str, list[float]] = {"loss": history["train_loss"]}
    for name in history:
        if name.startswith("val_"):
            found[name] = history[name]
        elif name.startswith("train_") and name != "train_loss":
            found[name.removeprefix("train_")] = history[name]
    return found


__all__ = ["TrainingCurve", "comparable"]
