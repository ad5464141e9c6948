"""Activations as expressions over the ops; their derivatives follow.

An activation is a function from the logits `Z` (n × m) to the activations `A` (n × m). Adding one is writing one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..errors import ConfigurationError, unknown_name
from ..graph import Node, Number, broadcast_to
from .elementary import erf, exp, expm1
from .piecewise import maximum, minimum
from .reduction import lse
from .sigmoidal import sigmoid, softplus, tanh

Activation = Callable[[Node], Node]


def identity(Z: Node) -> Node:
    """g(z) = z."""
    return Z


def relu(Z: Node) -> Node:
    """g(z) = max(z, 0); g'(0) = 0."""
    return maximum(Z, 0)


def leaky_relu(Z: Node, slope: Number = 0.01) -> Node:
    """g(z) = max(z, slope · z), 0 < slope < 1."""
    if not 0 < slope < 1:
        raise ConfigurationError(f"leaky_relu: slope must lie between 0 and 1, received {slope}")
    return maximum(Z, slope * Z)


def elu(Z: Node, alpha: Number = 1) -> Node:
    """g(z) = max(z, 0) + α (e^min(z, 0) - 1) (Clevert et al. 2016)."""
    return maximum(Z, 0) + alpha * expm1(minimum(Z, 0))


def selu(Z: Node) -> Node:
    """g(z) = λ elu(z; α) with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return 1.0507009873554805 * elu(Z, 1.6732632423543772)


def gelu(Z: Node) -> Node:
    """g(z) = z Φ(z) = z (1 + erf(z/√2)) / 2 (Hendrycks & Gimpel 2016), exact."""
    return Z * (1 + erf(Z * (1 / math.sqrt(2)))) / 2


def gelu_tanh(Z: Node) -> Node:
    """g(z) = z (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2, the tanh form of GELU."""
    return Z * (1 + tanh(math.sqrt(2 / math.pi) * (Z + 0.044715 * Z**3))) / 2


def silu(Z: Node) -> Node:
    """g(z) = z σ(z), also called swish."""
    return Z * sigmoid(Z)


def mish(Z: Node) -> Node:
    """g(z) = z tanh(softplus(z)) (Misra 2019)."""
    return Z * tanh(softplus(Z))


def log_softmax(Z: Node) -> Node:
    """g(Z)_kj = Z_kj - ln Σ_i e^Z_ij: per column, finite for every Z."""
    return Z - broadcast_to(lse(Z, axis=0), Z.shape)


def softmax(Z: Node) -> Node:
    """g(Z)_kj = e^Z_kj / Σ_i e^Z_ij, written e^(Z - lse Z): per column, finite for every Z."""
    return exp(log_softmax(Z))


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "identity": identity,
        "sigmoid": sigmoid,
        "tanh": tanh,
        "relu": relu,
        "leaky_relu": leaky_relu,
        "elu": elu,
        "selu": selu,
        "gelu": gelu,
        "gelu_tanh": gelu_tanh,
        "silu": silu,
        "mish": mish,
        "softplus": softplus,
        "softmax": softmax,
        "log_softmax": log_softmax,
    }
)

ALIASES = MappingProxyType({"linear": "identity", "logistic": "sigmoid", "swish": "silu"})


def activation(name: str | Activation) -> Activation:
    """The activation of a name (`linear`, `logistic`, `swish` are other names for three), or a function as it is."""
    if not isinstance(name, str):
        return name
    key = ALIASES.get(name, name)
    if key not in ACTIVATIONS:
        raise unknown_name("activation", name, ACTIVATIONS)
    return ACTIVATIONS[key]
