"""Sums over indices, samples and layers, and the Kronecker delta."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from ..notation.formula import Bound, Cases, Equation, Formula, Index, Partial, Sum, Symbol
from .context import Context
from .letters import LOSSES
from .values import SAMPLE, NoValueError, Value, bounded, entrywise, misfit, undefined

OVER = frozenset({"max", "min", "prod"})
_CONDITION = re.compile(r"([A-Za-z]'*)\s*(=|==|!=|≠|\\neq|\\ne)\s*([A-Za-z]'*)")
_ELSE = frozenset({"else", "otherwise", "sonst"})


def by_cases(c: Context, part: Cases) -> Value:
    """Branches for i = j and i ≠ j; other conditions have no value here."""
    total, rest = None, Value(np.ones((1, 1)))
    for branch, words in zip(part.branches, part.words, strict=True):
        said = re.sub(r"^(?:if|for|when|falls|wenn|für)\b", "", words.strip()).strip(" ,.;")
        found = _CONDITION.fullmatch(said)
        if found:
            mask = kronecker(c, (Symbol(found[1]), Symbol(found[3])))
            mask = mask if found[2] in ("=", "==") else Value(1 - mask.array, mask.labels)
        elif said in _ELSE and branch is part.branches[-1]:
            mask = rest
        else:
            raise NoValueError("unreadable", "a definition by cases other than i = j and i != j")
        rest = entrywise(rest, mask, np.subtract)
        term = entrywise(mask, c.eval(branch), np.multiply)
        total = term if total is None else entrywise(total, term, np.add)
    if total is None or np.any(rest.array):
        raise NoValueError("unreadable", "a definition by cases that does not say what holds otherwise")
    return total


def kronecker(c: Context, entries: tuple[Formula, ...]) -> Value:
    """δ_ij: one where the two indices agree, else zero."""
    letters = [e.name for e in entries if isinstance(e, Symbol) and e.layer is None]
    if len(letters) != 2:
        raise undefined("a Kronecker delta with an index that is no letter")
    a, b = letters
    lengths = []
    for x in letters:
        try:
            lengths.append(c.length_of(x))
        except NoValueError:
            continue
    if not lengths:
        raise undefined(f"how far {a} and {b} run is not known")
    for x in letters:
        c.runs(x, lengths[0])
    n = lengths[0]
    bounded(n * n)
    if a == b:
        return Value(np.ones((n, 1, 1)), (a,))
    return Value(np.eye(n)[:, :, None, None], (a, b))


def sum_value(c: Context, part: Sum) -> Value:
    if not part.bounds:
        return _bare_sum(c, part)
    bounds = [b for b in part.bounds if isinstance(b, Bound)]
    letters = tuple(b.index.name for b in bounds if isinstance(b.index, Symbol))
    layered = [b for b in bounds if isinstance(b.index, Symbol) and _in_layer(part.body, b.index.name)]
    if layered:
        return _sum_over_layers(c, part, layered[0])
    with _inside(c, letters, part.body):
        value = c.eval(part.body)
        for b in bounds:
            value = _summed(c, value, b)
    return value


def over_indices(c: Context, name: str, entries: tuple[Formula, ...], body: Formula) -> Value:
    """max_k z_k, min_k z_k, Π_{k=1}^{K} y_k: over all values of the indices below the name, or from bound to bound."""
    bounds = [e if isinstance(e, Bound) else Bound(e) for e in entries]
    letters = tuple(b.index.name for b in bounds if isinstance(b.index, Symbol) and b.index.layer is None)
    if len(letters) != len(entries):
        raise undefined(f"{name} over what is no index letter")
    counted = {e for x in body.parts if isinstance(x, Index) for e in x.entries}
    counted |= {x.sample for x in body.parts if isinstance(x, Symbol) and x.sample is not None}
    if any(Symbol(b) not in counted for b in letters) and not all(b.upper is not None for b in bounds):
        raise undefined(f"{name} over a letter that counts no entries")
    with _inside(c, letters, body):
        value = c.eval(body)
        for letter, bound in zip(letters, bounds, strict=True):
            if letter not in value.labels:
                raise undefined(f"{letter} does not occur in what {name} is taken of")
            first, last = _limits(c, bound, letter, value.length(letter))
            array, labels = value.last(letter)[..., first:last], value.without(letter)
            if name == "prod":
                array = array.prod(axis=-1)
            else:
                at = (np.argmax if name == "max" else np.argmin)(np.real(array), axis=-1)[..., None]
                array = np.take_along_axis(array, at, axis=-1)[..., 0]
            value = Value(array, labels)
    return value


@contextmanager
def _inside(c: Context, letters: tuple[str, ...], body: Formula) -> Iterator[None]:
    """The letters are bound in the body, whatever they mean outside."""
    kept = {x: c.scope.pop(x) for x in letters if x in c.scope}
    outer_bound = set(c.bound)
    c.bound.update(letters)
    c.roots.append(body)
    try:
        yield
    finally:
        c.roots.pop()
        c.bound.intersection_update(outer_bound)
        for x in letters:
            c.scope.pop(x, None)
        c.scope.update(kept)


def _bare_sum(c: Context, part: Sum) -> Value:
    """Σ without an index: over letters that count in such sums alone, i of `z = Σ w_i x_i + b`; else see `bare_sum`."""
    letters = _counted(part.body) - _counted(c.roots[0], bare=False) if c.roots else frozenset()
    if letters:
        with _inside(c, tuple(letters), part.body):
            value = c.eval(part.body)
            for letter in sorted(letters & set(value.labels)):
                value = Value(value.last(letter).sum(axis=-1), value.without(letter))
        if c.bare == "entries" and SAMPLE in value.labels:  # J = -1/m Σ y_k ln a_k: over the samples too
            return Value(value.last(SAMPLE).sum(axis=-1), value.without(SAMPLE))
        if c.bare != "entries":
            return value
    else:
        value = c.eval(part.body)
    if c.bare == "columns":
        return _over_the_samples(c, value)
    over = c.bare or ("entries" if c.one else "samples")
    if over == "samples" and c.one and _is_of_loss(c):
        return value  # the sum over the samples has one term
    if over == "samples" and SAMPLE in value.labels:
        return Value(value.last(SAMPLE).sum(axis=-1), value.without(SAMPLE))
    return Value(value.array.sum(axis=(-2, -1), keepdims=True), value.labels)


def _is_of_loss(c: Context) -> bool:
    """The formula says what the loss is, or its derivative: `L = -Σ [y ln a + …]`; a cost would have 1/m before it."""
    root = c.roots[0] if c.roots else None
    left = root.sides[0] if isinstance(root, Equation) else root
    left = left.numerator if isinstance(left, Partial) else left
    return isinstance(left, Symbol) and LOSSES.get(left.name) == "L"


@lru_cache(maxsize=1 << 12)
def _counted(part: Formula, bare: bool = True) -> frozenset[str]:
    """The letters that count entries or samples; those of sums without an index only with `bare`."""
    if isinstance(part, Sum) and not part.bounds and not bare:
        return frozenset()
    places: tuple[Formula, ...] = part.entries if isinstance(part, Index) else ()
    if isinstance(part, Symbol) and part.sample is not None:
        places = (part.sample,)
    own = {x.name for x in places if isinstance(x, Symbol) and x.layer is None and x.sample is None}
    return frozenset(own).union(*(_counted(x, bare) for x in part.children))


def _summed(c: Context, value: Value, bound: Bound) -> Value:
    letter = bound.index.name if isinstance(bound.index, Symbol) else None
    label = letter
    if label is None or label not in value.labels:
        per_sample = SAMPLE in value.labels and not c.one and _is_samples(c, bound)
        label = SAMPLE if per_sample else None
    if label is None:
        return _repeated(c, value, bound, letter)
    n = value.length(label)
    first, last = _limits(c, bound, label, n)
    array = value.last(label)[..., first:last].sum(axis=-1)
    return Value(array, value.without(label))


def _is_samples(c: Context, bound: Bound) -> bool:
    """Whether a sum whose index does not occur in its body may run over the samples, the index left out."""
    upper = bound.upper
    return upper is None or (isinstance(upper, Symbol) and upper.name in ("m", "N", "n") and upper.layer is None)


def _over_the_samples(c: Context, value: Value) -> Value:
    """`Σ dZ`, `Σ_{i=1}^m dZ`: the sum of the columns of all samples (of the rows, where those are the samples)."""
    axis = -2 if c.convention.rows else -1
    if value.array.shape[axis] != c.model.m or not c.model.structure.is_network or c.one:
        raise undefined("a sum over the samples of what has none")
    return Value(value.array.sum(axis=axis, keepdims=True), value.labels)


def _repeated(c: Context, value: Value, bound: Bound, letter: str | None) -> Value:
    if c.bare == "columns" and _is_samples(c, bound):
        return _over_the_samples(c, value)
    if c.one and _is_samples(c, bound):
        return value
    number = c.whole(bound.upper) if bound.upper is not None else None
    if number is None and isinstance(bound.upper, Symbol):
        number = c.model.counts.get(bound.upper.name)
    lower = c.whole(bound.lower) if bound.lower is not None else c.first
    if letter is not None and letter in c.scope:
        return Value(value.array * c.scope[letter], value.labels)
    if bound.upper is None and c.model.free is True and "m" not in c.model.definitions:
        return entrywise(value, c.eval(Symbol("m")), np.multiply)
    if number is None or lower is None:
        raise undefined(f"{letter or 'the index'} does not occur in the sum")
    return Value(value.array * (number - lower + 1), value.labels)


def _limits(c: Context, bound: Bound, label: str, n: int) -> tuple[int, int]:
    lower = c.first if bound.lower is None else c.whole(bound.lower)
    if lower is None:
        lower = c.first
    if not c.first <= lower <= n - 1 + c.first:
        raise misfit(f"a sum from {lower} over {c.model.size_name(n)}")
    upper = None if bound.upper is None else c.whole(bound.upper)
    if upper is not None and not (c.one and isinstance(bound.upper, Symbol) and bound.upper.layer is None):
        wanted = n - 1 + c.first
        if upper != wanted and not (upper == n and lower == 1 == c.first):
            raise misfit(f"{label} runs over {c.model.size_name(n)}, the sum ends at {upper}")
    return lower - c.first, n


def _sum_over_layers(c: Context, part: Sum, bound: Bound) -> Value:
    lower = 1 if bound.lower is None else c.layer(bound.lower)
    upper = c.model.structure.layers if bound.upper is None else c.layer(bound.upper)
    rest = tuple(b for b in part.bounds if b is not bound)
    body = Sum(part.body, rest) if rest else part.body
    if not 0 <= upper - lower <= 100 or not isinstance(bound.index, Symbol):
        raise undefined("a sum over layers without layers")
    kept = c.bindings
    total: Value | None = None
    try:
        for number in range(lower, upper + 1):
            c.bindings = {**kept, bound.index.name: number}
            term = c.eval(body)
            total = term if total is None else entrywise(total, term, np.add)
    finally:
        c.bindings = kept
    assert total is not None
    return total


def _in_layer(body: Formula, letter: str) -> bool:
    """Whether a letter stands in the layer of a symbol."""
    for part in body.parts:
        if isinstance(part, Symbol) and part.layer is not None:
            for x in part.layer.parts:
                if isinstance(x, Symbol) and x.name == letter:
                    return True
    return False
