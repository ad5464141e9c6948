"""Expressions: identity, immutability, symbolic shapes, printing, named tables, depth."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LEAVES, expressions, values

import chainrule.ops as o
from chainrule.errors import DataError, ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import (
    Graph,
    Node,
    Shape,
    constant,
    exact,
    latex,
    latex_name,
    size,
    substitute,
    text,
    variable,
    variables,
    walk,
)
from chainrule.laws import simplify
from chainrule.reverse import derive

W, X, b = variable("W", "n_1", "n_0"), variable("X", "n_0", "m"), variable("b", "n_1", 1)


# Identity and immutability


def test_the_same_expression_is_the_same_object() -> None:
    assert o.tanh(W @ X + b) is o.tanh(W @ X + b)
    assert W @ X + b is not b + W @ X
    assert variable("W", "n_1", "n_0") is W
    assert variable("W", "n_1", "n_0", assume=("positive",)) is not W
    assert constant(0.5) is constant(Fraction(1, 2))
    assert o.total(X, axis=0) is not o.total(X, axis=1)


def test_nodes_cannot_be_changed_or_made_by_hand() -> None:
    for slot in ("op", "inputs", "shape", "anything"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(W, slot, 0)
    with pytest.raises(TypeError, match="built by"):
        Node()
    with pytest.raises(TypeError, match="no truth value"):
        bool(W)


def test_copies_and_pickles_are_the_node_itself() -> None:
    node = o.lse(o.tanh(W @ X + b) * 0.3, axis=0)
    assert copy.copy(node) is node
    assert copy.deepcopy([node])[0] is node
    assert pickle.loads(pickle.dumps(node)) is node
    assert pickle.loads(pickle.dumps(node.op)) is node.op


def test_dropped_expressions_leave_no_trace() -> None:
    from chainrule.graph.node import _interned

    gc.collect()
    before = len(_interned)
    node = variable("unused·", 1, 1)
    for _ in range(1000):
        node = o.sin(node)
    assert len(_interned) >= before + 1001
    del node
    gc.collect()
    assert len(_interned) <= before


def test_a_graph_keeps_its_own_copy_of_what_it_was_given() -> None:
    nodes, groups = {"Z": W @ X}, {"layer": ("Z",)}
    table = Graph(nodes, groups)
    nodes["A"], groups["other"] = b, ()
    assert list(table) == ["Z"]
    assert list(table.groups) == ["layer"]
    with pytest.raises(TypeError):
        table.groups["x"] = ()  # type: ignore[index]


# Shapes


def test_symbolic_shapes() -> None:
    assert (W @ X).shape == ("n_1", "m")
    assert str((W @ X + b).shape) == "n_1 × m"
    assert X.T.shape == ("m", "n_0")
    assert o.total(X, axis=0).shape == (1, "m")
    assert o.total(X, axis=1).shape == ("n_0", 1)
    assert o.mean(X).shape == (1, 1)
    assert str(variable("v").shape) == "· × ·"


def test_product_unifies_and_rewrites() -> None:
    other = variable("X", "k", "m")
    product = W @ o.exp(other)
    assert product.shape == ("n_1", "m")
    assert variables(product)["X"] is X
    assert "k" not in {d for n in walk(product) for d in n.shape}


def test_numbers_and_named_sizes_win() -> None:
    assert variables(W @ variable("X", 3, "m"))["W"].shape == ("n_1", 3)
    assert variables(variable("V") @ X)["V"].shape.cols == "n_0"
    assert (variable("P", "p", "q") * variable("Q", 2, "r")).shape == (2, "q")


def test_unification_rewrites_sizes_in_constants_and_attributes() -> None:
    mean = o.mean(variable("X", "k", "m"), axis=0)
    node = o.total(variable("Y", 4, "m") * (variable("X", "k", "m") + mean), axis=None)
    assert evaluate(node, {"X": np.eye(4), "Y": np.ones((4, 4))}).item() == 8.0
    assert "k" not in {d for n in walk(node) if n.is_constant for d, _ in n.get("powers")}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: variable("A", 2, 3) @ variable("B", 4, 5),
            ["matmul", "expected", "received 2 × 3, 4 × 5", "3 against 4"],
        ),
        (lambda: variable("A", 2, 3) + variable("B", 4, 3), ["add", "rows", "received 2 × 3, 4 × 3"]),
        (lambda: variable("A", 2, 3) * variable("B", 2, 4), ["multiply", "columns", "received 2 × 3, 2 × 4"]),
        (lambda: variable("A", 0, 3), ["variable A", "at least 1", "0 × 3"]),
        (lambda: variables(variable("A", 2, 3), variable("A", 3, 3)), ["variable A", "2 × 3", "3 × 3"]),
        (lambda: evaluate(X, {"X": np.ones(3)[:, None, None]}), ["X", "n_0 × m", "(3, 1, 1)"]),
        (lambda: evaluate(W @ X, {"W": np.ones((2, 3)), "X": np.ones((4, 5))}), ["expected", "(4, 5)"]),
        (lambda: evaluate(size("m"), {}), ["size m", "no number"]),
    ],
)
def test_shape_errors_name_op_expected_and_received(make: Any, words: list[str]) -> None:
    with pytest.raises(ShapeError) as error:
        make()
    assert all(w in str(error.value) for w in words), str(error.value)


def test_values_that_are_missing_are_named() -> None:
    with pytest.raises(DataError, match=r"variable W \(n_1 × n_0\) has no value"):
        evaluate(W @ X, {"X": np.ones((2, 3))})


def test_broadcasting() -> None:
    x, row = np.arange(6.0).reshape(2, 3), np.array([[1.0, 2.0, 4.0]])
    col = np.array([[10.0], [20.0]])
    R, C, A = variable("R", 1, "m"), variable("C", "n", 1), variable("A", "n", "m")
    given_values = {"R": row, "C": col, "A": x}
    for node, wanted in [(A + R, x + row), (C * A, col * x), (C - R, col - row), (A / 2, x / 2), (2 - C, 2 - col)]:
        np.testing.assert_array_equal(evaluate(node, given_values), wanted)
    assert (C + R).shape == ("n", "m")


@pytest.mark.parametrize("number", [3, 0.25, Fraction(1, 3), -2])
def test_operators_take_numbers_on_both_sides(number: Any) -> None:
    x = variable("x", 1, 1)
    v, f = 1.7, float(number)
    pairs = [
        (x + number, v + f), (number + x, f + v), (x - number, v - f), (number - x, f - v), (x * number, v * f),
        (number * x, f * v), (x / number, v / f), (number / x, f / v), (x**number, v**f), (-x, -v),
    ]  # fmt: skip
    for node, wanted in pairs:
        assert evaluate(node, {"x": v}).item() == pytest.approx(wanted, rel=1e-15)
    assert evaluate(2**x, {"x": v}).item() == pytest.approx(2**v, rel=1e-15)


def test_arrays_do_not_swallow_nodes() -> None:
    with pytest.raises(TypeError):
        np.ones((2, 2)) * X  # type: ignore[operator]


def test_numbers_are_read_as_written() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-30) == Fraction(1, 10**30)
    assert exact(float("inf")) == float("inf")
    assert constant(1) is not constant(1, Shape(2, 2))


def test_sizes_as_numbers() -> None:
    node = size("m", -1) * o.total(X, axis=None)
    assert evaluate(node, {"X": np.ones((2, 5))}).item() == 2.0
    assert size(4, -1) is constant(Fraction(1, 4))


# Printing


def test_printed_forms() -> None:
    a, c, d = (variable(n, "n", "n") for n in "acd")
    forms = {
        a - (c - d): "a - (c - d)",
        (a - c) - d: "a - c - d",
        (a + c) * d: "(a + c) * d",
        a * (c @ d): "a * (c @ d)",
        2 * (c @ d): "2 * c @ d",
        a / (c @ d): "a / (c @ d)",
        a / (c * d): "a / (c * d)",
        (a**c) ** d: "(a ** c) ** d",
        a ** (c**d): "a ** (c ** d)",
        (-a) ** 2: "(-a) ** 2",
        -(a**2): "-a ** 2",
        a @ (c @ d): "a @ (c @ d)",
        (a + c).T: "(a + c).T",
        o.tanh(a + c): "tanh(a + c)",
        a - (-2): "a - (-2)",
        size("m", -1) * a: "1/m * a",
        size("m", 2) * a: "m**2 * a",
        Fraction(1, 3) * a: "1/3 * a",
        o.total(a, axis=0): "sum(a, axis=0)",
    }
    for node, wanted in forms.items():
        assert text(node) == wanted
        assert str(node) == wanted
    assert repr(W @ X) == "<W @ X : n_1 × m>"


def _maximum(*args: Node, **attrs: Any) -> Node:
    return o.maximum_of(*args, **attrs) if attrs else o.maximum(*args)


READ = {
    **{
        f: getattr(o, f)
        for f in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "lse")
    },
    **{"abs": o.absolute, "min": o.minimum, "max": _maximum, "sum": o.total},
    **{v.name: v for v in LEAVES},
}


@given(node=expressions(), seed=st.integers(0, 10**6))
def test_printed_text_read_by_python_is_the_expression(node: Node, seed: int) -> None:
    assume(not node.is_constant)
    again = eval(text(node), {"__builtins__": {}}, dict(READ))
    assert isinstance(again, Node)
    if again is node:
        return
    full = values(seed)
    parts = evaluate(list(walk(node)), full)
    assume(all(np.isfinite(p).all() and np.abs(p).max() < 1e6 for p in parts))
    other = evaluate(again, full)
    np.testing.assert_allclose(other, parts[-1], rtol=1e-8, atol=1e-8 * max(np.abs(p).max() for p in parts))


def _balanced(s: str) -> bool:
    depth = 0
    for i, ch in enumerate(s):
        if ch in "{}" and (i == 0 or s[i - 1] != "\\"):
            depth += 1 if ch == "{" else -1
            if depth < 0:
                return False
    return depth == 0 and s.count(r"\left") == s.count(r"\right")


def _double_script(s: str) -> bool:
    """Whether TeX would stop at a second superscript of one nucleus."""
    depth, raised = 0, {0: False}
    i = 0
    while i < len(s):
        if s[i] == "{" and s[i - 1 : i] != "\\":
            depth += 1
            raised[depth] = False
        elif s[i] == "}" and s[i - 1 : i] != "\\":
            depth -= 1
        elif s[i] == "^":
            if raised[depth]:
                return True
            raised[depth] = True
            if s[i + 1] != "{":
                i += 1
        elif not raised[depth] or s[i] != "^":
            raised[depth] = raised[depth] and s[i] == "^"
        i += 1
    return False


def test_the_double_script_finder() -> None:
    assert _double_script("W^{[1]}^T")
    assert _double_script("x^2^3")
    assert not _double_script("{W^{[1]}}^T + b^{2}")


@given(node=expressions())
def test_latex_is_balanced(node: Node) -> None:
    printed = latex(node)
    assert _balanced(printed), printed
    assert not _double_script(printed), printed


def test_latex_names() -> None:
    assert latex_name("dW[1]") == "dW^{[1]}"
    assert latex_name("Yhat") == r"\hat{Y}"
    assert latex_name("lambda") == r"\lambda"
    assert latex_name("loss") == r"\mathrm{loss}"
    assert latex(variable("W[1]", "n", "n").T) == "{W^{[1]}}^T"
    assert not _double_script(latex(o.exp(X) ** 2))
    assert latex(W @ X, {X: "A[0]"}) == "W A^{[0]}"


def test_latex_multiples_keep_their_parentheses() -> None:
    x, y, factor = variable("x", 2, 3), variable("y", 2, 3), variable("lambda", 1, 1)
    assert latex(0.5 * (x + y)) == r"\frac{1}{2} \, (x + y)"
    assert latex(3 * -x) == r"3 \, (-x)"
    assert latex(factor * x) == r"\lambda \, x"


def test_names_print_in_place_of_expressions() -> None:
    Z = W @ X + b
    assert text(o.tanh(Z), {Z: "Z[1]"}) == "tanh(Z[1])"
    assert text(Z, {Z: "Z[1]"}) == "Z[1]"
    assert text(Z, {Z: "Z[1]"}, inside=True) == "W @ X + b"


# Named tables


def _network() -> Graph:
    Z1 = variable("W[1]", "n_1", "n_0") @ X + variable("b[1]", "n_1", 1)
    A1 = o.tanh(Z1)
    Z2 = variable("W[2]", "n_2", "n_1") @ A1 + variable("b[2]", "n_2", 1)
    A2 = o.sigmoid(Z2)
    return Graph(
        {"Z[1]": Z1, "A[1]": A1, "Z[2]": Z2, "A[2]": A2}, {"layer 1": ("Z[1]", "A[1]"), "layer 2": ("Z[2]", "A[2]")}
    )


def test_table_equations_and_variables() -> None:
    g = _network()
    assert g.equation("Z[1]") == "Z[1] = W[1] @ X + b[1]"
    assert g.equation("A[2]") == "A[2] = sigmoid(Z[2])"
    assert list(g) == ["Z[1]", "A[1]", "Z[2]", "A[2]"]
    assert len(g) == 4
    assert "Z[1]" in g
    assert "W[1]" not in g
    assert set(g.variables) == {"W[1]", "b[1]", "W[2]", "b[2]", "X"}
    assert str(g).splitlines()[0] == "layer 1:"
    assert "Z[2] = W[2] @ A[1] + b[2]" in str(g)


def test_a_layer_is_one_node_or_its_parts() -> None:
    g = _network()
    closed = {
        ("W[1]", "layer 1"), ("X", "layer 1"), ("b[1]", "layer 1"),
        ("layer 1", "layer 2"), ("W[2]", "layer 2"), ("b[2]", "layer 2"),
    }  # fmt: skip
    assert set(g.collapsed()) == closed == set(g.edges(set()))
    opened = {
        ("W[1]", "Z[1]"), ("X", "Z[1]"), ("b[1]", "Z[1]"), ("Z[1]", "A[1]"),
        ("A[1]", "Z[2]"), ("W[2]", "Z[2]"), ("b[2]", "Z[2]"), ("Z[2]", "A[2]"),
    }  # fmt: skip
    assert set(g.edges()) == opened
    half = (opened - {("A[1]", "Z[2]"), ("W[1]", "Z[1]"), ("X", "Z[1]"), ("b[1]", "Z[1]"), ("Z[1]", "A[1]")}) | {
        ("W[1]", "layer 1"), ("X", "layer 1"), ("b[1]", "layer 1"), ("layer 1", "Z[2]"),
    }  # fmt: skip
    assert set(g.edges({"layer 2"})) == half
    assert len(g.edges()) == len(set(g.edges()))


def test_table_refusals() -> None:
    g = _network()
    with pytest.raises(UnknownNameError, match=r"did you mean 'Z\[1\]'"):
        g["Z[11]"]
    with pytest.raises(UnknownNameError, match="member of group 'l'"):
        Graph({"Z": W @ X}, {"l": ("A",)})
    with pytest.raises(UnknownNameError, match="second meaning"):
        g.joined(Graph({"A[1]": X}))
    with pytest.raises(ShapeError, match="variable X"):
        Graph({"a": variable("X", 2, 2), "b": variable("X", 3, 3)})
    assert list(g.joined(Graph({"L": o.total(g["A[2]"], axis=None)})))[-1] == "L"


# Walking, substituting, depth


def test_walk_meets_inputs_first_and_each_node_once() -> None:
    node = o.tanh(W @ X + b) * (W @ X)
    order = list(walk(node, W @ X))
    assert len(order) == len(set(order))
    for n in order:
        assert all(order.index(x) < order.index(n) for x in n.inputs)
    assert order[-1] is node


def test_substitute() -> None:
    V = variable("V", "n_1", "n_0")
    assert substitute(o.exp(W @ X), {W: V}) is o.exp(V @ X)
    assert substitute(o.exp(W @ X), {V: W}) is o.exp(W @ X)


CHAINS = {
    "tanh": lambda e, x, i: o.tanh(e),
    "negate": lambda e, x, i: -e,
    "sum": lambda e, x, i: e + x,
    "difference": lambda e, x, i: x - e,
    "transpose": lambda e, x, i: e.T,
    "log of exp": lambda e, x, i: o.log(o.exp(e)),
}


def _chain(name: str, n: int) -> Node:
    x = variable("x", 1, 1)
    node = x
    for i in range(n):
        node = CHAINS[name](node, x, i)
    return node


@pytest.mark.parametrize("name", CHAINS)
def test_deep_expressions(name: str) -> None:
    node = _chain(name, 5000)
    assert sum(1 for _ in walk(node)) > 5000
    assert text(node)
    assert latex(node)
    assert substitute(node, {variable("x", 1, 1): variable("z", 1, 1)}) is not node
    plain, short = evaluate(node, {"x": 0.5}), evaluate(simplify(node), {"x": 0.5})
    np.testing.assert_allclose(short, plain, rtol=1e-9)
    assert copy.deepcopy(node) is node


MORE = {
    **CHAINS,
    "distinct sums": lambda e, x, i: e + o.tanh(variable(f"v{i % 97}", 1, 1)) * x,
    "products": lambda e, x, i: x * e,
    "quotients": lambda e, x, i: x / e,
    "matrix products": lambda e, x, i: e @ x,
    "layers": lambda e, x, i: o.sigmoid(x @ e + x),
}


@pytest.mark.parametrize("name", MORE)
def test_depth_does_not_meet_the_recursion_limit(name: str) -> None:
    x = variable("x", 1, 1)
    node = x
    for i in range(400):
        node = MORE[name](node, x, i)
    limit, frames = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(frames + 250)  # far below the depth of the expression
    try:
        d = derive(node, ["x"])
        simplify(node)
    finally:
        sys.setrecursionlimit(limit)
    given_values = dict.fromkeys(variables(node), 0.9)
    moved = {**given_values, "x": 0.9 + 1e-30j}
    wanted = evaluate(node, moved, dtype=np.complex128).item().imag / 1e-30
    assert evaluate(d["dx"], given_values).item() == pytest.approx(wanted, rel=1e-9, abs=1e-12)
