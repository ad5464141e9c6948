"""The letters of a document about no network: `s_1` and `s_2` are two numbers, `W_1` and `W_2` two matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from ..notation.formula import Equation, Formula, Index, Number, Symbol
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


def alike(equations: Sequence[Equation]) -> dict[str, str]:
    """w as ω where a text has both and never in one formula: they are one letter, typed in two ways."""
    names = [{p.name for p in e.parts if isinstance(p, Symbol) and p.layer is None} for e in equations]
    both = [x & {"w", "omega"} for x in names]
    return {"w": "omega"} if {"w"} in both and {"omega"} in both and {"w", "omega"} not in both else {}


def of_kinds(equations: Sequence[Equation]) -> dict[str, str]:
    """What is written -> a letter of its own, where the letter of the index says which units are meant.

    In `a_h = Σ_i w_{ih} x_i`, `b_h = f(a_h)`, `a_k = Σ_h w_{hk} b_h` the second a is computed of the first, so that
    a_h and a_k are quantities of two layers, and w_{ih} and w_{hk} two matrices.
    """
    sides: dict[tuple[str, str], list[set[tuple[str, ...]]]] = {}
    for equation in equations:
        left = _indexed(equation.sides[0])
        if len(left) == 2:
            inside = {x for side in equation.sides[1:] for p in side.parts if len(x := _indexed(p)) > 1}
            sides.setdefault((left[0], left[1]), []).append(inside)
    found: dict[str, str] = {}
    kinds: set[str] = set()
    for letter, index in sides:
        others = {k for x, k in sides if x == letter and k != index}
        if any(x[0] == letter and x[1] in others for x in _reached((letter, index), sides)):
            kinds |= others | {index}
            found |= {f"{letter}_{k}": f"{letter}{k.upper()}_{k}" for k in (*others, index)}
    pairs = {x for all_of in sides.values() for inside in all_of for x in inside if len(x) == 3}
    for letter, row, column in sorted(pairs):
        if len({p for p in pairs if p[0] == letter and p[1] != p[2]}) > 1 and {row, column} & kinds:
            found[f"{letter}_{{{row}{column}}}"] = f"{letter}{row.upper()}{column.upper()}_{{{row}{column}}}"
    return found


def _reached(
    start: tuple[str, str], sides: Mapping[tuple[str, str], Sequence[set[tuple[str, ...]]]]
) -> set[tuple[str, ...]]:
    """The letters by which a letter is computed, by its definition and those of the letters there."""
    seen: set[tuple[str, ...]] = set()
    todo: list[tuple[str, ...]] = [start]
    while todo:
        letter = todo.pop()
        new = {x for inside in sides.get((letter[0], letter[1]), ()) for x in inside if len(x) == 2} - seen
        seen |= new
        todo += new
    return seen


def _indexed(part: Formula) -> tuple[str, ...]:
    """a, h of `a_h`; empty for what is no letter with letters of indices, primes not counted."""
    match part:
        case Index(base=Symbol(name=name, layer=None, sample=None, prime=0), entries=entries):
            if all(isinstance(x, Symbol) and x.layer is None and len(x.name) == 1 for x in entries):
                return (name, *(x.name for x in entries if isinstance(x, Symbol)))
    return ()


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
