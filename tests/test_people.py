"""Formulas written for people, and the report that shows them."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.documents.found import Found
from chainrule.documents.page import as_html
from chainrule.documents.report import DocumentReport, Entry, as_json, as_text, brief, reason
from chainrule.judge.verdict import Finding, Judgement
from chainrule.meaning.world import World
from chainrule.notation.formula import Equation
from chainrule.notation.letters import Letters
from chainrule.notation.read import read
from chainrule.notation.write import for_people, latex_for_people, tidied


def equation(text: str, *, latex: bool = False, **letters: str) -> Equation:
    found = Letters(**letters)  # type: ignore[arg-type]
    return read(text, syntax="latex" if latex else "text", letters=found)[0].equation


@pytest.mark.parametrize(
    ("written", "line", "latex"),
    [
        (r"J = \frac{1}{2} \|X W - Y\|^2", "J = (1/2) ‖X W - Y‖²", r"\frac{1}{2} \left\|X W - Y\right\|^{2}"),
        (r"db = \frac{1}{N} \mathbf{1}^T dZ", "db = (1/N) 1ᵀ dZ", r"\frac{1}{N} \mathbf{1}^T dZ"),
        (r"dZ = dA \odot [Z > 0]", "dZ = dA * [Z > 0]", r"dA \odot [Z > 0]"),
        (r"y_j = \sum_{k=1}^m W_{jk} x_k^2", "yⱼ = Σₖ₌₁ᵐ Wⱼₖ xₖ²", r"\sum_{k=1}^m W_{jk} x_k^2"),
    ],
)
def test_what_mathematics_has_is_written_so(written: str, line: str, latex: str) -> None:
    tree = equation(written, latex=True)
    assert for_people(tree) == line
    assert latex_for_people(tree).partition(" = ")[2] == latex


def test_layers_stand_where_the_document_has_them() -> None:
    """δ⁽²⁾ₖ with parentheses, δ_1 as a subscript."""
    raised = equation(r"\delta_k^{(2)} = y_k - t_k", latex=True, layer="parentheses")
    assert for_people(raised, "parentheses") == "δ⁽²⁾ₖ = yₖ - tₖ"
    assert latex_for_people(raised, "parentheses") == r"\delta_k^{(2)} = y_k - t_k"
    lowered = equation(r"\delta_2 = \delta_1 W_2^T", latex=True, layer="subscript")
    assert for_people(lowered, "subscript") == "δ_2 = δ_1 W_2ᵀ"
    above = equation(r"\delta^{l} = y", latex=True, layer="superscript")
    assert latex_for_people(above, "superscript") == r"\delta^l = y"


@pytest.mark.parametrize(
    ("mended", "line"),
    [
        ("dW = (1/2 * 1/N) * (A - Y)", "dW = 1 / (2 N) · (A - Y)"),
        ("dW = (1/N * X.T) @ (X @ W + b - Y)", "dW = 1/N · Xᵀ (X W + b - Y)"),
        ("dW = 1/N * X.T @ (b - (Y - X @ W))", "dW = 1/N · Xᵀ (X W + b - Y)"),
        ("db = sum(1/N * (A - Y), axis=0, keepdims=True)", "db = 1/N · 1ᵀ (A - Y)"),
        ("db = sum(A - Y, axis=1)", "db = (A - Y) 1"),
        ("z = 2/N * 1/2 * x", "z = 1/N · x"),
        ("z = -(2 * (a - y)) * 3", "z = -6 · (a - y)"),
        ("z = a - (y - x) - (b + c)", "z = a + x - y - b - c"),
        ("z = 2 * x", "z = 2 * x"),
    ],
)
def test_a_mending_is_shown_without_needless_brackets(mended: str, line: str) -> None:
    assert for_people(tidied(equation(mended))) == line


@pytest.mark.parametrize(
    "text",
    [
        "u = (1/2 * 1/3) * (v - w)",
        "u = v * (2 * (w / 3)) * 5 / 2",
        "u = v - (w - (x - 2 * v)) - -w",
        "u = -(2 * (v - w)) * 3",
        "u = 2 * v / 3 * (w / 4) + 7 * (x * 2)",
    ],
)
def test_what_is_tidied_has_the_same_value(text: str) -> None:
    """Numbers for u, v, w, x are drawn; both sides are evaluated by hand with Python's own arithmetic."""
    whole = equation(text)
    rng = np.random.default_rng(3)
    v, w, x = (float(n) for n in rng.uniform(0.5, 2, 3))
    wanted = eval(text.partition("=")[2], {}, {"v": v, "w": w, "x": x})
    definitions = {"v": equation(f"v = {v!r}"), "w": equation(f"w = {w!r}"), "x": equation(f"x = {x!r}")}
    world = World.free(1, definitions=definitions | {"u": equation(f"u = {wanted!r}")})
    found = world.compare(tidied(whole))
    assert found.status == "equal", found
    assert found.error < 1e-12


# The report ----------------------------------------------------------------------------------------------------------


def wrong(cause: Finding, *, typeset: dict[str, str] | None = None) -> Entry:
    judged = Judgement("", "wrong", causes=(cause,))
    found = Found(7, r"\delta_2 = \delta_1 W_2", r"\delta_2 = \delta_1 W_2", "latex")
    return Entry(found, "judged", judged, mended=judged, typeset=typeset or {}, shown="δ_2 = δ_1 W_2")


TRANSPOSE = Finding("missing-transpose", "W_2", "W_2", "W_2ᵀ", "δ_2 = δ_1 W_2ᵀ", "W_2 should be W_2ᵀ")


def test_beside_the_verdict_stands_a_phrase() -> None:
    assert reason(wrong(TRANSPOSE)) == "missing-transpose: W_2 should be transposed: W_2ᵀ"
    sign = Finding("sign", "b", "X W - b", "X W + b", "", "the sign before b should be +")
    assert reason(wrong(sign)) == "sign: the sign before b should be +"
    assert reason(wrong(Finding("shape", "", words=""))) == "shape: the shapes do not fit"


def test_a_narrow_column_says_what_the_name_means() -> None:
    """Where the mistake itself takes more than two rows of the column, its kind is explained instead."""
    long = "Σ_k W_2[k, j] δ_1[k] should be (Σ_k W_2[k, j] δ_1[k]) * h'(a_1[j]) as in every layer with an activation"
    entry = wrong(Finding("missing-activation-derivative", "x", words=long))
    assert brief(entry, 40) == "missing-activation-derivative: the factor g' is missing"
    assert brief(wrong(TRANSPOSE), 30) == "missing-transpose: W_2 should be transposed: W_2ᵀ"


def test_a_thing_is_said_once() -> None:
    text = as_text([DocumentReport("notes.tex", (wrong(TRANSPOSE),))])
    assert text.count("W_2ᵀ") == 2  # what to do, and the mended formula
    assert "stands there" not in text
    turned = Finding("sign", "z", "y - a", "a - y", "δ = a - y", "the difference is taken the wrong way round")
    assert "should stand there: a - y" in as_text([DocumentReport("notes.tex", (wrong(turned),))])


def test_the_page_sets_what_should_stand_there() -> None:
    typeset = {"W_2": "W_2", "W_2ᵀ": "W_2^T", "δ_2 = δ_1 W_2ᵀ": r"\delta_2 = \delta_1 W_2^T"}
    page = as_html([DocumentReport("notes.tex", (wrong(TRANSPOSE, typeset=typeset),))])
    assert page.count("<math") == 4  # the formula, two in the sentence, the mended one
    assert "should be transposed: <math" in page
    assert "mended: <math" in page
    assert "W_2ᵀ" not in page
    plain = as_html([DocumentReport("notes.tex", (wrong(TRANSPOSE),))])
    assert "W_2 should be transposed: W_2ᵀ" in plain


def test_an_article_is_no_letter() -> None:
    cause = Finding("wrong-operand", "a", "a", "z", "", "a factor is missing before a")
    page = as_html([DocumentReport("notes.tex", (wrong(cause, typeset={"a": "a", "z": "z"}),))])
    assert "<li>a factor is missing before a</li>" in page


def test_hostile_text_stays_text() -> None:
    cause = Finding("sign", "<b>", "<b>", "<script>", "<script>", "<b> should be <script>")
    page = as_html([DocumentReport("<i>", (wrong(cause, typeset={"<script>": r"\text{<script>}"}),))])
    assert "<script" not in page
    assert "<i>" not in page


def test_json_has_the_phrase_and_the_latex() -> None:
    typeset = {"δ_2 = δ_1 W_2ᵀ": r"\delta_2 = \delta_1 W_2^T"}
    (document,) = as_json([DocumentReport("notes.tex", (wrong(TRANSPOSE, typeset=typeset),))])["documents"]
    (entry,) = document["formulas"]
    assert entry["reason"] == "missing-transpose: W_2 should be transposed: W_2ᵀ"
    assert entry["mended"] == "δ_2 = δ_1 W_2ᵀ"
    assert entry["mended_latex"] == r"\delta_2 = \delta_1 W_2^T"
