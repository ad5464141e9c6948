"""Point-wise S-shaped functions and their integral: tanh, sigmoid, softplus."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Op
from .arithmetic import REAL
from .elementary import ln1p

tanh = Op(
    name="tanh",
    arity=1,
    equation="C = tanh A",
    forward=np.tanh,
    backward=lambda c, dc: (dc * (1 - c * c),),
    components="C_ij = tanh A_ij",
    text="tanh({0})",
    latex=r"\tanh\left({0}\right)",
    kernel="tanh(a)",
    domain=(REAL,),
    doc="Hyperbolic tangent: dA = dC ∘ (1 - C²).",
)


def _sigmoid(a: Any) -> Any:
    """1/(1+e^-a) by the branch whose exponential cannot overflow."""
    negative = np.real(a) < 0
    e = np.exp(np.where(negative, a, -a))
    return np.where(negative, e, 1) / (1 + e)


sigmoid = Op(
    name="sigmoid",
    arity=1,
    equation="C = σ(A) = 1 / (1 + e^-A)",
    forward=_sigmoid,
    backward=lambda c, dc: (dc * (c * (1 - c)),),
    components="C_ij = 1 / (1 + e^-A_ij)",
    text="sigmoid({0})",
    latex=r"\sigma\left({0}\right)",
    kernel="1 / (1 + exp(-a))",
    domain=(REAL,),
    doc="Logistic function, finite for every A: dA = dC ∘ C ∘ (1 - C), the fifth source's a(1 - a).",
)


def _softplus(a: Any) -> Any:
    """max(a, 0) + ln(1 + e^-|a|): finite for every a and accurate in both tails."""
    positive = np.real(a) > 0
    return np.where(positive, a, 0) + ln1p(np.exp(np.where(positive, -a, a)))


softplus = Op(
    name="softplus",
    arity=1,
    equation="C = ln(1 + e^A)",
    forward=_softplus,
    backward=lambda c, dc: (dc * sigmoid(c.inputs[0]),),
    components="C_ij = ln(1 + e^A_ij)",
    text="softplus({0})",
    latex=r"\operatorname{{softplus}}\left({0}\right)",
    kernel="(a > 0 ? a : 0) + log1p(exp(-abs(a)))",
    domain=(REAL,),
    doc="Integral of the logistic function, = -ln σ(-A): dA = dC ∘ σ(A).",
)
