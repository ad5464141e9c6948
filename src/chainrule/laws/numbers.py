"""Laws that put numbers outside of products, where they are asked for.

They are no part of the usual simplification: `Wᵀ dz` of a single unit is what books print, though dz is a number. In
the derivative of an expression they bring like terms together that stand in different products, as in that of
`xᵀ A x / xᵀ x`.
"""

from __future__ import annotations

from ..graph import Node, broadcast_to, constant
from ..ops import total
from .law import is_op, law, number
from .ring import coefficient


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


@law("sum of a single column", "Σ_i x_i1 = Σ_ij x_ij", "sum", always=False)
def _(n: Node) -> Node | None:
    return total(n.inputs[0], axis=None) if n.shape == (1, 1) and n.get("axis") is not None else None


_WHOLE = ("matmul", "add", "subtract")  # what a factor 1/s stands before, not above s


@law(
    "a number leaves the repetition",
    "repeat(c s) x = c repeat(s) x, repeat(c / s) x = c x / repeat(s)",
    "multiply",
    always=False,
)
def _(n: Node) -> Node | None:
    for repeated, x in (n.inputs, n.inputs[::-1]):
        if not is_op(repeated, "broadcast") or x.is_constant or is_op(x, "broadcast"):
            continue
        s = repeated.inputs[0]
        if is_op(s, "divide") and s.inputs[0].is_constant:
            c, below = s.inputs
            if x.op.name not in _WHOLE:
                return _repeated(c, n) * (x / broadcast_to(below, n.shape))
            return None if number(c) == 1 else _repeated(c, n) * (broadcast_to(1 / below, n.shape) * x)
        factor, powers, rest = coefficient(s)
        if rest is not None and (factor != 1 or powers):
            return constant(factor, n.shape, powers) * (broadcast_to(rest, n.shape) * x)
    return None


def _split(x: Node) -> tuple[Node, Node] | None:
    """Number and matrix of a multiple, or of a quotient by a number."""
    if is_op(x, "negate"):
        return constant(-1), x.inputs[0]
    if is_op(x, "multiply"):
        for s, rest in (x.inputs, x.inputs[::-1]):
            found = _number(s)
            if found is not None:
                return found, rest
    if is_op(x, "divide") and not x.inputs[0].is_constant and not is_op(x.inputs[0], "broadcast"):
        found = _number(x.inputs[1])
        if found is not None:
            return 1 / found, x.inputs[0]
    return None


def _number(s: Node) -> Node | None:
    """The 1 × 1 expression that a matrix repeats."""
    if s.is_constant:
        return constant(s.get("value"), powers=s.get("powers"))
    s = s.inputs[0] if is_op(s, "broadcast") else s
    return s if s.shape == (1, 1) else None


def _repeated(s: Node, like: Node) -> Node:
    return constant(s.get("value"), like.shape, s.get("powers")) if s.is_constant else broadcast_to(s, like.shape)
