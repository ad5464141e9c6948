"""`chainrule evaluate`: measure a run on labeled rows."""

from __future__ import annotations

import click

from .kinds import Separator
from .output import Output

EXAMPLE = """\b
Examples:
  chainrule evaluate runs/price held_out.csv
  chainrule evaluate runs/mnist-001 mnist/
"""


@click.command(name="evaluate", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("run")
@click.argument("data")
@click.option("--separator", type=Separator(), metavar="SIGN", help="Between cells.  [default: detected]")
@click.option("--decimal", metavar=".|,", help="Decimal mark.  [default: detected]")
@click.option("--json", "as_json", is_flag=True, help="Print the measures, and those of each class, as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(run: str, data: str, separator: str | None, decimal: str | None, as_json: bool, debug: bool) -> int:
    """Measure the model of RUN on DATA, whose target column must be there; rows without a target are left out.

    Classes: accuracy, error rate, recall, precision, F1, log loss, confusion matrix. Numbers: R², RMSE, mean and
    largest absolute error.
    """
    import numpy as np

    from ..tabular import SavedRun
    from ..tabular.cautions import about_classes

    saved = SavedRun.load(run)
    table, notes = saved.read(data, separator=separator, decimal=decimal)
    judged, more = saved.evaluate(table)
    output = Output()
    for note in [*saved.notes, *notes, *more]:
        output.warn(note)
    if as_json:
        import json

        found = judged.by_class()
        output.say(json.dumps(dict(judged.measures) | ({"confusion": found} if found else {})))
        return 0
    from .report import evaluation

    evaluation(judged, output)
    if judged.confusion is not None:
        never = np.flatnonzero((judged.confusion.predicted == 0) & (judged.confusion.support > 0))
        mend = "see --class-weight of chainrule train"
        for warning in about_classes(judged.confusion, "given", never=never, mend=mend, compare=False):
            output.warn(warning)
    return 0


__all__ = ["command"]
