"""What is seen in a formula without evaluating it: its layers, its updates, how it counts."""

from __future__ import annotations

from collections.abc import Iterable

from ..notation.formula import Array, Binary, Bound, Equation, Formula, Index, Number, Partial, Sum, Symbol


def updated(equation: Equation) -> Formula | None:
    """What the left side of an update means: one step of gradient descent from the old value."""
    left, right = equation.sides[0], equation.sides[-1]
    letter = left.base if isinstance(left, Index) else left
    if len(equation.sides) != 2 or not isinstance(letter, Symbol) or letter.name not in ("W", "b", "w"):
        return None
    if letter.layer is None:
        return None
    if not _keeps(right, left):
        return None
    rates = [p for _, p in right.walk() if isinstance(p, Symbol) and p.name in ("alpha", "eta", "lr", "learning_rate")]
    rate = rates[0] if rates else Symbol("alpha")
    gradient: Formula = Symbol(f"d{letter.name}", letter.layer)
    if isinstance(left, Index):
        gradient = Index(gradient, left.entries)
    return Binary("-", left, Binary("*", rate, gradient))


def _keeps(part: Formula, letter: Formula) -> bool:
    """Whether a letter is an operand as a whole, neither by its entries nor in a list of them."""
    if part == letter:
        return True
    return not isinstance(part, Index | Array | Partial) and any(_keeps(x, letter) for x in part.children)


def counts_from_zero(formula: Formula) -> bool:
    """Whether an index 0 occurs."""
    for _, part in formula.walk():
        if isinstance(part, Index) and any(isinstance(e, Number) and e.value == 0 for e in part.entries):
            return True
        if isinstance(part, Bound) and isinstance(part.lower, Number) and part.lower.value == 0:
            return True
    return False


def has_bare_sum(equation: Formula) -> bool:
    return any(isinstance(part, Sum) and not part.bounds for _, part in equation.walk())


def layer_places(equation: Formula) -> Iterable[tuple[str, Formula]]:
    """Letters with the layers at which they stand; n_l too."""
    for _, part in equation.walk():
        if isinstance(part, Symbol) and part.layer is not None:
            yield part.name, part.layer
        elif isinstance(part, Index) and part.base == Symbol("n") and len(part.entries) == 1:
            yield "n", part.entries[0]


def letters(at: Formula) -> set[str]:
    return {p.name for _, p in at.walk() if isinstance(p, Symbol) and p.layer is None}


def bound_layers(equation: Formula) -> set[str]:
    found: set[str] = set()
    for _, part in equation.walk():
        if isinstance(part, Sum):
            found |= {b.index.name for b in part.bounds if isinstance(b, Bound) and isinstance(b.index, Symbol)}
    return found
