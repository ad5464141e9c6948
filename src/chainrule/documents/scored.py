"""How much of a text is right under a notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.formula import Equation, Index, Symbol
from .anew import ANEW
from .assumed import assume
from .found import Found
from .general import General, general
from .header import Notation, Stretch
from .lettered import PLACES, is_letter
from .report import Entry
from .section import Judge, Reader, Section

_WEIGHTS = {"right": 1.0, "right if": 0.4, "definition": 0.4}

_REFUTED = 4.0  # what a notation loses under which the first formula of a letter is wrong

MOST = 60  # formulas that are tried, of a stretch


def equations_of(found: Sequence[Found], notation: Notation, read: Reader) -> Iterator[Equation]:
    for each in found[: 4 * MOST]:
        for said in (*each.then[-1:], each):  # a value with what is made of it comes first
            try:
                equation = read(said, notation)
            except ChainruleError:
                continue
            if len(equation.sides) > 1:
                yield equation


def score_of(
    notation: Notation, found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge, most: float = -1.0
) -> float:
    """How much of a stretch is right under a notation; where it cannot be more than `most`, anything below that."""
    here = replace(stretch, readings=numbered(notation, found, stretch.readings[0][1], read))
    (here, *_), _ = assume(found, [replace(here, start=1)], read, judge)
    section = Section(here, read, judge, {}, shown=False)
    score, left = 0.0, len(found[:MOST])
    plain = stretch.readings[0][1]
    ways = {name for name, _ in here.readings}
    first = set() if notation == plain else _first(found[:MOST], plain, read)
    for each in found[:MOST]:
        if score + left <= most:
            break
        entries = section.entries(each)
        score += sum(_score(e, ways) for e in entries)
        if each in first and any(e.verdict == "wrong" for e in entries):
            score -= _REFUTED
        left -= 1
    return score


def _score(entry: Entry, ways: Set[str]) -> float:
    """How much of one formula is right: all of it where it is so in one of the text's ways of numbering."""
    if entry.why.endswith(ANEW):
        return 0.0
    condition = entry.judgement.condition if entry.judgement is not None else ""
    as_numbered = bool(condition) and ways >= set(condition.split(" or "))
    return _WEIGHTS["right"] if as_numbered else _WEIGHTS.get(entry.verdict, 0.0)


def of_layer(layer: General, equations: Sequence[Equation], plain: Notation) -> tuple[tuple[str, str], ...]:
    """The letters of a general layer as patterns of the document."""
    place = PLACES.get(plain.layer, "[l]")
    given = {a.replace("[l]", place): b for a, b in layer.letters(equations).items()}
    return tuple((a, b) for a, b in given.items() if is_letter(a, b, plain))


def numbered(
    notation: Notation, found: Sequence[Found], plain: Notation, read: Reader
) -> tuple[tuple[str, Notation], ...]:
    """The readings of a text that numbers its layers in several ways: one for each of them, named by its formula."""
    equations = list(equations_of(found, plain, read))
    ways = [(layer.line, of_layer(layer, equations, plain)) for layer in general(equations)]
    if len(ways) < 2 or not set(ways[0][1]) <= set(notation.letters):
        return (("", notation),)
    ways = [(line, tuple(x for x in letters if not x[0].startswith("delta"))) for line, letters in ways]
    others = tuple(x for x in notation.letters if x not in ways[0][1])
    return tuple((line, replace(notation, letters=(*letters, *others))) for line, letters in ways)


def _first(found: Sequence[Found], plain: Notation, read: Reader) -> set[Found]:
    """The first formula of each letter that is no derivative: it says what the letter is, and cannot be wrong."""
    seen: set[str] = set()
    first: set[Found] = set()
    for each in found:
        equation = next(iter(equations_of([each], plain, read)), None)
        if equation is None or equation.relations[0] not in ("=", ":="):
            continue
        if equation.sides[0] in equation.sides[-1].parts:  # a step
            continue
        name = _stem_of(equation)
        if name and name not in seen and not re.match(r"d[A-Za-z]|delta|Delta|grad|nabla", name):
            first.add(each)
        seen.add(name)
    return first


def _stem_of(equation: Equation) -> str:
    """The letter of the left side with its layer, whatever its index and its sample."""
    left = equation.sides[0].base if isinstance(equation.sides[0], Index) else equation.sides[0]
    if not isinstance(left, Symbol) or left.prime:
        return ""
    return left.name if left.layer is None else f"{left.name}[{left.layer}]"
