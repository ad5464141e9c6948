"""What a formula says once its letters are known: entries of x, y and ŷ, and factors that look like calls."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Partial, Symbol
from .parts import LAYERED, Place, places


def components_of(equation: Equation) -> Equation:
    """`w1*x1 + w2*x2 + b`: the numbers behind w count components where those behind x do, and no z or a is numbered."""
    equation = _entries_of_samples(equation)
    numbered = {x.name for x in equation.parts if isinstance(x, Symbol) and isinstance(x.layer, Number)}
    counted = any(
        isinstance(x, Index) and x.base == Symbol("x") and isinstance(x.entries[0], Number) for x in equation.parts
    )
    if not counted or not numbered & {"w", "dw"} or numbered - {"w", "dw", "dz", "da"}:
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


def applied_functions(equation: Equation) -> Equation:
    """`dσ/dz = σ (1 - σ)`, `tanh' = 1 - tanh²`: functions without an argument, of the letter that stands below or z."""
    equation = _multiplied(equation)
    bare = {p.part for p in places(equation) if isinstance(p.part, Symbol) and _is_bare_function(p)}
    slopes = {x.denominator for x in equation.parts if isinstance(x, Partial) and x.numerator in bare}
    primed = any(isinstance(x, Symbol) and x.prime for x in bare)
    names = {x.name for x in bare}
    below = slopes or {
        x.arguments[0]
        for x in equation.parts
        if isinstance(x, Call) and len(x.arguments) == 1 and isinstance(x.function, Symbol)
        if x.function.prime and x.function.name in names
    }
    if not bare or (not below and not primed) or len(below) > 1:
        return equation
    argument = below.pop() if below else Symbol("z")

    def applied(part: Formula) -> Formula:
        if isinstance(part, Call) or part == argument:
            return part.rebuilt(tuple(x if i == 0 else applied(x) for i, x in enumerate(part.children)))
        if isinstance(part, Partial) and part.numerator in bare:
            return part
        if part in bare:
            return Call(part, (argument,))
        return part.rebuilt(tuple(applied(x) for x in part.children)) if part.children else part

    tree = applied(equation)
    assert isinstance(tree, Equation)
    return tree


def _multiplied(equation: Equation) -> Equation:
    """`σ (1 - σ)`, which looks like σ of 1 - σ, as a product."""

    def product(part: Formula) -> Formula:
        if not isinstance(part, Call) or not isinstance(part.function, Symbol) or len(part.arguments) != 1:
            return part
        f, inner = part.function, part.arguments[0]
        itself = any(p.part == replace(f, prime=0) and p.role == "operand" for p in places(inner))
        return Binary(" ", f, inner) if f.name in _FUNCTIONS and itself else part

    tree = equation.mapped(product)
    assert isinstance(tree, Equation)
    return tree


def _is_bare_function(place: Place) -> bool:
    part = place.part
    alone = isinstance(part, Symbol) and place.role == "operand" and part.layer is None and part.sample is None
    return alone and isinstance(part, Symbol) and part.name in _FUNCTIONS


_FUNCTIONS = frozenset({"sigma", "sig", "sigmoid", "tanh", "relu", "softplus", "sinh", "cosh", "exp"})


def without_guards(equation: Equation) -> Equation:
    """`log(A + 1e-8)`, `v / (sqrt(s) + 1e-8)`: a tiny number that only guards against 0 is left out."""

    def plain(part: Formula) -> Formula:
        match part:
            case Binary("+", inner, Number(value)) if 0 < value <= _TINY:
                return inner
            case Binary("+", Number(value), inner) if 0 < value <= _TINY:
                return inner
        return part

    def guarded(part: Formula) -> Formula:
        match part:
            case Call(Symbol("ln" | "log" | "sqrt"), (inner, *rest), names):
                return Call(part.function, (plain(inner), *rest), names)
            case Binary("/", above, below):
                return Binary("/", above, plain(below))
        return part

    tree = equation.mapped(guarded)
    assert isinstance(tree, Equation)
    return tree


_TINY = Fraction(1, 10**5)
