"""Matrices written by their entries, with … where the entries go on in the same way."""

from __future__ import annotations

import numpy as np

from ..notation.formula import Array as Entries
from ..notation.formula import Dots, Formula, Number, Symbol
from .context import Context
from .values import NoValueError, Value, misfit, spread

_ROW, _COLUMN = Symbol("·row"), Symbol("·column")


def is_list(part: Formula) -> bool:
    """`[a, b, c]`, which says nothing of rows and columns."""
    return isinstance(part, Entries) and part.columns == len(part.entries)


def unreadable(message: str) -> NoValueError:
    return NoValueError("unreadable", message)


def entries_value(c: Context, part: Entries) -> Value:
    """The matrix of an array of entries or blocks."""
    columns = part.columns
    rows = [part.entries[i : i + columns] for i in range(0, len(part.entries), columns)]
    if not rows:
        raise unreadable("a matrix without entries")
    if not any(isinstance(x, Dots) for x in part.entries):
        return _joined([_joined([c.eval(x) for x in row], -1) for row in rows], -2)
    return _going_on(c, rows)


def _joined(blocks: list[Value], axis: int) -> Value:
    if len(blocks) == 1:
        return blocks[0]
    if any(b.unit for b in blocks):
        raise unreadable("I as a block of a matrix, whose size is not known")
    other = -3 - axis
    widths = {b.shape[other] for b in blocks}
    if len(widths) > 1:
        sizes = " and ".join(str(n) for n in sorted(widths))
        raise misfit(f"blocks of {sizes} {'rows' if other == -2 else 'columns'} side by side")
    union = tuple(dict.fromkeys(x for b in blocks for x in b.labels))
    arrays = [spread(b, union) for b in blocks]
    lead = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    return Value(np.concatenate([np.broadcast_to(a, lead + a.shape[-2:]) for a in arrays], axis=axis), union)


def _going_on(c: Context, rows: list[tuple[Formula, ...]]) -> Value:
    """First and last entry differ in one place: an index that runs over all its values in between."""
    down = any(all(isinstance(x, Dots) for x in row) for row in rows) or len(rows[0]) == 1
    across = len(rows[0]) > 1 and any(isinstance(x, Dots) for x in rows[0])
    first, last = rows[0], rows[-1]
    corner = first[0]
    general = corner
    if any(isinstance(x, Dots) for x in (corner, first[-1], last[0])):
        raise unreadable("a list that begins or ends with dots")
    if across:
        general = _generalized(general, corner, first[-1], _COLUMN)
    if down:
        general = _generalized(general, corner, last[0], _ROW)
    value = c.eval(general)
    for index, axis, wanted in ((_COLUMN, -1, across), (_ROW, -2, down)):
        if not wanted:
            continue
        c.scope.pop(index.name, None)
        if index.name not in value.labels:
            raise unreadable("a list whose entries do not go on with an index")
        value = _laid(value, index.name, axis)
    return value


def going_on_sum(c: Context, first: Formula, last: Formula) -> Value:
    """The sum from a first to a last term that differ in an index."""
    value = c.eval(_generalized(first, first, last, _ROW))
    c.scope.pop(_ROW.name, None)
    if _ROW.name not in value.labels:
        raise unreadable("a sum whose terms do not go on with an index")
    return Value(value.last(_ROW.name).sum(axis=-1), value.without(_ROW.name))


def _laid(v: Value, label: str, axis: int) -> Value:
    """A label becomes rows or columns, block after block."""
    array = np.moveaxis(v.array, v.labels.index(label), axis - 1)
    shape = list(array.shape)
    joined = [*shape[: axis - 1], shape[axis - 1] * shape[axis], *shape[len(shape) + axis + 1 :]]
    return Value(array.reshape(joined), v.without(label))


def _generalized(general: Formula, first: Formula, last: Formula, index: Symbol) -> Formula:
    places = _differences(first, last, ())
    if not places:
        raise unreadable("a list whose first and last entry are the same")
    for path in places:
        general = general.replaced(path, index)
    return general


def _differences(a: Formula, b: Formula, path: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Where a first entry has a number and a last one something else."""
    if a == b:
        return []
    if isinstance(a, Number):
        return [path]
    if isinstance(a, Symbol) and isinstance(b, Symbol) and a.name != b.name:
        raise unreadable(f"a list from {a.name} to {b.name}, two letters")
    if type(a) is not type(b) or len(a.children) != len(b.children) or not a.children:
        raise unreadable("a list whose first and last entry have different forms")
    return [
        p for i, (x, y) in enumerate(zip(a.children, b.children, strict=True)) for p in _differences(x, y, (*path, i))
    ]
