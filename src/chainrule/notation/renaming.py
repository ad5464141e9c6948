"""What a document's letters stand for: the rules that Letters.rename makes, and what they match."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from ..errors import FormulaError
from .formula import Bound, Call, Formula, Index, Sum, Symbol
from .letters import ComponentPlace, LayerPlace, Letters
from .read import read
from .reading.text_words import is_long, is_word

Rule = tuple[Formula, Formula]
_DIFFERENTIATED = frozenset({"A", "Z", "W", "b", "a", "z", "w", "Yhat", "yhat"})
_ANY = Symbol("")


@dataclass(frozen=True)
class _Literal(Formula):
    """An index of a pattern that stands for itself."""

    name: str


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
    rules += _changes(rules)
    return tuple(sorted(rules, key=lambda r: -sum(1 for _ in r[0].walk())))


def _changes(rules: list[Rule]) -> list[Rule]:
    """The same for the change ΔΦ of a parameter Φ in a step."""
    found = []
    for left, right in rules:
        theirs, ours = _letter(left), _letter(right)
        if theirs is not None and ours is not None and ours.name in ("W", "w", "b"):
            found.append((_prefixed(left, theirs, "Delta"), _prefixed(right, ours, "Delta")))
    return found


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


def _prefixed(formula: Formula, letter: Symbol, prefix: str = "d") -> Formula:
    return formula.mapped(lambda x: replace(letter, name=f"{prefix}{letter.name}") if x is letter else x)


def _told_apart(rules: list[Rule]) -> list[Rule]:
    """Where a_j and a_k stand for different things, or d_o for dz[2], j, k and o are no places but these letters."""
    shapes = [left.mapped(_anonymous) for left, _ in rules]
    apart = [
        shape != left and (shapes.count(shape) > 1 or not _uses_places(left, right))
        for shape, (left, right) in zip(shapes, rules, strict=True)
    ]
    return [(left.mapped(_literal) if a else left, right) for (left, right), a in zip(rules, apart, strict=True)]


def with_components(rules: tuple[Rule, ...], formula: Formula) -> tuple[Rule, ...]:
    """The rules for one formula: where a_j is z[1] and j counts units there, in a sum or below w_ji, a_j is z[1][j]."""
    lettered = [n for n, (left, right) in enumerate(rules) if _names_units(left, right)]
    if not lettered:
        return rules
    counting = {b.index for x in formula.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    for x in formula.parts:
        if isinstance(x, Index) and len(x.entries) == 2 and isinstance(x.base, Symbol) and x.base.name in ("w", "dw"):
            counting |= {*x.entries}
    names = {x.name for x in counting if isinstance(x, Symbol)}
    found = list(rules)
    for n in lettered:
        left, right = rules[n]
        (entry,) = left.entries if isinstance(left, Index) else ()
        if isinstance(entry, _Literal) and entry.name in names:
            found[n] = left, Index(right, (Symbol(entry.name),))
    return tuple(found)


def _names_units(left: Formula, right: Formula) -> bool:
    """Whether a letter with one index is a vector of a sample, whose entries that index may number."""
    literal = isinstance(left, Index) and len(left.entries) == 1 and isinstance(left.entries[0], _Literal)
    return literal and isinstance(right, Symbol) and right.name in _VECTORS


_VECTORS = frozenset({"x", "y", "yhat", "z", "a", "dz", "da", "dyhat"})


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


def filled(target: Formula, found: dict[str, Formula]) -> Formula:
    """A target with its places filled, an index that stands for itself by its letter."""

    def fill(x: Formula) -> Formula:
        if isinstance(x, _Literal):
            return found.get(x.name, Symbol(x.name))
        letter = isinstance(x, Symbol) and x.layer is None and x.sample is None and not x.prime
        return found.get(x.name, x) if isinstance(x, Symbol) and letter else x

    return target.mapped(fill)


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
        letter = replace(content, prime=0) if isinstance(content, Symbol) else content  # k' runs as k does
        return letter == Symbol(place.name) and found.setdefault(place.name, content) == content
    if isinstance(place, Symbol) and place.layer is None and not place.name.isupper():
        return found.setdefault(place.name, content) == content
    return place == content
