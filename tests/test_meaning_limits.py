"""Limits, named losses, matrices by inference and functions of columns, against numbers worked without this library."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.meaning.convention import Convention
from chainrule.meaning.matrices import matrix_shapes
from chainrule.meaning.values import NoValueError
from chainrule.meaning.world import World
from chainrule.notation.formula import Equation, Formula
from chainrule.notation.read import read


def side(text: str) -> Formula:
    """One formula of LaTeX or text."""
    equation = read(text)[0].equation
    return equation.sides[0] if isinstance(equation, Equation) else equation


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"\lim_{x \to 0} \frac{\sin x}{x}", 1.0),
        (r"\lim_{x \to 0} \frac{e^x - 1}{x}", 1.0),
        (r"\lim_{h \to 0} \frac{(2 + h)^3 - 2^3}{h}", 12.0),
        (r"\lim_{x \to 2} x^2", 4.0),
    ],
)
def test_limits(text: str, value: float) -> None:
    """Removable singularities, to the last digits."""
    found = World.free().value(side(text))
    assert found.array[0, 0] == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("text", [r"\lim_{h \to 0} \frac{1}{h}", r"\lim_{x \to 0} \frac{1}{x^2}"])
def test_poles_have_no_limit(text: str) -> None:
    """The mean over a circle around a pole is finite, and no limit."""
    with pytest.raises(NoValueError):
        World.free().value(side(text))


def test_named_losses() -> None:
    """CE(y, ŷ) = -Σ y ln ŷ of every sample, whichever argument is the output."""
    world = World.of_network("3-4:softmax", "cross_entropy", m=5, convention=Convention(samples="one"))
    y = world.value(side("y")).array[..., 0]
    yhat = world.value(side("yhat")).array[..., 0]
    wanted = -(y * np.log(yhat)).sum(axis=-1)
    for text in ("CE(y, yhat)", "CE(yhat, y)", "H(y, yhat)"):
        np.testing.assert_allclose(world.value(side(text)).array[..., 0, 0], wanted, rtol=1e-12)
    relative = wanted + (y * np.log(y)).sum(axis=-1)
    np.testing.assert_allclose(world.value(side("KL(y, yhat)")).array[..., 0, 0], relative, rtol=1e-10)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("x^T A x + b", {"A": (3, 3), "x": (3, 1)}),
        ("norm(A x - b)^2", {"A": (3, 3), "x": (3, 1), "b": (3, 1)}),
        ("a^T x", {"a": (3, 1), "x": (3, 1)}),
        ("(P @ Q).T", {"P": (3, 3), "Q": (3, 3)}),
        ("a * b + 1", {}),
        ("W x + b", {"W": (3, 3), "x": (3, 1), "b": (3, 1)}),
    ],
)
def test_shapes_of_letters(text: str, shapes: dict[str, tuple[int, int]]) -> None:
    """Read off transposes, products and norms."""
    assert matrix_shapes([side(text)]) == shapes


def test_terms_that_cancel_are_measured_by_themselves() -> None:
    """0 = dZ - A + Y holds to rounding, and 0 = dZ - A + 1.000001 Y does not."""
    world = World.of_network("3-5:tanh-2:softmax", "cross_entropy", m=5)
    right = read("0 = dZ[2] - A[2] + Y")[0].equation
    wrong = read("0 = dZ[2] - A[2] + 1.000001 * Y")[0].equation
    assert world.compare(right).status == "equal"
    assert world.compare(wrong).status == "different"
