"""Learning curves: loss and measures of training and validation against the epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, unknown_name
from chainrule.evaluate.arrays import learning_curve
from chainrule.show.picture import BLUE, GRAY, INK, ORANGE, add_legend, fill, new_figure, save_figure, style_axes

# A loss that falls by more than this factor is drawn on a logarithmic axis.
_LOGARITHMIC_FROM = 100.0
_WIDTH, _HEIGHT = 5.6, 4.0  # inches of a panel
# Up to here every epoch has a dot, so that one or two epochs are seen at all.
_DOTS_UP_TO = 30


def curves_figure(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str], measures: Sequence[str] | None = None
) -> Path:
    """Draw the learning curves into `path` (.png, .svg or .pdf) and return it.

    history: one number per epoch for each name, as the training returns it: `loss`, `val_loss`, and measures such as
    `accuracy`, `val_accuracy`. measures: the names to draw next to the loss, without `val_`; if left out, those that
    were recorded for the validation set too. NaN leaves a gap. The epoch of least validation loss (training loss if
    there is none) is marked. Losses that are positive and fall by more than a factor of 100 get a logarithmic axis.

    Raises DataError without a finite `loss` or for curves of different length, UnknownNameError for a measure that was
    not recorded, ConfigurationError if the file cannot be written or matplotlib is not installed.
    """
    if measures is None:
        measures = [name for name in history if name != "loss" and f"val_{name}" in history]
    names = ["loss", *measures]
    for name in names:
        if name not in history and name != "loss":
            raise unknown_name("measure", name, [known for known in history if not known.startswith("val_")])
    wanted = [key for name in names for key in (name, f"val_{name}") if key in history or key == "loss"]
    curves = {key: _finite_or_gap(learning_curve(history, key)) for key in wanted}
    epochs = curves["loss"].size
    for name, curve in curves.items():
        if curve.size != epochs:
            raise DataError(f"{name} has {curve.size} epochs and loss {epochs}, but all curves need the same epochs.")
    judged = curves.get("val_loss", curves["loss"])
    if not np.isfinite(judged).any():
        raise DataError("no epoch has a finite loss, so there is no learning curve to draw.")
    best = int(np.nanargmin(judged)) + 1

    figure = new_figure(_WIDTH * len(names) + 0.2, _HEIGHT)
    for k, name in enumerate(names):
        axes = figure.add_axes((0, 0, 1, 1))
        _panel(axes, name, curves[name], curves.get(f"val_{name}"), best)
        fill(axes, _WIDTH * k + 0.1, 0.0, _WIDTH, _HEIGHT)
    return save_figure(figure, path)


def _panel(axes: Any, name: str, train: NDArray[Any], validation: NDArray[Any] | None, best: int) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, train.size + 1)
    title = name.replace("_", " ")
    style_axes(axes, title[:1].upper() + title[1:], "epoch", title)
    dot = "o" if train.size <= _DOTS_UP_TO else None
    axes.plot(epochs, train, color=BLUE, linewidth=1.8, marker=dot, markersize=4, label="training")
    judged, kind = train, "training"
    if validation is not None:
        # Dashes tell the curves apart in black and white too.
        axes.plot(
            epochs,
            validation,
            color=ORANGE,
            linewidth=1.8,
            linestyle="--",
            marker=dot,
            markersize=4,
            label="validation",
        )
        judged, kind = validation, "validation"
    axes.axvline(best, color=GRAY, linewidth=1.0, linestyle=":", zorder=1)
    value = judged[best - 1]
    if np.isfinite(value):
        chosen = f"least {kind} loss" if name == "loss" else "at the least loss"
        axes.plot(
            best,
            value,
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            linestyle="none",
            label=f"{chosen}: {value:.4g} in epoch {best}",
        )
    shown = np.concatenate([curve[np.isfinite(curve)] for curve in (train, judged)])
    if name == "loss" and shown.min() > 0 and shown.max() > _LOGARITHMIC_FROM * shown.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # 0.01, which is also drawn faster than a power of ten
        axes.set_ylabel(f"{title} (logarithmic)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    # There is no epoch 0.
    axes.set_xlim(0.5, train.size + max(0.5, 0.02 * train.size))
    add_legend(axes)


def _finite_or_gap(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(curve), curve, np.nan)
