"""Documents as people write them: mails, programs, tables, lecture notes whose letters are told apart by an index."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chainrule.documents.extraction import extract
from chainrule.documents.header import Notation
from chainrule.documents.judged import InternalWarning, judge_document
from chainrule.documents.stated import of_itself
from chainrule.errors import ConfigurationError
from chainrule.judge.verdict import Judgement
from chainrule.notation import Letters, read


def formulas(text: str, kind: str = "markdown") -> list[tuple[int, str]]:
    return [(f.line, " ".join(f.formula.split())) for f in extract(text, kind)[0]]


def verdicts(text: str, name: str = "notes.md") -> list[tuple[int, str]]:
    return [(e.found.line, e.verdict) for e in judge_document(text, name, seconds=0.2).entries]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("I get dL/dz_k = y_k - yhat_k, is that right?", ["dL/dz_k = y_k - yhat_k"]),
        ("> so log(yhat_k) = z_k - log(sum_j exp(z_j)).", ["log(yhat_k) = z_k - log(sum_j exp(z_j))"]),
        ("With layers, z[2] = W[2] a[1] + b[2] and a[1] = g(z[1]):", ["z[2] = W[2] a[1] + b[2]", "a[1] = g(z[1])"]),
        ("Z₁ = W₁X + b₁,    A₁ = tanh(Z₁)", ["Z₁ = W₁X + b₁", "A₁ = tanh(Z₁)"]),
        ("∂J/∂Z₃ = (1/m)(Ŷ − Y)             (7.1)", ["∂J/∂Z₃ = (1/m)(Ŷ − Y)"]),
        (" b) dZ = A - Y", ["dZ = A - Y"]),
        ("(iv) dZ = A - Y", ["dZ = A - Y"]),
        ("| logistic | σ(x) = 1/(1 + e⁻ˣ) |", ["σ(x) = 1/(1 + e⁻ˣ)"]),
        ("A1 = np.maximum(0, Z1)", ["A1 = np.maximum(0, Z1)"]),
        ("W2 += lr * dW2", ["W2 = W2 + (lr * dW2)"]),
        # no formulas: words, settings, what goes on in words, conditions in words
        ("The learning rate = 0.1 of all runs, say.", []),
        ("We take m = 5 and X = features", []),
        ("x / (x + y) = 1 - loudness", []),
        ("the label Y = 1 if the picture shows a cat", []),
    ],
)
def test_formulas_amid_prose(line: str, expected: list[str]) -> None:
    assert [f for _, f in formulas(f"words\n\n{line}\n")] == expected


def test_declared_words_are_letters_of_plain_lines() -> None:
    header = '<!-- chainrule:\nsamples = "rows"\nletters = {"scores" = "Z[2]", "probs" = "A[2]", "h" = "A[1]"}\n-->\n'
    found = verdicts(header + "\n- dscores = probs - Y\n- scores = h.dot(W2) + b2\n- `scores = h @ W2.T + b2`\n")
    assert found == [(6, "right if"), (7, "right"), (8, "wrong")]


PROGRAM = '''# chainrule:
# network = "5-4:relu-1:sigmoid"
# loss = "binary_cross_entropy"
# samples = "columns"
"""Assignment: in the last layer dZ2 = A2 - Y."""

import numpy as np


def backward(X, Y, cache, W2):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = (1. / m) * np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    # the hidden layer: dA1 = W2.T @ dZ2
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = np.dot(dZ1, X) / m
    alpha = 0.01
    W1 = np.random.randn(4, 5) * 0.01
    scores = A2
    scores -= np.max(scores)
    return {"dW1": dW1}
'''


def test_a_program_is_code_with_prose_in_its_comments() -> None:
    judged = [(n, v) for n, v in verdicts(PROGRAM, "homework.py") if v not in ("no statement", "definition")]
    assert judged == [(n, "right") for n in (5, 13, 14, 15, 16, 17, 18)] + [(19, "wrong")]


def test_matlab_has_signs_of_its_own() -> None:
    block = "\n".join(
        [
            "```octave",
            "Z2 = W2 * A1 + b2;",
            "dZ1 = (W2' * dZ2) .* A1 .* (1 - A1);  % logistic",
            "db2 = sum(dZ2, 2) / m;",
            "for i = 1:10",
            "W1 = rand(3, 4);",
            "```",
        ]
    )
    assert formulas(block) == [
        (2, "Z2 = W2 · A1 + b2"),
        (3, "dZ1 = (W2.T · dZ2) * A1 * (1 - A1)"),
        (4, "db2 = sum(dZ2, axis=1, keepdims=True) / m"),
    ]


def test_a_section_begins_in_the_document_not_in_its_header() -> None:
    text = (
        '<!-- chainrule:\nloss = "quadratic"\n[[section]]\nfrom = "Classification"\nloss = "cross_entropy"\n'
        'network = "3-4:tanh-2:softmax"\n-->\n$dA^{[L]} = A^{[L]} - Y$\n\nClassification\n\n$dZ^{[L]} = A^{[L]} - Y$\n'
    )
    assert verdicts(text) == [(8, "right"), (12, "right")]


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\frac{\partial p_j}{\partial o_i} = p_i (1 - p_i), \quad i = j", "right"),
        (r"\frac{\partial p_j}{\partial o_i} = -p_j p_i, \quad i \neq j", "right"),
        (r"\frac{\partial p_j}{\partial o_i} = -p_j p_i \quad \text{if } i \ne j", "right"),
        (r"\frac{\partial p_j}{\partial o_i} = p_j p_i, \quad (i \neq j)", "wrong"),
        (r"\frac{\partial p_j}{\partial o_i} = -p_j p_i, \quad i = j", "wrong"),
    ],
)
def test_what_is_said_of_the_entries_belongs_to_the_formula(formula: str, verdict: str) -> None:
    header = '<!-- chainrule:\nnetwork = "none"\nfree = ["o"]\ndefinitions = ["p_j = exp(o_j) / sum_k exp(o_k)"]\n-->\n'
    assert verdicts(f"{header}$${formula}$$") == [(6, verdict)]


def test_measures_are_known_by_their_names() -> None:
    lines = {
        r"\text{accuracy} = \frac{TP + TN}{TP + TN + FP + FN}": "right",
        r"\text{Recall} = \frac{TP}{TP + FN}": "right",
        r"\text{error rate} = 1 - \text{accuracy}": "right",
        r"F_1 = \frac{2 TP}{2 TP + FP + FN}": "right",
        r"\frac{1}{F_1} = \frac12 \left(\frac{1}{\text{precision}} + \frac{1}{\text{recall}}\right)": "right",
        r"\text{precision} = \frac{TP}{TP + FN}": "wrong",
        r"F_1 = \frac{\text{precision} \cdot \text{recall}}{\text{precision} + \text{recall}}": "wrong",
    }
    text = "\n\n".join(f"${x}$" for x in lines)
    assert [v for _, v in verdicts(text)] == list(lines.values())
    assert verdicts("F1 = 2 * precision * recall / (precision + recall)\n1 - recall = FN / (TP + FN)\n", "m.txt") == [
        (1, "right"),
        (2, "right"),
    ]


def test_delta_is_what_the_text_says_or_the_derivative_by_z() -> None:
    by_z = r"""$\delta^{[l]} = W^{[l+1]T} \delta^{[l+1]} \odot g'(z^{[l]})$

$\frac{\partial L}{\partial W^{[l]}} = \delta^{[l]} a^{[l-1]T}$

$\frac{\partial L}{\partial W^{[l]}} = \delta^{[l]} a^{[l]T}$
"""
    report = judge_document(by_z, "notes.md", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["right", "right", "wrong"]
    assert report.warnings == ("line 1: δ, which is not declared, is read as dz, the derivative of the loss",)
    by_a = by_z.replace(r"$\frac", r"$\delta^{[l]} = \frac{\partial L}{\partial a^{[l]}}$ $\frac", 1)
    assert "read as da" in judge_document(by_a, "notes.md", seconds=0.2).warnings[0]
    assert not judge_document("$\\delta_{ij} = 1$", "notes.md", seconds=0.2).warnings


def test_letters_may_be_told_apart_by_their_index() -> None:
    header = (
        "% chainrule:\n"
        '% network = "4-5:tanh-3"\n% loss = "quadratic"\n% samples = "one"\n% functions = ["\\\\varphi"]\n'
        '% letters = {"varphi" = "g[1]", "v_j" = "z[1][j]", "y_j" = "a[1][j]", "y_k" = "yhat[k]", "d_k" = "y[k]", '
        '"w_{kj}" = "W[2][k,j]"}\n'
        '% definitions = ["delta_j = -dz[1][j]", "delta_k = -dz[2][k]"]\n\n'
    )
    right = r"$\delta_j = \varphi'(v_j) \sum_k \delta_k w_{kj}$ and $\delta_k = d_k - y_k$" + "\n\n"
    wrong = r"$\delta_j = \varphi'(v_j) \sum_k \delta_k w_{jk}$ and $\delta_k = y_k - d_k$"
    assert [v for _, v in verdicts(header + right + wrong, "h.tex")] == ["right", "right", "wrong", "wrong"]


def test_the_hypothesis_of_a_text_is_the_output_of_its_network() -> None:
    header = '<!-- chainrule:\nnetwork = "3-1:sigmoid"\nloss = "binary_cross_entropy"\nsamples = "columns"\n-->\n'
    text = (
        r"$\frac{\partial J}{\partial w_j} = \frac1m \sum_{i=1}^m (h_{w,b}(x^{(i)}) - y^{(i)}) x_j^{(i)}$ and"
        r" $\frac{\partial J}{\partial w_j} = \frac1m \sum_{i=1}^m (y^{(i)} - h_{w,b}(x^{(i)})) x_j^{(i)}$"
    )
    assert [v for _, v in verdicts(header + text)] == ["right", "wrong"]


def test_a_chain_that_defines_a_letter_is_judged_behind_it() -> None:
    text = "$$q = a^{[2]} = g(z^{[2]})$$\n\n$$u = a^{[2]} = g(z^{[1]})$$"
    entries = judge_document(text, "notes.md", seconds=0.2).entries
    assert [e.verdict for e in entries] == ["right", "wrong"]
    assert entries[0].judgement is not None
    assert "q is taken up as defined here" in entries[0].judgement.note


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("scores = scores - np.max(scores)", True),
        ("A = A * D", True),
        ("dW = dW + reg * W", True),
        ("W = W - lr * dW", False),
        ("A = g(A)", False),
        ("Z = W @ Z", False),
    ],
)
def test_a_new_value_of_itself_is_no_claim(statement: str, expected: bool) -> None:
    assert of_itself(read(statement, syntax="code")[0].equation, Letters()) is expected


def test_one_formula_that_fails_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.judge import judge

    check = judge.check_formula

    def failing(text: str, **options: Any) -> Judgement:
        if "A - Y" in text:
            raise IndexError("out of range")
        return check(text, **options)

    monkeypatch.setattr(judge, "check_formula", failing)
    text = "$dZ = A - Y$\n\n$dZ^{[l]} = dA^{[l]} \\odot g'(Z^{[l]})$"
    # A warning, so that in all tests, where warnings are errors, no formula of any document may end so.
    with pytest.warns(InternalWarning, match="line 1: 'dZ = A - Y': an internal error, please report it: IndexError"):
        report = judge_document(text, "notes.md", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["cannot tell", "right"]
    assert report.entries[0].judgement is not None
    assert report.entries[0].judgement.note == "an internal error, please report it: IndexError: out of range"


def test_what_is_wrong_with_a_header_is_said_before_anything_is_judged() -> None:
    with pytest.raises(ConfigurationError, match=r"letters: the pattern '2 x' of a renaming is no letter"):
        verdicts('<!-- chainrule:\nletters = {"2 x" = "z"}\n-->\n$a = b$')
    with pytest.raises(ConfigurationError, match=r"notes\.md, line 1: the comment of the header never ends"):
        verdicts('<!-- chainrule:\nloss = "any"\n$a = b$')
    with pytest.raises(ConfigurationError, match="too many digits"):
        verdicts(f"<!-- chainrule:\nnetwork = {'9' * 5000}\n-->\n$a = b$")


def test_functions_are_named_as_a_reader_names_them() -> None:
    letters = Notation(functions=(r"\varphi", "h"), letters=(("l", "L"),)).as_letters()
    assert {"phi", "h", "l"} <= letters.functions


@pytest.mark.parametrize("kind", ["markdown", "latex", "text", "python"])
@pytest.mark.parametrize(
    "sign", ["= ", "`", '"""', "\\\\(", "\\intertext{", "```octave\nx = sum(", "- ", "| ", "     "]
)
def test_hostile_documents_are_taken_apart_in_a_second(sign: str, kind: str) -> None:
    begin = time.process_time()
    extract(sign * 20_000 + "a = b", kind)
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize(
    ("header", "block", "expected"),
    [
        # x of a program is the whole of X
        ('network = "6-5:relu-4:softmax"\nsamples = "rows"\nletters = {"p" = "Z[1]", "w_in" = "W[1]", "c" = "b[1]"}',
         "p = x @ w_in + c\np = w_in @ x + c", ["right", "wrong"]),
        # the derivative of a declared word, whatever else is declared
        ('samples = "columns"\nletters = {"A_prev" = "A[l-1]", "W" = "W[l]", "dZ" = "dZ[l]", "dA" = "dA[l]"}',
         "dA_prev = np.dot(W.T, dZ)\ndA_prev = np.dot(dZ, W.T)", ["right", "wrong"]),
        # a tensor's own derivative
        ('samples = "rows"\nletters = {"inp" = "A[1]", "out" = "Z[2]", "w" = "W[2]"}',
         "inp.g = out.g @ w.t()\ninp.g = out.g @ w", ["right", "wrong"]),
    ],
)  # fmt: skip
def test_programs_under_a_header(header: str, block: str, expected: list[str]) -> None:
    text = f"<!-- chainrule:\n{header}\n-->\n```python\n{block}\n```\n"
    assert [v for _, v in verdicts(text)] == expected


def test_declared_letters_of_latex_may_have_their_layer_in_brackets() -> None:
    header = '<!-- chainrule:\nletters = {"\\\\Omega[l]" = "W[l]", "\\\\beta[l]" = "b[l]"}\n-->\n'
    assert [v for _, v in verdicts(header + r"$z^{[l]} = \Omega^{[l]} a^{[l-1]} + \beta^{[l]}$")] == ["right"]
