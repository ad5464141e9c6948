"""Letters that are told apart by what stands at them: w^{(1)}_{ji} and w^{(2)}_{kj}, w_{j0}, an index k and k'.

In a network w^{(1)}_{ji} is an entry of W[1]; where every letter is what the text says of it, it is one of a letter of
its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..notation.formula import Bound, Call, Formula, Index, Number, Symbol
from .seen import ZERO
from .values import undefined


def with_own_letters(formula: Formula, others: Iterable[Formula] = ()) -> Formula:
    """The formula with `w_1[j, i]` for w^{(1)}_{ji}, `w_1_0[j]` for w^{(1)}_{j0}; other parts stay the same objects.

    others  formulas that hold beside it, which have their own letters already

    Raises `NoValueError` where a sum begins at 0 and a formula beside it takes w_{j0} for itself.
    """
    new = formula.mapped(_numbered)
    if _counts_from_zero(new):
        if any(isinstance(x, Symbol) and x.name.endswith("_0") for other in others for x in other.parts):
            raise undefined("w of index 0 stands by itself, and a sum begins with it")
        return new
    return new.mapped(_bias)


def with_plain_indices(formula: Formula) -> Formula:
    """The formula with one letter for each index: k' of `Σ_k' exp(z_k')` is another than k, and no derivative of it."""
    primed = {x for x in formula.parts if isinstance(x, Symbol) and x.prime and x.layer is None and x.sample is None}
    if not primed:
        return formula
    counting = {e for x in formula.parts if isinstance(x, Index) for e in x.entries}
    counting |= {x.index for x in formula.parts if isinstance(x, Bound) and x.index is not None}
    counting |= {x.sample for x in formula.parts if isinstance(x, Symbol) and x.sample is not None}
    table: dict[Formula, Formula] = {x: Symbol(f"{x.name}{chr(39) * x.prime}") for x in primed & counting}
    return formula.mapped(lambda x: table.get(x, x)) if table else formula


def _numbered(part: Formula) -> Formula:
    """An entry of an entry is one of a letter with a number; θ_h of `θ_h(a_h)` is a function of every entry alike."""
    match part:
        case Call(Index(Symbol() as function, at), (Index(_, entries),), ()) if at == entries:
            return replace(part, function=function)
        case Index(Index(Symbol(layer=None) as letter, (Number(n),)), entries) if n.denominator == 1 and n > 0:
            return Index(replace(letter, name=f"{letter.name}_{n}"), entries)
    return part


def _bias(part: Formula) -> Formula:
    match part:
        case Index(Symbol(layer=None) as letter, (Symbol() as i, zero)) if zero == ZERO:
            return Index(replace(letter, name=f"{letter.name}_0"), (i,))
    return part


def _counts_from_zero(formula: Formula) -> bool:
    return any(isinstance(x, Bound) and x.lower == ZERO for x in formula.parts)
