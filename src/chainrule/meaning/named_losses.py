"""Losses that texts call by name with their arguments: CE(y, ŷ), BCE, H(p, q), KL(p, q), MSE."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..graph import variable
from ..nn.losses import loss as loss_of
from ..notation.formula import Call, Formula, Symbol
from .tape import Tape
from .values import SAMPLE, Labels, Value, misfit, size, spread

NAMED: Mapping[str, str] = {
    "CE": "cross_entropy",
    "H": "cross_entropy",
    "NLL": "cross_entropy",
    "KL": "cross_entropy",
    "BCE": "binary_cross_entropy",
    "MSE": "mean_squared",
    "SSE": "sum_of_squares",
    "MAE": "absolute",
}


def in_order(name: str, arguments: tuple[Formula, ...]) -> tuple[Formula, Formula]:
    """Output and target: ŷ, a soft-max or the last activation is the output; else, as in H(p, q), the second."""
    first, second = arguments
    return (first, second) if _is_output(first) and not _is_output(second) else (second, first)


def _is_output(part: Formula) -> bool:
    if isinstance(part, Call):
        return True  # σ(z), softmax(z)
    base = next((x for x in part.parts if isinstance(x, Symbol)), None)
    return base is not None and base.name in ("yhat", "Yhat", "a", "A")


@lru_cache(maxsize=32)
def _tape(name: str) -> Tape:
    return Tape(loss_of(name).per_sample(variable("Yhat", "n", "m"), variable("Y", "n", "m")))


def value_of(name: str, yhat: Value, y: Value, *, rows: bool = False, one: bool = False) -> Value:
    """The loss of every column; KL(p, q) = H(p, q) - H(p, p). Of one output the cross-entropy is the binary one."""
    if rows:
        yhat, y = yhat.T, y.T
    if yhat.shape != y.shape:
        raise misfit(f"{size(yhat.shape)} against {size(y.shape)}")
    kind = NAMED[name]
    if kind == "cross_entropy" and yhat.shape[0] == 1:
        kind = "binary_cross_entropy"
    union: Labels = tuple(dict.fromkeys(yhat.labels + y.labels))
    target = spread(y, union)
    losses = _tape(kind)({"Yhat": spread(yhat, union), "Y": target})
    if name == "KL":
        losses = losses - _tape(kind)({"Yhat": target, "Y": target})
    if losses.shape[-1] != 1:
        losses, union = np.moveaxis(losses, -1, 0)[..., None], (SAMPLE, *union)
    value = Value(losses, union)
    if name in _MEANS and SAMPLE in union and not one:
        return Value(value.last(SAMPLE).mean(axis=-1), value.without(SAMPLE))
    return value


_MEANS = frozenset({"MSE", "MAE"})  # of all samples too
