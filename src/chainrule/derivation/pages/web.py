"""A derivation as one HTML page with MathML: nothing is fetched, no script runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from ..document import Document, Line, Section
from .hand import Hand
from .lines import Numbering, shape_of
from .tex_lines import Row, blocks, broken, measure, parted
from .words import heading, pieces

ROOM = 70.0
NARROW = 38.0  # characters in a row of a telephone, numbers and shapes included
LONG = 14.0  # a left side beyond this does not push the others to the right there
FOLDED = ("proof", "activation", "law", "steps", "two ways")  # kinds of sections that open on demand
_DARK = "--ink:#e6e6e8;--paper:#16181c;--faint:#9a9fa8;--rule:#363a42;--box:#1e2126"
_LIGHT = "--ink:#1c1c1e;--paper:#fff;--faint:#6b6f76;--rule:#d9dce1;--box:#f6f7f9"
# Notebooks have themes of their own, whatever the system prefers: JupyterLab, VS Code, Colab.
_DARK_THEMES = ('[data-jp-theme-light="false"]', ".vscode-dark", 'html[theme="dark"]')
_LIGHT_THEMES = ('[data-jp-theme-light="true"]', ".vscode-light", 'html[theme="light"]')
_STYLE = (
    """
.chainrule{LIGHT;color:var(--ink);
background:var(--paper);font:1rem/1.5 Charter,"Bitstream Charter","Iowan Old Style",Georgia,serif;max-width:50rem;
margin:0 auto;padding:1rem}
@media (prefers-color-scheme:dark){.chainrule{DARK}}
.chainrule h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}
.chainrule h2{font-size:1.25rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule);padding-bottom:.2rem}
.chainrule h3,.chainrule h4,.chainrule h5{font-size:1.05rem;margin:1.2rem 0 .4rem}
.chainrule p{margin:.5rem 0}
.chainrule h1,.chainrule p,.chainrule .why{overflow-x:auto;overflow-y:hidden}
.chainrule .lines{display:grid;grid-template-columns:max-content minmax(0,1fr) max-content max-content;
column-gap:.35rem;row-gap:.45rem;align-items:baseline;margin:.8rem 0;padding:0;list-style:none}
.chainrule .line{display:contents}
.chainrule .left{text-align:right;grid-column:1}
.chainrule .right{grid-column:2/5;overflow-x:auto;overflow-y:hidden;padding:.12rem 0}
.chainrule .right.first{grid-column:2}.chainrule .right.bare{grid-column:2/4}
.chainrule .whole{grid-column:1/3;overflow-x:auto;overflow-y:hidden;padding-left:1rem}
.chainrule .whole.bare{grid-column:1/4}
.chainrule .more{padding-left:2.2rem}
.chainrule .side{display:inline-block;max-width:100%;padding:.05em 0 .05em 1.6em;text-indent:-1.6em}
.chainrule .side math{text-indent:0}.chainrule .gap{display:none}
.chainrule .shape{grid-column:3;color:var(--faint);font-size:.85rem;white-space:nowrap;padding-left:.8rem}
.chainrule .number{grid-column:4;text-align:right;color:var(--faint);padding-left:.6rem}
.chainrule sub,.chainrule sup{font-size:.72em;line-height:0}
.chainrule .why{grid-column:2/4;color:var(--faint);font-size:.87rem;padding-left:1.4rem;margin-top:-.35rem}
.chainrule math{font-size:1.08em}
.chainrule mfrac{padding:0 .1em}
.chainrule mtd{padding:.12em .35em}
.chainrule .decimals mtd{text-align:right;text-align:-webkit-right}
.chainrule details{background:var(--box);border:1px solid var(--rule);border-radius:.4rem;
padding:.3rem .9rem;margin:.7rem 0}
.chainrule summary{cursor:pointer;font-weight:600}
.chainrule pre{background:var(--box);border:1px solid var(--rule);border-radius:.4rem;padding:.7rem;overflow-x:auto;
font-size:.85rem;line-height:1.4}
@media (max-width:34rem){.chainrule .lines{grid-auto-flow:row dense}
.chainrule .left.long{grid-column:1/3;text-align:left;overflow-x:auto}
.chainrule .left.none{display:none}
.chainrule .gap{display:block;grid-column:2}.chainrule .gap.bare{grid-column:2/4}
.chainrule .right.far{grid-column:1/5}.chainrule .right.far.on{grid-column:1/3}
.chainrule .right.far.on.bare{grid-column:1/4}
.chainrule .why{grid-column:1/5;padding-left:.6rem}.chainrule .whole{padding-left:0}}
@media print{.chainrule{--ink:#000;--paper:#fff;--faint:#555;--rule:#bbb;--box:#fff;max-width:none;padding:0}
.chainrule details::details-content{display:block;content-visibility:visible}
.chainrule .line,.chainrule .why{break-inside:avoid}.chainrule h2,.chainrule h3,.chainrule h4{break-after:avoid}
.chainrule .right,.chainrule .whole{overflow:visible}}
""".replace("LIGHT", _LIGHT).replace("DARK", _DARK)
    + "".join(
        f"@media screen{{{','.join(f'{theme} .chainrule' for theme in themes)}{{{colors}}}}}\n"
        for themes, colors in ((_LIGHT_THEMES, _LIGHT), (_DARK_THEMES, _DARK))
    )
)
_SPACE = '<mspace width="0.167em" />'
_MENDED = (  # what the converter leaves to be said: pattern, what takes its place
    # an upright word is one identifier
    (r'(?:<mi mathvariant="normal">[A-Za-z]</mi>){2,}', lambda m: f"<mi>{re.sub('<[^>]*>', '', m[0])}</mi>"),
    # the name of a function is no operator, which would stand apart
    (r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>"),
    # what is no operator needs no room around it
    (r"<mo>(&#x02202;|∂)</mo>", r"<mi>\1</mi>"),
    (r"<mo>(&#x0002F;|/)</mo>", r'<mo lspace="0" rspace="0">\1</mo>'),
    # a thin space before a function and, where no bracket follows, behind it
    (r"(</(?:mi|mn|mfrac|msup|msub|msubsup|mrow)>|&#x00029;</mo>)(?=<mi>[A-Za-z]{2,}</mi>)", rf"\1{_SPACE}"),
    (r"(<mi>[A-Za-z]{2,}</mi>)(?=<m(?:i|n|sub|sup|over|frac)\b)", rf"\1{_SPACE}"),
    # a minus with nothing to its left is a sign, not a subtraction
    (
        r"(<mo[^>]*>(?:&#x00028;|&#x0005B;|&#x0003D;|&#x0002C;|&#x02190;|&#x02248;|&#x02254;)</mo>|</munder(?:over)?>)"
        r"<mo>&#x02212;</mo>",
        r'\1<mo form="prefix">&#x02212;</mo>',
    ),
)
_RAISED = re.compile(
    r"(\\begin\{([pb]matrix)\}(?:(?!\\begin).)*?\\end\{\2\})(?=\^)"
)  # the converter takes only ")" for the base
_GROUPS = re.compile(r"(?<![A-Za-z\\])\{\}")


def html(document: Document, hand: Hand) -> str:
    """A whole page; `hand` writes LaTeX, which becomes MathML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(document.title)}</title>\n"
        "<style>body{margin:0}@media (prefers-color-scheme:dark){body{background:#16181c}}</style>\n"
        f"</head>\n<body>\n{fragment(document, hand, tag='main')}</body>\n</html>\n"
    )


def fragment(document: Document, hand: Hand, *, tag: str = "div") -> str:
    """The document without the page around it, with its style: what a notebook shows."""
    numbers = Numbering()
    body = [f"<h1>{prose(document.title, hand)}</h1>"]
    if document.subject not in document.title:
        body.append(f"<p>{prose(document.subject, hand)}</p>")
    for section in document.sections:
        body += _section(section, hand, numbers, 2)
    return f'<{tag} class="chainrule" lang="en">\n<style>{_STYLE}</style>\n' + "\n".join(body) + f"\n</{tag}>\n"


def _section(section: Section, hand: Hand, numbers: Numbering, depth: int, inside: bool = False) -> Iterator[str]:
    folded = section.kind in FOLDED and bool(section.title) and not inside
    yield "<details>" if folded else "<section>"
    if section.title:
        title = prose(heading(section.title), hand)
        yield f"<summary>{title}</summary>" if folded else f"<h{min(depth, 6)}>{title}</h{min(depth, 6)}>"
    yield from (f"<p>{prose(x, hand)}</p>" for x in section.prose.splitlines() if x.strip())
    if section.lines:
        yield f'<div class="lines{" decimals" if section.kind == "numbers" else ""}">'
        rooms = [ROOM] * len(section.lines)
        found = blocks(section.lines, hand.formula, rooms, decimals=section.kind == "numbers")
        room = _room(section.lines, found, NARROW - (4 if inside or folded else 0))
        for line, lines in zip(section.lines, found, strict=True):
            number = numbers.next()
            yield from _line(line, lines, number, numbers.reason(line, section.kind), hand, room)
        yield "</div>"
    if section.code is not None:
        yield f"<pre><code>{escape(section.code[0])}</code></pre>"
    for part in section.parts:
        yield from _section(part, hand, numbers, depth + 1, inside or folded)
    yield "</details>" if folded else "</section>"


@dataclass(frozen=True)
class _Room:
    """Characters that a telephone has for a right side: in a row of its own line, beside a number, a shape too."""

    whole: float
    number: float
    shape: float


def _room(lines: Sequence[Line], found: Sequence[list[Row]], narrow: float) -> _Room:
    left = max((w for rows in found for r in rows if (w := measure(r.left)) <= LONG), default=0.0)
    whole = narrow - left - 1
    shape = max(len(shape_of(x.shape)) for x in lines)
    return _Room(whole, whole - 4, whole - 5 - 0.9 * shape)


def _line(line: Line, lines: list[Row], number: int, why: str, hand: Hand, room: _Room) -> Iterator[str]:
    yield '<div class="line">'
    shape = prose(shape_of(line.shape), hand)
    for k, row in enumerate(lines):
        yield from _cells(row, k, room.whole if k else room.shape if shape else room.number, bare=not shape)
        if k == 0:
            yield f'<span class="shape">{shape}</span>' if shape else ""
            yield f'<span class="number">({number})</span>'
    if why:
        yield f'<div class="why">{prose(why, hand)}</div>'
    yield "</div>"


def _cells(row: Row, k: int, room: float, *, bare: bool) -> Iterator[str]:
    """The two cells of a row; on a telephone a right side with more than `room` characters has a row of its own."""
    if k == 0 and not row.relation:
        yield f'<div class="whole{" bare" if bare else ""}">{mathml(row.right)}</div>'
        return
    long = measure(row.left) > LONG
    sides = _sides(row)
    far = long or max(measure(f"{relation} {side}") for relation, side in sides) > room
    begins = {"first": k == 0, "bare": k == 0 and bare, "more": not row.relation, "far": far}
    kinds = [x for x, so in {**begins, "on": k == 0 and not row.left}.items() if so]
    left = " long" if long else " none" if far and not row.left else ""
    yield f'<div class="left{left}">{mathml(row.left) if row.left else ""}</div>'
    if k == 0 and far and not long and row.left:
        yield f'<div class="gap{" bare" if bare else ""}"></div>'  # so that nothing later comes up there
    yield f'<div class="{" ".join(["right", *kinds])}">{"".join(_side(r, x) for r, x in sides)}</div>'


def _sides(row: Row) -> Sequence[tuple[str, str]]:
    """Each relation of a row with the side behind it; one without a relation goes on from the row above."""
    return parted(f"{row.relation} {row.right}")[1] if row.relation else (("", row.right),)


def _side(relation: str, side: str) -> str:
    """A relation and its side in pieces, between which a narrow page may break."""
    found = broken(side, NARROW - 8)
    if any(r"\right." in x for x in found):
        found = [side]  # brackets would lose their common height
    first, *more = found
    math = "<wbr>".join([mathml(f"{relation} {first}".strip()), *map(mathml, more)])
    return f'<span class="side">{math}</span>' if relation else math


def prose(words: str, hand: Hand) -> str:
    """A sentence with its signs escaped and its formulas in MathML."""
    return "".join(mathml(hand.words(p.text), "inline") if p.math else escape(p.text) for p in pieces(words))


@lru_cache(maxsize=4096)
def mathml(latex: str, display: str = "block") -> str:
    """A piece of LaTeX as a `<math>` element, in display style unless it stands inline."""
    from latex2mathml.converter import convert

    goes_on = latex.startswith("{}")  # a row, or a piece of one
    latex = _RAISED.sub(r"{\1}", latex)
    latex = _GROUPS.sub("", latex).replace(":=", r"\coloneqq ")
    latex = latex.replace(r"\sum_", r"\sum\limits_") if display == "block" else latex
    element: str = convert(latex.strip())
    for pattern, new in _MENDED:
        element = re.sub(pattern, new, element)
    if goes_on:  # the sign that begins the row is no sign of what follows
        element = re.sub(r"(<math[^>]*><mrow>)<mo>", r'\1<mo form="infix">', element, count=1)
    return element.replace('display="inline"', 'displaystyle="true"', 1) if display == "block" else element
