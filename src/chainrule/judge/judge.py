"""A formula that somebody wrote is judged: right, right under a condition, wrong (and where), or not to be told."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from ..errors import ChainruleError
from ..notation.canonical import canonical
from ..notation.formula import ONE, Equation, Formula, Symbol
from ..notation.letters import Letters
from ..notation.read import Syntax, read
from .ascii import written
from .attempts import ENTRYWISE, Attempt, attempts, bases_of, depth_of, has_small_letters, usual_samples
from .clothes import clothes
from .conditions import between_dots, conventions, has_last_layer, has_outputs, with_layer
from .parts import LAYERED, layers_of
from .search import STAGES, Mending, mendings
from .verdict import Declared, Finding, Judgement
from .worlds import (
    Survey,
    Worlds,
    convention_of,
    highest_layer,
    is_general,
)


def check_formula(
    text: str,
    network: str | None = None,
    loss: str | None = None,
    *,
    letters: Letters | None = None,
    syntax: Syntax = "auto",
    place: Literal["parameters", "dZ"] | None = None,
    samples: Literal["batch", "one"] | None = None,
    rows: bool | None = None,
    layout: Literal["numerator", "denominator"] | None = None,
    definitions: Mapping[str, str] | Sequence[str] = (),
    readings: Sequence[Declared] = (),
    seconds: float = 2.0,
) -> Judgement:
    """Judge one formula.

    text         NumPy-like text (`dW[2] = 1/m * dZ[2] @ A[1].T`) or LaTeX
    network      a network string: its activations (widths are replaced by distinct and by equal ones), or None: the
                 formula is tried on several networks; `loss` likewise
    letters      which letters the text uses
    syntax       "auto", "text" or "latex"
    place        where 1/m stands: "parameters" (dW, db) or "dZ"; None: not declared
    samples      "batch": m columns; "one": the formula is about one sample; None: not declared
    rows         samples are rows of X; None: not declared
    layout       of a derivative by a column: "denominator" (a column) or "numerator" (a row)
    definitions  formulas that hold beside it
    readings     several declared meanings, in place of the arguments above: each is judged
    seconds      how long a mending may be searched

    What holds in every world is right; what holds under another reading or convention alone is right if that is meant;
    what the smallest known mistake explains is wrong, and named. A formula that cannot be read or evaluated is not
    told. Raises `ConfigurationError` for a network, a loss or an option that does not exist.
    """
    if not readings:
        one = Declared("", network, loss, letters or Letters(), samples, place, rows, layout, definitions=definitions)
        return _judge(text, syntax, one, seconds)
    if len(readings) == 1:
        return _judge(text, syntax, readings[0], seconds)
    judged = [(d, _judge(text, syntax, d, seconds, mend=False)) for d in readings]
    if not any(j.verdict in ("right", "right if") for _, j in judged):  # else no mistake need be looked for
        each = seconds / len(readings)
        judged = [(d, _judge(text, syntax, d, each)) for d in readings]
    return _joined(text, judged)


def _joined(text: str, judged: Sequence[tuple[Declared, Judgement]]) -> Judgement:
    """One judgement of several: a formula need hold under one of the declared meanings."""
    good = [(d, j) for d, j in judged if j.verdict == "right"]
    if len(good) == len(judged):
        return replace(good[0][1], text=text)
    tried = "; ".join(f"{d.name or 'as it stands'}: {_short(j)}" for d, j in judged)
    if good:
        names = " or ".join(d.name or "read as it stands" for d, _ in good)
        return replace(good[0][1], verdict="right if", condition=names, note=_and(good[0][1].note, tried))
    maybe = [(d, j) for d, j in judged if j.verdict == "right if"]
    if maybe:
        d, j = maybe[0]
        condition = f"{d.name}, and {j.condition}" if d.name else j.condition
        return replace(j, condition=condition, note=_and(j.note, tried))
    bad = [(d, j) for d, j in judged if j.verdict == "wrong"]
    if bad:
        d, j = min(bad, key=lambda x: (x[1].cause in ("not named", "shape"), len(x[1].causes)))
        mended = f"mended for the reading {d.name!r}" if d.name and j.correction else ""
        return replace(j, note=_and(j.note, mended, tried))
    return replace(judged[0][1], note=_and(judged[0][1].note, tried))


def _short(j: Judgement) -> str:
    if j.verdict == "right if":
        return f"right if {j.condition}"
    return f"wrong ({j.cause})" if j.verdict == "wrong" and j.correction else j.verdict


def _and(*notes: str) -> str:
    return "; ".join(n for n in notes if n)


def _judge(text: str, syntax: Syntax, declared: Declared, seconds: float, *, mend: bool = True) -> Judgement:
    """The judgement under one declared meaning; `mend` says whether the mistake of a wrong formula is looked for."""
    started = time.perf_counter()
    try:
        taken = [
            (_named(canonical(r.equation, declared.letters)), r.note)
            for r in read(text, syntax=syntax, letters=declared.letters)
        ]
    except ChainruleError as error:
        return Judgement(text, "cannot tell", note=str(error))
    plain = taken[0][0]
    if len(plain.sides) < 2 or plain.sides[0] == Symbol(""):
        return Judgement(text, "cannot tell", note="it states no equation", reading=written(plain))
    samples = declared.samples or usual_samples(plain)
    first = Attempt("", plain, convention_of(declared, samples), depth_of(plain, declared), declared)
    bases = bases_of(taken, first)
    surveys = [base.survey() for base, _ in bases]
    for (base, _), survey in zip(bases, surveys, strict=True):
        if survey.everywhere:
            return _holds(text, base, survey)
    tried = [(base, survey) for (base, _), survey in zip(bases, surveys, strict=True)]
    for (base, trees), survey in zip(bases, surveys, strict=True):
        for attempt in attempts(trees, base, samples, survey):
            if attempt.worlds.once(attempt.tree):
                other = attempt.survey()
                if other.everywhere:
                    return _holds(text, attempt, other)
                tried.append((attempt, other))
    narrower = _narrower(text, tried)
    general = _claims_every_layer(plain)
    if narrower is not None and (not general or ENTRYWISE in narrower.condition + narrower.note):
        return narrower

    (base, trees), survey = bases[0], surveys[0]
    new = _defines(plain, survey)
    if new is not None:
        return Judgement(text, "cannot tell", note=f"it defines a new letter, {new}", reading=written(plain))
    unknown = base.unknown()
    refused = _refused(plain, unknown)
    if refused and narrower is None:
        return Judgement(text, "cannot tell", note=refused, reading=written(plain))
    if not mend and narrower is None:
        return _unmended(text, base.tree, survey, unknown)
    filled = () if layers_of(plain) else with_layer(plain, ONE)[1]
    if "!=" in plain.relations:
        return narrower or _unmended(text, plain, survey, unknown)
    mended = _mended(text, trees, base, samples, unknown, started + seconds, filled)
    if mended is not None and len(mended.causes) > 1 and declared.loss is None and _states_a_loss(plain):
        mended = None  # with two changes one loss becomes another
    if mended is not None and (narrower is None or len(mended.causes) == 1):
        return mended if not declared.letters.rename else replace(mended, note=_and(mended.note, _OURS))
    if narrower is not None:
        return narrower
    if declared.loss is None and _states_a_loss(plain):
        note = "it states a loss, and which loss is meant was not declared"
        return Judgement(text, "cannot tell", note=note, reading=written(plain))
    return _unmended(text, base.tree, survey, unknown)


def _holds(text: str, attempt: Attempt, survey: Survey) -> Judgement:
    """It holds everywhere: right, under the condition of the attempt."""
    flat = "keepdims=True is added to the sum" if survey.flat else ""
    conditions = [c for c in (attempt.condition, flat, *between_dots(attempt.tree)) if c]
    reading = written(attempt.tree)
    attempt = replace(attempt, note=_and(attempt.note, _targets_note(attempt)))
    if conditions:
        return Judgement(text, "right if", ", and ".join(conditions), note=attempt.note, reading=reading)
    return Judgement(text, "right", note=_and(attempt.note, clothes(attempt.tree)), reading=reading)


def _targets_note(attempt: Attempt) -> str:
    """Where the formula holds only because the columns of Y sum to one, as class targets do, that is said."""
    if not has_outputs(attempt.tree) or attempt.depth == 0 or not attempt.convention.normalized_targets:
        return ""
    free = replace(attempt, convention=replace(attempt.convention, normalized_targets=False))
    if free.survey().everywhere:
        return ""
    return "it needs columns of Y that sum to one, as class targets do"


_OURS = "the correction is written in the names of this library"


def _named(tree: Formula) -> Equation:
    """A lone expression is an equation of one side."""
    return tree if isinstance(tree, Equation) else Equation((tree,))


def _claims_every_layer(tree: Equation) -> bool:
    """The left side has a general layer, so the formula is meant for all of them."""
    return is_general(Equation((tree.sides[0],)))


def _narrower(text: str, tried: Sequence[tuple[Attempt, Survey]]) -> Judgement | None:
    """It holds for some losses, or at some layers, alone."""
    for attempt, survey in tried:
        before = attempt.condition and f"{attempt.condition}, and "
        reading = written(attempt.tree)
        if survey.held and survey.vectorial and not before and attempt.declared.network is None:
            note = f"where {ENTRYWISE}"
            return Judgement(text, "right", note=note, reading=reading)
        if survey.held and survey.vectorial:
            return Judgement(text, "right if", before + ENTRYWISE, reading=reading)
        if survey.holding:
            cases = " or ".join(survey.holding)
            words = f"{before}the output layer and the loss match: {cases}"
            return Judgement(text, "right if", words, reading=reading)
        good, where = survey.narrowest
        if good:
            match = f", and the output layer and the loss match: {' or '.join(where)}" if where != survey.cases else ""
            return Judgement(text, "right if", f"{before}{' or '.join(sorted(good))}{match}", reading=reading)
    return None


def _defines(tree: Equation, survey: Survey) -> str | None:
    """The unknown letter that stands alone at the left, while all else can be evaluated."""
    left = tree.sides[0]
    if not isinstance(left, Symbol) or survey.first is None or survey.first.status not in ("undefined", "unreadable"):
        return None
    if tree.relations[:1] not in ((":=",), ("=",)) or (survey.first.path or ())[:1] != (0,):
        return None
    return written(left)


def _states_a_loss(tree: Equation) -> bool:
    """`L = …`, `C = …`: the loss or cost itself."""
    left = tree.sides[0]
    return isinstance(left, Symbol) and left.name in ("L", "J", "C", "ell") and left.layer is None


def _refused(tree: Equation, unknown: frozenset[str]) -> str:
    """Why no mistake is looked for: a letter that is no slip of a known one."""
    for name in sorted(unknown):
        if not difflib.get_close_matches(name, sorted(LAYERED | {"X", "Y", "Yhat", "alpha"}), n=1, cutoff=0.6):
            return f"{name} is not defined: declare what it stands for"
    return ""


def _mended(
    text: str,
    taken: Sequence[tuple[Equation, str]],
    base: Attempt,
    samples: str,
    unknown: frozenset[str],
    deadline: float,
    filled: Sequence[str] = (),
) -> Judgement | None:
    """The smallest mending, over every reading of the text and of what it is about."""
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
    for tree, note in taken[1:3]:
        targets.append(replace(base, condition=f"read so: {note or written(tree)}", tree=tree))
    for words, change in conventions(base.declared, samples, base.tree):
        if change.keys() & {"place", "rows", "layout"}:
            targets.append(replace(base, condition=words, convention=replace(base.convention, **change)))
    best: tuple[Attempt, list[Mending]] | None = None
    for stage in STAGES:
        for i, target in enumerate(targets):
            now = time.perf_counter()
            share = max(0.05, deadline - now) / (len(targets) - i) / (2 if stage == 2 else 1)
            place = target.worlds
            quick = partial(place.once, like=target.tree)
            found = mendings(target.tree, quick, _wider(place, target.tree), now + share, stage=stage, unknown=unknown)
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


def _unmended(text: str, plain: Equation, survey: Survey, unknown: frozenset[str]) -> Judgement:
    """Nothing known mends it: what is certain is said, and no more."""
    reading = written(plain)
    first = survey.first
    if first is None:
        note = "no layer of the networks tried fits its indices"
        return Judgement(text, "cannot tell", note=note, reading=reading)
    where = ""
    if first.path is not None:
        try:
            where = written(plain.at(first.path))
        except IndexError:
            where = reading
    if unknown:
        names = ", ".join(sorted(unknown))
        words = first.message or f"{names} has no meaning here"
        return Judgement(text, "cannot tell", note=words, reading=reading)
    if first.status == "shape":
        return Judgement(text, "wrong", causes=(Finding("shape", where, words=first.message),), reading=reading)
    if first.status in ("undefined", "unreadable"):
        return Judgement(text, "cannot tell", note=first.message, reading=reading)
    words = "no single or double edit among the known mistakes mends it"
    if first.message and "!=" in plain.relations:
        words = first.message
    elif first.message:
        words = f"{first.message}; {words}"
    return Judgement(text, "wrong", causes=(Finding("not named", where, words=words),), reading=reading)
