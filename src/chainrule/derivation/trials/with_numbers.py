"""Lines with numbers put in: the formula holds, each number stands in its place, and what is printed is the value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ChainruleError
from ...execute import evaluate
from ...graph import walk
from ...meaning.world import Comparison, World
from ...notation.formula import Array, Call, Equation, Formula, Number
from ..document import Line
from ..numbers import name_of, value_name
from ..settings import Numbers
from ..subject import Subject
from .derived import TOLERANCE, Trials
from .drawn import parts
from .meaning import array_formula

_PIECES = frozenset({"step", "sign", "absolute", "maximum", "minimum", "where", "clip", "max"})
_KINK = 1e-9
_EXACT = 1e-12
_ROUNDING = 1e-14


class WithNumbers:
    """Compares lines `name = formula = formula with numbers = value`."""

    def __init__(self, trials: Trials, setting: Numbers) -> None:
        subject = trials.subject
        self.subject, self.digits = subject, setting.digits
        self.values = {n: np.atleast_2d(np.asarray(v)) for n, v in setting.values.items()}
        given = _in_columns(subject, self.values)
        if "alpha" in self.values and subject.kind == "network":
            given["alpha"] = self.values["alpha"]
        self.trials = Trials(subject, given=(given, _sizes(subject, self.values)))
        self.at_kink = _at_kink(subject, self.trials)
        self.free = World.free()

    def compare(self, line: Line, equation: Equation) -> Comparison:
        """The line as it was read, its printed form; `line` says which names it is about."""
        name = value_name(line)
        right = equation.sides[1]
        if name is None or name not in self.values:
            return Comparison("unreadable", 0.0, "the left side has no value")
        value = self.values[name].astype(float)
        error = 0.0
        if not self._is_number(right):
            found = self._holds(Equation((equation.sides[0], right), equation.relations[:1]))
            if found.status != "equal":
                return found
            error = found.error
            filled = _repeated(self._number(self._filled(line.formula.sides[1], None)), value.shape)
            found = _close(filled, value, TOLERANCE, "the formula has another value")
            if found.status != "equal":
                return found
        if len(equation.sides) == 4:
            found = self._put_in(line.formula.sides[1], equation.sides[2], equation.relations[1] == "=")
            if found.status != "equal":
                return found
        return self._printed(equation.sides[-1], value, equation.relations[-1] == "=", error)

    def _holds(self, equation: Equation) -> Comparison:
        """The formula at these numbers; at a kink no step along the axis is a derivative, and its value must do."""
        found = self.trials.compare(equation, False)
        return Comparison("equal", 0.0) if found.status != "equal" and self.at_kink else found

    def _put_in(self, formula: Formula, filled: Formula, exact: bool) -> Comparison:
        """Each name is replaced by its value rounded, or by its value where the sign is =."""
        wanted = self._number(self._filled(formula, self.digits))
        found = _close(self._number(filled), wanted, TOLERANCE, "another number was put in")
        if found.status == "equal" and exact:
            found = _close(self._number(filled), self._number(self._filled(formula, None)), TOLERANCE, "≈ is meant")
        return found

    def _printed(self, last: Formula, value: npt.NDArray[Any], exact: bool, error: float) -> Comparison:
        shown = self._number(last)
        if shown.shape != value.shape:
            return Comparison("shape", 0.0, f"{shown.shape} against {value.shape}")
        off = float(np.max(np.abs(shown - value)))
        limit = _EXACT * max(1.0, float(np.max(np.abs(value)))) if exact else 0.5 * 10.0**-self.digits * (1 + 1e-9)
        if off > limit:
            return Comparison("different", off, f"the value printed is off by {off:.2g}")
        return Comparison("equal", error)

    def _filled(self, formula: Formula, digits: int | None) -> Formula:
        name = name_of(formula)
        if name is not None and name in self.values:
            value = self.values[name].astype(float)
            if digits is not None:
                value = np.vectorize(lambda x: float(f"{x:.{digits}f}"))(value)
            return array_formula(value)
        children = formula.children
        function = isinstance(formula, Call)  # its name may be that of a value, too
        filled = tuple(x if i < function else self._filled(x, digits) for i, x in enumerate(children))
        return formula.rebuilt(filled) if children else formula

    def _number(self, formula: Formula) -> npt.NDArray[Any]:
        with np.errstate(all="ignore"):
            return np.real(self.free.value(self.trials.meaning.known(formula)).array)

    def _is_number(self, part: Formula) -> bool:
        return isinstance(part, Array | Number)


def _close(found: npt.NDArray[Any], wanted: npt.NDArray[Any], tolerance: float, message: str) -> Comparison:
    if found.shape != wanted.shape:
        return Comparison("shape", 0.0, f"{found.shape} against {wanted.shape}")
    scale = max(float(np.max(np.abs(wanted))), 1e-300)
    off = float(np.max(np.abs(found - wanted)))
    error = off / scale if off > _ROUNDING else 0.0  # of numbers of order one, of which differences may vanish
    return Comparison("equal", error) if error <= tolerance else Comparison("different", error, message)


def _repeated(found: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A number, a row or a column that stands for its repetition."""
    fits = all(a in (1, b) for a, b in zip(found.shape, shape, strict=True))
    return np.broadcast_to(found, shape) if fits else found


def _in_columns(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the variables as the derivation has them before conventions: samples as columns."""
    output, named = parts(subject, False)
    found = {}
    given = [] if subject.given is None else [subject.given]
    for n in walk(output, *named.values(), *subject.forward.values(), subject.found.output, *given):
        if n.is_variable and n.name in values:
            v = values[n.name]
            real = n.get("kind") == "real"
            found[n.name] = v.T.astype(float) if subject.conventions.rows and real else v
    return found


def _sizes(subject: Subject, values: Mapping[str, Any]) -> dict[str, int]:
    columns = _in_columns(subject, values)
    sizes: dict[str, int] = {}
    given = [] if subject.given is None else [subject.given]
    for n in walk(subject.found.output, *subject.forward.values(), *given):
        if n.is_variable and n.name in columns:
            for dim, number in zip(n.shape, columns[n.name].shape, strict=True):
                if isinstance(dim, str):
                    sizes[dim] = number
    return sizes


def _at_kink(subject: Subject, trials: Trials) -> bool:
    """Whether a function with a kink stands at it."""
    nodes = [n for n in walk(subject.found.output, *subject.forward.values()) if n.op.name in _PIECES]
    inner = [x for n in nodes for x in n.inputs if not x.is_constant]
    inner += [a - b for n in nodes if len(n.inputs) == 2 for a, b in [n.inputs] if a.shape == b.shape]
    try:
        found = evaluate(inner, trials.meaning.values) if inner else []
    except ChainruleError:
        return True
    return any(bool(np.any(np.abs(x) < _KINK)) for x in found)


__all__ = ["WithNumbers"]
