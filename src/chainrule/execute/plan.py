"""From expressions to a program: choose instructions, fuse point-wise code, plan the buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

from ..errors import ConfigurationError, ShapeError
from ..graph import SCALAR, Node, Shape, variables, walk
from .program import (
    Buffer,
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
    Spread,
    Store,
    Transpose,
    Uniform,
    reads,
    writes,
)


def plan(
    outputs: Mapping[str, Node],
    *,
    inputs: Sequence[str] = (),
    assigns: Mapping[str, Node] | None = None,
) -> Program:
    """Plan a program that computes named expressions.

    outputs  name -> expression; each gets a buffer of its own that stays valid until the next run
    inputs   variables whose arrays change at every run; all others are bound once (parameters, state)
    assigns  bound variable -> expression written over it at the end of the run

    The plan is a function of the expressions alone. Raises `ConfigurationError` for an input or a state that the
    expressions do not mention, `ShapeError` if a state and its new value differ in shape.
    """
    return _planned(tuple(outputs.items()), tuple(inputs), tuple((assigns or {}).items()))


# Expressions are kept once, so the same network, built again for the next fold or seed, is the same key.
@lru_cache(64)
def _planned(
    outputs: tuple[tuple[str, Node], ...], inputs: tuple[str, ...], assigns: tuple[tuple[str, Node], ...]
) -> Program:
    return _Planner(dict(outputs), inputs, dict(assigns)).program()


class _Planner:
    def __init__(self, outputs: Mapping[str, Node], inputs: tuple[str, ...], assigns: Mapping[str, Node]) -> None:
        self.outputs, self.assigns = outputs, assigns
        roots = [*outputs.values(), *assigns.values()]
        self.order = list(walk(*roots))
        self.leaves = variables(*roots)
        for name in (*inputs, *assigns):
            if name not in self.leaves:
                raise ConfigurationError(f"{name} is not a variable of the program: it has {', '.join(self.leaves)}")
        for name, node in assigns.items():
            if node.shape != self.leaves[name].shape:
                raise ShapeError(f"assignment to {name}: expected {self.leaves[name].shape}, received {node.shape}")
        self.inputs = inputs
        self.wanted = set(roots)
        self.consumers: dict[Node, list[Node]] = {}
        for n in self.order:
            for x in n.inputs:
                self.consumers.setdefault(x, []).append(n)
        self.buffers: list[Buffer] = []
        self.place: dict[Node, int] = {}
        self.instructions: list[Instruction] = []
        self.soft: dict[Node, Node] = {}  # node that is a soft-max -> its log-sum-exp node
        self.alpha: dict[Node, tuple[Node, Node]] = {}  # c · (A B) -> (c, A B)
        self.owner: dict[Node, Node] = {}

    def program(self) -> Program:
        self._patterns()
        self._fuse()
        for n in self.order:
            if n.is_variable:
                role = "input" if n.name in self.inputs else "bound"
                self._new(n, role, n.name)
        for n in self.order:
            self._emit(n)
        self._merge()
        results = {name: self._result(name, node) for name, node in self.outputs.items()}
        old = {name: self._kept(name, node) for name, node in self.assigns.items()}
        stores = {name: self._stored(name, node, old[name]) for name, node in self.assigns.items()}
        bound = tuple(n for n in self.leaves if n not in self.inputs)
        program = Program(tuple(self.buffers), tuple(self.instructions), self.inputs, bound, results, stores)
        return _share_slots(program)

    # --- what becomes of each node -------------------------------------------------------------------------------

    def _patterns(self) -> None:
        """Find soft-maxes that come with their log-sum-exp, and constants that scale a product."""
        for n in self.order:
            if n.op.name == "exp" and n.inputs[0].op.name == "subtract":
                z, shift = n.inputs[0].inputs
                inner = shift.inputs[0] if shift.op.name == "broadcast" else shift
                if inner.op.name == "lse" and inner.inputs[0] is z:
                    self.soft[n] = inner
            if n.op.name == "multiply" and n.inputs[0].is_constant and n.inputs[1].op.name == "matmul":
                product = n.inputs[1]
                if len(self.consumers[product]) == 1 and product not in self.wanted:
                    self.alpha[n] = (n.inputs[0], product)

    def _is_map(self, n: Node) -> bool:
        return n.op.pointwise and n not in self.soft and n not in self.alpha

    def _needed_by(self, n: Node) -> list[Node]:
        """Consumers that read the node's numbers, looking through repetitions and transposes that cost nothing."""
        found = []
        for c in self.consumers.get(n, []):
            if c in self.soft:
                continue  # the log-sum-exp instruction reads the logits itself
            found.append(c)
        return found

    def _fuse(self) -> None:
        """Give every point-wise node to the one map that uses it, or make it the root of a map of its own."""
        for n in reversed(self.order):
            if not self._is_map(n):
                continue
            users = self._needed_by(n)
            roots = {self.owner.get(c) for c in users}
            if n in self.wanted or len(roots) != 1 or None in roots:
                self.owner[n] = n
            else:
                self.owner[n] = cast(Node, roots.pop())

    def _new(self, n: Node, role: str, name: str | None = None) -> int:
        kind = n.get("kind") if n.is_variable else "real"
        index = len(self.buffers)
        label = name or f"t{index}"
        self.buffers.append(Buffer(index, n.shape, role, label, kind))  # type: ignore[arg-type]
        self.place[n] = index
        return index

    def _emit(self, n: Node) -> None:
        if n.is_variable or n.is_constant or n in self.place or n.op.name == "broadcast":
            return
        if self._is_map(n):
            if self.owner[n] is n and (n in self.wanted or self._needed_by(n)):
                self._emit_map(n)
            return
        if n in self.soft:
            self._read(self.soft[n])  # its log-sum-exp was emitted before and filled this buffer
            return
        if n in self.alpha:
            c, product = self.alpha[n]
            self._matmul(n, product, _constant(c))
            return
        name, new = n.op.name, self.instructions.append
        match name:
            case "matmul":
                if not any(c in self.alpha for c in self.consumers.get(n, [])):
                    self._matmul(n, n, None)
            case "transpose":
                if n in self.wanted or any(c.op.name != "matmul" for c in self._needed_by(n)):
                    a = self._read(n.inputs[0])
                    new(Transpose(self._new(n, "work"), a))
            case "sum" | "max":
                a = self._read(n.inputs[0])
                new(Reduce(self._new(n, "work"), a, name, n.get("axis")))
            case "lse":
                a = self._read(n.inputs[0])
                soft = next((s for s, source in self.soft.items() if source is n), None)
                out = self._new(n, "work")
                new(LogSumExp(out, a, n.get("axis"), None if soft is None else self._new(soft, "work")))
            case "one_hot":
                new(OneHot(self._new(n, "work"), self._read(n.inputs[0]), n.get("classes")))
            case "pick" | "gather" | "scatter_add":
                a, y = (self._read(x) for x in n.inputs)
                makers: dict[str, type[Pick | Gather | ScatterAdd]]
                makers = {"pick": Pick, "gather": Gather, "scatter_add": ScatterAdd}
                new(makers[name](self._new(n, "work"), a, y))
            case "uniform":
                s, t = (self._read(x) for x in n.inputs)
                new(Uniform(self._new(n, "work"), s, t, n.get("stream")))
            case _:
                raise ConfigurationError(f"the planner knows no instruction for {name!r}")

    def _matmul(self, n: Node, product: Node, alpha: Constant | None) -> None:
        sides = []
        for x in product.inputs:
            turned = x.op.name == "transpose" and x not in self.place
            sides.append((self._read(x.inputs[0] if turned else x), turned))
        (a, ta), (b, tb) = sides
        self.instructions.append(MatMul(self._new(n, "work"), a, b, ta, tb, alpha))

    def _read(self, n: Node) -> int:
        """Buffer that holds a node's numbers; constants and repetitions are written out if they must be."""
        if n not in self.place:
            self._emit_map(n)
        return self.place[n]

    # --- point-wise code -----------------------------------------------------------------------------------------

    def _emit_map(self, root: Node) -> None:
        """One map for a root and everything it owns."""
        code: list[Line] = []
        lines: dict[Node, int] = {}
        inside = [x for x in walk(root) if x is root or (self.owner.get(x) is root and self._is_map(x))]
        for n in inside:
            if n.op.name in ("broadcast", "constant") or n.is_variable:
                code.append(Line("copy", (self._operand(n, root, lines),)))
            else:
                code.append(Line(n.op.name, tuple(self._operand(x, root, lines) for x in n.inputs), n.attrs))
            lines[n] = len(code) - 1
        self.instructions.append(Map(root.shape, tuple(code), ((lines[root], self._new(root, "work")),)))

    def _operand(self, x: Node, root: Node, lines: Mapping[Node, int]) -> Operand:
        if x in lines:
            return Register(lines[x])
        if x.is_constant:
            return _constant(x)
        if x.op.name == "broadcast":
            inner = x.inputs[0]
            if inner.is_constant:
                return _constant(inner)
            return Read(self._read(inner), _spread(inner.shape, x.shape))
        return Read(self._read(x), "full")

    def _merge(self) -> None:
        """Join maps of one shape that follow each other: one pass over memory instead of several.

        Maps of single numbers, such as a bias correction, first move up to where their operands are made, so that
        they do not stand between two maps of vectors.
        """
        joined: list[Instruction] = []
        for x in _numbers_first(self.instructions):
            last = joined[-1] if joined else None
            if isinstance(x, Map) and isinstance(last, Map) and last.shape == x.shape:
                made = {buffer: line for line, buffer in last.results}
                if all(
                    not (isinstance(o, Read) and o.buffer in made and o.spread != "full")
                    for line in x.code
                    for o in line.operands
                ):
                    shift = len(last.code)
                    code = tuple(replace(y, operands=tuple(_moved(o, made, shift) for o in y.operands)) for y in x.code)
                    results = tuple((line + shift, buffer) for line, buffer in x.results)
                    joined[-1] = Map(x.shape, last.code + code, last.results + results)
                    continue
            joined.append(x)
        self.instructions = joined

    # --- results and state ---------------------------------------------------------------------------------------

    def _result(self, name: str, node: Node) -> int:
        """A result has a buffer of its own, never a variable's."""
        index = self.place.get(node)
        if index is None:
            index = self._read(node)
        buffer = self.buffers[index]
        if buffer.role != "work":  # a variable, or an expression that already is another result
            copy = Buffer(len(self.buffers), buffer.shape, "result", name)
            self.buffers.append(copy)
            line = Line("copy", (Read(index),))
            self.instructions.append(Map(buffer.shape, (line,), ((0, copy.index),)))
            return copy.index
        self.buffers[index] = replace(buffer, role="result", name=name)
        return index

    def _kept(self, name: str, node: Node) -> int | None:
        """A copy of another state's old value, made before that state is written: `a, b = b, a`."""
        if not node.is_variable or node.name == name or node.name not in self.assigns:
            return None
        copy = Buffer(len(self.buffers), node.shape, "work", f"t{len(self.buffers)}")
        self.buffers.append(copy)
        self.instructions.append(Map(node.shape, (Line("copy", (Read(self.place[node]),)),), ((0, copy.index),)))
        return copy.index

    def _stored(self, name: str, node: Node, kept: int | None) -> int:
        """Write a state's new value in place where nothing reads the old one any more, else copy it at the end."""
        source = self._read(node) if kept is None else kept
        target = self.place[self.leaves[name]]
        if source == target:
            return target
        maker = next((i for i, x in enumerate(self.instructions) if source in writes(x)), -1)
        made = self.instructions[maker] if maker >= 0 else None
        if (
            isinstance(made, Map)
            and self.buffers[source].role == "work"
            and not any(target in (*reads(x), *writes(x)) for x in self.instructions[maker + 1 :])
            and not any(
                isinstance(o, Read) and o.buffer == target and o.spread != "full" for y in made.code for o in y.operands
            )
        ):
            for i, x in enumerate(self.instructions[maker:], maker):
                self.instructions[i] = _redirected(x, source, target)
            if kept is None:
                self.place[node] = target
            return target
        self.instructions.append(Store(target, source))
        return source


def _numbers_first(instructions: Sequence[Instruction]) -> list[Instruction]:
    """The same instructions with every map over 1 × 1 moved up behind the last one that makes what it reads."""
    ordered: list[Instruction] = []
    for x in instructions:
        at = len(ordered)
        if isinstance(x, Map) and x.shape == SCALAR:
            needed = set(reads(x))
            while at and not needed.intersection(writes(ordered[at - 1])):
                at -= 1
        ordered.insert(at, x)
    return ordered


def _redirected(x: Instruction, old: int, new: int) -> Instruction:
    """The instruction with one buffer replaced by another."""
    if isinstance(x, Map):
        code = tuple(
            replace(
                y,
                operands=tuple(
                    Read(new, o.spread) if isinstance(o, Read) and o.buffer == old else o for o in y.operands
                ),
            )
            for y in x.code
        )
        return Map(x.shape, code, tuple((line, new if b == old else b) for line, b in x.results))
    names = [f for f in ("out", "a", "b", "labels", "table", "seed", "step", "soft") if getattr(x, f, None) == old]
    return cast(Instruction, replace(x, **dict.fromkeys(names, new)))  # type: ignore[arg-type]


def _moved(o: Operand, made: Mapping[int, int], shift: int) -> Operand:
    if isinstance(o, Register):
        return Register(o.line + shift)
    if isinstance(o, Read) and o.buffer in made:
        return Register(made[o.buffer])
    return o


def _constant(n: Node) -> Constant:
    return Constant(n.get("value"), n.get("powers"))


def _spread(inner: Shape, outer: Shape) -> Spread:
    """How a matrix is repeated: a column along the columns, a row along the rows, a number along both."""
    if inner == outer:
        return "full"
    if inner == (1, 1):
        return "scalar"
    return "row" if inner.rows == 1 else "column"


def _share_slots(program: Program) -> Program:
    """Let work buffers of one shape share memory when their lives do not overlap."""
    last: dict[int, int] = {}
    for i, x in enumerate(program.instructions):
        for b in (*reads(x), *writes(x)):
            last[b] = i
    free: dict[Shape, list[int]] = {}
    slots: dict[int, int] = {}
    count = 0
    for i, x in enumerate(program.instructions):
        dying = [b for b in dict.fromkeys(reads(x)) if b in slots and last[b] == i]
        if isinstance(x, Map):  # entry by entry: a result may take the memory of an operand that ends here
            for b in dying:
                free.setdefault(program.buffers[b].shape, []).append(slots[b])
        for b in writes(x):
            if program.buffers[b].role == "work" and b not in slots:
                pool = free.setdefault(program.buffers[b].shape, [])
                slots[b] = pool.pop() if pool else count
                count += slots[b] == count
        if not isinstance(x, Map):
            for b in dying:
                free.setdefault(program.buffers[b].shape, []).append(slots[b])
        for b in writes(x):  # written but never read again
            if b in slots and last[b] == i and b not in reads(x):
                free.setdefault(program.buffers[b].shape, []).append(slots[b])
    buffers = tuple(replace(b, slot=slots.get(b.index, -1)) for b in program.buffers)
    return replace(program, buffers=buffers)
