"""What the command says: facts and tables on standard output, warnings on standard error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """`say` for people, `warn` always. A reader that has gone away must not end a training, so later words are lost."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console: Console | None = None

    @property
    def terminal(self) -> bool:
        return not self.quiet and sys.stdout.isatty()

    @property
    def console(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(highlight=False, soft_wrap=False)
        return self._console

    def say(self, text: str = "") -> None:
        if not self.quiet:
            try:
                click.echo(text)
            except BrokenPipeError:
                self._gone()

    def show(self, renderable: Any) -> None:
        if not self.quiet:
            try:
                self.console.print(renderable)
                sys.stdout.flush()
            except BrokenPipeError:
                self._gone()

    def warn(self, text: str) -> None:
        try:
            click.echo(f"warning: {text}", err=True)
        except OSError:
            return

    def _gone(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
