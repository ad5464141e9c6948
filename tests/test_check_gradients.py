"""Right gradients pass, planted mistakes are found in their block; oracles are hand-written NumPy and known values."""

import json

import numpy as np
import pytest

import chainrule.check.point as point_module
import chainrule.ops as o
from chainrule.check import check_expression
from chainrule.errors import ChainruleError, ConfigurationError, DataError, ShapeError, UnknownNameError
from chainrule.graph import broadcast_to, size, variable

METHODS = ("complex", "central", "forward")
SMOOTH = ("identity", "sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "mish", "softplus")
KINKED = ("relu", "leaky_relu", "elu", "selu")
OUTPUTS = (("softmax", "cross entropy"), ("sigmoid", "binary"), ("identity", "squares"))


def network(widths, activations, loss, seed, m=5):
    """Cost of a network as an expression, its values, the names of its parameters."""
    rng = np.random.default_rng(seed)
    A = variable("X", "n_0", "m")
    values = {"X": rng.standard_normal((widths[0], m))}
    names = []
    for i in range(1, len(widths)):
        W, b = variable(f"W[{i}]", f"n_{i}", f"n_{i - 1}"), variable(f"b[{i}]", f"n_{i}", 1)
        A = o.activation(activations[i - 1])(W @ A + b)
        values[W.name] = rng.standard_normal((widths[i], widths[i - 1])) * np.sqrt(2 / widths[i - 1])
        values[b.name] = 0.1 * rng.standard_normal((widths[i], 1))
        names += [W.name, b.name]
    n, K = f"n_{len(widths) - 1}", widths[-1]
    if loss == "cross entropy":
        Y = variable("Y", n, "m", assume=("columns sum to one",))
        J, values["Y"] = -o.total(Y * o.log(A), axis=None), np.eye(K)[:, rng.integers(0, K, m)]
    elif loss == "binary":
        Y = variable("Y", n, "m")
        J = -o.total(Y * o.log(A) + (1 - Y) * o.log(1 - A), axis=None)
        values["Y"] = rng.integers(0, 2, (K, m))
    else:
        Y = variable("Y", n, "m")
        J, values["Y"] = o.total((A - Y) ** 2, axis=None) / 2, rng.standard_normal((K, m))
    return J * size("m", -1), values, names


@pytest.mark.parametrize("activation", SMOOTH + KINKED)
@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
@pytest.mark.parametrize("method", METHODS)
def test_right_gradients_pass(activation, output, loss, method):
    for seed, widths, m, directions in ((0, [3, 4, 2], 5, None), (1, [2, 2, 2], 1, None), (2, [3, 3, 3, 3], 7, 2)):
        activations = [activation] * (len(widths) - 2) + [output]
        J, values, names = network(widths, activations, loss, seed, m)
        check = check_expression(J, values, names, method=method, directions=directions, seed=seed)
        assert check.ok, str(check)
        assert [row.name for row in check.rows] == names


@pytest.mark.parametrize("activation", SMOOTH)
def test_complex_step_is_exact_to_rounding(activation):
    for seed in range(5):
        J, values, names = network([3, 4, 3, 3], [activation, activation, "softmax"], "cross entropy", seed, m=7)
        check = check_expression(J, values, names)
        for row in check.rows:
            assert row.relative_error <= 1e-12, str(check)
            assert row.slope > 1.9, str(check)


def test_every_parameter_and_data_block_is_checked_unless_named():
    J, values, _ = network([3, 4, 2], ["tanh", "identity"], "squares", 0)
    check = check_expression(J, values)
    assert {row.name for row in check.rows} == {"X", "Y", "W[1]", "b[1]", "W[2]", "b[2]"}
    assert check["W[1]"].checked == 12
    assert check.ok


def test_forward_difference_states_its_looser_tolerance():
    J, values, names = network([3, 4, 2], ["tanh", "softmax"], "cross entropy", 1)
    exact, rough = (check_expression(J, values, names, method=m) for m in ("complex", "forward"))
    assert rough.ok
    for a, b in zip(exact.rows, rough.rows, strict=True):
        assert b.allowed > 1e3 * a.allowed
        assert b.absolute_error > 1e3 * a.absolute_error
    assert "Forward difference (one-sided), step 1.5e-08; allowed by its own error: up to" in str(rough)
    assert str(rough) != str(exact)


# A network whose sizes are all 3, so that no mistake shows as a shape; backpropagation by hand.


def square_network(seed):
    J, values, names = network([3, 3, 3], ["sigmoid", "softmax"], "cross entropy", seed, m=3)
    return J, values, names


def backpropagated(v, mistake=None):
    """Textbook gradients of the square network, with one mistake planted; the blocks that it spoils."""
    m = 3
    Z1 = v["W[1]"] @ v["X"] + v["b[1]"]
    A1 = 1 / (1 + np.exp(-Z1))
    Z2 = v["W[2]"] @ A1 + v["b[2]"]
    E = np.exp(Z2)
    dZ2 = E / E.sum(axis=0) - v["Y"]
    dA1 = v["W[2]"].T @ dZ2
    if mistake == "weights not transposed":
        dA1 = v["W[2]"] @ dZ2
    slope = A1 * (1 - A1)
    if mistake == "sigma' of z":
        slope = Z1 * (1 - Z1)
    elif mistake == "sigma' twice through sigma":
        S = 1 / (1 + np.exp(-A1))
        slope = S * (1 - S)
    elif mistake == "sigma' missing":
        slope = np.ones_like(A1)
    dZ1 = dA1 * slope
    g = {
        "W[1]": dZ1 @ v["X"].T / m,
        "b[1]": dZ1.sum(axis=1, keepdims=True) / m,
        "W[2]": dZ2 @ A1.T / m,
        "b[2]": dZ2.sum(axis=1, keepdims=True) / m,
    }
    if mistake in ("weights not transposed", "sigma' of z", "sigma' twice through sigma", "sigma' missing"):
        return g, {"W[1]", "b[1]"}
    if mistake == "1/m missing":
        g["W[2]"] *= m
    elif mistake == "transposed":
        g["W[2]"] = g["W[2]"].T.copy()
    elif mistake == "operands swapped":
        g["W[2]"] = A1 @ dZ2.T / m
    elif mistake == "layer index":
        g["W[2]"] = dZ2 @ v["X"].T / m
    elif mistake == "sign":
        g["W[2]"] *= -1
    elif mistake == "factor 2":
        g["W[2]"] *= 2
    elif mistake == "one entry":
        g["W[2]"][2, 1] *= 1.001
    elif mistake == "bias not summed":
        g["b[1]"] = dZ1[:, :1] / m
        return g, {"b[1]"}
    elif mistake == "bias summed over the wrong axis":
        g["b[1]"] = dZ1.sum(axis=0)[:, None] / m
        return g, {"b[1]"}
    return g, {"W[2]"} if mistake else set()


MISTAKES = (
    "weights not transposed",
    "sigma' of z",
    "sigma' twice through sigma",
    "sigma' missing",
    "1/m missing",
    "transposed",
    "operands swapped",
    "layer index",
    "sign",
    "factor 2",
    "one entry",
    "bias not summed",
    "bias summed over the wrong axis",
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_planted_mistakes_are_found_in_their_block(mistake, method):
    for seed in range(2):
        J, values, names = square_network(seed)
        gradients, spoiled = backpropagated(values, mistake)
        for directions in (None, 5):
            check = check_expression(J, values, method=method, gradients=gradients, directions=directions, seed=seed)
            verdicts = {row.name: row.verdict for row in check.rows}
            assert verdicts == {n: "wrong" if n in spoiled else "right" for n in names}, str(check)
            assert check.ok == (not spoiled)


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m != "one entry"])
def test_taylor_slope_is_one_for_a_wrong_gradient(mistake):
    J, values, _ = square_network(4)
    gradients, spoiled = backpropagated(values, mistake)
    for row in check_expression(J, values, gradients=gradients).rows:
        assert row.slope == pytest.approx(1 if row.name in spoiled else 2, abs=0.1), row


def test_the_wrong_entry_is_named():
    J, values, _ = square_network(0)
    gradients, _ = backpropagated(values, "one entry")
    for method in METHODS:
        check = check_expression(J, values, gradients=gradients, method=method)
        row = check["W[2]"]
        assert row.index == (2, 1)
        assert row.analytic == gradients["W[2]"][2, 1]
        assert row.numeric == pytest.approx(row.analytic / 1.001, rel=1e-6)
        assert "W[2][2, 1]: analytic" in str(check)


def test_a_small_mistake_needs_an_exact_method():
    J, values, _ = square_network(0)
    gradients, _ = backpropagated(values)
    gradients["W[1]"] *= 1 + 1e-9
    assert check_expression(J, values, gradients=gradients)["W[1]"].verdict == "wrong"
    assert check_expression(J, values, gradients=gradients, method="forward").ok
    assert check_expression(J, values, gradients=gradients, tolerance=1e-8).ok


def test_gradient_computed_in_float32_is_judged_at_its_precision():
    J, values, names = square_network(2)
    gradients, _ = backpropagated({n: v.astype(np.float32) for n, v in values.items()})
    assert gradients["W[1]"].dtype == np.float32
    assert check_expression(J, values, gradients=gradients).ok
    gradients["b[2]"] = gradients["b[2]"] * np.float32(1.001)
    check = check_expression(J, values, gradients=gradients)
    assert [row.name for row in check.rows if row.verdict == "wrong"] == ["b[2]"]
    as_double = {n: gradients[n].astype(np.float64) for n in names}  # the same numbers, claimed to be exact
    assert check_expression(J, values, gradients=as_double)["W[1]"].verdict == "wrong"


def test_float32_values_are_promoted():
    J, values, names = network([3, 4, 2], ["tanh", "softmax"], "cross entropy", 0)
    narrow = {n: v.astype(np.float32) for n, v in values.items()}
    promoted = {n: v.astype(np.float64) for n, v in narrow.items()}
    check = check_expression(J, narrow, names)
    assert check.ok
    assert max(row.relative_error for row in check.rows) < 1e-12
    assert check.to_json() == check_expression(J, promoted, names).to_json()


def test_a_wrong_derivation_is_found(monkeypatch):
    J, values, names = square_network(0)
    derive = point_module.derive

    def forgetful(output, wrt):
        return derive(output * 2, wrt)

    monkeypatch.setattr(point_module, "derive", forgetful)
    assert {row.verdict for row in check_expression(J, values, names).rows} == {"wrong"}


def test_a_wrong_law_is_found(monkeypatch):
    J, values, names = square_network(0)
    monkeypatch.setattr(point_module, "simplify", lambda cost: cost * 2)
    assert {row.verdict for row in check_expression(J, values, names).rows} == {"wrong"}


# Special costs.


def test_linear_and_quadratic_costs():
    w, x = variable("w", "n", 1), np.arange(1.0, 4.0)[:, None]
    linear, quadratic = o.total(3 * w, axis=None), o.total(w * w, axis=None)
    for method in METHODS:
        row = check_expression(linear, {"w": x}, method=method)["w"]
        assert (row.verdict, row.slope) == ("right", None)
        row = check_expression(quadratic, {"w": x}, method=method)["w"]
        assert row.verdict == "right"
        assert row.slope == pytest.approx(2, abs=1e-3)
    row = check_expression(linear, {"w": x}, gradients={"w": np.full((3, 1), 3.1)})["w"]
    assert row.verdict == "wrong"
    assert row.slope == pytest.approx(1, abs=1e-6)


def test_a_variable_without_influence_has_derivative_zero():
    w, m = variable("w", "n", "m"), size("m", -1)
    J = o.total(w - w, axis=None) + o.total(w.T @ w, axis=None) * m - o.total(w.T @ w, axis=None) * m
    row = check_expression(J, {"w": np.ones((2, 3))})["w"]
    assert (row.verdict, row.analytic, row.numeric) == ("right", 0, 0)
    wrong = check_expression(J, {"w": np.ones((2, 3))}, gradients={"w": np.full((2, 3), 1e-6)})
    assert wrong["w"].verdict == "wrong"


def test_sizes_known_only_from_other_variables():
    b, X = variable("b", "n", 1), variable("X", "n", "m")
    J = o.total(broadcast_to(b, X.shape), axis=None) * size("m", -1) + o.total(o.exp(X), axis=None)
    check = check_expression(J, {"b": np.ones((2, 1)), "X": np.zeros((2, 5))})
    assert check.ok
    assert check["b"].analytic == 1
    assert check["X"].numeric == 1


def test_labels_dropout_and_batch_statistics():
    rng = np.random.default_rng(0)
    W, X, b = variable("W", "n", "k"), variable("X", "k", "m"), variable("b", "n", 1)
    y, seed, step = variable("y", 1, "m", kind="label"), *(variable(s, 1, 1, kind="counter") for s in ("s", "t"))
    Z = W @ X + b
    centered = Z - o.mean(Z, axis=1)
    Z = centered / o.sqrt(o.mean(centered**2, axis=1) + 1e-5)
    mask = o.step(o.uniform(seed, step, stream=0, rows="n", cols="m") - 0.2)
    J = -o.total(o.pick(o.log_softmax(Z * mask), y), axis=None) * size("m", -1)
    values = {"W": rng.standard_normal((3, 2)), "X": rng.standard_normal((2, 6)), "b": rng.standard_normal((3, 1))}
    values |= {"y": rng.integers(0, 3, 6), "s": 1, "t": 2}
    check = check_expression(J, values)
    assert {row.name for row in check.rows} == {"W", "X", "b"}
    assert check.ok, str(check)
    assert abs(check["b"].numeric) < 1e-15  # the mean takes the bias away: a zero that rounding blurs
    with pytest.raises(ConfigurationError, match="kind label"):
        check_expression(J, values, ["y"])


def test_saturated_logarithms_are_judged_by_their_stable_form():
    z, y = variable("z", 1, "m"), np.array([[0.0, 1.0, 0.0]])
    J = -o.total(variable("y", 1, "m") * o.log(o.sigmoid(z)), axis=None)
    J = J - o.total((1 - variable("y", 1, "m")) * o.log(1 - o.sigmoid(z)), axis=None)
    for top in (20.0, 36.0, 800.0):
        check = check_expression(J, {"z": np.array([[top, -top, -top]]), "y": y}, ["z"])
        assert check.ok, str(check)
        assert check["z"].relative_error < 1e-12


def test_saturated_units_of_unscaled_data_are_not_called_wrong():
    rng = np.random.default_rng(0)
    for activation in ("tanh", "sigmoid", "softplus", "gelu"):
        J, values, names = network([3, 4, 2], [activation, "softmax"], "cross entropy", 0)
        values["X"] = rng.integers(0, 256, values["X"].shape)  # bytes, as of a picture: every unit saturates
        check = check_expression(J, values, names)
        assert check.ok, str(check)
        wrong = {n: g.copy() for n, g in point_module.point_of(J, values, names, None).true.items()}
        wrong["b[2]"][0] *= 1 + 1e-9
        check = check_expression(J, values, gradients=wrong)
        assert [row.name for row in check.rows if row.verdict == "wrong"] == ["b[2]"]


def test_a_difference_too_inexact_to_decide_says_so():
    w = variable("w", 1, 1)
    J = 1e9 + 1e-3 * o.sin(w)
    check = check_expression(J, {"w": 1.0}, method="forward")
    assert check["w"].verdict == "cannot tell"
    assert not check.ok
    assert "cannot tell" in str(check)
    assert check_expression(J, {"w": 1.0}).ok


def test_large_blocks_are_checked_along_directions():
    J, values, names = network([784, 128, 10], ["relu", "softmax"], "cross entropy", 0, m=20)
    check = check_expression(J, values, names)
    assert check.ok, str(check)
    assert [(row.checked, row.directions) for row in check.rows] == [
        (20, True),
        (128, False),
        (1280, False),
        (10, False),
    ]
    derived = point_module.point_of(J, values, names, None).true
    wrong = {n: g.copy() for n, g in derived.items()}
    wrong["W[1]"][wrong["W[1]"] != 0] *= 1.01
    check = check_expression(J, values, gradients=wrong, directions=5)
    assert [row.name for row in check.rows if row.verdict == "wrong"] == ["W[1]"]
    assert "W[1] along direction" in str(check)


def test_one_seed_gives_one_result():
    J, values, names = network([3, 4, 2], ["tanh", "softmax"], "cross entropy", 0)
    first, again, other = (check_expression(J, values, names, directions=2, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first["W[1]"].analytic != other["W[1]"].analytic


# The report.


def test_table_fits_80_columns_and_json_is_plain():
    J, values, _ = square_network(0)
    gradients, _ = backpropagated(values, "sign")
    check = check_expression(J, values, gradients=gradients, method="central")
    lines = str(check).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Gradient check of given gradients: 3 right, 1 wrong"
    assert lines[2].split()[0] == "block"
    plain = json.loads(json.dumps(check.to_json(), allow_nan=False))
    assert plain["ok"] is False
    assert plain["method"] == "central"
    assert [(r["name"], r["verdict"]) for r in plain["rows"]] == [(r.name, r.verdict) for r in check.rows]
    assert plain["rows"][2]["index"] == list(check["W[2]"].index)


# What cannot be checked.

w = variable("w", "n", 1)
COST = o.total(o.log(w), axis=None)
POINT = {"w": np.ones((2, 1))}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"cost": w}, ShapeError, "1 × 1"),
        ({"values": {}}, DataError, "w .* has no value"),
        ({"values": {"w": [[1.0], [np.nan]]}}, DataError, r"variable w: entry \[1, 0\] is nan"),
        ({"values": {"w": [[1.0], [np.inf]]}}, DataError, r"entry \[1, 0\] is inf"),
        ({"values": {"w": [["a"]]}}, DataError, "real numbers"),
        ({"values": {"w": [[1j]]}}, DataError, "real numbers"),
        ({"values": {"w": np.ones((2, 3))}}, ShapeError, r"w: expected .*\(2, 3\)"),
        ({"values": {"w": np.ones((0, 1))}}, ShapeError, "at least one entry"),
        ({"values": {"w": np.zeros((2, 1))}}, DataError, "cost is -inf"),
        ({"values": {"w": -np.ones((2, 1))}}, DataError, "cost is nan"),
        ({"wrt": ["v"]}, UnknownNameError, "unknown variable 'v'"),
        ({"wrt": []}, ConfigurationError, "no variable"),
        ({"method": "centrall"}, UnknownNameError, "did you mean 'central'"),
        ({"step": 0.0}, ConfigurationError, "step"),
        ({"step": float("nan")}, ConfigurationError, "step"),
        ({"directions": 0}, ConfigurationError, "directions"),
        ({"directions": 1.5}, ConfigurationError, "directions"),
        ({"tolerance": -1.0}, ConfigurationError, "tolerance"),
        ({"gradients": {"w": np.ones((1, 2))}}, ShapeError, "its transpose"),
        ({"gradients": {"w": np.ones((3, 1))}}, ShapeError, r"expected the shape \(2, 1\).*\(3, 1\)"),
        ({"gradients": {"w": [[1.0], [np.nan]]}}, DataError, r"gradient w: entry \[1, 0\] is nan"),
        ({"gradients": {"v": np.ones((2, 1))}}, UnknownNameError, "unknown variable 'v'"),
        ({"gradients": {"v": np.ones((2, 1))}, "wrt": ["w"]}, UnknownNameError, "unknown gradient 'w'"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(arguments, error, words):
    given = {"cost": COST, "values": POINT, **arguments}
    with pytest.raises(error, match=words) as caught:
        check_expression(**given)
    assert isinstance(caught.value, ChainruleError)
