"""The classifier: binary, multi-class and multi-label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from ..errors import ConfigurationError, DataError
from ..train import Samples
from .base import BaseMLP, is_stochastic
from .machine import Array


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A fully connected classifier with scikit-learn's contract, trained on the derived gradient.

    It minimizes J = 1/Σw (Σ_j w_j ℓ_j + α/2 Σ_l ‖W[l]‖²), where ℓ is the cross-entropy of a soft-max for three or more
    classes, and the binary cross-entropy of sigmoids for two classes (one output) and for multi-label targets (one
    output per label).

    Parameters have the names, defaults and meaning of scikit-learn's `MLPClassifier`, from the same `random_state`
    come the same initial weights and batches, and with the same data, up to rounding, the same fit. More is allowed:

    activation          also every name in `chainrule.ops.ACTIVATIONS`, or a function of Z that returns an expression
    solver              also every name in `chainrule.train.OPTIMIZERS`, or an `Optimizer`; `momentum`, `beta_1`,
                        `beta_2`, `epsilon` go to those that have them
    learning_rate       read by every solver but `adam` and `lbfgs`
    momentum            below 1

    fit(X, y, sample_weight=None): X (N, n_0), also a data frame or a sparse matrix (turned into a dense one: N · n_0
    numbers in memory); y (N,) of any labels, or (N, K) of 0 and 1 for multi-label. A weight of 0 is the same as to
    leave the sample out, a whole weight the same as to repeat it, as long as all samples make one batch.

    Fitted: `classes_`, `coefs_` (list of W[l]ᵀ, n_{l-1} × n_l), `intercepts_`, `loss_`, `best_loss_`, `loss_curve_`,
    `validation_scores_`, `best_validation_score_`, `n_iter_`, `t_`, `n_layers_`, `n_outputs_`, `out_activation_`,
    `n_features_in_`, `feature_names_in_`. With one class there is one column of probability 1.

    Raises `ChainruleError` (a `ValueError`) for data and numbers that cannot be used, `NonFiniteError` where training
    diverges; warns with `ConvergenceWarning` when `max_iter` ends it.

    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> MLPClassifier((5,), "tanh", solver="lbfgs", random_state=0).fit(X, y).predict([[0.2], [2.8]])
    array(['low', 'high'], dtype='<U4')
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on X (N, n_0) and y; `sample_weight` (N,) of numbers from 0 on, or None."""
        self._fit(X, y, sample_weight, incremental=False)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One epoch over the given samples, going on from where the last call stopped.

        classes  all labels that will ever come; needed in the first call (ignored there for multi-label targets)
        """
        self._validate_params()
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ConfigurationError("the first call to partial_fit needs classes: give all labels that will come")
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ConfigurationError(
                f"classes={classes!r} are not those of the first call to partial_fit, {self.classes_!r}: leave them out"
            )
        self._fit(X, y, sample_weight, incremental=True, classes=classes)
        return self

    def _encode(self, y: Any, *, first: bool, classes: Any) -> tuple[Array, int, str]:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise DataError(
                "y has several columns of classes: fit one classifier per column, or give 0 and 1 per label"
            )
        multilabel = kind == "multilabel-indicator"
        if not multilabel:
            y = column_or_1d(y, warn=True)
        if first:
            self._multilabel = multilabel
            self.classes_ = unique_labels(y if multilabel or classes is None else classes)
        elif multilabel != self._multilabel:
            raise DataError("y is of another kind (multi-label or not) than in the previous fit: fit anew")
        K = len(self.classes_)
        if multilabel:
            if y.shape[1] != K:
                raise DataError(f"y has {y.shape[1]} labels per sample, the previous fit had {K}: fit anew")
            return y, K, "logistic"
        found = np.unique(y)
        unknown = np.setdiff1d(found, self.classes_)
        if len(unknown):
            raise DataError(f"y has classes {unknown} that are not in classes_ {self.classes_}: give them all at first")
        if not first and self.warm_start and len(found) < K:
            raise DataError(
                f"warm_start needs the same classes as before: y has {found}, the previous fit had {self.classes_}"
            )
        index = np.searchsorted(self.classes_, y)
        return (index, K, "softmax") if K > 2 else (index[:, None], 1, "logistic")

    def _decide(self, Yhat: Array) -> Array:
        """Indices of classes (N,), or (N, K) of 0 and 1."""
        if self.out_activation_ == "softmax":
            best: Array = Yhat.argmax(axis=1)
            return best
        chosen: Array = (Yhat > 0.5).astype(int)
        return chosen if self._multilabel else np.minimum(chosen[:, 0], len(self.classes_) - 1)

    def _score_of(self, Yhat: Array, samples: Samples) -> float:
        targets = samples.targets if self._multilabel or samples.targets.ndim == 1 else samples.targets[:, 0]
        return float(accuracy_score(targets, self._decide(Yhat), sample_weight=samples.weights))

    def predict(self, X: Any) -> Array:
        """The likeliest class of each sample (N,), or the labels of probability above 1/2 as (N, K) of 0 and 1."""
        chosen = self._decide(self._output(X))
        return chosen if self._multilabel else self.classes_.take(chosen)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (N, K), columns in the order of `classes_`; rows sum to 1 unless multi-label."""
        Yhat = self._output(X)
        if self.out_activation_ == "softmax" or self._multilabel:
            return Yhat
        return np.hstack([1 - Yhat, Yhat]) if len(self.classes_) == 2 else np.ones_like(Yhat)

    def predict_log_proba(self, X: Any) -> Array:
        """ln of `predict_proba`, -∞ where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


__all__ = ["MLPClassifier"]
