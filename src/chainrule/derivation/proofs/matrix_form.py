"""Reading the matrix form back: Σ_k A_ik B_jk is (A Bᵀ)_ij, sums over an axis, the rest entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import mul

from ...errors import DerivationError
from ...graph import OPS, SCALAR, Dim, Node, Shape, broadcast_to, constant, variable
from ...ops import gather, one_hot, pick, scatter_add, total, where
from ...reverse import derive
from .indexed import Bracket, Delta, Entry, Expr, Factor, Indices, Label, Place, Rate, Term, Unknown, free_letters


@dataclass(frozen=True)
class _Part:
    """A matrix and the letters of its rows and columns; None where it has a single one."""

    node: Node
    row: str | None
    col: str | None

    @property
    def letters(self) -> frozenset[str]:
        return frozenset(x for x in (self.row, self.col) if x is not None)

    @property
    def turned(self) -> _Part:
        return _Part(self.node.T, self.col, self.row)


def matrix_form(x: Expr, row: str | None, col: str | None, indices: Indices) -> Node:
    """The matrix whose entry at (row, col) is x.

    Raises `DerivationError` where the sum is no chain of matrix products, sums over an axis and entry-wise operations.
    """
    shape = Shape(_dim(row, indices), _dim(col, indices))
    result: Node | None = None
    for t in x:
        part = _term(t, row, col, indices)
        result = part if result is None else result + part
    return constant(0, shape) if result is None else broadcast_to(result, shape)


def _dim(letter: str | None, indices: Indices) -> Dim:
    return 1 if letter is None else indices.extent[letter]


def _term(t: Term, row: str | None, col: str | None, indices: Indices) -> Node:
    bound = list(t.bound)
    parts: list[_Part] = []
    below: Node | None = None
    for f, e in _labels_first(t, bound, indices, parts):
        p = _factor(f, row, col, indices)
        if e < 0 and not p.letters & set(bound):
            node = _oriented(p, row, col) ** -e if e != -1 else _oriented(p, row, col)
            below = node if below is None else below * node
        else:
            parts.append(_Part(p.node**e if e > 0 or e != -1 else 1 / p.node, p.row, p.col) if e != 1 else p)
    while bound:
        parts = _summed_over(bound.pop(_next(bound, parts)), parts, row, col)
    parts = _outer(parts, row, col)
    size = abs(t.number)
    scale = () if size == 1 and not t.powers else (constant(size, SCALAR, t.powers),)
    plain = [_oriented(p, row, col) for p in parts if _is_plain(p.node)]
    plain.sort(key=lambda n: n.op.name != "matmul")
    curved = [_oriented(p, row, col) for p in parts if not _is_plain(p.node)]
    if below is not None:  # functions of one argument stand together, where a law may know them
        curved = [_product_of(curved) / below]
    result = _product_of([*scale, *plain, *curved])
    return -result if t.number < 0 else result


def _outer(parts: list[_Part], row: str | None, col: str | None) -> list[_Part]:
    """A column times a row is their outer product, where no whole matrix stands beside them."""
    if row is None or col is None or any(len(p.letters) == 2 for p in parts):
        return parts
    column = [p for p in parts if p.letters == {row}]
    across = [p for p in parts if p.letters == {col}]
    if not column or not across:
        return parts
    left = _product_of([p.node if p.row == row else p.node.T for p in column])
    right = _product_of([p.node if p.col == col else p.node.T for p in across])
    return [*(p for p in parts if not p.letters), _Part(left @ right, row, col)]


def _is_plain(n: Node) -> bool:
    n = n.inputs[0] if n.op.name == "transpose" else n
    return n.is_variable or n.op.name in ("matmul", "sum")


def _product_of(factors: list[Node]) -> Node:
    return reduce(mul, factors) if factors else constant(1)


def _next(bound: list[str], parts: list[_Part]) -> int:
    """The letter that the fewest different parts share: products of two matrices before anything else."""
    return min(range(len(bound)), key=lambda k: len({p.letters for p in parts if bound[k] in p.letters}))


def _labels_first(t: Term, bound: list[str], indices: Indices, parts: list[_Part]) -> list[tuple[Factor, int]]:
    """Sums of the columns that a label names, which are one operation: Σ_v D_iv [y_v = k] = scatter_add(D, y)_ik."""
    rest = list(t.factors)
    for f, e in t.factors:
        label, other = _label_of(f)
        if label is None or label.at not in bound or e != 1:
            continue
        partners = [(g, p) for g, p in rest if g != f and label.at in free_letters((Term(((g, p),)),))]
        if len(partners) == 1 and partners[0][1] == 1 and isinstance(partners[0][0], Entry):
            g = partners[0][0]
            d = _entry(g)
            d = d if d.col == label.at else d.turned
            parts.append(_Part(scatter_add(d.node, label.node, cols=indices.extent[other]), d.row, other))
            bound.remove(label.at)
            rest = [(h, p) for h, p in rest if h not in (f, g)]
    return rest


def _label_of(f: Factor) -> tuple[Label | None, str]:
    """The label of a delta, and the letter that is compared with it."""
    if isinstance(f, Delta):
        for label, other in ((f.right, f.left), (f.left, f.right)):
            if isinstance(label, Label) and isinstance(other, str):
                return label, other
    return None, ""


def _factor(f: Factor, row: str | None, col: str | None, indices: Indices) -> _Part:
    if isinstance(f, Entry):
        return _entry(f)
    if isinstance(f, Delta):
        label, other = _label_of(f)
        if label is not None:
            return _Part(one_hot(label.node, classes=indices.extent[other]), other, label.at)
        raise DerivationError("a Kronecker delta between two free letters has no matrix form here")
    if isinstance(f, Unknown):
        return _Part(_slope(f), _plain(f.row), _plain(f.col))
    if isinstance(f, Rate):
        raise DerivationError("the deltas are not written out yet, so there is no matrix form")
    inside = f.inside if isinstance(f, Bracket) else tuple(t for x in f.arguments for t in x)
    letters = sorted(free_letters(inside), key=lambda x: (x == col, x != row))
    if len(letters) > 2:
        raise DerivationError("an expression of more than two letters has no matrix form")
    p, q = _row_and_col(letters, col)
    if isinstance(f, Bracket):
        return _Part(matrix_form(inside, p, q, indices), p, q)
    arguments = [matrix_form(x, p, q, indices) for x in f.arguments]
    return _Part((where if f.op is where else f.op)(*arguments, **dict(f.attrs)), p, q)


def _row_and_col(letters: list[str], col: str | None) -> tuple[str | None, str | None]:
    if len(letters) == 2:
        return letters[0], letters[1]
    only = letters[0] if letters else None
    return (None, only) if only is not None and only == col else (only, None)


def slope_variable(output: Node, argument: Node, prime: int) -> Node:
    """What stands for g'(argument) in a matrix expression while nothing is known of g but its value, `output`."""
    return variable(f"{output.name}{chr(39) * prime}({argument.name})", *argument.shape)


def _slope(f: Unknown) -> Node:
    """g^(prime)(argument): the derivative of the expression that stands behind g."""
    node = f.output
    if node.is_variable and f.prime:
        return slope_variable(node, f.argument, f.prime)
    for _ in range(f.prime):
        node = derive(node, [f.argument], seed=constant(1, node.shape)).of(f.argument)
    return node


def _plain(place: Place) -> str | None:
    if isinstance(place, Label):
        raise DerivationError("an unknown function at a label has no matrix form")
    return place


def _entry(f: Entry) -> _Part:
    if isinstance(f.row, Label):
        return _Part(pick(f.node, f.row.node), None, f.row.at)
    if isinstance(f.col, Label):
        return _Part(gather(f.node, f.col.node), _plain(f.row), f.col.at)
    if f.row == f.col and f.row is not None:
        raise DerivationError("a diagonal has no matrix form here")
    return _Part(f.node, f.row, f.col)


def _oriented(p: _Part, row: str | None, col: str | None) -> Node:
    """The matrix with its letters where they belong; one that lacks a letter is repeated later."""
    if not p.letters <= {row, col}:
        raise DerivationError("a free letter is left over, so there is no matrix form")
    if p.row in (row, None) and p.col in (col, None):
        return p.node
    return p.node.T


def _times(a: _Part, b: _Part) -> _Part:
    """The entry-wise product of parts whose letters are the same, or of a column (row) and a matrix."""
    if not a.letters >= b.letters:
        a, b = b, a
    fits = b.row in (a.row, None) and b.col in (a.col, None)
    return _Part(a.node * (b.node if fits else b.node.T), a.row, a.col)


def _summed_over(k: str, parts: list[_Part], row: str | None, col: str | None) -> list[_Part]:
    """The parts after the sum over k: a matrix product of two, or the sum over an axis of one."""
    rest = [p for p in parts if k not in p.letters]
    groups: dict[frozenset[str], _Part] = {}
    for p in parts:
        if k in p.letters:
            groups[p.letters] = _times(groups[p.letters], p) if p.letters in groups else p
    held = list(groups.values())
    while len(held) > 2:
        vector = next((p for p in held if len(p.letters) == 1), None)
        if vector is None:
            raise DerivationError(f"{len(held)} matrices share the letter {k}, so there is no matrix form")
        held.remove(vector)
        held[0] = _times(held[0], vector)
    if len(held) == 1:
        (p,) = held
        axis = 0 if p.row == k else 1
        return [*rest, _Part(total(p.node, axis=axis), None if axis == 0 else p.row, None if axis == 1 else p.col)]
    left, right = (p if p.col == k else p.turned for p in held)  # both as (·, k)
    if right.row == row != left.row or left.row == col != right.row or (left.row is None and right.row != col):
        left, right = right, left
    right = right.turned
    return [*rest, _Part(_product(left.node, right.node), left.row, right.col)]


def _product(a: Node, b: Node) -> Node:
    return OPS["matmul"](_untwice(a), _untwice(b))


def _untwice(a: Node) -> Node:
    if a.op.name == "transpose" and a.inputs[0].op.name == "transpose":
        return a.inputs[0].inputs[0]
    return a
