"""A graph expression on stacked matrices: every array may carry leading axes, and each stack member is one evaluation.

The arithmetic is the forward rule of the op records. Rules that speak of axis 0 and 1 see the stack folded into the
axis that they leave alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..execute.direct import constant_value
from ..graph import Node, bind, variable, walk
from ..graph.node import DIM_ATTRS
from ..ops import total
from ..reverse import derive
from .values import Array


class Tape:
    """The operations of an expression in order.

    argument   a variable whose sizes count even where the expression does not read it (a constant of its shape)
    inputs     names of its variables
    pointwise  every entry of the result depends on the entries of the same place alone
    """

    def __init__(self, output: Node, argument: Node | None = None) -> None:
        self._steps: list[tuple[Node, tuple[int, ...]]] = []
        place: dict[Node, int] = {}
        for n in walk(output):
            place[n] = len(self._steps)
            self._steps.append((n, tuple(place[x] for x in n.inputs)))
        leaves = [n for n in place if n.is_variable]
        self.inputs = tuple(n.name for n in leaves)
        self.pointwise = all(n.op.pointwise or not n.inputs or n.op.name == "broadcast" for n in place)
        self._shapes = {n.name: n.shape for n in [*leaves, *([] if argument is None else [argument])]}

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """Evaluate; leading axes of the inputs are broadcast against each other."""
        sizes: dict[str, int] = {}
        for name, shape in self._shapes.items():
            for dim, n in zip(shape, values[name].shape[-2:], strict=True):
                if isinstance(dim, str):
                    sizes[dim] = n
        done: list[Array] = []
        for n, places in self._steps:
            if n.is_variable:
                done.append(values[n.name])
            elif n.is_constant:
                done.append(np.full(n.shape.bind(sizes), constant_value(n, sizes)))
            else:
                done.append(_forward(n, [done[i] for i in places], sizes))
        return done[-1]


def _forward(n: Node, inputs: list[Array], sizes: Mapping[str, int]) -> Array:
    name = n.op.name
    if n.op.pointwise or name == "matmul":
        return np.asarray(n.op.forward(*inputs, **dict(n.attrs)))
    if name == "transpose":
        return np.swapaxes(inputs[0], -1, -2)
    attrs: dict[str, Any] = {k: bind(v, sizes) if k in DIM_ATTRS else v for k, v in n.attrs}  # type: ignore[arg-type]
    if name == "broadcast":
        return np.broadcast_to(inputs[0], (*inputs[0].shape[:-2], attrs["rows"], attrs["cols"]))
    if all(x.ndim == 2 for x in inputs):
        return np.asarray(n.op.forward(*inputs, **attrs))
    if set(attrs) == {"axis"}:
        return _reduced(n.op.forward, inputs[0], attrs["axis"])
    lead = np.broadcast_shapes(*(x.shape[:-2] for x in inputs))
    stacks = [np.broadcast_to(x, lead + x.shape[-2:]) for x in inputs]
    members = [n.op.forward(*(x[i] for x in stacks), **attrs) for i in np.ndindex(*lead)]
    return np.stack(members).reshape(lead + members[0].shape)


def _reduced(forward: Callable[..., Array], a: Array, axis: int | None) -> Array:
    lead, (rows, cols) = a.shape[:-2], a.shape[-2:]
    if axis == 0:
        folded = np.moveaxis(a, -2, 0)
        return np.moveaxis(forward(folded.reshape(rows, -1), axis=0).reshape((1, *lead, cols)), 0, -2)
    width = cols if axis == 1 else rows * cols
    return forward(a.reshape(-1, width), axis=1).reshape((*lead, rows if axis == 1 else 1, 1))


class Function:
    """A function of one matrix, an expression of the ops, and its derivatives entry by entry, derived from it.

    name  in messages
    """

    def __init__(self, name: str, make: Callable[[Node], Node]) -> None:
        self.name, self._make = name, make
        self._orders: dict[int, Tape] = {}

    @property
    def pointwise(self) -> bool:
        return self._tape(0).pointwise

    def __call__(self, array: Array, order: int = 0) -> Array:
        """The function, or its derivative of an order from 1 on, which only a pointwise function has."""
        result = self._tape(order)({"z": array})
        return result if result.shape == array.shape or not self.pointwise else np.zeros_like(array) + result

    def _tape(self, order: int) -> Tape:
        if order not in self._orders:
            z = variable("z", "r", "c")
            node = self._make(z)
            for _ in range(order):
                node = derive(total(node, axis=None), [z]).of(z)
            self._orders[order] = Tape(node, z)
        return self._orders[order]


@lru_cache(maxsize=512)
def function(name: str, make: Callable[[Node], Node]) -> Function:
    """The function of an expression, one object for each."""
    return Function(name, make)
