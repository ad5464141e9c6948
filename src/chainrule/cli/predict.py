"""`chainrule predict`: apply a run to new rows and write CSV."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import ConfigurationError
from .kinds import Separator
from .output import Output

EXAMPLE = """\b
Examples:
  chainrule predict runs/price new.csv --out predicted.csv
  chainrule predict runs/digits-001 digits --proba | head
"""


@click.command(name="predict", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("run")
@click.argument("data")
@click.option("--out", metavar="FILE", help="Write the CSV here instead of standard output.")
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@click.option("--overwrite", is_flag=True, help="Replace the file in --out.")
@click.option("--separator", type=Separator(), metavar="SIGN", help="Between cells.  [default: detected]")
@click.option("--decimal", metavar=".|,", help="Decimal mark.  [default: detected]")
@click.option("--quiet", is_flag=True, help="Say nothing but warnings and errors.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    run: str,
    data: str,
    out: str | None,
    proba: bool,
    overwrite: bool,
    separator: str | None,
    decimal: str | None,
    quiet: bool,
    debug: bool,
) -> int:
    """Predict every row of DATA with the model of RUN, a folder that `chainrule train` wrote or its model file.

    The result is CSV: the row number (or the column id), the prediction, and with --proba a column per class. The
    target column may be missing in DATA. What training had not, such as new categories, is said on standard error.
    """
    from ..files import write_atomic
    from ..tabular import SavedRun

    if out is not None and not overwrite and os.path.lexists(out):
        raise ConfigurationError(f"{out!r} exists already: give another file, or say --overwrite")
    saved = SavedRun.load(run)
    if proba and saved.preprocessor.class_names is None:
        raise ConfigurationError(
            f"--proba needs classes, but {run!r} predicts the number {saved.preprocessor.target_name!r}: leave it out"
        )
    table, notes = saved.read(data, separator=separator, decimal=decimal)
    found, more = saved.predict(table)
    output = Output(quiet)
    for note in [*saved.notes, *(n for n in notes if "trained on" not in n), *more]:
        output.warn(note)
    pieces = saved.csv(table, found, probabilities=proba)
    if out is None:
        for piece in pieces:
            click.echo(piece, nl=False)
    else:
        write_atomic(Path(out), "".join(pieces).encode("utf-8"))
        output.say(f"{len(found.values):,} predictions written to {out}")
    return 0


__all__ = ["command"]
