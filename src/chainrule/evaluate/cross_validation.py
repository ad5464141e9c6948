"""k-fold cross validation: fit and score on every fold, report each and mean ± standard deviation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.evaluate.splits import Fold, Indices
from chainrule.evaluate.text_table import aligned

FitAndScore = Callable[[Indices, Indices], Mapping[str, Any]]


@dataclass(frozen=True)
class CrossValidation:
    """Measures of every fold.

    folds: one mapping from measure to number per fold, all with the same measures. mean: their arithmetic mean.
    std: the sample standard deviation over the folds, with ddof = 1 (divided by k − 1); NaN for one fold. It tells how
    much folds differ, not how sure the mean is: folds share training samples. notes: what the folds reported.
    """

    folds: tuple[dict[str, float], ...]
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> dict[str, float]:
        return {name: float(np.mean([fold[name] for fold in self.folds])) for name in self.folds[0]}

    @property
    def std(self) -> dict[str, float]:
        if len(self.folds) < 2:
            return dict.fromkeys(self.folds[0], math.nan)
        return {name: float(np.std([fold[name] for fold in self.folds], ddof=1)) for name in self.folds[0]}

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, lists and mappings, ready for `json.dumps`; NaN becomes None."""

        def plain(values: Mapping[str, float]) -> dict[str, float | None]:
            return {name: value if math.isfinite(value) else None for name, value in values.items()}

        return {
            "folds": [plain(fold) for fold in self.folds],
            "mean": plain(self.mean),
            "std": plain(self.std),
            "ddof": 1,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        names = list(self.folds[0])
        rows = [["fold", *names]]
        rows += [[str(k), *(f"{fold[name]:.6g}" for name in names)] for k, fold in enumerate(self.folds, start=1)]
        rows += [[kind, *(f"{values[name]:.6g}" for name in names)] for kind, values in self._summary()]
        footer = f"{len(self.folds)} folds; standard deviation over the folds with ddof = 1."
        return "\n".join([*aligned(rows), footer, *self.notes])

    def _summary(self) -> list[tuple[str, dict[str, float]]]:
        return [("mean", self.mean), ("± std", self.std)]


def cross_validate(fit_and_score: FitAndScore, folds: Iterable[Fold]) -> CrossValidation:
    """Call `fit_and_score(train, validation)` with the index arrays of every fold and collect its measures.

    fit_and_score: trains a fresh model on the samples `train` and returns its measures on `validation` as a mapping
    from name to number; `classification_measures` and `regression_measures` give one. An entry `notes` (sentences) is
    collected. A measure that some folds lack is left out, which a note says.

    Raises DataError without folds, and for a measure that is no number.
    """
    measured: list[dict[str, float]] = []
    notes: list[str] = []
    for place, (train, validation) in enumerate(folds, start=1):
        result = dict(fit_and_score(train, validation))
        notes += [f"fold {place}: {note}" for note in result.pop("notes", ())]
        measured.append({name: _number(value, name, place) for name, value in result.items()})
    if not measured:
        raise DataError("there are no folds to cross validate on: give at least one pair of index arrays.")
    everywhere = [name for name in measured[0] if all(name in fold for fold in measured)]
    partial = sorted({name for fold in measured for name in fold} - set(everywhere))
    if partial:
        notes.append(f"{', '.join(partial)}: not reported by every fold, so left out.")
    if not everywhere:
        raise DataError("fit_and_score returned no measure that every fold has: return the same names for each fold.")
    return CrossValidation(tuple({name: fold[name] for name in everywhere} for fold in measured), tuple(notes))


def _number(value: Any, name: str, place: int) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"measure {name!r} of fold {place} is {value!r}, but a number is needed.") from error
