"""Expressions as people type them, `sum((W @ x - y)**2)`, as graphs, the sizes of the letters found from their use.

Upper-case letters are matrices, lower-case letters are columns (n × 1), Greek letters and `m` and `n` are numbers; so
are columns whose size nothing fixes where the result has to be one number, as in `a x² + b x + c`. Powers, quotients
and functions act entry by entry. Sizes that the expression leaves open get the names p, q, r, …
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from .. import ops
from ..errors import DerivationError, FormulaError, ShapeError
from ..graph import Dim, Node, Shape, constant, rename_dim, variable, variables, walk
from ..graph.shape import AUTOMATIC
from ..laws import simplify
from ..laws.ring import coefficient
from ..notation import write
from ..notation.formula import Binary, Call, Formula, Index, Negate, Number, Slice, Sum, Symbol, Transpose
from ..notation.read import read
from ..notation.style import Style
from ..notation.write import GREEK

MOST = 2_000  # characters of an expression
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


def expression(text: str) -> tuple[Node, str]:
    """The graph of an expression in text or LaTeX, and a title.

    Raises `FormulaError` for what cannot be read, `DerivationError` for a function that is out of scope, `ShapeError`
    for shapes that do not fit or a result that is not one number.
    """
    if len(text) > MOST:
        raise FormulaError(f"the expression has {len(text)} characters: derive takes at most {MOST}")
    if not text.strip():
        raise FormulaError("the expression is empty: write e.g. sum((W @ x - y)**2)")
    equation = read(text)[0].equation
    tree = equation.sides[-1]
    root = _sized(_build(tree))
    if not any(n.is_variable for n in walk(root)):
        raise DerivationError(f"{_said(tree)} has no letters: there is nothing to differentiate by")
    return root, f"Derivative of {write.text(tree, Style())}"


def letters_by(wanted: Sequence[Node | str] | None, output: Node) -> None:
    """Raise `DerivationError` for the name of an entry, such as x1, where the letter is meant."""
    known = variables(output)
    for name in wanted or ():
        entry = re.fullmatch(r"([A-Za-z]+)(\d+|_\w+|\[.*\])", name) if isinstance(name, str) else None
        if entry and name not in known and entry[1] in known:
            raise DerivationError(
                f"{name} is read as an entry of {entry[1]}: derive by wrt={entry[1]!r}, which gives the derivatives by "
                f"all entries, or use another letter than {entry[1]}"
            )


def _sized(root: Node) -> Node:
    """The expression with a 1 × 1 result and names for the sizes that are left open."""
    root = _numbers(_one_shape_each(root))
    if root.shape != (1, 1):
        raise ShapeError(
            f"the expression is {_of_what_size(root)}, but a derivative is taken of one number: sum its entries, e.g. "
            "sum(...); upper-case letters are matrices, so write what is a number in lower case"
        )
    taken = {str(d) for n in walk(root) for d in n.shape} | {n.name for n in walk(root) if n.is_variable}
    letters = iter(c for c in "pqrstuvw" if c not in taken)
    while True:
        open_ = next((d for n in walk(root) for d in n.shape if isinstance(d, str) and d.startswith(AUTOMATIC)), None)
        if open_ is None:
            return root
        name = next(letters, None)
        if name is None:
            raise ShapeError("the expression leaves more than eight sizes open: write it in smaller parts")
        root = rename_dim(root, open_, name)


def _numbers(root: Node) -> Node:
    """Columns as numbers, if nothing but them fixes the size of a result that would be a column."""
    open_ = root.shape.rows
    if root.shape.cols != 1 or not isinstance(open_, str) or not open_.startswith(AUTOMATIC):
        return root
    sized = [n.name for n in walk(root) if n.is_variable and open_ in n.shape]
    return rename_dim(root, open_, 1) if all(name[0].islower() for name in sized) else root


def _of_what_size(root: Node) -> str:
    rows, cols = ("?" if isinstance(d, str) and d.startswith(AUTOMATIC) else str(d) for d in root.shape)
    return "a column" if cols == "1" else "a row" if rows == "1" else f"a matrix of {rows} × {cols}"


def _one_shape_each(root: Node) -> Node:
    """Unify the sizes that parts of the expression found separately for one letter."""
    while True:
        shapes: dict[str, Shape] = {}
        clash: tuple[Dim, Dim] | None = None
        for n in walk(root):
            if n.is_variable and clash is None:
                other = shapes.setdefault(n.name, n.shape)
                clash = next(((a, b) for a, b in zip(other, n.shape, strict=True) if a != b), None)
        if clash is None:
            return root
        a, b = clash
        if isinstance(a, int) and isinstance(b, int):
            raise ShapeError(f"one letter of the expression is used with sizes {a} and {b}: give them two names")
        root = rename_dim(root, a, b) if isinstance(a, str) and not isinstance(b, str) else rename_dim(root, str(b), a)


def _build(f: Formula) -> Node:
    match f:
        case Number(value=value):
            return constant(value)
        case Symbol():
            return _letter(f)
        case Negate(operand=operand):
            return -_build(operand)
        case Transpose(operand=operand):
            return _build(operand).T
        case Binary():
            return _binary(f)
        case Index():
            return _entry(f)
        case Call():
            return _call(f)
    if isinstance(f, Sum):
        raise DerivationError(
            f"{_said(f)} is out of scope, a sum over an index: write it with whole matrices, such as sum(x**2) for the "
            "sum of x_i² and W @ x for the sum of W_ij x_j"
        )
    raise DerivationError(f"{_said(f)} is out of scope: derive takes products, sums, functions and entries of matrices")


def _letter(f: Symbol) -> Node:
    if f.prime or f.sample is not None:
        if f.prime and f.sample is None:
            raise DerivationError(f"{f.name}{chr(39) * f.prime} is out of scope: write {f.name}.T for the transpose")
        raise DerivationError(f"{_said(f)} is out of scope: an expression has plain letters such as W, x, W[1]")
    name = write.text(f, Style(plain=True))
    if f.name in _NUMBERS and f.layer is None:
        return variable(name, 1, 1)
    return variable(name, None, 1) if f.name[0].islower() else variable(name)


def _binary(f: Binary) -> Node:
    if f.sign == "^" and f.right == Symbol("T"):
        return _build(f.left).T
    a, b = _build(f.left), _build(f.right)
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
                    f"{_said(f)} is out of scope: derive has no inverses of matrices; for that of every entry write a "
                    "quotient such as 1 / A"
                )
            return a**b
        case "⊗":
            return a @ b.T
    return _product(a, b, f.sign)


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


def _entry(f: Index) -> Node:
    """`W[0, 1]` is e_0ᵀ W e_1 with unit vectors, `W[0, :]` is e_0ᵀ W; numbers count from 0, as in NumPy."""
    base = _build(f.base)
    entries = f.entries if len(f.entries) == 2 else (*f.entries, Number(Fraction(0)))
    for axis, e in enumerate(entries):
        if isinstance(e, Slice):
            continue
        if not isinstance(e, Number) or e.value.denominator != 1 or e.value < 0:
            raise DerivationError(f"the entry {_said(f)} has an index that is no number: write e.g. W[0, 1]")
        if axis == 0:
            base = ops.one_hot(constant(e.value), classes=base.shape.rows).T @ base
        elif len(f.entries) == 2:
            base = base @ ops.one_hot(constant(e.value), classes=base.shape.cols)
    return base


def _call(f: Call) -> Node:
    if not isinstance(f.function, Symbol) or f.function.layer is not None or f.function.prime:
        raise DerivationError(f"{_said(f)} is out of scope: call functions by their name, such as exp or sigmoid")
    name = f.function.name
    count = len(f.arguments) - len(f.names)
    given = [_build(x) for x in f.arguments[:count]]
    options = dict(zip(f.names, f.arguments[count:], strict=True))
    if name in _REDUCTIONS and given:
        axis = _axis(f, options, f.arguments[1] if count == 2 else None)
        return _REDUCTIONS[name](given[0], axis=axis)
    if options:
        raise DerivationError(f"{_said(f)} is out of scope: {name} takes no options here")
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
        return _TWO.get(name, ops.maximum if name == "max" else ops.minimum)(*given)
    if name in _BEYOND:
        raise DerivationError(f"{_said(f)} is out of scope: derive has no determinants, inverses, spectra or diagonals")
    many = "1 argument" if count == 1 else f"{count} arguments"
    raise DerivationError(
        f"{name} of {many} is out of scope: derive knows sum, mean, max, min, norm, trace, dot, outer, exp, log, sqrt, "
        "sin, cos, abs and the activations"
    )


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
    raise DerivationError(f"{_said(f)} is out of scope: derive takes traces of products, such as trace(A @ X)")


def _axis(f: Call, options: dict[str, Formula], second: Formula | None) -> int | None:
    axis = options.get("axis", second)
    if set(options) - {"axis", "keepdims"}:
        raise DerivationError(f"{_said(f)} has an option that is not known here: use axis and keepdims")
    if axis is None or axis == Symbol("None"):
        return None
    if isinstance(axis, Number) and axis.value in (0, 1):
        return int(axis.value)
    raise DerivationError(f"{_said(f)} has an axis that is neither 0 nor 1")


def _said(f: Formula) -> str:
    shown = write.text(f, Style(plain=True))
    return shown if len(shown) <= 60 else shown[:57] + "..."
