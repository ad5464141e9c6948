"""A derivation with numbers put in, line by line, so that it can be followed with a pocket calculator.

Every line becomes: formula = formula with numbers = value. The values come from the expressions of the derived graph;
they are rounded where they are printed and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, DerivationError
from ..graph import Shape
from ..notation.formula import Array, Binary, Call, Equation, Formula, Index, Negate, Number, Partial, Sum, Symbol
from .document import Line, Section

Values = Mapping[str, npt.NDArray[Any]]
LARGEST = 10  # rows or columns of a matrix that somebody computes by hand
_EXACT = 1e-12


def section(lines: Iterable[Line], values: Values, *, digits: int = 4, title: str = "With numbers") -> Section:
    """The lines whose left side has a value, each with numbers put in.

    lines   as the derivation prints them; lines in components or of one general layer have no numbers and are left out
    values  name -> matrix, for all that the lines name: `W[1]`, `A[0]`, `dZ[2]`, `g[1]'(Z[1])`, `J`; what an update
            gives goes by the label of its line
    digits  decimals that are printed; a sign ≈ says that a value or an operand has more

    Raises `DerivationError` if a matrix is too large to be followed by hand, `DataError` if a value is not finite.
    """
    found: list[Line] = []
    for line in lines:
        new = _with_numbers(line, values, digits)
        if new is not None:
            found.append(new)
    if not found:
        raise DerivationError(
            "the derivation has no line into which numbers can be put: take one with letters and sizes"
        )
    prose = f"Values are rounded to {digits} decimals where they are printed, and exact in between."
    return Section(title, "numbers", prose, tuple(found))


def _with_numbers(line: Line, values: Values, digits: int) -> Line | None:
    sides = line.formula.sides
    name = name_of(sides[0])
    known = value_name(line)
    if name is None or known is None or known not in values or len(sides) < 2:
        return None
    value = number(values[known], digits, name)
    if value is None:
        return None
    right = sides[-1]
    if any(isinstance(part, Sum | Partial | Index) for _, part in right.walk()):
        return None
    filled, exact = _filled(right, values, digits)
    rows, cols = np.shape(values[known])
    shape = None if (rows, cols) == (1, 1) else (str(rows), str(cols))
    if filled == value[0] == right:
        return None
    first = line.formula.relations[0]
    if filled in (right, value[0]):
        equation = Equation((sides[0], right, value[0]), (first, "=" if value[1] else "≈"))
    else:
        relations = (first, "=" if exact else "≈", "=" if exact and value[1] else "≈")
        equation = Equation((sides[0], right, filled, value[0]), relations)
    return Line(equation, line.rule, "", shape, line.label)


def value_name(line: Line) -> str | None:
    """The name under which the value of a line's left side is found: an update gives a parameter another one."""
    return line.label if line.formula.relations[0] == "<-" else name_of(line.formula.sides[0])


def name_of(part: Formula) -> str | None:
    """The name in the graph of a symbol, `W[1]`, or of the derivative of an activation, `g[1]'(Z[1])`; else None."""
    match part:
        case Call(function=Symbol(name="g", layer=Number(value=layer), prime=1), arguments=(Symbol() as z,)):
            return f"g[{layer}]'({name_of(z)})"
    if not isinstance(part, Symbol) or part.sample is not None:
        return None
    primes = "'" * part.prime
    if part.layer is None:
        return part.name + primes
    if isinstance(part.layer, Number):
        return f"{part.name}[{part.layer.value}{primes}]"
    return None


def _filled(part: Formula, values: Values, digits: int) -> tuple[Formula, bool]:
    """The formula with every name that has a value replaced, and whether all numbers put in are exact."""
    name = name_of(part)
    if name is not None and name in values:
        found = number(values[name], digits, name)
        if found is not None:
            return found
    children = part.children
    function = isinstance(part, Call)  # g in g(z) is no number
    new = [(x, True) if i < function else _filled(x, values, digits) for i, x in enumerate(children)]
    exact = all(e for _, e in new)
    if all(a is b for (a, _), b in zip(new, children, strict=True)):
        return part, exact
    return _tidied(part.rebuilt(tuple(x for x, _ in new))), exact


def _tidied(part: Formula) -> Formula:
    """-(-3) and 2 - (-3) stay as they are, for that is what is computed; a dot stands between two numbers."""
    if isinstance(part, Binary) and part.sign in ("@", " ", "∘", "*") and _scalar(part.left) and _scalar(part.right):
        return Binary("·", part.left, part.right)
    return part


def _scalar(part: Formula) -> bool:
    return isinstance(part, Number) or (isinstance(part, Negate) and _scalar(part.operand))


def number(value: npt.ArrayLike, digits: int, name: str = "") -> tuple[Formula, bool] | None:
    """A matrix as it is printed, a 1 × 1 as a number, and whether nothing was rounded away."""
    matrix = np.atleast_2d(np.asarray(value, dtype=np.float64))
    if not np.isfinite(matrix).all():
        raise DataError(f"{name or 'a value'} is not finite with these numbers: give others with --values")
    if max(matrix.shape) > LARGEST:
        raise DerivationError(
            f"{name or 'a matrix'} is {matrix.shape[0]} × {matrix.shape[1]}: numbers are put in up to {LARGEST} rows "
            "and columns, take fewer units or samples"
        )
    entries = tuple(Number(rounded(x, digits)) for x in matrix.ravel())
    exact = all(abs(float(e.value) - x) <= _EXACT * max(1.0, abs(x)) for e, x in zip(entries, matrix.flat, strict=True))
    return (entries[0] if matrix.size == 1 else Array(entries, matrix.shape[1])), exact


def rounded(value: float, digits: int) -> Fraction:
    """The decimal number nearest to a value."""
    return Fraction(f"{value:.{digits}f}")


def drawn(shapes: Mapping[str, Shape], kinds: Mapping[str, str], sizes: Mapping[str, int], seed: int) -> dict[str, Any]:
    """A small sample with one decimal: name -> matrix.

    shapes  of the variables
    kinds   "probabilities" (one 1 in every column), "binary" (0 or 1), "positive"; any other name is a real number
    sizes   numbers of the symbols, such as m
    """
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for name, shape in shapes.items():
        rows, cols = shape.bind(sizes)
        if max(rows, cols) > LARGEST:
            number(np.zeros((rows, cols)), 0, name)
        kind = kinds.get(name, "real")
        if kind == "probabilities":
            found[name] = np.eye(rows)[:, rng.permutation(np.arange(cols) % rows)]
        elif kind == "binary":
            found[name] = rng.permutation(np.arange(rows * cols) % 2).reshape(rows, cols).astype(float)
        else:
            tenths = rng.integers(1, 16, (rows, cols))
            signs = 1 if kind == "positive" else rng.choice([-1, 1], (rows, cols))
            found[name] = tenths * signs / 10
    return found


__all__ = ["LARGEST", "drawn", "name_of", "number", "rounded", "section", "value_name"]
