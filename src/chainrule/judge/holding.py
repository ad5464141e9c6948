"""A formula that holds: everywhere, under a condition, or for some losses and layers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeGuard

from ..notation.formula import Binary, Call, Equation, Formula, Number, Partial, Symbol, Transpose
from ..notation.write import exact
from .attempt import Attempt
from .attempts import ENTRYWISE
from .clothes import clothes
from .conditions import between_dots, has_outputs
from .needed import needed, needed_alike
from .parts import is_derivative
from .verdict import Judgement, noted
from .worlds import Survey


def holds(text: str, attempt: Attempt, survey: Survey, *more: str) -> Judgement:
    """It holds everywhere: right, under the condition of the attempt."""
    flat = "keepdims=True is added to the sum" if survey.flat else ""
    alike = needed_alike(attempt, attempt.kind) if attempt.kind not in ("", attempt.declared.output) else ""
    idle = "there is one output unit" if _is_idle_in_one_unit(attempt) else ""
    conditions = [c for c in (attempt.condition, alike, idle, *more, flat, *between_dots(attempt.tree)) if c]
    theirs = dict(attempt.back) if attempt.declared.meant else {}
    reading = exact(attempt.tree.mapped(lambda x: theirs.get(x, x) if isinstance(x, Symbol) else x))
    attempt = replace(attempt, note=noted(attempt.note, _targets_note(attempt)))
    if conditions:
        words, one = ", and ".join(conditions), attempt.one_sample
        note = noted(attempt.note, _FLAT if flat else "")
        return Judgement(text, "right if", words, note=note, reading=reading, one_sample=one)
    return Judgement(text, "right", note=noted(attempt.note, clothes(attempt.tree)), reading=reading)


def _is_idle_in_one_unit(attempt: Attempt) -> bool:
    """`zᵀ = z`, `diag(a) b = a bᵀ`: of one unit, which nobody declared, it holds because signs do nothing there."""
    units = attempt.numbers and attempt.declared.network is None and "one" not in f"{attempt.condition} {attempt.note}"
    if not units or not any(_is_of_columns(part) for part in attempt.tree.parts):
        return False
    return not replace(attempt, numbers=0).survey().everywhere


def _is_of_columns(part: Formula) -> bool:
    """A transpose, norm, diagonal or outer product of the letter of a unit."""
    inner: tuple[Formula, ...] = ()
    if isinstance(part, Transpose):
        inner = (part.operand,)
    elif isinstance(part, Call) and part.function in _OF_COLUMNS:
        inner = part.arguments
    elif isinstance(part, Binary) and part.sign == "⊗":
        inner = (part.left, part.right)
    return any(isinstance(x, Symbol) and x.name in _OF_A_UNIT for each in inner for x in each.parts)


_OF_COLUMNS = (Symbol("norm"), Symbol("diag"), Symbol("outer"))
_OF_A_UNIT = frozenset({"z", "a", "y", "yhat", "dz", "da", "dyhat", "b", "db"})

_FLAT = (
    "without it NumPy drops the axis: the shape (n,) counts as a row, and beside a column, as in b - alpha * db, it is "
    "broadcast to n × n without an error"
)


def _targets_note(attempt: Attempt) -> str:
    """Where the formula holds only because the columns of Y sum to one, as class targets do, that is said."""
    if not has_outputs(attempt.tree) or attempt.depth == 0 or not attempt.convention.normalized_targets:
        return ""
    free = replace(attempt, convention=replace(attempt.convention, normalized_targets=False))
    if free.survey().everywhere:
        return ""
    each = "rows" if attempt.convention.rows else "columns"
    return f"it needs {each} of Y that sum to one, as class targets do"


def narrower_of(text: str, tried: Sequence[tuple[Attempt, Survey]]) -> Judgement | None:
    """It holds for some losses, or at some layers, alone."""
    for attempt, survey in tried:
        if is_idle(attempt, survey):
            continue
        before = attempt.condition and f"{attempt.condition}, and "
        reading = exact(attempt.tree)
        if survey.held and survey.vectorial and not before and attempt.declared.network is None:
            return Judgement(text, "right", note=noted(attempt.note, f"where {ENTRYWISE}"), reading=reading)
        if survey.held and survey.vectorial:
            return Judgement(text, "right if", before + ENTRYWISE, reading=reading)
        if survey.holding:
            told = attempt.declared.network is not None
            found = "" if told else needed(attempt, survey.holding)
            words = before + (found or _cases(attempt.tree, survey.holding))
            return Judgement(text, "right if", words, reading=reading)
        good, where = survey.narrowest
        if good:
            match = f", and {_cases(attempt.tree, where)}" if where != survey.cases else ""
            return Judgement(text, "right if", f"{before}{' or '.join(sorted(good))}{match}", reading=reading)
    return None


def _cases(tree: Equation, cases: Sequence[str]) -> str:
    """The cases in which it holds, in words; where no loss enters, the activation of the last layer is what counts."""
    if _names_of(tree) & {"L", "J", "C", "ell", "Y", "y"} or any(n[:1] == "d" and n[1:] for n in _names_of(tree)):
        return f"the output layer and the loss match: {' or '.join(cases)}"
    outputs = dict.fromkeys(case.split(" with ")[0] for case in cases)
    return f"the activation of the output layer is {' or '.join(outputs)}"


def is_idle(attempt: Attempt, survey: Survey) -> bool:
    """It holds for linear outputs alone, whose derivative 1 may be left out, though it says nothing of the output."""
    factors = any(isinstance(x, Partial) for side in attempt.tree.sides[1:] for x in side.parts)
    linear = all(case.startswith("identity") for case in survey.holding)
    left, *right = attempt.tree.sides
    slope = isinstance(left, Call) and isinstance(left.function, Symbol) and left.function.prime
    if slope and linear and survey.holding and any(isinstance(x, Call) for side in right for x in side.parts):
        return True  # g' = g + (1 - g) of the identity
    last = (None, Symbol("L"), Number(Fraction(attempt.depth)))
    slopes = [x for side in right for x in side.parts if is_derivative(x)]
    if linear and survey.holding and any(x.layer in last for slope in slopes for x in slope.parts if _is_value(x)):
        return True  # g'(A) for g'(Z) of the output, where both are 1
    return bool(survey.holding) and factors and linear and not _names_of(attempt.tree) & {"Y", "y", "Yhat", "yhat"}


def _is_value(part: Formula) -> TypeGuard[Symbol]:
    return isinstance(part, Symbol) and part.name in ("z", "Z", "a", "A")


def _names_of(tree: Equation) -> set[str]:
    return {x.name for x in tree.parts if isinstance(x, Symbol)}
