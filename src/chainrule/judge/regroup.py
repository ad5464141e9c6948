"""The same signs with other parentheses: set, taken away or moved, and the scope of functions and sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..notation.formula import Binary, Call, Formula, Negate, Sum, Transpose

# How tightly a sign binds; equal signs are taken from the left.
BINDING = {"+": 1, "-": 1, "@": 3, "*": 3, "∘": 3, "·": 3, " ": 3, "⊗": 3, "/": 3, "^": 5}
_MINUS = 2


@dataclass(frozen=True)
class Run:
    """Operands and the signs before them, as they stand in a line; the first sign is "" or "-"."""

    signs: tuple[str, ...]
    operands: tuple[Formula, ...]


def binding(part: Formula) -> int:
    """How tightly the outermost sign of a part binds."""
    if isinstance(part, Binary):
        return BINDING[part.sign]
    return _MINUS if isinstance(part, Negate) else 9


def stands_free(child: Formula, parent: Formula | None, right: bool) -> bool:
    """The child needs no parentheses in its parent, so it belongs to the same line."""
    if isinstance(parent, Negate):
        return binding(child) > _MINUS
    if not isinstance(parent, Binary) or parent.sign == "^":
        return False
    least = BINDING[parent.sign]
    return binding(child) > least if right else binding(child) >= least


def flat(part: Formula) -> Run:
    """A tree as the line it is written in: what stands in parentheses stays one operand."""
    if isinstance(part, Negate):
        inner = flat(part.operand) if stands_free(part.operand, part, True) else Run(("",), (part.operand,))
        if inner.signs[0] == "":
            return Run(("-", *inner.signs[1:]), inner.operands)
        return Run(("-",), (part.operand,))
    if not isinstance(part, Binary) or part.sign == "^":
        return Run(("",), (part,))
    left = flat(part.left) if stands_free(part.left, part, False) else Run(("",), (part.left,))
    right = flat(part.right) if stands_free(part.right, part, True) else Run(("",), (part.right,))
    if right.signs[0]:
        right = Run(("",), (part.right,))
    return Run((*left.signs, part.sign, *right.signs[1:]), left.operands + right.operands)


def grouped(run: Run) -> Formula:
    """The tree of a line: products before sums, else from the left."""
    terms: list[tuple[str, Formula]] = []
    for sign, operand in zip(run.signs, run.operands, strict=True):
        if sign in ("", "+") or sign == "-":
            terms.append((sign, operand))
        else:
            first, product = terms.pop()
            terms.append((first, Binary(sign, product, operand)))
    sign, total = terms[0]
    if sign == "-":
        total = Negate(total)
    for sign, term in terms[1:]:
        total = Binary(sign, total, term)
    return total


def is_regrouped(tree: Formula, other: Formula) -> bool:
    """The same letters and signs in the same order with other parentheses, which in a program leaves nothing open."""
    if tree == other:
        return False
    both = [[x for x in t.parts if not x.children] for t in (tree, other)]
    signs = [sorted(x.sign for x in t.parts if isinstance(x, Binary)) for t in (tree, other)]
    return both[0] == both[1] and signs[0] == signs[1]


def _set(run: Run) -> Iterator[Formula]:
    """Parentheses around every part of a line."""
    n = len(run.operands)
    for i in range(n):
        for j in range(i + 2, n + 1):
            if j - i == n and run.signs[0] != "-":
                continue
            inside = grouped(Run(("", *run.signs[i + 1 : j]), run.operands[i:j]))
            yield grouped(Run(run.signs[: i + 1] + run.signs[j:], (*run.operands[:i], inside, *run.operands[j:])))


def _opened(run: Run, k: int) -> Run | None:
    """The line without the parentheses around its k-th operand."""
    inside = run.operands[k]
    if not isinstance(inside, Binary | Negate) or (isinstance(inside, Binary) and inside.sign == "^"):
        return None
    line = flat(inside)
    sign = run.signs[k]
    if line.signs[0] == "-":
        if sign not in ("", "+", "-"):
            return None
        sign = {"": "-", "+": "-", "-": "+"}[sign]
    signs = (*run.signs[:k], sign, *line.signs[1:], *run.signs[k + 1 :])
    return Run(signs, run.operands[:k] + line.operands + run.operands[k + 1 :])


def _scopes(run: Run) -> Iterator[Formula]:
    """What follows a function or a sum is drawn into it, or its last operands are left outside."""
    for k, operand in enumerate(run.operands):
        body = _body(operand)
        if body is None:
            continue
        for j in range(k + 2, len(run.operands) + 1):
            rest = Run(("", *run.signs[k + 1 : j]), (body, *run.operands[k + 1 : j]))
            wider = _with_body(operand, grouped(rest))
            yield grouped(Run(run.signs[: k + 1] + run.signs[j:], (*run.operands[:k], wider, *run.operands[j:])))
        line = flat(body)
        for j in range(1, len(line.operands)):
            narrow = _with_body(operand, grouped(Run(line.signs[:j], line.operands[:j])))
            signs = (*run.signs[: k + 1], *line.signs[j:], *run.signs[k + 1 :])
            rest_of_body = line.operands[j:]
            yield grouped(Run(signs, (*run.operands[:k], narrow, *rest_of_body, *run.operands[k + 1 :])))


def _body(part: Formula) -> Formula | None:
    if isinstance(part, Sum):
        return part.body
    return part.arguments[0] if isinstance(part, Call) and part.arguments else None


def _with_body(part: Formula, body: Formula) -> Formula:
    if isinstance(part, Sum):
        return replace(part, body=body)
    assert isinstance(part, Call)
    return replace(part, arguments=(body, *part.arguments[1:]))


def regroupings(part: Formula, *, parent: Formula | None = None, right: bool = False) -> Iterator[Formula]:
    """Every other way to set the parentheses of a line by one change: set a pair, take one away, or move one.

    parent, right  where the part stands: a part of a longer line is left to the whole line
    """
    yield from _powers(part)
    if stands_free(part, parent, right):
        return
    run = flat(part)
    if len(run.operands) > 1 or run.signs[0] == "-" or _body(part) is not None:
        yield from _set(run)
        yield from _scopes(run)
        for k in range(len(run.operands)):
            opened = _opened(run, k)
            if opened is not None:
                yield grouped(opened)
                if run.signs[k] != "-":  # behind a minus signs change as well: that is a second mistake
                    yield from _set(opened)


def _powers(part: Formula) -> Iterator[Formula]:
    """f(x)^n against f(x^n), -x^n against (-x)^n, x @ y.T against (x @ y).T."""
    if isinstance(part, Binary) and isinstance(part.right, Binary) and part.right.sign == "^" != part.sign:
        yield Binary("^", Binary(part.sign, part.left, part.right.left), part.right.right)  # (a - b)^2 for a - b^2
    if isinstance(part, Binary) and part.sign == "^":
        base = part.left
        if isinstance(base, Call) and base.arguments:
            yield _with_body(base, Binary("^", base.arguments[0], part.right))
        if isinstance(base, Sum):
            yield replace(base, body=Binary("^", base.body, part.right))
        if isinstance(base, Binary) and base.sign != "^":
            yield Binary(base.sign, base.left, Binary("^", base.right, part.right))
    elif isinstance(part, Call | Sum):
        body = _body(part)
        if isinstance(body, Binary) and body.sign == "^":
            yield Binary("^", _with_body(part, body.left), body.right)
    elif isinstance(part, Negate) and isinstance(part.operand, Binary) and part.operand.sign == "^":
        yield Binary("^", Negate(part.operand.left), part.operand.right)
    elif isinstance(part, Transpose) and isinstance(part.operand, Binary):
        yield Binary(part.operand.sign, part.operand.left, Transpose(part.operand.right))
    elif isinstance(part, Binary) and isinstance(part.right, Transpose):
        yield Transpose(Binary(part.sign, part.left, part.right.operand))
