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

    done            steps done
    place           steps done of the epoch that the last one lies in (of the next one, if that failed)
    cost, weight    Σ cost · weight and Σ weight of that epoch so far
    last            J of the last step
    ended           Σ cost · weight, Σ weight and the clock at its end, of every epoch before that one
    failed          the next step met NaN or infinity before its update; its batch lies in `Steps.buffers`
    overflowed      the next step's update overflowed this parameter; it was taken back
    """

    done: int
    place: int
    cost: float
    weight: float
    last: float = math.nan
    ended: Sequence[tuple[float, float, float]] = ()
    failed: bool = False
    overflowed: str | None = None


class Steps:
    """Runs steps over fixed arrays.

    inputs   those of the gradient program, (N × rows), float32 or float64 in any memory order
    count    samples of an epoch
    batch    samples of each of its steps; what is left over makes a smaller last one
    threads  that share each instruction on the native executor; None measures, and never changes a result
    """

    def __init__(
        self,
        model: Model,
        update: Update,
        inputs: Sequence[Array],
        *,
        count: int,
        batch: int,
        threads: int | None = None,
    ) -> None:
        self.model, self.update, self.inputs = model, update, list(inputs)
        self.count, self.batch = count, min(batch, count)
        self.full, self.rest = divmod(self.count, self.batch)
        self.buffers: dict[int, list[Array]] = {}
        self.threads = Threads(threads)
        self._pools: dict[int, Any] = {}
        self._rows: dict[int, native.Row] = {}  # by the size of their batches

    def release(self) -> None:
        """Hold no arrays any more."""
        self.inputs = []
        self._rows.clear()

    def size(self, place: int) -> int:
        """Samples of step `place` (from 0) of an epoch."""
        return self.batch if place < self.full else self.rest

    def advance(
        self,
        rows: npt.NDArray[np.int64],
        place: int,
        rates: npt.NDArray[np.float64],
        sums: tuple[float, float] = (0.0, 0.0),
    ) -> Advance:
        """Up to one step per rate, the first of them step `place` (from 0) of its epoch; later epochs may follow it.

        rows   the sample numbers, step after step
        rates  learning rate of each step
        sums   Σ cost · weight and Σ weight of the first epoch so far. They are added to step by step, so that the mean
               of an epoch has the same bits however often it was interrupted.

        Stops before the update of a step that is not finite.
        """
        task = self.model.bound("gradient", self.size(place))
        if isinstance(task, native.NativeBound):
            return self._native(rows, place, rates, sums)
        return self._python(task, rows, place, rates, sums)

    def _pool(self, threads: int) -> Any:
        if threads not in self._pools:
            self._pools[threads] = native.pool(threads)
        return self._pools[threads]

    def _weights(self) -> int | None:
        names = self.model.gradient_program.inputs
        return names.index("w") if "w" in names else None

    def _native(self, rows: Any, place: int, rates: Any, sums: tuple[float, float]) -> Advance:
        if self.threads.steps is not None:
            rates = rates[: self.threads.steps]
        pool = self._pool(self.threads.current)
        row = self._row(self.batch, pool)
        rest = self._row(self.rest, pool) if self.rest and place + len(rates) > self.full else None
        order = np.ascontiguousarray(rows[: self._samples(place + len(rates)) - self._samples(place)])
        started = time.perf_counter()
        walk = row.run(rest, self.full, place, order, rates, BUDGET, sums)
        self.threads.report(walk.done, time.perf_counter() - started)
        at = place + walk.done - len(walk.ended) * self._whole
        if walk.status == native.FAILED:  # its batch lies in the task's input arrays
            met = row.gradient if at < self.full or rest is None else rest.gradient
            self.buffers[self.size(at)] = [met.input_arrays[met.program.buffer(n).index] for n in met.program.inputs]
        did = Advance(
            walk.done,
            at,
            walk.cost,
            walk.weight,
            float((rest if rest is not None and at > self.full else row).gradient.results["J"][0, 0]),
            [(cost, weight, started + seconds) for cost, weight, seconds in walk.ended],
            failed=walk.status == native.FAILED,
        )
        if walk.status == native.LARGE:  # a step that may overflow is made on trial
            done = self._samples(place + walk.done) - self._samples(place)
            task = self.model.bound("gradient", self.size(at))
            trial = self._python(task, rows[done:], at, rates[walk.done : walk.done + 1], (walk.cost, walk.weight))
            return replace(trial, done=walk.done + trial.done, ended=did.ended)
        return did

    @property
    def _whole(self) -> int:
        """Steps of an epoch."""
        return self.full + (self.rest > 0)

    def _samples(self, steps: int) -> int:
        """Samples in so many steps from the beginning of an epoch."""
        return steps // self._whole * self.count + steps % self._whole * self.batch

    def _row(self, batch: int, pool: Any) -> native.Row:
        task, update, kept = self.model.bound("gradient", batch), self.update.bound, list(self.model.state.values())
        assert isinstance(task, native.NativeBound)
        assert isinstance(update, native.NativeBound)
        task.share(pool)
        update.share(pool)
        row = self._rows.get(batch)
        if row is None or not row.of(task, update, self.inputs, kept):
            row = self._rows[batch] = native.Row(
                task,
                update,
                self.inputs,
                batch=batch,
                rate=self.update.rate,
                updates=self.update.count,
                counter=self.model.counters["step"],
                cost=task.results["J"],
                grad=self.model.grad,
                kept=kept,
                weights=self._weights(),
            )
        return row

    def _python(self, task: Bound, rows: Any, place: int, rates: Any, sums: tuple[float, float]) -> Advance:
        batch = self.size(place)
        rates = rates[: self.full - place if place < self.full else 1]  # those of one size
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
                return Advance(k, place + k, total, summed, cost, failed=True)
            weight = float(batch) if weights is None else float(buffers[weights].sum())
            if rate <= 10 and rate * rate * square < SAFE:
                self.update.step(rate)
            else:
                overflowed = self._trial(rate)
                if overflowed is not None:
                    self._put_back(kept)
                    return Advance(k, place + k, total, summed, cost, overflowed=overflowed)
            counter[0, 0] += 1
            total += cost * weight
            summed += weight
            if time.perf_counter() > until:
                return Advance(k + 1, place + k + 1, total, summed, cost)
        return Advance(len(rates), place + len(rates), total, summed, cost)

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
