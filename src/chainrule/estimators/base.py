"""What the two estimators share: parameters, fitting through `chainrule.train`, fitted state that pickles."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, shuffle
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import ConfigurationError, DataError
from ..train import Samples, Settings, Trainer, fit_full_batch
from .machine import Array, Description, Machine
from .parameters import CONSTRAINTS, optimizer_of
from .progress import Progress


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver takes mini-batches, so that there is a `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that takes mini-batches; lbfgs does not: use sgd or adam")
    return True


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """Base of `MLPClassifier` and `MLPRegressor`; not to be used by itself."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    coefs_: list[Array]
    intercepts_: list[Array]

    def __init__(
        self,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    # --- what a subclass says ------------------------------------------------------------------------------------

    def _encode(self, y: Any, *, first: bool, classes: Any) -> tuple[Array, int, str]:
        """Targets as the network takes them, the number of outputs, the output activation.

        Learns the classes if first: the given ones, or those of y.
        """
        raise NotImplementedError

    def _score_of(self, Yhat: Array, samples: Samples) -> float:
        """The validation score of an output (N, n_L)."""
        raise NotImplementedError

    # --- fitting -------------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, classes: Any = None) -> None:
        self._validate_params()
        if incremental and self.early_stopping:
            raise ConfigurationError("early_stopping=True needs whole epochs: call fit, or set it to False")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=first,
        )
        X = _dense(X)
        rng = check_random_state(self.random_state)
        encoded, outputs, output = self._encode(_dense(y), first=first, classes=classes)
        description = Description(
            (X.shape[1], *self._hidden(), outputs),
            self.activation,
            output,
            float(self.alpha),
            sample_weight is not None,
            X.dtype.name,
        )
        machine: Machine | None = None if first else getattr(self, "_machine", None)
        if machine is None or machine.description != description:
            machine = Machine(description)
        samples = _samples(machine, X, encoded, sample_weight)
        if first:
            self._initialize(machine, rng)
        else:
            machine.load(self.coefs_, self.intercepts_)
        self._machine, self._description = machine, description
        self.coefs_, self.intercepts_ = list(machine.coefs), list(machine.intercepts)
        if self.solver == "lbfgs":
            self._fit_full_batch(machine, samples)
        else:
            self._fit_stochastic(machine, samples, rng, incremental=incremental)

    def _hidden(self) -> tuple[int, ...]:
        given = self.hidden_layer_sizes
        sizes = list(given) if np.iterable(given) else [given]
        for n in sizes:
            if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
                raise ConfigurationError(f"hidden_layer_sizes={given!r}: each size must be a whole number from 1 on")
        return tuple(int(n) for n in sizes)

    def _initialize(self, machine: Machine, rng: np.random.RandomState) -> None:
        """Draw weights and biases from U(-a, a), a = √(6/(n_in + n_out)), for the logistic activation √(2/…).

        In scikit-learn's order of drawing, so that the same `random_state` gives the same numbers.
        """
        factor = 2 if self.activation in ("logistic", "sigmoid") else 6
        for W, b in zip(machine.coefs, machine.intercepts, strict=True):
            a = np.sqrt(factor / sum(W.shape))
            W[...] = rng.uniform(-a, a, W.shape)
            b[...] = rng.uniform(-a, a, b.shape)
        widths = machine.description.widths
        self.n_layers_, self.n_outputs_, self.out_activation_ = len(widths), widths[-1], machine.description.output
        self.n_iter_, self.t_, self._waited = 0, 0, 0
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self._moments: dict[str, Array] = {}
        self._steps = 0

    def _fit_full_batch(self, machine: Machine, samples: Samples) -> None:
        say = (lambda k, J: print(f"Iteration {k}, loss = {J:.8f}")) if self.verbose else None
        history, converged, self.n_iter_ = fit_full_batch(
            machine.model,
            samples,
            max_iterations=int(self.max_iter),
            tolerance=float(self.tol),
            max_evaluations=int(self.max_fun),
            callback=say,
        )
        self.loss_curve_ += [float(row["loss"]) for row in history.rows]
        self.loss_ = self.loss_curve_[-1] if history.rows else machine.model.cost(samples)
        self.best_loss_ = self.loss_
        machine.model.release()  # buffers for all samples at once
        if not converged:
            self._warn_of_limit("L-BFGS")

    def _fit_stochastic(
        self, machine: Machine, samples: Samples, rng: np.random.RandomState, *, incremental: bool
    ) -> None:
        progress, train, count = Progress(self, None), None, len(samples)
        if self.early_stopping:
            train, held_out = self._split(samples, rng)
            count = len(train)
            progress.score = lambda: self._score_of(machine.model.predict(held_out.X), held_out)
            self.validation_scores_ = self.validation_scores_ or []
            if self.best_validation_score_ is None:
                self.best_validation_score_, self._best_theta = -np.inf, machine.model.theta.copy()
            self.best_loss_ = None
        elif self.best_loss_ is None:
            self.best_loss_ = np.inf
        positions = np.arange(count)

        def order(epoch: int) -> Array:
            nonlocal positions
            if self.shuffle:
                positions = shuffle(positions, random_state=rng)
            return positions

        fresh = not (incremental and self._steps)
        if fresh:
            self._rate = float(self.learning_rate_init)
        settings = Settings(
            epochs=1 if incremental else int(self.max_iter),
            batch_size=self._batch_size(count),
            optimizer=optimizer_of(self),
            learning_rate=float(self.learning_rate_init),
            schedule=lambda epoch: self._rate,
        )
        kept = None if fresh or machine.update is None else machine.update
        if kept is not None and kept.optimizer != settings.optimizer:
            kept = None
        trainer = Trainer(
            machine.model, samples, None, settings, callbacks=[progress], update=kept, rows=train, order=order
        )
        update = machine.update = trainer.update
        if kept is None and not fresh and self._moments.keys() == update.state.keys():
            for name, array in self._moments.items():
                update.state[name][...] = array
            update.count[...] = self._steps
        try:
            trainer.run()
        except KeyboardInterrupt:
            warnings.warn("training was interrupted: the parameters are those of the last step", stacklevel=4)
            trainer.stop = "interrupted"
        # The arrays themselves: they follow the optimizer, and an estimator that is copied or saved takes them along.
        self._moments, self._steps = update.state, int(update.count[0, 0])
        if self.early_stopping:
            machine.model.theta[...] = self._best_theta
        if not incremental and trainer.stop is None:
            self._warn_of_limit("stochastic training")

    def _split(self, samples: Samples, rng: np.random.RandomState) -> tuple[Array, Samples]:
        """The numbers of the samples to train on, which are read where they lie, and the others."""
        binary = self.out_activation_ == "logistic" and self.n_outputs_ == 1  # only this scikit-learn stratifies
        rows = train_test_split(
            np.arange(len(samples)),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=samples.targets[:, 0] if binary else None,
        )
        if len(rows[1]) < 2:
            raise DataError(
                f"early stopping would hold out {len(rows[1])} samples: raise validation_fraction or give more samples"
            )
        return rows[0], samples.take(rows[1])

    def _batch_size(self, n: int) -> int:
        if isinstance(self.batch_size, str):  # "auto"
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(f"batch_size={self.batch_size} is more than the {n} samples: all are one batch", stacklevel=5)
        return min(int(self.batch_size), n)

    def _warn_of_limit(self, what: str) -> None:
        warnings.warn(
            f"{what} stopped after {self.n_iter_} iterations without having converged: raise max_iter={self.max_iter}"
            f"{f' or max_fun={self.max_fun}' if self.solver == 'lbfgs' else ''}, or scale the data",
            ConvergenceWarning,
            stacklevel=5,
        )

    # --- the fitted network --------------------------------------------------------------------------------------

    def _output(self, X: Any) -> Array:
        """Ŷ, (N, n_L), for checked features."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False)
        machine: Machine | None = getattr(self, "_machine", None)
        if machine is None:  # unpickled or copied
            machine = self._machine = Machine(self._description)
        return machine.predict(_dense(X), self.coefs_, self.intercepts_)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_machine"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(X: Any) -> Any:
    return X.toarray() if hasattr(X, "toarray") else X


def _samples(machine: Machine, X: Array, encoded: Array, sample_weight: Any) -> Samples:
    """The samples of weight above 0."""
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight)
        if weights.ndim == 0:
            weights = np.full(len(X), weights)
    samples = machine.model.samples(X, encoded, weights)
    if samples.weights is None or samples.weights.all():
        return samples
    kept = np.flatnonzero(samples.weights)
    if not len(kept):
        raise DataError("every sample weight is zero: at least one must be above")
    return samples.take(kept)


__all__ = ["BaseMLP", "is_stochastic"]
