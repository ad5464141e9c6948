"""Partial derivatives of written formulas, exact by the complex step, and the chain rule ∂a/∂b · ∂b/∂c.

The denominator is overridden, everything after it follows, everything before it is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..notation.formula import (
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Number,
    Partial,
    Range,
    Slice,
    Symbol,
    Transpose,
)
from .context import STEP, Context, NestedStepError, argument_names, stepped
from .letters import Place, place_of
from .quantities import Key
from .seen import says_zero, stacked_letters
from .values import SAMPLE, Array, Labels, NoValueError, Value, bounded, misfit, moved_to_label, size, undefined

# Central differences of order 8, for a derivative of a derivative: error about h^8 and 1e-15 / h.
_STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
_WIDTH = 0.02


@dataclass(frozen=True)
class Denominator:
    """By what is differentiated: a quantity as a letter shows it, entries of it, transposed or not."""

    place: Place
    entries: tuple[Formula, ...] = ()
    turned: bool = False


def denominator_of(c: Context, part: Formula) -> Denominator:
    """Read a denominator: a letter, an entry, row or column of it, its transpose, or a called function letter."""
    if isinstance(part, Transpose):
        inner = denominator_of(c, part.operand)
        return Denominator(inner.place, inner.entries, not inner.turned)
    if isinstance(part, Index):
        inner = denominator_of(c, part.base)
        if inner.entries:
            raise undefined("a derivative by an entry of an entry")
        entries = (*part.entries, Slice()) if inner.turned and len(part.entries) == 1 else part.entries
        return Denominator(inner.place, entries, inner.turned)
    if isinstance(part, Call) and isinstance(part.function, Symbol | Index):
        return denominator_of(c, part.function)
    if isinstance(part, Symbol):
        return Denominator(place_of(c, part))
    raise undefined("a derivative by an expression; it needs a letter below")


def partial(c: Context, part: Partial) -> Value:
    """∂ numerator / ∂ denominator; by letters side by side or below each other, the derivatives stand as they do."""
    parts = stacked_letters(part.denominator)
    if parts:
        assert isinstance(part.denominator, Call)
        return c.eval(Call(part.denominator.function, tuple(Partial(part.numerator, x) for x in parts)))
    match part.denominator:
        case Binary("^", Symbol() as letter, Number()) if c.eval(letter).is_scalar:  # ∂f/∂σ² = (∂f/∂σ) / (∂σ²/∂σ)
            return c.eval(Binary("/", Partial(part.numerator, letter), Partial(part.denominator, letter)))
    below = denominator_of(c, part.denominator)
    labels, slope = _slope(c, _numerator(c, part), below.place.key)
    return _finish(c, labels, slope, below)


def chain(c: Context, parts: tuple[Partial, ...]) -> Value:
    """∂a/∂b · ∂b/∂c · …: contracted over every entry of b, whatever the layout of the factors."""
    keys = [denominator_of(c, p.denominator).place.key for p in parts]
    labels, slope = _slope(c, _numerator(c, parts[0]), keys[0])
    for before, after in pairwise(keys):
        slope = np.tensordot(slope, _jacobian(c, before, after), axes=([-2, -1], [0, 1]))
    return _finish(c, labels, slope, denominator_of(c, parts[-1].denominator))


def linked(c: Context, a: Formula, b: Formula) -> bool:
    """Whether two factors are ∂a/∂b and ∂b/∂c for one whole quantity b."""
    if not (isinstance(a, Partial) and isinstance(b, Partial)):
        return False
    if not (isinstance(a.denominator, Symbol) and isinstance(b.numerator, Symbol)):
        return False
    try:
        return place_of(c, a.denominator) == place_of(c, b.numerator)
    except NoValueError:
        return False


def led(c: Context, a: Formula, b: Formula) -> Partial | None:
    """∂L/∂z for the factor dz before ∂z/∂b: it leads the chain rule under its own name. None for other factors."""
    if not (
        isinstance(a, Symbol) and a.name in _GRADIENTS and isinstance(b, Partial) and isinstance(b.numerator, Symbol)
    ):
        return None
    if c.convention.place == "dZ" and not c.one:
        return None
    try:
        same = place_of(c, replace(a, name=a.name[1:])) == place_of(c, b.numerator)
    except NoValueError:
        return None
    return Partial(Symbol("L"), b.numerator) if same else None


_GRADIENTS = frozenset({"dz", "da"})


def _numerator(c: Context, part: Partial) -> Formula:
    """A bare function letter, as in ∂σ/∂z, is the function of the denominator."""
    top, below = part.numerator, part.denominator
    if isinstance(top, Symbol) and c.is_function(top):
        whole = below.base if isinstance(below, Index) else below
        definition = c.model.definitions.get(top.name, top)
        given = argument_names(definition)
        if given and whole not in given and whole in definition.children[-1].parts:
            return Call(top, given)  # ∂h/∂w of h(x) = w x + b: w is no argument, but stands there
        return Call(top, (whole if given == (whole,) else below,))  # ∂f/∂x_k of f(x)
    return top


def _slope(c: Context, top: Formula, key: Key) -> tuple[Labels, Array]:
    """Derivative of every entry above by every entry of a stored quantity: (*labels, r, c, rows, columns)."""
    memo = (top, key, c.first, c.bare, tuple(c.bindings.items()), tuple(c.limits.items()))
    if c is c.root and memo in c.model.derivatives:
        c.work += c.model.costs[memo]
        known = c.model.derivatives[memo]
        for label, n in zip(known[0], known[1].shape, strict=False):
            if label != SAMPLE:
                c.runs(label, n)
        return known
    before = c.root.work
    base = c.stored(key)
    try:
        if c.complex or c.varied:
            raise NestedStepError
        c.root.work += base.array.size * base.shape[0] * base.shape[1]
        result = c.child({key: stepped(base, f"∂{c.depth}")}, stepped=True).eval(top)
        if key[0].startswith("def ") and f"∂{c.depth}" not in result.labels:
            return _by_intermediate(c, top, key, base)
        if f"∂{c.depth}" not in result.labels and _is_told_otherwise(c, top):
            raise undefined(
                f"{_name(top)}, as it is defined, does not depend on {key[1] if key[0] == 'free' else key[0]}"
            )
        slope = _spread(result, f"∂{c.depth}", base.shape)
    except NestedStepError:
        if c.complex or c.varied:
            raise
        slope = _by_differences(c, top, key, base)
    if c is c.root:
        c.model.derivatives[memo] = slope
        c.model.costs[memo] = c.work - before
    return slope


def _is_told_otherwise(c: Context, top: Formula) -> bool:
    """Without a network: who differentiates a letter that is defined says that it depends, unless it is set to zero."""
    told = c.model.free is True and _name(top) in c.model.definitions
    return told and not any(says_zero(side) for x in c.roots if isinstance(x, Equation) for side in x.sides)


def _name(part: Formula) -> str:
    base = part.base if isinstance(part, Index) else part
    return base.name if isinstance(base, Symbol) else ""


def _by_intermediate(c: Context, top: Formula, key: Key, base: Value) -> tuple[Labels, Array]:
    """∂L/∂e where a document defines e by quantities of the network, e = y - ŷ or net = W x.

    A letter that equals a quantity stands for it; else ∂L/∂e = ∂L/∂ŷ (∂e/∂ŷ)⁻¹ for one with which e can be exchanged.
    """
    name, s = key[0].removeprefix("def "), c.model.structure
    failed = undefined(f"it is not known how what stands above depends on {name}")
    if not base.samples or base.labels:
        raise failed
    for other in s.tapes:
        if other in s.sampled and other[0] in ("Z", "A"):
            same = c.stored(other)
            if same.array.shape == base.array.shape and np.allclose(same.array, base.array, rtol=1e-12, atol=0.0):
                return _slope(c, top, other)
    for other in _inside(c, name):
        rows, m = c.stored(other).shape
        if other not in s.tapes or other not in s.sampled or rows != base.shape[0]:
            continue
        moved = c.child({other: stepped(c.stored(other), "∂e")}, stepped=True).stored(key)
        if moved.labels != ("∂e",):
            continue
        each = (moved.last("∂e").imag / STEP).reshape(rows, m, rows, m)
        own = np.moveaxis(np.diagonal(each, axis1=1, axis2=3), -1, 0)  # of every sample by its own column
        if np.min(np.abs(np.linalg.det(own))) > _SINGULAR:
            labels, slope = _slope(c, top, other)
            return labels, np.einsum("...rs,srk->...ks", slope, np.linalg.inv(own))
    raise failed


_SINGULAR = 1e-8


def _inside(c: Context, name: str) -> list[Key]:
    """The quantities of the network in the definition of a letter."""
    definition = c.model.definitions.get(name)
    body = definition.sides[-1] if isinstance(definition, Equation) else definition
    found: dict[Key, None] = {}
    for part in body.parts if body is not None else ():
        if isinstance(part, Symbol) and part.name != name:
            try:
                found[place_of(c, part).key] = None
            except NoValueError:
                continue
    return list(found)


def _spread(result: Value, label: str, shape: tuple[int, int]) -> tuple[Labels, Array]:
    if label not in result.labels:
        return result.labels, np.zeros(result.array.shape + shape)
    slope = result.last(label).imag / STEP
    return result.without(label), slope.reshape(slope.shape[:-1] + shape)


def _by_differences(c: Context, top: Formula, key: Key, base: Value) -> tuple[Labels, Array]:
    r, k = base.shape
    n = r * k
    bounded(8 * n * base.array.size)
    offsets = np.array([sign * i * _WIDTH for i, _ in _STENCIL for sign in (1, -1)])
    weights = np.array([sign * w / _WIDTH for _, w in _STENCIL for sign in (1, -1)])
    steps = (offsets[:, None, None] * np.eye(n)).reshape((8 * n, *(1 for _ in base.labels), r, k))
    label = f"δ{c.depth}"
    c.root.work += 8 * steps.size
    moved = Value(base.array + steps, (label, *base.labels), samples=base.samples)
    result = c.child({key: moved}).eval(top)
    if label not in result.labels:
        return result.labels, np.zeros(result.array.shape + base.shape)
    values = result.last(label)
    slope = np.einsum("...sn,s->...n", values.reshape((*values.shape[:-1], 8, n)), weights)
    return result.without(label), slope.reshape(slope.shape[:-1] + base.shape)


def _jacobian(c: Context, top: Key, key: Key) -> Array:
    """Derivative of a stored quantity by another: (rows, columns of the one, rows, columns of the other)."""
    memo = (top, key)
    if c is c.root and memo in c.model.derivatives:
        c.work += c.model.costs[memo]
        return c.model.derivatives[memo][1]
    if c.complex or c.varied:
        raise NestedStepError
    before = c.root.work
    base = c.stored(key)
    try:
        result = c.child({key: stepped(base, "∂chain")}, stepped=True).stored(top)
    except NestedStepError:
        raise undefined("the chain rule through a derivative") from None
    if result.without("∂chain"):
        raise undefined("the chain rule through a quantity with indices of its own")
    labels, slope = _spread(result, "∂chain", base.shape)
    if c is c.root:
        c.model.derivatives[memo] = labels, slope
        c.model.costs[memo] = c.work - before
    return slope


def _finish(c: Context, labels: Labels, slope: Array, below: Denominator) -> Value:
    """Bring the derivative by a stored quantity into the form in which the letter below shows it."""
    place = below.place
    stored = c.stored(place.key)
    sample = place.sample if place.sample is not None or not place.key[0].startswith("def ") else SAMPLE
    if stored.samples:
        if SAMPLE in labels and sample is not None:  # the loss of a sample depends on its own column alone
            at = labels.index(SAMPLE)
            own = np.diagonal(slope, axis1=at, axis2=slope.ndim - 1)  # one axis less, the samples last
            labels = labels[:at] + labels[at + 1 :]
            slope = np.expand_dims(np.moveaxis(own, -1, 0), -1)
            if isinstance(sample, int):
                if not 0 <= sample - c.first < len(slope):
                    raise undefined(f"there is no sample {sample} among m = {len(slope)}")
                slope = slope[sample - c.first]
            else:
                if sample != SAMPLE:
                    c.runs(sample, len(slope))
                labels = (sample, *labels)
        elif isinstance(sample, int):
            at = sample - c.first
            if not 0 <= at < slope.shape[-1]:
                raise undefined(f"there is no sample {sample} among m = {slope.shape[-1]}")
            slope = slope[..., at : at + 1]
        elif sample is not None:
            if sample != SAMPLE:
                c.runs(sample, slope.shape[-1])
            labels, slope = moved_to_label(labels, slope, -1, sample)
        elif SAMPLE in labels:  # the loss of a sample depends on its own column alone
            at = labels.index(SAMPLE)
            own = np.diagonal(slope, axis1=at, axis2=slope.ndim - 1)
            labels, slope = labels[:at] + labels[at + 1 :], own
    elif isinstance(sample, str) and place.key[0] == "free" and slope.shape[-1] > 1:  # its columns are the samples
        c.runs(sample, slope.shape[-1])
        labels, slope = moved_to_label(labels, slope, -1, sample)
    if place.negative:
        slope = -slope
    if place.signed:
        slope = slope / 2
    if place.turned:
        slope = np.swapaxes(slope, -1, -2)
    entries = below.entries
    if below.turned:
        slope = np.swapaxes(slope, -1, -2)
    labels, slope = pick_entries(c, labels, slope, entries)
    return _arranged(c, labels, slope)


def pick_entries(c: Context, labels: Labels, array: Array, entries: tuple[Formula, ...]) -> tuple[Labels, Array]:
    """Apply one or two indices to the last two axes."""
    if not entries:
        return labels, array
    rows, cols = array.shape[-2:]
    if len(entries) == 1:
        pairs = [(-1 if rows == 1 != cols else -2, entries[0])]  # of a matrix: its row
    elif len(entries) == 2:
        pairs = [(-2, entries[0]), (-1, entries[1])]
    else:
        raise misfit(f"{len(entries)} indices on {size((rows, cols))}")
    for axis, entry in pairs:
        if isinstance(entry, Range):
            array = np.moveaxis(np.moveaxis(array, axis, 0)[_range(c, entry)], 0, axis)
        elif not isinstance(entry, Slice):
            labels, array = c.picked(labels, array, axis, entry)
    if 0 in array.shape:
        raise misfit("a range without entries")
    return labels, array


def _range(c: Context, entry: Range) -> slice:
    ends = [None if x is None else c.whole(x) for x in (entry.first, entry.last)]
    if any(n is None is not x for n, x in zip(ends, (entry.first, entry.last), strict=True)):
        raise undefined("a range whose ends are no numbers")
    return slice(*ends)


def _arranged(c: Context, labels: Labels, slope: Array) -> Value:
    """Two axes of the four: a number by a matrix has the matrix's shape, a vector by a vector is the Jacobian."""
    r, k, rows, cols = slope.shape[-4:]
    layout = c.convention.layout
    if r == k == 1:
        result = slope[..., 0, 0, :, :]
        if (layout == "numerator" and cols == 1) or c.convention.transposed_gradients:
            result = np.swapaxes(result, -1, -2)
        return Value(result, labels)
    if rows == cols == 1:
        result = slope[..., 0, 0]
        if (layout == "denominator" and k == 1) or (layout == "numerator" and r == 1):
            result = np.swapaxes(result, -1, -2)
        return Value(result, labels)
    if 1 in (r, k) and 1 in (rows, cols):
        result = slope.reshape((*slope.shape[:-4], r * k, rows * cols))
        return Value(np.swapaxes(result, -1, -2) if layout == "denominator" else result, labels)
    raise undefined(f"the derivative of {size((r, k))} by {size((rows, cols))} is no matrix")
