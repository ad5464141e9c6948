"""What all pictures share: colors, a figure without global state, and writing the file.

Colors are those of Okabe and Ito (2008), which stay distinct for all common kinds of color vision.
"""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chainrule.errors import ConfigurationError

BLUE = "#0072B2"
ORANGE = "#D55E00"
INK = "#222222"
GRAY = "#7A7A7A"
GRID = "#E3E3E3"

_FORMATS = ("png", "svg", "pdf")
_PIXELS_PER_INCH = 160
_COMPRESSION = 3  # of PNG: a third of the time of the default 6 for a tenth more bytes
# Inches: a line of a label, the ticks' names below the axes, a tick or a gap, and the room that words take on each side
_LABEL, _TICK, _GAP = 0.17, 0.26, 0.09
_LEFT, _BELOW, _RIGHT, _ABOVE = 0.8, 0.58, 0.16, 0.45


def new_figure(width: float, height: float) -> Any:
    """Return a matplotlib Figure of `width` × `height` inches that no global state knows of.

    Raises ConfigurationError where matplotlib is not installed.
    """
    try:
        # Figures are drawn by Agg whatever display there is; savefig picks the vector canvas for svg and pdf by itself.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "pictures need matplotlib, which is not installed: pip install 'chainrule[plots]'."
        ) from error
    figure = Figure(figsize=(width, height), dpi=_PIXELS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def fill(axes: Any, left: float, bottom: float, width: float, height: float) -> None:
    """Let axes with all their words fill a part of their figure, in inches from its lower left corner.

    Ticks are measured once. matplotlib's own layouts measure them a dozen times, which takes longer than drawing.
    """
    place(axes, left + _LEFT, bottom + _BELOW, width - _LEFT - _RIGHT, height - _BELOW - _ABOVE)
    wide = extent(axes.get_yticklabels())[0]
    side = wide + _LABEL + 3 * _GAP
    place(axes, left + side, bottom + _BELOW, width - side - _RIGHT, height - _BELOW - _ABOVE)
    put_labels(axes, wide + 2 * _GAP, _TICK)
    if axes.yaxis.get_major_formatter().get_offset():  # a factor such as 1e6, written above the axis
        _title(axes, axes.get_title("left"), 18)


def place(axes: Any, left: float, bottom: float, width: float, height: float) -> None:
    """Put the box of axes at a place of their figure, in inches from its lower left corner."""
    wide, high = axes.figure.get_size_inches()
    axes.set_position((left / wide, bottom / high, width / wide, height / high))


def put_labels(axes: Any, left: float, below: float) -> None:
    """Put the labels of both axes so many inches away from the box, and a line's height more."""
    wide, high = axes.figure.get_size_inches()
    box = axes.get_position()
    axes.yaxis.set_label_coords(-(left + _LABEL / 2) / (box.width * wide), 0.5)
    axes.yaxis.label.set_verticalalignment("center")
    axes.xaxis.set_label_coords(0.5, -(below + _LABEL / 2) / (box.height * high))
    axes.xaxis.label.set_verticalalignment("center")


def extent(texts: Iterable[Any]) -> tuple[float, float]:
    """Width and height in inches of the largest of some texts of a figure; empty ones take no room."""
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return (
        max((box.width for box in boxes), default=0.0) / _PIXELS_PER_INCH,
        max((box.height for box in boxes), default=0.0) / _PIXELS_PER_INCH,
    )


def style_axes(axes: Any, title: str, x_label: str, y_label: str) -> None:
    """Give axes their title and labels, a light grid behind the data and no box."""
    _title(axes, title, 7)
    axes.set_xlabel(x_label, fontsize=10, color=INK)
    axes.set_ylabel(y_label, fontsize=10, color=INK, parse_math=False)
    axes.tick_params(labelsize=9, colors=INK, length=3, color=GRAY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _title(axes: Any, title: str, above: float) -> None:
    axes.set_title(title, loc="left", y=1.0, pad=above, fontsize=11, color=INK, fontweight="bold", parse_math=False)


def add_legend(axes: Any, place: str = "best") -> None:
    """Explain the lines, on white so that the grid does not run through the words."""
    axes.legend(loc=place, fontsize=9, labelcolor=INK, facecolor="white", edgecolor="none", framealpha=0.9)


def save_figure(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Draw `figure` into `path` and return the path; .png, .svg or .pdf, decided by the name.

    The picture is drawn in memory, written under a temporary name in the same folder and renamed, so `path` is always
    either the old picture or the whole new one. Raises ConfigurationError for another suffix or a folder that is not
    there.
    """
    target = Path(path)
    kind = target.suffix.lower().lstrip(".")
    if kind not in _FORMATS:
        raise ConfigurationError(f"a picture cannot be written as {target.name!r}: end the name in .png, .svg or .pdf.")
    if not target.parent.is_dir():
        raise ConfigurationError(f"the folder {str(target.parent)!r} of the picture does not exist: create it first.")
    drawn = io.BytesIO()
    if kind == "png":  # savefig would draw twice, first to find boxes that are not asked for
        figure.canvas.print_png(drawn, pil_kwargs={"compress_level": _COMPRESSION})
    else:
        figure.savefig(drawn, format=kind)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(drawn.getvalue())
        os.replace(temporary, target)
    except OSError as error:
        raise ConfigurationError(f"the picture {str(target)!r} cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def shortened(text: object, most: int = 18) -> str:
    """Return `text` on one line, cut to `most` signs."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
