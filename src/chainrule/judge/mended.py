"""The mending of a wrong formula: what is searched, in which worlds, and how it is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..errors import ChainruleError
from ..meaning.functions import is_known
from ..notation.formula import Array, Binary, Bound, Equation, Formula, Index, Number, Symbol
from ..notation.read import read
from ..notation.write import exact
from .attempt import Attempt, has_small_letters, keeps_widths
from .attempts import alike, entry_by_entry
from .budget import Budget
from .conditions import Variation, has_last_layer, has_outputs, penalty_of, read_otherwise
from .conventions import conventions, two_of
from .definitions import definitions_of
from .holding import is_idle
from .mutations import Edit, edits
from .parts import PRODUCTS
from .probe import Probe
from .search import STAGES, Mending, mendings
from .subscripts import names_two_units
from .verdict import NO_NETWORK, Declared, Finding, Judgement
from .worlds import Worlds, highest_layer, may_be_one_unit

_FOR_EDITS = 0.4  # of what is left, for making the edits of one reading


def mended(
    text: str,
    taken: Sequence[tuple[Equation, str]],
    base: Attempt,
    samples: str,
    unknown: frozenset[str],
    budget: Budget,
    *,
    filled: Sequence[str] = (),
    bases: Sequence[Attempt] = (),
) -> Judgement | None:
    """The smallest mending, over every reading of the text and of what it is about.

    taken     the readings of the text
    base      its plain meaning, `bases` other ones
    samples   "batch" or "one", as was declared or is usual
    unknown   names that mean nothing
    budget    what the search may cost
    filled    letters without a layer that were taken to have one; they are shown without it
    """
    if keeps_widths(base) and _counts(base.tree):
        base = replace(base, own=True)  # its numbers are those of the declared layers
    if any(isinstance(x, Array) for x in base.tree.sides[1:]):  # no entry is a displayed matrix
        for variation in read_otherwise(base.tree, base.code):
            if variation.whole:
                base = replace(base, tree=variation.tree, condition=variation.condition)
                break
    targets = [base]
    changes = list(conventions(base.declared, samples, base.tree, base.code))
    if base.declared.samples is None and samples == "batch" and has_small_letters(base.tree):
        one = replace(base.convention, samples="one")
        targets.append(replace(base, condition="taken for one sample", convention=one))
    if base.declared.network is None and not base.numbers and base.depth > 1:
        highest = highest_layer(base.tree)
        if highest > 1 and (has_last_layer(base.tree) or names_two_units(base.tree)):
            targets[0] = replace(base, condition=f"layer {highest} is taken for the last", depth=highest)
        elif 1 < highest < base.depth and has_outputs(base.tree):
            targets.append(replace(base, condition=f"layer {highest} is taken for the last", depth=highest))
        if has_outputs(base.tree) and may_be_one_unit(base.declared) and not names_two_units(base.tree):
            targets.append(replace(base, condition="for one output unit", numbers=1))
    last = [replace(b, condition=b.note) for b in bases if b.condition]
    targets += [replace(b, condition=b.note) for b in bases if not b.condition]
    for tree, note in taken[1:3]:
        targets.append(replace(base, condition=f"read so: {note or exact(tree)}", tree=tree))
    penalties = penalty_of(base.tree) is not None and base.convention.penalty is None
    if penalties:
        targets.clear()  # without the penalty it is not what was meant
        changes = [x for x in changes if "penalty" in x[1]]
    beside = entry_by_entry(base)
    if beside is not None:
        targets.append(beside)
    for v in read_otherwise(base.tree, base.code):
        targets += [replace(b, condition=v.condition, tree=v.tree) for b in (base, *_of_one_sample(base, v))]
    if base.declared.network is None and not base.numbers and base.depth > 1:
        targets += alike(base)
    targets += [t for t in last if not penalties and t not in targets]
    for words, change in changes:
        if change.keys() & {"place", "rows", "layout", "penalty", "zero_bias"}:
            targets.append(replace(base, condition=words, convention=replace(base.convention, **change)))
    if base.code and penalty_of(base.tree) is None:
        targets += _of_a_program([base, *last])
    singles: dict[Equation, list[Edit]] = {}
    for target in targets:
        if target.tree not in singles:
            singles[target.tree] = edits(
                target.tree,
                unknown=unknown,
                declared=_quantities(base.declared),
                told=base.declared.network is not None,
                definitions=definitions_of(base.declared),
                penalty=base.convention.penalty,
                budget=budget.share(_FOR_EDITS),
            )
    apart, alike_ones = _told_apart(targets)
    best, more = _searched(apart, singles, base, budget, penalties=penalties)
    if best is None:
        best, more = _searched(alike_ones, singles, base, budget, penalties=penalties)
    if best is None:
        return None
    target, found = best
    first, *others = found
    also = [_findings(t, m) for t, (m, *_) in more if exact(m.tree) not in {exact(x.tree) for x in found}]
    judged = Judgement(
        text,
        "wrong",
        causes=_findings(target, first),
        others=(*_distinct(target, first, others), *also),
        note=target.condition,
        reading=exact(target.tree),
        one_sample=target.one_sample,
    )
    return _without_layer(judged, filled) if filled else judged


_Found = tuple[Attempt, list[Mending]]


def _told_apart(targets: Sequence[Attempt]) -> tuple[list[Attempt], list[Attempt]]:
    """The meanings in which the sides of the formula have other numbers than in those before, and the rest."""
    apart: list[Attempt] = []
    rest: list[Attempt] = []
    seen: set[object] = set()
    for target in targets:
        binding = target.worlds.binding(target.tree)
        found = target.worlds.cases[0].worlds[0].compare(target.tree, binding, place=False)
        names = {x.name for x in target.tree.parts if isinstance(x, Symbol)}
        alike: set[object] = {(target.tree.mapped(_any_product), target.kind, found.error)}
        if target.numbers and names.isdisjoint(_OF_INPUTS):  # whether x is one number makes no difference
            alike.add((target.tree, target.kind, target.convention, target.depth))
        again = found.status == "different" and not alike.isdisjoint(seen)
        (rest if again else apart).append(target)
        seen |= alike
    return apart, rest


_OF_INPUTS = frozenset({"x", "X", "W", "w", "dW", "dw"})


def _any_product(part: Formula) -> Formula:
    """Products of numbers are the same whatever their sign."""
    return replace(part, sign="*") if isinstance(part, Binary) and part.sign in PRODUCTS else part


def _searched(
    targets: Sequence[Attempt],
    singles: Mapping[Equation, list[Edit]],
    base: Attempt,
    budget: Budget,
    *,
    penalties: bool,
) -> tuple[_Found | None, list[_Found]]:
    """The smallest mending over several meanings, and others as small where the layers have another activation."""
    probes: dict[Attempt, Probe] = {}
    best: _Found | None = None
    others: list[_Found] = []
    for stage in STAGES:
        settled = False
        for i, target in enumerate(targets):
            if settled and not target.kind:
                continue
            part = 1 / (len(targets) - i) / (2 if stage == 2 else 1)
            left = budget if stage == 1 else budget.share(part)
            if target not in probes:
                probes[target] = Probe(target.worlds, target.tree, left)
            quick = probes[target]
            quick.budget = left
            full = _wider(target.worlds, target.tree, left)
            found = mendings(target.tree, singles[target.tree], quick, full, left, stage=stage)
            found = [x for x in found if exact(x.tree) != exact(base.tree)]  # which is what was written
            found = [x for x in found if not _of_linear_outputs(target, x)]
            if found and (best is None or _order(found[0], penalties) < _order(best[1][0], penalties)):
                best = (target, found)
                settled = found[0].size <= stage and not penalties
                narrow = target.kind or found[0].support < len(target.worlds.cases)
                if settled and not narrow:
                    break
            elif found and best is not None and target.kind and found[0].size == best[1][0].size:
                others.append((target, found))
        if best is not None:
            break
    return best, others


def _of_linear_outputs(target: Attempt, mending: Mending) -> bool:
    """`g'(z) = g'(1 - z)`: it holds for linear outputs alone, of which nothing is said."""
    if target.declared.network is not None or mending.support == len(target.worlds.cases):
        return False
    return is_idle(replace(target, tree=mending.tree), target.worlds.survey(mending.tree))


def _of_one_sample(base: Attempt, variation: Variation) -> Iterator[Attempt]:
    """`∂C/∂W_ij = dz aᵀ` with the matrix meant, which is of one sample if nobody says more."""
    open_ = base.declared.samples is None and base.convention.samples == "batch"
    if open_ and variation.whole and has_small_letters(variation.tree):
        yield replace(base, convention=replace(base.convention, samples="one"))


def _of_a_program(bases: Sequence[Attempt]) -> Iterator[Attempt]:
    """Samples in rows, and 1/m in dZ too, as most programs have it: each is no mistake."""
    for base in bases:
        changes = list(conventions(base.declared, base.convention.samples, base.tree, base.code))
        rows = [(w, c) for w, c in changes if c == {"rows": True}]
        for words, change in [*rows, *two_of(changes)]:
            if "rows" in change and "weights_by_unit" not in change:
                both = f"{base.condition}, and {words}" if base.condition else words
                yield replace(base, condition=both, convention=replace(base.convention, **change))


def _order(mending: Mending, plausible: bool) -> tuple[Any, ...]:
    """Smaller mendings first; of several meanings that are equally likely, the more plausible mistake."""
    return mending.rank if plausible else (mending.size,)


def _quantities(declared: Declared) -> tuple[Formula, ...]:
    """What the letters of the document stand for, where each is one quantity: `delta_1` is dz[2], `a_k` is z[2][k]."""
    found: list[Formula] = [Symbol(x) for x in declared.free]
    if declared.network == NO_NETWORK:  # every letter is the document's own
        for name, definition in definitions_of(declared).items():
            inner = (x for x in definition.parts if isinstance(x, Symbol) and x.layer is None and not is_known(x.name))
            found += [*([] if "[" in name else [Symbol(name)]), *inner]
        found = list(dict.fromkeys(found))[:_MOST_LETTERS]
    for target in declared.letters.rename.values():
        try:
            (part,) = read(target)[0].equation.sides
        except (ChainruleError, ValueError):
            continue
        letter = part.base if isinstance(part, Index) else part
        if isinstance(letter, Symbol) and letter.layer is not None:
            found.append(part)
    return tuple(found)


_MOST_LETTERS = 16


def _counts(tree: Equation) -> bool:
    """A sum runs to a number, or a number other than 1, 2 and 1/2 is a factor or divisor."""
    for part in tree.parts:
        if isinstance(part, Bound) and isinstance(part.upper, Number):
            return True
        factor = isinstance(part, Binary) and part.sign in ("*", " ", "·", "/")
        if factor and any(isinstance(x, Number) and x.value not in _COMMON for x in part.children):
            return True
    return False


_COMMON = (0, 1, 2, Fraction(1, 2))

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


def _wider(place: Worlds, original: Equation, budget: Budget) -> Callable[[Equation], int]:
    """In how many cases a mending holds, or 0 if the formula itself holds in as many: then it mends nothing."""
    already = place.support(original, budget)

    letter = penalty_of(original)

    def support(tree: Equation) -> int:
        if letter is not None and letter not in tree.parts and not _of_bias(original):
            return 0  # no mending takes the penalty away
        held = place.support(tree, budget)
        return held if held > already else 0

    return support


def _of_bias(equation: Equation) -> bool:
    """It is about b, on which there is no penalty."""
    return any(isinstance(x, Symbol) and x.name in ("b", "db") for x in equation.sides[0].parts)


def _findings(target: Attempt, mending: Mending) -> tuple[Finding, ...]:
    theirs: dict[Formula, Formula] = dict(target.back)

    def shown(part: Formula) -> str:
        return exact(part.mapped(lambda x: theirs.get(x, x)) if theirs else part)

    found = []
    for e in mending.edits:
        before, after, words = shown(e.before), shown(e.after), e.explanation
        for part, text in sorted(((exact(e.before), before), (exact(e.after), after)), key=lambda x: -len(x[0])):
            words = words.replace(part, text) if theirs else words
        found.append(Finding(e.cause, before, before, after, shown(mending.tree), words))
    return tuple(found)


def _distinct(target: Attempt, first: Mending, others: Sequence[Mending]) -> tuple[tuple[Finding, ...], ...]:
    """The other mendings: each text once, and of one mistake at parts within one another the first alone."""
    kept = [first]
    for mending in others:
        if not any(exact(mending.tree) == exact(k.tree) or _same_mistake(mending, k) for k in kept):
            kept.append(mending)
    return tuple(_findings(target, mending) for mending in kept[1:])


def _same_mistake(a: Mending, b: Mending) -> bool:
    """The same causes at places of which one lies in the other: the edits differ in writing alone."""
    if [e.cause for e in a.edits] != [e.cause for e in b.edits]:
        return False
    pairs = zip(a.edits, b.edits, strict=True)
    return all(x.path[: len(y.path)] == y.path or y.path[: len(x.path)] == x.path for x, y in pairs)
