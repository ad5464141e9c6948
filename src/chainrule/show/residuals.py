"""Regression: predicted against true values, and the residuals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ConfigurationError
from chainrule.evaluate.arrays import target_pair
from chainrule.show.picture import BLUE, ORANGE, add_legend, fill, new_figure, save_figure, shortened, style_axes

# Beyond this many samples dots cover each other, so their density is drawn.
_DOTS_UP_TO = 3000
_MOST_OUTPUTS = 6
_SQUARE, _WIDTH = 4.4, 5.6  # inches: height of a row and about the width of its left panel; width of its right one


def residuals_figure(y: ArrayLike, yhat: ArrayLike, path: str | os.PathLike[str], name: str = "y") -> Path:
    """Draw predicted against true values, and residuals y − ŷ against predictions, into `path` and return it.

    y, yhat: shape (n,), or (n, k) for up to 6 outputs, one row of pictures each. name: what is predicted, for the axes.
    A perfect prediction lies on the dashed line.

    Raises DataError for shapes that differ or numbers that are not finite, ConfigurationError for too many outputs, or
    if the file cannot be written or matplotlib is not installed.
    """
    truth, guess = target_pair(y, yhat)
    outputs = truth.shape[1]
    if outputs > _MOST_OUTPUTS:
        raise ConfigurationError(
            f"{outputs} outputs do not fit into one picture: pass at most {_MOST_OUTPUTS} columns."
        )
    figure = new_figure(_SQUARE + _WIDTH, _SQUARE * outputs)
    for k in range(outputs):
        label = shortened(name, 40) if outputs == 1 else f"{shortened(name, 36)}[{k}]"
        left, right = (figure.add_axes((0, 0, 1, 1), label=f"{k} {side}") for side in ("left", "right"))
        _output(left, right, truth[:, k], guess[:, k], label)
        bottom = _SQUARE * (outputs - 1 - k)
        fill(left, 0.0, bottom, _SQUARE + 0.2, _SQUARE)
        fill(right, _SQUARE + 0.2, bottom, _WIDTH - 0.2, _SQUARE)
    return save_figure(figure, path)


def _output(left: Any, right: Any, truth: NDArray[Any], guess: NDArray[Any], label: str) -> None:
    residual = truth - guess
    rmse = float(np.sqrt(np.mean(residual**2)))
    style_axes(left, "Predicted against true", "", f"predicted {label}")
    left.set_xlabel(f"true {label}", parse_math=False)
    _cloud(left, truth, guess)
    low, high = min(truth.min(), guess.min()), max(truth.max(), guess.max())
    margin = 0.04 * (high - low) or max(1.0, abs(high)) * 0.05
    limits = (low - margin, high + margin)
    left.plot(limits, limits, color=ORANGE, linewidth=1.4, linestyle="--", label="perfect prediction")
    left.set(xlim=limits, ylim=limits, aspect="equal")
    add_legend(left, "upper left")

    style_axes(right, f"Residuals: RMSE {rmse:.4g}, n = {truth.size}", "", f"true − predicted {label}")
    right.set_xlabel(f"predicted {label}", parse_math=False)
    _cloud(right, guess, residual)
    right.axhline(0, color=ORANGE, linewidth=1.4, linestyle="--")
    reach = 1.08 * float(np.abs(residual).max()) or 1.0
    right.set_ylim(-reach, reach)


def _cloud(axes: Any, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Dots for few samples, hexagons of density for many."""
    if x.size <= _DOTS_UP_TO:
        opacity = float(np.clip(40 / np.sqrt(x.size + 1), 0.25, 0.9))
        axes.scatter(x, y, s=16, color=BLUE, alpha=opacity, linewidths=0)
    else:
        from matplotlib.colors import LinearSegmentedColormap

        # Not from white: a single sample must be seen.
        density = LinearSegmentedColormap.from_list("density", ["#B5D4E9", BLUE, "#062B4A"])
        axes.hexbin(x, y, gridsize=60, cmap=density, bins="log", mincnt=1, linewidths=0.2)
