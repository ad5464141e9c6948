"""Links of the chain rule that are left out, mistakes beside a sum or a displayed matrix, and what stays untold."""

from __future__ import annotations

from typing import Any

import pytest

from chainrule.errors import ConfigurationError
from chainrule.judge.judge import check_formula
from chainrule.judge.verdict import Declared
from chainrule.notation.read import read

DEEP = "3-5:tanh-4:sigmoid-2:tanh"
UNIT = ("3-1:sigmoid", "binary_cross_entropy")


@pytest.mark.parametrize(
    "formula",
    [
        r"\frac{d}{dx} \ln(1 + x^2) = \frac{1}{1 + x^2}",
        r"\frac{d}{dx} \sin(x^2) = \cos(x^2)",
        r"\frac{d}{dx} (3x + 1)^2 = 2 (3x + 1)",
        r"\frac{d}{dx} \ln g(x) = \frac{1}{g(x)}",
        r"\frac{d}{dx} f(g(x)) = f'(g(x))",
        r"\sigma'(z) = \sigma(z)",
    ],
)
def test_a_forgotten_inner_derivative_is_named(formula: str) -> None:
    judged = check_formula(formula, "none")
    assert judged.cause == "missing-activation-derivative", judged
    assert "is missing" in judged.causes[0].words


def test_the_inner_derivative_of_what_the_text_defines() -> None:
    judged = check_formula("df/dx = 1/(2*sqrt(1 + x^2))", "none", definitions=["f(x) = sqrt(1 + x^2)"])
    assert judged.cause == "missing-activation-derivative", judged


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("dC/dW[3] = dC/da[3] * dz[3]/dW[3]", "missing-activation-derivative"),
        ("dL/db[l][i] = dL/da[l][i]", "missing-activation-derivative"),
        ("db[l] = 1/m * sum(W[l+1].T @ dZ[l+1], axis=1, keepdims=True)", "missing-activation-derivative"),
        ("dC/dW[l] = 1/m * dL/dZ[l] @ (dL/dA[l-1]).T", "wrong-operand"),
        ("dz[l] = dL/dz[l-1]", "wrong-layer-index"),
        ("dW[l] = 2*dC/dW[l]", "factor-2"),
        ("dW[l] := 2*dC/dW[l]", "factor-2"),
        ("W[l] = W[l] - alpha + dJ/dW[l]", "product-vs-sum"),
        ("A[L] = g[L](Z[L]) = Y", "wrong-operand"),
        ("dz[l][i] = W[l+1][i,:] @ dz[l+1] * g[l].prime(z[l][i])", "missing-transpose"),
        (r"da^{[l-1]} = W^{[l-1]T} \cdot dz^{[l]}", "wrong-layer-index"),
    ],
)
def test_links_and_letters_of_gradients(formula: str, cause: str) -> None:
    judged = check_formula(formula, DEEP, place="parameters")
    assert judged.cause == cause, judged
    assert check_formula(judged.correction, DEEP, place="parameters").verdict in ("right", "right if"), judged


@pytest.mark.parametrize(
    ("formula", "causes"),
    [
        ("dL/da = -(1-y)/a + y/(1-a)", ("operands-swapped",)),
        ("L = -(y*ln(a) + y*ln(1-a))", ("wrong-operand",)),
        ("dL/da = -(y*ln(a) + (1-y)*ln(1-a))", ("function-used-for-derivative",)),
        ("dL/da = y*ln(a) + (1-y)*ln(1-a)", ("function-used-for-derivative", "sign")),
        ("dL/dz = -((y*(1-a) + a*1 - y)/(a*(1-a))) * a*(1-a)", ("missing-parentheses", "sign")),
        ("da/dz = a", ("missing-activation-derivative",)),
        ("dz/db = b", ("other",)),
    ],
)
def test_mistakes_of_one_unit(formula: str, causes: tuple[str, ...]) -> None:
    judged = check_formula(formula, *UNIT, samples="one")
    assert tuple(x.cause for x in judged.causes) == causes, judged
    assert check_formula(judged.correction, *UNIT, samples="one").verdict == "right", judged


def test_a_penalty_that_was_declared_and_left_out() -> None:
    letter = read("lambda/m")[0].equation.sides[0]
    declared = Declared("", DEEP, place="parameters", conventions={"penalty": letter}, free=("lambda",))
    judged = check_formula("dW[l] = 1/m * dZ[l] @ A[l-1].T", readings=[declared])
    assert judged.cause == "other", judged
    assert "lambda" in judged.correction
    assert check_formula(judged.correction, readings=[declared]).verdict == "right", judged


def test_rows_and_columns_of_a_displayed_matrix() -> None:
    """∂L/∂W_ab stands for the matrix; its transpose is displayed."""
    rows = "[dz[1][1]*x[1], ..., dz[1][b]*x[1]], ..., [dz[1][1]*x[a], ..., dz[1][b]*x[a]]"
    judged = check_formula(f"dL/dW[1][a,b] = [{rows}]", "3-5:sigmoid", samples="one")
    assert judged.cause == "missing-transpose", judged


@pytest.mark.parametrize(
    ("formula", "network", "loss", "verdict", "cause"),
    [
        ("dz_2 = a_2 - y", "4-6:sigmoid-3:softmax", "cross_entropy", "right", ""),
        (r"\frac{\partial L}{\partial b_2} = \hat y - y", "4-6:sigmoid-3:softmax", "cross_entropy", "right", ""),
        (r"dz_3 = (a_3 - y) \odot (1 - a_3^2)", DEEP, "quadratic", "right", ""),
        ("a_1 = tanh(z_1)", DEEP, None, "right", ""),
        ("dz_2 = a_1 - y", "4-6:sigmoid-3:softmax", "cross_entropy", "wrong", "wrong-layer-index"),
        (r"\frac{\partial L}{\partial z_2} = \hat y_2 - y_2", "4-6:sigmoid-3:softmax", "cross_entropy", "right", ""),
        (
            r"\frac{\partial L}{\partial z_2} = \hat y_2 + y_2",
            "4-6:sigmoid-3:softmax",
            "cross_entropy",
            "wrong",
            "sign",
        ),
        ("a_2 = g(z_2)", None, None, "right", ""),
        ("a_1 = e^{z_1}/(e^{z_1} + e^{z_2})", None, None, "right if", ""),
    ],
)
def test_numbers_below_small_letters(
    formula: str, network: str | None, loss: str | None, verdict: str, cause: str
) -> None:
    """They are layers where a column stands beside them, entries where numbers do."""
    judged = check_formula(formula, network, loss, samples="one" if network else None)
    assert (judged.verdict, judged.cause) == (verdict, cause), judged


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"Z^{[1]} = X W^{[1]} + \mathbf 1 b^{[1]T}", "right if"),
        (
            r"\frac{\partial J}{\partial b^{[2]}} = \left(\frac{\partial J}{\partial Z^{[2]}}\right)^T \mathbf 1",
            "right if",
        ),
        (
            r"\frac{\partial J}{\partial b^{[2]}} = \left(\frac{\partial J}{\partial Z^{[1]}}\right)^T \mathbf 1",
            "wrong",
        ),
    ],
)
def test_biases_may_be_columns_beside_samples_in_rows(formula: str, verdict: str) -> None:
    judged = check_formula(formula, "5-4:sigmoid-3:softmax", "cross_entropy", rows=True)
    assert judged.verdict == verdict, judged
    assert verdict == "wrong" or "b is a column" in judged.condition


@pytest.mark.parametrize(
    ("formula", "network"),
    [
        (r"\frac{\partial L}{\partial w} = -y x \text{ if } y w^T x < 1", None),
        (r"\frac{\partial L}{\partial w} = -y x \text{ if } y w^T x < 1", DEEP),
        (r"L = (y - \hat y)^4", None),
        ("dw = -y x", None),
        (r"a_j = \sum_i W^{[1]}_{ji} x_i", None),
        ("x_n = f(y_n)", None),
        ("e = y - p", "none"),
        (r"dS = \frac{1}{n} (P - Y)", "none"),
    ],
)
def test_definitions_and_other_losses_are_never_wrong(formula: str, network: str | None) -> None:
    assert check_formula(formula, network).verdict == "cannot tell"


def test_a_program_leaves_the_order_of_products_open_nowhere() -> None:
    judged = check_formula("dA1 = W2.T @ dA2 * g2.prime(Z2)", DEEP, "quadratic", rows=False)
    assert judged.cause == "missing-parentheses", judged


def test_what_names_m_is_not_of_one_sample() -> None:
    readings = [Declared("one", *UNIT, samples="one"), Declared("mean", *UNIT, samples="batch")]
    assert check_formula("dw = 1/m * X (A - Y)", readings=readings).verdict == "wrong"


@pytest.mark.parametrize("arguments", [(5,), (None,), ("a = b", 3), ("a = b", None, 7)])
def test_what_is_no_text_is_refused_in_one_sentence(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="must be text, such as"):
        check_formula(*arguments)
