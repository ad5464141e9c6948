"""Worked numbers: `0.69 (1 - 0.69) = 0.2139`, `net = 0.1 * 0.3 + 0.25 = 0.28`; what was printed was rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor, log10

from ..meaning.functions import is_known
from ..meaning.letters import CONSTANTS
from ..meaning.nearly import digits
from ..meaning.values import NoValueError
from ..meaning.world import World
from ..notation.formula import Call, Equation, Formula, Index, Negate, Number, Symbol
from ..notation.write import exact
from .verdict import Finding

_EXACT = 1e-9  # relative: what rounding in the machine leaves
_LAST_DIGITS = 3.0  # in halves of the last digit: whoever goes on with unrounded numbers is off by one
_SHOWN = 6  # digits behind the point of a value that nobody printed
_MOST = 40  # numbers of one side


@dataclass(frozen=True)
class Side:
    """A side made of numbers alone: its value, and by how much each of its decimal numbers may put it off.

    moved  (half a unit of the last digit of a number, by how much it moves the value)
    """

    formula: Formula
    value: float
    moved: tuple[tuple[float, float], ...]

    def off(self, half: float) -> float:
        """By how much it may be off where numbers that were printed to this digit or a later one were rounded."""
        return sum(by for own, by in self.moved if own <= half)

    @property
    def half(self) -> float | None:
        """Half a unit of its last digit, where it is one number."""
        return digits(self.formula)


def is_arithmetic(side: Formula) -> bool:
    """It is made of numbers and functions that have a name everywhere."""
    called = {x.function for x in side.parts if isinstance(x, Call)}
    return any(isinstance(x, Number) for x in side.parts) and all(
        x.layer is None and x.sample is None and (is_known(x.name) if x in called else x.name in CONSTANTS)
        for x in side.parts
        if isinstance(x, Symbol)
    )


def is_printed(side: Formula) -> bool:
    """A decimal number as an example has it; 1/2, 0 and 1 may stand in a law."""
    number = side.operand if isinstance(side, Negate) else side
    return isinstance(number, Number) and number.value.denominator not in (1, 2)


def sets_a_number(equation: Equation) -> bool:
    """`L = 2`, `z_1 = -3`: a letter and its number in an example."""
    sides = [side.operand if isinstance(side, Negate) else side for side in equation.sides]
    letters = [side.base if isinstance(side, Index) else side for side in sides]
    numbers = sum(isinstance(side, Number) for side in sides)
    return len(sides) == 2 and numbers == 1 and any(isinstance(x, Symbol) and x.name not in _SIZES for x in letters)


_SIZES = frozenset({"m", "N", "n"})


def value_of(side: Formula) -> Side | None:
    """The numbers of a side; None where it has none or is no number."""
    world = World.free()

    def of(formula: Formula) -> float | None:
        try:
            value = world.value(formula)
        except NoValueError:
            return None
        return float(value.array.real[0, 0]) if value.is_scalar and not value.labels else None

    value = of(side)
    if value is None:
        return None
    found, places = [], [p for p, x in side.walk() if isinstance(x, Number) and x.value.denominator != 1]
    for path in places[:_MOST]:
        half = digits(side.at(path))
        if half is None or (len(places) == 1 and not path):
            continue
        number = side.at(path)
        assert isinstance(number, Number)
        moved = of(side.replaced(path, Number(number.value + Fraction(half))))
        if moved is not None:
            found.append((half, abs(moved - value)))
    return Side(side, value, tuple(found))


def agree(a: Side, b: Side, relation: str) -> bool:
    """Whether two sides are the same number, as far as what was printed tells."""
    gap = abs(a.value - b.value)
    if gap <= _EXACT * max(1.0, abs(a.value), abs(b.value)):
        return True
    halves = [(half, other) for side, other in ((a, b), (b, a)) if (half := side.half) is not None]
    if not halves:
        return gap <= a.off(_TWO_DIGITS) + b.off(_TWO_DIGITS)
    half, other = max(halves, key=lambda x: x[0])
    if relation != "≈" and half > _ONE_DIGIT:
        return False  # beside = 0.4 is meant as it stands
    return gap <= half or gap <= min(_LAST_DIGITS * half, half + other.off(min(half, _THREE_DIGITS)))


_ONE_DIGIT, _TWO_DIGITS, _THREE_DIGITS = 0.04, 0.0051, 0.00051


def misprint(sides: Sequence[Formula], relations: Sequence[str]) -> tuple[Finding | None, bool]:
    """The first side of numbers that does not agree with the one before it, and whether all could be compared."""
    values = [value_of(x) for x in sides]
    known = [v for v in values if v is not None]
    for (a, b), relation in zip(pairwise(known), relations, strict=False):
        if not agree(a, b, relation):
            return _finding(a, b), True
    return None, len(known) == len(sides)


def _finding(a: Side, b: Side) -> Finding:
    wrong, right = (b, a) if b.half is not None or a.half is None else (a, b)
    shown = _shown(right.value, wrong.half)
    found = exact(wrong.formula)
    words = f"{exact(right.formula)} is {shown}, not {_decimal(wrong)}"
    return Finding("wrong-number", found, found, shown, f"{exact(right.formula)} = {shown}", words)


def _decimal(side: Side) -> str:
    return _shown(side.value, side.half) if side.half is None else exact(side.formula)


def _shown(value: float, half: float | None) -> str:
    """With as many digits as were printed, and three that count at least."""
    printed = 0 if half is None else next((d for d in range(16) if 0.5 * 10.0**-d <= half), 0)
    counting = 2 - floor(log10(abs(value))) if value else 0
    places = max(printed, min(counting, _SHOWN), 0)
    text = f"{value:.{places}f}"
    while "." in text and places > printed and text[-1] == "0":
        text, places = text[:-1], places - 1
    return text.rstrip(".")


def without_numbers(equation: Equation) -> Equation:
    """The sides that are no numbers, where there are two or more of them; else the equation as it stands."""
    kept = [i for i, side in enumerate(equation.sides) if not is_arithmetic(side)]
    if len(kept) < 2 or len(kept) == len(equation.sides):
        return equation
    if not any(is_printed(s) or not isinstance(s, Number) for i, s in enumerate(equation.sides) if i not in kept):
        return equation
    relations = tuple(equation.relations[i - 1] for i in kept[1:])
    return Equation(tuple(equation.sides[i] for i in kept), relations)
