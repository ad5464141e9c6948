"""Which letters of an identity are matrices or columns: read off its transposes, products and norms.

Where nothing is declared a letter is a number, and of numbers `(A B)ᵀ = Aᵀ Bᵀ` is true. Matrices are square here and
columns of their height, as numbers drawn at random tell what sizes would; but what stands below or beside something,
as in (x; 1), makes it longer. `U_1`, where U has never another index, is a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..notation.formula import (
    Array,
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Range,
    Slice,
    Sum,
    Symbol,
    Transpose,
)

Shape = tuple[int, int]
_N = 3
_PRODUCTS = ("@", " ", "·")
_LOG_SUM_EXP = frozenset({"lse", "LSE", "logsumexp"})
_OF_COLUMNS = frozenset({"norm", "outer", "dot", "softmax", "sum", "mean"}) | _LOG_SUM_EXP
_TO_NUMBERS = frozenset({"norm", "sum", "mean", "tr", "trace", "det", "dot", "inner", "max", "min"}) | _LOG_SUM_EXP
_ROUNDS = 4
_CONSTANTS = frozenset({Symbol("c"), Symbol("k"), Symbol("const")})


def matrix_shapes(formulas: Sequence[Formula], known: Collection[str] = ()) -> dict[str, Shape]:
    """The shapes of the letters that are no numbers; {} where all may be numbers.

    formulas  the one that is judged, and the definitions around it
    known     letters that are no free ones

    A name such as `U_1` is that of the letter U with this index, see `numbered_letter`.
    """
    if not any(_is_of_matrices(part) for formula in formulas for part in formula.parts):
        return {}
    never = frozenset().union(*map(_never, formulas)) - _factors(formulas)
    numbered = _numbered(formulas) - {*known} - never
    shapes = _learned(formulas, _Shapes(never, numbered))
    if _has_a_column_as_cost(formulas, shapes):
        rows = _learned(formulas, _Shapes(never, numbered, rows=True))
        shapes = shapes if _has_a_column_as_cost(formulas, rows) else rows
    return {name: shape for name, shape in shapes.sizes().items() if shape != (1, 1) and name not in known}


def _learned(formulas: Sequence[Formula], shapes: _Shapes) -> _Shapes:
    """What formulas say of shapes, each of them with what the others have said."""
    for _ in range(_ROUNDS):
        before = shapes.sizes()
        for formula in formulas:
            shapes.of(formula)
        if shapes.sizes() == before:
            break
    return shapes


def _has_a_column_as_cost(formulas: Sequence[Formula], shapes: _Shapes) -> bool:
    """`E = 1/2 (y - t)²` of columns: one of the letters before them must be a row."""
    said = [x.sides for x in formulas if isinstance(x, Equation) and len(x.sides) == 2]
    return any(left in _COSTS and _is_column(shapes.of(right)) for left, right in said)


_COSTS = tuple(map(Symbol, ("E", "J", "L", "C")))


def numbered_letter(part: Formula) -> str:
    """`U_1` of the letter U with the index 1; empty for anything else."""
    match part:
        case Index(Symbol(name, layer=None, sample=None, prime=0), (Number(value),)) if value.denominator == 1:
            return f"{name}_{value}"
    return ""


def told_apart(formula: Formula, shapes: Mapping[str, Shape]) -> Formula:
    """The formula with a letter of its own for each `U_1` that has a shape; other parts stay the same objects."""
    if not any("_" in name for name in shapes):
        return formula

    def own(part: Formula) -> Formula:
        name = numbered_letter(part)
        return Symbol(name) if name in shapes else part

    return formula.mapped(own)


def _numbered(formulas: Sequence[Formula]) -> set[str]:
    """The letters that have one number below wherever they stand."""
    inside = [x for formula in formulas for x in formula.parts if isinstance(x, Index)]
    own = [x for x in inside if numbered_letter(x)]
    found = {x.base.name for x in own if isinstance(x.base, Symbol)}
    apart = {id(x.base) for x in own}
    return found - {x.name for f in formulas for x in f.parts if isinstance(x, Symbol) and id(x) not in apart}


def _is_of_matrices(part: Formula) -> bool:
    """xᵀ, A @ B, A x, ‖x‖, tr, softmax(z), sum(z): signs that numbers need not."""
    match part:
        case Transpose() | Binary("@" | "⊗"):
            return True
        case Binary("^", _, Symbol("T")):
            return True
        case Binary("^", Symbol(a), Negate(Symbol("T") | Number(value=1))):  # A^{-1}, A^{-T}
            return _is_capital(a)
        case Binary(" ", Symbol(a), Symbol(b)):
            return _is_capital(a) and (_is_capital(b) or (b.isascii() and len(b) == 1))
        case Call(Symbol("norm" | "tr" | "trace" | "diag" | "outer" | "inner" | "det" | "inv" | "vec")):
            return True
        case Call(Symbol("softmax" | "sum" | "mean" | "lse" | "LSE" | "logsumexp"), (Symbol(), *_)):
            return True
    return False


def _is_capital(name: str) -> bool:
    return name in _GREEK or (len(name) == 1 and name.isascii() and name.isupper())


_GREEK = frozenset({"Gamma", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"})


def _never(formula: Formula) -> set[str]:
    """Letters of indices, layers and functions, and those that have sizes from their indices."""
    found: set[str] = {"m", "n", "N", "L", "J", "C", "T", "I", "e", "pi", "alpha", "eta", "lambda"}
    for part in formula.parts:
        if isinstance(part, Call) and isinstance(part.function, Symbol):
            found.add(part.function.name)
        if isinstance(part, Index):
            found |= {x.name for e in part.entries for x in e.parts if isinstance(x, Symbol)}
        if isinstance(part, Sum):
            found |= {x.name for b in part.bounds for x in b.parts if isinstance(x, Symbol)}
        if isinstance(part, Symbol) and (part.layer is not None or part.sample is not None):
            found |= {x.name for x in part.parts if isinstance(x, Symbol)}
    return found


def _factors(formulas: Sequence[Formula]) -> set[str]:
    """C of `p = softmax(C h)`: letters that elsewhere are a cost, and here are multiplied with a column."""
    parts = [x for formula in formulas for x in formula.parts]
    products = [x for x in parts if isinstance(x, Binary) and x.sign in _PRODUCTS and isinstance(x.right, Symbol)]
    found = {x.left.name for x in products if isinstance(x.left, Symbol)} & {"L", "J", "C"}
    as_costs: list[Formula] = [x.numerator for x in parts if isinstance(x, Partial)]
    as_costs += [formula.sides[0] for formula in formulas if isinstance(formula, Equation)]
    as_costs += [x.function for x in parts if isinstance(x, Call)]
    return found - {x.name for x in as_costs if isinstance(x, Symbol)}


Dims = tuple[int, int]  # of a part: numbers of dimensions, of which some turn out to be the same
_ONE = 0


class _Shapes:
    """Shapes of letters, as far as they are known; `of` gives that of a part and learns from it.

    never     letters of which nothing is to be learned
    numbered  letters of which every number below makes another one
    rows      a small letter before a column is a row, `v = u h`, and no number
    """

    def __init__(self, never: frozenset[str], numbered: Collection[str], *, rows: bool = False) -> None:
        self.never, self.numbered, self.rows = never, numbered, rows
        self.known: dict[str, Dims] = {}
        self._parent: list[int] = [_ONE]
        self._joined: dict[int, tuple[int, ...]] = {}  # a dimension that is the sum of others

    def sizes(self) -> dict[str, Shape]:
        """The shapes in numbers: every dimension is `_N` long, unless it is the sum of others."""
        found: dict[int, int] = {_ONE: 1}
        return {name: (self._size(r, found), self._size(c, found)) for name, (r, c) in self.known.items()}

    def _size(self, dim: int, found: dict[int, int]) -> int:
        root = self._find(dim)
        if root not in found:
            found[root] = _N  # should it be a part of itself
            parts = self._joined.get(root, ())
            found[root] = sum(self._size(x, found) for x in parts) or _N
        return found[root]

    def _find(self, dim: int) -> int:
        while self._parent[dim] != dim:
            dim = self._parent[dim]
        return dim

    def _new(self) -> int:
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def _same(self, a: int, b: int) -> None:
        """Two dimensions are one; beside a single row or column, which may be repeated, nothing is said."""
        a, b = self._find(a), self._find(b)
        if a == b or _ONE in (a, b) or (a in self._joined and b in self._joined):
            return
        a, b = (b, a) if a in self._joined else (a, b)
        self._parent[a] = b

    def _matrix(self) -> Dims:
        return self._new(), self._new()

    def _column(self) -> Dims:
        return self._new(), _ONE

    def of(self, part: Formula) -> Dims | None:
        """The shape of a part; None where it is not known."""
        match part:
            case Number():
                return _NUMBER
            case Symbol(name):
                return self._of_letter(name, name)
            case Index(Symbol(name), _) if name in self.numbered and numbered_letter(part):
                return self._of_letter(numbered_letter(part), name)
            case Transpose(x) | Binary("^", x, Symbol("T") | Negate(Symbol("T"))):
                self.learn(x)
                shape = self.of(x)
                return None if shape is None else shape[::-1]
            case Index(base, entries):
                self.learn(base, matrix=len(entries) == 2)
                self.of(base)
                whole = any(isinstance(e, Slice | Range) for e in entries)
                return _NUMBER if len(entries) == 2 and not whole else None
            case Call(function, arguments):
                return self._of_call(function, arguments)
            case Negate(x):
                return self.of(x)
            case Binary(sign, a, b):
                return self._of_binary(sign, a, b)
            case Equation(sides):
                return self._alike(sides)
            case Partial(top, below):
                self.of(top)
                self.of(below)
                return None
            case Sum(body, _):
                return self.of(body)
            case Array():
                return self._of_blocks(part)
        for x in part.children:
            self.of(x)
        return None

    def _of_letter(self, name: str, stem: str) -> Dims | None:
        if stem[:1] == "d" and len(stem) > 1 and name not in self.known:
            return self._of_letter(name[1:], stem[1:])  # a change, or a derivative of a number
        if _is_capital(stem) and stem not in self.never and name not in self.known:
            self.known[name] = self._matrix()
        return self.known.get(name)

    def learn(self, part: Formula, *, matrix: bool = False) -> None:
        """A lone small letter of which nothing is known is a column, or a matrix; so are those stacked in one."""
        if isinstance(part, Array) and part.columns == 1 and not matrix:
            for x in part.entries:
                self.learn(x)
        name, stem = (part.name, part.name) if isinstance(part, Symbol) else ("", "")
        if isinstance(part, Index) and isinstance(part.base, Symbol) and part.base.name in self.numbered:
            name, stem = numbered_letter(part), part.base.name
        if name and stem not in self.never and not _is_capital(stem) and name not in self.known:
            self.known[name] = self._matrix() if matrix else self._column()

    def _alike(self, parts: Iterable[Formula]) -> Dims | None:
        """Terms, or sides: what is a column beside one."""
        parts = tuple(parts)
        shapes = [self.of(x) for x in parts]
        if any(_is_column(s) for s in shapes):
            for x in parts:
                if x not in _CONSTANTS:  # softmax(z + c): a number, unless something else says what it is
                    self.learn(x)
            shapes = [self.of(x) for x in parts]
        known = [s for s in shapes if s is not None]
        for other in known[1:]:
            self._same(known[0][0], other[0])
            self._same(known[0][1], other[1])
        return next((s for s in known if s != _NUMBER), next(iter(known), None))

    def _of_blocks(self, part: Array) -> Dims | None:
        """One block below, or beside, another: as many rows, or columns, as all have together."""
        shapes = [self.of(x) for x in part.entries]
        if all(s in (None, _NUMBER) for s in shapes) or any(s is None for s in shapes):
            return None
        known = [s for s in shapes if s is not None]
        if part.columns not in (1, len(known)):
            return None
        at = 0 if part.columns == 1 else 1
        joined = self._new()
        self._joined[joined] = tuple(s[at] for s in known)
        wide = next(s for s in known if s != _NUMBER)
        return (joined, wide[1]) if at == 0 else (wide[0], joined)

    def _of_call(self, function: Formula, arguments: tuple[Formula, ...]) -> Dims | None:
        name = function.name if isinstance(function, Symbol) else ""
        if name in _OF_COLUMNS:
            for x in arguments:
                self.learn(x)
        if name == "inner":
            self._alike(arguments)
        shapes = [self.of(x) for x in arguments]
        if name in _TO_NUMBERS:
            return _NUMBER
        if name == "outer":
            return self._matrix()
        if name == "diag":
            self.learn(arguments[0])
            shape = self.of(arguments[0])
            if shape is None or shape == _NUMBER:
                return None
            return (shape[0], shape[0]) if _is_column(shape) else (shape[0], _ONE)
        return shapes[0] if shapes else None

    def _of_binary(self, sign: str, a: Formula, b: Formula) -> Dims | None:
        if sign in ("+", "-", "∘"):
            return self._alike((a, b))
        if sign == "⊗":
            self.learn(a)
            self.learn(b)
            return self._matrix()
        left, right = self.of(a), self.of(b)
        if sign in ("^", "/"):
            return left
        if sign not in _PRODUCTS:
            return self._alike((a, b))
        row = self.rows and left is not None and left[0] == _ONE  # what stands behind it may be a number
        if left is not None and left[1] != _ONE and right is None and not row:
            self.learn(b)
            right = self.of(b)
        if self.rows and sign == " " and left is None and _is_column(right):
            self.learn(a)
            if isinstance(a, Symbol) and a.name in self.known:
                self.known[a.name] = self.known[a.name][::-1]
            left = self.of(a)
        if sign == "@" and left is None and right is None:  # of a program
            self.learn(a, matrix=True)
            self.learn(b, matrix=True)
        if sign == "·" and (_is_column(left) or _is_column(right)):  # u · v of two columns
            for x, other in ((a, right), (b, left)):
                if _is_column(other):
                    self.learn(x)
            return _NUMBER if _is_column(self.of(a)) == _is_column(self.of(b)) else right
        if left is None or right is None or _NUMBER in (left, right):
            return right if left in (None, _NUMBER) else left
        self._same(left[1], right[0])
        return (left[0], right[1])


_NUMBER: Dims = (_ONE, _ONE)


def _is_column(shape: Dims | None) -> bool:
    return shape is not None and shape[1] == _ONE != shape[0]
