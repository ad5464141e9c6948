"""Index notation (Laue, Mitterreiter, Giesen 2018): matrices by their entries, as sums of products.

An expression is a tuple of terms; a term is number · sizes · Π factor^exponent, summed over its bound letters. A
factor is an entry of a matrix, a Kronecker delta, a function of expressions, or a bracket. Letters that a term does
not bind are the place of the entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, count

from ...graph import Dim, Node, Op
from ...graph.node import Attrs

Powers = tuple[tuple[str, int], ...]  # sizes such as 1/m: (("m", -1),)
LETTERS = "kuvprstijqw"  # l, m, n are layers and sizes; x, y, z, a, b, c are quantities


@dataclass(frozen=True)
class Label:
    """The row (or column) that an integer label names: y_j."""

    node: Node
    at: str | None


Place = str | Label | None  # None: the matrix has a single row (or column)


@dataclass(frozen=True)
class Entry:
    """An entry of a variable: W_ij; b_i for a single column."""

    node: Node
    row: Place
    col: Place


@dataclass(frozen=True)
class Delta:
    """Kronecker's delta: 1 where both places are the same, else 0."""

    left: str | Label
    right: str | Label


@dataclass(frozen=True)
class Rate:
    """∂X_(row, col)/∂X_(at_row, at_col): an entry by an entry of the same matrix, a product of deltas."""

    node: Node
    row: Place
    col: Place
    at_row: Place
    at_col: Place


@dataclass(frozen=True)
class Function:
    """A point-wise operation on expressions: e^(z_i)."""

    op: Op
    arguments: tuple[Expr, ...]
    attrs: Attrs = ()


@dataclass(frozen=True)
class Unknown:
    """g(z_i) or g'(z_i) where `output` = g(`argument`) entry by entry; what g is does not matter."""

    output: Node
    argument: Node
    prime: int
    row: Place
    col: Place


@dataclass(frozen=True)
class Bracket:
    """(a + b + …), a factor that is not multiplied out."""

    inside: Expr


Factor = Entry | Delta | Rate | Function | Unknown | Bracket


@dataclass(frozen=True)
class Term:
    """number · Π dim^power · Π factor^exponent, summed over the letters in `bound`."""

    factors: tuple[tuple[Factor, int], ...] = ()
    number: Fraction = Fraction(1)
    powers: Powers = ()
    bound: tuple[str, ...] = ()


Expr = tuple[Term, ...]

ZERO: Expr = ()
ONE: Expr = (Term(),)


@dataclass
class Indices:
    """Gives out letters, each once, and remembers how far each runs."""

    extent: dict[str, Dim] = field(default_factory=dict)

    def fresh(self, dim: Dim, wanted: str = LETTERS) -> str | None:
        """A new letter for a dimension, one of those wanted if there is one; None for a single place."""
        if dim == 1:
            return None
        letters = chain(wanted, LETTERS, (f"{x}{n}" for n in count(1) for x in LETTERS))
        letter = next(x for x in letters if x not in self.extent)
        self.extent[letter] = dim
        return letter


def number(value: Fraction | int, powers: Powers = ()) -> Expr:
    """A number times sizes."""
    return (Term((), Fraction(value), powers),) if value else ZERO


def single(factor: Factor, exponent: int = 1) -> Expr:
    """The expression of one factor."""
    return (Term(((factor, exponent),)),)


def negative(x: Expr) -> Expr:
    """-x."""
    return tuple(replace(t, number=-t.number) for t in x)


def plus(*parts: Expr) -> Expr:
    """The sum, like terms added."""
    found: dict[object, Term] = {}
    for t in (t for x in parts for t in x):
        key = (frozenset(t.factors), t.powers, frozenset(t.bound))
        known = found.get(key)
        found[key] = t if known is None else replace(known, number=known.number + t.number)
    return tuple(t for t in found.values() if t.number)


def times(x: Expr, y: Expr) -> Expr:
    """The product, multiplied out; the letters that x and y bind are different ones."""
    return plus(tuple(_joined(a, b) for a in x for b in y))


def _joined(a: Term, b: Term) -> Term:
    factors = dict(a.factors)
    for f, e in b.factors:
        factors[f] = factors.get(f, 0) + e
    powers = dict(a.powers)
    for d, p in b.powers:
        powers[d] = powers.get(d, 0) + p
    return Term(
        tuple((f, e) for f, e in factors.items() if e),
        a.number * b.number,
        tuple(sorted((d, p) for d, p in powers.items() if p)),
        a.bound + b.bound,
    )


def power(x: Expr, exponent: int) -> Expr:
    """x^exponent for a whole exponent: over the factors of a single product, else a bracket."""
    if exponent == 1:
        return x
    if len(x) == 1 and not x[0].bound and (x[0].number or exponent > 0):
        t = x[0]
        return (
            Term(
                tuple((f, e * exponent) for f, e in t.factors),
                t.number**exponent,
                tuple((d, p * exponent) for d, p in t.powers),
            ),
        )
    return single(Bracket(x), exponent)


def summed(x: Expr, letters: Mapping[str, Dim]) -> Expr:
    """Σ of x over letters; a term without a letter counts as often as the letter runs."""
    found = []
    for t in x:
        free = free_letters((t,))
        for letter, dim in letters.items():
            if letter in free:
                t = replace(t, bound=(*t.bound, letter))
            else:
                size = Term((), Fraction(dim)) if isinstance(dim, int) else Term((), Fraction(1), ((dim, 1),))
                t = _joined(t, size)
        found.append(t)
    return plus(tuple(found))


def letters_of(factor: Factor) -> Iterator[str]:
    """The letters that stand free in a factor."""
    if isinstance(factor, Entry | Unknown):
        yield from _letters(factor.row)
        yield from _letters(factor.col)
    elif isinstance(factor, Delta):
        yield from _letters(factor.left)
        yield from _letters(factor.right)
    elif isinstance(factor, Rate):
        for at in (factor.row, factor.col, factor.at_row, factor.at_col):
            yield from _letters(at)
    elif isinstance(factor, Function):
        for x in factor.arguments:
            yield from free_letters(x)
    else:
        yield from free_letters(factor.inside)


def _letters(place: Place) -> Iterator[str]:
    if isinstance(place, str):
        yield place
    elif isinstance(place, Label) and place.at is not None:
        yield place.at


def free_letters(x: Expr) -> tuple[str, ...]:
    """Letters that stand free, in order of appearance."""
    found: dict[str, None] = {}
    for t in x:
        for f, _ in t.factors:
            found.update({k: None for k in letters_of(f) if k not in t.bound})
    return tuple(found)


def moved(x: Expr, places: Mapping[str, Place]) -> Expr:
    """The expression with free letters replaced."""
    return tuple(_moved_term(t, places) for t in x)


def _moved_term(t: Term, places: Mapping[str, Place]) -> Term:
    inner = {k: v for k, v in places.items() if k not in t.bound}
    if not inner:
        return t
    return _joined(
        Term((), t.number, t.powers, t.bound), Term(tuple((moved_factor(f, inner), e) for f, e in t.factors))
    )


def moved_factor(f: Factor, places: Mapping[str, Place]) -> Factor:
    """A factor with letters replaced."""
    if isinstance(f, Entry | Unknown):
        return replace(f, row=_moved_place(f.row, places), col=_moved_place(f.col, places))
    if isinstance(f, Delta):
        left, right = _moved_place(f.left, places), _moved_place(f.right, places)
        assert left is not None
        assert right is not None
        return Delta(left, right)
    if isinstance(f, Rate):
        found = (_moved_place(at, places) for at in (f.row, f.col, f.at_row, f.at_col))
        return Rate(f.node, *found)
    if isinstance(f, Function):
        return replace(f, arguments=tuple(moved(x, places) for x in f.arguments))
    return Bracket(moved(f.inside, places))


def _moved_place(place: Place, places: Mapping[str, Place]) -> Place:
    if isinstance(place, str):
        return places.get(place, place)
    if isinstance(place, Label) and place.at is not None and place.at in places:
        at = places[place.at]
        assert not isinstance(at, Label)
        return Label(place.node, at)
    return place


def renewed(x: Expr, indices: Indices) -> Expr:
    """The expression with new letters for all that its terms bind."""
    found = []
    for t in x:
        new: dict[str, Place] = {}
        for k in t.bound:
            letter = indices.fresh(indices.extent[k])
            assert letter is not None
            new[k] = letter
        factors = tuple((_renewed_factor(moved_factor(f, new) if new else f, indices), e) for f, e in t.factors)
        found.append(Term(factors, t.number, t.powers, tuple(str(new[k]) for k in t.bound)))
    return tuple(found)


def _renewed_factor(f: Factor, indices: Indices) -> Factor:
    if isinstance(f, Function):
        return replace(f, arguments=tuple(renewed(x, indices) for x in f.arguments))
    return Bracket(renewed(f.inside, indices)) if isinstance(f, Bracket) else f


def tidied(x: Expr, extent: dict[str, Dim] | None = None, taken: frozenset[str] = frozenset()) -> Expr:
    """The expression with letters of sums used again where nothing is confused: Σ_u in every bracket.

    extent  how far letters run; a letter is used again only for the same range
    """
    found = []
    for t in x:
        used = taken | {k for f, _ in t.factors for k in letters_of(f) if k not in t.bound}
        new: dict[str, Place] = {}
        for k in t.bound:
            first = k if k in "kv" else ""
            free = (c for c in (*first, *"uwpqrst") if c not in used and _runs_alike(c, k, extent))
            letter = next(free, k)
            if extent is not None:
                extent.setdefault(letter, extent[k])
            new[k] = letter
            used |= {letter}
        factors = tuple((_tidied_factor(moved_factor(f, new) if new else f, extent, used), e) for f, e in t.factors)
        found.append(Term(factors, t.number, t.powers, tuple(str(new[k]) for k in t.bound)))
    return tuple(found)


def _runs_alike(letter: str, other: str, extent: dict[str, Dim] | None) -> bool:
    return extent is None or extent.get(letter, extent[other]) == extent[other]


def _tidied_factor(f: Factor, extent: dict[str, Dim] | None, taken: frozenset[str]) -> Factor:
    if isinstance(f, Function):
        return replace(f, arguments=tuple(tidied(x, extent, taken) for x in f.arguments))
    return Bracket(tidied(f.inside, extent, taken)) if isinstance(f, Bracket) else f
