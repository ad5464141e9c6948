"""Functions that formulas call by name: elementary ones and activations from the ops, sums, norms, products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from .. import ops
from ..graph import OPS, Node
from ..notation.formula import Formula, Negate, Number, Symbol
from ..ops import ACTIVATIONS
from .context import Context
from .tape import Function, function
from .values import (
    NO_NUMBER,
    SAMPLE,
    Array,
    Value,
    bounded,
    dot,
    entrywise,
    inner,
    inverse,
    misfit,
    outer,
    product,
    scalar,
    size,
    undefined,
)

NOT_ENTRYWISE = "is not entry by entry"
NAMES = {
    "ln": "log",
    "sigma": "sigmoid",
    "sig": "sigmoid",
    "logistic": "sigmoid",
    "linear": "identity",
    "softMax": "softmax",
    "swish": "silu",
    "absolute": "abs",
    "sgn": "sign",
    "signum": "sign",
    "heaviside": "step",
    "Heaviside": "step",
}


BY_EXPRESSION: dict[str, Callable[[Node], Node]] = {
    "cosh": lambda x: (ops.exp(x) + ops.exp(-x)) / 2,
    "sinh": lambda x: (ops.exp(x) - ops.exp(-x)) / 2,
    "sech": lambda x: 2 / (ops.exp(x) + ops.exp(-x)),
    "coth": lambda x: 1 / ops.tanh(x),
    "tan": lambda x: ops.sin(x) / ops.cos(x),
    "logit": lambda x: ops.log(x) - ops.log(1 - x),
}


def named(name: str) -> Function | None:
    """The function of one matrix that a name stands for everywhere: ln, exp, σ, tanh, softmax, …"""
    key = NAMES.get(name, name)
    if key in BY_EXPRESSION:
        return function(key, BY_EXPRESSION[key])
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
    if f.name in _OF_POSITIVE and np.any(x.array.real < 0.0):
        raise undefined(NO_NUMBER)  # a complex step would cross the cut of the logarithm
    if f.pointwise:
        return Value(f(x.array, order), x.labels, flat=x.flat)
    if order:
        raise undefined(f"{_spoken(f.name)} {NOT_ENTRYWISE}")
    if x.shape[1 if rows else 0] == 1 and width != 1:
        raise undefined(f"{_spoken(f.name)} of a single number: it {NOT_ENTRYWISE}")
    y = f(x.T.array if rows else x.array)
    return Value(np.swapaxes(y, -1, -2) if rows else y, x.labels)


_OF_POSITIVE = frozenset({"log", "sqrt"})


def _spoken(name: str) -> str:
    return {"softmax": "soft-max", "log_softmax": "log-soft-max"}.get(name, name)


_LOG_SUM_EXP = frozenset({"lse", "LSE", "logsumexp", "logSumExp", "log_sum_exp"})
REDUCTIONS = frozenset({"sum", "mean", "average"}) | _LOG_SUM_EXP
OTHERS = frozenset({"max", "min", "norm", "outer", "diag", "trace", "tr", "dot", "inner", "matmul", "multiply",
                    "transpose", "hessian", "maximum", "minimum", "where", "clip", "reshape", "shape", "vec", "det",
                    "inv", "hstack", "vstack"})  # fmt: skip
COMPARISONS = {"greater": np.greater, "less": np.less, "greater_equal": np.greater_equal, "less_equal": np.less_equal}


def is_known(name: str) -> bool:
    """Whether a name is a function in every text."""
    return name in REDUCTIONS or name in OTHERS or name in COMPARISONS or named(name) is not None


def is_of_columns(name: str) -> bool:
    """Whether a name is a function of whole columns, such as the soft-max."""
    f = named(name)
    return f is not None and not f.pointwise


def call(c: Context, name: str, order: int, values: tuple[Value, ...], options: Mapping[str, Formula]) -> Value:
    """Apply a function that has a name everywhere; raises `NoValueError` for one that has none."""
    if any(v.unit for v in values):
        raise undefined(f"{name} of I, whose size is not known")
    if name in REDUCTIONS or (name in ("max", "min") and len(values) == 1):
        if values[0].is_scalar and SAMPLE in values[0].labels and not options and len(values) == 1 and not c.one:
            each = values[0]  # one number for each sample: sum(L)
            return _reduced(name, (Value(each.last(SAMPLE), each.without(SAMPLE)),), options)
        return _reduced(name, values, options)
    if name == "norm" and options:
        return _norm(values, options)
    if name in OTHERS and not order:
        if options:
            raise undefined(f"{name} with {', '.join(options)}")
        return _other(c, name, values)
    if name in COMPARISONS and len(values) == 2:
        compare = COMPARISONS[name]
        return entrywise(*values, lambda x, y: compare(np.real(x), np.real(y)).astype(float))
    f = named(name)
    if f is None:
        raise undefined(f"{name} is not a function here")
    given = {k: v for k, v in options.items() if k not in _WITHOUT_EFFECT}
    axis = given.pop("axis", given.pop("dim", None))
    if given or (axis is not None and f.pointwise):
        raise undefined(f"{name} with {', '.join(options)}")
    if not f.pointwise and axis is None and len(values) == 2 and values[1].is_scalar and not values[1].labels:
        axis, values = Number(Fraction(round(float(values[1].array.real[0, 0])))), values[:1]
    if len(values) != 1:
        raise undefined(f"{name} of {len(values)} arguments")
    if axis is not None and not order:
        return _along(f, values[0], axis)
    rows = c.convention.rows
    if c.model.free is True and 1 in values[0].shape:  # of a single column or row there is one soft-max
        rows = values[0].shape[0] == 1
    return applied(f, values[0], order, rows=rows)


_WITHOUT_EFFECT = frozenset({"out", "dtype", "inplace", "keepdims", "keepdim"})


def _along(f: Function, x: Value, axis: Formula) -> Value:
    """The soft-max along an axis of the array as it stands; of a single column or row 0 and -1 run along it."""
    number = -axis.operand.value if isinstance(axis, Negate) and isinstance(axis.operand, Number) else None
    number = axis.value if isinstance(axis, Number) else number
    if number not in (0, 1, -1, -2):
        raise undefined(f"{_spoken(f.name)} along an axis that is neither 0 nor 1")
    columns = number in (0, -2)
    if 1 in x.shape and number in (0, -1):
        columns = x.shape[1] == 1
    y = f(x.array if columns else x.T.array)
    return Value(y if columns else np.swapaxes(y, -1, -2), x.labels)


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
        along: tuple[int, ...] = (-2, -1)
    elif number in (0, 1, -1, -2):
        along = (-2,) if number in (0, -2) else (-1,)
    else:
        raise undefined(f"{name} along an axis that is neither 0 nor 1")
    keep = options.get("keepdims")
    kept = keep is not None and (keep == Symbol("True") or (isinstance(keep, Number) and keep.value == 1))
    if name in ("max", "min"):
        total = _extreme(name, x.array, along)
    elif name in _LOG_SUM_EXP:
        top = np.max(np.real(x.array), axis=along, keepdims=True)
        total = top + np.log(np.exp(x.array - top).sum(axis=along, keepdims=True))
    else:
        total = x.array.sum(axis=along, keepdims=True)
        if name != "sum":
            total = total / np.prod([x.array.shape[k] for k in along])
    return Value(total, x.labels, flat=number in (1, -1) and not kept)


def _extreme(name: str, array: Array, along: tuple[int, ...]) -> Array:
    """The entry whose real part is largest or smallest along the last axes, which keep their places."""
    ends = tuple(range(-len(along), 0))
    moved = np.moveaxis(array, along, ends)
    flat = moved.reshape((*moved.shape[: moved.ndim - len(along)], -1))
    at = (np.argmax if name == "max" else np.argmin)(np.real(flat), axis=-1)[..., None]
    taken = np.take_along_axis(flat, at, axis=-1)
    return np.moveaxis(taken.reshape((*taken.shape[:-1], *(1 for _ in along))), ends, along)


def _norm(values: tuple[Value, ...], options: Mapping[str, Formula]) -> Value:
    """The norm of a vector that an order names: 1, 2 or infinity."""
    x, order = values[0], options.get("ord")
    if set(options) != {"ord"} or len(values) != 1 or 1 not in x.shape:
        raise undefined("a norm with an order of anything but a vector")
    size = OPS["abs"].forward(x.array)
    if order == Number(Fraction(1)):
        return Value(size.sum(axis=(-2, -1), keepdims=True), x.labels)
    if order == Symbol("infinity"):
        return Value(_extreme("max", size, (-2, -1)), x.labels)
    raise undefined("a norm of another order than 1, 2 and infinity")


def _other(c: Context, name: str, values: tuple[Value, ...]) -> Value:
    x = values[0]
    if len(values) == 2:
        y = values[1]
        match name:
            case "outer":
                return outer(x, y)
            case "dot":
                return dot(x, y)
            case "inner":
                return inner(x, y)
            case "matmul":
                return product(x, y)
            case "multiply":
                return entrywise(x, y, np.multiply)
            case "shape" if y.is_scalar and not y.labels and float(y.array.real[0, 0]) in (0, 1):
                return scalar(x.shape[int(y.array.real[0, 0])])
            case "max" | "min" | "maximum" | "minimum":
                return entrywise(x, y, OPS["maximum" if name.startswith("max") else "minimum"].forward)
    if len(values) == 3:
        y, z = values[1:]
        match name:
            case "where":
                chosen = entrywise(x, y, lambda m, v: np.where(np.real(m) != 0, v, 0))
                return entrywise(chosen, entrywise(x, z, lambda m, v: np.where(np.real(m) != 0, 0, v)), np.add)
            case "clip":
                return entrywise(entrywise(x, y, OPS["maximum"].forward), z, OPS["minimum"].forward)
            case "reshape" if 1 in x.shape and all(v.is_scalar and not v.labels for v in (y, z)):
                wanted = tuple(int(v.array.real[0, 0]) for v in (y, z))
                n = max(x.shape)
                if wanted in ((-1, 1), (n, 1)):
                    return Value(x.array.reshape((*x.array.shape[:-2], n, 1)), x.labels)
                if wanted in ((1, -1), (1, n)):
                    return Value(x.array.reshape((*x.array.shape[:-2], 1, n)), x.labels)
    if name == "reshape":
        raise undefined("a reshape of anything but a vector to a column or a row")
    if len(values) != 1:
        raise undefined(f"{name} of {len(values)} arguments")
    match name:
        case "norm":
            return Value(np.sqrt((x.array * x.array).sum(axis=(-2, -1), keepdims=True)), x.labels)
        case "shape":
            return Value(np.array([[float(n) for n in x.shape]]))
        case "transpose":
            return x.T
        case "diag":
            return _diag(x)
        case "vec":  # column below column
            stacked = np.swapaxes(x.array, -1, -2).reshape((*x.array.shape[:-2], x.shape[0] * x.shape[1], 1))
            return Value(stacked, x.labels)
        case "inv":
            return inverse(x)
        case "det":
            if x.shape[0] != x.shape[1]:
                raise misfit(f"determinant of {size(x.shape)}")
            return Value(np.linalg.det(x.array)[..., None, None], x.labels)
        case "trace" | "tr":
            if x.shape[0] != x.shape[1]:
                raise misfit(f"trace of {x.shape[0]} × {x.shape[1]}")
            return Value(np.trace(x.array, axis1=-2, axis2=-1)[..., None, None], x.labels)
    raise undefined(f"{name} of {len(values)} arguments")


def _diag(x: Value) -> Value:
    rows, cols = x.shape
    if 1 in (rows, cols):
        bounded(x.array.size * rows * cols)
        entries = x.array.reshape((*x.array.shape[:-2], 1, rows * cols))
        return Value(entries * np.eye(rows * cols), x.labels)
    if rows != cols:
        raise misfit(f"diagonal of {rows} × {cols}")
    return Value(np.diagonal(x.array, axis1=-2, axis2=-1)[..., None], x.labels)
