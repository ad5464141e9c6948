"""A derivation as one HTML page with MathML: nothing is fetched, no script runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import count

from ..document import Document, Line, Section
from .lines import INDEXED, Writer, shape_of
from .tex_lines import Row, blocks

ROOM = 70.0
FOLDED = ("proof", "activation", "law", "steps", "two ways")  # kinds of sections that open on demand
_STYLE = """
.chainrule{--ink:#1c1c1e;--paper:#fff;--faint:#6b6f76;--rule:#d9dce1;--box:#f6f7f9;color:var(--ink);
background:var(--paper);font:1rem/1.5 Charter,"Bitstream Charter","Iowan Old Style",Georgia,serif;max-width:50rem;
margin:0 auto;padding:1rem}
@media (prefers-color-scheme:dark){.chainrule{--ink:#e6e6e8;
--paper:#16181c;--faint:#9a9fa8;--rule:#363a42;--box:#1e2126}}
.chainrule h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}
.chainrule h2{font-size:1.25rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule);padding-bottom:.2rem}
.chainrule h3,.chainrule h4,.chainrule h5{font-size:1.05rem;margin:1.2rem 0 .4rem}
.chainrule p{margin:.5rem 0}
.chainrule .lines{display:grid;grid-template-columns:max-content minmax(0,1fr) max-content max-content;
column-gap:.35rem;row-gap:.45rem;align-items:center;margin:.8rem 0;padding:0;list-style:none}
.chainrule .line{display:contents}
.chainrule .left{text-align:right;grid-column:1}
.chainrule .right{grid-column:2;overflow-x:auto;overflow-y:hidden;padding:.12rem 0}
.chainrule .whole{grid-column:1/3;overflow-x:auto;overflow-y:hidden;padding-left:1rem}
.chainrule .more{padding-left:2.2rem}
.chainrule .shape{grid-column:3;color:var(--faint);font-size:.85rem;white-space:nowrap;padding-left:.8rem}
.chainrule .number{grid-column:4;text-align:right;color:var(--faint);padding-left:.6rem}
.chainrule sub,.chainrule sup{font-size:.72em;line-height:0}
.chainrule .why{grid-column:2/4;color:var(--faint);font-size:.87rem;padding-left:1.4rem;margin-top:-.35rem}
.chainrule math{font-size:1.08em}
.chainrule mtd{padding:.12em .35em;text-align:right}
.chainrule details{background:var(--box);border:1px solid var(--rule);border-radius:.4rem;
padding:.3rem .9rem;margin:.7rem 0}
.chainrule summary{cursor:pointer;font-weight:600}
.chainrule pre{background:var(--box);border:1px solid var(--rule);border-radius:.4rem;padding:.7rem;overflow-x:auto;
font-size:.85rem;line-height:1.4}
@media (max-width:34rem){.chainrule .lines{grid-template-columns:minmax(0,1fr) max-content max-content;
grid-auto-flow:row dense}.chainrule .left,.chainrule .whole{grid-column:1;text-align:left;
overflow-x:auto;padding-left:0}
.chainrule .right,.chainrule .why{grid-column:1/4}.chainrule .why{padding-left:.6rem}.chainrule .shape{grid-column:2}
.chainrule .number{grid-column:3}}
@media print{.chainrule{max-width:none}.chainrule details>*{display:block}}
"""
_NAMES = re.compile(r"<mo>([A-Za-z]{2,})</mo>")  # a function's name is no operator, which would stand apart
_AFTER = re.compile(r"(</(?:mi|mn|mfrac|msup|msub|msubsup|mrow)>)(<mi>[A-Za-z]{2,}</mi>)")
_GROUPS = re.compile(r"(?<![A-Za-z\\])\{\}")


def html(document: Document, writer: Writer) -> str:
    """A whole page; `writer` writes a formula in LaTeX, which becomes MathML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(document.title)}</title>\n"
        "<style>body{margin:0}@media (prefers-color-scheme:dark){body{background:#16181c}}</style>\n"
        f"</head>\n<body>\n{fragment(document, writer, tag='main')}</body>\n</html>\n"
    )


def fragment(document: Document, writer: Writer, *, tag: str = "div") -> str:
    """The document without the page around it, with its style: what a notebook shows."""
    numbers = count(1)
    body = [f"<h1>{escape(document.title)}</h1>"]
    if document.subject not in document.title:
        body.append(f"<p>{prose(document.subject)}</p>")
    for section in document.sections:
        body += _section(section, writer, numbers, 2)
    return f'<{tag} class="chainrule">\n<style>{_STYLE}</style>\n' + "\n".join(body) + f"\n</{tag}>\n"


def _section(
    section: Section, writer: Writer, numbers: Iterator[int], depth: int, inside: bool = False
) -> Iterator[str]:
    folded = section.kind in FOLDED and bool(section.title) and not inside
    yield "<details>" if folded else "<section>"
    if section.title:
        title = prose(section.title)
        yield f"<summary>{title}</summary>" if folded else f"<h{min(depth, 6)}>{title}</h{min(depth, 6)}>"
    yield from (f"<p>{prose(x)}</p>" for x in section.prose.splitlines() if x.strip())
    if section.lines:
        yield '<div class="lines">'
        formulas = [x.formula for x in section.lines]
        found = blocks(formulas, writer, [ROOM] * len(formulas), decimals=section.kind == "numbers")
        for line, lines in zip(section.lines, found, strict=True):
            yield from _line(line, lines, next(numbers))
        yield "</div>"
    if section.code is not None:
        yield f"<pre><code>{escape(section.code[0])}</code></pre>"
    for part in section.parts:
        yield from _section(part, writer, numbers, depth + 1, inside or folded)
    yield "</details>" if folded else "</section>"


def _line(line: Line, lines: list[Row], number: int) -> Iterator[str]:
    yield f'<div class="line" id="line-{number}">'
    for k, row in enumerate(lines):
        yield from _cells(row, k)
        if k == 0:
            yield f'<span class="shape">{prose(shape_of(line.shape))}</span>'
            yield f'<span class="number">({number})</span>'
    if line.why:
        yield f'<div class="why">{prose(line.why)}</div>'
    yield "</div>"


def _cells(row: Row, k: int) -> Iterator[str]:
    if row.relation:
        yield f'<div class="left">{mathml(row.left)}</div>' if row.left else ""
        yield f'<div class="right">{mathml(f"{row.relation} {row.right}")}</div>'
    elif k == 0:
        yield f'<div class="whole">{mathml(row.right)}</div>'
    else:
        yield f'<div class="right more">{mathml(row.right)}</div>'


def prose(words: str) -> str:
    """Text with its signs escaped, and letters such as y_k with an index."""

    def set_(m: re.Match[str]) -> str:
        tag = "sub" if m[2] == "_" else "sup"
        return f"<i>{m[1]}</i><{tag}>{m[3].strip('{}')}</{tag}>"

    return INDEXED.sub(set_, escape(words))


@lru_cache(maxsize=4096)
def mathml(latex: str) -> str:
    """A piece of LaTeX as a `<math>` element in display style."""
    from latex2mathml.converter import convert

    latex = _GROUPS.sub("", latex).replace(r"\sum_", r"\sum\limits_").replace(":=", r"\coloneqq ")
    element: str = _AFTER.sub(r'\1<mspace width="0.167em" />\2', _NAMES.sub(r"<mi>\1</mi>", convert(latex.strip())))
    return element.replace('display="inline"', 'displaystyle="true"', 1)
