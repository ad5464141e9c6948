"""Sides as processes of their own, asked in turn and stopped in between; the arithmetic of their times."""

from __future__ import annotations

import atexit
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .case import Epoch, LeftOutError

SCRIPT = Path(__file__).parents[1] / "compare.py"
ENVIRONMENT = {
    "chainrule, reference": {"CHAINRULE_EXECUTOR": "reference"},
    "keras-jax": {"KERAS_BACKEND": "jax"},
    "keras-torch": {"KERAS_BACKEND": "torch"},
}


def environment(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "JAX_PLATFORMS": "cpu", "TQDM_DISABLE": "1"}


def pin(threads: int) -> None:
    """Keep this process to as many cores as it has threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))


class Worker:
    """A side in a process of its own; `ask` for an epoch, stopped in between."""

    def __init__(self, kind: str, side: str, *rest: str, threads: int) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        command = [sys.executable, str(SCRIPT), "--worker", kind, side, *rest, str(threads)]
        given = environment(threads) | ENVIRONMENT.get(side, {})
        self.process = subprocess.Popen(
            command,
            env=given,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,  # signals reach the processes that a side starts, as joblib does
        )
        atexit.register(self._signal, "SIGKILL")  # a stopped process would not notice that its parent ended
        self.error = self._answer().get("error")

    def ask(self, number: int) -> dict[str, Any]:
        self._signal("SIGCONT")
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            last = self.log.read().strip().splitlines()[-1:] or ["no message"]
            return {"error": f"its process ended: {last[0]}"}
        self._signal("SIGSTOP")
        result: dict[str, Any] = json.loads(line)
        return result

    def _signal(self, name: str) -> None:
        if self.process.returncode is None and hasattr(os, "killpg"):
            os.killpg(self.process.pid, getattr(signal, name))

    def close(self) -> None:
        self._signal("SIGKILL")
        self.process.kill()
        self.process.wait()
        self.log.close()


def serve(make: Callable[[], Epoch], turn: int, threads: int) -> None:
    """Serve one side: numbers in, JSON out. What libraries print goes to the log.

    turn  epochs per question; the first of them is not timed
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pin(threads)
    try:
        epoch = make()
    except (ImportError, LeftOutError) as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({}), file=answers, flush=True)
    # The first epoch of a turn finds the caches as the side before left them: it is run, not timed.
    for line in sys.stdin:
        first = (int(line) - 1) * turn + 1
        for number in range(first, first + turn):
            if number <= first + 1:
                wall, cpu = time.perf_counter(), time.process_time()
            value = epoch(number)
        share = max(1, turn - 1)
        times = {"wall": (time.perf_counter() - wall) / share, "cpu": (time.process_time() - cpu) / share}
        print(json.dumps({**times, "value": value}), file=answers, flush=True)


def rounds_of(workers: dict[str, Worker], rounds: int, warm: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Ask all in turn; a side that fails is left out with a line. The first answers are for warming up."""
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in workers}
    for number in range(1, rounds + warm + 1):
        for side in list(workers):
            answer = workers[side].ask(number)
            if "error" in answer:
                print(f"- {side}: left out, {answer['error']}")
                workers.pop(side).close()
                answers.pop(side)
                continue
            answers[side].append(answer | {"warm": number <= warm})
    return answers


def start(kind: str, sides: Iterable[str], *rest: str, threads: int) -> dict[str, Worker]:
    workers: dict[str, Worker] = {}
    for side in sides:
        made = Worker(kind, side, *rest, threads=threads)
        if made.error:
            print(f"- {side}: left out, {made.error}")
            made.close()
        else:
            workers[side] = made
    return workers


def timed(answers: list[dict[str, Any]], clock: str = "wall") -> list[float]:
    return [a[clock] for a in answers if not a["warm"]]


def ratio(a: list[float], b: list[float]) -> float:
    """Median of the rounds' ratios a / b."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))
