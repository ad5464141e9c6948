"""The multi-layer perceptron of the slides, and the δ/ε algorithm of the second source read off the same object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, NonFiniteError, ShapeError
from ..nn import Loss
from ..nn.losses import Term
from ..ops import Activation
from ..train.samples import finite
from .cost import Cost
from .layer import Layer

Array = npt.NDArray[Any]

_NATURAL = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}


class MLP:
    """A fully connected network of `Layer`s; columns are samples.

    units        n_0, n_1, …, n_L
    activations  one name or function for each of the L layers
    loss         name, `Cost`, `Loss` or function, kept as `cost_function`; None takes what suits the last activation
    seed         of the initial weights, which are those of `chainrule.train.Model` for the same seed

    The main loop of the slides:

        for iepoch in range(nepochs):
            for ibatch in range(nbatches):
                xbatch, ybatch = dataset.next_batch(batchsize)
                pred_probs = mlp.propagate(xbatch)
                gradJ = cost.compute_derivative(ybatch, pred_probs)
                grad0 = mlp.backpropagate(gradJ)
                mlp.update_params(learning_rate(iepoch))
    """

    def __init__(
        self,
        units: Sequence[int],
        activations: Sequence[str | Activation],
        loss: str | Cost | Loss | Term | None = None,
        *,
        seed: int = 0,
        initializer: str | Any = None,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        if isinstance(activations, str) or len(activations) != len(units) - 1 or len(units) < 2:
            raise ConfigurationError(
                f"units {list(units)} and activations {activations!r}: give at least an input and an output width, and "
                "one activation for each layer after the input"
            )
        draws = np.random.default_rng(seed)
        self.layers = [
            Layer(n, before, g, initializer=initializer, seed=draws, dtype=dtype)
            for before, n, g in zip(units, units[1:], activations, strict=False)
        ]
        natural = _NATURAL.get(self.layers[-1].activ_func.name, "quadratic")
        self.cost_function = loss if isinstance(loss, Cost) else Cost(natural if loss is None else loss)
        self.x: Array | None = None

    def propagate(self, x: Any) -> Array:
        """Ŷ = A[L] (n_L × m) of X = A[0] (n_0 × m); every layer keeps its logits and activations.

        Raises `ShapeError` for another number of rows, `DataError` for NaN, infinity or what is no number.
        """
        a = self.x = self._input(x)
        for layer in self.layers:
            a = layer.propagate(a)
        return a

    def backpropagate(self, grady: Any) -> Array:
        """From dA[L] = dL/dŶ (n_L × m) fill every `grad_logits` and return dA[0] (n_0 × m)."""
        grad = grady
        for layer in reversed(self.layers):
            grad = layer.backpropagate(grad)
        return np.asarray(grad)

    def update_params(self, learning_rate: float) -> None:
        """W[l] ← W[l] - α dJ/dW[l], b[l] ← b[l] - α dJ/db[l], with the gradients of the last batch.

        Raises `NonFiniteError`, and changes nothing, if a gradient or a new parameter holds NaN or infinity.
        """
        if not isinstance(learning_rate, int | float | np.number) or not math.isfinite(learning_rate):
            raise ConfigurationError(
                f"learning_rate={learning_rate!r}: it must be a number; of a schedule give its value, such as "
                "learning_rate(iepoch)"
            )
        gradients = self.gradients()
        pairs: dict[str, Array] = {}
        for i, layer in enumerate(self.layers, 1):
            pairs |= {f"dW[{i}]": layer.weights, f"db[{i}]": layer.bias}
        with np.errstate(all="ignore"):
            updated = {name: pairs[name] - learning_rate * g for name, g in gradients.items()}
        for name, new in updated.items():
            if not np.isfinite(new).all():
                found = name if not np.isfinite(gradients[name]).all() else name.removeprefix("d") + " after the update"
                raise NonFiniteError(
                    f"{found} holds NaN or infinity: nothing was updated; lower the learning rate or scale the data"
                )
        for name, new in updated.items():
            pairs[name][...] = new

    def gradients(self) -> dict[str, Array]:
        """dJ/dθ by name, "dW[1]", "db[1]", …, of the last batch; call propagate and backpropagate first."""
        if self.x is None:
            raise ConfigurationError("there is no batch to take gradients of: call propagate and backpropagate first")
        found: dict[str, Array] = {}
        a = self.x
        for i, layer in enumerate(self.layers, 1):
            found[f"dW[{i}]"] = layer.gradient_weights(a)
            found[f"db[{i}]"] = layer.gradient_bias()
            assert layer.activations is not None
            a = layer.activations
        return found

    def predict(self, X: Any) -> Array:
        """Ŷ (n_L × m), without a trace in the layers."""
        return self._forward(X)[1]

    def cost(self, X: Any, Y: Any) -> float:
        """J = 1/m Σ L over the samples, from the logits: finite wherever the true value is. Leaves no trace."""
        logits, Yhat = self._forward(X)
        return self.cost_function.of_logits(self.layers[-1].activ_func, self.cost_function.target(Y, Yhat), logits)

    def delta_epsilon(self, x: Any, y: Any) -> DeltaEpsilon:
        """The backward pass of the second source for one sample x (n_0 × 1) with target y (n_L × 1).

        It is an ordinary pass: the layers keep its numbers as after `propagate` and `backpropagate`.
        """
        column = np.asarray(x).reshape(-1, 1)
        Yhat = self.propagate(column)
        if np.size(y) not in (1, len(Yhat)):
            raise ShapeError(f"y: expected the target of one sample, {len(Yhat)} × 1, received {np.shape(y)}")
        target = np.asarray(y).reshape(-1, 1)
        delta: Array = self.cost_function.compute_derivative(target, Yhat)
        z, a, d, epsilon, db, dW = {1: column.astype(np.float64)}, {}, {}, {}, {}, {}
        for i in range(len(self.layers), 0, -1):
            layer = self.layers[i - 1]
            d[i], delta = np.array(delta), layer.backpropagate(delta)
            assert layer.logits is not None
            assert layer.activations is not None
            assert layer.grad_logits is not None
            before = self.layers[i - 2].activations if i > 1 else column
            a[i], z[i + 1], epsilon[i] = layer.logits, layer.activations, layer.grad_logits
            db[i], dW[i] = layer.gradient_bias(), layer.gradient_weights(before)
        return DeltaEpsilon(*(dict(sorted(part.items())) for part in (z, a, d, epsilon, db, dW)))

    def _input(self, X: Any) -> Array:
        array = self.layers[0].columns(X, "X")
        finite(array, "X")
        return array

    def _forward(self, X: Any) -> tuple[Array, Array]:
        logits = a = self._input(X)
        for layer in self.layers:
            logits, a = layer.forward(a)
        return logits, a

    def __repr__(self) -> str:
        widths = [self.layers[0].weights.shape[1], *(len(x.weights) for x in self.layers)]
        names = [x.activ_func.name for x in self.layers]
        return f"MLP({widths}, activations={names}, loss={self.cost_function.loss.name!r})"


@dataclass(frozen=True)
class DeltaEpsilon:
    """One sample's backward pass in the second source's numbering, each part by its index i.

    There N counts the layers of values, so N - 1 = L layers compute: z_1 = x, a_i = W_i z_i + b_i, z_{i+1} = f_i(a_i)
    for i = 1..N-1. With δ_i := ∂L/∂z_{i+1}, the meaning that makes the printed algorithm consistent:

        ε_i = ∂L/∂a_i = δ_i ∘ f_i'(a_i)     (for soft-max the product with its Jacobian)
        δ_{i-1} = W_iᵀ ε_i                  (printed: b_{i-1} = W_{i-1}ᵀ ε_i; only for i > 1)
        db_i = ε_i,  dW_i = ε_i ⊗ z_i       (printed: ε_i ⊗ z_{i+1})

    In the notation of the slides: z_i = A[i-1], a_i = Z[i], δ_i = dA[i], ε_i = dZ[i].
    """

    z: Mapping[int, Array]
    a: Mapping[int, Array]
    delta: Mapping[int, Array]
    epsilon: Mapping[int, Array]
    db: Mapping[int, Array]
    dW: Mapping[int, Array]

    @property
    def gradient(self) -> list[Array]:
        """∇L = [db_1, …, db_{N-1}, dW_1, …, dW_{N-1}]."""
        return [*self.db.values(), *self.dW.values()]
