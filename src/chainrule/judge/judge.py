"""A formula that somebody wrote is judged: right, right under a condition, wrong (and where), or not to be told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..errors import ChainruleError, ConfigurationError
from ..meaning.usual import Usual
from ..notation.formula import Binary, Bound, Equation, Formula, Index, Number, Sum, Symbol
from ..notation.letters import Letters
from ..notation.read import Syntax
from ..notation.write import exact
from .arithmetic import is_arithmetic, misprint, without_numbers
from .attempt import Attempt, depth_of, usual_samples
from .attempts import attempts
from .bases import all_numbers, bases_of
from .budget import Budget, ease
from .conditions import (
    matrix_product_first,
)
from .habits import with_columns
from .holding import holds, narrower_of
from .meant import as_usual
from .parts import LAYERED, places
from .refuted import Refuted, claims_every_layer, refuted
from .regroup import is_regrouped
from .said import as_said
from .trees import trees_of
from .verdict import Declared, Judgement, noted
from .worlds import HIGHEST, Survey, convention_of, highest_layer

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
    told. Raises `ConfigurationError` for a network, a loss or an option that does not exist, or what is no text.
    """
    for name, given in (("the formula", text), ("network", network), ("loss", loss)):
        if not isinstance(given, str) and (given is not None or name == "the formula"):
            raise ConfigurationError(f"{name} is {given!r}, and must be text, such as {_SUCH_AS[name]!r}")
    if not readings:
        one = Declared("", network, loss, letters or Letters(), samples, place, rows, layout, definitions=definitions)
        return _told(text, syntax, as_said(text, one), seconds, mend)
    readings = _of_the_samples(text, syntax, [as_said(text, d) for d in readings])
    if len(readings) == 1:
        return _told(text, syntax, readings[0], seconds, mend)
    judged = [(d, _judge(text, syntax, d, seconds, mend=False)) for d in readings]
    if mend and not any(j.verdict in ("right", "right if") for _, j in judged):  # else no mistake need be looked for
        each = seconds / len(readings)
        judged = [(d, _judge(text, syntax, d, each)) for d in readings]
    return _joined(text, judged)


def _of_the_samples(text: str, syntax: Syntax, readings: Sequence[Declared]) -> Sequence[Declared]:
    """The meanings in which there are m samples, where the formula names m: they are not one, if a meaning has many."""
    several = [d for d in readings if d.samples != "one"]
    try:
        (equation, _), *_ = trees_of(text, syntax, readings[0].letters)
    except ChainruleError:
        return readings
    counted = any(p.part in _COUNTS and p.role in ("operand", "bound") for p in places(equation))
    return several if several and counted else readings


_COUNTS = (Symbol("m"), Symbol("N"))
_SUCH_AS = {"the formula": "dW[1] = dZ[1] @ X.T", "network": "3-4:tanh-1:sigmoid", "loss": "quadratic"}


def _told(text: str, syntax: Syntax, declared: Declared, seconds: float, mend: bool) -> Judgement:
    """The judgement under one meaning; `dW_2 = dZ_2 A_1^T` may mean layers where nobody declared what stands below."""
    numbered = _numbered_below(text, syntax, declared.letters) if _usual_places(declared.letters) else ""
    if not numbered:
        return _judge(text, syntax, declared, seconds, mend=mend)
    below = replace(declared, letters=replace(declared.letters, layer="subscript"))
    words = "the numbers below the letters are read as layers"
    plain = _judge(text, syntax, declared, seconds, mend=False)
    if plain.verdict == "right" or (numbered == "entries" and plain.verdict == "right if"):
        return plain
    found = _judge(text, syntax, below, seconds, mend=mend and numbered == "layers")
    if numbered == "entries" and found.verdict not in ("right", "right if"):
        plain = _judge(text, syntax, declared, seconds, mend=mend)
        if plain.cause == "shape" and mend:  # a number against a column: of layers there may be a mistake with a name
            found = _judge(text, syntax, below, seconds, mend=True)
        named = plain.cause == "shape" and found.verdict == "wrong" and found.cause not in ("shape", "not named")
        return replace(found, note=noted(found.note, words)) if named else plain
    if plain.verdict == "right if" and found.verdict != "right":
        return plain
    if found.verdict == "cannot tell":
        return _judge(text, syntax, declared, seconds, mend=mend)
    return replace(found, note=noted(found.note, words))


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


def _numbered_below(text: str, syntax: Syntax, letters: Letters) -> Literal["layers", "entries", ""]:
    """What may be layers of letters that name none: `W_2`, `dZ_{l-1}`, `z_l`; the number of `b_2` may count entries."""
    try:
        equation = trees_of(text, syntax, letters)[0][0]
    except ChainruleError:
        return ""
    summed = {b.index for x in equation.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    found: Literal["entries", ""] = ""
    for part in equation.parts:
        if not isinstance(part, Index) or not isinstance(part.base, Symbol) or part.base.layer is not None:
            continue
        if len(part.entries) != 1 or part.base.name not in LAYERED:
            continue
        (entry,) = part.entries
        number, matrix = isinstance(entry, Number), part.base.name in MATRICES
        letter = entry.left if isinstance(entry, Binary) and entry.sign in "+-" else entry
        if (matrix and number) or (letter in _LAYERS and letter not in summed):
            return "layers"
        found = "entries" if number else found
    return found


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
    if code:
        taken = [x for i, x in enumerate(taken) if not i or not is_regrouped(x[0], taken[0][0])]
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
    convention = replace(first.convention, repeated=code or first.convention.repeated)
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
                    wider = narrower_of(text, tried) if attempt.kind and not claims_every_layer(plain) else None
                    return wider or holds(text, attempt, other)  # of several pairs all are named
                tried.append((attempt, other))
    return refuted(Refuted(text, first, bases, surveys, tried, samples, budget, readings), mend=mend)


_FOR_READINGS = 0.6  # of what is allowed, for trying its readings and conventions
