"""Parameters of the estimators as data: what is allowed, and how a solver's name and numbers become an `Optimizer`."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ..ops.activations import ACTIVATIONS, ALIASES
from ..train import OPTIMIZERS, Optimizer, optimizer

_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_BELOW_ONE = Interval(Real, 0, 1, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [StrOptions({*ACTIVATIONS, *ALIASES}), callable],
    "solver": [StrOptions({"lbfgs", *OPTIMIZERS}), Optimizer],
    "alpha": [_NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [_POSITIVE],
    "power_t": [_NOT_NEGATIVE],
    "max_iter": [_COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NOT_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [_BELOW_ONE],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_BELOW_ONE],
    "beta_1": [_BELOW_ONE],
    "beta_2": [_BELOW_ONE],
    "epsilon": [_POSITIVE],
    "n_iter_no_change": [_COUNT, Options(Real, {np.inf})],
    "max_fun": [_COUNT],
}


def optimizer_of(estimator: Any) -> Optimizer:
    """The optimizer that an estimator's parameters describe.

    `sgd` has momentum as in scikit-learn; `adam` and `adamw` add ε where scikit-learn adds it (see `epsilon_hat`).
    """
    solver = estimator.solver
    if isinstance(solver, Optimizer):
        return solver
    if solver == "sgd" and estimator.momentum > 0:
        solver = "nesterov" if estimator.nesterovs_momentum else "momentum"
    given = {
        "momentum": float(estimator.momentum),
        "beta1": float(estimator.beta_1),
        "beta2": float(estimator.beta_2),
        "epsilon": float(estimator.epsilon),
        "epsilon_hat": True,
    }
    return optimizer(solver, **{name: given[name] for name in OPTIMIZERS[solver].hyper if name in given})


__all__ = ["CONSTRAINTS", "optimizer_of"]
