"""Right formulas are called right, in every writing; hand-written mistakes are named; conditions are said."""

from __future__ import annotations

import time

import pytest

from chainrule.judge.budget import Budget
from chainrule.judge.judge import check_formula
from chainrule.judge.verdict import Declared
from chainrule.notation.letters import Letters

# For every network and loss, samples as columns, 1/m at the parameters. {L} is the last layer by its number.
GENERAL = (
    "Z[l] = W[l] @ A[l-1] + b[l]",
    "A[l] = g[l](Z[l])",
    "A[0] = X",
    "Yhat = A[L]",
    "dW[l] = 1/m * dZ[l] @ A[l-1].T",
    "dW[l] = dZ[l] @ A[l-1].T / m",
    "dW[l] = (A[l-1] @ dZ[l].T).T / m",
    "db[l] = 1/m * sum(dZ[l], axis=1, keepdims=True)",
    "dA[l-1] = W[l].T @ dZ[l]",
    "dA[l] = W[l+1].T @ dZ[l+1]",
    "dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l].prime(Z[l])",
    "dZ[l-1] = (W[l].T @ dZ[l]) * g[l-1].prime(Z[l-1])",
    "W[l] = W[l] - alpha * dW[l]",
    "b[l] = b[l] - alpha * db[l]",
    r"dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T}",
    r"dW^{[l]} = \frac{1}{m} dZ^{[l]} \left(A^{[l-1]}\right)^T",
    r"dA^{[l-1]} = W^{[l]T} dZ^{[l]}",
    r"dZ^{[l]} = \left(W^{[l+1]T} dZ^{[l+1]}\right) \odot g^{[l]\prime}(Z^{[l]})",
    r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}",
    r"W^{[l]} := W^{[l]} - \alpha \, dW^{[l]}",
)
# The same for one sample, in small letters.
SAMPLE = (
    "z[l] = W[l] @ a[l-1] + b[l]",
    "a[l] = g[l](z[l])",
    "dz[l] = (W[l+1].T @ dz[l+1]) * g[l].prime(z[l])",
    "da[l-1] = W[l].T @ dz[l]",
    "dz[l][i] = sum_k dz[l+1][k]*W[l+1][k,i]*g[l].prime(z[l][i])",
    "da[l][i] = sum_j dz[l+1][j] * W[l+1][j,i]",
    "z[l][i] = sum_j W[l][i,j] * a[l-1][j] + b[l][i]",
    r"da^{[l-1]} = W^{[l]T} dz^{[l]}",
    r"\frac{\partial L}{\partial a^{[l-1]}} = W^{[l]T} \frac{\partial L}{\partial z^{[l]}}",
    r"dz^{[l]}_i = \sum_k dz^{[l+1]}_k W^{[l+1]}_{ki} g^{[l]\prime}(z^{[l]}_i)",
)
HIDDEN = ("dZ[1] = dA[1] * g[1].prime(Z[1])", "dZ[2] = g[2].prime(Z[2]) * dA[2]")
MATCHED = ("dZ[L] = A[L] - Y", "dZ[L] = Yhat - Y", "dZ[3] = A[3] - Y", r"dZ^{[L]} = A^{[L]} - Y")
NETWORKS = (
    ("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy", MATCHED),
    ("3-5:sigmoid-4:softplus-1:sigmoid", "binary_cross_entropy", MATCHED),
    ("4-4:relu-3:tanh-2", "quadratic", (*MATCHED, "dA[L] = A[L] - Y")),
    ("4-4:tanh-3:tanh-2:tanh", "quadratic", ("dA[L] = A[L] - Y", "dZ[L] = (A[L] - Y) * (1 - A[L]^2)")),
)
RIGHT = [
    (formula, network, loss)
    for network, loss, special in NETWORKS
    for formula in (*GENERAL, *SAMPLE, *HIDDEN, *special)
]


@pytest.mark.parametrize(("formula", "network", "loss"), RIGHT)
def test_right_formulas_are_right(formula: str, network: str, loss: str) -> None:
    """Every textbook formula, with every pair of activation and loss, in several writings."""
    judged = check_formula(formula, network, loss, place="parameters")
    assert judged.verdict == "right", judged


# One sample: dW is the outer product itself.
ONE_SAMPLE = (
    "dW[l] = outer(dz[l], a[l-1])",
    "dW[l] = dz[l] @ a[l-1].T",
    "dW[l][i,j] = dz[l][i] * a[l-1][j]",
    "db[l] = dz[l]",
)


@pytest.mark.parametrize("formula", ONE_SAMPLE)
def test_one_sample_is_a_condition_unless_declared(formula: str) -> None:
    """dW is a mean over the samples; the outer product is its term."""
    network = "3-5:tanh-4:sigmoid-2:softmax"
    declared = check_formula(formula, network, "cross_entropy", samples="one")
    assert declared.verdict == "right", declared
    open_ = check_formula(formula, network, "cross_entropy")
    assert open_.verdict == "right if", open_
    assert "one sample" in open_.condition


@pytest.mark.parametrize("formula", [*GENERAL[:15], *SAMPLE[:4]])
def test_general_rules_hold_for_any_network(formula: str) -> None:
    """Without a network a formula is tried on several."""
    judged = check_formula(formula, place="parameters")
    assert judged.verdict == "right", judged


LOGISTIC = (
    "z = w.T @ x + b",
    "a = sig(z)",
    "dz = a - y",
    "dL/dz = a - y",
    "da/dz = a*(1-a)",
    "dL/da = -y/a + (1-y)/(1-a)",
    "dL/da = -(y/a - (1-y)/(1-a))",
    "dL/dz = -(y/a - (1-y)/(1-a)) * a*(1-a)",
    "dL/dz = dL/da * da/dz",
    "dL/dw = x*(a - y)",
    "dL/dw = dL/dz * x",
    "L = -(y*ln(a) + (1-y)*ln(1-a))",
    "L = ln(1+exp(z)) - y*z",
    "ln(1-a) = -z - ln(1+exp(-z))",
    "d/db (y*(w*x+b)) = y",
    r"\frac{\partial L}{\partial z} = a - y",
)


@pytest.mark.parametrize("formula", LOGISTIC)
def test_formulas_without_layers_are_about_one_unit(formula: str) -> None:
    """Logistic regression: small letters, no layer."""
    judged = check_formula(formula, loss="binary_cross_entropy")
    assert judged.verdict == "right", judged


@pytest.mark.parametrize(
    "formula",
    [
        "sig.prime(z) = sig(z)*(1-sig(z))",
        "tanh.prime(z) = 1 - tanh(z)^2",
        "exp(a)*exp(b) = exp(a+b)",
        "ln(a) + ln(b) = ln(a*b)",
        "d/dx ln(g(x)) = 1/g(x) * g.prime(x)",
        "sum_k Z[i,k]*A[j,k] = (Z @ A.T)[i,j]",
    ],
)
def test_identities_hold_for_any_numbers(formula: str) -> None:
    """No network is needed for them."""
    assert check_formula(formula).verdict == "right"


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("sig.prime(z) = sig(z)*(1+sig(z))", "sign"),
        ("exp(a) + exp(b) = exp(a+b)", "product-vs-sum"),
        ("dL/dz = -y*(1-a) + a*1 - y", "missing-parentheses"),
        ("dL/da = y/a - (1-y)/(1-a)", "sign"),
        ("L = y*ln(a) + (1-y)*ln(1-a)", "sign"),
        ("(W[2].T @ dz[2]) * g[1].prime(z[1]) = W[2].T @ (dz[2] * g[1].prime(z[1]))", "missing-parentheses"),
    ],
)
def test_wrong_identities_are_named(formula: str, cause: str) -> None:
    """The same search for formulas that are no gradients of a network."""
    judged = check_formula(formula, loss="binary_cross_entropy")
    assert judged.verdict == "wrong", judged
    assert cause in {judged.cause, *(other[0].cause for other in judged.others)}, judged


def test_mistakes_in_threes_are_found() -> None:
    """A line of a published text: the gradient for the weight, the wrong product and the wrong layer."""
    judged = check_formula(
        "dZ[L-1] = dW[L].T @ dZ[L] @ g[L].prime(Z[L-1])", loss="cross_entropy", place="parameters", seconds=2
    )
    assert judged.correction == "dZ[L-1] = W[L].T @ dZ[L] * g[L-1].prime(Z[L-1])", judged


@pytest.mark.parametrize(
    ("formula", "arguments", "words"),
    [
        ("dZ[L] = A[L] - Y", {}, "loss"),
        ("dW[l] = dZ[l] @ A[l-1].T", {"network": "3-4:tanh-4:tanh-2", "loss": "quadratic"}, "1/m"),
        ("b = b - alpha * db[l]", {}, "b[l]"),
        ("db[L] = 1/m * sum(dZ[L], axis=1)", {"place": "parameters"}, "keepdims"),
        ("dW[l] = 1/m * A[l-1].T @ dZ[l]", {"place": "parameters"}, "rows"),
        ("dZ[2] = A[2] - Y", {"loss": "cross_entropy", "place": "parameters"}, "L = 2"),
        ("dz[l] = da[l] . g[l].prime(z[l])", {"network": "3-4:tanh-2:tanh", "loss": "quadratic"}, "entry by entry"),
        ("dZ[l] = dA[l] * g[l].prime(Z[l])", {"network": "3-4:tanh-2:softmax"}, "entry by entry"),
        ("Z = W.T @ X + b", {}, "transposed"),
        ("Z[1] = W[1] @ X", {}, "b = 0"),
    ],
)
def test_conditions_are_said(formula: str, arguments: dict[str, str], words: str) -> None:
    """What holds under a condition is right if that is meant."""
    judged = check_formula(formula, **arguments)  # type: ignore[arg-type]
    assert judged.verdict == "right if", judged
    assert words in judged.condition


DEEP = ("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy")
MISTAKES = (
    ("dW[l] = 1/m * dZ[l] @ A[l].T", "wrong-layer-index"),
    ("dW[2] = 1/m * dZ[2] @ A[2].T", "wrong-layer-index"),
    ("dZ[l] = (W[l].T @ dZ[l+1]) * g[l].prime(Z[l])", "wrong-layer-index"),
    ("dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l+1].prime(Z[l+1])", "wrong-layer-index"),
    ("dA[l] = W[l].T @ dZ[l]", "wrong-layer-index"),
    ("dW[l] = 1/m * dZ[l] @ A[l-1]", "missing-transpose"),
    ("dA[l-1] = W[l] @ dZ[l]", "missing-transpose"),
    ("dZ[l] = (W[l+1] @ dZ[l+1]) * g[l].prime(Z[l])", "missing-transpose"),
    ("dW[l] = -1/m * dZ[l] @ A[l-1].T", "sign"),
    ("dZ[L] = Y - A[L]", "sign"),
    ("W[l] = W[l] + alpha * dW[l]", "sign"),
    ("dW[l] = dZ[l] @ A[l-1].T", "missing-1/m"),
    ("db[l] = sum(dZ[l], axis=1, keepdims=True)", "missing-1/m"),
    ("dW[l] = 1/m * (1/m) * dZ[l] @ A[l-1].T", "doubled-1/m"),
    ("dA[l-1] = 1/m * W[l].T @ dZ[l]", "doubled-1/m"),
    ("dZ[L] = 2 * (A[L] - Y)", "factor-2"),
    ("dZ[l] = W[l+1].T @ dZ[l+1]", "missing-activation-derivative"),
    ("dZ[l] = dA[l]", "missing-activation-derivative"),
    ("dZ[L] = (A[L] - Y) * g[L].prime(Z[L])", "activation-derivative-at-wrong-place"),
    ("dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l].prime(A[l])", "activation-derivative-at-wrong-place"),
    ("dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l](Z[l])", "function-used-for-derivative"),
    ("A[l] = g[l].prime(Z[l])", "derivative-used-for-function"),
    ("dA[l-1] = dW[l].T @ dZ[l]", "gradient-used-for-weight"),
    ("dZ[l] = (dW[l+1].T @ dZ[l+1]) * g[l].prime(Z[l])", "gradient-used-for-weight"),
    ("W[l] = W[l] - alpha * W[l]", "gradient-used-for-weight"),
    ("dW[l] = 1/m * dA[l] @ A[l-1].T", "wrong-operand"),
    ("dW[l] = 1/m * dZ[l] @ Z[l-1].T", "wrong-operand"),
    ("dW[l] = 1/m * A[l-1] @ dZ[l].T", "operands-swapped"),
    ("dZ[l] = W[l+1].T @ (dZ[l+1] * g[l].prime(Z[l]))", "missing-parentheses"),
    ("db[l] = 1/m * dZ[l]", "missing-sum"),
    ("db[l] = 1/m * sum(dZ[l], axis=0, keepdims=True)", "sum-axis"),
    ("dZ[l] = (W[l+1].T @ dZ[l+1]) @ g[l].prime(Z[l])", "wrong-product"),
    ("dA[l-1] = W[l].T + dZ[l]", "product-vs-sum"),
)


@pytest.mark.parametrize(("formula", "cause"), MISTAKES)
def test_mistakes_are_named(formula: str, cause: str) -> None:
    """The mistakes that people make, from issue threads and lecture notes: the cause, and a mending that holds."""
    judged = check_formula(formula, *DEEP, place="parameters", samples="batch", rows=False)
    assert judged.verdict == "wrong", judged
    assert cause in {judged.cause, *(other[0].cause for other in judged.others)}, judged
    again = check_formula(judged.correction, *DEEP, place="parameters", samples="batch", rows=False)
    assert again.verdict == "right" or "entry by entry" in again.condition, again


def test_two_mistakes_get_two_findings() -> None:
    """Both are named, in one mending."""
    judged = check_formula("dW[l] = -1/m * dZ[l] @ A[l].T", *DEEP, place="parameters", samples="batch", rows=False)
    assert {c.cause for c in judged.causes} == {"sign", "wrong-layer-index"}


@pytest.mark.parametrize("text", ["dW[2] = ", "", "@@@", "the gradient is small", "dW[2] = __import__('os')"])
def test_what_cannot_be_read_is_not_told(text: str) -> None:
    """No guess is made about it."""
    judged = check_formula(text)
    assert judged.verdict == "cannot tell"
    assert judged.note


def test_an_unknown_letter_is_not_told() -> None:
    """A new letter is defined, not judged."""
    judged = check_formula("q[l] = W[l] @ A[l-1]", *DEEP)
    assert judged.verdict == "cannot tell", judged


def test_declared_readings_are_all_judged() -> None:
    """A formula that holds under one of two declared meanings is right if that is meant."""
    readings = (
        Declared("delta is dZ", *DEEP, letters=Letters(rename={"delta[l]": "dZ[l]"})),
        Declared("delta is dA", *DEEP, letters=Letters(rename={"delta[l]": "dA[l]"})),
    )
    judged = check_formula("delta[L] = A[L] - Y", readings=readings)
    assert judged.verdict == "right if", judged
    assert judged.condition == "delta is dZ"
    assert check_formula("A[0] = X", readings=readings).verdict == "right"


def test_a_judgement_prints_and_serializes() -> None:
    """Cause, place and correction stand in the text and in the JSON."""
    judged = check_formula("dW[2] = 1/m * dZ[2] @ A[2].T", *DEEP, place="parameters")
    assert "wrong-layer-index" in str(judged)
    assert "A[1].T" in str(judged)
    data = judged.to_json()
    assert data["verdict"] == "wrong"
    assert data["causes"][0]["cause"] == "wrong-layer-index"


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("A[l] = tanh(Z[l])", "tanh"),
        ("dZ[l] = dA[l] * A[l] * (1 - A[l])", "sigmoid"),
        ("dz[l] = (W[l+1].T @ dz[l+1]) * sigma.prime(z[l])", "sigma"),
        ("dz[l]/da[l-1] = W[l].T", "layout"),
    ],
)
def test_what_any_network_leaves_open_is_a_condition(formula: str, words: str) -> None:
    """A function of the formula that no declared network has, or a layout."""
    judged = check_formula(formula)
    assert judged.verdict == "right if", judged
    assert words in judged.condition


def test_a_declared_soft_max_keeps_several_outputs() -> None:
    """A soft-max of one number is 1, and everything would hold."""
    assert check_formula("dL/dz = y - a", "4-3:softmax", "cross_entropy").verdict == "wrong"
    right = check_formula("dL/dz = a - y", "4-3:softmax", "cross_entropy")
    assert right.verdict == "right", right
    assert "sum to one" in right.note


def test_a_declared_single_output_stays_one() -> None:
    formula = "J = -(np.dot(Y, np.log(A[2]).T) + np.dot(1 - Y, np.log(1 - A[2]).T)) / m"
    assert check_formula(formula, "5-4:tanh-1:sigmoid", "binary_cross_entropy").verdict == "right"


def test_a_mending_under_another_place_of_1_over_m_says_so() -> None:
    judged = check_formula("dW[l] = -dZ[l] @ A[l].T", *DEEP)
    assert {c.cause for c in judged.causes} == {"sign", "wrong-layer-index"}, judged
    assert "1/m" in judged.note


def test_a_formula_without_layers_is_mended_without_layers() -> None:
    assert check_formula("dz = y - a").correction == "dz = a - y"


@pytest.mark.parametrize("other", ["tanh", "softmax"])
def test_an_inequality_holds_where_the_equation_does_not(other: str) -> None:
    loss = {"tanh": "quadratic", "softmax": "cross_entropy"}[other]
    judged = check_formula("dZ[L] != dA[L] * g[L].prime(Z[L])", f"3-4:tanh-2:{other}", loss)
    assert judged.verdict == ("right" if other == "softmax" else "right if"), judged


def test_bare_superscripts_are_layers_where_declared() -> None:
    """Nielsen's letters."""
    letters = Letters(layer="superscript", rename={"delta^l": "dz[l]"})
    right = check_formula(r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot g'(z^l)", letters=letters)
    assert right.verdict == "right", right
    wrong = check_formula(r"\frac{\partial C}{\partial w^l_{jk}} = a^l_k \delta^l_j", letters=letters, samples="one")
    assert wrong.cause == "wrong-layer-index", wrong


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        (r"\frac{d}{dx} e^{-x^2} = 2x e^{-x^2}", "sign"),
        (r"\frac{d}{dx} \tanh(2x) = 1 - \tanh^2(2x)", "factor-2"),
        (r"\frac{d}{dx} \frac{1}{x} = \frac{1}{x^2}", "sign"),
        ("tanh.prime(x) = 1 - tanh(x)", "missing-square"),
        (r"\tanh x = 2\sigma(x) - 1", "factor-2"),
        ("da/dz = z*(1-z)", "activation-derivative-at-wrong-place"),
        ("da/dz = exp(-z)/(1+exp(-z))", "missing-square"),
        ("dL/dw = (a-y)*w", "wrong-operand"),
    ],
)
def test_mistakes_in_formulas_of_numbers_are_named(formula: str, cause: str) -> None:
    """They are looked for in the world in which the formula can be evaluated."""
    judged = check_formula(formula, loss="binary_cross_entropy")
    assert judged.verdict == "wrong", judged
    assert judged.cause == cause, judged


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("dZ[2] = (A[2] - Y) * A[2] * (1 - A[2])", "activation-derivative-at-wrong-place"),
        ("dZ[1] = W[2].T @ dZ[2] * (1 - A[1])", "missing-square"),
        ("dZ[1] = W[2].T @ dZ[2] * (1 - Z[1] * Z[1])", "wrong-operand"),
        ("dZ[1] = dA[1] * A[1]", "function-used-for-derivative"),
        ("dW[2] = 1/m^2 * dZ[2] @ A[1].T", "doubled-1/m"),
        ("db[2] = 1/m * np.mean(dZ[2], axis=1, keepdims=True)", "doubled-1/m"),
        ("W[1] := dW[1] - alpha * W[1]", "operands-swapped"),
        (r"J = -\frac1m (y \log \hat y + (1 - y) \log(1 - \hat y))", "missing-sum"),
        ("dz[2][k]/dz[1][j] = W[2][k,j]", "missing-activation-derivative"),
    ],
)
def test_mistakes_in_a_written_out_network_are_named(formula: str, cause: str) -> None:
    network, loss = "3-4:tanh-1:sigmoid", "binary_cross_entropy"
    judged = check_formula(formula, network, loss, place="parameters", rows=False, samples="batch")
    assert judged.verdict == "wrong", judged
    assert cause in {judged.cause, *(other[0].cause for other in judged.others)}, judged


def test_mistakes_in_rows_are_mended_in_rows() -> None:
    judged = check_formula("Z[l] = A[l-1] @ W[l+1] + b[l]", rows=True)
    assert judged.cause == "wrong-layer-index", judged
    judged = check_formula("db[2] = dZ[2]", "3-4:tanh-2:softmax", "cross_entropy", rows=True, place="dZ")
    assert judged.cause == "missing-sum", judged
    assert "axis=0" in judged.correction


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("dZ[l] = g[l+1].prime(Z[l]) * (W[l+1].T @ dZ[l+1])", "wrong-layer-index"),
        ("A[l] = g[l-1](Z[l])", "wrong-layer-index"),
        ("dZ[l] = W[l+1].T @ dZ[l+1] * g[l].prime(A[l])", "activation-derivative-at-wrong-place"),
    ],
)
def test_equal_activations_excuse_no_mistake(formula: str, cause: str) -> None:
    """A formula with a general g is not right because all activations may be one."""
    judged = check_formula(formula)
    assert judged.verdict == "wrong", judged
    assert judged.cause == cause, judged


@pytest.mark.parametrize(
    ("formula", "network", "loss"),
    [
        ("dL/dz = 3*a", "4-3:softmax", "cross_entropy"),
        ("dZ[2] = A[2] - Y", "3-5:tanh-4:softmax", "binary_cross_entropy"),
    ],
)
def test_no_mending_says_what_a_letter_means(formula: str, network: str, loss: str) -> None:
    """`dL/dz = dz` and `Yhat = A[2]` hold, and mend nothing."""
    judged = check_formula(formula, network, loss)
    assert judged.verdict == "wrong", judged
    assert judged.cause == "not named", judged


def test_a_number_of_a_layer_is_preferred_beside_numbers() -> None:
    judged = check_formula("dZ[1] = W[L-1].T @ dZ[2] * g[1].prime(Z[1])", "3-5:tanh-4:softmax", "cross_entropy")
    assert "W[2]" in judged.correction, judged
    assert check_formula("exp(a) + exp(b) = exp(a+b)").correction == "exp(a) * exp(b) = exp(a + b)"


HOSTILE = {
    "deep": "(" * 5000 + "a" + ")" * 5000 + " = b",
    "unclosed": "(" * 3000 + "a = b",
    "long": "a" + "+a" * 50000 + " = b",
    "large": "a = " + "9" * 5000,
    "power": "9**9**9**9 = b",
    "attribute": "a = ().__class__.__bases__[0]",
    "five sums": "J = sum_{i=1}^m sum_{j=1}^m sum_{k=1}^m sum_{p=1}^m sum_{q=1}^m x[i]*x[j]*x[k]*x[p]*x[q]",
    "large sum": "J = sum_{i=1}^{100000000} i",
    "many factors": "dW[l] = " + " @ ".join(["dZ[l]", "A[l-1].T"] * 20),
    "many terms": "dZ[L] = " + " + ".join(f"A[L]*(Y-{i})" for i in range(30)),
    "nested calls": "a = " + "exp(" * 40 + "z" + ")" * 40,
    "a far layer": "dW[1000000] = dZ[1000000] @ A[999999].T",
    "derivatives": "d/dx " * 30 + "exp(x) = exp(x)",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_formulas_end_soon(text: str) -> None:
    """Whatever is given, the judgement comes within a second; here too, where others use the machine."""
    check_formula("a = b", seconds=0.1)  # the worlds are made once
    started = time.process_time()
    judged = check_formula(text)
    assert time.process_time() - started < 1.5  # of which a third is for a machine that is busy
    assert judged.verdict in ("cannot tell", "wrong")


def test_a_judgement_does_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted is work: a machine that is ten times slower says the same of a formula that nothing mends."""
    formula = "dZ[l] = dA[l] + W[l] @ dZ[l+1] * g[l](A[l]) - A[l+1]"
    spent: list[float] = []
    spend = Budget.spend

    def counted(budget: Budget, work: float) -> None:
        spent[-1] += work
        spend(budget, work)

    monkeypatch.setattr(Budget, "spend", counted)
    judged = []
    for _ in range(2):  # nothing is in memory at first, and everything then
        spent.append(0.0)
        judged.append(check_formula(formula, *DEEP, place="parameters", seconds=0.5))
    assert judged[0] == judged[1]
    assert spent[0] == spent[1] > 0


def test_a_right_formula_is_judged_at_once() -> None:
    formula = "dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l].prime(Z[l])"
    times = []
    for _ in range(5):
        started = time.process_time()
        assert check_formula(formula, *DEEP, place="parameters").verdict == "right"
        times.append(time.process_time() - started)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (r"dW_2 = \frac{1}{m} dZ_2 A_1^T", "right"),
        ("Z_1 = W_1 X + b_1", "right"),
        ("A_1 = g(Z_1)", "right"),
        ("dW_2 = 1/m * dZ_2 @ A_2.T", "wrong"),
    ],
)
def test_numbers_below_matrices_may_be_layers(text: str, verdict: str) -> None:
    found = check_formula(text)
    assert found.verdict == verdict, found
    assert verdict == "right" or found.cause == "wrong-layer-index"
