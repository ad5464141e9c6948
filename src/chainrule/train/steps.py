"""Training steps in a row: gather, gradient, guard, update. One loop in Python, one in native code, one meaning."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..execute import Bound, native
from .model import Model
from .samples import Array
from .threads import Threads
from .update import Update

BUDGET = 0.05  # seconds after which a native loop returns, so that callbacks, progress and Ctrl-C are served
SAFE = 1e30  # (η‖g‖)² of a step that cannot overflow even float32: ‖Δθ‖ stays far below 1e38


@dataclass(frozen=True)
class Advance:
    """What a row of steps did.

    done                steps done
    cost, weight        Σ cost · weight and Σ weight of the epoch so far, these steps included
    last                J of the last step
    failed              the next step met NaN or infinity before its update; its batch lies in `Steps.buffers`
    overflowed          the next step's update overflowed this parameter; it was taken back
    """

    done: int
    cost: float
    weight: float
    last: float = math.nan
    failed: bool = False
    overflowed: str | None = None


class Steps:
    """Runs steps over fixed arrays.

    inputs   those of the gradient program, (N × rows), float32 or float64 in any memory order
    threads  that share each instruction on the native executor; None measures, and never changes a result
    """

    def __init__(self, model: Model, update: Update, inputs: Sequence[Array], threads: int | None = None) -> None:
        self.model, self.update, self.inputs = model, update, list(inputs)
        self.buffers: dict[int, list[Array]] = {}
        self.threads = Threads(threads)
        self._pools: dict[int, Any] = {}
        self._rows: dict[int, native.Row] = {}  # by the size of their batches

    def release(self) -> None:
        """Hold no arrays any more."""
        self.inputs = []
        self._rows.clear()

    def advance(
        self,
        rows: npt.NDArray[np.int64],
        batch: int,
        rates: npt.NDArray[np.float64],
        most: int,
        sums: tuple[float, float] = (0.0, 0.0),
    ) -> Advance:
        """Up to `most` steps of `batch` samples each: `rows` are the sample numbers, batch after batch.

        rates  learning rate of each step; sums: Σ cost · weight and Σ weight so far. They are added to step by step, so
        that the mean of an epoch has the same bits however often it was interrupted.

        Stops before the update of a step that is not finite.
        """
        task = self.model.bound("gradient", batch)
        rates = rates[:most]
        if isinstance(task, native.NativeBound):
            return self._native(task, rows, batch, rates, sums)
        return self._python(task, rows, batch, rates, sums)

    def _pool(self, threads: int) -> Any:
        if threads not in self._pools:
            self._pools[threads] = native.pool(threads)
        return self._pools[threads]

    def _weights(self) -> int | None:
        names = self.model.gradient_program.inputs
        return names.index("w") if "w" in names else None

    def _native(
        self, task: native.NativeBound, rows: Any, batch: int, rates: Any, sums: tuple[float, float]
    ) -> Advance:
        update = self.update.bound
        assert isinstance(update, native.NativeBound)
        if self.threads.steps is not None:
            rates = rates[: self.threads.steps]
        pool = self._pool(self.threads.current)
        task.share(pool)
        update.share(pool)
        row = self._row(task, update, batch)
        started = time.perf_counter()
        order = np.ascontiguousarray(rows[: batch * len(rates)])
        done, status, cost, weight = row.run(order, batch, rates, BUDGET, sums)
        self.threads.report(done, time.perf_counter() - started)
        last = float(task.results["J"][0, 0])
        if status == native.LARGE:  # a step that may overflow is made on trial
            trial = self._python(task, rows[done * batch :], batch, rates[done : done + 1], (cost, weight))
            return replace(trial, done=done + trial.done)
        if status == native.FAILED:  # its batch lies in the task's input arrays
            self.buffers[batch] = [task.input_arrays[task.program.buffer(n).index] for n in task.program.inputs]
        return Advance(done, cost, weight, last, failed=status == native.FAILED)

    def _row(self, task: native.NativeBound, update: native.NativeBound, batch: int) -> native.Row:
        kept = list(self.model.state.values())
        row = self._rows.get(batch)
        if row is None or not row.of(task, update, self.inputs, kept):
            row = self._rows[batch] = native.Row(
                task,
                update,
                self.inputs,
                rate=self.update.rate,
                updates=self.update.count,
                counter=self.model.counters["step"],
                cost=task.results["J"],
                grad=self.model.grad,
                kept=kept,
                weights=self._weights(),
            )
        return row

    def _python(self, task: Bound, rows: Any, batch: int, rates: Any, sums: tuple[float, float]) -> Advance:
        buffers = self.buffers.setdefault(batch, [self._empty(batch, a) for a in self.inputs])
        counter, grad, J = self.model.counters["step"], self.model.grad[:, 0], task.results["J"]
        weights, state = self._weights(), self.model.state
        total, summed = sums
        cost = math.nan
        until = time.perf_counter() + BUDGET
        for k, rate in enumerate(rates.tolist()):
            part = rows[k * batch : (k + 1) * batch]
            for a, out in zip(self.inputs, buffers, strict=True):
                if a.dtype == out.dtype:
                    a.take(part, axis=0, out=out, mode="clip")
                else:
                    out[...] = a[part]
            kept = {n: v.copy() for n, v in state.items()}
            task.call(*buffers)
            cost, square = float(J[0, 0]), float(grad.dot(grad))
            # The square of a large gradient may overflow: then look at its entries.
            if not math.isfinite(cost + square) and not (math.isfinite(cost) and np.isfinite(grad).all()):
                self._put_back(kept)
                return Advance(k, total, summed, cost, failed=True)
            weight = float(batch) if weights is None else float(buffers[weights].sum())
            if rate <= 10 and rate * rate * square < SAFE:
                self.update.step(rate)
            else:
                overflowed = self._trial(rate)
                if overflowed is not None:
                    self._put_back(kept)
                    return Advance(k, total, summed, cost, overflowed=overflowed)
            counter[0, 0] += 1
            total += cost * weight
            summed += weight
            if time.perf_counter() > until:
                return Advance(k + 1, total, summed, cost)
        return Advance(len(rates), total, summed, cost)

    def _empty(self, batch: int, a: Array) -> Array:
        return np.empty((batch, a.shape[1]), self.model.dtype if a.dtype.kind == "f" else a.dtype)

    def _put_back(self, kept: dict[str, Array]) -> None:
        for n, v in kept.items():
            self.model.state[n][...] = v

    def _trial(self, rate: float) -> str | None:
        """A step so large that it may overflow: if it does, all stays what it was, and the parameter is named."""
        arrays = [self.model.theta, *self.update.state.values(), self.update.count]
        before = [a.copy() for a in arrays]
        self.update.step(rate)
        name = next((n for n, value in self.model.parameters.items() if not np.isfinite(value).all()), None)
        if name is not None:
            for array, old in zip(arrays, before, strict=True):
                array[...] = old
        return name
