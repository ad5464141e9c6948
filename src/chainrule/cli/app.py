"""The command group: subcommands loaded when called, and every error as one sentence."""

from __future__ import annotations

import difflib
import errno
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from ..errors import ChainruleError, NonFiniteError, unknown_name
from .signals import Stopped

# Name -> module with a click command called `command`, and its line in the overview. The module is not imported
# for the overview, so that `chainrule --help` is fast.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("chainrule.cli.train", "Train a network on a table, a built-in data set or images."),
    "predict": ("chainrule.cli.predict", "Apply a trained network to new rows."),
    "evaluate": ("chainrule.cli.evaluate", "Measure a trained network on labeled rows."),
    "check": ("chainrule.cli.check", "Judge the formulas of a document: right, wrong and why."),
    "derive": ("chainrule.cli.derive", "Derive the gradient of a network or formula, step by step."),
    "show": ("chainrule.cli.show", "Show a run again, or the computational graph of a network with its numbers."),
    "bench": ("chainrule.cli.bench", "Time training steps of a network on this machine."),
    "doctor": ("chainrule.cli.doctor", "Say which executor, BLAS and processors are in use."),
}
EXAMPLE = """\b
Examples:
  chainrule train digits
  chainrule train table.csv --target price --out runs/price
  chainrule predict runs/price new.csv --out predicted.csv
  chainrule evaluate runs/price held_out.csv
  chainrule derive 4-3:sigmoid-1:sigmoid
  chainrule check notes.md
"""

# Messages of the library name its Python arguments; on the command line these are options.
_AS_OPTIONS = (
    (re.compile(r"target='…'"), "--target COLUMN"),
    (re.compile(r"\b(task|decimal|separator|loss|drop|class_weight)='([^']*)'"), r"--\1 \2"),
    (re.compile(r"\bcategories=\['([^']*)'\]"), r"--category \1"),
    (re.compile(r"\b(learning_rate|batch_size|label_smoothing|clip_norm|checkpoint_every)(?==)"), r"--\1"),
    (re.compile(r"\b(hidden|epochs|patience|seed|dropout|l1|l2|validation|test)(?==)"), r"--\1"),
    (re.compile(r"\boverwrite or resume it\b"), "say --overwrite or --resume"),
    (re.compile(r"\bstart again with overwrite\b"), "start again with --overwrite"),
    (re.compile(r"\buse activation (\w+)"), r"use --activation \1"),
)


def as_options(text: str) -> str:
    """A sentence of the library with its arguments written as options: `learning_rate=0` is `--learning-rate 0`."""
    for pattern, replacement in _AS_OPTIONS:
        text = pattern.sub(replacement, text)
    return re.sub(
        r"--(\w+)=", lambda m: f"--{m[1].replace('_', '-')} ", text.replace("--class_weight", "--class-weight")
    )


# Errors of a stream, whose file has no name: a full disk, a limit of size or quota, a broken device.
_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class ReaderGone(BaseException):
    """The reader of standard output has gone away; no error, but there is nobody to write for."""


class App(click.Group):
    """A click group that loads its commands late and reports whatever goes wrong in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(COMMANDS[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(str(unknown_name("command", name, COMMANDS)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Before click sees it, which would take it for an error. Whoever read our output has enough (`| head`).
            raise ReaderGone from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run and leave with an exit code: 0; 1 training diverged or a defect; 2 usage or data; 130, 143 signals."""
        given = list(sys.argv[1:] if args is None else args)
        sys.exit(self._run(given, prog_name or "chainrule", **extra))

    def _run(self, args: list[str], name: str, **extra: Any) -> int:
        debug = "--debug" in args
        try:
            code = super().main(args, name, standalone_mode=False, **extra)
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            return 2
        except click.Abort:
            return _fail("interrupted", 130)
        except click.ClickException as error:
            return _fail(f"error: {_usage(error)}", 2)
        except (ReaderGone, BrokenPipeError):
            # What is buffered must not raise again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Stopped as stop:
            return _fail(str(stop), 128 + stop.signum)
        except KeyboardInterrupt:
            return _fail("interrupted", 130)
        except NonFiniteError as error:
            return _fail(f"error: {as_options(str(error))}", 1, debug=debug)
        except ChainruleError as error:
            return _fail(f"error: {as_options(str(error))}", 2, debug=debug)
        except MemoryError:
            return _fail(
                "error: the memory of this machine does not suffice; use less data or fewer units", 2, debug=debug
            )
        except OSError as error:
            if error.filename is None and error.errno in _OUTPUT:
                # What is buffered must not raise again at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                reason = f"standard output cannot be written: {error.strerror}"
                return _fail(f"error: {reason}; write to a place that has room and works", 2, debug=debug)
            where = f"{error.filename!r}: " if error.filename else ""
            return _fail(f"error: {where}{error.strerror or error}", 2, debug=debug)
        except Exception as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            return _fail(
                f"internal error: {what}; please report this, run again with --debug for the place", 1, debug=debug
            )


def _fail(sentence: str, code: int, *, debug: bool = False) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    try:
        click.echo(" ".join(sentence.split()), err=True)
    except OSError:
        return code
    return code


def _usage(error: click.ClickException) -> str:
    """Click's messages in our form: what was given, what is near, where to look."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "chainrule"
    see = f"see {path} --help"
    if isinstance(error, click.NoSuchOption):
        known = {option.lstrip("-"): option for option in error.possibilities or ()}
        close = difflib.get_close_matches(error.option_name.lstrip("-"), known, n=1, cutoff=0.7)
        near = f" did you mean {known[close[0]]}?" if close else ""
        return f"unknown option {error.option_name}:{near} {see}"
    if isinstance(error, click.MissingParameter):
        name = (error.param.human_readable_name if error.param is not None else "an argument").upper()
        return f"{name} is missing: {see}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        option = error.param.opts[-1] if error.param.param_type_name == "option" else error.param.human_readable_name
        return f"{option}: {error.message.rstrip('.')}; {see}"
    message = error.format_message().rstrip(".")
    if message[1:2].islower():
        message = message[:1].lower() + message[1:]
    return message if "allowed are" in message or "did you mean" in message else f"{message}; {see}"


@click.group(
    cls=App,
    name="chainrule",
    epilog=EXAMPLE,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fully connected networks whose gradient is derived once, as a formula: printed, checked and run.",
)
@click.version_option(package_name="chainrule", prog_name="chainrule", message="%(prog)s %(version)s")
def app() -> None:
    """See `help` above."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """The entry point of the command `chainrule`; leaves with its exit code."""
    app.main(args)
