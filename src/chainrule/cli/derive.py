"""`chainrule derive`: the gradient of a network, a run or an expression, printed and verified."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigurationError, unknown_name
from .output import Output

if TYPE_CHECKING:
    from ..derivation import Derivation
    from ..derivation.pages import Page
    from ..derivation.verify import Report

EXAMPLE = """\b
Examples:
  chainrule derive 4-3:sigmoid-1:sigmoid
  chainrule derive 784-128:relu-10:softmax --layer l --proofs
  chainrule derive 4-3:tanh-2:softmax --style leibniz --format html --out derivation.html
  chainrule derive 4-3:relu-2:softmax --format torch > gradient.py
  chainrule derive "sum((W @ x - y)**2)" --wrt W --numbers
  chainrule derive runs/digits-001 --format latex --out digits.tex
"""
PAGES = ("text", "latex", "markdown", "html")
PROGRAMS = ("numpy", "torch", "jax")
_ENDINGS = {".tex": "latex", ".md": "markdown", ".html": "html", ".htm": "html", ".txt": "text", ".py": "numpy"}
MOST_TOLD = 10  # failures printed one by one
_COMMENTS = {"latex": "% {}", "markdown": "<!-- {} -->", "html": "<!-- {} -->"}
_WIDEST = 100  # of text in a wide terminal


class _Command(click.Command):
    """A formula may begin with a minus: `-sum(y*log(x))` is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        formulas = [x for x in args if re.match(r"-[^-].*[(*+/^@ ]", x)]
        if formulas and "--" not in args:
            args = [x for x in args if x not in formulas] + ["--", *formulas]
        return super().parse_args(ctx, args)


@click.command(name="derive", cls=_Command, epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("given", metavar="NETWORK|EXPRESSION|RUN")
@click.option("--loss", metavar="NAME", help="Of a network.  [default: made for the output activation]")
@click.option(
    "--wrt", metavar="NAMES", help="By what an expression is differentiated, joined by commas.  [default: all]"
)
@click.option("--layer", metavar="l|NUMBER", help="l: one general layer; a number: only the lines of that layer.")
@click.option("--style", metavar="ng|delta|leibniz|components", default="ng", help="Notation.")
@click.option("--samples", metavar="columns|rows|one", default="columns", help="Samples are columns or rows of X.")
@click.option("--place", metavar="parameters|dZ", default="parameters", help="Where 1/m stands.")
@click.option("--layout", metavar="denominator|numerator", default="denominator", help="Shape of a derivative.")
@click.option(
    "--format", "form", metavar="NAME", help=f"{', '.join((*PAGES, *PROGRAMS))}.  [default: text, or as --out ends]"
)
@click.option("--fragment", is_flag=True, help="LaTeX or HTML to be put into a document of yours.")
@click.option("--proofs/--no-proofs", default=None, help="Rules by components, activations.  [default: in HTML]")
@click.option("--steps", is_flag=True, help="Every single step, rule by rule and law by law.")
@click.option("--two-ways", is_flag=True, help="Chain rule against substitution, shown to meet.")
@click.option("--numbers", is_flag=True, help="Every line with numbers put in, for a pocket calculator.")
@click.option("--values", metavar="NUMBERS|FILE", help="Your numbers: x=2, y=1, …, an NPZ, a CSV of samples, a run.")
@click.option("--digits", metavar="N", type=int, default=4, help="Decimals that --numbers prints.")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, help="Of the numbers that are drawn.")
@click.option("--width", metavar="N", type=click.IntRange(40, 400), help="Columns of text.  [default: the terminal's]")
@click.option("--out", metavar="FILE", help="Write here instead of standard output.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(given: str, **options: Any) -> int:
    """Derive the gradient of a NETWORK such as 4-3:sigmoid-1:sigmoid, of a trained RUN, or of an EXPRESSION such as
    "sum((W @ x - y)**2)", step by step.

    Every line is read back as it was printed and evaluated; the last line says how many, and the exit code is 1 if
    one of them is not true.
    """
    form = _format(options["form"], options["out"])
    output = Output()
    from ..derivation import derive

    found = derive(
        given,
        wrt=_names(options["wrt"]),
        loss=options["loss"],
        place=options["place"],
        samples=options["samples"],
        layout=options["layout"],
        style=options["style"],
        layer=_layer(options["layer"]),
    )
    if form in PROGRAMS:
        text, report = _program(found, form, options), found.verify(steps=False)
    else:
        page = found.page(
            steps=options["steps"],
            proofs=_proofs(options, form),
            two_ways=options["two_ways"],
            numbers=options["values"] or (options["numbers"] and _own_numbers(given)),
            digits=options["digits"],
            seed=options["seed"],
        )
        text, report = _printed(page, form, options), page.verify()
    verdict = report.head
    remark = _COMMENTS.get(form, "# {}").format(verdict)
    closing = textwrap.fill(verdict, _width(options)) if form == "text" else remark
    _write(f"{text.rstrip()}\n\n{closing}", options["out"], verdict, output)
    for told in (report.failures, [f"not verified: {x}" for x in report.unverified]):
        for line in told[:MOST_TOLD]:
            output.warn(str(line))
        if len(told) > MOST_TOLD:
            output.warn(f"and {len(told) - MOST_TOLD} more")
    return _code(report)


def _proofs(options: dict[str, Any], form: str) -> bool:
    return bool(options["proofs"]) if options["proofs"] is not None else form == "html"


def _own_numbers(given: str) -> bool | str:
    """The weights of a trained run go into its lines; all else is drawn."""
    return given if Path(given).is_dir() or given.endswith(".safetensors") else True


def _code(report: Report) -> int:
    return 0 if report.ok else 1


def _format(given: str | None, out: str | None) -> str:
    ending = Path(out or "").suffix.lower()
    if given is None and ending and ending not in _ENDINGS:
        raise ConfigurationError(
            f"--out {out}: the ending {ending} says no format: take {', '.join(_ENDINGS)}, or give --format"
        )
    form = given or _ENDINGS.get(ending, "text")
    if form not in PAGES + PROGRAMS:
        raise unknown_name("format", form, PAGES + PROGRAMS)
    return form


def _layer(given: str | None) -> Any:
    if given is None or given == "l":
        return given
    if not given.isdigit():
        raise ConfigurationError(f"--layer {given!r}: give l for a general layer, or the number of one")
    return int(given)


def _names(wrt: str | None) -> list[str] | None:
    return None if wrt is None else [x.strip() for x in wrt.split(",") if x.strip()]


def _program(found: Derivation, form: str, options: dict[str, Any]) -> str:
    for name in ("proofs", "steps", "two_ways", "numbers"):
        if options[name]:
            raise ConfigurationError(f"--{name.replace('_', '-')} belongs to a page: use --format text, html, …")
    return found.program(form)


def _printed(page: Page, form: str, options: dict[str, Any]) -> str:
    if form == "latex":
        return page.latex(standalone=not options["fragment"])
    if form == "html":
        return page.html(standalone=not options["fragment"])
    if form == "markdown":
        return page.markdown()
    return page.text(_width(options), color=_terminal(options) and "NO_COLOR" not in os.environ)


def _terminal(options: dict[str, Any]) -> bool:
    return Output().terminal and not options["out"]


def _width(options: dict[str, Any]) -> int:
    """Columns of text: as asked for, else the terminal's, else 80."""
    if options["width"]:
        return int(options["width"])
    return max(min(shutil.get_terminal_size().columns, _WIDEST), 40) if _terminal(options) else 80


def _write(text: str, out: str | None, verdict: str, output: Output) -> None:
    if out is None:
        output.say(text)
        return
    from ..files import write_atomic

    write_atomic(Path(out), (text + "\n").encode("utf-8"))
    output.say(f"{out}: {verdict}")


__all__ = ["command"]
