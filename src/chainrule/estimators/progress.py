"""What scikit-learn's networks do at the end of an epoch: record, compare, lower the rate, stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..train import Callback, Trainer


class Progress(Callback):
    """Keeps an estimator's fitted attributes up to date and stops its training.

    score  the validation score of the present parameters, watched in place of the training loss if given

    Training stops when more than `n_iter_no_change` epochs in a row brought no improvement of at least `tol`; with the
    adaptive rate it is divided by 5 instead, until it is 10⁻⁶.
    """

    def __init__(self, estimator: Any, score: Callable[[], float] | None) -> None:
        self.estimator, self.score = estimator, score

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
        e = self.estimator
        e.n_iter_, e.loss_ = epoch, float(row["loss"])
        e.t_ += trainer.count
        e.loss_curve_.append(e.loss_)
        self._say(f"Iteration {epoch}, loss = {e.loss_:.8f}")
        improved = self._loss_improved() if self.score is None else self._score_improved(self.score(), trainer)
        e._waited = 0 if improved else e._waited + 1
        scheduled = e.solver != "adam"  # as in scikit-learn, adam keeps its rate
        if scheduled and e.learning_rate == "invscaling":
            e._rate = e.learning_rate_init / (e.t_ + 1) ** e.power_t
        if e._waited > e.n_iter_no_change:
            watched = "Training loss" if self.score is None else "Validation score"
            said = f"{watched} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs."
            if scheduled and e.learning_rate == "adaptive" and e._rate > 1e-6:
                e._rate, e._waited = e._rate / 5, 0
                self._say(f"{said} Setting learning rate to {e._rate:f}")
            else:
                trainer.stop = said
                self._say(f"{said} Stopping.")

    def _loss_improved(self) -> bool:
        e = self.estimator
        improved = not e.loss_ > e.best_loss_ - e.tol
        e.best_loss_ = min(e.best_loss_, e.loss_)
        return improved

    def _score_improved(self, score: float, trainer: Trainer) -> bool:
        e = self.estimator
        e.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        improved = not score < e.best_validation_score_ + e.tol
        if score > e.best_validation_score_:
            e.best_validation_score_, e._best_theta = score, trainer.model.theta.copy()
        return improved

    def _say(self, text: str) -> None:
        if self.estimator.verbose:
            print(text)


__all__ = ["Progress"]
