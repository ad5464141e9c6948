"""One letter for another: the wrong layer, index, quantity or function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...meaning.letters import RATES
from ...notation.formula import ONE, Binary, Call, Equation, Formula, Index, Negate, Number, Partial, Symbol, Transpose
from ...notation.write import exact
from ..parts import LAYERED, PRODUCTS, Place, column, is_scalar, layers_of, primed, shifted
from .setting import Change, Setting

# Quantities that are easily taken for one another: those of one line stand for arrays of one kind, and in the last two
# the product rule takes the wrong factor, w x by w.
FAMILIES = (
    ("A", "Z", "dA", "dZ", "Yhat", "Y", "X"),
    ("a", "z", "da", "dz", "yhat", "y", "x"),
    ("W", "dW"),
    ("w", "dw"),
    ("b", "db"),
    ("W", "b"),  # λ/m b for λ/m W
    ("b", "db", "dz", "da"),
    ("dW", "db", "dA", "dZ"),
    ("dW", "db", "da", "dz"),
)
_FACTORS = {"w": "x", "W": "x"}
# In Z[l] = W[l] A[l-1] the other factor, and the product for the factor.
_PARTNERS = {
    "W": (("A", -1), ("A", 0)),
    "A": (("W", 1), ("Z", 1), ("W", 0)),
    "a": (("W", 1), ("z", 1), ("W", 0)),
    "Z": (("A", -1),),
    "z": (("a", -1),),
}
_EXTREMES = {"max": "min", "maximum": "minimum", "greater": "less", "greater_equal": "less_equal"}
_EXTREMES |= {b: a for a, b in _EXTREMES.items()}
ELEMENTARY = ("exp", "ln", "sqrt", "tanh", "sigmoid")
_ACTIVATIONS = ("g", "f", "sigma", "sig", "phi", "h", "sigmoid", "tanh", "relu")
_APPLIED = (*_ACTIVATIONS, *ELEMENTARY, "log")


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
        yield "wrong-layer-index", new, 1, f"the layer of {exact(part)} should be {exact(layer)}"


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
        yield cause, new, size, f"{exact(part)} should be {exact(new)}"


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
            yield cause, new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    if setting.lower and part.name in _FACTORS and place.path[:1] != (0,) and not isinstance(parent, Partial):
        new = Symbol(_FACTORS[part.name])
        yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    if part.name in _PARTNERS and part.layer is not None and place.path[:1] != (0,) and not isinstance(parent, Partial):
        for name, by in _PARTNERS[part.name]:
            layer = shifted(part.layer, by)
            if layer is not None:
                new = Symbol(name.lower() if name == "A" and setting.lower else name, layer, part.sample)
                yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    for name, by in setting.beside.get(part.name, ()):
        layer = None if part.layer is None or place.path[:1] == (0,) else shifted(part.layer, by)
        if layer is not None:
            new = replace(part, name=name, layer=layer)
            yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    if part in setting.declared and place.path[:1] != (0,):
        for other in setting.declared:
            if isinstance(other, Symbol) and column(other) == column(part):
                new = replace(other, sample=part.sample)
                yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    if isinstance(parent, Partial) and part is parent.denominator and part.name in ("W", "b"):
        new = replace(part, name="b" if part.name == "W" else "W")
        yield "wrong-operand", new, 1, f"the derivative is by {exact(new)}, not by {exact(part)}"
    if isinstance(parent, Partial) and part.name in ("L", "J", "C") and part.layer is None:
        cost = next((x for x in ("J", "C") if x in setting.names), "J")  # as the text calls it
        for name in {"L", cost} - {part.name}:
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
        if sum(x == letter for x in part.parts) < 2:
            continue
        for name in relatives(letter.name):
            for other in _named(letter, name, setting):
                new = exchanged(part, {letter: other})
                yield "wrong-operand", new, 1, f"{exact(letter)} stands where {exact(other)} belongs"
    if isinstance(place.parent, Equation):
        found = list(setting.counts)
        for i, a in enumerate(found):
            for b in found[i + 1 :]:
                if b.name in relatives(a.name):
                    words = f"{exact(a)} and {exact(b)} are exchanged"
                    yield "operands-swapped", exchanged(part, {a: b, b: a}), 1, words


def _whole(place: Place) -> bool:
    """A side, a factor or a term, but no part of a longer product."""
    parent, part = place.parent, place.part
    return not (
        isinstance(parent, Binary) and isinstance(part, Binary) and parent.sign in PRODUCTS and part is parent.left
    )


def exchanged(part: Formula, letters: Mapping[Symbol, Formula]) -> Formula:
    """The part with some letters replaced, all at once."""
    return part.mapped(lambda x: letters.get(x, x) if isinstance(x, Symbol) else x)


def missing_weight(place: Place, setting: Setting) -> Iterator[Change]:
    """`dZ[l+1] * g'(Z[l])`: the way back through a layer multiplies with its weights."""
    part = place.part
    if place.path[:1] == (0,):
        return
    if isinstance(part, Symbol) and part.name in ("dZ", "dz") and part.layer is not None:
        weight: Formula = Transpose(Symbol("W", part.layer))
        new = Binary("@", weight, part)
        yield "other", new, 1.5, f"the factor {exact(weight)} is missing before {exact(part)}"
    if isinstance(place.parent, Equation) and isinstance(part, Binary):
        for layer in layers_of(part):
            weight = Symbol("W", layer)
            yield "other", Binary("*", part, weight), 1.5, f"the factor {exact(weight)} is missing"


def layers_throughout(place: Place, setting: Setting) -> Iterator[Change]:
    """`W[l-1] a[l-1] + b[l-1]` for `W[l] a[l-1] + b[l]`: several letters of one layer are off by one, all alike."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    layered = [s for s in setting.counts if s.layer is not None]
    for layer in setting.near:
        alike = [s for s in layered if s.layer == layer]
        names = {s.name for s in alike}
        groups = [alike] + [[s for s in alike if s.name != name] for name in names if len(alike) > 2]
        groups.append([s for s in alike if s.name.removeprefix("d")[:1] in "Wwb"])
        groups += [[s] for s in alike]
        for group in groups:
            if sum(setting.counts[s] for s in group) < 2:
                continue
            for by in (1, -1):
                other = shifted(layer, by)
                if other is not None:
                    new = exchanged(part, {s: replace(s, layer=other) for s in group})
                    letters = ", ".join(exact(s) for s in group)
                    yield "wrong-layer-index", new, 1, f"the layer of {letters} should be {exact(other)}"
    for i, a in enumerate(layered):
        for b in layered[i + 1 :]:
            if a.layer != b.layer:
                words = f"the layers of {exact(a)} and {exact(b)} are exchanged"
                turned = {a: replace(a, layer=b.layer), b: replace(b, layer=a.layer)}
                yield "wrong-layer-index", exchanged(part, turned), 1, words
    by_layer = list(dict.fromkeys(s.layer for s in layered if s.layer is not None))
    for i, one in enumerate(by_layer):
        for two in by_layer[i + 1 :]:
            turned = {s: replace(s, layer=two if s.layer == one else one) for s in layered if s.layer in (one, two)}
            words = f"the layers {exact(one)} and {exact(two)} are exchanged"
            yield "wrong-layer-index", exchanged(part, turned), 1, words


def applied(place: Place, setting: Setting) -> Iterator[Change]:
    """`x (1 - x)` for `f(x) (1 - f(x))`: the argument stands where the value belongs, several times."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    for function in setting.functions | {"exp"}:
        for letter, n in setting.counts.items():
            if n > 1 and function in (*ELEMENTARY, *_ACTIVATIONS) and letter.name not in setting.letters:
                value = Call(Symbol(function), (letter,))
                new = exchanged(part, {letter: value})
                yield "wrong-operand", new, 1, f"{exact(letter)} stands where {exact(value)} belongs"


def functions(place: Place, setting: Setting) -> Iterator[Change]:
    """A function that is superfluous, and an exp that is missing at one place beside others."""
    part = place.part
    if place.path[:1] == (0,):
        return
    known = isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in _APPLIED
    if isinstance(part, Call) and known and len(part.arguments) == 1 and not primed(part.function):
        yield "other", part.arguments[0], 1.5, f"the function {exact(part.function)} is superfluous in {exact(part)}"
    letter = isinstance(part, Symbol) and part.name not in setting.letters and not isinstance(place.parent, Index)
    if "exp" in setting.functions and (letter or isinstance(part, Index)) and not is_scalar(part):
        new = Call(Symbol("exp"), (part,))
        yield "other", new, 1.5, f"the exp is missing at {exact(part)}"
    outputs = isinstance(part, Symbol) and part.name in ("A", "a", "Yhat", "yhat")
    if outputs and setting.equation.sides[0] in _OF_LOGARITHMS and not {"ln", "log"} & setting.functions:
        yield "other", Call(Symbol("ln"), (part,)), 1.5, f"the logarithm is missing at {exact(part)}"


def complements(place: Place, setting: Setting) -> Iterator[Change]:
    """`(1 - y) ln a` for `(1 - y) ln(1 - a)`: a for 1 - a, and the other way round, beside others of its kind."""
    part, parent = place.part, place.parent
    if place.path[:1] == (0,):
        return
    inner = part.right if isinstance(part, Binary) and part.sign == "-" and part.left == ONE else part
    letter = inner.base if isinstance(inner, Index) else inner
    if not isinstance(letter, Symbol) or letter.name not in ("y", "Y", "a", "A", "yhat", "Yhat"):
        return
    inside = isinstance(parent, Call) and parent.function in (Symbol("ln"), Symbol("log"))
    factor = isinstance(parent, Binary) and parent.sign in (*PRODUCTS, "/") and setting.complements
    side = isinstance(parent, Equation) and inner is not part  # `… = 1 - a` for a
    if inside or factor or side:
        new = inner if inner is not part else Binary("-", ONE, part)
        yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"


def complements_exchanged(place: Place, setting: Setting) -> Iterator[Change]:
    """`-(1 - y) / a + y / (1 - a)`: y and 1 - y are exchanged, or a and 1 - a."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation) or not setting.complements:
        return
    for value in dict.fromkeys(x for x in part.parts if isinstance(x, Symbol | Index) and _is_probability(x)):
        other = Binary("-", ONE, value)
        if other in part.parts:
            new = _turned(part, other, value)
            yield "operands-swapped", new, 1, f"{exact(value)} and {exact(other)} are exchanged"


def _is_probability(part: Symbol | Index) -> bool:
    letter = part.base if isinstance(part, Index) else part
    return isinstance(letter, Symbol) and letter.name in ("y", "Y", "a", "A", "yhat", "Yhat")


def updates(place: Place, setting: Setting) -> Iterator[Change]:
    """`W <- -alpha dW` without the old value, and ∂J/∂W for W or the other way round."""
    part, equation = place.part, setting.equation
    left = equation.sides[0]
    below = part.denominator if isinstance(part, Partial) else None
    letter = below.base if isinstance(below, Index) else below
    weight = isinstance(letter, Symbol) and letter.name in ("W", "w", "b")
    if isinstance(part, Partial) and weight and part.numerator in _COSTS and place.path[:1] != (0,):
        text = f"the derivative {exact(part)} stands where {exact(part.denominator)} belongs"
        yield "gradient-used-for-weight", part.denominator, 1, text
    if not isinstance(place.parent, Equation) or place.path != (1,) or not isinstance(left, Symbol | Index):
        return
    slopes = [p.part for p in setting.places if isinstance(p.part, Partial) and p.part.denominator == left]
    for slope in dict.fromkeys(slopes):
        if slope.numerator in _COSTS:
            words = f"{exact(left)} and {exact(slope)} are exchanged"
            yield "operands-swapped", _turned(part, left, slope), 1, words
    base = left.base if isinstance(left, Index) else left
    gradients = [x for x in part.parts if isinstance(x, Symbol) and isinstance(base, Symbol) and _is_slope(x, base)]
    rates = [x for x in part.parts if isinstance(x, Symbol) and x.name in RATES]
    for gradient in dict.fromkeys(gradients if not rates and _keeps(part, left) else ()):
        step = exchanged(part, {gradient: Binary("*", Symbol("alpha"), gradient)})
        yield "other", step, 1, f"the learning rate is missing before {exact(gradient)}"
    parameter = isinstance(base, Symbol) and base.name in ("W", "w", "b")
    set_anew = parameter and (equation.relations[:1] in ((":=",), ("<-",)) or (gradients and rates))
    if set_anew and not _keeps(part, left):
        sign, step = ("-", part.operand) if isinstance(part, Negate) else ("+", part)
        yield "other", Binary(sign, left, step), 1, f"the old value {exact(left)} is missing"


def _is_slope(part: Symbol, letter: Symbol) -> bool:
    """dW beside W."""
    return part.name == f"d{letter.name}" and part.layer == letter.layer


def _keeps(part: Formula, letter: Formula) -> bool:
    """The letter is an operand, and not only what is differentiated by."""
    return part == letter or (not isinstance(part, Partial) and any(_keeps(x, letter) for x in part.children))


_COSTS = (Symbol("L"), Symbol("J"), Symbol("C"))
_OF_LOGARITHMS = (*_COSTS, Symbol("ell"), Symbol("loss"), Symbol("cost"))


def _turned(part: Formula, a: Formula, b: Formula) -> Formula:
    """The part with a for b and b for a."""
    if part in (a, b):
        return b if part == a else a
    return part.rebuilt(tuple(_turned(x, a, b) for x in part.children)) if part.children else part


def function(part: Formula, setting: Setting) -> Iterator[Change]:
    """A function for its derivative, or another function."""
    if not isinstance(part, Symbol):
        return
    yield from of_layers(part, setting)
    if part.name in _ACTIVATIONS:
        if part.prime == 0:
            text = f"the function {exact(part)} stands where its derivative belongs"
            yield "function-used-for-derivative", replace(part, prime=1), 1, text
        else:
            text = f"the derivative {exact(part)} stands where the function belongs"
            yield "derivative-used-for-function", replace(part, prime=part.prime - 1), 1, text
    if part.name in _EXTREMES:
        other = _EXTREMES[part.name]
        yield "other", replace(part, name=other), 1, f"{part.name} stands where {other} belongs"
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
    text = f"the value {exact(place.part)} stands where the derivative {exact(new)} belongs"
    yield "function-used-for-derivative", new, 1, text
