"""The meaning of an expression: every node evaluated by its record's forward rule, one after the other.

Slow and plain. Programs are compared with it, and because the rules are analytic it accepts complex numbers, which
makes it the complex-step oracle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ShapeError
from ..graph import Dim, Node, bind, walk

Array = npt.NDArray[Any]


def sizes_of(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[Dim, Dim]]) -> dict[str, int]:
    """Read the numbers of symbolic sizes off arrays; contradictions are a `ShapeError` naming the array.

    >>> sizes_of({"X": np.zeros((3, 7))}, {"X": ("n_0", "m")})
    {'n_0': 3, 'm': 7}
    """
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        if name not in shapes:
            continue
        dims = shapes[name]
        if array.ndim != 2:
            raise ShapeError(
                f"{name}: expected a matrix {dims[0]} × {dims[1]}, received an array of shape {array.shape}"
            )
        for dim, n in zip(dims, array.shape, strict=True):
            known = sizes.setdefault(dim, n) if isinstance(dim, str) else dim
            if known != n:
                wanted = " × ".join(str(sizes.get(d, d) if isinstance(d, str) else d) for d in dims)
                raise ShapeError(f"{name}: expected {wanted} ({dims[0]} × {dims[1]}), received {array.shape}")
    return sizes


def constant_value(node: Node, sizes: Mapping[str, int]) -> float:
    """Number of a constant once its sizes are known."""
    value = float(node.get("value"))
    for dim, power in node.get("powers"):
        value *= float(bind(dim, sizes)) ** power
    return value


@overload
def evaluate(nodes: Node, values: Mapping[str, Any], dtype: npt.DTypeLike = ...) -> Array: ...
@overload
def evaluate(nodes: Sequence[Node], values: Mapping[str, Any], dtype: npt.DTypeLike = ...) -> list[Array]: ...


def evaluate(nodes: Node | Sequence[Node], values: Mapping[str, Any], dtype: npt.DTypeLike | None = None) -> Any:
    """Evaluate expressions on arrays, node by node.

    values  variable name -> matrix (a number is 1 × 1); labels and counters are integers
    dtype   float64 unless given; float32 or complex128

    Returns one array, or a list if a list of nodes was given. Raises `DataError` for a variable without a value and
    `ShapeError` for arrays that do not fit.
    """
    roots = [nodes] if isinstance(nodes, Node) else list(nodes)
    kind = np.dtype(np.float64 if dtype is None else dtype)
    leaves = {n.name: n for n in walk(*roots) if n.is_variable}
    arrays = {}
    for name, leaf in leaves.items():
        if name not in values:
            raise DataError(f"variable {name} ({leaf.shape}) has no value: give one for each of {', '.join(leaves)}")
        given = np.asarray(values[name])
        arrays[name] = np.atleast_2d(given.astype(kind) if leaf.get("kind") == "real" else given)
    sizes = sizes_of(arrays, {n: leaf.shape for n, leaf in leaves.items()})
    done: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for n in walk(*roots):
            if n.is_variable:
                done[n] = arrays[n.name]
            elif n.is_constant:
                done[n] = np.full(n.shape.bind(sizes), constant_value(n, sizes), dtype=kind)
            else:
                attrs = dict(n.attrs)
                for key in ("rows", "cols", "classes"):
                    if key in attrs:
                        attrs[key] = bind(attrs[key], sizes)  # type: ignore[arg-type]
                result = n.op.forward(*(done[x] for x in n.inputs), **attrs)
                done[n] = np.asarray(result, dtype=kind)
    results = [done[r] for r in roots]
    return results[0] if isinstance(nodes, Node) else results
