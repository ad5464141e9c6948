"""What is not called wrong where nothing is declared: formulas in letters of a text that was hardly understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.formula import Equation
from .guessed import is_open
from .header import Stretch
from .report import Entry
from .section import Reader
from .stated import is_known

_UNTOLD = ("", "not named", "shape")  # causes that may mean that the letters were misunderstood
_NOTE = (
    "it does not hold with what was concluded of its letters, and too little else of the text does to call it wrong: "
    "declare what they stand for"
)


def doubted(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
) -> Iterator[Entry]:
    """The entries, where those without a known mistake in letters of the text's own are "cannot tell".

    Only in stretches where nothing is declared, and where those formulas are more than two thirds of the right ones.

    numbers    of each entry, that of its stretch
    given      the stretches as they were declared
    stretches  the same with what was concluded
    """
    doubtful: dict[int, list[int]] = {}
    right: dict[int, int] = {}
    for i, (entry, number) in enumerate(zip(entries, numbers, strict=True)):
        notation = stretches[number].readings[0][1]
        right[number] = right.get(number, 0) + (entry.verdict in ("right", "right if"))
        judgement = entry.judgement
        if (
            judgement is None
            or not is_open(given[number])
            or judgement.verdict != "wrong"
            or judgement.cause not in _UNTOLD
        ):
            continue
        try:
            equation = read(entry.found, notation)
        except ChainruleError:
            continue
        if not is_known(Equation((equation.sides[0], *equation.sides), ("=",) * len(equation.sides)), {}):
            doubtful.setdefault(number, []).append(i)
    changed = {
        i
        for number, places in doubtful.items()
        if (len(places) > 1 or (right[number] == 1 and len(entries) > 2)) and 3 * len(places) > 2 * right[number]
        for i in places
    }
    for i, entry in enumerate(entries):
        if i not in changed or entry.judgement is None:
            yield entry
            continue
        judgement = replace(entry.judgement, verdict="cannot tell", causes=(), others=(), note=_NOTE)
        yield replace(entry, judgement=judgement, mended=None)
