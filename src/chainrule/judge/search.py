"""The search for the smallest mending: known mistakes alone, in pairs, and in threes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

from ..notation.formula import Binary, Equation, Formula, Path, Symbol
from .mutations import Edit, edits, trivial

_FOR_TIES = 0.3  # seconds
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
    def rank(self) -> tuple[float, int, tuple[tuple[float, int, int, Path], ...]]:
        """Order among mendings: smaller, wider, more plausible."""
        return self.size, -self.support, tuple(e.rank for e in self.edits)


STAGES = (1, 2, 3)  # mistakes alone, in pairs, in threes


def mendings(
    equation: Equation,
    singles: Sequence[Edit],
    quick: Test,
    full: Weigh,
    deadline: float,
    *,
    stage: int,
) -> list[Mending]:
    """The smallest mendings of a formula that does not hold, by as many edits as the stage says.

    singles   its single edits
    quick     whether a formula holds in one small world, `full` in how many it does (0: not)
    deadline  moment of `time.perf_counter` at which the search ends
    """
    seen: set[Equation] = {equation}
    found: list[Mending] = []
    several = {1: _alone(singles), 2: _pairs(equation, singles, deadline), 3: _threes(equation, singles)}[stage]
    for made, tree in several:
        if time.perf_counter() > deadline or (found and stage == 2 and _size(made) > found[0].size):
            break
        if tree in seen:
            continue
        seen.add(tree)
        support = full(tree) if quick(tree) else 0
        if not support:
            continue
        for fewer in combinations(made, 2) if len(made) == 3 else ():
            less = together(equation, fewer)  # the third may have changed nothing
            if less is not None and full(less) == support:
                made, tree = fewer, less
        if not found and stage > 1:  # ties are near it in the order; the whole rest is not searched for them
            deadline = min(deadline, time.perf_counter() + _FOR_TIES)
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
    return sorted((x for x in level if x.support == support), key=lambda x: x.rank)


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
    """An edit of a part that was changed inside."""
    before, after = e.before, e.after
    if any(d.path == e.path for d in inner):
        return _two_of_a_letter(e, now, inner)
    if isinstance(before, Binary) and isinstance(after, Binary) and isinstance(now, Binary):
        if after.left is before.left and after.right is before.right:
            return Binary(after.sign, now.left, now.right)
        if after.left is before.right and after.right is before.left:
            return Binary(after.sign, now.right, now.left)
    for q, part in after.walk():
        if part is before:
            return after.replaced(q, now)
    for q, part in before.walk():
        if q and part is after:
            kept = all(d.path[len(e.path) : len(e.path) + len(q)] == q for d in inner)
            return now.at(q) if kept else None
    return None


def _two_of_a_letter(e: Edit, now: Formula, inner: Sequence[Edit]) -> Formula | None:
    """`dW[L]` for `W[2]`: another name and another layer of one letter."""
    before, after = e.before, e.after
    if len(inner) != 1 or not (isinstance(before, Symbol) and isinstance(after, Symbol) and isinstance(now, Symbol)):
        return None
    name, layer = before.name != after.name, before.layer != after.layer
    if name != layer and (now.name != before.name) == layer and (now.layer != before.layer) == name:
        return replace(now, name=after.name) if name else replace(now, layer=after.layer)
    return None


def _says_another_thing(a: Edit, b: Edit) -> bool:
    """The left side is another quantity and a part of the right side is gone: what was stated is thrown away."""
    left = [e for e in (a, b) if e.path == (0,) and e.cause == "wrong-operand"]
    return bool(left) and any(e.cause == "other" for e in (a, b))


def _pairs(equation: Equation, singles: Sequence[Edit], deadline: float) -> Iterator[tuple[tuple[Edit, ...], Equation]]:
    """Two edits, the smallest and most plausible together first; those that must be made in turn at the end."""
    right = [e for e in singles if e.path[:1] != (0,)] + [e for e in singles if e.path[:1] == (0,)]
    factors = [e for e in right if e.cause in _FACTORS and len(e.path) <= 2]
    for a in right:
        for b in factors:
            if a.size + b.size <= 2 and a is not b:
                tree = together(equation, (a, b))
                if tree is not None and not trivial(tree, equation):
                    yield (a, b), tree
    for bound in (2.0, 2.5, 3.0):
        for total in range(2 * len(right)):
            if time.perf_counter() > deadline:
                return
            for i in range(max(0, total - len(right) + 1), (total + 1) // 2):
                a, b = right[i], right[total - i]
                if bound - 0.5 < a.size + b.size <= bound and not _says_another_thing(a, b):
                    tree = together(equation, (a, b))
                    if tree is not None and not trivial(tree, equation):
                        yield (a, b), tree
    for a in right:
        if a.size > 1 or time.perf_counter() > deadline:
            continue
        for b in edits(a.tree, deadline=deadline):
            if a.size + b.size <= 2 and not _apart(a.path, b.path) and not trivial(b.tree, equation):
                yield (a, b), b.tree


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


def _threes(equation: Equation, singles: Sequence[Edit]) -> Iterator[tuple[tuple[Edit, ...], Equation]]:
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
        tree = together(equation, (a, b, c))
        if tree is not None and not trivial(tree, equation):
            yield (a, b, c), tree
