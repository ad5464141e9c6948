"""A derivation as a program that stands alone: NumPy, PyTorch or JAX, one line per equation, no automatic derivative.

Every line is an expression of the derived graph. The languages differ in how an operation is spelled and in nothing
else; what has no short spelling, such as a log-sum-exp that cannot overflow, becomes a function above the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ...errors import DerivationError, unknown_name
from ...graph import Node, variables
from .expression import Writer
from .named import named
from .spelling import assigned, letters, returned
from .words import LANGUAGES, Language

if TYPE_CHECKING:
    from ..derive import Derivation


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
    parts      named parts of an expression, which has no `forward`
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
    parts: Mapping[str, Node] = field(default_factory=dict)


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
        found.forward if subject.kind == "expression" else {},
    )
    return write(equations, language)


def write(equations: Equations, language: str = "numpy") -> str:
    """The program text: `forward(parameters, X)` and `gradients(parameters, X, Y)`, with the helpers they use.

    Raises `UnknownNameError` for another language, `DerivationError` for an operation that a program cannot have.
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    names = {
        *equations.forward,
        *equations.parts,
        *equations.backward,
        *equations.inputs,
        *equations.parameters,
        equations.cost[0],
    }
    owner: dict[str, str] = {}
    for name in sorted(names):
        other = owner.setdefault(letters(name), name)
        if other != name:
            raise DerivationError(f"{other} and {name} would both be called {letters(name)} in a program: rename one")
    return _Program(equations, LANGUAGES[language]).text()


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
            body = list(self._lines({**g.parts, g.cost[0]: g.cost[1]}, {}, scalar=g.cost[0]))
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
        yield from returned(f"return {output}, {{{shown}}}")

    def _gradients(self) -> Iterator[str]:
        g = self.given
        yield f"def gradients({self._arguments(g.inputs)}):"
        yield f'    """The cost {letters(g.cost[0])} and its derivative by every parameter, by name."""'
        names = {node: letters(name) for name, node in g.forward.items()}
        lines = {**g.parts, g.cost[0]: g.cost[1], **g.backward}
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
        yield from returned(f"return {letters(g.cost[0])}, {{{shown}}}")

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
        writer = Writer(self.language, known, self.like, self.helpers)
        for name, node in table.items():
            target = letters(name)
            code = known[node] if node in known else writer.full(node)
            if name == scalar:
                code = self.language.scalar.format(code if code.isidentifier() else f"({code})")
            yield from assigned(target, code, str(node.shape) if name != scalar else "")
            alias = node in known and name in self.given.results  # dZ2 stays the word where db2 is the same
            if not (alias or node.is_constant or node.is_variable):
                known[node] = target


__all__ = ["Equations", "program", "write"]
