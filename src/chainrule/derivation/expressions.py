"""Expressions as people type them, `sum((W @ x - y)**2)`, as graphs, the sizes of the letters found from their use.

Upper-case letters are matrices, lower-case letters are columns (n × 1), Greek letters and `m` and `n` are numbers.
Sizes that the expression leaves open get the names p, q, r, …
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .. import ops
from ..errors import DerivationError, FormulaError, ShapeError
from ..graph import Dim, Node, Shape, constant, rename_dim, variable, walk
from ..graph.shape import AUTOMATIC
from ..notation import write
from ..notation.formula import Binary, Call, Formula, Index, Negate, Number, Slice, Symbol, Transpose
from ..notation.read import read
from ..notation.style import Style
from ..notation.write import GREEK

MOST = 2_000  # characters of an expression

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
    "dot": lambda a, b: a @ b, "matmul": lambda a, b: a @ b, "outer": lambda a, b: a @ b.T,
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
    equation = read(text)[0].equation
    tree = equation.sides[-1]
    root = _sized(_build(tree))
    return root, f"Derivative of {write.text(tree, Style())}"


def _sized(root: Node) -> Node:
    """The expression with a 1 × 1 result and names for the sizes that are left open."""
    root = _one_shape_each(root)
    if root.shape != (1, 1):
        raise ShapeError(
            f"the expression is a matrix of {root.shape}, but a derivative is taken of one number: "
            "sum its entries, e.g. sum(...)"
        )
    taken = {str(d) for n in walk(root) for d in n.shape}
    letters = iter(c for c in "pqrstuvw" if c not in taken)
    while True:
        open_ = next((d for n in walk(root) for d in n.shape if isinstance(d, str) and d.startswith(AUTOMATIC)), None)
        if open_ is None:
            return root
        name = next(letters, None)
        if name is None:
            raise ShapeError("the expression leaves more than eight sizes open: write it in smaller parts")
        root = rename_dim(root, open_, name)


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
    raise DerivationError(f"{_said(f)} is out of scope: derive takes products, sums, functions and entries of matrices")


def _letter(f: Symbol) -> Node:
    if f.prime or f.sample is not None:
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
            return a**b
        case "⊗":
            return a @ b.T
    if a.is_constant or b.is_constant or (1, 1) in (a.shape, b.shape):
        return a * b
    if f.sign == "·" and a.shape == b.shape and a.shape.cols == 1:
        return a.T @ b
    return a @ b


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
        if name == "norm":
            return ops.sqrt(ops.total(given[0] ** 2, axis=None))
        if name in ("trace", "tr") and given[0].op.name == "matmul":
            a, b = given[0].inputs
            return ops.total(a * b.T, axis=None)
        if name == "transpose":
            return given[0].T
        if name in ops.ACTIVATIONS:
            return ops.ACTIVATIONS[name](given[0])
    if count == 2 and (name in _TWO or name in ("max", "min")):
        return _TWO.get(name, ops.maximum if name == "max" else ops.minimum)(*given)
    raise DerivationError(
        f"{name} is out of scope: derive knows sums, means, products, norms, {', '.join(sorted(_ONE)[:8])} and the "
        "like, and the activations"
    )


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
