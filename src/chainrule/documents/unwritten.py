"""What is wrong under a loss that was concluded, though nobody wrote one: right, if another loss is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .composed import costs
from .header import Stretch
from .report import Entry
from .section import Judge, Reader, Told

_LOSSES = ("quadratic", "binary_cross_entropy", "cross_entropy", "sum_of_squares")


def under_any_loss(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    told: Told,
) -> list[Entry]:
    """The entries, where a formula is wrong only if it is wrong with every loss, in stretches that state no cost.

    `(y - a) * a * (1 - a)` is a step of squared error, `y - a` one of cross-entropy; a program that has no line for its
    loss may mean either.

    numbers  of each entry, that of its stretch
    given    the stretches as they were declared
    told     under which declarations a formula was judged
    """
    new = list(entries)
    for number in sorted(set(numbers)):
        notation = stretches[number].readings[0][1]
        if given[number].readings[0][1].loss != "any" or notation.loss == "any":
            continue
        here = [i for i, n in enumerate(numbers) if n == number]
        if any(True for _ in costs([entries[i].found for i in here], notation, read)):
            continue
        others = [x for x in _LOSSES if x != notation.loss]
        excused: set[str] = set()
        for i in (i for i in here if entries[i].verdict == "wrong"):
            loss = next((x for x in others if _under(entries[i], x, judge, told) in ("right", "right if")), "")
            if loss:
                new[i] = _if_meant(entries[i], loss)
                excused.add(loss)
        for i in (i for i in here if excused and entries[i].verdict == "right"):
            if any(_under(entries[i], loss, judge, told) == "wrong" for loss in excused):
                new[i] = _if_meant(entries[i], notation.loss)
    return new


def _under(entry: Entry, loss: str, judge: Judge, told: Told) -> str:
    """The verdict with another loss; empty where it is not known under what the formula was judged."""
    declared = told.get((entry.found.line, entry.found.formula), ())
    return judge(entry.found, tuple(replace(d, loss=loss) for d in declared)).verdict if declared else ""


def _if_meant(entry: Entry, loss: str) -> Entry:
    if entry.judgement is None:
        return entry
    words = f"the loss, which is not written here, is {loss}"
    judgement = replace(entry.judgement, verdict="right if", condition=words, causes=(), others=())
    return replace(entry, judgement=judgement, mended=None)
