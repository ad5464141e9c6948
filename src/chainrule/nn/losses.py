"""Losses: each is one expression in the output Ŷ (n_L × m) and the target Y; no derivative is written here.

The cost is J = scale · S with S = Σ_j w_j ℓ_j over the samples j, and scale = 1/m, or 1/Σ_j w_j with weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import isfinite
from operator import add
from types import MappingProxyType
from typing import Literal

from ..errors import ConfigurationError, ShapeError, unknown_name
from ..graph import SCALAR, Dim, Node, Number, constant, exact, size
from ..ops import absolute, gather, log, one_hot, total, where

Term = Callable[..., Node]
Target = Literal["probabilities", "labels", "real", "binary"]


@dataclass(frozen=True)
class Loss:
    """A loss as an expression: what one sample costs, given the network's output and its target.

    name               its name in messages and files
    term               (Ŷ n_L × m, Y, **parameters) -> n_L × m terms, whose column sums are the losses of the samples;
                       also 1 × m (the losses themselves) or 1 × 1 (already their sum over the samples)
    target             what Y is: "probabilities" (columns sum to one; one-hot from labels), "labels" (1 × m integers),
                       "real", "binary" (entries in [0, 1])
    output_activation  activation of the last layer that the loss is made for
    equation, doc      ℓ for one sample in print (before smoothing and weights), and what to know about it
    parameters         numbers of the term, such as the δ of Huber's loss
    label_smoothing    ε: classes become (1-ε) Y + ε/K, binary targets (1-ε) y + ε/2 (Szegedy et al. 2016)
    class_weights      None, or numbers or an n_L × 1 expression c. Classes: sample j counts c_(y_j) = (cᵀY)_j times.
                       Binary: positives of an output count c times, terms are multiplied with 1 + (c-1) y.
                       The weights read Y as it was before smoothing.

    Raises `ConfigurationError` for ε outside [0, 1), negative weights, and either of them where targets are not
    classes.
    """

    name: str
    term: Term
    target: Target = "real"
    output_activation: str = "identity"
    equation: str = ""
    doc: str = ""
    parameters: Mapping[str, Number] = field(default_factory=dict)
    label_smoothing: Number = 0
    class_weights: Node | Number | tuple[Number, ...] | None = None

    def __post_init__(self) -> None:
        classes = self.target in ("probabilities", "binary")
        if self.label_smoothing != 0 and not (classes and 0 < self.label_smoothing < 1):
            raise ConfigurationError(
                f"{self.name}: label smoothing must lie in [0, 1) and needs a loss over classes such as cross_entropy, "
                f"received {self.label_smoothing} for {self.target} targets"
            )
        c = self.class_weights
        if c is not None and not classes:
            raise ConfigurationError(f"{self.name}: class weights need targets that are classes, not {self.target}")
        for number in c if isinstance(c, tuple) else () if c is None or isinstance(c, Node) else (c,):
            if not (isfinite(number) and number >= 0):
                raise ConfigurationError(f"{self.name}: class weights must be numbers >= 0, received {number}")

    def smoothed(self, epsilon: Number) -> Loss:
        """The same loss with label smoothing ε."""
        return replace(self, label_smoothing=epsilon)

    def weighted(self, weights: Node | Number | Iterable[Number]) -> Loss:
        """The same loss with class weights: one number per class (or the weight of positives), or n_L × 1."""
        return replace(self, class_weights=tuple(weights) if isinstance(weights, Iterable) else weights)

    def per_sample(self, Yhat: Node, Y: Node) -> Node:
        """Losses of the samples (1 × m) from the output Ŷ (n_L × m) and the target Y (n_L × m).

        Integer labels y (1 × m) come as `one_hot(y, classes=K)`. A `term` that returns 1 × 1 passes as it is: it is the
        sum over the samples already. Raises `ShapeError` if Ŷ and Y differ in shape or the term fits no sample.
        """
        for given, wanted in zip(Y.shape, Yhat.shape, strict=True):
            # Broadcasting one row or column against many would be a silent mistake.
            if self.target != "labels" and given != wanted and 1 in (given, wanted):
                raise ShapeError(
                    f"loss {self.name}: expected a target of the output's shape {Yhat.shape}, received {Y.shape}; "
                    "integer labels go through one_hot"
                )
        terms = self.term(Yhat, self._soft(Y), **self.parameters)
        if not isinstance(terms, Node):
            raise ConfigurationError(
                f"loss {self.name}: expected an expression built from its arguments, received {type(terms).__name__}"
            )
        if terms.shape == SCALAR and Yhat.shape.cols != 1:
            if self.class_weights is not None:
                raise ConfigurationError(f"loss {self.name}: class weights need losses per sample, received their sum")
            return terms
        if self.class_weights is not None and self.target == "binary":
            terms = terms * (1 + self._weights(Y.shape.rows, less=1) * Y)
        losses = terms if terms.shape.rows == 1 else total(terms, axis=0)
        if self.class_weights is not None and self.target != "binary":
            losses = losses * self._weight_of_sample(Y)
        have, want = losses.shape.cols, Yhat.shape.cols
        if have != want and (have == 1 or (isinstance(have, int) and isinstance(want, int))):
            raise ShapeError(f"loss {self.name}: expected one loss per sample (1 × {want}), received {terms.shape}")
        return losses

    def _soft(self, Y: Node) -> Node:
        if self.label_smoothing == 0:
            return Y
        epsilon = exact(self.label_smoothing)
        share = constant(Fraction(1, 2)) if self.target == "binary" else size(Y.shape.rows, -1)
        return (1 - epsilon) * Y + constant(epsilon * share.get("value"), powers=share.get("powers"))

    def _weights(self, rows: Dim, less: int = 0) -> Node:
        """The class weights minus `less`, as a column or a number."""
        c = self.class_weights
        if isinstance(c, Node):
            return c - less if less else c
        if not isinstance(c, tuple):
            return constant(exact(c) - less)  # type: ignore[arg-type]
        if isinstance(rows, int) and len(c) != rows:
            raise ShapeError(f"loss {self.name}: expected {rows} class weights, one per output, received {len(c)}")
        units = (one_hot(constant(k), classes=len(c)) for k in range(len(c)))
        return reduce(add, ((exact(weight) - less) * unit for weight, unit in zip(c, units, strict=True)))

    def _weight_of_sample(self, Y: Node) -> Node:
        c = self._weights(Y.shape.rows)
        if Y.op.name == "one_hot":  # read off by the label; the one-hot matrix is never built
            return gather(c.T, Y.inputs[0])
        return total(c * Y, axis=0)


def cost(per_sample: Node, weights: Node | None = None, *, samples: Dim | None = None) -> tuple[Node, Node]:
    """S = Σ_j w_j ℓ_j and the scale of the cost J = scale · S, both 1 × 1.

    per_sample  ℓ, 1 × m; or 1 × 1, a sum over the samples already
    weights     w, 1 × m, or None: every sample counts once
    samples     m, for a 1 × 1 `per_sample`; None reads it off ℓ

    The scale is 1/m, or 1/Σ_j w_j: J is the (weighted) mean. Kept apart because seeding S with 1 gives the sources' dZ
    and dA per sample, and the scale then stands at dW and db.
    """
    if weights is None:
        return total(per_sample, axis=None), size(per_sample.shape.cols if samples is None else samples, -1)
    if per_sample.shape.cols == 1 and weights.shape.cols != 1:
        raise ConfigurationError(
            f"sample weights ({weights.shape}) need one loss per sample, received {per_sample.shape}: let the loss "
            "return one entry per sample instead of their sum"
        )
    return total(weights * per_sample, axis=None), 1 / total(weights, axis=None)


def _per_output(terms: Node) -> Node:
    return terms * size(terms.shape.rows, -1)


def _squares(Yhat: Node, Y: Node) -> Node:
    return (Y - Yhat) ** 2


def _huber(Yhat: Node, Y: Node, delta: Number) -> Node:
    r = Y - Yhat
    size_of_r = absolute(r)
    return _per_output(where(delta - size_of_r, r**2 / 2, delta * (size_of_r - exact(delta) / 2)))


def _poisson(Yhat: Node, Y: Node) -> Node:
    return Yhat - Y * log(Yhat)


def _cross_entropy(Yhat: Node, Y: Node) -> Node:
    return -(Y * log(Yhat))


def _binary_cross_entropy(Yhat: Node, Y: Node) -> Node:
    return -(Y * log(Yhat) + (1 - Y) * log(1 - Yhat))


_ALL = (
    Loss(
        "quadratic",
        lambda Yhat, Y: _squares(Yhat, Y) / 2,
        equation="ℓ = 1/2 Σ_k (y_k - ŷ_k)²",
        doc="Half the squared distance, the sources' square distance loss: dŶ = Ŷ - Y.",
    ),
    Loss(
        "sum_of_squares",
        _squares,
        equation="ℓ = Σ_k (y_k - ŷ_k)²",
        doc="The squared distance, without the half.",
    ),
    Loss(
        "mean_squared",
        lambda Yhat, Y: _per_output(_squares(Yhat, Y)),
        equation="ℓ = 1/n_L Σ_k (y_k - ŷ_k)²",
        doc="Squared error, mean over the outputs; its mean over samples is scikit-learn's mean_squared_error.",
    ),
    Loss(
        "absolute",
        lambda Yhat, Y: _per_output(absolute(Y - Yhat)),
        equation="ℓ = 1/n_L Σ_k |y_k - ŷ_k|",
        doc="Absolute error, mean over the outputs; derivative 0 where ŷ = y.",
    ),
    Loss(
        "huber",
        _huber,
        equation="ℓ = 1/n_L Σ_k (r²/2 if |r| < δ else δ (|r| - δ/2)), r = y_k - ŷ_k",
        doc="Quadratic near zero, linear far out, continuous with its derivative (Huber 1964); mean over the outputs.",
        parameters={"delta": 1},
    ),
    Loss(
        "poisson",
        _poisson,
        output_activation="softplus",
        equation="ℓ = Σ_k (ŷ_k - y_k ln ŷ_k)",
        doc="Negative log-likelihood of counts y with rates Ŷ > 0, without the constant ln y! (McCullagh & Nelder "
        "1989). Ŷ is the rate, so the network predicts rates; with `exp` as output activation it becomes e^z - y z.",
    ),
    Loss(
        "cross_entropy",
        _cross_entropy,
        target="probabilities",
        output_activation="softmax",
        equation="ℓ = -Σ_k y_k ln ŷ_k",
        doc="Cross-entropy of class probabilities. After a soft-max: dZ = Ŷ - Y where columns of Y sum to one.",
    ),
    Loss(
        "binary_cross_entropy",
        _binary_cross_entropy,
        target="binary",
        output_activation="sigmoid",
        equation="ℓ = -Σ_k [y_k ln ŷ_k + (1 - y_k) ln(1 - ŷ_k)]",
        doc="Cross-entropy of independent yes/no outputs, one or several (multi-label). After a sigmoid: dZ = A - Y.",
    ),
)

LOSSES: Mapping[str, Loss] = MappingProxyType({each.name: each for each in _ALL})

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "square_distance": "quadratic",
        "sse": "sum_of_squares",
        "mse": "mean_squared",
        "mean_squared_error": "mean_squared",
        "mae": "absolute",
        "mean_absolute_error": "absolute",
        "bce": "binary_cross_entropy",
        "binary_crossentropy": "binary_cross_entropy",
        "categorical_cross_entropy": "cross_entropy",
        "categorical_crossentropy": "cross_entropy",
        "sparse_categorical_cross_entropy": "cross_entropy",
        "sparse_categorical_crossentropy": "cross_entropy",
    }
)


def loss(
    given: str | Loss | Term,
    *,
    label_smoothing: Number = 0,
    class_weights: Node | Number | Iterable[Number] | None = None,
    **parameters: Number,
) -> Loss:
    """The loss of a name, a `Loss` as it is, or a function (Ŷ, Y) -> expression as a loss of real targets.

    given            a key of `LOSSES` or `ALIASES` ("mse", "bce", ...), a `Loss`, or a function
    label_smoothing  ε of `Loss.smoothed`
    class_weights    of `Loss.weighted`
    parameters       numbers of the loss: `loss("huber", delta=2)`

    Raises `UnknownNameError` for a name or parameter that does not exist, `ConfigurationError` for a number out of
    range.
    """
    if isinstance(given, str):
        key = ALIASES.get(given, given)
        if key not in LOSSES:
            raise unknown_name("loss", given, LOSSES)
        found = LOSSES[key]
    elif isinstance(given, Loss):
        found = given
    elif callable(given):
        found = Loss(getattr(given, "__name__", type(given).__name__), given, doc=given.__doc__ or "")
    else:
        raise ConfigurationError(f"a loss must be a name, a Loss or a function of (Ŷ, Y), received {given!r}")
    for name, value in parameters.items():
        if name not in found.parameters:
            if not found.parameters:
                raise ConfigurationError(f"loss {found.name} has no parameter {name!r}: it takes none")
            raise unknown_name(f"parameter of loss {found.name}", name, found.parameters)
        if not (isfinite(value) and value > 0):
            raise ConfigurationError(f"loss {found.name}: {name} must be a positive number, received {value}")
    if parameters:
        found = replace(found, parameters={**found.parameters, **parameters})
    if label_smoothing:
        found = found.smoothed(label_smoothing)
    return found if class_weights is None else found.weighted(class_weights)
