"""What a printed line says: its conventions carried out, its functions in terms of ones that are known everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import DerivationError
from ...graph import Shape, variables
from ...notation import write
from ...notation.formula import (
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
from ...notation.from_graph import symbol
from ...notation.style import Style
from ...ops import uniform_numbers
from ..lines import is_gradient
from ..subject import Subject

SAMPLES = 7
FACTORS = {"l2": 0.375, "l1": 0.25}  # of the penalties of a general layer, where it is tried


@dataclass(frozen=True)
class Meaning:
    """The meaning of the lines of a subject, whose variables have these values and whose sizes these numbers."""

    subject: Subject
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    classes: int | None = None  # of the labels; None: the outputs of the network

    def of(self, equation: Formula, plain: bool) -> Formula:
        """The equation with the declared conventions carried out.

        plain  whether it is compared in a network's world, which knows these conventions, not in an expression's
        """
        meant = self.known(equation)
        if self.subject.conventions.numerator:
            meant = _transposed_gradients(meant)
        meant = _step_of_descent(meant)
        if plain:
            return meant.mapped(self._factor) if self.factors else meant
        meant = self._in_expression(meant)
        return _transposed_names(meant) if self.subject.conventions.rows else meant

    @property
    def factors(self) -> Mapping[str, float]:
        """Kind of a penalty -> a number for its letter, where a general layer has such."""
        return {k: FACTORS[k] for k in self.subject.penalties.letters} if self.subject.kind == "layer" else {}

    def _factor(self, f: Formula) -> Formula:
        """λ and λ[l] as numbers; of penalties that are spread over the samples, 1/m of what they are."""
        if not isinstance(f, Symbol):
            return f
        kind = next((k for k, x in self.subject.penalties.letters.items() if x.removesuffix("[]") == f.name), None)
        if kind is None:
            return f
        objective, one = self.subject.objective, self.subject.conventions.one
        samples = SAMPLES if objective is not None and objective.spread and not one else 1
        return Number(Fraction(FACTORS[kind]) * samples)

    def known(self, formula: Formula) -> Formula:
        """The formula in functions that are known everywhere."""
        return formula.mapped(self._function)

    def _function(self, f: Formula) -> Formula:
        """Functions of this library in terms of ones that are known everywhere; π as its number."""
        if f == Symbol("pi") and "pi" not in self.values:
            return Number(Fraction(np.pi))
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
                return array_formula(uniform_numbers(seed, step_, s, r * c).reshape((r, c), order="F").astype(float))
            case "scatter_add":
                d, y = f.arguments[:2]
                return Binary("@", d, Transpose(self._one_hot(y, self.size(f.arguments[2]))))
        return f

    def size(self, f: Formula) -> int:
        """The number of a size."""
        if isinstance(f, Array) and len(f.entries) == 1:  # a size that was put in as its number
            f = f.entries[0]
        if isinstance(f, Number):
            return int(f.value)
        text = write.text(f)
        key = text.replace("[", "_").rstrip("]")
        found = self.sizes.get(text, self.sizes.get(key))
        if found is None:
            raise DerivationError(f"the size {text} has no number")
        return found

    def _one_hot(self, y: Formula, classes: int | None) -> Formula:
        match y:
            case Number(value=value):
                labels = np.array([[int(value)]])
            case Array(entries=entries):
                labels = np.array([[int(x.value) for x in entries if isinstance(x, Number)]])
            case _:
                labels = self.values[write.text(y)]
        classes = classes or self.classes
        if classes is None:
            assert self.subject.network is not None
            classes = self.subject.network.outputs
        return array_formula((np.arange(classes)[:, None] == labels).astype(float))

    def _in_expression(self, f: Formula) -> Formula:
        """Names of a network as parts of its cost's expression: X is A[0], Yhat the output, g[l] its activation, a
        derivative per sample m times that of the cost."""
        subject = self.subject
        match f:
            case Index(base=base, entries=(Slice(), column)) if subject.kind == "network":
                return Binary("@", self._in_expression(base), self._one_hot(column, self._shape(base)[1]))
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
            case Symbol() if f in self._aliases:
                return self._aliases[f]
            case Symbol(name=name, layer=None) if name in self.sizes:
                return Number(Fraction(self.sizes[name]))
            case Symbol(name="alpha", layer=None) if subject.kind == "network":
                return Number(Fraction(np.asarray(self.values.get("alpha", 1 / 8)).item()))
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

    @cached_property
    def _aliases(self) -> dict[Formula, Formula]:
        """Names of parts that are letters themselves, such as U[1] = β[1] after normalizing a single unit."""
        parts = self.subject.forward.items()
        return {symbol(n): symbol(x.name) for n, x in parts if x.is_variable and symbol(n) != symbol(x.name)}

    def _shape(self, f: Formula) -> tuple[int, int]:
        """The size of what columns are picked from, as the conventions show it."""
        match f:
            case Transpose(operand=operand):
                return self._shape(operand)[::-1]
            case Array(entries=entries, columns=columns):
                return len(entries) // columns, columns
            case Symbol():
                rows, columns = Shape(*variables(*self.subject.forward.values())[write.text(f)].shape).bind(self.sizes)
                return (columns, rows) if self.subject.conventions.rows else (rows, columns)
        found = [self._shape(x) for x in f.children if not isinstance(x, Number)]
        if not found:
            raise DerivationError(f"the size of {write.text(f)} is not known")
        return max(found)

    def _scaled(self, found: Formula, base: Symbol, per_sample: bool) -> Formula:
        """∂L/∂Z is m times ∂J/∂Z where 1/m stands at the parameters, Σ w times with weights; dW is ∂J/∂W."""
        c = self.subject.conventions
        if not per_sample or self.subject.kind != "network" or c.one or c.place == "dZ":
            return found
        if write.text(base, Style(plain=True)) in self.subject.parameters:
            return found
        total = float(np.sum(self.values["w"])) if self.subject.weighted else self.sizes.get("m", SAMPLES)
        return Binary("·", Number(Fraction(total)), found)


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


def array_formula(numbers: Any) -> Array:
    """A matrix of numbers as a formula."""
    _rows, cols = numbers.shape
    return Array(tuple(Number(Fraction(float(x))) for x in numbers.ravel()), cols)


__all__ = ["SAMPLES", "Meaning", "array_formula"]
