"""Prediction: one sample in microseconds, any number of rows in bounded memory, from any number of threads."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..errors import DataError
from ..execute import Bound, Program, bind
from ..execute.native import NativeBound
from .samples import Array, features, finite

if TYPE_CHECKING:
    from .model import Model

SMALL = 64  # up to so many samples the arrays are bound once and for all
KEPT = 16  # numbers of samples for which a thread keeps buffers
MEMORY = 2**21  # bytes of activations per run of many rows, about what stays in the second cache ...
LEAST, MOST = 512, 4096  # ... but enough columns for products at full speed

T = TypeVar("T")


class Predictor:
    """Ŷ of a model: features (N, n_0) in, an array (N, n_L) out.

    The parameters are the model's own, as they are at the call. Every thread has buffers of its own, so calls from
    several threads are independent. Errors are those of `features`: wrong shape or type, NaN or infinity.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._plain = not model.network.embeddings
        self._local = _Buffers()

    def __call__(self, X: Any, codes: Any = None) -> Array:
        if type(X) is np.ndarray:
            small = self._local.small.get(X.shape)
            if small is not None and (Yhat := small(X)) is not None:
                return Yhat
        return self._checked(X, codes)

    def release(self) -> None:
        """Give back the buffers of all threads."""
        self._local = _Buffers()

    @cached_property
    def chunk(self) -> int:
        """Samples per run where there are many."""
        model = self._model
        return min(max(MEMORY // _bytes_per_sample(model.prediction_program, model.dtype.itemsize), LEAST), MOST)

    def _checked(self, X: Any, codes: Any) -> Array:
        model, array = self._model, np.asarray(X)
        n = model.network.inputs
        checked = features(array if array.ndim != 2 else array[:0], n, model.dtype)
        if array.ndim != 2:  # one feature may be given as a vector
            array = checked
        numbers = model.codes(codes, len(array))
        out = np.empty((len(array), model.network.outputs), model.dtype)
        step = self.chunk
        with np.errstate(all="ignore"):
            for start in range(0, len(array), step):
                part = slice(start, start + step)
                x = np.ascontiguousarray(array[part], dtype=model.dtype)
                if not math.isfinite(np.add.reduce(x, axis=None)):
                    self._refuse(x, array)
                out[part] = self._run(x, None if numbers is None else numbers[part])
        return out

    def _refuse(self, x: Array, array: Array) -> None:
        """Raise `DataError` unless only the sum of large values overflowed; the message counts over all rows."""
        try:
            finite(x, "X")
        except DataError:
            features(array, self._model.network.inputs, self._model.dtype)
            raise

    def _run(self, x: Array, codes: Array | None) -> Array:
        m, local = len(x), self._local
        if self._plain and m <= SMALL:
            small = _kept(local.small, x.shape, lambda: _Small(self._bind(m), self._model.dtype))
            if (Yhat := small(x)) is not None:
                return Yhat
        task = _kept(local.tasks, m, lambda: self._bind(m))
        columns = {"A[0]": x}
        if codes is not None:
            columns |= {f"c[{k + 1}]": np.ascontiguousarray(c)[:, None] for k, c in enumerate(codes.T)}
        task.call(*(columns[name] for name in task.program.inputs))
        return task.results["Yhat"].T

    def _bind(self, m: int) -> Bound:
        model = self._model
        arrays = {**model.parameters, **model.state, **model.counters}
        return bind(model.prediction_program, {"m": m}, model.dtype, arrays)


class _Buffers(threading.local):
    """What each thread has for itself."""

    def __init__(self) -> None:
        self.small: dict[Any, _Small] = {}
        self.tasks: dict[int, Bound] = {}


class _Small:
    """The program for m samples with an input array of its own: copy in, one check, run, copy out."""

    def __init__(self, task: Bound, dtype: np.dtype[Any]) -> None:
        rows, m = task.program.buffer("A[0]").shape.bind(task.sizes)
        self.dtype, self.Yhat = dtype, task.results["Yhat"].T
        self.run: Callable[[], None]
        if isinstance(task, NativeBound):
            self.x = task.input_arrays[task.program.buffer("A[0]").index]
            self.run = task.call
        else:
            self.x = np.empty((m, rows), dtype)
            self.run = lambda: task.call(self.x)
        self.flat = self.x.reshape(-1)
        self.native = isinstance(task, NativeBound)

    def __call__(self, X: Array) -> Array | None:
        """None where a closer look is needed: other types, values that are not finite or whose squares overflow."""
        if X.dtype != self.dtype or not self.native:
            if X.dtype.kind not in "fiub":
                return None
            with np.errstate(all="ignore"):
                return self._compute(X)
        return self._compute(X)

    def _compute(self, X: Array) -> Array | None:
        self.x[...] = X
        if not math.isfinite(self.flat.dot(self.flat)):
            return None
        self.run()
        return self.Yhat.copy()


def _kept(store: dict[Any, T], key: Any, make: Callable[[], T]) -> T:
    if key not in store:
        if len(store) >= KEPT:
            store.pop(next(iter(store)))
        store[key] = make()
    return store[key]


def _bytes_per_sample(program: Program, itemsize: int) -> int:
    """Input and activations of one sample, the program's work areas counted once each."""
    widths: dict[tuple[str, int], int] = {}
    for b in program.buffers:
        if "m" in b.shape:
            rows, cols = b.shape.bind({"m": 1})
            key = (b.role, b.slot if b.role == "work" else b.index)
            widths[key] = max(widths.get(key, 0), rows * cols)
    return max(1, sum(widths.values()) * itemsize)


__all__ = ["Predictor"]
