"""Signs between operands, and rows of factors, in which linked derivatives are the chain rule."""

from __future__ import annotations

import numpy as np

from ..notation.formula import ONE, Binary, Call, Dots, Formula, Index, Negate, Partial, Slice, Symbol, Transpose
from .context import Context
from .lists import going_on_sum, unreadable
from .partials import chain, led, linked
from .seen import has_new_axis, stacks_columns
from .values import NoValueError, Value, dot, entrywise, inverse, kronecker_product, misfit, outer, power, product, size

PRODUCTS = frozenset("@*∘· ")
ONES = frozenset({"ones", "one"})


def binary(c: Context, part: Binary) -> Value:
    sign = part.sign
    if sign in PRODUCTS:
        return _products(c, part)
    if sign == "+" and Dots() in (part.right, *(part.left.children if isinstance(part.left, Binary) else ())):
        return _summed_dots(c, part)
    if sign == "^" and part.right == Symbol("T"):
        return c.eval(part.left).T
    if sign == "^" and part.right == Negate(Symbol("T")):
        return inverse(c.eval(part.left)).T
    a, b = c.eval(part.left), c.eval(part.right)
    if sign in "^⊗" and (a.unit or b.unit):
        raise unreadable("a power or outer product of I")
    match sign:
        case "+":
            return entrywise(a, b, np.add)
        case "-":
            return entrywise(a, b, np.subtract)
        case "/":
            return entrywise(a, b, np.divide)
        case "^":
            return power(a, b)
    return kronecker_product(a, b) if any(stacks_columns(x) for x in c.roots[:1]) else outer(a, b)


def _summed_dots(c: Context, part: Binary) -> Value:
    """x_1 + … + x_n: a sum over the index in which its first and last term differ."""
    terms: list[Formula] = []
    left: Formula = part
    while isinstance(left, Binary) and left.sign == "+":
        terms.insert(0, left.right)
        left = left.left
    terms.insert(0, left)
    if isinstance(terms[-1], Dots) or isinstance(left, Dots) or terms.count(Dots()) != 1:
        raise unreadable("a sum that begins or ends with dots")
    return going_on_sum(c, tuple(terms))


def _products(c: Context, part: Binary) -> Value:
    """A row of factors from left to right; linked derivatives among them are the chain rule and go first."""
    factors: list[Formula] = [part.right]
    signs = [part.sign]
    places: list[Formula] = [part]
    left = part.left
    while isinstance(left, Binary) and left.sign in PRODUCTS:
        factors.append(left.right)
        signs.append(left.sign)
        places.append(left)
        left = left.left
    negative = isinstance(left, Negate)
    factors.append(left.operand if isinstance(left, Negate) else left)
    factors.reverse()
    signs.reverse()
    places.reverse()
    while len(factors) > 1 and signs[-1] == "∘" and c.composes(factors[-2]):  # g ∘ h(x) is g(h(x))
        factors[-2:], signs = [Call(factors[-2], (factors[-1],))], signs[:-1]
    value: Value | None = None
    i = 0
    while i < len(factors):
        end = i + 1
        first = led(c, factors[i], factors[end]) if end < len(factors) and signs[i] != "∘" else None
        if first is not None:
            factors[i] = first
        while end < len(factors) and linked(c, factors[end - 1], factors[end]):
            end += 1
        run = factors[i:end]
        backwards = False
        if end == i + 1 and c.convention.layout != "numerator":
            while end < len(factors) and linked(c, factors[end], factors[end - 1]):
                end += 1
            backwards = end > i + 1
            run = factors[i:end][::-1] if backwards else run
        if value is None:
            value = _left(c, factors, i, end, run)
            if value is None:
                value = _after_ones(c.eval(factors[end]), turned=isinstance(factors[i], Transpose))
                end += 1
        elif value.is_scalar and end < len(factors) and _is_ones(c, _turned_back(factors[i])):
            sums = _after_ones(c.eval(factors[end]), turned=isinstance(factors[i], Transpose))
            value = entrywise(value, sums, np.multiply)  # 1/m 1ᵀ X
            end += 1
        else:
            try:
                value = _sign(c, signs[i - 1], value, run)
            except NoValueError as p:
                p.part = p.part or places[i - 1]
                raise
        i = end
    assert value is not None
    return Value(-value.array, value.labels, flat=value.flat, unit=value.unit) if negative else value


def _picks_a_row(part: Formula) -> bool:
    """`W_k`, `W[k, :]`."""
    return isinstance(part, Index) and (len(part.entries) == 1 or isinstance(part.entries[-1], Slice))


def _left(c: Context, factors: list[Formula], i: int, end: int, run: list[Formula]) -> Value | None:
    first = factors[i]
    if end < len(factors):
        if (isinstance(first, Transpose) and first.operand == ONE) or _is_ones(c, first):
            return None
        if isinstance(first, Transpose) and _is_ones(c, first.operand):
            return None
        if isinstance(first, Binary) and first.sign == "⊗" and len(run) == 1:
            return _with_identity(c, first, factors[end]) or _factor(c, run)
    return _factor(c, run)


def _with_identity(c: Context, part: Binary, after: Formula) -> Value | None:
    """`(xᵀ ⊗ I) vec(W)`: I is as large as what follows has rows for; None where neither factor is I."""
    a, b = c.eval(part.left), c.eval(part.right)
    if a.unit == b.unit:
        return None
    unit, other = (a, b) if a.unit else (b, a)
    n, rest = divmod(c.eval(after).shape[0], other.shape[1])
    if rest or not n:
        raise misfit("no size of I fits")
    sized = unit.sized((n, n)) if n > 1 else Value(unit.array, unit.labels)
    return kronecker_product(sized, b) if a.unit else kronecker_product(a, sized)


def _is_ones(c: Context, part: Formula) -> bool:
    return isinstance(part, Symbol) and part.name in ONES and not part.layer and part.name not in c.model.definitions


def _turned_back(part: Formula) -> Formula:
    return part.operand if isinstance(part, Transpose) else part


def _after_ones(right: Value, *, turned: bool) -> Value:
    """1ᵀ times a matrix is the sum over its rows, 1 times a row is that row in every row."""
    if turned:
        return Value(right.array.sum(axis=-2, keepdims=True), right.labels)
    if right.shape[0] != 1:
        raise misfit(f"a column of ones times {size(right.shape)}")
    result = Value(right.array, right.labels)
    result.repeated = True
    return result


def _factor(c: Context, run: list[Formula]) -> Value:
    if len(run) > 1:
        return chain(c, tuple(x for x in run if isinstance(x, Partial)))
    return c.eval(run[0])


def _sign(c: Context, sign: str, a: Value, run: list[Formula]) -> Value:
    if len(run) == 1 and isinstance(run[0], Symbol) and run[0].name in ONES and not run[0].layer:
        return Value(a.array.sum(axis=-1, keepdims=True), a.labels)
    if len(run) == 1 and isinstance(run[0], Transpose) and _is_ones(c, run[0].operand):
        if a.shape[1] != 1:
            raise misfit(f"{size(a.shape)} times a row of ones")
        repeated = Value(a.array, a.labels)
        repeated.repeated = True
        return repeated
    b = _factor(c, run)
    flat = a.flat or b.flat
    if sign in "*∘":
        broadcast = c.convention.repeated or (len(run) == 1 and has_new_axis(run[0]))
        if sign == "*" and broadcast and a.shape[1] == b.shape[0] == 1:
            return product(a, b)
        return entrywise(a, b, np.multiply)
    reading = {"·": c.convention.dot, " ": c.convention.beside}.get(sign, "product")
    if reading == "entrywise":
        return entrywise(a, b, np.multiply)
    if sign == "·" and _picks_a_row(run[0]) and (b.shape[0] == 1) and a.shape == b.shape[::-1] != b.shape:
        b = b.T  # u · W_k: one row of W is a vector, and u · v asks nothing of rows and columns
    result = dot(a, b) if sign == "·" else product(a, b)
    result.flat = flat
    return result
