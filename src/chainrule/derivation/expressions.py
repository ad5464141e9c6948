"""Expressions as people type them, `sum((W @ x - y)**2)`, as graphs, the sizes of the letters found from their use.

Upper-case letters are matrices, lower-case letters are columns (n × 1), Greek letters and `m` and `n` are numbers, see
`typed`; so are columns whose size nothing fixes where the result has to be one number, as in `a x² + b x + c`. Powers,
quotients and functions act entry by entry. Sizes that the expression leaves open get the names p, q, r, …
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import DerivationError, FormulaError, ShapeError
from ..graph import Dim, Node, Shape, rename_dim, variables, walk
from ..graph.shape import AUTOMATIC
from ..notation import write
from ..notation.formula import Binary, Formula
from ..notation.read import read
from ..notation.style import Style
from ..notation.writing.forms import is_scalar
from .typed import build, numbered, said

MOST = 2_000  # characters of an expression
_POWER = re.compile(r"\*\*\(([^()]*)\)")  # of a sum, for a title: x^{a+1}
_LONGEST_TITLE = 60  # signs of an expression that stands in a title


def expression(text: str) -> tuple[Node, str]:
    """The graph of an expression in text or LaTeX, and a title.

    Raises `FormulaError` for what cannot be read, `DerivationError` for a function that is out of scope, `ShapeError`
    for shapes that do not fit or a result that is not one number.
    """
    if len(text) > MOST:
        raise FormulaError(f"the expression has {len(text)} characters: derive takes at most {MOST}")
    if not text.strip():
        raise FormulaError("the expression is empty: write e.g. sum((W @ x - y)**2)")
    equation = read(text)[0].equation
    tree = numbered(equation.sides[-1], text)
    root = _sized(build(tree))
    if not any(n.is_variable for n in walk(root)):
        raise DerivationError(f"{said(tree)} has no letters: there is nothing to differentiate by")
    shown = _POWER.sub(lambda m: f"^{{{m[1].replace(' ', '')}}}", write.text(tree.mapped(_multiple), Style()))
    return root, f"Derivative of {shown if len(shown) <= _LONGEST_TITLE else 'an expression'}"


def _multiple(f: Formula) -> Formula:
    """A number's multiple with a dot, as in the lines: λ · wᵀ w for what is typed as lambda * w.T @ w."""
    match f:
        case Binary(sign="*") if is_scalar(f.left):
            return Binary("·", f.left, f.right)
        case Binary(sign="@", left=Binary(sign="·") as scaled) if is_scalar(scaled.left):
            return Binary("·", scaled.left, Binary("@", scaled.right, f.right))
    return f


def letters_by(wanted: Sequence[Node | str] | None, output: Node) -> list[Node | str] | None:
    """What an expression is differentiated by, `x1` and `W1` by the names x_1 and W[1] of those letters."""
    known = variables(output)
    found: list[Node | str] = []
    for name in wanted or ():
        numbered = re.fullmatch(r"([A-Za-z]+)_?(\d+)", name) if isinstance(name, str) and name not in known else None
        spelled = [f"{numbered[1]}_{numbered[2]}", f"{numbered[1]}[{numbered[2]}]"] if numbered else []
        found.append(next((x for x in spelled if x in known), name))
    return None if wanted is None else found


def _sized(root: Node) -> Node:
    """The expression with a 1 × 1 result and names for the sizes that are left open."""
    root = _numbers(_one_shape_each(root))
    if root.shape != (1, 1):
        raise ShapeError(
            f"the expression is {_of_what_size(root)}, but a derivative is taken of one number: sum its entries, e.g. "
            "sum(...); upper-case letters are matrices, so write what is a number in lower case"
        )
    taken = {str(d) for n in walk(root) for d in n.shape} | {n.name for n in walk(root) if n.is_variable}
    letters = iter(c for c in "pqrstuvw" if c not in taken)
    while True:
        open_ = next((d for n in walk(root) for d in n.shape if isinstance(d, str) and d.startswith(AUTOMATIC)), None)
        if open_ is None:
            return root
        name = next(letters, None)
        if name is None:
            raise ShapeError("the expression leaves more than eight sizes open: write it in smaller parts")
        root = rename_dim(root, open_, name)


def _numbers(root: Node) -> Node:
    """Columns as numbers, if nothing but them fixes the size of a result that would be a column."""
    open_ = root.shape.rows
    if root.shape.cols != 1 or not isinstance(open_, str) or not open_.startswith(AUTOMATIC):
        return root
    sized = [n.name for n in walk(root) if n.is_variable and open_ in n.shape]
    return rename_dim(root, open_, 1) if all(name[0].islower() for name in sized) else root


def _of_what_size(root: Node) -> str:
    rows, cols = ("?" if isinstance(d, str) and d.startswith(AUTOMATIC) else str(d) for d in root.shape)
    return "a column" if cols == "1" else "a row" if rows == "1" else f"a matrix of {rows} × {cols}"


def _one_shape_each(root: Node) -> Node:
    """Unify the sizes that parts of the expression found separately for one letter."""
    while True:
        shapes: dict[str, Shape] = {}
        clash: tuple[Dim, Dim] | None = None
        for n in walk(root):
            if n.is_variable and clash is None:
                other = shapes.setdefault(n.name, n.shape)
                clash = next(((a, b) for a, b in zip(other, n.shape, strict=True) if a != b), None)
        if clash is None:
            return root
        a, b = clash
        if isinstance(a, int) and isinstance(b, int):
            raise ShapeError(f"one letter of the expression is used with sizes {a} and {b}: give them two names")
        root = rename_dim(root, a, b) if isinstance(a, str) and not isinstance(b, str) else rename_dim(root, str(b), a)
