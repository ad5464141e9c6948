"""Cost curves: time per epoch against samples, width, depth and batch size, log-log, one pinned thread.

    python benchmarks/curves.py --out curves

writes curves.png and curves.json. The points are visited round after round, so that a slow moment of the machine falls
on all of them; each is the median of its rounds. The dotted line is the matrix products' count of operations, scaled to
the costliest point: where the work is, the curve runs along it, where it flattens something else is paid for.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.train import Callback, Model, Settings, Trainer


@dataclass(frozen=True)
class Point:
    """One training: hidden widths, samples, batch size."""

    x: int
    hidden: tuple[int, ...]
    samples: int
    batch: int
    inputs: int = 64
    outputs: int = 10

    @property
    def flops(self) -> int:
        """Operations of an epoch's matrix products."""
        widths = (self.inputs, *self.hidden, self.outputs)
        pairs = [a * b for a, b in pairwise(widths)]
        return 2 * self.samples * (3 * sum(pairs) - pairs[0])

    def epoch(self) -> Callable[[], None]:
        network = "-".join([str(self.inputs), *(f"{n}:relu" for n in self.hidden), f"{self.outputs}:softmax"])
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.samples, self.inputs), dtype=np.float32)
        model = Model(network, labels=True, dtype=np.float32)
        samples = model.samples(X, rng.integers(0, self.outputs, self.samples))
        trainer = Trainer(model, samples, settings=Settings(epochs=10**6, batch_size=self.batch), callbacks=[Pause()])

        def run() -> None:
            trainer.stop = None
            trainer.run()

        return run


class Pause(Callback):
    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        trainer.stop = "the next epoch has not been asked for"


def powers(first: int, last: int, factor: int = 2) -> list[int]:
    found = [first]
    while found[-1] * factor <= last:
        found.append(found[-1] * factor)
    return found


def curves(scale: int) -> dict[str, list[Point]]:
    """The four curves; scale: how many doublings of work to leave out at the upper end."""
    return {
        "samples": [Point(n, (128, 64), n, 128) for n in powers(512, 131072 >> scale)],
        "width of two hidden layers": [Point(n, (n, n), 2048, 128) for n in powers(8, 2048 >> scale)],
        "hidden layers of width 128": [Point(n, (128,) * n, 2048, 128) for n in powers(1, 64 >> scale)],
        "batch size": [Point(n, (128, 64), 8192, n) for n in powers(1, 8192)],
    }


def slope(points: list[Point], seconds: list[float]) -> float:
    """Exponent of the cost over the upper half of the curve: d log t / d log x."""
    half = len(points) // 2
    return float(np.polyfit(np.log([p.x for p in points[half:]]), np.log(seconds[half:]), 1)[0])


def draw(measured: dict[str, dict[str, Any]], file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for ax, (name, m) in zip(axes.flat, measured.items(), strict=True):
        last = m["seconds"][-1] / m["flops"][-1]
        ax.loglog(m["x"], [f * last for f in m["flops"]], ":", color="0.5", label="∝ operations of the products")
        ax.loglog(m["x"], m["seconds"], "o-", color="C0", markersize=4, label="measured")
        ax.set_xscale("log", base=2)
        ax.set_xlabel(name)
        ax.set_ylabel("seconds per epoch")
        ax.set_title(f"{m['fixed']}\nslope of the upper half {m['slope']:.2f}", fontsize=9)
        ax.grid(alpha=0.3, which="both")
        ax.legend(fontsize=8)
    figure.savefig(file, dpi=120)


FIXED = {
    "samples": "64-128-64-10, batch 128",
    "width of two hidden layers": "64-n-n-10, 2048 samples, batch 128",
    "hidden layers of width 128": "64-128-…-10, 2048 samples, batch 128",
    "batch size": "64-128-64-10, 8192 samples",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("curves"), help="path of the two files without their suffix")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="without the costliest points, 3 rounds")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = min(given.rounds, 3) if given.quick else given.rounds
    points = curves(2 if given.quick else 0)
    epochs = {(name, p): p.epoch() for name, every in points.items() for p in every}
    times: dict[tuple[str, Point], list[float]] = {key: [] for key in epochs}
    for number in range(rounds + 1):
        for key, run in epochs.items():
            start = time.perf_counter()
            run()
            if number:  # the first plans, and touches the memory
                times[key].append(time.perf_counter() - start)
    measured = {}
    for name, every in points.items():
        seconds = [statistics.median(times[name, p]) for p in every]
        measured[name] = {
            "fixed": FIXED[name],
            "x": [p.x for p in every],
            "seconds": seconds,
            "flops": [p.flops for p in every],
            "slope": slope(every, seconds),
        }
        cells = ", ".join(f"{p.x}: {t * 1e3:.3g}" for p, t in zip(every, seconds, strict=True))
        print(f"{name} ({FIXED[name]}): slope {measured[name]['slope']:.2f}; ms per epoch {cells}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    draw(measured, given.out.with_suffix(".png"))
    about = {"python": platform.python_version(), "numpy": np.__version__, "rounds": rounds, "curves": measured}
    given.out.with_suffix(".json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
