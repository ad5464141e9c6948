"""Functions that stand for a whole layer: `h^{(l)} = f^{(l)}(h^{(l-1)})`, where f has the weights inside."""

from __future__ import annotations

from collections.abc import Iterator

from ..notation.formula import ONE, Binary, Call, Equation, Formula, Number, Symbol
from ..notation.write import exact
from .calls import ACTIVATIONS
from .usual_letters import Usual, mapped


def whole_layers(tree: Equation, *, declared: bool) -> Iterator[Usual]:
    """`a[l] = g[l](a[l-1])`: g[l] is all that layer l computes, its weights too.

    declared  the network is: then g[l] is its activation, and a[l-1] for z[l] a slip
    """
    functions: dict[Symbol, None] = {}

    def change(part: Formula) -> Formula:
        match part:
            case Call(Symbol(name, sample=None, prime=0) as f, (Symbol(value) as inner,), ()) if (
                name in ACTIVATIONS and f.layer is not None and value in _VALUES and _is_before(inner, f.layer)
            ):
                functions[f] = None
                return Symbol(_VALUES[value], f.layer, inner.sample)
        return part

    new = mapped(tree, change)
    if functions and not declared:
        words = f"{', '.join(map(exact, functions))}: the whole layer, not its activation alone"
        yield Usual(words, new, anyway=True)


_VALUES = {"a": "a", "A": "A", "x": "a", "X": "A"}


def _is_before(value: Symbol, layer: Formula) -> bool:
    """a[l-1] for layer l, x for the first."""
    if value.layer is None:
        return value.name in "xX" and layer == ONE
    match layer:
        case Number(n):
            return value.layer == Number(n - 1)
    return value.layer == Binary("-", layer, ONE)
