"""Every printed line of many networks, read back from text, LaTeX and code and evaluated: relative error at most 1e-10.

The truth is a complex step through the forward equations. The points are chosen by one rule from the forward pass
alone (logits of order one in every layer, see `trials.points`): a line that fails at its point has failed.

A share runs here; with CHAINRULE_THOROUGH set, every pair of output activation and loss at every depth 1..6, and more
random networks, with the conventions sampled.
"""

from __future__ import annotations

import ast
import itertools
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule.derivation import derive
from chainrule.derivation.conventions import LAYOUTS, PLACES, SAMPLES
from chainrule.derivation.derive import Derivation
from chainrule.derivation.programs.named import named
from chainrule.derivation.programs.spelling import letters
from chainrule.derivation.trials.derived import NOTHING, TOLERANCE, Trials
from chainrule.derivation.trials.meaning import array_formula
from chainrule.meaning.world import World
from chainrule.nn.losses import LOSSES
from chainrule.notation.formula import Equation
from chainrule.notation.from_graph import symbol
from chainrule.notation.style import NOTATIONS
from chainrule.ops import ACTIVATIONS

THOROUGH = "CHAINRULE_THOROUGH" in os.environ
CONVENTIONS = list(itertools.product(PLACES, SAMPLES, LAYOUTS, NOTATIONS))
LOGARITHMS = ("cross_entropy", "binary_cross_entropy", "poisson")  # of the output: log_softmax, at most 0, has none


def pairs() -> list[tuple[str, str]]:
    return [(a, loss) for loss in LOSSES for a in ACTIVATIONS if not (a == "log_softmax" and loss in LOGARITHMS)]


def network(rng: random.Random, depth: int, output: str) -> str:
    widths = rng.sample(range(1 if depth < 5 else 2, 8), k=min(depth + 1, 6)) + [2] * max(0, depth - 5)
    if "softmax" in output and widths[-1] == 1:
        widths[-1] = 8  # a soft-max of one unit is 1, whatever comes
    hidden = [rng.choice(list(ACTIVATIONS)) for _ in range(depth - 1)]
    parts = [f"{n}:{a}" for n, a in zip(widths[1:], [*hidden, output], strict=True)]
    return "-".join([str(widths[0]), *parts])


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    rng = random.Random(7)
    conventions = itertools.cycle(rng.sample(CONVENTIONS, len(CONVENTIONS)))
    every = [(depth, a, loss) for depth in range(1, 7) for a, loss in pairs()]
    if not THOROUGH:
        every = rng.sample(every, 16)
    else:
        every += [(rng.randint(1, 6), *rng.choice(pairs())) for _ in range(600)]
    for depth, output, loss in every:
        place, samples, layout, style = next(conventions)
        yield (
            network(rng, depth, output),
            loss,
            {"place": place, "samples": samples, "layout": layout, "style": style},
        )


def variables_of(text: str, function: str, values: dict[str, Any]) -> dict[str, Any]:
    """Every variable that a function of a program assigns, by name."""
    tree = ast.parse(text)
    (found,) = (x for x in tree.body if isinstance(x, ast.FunctionDef) and x.name == function)
    assert isinstance(found.body[-1], ast.Return)
    found.body[-1].value = ast.parse("locals()", mode="eval").body
    space: dict[str, Any] = {}
    exec(compile(tree, "<program>", "exec"), space)
    arguments = [values if a.arg == "parameters" else values[a.arg] for a in found.args.args]
    result: dict[str, Any] = space[function](*arguments)
    return result


def wrong_lines_of_code(d: Derivation) -> tuple[int, float, list[str]]:
    """How many lines of the NumPy program were compared with the complex step, the worst error, and what differs."""
    assert d.subject is not None
    trials = Trials(d.subject)
    parts = named(d.subject)
    world = trials.network
    given = {letters(n): np.real(world.value(symbol(n)).array) for n in (*parts.inputs, *parts.parameters)}
    given = {n: x.reshape(x.shape[-2:]) for n, x in given.items()}  # one sample has an axis of its own
    text = d.numpy()
    worst, count, wrong = 0.0, 0, []
    largest = 0.0
    for function, names in (("forward", parts.forward), ("gradients", (parts.cost[0], *parts.backward))):
        values = variables_of(text, function, given)
        for name in names:
            if letters(name) not in values:
                assert name in ("dA[0]", "da[0]")  # no parameter waits for it
                continue
            value = np.atleast_2d(values[letters(name)])
            largest = max(largest, float(np.max(np.abs(value))))
            found = trials.compare(Equation((symbol(name), array_formula(value)), ("=",)), False)
            count += 1
            if found.status == "equal" and found.error <= TOLERANCE:
                worst = max(worst, found.error)
            elif np.max(np.abs(value)) <= NOTHING * largest and vanishes(world, name, largest):
                continue  # zero but for rounding, as before a soft-max of one unit
            else:
                wrong.append(f"{name} in the program: {found.message}")
    return count, worst, wrong


def vanishes(world: World, name: str, largest: float) -> bool:
    return bool(np.max(np.abs(world.value(symbol(name)).array)) <= NOTHING * largest)


def test_every_printed_line_is_true() -> None:
    lines, code, count, worst = 0, 0, 0, 0.0
    failures = []
    for text, loss, conventions in cases():
        d = derive(text, loss=loss, **conventions)
        report = d.verify()
        more, error, wrong = wrong_lines_of_code(d)
        lines, code, count = lines + report.lines, code + more, count + 1
        worst = max(worst, report.worst, error)
        found = [str(f) for f in (*report.failures, *report.unverified)] + wrong
        if found:
            failures.append(f"{text} {loss} {conventions}: {found[0]}")
    print(
        f"{count} networks, {lines} lines, {code} of code, worst relative error {worst:.1e}, {len(failures)} failures"
    )
    assert not failures, "\n".join(failures[:10])
    assert count >= (1000 if THOROUGH else 16)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_combination_of_conventions(place: Any, layout: Any) -> None:
    for samples, style in itertools.product(SAMPLES, NOTATIONS):
        d = derive("3-4:tanh-2:softmax", place=place, samples=samples, layout=layout, style=style)
        d.verify(steps=False).check()
