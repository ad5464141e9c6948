"""The regressor: one output or several, squared error or Poisson deviance."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..errors import DataError
from ..train import Samples
from .base import BaseMLP, is_stochastic
from .machine import Array
from .parameters import CONSTRAINTS


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A fully connected regressor with scikit-learn's contract, trained on the derived gradient.

    It minimizes J = 1/Σw (Σ_j w_j ℓ_j + α/2 Σ_l ‖W[l]‖²) with

    loss="squared_error"  ℓ = 1/2 Σ_k (y_k - ŷ_k)²
    loss="poisson"        ℓ = Σ_k (ŷ_k - y_k + y_k ln(y_k/ŷ_k)) for y ≥ 0, with ŷ = eᶻ

    `loss_` is this J, and the steps follow its gradient. scikit-learn 1.9 states the mean over the outputs as its loss
    but follows the gradient of the sum, n_L times as large; for one output the two agree. Here the sum is taken, so
    that the fit is scikit-learn's also for several outputs, while `loss_` is (penalty aside) n_L times its number.

    Parameters have the names, defaults and meaning of scikit-learn's `MLPRegressor`; what more is allowed, the fitted
    attributes, errors and sparse X are as in `MLPClassifier`.

    fit(X, y, sample_weight=None): X (N, n_0), y (N,) or (N, n_L).

    >>> line = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-9)
    >>> line.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[1.5]]).round(6)
    array([4.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train on X (N, n_0) and y (N,) or (N, n_L); `sample_weight` (N,) of numbers from 0 on, or None."""
        self._fit(X, y, sample_weight, incremental=False)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One epoch over the given samples, going on from where the last call stopped."""
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _encode(self, y: Any, *, first: bool, classes: Any) -> tuple[Array, int, str]:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = y.reshape(len(y), -1)
        if not first and y.shape[1] != self.n_outputs_:
            raise DataError(f"y has {y.shape[1]} outputs, the previous fit had {self.n_outputs_}: fit anew")
        if self.loss == "poisson" and y.min() < 0:
            raise DataError(f"y has the negative value {y.min()}: the Poisson loss needs counts from 0 on")
        return y, y.shape[1], "exp" if self.loss == "poisson" else "identity"

    def _score_of(self, Yhat: Array, samples: Samples) -> float:
        if not np.isfinite(Yhat).all():
            return float("nan")
        return float(r2_score(samples.targets, Yhat, sample_weight=samples.weights))

    def predict(self, X: Any) -> Array:
        """Ŷ, (N,) for one output, else (N, n_L)."""
        Yhat = self._output(X)
        return Yhat[:, 0] if Yhat.shape[1] == 1 else Yhat

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


__all__ = ["MLPRegressor"]
