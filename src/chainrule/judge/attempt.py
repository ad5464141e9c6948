"""One way to take a formula: what it is about, under which conventions, and in which networks it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..meaning.context import is_delta
from ..meaning.free import inferred
from ..meaning.functions import is_known
from ..meaning.letters import LOSSES
from ..meaning.named_losses import NAMED
from ..meaning.world import Convention
from ..notation.formula import Equation, Formula, Index, Sum, Symbol
from ..notation.write import GREEK
from .budget import Budget
from .conditions import BATCH, OF_THE_COST, SMALL, has_outputs
from .definitions import definitions_of
from .parts import index_letters, places, summed_call
from .probe import Probe
from .verdict import NO_NETWORK, Declared
from .worlds import Shapes, Survey, Worlds, activations, highest_layer, is_general, span, widths_of, worlds

_DEPTH = 3
_DEEPEST = 7


@dataclass(frozen=True)
class Attempt:
    """One way to take the text: the words of its condition, the formula, and where it is tried.

    inputs  how many entries x has, where the formula says so; 0: any number
    back  letters of ours with those that the text has for them, to be shown
    kind  the activation that all layers have, where none is declared
    """

    condition: str
    tree: Equation
    convention: Convention
    depth: int
    declared: Declared
    numbers: int = 0
    inputs: int = 0
    note: str = ""
    own: bool = False
    code: bool = False
    shapes: Shapes = ()
    back: tuple[tuple[Symbol, Formula], ...] = ()
    kind: str = ""

    @property
    def one_sample(self) -> bool:
        """It is tried for one sample, which neither the document nor the letters of the formula say."""
        usual = self.declared.samples or usual_samples(self.tree)
        return self.depth > 0 and self.convention.samples == "one" and usual == "batch"

    @property
    def worlds(self) -> Worlds:
        """The worlds of the declared meaning under this convention."""
        return worlds(
            self.declared,
            self.convention,
            self.depth,
            numbers=self.numbers,
            own=self.own,
            shapes=self.shapes,
            inputs=self.inputs,
        )

    def survey(self, budget: Budget | None = None) -> Survey:
        """The formula in all worlds."""
        return self.worlds.survey(self.tree, budget)

    def may_hold(self, budget: Budget) -> bool:
        """The formula holds in one world: most attempts end here."""
        return Probe(self.worlds, self.tree, budget)(self.tree)

    def _unknown_function(self, part: Symbol) -> bool:
        """A name of several letters that is called and means nothing; f is any function."""
        said = {
            *definitions_of(self.declared),
            *self.declared.free,
            "kronecker",
            "delta",
            "nabla",
            *GREEK,
            *LOSSES,
            *NAMED,
        }
        return len(part.name) > 1 and part.layer is None and part.name not in said and not is_known(part.name)

    def anything(self) -> tuple[str, ...]:
        """Functions, and letters that depend on others, of which nobody says what they are."""
        known = definitions_of(self.declared)
        called = [p.part.name for p in places(self.tree) if isinstance(p.part, Symbol) and p.role == "function"]
        names = [*inferred((*known.values(), self.tree), known, {}).depends, *called]
        said = {*known, *self.declared.free, "kronecker", "delta", "nabla", "d", *NAMED}
        return tuple(x for x in dict.fromkeys(names) if x not in said and not is_known(x))

    def unknown(self) -> frozenset[str]:
        """Names in the formula that mean nothing in these worlds: not even x = x can be evaluated."""
        world = self.worlds.cases[0].worlds[0]
        binding = next(iter(world.bindings(self.tree)), None)
        if binding is None:
            return frozenset()
        letters = index_letters(self.tree)
        found = set()
        for place in places(self.tree):
            part = place.part
            if isinstance(part, Symbol) and place.role == "function" and self._unknown_function(part):
                found.add(part.name)
            if isinstance(place.parent, Index) and is_delta(place.parent):
                continue  # the Kronecker delta, whose letter alone is nothing
            if isinstance(part, Symbol) and place.role == "operand" and part.name not in letters:
                itself = world.compare(Equation((part, part), ("=",)), binding)
                if itself.status in ("undefined", "unreadable"):
                    found.add(part.name)
        return frozenset(found)


def keeps_widths(base: Attempt) -> bool:
    """The declared network can be tried with its own widths."""
    network = base.declared.network
    if network is None or network == NO_NETWORK or base.own or base.declared.any_widths:
        return False
    return base.depth == len(widths_of(network)) - 1


def usual_samples(tree: Equation) -> Literal["batch", "one"]:
    """Small letters alone speak of one sample; capital letters, and gradients of the cost, of m."""
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "operand"}
    if names & BATCH or names & OF_THE_COST or any(isinstance(p.part, Symbol) and p.part.sample for p in places(tree)):
        return "batch"
    if any((isinstance(p.part, Sum) and not p.part.bounds) or summed_call(p.part) for p in places(tree)):
        return "batch"
    return "one" if names & SMALL else "batch"


def has_small_letters(tree: Equation) -> bool:
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "operand"}
    return bool(names & SMALL) and not names & BATCH


def depth_of(tree: Equation, declared: Declared) -> int:
    """Layers of the network in which the formula is tried."""
    own = 0
    if declared.network == NO_NETWORK:
        return 0
    if declared.network is not None:
        own = len(activations(declared.network))
    highest = highest_layer(tree)
    last = 0 if own else _last_defined(declared)
    if last and highest <= last:
        return last
    if own and not (is_general(tree) and not highest):
        return own
    return max(own, _DEPTH, highest + 1 if highest else 0, min(span(tree), _DEEPEST))


def _last_defined(declared: Declared) -> int:
    """2 where the document defines `r = 1/2 ‖z[2] - y‖²`: the layer that is compared with the targets is the last."""
    for formula in definitions_of(declared).values():
        layers = {x.layer for x in formula.parts if isinstance(x, Symbol) and x.layer is not None}
        if len(layers) == 1 and has_outputs(Equation((formula,))):
            return highest_layer(Equation((formula,)))
    return 0
