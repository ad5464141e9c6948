"""What a decimal of many digits is: 0.7071067811865475 is written 1/√2, 0.39894228040143265 is 1/√(2π).

The graph holds numbers that are no fractions as the 64 bits that programs compute with. Where such a number is a root
of small whole numbers and π to its last bits, a reader is shown the root.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import isqrt, pi, sqrt

from .formula import Binary, Call, Formula, Number, Symbol

_LARGEST = 12  # of the whole numbers under a root
_CLOSE = 4e-16  # two roundings: of the root, and of what is computed from it
_SHORT = 10**9  # a decimal with a smaller denominator is written as it is


@lru_cache(maxsize=256)
def root_of(value: Fraction) -> Formula | None:
    """`1/sqrt(2)`, `sqrt(2/pi)`: the root that a positive number is; None where it is none of small numbers and π."""
    if value <= 0 or value.denominator <= _SHORT:
        return None
    square = float(value) ** 2
    for power in (0, 1, -1):  # of π under the root
        rest = Fraction(square / pi**power).limit_denominator(_LARGEST)
        if not 0 < rest.numerator <= _LARGEST:
            continue
        exact = sqrt(rest) * sqrt(pi) ** power
        rational = power == 0 and all(_is_square(n) for n in (rest.numerator, rest.denominator))
        if abs(float(value) - exact) <= _CLOSE * exact and not rational:
            return _written(rest, power)
    return None


def _is_square(n: int) -> bool:
    return isqrt(n) ** 2 == n


def _written(x: Fraction, power: int) -> Formula:
    """√(2/π), and 2/√π where one of the two has a root of its own."""
    above, below = (x.numerator, power > 0), (x.denominator, power < 0)
    if _has_root(*above) and _has_root(*below):
        return Call(Symbol("sqrt"), (Binary("/", _product(*above), _product(*below)),))
    top, bottom = _root(*above), _root(*below)
    return top if bottom == Number(Fraction(1)) else Binary("/", top, bottom)


def _has_root(number: int, with_pi: bool) -> bool:
    return with_pi or not _is_square(number)


def _root(number: int, with_pi: bool) -> Formula:
    if not _has_root(number, with_pi):
        return Number(Fraction(isqrt(number)))
    return Call(Symbol("sqrt"), (_product(number, with_pi),))


def _product(number: int, with_pi: bool) -> Formula:
    if not with_pi:
        return Number(Fraction(number))
    return Symbol("pi") if number == 1 else Binary("·", Number(Fraction(number)), Symbol("pi"))


__all__ = ["root_of"]
