"""Statements of what a parameter becomes, put into one form: W <- …"""

from __future__ import annotations

from dataclasses import replace

from .formula import Binary, Equation, Formula, Index, Negate, Slice, Symbol, Transpose

CHANGES = {f"Delta{x}": x for x in ("W", "w", "b")}  # the change of a parameter in a step


def as_update(formula: Formula) -> Formula:
    """`ΔW = …`, the change of a parameter in a step, as W <- W + …"""
    if not isinstance(formula, Equation) or len(formula.sides) < 2 or formula.relations[0] not in ("=", ":="):
        return formula
    left = formula.sides[0]
    change = left.base if isinstance(left, Index) else left
    if not isinstance(change, Symbol) or change.name not in CHANGES:
        return formula
    if any(isinstance(x, Symbol) and x.name == change.name for side in formula.sides[1:] for x in side.parts):
        return formula
    after = left.mapped(lambda x: replace(change, name=CHANGES[change.name]) if x is change else x)
    return Equation((after, *(Binary("+", after, side) for side in formula.sides[1:])), ("<-", *formula.relations[1:]))


def upright(formula: Formula) -> Formula:
    """`W.T <- W.T - …`, where another letter stands for W.T, as W <- W - (…).T"""
    if isinstance(formula, Equation) and isinstance(formula.sides[0], Index):
        return formula.mapped(_entry_of_transpose)
    if not isinstance(formula, Equation) or not isinstance(formula.sides[0], Transpose):
        return formula
    left = formula.sides[0].operand
    own = any(part == formula.sides[0] for side in formula.sides[1:] for part in side.parts)
    if not isinstance(left, Symbol) or not own:
        return formula
    return Equation(tuple(_turned(side) for side in formula.sides), formula.relations)


def _entry_of_transpose(part: Formula) -> Formula:
    """W.T[i, j] as W[j, i]."""
    if not isinstance(part, Index) or any(isinstance(x, Slice) for x in part.entries):
        return part
    if isinstance(part.base, Transpose) and len(part.entries) == 2:
        return Index(part.base.operand, part.entries[::-1]) if isinstance(part.base.operand, Symbol) else part
    return part


def _turned(part: Formula) -> Formula:
    """The transpose of a sum, term by term."""
    if isinstance(part, Transpose):
        return part.operand
    if isinstance(part, Negate):
        return Negate(_turned(part.operand))
    if isinstance(part, Binary) and part.sign in "+-":
        return Binary(part.sign, _turned(part.left), _turned(part.right))
    return Transpose(part)
