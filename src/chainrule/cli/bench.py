"""`chainrule bench`: how fast a network trains on this machine."""

from __future__ import annotations

import click

from .output import Output

EXAMPLE = """\b
Examples:
  chainrule bench
  chainrule bench 64-32:relu-10:softmax --batch-size 32
  chainrule bench 784-1024:relu-1024:relu-10:softmax --batch-size 256 --optimizer sgd --json
"""


@click.command(name="bench", epilog=EXAMPLE, context_settings={"show_default": True})
@click.argument("network", default="784-128:relu-64:relu-10:softmax")
@click.option("--batch-size", type=click.IntRange(1), default=128, help="Samples per step.")
@click.option("--optimizer", default="adam", metavar="NAME", help="Optimizer of the steps.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=2.0, help="How long to measure, about.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(network: str, batch_size: int, optimizer: str, seconds: float, as_json: bool, debug: bool) -> int:
    """Time training steps of NETWORK on random float32 samples: the native executor with one and with all threads, and
    the NumPy one. They take turns; figures are medians. Other work on the machine makes them worse.
    """
    from ..evaluate.text_table import aligned
    from ..nn import Network
    from ..train import Settings
    from ..train.speed import speeds

    parsed = Network.parse(network)
    found = speeds(parsed, Settings(batch_size=batch_size, optimizer=optimizer), seconds=seconds)
    output = Output()
    if as_json:
        import json
        from dataclasses import asdict

        facts = {"network": str(parsed), "batch_size": batch_size, "optimizer": optimizer}
        output.say(json.dumps(facts | {"speeds": [asdict(s) for s in found]}, indent=2))
        return 0
    output.say(f"{parsed}, batch {batch_size}, {optimizer}, float32")
    last = found[-1].seconds
    rows = [["executor", "threads", "µs per step", "samples/s", "GFLOP/s", "against NumPy's"]]
    for s in found:
        rows.append(
            [
                s.executor,
                str(s.threads or "BLAS"),
                f"{s.seconds * 1e6:,.1f}",
                f"{s.samples:,.0f}",
                f"{s.gflops:,.1f}",
                f"{last / s.seconds:.2f} ×",
            ]
        )
    for line in aligned(rows):
        output.say(line)
    return 0


__all__ = ["command"]
