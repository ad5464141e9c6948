"""Write the instructions of a program as straight-line NumPy code.

Arrays are named `b0, b1, …` (buffers, transposed: one sample per row), `w0, …` (temporaries of point-wise code).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from ..graph import Shape, bind
from .program import (
    Constant,
    Gather,
    Instruction,
    Line,
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

# How each point-wise op is written: {0}, {1}, {2} are operands, {o} the array to fill, {t} a temporary, {m} a mask.
# A line may write {o} before it has read the last operand only if it says so by using {t} for it.
UFUNC: dict[str, tuple[str, ...]] = {
    "copy": ("copyto({o}, {0})",),
    "add": ("add({0}, {1}, {o})",),
    "subtract": ("subtract({0}, {1}, {o})",),
    "negate": ("negative({0}, {o})",),
    "multiply": ("multiply({0}, {1}, {o})",),
    "divide": ("divide({0}, {1}, {o})",),
    "power": ("power({0}, {1}, {o})",),
    "exp": ("exp({0}, {o})",),
    "log": ("log({0}, {o})",),
    "log1p": ("log1p({0}, {o})",),
    "expm1": ("expm1({0}, {o})",),
    "sqrt": ("sqrt({0}, {o})",),
    "sin": ("sin({0}, {o})",),
    "cos": ("cos({0}, {o})",),
    "erf": ("erf({0}, {o})",),
    "tanh": ("tanh({0}, {o})",),
    "abs": ("absolute({0}, {o})",),
    "sign": ("sign({0}, {o})",),
    "step": ("greater({0}, 0, {o})",),
    "maximum": ("maximum({0}, {1}, out={o})",),
    "minimum": ("minimum({0}, {1}, out={o})",),
    "where": ("greater({0}, 0, {m})", "copyto({t}, {2})", "copyto({t}, {1}, where={m})", "copyto({o}, {t})"),
    "sigmoid": ("negative({0}, {o})", "exp({o}, {o})", "add({o}, 1, {o})", "reciprocal({o}, {o})"),
    "softplus": ("logaddexp({0}, 0, {o})",),
    "clip": ("clip({0}, {lo}, {hi}, {o})",),
}

# The same for 1 × 1 code: NumPy's scalars, which divide by zero as its arrays do (Python's numbers raise instead).
SCALAR: dict[str, str] = {
    "copy": "{0}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "negate": "-{0}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "maximum": "({0} if {0} > {1} or {0} != {0} else {1})",
    "minimum": "({1} if {0} > {1} or {1} != {1} else {0})",
    "step": "real({0} > 0)",
    **{name: f"{name}({{0}})" for name in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh")},
}


_NAME = re.compile(r"[A-Za-z_]\w*")
_ARRAY = re.compile(r"(b|w|one)\d+")
_FUNCTIONS = (
    "dot add subtract multiply divide negative power square reciprocal exp log log1p expm1 sqrt sin cos tanh "
    "absolute sign greater maximum minimum logaddexp clip copyto take erf add_reduce max_reduce uniform scatter "
    "one_hot pick real "
)
LIBRARY = frozenset(_FUNCTIONS.split())


class _Writer:
    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes
        self.lines: list[str] = []
        self.temporaries: list[tuple[Shape, bool]] = []

    def write(self) -> str:
        for x in self.program.instructions:
            self._instruction(x)
        text = "\n".join(f"        {line}" for line in self.lines) or "        pass"
        inputs = {n: f"b{self.program.buffer(n).index}" for n in self.program.inputs}
        given = set(inputs.values())
        used = [n for n in sorted(set(_NAME.findall(text))) if n not in given and (n in LIBRARY or _ARRAY.fullmatch(n))]
        return f"def make({', '.join(used)}):\n    def run({', '.join(inputs.values())}):\n{text}\n    return run\n"

    def _number(self, c: Constant) -> str:
        value = c.value if isinstance(c.value, Fraction) else Fraction(0)
        if not isinstance(c.value, Fraction):
            return f"float({str(c.value)!r})"
        number = value
        for dim, power in c.powers:
            number *= Fraction(bind(dim, self.sizes)) ** power
        return repr(int(number)) if number.denominator == 1 and abs(number) < 2**31 else repr(float(number))

    def _instruction(self, x: Instruction) -> None:
        line = self.lines.append
        match x:
            case MatMul():
                a = f"b{x.a}" + (".T" if x.transpose_a else "")
                b = f"b{x.b}" + (".T" if x.transpose_b else "")
                line(f"dot({b}, {a}, b{x.out})")  # transposed arrays: (A B)ᵀ = Bᵀ Aᵀ
                if x.alpha is not None:
                    line(f"multiply(b{x.out}, {self._number(x.alpha)}, b{x.out})")
            case Map():
                self._map(x)
            case Reduce():
                self._reduce(x)
            case LogSumExp():
                self._lse(x)
            case OneHot():
                line(f"one_hot(b{x.out}, {self._labels(x.labels)})")
            case Pick():
                line(f"pick(b{x.out}, b{x.a}, {self._labels(x.labels)})")
            case Gather():
                line(f"take(b{x.table}, {self._labels(x.labels)}[:, 0], 0, b{x.out}, 'clip')")
            case ScatterAdd():
                line(f"scatter(b{x.out}, b{x.a}, {self._labels(x.labels)})")
            case Uniform():
                line(f"uniform(b{x.out}, b{x.seed}, b{x.step}, {x.stream})")
            case Transpose():
                line(f"copyto(b{x.out}, b{x.a}.T)")
            case Store():
                line(f"copyto(b{x.out}, b{x.a})")

    def _labels(self, buffer: int) -> str:
        """Labels are integers; those that are constants or were computed stand in a buffer of reals."""
        kind = self.program.buffers[buffer].kind
        return f"b{buffer}" if kind == "label" else f"b{buffer}.astype('int64')"

    def _reduce(self, x: Reduce) -> None:
        axis = {0: "1", 1: "0", None: "(0, 1)"}[x.axis]
        if x.how == "sum" and x.axis == 1:  # over the samples: BLAS is faster than a reduction of short rows
            samples = bind(self.program.buffers[x.a].shape.cols, self.sizes)
            self.lines.append(f"dot(one{samples}, b{x.a}, b{x.out})")
        else:
            self.lines.append(f"{'add' if x.how == 'sum' else 'max'}_reduce(b{x.a}, {axis}, None, b{x.out}, True)")

    def _lse(self, x: LogSumExp) -> None:
        axis = {0: "1", 1: "0", None: "(0, 1)"}[x.axis]
        soft = f"b{x.soft}" if x.soft is not None else self._temporary(self.program.buffers[x.a].shape)
        top = self._temporary(self.program.buffers[x.out].shape)
        self.lines += [
            f"max_reduce(b{x.a}, {axis}, None, {top}, True)",
            f"subtract(b{x.a}, {top}, {soft})",
            f"exp({soft}, {soft})",
            f"add_reduce({soft}, {axis}, None, b{x.out}, True)",
        ]
        if x.soft is not None:
            self.lines.append(f"divide({soft}, b{x.out}, {soft})")
        self.lines += [f"log(b{x.out}, b{x.out})", f"add(b{x.out}, {top}, b{x.out})"]

    def _temporary(self, shape: Shape, masks: bool = False) -> str:
        self.temporaries.append((shape, masks))
        return f"w{len(self.temporaries) - 1}"

    # --- point-wise code -----------------------------------------------------------------------------------------

    def _map(self, x: Map) -> None:
        if x.shape == (1, 1):
            self._scalar_map(x)
        else:
            _MapWriter(self, x).write()

    def _scalar_map(self, x: Map) -> None:
        """1 × 1 code (step counts, learning rates) on scalars: no array call for a single number."""

        def operand(o: Operand, line: Line) -> str:
            match o:
                case Register(line=i):
                    return f"s{i}"
                case Read(buffer=b):
                    return f"b{b}[0, 0]"
                case Constant():
                    alone = line.op in ("maximum", "minimum") or all(isinstance(p, Constant) for p in line.operands)
                    return f"real({self._number(o)})" if alone else f"({self._number(o)})"

        for i, line in enumerate(x.code):
            shown = [operand(o, line) for o in line.operands]
            if line.op in SCALAR:
                self.lines.append(f"s{i} = {SCALAR[line.op].format(*shown)}")
            else:
                w, m = self._temporary(x.shape), self._temporary(x.shape, masks=True)
                for template in UFUNC[line.op]:
                    attrs = {k: _literal(v) for k, v in line.attrs}
                    self.lines.append(template.format(*shown, o=w, t=w, m=m, **attrs))
                self.lines.append(f"s{i} = {w}[0, 0]")
        self.lines += [f"b{b}[0, 0] = s{i}" for i, b in x.results]


class _MapWriter:
    """Point-wise code in as few arrays as possible: result buffers and values that ended serve as temporaries.

    An array may be filled at a line if nothing that its memory holds is read at a later line. (What is read at the
    line itself is read entry by entry before it is written.)
    """

    def __init__(self, writer: _Writer, x: Map) -> None:
        self.writer, self.x = writer, x
        self.results = dict(x.results)  # line -> buffer
        self.last = {i: i for i in range(len(x.code))}  # line -> last line that reads its value
        self.reads: dict[str, int] = {}  # memory -> last line that reads it as an operand from outside
        for i, line in enumerate(x.code):
            for o in line.operands:
                if isinstance(o, Register):
                    self.last[o.line] = i
                elif isinstance(o, Read):
                    self.reads[self._memory(f"b{o.buffer}")] = i
        for i in self.results:
            self.last[i] = len(x.code)
        self.where: dict[int, str] = {}  # line -> array that holds its value
        self.temporaries: list[str] = []

    def _memory(self, array: str) -> str:
        if not array.startswith("b"):
            return array
        slot = self.writer.program.buffers[int(array[1:])].slot
        return f"slot{slot}" if slot >= 0 else array

    def write(self) -> None:
        late = []
        for i, line in enumerate(self.x.code):
            target = self._target(i, line)
            self._line(line, target)
            self.where[i] = target
            if i in self.results and target != f"b{self.results[i]}":
                late.append(f"copyto(b{self.results[i]}, {target})")
        self.writer.lines += late

    def _busy(self, array: str, i: int) -> bool:
        memory = self._memory(array)
        held = any(self.last[r] > i and self._memory(a) == memory for r, a in self.where.items())
        return held or self.reads.get(memory, -1) > i

    def _target(self, i: int, line: Line) -> str:
        """Its own result buffer, else one that waits for a later result than this value lives, else a temporary."""
        own = [f"b{self.results[i]}"] if i in self.results else []
        ending = [self.where[o.line] for o in line.operands if isinstance(o, Register)]
        waiting = {f"b{b}" for due, b in self.results.items() if i not in self.results and i < due >= self.last[i]}
        for array in (
            *own,
            *(a for a in ending if a in waiting or a.startswith("w")),
            *sorted(waiting),
            *self.temporaries,
        ):
            if not self._busy(array, i):
                return array
        self.temporaries.append(self.writer._temporary(self.x.shape))
        return self.temporaries[-1]

    def _operand(self, o: Operand) -> str:
        match o:
            case Register(line=i):
                return self.where[i]
            case Read(buffer=b):
                return f"b{b}"
            case Constant():
                return self.writer._number(o)

    def _line(self, line: Line, target: str) -> None:
        shown = [self._operand(o) for o in line.operands]
        emit = self.writer.lines.append
        if line.op == "power" and isinstance(line.operands[1], Constant):
            exponent = shown[1]
            if exponent in ("2", "-1", "1"):
                name = {"2": "square", "-1": "reciprocal", "1": "copyto"}[exponent]
                emit(f"{name}({', '.join(_order(exponent, shown[0], target))})")
                return
            if exponent == "3":
                w = self.writer._temporary(self.x.shape)
                emit(f"square({shown[0]}, {w})")
                emit(f"multiply({w}, {shown[0]}, {target})")
                return
        if line.op == "multiply" and shown[0] == shown[1]:
            emit(f"square({shown[0]}, {target})")
            return
        needs = " ".join(UFUNC[line.op])
        t = self.writer._temporary(self.x.shape) if "{t}" in needs else ""
        m = self.writer._temporary(self.x.shape, masks=True) if "{m}" in needs else ""
        attrs = {k: _literal(v) for k, v in line.attrs}
        for template in UFUNC[line.op]:
            emit(template.format(*shown, o=target, t=t, m=m, **attrs))


def _order(exponent: str, a: str, out: str) -> tuple[str, str]:
    return (out, a) if exponent == "1" else (a, out)


def _literal(value: object) -> str:
    return repr(float(value)) if isinstance(value, int | float | Fraction) else repr(value)


def write(program: Program, sizes: Mapping[str, int]) -> tuple[str, list[tuple[Shape, bool]]]:
    """The code of a program for given sizes, and the shapes of its temporaries (True: a mask)."""
    writer = _Writer(program, sizes)
    return writer.write(), writer.temporaries
