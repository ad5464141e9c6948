"""`A_prev`, `W_next`: quantities of the layers beside one whose number is not written."""

from __future__ import annotations

from dataclasses import replace

from .formula import ONE, Binary, Formula, Index, Symbol, symbols

_LAYERED = frozenset({"W", "b", "Z", "A", "dW", "db", "dZ", "dA", "z", "a", "dz", "da", "delta", "g", "n"})
_BESIDE = {"prev": "-", "previous": "-", "next": "+"}
_HERE = Symbol("l")


def with_neighbors(formula: Formula) -> Formula:
    """`dA_prev = W.T dZ` as dA[l-1] = W[l].T dZ[l]; formulas with layers or without such names as they are."""
    if any(s.layer is not None for s in symbols(formula)):
        return formula
    moved = formula.mapped(_moved)
    return formula if moved == formula else moved.mapped(_here)


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
