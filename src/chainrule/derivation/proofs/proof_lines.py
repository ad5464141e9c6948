"""A proof in indices as numbered lines with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ...graph import Node, broadcast_to, constant, substitute, variable, walk
from ...graph.shape import show
from ...laws import Applied, simplify
from ...notation.formula import (
    ONE,
    Array,
    Binary,
    Bound,
    Call,
    Dots,
    Equation,
    Formula,
    Index,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
)
from ...notation.from_graph import constant_formula, dimension, formula
from ...notation.write import text
from ...ops import exp, total
from ..document import Line, Section
from .index_form import Writer
from .indexed import Delta, Expr, Function, Label, Unknown, power, single, times
from .matrix_form import slope_variable
from .proof import Proof, slope_of
from .written import Letters, place, product

# One sentence for each operation that an entry is made of.
_ENTRY_OF = {
    "matmul": "an entry of a product is a row of the left matrix times a column of the right one",
    "broadcast": "what is repeated has the same entry in every copy",
    "transpose": "definition of the transpose",
    "sum": "definition of the sum over the entries",
    "lse": "definition of log-sum-exp",
    "pick": "the label says which entry of the column is meant",
    "gather": "the label says which column of the table is meant",
    "scatter_add": "each column is added where its label says",
}
TWO = Number(Fraction(2))
MATRIX_OF_ENTRIES = "the derivative by a matrix is the matrix of the derivatives by its entries, row by row"


@dataclass(frozen=True)
class Names:
    """The letters of one proof.

    cost      what is differentiated, where it is written (∂L/∂W_ij); None to write dW_ij
    out       the expression; d_out its cotangent, None where it is the cost itself
    target    what it is differentiated by; d_target its cotangent
    unknown   the expression is g(target), entry by entry, and g needs not be known
    given     the expression of d_out, where it is to be inserted
    alone     there is one sample, so that ∂L/∂W is dW, and both are written
    """

    cost: Formula | None
    out: Formula
    d_out: Formula | None
    target: Formula
    d_target: Formula
    unknown: bool = False
    given: Node | None = None
    alone: bool = False

    @property
    def is_parameter(self) -> bool:
        """Whether the target belongs to all samples, so that ∂L/∂W is written and not dW."""
        return self.cost is not None

    @property
    def whole(self) -> Formula:
        """The derivative that is proved: dW, or ∂L/∂W."""
        return self.d_target if self.cost is None or self.alone else Partial(self.cost, self.target)

    def entry(self, *entries: Formula) -> Formula:
        """An entry of it: dW_ij, or ∂L/∂W_ij."""
        if self.cost is None or self.alone:
            return Index(self.d_target, entries)
        return Partial(self.cost, Index(self.target, entries))


def slope_names(found: Proof, letters: Letters) -> dict[Node, Formula]:
    """How g'(z) is written where nothing but its value a is known of g."""
    named: dict[Node, Formula] = {}
    for output, argument in found.opaque.items():
        if output.is_variable:
            g = Symbol("g", getattr(letters.name(output), "layer", None), None, 1)
            named[slope_variable(output, argument, 1)] = Call(g, (letters.name(argument),))
    return named


def proof_section(found: Proof, names: Names) -> Section:
    """The lines: definition, chain rule, derivative of an entry, contraction, matrix form."""
    return _Proof(found, names).section()


class _Proof:
    def __init__(self, found: Proof, names: Names) -> None:
        self.found, self.names = found, names
        self.out_variable = variable(text(names.out), *found.local.shape)
        self.letters = Letters({found.local: names.out, self.out_variable: names.out})
        self.out = place(names.out, found.local, *found.out)
        self.target = place(names.target, found.target, *found.place)
        self.below: Formula = place(names.d_target, found.target, *found.place)
        if names.cost is not None:
            self.below = Partial(names.cost, self.target)

    def section(self) -> Section:
        lines = [self.definition()]
        if self.names.d_out is not None:
            lines.append(self.chain_rule())
        lines += self.slopes()
        if self.names.d_out is not None:
            lines.append(self.survivors())
        if self.names.unknown and not self.found.local.is_variable:
            lines.append(self.slope_of_function())
        if self.names.given is not None:
            lines += self.inserted(self.names.given)
        else:
            lines += self.read_back()
        through = "" if self.names.d_out is None else f" from {text(self.names.d_out)}"
        return Section(f"{text(self.names.whole)}{through} by components", "proof", "", tuple(lines))

    def definition(self) -> Line:
        sides = [self.out, self.letters.formula(self.found.entry)]
        why = "the function is applied to each entry by itself" if self.names.unknown else _why_entry(self.found.local)
        fraction = _as_fraction(self.found)
        if fraction:
            sides.insert(1, self.letters.formula(fraction))
            why = "soft-max from its definition, and by log-sum-exp"
        return _line(sides, "definition", why)

    def sum_over_out(self, body: Formula) -> Formula:
        bounds = tuple(Bound(Symbol(k)) for k in self.found.out if k is not None)
        scale = {t.powers for t in self.found.chain}
        front = [constant_formula(constant(1, powers=p)) for p in scale if p]
        return product([*front, Sum(body, bounds) if bounds else body])

    def chain_rule(self) -> Line:
        assert self.names.d_out is not None
        d_out = place(self.names.d_out, self.found.local, *self.found.out)
        inner = Partial(self.out, self.target)
        target, out = text(self.names.target), text(self.names.out)
        why = f"an entry of {target} acts on the cost through every entry of {out}, and the contributions are added"
        if self.names.cost is None:
            return _line([self.below, self.sum_over_out(product([d_out, inner]))], "multivariate chain rule", why)
        first = self.sum_over_out(product([Partial(self.names.cost, self.out), inner]))
        above = [place(self.names.d_target, self.found.target, *self.found.place)] if self.names.alone else []
        sides = [*above, self.below, first, self.sum_over_out(product([d_out, inner]))]
        return _line(sides, "multivariate chain rule", why)

    def slopes(self) -> list[Line]:
        f, left = self.found, Partial(self.out, self.target)
        stages = [f.slope] if _has(f.entry, Function) else [f.rates, f.slope]
        sides = [left, *dict.fromkeys(x for x in map(self.letters.formula, stages) if x != left)]
        lines = []
        if len(sides) > 1:
            why = "linearity, product rule and the rules of the functions"
            if _has(f.slope, Delta):
                why = "entries are independent: `δ_ij` is 1 for i = j and 0 otherwise"
            lines.append(_line(sides, "derivative of an entry by an entry", why))
        short = self.letters.formula(f.short)
        if short not in sides:
            why = (
                "; ".join(x for x in (_only(f.inner), _by_name(f.short_laws)) if x) or "the functions are known by name"
            )
            lines.append(_line([left, short], "contraction" if f.inner else "simplification", why))
        return lines

    def survivors(self) -> Line:
        f = self.found
        left = place(self.names.d_target, f.target, *f.place) if self.names.alone else self.below
        chain, result = self.letters.formula(f.chain), self.letters.formula(f.result)
        sides = [left, chain] if chain == result else [left, chain, result]
        why = _only(f.survivors) or "inserted into the chain rule"
        return _line(sides, "contraction" if f.survivors else "chain rule", why)

    def slope_of_function(self) -> Line:
        """g'(z_i) for the function at hand."""
        f = self.found
        value = substitute(slope_of(f.local, f.target), {f.local: self.out_variable})
        left = self.letters.formula(single(Unknown(f.local, f.target, 1, *f.place)))
        right = self.letters.formula(Writer(f.indices).entry(value, *f.place))
        return _line([left, right], "derivative of the activation", "from its definition")

    def inserted(self, given: Node) -> list[Line]:
        """What ∂cost/∂out is, and what the chain rule gives with it."""
        f = self.found
        assert self.names.d_out is not None
        value = self.letters.formula(Writer(f.indices).entry(given, *f.out))
        first = _line(
            [place(self.names.d_out, f.local, *f.out), value], "derivative of the loss", "the loss, differentiated"
        )
        full, result, survivors, used = f.with_cotangent(given)
        sides = list(dict.fromkeys([self.below, self.letters.formula(full), self.letters.formula(result)]))
        why = "; ".join(x for x in (_only(survivors), *(_law(a) for a in used)) if x) or "inserted and multiplied out"
        matrix = simplify(f.read(result))
        return [first, _line(sides, "contraction", why), *self.matrix_lines(matrix, result)]

    def read_back(self) -> list[Line]:
        return self.matrix_lines(self.found.matrix, self.found.result)

    def matrix_lines(self, matrix: Node, result: Expr) -> list[Line]:
        """The entries collected in a matrix: definitions of transpose and product, then the matrix itself."""
        f, lines = self.found, []
        named: dict[Node, Formula] = {f.local: self.names.out, self.out_variable: self.names.out}
        named.update(slope_names(f, self.letters))
        scale, bare = _without_scale(matrix)
        front = [] if scale is None else [scale]
        k = next((t.bound[0] for t in result if t.bound), None)
        lines += product_line(matrix, self.letters.formula(result), named, f.place, k)
        target = self.names.whole
        shape = (show(f.target.shape.rows), show(f.target.shape.cols))
        sides = [target, formula(matrix, named)]
        if self.names.unknown and self.names.d_out is not None and self.names.given is None:
            slope = Call(self._g(1), (self.names.target,))
            sides.insert(1, Binary("∘", self.names.d_out, slope))
        label = text(self.names.d_target)
        if bare.op.name == "broadcast":  # a matrix of equal rows or columns has no sign of its own: entry by entry
            entries = _equation([self.below, self.letters.formula(result)])
            return [Line(entries, "matrix form", "the same in every copy of what was repeated", shape, label)]
        lines.append(Line(_equation(list(dict.fromkeys(sides))), "matrix form", MATRIX_OF_ENTRIES, shape, label))
        if bare.op.name == "matmul" and None not in f.place and self.found.target.is_variable:
            lines += self.row_lines(bare, front, named)
        return lines

    def _g(self, prime: int) -> Symbol:
        return Symbol("g", getattr(self.names.out, "layer", None), None, prime)

    def row_lines(self, bare: Node, front: list[Formula], named: Mapping[Node, Formula]) -> list[Line]:
        """The rows of the derivative below each other, and row i, as the fourth source has them."""
        a, b = bare.inputs
        i = self.found.place[0]
        assert i is not None
        rows, columns = (dimension(d) for d in self.found.target.shape)
        row_i = Index(formula(a, named), (Symbol(i),) if a.shape.cols == 1 else (Symbol(i), Slice()))
        body = Binary("·" if a.shape.cols == 1 else "@", row_i, formula(b, named))
        entry, i_ = self.names.entry, Symbol(i)
        stacked = Array((entry(ONE, Slice()), entry(TWO, Slice()), Dots(), entry(rows, Slice())), 1)
        listed = Array((entry(i_, ONE), entry(i_, TWO), Dots(), entry(i_, columns)), 4)
        return [
            _line([self.names.whole, stacked], "row by row", "the derivatives by the rows stand one below the other"),
            _line([entry(i_, Slice()), listed, product([*front, body])], "row by row", "what was found, for row i"),
        ]


def product_line(
    matrix: Node, start: Formula, named: Mapping[Node, Formula], place_: tuple[str | None, str | None], k: str | None
) -> list[Line]:
    """`Σ_k dz_k W_ki g'(z_i) = Σ_k (Wᵀ)_ik dz_k · g'(z_i) = (Wᵀ dz)_i · g'(z_i)`: the matrix product inside a result.

    matrix  the result, start: its entry as it was found; k the letter of the sum
    """
    scale, bare = _without_scale(matrix)
    factors = list(_factors(bare))
    found = [x for x in factors if x.op.name == "matmul"]
    rest = [x for x in factors if x.op.name != "matmul"]
    if len(found) != 1 or not all(x in named or x.is_variable for x in rest):
        return []
    row, col = place_
    a, b = found[0].inputs
    left, right = formula(a, named), formula(b, named)
    inner = product([place(left, a, row, k), place(right, b, k, col)])
    summed = Sum(inner, (Bound(Symbol(k)),)) if k is not None else inner
    entry = place(Binary("@", left, right), found[0], row, col)
    front = [] if scale is None else [scale]
    others = [_entry_of(formula(x, named), x, row, col) for x in rest]
    sides = list(dict.fromkeys([start, product([*front, summed, *others]), product([*front, entry, *others])]))
    return [_line(sides, "matrix form", "definition of the transpose and of the matrix product")]


def _factors(n: Node) -> Iterator[Node]:
    """The factors of an entry-wise product."""
    if n.op.name == "multiply":
        for x in n.inputs:
            yield from _factors(x)
    else:
        yield n


def _entry_of(whole: Formula, n: Node, row: str | None, col: str | None) -> Formula:
    """An entry; of g'(Z) it is g' of the entry."""
    if isinstance(whole, Call):
        return Call(whole.function, tuple(place(x, n, row, col) for x in whole.arguments))
    return place(whole, n, row, col)


def _equation(sides: list[Formula]) -> Equation:
    return Equation(tuple(sides), ("=",) * (len(sides) - 1))


def _line(sides: list[Formula], rule: str, why: str) -> Line:
    return Line(_equation(sides), rule, why)


def _why_entry(local: Node) -> str:
    copied = [n for n in walk(local) if n.op.name != "broadcast" or n.shape != n.inputs[0].shape]
    seen = dict.fromkeys(n.op.name for n in copied if n.op.name in _ENTRY_OF)
    return "; ".join(_ENTRY_OF[name] for name in seen) or "entry by entry"


def _has(x: Expr, kind: type) -> bool:
    return any(isinstance(f, kind) for t in x for f, _ in t.factors)


def _only(pairs: tuple[tuple[str, str | Label], ...]) -> str:
    """Which summand is left."""
    shown = [f"{a} = {b if isinstance(b, str) else 'the label'}" for a, b in pairs]
    return f"only the summand with {' and '.join(shown)} survives" if shown else ""


def _by_name(used: tuple[Applied, ...]) -> str:
    return "; ".join(dict.fromkeys(a.law.equation for a in used if "broadcast" not in a.law.ops))


def _law(a: Applied) -> str:
    return f"{a.law.equation} ({a.law.condition})" if a.law.condition else a.law.equation


def _without_scale(matrix: Node) -> tuple[Formula | None, Node]:
    if matrix.op.name == "multiply" and matrix.inputs[0].is_constant:
        c = matrix.inputs[0]
        return constant_formula(constant(c.get("value"), powers=c.get("powers"))), matrix.inputs[1]
    return None, matrix


def _as_fraction(found: Proof) -> Expr:
    """e^(z_k) / Σ_u e^(z_u) where the laws know it to be the expression."""
    local = found.local
    if local.op.name != "exp" or local.inputs[0].op.name != "subtract":
        return ()
    z = local.inputs[0].inputs[0]
    e = exp(z)
    if simplify(e / broadcast_to(total(e, axis=0), z.shape)) is not simplify(local):
        return ()
    writer = Writer(found.indices)
    return times(writer.entry(e, *found.out), power(writer.entry(total(e, axis=0), None, found.out[1]), -1))
