"""scikit-learn."""

from __future__ import annotations

import numpy as np

from .case import RATES, Case, Epoch, LeftOutError


def sklearn_partial_fit(case: Case, optimizer: str, threads: int) -> Epoch:
    """One epoch is one `partial_fit` of the reordered samples; scikit-learn has neither batch norm nor dropout."""
    from sklearn.neural_network import MLPClassifier

    if case.tabular:
        raise LeftOutError("scikit-learn has no batch norm")
    if case.dtype == "float64":  # losses are compared, nothing is timed
        _report_whole_losses()
    X, y = case.data()
    machine = MLPClassifier(
        case.widths[1:-1],
        solver=optimizer,
        alpha=0.0,
        batch_size=case.batch,
        learning_rate_init=RATES[optimizer],
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        max_iter=1,
    )
    machine.partial_fit(X[: case.batch], y[: case.batch], classes=np.arange(case.widths[-1]))
    for mine, W in zip(machine.coefs_, case.weights(), strict=True):
        mine[...] = W
    for mine in machine.intercepts_:
        mine[...] = 0
    del machine._optimizer  # its moments; the next call makes a fresh one

    def epoch(number: int) -> float:
        rows = case.order(number)
        machine.partial_fit(X[rows], y[rows])
        return float(machine.loss_)

    return epoch


def _report_whole_losses() -> None:
    """scikit-learn clips probabilities at the type's ε in the loss that it reports (not in the gradient): not here."""
    from sklearn.neural_network import _multilayer_perceptron as private

    def log_loss(Y: np.ndarray, Yhat: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        terms = np.where(Y > 0, Y * np.log(np.maximum(Yhat, np.finfo(Yhat.dtype).tiny)), 0)
        return float(-np.average(terms, weights=sample_weight, axis=0).sum())

    private.LOSS_FUNCTIONS["log_loss"] = log_loss
