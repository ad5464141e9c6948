"""A derivation with numbers put in: what is printed is the true value, rounded; the slides' layer comes out."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from chainrule.derivation import derive, numbers, pages
from chainrule.derivation.document import Document, Line
from chainrule.derivation.settings import Numbers
from chainrule.errors import DataError, DerivationError
from chainrule.execute import evaluate
from chainrule.graph import Shape, variables
from chainrule.notation.formula import Array, Equation, Formula, Negate, Number, Symbol
from chainrule.notation.from_graph import formula, symbol
from chainrule.notation.style import NOTATIONS, Style
from chainrule.train import Model

# Third source, "Layer in an MLP: Example": W, b and the activations before it of a 4 × 3 layer.
W = np.array([[1, -1, -0.5], [1, 0.5, -1], [-0.2, 0.3, 0.5], [-1, 1, 1]])
B = np.array([[-1.0], [-1], [1], [1]])
A = np.array([[1, -1, -0.5], [-1, -0.5, 1]]).T


def lines(network: str, loss: str | None = None) -> tuple[list[Line], Model]:
    model = Model(network, loss)
    found, graph = model.derivation(), model.graph
    table = {**graph, "J": model.cost_expression, **{n: found[n] for n in found.ordered() if n != "dA[0]"}}
    names = {node: symbol(n) for n, node in reversed(list(table.items())) if not node.is_constant}
    return [
        Line(Equation((symbol(n), formula(x, {k: f for k, f in names.items() if k is not x}, inside=True)), ("=",)))
        for n, x in table.items()
    ], model


def valued(model: Model, given: dict[str, Any]) -> dict[str, Any]:
    found = model.derivation()
    table = {**model.graph, "J": model.cost_expression, **{n: found[n] for n in found}}
    return {**dict(zip(table, evaluate(list(table.values()), given), strict=True)), **given}


def plain(part: Formula) -> Any:
    if isinstance(part, Array):
        return np.array([plain(x) for x in part.entries]).reshape(-1, part.columns)
    if isinstance(part, Negate):
        return -plain(part.operand)
    assert isinstance(part, Number)
    return float(part.value)


def test_the_layer_of_the_slides_comes_out_to_the_printed_digits() -> None:
    found, model = lines("3-4:sigmoid")
    given = {"W[1]": W, "b[1]": B, "A[0]": A, "Y": np.zeros((4, 2))}
    part = numbers.section(found[:2], valued(model, given), digits=2)
    z, a = (plain(x.formula.sides[-1]) for x in part.lines)
    assert z.tolist() == [[1.25, -2.0], [0.0, -3.25], [0.25, 1.55], [-1.5, 2.5]]
    printed = np.array([[0.78, 0.12], [0.50, 0.04], [0.56, 0.83], [0.18, 0.92]])
    # The slide's 0.83 is rounded from z = 1.6; 1/(1 + e^-1.55) = 0.8249.
    printed[2, 1] = 0.82
    assert a.tolist() == printed.tolist()
    shown = pages.text(Document("", "", (part,)), Style())
    assert "⎡  1.0  -1.0  -0.5 ⎤ ⎡  1.0  -1.0 ⎤   ⎡ -1 ⎤" in shown
    assert "≈ ⎢ 0.50  0.04 ⎥" in shown


@pytest.mark.parametrize(
    ("network", "loss"),
    [
        ("2-1:sigmoid", "binary_cross_entropy"),
        ("3-2:tanh-2:softmax", None),
        ("2-3:elu-1", "huber"),
        ("2-2:gelu-2:relu-1", None),
    ],
)
@pytest.mark.parametrize("digits", [2, 4])
def test_what_is_printed_is_the_rounded_true_value(network: str, loss: str | None, digits: int) -> None:
    found, model = lines(network, loss)
    shapes = {n: x.shape for n, x in variables(*(model.derivation()[n] for n in model.derivation())).items()}
    given = numbers.drawn(shapes, {"Y": "probabilities"}, {"m": 3}, seed=1)
    assert all(np.allclose(np.round(v, 1), v) for v in given.values())
    values = valued(model, given)
    part = numbers.section(found, values, digits=digits)
    assert {"Z[1]", "J", "dW[1]", "db[1]"} <= {numbers.name_of(x.formula.sides[0]) for x in part.lines}
    for line in part.lines:
        name = numbers.name_of(line.formula.sides[0])
        assert name is not None
        shown = plain(line.formula.sides[-1])
        assert np.abs(shown - values[name]).max() <= 0.5 * 10.0**-digits * (1 + 1e-9)
        if line.formula.relations[-1] == "=":
            assert np.abs(shown - values[name]).max() <= 1e-12
        # every number put in is a true value, too: take the filled side and find it again in the values
        for _, array in line.formula.sides[-2].walk():
            if isinstance(array, Array):
                shown = plain(array)
                near = [v for v in values.values() if v.shape == shown.shape]
                assert min(np.abs(v - shown).max() for v in near) <= 0.5 * 10.0**-digits * (1 + 1e-9)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_numbers_are_read_back_from_the_printed_text(notation: str) -> None:
    found, model = lines("2-1:sigmoid")
    given = {
        "W[1]": np.array([[0.5, -1.2]]),
        "b[1]": np.array([[0.3]]),
        "A[0]": np.array([[1.5, -0.5], [0.2, 0.7]]),
        "Y": np.array([[1.0, 0.0]]),
    }
    values = valued(model, given)
    part = numbers.section(found, values, digits=4)
    shown = pages.text(Document("", "", (part,)), Style(notation), 80)  # type: ignore[arg-type]
    blocks = re.split(r"^\s*\(\d+\)  ", shown, flags=re.MULTILINE)[1:]
    for line, block in zip(part.lines, blocks, strict=True):
        name = numbers.name_of(line.formula.sides[0])
        last = re.split(r"[=≈]", block)[-1]
        read = [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", last.split("×")[0])]
        wanted = values[name].ravel()
        assert np.abs(np.array(read[: len(wanted)]) - wanted).max() <= 0.5e-4 * (1 + 1e-9), (name, block)


GIVEN = {
    "W[1]": np.array([[0.5, -1.2, 0.3], [-0.4, 0.8, 0.1]]),
    "b[1]": np.array([[0.3], [-0.6]]),
    "W[2]": np.array([[0.7, -0.9]]),
    "b[2]": np.array([[0.2]]),
    "A[0]": np.array([[1.5, -0.5], [0.2, 0.7], [-0.3, 0.4]]),
    "Y": np.array([[1.0, 0.0]]),
}


def by_hand(values: dict[str, Any]) -> tuple[Any, Any, Any]:
    """J of 3-2:tanh-1:sigmoid with samples as columns, Z[1] and A[2], in NumPy."""
    z = values["W[1]"] @ values["A[0]"] + values["b[1]"]
    a = 1 / (1 + np.exp(-(values["W[2]"] @ np.tanh(z) + values["b[2]"])))
    return -np.mean(values["Y"] * np.log(a) + (1 - values["Y"]) * np.log(1 - a)), z, a


def stepped(name: str, values: dict[str, Any]) -> Any:
    found = np.zeros(values[name].shape)
    for place in np.ndindex(found.shape):
        moved = values[name].astype(complex)
        moved[place] += 1e-30j
        found[place] = by_hand({**values, name: moved})[0].imag / 1e-30
    return found


@pytest.mark.parametrize(
    ("samples", "style", "layout"),
    [*((s, n, "denominator") for s in ("columns", "rows", "one") for n in NOTATIONS), ("columns", "ng", "numerator"),
     ("rows", "leibniz", "numerator")],
)  # fmt: skip
def test_slopes_and_updates_have_numbers(samples: Any, style: Any, layout: Any) -> None:
    found = derive("3-2:tanh-1:sigmoid", samples=samples, style=style, layout=layout)
    one, rows = samples == "one" or style == "delta", samples == "rows"
    values = {n: v[:, :1] if one and n in ("A[0]", "Y") else v for n, v in GIVEN.items()}
    shown = {n.lower() if one and n in ("A[0]", "Y") else n: v.T if rows else v for n, v in values.items()}
    page = found.numbers({**shown, "alpha": 0.5}, digits=6)
    page.verify().check()
    lines = {x.label: plain(x.formula.sides[-1]) for x in page.document.every_line()}
    _, z, a = by_hand(values)
    expected = {"g[1]'": 1 - np.tanh(z) ** 2, "g[2]'": a * (1 - a)}
    expected |= {f"{n} update": values[n] - 0.5 * stepped(n, values) for n in ("W[1]", "b[1]", "W[2]", "b[2]")}
    for label, value in expected.items():
        line = next(v for n, v in lines.items() if n.startswith(label))
        assert np.abs(line - (value.T if rows else value)).max() <= 0.5e-6 * (1 + 1e-9), label


def test_a_wrong_update_is_found() -> None:
    """The value printed is compared with the line's own formula, not only with the values it was made from."""
    page = derive("2-1:sigmoid").numbers()
    section = page.document.sections[0]
    assert isinstance(section.setting, Numbers)
    last = section.lines[-1]
    assert last.label == "b[1] update"
    values = {**section.setting.values, last.label: section.setting.values[last.label] + 1e-3}
    wrong = Number(numbers.rounded(values[last.label].item(), 4))
    moved = replace(last, formula=replace(last.formula, sides=(*last.formula.sides[:-1], wrong)))
    broken = replace(section, lines=(*section.lines[:-1], moved), setting=Numbers(values, 4))
    report = replace(page, document=replace(page.document, sections=(broken,))).verify()
    assert {f.message for f in report.failures} == {"the formula has another value"}
    assert {f.number for f in report.failures} == {len(section.lines)}


def test_the_learning_rate_is_told() -> None:
    assert "The learning rate α is 0.1." in derive("2-1:sigmoid").numbers().text(200)
    assert "learning rate" not in derive("2-1:sigmoid").numbers("alpha=0.5, b1=-1").text(200)
    assert "is given" in derive("2-1:sigmoid").numbers("alpha=0.5").text(200)
    assert "α" not in derive("sum((W @ x - y)**2)").numbers().text(200)


def test_what_normalization_and_dropout_call_their_parts_has_numbers() -> None:
    for network in ("2-2:layernorm:selu-1", "2-2:dropout=0.5:tanh-1", "2-2:batchnorm:gelu-1"):
        page = derive(network).numbers()
        page.verify().check()
        filled = [x.formula.sides[-2] for x in page.document.every_line() if len(x.formula.sides) == 4]
        assert not [s for f in filled for _, s in f.walk() if isinstance(s, Symbol) and s.layer is not None]


def test_every_format_prints_numbers() -> None:
    found, model = lines("2-1:sigmoid")
    shapes = {"W[1]": Shape(1, 2), "b[1]": Shape(1, 1), "A[0]": Shape(2, "m"), "Y": Shape(1, "m")}
    given = numbers.drawn(shapes, {"Y": "binary"}, {"m": 2}, 0)
    document = Document("Numbers", "", (numbers.section(found, valued(model, given)),))
    assert r"\begin{pmatrix}" in pages.latex(document, Style())
    assert r"\begin{pmatrix}" in pages.markdown(document, Style())
    assert "<mtable>" in pages.html(document, Style())


def test_what_cannot_be_followed_by_hand_is_refused() -> None:
    found, model = lines("2-1:sigmoid")
    given = {"W[1]": np.ones((1, 2)), "b[1]": np.ones((1, 1)), "A[0]": np.ones((2, 40)), "Y": np.ones((1, 40))}
    values = valued(model, given)
    with pytest.raises(DerivationError, match=r"Z\[1\] is 1 × 40: numbers are put in up to 10 rows and columns"):
        numbers.section(found, values)
    with pytest.raises(DataError, match=r"Z\[1\] is not finite"):
        numbers.section(found, {"Z[1]": np.full((1, 1), np.inf)})
    with pytest.raises(DerivationError, match="no line into which numbers can be put"):
        numbers.section([Line(Equation((Symbol("dW", Symbol("l")), Symbol("x")), ("=",)))], {})


def test_rounding_is_of_decimals() -> None:
    assert numbers.rounded(0.12346, 4) == Fraction(1235, 10000)
    assert numbers.rounded(-0.00001, 4) == 0
    assert numbers.rounded(2.5, 1) == Fraction(5, 2)


@pytest.mark.parametrize("conventions", [{}, {"samples": "rows"}, {"samples": "one"}, {"layout": "numerator"}])
def test_labels_are_numbers_too(conventions: dict[str, Any]) -> None:
    page = derive(Model("3-4:tanh-2:softmax", labels=True), **conventions).numbers()
    page.verify().check()
    assert "one_hot" in page.text()


def test_one_neuron_is_followed_by_hand() -> None:
    """z = 0.5·2 - 1 = 0, a = 1/2, dz = a - y = -1/2, dW = dz x = -1; one step with α = 0.1: W = 0.6, b = -0.95."""
    page = derive("1-1:sigmoid", samples="one").numbers("x=2, y=1, W1=0.5, b1=-1, alpha=0.1")
    values = {x.label: plain(x.formula.sides[-1]) for x in page.document.every_line()}
    assert {n: values[n] for n in ("z[1]", "a[1]", "g[1]'(z[1])", "dz[1]", "dW[1]", "db[1]", "da[0]")} == {
        "z[1]": 0, "a[1]": 0.5, "g[1]'(z[1])": 0.25, "dz[1]": -0.5, "dW[1]": -1, "db[1]": -0.5, "da[0]": -0.25,
    }  # fmt: skip
    assert (values["W[1] update"], values["b[1] update"]) == (0.6, -0.95)
    assert "= -1 - 0.1 · (-0.5)" in page.text()
