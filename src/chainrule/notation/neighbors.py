"""`A_prev`, `W_next`: quantities of the layers beside one whose number is not written."""

from __future__ import annotations

from dataclasses import replace

from .formula import ONE, Binary, Equation, Formula, Index, Partial, Symbol, symbols

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
