"""Formulas in one line of text: ASCII as NumPy has it, and Unicode for a terminal."""

from __future__ import annotations

import re
from typing import ClassVar

from ..formula import Array, Binary, Bound, Call, Cases, Formula, Index, Limit, Number, Partial, Sum, Symbol, Transpose
from .forms import conditional, is_scalar, is_size, looks_indexed, running, would_be_derivative
from .signs import ATOM, DELTA_ASCII, ENTRIES, GREEK, HATS, MINUS, POWER, PRODUCT, RELATIONS, TIGHT, changed, lowered
from .writer import Juxtaposing, Writer


class Ascii(Writer):
    """What Python reads: `*`, `/` and `@` bind alike, from the left."""

    dots = "..."
    products: ClassVar[dict[str, str]] = {"*": " * ", "·": " * ", "∘": " * ", "@": " @ ", " ": " @ "}

    def relation(self, sign: str) -> str:
        return {"≈": "≈", **{s: s for s in RELATIONS}}.get(sign, sign)

    def sign(self, f: Binary, a: str, b: str) -> str:
        return self.products[f.sign]

    def product(self, f: Binary) -> tuple[str, int]:
        if f.sign == "⊗":
            return f"outer({self.whole(f.left)}, {self.whole(f.right)})", ATOM
        return super().product(f)

    def power(self, f: Binary) -> str:
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        if looks_indexed(f, self.style) or a.endswith("ᵀ"):
            a = self.brackets(a)
        if isinstance(f.left, Array) and isinstance(f.right, Array):  # what stands above a bracket is its layer
            return f"{self.brackets(a)}{self.raised}{self.brackets(b)}"
        scripted = isinstance(f.right, Index) or (isinstance(f.right, Symbol) and f.right.layer is not None)
        if (q <= POWER or scripted) and self.raised == "^":  # x^(2) is a sample's number to a reader
            return self.compound(self.within(a, p, POWER + 1), b)
        return f"{self.within(a, p, POWER + 1)}{self.raised}{self.within(b, q, POWER + 1)}"

    def compound(self, base: str, exponent: str) -> str:
        """A power whose exponent is a sum or a product."""
        return f"{base}**{self.brackets(exponent)}"

    raised = " ** "

    def quotient(self, f: Binary) -> tuple[str, int]:
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        number = isinstance(f.left, Number) or (isinstance(f.left, Symbol) and f.left.name in GREEK)
        compact = (number and isinstance(f.right, Number | Symbol)) or is_size(f.right)
        a = self.within(a, p, PRODUCT)
        quotient_of_changes = would_be_derivative(f)
        if running(f.left) is not None or self.left_brackets("/", f.left) or quotient_of_changes:
            a = self.brackets(a)
        b = self.within(b, q, PRODUCT + 1)
        if is_size(f.right) and b.startswith("("):
            b = b.replace(" * ", "*").replace(" · ", "·")
        return (f"{a}/{b}" if compact else f"{a} / {b}"), PRODUCT

    def symbol(self, f: Symbol, entries: tuple[Formula, ...]) -> str:
        name = self.name(f.name)
        if f.layer is not None and self.style.notation == "delta":
            return self.subscripted(f, name, entries)
        if f.layer is not None:
            name += f"[{self.tight(f.layer)}]"
        name += self.primes(f.prime)
        if f.sample is not None:
            name += f"({self.tight(f.sample)})"
        if entries:
            name += f"[{', '.join(self.tight(x) for x in entries)}]"
        return name

    def subscripted(self, f: Symbol, name: str, entries: tuple[Formula, ...]) -> str:
        assert f.layer is not None
        layer = self.tight(f.layer)
        primes = self.primes(f.prime)
        if primes.startswith("'"):
            name, primes = name + primes, ""
        body = f"{name}_{layer if len(layer) == 1 else f'{{{layer}}}'}{primes}"
        if f.sample is not None:
            body += f"({self.tight(f.sample)})"
        if entries:  # behind a sample's number, a raised one would be a power
            inner = ",".join(self.tight(x) for x in entries)
            body += f"^{{{inner}}}" if f.sample is None else f"[{inner}]"
        return body

    def tight(self, f: Formula) -> str:
        return self.whole(f).replace(" ", "")

    def name(self, name: str) -> str:
        return DELTA_ASCII.get(name, name) if self.style.notation == "delta" else name

    def primes(self, count: int) -> str:
        return ".prime" * (count == 1) or "'" * count

    def indexed(self, f: Index) -> str:
        body, binding = self.put(f.base)
        return f"{self.within(body, binding, ATOM)}[{', '.join(self.tight(x) for x in f.entries)}]"

    def call(self, f: Call) -> tuple[str, int]:
        if (found := conditional(f)) is not None:
            (a, sign, b), *branches = found
            asked = f"{self.whole(a)} {sign} {self.whole(b)}"
            return f"where({', '.join([asked, *map(self.whole, branches)])})", ATOM
        plain, named = self.arguments(f)
        function, binding = self.put(f.function)
        inside = ", ".join([*plain, *(f"{n}={x}" for n, x in named.items())])
        return f"{self.within(function, binding, ATOM)}({inside})", ATOM

    def transpose(self, f: Transpose) -> str:
        body, binding = self.put(f.operand)
        return f"{self.within(body, binding, ATOM)}.T"

    big: ClassVar[dict[str, str]] = {}

    def sum(self, f: Sum, big: str = "sum") -> tuple[str, int]:
        big = self.big.get(big, big)
        body, binding = self.put(f.body)
        body = self.within(body, binding, PRODUCT)
        if not f.bounds:
            return f"{big} {body}", PRODUCT
        return " ".join([*(self.sigma(b, big) for b in f.bounds), body]), PRODUCT

    def sigma(self, b: Formula, big: str) -> str:
        assert isinstance(b, Bound)
        below = self.bound(b).replace(" ", "")
        sign = big + (f"_{below}" if re.fullmatch(r"\w", below) and b.upper is None else f"_{{{below}}}")
        return sign if b.upper is None else f"{sign}^{{{self.tight(b.upper)}}}"

    def limit(self, f: Limit) -> tuple[str, int]:
        body, binding = self.put(f.body)
        below = f"{self.tight(f.letter)}{self.relation('->')}{self.tight(f.place)}"
        return f"lim_{{{below}}} {self.within(body, binding, PRODUCT)}", MINUS

    d = "d"

    def partial(self, f: Partial) -> tuple[str, int]:
        below, q = self.put(f.denominator)
        below = self.d + self.within(below, q, ATOM)
        if isinstance(f.numerator, Symbol | Index):
            return f"{self.d}{self.whole(f.numerator)}/{below}", TIGHT - 15
        return f"{self.d}/{below}({self.whole(f.numerator)})", TIGHT - 15

    def array(self, f: Array) -> str:
        rows = [f.entries[i : i + f.columns] for i in range(0, len(f.entries), max(f.columns, 1))]
        shown = [f"[{', '.join(self.whole(x) for x in row)}]" for row in rows]
        return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"

    def cases(self, f: Cases) -> str:
        parts = (f"{self.whole(b)} {w}".strip() for b, w in zip(f.branches, f.words, strict=True))
        return f"{{{'; '.join(parts)}}}"


class Unicode(Juxtaposing, Ascii):
    """For a terminal: `·` after a number, nothing between matrices, ᵀ, Greek letters."""

    dots = "…"
    products: ClassVar[dict[str, str]] = {"*": " * ", "·": " · ", "∘": " * ", "@": " ", " ": " ", "⊗": " ⊗ "}
    raised = "^"
    big: ClassVar[dict[str, str]] = {"sum": "Σ", "prod": "∏"}
    d = "∂"

    def relation(self, sign: str) -> str:
        return RELATIONS.get(sign, sign)

    def sign(self, f: Binary, a: str, b: str) -> str:
        if self.style.notation == "delta" and f.sign in ENTRIES and not is_scalar(f.left):
            return " ∘ "
        if self.products[f.sign] == " " and b[:1].isdigit():
            return " · "
        return self.products[f.sign]

    def product(self, f: Binary) -> tuple[str, int]:
        return Writer.product(self, f)

    def name(self, name: str) -> str:
        if name in HATS:
            return HATS[name]
        if name in GREEK:
            return GREEK[name]
        if name.startswith("d") and (name[1:] in HATS or name[1:] in GREEK):
            return "d" + (HATS.get(name[1:]) or GREEK[name[1:]])
        if (letter := changed(name)) is not None:
            return f"Δ{self.name(letter)}"
        stem, _, below = name.partition("_")
        return f"{self.name(stem)}{lowered(below)}" if stem and below.isdigit() else name

    def primes(self, count: int) -> str:
        return "'" * count

    def transpose(self, f: Transpose) -> str:
        body, binding = self.put(f.operand)
        greek = isinstance(f.operand, Symbol) and f.operand.name in GREEK and self.style.layer == "subscript"
        if body.endswith("ᵀ") or greek:
            body = self.brackets(body)
        return f"{self.within(body, binding, ATOM)}ᵀ"
