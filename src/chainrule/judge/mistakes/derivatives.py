"""Derivatives of the activation: the factor that is missing, or that has cancelled and stands there still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ...notation.formula import ONE, Binary, Bound, Call, Equation, Formula, Index, Negate, Number, Partial, Sum, Symbol
from ...notation.write import exact
from ..parts import Place, is_derivative, is_entry, is_scalar, summed_call
from .setting import Change, Setting
from .sums import summed

_ENTRIES = ("*", "∘", " ", "·")


def missing(place: Place, setting: Setting) -> Iterator[Change]:
    """g'(z) beside a factor or a term."""
    part, parent = place.part, place.parent
    if isinstance(parent, Equation) and place.path == (0,):
        return
    operand = isinstance(parent, Equation | Sum | Negate) or (isinstance(parent, Binary) and parent.sign not in "/^")
    operand = operand or (summed_call(parent) and place.role == "operand")
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


def written_out(place: Place, setting: Setting) -> Iterator[Change]:
    """`dA * ln(1 + exp(Z))`: a function of Z as a factor, where g'(Z) belongs."""
    part, parent = place.part, place.parent
    factor = isinstance(parent, Binary) and parent.sign in _ENTRIES and place.path[:1] != (0,)
    if not factor or not any(isinstance(x, Call) for x in part.parts) or is_derivative(part):
        return
    letters = {x for x in part.parts if isinstance(x, Symbol) and x.layer is not None}
    if len(letters) != 1:
        return
    (letter,) = letters
    entries = {x for x in part.parts if isinstance(x, Index) and x.base == letter}
    if letter.name not in ("Z", "z") or len(entries) > 1:
        return
    new = Call(Symbol("g", letter.layer, None, 1), (next(iter(entries), letter),))
    text = f"{exact(part)} stands where the derivative {exact(new)} belongs"
    yield "function-used-for-derivative", new, 1.5, text


def half(place: Place, setting: Setting) -> Iterator[Change]:
    """`dA * (1 - A)` for `dA * A * (1 - A)`."""
    part, parent = place.part, place.parent
    if not (isinstance(parent, Binary) and parent.sign in _ENTRIES):
        return
    if isinstance(part, Binary) and part.sign == "-" and part.left == ONE and not _by_value(parent):
        text = f"the factor {exact(part.right)} is missing at {exact(part)}"
        yield "missing-activation-derivative", Binary("*", part.right, part), 1, text


def complement(place: Place, setting: Setting) -> Iterator[Change]:
    """`σ'(z) = σ(z)`, `∂a/∂z = a` for a (1 - a)."""
    part, left = place.part, setting.equation.sides[0]
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    of = left.numerator if isinstance(left, Partial) else None
    if is_derivative(left) and isinstance(left, Call) and isinstance(left.function, Symbol):
        of = replace(left, function=replace(left.function, prime=0))
    if part == of:
        slope = Binary("-", ONE, part)
        text = f"the factor {exact(slope)} is missing at {exact(part)}"
        yield "missing-activation-derivative", Binary("*", part, slope), 1, text


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


def in_own_letters(place: Place, setting: Setting) -> Iterator[Change]:
    """`∂C/∂v = 2 (y - t) h` without y (1 - y): a factor of the chain rule in the letters of the document alone."""
    part, parent = place.part, place.parent
    own = [x for x in setting.declared if isinstance(x, Symbol) and x.layer is None]
    if place.path[:1] == (0,) or not isinstance(setting.equation.sides[0], Partial):
        return
    factor = isinstance(parent, Binary) and parent.sign in _ENTRIES
    if part in own and factor and not _is_complement(parent):
        slope = Binary("*", part, Binary("-", ONE, part))
        text = f"the factor {exact(slope.right)} is missing at {exact(part)}"
        yield "missing-activation-derivative", slope, 1, text
    if not isinstance(parent, Equation):
        return
    for letter in own:
        slope = Binary("*", letter, Binary("-", ONE, letter))
        text = f"the factor {exact(slope)} is missing"
        yield "missing-activation-derivative", Binary("*", part, slope), 1, text
        yield "other", Binary("*", part, letter), 1.5, f"the factor {exact(letter)} is missing"


def _is_complement(part: Formula | None) -> bool:
    """a (1 - a), which needs no other factor."""
    return isinstance(part, Binary) and any(isinstance(x, Binary) and x.left == ONE for x in part.children)


def of_another(place: Place, setting: Setting) -> Iterator[Change]:
    """`a (1 - a)` where the layer is no sigmoid, `z (1 - z)`, `σ(a) (1 - σ(a))`; for the soft-max it is no diagonal."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(part, Binary):
        return
    for slope in _slopes(part):
        value = slope.value
        yield from _of_soft_max(slope, setting)
        yield from _of_a_named(slope)
        letter = value.arguments[0] if isinstance(value, Call) and len(value.arguments) == 1 else value
        entry = letter.entries if isinstance(letter, Index) else ()
        base = letter.base if isinstance(letter, Index) else letter
        if not isinstance(base, Symbol) or base.layer is None or base.name not in ("A", "a", "Z", "z"):
            continue
        upper = base.name.isupper()

        def named(name: str, base: Symbol = base, entry: tuple[Formula, ...] = entry, upper: bool = upper) -> Formula:
            new = replace(base, name=name if upper else name.lower())
            return Index(new, entry) if entry else new

        text = f"{exact(slope.written)} is the derivative"
        inside = isinstance(value, Call)
        if inside == (base.name in ("A", "a")):  # σ(a) for σ(z), or z for a
            right = named("Z") if inside else named("A")
            words = f"{text} at {exact(right)}, where {exact(right)} stands for {exact(letter)}"
            at_right = _exchanged(slope.written, letter, right)
            yield "activation-derivative-at-wrong-place", slope.around(at_right), 1, words
        derivative = Call(Symbol("g", base.layer, None, 1), (named("Z"),))
        words = f"{text} of another function than the activation of layer {exact(base.layer)}"
        if not inside and base.name in ("A", "a"):
            product = slope.written.sign in _ENTRIES
            square = Binary("-", ONE, Binary("^", value, Number(Fraction(2))))
            by_value = square if product else Binary("*", value, Binary("-", ONE, value))
            yield "wrong-operand", slope.around(by_value), 1 if setting.told else 1.5, words
        yield "wrong-operand", slope.around(derivative), 1 if setting.told else 1.5, words
        if slope.rest is not None and upper and not inside and base.name == "A":
            within = summed(Binary("*", slope.rest, value), 0)
            new = Binary("*", value, Binary("-", slope.rest, within))
            words = f"{text} of a function of each entry; the soft-max adds a term for every other entry of its column"
            yield "missing-sum", new, 1, words


def _of_a_named(slope: _Slope) -> Iterator[Change]:
    """`1 - σ(z)^2` for σ(z) (1 - σ(z)), and tanh(z) (1 - tanh(z)) for 1 - tanh(z)^2."""
    value = slope.value
    if not isinstance(value, Call) or not isinstance(value.function, Symbol) or value.function.layer is not None:
        return
    square = Binary("-", ONE, Binary("^", value, Number(Fraction(2))))
    product = Binary("*", value, Binary("-", ONE, value))
    sigmoid, tanh = value.function.name in ("sigma", "sigmoid", "sig"), value.function.name == "tanh"
    new = product if sigmoid and slope.written.sign == "-" else square if tanh and slope.written.sign != "-" else None
    if new is not None:
        text = f"{exact(slope.written)} is the derivative of another function than {exact(value.function)}"
        yield "wrong-operand", slope.around(new), 1, text


def _of_soft_max(slope: _Slope, setting: Setting) -> Iterator[Change]:
    """`d_j p_j (1 - p_j)` for Σ_i d_i p_i (δ_ij - p_j)."""
    value, rest = slope.value, slope.rest
    if rest is None or not (isinstance(value, Index) and len(value.entries) == 1):
        return
    j = value.entries[0]
    if not isinstance(value.base, Symbol) or value.base.name not in ("a", "yhat") or not isinstance(j, Symbol):
        return
    free = Symbol(next(x for x in "kijprstuv" if x not in setting.letters))
    outer = rest.operand if isinstance(rest, Negate) else rest
    each = Binary("*", _exchanged(outer, j, free), Index(value.base, (free,)))
    body = Binary("*", each, Binary("-", Index(Symbol("delta"), (free, j)), value))
    new: Formula = Sum(body, (Bound(free),))
    words = f"{exact(slope.written)} is the derivative for equal indices alone: the soft-max needs the sum over all"
    yield "missing-sum", Negate(new) if isinstance(rest, Negate) else new, 1, words


@dataclass(frozen=True)
class _Slope:
    """A derivative written with the value: a (1 - a), 1 - a^2.

    value    a, or σ(z)
    written  the derivative as it stands, `rest` what is multiplied with it in the same product
    """

    value: Formula
    written: Binary
    rest: Formula | None = None
    sign: str = "*"

    def around(self, new: Formula) -> Formula:
        """The product with another derivative."""
        return new if self.rest is None else Binary(self.sign, self.rest, new)


def _slopes(part: Binary) -> Iterator[_Slope]:
    """The derivatives that a product ends with, or that the part is."""
    if part.sign in _ENTRIES:
        if _complement_of(part.right, part.left):
            yield _Slope(part.left, part)
        left = part.left
        if isinstance(left, Binary) and left.sign in _ENTRIES and _complement_of(part.right, left.right):
            yield _Slope(left.right, Binary(part.sign, left.right, part.right), left.left, left.sign)
    elif _by_value(part) and isinstance(part.right, Binary):
        yield _Slope(part.right.left, part)


def _complement_of(part: Formula, value: Formula) -> bool:
    """1 - a."""
    return isinstance(part, Binary) and part.sign == "-" and part.left == ONE and part.right == value


def _exchanged(part: Formula, old: Formula, new: Formula) -> Formula:
    return part.mapped(lambda x: new if x == old else x)


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
