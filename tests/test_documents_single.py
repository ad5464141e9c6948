"""One formula by itself, through the public door: as it is, and as a document of one line."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.judge import check_formula as alone
from chainrule.notation.letters import Letters

DEEP = {"network": "3-4:tanh-2:softmax", "loss": "cross_entropy"}


DELTA = r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j"
BACK = r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)"
SLIP = r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)"


@pytest.mark.parametrize(
    ("text", "network", "verdicts"),
    [
        ("accuracy = (TP + TN) / (TP + TN + FP + FN)", None, ["right"]),
        ("precision = TP / (TP + FN)", "3-4:tanh-2:softmax", ["wrong"]),
        (DELTA, None, ["right", "right if"]),
        (BACK, "3-4:tanh-5:tanh-2:softmax", ["right", "right if"]),
        (SLIP, "3-4:tanh-5:tanh-2:softmax", ["wrong"]),
    ],
)
def test_what_only_documents_know_is_told(text: str, network: str | None, verdicts: list[str]) -> None:
    loss = None if network is None else "cross_entropy"
    assert alone(text, network, loss).verdict not in verdicts  # else this formula tests nothing
    found = cr.check_formula(text, network, loss)
    assert found.verdict in verdicts
    assert found.text == text


@pytest.mark.parametrize("text", ["dW[2] = 1/m * dZ[2] @ A[1].T", "dW[2] = 1/m * dZ[2] @ A[2].T", "q = 3 * p"])
def test_what_is_told_already_stays(text: str) -> None:
    assert cr.check_formula(text, **DEEP).verdict == alone(text, **DEEP).verdict


def test_what_is_declared_is_not_guessed_over() -> None:
    text = "v_i = W_ij u_j + c_i"
    declared = cr.check_formula(text, letters=Letters(rename={"v_i": "z[1][i]"}))
    assert declared == alone(text, letters=Letters(rename={"v_i": "z[1][i]"}))


def test_a_formula_is_never_judged_by_a_part_of_it() -> None:
    found = cr.check_formula("accuracy = (TP + TN) / (TP + TN + FP + FN) and so on @@ 3")
    assert found.verdict == "cannot tell"


def test_what_one_line_leaves_open_is_not_called_wrong() -> None:
    # Right where samples are rows; a document of one line would take the small letters for one sample.
    assert cr.check_formula("dW2 = np.einsum('ni,nj->ij', a1, dz2)", **DEEP).verdict != "wrong"


def test_long_text_is_not_read_twice() -> None:
    assert cr.check_formula("q = " + " + ".join(["p"] * 2000)).verdict == "cannot tell"


def test_log_sum_exp_is_known() -> None:
    right = cr.check_formula("A[2] = exp(Z[2] - lse(Z[2], axis=0))", **DEEP)
    wrong = cr.check_formula("A[2] = exp(Z[2] + lse(Z[2], axis=0))", **DEEP)
    assert (right.verdict, wrong.verdict, wrong.cause) == ("right", "wrong", "sign")
    x = np.array([0.3, -1.2])
    number = float(np.log(np.exp(x).sum()))
    assert cr.check_formula(f"ln(exp(0.3) + exp(-1.2)) = {number:.4f}").verdict == "right"


def test_hyperbolic_functions_beside_tanh() -> None:
    assert cr.check_formula(r"\frac{d}{dx}\tanh x = \operatorname{sech}^2 x").verdict == "right"
    assert cr.check_formula(r"\frac{d}{dx}\tanh x = \operatorname{sech} x").verdict == "wrong"
