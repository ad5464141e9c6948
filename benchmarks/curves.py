"""Cost curves: time per epoch against samples, width, depth and batch size, log-log, one pinned thread.

    python benchmarks/curves.py --out benchmarks/curves

writes curves.png and curves.json. The points are visited round after round, so that a slow moment of the machine falls
on all of them; each is the median of its rounds. On log-log axes a cost x^k is a line of slope k. The dotted line is
the matrix products' count of operations, scaled to the costliest point: where the measured curve runs along it, time
is work; where it lies above, the fixed cost of a step is what is paid for. Slopes are those of the shaded half.
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

from chainrule.show.picture import BLUE, GRAY, INK, add_legend, fill, new_figure, save_figure, style_axes
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


def slope(x: list[int], cost: list[float]) -> float:
    """Exponent of a cost over the upper half of a curve: d log cost / d log x."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(cost[half:]), 1)[0])


# Of each curve: its title, its axis, and what does not change along it.
TEXTS = {
    "samples": ("Samples", "samples per epoch", "64-128-64-10, batch 128"),
    "width of two hidden layers": ("Width", "units n of each hidden layer", "64-n-n-10, 2,048 samples, batch 128"),
    "hidden layers of width 128": ("Depth", "hidden layers of 128 units", "64-128-…-10, 2,048 samples, batch 128"),
    "batch size": ("Batch size", "samples per batch", "64-128-64-10, 8,192 samples"),
}
WIDE, HIGH = 5.8, 4.2  # inches of a panel


def draw(measured: dict[str, dict[str, Any]], file: Path) -> None:
    figure = new_figure(2 * WIDE, 2 * HIGH)
    for k, (name, m) in enumerate(measured.items()):
        axes = figure.add_axes((0, 0, 1, 1), label=name)
        panel(axes, name, m)
        fill(axes, WIDE * (k % 2), HIGH * (1 - k // 2), WIDE, HIGH)
    save_figure(figure, file)


def panel(axes: Any, name: str, m: dict[str, Any]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    x, seconds, flops = m["x"], m["seconds"], m["flops"]
    title, label, fixed = TEXTS[name]
    style_axes(axes, f"{title}: {fixed}", label, "ms per epoch")
    axes.set(xscale="log", yscale="log")
    work = [1e3 * f * seconds[-1] / flops[-1] for f in flops]
    axes.axvspan(x[len(x) // 2], x[-1], color="#F1F1F1", zorder=0)
    axes.plot(x, work, ":", color=GRAY, linewidth=2, label=f"operations: slope {m['ideal']:.2f}")
    if name == "batch size":
        steps = [1e3 * seconds[0] * x[0] / n for n in x]
        shown = [k for k, s in enumerate(steps) if s > 0.5 * work[-1]]
        axes.plot(
            [x[k] for k in shown],
            [steps[k] for k in shown],
            "--",
            color=GRAY,
            linewidth=1.4,
            label="a fixed cost per step: slope -1",
        )
    axes.plot(x, [1e3 * s for s in seconds], "o-", color=BLUE, markersize=5, label=f"measured: slope {m['slope']:.2f}")
    speed = flops[-1] / seconds[-1] / 1e9
    axes.annotate(
        f"{speed:.0f} GFLOP/s",
        (x[-1], 1e3 * seconds[-1]),
        xytext=(-12, 0) if m["ideal"] > 0.5 else (0, 10),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=9,
        color=INK,
    )
    axes.xaxis.set_major_locator(LogLocator(base=4, numticks=20))
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 3), numticks=20))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_locator(NullLocator())
    add_legend(axes, "upper right" if name == "batch size" else "upper left")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/curves"), help="path of the two files without their suffix"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=200, help="no further round after so long; three in any case")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time, on a machine that others use"
    )
    parser.add_argument("--quick", action="store_true", help="without the costliest points, 3 rounds")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = min(given.rounds, 3) if given.quick else given.rounds
    points = curves(2 if given.quick else 0)
    epochs = {(name, p): p.epoch() for name, every in points.items() for p in every}
    times: dict[tuple[str, Point], list[float]] = {key: [] for key in epochs}
    begin, clock = time.perf_counter(), time.perf_counter if given.clock == "wall" else time.process_time
    for number in range(rounds + 1):
        if number > 3 and time.perf_counter() - begin > given.seconds:
            break
        for key, run in epochs.items():
            start = clock()
            run()
            if number:  # the first plans, and touches the memory
                times[key].append(clock() - start)
    measured = {}
    for name, every in points.items():
        seconds = [statistics.median(times[name, p]) for p in every]
        measured[name] = {
            "fixed": TEXTS[name][2],
            "x": [p.x for p in every],
            "seconds": seconds,
            "flops": [p.flops for p in every],
            "slope": slope([p.x for p in every], seconds),
            "ideal": slope([p.x for p in every], [p.flops for p in every]),
        }
        cells = ", ".join(f"{p.x}: {t * 1e3:.3g}" for p, t in zip(every, seconds, strict=True))
        m = measured[name]
        print(
            f"{name} ({m['fixed']}): slope {m['slope']:.2f}, of the operations {m['ideal']:.2f}; ms per epoch {cells}"
        )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    draw(measured, given.out.with_suffix(".png"))
    about = {"python": platform.python_version(), "numpy": np.__version__, "rounds": number, "curves": measured}
    given.out.with_suffix(".json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
