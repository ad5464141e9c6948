"""Laws of simplification in a derivation: which were used, under which condition, and what is true without it."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import unknown_name
from ...graph import Node, constant, substitute, variable
from ...graph.shape import show
from ...laws import LAWS, Applied, Law, simplify
from ...nn.losses import loss
from ...notation.formula import Equation, Formula
from ...notation.from_graph import formula, symbol
from ...ops import softmax, total
from ...reverse import derive
from ..conventions import Conventions, one_sample, transposed
from ..document import Line, Section
from ..settings import Quantities
from ..turned import turned

# What happens where a condition does not hold.
_OTHERWISE = {
    "x > 0": "For x ≤ 0 the left side has no real value, while the right side may have one.",
    "x > -1": "For x ≤ -1 neither side has a real value.",
    "c > 0": "A negative factor turns the sign around: [c z > 0] = [z < 0] for c < 0.",
    "a cancelled factor is not zero": "Where it is zero the left side is not defined; the right side is its limit.",
    "Y is one-hot, a soft-max, or declared to sum to one": "Otherwise this sum stays as a factor.",
}


def law_named(name: str) -> Law:
    """A law of the table.

    Raises `UnknownNameError` for a name that is not in it.
    """
    for law in LAWS:
        if law.name == name:
            return law
    raise unknown_name("law", name, (law.name for law in LAWS))


def law_section(name: str) -> Section:
    """A law: its equation, its condition, and what is true without it."""
    return Section(f"law: {name}", "law", _sentence(law_named(name)))


def _sentence(law: Law) -> str:
    if not law.condition:
        return f"{law.equation}."
    return f"{law.equation}, on the condition that {law.condition}. {_OTHERWISE.get(law.condition, '')}".strip()


def laws_used(record: Iterable[Applied]) -> Section:
    """The laws of a derivation, each with one of its uses: before = after.

    record  what `simplify` wrote down
    """
    first: dict[str, Applied] = {}
    for a in record:
        first.setdefault(a.law.name, a)
    parts = []
    for name, a in first.items():
        line = Line(Equation((formula(a.before), formula(a.after)), ("=",)), "as it was used here")
        parts.append(Section(f"law: {name}", "law", _sentence(a.law), (line,)))
    return Section("laws used", "law", "", (), tuple(parts))


def column_sums(conventions: Conventions | None = None) -> Section:
    """dZ of soft-max and cross-entropy, with 1ᵀY = 1ᵀ and without: Ŷ - Y, and Ŷ ∘ (1ᵀY) - Y.

    conventions  samples as rows turn it into Y 1 = 1, one sample into 1ᵀy = 1
    """
    conventions = conventions or Conventions()
    slope, Y, any_targets = _soft_max_slope((), conventions)
    general = _line(slope, Y, "without a condition", f"nothing is assumed of {Y.name} but its shape")
    slope, Y, distributions = _soft_max_slope(("columns sum to one",), conventions)
    each = "row" if conventions.rows else "column"
    every = f"{Y.name} is" if conventions.one else f"each {each} of Y is"
    condition = Line(
        Equation((formula(total(Y, axis=int(conventions.rows))), formula(constant(1))), ("=",)),
        "condition",
        f"{every} a distribution over the classes: one-hot, or probabilities",
    )
    used = law_named("columns that sum to one")
    short = _line(slope, Y, used.name, "this sum is a factor of one")
    parts = (
        Section(f"for any {Y.name}", "law", lines=(general,), setting=any_targets),
        Section(f"for {used.name}", "law", lines=(condition, short), setting=distributions),
    )
    return turned(Section(f"when {used.equation} fails", "law", _sentence(used), parts=parts), conventions)


def _soft_max_slope(facts: tuple[str, ...], conventions: Conventions) -> tuple[Node, Node, Quantities]:
    """dZ in Yhat and Y, Y itself, and what these letters stand for."""
    Z, Y = variable("Z", "n_L", "m"), variable("Y", "n_L", "m", assume=facts)
    Yhat = variable("Yhat", "n_L", "m")
    out = softmax(Z)
    S = simplify(total(loss("cross_entropy").per_sample(out, Y), axis=None))
    found = [substitute(derive(S, [Z]).of(Z), {simplify(out): Yhat}), Y, S, simplify(out)]
    if conventions.one:
        found = one_sample(found, {})
    if conventions.rows:
        y = found[1]
        memo = {y: variable(y.name, *y.shape.T, assume=tuple(x.replace("columns", "rows") for x in facts))}
        found = [transposed(x, memo) for x in found]
    dZ, Y, S, out = found
    return dZ, Y, Quantities(S, {"yhat" if conventions.one else "Yhat": out})


def _line(value: Node, Y: Node, rule: str, why: str) -> Line:
    name = "dz" if Y.name.islower() else "dZ"
    left: Formula = symbol(name)
    return Line(Equation((left, formula(value)), ("=",)), rule, why, (show(Y.shape.rows), show(Y.shape.cols)), name)
