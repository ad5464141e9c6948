"""Optimizers against plain NumPy typed from the papers, scikit-learn's, and the minimum of a quadratic."""

import copy
import math

import numpy as np
import pytest
from sklearn.neural_network import _stochastic_optimizers as sk

from chainrule.errors import ConfigurationError, ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import variable, walk
from chainrule.train.optimizers import OPTIMIZERS, Optimizer, clip_by_norm, clip_by_value, optimizer

P, STEPS = 11, 20
RNG = np.random.default_rng(8)
START = RNG.normal(size=(P, 1))
# Gradients of very different size, with an exact zero, as training has.
GRADIENTS = RNG.normal(size=(STEPS, P, 1)) * 10.0 ** RNG.integers(-9, 3, size=(1, P, 1))
GRADIENTS[3] = 0
MASK = (np.arange(P) % 3 > 0).astype(float)[:, None]

THETA, G, DECAY = variable("theta", "P", 1), variable("g", "P", 1), variable("decay", "P", 1)
LR, T = variable("lr", 1, 1), variable("t", 1, 1, kind="counter")


def stepper(found: Optimizer, dtype=np.float64):
    """One update on arrays, by the reference executor."""
    state = {name: variable(name, "P", 1) for name in found.state}
    new, new_state = found.update(THETA, G, state, LR, T, DECAY)
    assert set(new_state) == set(found.state)

    def step(theta, g, arrays, lr, t):
        given = {"theta": theta, "g": g, "lr": lr, "t": t, "decay": MASK, **arrays}
        results = evaluate([new, *new_state.values()], given, dtype=dtype)
        return results[0], dict(zip(new_state, results[1:], strict=True))

    return step


def run(found: Optimizer, lr: float, dtype=np.float64):
    step = stepper(found, dtype)
    theta, path = START, []
    state = {name: np.full((P, 1), value) for name, value in found.state.items()}
    for t, g in enumerate(GRADIENTS, start=1):
        theta, state = step(theta, g, state, lr, t)
        path.append(theta)
    return np.array(path)


def sgd(lr):
    theta = START.copy()
    for g in GRADIENTS:
        theta = theta - lr * g
        yield theta


def momentum(lr, mu=0.9):
    theta, v = START.copy(), 0.0
    for g in GRADIENTS:
        v = mu * v - lr * g
        theta = theta + v
        yield theta


def nesterov(lr, mu=0.9):
    # Sutskever's own variables: `x` is the plain point, the gradient belongs to x + μ v, which is our θ.
    v = np.zeros((P, 1))
    x = START - mu * v
    for g in GRADIENTS:
        v = mu * v - lr * g
        x = x + v
        yield x + mu * v


def rmsprop(lr, rho=0.9, epsilon=1e-8):
    theta, s = START.copy(), 0.0
    for g in GRADIENTS:
        s = rho * s + (1 - rho) * g**2
        theta = theta - lr * g / (np.sqrt(s) + epsilon)
        yield theta


def adagrad(lr, epsilon=1e-10):
    theta, history = START.copy(), []
    for g in GRADIENTS:
        history.append(g)
        theta = theta - lr * g / (np.linalg.norm(history, axis=0) + epsilon)
        yield theta


def adam(lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0):
    theta, m, v = START.copy(), 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * (m_hat / (np.sqrt(v_hat) + epsilon) + decay * MASK * theta)
        yield theta


CASES = [
    ("sgd", {}, sgd, {}),
    ("momentum", {}, momentum, {}),
    ("momentum", {"momentum": 0}, sgd, {}),
    ("nesterov", {}, nesterov, {}),
    ("nesterov", {"momentum": 0.5}, nesterov, {"mu": 0.5}),
    ("rmsprop", {}, rmsprop, {}),
    ("rmsprop", {"rho": 0.99, "epsilon": 1e-3}, rmsprop, {"rho": 0.99, "epsilon": 1e-3}),
    ("adagrad", {}, adagrad, {}),
    ("adam", {}, adam, {}),
    ("adam", {"beta1": 0, "beta2": 0.5, "epsilon": 0.1}, adam, {"beta1": 0, "beta2": 0.5, "epsilon": 0.1}),
    ("adamw", {}, adam, {"decay": 0.01}),
    ("adamw", {"weight_decay": 0.3}, adam, {"decay": 0.3}),
    ("adamw", {"weight_decay": 0}, adam, {}),
]


@pytest.mark.parametrize(("name", "hyper", "plain", "numbers"), CASES)
def test_against_plain_numpy(name, hyper, plain, numbers):
    expected = np.array(list(plain(0.03, **numbers)))
    # Relative to the distance moved, so that parameters with tiny gradients are compared as sharply as the others.
    np.testing.assert_allclose(run(optimizer(name, **hyper), 0.03) - START, expected - START, rtol=1e-9, atol=1e-15)


def test_every_optimizer_is_compared():
    assert {case[0] for case in CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "hyper", "make"),
    [
        ("sgd", {}, lambda p: sk.SGDOptimizer(p, 0.05, momentum=0, nesterov=False)),
        ("momentum", {"momentum": 0.8}, lambda p: sk.SGDOptimizer(p, 0.05, momentum=0.8, nesterov=False)),
        ("nesterov", {"momentum": 0.8}, lambda p: sk.SGDOptimizer(p, 0.05, momentum=0.8, nesterov=True)),
        ("adam", {"epsilon_hat": True}, lambda p: sk.AdamOptimizer(p, 0.05)),
        ("adam", {"epsilon_hat": True, "epsilon": 0.01}, lambda p: sk.AdamOptimizer(p, 0.05, epsilon=0.01)),
    ],
)
def test_against_scikit_learn(name, hyper, make):
    theta = START.copy()
    theirs, path = make([theta]), []
    for g in GRADIENTS:
        theirs.update_params([theta], [g])
        path.append(theta.copy())
    np.testing.assert_allclose(
        run(optimizer(name, **hyper), 0.05) - START, np.array(path) - START, rtol=1e-9, atol=1e-15
    )


def test_the_two_places_of_epsilon_differ():
    kingma = run(optimizer("adam", epsilon=0.01), 0.05)
    hat = run(optimizer("adam", epsilon=0.01, epsilon_hat=True), 0.05)
    assert np.abs(kingma - hat).max() > 1e-3


def test_first_step_of_adam_in_float32_is_the_learning_rate():
    # m̂/√v̂ is ±1 after one step; 1 - 0.999 taken in float32 would be off by 1e-5 and its root by 6e-6.
    step = stepper(optimizer("adam", epsilon=1e-30), np.float32)
    zeros = {"m": np.zeros((P, 1)), "v": np.zeros((P, 1))}
    moved, _ = step(np.zeros((P, 1)), np.linspace(-5, 5.5, P)[:, None], zeros, 1.0, 1)
    np.testing.assert_allclose(np.abs(moved), 1, rtol=5e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_minimum_of_a_quadratic(name):
    # J = ½ (θ - c)ᵀ H (θ - c); adamw is pulled to zero by its decay, so it minimizes without it.
    H = np.diag(np.linspace(0.5, 4, P))
    c = np.linspace(-1, 1, P)[:, None]
    found = optimizer(name, weight_decay=0) if name == "adamw" else optimizer(name)
    step = stepper(found)
    theta = np.zeros((P, 1))
    state = {k: np.full((P, 1), value) for k, value in found.state.items()}
    rate = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.5}.get(name, 0.05)
    for t in range(1, 401):
        share = 1 if t <= 200 else (400 - t) / 200  # sign-like steps end only as small as the rate
        theta, state = step(theta, H @ (theta - c), state, rate * share, t)
    np.testing.assert_allclose(theta, c, atol=1e-3)


def test_decay_spares_what_the_mask_spares():
    step = stepper(optimizer("adamw", weight_decay=0.5))
    zeros = {"m": np.zeros((P, 1)), "v": np.zeros((P, 1))}
    theta, _ = step(START, np.zeros((P, 1)), zeros, 0.1, 1)
    np.testing.assert_allclose(theta, START * (1 - 0.05 * MASK), rtol=1e-15)


@pytest.mark.parametrize(("name", "most"), [("sgd", 2), ("momentum", 4), ("nesterov", 6), ("adam", 12), ("adamw", 15)])
def test_the_vector_part_is_short(name, most):
    """Operations on P × 1, which run once per parameter; bias corrections are 1 × 1."""
    found = optimizer(name)
    new, state = found.update(THETA, G, {k: variable(k, "P", 1) for k in found.state}, LR, T, DECAY)
    vectors = [n for n in walk(new, *state.values()) if n.shape.rows == "P" and n.op.pointwise]
    assert len(vectors) <= most
    assert not any(n.op.name in ("expm1", "power") for n in vectors)


def test_clip_by_norm():
    clipped = clip_by_norm(G, 5)
    g = np.array([[3.0], [0], [4], [12]])
    np.testing.assert_allclose(evaluate(clipped, {"g": g}), g * 5 / 13, rtol=1e-15)
    inside = g / 13 * 4.99
    np.testing.assert_array_equal(evaluate(clipped, {"g": inside}), inside)
    np.testing.assert_array_equal(evaluate(clipped, {"g": 0 * g}), 0 * g)
    assert np.isnan(evaluate(clipped, {"g": g * math.nan})).all()


def test_clip_by_value():
    g = np.array([[3.0], [-0.4], [0.25], [-12], [math.nan]])
    got = evaluate(clip_by_value(G, 0.5), {"g": g})
    np.testing.assert_array_equal(got, [[0.5], [-0.4], [0.25], [-0.5], [math.nan]])


def test_names_and_copies():
    adam = optimizer("adam")
    assert adam is OPTIMIZERS["adam"]
    assert optimizer(adam, beta1=0.5).hyper["beta1"] == 0.5
    assert adam.hyper["beta1"] == 0.9
    assert copy.deepcopy(adam) == adam
    for name, found in OPTIMIZERS.items():
        assert found.name == name
        assert "θ ← " in found.equation
    with pytest.raises(UnknownNameError, match="did you mean 'rmsprop'"):
        optimizer("rmsporp")
    with pytest.raises(UnknownNameError, match="hyper-parameter of adam 'beta_1': did you mean 'beta1'"):
        optimizer("adam", beta_1=0.9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizer(0.1), "name or an Optimizer, received 0.1"),
        (lambda: optimizer("sgd", momentum=0.9), "takes none"),
        (lambda: optimizer("momentum", momentum=1), r"momentum must lie in \[0, 1\), received 1"),
        (lambda: optimizer("adam", beta2=-0.1), r"beta2 must lie in \[0, 1\), received -0.1"),
        (lambda: optimizer("adam", beta1=math.nan), "beta1 must be a finite number, received nan"),
        (lambda: optimizer("adam", epsilon=0), "epsilon must be positive, received 0"),
        (lambda: optimizer("adam", epsilon_hat=1e-8), "epsilon_hat must be True or False, received 1e-08"),
        (lambda: optimizer("adamw", weight_decay=-1), "weight_decay must not be negative, received -1"),
        (lambda: clip_by_norm(G, 0), "limit must be a positive number, received 0"),
        (lambda: clip_by_value(G, math.inf), "limit must be a positive number, received inf"),
    ],
)
def test_errors_in_numbers(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_errors_in_expressions():
    v = variable("v", "P", 1)
    with pytest.raises(UnknownNameError, match="state of momentum 'v'"):
        optimizer("momentum").update(THETA, G, {}, LR, T, DECAY)
    with pytest.raises(UnknownNameError, match="state of sgd 'v'"):
        optimizer("sgd").update(THETA, G, {"v": v}, LR, T, DECAY)
    with pytest.raises(ShapeError, match="expected lr as 1 × 1, received P × 1"):
        optimizer("sgd").update(THETA, G, {}, v, T, DECAY)
    with pytest.raises(ShapeError, match="expected g of theta's shape P × 1, received 1 × 1"):
        optimizer("sgd").update(THETA, LR, {}, LR, T, DECAY)
