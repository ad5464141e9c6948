"""Layers as expressions: each takes the activations before it and returns its own. No layer knows a derivative.

A layer is a small frozen description (it goes into the model file as JSON); `build` writes its equations into a
`Construction`, which gives out names and collects parameters, state and penalties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from ..errors import ConfigurationError, ShapeError, unknown_name
from ..graph import Node, constant, variable
from ..laws import simplify
from ..ops import Activation, absolute, activation, gather, mean, sqrt, step, total, uniform
from .initializers import default_for


@dataclass(frozen=True)
class Parameter:
    """A trained matrix: its name, shape in numbers, initializer, and whether decoupled weight decay applies to it."""

    name: str
    rows: int
    cols: int
    initializer: str
    decays: bool = True

    @property
    def count(self) -> int:
        return self.rows * self.cols


@dataclass
class Construction:
    """The graph of a network while it is being written."""

    training: bool
    nodes: dict[str, Node] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    state: dict[str, tuple[int, float]] = field(default_factory=dict)  # name -> (rows, initial value)
    updates: dict[str, Node] = field(default_factory=dict)
    penalties: list[Node] = field(default_factory=list)
    dense: int = 0
    norms: int = 0
    masks: int = 0
    embeddings: tuple[tuple[int, int], ...] = ()
    simplified: dict[Node, Node] = field(default_factory=dict)  # a deep network is walked once, not once per layer

    def name(self, name: str, node: Node) -> Node:
        """Enter an equation under a name, in the form the laws give it, so that the cost and the gradient meet it."""
        self.nodes[name] = simplify(node, self.simplified)
        return self.nodes[name]

    def parameter(self, name: str, rows: int, cols: int, initializer: str, decays: bool = True) -> Node:
        self.parameters[name] = Parameter(name, rows, cols, initializer, decays)
        return variable(name, rows, cols)

    def running(self, name: str, rows: int, initial: float) -> Node:
        self.state[name] = (rows, initial)
        return variable(name, rows, 1)


def units_of(A: Node) -> int:
    rows = A.shape.rows
    if not isinstance(rows, int):
        raise ConfigurationError(f"a layer needs a known number of units before it, received {A.shape}")
    return rows


def _applied(given: str | Activation, Z: Node) -> Node:
    """The activation's expression; a function of one's own must build it from its argument."""
    g = activation(given)
    try:
        found = g(Z)
    except (TypeError, AttributeError) as error:
        if isinstance(given, str):
            raise
        raise ConfigurationError(
            f"activation {_activation_name(given)!r} does not take an expression ({error}): "
            "write it with functions of chainrule.ops, such as tanh, exp, maximum"
        ) from error
    if not isinstance(found, Node):
        raise ConfigurationError(
            f"activation {_activation_name(given)!r} returned {type(found).__name__}: it must return an expression "
            "built from its argument, with functions of chainrule.ops"
        )
    if found.shape != Z.shape:
        raise ShapeError(
            f"activation {_activation_name(given)!r} makes {found.shape} of {Z.shape}: it must keep the shape"
        )
    return found


def _activation_name(given: str | Activation) -> str:
    return given if isinstance(given, str) else getattr(given, "__name__", "custom")


@dataclass(frozen=True)
class Layer:
    """Base of all layers; `kind` is the name in model files."""

    kind: ClassVar[str] = ""

    def build(self, c: Construction, A: Node) -> Node:
        """Write the layer's equations and return its activations (units × m)."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"kind": self.kind, **{k: _jsonable(k, v) for k, v in values.items()}}


def _jsonable(name: str, value: Any) -> Any:
    if isinstance(value, tuple) and all(isinstance(x, Layer) for x in value):
        return [x.to_json() for x in value]
    if callable(value):
        raise ConfigurationError(
            f"{name}={_activation_name(value)!r} is a function and cannot be saved in a model file; use an activation "
            "with a name, or keep the network in your program"
        )
    return value


@dataclass(frozen=True)
class Dense(Layer):
    """Z[l] = W[l] A[l-1] + b[l], A[l] = g(Z[l]); W is units × units before, b is units × 1.

    l1, l2 add λ₁ Σ|W| and λ₂/2 ΣW² to the cost.
    """

    units: int
    activation: str | Activation = "identity"
    initializer: str | None = None
    bias: bool = True
    l1: float = 0.0
    l2: float = 0.0
    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int) or self.units < 1:
            raise ConfigurationError(f"a dense layer was given {self.units!r} units: it needs a whole number from 1 on")
        if not isinstance(self.bias, bool):
            raise ConfigurationError(f"bias={self.bias!r}: a dense layer has a bias or has none, True or False")
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigurationError(f"{name}={getattr(self, name)!r}: a penalty is a number from 0 on")
        activation(self.activation)

    def build(self, c: Construction, A: Node) -> Node:
        c.dense += 1
        i = c.dense
        start = self.initializer or default_for(_activation_name(self.activation))
        W = c.parameter(f"W[{i}]", self.units, units_of(A), start)
        Z = W @ A
        if i == 1:
            for k, (levels, width) in enumerate(c.embeddings, 1):
                V = c.parameter(f"V[{k}]", self.units, width, start)
                E = c.parameter(f"E[{k}]", width, levels, "normal")
                Z = Z + V @ gather(E, variable(f"c[{k}]", 1, "m", kind="label"))
                c.penalties += self._penalty(V)
        if self.bias:
            Z = Z + c.parameter(f"b[{i}]", self.units, 1, "zeros", decays=False)
        c.penalties += self._penalty(W)
        Z = c.name(f"Z[{i}]", Z)
        out = c.name(f"A[{i}]", _applied(self.activation, Z))
        c.groups[f"layer {i}"] = (f"Z[{i}]", f"A[{i}]")
        return out

    def _penalty(self, W: Node) -> list[Node]:
        parts = []
        if self.l1:
            parts.append(self.l1 * total(absolute(W), axis=None))
        if self.l2:
            parts.append(self.l2 * (total(W * W, axis=None) / 2))
        return parts


@dataclass(frozen=True)
class Activate(Layer):
    """A = g(A before), for an activation that stands alone, as after a normalization."""

    activation: str | Activation
    kind: ClassVar[str] = "activate"

    def __post_init__(self) -> None:
        activation(self.activation)

    def build(self, c: Construction, A: Node) -> Node:
        names = (f"A[{c.dense}{chr(39) * k}]" for k in range(1, 99))  # A[1'], A[1''], …
        name = next(n for n in names if n not in c.nodes)
        return c.name(name, _applied(self.activation, A))


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, A ∘ [u ≥ rate] / (1 - rate) with u uniform from a counter; the identity afterwards."""

    rate: float
    kind: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigurationError(f"dropout rate {self.rate!r}: it must lie in [0, 1)")

    def build(self, c: Construction, A: Node) -> Node:
        c.masks += 1
        if not c.training or self.rate == 0:
            return A
        seed, count = variable("seed", 1, 1, kind="counter"), variable("step", 1, 1, kind="counter")
        u = uniform(seed, count, stream=c.masks, rows=A.shape.rows, cols=A.shape.cols)
        D = c.name(f"D[{c.masks}]", step(u - self.rate) / (1 - constant(self.rate)))
        return c.name(f"A[{c.dense}d{c.masks}]", A * D)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Z' = γ ∘ (Z - μ) / √(v + ε) + β, μ and v over the samples of the batch (Ioffe & Szegedy 2015).

    Running means of μ and v (weight `momentum` on the old value; v unbiased by m/(m-1) is not used, as in the paper's
    training formula) take their place at prediction.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    kind: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1 or not self.epsilon > 0:
            raise ConfigurationError(
                f"batch normalization: momentum {self.momentum!r} must lie in [0, 1), epsilon {self.epsilon!r} above 0"
            )

    def build(self, c: Construction, A: Node) -> Node:
        c.norms += 1
        k, n = c.norms, units_of(A)
        gamma = c.parameter(f"gamma[{k}]", n, 1, "ones", decays=False)
        beta = c.parameter(f"beta[{k}]", n, 1, "zeros", decays=False)
        mu, var = c.running(f"mean[{k}]", n, 0.0), c.running(f"var[{k}]", n, 1.0)
        if c.training:
            keep = self.momentum
            batch_mu = c.name(f"mu[{k}]", mean(A, axis=1))
            batch_var = c.name(f"v[{k}]", mean((A - batch_mu) ** 2, axis=1))
            c.updates[f"mean[{k}]"] = simplify(keep * mu + (1 - constant(keep)) * batch_mu)
            c.updates[f"var[{k}]"] = simplify(keep * var + (1 - constant(keep)) * batch_var)
            mu, var = batch_mu, batch_var
        X = c.name(f"Xhat[{k}]", (A - mu) / sqrt(var + self.epsilon))
        out = c.name(f"N[{k}]", gamma * X + beta)
        c.groups[f"batch norm {k}"] = tuple(n for n in (f"mu[{k}]", f"v[{k}]", f"Xhat[{k}]", f"N[{k}]") if n in c.nodes)
        return out


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Z' = γ ∘ (Z - μ) / √(v + ε) + β, μ and v over the units of each sample (Ba, Kiros & Hinton 2016)."""

    epsilon: float = 1e-5
    kind: ClassVar[str] = "layer_norm"

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise ConfigurationError(f"layer normalization: epsilon {self.epsilon!r} must be above 0")

    def build(self, c: Construction, A: Node) -> Node:
        c.norms += 1
        k, n = c.norms, units_of(A)
        gamma = c.parameter(f"gamma[{k}]", n, 1, "ones", decays=False)
        beta = c.parameter(f"beta[{k}]", n, 1, "zeros", decays=False)
        mu = c.name(f"mu[{k}]", mean(A, axis=0))
        var = c.name(f"v[{k}]", mean((A - mu) ** 2, axis=0))
        X = c.name(f"Xhat[{k}]", (A - mu) / sqrt(var + self.epsilon))
        out = c.name(f"N[{k}]", gamma * X + beta)
        c.groups[f"layer norm {k}"] = (f"mu[{k}]", f"v[{k}]", f"Xhat[{k}]", f"N[{k}]")
        return out


@dataclass(frozen=True)
class Skip(Layer):
    """A + F(A): a skip connection around layers that keep the number of units (He et al. 2016)."""

    layers: tuple[Layer, ...]
    kind: ClassVar[str] = "skip"

    def build(self, c: Construction, A: Node) -> Node:
        inner = A
        for layer in self.layers:
            inner = layer.build(c, inner)
        if inner.shape != A.shape:
            raise ConfigurationError(
                f"a skip connection joins {A.shape} and {inner.shape}: "
                f"the layers inside must end with {A.shape.rows} units"
            )
        name = next(f"R[{k}]" for k in range(1, 9999) if f"R[{k}]" not in c.nodes)
        return c.name(name, A + inner)


LAYERS: Mapping[str, type[Layer]] = {cls.kind: cls for cls in (Dense, Activate, Dropout, BatchNorm, LayerNorm, Skip)}


def layer_from_json(d: Mapping[str, Any]) -> Layer:
    """Read a layer from a model file; anything that does not fit is a `ConfigurationError`."""
    kind = d.get("kind")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise unknown_name("layer", kind, LAYERS)
    cls = LAYERS[kind]
    values = {k: v for k, v in d.items() if k != "kind"}
    extra = set(values) - {f.name for f in fields(cls)}
    if extra:
        raise unknown_name(f"setting of a {kind} layer", sorted(extra)[0], [f.name for f in fields(cls)])
    if "layers" in values:
        values["layers"] = tuple(layer_from_json(x) for x in values["layers"])
    try:
        return cls(**values)
    except TypeError as e:
        raise ConfigurationError(f"a {kind} layer cannot be made from {values}: {e}") from None


__all__ = [
    "LAYERS",
    "Activate",
    "BatchNorm",
    "Construction",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Parameter",
    "Skip",
    "layer_from_json",
]
