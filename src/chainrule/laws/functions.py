"""Laws of exp and log, sigmoid, tanh, step and powers: the textbook's identities, and the stable forms."""

from __future__ import annotations

from fractions import Fraction

from ..graph import OPS, Node, broadcast_to, constant
from ..ops import exp, expm1, log, log1p, lse, pick, sigmoid, softplus, sqrt, step, tanh
from .law import is_op, law, negated, number, one_plus, simplest_negation
from .ring import coefficient, factors_of, rebuilt


@law("log of exp", "ln e^x = x", "log")
def _(n: Node) -> Node | None:
    return n.inputs[0].inputs[0] if is_op(n.inputs[0], "exp") else None


@law("exp of log", "e^(ln x) = x", "exp", condition="x > 0")
def _(n: Node) -> Node | None:
    return n.inputs[0].inputs[0] if is_op(n.inputs[0], "log") else None


@law("log of sigmoid", "ln σ(z) = -softplus(-z)", "log")
def _(n: Node) -> Node | None:
    return -softplus(-n.inputs[0].inputs[0]) if is_op(n.inputs[0], "sigmoid") else None


@law("log of one minus sigmoid", "ln(1 - σ(z)) = -softplus(z)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if is_op(x, "subtract") and number(x.inputs[0]) == 1 and is_op(x.inputs[1], "sigmoid"):
        return -softplus(x.inputs[1].inputs[0])
    return None


@law("softplus from its definition", "ln(1 + e^z) = softplus(z)", "log", "log1p")
def _(n: Node) -> Node | None:
    x = one_plus(n.inputs[0]) if is_op(n, "log") else n.inputs[0]
    return softplus(x.inputs[0]) if x is not None and is_op(x, "exp") else None


@law("accurate log near one", "ln(1 + x) = log1p(x)", "log", condition="x > -1")
def _(n: Node) -> Node | None:
    x = one_plus(n.inputs[0])
    return None if x is None else log1p(x)


@law("accurate exp near zero", "e^x - 1 = expm1(x)", "subtract")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    return expm1(a.inputs[0]) if is_op(a, "exp") and number(b) == 1 else None


@law("log-sum-exp from its definition", "ln Σ e^Z = lse(Z)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if is_op(x, "sum") and is_op(x.inputs[0], "exp"):
        return lse(x.inputs[0].inputs[0], axis=x.get("axis"))
    return None


@law("soft-max from its definition", "e^Z / Σ e^Z = e^(Z - lse Z)", "divide")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    bottom = b.inputs[0] if is_op(b, "broadcast") else b
    if is_op(a, "exp") and is_op(bottom, "sum") and bottom.inputs[0] is a:
        z = a.inputs[0]
        return exp(z - broadcast_to(lse(z, axis=bottom.get("axis")), z.shape))
    return None


@law("log of a power", "ln x^p = p ln x", "log", condition="x > 0")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    if is_op(x, "power") and x.inputs[1].is_constant:
        return x.inputs[1] * log(x.inputs[0])
    if is_op(x, "divide") and number(x.inputs[0]) == 1:
        return -log(x.inputs[1])
    return None


@law("log passes picking", "ln(pick x) = pick(ln x)", "log")
def _(n: Node) -> Node | None:
    (x,) = n.inputs
    return pick(log(x.inputs[0]), x.inputs[1]) if is_op(x, "pick") else None


_REPEATABLE = tuple(op.name for op in OPS.values() if op.pointwise and op.name != "negate")


@law("a function of a repeated row or column", "f(repeat x) = repeat(f x)", *_REPEATABLE)
def _(n: Node) -> Node | None:
    inner = {x.inputs[0].shape for x in n.inputs if is_op(x, "broadcast")}
    if len(inner) != 1 or not all(x.is_constant or is_op(x, "broadcast") for x in n.inputs):
        return None
    parts = (constant(x.get("value"), powers=x.get("powers")) if x.is_constant else x.inputs[0] for x in n.inputs)
    return broadcast_to(n.op(*parts, **dict(n.attrs)), n.shape)


@law("sigmoid from its definition", "1 / (1 + e^-z) = σ(z)", "divide")
def _(n: Node) -> Node | None:
    a, b = n.inputs
    x = one_plus(b)
    if x is None or not is_op(x, "exp"):
        return None
    if number(a) == 1:
        return sigmoid(-x.inputs[0])
    return sigmoid(x.inputs[0]) if a is x else None


@law("sigmoid from its definition, as a power", "(1 + e^-z)^-1 = σ(z)", "power")
def _(n: Node) -> Node | None:
    a, p = n.inputs
    x = one_plus(a)
    return sigmoid(-x.inputs[0]) if x is not None and is_op(x, "exp") and number(p) == -1 else None


@law("exp times sigmoid", "e^-z σ(z) = 1 - σ(z)", "multiply", "divide")
def _(n: Node) -> Node | None:
    factors: dict[Node, int] = {}
    try:
        c, powers = factors_of(n, 1, factors)
    except ArithmeticError:
        return None
    for f, e in list(factors.items()):
        below = one_plus(f)
        if e <= -1 and below is not None and is_op(below, "exp"):
            x, replaced = below, sigmoid(below.inputs[0])
        elif e >= 1 and is_op(f, "sigmoid"):
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
    x = negated(n.inputs[0])
    return None if x is None else 1 - sigmoid(x)


@law("tanh is odd", "tanh(-z) = -tanh(z)", "tanh")
def _(n: Node) -> Node | None:
    x = negated(n.inputs[0])
    return None if x is None else -tanh(x)


@law("a positive factor keeps the sign", "[c z > 0] = [z > 0]", "step", condition="c > 0")
def _(n: Node) -> Node | None:
    c, powers, rest = coefficient(n.inputs[0])
    if rest is None or c <= 0 or (c == 1 and not powers):
        return None
    return step(rest)


@law("square root from its power", "x^(1/2) = √x", "power")
def _(n: Node) -> Node | None:
    return sqrt(n.inputs[0]) if number(n.inputs[1]) == Fraction(1, 2) else None
