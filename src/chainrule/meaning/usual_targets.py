"""What the letter y may be: a target of -1 or 1, or what a unit puts out."""

from __future__ import annotations

from collections.abc import Iterator

from ..notation.formula import Binary, Call, Equation, Formula, Index, Partial, Symbol
from .usual_letters import COSTS, Usual, back_to, operands, renamed, stem, with_letters


def signed_targets(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`L = ln(1 + exp(-y z))`, `σ(-y z)`: a target inside a function is -1 or 1, as the margin y z wants it."""
    calls = [x for x in tree.parts if isinstance(x, Call) and x.function not in COSTS and not x.names]
    inside = {y for x in calls if isinstance(x.function, Symbol) for y in x.arguments if _has_margin(y)}
    if not inside or known & {"y", "Y"}:
        return
    told = Usual("the targets are -1 and 1", tree, conventions={"signed_targets": True}, anyway=True)
    yield told
    yield from with_letters(told, known)


def _has_margin(part: Formula) -> bool:
    """The target is a factor of something."""
    products = [x for x in part.parts if isinstance(x, Binary) and x.sign in _TIMES]
    return any({"y", "Y"} & {stem(x) for f in (p.left, p.right) for x in f.parts} for p in products)


_TIMES = ("*", " ", "@", "·", "∘")


def units(tree: Equation, known: frozenset[str], *, declared: bool) -> Iterator[Usual]:
    """`z_j = Σ_i w_ij y_i`, `y_j = σ(z_j)`, `∂E/∂y_i`: y is what a unit puts out, in every layer."""
    names = operands(tree)
    if "z" not in names or names & {"a", "yhat", "o", "p", "h", "x"} or not _is_computed(tree, names - known):
        return
    table = {"y": "a"}
    anyway = not declared and any(isinstance(x, Index) and x.base == Symbol("y") for x in tree.parts)
    told = Usual("y is the output of a unit", renamed(tree, table), back_to(table), anyway=anyway)
    yield from with_letters(told, known)
    yield told


def _is_computed(tree: Equation, names: frozenset[str]) -> bool:
    """y is multiplied by weights or a slope, or differentiates: a target never is; in `y_j = σ(z_j)` it is a unit."""
    if "y" not in names:
        return False
    slopes = [(stem(x.numerator), stem(x.denominator)) for x in tree.parts if isinstance(x, Partial)]
    if any("y" in x for x in slopes):
        return True
    factors = [(x.left, x.right) for x in tree.parts if isinstance(x, Binary) and x.sign in _TIMES]
    beside = [b for x in factors for a, b in (x, x[::-1]) if stem(a) == "y"]
    weighted = any(isinstance(x, Partial) or stem(x) in ("w", "W", "dz", "delta") for x in beside)
    return weighted or (stem(tree.sides[0]) == "y" and isinstance(tree.sides[0], Index))
