"""One letter for another: the wrong layer, index, quantity or function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...notation.formula import Binary, Call, Equation, Formula, Index, Negate, Number, Partial, Symbol
from ..ascii import written
from ..parts import LAYERED, PRODUCTS, Place, layers_of, primed, shifted
from .setting import Change, Setting

# Quantities that are easily taken for one another: those of one line stand for arrays of one kind, and in the last two
# the product rule takes the wrong factor, w x by w.
FAMILIES = (
    ("A", "Z", "dA", "dZ", "Yhat", "Y", "X"),
    ("a", "z", "da", "dz", "yhat", "y", "x"),
    ("W", "dW"),
    ("w", "dw"),
    ("b", "db"),
    ("b", "db", "dz", "da"),
)
_FACTORS = {"w": "x", "W": "x"}
ELEMENTARY = ("exp", "ln", "sqrt", "tanh", "sigmoid")
_ACTIVATIONS = ("g", "f", "sigma", "sig", "phi", "h", "sigmoid", "tanh", "relu")


def relatives(name: str) -> list[str]:
    """What a letter is easily taken for."""
    return [n for n in dict.fromkeys(n for family in FAMILIES if name in family for n in family) if n != name]


def of_layers(part: Symbol, setting: Setting) -> Iterator[Change]:
    """The letter in another layer."""
    if part.layer is None:
        return
    options = [other for by in (-1, 1, -2, 2) if (other := shifted(part.layer, by)) is not None]
    options += setting.near
    if any(isinstance(x, Number) for x in layers_of(setting.equation)):  # W[2] rather than W[L-1] beside A[1]
        options.sort(key=lambda x: not isinstance(x, Number))
    for layer in dict.fromkeys(options):
        new = replace(part, layer=layer)
        yield "wrong-layer-index", new, 1, f"the layer of {written(part)} should be {written(layer)}"


def layer_of_call(place: Place, setting: Setting) -> Iterator[Change]:
    """`g[l]'(Z[l])` of another layer: one slip, though it is written twice."""
    part = place.part
    if not (isinstance(part, Call) and isinstance(part.function, Symbol) and len(part.arguments) == 1):
        return
    inner = part.arguments[0]
    if not isinstance(inner, Symbol) or inner.layer is None or part.function.layer != inner.layer:
        return
    for cause, function, size, _ in of_layers(part.function, setting):
        assert isinstance(function, Symbol)
        new = Call(function, (replace(inner, layer=function.layer),))
        yield cause, new, size, f"{written(part)} should be {written(new)}"


def quantity(place: Place, setting: Setting) -> Iterator[Change]:
    """One quantity for another, or in another layer."""
    part, parent = place.part, place.parent
    if not isinstance(part, Symbol) or part.name in setting.letters:
        return
    yield from of_layers(part, setting)
    inside = isinstance(parent, Call) and primed(parent.function)
    names = relatives(part.name)
    if part.name in setting.unknown:
        names = list(dict.fromkeys(n for family in FAMILIES for n in family))
    for name in names:
        cause = "wrong-operand"
        if part.name in setting.unknown:
            cause = "undefined-symbol"
        elif inside:
            cause = "activation-derivative-at-wrong-place"
        elif name.removeprefix("d") == part.name or part.name.removeprefix("d") == name:
            cause = "gradient-used-for-weight"
        for new in _named(part, name, setting):
            yield cause, new, 1, f"{written(part)} stands where {written(new)} belongs"
    if setting.lower and part.name in _FACTORS and place.path[:1] != (0,) and not isinstance(parent, Partial):
        new = Symbol(_FACTORS[part.name])
        yield "wrong-operand", new, 1, f"{written(part)} stands where {written(new)} belongs"
    if isinstance(parent, Partial) and part is parent.denominator and part.name in ("W", "b"):
        new = replace(part, name="b" if part.name == "W" else "W")
        yield "wrong-operand", new, 1, f"the derivative is by {written(new)}, not by {written(part)}"
    if isinstance(parent, Partial) and part.name in ("L", "J", "C") and part.layer is None:
        for name in {"L", "J"} - {part.name} - ({"J"} if part.name == "C" else set()):
            yield "wrong-operand", Symbol(name), 1, f"the derivative is of {name}, not of {part.name}"


def _named(part: Symbol, name: str, setting: Setting) -> Iterator[Formula]:
    """The letter with another name, in its own layer or, where it had none, in one of the formula's."""
    if name not in LAYERED:
        yield Symbol(name, None, part.sample)
    elif part.layer is not None:
        yield replace(part, name=name)
    elif setting.near:
        for layer in setting.near:
            yield Symbol(name, layer, part.sample)
    else:
        yield Symbol(name, None, part.sample)


def throughout(place: Place, setting: Setting) -> Iterator[Change]:
    """`z (1 - z)` for `a (1 - a)`: one slip, though the letter is written twice; and two letters that are exchanged."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(part, Binary | Negate) or not _whole(place):
        return
    several = [s for s, n in setting.counts.items() if n > 1 and s.name not in setting.letters]
    for letter in several:
        if sum(x == letter for _, x in part.walk()) < 2:
            continue
        for name in relatives(letter.name):
            for other in _named(letter, name, setting):
                new = exchanged(part, {letter: other})
                yield "wrong-operand", new, 1, f"{written(letter)} stands where {written(other)} belongs"
    if isinstance(place.parent, Equation):
        found = list(setting.counts)
        for i, a in enumerate(found):
            for b in found[i + 1 :]:
                if b.name in relatives(a.name):
                    words = f"{written(a)} and {written(b)} are exchanged"
                    yield "operands-swapped", exchanged(part, {a: b, b: a}), 1, words


def _whole(place: Place) -> bool:
    """A side, a factor or a term, but no part of a longer product."""
    parent, part = place.parent, place.part
    return not (
        isinstance(parent, Binary) and isinstance(part, Binary) and parent.sign in PRODUCTS and part is parent.left
    )


def exchanged(part: Formula, letters: dict[Symbol, Formula]) -> Formula:
    """The part with some letters replaced, all at once."""
    return part.mapped(lambda x: letters.get(x, x) if isinstance(x, Symbol) else x)


def index(part: Formula, setting: Setting) -> Iterator[Change]:
    """One index letter for another."""
    if isinstance(part, Number) or (isinstance(part, Symbol) and part.layer is None):
        for letter in setting.letters:
            if part != Symbol(letter):
                yield "wrong-index", Symbol(letter), 1, f"the index {written(part)} should be {letter}"


def function(part: Formula, setting: Setting) -> Iterator[Change]:
    """A function for its derivative, or another function."""
    if not isinstance(part, Symbol):
        return
    yield from of_layers(part, setting)
    if part.name in _ACTIVATIONS:
        if part.prime == 0:
            text = f"the function {written(part)} stands where its derivative belongs"
            yield "function-used-for-derivative", replace(part, prime=1), 1, text
        else:
            text = f"the derivative {written(part)} stands where the function belongs"
            yield "derivative-used-for-function", replace(part, prime=part.prime - 1), 1, text
    if part.name in ELEMENTARY or part.name == "log":
        for name in ELEMENTARY:
            if name != part.name and {name, part.name} != {"ln", "log"}:
                yield "wrong-operand", replace(part, name=name), 1, f"{part.name} stands where {name} belongs"


def value_for_derivative(place: Place, setting: Setting) -> Iterator[Change]:
    """`dA * A` for `dA * g'(Z)`: the value of the activation as a factor."""
    part, parent = place.part, place.parent
    entry: tuple[Formula, ...] = ()
    if isinstance(part, Index):
        entry, part = part.entries, part.base
    if not (isinstance(part, Symbol) and part.name in ("A", "a") and part.layer is not None):
        return
    if place.path[:1] == (0,) or not (isinstance(parent, Binary) and parent.sign in ("*", "∘", " ", "·")):
        return
    inner: Formula = replace(part, name="Z" if part.name == "A" else "z")
    new = Call(Symbol("g", part.layer, None, 1), (Index(inner, entry) if entry else inner,))
    text = f"the value {written(place.part)} stands where the derivative {written(new)} belongs"
    yield "function-used-for-derivative", new, 1, text
