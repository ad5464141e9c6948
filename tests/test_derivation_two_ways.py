"""By the chain rule and by substitution: both are derived, both are true, and they meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from printed_lines import compared, with_pi

from chainrule.derivation.document import Section
from chainrule.derivation.proofs.two_ways import Ways, two_ways
from chainrule.errors import DerivationError, UnknownNameError
from chainrule.graph import Node, variable, walk
from chainrule.meaning.world import World
from chainrule.nn.losses import LOSSES, loss
from chainrule.notation.formula import Equation, Formula, Symbol
from chainrule.notation.write import text
from chainrule.ops import ACTIVATIONS, activation

TOLERANCE = 1e-10
# Pairs for which the loss has a value everywhere.
SENSIBLE = (
    ("binary_cross_entropy", "sigmoid"),
    ("cross_entropy", "sigmoid"),
    ("cross_entropy", "softplus"),
    ("poisson", "softplus"),
    ("poisson", "sigmoid"),
    *((name, g) for name in ("quadratic", "sum_of_squares", "mean_squared") for g in ACTIVATIONS if "soft" not in g),
    ("quadratic", "softplus"),
    ("absolute", "tanh"),
)
MATRICES = (("cross_entropy", "softmax"), ("quadratic", "softmax"), ("poisson", "softmax"), *SENSIBLE)


def definitions(section: Section) -> dict[str, Formula]:
    lines = [with_pi(line.formula) for line in section.every_line() if line.formula.relations[0] == ":="]
    return {f.sides[0].name: f for f in lines if isinstance(f, Equation) and isinstance(f.sides[0], Symbol)}


def part(section: Section, title: str) -> Section:
    return next(p for p in section.parts if p.title == title)


def shown(section: Section) -> list[str]:
    return [text(line.formula).replace("**", "^") for line in section.every_line()]


def assert_true(world: World, section: Section, passed_over: str = "no letter is passed over") -> None:
    for line in section.every_line():
        if passed_over in text(line.formula):
            continue
        found = compared(world, line.formula, {}, TOLERANCE)
        assert found.status == "equal", (section.title, text(line.formula), found)


@pytest.mark.parametrize(("given", "g"), SENSIBLE)
def test_every_line_for_one_unit_is_true(given: str, g: str) -> None:
    unit = part(two_ways(given, g), "one unit")
    for seed in (1, 2):
        assert_true(World.free(seed, definitions=definitions(unit)), unit)


@pytest.mark.parametrize(("given", "g"), MATRICES)
def test_every_line_for_matrices_is_true(given: str, g: str) -> None:
    """In a network with this output; `lse` stands in the laws that were used, which the world has no function for."""
    assert_true(World.of_network(f"3-4:tanh-3:{g}", given), part(two_ways(given, g), "all units and samples"), "lse(")


def test_all_pairs_meet() -> None:
    """Each of the eight losses after each of the fourteen activations."""
    for given in LOSSES:
        for g in ACTIVATIONS:
            section = two_ways(given, g)
            meeting = [line.why for line in section.every_line() if line.rule == "both ways meet"]
            assert len(meeting) == len(section.parts)


def test_the_fifth_source() -> None:
    """[1] to [6]: ∂L/∂a, ∂a/∂z, ∂L/∂z = a - y, ∂L/∂w = x (a - y) by both ways, ∂L/∂b; y z - ln(1 + e^z) on the way."""
    lines = shown(part(two_ways("binary_cross_entropy", "sigmoid"), "one unit"))
    for wanted in (
        "L := -(y · log(a) + (1 - y) · log(1 - a))",
        "∂L/∂a = -(y / a - (1 - y) / (1 - a))",
        "∂a/∂z = sigmoid(z) · (1 - sigmoid(z)) = a · (1 - a)",
        "∂L/∂z = (∂L/∂a) · (∂a/∂z) = -(y / a - (1 - y) / (1 - a)) · a · (1 - a)",
        "-y · (1 - a) + (1 - y) · a = -y + y · a + a - y · a",
        "-y + y · a + a - y · a = a - y",
        "∂z/∂w = x",
        "∂L/∂w = (∂L/∂a) · (∂a/∂z) · (∂z/∂w) = (∂L/∂z) · (∂z/∂w) = (a - y) · x",
        "∂L/∂w = (sigmoid(z) - y) · x",
        "∂L/∂b = (∂L/∂a) · (∂a/∂z) · (∂z/∂b) = (∂L/∂z) · (∂z/∂b) = a - y",
        "log(exp(z)) + log(1 + exp(-z)) - z = log(exp(z) · (1 + exp(-z))) - z",
        "softplus(z) - y · z = log(1 + exp(z)) - y · z = -(y · z - log(1 + exp(z)))",
        "∂L/∂z = exp(z) / (1 + exp(z)) - y",
        "exp(z) / (1 + exp(z)) - y = sigmoid(z) - y",
    ):
        assert wanted in lines


@pytest.mark.parametrize(
    ("given", "g"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax"), ("quadratic", "identity")]
)
def test_matching_pairs_give_the_difference(given: str, g: str) -> None:
    section = part(two_ways(given, g), "all units and samples")
    assert [line.why for line in section.lines if line.rule == "both ways meet"] == ["they end in one expression"]
    lines = shown(section)
    for wanted in ("dZ[L] = A[L] - Y", "dW[L] = 1/m · dZ[L] A[L-1]ᵀ", "db[L] = 1/m · sum(dZ[L], axis=1)"):
        assert wanted in lines


def test_the_condition_is_said() -> None:
    section = part(two_ways("cross_entropy", "softmax"), "all units and samples")
    assert any("1ᵀY = 1ᵀ" in line.why and "one-hot" in line.why for line in section.lines)


def value(node: Node, values: dict[str, complex]) -> complex:
    memo: dict[Node, object] = {}
    for n in walk(node):
        if n.is_variable:
            memo[n] = np.array([[values[n.name]]])
        elif n.is_constant:
            memo[n] = np.full((1, 1), float(n.get("value")))
        else:
            memo[n] = n.op.forward(*(memo[x] for x in n.inputs), **dict(n.attrs))
    return complex(np.asarray(memo[node]).item())


@pytest.mark.parametrize(("given", "g"), SENSIBLE)
def test_the_result_is_the_complex_step_of_the_loss(given: str, g: str) -> None:
    """The line where both meet, in numbers, against the loss stepped along the imaginary axis."""
    z, y = variable("z", 1, 1), variable("y", 1, 1)
    L = loss(given).per_sample(activation(g)(z), y)
    unit = part(two_ways(given, g), "one unit")
    (line,) = (x for x in unit.every_line() if x.rule == "both ways meet")
    world = World.free(5, definitions=definitions(unit))
    numbers = {name: float(world.value(Symbol(name)).array.real.item()) for name in "zy"}
    wanted = value(L, {"z": numbers["z"] + 1e-30j, "y": numbers["y"]}).imag / 1e-30
    for side in line.formula.sides[1:]:
        assert np.isclose(world.value(with_pi(side)).array.real.item(), wanted, rtol=1e-10)


def test_ways_that_differ_are_an_error() -> None:
    z, a = variable("z", 1, 1), variable("a", 1, 1)
    with pytest.raises(DerivationError, match="the two ways differ"):
        _ = Ways(a * 2, a, {a: z}).how


def test_a_loss_of_ones_own() -> None:
    """Any `Loss` and any function: the mean squared error with a factor, after z²."""
    own = replace(loss("quadratic"), name="own", term=lambda Yhat, Y: 3 * (Yhat - Y) ** 2)

    def square(Z: Node) -> Node:
        return Z * Z

    unit = part(two_ways(own, square), "one unit")
    assert_true(World.free(1, definitions=definitions(unit)), unit)


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown loss"):
        two_ways("crossentropy loss", "softmax")
    with pytest.raises(UnknownNameError, match="unknown activation"):
        two_ways("quadratic", "sigmod")
