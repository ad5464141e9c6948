"""A formula that somebody wrote is judged: right, right under a condition, wrong (and where), or not to be told."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..errors import ChainruleError
from ..notation.canonical import canonical
from ..notation.formula import ONE, Equation, Formula, Index, Number, Symbol
from ..notation.letters import Letters
from ..notation.read import Syntax, read
from ..notation.write import exact
from .attempts import ENTRYWISE, Attempt, all_numbers, attempts, bases_of, depth_of, usual_samples
from .budget import Budget
from .clothes import clothes
from .conditions import (
    between_dots,
    has_outputs,
    matrix_product_first,
    penalty_of,
    with_layer,
)
from .mended import mended
from .normal import components_of, products_of_calls
from .parts import LAYERED, layers_of
from .verdict import Declared, Finding, Judgement
from .worlds import HIGHEST, Survey, convention_of, highest_layer, is_general

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

    What holds in every world is right; what holds under another reading or convention alone is right if that is meant;
    what the smallest known mistake explains is wrong, and named. A formula that cannot be read or evaluated is not
    told. Raises `ConfigurationError` for a network, a loss or an option that does not exist.
    """
    if not readings:
        one = Declared("", network, loss, letters or Letters(), samples, place, rows, layout, definitions=definitions)
        return _told(text, syntax, one, seconds)
    if len(readings) == 1:
        return _told(text, syntax, readings[0], seconds)
    judged = [(d, _judge(text, syntax, d, seconds, mend=False)) for d in readings]
    if not any(j.verdict in ("right", "right if") for _, j in judged):  # else no mistake need be looked for
        each = seconds / len(readings)
        judged = [(d, _judge(text, syntax, d, each)) for d in readings]
    return _joined(text, judged)


def _told(text: str, syntax: Syntax, declared: Declared, seconds: float) -> Judgement:
    """The judgement under one meaning; `dW_2 = dZ_2 A_1^T` may mean layers where nobody declared what stands below."""
    if declared.letters != Letters() or not _numbered_below(text, syntax):
        return _judge(text, syntax, declared, seconds)
    plain = _judge(text, syntax, declared, seconds, mend=False)
    if plain.verdict == "right":
        return plain
    below = replace(declared, letters=replace(declared.letters, layer="subscript"))
    found = _judge(text, syntax, below, seconds)
    if plain.verdict == "right if" and found.verdict != "right":
        return plain
    if found.verdict == "cannot tell":
        return _judge(text, syntax, declared, seconds)
    return replace(found, note=_and(found.note, "the numbers below the letters are read as layers"))


def _numbered_below(text: str, syntax: Syntax) -> bool:
    """Whether matrices carry one number below and no layer: `W_2`, `dZ_1`."""
    try:
        equation = read(text, syntax=syntax)[0].equation
    except ChainruleError:
        return False
    return any(
        isinstance(part, Index)
        and isinstance(part.base, Symbol)
        and part.base.layer is None
        and part.base.name in MATRICES
        and len(part.entries) == 1
        and isinstance(part.entries[0], Number)
        for part in equation.parts
    )


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
        return replace(j, note=_and(j.note, chosen, everywhere))
    return judged[0][1]


def _and(*notes: str) -> str:
    return "; ".join(n for n in notes if n)


def _judge(text: str, syntax: Syntax, declared: Declared, seconds: float, *, mend: bool = True) -> Judgement:
    """The judgement under one declared meaning; `mend` says whether the mistake of a wrong formula is looked for."""
    budget = Budget.of_seconds(seconds)
    try:
        taken = [
            (_named(canonical(r.equation, declared.letters)), r.note)
            for r in read(text, syntax=syntax, letters=declared.letters)
        ]
    except ChainruleError as error:
        return Judgement(text, "cannot tell", note=str(error))
    taken = [(components_of(products_of_calls(tree)), note) for tree, note in taken]
    plain = taken[0][0]
    if len(plain.sides) < 2 or plain.sides[0] == Symbol(""):
        return Judgement(text, "cannot tell", note="it states no equation", reading=exact(plain))
    if highest_layer(plain) > HIGHEST:
        note = f"it names layer {highest_layer(plain)}, and networks of at most {HIGHEST} layers are tried"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    samples = declared.samples or usual_samples(plain)
    first = Attempt("", plain, convention_of(declared, samples), depth_of(plain, declared), declared)
    code = syntax == "code"
    convention = replace(first.convention, repeated=code)
    first = replace(first, own=all_numbers(first), code=code, convention=convention)
    bases = bases_of(taken, first)
    readings = budget.share(_FOR_READINGS)
    surveys = [base.survey(readings) for base, _ in bases]
    for (base, trees), survey in zip(bases, surveys, strict=True):
        if survey.everywhere:
            starred = matrix_product_first(base.tree, [t for t, _ in trees[1:]])
            unclear = any(not replace(base, tree=t).survey(readings).everywhere for t in starred)
            return _holds(text, base, survey, *(["the matrix product is taken before *"] if unclear else []))
    tried = [(base, survey) for (base, _), survey in zip(bases, surveys, strict=True)]
    for (base, trees), survey in zip(bases, surveys, strict=True):
        for attempt in attempts(trees, base, samples, survey):
            if readings.spent:
                note = "it is too large to try all its readings and conventions: split the formula"
                return Judgement(text, "cannot tell", note=note, reading=exact(plain))
            if attempt.may_hold(readings):
                other = attempt.survey(readings)
                if other.everywhere:
                    return _holds(text, attempt, other)
                tried.append((attempt, other))
    narrower = _narrower(text, tried)
    if any(s.held and not s.refuted for s in surveys):  # where it has a value it holds
        note = next(s.first.message for s in surveys if s.first is not None)
        return narrower or Judgement(text, "cannot tell", note=note, reading=exact(plain))
    general = _claims_every_layer(plain)
    if narrower is not None and (not general or ENTRYWISE in narrower.condition + narrower.note):
        return narrower

    at = min(range(len(bases)), key=lambda i: _CAN_BE_EVALUATED.get(_status(surveys[i]), 2))
    (base, trees), survey = bases[at], surveys[at]
    new = _defines(plain, survey)
    if new is not None:
        return Judgement(text, "cannot tell", note=f"it defines a new letter, {new}", reading=exact(plain))
    unknown = base.unknown()
    refused = _refused(plain, unknown)
    if refused and narrower is None:
        return Judgement(text, "cannot tell", note=refused, reading=exact(plain))
    if not mend and narrower is None:
        return _unmended(text, base.tree, survey, unknown)
    filled = () if layers_of(plain) else with_layer(plain, ONE)[1]
    if "!=" in plain.relations:
        return narrower or _unmended(text, plain, survey, unknown)
    others = [b for (b, _), s in zip(bases, surveys, strict=True) if b is not base and _status(s) == "different"]
    found = mended(text, trees, base, samples, unknown, budget, filled=filled, bases=others)
    if found is not None and len(found.causes) > 1 and declared.loss is None and _states_a_loss(plain):
        found = None  # with two changes one loss becomes another
    if found is not None and (narrower is None or len(found.causes) == 1):
        return found if not declared.letters.rename else replace(found, note=_and(found.note, _OURS))
    if narrower is not None:
        return narrower
    letter = penalty_of(plain)
    if letter is not None:
        note = f"{letter.name} scales no penalty on the weights, λ/2 ‖W‖² and its like, that would make it right"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    if declared.loss is None and _states_a_loss(plain):
        note = "it states a loss, and which loss is meant was not declared"
        return Judgement(text, "cannot tell", note=note, reading=exact(plain))
    return _unmended(text, base.tree, survey, unknown)


_FOR_READINGS = 0.6  # of what is allowed, for trying its readings and conventions
_CAN_BE_EVALUATED = {"different": 0, "shape": 1}  # the world in which a mistake is looked for, best first


def _status(survey: Survey) -> str:
    return "" if survey.first is None else survey.first.status


def _holds(text: str, attempt: Attempt, survey: Survey, *more: str) -> Judgement:
    """It holds everywhere: right, under the condition of the attempt."""
    flat = "keepdims=True is added to the sum" if survey.flat else ""
    conditions = [c for c in (attempt.condition, *more, flat, *between_dots(attempt.tree)) if c]
    reading = exact(attempt.tree)
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
        reading = exact(attempt.tree)
        if survey.held and survey.vectorial and not before and attempt.declared.network is None:
            return Judgement(text, "right", note=_and(attempt.note, f"where {ENTRYWISE}"), reading=reading)
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
    return exact(left)


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


def _unmended(text: str, plain: Equation, survey: Survey, unknown: frozenset[str]) -> Judgement:
    """Nothing known mends it: what is certain is said, and no more."""
    reading = exact(plain)
    first = survey.first
    if first is None:
        note = "no layer of the networks tried fits its indices"
        return Judgement(text, "cannot tell", note=note, reading=reading)
    where = ""
    if first.path is not None:
        try:
            where = exact(plain.at(first.path))
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
