"""Sums: missing, superfluous, along the wrong axis, a mean for a sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from ...notation.formula import (
    ONE,
    Binary,
    Bound,
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
from ..parts import Place, is_ones, is_scalar, summed_call
from .setting import Change, Setting

_OF_A_SAMPLE = ("x", "y", "yhat", "z", "a", "dz", "da")


def sums(place: Place, setting: Setting) -> Iterator[Change]:
    """Every change of a sum, or to one."""
    part, parent = place.part, place.parent
    yield from _exchanged(part)
    if isinstance(part, Sum):
        yield "superfluous-sum", part.body, 1, f"the sum over {exact(part.body)} is superfluous"
        for bound in part.bounds:
            for letter in setting.letters:
                if len(part.bounds) == 1 and isinstance(bound, Bound) and bound.index != Symbol(letter):
                    over = Sum(part.body, (Bound(Symbol(letter)),))
                    yield "wrong-index", over, 1, f"the sum must run over {letter}"
        if len(part.bounds) > 1:
            for i, bound in enumerate(part.bounds):
                less = Sum(part.body, part.bounds[:i] + part.bounds[i + 1 :])
                yield "superfluous-sum", less, 1, f"the sum over {exact(bound)} is superfluous"
    elif summed_call(part):
        assert isinstance(part, Call)
        yield from _of_call(part)
        return
    if summed_call(parent) or (isinstance(parent, Equation) and place.path == (0,)):
        return
    whole = isinstance(parent, Equation | Negate) and isinstance(part, Binary) and setting.costs
    if whole and setting.lower and not setting.letters and not any(isinstance(x, Sum | Transpose) for x in part.parts):
        yield "missing-sum", Sum(part, ()), 1, f"the sum over the entries of {exact(part)} is missing"
    factor = isinstance(parent, Equation) or (isinstance(parent, Binary) and parent.sign not in "^")
    if not factor or is_scalar(part) or is_ones(part) or isinstance(part, Number | Negate):
        return
    yield from _over_samples(part, setting)
    if isinstance(part, Sum):
        return
    along = any(summed_call(x) and len(x.children) > 2 for x in part.parts)  # then its axis is wrong
    if not setting.lower and not isinstance(part, Transpose) and not along:
        text = f"the sum of {exact(part)} over the samples is missing"
        for axis in (1, 0):
            yield "missing-sum", summed(part, axis), 1, text
    for letter in setting.letters:
        if any(isinstance(x, Symbol) and x.name == letter for x in part.parts):
            over = Sum(part, (Bound(Symbol(letter)),))
            yield "missing-sum", over, 1, f"the sum over {letter} is missing before {exact(part)}"
    yield from _chain(part, setting)


def _exchanged(part: Formula) -> Iterator[Change]:
    """`exp(Σ z)` for `Σ exp(z)`, and the other way round."""
    if isinstance(part, Call) and len(part.arguments) == 1 and isinstance(part.arguments[0], Sum):
        inner = part.arguments[0]
        new: Formula = replace(inner, body=replace(part, arguments=(inner.body,)))
    elif isinstance(part, Sum) and isinstance(part.body, Call) and len(part.body.arguments) == 1:
        new = replace(part.body, arguments=(replace(part, body=part.body.arguments[0]),))
    else:
        return
    yield "other", new, 1, f"the sum and the function are exchanged in {exact(part)}"


def _of_call(part: Call) -> Iterator[Change]:
    """`sum(x, axis=1)`: another axis, no sum, or the mean for it."""
    assert isinstance(part.function, Symbol)
    inner = part.arguments[0]
    yield "superfluous-sum", inner, 1, f"the {part.function.name} of {exact(inner)} is superfluous"
    for axis in (0, 1):
        value = Number(Fraction(axis))
        if "axis" in part.names:
            at = len(part.arguments) - len(part.names) + part.names.index("axis")
            new = replace(part, arguments=(*part.arguments[:at], value, *part.arguments[at + 1 :]))
        else:
            new = replace(summed(inner, axis), function=part.function)
        if new != part:
            yield "sum-axis", new, 1, f"the {part.function.name} must run along axis {axis}"
    if part.function.name == "mean":
        new = replace(part, function=Symbol("sum"))
        yield "doubled-1/m", new, 1, f"the mean {exact(part)} divides by m once too often: a sum belongs here"


def _over_samples(part: Formula, setting: Setting) -> Iterator[Change]:
    """`1/m y ln(yhat)`: the letters of one sample, and no sum over the samples."""
    if not setting.lower or not setting.names & {"m", "N"} or "i" in setting.letters:
        return

    def numbered(x: Formula) -> Formula:
        small = isinstance(x, Symbol) and x.name in _OF_A_SAMPLE and x.sample is None
        return replace(x, sample=Symbol("i")) if small and isinstance(x, Symbol) else x

    body = part.mapped(numbered)
    if body != part:
        over = Sum(body, (Bound(Symbol("i"), ONE, Symbol(setting.samples)),))
        yield "missing-sum", over, 1, f"the sum over the samples is missing before {exact(part)}"


def _chain(part: Formula, setting: Setting) -> Iterator[Change]:
    """`∂L/∂a_j ∂a_j/∂z_j`, where the way leads through every entry of a."""
    if not isinstance(part, Binary) or not (isinstance(part.left, Partial) and isinstance(part.right, Partial)):
        return
    for first, second in ((part.left, part.right), (part.right, part.left)):
        middle = first.denominator
        if not (isinstance(middle, Index) and len(middle.entries) == 1 and second.numerator == middle):
            continue
        free = next(x for x in "kijprstuv" if x not in setting.letters)
        every = Index(middle.base, (Symbol(free),))
        changed = {first: replace(first, denominator=every), second: replace(second, numerator=every)}
        body = Binary(part.sign, changed[part.left], changed[part.right])
        text = f"the chain rule sums over all entries of {exact(middle.base)}"
        yield "missing-sum", Sum(body, (Bound(Symbol(free)),)), 1, text


def summed(part: Formula, axis: int) -> Call:
    """`sum(x, axis=1, keepdims=True)`."""
    arguments = (part, Number(Fraction(axis)), Symbol("True"))
    return Call(Symbol("sum"), arguments, ("axis", "keepdims"))
