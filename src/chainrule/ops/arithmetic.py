"""Point-wise arithmetic: sum, difference, negation, Hadamard product, quotient, power."""

from __future__ import annotations

import numpy as np

from ..graph import OPS, Node, Op

REAL = (-3.0, 3.0)
POSITIVE = (0.2, 3.0)

add = Op(
    name="add",
    arity=2,
    equation="C = A + B",
    forward=np.add,
    backward=lambda c, dc: (dc, dc),
    components="C_ij = A_ij + B_ij",
    text="{0} + {1}",
    latex="{0} + {1}",
    binding=30,
    kernel="a + b",
    domain=(REAL, REAL),
    doc="Entry-wise sum of two matrices of one shape: dA = dC, dB = dC.",
)

subtract = Op(
    name="subtract",
    arity=2,
    equation="C = A - B",
    forward=np.subtract,
    backward=lambda c, dc: (dc, -dc),
    components="C_ij = A_ij - B_ij",
    text="{0} - {1}",
    latex="{0} - {1}",
    binding=30,
    kernel="a - b",
    domain=(REAL, REAL),
    doc="Entry-wise difference of two matrices of one shape: dA = dC, dB = -dC.",
)

negate = Op(
    name="negate",
    arity=1,
    equation="C = -A",
    forward=np.negative,
    backward=lambda c, dc: (-dc,),
    components="C_ij = -A_ij",
    text="-{0}",
    latex="-{0}",
    binding=40,
    kernel="-a",
    domain=(REAL,),
    doc="Entry-wise negation: dA = -dC.",
)


def _multiply_back(c: Node, dc: Node) -> tuple[Node, Node]:
    a, b = c.inputs
    return dc * b, dc * a


multiply = Op(
    name="multiply",
    arity=2,
    equation="C = A ∘ B",
    forward=np.multiply,
    backward=_multiply_back,
    components="C_ij = A_ij B_ij",
    text="{0} * {1}",
    latex=r"{0} \odot {1}",
    binding=50,
    kernel="a * b",
    domain=(REAL, REAL),
    doc="Hadamard (entry-wise) product: dA = dC ∘ B, dB = dC ∘ A.",
)


def _divide_back(c: Node, dc: Node) -> tuple[Node, Node]:
    b = c.inputs[1]
    return dc / b, -(dc * c / b)


divide = Op(
    name="divide",
    arity=2,
    equation="C = A / B",
    forward=np.divide,
    backward=_divide_back,
    components="C_ij = A_ij / B_ij",
    text="{0} / {1}",
    latex=r"\frac{{{0}}}{{{1}}}",
    binding=50,
    kernel="a / b",
    domain=(REAL, POSITIVE),
    doc="Entry-wise quotient: dA = dC / B, dB = -dC ∘ C / B.",
)


def _power_back(c: Node, dc: Node) -> tuple[Node, Node | None]:
    a, p = c.inputs
    return dc * p * a ** (p - 1), None if p.is_constant else dc * c * OPS["log"](a)


power = Op(
    name="power",
    arity=2,
    equation="C = A^P",
    forward=np.power,
    backward=_power_back,
    components="C_ij = A_ij^P_ij",
    text="{0} ** {1}",
    latex="{0}^{{{1}}}",
    binding=70,
    kernel="pow(a, b)",
    domain=(POSITIVE, REAL),
    doc="Entry-wise power: dA = dC ∘ P ∘ A^(P-1), dP = dC ∘ C ∘ ln A (needs A > 0 unless P is a constant).",
)
