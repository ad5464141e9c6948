"""What people type as a graph: every letter a matrix, a column or a number by how it is written and used.

Upper-case letters are matrices, lower-case letters are columns, Greek letters and `m` and `n` are numbers, except where
they are multiplied as a matrix is, `X @ beta`, or summed alone, `sum(theta**2)`. `x1` and `x_1` are letters of their
own, `x[0]` and `W[0, 1]` are entries, counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from .. import ops
from ..errors import DerivationError, ShapeError
from ..graph import Node, constant, variable
from ..laws import simplify
from ..laws.ring import coefficient
from ..notation import write
from ..notation.formula import Binary, Call, Formula, Index, Negate, Number, Slice, Sum, Symbol, Transpose
from ..notation.style import Style
from ..notation.write import GREEK

_BEYOND = frozenset({"det", "inv", "logdet", "slogdet", "pinv", "eig", "eigvals", "diag", "rank", "svd", "solve"})

_ONE: dict[str, Callable[[Node], Node]] = {
    "exp": ops.exp, "log": ops.log, "ln": ops.log, "log1p": ops.log1p, "expm1": ops.expm1, "sqrt": ops.sqrt,
    "sin": ops.sin, "cos": ops.cos, "erf": ops.erf, "tanh": ops.tanh, "sigmoid": ops.sigmoid, "sigma": ops.sigmoid,
    "sig": ops.sigmoid, "softplus": ops.softplus, "abs": ops.absolute, "sign": ops.sign, "step": ops.step,
    "square": lambda x: x**2, "swish": ops.silu, "logistic": ops.sigmoid,
    "log_softmax": lambda x: ops.activation("log_softmax")(x),
}  # fmt: skip
_REDUCTIONS: dict[str, Callable[..., Node]] = {
    "sum": ops.total, "mean": ops.mean, "average": ops.mean, "lse": ops.lse, "logsumexp": ops.lse,
}  # fmt: skip
_TWO: dict[str, Callable[[Node, Node], Node]] = {
    "dot": lambda a, b: _product(a, b), "matmul": lambda a, b: _product(a, b), "outer": lambda a, b: a @ b.T,
    "multiply": lambda a, b: a * b, "maximum": ops.maximum, "minimum": ops.minimum,
}  # fmt: skip
_NUMBERS = frozenset(GREEK) - {"Sigma", "Lambda", "Theta", "Phi", "Psi", "Omega", "Gamma", "Delta"} | {"m", "n"}
_REDUCED = frozenset({*_REDUCTIONS, "norm", "max", "min"})
_BARE = re.compile(r"(?<![A-Za-z0-9_.\\\[])\\?([A-Za-z]+?)_?(?:\{(\d+)\}|(\d+))(?![\d\w(])")


def numbered(tree: Formula, text: str) -> Formula:
    """`x1` and `x_1` as letters of their own, which `x[1]` is not; W1 of a network stays W[1] where all are such."""
    bare = {(m[1], Fraction(m[2] or m[3])) for m in _BARE.finditer(text)}
    found: dict[Formula, Formula] = {}
    for _, part in tree.walk():
        match part:
            case Index(base=Symbol(name=name, layer=None), entries=(Number(value=value),)) if (name, value) in bare:
                found[part] = Symbol(f"{name}_{value}")
            case Index(base=Symbol(name=name, layer=None), entries=(Number(value=a), Number(value=b))):
                if any(x == name and str(k) == f"{a}{b}" for x, k in bare):
                    raise DerivationError(
                        f"{name}{a}{b} could be a letter of its own or an entry: write {name}[{int(a) - 1}, "
                        f"{int(b) - 1}] for the entry in row {a} and column {b}, counted from 0, or take another letter"
                    )
    if found:
        for _, part in tree.walk():
            if isinstance(part, Symbol) and isinstance(part.layer, Number) and (part.name, part.layer.value) in bare:
                found[part] = Symbol(f"{part.name}_{part.layer.value}")
    return tree.mapped(lambda x: found.get(x, x)) if found else tree


def build(tree: Formula) -> Node:
    """The graph of a formula; sizes are found from the use of the letters, or left open.

    Raises `DerivationError` for what is out of scope, `ShapeError` for shapes that do not fit.
    """
    return _Builder(frozenset(_columns(tree))).build(tree)


def _columns(tree: Formula) -> set[str]:
    """The letters of numbers that are used as columns: operands of @, transposed, summed alone."""
    found: set[str] = set()
    for _, part in tree.walk():
        match part:
            case Binary(sign="@", left=left, right=right):
                found |= {x.name for x in (left, right) if isinstance(x, Symbol)}
            case Binary(sign=" ", left=left, right=Symbol(name=name)) if _ends_in_matrix(left):
                found.add(name)
            case Transpose(operand=Symbol(name=name)) | Index(base=Symbol(name=name)):
                found.add(name)
            case Call(function=Symbol(name="dot" | "matmul" | "outer"), arguments=arguments):
                found |= {x.name for x in arguments if isinstance(x, Symbol)}
            case Call(function=Symbol(name=name), arguments=(inside, *_)) if name in _REDUCED:
                letters = {x.name for x in _operands(inside)}
                found |= letters if all(_is_number(x) for x in letters) and len(letters) == 1 else set()
    return {x for x in found if _is_number(x) and x not in ("m", "n", "pi")}


def _operands(tree: Formula) -> list[Symbol]:
    """The letters of a formula, names of functions apart."""
    functions = {id(x.function) for _, x in tree.walk() if isinstance(x, Call)}
    return [x for _, x in tree.walk() if isinstance(x, Symbol) and id(x) not in functions]


def _crossed(a: Node, b: Node) -> bool:
    """Whether one is a column and the other a row, which would be spread to a matrix."""
    for x, y in ((a, b), (b, a)):
        if x.shape.cols == 1 and y.shape.rows == 1 and x.shape.rows != 1 and y.shape.cols != 1:
            return True
    return False


def _ends_in_matrix(f: Formula) -> bool:
    while isinstance(f, Binary) and f.sign in ("@", " "):
        f = f.right
    f = f.operand if isinstance(f, Transpose) else f
    return isinstance(f, Symbol) and f.name[0].isupper()


def _is_number(name: str) -> bool:
    return name.partition("_")[0] in _NUMBERS


@dataclass(frozen=True)
class _Builder:
    """columns  names of letters that would be numbers and are columns here"""

    columns: frozenset[str]

    def build(self, f: Formula) -> Node:
        match f:
            case Number(value=value):
                return constant(value)
            case Symbol():
                return self._letter(f)
            case Negate(operand=operand):
                return -self.build(operand)
            case Transpose(operand=operand):
                return self.build(operand).T
            case Binary():
                return self._binary(f)
            case Index():
                return self._entry(f)
            case Call():
                return self._call(f)
        if isinstance(f, Sum):
            raise DerivationError(
                f"{said(f)} is out of scope, a sum over an index: write it with whole matrices, such as sum(x**2) for "
                "the sum of x_i² and W @ x for the sum of W_ij x_j"
            )
        raise DerivationError(
            f"{said(f)} is out of scope: derive takes products, sums, functions and entries of matrices"
        )

    def _letter(self, f: Symbol) -> Node:
        if f.prime or f.sample is not None:
            if f.prime and f.sample is None:
                raise DerivationError(
                    f"{f.name}{chr(39) * f.prime} is out of scope: write {f.name}.T for the transpose"
                )
            raise DerivationError(f"{said(f)} is out of scope: an expression has plain letters such as W, x, W[1]")
        name = write.text(f, Style(plain=True))
        if f.name.startswith("d") and len(f.name) > 1 and f.name not in GREEK:
            raise DerivationError(f"{f.name} is how the derivative by {f.name[1:]} is called: take another letter")
        if _is_number(f.name) and f.name not in self.columns and f.layer is None:
            return variable(name, 1, 1)
        return variable(name, None, 1) if f.name[0].islower() else variable(name)

    def _binary(self, f: Binary) -> Node:
        if f.sign == "^" and f.right == Symbol("T"):
            return self.build(f.left).T
        a, b = self.build(f.left), self.build(f.right)
        if f.sign in ("+", "-", "*", "∘", "/") and _crossed(a, b):
            raise ShapeError(
                f"{said(f)} has a column and a row, whose entries do not belong together: transpose one of them, or "
                "write outer(u, v) for all products"
            )
        match f.sign:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*" | "∘":
                return a * b
            case "/":
                return a / b
            case "^":
                if not a.is_constant and a.shape.cols != 1 and _is_negative(f.right):
                    raise DerivationError(
                        f"{said(f)} is out of scope: derive has no inverses of matrices; for that of every entry "
                        "write a quotient such as 1 / A"
                    )
                return a**b
            case "⊗":
                return a @ b.T
        return _product(a, b, f.sign)

    def _entry(self, f: Index) -> Node:
        """`W[0, 1]` is e_0ᵀ W e_1 with unit vectors, `W[0, :]` is e_0ᵀ W; numbers count from 0, as in NumPy."""
        base = self.build(f.base)
        entries = f.entries if len(f.entries) == 2 else (*f.entries, Number(Fraction(0)))
        for axis, e in enumerate(entries):
            if isinstance(e, Slice):
                continue
            if not isinstance(e, Number) or e.value.denominator != 1 or e.value < 0:
                raise DerivationError(f"the entry {said(f)} has an index that is no number: write e.g. W[0, 1]")
            if axis == 0:
                base = ops.one_hot(constant(e.value), classes=base.shape.rows).T @ base
            elif len(f.entries) == 2:
                base = base @ ops.one_hot(constant(e.value), classes=base.shape.cols)
        return base

    def _call(self, f: Call) -> Node:
        if not isinstance(f.function, Symbol) or f.function.layer is not None or f.function.prime:
            raise DerivationError(f"{said(f)} is out of scope: call functions by their name, such as exp or sigmoid")
        name = f.function.name
        count = len(f.arguments) - len(f.names)
        given = [self.build(x) for x in f.arguments[:count]]
        options = dict(zip(f.names, f.arguments[count:], strict=True))
        if name in _REDUCTIONS and given:
            axis = _axis(f, options, f.arguments[1] if count == 2 else None)
            return _REDUCTIONS[name](given[0], axis=axis)
        if options:
            raise DerivationError(f"{said(f)} is out of scope: {name} takes no options here")
        if count == 1:
            if name in _ONE:
                return _ONE[name](given[0])
            if name in ("max", "min"):
                return ops.maximum_of(given[0], axis=None) if name == "max" else -ops.maximum_of(-given[0], axis=None)
            if name == "norm":
                return ops.sqrt(ops.total(given[0] ** 2, axis=None))
            if name in ("trace", "tr"):
                return _trace(given[0], f)
            if name == "transpose":
                return given[0].T
            if name in ops.ACTIVATIONS:
                return ops.ACTIVATIONS[name](given[0])
        if count == 2 and (name in _TWO or name in ("max", "min")):
            if name.startswith(("max", "min")) and given[0].is_constant:
                given.reverse()  # max(0, x) is relu(x), with relu's derivative at the kink
            return _TWO.get(name, ops.maximum if name == "max" else ops.minimum)(*given)
        if name in _BEYOND:
            raise DerivationError(
                f"{said(f)} is out of scope: derive has no determinants, inverses, spectra or diagonals"
            )
        many = "1 argument" if count == 1 else f"{count} arguments"
        raise DerivationError(
            f"{name} of {many} is out of scope: derive knows sum, mean, max, min, norm, trace, dot, outer, exp, log, "
            "sqrt, sin, cos, abs and the activations"
        )


def _product(a: Node, b: Node, sign: str = "@") -> Node:
    """A product of matrices, numbers outside. Of two columns it is their dot product as in NumPy, `x · y` or
    `x @ y`; written side by side, `a x`, they are multiplied entry by entry."""
    if a.is_constant or b.is_constant or (1, 1) in (a.shape, b.shape):
        return a * b
    if a.shape.cols == 1 == b.shape.cols:
        return a * b if sign == " " else a.T @ b
    (c, left), (d, right) = _multiple(a), _multiple(b)
    product = left @ right
    return product if c == d == 1 else constant(c * d) * product


def _is_negative(exponent: Formula) -> bool:
    return isinstance(exponent, Negate) or (isinstance(exponent, Number) and exponent.value < 0)


def _multiple(x: Node) -> tuple[Fraction, Node]:
    """Number and matrix of a multiple of a matrix."""
    x = simplify(x) if x.op.name in ("multiply", "divide", "negate") else x
    c, powers, rest = coefficient(x)
    return (Fraction(1), x) if rest is None or powers else (c, rest)


def _trace(a: Node, f: Call) -> Node:
    """tr(A B) = Σ A ∘ Bᵀ, and what is linear: sums, multiples, transposes."""
    match a.op.name:
        case "matmul":
            left, right = a.inputs
            return ops.total(left * right.T, axis=None)
        case "add":
            return _trace(a.inputs[0], f) + _trace(a.inputs[1], f)
        case "subtract":
            return _trace(a.inputs[0], f) - _trace(a.inputs[1], f)
        case "negate":
            return -_trace(a.inputs[0], f)
        case "transpose":
            return _trace(a.inputs[0], f)
    c, powers, rest = coefficient(a)
    if rest is not None and rest is not a:
        return constant(c, powers=powers) * _trace(rest, f)
    raise DerivationError(f"{said(f)} is out of scope: derive takes traces of products, such as trace(A @ X)")


def _axis(f: Call, options: dict[str, Formula], second: Formula | None) -> int | None:
    axis = options.get("axis", second)
    if set(options) - {"axis", "keepdims"}:
        raise DerivationError(f"{said(f)} has an option that is not known here: use axis and keepdims")
    if axis is None or axis == Symbol("None"):
        return None
    if isinstance(axis, Number) and axis.value in (0, 1):
        return int(axis.value)
    raise DerivationError(f"{said(f)} has an axis that is neither 0 nor 1")


def said(f: Formula) -> str:
    shown = write.text(f, Style(plain=True))
    return shown if len(shown) <= 60 else shown[:57] + "..."


__all__ = ["build", "numbered", "said"]
