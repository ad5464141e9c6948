"""What a written formula says, as an immutable tree: the language that is read, judged, and printed.

An expression of `chainrule.graph` is always well formed and has a shape. A written formula may be wrong, so its tree
promises nothing: it keeps the signs that were written (`*`, `·`, juxtaposition, `∘`, `⊗`), layers, sample numbers,
indices and sums as they stand, and leaves their meaning to whoever evaluates it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

Path = tuple[int, ...]  # place of a part in a tree: the number of the child at every level

SIGNS = ("+", "-", "@", "*", "∘", "·", " ", "⊗", "/", "^")
RELATIONS = ("=", ":=", "<-", "->", "≈", "!=")


_FIELDS: dict[type, tuple[str, ...]] = {}  # asked for at every step of every walk


def _names(kind: type[Formula]) -> tuple[str, ...]:
    found = _FIELDS.get(kind)
    if found is None:
        found = _FIELDS[kind] = tuple(f.name for f in fields(kind))
    return found


@dataclass(frozen=True)
class Formula:
    """Base of all parts. Children are the fields that are formulas or tuples of formulas, in their order.

    Trees are walked and looked up far more often than they are made, so children, parts and hash are kept.
    """

    def __init_subclass__(cls) -> None:
        type.__setattr__(cls, "__hash__", Formula.__hash__)  # a dataclass would compute it anew at every call

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in _names(type(self)))))

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _names(type(self))}  # hashes of texts differ between processes

    @cached_property
    def children(self) -> tuple[Formula, ...]:
        found: list[Formula] = []
        for name in _names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Formula):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(x for x in value if isinstance(x, Formula))
        return tuple(found)

    @cached_property
    def parts(self) -> tuple[Formula, ...]:
        """Every part, outermost first, as `walk` gives them."""
        found: list[Formula] = []
        stack: list[Formula] = [self]
        while stack:  # parts that are known are not walked again: an edited formula shares most of them
            part = stack.pop()
            known = part.__dict__.get("parts")
            if known is not None:
                found += known
            else:
                found.append(part)
                stack += reversed(part.children)
        return tuple(found)

    def rebuilt(self, children: tuple[Formula, ...]) -> Formula:
        """The same part with other children, given in the order of `children`."""
        rest = list(children)
        changed: dict[str, Any] = {}
        for name in _names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Formula):
                changed[name] = rest.pop(0)
            elif isinstance(value, tuple) and any(isinstance(x, Formula) for x in value):
                changed[name] = tuple(rest.pop(0) if isinstance(x, Formula) else x for x in value)
        return type(self)(**{**self.__getstate__(), **changed}) if changed else self

    def walk(self) -> Iterator[tuple[Path, Formula]]:
        """Every part with its path, outermost first."""
        stack: list[tuple[Path, Formula]] = [((), self)]
        while stack:
            path, part = stack.pop()
            yield path, part
            stack.extend(((*path, i), x) for i, x in reversed(list(enumerate(part.children))))

    def at(self, path: Path) -> Formula:
        """The part at a path."""
        part = self
        for i in path:
            part = part.children[i]
        return part

    def replaced(self, path: Path, new: Formula) -> Formula:
        """The tree with the part at `path` replaced."""
        if not path:
            return new
        children = list(self.children)
        children[path[0]] = children[path[0]].replaced(path[1:], new)
        return self.rebuilt(tuple(children))

    def mapped(self, change: Callable[[Formula], Formula]) -> Formula:
        """The tree with `change` applied to every part, innermost first."""
        children = self.children
        new = tuple(x.mapped(change) for x in children)
        return change(self if all(a is b for a, b in zip(new, children, strict=True)) else self.rebuilt(new))


@dataclass(frozen=True)
class Number(Formula):
    """A number, exact: `1`, `1/2` as written `0.5`."""

    value: Fraction


@dataclass(frozen=True)
class Symbol(Formula):
    """A letter: `W^{[l]}` is name W, layer l; `a^{[l](i)}` has sample i too; `g'` has prime 1; `dW` is one name.

    Decorations are part of the name: Ŷ is `Yhat`; bold, calligraphic and upright letters are the letter itself; Greek
    letters are their English names (`alpha`, `delta`, `epsilon`, `sigma`), ∇ is `nabla`.
    """

    name: str
    layer: Formula | None = None
    sample: Formula | None = None
    prime: int = 0


@dataclass(frozen=True)
class Slice(Formula):
    """`:` among indices, a whole row or column."""


@dataclass(frozen=True)
class Range(Formula):
    """`1:`, `2:end`, `:-1` among indices, some rows or columns, as NumPy counts: from 0, the last one left out.

    first, last  None where the range goes on to that end; negative numbers count from the end
    """

    first: Formula | None = None
    last: Formula | None = None


@dataclass(frozen=True)
class Index(Formula):
    """`W_{ij}`, `(Z A.T)[i, j]`, `W[i, :]`: an entry, row or column of the base."""

    base: Formula
    entries: tuple[Formula, ...]


@dataclass(frozen=True)
class Call(Formula):
    """`g(z)`, `ln(a)`, `sum(dZ, axis=1, keepdims=True)`; the function is a symbol, so it may have a layer and primes.

    names   the names of the last arguments, where they were given by name: `("axis", "keepdims")`

    Norms, absolute values and roots are calls of `norm`, `abs`, `sqrt`; e^x is a call of `exp`.
    """

    function: Formula
    arguments: tuple[Formula, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Negate(Formula):
    """-x."""

    operand: Formula


@dataclass(frozen=True)
class Binary(Formula):
    """Two operands and the sign that was written between them.

    `@` matrix product   `∘` entry by entry (also ⊙)   `*` a star: entry by entry or a number's multiple
    `·` a dot: matrix product, dot product or a number's multiple   ` ` nothing at all: juxtaposition
    `⊗` outer product   `+`   `-`   `/` also as a fraction   `^` a power
    """

    sign: str
    left: Formula
    right: Formula

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise ValueError(f"unknown sign {self.sign!r}")


@dataclass(frozen=True)
class Transpose(Formula):
    """xᵀ."""

    operand: Formula


@dataclass(frozen=True)
class Bound(Formula):
    """One index of a sum: `i = 1` to `m`; any of the three may be missing."""

    index: Formula | None = None
    lower: Formula | None = None
    upper: Formula | None = None


@dataclass(frozen=True)
class Sum(Formula):
    """Σ over one or several indices; no bound at all for a bare Σ."""

    body: Formula
    bounds: tuple[Formula, ...] = ()


@dataclass(frozen=True)
class Limit(Formula):
    """The limit of a formula as a letter goes to a place: `lim_{h→0} (f(x + h) - f(x)) / h`."""

    body: Formula
    letter: Formula
    place: Formula


@dataclass(frozen=True)
class Partial(Formula):
    """∂x/∂y or dx/dy, x and y any formulas (`numerator` may be a whole expression that is differentiated)."""

    numerator: Formula
    denominator: Formula


@dataclass(frozen=True)
class At(Formula):
    """A formula evaluated at a place: `dg/dz |_{z = h(x)}`."""

    body: Formula
    place: Formula


@dataclass(frozen=True)
class Dots(Formula):
    """… in a list: the entries between go on in the same way."""


@dataclass(frozen=True)
class Array(Formula):
    """A matrix written by its entries, row after row (`[a, b]` is one row; a column has rows of one entry)."""

    entries: tuple[Formula, ...]
    columns: int


@dataclass(frozen=True)
class Cases(Formula):
    """Branches of a definition by cases, and the words beside each."""

    branches: tuple[Formula, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Equation(Formula):
    """Sides joined by relations, as in `a = b = c`; `:=` defines, `<-` updates.

    `≈` is read as approximately equal. An expression that stands alone is an equation of one side.
    """

    sides: tuple[Formula, ...]
    relations: tuple[str, ...] = ()


def symbols(formula: Formula) -> Iterator[Symbol]:
    """The symbols of a formula, those in layers and samples included."""
    for _, part in formula.walk():
        if isinstance(part, Symbol):
            yield part


ONE = Number(Fraction(1))
