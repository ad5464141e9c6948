"""Mini-batch gradient descent, the main loop of the third source: next batch, propagate, backpropagate, update."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ModelFileError, NonFiniteError
from .callbacks import Callback, EarlyStopping
from .history import History
from .model import Model
from .samples import Array, Samples
from .settings import Settings
from .update import Update

Measure = Callable[[Array, Array], float]

_SAFE = 1e30  # (η‖g‖)² of a step that cannot overflow even float32: ‖Δθ‖ stays far below 1e38


class Trainer:
    """One training run: its position, its optimizer state, its history; can be saved and resumed between any steps.

    model       trained in place
    samples     `model.samples(X, y, …)`; samples of weight 0 are left out
    validation  watched after every epoch, or None
    measures    name -> function(targets, Ŷ of shape (N, n_L)) -> number, on the validation samples
    update      the update of an earlier run over the same model, to go on with its moments instead of fresh ones
    order       epoch -> the samples' order, in place of the one that `settings` give

    The order of the samples is a function of (seed, epoch), dropout of (seed, step): the same seed gives the same bits,
    and a resumed run is the run that was never interrupted.
    """

    def __init__(
        self,
        model: Model,
        samples: Samples,
        validation: Samples | None = None,
        settings: Settings | None = None,
        *,
        callbacks: Sequence[Callback] = (),
        measures: dict[str, Measure] | None = None,
        update: Update | None = None,
        order: Callable[[int], Array] | None = None,
    ) -> None:
        self.model, self.settings = model, settings or Settings()
        if samples.weights is not None and not samples.weights.all():
            samples = samples.take(np.flatnonzero(samples.weights))
        if not len(samples):
            raise DataError("there is no sample to train on: give at least one (of weight above 0)")
        self.samples, self.validation = samples, validation
        self.batch_size = self.settings.batch_for(len(samples))
        self.schedule = self.settings.make_schedule()
        s = self.settings
        self.update = update or Update(
            s.make_optimizer(), model.theta, model.grad, model.decay, s.clip_norm, s.clip_value
        )
        self.order = order or self._order
        self.measures = measures or {}
        self.history = History()
        self.epoch, self.batch, self.step = 1, 0, 0  # next epoch (from 1), batches done in it, steps done
        self.stop: str | None = None
        self._sums = [0.0, 0.0, 0.0]  # cost · weight, weight, seconds of the unfinished epoch
        self.early = EarlyStopping(s.patience, s.min_change, s.restore_best) if s.patience else None
        self.callbacks: list[Callback] = [*([self.early] if self.early else []), *callbacks]
        self._buffers: dict[int, list[Array]] = {}
        model.counters["seed"][...] = s.seed

    @property
    def batches(self) -> int:
        """Steps per epoch."""
        return -(-len(self.samples) // self.batch_size)

    @property
    def watched(self) -> str:
        return "loss" if self.validation is None else "val_loss"

    def run(self) -> History:
        """Train to the end, or to where `stop` is set.

        Raises `NonFiniteError` at the first NaN or infinity; the last finite parameters are kept.
        """
        for c in self.callbacks:
            c.on_train_begin(self)
        for name, value in self.model.parameters.items():
            if not np.isfinite(value).all():
                self._diverged(self.model.layer_of(name), name)
        with np.errstate(all="ignore"):
            while self.epoch <= self.settings.epochs and self.stop is None:
                self._epoch()
        for c in self.callbacks:
            c.on_train_end(self)
        return self.history

    def _order(self, epoch: int) -> Array:
        n = len(self.samples)
        if not self.settings.shuffle:
            return np.arange(n)
        return np.random.Generator(np.random.Philox(key=[self.settings.seed, epoch])).permutation(n)

    def next_batches(self, order: Array) -> Iterator[tuple[int, list[Array]]]:
        """The batches of an epoch from the current one on, gathered into buffers that are used again."""
        arrays = self.model.arrays(self.samples, self.model.gradient_program)
        for number in range(self.batch, self.batches):
            rows = order[number * self.batch_size : (number + 1) * self.batch_size]
            m = len(rows)
            if m not in self._buffers:
                self._buffers[m] = [np.empty((m, a.shape[1]), a.dtype) for a in arrays]
            buffers = self._buffers[m]
            for a, out in zip(arrays, buffers, strict=True):
                a.take(rows, axis=0, out=out, mode="clip")
            yield m, buffers

    def _epoch(self) -> None:
        started = time.perf_counter()
        if self.batch == 0:
            for c in self.callbacks:
                c.on_epoch_begin(self, self.epoch)
        weighted = self.model.objective.weighted
        listeners = [c for c in self.callbacks if type(c).on_batch_end is not Callback.on_batch_end]
        counter, grad = self.model.counters["step"], self.model.grad[:, 0]
        sums, batches = self._sums, self.batches
        for m, buffers in self.next_batches(self.order(self.epoch)):
            counter[0, 0] = self.step
            task = self.model.bound("gradient", m)
            kept = {n: v.copy() for n, v in self.model.state.items()}
            task.call(*buffers)
            cost = float(task.results["J"][0, 0])
            square = float(grad.dot(grad))
            if not math.isfinite(cost + square):
                self._guard(cost, kept, buffers)
            weight = float(buffers[-1].sum()) if weighted else float(m)
            progress = self.epoch - 1 + self.batch / batches
            rate = self.schedule.rate(progress, self.settings.epochs)
            if rate <= 10 and rate * rate * square < _SAFE:
                self.update.step(rate)
            else:
                self._try_update(rate, kept)
            sums[0] += cost * weight
            sums[1] += weight
            self.step += 1
            self.batch += 1
            for c in listeners:
                c.on_batch_end(self, self.step, cost)
            if self.stop is not None and self.batch < batches:
                sums[2] += time.perf_counter() - started
                return
        self._finish_epoch(time.perf_counter() - started)

    def _finish_epoch(self, seconds: float) -> None:
        epoch = self.epoch
        rate = self.schedule.rate(epoch - 1, self.settings.epochs)
        row: dict[str, Any] = {"epoch": epoch, "loss": self._sums[0] / self._sums[1]}
        if self.validation is not None:
            row["val_loss"], Yhat = self.model.loss_and_prediction(self.validation)
            row |= {f"val_{name}": float(f(self.validation.targets, Yhat)) for name, f in self.measures.items()}
        row["learning_rate"] = rate
        row["seconds"] = self._sums[2] + seconds
        self.history.append(row)
        self.epoch, self.batch, self._sums = epoch + 1, 0, [0.0, 0.0, 0.0]
        self.schedule.report(epoch, row[self.watched])
        for c in self.callbacks:
            c.on_epoch_end(self, epoch, row)

    def _guard(self, cost: float, kept: dict[str, Array], buffers: list[Array]) -> None:
        """Stop at the first value that is not finite, before it reaches the parameters, and say where it arose."""
        if math.isfinite(cost) and np.isfinite(self.model.grad).all():
            return  # only the square of a large gradient overflowed
        for n, v in kept.items():
            self.model.state[n][...] = v
        given = dict(zip(self.model.gradient_program.inputs, buffers, strict=True))
        codes = [given[n] for n in given if n.startswith("c[")]
        batch = Samples(
            given["A[0]"],
            given["y"][:, 0] if "y" in given else given["Y"],
            given["w"][:, 0] if "w" in given else None,
            np.hstack(codes) if codes else None,
        )
        self._diverged(*(self.model.first_non_finite(batch) or ("the cost", "J")))

    def _try_update(self, rate: float, kept: dict[str, Array]) -> None:
        """A step so large that it may overflow: if it does, the parameters and all state stay what they were."""
        arrays = [self.model.theta, *self.update.state.values(), self.update.count]
        before = [a.copy() for a in arrays]
        self.update.step(rate)
        name = next((n for n, value in self.model.parameters.items() if not np.isfinite(value).all()), None)
        if name is None:
            return
        for array, old in zip(arrays, before, strict=True):
            array[...] = old
        for n, v in kept.items():
            self.model.state[n][...] = v
        self._diverged(self.model.layer_of(name), name)

    def _diverged(self, layer: str, tensor: str) -> NoReturn:
        raise NonFiniteError(
            f"training met the first NaN or infinity in step {self.step + 1} (epoch {self.epoch}): {tensor} in {layer};"
            " the last finite parameters are kept; lower the learning rate, clip gradients, or scale the data"
        )

    # --- saving and resuming -------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Everything a run needs to go on as if it had not stopped: tensors, and plain JSON."""
        tensors = {"theta": self.model.theta}
        tensors |= {f"state/{n}": v for n, v in self.model.state.items()}
        tensors |= {f"optimizer/{n}": v for n, v in self.update.state.items()}
        content: dict[str, Any] = {
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "updates": int(self.update.count[0, 0]),
            "sums": [float(x) for x in self._sums],
            "history": [{k: _number_or_none(v) for k, v in row.items()} for row in self.history.rows],
            "schedule": self.schedule.state(),
            "samples": len(self.samples),
            "batch_size": self.batch_size,
            "seed": self.settings.seed,
            "optimizer": self.update.optimizer.name,
        }
        if self.early is not None:
            content["early"] = {"best": self.early.best, "epoch": self.early.best_epoch, "waited": self.early.waited}
            tensors |= {f"best/{n}": v for n, v in self.early.kept.items()}
        return {n: v.copy(order="F") for n, v in tensors.items()}, content

    def restore(self, tensors: dict[str, Array], content: dict[str, Any]) -> None:
        """Continue from a snapshot of a run with the same data, network and settings."""
        for name, mine in (
            ("samples", len(self.samples)),
            ("batch_size", self.batch_size),
            ("seed", self.settings.seed),
            ("optimizer", self.update.optimizer.name),
        ):
            if content.get(name) != mine:
                raise ModelFileError(
                    f"the checkpoint was written with {name}={content.get(name)}, this run has {mine}: "
                    "use the same data and settings"
                )
        targets = {"theta": self.model.theta}
        targets |= {f"state/{n}": v for n, v in self.model.state.items()}
        targets |= {f"optimizer/{n}": v for n, v in self.update.state.items()}
        for name, target in targets.items():
            if name not in tensors or tensors[name].shape != target.shape or tensors[name].dtype != target.dtype:
                raise ModelFileError(
                    f"the checkpoint has no {name} of shape {target.shape} and type {target.dtype}: "
                    "it is of another network or optimizer"
                )
        for name, target in targets.items():
            target[...] = tensors[name]
        self.epoch, self.batch, self.step = content["epoch"], content["batch"], content["step"]
        self.update.count[...] = content["updates"]
        self._sums = list(content["sums"])
        nan = float("nan")
        self.history.rows = [{k: nan if v is None else v for k, v in r.items()} for r in content["history"]]
        self.schedule.restore(content["schedule"])
        if self.early is not None and "early" in content:
            e = content["early"]
            self.early.best, self.early.best_epoch, self.early.waited = e["best"], e["epoch"], e["waited"]
            self.early.kept = {n.removeprefix("best/"): v for n, v in tensors.items() if n.startswith("best/")}
            self.history.best_epoch = e["epoch"] or None
            self.early.check(self)


def _number_or_none(value: Any) -> Any:
    """JSON knows no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fit(
    model: Model,
    samples: Samples,
    validation: Samples | None = None,
    settings: Settings | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    measures: dict[str, Measure] | None = None,
) -> History:
    """Train a model in place and return its history; see `Trainer`."""
    return Trainer(model, samples, validation, settings, callbacks=callbacks, measures=measures).run()


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
