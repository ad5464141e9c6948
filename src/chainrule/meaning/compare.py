"""How the sides of an equation compare: equal numbers, other numbers, other shapes, or no value at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ..notation.formula import (
    ONE,
    Array,
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Number,
    Partial,
    Path,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from .context import NestedStepError
from .evaluator import Evaluator
from .functions import NOT_ENTRYWISE
from .gradients import gradient_list, missing_parameter
from .letters import LOSSES
from .lists import is_list
from .nearly import digits, meets, small_letter
from .seen import ZERO as ZERO
from .seen import has_bare_sum, says_zero, speaks_of_differentials
from .steps import step
from .values import NO_NUMBER, SAMPLE, NoValueError, Status, Value, difference, size

TOLERANCE = 1e-8
_LARGEST = 1e30
FLAT = "keepdims missing"  # the message where sides are equal if sums keep their dimension


@dataclass(frozen=True)
class Comparison:
    """How the sides of an equation compare.

    status   "equal"; "different" numbers; "shape": shapes or indices do not fit; "undefined": something has no value;
             "unreadable": the form has no meaning here
    error    largest difference relative to the largest entry, 0 where nothing was compared
    message  one phrase, such as "3 × 7 against 4 × 7"
    path     place of the part that failed, in the equation; `part` itself where its place was not looked for
    work     how many numbers were computed, the same whenever it is asked
    nothing  the sides are equal because all are zero
    """

    status: Status
    error: float = 0.0
    message: str = ""
    path: Path | None = None
    part: Formula | None = field(default=None, repr=False, compare=False)
    work: int = field(default=0, repr=False, compare=False)
    nothing: bool = field(default=False, repr=False, compare=False)


_CLOSE = {"equal": 2, "different": 1}  # which of several ways to take a sum tells more

Begin = Callable[[Formula], Evaluator]  # a fresh evaluation of a formula


def evaluated(context: Evaluator, part: Formula) -> Value:
    """The numbers of a formula; `NoValueError` where it has none or one is not finite."""
    with np.errstate(all="ignore"):
        try:
            value = context.eval(part)
        except NoValueError as p:
            p.part = p.part or part
            raise
    if not np.all(np.abs(value.array) < _LARGEST):
        raise NoValueError("undefined", NO_NUMBER, part)
    return value


def compared(begin: Begin, equation: Formula, tolerance: float = TOLERANCE, *, place: bool = True) -> Comparison:
    """Compare the sides of an equation, neighbor with neighbor; never raises.

    begin  makes the evaluation of a formula
    place  whether the part that failed is looked for
    """
    try:
        with np.errstate(all="ignore"):
            found = _in_ranges(begin, equation, tolerance)
            if place and found.part is not None:
                found = replace(found, path=_path(equation, found.part), part=None)
            others = ("entries", "columns") if begin(equation).convention.bare_sum is None else ()
            for over in others if has_bare_sum(equation) else ():
                if found.status == "equal":
                    break
                other = _in_ranges(begin, equation, tolerance, over)
                work = found.work + other.work
                closer = _CLOSE.get(other.status, 0) > _CLOSE.get(found.status, 0)
                found = replace(other if closer else found, work=work)
            return found
    except RecursionError:
        return Comparison("unreadable", 0.0, "nested too deeply")
    except MemoryError:
        return Comparison("undefined", 0.0, "too many indices at once")
    except NestedStepError:
        return Comparison("undefined", 0.0, "a derivative inside a differential")
    except (ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError, np.exceptions.AxisError) as e:
        return Comparison("unreadable", 0.0, f"it could not be evaluated ({type(e).__name__})")


def _in_ranges(begin: Begin, equation: Formula, tolerance: float, bare: str | None = None) -> Comparison:
    """The comparison, again as long as an index is found to have to stop earlier."""
    limits: dict[str, int] = {}
    found, work = Comparison("unreadable"), 0
    for _ in range(4):
        known = dict(limits)
        context = begin(equation)
        context.bare, context.limits = bare or context.bare, limits
        try:
            found = _judged(context, begin, equation, tolerance, bare)
        except NoValueError as p:
            found = Comparison(p.status, 0.0, p.message, None, p.part)
        work += context.work + found.work
        if found.status == "equal" or limits == known:
            break
    return replace(found, work=work)


def _judged(context: Evaluator, begin: Begin, equation: Formula, tolerance: float, bare: str | None) -> Comparison:
    if not isinstance(equation, Equation) or len(equation.sides) < 2:
        evaluated(context, equation.sides[0] if isinstance(equation, Equation) else equation)
        return Comparison("unreadable", 0.0, "there is no equation")
    if "->" in equation.relations:
        return Comparison("unreadable", 0.0, "an arrow states no equality")
    if "!=" in equation.relations:
        return _unequal(begin, equation, tolerance, bare)
    small = small_letter(context, equation) if "≈" in equation.relations else None
    if small is not None:
        return _nearly(context, equation, small)
    entries = gradient_list(context, equation)
    if entries is not None:
        message = missing_parameter(context, entries, tolerance)
        return Comparison("different" if message else "equal", 0.0, message, (1,) if message else None)
    update = step(context, equation)
    sides = [evaluated(context, equation.sides[0] if update is None else update)]
    sides += [evaluated(context, side) for side in equation.sides[1:]]
    number = any(isinstance(side, Number) for side in equation.sides)  # the same in a row and in a column
    of_slopes = any(isinstance(x, Partial) for x in equation.parts)  # a layout says which of them is a row
    note = FLAT if any(v.flat for v in sides) and not number else ""
    for i, side in enumerate(equation.sides):
        other = sides[i - 1 if i else 1]
        turned = sides[i].shape == other.shape[::-1] != other.shape
        vector = 1 in sides[i].shape  # of columns side by side something is said
        if turned and vector and _is_unoriented(side) and (context.convention.layout == "free" or not of_slopes):
            sides[i], note = sides[i].T, "a list as a column"
        elif side in _ONES and other.shape[0] == 1:
            sides[i] = Value(np.ones(other.shape))
        elif isinstance(side, Number) and sides[i].shape != other.shape:
            sides[i] = Value(np.broadcast_to(sides[i].array, other.shape))  # `sum(probs, axis=1) = 1`, in every row
        elif sides[i].unit or (sides[i].repeated and sides[i].shape != other.shape):
            sides[i] = sides[i].sized(other.shape)
        if isinstance(side, Symbol) and side.name in LOSSES:
            sides[i] = _in_line(sides[i], other)
    worst, nothing = 0.0, True
    for i in range(len(equation.relations)):
        a, b = sides[i], sides[i + 1]
        if a.shape != b.shape:
            raise NoValueError("shape", f"{size(a.shape)} against {size(b.shape)}", equation)
        lone = _lone(a, b)
        if lone and not any(isinstance(x, Number) for x in equation.sides[i : i + 2]):
            raise NoValueError("shape", f"the index {lone} stands on one side alone", equation)
        error = difference(a, b)
        for zero, whole, v in ((i, i + 1, b), (i + 1, i, a)):
            if error and equation.sides[zero] == ZERO:  # the terms cancel: what is left is measured by them
                error = float(np.max(np.abs(v.array))) / _largest_term(context, equation.sides[whole])
        nothing = nothing and not np.any(a.array) and not np.any(b.array)
        rounded = _rounded(equation, i)
        listed = any(isinstance(x, Array) for x in equation.sides[i : i + 2])
        if rounded is not None and (a.is_scalar or listed) and float(np.max(np.abs(a.array - b.array))) <= rounded:
            continue
        if error > tolerance:
            return Comparison("different", error, f"the sides differ by {error:.2g}", (i + 1,))
        worst = max(worst, error)
    of_changes = context.convention.differentials or speaks_of_differentials(equation)
    of_changes = of_changes or (context.model.free is True and any(isinstance(x, Partial) for x in equation.parts))
    if nothing and of_changes and not any(says_zero(side) for side in equation.sides):
        return Comparison("undefined", 0.0, "nothing changes here")
    return Comparison("equal", worst, note, nothing=nothing)


def _is_unoriented(side: Formula) -> bool:
    """A list, a row taken out of a matrix, or the derivative by one: nothing is said of rows and columns."""
    if isinstance(side, Partial):
        return _is_row_of(side.denominator)
    return (is_list(side) and not any(is_list(x) for x in side.children)) or _is_row_of(side)


def _is_row_of(part: Formula) -> bool:
    """`W[i, :]`, `w_i` of the weights."""
    if not isinstance(part, Index) or not isinstance(part.base, Symbol) or part.base.name not in ("W", "w", "dW", "dw"):
        return False
    return len(part.entries) == 1 or (len(part.entries) == 2 and isinstance(part.entries[1], Slice))


def _nearly(context: Evaluator, equation: Equation, small: str) -> Comparison:
    """`f'(x) ≈ (f(x + h) - f(x)) / h`: the sides meet as h goes to zero."""
    for i, (a, b) in enumerate(pairwise(equation.sides)):
        held, gap = meets(context, a, b, small)
        if not held:
            message = f"the sides do not meet as fast as they should as {small} goes to 0"
            return Comparison("different", gap, message, (i + 1,))
    return Comparison("equal")


def _rounded(equation: Equation, i: int) -> float | None:
    """How far the sides may be apart where one is a number that was rounded: `σ(-1) = 0.2689`, `≈ 0.3`."""
    found = [x for x in map(digits, equation.sides[i : i + 2]) if x is not None]
    near = max(found, default=None)
    return near if near is not None and (equation.relations[i] == "≈" or near < _HALF_A_TENTH) else None


_HALF_A_TENTH = 0.04  # beside = only two digits behind the point or more are taken for rounded ones


def _unequal(begin: Begin, equation: Equation, tolerance: float, bare: str | None) -> Comparison:
    """`a != b` holds where a = b does not: other numbers, other shapes, or g' of a g that has no such vector.

    One side at least has a value of its own: of two that have none nothing is said.
    """
    if len(equation.sides) != 2:
        return Comparison("unreadable", 0.0, "an inequality in a chain of equations")
    if equation.sides[0] == equation.sides[1]:
        return Comparison("different", 0.0, "the sides are equal", (1,))
    found = _in_ranges(begin, Equation(equation.sides, ("=",)), tolerance, bare)
    if found.status == "equal":
        return Comparison("different", found.error, "the sides are equal", (1,), work=found.work)
    if found.status not in ("different", "shape") and NOT_ENTRYWISE not in found.message:
        return found
    if found.status == "shape" and not any(_has_value(begin, side) for side in equation.sides):
        return found
    return Comparison("equal", 0.0, "", work=found.work)


def _has_value(begin: Begin, side: Formula) -> bool:
    try:
        evaluated(begin(side), side)
    except NoValueError:
        return False
    return True


_ONES = [Transpose(x) for x in (ONE, Symbol("one"), Symbol("ones"))]  # 1ᵀ, a row of ones


_RESIDUE = 1e-12  # of the largest letter: what rounding leaves of numbers that cancel


def _largest_term(context: Evaluator, side: Formula) -> float:
    """The largest entry among the terms of a sum; among its letters where nothing but rounding is left of them."""
    if isinstance(side, Binary) and side.sign in "+-":
        return max(_largest_term(context, side.left), _largest_term(context, side.right))
    found = _largest(context, side)
    if any(isinstance(x, Sum | Call | Partial | Binary) for x in side.parts):
        letters = max((_largest(context, x) for x in set(side.parts) if isinstance(x, Symbol)), default=0.0)
        if found <= _RESIDUE * letters:
            return letters
    return found or 1.0


def _largest(context: Evaluator, part: Formula) -> float:
    try:
        return float(np.max(np.abs(context.eval(part).array), initial=0.0))
    except NoValueError:  # an index, or the name of a function
        return 0.0


def _lone(a: Value, b: Value) -> str:
    """An index letter of one side alone that runs over one value, so that no number tells it."""
    return next(
        (
            label
            for v, other in ((a, b), (b, a))
            for label in v.labels
            if v.length(label) == 1 and label not in other.labels and label != SAMPLE
        ),
        "",
    )


def _in_line(loss: Value, other: Value) -> Value:
    """The losses of the samples as a row (or column), where the other side is one: `L = np.sum(…, axis=0)`."""
    if loss.labels != (SAMPLE,) or SAMPLE in other.labels or loss.length(SAMPLE) == 1:
        return loss
    if sorted(other.shape) != [1, loss.length(SAMPLE)]:
        return loss
    return Value(loss.array.reshape(other.shape))


def _path(equation: Formula, part: Formula | None) -> Path | None:
    if part is None:
        return None
    try:
        return next((path for path, x in equation.walk() if x is part), None)
    except RecursionError:
        return None
