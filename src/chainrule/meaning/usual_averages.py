"""Averages of gradients that optimizers keep, and the steps that go by them: momentum, RMSprop, AdaGrad, Adam.

A rule defines what it computes, so it is compared with the form of the rule that its letters tell:
`v ← β v + (1 - β) g`, `s ← β s + (1 - β) g²`, `m̂ = m / (1 - βᵗ)`, `θ ← θ - η m̂ / (√v̂ + ε)`. Its letters are any
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from ..notation.formula import ONE, Binary, Call, Equation, Formula, Index, Negate, Number, Partial, Symbol, Transpose
from .letters import RATES
from .usual_letters import Usual, operands

_TWO = Number(Fraction(2))
_NEW, _OLD, _SLOPE = Symbol("new"), Symbol("kept"), Symbol("slope")
_SQUARES = frozenset({"s", "S", "cache", "r"})  # letters of averages of squares, in every text
_PRODUCTS = "*∘· @"
_AVERAGE = re.compile(r"(?:[vVmMu]|[Vv]el(?:ocity)?|momentum|mom)_?d?_?(?:W|w|b|theta)?(?:hat)?_?\d*")
_GRADIENT = re.compile(r"g|grad|gradient|d(?:W|w|b|theta|Theta|beta)")
_OF_LAYERS = re.compile(r"d?[zZaA]|d[Wwb]|d?[yY]hat")  # nobody calls an average so
_PARAMETER = frozenset({"W", "w", "b", "theta", "Theta"})


def averages(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """The rule of an optimizer that a formula may state: an average, its correction, or a step."""
    if len(tree.sides) != 2 or tree.relations[0] not in ("=", ":=", "<-"):
        return
    left, right = tree.sides
    stem = _stem(left)
    if stem in _PARAMETER:
        yield from _steps(tree, known)
    elif stem.removesuffix("_corrected") != stem or stem.endswith("hat"):
        yield from _corrected(left, right)
    else:
        yield from _kept(left, right)


def _kept(left: Formula, right: Formula) -> Iterator[Usual]:
    """`v_t = β v_{t-1} + (1 - β) g_t`."""
    old = _before(left, right)
    if old is None or _OF_LAYERS.fullmatch(_stem(left)):
        return
    rest = _replaced(right, lambda x: _OLD if x == old else None)
    slopes = set(_found(rest, _is_gradient))
    if len(slopes) != 1:
        return
    (slope,) = slopes
    rest = _replaced(rest, lambda x: _SLOPE if x == slope else None)
    terms = list(_terms(rest))
    kept = [x for _, x in terms if _OLD in x.parts]
    added = [x for _, x in terms if _SLOPE in x.parts]
    if len(terms) != 2 or len(kept) != 1 or len(added) != 1 or kept == added:
        return
    factors = list(_factors(kept[0]))
    others = [x for x in _factors(added[0]) if _SLOPE not in x.parts]
    if factors.count(_OLD) != 1 or any(_OLD in x.parts for x in factors if x != _OLD):
        return
    decay = _product([x for x in factors if x != _OLD])
    if not _is_decay(decay) or any(
        x not in (_SLOPE, Binary("^", _SLOPE, _TWO)) for x in _factors(added[0]) if _SLOPE in x.parts
    ):
        return  # another rule, such as one of (g - m)²
    if operands(decay) and operands(_product(others)) - operands(decay) - RATES:
        return  # a weight of its own, such as a dampening
    squared = added[0] != _SLOPE and (
        Binary("^", _SLOPE, _TWO) in added[0].parts or list(_factors(added[0])).count(_SLOPE) == 2
    )
    squared = squared or (_stem(left) in _SQUARES and bool(others))
    whole: Formula = Binary("^", _SLOPE, _TWO) if squared else _SLOPE
    if others and operands(_product(others)) & RATES:
        weighed = added[0]  # v ← μ v - η g: the rate is a part of v, with either sign
        sign = next(s for s, x in terms if x == added[0])
        rule = Binary(sign, Binary("*", decay, _OLD), weighed)
    elif others:
        rule = Binary("+", Binary("*", decay, _OLD), Binary("*", Binary("-", ONE, decay), whole))
    elif decay != ONE or squared:
        rule = Binary("+", Binary("*", decay, _OLD), whole)
    else:
        return
    back = ((_NEW, left), (_OLD, old), (_SLOPE, slope))
    yield _told(rest, rule, back)


def _is_decay(part: Formula) -> bool:
    """β, 1 - γ, 0.9: a number below one, not a matrix."""
    small = all(x.name[:1].islower() for x in part.parts if isinstance(x, Symbol))
    return (
        small
        and (not isinstance(part, Number) or part.value <= 1)
        and not any(isinstance(x, Transpose | Partial | Call) for x in part.parts)
    )


def _corrected(left: Formula, right: Formula) -> Iterator[Usual]:
    """`m̂ = m / (1 - βᵗ)`."""
    if not isinstance(right, Binary) or right.sign != "/" or not isinstance(right.left, Symbol | Index):
        return
    average, below = right.left, right.right
    power = next((x for x in below.parts if isinstance(x, Binary) and x.sign == "^"), None)
    at = power.right if power is not None else Symbol("t")
    decays = {x for x in _found(below, lambda x: isinstance(x, Symbol | Index)) if x != at}
    if len(decays) != 1:
        return
    (decay,) = decays
    if isinstance(decay, Index) and isinstance(decay.entries[0], Number) and _stem(average) in "mv":
        decay = replace(decay, entries=(_TWO if _stem(average) == "v" else ONE,))  # m has β_1, v has β_2
    rule = Binary("/", _OLD, Binary("-", ONE, Binary("^", decay, at)))
    yield _told(Binary("/", _OLD, below), rule, ((_NEW, left), (_OLD, average)))


def _steps(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`θ ← θ - η m̂ / (√v̂ + ε)`, `W ← W - α v`."""
    left, right = tree.sides
    terms = list(_terms(right))
    if len(terms) != 2 or terms[0] != ("+", left):
        return
    sign, change = terms[1]
    yield from _scaled(left, sign, change)
    letters = [x for x in _factors(change) if _is_average(x) and _stem(x) not in known]
    rates = [x for x in _factors(change) if isinstance(x, Symbol) and x.name in RATES]
    if len(letters) != 1 or len(rates) > 1 or len(rates) + 1 != len(list(_factors(change))):
        return
    (average,), letter = letters, left.base if isinstance(left, Index) else left
    assert isinstance(letter, Symbol)
    slope: Formula = replace(letter, name=f"d{letter.name}")
    slope = replace(left, base=slope) if isinstance(left, Index) else slope
    words = f"an average of the gradients d{letter.name}"
    if not rates:
        slope = Binary("*", Symbol("eta"), slope if sign == "-" else Negate(slope))
        words = f"{'minus ' if sign == '+' else ''}the sum of the steps η d{letter.name}"
    new = _replaced(change, lambda x: slope if x == average else None)
    step = Equation((left, Binary(sign, left, new)), ("<-",))
    yield Usual(f"{_stem(average)} is {words}", step, anyway=True)


def _scaled(left: Formula, sign: str, change: Formula) -> Iterator[Usual]:
    """The step is divided by the root of an average of squares."""
    divisions = [x for x in change.parts if isinstance(x, Binary) and x.sign == "/"]
    if len(divisions) != 1:
        return
    small = [x for x in _found(divisions[0].right, _is_letter) if _stem(x) in ("epsilon", "eps", "delta")]
    squares = {x for x in _found(divisions[0].right, _is_letter) if x not in small}
    whole = set(_found(change, lambda x: _is_letter(x) or _is_gradient(x))) - squares - {*small}
    rates = {x for x in whole if isinstance(x, Symbol) and x.name in RATES}
    if len(squares) != 1 or len(whole - rates) != 1 or len(rates) != 1:
        return
    (square,), (average,), (rate,) = squares, whole - rates, rates
    root: Formula = Call(Symbol("sqrt"), (_SQUARE,))
    inside = [x for x in divisions[0].right.parts if isinstance(x, Call) and x.function == Symbol("sqrt")]
    if small and any(x in call.parts for call in inside for x in small):
        root = Call(Symbol("sqrt"), (Binary("+", _SQUARE, small[0]),))
    elif small:
        root = Binary("+", root, small[0])
    rule = Binary("-", _OLD, Binary("*", rate, Binary("/", _SLOPE, root)))
    table = {square: _SQUARE, average: _SLOPE}
    there = _replaced(change, table.get)
    back = ((_NEW, left), (_OLD, left), (_SLOPE, average), (_SQUARE, square))
    yield _told(Binary(sign, _OLD, there), rule, back)


_SQUARE = Symbol("squares")


def _told(stated: Formula, rule: Formula, back: tuple[tuple[Symbol, Formula], ...]) -> Usual:
    """What is stated, beside the rule, as what the letter at the left is from now on."""
    free = tuple(sorted(operands(stated) | operands(rule)))
    return Usual("", Equation((_NEW, stated), ("=",)), back, free, anyway=True, definitions=((_NEW.name, rule),))


def _before(left: Formula, right: Formula) -> Formula | None:
    """v of `v ← β v + …`, v_{t-1} of `v_t = …`, v_t of `v_{t+1} = …`."""
    if left in right.parts:
        return left
    if not isinstance(left, Index):
        return None
    *rest, at = left.entries
    earlier = at.left if isinstance(at, Binary) and at.sign == "+" and at.right == ONE else Binary("-", at, ONE)
    old = replace(left, entries=(*rest, earlier))
    return old if old in right.parts else None


def _is_letter(part: Formula) -> bool:
    return isinstance(part, Symbol) or (isinstance(part, Index) and isinstance(part.base, Symbol))


def _is_gradient(part: Formula) -> bool:
    if isinstance(part, Partial) or (isinstance(part, Call) and part.function == Symbol("nabla")):
        return True
    return _is_letter(part) and _GRADIENT.fullmatch(_stem(part)) is not None


def _is_average(part: Formula) -> bool:
    return _is_letter(part) and _AVERAGE.fullmatch(_stem(part)) is not None


def _stem(part: Formula) -> str:
    base = part.base if isinstance(part, Index) else part
    return base.name if isinstance(base, Symbol) else ""


def _found(part: Formula, wanted: Callable[[Formula], bool]) -> Iterator[Formula]:
    """The outermost parts of a kind; a function's name is none."""
    if wanted(part):
        yield part
        return
    for x in part.arguments if isinstance(part, Call) else part.children:
        yield from _found(x, wanted)


def _replaced(part: Formula, change: Callable[[Formula], Formula | None]) -> Formula:
    """The outermost parts for which there is something else, replaced."""
    new = change(part)
    if new is not None:
        return new
    children = tuple(_replaced(x, change) for x in part.children)
    return part.rebuilt(children) if children != part.children else part


def _terms(part: Formula, sign: str = "+") -> Iterator[tuple[str, Formula]]:
    match part:
        case Binary("+" | "-" as own, left, right):
            yield from _terms(left, sign)
            yield from _terms(right, own if sign == "+" else {"+": "-", "-": "+"}[own])
        case Negate(x):
            yield from _terms(x, {"+": "-", "-": "+"}[sign])
        case _:
            yield sign, part


def _factors(part: Formula) -> Iterator[Formula]:
    if isinstance(part, Binary) and part.sign in _PRODUCTS:
        yield from _factors(part.left)
        yield from _factors(part.right)
    else:
        yield part


def _product(factors: list[Formula]) -> Formula:
    whole: Formula | None = None
    for x in factors:
        whole = x if whole is None else Binary("*", whole, x)
    return ONE if whole is None else whole
