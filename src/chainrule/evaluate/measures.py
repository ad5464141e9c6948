"""Measures of predictions, computed by scikit-learn from checked input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ConfigurationError, DataError
from chainrule.evaluate.arrays import finite_array, target_pair
from chainrule.evaluate.confusion import Confusion
from chainrule.evaluate.labels import class_labels, positions, two_label_vectors

# Rows of soft-max outputs sum to 1 up to rounding; float32 with thousands of classes stays well inside this.
_ROW_SUM_TOLERANCE = 1e-3
# Above this the square of a float64 overflows.
_LARGEST = 1e150


def classification_measures(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    probabilities: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> dict[str, Any]:
    """Measure predicted labels, and predicted probabilities if given, against the true labels.

    y_true, y_pred: labels, shape (n,). probabilities: shape (n, K) with columns in the order of `labels`, or, for two
    classes, shape (n,) with the probability of the second. labels: the K classes; the sorted labels that occur if left
    out. sample_weight: shape (n,), ≥ 0.

    Returns `samples` (n), `accuracy`, `error_rate` (1 − accuracy), `precision_`, `recall_` and `f1_` each with `macro`,
    `micro`, `weighted` (0/0 counts as 0), with probabilities also `log_loss` (mean −ln p of the true class, in nats,
    p not below 2.2e-16) and `roc_auc` (area under the ROC curve; for more than two classes the mean over one class
    against the rest), and `notes`: a list of sentences on what was set to 0 or left out because it is not defined.

    Raises DataError for lengths that differ, NaN, unknown labels or numbers that are no probabilities, and
    ConfigurationError where scikit-learn is not installed.
    """
    true, predicted = two_label_vectors(y_true, y_pred)
    classes = class_labels(labels, true, predicted)
    truth, guess = positions(true, classes, "y_true"), positions(predicted, classes, "y_pred")
    weight = _weights(sample_weight, true.size)
    chance = None if probabilities is None else _probabilities(probabilities, true.size, classes)

    metrics = _scikit_learn_metrics()
    codes = np.arange(classes.size)
    accuracy = float(metrics.accuracy_score(truth, guess, sample_weight=weight))
    measures: dict[str, Any] = {"samples": int(true.size), "accuracy": accuracy, "error_rate": 1.0 - accuracy}
    for kind in ("macro", "micro", "weighted"):
        scores = metrics.precision_recall_fscore_support(
            truth, guess, labels=codes, average=kind, sample_weight=weight, zero_division=0
        )
        for name, score in zip(("precision", "recall", "f1"), scores, strict=False):
            measures[f"{name}_{kind}"] = float(score)

    notes = Confusion.from_predictions(true, predicted, classes).notes
    if chance is not None:
        if classes.size < 2:
            notes.append("log_loss and roc_auc need at least two classes; only one was given, so they are left out.")
        else:
            measures["log_loss"] = float(metrics.log_loss(truth, chance, labels=codes, sample_weight=weight))
            present = np.bincount(truth, weights=weight, minlength=classes.size) > 0
            if present.all():
                measures["roc_auc"] = _roc_auc(metrics, truth, chance, codes, weight)
            else:
                absent = classes[~present][0].item()
                notes.append(f"roc_auc is not defined, since no sample has the true class {absent!r}; it is left out.")
    return {**measures, "notes": notes}


def regression_measures(y: ArrayLike, yhat: ArrayLike) -> dict[str, Any]:
    """Measure predicted numbers against the true ones.

    y, yhat: shape (n,), or (n, k) for k outputs. With residuals r = y − ŷ:

    Returns `samples` (n), `r2` (1 − Σr²/Σ(y − ȳ)²), `mse` (mean r²), `rmse` (√mse), `mae` (mean |r|),
    `median_absolute_error`, `max_error` (largest |r|), `explained_variance` (1 − Var r / Var y) and `notes`. Of
    several outputs r2, explained_variance and median_absolute_error are the plain mean over the outputs, the others are
    over all numbers. Units: mse in those of y squared, r2 and explained_variance without, the others in those of y.

    Raises DataError for shapes that differ and numbers that are not finite, and ConfigurationError where scikit-learn
    is not installed.
    """
    truth, guess = target_pair(y, yhat)
    if max(np.abs(truth).max(), np.abs(guess).max()) > _LARGEST:
        raise DataError(f"y or yhat holds numbers above {_LARGEST:g}, whose squares overflow: use larger units.")
    metrics = _scikit_learn_metrics()
    samples = truth.shape[0]
    mse = float(metrics.mean_squared_error(truth, guess))
    measures: dict[str, Any] = {"samples": samples}
    notes = []
    if samples < 2:
        notes.append("r2 and explained_variance need at least two samples; they are left out.")
    else:
        measures["r2"] = float(metrics.r2_score(truth, guess))
        measures["explained_variance"] = float(metrics.explained_variance_score(truth, guess))
        if np.any(np.ptp(truth, axis=0) == 0):
            notes.append("y is constant, so r2 and explained_variance are x/0: set to 1 if exact, otherwise to 0.")
    measures |= {
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mae": float(metrics.mean_absolute_error(truth, guess)),
        "median_absolute_error": float(metrics.median_absolute_error(truth, guess)),
        "max_error": float(metrics.max_error(truth.ravel(), guess.ravel())),
    }
    return {**measures, "notes": notes}


def _scikit_learn_metrics() -> Any:
    try:
        from sklearn import metrics
    except ImportError as error:
        raise ConfigurationError(
            "measures need scikit-learn, which is not installed: pip install 'chainrule[estimators]'."
        ) from error
    return metrics


def _roc_auc(metrics: Any, truth: NDArray[Any], chance: NDArray[Any], codes: NDArray[Any], weight: Any) -> float:
    if codes.size == 2:
        return float(metrics.roc_auc_score(truth, chance[:, 1], sample_weight=weight))
    return float(
        metrics.roc_auc_score(truth, chance, multi_class="ovr", average="macro", labels=codes, sample_weight=weight)
    )


def _weights(sample_weight: ArrayLike | None, samples: int) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    weight = finite_array(sample_weight, "sample_weight")
    if weight.shape != (samples,):
        raise DataError(
            f"sample_weight has shape {weight.shape}, but one weight per sample, shape ({samples},), is needed."
        )
    if np.any(weight < 0) or not weight.any():
        raise DataError("sample_weight needs numbers ≥ 0 of which at least one is above 0.")
    return weight


def _probabilities(values: ArrayLike, samples: int, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Return probabilities of shape (n, K) whose rows sum to 1 exactly enough for float64."""
    chance = finite_array(values, "probabilities")
    if classes.size == 2 and chance.shape in ((samples,), (samples, 1)):
        chance = np.column_stack([1.0 - chance.ravel(), chance.ravel()])
    if chance.shape != (samples, classes.size):
        raise DataError(
            f"probabilities has shape {chance.shape}, but {samples} samples of {classes.size} classes need "
            f"({samples}, {classes.size}): give labels= if some classes occur in no label."
        )
    total = chance.sum(axis=1)
    bad = np.flatnonzero((np.abs(total - 1) > _ROW_SUM_TOLERANCE) | np.any((chance < 0) | (chance > 1), axis=1))
    if bad.size:
        raise DataError(
            f"row {bad[0]} of probabilities is {chance[bad[0]].tolist()[:6]} with sum {total[bad[0]]:.6g}, but "
            "probabilities lie in [0, 1] and a row sums to 1: apply softmax to logits first."
        )
    # A float32 soft-max sums to 1 only to 1e-7; scikit-learn would warn about that in float64.
    return np.asarray(chance / total[:, None])
