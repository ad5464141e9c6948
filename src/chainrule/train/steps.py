"""Training steps in a row: gather, gradient, guard, update. One loop in Python, one in native code, the same numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..execute import native
from .model import Model
from .samples import Array
from .update import Update

BUDGET = 0.05  # seconds after which a native loop returns, so that callbacks, progress and Ctrl-C are served


@dataclass(frozen=True)
class Advance:
    """What a row of steps did: steps done, Σ cost · weight, Σ weight, and whether the next one met NaN or infinity."""

    done: int
    cost: float
    weight: float
    failed: bool = False


class Steps:
    """Runs steps over fixed arrays; `inputs` are those of the gradient program, (N × rows)."""

    def __init__(self, model: Model, update: Update, inputs: Sequence[Array]) -> None:
        self.model, self.update, self.inputs = model, update, list(inputs)
        self.buffers: dict[int, list[Array]] = {}

    def advance(self, rows: npt.NDArray[np.int64], batch: int, rates: npt.NDArray[np.float64], most: int) -> Advance:
        """Up to `most` steps of `batch` samples each: `rows` are the sample numbers, batch after batch.

        rates  learning rate of each step. Stops before the update of a step that is not finite.
        """
        task = self.model.bound("gradient", batch)
        rates = rates[:most]
        if isinstance(task, native.NativeBound):
            return self._native(task, rows, batch, rates)
        return self._python(task, rows, batch, rates)

    def _weights(self) -> int | None:
        names = self.model.gradient_program.inputs
        return names.index("w") if "w" in names else None

    def _native(self, task: native.NativeBound, rows: Any, batch: int, rates: Any) -> Advance:
        update = self.update.bound
        assert isinstance(update, native.NativeBound)
        done, status, cost, weight = native.steps(
            task,
            update,
            self.inputs,
            np.ascontiguousarray(rows[: batch * len(rates)]),
            batch,
            rates,
            rate=self.update.rate,
            updates=self.update.count,
            counter=self.model.counters["step"],
            cost=task.results["J"],
            grad=self.model.grad,
            kept=list(self.model.state.values()),
            weights=self._weights(),
            budget=BUDGET,
        )
        if status == 1:  # the batch that failed lies in the task's input arrays
            self.buffers[batch] = [task.input_arrays[task.program.buffer(n).index] for n in task.program.inputs]
        return Advance(done, cost, weight, failed=status == 1)

    def _python(self, task: Any, rows: Any, batch: int, rates: Any) -> Advance:
        buffers = self.buffers.setdefault(batch, [np.empty((batch, a.shape[1]), a.dtype) for a in self.inputs])
        counter, grad, J = self.model.counters["step"], self.model.grad[:, 0], task.results["J"]
        weights, state = self._weights(), self.model.state
        total = summed = 0.0
        until = time.perf_counter() + BUDGET
        for k, rate in enumerate(rates.tolist()):
            part = rows[k * batch : (k + 1) * batch]
            for a, out in zip(self.inputs, buffers, strict=True):
                a.take(part, axis=0, out=out, mode="clip")
            kept = {n: v.copy() for n, v in state.items()}
            task.call(*buffers)
            cost = float(J[0, 0])
            # The square of a large gradient may overflow: then look at its entries.
            if not math.isfinite(cost + float(grad.dot(grad))) and not (
                math.isfinite(cost) and np.isfinite(grad).all()
            ):
                for n, v in kept.items():
                    state[n][...] = v
                return Advance(k, total, summed, failed=True)
            weight = float(batch) if weights is None else float(buffers[weights].sum())
            self.update.step(rate)
            counter[0, 0] += 1
            total += cost * weight
            summed += weight
            if time.perf_counter() > until:
                return Advance(k + 1, total, summed)
        return Advance(len(rates), total, summed)
