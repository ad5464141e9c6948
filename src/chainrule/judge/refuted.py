"""A formula that holds in no reading: what cannot be told of it, and else the mistake that explains it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..notation.formula import ONE, Equation, Partial, Symbol
from ..notation.write import exact
from .arithmetic import is_arithmetic, is_printed, sets_a_number
from .attempt import Attempt
from .attempts import ENTRYWISE, attempts
from .bases import of_any_numbers
from .budget import Budget, ease
from .conditions import capitals, penalty_of, with_layer
from .definitions import definitions_of
from .habits import changes_the_loss
from .holding import holds, narrower_of
from .mended import mended
from .parts import layers_of
from .trees import Trees
from .untold import (
    defined,
    defines_a_number,
    derives_in_parts,
    derives_its_own_loss,
    letter_of,
    of_lone_letters,
    refused_for,
    renames,
    sets_a_parameter,
    states_a_loss,
    states_another_loss,
    steps_by_its_own_loss,
    unmended,
    without_layer,
)
from .verdict import NO_NETWORK, Judgement, noted
from .worlds import Survey, activations, is_general


@dataclass(frozen=True)
class Refuted:
    """What was tried of a formula without finding it to hold everywhere.

    first     the formula as it stands
    bases     its plain meanings with their readings, `surveys` how it fared in each
    tried     all meanings that were tried in every world
    samples   "batch" or "one", as was declared or is usual
    budget    what is left for all, `readings` what of it is left for readings
    """

    text: str
    first: Attempt
    bases: list[tuple[Attempt, Trees]]
    surveys: list[Survey]
    tried: list[tuple[Attempt, Survey]]
    samples: str
    budget: Budget
    readings: Budget

    @property
    def plain(self) -> Equation:
        """The formula as it was read."""
        return self.first.tree

    def untold(self, note: str) -> Judgement:
        """It cannot be told."""
        return Judgement(self.text, "cannot tell", note=note, reading=exact(self.plain))


def refuted(found: Refuted, *, mend: bool) -> Judgement:
    """The judgement of a formula that does not hold everywhere; `mend`: its mistake is looked for."""
    plain, surveys, declared = found.plain, found.surveys, found.first.declared
    narrower = narrower_of(found.text, found.tried)
    if any(s.held and not s.refuted for s in surveys):  # where it has a value it holds
        return narrower or found.untold(next(s.first.message for s in surveys if s.first is not None))
    general = claims_every_layer(plain)
    if narrower is not None and (not general or ENTRYWISE in narrower.condition + narrower.note):
        return narrower

    if narrower is None and changes_the_loss(plain) and not found.first.convention.differentials:
        return found.untold(
            "dL is a differential, and what is beside it was not declared: differentials = true, and its letters"
        )
    at = min(range(len(surveys)), key=lambda i: _mendable(found.bases[i][0], surveys[i], len(surveys)))
    (base, trees), survey = found.bases[at], surveys[at]
    new = defined(plain, survey, declared.network is None)
    if declared.network == NO_NETWORK and narrower is None:
        new = new or defines_a_number(plain, {*definitions_of(declared), *declared.free})
    if new is not None:
        return found.untold(f"it defines a new letter, {new}")
    unknown = base.unknown()
    for tree, note in trees[1:] if unknown else ():  # another reading in which every letter means something
        again = replace(base, tree=tree, note=note)
        if not again.unknown() and _status(again.survey(found.readings)) == "different":
            base, survey, unknown, trees = again, again.survey(found.readings), frozenset(), [(tree, note)]
            break
    refused = refused_for(plain, unknown) or without_layer(plain, unknown, declared.network is not None)
    if refused and narrower is None:
        return _of_any_matrices(found) or found.untold(refused)
    if narrower is None and sets_a_number(plain):
        return found.untold("it has the numbers of an example")
    layers = 0 if declared.network is None or not base.depth else len(activations(declared.network))
    if not mend and narrower is None:
        return unmended(found.text, base.tree, survey, unknown, layers=layers, own=base.own)
    if "!=" in plain.relations:
        return narrower or unmended(found.text, plain, survey, unknown, layers=layers, own=base.own)
    if declared.loss is None and narrower is None and states_another_loss(plain):
        return found.untold(_A_LOSS)
    if declared.loss is None and narrower is None and derives_in_parts(plain):
        return found.untold(_A_GRADIENT)
    named = _mended(found, base, trees, survey, unknown, narrower)
    if named is not None:
        return named
    if narrower is not None:
        return narrower
    note = _untold(found, base, survey)
    return found.untold(note) if note else unmended(found.text, base.tree, survey, unknown, layers=layers, own=base.own)


def _of_any_matrices(found: Refuted) -> Judgement | None:
    """Letters of no layer beside a declared network: it may hold for any matrices."""
    free = of_any_numbers(replace(found.first, note="it holds for any matrices"))
    declared = found.first.declared
    if declared.network is not None and found.first.depth and not layers_of(found.plain) and free.shapes:
        anywhere = free.survey(found.readings)
        if anywhere.everywhere:
            return holds(found.text, free, anywhere)
    return None


def _mended(
    found: Refuted,
    base: Attempt,
    trees: Trees,
    survey: Survey,
    unknown: frozenset[str],
    narrower: Judgement | None,
) -> Judgement | None:
    """The mistake of the formula, where it is known and is one; or why it is none."""
    plain, declared, bases = found.plain, base.declared, found.bases
    others = [
        b
        for (b, _), s in zip(bases, found.surveys, strict=True)
        if b is not base and _mendable(b, s, len(bases)) <= _mendable(base, survey, len(bases))
    ]
    if _status(survey) == "shape" and base.depth != 0:
        others += _evaluable(attempts(trees, base, found.samples, survey), found.readings)
    filled = () if layers_of(plain) else with_layer(plain, ONE)[1]
    allowed = found.budget.share(ease(plain))
    named = mended(found.text, trees, base, found.samples, unknown, allowed, filled=filled, bases=others)
    if named is not None and declared.network is None and renames(named, plain):
        note = f"{exact(plain.sides[0])} is not what this library calls so: declare what the letters stand for"
        return narrower or found.untold(note)
    if sets_a_parameter(plain) and narrower is None and (named is None or named.cause not in _OF_UPDATES):
        return found.untold(f"it sets {exact(plain.sides[0])}, and the parameters of a network are any numbers")
    several = named is not None and len(named.causes) > 1
    if several and declared.loss is None and (states_a_loss(plain) or derives_its_own_loss(plain)):
        named = None  # with two changes one loss becomes another
    if declared.network is None and narrower is None and not layers_of(plain) and of_lone_letters(plain):
        return found.untold("it says of letters that nobody declared what they are: declare what they stand for")
    if named is not None and (narrower is None or len(named.causes) == 1):
        return named if not declared.letters.rename else replace(named, note=noted(named.note, _OURS))
    return None


def _untold(found: Refuted, base: Attempt, survey: Survey) -> str:
    """Why it is not called wrong, though it holds nowhere and no mistake is known that explains it; else empty."""
    plain, declared = found.plain, base.declared
    letter = penalty_of(plain)
    if letter is not None and base.convention.penalty is None:
        return f"{letter.name} scales no penalty on the weights, λ/2 ‖W‖² and its like, that would make it right"
    if declared.loss is None and steps_by_its_own_loss(base.tree):
        return "it is a step of descent by a loss that was not declared"
    left = plain.sides[0]
    of = left.numerator if isinstance(left, Partial) else None
    its_own = not (isinstance(of, Symbol) and of.name in definitions_of(declared)) and derives_its_own_loss(base.tree)
    if declared.loss is None and _status(survey) == "different" and its_own:
        return _A_GRADIENT
    if declared.loss is None and states_a_loss(plain):
        return _A_LOSS
    if any(is_printed(side) for side in plain.sides) and any(not is_arithmetic(side) for side in plain.sides):
        return "it has the numbers of an example"
    if base.depth == 0 and _status(survey) == "shape":
        return (
            "which of its letters are numbers, columns and matrices is not declared, and as concluded they do not fit"
        )
    anything = base.anything() if base.depth == 0 else ()
    if anything and survey.first is not None and survey.first.status in ("different", "shape"):
        return f"{anything[0]} may be any function here: declare what it stands for"
    return ""


_OF_UPDATES = (
    "gradient-used-for-weight",
    "other",
    "sign",
)  # mistakes by which a step of descent or a gradient sets one
_CAN_BE_EVALUATED = {"different": 0, "shape": 1}  # the world in which a mistake is looked for, best first


def _mendable(base: Attempt, survey: Survey, bases: int) -> int:
    """How good a meaning is for looking for a mistake; in an identity about no network, what is one letter is any."""
    letter = letter_of(base.tree.sides[0])
    any_number = bases > 1 and base.depth == 0
    if any_number and isinstance(letter, Symbol) and letter.name not in definitions_of(base.declared):
        return 3
    return _CAN_BE_EVALUATED.get(_status(survey), 2)


def _evaluable(several: Iterable[Attempt], budget: Budget) -> list[Attempt]:
    """The first meanings in which the formula has numbers, though others: there its mistake can be looked for."""
    found: list[Attempt] = []
    for attempt in several:
        if budget.spent or len(found) == _MOST_EVALUABLE:
            break
        world, binding = attempt.worlds.cases[0].worlds[0], attempt.worlds.binding(attempt.tree)
        if binding is None or any(capitals(attempt.tree)):
            continue  # beside capital letters small ones are broadcast
        comparison = world.compare(attempt.tree, binding, place=False)
        budget.spend(comparison.work)
        if comparison.status == "different":
            found.append(replace(attempt, note=attempt.condition))
    return found


_MOST_EVALUABLE = 4


def _status(survey: Survey) -> str:
    return "" if survey.first is None else survey.first.status


_A_LOSS = "it states a loss, and which loss is meant was not declared"
_A_GRADIENT = "it is the gradient of a loss that was not declared, and of none that is tried here"
_OURS = "the correction is written in the names of this library"


def claims_every_layer(tree: Equation) -> bool:
    """The left side has a general layer, so the formula is meant for all of them."""
    return is_general(Equation((tree.sides[0],)))
