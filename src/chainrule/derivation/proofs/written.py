"""Index notation as formulas, in the letters of a text: `Σ_k dz_k W_ki`, `a_i (δ_ij - a_j)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce

from ...graph import Node, constant
from ...notation.formula import ONE as UNIT
from ...notation.formula import Binary, Bound, Call, Formula, Index, Negate, Number, Partial, Sum, Symbol
from ...notation.from_graph import called, constant_formula, symbol
from .indexed import Bracket, Delta, Entry, Expr, Factor, Label, Place, Rate, Term, Unknown, free_letters, tidied


class Letters:
    """Writes expressions in index notation as formulas.

    names  variable -> its formula; a variable that is missing is written by its own name
    """

    def __init__(self, names: Mapping[Node, Formula] | None = None) -> None:
        self.names = names or {}

    def name(self, node: Node) -> Formula:
        """The letter of a variable."""
        return self.names.get(node) or symbol(node.name)

    def entry(self, node: Node, row: Place, col: Place) -> Formula:
        """`W_ij`; `b_i` of a column; `c_1j` of a row; the letter itself for a number."""
        return place(self.name(node), node, row, col)

    def formula(self, x: Expr) -> Formula:
        """An expression; what all terms share stands outside."""
        return self._sum(tidied(x))

    def _sum(self, x: Expr) -> Formula:
        if not x:
            return Number(Fraction(0))
        bound = x[0].bound
        if len(x) > 1 and bound and all(set(t.bound) == set(bound) for t in x):
            body = self._sum(tuple(replace(t, bound=()) for t in x))
            return Sum(body, tuple(Bound(Symbol(k)) for k in bound))
        common = _common(x)
        if common:
            inside = tuple(_without(t, common) for t in x)
            return Binary("·", self._term(Term(tuple(common.items()))), self._sum(inside))
        result: Formula | None = None
        for t in sorted(x, key=lambda t: t.number < 0):
            size = self._term(replace(t, number=abs(t.number)))
            if result is None:
                result = size if t.number > 0 else Negate(size)
            else:
                result = Binary("+" if t.number > 0 else "-", result, size)
        assert result is not None
        return result

    def _term(self, t: Term) -> Formula:
        if t.number < 0:
            return Negate(self._term(replace(t, number=-t.number)))
        ordered = sorted(t.factors, key=lambda f: _rank(f[0]))
        top = [self._raised(f, e) for f, e in ordered if e > 0]
        bottom = [self._raised(f, -e) for f, e in ordered if e < 0]
        scale = [constant_formula(constant(t.number, powers=t.powers))] if t.number != 1 or t.powers else []
        if t.bound:
            body = Binary("/", product(top), product(bottom)) if bottom else product(top)
            return product([*scale, Sum(body, tuple(Bound(Symbol(k)) for k in t.bound))])
        return Binary("/", product([*scale, *top]), product(bottom)) if bottom else product([*scale, *top])

    def _raised(self, f: Factor, exponent: int) -> Formula:
        body = self.factor(f)
        return body if exponent == 1 else Binary("^", body, Number(Fraction(exponent)))

    def factor(self, f: Factor) -> Formula:
        """One factor."""
        if isinstance(f, Entry):
            return self.entry(f.node, f.row, f.col)
        if isinstance(f, Delta):
            return Index(Symbol("delta"), (_letter(f.left), _letter(f.right)))
        if isinstance(f, Rate):
            return Partial(self.entry(f.node, f.row, f.col), self.entry(f.node, f.at_row, f.at_col))
        if isinstance(f, Unknown):
            g = Symbol("g", getattr(self.name(f.output), "layer", None), None, f.prime)
            return Call(g, (self.entry(f.argument, f.row, f.col),))
        if isinstance(f, Bracket):
            return self._sum(f.inside)
        arguments = tuple(self._sum(x) for x in f.arguments)
        if f.op.name == "power":
            return Binary("^", *arguments)
        return called(f.op.name, arguments)


def place(base: Formula, node: Node, row: Place, col: Place) -> Formula:
    """An entry of something of the shape of `node`."""
    if node.shape.cols == 1:
        return base if row is None or node.shape.rows == 1 else Index(base, (_letter(row),))
    assert col is not None
    return Index(base, (UNIT if row is None else _letter(row), _letter(col)))


def product(factors: list[Formula]) -> Formula:
    """Numbers multiplied; 1 for none."""
    return reduce(lambda a, b: Binary("·", a, b), factors) if factors else UNIT


def _letter(at: str | Label) -> Formula:
    if isinstance(at, str):
        return Symbol(at)
    base = symbol(at.node.name) if at.node.is_variable else Symbol("y")
    return base if at.at is None else Index(base, (UNIT, Symbol(at.at)))


def _rank(f: Factor) -> int:
    """Cotangents first, then deltas, then the rest as it came."""
    if isinstance(f, Entry):
        return 0 if f.node.name.startswith("d") else 2
    return 1 if isinstance(f, Delta | Rate) else 2


def _common(x: Expr) -> dict[Factor, int]:
    """Factors that every term has, as often as all have them, and that no term sums over."""
    if len(x) < 2:
        return {}
    bound = {k for t in x for k in t.bound}
    shared: dict[Factor, int] = {}
    for f, e in x[0].factors:
        least = min([e, *(dict(t.factors).get(f, 0) for t in x[1:])])
        if least > 0 and not bound & set(free_letters((Term(((f, 1),)),))):
            shared[f] = least
    return shared


def _without(t: Term, common: Mapping[Factor, int]) -> Term:
    left = tuple((f, e - common.get(f, 0)) for f, e in t.factors)
    return replace(t, factors=tuple((f, e) for f, e in left if e))
