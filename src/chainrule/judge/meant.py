"""A formula whose letters nobody declared, in the meanings that texts usually give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..meaning.usual import Usual, usual
from ..notation.formula import Equation, symbols
from .definitions import definitions_of
from .verdict import NO_NETWORK, Declared, Judgement, noted
from .worlds import activations

_NOT_TOLD = ("not named", "shape")
_UNCLEAR = (*_NOT_TOLD, "sum-axis")  # causes that may mean that it was not understood
_FEW = 2  # meanings that each get all that is allowed
_FOR_USUAL = 0.5  # of what is allowed, for these meanings
_FOR_MISTAKES = 0.3  # of what is allowed, for the mistake in the likeliest of them

# The judgement of the formula where it means this, under these declarations; whether its mistake is looked for.
Judge = Callable[[Usual, Declared, float, bool], Judgement]


def as_usual(
    tree: Equation, declared: Declared, plain: Judgement, judge: Judge, seconds: float, *, mend: bool
) -> Judgement | None:
    """The judgement where letters that nobody declared are E the error, t the target, …; None where that tells nothing.

    Right under one of these meanings is right if it is meant. Wrong it is only where its letters mean nothing else and
    the likeliest meaning names a mistake.

    plain  what is said of the formula as it stands
    """
    wrong = plain.verdict == "wrong"
    if plain.verdict in ("right", "right if") or declared.network == NO_NETWORK:
        return None
    known = {*declared.free, *_defined(tree, declared)}
    told = usual(tree, known, () if declared.network is None else activations(declared.network))
    if wrong and ((plain.cause not in _UNCLEAR and len(plain.causes) == 1) or not mend):
        told = [x for x in told if x.anyway]  # without mending nobody knows whether it has a name
    if plain.cause == "missing-1/m" and len(plain.causes) == 1:
        told = []  # a sum is no excuse for a mean, unless the document has declared it its cost
    meanings = [(x, _declared_with(declared, x)) for x in told]
    each = seconds if len(meanings) <= _FEW else seconds * _FOR_USUAL / len(meanings)
    for meant, there in meanings:
        found = judge(meant, there, each, False)
        if found.verdict in ("right", "right if"):
            condition = ", and ".join(x for x in (meant.words, found.condition) if x)
            return replace(found, verdict="right if" if condition else "right", condition=condition)
    if not mend or (wrong and plain.cause not in _NOT_TOLD):
        return None
    for meant, there in meanings:
        if not meant.defines and (meant.words or not wrong):
            found = judge(meant, there, seconds * _FOR_MISTAKES, True)
            named = found.verdict == "wrong" and found.cause not in _NOT_TOLD and (not wrong or len(found.causes) == 1)
            return replace(found, note=noted(meant.words and f"taken so: {meant.words}", found.note)) if named else None
    return None


def _defined(tree: Equation, declared: Declared) -> set[str]:
    """The letters that the document defines, and those in the definitions of what stands in the formula."""
    definitions = definitions_of(declared)
    inside: set[str] = set()
    new = {x.name for x in symbols(tree)} & set(definitions)
    while new:
        inner = {x.name for name in new for x in symbols(definitions[name])} - inside
        inside |= inner
        new = inner & set(definitions)
    return inside | set(definitions)


def _declared_with(declared: Declared, meant: Usual) -> Declared:
    conventions = {**declared.conventions, **meant.conventions}
    free, also = (*declared.free, *meant.free), (*declared.meant, *meant.definitions)
    return replace(declared, free=free, conventions=conventions, meant=also)
