"""Metrics by their Keras names: functions of the targets and of Ŷ (N, n_L)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import unknown_name

Array = npt.NDArray[Any]
Metric = Callable[[Array, Array], float]


def _accuracy(y: Array, Yhat: Array) -> float:
    """Share of samples whose class is right; of yes/no outputs, share of outputs on the right side of 1/2."""
    if y.ndim == 1:
        return float(np.mean(Yhat.argmax(axis=1) == y))
    if Yhat.shape[1] == 1:
        return float(np.mean((Yhat > 0.5) == (y > 0.5)))
    return float(np.mean(Yhat.argmax(axis=1) == y.argmax(axis=1)))


def _binary_accuracy(y: Array, Yhat: Array) -> float:
    return float(np.mean((Yhat > 0.5) == (y > 0.5)))


def _mse(y: Array, Yhat: Array) -> float:
    return float(np.mean((_as_matrix(y, Yhat) - Yhat) ** 2))


def _mae(y: Array, Yhat: Array) -> float:
    return float(np.mean(np.abs(_as_matrix(y, Yhat) - Yhat)))


def _as_matrix(y: Array, Yhat: Array) -> Array:
    return np.equal(y[:, None], np.arange(Yhat.shape[1])) if y.ndim == 1 else y


METRICS: Mapping[str, Metric] = {
    "accuracy": _accuracy,
    "binary_accuracy": _binary_accuracy,
    "mse": _mse,
    "mae": _mae,
}
ALIASES = {
    "acc": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
}


def metric(given: str | Metric) -> tuple[str, Metric]:
    if not isinstance(given, str):
        return getattr(given, "__name__", "metric"), given
    name = ALIASES.get(given, given)
    if name not in METRICS:
        raise unknown_name("metric", given, METRICS)
    return given if given in METRICS else name, METRICS[name]
