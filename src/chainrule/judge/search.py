"""The search for the smallest mending: known mistakes alone, in pairs, and in threes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

from ..notation.formula import Binary, Equation, Formula, Negate, Path, Symbol
from ..notation.write import exact
from .budget import PER_SECOND, PER_TREE, Budget
from .mutations import Edit, edits, trivial

_FOR_TIES = 0.2 * PER_SECOND
Test = Callable[[Equation], bool]
Weigh = Callable[[Equation], int]


@dataclass(frozen=True)
class Mending:
    """A formula that holds, and the edits that lead to it; `support` counts the worlds in which it does."""

    edits: tuple[Edit, ...]
    tree: Equation
    size: float
    support: int

    @property
    def at_left(self) -> bool:
        """It changes the left side, which says what the formula is about."""
        return any(e.path[:1] == (0,) for e in self.edits)

    @property
    def rank(self) -> tuple[float, int, tuple[tuple[float, int, int, int, Path], ...]]:
        """Order among mendings: smaller, wider, more plausible."""
        return self.size, -self.support, tuple(e.rank for e in self.edits)


STAGES = (1, 2, 3)  # mistakes alone, in pairs, in threes


def mendings(
    equation: Equation,
    singles: Sequence[Edit],
    quick: Test,
    full: Weigh,
    budget: Budget,
    *,
    stage: int,
) -> list[Mending]:
    """The smallest mendings of a formula that does not hold, by as many edits as the stage says.

    singles   its single edits
    quick     whether a formula holds in one small world, `full` in how many it does (0: not)
    budget    what the search may cost; `quick` and `full` take their work from it
    """
    seen: set[Equation] = {equation}
    found: list[Mending] = []
    making = _Making(equation, budget)
    several = {1: _alone(singles), 2: _pairs(making, singles), 3: _threes(making, singles)}[stage]
    for made, tree in several:
        if budget.spent or (found and stage == 2 and _size(made) > found[0].size):
            break
        if tree in seen:
            continue
        seen.add(tree)
        support = full(tree) if quick(tree) else 0
        if not support:
            continue
        for fewer in combinations(made, 2) if len(made) == 3 else ():
            less = together(equation, fewer)  # the third may have changed nothing
            if less is not None and not trivial(less, equation) and full(less) == support:
                made, tree = fewer, less
        if not found and stage > 1:  # ties are near it in the order; the whole rest is not searched for them
            budget.left = min(budget.left, _FOR_TIES)
        found.append(Mending(made, tree, _size(made), support))
    return smallest(found)


def _alone(singles: Sequence[Edit]) -> Iterator[tuple[tuple[Edit, ...], Equation]]:
    for edit in singles:
        yield (edit,), edit.tree


def smallest(found: Sequence[Mending]) -> list[Mending]:
    """The mendings of the least size that hold most widely, the most plausible first."""
    if not found:
        return []
    size = min(x.size for x in found)
    level = [x for x in found if x.size == size]
    support = max(x.support for x in level)
    level = sorted((x for x in level if x.support == support), key=lambda x: x.rank)
    named = {tuple(e.cause for e in x.edits) for x in level if not x.at_left}
    return [x for x in level if not x.at_left or tuple(e.cause for e in x.edits) not in named]


def _size(made: Sequence[Edit]) -> float:
    return sum(e.size for e in made)


def _apart(a: Path, b: Path) -> bool:
    """Neither part lies in the other."""
    n = min(len(a), len(b))
    return a[:n] != b[:n]


def together(equation: Equation, made: Sequence[Edit]) -> Equation | None:
    """The formula with several edits at once; None where one takes away the part that another changes.

    The innermost come first; an outer one that changes a sign, wraps or unwraps its part takes it as it is then.
    """
    tree: Formula = equation
    done: list[Edit] = []
    for e in sorted(made, key=lambda e: -len(e.path)):
        now = tree.at(e.path)
        inner = [d for d in done if d.path[: len(e.path)] == e.path]
        new = e.after if not inner else _around(e, now, inner)
        if new is None:
            return None
        tree = tree.replaced(e.path, new)
        done.append(e)
    assert isinstance(tree, Equation)
    return tree


def _around(e: Edit, now: Formula, inner: Sequence[Edit]) -> Formula | None:
    """An edit of a part that was changed inside: what it keeps of the part is taken as it is now."""
    if any(d.path == e.path for d in inner):
        return _two_of_a_letter(e, now, inner)
    new, moved = e.after, set()
    for d in inner:
        if any(len(x.path) < len(d.path) and d.path[: len(x.path)] == x.path for x in inner):
            continue  # within another
        within = d.path[len(e.path) :]
        kept = (within[:n] for n in range(len(within) + 1))
        path = next((p for p in kept if id(e.before.at(p)) in e.parts), None)
        if path is None:
            return None
        if path not in moved:
            moved.add(path)
            new = new.replaced(e.parts[id(e.before.at(path))], now.at(path))
    return new


def _two_of_a_letter(e: Edit, now: Formula, inner: Sequence[Edit]) -> Formula | None:
    """`dW[L]` for `W[2]`: another name and another layer of one letter."""
    before, after = e.before, e.after
    if len(inner) != 1 or not (isinstance(before, Symbol) and isinstance(after, Symbol) and isinstance(now, Symbol)):
        return None
    name, layer = before.name != after.name, before.layer != after.layer
    if name != layer and (now.name != before.name) == layer and (now.layer != before.layer) == name:
        return replace(now, name=after.name) if name else replace(now, layer=after.layer)
    return None


@dataclass
class _Making:
    """Makes formulas with several edits at once, as long as the budget lasts."""

    equation: Equation
    budget: Budget

    def __post_init__(self) -> None:
        self.cost = PER_TREE * len(self.equation.parts)

    def together(self, *made: Edit) -> Equation | None:
        """The formula with these edits, if they go together and it says more than what a letter means."""
        self.budget.spend(self.cost)
        tree = together(self.equation, made)
        return None if tree is None or trivial(tree, self.equation) else tree


def _says_another_thing(a: Edit, b: Edit) -> bool:
    """The sides are renamed, or the left is another quantity and a part of the right is gone: all is thrown away."""
    if a.before == b.before and a.after == b.after and (a.path[:1] == (0,)) != (b.path[:1] == (0,)):
        return True  # the same letter renamed on both sides
    left = [e for e in (a, b) if e.path == (0,) and e.cause == "wrong-operand"]
    return bool(left) and any(e.cause == "other" for e in (a, b))


def _pairs(making: _Making, singles: Sequence[Edit]) -> Iterator[tuple[tuple[Edit, ...], Equation]]:
    """Two edits, the smallest and most plausible together first; those that must be made in turn at the end."""
    equation, budget = making.equation, making.budget
    right = [e for e in singles if e.path[:1] != (0,)] + [e for e in singles if e.path[:1] == (0,)]
    for a in right:
        for b in _signs_within(a) if a.cause in _REMADE else ():
            if budget.spent:
                return
            budget.spend(making.cost)
            if not trivial(b.tree, equation):
                yield (a, b), b.tree
    factors = [e for e in right if e.cause in _FACTORS and len(e.path) <= 2]
    for a in right:
        for b in factors:
            if a.size + b.size <= 2 and a is not b and not budget.spent:
                tree = making.together(a, b)
                if tree is not None:
                    yield (a, b), tree
    for bound in (2.0, 2.5, 3.0):
        for total in range(2 * len(right)):
            for i in range(max(0, total - len(right) + 1), (total + 1) // 2):
                a, b = right[i], right[total - i]
                if bound - 0.5 < a.size + b.size <= bound and not _says_another_thing(a, b):
                    if budget.spent:
                        return
                    tree = making.together(a, b)
                    if tree is not None:
                        yield (a, b), tree
    for a in right:
        if a.size > 1 or budget.spent:
            continue
        for b in edits(a.tree, budget=budget):
            if a.size + b.size <= 2 and not _apart(a.path, b.path) and not trivial(b.tree, equation):
                yield (a, b), b.tree


_REMADE = ("missing-parentheses", "function-used-for-derivative")  # they make a part anew, with other neighbors


def _signs_within(e: Edit) -> Iterator[Edit]:
    """Signs of terms in what the edit made, `y (1 - a) - a (1 - y)`, and before a whole side."""
    if len(e.path) == 1 and not isinstance(e.after, Negate):
        text = f"a minus is missing before {exact(e.after)}"
        new: Formula = Negate(e.after)
        yield Edit("sign", e.path, _changed(e, e.path, new), 1, text, e.after, new)
    for path, part in e.after.walk():
        if not isinstance(part, Binary) or part.sign not in "+-":
            continue
        new = Binary("-" if part.sign == "+" else "+", part.left, part.right)
        at = (*e.path, *path)
        text = f"the sign before {exact(part.right)} should be {new.sign}"
        yield Edit("sign", at, _changed(e, at, new), 1, text, part, new)


def _changed(e: Edit, path: Path, new: Formula) -> Equation:
    tree = e.tree.replaced(path, new)
    assert isinstance(tree, Equation)
    return tree


_SLIPS = (
    "gradient-used-for-weight",
    "wrong-product",
    "derivative-used-for-function",
    "function-used-for-derivative",
    "missing-transpose",
    "sign",
    "missing-1/m",
    "doubled-1/m",
    "factor-2",
)
_FACTORS = _SLIPS[-4:]


def _threes(making: _Making, singles: Sequence[Edit]) -> Iterator[tuple[tuple[Edit, ...], Equation]]:
    """Three slips of single letters and signs of products, in three separate parts."""
    signs = [e for e in singles if e.path[:1] != (0,) and e.cause in _SLIPS]
    layers = [e for e in singles if e.path[:1] != (0,) and e.cause == "wrong-layer-index"]
    strong = [e for e in signs if e.cause in _SLIPS[:4]]
    groups = (
        combinations(strong, 3),
        ((*two, e) for two in combinations(strong, 2) for e in layers),
        ((*two, e) for two in combinations(signs, 2) for e in layers),
        ((e, *two) for two in combinations(layers, 2) for e in signs),
        combinations(signs, 3),
    )
    for a, b, c in chain(*groups):
        if making.budget.spent:
            return
        tree = making.together(a, b, c)
        if tree is not None:
            yield (a, b, c), tree
