"""Reverse mode: against the complex step, against itself (vjp, jvp, second order), and step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import STEP, complex_step, relative_error

import chainrule.ops as o
from chainrule.errors import ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import Graph, Node, Shape, build, constant, size, variable, variables, walk
from chainrule.laws import LAWS
from chainrule.reverse import derive, jvp, vjp

X, Y = variable("X", "n_0", "m"), variable("Y", "n_L", "m")
LAW_NAMES = {law.name for law in LAWS}


def _total(x: Node) -> Node:
    return o.total(x, axis=None)


LOSSES = {
    "squared error": lambda A: _total((A - Y) ** 2) / 2 * size("m", -1),
    "soft-max cross-entropy": lambda A: -_total(Y * o.log(o.softmax(A))) * size("m", -1),
    "sigmoid cross-entropy": lambda A: (
        -_total(Y * o.log(o.sigmoid(A)) + (1 - Y) * o.log(1 - o.sigmoid(A))) * size("m", -1)
    ),
    "smooth absolute error": lambda A: _total(o.sqrt((A - Y) ** 2 + 1) - 1),
}


def _network(widths: list[int], activations: list[str]) -> Node:
    A = X
    for i, name in enumerate(activations, start=1):
        W = variable(f"W[{i}]", widths[i], widths[i - 1])
        b = variable(f"b[{i}]", widths[i], 1)
        A = o.ACTIVATIONS[name](W @ A + b)
    return A


def _numbers(widths: list[int], m: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"X": rng.normal(size=(widths[0], m)), "Y": rng.dirichlet(np.ones(widths[-1]), m).T}
    for i in range(1, len(widths)):
        found[f"W[{i}]"] = rng.normal(size=(widths[i], widths[i - 1])) / np.sqrt(widths[i - 1])
        found[f"b[{i}]"] = rng.normal(size=(widths[i], 1)) / 2
    return found


def _at(node: Node) -> Any:
    return lambda values: evaluate(node, values, dtype=np.complex128)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[str], str, int, int]:
    depth = draw(st.integers(1, 4))
    widths = [draw(st.integers(1, 4)) for _ in range(depth + 1)]
    activations = [draw(st.sampled_from(sorted(o.ACTIVATIONS))) for _ in range(depth)]
    return (
        widths,
        activations,
        draw(st.sampled_from(sorted(LOSSES))),
        draw(st.integers(1, 4)),
        draw(st.integers(0, 2**20)),
    )


@settings(max_examples=60)
@given(drawn=networks())
def test_random_networks(drawn: tuple[list[int], list[str], str, int, int]) -> None:
    widths, activations, loss, m, seed = drawn
    J = LOSSES[loss](_network(widths, activations))
    numbers = _numbers(widths, m, seed)
    d = derive(J)
    assert set(d) == {f"d{n}" for n in numbers}
    results = evaluate([d[f"d{n}"] for n in numbers] + [J], numbers)[:-1]
    for name, got in zip(numbers, results, strict=True):
        assert d[f"d{name}"].shape == variables(J)[name].shape
        assert relative_error(got, complex_step(_at(J), numbers, name)) <= 1e-9, name


@pytest.mark.parametrize("name", sorted(o.ACTIVATIONS))
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_activation_in_a_hidden_layer(name: str, outputs: int) -> None:
    widths = [3, 4, outputs]
    J = LOSSES["squared error"](_network(widths, [name, "identity"]))
    numbers = _numbers(widths, 5, 1)
    d = derive(J)
    for parameter in numbers:
        got, _ = evaluate([d[f"d{parameter}"], J], numbers)
        assert relative_error(got, complex_step(_at(J), numbers, parameter)) <= 1e-9, parameter


def test_two_layers_of_sigmoids_by_hand() -> None:
    """The batch gradient that SymPy cannot express, against the formulas of the textbook in plain NumPy."""
    widths, m = [3, 4, 2], 5
    J = LOSSES["squared error"](_network(widths, ["sigmoid", "sigmoid"]))
    v = _numbers(widths, m, 3)
    A1 = 1 / (1 + np.exp(-(v["W[1]"] @ v["X"] + v["b[1]"])))
    A2 = 1 / (1 + np.exp(-(v["W[2]"] @ A1 + v["b[2]"])))
    dZ2 = (A2 - v["Y"]) * A2 * (1 - A2)
    dZ1 = v["W[2]"].T @ dZ2 * A1 * (1 - A1)
    wanted = {
        "dW[2]": dZ2 @ A1.T / m, "db[2]": dZ2.sum(axis=1, keepdims=True) / m,
        "dW[1]": dZ1 @ v["X"].T / m, "db[1]": dZ1.sum(axis=1, keepdims=True) / m, "dX": v["W[1]"].T @ dZ1 / m,
    }  # fmt: skip
    d = derive(J)
    for name, value in wanted.items():
        np.testing.assert_allclose(evaluate(d[name], v), value, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("form", ["lse", "log", "labels"])
def test_soft_max_cross_entropy_by_the_weights(form: str) -> None:
    W = variable("W", "K", "n_0")
    T = variable("Y", "K", "m", assume=("columns sum to one",))
    label = variable("y", 1, "m", kind="label")
    Z = W @ X
    J = {
        "lse": lambda: _total(o.lse(Z, axis=0)) - _total(T * Z),
        "log": lambda: -_total(T * o.log(o.exp(Z) / o.total(o.exp(Z), axis=0))),
        "labels": lambda: -_total(o.pick(o.log_softmax(Z), label)),
    }[form]()
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (1, 6))
    hot = (np.arange(3)[:, None] == y).astype(float)
    v = {"W": rng.normal(size=(3, 4)), "X": rng.normal(size=(4, 6)), "Y": hot, "y": y}
    E = np.exp(v["W"] @ v["X"])
    np.testing.assert_allclose(evaluate(derive(J, ["W"])["dW"], v), (E / E.sum(axis=0) - hot) @ v["X"].T, rtol=1e-12)


def test_soft_max_cross_entropy_prints_as_in_the_book() -> None:
    W, b = variable("W[1]", "K", "n_0"), variable("b[1]", "K", 1)
    T = variable("Y", "K", "m", assume=("columns sum to one",))
    Z = W @ X + b
    A = o.softmax(Z)
    d = derive(-_total(T * o.log(A)), names=Graph({"Z[1]": Z, "A[1]": A}))
    assert d.equation("dZ[1]") == "dZ[1] = A[1] - Y"
    assert d.equation("dW[1]") == "dW[1] = dZ[1] @ X.T"
    assert d.equation("db[1]") == "db[1] = sum(dZ[1], axis=1)"
    assert d.equation("dX") == "dX = W[1].T @ dZ[1]"


# Uses, seeds, names, refusals


def test_several_uses_add() -> None:
    x = variable("x", 1, 1)
    d = derive(x * o.sin(x) + x**3 - 2 * x)
    for v in (0.3, -1.2):
        assert evaluate(d["dx"], {"x": v}).item() == pytest.approx(np.sin(v) + v * np.cos(v) + 3 * v**2 - 2, rel=1e-13)
    assert any(s.rule == "sum over uses" for s in d.steps)


def test_inputs_have_gradients_too() -> None:
    W = variable("W", "n_1", "n_0")
    d = derive(_total(W @ X), ["X"])
    assert list(d) == ["dX"]
    values = {"W": [[1.0, 2.0], [3.0, 4.0]], "X": np.ones((2, 3))}
    np.testing.assert_array_equal(evaluate([d["dX"], X], values)[0], [[4] * 3, [6] * 3])


def test_nodes_that_do_not_matter_have_zero_cotangents() -> None:
    x, y = variable("x", 2, 1), variable("y", 3, 1)
    d = derive(_total(x * x), [x, y])
    assert d.of(y) is constant(0, Shape(3, 1))


def test_a_variable_renamed_by_unification_is_still_found() -> None:
    W, other = variable("W", "n_1", "n_0"), variable("X", "k", "m")
    d = derive(_total((W @ other) ** 2), [other])
    values = {"W": np.array([[2.0]]), "X": np.array([[3.0]])}
    assert evaluate(d.of(other), values).item() == 24.0


def test_labels_carry_no_derivative() -> None:
    label = variable("y", 1, "m", kind="label")
    d = derive(_total(o.pick(X, label)))
    assert list(d) == ["dX"]


def test_refusals() -> None:
    x = variable("weights", 2, 3)
    with pytest.raises(ShapeError, match="expected a 1 × 1 output, received 2 × 3"):
        derive(o.exp(x))
    with pytest.raises(ShapeError, match="seed of the output's shape 2 × 3, received 1 × 1"):
        derive(o.exp(x), seed=constant(1))
    with pytest.raises(UnknownNameError, match="did you mean 'weights'"):
        derive(_total(x), ["weigths"])
    with pytest.raises(UnknownNameError, match="did you mean 'dweights'"):
        derive(_total(x))["dweigth"]
    with pytest.raises(ShapeError, match=r"jvp: expected a tangent of shape 2 × 3"):
        jvp(o.exp(x), {x: constant(1)})


# Second order, vector-Jacobian and Jacobian-vector products


def test_hessian_of_a_small_network() -> None:
    widths = [2, 3, 2]
    J = LOSSES["soft-max cross-entropy"](_network(widths, ["tanh", "softplus"]))
    v = _numbers(widths, 4, 5)
    first = derive(J)
    parameters = ["W[1]", "b[1]", "W[2]", "b[2]"]
    hessian: dict[tuple[str, str], Any] = {}
    for one in parameters:
        for place in np.ndindex(v[one].shape):
            pick = np.zeros(v[one].shape)
            pick[place] = 1
            E = variable("E", *first[f"d{one}"].shape)
            row = derive(_total(E * first[f"d{one}"]), parameters)
            for other in parameters:
                got, _, _ = evaluate([row.of(row.names[other]), E, J], {**v, "E": pick})
                hessian[one + str(place), other] = got
                wanted = complex_step(lambda w, d=first[f"d{one}"], p=place: _at(d)(w)[p], v, other)
                assert relative_error(got, wanted) <= 1e-9
    # Schwarz: the second derivatives commute.
    for i in np.ndindex(v["W[1]"].shape):
        for j in np.ndindex(v["b[2]"].shape):
            assert hessian["W[1]" + str(i), "b[2]"][j] == pytest.approx(
                hessian["b[2]" + str(j), "W[1]"][i], rel=1e-9, abs=1e-14
            )


@settings(max_examples=15)
@given(drawn=networks())
def test_products_with_the_jacobian(drawn: tuple[list[int], list[str], str, int, int]) -> None:
    widths, activations, _, m, seed = drawn
    A = _network(widths, activations)
    v = _numbers(widths, m, seed)
    rng = np.random.default_rng(seed + 1)
    inputs = variables(A)
    tangents = {x: variable(f"·t{n}", *x.shape) for n, x in inputs.items()}
    seed_node = variable("·u", *A.shape)
    full = dict(v)
    for n in inputs:
        full[f"·t{n}"] = rng.normal(size=v[n].shape)
    full["·u"] = rng.normal(size=evaluate(A, v).shape)
    forward, _ = evaluate([jvp(A, tangents), A], full)
    moved = {n: v[n] + 1j * STEP * full[f"·t{n}"] for n in inputs}
    wanted = np.imag(evaluate(A, moved, dtype=np.complex128)) / STEP
    assert relative_error(forward, wanted) <= 1e-9
    back = evaluate([*vjp(A, list(inputs), seed_node), A], full)[:-1]
    left = float(np.sum(full["·u"] * forward))
    right = float(sum(np.sum(g * full[f"·t{n}"]) for n, g in zip(inputs, back, strict=True)))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


# The steps are the derivation


def _settled(node: Node, table: dict[Node, Node]) -> Node:
    """Rewrite an expression with nothing but the recorded steps, from the leaves up until none applies."""
    memo: dict[Node, Node] = {}

    def settle(n: Node) -> Node:
        for x in walk(n):
            if x not in memo:
                current = build(x.op, tuple(memo[i] for i in x.inputs), x.attrs)
                memo[x] = settle(table[current]) if current in table else current
        return memo[n]

    return settle(node)


@settings(max_examples=20)
@given(drawn=networks())
def test_the_steps_replay_to_the_result(drawn: tuple[list[int], list[str], str, int, int]) -> None:
    widths, activations, loss, m, seed = drawn
    J = LOSSES[loss](_network(widths, activations))
    v = _numbers(widths, m, seed)
    d = derive(J)
    table = {s.before: s.after for s in d.steps if s.rule in LAW_NAMES}
    raw: dict[Node, Node] = {}
    for s in d.steps:
        assert s.why
        assert s.rule in str(s)
        if s.rule == "sum over uses":
            assert s.before is raw[s.target]
            raw[s.target] = s.after
        elif s.rule not in LAW_NAMES:
            raw.setdefault(s.target, s.after)
    for target, expression in raw.items():
        assert _settled(expression, table) is d.of(target)
    pairs = [n for s in d.steps if s.rule in LAW_NAMES for n in (s.before, s.after)]
    numbers = evaluate([*pairs, J], v)
    for before, after in zip(numbers[0:-1:2], numbers[1::2], strict=False):
        np.testing.assert_allclose(after, before, rtol=1e-8, atol=1e-10)
