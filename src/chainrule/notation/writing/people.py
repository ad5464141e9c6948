"""Formulas for people, in the letters that stand there: norms between bars, sums as products with 1.

What is written so is not meant to be read back: `‖X W - Y‖^2`, `1ᵀ(Ŷ - Y)`, `[Z > 0]`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from ..formula import ONE, Binary, Call, Formula, Negate, Number, Symbol, Transpose
from ..style import Style
from .forms import is_scalar
from .scripts import Scripts
from .signs import ATOM, PRODUCTS, lowered, raised
from .tex import Latex

Layer = Literal["brackets", "parentheses", "subscript", "superscript"]
_ONES = Symbol("ones")
_COMPARED = {"greater": ">", "less": "<", "greater_equal": "≥", "less_equal": "≤"}
_TEX_COMPARED = {**_COMPARED, "greater_equal": r"\ge", "less_equal": r"\le"}
_ACCENTED = re.compile(r"([A-Za-z])(hat|tilde|bar)")
_ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304"}
_NUMBERS = frozenset({"m", "n", "N", "alpha", "eta", "lambda"})  # letters of sizes and rates in the texts of the field


@dataclass(frozen=True)
class AsItStands(Style):
    """Signs and places of a style, with the letters that stand there.

    at  where the document puts the number of a layer
    """

    at: Layer = "brackets"

    @classmethod
    def of(cls, layer: Layer, *, plain: bool = False) -> AsItStands:
        """For a document that puts layers there."""
        return cls("delta" if layer == "subscript" else "ng", plain=plain, at=layer)

    @property
    def layer(self) -> Layer:
        return self.at

    @property
    def product(self) -> str:
        return r"\circ" if self.at == "subscript" else r"\odot"

    def shown(self, formula: Formula) -> Formula:
        return formula


class People(Scripts):
    """One line of Unicode."""

    letters_raised = True

    def compound(self, base: str, exponent: str) -> str:
        return f"{base}^({exponent.replace(' ', '')})"

    def symbol(self, f: Symbol, entries: tuple[Formula, ...]) -> str:
        if f == _ONES and not entries:
            return "1"
        shown = [self.tight(x) for x in entries]
        below = lowered("".join(shown)) if len(shown) == 1 or all(len(x) == 1 for x in shown) else None
        if f.layer is not None and self.style.layer == "parentheses":
            above = raised(f"({self.tight(f.layer)})")
            if above and f.sample is None and not f.prime:
                return self.name(f.name) + above + (below or (f"[{', '.join(shown)}]" if shown else ""))
        if below is None or (f.layer is not None and self.style.layer == "subscript"):
            return super().symbol(f, entries)
        return super().symbol(f, ()) + below

    def call(self, f: Call) -> tuple[str, int]:
        return _called(self, f, ("‖", "‖"), _COMPARED) or super().call(f)

    def sign(self, f: Binary, a: str, b: str) -> str:
        ones = f.right.operand if isinstance(f.right, Transpose) else f.right
        return " " if ones == _ONES and f.sign in "@ " else super().sign(f, a, b)

    def power(self, f: Binary) -> str:
        if _is_norm(f.left):  # bars need no brackets around them
            above = self.whole(f.right)
            return self.whole(f.left) + (raised(above) or f"^{self.within(*self.put(f.right), ATOM)}")
        return super().power(f)

    def name(self, name: str) -> str:
        if (found := _ACCENTED.fullmatch(name)) is not None:
            return unicodedata.normalize("NFC", found[1] + _ACCENTS[found[2]])
        return super().name(name)


class PeopleLatex(Latex):
    """The same in LaTeX, for a page."""

    def name(self, name: str) -> str:
        if (found := _ACCENTED.fullmatch(name)) is not None:
            return rf"\{found[2]}{{{found[1]}}}"
        return super().name(name)

    def symbol(self, f: Symbol, entries: tuple[Formula, ...], extra: str = "") -> str:
        if f == _ONES and not entries:
            return rf"\mathbf{{1}}^{extra}" if extra else r"\mathbf{1}"
        return super().symbol(f, entries, extra)

    def call(self, f: Call) -> tuple[str, int]:
        return _called(self, f, (r"\left\|", r"\right\|"), _TEX_COMPARED) or super().call(f)

    def power(self, f: Binary) -> str:
        if _is_norm(f.left):
            return f"{self.whole(f.left)}^{{{self.whole(f.right)}}}"
        return super().power(f)

    def left_brackets(self, sign: str, left: Formula) -> bool:
        if isinstance(left, Binary) and left.sign == "/":
            return False  # a fraction stands by itself
        return super().left_brackets(sign, left)


def _is_norm(f: Formula) -> bool:
    return isinstance(f, Call) and f.function == Symbol("norm") and len(f.arguments) == 1


def _called(
    writer: Scripts | Latex, f: Call, bars: tuple[str, str], compared: dict[str, str]
) -> tuple[str, int] | None:
    """A norm between bars, a comparison in brackets; None for another function."""
    if _is_norm(f):
        return f"{bars[0]}{writer.whole(f.arguments[0])}{bars[1]}", ATOM
    if isinstance(f.function, Symbol) and f.function.name in compared and len(f.arguments) == 2:
        a, b = (writer.whole(x) for x in f.arguments)
        return f"[{a} {compared[f.function.name]} {b}]", ATOM
    return None


# Trees ---------------------------------------------------------------------------------------------------------------


def mathematical(formula: Formula) -> Formula:
    """A sum along an axis as a product with 1, which mathematics has: 1ᵀ X over the rows, X 1 over the columns."""
    return formula.mapped(_without_axis)


def _without_axis(part: Formula) -> Formula:
    if not (isinstance(part, Call) and part.function == Symbol("sum") and "axis" in part.names):
        return part
    plain = len(part.arguments) - len(part.names)
    axis = dict(zip(part.names, part.arguments[plain:], strict=True))["axis"]
    if plain != 1 or axis not in (Number(Fraction(0)), ONE):
        return part
    body = part.arguments[0]
    return Binary("@", body, _ONES) if axis == ONE else Binary("@", Transpose(_ONES), body)


def tidied(formula: Formula) -> Formula:
    """An equal formula with one number in front of every product, and no difference of differences.

    (1/2 · 1/N) (X W) is 1/(2 N) X W, and b - (Y - X W) is X W + b - Y.
    """
    return _tidied(mathematical(formula))


def _tidied(formula: Formula) -> Formula:
    children = tuple(_tidied(x) for x in formula.children)
    if any(a is not b for a, b in zip(children, formula.children, strict=True)):
        formula = formula.rebuilt(children)
    if isinstance(formula, Binary) and formula.sign in "+-":
        return _as_sum(formula)
    if isinstance(formula, Binary) and formula.sign in PRODUCTS:
        return _as_product(formula)
    return formula


def _as_sum(whole: Binary) -> Formula:
    if not (isinstance(whole.right, Binary) and whole.right.sign in "+-"):
        return whole
    found = list(_terms(whole, 1))
    plus, minus = ([x for s, x in found if s == sign] for sign in (1, -1))
    if not plus:
        return whole
    plus.sort(key=lambda x: not (isinstance(x, Binary) and x.sign in PRODUCTS))  # X W + b, as everybody writes it
    body, *rest = plus
    for x in rest:
        body = Binary("+", body, x)
    for x in minus:
        body = Binary("-", body, x)
    return body


def _terms(part: Formula, sign: int) -> Sequence[tuple[int, Formula]]:
    if isinstance(part, Binary) and part.sign in "+-":
        return [*_terms(part.left, sign), *_terms(part.right, sign if part.sign == "+" else -sign)]
    return _terms(part.operand, -sign) if isinstance(part, Negate) else [(sign, part)]


@dataclass(frozen=True)
class _Scaled:
    """value · tops / bottoms · rest; `parts` is the number of places where a number stands."""

    value: Fraction = Fraction(1)
    tops: tuple[Formula, ...] = ()
    bottoms: tuple[Formula, ...] = ()
    rest: Formula | None = None
    parts: int = 0


def _as_product(whole: Binary) -> Formula:
    found = _scaled(whole)
    in_front = _is_number(whole.left) and not _is_number(whole.right)
    if found.rest is None or found.parts == 0 or (found.parts == 1 and in_front):
        return whole
    front = _number_of(found)
    return found.rest if front == ONE else Binary("·", front, found.rest)


def _is_number(f: Formula) -> bool:
    match f:
        case Symbol(name=name, layer=None, sample=None):
            return name in _NUMBERS
        case Binary(sign=sign) if sign in PRODUCTS or sign == "^":
            return _is_number(f.left) and _is_number(f.right)
    return is_scalar(f)


def _scaled(f: Formula) -> _Scaled:
    if isinstance(f, Number):
        return _Scaled(f.value, parts=1)
    if isinstance(f, Symbol) and _is_number(f):
        return _Scaled(tops=(f,), parts=1)
    if isinstance(f, Negate) and (inner := _scaled(f.operand)).parts:
        return _Scaled(-inner.value, inner.tops, inner.bottoms, inner.rest, inner.parts)
    if isinstance(f, Binary) and f.sign == "/" and _is_number(f.right):
        a, b = _scaled(f.left), _scaled(f.right)
        if b.value:
            parts = a.parts if a.rest is None else a.parts + 1
            return _Scaled(a.value / b.value, (*a.tops, *b.bottoms), (*a.bottoms, *b.tops), a.rest, parts)
    if isinstance(f, Binary) and f.sign in PRODUCTS and f.sign not in "/⊗":
        a, b = _scaled(f.left), _scaled(f.right)
        rest = Binary(f.sign, a.rest, b.rest) if a.rest is not None and b.rest is not None else a.rest or b.rest
        return _Scaled(a.value * b.value, a.tops + b.tops, a.bottoms + b.bottoms, rest, a.parts + b.parts)
    return _Scaled(rest=f)


def _number_of(found: _Scaled) -> Formula:
    tops, bottoms = list(found.tops), list(found.bottoms)
    for x in tuple(tops):
        if x in bottoms:
            tops.remove(x)
            bottoms.remove(x)
    size = abs(found.value)
    above = _multiplied(size.numerator, tops)
    below = _multiplied(size.denominator, bottoms)
    whole = above if below == ONE else Binary("/", above, below)
    return Negate(whole) if found.value < 0 else whole


def _multiplied(number: int, letters: Sequence[Formula]) -> Formula:
    factors = [Number(Fraction(number)), *letters] if number != 1 or not letters else list(letters)
    whole = factors[0]
    for x in factors[1:]:
        whole = Binary(" ", whole, x)
    return whole


__all__ = ["AsItStands", "Layer", "People", "PeopleLatex", "mathematical", "tidied"]
