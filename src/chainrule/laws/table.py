"""Named laws of simplification, each with its equation and its condition.

The laws serve twice: they turn a derivation into the textbook's form, and they are what makes the numbers stable
(log-sum-exp, softplus). Each row rewrites one node whose operands are already simplified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ..graph import OPS, Node, broadcast_to, constant, size
from ..ops import (
    exp,
    expm1,
    log,
    log1p,
    lse,
    pick,
    sigmoid,
    softplus,
    sqrt,
    step,
    tanh,
    total,
)
from .ring import coefficient, collect, factors_of, rebuilt


@dataclass(frozen=True)
class Law:
    """One simplification: `equation` holds whenever `condition` does; `rewrite` is None where it does not apply."""

    name: str
    equation: str
    condition: str
    ops: tuple[str, ...]
    rewrite: Callable[[Node], Node | None]


LAWS: list[Law] = []


def law(name: str, equation: str, *ops: str, condition: str = "") -> Callable[[Callable[[Node], Node | None]], None]:
    """Enter a rewrite into the table for the ops at whose nodes it may apply."""

    def enter(rewrite: Callable[[Node], Node | None]) -> None:
        LAWS.append(Law(name, equation, condition, ops, rewrite))

    return enter


def _is(node: Node, name: str) -> bool:
    return node.op.name == name


def _value(node: Node) -> Fraction | float | None:
    """The number of a constant without size powers, else None."""
    return node.get("value") if node.is_constant and not node.get("powers") else None


def _negated(node: Node) -> Node | None:
    """x of an expression -x (or c·x with c < 0, as |c|·x)."""
    c, powers, rest = coefficient(node)
    if c >= 0 or rest is None:
        return None
    return rest if c == -1 and not powers else constant(-c, rest.shape, powers) * rest


def simplest_negation(node: Node) -> Node:
    """-x as the laws leave it: -(-x) is x."""
    return _negated(node) or -node


def _one_plus(node: Node) -> Node | None:
    """x of an expression 1 + x or x + 1."""
    if _is(node, "add"):
        a, b = node.inputs
        if _value(a) == 1:
            return b
        if _value(b) == 1:
            return a
    return None


# --- exp and log ------------------------------------------------------------------------------------------------


@law("log of exp", "ln e^x = x", "log")
def _(n: Node) -> Node | None:
    return n.inputs[0].inputs[0] if _is(n.inputs[0], "exp") else None


@law("exp of log", "e^(ln x) = x", "exp", condition="x > 0")
def _(n: Node) -> Node | None:
    return n.inputs[0].inputs[0] if _is(n.inputs[0], "log") else None


@law("log of sigmoid", "ln σ(z) = -softplus(-z)", "log")
def _(n: Node) -> Node | None:
    return -softplus(-n.inputs[0].inputs[0]) if _is(n.inputs[0], "sigmoid") else None


@law("log of one minus sigmoid", "ln(1 - σ(z)) = -softplus(z)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if _is(x, "subtract") and _value(x.inputs[0]) == 1 and _is(x.inputs[1], "sigmoid"):
        return -softplus(x.inputs[1].inputs[0])
    return None


@law("softplus from its definition", "ln(1 + e^z) = softplus(z)", "log", "log1p")
def _(n: Node) -> Node | None:
    x = _one_plus(n.inputs[0]) if _is(n, "log") else n.inputs[0]
    return softplus(x.inputs[0]) if x is not None and _is(x, "exp") else None


@law("accurate log near one", "ln(1 + x) = log1p(x)", "log", condition="x > -1")
def _(n: Node) -> Node | None:
    x = _one_plus(n.inputs[0])
    return None if x is None else log1p(x)


@law("accurate exp near zero", "e^x - 1 = expm1(x)", "subtract")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    return expm1(a.inputs[0]) if _is(a, "exp") and _value(b) == 1 else None


@law("log-sum-exp from its definition", "ln Σ e^Z = lse(Z)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if _is(x, "sum") and _is(x.inputs[0], "exp"):
        return lse(x.inputs[0].inputs[0], axis=x.get("axis"))
    return None


@law("soft-max from its definition", "e^Z / Σ e^Z = e^(Z - lse Z)", "divide")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    bottom = b.inputs[0] if _is(b, "broadcast") else b
    if _is(a, "exp") and _is(bottom, "sum") and bottom.inputs[0] is a:
        z = a.inputs[0]
        return exp(z - broadcast_to(lse(z, axis=bottom.get("axis")), z.shape))
    return None


@law("log of a power", "ln x^p = p ln x", "log", condition="x > 0")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if _is(x, "power") and x.inputs[1].is_constant:
        return x.inputs[1] * log(x.inputs[0])
    if _is(x, "divide") and _value(x.inputs[0]) == 1:
        return -log(x.inputs[1])
    return None


@law("log passes picking", "ln(pick x) = pick(ln x)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    return pick(log(x.inputs[0]), x.inputs[1]) if _is(x, "pick") else None


_REPEATABLE = tuple(op.name for op in OPS.values() if op.pointwise and op.name != "negate")


@law("a function of a repeated row or column", "f(repeat x) = repeat(f x)", *_REPEATABLE)
def _(n: Node) -> Node | None:
    inner = {x.inputs[0].shape for x in n.inputs if _is(x, "broadcast")}
    if len(inner) != 1 or not all(x.is_constant or _is(x, "broadcast") for x in n.inputs):
        return None
    parts = (constant(x.get("value"), powers=x.get("powers")) if x.is_constant else x.inputs[0] for x in n.inputs)
    return broadcast_to(n.op(*parts, **dict(n.attrs)), n.shape)


# --- sigmoid, tanh, step ----------------------------------------------------------------------------------------


@law("sigmoid from its definition", "1 / (1 + e^-z) = σ(z)", "divide")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    x = _one_plus(b)
    if x is None or not _is(x, "exp"):
        return None
    if _value(a) == 1:
        return sigmoid(-x.inputs[0])
    return sigmoid(x.inputs[0]) if a is x else None


@law("sigmoid from its definition, as a power", "(1 + e^-z)^-1 = σ(z)", "power")
def _(n: Node) -> Node | None:
    a, p = n.inputs
    x = _one_plus(a)
    return sigmoid(-x.inputs[0]) if x is not None and _is(x, "exp") and _value(p) == -1 else None


@law("exp times sigmoid", "e^-z σ(z) = 1 - σ(z)", "multiply", "divide")
def _(n: Node) -> Node | None:
    factors: dict[Node, int] = {}
    try:
        c, powers = factors_of(n, 1, factors)
    except ArithmeticError:
        return None
    for f, e in list(factors.items()):
        below = _one_plus(f)
        if e <= -1 and below is not None and _is(below, "exp"):
            x, replaced = below, sigmoid(below.inputs[0])
        elif e >= 1 and _is(f, "sigmoid"):
            x, replaced = exp(simplest_negation(f.inputs[0])), 1 - f
        else:
            continue
        if factors.get(x, 0) < 1:
            continue
        factors[f] -= 1 if e > 0 else -1
        factors[x] -= 1
        return rebuilt(c, powers, factors, n.shape) * replaced
    return None


@law("sigmoid is odd about one half", "σ(-z) = 1 - σ(z)", "sigmoid")
def _(n: Node) -> Node | None:
    x = _negated(n.inputs[0])
    return None if x is None else 1 - sigmoid(x)


@law("tanh is odd", "tanh(-z) = -tanh(z)", "tanh")
def _(n: Node) -> Node | None:
    x = _negated(n.inputs[0])
    return None if x is None else -tanh(x)


@law("a positive factor keeps the sign", "[c z > 0] = [z > 0]", "step", condition="c > 0")
def _(n: Node) -> Node | None:
    c, powers, rest = coefficient(n.inputs[0])
    if rest is None or c <= 0 or (c == 1 and not powers):
        return None
    return step(rest)


@law("square root from its power", "x^(1/2) = √x", "power")
def _(n: Node) -> Node | None:
    return sqrt(n.inputs[0]) if _value(n.inputs[1]) == Fraction(1, 2) else None


# --- sums, transposes, repetition -------------------------------------------------------------------------------


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
    if not _is(x, "broadcast"):
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
    if not _is(x, "sum") or x.get("axis") is None:
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
    if not _is(x, "multiply") or n.get("axis") != 0:
        return None
    for row, rest in (x.inputs, x.inputs[::-1]):
        if _is(row, "broadcast") and row.inputs[0].shape.rows == 1:
            return broadcast_to(row.inputs[0], n.shape) * total(rest, axis=0)
    return None


@law("columns that sum to one", "1ᵀY = 1ᵀ", "sum", condition="Y is one-hot, a soft-max, or declared to sum to one")
def _(n: Node) -> Node | None:
    if n.get("axis") != 0 or _is(n.inputs[0], "sum"):
        return None
    result = _column_sum(n.inputs[0])
    return None if result is None else simplest(constant(result[0], n.shape, result[1]))


def _column_sum(x: Node) -> tuple[Fraction, tuple[tuple[str, int], ...]] | None:
    """The constant that every column of x sums to, if it is known."""
    if x.is_constant:
        c, powers, _ = coefficient(simplest(size(x.shape.rows) * constant(x.get("value"), powers=x.get("powers"))))
        return c, powers
    if _is(x, "one_hot") or (x.is_variable and "columns sum to one" in x.get("assume")) or _is_softmax(x):
        return Fraction(1), ()
    if x.op.name in ("add", "subtract"):
        a, b = (_column_sum(y) for y in x.inputs)
        if a is None or b is None or a[1] != b[1]:
            return None
        return (a[0] + b[0] if _is(x, "add") else a[0] - b[0]), a[1]
    c, powers, rest = coefficient(x)
    if rest is not None and rest is not x:
        inner = _column_sum(rest)
        if inner is not None and (not powers or not inner[1]):
            return c * inner[0], powers or inner[1]
    return None


def _is_softmax(x: Node) -> bool:
    if not (_is(x, "exp") and _is(x.inputs[0], "subtract")):
        return False
    z, shift = x.inputs[0].inputs
    shift = shift.inputs[0] if _is(shift, "broadcast") else shift
    return _is(shift, "lse") and shift.inputs[0] is z and shift.get("axis") == 0


@law("transpose twice", "(Aᵀ)ᵀ = A", "transpose")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if _is(x, "transpose"):
        return x.inputs[0]
    if x.is_constant:
        return constant(x.get("value"), n.shape, x.get("powers"))
    return x if x.shape == (1, 1) else None


@law("repetition of a repetition", "repeat(repeat(x)) = repeat(x)", "broadcast")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if x.shape == n.shape:
        return x
    if x.is_constant:
        return broadcast_to(x, n.shape)
    return broadcast_to(x.inputs[0], n.shape) if _is(x, "broadcast") else None


@law("a repetition leaves its sign outside", "repeat(-x) = -repeat(x)", "broadcast")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    return -broadcast_to(x.inputs[0], n.shape) if _is(x, "negate") else None


@law("picking a difference", "pick(A - B) = pick A - pick B", "pick")
def _(n: Node) -> Node | None:
    x, y = n.inputs
    if _is(x, "broadcast") and x.inputs[0].shape.rows == 1:
        return broadcast_to(x.inputs[0], n.shape)
    if _is(x, "subtract"):
        return pick(x.inputs[0], y) - pick(x.inputs[1], y)
    return None


@law("where both branches agree", "[P] x + [not P] x = x", "where", "maximum", "minimum")
def _(n: Node) -> Node | None:
    return n.inputs[-1] if n.inputs[-1] is n.inputs[-2] else None


@law("branches of one condition", "(a, b | P) + (c, d | P) = (a + c, b + d | P)", "add")
def _(n: Node) -> Node | None:
    from ..ops import where

    a, b = n.inputs
    if _is(a, "where") and _is(b, "where") and a.inputs[0] is b.inputs[0]:
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
