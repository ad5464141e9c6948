"""The worlds in which the lines of a derivation itself are compared: a network's, or that of its cost as an expression.

A derivative in these worlds is a complex step through the forward equations; no backward rule is known there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import Node, rename_dim
from ...meaning.world import Comparison, Convention, World
from ...notation.formula import Binary, Call, Equation, Formula, Number, Symbol
from ...notation.from_graph import symbol
from ..subject import Subject
from .drawn import drawn, is_plain, parts
from .meaning import SAMPLES, Meaning

TOLERANCE = 1e-10
POINTS = 20  # tried until one is found at which the output does not underflow
SMALLEST = 1e-9  # output of a network that a loss may be divided by
NOTHING = 1e-14  # of quantities of order 1: what rounding leaves of zero
DEPTHS = ("3-5:tanh-4:sigmoid-6:tanh-2", "4-3:softplus-5:gelu-3")  # where a general layer is tried; then `:activation`


@dataclass
class Trials:
    """The worlds of one derivation, and what the printed lines mean there.

    given  numbers of the variables and of the sizes; None: drawn by the seed
    """

    subject: Subject
    seed: int = 0
    given: tuple[Mapping[str, Any], Mapping[str, int]] | None = None
    _network: World | None = field(default=None, init=False)
    _expressions: dict[bool, World] = field(default_factory=dict, init=False)
    meaning: Meaning = field(init=False)

    def __post_init__(self) -> None:
        values, sizes = drawn(self.subject, self.seed) if self.given is None else self.given
        self.meaning = Meaning(self.subject, values, sizes)

    @classmethod
    def usable(cls, subject: Subject, seed: int) -> Trials:
        """At a point where the output does not underflow, for a quotient by it has no accurate number."""
        tried = (cls(subject, seed + k) for k in range(POINTS))
        return next((t for t in tried if t.is_usable), cls(subject, seed))

    def compare(self, equation: Equation, in_steps: bool) -> Comparison:
        """Compare the sides of an equation that was read."""
        plain = not in_steps and self.given is None and is_plain(self.subject)
        if self.subject.kind == "layer":
            return self._general(equation, in_steps)
        meant = self.meaning.of(equation, plain)
        world = self.network if plain else self.expression(in_steps)
        return repeated(world, meant, {}) if in_steps else compared(world, meant, {})

    def _general(self, equation: Equation, in_steps: bool) -> Comparison:
        """A line with a symbolic l, for every l of networks of several depths."""
        found = Comparison("unreadable", 0.0, "no layer to try it on")
        network, loss = self.subject.network, self.subject.loss
        assert network is not None
        meant = self.meaning.of(equation, True)
        for hidden in DEPTHS:
            text = f"{hidden}:{network.output_activation}"
            world = World.of_network(text, loss, m=self.samples, seed=self.seed, convention=self.convention)
            here = in_every_layer(world, meant, hidden.count("-"), in_steps)
            if here is not None:
                found = here if found.status != "equal" else replace(here, error=max(here.error, found.error))
                if found.status != "equal":
                    return found
        return found

    @property
    def is_usable(self) -> bool:
        """Whether the output of the network, by which losses divide, is far from what rounding loses."""
        if not is_plain(self.subject) or self.subject.kind != "network":
            return True
        output = self.network.value(symbol(list(self.subject.forward)[-1])).array
        return bool(np.all((output == 0) | (np.abs(output) >= SMALLEST)))

    @property
    def samples(self) -> int:
        return 1 if self.subject.conventions.one else SAMPLES

    @property
    def convention(self) -> Convention:
        c = self.subject.conventions
        return Convention(
            place="dZ" if c.place == "dZ" else "parameters", samples="one" if c.one else "batch", rows=c.rows
        )

    @property
    def network(self) -> World:
        if self._network is None:
            subject = self.subject
            assert subject.network is not None
            assert subject.loss is not None
            self._network = World.of_network(
                str(subject.network), subject.loss, m=self.samples, seed=self.seed, convention=self.convention
            )
        return self._network

    def expression(self, in_steps: bool) -> World:
        """The cost as an expression, with every part that a line names; the steps go through its fused form."""
        if in_steps not in self._expressions:
            output, named = parts(self.subject, in_steps)
            for dim, number in self.meaning.sizes.items():
                memo: dict[Node, Node] = {}
                named = {n: rename_dim(x, dim, number, memo) for n, x in named.items()}
                output = rename_dim(output, dim, number, memo)
            self._expressions[in_steps] = World.of_expression(output, self.meaning.values, "J", named=named)
        return self._expressions[in_steps]


def in_every_layer(world: World, meant: Formula, last: int | None = None, in_steps: bool = False) -> Comparison | None:
    """An equation for every l for which what it speaks of exists; None where there is no such l.

    last  the number of an output layer whose activation is the loss's business and may not work entry by entry
    """
    found = None
    slope = any(
        isinstance(p, Call) and isinstance(p.function, Symbol) and p.function.prime > 0 for _, p in meant.walk()
    )
    for bindings in world.bindings(meant):
        if slope and bindings.get("l") == last:
            continue
        here = repeated(world, meant, bindings) if in_steps else compared(world, meant, bindings)
        found = here if found is None else replace(here, error=max(here.error, found.error))
        if found.status != "equal":
            return found
    return found


def compared(world: World, meant: Formula, bindings: Mapping[str, int]) -> Comparison:
    """Compare the sides; two that vanish up to rounding, such as db before a batch normalization, are equal."""
    found = world.compare(meant, bindings, tolerance=TOLERANCE)
    if found.status == "different" and isinstance(meant, Equation):
        sides = [world.value(side, bindings).array for side in meant.sides]
        if all(np.max(np.abs(x)) <= NOTHING for x in sides):
            return Comparison("equal", 0.0, "both sides vanish")
    return found


def repeated(world: World, meant: Formula, bindings: Mapping[str, int]) -> Comparison:
    """Compare two sides where a row, a column or a number may stand for its repetition."""
    found = compared(world, meant, bindings)
    if found.status == "shape" and isinstance(meant, Equation) and len(meant.sides) == 2:
        left, right = meant.sides
        zero = Binary("∘", Number(Fraction(0)), left)
        return compared(world, Equation((left, Binary("+", right, zero)), ("=",)), bindings)
    return found


__all__ = ["DEPTHS", "TOLERANCE", "Trials", "compared", "in_every_layer", "repeated"]
