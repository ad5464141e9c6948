"""From columns to the matrices that a network reads, fitted on training rows and stored with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table, check_names
from chainrule.data.dataset import Array, Dataset, Task
from chainrule.data.encoders import (
    Dropped,
    Embedding,
    Encoder,
    Numeric,
    OneHot,
    encoder_from_json,
    fit_encoder,
    mean_and_scale,
)
from chainrule.data.targets import ClassTarget, Target, choose_target, detect_task, fit_target, target_from_json
from chainrule.errors import ConfigurationError, DataError, ModelFileError, nearest

_FORMAT, _VERSION = "chainrule-preprocessor", 1


@dataclass(frozen=True)
class Encoded:
    """What a network reads.

    Attributes:
        X: (n, n_features), C order.
        codes: (n, n_embeddings) int64.
        notes: what was met that training had not.
    """

    X: Array
    codes: Array
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Preprocessor:
    """Encoders of the columns and the target. Build it with `fit`, `from_dataset` or `from_json`.

    Numbers are standardized, z = (x − mean) / scale, scale with divisor n; missing ones become the median, with a 0/1
    feature beside them if training had any. Categories are one-hot with sorted levels; above `embed_above` levels they
    become integer codes for an embedding. Constant and identifier-like columns are dropped. Class labels become
    0..K-1, regression targets are standardized. `notes` says what was done.
    """

    columns: tuple[Encoder, ...]
    target: Target
    notes: list[str] = field(default_factory=list)

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str | None = None,
        task: Task | None = None,
        embed_above: int = 30,
        rows: Sequence[int] | Array | None = None,
    ) -> Preprocessor:
        """Fit on a table.

        Args:
            table: features and target.
            target: the target column; None chooses (see `choose_target`).
            task: "classification" or "regression"; None detects (see `detect_task`).
            embed_above: categories with more levels than this are embedded.
            rows: indices of the training rows; None takes all. Rows without a target are left out.

        Raises:
            DataError, ConfigurationError: nothing can be learned from this, or an option is not allowed.
        """
        if embed_above < 0:
            raise ConfigurationError(f"embed_above {embed_above} is not allowed: give 0 or more levels.")
        name, note = choose_target(table, target)
        notes = [note]
        column = table[name]
        chosen = row_indices(rows, table.n_rows)
        train = chosen[~column.missing[chosen]]
        if len(train) < len(chosen):
            notes.append(
                f"{len(chosen) - len(train):,} of {len(chosen):,} rows have no target {name!r} and are left out"
            )
        if not len(train):
            raise DataError(f"target {name!r} is missing in all {len(chosen)} rows: choose another target column.")
        if task is None:
            task, note = detect_task(column, train)
            notes.append(note)
        fitted, more = fit_target(column, train, task)
        encoders = tuple(fit_encoder(c, train, embed_above) for c in table if c.name != name)
        return cls(encoders, fitted, notes + more + _describe(encoders))._checked(table.name)

    @classmethod
    def from_dataset(cls, dataset: Dataset, rows: Sequence[int] | Array | None = None) -> Preprocessor:
        """Fit on arrays: features are standardized, but pixels only divided by their largest possible value.

        Raises:
            DataError: NaN or infinity, one class only, only constant features.
        """
        check_names(dataset.feature_names, f"data set {dataset.name!r}")
        _check_finite(dataset.X, dataset.feature_names, dataset.name)
        chosen = row_indices(rows, dataset.n_samples)
        column = _target_column(dataset.y, dataset.target_name)
        fitted, notes = fit_target(column, chosen, dataset.task, dataset.classes)
        encoders: tuple[Encoder, ...]
        if dataset.pixel_max is not None:
            encoders = tuple(Numeric(name, 0.0, dataset.pixel_max, 0.0, False) for name in dataset.feature_names)
        else:
            X = dataset.X if rows is None else dataset.X[chosen]
            encoders = tuple(_fit_feature(name, X[:, j]) for j, name in enumerate(dataset.feature_names))
        return cls(encoders, fitted, notes + _describe(encoders))._checked(dataset.name)

    def _checked(self, name: str) -> Preprocessor:
        if not self.n_features and not self.embeddings:
            raise DataError(
                f"table {name!r} leaves no feature to learn from, because "
                + "; ".join(
                    f"column {c.name!r} was dropped: {c.reason}" for c in self.columns[:5] if isinstance(c, Dropped)
                )
                + ": add columns that vary."
            )
        return self

    @property
    def task(self) -> Task:
        return "classification" if isinstance(self.target, ClassTarget) else "regression"

    @property
    def target_name(self) -> str:
        return self.target.name

    @property
    def classes(self) -> Array | None:
        """(K,) labels in the order of the class numbers; None in regression."""
        return self.target.classes if isinstance(self.target, ClassTarget) else None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes for display."""
        return self.target.names if isinstance(self.target, ClassTarget) else None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of `Encoded.X`."""
        return tuple(name for encoder in self.columns for name in encoder.features)

    @property
    def n_features(self) -> int:
        return sum(len(encoder.features) for encoder in self.columns)

    @property
    def embeddings(self) -> list[tuple[str, int]]:
        """(column, number of rows of its embedding matrix, the unknown level 0 included) per column of codes."""
        return [(encoder.name, encoder.n_levels) for encoder in self.columns if isinstance(encoder, Embedding)]

    @property
    def category_columns(self) -> tuple[str, ...]:
        """Columns to pass to `read_table(…, categories=…)`, so that "01" stays text in a later file."""
        return tuple(encoder.name for encoder in self.columns if isinstance(encoder, (OneHot, Embedding)))

    def labeled_rows(self, table: Table) -> Array:
        """Indices of the rows whose target is not missing."""
        return np.flatnonzero(~table[self.target.name].missing)

    def transform(
        self, data: Table | Dataset | Array, rows: Sequence[int] | Array | None = None, dtype: Any = np.float32
    ) -> Encoded:
        """Encode features; columns are found by name, in any order, and the target need not be there.

        Args:
            data: a table, a data set, or an array (n, number of input columns) if all columns are numeric.
            rows: indices of the rows to encode; None takes all.
            dtype: of `X`.

        Raises:
            DataError: a column is missing, holds text where numbers were, or the number of features differs.
        """
        if isinstance(data, Table):
            return self._transform_table(data if rows is None else data.take(row_indices(rows, data.n_rows)), dtype)
        name = data.name if isinstance(data, Dataset) else "array"
        X = data.X if isinstance(data, Dataset) else np.asarray(data)
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise DataError(
                f"{name} has shape {X.shape} but training had {len(self.columns)} features: "
                f"give (n_samples, {len(self.columns)})."
            )
        if self.category_columns:
            raise DataError(
                f"{name} is an array, but training had the category {self.category_columns[0]!r}: give a table."
            )
        _check_finite(X, [encoder.name for encoder in self.columns], name)
        return self._transform_matrix(X if rows is None else X[row_indices(rows, len(X))], dtype)

    def _transform_table(self, table: Table, dtype: Any) -> Encoded:
        used = [encoder for encoder in self.columns if not isinstance(encoder, Dropped)]
        absent = [encoder.name for encoder in used if encoder.name not in table]
        if absent:
            spare = [name for name in table.names if name not in {e.name for e in self.columns}]
            near = [(name, found) for name in absent if (found := nearest(name, spare)) is not None]
            meant = f"did you mean {near[0][1]!r} to be {near[0][0]!r}? Rename it, or add" if near else "add"
            raise DataError(
                f"table {table.name!r} lacks the column{'s' if len(absent) > 1 else ''} "
                f"{', '.join(map(repr, absent))} that training had: {meant} {'them' if len(absent) > 1 else 'it'}, "
                "empty where unknown."
            )
        known = {encoder.name for encoder in self.columns} | {self.target.name}
        extra = [name for name in table.names if name not in known]
        notes = [f"columns that training did not have are ignored: {', '.join(map(repr, extra))}"] if extra else []
        X = np.empty((table.n_rows, self.n_features), dtype=dtype)
        codes = np.empty((table.n_rows, len(self.embeddings)), dtype=np.int64)
        at = code_at = 0
        with np.errstate(over="ignore"):  # an overflow is reported below, with its place
            for encoder in used:
                if isinstance(encoder, Embedding):
                    codes[:, code_at] = encoder.codes(table[encoder.name], notes)
                    code_at += 1
                else:
                    width = len(encoder.features)
                    encoder.write(table[encoder.name], X[:, at : at + width], notes)
                    at += width
        _check_finite(X, self.feature_names, f"{table.name} (standardized)")
        return Encoded(X, codes, notes)

    def _transform_matrix(self, X: Array, dtype: Any) -> Encoded:
        numeric = [(j, e) for j, e in enumerate(self.columns) if isinstance(e, Numeric)]
        kept = [j for j, _ in numeric]
        mean = np.array([e.mean for _, e in numeric])
        scale = np.array([e.scale for _, e in numeric])
        if len(kept) < X.shape[1]:
            X = X[:, kept]
        if mean.any() or (scale != 1).any():
            X = (X - mean) / scale
        with np.errstate(over="ignore"):
            out = np.ascontiguousarray(X, dtype=dtype)
        _check_finite(out, [e.name for _, e in numeric], "array (standardized)")
        return Encoded(out, np.empty((len(out), 0), dtype=np.int64))

    def encode_target(self, data: Table | Dataset | Array, rows: Sequence[int] | Array | None = None) -> Array:
        """(n,) int64 class numbers, or (n,) float64 standardized targets.

        Raises:
            DataError: a target is missing (encode only `labeled_rows`), or a label is not known.
        """
        if isinstance(data, Table):
            if self.target.name not in data:
                raise DataError(f"table {data.name!r} lacks the target column {self.target.name!r}: add it.")
            column = data[self.target.name]
        else:
            column = _target_column(data.y if isinstance(data, Dataset) else np.asarray(data), self.target.name)
        if rows is not None:
            column = column.take(row_indices(rows, len(column.values)))
        missing = np.flatnonzero(column.missing)
        if len(missing):
            raise DataError(
                f"target {self.target.name!r} is missing in {len(missing)} rows, first in row {missing[0] + 1} of "
                "those given: fill it in, or encode only the rows that labeled_rows() returns."
            )
        return self.target.encode(column)

    def decode_target(self, y: Array) -> Array:
        """Class numbers (n,) back to labels, or standardized targets back to the units of the data."""
        return self.target.decode(y)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json(json.loads(json.dumps(…)))` gives an equal object, bit for bit."""
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "columns": [encoder.to_json() for encoder in self.columns],
            "target": self.target.to_json(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Any) -> Preprocessor:
        """Rebuild from `to_json`.

        Raises:
            ModelFileError: anything else than what `to_json` writes, or a newer version.
        """
        where = "preprocessor"
        if stored.entry(data, "format", str, where) != _FORMAT:
            raise stored.bad(where, "format", data["format"], repr(_FORMAT))
        version = stored.entry(data, "version", int, where)
        if version != _VERSION:
            raise ModelFileError(
                f"{where} has version {version} but this chainrule reads {_VERSION}: upgrade chainrule."
            )
        items = stored.entry(data, "columns", list, where)
        columns = tuple(encoder_from_json(item, f"{where} column {k}") for k, item in enumerate(items, start=1))
        target = target_from_json(stored.entry(data, "target", dict, where), f"{where} target")
        names = [encoder.name for encoder in columns]
        if len(set(names)) != len(names) or target.name in names:
            raise ModelFileError(
                f"{where} names a column twice: the file is damaged or not one of ours, save it again."
            )
        made = cls(columns, target, list(stored.texts(data, "notes", where, distinct=False)))
        if not made.n_features and not made.embeddings:
            raise ModelFileError(f"{where} has no feature: the file is damaged or not one of ours, save it again.")
        return made


def row_indices(rows: Sequence[int] | Array | None, n_rows: int) -> Array:
    """Row indices as an array; all rows for None.

    Raises:
        DataError: no rows, or an index outside 0..n_rows - 1.
    """
    if rows is None:
        return np.arange(n_rows)
    chosen = np.asarray(rows)
    if chosen.ndim != 1 or not len(chosen) or chosen.dtype.kind not in "iu":
        raise DataError(
            f"rows of shape {chosen.shape} and type {chosen.dtype} cannot be used: give at least one row index from 0 "
            f"to {n_rows - 1}."
        )
    if chosen.min() < 0 or chosen.max() >= n_rows:
        wrong = chosen[(chosen < 0) | (chosen >= n_rows)][0]
        raise DataError(f"row index {wrong} is out of range: allowed are 0 to {n_rows - 1}.")
    return chosen.astype(np.intp)


def _fit_feature(name: str, values: Array) -> Encoder:
    mean, scale = mean_and_scale(values.astype(np.float64))
    if scale == 0:
        return Dropped(name, f"it is constant ({mean:g}) in the training rows")
    return Numeric(name, mean, scale, float(np.median(values)), False)


def _describe(encoders: tuple[Encoder, ...]) -> list[str]:
    notes = [f"column {e.name!r} was dropped: {e.reason}" for e in encoders if isinstance(e, Dropped)]
    for e in encoders:
        if isinstance(e, Embedding):
            notes.append(
                f"column {e.name!r} has many levels and is embedded ({e.n_levels - 1} levels and one for the rest)"
            )
    return notes


def _target_column(y: Array, name: str) -> Column:
    column = Table.from_columns({name: y}, name="targets")[name]
    if column.n_missing:
        row = int(np.flatnonzero(column.missing)[0])
        raise DataError(
            f"target {name!r} is missing in {column.n_missing} rows, first in row {row + 1}: remove these rows."
        )
    return column


def _check_finite(X: Array, names: Sequence[str], where: str) -> None:
    """NaN and infinity: DataError with count and first five places."""
    if X.dtype.kind in "iub":
        return
    if X.dtype.kind != "f":
        raise DataError(f"{where} holds {X.dtype} values: give real numbers.")
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):  # one pass; only a finite sum is conclusive
            return
    places = np.argwhere(~np.isfinite(X))
    if not len(places):
        return
    listed = "; ".join(f"row {r + 1}, column {names[c]!r}: {X[r, c]}" for r, c in places[:5])
    raise DataError(
        f"{where} has {len(places)} value{'s' if len(places) > 1 else ''} that are NaN or infinite, first at {listed}; "
        "allowed are finite numbers: mend or remove these cells."
    )
