"""Limits: the value at a place where a formula itself has none, as the mean over a small circle around it (Cauchy)."""

from __future__ import annotations

import numpy as np

from ..notation.formula import Limit, Negate, Symbol
from .context import Context, NestedStepError
from .values import Value, undefined

_POINTS, _RADIUS, _POLES = 32, 0.05, 4
_CLOSE = 1e-9
_LABEL = "·circle"


def limit_value(c: Context, part: Limit) -> Value:
    """lim_{h→a} of an analytic formula: the difference quotient becomes the derivative, sin(h)/h becomes 1.

    f(a) = 1/n Σ_k f(a + r e^{2πik/n}), with an error of the order rⁿ. A pole, a kink or a limit at infinity is refused.
    """
    letter = part.letter
    if not isinstance(letter, Symbol) or letter.layer is not None or letter.sample is not None:
        raise undefined("a limit by what is no letter")
    place = part.place.operand if isinstance(part.place, Negate) else part.place
    if isinstance(place, Symbol) and place.name in ("infinity", "infty"):
        raise undefined("a limit at infinity")
    if c.complex or c.varied:
        raise NestedStepError
    center = c.eval(part.place)
    if not center.is_scalar or center.labels:
        raise undefined("a limit at what is no number")
    steps = _RADIUS * np.exp(2j * np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    around = Value(center.array + steps[:, None, None], (_LABEL,))
    value = c.child({("local", letter.name): around}, stepped=True).eval(part.body)
    if _LABEL not in value.labels:
        return value
    array = value.last(_LABEL)
    mean, scale = array.mean(axis=-1), max(1.0, float(np.max(np.abs(array), initial=0.0)))
    gaps = [mean - array[..., ::2].mean(axis=-1)]
    gaps += [(array * (steps / _RADIUS) ** k).mean(axis=-1) for k in range(1, _POLES + 1)]  # of 1/h, 1/h², …
    if any(np.max(np.abs(gap), initial=0.0) > _CLOSE * scale for gap in gaps):
        raise undefined(f"the limit as {letter.name} goes there does not exist, or the formula is not smooth")
    return Value(mean.real, value.without(_LABEL))
