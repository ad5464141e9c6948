"""Several losses in one text, each with its gradient: what follows a definition of L is said of that loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.untold import states_another_loss
from ..judge.verdict import NO_NETWORK
from ..notation.formula import Call, Equation, Formula, Partial, Symbol
from .composed import COSTS
from .header import Notation, Stretch
from .report import Entry
from .section import Judge, Reader

_UNNAMED = ("", "not named", "shape", "undefined-symbol")
_OF_SCALE = ("factor-2", "missing-square")
_WHY = "{} is another loss from here on"
_OF_ANOTHER = "it is the gradient of another loss than that which was concluded"


def of_several_losses(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
    quick: Judge,
    judge: Judge,
) -> list[Entry]:
    """The entries, where a second definition of the loss is no mistake in the first, and its gradient is its own.

    `L = (a - y)²/2` and `L = |a - y|` are two losses; which of them a network has was only concluded, so that
    `∂L/∂a = sign(a - y)` behind the second is judged by it alone. Only in stretches where no loss is declared.

    numbers  of each entry, that of its stretch
    given    the stretches as they were declared
    quick    judges without looking for the mistake
    """
    new = list(entries)
    now: dict[int, tuple[str, str, Equation]] = {}  # by the stretch: the letter, its definition from the second on
    seen: dict[tuple[int, str], Equation] = {}
    for i, (entry, number) in enumerate(zip(entries, numbers, strict=True)):
        notation = stretches[number].readings[0][1]
        declared = given[number].readings[0][1]
        if entry.found.syntax == "code" or declared.loss != "any" or declared.network == NO_NETWORK:
            continue
        try:
            equation = read(entry.found, notation)
        except ChainruleError:
            continue
        letter = _defined(equation)
        if letter and (number, letter) not in seen:
            seen[number, letter] = equation
        elif letter and equation != seen[number, letter]:
            now.pop(number, None)
            if _is_another(entry, equation, scaled=notation.network == NO_NETWORK and letter not in ("J", "C")):
                now[number] = letter, entry.found.formula, equation
                new[i] = Entry(entry.found, "definition", why=_WHY.format(letter), shown=entry.shown)
        elif number in now and entry.verdict in ("wrong", "cannot tell") and _is_gradient(equation, now[number][0]):
            new[i] = _of(now[number], entry, equation, notation, quick, judge)
    return new


def _defined(equation: Equation) -> str:
    """L of `L = …` and `L(a, y) = …`."""
    left: Formula = equation.sides[0]
    left = left.function if isinstance(left, Call) else left
    if (
        not isinstance(left, Symbol)
        or left.name not in (*COSTS, "ell")
        or left.layer is not None
        or left.sample is not None
    ):
        return ""
    inside = (p for side in equation.sides[1:] for p in side.parts)
    return "" if left in inside or any(isinstance(p, Symbol) and p.name in COSTS for p in inside) else left.name


def _is_another(entry: Entry, equation: Equation, *, scaled: bool) -> bool:
    """Whether a definition that does not hold is of another loss, not a slip in the first."""
    judgement = entry.judgement
    if judgement is None:
        return entry.status == "definition"
    if judgement.verdict in ("right", "right if"):
        return False
    scaled = scaled and judgement.cause in _OF_SCALE  # in a list of losses, of which none is that of a network
    return judgement.cause in _UNNAMED or scaled or states_another_loss(equation)


def _is_gradient(equation: Equation, letter: str) -> bool:
    """∂L/∂a = …"""
    left = equation.sides[0]
    above = left.numerator if isinstance(left, Partial) else None
    above = above.function if isinstance(above, Call) else above
    return isinstance(above, Symbol) and above.name == letter


def _of(
    loss: tuple[str, str, Equation], entry: Entry, equation: Equation, notation: Notation, quick: Judge, judge: Judge
) -> Entry:
    """The entry of a gradient by a loss that is defined so, of letters that may be any numbers."""
    _, definition, stated = loss
    left = equation.sides[0]
    below = {p.name for p in left.denominator.parts if isinstance(p, Symbol)} if isinstance(left, Partial) else set()
    bare = replace(
        notation, network=NO_NETWORK, loss="any", letters=(), definitions=(definition,), penalty="", output=""
    )
    declared = (bare.declared(),)
    judgement = quick(entry.found, declared)
    direct = below <= {p.name for side in stated.sides[1:] for p in side.parts if isinstance(p, Symbol)}
    if judgement.verdict == "wrong" and direct:
        judgement = judge(entry.found, declared)
    if judgement.verdict == "cannot tell" or (judgement.verdict == "wrong" and judgement.cause in _UNNAMED):
        judgement = replace(judgement, verdict="cannot tell", causes=(), others=(), note=_OF_ANOTHER)
    return replace(entry, judgement=replace(judgement, text=entry.found.text), mended=None)
