"""Check the gradient of an expression, derived or given, against numerical derivatives.

An entry is wrong if it differs from the numerical derivative by more than both can be off. How far that is, is
measured at the point and not a fixed number:

* the numerical derivative states its own error (`numeric`): truncation from steps h and 2h, rounding of J divided by h;
* the rounding of the gradient is measured by evaluating it in float32 too: the difference, scaled by the ratio of the
  two precisions, is what the order and the cancellation of its sums cost. It counts for at least the spacing of
  floats at the size of the largest derivative times the largest value, which is what saturated units lose.

Steps that pass a kink are judged by the derivatives on both sides (`kinks`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError
from ..graph import Node
from .kinks import nearest_kink
from .lines import Line, Section
from .numeric import EPS, ROUNDINGS, STEPS, Method, as_method, as_step, derivative_along, random_direction
from .point import Point, point_of
from .report import GradientCheck, Row, Verdict

Array = npt.NDArray[Any]

MOST_ENTRIES = 5000  # of a block that are compared one by one unless directions are asked for
USUAL_DIRECTIONS = 20
SIDE = 1e-9  # how far beside the point the one-sided derivatives are taken
FLOOR = 1e-3  # relative errors are relative to at least this part of the block's largest derivative
BLIND = 1e-2  # a comparison less exact than this part of the block's largest derivative decides nothing
VANISHING = 1e-9  # a block this much smaller than the largest counts as zero
NOISE = 32.0  # the rounding of a gradient, in units of its measured sample


@dataclass(frozen=True)
class _Comparison:
    """analytic against numeric, which may be off by `expected`; passes `kinks` kinks, `near` of them at the point
    itself, where the derivatives on either side span `low` to `high`."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    expected: float
    kinks: int = 0
    near: int = 0
    low: float = 0.0
    high: float = 0.0


def check_expression(
    cost: Node,
    values: Mapping[str, Any],
    wrt: Sequence[str] | None = None,
    *,
    method: Method = "complex",
    directions: int | None = None,
    step: float | None = None,
    seed: int = 0,
    gradients: Mapping[str, Any] | None = None,
    tolerance: float | None = None,
) -> GradientCheck:
    """Compare the gradient of a cost with numerical derivatives, block by block.

    cost        1 × 1 expression
    values      variable name -> matrix of its shape; computed in float64 whatever it is given in
    wrt         names of the variables to check; all those with a derivative, or those of `gradients`, unless given
    method      "complex" (exact to rounding), "central", or "forward", the one-sided difference of the third source
    directions  compare along so many random directions per block instead of entry by entry; without it only blocks
                of more than 5000 entries are, along 20
    step        h, multiplied by max(1, |entry|) for the real methods; the method's own unless given
    seed        of the directions
    gradients   name -> array of the variable's shape, to be judged in place of the derived ones
    tolerance   relative error to allow in place of the expected one

    Raises `ShapeError`, `DataError` (no value, not a finite number), `ConfigurationError`, `UnknownNameError`.
    Source: "Gradient Checking" of the third source; the numerical methods and their cost are described in `numeric`.
    """
    method = as_method(method)
    h = as_step(method, step)
    if directions is not None and (isinstance(directions, bool) or int(directions) != directions or directions < 1):
        raise ConfigurationError(f"directions: expected a whole number from 1, or None, received {directions!r}")
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance > 0):
        raise ConfigurationError(f"tolerance: expected a positive number, or None, received {tolerance!r}")
    point = point_of(cost, values, wrt, gradients)
    rows = []
    for i, name in enumerate(point.blocks):
        section = Section(point.cost, point.values, point.blocks[name])
        generator = np.random.default_rng([seed, i])
        many = directions or (USUAL_DIRECTIONS if section.start.size > MOST_ENTRIES else None)
        compared = list(_compared(point, section, method, h, many, generator))
        slope = _taylor_slope(point, section, generator)
        rows.append(_row(point, section, compared, many is not None, slope, tolerance))
    return GradientCheck(tuple(rows), method, h, seed, tolerance, point.value, gradients is not None)


def _compared(
    point: Point, section: Section, method: Method, h: float, many: int | None, generator: np.random.Generator
) -> Iterator[_Comparison]:
    """Every entry of a block, or `many` random directions, against the numerical derivative."""
    name, x = section.name, section.start
    if many is not None:
        for k in range(many):
            yield _compare(point, section, method, h, random_direction(generator, x), (k,))
        return
    for place in np.ndindex(x.shape):
        d = np.zeros(x.shape)
        d[place] = 1.0 if method == "complex" else 2.0 ** math.ceil(math.log2(max(1.0, abs(float(x[place])))))
        c = _compare(point, section, method, h, d, place)
        size = float(d[place])
        yield replace(
            c,
            analytic=float(point.judged[name][place]),
            numeric=c.numeric / size,
            expected=c.expected / size,
            low=c.low / size,
            high=c.high / size,
        )


def _compare(point: Point, section: Section, method: Method, h: float, d: Array, index: tuple[int, ...]) -> _Comparison:
    true, line = point.true[section.name], Line(section, d)
    analytic = float(np.sum(point.judged[section.name] * d))
    length = float(np.linalg.norm(d))
    noise = NOISE * max(point.rounding[section.name] * length, 4 * EPS * float(np.sum(np.abs(true * d))))
    slip = max(point.slip, EPS * float(np.linalg.norm((section.start * true)[d != 0])))
    reach = SIDE if method == "complex" else 2 * h
    kinks = line.crossed(reach) if method != "complex" or _kinks_at_hand(section) else 0
    if not kinks:
        numeric, error = derivative_along(line, method, h, slip)
        return _Comparison(index, analytic, numeric, noise + error)
    # The derivatives at the point and just beside it, by complex steps: they see the one branch where they stand.
    near = kinks if reach == SIDE else line.crossed(SIDE)
    tiny = STEPS["complex"]
    sides = [line(complex(t, tiny)).imag / tiny for t in ((-SIDE, 0.0, SIDE) if near else (0.0,))]
    low, high = min(sides), max(sides)
    return _Comparison(index, analytic, min(max(analytic, low), high), noise, kinks, near, low, high)


def _kinks_at_hand(section: Section) -> bool:
    """Whether the point is at a kink, up to rounding; the complex step is right at any other place."""
    largest = max((float(np.max(np.abs(a))) for a in section.here), default=0.0)
    return nearest_kink(section.here) <= 1e3 * SIDE * max(1.0, largest)


def _row(
    point: Point,
    section: Section,
    compared: Sequence[_Comparison],
    directions: bool,
    slope: float | None,
    tolerance: float | None,
) -> Row:
    analytic, numeric, expected, low, high = (
        np.array([getattr(c, k) for c in compared]) for k in ("analytic", "numeric", "expected", "low", "high")
    )
    error = np.abs(analytic - numeric)
    size = float(np.max(np.abs(np.where(np.isfinite(numeric), numeric, 0.0))))
    floor = max(FLOOR * size, VANISHING * point.scale, float(np.finfo(np.float64).tiny))
    against = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
    limit = expected if tolerance is None else tolerance * against
    off = ~(error <= limit)  # NaN is off
    several = np.array([c.near > 1 for c in compared])
    blind = expected > BLIND * max(size, VANISHING * point.scale)
    blind &= (analytic != 0) | (numeric != 0)
    unclear = ~np.isfinite(error) | (off & several) | (~off & blind & (tolerance is None))
    wrong = off & ~unclear
    bent = high - low > limit
    verdict: Verdict = "right"
    decisive = np.ones(error.shape, dtype=bool)
    kinds: tuple[tuple[Verdict, Array], ...] = (("wrong", wrong), ("cannot tell", unclear), ("at a kink", bent))
    for reason, those in kinds:
        if np.any(those):
            verdict, decisive = reason, those
            break
    relative = error / against
    worst = int(np.argmax(np.where(decisive, np.nan_to_num(relative, nan=np.inf), -1.0)))
    rows, cols = section.start.shape
    return Row(
        name=section.name,
        shape=(rows, cols),
        checked=len(compared),
        directions=directions,
        absolute_error=float(np.max(error)),
        relative_error=float(np.max(relative)),
        allowed=float(limit[worst] / against[worst]),
        index=tuple(int(i) for i in compared[worst].index),
        analytic=float(analytic[worst]),
        numeric=float(numeric[worst]),
        sides=(float(low[worst]), float(high[worst])) if bent[worst] else None,
        kinks=sum(c.kinks > 0 for c in compared),
        slope=slope,
        verdict=verdict,
    )


def _taylor_slope(point: Point, section: Section, generator: np.random.Generator) -> float | None:
    """Slope of |J(x ± h d) - J ∓ h ⟨g, d⟩| against h in log-log: 2 or more if g is right, else 1.

    Only the asymptotic tail is judged: the four smallest h whose remainder stands above rounding. None if there are
    not three, because J is linear along d and g right, or because a kink lies on the way.
    """
    line = Line(section, random_direction(generator, section.start))
    slope = float(np.sum(point.judged[section.name] * line.direction))
    tail: list[tuple[float, float]] = []
    for h in 10.0 ** np.arange(-6.0, -0.9, 0.5):
        if line.crossed(h):
            break
        # Both signs added, |a h² + b h³| + |a h² - b h³| = 2 max(|a| h², |b| h³), do not cancel where a and b differ.
        ahead, behind = line(float(h)).real, line(-float(h)).real
        remainder = abs((ahead - point.value) - h * slope) + abs((behind - point.value) + h * slope)
        rounding = 2 * (ROUNDINGS * EPS * max(abs(ahead), abs(behind), abs(point.value)) + point.slip)
        if not math.isfinite(remainder):
            break
        if remainder > 20 * (rounding + EPS * abs(h * slope)):
            tail.append((math.log(h), math.log(remainder)))
        if len(tail) == 4:
            break
    if len(tail) < 3:
        return None
    points = np.array(tail)
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])
