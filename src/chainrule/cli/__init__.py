"""Floor 6: the command `chainrule`. Each subcommand has a module of its own, imported when it is called."""

from .app import app, main

__all__ = ["app", "main"]
