"""Mini-batch gradient descent, the main loop of the third source: next batch, propagate, backpropagate, update."""

from __future__ import annotations

import math
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, DataError, ModelFileError, NonFiniteError
from .ahead import Ahead
from .blocks import Blocks, even
from .callbacks import Callback, EarlyStopping
from .history import History
from .model import Model
from .orders import in_range, permutation, row_numbers
from .samples import Array, Samples
from .schedules import Schedule
from .settings import Settings
from .steps import Steps
from .stream import Reader, Stream
from .update import Update

Measure = Callable[[Array, Array], float]

TOGETHER = 2**14  # samples of the epochs that may be one row of steps: their order stays in the cache


class Trainer:
    """One training run: its position, its optimizer state, its history; can be saved and resumed between any steps.

    model       trained in place
    samples     `model.samples(X, y, …)`; samples of weight 0 are left out. Or a `Stream`, read while training
    validation  watched after every epoch: samples, or numbers of `samples`, of which no copy is made; None: nothing
    measures    name -> function(targets, Ŷ of shape (N, n_L)) -> number, on the validation samples
    update      the update of an earlier run over the same model, to go on with its moments instead of fresh ones
    rows        numbers of the samples to train on, in place of all, repeated ones too: nothing is copied
    order       epoch -> the samples' order, in place of the one that `settings` give

    The order of the samples is a function of (seed, epoch), dropout of (seed, step): the same seed gives the same bits,
    and a resumed run is the run that was never interrupted.
    """

    def __init__(
        self,
        model: Model,
        samples: Samples | Stream,
        validation: Samples | npt.ArrayLike | None = None,
        settings: Settings | None = None,
        *,
        callbacks: Sequence[Callback] = (),
        measures: dict[str, Measure] | None = None,
        update: Update | None = None,
        rows: npt.ArrayLike | None = None,
        order: Callable[[int], Array] | None = None,
    ) -> None:
        self.model, self.settings = model, settings or Settings()
        self.rows: npt.NDArray[np.int64] | None = None
        self.held: npt.NDArray[np.int64] | None = None  # the numbers of the validation samples
        if validation is not None and not isinstance(validation, Samples):
            if isinstance(samples, Stream):
                raise ConfigurationError("a stream has no sample numbers: give validation samples in memory")
            self.held, validation = row_numbers(validation, samples), samples
        if isinstance(samples, Stream):
            if rows is not None or order is not None:
                raise ConfigurationError("a stream has an order of its own: give samples in memory with rows or order")
        elif rows is not None:
            self.rows = row_numbers(rows, samples)
        elif samples.weights is not None and not samples.weights.all():
            samples = samples.take(np.flatnonzero(samples.weights))
        self.count = len(samples) if self.rows is None else len(self.rows)
        if not self.count:
            raise DataError("there is no sample to train on: give at least one (of weight above 0)")
        self.data, self.validation = samples, validation
        self.batch_size = self.settings.batch_for(self.count)
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
        self.steps = Steps(model, self.update, [], count=self.count, batch=self.batch_size, threads=s.threads)
        self.blocks: Blocks | None = None
        self.reader: Reader | None = None
        self.ahead: Ahead | None = None
        if isinstance(samples, Stream):
            self.blocks = Blocks(samples.sizes, s.window, s.seed if s.shuffle else None)
            self.reader = Reader(samples, self.blocks, self.batch_size, s.epochs)
        else:
            self._show(samples)
            if s.block is not None and order is None:
                self.blocks = Blocks(even(self.count, s.block), s.window, s.seed if s.shuffle else None)
                if self.rows is None:
                    self.ahead = Ahead.over(samples.X, self.blocks, s.epochs)
        model.counters["seed"][...] = s.seed

    @property
    def samples(self) -> Samples:
        """The training samples; a stream's are not in memory, which is a `ConfigurationError`."""
        if isinstance(self.data, Samples):
            return self.data
        raise ConfigurationError("the samples of a stream are not in memory: leave out callbacks that need them all")

    @property
    def batches(self) -> int:
        """Steps per epoch."""
        return -(-self.count // self.batch_size)

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
        try:
            with np.errstate(all="ignore"):
                while self.epoch <= self.settings.epochs and self.stop is None:
                    self._epochs()
        finally:
            if self.reader is not None:
                self.reader.close()
                self.steps.release()
            if self.ahead is not None:
                self.ahead.close()
        for c in self.callbacks:
            c.on_train_end(self)
        return self.history

    def _order(self, epoch: int) -> Array:
        n = self.count
        if self.blocks is not None:
            return self.blocks.order(epoch)
        if not self.settings.shuffle:
            return np.arange(n)
        return permutation(self.settings.seed, n, epoch)

    def _show(self, samples: Samples) -> None:
        """The samples that the next steps gather from."""
        self.steps.inputs = self.model.arrays(samples, self.model.gradient_program, lying=True)

    def _whole_order(self, epochs: range) -> Array:
        """The order of these epochs, one after the other, as numbers of `samples`."""
        orders = [self.order(e) for e in epochs]
        if self.order != self._order:
            orders = [in_range(order, self.count) for order in orders]
        order = np.concatenate(orders) if len(orders) > 1 else orders[0]
        return order if self.rows is None else self.rows[order]

    def _rates(self, epochs: range) -> npt.NDArray[np.float64]:
        """The learning rate of every step of these epochs."""
        last, batches = self.settings.epochs, self.batches
        if not self.schedule.per_step:
            return np.repeat([self.schedule.rate(e - 1, last) for e in epochs], batches)
        return np.array([self.schedule.rate(e - 1 + k / batches, last) for e in epochs for k in range(batches)])

    def _together(self) -> int:
        """How many epochs, from the current one on, may be one row of steps: nobody asks or decides between them."""
        listens = any(
            getattr(type(c), name) is not getattr(Callback, name)
            for c in self.callbacks
            for name in ("on_epoch_begin", "on_batch_end", "on_epoch_end")
        )
        decides = type(self.schedule).report is not Schedule.report
        if listens or decides or self.validation is not None or self.reader is not None or self.ahead is not None:
            return 1
        return min(self.settings.epochs - self.epoch + 1, max(1, TOGETHER // self.count))

    def _epochs(self) -> None:
        """The rest of the current epoch, and later ones `_together` with it; between rows callbacks may stop it."""
        clock = time.perf_counter()
        if self.batch == 0:
            for c in self.callbacks:
                c.on_epoch_begin(self, self.epoch)
        listeners = [c for c in self.callbacks if type(c).on_batch_end is not Callback.on_batch_end]
        begun, batches = self.epoch, self.batches
        epochs = range(begun, begun + self._together())
        rates = self._rates(epochs)
        order, first, reach = np.empty(0, np.int64), 0, 0  # sample numbers of the steps first … reach - 1
        if self.reader is None:
            order, reach = self._whole_order(epochs), len(rates)
        while self.epoch in epochs and self.stop is None:
            step = (self.epoch - begun) * batches + self.batch
            if self.reader is not None and step >= reach:
                samples, order, reach = self.reader.at(self.epoch, self.batch)
                self._show(samples)
                first = step
            near = step + 1 if listeners else reach
            if self.ahead is not None:  # no further than what has been read
                end = self.ahead.at(self.epoch, self.batch * self.batch_size)
                near = min(near, max(step + 1, end // self.batch_size))
            self.model.counters["step"][...] = self.step
            rows = order[(self.epoch - begun) * self.count + (self.batch - first) * self.batch_size :]
            did = self.steps.advance(rows, self.batch, rates[step:near], (self._sums[0], self._sums[1]))
            self.step += did.done
            for cost, weight, ended in did.ended:
                self._sums[:2] = cost, weight
                clock = self._finish_epoch(clock, ended)
            self._sums[:2] = did.cost, did.weight
            self.batch = did.place
            if did.overflowed is not None:
                self._diverged(self.model.layer_of(did.overflowed), did.overflowed)
            if did.failed:
                self._failed(self.steps.size(self.batch))
            for c in listeners:
                c.on_batch_end(self, self.step, did.last)
            for c in self.callbacks:
                c.on_progress(self, self.epoch, self.batch)
            if self.batch == batches:
                clock = self._finish_epoch(clock, time.perf_counter())
        if self.batch:
            self._sums[2] += time.perf_counter() - clock

    def _finish_epoch(self, begun: float, ended: float) -> float:
        """Write the epoch down and begin the next; returns the clock. `begun`, `ended`: when it, or its rest, did."""
        epoch = self.epoch
        rate = self.schedule.rate(epoch - 1, self.settings.epochs)
        row: dict[str, Any] = {"epoch": epoch, "loss": self._sums[0] / self._sums[1]}
        if self.validation is not None:
            row["val_loss"], Yhat = self.model.loss_and_prediction(self.validation, self.held)
            targets = self.validation.targets if self.held is None else self.validation.targets[self.held]
            row |= {f"val_{name}": float(f(targets, Yhat)) for name, f in self.measures.items()}
        row["learning_rate"] = rate
        row["seconds"] = self._sums[2] + ended - begun
        self.history.append(row)
        self.epoch, self.batch, self._sums = epoch + 1, 0, [0.0, 0.0, 0.0]
        self.schedule.report(epoch, row[self.watched])
        for c in self.callbacks:
            c.on_epoch_end(self, epoch, row)
        return ended

    def _failed(self, size: int) -> None:
        """Say where the first value arose that is not finite; it has not reached the parameters."""
        given = dict(zip(self.model.gradient_program.inputs, self.steps.buffers[size], strict=True))
        codes = [given[n] for n in given if n.startswith("c[")]
        batch = Samples(
            given["A[0]"],
            given["y"][:, 0] if "y" in given else given["Y"],
            given["w"][:, 0] if "w" in given else None,
            np.hstack(codes) if codes else None,
        )
        self._diverged(*(self.model.first_non_finite(batch) or ("the cost", "J")))

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
            "samples": self.count,
            "batch_size": self.batch_size,
            "seed": self.settings.seed,
            "optimizer": self.update.optimizer.name,
            "blocks": self._blocks_mark,
        }
        if self.early is not None:
            content["early"] = {"best": self.early.best, "epoch": self.early.best_epoch, "waited": self.early.waited}
            tensors |= {f"best/{n}": v for n, v in self.early.kept.items()}
        return {n: v.copy(order="F") for n, v in tensors.items()}, content

    @property
    def _blocks_mark(self) -> str | None:
        """What tells one order of blocks from another."""
        b = self.blocks
        return None if b is None else f"{len(b.sizes)} of sum {zlib.crc32(b.sizes.tobytes()):08x}, {b.window} at a time"

    def restore(self, tensors: dict[str, Array], content: dict[str, Any]) -> None:
        """Continue from a snapshot of a run with the same data, network and settings."""
        for name, mine in (
            ("samples", self.count),
            ("batch_size", self.batch_size),
            ("seed", self.settings.seed),
            ("optimizer", self.update.optimizer.name),
            ("blocks", self._blocks_mark),
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
    samples: Samples | Stream,
    validation: Samples | npt.ArrayLike | None = None,
    settings: Settings | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    measures: dict[str, Measure] | None = None,
) -> History:
    """Train a model in place and return its history; see `Trainer`.

    Warns of one class alone, and of a batch larger than the data.
    """
    if isinstance(samples, Samples) and len(samples):
        size, y = settings.batch_size if settings else None, samples.targets
        if size is not None and size > len(samples):
            warnings.warn(f"batch_size={size} is more than the {len(samples)} samples: all are one batch", stacklevel=2)
        if model.objective.labels and (y == y[0]).all():
            warnings.warn(
                f"all {len(samples)} samples have the label {y[0]}: nothing else can be learned", stacklevel=2
            )
    return Trainer(model, samples, validation, settings, callbacks=callbacks, measures=measures).run()
