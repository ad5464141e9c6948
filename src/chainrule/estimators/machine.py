"""The trained network behind an estimator: built from a description, never part of the estimator's saved state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError
from ..graph import Node
from ..nn import Loss, Network, loss
from ..nn.layers import Dense
from ..ops import exp, log, maximum
from ..train import Model, Update

Array = npt.NDArray[Any]

_TINY = 2.0**-126  # the smallest normal float32: below it ln would see 0


def _deviance(Yhat: Node, Y: Node) -> Node:
    return (Yhat - Y * log(Yhat)) + (Y * log(maximum(Y, _TINY)) - Y)


POISSON_DEVIANCE = Loss(
    "poisson_deviance",
    _deviance,
    equation="ℓ = Σ_k (ŷ_k - y_k + y_k ln(y_k/ŷ_k))",
    doc="Half the Poisson deviance: the loss `poisson` plus what makes it 0 at Ŷ = Y; the same gradient.",
)

_ACTIVATIONS: dict[str, str | Callable[[Node], Node]] = {"logistic": "sigmoid", "exp": exp}
_LOSSES: dict[str, str | Loss] = {
    "softmax": "cross_entropy",
    "logistic": "binary_cross_entropy",
    "identity": "quadratic",
    "exp": POISSON_DEVIANCE,
}


@dataclass(frozen=True)
class Description:
    """What is needed to build the network again.

    widths      n_0, …, n_L
    activation  of the hidden layers: a name or a function of Z
    output      softmax (integer labels, cross-entropy), logistic (binary cross-entropy), identity (half the squared
                distance) or exp (Poisson deviance)
    alpha       α of the penalty α/2 Σ W² / Σ w
    """

    widths: tuple[int, ...]
    activation: str | Callable[[Node], Node]
    output: str
    alpha: float
    weighted: bool
    dtype: str

    def model(self) -> Model:
        """The model; its initial numbers are to be overwritten."""
        output = _ACTIVATIONS.get(self.output, self.output)
        hidden = [Dense(n, self.activation, l2=self.alpha) for n in self.widths[1:-1]]
        network = Network(self.widths[0], (*hidden, Dense(self.widths[-1], output, l2=self.alpha)))
        return Model(
            network,
            loss(_LOSSES[self.output]),
            labels=self.output == "softmax",
            weighted=self.weighted,
            spread=True,
            dtype=self.dtype,
        )


class Machine:
    """A model whose parameters are seen as scikit-learn shows them.

    coefs       W[l]ᵀ, (n_{l-1}, n_l), and intercepts b[l], (n_l,): views, so that writing to them changes the model
    update      the last run's optimizer with its moments, or None
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self.model = description.model()
        layers = range(1, len(description.widths))
        self.coefs: list[Array] = [self.model.parameters[f"W[{i}]"].T for i in layers]
        self.intercepts: list[Array] = [self.model.parameters[f"b[{i}]"][:, 0] for i in layers]
        self.update: Update | None = None
        self._lock = threading.Lock()  # one set of buffers serves all calls

    def load(self, coefs: Sequence[Array], intercepts: Sequence[Array]) -> None:
        """Take the numbers of an estimator's attributes, which its user may have replaced."""
        for name, mine, given in (("coefs_", self.coefs, coefs), ("intercepts_", self.intercepts, intercepts)):
            expected, received = [a.shape for a in mine], [np.shape(a) for a in given]
            if expected != received:
                raise ConfigurationError(
                    f"{name} has shapes {received} but the parameters ask for {expected}: fit anew without warm_start"
                )
            for target, array in zip(mine, given, strict=True):
                if array is not target:
                    target[...] = array

    def predict(self, X: Array, coefs: Sequence[Array], intercepts: Sequence[Array]) -> Array:
        """Ŷ, (N, n_L), with the given numbers; may be called from several threads."""
        with self._lock:
            self.load(coefs, intercepts)
            return self.model.predict(X)


__all__ = ["POISSON_DEVIANCE", "Array", "Description", "Machine"]
