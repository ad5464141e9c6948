"""A penalty on the weights as a part of the cost: what the cost, its derivatives and a step of descent mean then."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

from ..graph import Node, constant, variable
from ..notation import from_graph
from ..notation.formula import ONE, Binary, Bound, Call, Equation, Formula, Index, Number, Partial, Sum, Symbol
from ..ops import total
from ..reverse import derive
from .seen import rate_in, updated

_COSTS = (Symbol("J"), Symbol("C"))
_TWO = Number(Fraction(2))


def with_penalty(equation: Formula, weight: Formula) -> Formula:
    """The equation with what the penalty adds to its letters; the parts that it leaves alone stay the same objects.

    weight  what multiplies W in the derivative of the penalty: λ for λ/2 ‖W‖²

    ∂J/∂W is that of the cost without the penalty, plus λ W; in an update dW is that of the cost without it, as
    `W := W - α (dW + λ W)` says.
    """
    if isinstance(equation, Equation) and len(equation.sides) == 2 and updated(equation) is not None:
        left, right = equation.sides
        letter = left.base if isinstance(left, Index) else left
        if not isinstance(letter, Symbol) or letter.name not in ("W", "w"):
            return equation
        step = Binary("*", rate_in(right), _pull(weight, left))
        return Equation((left, Binary("+", right, step)), equation.relations)
    return equation.mapped(lambda part: _changed(part, weight))


def _changed(part: Formula, weight: Formula) -> Formula:
    if isinstance(part, Symbol) and part.name in ("dW", "dw") and part.sample is None:
        return Binary("+", part, _pull(weight, replace(part, name=part.name[1:])))
    if isinstance(part, Partial) and part.numerator in _COSTS:
        below = part.denominator.base if isinstance(part.denominator, Index) else part.denominator
        if isinstance(below, Symbol) and below.name in ("W", "w"):
            return Binary("+", part, _pull(weight, part.denominator))
    if isinstance(part, Equation) and part.sides[0] in _COSTS:
        square = Binary("^", Call(Symbol("norm"), (Symbol("W", Symbol("l")),)), _TWO)
        total = Sum(square, (Bound(Symbol("l"), ONE, Symbol("L")),))
        whole = Binary("+", part.sides[0], Binary("*", Binary("/", weight, _TWO), total))
        return Equation((whole, *part.sides[1:]), part.relations)
    return part


def _pull(weight: Formula, letter: Formula) -> Formula:
    """The derivative of weight/2 ‖W‖² by W, for a letter in the place of W."""
    W, scale, slope = _derived()
    return from_graph.formula(slope, {W: letter, scale: weight})


@cache
def _derived() -> tuple[Node, Node, Node]:
    """W, s and the derivative of s/2 ‖W‖² by W, by reverse mode as every other gradient."""
    W, scale = variable("W", "p", "q"), variable("s", 1, 1)
    penalty = scale * total(W * W, axis=None) * constant(Fraction(1, 2))
    return W, scale, derive(penalty, ["W"])["W"]
