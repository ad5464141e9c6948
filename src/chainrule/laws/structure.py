"""Laws of sums, transposes, repetition, picking and branches, and at last the collecting of like terms."""

from __future__ import annotations

from fractions import Fraction

from ..graph import Node, broadcast_to, build, constant, size
from ..ops import pick, total, where
from .law import is_op, law, number
from .ring import coefficient, collect


def _extent(n: Node, axis: int | None) -> Node:
    result = constant(1)
    for d in (0, 1) if axis is None else (axis,):
        result = result * size(n.shape[d])
    return simplest(result)


def simplest(n: Node) -> Node:
    """Constant folding of a product of constants."""
    c, powers, rest = coefficient(n)
    return n if rest is not None else constant(c, n.shape, powers)


@law("sum of one", "Σ over a single row or column = itself", "sum")
def _(n: Node) -> Node | None:
    return n.inputs[0] if n.shape == n.inputs[0].shape else None


@law("sum of a constant", "Σ c = n c", "sum")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if not x.is_constant:
        return None
    return simplest(_extent(x, n.get("axis")) * constant(x.get("value"), n.shape, x.get("powers")))


@law("sum of a repetition", "Σ over what was repeated = n times", "sum")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if not is_op(x, "broadcast"):
        return None
    inner, axis = x.inputs[0], n.get("axis")
    for d in (0, 1):
        if axis in (d, None) and inner.shape[d] == 1 and x.shape[d] != 1:
            other = 1 - d
            rest = broadcast_to(inner, type(x.shape)(1, x.shape.cols) if d == 0 else type(x.shape)(x.shape.rows, 1))
            once = size(x.shape[d]) * rest
            return once if axis == d else total(once, axis=other)
    return None


@law("sum of a sum", "Σ_j Σ_i = Σ_ij", "sum")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if not is_op(x, "sum") or x.get("axis") is None:
        return None
    return total(x.inputs[0], axis=None) if n.get("axis") != x.get("axis") else None


@law("a constant factor leaves the sum", "Σ c x = c Σ x", "sum")
def _(n: Node) -> Node | None:
    c, powers, rest = coefficient(n.inputs[0])
    if rest is None or (c == 1 and not powers) or n.get("axis") == 1:
        return None  # over the samples the factor stays inside: db is the sum of dZ as it is
    reduced = total(rest, axis=n.get("axis"))
    return -reduced if c == -1 and not powers else constant(c, n.shape, powers) * reduced


@law("a factor of the row leaves the column's sum", "Σ_i r_j x_ij = r_j Σ_i x_ij", "sum")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if not is_op(x, "multiply") or n.get("axis") != 0:
        return None
    for row, rest in (x.inputs, x.inputs[::-1]):
        if is_op(row, "broadcast") and row.inputs[0].shape.rows == 1:
            return broadcast_to(row.inputs[0], n.shape) * total(rest, axis=0)
    return None


@law("columns that sum to one", "1ᵀY = 1ᵀ", "sum", condition="Y is one-hot, a soft-max, or declared to sum to one")
def _(n: Node) -> Node | None:
    if n.get("axis") != 0 or is_op(n.inputs[0], "sum"):
        return None
    result = _column_sum(n.inputs[0])
    return None if result is None else simplest(constant(result[0], n.shape, result[1]))


def _column_sum(x: Node) -> tuple[Fraction, tuple[tuple[str, int], ...]] | None:
    """The constant that every column of x sums to, if it is known."""
    if x.is_constant:
        c, powers, _ = coefficient(simplest(size(x.shape.rows) * constant(x.get("value"), powers=x.get("powers"))))
        return c, powers
    if is_op(x, "one_hot") or (x.is_variable and "columns sum to one" in x.get("assume")) or _is_softmax(x):
        return Fraction(1), ()
    if x.op.name in ("add", "subtract"):
        a, b = (_column_sum(y) for y in x.inputs)
        if a is None or b is None or a[1] != b[1]:
            return None
        return (a[0] + b[0] if is_op(x, "add") else a[0] - b[0]), a[1]
    c, powers, rest = coefficient(x)
    if rest is not None and rest is not x:
        inner = _column_sum(rest)
        if inner is not None and (not powers or not inner[1]):
            return c * inner[0], powers or inner[1]
    return None


def _is_softmax(x: Node) -> bool:
    if not (is_op(x, "exp") and is_op(x.inputs[0], "subtract")):
        return False
    z, shift = x.inputs[0].inputs
    shift = shift.inputs[0] if is_op(shift, "broadcast") else shift
    return is_op(shift, "lse") and shift.inputs[0] is z and shift.get("axis") == 0


@law("transpose twice", "(Aᵀ)ᵀ = A", "transpose")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if is_op(x, "transpose"):
        return x.inputs[0]
    if x.is_constant:
        return constant(x.get("value"), n.shape, x.get("powers"))
    return x if x.shape == (1, 1) else None


@law("transpose of a product", "(Aᵀ B)ᵀ = Bᵀ A, (A Bᵀ)ᵀ = B Aᵀ", "transpose")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if not is_op(x, "matmul"):
        return None
    a, b = x.inputs
    turned = [is_op(y, "transpose") for y in _factors(x)]
    if not any(is_op(y, "transpose") for y in x.inputs) and 2 * sum(turned) < len(turned):
        return None  # there would be as many transposes after it as before, or more
    return _transposed(b) @ _transposed(a)


def _factors(x: Node) -> list[Node]:
    """The factors of a product of products."""
    return [f for y in x.inputs for f in _factors(y)] if is_op(x, "matmul") else [x]


@law("transpose of what acts entry by entry", "f(Aᵀ)ᵀ = f(A)", "transpose")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    turned = [is_op(y, "transpose") or _turns(y) for y in x.inputs if not y.is_constant]
    if not x.op.pointwise or not turned:
        return None
    if not any(turned) and (len(turned) == len(x.inputs) or x.op.name not in ("multiply", "divide")):
        return None  # only a number goes before the transpose, 2 Aᵀ for (2 A)ᵀ
    return build(x.op, tuple(_transposed(y) for y in x.inputs), x.attrs)


def _turns(x: Node) -> bool:
    """Whether a product has a transposed factor, so that its transpose is no longer to write."""
    return is_op(x, "matmul") and any(is_op(y, "transpose") for y in x.inputs)


def _transposed(x: Node) -> Node:
    if is_op(x, "transpose"):
        return x.inputs[0]
    return constant(x.get("value"), x.shape.T, x.get("powers")) if x.is_constant else x.T


@law("a number as a factor of a product", "A c = c A for c of 1 × 1", "matmul")
def _(n: Node) -> Node | None:
    for c, x in (n.inputs, n.inputs[::-1]):
        if c.is_constant and c.shape == (1, 1):
            return x if number(c) == 1 else constant(c.get("value"), x.shape, c.get("powers")) * x
    return None


@law("repetition of a repetition", "repeat(repeat(x)) = repeat(x)", "broadcast")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if x.shape == n.shape:
        return x
    if x.is_constant:
        return broadcast_to(x, n.shape)
    return broadcast_to(x.inputs[0], n.shape) if is_op(x, "broadcast") else None


@law("a repetition leaves its sign outside", "repeat(-x) = -repeat(x)", "broadcast")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    return -broadcast_to(x.inputs[0], n.shape) if is_op(x, "negate") else None


@law("picking a difference", "pick(A - B) = pick A - pick B", "pick")
def _(n: Node) -> Node | None:
    x, y = n.inputs
    if is_op(x, "broadcast") and x.inputs[0].shape.rows == 1:
        return broadcast_to(x.inputs[0], n.shape)
    if is_op(x, "subtract"):
        return pick(x.inputs[0], y) - pick(x.inputs[1], y)
    return None


@law("where both branches agree", "[P] x + [not P] x = x", "where", "maximum", "minimum")
def _(n: Node) -> Node | None:
    return n.inputs[-1] if n.inputs[-1] is n.inputs[-2] else None


@law("branches of one condition", "(a, b | P) + (c, d | P) = (a + c, b + d | P)", "add")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    if is_op(a, "where") and is_op(b, "where") and a.inputs[0] is b.inputs[0]:
        return where(a.inputs[0], a.inputs[1] + b.inputs[1], a.inputs[2] + b.inputs[2])
    return None


@law("twice the same", "x + x = 2 x", "add")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    return 2 * a if a is b and not a.is_constant else None


@law(
    "collect like terms",
    "a x + b x = (a + b) x, x y / y = x",
    "add",
    "subtract",
    "negate",
    "multiply",
    "divide",
    "power",
    condition="a cancelled factor is not zero",
)
def _(n: Node) -> Node | None:
    return collect(n)
