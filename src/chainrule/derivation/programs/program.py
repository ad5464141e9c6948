"""A derivation as a program that stands alone: NumPy, PyTorch or JAX, one line per equation, no automatic derivative.

Every line is an expression of the derived graph. The languages differ in how an operation is spelled and in nothing
else; what has no short spelling, such as a log-sum-exp that cannot overflow, becomes a function above the program.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ...errors import DerivationError, unknown_name
from ...graph import SCALAR, Node, Shape, variables, walk
from .named import named
from .words import LANGUAGES, Language

if TYPE_CHECKING:
    from ..derive import Derivation

WIDTH = 100  # of a line of the program; a longer one is broken inside its brackets
_ATOM, _POWER, _NEGATE, _PRODUCT, _SUM = 100, 70, 60, 50, 30
_NAME = re.compile(r"^([A-Za-z]\w*)\[([^\]]*)\]$")


@dataclass(frozen=True)
class Equations:
    """What a program computes: named expressions in order.

    forward    name -> expression of the forward pass, inputs before what uses them
    cost       name and expression of the cost
    backward   name -> cotangent, in the order of the backward pass
    inputs     names of the variables that are data: given to the functions one by one (A[0] is called X)
    parameters names of the variables that come in a dictionary
    results    names among `backward` that are returned
    title      first line of the program's description
    """

    forward: Mapping[str, Node]
    cost: tuple[str, Node]
    backward: Mapping[str, Node]
    inputs: Sequence[str]
    parameters: Sequence[str]
    results: Sequence[str]
    title: str
    samples: Literal["columns", "rows", "one"] = "columns"
    output: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)


def program(derivation: Derivation, language: str = "numpy") -> str:
    """A derivation as a program of its own, in its layout and with its place of 1/m.

    language  "numpy", "torch" or "jax"

    A network has `forward(parameters, X)`, which returns the output and what the backward pass reads, and
    `gradients(parameters, X, Y)`, which returns the cost and its derivative by every parameter; an expression has
    `value(…)` and `gradients(…)` of its letters. The random numbers of dropout (U1, in [0, 1)) are given like data.
    Raises `UnknownNameError` for another language, `DerivationError` for a general layer.
    """
    subject = derivation.subject
    if subject is None:
        raise DerivationError("this derivation was not made by derive(network, …) or derive(expression): use that")
    found = named(subject)
    conventions = subject.conventions
    notes = []
    if subject.kind == "network" and not conventions.one:
        per_sample = "dZ and dA are derivatives of the loss per sample; 1/m enters at the parameters."
        notes.append(per_sample if conventions.place == "parameters" else "1/m stands in dZ.")
    if conventions.numerator:
        notes.append("Numerator layout: a derivative has the transposed shape of what it is taken by.")
    equations = Equations(
        {} if subject.kind == "expression" else found.forward,
        found.cost,
        {n: x for n, x in found.backward.items() if n in found.results or n not in ("dA[0]", "da[0]")},
        found.inputs,
        found.parameters,
        [n for n in found.results if n in found.backward],
        subject.title,
        conventions.samples,
        found.output,
        tuple(notes),
    )
    return write(equations, language)


def write(equations: Equations, language: str = "numpy") -> str:
    """The program text: `forward(parameters, X)` and `gradients(parameters, X, Y)`, with the helpers they use.

    Raises `UnknownNameError` for another language, `DerivationError` for an operation that a program cannot have.
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    names = {*equations.forward, *equations.backward, *equations.inputs, *equations.parameters, equations.cost[0]}
    owner: dict[str, str] = {}
    for name in sorted(names):
        other = owner.setdefault(letters(name), name)
        if other != name:
            raise DerivationError(f"{other} and {name} would both be called {letters(name)} in a program: rename one")
    return _Program(equations, LANGUAGES[language]).text()


def letters(name: str) -> str:
    """The name of a variable in a program: `dW[1]` is dW1, `A[0]` is X, `A[1']` is A1_."""
    if name in ("A[0]", "dA[0]", "a[0]", "da[0]"):
        return name.replace("A[0]", "X").replace("a[0]", "x")
    match = _NAME.match(name)
    word = "".join(match.groups()) if match else name
    word = re.sub(r"\W", "_", word.replace("'", "_").replace("-", "_"))
    return f"{word}_" if keyword.iskeyword(word) or word in _RESERVED else word


_RESERVED = {"np", "jnp", "jax", "torch", "math", "parameters", "forward", "gradients", "values", "lambda_"}


class _Program:
    def __init__(self, equations: Equations, language: Language) -> None:
        self.given, self.language = equations, language
        self.helpers: dict[str, None] = {}

    def text(self) -> str:
        forward, backward = list(self._forward()), list(self._gradients())
        functions = [*(self.language.helpers[h] for h in self.helpers), "\n".join(forward), "\n".join(backward)]
        body = "\n\n\n".join(x.strip("\n") for x in functions)
        modules = ["import math", *self.language.imports]
        used = [x for x in modules if re.search(rf"\b{x.split()[-1]}\.", body)]
        standard = [x for x in used if x == "import math"]
        heads = "\n\n".join("\n".join(x) for x in (standard, [x for x in used if x not in standard]) if x)
        return f'"""{self.given.title}\n\n{self._about()}"""\n\n{heads}\n\n\n{body}\n'

    def _about(self) -> str:
        g = self.given
        lines = [*g.notes]
        if any(d == "m" for n in g.inputs for d in self._variable(n).shape):
            lines.insert(0, f"Samples are the {g.samples}; m is their number.")
        lines.append(
            f"Written by chainrule for {self.language.title}; every line is an expression of the derived graph."
        )
        return "\n".join(lines) + "\n"

    def _variable(self, name: str) -> Node:
        return self.variables[name]

    @property
    def like(self) -> str:
        """Data whose number type a bare number takes."""
        return letters(self.given.inputs[0])

    @cached_property
    def variables(self) -> dict[str, Node]:
        g = self.given
        return variables(*g.forward.values(), g.cost[1], *g.backward.values())

    # --- functions -------------------------------------------------------------------------------------------------

    def _forward(self) -> Iterator[str]:
        g = self.given
        if not g.forward:
            yield f"def value({self._arguments(g.inputs)}):"
            yield f'    """{letters(g.cost[0])}."""'
            body = list(self._lines({g.cost[0]: g.cost[1]}, {}, scalar=g.cost[0]))
            yield from self._taken(g.parameters)
            yield from self._sizes(body, g.inputs)
            yield from body
            yield f"    return {letters(g.cost[0])}"
            return
        read = set(variables(*g.forward.values()))
        data = [n for n in g.inputs if n in read]
        yield f"def forward({self._arguments(data)}):"
        output = letters(g.output)
        yield f'    """{output}, and by name what the backward pass reads."""'
        body = list(self._lines(g.forward, {}))
        yield from self._taken([n for n in g.parameters if n in read])
        yield from self._sizes(body, data)
        yield from body
        kept = self._kept()
        shown = ", ".join(f'"{letters(n)}": {letters(n)}' for n in kept)
        yield from _return(f"return {output}, {{{shown}}}")

    def _gradients(self) -> Iterator[str]:
        g = self.given
        yield f"def gradients({self._arguments(g.inputs)}):"
        yield f'    """The cost {letters(g.cost[0])} and its derivative by every parameter, by name."""'
        names = {node: letters(name) for name, node in g.forward.items()}
        lines = {g.cost[0]: g.cost[1], **g.backward}
        body = list(self._lines(lines, names, scalar=g.cost[0]))
        used = set(variables(*lines.values()))
        read = set(re.findall(r"\b[A-Za-z_]\w*\b", "\n".join(x.split("  #")[0] for x in body)))
        yield from self._taken([n for n in g.parameters if n in used and letters(n) in read])
        read_forward = set(variables(*g.forward.values()))
        data = [n for n in g.inputs if n in read_forward]
        if g.forward:
            yield f"    _, values = forward({self._arguments(data)})"
            for name in self._kept():
                yield f'    {letters(name)} = values["{letters(name)}"]'
        yield from self._sizes(body, g.inputs)
        yield from body
        shown = ", ".join(f'"{letters(n)}": {letters(n)}' for n in g.results)
        yield from _return(f"return {letters(g.cost[0])}, {{{shown}}}")

    def _arguments(self, data: Iterable[str]) -> str:
        first = ["parameters"] if self.given.parameters else []
        return ", ".join([*first, *(letters(n) for n in data)])

    def _kept(self) -> list[str]:
        """The forward values that the cost and the cotangents read by name."""
        g = self.given
        named = {node: name for name, node in g.forward.items()}
        roots = [g.cost[1], *g.backward.values()]
        found: set[str] = set()
        seen: set[Node] = set()
        stack = list(roots)
        while stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            if n in named:
                found.add(named[n])
            else:
                stack.extend(x for x in n.inputs)
        return [n for n in g.forward if n in found]

    def _taken(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            yield f'    {letters(name)} = parameters["{letters(name)}"]  # {self._variable(name).shape}'

    def _sizes(self, body: list[str], data: Iterable[str]) -> Iterator[str]:
        """Where a size such as m is read off, if the lines use it."""
        read = set(re.findall(r"\b[A-Za-z_]\w*\b", "\n".join(x.split("  #")[0] for x in body)))
        open_ = {str(d) for v in self.variables.values() for d in v.shape if isinstance(d, str)} & read
        for name in [*data, *self.given.parameters]:
            for axis, d in enumerate(self._variable(name).shape):
                if isinstance(d, str) and d in open_:
                    open_.discard(d)
                    yield f"    {d} = {letters(name)}.shape[{axis}]"

    def _lines(self, table: Mapping[str, Node], ready: Mapping[Node, str], scalar: str = "") -> Iterator[str]:
        """One assignment per name; what has a name already, here or in `ready`, is read by the last one it got."""
        known = dict(ready)
        for name, node in table.items():
            target = letters(name)
            code = known[node] if node in known else _Expression(self, known).full(node)
            if name == scalar:
                code = self.language.scalar.format(code if code.isidentifier() else f"({code})")
            yield from _assigned(target, code, str(node.shape) if name != scalar else "")
            alias = node in known and name in self.given.results  # dZ2 stays the word where db2 is the same
            if not (alias or node.is_constant or node.is_variable):
                known[node] = target


class _Expression:
    """One expression in the language's words, nodes that have a name by that name."""

    def __init__(self, program: _Program, names: Mapping[Node, str]) -> None:
        self.program, self.words, self.names = program, program.language, names

    def full(self, node: Node) -> str:
        """Code whose value has the node's shape."""
        code, _, shape = self._code(node)
        return self._whole(node, code, shape)

    def _whole(self, node: Node, code: str, shape: Shape) -> str:
        """Code of a value that is repeated to the shape of its node where it is smaller, or a bare number."""
        fixed = not any(n.is_variable for n in walk(node))
        if shape == node.shape and not fixed:
            return code
        template = self.words.full if fixed else self.words.broadcast
        return template.format(code, node.shape.rows, node.shape.cols, like=self.program.like)

    def _code(self, root: Node) -> tuple[str, int, Shape]:
        """Code, how strongly it binds, and the shape that its value has before it is repeated."""
        done: dict[Node, tuple[str, int, Shape]] = {}
        for n in _until(root, self.names):
            if n in self.names:
                done[n] = (self.names[n], _ATOM, n.shape)
            elif n.is_variable:
                done[n] = (letters(n.name), _ATOM, n.shape)
            elif n.is_constant:
                done[n] = (*_constant(n), SCALAR)
            elif n.op.name == "broadcast":
                done[n] = done[n.inputs[0]]
            else:
                done[n] = self._apply(n, [done[x] for x in n.inputs])
        return done[root]

    def _apply(self, n: Node, parts: list[tuple[str, int, Shape]]) -> tuple[str, int, Shape]:
        name = n.op.name
        if n.op.pointwise:
            rows = next((p[2].rows for p in parts if p[2].rows != 1), 1)
            cols = next((p[2].cols for p in parts if p[2].cols != 1), 1)
            code, binding = self._pointwise(n, parts)
            return code, binding, Shape(rows, cols)
        wholes = [
            p if (code := self._whole(x, p[0], p[2])) == p[0] else (code, _ATOM, x.shape)
            for p, x in zip(parts, n.inputs, strict=True)
        ]
        if name == "matmul":
            (a, p, _), (b, q, _) = wholes
            return f"{_within(a, p, _PRODUCT)} @ {_within(b, q, _PRODUCT + 1)}", _PRODUCT, n.shape
        if name == "transpose":
            return f"{_within(wholes[0][0], wholes[0][1], _ATOM)}.T", _ATOM, n.shape
        if name not in self.words.calls:
            raise DerivationError(f"{name}: this operation cannot be written as a {self.words.title} program")
        attrs = self._attributes(n)
        return self._call(name, [p[0] for p in wholes], attrs), _ATOM, n.shape

    def _pointwise(self, n: Node, parts: list[tuple[str, int, Shape]]) -> tuple[str, int]:
        name = n.op.name
        codes = [p[0] for p in parts]
        if name in ("add", "subtract"):
            sign, least = ("+", _SUM) if name == "add" else ("-", _SUM + 1)
            right = f"({codes[1]})" if codes[1].startswith("-") else _within(codes[1], parts[1][1], least)
            return f"{_within(codes[0], parts[0][1], _SUM)} {sign} {right}", _SUM
        if name in ("multiply", "divide"):
            sign = "*" if name == "multiply" else "/"
            return (
                f"{_within(codes[0], parts[0][1], _PRODUCT)} {sign} {_within(codes[1], parts[1][1], _PRODUCT + 1)}",
                _PRODUCT,
            )
        if name == "negate":
            return f"-{_within(codes[0], parts[0][1], _NEGATE)}", _NEGATE - 20
        if name == "power":
            return f"{_within(codes[0], parts[0][1], _ATOM)}**{_within(codes[1], parts[1][1], _ATOM)}", _POWER
        if name not in self.words.calls:
            raise DerivationError(f"{name}: this operation cannot be written as a {self.words.title} program")
        if f"{name} number" in self.words.calls and n.inputs[1].is_constant:
            name = f"{name} number"
        attrs = self._attributes(n)
        return self._call(name, codes, attrs), _ATOM

    def _attributes(self, n: Node) -> dict[str, str]:
        found = {}
        for key, value in n.attrs:
            number = repr(float(value)) if isinstance(value, Fraction) else str(value)
            found[key] = self.words.both if key == "axis" and value is None else number
        return found

    def _call(self, name: str, codes: list[str], attrs: Mapping[str, str]) -> str:
        word = self.words.calls[name]
        if word.split("(")[0] in self.words.helpers:
            self.program.helpers[word.split("(")[0]] = None
        return word.format(*codes, **attrs)


def _until(root: Node, names: Mapping[Node, str]) -> Iterator[Node]:
    """The nodes of an expression, inputs first, stopping at names."""
    seen: set[Node] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node not in names:
                stack.extend((x, False) for x in reversed(node.inputs))


def _within(code: str, binding: int, least: int) -> str:
    return code if binding >= least else f"({code})"


def _constant(n: Node) -> tuple[str, int]:
    value, powers = n.get("value"), n.get("powers")
    if not powers:
        return _number(value)
    top = [str(d) if p == 1 else f"{d}**{p}" for d, p in powers if p > 0]
    bottom = [str(d) if p == -1 else f"{d}**{-p}" for d, p in powers if p < 0]
    size = abs(value)
    if isinstance(size, Fraction) and size.denominator != 1 and size.denominator <= 1000:
        bottom.insert(0, str(size.denominator))
        size = Fraction(size.numerator)
    if size != 1 or not top:
        top.insert(0, _number(size)[0])
    code = " * ".join(top)
    if bottom:
        code += f" / {bottom[0]}" if len(bottom) == 1 else f" / ({' * '.join(bottom)})"
    return (f"-{code}", _NEGATE - 20) if value < 0 else (code, _PRODUCT)


def _number(value: Fraction | float) -> tuple[str, int]:
    if value < 0:
        return f"-{_number(-value)[0]}", _NEGATE - 20
    if isinstance(value, Fraction):
        if value.denominator == 1 and value.numerator < 10**15:
            return str(value.numerator), _ATOM
        if value.denominator <= 12 and value.numerator <= 999:
            return f"{value.numerator} / {value.denominator}", _PRODUCT
    return repr(float(value)), _ATOM


def _assigned(target: str, code: str, shape: str) -> Iterator[str]:
    line = f"    {target} = {code}"
    remark = f"  # {shape}" if shape else ""
    if len(line) <= WIDTH:
        yield line + (remark if len(line + remark) <= WIDTH else "")
        return
    yield f"    {target} = ({remark}"
    yield from (f"        {x}" for x in _cut(code, WIDTH - 8))
    yield "    )"


def _cut(code: str, width: int) -> Iterator[str]:
    """A long expression inside brackets as lines, broken before signs as far outside as they go."""
    while len(code) > width:
        best, cost, depth = 0, float("inf"), 0
        for i, c in enumerate(code[: width + 1]):
            depth += (c in "([{") - (c in ")]}")
            if not code[:i].strip():
                continue
            sign = {"+": 0, "-": 0, "*": 2, "@": 2, "/": 3}.get(code[i + 1 : i + 2], 6)
            if c == " " and i and code[i + 2 : i + 3] == " " and sign < 6:
                found = 3 * depth + sign + 12 * (width - i) / width
            elif c == " " and code[i - 1] == ",":
                found = 3 * depth + 6 + 12 * (width - i) / width
            else:
                continue
            if found < cost:
                best, cost = i, found
        if not best:
            break
        yield code[:best]
        code = "  " + code[best + 1 :]
    yield code


def _return(line: str) -> Iterator[str]:
    if len(line) + 4 <= WIDTH:
        yield f"    {line}"
        return
    head, _, inside = line.partition("{")
    yield f"    {head}{{"
    yield from (f"        {x}," for x in inside.removesuffix("}").split(", "))
    yield "    }"
