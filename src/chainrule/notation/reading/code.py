"""Statements of Python programs as formulas in text: what libraries and containers add is taken away.

A statement is parsed by Python's own parser, never executed, and written again with the names of the formulas:
`self.params["W" + str(l)]` is W[l], `torch.mm(a, b)` is matmul(a, b), `x if c else y` is where(c, x, y), `u[:, None]`
is the column u. What is no Python, such as pseudo-code, stays as it is.
"""

from __future__ import annotations

import ast
import re
import warnings

from ...errors import FormulaError
from .code_axes import check_axes, is_new, is_whole, outer_factors, summed_products
from .code_stacks import stacked
from .tokens import NUMPY_NAMES, short, words

LONGEST = 4_000  # characters of one statement
MODULES = words("np numpy jax jnp cp torch tf math F nn scipy special linalg functional cmath xp autograd K keras")
OWNERS = words("self cls model net layer")  # whose attributes are quantities
ALIASES = {
    "expit": "sigmoid", "mm": "matmul", "mv": "matmul", "bmm": "matmul", "reduce_sum": "sum",
    "reduce_mean": "mean", "reduce_max": "max", "mul": "multiply", "sub": "subtract", "div": "divide",
    "true_divide": "divide", "neg": "negative", "pow": "power", "amax": "max", "amin": "min", "clamp": "clip",
    "nansum": "sum", "fabs": "abs", "absolute": "abs", "ger": "outer", "special_expit": "sigmoid",
}  # fmt: skip
_GRADIENTS = words("grad grads gradient gradients dparams d_params dparameters dweights")
# Calls that leave the numbers as they are.
SAME = words(
    "copy detach clone numpy cpu float double int int8 int32 int64 float16 float32 float64 asarray array astype item "
    "contiguous tensor Tensor constant cast as_tensor ascontiguousarray bool type to_numpy"
)


def as_formula(text: str, *, flat: bool = False) -> str:
    """The statement as a formula in text; FormulaError for Python that states none.

    flat  vectors have one axis, so that `u[:, None] * v` is their outer product
    """
    if len(text) > LONGEST:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text.strip(), mode="exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
        tree.body = [ast.Expr(tree.body[0].test)]
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.With):  # with torch.no_grad(): W -= …
        tree.body = tree.body[0].body
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr):
        return text
    try:
        return ast.unparse(_Plain(flat=flat).visit(tree))
    except RecursionError:
        raise FormulaError("the statement is nested too deeply: split it.") from None


class _Plain(ast.NodeTransformer):
    def __init__(self, *, flat: bool) -> None:
        self.flat = flat

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        value = ast.BinOp(node.target, node.op, node.value)
        return ast.fix_missing_locations(ast.Assign([node.target], value))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in OWNERS and node.attr != "T":
            return ast.Name(node.attr, ast.Load())
        if _is_module(node.value):
            return ast.Name(ALIASES.get(node.attr, node.attr), ast.Load())
        if _holds_gradients(node.value) and re.fullmatch(r"d?[WbwZAza]\d*", node.attr):
            return ast.Name(_prefixed("d", node.attr), ast.Load())  # grads.W2
        if node.attr in ("grad", "_grad", "gradient", "g") and (quantity := _derivative(node.value)) is not None:
            return quantity
        if node.attr == "reduce" and isinstance(node.value, ast.Name) and node.value.id == "add":  # np.add.reduce
            return ast.Name("sum", ast.Load())
        if node.attr == "data":
            return node.value
        if node.attr in ("mT", "H", "mH"):
            return ast.Attribute(node.value, "T", ast.Load())
        return ast.Attribute(node.value, ALIASES.get(node.attr, node.attr), ast.Load())

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith("autograd.grad"):
            whole: ast.AST = self.visit(node.value)  # torch.autograd.grad(J, W)[0]
            return whole
        named = _named(node)
        if named is not None:
            visited: ast.AST = self.visit(named)
            return visited
        self.generic_visit(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            return _call("shape", node.value.value, node.slice)
        if (stack := stacked(node)) is not None:
            return stack
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        check_axes(node)
        new = [i for i, x in enumerate(places) if is_new(x)]
        if len(new) == 1 and all(is_whole(x) for i, x in enumerate(places) if i != new[0]):
            column = new[0] == len(places) - 1
            reduced = node.value
            if isinstance(reduced, ast.Call) and _reduces(reduced):
                reduced.keywords.append(ast.keyword("keepdims", ast.Constant(True)))
                return reduced  # sum(x, axis=1)[:, None] keeps its dimension
            return node.value if column else ast.Attribute(node.value, "T", ast.Load())
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if (factors := outer_factors(node, flat=self.flat)) is not None:
            outer: ast.AST = self.visit(_call("outer", *factors))
            return outer
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult) and any(_is_ones(x) for x in (node.left, node.right)):
            raise FormulaError("a matrix of ones is read only in a product of matrices: write @.")
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("where", ast.Load()), [node.test, node.body, node.orelse], [])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "g":  # W.g(z): g is applied
            node.func = ast.Attribute(self.visit(node.func.value), "dot", ast.Load())
            node.args = [ast.Call(ast.Name("g", ast.Load()), node.args, [])]
        if (summed := summed_products(node)) is not None:
            product: ast.AST = self.visit(summed)
            return product
        self.generic_visit(node)
        function = node.func
        for keyword in node.keywords:
            keyword.arg = NUMPY_NAMES.get(keyword.arg or "", keyword.arg)
        if (bounded := _bounded(node)) is not None:
            return bounded
        if (stack := stacked(node)) is not None:
            return stack
        if isinstance(function, ast.Name) and function.id == "matmul":
            for k in node.keywords:  # tf.matmul(a, b, transpose_b=True)
                n = {"transpose_a": 0, "transpose_b": 1, "adjoint_a": 0, "adjoint_b": 1}.get(
                    k.arg or "", len(node.args)
                )
                if n < len(node.args) and isinstance(k.value, ast.Constant):
                    node.args[n] = _turned(node.args[n]) if k.value.value else node.args[n]
            node.keywords = []
        if (said := _said_otherwise(node)) is not None:
            return said
        if isinstance(function, ast.Name) and function.id == "einsum":
            return _einsum(node)
        if isinstance(function, ast.Name) and function.id == "ones" and len(node.args) == 1:
            return _ones(node.args[0])
        if isinstance(function, ast.Name) and function.id in ("where", "maximum", "minimum"):
            node.args = [_filled(x) for x in node.args]
        if isinstance(function, ast.Name) and function.id == "len" and len(node.args) == 1:
            return _call("shape", node.args[0], ast.Constant(0))
        if isinstance(function, ast.Name) and function.id in SAME and node.args:
            kept = node.args[0]
            return node if function.id == "array" and isinstance(kept, ast.List) else kept
        if isinstance(function, ast.Attribute) and function.attr in SAME:
            return function.value
        if isinstance(function, ast.Attribute) and function.attr == "t" and not node.args:
            return ast.Attribute(function.value, "T", ast.Load())
        return node


def _filled(node: ast.expr) -> ast.expr:
    """0 for `zeros_like(x)` and 1 for `ones_like(x)`, whose size is that of what stands beside them."""
    name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    return ast.Constant({"zeros_like": 0, "ones_like": 1}[name]) if name in ("zeros_like", "ones_like") else node


def _said_otherwise(node: ast.Call) -> ast.expr | None:
    """`x.transpose(0, 1)` as x.T, `addmm(b, W, x)`, `linear(x, W, b)`, `grad(J, W)` as what they compute."""
    function, given = node.func, node.args
    numbers = all(isinstance(x, ast.Constant | ast.UnaryOp | ast.Tuple) for x in given)
    if isinstance(function, ast.Attribute):
        turns = function.attr in ("transpose", "swapaxes", "permute") and bool(given) and numbers
        return _turned(function.value) if turns else None
    if isinstance(function, ast.Call) and isinstance(function.func, ast.Name) and function.func.id == "grad":
        return _slope(function.args, given)  # jax.grad(loss)(W)
    if not isinstance(function, ast.Name):
        return None
    if function.id == "swapaxes" and given:
        return _turned(given[0])
    if function.id == "grad":
        return _slope(given[:1], given[1:2])
    if function.id == "tensordot" and len(given) in (2, 3):
        axes = given[2:] + [k.value for k in node.keywords if k.arg == "axes"]
        one = len(axes) == 1 and isinstance(axes[0], ast.Constant) and axes[0].value == 1
        return ast.BinOp(given[0], ast.MatMult(), given[1]) if one else None
    if function.id == "addmm" and len(given) == 3:
        return ast.BinOp(given[0], ast.Add(), ast.BinOp(given[1], ast.MatMult(), given[2]))
    if function.id == "linear" and len(given) in (2, 3):
        product = ast.BinOp(given[0], ast.MatMult(), _turned(given[1]))
        return product if len(given) == 2 else ast.BinOp(product, ast.Add(), given[2])
    return None


def _slope(above: list[ast.expr], below: list[ast.expr]) -> ast.expr | None:
    """dJ/dW, of a loss and a letter."""
    if len(above) != 1 or len(below) != 1 or not all(isinstance(x, ast.Name) for x in (*above, *below)):
        return None
    names = [x.id for x in (*above, *below) if isinstance(x, ast.Name)]
    cost = "J" if names[0].lower() in ("loss", "cost", "objective") else names[0]
    return ast.BinOp(ast.Name(f"d{cost}", ast.Load()), ast.Div(), ast.Name(f"d{names[1]}", ast.Load()))


def _bounded(node: ast.Call) -> ast.expr | None:
    """`z.clip(min=0)`, `clip(z, 0, None)`: bounded on one side, the larger or the smaller of two."""
    function, values = node.func, [*node.args]
    if isinstance(function, ast.Attribute) and function.attr == "clip":
        values.insert(0, function.value)
    elif not (isinstance(function, ast.Name) and function.id == "clip"):
        return None
    limits = dict(zip(("value", "min", "max"), values, strict=False))
    limits |= {(k.arg or "").removeprefix("a_"): k.value for k in node.keywords}
    given = {k: v for k, v in limits.items() if not is_new(v)}
    if set(given) == {"value", "min"}:
        return _call("maximum", given["value"], given["min"])
    return _call("minimum", given["value"], given["max"]) if set(given) == {"value", "max"} else None


def _derivative(node: ast.expr) -> ast.expr | None:
    """dW1 for W1, as W1.grad is; None for what has no name."""
    if isinstance(node, ast.Name):
        return ast.Name(f"d{node.id}", ast.Load())
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return ast.Subscript(ast.Name(f"d{node.value.id}", ast.Load()), node.slice, ast.Load())
    return None


def _is_module(node: ast.AST) -> bool:
    """`np`, `np.linalg`, `torch.nn.functional`; the inner ones were visited before and are names by now."""
    return isinstance(node, ast.Name) and node.id in MODULES


def _named(node: ast.Subscript) -> ast.expr | None:
    """`params["W1"]`, `grads["dW" + str(l)]`, `cache[f"A{l-1}"]`: the quantity of that name, and its layer."""
    d = "d" if _holds_gradients(node.value) else ""
    match node.slice:
        case ast.Constant(value=str(name)) if name.isidentifier():
            return ast.Name(_prefixed(d, name), ast.Load())
        case ast.BinOp(
            left=ast.Constant(value=str(name)), op=ast.Add(), right=ast.Call(func=ast.Name(id="str"), args=[layer])
        ) if name.isidentifier():
            return ast.Subscript(ast.Name(_prefixed(d, name), ast.Load()), layer, ast.Load())
        case ast.JoinedStr(values=[ast.Constant(value=str(name)), ast.FormattedValue(value=layer)]) if (
            name.isidentifier()
        ):
            return ast.Subscript(ast.Name(_prefixed(d, name), ast.Load()), layer, ast.Load())
    return None


def _holds_gradients(table: ast.expr) -> bool:
    """Whether a name is that of a table of gradients: `grads`, `self.gradients`, `dparams`."""
    name = table.attr if isinstance(table, ast.Attribute) else table.id if isinstance(table, ast.Name) else ""
    return name.lower() in _GRADIENTS


def _prefixed(d: str, name: str) -> str:
    """dW2 for the W2 among gradients, and for the dW2 there."""
    return name if name.startswith("d") else d + name


def _is_ones(node: ast.expr) -> bool:
    inner = node.value if isinstance(node, ast.Attribute) else node
    return isinstance(inner, ast.Name) and inner.id == "ones"


def _reduces(call: ast.Call) -> bool:
    """Whether a call sums along one direction, or the like."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    named = {k.arg for k in call.keywords}
    along = "axis" in named or len(call.args) == (1 if isinstance(function, ast.Attribute) else 2)
    return name in ("sum", "mean", "average", "max", "min") and along and "keepdims" not in named


def _ones(size: ast.expr) -> ast.expr:
    """`ones((1, N))` as a row of ones, `ones(N)` and `ones((N, 1))` as a column; as many as fit."""
    ones = ast.Name("ones", ast.Load())
    if not isinstance(size, ast.Tuple):
        return ones
    if any(isinstance(x, ast.Attribute | ast.BinOp) for x in size.elts):
        raise FormulaError("a size of ones is no number: write m, X.shape[1] or len(X).")
    match size.elts:
        case [ast.Constant(value=1), _]:
            return _turned(ones)
        case [_, ast.Constant(value=1)]:
            return ones
    raise FormulaError("a matrix of ones is not read: write a row ones((1, m)) or a column ones((m, 1)).")


def _einsum(node: ast.Call) -> ast.expr:
    """Sums over indices of one or two arrays as products, transposes and sums; FormulaError for others."""
    first = node.args[0] if node.args else None
    said = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    below, _, out = said.replace(" ", "").partition("->")
    indices, arrays = below.split(","), node.args[1:]
    refused = FormulaError(f"einsum({short(said)}) is not read: write it with @, * and sum.")
    if len(indices) != len(arrays) or "->" not in said or any(len(set(x)) != len(x) for x in [*indices, out]):
        raise refused
    if len(arrays) == 1:
        return _reduced(arrays[0], indices[0], out, refused)
    if len(arrays) != 2:
        raise refused
    (a, b), (p, q) = arrays, indices
    shared = [x for x in p if x in q]
    if not shared and len(p) == len(q) == 1 and sorted(out) == sorted(p + q):
        return _call("outer", *((a, b) if out == p + q else (b, a)))
    if set(p) == set(q):
        return _reduced(ast.BinOp(a, ast.Mult(), b if p == q else _turned(b)), p, out, refused)
    if len(shared) != 1 or shared[0] in out or len(p) > 2 or len(q) > 2:
        raise refused
    free = [x for x in p if x != shared[0]], [x for x in q if x != shared[0]]
    if "".join(free[1] + free[0]) == out and free[0] and free[1]:
        (a, b), (p, q), free = (b, a), (q, p), (free[1], free[0])
    if "".join(free[0] + free[1]) != out:
        raise refused
    if len(p) == 1:  # a vector times a matrix: the transpose times the vector
        (a, b), (p, q) = (b, a), (q, p)
    return ast.BinOp(a if p[-1] == shared[0] else _turned(a), ast.MatMult(), b if q[0] == shared[0] else _turned(b))


def _reduced(value: ast.expr, indices: str, out: str, refused: FormulaError) -> ast.expr:
    if out == indices:
        return value
    if out == indices[::-1]:
        return _turned(value)
    if not out:
        return _call("sum", value)
    if len(indices) == 2 and len(out) == 1 and out in indices:
        axis = ast.keyword("axis", ast.Constant(1 - indices.index(out)))
        return ast.Call(ast.Name("sum", ast.Load()), [value], [axis])
    raise refused


def _turned(value: ast.expr) -> ast.expr:
    return ast.Attribute(value, "T", ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
