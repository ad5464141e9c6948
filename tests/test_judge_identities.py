"""Identities of matrices, limits, losses with a name, inequalities, and letters of which nobody says what they are."""

from __future__ import annotations

import pytest

from chainrule.judge.judge import check_formula
from chainrule.judge.verdict import Declared

RIGHT = (
    "(P @ Q).T = Q.T @ P.T",
    "tr(A B) = tr(B A)",
    "d/dx (x^T A x) = (A + A^T) x",
    "d/dx (a^T x) = a",
    "d/dx (A x) = A",
    "d/dx ||A x - b||^2 = 2 A^T (A x - b)",
    "d/dA (x^T A x) = x x^T",
    "outer(u, v) w = u (v^T w)",
    "u^T v = sum_i u_i v_i",
    "P Q != Q P",
    "sum_i softmax(z)_i = 1",
    "CE(y, yhat) = -sum_i y_i ln(yhat_i)",
    "tanh' = 1 - tanh^2",
    "dσ/dz = σ(1-σ)",
)


@pytest.mark.parametrize("formula", RIGHT)
def test_identities(formula: str) -> None:
    """The matrix cookbook (Petersen & Pedersen), in the layout of columns."""
    judged = check_formula(formula)
    assert (judged.verdict, judged.condition) == ("right", ""), judged


WRONG = (
    ("(P Q)^T = P^T Q^T", "operands-swapped"),
    ("d/dx ||A x - b||^2 = 2 A (A x - b)", "missing-transpose"),
    ("CE(y, yhat) = sum_i y_i ln(yhat_i)", "sign"),
    ("W @ X != W @ X", "not named"),
    ("2 * W[1] @ X != W[1] @ X + W[1] @ X", "not named"),
    ("σ' = σ(1+σ)", "sign"),
)


@pytest.mark.parametrize(("formula", "cause"), WRONG)
def test_identities_that_do_not_hold(formula: str, cause: str) -> None:
    """Numbers in place of matrices would make the first one true."""
    judged = check_formula(formula)
    assert judged.verdict == "wrong", judged
    assert judged.cause == cause


@pytest.mark.parametrize(
    ("formula", "condition"),
    [
        ("d/dx (x^T A x) = 2 A x", "A is symmetric"),
        ("d/dx (A x) = A^T", "denominator layout"),
        ("d/dx (a^T x) = a^T", "numerator layout"),
        ("z = x @ W + b", "samples are rows"),
        ("z_j = sum_i W_ij x_i + b_j", "stored transposed"),
        ("a = sigmoid(z)", "the activation of the output layer is sigmoid"),
        ("dz = (a-y) a (1-a)", "sigmoid with quadratic"),
    ],
)
def test_conditions(formula: str, condition: str) -> None:
    """What was not said is said in the condition."""
    judged = check_formula(formula)
    assert judged.verdict == "right if", judged
    assert condition in judged.condition


LIMITS = (
    (r"f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}", "right"),
    (r"f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x-h)}{2h}", "right"),
    (r"\frac{df}{dx} = \lim_{\epsilon \to 0} \frac{f(x+\epsilon) - f(x)}{\epsilon}", "right"),
    (r"\lim_{x \to 0} \frac{\sin x}{x} = 1", "right"),
    (r"f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x-h)}{h}", "wrong"),
    (r"f'(x) = \lim_{h \to 0} \frac{f(x) - f(x+h)}{h}", "wrong"),
    (
        r"\frac{\partial L}{\partial W_{ij}^{[l]}} = \lim_{\epsilon \to 0} "
        r"\frac{L(\dots, W_{ij}^{[l]} + \epsilon, \dots) - L(\dots, W_{ij}^{[l]}, \dots)}{\epsilon}",
        "right",
    ),
    (
        r"\frac{\partial L}{\partial W_{ij}^{[l]}} = \lim_{\epsilon \to 0} "
        r"\frac{L(\dots, W_{ij}^{[l]} + \epsilon, \dots) - L(\dots, W_{ij}^{[l]} - \epsilon, \dots)}{\epsilon}",
        "wrong",
    ),
)


@pytest.mark.parametrize(("formula", "verdict"), LIMITS)
def test_limits_of_difference_quotients(formula: str, verdict: str) -> None:
    """The definition of the derivative, for any function and for each weight of a network."""
    assert check_formula(formula, seconds=0.5).verdict == verdict


# A formula, and the only thing that would make it true; empty where nothing known does.
UNKNOWN = (
    ("dp_i/dz_j = p_i (delta_ij - p_j)", "p is the output, and the activation of the output layer is softmax"),
    ("f.prime(x) = 1/x", "f is ln"),
    ("exp(f(x)) = x", ""),
    ("dh/dx = 2x", ""),
    ("f(x) = w^T x + b", ""),
    ("y = w x + b", ""),
    ("y = f(w1*x1 + w2*x2 + b)", ""),
    ("a_j = sum_i w_ji x_i", ""),
    ("R^2 = 1 - SS/ST", ""),
    ("accuracy = (TP + TN) / (TP + TN + FP + FN)", ""),
    ("xhat = (x - mu)/sigma", ""),
    ("W = W - alpha * u / (sqrt(q) + r)", ""),
    ("Z = cache", ""),
)


@pytest.mark.parametrize(("formula", "condition"), UNKNOWN)
def test_what_nobody_defined_is_never_wrong(formula: str, condition: str) -> None:
    """A new name, or any function, makes no formula false: it is right if it means the one thing that it can."""
    judged = check_formula(formula)
    assert (judged.verdict, judged.condition) == ("right if" if condition else "cannot tell", condition), judged
    assert condition or judged.note  # why it cannot be told


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\frac{\partial E}{\partial h} = V^T (r - x)", "right"),
        (r"\frac{\partial E}{\partial V} = (r - x) h^T", "right"),
        (r"\frac{\partial E}{\partial V} = h (r - x)^T", "wrong"),
    ],
)
def test_letters_that_a_document_defines_are_matrices_too(formula: str, verdict: str) -> None:
    """An autoencoder in letters of its own."""
    own = (r"h = \sigma(W x + b)", r"r = V h + c", r"E = \frac12 \|r - x\|^2")
    assert check_formula(formula, syntax="latex", readings=[Declared(definitions=own)]).verdict == verdict


@pytest.mark.parametrize(
    ("formula", "verdict", "cause"),
    [
        ("dL/de_k = e_k", "right", ""),
        ("dL/de_k = -e_k", "wrong", "sign"),
        ("dL/de_k = 2 e_k", "wrong", "factor-2"),
        ("dL/dyhat_k = dL/de_k de_k/dyhat_k", "right", ""),
        ("q(a[1]) = a[1] * (1 - a[1])", "right", ""),
    ],
)
def test_derivatives_by_letters_that_a_document_defines(formula: str, verdict: str, cause: str) -> None:
    """With e = y - ŷ and the loss ½ Σ e²: ∂L/∂e is e, through ŷ."""
    declared = Declared(
        network="3-5:tanh-4:sigmoid", loss="quadratic", definitions=("e_k = y_k - yhat_k", "q(z) = z(1-z)")
    )
    judged = check_formula(formula, readings=[declared])
    assert (judged.verdict, judged.cause) == (verdict, cause), judged


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("dC/dW[2] = (dC/dZ[2]) @ A[1].T", {"place": "dZ", "layout": "denominator"}),
        ("dC/db[2] = 1/m * sum(dL/dZ[2], axis=0, keepdims=True)", {"rows": True, "layout": "denominator"}),
        ("dW[2] = A[1] @ dZ[2]", {"place": "dZ", "layout": "numerator"}),
        ("dA[1] = dZ[2] @ W[2]", {"place": "dZ", "layout": "numerator"}),
        ("W[1] <- W[1] - alpha * dW[1].T", {"place": "dZ", "layout": "numerator"}),
    ],
)
def test_declared_layouts(formula: str, options: dict[str, object]) -> None:
    """Denominator: a derivative has the shape of what it is by, row or column; numerator: of its transpose."""
    judged = check_formula(formula, "2-3:tanh-1:sigmoid", "binary_cross_entropy", **options)  # type: ignore[arg-type]
    assert judged.verdict == "right", judged


def test_a_minus_before_the_penalty() -> None:
    """The sign is wrong, and no parentheses make it right."""
    cost = "-1/m sum_i (y(i) ln(yhat(i)) + (1-y(i)) ln(1-yhat(i)))"
    judged = check_formula(f"J = {cost} - lambda/(2m) sum_l ||W[l]||^2", "3-5:tanh-1:sigmoid", "binary_cross_entropy")
    assert judged.cause == "sign", judged


def test_a_chain_without_its_middle_is_wrong() -> None:
    """It would hold for a linear output alone, of which it says nothing."""
    assert check_formula("dL/dw = dL/da * dz/dw").cause == "missing-activation-derivative"


def test_no_mending_says_nothing() -> None:
    """σ(-z) = σ(-z), y - y and 2 ln(x²) are no mendings."""
    for formula in ("sigma(-z) = -sigma(z)", "J = -np.mean(Y * np.log(A2))"):
        judged = check_formula(formula)
        left, *others = (judged.correction or "x = y").split(" = ")
        assert left not in others, judged
