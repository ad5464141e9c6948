"""`chainrule train`: from data to a folder with model, measures and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..errors import ConfigurationError
from ..show.painter import Painter
from .kinds import Separator, Widths
from .output import Output
from .signals import Interruption, Stopped

EXAMPLE = """\b
Examples:
  chainrule train digits
  chainrule train table.csv --target price --out runs/price
  chainrule train mnist/ --hidden 128 --epochs 10
  chainrule train --resume --out runs/price --epochs 400
"""
# What may be said together with --resume; everything else is recorded in the run.
_BESIDE_RESUME = {"data", "out", "overwrite", "resume", "epochs", "checkpoint_every", "quiet", "debug"}


@click.command(name="train", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("data", required=False)
@click.option("--target", metavar="COLUMN", help="Column to predict.  [default: detected]")
@click.option("--task", metavar="classification|regression", help="What it is.  [default: detected]")
@click.option("--drop", metavar="COLUMN", multiple=True, help="Leave this column out; may be repeated.")
@click.option("--category", "categories", metavar="COLUMN", multiple=True, help="Read this column as text.")
@click.option("--separator", type=Separator(), metavar="SIGN", help="Between cells.  [default: detected]")
@click.option("--decimal", metavar=".|,", help="Decimal mark.  [default: detected]")
@click.option(
    "--hidden", type=Widths(), metavar="WIDTHS", default="128,64", help="Units of the hidden layers, or none."
)
@click.option("--activation", metavar="NAME", default="relu", help="Of the hidden layers.")
@click.option("--dropout", type=float, metavar="RATE", default=0.0, help="Share of hidden units left out at random.")
@click.option("--batch-norm", is_flag=True, help="Normalize each hidden layer over the batch.")
@click.option("--l2", type=float, metavar="X", help="Penalty X/2 ΣW².  [default: suits the number of rows]")
@click.option("--l1", type=float, metavar="X", default=0.0, help="Penalty X Σ|W|.")
@click.option("--loss", metavar="NAME", help="[default: cross_entropy or mean_squared]")
@click.option("--label-smoothing", type=float, metavar="X", default=0.0, help="Share given to the other classes.")
@click.option("--class-weight", metavar="balanced", help="Weigh rare classes as much as frequent ones.")
@click.option("--float64", is_flag=True, help="Compute in double precision.")
@click.option("--epochs", type=int, metavar="N", default=200, help="At most so many passes over the data.")
@click.option("--batch-size", type=int, metavar="N", help="Rows per step.  [default: 32, 64 or 128 by rows]")
@click.option("--optimizer", metavar="NAME", default="adam", help="adam, adamw, sgd, momentum, nesterov, …")
@click.option("--learning-rate", type=float, metavar="X", default=1e-3, help="Full learning rate.")
@click.option("--schedule", metavar="NAME[:VALUES]", default="constant", help="E.g. cosine, step:10:0.5.")
@click.option("--clip-norm", type=float, metavar="X", help="Largest norm of the gradient.")
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="Stop after N epochs without improvement; 0: never.  [default: 20 or more]",
)
@click.option("--validation", type=float, metavar="SHARE", default=0.15, help="Rows that judge while training.")
@click.option("--test", type=float, metavar="SHARE", default=0.2, help="Rows that judge at the end.")
@click.option("--seed", type=int, metavar="N", default=0, help="Of split, weights, order and dropout.")
@click.option("--out", metavar="RUN", help="Folder of the run.  [default: runs/NAME-001, -002, …]")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the run in --out with its own settings and data; --epochs N lengthens it.",
)
@click.option("--checkpoint-every", metavar="N|Nsteps", help="Epochs or steps.  [default: about every 30 seconds]")
@click.option("--quiet", is_flag=True, help="Say nothing but warnings and errors.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Train a network on DATA: a built-in name (digits, iris, wine, breast_cancer, diabetes), a CSV, TSV or Parquet
    file (gzipped too), or a folder of MNIST-style IDX files.

    The data are split into rows that train, rows that decide when to stop (validation) and rows that judge at the end
    (test). The run folder gets model.safetensors, history.csv, metrics.json and pictures.
    """
    output = Output(given["quiet"])
    with Interruption() as stop, Painter() as painter:
        return _train(ctx, given, output, stop, painter)


def _train(ctx: click.Context, given: dict[str, Any], output: Output, stop: Interruption, painter: Painter) -> int:
    from ..files import RunFolder
    from ..tabular import Every, Job, Options

    every = None if given["checkpoint_every"] is None else Every.parse(given["checkpoint_every"])
    if given["resume"]:
        _check_resume(ctx, given)
        with RunFolder(given["out"], overwrite=given["overwrite"], resume=True) as run:
            epochs = given["epochs"] if _said(ctx, "epochs") else None
            if _finished(run):
                if epochs is None:
                    output.say(f"the run {given['out']!r} is finished: there is nothing to resume")
                    return 0
                _check_lengthening(run)
            job, notes = Job.resume(run, given["data"], epochs)
            for note in notes:
                output.warn(note)
            _say_notes(job, output)
            output.say(f"resuming in epoch {job.trainer.epoch}, after {job.trainer.step:,} steps")
            return _run(job, run, every, output, stop, painter)
    if given["data"] is None:
        raise click.UsageError("DATA is missing: give a built-in name, a file or a folder", ctx)
    names = {"data", "out", "overwrite", "resume", "checkpoint_every", "quiet", "debug"}
    options = Options(**{name: value for name, value in given.items() if name not in names})
    if given["out"] is not None and Path(given["out"]).exists():
        RunFolder(given["out"], overwrite=given["overwrite"])  # refuses what it must before the data are read
    job = Job.plan(given["data"], options)
    _say_notes(job, output)
    with RunFolder(given["out"] or _next_folder(job.data.name), overwrite=given["overwrite"]) as run:
        (run.path / "residuals.png").unlink(missing_ok=True)
        return _run(job, run, every, output, stop, painter)


def _check_resume(ctx: click.Context, given: dict[str, Any]) -> None:
    if given["out"] is None:
        raise click.UsageError("--resume needs the folder of the run: give --out RUN", ctx)
    for name in given:
        if name not in _BESIDE_RESUME and _said(ctx, name):
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} cannot be changed in a run that is resumed: leave it out, or start a new run", ctx
            )


def _said(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _check_lengthening(run: Any) -> None:
    """A finished run has a checkpoint to go on from only if its epochs ran out."""
    if run.checkpoint_folder().newest() is None:
        raise ConfigurationError(
            f"the run {str(run.path)!r} ended by itself before its epochs ran out, because the validation loss no "
            "longer fell: more epochs would not change it; start a new run with a larger --patience"
        )


def _finished(run: Any) -> bool:
    import json

    try:
        found = json.loads(run.metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("finished") is True and run.model.exists()


def _next_folder(name: str) -> str:
    """runs/NAME-001 or the first number that is free; made at once, so that two processes never take the same."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".")[:60] or "data"
    for number in range(1, 100_000):
        path = Path("runs") / f"{safe}-{number:03d}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigurationError(
                f"cannot make the run folder {str(path)!r}: {error.strerror}; give another folder with --out"
            ) from None
        return str(path)
    raise ConfigurationError("the folder 'runs' is full: give another folder with --out")


def _say_notes(job: Any, output: Output) -> None:
    from .app import as_options

    output.say(f"data: {job.data.name}")
    for note in job.data.notes:
        output.say(f"  {as_options(note)}")
    for warning in job.data.warnings:
        output.warn(as_options(warning))


def _run(job: Any, run: Any, every: Any, output: Output, stop: Interruption, painter: Painter) -> int:
    from .app import as_options
    from .progress import Bar, Lines

    trainer = job.trainer
    output.say(
        f"network: {job.model.network}, {job.model.theta.size:,} parameters; {trainer.batches} steps of "
        f"{trainer.batch_size} rows per epoch"
    )
    output.say(f"run folder: {run.path}")
    shown = Bar(output) if output.terminal else Lines(output)
    stop.gentle = True
    try:
        done = job.train(run, callbacks=[shown], every=every, wanted=stop.wanted)
    finally:
        if isinstance(shown, Bar):
            shown.close()
    if not done:
        raise Stopped(
            stop.signum or 2,
            f"interrupted in epoch {trainer.epoch} after {trainer.step:,} steps; the state is saved, continue with: "
            f"chainrule train --resume --out {run.path}; the model, {job.kept}, can be used: chainrule predict "
            f"{run.path} DATA",
        )
    from .report import drawings, pictures, report

    result = job.result()
    wanted = drawings(result, run)
    painter.begin(wanted)
    job.finish(run, result)
    report(result, output)
    for warning in result.warnings[len(job.data.warnings) :]:
        output.warn(as_options(warning))
    if stop.signum is not None:
        raise Stopped(
            stop.signum,
            f"interrupted when training had ended; the model is saved in {run.path}, perhaps without pictures",
        )
    stop.gentle = False
    for note in pictures(wanted, painter):
        output.warn(note)
    output.say(f"saved in {run.path}; apply it with: chainrule predict {run.path} DATA")
    return 0


__all__ = ["command"]
