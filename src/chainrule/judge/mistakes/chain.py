"""The chain rule with a link left out: the inner derivative, ∂a/∂z between two others, the derivative itself."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ...notation.formula import ONE, Binary, Bound, Call, Equation, Formula, Index, Negate, Number, Partial, Sum, Symbol
from ...notation.write import exact
from ..parts import PRODUCTS, Place
from .setting import Change, Setting


def inner(place: Place, setting: Setting) -> Iterator[Change]:
    """`d sin(x²)/dx = cos(x²)`: the derivative of what the outer function is taken of is missing."""
    part, left = place.part, setting.equation.sides[0]
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation) or not isinstance(left, Partial):
        return
    by = left.denominator
    for within in dict.fromkeys(_arguments(_meaning(left.numerator, setting))):
        doubled = (
            isinstance(within, Binary) and within.left == _TWO and within.right == by
        )  # then a factor 2 is missing
        if within != by and by in within.parts and not doubled:
            slope = Partial(within, by)
            text = f"the inner derivative {exact(slope)} is missing"
            yield "missing-activation-derivative", Binary("*", part, slope), 1, text


def _meaning(part: Formula, setting: Setting) -> Formula:
    """What the text defines a letter or f(x) as; else the part itself."""
    name = part.function if isinstance(part, Call) else part
    told = setting.definitions.get(name.name) if isinstance(name, Symbol) and name.layer is None else None
    if isinstance(told, Equation):  # `f(x) = …`, also where the formula has f alone
        head = told.sides[0]
        bare = isinstance(head, Call) and head.function == part
        return told.sides[-1] if head == part or bare else part
    return part if told is None else told


def _arguments(part: Formula) -> Iterator[Formula]:
    """x² of sin(x²), 3x + 1 of (3x + 1)², of functions inside functions too."""
    for x in part.parts:
        if isinstance(x, Call) and len(x.arguments) == 1:
            yield x.arguments[0]
        elif isinstance(x, Binary) and x.sign == "^" and isinstance(x.right, Number | Negate | Binary):
            yield x.left
        elif isinstance(x, Binary) and x.sign == "/":
            yield x.right


def link(place: Place, setting: Setting) -> Iterator[Change]:
    """`∂C/∂a ∂z/∂W` for `∂C/∂a ∂a/∂z ∂z/∂W`: the way leads through the activation."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(part, Binary) or part.sign not in PRODUCTS:
        return
    before = part.left.right if isinstance(part.left, Binary) and part.left.sign in PRODUCTS else part.left
    if not (isinstance(before, Partial) and isinstance(part.right, Partial)):
        return
    for first, second in ((before, part.right), (part.right, before)):
        top, below = first.denominator, second.numerator
        if _is_activation(top, below):
            between = Partial(top, below)
            new = (
                Binary(part.sign, Binary(part.sign, part.left, between), part.right)
                if first is before
                else Binary(part.sign, part.left, Binary(part.sign, between, part.right))
            )
            yield "missing-activation-derivative", new, 1, f"the factor {exact(between)} is missing"


def _is_activation(top: Formula, below: Formula) -> bool:
    """a and z of one layer."""
    bases = [x.base if isinstance(x, Index) else x for x in (top, below)]
    a, z = bases
    if not (isinstance(a, Symbol) and isinstance(z, Symbol)) or a.layer != z.layer:
        return False
    return (a.name, z.name) in _ACTIVATED


_ACTIVATED = {("a", "z"), ("A", "Z"), ("yhat", "z"), ("Yhat", "Z")}


def itself(place: Place, setting: Setting) -> Iterator[Change]:
    """`∂L/∂a = y ln a + …`: the function stands where its derivative belongs; and `∂(w x + b)/∂b = b`."""
    part, left = place.part, setting.equation.sides[0]
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation) or not isinstance(left, Partial):
        return
    by = left.denominator
    if part == by:
        yield "other", ONE, 1, f"the derivative of {exact(part)} by itself is 1"
    elif by in part.parts and not any(isinstance(x, Partial) for x in part.parts) and not isinstance(part, Sum):
        slope = Partial(part, by)
        text = f"the function {exact(part)} stands where its derivative belongs"
        yield "function-used-for-derivative", slope, 1, text


def gradients(place: Place, setting: Setting) -> Iterator[Change]:
    """`∂L/∂Z (∂L/∂A)ᵀ` for `∂L/∂Z Aᵀ`: the gradient of a quantity stands where the quantity belongs."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(part, Partial) or part.numerator not in _COSTS:
        return
    letter = part.denominator.base if isinstance(part.denominator, Index) else part.denominator
    if isinstance(letter, Symbol) and letter.name in _QUANTITIES:
        text = f"the derivative {exact(part)} stands where {exact(part.denominator)} belongs"
        yield "wrong-operand", part.denominator, 1, text


_COSTS = (Symbol("L"), Symbol("J"), Symbol("C"))
_QUANTITIES = frozenset({"A", "a", "Z", "z", "X", "x", "Yhat", "yhat"})


def penalty(place: Place, setting: Setting) -> Iterator[Change]:
    """`dW = 1/m dZ Aᵀ` where the cost has a penalty on the weights: its derivative is missing."""
    part, left = place.part, setting.equation.sides[0]
    if setting.penalty is None or place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    below = left.denominator if isinstance(left, Partial) and left.numerator in _COSTS else left
    entry = below.entries if isinstance(below, Index) else ()
    letter = below.base if isinstance(below, Index) else below
    if isinstance(letter, Symbol) and letter.name == ("W" if isinstance(left, Partial) else "dW"):
        weight: Formula = Symbol("W", letter.layer)
        term = Binary("*", setting.penalty, Index(weight, entry) if entry else weight)
        text = f"the derivative of the penalty, {exact(term)}, is missing"
        yield "other", Binary("+", part, term), 1, text
    elif left in (Symbol("J"), Symbol("C")):
        square = Binary("^", Call(Symbol("norm"), (Symbol("W", Symbol("l")),)), _TWO)
        term = Binary("*", Binary("/", setting.penalty, _TWO), Sum(square, (Bound(Symbol("l")),)))
        yield "other", Binary("+", part, term), 1, f"the penalty {exact(term)} is missing"


_TWO = Number(Fraction(2))
