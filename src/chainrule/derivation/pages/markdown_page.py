"""A derivation in Markdown for notebooks and code hosts: headings, prose, formulas between double dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from ..document import Document, Line, Section
from .lines import Writer, shape_of
from .tex_lines import blocks

ROOM = 78.0
# Markdown takes a backslash before a punctuation mark for its own; these say the same in letters.
_SPELLED = {
    r"\\": r"\cr",
    r"\,": r"\thinspace",
    r"\;": r"\thickspace",
    r"\:": r"\medspace",
    r"\!": r"\negthinspace",
    r"\{": r"\lbrace",
    r"\}": r"\rbrace",
    r"\|": r"\Vert",
    r"\_": r"\textunderscore",
}
_PUNCTUATION = re.compile(r"\\([^A-Za-z\s])")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|$#])")


def markdown(document: Document, writer: Writer) -> str:
    """The document; `writer` writes a formula in LaTeX."""
    numbers = count(1)
    found = [f"# {_plain(document.title)}"]
    if document.subject not in document.title:
        found.append(_plain(document.subject))
    for section in document.sections:
        found += _section(section, writer, numbers, 2)
    return "\n\n".join(found) + "\n"


def _section(section: Section, writer: Writer, numbers: Iterator[int], depth: int) -> Iterator[str]:
    if section.title:
        yield f"{'#' * min(depth, 6)} {_plain(section.title)}"
    if section.prose:
        yield _plain(section.prose)
    if section.lines:
        marked = [(line, next(numbers)) for line in section.lines]
        yield "$$\n" + _aligned(marked, writer, section.kind == "numbers") + "\n$$"
        reasons = [f"- ({n}) {_plain(line.why)}" for line, n in marked if line.why]
        if reasons:
            yield "\n".join(reasons)
    if section.code is not None:
        code, language = section.code
        yield f"```{language}\n{code.rstrip()}\n```"
    for part in section.parts:
        yield from _section(part, writer, numbers, depth + 1)


def _aligned(marked: list[tuple[Line, int]], writer: Writer, decimals: bool) -> str:
    found = []
    every = blocks([line.formula for line, _ in marked], writer, [ROOM] * len(marked), decimals=decimals)
    for (line, number), lines in zip(marked, every, strict=True):
        for k, row in enumerate(lines):
            body = f"{row.left} &{row.relation} {row.right}" if row.relation else rf"& \quad {row.right}"
            if k + 1 == len(lines):
                shape = shape_of(line.shape, r" \times ")
                body += rf" && {{\color{{gray}} {shape}}}" if shape else " &&"
                body += rf" && \text{{({number})}}"
            found.append(_PUNCTUATION.sub(lambda m: _SPELLED.get(m[0], m[0]) + " ", body.strip()))
    return "\\begin{aligned}\n" + " \\cr\n".join(found) + "\n\\end{aligned}"


def _plain(words: str) -> str:
    """Prose with the signs of Markdown and of its formulas escaped."""
    return _MARKUP.sub(r"\\\1", words)
