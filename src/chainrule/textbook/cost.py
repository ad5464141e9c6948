"""The cost of the slides' main loop: J = 1/m Σ_i L(ŷ⁽ⁱ⁾, y⁽ⁱ⁾) and dL/dŶ, and why the last layer needs to know it.

The derivative of the cross-entropy by the output is -Y / Ŷ. Where a soft-max has rounded an entry of Ŷ to 0 that is
infinite, or 0/0, and its product with the Jacobian of the soft-max is NaN, although dL/dZ = Ŷ - Y is harmless. So the
gradient that `compute_derivative` returns remembers its cost and its target, and a layer that recognizes it takes dZ
from the program derived from the loss composed with its own activation, where the laws have cancelled log ∘ exp before
any number arises. Any other array, this one changed included, goes through the plain vector-Jacobian product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ShapeError
from ..graph import Node, size, variable
from ..laws import simplify
from ..nn import Loss, loss
from ..nn.losses import Term
from ..ops import clip, total
from ..reverse import derive
from ..train.samples import finite
from .activation import ActivationFunction
from .formula import Formula, real

Array = npt.NDArray[Any]

_SUMS_TO_ONE = ("columns sum to one",)
_LOWEST = float(np.finfo(np.float64).tiny)
_HIGHEST = {"probabilities": 1.0, "binary": 1 - 2.0**-53}  # only yes/no outputs have a ln(1 - ŷ)


class Cost:
    """A cost by the name of its loss: `Cost("cross_entropy")`, `Cost("huber", delta=2)`.

    given       name of a loss, a `Loss`, or a function (Ŷ, Y) -> expression
    parameters  numbers of the loss

    Y and Ŷ are n_L × m, columns are samples. Where classes are the target, Y may also be m integer labels 0..n_L-1.
    """

    def __init__(self, given: str | Loss | Term, **parameters: Any) -> None:
        self.loss = loss(given, **parameters)
        self._formulas: dict[tuple[Any, ...], Formula] = {}

    def compute_value(self, Y: Any, Yhat: Any) -> float:
        """J, the mean of the losses over the samples.

        Probabilities that have rounded to 0 (or, of yes/no outputs, to 1) count as the nearest number that has not:
        0 · ln 0 is 0, and the cost of an error made with certainty is a lower bound. `MLP.cost` knows the logits and
        has the true value.
        """
        out = real(Yhat, "Yhat")
        target = self.target(Y, out)
        return float(self._of_output("J", len(out))(np.float64, Yhat=out, Y=target)[0, 0])

    def compute_derivative(self, Y: Any, Yhat: Any) -> CostGradient:
        """dL/dŶ (n_L × m), sample by sample: 1/m stands at dW and db, as in the sources."""
        out = real(Yhat, "Yhat")
        target = self.target(Y, out)
        values = self._of_output("dYhat", len(out))(out.dtype, Yhat=out, Y=target)
        return CostGradient(values, Origin(self, target, out, values))

    def target(self, Y: Any, Yhat: Array) -> Array:
        """The target as a matrix of the output's shape; integer labels become one-hot columns.

        Raises `ShapeError` for another shape, `DataError` for NaN, infinity, or a label outside 0..n_L-1.
        """
        if Yhat.ndim != 2:
            raise ShapeError(f"Yhat: expected a matrix n_L × m, received an array of shape {Yhat.shape}")
        n, m = Yhat.shape
        given = np.asarray(Y)
        found: Array = np.array(real(given.reshape(1, -1) if given.ndim == 1 else given, "Y", np.float64))
        finite(found, "Y")
        whole = given.dtype.kind in "iu"
        if self.loss.target == "probabilities" and whole and n > 1 and found.shape == (1, m):
            if found.min() < 0 or found.max() >= n:
                raise DataError(f"labels must be integers 0..{n - 1} for {n} outputs, received {given.ravel()[:5]}")
            return np.equal(np.arange(n)[:, None], found).astype(np.float64)
        if found.shape != (n, m):
            raise ShapeError(f"Y: expected {n} × {m} like the output (samples are columns), received {np.shape(Y)}")
        return found

    def of_logits(self, activ_func: ActivationFunction, Y: Array, logits: Array) -> float:
        """J of the loss composed with the last activation, finite wherever the true value is."""
        return float(self._of_logits("J", activ_func, Y)(np.float64, Z=logits, Y=Y)[0, 0])

    def grad_logits(self, activ_func: ActivationFunction, Y: Array, logits: Array) -> Array:
        """dL/dZ (n_L × m) of the loss composed with the last activation, sample by sample."""
        return self._of_logits("dZ", activ_func, Y)(logits.dtype, Z=logits, Y=Y)

    def _of_logits(self, what: str, activ_func: ActivationFunction, target: Array) -> Formula:
        n = len(target)
        fact = self.loss.target == "probabilities" and bool(np.abs(target.sum(axis=0) - 1).max() <= n * 2.0**-52)
        key = (what, activ_func.function, fact, n)
        if key not in self._formulas:
            Z, Y = variable("Z", n, "m"), variable("Y", n, "m", assume=_SUMS_TO_ONE if fact else ())
            S = self._sum(activ_func.function(Z), Y)
            node = simplify(S * size("m", -1)) if what == "J" else derive(S, [Z]).of(Z)
            self._formulas[key] = Formula(node, Z, Y)
        return self._formulas[key]

    def _of_output(self, what: str, n: int) -> Formula:
        if (what, n) not in self._formulas:
            Yhat, Y = variable("Yhat", n, "m"), variable("Y", n, "m")
            if what == "J":
                highest = _HIGHEST.get(self.loss.target)
                output = Yhat if highest is None else clip(Yhat, lo=_LOWEST, hi=highest)
                node = simplify(self._sum(output, Y) * size("m", -1))
            else:
                node = derive(self._sum(Yhat, Y), [Yhat]).of(Yhat)
            self._formulas[what, n] = Formula(node, Yhat, Y)
        return self._formulas[what, n]

    def _sum(self, output: Node, Y: Node) -> Node:
        """Σ L over the samples."""
        return simplify(total(self.loss.per_sample(output, Y), axis=None))

    def __repr__(self) -> str:
        return f"Cost({self.loss.name!r})"


class CrossEntropyCost(Cost):
    """L = -Σ_k y_k ln ŷ_k, the slides' loss for classification."""

    def __init__(self) -> None:
        super().__init__("cross_entropy")


class BinaryCrossEntropyCost(Cost):
    """L = -Σ_k [y_k ln ŷ_k + (1 - y_k) ln(1 - ŷ_k)], for one sigmoid per yes/no output."""

    def __init__(self) -> None:
        super().__init__("binary_cross_entropy")


class QuadraticCost(Cost):
    """L = 1/2 Σ_k (y_k - ŷ_k)², the slides' square distance loss for regression."""

    def __init__(self) -> None:
        super().__init__("quadratic")


@dataclass(frozen=True)
class Origin:
    """What a gradient is the gradient of."""

    cost: Cost
    Y: Array
    Yhat: Array
    values: Array


class CostGradient(np.ndarray):
    """dL/dŶ, an array that remembers its cost, target and output. What is computed from it are plain arrays."""

    origin: Origin | None

    def __new__(cls, values: Array, origin: Origin) -> CostGradient:
        array = np.array(values).view(cls)
        array.origin = origin
        return array

    def __array_finalize__(self, parent: object) -> None:
        self.origin = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is not None:
            for x in out:
                if isinstance(x, CostGradient):
                    x.origin = None  # changed in place, it is no longer what it remembers
            kwargs["out"] = tuple(_plain(x) for x in out)
        result = getattr(ufunc, method)(*(_plain(x) for x in inputs), **kwargs)
        return result if out is None else out[0] if len(out) == 1 else out

    def stems_from(self, activations: Array) -> Origin | None:
        """Its origin, if it still has the numbers that it was made with and was made of these activations."""
        o = self.origin
        same = o is not None and np.array_equal(o.Yhat, activations)
        return o if o is not None and same and np.array_equal(_plain(self), o.values, equal_nan=True) else None


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, CostGradient) else x
