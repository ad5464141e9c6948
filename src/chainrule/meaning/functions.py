"""Functions that formulas call by name: elementary ones and activations from the ops, sums, norms, products."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..graph import OPS
from ..notation.formula import Formula, Number, Symbol
from ..ops import ACTIVATIONS
from .context import Context
from .tape import Function, function
from .values import Value, dot, entrywise, misfit, outer, product, undefined

NOT_ENTRYWISE = "is not entry by entry"
NAMES = {
    "ln": "log",
    "sigma": "sigmoid",
    "sig": "sigmoid",
    "logistic": "sigmoid",
    "linear": "identity",
    "softMax": "softmax",
    "absolute": "abs",
}


def named(name: str) -> Function | None:
    """The function of one matrix that a name stands for everywhere: ln, exp, σ, tanh, softmax, …"""
    key = NAMES.get(name, name)
    if key in ACTIVATIONS:
        return function(key, ACTIVATIONS[key])
    op = OPS.get(key)
    if op is not None and op.pointwise and op.arity == 1 and key not in ("negate", "clip"):
        return function(key, op)
    return None


def applied(f: Function, x: Value, order: int, *, rows: bool = False, width: int = 0) -> Value:
    """A function, or its derivative of an order, of a value; rows: samples are rows.

    A function that is not entry by entry, such as the soft-max, has no derivative entry by entry and needs the whole
    column (`width` entries, where known).
    """
    if f.pointwise:
        return Value(f(x.array, order), x.labels, flat=x.flat)
    if order:
        raise undefined(f"{_spoken(f.name)} {NOT_ENTRYWISE}")
    if x.is_scalar and width != 1:
        raise undefined(f"{_spoken(f.name)} of a single number")
    y = f(x.T.array if rows else x.array)
    return Value(np.swapaxes(y, -1, -2) if rows else y, x.labels)


def _spoken(name: str) -> str:
    return {"softmax": "soft-max", "log_softmax": "log-soft-max"}.get(name, name)


REDUCTIONS = frozenset({"sum", "mean", "average"})
OTHERS = frozenset({"max", "min", "norm", "outer", "diag", "trace", "tr", "dot", "matmul", "multiply", "transpose"})


def is_known(name: str) -> bool:
    """Whether a name is a function in every text."""
    return name in REDUCTIONS or name in OTHERS or named(name) is not None


def call(c: Context, name: str, order: int, values: tuple[Value, ...], options: Mapping[str, Formula]) -> Value:
    """Apply a function that has a name everywhere; raises `NoValueError` for one that has none."""
    if name in REDUCTIONS:
        return _reduced(name, values, options)
    if name in OTHERS and not order:
        return _other(c, name, values)
    f = named(name)
    if f is None:
        raise undefined(f"{name} is not a function here")
    if len(values) != 1:
        raise undefined(f"{name} of {len(values)} arguments")
    return applied(f, values[0], order, rows=c.convention.rows)


def _reduced(name: str, values: tuple[Value, ...], options: Mapping[str, Formula]) -> Value:
    x = values[0]
    axis = options.get("axis")
    if axis is None and len(values) == 2 and values[1].is_scalar:
        number = float(values[1].array.real[0, 0])
    elif axis is None or (isinstance(axis, Symbol) and axis.name == "None"):
        number = None
    elif isinstance(axis, Number):
        number = float(axis.value)
    else:
        number = -9.0
    if number is None:
        total, count = x.array.sum(axis=(-2, -1), keepdims=True), x.shape[0] * x.shape[1]
    elif number in (0, 1, -1, -2):
        along = -2 if number in (0, -2) else -1
        total, count = x.array.sum(axis=along, keepdims=True), x.array.shape[along]
    else:
        raise undefined(f"{name} along an axis that is neither 0 nor 1")
    keep = options.get("keepdims")
    kept = keep is not None and (keep == Symbol("True") or (isinstance(keep, Number) and keep.value == 1))
    return Value(total if name == "sum" else total / count, x.labels, flat=number in (1, -1) and not kept)


def _other(c: Context, name: str, values: tuple[Value, ...]) -> Value:
    x = values[0]
    if len(values) == 2:
        y = values[1]
        match name:
            case "outer":
                return outer(x, y)
            case "dot":
                return dot(x, y)
            case "matmul":
                return product(x, y)
            case "multiply":
                return entrywise(x, y, np.multiply)
            case "max" | "min":
                return entrywise(x, y, OPS["maximum" if name == "max" else "minimum"].forward)
    if len(values) != 1:
        raise undefined(f"{name} of {len(values)} arguments")
    match name:
        case "norm":
            return Value(np.sqrt((x.array * x.array).sum(axis=(-2, -1), keepdims=True)), x.labels)
        case "transpose":
            return x.T
        case "diag":
            return _diag(x)
        case "trace" | "tr":
            if x.shape[0] != x.shape[1]:
                raise misfit(f"trace of {x.shape[0]} × {x.shape[1]}")
            return Value(np.trace(x.array, axis1=-2, axis2=-1)[..., None, None], x.labels)
        case "max" | "min":
            flat = x.array.reshape((*x.array.shape[:-2], -1))
            at = (np.argmax if name == "max" else np.argmin)(flat.real, axis=-1)[..., None]
            return Value(np.take_along_axis(flat, at, axis=-1)[..., None], x.labels)
    raise undefined(f"{name} of {len(values)} arguments")


def _diag(x: Value) -> Value:
    rows, cols = x.shape
    if 1 in (rows, cols):
        entries = x.array.reshape((*x.array.shape[:-2], 1, rows * cols))
        return Value(entries * np.eye(rows * cols), x.labels)
    if rows != cols:
        raise misfit(f"diagonal of {rows} × {cols}")
    return Value(np.diagonal(x.array, axis1=-2, axis2=-1)[..., None], x.labels)
