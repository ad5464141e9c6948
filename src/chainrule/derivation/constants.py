"""What a decimal on a page is: `0.7071067811865475 is 1/√2, rounded`.

The graph holds numbers that are no fractions as the 64 bits that programs compute with, and these are printed, for a
line has to be true as it stands. Where such a number is a root of small whole numbers and π, the reason says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import isqrt, pi, sqrt

from ..notation.formula import Formula, Number
from ..notation.write import text
from .document import Document, Line, Section

_LARGEST = 12  # of the whole numbers under a root
_CLOSE = 4e-16  # two roundings: of the root, and of what is computed from it


def explained(document: Document) -> Document:
    """The document with a remark at the first line in which such a decimal stands."""
    seen: set[Fraction] = set()
    return replace(document, sections=tuple(_section(s, seen) for s in document.sections))


def _section(section: Section, seen: set[Fraction]) -> Section:
    if section.kind == "numbers":
        return section
    lines = tuple(_line(x, seen) for x in section.lines)
    parts = tuple(_section(x, seen) for x in section.parts)
    same = all(a is b for a, b in zip((*lines, *parts), (*section.lines, *section.parts), strict=True))
    return section if same else replace(section, lines=lines, parts=parts)


def _line(line: Line, seen: set[Fraction]) -> Line:
    new = [x for x in dict.fromkeys(_decimals(line.formula)) if abs(x) not in seen]
    if not new:
        return line
    seen.update(abs(x) for x in new)
    remarks = [f"{text(Number(abs(x)))} is {name}, rounded" for x in new if (name := root_of(abs(x)))]
    if not remarks:
        return line
    return replace(line, why="; ".join([*([line.why] if line.why else []), *remarks]))


def _decimals(part: Formula) -> Iterable[Fraction]:
    if isinstance(part, Number) and part.value.denominator > 10**9:
        yield part.value
    for x in part.children:
        yield from _decimals(x)


@lru_cache(maxsize=256)
def root_of(value: Fraction) -> str:
    """`1/√2`, `√(2/π)`: the root that a number is to the last bits; empty where it is none of small numbers and π."""
    square = float(value) ** 2
    for power, name in ((0, ""), (1, "π"), (-1, "π")):
        rest = Fraction(square / pi**power).limit_denominator(_LARGEST)
        if not 0 < rest.numerator <= _LARGEST:
            continue
        exact = sqrt(rest) * sqrt(pi) ** power
        if abs(float(value) - exact) <= _CLOSE * exact and (power or not _is_square(rest)):
            return _written(rest, name if power > 0 else "", name if power < 0 else "")
    return ""


def _is_square(x: Fraction) -> bool:
    return all(isqrt(n) ** 2 == n for n in (x.numerator, x.denominator))


def _written(x: Fraction, above: str, below: str) -> str:
    """√(2/π), and 2/√π where one of the two has a root of its own."""
    top, bottom = _root(x.numerator, above), _root(x.denominator, below)
    if "√" in top and "√" in bottom:
        under = f"{x.denominator if x.denominator > 1 or not below else ''}{below}"
        over = f"{x.numerator if x.numerator > 1 or not above else ''}{above}"
        return f"√({over}/{under if len(under) == 1 else f'({under})'})"
    return top if bottom == "1" else f"{top}/{bottom}"


def _root(number: int, letter: str) -> str:
    if not letter and isqrt(number) ** 2 == number:
        return str(isqrt(number))
    words = f"{number if number > 1 or not letter else ''}{letter}"
    return f"√{words}" if len(words) == 1 or words.isdigit() else f"√({words})"


__all__ = ["explained", "root_of"]
