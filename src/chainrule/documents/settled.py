"""What a document settles by itself: a derivative that it writes rightly once needs no other convention elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from ..errors import ChainruleError
from ..judge.verdict import Declared, Judgement
from ..notation.canonical import canonical
from ..notation.formula import Formula, Index, Partial, Symbol
from ..notation.write import exact
from .header import Stretch
from .report import Entry
from .section import Judge, Reader, Told

_LAYOUTS = re.compile(r"(numerator|denominator)[ -]layout|Zähler-?layout|Nenner-?layout", re.IGNORECASE)
_FEWEST = 2  # formulas that need the 1/m in dZ
# Words beside a formula that say that another convention is meant there.
_OTHERWISE = re.compile(
    r"\b(?:if|when|where|some|convention\w*|instead|alternativ\w*|absorb\w*|already|wenn|falls|manche|si|cuando|quand"
    r"|batch|mean|averag\w*|summed)\b",
    re.IGNORECASE,
)
_OFFERED: tuple[tuple[str, str, Any], ...] = (  # words of a condition, and what is declared where it is refused
    ("numerator layout", "layout", "denominator"),
    ("denominator layout", "layout", "numerator"),
    ("1/m stands in dZ", "place", "parameters"),
    ("W has a row for each unit", "rows", False),
)


def settled(
    text: str,
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    quick: Judge,
    judge: Judge,
    told: Told,
) -> list[Entry]:
    """The entries, where a formula is not excused by a convention if the same derivative is right without it elsewhere.

    Only of the very same derivative: `∂E/∂o = (o - t)ᵀ` beside `∂E/∂W = (o - t) xᵀ`, as many mix them, stays right
    if rows are meant; no layout is refused in a text that speaks of layouts, and nothing beside words that say that
    another convention is meant.

    numbers  of each entry, that of its stretch
    quick    judges without looking for the mistake
    told     under which declarations a formula was judged
    """
    entries = _placed(entries, numbers, stretches, read, judge, told)
    entries = _outside(text, entries, numbers, stretches, read, judge, told)
    entries = _outvoted(text, entries, numbers, stretches, read, quick, judge, told)
    entries = _turned(entries, numbers, stretches, read, judge, told)
    entries = _signed(entries, numbers, stretches, read, judge, told)
    offered = {i: keys for i, e in enumerate(entries) if (keys := _refusable(e))}
    if not offered:
        return list(entries)
    spoken = _LAYOUTS.search(text) is not None
    lines = text.split("\n")
    places = {numbers[i] for i in offered}
    plain = {
        (n, _left(e, stretches[n], read))
        for e, n in zip(entries, numbers, strict=True)
        if n in places and e.verdict == "right"
    }
    new = list(entries)
    for i, keys in offered.items():
        entry, stretch = entries[i], stretches[numbers[i]]
        if spoken and "layout" in keys:
            continue
        if "place" in keys and _OTHERWISE.search(_words_of(lines[entry.found.line - 1])):
            continue
        left = _left(entry, stretch, read)
        if "place" in keys and not (isinstance(left, Partial) and _is_value(left.denominator)):
            continue  # ∂J/∂Z = dZ beside ∂J/∂Z = 1/m dZ contradicts it; what 1/m in dZ makes of dW does not
        declared = told.get((entry.found.line, entry.found.formula))
        if left is None or declared is None or (numbers[i], left) not in plain:
            continue
        new[i] = replace(entry, judgement=judge(entry.found, _settled(declared, keys)), mended=None)
    return new


def _placed(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    told: Told,
) -> Sequence[Entry]:
    """The entries, where dZ has the 1/m because a line says so and most others need it: then none is right without.

    `dZ = (A - Y)/m` and `dW = Xᵀ dZ`, beside which `dZ = A - Y` and `db = mean(dZ)` are mistakes.
    """
    new = list(entries)
    for number, those in _needing(entries, numbers).items():
        stretch = stretches[number]
        lefts = [_left(entries[i], stretch, read) for i in those]
        says = any(_is_of_output(x) for x in lefts)
        if len(those) < _FEWEST or not says or stretch.readings[0][1].place is not None:
            continue
        against: list[tuple[int, tuple[Declared, ...]]] = []
        for i, e in enumerate(entries):
            declared = told.get((e.found.line, e.found.formula), ())
            if numbers[i] != number or e.verdict != "right" or not declared:
                continue
            left = _left(e, stretch, read)
            if not isinstance(left, Symbol) or not left.name.startswith("d"):
                continue
            placed = _settled(declared, {"place": "dZ"})
            if judge(e.found, placed).verdict == "wrong":
                against.append((i, placed))
        if len(against) < len(those):
            for i, placed in against:
                new[i] = replace(entries[i], judgement=judge(entries[i].found, placed), mended=None)
    return new


def _needing(entries: Sequence[Entry], numbers: Sequence[int]) -> dict[int, list[int]]:
    """By the number of its stretch, the entries that are right only if 1/m stands in dZ."""
    found: dict[int, list[int]] = {}
    for i, e in enumerate(entries):
        if e.judgement is not None and "1/m stands in dZ" in e.judgement.condition:
            found.setdefault(numbers[i], []).append(i)
    return found


def _outside(
    text: str,
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    told: Told,
) -> Sequence[Entry]:
    """The entries, where 1/m stands before dW or db because more lines say so than need it in dZ: there it is missing.

    `dW = 1/m dZ Aᵀ` and `dZ = A - Y`, beside which `db = Σ dZ` is a mistake; not where a line has the 1/m in dZ.
    """
    lines = text.split("\n")
    new = list(entries)
    for number, those in _needing(entries, numbers).items():
        stretch = stretches[number]
        lefts = [_left(entries[i], stretch, read) for i in those]
        if stretch.readings[0][1].place is not None or any(_is_of_output(x) for x in lefts):
            continue
        those = [i for i, x in zip(those, lefts, strict=True) if _is_of_parameter(x)]
        lefts = [x for x in lefts if _is_of_parameter(x)]
        against: list[Formula] = []
        for i, e in enumerate(entries):
            declared = told.get((e.found.line, e.found.formula), ())
            left = _left(e, stretch, read) if numbers[i] == number and e.verdict == "right" and declared else None
            if left is None or not (_is_of_output(left) or _is_of_parameter(left)):
                continue
            if judge(e.found, _settled(declared, {"place": "dZ"})).verdict == "wrong":
                against.append(left)
        if not any(_is_of_parameter(x) for x in against):
            continue
        for i, left in zip(those, lefts, strict=True):
            if len(against) < len(those) or (len(against) == len(those) and left not in against):
                continue
            declared = told.get((entries[i].found.line, entries[i].found.formula), ())
            if declared and not _OTHERWISE.search(_words_of(lines[entries[i].found.line - 1])):
                judged = judge(entries[i].found, _settled(declared, {"place": "parameters"}))
                if judged.verdict == "wrong":  # it may be meant so, as one of two ways: no excuse, and no mistake
                    judged = replace(judged, verdict="cannot tell", causes=(), others=(), note=_ELSEWHERE)
                new[i] = replace(entries[i], judgement=judged, mended=None)
    return new


def _turned(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    told: Told,
) -> Sequence[Entry]:
    """The entries, where a gradient is right if weights are stored as in the forward pass of the text, `Wᵀ a + b`."""
    new = list(entries)
    for number in sorted(set(numbers)):
        here = [i for i, n in enumerate(numbers) if n == number]
        forward = [i for i in here if _STORED in _condition_of(entries[i])]
        lefts = {i: _left(entries[i], stretches[number], read) for i in here}
        if all(_is_slope(lefts[i]) for i in forward) or any(
            entries[i].verdict == "right" and not _is_slope(lefts[i]) and _LINEAR.search(exact(left))
            for i, left in lefts.items()
            if left is not None
        ):
            continue  # it is a slip beside a forward pass with the usual weights
        plain = [i for i in here if entries[i].verdict == "right"]
        against: dict[int, Judgement] = {}
        stored = len(forward)
        for i in (i for i in here if entries[i].verdict in ("wrong", "right")):
            declared = told.get((entries[i].found.line, entries[i].found.formula), ())
            turned = tuple(replace(d, conventions={**d.conventions, "transposed_weights": True}) for d in declared)
            slope = _is_slope(_left(entries[i], stretches[number], read))
            judgement = judge(entries[i].found, turned) if turned and (slope or i not in plain) else None
            if judgement is None:
                continue
            if i in plain:  # it contradicts the forward pass
                if judgement.verdict == "wrong" and judgement.cause not in ("", "not named"):
                    against[i] = judgement
            elif judgement.verdict in ("right", "right if"):
                words = " and ".join(x for x in (_STORED, judgement.condition) if x)
                new[i] = replace(
                    entries[i], judgement=replace(judgement, verdict="right if", condition=words), mended=None
                )
                stored += 1
        if len(against) < stored:  # else it is the forward pass that has the slip
            for i, judgement in against.items():
                new[i] = replace(entries[i], judgement=judgement, mended=None)
    return new


_LINEAR = re.compile(r"[zZ](?:\[[^\]]*\])?(?:\(\w\))?")
_STORED = "W is stored transposed"


def _signed(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    told: Told,
) -> Sequence[Entry]:
    """The entries, where no sign means a product entry by entry if the document has a sign for that elsewhere."""
    starred: dict[int, int] = {}
    for e, n in zip(entries, numbers, strict=True):
        if e.judgement is not None and e.verdict in ("right", "wrong") and _STAR.search(e.judgement.reading):
            starred[n] = starred.get(n, 0) + 1
    new = list(entries)
    for i, e in enumerate(entries):
        condition = e.judgement.condition if e.judgement is not None else ""
        declared = told.get((e.found.line, e.found.formula), ())
        if _BESIDE in condition and starred.get(numbers[i], 0) >= _FEWEST and declared:
            refused = tuple(replace(d, refused=(*d.refused, _BESIDE)) for d in declared)
            new[i] = replace(e, judgement=judge(e.found, refused), mended=None)
    return new


def _outvoted(
    text: str,
    entries: Sequence[Entry],
    numbers: Sequence[int],
    stretches: Sequence[Stretch],
    read: Reader,
    quick: Judge,
    judge: Judge,
    told: Told,
) -> Sequence[Entry]:
    """The entries, where no gradient is excused by rows of samples if more of the others hold for columns alone.

    Not where the words of the text speak of rows. Where the forward pass has them, and none has columns, it is the
    gradients for columns that are mistakes.
    """
    spoken = speaks_of_rows(text)
    new = list(entries)
    for number in sorted(set(numbers)):
        here = [i for i, n in enumerate(numbers) if n == number]
        those = [i for i in here if _OF_ROWS in _condition_of(entries[i])]
        if not those or stretches[number].readings[0][1].samples is not None:
            continue
        lefts = {i: _left(entries[i], stretches[number], read) for i in here}
        if not all(_is_slope(lefts[i]) for i in those):
            for i, entry in _of_a_forward_pass_in_rows([(i, lefts[i]) for i in here], entries, quick, judge, told):
                new[i] = entry
            continue
        if spoken:
            continue
        against = 0
        for i in here:
            declared = told.get((entries[i].found.line, entries[i].found.formula), ())
            if declared and entries[i].verdict == "right":
                against += quick(entries[i].found, _settled(declared, {"rows": True})).verdict == "wrong"
        if against < _FEWEST or against <= len(those):
            continue
        for i in those:
            declared = told.get((entries[i].found.line, entries[i].found.formula), ())
            if declared:
                refused = tuple(replace(d, refused=(*d.refused, _OF_ROWS)) for d in declared)
                new[i] = replace(entries[i], judgement=judge(entries[i].found, refused), mended=None)
    return new


def _of_a_forward_pass_in_rows(
    here: Sequence[tuple[int, Formula | None]], entries: Sequence[Entry], quick: Judge, judge: Judge, told: Told
) -> Iterator[tuple[int, Entry]]:
    """The gradients of all samples that are right for columns alone, beside `Z = X W + b`: numbers and mistakes."""
    against: list[tuple[int, tuple[Declared, ...]]] = []
    for i, left in here:
        declared = _settled(told.get((entries[i].found.line, entries[i].found.formula), ()), {"rows": True})
        if not declared or entries[i].verdict != "right" or quick(entries[i].found, declared).verdict != "wrong":
            continue
        if not _is_slope(left):
            return  # a forward pass for columns is here too
        if any(isinstance(p, Symbol) and p.name in ("X", "Z", "A", "dX", "dZ", "dA") for p in left.parts):
            against.append((i, declared))
    for i, declared in against:
        judgement = judge(entries[i].found, declared)
        if judgement.cause not in ("", "not named"):
            yield i, replace(entries[i], judgement=judgement, mended=None)


def _is_slope(left: Formula | None) -> TypeGuard[Formula]:
    """dW, ∂J/∂W."""
    base = left.base if isinstance(left, Index) else left
    return isinstance(base, Partial) or (isinstance(base, Symbol) and base.name.startswith("d"))


def _condition_of(entry: Entry) -> str:
    return entry.judgement.condition if entry.judgement is not None else ""


def speaks_of_rows(text: str) -> bool:
    """Whether the words of a text say that samples may be rows."""
    return _ROWS.search(re.sub(r"\$[^$]*\$", " ", text)) is not None


_OF_ROWS = "samples are rows"
_ROWS = re.compile(r"\brows?\b|row-wise|Zeilen|\bfilas?\b|\blignes?\b|\brighe\b|строк|torch|keras|jax", re.IGNORECASE)
_ELSEWHERE = "it has no 1/m, which stands here in other lines: right only if 1/m stands in dZ, which they contradict"
_STAR = re.compile(r"[\w)\]] [*∘] [a-z(\[]\w*\.prime\(|[\w)\]] ∘ ")
_BESIDE = "is multiplied entry by entry"


def _is_of_output(left: Formula | None) -> bool:
    """dZ = …"""
    return isinstance(left, Symbol) and left.name in ("dZ", "dz")


def _is_of_parameter(left: Formula | None) -> bool:
    """dW, ∂J/∂W_ij, db."""
    if isinstance(left, Partial):
        below = left.denominator.base if isinstance(left.denominator, Index) else left.denominator
        return isinstance(below, Symbol) and below.name in ("W", "w", "b")
    base = left.base if isinstance(left, Index) else left
    return isinstance(base, Symbol) and base.name in ("dW", "dw", "db")


def _is_value(below: Formula) -> bool:
    """Whether it is no parameter."""
    letter = below.base if isinstance(below, Index) else below
    return isinstance(letter, Symbol) and letter.name in ("z", "Z", "a", "A", "yhat", "Yhat")


def _refusable(entry: Entry) -> Mapping[str, Any]:
    """What is declared where the condition of an entry is refused; empty where it has none that can be."""
    condition = entry.judgement.condition if entry.judgement is not None else ""
    return {key: value for words, key, value in _OFFERED if words in condition}


def _settled(declared: Sequence[Declared], keys: Mapping[str, Any]) -> tuple[Declared, ...]:
    """The declarations with what the document settled, where they leave it open."""
    return tuple(replace(d, **{k: v for k, v in keys.items() if getattr(d, k) is None}) for d in declared)


def _words_of(line: str) -> str:
    """A line without its mathematics."""
    return re.sub(r"\$[^$]*\$|`[^`]*`|\\\(.*?\\\)", " ", line)


def _left(entry: Entry, stretch: Stretch, read: Reader) -> Formula | None:
    try:
        notation = stretch.readings[0][1]
        return canonical(read(entry.found, notation).sides[0], notation.as_letters())
    except ChainruleError:
        return None


__all__ = ["settled"]
