"""What the letters below count where nobody says it: units, entries of one sample, or the samples themselves."""

from __future__ import annotations

from dataclasses import replace

from ..meaning.letters import LOSSES
from ..meaning.named_losses import NAMED
from ..notation.formula import Array, Bound, Call, Dots, Equation, Formula, Index, Number, Partial, Sum, Symbol, symbols
from ..notation.write import exact

_OF_A_UNIT = frozenset({"z", "a", "y", "yhat", "dz", "da", "dyhat"})  # b alone may have it by mistake
_OF_A_SAMPLE = frozenset({"x", "y", "yhat", "z", "a", "dz", "da", "dyhat", "L", "ell"})
_OF_ALL = frozenset(Symbol(x) for x in (*NAMED, *LOSSES))  # MSE(y, ŷ) is of all samples
_COUNTS = frozenset({"m", "N", "n"})
_WEIGHTS = frozenset({"w", "W", "dw", "dW"})


def _entries(tree: Formula) -> list[tuple[Symbol, tuple[Formula, ...]]]:
    """The letters with indices below, of which one at least is a letter, and these indices."""
    return [
        (x.base, x.entries)
        for x in tree.parts
        if isinstance(x, Index) and isinstance(x.base, Symbol) and any(isinstance(e, Symbol) for e in x.entries)
    ]


def _above(tree: Formula) -> list[tuple[Symbol, tuple[Formula, ...]]]:
    """Those by which nothing is differentiated."""
    below = [x for part in tree.parts if isinstance(part, Partial) for x in _entries(part.denominator)]
    return [x for x in _entries(tree) if x not in below]


def counts_entries(tree: Formula) -> bool:
    """A letter stands below one of a network: then it is no number."""
    return any(base.name in _OF_A_SAMPLE | _WEIGHTS | {"b", "db"} for base, _ in _entries(tree))


def counts_units(tree: Formula) -> bool:
    """A letter counts the units of a layer, `z_j`, `w_ij`, or there is a soft-max: there are several."""
    if any(isinstance(x, Call) and x.function == Symbol("softmax") for x in tree.parts):
        return True
    if any(base.name in _OF_A_UNIT or (base.name in _WEIGHTS and len(x) == 2) for base, x in _entries(tree)):
        return True
    return any(isinstance(x, Index) and _is_second_unit(x) for x in tree.parts)


def _is_second_unit(part: Index) -> bool:
    """z_2."""
    entry = part.entries[0]
    unit = isinstance(part.base, Symbol) and part.base.name in _OF_A_UNIT and len(part.entries) == 1
    return unit and isinstance(entry, Number) and entry.value > 1


def written_inputs(tree: Formula) -> int:
    """2 of `w_1 x_1 + w_2 x_2 + b`: the entries of x where all are written one by one; else 0."""
    found = [x.entries for x in tree.parts if isinstance(x, Index) and x.base == Symbol("x")]
    numbers = {int(e[0].value) for e in found if len(e) == 1 and isinstance(e[0], Number)}
    whole = len(numbers) > 1 and numbers == set(range(1, len(numbers) + 1)) and Dots() not in tree.parts
    return len(numbers) if whole and all(isinstance(e[0], Number) for e in found) else 0


def counts_one_by_one(tree: Formula) -> bool:
    """`w_j0 a_0 + w_j1 a_1`: one letter with two numbers below; what a soft-max is of is a column."""
    if any(isinstance(x, Call) and x.function == Symbol("softmax") for x in tree.parts):
        return False
    found = {(x.base, e) for x in tree.parts if isinstance(x, Index) for e in x.entries if isinstance(e, Number)}
    return len(found) > len({base for base, _ in found})


def names_two_units(tree: Formula) -> bool:
    """`∂ŷ_i/∂z_j`: two units of one layer."""
    found = {e for base, entries in _entries(tree) if base.name in _OF_A_UNIT and len(entries) == 1 for e in entries}
    return len({x for x in found if isinstance(x, Symbol)}) > 1


def samples_below(tree: Equation) -> Equation | None:
    """The formula with one letter below taken for the number of the sample: `ŷ_i = w x_i + b`, `Σ_i (ŷ_i - y_i) x_ij`.

    It stands below every quantity of a sample, alone or, beside the number of a feature, below x, and below no weight;
    below b it is a mistake.
    None where no letter does, or where neither x nor the number of samples says so.
    """
    found = _entries(tree)
    alone = [e[0] for base, e in found if base.name in _OF_A_SAMPLE and base.name != "x" and len(e) == 1]
    alone = alone or [e[0] for base, e in found if base.name == "x" and len(e) == 1]
    if len(set(alone)) != 1 or not isinstance(alone[0], Symbol):
        return None
    letter = alone[0]
    for base, entries in found:
        if base.name == "x":
            if letter not in entries or len(entries) > 2 or entries.count(letter) > 1:
                return None
        elif letter in entries and base.name not in ("b", "db") and (base.name not in _OF_A_SAMPLE or len(entries) > 1):
            return None
    bare = {x.name for x in _bare(tree)}
    if not bare & _COUNTS and not any(base.name == "x" and letter in entries for base, entries in _above(tree)):
        return None  # nothing says that it counts samples
    if bare & (_OF_A_SAMPLE - {"L", "ell"}):
        return None  # beside y_i, y alone is another thing

    def numbered(part: Formula) -> Formula:
        if not (isinstance(part, Index) and isinstance(part.base, Symbol) and letter in part.entries):
            return part
        if part.base.sample is not None or part.base.name not in _OF_A_SAMPLE:
            return part
        rest = tuple(e for e in part.entries if e != letter)
        base = replace(part.base, sample=letter)
        return Index(base, rest) if rest else base

    new = tree.mapped(numbered)
    assert isinstance(new, Equation)
    return new if new != tree else None


def whole_for_entry(tree: Equation) -> tuple[str, Equation] | None:
    """`∂C/∂W_ij = δ aᵀ` as ∂C/∂W_ij = (δ aᵀ)_ij: many write the general entry at the left for the whole matrix.

    The condition in words, and the formula with i and j at the sides that have neither; None where none is so.
    """
    left, *right = tree.sides
    entry = left.denominator if isinstance(left, Partial) else left
    if not isinstance(entry, Index) or not isinstance(entry.base, Symbol):
        return None
    of = _WEIGHTS if len(entry.entries) == 2 else _OF_A_UNIT if len(entry.entries) == 1 else ()
    if isinstance(left, Partial) and any(isinstance(x, Index) for x in left.numerator.parts):
        return None
    if of and any(isinstance(x, Array) for x in right):  # i and j may be the last row and column there
        whole_left = replace(left, denominator=entry.base) if isinstance(left, Partial) else entry.base
        return f"{exact(entry)} stands for the matrix of all entries", Equation((whole_left, *right), tree.relations)
    letters = {x.name for x in entry.entries if isinstance(x, Symbol)}
    whole = [not letters & {x.name for x in symbols(side)} and not isinstance(side, Number) for side in right]
    if len(letters) != len(entry.entries) or entry.base.name not in of or not any(whole):
        return None
    sides = [Index(side, entry.entries) if of_all else side for side, of_all in zip(right, whole, strict=True)]
    what = "matrix" if len(letters) == 2 else "column"
    return f"{exact(entry)} stands for the {what} of all entries", Equation((left, *sides), tree.relations)


def _bare(tree: Formula) -> list[Symbol]:
    """The letters that stand without an index below and without a sample."""
    if isinstance(tree, Index):
        return [x for e in tree.entries for x in _bare(e)]
    if isinstance(tree, Bound) or (isinstance(tree, Call) and tree.function in _OF_ALL):
        return []
    if isinstance(tree, Symbol):
        return [tree] if tree.layer is None and tree.sample is None else []
    inner = tree.children if not isinstance(tree, Sum) else (tree.body,)
    return [x for child in inner for x in _bare(child)]
