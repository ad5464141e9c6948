"""The target: which column it is, whether it asks for classes or numbers, and how it is encoded."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table
from chainrule.data.dataset import Array, Task
from chainrule.data.encoders import column_numbers, mean_and_scale
from chainrule.errors import ConfigurationError, DataError, unknown_name

_TARGET_NAMES = ("target", "label", "class", "y")
_MAX_INTEGER_CLASSES = 20

Label = str | int | float | bool


def choose_target(table: Table, target: str | None = None) -> tuple[str, str]:
    """The name of the target column, and a note that says why it is that one.

    A given name wins; else a column called target, label, class or y (in any case; y not if there is an x too, for
    those are coordinates); else the last column.

    Raises:
        UnknownNameError: no such column.
        DataError: the table has one column only, so nothing is left to predict from.
    """
    if target is not None and target not in table:
        raise unknown_name("target column", target, table.names)
    if len(table.columns) < 2:
        raise DataError(
            f"table {table.name!r} has the single column {table.names[0]!r}: give at least one more column "
            f"to predict it from{', or the separator of its cells' if set(table.names[0]) & set(',;|') else ''}."
        )
    if target is not None:
        return target, f"target: column {target!r}, as given"
    lower = {name.lower(): name for name in reversed(table.names)}
    for name in _TARGET_NAMES:
        if name in lower and not (name == "y" and "x" in lower):
            found, why = lower[name], "by its name"
            break
    else:
        found, why = table.names[-1], "the last column"
    return found, f"target: column {found!r} ({why}); choose another with target='…'"


def detect_task(column: Column, rows: Array) -> tuple[Task, str]:
    """Classification or regression, and a note that says why.

    Text and booleans are classes. Numbers are classes if all are integers with at most 20 different ones, each of them
    twice on average (two different ones are classes however few the rows are); all other numbers are regression.
    """
    if column.kind != "numeric":
        what = "text" if column.kind == "category" else "booleans"
        return "classification", f"task: classification, because column {column.name!r} holds {what}"
    values = column.values[rows]
    values = values[~np.isnan(values)]
    distinct = np.unique(values)
    n = len(distinct)
    integral = bool(np.all(distinct == np.floor(distinct))) and not column.dates
    if integral and n <= _MAX_INTEGER_CLASSES and (n <= 2 or 2 * n <= len(values)):
        return "classification", (
            f"task: classification, because column {column.name!r} holds {n} different integers; "
            "choose otherwise with task='regression'"
        )
    kind = "different dates" if column.dates else "different integers" if integral else "different numbers"
    return "regression", (
        f"task: regression, because column {column.name!r} holds {n:,} {kind}; "
        "choose otherwise with task='classification'"
    )


@dataclass(frozen=True)
class ClassTarget:
    """Labels ↔ 0..K-1, labels sorted. `names` are their texts for display."""

    name: str
    labels: tuple[Label, ...]
    names: tuple[str, ...]
    task = "classification"

    @property
    def classes(self) -> Array:
        """(K,) the labels as an array."""
        return np.array(self.labels)

    def encode(self, column: Column) -> Array:
        """(n,) int64 class numbers; -1 for missing cells.

        Raises:
            DataError: a label that training did not have, with its row.
        """
        if isinstance(self.labels[0], str):
            codes, found = column.texts()
            known = {label: k for k, label in enumerate(self.labels)}
            y = np.array([*(known.get(level, -1) for level in found), -1], dtype=np.int64)[codes]
        else:
            values = column_numbers(column, dates=column.dates)
            labels = np.array(self.labels, dtype=np.float64)
            y = np.minimum(np.searchsorted(labels, values), len(labels) - 1).astype(np.int64)
            y[labels[y] != values] = -1
        unknown = np.flatnonzero((y < 0) & ~column.missing)
        if len(unknown):
            row = int(unknown[0])
            given = str(column.to_numpy()[row])
            allowed = ", ".join(self.names[:10]) + (", …" if len(self.names) > 10 else "")
            raise DataError(
                f"target {self.name!r}, row {row + 1}: label {given!r} is not "
                f"among the classes of the training data ({allowed}); {len(unknown)} such row"
                f"{'s' if len(unknown) > 1 else ''} in all, mend or remove them."
            )
        return y

    def decode(self, y: Array) -> Array:
        numbers = np.asarray(y)
        if numbers.dtype.kind not in "iu" or (
            numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self.labels)
        ):
            raise DataError(
                f"class numbers of type {numbers.dtype} cannot be decoded: "
                f"give integers from 0 to {len(self.labels) - 1}."
            )
        labels: Array = self.classes[numbers]
        return labels

    def to_json(self) -> dict[str, Any]:
        labels, names = list(self.labels), list(self.names)
        return {"task": "classification", "name": self.name, "labels": labels, "names": names}


@dataclass(frozen=True)
class NumberTarget:
    """(y − mean) / scale, and back in the units of the data."""

    name: str
    mean: float
    scale: float
    task = "regression"

    def encode(self, column: Column) -> Array:
        """(n,) float64, NaN for missing cells."""
        return (column_numbers(column, dates=column.dates) - self.mean) / self.scale

    def decode(self, y: Array) -> Array:
        return np.asarray(y, dtype=np.float64) * self.scale + self.mean

    def to_json(self) -> dict[str, Any]:
        return {"task": "regression", "name": self.name, "mean": self.mean, "scale": self.scale}


Target = ClassTarget | NumberTarget


def fit_target(column: Column, rows: Array, task: Task, names: Array | None = None) -> tuple[Target, list[str]]:
    """Fit the target on training rows without missing cells.

    The set of classes is taken from the whole column, since labels are known beforehand and a rare class may fall
    outside the training rows; a note says so.

    Raises:
        DataError: one class only, a constant or non-numeric regression target.
        ConfigurationError: no such task.
    """
    if task == "regression":
        if column.kind == "category":
            row = int(np.argmax(~column.missing))
            raise DataError(
                f"target {column.name!r} holds text ({column.levels[column.values[row]]!r} in row {row + 1}), but "
                "regression needs numbers: choose task='classification' or another target column."
            )
        values = column_numbers(column, dates=column.dates)[rows]
        mean, scale = mean_and_scale(values)
        if scale == 0:
            raise DataError(
                f"target {column.name!r} is constant ({mean:g}) in {_all(len(rows))}: there is nothing to "
                "learn, choose another target column or more rows."
            )
        return NumberTarget(column.name, mean, scale), []
    if task != "classification":
        raise ConfigurationError(f"task {task!r} is not allowed: give 'classification' or 'regression'.")
    labels = _labels(column)
    train = {str(label) for label in _labels(column.take(rows))}
    if len(train) < 2:
        raise DataError(
            f"target {column.name!r} has the single class {next(iter(train))!r} in {_all(len(rows))}: "
            "classification needs at least two, choose another target column or more rows."
        )
    absent = [str(label) for label in labels if str(label) not in train]
    notes = []
    if len(absent) == 1:
        notes = [f"class {absent[0]!r} of target {column.name!r} does not occur in the training rows"]
    elif absent:
        listed = ", ".join(map(repr, absent[:5])) + (", …" if len(absent) > 5 else "")
        notes = [f"{len(absent)} classes of target {column.name!r} do not occur in the training rows: {listed}"]
    texts = tuple(map(str, labels if names is None or len(names) != len(labels) else names))
    return ClassTarget(column.name, labels, texts), notes


def _all(rows: int) -> str:
    return "the only training row" if rows == 1 else f"all {rows:,} training rows"


def _labels(column: Column) -> tuple[Label, ...]:
    """The sorted distinct labels of a column, as Python values."""
    present = column.values[~column.missing]
    distinct = np.unique(present)
    if column.kind == "category":
        return tuple(column.levels[k] for k in distinct)
    if column.kind == "boolean":
        return tuple(bool(v) for v in distinct)
    if np.all(distinct == np.floor(distinct)) and np.all(np.abs(distinct) < 2**53):
        return tuple(int(v) for v in distinct)
    return tuple(float(v) for v in distinct)


def target_from_json(data: Any, where: str) -> Target:
    """Rebuild a target; ModelFileError on anything unexpected."""
    task = stored.entry(data, "task", str, where)
    name = stored.entry(data, "name", str, where)
    if task == "regression":
        scale = stored.number(data, "scale", where)
        if scale <= 0:
            raise stored.bad(where, "scale", scale, "a positive number")
        return NumberTarget(name, stored.number(data, "mean", where), scale)
    if task != "classification":
        raise stored.bad(where, "task", task, "classification or regression")
    labels = stored.entry(data, "labels", list, where)
    kinds = {type(label) for label in labels}
    if len(labels) < 2 or len(kinds) != 1 or not kinds <= {str, int, float, bool}:
        raise stored.bad(where, "labels", labels, "a list of two or more labels of one type")
    if not all(a < b for a, b in itertools.pairwise(labels)):
        raise stored.bad(where, "labels", labels, "a sorted list of distinct labels")
    names = stored.texts(data, "names", where, distinct=False)
    if len(names) != len(labels):
        raise stored.bad(where, "names", list(names), f"a list of {len(labels)} texts")
    return ClassTarget(name, tuple(labels), names)
