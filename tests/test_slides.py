"""The worked numbers and the code of the lecture slides (third source), run with our names."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule.ops as o
from chainrule.check import check_expression, numerical_gradient
from chainrule.execute import evaluate
from chainrule.graph import text, variable
from chainrule.reverse import derive
from chainrule.sequential import Dense, Sequential
from chainrule.textbook import MLP, CrossEntropyCost, Layer, MiniBatches, QuadraticCost, learning_rate

W = np.array([[1, -1, -0.5], [1, 0.5, -1], [-0.2, 0.3, 0.5], [-1, 1, 1]]).reshape(4, 3)
b = np.array([-1, -1, 1, 1]).reshape(4, 1)


def layer_of_the_slide() -> Layer:
    layer = Layer(4, 3, activation="sigmoid")
    layer.weights, layer.bias = W, b
    return layer


def test_layer_with_one_sample():
    layer = layer_of_the_slide()
    a = layer.propagate(np.array([1, -1, -0.5]).reshape(3, 1))
    np.testing.assert_allclose(layer.logits, [[1.25], [0.0], [0.25], [-1.5]], atol=1e-15)
    np.testing.assert_allclose(a.round(4), [[0.7773], [0.5], [0.5622], [0.1824]], atol=1e-15)


def test_layer_with_two_samples():
    layer = layer_of_the_slide()
    A = layer.propagate(np.array([[1, -1, -0.5], [-1, -0.5, 1]]).T.reshape(3, 2))
    np.testing.assert_allclose(layer.logits, [[1.25, -2.0], [0.0, -3.25], [0.25, 1.55], [-1.5, 2.5]], atol=1e-15)
    printed = np.array([[0.78, 0.12], [0.50, 0.04], [0.56, 0.83], [0.18, 0.92]])
    differs = np.argwhere(A.round(2) != printed)
    # The slide's 0.83 in row 3, column 2 is a misprint: sigmoid(1.55) = 0.82491…, so 0.82.
    assert differs.tolist() == [[2, 1]]
    assert A[2, 1] == pytest.approx(0.8249137318359602, rel=1e-14)
    assert A[2, 1].round(2) == 0.82


def test_the_reshape_of_the_batch_code_changes_nothing():
    aprev = np.array([[1, -1, -0.5], [-1, -0.5, 1]]).T
    np.testing.assert_array_equal(aprev.reshape(3, 2), [[1, -1], [-1, -0.5], [-0.5, 1]])


def test_keras_example():
    model = Sequential()
    model.add(Dense(64, activation="sigmoid", input_dim=784))
    model.add(Dense(64, activation="sigmoid"))
    model.add(Dense(10, activation="softmax"))
    assert model.count_params() == 784 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10
    assert [w.shape for w in model.get_weights()] == [(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)]
    Yhat = model.predict(np.zeros((2, 784)))
    assert Yhat.shape == (2, 10)
    np.testing.assert_allclose(Yhat.sum(axis=1), 1, rtol=1e-6)


def test_numpy_commands_of_the_table():
    rng = np.random.default_rng(0)
    A, B, C = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 3))
    assert np.zeros(shape=(2, 3), dtype="float").shape == (2, 3)
    assert np.arange(6).reshape(6, 1).reshape(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert A.T.shape == (3, 2)
    a, bb, c = variable("A", 2, 3), variable("B", 3, 4), variable("C", 2, 3)
    values = {"A": A, "B": B, "C": C}
    np.testing.assert_allclose(np.dot(A, B), evaluate(a @ bb, values))
    np.testing.assert_allclose(np.multiply(A, C), evaluate(a * c, values))
    np.testing.assert_allclose(np.sum(A, axis=1, keepdims=True), evaluate(o.total(a, axis=1), values))
    np.testing.assert_allclose(np.sum(A, axis=0, keepdims=True), evaluate(o.total(a, axis=0), values))
    with pytest.raises(TypeError):  # as printed: randn takes the sizes themselves, np.random.randn(m, n)
        np.random.randn(shape=(2, 3))


def test_chain_rule_of_the_square_root():
    """f(x) = √(1 + x²): df/dx = x / √(1 + x²)."""
    x = variable("x", 1, 1)
    df = derive(o.sqrt(1 + x**2))["dx"]
    for at in (-2.0, 0.0, 0.75, 3.0):
        assert evaluate(df, {"x": at})[0, 0] == pytest.approx(at / np.sqrt(1 + at**2), rel=1e-14)
    z = variable("z", 1, 1)
    assert evaluate(derive(o.sqrt(z))["dz"], {"z": 4.0})[0, 0] == 1 / (2 * np.sqrt(4.0))
    assert text(derive(1 + x**2)["dx"]) == "2 * x"


def test_chain_rule_of_the_logistic_unit():
    """x → z = ωx + b → ŷ = σ(z) → L(ŷ): dx = dL/dŷ · ŷ(1 - ŷ) · ω, and likewise x for ω and 1 for b."""
    x, w, bias, dL = (variable(n, 1, 1) for n in ("x", "w", "b", "dL"))
    z = w * x + bias
    yhat = o.sigmoid(z)
    d = derive(yhat, seed=dL, names={"z": z, "yhat": yhat})
    values = {"x": 0.5, "w": -1.5, "b": 0.25, "dL": 3.0}
    s = 1 / (1 + np.exp(0.5))
    expected = {"dz": 3 * s * (1 - s), "dx": 3 * s * (1 - s) * -1.5, "dw": 3 * s * (1 - s) * 0.5, "db": 3 * s * (1 - s)}
    for name, value in expected.items():
        assert evaluate(d[name], values)[0, 0] == pytest.approx(value, rel=1e-14)


def test_softmax_layer_needs_to_be_handled_specifically():
    """dL/dz = ŷ - y; the element-wise product with a(1 - a) is something else."""
    layer = Layer(3, 2, "softmax", seed=4)
    a = layer.propagate(np.array([[1.0], [-2.0]]))
    y = np.array([[0.0], [1.0], [0.0]])
    layer.backpropagate(CrossEntropyCost().compute_derivative(y, a))
    np.testing.assert_allclose(layer.grad_logits, a - y, atol=1e-15)
    assert np.abs((-y / a) * a * (1 - a) - (a - y)).max() > 0.1


def test_square_distance():
    """L = ½‖y - ŷ‖²: dL/dŷ = ŷ - y."""
    y, yhat = np.array([[1.0], [2.0]]), np.array([[0.5], [4.0]])
    assert QuadraticCost().compute_value(y, yhat) == (0.25 + 4) / 2
    np.testing.assert_array_equal(QuadraticCost().compute_derivative(y, yhat), yhat - y)


def test_main_loop():
    """As printed; the misprints it met are mended in `MLP`: `self.x` is set, and `a = layer.activations` stands inside
    the loop of `update_params`."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 120))
    labels = (X[0] > X[1]).astype(int)
    mlp = MLP([2, 5, 2], activations=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    dataset, cost, schedule = MiniBatches(X, np.eye(2)[labels].T), CrossEntropyCost(), learning_rate("constant", 0.5)
    nepochs, batchsize = 20, 16
    nbatches = dataset.nbatches(batchsize)
    for iepoch in range(nepochs):
        for _ibatch in range(nbatches):
            xbatch, ybatch = dataset.next_batch(batchsize)
            pred_probs = mlp.propagate(xbatch)
            gradJ = cost.compute_derivative(ybatch, pred_probs)
            grad0 = mlp.backpropagate(gradJ)
            mlp.update_params(schedule(iepoch))
    assert nbatches == 8
    assert grad0.shape == xbatch.shape  # the gradient by the input, not "probabilities per class"
    assert pred_probs.shape == ybatch.shape  # the output of the network, not "mini-batches of images"
    assert (mlp.predict(X).argmax(axis=0) == labels).mean() > 0.95


@pytest.mark.parametrize("last", ["softmax", "sigmoid"])
def test_gradient_checking_by_the_one_sided_difference(last):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(3, 6)), np.eye(2)[rng.integers(0, 2, 6)].T
    mlp = MLP([3, 4, 2], ["tanh", last])
    mlp.backpropagate(mlp.cost_function.compute_derivative(Y, mlp.propagate(X)))

    def J(parameters):
        other = MLP([3, 4, 2], ["tanh", last])
        for i, layer in enumerate(other.layers, 1):
            layer.weights, layer.bias = parameters[f"W[{i}]"], parameters[f"b[{i}]"]
        return other.cost(X, Y)

    parameters = {}
    for i, layer in enumerate(mlp.layers, 1):
        parameters |= {f"W[{i}]": layer.weights, f"b[{i}]": layer.bias}
    slopes = numerical_gradient(J, parameters, method="forward", step=1e-7)
    for name, gradient in mlp.gradients().items():
        np.testing.assert_allclose(gradient, slopes[name.removeprefix("d")], rtol=1e-5, atol=1e-6)


def test_gradient_checking_of_the_expression():
    x, w, bias = variable("x", 3, 4), variable("W", 2, 3), variable("b", 2, 1)
    J = o.total(o.sigmoid(w @ x + bias) ** 2, axis=None)
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(3, 4)), "W": rng.normal(size=(2, 3)), "b": rng.normal(size=(2, 1))}
    found = check_expression(J, values, ["W", "b"], method="forward")
    assert [row.verdict for row in found.rows] == ["right", "right"]
    wrong = check_expression(J, values, method="forward", gradients={"W": np.ones((2, 3))})
    assert [row.verdict for row in wrong.rows] == ["wrong"]
