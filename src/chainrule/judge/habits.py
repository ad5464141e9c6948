"""Habits of writing that a formula shows by itself: what dW is called, how weights are numbered, small changes."""

from __future__ import annotations

from dataclasses import replace

from ..meaning.letters import LOSSES
from ..notation.formula import Equation, Formula, Partial, Symbol, Transpose
from .parts import LAYERED, is_ones, offset, shifted


def leading_up(equation: Equation) -> Equation | None:
    """`z[l+1] = W[l] a[l] + b[l]`: the formula in our numbers, where W[l] leads from layer l to l + 1.

    None where that may be a slip: W and b must both be there, and at the left l + 1, or the input x at the right.
    """
    letters = [x for x in equation.parts if isinstance(x, Symbol) and x.layer is not None]
    parameters = {x.name for x in letters} & _PARAMETERS
    others = [x for x in letters if x.name in LAYERED - _PARAMETERS]
    if not others or len({x[-1:].lower() for x in parameters}) < 2:
        return None
    next_one = any(offset(x.layer) > 0 for x in equation.sides[0].parts if isinstance(x, Symbol) and x.layer)
    if not next_one and Symbol("x") not in equation.parts:
        return None

    def ours(part: Formula) -> Formula:
        if not isinstance(part, Symbol) or part.layer is None or part.name == "L":
            return part
        from_end = any(x == Symbol("L") for x in part.layer.parts)
        by = from_end if part.name in _PARAMETERS else from_end - 1
        layer = shifted(part.layer, by)
        return part if layer is None else replace(part, layer=layer)

    new = equation.mapped(ours)
    assert isinstance(new, Equation)
    return new if new != equation else None


_PARAMETERS = frozenset({"W", "w", "b", "dW", "dw", "db"})


def with_bias_columns(equation: Equation) -> Equation | None:
    """`X W + 1 bᵀ`, `∂J/∂b = (∂J/∂S)ᵀ 1` where samples are rows: b is a column there too; None if nothing says so."""
    left = equation.sides[0]
    turned = any(isinstance(x, Transpose) and _is_bias(x.operand) for x in equation.parts)
    gradient = _is_bias(left) or (isinstance(left, Partial) and _is_bias(left.denominator))
    added_up = any(is_ones(x) for x in equation.parts) and any(isinstance(x, Transpose) for x in equation.parts)
    if not turned and not (gradient and added_up):
        return None

    def column(part: Formula) -> Formula:
        match part:
            case Transpose(Transpose(inner)):
                return inner
            case Partial(_, Transpose(below)):
                return Transpose(replace(part, denominator=below))
        return Transpose(part) if _is_bias(part) else part

    new = equation.mapped(column)
    assert isinstance(new, Equation)
    return new


def _is_bias(part: Formula) -> bool:
    return isinstance(part, Symbol) and part.name in ("b", "db")


def changes_the_loss(equation: Equation) -> bool:
    """`dL = tr(δᵀ dZ)`: the change of the loss by small changes, so that dZ is no derivative."""
    left = equation.sides[0]
    change = isinstance(left, Symbol) and left.layer is None and LOSSES.get(left.name[1:]) and left.name[0] == "d"
    inner = (x.name for side in equation.sides[1:] for x in side.parts if isinstance(x, Symbol))
    return bool(change) and any(x in LAYERED and x[0] == "d" for x in inner)


def names_the_derivative(equation: Equation) -> bool:
    """`dW = ∂L/∂W`, which says what dW is called: L is then what all derivatives are of."""
    named = {x.name[1:] for x in equation.sides if isinstance(x, Symbol) and x.name in ("dW", "db", "dw")}
    by = {
        x.denominator.name
        for x in equation.sides
        if isinstance(x, Partial) and isinstance(x.numerator, Symbol) and isinstance(x.denominator, Symbol)
        if LOSSES.get(x.numerator.name) == "L"
    }
    return bool(named & by)


def with_columns(equation: Equation) -> Equation:
    """`∇_z L` in numerator layout, which makes a row of ∂L/∂z: ∇ stays a column (Goodfellow et al., 6.2)."""

    def column(part: Formula) -> Formula:
        of_loss = isinstance(part, Partial) and isinstance(part.numerator, Symbol) and part.numerator.name in LOSSES
        return Transpose(part) if of_loss else part

    new = equation.mapped(column)
    assert isinstance(new, Equation)
    return new
