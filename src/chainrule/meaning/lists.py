"""Matrices written by their entries, with … where the entries go on in the same way."""

from __future__ import annotations

import numpy as np

from ..notation.formula import Array as Entries
from ..notation.formula import Dots, Formula, Number, Symbol
from ..notation.write import exact
from .context import Context
from .values import NoValueError, Value, difference, misfit, spread, undefined

_ROW, _COLUMN = Symbol("·row"), Symbol("·column")


def is_list(part: Formula) -> bool:
    """`[a, b, c]`, which says nothing of rows and columns."""
    return isinstance(part, Entries) and part.columns == len(part.entries)


def unreadable(message: str) -> NoValueError:
    return NoValueError("unreadable", message)


def entries_value(c: Context, part: Entries) -> Value:
    """The matrix of an array of entries or blocks."""
    columns = 1 if _is_list_of_lists(part) else part.columns
    rows = [part.entries[i : i + columns] for i in range(0, len(part.entries), columns)]
    if not rows:
        raise unreadable("a matrix without entries")
    if not any(isinstance(x, Dots) for x in part.entries):
        return _joined([_joined([c.eval(x) for x in row], -1) for row in rows], -2)
    return _going_on(c, rows)


STACKS = {"hstack": -1, "vstack": -2}  # side by side, below each other


def stacked(c: Context, name: str, arguments: tuple[Formula, ...]) -> Value:
    """`hstack(1, X)`, `vstack(b, W)`: blocks in one matrix, where a number is a column or row of it."""
    axis = STACKS[name]
    blocks = [c.eval(x) for x in arguments]
    other = -3 - axis
    longest = max(b.shape[other] for b in blocks)
    return _joined([_filled(b, longest, other) if b.is_scalar else b for b in blocks], axis)


def _filled(number: Value, length: int, axis: int) -> Value:
    shape = (length, 1) if axis == -2 else (1, length)
    return Value(np.broadcast_to(number.array, (*number.array.shape[:-2], *shape)), number.labels)


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


def _is_list_of_lists(part: Entries) -> bool:
    """`[[a, …, b], …, [c, …, d]]`: the inner lists are rows."""
    inner = [x for x in part.entries if not isinstance(x, Dots)]
    return is_list(part) and len(inner) > 1 and all(isinstance(x, Entries) and is_list(x) for x in inner)


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
    ways = [x for x, going in ((_COLUMN, across), (_ROW, down)) if going]
    for index in ways:
        _goes_on(c, value, index, ways, first if index is _COLUMN else tuple(row[0] for row in rows))
    for index, axis, end in ((_COLUMN, -1, first[-1] if across else None), (_ROW, -2, last[0] if down else None)):
        if end is None:
            continue
        c.scope.pop(index.name, None)
        if index.name not in value.labels:
            raise unreadable("a list whose entries do not go on with an index")
        _ends(c, corner, end, value.length(index.name))
        value = _laid(value, index.name, axis)
    return value


def _goes_on(c: Context, value: Value, index: Symbol, ways: list[Symbol], entries: tuple[Formula, ...]) -> None:
    """[a_1, b_2, …, a_n] does not go on as it began: the written entries beside the dots are those of the index."""
    if not {x.name for x in ways} <= set(value.labels):
        return
    count, dots = value.length(index.name), [i for i, x in enumerate(entries) if isinstance(x, Dots)]
    if not dots:
        return
    places = [(i, x) for i, x in enumerate(entries) if 0 < i < dots[0]]  # between two dots it may be any of them
    places += [(count - len(entries) + i, x) for i, x in enumerate(entries) if dots[-1] < i < len(entries) - 1]
    for place, entry in places:
        if not 0 < place < count:
            continue
        wanted = value
        for label in (x.name for x in ways):
            there = np.moveaxis(wanted.array, wanted.labels.index(label), 0)[place if label == index.name else 0]
            wanted = Value(there, wanted.without(label))
        written = c.eval(entry)
        if written.shape != wanted.shape or difference(written, wanted) > _SAME:
            raise NoValueError("different", f"{exact(entry)} is not how it goes on", entry)


_SAME = 1e-8


def _ends(c: Context, first: Formula, last: Formula, count: int) -> None:
    """The last index of `b_1, …, b_{n_l}` is the number of entries; of a written number, 10, nothing is asked."""
    for path in _differences(first, last, ()):
        begin, end = first.at(path), last.at(path)
        if isinstance(end, Symbol) and end.name == "n" and end.layer is not None and not c.model.structure.is_network:
            raise undefined("the width of a layer, without a network")
        number = None if isinstance(end, Number) or (c.one and end in _SAMPLES) else c.whole(end)
        if isinstance(begin, Number) and number is not None and number != begin.value + count - 1:
            raise misfit(f"a list that ends at {number}, of {c.model.size_name(count)} entries")


_SAMPLES = (Symbol("m"), Symbol("N"))


def going_on_sum(c: Context, terms: tuple[Formula, ...]) -> Value:
    """The sum from a first to a last term that differ in an index; those written between are as the index has them."""
    first, last = terms[0], terms[-1]
    value = c.eval(_generalized(first, first, last, _ROW))
    _goes_on(c, value, _ROW, [_ROW], terms)
    c.scope.pop(_ROW.name, None)
    if _ROW.name not in value.labels:
        raise unreadable("a sum whose terms do not go on with an index")
    _ends(c, first, last, value.length(_ROW.name))
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
    if not isinstance(a, Symbol) and a.rebuilt(b.children) != b:
        raise NoValueError("different", f"{exact(b)} is not how it goes on", b)  # + for -, f' for f
    return [
        p for i, (x, y) in enumerate(zip(a.children, b.children, strict=True)) for p in _differences(x, y, (*path, i))
    ]
