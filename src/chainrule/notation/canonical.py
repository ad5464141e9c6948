"""A document's letters put into the library's: Letters.rename, and layers such as i - 1 - 1 written as i - 2."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from .components import with_entries_of
from .dependence import without_dependence
from .formula import (
    Binary,
    Call,
    Dots,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Symbol,
    symbols,
)
from .letters import Letters
from .neighbors import with_layered_inputs, with_neighbors
from .renaming import Rule, filled, matches, renamed, rules, with_components
from .samples import with_bare_samples
from .updates import as_accumulated, as_step, as_update, upright

__all__ = ["COSTS", "canonical", "filled", "is_hypothesis", "matches", "renamed", "rules", "simplified"]

COSTS = frozenset({"L", "C", "J"})
_PARAMETERS = frozenset({"w", "b", "W", "theta", "Theta", "beta"})
_LOSS_LETTERS = frozenset({"l", "Loss", "loss", "cost", "Cost"})
_NUMBERED = frozenset({"L", "C", "J", "ell", "l"})
_ONE_LOSS = frozenset({"L", "C", "J", "E", "l", "ell"})  # with a number below, that of one sample
_COST_WORDS = {"loss": "L", "Loss": "L", "cost": "J", "Cost": "J"}
_OUTPUTS = frozenset({"y", "yhat", "Y", "Yhat"})


def canonical(formula: Formula, letters: Letters) -> Formula:
    """The formula in the library's names; FormulaError if a pattern of `letters.rename` is no letter.

    >>> second = Letters(layer="subscript", component="superscript", rename={"z_i": "a[i-1]"})
    >>> canonical(Symbol("z", Symbol("i")), second).layer
    Binary(sign='-', left=Symbol(name='i', layer=None, sample=None, prime=0), right=Number(value=Fraction(1, 1)))
    """
    found = _rewritten(formula, with_components(rules(letters), formula), letters.network)
    if letters.network:
        found = with_neighbors(with_bare_samples(without_dependence(found, letters.functions)))
        found = with_layered_inputs(found)
        found = with_entries_of(found)
    found = as_update(upright(as_step(found)))
    return as_accumulated(found) if letters.network else found


def _rewritten(part: Formula, rules: tuple[Rule, ...], network: bool) -> Formula:
    """A part renamed as a whole where a pattern says so, else its parts, and then tidied."""
    new = _renamed(part, rules, network)
    if new is None:
        children = tuple(_rewritten(x, rules, network) for x in part.children)
        new = part if all(a is b for a, b in zip(children, part.children, strict=True)) else part.rebuilt(children)
        new = _with_layer_of_argument(new, rules)
    return _tidied(new, network)


def _with_layer_of_argument(part: Formula, rules: tuple[Rule, ...]) -> Formula:
    if isinstance(part, Call) and isinstance(part.function, Symbol):
        for left, right in rules:  # f(z[l]) with f -> g[i]: the layer is that of the argument
            if (
                isinstance(left, Symbol)
                and left.layer is None
                and isinstance(right, Symbol)
                and right.layer is not None
            ):
                loose = isinstance(right.layer, Symbol) and part.function.layer == right.layer
                layers = [s.layer for a in part.arguments for s in symbols(a) if s.layer is not None]
                if part.function.name == right.name and loose and layers:
                    return replace(part, function=replace(part.function, layer=layers[0]))
    return part


def _renamed(part: Formula, rules: tuple[Rule, ...], network: bool) -> Formula | None:
    """What a part stands for by the first pattern that fits it, or None."""
    if not isinstance(part, Symbol | Index | Call):
        return None
    for left, right in rules:
        found: dict[str, Formula] = {}
        sample = _numbered(left, part)
        if not matches(left, part if sample is None else _unnumbered(part), found):
            continue
        if _has_another_layer(part, left, right):
            continue
        new = filled(right, {k: _rewritten(v, rules, network) for k, v in found.items()})
        if isinstance(new, Symbol) and isinstance(part, Symbol):
            own = None if part.layer is None else _rewritten(part.layer, rules, network)
            layer = new.layer if new.layer is not None or _takes_layer(left) else own
            numbered = None if part.sample is None else _rewritten(part.sample, rules, network)
            return Symbol(new.name, layer, numbered or new.sample, part.prime + new.prime)
        if isinstance(new, Negate) and isinstance(new.operand, Symbol) and isinstance(part, Symbol) and part.sample:
            return Negate(replace(new.operand, sample=_rewritten(part.sample, rules, network)))
        return replace(new, sample=sample) if sample is not None and isinstance(new, Symbol) else new
    return None


def _numbered(left: Formula, part: Formula) -> Formula | None:
    """The number i of the sample in h(x(i)), where h(x) is declared."""
    if not (isinstance(left, Call) and isinstance(part, Call)):
        return None
    numbers = {s.sample for x in part.arguments for s in symbols(x) if s.sample is not None}
    return numbers.pop() if len(numbers) == 1 and not any(s.sample for s in symbols(left)) else None


def _unnumbered(part: Formula) -> Formula:
    return part.mapped(lambda x: replace(x, sample=None) if isinstance(x, Symbol) else x)


def _has_another_layer(part: Formula, left: Formula, right: Formula) -> bool:
    """Where z stands for z[2], z[1] is not meant."""
    if not (isinstance(part, Symbol) and isinstance(left, Symbol) and isinstance(right, Symbol)):
        return False
    return part.layer is not None and left.layer is None and right.layer is not None


def _takes_layer(left: Formula) -> bool:
    """Whether a pattern takes the layer away from what it matches."""
    return isinstance(left, Symbol) and left.layer is not None


def _tidied(part: Formula, network: bool) -> Formula:
    if not network and isinstance(part, Symbol) and part.layer is not None:
        return Index(replace(part, layer=None), (part.layer,))
    if network and isinstance(part, Symbol) and part.name in _NUMBERED and part.layer is not None and not part.sample:
        part = replace(part, layer=None, sample=part.layer)  # a loss has no layer: L⁽ᵏ⁾ is that of sample k
    if isinstance(part, Symbol) and part.layer is not None:
        layer = simplified(part.layer)
        if network and _from_the_end(layer):
            layer = simplified(Binary("+", Binary("+", Symbol("L"), Number(Fraction(1))), layer))
        return part if layer == part.layer else replace(part, layer=layer)
    if isinstance(part, Index) and isinstance(part.base, Symbol) and part.base.name == "n" and len(part.entries) == 1:
        entry = part.entries[0]
        if part.base.layer is None and not isinstance(entry, Slice) and entry not in (Symbol("x"), Symbol("y")):
            return Symbol("n", simplified(entry))  # n_l, the width of layer l
    if network and isinstance(part, Index):
        return _as_output(part)
    if network and isinstance(part, Partial) and isinstance(part.numerator, Symbol):
        name = _COST_WORDS.get(part.numerator.name)  # dloss/dz
        return part if name is None else replace(part, numerator=replace(part.numerator, name=name))
    if network and isinstance(part, Call) and is_hypothesis(part.function) and not _of_targets(part):
        numbers = {s.sample for x in part.arguments for s in symbols(x) if s.sample is not None}
        return Symbol("yhat", None, numbers.pop() if len(numbers) == 1 else None)
    if network and isinstance(part, Call) and (cost := _as_cost(part)) is not None:
        part = cost
    if network and isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in COSTS:
        return _without_arguments(part, part.function)
    return part


def _from_the_end(layer: Formula) -> bool:
    """`-1`, `-l`, `-l + 1`: a layer counted from the last, as programs do."""
    first = layer
    while isinstance(first, Binary) and first.sign in "+-":
        first = first.left
    return isinstance(first, Negate) or (isinstance(layer, Number) and layer.value < 0)


def _as_output(part: Index) -> Formula:
    """`y_{pred}` as yhat, `y_{true}` as y, `E_{total}` as E."""
    base, said = part.base, part.entries[0]
    if base in (Symbol("E"), Symbol("J"), Symbol("C")) and part.entries in ((Symbol("total"),), (Symbol("tot"),)):
        return base
    if not (
        isinstance(base, Symbol) and base.name in ("y", "Y") and len(part.entries) == 1 and isinstance(said, Symbol)
    ):
        return part
    if said.name in ("pred", "predicted", "prediction", "output"):
        return replace(base, name=f"{base.name}hat")
    return base if said.name in ("true", "target", "actual", "label", "observed") else part


def _as_cost(call: Call) -> Formula | None:
    """`loss(yhat, y)`, `ℓ(yhat, y)` as L of them; `E(w)`, `ℓ(w, b)`, whose arguments are parameters, without them."""
    function = call.function
    if not isinstance(function, Symbol) or function.layer is not None or function.prime or call.names:
        return None
    given = {s.name for x in call.arguments for s in symbols(x)}
    if function.name in _LOSS_LETTERS and len(call.arguments) == 2 and given & _OUTPUTS:
        return replace(call, function=replace(function, name="L"))
    plain = call.arguments and all(isinstance(x, Symbol) and x.name in _PARAMETERS for x in call.arguments)
    return function if plain and len(function.name) == 1 and function.name not in COSTS | {"d"} else None


def _of_targets(call: Call) -> bool:
    """Whether a function is one of the targets too: p_θ(y | x)."""
    return any(s.name in ("y", "Y") for x in call.arguments for s in symbols(x))


def is_hypothesis(function: Formula) -> bool:
    """`h_{w,b}` of h_{w,b}(x), `f_θ`: a function that is made with parameters, the network's own."""
    if not (isinstance(function, Index) and isinstance(function.base, Symbol) and function.base.layer is None):
        return False
    return all(isinstance(x, Symbol) and x.name in _PARAMETERS for x in function.entries)


def _without_arguments(call: Call, cost: Symbol) -> Formula:
    """L(yhat, y) as L, L(yhat(i), y(i)) as L(i): the cost is a quantity, unless its arguments are varied."""
    changed = (Dots, Binary, Negate, Partial)
    inner = [x for a in call.arguments for _, x in a.walk()]
    if any(isinstance(x, changed) and not _in_layer(x, inner) for x in inner) or call.names:
        return call
    samples = {s.sample for a in call.arguments for s in symbols(a) if s.sample is not None}
    if len(samples) > 1 or _says_more(call):
        return call
    return replace(cost, sample=samples.pop()) if samples else cost


def _says_more(call: Call) -> bool:
    """Whether a loss is taken of what may not be output and target: `L(y, y)`, `L(a[1], y)`, `L(yhat = a[1], y)`."""
    given = [x.sides[-1] for x in call.arguments if isinstance(x, Equation)]
    if any(not isinstance(x, Symbol) or x.layer is not None for x in given):
        return True
    if len(call.arguments) != 2 or not all(isinstance(x, Symbol) for x in call.arguments):
        return False
    first, second = call.arguments
    return first == second or any(isinstance(x, Symbol) and x.layer is not None for x in call.arguments)


def _in_layer(x: Formula, parts: list[Formula]) -> bool:
    """Whether x is (part of) the layer or sample number of a symbol."""
    for s in parts:
        if isinstance(s, Symbol):
            for place in (s.layer, s.sample):
                if place is not None and any(x is y for _, y in place.walk()):
                    return True
    return False


def simplified(layer: Formula) -> Formula:
    """Sums and differences of letters and numbers collected: i - 1 - 1 is i - 2, 2 - 1 is 1."""
    weights: dict[Formula, Fraction] = {}
    if not isinstance(layer, Binary | Negate):
        return layer
    stack: list[tuple[Formula, int]] = [(layer, 1)]
    while stack:
        part, sign = stack.pop()
        if isinstance(part, Binary) and part.sign in "+-":
            stack.append((part.right, sign if part.sign == "+" else -sign))
            stack.append((part.left, sign))
        elif isinstance(part, Negate):
            stack.append((part.operand, -sign))
        elif isinstance(part, Number):
            weights[Number(Fraction(1))] = weights.get(Number(Fraction(1)), Fraction(0)) + sign * part.value
        else:
            weights[part] = weights.get(part, Fraction(0)) + sign
    constant = weights.pop(Number(Fraction(1)), Fraction(0))
    terms = [(p, w) for p, w in weights.items() if w]
    total: Formula | None = None
    for part, weight in sorted(terms, key=lambda t: t[1] < 0):
        term = part if abs(weight) == 1 else Binary("*", Number(abs(weight)), part)
        if total is None:
            total = term if weight > 0 else Negate(term)
        else:
            total = Binary("+" if weight > 0 else "-", total, term)
    if total is None:
        return Number(constant)
    if constant:
        total = Binary("+" if constant > 0 else "-", total, Number(abs(constant)))
    return total
