"""Under which conditions a formula holds that does not hold as it stands: other readings and other conventions.

A variation changes the formula (how an unclear sign is read) or the convention (what was never declared). Each says
its condition in words that end the sentence "right if …".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..meaning.letters import LOSSES, PENALTIES
from ..notation.formula import (
    Array,
    Binary,
    Bound,
    Call,
    Dots,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Path,
    Sum,
    Symbol,
    Transpose,
)
from ..notation.write import exact
from .parts import LAYERED, index_letters, layers_of, places, shifted, summed_call
from .subscripts import whole_for_entry

BATCH = frozenset({"X", "Y", "Yhat", "Z", "A", "dZ", "dA"})  # letters of m samples
SMALL = frozenset({"x", "y", "yhat", "z", "a", "dz", "da", "dw"})  # letters of one sample
COSTS = (Symbol("J"), Symbol("C"))
OF_THE_COST = frozenset({"dW", "db", "J", "C", "m"})


_LETTER = re.compile(r"\\(?:math\w+|bold\w*|bm|vec|hat|tilde|bar|text\w*|operatorname)|([^\W\d_]+)")


def is_small(letter: str) -> bool:
    """A letter of a document is a small one: `w`, `\\theta`, `\\mathbf{x}`, `w_{ih}`."""
    return next((word.islower() for word in _LETTER.findall(letter) if word), False)


@dataclass(frozen=True)
class Variation:
    """Another way to take a formula.

    condition  in words
    tree       the formula as it is read then
    filled     letters without a layer stand for those of the one layer that occurs
    whole      an entry at the left stands for the whole matrix
    """

    condition: str
    tree: Equation
    filled: bool = False
    whole: bool = False


def read_otherwise(equation: Equation, code: bool = False) -> Iterator[Variation]:
    """The formula with an unclear sign or scope taken the other way, one at a time; in code none is unclear."""
    yield from _layers_filled_in(equation)
    whole = whole_for_entry(equation)
    if whole is not None:
        yield Variation(*whole, whole=True)
    yield from capitals(equation)
    if not code:
        yield from dots(equation)
        yield from _products_first(equation)
        yield from _sum_scopes(equation)
        yield from _exponents(equation)
    yield from _sigma_as_activation(equation)
    yield from _kept_dimensions(equation)


def _changed(equation: Equation, path: Path, new: Formula) -> Equation:
    tree = equation.replaced(path, new)
    assert isinstance(tree, Equation)
    return tree


def _layers_filled_in(equation: Equation) -> Iterator[Variation]:
    """`b = b - alpha db[l]`: where one layer alone occurs, a letter without a layer stands for that of the layer."""
    layers = layers_of(equation)
    if len(layers) == 1:
        tree, bare = with_layer(equation, layers[0])
        if bare and _only_arguments(equation, bare):
            yield Variation("", tree)
        elif bare:
            words = ", ".join(f"{name} stands for {name}[{exact(layers[0])}]" for name in bare)
            yield Variation(words, tree, filled=True)


def _only_arguments(equation: Equation, names: Sequence[str]) -> bool:
    """`h(a) = tanh(a)`: one letter that occurs as the argument of functions alone stands for anything."""
    found = [p for p in places(equation) if isinstance(p.part, Symbol) and p.part.name in names and not p.part.layer]
    return len(names) == 1 and all(isinstance(p.parent, Call) and p.role == "operand" for p in found)


def with_layer(equation: Equation, layer: Formula) -> tuple[Equation, list[str]]:
    """The formula with letters of a layer that name none given this one, and these letters."""
    taken = index_letters(equation)
    bare: dict[str, None] = {}
    before, previous = units_before(equation), shifted(layer, -1)

    def fill(part: Formula) -> Formula:
        if isinstance(part, Index) and isinstance(part.base, Symbol) and previous is not None:
            same = part.base.layer == layer and part.base.name in ("a", "da") and part.base.name in bare
            if same and len(part.entries) == 1 and part.entries[0] in before:
                return replace(part, base=replace(part.base, layer=previous))
        if not isinstance(part, Symbol) or part.layer is not None or part.name in taken:
            return part
        if part.name not in LAYERED | {"w", "dw"}:
            return part
        bare[part.name] = None
        return replace(part, name={"w": "W", "dw": "dW"}.get(part.name, part.name), layer=layer)

    tree = equation.mapped(fill)
    assert isinstance(tree, Equation)
    return tree, list(bare)


def units_before(equation: Equation) -> set[Formula]:
    """j of `z_i = Σ_j W_ij a_j`: the letters that count the units of the layer before, as W and z, b or dz tell."""
    entries = [x for x in equation.parts if isinstance(x, Index) and isinstance(x.base, Symbol)]
    of_weights = [
        x.entries for x in entries if _name(x) in ("W", "w", "dW", "dw") and len(x.entries) == 2 and _letters(x.entries)
    ]
    units = {x.entries[0] for x in entries if _name(x) in ("z", "b", "dz", "db") and len(x.entries) == 1}
    if not units:
        return set()
    return {e for pair in of_weights for e in pair if e not in units}


def _name(entry: Index) -> str:
    return entry.base.name if isinstance(entry.base, Symbol) else ""


def _letters(entries: Sequence[Formula]) -> bool:
    return all(isinstance(x, Symbol) for x in entries) and len(set(entries)) == len(entries)


def speaks_of_samples(equation: Equation) -> bool:
    """It has the loss L beside the number of samples, or a sum over them, so that L may be the cost."""
    of_all = (x for x in equation.parts if summed_call(x))
    sums = any(isinstance(p, Symbol) and p.name in BATCH for x in of_all for p in x.parts)
    names = {p.part.name for p in places(equation) if isinstance(p.part, Symbol) and p.role in ("operand", "bound")}
    return any(LOSSES.get(x) == "L" for x in names) and (sums or bool(names & {"m", "N"}))


def has_outputs(equation: Equation) -> bool:
    """It names the targets, so that the number of outputs matters."""
    return any(isinstance(p.part, Symbol) and p.part.name in ("Y", "y", "Yhat", "yhat") for p in places(equation))


def has_last_layer(equation: Equation) -> bool:
    """A layer is called L."""
    return any(p.role == "layer" and p.part == Symbol("L") for p in places(equation))


def as_cost(equation: Equation) -> Equation:
    """The formula with the cost J for L, ℓ or loss."""

    def cost(part: Formula) -> Formula:
        bare = isinstance(part, Symbol) and part.layer is None and part.sample is None
        return replace(part, name="J") if bare and isinstance(part, Symbol) and LOSSES.get(part.name) == "L" else part

    tree = equation.mapped(cost)
    assert isinstance(tree, Equation)
    return tree


def capitals(equation: Equation, *, anyway: bool = False) -> Iterator[Variation]:
    """`z = W X + b`: small letters beside capital ones, or beside m, stand for all samples; in a program `anyway`."""
    names = {p.part.name for p in places(equation) if isinstance(p.part, Symbol) and p.role == "operand"}
    capital = {"z": "Z", "a": "A", "dz": "dZ", "da": "dA", "y": "Y", "yhat": "Yhat"}
    if not names & BATCH and not any(isinstance(x, Index | Sum) for x in equation.parts):
        capital["x"] = "X"  # `dW = 1/m dz x.T`: the number of samples tells it
    small = [n for n in capital if n in names]
    if not small or not (anyway or names & (BATCH | {"m", "N"})):
        return

    def raised(part: Formula) -> Formula:
        return replace(part, name=capital[part.name]) if isinstance(part, Symbol) and part.name in capital else part

    tree = equation.mapped(raised)
    assert isinstance(tree, Equation)
    yield Variation(f"{', '.join(small)} stand for all samples ({', '.join(capital[n] for n in small)})", tree)
    if "X" in names and set(small) <= {"y", "yhat", "a", "z"}:
        upper = {capital[n] for n in small}

        def turned(part: Formula) -> Formula:
            return Transpose(part) if isinstance(part, Symbol) and part.name in upper else part

        columns = tree.mapped(turned)
        assert isinstance(columns, Equation)
        yield Variation(
            f"{', '.join(small)} {'are columns' if len(small) > 1 else 'is a column'} of m numbers", columns
        )


def dots(equation: Equation) -> Iterator[Variation]:
    """`·` between columns, entry by entry; weights and a column are never multiplied so."""
    if any(
        isinstance(x, Binary) and x.sign == "·" and _is_weights(x.left) != _is_weights(x.right) for x in equation.parts
    ):
        return

    def hadamard(part: Formula) -> Formula:
        return Binary("∘", part.left, part.right) if isinstance(part, Binary) and part.sign == "·" else part

    tree = equation.mapped(hadamard)
    if tree != equation:
        assert isinstance(tree, Equation)
        yield Variation("· is the product entry by entry", tree)


def _is_weights(part: Formula) -> bool:
    inner = part.operand if isinstance(part, Transpose) else part
    return isinstance(inner, Symbol) and inner.name in ("W", "dW")


def _products_first(equation: Equation) -> Iterator[Variation]:
    """`a * b @ c` or `a @ (b * c)` that came from a line without parentheses: the matrix product first."""
    matrix = ("@", " ", "·")
    for place in places(equation):
        part = place.part
        if not isinstance(part, Binary) or part.sign not in matrix:
            continue
        if isinstance(part.left, Binary) and part.left.sign in ("*", "∘"):
            star = part.left
            new = Binary(star.sign, star.left, Binary(part.sign, star.right, part.right))
            yield Variation("the matrix product is taken before *", _changed(equation, place.path, new))


def _sum_scopes(equation: Equation) -> Iterator[Variation]:
    """`Σ a + b` as `Σ (a + b)`."""
    for place in places(equation):
        part = place.part
        if not (isinstance(part, Binary) and part.sign in "+-"):
            continue
        terms: list[tuple[str, Formula]] = []
        left: Formula = part
        while isinstance(left, Binary) and left.sign in "+-":
            terms.append((left.sign, left.right))
            left = left.left
        wrapped = _reopened(left)
        if wrapped is None or (isinstance(place.parent, Binary) and place.parent.sign in "+-"):
            continue
        inside, close = wrapped
        counted = [b.index for b in inside.bounds if isinstance(b, Bound) and b.index in inside.body.parts]
        if counted and not any(x in term.parts for _, term in terms for x in counted):
            continue  # no term behind it counts with the sum
        negative = any(isinstance(x, Negate) for x in _before(left))
        body: Formula = inside.body
        for sign, term in reversed(terms):
            body = Binary(sign, body, term)
        yield Variation("the sum covers all terms", _changed(equation, place.path, close(replace(inside, body=body))))
        if negative:
            flipped: Formula = inside.body
            for sign, term in reversed(terms):
                flipped = Binary({"+": "-", "-": "+"}[sign], flipped, term)
            new = close(replace(inside, body=flipped))
            yield Variation("the sum and its sign cover all terms", _changed(equation, place.path, new))


def _before(part: Formula) -> Iterator[Formula]:
    """What stands around the sum at the end of a product."""
    while not isinstance(part, Sum):
        yield part
        part = part.operand if isinstance(part, Negate) else part.children[-1]


def _reopened(part: Formula) -> tuple[Sum, Any] | None:
    """The sum at the end of a product, with what stands before it as a function around it."""
    if isinstance(part, Sum):
        return part, lambda s: s
    if isinstance(part, Negate):
        inner = _reopened(part.operand)
        if inner is not None:
            close = inner[1]
            return inner[0], lambda s: Negate(close(s))
    if isinstance(part, Binary) and part.sign in ("*", " ", "·", "∘"):
        inner = _reopened(part.right)
        if inner is not None:
            close, left, sign = inner[1], part.left, part.sign
            return inner[0], lambda s: Binary(sign, left, close(s))
    return None


def _sigma_as_activation(equation: Equation) -> Iterator[Variation]:
    """`σ(z[l])` where σ is what this library calls g[l]."""

    def as_activation(part: Formula) -> Formula:
        if not (isinstance(part, Call) and isinstance(part.function, Symbol) and len(part.arguments) == 1):
            return part
        f = part.function
        inner = [p for p in part.arguments[0].parts if isinstance(p, Symbol) and p.layer is not None]
        layers = list(dict.fromkeys(p.layer for p in inner if p.name in ("z", "Z", "W", "w", "b")))
        if f.name not in ("sigma", "phi") or f.layer is not None or len(layers) != 1:
            return part
        return replace(part, function=replace(f, name="g", layer=layers[0]))

    tree = equation.mapped(as_activation)
    if tree != equation:
        assert isinstance(tree, Equation)
        yield Variation("sigma is the activation of its layer, g[l]", tree)


def _exponents(equation: Equation) -> Iterator[Variation]:
    """`ln(x)^n` as `ln(x^n)`."""
    for place in places(equation):
        part = place.part
        call = part.left if isinstance(part, Binary) and part.sign == "^" else None
        if isinstance(part, Binary) and isinstance(call, Call) and call.arguments and not summed_call(call):
            first, *rest = call.arguments
            inside = Binary("^", first, part.right)
            new = replace(call, arguments=(inside, *rest))
            words = f"the exponent {exact(part.right)} belongs to the argument of {exact(call.function)}"
            yield Variation(words, _changed(equation, place.path, new))


def _kept_dimensions(equation: Equation) -> Iterator[Variation]:
    """`sum(x, axis=1)` with the column kept a column."""

    def kept(part: Formula) -> Formula:
        if not (isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in ("sum", "mean")):
            return part
        if "keepdims" in part.names:
            return part
        names, arguments = part.names, part.arguments
        if "axis" not in names and len(arguments) == 2 and isinstance(arguments[1], Number):
            names = ("axis",)
        if "axis" not in names:
            return part
        return replace(part, arguments=(*arguments, Symbol("True")), names=(*names, "keepdims"))

    tree = equation.mapped(kept)
    if tree != equation:
        assert isinstance(tree, Equation)
        yield Variation("keepdims=True is added to the sum", tree)


def penalty_of(equation: Equation) -> Symbol | None:
    """What scales a penalty on the weights."""
    found = (p.part for p in places(equation) if p.role == "operand" and isinstance(p.part, Symbol))
    return next((x for x in found if x.name in PENALTIES and x.layer is None), None)


def between_dots(tree: Equation) -> Iterator[str]:
    """`[a(1), …, a(2), …, a(m)]`: a number between two rows of dots must stand for any."""
    for place in places(tree):
        part = place.part
        if isinstance(part, Array) and part.columns == len(part.entries) and part.entries.count(Dots()) == 2:
            first, *_ = part.entries
            at = [i for i, x in enumerate(part.entries) if isinstance(x, Dots)]
            for middle in part.entries[at[0] + 1 : at[1]] if at[1] - at[0] == 2 else ():
                numbers = [x for x, y in zip(middle.parts, first.parts, strict=False) if x != y]
                if numbers and any(isinstance(x, Number) for x in numbers):
                    yield f"{exact(middle)} between the dots stands for any entry"


def matrix_product_first(tree: Equation, readings: Sequence[Equation]) -> list[Equation]:
    """Of `A · B * C`, in which nothing says which product is taken first, the readings that take the star first."""
    starred = {
        Binary("·", dot.left, Binary("*", dot.right, star.right))
        for star in tree.parts
        if isinstance(star, Binary) and star.sign == "*"
        for dot in (star.left,)
        if isinstance(dot, Binary) and dot.sign == "·"
    }
    return [other for other in readings if any(part in starred for part in other.parts)]
