"""Derivatives written as fractions, with a slash, or as operators."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ...errors import FormulaError
from ..formula import At, Binary, Call, Equation, Formula, Index, Number, Partial, Symbol, symbols
from .calls import Calls
from .grammar import Factor
from .parts import BRACKETED, COSTS, Item, applies, begins_change, first_item, method_mark, operand_apart, single
from .tokens import is_differential

_TWO = Number(Fraction(2))


class Derivatives(Calls):
    """Resolves derivatives among the factors of a product."""

    def derivative(self, items: list[Item], i: int) -> tuple[Formula, int] | None:
        """A derivative that begins at item i, as a fraction or with a slash, applied where it is an operator."""
        factor = items[i].factor
        second: Formula | None = None
        if factor.kind == "partial" and [kind for kind, _ in factor.marks] == ["sub"]:  # ∂_x of what follows
            if i + 1 == len(items):
                raise self.error(factor.start, "the derivative is taken of nothing: write what follows it")
            letter = self.listed(factor.marks[0][1], factor)
            end = self.end_of_operand(letter, factor, items, i + 1)
            if end > i + 2:
                return Partial(self.product([replace(items[i + 1], sign=""), *items[i + 2 : end]]), letter), end
            operand, j = self.primary(items, i + 1)
            return Partial(operand, letter), j
        if factor.kind == "frac":
            twice = self.second_derivative(factor)
            parts = self.fraction_derivative(factor) if twice is None else twice[:2]
            if parts is None:
                return None
            top, bottom = parts
            second = twice[2] if twice else None
            j = i + 1
            marks = factor.marks
        else:
            above = self.change(items, i)
            if above is None:
                return None
            top, j = above
            if j >= len(items) or items[j].sign != "/" or items[j].negative:
                if factor.kind == "partial":
                    raise self.error(factor.start, "∂ stands outside a fraction")
                return None
            if top is None:
                items = operand_apart(items, j)
            below = self.change(items, j, below=True)
            if below is None or below[0] is None:
                if factor.kind == "partial":
                    raise self.error(items[j].factor.start, "∂ above the bar needs ∂ and a letter below it")
                return None
            bottom, j = below[0], below[1]
            marks = []
        if second is not None and (top is not None or (j < len(items) and items[j].sign == " ")):
            if top is None and items[j].factor.kind in BRACKETED:
                top, j = self.primary(items, j)
            elif top is None:
                top, j = self.product(items[j:]), len(items)
            return self.marked(Partial(Partial(top, bottom), second), marks, factor.start), j
        if top is not None:
            value = self.marked(Partial(top, bottom), marks, factor.start)
            if j < len(items) and items[j].sign == " " and items[j].factor.kind == "lpar":
                place = self.evaluated_at(value, items[j].factor)
                if place is not None:
                    evaluated = self.slope(value, place) or At(value, place)
                    return self.marked(evaluated, items[j].factor.marks, factor.start), j + 1
            return value, j
        if j >= len(items) or items[j].sign != " ":
            raise self.error(factor.start, "the derivative is taken of nothing: write what follows it")
        beside = items[j + 1] if j + 1 < len(items) and items[j + 1].sign == " " else None
        first = items[j].factor
        of_cost = first.kind == "name" and first.value in COSTS and beside is not None and self.is_turned(beside.factor)
        if first.kind in BRACKETED or of_cost:  # ∂/∂z L (a)^T
            operand, after = self.primary(items, j)
            return Partial(operand, bottom), after
        return Partial(self.product(items[j:]), bottom), len(items)

    def evaluated_at(self, value: Formula, factor: Factor) -> Formula | None:
        """The place x of `df/dx (x)`, or None where the bracket is a factor."""
        if not isinstance(value, Partial) or len(factor.value.items) != 1:
            return None
        try:
            place = self.chain(factor.value.items[0])
        except FormulaError:
            return None
        numerator = value.numerator
        letter = numerator.base if isinstance(numerator, Index) else numerator  # h_j, one of several functions
        is_function = isinstance(letter, Symbol) and letter.name in self.letters.functions - COSTS - self.quantities
        same = isinstance(place, Symbol) and place == value.denominator
        applied = isinstance(place, Call) and isinstance(place.function, Symbol)
        anywhere = isinstance(place, Symbol | Index | Number) or applied or not self.letters.network
        return place if same or (is_function and anywhere) else None

    def slope(self, value: Formula, place: Formula) -> Formula | None:
        """g'(z[l]) for the `dg/dz` or `dg(z)/dz` of an activation, evaluated at `z = z[l]` or z[l]; None for others."""
        if not (self.letters.network and isinstance(value, Partial) and isinstance(value.denominator, Symbol)):
            return None
        if isinstance(place, Equation):
            if len(place.sides) != 2 or place.sides[0] != value.denominator:
                return None
            place = place.sides[1]
        by, of = value.denominator, value.numerator
        if all(x.layer is None for x in symbols(place)):
            return None  # of any function, not of an activation
        if isinstance(of, Call) and of.arguments == (by,) and not of.names:
            of = of.function
        bare = by.layer is None and by.sample is None
        known = isinstance(of, Symbol) and of.name in self.letters.functions - COSTS
        if not isinstance(of, Symbol) or not known or not (bare or by == place) or by in of.parts:
            return None
        return Call(replace(of, prime=of.prime + 1), (place,))

    def change(self, items: list[Item], i: int, *, below: bool = False) -> tuple[Formula | None, int] | None:
        """`∂z_k`, `dz`, `d(…)` or a lone d or ∂ at item i: what changes (None for a lone sign), and the next item.

        below  it stands below the bar, where a bracket behind it is the place of the derivative: `dg/dz(x)`
        """
        factor = items[i].factor
        of_a_letter = factor.marks and (factor.marks[0][0] in ("sub", "attr", "idx") or self.is_layered(factor))
        if factor.kind == "name" and factor.value == "d" and of_a_letter:  # d_k, d.T, d[i], d^{[l]}
            return None
        if factor.kind == "partial" or (factor.kind == "name" and factor.value == "d"):
            if factor.marks:
                raise self.error(
                    factor.start, "a higher derivative is only read as \\frac{\\partial^2 L}{\\partial x \\partial y}"
                )
            if i + 1 < len(items) and items[i + 1].sign == " ":
                if below and self.stands_before_a_place(items, i + 1):
                    return self.value(items[i + 1].factor), i + 2
                inner, j = self.primary(items, i + 1)
                return inner, j
            return None, i + 1
        if factor.kind == "name" and is_differential(factor.value) and method_mark(factor.marks) is None:
            bare = Factor("name", factor.value[1:], factor.start + 1, factor.end, factor.marks)
            items = [*items[:i], replace(items[i], factor=bare), *items[i + 1 :]]
            if below and self.stands_before_a_place(items, i):
                return self.value(bare), i + 1
            return self.primary(items, i)
        return None

    def stands_before_a_place(self, items: list[Item], i: int) -> bool:
        """Whether the letter at item i, no function, stands right before a letter in brackets."""
        letter = items[i].factor
        if letter.kind != "name" or i + 1 == len(items) or self.is_function(letter):
            return False
        return self.is_applied(letter, items[i + 1])

    def is_layered(self, factor: Factor) -> bool:
        """Whether a layer stands above, as in d^{[l]} and d^{(3)}: that of a letter."""
        kind, content = factor.marks[0]
        inner = single(content.items[0]) if kind in ("sup", "power") and len(content.items) == 1 else None
        if inner is None or not inner:
            return False
        return inner[0].factor.kind in ("lbrack", "lpar") or inner[0].factor.value in ("l", "L")

    def second_derivative(self, factor: Factor) -> tuple[Formula | None, Formula, Formula] | None:
        """`∂²L/∂z_i∂z_j`, `d²f/dx²`: what is differentiated (None for an operator), by z_j first and then by z_i."""
        top, bottom = factor.value
        if len(top.items) != 1 or len(bottom.items) != 1:
            return None
        above, below = single(top.items[0]), single(bottom.items[0])
        if above is None or below is None or not begins_change(above[0].factor):
            return None
        sign = above[0].factor
        if [kind for kind, _ in sign.marks] != ["sup"] or self.listed(sign.marks[0][1], sign) != _TWO:
            return None
        if sign.kind != "partial" and sign.value != "d":
            return None
        found: list[Formula] = []
        i = 0
        while i < len(below):
            change = self.change(below, i)
            if change is None or change[0] is None:
                return None
            found.append(change[0])
            i = change[1]
        if len(found) == 1 and isinstance(found[0], Binary) and found[0].sign == "^" and found[0].right == _TWO:
            found = [found[0].left, found[0].left]
        if len(found) != 2:
            return None
        numerator = self.product([replace(above[1], sign=""), *above[2:]]) if len(above) > 1 else None
        return numerator, found[1], found[0]

    def fraction_derivative(self, factor: Factor) -> tuple[Formula | None, Formula] | None:
        top, bottom = factor.value
        if len(top.items) != 1 or len(bottom.items) != 1:
            return None
        below = single(bottom.items[0])
        if below is None or not begins_change(below[0].factor):
            return None
        above = first_item(top.items[0])
        if above is None or not begins_change(above.factor):
            return None
        denominator = self.change(below, 0)
        if denominator is None or denominator[0] is None or denominator[1] != len(below):
            return None
        alone = single(top.items[0])
        if alone is not None:
            numerator = self.change(alone, 0)
            if numerator is not None and numerator[1] == len(alone):
                return numerator[0], denominator[0]
        if above.factor.kind != "partial":
            return None
        chain = top.items[0]
        first = chain.sides[0][0][1]
        stripped = [replace(first[0], factors=first[0].factors[1:]), *first[1:]]
        if not stripped[0].factors:
            return None
        side = [(chain.sides[0][0][0], stripped), *chain.sides[0][1:]]
        return self.side(side), denominator[0]

    def as_operator(self, value: Formula, items: list[Item], i: int) -> Formula | None:
        """`∂L/∂w [y z - …]`: a derivative of the cost written where d/dw of what follows may be meant."""
        rest = items[i:]
        if not (isinstance(value, Partial) and isinstance(value.numerator, Symbol) and value.numerator.name in COSTS):
            return None
        if not rest or rest[0].sign != " " or any(x.sign == "/" for x in rest):
            return None
        if not any(x.factor.kind in ("lpar", "lbrack") or applies(x.factor) for x in rest):
            return None
        if any(x.factor.kind in ("partial", "frac") or is_differential(str(x.factor.value)) for x in rest):
            return None
        if rest[0].factor.kind == "lpar":
            return None
        if self.choose("a product with the derivative", "the derivative is taken of what follows it") == 0:
            return None
        return Partial(self.product(rest), value.denominator)
