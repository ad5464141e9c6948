"""Conventions that nobody declared and a formula may follow: orientation, place of 1/m, layout, penalty, targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from ..notation.formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Equation,
    Index,
    Number,
    Partial,
    Sum,
    Symbol,
    Transpose,
)
from .conditions import BATCH, COSTS, SMALL, is_small, penalty_of
from .parts import LAYERED, layers_of, places, summed_call
from .verdict import Declared


def conventions(declared: Declared, samples: str, tree: Equation, code: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Conventions that were not declared and that the formula may follow: condition in words, change."""
    small = set() if code else _written_small(declared)  # a program writes h and grad for those of a batch
    for words, change in _open_conventions(declared, samples, tree, small, code):
        if not change.keys() & declared.conventions.keys():
            yield words, change


def two_of(changes: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Samples are rows, and the derivatives are those of the cost: two conventions of one program."""
    for (one, a), (other, b) in combinations(changes, 2):
        if not a.keys() & b.keys() and "place" in a.keys() | b.keys():
            yield f"{one}, and {other}", {**a, **b}


def _open_conventions(
    declared: Declared, samples: str, tree: Equation, written_small: set[str], code: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role in ("operand", "function")}
    few = names & BATCH - written_small
    small = bool(names & SMALL or names & BATCH) and not few
    gradients = any(n in LAYERED and n.startswith("d") for n in names) or "dw" in names
    partial = any(isinstance(p.part, Partial) for p in places(tree))
    left = tree.sides[0]
    summed = any(summed_call(x) for x in tree.parts)
    sums = isinstance(left, Symbol) and left.name in ("b", "db", "dw", "dW") and summed
    counted = sums or bool(names & {"m", "N"})  # whoever writes m, or sums what a parameter gets, has many
    if samples == "batch" and small and not counted and (declared.samples is None or tree.sides[0] not in COSTS):
        yield "there is one sample (m = 1)", {"samples": "one"}
    if declared.place is None and samples == "batch" and (gradients or partial):
        yield "1/m stands in dZ and dA (they are derivatives of the cost J)", {"place": "dZ"}
    if declared.layout is None and partial:
        words = "the derivative of a column by a column has a row for each entry below (denominator layout)"
        yield words, {"layout": "denominator"}
        yield "the derivative of a number by a column is a row (numerator layout)", {"layout": "numerator"}
    says = any("W[" in target and target.endswith(".T") for target in declared.letters.rename.values())
    product = any(isinstance(x, Binary) and x.sign == "@" for x in tree.parts)
    forward = not gradients and not partial
    if declared.rows is None and samples == "one" and product:
        by_unit = "samples are rows, and W has a row for each unit (z = x Wᵀ + b)"
        if "x" in names or forward:
            yield "samples are rows (x is 1 × n_0, z = x W + b)", {"rows": True}
            yield by_unit, {"rows": True, "weights_by_unit": True}
        elif code and declared.samples == "one":  # v @ W of NumPy is Wᵀ v where v has one axis
            yield by_unit, {"rows": True, "weights_by_unit": True}
    if declared.rows is None and samples == "batch" and names & BATCH:
        yield "samples are rows (X is m × n_0, Z = A W + b)", {"rows": True}
        products = any(isinstance(x, Binary) and x.sign in "@ ·" for x in tree.parts)
        backward = (gradients or partial) and bool(names & {"W", "dW"}) and products
        if (backward or _has_transposed_weights(tree)) and not says:
            words = "samples are rows, and W has a row for each unit (Z = A Wᵀ + b)"
            yield words, {"rows": True, "weights_by_unit": True}
    # Backward, a missing transpose is the classic mistake; forward, w.T x is how many people store w.
    loose = declared.network is None and all(layer == ONE for layer in layers_of(tree))  # no layer was written
    unit = loose and bool(names & {"dW", "db"}) and "X" in names
    transposed = _has_transposed_weights(tree) or (loose and _sums_over_rows(tree))
    if (not gradients and not partial and not says and transposed) or (unit and not says):
        yield "W is stored transposed (one column for each unit)", {"transposed_weights": True}
    letter = penalty_of(tree)
    if letter is not None:
        count = next((x for x in ("m", "N", "n") if x in names), "m")
        for scale, weight in (
            (f"({letter.name}/2)", letter),
            (f"({letter.name}/(2 {count}))", Binary("/", letter, Symbol(count))),
            (letter.name, Binary("*", Number(Fraction(2)), letter)),
        ):
            yield f"the cost has the penalty {scale} ‖W‖², summed over the layers", {"penalty": weight}
    if _targets_inside(tree):
        yield "y is one-hot: one of its entries is 1, the others are 0", {"one_hot_targets": True}
    if names & {"W", "w"} and not names & {"b", "db", "B"} and not any(n.startswith("d") for n in names):
        yield "b = 0", {"zero_bias": True}
        if declared.rows is None and samples == "batch" and "X" in names:
            yield "samples are rows (X is m × n_0), and b = 0", {"rows": True, "zero_bias": True}


def _written_small(declared: Declared) -> set[str]:
    """A and dZ of h and δ, which are small letters in the document."""
    return {ours.split("[")[0] for theirs, ours in declared.letters.rename.items() if is_small(theirs)}


def _targets_inside(tree: Equation) -> bool:
    """`ln(Σ y ŷ)`: the target is in the logarithm."""
    logs = (
        p.part for p in places(tree) if isinstance(p.part, Call) and p.part.function in (Symbol("ln"), Symbol("log"))
    )
    return any(isinstance(x, Symbol) and x.name in ("y", "Y") for log in logs for a in log.arguments for x in a.parts)


def _has_transposed_weights(tree: Equation) -> bool:
    return any(
        isinstance(p.part, Transpose) and isinstance(p.part.operand, Symbol) and p.part.operand.name in ("W", "w")
        for p in places(tree)
    )


def _sums_over_rows(tree: Equation) -> bool:
    """`Σ_i w_ij x_i`: the first index is summed over."""
    for part in tree.parts:
        counted = {b.index for b in part.bounds if isinstance(b, Bound)} if isinstance(part, Sum) else set()
        for x in part.parts if counted else ():
            entry = isinstance(x, Index) and isinstance(x.base, Symbol) and x.base.name in ("W", "w")
            if entry and isinstance(x, Index) and len(x.entries) == 2 and x.entries[0] in counted:
                return True
    return False
