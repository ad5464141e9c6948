"""Where an equation ends within a row, and where a formula goes on in the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from .tokens import Token

_STATED = ("=", ":=", "<-")


def divides(before: list[Token], tokens: list[Token], n: int) -> bool:
    """Whether & at place n stands between two equations of a row, not before the relation of one."""
    if not before or n + 1 == len(tokens) or before[-1].type in ("REL", "OP", "ADD", "COMMA"):
        return False
    if tokens[n + 1].type in ("REL", "OP", "ADD", "ROW") or not any(t.type == "REL" for t in before):
        return False
    return any(t.type in ("REL", "AUG") for t in _behind(tokens, n, ("ROW",)))


def stands_between(before: list[Token], tokens: list[Token], n: int) -> bool:
    """Whether an arrow at place n leads from one equation to the next."""
    if not any(t.type == "REL" and t.value in _STATED for t in before):
        return False
    for t in _behind(tokens, n, ("ROW", "SEP")):
        if t.type == "REL":
            return t.value in _STATED
    return False


def goes_on(before: list[Token], tokens: list[Token], n: int) -> bool:
    r"""Whether what ends at place n goes on behind it: `J = \quad x`, `x \quad = z`, `x \\ & + y`."""
    sign = tokens[n]
    if not before or not (sign.type == "ROW" or (sign.type == "SEP" and sign.value in ("quad", "\n"))):
        return False
    if before[-1].type in ("REL", "OP", "ADD"):
        return True
    behind = (t for t in _behind(tokens, n, ("ROW", "SEP")) if t.type != "AMP")
    first = next(behind, None)
    if first is None or first.type not in ("OP", "ADD", "REL"):
        return False
    if first.type == "REL":
        return sign.value == "quad"
    rest = list(islice(behind, 4))
    numbered = [t.type for t in rest] == ["LPAR", "NUM", "RPAR"]  # x = y - (3)
    return not numbered and not any(t.type == "REL" for t in (*rest, *behind))


def _behind(tokens: list[Token], n: int, ends: tuple[str, ...]) -> Iterator[Token]:
    """The tokens behind place n, up to the first of a type that ends them."""
    for k in range(n + 1, len(tokens)):
        if tokens[k].type in ends:
            return
        yield tokens[k]
