"""One training of a table, from the data to the files of its run folder; and its continuation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import BUILTIN, Preprocessor
from ..errors import ConfigurationError, DataError, ModelFileError, NonFiniteError
from ..evaluate import Reading, overfitting
from ..execute import evaluate
from ..files import RunFolder, write_json
from ..train import Callback, History, Model, Trainer, save_model
from .architecture import build_model
from .cautions import overlooked
from .curves import TrainingCurve, comparable
from .keeper import INTERRUPTED, Every, FiniteWatch, Keeper, StepKeeper
from .measures import Judged, judge, watched
from .options import Options
from .preparation import Prepared, prepare

RECORD = 1  # version of what a checkpoint says about its run
_DEAD_FROM = 0.5  # from this share of dead units on a layer is worth a warning


@dataclass
class Job:
    """A prepared training: data, model, trainer."""

    options: Options
    data: Prepared
    model: Model
    trainer: Trainer
    keeper: Keeper | None = None
    lengthened: bool = False

    @classmethod
    def plan(cls, source: Any, options: Options) -> Job:
        """Read the data and build the model. Nothing is written."""
        data = prepare(source, options)
        return cls._of(data, options)

    @classmethod
    def _of(cls, data: Prepared, options: Options) -> Job:
        try:
            model = build_model(data, options)
            samples = {}
            for name, part in data.parts.items():
                if name != "test":
                    samples[name] = model.samples(part.X, part.y, codes=part.codes if part.codes.shape[1] else None)
            validation = samples.get("validation")
            settings = options.settings(len(samples["train"]), watched=validation is not None)
            trainer = Trainer(
                model, samples["train"], validation, settings, measures=watched(data.preprocessor) if validation else {}
            )
        except MemoryError:
            raise ConfigurationError(
                f"hidden={','.join(map(str, options.hidden))}: the memory of this machine does not suffice for this "
                "network and data: use fewer units or rows"
            ) from None
        trainer.callbacks += [TrainingCurve(samples["train"], trainer.measures, options.seed), FiniteWatch()]
        return cls(options, data, model, trainer)

    @classmethod
    def resume(cls, run: RunFolder, source: str | None = None, epochs: int | None = None) -> tuple[Job, list[str]]:
        """The job of the newest checkpoint in `run`, at its step, and notes on checkpoints that were skipped.

        source  where the data are now, if they were moved
        epochs  the new number of epochs in all, None for that of the run; with a schedule that does not depend on it,
                the lengthened run has the bits of one that was that long from the beginning

        Raises `ModelFileError` or `ConfigurationError` without a usable checkpoint or for epochs that are done already,
        `DataError` if the data are not those of the run, or gone.
        """
        newest = run.checkpoint_folder().newest()
        if newest is None:
            raise ConfigurationError(
                f"the run folder {str(run.path)!r} holds no checkpoint to resume from: start again with overwrite"
            )
        content = newest.bundle.content
        record, state = content.get("run"), content.get("trainer")
        if not isinstance(record, dict) or not isinstance(state, dict) or record.get("record") != RECORD:
            raise ModelFileError(f"{str(newest.path)!r} is no checkpoint of a table's training: start a new run")
        try:
            options, recorded = Options.from_json(record["options"]), str(record["source"])
            lengthened = epochs is not None and epochs != options.epochs
            if epochs is not None:
                done = int(state["epoch"]) - 1
                if epochs <= done:
                    raise ConfigurationError(
                        f"epochs={epochs}: the run {str(run.path)!r} has done {done} already; give a larger number"
                    )
                options = replace(options, epochs=epochs)
            if source is None and recorded not in BUILTIN and not Path(recorded).exists():
                raise DataError(
                    f"the data of the run {str(run.path)!r} are no longer at {recorded!r}: put them back, or name the "
                    "place where they are now as DATA"
                )
            job = cls.plan(source or recorded, options)
            job.lengthened = lengthened
            if job.data.fingerprint != record["fingerprint"]:
                raise DataError(
                    f"the data {source or recorded!r} have changed since the run {str(run.path)!r} began: "
                    "restore them, or start a new run"
                )
            job.trainer.restore(newest.bundle.tensors, state)
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{str(newest.path)!r} lacks what a resumed run needs ({error!r})") from None
        early, patience = job.trainer.early, job.trainer.settings.patience
        if early is not None and patience is not None and early.waited >= patience:
            job.trainer.stop = f"{job.trainer.watched} had not improved for {patience} epochs"
            job.trainer.history.stopped_early = True
        return job, newest.notes

    @property
    def record(self) -> dict[str, Any]:
        """What a checkpoint says about its run, so that it can be resumed without any option."""
        return {
            "record": RECORD,
            "source": self.data.source,
            "fingerprint": self.data.fingerprint,
            "options": self.options.to_json(),
        }

    def train(
        self,
        run: RunFolder | None = None,
        *,
        callbacks: Sequence[Callback] = (),
        every: Every | None = None,
        wanted: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train; False if `wanted` stopped it, with its state saved. On divergence the last finite model is saved."""
        if run is not None:
            kind = StepKeeper if every is not None and every.steps is not None else Keeper
            self.keeper = kind(
                run.checkpoint_folder(),
                self.record,
                every,
                wanted,
                lambda trainer: run.write_history(_ordered(trainer.history.rows)),
            )
            self.keeper.lengthened = self.lengthened
            run.metrics.unlink(missing_ok=True)  # a run in training has no measures yet
            self.trainer.callbacks.append(self.keeper)
        self.trainer.callbacks.extend(callbacks)
        try:
            self.trainer.run()
        except NonFiniteError as error:
            kept = self._last_finite(run)
            if run is None or not kept:
                raise
            self.save_model(run)
            run.write_history(_ordered(self.trainer.history.rows))
            raise NonFiniteError(f"{error}; the last finite model is saved as {str(run.model)!r}") from None
        if run is not None and self.trainer.stop == INTERRUPTED:
            self.save_model(run, unfinished=self.kept)
        return self.trainer.stop != INTERRUPTED

    @property
    def kept(self) -> str:
        """Of which moment the model's parameters are, in words."""
        best, trainer = self.trainer.history.best_epoch, self.trainer
        if best:
            return f"the parameters after epoch {best}, the best so far"
        return f"the parameters after {trainer.step:,} step{'' if trainer.step == 1 else 's'}"

    def _last_finite(self, run: RunFolder | None) -> bool:
        """Put the newest finite parameters into the model: its own, else those of the newest checkpoint."""
        theta = self.model.theta
        if np.isfinite(theta).all():
            return True
        newest = None
        if run is not None:
            with contextlib.suppress(ModelFileError):
                newest = run.checkpoint_folder().newest()
        if newest is None:
            return False
        theta[...] = newest.bundle.tensors["theta"]
        for name, value in self.model.state.items():
            value[...] = newest.bundle.tensors[f"state/{name}"]
        return True

    def save_model(self, run: RunFolder, unfinished: str | None = None) -> None:
        extra = {"preprocessor": self.data.preprocessor.to_json(), "data": self.data.name, **self.record}
        save_model(run.model, self.model, extra | ({} if unfinished is None else {"unfinished": unfinished}))

    def result(self) -> TableResult:
        """Judge the trained model on every part."""
        judged = {name: judge(self.model, self.data.preprocessor, part) for name, part in self.data.parts.items()}
        history = self.trainer.history
        stopped = self.trainer.stop if history.stopped_early else None
        return TableResult(
            self.model,
            self.data.preprocessor,
            history,
            judged,
            overfitting(comparable(history)),
            stopped,
            [*self.data.warnings, *dead_layers(self.model, self.data), *overlooked(judged, self.options)],
            self.data,
            self.options,
        )

    def finish(self, run: RunFolder, result: TableResult) -> None:
        """Write model, history and measures; only then the checkpoints go.

        The newest stays where the epochs ran out, for `resume(…, epochs=…)`; after an early stop nothing is to come.
        """
        self.save_model(run)
        run.write_history(_ordered(self.trainer.history.rows))
        write_json(run.metrics, result.to_json())
        run.checkpoint_folder().clear(keep=0 if self.trainer.history.stopped_early else 1)


@dataclass(frozen=True)
class TableResult:
    """What came of it.

    model, preprocessor  apply them to new rows with `saved.SavedRun` or by hand
    judged               by part, "train", "validation", "test": measures, confusion matrix or residuals
    reading              of the learning curves; stopped: why training stopped early, or None
    """

    model: Model
    preprocessor: Preprocessor
    history: History
    judged: Mapping[str, Judged]
    reading: Reading
    stopped: str | None
    warnings: list[str]
    data: Prepared
    options: Options

    @property
    def measures(self) -> dict[str, dict[str, float]]:
        return {name: j.measures for name, j in self.judged.items()}

    @property
    def curves(self) -> dict[str, list[float]]:
        """Training and validation loss and measure, one number per epoch, comparable with each other."""
        return comparable(self.history)

    @property
    def shown(self) -> str:
        """The part whose confusion matrix or residuals are shown: test, else validation, else train."""
        return next(name for name in ("test", "validation", "train") if name in self.judged)

    def to_json(self) -> dict[str, Any]:
        return {
            "finished": True,
            "data": {"name": self.data.name, "source": self.data.source, "fingerprint": self.data.fingerprint},
            "task": self.preprocessor.task,
            "target": self.preprocessor.target_name,
            "network": str(self.model.network),
            "parameters": int(self.model.theta.size),
            "measures": {name: dict(m) for name, m in self.measures.items()},
            "confusion": {name: found for name, j in self.judged.items() if (found := j.by_class())},
            "epochs": len(self.history.rows),
            "best_epoch": self.history.best_epoch,
            "stopped": self.stopped,
            "overfitting": self.reading.to_json(),
            "seconds": sum(row["seconds"] for row in self.history.rows),
            "warnings": self.warnings,
            "options": self.options.to_json(),
        }


def _ordered(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their columns in one order, which JSON in a checkpoint does not keep."""
    order = ("epoch", "loss", "train_loss", "val_loss")
    return [dict(sorted(row.items(), key=lambda item: (*(item[0] != name for name in order), item[0]))) for row in rows]


def dead_layers(model: Model, data: Prepared) -> list[str]:
    """Warnings for hidden ReLU layers of which many units are zero for every training row: they learn no more."""
    graph, part = model.prediction.graph, data.parts["train"]
    relu = {
        name: node
        for name, node in graph.items()
        if name.startswith("A[") and node is not model.prediction.output and node.op.name == "maximum"
    }
    if not relu:
        return []
    alive: dict[str, Any] = {}
    for start in range(0, len(part), 4096):
        rows = slice(start, start + 4096)
        values = {**model.parameters, **model.state, "A[0]": part.X[rows].T.astype(model.dtype, copy=False)}
        values |= {f"c[{k + 1}]": part.codes[rows, k][None, :] for k in range(part.codes.shape[1])}
        for name, A in zip(relu, evaluate(list(relu.values()), values, model.dtype), strict=True):
            some = (A > 0).any(axis=1)
            alive[name] = some | alive[name] if name in alive else some
    warnings = []
    for name, some in alive.items():
        dead, units = int((~some).sum()), len(some)
        layer = f"layer {name[2:-1].rstrip(chr(39))}"
        if dead == units:
            warnings.append(
                f"{layer} is dead: all its {units} ReLU units are 0 on every training row, so nothing before it "
                "learns; lower the learning rate, or use activation leaky_relu"
            )
        elif dead >= _DEAD_FROM * units:
            warnings.append(
                f"{layer}: {dead} of {units} ReLU units are 0 on every training row ({100 * dead / units:.0f} % dead); "
                "lower the learning rate, or use activation leaky_relu"
            )
    return warnings


def train_table(
    source: Any,
    options: Options | None = None,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
) -> TableResult:
    """Train on a table: read, split, preprocess, train with early stopping, measure; with `out` write a run folder.

    source  a path, a built-in name, a `Table`, a `Dataset`, or a DataFrame of pandas or polars

    >>> result = train_table("iris", Options(epochs=5))
    >>> sorted(result.measures)
    ['test', 'train', 'validation']
    """
    job = Job.plan(source, options or Options())
    if out is None:
        job.train(callbacks=callbacks)
        return job.result()
    with RunFolder(out, overwrite=overwrite) as run:
        job.train(run, callbacks=callbacks)
        result = job.result()
        job.finish(run, result)
    return result
