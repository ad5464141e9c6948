"""Floor 0: immutable matrix expressions with symbolic shapes, the form of an op record, named tables of expressions."""

from .node import (
    OPS,
    Node,
    Number,
    Op,
    as_node,
    broadcast_to,
    build,
    constant,
    exact,
    rename_dim,
    size,
    substitute,
    variable,
    variables,
    walk,
)
from .printing import latex, latex_name, text
from .shape import SCALAR, Dim, Shape, bind, same
from .table import Graph

__all__ = [
    "OPS",
    "SCALAR",
    "Dim",
    "Graph",
    "Node",
    "Number",
    "Op",
    "Shape",
    "as_node",
    "bind",
    "broadcast_to",
    "build",
    "constant",
    "exact",
    "latex",
    "latex_name",
    "rename_dim",
    "same",
    "size",
    "substitute",
    "text",
    "variable",
    "variables",
    "walk",
]
