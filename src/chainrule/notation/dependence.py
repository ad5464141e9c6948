"""Quantities written with what they depend on: `a(z)`, `z(x)`, `ŷ(x; θ)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .formula import Bound, Call, Formula, Index, Partial, Symbol, symbols

_VALUES = frozenset({"z", "a", "Z", "A", "y", "Y", "yhat", "Yhat"})
_OUTPUTS = {"y": "yhat", "Y": "Yhat"}  # of the inputs: y(x) is what the network makes of x
_CAUSES = frozenset({"x", "X", "w", "W", "b", "theta", "Theta", "beta", "phi"})


def without_dependence(formula: Formula, functions: frozenset[str]) -> Formula:
    """`a(z) = …` as a = …, `a'(z)` as ∂a/∂z, unless a is a function there: of two arguments in turn, or declared.

    functions  the letters that are declared to be functions
    """
    numbers = {x.index for x in formula.parts if isinstance(x, Bound)} | set(_of_costs(formula))
    others = {s.name for s in symbols(formula)} & {"a", "A", "yhat", "Yhat"}  # beside which y is the target
    arguments: dict[Formula, set[tuple[Formula, ...]]] = {}
    for part in formula.parts:
        if isinstance(part, Call) and (letter := _letter(part.function)) is not None:
            plain = replace(letter, prime=0)
            arguments.setdefault(plain, set()).add(part.arguments)
    dropped = {
        letter
        for letter, given in arguments.items()
        if isinstance(letter, Symbol) and letter.name not in functions and len(given) == 1
        if all(isinstance(x.base if isinstance(x, Index) else x, Symbol) for x in next(iter(given)))
    }
    return formula.mapped(lambda part: _bare(part, dropped, numbers, is_output=not others)) if dropped else formula


def _of_costs(formula: Formula) -> Iterator[Formula]:
    """x of `C_x`, the cost of sample x."""
    for part in formula.parts:
        if isinstance(part, Index) and len(part.entries) == 1 and part.base in (Symbol("C"), Symbol("E"), Symbol("L")):
            yield part.entries[0]


def _letter(function: Formula) -> Symbol | None:
    """z of z(x) and z_k(x), one of the values of layers."""
    letter = function.base if isinstance(function, Index) else function
    return letter if isinstance(letter, Symbol) and letter.name in _VALUES else None


def _bare(part: Formula, dropped: set[Symbol], numbers: set[Formula | None], *, is_output: bool) -> Formula:
    if not isinstance(part, Call) or (letter := _letter(part.function)) is None:
        return part
    if replace(letter, prime=0) not in dropped or letter.prime > 1:
        return part
    if len(part.arguments) == 1 and part.arguments[0] in numbers and letter.sample is None:  # of sum_x
        return part.function.mapped(lambda x: replace(letter, sample=part.arguments[0]) if x is letter else x)
    causes = {s.name for x in part.arguments for s in symbols(x)}
    name = _OUTPUTS.get(letter.name, letter.name) if is_output and causes & _CAUSES else letter.name
    above = {x.sample for x in part.arguments if isinstance(x, Symbol) and x.sample is not None}
    below = {x.entries for x in part.arguments if isinstance(x, Index) and x.base == Symbol("x")}
    sample = above.pop() if len(above) == 1 and letter.sample is None else letter.sample
    value = part.function.mapped(lambda x: Symbol(name, letter.layer, sample) if x is letter else x)
    if len(below) == 1 and isinstance(value, Symbol):  # y(x_n, w), as y_n
        value = Index(value, below.pop())
    if not letter.prime:
        return value
    return Partial(value, part.arguments[0]) if len(part.arguments) == 1 else part
