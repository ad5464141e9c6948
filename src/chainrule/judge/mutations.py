"""The mistakes that people make in formulas of backpropagation, as edits of a written formula.

Every edit changes one part of the tree and names the mistake that it would mend. The edits are generated from the tree
alone (every symbol, every operator, on both sides); whether one mends the formula is decided elsewhere, by numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from ..notation.formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Path,
    Slice,
    Sum,
    Symbol,
    Transpose,
    symbols,
)
from .ascii import written
from .regroup import regroupings

Role = Literal["operand", "function", "layer", "index", "bound"]

# Which of several equally small mendings is named first.
PLAUSIBLE = (
    "undefined-symbol",
    "wrong-layer-index",
    "missing-transpose",
    "sign",
    "missing-1/m",
    "doubled-1/m",
    "gradient-used-for-weight",
    "derivative-used-for-function",
    "function-used-for-derivative",
    "missing-activation-derivative",
    "activation-derivative-at-wrong-place",
    "missing-parentheses",
    "product-vs-sum",
    "wrong-product",
    "outer-product-order",
    "operands-swapped",
    "missing-sum",
    "superfluous-sum",
    "sum-axis",
    "factor-2",
    "missing-square",
    "wrong-index",
    "wrong-operand",
    "other",
)
_RANK = {cause: i for i, cause in enumerate(PLAUSIBLE)}

PRODUCTS = ("@", "*", "∘", "·", " ", "⊗")
SCALARS = frozenset({"m", "N", "n", "alpha", "eta", "lambda", "L", "J", "C", "ell", "l", "i", "j", "k"})
# Quantities that are easily taken for one another: those of one line stand for arrays of one kind.
FAMILIES = (
    ("A", "Z", "dA", "dZ", "Yhat", "Y", "X"),
    ("a", "z", "da", "dz", "yhat", "y", "x"),
    ("W", "dW"),
    ("w", "dw"),
    ("b", "db"),
    ("b", "db", "dz", "da"),
)
LAYERED = frozenset({"A", "Z", "dA", "dZ", "a", "z", "da", "dz", "W", "dW", "b", "db"})
ELEMENTARY = ("exp", "ln", "sqrt", "tanh", "sigmoid")


@dataclass(frozen=True)
class Edit:
    """One change of a formula: the mistake that it mends, the place, and the formula after it.

    path         the part of the formula that is changed, `before` and `after` the change
    size         1 for a slip of the pen; larger for changes that write a new part
    explanation  what is wrong there, in words
    """

    cause: str
    path: Path
    tree: Equation
    size: float
    explanation: str
    before: Formula
    after: Formula

    @property
    def rank(self) -> tuple[float, int, int, Path]:
        """Order among edits: smaller first, then right sides, then the plausible mistake."""
        return self.size, 1 if self.path[:1] == (0,) else 0, _RANK.get(self.cause, 99), self.path


@dataclass(frozen=True)
class Place:
    """A part of a formula, and what it does there."""

    path: Path
    part: Formula
    role: Role
    parent: Formula | None


def places(tree: Formula) -> Iterator[Place]:
    """Every part of a formula with its role, outermost first."""
    stack = [Place((), tree, "operand", None)]
    while stack:
        place = stack.pop()
        yield place
        part = place.part
        for i, child in reversed(list(enumerate(part.children))):
            role: Role = place.role if place.role in ("layer", "index", "bound") else "operand"
            if isinstance(part, Symbol):
                role = "layer" if part.layer is child else "index"
            elif isinstance(part, Index) and i:
                role = "index"
            elif isinstance(part, Call) and i == 0:
                role = "function"
            elif isinstance(part, Bound) or (isinstance(part, Call) and i > len(part.arguments) - len(part.names)):
                role = "bound"
            stack.append(Place((*place.path, i), child, role, part))


def index_letters(tree: Formula) -> set[str]:
    """Letters that count components, samples or terms of a sum."""
    found = set()
    for place in places(tree):
        if isinstance(place.part, Symbol) and place.role in ("index", "bound") and place.part.layer is None:
            found.add(place.part.name)
    return found


def layers_of(tree: Formula) -> list[Formula]:
    """The layers that occur, each once."""
    found: dict[Formula, None] = {}
    for place in places(tree):
        if isinstance(place.part, Symbol) and place.part.layer is not None and place.role in ("operand", "function"):
            found[place.part.layer] = None
    return list(found)


def shifted(layer: Formula, by: int) -> Formula | None:
    """`l - 1` and its like, in its simplest form; None for what is no layer."""
    if isinstance(layer, Number):
        value = layer.value + by
        return Number(value) if value >= 0 else None
    if isinstance(layer, Binary) and layer.sign in "+-" and isinstance(layer.right, Number):
        by += int(layer.right.value) if layer.sign == "+" else -int(layer.right.value)
        layer = layer.left
    if by == 0:
        return layer
    return Binary("+" if by > 0 else "-", layer, Number(Fraction(abs(by))))


def is_scalar(part: Formula) -> bool:
    """A number, a rate or a count, so that it can stand at either side of any product."""
    if isinstance(part, Number):
        return True
    if isinstance(part, Symbol):
        return part.name in SCALARS and (part.layer is None or part.name == "n")
    return isinstance(part, Binary | Negate) and all(is_scalar(x) for x in part.children)


def is_entry(part: Formula) -> bool:
    """An entry of a matrix or vector, or what is computed from entries: `W[k, i]`, `g'(z[i])`."""
    if isinstance(part, Index):
        base = part.base.operand if isinstance(part.base, Transpose) else part.base
        whole = any(isinstance(x, Slice) for x in part.entries)
        return not whole and (len(part.entries) == 2 or (isinstance(base, Symbol) and _column(base)))
    if isinstance(part, Binary | Negate):
        return all(is_entry(x) or is_scalar(x) for x in part.children)
    if isinstance(part, Sum):
        return is_entry(part.body)
    return isinstance(part, Call) and len(part.arguments) == 1 and is_entry(part.arguments[0])


def reciprocal_of_m(part: Formula) -> bool:
    """1/m, m⁻¹."""
    if not isinstance(part, Binary) or part.sign not in "/^":
        return False
    if part.sign == "/":
        return part.left == ONE and isinstance(part.right, Symbol) and part.right.name in ("m", "N")
    return isinstance(part.left, Symbol) and part.left.name in ("m", "N") and part.right == Negate(ONE)


def edits(equation: Equation, *, unknown: frozenset[str] = frozenset()) -> list[Edit]:
    """Every single edit of a formula, smallest and most plausible first; of equal results only the first.

    unknown  names that mean nothing: what replaces them mends an undefined symbol
    """
    found: list[Edit] = []
    writer = _Writer(equation, unknown)
    for place in places(equation):
        for cause, after, size, explanation in writer.at(place):
            if after == place.part:
                continue
            tree = equation.replaced(place.path, after)
            assert isinstance(tree, Equation)
            found.append(Edit(cause, place.path, tree, size, explanation, place.part, after))
    found.sort(key=lambda e: e.rank)
    seen: set[Equation] = {equation}
    kept = []
    for e in found:
        if e.tree not in seen and not trivial(e.tree, equation):
            seen.add(e.tree)
            kept.append(e)
    return kept


def trivial(tree: Equation, original: Equation) -> bool:
    """A side became the copy of another: `x = x` mends everything and says nothing.

    In an identity between two writings of one thing that is what a mending does, if it moves parentheses alone.
    """
    if len(set(tree.sides)) == len(set(original.sides)):
        return False
    letters = [sorted(x.name for x in symbols(side)) for side in original.sides]
    return isinstance(original.sides[0], Symbol | Index | Partial) or any(x != letters[0] for x in letters)


Change = tuple[str, Formula, float, str]


class _Writer:
    """The edits of one formula, place by place."""

    def __init__(self, equation: Equation, unknown: frozenset[str]) -> None:
        self.unknown = unknown
        self.letters = sorted(index_letters(equation) - {"m", "N", "n", "L"})  # these are numbers, not indices
        self.layers = layers_of(equation)
        self.near: list[Formula] = []
        for layer in self.layers:
            for by in (0, -1, 1):
                other = shifted(layer, by)
                if other is not None and other not in self.near:
                    self.near.append(other)
        names = {p.part.name for p in places(equation) if isinstance(p.part, Symbol) and p.role == "operand"}
        self.lower = not (names & {"Z", "A", "dZ", "dA", "X", "Y", "Yhat"})
        # A square is missing where there are powers, or in a cost; gradients of a network have none.
        self.powers = bool(names & {"L", "J", "C"}) or any(
            isinstance(p.part, Binary) and p.part.sign == "^" for p in places(equation)
        )
        left = equation.sides[0]
        single = isinstance(left, Index) and len(left.entries) == 1
        self.entries = left.entries if isinstance(left, Index) and single else ()
        self.samples = next((x for x in ("m", "N") if x in names), "m")
        self.functions = {
            p.part for p in places(equation) if isinstance(p.part, Symbol) and p.role == "function" and not p.part.layer
        }

    def at(self, place: Place) -> Iterator[Change]:
        part = place.part
        if place.role in ("layer", "bound") or isinstance(part, Equation | Bound | Slice):
            return
        if place.role == "index":
            yield from self._index(part)
        elif place.role == "function":
            yield from self._function(part)
        else:
            rules: tuple[Callable[[Place], Iterator[Change]], ...] = (
                self._symbol,
                self._transpose,
                self._sign,
                self._factors,
                self._derivative,
                self._operators,
                self._parentheses,
                self._sums,
                self._numbers,
            )
            for rule in rules:
                yield from rule(place)

    # Letters -----------------------------------------------------------------------------------------------------

    def _layers(self, part: Symbol) -> Iterator[Change]:
        if part.layer is None:
            return
        options: list[Formula] = []
        for by in (-1, 1, -2, 2):
            other = shifted(part.layer, by)
            if other is not None:
                options.append(other)
        options += self.near
        for layer in dict.fromkeys(options):
            new = replace(part, layer=layer)
            yield "wrong-layer-index", new, 1, f"the layer of {written(part)} should be {written(layer)}"

    def _layer_of_call(self, part: Formula) -> Iterator[Change]:
        """`g[l]'(Z[l])` of another layer: one slip, though it is written twice."""
        if not (isinstance(part, Call) and isinstance(part.function, Symbol) and len(part.arguments) == 1):
            return
        inner = part.arguments[0]
        if not isinstance(inner, Symbol) or inner.layer is None or part.function.layer != inner.layer:
            return
        for cause, function, size, _ in self._layers(part.function):
            assert isinstance(function, Symbol)
            new = Call(function, (replace(inner, layer=function.layer),))
            yield cause, new, size, f"{written(part)} should be {written(new)}"

    def _symbol(self, place: Place) -> Iterator[Change]:
        part = place.part
        yield from self._layer_of_call(part)
        if not isinstance(part, Symbol) or part.name in self.letters:
            return
        yield from self._layers(part)
        inside = isinstance(place.parent, Call) and _primed(place.parent.function)
        names: dict[str, None] = {}
        if part.name in self.unknown:
            names.update(dict.fromkeys(n for family in FAMILIES for n in family))
        for family in FAMILIES:
            if part.name in family:
                names.update(dict.fromkeys(family))
        for name in names:
            if name == part.name:
                continue
            cause = "wrong-operand"
            if part.name in self.unknown:
                cause = "undefined-symbol"
            elif inside:
                cause = "activation-derivative-at-wrong-place"
            elif name.removeprefix("d") == part.name or part.name.removeprefix("d") == name:
                cause = "gradient-used-for-weight"
            for new in self._named(part, name):
                yield cause, new, 1, f"{written(part)} stands where {written(new)} belongs"
        if part.name in ("L", "J", "C") and part.layer is None and isinstance(place.parent, Partial):
            for name in {"L", "J"} - {part.name} - ({"J"} if part.name == "C" else set()):
                yield "wrong-operand", Symbol(name), 1, f"the derivative is of {name}, not of {part.name}"

    def _named(self, part: Symbol, name: str) -> Iterator[Formula]:
        """The letter with another name, in its own layer or, where it had none, in one of the formula's."""
        if name not in LAYERED:
            yield Symbol(name, None, part.sample)
        elif part.layer is not None:
            yield replace(part, name=name)
        elif self.near:
            for layer in self.near:
                yield Symbol(name, layer, part.sample)
        else:
            yield Symbol(name, None, part.sample)

    def _index(self, part: Formula) -> Iterator[Change]:
        if isinstance(part, Number) or (isinstance(part, Symbol) and part.layer is None):
            for letter in self.letters:
                if part != Symbol(letter):
                    yield "wrong-index", Symbol(letter), 1, f"the index {written(part)} should be {letter}"

    def _function(self, part: Formula) -> Iterator[Change]:
        if not isinstance(part, Symbol):
            return
        yield from self._layers(part)
        if part.name in ("g", "f", "sigma", "sig", "phi", "h", "sigmoid", "tanh", "relu"):
            more = replace(part, prime=part.prime + 1)
            if part.prime == 0:
                text = f"the function {written(part)} stands where its derivative belongs"
                yield "function-used-for-derivative", more, 1, text
            else:
                less = replace(part, prime=part.prime - 1)
                text = f"the derivative {written(part)} stands where the function belongs"
                yield "derivative-used-for-function", less, 1, text
        if part.name in ELEMENTARY or part.name == "log":
            for name in ELEMENTARY:
                if name != part.name and {name, part.name} != {"ln", "log"}:
                    yield "wrong-operand", replace(part, name=name), 1, f"{part.name} stands where {name} belongs"

    # Signs, factors, numbers -------------------------------------------------------------------------------------

    def _transpose(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        if isinstance(part, Transpose):
            yield "missing-transpose", part.operand, 1, f"the transpose of {written(part.operand)} is superfluous"
        elif isinstance(part, Index) and len(part.entries) == 2:
            swapped = Index(part.base, part.entries[::-1])
            yield "missing-transpose", swapped, 1, f"the indices of {written(part)} are in the wrong order"
        elif isinstance(part, Symbol | Binary | Call) and not isinstance(parent, Transpose | Index | Partial):
            letter = isinstance(part, Symbol) and part.name in self.letters
            if not is_scalar(part) and not letter and not is_entry(part):
                yield "missing-transpose", Transpose(part), 1, f"{written(part)} must be transposed"

    def _sign(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        if isinstance(part, Negate):
            yield "sign", part.operand, 1, f"the minus before {written(part.operand)} is wrong"
            return
        if isinstance(part, Binary) and part.sign in "+-":
            other = "-" if part.sign == "+" else "+"
            new = Binary(other, part.left, part.right)
            yield "sign", new, 1, f"the sign before {written(part.right)} should be {other}"
            if part.sign == "-":
                text = f"the difference {written(part)} is taken the wrong way round"
                yield "sign", Binary("-", part.right, part.left), 1, text
        whole = isinstance(parent, Equation)
        term = isinstance(parent, Binary) and parent.sign in "+-" and parent.left is part
        argument = isinstance(parent, Call | Sum)
        power = isinstance(parent, Binary) and parent.sign == "^" and parent.right is part
        difference = isinstance(part, Binary) and part.sign == "-"  # to be swapped, which says the same
        if (whole or term or argument or power) and not difference:
            yield "sign", Negate(part), 1, f"a minus is missing before {written(part)}"

    def _factors(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        right = not isinstance(parent, Equation) or place.path != (0,)
        term = isinstance(parent, Equation | Sum) or (isinstance(parent, Binary) and parent.sign in "+-")
        over = Binary("/", ONE, Symbol(self.samples))
        if term and right and not reciprocal_of_m(part):
            text = f"the mean over the samples is missing: {written(part)} must be multiplied with 1/{self.samples}"
            yield "missing-1/m", scaled(over, part), 1, text
            for value in (Fraction(2), Fraction(1, 2)):
                number = _number(value)
                yield "factor-2", scaled(number, part), 1, f"{written(part)} lacks the factor {written(number)}"
        if not isinstance(part, Binary):
            return
        if part.sign in PRODUCTS:
            for kept, gone in ((part.left, part.right), (part.right, part.left)):
                if reciprocal_of_m(gone):
                    yield "doubled-1/m", kept, 1, f"the factor {written(gone)} is superfluous"
                elif _half(gone) or (isinstance(gone, Number) and gone.value in (2, Fraction(1, 2))):
                    yield "factor-2", kept, 1, f"the factor {written(gone)} is superfluous"
                elif _is_derivative(gone):
                    cause = "activation-derivative-at-wrong-place"
                    yield cause, kept, 1, f"the factor {written(gone)} is superfluous"
                else:
                    yield "other", kept, 1.5, f"the factor {written(gone)} is superfluous"
        elif part.sign in "+-":
            yield "other", part.left, 1.5, f"the term {written(part.right)} is superfluous"
            rest = part.right if part.sign == "+" else Negate(part.right)
            yield "other", rest, 1.5, f"the term {written(part.left)} is superfluous"
        elif part.sign == "/":
            if isinstance(part.right, Symbol) and part.right.name in ("m", "N") and part.left != ONE:
                yield "doubled-1/m", part.left, 1, f"the division by {written(part.right)} is superfluous"
            elif isinstance(part.right, Number) and part.right.value == 2:
                yield "factor-2", part.left, 1, "the division by 2 is superfluous"
            elif part.left != ONE:
                yield "other", part.left, 1.5, f"the division by {written(part.right)} is superfluous"
            text = f"the quotient {written(part)} is upside down"
            yield "operands-swapped", Binary("/", part.right, part.left), 1, text

    def _numbers(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        if isinstance(part, Number):
            power = isinstance(parent, Binary) and parent.sign == "^"
            cause = "missing-square" if power else "other"
            options = [part.value + 1, part.value - 1, part.value * 2, part.value / 2]
            for value in dict.fromkeys(options):
                if value == 1 and isinstance(parent, Binary) and parent.sign in PRODUCTS:
                    continue  # the factor is left out instead
                factor = value in (part.value * 2, part.value / 2) and part.value not in (0, value)
                new = _number(value) if value >= 0 else Negate(_number(-value))
                name = "factor-2" if factor and not power else cause
                yield name, new, 1, f"the number {written(part)} should be {written(new)}"
        if isinstance(part, Binary) and part.sign == "^":
            yield "missing-square", part.left, 1, f"the exponent {written(part.right)} is superfluous"
        elif not isinstance(part, Number | Negate | Equation) and not _in_power(parent):
            chain = isinstance(part, Binary) and part.sign not in "+-/"
            squares = self.powers and not chain and not is_scalar(part)
            if squares and not isinstance(parent, Equation | Partial | Transpose):
                square = Binary("^", part, Number(Fraction(2)))
                yield "missing-square", square, 1, f"the square of {written(part)} is missing"

    # Derivatives of the activation -------------------------------------------------------------------------------

    def _derivative(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        if isinstance(parent, Equation) and place.path == (0,):
            return
        operand = isinstance(parent, Equation | Sum) or (isinstance(parent, Binary) and parent.sign not in "/^")
        if not operand or is_scalar(part) or isinstance(part, Number | Negate) or _is_derivative(part):
            return
        Z = "z" if self.lower else "Z"
        for layer in self.near:
            inner: Formula = Symbol(Z, layer)
            if self.entries and is_entry(part):
                inner = Index(inner, self.entries)
            derivative = Call(Symbol("g", layer, None, 1), (inner,))
            new = Binary("*", part, derivative)
            text = f"the factor {written(derivative)} is missing at {written(part)}"
            yield "missing-activation-derivative", new, 1, text
        if not self.near:
            for function in ("g", "f", "sigma"):
                if any(f.name == function for f in self.functions):
                    derivative = Call(Symbol(function, None, None, 1), (Symbol(Z),))
                    text = f"the factor {written(derivative)} is missing at {written(part)}"
                    yield "missing-activation-derivative", Binary("*", part, derivative), 1, text

    # Operators ---------------------------------------------------------------------------------------------------

    def _operators(self, place: Place) -> Iterator[Change]:
        part = place.part
        if isinstance(part, Partial):
            text = f"{written(part)} is upside down"
            yield "operands-swapped", Partial(part.denominator, part.numerator), 1, text
        if isinstance(part, Call) and len(part.arguments) - len(part.names) == 2:
            first, second, *rest = part.arguments
            outer = isinstance(part.function, Symbol) and part.function.name == "outer"
            cause = "outer-product-order" if outer else "operands-swapped"
            new = Call(part.function, (second, first, *rest), part.names)
            yield cause, new, 1, f"the operands of {written(part)} are in the wrong order"
        if not isinstance(part, Binary):
            return
        a, b = part.left, part.right
        if part.sign in PRODUCTS and not (is_scalar(a) or is_scalar(b) or is_entry(part)):
            cause = "outer-product-order" if part.sign == "⊗" else "operands-swapped"
            if isinstance(b, Transpose) and not isinstance(a, Transpose):
                cause = "outer-product-order" if _column(a) and _column(b.operand) else "operands-swapped"
                turned = Binary(part.sign, b.operand, Transpose(a))
                yield cause, turned, 1, f"the operands of {written(part)} are in the wrong order"
            if part.sign not in ("*", "∘"):
                yield cause, Binary(part.sign, b, a), 1, f"the operands of {written(part)} are in the wrong order"
            inside = _flanks(part)
            if inside is not None:
                yield inside
            for sign in ("@", "*"):
                if sign != part.sign and not (sign == "*" and part.sign == "∘"):
                    kind = "matrix product" if sign == "@" else "product entry by entry"
                    text = f"{written(part)} must be the {kind}"
                    yield "wrong-product", Binary(sign, a, b), 1, text
        if part.sign == "+":
            for sign in ("*",) if is_entry(part) else ("@", "*"):
                text = f"{written(part)} is a sum where the product belongs"
                yield "product-vs-sum", Binary(sign, a, b), 1, text
        elif part.sign == "-":
            yield "product-vs-sum", Binary("*", a, b), 1, f"{written(part)} is a difference where the product belongs"
        elif part.sign in ("*", " ", "·", "∘", "@"):
            yield "product-vs-sum", Binary("+", a, b), 1, f"{written(part)} is a product where the sum belongs"
            if part.sign in ("*", " ", "·", "∘"):
                yield "product-vs-sum", Binary("-", a, b), 1, f"{written(part)} is a product where a difference belongs"
                yield "other", Binary("/", a, b), 1.5, f"{written(part)} is a product where the quotient belongs"
        elif part.sign == "/":
            yield "other", Binary("*", a, b), 1.5, f"{written(part)} is a quotient where the product belongs"

    def _parentheses(self, place: Place) -> Iterator[Change]:
        for new in regroupings(place.part, parent=place.parent, right=place.path[-1:] == (1,)):
            yield "missing-parentheses", new, 1, f"the parentheses of {written(place.part)} must stand otherwise"

    # Sums --------------------------------------------------------------------------------------------------------

    def _sums(self, place: Place) -> Iterator[Change]:
        part, parent = place.part, place.parent
        if isinstance(part, Sum):
            yield "superfluous-sum", part.body, 1, f"the sum over {written(part.body)} is superfluous"
            if len(part.bounds) > 1:
                for i, bound in enumerate(part.bounds):
                    less = Sum(part.body, part.bounds[:i] + part.bounds[i + 1 :])
                    yield "superfluous-sum", less, 1, f"the sum over {written(bound)} is superfluous"
            return
        if summed_call(part):
            assert isinstance(part, Call)
            yield "superfluous-sum", part.arguments[0], 1, f"the sum over {written(part.arguments[0])} is superfluous"
            for axis in (0, 1):
                new = summed(part.arguments[0], axis)
                yield "sum-axis", new, 1, f"the sum must run along axis {axis}"
            return
        if summed_call(parent) or (isinstance(parent, Equation) and place.path == (0,)):
            return
        factor = isinstance(parent, Equation) or (isinstance(parent, Binary) and parent.sign not in "^")
        if not factor or is_scalar(part) or isinstance(part, Number | Negate):
            return
        if not self.lower and not isinstance(part, Transpose):
            text = f"the sum of {written(part)} over the samples is missing"
            yield "missing-sum", summed(part, 1), 1, text
        for letter in self.letters:
            if any(isinstance(x, Symbol) and x.name == letter for _, x in part.walk()):
                over = Sum(part, (Bound(Symbol(letter)),))
                yield "missing-sum", over, 1, f"the sum over {letter} is missing before {written(part)}"


def summed(part: Formula, axis: int) -> Call:
    """`sum(x, axis=1, keepdims=True)`."""
    arguments = (part, Number(Fraction(axis)), Symbol("True"))
    return Call(Symbol("sum"), arguments, ("axis", "keepdims"))


def scaled(factor: Formula, part: Formula) -> Formula:
    """A factor before a product, where a reader would write it."""
    if isinstance(part, Binary) and part.sign in ("@", "∘", "*", "·", " "):
        return Binary(part.sign, scaled(factor, part.left), part.right)
    return Negate(scaled(factor, part.operand)) if isinstance(part, Negate) else Binary("*", factor, part)


def _flanks(part: Binary) -> Change | None:
    """Swap the neighbors of the last sign in a chain: of `1/m * X @ Y`, X and Y."""
    left = part.left
    if not isinstance(left, Binary) or left.sign not in PRODUCTS or part.sign in ("*", "∘") or is_scalar(left.right):
        return None
    text = f"{written(left.right)} and {written(part.right)} are in the wrong order"
    return "operands-swapped", Binary(part.sign, Binary(left.sign, left.left, part.right), left.right), 1, text


def _number(value: Fraction) -> Formula:
    if value == Fraction(1, 2):
        return Binary("/", ONE, Number(Fraction(2)))
    return Number(value)


def _half(part: Formula) -> bool:
    return isinstance(part, Binary) and part.sign == "/" and part.left == ONE and part.right == Number(Fraction(2))


def _in_power(parent: Formula | None) -> bool:
    return isinstance(parent, Binary) and parent.sign == "^"


def _primed(function: Formula) -> bool:
    return isinstance(function, Symbol) and function.prime > 0


def _is_derivative(part: Formula) -> bool:
    if isinstance(part, Index):
        return _is_derivative(part.base)
    return isinstance(part, Call) and _primed(part.function)


def summed_call(part: Formula | None) -> bool:
    """`sum(x, …)`, `mean(x, …)`."""
    return isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in ("sum", "mean")


def _column(part: Formula) -> bool:
    if isinstance(part, Index):
        part = part.base
    return isinstance(part, Symbol) and part.name.removeprefix("d")[:1].islower()
