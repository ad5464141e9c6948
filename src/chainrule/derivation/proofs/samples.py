"""From one training sample to m: dW = 1/m dZ Aᵀ from dW_ij = dz_i a_j, and the multivariate chain rule behind it.

The result for one sample is lifted: what is a column of one sample becomes entry k of a row of the matrix of all
samples, the mean over k is written out, and the matrix form is read back (first source, (1) to (2)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import DerivationError
from ...graph import SCALAR, Node, constant, substitute, variable
from ...graph.shape import show
from ...laws import simplify
from ...notation.formula import ONE, Binary, Bound, Equation, Formula, Partial, Sum, Symbol
from ...notation.from_graph import constant_formula, dimension, formula, symbol
from ...notation.write import text
from ...ops import exp
from ...reverse import derive
from ..document import Line, Section
from ..settings import Stated
from . import indexed
from .indexed import Entry, Expr
from .matrix_form import matrix_form
from .proof import Proof, is_zero
from .proof_lines import MATRIX_OF_ENTRIES, Names, product_line, slope_names
from .written import Letters, place


def lifted(
    one: tuple[Proof, Names], every: tuple[Proof, Names], columns: Mapping[Node, Node], scale: Node | None
) -> Section:
    """The step from one sample to all.

    one, every  the proofs for one sample and for the matrices of all samples (the latter to be met)
    columns     variable of one sample -> matrix whose columns are the samples
    scale       1/m at a parameter; None for what is a column of one sample itself

    Raises `DerivationError` if the lifted result is not the one of the matrices, which would be a defect.
    """
    return _Lift(one, every, columns, scale).section()


class _Lift:
    def __init__(
        self, one: tuple[Proof, Names], every: tuple[Proof, Names], columns: Mapping[Node, Node], scale: Node | None
    ) -> None:
        self.proof, self.names = one
        self.every, self.big = every
        self.columns, self.scale = columns, scale
        self.indices = self.proof.indices
        used = {x for t in self.proof.result for f, _ in t.factors for x in (*indexed.letters_of(f), *t.bound)}
        self.k = letter = next(x for x in ("k", "j", *indexed.LETTERS) if x not in used | set(self.proof.place))
        self.indices.extent[letter] = next(iter(columns.values())).shape.cols
        of_sample: dict[Node, Formula] = {x: replace(symbol(x.name), sample=Symbol(letter)) for x in columns}
        if isinstance(self.names.out, Symbol):
            of_sample[self.proof.local] = replace(self.names.out, sample=Symbol(letter))
        self.letters = Letters(of_sample)
        self.plain = Letters({self.every.local: self.big.out})

    def raised(self, x: Expr) -> Expr:
        """Columns of one sample as entries of the matrices: dz_i of sample k is dZ_ik."""
        found = []
        for t in x:
            factors = tuple((self._raised(f), e) for f, e in t.factors)
            found.append(replace(t, factors=factors))
        return tuple(found)

    def _raised(self, f: indexed.Factor) -> indexed.Factor:
        if isinstance(f, Entry) and f.node in self.columns:
            return Entry(self.columns[f.node], f.row, self.k)
        if isinstance(f, indexed.Unknown) and f.argument in self.columns:
            output = self.columns.get(f.output, self.every.local)
            return replace(f, output=output, argument=self.columns[f.argument], col=self.k)
        if isinstance(f, indexed.Function):
            return replace(f, arguments=tuple(self.raised(x) for x in f.arguments))
        return indexed.Bracket(self.raised(f.inside)) if isinstance(f, indexed.Bracket) else f

    def section(self) -> Section:
        return self.parameter() if self.scale is not None else self.column()

    def met(self, x: Expr, row: str | None, col: str | None) -> Node:
        matrix = simplify(matrix_form(x, row, col, self.indices))
        if matrix is not self.every.matrix and not is_zero(matrix - self.every.matrix):
            raise DerivationError(f"the columns give {matrix}, the matrices {self.every.matrix}; please report this")
        return matrix

    def parameter(self) -> Section:
        """The mean over the samples of what one sample gives."""
        p, scale = self.proof, self.scale
        assert scale is not None
        m = self.indices.extent[self.k]
        front = constant_formula(scale)
        target = place(self.big.target, p.target, *p.place)
        d_target = place(self.big.d_target, p.target, *p.place)
        of_k = replace(Symbol("L"), sample=Symbol(self.k))
        bound = (Bound(Symbol(self.k), ONE, dimension(m)),)

        def mean(body: Formula) -> Formula:
            return Binary("·", front, Sum(body, bound))

        single = self.letters.formula(p.result)
        lifted = indexed.summed(self.raised(p.result), {self.k: m})
        whole = indexed.times(indexed.number(scale.get("value"), scale.get("powers")), lifted)
        matrix = self.met(whole, *p.place)
        lines = [
            _line([Symbol("J"), mean(of_k)], "definition", "the cost is the mean of the losses of the samples"),
            _line(
                [d_target, Partial(Symbol("J"), target), mean(Partial(of_k, target))],
                "linearity",
                "the derivative of a sum is the sum of the derivatives",
            ),
            _line([d_target, mean(single)], "one sample", "the result for one sample, for each of them"),
            _line([d_target, self.plain.formula(whole)], "columns are samples", self._columns()),
            *product_line(matrix, self.plain.formula(whole), {}, p.place, _inner(whole)),
            Line(
                _equation([self.big.d_target, mean(formula(p.matrix, self.letters.names)), formula(matrix)]),
                "matrix form",
                MATRIX_OF_ENTRIES,
                self._shape(),
            ),
        ]
        return Section(f"{_title(self.big)}: from one sample to all", "samples", "", tuple(lines))

    def column(self) -> Section:
        """What one sample gives, side by side for all samples."""
        p = self.proof
        result = self.raised(p.result)
        matrix = self.met(result, p.place[0], self.k)
        small = replace(symbol(f"d{p.target.name}"), sample=Symbol(self.k))
        left = place(small, p.target, *p.place)
        entry = place(self.big.d_target, self.every.target, p.place[0], self.k)
        named = {self.every.local: self.big.out, **slope_names(self.every, self.plain)}
        lines = [
            _line([left, self.letters.formula(p.result)], "one sample", "the result for one sample, for each of them"),
            _line([entry, self.plain.formula(result)], "columns are samples", self._columns()),
            *product_line(matrix, self.plain.formula(result), named, (p.place[0], self.k), _inner(result)),
            Line(
                _equation([self.big.d_target, formula(matrix, named)]),
                "matrix form",
                "the columns side by side",
                self._shape(),
            ),
        ]
        return Section(f"{_title(self.big)}: from one sample to all", "samples", "", tuple(lines))

    def _columns(self) -> str:
        return f"column {self.k} of a matrix belongs to sample {self.k}"

    def _shape(self) -> tuple[str, str]:
        return show(self.every.target.shape.rows), show(self.every.target.shape.cols)


def _inner(x: Expr) -> str | None:
    """The letter of the matrix product."""
    return next((t.bound[0] for t in x if t.bound), None)


def _title(names: Names) -> str:
    return text(names.d_target)


def _equation(sides: list[Formula]) -> Equation:
    return Equation(tuple(sides), ("=",) * (len(sides) - 1))


def _line(sides: list[Formula], rule: str, why: str) -> Line:
    return Line(_equation(sides), rule, why)


def multivariate_chain_rule() -> Section:
    """df/dt = ∂f/∂u du/dt + ∂f/∂v dv/dt (fourth source, equation 2) on f = u v, and directly: both meet."""
    t, u, v = (variable(x, 1, 1) for x in "tuv")
    f = u * v
    inner = {u: t**2, v: exp(t)}
    paths = [(x, derive(f, [x]).of(x), derive(g, [t]).of(t)) for x, g in inner.items()]
    by_rule = _added([a * b for _, a, b in paths])
    direct_expression = substitute(f, inner)
    direct = derive(direct_expression, [t]).of(t)
    if not is_zero(substitute(by_rule, inner) - direct):
        raise DerivationError("the multivariate chain rule and the direct derivative differ; please report this")
    name, by = Symbol("f"), Symbol("t")
    terms = [Binary("·", Partial(name, symbol(x.name)), Partial(symbol(x.name), by)) for x in inner]
    rule: Formula = terms[0]
    for x in terms[1:]:
        rule = Binary("+", rule, x)
    lines = [Line(Equation((symbol(x.name), formula(g)), (":=",)), "definition") for x, g in inner.items()]
    lines += [
        Line(Equation((name, formula(f)), (":=",)), "definition", "f depends on t through u and v"),
        _line(
            [Partial(name, by), rule], "multivariate chain rule", "every way from t to f contributes, and they add up"
        ),
        _line([Partial(name, by), formula(by_rule)], "inserted", "the four derivatives"),
        _line(
            [Partial(name, by), formula(direct)],
            "directly",
            "u and v replaced by what they are, then differentiated: the same",
        ),
    ]
    prose = (
        "If f depends on t through x_1, …, x_n, then df/dt = Σ_i ∂f/∂x_i · dx_i/dt: the dot product of the derivatives "
        "of f by x and of x by t. With several t_j this holds for each of them."
    )
    return Section("multivariate chain rule", "proof", prose, tuple(lines), setting=Stated())


def _added(parts: list[Node]) -> Node:
    whole = constant(0, SCALAR)
    for x in parts:
        whole = whole + x
    return simplify(whole)
