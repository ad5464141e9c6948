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
    if not isinstance(a, Node) and not isinstance(b, Node):
        a = S * a
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


def _fits(a: Any, b: Any) -> bool:
    if not isinstance(a, Node) or not isinstance(b, Node):
        return True
    return all(x == y or 1 in (x, y) for x, y in zip(a.shape, b.shape, strict=True))


def _extend(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    operand = st.one_of(inner, NUMBERS)
    return st.one_of(
        st.builds(lambda f, x: f(x), st.sampled_from(_ONE), inner),
        st.tuples(st.sampled_from(_TWO), operand, operand).filter(lambda t: _fits(t[1], t[2])).map(_two),
        st.builds(lambda x, p: x**p, inner, st.sampled_from([2, 3, -1, -2, Fraction(1, 2)])),
        st.builds(lambda x: -x, inner),
        st.builds(lambda x: x.T, inner),
        st.builds(lambda x, axis: o.total(x, axis=axis), inner, st.sampled_from([0, 1, None])),
        st.builds(lambda x, axis: o.lse(x, axis=axis), inner, st.sampled_from([0, 1, None])),
        st.builds(_product, inner, inner),
    )


def expressions(leaves: int = 8) -> st.SearchStrategy[Node]:
    """Expressions of up to about `leaves` leaves."""
    return st.recursive(st.sampled_from(LEAVES), _extend, max_leaves=leaves)
