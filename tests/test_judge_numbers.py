"""Worked numbers are right within the digits that were printed; a wrong one is told with the right value."""

from __future__ import annotations

import pytest

from chainrule.judge.judge import check_formula

# Worked by hand: σ(0.8) = 0.68997, σ'(2) = 0.10499, 0.69 · 0.31 = 0.2139, tanh(1) = 0.76159.
RIGHT = (
    "0.69*(1-0.69) = 0.2139",
    "0.69*(1-0.69) = 0.69*0.31 = 0.2139",
    "sigma(0.8) ≈ 0.69",
    "sigma(0.8) ≈ 0.7",
    "sigma'(2) = 0.105",
    "sigma(0.8)*(1-sigma(0.8)) = 0.69*0.31 = 0.21",
    "0.547134 * 0.188925 * 0.627148 = 0.064827",
    "1/2*(0.2 - 0.747134)^2 = 1/2 * 0.299356 = 0.149678",
    "max(0, -1.5) = 0",
    "1 - 0.7616^2 = 0.42",
    "1/3 = 0.33",
    "sqrt(2) = 1.41",
    "exp(10) = 22026.47",
    "p(1-p) = 0.69*0.31 = 0.2139",
    "E = 1/2*(0.3026 - 1)^2 = 0.2432",
)


@pytest.mark.parametrize("formula", RIGHT)
def test_right_numbers(formula: str) -> None:
    """To the last printed digit; whoever went on with unrounded numbers may be off by one there."""
    judged = check_formula(formula)
    assert judged.verdict == "right", judged


WRONG = (
    ("sigma'(2) = 0.15", "0.105"),
    ("0.69*(1-0.69) = 0.2239", "0.2139"),
    ("0.69*(1-0.69) = 0.2150", "0.214"),
    ("sigma(0.8) = 0.68", "0.69"),
    ("sqrt(2) = 1.42", "1.41"),
    ("exp(0) = 0", "1"),
    ("2 + 3 = 6", "5"),
    ("sigma'(0) = 0.5", "0.25"),
    ("E = 1/2*(0.3026 - 1)^2 = 0.4863", "0.2432"),
    ("sigma(0.8)*(1-sigma(0.8)) = 0.69*0.35 = 0.2415", "0.214"),
    ("0.547134 * 0.188925 * 0.627148 = 0.064927", "0.064827"),
)


@pytest.mark.parametrize(("formula", "value"), WRONG)
def test_wrong_numbers(formula: str, value: str) -> None:
    """The right value is told; no number is changed to make a rounded one fit."""
    judged = check_formula(formula)
    assert judged.verdict == "wrong", judged
    assert judged.cause == "wrong-number"
    assert judged.causes[0].wanted == value
    assert len(judged.causes) == 1


def test_letters_beside_a_printed_number_are_judged_without_it() -> None:
    """The number of an example says nothing of random networks."""
    assert check_formula("dL/dw = 0.0824").verdict == "cannot tell"
    assert check_formula("a = sigma(z) = 0.73").verdict == "right if"
    assert check_formula("sigma.prime(z) = sigma(z)*(1-sigma(z)) = 0.21").verdict == "right"
    assert check_formula("sigma.prime(z) = sigma(z)*(1+sigma(z)) = 0.21").verdict == "wrong"


@pytest.mark.parametrize(("formula", "verdict"), [("dz/db = 1", "right"), ("dz/db = 0", "wrong")])
def test_whole_numbers_may_be_a_law(formula: str, verdict: str) -> None:
    """1 is no rounded number."""
    assert check_formula(formula).verdict == verdict


def test_numbers_of_the_network_that_was_given() -> None:
    """1/3 is one over the number of outputs."""
    judged = check_formula("dA[2] = 2/3*(A[2]-Y)", "3-5-3:tanh", "mean_squared")
    assert judged.verdict == "right"
