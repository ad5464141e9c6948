"""Peak memory of a training against what it must hold: parameters, gradient, optimizer state, one batch, the data once.

    python benchmarks/memory.py

Every case is a process of its own. What must be held: P · (2 + states) numbers for parameters, gradient and the
optimizer's state, the buffers of one batch (the program's inputs and work areas), and the data. What the process had
before it made the data is subtracted from its peak. Each case runs with arrays in the model's type and with float64
arrays in columns (order F) under a float32 model, which are read where they lie.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import numpy as np

CASES = {
    "wide": ("1024-4096:relu-4096:relu-10:softmax", 20_000, 256),
    "deep": ("256" + "-512:relu" * 24 + "-10:softmax", 20_000, 256),
    "data": ("512-64:relu-10:softmax", 200_000, 128),
}
SCALE = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kilobytes elsewhere


def measured(name: str, columns: bool) -> dict[str, float]:
    """Bytes of the peak above what was there before, and of what must be held."""
    from chainrule.train import Model, Settings, Trainer

    network, count, batch = CASES[name]
    settings = Settings(epochs=1, batch_size=batch, threads=1)
    tiny = Model("4-3:relu-2:softmax", labels=True, dtype=np.float32)
    Trainer(
        tiny, tiny.samples(np.ones((8, 4), np.float32), np.arange(8) % 2), settings=settings
    ).run()  # loads the rest
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * SCALE
    rng = np.random.default_rng(0)
    inputs = int(network.split("-")[0])
    X = np.empty((count, inputs), np.float64 if columns else np.float32, order="F" if columns else "C")
    for rows in np.array_split(np.arange(count), 100):
        X[rows] = rng.standard_normal((len(rows), inputs))
    y = rng.integers(0, 10, count)
    model = Model(network, labels=True, dtype=np.float32)
    trainer = Trainer(model, model.samples(X, y), settings=settings)
    trainer.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * SCALE - before
    program, slots = model.gradient_program, dict[tuple[str, int], int]()
    for b in program.buffers:
        if b.role in ("work", "input"):
            rows, cols = b.shape.bind({"m": batch})
            slots[b.role, b.slot if b.role == "work" else b.index] = rows * cols * 4
    held = model.theta.nbytes * (2 + len(trainer.update.state)) + X.nbytes + y.nbytes + sum(slots.values())
    return {"peak": peak, "held": held, "parameters": model.theta.size, "data": X.nbytes, "batch": sum(slots.values())}


def main() -> None:
    head = ["case", "parameters", "data, MB", "one batch, MB", "must be held, MB", "peak, MB", "peak / held"]
    print("| " + " | ".join(head) + " |\n|---" + "|---:" * (len(head) - 1) + "|")
    for name in CASES:
        for columns in (False, True):
            command = [sys.executable, __file__, name, str(int(columns))]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            mb = {k: found[k] / 1e6 for k in ("data", "batch", "held", "peak")}
            print(
                f"| {name}{', float64 in columns' if columns else ''} | {found['parameters']:,} | {mb['data']:,.0f} "
                f"| {mb['batch']:,.1f} | {mb['held']:,.0f} | {mb['peak']:,.0f} | {mb['peak'] / mb['held']:.2f} |"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], sys.argv[2] == "1")))
    else:
        main()
