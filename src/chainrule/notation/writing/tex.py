"""Formulas in LaTeX. How a function looks is said by the record of its operation alone."""

from __future__ import annotations

import re
from fractions import Fraction

from ... import ops
from ...graph import OPS, Op
from ..formula import ONE, Array, Binary, Bound, Call, Cases, Formula, Index, Limit, Partial, Sum, Symbol, Transpose
from .forms import conditional, ends_in_number, is_scalar, looks_indexed, would_be_derivative
from .signs import ATOM, ENTRIES, GREEK, HATS, MINUS, POWER, PRODUCT, TEX_RELATIONS, changed
from .writer import Juxtaposing

assert ops.ACTIVATIONS  # the records are in `OPS` once their rooms are imported


def _functions() -> dict[tuple[str, int], Op]:
    """Name and number of operands, as printed -> operation: two-operand `max` is `maximum`, the other is `max`."""
    found: dict[tuple[str, int], Op] = {}
    for op in OPS.values():
        name = re.match(r"(\w+)\(", op.text)
        if name:
            found.setdefault((name[1], op.arity), op)
    found["ln", 1] = OPS["log"]
    return found


FUNCTIONS = _functions()
_SPELLED = {"sign"}  # written by their name: "sgn" is no function to every reader


class Latex(Juxtaposing):
    postfix = POWER
    bar = r"\Big|"
    dots = r"\dots"
    fractions = True

    def relation(self, sign: str) -> str:
        return TEX_RELATIONS.get(sign, sign)

    def brackets(self, body: str) -> str:
        tall = any(x in body for x in (r"\frac", r"\sum", r"\prod", r"\begin"))
        return rf"\left({body}\right)" if tall else f"({body})"

    def sign(self, f: Binary, a: str, b: str) -> str:
        if f.sign in ENTRIES and not is_scalar(f.left):
            return f" {self.style.product} " if self.style.product else " "
        if f.sign == "⊗":
            return r" \otimes "
        if b[:1].isdigit() or f.left == ONE or (b.startswith(r"\frac") and ends_in_number(f.left)):
            return r" \cdot "
        match f.left:  # dW x would be set as dWx
            case Symbol(name=name, layer=None, sample=None) if len(name) > 1 and name.startswith("d"):
                return r" \, "
        return " "

    def power(self, f: Binary) -> str:
        (a, p), above = self.put(f.left), self.whole(f.right)
        if looks_indexed(f, self.style) or (isinstance(f.left, Symbol | Index) and "^" in a):
            a, p = self.brackets(a), ATOM
        a = self.within(a, p, POWER + 1) if not isinstance(f.left, Call) or p < ATOM else a
        if isinstance(f.left, Call):
            a = self.brackets(a)
        return f"{a}^{above}" if len(above) == 1 else f"{a}^{{{above}}}"

    def quotient(self, f: Binary) -> tuple[str, int]:
        above = self.whole(f.left)
        if would_be_derivative(f):
            above = self.brackets(above)
        return rf"\frac{{{above}}}{{{self.whole(f.right)}}}", ATOM

    def fraction(self, value: Fraction) -> tuple[str, int]:
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}", ATOM

    def name(self, name: str) -> str:
        if len(name) == 1:
            return name
        if name in GREEK:
            return f"\\{name}"
        if (letter := changed(name)) is not None:
            return rf"\Delta {self.name(letter)}"
        stem, _, below = name.partition("_")
        if stem and below.isalnum():
            upright = rf"\mathrm{{{below}}}" if below.isalpha() and len(below) > 1 else below
            return f"{self.name(stem)}_{upright if len(upright) == 1 else f'{{{upright}}}'}"
        if name.endswith("hat") and len(name) == 4:
            return rf"\hat{{{name[0]}}}"
        if name.startswith("d") and (len(name) == 2 or name[1:] in GREEK or name[1:] in HATS):
            return "d" + ((" " if name[1:] in GREEK else "") + self.name(name[1:]))
        return rf"\mathrm{{{name}}}"

    def symbol(self, f: Symbol, entries: tuple[Formula, ...], extra: str = "") -> str:
        body, above, below = self.name(f.name), "", ""
        if f.layer is not None:
            layer = self.whole(f.layer).replace(" ", "")
            kind = "subscript" if f.name == "n" else self.style.layer  # n_l, the width of layer l
            if kind == "subscript":
                below = layer
            else:
                above = {"brackets": f"[{layer}]", "superscript": layer}.get(kind, f"({layer})")
        if f.prime:
            above += r"\prime" * f.prime
        if f.sample is not None:
            above += f"({self.whole(f.sample)})"
        if entries:
            inner = [self.whole(x).replace(" ", "") for x in entries]
            joined = ("" if all(len(x) == 1 and x != ":" for x in inner) else ",").join(inner)
            if self.style.layer == "subscript" and f.layer is not None:
                above += joined
            else:
                below = joined
        above += extra
        if below:
            body = f"{{{body}}}" if "_" in body else body  # x_1 has an index in its name
            body += f"_{below}" if len(below) == 1 else f"_{{{below}}}"
        if above:
            bare = above.removesuffix("T") == r"\prime" * f.prime and f.prime and not extra
            body += "'" * f.prime if bare else f"^{above}" if len(above) == 1 else f"^{{{above}}}"
        return body

    def indexed(self, f: Index) -> str:
        inner = [self.whole(x).replace(" ", "") for x in f.entries]
        joined = ("" if all(len(x) == 1 and x != ":" for x in inner) else ",").join(inner)
        body = self.whole(f.base)
        return f"{self.brackets(body)}_{{{joined}}}"

    def transpose(self, f: Transpose) -> str:
        if isinstance(f.operand, Symbol):
            return self.symbol(f.operand, (), "T")
        return f"{self.brackets(self.whole(f.operand))}^T"

    def call(self, f: Call) -> tuple[str, int]:
        if (found := conditional(f)) is not None:
            (a, sign, b), x, y = found
            if any(isinstance(part, Array) for part in f.parts):  # a matrix of numbers is no entry of a list of cases
                inside = ", ".join([f"{self.whole(a)} {sign} {self.whole(b)}", self.whole(x), self.whole(y)])
                return rf"\operatorname{{where}}{self.brackets(inside)}", ATOM
            asked = rf"\text{{if }} {self.whole(a)} {sign} {self.whole(b)}"
            rows = rf"{self.whole(x)} & {asked} \\ {self.whole(y)} & \text{{otherwise}}"
            return rf"\begin{{cases}} {rows} \end{{cases}}", ATOM
        plain, named = self.arguments(f)
        function = f.function
        simple = isinstance(function, Symbol) and function.layer is None and not function.prime
        op = FUNCTIONS.get((function.name, len(plain))) if simple and isinstance(function, Symbol) else None
        if op is not None and _is_plain(op):
            operands = [
                x if _enclosed(op.latex, i) else self.within(x, self.put(f.arguments[i])[1], PRODUCT)
                for i, x in enumerate(plain)
            ]
            body = op.latex.format(*operands, **named)
            return _shrunk(body), POWER if op.latex.startswith("e^") else ATOM
        if simple and isinstance(function, Symbol) and len(function.name) > 1 and function.name not in GREEK:
            shown = rf"\operatorname{{{function.name}}}"
        else:
            shown = self.within(*self.put(function), ATOM)
        inside = ", ".join([*plain, *(rf"\mathrm{{{n}}} = {x}" for n, x in named.items())])
        return f"{shown}{self.brackets(inside)}", ATOM

    def sum(self, f: Sum, big: str = "sum") -> tuple[str, int]:
        body, binding = self.put(f.body)
        body = self.within(body, binding, PRODUCT)
        return " ".join([*(self.sigma(b, big) for b in f.bounds or (Bound(),)), body]), PRODUCT

    def limit(self, f: Limit) -> tuple[str, int]:
        body, binding = self.put(f.body)
        place = f"{self.whole(f.letter)} \\to {self.whole(f.place)}"
        return rf"\lim_{{{place}}} {self.within(body, binding, PRODUCT)}", MINUS

    def sigma(self, b: Formula, big: str) -> str:
        assert isinstance(b, Bound)
        sign = f"\\{big}"
        if below := self.bound(b).replace(" ", ""):
            sign += f"_{below}" if len(below) == 1 else f"_{{{below}}}"
        if b.upper is not None:
            above = self.whole(b.upper)
            sign += f"^{above}" if len(above) == 1 else f"^{{{above}}}"
        return sign

    def partial(self, f: Partial) -> tuple[str, int]:
        below, q = self.put(f.denominator)
        below = r"\partial " + self.within(below, q, ATOM)
        if isinstance(f.numerator, Symbol | Index):
            return rf"\frac{{\partial {self.whole(f.numerator)}}}{{{below}}}", ATOM
        return rf"\frac{{\partial}}{{{below}}} \left[{self.whole(f.numerator)}\right]", PRODUCT

    def array(self, f: Array) -> str:
        rows = [f.entries[i : i + f.columns] for i in range(0, len(f.entries), max(f.columns, 1))]
        inner = r" \\ ".join(" & ".join(self.whole(x) for x in row) for row in rows)
        return rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"

    def cases(self, f: Cases) -> str:
        rows = (rf"{self.whole(b)} & \text{{{w}}}" for b, w in zip(f.branches, f.words, strict=True))
        inner = r" \\ ".join(rows)
        return rf"\begin{{cases}} {inner} \end{{cases}}"


def _is_plain(op: Op) -> bool:
    """Whether the template of an operation needs its operands only, and holds no inequality, which no formula has."""
    return op.pointwise and ">" not in op.latex and "{lo}" not in op.latex and op.name not in _SPELLED


def _shrunk(body: str) -> str:
    r"""`\left(z\right)` as `(z)` where nothing inside is taller than a line."""
    match = re.fullmatch(r"(.*?)\\left\((.*)\\right\)", body, re.DOTALL)
    if match and not any(x in match[2] for x in (r"\frac", r"\sum", r"\begin", r"\left")):
        return f"{match[1]}({match[2]})"
    return body


def _enclosed(template: str, operand: int) -> bool:
    """Whether brackets of the template hold this operand alone."""
    place = template.find(f"{{{operand}}}")
    before, after = template[:place], template[place + 3 :]
    opened = before.endswith(("(", "{{", "|", "[", ", ", "(1 + "))
    return opened and after.startswith((r"\right", "}}", ")", ",", "|", " >"))
