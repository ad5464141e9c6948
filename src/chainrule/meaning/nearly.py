"""What `≈` says: of two sides that contain a small letter, how fast they meet; of numbers, how many digits agree."""

from __future__ import annotations

import math

import numpy as np

from ..notation.formula import Array, Binary, Call, Equation, Formula, Index, Negate, Number, Sum, Symbol, Transpose
from .evaluator import Evaluator
from .values import Value, together

SMALL = ("h", "epsilon", "eps", "varepsilon")
_STEPS = (2e-2, 5e-3)
_PASSING = ("sum", "mean", "trace", "transpose", "diag", "abs", "norm", "sqrt")
_ROUNDED = 1e-12  # differences below this are those of rounding


def small_letter(context: Evaluator, equation: Equation) -> str | None:
    """The letter that goes to zero, where `≈` stands and the letter is any number."""
    names = {x.name for x in equation.parts if isinstance(x, Symbol) and x.layer is None}
    called = {x.function.name for x in equation.parts if isinstance(x, Call) and isinstance(x.function, Symbol)}
    free = (x for x in SMALL if x in names - called and context.model.is_free(x))
    return next(free, None)


def meets(context: Evaluator, left: Formula, right: Formula, letter: str) -> tuple[bool, float]:
    """Whether the sides meet faster than the smallest term that is written, and how far they are apart.

    `f(x + h) ≈ f(x) + h f'(x)` states a term of order h, so the rest must be of order h² or smaller; a quotient of
    differences states none, and its rest must vanish.
    """
    gaps = []
    for step in _STEPS:
        at = context.child({("local", letter): Value(np.full((1, 1), step))})
        a, b = at.eval(left), at.eval(right)
        if a.shape != b.shape:
            return False, math.inf
        _, x, y = together(a, b)
        gaps.append(float(np.max(np.abs(x - y), initial=0.0)) / max(1.0, float(np.max(np.abs(x), initial=0.0))))
    if max(gaps) < _ROUNDED:
        return True, max(gaps)
    if not gaps[1] > 0.0 or not math.isfinite(sum(gaps)):
        return math.isfinite(sum(gaps)), max(gaps)
    order = math.log(gaps[0] / gaps[1]) / math.log(_STEPS[0] / _STEPS[1]) if gaps[0] > 0.0 else 0.0
    stated = max(0.0, degree(left, letter), degree(right, letter))
    return order > stated + 0.7, gaps[1]


def degree(part: Formula, letter: str) -> float:
    """The highest power of a letter among the terms, as a factor.

    Sums, transposes, entries, absolute values and roots pass it on; what stands in any other function, as in `f(x + h)`
    or `e^h`, states no term.
    """
    match part:
        case Symbol(name, layer=None) if name == letter:
            return 1.0
        case Negate(x) | Sum(body=x) | Transpose(x) | Index(base=x):
            return degree(x, letter)
        case Call(Symbol(name), (x, *_)) if name in _PASSING:
            return degree(x, letter) * (0.5 if name == "sqrt" else 1.0)
        case Binary("+" | "-", a, b):
            return max(degree(a, letter), degree(b, letter))
        case Binary("/", a, b):
            return degree(a, letter) - degree(b, letter)
        case Binary("^", a, Number(value)):
            return degree(a, letter) * float(value)
        case Binary("^", _, _):
            return 0.0
        case Binary(_, a, b):
            return degree(a, letter) + degree(b, letter)
    return 0.0


def digits(side: Formula) -> float | None:
    """Half a unit of the last digit of a number as it is written; None for what is no number.

    Of a list or matrix of numbers the finest counts: all are printed with as many digits.
    """
    if isinstance(side, Array):
        each = [digits(x) for x in side.entries]
        return None if None in each else min((x for x in each if x is not None), default=None)
    number = side.operand if isinstance(side, Negate) else side
    if not isinstance(number, Number):
        return None
    places = next((d for d in range(16) if (number.value * 10**d).denominator == 1), None)
    return None if places is None else 0.5000001 * 10.0**-places
