"""One backward rule found in indices: chain rule, deltas contracted, matrix form read back.

`prove` works on an expression in variables, `local`, and never looks at a backward rule of a matrix operation; what
reverse mode says about the same expression is kept beside it (`direct`), so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import DerivationError
from ...graph import Node, constant, rename_dim, substitute, walk
from ...laws import Applied, simplify
from ...reverse import derive
from . import indexed
from .contraction import contracted, entry_by_entry, with_deltas
from .index_form import Writer
from .indexed import Bracket, Entry, Expr, Factor, Function, Indices, Label, Term
from .matrix_form import matrix_form, slope_variable


@dataclass(frozen=True)
class Proof:
    """∂cost/∂target from ∂cost/∂local, in indices.

    local, target  an expression in variables, and the variable it is differentiated by
    cotangent      the variable of ∂cost/∂local; None where local is the cost itself
    out, place     letters of an entry of local, and of the target
    entry          local_out
    rates, slope   ∂local_out/∂target_place by the rules, and with its deltas; short: the deltas inside carried out
    chain          Σ_out cotangent_out · short; result: the deltas carried out
    survivors      which bound letter became which: ("k", "i")
    opaque         what is an unknown function of the target: expression or variable -> target
    short_laws     laws that were used on the slope; laws: on the result
    """

    local: Node
    target: Node
    cotangent: Node | None
    indices: Indices
    out: tuple[str | None, str | None]
    place: tuple[str | None, str | None]
    entry: Expr
    rates: Expr
    slope: Expr
    short: Expr
    chain: Expr
    result: Expr
    inner: tuple[tuple[str, str | Label], ...]
    survivors: tuple[tuple[str, str | Label], ...]
    opaque: Mapping[Node, Node]
    short_laws: tuple[Applied, ...]
    laws: tuple[Applied, ...]

    def read(self, x: Expr) -> Node:
        """The matrix whose entry at `place` is x."""
        return matrix_form(x, *self.place, self.indices)

    @cached_property
    def matrix(self) -> Node:
        """The result read back as a matrix expression."""
        return simplify(self.read(self.result))

    @cached_property
    def direct(self) -> Node:
        """What reverse mode gives for the same; through a variable g(target), its part of the chain rule."""
        if any(n.is_variable for n in self.opaque):
            (output,) = self.opaque
            outer = self.cotangent
            if self.local is not output:
                outer = derive(self.local, [output], seed=self.cotangent).of(output)
            assert outer is not None
            return simplify(outer * slope_variable(output, self.target, 1))
        if self.cotangent is None:
            return derive(self.local, [self.target]).of(self.target)
        return derive(self.local, [self.target], seed=self.cotangent).of(self.target)

    @property
    def meets(self) -> bool:
        """Whether both are one expression, or their difference collects to nothing."""
        return self.matrix is self.direct or is_zero(self.matrix - self.direct)

    def with_cotangent(
        self, value: Node
    ) -> tuple[Expr, Expr, tuple[tuple[str, str | Label], ...], tuple[Applied, ...]]:
        """∂cost/∂target once ∂cost/∂local is known as an expression.

        Returns the chain rule with it, what is left of that, which summands survived, and the laws used.
        """
        assert self.cotangent is not None
        full = _replaced(self.chain, self.cotangent, value, Writer(self.indices))
        short, survivors = contracted(full)
        found, used = recognized(short, {}, self.indices)
        return full, found, survivors, used


def prove(
    local: Node,
    target: Node,
    cotangent: Node | None,
    *,
    known: Mapping[Node, Node] | None = None,
    opaque: Mapping[Node, Node] | None = None,
    scale: Node | None = None,
) -> Proof:
    """Derive ∂cost/∂target entry by entry.

    known   expressions that have a name: expression -> variable; they are recognized in the result
    opaque  expressions that are an unknown function of a variable, entry by entry
    scale   a number that enters at the target (1/m at a parameter)

    Raises `DerivationError` where an operation has no index notation.
    """
    indices = Indices()
    place = (indices.fresh(target.shape.rows, "ij"), indices.fresh(target.shape.cols, "ji"))
    out = (indices.fresh(local.shape.rows, "k"), indices.fresh(local.shape.cols, "v"))
    entry = Writer(indices, opaque=opaque).entry(local, *out)
    apart = frozenset(k for k in (*place, *out) if k is not None)
    rates = indexed.tidied(entry_by_entry(entry, target, *place, indices), indices.extent, apart)
    slope = with_deltas(rates)
    short, inner = contracted(slope)
    short, laws = recognized(short, known or {}, indices)
    weighted = indexed.times(indexed.single(Entry(cotangent, *out)), short) if cotangent is not None else short
    if scale is not None:
        weighted = indexed.times(indexed.number(scale.get("value"), scale.get("powers")), weighted)
    chain = indexed.summed(weighted, {k: indices.extent[k] for k in out if k is not None})
    result, survivors = contracted(chain)
    result, more = recognized(result, known or {}, indices)
    opaque = opaque or {}
    return Proof(
        local,
        target,
        cotangent,
        indices,
        out,
        place,
        entry,
        rates,
        slope,
        short,
        chain,
        result,
        inner,
        survivors,
        opaque,
        laws,
        more,
    )


def slope_of(output: Node, argument: Node) -> Node:
    """g'(argument) where output = g(argument) entry by entry, by reverse mode."""
    return derive(output, [argument], seed=constant(1, output.shape)).of(argument)


def is_zero(node: Node) -> bool:
    """Whether the laws reduce an expression to nothing."""
    found = simplify(node)
    return found.is_constant and found.get("value") == 0


def same_numbers(x: Node, y: Node) -> bool:
    """Whether two expressions of the same variables have the same values at random places where both have one."""
    dims = sorted({d for n in walk(x, y) for d in n.shape if isinstance(d, str)})
    for k, d in enumerate(dims):
        x, y = rename_dim(x, d, 3 + k), rename_dim(y, d, 3 + k)
    compared = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        drawn = {n: rng.uniform(-1 if seed % 2 else 0.1, 0.9, n.shape.bind({})) for n in walk(x, y) if n.is_variable}
        a, b = _value(x, drawn), _value(y, drawn)
        if np.all(np.isfinite(a)) and np.all(np.isfinite(b)):
            compared += 1
            if np.max(np.abs(a - b)) > 1e-9 * max(1.0, float(np.max(np.abs(b)))):
                return False
    return compared > 0


def _value(node: Node, drawn: Mapping[Node, Any]) -> Any:
    memo = dict(drawn)
    with np.errstate(all="ignore"):
        for n in walk(node):
            if n.is_constant:
                memo[n] = np.full(n.shape, float(n.get("value")))
            elif n not in memo:
                memo[n] = n.op.forward(*(memo[x] for x in n.inputs), **dict(n.attrs))
    return memo[node]


def recognized(x: Expr, known: Mapping[Node, Node], indices: Indices) -> tuple[Expr, tuple[Applied, ...]]:
    """The expression with its functions in their shortest form, read as matrices and simplified by the laws.

    e^(z_k) / Σ_u e^(z_u) is recognized as a_k where `known` says that this is what a is; Σ_k y_k is 1 where the columns
    of Y are known to sum to one.
    """
    known = {simplify(n): v for n, v in known.items()}
    used: list[Applied] = []
    found = tuple(t for y in x for t in _recognized_term(y, known, indices, used))
    return indexed.plus(found), tuple(used)


def _recognized_term(t: Term, known: Mapping[Node, Node], indices: Indices, used: list[Applied]) -> Expr:
    groups: dict[frozenset[str], list[tuple[Factor, int]]] = {}
    kept: list[tuple[Factor, int]] = []
    for f, e in t.factors:
        if isinstance(f, Function | Bracket):
            groups.setdefault(frozenset(indexed.letters_of(f)), []).append((f, e))
        else:
            kept.append((f, e))
    alone = {g: _recognized_group(factors, g, known, indices) for g, factors in groups.items()}
    for letters in sorted(groups, key=len):  # e^(z_iv) and 1 / Σ_u e^(z_uv) are known together only
        best, merged = 0, None
        for wider in groups:
            if letters < wider and letters in groups:
                both = _recognized_group(groups[wider] + groups[letters], wider, known, indices)
                gain = _size(alone[wider][0]) + _size(alone[letters][0]) - _size(both[0])
                if gain > best:
                    best, merged = gain, (wider, both)
        if merged is not None:
            wider, both = merged
            groups[wider] += groups.pop(letters)
            alone[wider] = both
    result: Expr = (replace(t, factors=tuple(kept), bound=()),)
    for letters in groups:
        found, laws = alone[letters]
        result = indexed.times(result, found)
        used += laws
    result = indexed.summed(result, {k: indices.extent[k] for k in t.bound})  # a factor that fell away leaves Σ_k 1
    return tuple(_constant_sums(y, indices, used) for y in result)


def _recognized_group(
    factors: list[tuple[Factor, int]], letters: frozenset[str], known: Mapping[Node, Node], indices: Indices
) -> tuple[Expr, list[Applied]]:
    """A product of functions in its shortest form, and the laws that were used."""
    x: Expr = (Term(tuple(factors)),)
    rows = [k for k in letters if _is_row(k, x)]
    cols = [k for k in letters if k not in rows]
    if len(rows) > 1 or len(cols) > 1:
        return x, []
    row, col = next(iter(rows), None), next(iter(cols), None)
    record: list[Applied] = []
    try:
        node = simplify(matrix_form(x, row, col, indices), None, record)
    except DerivationError:
        return x, []
    found = Writer(indices).entry(substitute(node, known), row, col)
    if _size(found) >= _size(x):
        return x, []
    return found, [a for a in record if a.law.name != "collect like terms"]


def _size(x: Expr) -> int:
    return len(_every_factor(x))


def _is_row(letter: str, x: Expr) -> bool:
    return any(isinstance(f, Entry | indexed.Unknown) and f.row == letter for f in _every_factor(x))


def _every_factor(x: Expr) -> list[Factor]:
    found: list[Factor] = []
    for t in x:
        for f, _ in t.factors:
            found.append(f)
            for inner in f.arguments if isinstance(f, Function) else (f.inside,) if isinstance(f, Bracket) else ():
                found += _every_factor(inner)
    return found


def _constant_sums(t: Term, indices: Indices, used: list[Applied]) -> Term:
    """Σ_k y_k = 1 and its like: a bound letter that only one factor has, whose sum the laws know."""
    for k in t.bound:
        holders = [(f, e) for f, e in t.factors if k in indexed.letters_of(f)]
        f, e = holders[0]
        if len(holders) != 1 or not isinstance(f, Entry) or f.row != k or isinstance(f.col, Label):
            continue
        record: list[Applied] = []
        total = simplify(matrix_form((Term(((f, e),), bound=(k,)),), None, f.col, indices), None, record)
        if total.is_constant:
            used += record
            rest = replace(
                t, factors=tuple(h for h in t.factors if h != (f, e)), bound=tuple(b for b in t.bound if b != k)
            )
            (whole,) = indexed.times((rest,), indexed.number(total.get("value"), total.get("powers"))) or (
                replace(rest, number=constant(0).get("value")),
            )
            return _constant_sums(whole, indices, used)
    return t


def _replaced(x: Expr, variable: Node, value: Node, writer: Writer) -> Expr:
    """The expression with the entries of a variable replaced by those of an expression."""
    found: list[Expr] = []
    for t in x:
        inside = next(((f, e) for f, e in t.factors if isinstance(f, Entry) and f.node is variable), None)
        if inside is None:
            found.append((t,))
            continue
        f, e = inside
        assert isinstance(f, Entry)
        rest = replace(t, factors=tuple(h for h in t.factors if h != inside))
        found.append(indexed.times((rest,), indexed.power(writer.entry(value, f.row, f.col), e)))
    return indexed.plus(*found)
