"""What is seen in a formula without evaluating it: its layers, its updates, how it counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from functools import lru_cache

from ..notation.formula import (
    Array,
    Binary,
    Bound,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)


def updated(equation: Equation, *, turned: bool = False) -> Formula | None:
    """What the left side of an update means: one step of gradient descent from the old value.

    turned  gradients have the shape of the transpose
    """
    left, right = equation.sides[0], equation.sides[-1]
    several = len(equation.sides) > 2 and equation.relations[0] not in (":=", "<-")
    changed = stacked_letters(left) or (left.base if isinstance(left, Index) else left,)
    if not all(isinstance(x, Symbol) and x.name in ("W", "b", "w") and x.layer is not None for x in changed):
        return None
    if len(equation.sides) < 2 or several or not keeps(right, left):
        return None
    if equation.relations[0] == "=" and not _adds(right):
        return None  # `W_ji = (Wᵀ)_ij` says what a transpose is

    def slope(part: Formula) -> Formula:
        if part not in changed or not isinstance(part, Symbol):
            return part
        gradient = Symbol(f"d{part.name}", part.layer)
        return Transpose(gradient) if turned else gradient

    return Binary("-", left, Binary("*", rate_in(right), left.mapped(slope)))


def _adds(part: Formula) -> bool:
    """Whether something is added or subtracted, outside of layers and indices."""
    if isinstance(part, Binary) and part.sign in "+-":
        return True
    inner = (part.base,) if isinstance(part, Index) else () if isinstance(part, Symbol) else part.children
    return any(map(_adds, inner))


def stacked_letters(part: Formula) -> tuple[Formula, ...]:
    """b and W of [b W], letters side by side or below each other; empty for anything else."""
    match part:
        case Call(Symbol("hstack" | "vstack"), arguments, ()) if all(isinstance(x, Symbol) for x in arguments):
            return arguments
    return ()


def rate_in(part: Formula) -> Formula:
    """The learning rate of an update, as it is called there, or its number: `W - 0.1 * dW`."""
    rates = (p for p in part.parts if isinstance(p, Symbol) and p.name in ("alpha", "eta", "lr", "learning_rate"))
    numbers = (p for p in part.parts if isinstance(p, Number) and 0 < p.value < 1)
    return next(rates, None) or next(numbers, None) or Symbol("alpha")


def keeps(part: Formula, letter: Formula) -> bool:
    """Whether a letter is an operand as a whole, neither by its entries nor in a list of them."""
    if part == letter:
        return True
    return not isinstance(part, Index | Array | Partial) and any(keeps(x, letter) for x in part.children)


def counts_from_zero(formula: Formula) -> bool:
    """Whether an index 0 occurs."""
    for part in formula.parts:
        if isinstance(part, Index) and any(isinstance(e, Number) and e.value == 0 for e in part.entries):
            return True
        if isinstance(part, Bound) and isinstance(part.lower, Number) and part.lower.value == 0:
            return True
    return False


@lru_cache(maxsize=1 << 12)
def counts_nothing(definition: Equation) -> bool:
    """`E_n = 1/2 Σ_k (y_k - t_k)²`: the letters below that which is defined stand nowhere else."""
    head = definition.sides[0]
    if not isinstance(head, Index) or not all(isinstance(x, Symbol) for x in head.entries):
        return False
    return not any(x in head.entries for side in definition.sides[1:] for x in side.parts)


def has_bare_sum(equation: Formula) -> bool:
    """Whether a sum does not say of what entries or samples it is: `Σ dZ`, `Σ_{i=1}^m dZ`."""
    return any(isinstance(part, Sum) and not _counts(part) for part in equation.parts)


def _counts(part: Sum) -> bool:
    """Whether the index of a sum occurs in its body."""
    return any(isinstance(b, Bound) and b.index in part.body.parts for b in part.bounds)


@lru_cache(maxsize=1 << 12)
def speaks_of_differentials(formula: Formula) -> bool:
    """Whether it has d(…), the small change of an expression: then dX is that of X."""
    return any(isinstance(x, Call) and x.function == Symbol("d") for x in formula.parts)


@lru_cache(maxsize=1 << 12)
def adds_up_changes(formula: Formula) -> bool:
    """`dz = dW x + db`: each term of a sum has a small change, and one has that of a matrix, or of x, as a factor.

    A gradient by a matrix is no factor beside a column, so that dz, dW and db are changes of z, W and b.
    """
    if not isinstance(formula, Equation) or len(formula.sides) != 2 or not _is_change(formula.sides[0]):
        return False
    terms = list(_terms(formula.sides[1]))
    return len(terms) > 1 and all(any(_is_change(x) for x in t.parts) for t in terms) and any(map(_weighed, terms))


def changes_alone(formula: Formula, defined: Collection[str]) -> tuple[str, ...]:
    """W and b of `dz = dW x + db`, where a text says what z is: the letters that change, beside which all are constant.

    Nothing where the formula speaks of no changes, or of that of a letter which is defined by others.
    """
    if not adds_up_changes(formula) or not isinstance(formula, Equation):
        return ()
    left, right = (
        {x.name[1:] for x in side.parts if _is_change(x) and isinstance(x, Symbol)} for side in formula.sides
    )
    return tuple(sorted(right)) if left <= {*defined} and right.isdisjoint(defined) else ()


def _is_change(part: Formula) -> bool:
    return isinstance(part, Symbol) and is_small_change(part.name) and not part.prime


def _weighed(term: Formula) -> bool:
    """`dW x`, `W dx`: the change of a parameter or an input times something that is none."""
    factors = list(_factors(term))
    moved = [x for x in factors if _is_change(x) and isinstance(x, Symbol)]
    others = [x for x in factors if isinstance(x, Symbol) and not _is_change(x) and x.name not in ("ones", "one")]
    return bool(others) and any(len(x.name) == 2 and x.name[1] in "WwXxaA" for x in moved)


def _terms(part: Formula) -> Iterator[Formula]:
    match part:
        case Binary("+" | "-", left, right):
            yield from _terms(left)
            yield from _terms(right)
        case Negate(x):
            yield from _terms(x)
        case _:
            yield part


def _factors(part: Formula) -> Iterator[Formula]:
    match part:
        case Binary("@" | " " | "*" | "·" | "∘", left, right):
            yield from _factors(left)
            yield from _factors(right)
        case Transpose(x):
            yield from _factors(x)
        case _:
            yield part


ZERO = Number(Fraction(0))


def says_zero(side: Formula) -> bool:
    """`0`, `0 · …`, `zeros`: that it is zero is what is stated."""
    if isinstance(side, Binary) and side.sign in "*·∘ @":
        return says_zero(side.left) or says_zero(side.right)
    return side == ZERO or side == Symbol("zeros")


def is_small_change(name: str) -> bool:
    """Whether a name such as dW may be the small change of W, or the derivative by it; delta is none."""
    return len(name) > 1 and name[0] == "d" and name not in ("delta", "det", "diag", "dot")


def has_new_axis(part: Formula) -> bool:
    """`v[:, None]`, `v[None, :]`, `v[np.newaxis, :]`."""
    return isinstance(part, Index) and any(x in (Symbol("None"), Symbol("newaxis")) for x in part.entries)


@lru_cache(maxsize=1 << 12)
def stacks_columns(formula: Formula) -> bool:
    """Whether it has vec(…), a matrix as one long column: then ⊗ is the Kronecker product of columns too."""
    return any(isinstance(x, Call) and x.function == Symbol("vec") for x in formula.parts)


def layer_places(equation: Formula) -> Iterable[tuple[str, Formula]]:
    """Letters with the layers at which they stand; n_l too."""
    for part in equation.parts:
        if isinstance(part, Symbol) and part.layer is not None:
            yield part.name, part.layer
        elif isinstance(part, Index) and part.base == Symbol("n") and len(part.entries) == 1:
            yield "n", part.entries[0]


def letters(at: Formula) -> set[str]:
    return {p.name for p in at.parts if isinstance(p, Symbol) and p.layer is None}


@lru_cache(maxsize=1 << 12)
def layer_letters(formula: Formula) -> frozenset[str]:
    """The letters that stand in layers."""
    return frozenset(x for _, at in layer_places(formula) for x in letters(at))


def bound_layers(equation: Formula) -> set[str]:
    found: set[str] = set()
    for part in equation.parts:
        if isinstance(part, Sum):
            found |= {b.index.name for b in part.bounds if isinstance(b, Bound) and isinstance(b.index, Symbol)}
    return found


@lru_cache(maxsize=1 << 14)
def stands_alone(part: Formula) -> bool:
    """Whether its value asks nothing of the formula around it; how far an index runs, a Kronecker delta does ask."""
    match part:
        case Symbol(name, layer=None, sample=None):
            return name not in _COUNTERS
        case Symbol() | Number() | Slice():
            return True
        case Call(function=Symbol(name)):
            return name not in ("kronecker", "delta") and all(stands_alone(x) for x in part.arguments)
        case Index(base, entries):
            return (
                stands_alone(base) and base != _DELTA and all(isinstance(x, Symbol | Number | Slice) for x in entries)
            )
        case Sum(body, _):
            return _counts(part) and stands_alone(body)
        case Negate() | Binary() | Transpose() | Partial():
            return all(stands_alone(x) for x in part.children)
    return False


_COUNTERS = frozenset("ijkpqrstuvcn")
_DELTA = Symbol("delta")


def bound_in(part: Formula) -> frozenset[str]:
    """The index letters that a sum binds; none for other parts."""
    bounds = part.bounds if isinstance(part, Sum) else ()
    return frozenset(b.index.name for b in bounds if isinstance(b, Bound) and isinstance(b.index, Symbol))
