"""From a data source to encoded training, validation and test parts; everything is fitted on training rows only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import BUILTIN, Dataset, Preprocessor, Table, choose_target, detect_task, from_frame, is_frame, read_data
from ..data.encoders import Dropped, Embedding, Numeric, OneHot
from ..data.targets import ClassTarget
from ..errors import ConfigurationError, DataError, counted, unknown_name
from ..evaluate import split
from ..train.samples import Array
from .options import Options
from .suspects import leaks, outliers

_PIECE = 8192  # rows encoded at a time
# Notes with these words are warnings: what they say is rarely meant.
_WORTH_A_LOOK = ("constant", "not occur in the training", "has no value", "read as categories", "looks like data")


@dataclass(frozen=True)
class Part:
    """Encoded rows: X (n, features), codes (n, embedded columns), y (n,) class numbers or standardized numbers."""

    X: Array
    codes: Array
    y: Array

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Prepared:
    """What training needs of the data.

    source       the built-in name, or the absolute path, by which a resumed run finds the data again
    parts        "train", and "validation" and "test" where they have rows
    notes        what was detected; warnings: what the user should look at
    fingerprint  SHA-256 of all cells
    """

    source: str
    name: str
    preprocessor: Preprocessor
    parts: dict[str, Part]
    notes: list[str]
    fingerprint: str
    warnings: list[str] = field(default_factory=list)


def prepare(source: Any, options: Options) -> Prepared:
    """Read, split and encode a path, a built-in name, a `Table`, a `Dataset` or a DataFrame.

    Raises `DataError` or `ConfigurationError` for whatever about the data or the options cannot be used.
    """
    if not isinstance(source, str | Path | Table | Dataset) and is_frame(source):
        source = from_frame(source, categories=options.categories)
    if isinstance(source, Table):
        data: Table | Dataset = _chosen(source, options)
    else:
        data = source if isinstance(source, Dataset) else read(str(source), options)
    where = str(source) if isinstance(source, str | Path) and str(source) in BUILTIN else ""
    if isinstance(source, str | Path) and not where:
        where = str(Path(source).resolve())
    dtype = np.float64 if options.float64 else np.float32
    if isinstance(data, Dataset):
        return _prepare_dataset(data, options, where, dtype)
    return _prepare_table(data, options, where, dtype)


def read(source: str, options: Options) -> Dataset | Table:
    """`data.read_data` with the options that concern reading; columns to drop are gone."""
    data = read_data(
        source,
        separator=options.separator,
        decimal=options.decimal,
        categories=options.categories,
        drop=options.drop,
    )
    if isinstance(data, Dataset):
        for name in ("drop", "categories", "separator", "decimal"):
            if getattr(options, name):
                raise ConfigurationError(
                    f"{name} is for tables in files, but {data.name!r} has no columns to choose: leave it out"
                )
        return data
    for name in options.categories:
        if name not in data:
            raise unknown_name("column", name, data.names)
    return data


def _chosen(table: Table, options: Options) -> Table:
    """A table in memory without the columns to drop, and with those of `categories` as texts."""
    for name in (*options.drop, *options.categories):
        if name not in table:
            raise unknown_name("column", name, table.names)
    if not options.drop and not options.categories:
        return table
    return Table(
        table.name,
        tuple(c.as_category() if c.name in options.categories else c for c in table if c.name not in options.drop),
        list(table.notes),
    )


def _prepare_dataset(data: Dataset, options: Options, source: str, dtype: Any) -> Prepared:
    if options.target not in (None, data.target_name):
        raise unknown_name(f"target of {data.name!r}", options.target, [data.target_name])
    if options.task not in (None, data.task):
        raise ConfigurationError(f"task {options.task!r} does not fit {data.name!r}, whose task is {data.task}")
    classes = data.task == "classification"
    share = 0.0 if data.test is not None else options.test
    rows = split(data.y, validation=options.validation, test=share, stratify=classes, seed=options.seed)
    preprocessor = Preprocessor.from_dataset(data, rows.train)
    if data.pixel_max is not None:
        preprocessor = _centered(preprocessor, data.X[rows.train], data.pixel_max)
    parts = {
        name: _encoded(preprocessor, data, chosen, dtype)
        for name, chosen in (("train", rows.train), ("validation", rows.validation), ("test", rows.test))
        if len(chosen)
    }
    notes = [data.description] if data.description else []
    if data.test is not None:
        parts["test"] = _encoded(preprocessor, data.test, np.arange(len(data.test.y)), dtype)
        notes.append(f"the {len(data.test.y):,} test samples are those that come with the data")
    notes.append(f"task: {data.task}, target {data.target_name!r}")
    notes += [*preprocessor.notes, *rows.notes]
    return _finish(Prepared(source, data.name, preprocessor, parts, notes, fingerprint(data)), options)


def _prepare_table(table: Table, options: Options, source: str, dtype: Any) -> Prepared:
    name, why = choose_target(table, options.target)
    labeled = np.flatnonzero(~table[name].missing)
    if not len(labeled):
        raise DataError(f"target {name!r} is missing in all {table.n_rows} rows: choose another target column.")
    notes = [*table.notes, why]
    if len(labeled) < table.n_rows:
        notes.append(f"{table.n_rows - len(labeled):,} of {table.n_rows:,} rows have no target {name!r}, left out")
    task = options.task
    if task is None:
        task, why = detect_task(table[name], labeled)
        notes.append(why)
    labels = table[name].texts()[0][labeled] if task == "classification" else len(labeled)
    stratify = task == "classification"
    if len(labeled) < 3 and options.validation and options.test:
        raise DataError(
            f"table {table.name!r} has {len(labeled)} row{'s' if len(labeled) > 1 else ''} with a target: training, "
            "validation and test need one each at least; add rows, or say validation=0 and test=0"
        )
    rows = split(labels, validation=options.validation, test=options.test, stratify=stratify, seed=options.seed)
    preprocessor = Preprocessor.fit(table, name, task, rows=labeled[rows.train])
    parts = {
        part: _encoded(preprocessor, table, labeled[chosen], dtype)
        for part, chosen in (("train", rows.train), ("validation", rows.validation), ("test", rows.test))
        if len(chosen)
    }
    notes += [*preprocessor.notes[1:], *rows.notes]
    made = Prepared(source, table.name, preprocessor, parts, notes, fingerprint(table))
    made.warnings.extend(leaks(table, preprocessor, labeled[rows.train]))
    made.warnings.extend(outliers(table, preprocessor, labeled))
    return _finish(made, options)


def _encoded(preprocessor: Preprocessor, data: Table | Dataset, rows: Array, dtype: Any) -> Part:
    """Encode some rows, a piece at a time, so that intermediate float64 copies stay small."""
    X = np.empty((len(rows), preprocessor.n_features), dtype)
    codes = np.empty((len(rows), len(preprocessor.embeddings)), np.int64)
    for start in range(0, len(rows), _PIECE):
        piece = slice(start, start + _PIECE)
        e = preprocessor.transform(data, rows[piece], dtype)
        X[piece], codes[piece] = e.X, e.codes
    return Part(X, codes, preprocessor.encode_target(data, rows))


def _centered(preprocessor: Preprocessor, X: Array, pixel_max: float) -> Preprocessor:
    """Pixels minus the mean picture of the training rows, over half the largest pixel: zero mean trains better.

    A scale per pixel would blow up those at the border, which are nearly always empty.
    """
    mean = X.mean(axis=0, dtype=np.float64)
    columns = tuple(
        replace(c, mean=float(m), scale=pixel_max / 2) if isinstance(c, Numeric) else c
        for c, m in zip(preprocessor.columns, mean, strict=True)
    )
    return replace(preprocessor, columns=columns)


def _finish(made: Prepared, options: Options) -> Prepared:
    """Add the summary of columns and classes, and warn of what will not work well."""
    made.notes.extend(_summary(made))
    train = made.parts["train"]
    if options.batch_size is not None and options.batch_size > len(train):
        made.warnings.append(
            f"batch size {options.batch_size} is above the {counted(len(train), 'training row')}: "
            "every epoch is one batch of all"
        )
    if len(train) < 10:
        there = f"there {'is' if len(train) == 1 else 'are'} only {counted(len(train), 'training row')}"
        made.warnings.append(f"{there}: the network can hardly learn from so little")
    for note in list(made.notes):
        if any(words in note for words in _WORTH_A_LOOK):
            made.warnings.append(note)
            made.notes.remove(note)
    return made


def _summary(made: Prepared) -> list[str]:
    columns = made.preprocessor.columns
    counts = []
    for kind, word in ((Numeric, "numeric"), (OneHot, "categorical"), (Embedding, "embedded"), (Dropped, "dropped")):
        number = sum(isinstance(c, kind) for c in columns)
        if number:
            counts.append(f"{number:,} {word}")
    notes = [f"columns: {', '.join(counts)}; the network reads {made.preprocessor.n_features:,} features"]
    target = made.preprocessor.target
    if isinstance(target, ClassTarget):
        y = np.concatenate([p.y for p in made.parts.values()])
        found = np.bincount(y, minlength=len(target.labels))
        listed = [f"{name} {n:,}" for name, n in zip(target.names, found, strict=True)]
        shown = ", ".join(listed[:12]) + (", …" if len(listed) > 12 else "")
        notes.append(f"classes: {len(listed)} ({shown})")
    sizes = ", ".join(f"{len(part):,} {name}" for name, part in made.parts.items())
    notes.append(f"rows: {sizes}")
    return notes


def fingerprint(data: Table | Dataset) -> str:
    """SHA-256 over names and cells, the same for the same data in another format."""
    digest = hashlib.sha256()

    def add(name: Sequence[Any], *arrays: Array) -> None:
        digest.update(json.dumps([*name, *(f"{a.dtype.str}{a.shape}" for a in arrays)]).encode())
        for a in arrays:
            if a.dtype.kind in "fiub":
                digest.update(np.ascontiguousarray(a).data)
            else:
                digest.update(json.dumps(a.tolist()).encode())

    if isinstance(data, Table):
        for c in data:
            add([c.name, c.kind, *c.levels], c.values)
    else:
        add([data.target_name, *data.feature_names], data.X, data.y)
        if data.test is not None:
            add(["test"], data.test.X, data.test.y)
    return digest.hexdigest()
