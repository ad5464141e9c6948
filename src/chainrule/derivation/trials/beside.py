"""The worlds of sections that stand beside a derivation: proofs, activations, two ways, laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...graph import Node, Shape, rename_dim, variables, walk
from ...meaning.world import Comparison, Convention, World
from ...nn import Dense, Network
from ...notation.formula import Equation, Formula, Index, Negate, Partial, Symbol
from ..document import Line, Section
from ..settings import EveryLayer, InColumns, LastLayer, OneSample, Quantities, Stated
from .derived import DEPTHS, Trials, compared, in_every_layer, repeated
from .drawn import is_plain
from .meaning import SAMPLES, Meaning
from .points import network_world

Compare = Callable[[Equation], Comparison]
SEEDS = (1, 2)  # of the numbers for letters that a section states
_REAL = (0.2, 1.4)
_BELOW_ZERO = Equation((Symbol("z"), Negate(Symbol("t"))), (":=",))


def comparing(section: Section, trials: Trials) -> Compare:
    """How the lines of a section with a setting of its own are compared."""
    match section.setting:
        case Stated():
            stated = {n: trials.meaning.known(f) for n, f in definitions(section).items()}
            worlds = [World.free(seed, definitions=stated) for seed in SEEDS]
            if section.kind == "activation" and "z" not in stated:  # numbers are positive, and g may have two branches
                worlds.append(World.free(SEEDS[0], definitions={**stated, "z": _BELOW_ZERO}))
            return _everywhere(worlds, trials.meaning)
        case EveryLayer():
            return _every_layer(trials.meaning)
        case LastLayer(loss=loss, activation=activation):
            network = Network(3, (Dense(4, "tanh"), Dense(3, activation)))
            return _everywhere([network_world(network, loss, m=SAMPLES)], trials.meaning)
        case Quantities(output=output, named=named, within=within):
            return _quantities(output, named, within, trials)
        case InColumns():
            return _in_columns(trials)
        case OneSample():
            plain = replace(trials.subject.conventions, samples="one", layout="denominator")
            alone = Trials(replace(trials.subject, conventions=plain), trials.seed)
            return lambda equation: alone.compare(equation, False)
    raise TypeError(f"{section.setting!r} is no setting with a world")


def definitions(section: Section) -> dict[str, Formula]:
    """The letters that the lines of a section define, and those of its parts without a setting of their own."""
    found: dict[str, Formula] = {}
    for line in own_lines(section):
        left = line.formula.sides[0]
        if line.formula.relations[0] == ":=":
            base = left.base if isinstance(left, Index) else left
            if isinstance(base, Symbol):
                found[base.name] = line.formula
    return found


def own_lines(section: Section) -> Iterator[Line]:
    """The lines of a section and of its parts for which its setting holds."""
    yield from section.lines
    for part in section.parts:
        if part.setting is None:
            yield from own_lines(part)


def _everywhere(worlds: list[World], meaning: Meaning) -> Compare:
    def compare(equation: Equation) -> Comparison:
        meant = meaning.known(equation)
        error = 0.0
        for world in worlds:
            found = compared(world, meant, {})
            if found.status != "equal":
                return found
            error = max(error, found.error)
        return replace(found, error=error)

    return compare


def _every_layer(meaning: Meaning) -> Compare:
    worlds = [network_world(f"{hidden}:softplus", "quadratic", m=SAMPLES) for hidden in DEPTHS]

    def compare(equation: Equation) -> Comparison:
        meant = meaning.known(equation).mapped(_of_sample)
        found = [in_every_layer(world, meant) for world in worlds]
        tried = [x for x in found if x is not None]
        if not tried:
            return Comparison("unreadable", 0.0, "there is no layer to try it on")
        wrong = next((x for x in tried if x.status != "equal"), None)
        return wrong or replace(tried[0], error=max(x.error for x in tried))

    return compare


def _of_sample(x: Formula) -> Formula:
    """L^{(k)} is the loss of sample k also where a style puts layers into parentheses, for a loss has no layers."""
    if isinstance(x, Symbol) and x.name == "L" and x.layer is not None and x.sample is None:
        return Symbol("L", None, x.layer, x.prime)
    return x


def _quantities(
    output: Node, named: Mapping[str, Node], within: Mapping[str, tuple[float, float]], trials: Trials
) -> Compare:
    sizes = {"m": SAMPLES}
    for n in walk(output, *named.values()):
        for d in n.shape:
            if isinstance(d, str) and d not in sizes:
                sizes[d] = 2 + len(sizes)

    def sized(n: Node) -> Node:
        for dim, number in sizes.items():
            n = rename_dim(n, dim, number)
        return n

    output, named = sized(output), {name: sized(n) for name, n in named.items()}
    rng = np.random.default_rng(1)
    values = {n: _values(x, within.get(n, _REAL), rng) for n, x in variables(output, *named.values()).items()}
    world = World.of_expression(output, values, "J", named=named)
    classes = next((x.shape.rows for x in walk(output) if x.op.name == "pick" for x in x.inputs[:1]), None)
    meaning = Meaning(trials.subject, values, sizes, classes if isinstance(classes, int) else None)

    def compare(equation: Equation) -> Comparison:
        return repeated(world, _of_cost(meaning.known(equation), "L" if "C" in named else "LC"), {})

    return compare


def _of_cost(f: Formula, letters: str) -> Formula:
    """∂L/∂X and ∂C/∂X as ∂J/∂X: there is one cost, and it has no samples."""

    def change(x: Formula) -> Formula:
        if isinstance(x, Partial) and isinstance(x.numerator, Symbol) and x.numerator.name in letters:
            return Partial(Symbol("J"), x.denominator)
        return x

    return f.mapped(change)


def _values(x: Node, within: tuple[float, float], rng: np.random.Generator) -> Any:
    shape = Shape(*x.shape).bind({})
    if x.get("kind") == "label":
        return rng.integers(0, 2, shape)
    if x.get("kind") == "counter":
        return np.array([[3]])
    if "columns sum to one" in x.get("assume"):
        return rng.dirichlet(np.ones(shape[0]), shape[1]).T
    if "rows sum to one" in x.get("assume"):
        return rng.dirichlet(np.ones(shape[1]), shape[0])
    return rng.uniform(*within, shape)


def _in_columns(trials: Trials) -> Compare:
    """Steps of the network that was derived; of an expression, in its own letters."""
    subject = trials.subject
    if subject.kind == "expression":
        world = trials.expression(True)
        return lambda equation: compared(world, trials.meaning.known(equation), {})
    if not is_plain(subject) or subject.network is None:
        reason = "letters of one sample have no numbers in a network with normalization, embeddings or labels"
        return lambda equation: Comparison("unreadable", 0.0, reason)
    world = network_world(str(subject.network), subject.loss, m=SAMPLES, convention=Convention())

    def compare(equation: Equation) -> Comparison:
        meant = trials.meaning.known(equation)
        found = None
        for bindings in world.bindings(meant):
            found = compared(world, meant, bindings)
            if found.status != "equal":
                return found
        return found or Comparison("unreadable", 0.0, "there is no layer to try it on")

    return compare


__all__ = ["Compare", "comparing", "definitions", "own_lines"]
