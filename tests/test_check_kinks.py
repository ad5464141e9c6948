"""Kinks: recognized at the point and within a step; anything between the sides is right, nothing else is."""

import numpy as np
import pytest

import chainrule.ops as o
from chainrule.check import check_expression
from chainrule.check.kinks import crossings, looks_kinked, nearest_kink
from chainrule.graph import variable

METHODS = ("complex", "central", "forward")
w = variable("w", 2, 1)
SLOPES = np.array([[3.0], [-2.0]])


def bent(function, at):
    """Σ slope_i · f(w_i) + w_i² with w at the place given."""
    c = variable("c", 2, 1)
    return o.total(c * function(w) + w * w, axis=None), {"w": np.array(at)[:, None], "c": SLOPES}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", [o.relu, o.leaky_relu, o.absolute, lambda z: o.clip(z, lo=0, hi=1)])
def test_derived_gradient_at_a_kink_is_not_called_wrong(function, method):
    J, values = bent(function, [0.0, 0.7])
    check = check_expression(J, values, ["w"], method=method)
    row = check["w"]
    assert check.ok, str(check)
    assert (row.verdict, row.kinks, row.index) == ("at a kink", 1, (0, 0))
    assert "from side to side" in str(check)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", [0, 1.5, 3])
def test_between_left_and_right_is_right(given, method):
    J, values = bent(o.relu, [0.0, 0.7])  # left derivative 0, right derivative 3; at 0.7: -2 + 1.4
    gradient = np.array([[given], [-0.6]])
    row = check_expression(J, values, gradients={"w": gradient}, method=method)["w"]
    assert row.verdict == "at a kink"
    assert row.sides == pytest.approx((0, 3), abs=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", [-0.1, 3.1, 6])
def test_outside_left_and_right_is_wrong(given, method):
    J, values = bent(o.relu, [0.0, 0.7])
    row = check_expression(J, values, gradients={"w": np.array([[given], [-0.6]])}, method=method)["w"]
    assert (row.verdict, row.index) == ("wrong", (0, 0))


@pytest.mark.parametrize("method", METHODS)
def test_a_kink_excuses_no_other_entry(method):
    J, values = bent(o.relu, [0.0, 0.7])
    row = check_expression(J, values, gradients={"w": np.array([[1.0], [0.6]])}, method=method)["w"]
    assert (row.verdict, row.index) == ("wrong", (1, 0))


@pytest.mark.parametrize("place", [3e-6, -3e-6])
def test_a_kink_within_the_step_is_judged_beside_the_point(place):
    J, values = bent(o.relu, [place, 0.7])
    row = check_expression(J, values, ["w"], method="central")["w"]
    assert (row.verdict, row.kinks) == ("right", 1)
    wrong = np.array([[1.5], [-0.6]])  # between the sides, but the point is not at the kink
    assert check_expression(J, values, gradients={"w": wrong}, method="central")["w"].verdict == "wrong"
    assert check_expression(J, values, ["w"])["w"].kinks == 0


@pytest.mark.parametrize("method", METHODS)
def test_the_gap_below_a_maximum_is_a_kink(method):
    J = o.maximum_of(w, axis=None)
    at, near = (check_expression(J, {"w": np.array([[1.0], [x]])}, method=method) for x in (1.0, 1 - 5e-9))
    assert (at["w"].verdict, at["w"].kinks) == ("at a kink", 2)
    assert (at["w"].analytic, at["w"].sides) == (0.5, (0, 1))
    assert near.ok
    assert near["w"].kinks == (0 if method == "complex" else 2)


@pytest.mark.parametrize("method", METHODS)
def test_elu_bends_in_no_first_derivative(method):
    J, values = bent(o.elu, [0.0, 0.7])
    row = check_expression(J, values, ["w"], method=method)["w"]
    assert row.kinks == 1
    assert row.verdict == "right" or row.sides == pytest.approx((3, 3), abs=1e-7)
    wrong = check_expression(J, values, gradients={"w": np.array([[0.0], [-0.6]])}, method=method)
    assert wrong["w"].verdict == "wrong"


@pytest.mark.parametrize("method", METHODS)
def test_network_that_starts_at_zero(method):
    rng = np.random.default_rng(0)
    W, X, b, V = variable("W", 3, 2), variable("X", 2, "m"), variable("b", 3, 1), variable("V", 1, 3)
    J = o.mean((V @ o.relu(W @ X + b)) ** 2 + V @ o.relu(W @ X + b), axis=None)
    values = {"W": np.zeros((3, 2)), "b": np.zeros((3, 1)), "V": np.ones((1, 3)), "X": rng.standard_normal((2, 5))}
    check = check_expression(J, values, ["W", "b", "V"], method=method)
    assert {row.verdict for row in check.rows} <= {"right", "at a kink"}, str(check)
    assert check["b"].verdict == "at a kink"
    # relu'(0) = 1, as some write it: with many kinks at once the sides decide nothing, but it is not called wrong
    ones = {"W": np.tile(values["X"].mean(axis=1), (3, 1)), "b": np.ones((3, 1))}
    given = check_expression(J, values, gradients=ones, method=method)
    assert given["b"].verdict == "at a kink"
    assert given["W"].verdict in ("at a kink", "cannot tell")


def test_taylor_slope_is_not_taken_across_a_kink():
    J, values = bent(o.relu, [0.0, 0.7])
    assert check_expression(J, values, ["w"])["w"].slope is None


def test_crossings():
    at = [np.array([1.0, 1e-9, 0.0, 0.0]), np.array([0.5])]
    up = [np.array([1.1, 1e-8, 1e-9, 0.0]), np.array([0.4])]
    assert crossings(at, up) == 2  # near zero, from zero; not far from it, not resting at it
    assert crossings([np.array([1.0])], [np.array([-1.0])]) == 1
    assert nearest_kink(at) == 0
    assert nearest_kink([]) == np.inf


@pytest.mark.parametrize("function", [np.exp, np.sin, lambda t: 3 * t - 1, lambda t: t * t, lambda t: 5.0, np.tanh])
def test_black_box_without_kink(function):
    assert not looks_kinked(function, 1e-2, 1e-16)


@pytest.mark.parametrize("kink", [0.0, 0.004, -0.003])
def test_black_box_with_kink(kink):
    assert looks_kinked(lambda t: np.exp(t) + max(t - kink, 0.0), 1e-2, 1e-16)
    assert not looks_kinked(lambda t: np.exp(t) + max(t - kink - 0.02, 0.0), 1e-2, 1e-16)
