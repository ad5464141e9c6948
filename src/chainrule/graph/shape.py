"""Symbolic matrix shapes: `n_1 × m` until numbers arrive.

Everything is a matrix. A dimension is a number or a symbol (`"n_1"`, `"m"`); the literal 1 is special only in that a
matrix of one row or column may be broadcast. Two different symbols that must be equal are *unified*: the graph that is
being joined is rewritten with one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import ShapeError

Dim = int | str

AUTOMATIC = "?"  # symbols that nobody named begin with this and give way to any other


class Shape(NamedTuple):
    """Rows and columns of a matrix, each a number or a symbol."""

    rows: Dim
    cols: Dim

    def __str__(self) -> str:
        return f"{show(self.rows)} × {show(self.cols)}"

    @property
    def T(self) -> Shape:
        """Shape of the transposed matrix."""
        return Shape(self.cols, self.rows)

    def bind(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """Put numbers in place of the symbols; an unknown symbol is an error that names it."""
        return bind(self.rows, sizes), bind(self.cols, sizes)


SCALAR = Shape(1, 1)


def show(dim: Dim) -> str:
    """Print a dimension; a symbol that nobody named prints as `·`."""
    return "·" if isinstance(dim, str) and dim.startswith(AUTOMATIC) else str(dim)


def bind(dim: Dim, sizes: Mapping[str, int]) -> int:
    """Number of a dimension, given the numbers of the symbols."""
    if isinstance(dim, int):
        return dim
    try:
        return sizes[dim]
    except KeyError:
        raise ShapeError(f"the size {show(dim)} has no number yet: give an array whose shape contains it") from None


class UnifyError(Exception):
    """Internal signal of a shape rule: `old` must become `new` before the shapes fit."""

    def __init__(self, old: str, new: Dim) -> None:
        super().__init__(old, new)
        self.old, self.new = old, new


def same(op: str, what: str, a: Dim, b: Dim, shapes: tuple[Shape, ...]) -> Dim:
    """Demand that two dimensions are equal.

    Numbers that differ are a `ShapeError` naming the op, what was expected and what was received. If a symbol is
    involved, `UnifyError` asks the builder to rename it: a number wins over a symbol, a named one over an automatic,
    the left one over the right one.
    """
    if a == b:
        return a
    if isinstance(a, int) and isinstance(b, int):
        received = ", ".join(str(s) for s in shapes)
        raise ShapeError(f"{op}: expected {what} to agree, received {received} ({a} against {b})")
    if isinstance(a, int):
        assert isinstance(b, str)
        raise UnifyError(b, a)
    if isinstance(b, int) or (a.startswith(AUTOMATIC) and not b.startswith(AUTOMATIC)):
        raise UnifyError(a, b)
    raise UnifyError(b, a)


def join(op: str, shapes: tuple[Shape, ...]) -> Shape:
    """Common shape of point-wise operands: equal, or 1 where an operand is to be broadcast."""
    rows: Dim = 1
    cols: Dim = 1
    for s in shapes:
        rows = s.rows if rows == 1 else rows if s.rows == 1 else same(op, "the rows", rows, s.rows, shapes)
        cols = s.cols if cols == 1 else cols if s.cols == 1 else same(op, "the columns", cols, s.cols, shapes)
    return Shape(rows, cols)
