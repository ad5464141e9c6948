"""The mending of a wrong formula: what is searched, in which worlds, and how it is said."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ..notation.formula import Equation
from .ascii import written
from .attempts import Attempt, has_small_letters
from .conditions import conventions, has_last_layer, has_outputs
from .mutations import Edit, edits
from .search import STAGES, Mending, mendings
from .verdict import Finding, Judgement
from .worlds import Worlds, highest_layer

_FOR_SINGLES = 0.5  # seconds: mistakes that stand alone are looked for, however little time is given


def mended(
    text: str,
    taken: Sequence[tuple[Equation, str]],
    base: Attempt,
    samples: str,
    unknown: frozenset[str],
    deadline: float,
    *,
    filled: Sequence[str] = (),
    bases: Sequence[Attempt] = (),
) -> Judgement | None:
    """The smallest mending, over every reading of the text and of what it is about.

    taken     the readings of the text
    base      its plain meaning, `bases` other ones
    samples   "batch" or "one", as was declared or is usual
    unknown   names that mean nothing
    deadline  moment of `time.perf_counter` at which the search ends
    filled    letters without a layer that were taken to have one; they are shown without it
    """
    targets = [base]
    if base.declared.samples is None and samples == "batch" and has_small_letters(base.tree):
        one = replace(base.convention, samples="one")
        targets.append(replace(base, condition="taken for one sample", convention=one))
    if base.declared.network is None and not base.numbers and base.depth > 1:
        highest = highest_layer(base.tree)
        if highest > 1 and has_last_layer(base.tree):
            targets[0] = replace(base, condition=f"layer {highest} is taken for the last", depth=highest)
        if has_outputs(base.tree):
            targets.append(replace(base, condition="for one output unit", numbers=1))
    targets += [replace(b, condition=b.note) for b in bases]
    for tree, note in taken[1:3]:
        targets.append(replace(base, condition=f"read so: {note or written(tree)}", tree=tree))
    for words, change in conventions(base.declared, samples, base.tree):
        if change.keys() & {"place", "rows", "layout"}:
            targets.append(replace(base, condition=words, convention=replace(base.convention, **change)))
    now = time.perf_counter()
    whole = max(deadline, now + _FOR_SINGLES)
    share = (whole - now) / 4 / len(targets)
    singles: dict[Equation, list[Edit]] = {}
    for target in targets:
        if target.tree not in singles:
            singles[target.tree] = edits(target.tree, unknown=unknown, deadline=time.perf_counter() + share)
    best: tuple[Attempt, list[Mending]] | None = None
    for stage in STAGES:
        for i, target in enumerate(targets):
            now = time.perf_counter()
            share = max(0.05, deadline - now) / (len(targets) - i) / (2 if stage == 2 else 1)
            ends = whole if stage == 1 else now + share
            place = target.worlds
            quick = partial(place.once, like=target.tree)
            found = mendings(target.tree, singles[target.tree], quick, _wider(place, target.tree), ends, stage=stage)
            if found and (best is None or found[0].size < best[1][0].size):
                best = (target, found)
                if found[0].size <= stage:
                    break
        if best is not None:
            break
    if best is None:
        return None
    target, found = best
    first, *others = found
    judged = Judgement(
        text,
        "wrong",
        causes=_findings(target.tree, first),
        others=_distinct(target.tree, first, others),
        note=target.condition,
        reading=written(target.tree),
    )
    return _without_layer(judged, filled) if filled else judged


_OF_ONE_LAYER = re.compile(r"\b(d?)([WbZAzag])\[1\]")


def _without_layer(judged: Judgement, filled: Sequence[str]) -> Judgement:
    """The judgement of a formula about one layer in the letters of the formula, which name no layer."""

    def shown(text: str) -> str:
        def plain(match: re.Match[str]) -> str:
            small = match[2] == "W" and not {"W", "dW"} & set(filled)
            return match[1] + ("w" if small else match[2])

        return _OF_ONE_LAYER.sub(plain, text)

    def of(finding: Finding) -> Finding:
        return Finding(finding.cause, *(shown(x) for x in list(finding.to_json().values())[1:]))

    return replace(
        judged,
        causes=tuple(of(x) for x in judged.causes),
        others=tuple(tuple(of(x) for x in other) for other in judged.others),
        reading=shown(judged.reading),
    )


def _wider(place: Worlds, original: Equation) -> Callable[[Equation], int]:
    """In how many cases a mending holds, or 0 if the formula itself holds in as many: then it mends nothing."""
    already = place.support(original)

    def support(tree: Equation) -> int:
        held = place.support(tree)
        return held if held > already else 0

    return support


def _findings(tree: Equation, mending: Mending) -> tuple[Finding, ...]:
    correction = written(mending.tree)
    return tuple(
        Finding(e.cause, written(e.before), written(e.before), written(e.after), correction, e.explanation)
        for e in mending.edits
    )


def _distinct(tree: Equation, first: Mending, others: Sequence[Mending]) -> tuple[tuple[Finding, ...], ...]:
    """The other mendings: each text once, and of one mistake at parts within one another the first alone."""
    kept = [first]
    for mending in others:
        if not any(written(mending.tree) == written(k.tree) or _same_mistake(mending, k) for k in kept):
            kept.append(mending)
    return tuple(_findings(tree, mending) for mending in kept[1:])


def _same_mistake(a: Mending, b: Mending) -> bool:
    """The same causes at places of which one lies in the other: the edits differ in writing alone."""
    if [e.cause for e in a.edits] != [e.cause for e in b.edits]:
        return False
    pairs = zip(a.edits, b.edits, strict=True)
    return all(x.path[: len(y.path)] == y.path or y.path[: len(x.path)] == x.path for x, y in pairs)
