"""What a formula says once its letters are known: entries of x, y and ŷ, and factors that look like calls."""

from __future__ import annotations

from dataclasses import replace

from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Symbol
from .parts import LAYERED


def components_of(equation: Equation) -> Equation:
    """`w1*x1 + w2*x2 + b`: the numbers behind w count components where those behind x do, and no z or a is numbered."""
    equation = _entries_of_samples(equation)
    numbered = {x.name for x in equation.parts if isinstance(x, Symbol) and isinstance(x.layer, Number)}
    counted = any(
        isinstance(x, Index) and x.base == Symbol("x") and isinstance(x.entries[0], Number) for x in equation.parts
    )
    if not counted or not numbered or numbered - {"w", "dw"}:
        return equation

    def entry(part: Formula) -> Formula:
        if isinstance(part, Symbol) and part.name in ("w", "dw") and isinstance(part.layer, Number):
            return Index(replace(part, layer=None), (part.layer,))
        return part

    tree = equation.mapped(entry)
    assert isinstance(tree, Equation)
    return tree


def _entries_of_samples(equation: Equation) -> Equation:
    """`yhat_k` where numbers below are layers: x, y and yhat have none, so k counts their entries."""

    def entry(part: Formula) -> Formula:
        if isinstance(part, Symbol) and part.name in ("x", "y", "yhat") and part.layer is not None:
            return Index(replace(part, layer=None), (part.layer,))
        return part

    tree = equation.mapped(entry)
    assert isinstance(tree, Equation)
    return tree


def products_of_calls(equation: Equation) -> Equation:
    """`h (1 - h)` where h is a[1]: a quantity is no function, and a sum in parentheses is its factor."""

    def product(part: Formula) -> Formula:
        if (
            not isinstance(part, Call)
            or not isinstance(part.function, Symbol)
            or len(part.arguments) != 1
            or part.names
        ):
            return part
        inner, letter = part.arguments[0], part.function
        quantity = letter.name in LAYERED | {"x", "y", "yhat", "X", "Y", "Yhat"} and not letter.prime
        sum_ = isinstance(inner, Binary) and inner.sign in "+-"
        return Binary(" ", letter, inner) if quantity and sum_ else part

    tree = equation.mapped(product)
    assert isinstance(tree, Equation)
    return tree
