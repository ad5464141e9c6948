"""New axes in programs, `u[:, None]`: columns, rows, outer products, and sums over products of three axes."""

from __future__ import annotations

import ast

from ...errors import FormulaError
from .parts import PER_SAMPLE

_LETTERS = "ijk"


def is_new(node: ast.expr) -> bool:
    """`None` or `np.newaxis`."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return (isinstance(node, ast.Constant) and node.value is None) or name == "newaxis"


def is_whole(node: ast.expr) -> bool:
    """`:` or `...`."""
    bare = isinstance(node, ast.Slice) and node.lower is None and node.upper is None and node.step is None
    return bare or (isinstance(node, ast.Constant) and node.value is ...)


def places_of(node: ast.expr) -> list[ast.expr]:
    """What stands in the brackets of an array, one for each axis, where nothing but whole and new axes does."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return []
    places = node.slice.elts
    return places if any(map(is_new, places)) and all(is_new(x) or is_whole(x) for x in places) else []


def check_axes(node: ast.Subscript) -> None:
    """FormulaError for an array of three axes or more, which no matrix is."""
    if len(places_of(node)) > 2:
        raise FormulaError(
            "an array of three axes is read only in a product of two that is summed over one axis: write it with @."
        )


def side(node: ast.expr) -> str:
    """Whether a vector is made a column, `u[:, None]`, or a row, `v[None, :]`."""
    match places_of(node):
        case [first, last] if is_whole(first) and is_new(last):
            return "column"
        case [first, last] if is_new(first) and is_whole(last):
            return "row"
    return ""


def outer_factors(node: ast.BinOp, *, flat: bool) -> tuple[ast.expr, ast.expr] | None:
    """u and v of `u[:, None] * v[None, :]`, and where vectors are `flat`, of one axis, of `u[:, None] * v`."""
    if not isinstance(node.op, ast.Mult):
        return None
    beside = {side(x): x.value if side(x) and isinstance(x, ast.Subscript) else x for x in (node.left, node.right)}
    if beside.keys() == {"column", "row"}:
        return beside["column"], beside["row"]
    if flat and beside.keys() == {"column", ""} and all(map(_is_vector, beside.values())):
        return beside["column"], beside[""]
    return None


def _is_vector(node: ast.expr) -> bool:
    """`dz2`, `a1`, `x`, `dz[2]`: small letters of one sample."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(node, ast.Name) and node.id.rstrip("0123456789") in PER_SAMPLE


def summed_products(call: ast.Call) -> ast.expr | None:
    """`sum(u[:, None, :] * v[None, :, :], axis=2)` as einsum("ik,jk->ij", u, v), a mean as that over its length."""
    function, given = call.func, [*call.args]
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if isinstance(function, ast.Attribute) and not isinstance(function.value, ast.Name):
        given.insert(0, function.value)  # (u * v).sum(axis=2)
    given += [k.value for k in call.keywords if k.arg in ("axis", "dim")]
    if name not in ("sum", "mean", "reduce_sum", "reduce_mean") or len(given) != 2 or len(call.keywords) > 1:
        return None
    product, along = given
    if not (isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult)):
        return None
    factors = [product.left, product.right]
    places = [places_of(x) for x in factors]
    if any(len(x) != 3 or sum(map(is_new, x)) != 1 for x in places):
        return None
    try:
        axis = ast.literal_eval(along)
    except ValueError:
        return None
    if not isinstance(axis, int) or not -3 <= axis < 3:
        return None
    indices = ["".join(x for x, place in zip(_LETTERS, row, strict=True) if not is_new(place)) for row in places]
    summed = _LETTERS[axis]
    said = ast.Constant(f"{indices[0]},{indices[1]}->{_LETTERS.replace(summed, '')}")
    arrays = [x.value for x in factors if isinstance(x, ast.Subscript)]
    total: ast.expr = ast.Call(ast.Name("einsum", ast.Load()), [said, *arrays], [])
    if name.endswith("sum"):
        return total
    n = next(n for n, row in enumerate(indices) if summed in row)
    length = ast.Call(ast.Name("shape", ast.Load()), [arrays[n], ast.Constant(indices[n].index(summed))], [])
    return ast.BinOp(total, ast.Div(), length)
