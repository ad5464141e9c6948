"""The report as one page: no network, no script; formulas as MathML where LaTeX was read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Any

from .report import DocumentReport, Entry, details, reason, shortened, summary
from .tex import words

_SIGNS = {"right": "✓", "right if": "≈", "wrong": "✗", "cannot tell": "?", "definition": "≔", "no statement": "·"}
_ELEMENTS = words(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd mstyle",
    "mpadded mphantom menclose",
)
_ATTRIBUTES = words(
    "display stretchy fence form mathvariant columnalign linethickness accent accentunder displaystyle scriptlevel",
    "lspace rspace width height depth notation minsize maxsize movablelimits separator",
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #c8c8c8; --soft: #f3f3f0;
  --right: #0b5d2a; --if: #7a4b00; --wrong: #a3001b; --tell: #23407f; --other: #5a5a5a; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #16171a; --line: #4a4c52; --soft: #22242a;
  --right: #7fdba0; --if: #f2c464; --wrong: #ff9c9c; --tell: #a9c4ff; --other: #b4b4b4; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table.report { border-collapse: collapse; width: 100%; }
.report > thead th { text-align: left; border-bottom: 2px solid var(--line); padding: .4rem .6rem; }
.report > tbody > tr > td { vertical-align: top; border-bottom: 1px solid var(--line); padding: .5rem .6rem;
  overflow-wrap: anywhere; }
td.line { text-align: right; font-variant-numeric: tabular-nums; color: var(--other); }
td.verdict { white-space: nowrap; font-weight: 600; }
.v-right td.verdict { color: var(--right); } .v-right-if td.verdict { color: var(--if); }
.v-wrong td.verdict { color: var(--wrong); } .v-cannot-tell td.verdict { color: var(--tell); }
.v-definition td.verdict, .v-no-statement td.verdict { color: var(--other); font-weight: 400; }
.v-wrong > td { background: var(--soft); }
ul.details { margin: .4rem 0 0; padding-left: 1.1rem; white-space: pre-wrap; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
p.warning { color: var(--if); }
@media (max-width: 40rem) { body { margin-top: 1rem; } h2 { font-size: 1.05rem; }
  .report > thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  .report, .report > tbody { display: block; }
  .report > tbody > tr { display: grid; grid-template-columns: max-content minmax(0, 1fr); padding: .5rem .3rem;
    border-bottom: 1px solid var(--line); }
  .report > tbody > tr > td { border: 0; padding: .1rem .3rem; grid-row: auto; }
  .report > tbody > tr > td.formula, .report > tbody > tr > td.why { grid-column: 1 / 3; overflow-x: auto;
    overflow-y: hidden; }
  .report > tbody > tr > td.line, .report > tbody > tr > td.verdict { grid-row: 1; }
  td.line::before { content: "line "; } td.why:empty { display: none; } tr.v-wrong { background: var(--soft); } }
math { font-size: 1.1em; math-style: normal; } mfrac { padding: 0 .1em; }
.source { color: var(--other); font-size: .85em; }
"""


def as_html(reports: Sequence[DocumentReport], *, everything: bool = False) -> str:
    """A self-contained page with a table for every document."""
    title = summary(reports)
    body = "".join(_document(r, everything) for r in reports)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{body}</main>\n</body>\n</html>\n"
    )


def _document(report: DocumentReport, everything: bool) -> str:
    rows = "".join(_row(e) for e in report.entries if everything or e.status != "no statement")
    warnings = "".join(f'<p class="warning">warning: {escape(x)}</p>\n' for x in report.warnings)
    name = escape(report.name).replace("/", "/<wbr>")
    return (
        f"<section>\n<h2>{name}</h2>\n<p>{escape(summary([report]))}</p>\n{warnings}"
        '<div class="scroll"><table class="report">\n<thead><tr><th scope="col">line</th><th scope="col">formula</th>'
        '<th scope="col">verdict</th><th scope="col">why</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )


def _row(entry: Entry) -> str:
    found = entry.found
    formula = mathml(found.formula) if found.syntax == "latex" else ""
    formula = formula or f"<code>{escape(shortened(entry.line, 1000))}</code>"
    named = [f"{c.cause}: " for c in entry.judgement.causes] if entry.judgement is not None else []
    lines = [next((x[len(n) :] for n in named if x.startswith(n)), x) for x in map(str.strip, details(entry))]
    items = "".join(f"<li>{_set(x, entry)}</li>" for x in lines)
    more = f'<ul class="details">{items}</ul>' if items else ""
    verdict = entry.verdict
    return (
        f'<tr class="v-{verdict.replace(" ", "-")}"><td class="line">{found.line}</td>'
        f'<td class="formula" title="{escape(shortened(found.text, 1000))}">{formula}</td>'
        f'<td class="verdict">{_SIGNS.get(verdict, "")} {escape(verdict)}</td>'
        f'<td class="why">{_head(entry)}{more}</td></tr>\n'
    )


def _head(entry: Entry) -> str:
    """The reason beside the verdict; of a wrong formula the names of its mistakes, for the sentences stand below."""
    judgement = entry.judgement
    if judgement is None or judgement.verdict != "wrong":
        return escape(reason(entry))
    return escape("; ".join(dict.fromkeys(c.cause for c in judgement.causes)) or reason(entry))


def _set(line: str, entry: Entry) -> str:
    """A line of the report with the formulas that it quotes in MathML: whole, behind a colon, or inside a sentence."""
    found: dict[str, str] = {}
    for shown, latex in sorted(entry.typeset.items(), key=lambda x: -len(x[0])):
        if shown in _ARTICLES and not re.search(rf"{shown} should|(?:be|there): ?{shown}$", line):
            continue
        if (formula := mathml(latex)) and re.search(_alone(shown), line):
            sign = chr(_FIRST + len(found))
            found[sign] = formula
            line = re.sub(_alone(shown), sign, line)
    return "".join(found.get(c) or escape(c) for c in line)


_ARTICLES = ("a", "A", "I")  # letters that are English words, too
_FIRST = 0xE000  # of the private signs that stand for a formula while its sentence is escaped


def _alone(shown: str) -> str:
    """A formula that is no part of a longer word or formula."""
    return rf"(?:(?<= )|^){re.escape(shown)}(?=$| |[;,:.](?: |$))"


def mathml(latex: str) -> str:
    """LaTeX as MathML, or an empty text where it cannot be written so.

    Only the elements and attributes of presentation are kept: the converter passes text and addresses on unescaped.
    """
    from latex2mathml.converter import Converter

    if len(latex) > 4000:
        return ""
    try:
        tree = Converter().convert_to_element(latex.replace(r"\sum_", r"\sum\limits_"))
        return _written(tree, 0)
    except Exception:  # the converter raises errors of every kind on LaTeX that it does not know
        return ""


def _written(element: Any, depth: int, before: Any = None) -> str:
    if element.tag not in _ELEMENTS or depth > 60:
        raise ValueError(f"no element of formulas: {element.tag}")
    tag, given = element.tag, {**element.attrib, **_room(element, before)}
    if tag == "mo" and len(_sign(element)) > 1 and _sign(element).isalpha():
        tag, given = "mi", {}  # the name of a function is no operator, which would stand apart
    attributes = "".join(f' {name}="{escape(unescape(value))}"' for name, value in given.items() if name in _ATTRIBUTES)
    inner = escape(unescape(element.text or ""))
    children = list(element)
    skip = False
    for i, child in enumerate(children):
        before, after = (children[j] if 0 <= j < len(children) else None for j in (i - 1, i + 1))
        if skip:
            skip = False
        elif unescape(child.text or "").strip() == ":" and after is not None and _sign(after) == "=":
            inner += "<mo>:=</mo>"  # one sign, not two with a space between them
            skip = True
        else:
            named = element.tag in _ROWS and _is_function(child)
            space = named and before is not None and (before.tag != "mo" or _sign(before) in (")", "]", "}"))
            inner += (_SPACE if space else "") + _written(child, depth + 1, before)
            if named and after is not None and after.tag != "mo":
                inner += _SPACE
    return f"<{tag}{attributes}>{inner}</{tag}>"


_ROWS = words("math mrow mstyle mtd mpadded")  # elements whose children stand side by side
_OPENING, _CLOSING = tuple("([{⟨⌊⌈"), tuple(")]}⟩⌋⌉|‖∥⊤′!")
_SPACE = '<mspace width="0.17em"/>'


def _room(element: Any, before: Any) -> dict[str, str]:
    """What a sign needs so that browsers leave the right room around it: brackets none, a minus none if nothing is left
    of it."""
    sign = _sign(element)
    if sign in ("−", "-", "+", "±") and (before is None or _sign(before) not in ("", *_CLOSING)):
        return {"form": "prefix"}
    if sign in (*_OPENING, *_CLOSING):
        stretches = "stretchy" in element.attrib or "minsize" in element.attrib
        return {"lspace": "0", "rspace": "0"} | ({} if stretches else {"stretchy": "false"})
    return {}


def _sign(element: Any) -> str:
    """The sign of an operator; empty for everything else."""
    return unescape(element.text or "").strip() if element.tag == "mo" else ""


def _is_function(element: Any) -> bool:
    """Whether an element is a function's name of several letters, as in `y ln a`, perhaps with a power or an index."""
    while element.tag in ("msub", "msup", "msubsup") and len(element):
        element = element[0]
    return (
        element.tag in ("mi", "mo")
        and len(unescape(element.text or "").strip()) > 1
        and unescape(element.text or "").strip().isalpha()
    )
