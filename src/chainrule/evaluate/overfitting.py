"""Reading of the learning curves: does the network still learn, generalize, or overfit?

Overfitting: the trained model fits the training data very well but fails to generalize to new examples
(TSM_DeepLearn, Back-Propagation, "Overfitting"). In the curves: the validation loss rises while the training loss goes
on falling.

How it is read, with V the validation loss, T the training loss, b the epoch of least V, n the number of epochs:

* level at the end: median of the last max(1, n // 10) epochs, so that one bad epoch decides nothing;
* noise of V: σ = median |V_{t-1} − 2 V_t + V_{t+1}| / (0.6745 √6), the standard deviation of independent noise on a
  curve that is straight from epoch to epoch;
* V rises if its level at the end is above V_b by more than `RISE` of |V_b|, by more than `RISE_OF_RANGE` of the whole
  fall max V − V_b, and by more than `NOISE` σ, with at least `PATIENCE` epochs after b;
* V still falls if the mean of its last tenth (at least 2 epochs) is below that of the tenth before by more than `FALL`
  of its size and by more than `NOISE` standard errors σ √(2 / w), w the epochs of a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, counted
from chainrule.evaluate.arrays import learning_curve

MINIMUM_EPOCHS = 5
PATIENCE = 3
RISE = 0.05
RISE_OF_RANGE = 0.01
NOISE = 3.0
FALL = 0.02
# A network whose training loss fell by less than this share has hardly learned.
LEARNED = 0.05
# Above this share of the validation loss the gap is worth a word even when the validation loss does not rise.
WIDE_GAP = 0.5

Kind = Literal["underfit/still improving", "good", "overfitting", "cannot tell"]


@dataclass(frozen=True)
class Reading:
    """What the learning curves say.

    kind: the verdict without its epoch. best_epoch: epoch of least validation loss, counted from 1. since: first epoch
    of overfitting. gap_at_best, gap_at_end: validation minus training loss there, in the units of the loss (the end is
    the median of the last tenth). epochs: how many were read. reason: one sentence with the numbers. What cannot be
    told is None.
    """

    kind: Kind
    reason: str
    epochs: int
    best_epoch: int | None = None
    since: int | None = None
    gap_at_best: float | None = None
    gap_at_end: float | None = None

    @property
    def verdict(self) -> str:
        """The kind, and for overfitting the epoch since which: 'overfitting since epoch 12'."""
        return self.kind if self.since is None else f"{self.kind} since epoch {self.since}"

    def to_json(self) -> dict[str, Any]:
        return {"verdict": self.verdict, **asdict(self)}

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


def overfitting(history: Mapping[str, Sequence[float]]) -> Reading:
    """Judge the curves `loss` and `val_loss`, one number per epoch each.

    Without `val_loss`, with fewer than 5 epochs, or with losses that are not finite, the verdict is "cannot tell".
    Raises DataError without `loss`, for curves of different length, and for entries that are no numbers.
    """
    T = learning_curve(history, "loss")
    n = T.size
    if "val_loss" not in history:
        return Reading("cannot tell", "there is no validation loss to compare the training loss with.", n)
    V = learning_curve(history, "val_loss")
    if V.size != n:
        raise DataError(f"loss has {n} epochs and val_loss {V.size}, but both need one number per epoch.")
    for name, curve in (("training", T), ("validation", V)):
        bad = np.flatnonzero(~np.isfinite(curve))
        if bad.size:
            return Reading("cannot tell", f"the {name} loss of epoch {bad[0] + 1} is {curve[bad[0]]}.", n)
    if n < MINIMUM_EPOCHS:
        few = f"{counted(n, 'epoch')} {'is' if n == 1 else 'are'} too few"
        return Reading("cannot tell", f"{few}, {MINIMUM_EPOCHS} are needed.", n)
    return _judge(T, V)


def _judge(T: NDArray[np.float64], V: NDArray[np.float64]) -> Reading:
    n = V.size
    b = int(np.argmin(V))
    tail = max(1, n // 10)
    T_end, V_end = float(np.median(T[-tail:])), float(np.median(V[-tail:]))
    # The training loss at the best epoch, read as at the end, so that noise alone is no fall.
    T_best = float(np.median(T[max(0, b - tail // 2) : b + tail // 2 + 1]))
    noise = _noise(V)
    threshold = max(RISE * abs(V[b]), RISE_OF_RANGE * (V.max() - V[b]), NOISE * noise)
    rises = n - 1 - b >= PATIENCE and V_end - V[b] > threshold

    def reading(kind: Kind, reason: str, since: int | None = None) -> Reading:
        return Reading(kind, reason, n, b + 1, since, float(V[b] - T[b]), V_end - T_end)

    if rises:
        rose = f"after epoch {b + 1} the validation loss rose from {V[b]:.4g} to {V_end:.4g}"
        if T_end < T_best:
            return reading(
                "overfitting", f"{rose} while the training loss fell from {T_best:.4g} to {T_end:.4g}.", since=b + 2
            )
        return reading(
            "cannot tell",
            f"{rose}, but the training loss did not fall either ({T_best:.4g} to {T_end:.4g}): "
            "the learning rate may be too large.",
        )
    w = max(2, n // 10)
    before, last = float(V[-2 * w : -w].mean()), float(V[-w:].mean())
    if before - last > max(FALL * abs(last), NOISE * noise * math.sqrt(2 / w)):
        return reading(
            "underfit/still improving",
            f"the validation loss still falls, from {before:.4g} to {last:.4g} between the last two groups of {w} "
            "epochs: train longer.",
        )
    if T[0] - T_end < LEARNED * abs(T[0]):
        return reading(
            "underfit/still improving",
            f"the training loss fell only from {T[0]:.4g} to {T_end:.4g} in {n} epochs: the network hardly learned.",
        )
    wide = ", a wide gap that more data or regularization may narrow" if V_end - T_end > WIDE_GAP * abs(V_end) else ""
    return reading(
        "good",
        f"the validation loss has settled at {V_end:.4g} (least {V[b]:.4g} in epoch {b + 1}) and does not rise; the "
        f"training loss is {T_end:.4g}{wide}.",
    )


def _noise(V: NDArray[np.float64]) -> float:
    """Standard deviation of independent noise on a locally straight curve; Var(a − 2b + c) = 6 σ²."""
    return float(np.median(np.abs(np.diff(V, 2)))) / (0.6745 * math.sqrt(6))
