"""Formulas on their way to a page: numbers and matrices set aside, sides parted at the relations, long sides broken.

What a formula looks like is known to the writers of `chainrule.notation`; here their lines are only cut. A matrix of
numbers takes several lines on a page, and a decimal keeps its zeros, so both travel through a writer as one private
sign each and are set by the page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ...notation.formula import Array, Formula, Negate, Number, Symbol
from ..document import Line

Writer = Callable[[Formula], str]
FIRST = 0xE000  # of the private signs that stand for what the page sets itself
_LONGEST = 16  # decimals of a number that is set with all its zeros
_SHORT = 40  # characters of a reason that may be repeated
_PRIVATE = re.compile("[\ue000-\uf8ff]")


@dataclass(frozen=True)
class Written:
    """A formula as a writer wrote it; `held[sign]` is the matrix or the decimal that a private sign stands for."""

    text: str
    held: Mapping[str, Formula]


def written(formula: Formula, writer: Writer, *, decimals: bool = False) -> Written:
    """Write a formula with its matrices of numbers set aside, and with `decimals` the decimal fractions, too."""
    held: dict[str, Formula] = {}

    def hold(part: Formula) -> Formula:
        sign = chr(FIRST + len(held))
        held[sign] = part
        return Symbol(sign)

    def swap(part: Formula) -> Formula:
        if isinstance(part, Array) and all(number_of(x) is not None for x in part.entries):
            return hold(part)
        if decimals and isinstance(part, Number) and part.value.denominator != 1 and _is_short(part.value):
            return hold(part) if part.value > 0 else Negate(hold(Number(-part.value)))
        children = part.children
        new = tuple(swap(x) for x in children)
        return part if all(a is b for a, b in zip(new, children, strict=True)) else part.rebuilt(new)

    return Written(writer(swap(formula)), held)


def number_of(part: Formula) -> Fraction | None:
    """The number that an entry of a matrix is, None where it is no number."""
    if isinstance(part, Number):
        return part.value
    if isinstance(part, Negate) and isinstance(part.operand, Number):
        return -part.operand.value
    return None


def places(value: Fraction) -> int | None:
    """Decimals that write a number exactly; None if no number of them does."""
    bottom, count = value.denominator, 0
    while bottom % 10 == 0:
        bottom, count = bottom // 10, count + 1
    twos = fives = 0
    while bottom % 2 == 0:
        bottom, twos = bottom // 2, twos + 1
    while bottom % 5 == 0:
        bottom, fives = bottom // 5, fives + 1
    return count + max(twos, fives) if bottom == 1 else None


def _is_short(value: Fraction) -> bool:
    """Whether a number is a decimal that people write: no product of two long ones that a constant has become."""
    found = places(value)
    return found is not None and found <= _LONGEST


def decimal(value: Fraction, digits: int) -> str:
    """A number with so many decimals: `1/2` with two is 0.50."""
    whole = round(abs(value) * 10**digits)
    text = str(whole).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def rows_of(matrix: Array) -> list[list[str]]:
    """The entries of a matrix of numbers, row by row, with as many decimals everywhere as one of them needs."""
    values = [number_of(x) or Fraction(0) for x in matrix.entries]
    digits = max((places(v) if places(v) is not None else 6) or 0 for v in values)
    shown = [decimal(v, digits) for v in values]
    return [shown[i : i + matrix.columns] for i in range(0, len(shown), matrix.columns)]


def decimal_of(number: Number) -> str:
    """A decimal fraction with the decimals that it has."""
    return decimal(number.value, places(number.value) or 0)


def width_of(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def chained(lines: Sequence[Line]) -> list[bool]:
    """Which lines go on from the line above: it ends in what stands left of them, so that is not written again."""
    found = [False] * len(lines)
    for k, (above, line) in enumerate(pairwise(lines), start=1):
        last, first = above.formula.sides[-1], line.formula.sides[0]
        found[k] = last == first and len(above.formula.sides) > 1 and line.formula.relations[0] in ("=", "≈")
    return found


def reason(line: Line, kind: str = "") -> str:
    """What was applied, and why: `chain rule: L depends on z through a alone`; of numbers put in, why alone."""
    rule = "" if kind == "numbers" else line.rule.replace("_", " ")
    if not rule or rule.lower() in line.why.lower():
        return line.why
    return f"{rule}: {line.why}" if line.why else rule


class Numbering:
    """Numbers the lines of a page in order, and says a long reason once: where it comes again, `as in (10)`.

    refer  False where the numbers that will be printed are not known here
    """

    def __init__(self, refer: bool = True) -> None:
        self.number = 0
        self.refer = refer
        self._said: dict[str, int] = {}

    def next(self) -> int:
        """The number of the next line."""
        self.number += 1
        return self.number

    def reason(self, line: Line, kind: str) -> str:
        """The reason of the line that was numbered last."""
        whole = reason(line, kind)
        if not self.refer or len(line.why) <= _SHORT:
            return whole
        first = self._said.setdefault(whole, self.number)
        if first == self.number:
            return whole
        return f"{whole.removesuffix(line.why)}as in ({first})"


def has_matrix(written: Written, side: str) -> bool:
    return any(isinstance(written.held[c], Array) for c in _PRIVATE.findall(side))


def shape_of(shape: tuple[str, str] | None, times: str = " × ") -> str:
    """`n_2 × m`."""
    return "" if shape is None else times.join(str(x) for x in shape)
