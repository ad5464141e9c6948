"""Training on all samples at once, by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..errors import NonFiniteError
from .history import History
from .model import Model
from .samples import Samples


def fit_full_batch(
    model: Model,
    samples: Samples,
    *,
    max_iterations: int = 200,
    tolerance: float = 1e-4,
    max_evaluations: int = 15000,
    callback: Callable[[int, float], None] | None = None,
) -> tuple[History, bool, int]:
    """L-BFGS over all samples at once, through SciPy (Liu & Nocedal 1989): (history, converged, iterations).

    tolerance  on the largest entry of the projected gradient, SciPy's `gtol`, as scikit-learn sets it
    """
    from scipy.optimize import minimize

    if samples.weights is not None and not samples.weights.all():
        samples = samples.take(np.flatnonzero(samples.weights))
    task = model.bound("gradient", len(samples))
    arrays = model.arrays(samples, model.gradient_program)
    history = History()
    last = [float("nan")]

    def evaluate(theta: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        model.theta[:, 0] = theta
        with np.errstate(all="ignore"):
            task.call(*arrays)
        last[0] = float(task.results["J"][0, 0])
        return last[0], model.grad[:, 0].astype(np.float64)

    def after(theta: npt.NDArray[np.float64]) -> None:
        history.append({"epoch": len(history.rows) + 1, "loss": last[0]})
        if callback is not None:
            callback(len(history.rows), last[0])

    flat = min(2.2e-9, 2.2e-5 * tolerance)  # SciPy's own at scikit-learn's tolerance; smaller where more is asked for
    found = minimize(
        evaluate,
        model.theta[:, 0].astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=after,
        options={"maxiter": max_iterations, "maxfun": max_evaluations, "gtol": tolerance, "ftol": flat},
    )
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        raise NonFiniteError("L-BFGS met a NaN or infinity in the cost: scale the data or lower the weights")
    model.theta[:, 0] = found.x
    return history, bool(found.success), int(found.nit)


__all__ = ["fit_full_batch"]
