"""A document's letters put into the library's: Letters.rename, and layers such as i - 1 - 1 written as i - 2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from ..errors import FormulaError
from .formula import (
    Binary,
    Call,
    Dots,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Symbol,
    symbols,
)
from .letters import ComponentPlace, LayerPlace, Letters
from .read import read
from .reading.text_tokens import is_long, is_word
from .updates import as_update, upright

COSTS = frozenset({"L", "C", "J"})
Rule = tuple[Formula, Formula]
_DIFFERENTIATED = frozenset({"A", "Z", "W", "b", "a", "z", "w", "Yhat", "yhat"})
_PARAMETERS = frozenset({"w", "b", "W", "theta", "Theta", "beta"})
_LOSS_LETTERS = frozenset({"l", "Loss", "loss", "cost", "Cost"})
_OUTPUTS = frozenset({"y", "yhat", "Y", "Yhat"})
_ANY = Symbol("")


@dataclass(frozen=True)
class _Literal(Formula):
    """An index of a pattern that stands for itself."""

    name: str


def canonical(formula: Formula, letters: Letters) -> Formula:
    """The formula in the library's names; FormulaError if a pattern of `letters.rename` is no letter.

    >>> second = Letters(layer="subscript", component="superscript", rename={"z_i": "a[i-1]"})
    >>> canonical(Symbol("z", Symbol("i")), second).layer
    Binary(sign='-', left=Symbol(name='i', layer=None, sample=None, prime=0), right=Number(value=Fraction(1, 1)))
    """
    return as_update(upright(_rewritten(formula, rules(letters), letters.network)))


def _rewritten(part: Formula, rules: tuple[Rule, ...], network: bool) -> Formula:
    """A part renamed as a whole where a pattern says so, else its parts, and then tidied."""
    new = _renamed(part, rules, network)
    if new is None:
        children = tuple(_rewritten(x, rules, network) for x in part.children)
        new = part if all(a is b for a, b in zip(children, part.children, strict=True)) else part.rebuilt(children)
        new = _with_layer_of_argument(new, rules)
    return _tidied(new, network)


def rules(letters: Letters) -> tuple[Rule, ...]:
    """What is renamed to what, the more special first; where scores stands for Z[2], dscores stands for dZ[2]."""
    key = (letters.layer, letters.component, letters.functions, letters.differentials)
    return _rules(tuple(letters.rename.items()), *key)


def renamed(letters: Letters) -> frozenset[str]:
    """The names of the letters that a document renames."""
    found = (_letter(left) for left, _ in rules(letters))
    return frozenset(x.name for x in found if x is not None)


def _letter(pattern: Formula) -> Symbol | None:
    """The letter z of the patterns z, z_i, z_i(x); None for another formula."""
    if isinstance(pattern, Call) and not pattern.names:
        pattern = pattern.function
    if isinstance(pattern, Index):
        pattern = pattern.base
    return pattern if isinstance(pattern, Symbol) else None


@lru_cache(maxsize=64)
def _rules(
    rename: tuple[tuple[str, str], ...],
    layer: LayerPlace,
    component: ComponentPlace,
    functions: frozenset[str],
    differentials: bool,
) -> tuple[Rule, ...]:
    plain = Letters(
        layer=layer,
        component=component,
        functions=functions,
        differentials=differentials,
        rename=dict(rename),
    )
    rules = []
    for pattern, target in rename:
        whole = pattern.isidentifier() and (is_long(pattern) or (is_word(pattern) and "_" not in pattern))
        left = Symbol(pattern) if whole else _one(pattern, plain)
        right = _one(target, Letters(functions=functions))
        if _letter(left) is None:
            raise FormulaError(f"the pattern {pattern!r} of a renaming is no letter: write a letter such as z_i.")
        rules.append((left, right))
    rules = _told_apart(rules)
    rules += _exchanged(rules)
    rules += [] if differentials else _derivatives(rules)
    # What has more places is the more special, and is tried first.
    return tuple(sorted(rules, key=lambda r: -sum(1 for _ in r[0].walk())))


def _derivatives(rules: list[Rule]) -> list[Rule]:
    """The same for the derivatives by the letters, unless something else is declared of them."""
    known = {x.name for rule in rules for side in rule if (x := _letter(side)) is not None}
    found = []
    for left, right in rules:
        theirs, ours = _letter(left), _letter(right)
        if theirs is None or ours is None or ours.name not in _DIFFERENTIATED:
            continue
        if known & {f"d{theirs.name}", f"d{ours.name}"}:
            continue
        found.append((_prefixed(left, theirs), _prefixed(right, ours)))
    return found


def _prefixed(formula: Formula, letter: Symbol) -> Formula:
    return formula.mapped(lambda x: replace(letter, name=f"d{letter.name}") if x is letter else x)


def _told_apart(rules: list[Rule]) -> list[Rule]:
    """Where a_j and a_k stand for different things, or d_o for dz[2], j, k and o are no places but these letters."""
    shapes = [left.mapped(_anonymous) for left, _ in rules]
    apart = [
        shape != left and (shapes.count(shape) > 1 or not _uses_places(left, right))
        for shape, (left, right) in zip(shapes, rules, strict=True)
    ]
    return [(left.mapped(_literal) if a else left, right) for (left, right), a in zip(rules, apart, strict=True)]


def _exchanged(rules: list[Rule]) -> list[Rule]:
    """Where w_kj is W[2][k, j], told apart from w_ji, w_jk is W[2][j, k]: the same entry of the transpose."""
    known = {left for left, _ in rules}
    found: list[Rule] = []
    for left, right in rules:
        if not isinstance(left, Index) or len(left.entries) != 2:
            continue
        first, second = left.entries
        turned = replace(left, entries=(second, first))
        if not (isinstance(first, _Literal) and isinstance(second, _Literal)) or turned in known:
            continue
        found.append((turned, _with_exchanged(right, Symbol(first.name), Symbol(second.name))))
    return found


def _with_exchanged(formula: Formula, a: Symbol, b: Symbol) -> Formula:
    return formula.mapped(lambda x: b if x == a else a if x == b else x)


def _uses_places(left: Formula, right: Formula) -> bool:
    places = {x for x in left.entries if isinstance(x, Symbol)} if isinstance(left, Index) else set()
    return not places or not places.isdisjoint(right.parts)


def _anonymous(part: Formula) -> Formula:
    return replace(part, entries=(_ANY,) * len(part.entries)) if isinstance(part, Index) else part


def _literal(part: Formula) -> Formula:
    if not isinstance(part, Index):
        return part
    return replace(part, entries=tuple(_Literal(x.name) if isinstance(x, Symbol) else x for x in part.entries))


def _one(text: str, letters: Letters) -> Formula:
    equation = read(text, letters=letters)[0].equation
    if len(equation.sides) != 1:
        raise FormulaError(f"{text!r} in a renaming is an equation: write one letter.")
    return equation.sides[0]


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


def filled(target: Formula, found: dict[str, Formula]) -> Formula:
    """A target with its places filled, an index that stands for itself by its letter."""

    def fill(x: Formula) -> Formula:
        if isinstance(x, _Literal):
            return Symbol(x.name)
        letter = isinstance(x, Symbol) and x.layer is None and x.sample is None and not x.prime
        return found.get(x.name, x) if isinstance(x, Symbol) and letter else x

    return target.mapped(fill)


def _takes_layer(left: Formula) -> bool:
    """Whether a pattern takes the layer away from what it matches."""
    return isinstance(left, Symbol) and left.layer is not None


def matches(pattern: Formula, part: Formula, found: dict[str, Formula]) -> bool:
    """Whether a part is the pattern with its places filled; the fillings are put into `found`."""
    if isinstance(pattern, Symbol):
        if not isinstance(part, Symbol) or part.name != pattern.name or part.prime < pattern.prime:
            return False
        return pattern.layer is None or _fills(pattern.layer, part.layer, found)
    if isinstance(pattern, Index) and isinstance(part, Index) and len(pattern.entries) == len(part.entries):
        pairs = zip(pattern.entries, part.entries, strict=True)
        return matches(pattern.base, part.base, found) and all(_fills(p, x, found) for p, x in pairs)
    if isinstance(pattern, Call) and isinstance(part, Call) and len(pattern.arguments) == len(part.arguments):
        pairs = zip(pattern.arguments, part.arguments, strict=True)
        return matches(pattern.function, part.function, found) and all(p == x for p, x in pairs)
    return False


def _fills(place: Formula, content: Formula | None, found: dict[str, Formula]) -> bool:
    if content is None:
        return False
    if isinstance(place, _Literal):
        return content == Symbol(place.name) and found.setdefault(place.name, content) == content
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
    if network and isinstance(part, Call) and is_hypothesis(part.function):
        numbers = {s.sample for x in part.arguments for s in symbols(x) if s.sample is not None}
        return Symbol("yhat", None, numbers.pop() if len(numbers) == 1 else None)
    if network and isinstance(part, Call) and (cost := _as_cost(part)) is not None:
        part = cost
    if network and isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in COSTS:
        return _without_arguments(part, part.function)
    return part


def _as_cost(call: Call) -> Formula | None:
    """`loss(yhat, y)`, `ℓ(yhat, y)` as L of them; `E(w)`, `ℓ(w, b)`, whose arguments are parameters, without them."""
    function = call.function
    if not isinstance(function, Symbol) or function.layer is not None or function.prime or call.names:
        return None
    given = {s.name for x in call.arguments for s in symbols(x)}
    if function.name in _LOSS_LETTERS and len(call.arguments) == 2 and given & _OUTPUTS:
        return replace(call, function=replace(function, name="L"))
    plain = call.arguments and all(isinstance(x, Symbol) and x.name in _PARAMETERS for x in call.arguments)
    return function if plain and len(function.name) == 1 and function.name not in COSTS else None


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
