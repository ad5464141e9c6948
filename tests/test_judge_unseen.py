"""What blind readers of the judge found wanting: penalties, identities, approximations, slips written several times."""

from __future__ import annotations

import pytest

from chainrule.judge.judge import check_formula
from chainrule.notation.letters import Letters

DEEP = ("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy")


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("dZ[l] = dA[l] * (Z[l] > 0)", "right if"),
        ("dZ[l] = (W[l+1].T @ dZ[l+1]) * (A[l] > 0)", "right if"),
        ("A[l] = max(0, Z[l])", "right if"),
        ("dZ[l] = dA[l] * relu.prime(Z[l])", "right if"),
        ("dZ[l] = dA[l] * (Z[l] < 0)", "wrong"),
        ("dZ[l] = (W[l].T @ dZ[l+1]) * (Z[l] > 0)", "wrong"),
        ("dA[l] = dZ[l] * (A[l] > 0)", "wrong"),
    ],
)
def test_rules_of_rectifiers_are_recognized_where_nothing_is_declared(formula: str, verdict: str) -> None:
    judged = check_formula(formula)
    assert judged.verdict == verdict, judged
    assert verdict == "wrong" or "relu" in judged.condition


@pytest.mark.parametrize(
    ("formula", "penalty"),
    [
        ("dJ/dW[l] = 1/m * dZ[l] @ A[l-1].T + lambda*W[l]", "(lambda/2)"),
        ("dW[2] = 1/m * dZ[2] @ A[1].T + lambda/m * W[2]", "(lambda/(2 m))"),
        ("dW[2] = 1/m * dZ[2] @ A[1].T + 2*lambda*W[2]", "lambda ‖"),
        ("W[l] <- W[l] - alpha*(dW[l] + lambda*W[l])", "(lambda/2)"),
        ("W[l] <- (1 - eta*lambda)*W[l] - eta*dW[l]", "(lambda/2)"),
        ("W1 = W1 - lr*(dW1 + reg*W1)", "(reg/2)"),
        ("J = 1/m * sum_{i=1}^m L(i) + lambda/2 * sum_{l=1}^L ||W[l]||^2", "(lambda/2)"),
    ],
)
def test_weight_decay_is_right_if_the_cost_has_the_penalty(formula: str, penalty: str) -> None:
    judged = check_formula(formula, *DEEP, place="parameters")
    assert judged.verdict == "right if", judged
    assert f"the cost has the penalty {penalty}" in judged.condition


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("dW[2] = 1/m * dZ[2] @ A[1].T - lambda/m * W[2]", "sign"),
        ("W[l] <- W[l] - alpha*(dW[l] - lambda*W[l])", "sign"),
        ("dW[2] = 1/m * dZ[2] @ A[1].T + lambda*dW[2]", "gradient-used-for-weight"),
        ("db[2] = 1/m * sum(dZ[2], axis=1, keepdims=True) + lambda*b[2]", "other"),
    ],
)
def test_a_wrong_penalty_is_named(formula: str, cause: str) -> None:
    judged = check_formula(formula, *DEEP, place="parameters")
    assert judged.verdict == "wrong", judged
    assert judged.cause == cause, judged


def test_another_penalty_is_not_called_wrong() -> None:
    """An L1 penalty, say: nobody knows what λ scales."""
    judged = check_formula("dW[2] = 1/m * dZ[2] @ A[1].T + lambda*sign(W[2])", *DEEP, place="parameters")
    assert judged.verdict == "cannot tell", judged


def test_targets_may_be_one_hot() -> None:
    judged = check_formula("L = -ln(sum_k y_k * yhat_k)", "4-3:softmax", "cross_entropy", samples="one")
    assert judged.verdict == "right if", judged
    assert "one-hot" in judged.condition
    assert check_formula("L = ln(sum_k y_k * yhat_k)", "4-3:softmax", "cross_entropy", samples="one").verdict == "wrong"


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\mathrm{relu}(x) = x", "wrong"),
        ("x = abs(x)", "wrong"),
        (r"\tanh |x| = \tanh x", "wrong"),
        (r"\max(x, 0) - \min(x, 0) = x", "wrong"),
        (r"\max(x, 0) + \min(x, 0) = x", "right"),
        (r"\sqrt{x^2} = x", "right if"),
        (r"\sqrt{x^2} = |x|", "right"),
        (r"\frac{d}{dx} \ln x = \frac{1}{x}", "right"),
        (r"\ln(a b) = \ln a + \ln b", "right"),
        ("tanh'(x) = 1/cosh(x)^2", "right"),
        ("cosh(x)^2 + sinh(x)^2 = 1", "wrong"),
        (r"\max_x \sigma'(x) = \frac14", "cannot tell"),
    ],
)
def test_identities_hold_for_numbers_of_either_sign(formula: str, verdict: str) -> None:
    judged = check_formula(formula)
    assert judged.verdict == verdict, judged


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("f'(x) ≈ (f(x + h) - f(x)) / h", "right"),
        ("f'(x) ≈ (f(x + h) - f(x - h)) / (2*h)", "right"),
        ("f''(x) ≈ (f(x + h) - 2*f(x) + f(x - h)) / h^2", "right"),
        ("f(x + h) ≈ f(x) + h*f'(x)", "right"),
        ("f(x + h) ≈ f(x) + h*f'(x) + h^2/2*f''(x)", "right"),
        ("f(x + h) ≈ f(x) - h*f'(x)", "wrong"),
        ("f(x + h) ≈ (f(x) - h*f'(x)).T", "wrong"),
        ("sum(f(x + h)) ≈ sum(f(x) - h*f'(x))", "wrong"),
        ("sum(f(x + h)) ≈ sum(f(x) + h*f'(x))", "right"),
        ("sqrt((f(x + h) - f(x))^2) ≈ sqrt((h*f(x))^2)", "wrong"),
        ("exp(h) ≈ 1 - h", "wrong"),
        ("log(1 + h) ≈ h^2", "wrong"),
        ("log(1 + h) ≈ h", "right"),
        ("f(x + h) ≈ f(x) + h*f'(x) + h^2*f''(x)", "wrong"),
        ("f'(x) ≈ (f(x + h) - f(x - h)) / h", "wrong"),
        ("f'(x) ≈ (f(x + h) + f(x - h)) / (2*h)", "wrong"),
        ("sigmoid(0.5) ≈ 0.62", "right"),
        ("sigmoid(0.5) ≈ 0.63", "wrong"),
        ("sigmoid(-1) = 0.2689", "right"),
        ("sigmoid(-1) = 0.2698", "wrong"),
        ("sigmoid'(0) = 0.5", "wrong"),
        ("-ln(0.7) = -0.3567", "wrong"),
    ],
)
def test_an_approximation_states_how_fast_its_sides_meet(formula: str, verdict: str) -> None:
    judged = check_formula(formula)
    assert judged.verdict == verdict, judged


@pytest.mark.parametrize("formula", ["m = 7", "dW[1] = 1/7 * dZ[1] @ X.T", "n_1 = 5"])
def test_no_number_stands_for_a_size(formula: str) -> None:
    """The worlds have several widths and several numbers of samples."""
    assert check_formula(formula, "3-4:tanh-2", "quadratic", place="parameters").verdict == "wrong"


@pytest.mark.parametrize(
    ("formula", "condition"),
    [
        (r"dz^{[l]} = W^{[l+1]T} dz^{[l+1]} g^{[l]\prime}(z^{[l]})", "entry by entry"),
        (r"dz^{[l]} = W^{[l+1]T} \cdot dz^{[l+1]} * g^{[l]\prime}(z^{[l]})", "the matrix product is taken before *"),
    ],
)
def test_signs_that_say_too_little_are_conditions(formula: str, condition: str) -> None:
    judged = check_formula(formula, *DEEP)
    assert judged.verdict == "right if", judged
    assert condition in judged.condition


@pytest.mark.parametrize(
    ("formula", "samples"),
    [
        (r"dZ^{[l]} = dA^{[l]} \times g^{[l]\prime}(Z^{[l]})", "batch"),
        (r"a_k^{[l]} = g^{[l]}(z_k^{[l]})", "batch"),
        (r"\frac{\partial z_k^{[l]}}{\partial b_i^{[l]}} = \delta_{ki}", "one"),
        (r"\frac{\partial J}{\partial b^{[l]}} = \frac{1}{m} dZ^{[l]} \mathbf{1}", "batch"),
    ],
)
def test_right_for_every_network(formula: str, samples: str) -> None:
    judged = check_formula(formula, samples=samples, place="parameters")  # type: ignore[arg-type]
    assert judged.verdict == "right", judged


def test_a_function_that_names_no_layer_may_be_the_activation() -> None:
    """Where it has a value the formula holds, so no soft-max of one number makes it wrong."""
    letters = Letters(layer="superscript", rename={"sigma": "g[l]"})
    judged = check_formula(r"a^l_j = \sigma\left(\sum_k w^l_{jk} a^{l-1}_k + b^l_j\right)", letters=letters)
    assert judged.verdict == "right", judged


@pytest.mark.parametrize("formula", ["dL/dw[L] = a[L-1]*sigma.prime(z[L])*2*(a[L]-y)", "dz[L]/da[L-1] = w[L]"])
def test_one_unit_in_each_layer_has_no_layout(formula: str) -> None:
    judged = check_formula(formula, "1-1:sigmoid-1:sigmoid", "sum_of_squares", samples="one")
    assert judged.verdict == "right", judged


Q = ("3-4:sigmoid-2:sigmoid", "quadratic")


@pytest.mark.parametrize(
    ("formula", "cause", "correction"),
    [
        ("dz[2] = -(y - a[2])", "missing-activation-derivative", "dz[2] = -(y - a[2]) * g[2].prime(z[2])"),
        ("z[l] = W[l-1] @ a[l-1] + b[l-1]", "wrong-layer-index", "z[l] = W[l] @ a[l-1] + b[l]"),
        ("dL/dW[2] = dz[1] @ a[2].T", "wrong-layer-index", "dL/dW[2] = dz[2] @ a[1].T"),
        ("W[1] <- dJ/dW[1] - alpha*W[1]", "operands-swapped", "W[1] <- W[1] - alpha * dJ/dW[1]"),
        ("W[1] <- -alpha*dJ/dW[1]", "other", "W[1] <- W[1] - alpha * dJ/dW[1]"),
        ("W[1] <- W[1] - alpha*db[1]", "wrong-operand", "W[1] <- W[1] - alpha * dW[1]"),
        ("dL/dW[1][j,i] = dz[1][i]*x[j]", "missing-transpose", ""),
        ("dL/dW[1][j,i] = dz[1][j]*a[1][j]", "wrong-operand", "dL/dW[1][j, i] = dz[1][j] * a[0][i]"),
        ("dz[2][k]/dx[i] = sum_j W[2][k,j]*W[1][j,i]", "missing-activation-derivative", ""),
        ("dz[1][j] = (sum_k dz[2][k]*W[2][k,j])*(1-a[1][j])", "missing-activation-derivative", ""),
        ("dz[1][j] = (sum_j dz[2][k]*W[2][k,j])*g[1].prime(z[1][j])", "wrong-index", ""),
        ("a[2] = 1/(1+exp(-a[1]))", "wrong-operand", "a[2] = 1 / (1 + exp(-z[2]))"),
    ],
)
def test_mistakes_of_one_slip_are_one_mistake(formula: str, cause: str, correction: str) -> None:
    """A slip that is written several times, a letter with its index, a factor that is missing behind a minus."""
    judged = check_formula(formula, *Q, samples="one")
    assert judged.verdict == "wrong", judged
    assert cause in {judged.cause, *(other[0].cause for other in judged.others)}, judged
    assert not correction or judged.correction == correction, judged


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("dW[l] = dZ[l] @ W[l].T", {"wrong-operand", "missing-1/m"}),
        ("dJ/dW[2] = -dZ[2] @ A[1].T", {"sign", "missing-1/m"}),
        ("dZ[l] = dA[l] * A[l] * (1 - A[l-1])", {"wrong-layer-index"}),
        ("A[1] = minimum(0, Z[1])", {"other"}),
        ("dz[l][i] = sum_k dz[l+1][k]*W[l][i,k]*g[l](z[l][i])",
         {"missing-transpose", "function-used-for-derivative", "wrong-layer-index"}),
    ],
)  # fmt: skip
def test_several_slips_are_named_together(formula: str, cause: set[str]) -> None:
    network = "3-4:relu-2" if "minimum" in formula else None
    judged = check_formula(formula, network, place="parameters")
    assert {c.cause for c in judged.causes} == cause, judged


@pytest.mark.parametrize(
    ("formula", "correction"),
    [
        ("yhat_k = exp(z_k) / exp(sum_j z_j)", "yhat[k] = exp(z[k]) / (sum_j exp(z[j]))"),
        ("yhat_k = exp(z_k) / sum_j z_j", "yhat[k] = exp(z[k]) / (sum_j exp(z[j]))"),
        ("dyhat_k/dz_j = yhat_k * (1 - yhat_j)", "dyhat[k]/dz[j] = yhat[k] * (delta[k, j] - yhat[j])"),
    ],
)
def test_mistakes_of_the_soft_max_are_named(formula: str, correction: str) -> None:
    judged = check_formula(formula, "4-3:softmax", "cross_entropy", samples="one")
    assert judged.correction == correction, judged


def test_letters_of_a_document_are_exchanged_as_they_are() -> None:
    """`δ_i` is da[i-1] and `ε_i` is dz[i]: one letter for the other is one mistake."""
    letters = Letters("subscript", "superscript", {"a_i": "z[i]", "epsilon_i": "dz[i]", "delta_i": "da[i-1]"})
    judged = check_formula(r"\frac{\partial L}{\partial b_i} = \delta_i", letters=letters, samples="one")
    assert judged.cause == "wrong-operand", judged
    assert judged.correction == "dL/db[i] = dz[i]"


@pytest.mark.parametrize(
    ("formula", "network", "loss"),
    [
        ("dL/dyhat_k = sign(yhat_k - y_k)", "3-4:tanh-2", "absolute"),
        ("yhat = ln(1 + exp(z))", "4-1:sigmoid", "binary_cross_entropy"),
        ("dW[2] = 1/m * dZ[2] @ A[1].T + dW[2]", "3-4:tanh-2", "quadratic"),
    ],
)
def test_no_mending_says_nothing(formula: str, network: str, loss: str) -> None:
    """Neither 0 = 0, nor a left side upside down, nor a left side that stands at the right again."""
    judged = check_formula(formula, network, loss)
    assert judged.verdict == "wrong", judged
    left, _, right = judged.correction.partition(" = ")
    assert left in ("", formula.partition(" = ")[0].replace("_k", "[k]")), judged
    assert "Yhat" not in right, judged
    assert "dW" not in right, judged


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("W1 = W1 - 0.1 * dW1", ""),
        ("W1 = W1 + 0.1 * dW1", "sign"),
        ("W1 = W1 - 0.1/m * dW1", "doubled-1/m"),
        ("W2 = W1 - alpha * dW2", "wrong-layer-index"),
        ("Z[l] = W[l-1] @ A[l] + b[l]", "wrong-layer-index"),
        ("dZ[l] = g[l].prime(Z[l])", "other"),
        ("dW[2] = 1/m * dZ[2] @ W[1].T", "wrong-operand"),
    ],
)
def test_more_slips(formula: str, cause: str) -> None:
    """A learning rate may be a number; a missing factor and two exchanged layers are one mistake each."""
    judged = check_formula(formula, *DEEP, place="parameters")
    assert judged.verdict == ("wrong" if cause else "right"), judged
    assert judged.cause == cause, judged


@pytest.mark.parametrize("formula", ["Y = one_hot(Y)", "A[1] = squash(Z[1])", "dZ[2] = dA[2] * squash(Z[2])"])
def test_what_an_unknown_function_does_is_not_told(formula: str) -> None:
    judged = check_formula(formula, *DEEP)
    assert judged.verdict == "cannot tell", judged
    assert "not defined" in judged.note


def test_a_quantity_before_parentheses_is_a_factor() -> None:
    letters = Letters(rename={"delta_2": "da[1]", "delta_3": "dz[1]", "h": "a[1]"})
    network, loss = "3-4:sigmoid-2:softmax", "cross_entropy"
    right = check_formula(r"\delta_3 = \delta_2 \circ h (1 - h)", network, loss, letters=letters, rows=True)
    assert right.verdict == "right if", right
    wrong = check_formula(r"\delta_3 = \delta_2 \circ h (1 + h)", network, loss, letters=letters, rows=True)
    assert wrong.cause == "sign", wrong


def test_numbers_behind_w_and_x_count_components() -> None:
    judged = check_formula("z = w1*x1 + w2*x2 + w3*x3 + b", "3-1:sigmoid", "quadratic", samples="one")
    assert judged.verdict == "right", judged
    assert check_formula("dz/dw1 = x2", "3-1:sigmoid", "quadratic", samples="one").verdict == "wrong"


def test_code_says_what_it_computes() -> None:
    """An exponent behind brackets belongs to them, and a column times a row is every product."""
    network, loss = "3-4:sigmoid-2:sigmoid", "quadratic"
    assert check_formula("J = 0.5 * np.mean(A2 - Y)**2", network, loss, syntax="code").verdict == "wrong"
    assert check_formula("dW2 = dz2 * a1.T", network, loss, syntax="code", samples="one").verdict == "right"


CLASSES = {"network": "4-5:tanh-3:softmax", "loss": "cross_entropy"}


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\sum_k dz_k^{[2]} = 0", "right"),
        (r"\sum_k (\hat y_k - y_k) = 0", "right"),
        (r"\mathbf{1}^T (\hat{\mathbf y} - \mathbf y) = 0", "right"),
        (r"\sum_k \frac{\partial \hat y_k}{\partial z_j^{[2]}} = 0", "right"),
        (r"(\operatorname{diag}(\hat y) - \hat y \hat y^T) \mathbf 1 = 0", "right"),
        (r"\mathbf 1^T dz^{[2]} = 0", "right"),
        (r"\mathbf{1}^T \hat y = \mathbf{1}^T", "right"),
        (r"\sum_k z_k^{[2]} = 0", "wrong"),
        (r"\sum_k (\hat y_k + y_k) = 0", "wrong"),
        (r"\sum_k dz_k^{[1]} = 0", "wrong"),
        (r"\mathbf 1^T z^{[2]} = 0", "wrong"),
        (r"\mathbf{1}^T z^{[2]} = \mathbf{1}^T", "wrong"),
    ],
)
def test_sums_that_vanish_are_measured_by_what_is_added(formula: str, verdict: str) -> None:
    assert check_formula(formula, samples="one", **CLASSES).verdict == verdict


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\nabla_{a^{[l-1]}} L = W^{[l]T} \nabla_{z^{[l]}} L", "right"),
        (r"\nabla_{z^{[l]}} L = (\frac{\partial z^{[l+1]}}{\partial z^{[l]}})^T \nabla_{z^{[l+1]}} L", "right"),
        (r"\frac{\partial L}{\partial a^{[l-1]}} = \frac{\partial L}{\partial z^{[l]}} W^{[l]}", "right"),
        (r"\nabla_{a^{[l-1]}} L = W^{[l]} \nabla_{z^{[l]}} L", "wrong"),
        (r"\frac{\partial L}{\partial a^{[l-1]}} = W^{[l]T} \frac{\partial L}{\partial z^{[l]}}", "wrong"),
    ],
)
def test_nabla_is_a_column_in_numerator_layout(formula: str, verdict: str) -> None:
    found = check_formula(
        formula, network="3-5:tanh-4:sigmoid-2:tanh", loss="quadratic", samples="one", layout="numerator"
    )
    assert found.verdict == verdict


@pytest.mark.parametrize("formula", [r"L = |y - \hat y|", r"L = \max(0, 1 - y z)", r"L = \sum_k |y_k - \hat y_k|^3"])
def test_a_loss_of_its_own_is_no_slip_in_another(formula: str) -> None:
    assert check_formula(formula).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("dz1 = (dz2 @ W2) * (1 - a1**2)", "right if"),  # vectors of one axis
        ("dz1 = (W2.T @ dz2) * (1 - a1**2)", "right"),
        ("dz1 = (W2 @ dz2) * (1 - a1**2)", "wrong"),
    ],
)
def test_vectors_of_one_axis_in_a_program(formula: str, verdict: str) -> None:
    found = check_formula(formula, network="3-4:tanh-2:sigmoid", loss="binary_cross_entropy", samples="one")
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"z = w^T x + b", "right"),
        (r"\frac{\partial L}{\partial w} = (a - y) x", "right"),
        (r"\frac{\partial L}{\partial w} = (y - a) x", "wrong"),
        (r"\frac{\partial L}{\partial w} = (a - y) w", "wrong"),
    ],
)
def test_small_weights_of_a_declared_unit_are_a_column(formula: str, verdict: str) -> None:
    letters = Letters(rename={"w": "W[1]", "b": "b[1]", "z": "z[1]", "a": "a[1]"})
    found = check_formula(formula, network="3-1:sigmoid", loss="binary_cross_entropy", samples="one", letters=letters)
    assert found.verdict == verdict
