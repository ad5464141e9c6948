"""Operations with integer labels: one-hot, pick, gather and scatter-add of columns.

A label matrix is 1 × m with entries 0..K-1. It carries no derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from ..errors import DataError, ShapeError
from ..graph import Dim, Node, Op, Shape, same


def _row(name: str, labels: Shape) -> None:
    if labels.rows != 1:
        raise ShapeError(f"{name}: expected labels as one row (1 × m), received {labels}")


def _numbers(y: Any, count: int) -> Any:
    """Labels as integers; one outside 0..count-1 is an error, for NumPy would count a negative one from the end."""
    labels = np.real(y).astype(np.int64)
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        bad = labels[(labels < 0) | (labels >= count)].flat[0]
        raise DataError(f"label {bad} is not one of 0..{count - 1}: check the labels, or how many classes there are")
    return labels


def _one_hot_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    _row("one_hot", shapes[0])
    return Shape(cast(Dim, attrs["classes"]), shapes[0].cols)


one_hot = Op(
    name="one_hot",
    arity=1,
    equation="C_ij = [i = y_j]",
    shape=_one_hot_shape,
    forward=lambda y, classes: (np.arange(classes)[:, None] == _numbers(y, classes)).astype(float),
    backward=lambda c, dc: (None,),
    components="C_ij = 1 if i = y_j else 0",
    text="onehot({0})",
    latex=r"\operatorname{{onehot}}\left({0}\right)",
    doc="Integer labels (1 × m) as the K × m matrix with a single 1 per column; every column sums to one.",
)


def _pick_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    a, y = shapes
    _row("pick", y)
    same("pick", "the columns of the matrix and the labels", a.cols, y.cols, shapes)
    return Shape(1, a.cols)


def _pick_back(c: Node, dc: Node) -> tuple[Node, None]:
    a, y = c.inputs
    return one_hot(y, classes=a.shape.rows) * dc, None


pick = Op(
    name="pick",
    arity=2,
    equation="c_j = A_(y_j),j",
    shape=_pick_shape,
    forward=lambda a, y: np.take_along_axis(np.asarray(a), _numbers(y, np.shape(a)[0]), axis=0),
    backward=_pick_back,
    components="c_j = A_(y_j) j",
    text="pick({0}, {1})",
    latex=r"\left({0}\right)_{{{1}}}",
    doc="Entry of each column (n × m) that its label (1 × m) names: dA = onehot(y) ∘ dC.",
)


def _gather_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    _row("gather", shapes[1])
    return Shape(shapes[0].rows, shapes[1].cols)


def _gather_back(c: Node, dc: Node) -> tuple[Node, None]:
    table, y = c.inputs
    return scatter_add(dc, y, cols=table.shape.cols), None


gather = Op(
    name="gather",
    arity=2,
    equation="C = E[:, y]",
    shape=_gather_shape,
    forward=lambda e, y: np.take(e, _numbers(y, np.shape(e)[1]).ravel(), axis=1),
    backward=_gather_back,
    components="C_ij = E_i,(y_j)",
    text="{0}[:, {1}]",
    latex="{0}_{{:, {1}}}",
    binding=90,
    doc="Columns of a table (d × K) named by labels (1 × m), an embedding: dE = scatter-add of dC.",
)


def _scatter_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    d, y = shapes
    _row("scatter_add", y)
    same("scatter_add", "the columns of the matrix and the labels", d.cols, y.cols, shapes)
    return Shape(d.rows, cast(Dim, attrs["cols"]))


def _scatter(d: Any, y: Any, cols: int) -> Any:
    result = np.zeros((np.shape(d)[0], cols), dtype=np.asarray(d).dtype)
    np.add.at(result.T, _numbers(y, cols).ravel(), np.asarray(d).T)
    return result


scatter_add = Op(
    name="scatter_add",
    arity=2,
    equation="C_:k = Σ_(j: y_j = k) D_:j",
    shape=_scatter_shape,
    forward=_scatter,
    backward=lambda c, dc: (gather(dc, c.inputs[1]), None),
    components="C_ik = Σ_j [y_j = k] D_ij",
    text="scatter_add({0}, {1})",
    latex=r"\operatorname{{scatter}}\left({0}, {1}\right)",
    doc="Add the columns of D (d × m) into the columns (d × K) that the labels name: dD = the gathered columns of dC.",
)
