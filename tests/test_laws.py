"""Every law of simplification: the graph it makes, its numbers, and the textbook results that follow."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import expressions, values

import chainrule.ops as o
from chainrule.execute import evaluate
from chainrule.graph import Node, Shape, broadcast_to, constant, size, variable, walk
from chainrule.laws import LAWS, simplify
from chainrule.reverse import derive

X, V = variable("X", "n", "m"), variable("V", "n", "m")
P = variable("P", "n", "m", assume=("columns sum to one",))
R, C, S = variable("R", 1, "m"), variable("C", "n", 1), variable("S", 1, 1)
U = variable("U", "m", 1)
LABEL = variable("y", 1, "m", kind="label")
Negative = -X
NM = Shape("n", "m")


def _sum(x: Node, axis: int | None = None) -> Node:
    return o.total(x, axis=axis)


# law -> (expression it applies to, what it must become)
EXAMPLES: dict[str, list[tuple[Node, Node]]] = {
    "transpose of a product": [
        ((X.T @ V).T, V.T @ X),
        ((X @ V.T).T, V @ X.T),
        ((C.T @ X).T, X.T @ C),
        ((C @ (U.T @ X.T)).T, X @ U @ C.T),
    ],
    "transpose of what acts entry by entry": [
        ((2 * X.T).T, 2 * X),
        ((X.T + V.T).T, X + V),
        (o.tanh(X.T).T, o.tanh(X)),
        ((X.T @ V - V.T @ V).T, V.T @ X - V.T @ V),
    ],
    "a number as a factor of a product": [
        (C @ constant(1), C),
        (constant(1) @ R, R),
        (C @ constant(Fraction(1, 2)), Fraction(1, 2) * C),
    ],
    "a 1 × 1 factor stands outside": [(C @ S, S * C), (S @ R, S * R), ((X @ X.T @ C) @ S, S * (X @ X.T @ C))],
    "a number leaves the product": [
        ((2 * X) @ V.T, 2 * (X @ V.T)),
        (X.T @ (S * V), S * (X.T @ V)),
        ((-X).T @ V, -(X.T @ V)),
        (X.T @ (V / broadcast_to(S, NM)), broadcast_to(1 / S, Shape("m", "m")) * (X.T @ V)),
    ],
    "a number leaves the repetition": [
        (broadcast_to(2 * S, NM) * X, 2 * (broadcast_to(S, NM) * X)),
        (X * broadcast_to(3 / S, NM), 3 * (X / broadcast_to(S, NM))),
        (broadcast_to(3 / S, NM) * (X + V), 3 * (broadcast_to(1 / S, NM) * (X + V))),
    ],
    "sum of a single column": [(_sum(C, 0), _sum(C)), (_sum(R, 1), _sum(R))],
    "a number leaves the transpose": [((S * X).T, S * X.T), ((size("m") * X).T, size("m") * X.T)],
    "log of exp": [(o.log(o.exp(X)), X)],
    "exp of log": [(o.exp(o.log(X)), X)],
    "log of sigmoid": [(o.log(o.sigmoid(X)), -o.softplus(-X))],
    "log of one minus sigmoid": [(o.log(1 - o.sigmoid(X)), -o.softplus(X))],
    "softplus from its definition": [
        (o.log(1 + o.exp(X)), o.softplus(X)),
        (o.log(o.exp(X) + 1), o.softplus(X)),
        (o.log1p(o.exp(-X)), o.softplus(-X)),
    ],
    "accurate log near one": [(o.log(1 + X), o.log1p(X)), (o.log(X + 1), o.log1p(X))],
    "accurate exp near zero": [(o.exp(X) - 1, o.expm1(X))],
    "log-sum-exp from its definition": [
        (o.log(_sum(o.exp(X), 0)), o.lse(X, axis=0)),
        (o.log(_sum(o.exp(X), 1)), o.lse(X, axis=1)),
        (o.log(_sum(o.exp(X))), o.lse(X, axis=None)),
    ],
    "soft-max from its definition": [(o.exp(X) / _sum(o.exp(X), 0), o.softmax(X))],
    "log of a power": [(o.log(X**3), 3 * o.log(X)), (o.log(1 / X), -o.log(X))],
    "log passes picking": [(o.log(o.pick(X, LABEL)), o.pick(o.log(X), LABEL))],
    "a function of a repeated row or column": [
        (o.log(broadcast_to(R, NM)), broadcast_to(o.log(R), NM)),
        (o.tanh(broadcast_to(C, NM)), broadcast_to(o.tanh(C), NM)),
    ],
    "sigmoid from its definition": [
        (1 / (1 + o.exp(-X)), o.sigmoid(X)),
        (1 / (o.exp(-X) + 1), o.sigmoid(X)),
        (o.exp(X) / (1 + o.exp(X)), o.sigmoid(X)),
    ],
    "sigmoid from its definition, as a power": [((1 + o.exp(-X)) ** -1, o.sigmoid(X))],
    "exp times sigmoid": [(o.exp(-X) * o.sigmoid(X), 1 - o.sigmoid(X))],
    "sigmoid is odd about one half": [(o.sigmoid(-X), 1 - o.sigmoid(X))],
    "tanh is odd": [(o.tanh(-X), -o.tanh(X))],
    "a positive factor keeps the sign": [(o.step(3 * X), o.step(X)), (o.step(X * size("m")), o.step(X))],
    "square root from its power": [(X ** Fraction(1, 2), o.sqrt(X)), (X**0.5, o.sqrt(X))],
    "sum of one": [(_sum(R, 0), R), (_sum(C, 1), C), (_sum(S), S)],
    "sum of a constant": [
        (_sum(constant(2, NM), 0), constant(2, Shape(1, "m"), (("n", 1),))),
        (_sum(constant(Fraction(1, 2), Shape(4, 3))), constant(6)),
    ],
    "sum of a repetition": [
        (_sum(broadcast_to(R, NM), 0), constant(1, R.shape, (("n", 1),)) * R),
        (_sum(broadcast_to(C, NM), 1), constant(1, C.shape, (("m", 1),)) * C),
    ],
    "sum of a sum": [(_sum(_sum(X, 0), 1), _sum(X)), (_sum(_sum(X, 1)), _sum(X))],
    "a constant factor leaves the sum": [(_sum(2 * X), 2 * _sum(X)), (_sum(-X, 0), -_sum(X, 0))],
    "a factor of the row leaves the column's sum": [
        (_sum(R * X, 0), R * _sum(X, 0)),
    ],
    "columns that sum to one": [
        (_sum(P, 0), constant(1, Shape(1, "m"))),
        (_sum(o.softmax(X), 0), constant(1, Shape(1, "m"))),
        (_sum(o.one_hot(LABEL, classes="n"), 0), constant(1, Shape(1, "m"))),
        (_sum(0.9 * P + 0.1 * size("n", -1), 0), constant(1, Shape(1, "m"))),
    ],
    "transpose twice": [(X.T.T, X), (S.T, S)],
    "repetition of a repetition": [
        (o.broadcast(o.broadcast(S, rows="n", cols=1), rows="n", cols="m"), broadcast_to(S, NM))
    ],
    "a repetition leaves its sign outside": [(broadcast_to(-R, NM), -broadcast_to(R, NM))],
    "picking a difference": [
        (o.pick(X - V, LABEL), o.pick(X, LABEL) - o.pick(V, LABEL)),
        (o.pick(broadcast_to(R, NM), LABEL), R),
    ],
    "where both branches agree": [(o.where(X, V, V), V), (o.maximum(X, X), X), (o.minimum(X, X), X)],
    "branches of one condition": [
        (o.where(X, V, P) + o.where(X, P, P * V), o.where(X, V + P, P + P * V)),
    ],
    "twice the same": [(X + X, 2 * X)],
    "collect like terms": [
        (X - X, constant(0, NM)),
        (X * V / V, X),
        (2 * X + 3 * X, 5 * X),
        (-Negative, X),
        (-(X - V), V - X),
        (X * 1, X),
        (X * 0, constant(0, NM)),
        (X / 2 * 2, X),
        (X**2 / X, X),
        (X + V + X, 2 * X + V),
        (-P * (1 - V) + (1 - P) * V, V - P),
    ],
}


def test_every_law_has_an_example() -> None:
    assert EXAMPLES.keys() == {law.name for law in LAWS}
    assert len({law.name for law in LAWS}) == len(LAWS)
    assert all(law.equation and law.ops for law in LAWS)


def _numbers(node: Node, seed: int = 0) -> dict[str, Any]:
    """Positive numbers below one, columns that sum to one, labels: the conditions of all laws."""
    rng = np.random.default_rng(seed)
    n, m = 3, 4
    found: dict[str, Any] = {"X": rng.uniform(0.1, 0.9, (n, m)), "V": rng.uniform(0.1, 0.9, (n, m))}
    found["P"] = (p := rng.uniform(0.1, 1, (n, m))) / p.sum(axis=0)
    found |= {"R": rng.uniform(0.1, 2, (1, m)), "C": rng.uniform(0.1, 2, (n, 1)), "S": np.array([[0.7]])}
    found["U"] = rng.uniform(0.1, 2, (m, 1))
    found["y"] = rng.integers(0, n, (1, m))
    return found


def _usual(node: Node) -> set[str]:
    used: list[Any] = []
    simplify(node, record=used)
    return {a.law.name for a in used}


CASES = [(name, before, after) for name, rows in EXAMPLES.items() for before, after in rows]


@pytest.mark.parametrize(("name", "before", "after"), CASES, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CASES)])
def test_law(name: str, before: Node, after: Node) -> None:
    used: list[Any] = []
    always = next(law.always for law in LAWS if law.name == name)
    assert simplify(before, record=used, every=not always) is after
    if not always:
        assert name not in _usual(before)
    assert name in {a.law.name for a in used}
    numbers = _numbers(before)
    keep = X + o.pick(X, LABEL) * 0  # gives n and m their numbers where the result is a constant
    plain, short, _ = evaluate([before, after, keep], numbers)
    np.testing.assert_allclose(short, plain, rtol=1e-13, atol=1e-14)
    for a in used:
        one, two, _ = evaluate([a.before, a.after, keep], numbers)
        np.testing.assert_allclose(two, one, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    "node",
    [
        o.step(-2 * X),  # a negative factor turns the step around
        _sum(V, 0),  # nothing says that the columns of V sum to one
        _sum(P, 1),  # nor the rows of P
        o.log(2 + X),
        o.exp(X) / _sum(o.exp(V), 0),
        o.sigmoid(X + 1),
        _sum(C * X, 0),  # a factor of the column does not leave the column's sum
        o.where(X, V, P),
    ],
)
def test_laws_that_must_not_apply(node: Node) -> None:
    result = simplify(node)
    assert not {n.op.name for n in walk(result)} & {"softplus", "log1p", "lse"}
    np.testing.assert_allclose(*evaluate([result, node], _numbers(node)), rtol=1e-14)
    assert result is node or node.op.name == "step"


# What the books print, by derivation and laws alone

Z, Y = variable("Z", "K", "m"), variable("Y", "K", "m")
T = variable("Y", "K", "m", assume=("columns sum to one",))
Yhat = o.softmax(Z)
HOT = o.one_hot(LABEL, classes="K")
A = o.sigmoid(Z)


def _by_Z(loss: Node) -> Node:
    return derive(loss, ["Z"])["dZ"]


z1 = variable("z", 1, 1)
TEXTBOOK: dict[str, tuple[Callable[[], Node], Node]] = {
    "σ' = a(1-a), from the record": (lambda: derive(o.sigmoid(z1))["dz"], o.sigmoid(z1) * (1 - o.sigmoid(z1))),
    "σ' = a(1-a), from 1/(1+e^-z)": (lambda: derive(1 / (1 + o.exp(-z1)))["dz"], o.sigmoid(z1) * (1 - o.sigmoid(z1))),
    "σ' = a(1-a), from (1+e^-z)^-1": (
        lambda: derive((1 + o.exp(-z1)) ** -1)["dz"],
        o.sigmoid(z1) * (1 - o.sigmoid(z1)),
    ),
    "tanh' = 1-a²": (lambda: derive(o.tanh(z1))["dz"], simplify(1 - o.tanh(z1) * o.tanh(z1))),
    "softplus' = σ": (lambda: derive(o.softplus(z1))["dz"], o.sigmoid(z1)),
    "soft-max, cross-entropy": (lambda: _by_Z(-_sum(T * o.log(Yhat))), Yhat - T),
    "soft-max, cross-entropy, any Y": (
        lambda: _by_Z(-_sum(Y * o.log(Yhat))),
        _sum(Y, 0) * Yhat - Y,
    ),
    "log-soft-max": (lambda: _by_Z(-_sum(T * o.log_softmax(Z))), Yhat - T),
    "lse": (lambda: _by_Z(-_sum(T * Z) + _sum(o.lse(Z, axis=0))), Yhat - T),
    "labels": (lambda: _by_Z(-_sum(o.pick(o.log(Yhat), LABEL))), Yhat - HOT),
    "labels, log outside": (lambda: _by_Z(simplify(-_sum(o.log(o.pick(Yhat, LABEL))))), Yhat - HOT),
    "labels as one-hot": (lambda: _by_Z(-_sum(HOT * o.log(Yhat))), Yhat - HOT),
    "label smoothing": (
        lambda: _by_Z(-_sum((0.9 * T + 0.1 * size("K", -1)) * o.log(Yhat))),
        Yhat - 0.9 * T - constant(Fraction(1, 10), powers=(("K", -1),)),
    ),
    "sigmoid, binary cross-entropy": (lambda: _by_Z(-_sum(Y * o.log(A) + (1 - Y) * o.log(1 - A))), A - Y),
    "logits, binary cross-entropy": (lambda: _by_Z(_sum(o.softplus(Z) - Y * Z)), A - Y),
    "-ln σ(z)": (lambda: simplify(-o.log(o.sigmoid(Z))), o.softplus(-Z)),
    "half of the squared error": (lambda: _by_Z(_sum((Y - Z) ** 2) / 2), Z - Y),
    "half of the squared error, ŷ first": (lambda: _by_Z(Fraction(1, 2) * _sum((Z - Y) ** 2)), Z - Y),
    "squared error": (lambda: _by_Z(_sum((Y - Z) ** 2)), 2 * (Z - Y)),
    "squared error as a product": (lambda: _by_Z(_sum((Z - Y) * (Z - Y))), 2 * (Z - Y)),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_result(name: str) -> None:
    derived, wanted = TEXTBOOK[name]
    assert derived() is wanted


def test_rows_may_be_unnamed() -> None:
    logits = variable("W", "K", "n") @ variable("X", "n", "m")
    loss = -_sum(T * o.log(o.softmax(logits)))
    assert derive(loss, [logits]).of(logits) is o.softmax(logits) - T


# Extreme logits in float32, against values that need no arithmetic


def test_soft_max_cross_entropy_far_out() -> None:
    z = np.array([[1e4, -1e4, 1e4], [-1e4, 1e4, 0.0], [0.0, 0.0, -1e4]])
    y = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    loss = -(T * o.log(Yhat))
    value, slope = evaluate([simplify(_sum(loss, 0)), _by_Z(_sum(loss))], {"Z": z, "Y": y}, dtype=np.float32)
    # Columns: right by 1e4; wrong by 2e4 (the label's logit is -1e4, the largest 1e4); wrong by 1e4.
    np.testing.assert_array_equal(value, [[0.0, 2e4, 1e4]])
    np.testing.assert_array_equal(slope, [[0.0, -1.0, 1.0], [0.0, 1.0, -1.0], [0.0, 0.0, 0.0]])


def test_sigmoid_binary_cross_entropy_far_out() -> None:
    z, y = np.array([[200.0, -200.0, 200.0, -200.0, 0.0]]), np.array([[1.0, 0.0, 0.0, 1.0, 1.0]])
    loss = -(Y * o.log(A) + (1 - Y) * o.log(1 - A))
    value, slope = evaluate([simplify(loss), _by_Z(_sum(loss))], {"Z": z, "Y": y}, dtype=np.float32)
    np.testing.assert_allclose(value, [[0.0, 0.0, 200.0, 200.0, np.log(2)]], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(slope, [[0.0, 0.0, 1.0, -1.0, -0.5]], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("z", [-700.0, -40.0, -1e-9, 1e-9, 40.0, 700.0])
def test_tails_keep_their_digits(z: float) -> None:
    node = simplify(-o.log(o.sigmoid(z1)))
    assert evaluate(node, {"z": z}).item() == pytest.approx(np.logaddexp(0.0, -z), rel=1e-14)
    node = simplify(o.log(1 + z1**2))
    assert evaluate(node, {"z": z * 1e-12}).item() == pytest.approx((z * 1e-12) ** 2, rel=1e-14)


# Any expression


def _usable(node: Node, full: dict[str, Any]) -> float | None:
    """Largest magnitude on the way, or None where a number overflows or does not exist."""
    parts = evaluate(list(walk(node)), full)
    if not all(np.isfinite(p).all() for p in parts):
        return None
    return max(1.0, *(float(np.abs(p).max()) for p in parts))


@given(node=expressions(10), seed=st.integers(0, 10**6))
def test_simplify_keeps_the_value(node: Node, seed: int) -> None:
    full = values(seed)
    scale = _usable(node, full)
    assume(scale is not None and scale < 1e6)
    result = simplify(node)
    assert result.shape == node.shape
    got, wanted = evaluate([result, node], full | {}, dtype=np.float64) if node.inputs else (0.0, 0.0)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * scale)


@given(node=expressions(10))
def test_simplify_rests_and_is_deterministic(node: Node) -> None:
    once = simplify(node)
    assert simplify(once) is once
    assert simplify(node) is once


@given(node=expressions(6), seed=st.integers(0, 10**6))
def test_simplified_gradients_keep_the_value(node: Node, seed: int) -> None:
    full = values(seed)
    output = _sum(node * variable("·U", *node.shape))
    full["·U"] = np.random.default_rng(seed).uniform(0.5, 1.5, node.shape.bind({"n": 3, "m": 2}))
    scale = _usable(output, full)
    assume(scale is not None and scale < 1e4)
    d = derive(output)
    for name in d:
        if name.startswith("d·"):
            continue
        got, _ = evaluate([d[name], output], full)  # a gradient alone need not contain the arrays that fix its size
        wanted = np.zeros_like(got)
        for place in np.ndindex(got.shape):
            moved = full[name[1:]].astype(np.complex128)
            moved[place] += 1e-30j
            wanted[place] = evaluate(output, full | {name[1:]: moved}, dtype=np.complex128).item().imag / 1e-30
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * scale * max(1.0, float(np.abs(wanted).max())))
