"""Arrays side by side and below each other in programs: every library's way as `hstack(a, b)`, `vstack(a, b)`.

A column or row of ones or zeros is the number 1 or 0 there: it is as long as what stands beside it.
"""

from __future__ import annotations

import ast

_BESIDE = frozenset({"hstack", "column_stack", "c_"})
_BELOW = frozenset({"vstack", "row_stack", "r_"})
_ALONG = frozenset({"concatenate", "cat", "concat"})


def stacked(node: ast.Call | ast.Subscript) -> ast.Call | None:
    """`np.c_[np.ones(m), X]`, `np.insert(X, 0, 1, axis=1)` as hstack(1, X); None for anything else."""
    if isinstance(node, ast.Subscript):
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        return _stack(parts, beside=name in _BESIDE) if name in ("c_", "r_") and len(parts) > 1 else None
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    given = {k.arg: k.value for k in node.keywords}
    if name in _BESIDE | _BELOW | _ALONG and node.args and isinstance(node.args[0], ast.List | ast.Tuple):
        axis = given.get("axis", node.args[1] if len(node.args) > 1 else ast.Constant(0))
        if name not in _ALONG:
            return _stack(node.args[0].elts, beside=name in _BESIDE)
        return None if (number := _number(axis)) is None else _stack(node.args[0].elts, beside=number in (1, -1))
    if name == "append" and len(node.args) in (2, 3):
        number = _number(given.get("axis", node.args[2] if len(node.args) > 2 else None))
        return None if number is None else _stack(node.args[:2], beside=number in (1, -1))
    if name == "insert" and node.args and len(node.args) + len(given) == 4:
        values = [*node.args[1:], *(given[k] for k in ("obj", "values", "axis") if k in given)]
        number = _number(values[2])
        if number is None or _number(values[0]) != 0:
            return None
        return _stack([values[1], node.args[0]], beside=number in (1, -1))
    return None


def _stack(parts: list[ast.expr], *, beside: bool) -> ast.Call:
    return ast.Call(ast.Name("hstack" if beside else "vstack", ast.Load()), [_plain(x) for x in parts], [])


def _plain(part: ast.expr) -> ast.expr:
    """1 for a column or row of ones, 0 for one of zeros."""
    bare = part.value if isinstance(part, ast.Attribute) and part.attr == "T" else part
    bare = bare.func if isinstance(bare, ast.Call) else bare
    name = bare.id if isinstance(bare, ast.Name) else ""
    return ast.Constant({"ones": 1, "zeros": 0}[name]) if name in ("ones", "zeros") else part


def _number(node: ast.expr | None) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None
