"""Formulas as text and LaTeX, with the fewest parentheses that every reader reads alike.

One walk serves three ways of writing: NumPy-like ASCII (`dW[2] = 1/m * dZ[2] @ A[1].T`), Unicode for terminals
(`dW[2] = 1/m · dZ[2] A[1]ᵀ`) and LaTeX. How a function looks in LaTeX is said by the record of its operation alone.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from .. import ops
from ..graph import OPS, Op
from .formula import (
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
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from .style import Style

assert ops.ACTIVATIONS  # the records are in `OPS` once their rooms are imported

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "nabla": "∇", "ell": "ℓ",
}  # fmt: skip
HATS = {"Yhat": "Ŷ", "yhat": "ŷ", "Ahat": "Â", "ahat": "â"}
DELTA_ASCII = {"epsilon": "eps"}
_RELATIONS = {":=": ":=", "<-": "←", "->": "→", "≈": "≈", "!=": "≠"}
_TEX_RELATIONS = {"<-": r"\leftarrow", "->": r"\to", "≈": r"\approx", "!=": r"\neq"}

# How strongly a written form binds.
EQUATION, SUM, MINUS, PRODUCT, TIGHT, POWER, ATOM = 0, 10, 20, 30, 40, 50, 100
_PRODUCTS = ("*", "·", "∘", "@", " ", "⊗", "/")
_ENTRIES = ("*", "∘")


def text(formula: Formula, style: Style | None = None) -> str:
    """The formula as one line of text.

    style  names and signs; `Style(plain=True)` writes ASCII as NumPy has it, else Unicode for a terminal
    """
    style = style or Style()
    return (_Ascii if style.plain else _Unicode)(style).whole(style.shown(formula))


def latex(formula: Formula, style: Style | None = None) -> str:
    r"""The formula in LaTeX, for math mode: `dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}`."""
    style = style or Style()
    return _Latex(style).whole(style.shown(formula))


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


class _Writer:
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
            case Index(base=Symbol() as base):
                return self.symbol(base, f.entries), ATOM
            case Index():
                return self.indexed(f), ATOM
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
        return _RELATIONS.get(sign, sign)

    def binary(self, f: Binary) -> tuple[str, int]:
        if f.sign in "+-":
            (a, p), (b, q) = self.put(f.left), self.put(f.right)
            a = self.within(a, p, SUM) if not _ends_in_sum(f.left) else self.brackets(a)
            b = self.within(b, q, SUM + 1 if f.sign == "-" else SUM)
            if _leads_with_minus(f.right) and q >= SUM:
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
        if isinstance(f.left, Sum) or self.left_brackets(f.sign, f.left):
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
        if f.right.sign not in _PRODUCTS or (f.right.sign == "/" and self.fractions):
            return False
        if f.sign == "·" or (f.sign == "*" and _scalar(f.left)):
            return self.scalar_brackets(f.right)
        if f.sign in _ENTRIES:
            return f.right.sign not in ("*", "∘", "·", "/")
        return not (f.sign in "@ " and _leads_with_matrices(f.right))

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

    def sum(self, f: Sum) -> tuple[str, int]:
        raise NotImplementedError

    def partial(self, f: Partial) -> tuple[str, int]:
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


class _Ascii(_Writer):
    """What Python reads: `*`, `/` and `@` bind alike, from the left."""

    dots = "..."
    products: ClassVar[dict[str, str]] = {"*": " * ", "·": " * ", "∘": " * ", "@": " @ ", " ": " @ "}

    def relation(self, sign: str) -> str:
        return {"≈": "≈", **{s: s for s in _RELATIONS}}.get(sign, sign)

    def sign(self, f: Binary, a: str, b: str) -> str:
        return self.products[f.sign]

    def product(self, f: Binary) -> tuple[str, int]:
        if f.sign == "⊗":
            return f"outer({self.whole(f.left)}, {self.whole(f.right)})", ATOM
        return super().product(f)

    def power(self, f: Binary) -> str:
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        if _looks_indexed(f.left, self.style) or a.endswith("ᵀ"):
            a = self.brackets(a)
        if q <= POWER and self.raised == "^":  # x^(2) is a sample's number to a reader
            return f"{self.within(a, p, POWER + 1)}**{self.brackets(b)}"
        return f"{self.within(a, p, POWER + 1)}{self.raised}{self.within(b, q, POWER + 1)}"

    raised = " ** "

    def quotient(self, f: Binary) -> tuple[str, int]:
        (a, p), (b, q) = self.put(f.left), self.put(f.right)
        compact = (isinstance(f.left, Number) and isinstance(f.right, Number | Symbol)) or _sizes(f.right)
        a = self.within(a, p, PRODUCT)
        quotient_of_changes = _would_be_derivative(f)
        if isinstance(f.left, Sum) or self.left_brackets("/", f.left) or quotient_of_changes:
            a = self.brackets(a)
        b = self.within(b, q, PRODUCT + 1)
        if _sizes(f.right) and b.startswith("("):
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
        if entries:
            inner = ",".join(self.tight(x) for x in entries)
            body += f"^{{{inner}}}"
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
        plain, named = self.arguments(f)
        function, binding = self.put(f.function)
        inside = ", ".join([*plain, *(f"{n}={x}" for n, x in named.items())])
        return f"{self.within(function, binding, ATOM)}({inside})", ATOM

    def transpose(self, f: Transpose) -> str:
        body, binding = self.put(f.operand)
        return f"{self.within(body, binding, ATOM)}.T"

    big = "sum"

    def sum(self, f: Sum) -> tuple[str, int]:
        body, binding = self.put(f.body)
        body = self.within(body, binding, PRODUCT)
        if not f.bounds:
            return f"{self.big} {body}", PRODUCT
        return " ".join([*(self.sigma(b) for b in f.bounds), body]), PRODUCT

    def sigma(self, b: Formula) -> str:
        assert isinstance(b, Bound)
        below = self.bound(b).replace(" ", "")
        sign = self.big + (f"_{below}" if re.fullmatch(r"\w", below) and b.upper is None else f"_{{{below}}}")
        return sign if b.upper is None else f"{sign}^{{{self.tight(b.upper)}}}"

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


class _Juxtaposing(_Writer):
    """Ways of writing that put nothing between matrices."""

    def left_brackets(self, sign: str, left: Formula) -> bool:
        """Without a sign between them, matrices bind more strongly than entries under `*`."""
        if not isinstance(left, Binary) or left.sign not in _PRODUCTS:
            return False
        if sign in ("@", " "):
            return left.sign in ("*", "∘", "/", "⊗")
        return sign == "⊗" or left.sign == "⊗" or (sign == "/" and left.sign in ("@", " "))

    def right_brackets(self, f: Binary) -> bool:
        assert isinstance(f.right, Binary)
        if f.sign in _ENTRIES and not _scalar(f.left) and _leads_with_multiple(f.right, self.fractions):
            return True  # A * 2 · B would be read as the matrix product of A * 2 and B
        return f.sign == "⊗" or f.right.sign == "⊗" or super().right_brackets(f)


class _Unicode(_Juxtaposing, _Ascii):
    """For a terminal: `·` after a number, nothing between matrices, ᵀ, Greek letters."""

    dots = "…"
    products: ClassVar[dict[str, str]] = {"*": " * ", "·": " · ", "∘": " * ", "@": " ", " ": " ", "⊗": " ⊗ "}
    raised = "^"
    big = "Σ"
    d = "∂"

    def relation(self, sign: str) -> str:
        return _RELATIONS.get(sign, sign)

    def sign(self, f: Binary, a: str, b: str) -> str:
        if self.style.notation == "delta" and f.sign in _ENTRIES and not _scalar(f.left):
            return " ∘ "
        if self.products[f.sign] == " " and b[:1].isdigit():
            return " · "
        return self.products[f.sign]

    def product(self, f: Binary) -> tuple[str, int]:
        return _Writer.product(self, f)

    def name(self, name: str) -> str:
        if name in HATS:
            return HATS[name]
        if name in GREEK:
            return GREEK[name]
        if name.startswith("d") and (name[1:] in HATS or name[1:] in GREEK):
            return "d" + (HATS.get(name[1:]) or GREEK[name[1:]])
        return name

    def primes(self, count: int) -> str:
        return "'" * count

    def transpose(self, f: Transpose) -> str:
        body, binding = self.put(f.operand)
        greek = isinstance(f.operand, Symbol) and f.operand.name in GREEK and self.style.layer == "subscript"
        if body.endswith("ᵀ") or greek:
            body = self.brackets(body)
        return f"{self.within(body, binding, ATOM)}ᵀ"


class _Latex(_Juxtaposing):
    postfix = POWER
    bar = r"\Big|"
    dots = r"\dots"
    fractions = True

    def relation(self, sign: str) -> str:
        return _TEX_RELATIONS.get(sign, sign)

    def brackets(self, body: str) -> str:
        tall = any(x in body for x in (r"\frac", r"\sum", r"\begin", r"\left"))
        return rf"\left({body}\right)" if tall else f"({body})"

    def sign(self, f: Binary, a: str, b: str) -> str:
        if f.sign in _ENTRIES and not _scalar(f.left):
            return f" {self.style.product} " if self.style.product else " "
        if f.sign == "⊗":
            return r" \otimes "
        if b[:1].isdigit() or (b.startswith(r"\frac") and _ends_in_number(f.left)):
            return r" \cdot "
        return " "

    def power(self, f: Binary) -> str:
        (a, p), above = self.put(f.left), self.whole(f.right)
        if _looks_indexed(f.left, self.style):
            a = self.brackets(a)
        if isinstance(f.left, Symbol | Index) and "^" in a:
            return f"{{{a}}}^{{{above}}}" if len(above) > 1 else f"{{{a}}}^{above}"
        a = self.within(a, p, POWER + 1) if not isinstance(f.left, Call) or p < ATOM else a
        if isinstance(f.left, Call):
            a = self.brackets(a)
        return f"{a}^{above}" if len(above) == 1 else f"{a}^{{{above}}}"

    def quotient(self, f: Binary) -> tuple[str, int]:
        above = self.whole(f.left)
        if _would_be_derivative(f):
            above = self.brackets(above)
        return rf"\frac{{{above}}}{{{self.whole(f.right)}}}", ATOM

    def fraction(self, value: Fraction) -> tuple[str, int]:
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}", ATOM

    def name(self, name: str) -> str:
        if len(name) == 1:
            return name
        if name in GREEK:
            return f"\\{name}"
        if name.endswith("hat") and len(name) == 4:
            return rf"\hat{{{name[0]}}}"
        if name.startswith("d") and (len(name) == 2 or name[1:] in GREEK or name[1:] in HATS):
            return "d" + ((" " if name[1:] in GREEK else "") + self.name(name[1:]))
        return rf"\mathrm{{{name}}}"

    def symbol(self, f: Symbol, entries: tuple[Formula, ...], extra: str = "") -> str:
        body, above, below = self.name(f.name), "", ""
        if f.layer is not None:
            layer = self.whole(f.layer).replace(" ", "")
            kind = self.style.layer
            if kind == "subscript":
                below = layer
            else:
                above = f"[{layer}]" if kind == "brackets" else f"({layer})"
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

    def sum(self, f: Sum) -> tuple[str, int]:
        body, binding = self.put(f.body)
        body = self.within(body, binding, PRODUCT)
        return " ".join([*(self.sigma(b) for b in f.bounds or (Bound(),)), body]), PRODUCT

    def sigma(self, b: Formula) -> str:
        assert isinstance(b, Bound)
        sign = r"\sum"
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


def _would_be_derivative(f: Binary) -> bool:
    """Whether a quotient such as dZ / dA would be read as a derivative."""
    below = f.right
    while isinstance(below, Index | Transpose | Binary):
        below = below.children[0]
    return _is_differential(below) and any(_is_differential(x) for _, x in f.left.walk())


def _is_differential(f: Formula) -> bool:
    return isinstance(f, Symbol) and f.name.startswith("d") and len(f.name) > 1


def _is_plain(op: Op) -> bool:
    """Whether the template of an operation needs its operands only, and holds no inequality, which no formula has."""
    return op.pointwise and ">" not in op.latex and "{lo}" not in op.latex and op.name not in _SPELLED


def _looks_indexed(base: Formula, style: Style) -> bool:
    """Whether a raised number would be read as the number of a component."""
    return style.letters.component == "superscript" and isinstance(base, Symbol) and base.layer is not None


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


def _scalar(f: Formula) -> bool:
    """Whether a factor is a number or a size as it stands."""
    match f:
        case Number():
            return True
        case Symbol(name=name):
            return name in ("m", "n", "alpha", "lambda") and f.sample is None
        case Binary(sign=sign):
            return sign in ("/", "*", "·", "^", " ") and _scalar(f.left) and _scalar(f.right)
        case Negate():
            return _scalar(f.operand)
    return False


def _sizes(f: Formula) -> bool:
    """A product of numbers and sizes, as below 1/(2 m)."""
    return isinstance(f, Binary) and _scalar(f)


def _ends_in_number(f: Formula) -> bool:
    return isinstance(f, Number)


def _ends_in_sum(f: Formula) -> bool:
    """Whether what follows would be read into a Σ."""
    while True:
        match f:
            case Sum():
                return True
            case Binary(right=right):
                f = right
            case Negate(operand=operand):
                f = operand
            case _:
                return False


def _leads_with_matrices(f: Formula) -> bool:
    """Whether a product is one of matrices all the way to its beginning."""
    while isinstance(f, Binary) and f.sign in _PRODUCTS:
        if f.sign not in "@ ":
            return False
        f = f.left
    return True


def _leads_with_multiple(f: Formula, fractions: bool) -> bool:
    """Whether a product begins with a product without a star, 2 · B or A B."""
    while isinstance(f, Binary) and f.sign in _PRODUCTS and not (fractions and f.sign == "/"):
        if f.sign in ("·", " ") or (f.sign in _ENTRIES and _scalar(f.left)):
            return True
        f = f.left
    return False


def _leads_with_minus(f: Formula) -> bool:
    while isinstance(f, Binary) and f.sign != "^":
        f = f.left
    return isinstance(f, Negate) or (isinstance(f, Number) and f.value < 0)
