"""A second reading of what could not be told: every letter is what the text itself says of it, and of no network."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK
from ..notation.formula import Call, Formula, Index, Partial, Symbol
from ..notation.write import GREEK
from .anew import ANEW
from .found import Found
from .guessed import is_open, of_its_own
from .header import Stretch
from .report import Entry
from .section import Judge, Reader, Section

_UNNAMED = ("", "not named", "shape", "undefined-symbol")  # causes that say that the letters may be misunderstood
_FEWEST = 2  # right formulas of a text, besides its definitions, that show that its letters are understood
_SHARE = 12  # where less than one in so many is not explained by the network, it is no other text
_MOST = 200  # formulas of a stretch that are read so
_NOTE = "every letter is what the text itself says of it"


def retold(
    found: Sequence[Found],
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
    quick: Judge,
    judge: Judge,
) -> list[Entry]:
    """The entries, where what follows from the text's own definitions is right, whatever networks are usually like.

    Only in stretches where nothing is declared, and of formulas that are no code. What contradicts them is wrong where
    the mistake is named and other formulas show that the text was understood so.

    numbers    of each entry, that of its stretch
    given      the stretches as they were declared
    stretches  the same with what was concluded
    quick      judges without looking for the mistake
    """
    new = list(entries)
    starts = [s.start for s in stretches]
    for number in sorted(set(numbers)):
        here = [i for i, n in enumerate(numbers) if n == number and entries[i].found.syntax != "code"]
        untold = [i for i in here if _is_untold(entries[i])]
        causes = [j.cause for i in untold if (j := entries[i].judgement) is not None]
        strange = sum(cause in _UNNAMED for cause in causes)
        if _SHARE * strange < len(here) or len(here) > _MOST or not is_open(given[number]):
            continue
        plain = given[number].readings[0][1]
        said = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number and f.syntax != "code"]
        notation = of_its_own(said, plain, read, fewest=2, definitions=1)
        if notation is None or stretches[number].readings[0][1].network == NO_NETWORK:
            continue
        section = Section(replace(stretches[number], readings=(("", notation),)), read, quick, {}, shown=False)
        told: dict[tuple[int, str], Entry] = {}
        for each in said:
            for own in section.entries(each):  # of `δ = ∂L/∂a = p - y` what is judged stands behind δ
                told[each.line, each.formula] = replace(own, found=each)
        for i, entry in _own(here, entries, told, section, judge):
            new[i] = entry
    return new


def _is_untold(entry: Entry) -> bool:
    return entry.verdict in ("cannot tell", "wrong")


def _follows(before: Entry, now: Entry, section: Section) -> bool:
    """Whether what is right now is so by the text's own definitions: of a formula that was wrong, each derivative is.

    `∂J/∂X = Wᵀ ∂J/∂Z`, where nobody says what J is, is not, nor is anything about dX.
    """
    if not _is_untold(before):
        return False
    try:
        parts = list(section.read(now.found, section.stretch.readings[0][1]).parts)
    except ChainruleError:
        return False
    above = [
        p.numerator.function if isinstance(p.numerator, Call) else p.numerator for p in parts if isinstance(p, Partial)
    ]
    slopes = any(
        isinstance(p, Symbol) and p.name[:1] == "d" and p.name[1:2].isalpha() and p.name not in GREEK for p in parts
    )
    if slopes or before.verdict != "wrong":
        return not slopes
    return bool(above) and all(_stem(x) in section.taken for x in above)


def _stem(part: Formula) -> str:
    base = part.base if isinstance(part, Index) else part
    return base.name if isinstance(base, Symbol) else ""


def _names(entry: Entry, section: Section) -> set[str]:
    try:
        parts = section.read(entry.found, section.stretch.readings[0][1]).parts
    except ChainruleError:
        return set()
    return {p.name for p in parts if isinstance(p, Symbol)}


def _left(entry: Entry, section: Section) -> str:
    """The letter alone on the left, δ of `δ_1 = ∂J/∂z_2`: in a formula that held with its layers it is no other one."""
    try:
        return _stem(section.read(entry.found, section.stretch.readings[0][1]).sides[0])
    except ChainruleError:
        return ""


def _own(
    here: Sequence[int],
    entries: Sequence[Entry],
    told: Mapping[tuple[int, str], Entry],
    section: Section,
    judge: Judge,
) -> list[tuple[int, Entry]]:
    """What changes where every letter is the text's own: the numbers of entries, and the new ones."""
    changed: list[tuple[int, Entry]] = []
    kinds = any(re.fullmatch(r"\w+_\w", x) for x, _ in section.stretch.readings[0][1].letters)
    right = sum(e.verdict == "right" for e in told.values())
    held = {name for i in here if entries[i].verdict in ("right", "right if") for name in _names(entries[i], section)}
    for i in here:
        before, now = entries[i], told.get((entries[i].found.line, entries[i].found.formula))
        anew = now is None or now.why.endswith(ANEW)
        if now is None or anew or before.verdict == "right" or before.status == "no statement":
            continue
        chain = now.status == "judged" and before.verdict == "wrong" and _left(now, section) in held
        if now.verdict == "right" and now.judgement is not None and not chain and _follows(before, now, section):
            note = "; ".join(x for x in (now.judgement.note, _NOTE) if x)
            changed.append((i, replace(now, judgement=replace(now.judgement, note=note), shown=before.shown)))
        elif now.status == "definition" and kinds and before.status == "judged":  # of units of another layer
            changed.append((i, replace(now, shown=before.shown)))
        elif before.verdict != "cannot tell":
            continue
        elif now.verdict == "right if" or (now.status == "definition" and right):
            changed.append((i, replace(now, shown=before.shown)))
        elif now.verdict == "wrong" and right >= _FEWEST:
            declared = section.told.get((now.found.line, now.found.formula))
            judgement = judge(now.found, declared) if declared else now.judgement
            if judgement is not None and judgement.cause not in _UNNAMED:
                changed.append((i, replace(now, judgement=judgement, shown=before.shown)))
    return changed
