"""An expression with its program: planned once, bound once per size and number type, run on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ShapeError
from ..execute import Bound, Program, plan
from ..graph import Node, bind, variables

Array = npt.NDArray[Any]

_KEPT = 8  # bound programs kept for the sizes that come back


class Formula:
    """Numbers of one expression: `Formula(W @ A_prev, W, A_prev)(dtype, W=..., A_prev=...)` returns a fresh array.

    node   the expression; given: every variable that comes with a call, also those the expression does not read

    Sizes are read off the arrays; the buffers of each size are kept for the next call. A program in use is taken out
    of the store, so several threads may call one formula.
    """

    def __init__(self, node: Node, *given: Node) -> None:
        self.node, self.program = node, _planned(node)
        self._shapes = {x.name: x.shape for x in given}
        self._free: dict[tuple[Any, ...], Bound] = {}

    def __call__(self, dtype: npt.DTypeLike, **values: Array) -> Array:
        """The value of the expression, its columns contiguous.

        Raises `ShapeError` for a matrix whose sizes contradict those before it.
        """
        sizes = self._sizes(values)
        key = (np.dtype(dtype), *sizes.items())
        task = self._free.pop(key, None) or Bound(self.program, sizes, dtype, {})
        found: Array = task.run(values)["value"].copy(order="K")
        self._free[key] = task
        for oldest in list(self._free)[:-_KEPT]:
            self._free.pop(oldest, None)
        return found

    def _sizes(self, values: Mapping[str, Array]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for name, shape in self._shapes.items():
            found = np.shape(values[name])
            if len(found) != 2:
                raise ShapeError(f"{name}: expected a matrix {shape}, received an array of shape {found}")
            for dim, n in zip(shape, found, strict=True):
                if n < 1:
                    raise DataError(f"{name}: expected at least one row and one column, received {found}")
                if isinstance(dim, str):
                    sizes.setdefault(dim, n)
            wanted = tuple(bind(d, sizes) for d in shape)
            if wanted != found:
                raise ShapeError(f"{name}: expected {wanted[0]} × {wanted[1]} ({shape}), received {found}")
        return sizes


@lru_cache(maxsize=256)
def _planned(node: Node) -> Program:
    return plan({"value": node}, inputs=list(variables(node)))


def real(values: Any, name: str, dtype: npt.DTypeLike | None = None) -> Array:
    """Numbers as an array of a real type, without a copy where they are one; `DataError` for anything else.

    dtype None is float32 for float32, else float64.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} holds {array.dtype} values: expected real numbers")
    if dtype is None:
        dtype = np.float32 if array.dtype == np.float32 else np.float64
    return array.astype(dtype, copy=False)
