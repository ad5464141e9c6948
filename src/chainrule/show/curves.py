"""Learning curves: loss and measures of training and validation against the epoch."""

from __future__ import annotations

import os
import warnings
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
_SMOOTH_FROM = 300
# From so many epochs on a loss whose second half takes less than this share of the whole range is logarithmic too.
_FLAT_FROM, _FLAT = 50, 0.1
_SPELLED = {"r2": "R²"}


def curves_figure(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str], measures: Sequence[str] | None = None
) -> Path:
    """Draw the learning curves into `path` (.png, .svg or .pdf) and return it.

    history: one number per epoch for each name, as the training returns it: `loss`, `val_loss`, and measures such as
    `accuracy`, `val_accuracy`. measures: the names to draw next to the loss, without `val_`; if left out, those that
    were recorded for the validation set too. NaN leaves a gap. The epoch of least validation loss (training loss if
    there is none) is marked. Losses that are positive and fall by more than a factor of 100, or that hardly change in
    the second half, get a logarithmic axis; from 300 epochs on the moving median is drawn over the curve.

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
    title = _SPELLED.get(name, name.replace("_", " "))
    style_axes(axes, title[:1].upper() + title[1:], "epoch", title)
    _line(axes, epochs, train, BLUE, "-", "training")
    judged, kind = train, "training"
    if validation is not None:
        # Dashes tell the curves apart in black and white too.
        _line(axes, epochs, validation, ORANGE, "--", "validation")
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
    if name == "loss" and shown.min() > 0 and (shown.max() > _LOGARITHMIC_FROM * shown.min() or _flat(train, judged)):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # 0.01, which is also drawn faster than a power of ten
        axes.set_ylabel(f"{title} (logarithmic)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    # There is no epoch 0.
    axes.set_xlim(0.5, train.size + max(0.5, 0.02 * train.size))
    add_legend(axes)


def _line(axes: Any, epochs: NDArray[Any], curve: NDArray[Any], color: str, dashes: str, label: str) -> None:
    """A curve; one of so many epochs that its noise would be a band is drawn thin, with its moving median on it."""
    dot = "o" if curve.size <= _DOTS_UP_TO else None
    if curve.size < _SMOOTH_FROM:
        axes.plot(epochs, curve, color=color, linewidth=1.8, linestyle=dashes, marker=dot, markersize=4, label=label)
        return
    window = curve.size // 50 | 1  # odd
    filled = np.pad(curve, window // 2, constant_values=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window without a finite epoch is a gap
        middle = np.nanmedian(np.lib.stride_tricks.sliding_window_view(filled, window), axis=1)
    axes.plot(epochs, curve, color=color, linewidth=0.6, alpha=0.3)
    axes.plot(epochs, middle, color=color, linewidth=1.8, linestyle=dashes, label=f"{label}, median of {window} epochs")


def _flat(*curves: NDArray[Any]) -> bool:
    """Whether the first epochs are so high that the second half of all curves would be a line at the bottom."""
    rest = np.concatenate([curve[curve.size // 2 :] for curve in curves])
    whole = np.concatenate(curves)
    rest, whole = rest[np.isfinite(rest)], whole[np.isfinite(whole)]
    if curves[0].size < _FLAT_FROM or not rest.size:
        return False
    return bool(np.ptp(rest) < _FLAT * np.ptp(whole))


def _finite_or_gap(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(curve), curve, np.nan)
