"""The layers by their Keras names: each says what the network has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .. import nn
from ..errors import ConfigurationError, unknown_name
from ..ops import Activation as Function


class Penalty(NamedTuple):
    """A kernel regularizer: l1 Σ|W| + l2 ΣW² is added to the cost."""

    l1: float = 0.0
    l2: float = 0.0


def l1(factor: float = 0.01) -> Penalty:
    """factor · Σ|W|."""
    return Penalty(l1=factor)


def l2(factor: float = 0.01) -> Penalty:
    """factor · ΣW²."""
    return Penalty(l2=factor)


@dataclass(frozen=True)
class Layer:
    """A layer of a `Sequential`: what the network has of it, its name in `summary`, and the features before it."""

    core: nn.Layer
    kind: str
    inputs: int | None = None


def Dense(
    units: int,
    activation: str | Function | None = None,
    *,
    use_bias: bool = True,
    kernel_initializer: str | None = None,
    kernel_regularizer: Penalty | str | None = None,
    input_dim: int | None = None,
    input_shape: Sequence[int] | None = None,
) -> Layer:
    """A = g(A_prev K + b) for rows as samples, K units before × units; activation None is the identity.

    kernel_initializer  name, see `chainrule.nn.initializer`; None takes the one that suits the activation
    kernel_regularizer  `l1(factor)`, `l2(factor)`, `Penalty(l1=…, l2=…)`, "l1", "l2" (both 0.01)
    input_dim           features, on the first layer; input_shape=(784,) says the same
    """
    p = kernel_regularizer
    if isinstance(p, str):
        if p not in ("l1", "l2"):
            raise unknown_name("kernel regularizer", p, ("l1", "l2"))
        p = l1() if p == "l1" else l2()
    if p is not None and not isinstance(p, Penalty):
        raise ConfigurationError(f"kernel_regularizer={p!r}: give l1(factor), l2(factor), 'l1' or 'l2'")
    p = p or Penalty()
    # The network's penalty is λ/2 ΣW², that of Keras λ ΣW².
    core = nn.Dense(units, activation or "identity", kernel_initializer, use_bias, p.l1, 2 * p.l2)
    return Layer(core, "Dense", _inputs(input_dim, input_shape))


def Activation(activation: str | Function) -> Layer:
    """An activation that stands alone, as after a normalization."""
    return Layer(nn.Activate(activation), "Activation")


def Dropout(rate: float, *, input_dim: int | None = None, input_shape: Sequence[int] | None = None) -> Layer:
    """While training, sets a share `rate` of the activations to 0 and divides the others by 1 - rate."""
    return Layer(nn.Dropout(rate), "Dropout", _inputs(input_dim, input_shape))


def BatchNormalization(
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    *,
    input_dim: int | None = None,
    input_shape: Sequence[int] | None = None,
) -> Layer:
    """γ (z - μ) / √(v + ε) + β over the samples of a batch; `momentum` is the share of the old running statistics."""
    return Layer(nn.BatchNorm(momentum, epsilon), "BatchNormalization", _inputs(input_dim, input_shape))


def LayerNormalization(
    epsilon: float = 1e-3, *, input_dim: int | None = None, input_shape: Sequence[int] | None = None
) -> Layer:
    """γ (z - μ) / √(v + ε) + β over the units of each sample."""
    return Layer(nn.LayerNorm(epsilon), "LayerNormalization", _inputs(input_dim, input_shape))


KINDS: Mapping[type[nn.Layer], str] = {
    nn.Dense: "Dense",
    nn.Activate: "Activation",
    nn.Dropout: "Dropout",
    nn.BatchNorm: "BatchNormalization",
    nn.LayerNorm: "LayerNormalization",
}


def _inputs(dim: int | None, shape: Sequence[int] | None) -> int | None:
    if shape is None:
        return dim
    if len(shape) != 1 or dim not in (None, shape[0]):
        raise ConfigurationError(
            f"input_shape={tuple(shape)}, input_dim={dim}: give one of them; samples are vectors, as in (784,)"
        )
    return int(shape[0])
