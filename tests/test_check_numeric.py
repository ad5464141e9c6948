"""Numerical derivatives against derivatives known in closed form, and their stated errors against the true ones."""

import math

import numpy as np
import pytest

from chainrule.check import directional_derivative, numerical_gradient
from chainrule.check.numeric import EPS, derivative_along, random_direction
from chainrule.errors import ConfigurationError, ShapeError, UnknownNameError

METHODS = ("complex", "central", "forward")
ACCURACY = {"complex": 4 * EPS, "central": 1e-9, "forward": 1e-6}
FUNCTIONS = [
    (np.exp, lambda x: math.exp(x)),
    (np.sin, lambda x: math.cos(x)),
    (np.tanh, lambda x: 1 - math.tanh(x) ** 2),
    (lambda x: x**3, lambda x: 3 * x * x),
    (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("f", "slope"), FUNCTIONS)
def test_derivative_is_as_accurate_as_stated(f, slope, method):
    for x in (-1.3, 0.2, 0.9, 2.5):
        found = directional_derivative(lambda v: f(v["x"]), {"x": x}, {"x": np.array(1.0)}, method=method)
        true = slope(x)
        assert found.value == pytest.approx(true, rel=ACCURACY[method], abs=ACCURACY[method])
        if method != "complex":
            assert abs(found.value - true) <= found.error
            assert found.error < 50 * ACCURACY[method] * max(1.0, abs(true), float(f(x)))


def test_truncation_is_measured():
    for h in (1e-1, 1e-2, 1e-3):
        forward = derivative_along(lambda t: np.exp(t.real), "forward", h)
        central = derivative_along(lambda t: np.exp(t.real), "central", h)
        assert 1 <= forward.error / abs(forward.value - 1) < 8
        assert 1 <= central.error / abs(central.value - 1) < 16


def test_third_sources_quotient():
    """(L(w + ε) - L(w)) / ε of L = w² at w = 3 with ε = 1/8 is 6.125."""
    found = numerical_gradient(lambda v: v["w"] ** 2, {"w": 3.0}, method="forward", step=0.125 / 3)
    assert found["w"] == pytest.approx(6.125, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_of_named_arrays(method):
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((3, 2)), rng.standard_normal(2)
    found = numerical_gradient(lambda v: np.sum((v["A"] @ v["x"]) ** 2), {"A": A, "x": x}, method=method)
    assert found["A"] == pytest.approx(2 * np.outer(A @ x, x), abs=1e-6)
    assert found["x"] == pytest.approx(2 * A.T @ A @ x, abs=1e-6)
    only = numerical_gradient(lambda v: np.sum(v["A"]) * v["k"][0], {"A": A, "k": np.array([2])}, ["A"], method=method)
    assert list(only) == ["A"]
    assert only["A"] == pytest.approx(np.full((3, 2), 2.0), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_function_cannot_spoil_the_values(method):
    x = np.array([1.0, 2.0])

    def careless(v):
        total = np.sum(v["x"] ** 2)
        v["x"] += 1
        return total

    assert numerical_gradient(careless, {"x": x}, method=method)["x"] == pytest.approx([2, 4], abs=1e-6)
    assert list(x) == [1.0, 2.0]


def test_float32_values_are_differentiated_in_float64():
    x = np.array([0.5], dtype=np.float32)
    assert numerical_gradient(lambda v: np.exp(v["x"]), {"x": x})["x"] == pytest.approx([math.exp(0.5)], rel=1e-9)


def test_random_directions_are_as_long_as_the_array():
    x = np.full((30, 40), 0.5)
    d, e = (random_direction(np.random.default_rng(s), x) for s in (0, 0))
    assert np.array_equal(d, e)
    assert np.linalg.norm(d) == pytest.approx(np.linalg.norm(x))
    assert np.linalg.norm(random_direction(np.random.default_rng(0), np.zeros((2, 2)))) == pytest.approx(1)


def test_errors():
    def f(v):
        return np.sum(v["x"])

    x = {"x": np.ones(2)}
    with pytest.raises(UnknownNameError, match="array 'y'"):
        numerical_gradient(f, x, ["y"])
    with pytest.raises(UnknownNameError, match="array 'y'"):
        directional_derivative(f, x, {"y": np.ones(2)})
    with pytest.raises(ShapeError, match=r"expected the shape \(2,\)"):
        directional_derivative(f, x, {"x": np.ones(3)})
    with pytest.raises(UnknownNameError, match="method"):
        directional_derivative(f, x, {"x": np.ones(2)}, method="backward")
    with pytest.raises(ConfigurationError, match="step"):
        numerical_gradient(f, x, step=-1.0)
