"""Penalties on the weights in derivations: with letters for their factors, layer by layer and for a general layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.derivation import derive, replay
from chainrule.derivation.penalties import penalties
from chainrule.execute import evaluate
from chainrule.graph import constant, rename_dim, substitute, variables
from chainrule.nn import Dense, Network, Objective, loss
from chainrule.nn.layers import Skip
from chainrule.notation import write
from chainrule.notation.style import Style

SAME = Network(3, (Dense(4, "tanh", l2=0.01), Dense(2, "softmax", l2=0.01)))
MIXED = Network(3, (Dense(4, "tanh", l2=0.1, l1=0.2), Dense(2, "softmax", l2=0.3)))
ABSOLUTE = Network(3, (Dense(4, "relu", l1=0.2), Dense(2, "softmax")))
EMBEDDED = Network(3, (Dense(4, "tanh", l2=0.5, l1=0.25), Skip((Dense(4, "tanh", l2=0.125),)), Dense(2)), ((5, 2),))
CLASSES = loss("cross_entropy")
CONVENTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"place": "dZ", "samples": "rows", "style": "leibniz"},
    {"samples": "one", "layout": "numerator"},
    {"style": "delta"},
    {"style": "components"},
)


@pytest.mark.parametrize("network", [SAME, MIXED, ABSOLUTE, EMBEDDED])
@pytest.mark.parametrize("spread", [False, True])
def test_at_the_numbers_of_the_letters_they_are_the_objective_s(network: Network, spread: bool) -> None:
    objective = Objective(network, CLASSES if network is not EMBEDDED else loss("quadratic"), spread=spread)
    _, scale, R = objective.parts(network.forward(training=True))
    found = penalties(objective, scale)
    assert R is not None
    assert found.whole is not None
    letters = variables(found.whole)
    ours = substitute(found.whole, {letters[n]: constant(x) for n, x in found.rates.items()})
    rng = np.random.default_rng(0)
    values = {n: rng.normal(size=x.shape) for n, x in variables(R).items()}
    one, two = evaluate([rename_dim(x, "m", 7) for x in (ours, R)], values)
    assert abs(one.item() - two.item()) <= 1e-14 * abs(two.item())


@pytest.mark.parametrize("options", CONVENTIONS)
@pytest.mark.parametrize("network", [SAME, MIXED, ABSOLUTE])
def test_the_general_layer_has_them(network: Network, options: dict[str, Any]) -> None:
    report = derive(Objective(network, CLASSES), layer="l", **options).verify(steps=False).check()
    assert report.unverified == ()


@pytest.mark.parametrize("options", CONVENTIONS[:3])
def test_spread_over_the_samples(options: dict[str, Any]) -> None:
    for layer in ("l", None):
        report = derive(Objective(MIXED, CLASSES, spread=True), layer=layer, **options).verify(steps=False).check()
        assert report.unverified == ()


@pytest.mark.parametrize("options", CONVENTIONS)
def test_every_layer_has_them(options: dict[str, Any]) -> None:
    d = derive(Objective(MIXED, CLASSES), **options)
    report = d.verify(steps="style" not in options).check()
    assert report.unverified == ()
    assert all(replay(d._subject.found.steps)[n] is c for n, c in d._subject.found.cotangents.items())


def shown(objective: Objective, **options: Any) -> dict[str, str]:
    sections = derive(objective, **options).document(steps=False).sections
    return {x.label: write.text(x.formula, Style(plain=True)) for s in sections for x in s.lines}


def test_what_a_lecturer_writes() -> None:
    general = shown(Objective(SAME, CLASSES), layer="l")
    assert general["dW[l]"] == "dW[l] = 1/m * dZ[l] @ A[l-1].T + lambda * W[l]"
    assert general["db[l]"] == "db[l] = 1/m * sum(dZ[l], axis=1)"
    own = shown(Objective(SAME, CLASSES))
    assert own["J"] == "J = -1/m * sum(Y * log(A[2])) + lambda/2 * (sum(W[1] ** 2) + sum(W[2] ** 2))"
    assert own["dW[1]"] == "dW[1] = 1/m * dZ[1] @ A[0].T + lambda * W[1]"
    spread = shown(Objective(SAME, CLASSES, spread=True))
    assert spread["dW[2]"] == "dW[2] = 1/m * (dZ[2] @ A[1].T + lambda * W[2])"
    mixed = shown(Objective(MIXED, CLASSES), layer="l")["dW[l]"]
    assert "lambda[l] * W[l]" in mixed
    assert "kappa[l] * sign(W[l])" in mixed
    assert "lambda * sign(W[l])" in shown(Objective(ABSOLUTE, CLASSES), layer="l")["dW[l]"].replace("[l] * s", " * s")


def test_the_numbers_of_the_letters_are_said() -> None:
    assert "λ = 0.01" in derive(Objective(SAME, CLASSES)).text(200)
    text = derive(Objective(MIXED, CLASSES), layer="l").text(400)
    assert "κ[1] = 0.2, κ[2] = 0, λ[1] = 0.1, λ[2] = 0.3" in text
    third = Network(3, (Dense(2, "softmax", l2=1 / 3),))
    assert "λ ≈ 0.3333" in derive(Objective(third, CLASSES)).text(200)


def test_a_wrong_penalty_is_found() -> None:
    from dataclasses import replace

    from chainrule.derivation.trials.derived import Trials
    from chainrule.notation.formula import Equation
    from chainrule.notation.read import read

    trials = Trials(derive(Objective(SAME, CLASSES), layer="l")._subject)
    for line, true in (
        ("dW[l] = 1/m * dZ[l] @ A[l-1].T + lambda * W[l]", True),
        ("dW[l] = 1/m * dZ[l] @ A[l-1].T + 2 * lambda * W[l]", False),
        ("dW[l] = 1/m * dZ[l] @ A[l-1].T", False),
    ):
        equation = read(line)[0].equation
        assert isinstance(equation, Equation)
        assert (trials.compare(replace(equation), False).status == "equal") is true


def test_programs_and_numbers_know_the_letters() -> None:
    d = derive(Objective(SAME, CLASSES))
    page = d.page(numbers=True)
    page.verify().check()
    assert "0.01/2" in page.text(200).replace(" ", "")
    space: dict[str, Any] = {}
    exec(d.numpy(), space)
    rng = np.random.default_rng(0)
    parameters = {
        "W1": rng.normal(size=(4, 3)),
        "W2": rng.normal(size=(2, 4)),
        "b1": np.ones((4, 1)),
        "b2": np.ones((2, 1)),
    }
    X, Y = rng.normal(size=(3, 5)), np.eye(2)[:, [0, 1, 1, 0, 1]]
    _, gradients = space["gradients"](parameters, X, Y)
    for name in ("W1", "W2"):
        step = {**parameters, name: parameters[name] + 1e-6 * np.eye(*parameters[name].shape)}
        back = {**parameters, name: parameters[name] - 1e-6 * np.eye(*parameters[name].shape)}
        slope = (space["gradients"](step, X, Y)[0] - space["gradients"](back, X, Y)[0]) / 2e-6
        assert slope == pytest.approx(np.trace(gradients[f"d{name}"][:, : len(gradients[f"d{name}"])]), rel=1e-6)
