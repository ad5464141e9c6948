"""Point-wise elementary functions: exp, log and their accurate neighbours, square root, sine, cosine, erf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Node, Op
from .arithmetic import POSITIVE, REAL

exp = Op(
    name="exp",
    arity=1,
    equation="C = e^A",
    forward=np.exp,
    backward=lambda c, dc: (dc * c,),
    components="C_ij = e^A_ij",
    text="exp({0})",
    latex=r"e^{{{0}}}",
    binding=90,
    kernel="exp(a)",
    domain=(REAL,),
    doc="Exponential, its own derivative: dA = dC ∘ C.",
)

log = Op(
    name="log",
    arity=1,
    equation="C = ln A",
    forward=np.log,
    backward=lambda c, dc: (dc / c.inputs[0],),
    components="C_ij = ln A_ij",
    text="log({0})",
    latex=r"\ln\left({0}\right)",
    kernel="log(a)",
    domain=(POSITIVE,),
    doc="Natural logarithm, A > 0: dA = dC / A, because e^(ln a) = a (fifth source).",
)


def ln1p(a: Any) -> Any:
    """ln(1 + a) of real or complex numbers, with all digits near 0.

    NumPy's complex log1p forms 1 + a and so returns 0 for a tiny a: ln softplus(z) would have no complex step left of
    z = -36. With a = x + iy, ln|1 + a| is half of ln(1 + x(2 + x) + y²).
    """
    if not np.iscomplexobj(a):
        return np.log1p(a)
    x, y = np.real(a), np.imag(a)
    near = np.hypot(x, y) < 0.5
    u, v = np.where(near, x, 0), np.where(near, y, 0)
    modulus = np.where(near, np.log1p(u * (2 + u) + v * v) / 2, np.log(np.hypot(1 + x, y)))
    return modulus + 1j * np.arctan2(y, 1 + x)


log1p = Op(
    name="log1p",
    arity=1,
    equation="C = ln(1 + A)",
    forward=ln1p,
    backward=lambda c, dc: (dc / (1 + c.inputs[0]),),
    components="C_ij = ln(1 + A_ij)",
    text="log1p({0})",
    latex=r"\ln\left(1 + {0}\right)",
    kernel="log1p(a)",
    domain=((-0.8, 3.0),),
    doc="ln(1 + A), accurate near 0, A > -1: dA = dC / (1 + A).",
)

expm1 = Op(
    name="expm1",
    arity=1,
    equation="C = e^A - 1",
    forward=np.expm1,
    backward=lambda c, dc: (dc * exp(c.inputs[0]),),
    components="C_ij = e^A_ij - 1",
    text="expm1({0})",
    latex=r"\left(e^{{{0}}} - 1\right)",
    kernel="expm1(a)",
    domain=(REAL,),
    doc="e^A - 1, accurate near 0: dA = dC ∘ e^A.",
)

sqrt = Op(
    name="sqrt",
    arity=1,
    equation="C = √A",
    forward=np.sqrt,
    backward=lambda c, dc: (dc / (2 * c),),
    components="C_ij = √A_ij",
    text="sqrt({0})",
    latex=r"\sqrt{{{0}}}",
    kernel="sqrt(a)",
    domain=(POSITIVE,),
    doc="Square root, A > 0: dA = dC / (2 C), the example of the third source.",
)

sin: Op = Op(
    name="sin",
    arity=1,
    equation="C = sin A",
    forward=np.sin,
    backward=lambda c, dc: (dc * cos(c.inputs[0]),),
    components="C_ij = sin A_ij",
    text="sin({0})",
    latex=r"\sin\left({0}\right)",
    kernel="sin(a)",
    domain=(REAL,),
    doc="Sine: dA = dC ∘ cos A.",
)

cos: Op = Op(
    name="cos",
    arity=1,
    equation="C = cos A",
    forward=np.cos,
    backward=lambda c, dc: (-(dc * sin(c.inputs[0])),),
    components="C_ij = cos A_ij",
    text="cos({0})",
    latex=r"\cos\left({0}\right)",
    kernel="cos(a)",
    domain=(REAL,),
    doc="Cosine: dA = -dC ∘ sin A.",
)


def _erf(a: Any) -> Any:
    from scipy.special import erf as scipy_erf  # SciPy loads only once an expression needs it

    return scipy_erf(a)


def _erf_back(c: Node, dc: Node) -> tuple[Node]:
    a = c.inputs[0]
    return (dc * (2 / math.sqrt(math.pi)) * exp(-(a * a)),)


erf = Op(
    name="erf",
    arity=1,
    equation="C = erf A",
    forward=_erf,
    backward=_erf_back,
    components="C_ij = erf A_ij",
    text="erf({0})",
    latex=r"\operatorname{{erf}}\left({0}\right)",
    kernel="erf(a)",
    domain=(REAL,),
    doc="Error function 2/√π ∫₀ᵃ e^(-t²) dt: dA = dC · 2/√π ∘ e^(-A²).",
)
