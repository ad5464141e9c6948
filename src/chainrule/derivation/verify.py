"""Every printed line read back from its text and its LaTeX and evaluated, independently of how it was derived.

What is read is the string that was printed. The quantities get their numbers from the judge's worlds, where a
derivative is a complex step through the forward equations and no backward rule is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import ChainruleError, DerivationError
from ..graph import Node, Shape, rename_dim, size, substitute, variable, variables, walk
from ..meaning.world import Comparison, Convention, World
from ..nn import Dense
from ..notation import write
from ..notation.canonical import canonical
from ..notation.formula import (
    ONE,
    Array,
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from ..notation.from_graph import symbol
from ..notation.read import read
from ..notation.style import Style
from ..ops import uniform_numbers
from .document import Document, Line
from .lines import is_gradient
from .sections import numbered_parts
from .subject import Subject

TOLERANCE = 1e-10
SAMPLES = 7
POINTS = 20  # tried until one is found at which the output does not underflow
SMALLEST = 1e-9  # output of a network that a loss may be divided by
NOTHING = 1e-15  # of quantities of order 1: what rounding leaves of zero


@dataclass(frozen=True)
class Failure:
    """A printed line that is not true, or that cannot be read: its number, how it was printed, and why."""

    number: int
    syntax: str
    printed: str
    message: str

    def __str__(self) -> str:
        return f"line {self.number} ({self.syntax}): {self.printed}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What verification found: number of lines, of strings read, the worst relative error, and every failure."""

    lines: int
    read: int
    worst: float
    failures: tuple[Failure, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failures

    def check(self) -> Report:
        """The report itself; raises DerivationError if a line failed."""
        if self.failures:
            raise DerivationError(f"{len(self.failures)} printed lines are not verified, first: {self.failures[0]}")
        return self

    def __str__(self) -> str:
        head = f"{self.lines} lines verified from text and LaTeX, worst relative error {self.worst:.1e}"
        return "\n".join(
            [head if self.ok else f"{len(self.failures)} of {self.lines} lines failed", *map(str, self.failures)]
        )


def verify(subject: Subject, document: Document, *, seed: int = 0) -> Report:
    """Verify a document of a subject: relative error at most 1e-10 for every line, from text and from LaTeX.

    A point at which the output underflows, so that a quotient by it has no accurate number, is left for another.
    """
    trials = next((t for t in (_Trials(subject, seed + k) for k in range(POINTS)) if t.is_usable), None)
    trials = trials or _Trials(subject, seed)
    style = subject.conventions.writing()
    failures: list[Failure] = []
    worst, count, number = 0.0, 0, 0
    for section in document.sections:
        in_steps = section.kind == "steps"
        for line in section.every_line():
            number += 1
            for syntax, printed in (
                ("text", write.text(line.formula, style)),
                ("latex", write.latex(line.formula, style)),
            ):
                count += 1
                found = _checked(trials, line, printed, syntax, in_steps)
                if found.status == "equal" and found.error <= TOLERANCE:
                    worst = max(worst, found.error)
                else:
                    why = found.message or f"{found.status}, relative error {found.error:.2g}"
                    failures.append(Failure(number, syntax, printed, why))
    return Report(number, count, worst, tuple(failures))


def _checked(trials: _Trials, line: Line, printed: str, syntax: Any, in_steps: bool) -> Comparison:
    style = trials.subject.conventions.writing()
    try:
        readings = [canonical(r.equation, style.letters) for r in read(printed, syntax=syntax, letters=style.letters)]
    except ChainruleError as e:
        return Comparison("unreadable", 0.0, str(e))
    found = Comparison("unreadable", 0.0, "no reading")
    for reading in readings:
        assert isinstance(reading, Equation)
        found = trials.compare(reading, in_steps)
        if found.status == "equal":
            break
    return found


@dataclass
class _Trials:
    """The worlds of one derivation, and what the printed functions mean there."""

    subject: Subject
    seed: int = 0
    _network: World | None = field(default=None, init=False)
    _expressions: dict[bool, World] = field(default_factory=dict, init=False)
    values: dict[str, Any] = field(default_factory=dict, init=False)
    sizes: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.values, self.sizes = drawn(self.subject, self.seed)

    def compare(self, equation: Equation, in_steps: bool) -> Comparison:
        """Compare the sides of an equation that was read."""
        plain = not in_steps and is_plain(self.subject)
        if self.subject.kind == "layer":
            return self._general(equation, in_steps)
        meant = self.meaning(equation, plain)
        world = self.network if plain else self.expression(in_steps)
        return _repeated(world, meant, {}) if in_steps else _compared(world, meant, {})

    def _general(self, equation: Equation, in_steps: bool) -> Comparison:
        """A line with a symbolic l, for every l of networks of several depths."""
        worst, tried = Comparison("unreadable", 0.0, "no layer to try it on"), False
        error = 0.0
        network, loss = self.subject.network, self.subject.loss
        assert network is not None
        for hidden in ("3-5:tanh-4:sigmoid-6:tanh-2", "4-3:softplus-5:gelu-3"):
            text = f"{hidden}:{network.output_activation}"
            world = World.of_network(text, loss, m=self.samples, seed=self.seed, convention=self.convention)
            meant = self.meaning(equation, True)
            slope = any(
                isinstance(p, Call) and isinstance(p.function, Symbol) and p.function.prime > 0 for _, p in meant.walk()
            )
            for bindings in world.bindings(meant):
                if slope and bindings.get("l") == hidden.count("-"):
                    continue  # the output activation is the loss's business, and may not work entry by entry
                worst = _repeated(world, meant, bindings) if in_steps else _compared(world, meant, bindings)
                if worst.status != "equal":
                    return worst
                tried, error = True, max(error, worst.error)
        return replace(worst, error=error) if tried else worst

    @property
    def is_usable(self) -> bool:
        """Whether the output of the network, by which losses divide, is far from what rounding loses."""
        if not is_plain(self.subject) or self.subject.kind != "network":
            return True
        output = self.network.value(symbol(list(self.subject.forward)[-1])).array
        return bool(np.all((output == 0) | (np.abs(output) >= SMALLEST)))

    @property
    def samples(self) -> int:
        return 1 if self.subject.conventions.one else SAMPLES

    @property
    def convention(self) -> Convention:
        c = self.subject.conventions
        return Convention(
            place="dZ" if c.place == "dZ" else "parameters", samples="one" if c.one else "batch", rows=c.rows
        )

    @property
    def network(self) -> World:
        if self._network is None:
            subject = self.subject
            assert subject.network is not None
            assert subject.loss is not None
            self._network = World.of_network(
                str(subject.network), subject.loss, m=self.samples, seed=self.seed, convention=self.convention
            )
        return self._network

    def expression(self, in_steps: bool) -> World:
        """The cost as an expression, with every part that a line names; the steps go through its fused form."""
        if in_steps not in self._expressions:
            output, named = parts(self.subject, in_steps)
            for dim, number in self.sizes.items():
                memo: dict[Node, Node] = {}
                named = {n: rename_dim(x, dim, number, memo) for n, x in named.items()}
                output = rename_dim(output, dim, number, memo)
            self._expressions[in_steps] = World.of_expression(output, self.values, "J", named=named)
        return self._expressions[in_steps]

    # --- what letters and functions mean ---

    def meaning(self, equation: Formula, plain: bool) -> Formula:
        """The equation with the declared conventions carried out."""
        meant = equation.mapped(self._function)
        if self.subject.conventions.numerator:
            meant = _transposed_gradients(meant)
        meant = _step_of_descent(meant)
        if plain:
            return meant
        meant = self._in_expression(meant)
        return _transposed_names(meant) if self.subject.conventions.rows else meant

    def _function(self, f: Formula) -> Formula:
        """Functions of this library in terms of ones that are known everywhere."""
        if not isinstance(f, Call) or not isinstance(f.function, Symbol):
            return f
        named = dict(zip(f.names, f.arguments[len(f.arguments) - len(f.names) :], strict=True))
        match f.function.name:
            case "lse" | "logsumexp":
                inner = Call(Symbol("exp"), f.arguments[:1])
                return Call(Symbol("log"), (Call(Symbol("sum"), (inner, *named.values()), f.names),))
            case "where":
                p, a, b = f.arguments
                step = Call(Symbol("step"), (p,))
                return Binary("+", Binary("*", step, a), Binary("*", Binary("-", ONE, step), b))
            case "ones":
                r, c = (self.size(x) for x in f.arguments)
                return Array((ONE,) * (r * c), c)
            case "one_hot":
                return self._one_hot(f.arguments[0], self.size(f.arguments[1]))
            case "pick":
                a, y = f.arguments
                return Call(Symbol("sum"), (Binary("∘", a, self._one_hot(y, None)), Number(Fraction(0))), ("axis",))
            case "uniform":
                s, r, c = (self.size(x) for x in f.arguments[2:])
                seed, step_ = (int(self.values[k][0, 0]) for k in ("seed", "step"))
                return _array(uniform_numbers(seed, step_, s, r * c).reshape((r, c), order="F").astype(float))
            case "scatter_add":
                d, y = f.arguments[:2]
                return Binary("@", d, Transpose(self._one_hot(y, self.size(f.arguments[2]))))
        return f

    def size(self, f: Formula) -> int:
        """The number of a size."""
        if isinstance(f, Number):
            return int(f.value)
        text = write.text(f)
        key = text.replace("[", "_").rstrip("]")
        found = self.sizes.get(text, self.sizes.get(key))
        if found is None:
            raise DerivationError(f"the size {text} has no number")
        return found

    def _one_hot(self, y: Formula, classes: int | None) -> Formula:
        labels = np.array([[int(y.value)]]) if isinstance(y, Number) else self.values[write.text(y)]
        if classes is None:
            assert self.subject.network is not None
            classes = self.subject.network.outputs
        return _array((np.arange(classes)[:, None] == labels).astype(float))

    def _in_expression(self, f: Formula) -> Formula:
        """Names of a network as parts of its cost's expression: X is A[0], Yhat the output, g[l] its activation, a
        derivative per sample m times that of the cost."""
        subject = self.subject
        match f:
            case Index(base=base, entries=(Slice(), column)) if subject.kind == "network":
                return Binary("@", self._in_expression(base), self._one_hot(column, self._columns(base)))
            case Partial(numerator=Symbol(name="L" | "C" | "J"), denominator=below):
                base = below.base if isinstance(below, Index) else below
                assert isinstance(base, Symbol)
                found = Partial(Symbol("J"), self._in_expression(below))
                return self._scaled(found, base, f.numerator == Symbol("L"))
            case Symbol(name="C" | "L", layer=None):
                return Symbol("J")
            case Symbol(name="X" | "x", layer=None) if subject.kind == "network":
                return symbol(subject.letter("A", 0))
            case Symbol(name="Yhat" | "yhat", layer=None) if subject.kind == "network":
                return symbol(next(reversed(list(subject.forward))))
            case Symbol(name=name, layer=None) if name in self.sizes:
                return Number(Fraction(self.sizes[name]))
            case Symbol(name="alpha"):
                return Number(Fraction(1, 8))
            case Symbol(name="n", layer=layer) if layer is not None and write.text(f) in self.sizes:
                return Number(Fraction(self.sizes[write.text(f)]))
            case Index(base=Symbol(name=name) as base, entries=entries) if is_gradient(name):
                return self._in_expression(Partial(Symbol("L"), Index(_without_d(base), entries)))
            case Symbol(name=name) if is_gradient(name):
                return self._in_expression(Partial(Symbol("L"), _without_d(f)))
            case Call(function=Symbol(name="g", layer=Number(value=v), prime=p), arguments=arguments):
                inner_arguments = tuple(self._in_expression(x) for x in arguments)
                return Call(Symbol(subject.activations[int(v)], None, None, p), inner_arguments)
        return f.rebuilt(tuple(self._in_expression(x) for x in f.children)) if f.children else f

    def _columns(self, base: Formula) -> int:
        shape = variables(*self.subject.forward.values())[write.text(base)].shape
        return int(shape.cols)

    def _scaled(self, found: Formula, base: Symbol, per_sample: bool) -> Formula:
        """∂L/∂Z is m times ∂J/∂Z where 1/m stands at the parameters; dW is ∂J/∂W."""
        c = self.subject.conventions
        if not per_sample or self.subject.kind != "network" or c.one or c.place == "dZ":
            return found
        if write.text(base, Style(plain=True)) in self.subject.parameters:
            return found
        return Binary("·", Number(Fraction(SAMPLES)), found)


def _compared(world: World, meant: Formula, bindings: dict[str, int]) -> Comparison:
    """Compare the sides; two that vanish up to rounding, such as db before a batch normalization, are equal."""
    found = world.compare(meant, bindings, tolerance=TOLERANCE)
    if found.status == "different" and isinstance(meant, Equation):
        sides = [world.value(side, bindings).array for side in meant.sides]
        if all(np.max(np.abs(x)) <= NOTHING for x in sides):
            return Comparison("equal", 0.0, "both sides vanish")
    return found


def _repeated(world: World, meant: Formula, bindings: dict[str, int]) -> Comparison:
    """Compare two sides where a row, a column or a number may stand for its repetition."""
    found = _compared(world, meant, bindings)
    if found.status == "shape" and isinstance(meant, Equation) and len(meant.sides) == 2:
        left, right = meant.sides
        zero = Binary("∘", Number(Fraction(0)), left)
        return _compared(world, Equation((left, Binary("+", right, zero)), ("=",)), bindings)
    return found


def _without_d(f: Symbol) -> Symbol:
    return Symbol(f.name[1:], f.layer, f.sample, f.prime)


def _step_of_descent(f: Formula) -> Formula:
    """`W <- …` says that the right side is W - α dJ/dW."""
    if not isinstance(f, Equation) or f.relations != ("<-",):
        return f
    left, right = f.sides
    base, entries = (left.base, left.entries) if isinstance(left, Index) else (left, None)
    assert isinstance(base, Symbol)
    gradient: Formula = Partial(Symbol("J"), Symbol(base.name, base.layer))
    if entries is not None:
        gradient = Partial(Symbol("J"), left)
    return Equation((Binary("-", left, Binary("*", Symbol("alpha"), gradient)), right), ("=",))


def _transposed_names(f: Formula) -> Formula:
    """With samples as rows every letter is the transpose of the one with samples as columns."""
    match f:
        case Partial(numerator=numerator, denominator=Symbol() as below):
            return Transpose(Partial(numerator, below))
        case Partial(numerator=numerator, denominator=Index(base=base, entries=entries)):
            return Partial(numerator, Index(base, entries[::-1]))
        case Index(base=Symbol() as base, entries=entries):
            return Index(base, entries[::-1])
        case Call(function=Symbol(name="softmax" | "log_softmax"), arguments=(Symbol(),)):
            return Transpose(f)
        case Call(function=function, arguments=arguments):
            return Call(function, tuple(_transposed_names(x) for x in arguments), f.names)
        case Sum(body=body, bounds=bounds):
            return Sum(_transposed_names(body), bounds)
        case Symbol():
            return Transpose(f)
        case Array():
            return f
    return f.rebuilt(tuple(_transposed_names(x) for x in f.children)) if f.children else f


def _transposed_gradients(f: Formula) -> Formula:
    """In numerator layout a derivative is the transpose of the one in denominator layout."""
    match f:
        case Symbol(name=name) if is_gradient(name):
            return Transpose(f)
        case Partial(denominator=Index(base=base, entries=entries)) if len(entries) == 2:
            return Partial(f.numerator, Index(base, entries[::-1]))
        case Partial(denominator=Symbol()):
            return Transpose(f)
        case Index(base=Symbol(name=name) as base, entries=entries) if is_gradient(name):
            return Index(base, entries[::-1])
        case Partial():
            return f
    return f.rebuilt(tuple(_transposed_gradients(x) for x in f.children)) if f.children else f


def _array(numbers: Any) -> Array:
    _rows, cols = numbers.shape
    return Array(tuple(Number(Fraction(float(x))) for x in numbers.ravel()), cols)


def is_plain(subject: Subject) -> bool:
    """Whether the judge's network worlds have every quantity: dense layers, targets as a matrix, no penalties."""
    network = subject.network
    return (
        network is not None
        and not subject.labels
        and not network.embeddings
        and "w" not in subject.found.names
        and all(type(x) is Dense and isinstance(x.activation, str) and not x.l1 and not x.l2 for x in network.layers)
    )


def parts(subject: Subject, fused: bool) -> tuple[Node, dict[str, Node]]:
    """The cost J as one expression, and the named parts in it, inputs first.

    fused  J as it was differentiated, after the laws, and with the numbered parts; else through the network's output
    """
    named = dict(subject.forward)
    output = subject.found.output
    if subject.kind == "network" and subject.cost is not None and not fused:
        table = {variable(n, *x.shape): x for n, x in named.items()}
        output = substitute(subject.cost[1], table)
    elif subject.kind == "network":
        c = subject.conventions
        output = output if c.one or c.place == "dZ" else _mean(subject, output)
    for node, label in numbered_parts(subject).items():
        if fused or subject.kind != "network":
            named.setdefault(label, node)
    order = {n: i for i, n in enumerate(walk(*named.values(), output))}
    ordered = sorted(named, key=lambda n: order[named[n]])
    shown = {n: write.text(symbol(n), Style(plain=True)) for n in ordered if not named[n].is_variable}
    return output, {label: named[n] for n, label in shown.items()}


def _mean(subject: Subject, S: Node) -> Node:
    """J = S/m + R, where the derivatives per sample are m times those of J."""
    J = S * size("m", -1)
    network = subject.network
    R = None if network is None else network.forward(training=True).penalties
    for p in R or ():
        J = J + p
    return J


def drawn(subject: Subject, seed: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Random numbers for all variables, and the sizes: labels are labels, targets sum to one where they should."""
    rng = np.random.default_rng(seed)
    nodes = [subject.found.output, *subject.forward.values(), *(x for _, x in subject.early)]
    nodes += [subject.cost[1]] if subject.cost else []
    found: dict[str, Node] = {}
    dims: dict[str, int] = {}
    for n in walk(*nodes):
        for d in n.shape:
            if isinstance(d, str) and d not in dims:
                dims[d] = SAMPLES if d == "m" else 3 + len([x for x in dims if x != "m"])
        if n.is_variable:
            found[n.name] = n
    values: dict[str, Any] = {}
    for name, n in found.items():
        shape = Shape(*n.shape).bind(dims)
        if n.get("kind") == "label":
            high = subject.network.outputs if subject.network is not None else 3
            if subject.network is not None and name.startswith("c["):
                high = subject.network.embeddings[int(name[2:-1]) - 1][0]
            values[name] = rng.integers(0, high, shape)
        elif n.get("kind") == "counter":
            values[name] = np.array([[3]])
        elif name in ("Y", "y") and subject.loss is not None:
            values[name] = _targets(subject.loss.target, shape, rng)
        elif name == "w" or "positive" in n.get("assume"):
            values[name] = rng.uniform(0.5, 2.0, shape)
        else:
            values[name] = rng.normal(0.0, 0.8, shape)
    return values, dims


def _targets(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    if kind in ("probabilities", "labels"):
        return rng.dirichlet(np.ones(shape[0]), shape[1]).T
    return rng.uniform(0.1, 0.9, shape) if kind == "binary" else rng.uniform(0.2, 2.0, shape)


__all__ = ["Failure", "Report", "verify"]
