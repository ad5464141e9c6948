"""Components: `w[j]` beside `x[j]`, where a bracket is else a layer; the entries of a displayed matrix."""

from __future__ import annotations

from dataclasses import replace

from .formula import Array, Equation, Formula, Index, Symbol, Transpose

_DATA = frozenset({"x", "y", "yhat"})  # of no layer, so that what stands in their brackets counts components


def with_counted_components(formula: Formula) -> Formula:
    """`dL/dw[j] = (a - y) x[j]` with the component j of w, where the same letter counts those of the data."""
    counted = {
        entry
        for part in formula.parts
        if isinstance(part, Index) and isinstance(part.base, Symbol) and part.base.name in _DATA
        for entry in part.entries
        if isinstance(entry, Symbol) and entry.name not in ("l", "L")
    }
    if not counted:
        return formula

    def change(part: Formula) -> Formula:
        if isinstance(part, Symbol) and part.layer in counted:
            return Index(replace(part, layer=None), (part.layer,))
        return part

    return formula.mapped(change)


def with_entries_of(formula: Formula) -> Formula:
    """`W[l] = (w_11 …)`, `z[l] = (z_1, …)ᵀ`: the entries of a displayed matrix are of its layer."""
    if not isinstance(formula, Equation):
        return formula
    whole = [x for x in formula.sides if isinstance(x, Symbol) and x.layer is not None]
    if len(whole) != 1 or len(formula.sides) != 2:
        return formula
    names = {whole[0].name, whole[0].name.lower()}

    def change(part: Formula) -> Formula:
        base = part.base if isinstance(part, Index) else None
        if not isinstance(part, Index) or not isinstance(base, Symbol) or base.layer is not None:
            return part
        return replace(part, base=replace(base, layer=whole[0].layer)) if base.name in names else part

    def shown(side: Formula) -> bool:
        return isinstance(side.operand if isinstance(side, Transpose) else side, Array)

    return replace(formula, sides=tuple(x.mapped(change) if shown(x) else x for x in formula.sides))
