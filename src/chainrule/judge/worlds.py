"""The worlds in which a formula is tried: random networks of distinct and of equal widths, several losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from ..meaning.functions import NOT_ENTRYWISE
from ..meaning.world import FLAT, NO_NUMBER, Comparison, Convention, World
from ..nn import Activate, Dense, Network
from ..notation.formula import Binary, Equation, Number, Symbol
from .budget import PER_COMPARISON, Budget
from .definitions import Definitions, definitions
from .parts import places
from .verdict import Declared

SAMPLES = 7
DISTINCT = (3, 5, 4, 2, 6, 3, 5)
EQUAL = 4
HIGHEST = 16  # layers of a network that is tried

# Where no network is given: an output activation with the loss that it is made for, and one that does not match.
# The hidden activations differ from layer to layer, so that g[l] is not g[l+1].
PAIRS = (
    (("tanh", "softplus", "sigmoid"), "softmax", "cross_entropy"),
    (("softplus", "tanh", "silu"), "sigmoid", "binary_cross_entropy"),
    (("sigmoid", "tanh", "softplus"), "identity", "quadratic"),
    (("softplus", "sigmoid", "silu"), "tanh", "quadratic"),
    (("tanh", "silu", "softplus"), "sigmoid", "sum_of_squares"),
)
# Tried where a formula holds for none of those.
MORE_PAIRS = (
    (("silu", "sigmoid", "tanh"), "identity", "sum_of_squares"),
    (("tanh", "softplus", "silu"), "sigmoid", "quadratic"),
)


@dataclass(frozen=True)
class Case:
    """One pair of output activation and loss, in all its worlds."""

    name: str
    worlds: tuple[World, ...]


@dataclass
class Survey:
    """How a formula fared: per case and per value of its general layer.

    held, failed  case -> bindings as text
    first         the first comparison that is not equal, and the world it was made in
    vectorial     all failures are of g' where g does not act entry by entry, so that g' is no vector
    flat          it holds if sums keep their dimension
    refuted       somewhere the sides have other numbers or shapes
    dotted        all failures are of a `·` whose factors do not fit as a product of matrices
    """

    cases: tuple[str, ...] = ()
    held: dict[str, set[str]] = field(default_factory=dict)
    failed: dict[str, set[str]] = field(default_factory=dict)
    first: Comparison | None = None
    world: World | None = None
    vectorial: bool = True
    flat: bool = False
    dotted: bool = True
    refuted: bool = False

    @property
    def everywhere(self) -> bool:
        """It holds in every world for every binding, and was tried at least once."""
        return bool(self.held) and not self.failed

    @property
    def holding(self) -> tuple[str, ...]:
        """The cases in which it holds for every binding."""
        return tuple(c for c in self.cases if self.held.get(c) and not self.failed.get(c))

    @property
    def narrowest(self) -> tuple[set[str], tuple[str, ...]]:
        """Values of the general layer for which it held in every world, and the cases in which it did."""
        for cases in (self.cases, tuple(c for c in self.cases if self.held.get(c, set()) - self.failed.get(c, set()))):
            held = [self.held.get(c, set()) - self.failed.get(c, set()) for c in cases]
            good = set.intersection(*held) if held else set()
            if good and all(good):
                return good, cases
        return set(), ()


@dataclass(frozen=True)
class Worlds:
    """All cases of one declared meaning under one convention; `more` are tried where a formula holds in none."""

    cases: tuple[Case, ...]
    depth: int
    more: tuple[Case, ...] = ()

    def survey(self, equation: Equation, budget: Budget | None = None) -> Survey:
        """Try the formula in every world with every binding; what it costs is taken from the budget."""
        found = self._surveyed(self.cases, equation, budget)
        if self.more and not found.held and found.refuted:
            other = self._surveyed(self.more, equation, budget)
            if other.held:
                both = {**found.failed, **other.failed}
                return replace(
                    other, cases=found.cases + other.cases, failed=both, first=found.first, world=found.world
                )
        return found

    def _surveyed(self, cases: tuple[Case, ...], equation: Equation, budget: Budget | None) -> Survey:
        found = Survey(tuple(c.name for c in cases))
        for case in cases:
            for world in case.worlds:
                for binding in world.bindings(equation):
                    comparison = world.compare(equation, binding)
                    if budget is not None:
                        budget.spend(comparison.work + PER_COMPARISON)
                    if _without_value(comparison, world):
                        continue
                    table = found.held if comparison.status == "equal" else found.failed
                    table.setdefault(case.name, set()).add(_named(binding, self.depth))
                    found.flat = found.flat or (comparison.status == "equal" and comparison.message == FLAT)
                    if comparison.status != "equal":
                        found.vectorial = found.vectorial and _vectorial(comparison)
                        found.dotted = found.dotted and (_vectorial(comparison) or _at_a_dot(comparison, equation))
                        found.refuted = found.refuted or comparison.status in ("different", "shape")
                        if found.first is None:
                            found.first, found.world = comparison, world
        return found

    def support(self, equation: Equation, budget: Budget | None = None) -> int:
        """The number of cases in which the formula holds in every world for every binding."""
        held = sum(self._holds(case, equation, budget) for case in self.cases)
        return held or sum(self._holds(case, equation, budget) for case in self.more)

    def _holds(self, case: Case, equation: Equation, budget: Budget | None) -> bool:
        tried = False
        for world in case.worlds:
            for binding in world.bindings(equation):
                comparison = world.compare(equation, binding, place=False)
                if budget is not None:
                    budget.spend(comparison.work + PER_COMPARISON)
                if _without_value(comparison, world):
                    continue
                if comparison.status == "equal":
                    tried = True
                elif not _vectorial(comparison):
                    return False
        return tried

    def binding(self, equation: Equation) -> Mapping[str, int] | None:
        """A value of the general layer that has neighbors on both sides, where there is one."""
        all_ = self.cases[0].worlds[0].bindings(equation)
        inner = [b for b in all_ if all(n > 1 for n in b.values())]
        return next(iter(inner or all_), None)


def _without_value(comparison: Comparison, world: World) -> bool:
    """A logarithm or root of a negative number: nothing is said of such numbers."""
    negative = world.model.convention.signs != "positive"
    return negative and comparison.status == "undefined" and comparison.message == NO_NUMBER


def _at_a_dot(comparison: Comparison, equation: Equation) -> bool:
    """The factors of a `·` do not fit as a product of matrices."""
    if comparison.status != "shape" or not comparison.path:
        return False
    part = equation.at(comparison.path)
    return isinstance(part, Binary) and part.sign == "·"


def _vectorial(comparison: Comparison) -> bool:
    """It asks for g' of a function such as the soft-max."""
    return comparison.status == "undefined" and NOT_ENTRYWISE in comparison.message


def _named(binding: Mapping[str, int], depth: int) -> str:
    """`l = 2`, and `l = L` for the last layer."""
    return ", ".join(f"{k} = {'L' if v == depth else v}" for k, v in sorted(binding.items()))


def highest_layer(equation: Equation) -> int:
    """The largest number of a layer that the formula names."""
    found = 0
    for place in places(equation):
        if place.role == "layer" and isinstance(place.part, Number) and place.part.value.denominator == 1:
            found = max(found, int(place.part.value))
    return found


def span(equation: Equation) -> int:
    """How many layers must follow one another for the formula's general layers to exist: 3 for l-1, l, l+1."""
    offsets = {0}
    for place in places(equation):
        part = place.part
        inner = place.role == "layer" and isinstance(part, Binary) and part.left != Symbol("L")
        if inner and isinstance(part, Binary) and isinstance(part.right, Number):
            offsets.add(int(part.right.value) if part.sign == "+" else -int(part.right.value))
    return max(offsets) - min(offsets) + 1


def is_general(equation: Equation) -> bool:
    """A layer is named by a letter other than L."""
    return any(p.role == "layer" and isinstance(p.part, Symbol) and p.part.name != "L" for p in places(equation))


Shapes = tuple[tuple[str, tuple[int, int]], ...]


def worlds(
    declared: Declared,
    convention: Convention,
    depth: int,
    *,
    numbers: int = 0,
    own: bool = False,
    shapes: Shapes = (),
    inputs: int = 0,
) -> Worlds:
    """The worlds of a declared meaning: its network with other widths, or several networks, `depth` layers deep.

    Depth 0 has no network at all: every letter is any number, a matrix of those `shapes`, or any function. With
    `numbers` = 1 the output is a number, with 2 the input too, with 3 all. With `own` the declared network keeps its
    widths; `inputs` is the number of entries of x where it is known.
    """
    known = definitions(declared)
    if depth == 0:
        return _without_network(convention, known, shapes)
    kind = (declared.network, declared.loss, declared.output)
    return _worlds(*kind, convention, known, declared.free, depth, numbers, own, inputs)


@lru_cache(maxsize=64)
def _without_network(convention: Convention, known: Definitions, shapes: Shapes) -> Worlds:
    signs: tuple[Literal["positive", "negative", "mixed"], ...] = ("positive",) * 3
    if convention.signs == "mixed":
        signs = ("positive", "negative", "mixed", "mixed")
    found = tuple(
        World.free(seed, definitions=known.by_letter, shapes=dict(shapes), convention=replace(convention, signs=each))
        for seed, each in enumerate(signs)
    )
    return Worlds((Case("any numbers", found),), 0)


@lru_cache(maxsize=256)
def _worlds(
    network: str | None,
    loss: str | None,
    output: str,
    convention: Convention,
    known: Definitions,
    free: tuple[str, ...],
    depth: int,
    numbers: int,
    own: bool,
    inputs: int,
) -> Worlds:
    cases = []
    declared = widths_of(network) if network is not None else ()
    if declared[-1:] == (1,):
        numbers = max(numbers, 1)
    pairs = tuple(_pairs(network, loss, output))
    for hidden, last, pair_loss in pairs:
        if numbers and last == "softmax" and network is None:
            continue
        acts = (*stretched(hidden, depth - 1), last)
        name = f"{last} with {pair_loss.replace('_', ' ')}"
        shapes = [(_widths(depth, True), 0), (_widths(depth, False), 1)]
        if network is not None:
            shapes.append((_widths(depth, True), 2))
        if own:
            shapes = [(declared, 0), (declared, 1)]
        found = []
        for widths, seed in shapes:
            narrowed = widths if own else _narrowed(widths, numbers)
            string = _string((inputs, *narrowed[1:]) if inputs and not own else narrowed, acts)
            found.append(
                World.of_network(
                    string,
                    pair_loss,
                    m=SAMPLES - 2 * (seed == 1),  # so that no number stands for m
                    seed=seed,
                    convention=convention,
                    definitions=known.by_letter,
                    free_letters=free,
                )
            )
        cases.append(Case(name, tuple(found)))
    usual = len(cases) - (sum(p in MORE_PAIRS for p in pairs) if network is None and loss is None else 0)
    return Worlds(tuple(cases[:usual]), depth, tuple(cases[usual:]))


def _pairs(network: str | None, loss: str | None, said: str) -> Iterable[tuple[tuple[str, ...], str, str]]:
    if network is None:
        known = [p for p in PAIRS + MORE_PAIRS if loss in (None, p[2]) and said in ("", p[1])]
        yield from known
        if not known:
            output = said or "identity"
            yield ("tanh", "softplus", "sigmoid"), output, loss or _loss_for(output)
        return
    *hidden_given, output = activations(network)
    losses = [loss] if loss is not None else [_loss_for(output)]
    for chosen in losses:
        yield tuple(hidden_given) or ("tanh",), output, chosen


def _loss_for(output: str) -> str:
    return {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}.get(output, "quadratic")


_parsed = lru_cache(maxsize=64)(Network.parse)


def activations(network: str) -> tuple[str, ...]:
    """The activations of a network string, layer by layer."""
    found: list[str] = []
    for layer in _parsed(network).layers:
        if isinstance(layer, Dense):
            found.append(layer.activation if isinstance(layer.activation, str) else "identity")
        elif isinstance(layer, Activate) and found:
            found[-1] = layer.activation if isinstance(layer.activation, str) else found[-1]
    return tuple(found)


def widths_of(network: str) -> tuple[int, ...]:
    """n_0, …, n_L of a network string."""
    net = _parsed(network)
    return (net.inputs, *(layer.units for layer in net.layers if isinstance(layer, Dense)))


def may_be_one_unit(declared: Declared) -> bool:
    """One output is possible: a soft-max, which of one unit is 1, and its loss ask for several."""
    if declared.network is not None:
        return activations(declared.network)[-1] != "softmax"
    return declared.loss != "cross_entropy" and declared.output != "softmax"


def with_output(network: str, activation: str) -> str:
    """The network string with another output activation."""
    *parts, last = network.split("-")
    return "-".join([*parts, f"{last.split(':')[0]}:{activation}"])


def stretched(hidden: Sequence[str], count: int) -> tuple[str, ...]:
    """As many hidden activations as there are hidden layers: the given ones, again and again."""
    return tuple(hidden[i % len(hidden)] for i in range(count))


def _widths(depth: int, distinct: bool) -> tuple[int, ...]:
    if not distinct:
        return (EQUAL,) * (depth + 1)
    return tuple(DISTINCT[i % len(DISTINCT)] for i in range(depth + 1))


def _narrowed(widths: tuple[int, ...], numbers: int) -> tuple[int, ...]:
    """One output for `numbers` = 1, one input too for 2, and one unit in every layer for 3."""
    if numbers == 3:
        return (1,) * len(widths)
    if numbers:
        widths = (*widths[:-1], 1)
    return (1, *widths[1:]) if numbers == 2 else widths


def _string(widths: Sequence[int], acts: Sequence[str]) -> str:
    parts = [str(widths[0])]
    parts += [f"{n}:{a}" for n, a in zip(widths[1:], acts, strict=True)]
    return "-".join(parts)


def convention_of(declared: Declared, samples: str, **changes: Any) -> Convention:
    """The declared convention, with what was not declared taken as usual."""
    base = Convention()
    chosen: dict[str, Any] = {"samples": samples}
    if declared.place is not None:
        chosen["place"] = declared.place
    if declared.rows is not None:
        chosen["rows"] = declared.rows
    if declared.layout is not None:
        chosen["layout"] = declared.layout
    return replace(base, **{**chosen, **dict(declared.conventions), **changes})
