"""Floor 1: one record per operation, and the activations that are expressions over them.

Importing this package fills the registry `chainrule.graph.OPS`, which the operators of `Node` use.
"""

from .activations import (
    ACTIVATIONS,
    Activation,
    activation,
    elu,
    gelu,
    gelu_tanh,
    identity,
    leaky_relu,
    log_softmax,
    mish,
    relu,
    selu,
    silu,
    softmax,
)
from .arithmetic import add, divide, multiply, negate, power, subtract
from .chance import uniform, uniform_numbers
from .elementary import cos, erf, exp, expm1, log, log1p, sin, sqrt
from .indexing import gather, one_hot, pick, scatter_add
from .leaf import constant_record, variable_record
from .matrix import broadcast, matmul, transpose
from .piecewise import absolute, clip, maximum, minimum, sign, step, where
from .reduction import lse, maximum_of, mean, total
from .sigmoidal import sigmoid, softplus, tanh

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "absolute",
    "activation",
    "add",
    "broadcast",
    "clip",
    "constant_record",
    "cos",
    "divide",
    "elu",
    "erf",
    "exp",
    "expm1",
    "gather",
    "gelu",
    "gelu_tanh",
    "identity",
    "leaky_relu",
    "log",
    "log1p",
    "log_softmax",
    "lse",
    "matmul",
    "maximum",
    "maximum_of",
    "mean",
    "minimum",
    "mish",
    "multiply",
    "negate",
    "one_hot",
    "pick",
    "power",
    "relu",
    "scatter_add",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "step",
    "subtract",
    "tanh",
    "total",
    "transpose",
    "uniform",
    "uniform_numbers",
    "variable_record",
    "where",
]
