"""The confusion matrix and the measures that are read off it.

Rows are true classes, columns predicted classes. With C the matrix, N = ΣΣ C and, for class k against the rest,
TP = C_kk, FN = row sum − TP, FP = column sum − TP, TN = N − TP − FN − FP:

    overall accuracy = # correctly classified / # samples = Σ C_kk / N        error rate = 1 − overall accuracy
    class accuracy   = (TP + TN) / N
    class recall     = TP / (TP + FN)                                         class precision = TP / (TP + FP)
    F_β              = (1 + β²) TP / ((1 + β²) TP + β² FN + FP)

Source of the names: TSM_DeepLearn, Back-Propagation, slide "Model Selection / Performance Measures". scikit-learn has
the same measures for label vectors only; a printed matrix has none, so the formulas stand here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ConfigurationError, DataError, unknown_name
from chainrule.evaluate.labels import class_labels, positions, two_label_vectors
from chainrule.evaluate.text_table import aligned

Vector = NDArray[np.float64]
AverageKind = Literal["macro", "micro", "weighted"]


class Averages(NamedTuple):
    """Precision, recall and F-score averaged over the classes; each in [0, 1]."""

    precision: float
    recall: float
    f_score: float


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of (true class, predicted class) pairs.

    matrix: shape (K, K), whole numbers ≥ 0, rows = true class, columns = predicted class; kept as a read-only int64
        copy. A matrix printed the other way round is given transposed.
    labels: the K class names in the order of rows and columns; 0..K−1 if left out.

    Every quotient 0/0 (a class without samples, or never predicted) has the value 0, as with scikit-learn's
    `zero_division=0`, and is named in `notes`. Raises DataError for a matrix that is not square, not of counts, or
    empty, and for labels that do not fit it.

    >>> Confusion([[8, 2], [1, 9]], ["cat", "dog"]).accuracy
    0.85
    """

    matrix: NDArray[np.int64]
    labels: tuple[Any, ...]

    def __init__(self, matrix: ArrayLike, labels: ArrayLike | None = None) -> None:
        counts = _counts(matrix)
        names = np.arange(len(counts)) if labels is None else class_labels(labels)
        if len(names) != len(counts):
            raise DataError(f"{len(names)} labels were given for a confusion matrix of {len(counts)} classes.")
        object.__setattr__(self, "matrix", counts)
        object.__setattr__(self, "labels", tuple(names.tolist()))

    @classmethod
    def from_predictions(cls, y_true: ArrayLike, y_pred: ArrayLike, labels: ArrayLike | None = None) -> Confusion:
        """Count the pairs of two label vectors of shape (n,).

        labels: the classes in the order wanted; otherwise all that occur, sorted. Raises DataError for lengths that
        differ, missing values and labels that are not among `labels`.
        """
        true, predicted = two_label_vectors(y_true, y_pred)
        classes = class_labels(labels, true, predicted)
        rows, columns = positions(true, classes, "y_true"), positions(predicted, classes, "y_pred")
        pairs = np.bincount(rows * classes.size + columns, minlength=classes.size**2)
        return cls(pairs.reshape(classes.size, classes.size), classes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Confusion):
            return NotImplemented
        return self.labels == other.labels and np.array_equal(self.matrix, other.matrix)

    __hash__ = None  # type: ignore[assignment]

    @property
    def samples(self) -> int:
        """Number of samples N."""
        return int(self.matrix.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """True samples per class, TP + FN; shape (K,)."""
        return np.asarray(self.matrix.sum(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Predictions per class, TP + FP; shape (K,)."""
        return np.asarray(self.matrix.sum(axis=0))

    @property
    def accuracy(self) -> float:
        """Overall accuracy: # correctly classified / # samples."""
        return int(np.trace(self.matrix)) / self.samples

    @property
    def error_rate(self) -> float:
        """1 − overall accuracy, computed as # wrongly classified / # samples so that nothing cancels."""
        return (self.samples - int(np.trace(self.matrix))) / self.samples

    @property
    def class_accuracy(self) -> Vector:
        """(TP + TN) / # samples of each class against the rest, mostly TN for many classes; shape (K,)."""
        wrong = self.support + self.predicted - 2 * np.diagonal(self.matrix)
        return (self.samples - wrong) / self.samples

    @property
    def recall(self) -> Vector:
        """TP / (TP + FN) per class; shape (K,)."""
        return _quotient(np.diagonal(self.matrix), self.support)

    @property
    def precision(self) -> Vector:
        """TP / (TP + FP) per class; shape (K,)."""
        return _quotient(np.diagonal(self.matrix), self.predicted)

    def f_score(self, beta: float = 1.0) -> Vector:
        """F_β per class, the harmonic mean of precision and recall with recall weighted β times; shape (K,)."""
        if not (math.isfinite(beta) and beta > 0):
            raise ConfigurationError(f"beta is {beta!r}, but an F-score needs a finite number above 0.")
        correct = np.diagonal(self.matrix)
        b2 = beta * beta
        # (1+β²)TP + β²FN + FP = β²(TP + FN) + (TP + FP)
        return _quotient((1 + b2) * correct, b2 * self.support + self.predicted)

    def average(self, kind: AverageKind, beta: float = 1.0) -> Averages:
        """Average precision, recall and F_β over the classes.

        macro: plain mean of the classes. weighted: mean weighted by support. micro: from TP, FP and FN summed over the
        classes; since every sample has one label, all three equal the overall accuracy.
        """
        scores = (self.precision, self.recall, self.f_score(beta))
        if kind == "macro":
            return Averages(*(float(score.mean()) for score in scores))
        if kind == "weighted":
            return Averages(*(float(score @ self.support) / self.samples for score in scores))
        if kind == "micro":
            return Averages(self.accuracy, self.accuracy, self.accuracy)
        raise unknown_name("average", kind, ["macro", "micro", "weighted"])

    @property
    def notes(self) -> list[str]:
        """One sentence for each measure that is 0/0 for some class and therefore set to 0."""
        never_true = [label for label, n in zip(self.labels, self.support, strict=True) if n == 0]
        never_predicted = [label for label, n in zip(self.labels, self.predicted, strict=True) if n == 0]
        notes = []
        if never_true:
            notes.append(f"No sample has the true class {_listed(never_true)}: its recall is 0/0, set to 0.")
        if never_predicted:
            notes.append(f"Class {_listed(never_predicted)} was never predicted: its precision is 0/0, set to 0.")
        return notes

    def most_confused(self, count: int = 10) -> list[tuple[Any, Any, int]]:
        """The most frequent mistakes as (true label, predicted label, number of samples), most frequent first."""
        wrong = self.matrix.copy()
        np.fill_diagonal(wrong, 0)
        size = len(self.labels)
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        pairs = [(int(place) // size, int(place) % size) for place in order]
        return [(self.labels[i], self.labels[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j] > 0]

    def table(self) -> list[list[str]]:
        """Rows for printing: a header, one row per true class with its counts and total, and the column totals."""
        header = ["true \\ predicted", *map(str, self.labels), "total"]
        body = [
            [str(label), *map(str, row), str(row.sum())] for label, row in zip(self.labels, self.matrix, strict=True)
        ]
        return [header, *body, ["total", *map(str, self.predicted), str(self.samples)]]

    def class_rows(self, beta: float = 1.0) -> list[dict[str, Any]]:
        """One mapping per class: label, support, recall, precision, f_score, accuracy (one class against the rest)."""
        columns = (self.support, self.recall, self.precision, self.f_score(beta), self.class_accuracy)
        names = ("support", "recall", "precision", "f_score", "accuracy")
        return [
            {"label": label, **{name: column[k].item() for name, column in zip(names, columns, strict=True)}}
            for k, label in enumerate(self.labels)
        ]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, text, lists and mappings, ready for `json.dumps`."""
        kinds: tuple[AverageKind, ...] = ("macro", "micro", "weighted")
        return {
            "labels": list(self.labels),
            "matrix": self.matrix.tolist(),
            "samples": self.samples,
            "accuracy": self.accuracy,
            "error_rate": self.error_rate,
            "classes": self.class_rows(),
            "average": {kind: self.average(kind)._asdict() for kind in kinds},
            "notes": self.notes,
        }

    def __str__(self) -> str:
        correct = int(np.trace(self.matrix))
        return "\n".join(
            [*aligned(self.table()), f"accuracy {self.accuracy:.4f} ({correct} of {self.samples} samples)"]
        )


def _counts(matrix: ArrayLike) -> NDArray[np.int64]:
    """Return a read-only int64 copy of a square matrix of counts."""
    given = np.asarray(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.size == 0:
        raise DataError(
            f"a confusion matrix of shape {given.shape} was given, but it needs one row and one column per class."
        )
    if given.dtype.kind not in "biuf":
        raise DataError(f"a confusion matrix holds values of type {given.dtype}, but its entries are counts.")
    bad = np.argwhere(~(np.isfinite(given) & (given >= 0) & (given < 2**53) & (given == np.floor(given))))
    if len(bad):
        i, j = bad[0]
        raise DataError(f"row {i}, column {j} of the confusion matrix is {given[i, j]}, but counts are whole, ≥ 0.")
    counts = given.astype(np.int64)
    if counts.sum() == 0:
        raise DataError("the confusion matrix is all zeros, but at least one sample is needed.")
    counts.flags.writeable = False
    return counts


def _quotient(numerator: NDArray[Any], denominator: NDArray[Any]) -> Vector:
    """numerator / denominator with 0/0 = 0."""
    return np.asarray(np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator > 0))


def _listed(labels: list[Any], shown: int = 5) -> str:
    return ", ".join(repr(label) for label in labels[:shown]) + (", …" if len(labels) > shown else "")
