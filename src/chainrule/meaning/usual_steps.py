"""Steps of descent and gradients as texts write them: ΔW, ∇J, and the averages of gradients that optimizers keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..notation.formula import Binary, Call, Equation, Formula, Index, Negate, Partial, Symbol
from .usual_letters import Usual, is_update, letters_meant, mapped, operands, sums_of_losses, with_letters


def gradients(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`∇E = Σ_n ∇E_n`: by what is differentiated is the same on both sides."""
    if is_update(tree):
        return

    def by_weights(part: Formula) -> Formula:
        match part:
            case Call(Symbol("nabla"), (Symbol() | Index() as cost,)):
                return Partial(cost, Symbol("w"))
        return part

    sides = [any(isinstance(x, Call) and x.function == Symbol("nabla") for x in side.parts) for side in tree.sides]
    alone = isinstance(tree.sides[0], Call) and operands(tree) & {"x", "X", "Phi", "w", "theta"}
    if all(sides) or (sides[0] and alone):
        new = mapped(tree, by_weights)
        yield Usual("", new)
        yield from sums_of_losses(new, known)
        yield from letters_meant(new, known)


def of_any_layer(told: Usual, known: frozenset[str]) -> Iterator[Usual]:
    """`θ ← θ - η ∇_θ J`, `W := W - α dW`: of all parameters, or of those of any layer."""
    tree = told.tree
    letter = tree.sides[0].base if isinstance(tree.sides[0], Index) else tree.sides[0]
    if not is_update(tree) or not isinstance(letter, Symbol) or letter.name in known:
        return
    if letter.name not in _PARAMETERS or any(isinstance(x, Symbol) and x.layer is not None for x in tree.parts):
        return
    name, layer = ("b" if letter.name == "b" else "W"), Symbol("l")
    table: dict[Formula, Symbol] = {letter: Symbol(name, layer), Symbol(f"d{letter.name}"): Symbol(f"d{name}", layer)}
    new = mapped(tree, lambda part: table.get(part, part))
    there = replace(told, tree=new, back=(*told.back, *((ours, theirs) for theirs, ours in table.items())))
    yield there
    yield from (replace(x, back=(*there.back, *x.back)) for x in with_letters(there, known))


_PARAMETERS = frozenset({"theta", "Theta", "W", "w", "b"})


def changes(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`W ← W + ΔW`: the change is a step of descent; `w ← w - η ∇J`: the gradient is that by w."""
    if not is_update(tree):
        return
    left = tree.sides[0]
    letter = left.base if isinstance(left, Index) else left
    assert isinstance(letter, Symbol)

    def change(part: Formula) -> Formula:
        if isinstance(part, Symbol) and part.name == f"Delta{letter.name}":
            return Negate(Binary("*", Symbol("eta"), replace(part, name=f"d{letter.name}")))
        return part

    if f"Delta{letter.name}" in operands(tree) - known:
        words = f"Δ{letter.name} = -η d{letter.name}"
        yield Usual(words, mapped(tree, change), ())

    def gradient(part: Formula) -> Formula:
        match part:
            case Call(Symbol("nabla"), (Symbol() as cost,)) if cost.layer is None:
                return Partial(cost, left)
        return part

    by_letter = mapped(tree, gradient)
    if by_letter != tree:
        yield Usual("", by_letter)
        yield from letters_meant(by_letter, known)
