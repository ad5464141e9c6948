"""The number of threads that is chosen by measuring against one thread and against all: `Settings(threads=None)`.

    python benchmarks/threads.py

Whole trainings, the measuring included, interleaved; medians of the ratios. A share above 1.05 of one thread's time
would mean that choosing went wrong.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import numpy as np
from against.case import CASES

from chainrule.train import Model, Settings, Trainer

EPOCHS = {"S": 8, "M": 4, "T": 4, "L": 6}
KINDS: dict[str, int | None] = {"one": 1, "chosen": None, "all": os.cpu_count()}


def seconds(name: str, threads: int | None) -> tuple[float, int | None]:
    """Time of a training from fresh weights, and the number of threads at its end."""
    case = CASES[name]
    X, y = case.data()
    model = Model(case.network, labels=not case.tabular, dtype=np.float32)
    settings = Settings(epochs=EPOCHS[name], batch_size=case.batch, threads=threads)
    trainer = Trainer(model, model.samples(X, y), settings=settings)
    started = time.perf_counter()
    trainer.run()
    return time.perf_counter() - started, trainer.steps.threads.chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="S,M,T,L")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    print(f"| case | chosen / one | chosen / all {os.cpu_count()} | threads chosen |\n|---|---:|---:|---|")
    for name in given.cases.split(","):
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        chosen = []
        for _ in range(given.rounds):
            for kind, threads in KINDS.items():
                took, at_last = seconds(name, threads)
                times[kind].append(took)
                if threads is None:
                    chosen.append(str(at_last or "?"))
        to = {
            k: statistics.median(a / b for a, b in zip(times["chosen"], times[k], strict=True)) for k in ("one", "all")
        }
        print(f"| {name} | {to['one']:.2f} | {to['all']:.2f} | {', '.join(chosen)} |")


if __name__ == "__main__":
    main()
