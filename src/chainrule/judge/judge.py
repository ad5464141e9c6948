"""A formula that somebody wrote is judged: right, right under a condition, wrong (and where), or not to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..errors import ChainruleError
from ..meaning.usual import Usual
from ..notation.formula import ONE, Binary, Bound, Equation, Formula, Index, Number, Sum, Symbol
from ..notation.letters import Letters
from ..notation.read import Syntax
from ..notation.write import exact
from .arithmetic import is_arithmetic, is_printed, misprint, sets_a_number, without_numbers
from .attempt import Attempt, depth_of, usual_samples
from .attempts import ENTRYWISE, attempts
from .bases import all_numbers, bases_of, of_any_numbers
from .budget import Budget, ease
from .conditions import (
    capitals,
    matrix_product_first,
    penalty_of,
    with_layer,
)
from .definitions import definitions_of
from .habits import changes_the_loss, with_columns
from .holding import holds, narrower_of
from .meant import as_usual
from .mended import mended
from .parts import LAYERED, layers_of
from .said import as_said
from .trees import trees_of
from .untold import (
    defined,
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
from .verdict import Declared, Judgement, noted
from .worlds import HIGHEST, Survey, activations, convention_of, highest_layer, is_general

# A module or method, or `@` beside names such as dz2: a line of a program, in which small letters are arrays too.
_PROGRAM = re.compile(r"\b(?:np|torch|jnp)\.|\.dot\(|\b[A-Za-z]+\d\b[^=]*@|@[^=]*\b[A-Za-z]+\d\b")
MATRICES = frozenset({"W", "Z", "A", "dW", "dZ", "dA"})  # in small letters a number below is a component


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
    seconds: float = 1.0,
    mend: bool = True,
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
    seconds      how much may be searched, as seconds of an idle machine: what is counted are the numbers computed,
                 so that the judgement is the same on a busy one
    mend         whether the mistake of a wrong formula is looked for

    What holds in every world is right; what holds under another reading or convention alone is right if that is meant;
    what the smallest known mistake explains is wrong, and named. A formula that cannot be read or evaluated is not
    told. Raises `ConfigurationError` for a network, a loss or an option that does not exist.
    """
    if not readings:
        one = Declared("", network, loss, letters or Letters(), samples, place, rows, layout, definitions=definitions)
        return _told(text, syntax, as_said(text, one), seconds, mend)
    readings = [as_said(text, d) for d in readings]
    if len(readings) == 1:
        return _told(text, syntax, readings[0], seconds, mend)
    judged = [(d, _judge(text, syntax, d, seconds, mend=False)) for d in readings]
    if mend and not any(j.verdict in ("right", "right if") for _, j in judged):  # else no mistake need be looked for
        each = seconds / len(readings)
        judged = [(d, _judge(text, syntax, d, each)) for d in readings]
    return _joined(text, judged)


def _told(text: str, syntax: Syntax, declared: Declared, seconds: float, mend: bool) -> Judgement:
    """The judgement under one meaning; `dW_2 = dZ_2 A_1^T` may mean layers where nobody declared what stands below."""
    if not _usual_places(declared.letters) or not _numbered_below(text, syntax, declared.letters):
        return _judge(text, syntax, declared, seconds, mend=mend)
    plain = _judge(text, syntax, declared, seconds, mend=False)
    if plain.verdict == "right":
        return plain
    below = replace(declared, letters=replace(declared.letters, layer="subscript"))
    found = _judge(text, syntax, below, seconds, mend=mend)
    if plain.verdict == "right if" and found.verdict != "right":
        return plain
    if found.verdict == "cannot tell":
        return _judge(text, syntax, declared, seconds, mend=mend)
    return replace(found, note=noted(found.note, "the numbers below the letters are read as layers"))


def _of_numbers(text: str, equation: Equation) -> Judgement | None:
    """The judgement of worked numbers; None where letters have to be compared too."""
    numbers = [side for side in equation.sides if is_arithmetic(side)]
    letters = len(equation.sides) - len(numbers)
    if len(numbers) < 2:
        return None
    relation = "≈" if "≈" in equation.relations else "="
    found, compared = misprint(numbers, [relation] * len(numbers))
    if found is not None:
        return Judgement(text, "wrong", causes=(found,), reading=exact(equation))
    if not compared or letters > 1:
        return None
    note = f"the numbers agree; what {exact(equation.sides[0])} is was not compared" if letters else ""
    return Judgement(text, "right", note=note, reading=exact(equation))


def _usual_places(letters: Letters) -> bool:
    """Nothing was declared of where layers and components stand; what single letters stand for says nothing of it."""
    plain = Letters()
    return (letters.layer, letters.component, letters.layers) == (plain.layer, plain.component, plain.layers)


def _numbered_below(text: str, syntax: Syntax, letters: Letters) -> bool:
    """Whether matrices carry one number or the letter of a layer below, and no layer: `W_2`, `dZ_{l-1}`, `z_l`."""
    try:
        equation = trees_of(text, syntax, letters)[0][0]
    except ChainruleError:
        return False
    summed = {b.index for x in equation.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    for part in equation.parts:
        if not isinstance(part, Index) or not isinstance(part.base, Symbol) or part.base.layer is not None:
            continue
        if len(part.entries) != 1 or part.base.name not in LAYERED:
            continue
        (entry,) = part.entries
        matrix = part.base.name in MATRICES
        letter = entry.left if isinstance(entry, Binary) and entry.sign in "+-" else entry
        if (matrix and isinstance(entry, Number)) or (letter in _LAYERS and letter not in summed):
            return True
    return False


_LAYERS = (Symbol("l"), Symbol("ell"), Symbol("L"))
_NABLA = re.compile(r"\\nabla|∇")


def _joined(text: str, judged: Sequence[tuple[Declared, Judgement]]) -> Judgement:
    """One judgement of several: a formula need hold under one of the declared meanings."""
    good = [(d, j) for d, j in judged if j.verdict == "right"]
    if len(good) == len(judged):
        return replace(good[0][1], text=text)
    if good:
        names = " or ".join(d.name or "read as it stands" for d, _ in good)
        return replace(good[0][1], verdict="right if", condition=names)
    maybe = [(d, j) for d, j in judged if j.verdict == "right if"]
    if maybe:
        d, j = maybe[0]
        condition = f"{d.name}, and {j.condition}" if d.name else j.condition
        return replace(j, condition=condition)
    bad = [(d, j) for d, j in judged if j.verdict == "wrong"]
    if bad:
        d, j = min(bad, key=lambda x: (x[1].cause in ("not named", "shape"), len(x[1].causes)))
        chosen = f"mended for the reading {d.name!r}" if d.name and j.correction else ""
        everywhere = "wrong under every declared reading" if len(bad) == len(judged) else ""
        return replace(j, note=noted(j.note, chosen, everywhere))
    return judged[0][1]


def _judge(text: str, syntax: Syntax, declared: Declared, seconds: float, *, mend: bool = True) -> Judgement:
    """The judgement under one declared meaning; `mend` says whether the mistake of a wrong formula is looked for.

    Where letters are not declared and the formula has no meaning without them, they mean what they usually do.
    """
    try:
        taken = trees_of(text, syntax, declared.letters)
    except ChainruleError as error:
        return Judgement(text, "cannot tell", note=str(error))
    if declared.layout == "numerator" and _NABLA.search(text):
        taken = [(with_columns(tree), note) for tree, note in taken]
    code = syntax == "code" or _PROGRAM.search(text) is not None
    plain = _of_trees(text, taken, declared, Budget.of_seconds(seconds), code, mend=mend)
    if len(taken[0][0].sides) < 2:
        return plain

    def judge(meant: Usual, there: Declared, seconds: float, mend: bool) -> Judgement:
        budget = Budget.of_seconds(seconds, least=0)  # the formula as it stands had the whole
        return _of_trees(text, [(meant.tree, "")], there, budget, code, mend=mend, back=meant.back)

    return as_usual(taken[0][0], declared, plain, judge, seconds, mend=mend) or plain


def _of_trees(
    text: str,
    taken: list[tuple[Equation, str]],
    declared: Declared,
    budget: Budget,
    code: bool,
    *,
    mend: bool,
    back: tuple[tuple[Symbol, Formula], ...] = (),
) -> Judgement:
    """The judgement of the readings of a text; `back` holds letters of ours with those that the text has for them."""
    plain = taken[0][0]
    if len(plain.sides) < 2 or plain.sides[0] == Symbol(""):
        return Judgement(text, "cannot tell", note="it states no equation", reading=exact(plain))
    if "!=" not in plain.relations and "->" not in plain.relations:
        numbers = _of_numbers(text, plain)
        if numbers is not None:
            return numbers
        taken = [(without_numbers(tree), note) for tree, note in taken]
        plain = taken[0][0]
    if highest_layer(plain) > HIGHEST:
        note = f"it names layer {highest_layer(plain)}, and networks of at most {HIGHEST} layers are tried"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    samples = declared.samples or usual_samples(plain)
    first = Attempt("", plain, convention_of(declared, samples), depth_of(plain, declared), declared, back=back)
    convention = replace(first.convention, repeated=code)
    first = replace(first, own=all_numbers(first), code=code, convention=convention)
    bases = bases_of(taken, first)
    readings = budget.share(_FOR_READINGS * ease(plain))
    surveys: list[Survey] = []
    for base, trees in bases:
        survey = base.survey(readings)
        surveys.append(survey)
        if survey.everywhere:
            starred = matrix_product_first(base.tree, [t for t, _ in trees[1:]])
            unclear = any(not replace(base, tree=t).survey(readings).everywhere for t in starred)
            return holds(text, base, survey, *(["the matrix product is taken before *"] if unclear else []))
    tried = [(base, survey) for (base, _), survey in zip(bases, surveys, strict=True)]
    for (base, trees), survey in zip(bases, surveys, strict=True):
        for attempt in attempts(trees, base, base.convention.samples or samples, survey):
            if readings.spent:
                note = "it is too large to try all its readings and conventions: split the formula"
                return Judgement(text, "cannot tell", note=note, reading=exact(plain))
            if attempt.may_hold(readings):
                other = attempt.survey(readings)
                if other.everywhere:
                    wider = narrower_of(text, tried) if attempt.kind and not _claims_every_layer(plain) else None
                    return wider or holds(text, attempt, other)  # of several pairs all are named
                tried.append((attempt, other))
    narrower = narrower_of(text, tried)
    if any(s.held and not s.refuted for s in surveys):  # where it has a value it holds
        note = next(s.first.message for s in surveys if s.first is not None)
        return narrower or Judgement(text, "cannot tell", note=note, reading=exact(plain))
    general = _claims_every_layer(plain)
    if narrower is not None and (not general or ENTRYWISE in narrower.condition + narrower.note):
        return narrower

    if narrower is None and changes_the_loss(plain) and not first.convention.differentials:
        note = "dL is a differential, and what is beside it was not declared: differentials = true, and its letters"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    at = min(range(len(bases)), key=lambda i: _mendable(bases[i][0], surveys[i], len(bases)))
    (base, trees), survey = bases[at], surveys[at]
    new = defined(plain, survey, declared.network is None)
    if new is not None:
        return Judgement(text, "cannot tell", note=f"it defines a new letter, {new}", reading=exact(plain))
    unknown = base.unknown()
    for tree, note in trees[1:] if unknown else ():  # another reading in which every letter means something
        again = replace(base, tree=tree, note=note)
        if not again.unknown() and _status(again.survey(readings)) == "different":
            base, survey, unknown, trees = again, again.survey(readings), frozenset(), [(tree, note)]
            break
    refused = refused_for(plain, unknown) or without_layer(plain, unknown, declared.network is not None)
    if refused and narrower is None:
        free = of_any_numbers(replace(first, note="it holds for any matrices"))
        if declared.network is not None and first.depth and not layers_of(plain) and free.shapes:
            anywhere = free.survey(readings)
            if anywhere.everywhere:
                return holds(text, free, anywhere)
        return Judgement(text, "cannot tell", note=refused, reading=exact(plain))
    if narrower is None and sets_a_number(plain):
        return Judgement(text, "cannot tell", note="it has the numbers of an example", reading=exact(plain))
    layers = 0 if declared.network is None or not base.depth else len(activations(declared.network))
    if not mend and narrower is None:
        return unmended(text, base.tree, survey, unknown, layers=layers, own=base.own)
    filled = () if layers_of(plain) else with_layer(plain, ONE)[1]
    if "!=" in plain.relations:
        return narrower or unmended(text, plain, survey, unknown, layers=layers, own=base.own)
    others = [
        b
        for (b, _), s in zip(bases, surveys, strict=True)
        if b is not base and _mendable(b, s, len(bases)) <= _mendable(base, survey, len(bases))
    ]
    if _status(survey) == "shape" and base.depth != 0:
        others += _evaluable(attempts(trees, base, samples, survey), readings)
    if declared.loss is None and narrower is None and states_another_loss(plain):
        note = "it states a loss, and which loss is meant was not declared"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    allowed = budget.share(ease(plain))
    found = mended(text, trees, base, samples, unknown, allowed, filled=filled, bases=others)
    if found is not None and declared.network is None and not layers_of(plain) and renames(found, plain):
        note = f"{exact(plain.sides[0])} is not what this library calls so: declare what the letters stand for"
        return narrower or Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if sets_a_parameter(plain) and narrower is None and (found is None or found.cause not in _OF_UPDATES):
        note = f"it sets {exact(plain.sides[0])}, and the parameters of a network are any numbers"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if found is not None and len(found.causes) > 1 and declared.loss is None and states_a_loss(plain):
        found = None  # with two changes one loss becomes another
    if declared.network is None and narrower is None and not layers_of(plain) and of_lone_letters(plain):
        note = "it says of letters that nobody declared what they are: declare what they stand for"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if found is not None and (narrower is None or len(found.causes) == 1):
        return found if not declared.letters.rename else replace(found, note=noted(found.note, _OURS))
    if narrower is not None:
        return narrower
    letter = penalty_of(plain)
    if letter is not None and base.convention.penalty is None:
        note = f"{letter.name} scales no penalty on the weights, λ/2 ‖W‖² and its like, that would make it right"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if declared.loss is None and steps_by_its_own_loss(base.tree):
        note = "it is a step of descent by a loss that was not declared"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if declared.loss is None and _status(survey) == "different" and derives_its_own_loss(base.tree):
        note = "it is the gradient of a loss that was not declared, and of none that is tried here"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if declared.loss is None and states_a_loss(plain):
        note = "it states a loss, and which loss is meant was not declared"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if any(is_printed(side) for side in plain.sides) and any(not is_arithmetic(side) for side in plain.sides):
        return Judgement(text, "cannot tell", note="it has the numbers of an example", reading=exact(plain))
    anything = base.anything() if base.depth == 0 else ()
    if anything and survey.first is not None and survey.first.status in ("different", "shape"):
        note = f"{anything[0]} may be any function here: declare what it stands for"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    return unmended(text, base.tree, survey, unknown, layers=layers, own=base.own)


_OF_UPDATES = (
    "gradient-used-for-weight",
    "other",
    "sign",
)  # mistakes by which a step of descent or a gradient sets one
_FOR_READINGS = 0.6  # of what is allowed, for trying its readings and conventions
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


_OURS = "the correction is written in the names of this library"


def _claims_every_layer(tree: Equation) -> bool:
    """The left side has a general layer, so the formula is meant for all of them."""
    return is_general(Equation((tree.sides[0],)))
