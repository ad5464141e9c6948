"""A derivation in Markdown for notebooks and code hosts: headings, prose, formulas between double dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..document import Document, Line, Section
from .hand import Hand
from .lines import Numbering, shape_of
from .tex_lines import blocks
from .words import heading, pieces

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
_OPERATOR = re.compile(r"\\operatorname\{(\w+)\}")
_PUNCTUATION = re.compile(r"\\([^A-Za-z\s])")
# An underscore behind a punctuation mark could begin emphasis, not with a blank behind it; [l](k) would be a link.
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9\\])_(?! )")
_LINK = re.compile(r"\](?=[(\[])")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|$#])")


def markdown(document: Document, hand: Hand) -> str:
    """The document; `hand` writes LaTeX."""
    numbers = Numbering()
    found = [f"# {_prose(document.title, hand)}"]
    if document.subject not in document.title:
        found.append(_prose(document.subject, hand))
    for section in document.sections:
        found += _section(section, hand, numbers, 2)
    return "\n\n".join(found) + "\n"


def _section(section: Section, hand: Hand, numbers: Numbering, depth: int) -> Iterator[str]:
    if section.title:
        yield f"{'#' * min(depth, 6)} {_prose(heading(section.title), hand)}"
    if section.prose:
        yield _prose(section.prose, hand)
    if section.lines:
        marked = [(line, numbers.next(), numbers.reason(line, section.kind)) for line in section.lines]
        yield "$$\n" + _aligned([(line, n) for line, n, _ in marked], hand, section.kind == "numbers") + "\n$$"
        reasons = [f"- ({n}) {_prose(why, hand)}" for _, n, why in marked if why]
        if reasons:
            yield "\n".join(reasons)
    if section.code is not None:
        code, language = section.code
        yield f"```{language}\n{code.rstrip()}\n```"
    for part in section.parts:
        yield from _section(part, hand, numbers, depth + 1)


def _aligned(marked: list[tuple[Line, int]], hand: Hand, decimals: bool) -> str:
    found = []
    every = blocks([line for line, _ in marked], hand.formula, [ROOM] * len(marked), decimals=decimals)
    for (line, number), lines in zip(marked, every, strict=True):
        for k, row in enumerate(lines):
            body = f"{row.left} &{row.relation} {row.right}" if row.relation else rf"& \quad {row.right}"
            if k + 1 == len(lines):
                shape = shape_of(line.shape, r" \times ")
                body += rf" && {{\color{{gray}} {shape}}}" if shape else " &&"
                body += rf" && \text{{({number})}}"
            found.append(_spelled(body.strip()))
    return "\\begin{aligned}\n" + " \\cr\n".join(found) + "\n\\end{aligned}"


def _spelled(latex: str) -> str:
    """Without what Markdown takes for its own, and without the macro that GitHub does not allow."""
    latex = _OPERATOR.sub(r"\\mathop{\\mathrm{\1}}", latex)
    latex = _PUNCTUATION.sub(lambda m: _SPELLED.get(m[0], m[0]) + " ", latex)
    return _LINK.sub("] ", _EMPHASIS.sub("_ ", latex))


def _prose(words: str, hand: Hand) -> str:
    """A sentence, its formulas between dollars."""
    return "".join(f"${_spelled(hand.words(p.text))}$" if p.math else _plain(p.text) for p in pieces(words))


def _plain(words: str) -> str:
    """Prose with the signs of Markdown and of its formulas escaped."""
    return _MARKUP.sub(r"\\\1", words)
