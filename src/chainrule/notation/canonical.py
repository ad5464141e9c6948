"""A document's letters put into the library's: Letters.rename, and layers such as i - 1 - 1 written as i - 2."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from ..errors import FormulaError
from .formula import Binary, Call, Dots, Formula, Index, Negate, Number, Partial, Slice, Symbol, symbols
from .letters import Letters
from .read import read

COSTS = frozenset({"L", "C", "J"})
Rule = tuple[Formula, Formula]


def canonical(formula: Formula, letters: Letters) -> Formula:
    """The formula in the library's names; FormulaError if a pattern of `letters.rename` is no letter.

    >>> second = Letters(layer="subscript", component="superscript", rename={"z_i": "a[i-1]"})
    >>> canonical(Symbol("z", Symbol("i")), second).layer
    Binary(sign='-', left=Symbol(name='i', layer=None, sample=None, prime=0), right=Number(value=Fraction(1, 1)))
    """
    key = (letters.layer, letters.component, letters.functions, letters.differentials)
    rules = _rules(tuple(letters.rename.items()), *key)
    return formula.mapped(lambda part: _tidied(_renamed(part, rules), letters.network))


@lru_cache(maxsize=64)
def _rules(
    rename: tuple[tuple[str, str], ...], layer: str, component: str, functions: frozenset[str], differentials: bool
) -> tuple[Rule, ...]:
    plain = Letters(layer=layer, component=component, functions=functions, differentials=differentials)  # type: ignore[arg-type]
    rules = []
    for pattern, target in rename:
        left = _one(pattern, plain)
        right = _one(target, Letters(functions=functions))
        if not isinstance(left, Symbol) and not (isinstance(left, Index) and isinstance(left.base, Symbol)):
            raise FormulaError(f"the pattern {pattern!r} of a renaming is no letter: write a letter such as z_i.")
        rules.append((left, right))
    # What has more places is the more special, and is tried first.
    return tuple(sorted(rules, key=lambda r: -sum(1 for _ in r[0].walk())))


def _one(text: str, letters: Letters) -> Formula:
    equation = read(text, letters=letters)[0].equation
    if len(equation.sides) != 1:
        raise FormulaError(f"{text!r} in a renaming is an equation: write one letter.")
    return equation.sides[0]


def _renamed(part: Formula, rules: tuple[Rule, ...]) -> Formula:
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
    for left, right in rules:
        found: dict[str, Formula] = {}
        if not _matches(left, part, found):
            continue
        new = _filled(right, found)
        if isinstance(new, Symbol) and isinstance(part, Symbol):
            layer = new.layer if new.layer is not None or _takes_layer(left) else part.layer
            return Symbol(new.name, layer, part.sample or new.sample, part.prime + new.prime)
        return new
    return part


def _filled(target: Formula, found: dict[str, Formula]) -> Formula:
    """A target with its places filled."""

    def fill(x: Formula) -> Formula:
        letter = isinstance(x, Symbol) and x.layer is None and x.sample is None and not x.prime
        return found.get(x.name, x) if isinstance(x, Symbol) and letter else x

    return target.mapped(fill)


def _takes_layer(left: Formula) -> bool:
    """Whether a pattern takes the layer away from what it matches."""
    return isinstance(left, Symbol) and left.layer is not None


def _matches(pattern: Formula, part: Formula, found: dict[str, Formula]) -> bool:
    """Whether a part is the pattern with its places filled; the fillings are put into `found`."""
    if isinstance(pattern, Symbol):
        if not isinstance(part, Symbol) or part.name != pattern.name or part.prime < pattern.prime:
            return False
        return pattern.layer is None or _fills(pattern.layer, part.layer, found)
    if isinstance(pattern, Index) and isinstance(part, Index) and len(pattern.entries) == len(part.entries):
        pairs = zip(pattern.entries, part.entries, strict=True)
        return _matches(pattern.base, part.base, found) and all(_fills(p, x, found) for p, x in pairs)
    return False


def _fills(place: Formula, content: Formula | None, found: dict[str, Formula]) -> bool:
    if content is None:
        return False
    if isinstance(place, Symbol) and place.layer is None and not place.name.isupper():
        return found.setdefault(place.name, content) == content
    return place == content


def _tidied(part: Formula, network: bool) -> Formula:
    if not network and isinstance(part, Symbol) and part.layer is not None:
        return Index(replace(part, layer=None), (part.layer,))
    if isinstance(part, Symbol) and part.layer is not None:
        layer = simplified(part.layer)
        return part if layer == part.layer else replace(part, layer=layer)
    if isinstance(part, Index) and isinstance(part.base, Symbol) and part.base.name == "n" and len(part.entries) == 1:
        entry = part.entries[0]
        if part.base.layer is None and not isinstance(entry, Slice) and entry not in (Symbol("x"), Symbol("y")):
            return Symbol("n", simplified(entry))  # n_l, the width of layer l
    if network and isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in COSTS:
        return _without_arguments(part, part.function)
    return part


def _without_arguments(call: Call, cost: Symbol) -> Formula:
    """L(yhat, y) as L, L(yhat(i), y(i)) as L(i): the cost is a quantity, unless its arguments are varied."""
    changed = (Dots, Binary, Negate, Partial)
    inner = [x for a in call.arguments for _, x in a.walk()]
    if any(isinstance(x, changed) and not _in_layer(x, inner) for x in inner) or call.names:
        return call
    samples = {s.sample for a in call.arguments for s in symbols(a) if s.sample is not None}
    if len(samples) > 1:
        return call
    return replace(cost, sample=samples.pop()) if samples else cost


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
