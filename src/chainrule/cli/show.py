"""`chainrule show`: a run once more, or the computational graph of a network with the numbers that flow through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ..errors import ConfigurationError
from .output import Output

EXAMPLE = """\b
Examples:
  chainrule show runs/price
  chainrule show runs/digits-001 --out pictures --format svg
  chainrule show 4-3:sigmoid-1:sigmoid --numbers
  chainrule show 4-3:relu-2:softmax --numbers --out graph.html
"""
FORMATS = ("png", "svg", "pdf")


@click.command(name="show", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("given", metavar="RUN|NETWORK")
@click.option("--out", metavar="PLACE", help="Folder for the pictures of a run; .svg, .html, .png or .pdf of a graph.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="png", help="Of the pictures of a run.")
@click.option("--graph", is_flag=True, help="Of a run: its network's graph with the trained parameters.")
@click.option("--loss", metavar="NAME", help="Of a network.  [default: made for the output activation]")
@click.option("--numbers", is_flag=True, help="Values and gradients of one sample in the graph.")
@click.option("--digits", metavar="N", type=click.IntRange(0, 12), default=4, help="Decimals of the numbers.")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, help="Of the numbers that are drawn.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(given: str, out: str | None, form: str, graph: bool, debug: bool, **options: Any) -> int:
    """Show a trained RUN again: its measures, learning curves, confusion matrix or residuals, as text and as pictures;
    or the computational graph of a NETWORK such as 4-3:sigmoid-1:sigmoid: every quantity with its formula, shape and
    gradient, and with --numbers the values that flow forward and the gradients that flow back, of one sample.
    """
    output = Output()
    looks_like_a_path = os.sep in given or given.endswith(".safetensors") or given in (".", "..")
    if Path(given).is_dir() and not graph:
        return _run(Path(given), None if out is None else Path(out), form, output)
    if Path(given).exists() or graph or looks_like_a_path:
        from ..tabular import SavedRun

        return _graph(SavedRun.load(given).model, out, options, output, trained=True)
    from ..train import Model

    return _graph(Model(given, options["loss"], seed=options["seed"]), out, options, output, trained=False)


def _graph(model: Any, out: str | None, options: dict[str, Any], output: Output, *, trained: bool) -> int:
    from ..show.flow import drawn_sample, network_flow, rounded_parameters
    from ..show.flow_picture import flow_figure

    if options["loss"] is not None and trained:
        raise ConfigurationError("--loss is for a network: a run has the loss it was trained with, leave it out")
    if not trained:
        rounded_parameters(model)
    sample = drawn_sample(model, options["seed"]) if options["numbers"] else None
    flow = network_flow(model, sample, options["digits"])
    if out is None:
        output.say(f"{flow.title}\n\n{flow}")
    else:
        flow_figure(flow, out)
        output.say(f"the graph of {flow.title} is in {out}")
    return 0


def _run(path: Path, out: Path | None, form: str, output: Output) -> int:
    """What the end of the training said, from the files of the run; pictures into it, or into `out`."""
    from .. import show
    from ..files import RunFolder
    from ..tabular.shown import ShownRun
    from .report import show_run

    found = ShownRun.read(path)
    show_run(found, output)
    folder = path if out is None else out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    else:
        RunFolder(path, resume=True)  # refuses a folder that cannot be written
    drawn = []
    for name, function, arguments in found.drawings():
        file = folder / f"{name}.{form}"
        getattr(show, function)(*arguments[:-1], file, *arguments[-1])
        drawn.append(str(file))
    for note in found.notes:
        output.warn(note)
    output.say(f"pictures: {', '.join(drawn)}" if drawn else "there is nothing to draw yet")
    return 0


__all__ = ["command"]
