"""Transposes, the order of operands, the kind of a product, and parentheses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...notation.formula import Array, Binary, Call, Dots, Equation, Formula, Index, Partial, Slice, Symbol, Transpose
from ...notation.write import exact
from ..parts import PRODUCTS, Place, column, is_entry, is_scalar, summed_call
from ..regroup import regroupings
from .setting import Change, Setting


def transposes(place: Place, setting: Setting) -> Iterator[Change]:
    """A transpose that is missing or superfluous."""
    part, parent = place.part, place.parent
    if isinstance(part, Transpose):
        yield "missing-transpose", part.operand, 1, f"the transpose of {exact(part.operand)} is superfluous"
    elif isinstance(part, Index) and len(part.entries) == 2:
        swapped = Index(part.base, part.entries[::-1])
        yield "missing-transpose", swapped, 1, f"the indices of {exact(part)} are in the wrong order"
        if any(isinstance(x, Slice) for x in part.entries):  # row i of the transpose, `(Wᵀ)[i, :]` for `W[i, :]`
            base = part.base
            turned = Index(base.operand if isinstance(base, Transpose) else Transpose(base), part.entries)
            yield "missing-transpose", turned, 1, f"{exact(part)} should be {exact(turned)}"
    elif isinstance(part, Array) and isinstance(parent, Equation):
        text = "rows and columns of the displayed matrix are exchanged"
        yield "missing-transpose", Transpose(part), 1, text
        columns = part.columns
        rows = [part.entries[i : i + columns] for i in range(0, len(part.entries), columns)]
        products = [isinstance(x, Binary) and x.sign in PRODUCTS for x in part.entries if x != Dots()]
        if 1 < columns < len(part.entries) == len(rows) * columns and all(products):  # of the entries of two columns
            entries = tuple(row[j] for j in range(columns) for row in rows)
            yield "outer-product-order", replace(part, entries=entries, columns=len(rows)), 1, text
    elif isinstance(part, Symbol | Binary | Call) and not isinstance(parent, Transpose | Index | Partial):
        letter = isinstance(part, Symbol) and part.name in setting.letters
        inner = (part.left, part.right) if isinstance(part, Binary) else ()
        if any(isinstance(x, Transpose) or is_scalar(x) for x in inner) or summed_call(parent):
            return  # its operands are turned instead, or the axis is changed
        if _in_line(part) or (place.path == (0,) and any(map(_in_line, setting.equation.parts))):
            return  # a line of numbers is its own transpose
        outer = isinstance(part, Call) and part.function == Symbol("outer")  # whose operands are exchanged instead
        if not is_scalar(part) and not letter and not is_entry(part) and not outer:
            yield "missing-transpose", Transpose(part), 1, f"{exact(part)} must be transposed"


def _in_line(part: Formula) -> bool:
    """`sum(x, axis=1)` without keepdims."""
    return summed_call(part) and isinstance(part, Call) and "axis" in part.names and "keepdims" not in part.names


def operators(place: Place, setting: Setting) -> Iterator[Change]:
    """Operands in the wrong order, one sign for another."""
    part = place.part
    if isinstance(part, Partial) and place.path != (0,):
        text = f"{exact(part)} is upside down"
        yield "operands-swapped", Partial(part.denominator, part.numerator), 1, text
    if isinstance(part, Call) and len(part.arguments) - len(part.names) == 2:
        first, second, *rest = part.arguments
        outer = isinstance(part.function, Symbol) and part.function.name == "outer"
        cause = "outer-product-order" if outer else "operands-swapped"
        new = Call(part.function, (second, first, *rest), part.names)
        yield cause, new, 1, f"the operands of {exact(part)} are in the wrong order"
    if not isinstance(part, Binary):
        return
    a, b = part.left, part.right
    if part.sign in PRODUCTS and not (is_scalar(a) or is_scalar(b) or is_entry(part)):
        yield from _turned(part)
        for sign in ("@", "*"):
            if sign != part.sign and not (sign == "*" and part.sign == "∘"):
                kind = "matrix product" if sign == "@" else "product entry by entry"
                yield "wrong-product", Binary(sign, a, b), 1, f"{exact(part)} must be the {kind}"
    if part.sign == "+" and isinstance(a, Binary) and a.sign in "+-":  # `W - alpha + dW` for W - alpha * dW
        last = Binary("*", a.right, b)
        yield (
            "product-vs-sum",
            Binary(a.sign, a.left, last),
            1,
            f"{exact(Binary('+', a.right, b))} is a sum where the product belongs",
        )
    if part.sign == "+" and isinstance(a, Binary) and a.sign == "+":
        text = f"{exact(part)} is a sum where the product belongs"
        yield "product-vs-sum", _multiplied(part), 1, text
    if part.sign == "+":
        for sign in ("*",) if is_entry(part) else ("*", "@"):  # a star where both hold: then they are numbers
            text = f"{exact(part)} is a sum where the product belongs"
            yield "product-vs-sum", Binary(sign, a, b), 1, text
    elif part.sign in ("*", " ", "·", "∘") and isinstance(a, Binary) and a.sign in PRODUCTS:
        kept = any(x == setting.equation.sides[0] for x in setting.counts)
        head, tail = _first_factor(part) if kept else (a, b)
        if kept and head == setting.equation.sides[0]:  # `W * alpha * dW` for W - alpha * dW
            text = f"{exact(head)} is a factor and should be a term"
            yield "product-vs-sum", Binary("-", head, tail), 1, text
    if part.sign == "-":
        yield "product-vs-sum", Binary("*", a, b), 1, f"{exact(part)} is a difference where the product belongs"
    elif part.sign in ("*", " ", "·", "∘", "@"):
        yield "product-vs-sum", Binary("+", a, b), 1, f"{exact(part)} is a product where the sum belongs"
        if part.sign in ("*", " ", "·", "∘"):
            yield "product-vs-sum", Binary("-", a, b), 1, f"{exact(part)} is a product where a difference belongs"
            yield "other", Binary("/", a, b), 1.5, f"{exact(part)} is a product where the quotient belongs"
    elif part.sign == "/":
        yield "other", Binary("*", a, b), 1.5, f"{exact(part)} is a quotient where the product belongs"


def _first_factor(part: Binary) -> tuple[Formula, Formula]:
    """a and b * c of a * b * c."""
    left = part.left
    if isinstance(left, Binary) and left.sign in PRODUCTS:
        first, rest = _first_factor(left)
        return first, Binary(part.sign, rest, part.right)
    return left, part.right


def _multiplied(part: Formula) -> Formula:
    """a * b * c for a + b + c."""
    if isinstance(part, Binary) and part.sign == "+":
        return Binary("*", _multiplied(part.left), part.right)
    return part


def _turned(part: Binary) -> Iterator[Change]:
    """The operands of a product the other way round."""
    a, b = part.left, part.right
    text = f"the operands of {exact(part)} are in the wrong order"
    cause = "outer-product-order" if part.sign == "⊗" else "operands-swapped"
    if isinstance(b, Transpose) and not isinstance(a, Transpose):
        cause = "outer-product-order" if column(a) and column(b.operand) else "operands-swapped"
        yield cause, Binary(part.sign, b.operand, Transpose(a)), 1, text
    if isinstance(a, Transpose) and not isinstance(b, Transpose | Binary):
        words = f"the transpose belongs to {exact(b)}, not to {exact(a.operand)}"
        yield "missing-transpose", Binary(part.sign, a.operand, Transpose(b)), 1, words
    if isinstance(a, Transpose) and not isinstance(b, Transpose):
        cause = "outer-product-order" if column(b) and column(a.operand) else "operands-swapped"
        yield cause, Binary(part.sign, Transpose(b), a.operand), 1, text
    if part.sign not in ("*", "∘"):
        yield cause, Binary(part.sign, b, a), 1, text
    left = part.left
    if not isinstance(left, Binary) or left.sign not in PRODUCTS or part.sign in ("*", "∘") or is_scalar(left.right):
        return
    # Neighbors of the last sign in a chain: of `1/m * X @ Y`, X and Y.
    text = f"{exact(left.right)} and {exact(part.right)} are in the wrong order"
    new = Binary(part.sign, Binary(left.sign, left.left, part.right), left.right)
    yield "operands-swapped", new, 1, text


def parentheses(place: Place, setting: Setting) -> Iterator[Change]:
    """The same signs, grouped otherwise."""
    text = f"the parentheses of {exact(place.part)} must stand otherwise"
    for new in regroupings(place.part, parent=place.parent, right=place.path[-1:] == (1,)):
        yield "missing-parentheses", new, 1, text
