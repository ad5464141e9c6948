"""The native executor: a program handed to C++ as integers and pointers, with the meaning of the reference executor.

Everything is validated here; the compiled side trusts what it is given. Where it was not built, `available()` is False
and the reference executor does the same work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..graph import bind
from . import aligned
from .direct import Array
from .program import (
    Constant,
    Gather,
    Instruction,
    LogSumExp,
    Map,
    MatMul,
    OneHot,
    Operand,
    Pick,
    Program,
    Read,
    Reduce,
    Register,
    ScatterAdd,
    Store,
    Transpose,
    Uniform,
)
from .reference import Bound

# The order is that of `Op` in native/task.hpp.
_NAMES = (
    "copy add subtract negate multiply divide power exp log log1p expm1 sqrt sin cos erf tanh abs sign step maximum "
    "minimum where sigmoid softplus clip"
)
OPCODES = {name: code for code, name in enumerate(_NAMES.split())}
_MATMUL, _MAP, _REDUCE, _LSE, _ONE_HOT, _PICK, _GATHER, _SCATTER, _UNIFORM, _TRANSPOSE, _STORE = range(11)
_SPREAD = {"full": 0, "column": 1, "row": 2, "scalar": 3}
_REGISTER, _CONSTANT = 4, 5
DONE, FAILED, LABEL, LARGE = range(4)  # how a row of native steps ended


@cache
def _module() -> Any:
    try:
        return import_module("chainrule._native")
    except ImportError:
        return None


def available() -> bool:
    """Whether the compiled part was built."""
    return _module() is not None


def instruction_sets() -> list[str]:
    """Instruction sets this machine can run, the fastest first."""
    module = _module()
    return list(module.instruction_sets()) if module is not None else []


def pool(threads: int) -> Any:
    """Threads for one caller at a time; `pool(1)` starts none."""
    return _module().Pool(threads)


def side_by_side(columns: Sequence[Array], X: Array, isa: str) -> None:
    """Columns of X's type without gaps into a C-contiguous X; `columns.side_by_side` has checked them."""
    _module().side_by_side(list(columns), len(X), X.ctypes.data, X.dtype == np.float64, isa)


class NativeBound(Bound):
    """A program bound to arrays, run by the compiled executor; the interface is that of `Bound`."""

    def _compile(self, held: dict[int, Array]) -> Callable[..., None]:
        buffers, shapes = self.program.buffers, self._shapes
        inputs = [self.program.buffer(n).index for n in self.program.inputs]
        # Inputs have arrays of their own, into which batches are gathered; `call` may also point them elsewhere.
        wanted = [(shapes[i][::-1], self.dtype if buffers[i].kind == "real" else np.dtype(np.int64)) for i in inputs]
        self.input_arrays = dict(zip(inputs, aligned.several(wanted), strict=True))
        self._held = held | self.input_arrays
        code, constants = _encoded(self.program, self.sizes)
        self.task = _module().Task(
            self.dtype == np.float64,
            _module().addresses([self._held.get(b.index) for b in buffers]),
            [s[0] for s in shapes],
            [s[1] for s in shapes],
            [b.slot if b.slot >= 0 else len(buffers) + b.index for b in buffers],
            [b.kind != "real" for b in buffers],
            inputs,
            code,
            constants,
            "",
        )
        return _Call(self.task, wanted)

    def share(self, pool: Any) -> None:
        """Let the threads of a pool share each instruction; the results stay the same bits."""
        self.task.set_pool(pool)


class _Call:
    """Runs a task on given inputs; it keeps them, since the task reads them where they lie."""

    def __init__(self, task: Any, wanted: Sequence[tuple[tuple[int, ...], np.dtype[Any]]]) -> None:
        self.task, self.wanted = task, wanted
        self.kept: list[Array] = []

    def __call__(self, *arrays: Array) -> None:
        if arrays:
            kept = []
            for array, (shape, dtype) in zip(arrays, self.wanted, strict=True):
                if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
                    array = np.ascontiguousarray(np.broadcast_to(array, shape), dtype=dtype)
                kept.append(array)
            self.task.set_inputs(_module().addresses(kept))
            self.kept = kept
        if self.task.run():
            raise IndexError("a label lies outside 0..K-1")


def _encoded(program: Program, sizes: Mapping[str, int]) -> tuple[list[int], list[float]]:
    """Instructions as integers, and their constants; the same for every network of a program and its sizes."""
    key = ("native", *sorted(sizes.items()))
    if key not in program.made:
        encoder = _Encoder(program, sizes)
        program.made[key] = encoder.code, encoder.constants
    found: tuple[list[int], list[float]] = program.made[key]
    return found


class _Encoder:
    """The instructions of a program as integers, for given sizes."""

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes
        self.code: list[int] = []
        self.constants: list[float] = []
        for x in program.instructions:
            self._instruction(x)

    def _instruction(self, x: Instruction) -> None:
        match x:
            case MatMul():
                alpha = -1 if x.alpha is None else self._constant(x.alpha)
                self._plain(_MATMUL, x.out, x.a, x.b, int(x.transpose_a), int(x.transpose_b), alpha)
            case Map():
                self._map(x)
            case Reduce():
                self._plain(_REDUCE, x.out, x.a, int(x.how == "max"), _axis(x.axis))
            case LogSumExp():
                self._plain(_LSE, x.out, x.a, _axis(x.axis), -1 if x.soft is None else x.soft)
            case OneHot():
                self._plain(_ONE_HOT, x.out, x.labels)
            case Pick():
                self._plain(_PICK, x.out, x.a, x.labels)
            case Gather():
                self._plain(_GATHER, x.out, x.table, x.labels)
            case ScatterAdd():
                self._plain(_SCATTER, x.out, x.a, x.labels)
            case Uniform():
                self._plain(_UNIFORM, x.out, x.seed, x.step, x.stream)
            case Transpose():
                self._plain(_TRANSPOSE, x.out, x.a)
            case Store():
                self._plain(_STORE, x.out, x.a)

    def _plain(self, code: int, *operands: int) -> None:
        self.code += [code, len(operands), *operands]

    def _map(self, x: Map) -> None:
        rows, cols = x.shape.bind(self.sizes)
        self.code += [_MAP, rows, cols, len(x.code), len(x.results)]
        for line in x.code:
            self.code += [OPCODES[line.op], len(line.operands)]
            for o in line.operands:
                self.code += self._operand(o)
            attrs = dict(line.attrs)
            for name in ("lo", "hi"):
                self.code.append(self._number(float(attrs[name])) if name in attrs else -1)  # type: ignore[arg-type]
        for i, buffer in x.results:
            self.code += [i, buffer]

    def _operand(self, o: Operand) -> Sequence[int]:
        match o:
            case Register(line=i):
                return _REGISTER, i
            case Read(buffer=b, spread=spread):
                return _SPREAD[spread], b
            case Constant():
                return _CONSTANT, self._constant(o)

    def _constant(self, c: Constant) -> int:
        value = float(c.value)
        for dim, power in c.powers:
            value *= float(bind(dim, self.sizes)) ** power
        return self._number(value)

    def _number(self, value: float) -> int:
        self.constants.append(value)
        return len(self.constants) - 1


def _axis(axis: int | None) -> int:
    return 2 if axis is None else axis


class Row:
    """Training steps of one batch size in native calls: gather, gradient, guard, update.

    sources  arrays (N × rows) in the order of the gradient program's inputs, in any memory order, float32 or float64,
             read where they lie
    kept     state to put back when a step meets a value that is not finite
    weights  which source holds weights of samples

    The arrays are described once; they must stay where they are.
    """

    def __init__(
        self,
        gradient: NativeBound,
        update: NativeBound,
        sources: Sequence[Array],
        *,
        batch: int,
        rate: Array,
        updates: Array,
        counter: Array,
        cost: Array,
        grad: Array,
        kept: Sequence[Array],
        weights: int | None,
    ) -> None:
        self.gradient, self.update, self.sources, self.kept = gradient, update, list(sources), list(kept)
        self._held = [rate, updates, counter, cost, grad]
        into = [gradient.input_arrays[gradient.program.buffer(n).index] for n in gradient.program.inputs]
        at = _module().addresses
        self._steps = _module().Steps(
            gradient.task,
            update.task,
            gradient.dtype == np.float64,
            batch,
            [
                (start, place, b.shape[1], a.strides[0], a.strides[1], a.itemsize, b.itemsize)
                for a, b, start, place in zip(sources, into, at(self.sources), at(into), strict=True)
            ],
            *at(self._held),
            grad.size,
            [(place, k.nbytes) for k, place in zip(kept, at(self.kept), strict=True)],
            0 if weights is None else at([into[weights]])[0],
        )

    def of(self, gradient: Bound, update: Bound, sources: Sequence[Array], kept: Sequence[Array]) -> bool:
        """Whether it describes just these."""
        return (
            self.gradient is gradient
            and self.update is update
            and len(self.sources) == len(sources)
            and all(a is b for a, b in zip(self.sources, sources, strict=True))
            and all(a is b for a, b in zip(self.kept, kept, strict=True))
        )

    def run(
        self,
        rest: Row | None,
        full: int,
        place: int,
        order: npt.NDArray[np.int64],
        rates: npt.NDArray[np.float64],
        budget: float,
        sums: tuple[float, float] = (0.0, 0.0),
    ) -> Walk:
        """Steps with these learning rates, until `budget` seconds have passed; every epoch has `full` of this row.

        rest   the row of the smaller step that ends each epoch, None if there is none
        place  steps of the first epoch that are done
        order  row numbers, step after step
        sums   Σ cost · weight and Σ weight of the first epoch so far, added to step by step

        A label out of range is an `IndexError`.
        """
        found = self._steps.run(
            None if rest is None else rest._steps,
            full,
            place,
            order.ctypes.data,
            rates.ctypes.data,
            len(rates),
            budget,
            *sums,
        )
        if found[1] == LABEL:
            raise IndexError("a label lies outside 0..K-1")
        return Walk(*found)


class Walk(NamedTuple):
    """What a native row of steps did.

    status        FAILED: the next step is not finite, LARGE: it is so large that its update may overflow; either way
                  nothing of it was kept
    ended         Σ cost · weight, Σ weight and the seconds from the beginning to its end, of every epoch that a later
                  step follows
    cost, weight  of the epoch that the last step lies in
    """

    done: int
    status: int
    ended: list[tuple[float, float, float]]
    cost: float
    weight: float
