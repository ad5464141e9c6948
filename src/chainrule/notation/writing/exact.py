"""Formulas in one line of ASCII that is read back as the very same tree.

The other ways of writing drop parentheses and join signs where the value is the same. A correction that only moves a
parenthesis, or writes another sign, must show that.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from ..formula import Binary, Bound, Call, Cases, Formula, Index, Number, Partial, Slice, Sum, Symbol
from ..reading.parts import WITHOUT_LAYER
from .ascii import Ascii
from .signs import ATOM, MINUS, POWER, PRODUCT, SUM


class Exact(Ascii):
    """Every parenthesis of the tree, and a sign of its own for every product but ∘, which is `*`."""

    products: ClassVar[dict[str, str]] = {"*": " * ", "·": " . ", "∘": " * ", "@": " @ ", " ": " ", "⊗": " ⊗ "}

    def binary(self, f: Binary) -> tuple[str, int]:
        own = SUM if f.sign in "+-" else POWER if f.sign == "^" else PRODUCT
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        if f.sign == "^":
            return f"{self.within(a, p, ATOM)}^{self.within(b, q, ATOM)}", own
        sign = f" {f.sign} " if f.sign in "+-/" else self.products[f.sign]
        if f.sign == "/" and all(isinstance(x, Number | Symbol) for x in (f.left, f.right)):
            sign = "/"
        return f"{self.within(a, p, own)}{sign}{self.within(b, q, own + 1)}", own

    def number(self, value: Fraction) -> tuple[str, int]:
        binding = ATOM if value >= 0 else MINUS
        if value.denominator == 1:
            return str(value.numerator), binding
        decimal = repr(float(value))
        if Fraction(decimal) == value:
            return decimal, binding
        return f"{value.numerator}/{value.denominator}", PRODUCT

    def sum(self, f: Sum, big: str = "sum") -> tuple[str, int]:
        body, binding = self.put(f.body)
        body = self.within(body, binding, PRODUCT)
        bounds = [b for b in f.bounds if isinstance(b, Bound)]
        if len(bounds) > 1 and all(b.lower is None and b.upper is None for b in bounds):
            return f"{big}_{{{','.join(self.bound(b) for b in bounds)}}} {body}", MINUS
        return " ".join([*(self.sigma(b, big) for b in bounds), body] if bounds else [big, body]), MINUS

    def partial(self, f: Partial) -> tuple[str, int]:
        (above, p), (below, q) = self.put(f.numerator), self.put(f.denominator)
        above, below = self.within(above, p, ATOM), self.within(below, q, ATOM)
        simple = isinstance(f.numerator, Symbol | Index) or (  # dg(x)/dx, but d/dx sin(x)
            isinstance(f.numerator, Call) and not _is_spelled(f.numerator.function)
        )
        return (f"d{above}/d{below}" if simple else f"d/d{below} {above}"), ATOM

    def cases(self, f: Cases) -> str:
        return "; ".join(f"{self.whole(b)} {w}".strip() for b, w in zip(f.branches, f.words, strict=False))

    def indexed(self, f: Index) -> str:
        body, binding = self.put(f.base)
        return f"{self.within(body, binding, ATOM)}[{', '.join(self.whole(x) for x in f.entries)}]"

    def would_be_layer(self, base: Symbol, entries: tuple[Formula, ...]) -> bool:
        """Whether a[i], an entry, would be read as a of layer i."""
        bare = base.layer is None and base.sample is None and not base.prime and base.name not in WITHOUT_LAYER
        return bare and len(entries) == 1 and not isinstance(entries[0], Slice)

    def put(self, f: Formula) -> tuple[str, int]:
        if isinstance(f, Index) and isinstance(f.base, Symbol) and self.would_be_layer(f.base, f.entries):
            below = ",".join(self.tight(x) for x in f.entries)
            return f"{self.whole(f.base)}_{below if len(below) == 1 else f'{{{below}}}'}", ATOM
        if isinstance(f, Index):  # an entry of a letter shows its indices as they are
            return self.indexed(f), ATOM
        return super().put(f)


def _is_spelled(function: Formula) -> bool:
    """Whether the name of a function has several letters, `sin`, `sigma`, to which a d cannot be joined."""
    return isinstance(function, Symbol) and len(function.name) > 1
