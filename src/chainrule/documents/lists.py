"""Programs that keep weights and values of all layers in lists: `zs[-l]`, `self.weights[-l + 1]` as z[L-l+1], W[L-l+2].

What a list holds is read off the loop of the forward pass and what is appended in it, as in Nielsen's `network.py`::

    for b, w in zip(self.biases, self.weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from .changes import is_deep

_PRODUCTS = ("dot", "matmul")
_LONGEST = 60_000  # characters of a program
_DEEPEST = 60  # parts within parts


@dataclass(frozen=True)
class _Pass:
    """The forward pass of a program: its loop, and what stands for W, b, z and a in it and in lists."""

    loop: ast.For
    names: Mapping[str, str]  # of one layer in the loop
    lists: Mapping[str, str]  # of all layers
    value: str  # what goes on from layer to layer


@dataclass
class _Rewriter(ast.NodeTransformer):
    """Puts quantities of layers in the place of names and of entries of lists."""

    names: dict[str, ast.expr] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return deepcopy(self.names[node.id]) if node.id in self.names else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        letter, behind = self.lists.get(_text(node.value)), _from_the_end(node.slice)
        if letter is None or behind is None:
            return self.generic_visit(node)
        return _of_layer(letter, behind)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = _text(node.func).removeprefix("self.")
        method = self.methods.get(called) if _text(node.func).startswith("self.") else None
        if method is not None and not node.keywords:
            parameters = [a.arg for a in method.args.args][1:]
            returned = method.body[-1]
            if len(parameters) == len(node.args) and isinstance(returned, ast.Return) and returned.value is not None:
                given = {p: self.visit(deepcopy(a)) for p, a in zip(parameters, node.args, strict=True)}
                new: ast.AST = _Rewriter(given).visit(deepcopy(returned.value))
                return new
        return self.generic_visit(node)


def of_lists(program: str) -> dict[int, str]:
    """The formulas of a program with such lists, by the number of the line, from 0 on; empty for what is none."""
    if "zip" not in program or len(program) > _LONGEST:
        return {}
    try:
        tree = ast.parse(program)
        if is_deep(tree, _DEEPEST):
            return {}
        return dict(_formulas(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _formulas(tree: ast.Module) -> Iterator[tuple[int, str]]:
    functions = [x for x in ast.walk(tree) if isinstance(x, ast.FunctionDef)]
    methods = {f.name: f for f in functions if _is_short(f)}
    for function in functions:
        loop = next((p for x in function.body if isinstance(x, ast.For) and (p := _pass(x))), None)
        if loop is None:
            continue
        yield from _of_forward(loop)
        at = function.body.index(loop.loop)
        yield from _of_backward(function.body[at + 1 :], _with_gradients(loop.lists, function.body), methods)


def _is_short(function: ast.FunctionDef) -> bool:
    """Whether a function is one value, and no more than words besides."""
    body = function.body[1:] if isinstance(function.body[0], ast.Expr) else function.body
    return len(body) == 1 and isinstance(body[0], ast.Return)


def _pass(loop: ast.For) -> _Pass | None:
    """The forward pass of a loop over the weights and biases of all layers."""
    match loop:
        case ast.For(
            target=ast.Tuple(elts=[ast.Name(id=one), ast.Name(id=other)]),
            iter=ast.Call(func=ast.Name(id="zip"), args=[first, second]),
        ):
            lists = {one: _text(first), other: _text(second)}
        case _:
            return None
    for statement in loop.body:
        if not isinstance(statement, ast.Assign) or not isinstance(target := statement.targets[0], ast.Name):
            continue
        found = _linear(statement.value, set(lists))
        if found is None:
            continue
        weight, value = found
        bias = other if weight == one else one
        names = {weight: "W", bias: "b"}
        held = {lists[weight]: "W", lists[bias]: "b"}
        if target.id != value:
            names[target.id] = "z"
        for call in (x.value for x in loop.body if isinstance(x, ast.Expr)):
            match call:
                case ast.Call(func=ast.Attribute(value=kept, attr="append"), args=[ast.Name(id=name)]):
                    if name == value or names.get(name) == "z":
                        held[_text(kept)] = "a" if name == value else "z"
        return _Pass(loop, names, held, value)
    return None


def _linear(value: ast.expr, names: set[str]) -> tuple[str, str] | None:
    """w and a of `np.dot(w, a) + b`, of `w @ a + b`, also inside a function."""
    for part in ast.walk(value):
        match part:
            case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Name(id=weight), ast.Name(id=name)]):
                if attr in _PRODUCTS and weight in names and name not in names:
                    return weight, name
            case ast.BinOp(left=ast.Name(id=weight), op=ast.MatMult(), right=ast.Name(id=name)):
                if weight in names and name not in names:
                    return weight, name
    return None


def _of_forward(forward: _Pass) -> Iterator[tuple[int, str]]:
    layer = {name: _parsed(f"{letter}[l]") for name, letter in forward.names.items()}
    value = _parsed("a[l-1]")
    for statement in forward.loop.body:
        if not isinstance(statement, ast.Assign) or not isinstance(target := statement.targets[0], ast.Name):
            continue
        right = _Rewriter({**layer, forward.value: value}).visit(deepcopy(statement.value))
        left = "a[l]" if target.id == forward.value else _text(layer[target.id]) if target.id in layer else ""
        yield statement.lineno - 1, f"{left} = {_text(right)}" if left else ""
        if target.id == forward.value:
            value = _parsed("a[l]")


def _with_gradients(lists: Mapping[str, str], body: Sequence[ast.stmt]) -> dict[str, str]:
    """The lists with those of zeros in the sizes of weights and biases: `[np.zeros(w.shape) for w in self.weights]`."""
    found = dict(lists)
    for statement in body:
        match statement:
            case ast.Assign(targets=[target], value=ast.ListComp(elt=ast.Call(), generators=[part])):
                if (of := lists.get(_text(part.iter))) in ("W", "b"):
                    found[_text(target)] = f"d{of}"
    return found


def _of_backward(
    body: Sequence[ast.stmt], lists: Mapping[str, str], methods: Mapping[str, ast.FunctionDef]
) -> Iterator[tuple[int, str]]:
    """The backward pass: what is computed before its loop is of the last layer, what goes through it one before."""
    rewriter = _Rewriter({}, lists, methods)
    for statement in body:
        if isinstance(statement, ast.Assign):
            yield from _statement(statement, rewriter, "L")
        elif isinstance(statement, ast.For) and isinstance(statement.target, ast.Name):
            letter = statement.target.id
            carried = [n for n in rewriter.names if any(_assigns(x, n) for x in statement.body)]
            for name in carried:
                rewriter.names[name] = _parsed(f"{name}[L-{letter}+2]")
            for each in statement.body:
                if isinstance(each, ast.Assign):
                    yield from _statement(each, rewriter, f"L-{letter}+1", carried)


def _statement(
    statement: ast.Assign, rewriter: _Rewriter, layer: str, carried: Sequence[str] | None = None
) -> Iterator[tuple[int, str]]:
    right = rewriter.visit(deepcopy(statement.value))
    target = statement.targets[0]
    if isinstance(target, ast.Name):
        changed = _text(right) != _text(statement.value)
        if carried is not None and target.id not in carried:  # a name for something of this turn
            if changed:
                rewriter.names[target.id] = right
                yield statement.lineno - 1, ""
            return
        if not changed:
            return
        rewriter.names[target.id] = _parsed(f"{target.id}[{layer}]")
    left = rewriter.visit(deepcopy(target))
    if _text(left) != _text(target) or isinstance(left, ast.Subscript):
        yield statement.lineno - 1, f"{_text(left)} = {_text(right)}"


def _assigns(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == name for t in statement.targets
    )


def _from_the_end(index: ast.expr) -> str | None:
    """What is added to L + 1 in the layer of an entry: `-l+1`; None where it is not counted from the end."""
    text = _text(index).replace(" ", "")
    return (
        text if text.startswith("-") and len(text) < 12 and text.replace("-", "").replace("+", "").isalnum() else None
    )


def _of_layer(letter: str, behind: str) -> ast.expr:
    """a[L-1] of -2, W[L-l+2] of `-l+1`."""
    numbers = [x for x in behind.replace("-", " -").replace("+", " ").split() if x.lstrip("-").isdecimal()]
    letters = [x for x in behind.replace("-", " -").replace("+", " ").split() if not x.lstrip("-").isdecimal()]
    by = 1 + sum(map(int, numbers))
    return _parsed(f"{letter}[L{''.join(letters)}{f'{by:+d}' if by else ''}]")


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _text(tree: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(tree))


__all__ = ["of_lists"]
