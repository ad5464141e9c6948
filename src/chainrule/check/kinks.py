"""Recognising kinks: places where a numerical derivative may be off although the gradient is right.

The record of an operation with a kink gives an array that vanishes where its derivative jumps (`kinks`: the operand of
a relu, the distance of the two largest entries of a maximum). A step crosses a kink if the array can have vanished on
the way. At the kink itself any value between the left and the right derivative is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..graph import Node, walk

Array = npt.NDArray[Any]


def kinked_nodes(*roots: Node) -> list[Node]:
    """The nodes whose operation has kinks, one for each set of operands.

    elu's max(Z, 0) and min(Z, 0) bend at the same place: counted once.
    """
    found: dict[tuple[Node, ...], Node] = {}
    for n in walk(*roots):
        if n.op.kinks is not None:
            found.setdefault(n.inputs, n)
    return list(found.values())


def kink_values(nodes: Sequence[Node], operands: Sequence[Sequence[Array]]) -> list[Array]:
    """The arrays that vanish at the kinks, for each node given the arrays of its inputs."""
    return [
        np.asarray(cast(Callable[..., Any], n.op.kinks)(*arrays, **dict(n.attrs)))
        for n, arrays in zip(nodes, operands, strict=True)
    ]


def crossings(at: Sequence[Array], *beside: Sequence[Array]) -> int:
    """How many entries pass a kink between the point and the points beside it.

    An entry passes if it changes by at least its distance from zero. For an array that changes its sign this is the
    change of sign; it also sees arrays that only touch zero, such as the gap below a maximum.
    """
    passed = 0
    for i, here in enumerate(at):
        change = np.max([np.abs(b[i] - here) for b in beside], axis=0)
        passed += int(np.count_nonzero((np.abs(here) <= change) & (change > 0)))
    return passed


def nearest_kink(at: Sequence[Array]) -> float:
    """Smallest distance from zero over all entries; infinity if there are none."""
    return min((float(np.min(np.abs(a))) for a in at if a.size), default=float("inf"))


def looks_kinked(phi: Callable[[float], float], h: float, rounding: float = 0.0) -> bool:
    """Whether a black box bends between -h and h: a quadratic through five points does not fit.

    phi       the function on a line; evaluated at 0, ±h/2 and ±h
    rounding  error of one value of φ beyond that of storing it

    Chainer's test (`gradient_check.check_backward`): the residual of the least-squares quadratic is compared with the
    variation of φ. A kink of slope change j in the middle leaves 0.09 j h, a smooth φ only 0.05 φ''' h³.
    """
    t = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    values = np.array([phi(h * x) for x in t])
    residual = values - np.polynomial.Polynomial.fit(t, values, 2)(t)
    variation = float(np.ptp(values))
    spacing = float(np.spacing(np.max(np.abs(values))))
    return bool(np.max(np.abs(residual)) > 1e-2 * variation + 8 * (rounding + spacing))
