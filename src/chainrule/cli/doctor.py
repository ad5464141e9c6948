"""`chainrule doctor`: what computes here."""

from __future__ import annotations

import click

from .output import Output

EXAMPLE = """\b
Example:
  chainrule doctor
  CHAINRULE_EXECUTOR=reference chainrule doctor
"""


@click.command(name="doctor", epilog=EXAMPLE, context_settings={"show_default": True})
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(as_json: bool, debug: bool) -> int:
    """Say which executor, instruction set, BLAS and processors are in use, and why."""
    from ..execute import doctor

    if as_json:
        import json

        Output().say(json.dumps(doctor.report(), indent=2))
    else:
        Output().say(doctor.text())
    return 0


__all__ = ["command"]
