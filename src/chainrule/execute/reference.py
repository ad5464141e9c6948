"""The reference executor: a program as straight-line NumPy, written once per program and bound to arrays.

Every matrix is kept with its columns contiguous, so NumPy sees the transposed C-ordered array: sample j is row j. The
generated function only calls ufuncs and BLAS with `out=`; it allocates nothing. `source()` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ShapeError
from ..ops import uniform_numbers
from . import aligned
from .direct import Array, sizes_of
from .numpy_code import write
from .program import Program


class Bound:
    """A program bound to arrays of one size and type: `run(inputs)` computes, `results` are views on its buffers.

    Results stay valid until the next run. Inputs are matrices of the sizes the program was bound for.
    """

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int],
        dtype: npt.DTypeLike,
        arrays: Mapping[str, Array],
        results: Mapping[str, Array] | None = None,
    ) -> None:
        self.program, self.sizes, self.dtype = program, dict(sizes), np.dtype(dtype)
        self._shapes = _shapes(program, sizes)
        self._input_shapes = {n: self._shapes[program.buffer(n).index] for n in program.inputs}
        held = self._allocate(arrays, results or {})
        self.results = {name: held[index].T for name, index in program.results.items()}
        self._call = self._compile(held)

    def _compile(self, held: dict[int, Array]) -> Callable[..., None]:
        """The function of the inputs that runs the program on the arrays held."""
        code, temporaries = write(self.program, self.sizes)
        names: dict[str, Any] = {f"b{i}": array for i, array in held.items()}
        names["real"] = self.dtype.type
        for i, (shape, masks) in enumerate(temporaries):
            names[f"w{i}"] = np.empty(shape.T.bind(self.sizes), bool if masks else self.dtype)
        names |= {one: np.ones((1, int(one[3:])), self.dtype) for one in set(_ONES.findall(code))}
        return _make(code, names)

    def _allocate(self, arrays: Mapping[str, Array], results: Mapping[str, Array]) -> dict[int, Array]:
        held: dict[int, Array] = {}
        fresh: dict[tuple[str, int], list[int]] = {}  # work slot or result -> the buffers that lie there
        named = {index: name for name, index in self.program.results.items()}
        for b, shape in zip(self.program.buffers, self._shapes, strict=True):
            if b.role == "bound":
                held[b.index] = self._given(b.name, arrays, shape, b.kind)
            elif b.role == "result" and named.get(b.index) in results:
                held[b.index] = self._given(named[b.index], results, shape, b.kind)
            elif b.role == "work":
                fresh.setdefault(("work", b.slot), []).append(b.index)
            elif b.role == "result":
                fresh["result", b.index] = [b.index]
        made = aligned.several([(self._shapes[where[0]][::-1], self.dtype) for where in fresh.values()])
        for where, array in zip(fresh.values(), made, strict=True):
            held |= dict.fromkeys(where, array)
        return held

    def _given(self, name: str, arrays: Mapping[str, Array], shape: tuple[int, int], kind: str) -> Array:
        """An array bound in place: no copy is made, so updates are seen by its owner."""
        if name not in arrays:
            raise DataError(f"the program needs an array for {name} ({shape[0]} × {shape[1]})")
        array = arrays[name]
        if array.shape != shape:
            raise ShapeError(f"{name}: expected {shape[0]} × {shape[1]}, received {array.shape}")
        if kind == "real" and array.dtype != self.dtype:
            raise DataError(f"{name}: expected {self.dtype} like the program, received {array.dtype}")
        if not array.T.flags.c_contiguous and min(shape) > 1:
            raise DataError(f"{name}: expected columns contiguous in memory (order='F'); use np.asfortranarray")
        return array.T

    def run(self, inputs: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Compute the results. Inputs are checked and, where needed, converted; sizes must be those bound."""
        given = inputs or {}
        arrays = []
        for name, shape in self._input_shapes.items():
            if name not in given:
                raise DataError(f"the program needs an input {name} ({shape[0]} × {shape[1]})")
            buffer = self.program.buffer(name)
            array = np.atleast_2d(np.asarray(given[name], dtype=self.dtype if buffer.kind == "real" else np.int64))
            if array.shape != shape:
                raise ShapeError(f"{name}: expected {shape[0]} × {shape[1]}, received {array.shape}")
            arrays.append(np.ascontiguousarray(array.T))
        with np.errstate(all="ignore"):
            self.call(*arrays)
        return self.results

    @property
    def call(self) -> Callable[..., None]:
        """Compute with inputs in the program's order, transposed: C-ordered (samples × rows). Nothing is checked.

        Overflow and division by zero follow IEEE 754; callers hold `np.errstate(all="ignore")` around their loop.
        """
        return self._call


def _shapes(program: Program, sizes: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """Rows and columns of every buffer; the same for every network of a program and its sizes."""
    key = ("shapes", *sorted(sizes.items()))
    if key not in program.made:
        program.made[key] = tuple(b.shape.bind(sizes) for b in program.buffers)
    found: tuple[tuple[int, int], ...] = program.made[key]
    return found


def run(program: Program, values: Mapping[str, Any], dtype: npt.DTypeLike = np.float64) -> dict[str, Array]:
    """Run a program once on arrays of any layout; states that it assigns come back under their names.

    values  name -> matrix for every input and bound variable; sizes are read off them
    """
    kind = np.dtype(dtype)
    shapes = {b.name: b.shape for b in program.buffers if b.role in ("input", "bound")}
    arrays: dict[str, Array] = {}
    for name in shapes:
        if name not in values:
            raise DataError(f"the program needs an array for {name} ({shapes[name]})")
        real = program.buffer(name).kind == "real"
        arrays[name] = np.array(np.atleast_2d(values[name]), dtype=kind if real else np.int64, order="F")
    bound = {n: arrays[n] for n in program.bound}
    task = Bound(program, sizes_of(arrays, shapes), kind, bound)
    results = dict(task.run({n: arrays[n] for n in program.inputs}))
    return results | {name: bound[name] for name in program.assigns}


def source(program: Program, sizes: Mapping[str, int]) -> str:
    """The NumPy code of a program for given sizes, as it is executed."""
    return write(program, dict(sizes))[0]


def _uniform(out: Array, seed: Array, step: Array, stream: int) -> None:
    numbers = uniform_numbers(int(seed.flat[0]), int(step.flat[0]), stream, out.size)
    out[...] = numbers.reshape(out.shape)


def _scatter(out: Array, a: Array, labels: Array) -> None:
    out[...] = 0
    np.add.at(out, labels.ravel(), a)


def _one_hot(out: Array, labels: Array) -> None:
    out[...] = 0
    out[np.arange(out.shape[0]), labels.ravel()] = 1


def _pick(out: Array, a: Array, labels: Array) -> None:
    out[:, 0] = a[np.arange(a.shape[0]), labels.ravel()]


def _erf(a: Array, out: Array) -> Array:
    from scipy.special import erf  # SciPy loads only once an expression needs it

    result: Array = erf(a, out=out)
    return result


_LIBRARY: dict[str, Any] = {
    "dot": np.dot,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negative": np.negative,
    "power": np.power,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "absolute": np.absolute,
    "sign": np.sign,
    "greater": np.greater,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": np.logaddexp,
    "clip": np.clip,
    "copyto": np.copyto,
    "take": np.take,
    "erf": _erf,
    "add_reduce": np.add.reduce,
    "max_reduce": np.maximum.reduce,
    "uniform": _uniform,
    "scatter": _scatter,
    "one_hot": _one_hot,
    "pick": _pick,
}


_ONES = re.compile(r"one\d+")  # rows of ones: a product with them is a sum


@lru_cache(maxsize=256)
def _compiled(code: str) -> Any:
    return compile(code, "<program>", "exec")


def _make(code: str, arrays: Mapping[str, Any]) -> Callable[..., None]:
    """Turn the written code into a function whose arrays are locals of an enclosing one (no look-ups by name)."""
    names = {**_LIBRARY, **arrays}
    scope: dict[str, Any] = {}
    exec(_compiled(code), scope)
    make = scope["make"]
    wanted = make.__code__.co_varnames[: make.__code__.co_argcount]
    result: Callable[..., None] = make(*(names[n] for n in wanted))
    return result


__all__ = ["Bound", "run", "source"]
