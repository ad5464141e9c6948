"""The worlds in which the lines of a derivation itself are compared: a network's, or that of its cost as an expression.

A derivative in these worlds is a complex step through the forward equations; no backward rule is known there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...graph import Node, rename_dim, variables
from ...meaning.values import NoValueError
from ...meaning.world import Comparison, Convention, World
from ...nn import Dense, Network
from ...notation.formula import Binary, Call, Equation, Formula, Index, Number, Symbol
from ..general import WITHOUT_SLOPE
from ..subject import Subject
from .drawn import drawn, is_plain, parts
from .meaning import SAMPLES, Meaning
from .points import network_world, of_order_one

TOLERANCE = 1e-10
NOTHING = 1e-15  # what rounding leaves of zero, of the largest term that a line is made of
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
        if self.given is None:
            values, sizes = drawn(self.subject, self.seed)
            self.meaning = Meaning(self.subject, of_order_one(self.subject, values, sizes, self.seed), sizes)
        else:
            self.meaning = Meaning(self.subject, *self.given)

    def compare(self, equation: Equation, in_steps: bool) -> Comparison:
        """Compare the sides of an equation that was read."""
        plain = not in_steps and self.given is None and is_plain(self.subject)
        if self.subject.kind == "layer":
            return self._general(equation)
        meant = self.meaning.of(equation, plain)
        world = self.network if plain else self.expression(in_steps)
        return repeated(world, meant, {}, either=in_steps)

    def _general(self, equation: Equation) -> Comparison:
        """A line with a symbolic l, for every l of networks of several depths."""
        found = Comparison("unreadable", 0.0, "no layer to try it on")
        network, loss = self.subject.network, self.subject.loss
        assert network is not None
        meant = self.meaning.of(equation, True)
        for hidden in DEPTHS:
            tried = self._with_penalties(Network.parse(f"{hidden}:{network.output_activation}"))
            world = network_world(tried, loss, m=self.samples, seed=self.seed, convention=self.convention)
            entrywise = network.output_activation not in WITHOUT_SLOPE
            here = in_every_layer(world, meant, None if entrywise else hidden.count("-"))
            if here is not None:
                found = here if found.status != "equal" else replace(here, error=max(here.error, found.error))
                if found.status != "equal":
                    return found
        return found

    def _with_penalties(self, network: Network) -> Network:
        """A network each of whose layers has the penalties of a general layer, at the numbers of their letters."""
        factors = self.meaning.factors
        if not factors:
            return network
        l1, l2 = factors.get("l1", 0.0), factors.get("l2", 0.0)
        layers = tuple(replace(x, l1=l1, l2=l2) if isinstance(x, Dense) else x for x in network.layers)
        return Network(network.inputs, layers)

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
            self._network = network_world(
                str(subject.network), subject.loss, m=self.samples, seed=self.seed, convention=self.convention
            )
        return self._network

    def expression(self, in_steps: bool) -> World:
        """The cost as an expression, with every part that a line names; the steps go through its fused form."""
        if in_steps not in self._expressions:
            output, named = parts(self.subject, in_steps)
            if self.subject.kind == "expression":  # letters that cancelled are quantities too
                left = variables(output, *named.values())
                named |= {n: x for n, x in self.subject.found.names.items() if x.is_variable and n not in left}
            for dim, number in self.meaning.sizes.items():
                memo: dict[Node, Node] = {}
                named = {n: rename_dim(x, dim, number, memo) for n, x in named.items()}
                output = rename_dim(output, dim, number, memo)
            self._expressions[in_steps] = World.of_expression(output, self.meaning.values, "J", named=named)
        return self._expressions[in_steps]


def in_every_layer(world: World, meant: Formula, without: int | None = None) -> Comparison | None:
    """An equation for every l for which what it speaks of exists; None where there is no such l.

    without  the number of a layer whose activation does not work entry by entry: lines that say so do not hold there
    """
    found = None
    entries = any(_is_entrywise(p) for _, p in meant.walk())
    for bindings in world.bindings(meant):
        if entries and bindings.get("l") == without:
            continue
        here = repeated(world, meant, bindings)
        found = here if found is None else replace(here, error=max(here.error, found.error))
        if found.status != "equal":
            return found
    return found


def _is_entrywise(part: Formula) -> bool:
    """g'(z), or g of an entry."""
    if not isinstance(part, Call) or not isinstance(part.function, Symbol):
        return False
    return part.function.prime > 0 or (part.function.name == "g" and isinstance(part.arguments[0], Index))


def compared(world: World, meant: Formula, bindings: Mapping[str, int]) -> Comparison:
    """Compare the sides; two that vanish up to rounding, such as db before a batch normalization, are equal."""
    found = world.compare(meant, bindings, tolerance=TOLERANCE)
    if found.status in ("different", "undefined") and isinstance(meant, Equation):
        try:
            sides = max(_size(world, side, bindings) for side in meant.sides)
        except NoValueError:
            return found
        if sides <= NOTHING * max(_largest(world, part, bindings) for part in _terms(meant)):
            return Comparison("equal", 0.0, "both sides vanish")
    return found


def _terms(meant: Equation) -> Iterator[Formula]:
    """What the sides are made of, numbers apart: they vanish if these cancel."""
    return (part for side in meant.sides for _, part in side.walk() if not isinstance(part, Number))


def _size(world: World, part: Formula, bindings: Mapping[str, int]) -> float:
    return float(np.max(np.abs(world.value(part, bindings).array)))


def _largest(world: World, part: Formula, bindings: Mapping[str, int]) -> float:
    try:
        return _size(world, part, bindings)
    except NoValueError:  # a part such as an index, or a function without its argument
        return 0.0


def repeated(world: World, meant: Formula, bindings: Mapping[str, int], *, either: bool = False) -> Comparison:
    """Compare two sides where a row, a column or a number may stand for its repetition on the right, or on `either`.

    Steps rewrite parts of larger expressions, where what was repeated is written as itself on both sides.
    """
    found = compared(world, meant, bindings)
    if found.status != "shape" or not isinstance(meant, Equation) or len(meant.sides) != 2:
        return found
    left, right = meant.sides
    extended = compared(world, Equation((left, _like(right, left)), ("=",)), bindings)
    if extended.status == "shape" and either:
        extended = compared(world, Equation((_like(left, right), right), ("=",)), bindings)
    return extended


def _like(side: Formula, other: Formula) -> Formula:
    """A side in the shape of the other."""
    return Binary("+", side, Binary("∘", Number(Fraction(0)), other))


__all__ = ["DEPTHS", "NOTHING", "TOLERANCE", "Trials", "compared", "in_every_layer", "repeated"]
