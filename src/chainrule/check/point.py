"""The point where a gradient is checked: what the user gave, verified, and the gradients evaluated there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, DataError, ShapeError, unknown_name
from ..execute import evaluate
from ..execute.direct import sizes_of
from ..graph import SCALAR, Node, rename_dim, variables
from ..laws import simplify
from ..reverse import derive
from .numeric import EPS

Array = npt.NDArray[Any]

CHANGED = 1e-2  # simplifying must not change the cost by more, relatively: a saturated logarithm may


@dataclass(frozen=True)
class Point:
    """The place where gradients are compared.

    blocks   name -> variable, true: derived gradients, judged: derived or given ones, rounding: measured per entry
    slip     measured rounding of the cost, scale: largest derivative of all blocks
    """

    cost: Node
    values: Mapping[str, Array]
    value: float
    blocks: Mapping[str, Node]
    true: Mapping[str, Array]
    judged: Mapping[str, Array]
    rounding: Mapping[str, float]
    slip: float
    scale: float


def point_of(
    cost: Node, values: Mapping[str, Any], wrt: Sequence[str] | None, gradients: Mapping[str, Any] | None
) -> Point:
    """Check what the user gave, bind sizes, derive and evaluate."""
    if cost.shape != SCALAR:
        raise ShapeError(f"check: expected a 1 × 1 cost, received {cost.shape}; sum it, or take its mean")
    leaves = variables(cost)
    arrays = {n: _matrix(f"variable {n}", values[n]) for n in leaves if n in values}
    missing = [n for n in leaves if n not in arrays]
    if missing:
        raise DataError(f"variable {missing[0]} ({leaves[missing[0]].shape}) has no value: give one in `values`")
    sizes = sizes_of(arrays, {n: leaf.shape for n, leaf in leaves.items()})
    names = _wanted(leaves, wrt, gradients)

    simple = simplify(cost)
    found = variables(simple)
    derivation = derive(simple, [found[n] for n in names if n in found])
    derived = [derivation.of(found.get(n, leaves[n])) for n in names]
    written, lean, *bound = _bound([cost, simple, *derived], sizes)
    with np.errstate(all="ignore"):  # float32 may overflow: then nothing was measured
        wide = [np.asarray(a) for a in evaluate([written, lean, *bound], arrays)]
        narrow = [a.astype(np.float64) for a in evaluate([lean, *bound], arrays, np.float32)]
    as_written, value = float(wide[0].item()), float(wide[1].item())
    if math.isfinite(as_written) and not abs(as_written - value) <= CHANGED * max(abs(value), abs(as_written)):
        lean, value = written, as_written  # a law was wrong here: what was written is what counts
    if not math.isfinite(value):
        raise DataError(f"the cost is {value} at these values: gradients can be checked only where it is finite")

    true = dict(zip(names, wide[2:], strict=True))
    judged = dict(true)
    scale = max((float(np.max(np.abs(g))) for g in true.values()), default=0.0)
    largest = max(1.0, *(float(np.max(np.abs(arrays[n]))) for n, leaf in leaves.items() if leaf.get("kind") == "real"))
    rounding = {}
    for name, low in zip(names, narrow[1:], strict=True):
        kind = np.dtype(np.float64)
        if gradients is not None:
            judged[name], kind = _given(name, gradients[name], true[name].shape)
        sample = np.max(np.abs(low - true[name]))
        sample = sample * float(np.finfo(kind).eps / np.finfo(np.float32).eps) if np.isfinite(sample) else 0.0
        rounding[name] = max(float(sample), 4 * float(np.finfo(kind).eps) * float(np.max(np.abs(true[name]))))
        # A saturated slope such as 1 - tanh² is rounded like 1, in either precision: no sample shows it. What it is
        # multiplied with is at most of the size of a derivative times that of a value.
        rounding[name] = max(rounding[name], float(np.finfo(kind).eps) * scale * largest)
    slip = abs(float(narrow[0].item()) - value) * EPS / float(np.finfo(np.float32).eps)
    blocks = {n: variables(written)[n] for n in names}
    return Point(lean, arrays, value, blocks, true, judged, rounding, slip if math.isfinite(slip) else 0.0, scale)


def _wanted(leaves: Mapping[str, Node], wrt: Sequence[str] | None, gradients: Mapping[str, Any] | None) -> list[str]:
    real = [n for n, leaf in leaves.items() if leaf.get("kind") == "real"]
    if wrt is not None:
        names = [wrt] if isinstance(wrt, str) else list(wrt)
    else:
        names = real if gradients is None else list(gradients)
    for name in names:
        if name not in leaves:
            raise unknown_name("variable", name, leaves)
        if name not in real:
            raise ConfigurationError(
                f"variable {name} is of kind {leaves[name].get('kind')} and has no derivative: check {', '.join(real)}"
            )
        if gradients is not None and name not in gradients:
            raise unknown_name("gradient", name, gradients)
    if not names:
        raise ConfigurationError("there is no variable to check: name one in `wrt`, or give its gradient")
    return list(dict.fromkeys(names))


def _matrix(what: str, given: Any) -> Array:
    """A finite real matrix; floats become float64, integers stay (labels)."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what}: expected real numbers, received {array.dtype}")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    array = np.atleast_2d(array)
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{what}: entry {list(place)} is {array[place]}; only finite numbers can be checked")
    if array.size == 0:
        raise ShapeError(f"{what}: expected at least one entry, received an array of shape {array.shape}")
    return array


def _given(name: str, gradient: Any, shape: tuple[int, ...]) -> tuple[Array, np.dtype[Any]]:
    """A gradient that was given, and the precision in which it was computed."""
    kind = np.asarray(gradient).dtype
    array = _matrix(f"gradient {name}", gradient)
    if array.shape != shape:
        raise ShapeError(
            f"gradient {name}: expected the shape {shape} of the variable, received {np.shape(gradient)}"
            + (", which is its transpose" if array.T.shape == shape else "")
        )
    return array.astype(np.float64), kind if kind.kind == "f" else np.dtype(np.float64)


def _bound(nodes: Sequence[Node], sizes: Mapping[str, int]) -> list[Node]:
    """The expressions with numbers in place of their sizes."""
    bound = list(nodes)
    for symbol, number in sizes.items():
        memo: dict[Node, Node] = {}
        bound = [rename_dim(n, symbol, number, memo) for n in bound]
    return bound
