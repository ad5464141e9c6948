"""A table in memory: typed columns of equal length, as NumPy arrays. No file format is known here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import numpy as np

from chainrule.data.dataset import Array
from chainrule.errors import DataError, counted, unknown_name

Kind = Literal["numeric", "boolean", "category"]
EXAMPLE_DATE = "2024-01-31"  # for messages
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: its name in the header.
        kind: "numeric", "boolean" or "category" (text).
        values: (n_rows,), float64 with NaN for missing (boolean: 0, 1, NaN); in a category int32 codes into `levels`,
            -1 for missing.
        levels: the texts of a category, sorted; empty for other kinds.
        dates: a numeric column that counts the days since 1970-01-01.
    """

    name: str
    kind: Kind
    values: Array
    levels: tuple[str, ...] = ()
    dates: bool = False

    @property
    def missing(self) -> Array:
        """(n_rows,) bool: which cells are missing."""
        return self.values < 0 if self.kind == "category" else np.isnan(self.values)

    @property
    def n_missing(self) -> int:
        return int(np.count_nonzero(self.missing))

    def to_numpy(self) -> Array:
        """Cells as numbers (numeric), or as objects: True, False, text, and None where missing."""
        if self.kind == "numeric":
            return self.values
        if self.kind == "boolean":
            lookup = np.array([False, True, None], dtype=object)
            return lookup[np.where(self.missing, 2, self.values).astype(np.intp)]
        lookup = np.empty(len(self.levels) + 1, dtype=object)
        lookup[:-1] = self.levels
        return lookup[self.values]

    def texts(self) -> tuple[Array, tuple[str, ...]]:
        """Codes (-1 missing) and the texts that they stand for, whatever the kind: 3.0 reads "3", true "True"."""
        if self.kind == "category":
            return self.values, self.levels
        present = ~self.missing
        distinct, inverse = np.unique(self.values[present], return_inverse=True)
        codes = np.full(len(self.values), -1, dtype=np.int32)
        codes[present] = inverse
        if self.kind == "boolean":
            return codes, tuple(str(bool(v)) for v in distinct)
        return codes, tuple(number_text(float(v)) for v in distinct)

    def as_category(self) -> Column:
        """The same cells as texts."""
        codes, texts = self.texts()
        order = np.argsort(np.array(texts, dtype=object)) if texts else np.empty(0, np.intp)
        place = np.append(np.argsort(order), -1).astype(np.int32)
        return Column(self.name, "category", place[codes], tuple(texts[k] for k in order))

    def take(self, rows: Array) -> Column:
        return Column(self.name, self.kind, self.values[rows], self.levels, self.dates)


@dataclass(frozen=True)
class Table:
    """Columns in the order of the file.

    Attributes:
        name: what messages call it.
        columns: all of the same length, with distinct names.
        notes: what was detected while reading, one sentence each.
    """

    name: str
    columns: tuple[Column, ...]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.columns or not len(self.columns[0].values):
            raise DataError(f"table {self.name!r} has no {'rows' if self.columns else 'columns'}: give some data.")
        check_names(self.names, f"table {self.name!r}")
        first = self.columns[0]
        for column in self.columns:
            if len(column.values) != len(first.values):
                raise DataError(
                    f"table {self.name!r} has {len(first.values)} rows in column {first.name!r} but "
                    f"{len(column.values)} in column {column.name!r}: give columns of equal length."
                )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def n_rows(self) -> int:
        return len(self.columns[0].values)

    @property
    def missing(self) -> dict[str, int]:
        """Missing cells per column."""
        return {column.name: column.n_missing for column in self.columns}

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown_name(f"column of {self.name!r}", name, self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return self.n_rows

    def take(self, rows: Sequence[int] | Array) -> Table:
        """The table of these rows (indices from 0)."""
        chosen = np.asarray(rows, dtype=np.intp)
        return Table(self.name, tuple(column.take(chosen) for column in self.columns), list(self.notes))

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any], name: str = "table") -> Table:
        """Build a table from `{name: sequence}`: numbers, booleans, texts or dates; None and NaN are missing.

        Raises:
            DataError: a column mixes texts and numbers, is not one-dimensional, or holds an infinity.

        >>> Table.from_columns({"x": [1.5, None], "color": ["red", "blue"]}).missing
        {'x': 1, 'color': 0}
        """
        made = tuple(_column(key, values) for key, values in columns.items())
        check_range(made, f"table {name!r}")
        return cls(name, made)


def _column(name: str, values: Any) -> Column:
    cells = np.asarray(values)
    if cells.ndim != 1:
        raise DataError(f"column {name!r} has shape {cells.shape}: give a sequence of cells, one per row.")
    if cells.dtype.kind in "iuf":
        return Column(name, "numeric", cells.astype(np.float64))
    if cells.dtype.kind == "b":
        return Column(name, "boolean", cells.astype(np.float64))
    if cells.dtype.kind == "M":
        return _dates(name, cells)
    objects = np.asarray(values, dtype=object)
    missing = np.array([is_missing(v) for v in objects], dtype=bool)
    present = objects[~missing]
    if len(present) and all(isinstance(v, date) for v in present):
        objects[missing] = None
        return _dates(name, np.array([_in_utc(v) for v in objects], dtype="datetime64[us]"))
    if all(isinstance(v, str) for v in present):
        levels, inverse = np.unique(present.astype(str), return_inverse=True)
        codes = np.full(len(objects), -1, dtype=np.int32)
        codes[~missing] = inverse
        return (
            Column(name, "category", codes, tuple(str(level) for level in levels))
            if len(levels)
            else _empty(name, codes)
        )
    numbers = np.full(len(objects), np.nan)
    for at, value in zip(np.flatnonzero(~missing), present, strict=True):
        if not isinstance(value, (bool, int, float, np.bool_, np.number)):
            raise DataError(
                f"column {name!r}, row {at + 1}: {value!r} is a {type(value).__name__} among other values: "
                "give a column of numbers, of booleans, of texts or of dates."
            )
        numbers[at] = value
    is_boolean = len(present) > 0 and all(isinstance(v, (bool, np.bool_)) for v in present)
    return Column(name, "boolean" if is_boolean else "numeric", numbers)


def is_missing(cell: object) -> bool:
    """None, NaN, NaT, and the NA of pandas, which is equal to nothing and says so in its own way."""
    try:
        return cell is None or bool(cell != cell)
    except (TypeError, ValueError):
        return True


def _in_utc(day: date | None) -> date | None:
    if isinstance(day, datetime) and day.tzinfo is not None:
        return day.astimezone(UTC).replace(tzinfo=None)
    return day


def _dates(name: str, cells: Array) -> Column:
    exact = cells.astype("datetime64[us]")
    values = exact.astype(np.int64) / 86_400e6
    values[np.isnat(exact)] = np.nan
    return Column(name, "numeric", values, dates=True)


def _empty(name: str, codes: Array) -> Column:
    return Column(name, "numeric", np.full(len(codes), np.nan))


def number_text(value: float) -> str:
    """A number as a level of a category: 3.0 reads "3"."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse duplicate column names: DataError with both positions."""
    seen: dict[str, int] = {}
    for at, name in enumerate(names, start=1):
        if name in seen:
            raise DataError(
                f"{where} has two columns named {name!r} (columns {seen[name]} and {at}): "
                "give each column a name of its own."
            )
        seen[name] = at


def check_range(columns: Sequence[Column], where: str, line_of: Callable[[int], int] | None = None) -> None:
    """Refuse infinities and numbers that float32 cannot hold: DataError with count and first five places.

    Args:
        columns: the columns; only numeric ones are looked at.
        where: what the message calls the table.
        line_of: line in the file of a row (from 0), where there is one.
    """
    for what, is_bad in (
        (("infinite number", "infinite numbers"), np.isinf),
        (("number beyond float32", "numbers beyond float32"), lambda v: np.abs(v) > FLOAT32_MAX),
    ):
        places: list[tuple[int, str, float]] = []
        count = 0
        for column in columns:
            if column.kind != "numeric":
                continue
            bad = np.flatnonzero(is_bad(column.values))
            count += len(bad)
            places += [(int(row), column.name, float(column.values[row])) for row in bad[:5]]
        if count:
            listed = "; ".join(
                f"row {row + 1}{f' (line {line_of(row)})' if line_of else ''}, column {name!r}: {value!r}"
                for row, name, value in sorted(places, key=lambda p: p[0])[:5]
            )
            raise DataError(
                f"{where} has {counted(count, *what)}, first at {listed}; "
                f"allowed are finite numbers within float32 (|x| ≤ {FLOAT32_MAX:.4g}): mend these cells, or leave "
                "them empty if missing."
            )
