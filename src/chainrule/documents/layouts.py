"""The layout that a document settles by itself: what it writes rightly as a column is elsewhere no row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import ChainruleError
from ..notation.formula import Formula
from .header import Stretch
from .report import Entry
from .section import Reader

_OFFERED = "numerator layout"
_OF_LAYOUTS = re.compile(r"(numerator|denominator)[ -]layout|Zähler-?layout|Nenner-?layout", re.IGNORECASE)


def settled_layout(
    text: str,
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    again: Callable[[Sequence[Stretch]], Sequence[Entry]],
) -> list[Entry]:
    """The entries, where a second formula of a derivative is not excused by numerator layout if the first is a column.

    Only of the very same derivative: `∂E/∂o = (o - t)ᵀ` beside `∂E/∂W = (o - t) xᵀ`, as many mix them, stays right
    if rows are meant; and not in a text that speaks of layouts.

    numbers  of each entry, that of its stretch
    again    judges the document under other declarations
    """
    offered = [i for i, e in enumerate(entries) if e.judgement is not None and _OFFERED in e.judgement.condition]
    if not offered or _OF_LAYOUTS.search(text):
        return list(entries)
    columns = {(n, _left(e, stretches[n], read)) for e, n in zip(entries, numbers, strict=True) if e.verdict == "right"}
    refused = [
        i
        for i in offered
        if stretches[numbers[i]].readings[0][1].layout is None
        and (left := _left(entries[i], stretches[numbers[i]], read)) is not None
        and (numbers[i], left) in columns
    ]
    if not refused:
        return list(entries)
    judged = again([s.overridden({"layout": "denominator"}) for s in stretches])
    return [judged[i] if i in refused else e for i, e in enumerate(entries)]


def _left(entry: Entry, stretch: Stretch, read: Reader) -> Formula | None:
    try:
        return read(entry.found, stretch.readings[0][1]).sides[0]
    except ChainruleError:
        return None


__all__ = ["settled_layout"]
