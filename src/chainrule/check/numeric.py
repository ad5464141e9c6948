"""Numerical derivatives of a scalar function of named arrays, each with an estimate of its own error.

Every method sees the function on a line, φ(t) = J(x + t d): d is one entry of an array, or a random direction.

method    formula                            evaluations   step h      error of the value (J and its derivatives near 1)
forward   (φ(h) - φ(0)) / h                  2 (+ φ(0))    2^-26       h φ''/2 + ε/h             about 1e-8
central   (φ(h) - φ(-h)) / 2h                4             2^-17       h² φ'''/6 + ε/h           about 1e-11
complex   Im φ(ih) / h                       1             1e-20       ε: nothing is subtracted  about 1e-16

ε is the rounding of φ, some 2e-16 |φ|. The forward difference is the third source's "Gradient Checking" slide,
(L(W + ε₀) - L(W)) / ε₀. The real methods evaluate at h and at 2h, because the change from one to the other measures
the first term of their error instead of guessing it. The complex step (Squire & Trapp 1998) needs a φ that is
analytic where it is evaluated: no conjugate, no comparison of complex numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, ShapeError, unknown_name

Array = npt.NDArray[Any]
Function = Callable[[Mapping[str, Array]], Any]
Method = Literal["complex", "central", "forward"]

STEPS: Mapping[str, float] = {"forward": 2.0**-26, "central": 2.0**-17, "complex": 1e-20}
EPS = float(np.finfo(np.float64).eps)
SAFETY = 4.0  # a measured error is one sample of it
ROUNDINGS = 8.0  # rounding of a cost, in units of EPS |J|


class Estimate(NamedTuple):
    """A numerical derivative and how far it may be from the true one."""

    value: float
    error: float


def as_method(method: str) -> Method:
    """The method of a name; `UnknownNameError` for another."""
    if method not in STEPS:
        raise unknown_name("method of numerical derivative", method, get_args(Method))
    return cast(Method, method)


def as_step(method: Method, step: float | None) -> float:
    """The step given, or the method's own; it must be positive and finite."""
    if step is None:
        return STEPS[method]
    if not (math.isfinite(step) and step > 0):
        raise ConfigurationError(f"step: expected a positive number, received {step!r}; leave it out for the usual one")
    return float(step)


def derivative_along(phi: Callable[[complex], complex], method: Method, h: float, slip: float = 0.0) -> Estimate:
    """φ'(0) by one of the methods, with its expected error.

    phi   the function on the line; called with real t, or with ih by the complex step
    h     step
    slip  change of φ that the rounding of x + t d alone causes

    The error of the complex step is 0 here: it is of the rounding of J's own derivative, which the caller knows better.
    """
    if method == "complex":
        return Estimate(float(complex(phi(1j * h)).imag) / h, 0.0)
    up, up2 = _real(phi(h)), _real(phi(2 * h))
    if method == "forward":
        at = _real(phi(0.0))
        value, wide, seen = (up - at) / h, (up2 - at) / (2 * h), [at, up, up2]
    else:
        down, down2 = _real(phi(-h)), _real(phi(-2 * h))
        value, wide, seen = (up - down) / (2 * h), (up2 - down2) / (4 * h), [down2, down, up, up2]
    rounding = 2 * (ROUNDINGS * EPS * max(abs(s) for s in seen) + slip) / h
    return Estimate(value, SAFETY * (abs(wide - value) + rounding))


def numerical_gradient(
    f: Function,
    values: Mapping[str, Any],
    wrt: Sequence[str] | None = None,
    *,
    method: Method = "central",
    step: float | None = None,
) -> dict[str, Array]:
    """Gradient of a scalar function, entry by entry.

    f       takes name -> array, returns one number; it need not be an expression
    values  name -> array of any shape; `f` receives copies, float64 (complex128 for the complex step)
    wrt     names to differentiate by, all unless given
    step    h, multiplied by max(1, |entry|) for the real methods

    Returns arrays of the shapes of `values`. Cost: the table above, per entry.
    """
    arrays = {n: np.asarray(v) for n, v in values.items()}
    found = {}
    for name in list(arrays) if wrt is None else wrt:
        if name not in arrays:
            raise unknown_name("array", name, arrays)
        gradient = np.zeros(arrays[name].shape)
        for index in np.ndindex(gradient.shape):
            direction = np.zeros(gradient.shape)
            direction[index] = 1.0 if method == "complex" else max(1.0, abs(float(arrays[name][index])))
            slope = directional_derivative(f, arrays, {name: direction}, method=method, step=step).value
            gradient[index] = slope / direction[index]
        found[name] = gradient
    return found


def directional_derivative(
    f: Function,
    values: Mapping[str, Any],
    direction: Mapping[str, Array],
    *,
    method: Method = "central",
    step: float | None = None,
) -> Estimate:
    """Derivative of a scalar function along a direction, ⟨gradient, direction⟩, and its expected error.

    direction  name -> array of the shape of the value; names left out do not move
    """
    method = as_method(method)
    arrays = {n: np.asarray(v) for n, v in values.items()}
    kind = np.complex128 if method == "complex" else np.float64
    for name, d in direction.items():
        if name not in arrays:
            raise unknown_name("array", name, arrays)
        if np.shape(d) != arrays[name].shape:
            raise ShapeError(f"direction {name}: expected the shape {arrays[name].shape}, received {np.shape(d)}")

    def phi(t: complex) -> complex:
        moved = dict(arrays)
        for name, d in direction.items():
            moved[name] = arrays[name].astype(kind) + (t if method == "complex" else _real(t)) * np.asarray(d)
        return complex(np.asarray(f(moved)).item())

    return derivative_along(phi, method, as_step(method, step))


def random_direction(generator: np.random.Generator, x: Array) -> Array:
    """Gaussian direction as long as x, at least 1: a step of h then changes x by the relative amount h."""
    d: Array = generator.standard_normal(x.shape)
    return d * (max(1.0, float(np.linalg.norm(x))) / float(np.linalg.norm(d)))


def _real(value: complex) -> float:
    return float(complex(value).real)
