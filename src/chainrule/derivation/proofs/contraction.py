"""Derivatives of entries by entries: product rule, Kronecker deltas, and their contraction.

∂X_kv/∂X_ij = δ_ki δ_vj; sums and products follow from linearity and the product rule; how a point-wise function
answers a change of its argument is asked of its record. Σ_k δ_ki x_k = x_i: only the summand with k = i survives.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from ...errors import DerivationError
from ...graph import OPS, Node, Number, Op, constant, variable
from ...graph.node import Attrs
from ...laws import simplify
from . import indexed
from .index_form import Writer
from .indexed import Bracket, Delta, Entry, Expr, Factor, Function, Indices, Label, Place, Rate, Term, Unknown


def entry_by_entry(x: Expr, by: Node, row: Place, col: Place, indices: Indices) -> Expr:
    """∂x/∂by_(row, col), in terms of ∂by_kv/∂by_(row, col).

    Raises `DerivationError` where a function on the way has no derivative.
    """
    found: list[Expr] = []
    for t in x:
        for k, (factor, exponent) in enumerate(t.factors):
            inner = _factor(factor, by, row, col, indices)
            if inner:
                rest = (replace(t, factors=t.factors[:k] + t.factors[k + 1 :]),)
                slope = indexed.times(_power_slope(factor, exponent, indices), inner) if exponent != 1 else inner
                found.append(indexed.times(rest, slope))
    return indexed.plus(*found)


def _factor(f: Factor, by: Node, row: Place, col: Place, indices: Indices) -> Expr:
    if isinstance(f, Entry):
        return _rate(f, by, row, col) if f.node is by else indexed.ZERO
    if isinstance(f, Unknown):
        if f.argument is not by:
            return indexed.ZERO
        return indexed.times(indexed.single(replace(f, prime=f.prime + 1)), _rate(f, by, row, col))
    if isinstance(f, Delta | Rate):
        return indexed.ZERO
    if isinstance(f, Bracket):
        return indexed.renewed(entry_by_entry(f.inside, by, row, col, indices), indices)
    found = []
    for k, argument in enumerate(f.arguments):
        inner = indexed.renewed(entry_by_entry(argument, by, row, col, indices), indices)
        if inner:
            found.append(indexed.times(_function_slope(f, k, indices), inner))
    return indexed.plus(*found)


def _rate(f: Entry | Unknown, by: Node, row: Place, col: Place) -> Expr:
    return indexed.single(Rate(by, f.row, f.col, row, col))


def with_deltas(x: Expr) -> Expr:
    """∂X_kv/∂X_ij written out: δ of the rows times δ of the columns, where there are several."""
    found: list[Expr] = []
    for t in x:
        part: Expr = (replace(t, factors=tuple((f, e) for f, e in t.factors if not isinstance(f, Rate))),)
        for f, _ in t.factors:
            if isinstance(f, Rate):
                for mine, theirs in ((f.row, f.at_row), (f.col, f.at_col)):
                    if mine is not None and theirs is not None:
                        part = indexed.times(part, indexed.single(Delta(mine, theirs)))
        found.append(part)
    return indexed.plus(*found)


def _power_slope(factor: Factor, exponent: int, indices: Indices) -> Expr:
    """∂ factor^exponent / ∂ factor, from the record of powers."""
    base = factor.inside if isinstance(factor, Bracket) else indexed.single(factor)
    x, slope = _slope(OPS["power"], (), 0, (None, exponent))
    return Writer(indices, {x[0]: base}).entry(slope, None, None)


def _function_slope(f: Function, k: int, indices: Indices) -> Expr:
    """∂f/∂(argument k), from the record of the function."""
    fixed = tuple(_constant(a) for a in f.arguments)
    x, slope = _slope(f.op, f.attrs, k, fixed)
    return Writer(indices, dict(zip(x, f.arguments, strict=True))).entry(slope, None, None)


def _constant(x: Expr) -> object:
    return x[0].number if len(x) == 1 and not x[0].factors and not x[0].powers else None


@lru_cache(maxsize=256)
def _slope(op: Op, attrs: Attrs, k: int, fixed: tuple[Number | None, ...]) -> tuple[tuple[Node, ...], Node]:
    """The derivative of a scalar function by operand k, as its record's backward rule says for a cotangent of one."""
    x = tuple(variable(f"·{i}", 1, 1) if c is None else constant(c) for i, c in enumerate(fixed))
    c = op(*x, **dict(attrs))
    if op.backward is None:
        raise DerivationError(f"{op.name}: this operation has no derivative")
    slope = op.backward(c, constant(1))[k]
    return x, constant(0) if slope is None else simplify(slope)


def contracted(x: Expr) -> tuple[Expr, tuple[tuple[str, str | Label], ...]]:
    """The deltas carried out; also which bound letter became which place: (("k", "i"),) says only k = i survives."""
    found, used = [], dict[tuple[str, str | Label], None]()
    for t in x:
        t, here = _contracted_term(t)
        found.append(t)
        used.update(dict.fromkeys(here))
    return indexed.plus(tuple(found)), tuple(used)


def _contracted_term(t: Term) -> tuple[Term, list[tuple[str, str | Label]]]:
    used: list[tuple[str, str | Label]] = []
    while True:
        for f, e in t.factors:
            if not isinstance(f, Delta):
                continue
            pair = next(((a, b) for a, b in ((f.left, f.right), (f.right, f.left)) if a in t.bound and a != b), None)
            rest = tuple((g, p) for g, p in t.factors if g != f)
            if f.left == f.right:
                t = replace(t, factors=rest)
                break
            if pair is not None and e > 0:
                old, new = pair
                assert isinstance(old, str)
                bound = tuple(k for k in t.bound if k != old)
                (t,) = indexed.moved((replace(t, factors=rest, bound=bound),), {old: new})
                used.append((old, new))
                break
        else:
            return t, used
