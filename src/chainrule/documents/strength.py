"""The letter that scales a penalty in the formulas of a text, and the notation of one formula under that."""

from __future__ import annotations

import re
from dataclasses import replace

from ..meaning.letters import PENALTIES
from ..meaning.seen import updated
from ..notation.canonical import canonical
from ..notation.formula import Equation, Formula, Partial, Symbol, symbols
from ..notation.read import read
from .header import Notation


def strength_of(equation: Formula) -> str:
    """The letter that scales a penalty; empty where there is none."""
    return next((p.name for p in equation.parts if isinstance(p, Symbol) and p.name in PENALTIES), "")


def under_penalty(notation: Notation, equation: Equation) -> Notation:
    """The notation for one formula of a text whose cost has a penalty, whatever letter scales it there.

    `W := W - α dW` is right with and without it, so that no penalty is added to either side.
    """
    if not notation.penalty:
        return notation
    letter = strength_of(equation)
    if letter:
        written = {p.name for p in symbols(read(notation.penalty, syntax="text")[0].equation)} & PENALTIES
        new = re.sub(rf"\b(?:{'|'.join(written)})\b", letter, notation.penalty)
        return replace(notation, penalty=new)
    ours = canonical(equation, notation.as_letters())
    is_update = isinstance(ours, Equation) and updated(ours) is not None
    slopes = any(
        (isinstance(p, Symbol) and p.name in ("dW", "dw")) or isinstance(p, Partial) for p in ours.children[-1].parts
    )
    return replace(notation, penalty="") if is_update and slopes else notation
