"""A derivation in LaTeX: a document that pdflatex compiles with amsmath, xcolor and geometry, or a fragment of one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from ...notation.formula import Array
from ...notation.write import GREEK
from ..document import Document, Section
from .hand import Hand
from .lines import Numbering, shape_of
from .tex_lines import Row, blocks, measure
from .words import SIGNS, heading, pieces

ROOM = 68.0  # characters of a formula on a line of the page, its number and shape left aside
_HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\usepackage{xcolor}
\usepackage[a4paper,margin=24mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\allowdisplaybreaks
"""
_LEVELS = ("section", "subsection", "subsubsection", "paragraph")


def latex(document: Document, hand: Hand, *, standalone: bool = True) -> str:
    """The document. A fragment needs amsmath and xcolor where it is put."""
    numbers = Numbering(refer=standalone)  # in a document of the user's, equations before ours have numbers too
    body = [x for section in document.sections for x in _section(section, hand, numbers, 0)]
    columns = max(
        (x.columns for line in document.every_line() for _, x in line.formula.walk() if isinstance(x, Array)), default=0
    )
    wide = [rf"\setcounter{{MaxMatrixCols}}{{{columns}}}"] if columns > 10 else []
    if not standalone:
        return "\n".join([*wide, *_subject(document, hand), *body]) + "\n"
    title = rf"\begin{{center}}\LARGE {prose(document.title, hand)}\end{{center}}"
    return (
        _HEAD
        + "\n".join([*wide, r"\begin{document}", title, *_subject(document, hand), *body, r"\end{document}"])
        + "\n"
    )


def _subject(document: Document, hand: Hand) -> list[str]:
    return [prose(document.subject, hand), ""] if document.subject not in document.title else []


def _section(section: Section, hand: Hand, numbers: Numbering, depth: int) -> Iterator[str]:
    if section.title:
        yield ""
        yield rf"\{_LEVELS[min(depth, len(_LEVELS) - 1)]}*{{{prose(heading(section.title), hand)}}}"
    if section.prose:
        yield prose(section.prose, hand)
    if section.lines:
        yield from _block(section, hand, numbers)
    if section.code is not None:
        yield r"\begin{verbatim}"
        yield section.code[0].rstrip("\n").replace(r"\end{verbatim}", r"\end {verbatim}")
        yield r"\end{verbatim}"
    for part in section.parts:
        yield from _section(part, hand, numbers, depth + 1)


def _block(section: Section, hand: Hand, numbers: Numbering) -> Iterator[str]:
    decimals = section.kind == "numbers"
    shapes = [shape_of(x.shape, r" \times ") for x in section.lines]
    rooms = [ROOM - (measure(x) if x else 0) for x in shapes]
    equations = blocks(section.lines, hand.formula, rooms, decimals=decimals)
    indent = max((measure(x.left) for lines in equations for x in lines if x.relation), default=0.0)
    share = max(0.3, min(0.74, 0.8 - indent / 80 - max(map(measure, shapes)) / 120))
    found: list[tuple[str, str]] = []  # a line, and what follows it
    for line, lines, shape in zip(section.lines, equations, shapes, strict=True):
        numbers.next()
        found += _equation(lines, shape, prose(numbers.reason(line, section.kind), hand), share, decimals)
    yield r"\begin{align}"
    for k, (row, after) in enumerate(found):
        yield row + (after if k + 1 < len(found) else "")
    yield r"\end{align}"


def _equation(lines: list[Row], shape: str, why: str, share: float, apart: bool) -> Iterator[tuple[str, str]]:
    """The lines of one equation; the last has the number and the shape, the reason stands beneath in small type."""
    for k, line in enumerate(lines):
        right = _apart(line.right)
        body = f"{line.left} &{line.relation} {right}" if line.relation else rf"& \quad {right}"
        if not any(x.relation for x in lines) or (k == 0 and not line.relation):
            body = f"& {right}"
        last = k + 1 == len(lines)
        if last and shape:
            body += rf" && {{\color{{gray}} \scriptstyle {shape}}}"
        after = r" \\*[-1.2ex]" if last and why else r" \\[1ex]" if last and apart else r" \\"
        yield f"  {body.strip()}" + ("" if last else r" \notag"), after
    if why:
        words = rf"\raggedright\footnotesize\color{{gray}} {why}"
        yield rf"  & \parbox[t]{{{share:.2f}\displaywidth}}{{{words}}} \notag", r" \\[1.6ex]"


def _apart(latex: str) -> str:
    """The rows of a column of fractions with room between them."""
    parts = latex.split(r"\begin{bmatrix}")
    return r"\begin{bmatrix}".join([parts[0], *(x.replace(r" \\ ", r" \\[2.4ex] ") for x in parts[1:])])


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
}


def prose(words: str, hand: Hand) -> str:
    """A sentence for LaTeX: its signs escaped, its formulas between dollars."""
    found: list[str] = []
    for p in pieces(unicodedata.normalize("NFC", words)):
        formula = hand.words(p.text) if p.math else ""
        found += [f"${formula}$"] if formula and formula.isascii() else map(_sign, p.text)
    return "".join(found)


_LETTERS = {sign: "\\" + name for name, sign in GREEK.items()}


def _sign(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if c < "\x7f" and (c >= " " or c in "\n\t"):
        return c
    if c in SIGNS or c in _LETTERS:
        return f"${(SIGNS.get(c) or _LETTERS[c]).strip()}$"
    decomposed = unicodedata.decomposition(c).split()
    if decomposed[:1] == ["<super>"]:
        return f"$^{{{''.join(chr(int(x, 16)) for x in decomposed[1:])}}}$"
    if decomposed[:1] == ["<sub>"]:
        return f"$_{{{''.join(chr(int(x, 16)) for x in decomposed[1:])}}}$"
    name = unicodedata.name(c, "").lower()
    if decomposed and not decomposed[0].startswith("<") and decomposed[-1] in ("0302", "0303", "0304", "0305"):
        accent = {"0302": "hat", "0303": "tilde", "0304": "bar", "0305": "bar"}[decomposed[-1]]
        return rf"$\{accent}{{{chr(int(decomposed[0], 16))}}}$"
    if (c.isalpha() and ord(c) < 0x180) or c in "–—‘’“”§±°":
        return c
    return f"[{name}]" if name else ""
