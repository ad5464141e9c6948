"""A trained run applied to other data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data import BUILTIN, Dataset, Preprocessor, Table, from_frame, is_frame, read_data
from ..data.targets import NumberTarget
from ..errors import DataError, ModelFileError
from ..train import Model, load_model
from ..train.samples import Array
from .measures import Judged, Prediction, judge, predict
from .preparation import Part, fingerprint

_ROWS = 10_000  # rows per piece of a CSV text


@dataclass(frozen=True)
class SavedRun:
    """Model and preprocessing of a run; the fingerprint is of the data it was trained on.

    notes  what to know before using it: that its training was interrupted
    """

    model: Model
    preprocessor: Preprocessor
    fingerprint: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: str | Path) -> SavedRun:
        """Read a run folder, or a model file that has its preprocessing in it."""
        folder = Path(path)
        file = folder / "model.safetensors" if folder.is_dir() else folder
        if not file.exists():
            if not folder.is_dir():
                raise ModelFileError(f"{str(folder)!r} does not exist: give the folder of a run, or its model file")
            if any((folder / "checkpoints").glob("checkpoint-*")):
                raise ModelFileError(
                    f"{str(folder)!r} holds checkpoints of a training that was cut off, but no model yet: finish it "
                    f"with chainrule train --resume --out {folder}, or stop that with Ctrl-C to get the model so far"
                )
            raise ModelFileError(
                f"{str(folder)!r} holds no model.safetensors: give the folder of a run, or its model file"
            )
        if file.parent.name == "checkpoints" and file.name.startswith("checkpoint-"):
            run = file.parent.parent
            raise ModelFileError(
                f"{str(file)!r} is a checkpoint, a state of the training: give the run {str(run)!r}, and if it has no "
                f"model yet, finish it with chainrule train --resume --out {run}"
            )
        model, extra = load_model(file)
        if "preprocessor" not in extra:
            raise ModelFileError(f"{str(file)!r} was saved without preprocessing: give a model of a table's training")
        preprocessor = Preprocessor.from_json(extra["preprocessor"])
        wanted = [levels for _, levels in preprocessor.embeddings]
        outputs = 1 if preprocessor.class_names is None else len(preprocessor.class_names)
        network = model.network
        if (
            network.inputs != preprocessor.n_features
            or [levels for levels, _ in network.embeddings] != wanted
            or (network.outputs != outputs and not (outputs == 2 and network.outputs == 1))
        ):
            raise ModelFileError(
                f"{str(file)!r}: its preprocessing and its network do not fit together: train it again"
            )
        trained_on = extra.get("fingerprint")
        notes: tuple[str, ...] = ()
        if isinstance(extra.get("unfinished"), str):
            notes = (f"the training of {str(folder)!r} was interrupted: these are {extra['unfinished']}",)
        return cls(model, preprocessor, trained_on if isinstance(trained_on, str) else None, notes)

    def read(
        self, source: str, *, separator: str | None = None, decimal: str | None = None
    ) -> tuple[Table | Dataset, list[str]]:
        """Read data for this run, and notes; of data that come with a test part, that part is taken."""
        known = [*(c.name for c in self.preprocessor.columns), self.preprocessor.target_name]
        texts = self._texts(source)
        data = read_data(source, separator=separator, decimal=decimal, categories=texts, needed=known)
        notes = []
        same = self.fingerprint == fingerprint(_only(data, known) if isinstance(data, Table) else data)
        if isinstance(data, Dataset) and data.test is not None:
            notes.append(
                f"{data.name!r} has {len(data.y):,} training and {len(data.test.y):,} test samples; these last"
            )
            return data.test, notes
        if same:
            notes.append("these are the data the run was trained on: only the measures of its test part are honest")
        return data, notes

    def _texts(self, source: str) -> tuple[str, ...]:
        if source in BUILTIN:
            return ()
        texts = list(self.preprocessor.category_columns)
        target = self.preprocessor.target
        if not isinstance(target, NumberTarget) and isinstance(target.labels[0], str):
            texts.append(target.name)
        return tuple(texts)

    def table(self, data: Any) -> tuple[Table | Dataset | Array, list[str]]:
        """Data in any form as `predict` needs them, and notes.

        data  a `Table` or `Dataset`; a DataFrame of pandas or polars, or a mapping from names to columns; an array
              (n, columns of the training data) if all are numbers; or the path of a file, as in `read`
        """
        if isinstance(data, str | Path):
            return self.read(str(data))
        if not isinstance(data, Table | Dataset | np.ndarray) and is_frame(data):
            known = [*(c.name for c in self.preprocessor.columns), self.preprocessor.target_name, "id", "Id", "ID"]
            made = from_frame(data, needed=known, categories=self._texts(""))
            return made, list(made.notes)
        return data, []

    def predict(self, data: Any) -> tuple[Prediction, list[str]]:
        """Predictions for all rows of `data` in any form of `table`, and notes on what training had not.

        `.values` are numbers in the units of the data, or class numbers 0..K-1 into `preprocessor.classes`;
        `.probabilities` (n, K).
        """
        data, notes = self.table(data)
        encoded = self.preprocessor.transform(data, dtype=self.model.dtype)
        return predict(self.model, self.preprocessor, encoded.X, encoded.codes), notes + encoded.notes

    def evaluate(self, data: Any) -> tuple[Judged, list[str]]:
        """Measures on the rows of `data`, in any form of `table` but a bare array, that have a target; and notes."""
        data, notes = self.table(data)
        if not isinstance(data, Table | Dataset):
            raise DataError("an array has no target: give a table, a DataFrame, or the path of a file to evaluate")
        rows = None
        if isinstance(data, Table):
            if self.preprocessor.target_name not in data:
                raise DataError(
                    f"table {data.name!r} lacks the target column {self.preprocessor.target_name!r}: "
                    "add it, or use predict"
                )
            rows = self.preprocessor.labeled_rows(data)
            if not len(rows):
                raise DataError(f"target {self.preprocessor.target_name!r} is missing in all rows: use predict")
            if len(rows) < data.n_rows:
                notes.append(f"{data.n_rows - len(rows):,} of {data.n_rows:,} rows have no target and are left out")
        encoded = self.preprocessor.transform(data, rows, dtype=self.model.dtype)
        y = self.preprocessor.encode_target(data, rows)
        judged = judge(self.model, self.preprocessor, Part(encoded.X, encoded.codes, y))
        return judged, notes + encoded.notes

    def csv(self, data: Table | Dataset, found: Prediction, *, probabilities: bool = False) -> Iterator[str]:
        """The predictions as CSV text in pieces: row number (or the column id), prediction, probabilities."""
        name, ids = _identifiers(data)
        names = self.preprocessor.class_names
        header: list[object] = [name, "prediction"]
        if names is not None and probabilities:
            header += [f"probability_{n}" for n in names]
        yield _lines([header])
        for start in range(0, len(found.values), _ROWS):
            part = slice(start, start + _ROWS)
            values = found.values[part]
            shown = [f"{v:.9g}" for v in values] if names is None else [names[k] for k in values]
            columns: list[list[object]] = [list(ids[part]), list(shown)]
            if probabilities and found.probabilities is not None:
                columns += [[f"{p:.6g}" for p in column] for column in found.probabilities[part].T]
            yield _lines(list(map(list, zip(*columns, strict=True))))


def _only(table: Table, names: Sequence[str]) -> Table:
    """The table without columns that training did not have."""
    kept = tuple(column for column in table if column.name in names)
    return Table(table.name, kept) if kept else table


def _identifiers(data: Table | Dataset) -> tuple[str, list[object] | Array]:
    """The column that is called id (in any case), else row numbers from 1."""
    if isinstance(data, Table):
        for column in data:
            if column.name.lower() == "id" and not column.n_missing:
                codes, texts = column.texts()
                return column.name, [texts[k] for k in codes]
        return "row", np.arange(1, data.n_rows + 1)
    return "row", np.arange(1, len(data.y) + 1)


def _lines(rows: list[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
