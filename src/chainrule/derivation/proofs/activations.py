"""Derivatives of activations from their definitions, step by step, in one number z.

An activation is written out in elementary functions as its record says (σ(z) = 1 / (1 + e^-z)), differentiated by
reverse mode (quotient, product and chain rule), and brought into its short form by the laws, each use of a law a line.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import lru_cache, reduce

import numpy as np

from ...errors import DerivationError
from ...graph import OPS, Node, Op, build, constant, substitute, variable, walk
from ...laws import Applied, collect, simplify
from ...laws.law import one_plus
from ...notation.formula import Binary, Equation, Formula, Negate, Partial, Symbol
from ...notation.from_graph import formula, function_name
from ...notation.write import text
from ...ops import ACTIVATIONS, Activation, activation, exp, log
from ...reverse import derive
from ..document import Line, Section
from ..settings import LastLayer, Stated
from .components import components
from .index_form import Writer
from .indexed import Indices
from .matrix_form import matrix_form
from .proof import slope_of
from .written import Letters

_Z = variable("z", 1, 1)
_A = variable("a", 1, 1)
# Functions whose record names them but does not write them out in simpler ones.
_WRITTEN_OUT: dict[str, Callable[[Node], Node]] = {
    "tanh": lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z)),
}
_RULES = {
    "multiply": "product rule",
    "divide": "quotient rule",
    "power": "power rule",
    **{op.name: f"derivative of {function_name(op.name)}" for op in OPS.values() if op.arity == 1 and op.pointwise},
    "maximum": "branches",
    "minimum": "branches",
    "negate": "linearity",
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
    short = g(_Z)
    parts: tuple[Section, ...] = ()
    long = _long_form(short)
    if long is short:
        parts = tuple(_pointwise(op.name, op) for op in _inner(short))
    doc = g.doc if isinstance(g, Op) else (g.__doc__ or "").strip()
    return Section(f"derivative of {name}", "activation", doc, tuple(_lines(short, long)), parts, setting=Stated())


def _long_form(short: Node) -> Node:
    """One function of z written out in simpler ones; an expression of several functions stays."""
    if short.op.arity == 1 and short.inputs[0] is _Z:
        long = written_out(short)
        if long.op.name == "divide" and _is_number(long.inputs[0], 1):
            return long.inputs[1] ** -1
        return long
    return short


def _inner(short: Node) -> list[Op]:
    """Functions inside that have a derivation of their own, as tanh and softplus in mish."""
    found = dict.fromkeys(n.op for n in walk(short) if n.op.arity == 1 and n.op.pointwise)
    return [op for op in found if _long_form(op(_Z)) is not op(_Z)]


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


def _lines(short: Node, long: Node) -> Iterator[Line]:
    a, z = Symbol("a"), formula(_Z)
    sides = list(
        dict.fromkeys([a, formula(short), formula(written_out(short) if long is not short else long), formula(long)])
    )
    yield _line(sides, "definition", "", ":=")
    final = slope_of(short, _Z)
    value = yield from _by_rules(long)
    current = value
    if long is not short:
        yield from _plus_minus_one(value, long)
        for before, after, rule, why in _by_laws(value):
            yield _line([formula(before), formula(after)], rule, why)
            current = after
    if text(formula(current)) != text(formula(final)):
        named = simplify(current) is not final
        why = "the same function, written by its name" if named else "factors and terms together"
        yield _line([formula(current), formula(final)], "definition" if named else "collect like terms", why)
    result = dict.fromkeys([Partial(a, z), formula(final), _in_a(final, short)])
    yield Line(_equation(list(result), "="), "result", _kink(final), None, "da/dz")


def _by_rules(node: Node) -> Generator[Line, None, Node]:
    """∂node/∂z by the rules of its outermost operation, then the derivatives inside, then all inserted."""
    z = formula(_Z)
    left = Partial(formula(node), z)
    values = derivatives(node)
    value = values[node]
    if node is _Z or not node.inputs:
        return value
    slopes = [(x, s) for x, s in zip(node.inputs, local_slopes(node), strict=True) if s is not None and _depends(x)]
    inner = [x for x, _ in slopes if x is not _Z]
    open_form = _sum_of([(s, Partial(formula(x), z) if x is not _Z else None) for x, s in slopes])
    rule = _RULES.get(node.op.name, "sum rule")
    if inner:
        yield _line([left, open_form], f"{rule}, chain rule", "the outer derivative times the inner one")
        for x in inner:
            if formula(values[x]) != Partial(formula(x), z):
                names = dict.fromkeys(_RULES[n.op.name] for n in walk(x) if n.op.name in _RULES)
                yield _line(
                    [Partial(formula(x), z), formula(values[x])], ", ".join(names) or "linearity", "rule by rule"
                )
    inserted = _sum_of([(s, formula(values[x]) if x is not _Z else None) for x, s in slopes])
    sides = list(dict.fromkeys([left, inserted, formula(value)]))
    yield _line(sides, "inserted" if inner else rule, "and collected" if len(sides) > 2 else "")
    return value


def _sum_of(parts: list[tuple[Node, Formula | None]]) -> Formula:
    terms: list[Formula] = []
    for slope, inner in parts:
        if inner is None:
            terms.append(formula(slope))
        elif _is_number(slope, 1):
            terms.append(inner)
        elif slope.op.name == "negate":
            terms.append(Negate(Binary("·", formula(slope.inputs[0]), inner)))
        else:
            terms.append(Binary("·", formula(slope), inner))
    return reduce(lambda x, y: Binary("+", x, y), terms)


def derivatives(node: Node) -> dict[Node, Node]:
    """d/dz of an expression and of all its parts: the chain rule over the records, and no law but like terms."""
    found: dict[Node, Node] = {}
    for n in walk(node):
        if n is _Z:
            found[n] = constant(1)
        elif not _depends(n):
            found[n] = constant(0)
        else:
            parts = [s * found[x] for x, s in zip(n.inputs, local_slopes(n), strict=True) if s is not None]
            found[n] = _collected(_numbers_folded(reduce(lambda x, y: x + y, parts, constant(0))))
    return found


def local_slopes(n: Node) -> list[Node | None]:
    """∂n/∂(each operand), from the record."""
    if n.op.backward is None:
        raise DerivationError(f"{n.op.name}: this operation has no derivative")
    made = n.op.backward(n, constant(1))
    return [
        None if d is None else _collected(_numbers_folded(d)) if n.op.name != "power" else _numbers_folded(d)
        for d in made
    ]


@lru_cache(maxsize=1024)
def _depends(n: Node) -> bool:
    return any(x is _Z for x in walk(n))


def _collected(node: Node) -> Node:
    """Like terms collected throughout, and nothing else."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        new = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
        shorter = collect(new)
        memo[n] = new if shorter is None else shorter
    return memo[node]


def _in_a(final: Node, short: Node) -> Formula:
    """The derivative in terms of a = g(z), where that is possible."""
    inside = substitute(final, {short: _A})
    if inside is final or _depends(inside):
        return formula(inside)
    return Letters().formula(Writer(Indices()).entry(inside, None, None))


def _numbers_folded(node: Node) -> Node:
    """1 · x is x, and numbers are computed; everything else stays as the rules wrote it."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        new = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
        if new.inputs and all(x.is_constant for x in new.inputs):
            folded = simplify(new)
            new = folded if folded.is_constant else new
        elif new.op.name == "multiply":
            a, b = new.inputs
            new = b if _is_number(a, 1) else a if _is_number(b, 1) else new
            new = constant(0) if _is_number(a, 0) or _is_number(b, 0) else new
            new = -b if _is_number(a, -1) else new
        elif new.op.name == "add":
            a, b = new.inputs
            new = b if _is_number(a, 0) else a if _is_number(b, 0) else new
        elif new.op.name == "power" and _is_number(new.inputs[1], 1):
            new = new.inputs[0]
        memo[n] = new
    return memo[node]


def _is_number(x: Node, value: int) -> bool:
    return x.is_constant and not x.get("powers") and x.get("value") == value


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
    if one_plus(below) is not top or not _is_number(square, 2) or _collected(long * below) is not constant(1):
        return
    one = 1 / below
    split, fraction = one * ((1 + top - 1) / below), one * (1 - one)
    yield _line([formula(quotient), formula(split)], "add 1 and subtract 1", "one factor below is split off")
    yield _line([formula(split), formula(fraction)], "quotient", "the numerator is the denominator minus one")
    yield _line([formula(fraction), formula(_A * (1 - _A))], "definition", "the fraction is a")


def value_at(node: Node, z: complex) -> complex:
    """The number of an expression in z."""
    memo: dict[Node, object] = {}
    for n in walk(node):
        if n is _Z:
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
    return Section(f"derivative of {name}", "activation", (g.__doc__ or "").strip(), lines, setting=setting)


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
        _line([formula(both), formula(simplify(both))], "exp of log", "the logarithm is the inverse function, x > 0"),
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
