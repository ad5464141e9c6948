"""Leaves: variables and constants. They have no inputs, so nothing flows back through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..graph import Op, Shape


def _given(_: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    return cast(Shape, attrs["shape"])


def _no_value(**attrs: Any) -> Any:
    raise TypeError("leaves get their values from the executor")


variable_record = Op(
    name="variable",
    arity=0,
    equation="X",
    shape=_given,
    forward=_no_value,
    backward=None,
    components="X_ij",
    text="{name}",
    latex="{name}",
    doc="A named matrix (rows × cols) whose numbers come when the expression is evaluated.",
)

constant_record = Op(
    name="constant",
    arity=0,
    equation="C_ij = c · Π dim^power",
    shape=_given,
    forward=_no_value,
    backward=None,
    components="c",
    text="{value}",
    latex="{value}",
    doc="The matrix filled with one number, or with sizes such as 1/m while m is a symbol.",
)
