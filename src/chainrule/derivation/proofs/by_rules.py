"""d/dz of an expression in one number z by the rules of its operations, and by no law but like terms."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache, reduce

from ...errors import DerivationError
from ...graph import OPS, Node, build, constant, variable, walk
from ...laws import collect, simplify
from ...notation.formula import Binary, Equation, Formula, Negate, Partial
from ...notation.from_graph import formula, function_name
from ..document import Line

Z = variable("z", 1, 1)
_RULES = {
    "multiply": "product rule",
    "divide": "quotient rule",
    "power": "power rule",
    **{op.name: f"derivative of {function_name(op.name)}" for op in OPS.values() if op.arity == 1 and op.pointwise},
    "maximum": "branch by branch",
    "minimum": "branch by branch",
    "negate": "linearity",
}


def by_rules(node: Node) -> Generator[Line, None, Node]:
    """∂node/∂z by the rules of its outermost operation, then the derivatives inside, then all inserted."""
    z = formula(Z)
    left = Partial(formula(node), z)
    values = derivatives(node)
    value = values[node]
    if node is Z or not node.inputs:
        return value
    slopes = [(x, s) for x, s in zip(node.inputs, local_slopes(node), strict=True) if s is not None and depends(x)]
    inner = [x for x, _ in slopes if x is not Z]
    open_form = _sum_of([(s, Partial(formula(x), z) if x is not Z else None) for x, s in slopes])
    rule = _RULES.get(node.op.name, "sum rule")
    if inner:
        yield _line([left, open_form], f"{rule} and chain rule", "the outer derivative times the inner one")
        for x in inner:
            if formula(values[x]) != Partial(formula(x), z):
                names = dict.fromkeys(_RULES[n.op.name] for n in reversed(list(walk(x))) if n.op.name in _RULES)
                rules = ", ".join(names) or "linearity"
                yield _line([Partial(formula(x), z), formula(values[x])], rules, "")
    inserted = _sum_of([(s, formula(values[x]) if x is not Z else None) for x, s in slopes])
    sides = list(dict.fromkeys([left, inserted, formula(value)]))
    collected = "what was found is inserted" + (" and like terms are collected" if len(sides) > 2 else "")
    yield _line(sides, "chain rule" if inner else rule, collected if inner else "")
    return value


def _sum_of(parts: list[tuple[Node, Formula | None]]) -> Formula:
    terms: list[Formula] = []
    for slope, inner in parts:
        if inner is None:
            terms.append(formula(slope))
        elif is_number(slope, 1):
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
        if n is Z:
            found[n] = constant(1)
        elif not depends(n):
            found[n] = constant(0)
        else:
            parts = [s * found[x] for x, s in zip(n.inputs, local_slopes(n), strict=True) if s is not None]
            found[n] = collected(numbers_folded(reduce(lambda x, y: x + y, parts, constant(0))))
    return found


def local_slopes(n: Node) -> list[Node | None]:
    """∂n/∂(each operand), from the record."""
    if n.op.backward is None:
        raise DerivationError(f"{n.op.name}: this operation has no derivative")
    made = n.op.backward(n, constant(1))
    return [
        None if d is None else collected(numbers_folded(d)) if n.op.name != "power" else numbers_folded(d) for d in made
    ]


@lru_cache(maxsize=1024)
def depends(n: Node) -> bool:
    """Whether an expression contains z."""
    return any(x is Z for x in walk(n))


def collected(node: Node) -> Node:
    """Like terms collected throughout, and nothing else."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        new = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
        shorter = collect(new)
        memo[n] = new if shorter is None else shorter
    return memo[node]


def numbers_folded(node: Node) -> Node:
    """1 · x is x, and numbers are computed; everything else stays as the rules wrote it."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        new = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
        if new.inputs and all(x.is_constant for x in new.inputs):
            folded = simplify(new)
            new = folded if folded.is_constant else new
        elif new.op.name == "multiply":
            a, b = new.inputs
            new = b if is_number(a, 1) else a if is_number(b, 1) else new
            new = constant(0) if is_number(a, 0) or is_number(b, 0) else new
            new = -b if is_number(a, -1) else new
        elif new.op.name == "add":
            a, b = new.inputs
            new = b if is_number(a, 0) else a if is_number(b, 0) else new
        elif new.op.name == "power" and is_number(new.inputs[1], 1):
            new = new.inputs[0]
        memo[n] = new
    return memo[node]


def is_number(x: Node, value: int) -> bool:
    """Whether an expression is this number."""
    return x.is_constant and not x.get("powers") and x.get("value") == value


def _line(sides: list[Formula], rule: str, why: str = "") -> Line:
    return Line(Equation(tuple(sides), ("=",) * (len(sides) - 1)), rule, why)
