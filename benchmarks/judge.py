"""How long `chainrule check` takes for 100 formulas: all right, all wrong, and mixed, each in a process of its own.

    python benchmarks/judge.py [--seconds 1.0]

No two formulas of a document are alike, so that none is judged from memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORK, LOSS = "3-5:tanh-4:sigmoid-2:softmax", "cross_entropy"


def right(i: int) -> str:
    """A right formula; i makes it another one."""
    n, k = 1 + i % 3, i + 2
    return (
        f"dW[{n}] = {k}/{k} * 1/m * dZ[{n}] @ A[{n - 1}].T",
        f"db[{n}] = {k}/{k} * 1/m * sum(dZ[{n}], axis=1, keepdims=True)",
        f"dA[{n - 1}] = {k}/{k} * W[{n}].T @ dZ[{n}]",
        f"Z[{n}] = {k}/{k} * (W[{n}] @ A[{n - 1}] + b[{n}])",
    )[i // 3 % 4]


def wrong(i: int) -> str:
    """A wrong formula of one of several kinds: layer, sign, 1/m, transpose, axis."""
    n, k = 1 + i % 3, i + 2
    return (
        f"dW[{n}] = {k}/{k} * 1/m * dZ[{n}] @ A[{n}].T",
        f"db[{n}] = -{k}/{k} * 1/m * sum(dZ[{n}], axis=1, keepdims=True)",
        f"dW[{n}] = {k}/{k} * dZ[{n}] @ A[{n - 1}].T",
        f"dA[{n - 1}] = {k}/{k} * W[{n}] @ dZ[{n}]",
        f"db[{n}] = {k}/{k} * 1/m * sum(dZ[{n}], axis=0, keepdims=True)",
    )[i // 3 % 5]


def measured(lines: list[str], seconds: float) -> tuple[float, str]:
    """Wall time of the command over these lines, with its start, and its summary."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "formulas.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        command = [sys.executable, "-m", "chainrule", "check", str(path)]
        command += [
            "--network",
            NETWORK,
            "--loss",
            LOSS,
            "--samples",
            "columns",
            "--place",
            "parameters",
            "--seconds",
            str(seconds),
        ]
        started = time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        )
        taken = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return taken, done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Print one line for each document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="longest search for the mistake of one formula")
    seconds = parser.parse_args().seconds
    documents = {
        "100 right": [right(i) for i in range(100)],
        "100 wrong": [wrong(i) for i in range(100)],
        "100 mixed": [(right if i % 2 else wrong)(i) for i in range(100)],
    }
    for name, lines in documents.items():
        taken, summary = measured(lines, seconds)
        print(f"{name}: {taken:5.1f} s   {summary}")


if __name__ == "__main__":
    main()
