"""`chainrule check`: the formulas of documents judged."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigurationError, DataError
from .output import Output

if TYPE_CHECKING:
    from ..documents.header import Header
    from ..documents.report import DocumentReport

EXAMPLE = """\b
Examples:
  chainrule check notes.md
  chainrule check thesis.tex --network 3-5:tanh-4:softmax --loss cross_entropy
  chainrule check notes.md --notation notation.toml --format html --out report.html
  chainrule check --formula "dW[2] = 1/m * dZ[2] @ A[2].T"

\b
A document may declare its notation in a comment (in LaTeX after %, in plain text after #) or in a TOML file:
  <!-- chainrule:
  network = "3-5:tanh-4:softmax"      # or "any"
  loss = "cross_entropy"              # or "any"
  samples = "columns"                 # rows, one
  place = "parameters"                # of 1/m; or dZ
  letters = {"delta[l]" = "dZ[l]"}    # theirs = ours
  definitions = ["a = sig(z)"]
  penalty = "lambda/(2*m)"            # scales the sum of squared weights in the cost
  [[section]]
  from = "Regression"                 # a text of its first line
  loss = "quadratic"
  -->
"""


_ENDINGS = {".txt": "text", ".text": "text", ".json": "json", ".html": "html", ".htm": "html"}


@click.command(name="check", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--formula", "formulas", multiple=True, metavar="TEXT", help="Judge this formula instead of a file.")
@click.option("--network", metavar="STRING", help="Such as 3-5:tanh-4:softmax, or any.  [default: any]")
@click.option("--loss", metavar="NAME", help="Such as cross_entropy, or any.  [default: any]")
@click.option("--samples", metavar="columns|rows|one", help="Samples are columns or rows of X, or there is one.")
@click.option("--place", metavar="parameters|dZ", help="Where 1/m stands: in dW and db, or in dZ.")
@click.option("--notation", metavar="FILE", help="TOML with the notation, in place of the document's own.")
@click.option("--format", "form", metavar="text|json|html", help="Of the report.  [default: text, or as --out ends]")
@click.option("--out", metavar="FILE", help="Write the report here instead of standard output.")
@click.option("--seconds", default=1.0, help="Longest search for the mistake of one formula.")
@click.option("--width", type=click.IntRange(40, 1000), help="Of the text.  [default: the terminal's, 80 without one]")
@click.option("--verbose", is_flag=True, help="List what states nothing too, and how formulas were read.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    files: tuple[str, ...],
    formulas: tuple[str, ...],
    network: str | None,
    loss: str | None,
    samples: str | None,
    place: str | None,
    notation: str | None,
    form: str | None,
    out: str | None,
    seconds: float,
    width: int | None,
    verbose: bool,
    debug: bool,
) -> int:
    """Judge the formulas in each FILE (Markdown, LaTeX, plain text; - is standard input).

    Every formula is read and evaluated on random networks against the derived gradient: right, right if …, wrong with
    the mistake named and mended, or cannot tell. The exit code is 1 if a formula is wrong, 2 if something cannot be
    used, 0 otherwise.
    """
    from ..documents.header_keys import checked_options

    if bool(files) == bool(formulas):
        raise ConfigurationError(
            "nothing to check: give a file, - for standard input, or --formula"
            if not files
            else "give files or --formula, not both"
        )
    form = _format(form, out)
    if not 0 < seconds < float("inf"):
        raise ConfigurationError(f"--seconds {seconds:g} is no time: give a positive number")
    keys = checked_options(network=network, loss=loss, samples=samples, place=place)
    header = None if notation is None else _header(notation)
    reports = _formulas(formulas, header, keys, seconds) if formulas else _files(files, header, keys, seconds)
    output = Output()
    for report in reports:
        for warning in report.warnings:
            output.warn(f"{report.name}: {warning}")
    if out is not None:
        from ..files import write_atomic

        write_atomic(Path(out), _written(reports, form, verbose).encode("utf-8"))
        from ..documents.report import summary

        output.say(f"{summary(reports)}; written to {out}")
    elif form == "text":
        if width is not None:
            output.console.width = width
        _show(reports, output, verbose, output.console.width)
    else:
        output.say(_written(reports, form, verbose).rstrip("\n"))
    return 1 if any(r.wrong for r in reports) else 0


def _format(form: str | None, out: str | None) -> str:
    allowed = ("text", "json", "html")
    if form is None and out is not None:
        ending = Path(out).suffix.lower()
        if ending not in _ENDINGS:
            raise ConfigurationError(
                f"--out {out}: no format is known by the ending {ending or '(none)'!r}; end it in "
                f"{', '.join(_ENDINGS)}, or give --format {', '.join(allowed)}"
            )
        return _ENDINGS[ending]
    if form is not None and form not in allowed:
        raise ConfigurationError(f"--format {form} is unknown: allowed are {', '.join(allowed)}")
    return form or "text"


def _header(path: str) -> Header:
    from ..documents.header import read_header
    from ..documents.judged import decoded

    return read_header(decoded(_read(path), path), path)


def _read(name: str) -> bytes:
    """The bytes of a file or of standard input, and one more than are judged, so that no endless one is taken in."""
    from ..documents.judged import LARGEST

    if name == "-":
        return sys.stdin.buffer.read(LARGEST + 1)
    with Path(name).open("rb") as file:
        try:
            return file.read(LARGEST + 1)
        except OSError as error:
            raise DataError(f"{name} cannot be read: {error.strerror or error}") from None


def _files(files: tuple[str, ...], header: Header | None, keys: dict[str, Any], seconds: float) -> list[DocumentReport]:
    from ..documents.judged import decoded, judge_document, kind_of

    # All are read before the first is judged, so that a wrong name is said at once.
    texts = []
    for name in files:
        shown = "standard input" if name == "-" else name
        data = _read(name)
        texts.append((shown, "markdown" if name == "-" else kind_of(name), decoded(data, shown)))
    reports = []
    for name, kind, text in texts:
        with _Progress(name) as progress:
            reports.append(
                judge_document(
                    text, name, kind=kind, header=header, overrides=keys, seconds=seconds, progress=progress.advance
                )
            )
    return reports


def _formulas(
    formulas: tuple[str, ...], header: Header | None, keys: dict[str, Any], seconds: float
) -> list[DocumentReport]:
    from ..documents.single import judge_formulas

    return [judge_formulas(formulas, header=header, overrides=keys, seconds=seconds)]


def _written(reports: list[DocumentReport], form: str, verbose: bool) -> str:
    if form == "json":
        import json

        from ..documents.report import as_json

        return json.dumps(as_json(reports, everything=verbose), indent=2, ensure_ascii=False) + "\n"
    if form == "html":
        from ..documents.page import as_html

        return as_html(reports, everything=verbose)
    from ..documents.report import as_text

    return as_text(reports, everything=verbose)


_STYLES = {"right": "green", "right if": "yellow", "wrong": "bold red", "cannot tell": "blue"}
_LONGEST = 1_000  # characters of a formula in a table
_LONG_NAME = 20  # characters of a reading's name that fits beside a verdict


def _show(reports: list[DocumentReport], output: Output, verbose: bool, width: int) -> None:
    """A table for every document, below it the mistakes and what cannot be told, and the counts."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ..documents.report import brief, details, note, reason, shortened, summary

    for report in reports:
        shown = [e for e in report.entries if verbose or e.status != "no statement"]
        numbers = max((len(str(e.found.line)) for e in shown), default=0)
        # What the columns of lines and verdicts and the gaps leave, a good half of it for the formula.
        left = max(width - max(numbers, 4) - 11 - 7, 30)
        names = list(dict.fromkeys(n for e in shown for n in e.readings if len(n) > _LONG_NAME))
        longest = max((len(e.line) for e in shown), default=0)
        first = min(
            longest, max(left * 3 // 5, left - max((len(_numbered(reason(e), names)) for e in shown), default=0))
        )
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False)
        table.add_column("line", justify="right", no_wrap=True)
        table.add_column("formula", overflow="fold", width=max(first, 7))
        table.add_column("verdict", no_wrap=True)
        table.add_column("why", overflow="fold", max_width=max(left - first, 8))
        for entry in shown:
            why = _numbered(reason(entry) if verbose else brief(entry, left - first), names)
            table.add_row(
                str(entry.found.line),
                Text(shortened(entry.line, _LONGEST)),
                Text(entry.verdict, style=_STYLES.get(entry.verdict, "dim")),
                Text(_wrapped(shortened(why, 400), left - first)),
            )
        if table.row_count:
            output.show(table)
        for i, name in enumerate(names, 1):
            output.say(_indented(f"reading {i}: {name}", width))
        if names:
            output.say()
        for entry in shown:
            below = details(entry)
            if entry.verdict == "cannot tell" and not verbose and not brief(entry, left - first):
                below = [note(entry)]
            if not below:
                continue
            place = f"{report.name}:{entry.found.line}"
            output.show(Text(f"{place}  {entry.verdict}", style=_STYLES[entry.verdict]))
            for line in [shortened(entry.line, 400), *below]:
                output.say(_indented(line, width))
            output.say()
        if len(reports) > 1:
            output.say(f"{report.name}: {summary([report])}\n")
    output.say(summary(reports))


def _numbered(text: str, names: Sequence[str]) -> str:
    """A reason with the long names of readings as numbers, which are explained below the table."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, f"reading {names.index(name) + 1}")
    return text


def _wrapped(text: str, width: int) -> str:
    """Words broken at their hyphens too, as names of mistakes are long."""
    return textwrap.fill(text, max(width, 8)) if text else ""


def _indented(line: str, width: int) -> str:
    """A line below a formula, wrapped so that all its rows begin under its first word."""
    before = " " * (4 + len(line) - len(line.lstrip()))
    rows = textwrap.wrap(line.strip(), width, initial_indent=before, subsequent_indent=before, break_on_hyphens=False)
    return "\n".join(rows)


class _Progress:
    """A count on standard error for documents that take more than a second, on a terminal only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._start = time.monotonic()
        self._next = self._start + 1.0
        self._shown = False

    def __enter__(self) -> _Progress:
        return self

    def advance(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next and sys.stderr.isatty():
            self._next = now + 0.2
            self._shown = True
            click.echo(f"\r{self.name}: formula {done} of {total}", nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)


__all__ = ["command"]
