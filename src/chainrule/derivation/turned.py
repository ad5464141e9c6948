"""Laws about columns as they are said where samples are rows, or where there is one sample.

The laws are stated for matrices whose columns are samples. Transposed, they hold for rows; the words change with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .conventions import Conventions
from .document import Section

IN_ROWS: Mapping[str, str] = {
    "columns that sum to one": "rows that sum to one",
    "1ᵀY = 1ᵀ": "Y 1 = 1",
    "a factor of the row leaves the column's sum": "a factor of the column leaves the row's sum",
    "Σ_i r_j x_ij = r_j Σ_i x_ij": "Σ_j c_i x_ij = c_i Σ_j x_ij",
}
OF_ONE: Mapping[str, str] = {
    "columns that sum to one": "a column that sums to one",
    "1ᵀY = 1ᵀ": "1ᵀy = 1",
    "Y is one-hot": "y is one-hot",
}

ONE_IN_ROWS: Mapping[str, str] = {
    **{k: v.replace("Y 1", "y 1").replace("rows that sum", "a row that sums") for k, v in IN_ROWS.items()},
    "Y is one-hot": "y is one-hot",
}


def equations() -> frozenset[str]:
    """Equations of laws in words of their own."""
    return frozenset(x for table in (IN_ROWS, OF_ONE, ONE_IN_ROWS) for x in table.values() if "=" in x)


def said(words: str, conventions: Conventions) -> str:
    """A sentence on laws under the conventions."""
    for ours, theirs in _table(conventions).items():
        words = words.replace(ours, theirs).replace(ours[0].upper() + ours[1:], theirs[0].upper() + theirs[1:])
    return words


def turned(section: Section, conventions: Conventions) -> Section:
    """A section with every title, rule and reason said so."""
    if not _table(conventions):
        return section
    lines = tuple(
        replace(x, rule=said(x.rule, conventions), why=said(x.why, conventions)) if x.rule or x.why else x
        for x in section.lines
    )
    parts = tuple(turned(x, conventions) for x in section.parts)
    title, prose = said(section.title, conventions), said(section.prose, conventions)
    return replace(section, title=title, prose=prose, lines=lines, parts=parts)


def _table(conventions: Conventions) -> Mapping[str, str]:
    if conventions.rows:
        return ONE_IN_ROWS if conventions.one else IN_ROWS
    return OF_ONE if conventions.one else {}


__all__ = ["equations", "said", "turned"]
