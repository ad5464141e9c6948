"""Notation styles: how the library's names are written, and the letters with which a reader reads them back.

A style changes the tree of a formula, never the printed text: `dW[l]` becomes ∂C/∂W, `A[l]` becomes z_{l+1}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .formula import Binary, Formula, Index, Number, Partial, Symbol
from .letters import FUNCTIONS, Letters

Notation = Literal["ng", "delta", "leibniz", "components"]
NOTATIONS: tuple[Notation, ...] = ("ng", "delta", "leibniz", "components")

# The second source's letters: z_i goes into layer i (z_1 is the input), a_i = W_i z_i + b_i, z_{i+1} = f_i(a_i).
_DELTA: Mapping[str, tuple[str, int]] = {
    "a": ("z", 1),
    "z": ("a", 0),
    "da": ("delta", 1),
    "dz": ("epsilon", 0),
    "g": ("f", 0),
}
_DELTA_READ = {
    "z_i": "a[i-1]",
    "a_i": "z[i]",
    "delta_i": "da[i-1]",
    "epsilon_i": "dz[i]",
    "f_i": "g[i]",
    "W_i": "W[i]",
    "b_i": "b[i]",
    "dW_i": "dW[i]",
    "db_i": "db[i]",
}
_LABELS = frozenset({"pick", "scatter_add", "uniform"})  # functions of labels and chance, which few texts have
_READ_AS_FUNCTIONS = (FUNCTIONS | _LABELS) - {"h"}  # the activations of one sample after dropout are h
_PARAMETERS = ("dW", "db", "dgamma", "dbeta", "dV", "dE")


@dataclass(frozen=True)
class Style:
    """How formulas are written.

    notation  "ng"          dZ^{[l]}, `*` entry by entry, as in the first and third source
              "delta"       the second source: ε for dz, δ for da, z activations, a the sums before them, ∘ and ⊗
              "leibniz"     the fourth source: ∂C/∂W^{(l)}, layers in parentheses
              "components"  ∂C/∂W_{ij}^{[l]}, entries with indices
    place     where 1/m stands; with "dZ" the derivatives by Z and A are those of the cost C, else of the loss L
    plain     text in ASCII as NumPy has it (`@`, `*`, `.T`) instead of Unicode
    """

    notation: Notation = "ng"
    place: Literal["parameters", "dZ"] = "parameters"
    plain: bool = False

    @property
    def letters(self) -> Letters:
        """What a reader has to know to read this style back into the library's names."""
        if self.notation == "delta":
            return Letters("subscript", "superscript", _DELTA_READ, functions=_READ_AS_FUNCTIONS)
        return Letters("parentheses" if self.notation == "leibniz" else "brackets", functions=_READ_AS_FUNCTIONS)

    @property
    def layer(self) -> Literal["brackets", "parentheses", "subscript", "superscript"]:
        """Where LaTeX puts the layer."""
        return self.letters.layer

    @property
    def product(self) -> str:
        """The LaTeX sign of the product entry by entry."""
        return {"ng": "*", "delta": r"\circ", "leibniz": r"\odot", "components": "*"}[self.notation]

    def shown(self, formula: Formula) -> Formula:
        """The formula in this style's names; the library's own names are those of "ng"."""
        change = self._changes()
        return formula if change is None else change(formula)

    def _changes(self) -> Callable[[Formula], Formula] | None:
        if self.notation == "delta":
            return lambda f: f.mapped(_delta)
        if self.notation in ("leibniz", "components"):
            return self._leibniz
        return None

    def _leibniz(self, formula: Formula) -> Formula:
        """Every dX becomes ∂C/∂X (∂L/∂X where the derivative is one of the loss of a sample)."""
        if isinstance(formula, Index) and _differential(formula.base) is not None:
            base = _differential(formula.base)
            assert base is not None
            assert isinstance(formula.base, Symbol)
            return Partial(self._above(formula.base), Index(base, formula.entries))
        if isinstance(formula, Symbol):
            base = _differential(formula)
            if formula == Symbol("J"):
                return Symbol("C")
            return formula if base is None else Partial(self._above(formula), base)
        if isinstance(formula, Partial):
            return formula
        return formula.rebuilt(tuple(self._leibniz(x) for x in formula.children)) if formula.children else formula

    def _above(self, name: Symbol) -> Symbol:
        per_sample = self.place == "parameters" and name.name not in _PARAMETERS
        return Symbol("L" if per_sample else "C")


def _differential(formula: Formula) -> Symbol | None:
    """X of a symbol dX."""
    if isinstance(formula, Symbol) and formula.name.startswith("d") and len(formula.name) > 1:
        rest = formula.name[1:]
        if len(rest) == 1 or rest in ("Yhat", "yhat", "Xhat", "gamma", "beta", "mu"):
            return Symbol(rest, formula.layer, formula.sample)
    return None


def _delta(part: Formula) -> Formula:
    if not isinstance(part, Symbol) or part.name not in _DELTA or part.layer is None:
        return part
    name, shift = _DELTA[part.name]
    return Symbol(name, shifted(part.layer, shift), part.sample, part.prime)


def shifted(layer: Formula, by: int) -> Formula:
    """`l - 1` shifted by 1 is `l`."""
    base, offset = layer, 0
    while isinstance(base, Binary) and base.sign in "+-" and isinstance(base.right, Number):
        offset += int(base.right.value) * (1 if base.sign == "+" else -1)
        base = base.left
    offset += by
    if isinstance(base, Number):
        return Number(base.value + offset)
    if offset == 0:
        return base
    return Binary("+" if offset > 0 else "-", base, Number(Fraction(abs(offset))))
