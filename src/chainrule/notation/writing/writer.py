"""The walk over a formula that every way of writing shares; a way of writing fills in its signs and names."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from ..formula import (
    Array,
    At,
    Binary,
    Bound,
    Call,
    Cases,
    Dots,
    Equation,
    Formula,
    Index,
    Limit,
    Negate,
    Number,
    Partial,
    Range,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from ..style import Style
from .forms import ends_in_sum, is_scalar, leads_with_matrices, leads_with_minus, leads_with_multiple, running
from .signs import ATOM, ENTRIES, EQUATION, MINUS, POWER, PRODUCT, PRODUCTS, RELATIONS, SUM


class Writer:
    """The walk over a tree: every method returns the written form and how strongly it binds."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def whole(self, f: Formula) -> str:
        return self.put(f)[0]

    def put(self, f: Formula) -> tuple[str, int]:
        match f:
            case Equation():
                parts = [self.whole(f.sides[0])]
                for relation, side in zip(f.relations, f.sides[1:], strict=True):
                    parts += [self.relation(relation), self.whole(side)]
                return " ".join(parts), EQUATION
            case Number():
                return self.number(f.value)
            case Symbol():
                return self.symbol(f, ()), ATOM
            case Slice():
                return ":", ATOM
            case Range():
                ends = ("" if x is None else self.whole(x).replace(" ", "") for x in (f.first, f.last))
                return ":".join(ends), ATOM
            case Index(base=Symbol() as base):
                return self.symbol(base, f.entries), ATOM
            case Index():
                return self.indexed(f), ATOM
            case Call(function=Index(base=Symbol(name=name))) if (over := running(f)) is not None:
                return self.sum(over, name)
            case Call():
                return self.call(f)
            case Negate():
                inner, binding = self.put(f.operand)
                return f"-{self.within(inner, binding, PRODUCT)}", MINUS
            case Binary():
                return self.binary(f)
            case Transpose():
                return self.transpose(f), self.postfix
            case Sum():
                return self.sum(f)
            case Limit():
                return self.limit(f)
            case Partial():
                return self.partial(f)
            case At():
                return f"{self.brackets(self.whole(f.body))}{self.bar}_{{{self.whole(f.place)}}}", ATOM
            case Dots():
                return self.dots, ATOM
            case Array():
                return self.array(f), ATOM
            case Cases():
                return self.cases(f), ATOM
            case Bound():
                return self.bound(f), EQUATION
        raise TypeError(f"{type(f).__name__} is no part of a formula that can be written")

    postfix = ATOM
    bar = "|"
    dots = "…"

    def within(self, body: str, binding: int, least: int) -> str:
        return body if binding >= least else self.brackets(body)

    def brackets(self, body: str) -> str:
        return f"({body})"

    def relation(self, sign: str) -> str:
        return RELATIONS.get(sign, sign)

    def binary(self, f: Binary) -> tuple[str, int]:
        if f.sign in "+-":
            (a, p), (b, q) = self.put(f.left), self.put(f.right)
            a = self.within(a, p, SUM) if not ends_in_sum(f.left) else self.brackets(a)
            b = self.within(b, q, SUM + 1 if f.sign == "-" else SUM)
            if leads_with_minus(f.right) and q >= SUM:
                b = self.brackets(b) if not b.startswith(("(", r"\left(")) else b
            return f"{a} {f.sign} {b}", SUM
        if f.sign == "^":
            return self.power(f), POWER
        if f.sign == "/":
            return self.quotient(f)
        return self.product(f)

    def product(self, f: Binary) -> tuple[str, int]:
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        a = self.within(a, p, PRODUCT)
        if running(f.left) is not None or self.left_brackets(f.sign, f.left):
            a = self.brackets(a)
        b = self.within(b, q, PRODUCT)
        if q >= PRODUCT and isinstance(f.right, Binary) and self.right_brackets(f):
            b = self.brackets(b)
        return f"{a}{self.sign(f, a, b)}{b}", PRODUCT

    def left_brackets(self, sign: str, left: Formula) -> bool:
        return False

    def right_brackets(self, f: Binary) -> bool:
        """Whether `a (b c)` needs its parentheses: not where `(a b) c` has the same value."""
        assert isinstance(f.right, Binary)
        if f.right.sign not in PRODUCTS or (f.right.sign == "/" and self.fractions):
            return False
        if f.sign == "·" or (f.sign == "*" and is_scalar(f.left)):
            return self.scalar_brackets(f.right)
        if f.sign in ENTRIES:
            return f.right.sign not in ("*", "∘", "·", "/")
        return not (f.sign in "@ " and leads_with_matrices(f.right))

    fractions = False

    def scalar_brackets(self, right: Binary) -> bool:
        return False

    def sign(self, f: Binary, a: str, b: str) -> str:
        raise NotImplementedError

    def power(self, f: Binary) -> str:
        raise NotImplementedError

    def quotient(self, f: Binary) -> tuple[str, int]:
        raise NotImplementedError

    def number(self, value: Fraction) -> tuple[str, int]:
        if value < 0:
            body, binding = self.number(-value)
            return f"-{self.within(body, binding, PRODUCT)}", MINUS
        if value.denominator == 1 and value < 10**15:
            return str(value.numerator), ATOM
        if value.denominator > 12 or value.numerator > 999:
            if value.denominator == 1:
                return str(value.numerator), ATOM
            return f"{Decimal(repr(float(value))):f}", ATOM
        return self.fraction(value)

    def fraction(self, value: Fraction) -> tuple[str, int]:
        return f"{value.numerator}/{value.denominator}", PRODUCT

    def symbol(self, f: Symbol, entries: tuple[Formula, ...]) -> str:
        raise NotImplementedError

    def indexed(self, f: Index) -> str:
        raise NotImplementedError

    def call(self, f: Call) -> tuple[str, int]:
        raise NotImplementedError

    def transpose(self, f: Transpose) -> str:
        raise NotImplementedError

    def sum(self, f: Sum, big: str = "sum") -> tuple[str, int]:
        raise NotImplementedError

    def partial(self, f: Partial) -> tuple[str, int]:
        raise NotImplementedError

    def limit(self, f: Limit) -> tuple[str, int]:
        raise NotImplementedError

    def array(self, f: Array) -> str:
        raise NotImplementedError

    def cases(self, f: Cases) -> str:
        raise NotImplementedError

    def bound(self, f: Bound) -> str:
        body = "" if f.index is None else self.whole(f.index)
        return body if f.lower is None else f"{body}={self.whole(f.lower)}"

    def arguments(self, f: Call) -> tuple[list[str], dict[str, str]]:
        plain = len(f.arguments) - len(f.names)
        named = {n: self.whole(x) for n, x in zip(f.names, f.arguments[plain:], strict=True)}
        return [self.whole(x) for x in f.arguments[:plain]], named


class Juxtaposing(Writer):
    """Ways of writing that put nothing between matrices."""

    def left_brackets(self, sign: str, left: Formula) -> bool:
        """Without a sign between them, matrices bind more strongly than entries under `*`."""
        if not isinstance(left, Binary) or left.sign not in PRODUCTS:
            return False
        if sign in ("@", " "):
            return left.sign in ("*", "∘", "/", "⊗")
        return sign == "⊗" or left.sign == "⊗" or (sign == "/" and left.sign in ("@", " "))

    def right_brackets(self, f: Binary) -> bool:
        assert isinstance(f.right, Binary)
        if f.sign in ENTRIES and not is_scalar(f.left) and leads_with_multiple(f.right, self.fractions):
            return True  # A * 2 · B would be read as the matrix product of A * 2 and B
        return f.sign == "⊗" or f.right.sign == "⊗" or super().right_brackets(f)
