"""Point-wise operations with kinks or jumps: abs, sign, step, maximum, minimum, where, clip.

Complex input is compared by its real part, so that the complex step sees the branch that the real number takes.
At a kink the derivative is the one-sided one that the record states.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Node, Op
from .arithmetic import REAL

step = Op(
    name="step",
    arity=1,
    equation="C = [A > 0]",
    forward=lambda a: (np.real(a) > 0).astype(np.result_type(a)),
    backward=lambda c, dc: (None,),
    components="C_ij = 1 if A_ij > 0 else 0",
    text="step({0})",
    latex=r"\mathbf{{1}}\left[{0} > 0\right]",
    kernel="a > 0 ? 1 : 0",
    domain=(REAL,),
    kinks=lambda a: np.real(a),
    doc="1 where A > 0, else 0. Its derivative is 0 wherever it has one.",
)

sign = Op(
    name="sign",
    arity=1,
    equation="C = sgn A",
    forward=lambda a: np.sign(np.real(a)).astype(np.result_type(a)),
    backward=lambda c, dc: (None,),
    components="C_ij = sgn A_ij",
    text="sign({0})",
    latex=r"\operatorname{{sgn}}\left({0}\right)",
    kernel="a > 0 ? 1 : a < 0 ? -1 : 0",
    domain=(REAL,),
    kinks=lambda a: np.real(a),
    doc="-1, 0 or 1. Its derivative is 0 wherever it has one.",
)

absolute = Op(
    name="abs",
    arity=1,
    equation="C = |A|",
    forward=lambda a: a * np.sign(np.real(a)),
    backward=lambda c, dc: (dc * sign(c.inputs[0]),),
    components="C_ij = |A_ij|",
    text="abs({0})",
    latex=r"\left|{0}\right|",
    kernel="a < 0 ? -a : a",
    domain=(REAL,),
    kinks=lambda a: np.real(a),
    doc="Absolute value: dA = dC ∘ sgn A (0 at the kink).",
)


def _maximum_back(c: Node, dc: Node) -> tuple[Node, Node]:
    a, b = c.inputs
    left = step(a - b)
    return dc * left, dc * (1 - left)


maximum = Op(
    name="maximum",
    arity=2,
    equation="C = max(A, B)",
    forward=lambda a, b: np.where((np.real(a) > np.real(b)) | np.isnan(a), a, b),
    backward=_maximum_back,
    components="C_ij = max(A_ij, B_ij)",
    text="max({0}, {1})",
    latex=r"\max\left({0}, {1}\right)",
    kernel="a > b ? a : a == a ? b : a",
    domain=(REAL, REAL),
    kinks=lambda a, b: np.real(a) - np.real(b),
    doc="Larger entry, NaN if either is: dA = dC ∘ [A > B], dB = dC ∘ (1 - [A > B]); a tie counts for B, so "
    "relu'(0) = 0.",
)


def _minimum_back(c: Node, dc: Node) -> tuple[Node, Node]:
    a, b = c.inputs
    right = step(a - b)
    return dc * (1 - right), dc * right


minimum = Op(
    name="minimum",
    arity=2,
    equation="C = min(A, B)",
    forward=lambda a, b: np.where((np.real(a) > np.real(b)) | np.isnan(b), b, a),
    backward=_minimum_back,
    components="C_ij = min(A_ij, B_ij)",
    text="min({0}, {1})",
    latex=r"\min\left({0}, {1}\right)",
    kernel="a > b ? b : b == b ? a : b",
    domain=(REAL, REAL),
    kinks=lambda a, b: np.real(a) - np.real(b),
    doc="Smaller entry, NaN if either is: dA = dC ∘ (1 - [A > B]), dB = dC ∘ [A > B]; a tie counts for A, so "
    "elu'(0) = 1.",
)


def _where_back(c: Node, dc: Node) -> tuple[None, Node, Node]:
    condition = c.inputs[0]
    return None, where(condition, dc, 0), where(condition, 0, dc)


where = Op(
    name="where",
    arity=3,
    equation="C = A where P > 0 else B",
    forward=lambda p, a, b: np.where(np.real(p) > 0, a, b),
    backward=_where_back,
    components="C_ij = A_ij if P_ij > 0 else B_ij",
    text="where({0} > 0, {1}, {2})",
    latex=r"\begin{{cases}} {1} & {0} > 0 \\ {2} & \text{{else}} \end{{cases}}",
    kernel="a > 0 ? b : c",
    domain=(REAL, REAL, REAL),
    kinks=lambda p, a, b: np.real(p),
    doc="A where P > 0, else B: dA = dC where P > 0 else 0, dB = 0 where P > 0 else dC; nothing flows to P.",
)


def _clip(a: Any, lo: Any, hi: Any) -> Any:
    x = np.real(a)
    return np.where(x < float(lo), float(lo), np.where(x > float(hi), float(hi), a)).astype(np.result_type(a))


def _clip_back(c: Node, dc: Node) -> tuple[Node]:
    a, lo, hi = c.inputs[0], c.get("lo"), c.get("hi")
    return (dc * step(a - lo) * step(hi - a),)


def _clip_kinks(a: Any, lo: Any, hi: Any) -> Any:
    return (np.real(a) - float(lo)) * (np.real(a) - float(hi))


clip = Op(
    name="clip",
    arity=1,
    equation="C = min(max(A, lo), hi)",
    forward=_clip,
    backward=_clip_back,
    components="C_ij = min(max(A_ij, lo), hi)",
    text="clip({0}, {lo}, {hi})",
    latex=r"\operatorname{{clip}}_{{[{lo}, {hi}]}}\left({0}\right)",
    kernel="a < lo ? lo : a > hi ? hi : a",
    domain=(REAL,),
    kinks=_clip_kinks,
    doc="Limit A to the interval [lo, hi]: dA = dC inside, 0 outside and at the ends.",
)
