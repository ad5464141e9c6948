"""Laws that put numbers outside of products, where they are asked for.

They are no part of the usual simplification: `Wᵀ dz` of a single unit is what books print, though dz is a number. In
the derivative of an expression they bring like terms together that stand in different products, as in that of
`xᵀ A x / xᵀ x`.
"""

from __future__ import annotations

from ..graph import Node, broadcast_to, constant
from .law import is_op, law


@law("a 1 × 1 factor stands outside", "A s = s A for s of 1 × 1", "matmul", always=False)
def _(n: Node) -> Node | None:
    a, b = n.inputs
    if b.shape == (1, 1):
        return broadcast_to(b, n.shape) * a
    return broadcast_to(a, n.shape) * b if a.shape == (1, 1) else None


@law("a number leaves the product", "(s A) B = s (A B), A (s B) = s (A B)", "matmul", always=False)
def _(n: Node) -> Node | None:
    a, b = n.inputs
    left, right = _split(a), _split(b)
    if left is not None:
        return _repeated(left[0], n) * (left[1] @ b)
    return None if right is None else _repeated(right[0], n) * (a @ right[1])


@law("a number leaves the transpose", "(s A)ᵀ = s Aᵀ", "transpose", always=False)
def _(n: Node) -> Node | None:
    found = _split(n.inputs[0])
    return None if found is None else _repeated(found[0], n) * found[1].T


def _split(x: Node) -> tuple[Node, Node] | None:
    """Number and matrix of a multiple, or of a quotient by a number."""
    if is_op(x, "negate"):
        return constant(-1), x.inputs[0]
    if is_op(x, "multiply"):
        for s, rest in (x.inputs, x.inputs[::-1]):
            number = _number(s)
            if number is not None:
                return number, rest
    return None


def _number(s: Node) -> Node | None:
    """The 1 × 1 expression that a matrix repeats."""
    if s.is_constant:
        return constant(s.get("value"), powers=s.get("powers"))
    s = s.inputs[0] if is_op(s, "broadcast") else s
    return s if s.shape == (1, 1) else None


def _repeated(s: Node, like: Node) -> Node:
    return constant(s.get("value"), like.shape, s.get("powers")) if s.is_constant else broadcast_to(s, like.shape)
