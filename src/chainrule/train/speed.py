"""How fast a network trains here: steps of each executor, measured in turn."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from ..execute import native
from ..execute.choose import VARIABLE
from ..execute.program import MatMul
from ..nn import Network
from .callbacks import Callback
from .loop import Trainer
from .model import Model
from .samples import Array
from .settings import Settings

ROUND = 0.1  # seconds of one measurement
ROUNDS = 5  # at least


@dataclass(frozen=True)
class Speed:
    """One way to train, measured.

    threads  None: those that NumPy's BLAS takes by itself
    seconds  per step (the median of the rounds)
    samples  per second
    gflops   of the step's matrix products alone, 10⁹ operations per second
    """

    executor: str
    threads: int | None
    seconds: float
    samples: float
    gflops: float


class _Pause(Callback):
    def on_epoch_end(self, trainer: Trainer, epoch: int, row: object) -> None:
        trainer.stop = "the next epoch has not been asked for"


def speeds(network: Network, settings: Settings, *, seconds: float = 2.0) -> list[Speed]:
    """Train the network in float32 on random samples with every executor and with one and all threads.

    The sides take turns, so that whatever else the machine does meets all of them. Nothing is written anywhere.
    """
    batch = settings.batch_size or 128
    sides: list[tuple[str, int | None]] = []
    if native.available():
        sides = [("native", threads) for threads in sorted({1, os.cpu_count() or 1})]
    trainers = {side: _trainer(network, settings, batch, *side) for side in [*sides, ("reference", None)]}
    taken: dict[tuple[str, int | None], list[float]] = {side: [] for side in trainers}
    until = time.perf_counter() + seconds
    rounds = 0
    while rounds < ROUNDS + 1 or time.perf_counter() < until:
        for (executor, threads), trainer in trainers.items():
            with _using(executor):
                began, steps = time.perf_counter(), trainer.step
                while trainer.step == steps or time.perf_counter() - began < min(ROUND, seconds / 20):
                    trainer.stop = None
                    trainer.run()
                taken[executor, threads].append((time.perf_counter() - began) / (trainer.step - steps))
        rounds += 1
    flops = operations(Model(network, dtype=np.float32, labels=_labels(network)), batch)
    medians = {side: statistics.median(times[1:]) for side, times in taken.items()}  # the first round warms up
    return [Speed(*side, t, batch / t, flops / t / 1e9) for side, t in medians.items()]


def operations(model: Model, batch: int) -> int:
    """Multiplications and additions of the matrix products of one step."""
    program, found = model.gradient_program, 0
    for x in program.instructions:
        if isinstance(x, MatMul):
            rows, cols = program.buffers[x.out].shape.bind({"m": batch})
            a = program.buffers[x.a].shape.bind({"m": batch})
            found += 2 * rows * cols * (a[0] if x.transpose_a else a[1])
    return found


def _labels(network: Network) -> bool:
    return network.output_activation == "softmax"


def _trainer(network: Network, settings: Settings, batch: int, executor: str, threads: int | None) -> Trainer:
    """A training of a few steps per epoch that can go on for ever."""
    rng = np.random.default_rng(0)
    labels, count = _labels(network), 16 * batch
    X = rng.standard_normal((count, network.inputs), dtype=np.float32)
    y: Array = rng.integers(0, network.outputs, count) if labels else rng.random((count, network.outputs), np.float32)
    model = Model(network, labels=labels, dtype=np.float32)
    chosen = replace(settings, epochs=10**9, batch_size=batch, threads=threads)
    with _using(executor):
        return Trainer(model, model.samples(X, y), settings=chosen, callbacks=[_Pause()])


@contextmanager
def _using(executor: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = executor
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


__all__ = ["Speed", "operations", "speeds"]
