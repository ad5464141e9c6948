"""Hypothesis strategies: random expressions over a few matrices, random networks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

import chainrule.ops as o
from chainrule.graph import Node, variable

SIZES = {"n": 3, "m": 2}
A, B = variable("A", "n", "m"), variable("B", "n", "m")
C, R, S = variable("C", "n", 1), variable("R", 1, "m"), variable("S", 1, 1)
Q = variable("Q", "n", "n")
LEAVES = (A, B, C, R, S, Q)

_ONE = (o.exp, o.tanh, o.sigmoid, o.softplus, o.sin, o.cos, o.absolute, o.log, o.sqrt, o.log1p, o.expm1)
_TWO = ("+", "-", "*", "/", "max", "min")
NUMBERS = st.sampled_from([-3, -2, -1, 0, 1, 2, 3, Fraction(1, 2), Fraction(-2, 3), 0.1, 7, Fraction(5, 4)])


def values(seed: int) -> dict[str, Any]:
    """Positive numbers of moderate size for the leaves: logarithms exist, exponentials stay small."""
    rng = np.random.default_rng(seed)
    return {v.name: rng.uniform(0.3, 1.6, v.shape.bind(SIZES)) for v in LEAVES}


def _two(pair: tuple[str, Node | Any, Node | Any]) -> Node:
    sign, a, b = pair
    if sign in ("max", "min"):
        return o.maximum(a, b) if sign == "max" else o.minimum(a, b)
    return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[sign]()


def _product(a: Node, b: Node) -> Node:
    """A matrix product of whatever shapes: transposed or between the square Q where they do not fit."""
    for left in (a, a.T):
        for right in (b, b.T):
            if left.shape.cols == right.shape.rows:
                return left @ right
    return (
        o.total(a, axis=1) @ o.total(b, axis=0)
        if {a.shape.rows, b.shape.cols} == {"n", "m"}
        else a * o.total(b, axis=None)
    )


def _fits(a: Node, b: Any) -> bool:
    return not isinstance(b, Node) or all(x == y or 1 in (x, y) for x, y in zip(a.shape, b.shape, strict=True))


@st.composite
def expressions(draw: st.DrawFn, steps: int = 8) -> Node:
    """Expressions of up to `steps` operations, in which parts may be used several times."""
    pool: list[Node] = list(LEAVES)
    for _ in range(draw(st.integers(1, steps))):
        a = draw(st.sampled_from(pool[::-1]))
        kind = draw(
            st.sampled_from(["function", "two", "two", "number", "power", "negate", "T", "sum", "lse", "product"])
        )
        if kind == "function":
            node = draw(st.sampled_from(_ONE))(a)
        elif kind in ("two", "number"):
            sign = draw(st.sampled_from(_TWO))
            b = draw(NUMBERS) if kind == "number" else draw(st.sampled_from([x for x in pool[::-1] if _fits(a, x)]))
            node = _two((sign, a, b) if draw(st.booleans()) else (sign, b, a))
        elif kind == "power":
            node = a ** draw(st.sampled_from([2, 3, -1, -2, Fraction(1, 2)]))
        elif kind in ("sum", "lse"):
            node = (o.total if kind == "sum" else o.lse)(a, axis=draw(st.sampled_from([0, 1, None])))
        elif kind == "product":
            node = _product(a, draw(st.sampled_from(pool[::-1])))
        else:
            node = -a if kind == "negate" else a.T
        pool.append(node)
    return pool[-1]
