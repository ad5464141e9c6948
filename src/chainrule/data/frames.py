"""Tables that are in memory already: data frames and mappings of columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table
from chainrule.data.dates import READ, level_days


def is_frame(data: object) -> bool:
    """A DataFrame of pandas or polars, or a mapping from names to columns; nothing is imported to find out."""
    return isinstance(data, Mapping) or (hasattr(data, "columns") and hasattr(data, "__getitem__"))


def from_frame(
    data: Any, name: str = "table", needed: Collection[str] | None = None, categories: Collection[str] = ()
) -> Table:
    """A table of the columns of a frame, those of other names than `needed` (None: all) left out, and noted.

    Texts that are all dates are read as dates, as in a file, unless the column is one of `categories`.

    Raises:
        DataError: a column that is neither numbers nor booleans, texts or dates; columns of different length.

    >>> from_frame({"x": [1, 2], "note": [[], {}]}, needed=["x"]).notes
    ["columns that training did not have are ignored: 'note'"]
    """
    names = list(data) if isinstance(data, Mapping) else [str(name) for name in data.columns]
    wanted = [n for n in names if needed is None or n in needed]
    extra = [n for n in names if n not in wanted]
    columns = {}
    for title in wanted or names:
        cells = data[title]
        columns[title] = cells.to_numpy() if hasattr(cells, "to_numpy") else cells
    read = Table.from_columns(columns, name)
    table = Table(name, tuple(c if c.name in categories else _dated(c, read.notes) for c in read), read.notes)
    if extra and wanted:
        table.notes.append(f"columns that training did not have are ignored: {', '.join(map(repr, extra))}")
    return table


def _dated(column: Column, notes: list[str]) -> Column:
    """The column with its texts as dates, if they all are."""
    days = level_days(column.levels) if column.kind == "category" else None
    if days is None:
        return column
    notes.append(f"column {column.name!r} holds dates, read as {READ}")
    return Column(column.name, "numeric", np.append(days, np.nan)[column.values], dates=True)
