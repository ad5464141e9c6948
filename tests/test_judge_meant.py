"""What a formula may have been meant to say: small letters in programs, remarks behind it, the fewest conditions."""

from __future__ import annotations

import pytest

from chainrule.judge import Declared, check_formula
from chainrule.notation.letters import Letters

ROWS = "samples are rows (X is m × n_0, Z = A W + b)"
COST = "1/m stands in dZ and dA (they are derivatives of the cost J)"
BY_UNIT = "samples are rows, and W has a row for each unit (Z = A Wᵀ + b)"


@pytest.mark.parametrize(
    ("formula", "conditions"),
    [
        ("db2 = np.sum(dz2, axis=0)", ["dz stand for all samples (dZ)", COST, ROWS]),
        ("db2 = np.sum(dz2, axis=1, keepdims=True)/m", ["dz stand for all samples (dZ)"]),
        ("dW2 = np.dot(a1.T, dz2)", ["a, dz stand for all samples (A, dZ)", COST, ROWS]),
        ("dW2 = a1.T @ dz2 / m", ["a, dz stand for all samples (A, dZ)", ROWS]),
        (
            "dz1 = dz2.dot(W2.T) * (1 - a1**2)",
            ["a, dz stand for all samples (A, dZ)", ROWS, "layer 1 is tanh"],
        ),
        ("W2 -= lr * a1.T @ dz2", ["a, dz stand for all samples (A, dZ)", COST, ROWS]),
        ("z2 = a1 @ W2 + b2", ["samples are rows (x is 1 × n_0, z = x W + b)"]),
        ("dW[l] = dZ[l].T @ A[l-1] / m", [BY_UNIT]),
        ("dA[l-1] = dZ[l] @ W[l]", [BY_UNIT]),
        ("W1 -= lr * dZ1.T @ X / m", [BY_UNIT]),
    ],
)
def test_lines_of_programs(formula: str, conditions: list[str]) -> None:
    """Rows of samples, as NumPy, PyTorch and CS231n have them, by numbers: X (m × n) W (n × k), or X Wᵀ."""
    judged = check_formula(formula)
    assert judged.verdict == "right if", judged
    assert judged.condition.split(", and ") == ", and ".join(conditions).split(", and ")


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("db2 = np.sum(dz1, axis=0)", "wrong-layer-index"),
        ("dW2 = np.dot(a2.T, dz2)", "wrong-layer-index"),
        ("dz1 = dz2.dot(W2.T) * (1 + a1**2)", "sign"),
    ],
)
def test_no_convention_of_programs_excuses_a_mistake(formula: str, cause: str) -> None:
    judged = check_formula(formula)
    named = {judged.cause, *(c.cause for other in judged.others for c in other)}
    assert judged.verdict == "wrong", judged
    assert cause in named, judged


@pytest.mark.parametrize(
    ("formula", "network", "verdict"),
    [
        ("dZ[L] = A[L] - Y for softmax", None, "right"),
        (r"dZ^{[L]} = A^{[L]} - Y \quad (\text{for softmax})", None, "right"),
        ("dZ[L] = A[L] - Y for a softmax output", "3-4:tanh-2:tanh", "right"),
        ("dZ[L] = A[L] - Y for tanh", None, "wrong"),
        ("dZ[L] != dA[L] * g[L].prime(Z[L]) for softmax", "3-4:tanh-2:tanh", "right"),
        ("dZ[l] = dA[l] * (Z[l] > 0) for ReLU", None, "right"),
        ("g'(z) = 1 - a^2 for tanh", None, "right"),
        ("g'(z) = a (1 - a) for tanh", None, "wrong"),
        ("dZ[L] = A[L] - Y", "3-4:tanh-2:tanh", "wrong"),
    ],
)
def test_the_activation_that_is_named_behind_a_formula(formula: str, network: str | None, verdict: str) -> None:
    assert check_formula(formula, network).verdict == verdict


def test_the_layer_that_is_compared_with_the_targets_is_the_last() -> None:
    """r = ½ ‖s - t‖² says how deep the network is: ∂r/∂p = ∂r/∂c is then right, and no layer above is thought of."""
    letters = Letters(rename={"M": "W[1]", "p": "b[1]", "c": "z[1]", "V": "W[2]", "s": "z[2]", "t": "y"})
    declared = Declared(letters=letters, samples="one", definitions=(r"r = \frac12 \|s-t\|^2",))
    judged = check_formula(r"\frac{\partial r}{\partial p} = \frac{\partial r}{\partial c}", readings=[declared])
    assert judged.verdict == "right", judged
    judged = check_formula(r"\frac{\partial r}{\partial s} = (s - t)^\top", readings=[declared])
    assert judged.condition == "the derivative of a number by a column is a row (numerator layout)"


@pytest.mark.parametrize(
    ("formula", "verdict", "condition"),
    [
        (r"g'(z^{[2]}) = a^{[2]} (1 - a^{[2]})", "right if", "layer 2 is sigmoid"),
        ("A = relu(Z)", "right if", "the activation of the output layer is relu"),
        ("A = np.where(Z > 0, Z, 0.01*Z)", "right if", "the activation of the output layer is leaky_relu"),
        (r"z^\top = z", "right if", "there is one output unit"),
        (r"dZ_l = dA_l \odot g'(A_l)", "wrong", ""),
        (r"dW_l = \frac1m dZ_l A_{l-1}^T", "right", ""),
        (r"\frac{\partial \hat y_i}{\partial z_j} = \hat y_i(1 - \hat y_j)", "wrong", ""),
        ("J = 1/(2*m) * sum(A[3] - Y)**2", "wrong", ""),
    ],
)
def test_the_fewest_conditions(formula: str, verdict: str, condition: str) -> None:
    """None is a network in which the formula holds because it has one unit or a linear output."""
    judged = check_formula(formula)
    assert (judged.verdict, judged.condition) == (verdict, condition), judged


@pytest.mark.parametrize("formula", ["W2 <- W2 + eta (yhat - y) a1^T", "W[2] <- W[2] + eta (yhat - y) a[1].T"])
def test_a_soft_max_of_one_unit_proves_nothing(formula: str) -> None:
    declared = Declared(network="3-5:tanh-4:softmax", loss="cross_entropy", any_widths=True)
    judged = check_formula(formula, readings=[declared])
    assert (judged.verdict, judged.cause) == ("wrong", "sign"), judged


@pytest.mark.parametrize(
    ("formula", "causes"),
    [
        ("dW[2] = dz[2].T @ a[1]", {"missing-transpose", "operands-swapped"}),
        ("W2 = W2 * alpha * dW2", {"product-vs-sum"}),
        ("J = 1/(2*m) * sum(A[3] - Y**2)", {"missing-parentheses"}),
        ("dZ1 = W2.T @ dZ2 * (1 - Z1**2)", {"activation-derivative-at-wrong-place"}),
        ("dZ2 = W3.T @ dZ3 * (1 - A2)", {"missing-square"}),
    ],
)
def test_causes(formula: str, causes: set[str]) -> None:
    judged = check_formula(formula)
    assert judged.cause in causes, judged
    shown = next(x for x in str(judged).splitlines() if "wrong: " in x).split("wrong: ")[1].split("; ")
    assert len(shown) == len(set(shown))


def test_a_tie_between_activations_is_shown() -> None:
    """1 - a is tanh' without the square, or σ' without the factor a."""
    judged = check_formula("dZ2 = W3.T @ dZ3 * (1 - A2)")
    named = {judged.cause, *(c.cause for other in judged.others for c in other)}
    assert named >= {"missing-square", "missing-activation-derivative"}


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("loss = -np.sum(Y * np.log(A2 + 1e-8)) / m", ""),
        ("J = -1/m * sum(Y * log(1e-12 + A[2]))", ""),
        ("dA[2] = -Y / (A[2] + 1e-7)", ""),
        ("loss = np.sum(Y * np.log(A2 + 1e-8)) / m", "sign"),
        ("J = -np.sum(Y * np.log(A2 + 0.5)) / m", "other"),
    ],
)
def test_a_number_that_guards_against_zero(formula: str, cause: str) -> None:
    judged = check_formula(formula, "5-4:tanh-3:softmax", "cross_entropy")
    assert (judged.verdict, judged.cause) == ("wrong" if cause else "right", cause), judged


def test_a_step_by_a_loss_of_its_own_is_not_called_wrong() -> None:
    """The perceptron-like step of ln(1 + exp(-y wᵀx)), whose labels are ±1, which nobody declared."""
    judged = check_formula(r"w \leftarrow w + \eta\, y\, \sigma(-y w^T x)\, x")
    assert "-1 and 1" in judged.condition, judged
    hinge = check_formula(r"\frac{\partial L}{\partial w} = -y x \text{ if } y z < 1 \text{ else } 0")
    assert "loss that was not declared" in hinge.note, hinge
    assert check_formula("w <- w + eta (a - y) x").cause == "sign"
