"""What signs mean in programs: in Octave ' is a transpose, * the product of matrices; in NumPy * repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..notation.formula import Array, Binary, Equation, Formula, Negate, Symbol, Transpose
from .usual_letters import Usual, mapped

_MATRICES = frozenset({"W", "A", "Z", "X", "Y", "Yhat", "dW", "dZ", "dA"})


def octave(tree: Equation) -> Iterator[Usual]:
    """`dZ * A'` is a product of matrices with a transpose."""

    def turned(part: Formula) -> Formula:
        match part:
            case Symbol(name, prime=1) if name in _MATRICES:
                return Transpose(replace(part, prime=0))
        return part

    def product_of(part: Formula) -> Formula:
        match part:
            case Binary("*", left, right) if _is_matrix(left) and _is_matrix(right):
                return Binary("@", left, right)
        return part

    transposed = mapped(tree, turned)
    if transposed != tree:
        words = "' is the transpose and * the product of matrices, as in Octave"
        yield Usual(words, mapped(transposed, product_of))


def _is_matrix(part: Formula) -> bool:
    """It has a matrix of many samples in it that is no argument."""
    match part:
        case Symbol(name):
            return name in _MATRICES
        case Transpose(x) | Negate(x):
            return _is_matrix(x)
        case Binary("/", left, _):
            return _is_matrix(left)
        case Binary(_, left, right):
            return _is_matrix(left) or _is_matrix(right)
        case Array():
            return True
    return False


def repeating(tree: Equation, *, declared: bool) -> Iterator[Usual]:
    """`W2.T * dZ2` of one output unit: NumPy repeats the column along the row, which then is the matrix product.

    declared  the network is: of one that is not, one unit would be an excuse
    """

    def turned(part: Formula) -> bool:
        return isinstance(part, Transpose) and isinstance(part.operand, Symbol) and part.operand.name in ("W", "w")

    stars = [x for x in tree.parts if isinstance(x, Binary) and x.sign == "*"]
    if declared and any(turned(x) for star in stars for x in star.children):
        words = "* repeats a column along a row, as in NumPy"
        yield Usual(words, tree, conventions={"repeated": True}, anyway=True)
