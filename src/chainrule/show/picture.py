"""What all pictures share: colors, a figure without global state, and writing the file.

Colors are those of Okabe and Ito (2008), which stay distinct for all common kinds of color vision.
"""

from __future__ import annotations

import io
import os
import uuid
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


def new_figure(width: float, height: float) -> Any:
    """Return a matplotlib Figure of `width` × `height` inches that no global state knows of.

    Raises ConfigurationError where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise ConfigurationError(
            "pictures need matplotlib, which is not installed: pip install 'chainrule[plots]'."
        ) from error
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12), facecolor="white")


def style_axes(axes: Any, title: str, x_label: str, y_label: str) -> None:
    """Give axes their title and labels, a light grid behind the data and no box."""
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold", parse_math=False)
    axes.set_xlabel(x_label, fontsize=10, color=INK)
    axes.set_ylabel(y_label, fontsize=10, color=INK, parse_math=False)
    axes.tick_params(labelsize=9, colors=INK, length=3, color=GRAY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


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
    # Figures are drawn by Agg whatever display there is; savefig picks the vector canvas for svg and pdf by itself.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, drawn = FigureCanvasAgg(figure), io.BytesIO()
    if kind == "png":  # savefig would draw twice, first to find boxes that are not asked for
        figure.set_dpi(_PIXELS_PER_INCH)
        canvas.print_png(drawn)  # type: ignore[no-untyped-call]
    else:
        figure.savefig(drawn, format=kind, dpi=_PIXELS_PER_INCH)
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
