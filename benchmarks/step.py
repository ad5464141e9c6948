"""One training step of the reference executor against a plain hand-written NumPy step of the same network.

    OPENBLAS_NUM_THREADS=1 python benchmarks/step.py

float32, Adam, same initial weights, same batch; both sides must reach the same cost. Sides interleaved A B A B, median
of the rounds; the ratio is hand-written / ours, above 1 is faster than by hand.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np

from chainrule.train import Model, Update, optimizer

CASES = {"S": ([64, 32, 10], 32), "M": ([784, 128, 64, 10], 128), "L": ([784, 1024, 1024, 10], 256)}


def by_hand(model: Model, X: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """The step a careful programmer writes in NumPy: rows are samples, one-hot targets, Adam per parameter."""
    layers = len(model.parameters) // 2
    W = [model.parameters[f"W[{i + 1}]"].T.copy() for i in range(layers)]
    b = [model.parameters[f"b[{i + 1}]"].T.copy() for i in range(layers)]
    parameters = W + b
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    Y = np.eye(W[-1].shape[1], dtype=X.dtype)[y]
    m = len(X)
    t = 0

    def step() -> float:
        nonlocal t
        t += 1
        A = [X]
        for i in range(layers):
            Z = A[-1] @ W[i] + b[i]
            if i < layers - 1:
                A.append(np.maximum(Z, 0))
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        total = E.sum(axis=1, keepdims=True)
        cost = -np.sum(Y * (Z - np.log(total))) / m
        dZ = (E / total - Y) / m
        dW, db = [None] * layers, [None] * layers
        for i in reversed(range(layers)):
            dW[i], db[i] = A[i].T @ dZ, dZ.sum(axis=0, keepdims=True)
            if i:
                dZ = (dZ @ W[i].T) * (A[i] > 0)
        rate = 1e-3 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        epsilon = 1e-8 * np.sqrt(1 - 0.999**t)
        for p, g, u, v in zip(parameters, dW + db, first, second, strict=True):
            u *= 0.9
            u += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            p -= rate * u / (np.sqrt(v) + epsilon)
        return float(cost)

    return step


def ours(model: Model, X: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    update = Update(optimizer("adam"), model.theta, model.grad, model.decay)
    samples = model.samples(X, y)
    task = model.bound("gradient", len(X))
    arrays = model.arrays(samples, model.gradient_program)

    def step() -> float:
        task.call(*arrays)
        update.step(1e-3)
        return float(task.results["J"][0, 0])

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cases", default="S,M,L")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    print(f"python {platform.python_version()}, numpy {np.__version__}, one pinned core, float32, Adam")
    np.seterr(all="ignore")
    for name in given.cases.split(","):
        widths, batch = CASES[name]
        network = "-".join([str(widths[0]), *(f"{n}:relu" for n in widths[1:-1]), f"{widths[-1]}:softmax"])
        rng = np.random.default_rng(1)
        X = rng.random((batch, widths[0]), dtype=np.float32)
        y = rng.integers(0, widths[-1], batch)
        model = Model(network, labels=True, dtype=np.float32)
        sides = {"by hand": by_hand(model, X, y), "ours": ours(model, X, y)}
        costs = {side: [step() for _ in range(5)][-1] for side, step in sides.items()}
        if abs(costs["by hand"] - costs["ours"]) > 1e-3 * abs(costs["ours"]):
            raise SystemExit(f"{name}: the two sides do not compute the same: {costs}")
        repeat = max(3, int({"S": 2000, "M": 100, "L": 4}[name]))
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(given.rounds):
            for side, step in sides.items():
                start = time.perf_counter()
                for _ in range(repeat):
                    step()
                times[side].append((time.perf_counter() - start) / repeat * 1e6)
        hand, mine = statistics.median(times["by hand"]), statistics.median(times["ours"])
        ratio = statistics.median(a / b for a, b in zip(times["by hand"], times["ours"], strict=True))
        print(f"{name} {network}, batch {batch}: by hand {hand:,.0f} µs, ours {mine:,.0f} µs, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
