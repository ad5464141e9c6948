"""The gradient by all parameters as a list: `∇C = [∂C/∂W_1, ∂C/∂b_1, …, ∂C/∂W_L, ∂C/∂b_L]`, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from ..notation.formula import Array, Call, Dots, Equation, Formula, Number, Partial, Symbol, Transpose
from .context import PARAMETERS
from .evaluator import Evaluator
from .letters import LOSSES
from .lists import unreadable
from .values import Value, difference, misfit

_ALL = frozenset({"theta", "Theta"})  # what texts call all parameters together


def gradient_list(c: Evaluator, equation: Equation) -> tuple[Formula, ...] | None:
    """The entries of a list that an equation says is the gradient by all parameters of a network; None for others."""
    if len(equation.sides) != 2 or not c.model.structure.is_network:
        return None
    left, right = equation.sides
    if isinstance(left, Array) or (isinstance(left, Transpose) and isinstance(left.operand, Array)):
        left, right = right, left
    right = right.operand if isinstance(right, Transpose) else right
    if not isinstance(right, Array) or 1 not in (right.columns, len(right.entries) // right.columns):
        return None
    match left:
        case Call(Symbol("nabla"), (Symbol(name, layer=None),)) if name in LOSSES:
            return right.entries
        case Partial(Symbol(name, layer=None), Symbol(below, layer=None)) if name in LOSSES and below in _ALL:
            return right.entries
    return None


def missing_parameter(c: Evaluator, entries: tuple[Formula, ...], tolerance: float) -> str:
    """What keeps a list from being the gradient by all parameters; empty where it holds each derivative once."""
    wanted: dict[Formula, Value] = {}
    for name, layer in c.model.structure.leaves:
        if name in PARAMETERS and isinstance(layer, int):
            letter = Symbol(f"d{name}", Number(Fraction(layer)))
            wanted[letter] = c.eval(letter)
    for entry in _written_out(c, entries):
        value = c.eval(entry)
        alike = (x for x, v in wanted.items() if v.shape == value.shape and set(v.labels) == set(value.labels))
        found = next((x for x in alike if difference(wanted[x], value) <= tolerance), None)
        if found is None:
            return "an entry of the list is the derivative by no parameter, or one that is there already"
        del wanted[found]
    count = len(wanted)
    return "" if not wanted else f"the list has {count} parameter{'s' * (count > 1)} too few"


def _written_out(c: Evaluator, entries: tuple[Formula, ...]) -> Iterator[Formula]:
    """The entries with those of the layers that dots leave out, `db_1, …, db_L` and `dW_1, db_1, …, dW_L, db_L`."""
    there = 0  # entries behind dots that stand before them already: `db_1, db_2, db_3, …, db_L` of three layers
    for i, entry in enumerate(entries):
        if not isinstance(entry, Dots):
            if not there:
                yield entry
            there = max(0, there - 1)
            continue
        group = _repeated(entries[:i], entries[i + 1 :])
        if not group:
            raise unreadable("a list whose entries do not go on with a layer")
        layers = [_layer(c, entries[i - 1]), _layer(c, entries[i + 1])]
        there = len(group) if layers[1] == layers[0] else 0
        for layer in range(layers[0] + 1, layers[1]):
            for part in group:
                yield _of_layer(part, layer)


def _repeated(before: tuple[Formula, ...], after: tuple[Formula, ...]) -> tuple[Formula, ...]:
    """The entries before the dots that come again behind them, of another layer."""
    for n in range(1, min(len(before), len(after)) + 1):
        pairs = list(zip(before[-n:], after[:n], strict=True))
        if all(_of_layer(a, 0) == _of_layer(b, 0) != a for a, b in pairs):
            return before[-n:]
    return ()


def _of_layer(part: Formula, layer: int) -> Formula:
    """The part with this layer at every letter that has one."""
    number = Number(Fraction(layer))
    return part.mapped(lambda x: replace(x, layer=number) if isinstance(x, Symbol) and x.layer is not None else x)


def _layer(c: Evaluator, part: Formula) -> int:
    layers = {c.layer(x.layer) for x in part.parts if isinstance(x, Symbol) and x.layer is not None}
    if len(layers) != 1:
        raise misfit("an entry beside dots that is not of one layer")
    return layers.pop()
