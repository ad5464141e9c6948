"""The one letter that the whole literature uses and few declare: δ, a derivative of the loss in its layer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.canonical import COSTS, renamed
from ..notation.formula import Equation, Formula, Index, Partial, Symbol
from .found import Found
from .header import Notation, Stretch

_STANDS_FOR = {"z": "dz", "a": "da", "Z": "dZ", "A": "dA"}
_MOST = 5  # formulas that are tried


def assume(
    found: Sequence[Found],
    stretches: Sequence[Stretch],
    read: Callable[[Found, Notation], Equation],
    judge: Callable[[Found, Sequence[Declared]], Judgement],
) -> tuple[list[Stretch], list[str]]:
    """The stretches with a meaning of δ where none is declared, and a sentence for every one that was assumed.

    It is what the text says it is, ∂L/∂z or ∂L/∂a; where the text does not say, it is ∂L/∂z if a formula for δ is
    right then.
    """
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number]
        ours = _meaning(here, stretch, read, judge)
        if ours:
            first = next(f.line for f in here if _has_delta(f.formula))
            said.append(f"line {first}: δ, which is not declared, is read as {ours}, the derivative of the loss")
            stretch = _with_delta(stretch, ours)
        new.append(stretch)
    return new, said


def _meaning(
    found: Sequence[Found],
    stretch: Stretch,
    read: Callable[[Found, Notation], Equation],
    judge: Callable[[Found, Sequence[Declared]], Judgement],
) -> str:
    notations = [notation for _, notation in stretch.readings]
    if any(n.network == NO_NETWORK or "delta" in renamed(n.as_letters()) or "delta" in n.free for n in notations):
        return ""
    if any("delta" in d or "δ" in d for n in notations for d in n.definitions):
        return ""
    about = [(f, e) for f, e in _equations(found, notations[0], read) if _is_delta(e.sides[0])]
    said = {_STANDS_FOR.get(_by(side), "") for _, e in about for side in e.sides[1:] if isinstance(side, Partial)}
    if said:
        return said.pop() if len(said) == 1 else ""
    meant = _with_delta(stretch, "dz")
    for f, _ in about[:_MOST]:
        judgement = judge(f, tuple(notation.declared(name) for name, notation in meant.readings))
        if judgement.verdict in ("right", "right if"):
            return "dz"
    return ""


def _equations(
    found: Sequence[Found], notation: Notation, read: Callable[[Found, Notation], Equation]
) -> Iterator[tuple[Found, Equation]]:
    for f in found:
        if _has_delta(f.formula):
            try:
                equation = read(f, notation)
            except ChainruleError:
                continue
            if len(equation.sides) > 1:
                yield f, equation


def _has_delta(formula: str) -> bool:
    return "delta" in formula or "δ" in formula


def _is_delta(part: Formula) -> bool:
    base = part.base if isinstance(part, Index) else part
    return isinstance(base, Symbol) and base.name == "delta" and base.layer is not None


def _by(part: Partial) -> str:
    """The name of what a cost is differentiated by: z of ∂L/∂z_i."""
    below = part.denominator.base if isinstance(part.denominator, Index) else part.denominator
    cost = isinstance(part.numerator, Symbol) and part.numerator.name in COSTS
    return below.name if cost and isinstance(below, Symbol) else ""


def _with_delta(stretch: Stretch, ours: str) -> Stretch:
    return replace(
        stretch,
        readings=tuple(
            (name, replace(n, letters=(*n.letters, ("delta[l]", f"{ours}[l]")))) for name, n in stretch.readings
        ),
    )
