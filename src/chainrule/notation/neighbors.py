"""`A_prev`, `W_next`: quantities of the layers beside one whose number is not written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .formula import ONE, Binary, Call, Equation, Formula, Index, Number, Partial, Symbol, Transpose, symbols

_LAYERED = frozenset({"W", "b", "Z", "A", "dW", "db", "dZ", "dA", "z", "a", "dz", "da", "delta", "g", "n"})
_BESIDE = {"prev": "-", "previous": "-", "next": "+"}
_HERE, _LAST = Symbol("l"), Symbol("L")
_ERRORS = frozenset({"delta", "dz", "dZ"})
_COSTS = (Symbol("C"), Symbol("L"), Symbol("J"), Symbol("E"))


def with_neighbors(formula: Formula) -> Formula:
    """`dA_prev = W.T dZ` as dA[l-1] = W[l].T dZ[l]; formulas with layers or without such names as they are."""
    if any(s.layer is not None for s in symbols(formula)):
        return _of_output(formula)
    moved = formula.mapped(_moved)
    return formula if moved == formula else moved.mapped(_here)


def _of_output(formula: Formula) -> Formula:
    """`delta[L] = ∇_a C ∘ g'(z[L])` with a[L], of the layer that the left side names."""
    left = formula.sides[0] if isinstance(formula, Equation) else formula
    if not isinstance(left, Symbol) or left.layer != _LAST or left.name not in _ERRORS:
        return formula

    def change(part: Formula) -> Formula:
        by = part.denominator if isinstance(part, Partial) else part
        if not isinstance(part, Partial) or by not in (Symbol("a"), Symbol("A")) or part.numerator not in _COSTS:
            return part
        return replace(part, denominator=Symbol(by.name, _LAST)) if isinstance(by, Symbol) else part

    return formula.mapped(change)


def _moved(part: Formula) -> Formula:
    """A_prev and A_{prev} as A[l-1]."""
    letter, said = part, ""
    if isinstance(part, Index) and len(part.entries) == 1 and isinstance(part.entries[0], Symbol):
        letter, said = part.base, part.entries[0].name
    elif isinstance(part, Symbol):
        stem, _, said = part.name.partition("_")
        letter = replace(part, name=stem)
    if not isinstance(letter, Symbol) or said not in _BESIDE or letter.name not in _LAYERED:
        return part
    return replace(letter, layer=Binary(_BESIDE[said], _HERE, ONE))


def _here(part: Formula) -> Formula:
    plain = isinstance(part, Symbol) and part.layer is None and part.name in _LAYERED
    return replace(part, layer=_HERE) if plain and isinstance(part, Symbol) else part


def with_layered_inputs(formula: Formula) -> Formula:
    """`W[l] x[l-1]`, `δ[l] x[l-1]ᵀ` with a for x, what a layer takes in; not where x[l] is an argument of g."""
    inputs = {x: _INPUTS[x.name] for x in formula.parts if isinstance(x, Symbol) and x.layer and x.name in _INPUTS}
    if not inputs or any(isinstance(x, Call) and not inputs.keys().isdisjoint(x.arguments) for x in formula.parts):
        return formula
    if not any(_takes_in(x, inputs) for x in formula.parts if isinstance(x, Binary) and x.sign in " @·*⊗"):
        return formula
    return formula.mapped(lambda x: replace(x, name=inputs[x]) if isinstance(x, Symbol) and x in inputs else x)


_INPUTS = {"x": "a", "X": "A"}


def _takes_in(product: Binary, inputs: Mapping[Symbol, str]) -> bool:
    left, right = product.left, product.right
    while isinstance(left, Binary):
        left = left.right
    left, right = (x.operand if isinstance(x, Transpose) else x for x in (left, right))
    left, right = (x.base if isinstance(x, Index) else x for x in (left, right))
    if not isinstance(left, Symbol) or left.layer is None or right not in inputs or not isinstance(right, Symbol):
        return False
    here, before = left.layer, right.layer
    one_less = isinstance(here, Number) and isinstance(before, Number) and here.value == before.value + 1
    return one_less or before == Binary("-", here, ONE) or here == Binary("+", before or ONE, ONE)
