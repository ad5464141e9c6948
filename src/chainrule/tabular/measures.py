"""What a network's outputs mean for a table, and how good they are; needs NumPy only.

R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)². Log loss: mean −ln p of the true class, p not below 2.2e-16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Preprocessor
from ..evaluate import Confusion
from ..train import Model
from ..train.samples import Array
from .preparation import Part


@dataclass(frozen=True)
class Prediction:
    """values: class numbers (n,), or numbers (n,) in the units of the data; probabilities: (n, K) for classes."""

    values: Array
    probabilities: Array | None = None


@dataclass(frozen=True)
class Judged:
    """Measures of one part, and what a picture needs: the confusion matrix, or true and predicted numbers."""

    measures: dict[str, float]
    confusion: Confusion | None = None
    residuals: tuple[Array, Array] | None = None

    def by_class(self) -> dict[str, Any]:
        """Labels, counts [true class][predicted class] and measures of each class as plain JSON; empty for numbers."""
        return {} if self.confusion is None else self.confusion.to_json()


def predict(model: Model, preprocessor: Preprocessor, X: Array, codes: Array) -> Prediction:
    """Predict encoded rows."""
    Yhat = model.predict(X, codes if codes.shape[1] else None)
    if preprocessor.task == "regression":
        return Prediction(preprocessor.decode_target(Yhat[:, 0]))
    P = np.column_stack([1 - Yhat[:, 0], Yhat[:, 0]]) if Yhat.shape[1] == 1 else Yhat
    return Prediction(P.argmax(axis=1), P)


def judge(model: Model, preprocessor: Preprocessor, part: Part) -> Judged:
    """Predict a part and compare."""
    found = predict(model, preprocessor, part.X, part.codes)
    if found.probabilities is None:
        y = preprocessor.decode_target(part.y)
        return Judged(regression(y, found.values), residuals=(y, found.values))
    names = preprocessor.class_names or ()
    K = len(names)
    matrix = np.bincount(part.y * K + found.values, minlength=K * K).reshape(K, K)
    confusion = Confusion(matrix, _distinct(names))
    return Judged(classification(confusion, part.y, found.probabilities), confusion)


def classification(confusion: Confusion, y: Array, P: Array) -> dict[str, float]:
    """Accuracy, error rate, macro means over the classes, log loss."""
    macro = confusion.average("macro")
    p = P[np.arange(len(y)), y].astype(np.float64)
    return {
        "samples": len(y),
        "accuracy": confusion.accuracy,
        "error_rate": confusion.error_rate,
        "recall_macro": macro.recall,
        "precision_macro": macro.precision,
        "f1_macro": macro.f_score,
        "log_loss": float(-np.log(np.maximum(p, np.finfo(np.float64).eps)).mean()),
    }


def regression(y: Array, yhat: Array) -> dict[str, float]:
    """R² (left out where the true values are all equal), root mean squared, mean and largest absolute error."""
    r = np.asarray(y, np.float64) - np.asarray(yhat, np.float64)
    spread = float(((y - y.mean()) ** 2).sum())
    found: dict[str, float] = {"samples": len(r)}
    if spread > 0:
        found["r2"] = 1 - float((r**2).sum()) / spread
    return found | {
        "rmse": float(np.sqrt(np.mean(r**2))),
        "mae": float(np.abs(r).mean()),
        "max_error": float(np.abs(r).max()),
    }


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if len(set(names)) == len(names) else tuple(f"{k}: {name}" for k, name in enumerate(names))


def watched(preprocessor: Preprocessor) -> dict[str, Any]:
    """The measure shown after every epoch: accuracy, or R² (the same in standardized units; of equal true values 1 if
    exact, else 0)."""
    if preprocessor.task == "regression":
        return {"r2": _r2}
    return {"accuracy": _accuracy}


def _accuracy(y: Array, Yhat: Array) -> float:
    if Yhat.shape[1] == 1:
        return float(((Yhat[:, 0] > 0.5) == (y.reshape(-1) >= 0.5)).mean())
    return float((Yhat.argmax(axis=1) == y).mean())


def _r2(y: Array, Yhat: Array) -> float:
    spread = float(((y - y.mean()) ** 2).sum())
    rest = float(((y - Yhat) ** 2).sum())
    return 1 - rest / spread if spread > 0 else float(rest == 0)
