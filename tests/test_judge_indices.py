"""Indices in formulas without a declared notation: free letters agree, and a letter below may count the samples."""

from __future__ import annotations

import pytest

from chainrule.judge.judge import check_formula

RIGHT = (
    "z_j = sum_i w_ij x_i + b_j",
    "z_j = sum_i w_ji x_i + b_j",
    "z = sum_i w_i x_i + b",
    "dw_j = dz x_j",
    "dw_ij = dz_i x_j",
    "J = 1/n sum_{i=1}^n L(yhat(i), y(i))",
)


@pytest.mark.parametrize("formula", RIGHT)
def test_indices_that_agree(formula: str) -> None:
    """Of a layer: W row by row, or column by column."""
    judged = check_formula(formula)
    assert judged.verdict == "right", judged


# Checked by hand: the free letters of the sides differ, or a letter has two ranges.
WRONG = (
    ("z_j = sum_i w_ij x_i + b_i", "z[j] = sum_i w[i, j] x[i] + b[j]"),
    ("z_i = sum_j w_ij x_j + b_j", "z[i] = sum_j w[i, j] x[j] + b[i]"),
    ("z_j = sum_i w_ij x_j + b_j", "z[j] = sum_i w[i, j] x[i] + b[j]"),
    ("z_j = sum_i w_ij x_i + b", "z[j] = sum_i w[i, j] x[i] + b[j]"),
    ("z = sum_i w_i x_j + b", "z = sum_i w[i] x[i] + b"),
    ("z = sum_i w_i x_i + b_i", "z = sum_i w[i] x[i] + b"),
    ("dw_j = dz x_i", "dw[j] = dz x[j]"),
    ("da_i/dz_i = a*(1-a)", "da[i]/dz[i] = a[i] * (1 - a[i])"),
    ("z[l][j] = sum_k w[l][j,k] a[l-1][k] + b[l]", "z[l][j] = sum_k w[l][j, k] a[l-1][k] + b[l][j]"),
)


@pytest.mark.parametrize(("formula", "mended"), WRONG)
def test_indices_that_do_not_agree(formula: str, mended: str) -> None:
    """An index on one side alone, or on the wrong letter, is named and mended."""
    judged = check_formula(formula)
    assert judged.verdict == "wrong", judged
    assert judged.cause == "wrong-index", judged
    assert judged.correction == mended


@pytest.mark.parametrize("formula", ["dL/db_j = a - y", "dL/dw_j = (a_k - y_k) x_j", "db_j = dz"])
def test_an_index_of_one_side_is_seen_where_it_runs_over_one_value(formula: str) -> None:
    """With one output no number tells that the letter stands on one side alone."""
    assert check_formula(formula).verdict == "wrong"


SAMPLES = (
    "yhat_i = w x_i + b",
    "J = 1/m sum_i (y_i - yhat_i)^2",
    "J = 1/n sum_{i=1}^n (w^T x_i + b - y_i)^2",
    "dJ/dw_j = 1/m sum_i (yhat_i - y_i) x_ij",
    "dJ/dw = 2/n sum_{i=1}^n (w^T x_i + b - y_i) x_i",
    "dJ/db = 1/m sum_i (yhat_i - y_i)",
)


@pytest.mark.parametrize("formula", SAMPLES)
def test_a_letter_below_that_counts_the_samples(formula: str) -> None:
    """ŷ_i = w x_i + b is about the sample i; nobody means that there is one sample."""
    judged = check_formula(formula)
    assert judged.verdict == "right if", judged
    assert "one sample" not in judged.condition
    assert judged.reading.count("(i)") > 0


def test_a_mistake_in_a_formula_of_samples_is_shown_in_its_letters() -> None:
    """n stays n."""
    judged = check_formula("dJ/dw = -2/n sum_{i=1}^n (w^T x_i + b - y_i) x_i")
    assert judged.cause == "sign"
    assert judged.correction == "dJ/dw = 2/n (sum_{i=1}^{n} (w.T x(i) + b - y(i)) x(i))"


def test_the_soft_max_needs_two_indices() -> None:
    """∂a_i/∂z_j with i ≠ j: its Jacobian is no diagonal matrix."""
    right = check_formula("da_i/dz_j = a_i (delta_ij - a_j)")
    assert right.verdict == "right if"
    assert "softmax" in right.condition
    assert check_formula("da_i/dz_j = a_i (1 - a_j)").verdict == "wrong"


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("dJ/dw = 2/m X^T (X w - y)", "right if"),
        ("dJ/dw = -2/m X^T (X w - y)", "wrong"),
        ("J = 1/m ||X w - y||^2", "right if"),
        ("dW[l] = 1/m * dz[l] @ a[l-1].T", "right if"),
        ("dW[1] = dZ[1] @ X.T", "right if"),
    ],
)
def test_small_letters_for_all_samples(formula: str, verdict: str) -> None:
    """X w - y: samples are rows, y is a column of m numbers, b = 0."""
    assert check_formula(formula).verdict == verdict


@pytest.mark.parametrize(
    "formula",
    [
        "W[1] <- W[1] - eta dL/dW[1]",
        "w <- w - eta dL/dw",
        "b = b - alpha dL/db",
        "W[l] <- W[l] - eta * dz[l](i) a[l-1](i).T",
    ],
)
def test_a_step_for_one_sample_is_a_step(formula: str) -> None:
    """Stochastic descent goes by the loss of one sample."""
    assert check_formula(formula).verdict == "right"


def test_a_wrong_step_for_one_sample_keeps_its_letters() -> None:
    """L is not shown as J."""
    judged = check_formula("W[1] <- W[1] + eta dL/dW[1]")
    assert judged.cause == "sign"
    assert judged.correction == "W[1] <- W[1] - eta dL/dW[1]"


@pytest.mark.parametrize("formula", ["dL/dx = W dL/dz", "dL/dW_{ij} = dL/dz_j x_i"])
def test_matrices_are_no_numbers(formula: str) -> None:
    """A capital letter is a matrix: without its transpose it is wrong."""
    assert check_formula(formula).verdict == "wrong"
