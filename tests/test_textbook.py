"""The textbook level against backpropagation written by hand in NumPy, and against the complex step."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule.data import load_builtin
from chainrule.errors import ChainruleError, ConfigurationError, DataError, NonFiniteError, ShapeError, UnknownNameError
from chainrule.ops import ACTIVATIONS
from chainrule.ops import step as step_op
from chainrule.textbook import (
    MLP,
    ActivationFunction,
    BinaryCrossEntropyCost,
    Cost,
    CostGradient,
    CrossEntropyCost,
    Layer,
    MiniBatches,
    QuadraticCost,
    learning_rate,
)
from chainrule.train import Model, Settings, fit

# The oracle: every derivative below is typed by hand.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.real.max(axis=0))
    return e / e.sum(axis=0)


G = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: z * (z.real > 0), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z.real > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "softplus": (lambda z: np.log(1 + np.exp(z)), sigmoid),
    "identity": (lambda z: z, np.ones_like),
    "softmax": (softmax, None),
}
LOSS = {
    "cross_entropy": (lambda y, p: -(y * np.log(p)).sum(axis=0), lambda y, p: -y / p),
    "binary_cross_entropy": (
        lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=0),
        lambda y, p: (p - y) / (p * (1 - p)),
    ),
    "quadratic": (lambda y, p: ((y - p) ** 2).sum(axis=0) / 2, lambda y, p: p - y),
}
CASES = [
    (("sigmoid", "softmax"), "cross_entropy"),
    (("relu", "tanh", "softmax"), "cross_entropy"),
    (("tanh", "sigmoid"), "binary_cross_entropy"),
    (("leaky_relu", "softplus", "identity"), "quadratic"),
    (("sigmoid", "tanh", "tanh"), "quadratic"),
    (("tanh", "sigmoid"), "cross_entropy"),
    (("sigmoid", "softmax"), "quadratic"),
]


def forward(weights, biases, names, X):
    zs, activations = [], [X]
    for W, b, g in zip(weights, biases, names, strict=True):
        zs.append(W @ activations[-1] + b)
        activations.append(G[g][0](zs[-1]))
    return zs, activations


def by_hand(weights, biases, names, loss, X, Y):
    """dW, db with 1/m, dA[0] without: backpropagation as a student writes it."""
    m = X.shape[1]
    zs, activations = forward(weights, biases, names, X)
    dA = LOSS[loss][1](Y, activations[-1])
    dW, db = [], []
    for i in reversed(range(len(names))):
        if names[i] == "softmax":
            a = activations[i + 1]
            dZ = np.empty_like(a)
            for j in range(m):
                dZ[:, j] = (np.diag(a[:, j]) - np.outer(a[:, j], a[:, j])) @ dA[:, j]
        else:
            dZ = dA * G[names[i]][1](zs[i])
        dW.insert(0, dZ @ activations[i].T / m)
        db.insert(0, dZ.sum(axis=1, keepdims=True) / m)
        dA = weights[i].T @ dZ
    return dW, db, dA


def problem(names, loss, m, seed=3):
    rng = np.random.default_rng(seed)
    units = [*[3, 5, 4, 2][: len(names)], 3]
    mlp = MLP(units, list(names), loss, seed=seed)
    for layer in mlp.layers:
        layer.bias = rng.normal(size=layer.bias.shape)
    X = rng.normal(size=(3, m))
    Y = rng.uniform(0.1, 0.9, size=(3, m))
    if loss == "cross_entropy" and names[-1] == "softmax":
        Y = np.eye(3)[rng.integers(0, 3, m)].T
    return mlp, X, Y


def numbers(mlp):
    return [x.weights.copy() for x in mlp.layers], [x.bias.copy() for x in mlp.layers]


@pytest.mark.parametrize("m", [1, 7])
@pytest.mark.parametrize(("names", "loss"), CASES)
@pytest.mark.parametrize("recognized", [True, False])
def test_gradients_are_those_by_hand(names, loss, m, recognized):
    mlp, X, Y = problem(names, loss, m)
    Yhat = mlp.propagate(X)
    gradJ = Cost(loss).compute_derivative(Y, Yhat)
    np.testing.assert_allclose(gradJ, LOSS[loss][1](Y, Yhat), rtol=1e-12)
    grad0 = mlp.backpropagate(gradJ if recognized else np.asarray(gradJ))
    weights, biases = numbers(mlp)
    dW, db, dX = by_hand(weights, biases, names, loss, X, Y)
    found = mlp.gradients()
    assert list(found) == [f"d{p}[{i}]" for i in range(1, len(names) + 1) for p in "Wb"]
    for i in range(len(names)):
        np.testing.assert_allclose(found[f"dW[{i + 1}]"], dW[i], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(found[f"db[{i + 1}]"], db[i], rtol=1e-10, atol=1e-13)
        assert found[f"db[{i + 1}]"].shape == mlp.layers[i].bias.shape
    np.testing.assert_allclose(grad0, dX, rtol=1e-10, atol=1e-13)
    assert grad0.shape == X.shape


@pytest.mark.parametrize("m", [1, 7])
@pytest.mark.parametrize(("names", "loss"), CASES)
def test_gradients_are_those_of_the_complex_step(names, loss, m):
    mlp, X, Y = problem(names, loss, m, seed=8)
    mlp.backpropagate(mlp.cost_function.compute_derivative(Y, mlp.propagate(X)))
    found = mlp.gradients()
    weights, biases = numbers(mlp)

    def J(which, i, place, h):
        parts = {"W": [w.astype(complex) for w in weights], "b": [b.astype(complex) for b in biases]}
        parts[which][i][place] += h
        return LOSS[loss][0](Y, forward(parts["W"], parts["b"], names, X)[1][-1]).mean()

    assert mlp.cost(X, Y) == pytest.approx(J("W", 0, (0, 0), 0).real, rel=1e-12)
    for i in range(len(names)):
        for which, array in (("W", weights[i]), ("b", biases[i])):
            for place in np.ndindex(array.shape):
                slope = J(which, i, place, 1e-30j).imag / 1e-30
                assert found[f"d{which}[{i + 1}]"][place] == pytest.approx(slope, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("name", sorted(set(G) - {"softmax"}))
def test_activation_functions(name):
    Z = np.array([[-3.0, -0.5, 0.25], [0.7, 2.0, 4.0]])
    g = ActivationFunction(name)
    np.testing.assert_allclose(g.compute_value(Z), G[name][0](Z), rtol=1e-13)
    np.testing.assert_allclose(g.compute_derivative(Z), G[name][1](Z), rtol=1e-12)
    np.testing.assert_allclose(g.compute_derivative(Z[0]), G[name][1](Z[0]), rtol=1e-12)
    np.testing.assert_allclose(g.jacobian(Z[0]), np.diag(G[name][1](Z[0])), rtol=1e-12)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_runs(name):
    layer = Layer(3, 2, name)
    A = layer.propagate(np.random.default_rng(0).normal(size=(2, 4)))
    assert layer.backpropagate(np.ones_like(A)).shape == (2, 4)
    assert layer.activ_func.elementwise == ("softmax" not in name)


def test_the_derivative_of_softmax_is_a_jacobian():
    z = np.array([0.3, -1.0, 2.0])
    a = softmax(z)
    g = ActivationFunction("softmax")
    np.testing.assert_allclose(g.jacobian(z), np.diag(a) - np.outer(a, a), atol=1e-15)
    with pytest.raises(ConfigurationError, match="jacobian"):
        g.compute_derivative(z)


def test_an_own_activation_is_derived():
    swish2 = Layer(2, 2, lambda Z: Z * cr.ops.sigmoid(2 * Z))
    swish2.weights = np.eye(2)
    Z = np.array([[0.5, -1.0], [2.0, 0.0]])
    swish2.propagate(Z)
    s = sigmoid(2 * Z)
    np.testing.assert_allclose(swish2.backpropagate(np.ones((2, 2))), s + 2 * Z * s * (1 - s), rtol=1e-12)


def test_a_derivative_that_is_zero_everywhere():
    perceptron = Layer(2, 3, lambda Z: step_op(Z))
    perceptron.propagate(np.ones((3, 5)))
    np.testing.assert_array_equal(perceptron.backpropagate(np.ones((2, 5))), np.zeros((3, 5)))


def test_equations_are_the_textbook_s():
    assert Layer(4, 3, "sigmoid").equations == {
        "Z": "W @ A_prev + b",
        "A": "sigmoid(Z)",
        "dZ": "dA * A * (1 - A)",
        "dA_prev": "W.T @ dZ",
        "dW": "(dZ * 1/m) @ A_prev.T",
        "db": "sum(dZ * 1/m, axis=1)",
    }


# Costs.


@pytest.mark.parametrize(
    ("cost", "name"),
    [
        (CrossEntropyCost(), "cross_entropy"),
        (BinaryCrossEntropyCost(), "binary_cross_entropy"),
        (QuadraticCost(), "quadratic"),
        (Cost("cross_entropy"), "cross_entropy"),
    ],
)
def test_costs(cost, name):
    rng = np.random.default_rng(1)
    Y, P = rng.random((3, 5)), rng.uniform(0.1, 0.9, (3, 5))
    assert cost.compute_value(Y, P) == pytest.approx(LOSS[name][0](Y, P).mean(), rel=1e-13)
    np.testing.assert_allclose(cost.compute_derivative(Y, P), LOSS[name][1](Y, P), rtol=1e-12)


def test_integer_labels_are_one_hot_columns():
    P = softmax(np.random.default_rng(2).normal(size=(3, 4)))
    labels = np.array([2, 0, 1, 1])
    Y = np.eye(3)[labels].T
    cost = CrossEntropyCost()
    for given in (labels, labels.reshape(1, -1)):
        assert cost.compute_value(given, P) == cost.compute_value(Y, P)
        np.testing.assert_array_equal(cost.compute_derivative(given, P), cost.compute_derivative(Y, P))
    with pytest.raises(DataError, match=r"0\.\.2"):
        cost.compute_value(np.array([3, 0, 1, 1]), P)


def test_parameters_of_a_cost():
    Y, P = np.zeros((1, 2)), np.array([[1.0, 5.0]])
    # Huber by hand: 1/2 for |r| = 1 <= 2, and 2 (5 - 2/2) = 8 for |r| = 5.
    assert Cost("huber", delta=2).compute_value(Y, P) == pytest.approx((0.5 + 8) / 2)


def test_class_weights_and_smoothing():
    """Label smoothing ε and class weights c, by hand: c_y · -Σ ((1-ε) y_k + ε/K) ln p_k."""
    layer = Layer(3, 2, "softmax", seed=3)
    P = layer.propagate(np.random.default_rng(0).normal(size=(2, 4)))
    labels, c = np.array([0, 2, 1, 1]), np.array([1.0, 2.0, 5.0])
    soft = 0.9 * np.eye(3)[labels].T + 0.1 / 3
    cost = Cost("cross_entropy", label_smoothing=0.1, class_weights=(1, 2, 5))
    assert cost.compute_value(labels, P) == pytest.approx(-(c[labels] * (soft * np.log(P)).sum(axis=0)).mean())
    layer.backpropagate(cost.compute_derivative(labels, P))
    np.testing.assert_allclose(layer.grad_logits, c[labels] * (P - soft), rtol=1e-12, atol=1e-14)


def saturated(name, n):
    """A layer whose logits are ±1e4 for two samples."""
    layer = Layer(n, 2, name)
    layer.weights = 1e4 * np.array([[1, -1], [-1, 1], [-1, -1]])[:n]
    layer.propagate(np.eye(2))
    return layer


def test_softmax_with_cross_entropy_at_extreme_logits():
    layer = saturated("softmax", 3)
    Y = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])  # the first sample is right, the second as wrong as can be
    gradJ = CrossEntropyCost().compute_derivative(Y, layer.activations)
    assert not np.isfinite(gradJ).all()  # dL/dŶ = -Y/Ŷ alone is lost
    back = layer.backpropagate(gradJ)
    np.testing.assert_array_equal(layer.grad_logits, [[0, -1], [0, 1], [0, 0]])  # Ŷ - Y
    np.testing.assert_array_equal(back, layer.weights.T @ [[0, -1], [0, 1], [0, 0]])
    layer.backpropagate(np.asarray(gradJ))
    assert np.isnan(layer.grad_logits).any()  # what the recognition is for


def test_sigmoid_with_binary_cross_entropy_at_extreme_logits():
    layer = saturated("sigmoid", 2)
    Y = np.array([[1.0, 1.0], [0.0, 0.0]])
    layer.backpropagate(BinaryCrossEntropyCost().compute_derivative(Y, layer.activations))
    np.testing.assert_array_equal(layer.grad_logits, [[0, -1], [0, 1]])  # A - Y


def test_targets_that_do_not_sum_to_one():
    layer = Layer(3, 2, "softmax", seed=1)
    A = layer.propagate(np.random.default_rng(0).normal(size=(2, 5)))
    Y = np.random.default_rng(1).random((3, 5))
    layer.backpropagate(CrossEntropyCost().compute_derivative(Y, A))
    np.testing.assert_allclose(layer.grad_logits, A * Y.sum(axis=0) - Y, rtol=1e-12, atol=1e-15)


def test_the_cost_at_extreme_logits():
    mlp = MLP([2, 3], ["softmax"])
    mlp.layers[0].weights = saturated("softmax", 3).weights
    Y = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    assert mlp.cost(np.eye(2), Y) == 1e4  # (0 + 2e4) / 2, from the logits
    assert 300 < mlp.cost_function.compute_value(Y, mlp.predict(np.eye(2))) < 1e4  # from Ŷ: a lower bound
    assert mlp.cost_function.compute_value(Y, Y) == 0  # 0 · ln 0 = 0


CHANGES = {
    "multiplied": lambda g: 2 * g,
    "divided in place": lambda g: _in_place(g, lambda x: np.divide(x, 4, out=x)),
    "written to": lambda g: _in_place(g, lambda x: x.__setitem__((0, 0), 3.0)),
    "copied over": lambda g: _in_place(g, lambda x: np.copyto(x, 1.0)),
    "negated": lambda g: -g,
}


def _in_place(g, change):
    change(g)
    return g


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_gradient_goes_through_the_plain_product(change):
    layer = Layer(3, 2, "softmax", seed=1)
    A = layer.propagate(np.random.default_rng(0).normal(size=(2, 4)))
    changed = change(CrossEntropyCost().compute_derivative(np.array([0, 1, 2, 1]), A))
    numbers = np.array(changed)
    expected = A * (numbers - (numbers * A).sum(axis=0))
    layer.backpropagate(changed)
    np.testing.assert_allclose(layer.grad_logits, expected, rtol=1e-12, atol=1e-14)


def test_a_gradient_of_another_batch_is_not_recognized():
    layer = Layer(2, 2, "softmax", seed=1)
    first = layer.propagate(np.eye(2))
    gradJ = CrossEntropyCost().compute_derivative(np.eye(2), first)
    second = layer.propagate(np.eye(2) * 3)
    layer.backpropagate(gradJ)
    plain = np.asarray(gradJ)
    np.testing.assert_allclose(layer.grad_logits, second * (plain - (plain * second).sum(axis=0)), rtol=1e-12)


def test_arithmetic_with_a_gradient_gives_plain_arrays():
    gradJ = QuadraticCost().compute_derivative(np.zeros((2, 2)), np.ones((2, 2)))
    assert isinstance(gradJ, CostGradient)
    assert type(gradJ * 2) is np.ndarray
    assert type(np.exp(gradJ)) is np.ndarray
    assert gradJ.copy().origin is None
    gradJ *= 2
    assert isinstance(gradJ, CostGradient)
    assert gradJ.origin is None


# Training.


def test_the_loop_is_the_trainer_s():
    """One gradient: the slides' loop and `chainrule.train` do the same steps on the same batches."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(23, 4)), rng.integers(0, 3, 23)
    model = Model("4-6:tanh-3:softmax", labels=True, seed=2)
    mlp = MLP([4, 6, 3], ["tanh", "softmax"], seed=2)
    for i, layer in enumerate(mlp.layers, 1):
        np.testing.assert_array_equal(layer.weights, model.parameters[f"W[{i}]"])
    fit(model, model.samples(X, y), None, Settings(epochs=3, batch_size=5, optimizer="sgd", learning_rate=0.3, seed=9))
    dataset, cost = MiniBatches(X.T, y, seed=9), CrossEntropyCost()
    for _ in range(3 * dataset.nbatches(5)):
        xbatch, ybatch = dataset.next_batch(5)
        mlp.backpropagate(cost.compute_derivative(ybatch, mlp.propagate(xbatch)))
        mlp.update_params(0.3)
    for i, layer in enumerate(mlp.layers, 1):
        np.testing.assert_allclose(layer.weights, model.parameters[f"W[{i}]"], rtol=1e-12)
        np.testing.assert_allclose(layer.bias, model.parameters[f"b[{i}]"], rtol=1e-11, atol=1e-14)


def test_xor():
    X = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    Y = np.array([[0, 1, 1, 0]])
    mlp, cost = MLP([2, 4, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=1), BinaryCrossEntropyCost()
    for _ in range(1000):
        mlp.backpropagate(cost.compute_derivative(Y, mlp.propagate(X)))
        mlp.update_params(0.5)
    np.testing.assert_array_equal(mlp.predict(X) > 0.5, Y == 1)
    assert mlp.cost(X, Y) < 0.05


def test_iris():
    iris = load_builtin("iris")
    X = ((iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0)).T
    mlp, cost, dataset = MLP([4, 8, 3], ["sigmoid", "softmax"], seed=0), CrossEntropyCost(), MiniBatches(X, iris.y)
    before = mlp.cost(X, iris.y)
    rate = learning_rate("step:20:0.5", 1.0, epochs=60)
    for iepoch in range(60):
        for _ in range(dataset.nbatches(10)):
            xbatch, ybatch = dataset.next_batch(10)
            mlp.backpropagate(cost.compute_derivative(ybatch, mlp.propagate(xbatch)))
            mlp.update_params(rate(iepoch))
    assert (mlp.predict(X).argmax(axis=0) == iris.y).mean() >= 0.96
    assert mlp.cost(X, iris.y) < 0.2 * before


@pytest.mark.parametrize("batchsize", [1, 4, 10, 99])
def test_every_sample_once_per_epoch(batchsize):
    X = np.arange(20.0).reshape(2, 10)
    dataset = MiniBatches(X, np.arange(10), seed=3)
    orders = []
    for _ in range(3):
        batches = [dataset.next_batch(batchsize) for _ in range(dataset.nbatches(batchsize))]
        xs, ys = np.hstack([x for x, _ in batches]), np.hstack([y for _, y in batches])
        np.testing.assert_array_equal(xs[0], ys[0])  # a sample keeps its target
        np.testing.assert_array_equal(xs[1], xs[0] + 10)
        assert sorted(ys[0]) == list(range(10))
        orders.append(tuple(ys[0]))
    assert len(set(orders)) == 3
    again = MiniBatches(X, np.arange(10), seed=3)
    assert tuple(np.hstack([again.next_batch(4)[1] for _ in range(3)])[0]) == orders[0]


def test_without_shuffling_the_order_stays():
    dataset = MiniBatches(np.arange(5.0).reshape(1, 5), np.arange(5), shuffle=False)
    assert [list(dataset.next_batch(2)[1][0]) for _ in range(4)] == [[0, 1], [2, 3], [4], [0, 1]]


def test_learning_rates():
    rate = learning_rate("step:10:0.5", 0.8)
    assert [rate(e) for e in (0, 9, 10, 25)] == [0.8, 0.8, 0.4, 0.2]
    assert learning_rate(lambda e: 1 / (1 + e))(3) == 0.25


# The second source.


@pytest.mark.parametrize(("names", "loss"), CASES)
def test_delta_epsilon_is_the_gradient_of_one_sample(names, loss):
    mlp, X, Y = problem(names, loss, 1)
    found = mlp.delta_epsilon(X, Y)
    weights, biases = numbers(mlp)
    dW, db, _ = by_hand(weights, biases, names, loss, X, Y)
    assert len(found.gradient) == 2 * len(names)
    for mine, theirs in zip(found.gradient, db + dW, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-13)
    mlp.backpropagate(mlp.cost_function.compute_derivative(Y, mlp.propagate(X)))
    vectorised = mlp.gradients()
    order = [f"d{p}[{i}]" for p in "bW" for i in range(1, len(names) + 1)]
    for mine, name in zip(found.gradient, order, strict=True):
        np.testing.assert_array_equal(mine, vectorised[name])


def test_delta_epsilon_in_the_source_s_words():
    names = ("tanh", "sigmoid", "tanh")
    mlp, x, y = problem(names, "quadratic", 1)
    p = mlp.delta_epsilon(x.ravel(), y.ravel())
    W, b = ([None, *part] for part in numbers(mlp))  # from 1, as there
    last = len(names)  # N - 1
    assert list(p.z) == [1, 2, 3, 4]
    np.testing.assert_array_equal(p.z[1], x)
    for i in range(1, last + 1):
        np.testing.assert_allclose(p.a[i], W[i] @ p.z[i] + b[i], rtol=1e-13)
        np.testing.assert_allclose(p.z[i + 1], G[names[i - 1]][0](p.a[i]), rtol=1e-13)
    np.testing.assert_allclose(p.delta[last], p.z[last + 1] - y, rtol=1e-13)
    for i in range(last, 0, -1):
        np.testing.assert_allclose(p.epsilon[i], p.delta[i] * G[names[i - 1]][1](p.a[i]), rtol=1e-12)
        np.testing.assert_array_equal(p.db[i], p.epsilon[i])
        np.testing.assert_allclose(p.dW[i], np.outer(p.epsilon[i], p.z[i]), rtol=1e-13)
        if i > 1:
            np.testing.assert_allclose(p.delta[i - 1], W[i].T @ p.epsilon[i], rtol=1e-12)


# The objects.


def test_weights_may_be_changed_and_assigned():
    layer = Layer(2, 3, "identity")
    held = layer.weights
    layer.weights -= 1.0
    assert layer.weights is held
    layer.weights = [[1, 2, 3], [4, 5, 6]]
    layer.weights[0, 0] = 7
    layer.bias += 1
    np.testing.assert_array_equal(layer.propagate(np.ones((3, 1))), [[13], [16]])
    assert layer.weights.dtype == np.float64
    with pytest.raises(ShapeError, match="2 × 3"):
        layer.weights = np.ones((3, 2))
    with pytest.raises(ShapeError, match="2 × 1"):
        layer.bias = np.ones(2)


def test_results_stay_when_other_batches_follow():
    mlp = MLP([2, 3], ["tanh"])
    first = mlp.propagate(np.ones((2, 4)))
    kept = first.copy()
    mlp.propagate(np.zeros((2, 4)))
    np.testing.assert_array_equal(first, kept)


def test_predict_and_cost_leave_no_trace():
    mlp, X, Y = problem(("tanh", "softmax"), "cross_entropy", 7)
    Yhat = mlp.propagate(X)
    mlp.predict(2 * X[:, :3])
    mlp.cost(3 * X, Y)
    assert mlp.layers[-1].activations is Yhat
    np.testing.assert_array_equal(mlp.predict(X), Yhat)


def test_float32():
    mlp = MLP([3, 4, 2], ["relu", "softmax"], dtype=np.float32)
    mlp.backpropagate(mlp.cost_function.compute_derivative(np.array([0, 1]), mlp.propagate(np.ones((3, 2)))))
    mlp.update_params(0.1)
    for layer in mlp.layers:
        arrays = (layer.weights, layer.bias, layer.logits, layer.activations, layer.grad_logits)
        assert {x.dtype for x in arrays} == {np.dtype(np.float32)}


def test_several_threads_may_use_one_network():
    mlp = MLP([3, 20, 2], ["tanh", "softmax"])
    inputs = [np.random.default_rng(i).normal(size=(3, 50)) for i in range(8)]
    expected = [mlp.predict(X) for X in inputs]
    wrong = []

    def work(i):
        for _ in range(30):
            if not np.array_equal(mlp.predict(inputs[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_top_level_name():
    assert cr.MLP is MLP


def test_the_cost_that_suits_the_output():
    last = [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("tanh", "quadratic")]
    assert [MLP([2, 2], [g]).cost_function.loss.name for g, _ in last] == [name for _, name in last]


X34 = np.ones((3, 4))
WRONG = {
    "rows for columns": (lambda m: m.propagate(np.ones((4, 3))), ShapeError, r"3 × m.*\(4, 3\).*transpose"),
    "a vector": (lambda m: m.propagate(np.ones(3)), ShapeError, "reshape"),
    "another width": (lambda m: m.propagate(np.ones((5, 4))), ShapeError, "3 × m"),
    "no sample": (lambda m: m.propagate(np.ones((3, 0))), DataError, "at least one"),
    "text": (lambda m: m.propagate([["a"], ["b"], ["c"]]), DataError, "real numbers"),
    "NaN": (lambda m: m.propagate(X34 * np.nan), DataError, "NaN"),
    "backward first": (lambda m: m.backpropagate(np.ones((2, 4))), ConfigurationError, "propagate first"),
    "no gradient": (lambda m: (m.propagate(X34), m.update_params(0.1)), ConfigurationError, "backpropagate first"),
    "nothing": (lambda m: m.update_params(0.1), ConfigurationError, "propagate and backpropagate"),
    "dA of another shape": (lambda m: (m.propagate(X34), m.backpropagate(np.ones((2, 3)))), ShapeError, "like the act"),
    "a schedule": (lambda m: m.update_params(lambda e: 0.1), ConfigurationError, "iepoch"),
    "y of another shape": (lambda m: m.cost(X34, np.ones((4, 2))), ShapeError, "2 × 4"),
    "NaN in y": (lambda m: m.cost(X34, np.full((2, 4), np.nan)), DataError, "Y contains 8 values"),
    "one number": (lambda m: m.cost_function.compute_value(1.0, 0.5), ShapeError, "n_L × m"),
    "two samples": (lambda m: m.delta_epsilon(np.ones(3), np.ones((2, 2))), ShapeError, "one sample"),
    "activation": (lambda m: MLP([2, 1], ["sigmod"]), UnknownNameError, "'sigmoid'"),
    "activations": (lambda m: MLP([2, 3, 1], ["sigmoid"]), ConfigurationError, "one activation for each"),
    "loss": (lambda m: MLP([2, 1], ["tanh"], "quadratik"), UnknownNameError, "'quadratic'"),
    "units": (lambda m: Layer(0, 3), ConfigurationError, "nunits=0"),
    "dtype": (lambda m: Layer(1, 3, dtype=np.int64), ConfigurationError, "float32"),
    "columns": (lambda m: MiniBatches(np.ones((2, 5)), np.ones((1, 4))), ShapeError, "same number of columns"),
    "batchsize": (lambda m: MiniBatches(np.ones((2, 5)), np.ones(5)).next_batch(0), ConfigurationError, "batchsize=0"),
    "sum": (lambda m: Layer(2, 2, lambda Z: cr.ops.total(Z, axis=0)), ConfigurationError, "shape"),
}


@pytest.mark.parametrize(("do", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_errors(do, error, message):
    with pytest.raises(error, match=message) as caught:
        do(MLP([3, 2], ["tanh"]))
    assert isinstance(caught.value, ChainruleError)


@pytest.mark.parametrize(("grad", "message"), [(np.inf, r"dW\[1\] holds"), (1e200, r"W\[1\] after the update")])
def test_no_update_that_is_not_finite(grad, message):
    mlp = MLP([3, 2], ["identity"])
    before = mlp.layers[0].weights.copy()
    mlp.propagate(X34)
    mlp.backpropagate(np.full((2, 4), grad))
    with pytest.raises(NonFiniteError, match=message):
        mlp.update_params(1e150)
    np.testing.assert_array_equal(mlp.layers[0].weights, before)
