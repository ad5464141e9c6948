"""Worked examples: sides of an equation that are numbers alone, `z = w x + b = 0.5 * 2 - 0.2 = 0.8`."""

from __future__ import annotations

from ..notation.formula import Array, Binary, Call, Equation, Formula, Index, Negate, Number, Partial, Symbol, Transpose
from ..notation.reading.tokens import FUNCTIONS

_FUNCTIONS = FUNCTIONS | {"sigma", "sig"}
_SIGNS = ("·", " ", "@")


def is_arithmetic(equation: Equation) -> bool:
    """`0.69 * (1 - 0.69) = 0.2139`: an operation on numbers, worked out; 3 x 4 = 3 x 4 are sizes."""
    if not all(is_numeric(side) for side in equation.sides):
        return False
    computed = any(isinstance(side, Binary | Call) for side in equation.sides)
    return computed and not all(isinstance(side, Binary) and _is_size(side) for side in equation.sides)


def is_numeric(side: Formula) -> bool:
    """Whether a side is made of numbers and functions that all texts know."""
    match side:
        case Number():
            return True
        case Call(function=Symbol(name=name, layer=None), names=()) if name in _FUNCTIONS:
            return all(is_numeric(x) for x in side.arguments)
        case Binary() | Negate() | Array() | Transpose():
            return all(is_numeric(x) for x in side.children)
    return False


def worked(equation: Equation) -> tuple[int, ...]:
    """The sides that are the numbers of an example in `a = σ(z) = σ(0.8) ≈ 0.69`; none where they are a claim.

    `dz/db = 0 + 1 = 1` claims something of all numbers: what holds for an example has decimals, or gives a letter its
    value.
    """
    numeric = tuple(i for i, side in enumerate(equation.sides) if is_numeric(side))
    left = equation.sides[0]
    if not numeric or not isinstance(left, Symbol | Index | Partial):
        return ()
    found = [equation.sides[i] for i in numeric]
    if any(isinstance(p, Number) and p.value.denominator > 1 for side in found for p in side.parts):
        return numeric
    computed = any(isinstance(side, Array) or (isinstance(side, Binary) and not _is_quotient(side)) for side in found)
    return numeric if computed and not isinstance(left, Partial) else ()


def _is_quotient(side: Binary) -> bool:
    """1/2, a number in two parts."""
    return side.sign == "/" and all(isinstance(x, Number) for x in side.children)


def _is_size(side: Formula) -> bool:
    """`(4 x 3)(3 x 1)`: a product of whole numbers."""
    match side:
        case Number(value=value):
            return value.denominator == 1
        case Binary(sign=sign) if sign in _SIGNS:
            return all(_is_size(x) for x in side.children)
    return False
