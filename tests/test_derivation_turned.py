"""What other conventions change in words and indices: samples as rows, one sample, matrices of a single row."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction

import pytest

from chainrule.derivation import derive
from chainrule.derivation.conventions import LAYOUTS, PLACES, SAMPLES
from chainrule.derivation.document import Section
from chainrule.derivation.pages.web import mathml
from chainrule.derivation.turned import IN_ROWS, OF_ONE, equations
from chainrule.errors import ChainruleError, ConfigurationError
from chainrule.laws import LAWS
from chainrule.notation.formula import Binary, Bound, Call, Equation, Formula, Index, Number, Symbol
from chainrule.notation.read import read
from chainrule.notation.roots import root_of
from chainrule.notation.style import NOTATIONS, Style
from chainrule.notation.write import exact, latex, text


def entries(**options: object) -> str:
    page = derive("4-3:sigmoid-1:sigmoid", style="components", **options)
    page.verify().check()
    return page.text(120)


def test_components_of_a_single_row_keep_i_for_the_unit() -> None:
    """Z of one output unit is 1 × m: its second index is the sample, as j is everywhere on the page."""
    shown = entries()
    assert "Z⁽²⁾₁ⱼ = (Σₖ₌₁³ W⁽²⁾₁ₖ · A⁽¹⁾ₖⱼ) + b⁽²⁾ " in shown
    assert "∂C/∂W⁽²⁾₁ⱼ = 1/m · Σₖ₌₁ᵐ (∂L/∂Z⁽²⁾₁ₖ) · A⁽¹⁾ⱼₖ " in shown
    assert "∂L/∂A⁽¹⁾ᵢⱼ = W⁽²⁾₁ᵢ · (∂L/∂Z⁽²⁾₁ⱼ) " in shown
    assert "Z⁽²⁾ᵢ" not in shown


def test_a_bias_is_a_vector_and_needs_no_index_of_its_row() -> None:
    shown = entries(samples="rows")
    assert "Z⁽¹⁾ᵢⱼ = (Σₖ₌₁⁴ A⁽⁰⁾ᵢₖ · W⁽¹⁾ₖⱼ) + b⁽¹⁾ⱼ " in shown
    assert "∂C/∂b⁽¹⁾ⱼ = 1/m · Σₖ₌₁ᵐ (∂L/∂Z⁽¹⁾ₖⱼ) " in shown
    assert "∂C/∂z⁽¹⁾ⱼ = (∂C/∂a⁽¹⁾ⱼ) · g⁽¹⁾'(z⁽¹⁾ⱼ) " in entries(samples="one", layout="numerator")


def test_the_condition_on_targets_is_turned_with_the_samples() -> None:
    options = {"columns": "1ᵀY = 1ᵀ", "rows": "Y 1 = 1", "one": "1ᵀy = 1"}
    for samples, condition in options.items():
        page = derive("4-3:tanh-3:softmax", samples=samples).page(steps=True, proofs=True)
        page.verify().check()
        shown = page.text(200).replace("\u00a0", " ")
        assert f"since {condition}, " in shown
        assert f"When {condition} fails" in shown
        for other in set(options.values()) - {condition}:
            assert not re.search(rf"(?<!\w){re.escape(other)}(?!ᵀ)", shown), (samples, other)


@pytest.mark.parametrize("style", NOTATIONS)
def test_no_word_of_the_other_orientation_is_left(style: str) -> None:
    """Of the page's own sections; the proofs by components say that they are in columns."""
    for samples, layout, place in itertools.product(SAMPLES, LAYOUTS, PLACES):
        d = derive("3-2:tanh-3:softmax", samples=samples, layout=layout, place=place, style=style)
        said = " ".join(words for s in d.document(steps=True).sections for words in _words(s))
        if samples == "rows":
            assert "column" not in said
            assert "1ᵀY" not in said
        elif samples == "columns" and style != "delta":
            assert " row " not in said
            assert "Y 1" not in said


def _words(section: Section) -> list[str]:
    found = [section.title, section.prose, *(x.why for x in section.lines), *(x.rule for x in section.lines)]
    return found + [w for part in section.parts for w in _words(part)]


def test_turned_laws_are_laws_of_the_table() -> None:
    known = {law.name for law in LAWS} | {law.equation for law in LAWS} | {law.condition for law in LAWS}
    for table in (IN_ROWS, OF_ONE):
        assert all(any(words in x for x in known) for words in table)
    assert "Y 1 = 1" in equations()


def test_a_product_of_a_letter_and_a_one_stays_a_product() -> None:
    page = derive("4-3:tanh-3:softmax", samples="rows")
    assert r"$Y\,1 = 1$" in page.latex()


def test_what_runs_over_an_index_is_written_like_a_sum() -> None:
    """∏ mu_c^{y_c}: in brackets before another factor, as Σ is."""
    c = Symbol("c")
    bound = Bound(c, Number(Fraction(1)), Symbol("K"))
    body: Formula = Index(Symbol("mu"), (c,))
    product = Call(Index(Symbol("prod"), (bound,)), (body,))
    line = Equation((Symbol("u"), Binary("·", product, Symbol("v"))), ("=",))
    assert text(line) == "u = (∏_{c=1}^{K} μ[c]) · v"
    assert text(line, Style(plain=True)) == "u = (prod_{c=1}^{K} mu[c]) * v"
    assert latex(line) == r"u = \left(\prod_{c=1}^K \mu_c\right) v"
    largest = Equation((Symbol("u"), Call(Index(Symbol("max"), (Bound(c),)), (body,))), ("=",))
    assert latex(largest) == r"u = \max_c \mu_c"
    assert exact(largest) == "u = max_c mu_c"
    assert read("u = sum_{c=1}^{K} mu_c")[0].equation.sides[1].bounds == (bound,)


def test_a_general_layer_says_what_it_is_about() -> None:
    """Its activation is any function, its cost is told in words, and no line is about another layer than it says."""
    for samples, cost in (
        ("columns", "The cost J is the mean over the m samples of the loss, cross-entropy: "),
        ("one", ""),
    ):
        page = derive("4-3:tanh-2:softmax", layer="l", samples=samples).page()
        page.verify().check()
        shown = page.text(200).replace("\u00a0", " ")
        assert "the identity" not in shown
        assert "activation of the output" not in shown
        assert f"{cost}L = -Σₖ yₖ ln ŷₖ." in shown if cost else "The loss of one sample is cross-entropy: L = " in shown
        assert "of the network 4-3:tanh-2:softmax" in shown


def test_an_expression_says_the_shapes_of_its_letters() -> None:
    assert "W is p × q, x is q × 1, y is p × 1." in derive("sum((W @ x - y)**2)", wrt="W").text()


def test_numbers_are_announced_in_order() -> None:
    shown = derive("4-3:sigmoid-1:sigmoid").text(numbers=True)
    assert "The numbers of X, Y, W[1], b[1], W[2], b[2] are drawn" in shown


# Constants and themes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "root"),
    [
        (1 / math.sqrt(2), "1 / sqrt(2)"),
        (math.sqrt(2 / math.pi), "sqrt(2/π)"),
        (1 / math.sqrt(2 * math.pi), "1 / sqrt(2 · π)"),
        (2 / math.sqrt(math.pi), "2 / sqrt(π)"),
        (math.sqrt(3) / 2, "sqrt(3) / 2"),
        (math.sqrt(10), "sqrt(10)"),
        (math.sqrt(math.pi), "sqrt(π)"),
        (math.sqrt(2 * math.pi / 3), "sqrt(2 · π / 3)"),
        (0.7071067811, None),  # not to the last bits
        (1.0507009873554805, None),
        (0.25, None),
        (1.5, None),
        (0.044715, None),
        (-math.sqrt(2), None),
    ],
)
def test_a_decimal_is_a_root_to_its_last_bits_or_none(value: float, root: str | None) -> None:
    found = root_of(Fraction(value))
    assert (None if found is None else text(found)) == root


def test_roots_are_printed_and_no_decimals() -> None:
    for steps in (False, True):
        page = derive("4-3:gelu-3:gelu_tanh-2:softmax").page(proofs=True, steps=steps)
        shown = page.text(200)
        assert "erf(Z[1] / sqrt(2))" in shown
        assert "tanh(sqrt(2/π)" in shown
        assert "0.7071" not in shown
        assert "0.7978" not in shown
        assert r"\operatorname{erf}\left(\frac{z}{\sqrt{2}}\right)" in page.latex()
        page.verify().check()


def test_a_notebook_has_the_theme_of_the_notebook() -> None:
    shown = derive("4-3:tanh-2:softmax")._repr_html_()
    style = re.search(r"<style>(.*?)</style>", shown, re.DOTALL)
    assert style is not None
    for theme, paper in (('[data-jp-theme-light="false"] .chainrule', "#16181c"), (".vscode-light .chainrule", "#fff")):
        rule = style[1][style[1].index(theme) :].partition("}")[0]
        assert f"--paper:{paper}" in rule
    assert "DARK" not in style[1]
    assert "LIGHT" not in style[1]


def test_a_row_that_goes_on_begins_with_an_operator() -> None:
    assert '<mo form="infix">' in mathml("{}+ b x")
    assert '<mo form="infix">' not in mathml("- b x")


def test_numbers_can_be_typed() -> None:
    """x = 2, w = 0.5, b = -1: z = 0, σ(0) = 0.5; the derivative of the loss by the second logit is a - y."""
    page = derive("1-1:sigmoid-1:sigmoid", samples="one").page(numbers="x=2, y=1, W1=.5, b1=-1, W2=0, b2=0")
    page.verify().check()
    shown = page.text(100)
    assert "x, y, W[1], b[1], W[2], b[2] are given." in shown
    assert "= 0.5 · 2 + (-1)" in shown
    assert "= 0.5 - 1\n" in shown
    matrix = derive("2-1:sigmoid").page(numbers="X=[[1,2],[3,4]], W1=[[0.5, -1]]")
    matrix.verify().check()
    assert "[0.5  -1.0] ⎡ 1  2 ⎤" in matrix.text(100)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("x=2, y=q", "'y=q' is no number by its name"),
        ("x=[[1,2],[3]]", "is no matrix of numbers"),
        ("nosuch=1", "unknown name in the numbers given"),
        ("x=1, x2", "is no number by its name"),
        ("missing.npz", "numbers such as 'x=2, y=1, W1=0.5'"),
    ],
)
def test_what_is_typed_wrong_is_said(typed: str, message: str) -> None:
    with pytest.raises(ChainruleError, match=re.escape(message)):
        derive("1-1:sigmoid", samples="one").page(numbers=typed)


@pytest.mark.parametrize("given", ["runs/customers-009", "nosuchrun", "runs/x", "./out/model-001"])
def test_a_run_that_does_not_exist_is_no_expression(given: str) -> None:
    with pytest.raises(ConfigurationError, match="does not exist: give the folder of a finished run"):
        derive(given)


def test_letters_with_a_slash_are_an_expression() -> None:
    assert derive("alpha/m").subject is not None
    assert derive("x/y").subject is not None


def test_a_piecewise_loss_is_written_as_everybody_reads_it() -> None:
    """NumPy's where asks for true, so where(1 - |x|, a, b) would be read as another function."""
    d = derive("3-2:tanh-1", loss="huber")
    d.page(two_ways=True, steps=True, numbers=True).verify().check()
    assert "where(abs(Y - A[2]) < 1, 1/2 · (Y - A[2])², abs(Y - A[2]) - 1/2)" in d.text(200)
    assert r"\begin{cases} \frac{1}{2} (Y - A^{[2]})^2 & \text{if } \left|Y - A^{[2]}\right| < 1 \\" in d.latex()


def test_numbers_alone_are_a_page() -> None:
    page = derive("1-1:sigmoid-1:sigmoid", samples="one").numbers("x=2, y=1, W1=0.5, b1=-1, W2=0, b2=0")
    page.verify().check()
    assert [s.kind for s in page.document.sections] == ["numbers"]
    assert re.search(r"\(1\) +a\[0\] = x = 2\n", page.text())


@pytest.mark.parametrize(
    ("expression", "by", "why"),
    [
        ("sum((W @ x - y)**2)", "W", "the sum, the power, the difference and the matrix product, from outside in"),
        ("exp(W[0,0])", "W", "the exponential function and the matrix product, from outside in"),
        ("sum(sin(x))", "x", "the sum and `sin`, from outside in"),
    ],
)
def test_the_derivative_of_an_expression_says_its_way(expression: str, by: str, why: str) -> None:
    every = (x for s in derive(expression, wrt=by).document(steps=False).sections for x in s.lines)
    (line,) = [x for x in every if x.label == f"d{by}"]
    assert line.why == f"the chain rule through {why}"


def test_several_uses_are_added() -> None:
    shown = derive("x.T @ A @ x", wrt="x").text(200).replace("\u00a0", " ")
    assert "x occurs more than once, and what comes back from each place is added" in shown
