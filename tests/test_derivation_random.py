"""Every printed line of many networks, read back from text and LaTeX and evaluated: relative error at most 1e-10.

A share runs here; with CHAINRULE_THOROUGH set, every pair of output activation and loss at every depth 1..6, and more
random networks, with the conventions sampled.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from chainrule.derivation import derive
from chainrule.derivation.conventions import LAYOUTS, PLACES, SAMPLES
from chainrule.nn.losses import LOSSES
from chainrule.notation.style import NOTATIONS
from chainrule.ops import ACTIVATIONS

THOROUGH = "CHAINRULE_THOROUGH" in os.environ
CONVENTIONS = list(itertools.product(PLACES, SAMPLES, LAYOUTS, NOTATIONS))
# A logarithm of the output needs an output between 0 and 1, or above 0.
NEEDS = {
    "cross_entropy": ("softmax", "sigmoid", "softplus"),
    "binary_cross_entropy": ("softmax", "sigmoid"),
    "poisson": ("softmax", "sigmoid", "softplus"),
}


def pairs() -> list[tuple[str, str]]:
    return [(a, loss) for loss in LOSSES for a in ACTIVATIONS if a in NEEDS.get(loss, (a,))]


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


def test_every_printed_line_is_true() -> None:
    lines, count, worst = 0, 0, 0.0
    failures = []
    for text, loss, conventions in cases():
        report = derive(text, loss=loss, **conventions).verify()
        lines, count, worst = lines + report.lines, count + 1, max(worst, report.worst)
        if not report.ok:
            failures.append(f"{text} {loss} {conventions}: {report.failures[0]}")
    print(f"{count} networks, {lines} lines, worst relative error {worst:.1e}, {len(failures)} failures")
    assert not failures, "\n".join(failures[:10])
    assert count >= (1000 if THOROUGH else 16)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_combination_of_conventions(place: Any, layout: Any) -> None:
    for samples, style in itertools.product(SAMPLES, NOTATIONS):
        d = derive("3-4:tanh-2:softmax", place=place, samples=samples, layout=layout, style=style)
        d.verify(steps=False).check()
