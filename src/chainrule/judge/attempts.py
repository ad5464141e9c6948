"""What a formula may be about: its plain meanings, and everything else that may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..meaning.context import is_delta
from ..meaning.free import inferred
from ..meaning.functions import is_known
from ..meaning.letters import LOSSES
from ..meaning.named_losses import NAMED
from ..meaning.world import Convention
from ..notation.formula import Binary, Call, Equation, Index, Number, Sum, Symbol, Transpose
from ..notation.write import GREEK
from .budget import Budget
from .conditions import (
    BATCH,
    OF_THE_COST,
    SMALL,
    dots,
    has_outputs,
    read_otherwise,
)
from .conventions import conventions
from .parts import index_letters, places, summed_call
from .probe import Probe
from .verdict import NO_NETWORK, Declared
from .worlds import (
    Shapes,
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
    """One way to take the text: the words of its condition, the formula, and where it is tried.

    back  letters of ours with those that the text has for them, to be shown
    """

    condition: str
    tree: Equation
    convention: Convention
    depth: int
    declared: Declared
    numbers: int = 0
    note: str = ""
    own: bool = False
    code: bool = False
    shapes: Shapes = ()
    back: tuple[tuple[Symbol, Symbol], ...] = ()

    @property
    def worlds(self) -> Worlds:
        """The worlds of the declared meaning under this convention."""
        return worlds(
            self.declared, self.convention, self.depth, numbers=self.numbers, own=self.own, shapes=self.shapes
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
    if network is None or network == NO_NETWORK or base.own:
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
    if own and not (is_general(tree) and not highest):
        return max(own, min(highest, own + 1))
    return max(own, _DEPTH, highest + 1 if highest else 0, min(span(tree), _DEEPEST))


def attempts(taken: Sequence[tuple[Equation, str]], base: Attempt, samples: str, survey: Survey) -> Iterator[Attempt]:
    """Everything else that may have been meant: one change first, then two."""
    plain, declared = base.tree, base.declared
    trees = [(note or "it is read otherwise", tree) for tree, note in taken[1:]]
    one_layer = declared.network not in (None, NO_NETWORK) and base.depth == 1
    others = list(read_otherwise(plain, base.code))
    trees += [("" if v.filled and one_layer else v.condition, v.tree) for v in others]
    if _counts_a_diagonal(plain) and survey.first is not None and survey.first.status == "shape":
        common = replace(base.convention, common_range=True)
        yield replace(base, condition="", note="an index that stands for two runs as far as both", convention=common)
    if survey.failed and survey.dotted:
        for v in dots(plain):
            note = f"{v.condition}: its factors do not fit as a product of matrices"
            yield replace(base, condition="", note=note, tree=v.tree)
    if base.depth == 0 and _asks_positive(plain):
        positive = replace(base.convention, signs="positive")
        yield replace(base, condition="the numbers are positive", convention=positive)
    square = [name for name, (rows, cols) in base.shapes if rows == cols > 1]
    if square and set(square) <= _of_quadratic_forms(plain):
        words = f"{', '.join(square)} {'is' if len(square) == 1 else 'are'} symmetric"
        yield replace(base, condition=words, convention=replace(base.convention, symmetric=True))
    beside = entry_by_entry(base)
    if beside is not None:
        yield beside
    changes = list(conventions(declared, samples, plain))
    for words, tree in trees:
        yield replace(base, condition=words, tree=tree)
    for words, change in changes:
        yield replace(base, condition=words, convention=replace(base.convention, **change))
    if declared.network is not None and keeps_widths(base):
        widths = widths_of(declared.network)
        words = ", ".join(f"n_{i} = {n}" for i, n in enumerate(widths))
        own = replace(base, note=f"it holds for {words}", own=True)
        yield own
        for more, change in changes:
            if change.keys() <= {"samples", "rows", "place"}:
                yield replace(own, condition=more, convention=replace(base.convention, **change))
    if declared.layout == "numerator":
        words = "a derivative by a matrix has the shape of its transpose, as in numerator layout"
        turned = replace(base.convention, transposed_gradients=True)
        yield replace(base, condition="", note=words, convention=turned)
    highest = highest_layer(plain)
    if declared.network is None and 1 < highest < base.depth:
        yield replace(base, condition=f"layer {highest} is the last (L = {highest})", depth=highest)
    if declared.network is None and not base.numbers and base.depth and has_outputs(plain):
        unit = replace(base, condition="there is one output unit", numbers=1)
        yield unit
        for more, change in changes:
            if "penalty" in change:
                words = _both(unit.condition, more)
                yield replace(unit, condition=words, convention=replace(base.convention, **change))
    if declared.network is None and not base.numbers and base.depth > 1 and not has_outputs(plain):
        yield from alike(base)
    if "!=" in plain.relations and declared.network not in (None, NO_NETWORK):
        other = replace(declared, network=with_output(declared.network, "softmax"), loss=None)
        yield replace(base, condition="the output layer is a soft-max", declared=other)
    if survey.vectorial and survey.failed and declared.network is not None:
        other = replace(declared, network=with_output(declared.network, "sigmoid"), loss=declared.loss)
        yield replace(base, condition=ENTRYWISE, declared=other)
    for words, tree in trees:
        for again in read_otherwise(tree, base.code):
            yield replace(base, condition=_both(words, again.condition), tree=again.tree)
        for more, change in changes:
            both = replace(base.convention, **change)
            yield replace(base, condition=_both(words, more), tree=tree, convention=both)


def _of_quadratic_forms(tree: Equation) -> set[str]:
    """A of xᵀ A x, which people take for symmetric without saying so."""
    found = set()
    for part in tree.parts:
        match part:
            case Binary(_, Binary(_, Transpose(x), Symbol(name)), y) if x == y:
                found.add(name)
            case Binary(_, Transpose(x), Binary(_, Symbol(name), y)) if x == y:
                found.add(name)
    return found


def _asks_positive(tree: Equation) -> bool:
    """It has a logarithm, a root or a power that is no whole number, which negative numbers have not."""
    for part in tree.parts:
        if isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in ("ln", "log", "sqrt"):
            return True
        if isinstance(part, Binary) and part.sign == "^":
            whole = isinstance(part.right, Number) and part.right.value.denominator == 1
            if not whole:
                return True
    return False


def _both(words: str, more: str) -> str:
    return f"{words}, and {more}" if words and more else words or more


def entry_by_entry(base: Attempt) -> Attempt | None:
    """`σ(z)(1 - σ(z))`: factors without a sign between them that cannot be multiplied as matrices; None if all can."""
    world, tree = base.worlds.cases[0].worlds[0], base.tree
    binding = base.worlds.binding(tree)
    if binding is None or all(not isinstance(x, Binary) or x.sign != " " for x in tree.parts):
        return None
    for _ in range(_MOST_BESIDE):
        found = world.compare(tree, binding)
        part = tree.at(found.path) if found.status == "shape" and found.path else None
        if found.path is None or not isinstance(part, Binary) or part.sign != " ":
            break
        changed = tree.replaced(found.path, Binary("∘", part.left, part.right))
        assert isinstance(changed, Equation)
        tree = changed
    words = "what stands side by side and does not fit as a product of matrices is multiplied entry by entry"
    return replace(base, condition=words, tree=tree) if tree != base.tree else None


_MOST_BESIDE = 4


def alike(base: Attempt) -> Iterator[Attempt]:
    """Networks of one kind of activation, where the formula names one or writes its derivative by the value."""
    for kind in _kinds(base.tree):
        same = replace(base.declared, network=f"3-{'-'.join(f'{i + 4}:{kind}' for i in range(base.depth))}")
        yield replace(base, condition=f"all activations are {kind}", declared=same)


def _kinds(tree: Equation) -> tuple[str, ...]:
    """Activations that a formula which names no g may be about: by its functions, a (1 - a), 1 - a^2, or z > 0."""
    called = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "function"}
    by_value = any(isinstance(p.part, Binary) and p.part.sign in "-^" and p.role == "operand" for p in places(tree))
    smooth, rectified = called & {"sigmoid", "sigma", "sig", "tanh"} or by_value, called & _RECTIFIED
    if called & {"g", "f", "h", "phi"}:
        return ()
    return (("sigmoid", "tanh") if smooth else ()) + (("relu",) if rectified else ())


_RECTIFIED = frozenset({"relu", "step", "greater", "less", "where", "max", "maximum"})


def _counts_a_diagonal(tree: Equation) -> bool:
    """`W_kk`: one letter for row and column."""
    pairs = (p.part.entries for p in places(tree) if isinstance(p.part, Index) and len(p.part.entries) == 2)
    return any(a == b and isinstance(a, Symbol) for a, b in pairs)


ENTRYWISE = "g acts entry by entry, which the soft-max does not"
