"""Conditions that a formula needs, several at once too, and none that is not needed; mistakes in words that hold."""

from __future__ import annotations

import pytest

from chainrule.judge.judge import check_formula
from chainrule.judge.verdict import Declared
from chainrule.notation.letters import Letters

SOFT_MAX = ("3-5:softmax", "cross_entropy")
DEEP = ("3-4:tanh-5:sigmoid-2:softmax", "cross_entropy")
ONE_LAYER = ("3-1:sigmoid", "binary_cross_entropy")
ROWS, IN_DZ = "samples are rows", "1/m stands in dZ and dA"
NUMBERS = "all letters are numbers"


@pytest.mark.parametrize(
    ("formula", "conditions"),
    [
        ("dW2 = A1.T @ dZ2", (ROWS, IN_DZ)),
        ("db2 = np.sum(dZ2, axis=0)", (ROWS, IN_DZ)),
        ("b2 -= lr * dZ2.sum(0)", (ROWS, IN_DZ)),
        ("W1 -= lr * X.T @ dZ1", (ROWS, IN_DZ)),
        ("A[3] = np.exp(Z[3]) / np.sum(np.exp(Z[3]), axis=1, keepdims=True)", (ROWS, "output layer is softmax")),
        ("loss = -np.sum(Y * np.log(A2)) / m", ("L = 2", "the loss is cross entropy")),
        ("L = np.mean((Yhat-Y)**2)", ("one output unit", "the loss is the sum of squares")),
        ("J = np.mean((A2-Y)**2)", ("L = 2", "one output unit", "the loss is the sum of squares")),
        (
            "cost = -1/m*(np.dot(Y, np.log(A2).T) + np.dot(1-Y, np.log(1-A2).T))",
            ("L = 2", "one output unit", "sigmoid with binary cross entropy"),
        ),
        ("dZ[2] = (W[3].T @ (A[3]-Y)) * sigmoid(Z[2]) * (1 - sigmoid(Z[2]))", ("L = 3", "layer 2 is sigmoid")),
        ("db2 = 1/m * np.sum(dZ2)", ("L = 2", "one output unit")),
        ("dw2 = dz2*a1", (NUMBERS,)),
        ("dz1 = w2*dz2*a1*(1-a1)", (NUMBERS, "layer 1 is sigmoid")),
        (
            "∂L/∂w1 = (a2-y) * a2*(1-a2) * w2 * a1*(1-a1) * x",
            (NUMBERS, "L = 2", "layer 1 is sigmoid", "sigmoid with quadratic"),
        ),
        ("softmax(z)_1 = sigmoid(z_1 - z_2)", ("z has two entries",)),
        (r"\frac{\partial a_i}{\partial z_j} = -a_i a_j", ("i ≠ j",)),
        (
            r"\frac{\partial C}{\partial W_{ij}^{[l]}} = dz^{[l]} a^{[l-1]T}",
            ("the matrix of all entries", "one sample"),
        ),
        (r"dz_i^{[l]} = W^{[l+1]T} dz^{[l+1]} * g'(z^{[l]})", ("the column of all entries",)),
        ("dw = 2/m * np.sum((yhat - y) * x)", ("x is one number for each sample", "identity with sum of squares")),
        (r"dW^{[l]} = \frac{\partial L}{\partial W^{[l]}}", ("L stands for the cost",)),
        (r"z^{(l+1)} = W^{(l)} a^{(l)} + b^{(l)}", ("lead from layer l to layer l + 1",)),
    ],
)
def test_all_conditions_are_said(formula: str, conditions: tuple[str, ...]) -> None:
    judged = check_formula(formula)
    assert judged.verdict == "right if", judged
    assert all(words in judged.condition for words in conditions), judged.condition


@pytest.mark.parametrize(
    ("formula", "condition"),
    [
        ("J = 1/m*sum((Yhat-Y)**2)", "the loss is the sum of squares"),
        ("J = 1/(2*m)*np.sum((Yhat-Y)**2)", "the loss is half the sum of squares"),
        ("g[2].prime(Z[2]) = A[2] * (1 - A[2])", "layer 2 is sigmoid"),
        ("dA[1] * (1 - np.tanh(Z[1])**2) = dZ[1]", "layer 1 is tanh"),
        ("Yhat = sigmoid(Z[L])", "the activation of the output layer is sigmoid"),
        (
            "dZ[L] = A[L] - Y",
            "the output layer and the loss match: softmax with cross entropy or sigmoid with binary cross entropy or "
            "identity with quadratic",
        ),
    ],
)
def test_no_condition_is_said_that_is_not_needed(formula: str, condition: str) -> None:
    """What the first network in which it holds has besides is no condition."""
    judged = check_formula(formula)
    assert (judged.verdict, judged.condition) == ("right if", condition)


def test_the_output_layer_is_not_named_where_a_hidden_one_is_meant() -> None:
    judged = check_formula(r"g'(z^{[2]}) = a^{[2]} (1 - a^{[2]})")
    assert judged.verdict == "right if"
    assert "layer 2 is sigmoid" in judged.condition
    assert "output layer" not in judged.condition


@pytest.mark.parametrize(
    "formula",
    [
        "z_i = Σ_j W_ij a_j + b_i",
        "da_j = Σ_i dz_i W_ij",
        "db_i = dz_i",
    ],
)
def test_two_units_tell_two_layers(formula: str) -> None:
    """j of W_ij counts the units of the layer before, whose output a_j is."""
    assert check_formula(formula).verdict in ("right", "right if")
    assert check_formula("dW_ij = dz_j a_i").verdict == "wrong"
    assert check_formula(formula, "3-5:sigmoid", "quadratic").verdict in ("right", "right if")


@pytest.mark.parametrize("formula", ["a = b", "Σ_i x_i = 1", "L = 2", "z_1 = -3"])
def test_what_says_nothing_of_a_network_is_not_wrong(formula: str) -> None:
    assert check_formula(formula).verdict == "cannot tell"


def test_all_written_entries_of_x_are_its_entries() -> None:
    assert check_formula("z = w1*x1 + w2*x2 + b").verdict == "right"
    assert check_formula("z = w1*x1 + w2*x1 + b").verdict == "wrong"


def test_matrices_that_the_network_does_not_name_are_any() -> None:
    judged = check_formula("(A B)^T = B^T A^T", *DEEP)
    assert (judged.verdict, judged.note.split(";")[0]) == ("right", "it holds for any matrices")
    assert check_formula("(A B)^T = A^T B^T", *DEEP).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("formula", "verdict"), [("Ŷ = A[2]", "wrong"), ("A[2] = σ(Z[2])", "cannot tell"), ("Y = A[2]", "cannot tell")]
)
def test_a_network_has_no_more_layers_than_declared(formula: str, verdict: str) -> None:
    judged = check_formula(formula, *ONE_LAYER)
    assert judged.verdict == verdict, judged
    assert "the network has 1 layer" in judged.note if verdict == "cannot tell" else judged.cause == "wrong-layer-index"


@pytest.mark.parametrize(
    ("formula", "network", "cause", "correction"),
    [
        (
            "dZ[1] = W[2].T @ dZ[2] * A[1] * (1 - A[1])",
            DEEP,
            "wrong-operand",
            "dZ[1] = W[2].T @ dZ[2] * (1 - A[1]^2)",
        ),
        (
            "dZ[2] = W[3].T @ dZ[3] * Z[2] * (1 - Z[2])",
            DEEP,
            "activation-derivative-at-wrong-place",
            "dZ[2] = W[3].T @ dZ[3] * (A[2] * (1 - A[2]))",
        ),
        (
            "dZ[2] = dA[2] * sigmoid(A[2]) * (1 - sigmoid(A[2]))",
            DEEP,
            "activation-derivative-at-wrong-place",
            "dZ[2] = dA[2] * (sigmoid(Z[2]) * (1 - sigmoid(Z[2])))",
        ),
        (
            "dZ[1] = -Y/A[1] * A[1] * (1 - A[1])",
            SOFT_MAX,
            "missing-sum",
            "dZ[1] = -A[1] * (Y/A[1] - sum(Y/A[1] * A[1], axis=0, keepdims=True))",
        ),
        (
            "dz[1]_j = -y_j/ŷ_j ŷ_j (1 - ŷ_j)",
            SOFT_MAX,
            "missing-sum",
            "dz[1][j] = -(sum_k y[k] / yhat[k] * yhat[k] * (delta[k, j] - yhat[j]))",
        ),
        (
            "dZ[1] = dA[1] * np.log(1 + np.exp(Z[1]))",
            ("3-4:softplus-2", "quadratic"),
            "function-used-for-derivative",
            "",
        ),
        ("W[1] = W[1] - dW[1]", DEEP, "other", "W[1] = W[1] - alpha * dW[1]"),
        ("W[3] = -alpha * dW[3]", DEEP, "other", "W[3] = W[3] - alpha * dW[3]"),
        ("J = -1/m*np.sum(Y*A[3])", DEEP, "other", "J = -1/m * sum(Y * ln(A[3]))"),
        ("dW[3] = m * dZ[3] @ A[2].T", DEEP, "missing-1/m", "dW[3] = 1/m * dZ[3] @ A[2].T"),
        ("dW[3] = dZ[3] @ A[2].T / (m-1)", DEEP, "other", "dW[3] = dZ[3] @ A[2].T / m"),
        (
            "dW[l] = 1/m * dZ[l] @ A[l-1].T + lambda/m * b[l]",
            (None, None),
            "wrong-operand",
            "dW[l] = 1/m * dZ[l] @ A[l-1].T + lambda/m * W[l]",
        ),
        (
            "J = 1/m Σ_i L(i) - λ/(2m) ‖W‖²",
            (None, None),
            "sign",
            "J = 1/m (sum_i L(i)) + lambda / (2 m) norm(W)^2",
        ),
        (r"\sigma'(z) = \sigma(z) + (1-\sigma(z))", (None, None), "product-vs-sum", ""),
        (
            "L = -(y log(a) + (1-y) log(a))",
            ONE_LAYER,
            "wrong-operand",
            "L = -(y log(a) + (1 - y) log(1 - a))",
        ),
        (
            "L = -(y log(1-a) + (1-y) log(1-a))",
            ONE_LAYER,
            "wrong-operand",
            "L = -(y log(a) + (1 - y) log(1 - a))",
        ),
        ("dW[2] = 1/m * 1/m * dZ[2] @ A[1].T", DEEP, "doubled-1/m", "dW[2] = 1/m * dZ[2] @ A[1].T"),
        ("A[3] = Z[3]/sum(Z[3],axis=0)", DEEP, "wrong-operand", "A[3] = exp(Z[3]) / sum(exp(Z[3]), axis=0)"),
    ],
)
def test_causes_and_mendings_are_true(
    formula: str, network: tuple[str | None, str | None], cause: str, correction: str
) -> None:
    judged = check_formula(formula, *network)
    assert (judged.verdict, judged.cause) == ("wrong", cause), judged
    assert not correction or judged.correction == correction
    if judged.correction:
        given = Declared(network=network[0], loss=network[1])
        mended = check_formula(judged.correction.replace("ln(", "log("), readings=[given])
        assert mended.verdict in ("right", "right if"), mended


def test_shapes_are_said_in_letters() -> None:
    judged = check_formula("dz[1] = W[2] a[1] + x y", *DEEP)
    assert judged.cause == "shape"
    assert "x is n[0] × 1 and y is n[3] × 1" in judged.causes[0].words
    assert "7" not in check_formula("dZ[1] = dZ[2] W[2] X Xᵀ", *DEEP).causes[0].words


def test_what_numpy_does_without_keepdims_is_said() -> None:
    judged = check_formula("db1 = np.sum(dZ1, axis=1) / m", *DEEP)
    assert judged.condition == "keepdims=True is added to the sum"
    assert "broadcast to n × n" in judged.note


def test_one_sample_is_marked() -> None:
    assert check_formula("J = -sum(y * log(yhat))", *SOFT_MAX).one_sample
    assert not check_formula("dW[1] = 1/m * dZ[1] @ X.T", *SOFT_MAX).one_sample


def test_widths_that_nobody_wrote_are_no_excuse() -> None:
    formula = "dA[2] = 2/3*(A[2]-Y)"
    own = Declared(network="3-5-3:tanh", loss="mean_squared")
    assert check_formula(formula, readings=[own]).verdict == "right"
    open_widths = Declared(network="3-5-3:tanh", loss="mean_squared", any_widths=True)
    assert check_formula(formula, readings=[open_widths]).verdict == "wrong"


def test_one_output_is_a_condition_where_the_widths_are_open() -> None:
    formula = "L = -(y log(yhat) + (1-y) log(1-yhat))"
    declared = Declared(network="3-5:tanh-4:sigmoid", loss="binary_cross_entropy", any_widths=True)
    judged = check_formula(formula, readings=[declared])
    assert (judged.verdict, judged.condition) == ("right if", "there is one output unit")


@pytest.mark.parametrize(
    "formula",
    [
        "dW[a] = 1/m * dZ[b] @ A[c].T * W[d] * W[e]",
        "dW[p+q+r] = dZ[r*s] @ A[s-q].T + W[u] @ b[v]",
        "dW[l^2] = 1/m*dZ[l^2] @ A[l^2-1].T",
    ],
)
def test_layers_that_fit_nowhere_end_soon(formula: str) -> None:
    import time

    start = time.process_time()
    assert check_formula(formula).verdict == "cannot tell"
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("dW2 += np.outer(dz2, a1)", "right"),
        ("dW2 -= np.outer(dz2, a1)", "wrong"),
        ("db1 += 2*dz1", "wrong"),
        ("dW2 += dz2 @ a1.T", "right"),
    ],
)
def test_what_is_added_to_a_gradient_is_that_of_one_sample(formula: str, verdict: str) -> None:
    assert check_formula(formula, "2-3:sigmoid-2", "quadratic").verdict == verdict


def test_where_the_mean_was_taken_is_said() -> None:
    once = check_formula("dW[2] = 1/m * dZ[2] @ A[1].T", *DEEP, place="dZ")
    assert once.causes[0].words == "the factor 1/m is superfluous: it is in dZ[2] already"
    twice = check_formula("db[2] = 1/m * mean(dZ[2], axis=1, keepdims=True)", *DEEP, place="parameters")
    assert twice.causes[0].words == "the factor 1/m is superfluous: the mean is taken twice"


@pytest.mark.parametrize("formula", ["w = (X^T X)^{-1} X^T y", "b = 0"])
def test_what_a_parameter_is_set_to_is_no_claim(formula: str) -> None:
    assert check_formula(formula).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("formula", "cause", "correction"),
    [
        ("∂C/∂v = 2*(y - t) * h", "missing-activation-derivative", "dC/dv = 2 * (y - t) * h * (y * (1 - y))"),
        ("∂C/∂c = 2*(y - t) * y", "missing-activation-derivative", "dC/dc = 2 * (y - t) * (y * (1 - y))"),
        ("∂C/∂v = 2*(y - t) * y * (1 - y)", "other", "dC/dv = 2 * (y - t) * y * (1 - y) * h"),
        ("∂C/∂h = 2*(y - t) * y * (1 - y) * c", "wrong-operand", "dC/dh = 2 * (y - t) * y * (1 - y) * v"),
    ],
)
def test_letters_of_a_document_alone_are_mended_with_its_own(formula: str, cause: str, correction: str) -> None:
    own = Declared(network="none", definitions=("y = sigma(v*h + c)", "C = (y - t)^2"))
    judged = check_formula(formula, readings=[own])
    assert (judged.cause, judged.correction) == (cause, correction)


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        (r"\frac{\partial C}{\partial W_{ij}^{[l]}} = dz^{[l]} a^{[l]T}", "wrong-layer-index"),
        (r"\frac{\partial C}{\partial W_{ij}^{[l]}} = a^{[l-1]} dz^{[l]T}", "missing-transpose"),
        ("dw = 2 * np.sum((yhat - y) * x)", "missing-1/m"),
        ("dw = 2/m * np.sum((y - yhat) * x)", "sign"),
        ("z[2] = W[1] @ a[1] + b[2]", "wrong-layer-index"),  # of W alone: no way of numbering
        ("dW[l] = 1/m * dZ[l+1] @ A[l].T", "wrong-layer-index"),
    ],
)
def test_what_a_habit_does_not_excuse(formula: str, cause: str) -> None:
    judged = check_formula(formula)
    assert judged.verdict == "wrong", judged
    assert judged.cause == cause, judged


def test_a_differential_of_the_loss_is_not_called_wrong() -> None:
    """Beside dL, dZ is a small change: `dZ` for `∂L/∂Z` would be a mistake there, but nobody declared it."""
    assert check_formula(r"dL = \frac{\partial L}{\partial z} \cdot dz").verdict == "right"
    assert check_formula("dL = tr(dZ.T @ dZ)").verdict == "cannot tell"


def test_small_letters_of_a_document_are_of_one_sample() -> None:
    """The loss E of one example beside `h` and `δ`, declared to be those of all samples."""
    letters = Letters(rename={"h": "A[1]", "delta": "dZ[2]", "E": "L", "W_2": "W[2]"})
    judged = check_formula("∂E/∂W_2 = h.T @ delta", "4-3:sigmoid-2:identity", "quadratic", letters=letters, rows=True)
    assert judged.verdict == "right if", judged


def test_a_refused_condition_is_no_excuse() -> None:
    """What a document rules out."""
    formula, told = "dW[l] = dZ[l] @ A[l-1].T", Declared()
    assert "1/m stands in dZ" in check_formula(formula, readings=[told]).condition
    assert check_formula(formula, readings=[Declared(refused=("1/m stands in dZ",))]).cause == "missing-1/m"
