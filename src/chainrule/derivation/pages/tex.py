"""A derivation in LaTeX: a document that pdflatex compiles with amsmath, xcolor and geometry, or a fragment of one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from ...notation.formula import Array
from ...notation.write import GREEK
from ..document import Document, Section
from .lines import INDEXED, Writer, shape_of
from .tex_lines import Row, blocks, measure

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


def latex(document: Document, writer: Writer, *, standalone: bool = True) -> str:
    """The document; `writer` writes a formula in LaTeX. A fragment needs amsmath and xcolor where it is put."""
    body = [x for section in document.sections for x in _section(section, writer, 0)]
    columns = max(
        (x.columns for line in document.every_line() for _, x in line.formula.walk() if isinstance(x, Array)), default=0
    )
    wide = [rf"\setcounter{{MaxMatrixCols}}{{{columns}}}"] if columns > 10 else []
    if not standalone:
        return "\n".join([*wide, *_subject(document), *body]) + "\n"
    title = rf"\begin{{center}}\LARGE {prose(document.title)}\end{{center}}"
    return _HEAD + "\n".join([*wide, r"\begin{document}", title, *_subject(document), *body, r"\end{document}"]) + "\n"


def _subject(document: Document) -> list[str]:
    return [prose(document.subject), ""] if document.subject not in document.title else []


def _section(section: Section, writer: Writer, depth: int) -> Iterator[str]:
    if section.title:
        yield ""
        yield rf"\{_LEVELS[min(depth, len(_LEVELS) - 1)]}*{{{prose(section.title)}}}"
    if section.prose:
        yield prose(section.prose)
    if section.lines:
        yield from _block(section, writer)
    if section.code is not None:
        yield r"\begin{verbatim}"
        yield section.code[0].rstrip("\n").replace(r"\end{verbatim}", r"\end {verbatim}")
        yield r"\end{verbatim}"
    for part in section.parts:
        yield from _section(part, writer, depth + 1)


def _block(section: Section, writer: Writer) -> Iterator[str]:
    decimals = section.kind == "numbers"
    shapes = [shape_of(x.shape, r" \times ") for x in section.lines]
    rooms = [ROOM - (measure(x) if x else 0) for x in shapes]
    equations = blocks([x.formula for x in section.lines], writer, rooms, decimals=decimals)
    indent = max((measure(x.left) for lines in equations for x in lines if x.relation), default=0.0)
    share = max(0.3, min(0.74, 0.8 - indent / 80 - max(map(measure, shapes)) / 120))
    found: list[tuple[str, str]] = []  # a line, and what follows it
    for line, lines, shape in zip(section.lines, equations, shapes, strict=True):
        found += _equation(lines, shape, line.why, share, decimals)
    yield r"\begin{align}"
    for k, (row, after) in enumerate(found):
        yield row + (after if k + 1 < len(found) else "")
    yield r"\end{align}"


def _equation(lines: list[Row], shape: str, why: str, share: float, apart: bool) -> Iterator[tuple[str, str]]:
    """The lines of one equation; the last has the number and the shape, the reason stands beneath in small type."""
    for k, line in enumerate(lines):
        body = f"{line.left} &{line.relation} {line.right}" if line.relation else rf"& \quad {line.right}"
        if not any(x.relation for x in lines) or (k == 0 and not line.relation):
            body = f"& {line.right}"
        last = k + 1 == len(lines)
        if last and shape:
            body += rf" && {{\color{{gray}} \scriptstyle {shape}}}"
        after = r" \\*[-0.6ex]" if last and why else r" \\[1ex]" if last and apart else r" \\"
        yield f"  {body.strip()}" + ("" if last else r" \notag"), after
    if why:
        words = rf"\raggedright\footnotesize\color{{gray}} {prose(why)}"
        yield rf"  & \parbox[t]{{{share:.2f}\displaywidth}}{{{words}}} \notag", r" \\[1ex]"


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
_MATH = {
    "×": r"\times",
    "·": r"\cdot",
    "∘": r"\circ",
    "⊙": r"\odot",
    "⊗": r"\otimes",
    "−": "-",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "→": r"\to",
    "←": r"\leftarrow",
    "∞": r"\infty",
    "√": r"\surd",
    "∂": r"\partial",
    "∇": r"\nabla",
    "Σ": r"\Sigma",
    "∑": r"\sum",
    "∏": r"\prod",
    "ℓ": r"\ell",
    "′": "{}'",
    "″": "{}''",
    "ᵀ": "{}^{T}",
    "∈": r"\in",
    "∀": r"\forall",
    "⇒": r"\Rightarrow",
    "⟨": r"\langle",
    "⟩": r"\rangle",
    "‖": r"\Vert",
    "⁻": "{}^{-}",
    "⁺": "{}^{+}",
    "ᵢ": "{}_{i}",
    "ⱼ": "{}_{j}",
    "ₖ": "{}_{k}",
    "ₗ": "{}_{l}",
    "ₘ": "{}_{m}",
    "ₙ": "{}_{n}",
    "ϵ": r"\epsilon",
    "⇔": r"\Leftrightarrow",
    "⋅": r"\cdot",
    "∫": r"\int",
    "π": r"\pi",
    "…": r"\ldots",
}
_LETTERS = {sign: "\\" + name for name, sign in GREEK.items()}


def prose(words: str) -> str:
    """Plain text for LaTeX: its signs escaped, mathematical letters as formulas, `y_k` with an index."""
    words = unicodedata.normalize("NFC", words)
    found, end = [], 0
    for m in INDEXED.finditer(words):
        base, sign, above = m.groups()
        found += [
            *map(_sign, words[end : m.start()]),
            f"${_bare(base)}{sign}{{{''.join(map(_bare, above.strip('{}')))}}}$",
        ]
        end = m.end()
    return "".join([*found, *map(_sign, words[end:])])


def _bare(c: str) -> str:
    """A sign inside a formula."""
    shown = _sign(c)
    return f"{shown[1:-1]}" if shown.startswith("$") and shown.endswith("$") else shown


def _sign(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if c < "\x7f" and (c >= " " or c in "\n\t"):
        return c
    if c in _MATH or c in _LETTERS:
        return f"${_MATH.get(c) or _LETTERS[c]}$"
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
