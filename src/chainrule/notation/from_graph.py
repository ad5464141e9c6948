"""Expressions of the graph as formulas: whole matrices, or one entry with its indices and sums.

Nothing is lost: evaluated with the same numbers, the formula has the value of the expression. The sign of a product
says what it is: `@` of matrices, `∘` entry by entry, `·` by a number or a size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..errors import DerivationError
from ..graph import OPS, SCALAR, Dim, Node, Shape, walk
from .formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Formula,
    Index,
    Negate,
    Number,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from .roots import root_of

_NUMBERED = re.compile(r"^([A-Za-z]+)\[([^\]]+)\]$")
_FUNCTION = re.compile(r"^(\w+)\(")
_SIGNS = {"add": "+", "subtract": "-", "divide": "/", "power": "^", "matmul": "@"}
_READ = {"onehot": "one_hot"}  # names of functions where the template's is not the usual one


@lru_cache(maxsize=4096)
def symbol(name: str) -> Symbol:
    """`dW[2]` is name dW, layer 2.

    Names that no reader takes get letters of their own: the activations `A[2d1]` after dropout 1 are H[1], `A[1']`
    after a normalization Q[1], the normalized `N[1]` U[1].
    """
    match = _NUMBERED.match(name)
    if match is None:
        return Symbol(name)
    stem, inside = match.groups()
    drop = re.fullmatch(r"\d+d(\d+)", inside)
    if drop:
        return Symbol(_relettered(stem, "H"), Number(Fraction(int(drop[1]))))
    plain = inside.rstrip("'")
    if plain != inside:
        return Symbol(_relettered(stem, "QPO"[min(len(inside) - len(plain), 3) - 1]), _layer(plain))
    return Symbol(_relettered(stem, "U") if stem in ("N", "dN") else stem, _layer(inside))


def _relettered(stem: str, letter: str) -> str:
    """Another letter for a stem, `dH` for `dA`, small for a single sample."""
    new = letter.lower() if stem[-1].islower() else letter
    return f"d{new}" if len(stem) > 1 else new


def _layer(text: str) -> Formula:
    match = re.fullmatch(r"(\w+?)\s*([+-])\s*(\d+)", text)
    if match:
        return Binary(match[2], _layer(match[1]), Number(Fraction(int(match[3]))))
    return Number(Fraction(int(text))) if text.isdigit() else Symbol(text)


def dimension(dim: Dim) -> Formula:
    """A size: 4, `m`, `n_1` as `n[1]`."""
    if isinstance(dim, int):
        return Number(Fraction(dim))
    stem, _, below = dim.partition("_")
    return Symbol(stem, _layer(below.strip("{}"))) if below else Symbol(dim)


def function_name(op: str) -> str:
    """The name under which text writes an operation: `maximum` is `max`."""
    match = _FUNCTION.match(OPS[op].text)
    name = match[1] if match else op
    return _READ.get(name, name)


def called(op: str, arguments: tuple[Formula, ...], names: tuple[str, ...] = ()) -> Formula:
    """A call of an operation; where(p, a, b), which asks p > 0 here, says so: `where(abs(x) < 1, a, b)`."""
    if op == "where":
        p, *branches = arguments
        return Call(Symbol("where"), (_positive(p), *branches))
    return Call(Symbol(function_name(op)), arguments, names)


def _positive(p: Formula) -> Formula:
    """p > 0, as a comparison of the two sides where p is a difference."""
    if isinstance(p, Binary) and p.sign == "-":
        if isinstance(p.left, Number):
            return Call(Symbol("less"), (p.right, p.left))
        return Call(Symbol("greater"), (p.left, p.right))
    return Call(Symbol("greater"), (p, Number(Fraction(0))))


def formula(node: Node, names: Mapping[Node, Formula] | None = None, *, inside: bool = False) -> Formula:
    """The formula of an expression.

    names   nodes that are written as a name, where the walk stops
    inside  write the node's own expression even if it has a name, as for the right side of its equation
    """
    names = names or {}
    done: dict[Node, tuple[Formula, Shape]] = {}  # formula, and the shape that it shows by itself
    stack = [(node, False)]
    while stack:  # an explicit stack: expressions may be deeper than Python's
        n, ready = stack.pop()
        if n in done:
            continue
        if n in names and not (inside and n is node):
            done[n] = names[n], n.shape
        elif n.is_variable:
            done[n] = symbol(n.name), n.shape
        elif n.is_constant:
            done[n] = constant_formula(n), SCALAR
        elif ready:
            done[n] = _whole(n, done)
        else:
            stack.append((n, True))
            stack.extend((x, False) for x in n.inputs)
    return done[node][0]


def _whole(n: Node, done: Mapping[Node, tuple[Formula, Shape]]) -> tuple[Formula, Shape]:
    parts = [done[x][0] for x in n.inputs]
    shapes = [done[x][1] for x in n.inputs]
    name = n.op.name
    if name == "broadcast":
        return parts[0], shapes[0]
    if name == "transpose":
        return (Transpose(parts[0]) if shapes[0] != SCALAR else parts[0]), shapes[0].T
    if n.op.pointwise:
        shown = Shape(*(1 if all(s[d] == 1 for s in shapes) else n.shape[d] for d in (0, 1)))
        if name == "multiply" and parts[0] == parts[1]:
            return Binary("^", parts[0], Number(Fraction(2))), shown
        if name == "multiply":
            return _multiplied("·" if any(_number(x) for x in n.inputs) else "∘", *parts), shown
        if name in _SIGNS:
            return Binary(_SIGNS[name], *parts), shown
        if name == "negate":
            return Negate(parts[0]), shown
        return called(name, *_arguments(n, parts)), shown
    parts = [_full(x, f, s) for x, f, s in zip(n.inputs, parts, shapes, strict=True)]
    if name == "matmul":
        return Binary("@", *parts), n.shape
    if name == "gather":
        return Index(parts[0], (Slice(), parts[1])), n.shape
    return Call(Symbol(function_name(name)), *_arguments(n, parts)), n.shape


def _multiplied(sign: str, a: Formula, b: Formula) -> Formula:
    """A product; z · (1/√2), whose factor is a number of the graph, is z / √2."""
    if isinstance(b, Binary) and b.sign == "/" and b.left == ONE and isinstance(b.right, Call):
        return Binary("/", a, b.right)
    return Binary(sign, a, b)


def _full(x: Node, f: Formula, shown: Shape) -> Formula:
    """An operand whose size counts: what was repeated is written as many times as it stands there."""
    if shown == x.shape:
        return f
    ones = Call(Symbol("ones"), (dimension(x.shape.rows), dimension(x.shape.cols)))
    if f == ONE:
        return ones
    return Binary("·" if shown == SCALAR else "∘", f, ones)


def _arguments(n: Node, parts: list[Formula]) -> tuple[tuple[Formula, ...], tuple[str, ...]]:
    """Operands, then attributes by name where the result depends on them and the operands do not tell."""
    given: dict[str, Any] = dict(n.attrs)
    axis = given.get("axis")
    if axis is not None:
        return (*parts, Number(Fraction(axis))), ("axis",)
    limits = [Number(Fraction(given[k])) for k in ("lo", "hi", "stream") if k in given]
    sizes = [dimension(given[k]) for k in ("classes", "rows", "cols") if k in given]
    return (*parts, *limits, *sizes), ()


def _number(x: Node) -> bool:
    """Whether a factor is one number for all entries."""
    while x.op.name in ("broadcast", "negate"):
        x = x.inputs[0]
    return x.is_constant or x.shape == (1, 1)


def constant_formula(n: Node) -> Formula:
    """A constant: 3, 1/2, 1/m, 1/(2 m)."""
    value, powers = n.get("value"), n.get("powers")
    if isinstance(value, float):
        raise DerivationError(f"the constant {value} is no number that a formula can have")
    top = [_power(d, p) for d, p in powers if p > 0]
    bottom = [_power(d, -p) for d, p in powers if p < 0]
    size = abs(value)
    root = root_of(size)
    if root is not None:
        found = root if not bottom and not top else _product([*top, root])
        found = Binary("/", found, _product(bottom)) if bottom else found
        return Negate(found) if value < 0 else found
    if not bottom and not top:
        return Number(value)
    if size.denominator != 1 and (bottom or top):
        bottom.insert(0, Number(Fraction(size.denominator)))
    if size.numerator != 1 or not top:
        top.insert(0, Number(Fraction(size.numerator)))
    whole = _product(top)
    if bottom:
        whole = Binary("/", whole, _product(bottom))
    return Negate(whole) if value < 0 else whole


def _power(dim: Dim, power: int) -> Formula:
    base = dimension(dim)
    return base if power == 1 else Binary("^", base, Number(Fraction(power)))


def _product(factors: list[Formula]) -> Formula:
    whole = factors[0]
    for x in factors[1:]:
        whole = Binary("·", whole, x)
    return whole


# One entry ---------------------------------------------------------------------------------------------------------

Place = tuple[Formula | None, Formula | None]  # row and column; None where there is only one


def entry(
    node: Node, place: Place, names: Mapping[Node, Formula] | None = None, *, inside: bool = False, taken: str = ""
) -> Formula:
    """One entry of an expression in indices: of `A @ B`, `sum_k A[i,k] B[k,j]`.

    place  row and column, None for a direction in which the matrix has one entry
    taken  letters that the sums may not use, besides those of the place
    """
    sizes = {d for n in walk(node) for d in n.shape if isinstance(d, str)}
    return _Entries(names or {}, {*taken, *sizes}, place).of(node, place, inside=inside)


def entry_of(base: Formula, shape: Shape, place: Place) -> Formula:
    """The entry of a named matrix: `W[i, j]`, `b[i]` of a column, `Z[1, j]` of a row, the name itself of a number.

    A function applied entry by entry is applied to the entry: `g'(Z)` at i, j is `g'(Z[i, j])`.
    """
    match base:
        case Call(function=function, arguments=arguments, names=names):
            return Call(function, tuple(entry_of(x, shape, place) for x in arguments), names)
        case Transpose(operand=operand):
            return entry_of(operand, shape.T, place[::-1])
        case Number():
            return base
    if shape.rows == 1 and shape.cols != 1 and place[1] is not None and not _is_vector(base):
        return Index(base, (ONE, place[1]))  # with a lone index a matrix of one row would look like a column
    kept = tuple(p for p, d in zip(place, shape, strict=True) if d != 1 and p is not None)
    return Index(base, kept) if kept else base


def _is_vector(base: Formula) -> bool:
    """Whether a letter is that of a vector, a small one: the bias b, or da of a single sample."""
    if not isinstance(base, Symbol):
        return False
    name = base.name[1:] if base.name.startswith("d") and len(base.name) > 1 else base.name
    return name[0].islower()


def place_of(shape: Shape, letters: tuple[str, str] = ("i", "j")) -> Place:
    """Indices for the directions in which there is more than one entry: the first letter for the row, i is a unit."""
    row = None if shape.rows == 1 else Symbol(letters[0])
    column = None if shape.cols == 1 else Symbol(letters[1])
    return row, column


class _Entries:
    def __init__(self, names: Mapping[Node, Formula], taken: set[str], place: Place) -> None:
        self.names = names
        used = taken | {p.name for p in place if isinstance(p, Symbol)}
        self.free: Iterator[str] = (c for c in "kpqrstuvcdefgh" if c not in used)

    def letter(self) -> Symbol:
        try:
            return Symbol(next(self.free))
        except StopIteration:
            raise DerivationError("the expression needs more summation indices than there are letters") from None

    def of(self, n: Node, place: Place, *, inside: bool = False) -> Formula:
        if n in self.names and not inside:
            return entry_of(self.names[n], n.shape, place)
        if n.is_variable:
            return entry_of(symbol(n.name), n.shape, place)
        if n.is_constant:
            return constant_formula(n)
        name = n.op.name
        if name == "broadcast":
            (x,) = n.inputs
            return self.of(x, (None if x.shape.rows == 1 else place[0], None if x.shape.cols == 1 else place[1]))
        if name == "transpose":
            return self.of(n.inputs[0], place[::-1])
        if name == "matmul":
            return self.matmul(n, place)
        if n.op.pointwise:
            return self.pointwise(n, [self.of(x, place) for x in n.inputs])
        if name in ("sum", "lse", "max"):
            return self.reduction(n, place)
        if name == "one_hot":
            return Call(Symbol("one_hot"), (place[0] or ONE, self.of(n.inputs[0], (None, place[1]))))
        if name == "pick":
            a, y = n.inputs
            return self.of(a, (self.of(y, (None, place[1])), place[1]))
        if name == "gather":
            a, y = n.inputs
            return self.of(a, (place[0], self.of(y, (None, place[1]))))
        raise DerivationError(f"{name}: this operation has no form in indices here; use another style")

    def matmul(self, n: Node, place: Place) -> Formula:
        a, b = n.inputs
        if a.shape.cols == 1:
            return Binary("·", self.of(a, (place[0], None)), self.of(b, (None, place[1])))
        k = self.letter()
        return self.summed(Binary("·", self.of(a, (place[0], k)), self.of(b, (k, place[1]))), [(k, a.shape.cols)])

    def reduction(self, n: Node, place: Place) -> Formula:
        (x,), axis = n.inputs, n.get("axis")
        found, bounds = list(place), []
        for d in (0, 1):
            if axis in (d, None) and x.shape[d] != 1:
                found[d] = k = self.letter()
                bounds.append((k, x.shape[d]))
        body = self.of(x, (found[0], found[1]))
        if n.op.name == "sum":
            return self.summed(body, bounds)
        if n.op.name == "lse":
            return Call(Symbol("log"), (self.summed(Call(Symbol("exp"), (body,)), bounds),))
        raise DerivationError("a largest entry has no form in indices; use another style")

    def summed(self, body: Formula, bounds: list[tuple[Symbol, Dim]]) -> Formula:
        if not bounds:
            return body
        return Sum(body, tuple(Bound(k, ONE, dimension(d)) for k, d in bounds))

    def pointwise(self, n: Node, parts: list[Formula]) -> Formula:
        name = n.op.name
        if name == "multiply":
            return Binary("^", parts[0], Number(Fraction(2))) if parts[0] == parts[1] else _multiplied("·", *parts)
        if name in _SIGNS:
            return Binary(_SIGNS[name], *parts)
        if name == "negate":
            return Negate(parts[0])
        return called(name, *_arguments(n, parts))


def renamed(names: Mapping[str, Node], change: Callable[[str], Formula] = symbol) -> dict[Node, Formula]:
    """Names for the walk, from a table name -> node; the first name of a node wins."""
    return {node: change(name) for name, node in reversed(list(names.items()))}
