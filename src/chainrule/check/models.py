"""Gradient checking of a whole model: what its program computes against numeric differences of its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..graph import Node
from .gradients import check_expression
from .report import GradientCheck


class Checkable(Protocol):
    """What is asked of a model; `chainrule.Model` has it."""

    @property
    def cost_expression(self) -> Node: ...
    def samples(self, X: Any, y: Any, weights: Any = None, codes: Any = None) -> Any: ...
    def values(self, s: Any) -> dict[str, npt.NDArray[Any]]: ...
    def gradient(self, s: Any) -> tuple[float, dict[str, npt.NDArray[Any]]]: ...


def check_gradients(
    model: Checkable, X: Any, y: Any, *, weights: Any = None, codes: Any = None, **options: Any
) -> GradientCheck:
    """Check the gradient that trains a model, every parameter block, against numeric differences of its cost J.

    X, y     samples as rows, as for training; dropout masks and batch statistics are those of the current step
    options  of `check_expression`: method "complex", "central" or "forward" (the one-sided difference of the third
             source), directions, step, seed, tolerance

    The gradient judged is the one the program computes, in the model's own precision; the numeric side is float64.
    """
    s = model.samples(X, y, weights, codes)
    _, found = model.gradient(s)
    values: Mapping[str, Any] = {
        n: v.astype(np.float64) if v.dtype.kind == "f" else v for n, v in model.values(s).items()
    }
    return check_expression(model.cost_expression, values, list(found), gradients=found, **options)
