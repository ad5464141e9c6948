"""Signs, factors, means over the samples, numbers and powers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ...notation.formula import (
    ONE,
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Sum,
    Symbol,
    Transpose,
)
from ...notation.write import exact
from ..parts import PRODUCTS, Place, half, is_derivative, is_ones, is_scalar, number, reciprocal_of_m
from .letters import ELEMENTARY
from .setting import Change, Setting

_TWO = Number(Fraction(2))
_SAMPLES = ("m", "N")
_LOGARITHMS = (Symbol("ln"), Symbol("log"))


def sign(place: Place, setting: Setting) -> Iterator[Change]:
    """A minus that is missing, superfluous, or at the other operand."""
    part, parent = place.part, place.parent
    if isinstance(part, Negate):
        yield "sign", part.operand, 1, f"the minus before {exact(part.operand)} is wrong"
        return
    if isinstance(part, Binary) and part.sign in "+-":
        other = "-" if part.sign == "+" else "+"
        new = Binary(other, part.left, part.right)
        yield "sign", new, 1, f"the sign before {exact(part.right)} should be {other}"
        if part.sign == "-":
            text = f"the difference {exact(part)} is taken the wrong way round"
            yield "sign", Binary("-", part.right, part.left), 1, text
    whole = isinstance(parent, Equation)
    term = isinstance(parent, Binary) and parent.sign in "+-" and parent.left is part
    argument = isinstance(parent, Call | Sum)
    power = isinstance(parent, Binary) and parent.sign == "^" and parent.right is part
    difference = isinstance(part, Binary) and part.sign == "-"  # to be swapped, which says the same
    if (whole or term or argument or power) and not difference:
        yield "sign", Negate(part), 1, f"a minus is missing before {exact(part)}"


def missing_factor(place: Place, setting: Setting) -> Iterator[Change]:
    """1/m, 2 or 1/2 before a side or a term, or in the argument of a function."""
    part, parent = place.part, place.parent
    right = not isinstance(parent, Equation) or place.path != (0,)
    term = isinstance(parent, Equation | Sum | Negate) or (isinstance(parent, Binary) and parent.sign in "+-")
    term = term and not isinstance(part, Negate)
    if term and right and not reciprocal_of_m(part) and not _times_m(part):
        over = Binary("/", ONE, Symbol(setting.samples))
        text = f"the mean over the samples is missing: {exact(part)} must be multiplied with 1/{setting.samples}"
        yield "missing-1/m", scaled(over, part), 1, text
    argument = (
        isinstance(parent, Call)
        and isinstance(parent.function, Symbol)
        and parent.function.name in (*ELEMENTARY, "sigma", "sig", "sin", "cos", "log")
        and place.role == "operand"
    )
    if (term and right) or argument:
        for value in (Fraction(2), Fraction(1, 2)):
            if _leading(part) == Number(1 / value):
                continue  # that factor is superfluous
            factor = number(value)
            yield "factor-2", scaled(factor, part), 1, f"{exact(part)} lacks the factor {exact(factor)}"


def superfluous_factor(place: Place, setting: Setting) -> Iterator[Change]:
    """A factor, a term or a divisor that does not belong there."""
    part = place.part
    if not isinstance(part, Binary):
        return
    if part.sign in PRODUCTS and isinstance(part.left, Symbol) and part.left.name in _SAMPLES:
        over = Binary("/", ONE, part.left)
        text = f"the factor {exact(part.left)} should be {exact(over)}: the mean over the samples divides"
        yield "missing-1/m", Binary(part.sign, over, part.right), 1, text
    if part.sign in PRODUCTS:
        for kept, gone in ((part.left, part.right), (part.right, part.left)):
            text = f"the factor {exact(gone)} is superfluous"
            if reciprocal_of_m(gone):
                yield "doubled-1/m", kept, 1, text + _already(gone, setting)
            elif half(gone) or (isinstance(gone, Number) and gone.value in (2, Fraction(1, 2))):
                yield "factor-2", kept, 1, text
            elif is_derivative(gone):
                yield "activation-derivative-at-wrong-place", kept, 1, text
            else:
                yield "other", kept, 1.5, text
    elif part.sign in "+-":
        yield "other", part.left, 1.5, f"the term {exact(part.right)} is superfluous"
        rest = part.right if part.sign == "+" else Negate(part.right)
        yield "other", rest, 1.5, f"the term {exact(part.left)} is superfluous"
    elif part.sign == "/":
        if _counts_samples(part.right) and part.left != ONE:
            text = f"the division by {exact(part.right)} is superfluous"
            kept = part.left
            if isinstance(kept, Binary) and kept.sign in PRODUCTS and kept.right == ONE:  # of 1/m * 1/m
                kept = kept.left
            yield "doubled-1/m", kept, 1, text + _already(part, setting)
        elif isinstance(part.right, Number) and part.right.value == 2:
            yield "factor-2", part.left, 1, "the division by 2 is superfluous"
        elif part.left != ONE:
            yield "other", part.left, 1.5, f"the division by {exact(part.right)} is superfluous"
        if isinstance(part.left, Number) and part.left.value > 1:  # `2 / sqrt(z)` for 1 / (2 sqrt(z))
            new = Binary("/", ONE, Binary("*", part.left, part.right))
            cause = "factor-2" if part.left == _TWO else "other"
            yield cause, new, 1, f"{exact(part.left)} belongs below the line of {exact(part)}"
        text = f"the quotient {exact(part)} is upside down"
        yield "operands-swapped", Binary("/", part.right, part.left), 1, text


def _already(gone: Formula, setting: Setting) -> str:
    """Where the mean stands that was taken once too often."""
    right = [x for side in setting.equation.sides[1:] for x in side.parts]
    others = [x for x in right if x is not gone and x != gone and (reciprocal_of_m(x) or _is_mean(x))]
    if others or right.count(gone) > 1:
        return ": the mean is taken twice"
    inside = next((x for x in right if isinstance(x, Symbol) and x.name in _OF_A_SAMPLE), None)
    return "" if inside is None else f": it is in {exact(inside)} already"


def _is_mean(part: Formula) -> bool:
    return isinstance(part, Call) and part.function in (Symbol("mean"), Symbol("average"))


_OF_A_SAMPLE = ("dZ", "dA", "dYhat", "dz", "da", "dyhat", "dW", "db")  # that may hold 1/m


def delta(place: Place, setting: Setting) -> Iterator[Change]:
    """`yhat_k (1 - yhat_j)` for `yhat_k (δ_kj - yhat_j)`: the derivative of the soft-max is no diagonal matrix."""
    part, left = place.part, setting.equation.sides[0]
    if part != ONE or place.path[:1] == (0,) or not isinstance(left, Partial):
        return
    found = [x.entries for x in (left.numerator, left.denominator) if isinstance(x, Index) and len(x.entries) == 1]
    if len(found) == 2 and found[0] != found[1]:
        new = Index(Symbol("delta"), (*found[0], *found[1]))
        yield "other", new, 1, f"1 should be {exact(new)}, which is 1 where the indices agree and 0 elsewhere"


def numbers(place: Place, setting: Setting) -> Iterator[Change]:
    """A number that is off by one or by the factor 2."""
    part, parent = place.part, place.parent
    if not isinstance(part, Number):
        return
    power = isinstance(parent, Binary) and parent.sign == "^"
    of_m = power and isinstance(parent, Binary) and isinstance(parent.left, Symbol) and parent.left.name in _SAMPLES
    near = [part.value + 1, part.value - 1] if part.value.denominator == 1 else []
    options = [*near, part.value * 2, part.value / 2]
    multiplied = isinstance(parent, Binary) and parent.sign in (*PRODUCTS, "/")
    for value in dict.fromkeys(options):
        if value == 1 and isinstance(parent, Binary) and (parent.sign in PRODUCTS or power):
            continue  # the factor or the exponent is left out instead
        if value == 0 and (multiplied or isinstance(parent, Equation)):
            continue  # nobody multiplies with zero, and a side that is zero says nothing
        factor = value in (part.value * 2, part.value / 2) and part.value not in (0, value)
        new = number(value) if value >= 0 else Negate(number(-value))
        name = "missing-square" if power else "factor-2" if factor else "other"
        yield "doubled-1/m" if of_m else name, new, 1, f"the number {exact(part)} should be {exact(new)}"


def powers(place: Place, setting: Setting) -> Iterator[Change]:
    """A square that is missing or superfluous.

    It is missing where there are powers or in a cost, in the `1 - a` of tanh, and below the line of a quotient.
    """
    part, parent = place.part, place.parent
    if isinstance(part, Binary) and part.sign == "^":
        cause = "doubled-1/m" if isinstance(part.left, Symbol) and part.left.name in _SAMPLES else "missing-square"
        yield cause, part.left, 1, f"the exponent {exact(part.right)} is superfluous"
        return
    if isinstance(part, Number | Negate | Equation) or is_scalar(part) or is_ones(part):
        return
    norm = isinstance(part, Call) and part.function == Symbol("norm") and isinstance(parent, Equation)
    if isinstance(parent, Equation | Partial | Transpose) and not norm:
        return
    if isinstance(parent, Binary) and parent.sign == "^":
        return
    if isinstance(parent, Call) and parent.function in _LOGARITHMS:
        return  # the logarithm of a square is twice the logarithm
    fraction = isinstance(parent, Binary) and parent.sign == "/" and part is parent.right
    of_one = isinstance(parent, Binary) and parent.sign == "-" and parent.left == ONE and part is parent.right
    chain = isinstance(part, Binary) and part.sign not in "+-/"
    if fraction or of_one or (setting.powers and not chain):
        yield "missing-square", Binary("^", part, _TWO), 1, f"the square of {exact(part)} is missing"


def _counts_samples(part: Formula) -> bool:
    """m, or the length of X as programs have it."""
    if isinstance(part, Call) and part.function == Symbol("shape") and part.arguments:
        return isinstance(part.arguments[0], Symbol) and part.arguments[0].name in ("X", "Y", "Yhat", "A", "Z")
    return isinstance(part, Symbol) and part.name in _SAMPLES


def _times_m(part: Formula) -> bool:
    """m is a factor."""
    if isinstance(part, Binary) and part.sign in PRODUCTS:
        return _times_m(part.left) or _times_m(part.right)
    return isinstance(part, Symbol) and part.name in _SAMPLES


def _leading(part: Formula) -> Formula:
    """The first factor of a product."""
    while isinstance(part, Binary) and part.sign in PRODUCTS:
        part = part.left
    return part


def value_of(factor: Formula) -> Fraction | None:
    """The value of 2 and of 1/2."""
    if half(factor):
        return Fraction(1, 2)
    return factor.value if isinstance(factor, Number) else None


def scaled(factor: Formula, part: Formula) -> Formula:
    """A factor before a product, where a reader would write it."""
    if isinstance(part, Binary) and part.sign in ("@", "∘", "*", "·", " "):
        return Binary(part.sign, scaled(factor, part.left), part.right)
    value = value_of(factor)
    if value is not None and isinstance(part, Number):
        return number(value * part.value)
    if value is not None and isinstance(part, Binary) and part.sign == "/" and isinstance(part.left, Number):
        above = value * part.left.value
        if above.denominator == 1:
            return Binary("/", Number(above), part.right)
    return Negate(scaled(factor, part.operand)) if isinstance(part, Negate) else Binary("*", factor, part)
