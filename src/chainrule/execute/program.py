"""A program: a short linear list of instructions over planned buffers. It can be printed and read.

Executors implement these eleven instructions and nothing else:

    matmul      C = α · op(A) op(B)              map       fused point-wise code, one pass, several results
    reduce      sum or max over an axis          lse       column log-sum-exp, with the soft-max if it is wanted
    one_hot     integer labels as a matrix       pick      one entry per column
    gather      columns of a table               scatter   add columns into a table
    uniform     counter-based random numbers     transpose copy of a transposed matrix
    store       write a result over a state buffer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from ..graph import Dim, Shape
from ..graph.shape import show

Spread = Literal["full", "column", "row", "scalar"]


@dataclass(frozen=True)
class Buffer:
    """A place for one matrix. `slot` is the memory it shares with buffers that are never alive together.

    role   "input" (given at every run), "bound" (parameters and state, given once), "work", "result"
    """

    index: int
    shape: Shape
    role: Literal["input", "bound", "work", "result"]
    name: str
    kind: str = "real"
    slot: int = -1

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Read:
    """An operand of point-wise code: a buffer, read entry by entry or repeated along columns and/or rows."""

    buffer: int
    spread: Spread = "full"


@dataclass(frozen=True)
class Register:
    """The value of an earlier line of the same point-wise code."""

    line: int


@dataclass(frozen=True)
class Constant:
    """`value · Π dim^power`, a number once the sizes are known."""

    value: Fraction | float
    powers: tuple[tuple[str, int], ...] = ()


Operand = Read | Register | Constant


@dataclass(frozen=True)
class Line:
    """One line of point-wise code: an op name, its operands, its attributes."""

    op: str
    operands: tuple[Operand, ...]
    attrs: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class MatMul:
    """C = α · A B, each operand transposed if asked."""

    out: int
    a: int
    b: int
    transpose_a: bool = False
    transpose_b: bool = False
    alpha: Constant | None = None


@dataclass(frozen=True)
class Map:
    """Point-wise code over one shape: every entry of the results depends on the same entry of the operands alone."""

    shape: Shape
    code: tuple[Line, ...]
    results: tuple[tuple[int, int], ...]  # (line, buffer)


@dataclass(frozen=True)
class Reduce:
    """Sum or maximum over rows (0), columns (1) or both (None)."""

    out: int
    a: int
    how: Literal["sum", "max"]
    axis: int | None


@dataclass(frozen=True)
class LogSumExp:
    """ln Σ e^A over an axis, and e^(A - lse) into `soft` if it is wanted."""

    out: int
    a: int
    axis: int | None
    soft: int | None = None


@dataclass(frozen=True)
class OneHot:
    out: int
    labels: int
    classes: Dim


@dataclass(frozen=True)
class Pick:
    out: int
    a: int
    labels: int


@dataclass(frozen=True)
class Gather:
    out: int
    table: int
    labels: int


@dataclass(frozen=True)
class ScatterAdd:
    out: int
    a: int
    labels: int


@dataclass(frozen=True)
class Uniform:
    out: int
    seed: int
    step: int
    stream: int


@dataclass(frozen=True)
class Transpose:
    out: int
    a: int


@dataclass(frozen=True)
class Store:
    """Copy a result over a state buffer at the end of the run, once nothing reads the old value any more."""

    out: int
    a: int


Instruction = MatMul | Map | Reduce | LogSumExp | OneHot | Pick | Gather | ScatterAdd | Uniform | Transpose | Store
INSTRUCTIONS = (MatMul, Map, Reduce, LogSumExp, OneHot, Pick, Gather, ScatterAdd, Uniform, Transpose, Store)


@dataclass(frozen=True)
class Program:
    """Instructions over buffers; `str(program)` is a listing.

    inputs   names given at every run, in order; bound: names given once; results: name -> buffer
    assigns  state name -> buffer of its new value, where the new value is written in place
    """

    buffers: tuple[Buffer, ...]
    instructions: tuple[Instruction, ...]
    inputs: tuple[str, ...]
    bound: tuple[str, ...]
    results: Mapping[str, int]
    assigns: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def made(self) -> dict[tuple[Any, ...], Any]:
        """What executors make of the program once for given sizes, by keys of theirs."""
        return {}

    def buffer(self, name: str) -> Buffer:
        """Buffer of an input, parameter or result."""
        if name in self.results:
            return self.buffers[self.results[name]]
        return next(b for b in self.buffers if b.name == name and b.role in ("input", "bound"))

    @property
    def slots(self) -> int:
        """How many work areas the buffers share."""
        return len({b.slot for b in self.buffers if b.role == "work"})

    def __str__(self) -> str:
        b = self.buffers
        lines = [f"inputs  {', '.join(self.inputs)}", f"bound   {', '.join(self.bound)}"]
        lines += [f"{i:3}  {describe(x, b)}" for i, x in enumerate(self.instructions)]
        return "\n".join(lines)


def reads(instruction: Instruction) -> tuple[int, ...]:
    """Buffers that an instruction reads."""
    match instruction:
        case MatMul(a=a, b=b):
            return a, b
        case Map(code=code):
            return tuple(o.buffer for line in code for o in line.operands if isinstance(o, Read))
        case Reduce(a=a) | LogSumExp(a=a) | Transpose(a=a) | Store(a=a):
            return (a,)
        case OneHot(labels=y):
            return (y,)
        case Pick(a=a, labels=y) | ScatterAdd(a=a, labels=y):
            return a, y
        case Gather(table=a, labels=y):
            return a, y
        case Uniform(seed=s, step=t):
            return s, t


def writes(instruction: Instruction) -> tuple[int, ...]:
    """Buffers that an instruction writes."""
    match instruction:
        case Map(results=results):
            return tuple(b for _, b in results)
        case LogSumExp(out=out, soft=soft):
            return (out,) if soft is None else (out, soft)
        case _:
            return (instruction.out,)


def describe(x: Instruction, b: tuple[Buffer, ...]) -> str:
    """One line of a program's listing."""
    match x:
        case MatMul():
            left, right = f"{b[x.a]}{'.T' if x.transpose_a else ''}", f"{b[x.b]}{'.T' if x.transpose_b else ''}"
            scale = "" if x.alpha is None else f"{_operand(x.alpha, b)} * "
            return f"matmul   {_sized(b[x.out])} = {scale}{left} @ {right}"
        case Map():
            rows = [f"map      over {x.shape}"]
            for i, line in enumerate(x.code):
                shown = ", ".join(_operand(o, b) for o in line.operands)
                attrs = "".join(f"; {k}={v}" for k, v in line.attrs)
                rows.append(f"           r{i} = {line.op}({shown}{attrs})")
            rows += [f"           {_sized(b[buffer])} = r{line}" for line, buffer in x.results]
            return "\n".join(rows)
        case Reduce():
            return f"reduce   {_sized(b[x.out])} = {x.how}({b[x.a]}, axis={x.axis})"
        case LogSumExp():
            soft = "" if x.soft is None else f", soft-max into {_sized(b[x.soft])}"
            return f"lse      {_sized(b[x.out])} = lse({b[x.a]}, axis={x.axis}){soft}"
        case OneHot():
            return f"one_hot  {_sized(b[x.out])} = onehot({b[x.labels]})"
        case Pick():
            return f"pick     {_sized(b[x.out])} = {b[x.a]}[{b[x.labels]}, j]"
        case Gather():
            return f"gather   {_sized(b[x.out])} = {b[x.table]}[:, {b[x.labels]}]"
        case ScatterAdd():
            return f"scatter  {_sized(b[x.out])}[:, {b[x.labels]}] += {b[x.a]}"
        case Uniform():
            return f"uniform  {_sized(b[x.out])} = U({b[x.seed]}, {b[x.step]}; stream {x.stream})"
        case Transpose():
            return f"transpose {_sized(b[x.out])} = {b[x.a]}.T"
        case Store():
            return f"store    {b[x.out]} = {b[x.a]}"


def _sized(buffer: Buffer) -> str:
    return f"{buffer.name}[{buffer.shape}]"


def _operand(o: Operand, b: tuple[Buffer, ...]) -> str:
    if isinstance(o, Register):
        return f"r{o.line}"
    if isinstance(o, Read):
        return str(b[o.buffer])
    up = "".join(f"*{show(d)}^{p}" if p != -1 else f"/{show(d)}" for d, p in o.powers)
    return f"{float(o.value):g}{up}"
