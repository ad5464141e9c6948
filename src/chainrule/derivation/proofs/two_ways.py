"""The derivative of a loss after an activation in two ways that meet (fifth source).

(a) by the chain rule: ∂L/∂a, ∂a/∂z, their product, simplified;
(b) by substituting the activation into the loss, simplifying, and differentiating what is left.
Both are done by the machine on graphs; each use of a law is a line, and the two results are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from ...errors import DerivationError
from ...graph import Node, constant, size, substitute, variable, walk
from ...graph.shape import show
from ...laws import Applied, simplify
from ...nn.losses import Loss, loss
from ...notation.formula import Binary, Equation, Formula, Partial, Symbol
from ...notation.from_graph import constant_formula, formula, symbol
from ...notation.write import text
from ...ops import Activation, activation, exp, log, softplus, total
from ...reverse import derive
from ..document import Line, Section
from ..settings import LastLayer, Stated
from .activations import written_out
from .by_rules import derivatives, numbers_folded
from .conditions import laws_used
from .proof import is_zero, same_numbers, slope_of
from .terms import added, expanded, presented, terms


@dataclass(frozen=True)
class Ways:
    """Two derivations of ∂L/∂z, in z and y.

    chain   the product ∂L/∂a ∂a/∂z, simplified, in a
    direct  the derivative of the loss with the activation substituted, in a
    inside  a -> g(z)
    """

    chain: Node
    direct: Node
    inside: Mapping[Node, Node]

    @property
    def how(self) -> str:
        """How the two meet. Raises `DerivationError` if they do not, which would be a defect."""
        if self.chain is self.direct:
            return "they end in one expression"
        if is_zero(self.chain - self.direct):
            return "the difference of both collects to nothing"
        chain, direct = (simplify(substitute(x, self.inside)) for x in (self.chain, self.direct))
        if chain is direct or is_zero(chain - direct):
            return "with a replaced by what it is, both are one expression"
        if same_numbers(chain, direct):
            return "both have the same values, in two ways of writing"
        raise DerivationError(f"the two ways differ: {self.chain} and {self.direct}; please report this")


def two_ways(given: str | Loss, g: str | Activation) -> Section:
    """Both ways for one unit (z = w x + b) if the pair works entry by entry, and for matrices.

    given  a loss by name or as a `Loss`, e.g. "binary_cross_entropy"
    g      the output activation, e.g. "sigmoid"

    Raises `UnknownNameError` for names that do not exist, `DerivationError` if the two ways do not meet.
    """
    if isinstance(given, str) and isinstance(g, str):
        return _by_names(given, g)
    return _two_ways(loss(given), g)


@lru_cache(maxsize=64)
def _by_names(given: str, g: str) -> Section:
    return _two_ways(loss(given), g)


def _two_ways(found: Loss, g: str | Activation) -> Section:
    name = g if isinstance(g, str) else getattr(g, "__name__", "g")
    parts: list[Section] = []
    shown: set[str] = set()
    if _entrywise(activation(g)):
        unit, shown = _one_unit(found, activation(g))
        parts.append(unit)
    parts.append(replace(_matrices(found, activation(g), shown), setting=LastLayer(found, g)))
    name_of_loss = found.name.replace("cross_entropy", "cross-entropy").replace("_", " ")
    title = f"two ways to the derivative: {name_of_loss} after {name.replace('_', ' ')}"
    return Section(title, "two ways", f"The loss of one sample is `{found.equation}`.", (), tuple(parts))


def _entrywise(g: Activation) -> bool:
    z = variable("z", "n", 1)
    return all(n.op.pointwise or n.is_constant or n.is_variable or n.op.name == "broadcast" for n in walk(g(z)))


def _one_unit(found: Loss, g: Activation) -> tuple[Section, set[str]]:
    """One unit, one sample: z = w x + b, a = g(z), L(a, y); and the names of the laws that it shows."""
    z, a, y = (variable(name, 1, 1) for name in "zay")
    output = g(z)
    outer = numbers_folded(found.per_sample(a, y))
    by_chain, chain = _by_chain(outer, output, z, a, y)
    lemma, by_substitution, ways, used = _by_substitution(outer, output, z, a)
    meeting = _meeting(Ways(chain, ways[1], {a: output}), "dL/dz")
    first = (Section("a logarithm that is needed", "two ways", "", tuple(lemma)),) if lemma else ()
    parts = (
        Section("by the chain rule", "two ways", "", tuple(by_chain)),
        *first,
        Section("by substitution", "two ways", "", tuple(by_substitution)),
        Section("both meet", "two ways", "", (meeting,)),
        _weights(chain, ways[0]),
        *([laws_used(used)] if used else []),
    )
    return Section("one unit", "two ways", "", (), parts, setting=Stated()), {x.law.name for x in used}


def _by_chain(outer: Node, output: Node, z: Node, a: Node, y: Node) -> tuple[list[Line], Node]:
    L, fa, fz = Symbol("L"), formula(a), formula(z)
    lines = [
        _line([fa, formula(output)], "definition", "the activation", ":="),
        _line([L, formula(outer)], "definition", "the loss of one sample", ":="),
    ]
    by_a = presented(derive(outer, [a]).of(a))
    lines.append(_line([Partial(L, fa), formula(by_a)], "derivative of the loss", "with respect to `a`; y is fixed"))
    slope = slope_of(output, z)
    in_a = substitute(slope, {output: a})
    sides: list[Formula] = [Partial(fa, fz), formula(slope), formula(in_a)]
    lines.append(_line(sides, "derivative of the activation", "from its definition"))
    product = presented(by_a * in_a) if in_a is not constant(1) else by_a
    chained = Binary("·", Partial(L, fa), Partial(fa, fz))
    short = simplify(product)
    lines.append(_line([Partial(L, fz), chained, formula(product)], "chain rule", "L depends on z through `a` alone"))
    stages = [(product, "", "")]
    if formula(short) != formula(product):
        stages += [*_multiplied_out(by_a, in_a), (short, "collect like terms", _conditions(product))]
    for (before, _, _), (after, rule, why) in pairwise(stages):
        lines.append(_line([formula(before), formula(after)], rule, why))
    return lines, short


def _multiplied_out(by_a: Node, slope: Node) -> Iterator[tuple[Node, str, str]]:
    """A sum times the slope, term by term, then all brackets opened; nothing where `by_a` has one term only."""
    found = list(terms(by_a))
    if len(found) < 2 or slope.is_constant:
        return
    cancelled = [(sign, simplify(x * slope)) for sign, x in found]
    used: list[Applied] = []
    for _, x in found:
        simplify(x * slope, None, used)
    condition = next((f" ({a.law.condition})" for a in used if a.law.condition), "")
    yield added(cancelled), "multiplied out", f"term by term, and what divides and multiplies cancels{condition}"
    opened = [(sign * s, t) for sign, x in cancelled for s, t in expanded(x)]
    if len(opened) > len(cancelled):
        yield added(opened), "brackets opened", "every term by every term"


def _by_substitution(
    outer: Node, output: Node, z: Node, a: Node
) -> tuple[list[Line], list[Line], tuple[Node, Node], tuple[Applied, ...]]:
    """Lines of a lemma and of the way itself, (the loss in z, its derivative in a), and the laws."""
    L, fz = Symbol("L"), formula(z)
    inserted = substitute(outer, {a: output})
    lines = [_line([L, formula(inserted)], "substitution", "`a` is replaced by what it is")]
    record: list[Applied] = []
    current = inserted
    for before, after, a_law in _steps(inserted, record):
        lines.append(_line([formula(before), formula(after)], a_law.law.name, _reason(a_law)))
        current = after
    simple = simplify(inserted)
    if simple is not current:
        lines.append(_line([formula(current), formula(simple)], "collect like terms", "factors and terms together"))
    shorter = _one_logarithm(simple)
    lemma = _turned(simple) if shorter is not simple else []
    if lemma:
        lines.append(_line([formula(simple), formula(shorter)], "the logarithm above", "one logarithm is left"))
    plain = _logarithm_written(shorter)
    if plain is not shorter:
        sides = [formula(x) for x in (shorter, plain, *_source_order(plain))]
        lines.append(_line(sides, "softplus from its definition", "softplus(z) = ln(1 + e^z)"))
    more: list[Applied] = []
    by_z = simplify(derive(shorter, [z]).of(z), None, more)
    stages = [(by_z, "differentiated directly", "with respect to z; y is fixed")]
    if plain is not shorter:
        raw = derivatives(plain)[plain]
        stages = [
            (raw, "differentiated directly", "with respect to z, y is fixed; `(ln u)' = u' / u`"),
            (by_z, "definition of the activation", "above and below divided by e^z: 1 / (1 + e^-z) = σ(z)"),
        ]
    in_a = substitute(by_z, {output: a, simplify(output): a})
    if in_a is not by_z:
        stages.append((in_a, "definition of the activation", "its value is `a`"))
    left: Formula = Partial(L, fz)
    for value, rule, why in stages:
        lines.append(_line([left, formula(value)], rule, why))
        left = formula(value)
    return lemma, lines, (shorter, in_a), tuple(record + more)


def _logarithm_written(node: Node) -> Node:
    """softplus(z) as ln(1 + e^z), wherever it stands."""
    table = {n: log(1 + exp(n.inputs[0])) for n in walk(node) if n.op.name == "softplus"}
    return substitute(node, table) if table else node


def _source_order(node: Node) -> tuple[Node, ...]:
    """u - v as -(v - u), as the fifth source keeps the minus sign of its loss outside."""
    return (-(node.inputs[1] - node.inputs[0]),) if node.op.name == "subtract" else ()


def _steps(node: Node, record: list[Applied]) -> Iterator[tuple[Node, Node, Applied]]:
    """The whole expression before and after each law but the collecting of like terms, which goes with the next."""
    simplify(node, None, record)
    shown = current = node
    for a in record:
        after = substitute(current, {a.before: a.after})
        if after is current:
            continue
        current = after
        if a.law.name != "collect like terms":
            yield shown, current, a
            shown = current


def _one_logarithm(node: Node) -> Node:
    """softplus(-z) as softplus(z) - z, so that the loss has one logarithm: ln(1 + e^-z) = ln(1 + e^z) - z."""
    table = {
        n: softplus(n.inputs[0].inputs[0]) - n.inputs[0].inputs[0]
        for n in walk(node)
        if n.op.name == "softplus" and n.inputs[0].op.name == "negate"
    }
    return simplify(substitute(node, table)) if table else node


def _turned(before: Node) -> list[Line]:
    """Why softplus(-z) = softplus(z) - z: the sum of logarithms is the logarithm of the product.

    The stages are a teacher's way, the fifth source's, and not found by search; like every line they are verified.
    """
    (turned,) = (n for n in walk(before) if n.op.name == "softplus" and n.inputs[0].op.name == "negate")
    z = turned.inputs[0].inputs[0]
    below = 1 + exp(-z)
    stages = [written_out(turned), z - z + log(below), log(exp(z)) + log(below) - z, log(exp(z) * below) - z]
    whole = log(1 + exp(z)) - z
    return [
        _line([formula(x) for x in (turned, stages[0])], "softplus from its definition", "softplus(x) = ln(1 + e^x)"),
        _line([formula(x) for x in (stages[0], stages[2])], "log of exp", "z = ln e^z is added and z subtracted"),
        _line([formula(x) for x in (stages[2], stages[3])], "sum of logarithms", "ln u + ln v = ln(u v) for u, v > 0"),
        _line([formula(x) for x in (stages[3], whole)], "product of exponentials", "e^z e^-z = 1"),
        _line([formula(whole), formula(softplus(z) - z)], "softplus from its definition", "ln(1 + e^z) = softplus(z)"),
    ]


def _meeting(ways: Ways, label: str) -> Line:
    sides = [Partial(Symbol("L"), symbol("z")), formula(ways.chain), formula(ways.direct)]
    return Line(_equation(list(dict.fromkeys(sides))), "both ways meet", ways.how, None, label)


def _weights(by_z: Node, in_z: Node) -> Section:
    """∂L/∂w and ∂L/∂b of the unit, with z = w x + b: by the chain rule from ∂L/∂z, and from the loss itself.

    by_z  ∂L/∂z in `a`; in_z: the loss in z
    """
    w, x, b = (variable(name, 1, 1) for name in "wxb")
    z, unit = variable("z", 1, 1), w * x + b
    fa, fz, L = Symbol("a"), Symbol("z"), Symbol("L")
    lines = [_line([fz, formula(unit)], "definition", "the unit", ":=")]
    inserted = substitute(in_z, {z: unit})
    for by, why in ((w, "`x` and `b` are fixed"), (b, "`w` and `x` are fixed")):
        f = formula(by)
        slope = derive(unit, [by]).of(by)
        lines.append(_line([Partial(fz, f), formula(slope)], "derivative of the affine map", why))
        chained = Binary("·", Partial(L, fz), Partial(fz, f))
        links = Binary("·", Binary("·", Partial(L, fa), Partial(fa, fz)), Partial(fz, f))
        result = formula(simplify(by_z * slope))
        through = f"L depends on `{text(f)}` through z alone"
        lines.append(_line([Partial(L, f), links, chained, result], "chain rule", through))
        direct = substitute(derive(inserted, [by]).of(by), {unit: z})
        sides = [Partial(L, f), formula(direct)]
        lines.append(_line(sides, "differentiated directly", "z = w x + b put into the loss: the same"))
    return Section("weight and bias of the unit", "two ways", "", tuple(lines))


def _matrices(found: Loss, g: Activation, shown: set[str]) -> Section:
    """All units and samples: dZ by both ways, and dW, db from it; `shown` are laws that need not be shown again."""
    facts = ("columns sum to one",) if found.target in ("probabilities", "labels") else ()
    Y = variable("Y", "n_L", "m", assume=facts)
    Z, A = variable("Z[L]", "n_L", "m"), variable("A[L]", "n_L", "m")
    output = g(Z)
    short = simplify(output)
    names: dict[Node, Node] = {short: A, output: A}
    by_a = presented(derive(total(found.per_sample(A, Y), axis=None), [A]).of(A))
    seed = variable("dA[L]", "n_L", "m")
    through = substitute(derive(short, [Z], seed=seed).of(Z), names) if short is not Z else seed
    chained = presented(substitute(through, {seed: by_a}))
    chain_short = simplify(chained)
    record: list[Applied] = []
    S = simplify(total(found.per_sample(output, Y), axis=None), None, record)
    direct = substitute(derive(S, [Z]).of(Z), names) if short is not Z else substitute(derive(S, [Z]).of(Z), {Z: A})
    more: list[Applied] = []
    ways = Ways(chain_short, simplify(direct, None, more), {A: output})
    how = ways.how
    simplified = _shaped("dZ[L]", [formula(chain_short)], Z, "simplification", _conditions(chained))
    lines = [
        _shaped("dA[L]", [formula(by_a)], A, "derivative of the loss", "with respect to every entry of every sample"),
        _shaped(
            "dZ[L]",
            [formula(through), formula(chained)],
            Z,
            "chain rule",
            "the loss depends on the logits through the activation",
        ),
        *([simplified] if formula(chain_short) != formula(chained) else []),
        *_substituted(found, output, Y, S, record),
        *_directly(found, output, Z, ways.direct, names if short is not Z else {Z: A}),
        _shaped("dZ[L]", [formula(chain_short), formula(ways.direct)], Z, "both ways meet", how),
    ]
    X, W, b = variable("A[L-1]", "n_{L-1}", "m"), variable("W[L]", "n_L", "n_{L-1}"), variable("b[L]", "n_L", 1)
    dZ, mean = variable("dZ[L]", "n_L", "m"), size("m", -1)
    found_W = derive(W @ X + b, [W, b], seed=dZ)
    for by in (W, b):
        value = Binary("·", constant_formula(mean), formula(found_W.of(by)))
        lines.append(_shaped(f"d{by.name}", [value], by, "chain rule", "the cost is the mean over the samples"))
    new = [x for x in record + more if x.law.name not in shown]
    parts = (laws_used(new),) if new else ()
    return Section("all units and samples", "two ways", "", tuple(lines), parts)


def _substituted(found: Loss, output: Node, Y: Node, S: Node, used: list[Applied]) -> list[Line]:
    """The cost with the activation put in, and as the laws make it, before it is differentiated directly."""
    mean = size("m", -1)
    inserted, short = (mean * x for x in (total(found.per_sample(output, Y), axis=None), S))
    lines = [_line([Symbol("J"), formula(inserted)], "substitution", "`A[L]` is replaced by what it is")]
    if formula(short) != formula(inserted):
        names = ", ".join(dict.fromkeys(a.law.name for a in used))
        lines.append(_line([formula(inserted), formula(short)], "simplified", names))
    return lines


def _directly(found: Loss, output: Node, Z: Node, direct: Node, names: Mapping[Node, Node]) -> Iterator[Line]:
    """The derivative of the loss with the activation put in: as it is found, in A[L], and with what is known of Y."""
    Y = variable("Y", *Z.shape)
    by_z = derive(simplify(total(found.per_sample(output, Y), axis=None)), [Z]).of(Z)
    stages = [
        (by_z, "differentiated directly", "the activation is put into the loss; Y is fixed"),
        (substitute(by_z, names), "definition of the activation", "its value is `A[L]`"),
        (
            direct,
            "simplification",
            "every column of Y sums to one" if found.target in ("probabilities", "labels") else "",
        ),
    ]
    shown: set[Formula] = set()
    for value, rule, why in stages:
        if formula(value) not in shown:
            yield _shaped("dZ[L]", [formula(value)], Z, rule, why)
        shown.add(formula(value))


def _conditions(node: Node) -> str:
    record: list[Applied] = []
    simplify(node, None, record)
    return "; ".join(dict.fromkeys(_reason(a) for a in record if a.law.condition)) or "factors and terms together"


def _shaped(name: str, values: list[Formula], of: Node, rule: str, why: str) -> Line:
    sides = list(dict.fromkeys([symbol(name), *values]))
    return Line(_equation(sides), rule, why, (show(of.shape.rows), show(of.shape.cols)), name)


def _reason(a: Applied) -> str:
    return f"{a.law.equation} ({a.law.condition})" if a.law.condition else a.law.equation


def _equation(sides: list[Formula], relation: str = "=") -> Equation:
    return Equation(tuple(sides), (relation, *("=" for _ in sides[2:])))


def _line(sides: list[Formula], rule: str, why: str, relation: str = "=") -> Line:
    return Line(_equation(list(dict.fromkeys(sides)), relation), rule, why)
