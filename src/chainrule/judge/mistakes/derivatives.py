"""Derivatives of the activation: the factor that is missing, or that has cancelled and stands there still."""

from __future__ import annotations

from collections.abc import Iterator

from ...notation.formula import ONE, Binary, Call, Equation, Formula, Index, Negate, Number, Sum, Symbol
from ...notation.write import exact
from ..parts import Place, is_derivative, is_entry, is_scalar
from .setting import Change, Setting

_ENTRIES = ("*", "∘", " ", "·")


def missing(place: Place, setting: Setting) -> Iterator[Change]:
    """g'(z) beside a factor or a term."""
    part, parent = place.part, place.parent
    if isinstance(parent, Equation) and place.path == (0,):
        return
    operand = isinstance(parent, Equation | Sum | Negate) or (isinstance(parent, Binary) and parent.sign not in "/^")
    if not operand or is_scalar(part) or isinstance(part, Number | Negate) or is_derivative(part):
        return
    Z = "z" if setting.lower else "Z"
    inner: list[tuple[Symbol, Formula]] = []
    for layer in setting.near:
        letter = Symbol(Z, layer)
        arguments: list[Formula] = [Index(letter, (i,)) for i in setting.counters] if is_entry(part) else []
        inner += [(Symbol("g", layer, None, 1), x) for x in arguments or [letter]]
    if not setting.near:
        inner = [(Symbol(f, None, None, 1), Symbol(Z)) for f in ("g", "f", "sigma") if f in setting.functions]
    for function, argument in inner:
        derivative = Call(function, (argument,))
        text = f"the factor {exact(derivative)} is missing at {exact(part)}"
        yield "missing-activation-derivative", Binary("*", part, derivative), 1, text


def missing_before(place: Place, setting: Setting) -> Iterator[Change]:
    """`dZ[l] = g'(Z[l])` without dA[l]."""
    part = place.part
    if not isinstance(place.parent, Equation) or place.path == (0,) or not is_derivative(part):
        return
    call = part.base if isinstance(part, Index) else part
    inner = call.arguments[0] if isinstance(call, Call) else None
    if isinstance(inner, Symbol) and inner.layer is not None:
        factor: Formula = Symbol("da" if setting.lower else "dA", inner.layer)
        text = f"the factor {exact(factor)} is missing at {exact(part)}"
        yield "other", Binary("*", factor, part), 1, text


def half(place: Place, setting: Setting) -> Iterator[Change]:
    """`dA * (1 - A)` for `dA * A * (1 - A)`."""
    part, parent = place.part, place.parent
    if not (isinstance(parent, Binary) and parent.sign in _ENTRIES):
        return
    if isinstance(part, Binary) and part.sign == "-" and part.left == ONE and not _by_value(parent):
        text = f"the factor {exact(part.right)} is missing at {exact(part)}"
        yield "missing-activation-derivative", Binary("*", part.right, part), 1, text


def cancelled(place: Place, setting: Setting) -> Iterator[Change]:
    """`(A - Y) * A * (1 - A)`: the derivative of the sigmoid or of tanh, written with its value."""
    part = place.part
    if not (isinstance(part, Binary) and part.sign in _ENTRIES):
        return
    text = "the factor {} is superfluous: the derivative of the activation has cancelled, or does not belong here"
    cause = "activation-derivative-at-wrong-place"
    if _by_value(part.right):
        yield cause, part.left, 1, text.format(exact(part.right))
    if _by_value(part.left):
        yield cause, part.right, 1, text.format(exact(part.left))
    left = part.left
    if isinstance(left, Binary) and left.sign in _ENTRIES and _by_value(Binary("*", left.right, part.right)):
        yield cause, left.left, 1, text.format(exact(Binary(part.sign, left.right, part.right)))


def _by_value(part: Formula) -> bool:
    """a (1 - a), 1 - a^2, 1 - a a."""
    if not isinstance(part, Binary):
        return False
    if part.sign in _ENTRIES:
        return any(
            isinstance(b, Binary) and b.sign == "-" and b.left == ONE and b.right == a
            for a, b in ((part.left, part.right), (part.right, part.left))
        )
    if part.sign != "-" or part.left != ONE or not isinstance(part.right, Binary):
        return False
    square = part.right
    return square.sign == "^" or (square.sign in _ENTRIES and square.left == square.right)
