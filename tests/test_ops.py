"""Every op and activation against the complex step, its own scalar kernel, and independent formulas."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import scipy.special as special
from hypothesis import assume, given
from hypothesis import strategies as st
from tables import CALLS, LEAVES, complex_step, relative_error, sample, weighted, weights

import chainrule.ops as o
from chainrule.errors import ConfigurationError, DataError, ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import OPS, Node, variable
from chainrule.reverse import derive

NAMES = sorted(OPS.keys() - LEAVES)
SIDE = st.integers(1, 5)
SEED = st.integers(0, 2**32 - 1)


def test_every_op_is_in_the_table() -> None:
    assert CALLS.keys() == OPS.keys() - LEAVES


@pytest.mark.parametrize("name", sorted(OPS))
def test_records_are_complete(name: str) -> None:
    record = OPS[name]
    for part in ("doc", "components", "text", "latex", "equation"):
        assert getattr(record, part).strip(), part
    if record.pointwise:
        assert len(record.domain) == record.arity
        assert all(lo < hi for lo, hi in record.domain)
    assert record.backward is not None or name in LEAVES


def _at(node: Node) -> Any:
    return lambda values: evaluate(node, values, dtype=np.complex128)


def _away_from_kinks(name: str, node: Node, values: dict[str, Any]) -> None:
    record = OPS[name]
    if record.kinks is not None:
        attrs = dict(node.attrs)
        assume(np.min(np.abs(record.kinks(*(values[x.name] for x in node.inputs), **attrs))) > 1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(r=SIDE, c=SIDE, seed=SEED)
def test_first_and_second_derivative(name: str, r: int, c: int, seed: int) -> None:
    node, values = sample(name, r, c, seed)
    _away_from_kinks(name, node, values)
    operands = [x for x in node.inputs if x.get("kind") == "real"]
    output = weighted(node, "U")
    values = weights(output, values, seed + 1)
    first = derive(output, operands)
    for x in operands:
        got = evaluate(first.of(x), values)
        assert relative_error(got, complex_step(_at(output), values, x.name)) <= CALLS[name].tolerance
        slope = weighted(first.of(x), f"V{x.name}")
        more = weights(slope, values, seed + 2)
        second = derive(slope, operands)
        for y in operands:
            got = evaluate(second.of(y), more)
            assert relative_error(got, complex_step(_at(slope), more, y.name)) <= CALLS[name].tolerance


@pytest.mark.parametrize("name", ["step", "sign", "one_hot"])
def test_ops_that_are_flat_have_no_cotangent(name: str) -> None:
    node, _ = sample(name, 2, 3, 0)
    assert derive(weighted(node, "U"), [node.inputs[0]]).of(node.inputs[0]).is_constant


def _c_to_python(kernel: str) -> str:
    """A C expression with `? :` as a Python one (the kernels put the conditional in parentheses or at the outside)."""
    while (inner := re.search(r"\(([^()]*\?[^()]*:[^()]*)\)", kernel)) is not None:
        kernel = f"{kernel[: inner.start()]}[{_conditional(inner[1])}][0]{kernel[inner.end() :]}"
    return _conditional(kernel)


def _conditional(text: str) -> str:
    if "?" not in text:
        return text.replace("||", " or ").replace("&&", " and ")
    test, rest = text.split("?", 1)
    yes, no = rest.split(":", 1)
    return f"({yes} if {_conditional(test)} else {_conditional(no)})"


_C = {f: getattr(math, f) for f in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "erf", "tanh", "pow")}


@pytest.mark.parametrize("name", [n for n in NAMES if OPS[n].pointwise])
@given(r=SIDE, c=SIDE, seed=SEED)
def test_kernel_is_the_forward(name: str, r: int, c: int, seed: int) -> None:
    node, values = sample(name, r, c, seed)
    code = compile(_c_to_python(OPS[name].kernel), name, "eval")
    got = evaluate(node, values)
    for place in np.ndindex(got.shape):
        scalars = {letter: float(values[x.name][place]) for letter, x in zip("abc", node.inputs, strict=False)}
        wanted = eval(code, {"__builtins__": {}}, {**_C, "abs": abs, **dict(node.attrs), **scalars})
        assert got[place] == pytest.approx(wanted, rel=4e-15, abs=1e-300)


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("sigmoid", [0.0, 40.0, -40.0, 700.0, -700.0]),
        ("softplus", [0.0, 40.0, -40.0, 700.0, -700.0]),
        ("tanh", [0.0, 40.0, -40.0, 700.0, -700.0]),
    ],
)
def test_kernels_in_the_tails(name: str, points: list[float]) -> None:
    code = compile(_c_to_python(OPS[name].kernel), name, "eval")
    for z in points:
        wanted = {"sigmoid": special.expit, "softplus": lambda t: np.logaddexp(0, t), "tanh": np.tanh}[name](z)
        assert eval(code, {"__builtins__": {}}, {**_C, "abs": abs, "a": z}) == pytest.approx(wanted, rel=1e-15)


def test_the_complex_step_of_softplus_is_right_wherever_doubles_hold_it() -> None:
    """σ(z) for softplus and σ(z) / softplus(z) for its logarithm, by SciPy's real functions."""
    z = np.linspace(-700, 700, 2801)[None, :]
    x, y, root = variable("x", 1, "m"), np.logaddexp(0, z), np.sqrt(np.logaddexp(0, -z))
    for output, inner, outer in (  # the derivative is inner times outer
        (o.softplus(x), special.expit(z), 1),
        (o.log(o.softplus(x)), special.expit(z), 1 / y),
        (o.log1p(o.exp(-x)), -special.expit(-z), 1),
        (o.sqrt(o.softplus(-x)), -special.expit(-z), 0.5 / root),
    ):
        moved = evaluate(output, {"x": z + 1e-8j}, dtype=np.complex128)  # h² is below the rounding
        error = np.abs(moved.imag / 1e-8 - inner * outer)
        subnormal = 2.0**-1074 / 1e-8 * outer  # where h e^z is subnormal, as at -700, it has no more digits
        assert np.all(error <= 1e-13 * np.abs(inner * outer) + subnormal), str(output)
        assert moved.real == pytest.approx(evaluate(output, {"x": z}), rel=1e-13)


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1e-9, 1e-3, 0.3, 0.49, 0.51, 3.0, 1e200])
def test_log1p_of_complex_numbers_keeps_its_digits(size: float) -> None:
    """Against the series where it converges at once, else against NumPy's logarithm of 1 + w."""
    w = size * np.exp(1j * np.linspace(-3, 3, 25))[None, :]
    found = evaluate(o.log1p(variable("w", 1, "m")), {"w": w}, dtype=np.complex128)
    if size < 1e-2:
        assert np.abs(found / w - (1 - w / 2 + w**2 / 3 - w**3 / 4 + w**4 / 5 - w**5 / 6)).max() < 1e-14
    else:
        assert np.abs(found - np.log(1 + w)).max() < 1e-14 * max(1, np.abs(found).max())


def _selu(z: Any) -> Any:
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))


FORMULAS = {
    "identity": lambda z: z,
    "sigmoid": special.expit,
    "tanh": lambda z: 2 * special.expit(2 * z) - 1,
    "relu": lambda z: z * (z > 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": _selu,
    "gelu": lambda z: z * special.ndtr(z),
    "gelu_tanh": lambda z: z * special.expit(2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)),
    "silu": lambda z: z * special.expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "softmax": lambda z: special.softmax(z, axis=0),
    "log_softmax": lambda z: special.log_softmax(z, axis=0),
}


def test_every_activation_has_a_formula() -> None:
    assert FORMULAS.keys() == o.ACTIVATIONS.keys()


@pytest.mark.parametrize("name", sorted(o.ACTIVATIONS))
@given(r=SIDE, c=SIDE, seed=SEED)
def test_activation_values_and_derivatives(name: str, r: int, c: int, seed: int) -> None:
    Z = variable("Z", r, c)
    z = np.random.default_rng(seed).uniform(-4, 4, (r, c))
    A = o.ACTIVATIONS[name](Z)
    np.testing.assert_allclose(evaluate(A, {"Z": z}), FORMULAS[name](z), rtol=1e-13, atol=1e-14)
    output = weighted(A, "U")
    values = weights(output, {"Z": z}, seed + 1)
    first = derive(output, ["Z"])["dZ"]
    assert relative_error(evaluate(first, values), complex_step(_at(output), values, "Z")) <= 1e-9
    slope = weighted(first, "V")
    values = weights(slope, values, seed + 2)
    second = derive(slope, [Z]).of(Z)
    assert relative_error(evaluate(second, values), complex_step(_at(slope), values, "Z")) <= 1e-9


@pytest.mark.parametrize("name", sorted(o.ACTIVATIONS))
def test_activations_far_out_in_float32(name: str) -> None:
    Z, U = variable("Z", "n", "m"), variable("U", "n", "m")
    z = np.array([[1e4, -1e4, 88.8, 0.0], [-1e4, 1e4, -103.9, 0.0], [1e4, -1e4, 1e4, -1e4]])
    u = np.array([[1.0, -2.0, 3.0, 1.0], [0.5, 1.0, -1.0, 2.0], [2.0, 1.0, 1.0, 1.0]])
    A = o.ACTIVATIONS[name](Z)
    value, slope = evaluate([A, derive(o.total(U * A, axis=None), ["Z"])["dZ"]], {"Z": z, "U": u}, dtype=np.float32)
    assert value.dtype == slope.dtype == np.float32
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    # Neighboring float32 numbers at 1e4 are 1e-3 apart: a soft-max through Z - lse Z is no nearer than half of that.
    near = 5e-4 if "softmax" in name else 2e-5
    np.testing.assert_allclose(value, FORMULAS[name](z), rtol=near, atol=1e-30)
    exact = evaluate(derive(o.total(U * A, axis=None), ["Z"])["dZ"], {"Z": z, "U": u})
    np.testing.assert_allclose(slope, exact, rtol=max(near, 2e-4), atol=near)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [("relu", 0.0, 1.0), ("leaky_relu", 0.01, 1.0), ("elu", 1.0, 1.0), ("silu", 0.5, 0.5)],
)
def test_derivative_at_zero_lies_between_the_one_sided_ones(name: str, left: float, right: float) -> None:
    Z = variable("Z", 1, 1)
    slope = evaluate(derive(o.ACTIVATIONS[name](Z), ["Z"])["dZ"], {"Z": 0.0}).item()
    assert left <= slope <= right


def test_other_names_of_activations() -> None:
    assert o.activation("linear") is o.identity
    assert o.activation("logistic") is o.ACTIVATIONS["sigmoid"]
    assert o.activation("swish") is o.silu
    assert o.activation(o.relu) is o.relu
    with pytest.raises(UnknownNameError, match="did you mean 'relu'"):
        o.activation("rellu")
    with pytest.raises(ConfigurationError, match="slope must lie between 0 and 1"):
        o.leaky_relu(variable("Z", 1, 1), 2)


def test_uniform_is_a_function_of_its_arguments() -> None:
    seed, step = variable("s", 1, 1, kind="counter"), variable("t", 1, 1, kind="counter")
    node = o.uniform(seed, step, stream=1, rows=300, cols=20)
    one = evaluate(node, {"s": 7, "t": 3})
    np.testing.assert_array_equal(one, evaluate(node, {"s": 7, "t": 3}))
    assert one.min() >= 0
    assert one.max() < 1
    assert abs(one.mean() - 0.5) < 5 * math.sqrt(1 / 12 / one.size)
    for other in ({"s": 8, "t": 3}, {"s": 7, "t": 4}):
        assert not np.array_equal(one, evaluate(node, other))
    assert not np.array_equal(one, evaluate(o.uniform(seed, step, stream=2, rows=300, cols=20), {"s": 7, "t": 3}))
    # The numbers of a column are counted on from the column before, so a wider mask begins with the narrower one.
    np.testing.assert_array_equal(
        one[:, :5], evaluate(o.uniform(seed, step, stream=1, rows=300, cols=5), {"s": 7, "t": 3})
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: o.one_hot(variable("y", 2, "m", kind="label"), classes=3), "one_hot: expected labels as one row"),
        (lambda: o.pick(variable("A", 3, 4), variable("y", 1, 5, kind="label")), "pick: expected the columns"),
        (lambda: o.total(variable("A", 3, 4), axis=2), "axis 2"),
        (
            lambda: o.broadcast(variable("A", 3, 2), rows=3, cols=4),
            "broadcast: expected 1 or 4 columns, received 3 × 2",
        ),
        (lambda: OPS["exp"](variable("A", 3, 2), 1), "exp: expected 1 operands, received 2"),
    ],
)
def test_refusals(build: Any, message: str) -> None:
    with pytest.raises((ShapeError, ConfigurationError), match=message):
        build()


@pytest.mark.parametrize("wrong", [-1, 3, 2**40])
@pytest.mark.parametrize("name", ["one_hot", "pick", "gather", "scatter_add"])
def test_a_label_out_of_range_is_refused_and_never_counted_from_the_end(name: str, wrong: int) -> None:
    y, A = variable("y", 1, 2, kind="label"), variable("A", 3, 3 if name == "gather" else 2)
    built = {
        "one_hot": lambda: OPS["one_hot"](y, classes=3),
        "pick": lambda: OPS["pick"](A, y),
        "gather": lambda: OPS["gather"](A, y),
        "scatter_add": lambda: OPS["scatter_add"](A, y, cols=3),
    }[name]()
    values = {"y": np.array([[0, wrong]]), "A": np.ones(A.shape)}
    with pytest.raises(DataError, match=f"label {wrong} is not one of 0..2"):
        evaluate(built, values)
