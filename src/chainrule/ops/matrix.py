"""Matrix operations: product, transpose, broadcast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Node, Op, Shape, same
from .reduction import total


def _matmul_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    a, b = shapes
    same("matmul", "the columns of the left matrix and the rows of the right one", a.cols, b.rows, shapes)
    return Shape(a.rows, b.cols)


def _matmul_back(c: Node, dc: Node) -> tuple[Node, Node]:
    a, b = c.inputs
    return dc @ b.T, a.T @ dc


matmul = Op(
    name="matmul",
    arity=2,
    equation="C = A B",
    shape=_matmul_shape,
    forward=np.matmul,
    backward=_matmul_back,
    components="C_ij = Σ_k A_ik B_kj",
    text="{0} @ {1}",
    latex="{0} {1}",
    binding=60,
    doc="Matrix product (n × k)(k × m): dA = dC Bᵀ, dB = Aᵀ dC; formulas (2) and (4) of the first source.",
)

transpose = Op(
    name="transpose",
    arity=1,
    equation="C = Aᵀ",
    shape=lambda shapes, attrs: shapes[0].T,
    forward=np.transpose,
    backward=lambda c, dc: (dc.T,),
    components="C_ij = A_ji",
    text="{0}.T",
    latex="{0}^T",
    binding=90,
    doc="Transpose (n × m to m × n): dA = dCᵀ.",
)


def _broadcast_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    (a,) = shapes
    for have, want, what in ((a.rows, attrs["rows"], "rows"), (a.cols, attrs["cols"], "columns")):
        if have not in (1, want):
            if isinstance(have, int) and isinstance(want, int):
                raise ShapeError(f"broadcast: expected 1 or {want} {what}, received {a}")
            same("broadcast", f"the {what}", have, want, shapes)
    return Shape(attrs["rows"], attrs["cols"])


def _broadcast_back(c: Node, dc: Node) -> tuple[Node]:
    (a,) = c.inputs
    if a.shape.rows == 1 and c.shape.rows != 1:
        dc = total(dc, axis=0)
    if a.shape.cols == 1 and c.shape.cols != 1:
        dc = total(dc, axis=1)
    return (dc,)


broadcast = Op(
    name="broadcast",
    arity=1,
    equation="C = A repeated to rows × cols",
    shape=_broadcast_shape,
    forward=lambda a, rows, cols: np.broadcast_to(a, (rows, cols)),
    backward=_broadcast_back,
    components="C_ij = A_i or A_j or A",
    text="broadcast({0}, {rows}, {cols})",
    latex="{0}",
    doc="Repeat a column, a row or a number: dA is the sum of dC over what was repeated (the sources' bias rule).",
)
