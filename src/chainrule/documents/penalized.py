"""The penalty on the weights in a document's own cost: what its gradients have from there on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK
from ..notation.canonical import canonical
from ..notation.formula import Call, Equation, Formula, Partial, Symbol
from .composed import costs
from .found import Found
from .header import Notation, Stretch
from .section import Judge, Reader
from .strength import strength_of, under_penalty

_SCALES = ("{}/2", "{}/(2*m)", "{}", "{}/m")  # of ‖W‖², summed over the layers, in the cost
_COSTS = ("J", "C", "L")
_MOST = 8  # formulas with the penalty that are tried


def penalize(
    found: Sequence[Found], stretches: Sequence[Stretch], read: Reader, judge: Judge
) -> tuple[list[Stretch], list[str]]:
    """The stretches, divided where the cost has a penalty from there on, and a sentence for every penalty.

    Only where a gradient of the document has it too: `dW = 1/m dZ Aᵀ` may else be that of the cost without it.
    """
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        new.append(stretch)
        notation = stretch.readings[0][1]
        if len(stretch.readings) != 1 or notation.penalty or notation.network == NO_NETWORK:
            continue
        here = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number]
        penalty = _penalty(here, notation, read, judge)
        if penalty is not None:
            line, told = penalty
            said.append(f"line {line}: the cost has the penalty ({told.penalty}) ‖W‖², and so have its derivatives")
            new.append(replace(stretch, start=line, readings=((stretch.readings[0][0], told),), continues=True))
    return new, said


def _penalty(found: Sequence[Found], notation: Notation, read: Reader, judge: Judge) -> tuple[int, Notation] | None:
    """The line of the cost with a penalty, and the notation with that."""
    with_strength = list(_with_strength(found, notation, read))
    stated = [f for f, _ in costs(found, notation, read)]
    for each, equation, letter in _with_strength(stated, notation, read):
        if not _is_cost(equation.sides[0]):
            continue
        for scale in _SCALES:
            told = replace(notation, penalty=scale.format(letter))
            if judge(each, (told.declared(),)).verdict == "right":
                others = [(f, e) for f, e, _ in with_strength if f.line > each.line and _is_gradient(e.sides[0])]
                if any(judge(f, (under_penalty(told, e).declared(),)).verdict == "right" for f, e in others[:_MOST]):
                    return each.line, told
                break
    return None


def _with_strength(found: Sequence[Found], notation: Notation, read: Reader) -> Iterator[tuple[Found, Equation, str]]:
    for each in found:
        try:
            equation = canonical(read(each, notation), notation.as_letters())
        except ChainruleError:
            continue
        if isinstance(equation, Equation) and len(equation.sides) > 1 and (letter := strength_of(equation)):
            yield each, equation, letter


def _is_cost(left: Formula) -> bool:
    left = left.function if isinstance(left, Call) else left
    return isinstance(left, Symbol) and left.name in _COSTS and left.layer is None


def _is_gradient(left: Formula) -> bool:
    below = left.denominator if isinstance(left, Partial) else left
    letter = next((p for p in below.parts if isinstance(p, Symbol)), None)
    return letter is not None and letter.name in ("dW", "dw", "W", "w")
