"""Numbers in brackets that count components: `w[j]` beside `x[j]`, where a letter's bracket is else its layer."""

from __future__ import annotations

from dataclasses import replace

from .formula import Formula, Index, Symbol

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
