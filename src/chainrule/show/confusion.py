"""The confusion matrix as a heat map."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.evaluate import Confusion
from chainrule.show.picture import GRAY, INK, extent, new_figure, place, put_labels, save_figure, shortened

# Up to here every cell shows its count and share; beyond, numbers would be too small to read.
_NUMBERS_UP_TO = 20
_BAR = 0.9  # inches that the scale takes on the right
# More class names than this do not fit along an axis; then every second, third, … is named.
_NAMES_UP_TO = 50


def confusion_figure(confusion: Confusion, path: str | os.PathLike[str]) -> Path:
    """Draw the confusion matrix into `path` (.png, .svg or .pdf) and return it.

    Rows are true classes. The color of a cell is its share of the row, so the diagonal shows the class recall; the
    scale is a square root, because mistakes are rare and would all look white. Up to 20 classes each cell shows its
    count and row percentage. Raises ConfigurationError if the file cannot be written or matplotlib is not installed.
    """
    size = len(confusion.labels)
    share = 100 * confusion.matrix / np.maximum(confusion.support, 1)[:, None]
    numbers = size <= _NUMBERS_UP_TO
    side = float(np.clip(0.62 * size, 2.6, 11.5)) if numbers else 9.0
    names = [shortened(label) for label in confusion.labels]
    figure = new_figure(side, side)
    axes = figure.add_axes((0, 0, 1, 1))
    from matplotlib.colors import PowerNorm

    # Cells as a mesh: an image would be colored pixel by pixel, and its grid would need lines of its own.
    edges = np.arange(size + 1) - 0.5
    scale = PowerNorm(0.5, vmin=0, vmax=100)
    grid = {"edgecolors": "white", "linewidth": 1.2} if numbers else {"rasterized": True}
    image = axes.pcolormesh(edges, edges, share, cmap="Blues", norm=scale, **grid)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    _name_classes(axes, names, side / size)
    bar = figure.colorbar(image, cax=figure.add_axes((0, 0, 1, 1)), ticks=[0, 1, 5, 20, 50, 100])
    bar.set_label("share of the true class (row) in %", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK, length=3)
    bar.outline.set_visible(False)
    title = f"Accuracy {100 * confusion.accuracy:.2f} % of {confusion.samples} samples"
    words = axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=10, y=1.0)
    left, below = extent(axes.get_yticklabels())[0], extent(axes.get_xticklabels())[1]
    width = max(side + _BAR, extent([words])[0] + 0.1)
    figure.set_size_inches(left + width + 0.4, below + side + 0.9)
    place(axes, left + 0.4, below + 0.4, side, side)
    place(bar.ax, left + side + 0.5, below + 0.4, max(0.12, 0.03 * side), side)
    put_labels(axes, left + 0.1, below + 0.1)
    if numbers:
        _write_numbers(axes, confusion.matrix, share, 72 * side / size)
    return save_figure(figure, path)


def _name_classes(axes: Any, names: list[str], cell: float) -> None:
    size = len(names)
    step = -(-size // _NAMES_UP_TO)
    places = np.arange(0, size, step)
    chosen = [names[place] for place in places]
    font = 9 if size <= 30 else 7
    # A letter of 9 points is about 0.08 inches wide.
    upright = 0.08 * max(map(len, chosen)) > 0.95 * cell * step
    axes.set_xticks(places, chosen, fontsize=font, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(places, chosen, fontsize=font, parse_math=False)
    axes.set_xlabel("predicted class", fontsize=10, color=INK)
    axes.set_ylabel("true class", fontsize=10, color=INK)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_color(GRAY)


def _write_numbers(axes: Any, matrix: NDArray[np.int64], share: NDArray[np.float64], cell: float) -> None:
    """Write count and percentage into each cell of `cell` points."""
    # A digit is about 0.64 times as wide as its font size; percentages have up to 7 signs, some narrow.
    font = min(10.5, 0.85 * cell / (0.64 * max(3, len(str(matrix.max())))))
    small = min(0.8 * font, 0.92 * cell / (0.6 * 6))
    for (i, j), count in np.ndenumerate(matrix):
        # White ink on the dark half of the (square-root) scale.
        ink = "white" if share[i, j] > 30 else INK
        if count == 0:
            axes.text(j, i, "0", ha="center", va="center", fontsize=font, color=GRAY)
            continue
        for text, above, size in (
            (str(count), 0.55 * font, font),
            (_percent(float(share[i, j])), -0.75 * font, small),
        ):
            axes.text(j, i - above / cell, text, ha="center", va="center", fontsize=size, color=ink)


def _percent(share: float) -> str:
    """Share of a cell that is not empty, in %."""
    if share < 0.05:
        return "<0.1 %"
    return "100 %" if share == 100 else f"{share:.1f} %"
