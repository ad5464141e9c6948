"""Derivatives of activations from their definitions, step by step, in one number z.

An activation is written out in elementary functions as its record says (σ(z) = 1 / (1 + e^-z)), differentiated by
the records of these functions (quotient, product and chain rule), and brought into its short form by the laws, each use
of a law a line. Two things are a teacher's and not found by search: that tanh z = (e^z - e^-z) / (e^z + e^-z), and the
fifth source's way to a (1 - a), which adds 1 and subtracts 1. Like all lines they are verified.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import lru_cache

import numpy as np

from ...graph import Node, Op, build, constant, substitute, variable, walk
from ...laws import Applied, simplify
from ...laws.law import one_plus
from ...notation.formula import Binary, Equation, Formula, Partial, Symbol
from ...notation.from_graph import formula
from ...notation.write import text
from ...ops import ACTIVATIONS, Activation, activation, exp, log
from ...reverse import derive
from ..document import Line, Section
from ..settings import LastLayer, Stated
from .by_rules import Z, by_rules, collected, depends, is_number
from .components import components
from .index_form import Writer
from .indexed import Indices
from .matrix_form import matrix_form
from .proof import slope_of
from .written import Letters

_A = variable("a", 1, 1)
_WRITTEN_OUT: dict[str, Callable[[Node], Node]] = {
    "tanh": lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z)),
}


def derivative_of(given: str | Activation) -> Section:
    """The derivative of an activation from its definition.

    given  a name of `ACTIVATIONS`, or a function from Z to A as an expression

    Lines: a = definition, ∂a/∂z by the rules, the laws one by one, ∂a/∂z in a and z. A function of a whole column
    (soft-max) is done by components. Raises `UnknownNameError` for a name that does not exist.
    """
    name = given if isinstance(given, str) else getattr(given, "__name__", "g")
    g = activation(given)
    if _is_columnwise(g):
        return _columnwise(name, g)
    return _pointwise(name, g)


@lru_cache(maxsize=64)
def _pointwise(name: str, g: Activation | Op) -> Section:
    short = g(Z)
    parts: tuple[Section, ...] = ()
    long = _long_form(short)
    if long is short:
        parts = tuple(_pointwise(op.name, op) for op in _inner(short))
    doc = "" if isinstance(g, Op) else (g.__doc__ or "").strip()
    first, *others = _ways(short, long)
    return Section(_title(name), "activation", doc, first.lines, (*others, *parts), setting=Stated())


def _title(name: str) -> str:
    return f"derivative of {name.replace('_', ' ')}"


def _long_form(short: Node) -> Node:
    """One function of z written out in simpler ones; an expression of several functions stays."""
    if short.op.arity == 1 and short.inputs[0] is Z:
        long = written_out(short)
        if long.op.name == "divide" and is_number(long.inputs[0], 1):
            return long.inputs[1] ** -1
        return long
    return short


def _inner(short: Node) -> list[Op]:
    """Functions inside that have a derivation of their own, as tanh and softplus in mish."""
    found = dict.fromkeys(n.op for n in walk(short) if n.op.arity == 1 and n.op.pointwise)
    return [op for op in found if _long_form(op(Z)) is not op(Z)]


def written_out(node: Node) -> Node:
    """The expression with every point-wise operation as its record's component form says."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        if n.is_variable or n.is_constant:
            memo[n] = n
            continue
        inputs = tuple(memo[x] for x in n.inputs)
        new = build(n.op, inputs, n.attrs)
        if n.op.name in _WRITTEN_OUT:
            new = _WRITTEN_OUT[n.op.name](*inputs)
        elif n.op.name in ("sigmoid", "softplus"):
            new = _by_record(n.op, inputs)
        memo[n] = new
    return memo[node]


def _by_record(op: Op, inputs: tuple[Node, ...]) -> Node:
    indices = Indices()
    own = tuple(variable(f"·{k}", 1, 1) for k in range(op.arity))
    entry = Writer(indices).entry(op(*own), None, None)
    return substitute(matrix_form(entry, None, None, indices), dict(zip(own, inputs, strict=True)))


def _ways(short: Node, long: Node) -> list[Section]:
    """The lines by the rules, then the ways from there to the short form: by a teacher's step where there is one."""
    a, z = Symbol("a"), formula(Z)
    sides = list(
        dict.fromkeys([a, formula(short), formula(written_out(short) if long is not short else long), formula(long)])
    )
    lines = [_line(sides, "definition", "", ":=")]
    final = slope_of(short, Z)
    current = value = _taken(by_rules(long), lines)
    by_laws = []
    if long is not short:
        for before, after, rule, why in _by_laws(value):
            by_laws.append(_line([formula(before), formula(after)], rule, why))
            current = after
    if text(formula(current)) != text(formula(final)):
        named = _functions(final) - _functions(current)
        why = "the same function, written by its name" if named else "the same terms and factors in another order"
        rule = "definition" if named else "sums and products commute"
        by_laws.append(_line([formula(current), formula(final)], rule, why))
    result = dict.fromkeys([Partial(a, z), formula(final), _in_a(final, short)])
    by_laws.append(Line(_equation(list(result), "="), "result", _kink(final), None, "da/dz"))
    trick = tuple(_plus_minus_one(value, long))
    if not trick:
        return [Section("", "activation", lines=(*lines, *by_laws))]
    return [
        Section("", "activation", lines=tuple(lines)),
        Section("to its short form by adding 1 and subtracting 1", "activation", lines=trick),
        Section("to its short form by the laws", "activation", lines=tuple(by_laws)),
    ]


def _functions(node: Node) -> set[str]:
    return {n.op.name for n in walk(node) if n.op.arity == 1}


def _taken(steps: Generator[Line, None, Node], lines: list[Line]) -> Node:
    """Take up the lines of a generator; what it returns."""
    while True:
        try:
            lines.append(next(steps))
        except StopIteration as end:
            found: Node = end.value
            return found


def _in_a(final: Node, short: Node) -> Formula:
    """The derivative in terms of a = g(z), where that is possible."""
    inside = substitute(final, {short: _A})
    if inside is final or depends(inside):
        return formula(inside)
    return Letters().formula(Writer(Indices()).entry(inside, None, None))


def _by_laws(start: Node) -> Iterator[tuple[Node, Node, str, str]]:
    """The whole expression before and after each named law; the collecting of like terms between them is one step."""
    record: list[Applied] = []
    end = simplify(start, None, record)
    current = shown = start
    for a in record:
        after = substitute(current, {a.before: a.after})
        if after is current:
            continue
        current = after
        if a.law.name != "collect like terms":
            yield shown, current, a.law.name, _condition(a)
            shown = current
    if end is not shown:
        yield shown, end, "collect like terms", "factors and terms together"


def _plus_minus_one(quotient: Node, long: Node) -> Iterator[Line]:
    """N / D² with D = 1 + N: add 1 and subtract 1 above, and the fraction falls into 1/D (1 - 1/D) (fifth source)."""
    if quotient.op.name != "divide" or quotient.inputs[1].op.name != "power":
        return
    top, (below, square) = quotient.inputs[0], quotient.inputs[1].inputs
    if one_plus(below) is not top or not is_number(square, 2) or collected(long * below) is not constant(1):
        return
    one = 1 / below
    split, fraction = one * ((1 + top - 1) / below), one * (1 - one)
    yield _line(
        [formula(quotient), formula(split)], "add 1 and subtract 1", "above; one of the two factors below is split off"
    )
    yield _line([formula(split), formula(fraction)], "division", "the numerator is the denominator minus 1")
    yield _line([formula(fraction), formula(_A * (1 - _A))], "definition", "the fraction is `a`")


def value_at(node: Node, z: complex) -> complex:
    """The number of an expression in z."""
    memo: dict[Node, object] = {}
    for n in walk(node):
        if n is Z:
            memo[n] = np.array([[z]])
        elif n.is_constant:
            memo[n] = np.array([[float(n.get("value"))]])
        else:
            memo[n] = n.op.forward(*(memo[x] for x in n.inputs), **dict(n.attrs))
    return complex(np.asarray(memo[node]).item())


def _kink(final: Node) -> str:
    """What the derivative is on both sides of a kink at 0, and what the rule takes there."""
    steps = [n for n in walk(final) if n.op.name == "step"]
    if not steps:
        return "the short form"
    right, left = (simplify(substitute(final, {n: constant(v) for n in steps})) for v in (1, 0))
    there = value_at(final, 0.0).real
    return (
        f"{text(formula(right))} for z > 0, {text(formula(left))} for z < 0; at the kink z = 0 the rule takes {there:g}"
    )


def _condition(a: Applied) -> str:
    return f"{a.law.equation} ({a.law.condition})" if a.law.condition else a.law.equation


def _is_columnwise(g: Activation) -> bool:
    return any(not n.op.pointwise and n.inputs and n.op.name != "broadcast" for n in walk(g(variable("z", "n", 1))))


@lru_cache(maxsize=16)
def _columnwise(name: str, g: Activation) -> Section:
    """The matrix of the derivatives ∂a_k/∂z_i, in the letters of an output layer."""
    Z = variable("Z[L]", "n_L", "m")
    proof = components(g(Z), Z, {g(Z): "A[L]"}, one_sample=True)
    slopes = (x for x in proof.lines[1:] if isinstance(x.formula.sides[0], Partial))
    lines = (proof.lines[0], *slopes)
    setting = LastLayer("quadratic", g)
    return Section(_title(name), "activation", (g.__doc__ or "").strip(), lines, setting=setting)


def activations() -> Section:
    """The derivations of all activations."""
    return Section("derivatives of the activations", "activation", "", (), tuple(derivative_of(n) for n in ACTIVATIONS))


def logarithm() -> Section:
    """ln' = 1/x from e^(ln x) = x (fifth source): both sides are differentiated, and the equation is solved."""
    x = variable("x", 1, 1)
    name, inner = formula(x), log(x)
    both = exp(inner)
    u = variable("u", 1, 1)
    outer = substitute(derive(exp(u), [u]).of(u), {u: inner})
    slope = Partial(formula(inner), name)
    lines = (
        _line([formula(both), formula(simplify(both))], "exp of log", "exp and ln are inverse functions, x > 0"),
        _line(
            [Partial(formula(both), name), Partial(name, name), formula(constant(1))],
            "both sides",
            "differentiated by x",
        ),
        _line([Partial(formula(both), name), Binary("·", formula(outer), slope)], "chain rule", "exp' = exp"),
        _line([Binary("·", formula(simplify(outer)), slope), formula(constant(1))], "exp of log", "e^(ln x) is x"),
        _line([slope, formula(slope_of(inner, x))], "solved", "both sides divided by x"),
    )
    return Section("derivative of the logarithm", "activation", "", lines, setting=Stated())


def _equation(sides: list[Formula], relation: str) -> Equation:
    return Equation(tuple(sides), (relation, *("=" for _ in sides[2:])))


def _line(sides: list[Formula], rule: str, why: str = "", relation: str = "=") -> Line:
    return Line(_equation(sides, relation), rule, why)
