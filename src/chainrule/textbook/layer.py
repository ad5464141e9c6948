"""One layer with the slides' names: Z = W A_prev + b, A = g(Z); everything else is derived from these two lines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, ShapeError
from ..graph import Node, size, text, variable
from ..nn import initializer
from ..nn.initializers import default_for
from ..ops import Activation
from ..reverse import vjp
from .activation import ActivationFunction
from .cost import CostGradient
from .formula import Formula, real

Array = npt.NDArray[Any]

_W, _b = variable("W", "n", "n_prev"), variable("b", "n", 1)
_A_prev, _dZ = variable("A_prev", "n_prev", "m"), variable("dZ", "n", "m")


@lru_cache(maxsize=1)
def affine() -> Mapping[str, Node]:
    """Z = W A_prev + b and its vector-Jacobian products with dZ, for a layer of any size.

    dA_prev is per sample; dW and db are of the mean over the samples: there 1/m stands, in the seed.
    """
    logits = _W @ _A_prev + _b
    mean = _dZ * size("m", -1)
    return {
        "Z": logits,
        "dA_prev": vjp(logits, [_A_prev], _dZ)[0],
        "dW": vjp(logits, [_W], mean)[0],
        "db": vjp(logits, [_b], mean)[0],
    }


class Layer:
    """A fully connected layer of `nunits` units over `nunits_prev` units.

    weights      W, nunits × nunits_prev; may be changed in place or assigned
    bias         b, nunits × 1
    logits       Z, nunits × m, of the last `propagate`; activations: A = g(Z)
    grad_logits  dZ = dL/dZ, nunits × m, of the last `backpropagate`, sample by sample

    activation   name or function of the logits' expression
    initializer  name or function; None takes the one that suits the activation; the bias starts at 0
    seed         number or generator that draws the weights
    dtype        float64 or float32
    """

    def __init__(
        self,
        nunits: int,
        nunits_prev: int,
        activation: str | Activation = "sigmoid",
        *,
        initializer: str | Any = None,
        seed: int | np.random.Generator = 0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        for name, n in (("nunits", nunits), ("nunits_prev", nunits_prev)):
            if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
                raise ConfigurationError(f"{name}={n!r}: a layer needs a whole number of units from 1 on")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ConfigurationError(f"dtype {self.dtype}: a layer computes in float32 or float64")
        self._shape = (int(nunits), int(nunits_prev))
        self._activ_func = ActivationFunction(activation)
        draw = _initializer(initializer, activation)
        self.weights = np.asfortranarray(draw(np.random.default_rng(seed), self._shape))
        self.bias = np.zeros((self._shape[0], 1))
        self.logits: Array | None = None
        self.activations: Array | None = None
        self.grad_logits: Array | None = None
        known = {"Z": (_W, _b, _A_prev), "dA_prev": (_W, _dZ), "dW": (_dZ, _A_prev), "db": (_dZ,)}
        self._formulas = {name: Formula(node, *known[name]) for name, node in affine().items()}

    @property
    def activ_func(self) -> ActivationFunction:
        """g, with `compute_value(Z)` and `compute_derivative(Z)`."""
        return self._activ_func

    @property
    def weights(self) -> Array:
        return self._weights

    @weights.setter
    def weights(self, values: Any) -> None:
        self._weights = self._parameter(values, "weights", self._shape)

    @property
    def bias(self) -> Array:
        return self._bias

    @bias.setter
    def bias(self, values: Any) -> None:
        self._bias = self._parameter(values, "bias", (self._shape[0], 1))

    def propagate(self, activations_prev: Any) -> Array:
        """Z = W A_prev + b, A = g(Z): returns A (nunits × m) and keeps Z and A."""
        self.logits, self.activations = self.forward(activations_prev)
        return self.activations

    def forward(self, activations_prev: Any) -> tuple[Array, Array]:
        """Z and A, both nunits × m, without keeping them."""
        A_prev = self.columns(activations_prev, "activations_prev")
        Z = self._run("Z", W=self.weights, b=self.bias, A_prev=A_prev)
        return Z, self.activ_func.compute_value(Z)

    def backpropagate(self, grad_activations: Any) -> Array:
        """From dA = dL/dA (nunits × m) keep dZ = dL/dZ and return dA_prev = Wᵀ dZ (nunits_prev × m).

        dZ is dA ∘ g'(Z) for an element-wise g, and the product with the Jacobian of g for any other. The gradient of
        a cost by this layer's own output is recognized, see `chainrule.textbook.cost`.

        Raises `ConfigurationError` before `propagate`, `ShapeError` if dA is not of the shape of A.
        """
        Z, A = self.logits, self.activations
        if Z is None or A is None:
            raise ConfigurationError("backpropagate needs the logits of this layer: call propagate first")
        if np.shape(grad_activations) != A.shape:
            raise ShapeError(
                f"grad_activations: expected {A.shape} like the activations, received {np.shape(grad_activations)}"
            )
        origin = grad_activations.stems_from(A) if isinstance(grad_activations, CostGradient) else None
        if origin is not None:
            self.grad_logits = origin.cost.grad_logits(self.activ_func, origin.Y, Z)
        else:
            dA = real(grad_activations, "grad_activations", self.dtype).view(np.ndarray)
            self.grad_logits = self.activ_func.pull(Z, A, dA)
        return self._run("dA_prev", W=self.weights, dZ=self.grad_logits)

    def gradient_weights(self, activations_prev: Any) -> Array:
        """dW = 1/m dZ A_prevᵀ (nunits × nunits_prev), of the mean over the m samples."""
        A_prev = self.columns(activations_prev, "activations_prev")
        return self._run("dW", dZ=self._grad_logits, A_prev=A_prev)

    def gradient_bias(self) -> Array:
        """db = 1/m Σ dZ (nunits × 1), of the mean over the m samples."""
        return self._run("db", dZ=self._grad_logits)

    @property
    def equations(self) -> dict[str, str]:
        """The equations that run, in print; the gradients are derived, not written."""
        g = self.activ_func
        lines = {"Z": affine()["Z"], "A": g.expression, "dZ": g.cotangent}
        return {n: text(node) for n, node in (lines | {k: v for k, v in affine().items() if k != "Z"}).items()}

    @property
    def _grad_logits(self) -> Array:
        if self.grad_logits is None:
            raise ConfigurationError("the gradient needs grad_logits: call backpropagate first")
        return self.grad_logits

    def _run(self, name: str, **values: Array) -> Array:
        return self._formulas[name](self.dtype, **values)

    def _parameter(self, values: Any, name: str, shape: tuple[int, int]) -> Array:
        array = real(values, name, self.dtype)
        if array.shape != shape:
            raise ShapeError(f"{name}: expected {shape[0]} × {shape[1]}, received an array of shape {array.shape}")
        return array if array.flags.writeable else array.copy()

    def columns(self, values: Any, name: str) -> Array:
        """Check the activations of the layer before: n_prev × m, real numbers; returned in the layer's type."""
        rows = self._shape[1]
        array = real(values, name, self.dtype)
        if array.ndim != 2 or array.shape[0] != rows:
            hint = "; samples are columns: give the transpose" if array.ndim == 2 and array.shape[1] == rows else ""
            hint = "; one sample is a column: reshape(-1, 1)" if array.shape == (rows,) else hint
            raise ShapeError(f"{name}: expected {rows} × m, received an array of shape {array.shape}{hint}")
        return array

    def __repr__(self) -> str:
        return f"Layer({self._shape[0]}, {self._shape[1]}, activation={self.activ_func.name!r})"


def _initializer(given: Any, activation: str | Activation) -> Any:
    return initializer(default_for(activation) if given is None else given)
