"""Which letters of an identity are matrices or columns: read off its transposes, products and norms.

Where nothing is declared a letter is a number, and of numbers `(A B)ᵀ = Aᵀ Bᵀ` is true. Matrices are square here and
columns of their height: numbers drawn at random tell what sizes would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..notation.formula import (
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)

Shape = tuple[int, int]
_N = 3
_MATRIX, _COLUMN, _NUMBER = (_N, _N), (_N, 1), (1, 1)
_PRODUCTS = ("@", " ", "·")
_OF_COLUMNS = frozenset({"norm", "outer", "dot", "softmax", "sum", "mean"})
_TO_NUMBERS = frozenset({"norm", "sum", "mean", "tr", "trace", "det", "dot", "max", "min"})
_ROUNDS = 4
_CONSTANTS = frozenset({Symbol("c"), Symbol("k"), Symbol("const")})


def matrix_shapes(formulas: Sequence[Formula], known: Collection[str] = ()) -> dict[str, Shape]:
    """The shapes of the letters that are no numbers; {} where all may be numbers.

    formulas  the one that is judged, and the definitions around it
    known     letters that are no free ones
    """
    if not any(_is_of_matrices(part) for formula in formulas for part in formula.parts):
        return {}
    shapes = _Shapes(frozenset().union(*map(_never, formulas)))
    for _ in range(_ROUNDS):
        before = dict(shapes.known)
        for formula in formulas:
            shapes.of(formula)
        if shapes.known == before:
            break
    return {name: shape for name, shape in shapes.known.items() if shape != _NUMBER and name not in known}


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
        case Call(Symbol("norm" | "tr" | "trace" | "diag" | "outer" | "det" | "inv" | "vec")):
            return True
        case Call(Symbol("softmax" | "sum" | "mean"), (Symbol(), *_)):
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


class _Shapes:
    """Shapes of letters, as far as they are known; `of` gives that of a part and learns from it."""

    def __init__(self, never: frozenset[str]) -> None:
        self.never = never
        self.known: dict[str, Shape] = {}

    def of(self, part: Formula) -> Shape | None:
        """The shape of a part; None where it is not known."""
        match part:
            case Number():
                return _NUMBER
            case Symbol(name):
                if _is_capital(name) and name not in self.never:
                    self.known.setdefault(name, _MATRIX)
                return self.known.get(name)
            case Transpose(x) | Binary("^", x, Symbol("T") | Negate(Symbol("T"))):
                self.learn(x, _COLUMN)
                shape = self.of(x)
                return None if shape is None else shape[::-1]
            case Index(base, entries):
                self.learn(base, _MATRIX if len(entries) == 2 else _COLUMN)
                self.of(base)
                return _NUMBER if not any(isinstance(e, Slice) for e in entries) and len(entries) == 2 else None
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
        for x in part.children:
            self.of(x)
        return None

    def learn(self, part: Formula, shape: Shape) -> None:
        """A lone small letter of which nothing is known has this shape."""
        if isinstance(part, Symbol) and part.name not in self.never and not _is_capital(part.name):
            self.known.setdefault(part.name, shape)

    def _alike(self, parts: Iterable[Formula]) -> Shape | None:
        """Terms, or sides: what is a column beside one."""
        parts = tuple(parts)
        shapes = [self.of(x) for x in parts]
        columns = [s for s in shapes if s == _COLUMN]
        if columns:
            for x in parts:
                if x not in _CONSTANTS:  # softmax(z + c): a number, unless something else says what it is
                    self.learn(x, _COLUMN)
        return next((s for s in shapes if s is not None and s != _NUMBER), next((s for s in shapes if s), None))

    def _of_call(self, function: Formula, arguments: tuple[Formula, ...]) -> Shape | None:
        name = function.name if isinstance(function, Symbol) else ""
        if name in _OF_COLUMNS:
            for x in arguments:
                self.learn(x, _COLUMN)
        shapes = [self.of(x) for x in arguments]
        if name in _TO_NUMBERS:
            return _NUMBER
        if name == "outer":
            return _MATRIX
        if name == "diag":
            self.learn(arguments[0], _COLUMN)
            return {_COLUMN: _MATRIX, _MATRIX: _COLUMN}.get(self.of(arguments[0]) or _NUMBER)
        return shapes[0] if shapes else None

    def _of_binary(self, sign: str, a: Formula, b: Formula) -> Shape | None:
        if sign in ("+", "-", "∘"):
            return self._alike((a, b))
        if sign == "⊗":
            self.learn(a, _COLUMN)
            self.learn(b, _COLUMN)
            return _MATRIX
        left, right = self.of(a), self.of(b)
        if sign in ("^", "/"):
            return left
        if sign not in _PRODUCTS:
            return self._alike((a, b))
        if left is not None and left[1] == _N and right is None:
            self.learn(b, _COLUMN)
            right = self.of(b)
        if sign == "@" and left is None and right is None:  # of a program
            self.learn(a, _MATRIX)
            self.learn(b, _MATRIX)
        if sign == "·" and _COLUMN in (left, right):  # u · v of two columns
            for x, other in ((a, right), (b, left)):
                if other == _COLUMN:
                    self.learn(x, _COLUMN)
            return _NUMBER if self.of(a) == self.of(b) else right
        if left is None or right is None or _NUMBER in (left, right):
            return right if left in (None, _NUMBER) else left
        return (left[0], right[1])
