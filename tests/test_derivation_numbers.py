"""A derivation with numbers put in: what is printed is the true value, rounded; the slides' layer comes out."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from chainrule.derivation import numbers, pages
from chainrule.derivation.document import Document, Line
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
    with pytest.raises(DerivationError, match="no line with numbers"):
        numbers.section([Line(Equation((Symbol("dW", Symbol("l")), Symbol("x")), ("=",)))], {})


def test_rounding_is_of_decimals() -> None:
    assert numbers.rounded(0.12346, 4) == Fraction(1235, 10000)
    assert numbers.rounded(-0.00001, 4) == 0
    assert numbers.rounded(2.5, 1) == Fraction(5, 2)
