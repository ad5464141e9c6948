"""Values that a program changes in place: `d = P - Y` and `d /= m` behind it say what d is together."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from .tex import words

_LONGEST = 2_000  # characters of a value that is put together
_DEEPEST = 100  # parts within parts of a statement
_COPIES = words("copy clone detach contiguous deepcopy array asarray")
_FILLED = ("zeros", "ones", "empty", "rand", "full", "load", "normal")  # calls that make no value of names
_IN_PLACE = {"add_": ast.Add(), "sub_": ast.Sub(), "mul_": ast.Mult(), "div_": ast.Div()}
_OTHER_SIDE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_NUMBERED = words("arange range")  # what numbers the samples in `d[range(n), y] -= 1`

_New = Callable[[ast.expr], ast.expr]


@dataclass
class _Value:
    """What a name stands for: its expression, where it was given and whether another statement has used it since."""

    expression: ast.expr
    indent: int
    used: bool = False


@dataclass(frozen=True)
class Changed:
    """A name whose value was changed: `name = formula` is what it stands for now.

    begins  the name was used since its last value, so that this is a value of its own
    """

    name: str
    formula: str
    begins: bool


class Values:
    """What the names of a program stand for, statement by statement."""

    def __init__(self) -> None:
        self._known: dict[str, _Value] = {}
        self._masks: dict[str, ast.expr] = {}
        self._others: dict[str, _Value] = {}

    def another(self, statement: str, indent: int) -> bool:
        """Whether a name stands for another value from here on, which a statement says that is no formula by itself.

        `rows = x.reshape(len(x), -1)` and `dout[mask] = 0`, where dout is an argument.
        """
        for name in [n for n, v in self._others.items() if v.indent > indent]:
            del self._others[name]
        tree = _statement(statement)
        if not isinstance(tree, ast.Assign) or len(tree.targets) != 1:
            return False
        match tree.targets[0]:
            case ast.Name(id=name) if isinstance(tree.value, ast.Call):
                inner = _flattened(tree.value)
                if inner is not None and _name(inner) not in ("", name):
                    self._others[name] = _Value(inner, indent)
                    return True
            case ast.Subscript(value=ast.Name(id=name)) if name not in self._known:
                change = _change(_Unmasked(self._masks).visit(tree))
                if change is not None and isinstance(tree.value, ast.Constant):
                    self._others[name] = _Value(change[1](ast.Name(name, ast.Load())), indent)
                    return True
        if (name := _name(tree.targets[0])) in self._others:
            del self._others[name]
        return False

    def put(self, formula: str) -> str:
        """A formula with the values that names of its right side stand for."""
        left, _, right = formula.partition(" = ")
        names = set(re.findall(r"[A-Za-z_]\w*", right)) & self._others.keys()
        tree = _statement(right) if names else None
        if not isinstance(tree, ast.Expr):
            return formula
        value = tree.value
        for name in names:
            value = _put(value, name, self._others[name].expression)
        return f"{left} = {ast.unparse(ast.fix_missing_locations(value))}"

    def after(self, statement: str, indent: int) -> Changed | None:
        """What a statement changes in place; names of a body that has ended are forgotten."""
        for name in [n for n, v in self._known.items() if v.indent > indent]:
            del self._known[name]
        tree = _statement(statement)
        if tree is None:
            self._used(set(_words(statement)))
            return None
        tree = _Unmasked(self._masks).visit(tree)
        change = _change(tree)
        value = self._known.get(change[0]) if change is not None else None
        if change is not None and value is not None and value.indent == indent:
            name, new = change
            expression = new(value.expression)
            self._used(_names(tree) - {name})
            formula = ast.unparse(ast.fix_missing_locations(expression))
            self._known[name] = _Value(expression, indent)
            if len(formula) > _LONGEST:
                del self._known[name]
                return None
            return Changed(name, f"{name} = {formula}", value.used)
        self._used(_names(tree))
        for target in tree.targets if isinstance(tree, ast.Assign) else ():
            name = _name(target)
            if name:
                self._known.pop(name, None)
                self._masks.pop(name, None)
                if isinstance(tree, ast.Assign) and isinstance(tree.value, ast.Compare):
                    self._masks[name] = tree.value
                alone = isinstance(tree, ast.Assign) and len(tree.targets) == 1 and name not in _names(tree.value)
                if isinstance(tree, ast.Assign) and alone and _is_value(tree.value):
                    self._known[name] = _Value(without_copy(tree.value), indent)
        if change is not None and change[0] in self._known and value is not None:
            del self._known[change[0]]  # changed where it is not certain that this is done, or how often
        return None

    def _used(self, names: set[str]) -> None:
        for name in names & self._known.keys():
            self._known[name].used = True


class _Unmasked(ast.NodeTransformer):
    """Puts what a mask is in the place of its name: `off = z <= 0`, `d[off] = 0`."""

    def __init__(self, masks: dict[str, ast.expr]) -> None:
        self._masks = masks

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        place = node.slice
        if (mask := self._masks.get(_name(place))) is not None:
            return ast.Subscript(node.value, mask, node.ctx)
        inverted = isinstance(place, ast.UnaryOp) and isinstance(place.op, ast.Invert)
        if isinstance(place, ast.UnaryOp) and inverted and (mask := self._masks.get(_name(place.operand))) is not None:
            return ast.Subscript(node.value, ast.UnaryOp(place.op, mask), node.ctx)
        return node


def copied(expression: ast.expr) -> str:
    """P of `P.copy()`: the value of another name, to be changed; empty for anything else."""
    inner = without_copy(expression)
    return ast.unparse(inner) if inner is not expression and _name(inner) else ""


def without_copy(expression: ast.expr) -> ast.expr:
    """P of `P.copy()` and of `np.copy(P)`."""
    match expression:
        case ast.Call(func=ast.Attribute(value=inner, attr=attribute), args=[], keywords=[]) if attribute in _COPIES:
            return without_copy(inner)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy" | "copy"), attr=attribute), args=[inner]):
            return without_copy(inner) if attribute in _COPIES and _name(inner) else expression
    return expression


def _statement(text: str) -> ast.stmt | None:
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if len(body) == 1 and not is_deep(body[0], _DEEPEST) else None


def is_deep(tree: ast.AST, most: int) -> bool:
    """More than `most` parts within parts: too deep for a walk that calls itself for each."""
    level = [tree]
    for _ in range(most):
        level = [part for each in level for part in ast.iter_child_nodes(each)]
        if not level:
            return False
    return True


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c in "_." else " " for c in text).split()


def _names(tree: ast.AST) -> set[str]:
    """The names that a statement reads, `self.p` as one."""
    return {n for x in ast.walk(tree) if isinstance(x, ast.Name | ast.Attribute) and (n := _name(x)) and _read(x)}


def _read(part: ast.Name | ast.Attribute) -> bool:
    return isinstance(part.ctx, ast.Load)


def _name(part: ast.expr) -> str:
    match part:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return f"self.{name}"
        case ast.Attribute(value=ast.Name(id=name), attr="data"):
            return name
    return ""


def _is_value(expression: ast.expr) -> bool:
    """Whether an expression computes with names; zeros to which something is added are no value."""
    inner = without_copy(expression)
    if isinstance(inner, ast.Constant | ast.List | ast.Dict | ast.Tuple | ast.Lambda | ast.ListComp):
        return False
    if isinstance(inner, ast.Call) and _called(inner).startswith(_FILLED):
        return False
    return bool(_names(inner))


def _change(tree: ast.stmt) -> tuple[str, _New] | None:
    """The name that a statement changes, and how its value follows from the one before."""
    match tree:
        case ast.AugAssign(target=target, op=operation, value=value) if name := _name(target):
            return name, lambda old: ast.BinOp(old, operation, value)
        case ast.AugAssign(target=ast.Subscript(value=inner, slice=place), op=operation, value=value):
            name = _name(inner)
            if name and _is_mask(place):
                return name, lambda old: _where(_put(place, name, old), ast.BinOp(old, operation, value), old)
            if name and labels_axis(place) is not None and isinstance(operation, ast.Add | ast.Sub):
                return name, lambda old: ast.BinOp(old, operation, _times(value, ast.Name("Y", ast.Load())))
        case ast.Assign(targets=[ast.Subscript(value=inner, slice=place) as target], value=value):
            name = _name(inner)
            if name and _is_mask(place):
                return name, lambda old: _masked(_put(place, name, old), value, old)
            if name and labels_axis(place) is not None:
                match value:
                    case ast.BinOp(left=left, op=(ast.Add() | ast.Sub()) as operation, right=by) if _same(left, target):
                        return name, lambda old: ast.BinOp(old, operation, _times(by, ast.Name("Y", ast.Load())))
        case ast.Assign(targets=[target], value=value) if (name := _name(target)) and name in _names(value):
            return name, lambda old: _put(value, name, old)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=inner, attr=attribute), args=[by], keywords=[])):
            if (name := _name(inner)) and attribute in _IN_PLACE:
                return name, lambda old: ast.BinOp(old, _IN_PLACE[attribute], by)
    return None


def _same(a: ast.expr, b: ast.expr) -> bool:
    return ast.unparse(a) == ast.unparse(b)


def _times(by: ast.expr, matrix: ast.expr) -> ast.expr:
    is_one = isinstance(by, ast.Constant) and by.value == 1
    return matrix if is_one else ast.BinOp(by, ast.Mult(), matrix)


def _put(value: ast.expr, name: str, old: ast.expr) -> ast.expr:
    """A value with what a name stood for in its place."""

    class Putting(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return old if node.id == name else node

        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            return old if _name(node) == name else self.generic_visit(node)

    new: ast.expr = Putting().visit(ast.parse(ast.unparse(value), mode="eval").body)
    return new


def _is_mask(place: ast.expr) -> bool:
    """`z <= 0`, `~mask`, `mask`: which entries are changed."""
    match place:
        case ast.Compare(ops=[_]):
            return True
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return _is_mask(inner)
        case ast.Name(id=name):
            return "mask" in name.lower()
    return False


def _masked(place: ast.expr, value: ast.expr, old: ast.expr) -> ast.expr:
    """What `d[mask] = value` makes of d."""
    if isinstance(value, ast.Constant) and value.value in (0, 0.0):
        match place:  # h[h < 0] = 0
            case ast.Compare(left, [ast.Lt() | ast.LtE()], [ast.Constant(value=0)]) if _same(left, old):
                return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "maximum", ast.Load()), [old, value], [])
        return ast.BinOp(old, ast.Mult(), _others(place))
    return _where(place, value, old)


def _others(place: ast.expr) -> ast.expr:
    """The mask of all other entries."""
    match place:
        case ast.Compare(left=left, ops=[operation], comparators=[right]) if type(operation) in _OTHER_SIDE:
            return ast.Compare(left, [_OTHER_SIDE[type(operation)]()], [right])
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return inner  # ~m
    return ast.BinOp(ast.Constant(1), ast.Sub(), place)


def _where(place: ast.expr, value: ast.expr, old: ast.expr) -> ast.expr:
    if isinstance(place, ast.UnaryOp):
        return _where(place.operand, old, value)
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load()), [place, value, old], [])


def labelled(formula: str) -> str:
    """A statement with `P[range(n), y]`, the entries at the labels, as the sum of Y * P over the classes.

    What only flattens samples, `x.reshape(len(x), -1)`, is left out.
    """
    if "range" not in formula and not re.search(r"reshape|view|flatten", formula):
        return formula
    tree = _statement(formula)
    if not isinstance(tree, ast.Assign):
        return formula
    new = _Labelled().visit(tree.value)
    return f"{formula.partition(' = ')[0]} = {ast.unparse(ast.fix_missing_locations(new))}"


class _Labelled(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(args=[ast.Subscript() as inner], keywords=[]) if _called(node) == "log":
                if (axis := labels_axis(inner.slice)) is not None:
                    return _chosen(ast.Call(node.func, [inner.value], []), axis)
        flat = _flattened(node)
        if flat is None:
            return self.generic_visit(node)
        new: ast.AST = self.visit(flat)
        return new

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        axis = labels_axis(node.slice)
        return self.generic_visit(node) if axis is None else _chosen(node.value, axis)


def _flattened(call: ast.Call) -> ast.expr | None:
    """x of `x.reshape(len(x), -1)`, `x.view(n, -1)`, `dx.reshape(x.shape)`: the same numbers, sample by sample."""
    match call:
        case ast.Call(
            func=ast.Attribute(value=inner, attr="reshape" | "view"),
            args=[ast.Name() | ast.Subscript() | ast.Call(), ast.UnaryOp(ast.USub(), ast.Constant(1))],
        ):
            return inner
        case ast.Call(
            func=ast.Attribute(value=inner, attr="reshape" | "view"),
            args=[ast.Attribute(attr="shape") | ast.Starred(ast.Attribute(attr="shape"))],
        ):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr="view_as"), args=[_]):
            return inner
    return None


def _chosen(values: ast.expr, axis: int) -> ast.expr:
    of = ast.BinOp(ast.Name("Y", ast.Load()), ast.Mult(), values)
    total = ast.Attribute(ast.Name("np", ast.Load()), "sum", ast.Load())
    return ast.Call(total, [of], [ast.keyword("axis", ast.Constant(axis))])


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def labels_axis(place: ast.expr) -> int | None:
    """The axis of the labels in `P[range(n), y]`: 1, or 0 in `P[y, range(n)]`."""
    if not isinstance(place, ast.Tuple) or len(place.elts) != 2:
        return None
    numbered = [_numbers_samples(x) for x in place.elts]
    if numbered == [True, False] and _is_label(place.elts[1]):
        return 1
    if numbered == [False, True] and _is_label(place.elts[0]):
        return 0
    return None


def _numbers_samples(part: ast.expr) -> bool:
    return isinstance(part, ast.Call) and _called(part) in _NUMBERED


def _is_label(part: ast.expr) -> bool:
    """y, y_train, self.y, Y.argmax(axis=1)."""
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in ("argmax", "astype"):
        return True
    return bool(_name(part)) or isinstance(part, ast.Attribute)
