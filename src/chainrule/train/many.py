"""Many trainings at once over shared data: folds, grid points, seeds, ensemble members. One network per thread.

Nothing is shared that is written: each job has parameters, optimizer state and buffers of its own and reads the samples
where they are, so its numbers are those of the same training alone, bit for bit, for any number of threads.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError
from ..evaluate import CrossValidation, Fold, cross_validate, k_folds
from ..execute import aligned, bind
from ..nn import Loss, Network
from .callbacks import Callback
from .history import History
from .loop import Measure, Trainer
from .model import Model
from .orders import row_numbers
from .samples import Array, Samples
from .settings import Settings
from .stream import Stream
from .update import Update


@dataclass(frozen=True)
class Job:
    """One training of `fit_many`; the arguments are those of `Trainer`.

    model       trained in place, or a function that makes it when the job begins; no two jobs may share one
    samples     may be the same object in all jobs (a stream is read by each)
    rows        the numbers of those to train on, None for all
    validation  samples, or numbers of samples
    """

    model: Model | Callable[[], Model]
    samples: Samples | Stream
    rows: npt.ArrayLike | None = None
    validation: Samples | npt.ArrayLike | None = None
    settings: Settings = field(default_factory=Settings)
    measures: Mapping[str, Measure] = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()


@dataclass(frozen=True)
class Result:
    """What became of a job: the trained model and its history, or the error that ended it (then `history` is None).

    seconds  from the job's beginning to its end
    """

    model: Model | None
    history: History | None
    error: BaseException | None
    seconds: float


def fit_many(
    jobs: Iterable[Job], *, threads: int | None = None, callback: Callable[[int, Result], None] | None = None
) -> list[Result]:
    """Train every job, each as if it were alone, and return the results in the order of the jobs.

    threads   networks trained at the same time; None: one per processor this process may use
    callback  called in the calling thread with the job's place and result, in the order in which jobs end

    A job that fails leaves the others alone: its error is in its result. Ctrl-C, or an error in `callback`, stops all
    within a fraction of a second. Raises `ConfigurationError` where two jobs share a model.
    """
    todo = list(jobs)
    given = [job.model for job in todo if isinstance(job.model, Model)]
    if len({id(model) for model in given}) < len(given):
        raise ConfigurationError("two jobs share one model: give each its own, for example model.twin(seed)")
    waiting, ended = deque(enumerate(todo)), SimpleQueue[tuple[int, Result]]()
    crew = _Crew(given)

    def work() -> None:
        while True:
            try:
                k, job = waiting.popleft()
            except IndexError:
                return
            ended.put((k, crew.run(job)))

    workers = [threading.Thread(target=work, name=f"fit_many {i + 1}") for i in range(_threads(threads, len(todo)))]
    results: dict[int, Result] = {}
    try:
        for worker in workers:
            worker.start()
        while len(results) < len(todo):
            k, result = ended.get()
            results[k] = result
            if callback is not None:
                callback(k, result)
    finally:
        waiting.clear()
        crew.stopping = True
        for worker in workers:
            if worker.ident is not None:
                worker.join()
    return [results[k] for k in range(len(todo))]


def cross_validate_model(
    network: Network | str | Model,
    X: Any,
    y: Any,
    k: int = 10,
    settings: Settings | None = None,
    *,
    loss: str | Loss | None = None,
    dtype: npt.DTypeLike = np.float32,
    folds: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    measures: Mapping[str, Measure] | None = None,
    threads: int | None = None,
) -> CrossValidation:
    """k-fold cross-validation of a network: the measures of every fold, their mean and standard deviation.

    network   a network or its string, or a `Model`, whose loss, type and weighting then hold; it is not changed
    X, y      features (N, n_0); integer labels (N,) for several outputs, else numbers (N, n_L)
    folds     pairs (training, validation) of sample numbers; None: k folds drawn with the seed of `settings`,
              stratified by the labels (this needs scikit-learn)
    measures  name -> function(targets, Ŷ of shape (N, n_L)) -> number; None: accuracy for labels, else r2 and rmse

    Every fold starts from the parameters of the same seed. The mean loss of the validation samples is always measured.
    Raises the first error that a fold met.
    """
    chosen = settings or Settings()
    seed = chosen.seed
    first = network.twin(seed) if isinstance(network, Model) else _model(network, y, loss, dtype, seed)
    samples = first.samples(X, y)
    labels = first.objective.labels
    if folds is None:
        folds = k_folds(samples.targets if labels else len(samples), k, stratified=labels, seed=chosen.seed)
    pairs = [Fold(np.asarray(train), row_numbers(held, samples)) for train, held in folds]
    jobs = [Job(first.twin, samples, train, settings=chosen) for train, _ in pairs]
    used = measures or ({"accuracy": accuracy} if labels else {"r2": r2, "rmse": rmse})
    scores: list[dict[str, float]] = [{} for _ in pairs]

    def score(place: int, result: Result) -> None:
        if result.error is not None:
            result.error.add_note(f"(in fold {place + 1} of {len(pairs)})")
            raise result.error
        assert result.model is not None
        held = np.asarray(pairs[place][1])
        value, Yhat = result.model.loss_and_prediction(samples, held)
        scores[place] = {"loss": value} | {name: float(f(samples.targets[held], Yhat)) for name, f in used.items()}
        result.model.release()

    fit_many(jobs, threads=threads, callback=score)
    ready = iter(scores)
    return cross_validate(lambda train, held: next(ready), pairs)


def accuracy(targets: Array, Yhat: Array) -> float:
    """Share of samples whose largest output is that of their label."""
    return float(np.mean(Yhat.argmax(axis=1) == targets))


def rmse(targets: Array, Yhat: Array) -> float:
    """√(mean (y − ŷ)²), in the units of y."""
    return float(np.sqrt(np.mean(np.square(targets - Yhat, dtype=np.float64))))


def r2(targets: Array, Yhat: Array) -> float:
    """1 − Σ(y − ŷ)²/Σ(y − ȳ)², the mean over the outputs; NaN where y is constant."""
    rest = np.square(targets - Yhat, dtype=np.float64).sum(axis=0)
    whole = np.square(targets - targets.mean(axis=0, dtype=np.float64)).sum(axis=0)
    return float(np.mean(1 - rest / whole)) if whole.all() else float("nan")


def _model(network: Network | str, y: Any, loss: str | Loss | None, dtype: npt.DTypeLike, seed: int) -> Model:
    parsed = Network.parse(network) if isinstance(network, str) else network
    array = np.asarray(y)
    labels = array.ndim == 1 and parsed.outputs > 1
    return Model(parsed, loss, labels=labels, dtype=dtype, seed=seed)


def _threads(asked: int | None, jobs: int) -> int:
    if asked is None:
        usable = getattr(os, "sched_getaffinity", None)
        asked = len(usable(0)) if usable is not None else os.cpu_count() or 1
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise ConfigurationError(f"threads={asked!r}: it must be a whole number from 1 on")
    return min(asked, jobs)


class _Crew:
    """What the workers share: the planned updates, and whether to stop."""

    def __init__(self, given: Sequence[Model]) -> None:
        self.stopping = False
        self._lock = threading.Lock()
        self._updates: dict[Any, Update] = {}
        self._models = list(given)  # kept alive, so that identity means what it says

    def run(self, job: Job) -> Result:
        """Train one job; whatever it raises is its result."""
        started, model = time.perf_counter(), None
        try:
            with self._lock:  # formulas are derived and planned once, by one thread at a time
                model = job.model if isinstance(job.model, Model) else self._made(job.model)
                trainer = self._trainer(job, model)
            history = trainer.run()
            model.release()
            return Result(model, history, None, time.perf_counter() - started)
        except BaseException as error:
            return Result(model, None, error, time.perf_counter() - started)

    def _made(self, make: Callable[[], Model]) -> Model:
        model = make()
        if any(model is other for other in self._models):
            raise ConfigurationError("two jobs were given one model by their functions: each must make its own")
        self._models.append(model)
        return model

    def _trainer(self, job: Job, model: Model) -> Trainer:
        return Trainer(
            model,
            job.samples,
            job.validation,
            replace(job.settings, threads=1),
            rows=job.rows,
            callbacks=[_Stop(self), *job.callbacks],
            measures=dict(job.measures),
            update=self._update(job.settings, model),
        )

    def _update(self, s: Settings, model: Model) -> Update:
        """A fresh update; one of the same rule and numbers before it lends its plan."""
        o = s.make_optimizer()
        key = (o.rule, tuple(sorted(o.hyper.items())), s.clip_norm, s.clip_value)
        known = self._updates.get(key)
        if known is None:
            known = Update(o, model.theta, model.grad, model.decay, s.clip_norm, s.clip_value)
            self._updates[key] = known
            return known
        update = copy.copy(known)
        update.state = {name: aligned.full_like(model.theta, start) for name, start in o.state.items()}
        update.rate, update.count = np.zeros((1, 1), model.dtype), np.zeros((1, 1), model.dtype)
        arrays = {"theta": model.theta, "g": model.grad, "decay": model.decay, "lr": update.rate, "t": update.count}
        update.bound = bind(known.program, {"P": len(model.theta)}, model.dtype, {**arrays, **update.state})
        return update


class _Stop(Callback):
    """Ends a training at the next bounded interval once the crew is to stop."""

    def __init__(self, crew: _Crew) -> None:
        self.crew = crew

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        if self.crew.stopping:
            trainer.stop = "fit_many was stopped"


__all__ = ["Job", "Result", "cross_validate_model", "fit_many"]
