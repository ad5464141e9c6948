"""What a formula may be about: its plain meanings, and everything else that may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..meaning.world import Convention
from ..notation.formula import ONE, Equation, Index, Sum, Symbol
from .conditions import (
    BATCH,
    OF_THE_COST,
    SMALL,
    as_cost,
    conventions,
    has_outputs,
    read_otherwise,
    speaks_of_samples,
    with_layer,
)
from .parts import index_letters, layers_of, places, summed_call
from .verdict import NO_NETWORK, Declared
from .worlds import (
    Survey,
    Worlds,
    activations,
    definitions_of,
    highest_layer,
    is_general,
    span,
    widths_of,
    with_output,
    worlds,
)

_DEPTH = 3
_DEEPEST = 7


@dataclass(frozen=True)
class Attempt:
    """One way to take the text: the words of its condition, the formula, and where it is tried."""

    condition: str
    tree: Equation
    convention: Convention
    depth: int
    declared: Declared
    numbers: int = 0
    note: str = ""
    own: bool = False

    @property
    def worlds(self) -> Worlds:
        """The worlds of the declared meaning under this convention."""
        return worlds(self.declared, self.convention, self.depth, numbers=self.numbers, own=self.own)

    def survey(self) -> Survey:
        """The formula in all worlds."""
        return self.worlds.survey(self.tree)

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
            if isinstance(part, Symbol) and place.role == "operand" and part.name not in letters:
                itself = world.compare(Equation((part, part), ("=",)), binding)
                if itself.status in ("undefined", "unreadable"):
                    found.add(part.name)
        return frozenset(found)


Trees = list[tuple[Equation, str]]


def bases_of(taken: Trees, first: Attempt) -> list[tuple[Attempt, Trees]]:
    """The plain meanings of a formula, with its readings in each.

    One that names no layer is about a network of one layer, such as logistic regression: small w is a column as small
    x is, or a row, or all small letters are numbers. Without a network a formula may also be an identity.
    """
    plain, declared = first.tree, first.declared
    if declared.network == NO_NETWORK:
        return [(replace(first, depth=0), taken)]
    names = {p.part.name for p in places(plain) if isinstance(p.part, Symbol)}
    alone = declared.network is None or len(activations(declared.network)) == 1
    tree, bare = with_layer(plain, ONE)
    if layers_of(plain) or names & {*definitions_of(declared), *declared.free} or not bare or not alone:
        bases = [(first, taken)]
    else:
        small = (bool(names & SMALL) or "w" in names) and _may_be_one_unit(declared)
        filled = [(with_layer(t, ONE)[0], note) for t, note in taken]
        sums: dict[str, Any] = {"bare_sum": "samples"} if small else {}  # over its one entry it would be idle
        convention = replace(first.convention, **sums)
        one = replace(first, tree=tree, depth=1, numbers=1 if small else 0, convention=convention)
        bases = [(one, filled)]
        if ("w" in bare or "dw" in bare) and "transposed_weights" not in declared.conventions:
            column = replace(one.convention, transposed_weights=True)
            bases = [(replace(one, convention=column, note="w is a column"), filled)]
            bases.append((replace(one, note="w is a row"), filled))
        if small:
            bases.append((replace(one, numbers=2, note="all letters are numbers"), filled))
    bases += [
        (
            replace(b, tree=as_cost(t[0][0]), note=f"{b.note}; L is the cost" if b.note else "L is the cost"),
            _as_costs(t),
        )
        for b, t in bases
        if speaks_of_samples(b.tree)
    ]
    if not layers_of(plain) and not names & _GRADIENTS and declared.network is None:
        bases.append((replace(first, depth=0, note="an identity: it holds for any numbers"), taken))
    return bases


def _may_be_one_unit(declared: Declared) -> bool:
    """The declared network has one output, or none is declared; a soft-max of one number would be 1, whatever holds."""
    return declared.network is None or widths_of(declared.network)[-1] == 1


def _as_costs(trees: Trees) -> Trees:
    return [(as_cost(tree), note) for tree, note in trees]


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
    if own and not (is_general(tree) and not highest):
        return max(own, min(highest, own + 1))
    return max(own, _DEPTH, highest + 1 if highest else 0, min(span(tree), _DEEPEST))


def attempts(taken: Sequence[tuple[Equation, str]], base: Attempt, samples: str, survey: Survey) -> Iterator[Attempt]:
    """Everything else that may have been meant: one change first, then two."""
    plain, declared = base.tree, base.declared
    trees = [(note or "it is read otherwise", tree) for tree, note in taken[1:]]
    trees += [(v.condition, v.tree) for v in read_otherwise(plain)]
    if _counts_a_diagonal(plain) and survey.first is not None and survey.first.status == "shape":
        common = replace(base.convention, common_range=True)
        yield replace(base, condition="", note="an index that stands for two runs as far as both", convention=common)
    changes = list(conventions(declared, samples, plain))
    for words, tree in trees:
        yield replace(base, condition=words, tree=tree)
    for words, change in changes:
        yield replace(base, condition=words, convention=replace(base.convention, **change))
    if declared.network not in (None, NO_NETWORK) and base.depth == len(widths_of(declared.network)) - 1:
        widths = widths_of(declared.network)
        words = ", ".join(f"n_{i} = {n}" for i, n in enumerate(widths))
        told = len(set(widths)) == len(widths)  # else a transpose too much would not be seen
        yield replace(base, condition="" if told else words, note=f"it holds for {words}" if told else "", own=True)
    highest = highest_layer(plain)
    if declared.network is None and 1 < highest < base.depth:
        yield replace(base, condition=f"layer {highest} is the last (L = {highest})", depth=highest)
    if declared.network is None and not base.numbers and base.depth > 1 and has_outputs(plain):
        yield replace(base, condition="there is one output unit", numbers=1)
    if declared.network is None and not base.numbers and base.depth > 1 and not has_outputs(plain):
        for kind in _kinds(plain):
            same = replace(declared, network=f"3-{'-'.join(f'{i + 4}:{kind}' for i in range(base.depth))}")
            yield replace(base, condition=f"all activations are {kind}", declared=same)
    if "!=" in plain.relations and declared.network not in (None, NO_NETWORK):
        other = replace(declared, network=with_output(declared.network, "softmax"), loss=None)
        yield replace(base, condition="the output layer is a soft-max", declared=other)
    if survey.vectorial and survey.failed and declared.network is not None:
        other = replace(declared, network=with_output(declared.network, "sigmoid"), loss=declared.loss)
        yield replace(base, condition=ENTRYWISE, declared=other)
    for words, tree in trees:
        for again in read_otherwise(tree):
            yield replace(base, condition=f"{words}, and {again.condition}", tree=again.tree)
        for more, change in changes:
            both = replace(base.convention, **change)
            yield replace(base, condition=f"{words}, and {more}", tree=tree, convention=both)


def _kinds(tree: Equation) -> tuple[str, ...]:
    """Activations that a formula which names no g may be about, by its functions or by a (1 - a) and 1 - a^2."""
    called = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "function"}
    if called & {"g", "f", "h", "phi"}:
        return ()
    return ("sigmoid", "tanh", "relu") if "relu" in called else ("sigmoid", "tanh")


def _counts_a_diagonal(tree: Equation) -> bool:
    """`W_kk`: one letter for row and column."""
    pairs = (p.part.entries for p in places(tree) if isinstance(p.part, Index) and len(p.part.entries) == 2)
    return any(a == b and isinstance(a, Symbol) for a, b in pairs)


ENTRYWISE = "g acts entry by entry, which the soft-max does not"
_GRADIENTS = frozenset({"dz", "da", "dw", "db", "dW", "dZ", "dA", "L", "J", "C"})
