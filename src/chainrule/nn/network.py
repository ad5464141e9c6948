"""A network: widths and layers, its graph for training and for prediction, its cost.

Layout of the core: samples are columns, `A[0] = X` is n_0 × m. Nothing here differentiates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from reprlib import Repr
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ChainruleError, ConfigurationError
from ..graph import Graph, Node, variable
from ..laws import simplify
from ..ops import one_hot
from .initializers import initializer
from .layers import Activate, BatchNorm, Construction, Dense, Dropout, Layer, LayerNorm, Parameter, layer_from_json
from .losses import Loss, cost

Array = npt.NDArray[Any]

_LARGEST = 2**31  # entries of one parameter; beyond this a width is a slip of the keyboard


@dataclass(frozen=True)
class Forward:
    """The forward graph: named equations, the output Ŷ, parameters, state and the state's updates."""

    graph: Graph
    output: Node
    parameters: Mapping[str, Parameter]
    state: Mapping[str, tuple[int, float]]
    updates: Mapping[str, Node]
    penalties: tuple[Node, ...]


@dataclass(frozen=True)
class Network:
    """A fully connected network.

    inputs      number of features n_0
    layers      from the first hidden layer to the output
    embeddings  (levels, width) of each categorical input; its codes are the labels `c[1]`, `c[2]`, …

    `Network.parse("784-128:relu-10:softmax")` reads a network string: widths joined by `-`, an activation after `:`,
    then options `batchnorm`, `layernorm`, `dropout=0.1`.
    """

    inputs: int
    layers: tuple[Layer, ...]
    embeddings: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, int) or self.inputs < 1:
            raise ConfigurationError(f"a network was given {self.inputs!r} inputs: it needs a whole number from 1 on")
        if not any(isinstance(x, Dense) for x in self.layers):
            raise ConfigurationError("a network was given no dense layer: it needs at least one, e.g. '4-3:softmax'")
        for p in self.forward(training=False).parameters.values():
            if p.count > _LARGEST:
                raise ConfigurationError(
                    f"{p.name} would be {p.rows} × {p.cols}, {p.count * 8 / 2**30:.1f} GiB in float64: use fewer units"
                )

    @classmethod
    @lru_cache(64)
    def parse(cls, text: str) -> Network:
        """Read a network string; `ConfigurationError` names the part that cannot be read."""
        parts = text.strip().split("-")
        widths, layers = [], list[Layer]()
        for i, part in enumerate(parts):
            width, *options = (x.strip() for x in part.split(":"))
            if re.fullmatch(r"[0-9]{10,}", width):
                raise ConfigurationError(
                    f"network string {_shown(text)}: a width of {_shown(width)} is more than any machine can hold"
                )
            if not re.fullmatch(r"[0-9]{1,9}", width) or int(width) < 1:
                raise ConfigurationError(
                    f"network string {_shown(text)}: {_shown(part)} does not begin with a width; "
                    "write e.g. 784-128:relu-10:softmax"
                )
            widths.append(int(width))
            if i == 0 and options:
                raise ConfigurationError(
                    f"network string {_shown(text)}: the first width is the input and has no activation"
                )
            if i:
                layers += _layers(int(width), options, text)
        if len(widths) < 2:
            raise ConfigurationError(f"network string {_shown(text)}: it needs an input width and at least one layer")
        return cls(widths[0], tuple(layers))

    @property
    def outputs(self) -> int:
        """Units of the last dense layer, n_L."""
        return next(x.units for x in reversed(self.layers) if isinstance(x, Dense))

    @property
    def output_activation(self) -> str:
        last = next(x for x in reversed(self.layers) if isinstance(x, Dense | Activate))
        return last.activation if isinstance(last.activation, str) else getattr(last.activation, "__name__", "custom")

    def forward(self, *, training: bool) -> Forward:
        """The equations: with batch statistics and dropout masks for training, without for prediction."""
        return self._training if training else self._prediction

    @cached_property
    def _training(self) -> Forward:
        return self._written(training=True)

    @cached_property
    def _prediction(self) -> Forward:
        return self._written(training=False)

    def _written(self, *, training: bool) -> Forward:
        c = Construction(training, embeddings=self.embeddings)
        A = variable("A[0]", self.inputs, "m")
        for layer in self.layers:
            A = layer.build(c, A)
        return Forward(Graph(c.nodes, c.groups), A, c.parameters, c.state, c.updates, tuple(c.penalties))

    def initial(self, rng: np.random.Generator) -> dict[str, Array]:
        """Fresh parameters (float64, columns contiguous), drawn in the order of the layers."""
        values = {}
        for p in self.forward(training=False).parameters.values():
            if p.initializer == "ones":
                values[p.name] = np.ones((p.rows, p.cols), order="F")
            else:
                values[p.name] = np.asfortranarray(initializer(p.initializer)(rng, (p.rows, p.cols)))
        return values

    def __reduce__(self) -> tuple[Any, ...]:
        return Network, (self.inputs, self.layers, self.embeddings)  # without the equations written on the way

    def to_json(self) -> dict[str, Any]:
        """Architecture as plain JSON."""
        return {
            "inputs": self.inputs,
            "layers": [x.to_json() for x in self.layers],
            "embeddings": [list(e) for e in self.embeddings],
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Network:
        """Read an architecture; whatever does not fit is a `ConfigurationError`."""
        try:
            layers = tuple(layer_from_json(x) for x in d["layers"])
            embeddings = tuple((int(a), int(b)) for a, b in d.get("embeddings", []))
            return cls(d["inputs"], layers, embeddings)
        except ChainruleError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as e:
            raise ConfigurationError(f"the architecture cannot be read: {type(e).__name__} at {e}") from None

    def __str__(self) -> str:
        parts = [str(self.inputs)]
        for x in self.layers:
            if isinstance(x, Dense):
                name = x.activation if isinstance(x.activation, str) else getattr(x.activation, "__name__", "custom")
                parts.append(str(x.units) if name == "identity" else f"{x.units}:{name}")
            elif isinstance(x, Dropout):
                parts[-1] += f":dropout={x.rate!r}"
            elif isinstance(x, BatchNorm):
                parts[-1] += ":batchnorm"
            elif isinstance(x, LayerNorm):
                parts[-1] += ":layernorm"
            elif isinstance(x, Activate):
                parts[-1] += f":{x.activation}"
            else:
                parts[-1] += f":{x.kind}"
        return "-".join(parts)


def _shown(text: str) -> str:
    """Quoted; of a very long text the begin and the end."""
    short = Repr()
    short.maxstring = 100
    return short.repr(text)


def _layers(units: int, options: Sequence[str], text: str) -> list[Layer]:
    """Layers of one part of a network string: normalization stands between the sum and the activation."""
    activation = ""
    norm: Layer | None = None
    drop: Layer | None = None
    for option in options:
        known = norm if option in ("batchnorm", "layernorm") else drop if option.startswith("dropout") else activation
        if known:
            raise ConfigurationError(
                f"network string {_shown(text)}: {_shown(option)} is a second choice for one layer; keep one"
            )
        if option in ("batchnorm", "layernorm"):
            norm = BatchNorm() if option == "batchnorm" else LayerNorm()
        elif option.startswith("dropout"):
            try:
                drop = Dropout(float(option.removeprefix("dropout").removeprefix("=")))
            except ValueError as e:
                raise ConfigurationError(
                    f"network string {_shown(text)}: {_shown(option)} is no dropout rate; write e.g. dropout=0.1 ({e})"
                ) from None
        else:
            activation = option
            if not activation:
                raise ConfigurationError(f"network string {_shown(text)}: there is nothing after a ':'; leave it out")
    activation = activation or "identity"
    layers: list[Layer] = [Dense(units, activation)]
    if norm is not None:
        layers = [Dense(units), norm] + ([Activate(activation)] if activation != "identity" else [])
    return layers + ([drop] if drop is not None else [])


@dataclass(frozen=True)
class Objective:
    """What is minimized: J = S · scale + R, S the sum of per-sample losses, R the penalties.

    loss        a `Loss`; labels: targets are integers 0..K-1 (`y`, 1 × m) rather than a matrix (`Y`, n_L × m)
    weighted    sample weights `w` (1 × m): S = Σ w_j ℓ_j and scale = 1/Σ w, else scale = 1/m
    spread      penalties are divided by the number (or weight) of samples in the batch, as scikit-learn does
    """

    network: Network
    loss: Loss
    labels: bool = False
    weighted: bool = False
    spread: bool = False

    @property
    def target(self) -> Node:
        """The variable of the targets."""
        n = self.network.outputs
        if self.labels:
            return variable("y", 1, "m", kind="label")
        facts = ("columns sum to one",) if self.loss.target in ("probabilities", "labels") else ()
        return variable("Y", n, "m", assume=facts)

    def parts(self, forward: Forward) -> tuple[Node, Node, Node | None]:
        """(S, scale, R): the sum of the per-sample losses, what it is multiplied with, the penalties or None."""
        target = self.target
        Y = one_hot(target, classes=self.network.outputs) if self.labels else target
        per_sample = self.loss.per_sample(forward.output, Y)
        S, scale = cost(per_sample, variable("w", 1, "m") if self.weighted else None, samples="m")
        S = simplify(S)
        R: Node | None = None
        for p in forward.penalties:
            R = p if R is None else R + p
        if R is not None and self.spread:
            R = R * scale
        return S, scale, R

    def cost(self, forward: Forward) -> Node:
        """J, the cost that is minimized, 1 × 1."""
        S, scale, R = self.parts(forward)
        J = S * scale
        return simplify(J if R is None else J + R)


__all__ = ["Forward", "Network", "Objective"]
