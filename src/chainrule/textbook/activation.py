"""g of A = g(Z) as the slides' `activ_func`: its value and its derivative, both from one expression."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError
from ..graph import Node, substitute, variable, walk
from ..laws import simplify
from ..ops import Activation, activation
from ..reverse import vjp
from .formula import Formula, real

Array = npt.NDArray[Any]

Z = variable("Z", "n", "m")
A = variable("A", "n", "m")
dA = variable("dA", "n", "m")


class ActivationFunction:
    """The activation of a name, or of a function from the logits' expression to the activations'.

    compute_value(Z) = g(Z), of the shape of Z.
    """

    def __init__(self, given: str | Activation) -> None:
        self.function = activation(given)
        self.name = given if isinstance(given, str) else getattr(given, "__name__", "custom")
        self.expression = simplify(self.function(Z))
        if self.expression.shape != Z.shape:
            raise ConfigurationError(
                f"activation {self.name}: expected an expression of the logits' shape {Z.shape}, "
                f"received {self.expression.shape}"
            )
        self._value = Formula(self.expression, Z)
        self._pull = Formula(self.cotangent, Z, A, dA)

    @property
    def elementwise(self) -> bool:
        """Whether every entry of g(Z) depends on the same entry of Z alone; softmax is not."""
        reached = {Z}
        for n in walk(self.expression):
            if any(x in reached for x in n.inputs):
                reached.add(n)
                if not n.op.pointwise:
                    return False
        return True

    @property
    def cotangent(self) -> Node:
        """dZ from dA, the vector-Jacobian product of g, in terms of Z and of the activations A that are at hand."""
        dZ = vjp(self.expression, [Z], dA)[0]
        return dZ if self.expression is Z else substitute(dZ, {self.expression: A})

    def compute_value(self, logits: Any) -> Array:
        """g(Z) for logits of any shape; a vector is read as one sample."""
        given = real(logits, "logits")
        return self._value(given.dtype, Z=_column(given)).reshape(given.shape)

    def compute_derivative(self, logits: Any) -> Array:
        """g'(Z), entry by entry, of the shape of Z.

        Raises `ConfigurationError` if g is not element-wise: the slides' "softmax layer needs to be handled
        specifically". Its derivative is `jacobian`, and `Layer.backpropagate` multiplies with it.
        """
        if not self.elementwise:
            raise ConfigurationError(
                f"{self.name} is not element-wise, so it has no derivative per entry: use jacobian(z) for one sample, "
                "or layer.backpropagate"
            )
        given = real(logits, "logits")
        Zs = _column(given)
        return self.pull(Zs, self.compute_value(Zs), np.ones(Zs.shape)).reshape(given.shape)

    def jacobian(self, z: Any) -> Array:
        """∂a_k/∂z_j of one sample, n × n with row k and column j; z is n × 1 or (n,)."""
        column = real(z, "z").reshape(-1, 1)
        n = len(column)
        Zs = np.repeat(column, n, axis=1)
        return self.pull(Zs, self.compute_value(Zs), np.eye(n)).T  # column k of the product is row k of the Jacobian

    def pull(self, logits: Array, activations: Array, grad_activations: Array) -> Array:
        """dZ (n × m) from dA (n × m): the product with the Jacobian of g, sample by sample."""
        return self._pull(logits.dtype, Z=logits, A=activations, dA=grad_activations)

    def __repr__(self) -> str:
        return f"ActivationFunction({self.name!r})"


def _column(array: Array) -> Array:
    return array if array.ndim == 2 else array.reshape(-1, 1)
