"""The letters of a document about no network: `s_1` and `s_2` are two numbers, `W_1` and `W_2` two matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from ..notation.formula import Formula, Index, Number, Symbol
from ..notation.reading.tokens import FUNCTIONS, GREEK, KEYWORDS, SYNONYMS
from .found import Found

_WORD = re.compile(r"(?<![\\A-Za-z{])([A-Za-z]{3,})(?=_[{A-Za-z0-9])")
_MATRICES = "PQRSUVHGFDBKMOWZAXY"  # letters that stand for numbered matrices where nobody uses them
_ROMAN = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
_HIGHEST = 400


def words_of(found: Sequence[Found]) -> tuple[str, ...]:
    """The words with an index that are letters, `net` of `net_{o1}`: no command, function or Greek letter."""
    seen = (w.removeprefix("∂") for f in found if f.syntax != "code" for w in _WORD.findall(f.formula))
    known = FUNCTIONS | GREEK.keys() | SYNONYMS.keys() | KEYWORDS
    return tuple(dict.fromkeys(w for w in seen if w not in known))


def told_apart(formulas: Sequence[Formula]) -> dict[str, str]:
    """What is written -> a letter of its own, for letters that have numbers or words below and never an index.

    `h_1`, `w_{11}` and `E_{total}` are numbers each; where `h_j` stands too, `h_1` is an entry of a column.
    """
    parts = [p for formula in formulas for p in formula.parts]
    indexed = [p for p in parts if isinstance(p, Index) and isinstance(p.base, Symbol) and p.base.layer is None]
    inside = {id(p.base) for p in indexed}
    bare = {p.name for p in parts if isinstance(p, Symbol) and p.layer is None and id(p) not in inside}
    running = {_stem(p) for p in indexed if not any(_tells(e) for e in p.entries)}
    found: dict[str, str] = {}
    free = (x for x in _MATRICES if x not in bare | {_stem(p) for p in indexed})
    for part in indexed:
        stem, pattern = _stem(part), pattern_of(part)
        counted = all(isinstance(e, Number) for e in part.entries)
        if pattern is None or pattern in found or stem in running or (counted and stem in bare):
            continue
        if len(stem) == 1 and stem.isupper() and stem not in "CEJL" and counted and len(part.entries) == 1:
            letter = next(free, None)
            if letter is not None:
                found[pattern] = letter
        else:
            found[pattern] = _named(stem, part.entries)
    return found


def _stem(part: Index) -> str:
    return part.base.name if isinstance(part.base, Symbol) else ""


def _tells(entry: Formula) -> bool:
    """A number, or a word such as total."""
    return isinstance(entry, Number) or (isinstance(entry, Symbol) and len(entry.name) > 1 and entry.layer is None)


def pattern_of(part: Index) -> str | None:
    """The letter as a pattern writes it; None where it has other indices."""
    said = list(_said(part.entries))
    return None if len(said) < len(part.entries) else f"{_stem(part)}_{{{''.join(said)}}}"


def _said(entries: Sequence[Formula]) -> Iterator[str]:
    for entry in entries:
        match entry:
            case Number(value=value) if value.denominator == 1 and 0 <= value < (10 if len(entries) > 1 else _HIGHEST):
                yield str(value)
            case Symbol(name=name, layer=None, sample=None, prime=0) if name.isascii() and name.isalpha():
                yield name


def _named(stem: str, entries: Sequence[Formula]) -> str:
    """`hI` of h_1, `netOuII` of net_{o2}; no name begins with d, which would be a derivative."""
    said = (_roman(int(e.value)) if isinstance(e, Number) else e.name.title() for e in entries if _is_said(e))
    tail = "u".join(said)
    return f"{'n' if stem.startswith('d') else ''}{stem}{tail}"


def _is_said(entry: Formula) -> TypeGuard[Number | Symbol]:
    return isinstance(entry, Number | Symbol)


def _roman(number: int) -> str:
    said = "" if number else "O"
    for value, sign in _ROMAN:
        said += sign * (number // value)
        number %= value
    return said
