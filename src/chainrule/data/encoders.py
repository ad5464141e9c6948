"""How one column becomes numbers for a network: fitted on training rows, stored as JSON, applied to any table.

An encoder knows its `name`, the names of the `features` it writes, and `write(column, out, notes)`, which fills the
(n_rows, len(features)) array `out` and notes what it met that training had not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import EXAMPLE_DATE, Column
from chainrule.data.dataset import Array
from chainrule.data.dates import level_days
from chainrule.errors import DataError

MISSING_LEVEL = "(missing)"


def column_numbers(column: Column, *, dates: bool = False) -> Array:
    """The values of a numeric or boolean column (NaN missing); with `dates`, of a column of dates.

    Raises:
        DataError: it holds text, named with its row; or dates where there were numbers, or numbers where there were
            dates.
    """
    what = "dates" if dates else "numbers"
    example = f"a date such as {EXAMPLE_DATE}" if dates else "a number"
    if column.kind != "category":
        if column.dates != dates and not column.missing.all():
            found = "dates" if column.dates else "numbers"
            row = int(np.argmin(column.missing))
            raise DataError(
                f"column {column.name!r}, row {row + 1}: it holds {found} where training had {what}; give {example} in "
                "each row, or leave the cell empty if it is missing."
            )
        return column.values
    present = np.flatnonzero(~column.missing)
    numbers = level_days(column.levels) if dates else _level_numbers(column.levels)
    if numbers is not None:  # texts of a data frame, or of a column that was read as text
        return np.append(numbers, np.nan)[column.values]
    if len(present):
        text = np.array([dates or not _is_number(level) for level in column.levels])[column.values[present]]
        row = int(present[text.argmax()])  # the first that is no number; where all are, the first
        raise DataError(
            f"column {column.name!r}, row {row + 1}: {column.levels[column.values[row]]!r} is text where training had "
            f"{what}; give {example}, or leave the cell empty if it is missing."
        )
    return np.full(len(column.values), np.nan)


def _level_numbers(levels: tuple[str, ...]) -> Array | None:
    """Texts that are all finite numbers as numbers, else None."""
    try:
        numbers = np.array([float(level) for level in levels], dtype=np.float64)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def mean_and_scale(values: Array) -> tuple[float, float]:
    """Mean and standard deviation (divisor n) of finite numbers; scale 0 exactly if they are all equal.

    Deviations are divided by the largest one before squaring, so that neither 1e-200 nor 1e38 is lost.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    mean = float(values.mean())
    deviation = values - mean
    largest = float(np.abs(deviation).max())
    return mean, largest * float(np.sqrt(np.mean((deviation / largest) ** 2)))


@dataclass(frozen=True)
class Numeric:
    """(x − mean) / scale; missing cells become `fill`, and a 0/1 feature says so if training had missing cells.

    dates  x counts the days since 1970-01-01, and the column must hold dates
    """

    name: str
    mean: float
    scale: float
    fill: float
    indicator: bool
    dates: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}={MISSING_LEVEL}") if self.indicator else (self.name,)

    def write(self, column: Column, out: Array, notes: list[str]) -> None:
        values = column_numbers(column, dates=self.dates)
        missing = np.isnan(values)
        n_missing = int(np.count_nonzero(missing))
        if n_missing:
            values = np.where(missing, self.fill, values)
            if not self.indicator:
                notes.append(
                    f"column {self.name!r}: {n_missing:,} missing cells, though training had none, "
                    f"count as the median {self.fill:g}"
                )
        out[:, 0] = (values - self.mean) / self.scale
        if self.indicator:
            out[:, 1] = missing

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "numeric",
            "name": self.name,
            "mean": self.mean,
            "scale": self.scale,
            "fill": self.fill,
            "indicator": self.indicator,
        } | ({"dates": True} if self.dates else {})


@dataclass(frozen=True)
class OneHot:
    """One 0/1 feature per level, levels sorted; a last one for missing cells if training had any; else all zeros."""

    name: str
    levels: tuple[str, ...]
    missing: bool

    @property
    def features(self) -> tuple[str, ...]:
        names = [f"{self.name}={level}" for level in self.levels]
        return (*names, f"{self.name}={MISSING_LEVEL}") if self.missing else tuple(names)

    def write(self, column: Column, out: Array, notes: list[str]) -> None:
        places = _places(column, self.levels, notes, "unknown in training", "zeros")
        n = len(self.levels)
        if self.missing:
            places = np.where(column.missing, n, places)
        out[:] = 0
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1

    def to_json(self) -> dict[str, Any]:
        return {"kind": "one_hot", "name": self.name, "levels": list(self.levels), "missing": self.missing}


@dataclass(frozen=True)
class Embedding:
    """An integer code per level, 1..K in sorted order; 0 for missing, unknown, and levels seen once in training.

    A network learns one row of an embedding matrix for each code.
    """

    name: str
    levels: tuple[str, ...]

    @property
    def n_levels(self) -> int:
        """Rows of the embedding matrix: K + 1."""
        return len(self.levels) + 1

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def codes(self, column: Column, notes: list[str]) -> Array:
        """(n_rows,) int64 codes 0..K."""
        return (_places(column, self.levels, notes, "unknown or seen once in training", "0") + 1).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "embedding", "name": self.name, "levels": list(self.levels)}


@dataclass(frozen=True)
class Dropped:
    """A column that the network does not see, and why."""

    name: str
    reason: str

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {"kind": "dropped", "name": self.name, "reason": self.reason}


Encoder = Numeric | OneHot | Embedding | Dropped


def _places(column: Column, levels: tuple[str, ...], notes: list[str], state: str, shown_as: str) -> Array:
    """(n_rows,) index into `levels`, -1 for missing or unknown; unknown levels are noted."""
    codes, found = column.texts()
    known = {level: at for at, level in enumerate(levels)}
    lookup = np.array([*(known.get(level, -1) for level in found), -1], dtype=np.intp)
    places = lookup[codes]
    unknown = (places < 0) & (codes >= 0)
    if unknown.any():
        new = [found[code] for code in np.unique(codes[unknown])]
        listed = ", ".join(map(repr, new[:3])) + (", …" if len(new) > 3 else "")
        notes.append(
            f"column {column.name!r}: {int(unknown.sum()):,} cells hold levels {state} ({listed}), "
            f"encoded as {shown_as}"
        )
    return places


def fit_encoder(column: Column, rows: Array, embed_above: int) -> Encoder:
    """Choose and fit the encoder of a column from its training rows."""
    if column.kind == "category":
        return _fit_category(column, rows, embed_above)
    values = column.values[rows]
    missing = np.isnan(values)
    if missing.all():
        return Dropped(column.name, "it has no value in the training rows")
    if _is_row_number(column):
        return Dropped(column.name, "it numbers the rows")
    fill = float(np.median(values[~missing]))
    mean, scale = mean_and_scale(np.where(missing, fill, values))
    if scale == 0 and not missing.any():
        return Dropped(column.name, f"it is constant ({mean:g}) in the training rows")
    # All present values equal but some missing: only the indicator carries information.
    return Numeric(column.name, mean, scale or 1.0, fill, bool(missing.any()), column.dates)


def _fit_category(column: Column, rows: Array, embed_above: int) -> Encoder:
    counts = np.bincount(column.values[rows] + 1, minlength=len(column.levels) + 1)
    n_missing, counts = int(counts[0]), counts[1:]
    seen = np.flatnonzero(counts)
    n_present = len(rows) - n_missing
    if not len(seen):
        return Dropped(column.name, "it has no value in the training rows")
    if len(seen) == 1 and not n_missing:
        return Dropped(column.name, f"it is constant ({column.levels[seen[0]]!r}) in the training rows")
    if len(seen) > 10 and len(seen) > 0.9 * n_present:
        return Dropped(column.name, f"it looks like an identifier ({len(seen):,} distinct texts in {n_present:,} rows)")
    if len(seen) <= embed_above:
        return OneHot(column.name, tuple(column.levels[k] for k in seen), n_missing > 0)
    common = tuple(column.levels[k] for k in np.flatnonzero(counts >= 2))
    if not common:
        return Dropped(column.name, "none of its levels occurs twice in the training rows")
    return Embedding(column.name, common)


def _is_row_number(column: Column) -> bool:
    """A counter that tools write beside the data; judged by name and content, since a real feature may count too."""
    name = column.name.lower()
    if name not in {"id", "index", "row", "rownames", "row_number", "no", "nr"} and not name.startswith("unnamed"):
        return False
    return len(column.values) > 2 and bool(np.all(np.diff(column.values) == 1))


def encoder_from_json(data: Any, where: str) -> Encoder:
    """Rebuild an encoder; ModelFileError on anything unexpected."""
    kind = stored.entry(data, "kind", str, where)
    name = stored.entry(data, "name", str, where)
    if kind == "numeric":
        scale = stored.number(data, "scale", where)
        if scale <= 0:
            raise stored.bad(where, "scale", scale, "a positive number")
        mean, fill = stored.number(data, "mean", where), stored.number(data, "fill", where)
        indicator = stored.entry(data, "indicator", bool, where)
        return Numeric(name, mean, scale, fill, indicator, "dates" in data and stored.entry(data, "dates", bool, where))
    if kind == "one_hot":
        return OneHot(name, stored.texts(data, "levels", where), stored.entry(data, "missing", bool, where))
    if kind == "embedding":
        return Embedding(name, stored.texts(data, "levels", where))
    if kind == "dropped":
        return Dropped(name, stored.entry(data, "reason", str, where))
    raise stored.bad(where, "kind", kind, "numeric, one_hot, embedding or dropped")
