"""Small changes: `dL = tr(Gᵀ dW)`, `d(W x) = dW x + W dx`, `dz = dW x + db`, which are no derivatives of the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..notation.formula import Binary, Call, Equation, Formula, Symbol
from .letters import LOSSES
from .seen import adds_up_changes, is_small_change, speaks_of_differentials
from .usual_letters import TOTAL, Usual, mapped, operands

Varying = tuple[str | Symbol, ...]


def differentials(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """The formula as one about small changes, where it may be: of all leaves, or of those alone whose change it names.

    Sure of it are `d(…)` and the change of a loss; else a product rule, or a sum in which each term has a change.
    """
    names = operands(tree)
    small = sorted({x for x in names if is_small_change(x) and x not in known})
    of_a_loss = any(x[1:] in LOSSES for x in small)
    sure = speaks_of_differentials(tree) or of_a_loss
    named = isinstance(tree.sides[0], Symbol) and tree.sides[0].name in small
    if not (sure or (named and (_is_product_rule(tree.sides[1:]) or adds_up_changes(tree)))):
        return
    moved = {x[1:] for x in small}
    inside = {
        y for x in tree.parts if isinstance(x, Call) and x.function == Symbol("d") for y in operands(x.arguments[0])
    }
    still = sorted(x for x in inside - moved if x[:1] != "d")
    words = "" if sure else f"{', '.join(small)} are small changes"
    constant = f"{_listed(still)} constant" if still else words
    ways: list[tuple[Varying, str]] = [(("x", "W", "b"), words), ((), words), (_varying(tree, small), constant)]
    if not sure:
        beside = sorted(x for x in names & (_LEAVES | {"a", "A"}) if x not in moved)
        fixed = f"{words}, and {_listed(beside)} constant" if beside else words
        ways.append((_varying(Equation(tree.sides[1:]), small), fixed))
    trees = [(tree, "")]
    if {"L", "dL"} & names and _OF_SAMPLES & (names | moved):
        trees.append((mapped(tree, _of_the_sum), "L is the sum of the losses of all samples"))
    for varying, said in ways[::-1] if of_a_loss else ways:
        for meant, also in trees:
            told = ", and ".join(x for x in (said, also) if x)
            yield Usual(told, meant, conventions={"differentials": True, "varying": varying}, anyway=True)


_OF_SAMPLES = frozenset({"X", "Y", "Z", "A", "Yhat"})
_LEAVES = frozenset({"W", "w", "b", "x", "X"})  # without a layer they have their name alone


def _listed(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _varying(tree: Equation, small: Sequence[str]) -> Varying:
    """The quantities whose change a formula names: W of dW, W[1] of dW[1]."""
    changes = (x for x in tree.parts if isinstance(x, Symbol) and x.name in small and x.name[1:] not in LOSSES)
    named = dict.fromkeys(replace(x, name=x.name[1:]) for x in changes)
    return tuple(x.name if x.layer is None and x.name in _LEAVES else x for x in named)


def _of_the_sum(part: Formula) -> Formula:
    changed = Call(Symbol("d"), (TOTAL,))
    return TOTAL if part == Symbol("L") else changed if part == Symbol("dL") else part


def _is_product_rule(sides: Sequence[Formula]) -> bool:
    """`dW x + W dx`: each of two letters times the change of the other."""
    factors = [x for side in sides for x in side.parts if isinstance(x, Binary) and x.sign in "@ *·∘"]
    pairs = {(x.left.name, x.right.name) for x in factors if isinstance(x.left, Symbol) and isinstance(x.right, Symbol)}
    return any(a[:1] == "d" and (a[1:], f"d{b}") in pairs for a, b in pairs)
