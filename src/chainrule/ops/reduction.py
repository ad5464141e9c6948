"""Reductions over the rows (axis 0), the columns (axis 1) or both (axis None): sum, max, log-sum-exp; mean is a sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..graph import Node, Op, Shape, broadcast_to, size
from .elementary import exp
from .piecewise import step


def _reduced(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    (a,), axis = shapes, attrs["axis"]
    if axis not in (0, 1, None):
        raise ConfigurationError(
            f"a reduction was asked for axis {axis!r}: use 0 (over rows), 1 (over columns) or None"
        )
    return Shape(1 if axis in (0, None) else a.rows, 1 if axis in (1, None) else a.cols)


def _dims(axis: int | None) -> tuple[int, ...]:
    return (0, 1) if axis is None else (axis,)


total = Op(
    name="sum",
    arity=1,
    equation="c = Σ A",
    shape=_reduced,
    forward=lambda a, axis: np.sum(a, axis=_dims(axis), keepdims=True),
    backward=lambda c, dc: (broadcast_to(dc, c.inputs[0].shape),),
    components="c = Σ_ij A_ij (axis 0: c_j = Σ_i A_ij; axis 1: c_i = Σ_j A_ij)",
    text="sum({0}, axis={axis})",
    latex=r"\sum\nolimits_{{{axis}}}\left({0}\right)",
    doc="Sum over rows, columns or both, dimensions kept: dA = dC repeated along what was summed.",
)


def _max_back(c: Node, dc: Node) -> tuple[Node]:
    a, axis = c.inputs[0], c.get("axis")
    attained = 1 - step(broadcast_to(c, a.shape) - a)
    return (attained * broadcast_to(dc / total(attained, axis=axis), a.shape),)


def _max(a: Any, axis: int | None) -> Any:
    real = np.real(a)
    if axis is None:
        place = np.unravel_index(np.argmax(real), real.shape)
        return np.asarray(a)[place].reshape(1, 1)
    return np.take_along_axis(np.asarray(a), np.argmax(real, axis=axis, keepdims=True), axis=axis)


def _max_kinks(a: Any, axis: int | None) -> Any:
    flat = np.sort(np.real(a), axis=axis) if axis is not None else np.sort(np.real(a), axis=None)[:, None]
    gaps = np.diff(flat, axis=axis or 0)
    return gaps.take([-1], axis=axis or 0) if gaps.size else np.ones((1, 1))


maximum_of = Op(
    name="max",
    arity=1,
    equation="c = max A",
    shape=_reduced,
    forward=_max,
    backward=_max_back,
    components="c = max_ij A_ij (axis 0: c_j = max_i A_ij; axis 1: c_i = max_j A_ij)",
    text="max({0}, axis={axis})",
    latex=r"\max\nolimits_{{{axis}}}\left({0}\right)",
    kinks=_max_kinks,
    doc="Largest entry over rows, columns or both: dA = dC where the maximum is attained, shared equally in a tie.",
)


def _lse(a: Any, axis: int | None) -> Any:
    # Shifting by the real part keeps the function analytic: the shift cancels, whatever its value.
    shift = np.max(np.real(a), axis=_dims(axis), keepdims=True)
    return shift + np.log(np.sum(np.exp(a - shift), axis=_dims(axis), keepdims=True))


def _lse_back(c: Node, dc: Node) -> tuple[Node]:
    a = c.inputs[0]
    return (broadcast_to(dc, a.shape) * exp(a - broadcast_to(c, a.shape)),)


lse = Op(
    name="lse",
    arity=1,
    equation="c = ln Σ e^A",
    shape=_reduced,
    forward=_lse,
    backward=_lse_back,
    components="c_j = ln Σ_i e^A_ij",
    text="lse({0}, axis={axis})",
    latex=r"\operatorname{{lse}}\left({0}\right)",
    doc="Log-sum-exp, finite for every A; its derivative is the soft-max: dA = dC ∘ e^(A - c).",
)


def mean(a: Node, axis: int | None = None) -> Node:
    """Mean over rows (0), columns (1) or both (None): the sum divided by the number of entries, dimensions kept."""
    result = total(a, axis=axis)
    for d in _dims(axis):
        result = result * size(a.shape[d], -1)
    return result
