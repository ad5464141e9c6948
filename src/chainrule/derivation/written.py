"""Names and letters under which the lines of a subject are written."""

from __future__ import annotations

from fractions import Fraction

from ..graph import walk
from ..notation.formula import Call, Number, Symbol
from ..notation.from_graph import symbol
from .general import SLOPE, VALUE
from .lines import Names, Setter
from .subject import Subject


def names_of(subject: Subject) -> Names:
    """Which expressions of a subject are written as names in its backward pass."""
    names = Names()
    found = subject.found
    ordered = found.ordered()
    parameters = set(subject.parameters)
    first = [n for n in ordered if n.removeprefix("d") not in parameters]
    first.sort(key=lambda n: not n.upper().startswith("DZ"))  # where dA is dZ, it is dZ that the weights see
    # What an expression is made of keeps its own form, though it be a derivative too: ln x is that of t ln x by t.
    own = set(walk(found.output)) if subject.kind == "expression" else set()
    for n in [*reversed([n for n in ordered if n not in first]), *reversed(first)]:
        if found[n] not in own:
            names.enter(n, found[n])
    names.enter_all(subject.forward.items())
    return names


def names_of_parts(subject: Subject) -> Names:
    """The names in which the derivatives of an expression's parts are written: those of other parts, no letter's."""
    names, found = Names(), subject.found
    for n in reversed(found.ordered()):
        if n.removeprefix("d") in subject.forward:
            names.enter(n, found[n])
    names.enter_all(subject.forward.items())
    return names


def setter_of(subject: Subject) -> Setter:
    """What makes the lines of a subject, with g' of every layer by its own sign."""
    setter = Setter(subject.conventions, taken=_sizes(subject))
    for layer in subject.activations:
        z = symbol(subject.letter("Z", layer))
        setter.special[slope_name(subject, layer)] = Call(Symbol("g", Number(Fraction(layer)), None, 1), (z,))
    if subject.conventions.style in ("leibniz", "components"):
        setter.special["L"] = Symbol("J")  # of one sample the loss is the cost, and these styles call it C
    if subject.kind == "layer":
        logits = (symbol(subject.letter("Z", "l")),)
        setter.special[SLOPE] = Call(Symbol("g", Symbol("l"), None, 1), logits)
        setter.special[VALUE] = Call(Symbol("g", Symbol("l")), logits)
    return setter


def _sizes(subject: Subject) -> frozenset[str]:
    """Letters that are sizes somewhere in an expression: no sum runs over them in another line."""
    if subject.kind != "expression":
        return frozenset()
    dims = {d for n in walk(subject.found.output) for d in n.shape if isinstance(d, str)}
    return frozenset(d for d in dims if len(d) == 1)


def slope_name(subject: Subject, layer: int) -> str:
    """The name under which g' of a layer stands in expressions."""
    return f"g[{layer}]'({subject.letter('Z', layer)})"
