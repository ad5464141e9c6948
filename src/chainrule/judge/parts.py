"""The parts of a written formula and what they do in it: letters, indices, layers, numbers, entries, products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from ..notation.formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Formula,
    Index,
    Limit,
    Negate,
    Number,
    Partial,
    Path,
    Slice,
    Sum,
    Symbol,
    Transpose,
)

Role = Literal["operand", "function", "layer", "index", "bound"]

PRODUCTS = ("@", "*", "∘", "·", " ", "⊗")
SCALARS = frozenset({"m", "N", "n", "alpha", "eta", "lambda", "L", "J", "C", "ell", "l", "i", "j", "k"})
LAYERED = frozenset({"A", "Z", "dA", "dZ", "a", "z", "da", "dz", "W", "dW", "b", "db"})


@dataclass(frozen=True)
class Place:
    """A part of a formula, and what it does there."""

    path: Path
    part: Formula
    role: Role
    parent: Formula | None


def places(tree: Formula) -> Iterator[Place]:
    """Every part of a formula with its role, outermost first."""
    stack = [Place((), tree, "operand", None)]
    while stack:
        place = stack.pop()
        yield place
        part = place.part
        for i, child in reversed(list(enumerate(part.children))):
            role: Role = place.role if place.role in ("layer", "index", "bound") else "operand"
            if isinstance(part, Symbol):
                role = "layer" if part.layer is child else "index"
            elif isinstance(part, Index) and i:
                role = "index"
            elif isinstance(part, Call) and i == 0:
                role = "function"
            elif (
                isinstance(part, Bound)
                or (isinstance(part, Limit) and i)
                or (isinstance(part, Call) and i > len(part.arguments) - len(part.names))
            ):
                role = "bound"
            stack.append(Place((*place.path, i), child, role, part))


def index_letters(tree: Formula) -> set[str]:
    """Letters that count components, samples or terms of a sum."""
    found = set()
    for place in places(tree):
        if isinstance(place.part, Symbol) and place.role in ("index", "bound") and place.part.layer is None:
            found.add(place.part.name)
    return found - {"True", "False", "None"}  # of keepdims=True


def layers_of(tree: Formula) -> list[Formula]:
    """The layers that occur, each once."""
    found: dict[Formula, None] = {}
    for place in places(tree):
        if isinstance(place.part, Symbol) and place.part.layer is not None and place.role in ("operand", "function"):
            found[place.part.layer] = None
    return list(found)


def shifted(layer: Formula, by: int) -> Formula | None:
    """`l - 1` and its like, in its simplest form; None for what is no layer."""
    if isinstance(layer, Number):
        value = layer.value + by
        return Number(value) if value >= 0 else None
    if isinstance(layer, Binary) and layer.sign in "+-" and isinstance(layer.right, Number):
        by += int(layer.right.value) if layer.sign == "+" else -int(layer.right.value)
        layer = layer.left
    if by == 0:
        return layer
    return Binary("+" if by > 0 else "-", layer, Number(Fraction(abs(by))))


def offset(layer: Formula) -> int:
    """-1 of l - 1."""
    if isinstance(layer, Binary) and layer.sign in "+-" and isinstance(layer.right, Number):
        return int(layer.right.value) * (1 if layer.sign == "+" else -1)
    return 0


def is_scalar(part: Formula) -> bool:
    """A number, a rate or a count, so that it can stand at either side of any product."""
    if isinstance(part, Number):
        return True
    if isinstance(part, Symbol):
        return part.name in SCALARS and (part.layer is None or part.name == "n")
    return isinstance(part, Binary | Negate) and all(is_scalar(x) for x in part.children)


def is_entry(part: Formula) -> bool:
    """An entry of a matrix or vector, or what is computed from entries: `W[k, i]`, `g'(z[i])`."""
    if isinstance(part, Index):
        base = part.base.operand if isinstance(part.base, Transpose) else part.base
        whole = any(isinstance(x, Slice) for x in part.entries)
        return not whole and (len(part.entries) == 2 or (isinstance(base, Symbol) and column(base)))
    if isinstance(part, Binary | Negate):
        return all(is_entry(x) or is_scalar(x) for x in part.children)
    if isinstance(part, Sum):
        return is_entry(part.body)
    if isinstance(part, Partial):
        return is_entry(part.denominator) and (is_entry(part.numerator) or is_scalar(part.numerator))
    return isinstance(part, Call) and len(part.arguments) == 1 and is_entry(part.arguments[0])


def reciprocal_of_m(part: Formula) -> bool:
    """1/m, m⁻¹."""
    if not isinstance(part, Binary) or part.sign not in "/^":
        return False
    if part.sign == "/":
        return part.left == ONE and isinstance(part.right, Symbol) and part.right.name in ("m", "N")
    return isinstance(part.left, Symbol) and part.left.name in ("m", "N") and part.right == Negate(ONE)


def is_ones(part: Formula) -> bool:
    """The column of ones, or the row."""
    inner = part.operand if isinstance(part, Transpose) else part
    return isinstance(inner, Symbol) and inner.name in ("ones", "one") and inner.layer is None


def summed_call(part: Formula | None) -> bool:
    """`sum(x, …)`, `mean(x, …)`."""
    return isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in ("sum", "mean")


def column(part: Formula) -> bool:
    if isinstance(part, Index):
        part = part.base
    return isinstance(part, Symbol) and part.name.removeprefix("d")[:1].islower()


def number(value: Fraction) -> Formula:
    if value == Fraction(1, 2):
        return Binary("/", ONE, Number(Fraction(2)))
    return Number(value)


def half(part: Formula) -> bool:
    return isinstance(part, Binary) and part.sign == "/" and part.left == ONE and part.right == Number(Fraction(2))


def primed(function: Formula) -> bool:
    return isinstance(function, Symbol) and function.prime > 0


def is_derivative(part: Formula) -> bool:
    if isinstance(part, Index):
        return is_derivative(part.base)
    return isinstance(part, Call) and primed(part.function)
