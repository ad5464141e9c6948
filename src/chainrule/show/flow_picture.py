"""The picture of a `Flow`: SVG and HTML by ourselves, PNG and PDF by matplotlib."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

from chainrule.errors import ConfigurationError
from chainrule.files import write_atomic
from chainrule.show.flow import Flow
from chainrule.show.flow_layout import SIZE, Arrow, Layout, lay_out
from chainrule.show.picture import GRAY, new_figure, save_figure

_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_PER_INCH = 96.0  # pixels
_HEAD = 7.0  # length of an arrow's head, in pixels
KINDS = (".svg", ".html", ".png", ".pdf")


def flow_figure(flow: Flow, path: str | os.PathLike[str]) -> Path:
    """Draw the computational graph into `path`, as its name ends: .svg, .html, .png or .pdf.

    Raises ConfigurationError for another ending, if the file cannot be written, or if matplotlib is not installed
    (for .png and .pdf).
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in KINDS:
        raise ConfigurationError(
            f"a graph cannot be written as {target.name!r}: end the name in {', '.join(KINDS[:-1])} or {KINDS[-1]}."
        )
    layout = lay_out(flow)
    if kind in (".png", ".pdf"):
        return save_figure(_figure(layout), target)
    drawn = svg(layout)
    write_atomic(target, (drawn if kind == ".svg" else _page(flow.title, drawn)).encode("utf-8"))
    return target


def svg(layout: Layout) -> str:
    """A stand-alone SVG; letters stay letters, so that they can be searched and read aloud."""
    size = f'width="{layout.width:.0f}" height="{layout.height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {layout.width:.0f} {layout.height:.0f}" '
        f'font-family="{_FONTS}" font-size="{SIZE:g}" xml:space="preserve">',
        "<style>text{white-space:pre}</style>",  # leading blanks; browsers collapse them otherwise
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    lines += [_arrow(arrow) for arrow in layout.arrows]
    for f in layout.frames:
        lines.append(
            f'<rect x="{f.x:.1f}" y="{f.y:.1f}" width="{f.width:.1f}" height="{f.height:.1f}" rx="5" '
            f'fill="{f.fill}" stroke="{GRAY}"/>'
        )
    for w in [*layout.words, *(w for f in layout.frames for w in f.words)]:
        weight = ' font-weight="bold"' if w.bold else ""
        lines.append(f'<text x="{w.x:.1f}" y="{w.y:.1f}" fill="{w.color}"{weight}>{escape(w.text)}</text>')
    return "\n".join([*lines, "</svg>\n"])


def _arrow(arrow: Arrow) -> str:
    dashes = ' stroke-dasharray="5 3"' if arrow.dashed else ""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow.points)
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in _head(arrow))
    return (
        f'<polyline points="{points}" fill="none" stroke="{arrow.color}" stroke-width="1.4"{dashes}/>'
        f'<polygon points="{head}" fill="{arrow.color}"/>'
    )


def _head(arrow: Arrow) -> list[tuple[float, float]]:
    """The triangle at the end of the last stretch, which is horizontal or vertical."""
    (x0, y0), (x, y) = arrow.points[-2:]
    dx, dy = (_HEAD if x > x0 else -_HEAD, 0.0) if abs(x - x0) > abs(y - y0) else (0.0, _HEAD if y > y0 else -_HEAD)
    return [(x, y), (x - dx + dy / 2, y - dy + dx / 2), (x - dx - dy / 2, y - dy - dx / 2)]


def _page(title: str, drawn: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n"
        f'<body style="margin:0;overflow-x:auto">\n{drawn}</body></html>\n'
    )


def _figure(layout: Layout) -> Any:
    from matplotlib.patches import FancyBboxPatch, Polygon

    figure = new_figure(layout.width / _PER_INCH, layout.height / _PER_INCH)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    axes.set_axis_off()
    points = 72 / _PER_INCH  # of a pixel
    for a in layout.arrows:
        xs, ys = zip(*a.points, strict=True)
        axes.plot(xs, ys, color=a.color, linewidth=1.4 * points, linestyle=(0, (4, 2)) if a.dashed else "-")
        axes.add_patch(Polygon(_head(a), closed=True, color=a.color, linewidth=0))
    for f in layout.frames:
        style = "round,pad=0,rounding_size=5"
        axes.add_patch(
            FancyBboxPatch(
                (f.x, f.y),
                f.width,
                f.height,
                boxstyle=style,
                facecolor=f.fill,
                edgecolor=GRAY,
                linewidth=points,
                zorder=3,
            )
        )
    for w in [*layout.words, *(w for f in layout.frames for w in f.words)]:
        axes.text(
            w.x,
            w.y,
            w.text,
            color=w.color,
            fontsize=SIZE * points,
            fontfamily="monospace",
            fontweight="bold" if w.bold else "normal",
            parse_math=False,
            zorder=4,
        )
    return figure


__all__ = ["KINDS", "flow_figure", "svg"]
