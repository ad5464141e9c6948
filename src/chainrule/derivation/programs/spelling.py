"""How a program is spelled: the names of its variables, and its lines, broken where they are too long."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

WIDTH = 100  # of a line of the program; a longer one is broken inside its brackets
_NAME = re.compile(r"^([A-Za-z]\w*)\[([^\]]*)\]$")
_RESERVED = {"np", "jnp", "jax", "torch", "math", "parameters", "forward", "gradients", "values", "lambda_"}


def letters(name: str) -> str:
    """The name of a variable in a program: `dW[1]` is dW1, `A[0]` is X, `A[1']` is A1_."""
    if name in ("A[0]", "dA[0]", "a[0]", "da[0]"):
        return name.replace("A[0]", "X").replace("a[0]", "x")
    match = _NAME.match(name)
    word = "".join(match.groups()) if match else name
    word = re.sub(r"\W", "_", word.replace("'", "_").replace("-", "_"))
    return f"{word}_" if keyword.iskeyword(word) or word in _RESERVED else word


def assigned(target: str, code: str, shape: str) -> Iterator[str]:
    """The lines of `target = code  # shape`."""
    line = f"    {target} = {code}"
    remark = f"  # {shape}" if shape else ""
    if len(line) <= WIDTH:
        yield line + (remark if len(line + remark) <= WIDTH else "")
        return
    yield f"    {target} = ({remark}"
    yield from (f"        {x}" for x in _cut(code, WIDTH - 8))
    yield "    )"


def _cut(code: str, width: int) -> Iterator[str]:
    """A long expression inside brackets as lines, broken before signs as far outside as they go."""
    while len(code) > width:
        best, cost, depth = 0, float("inf"), 0
        for i, c in enumerate(code[: width + 1]):
            depth += (c in "([{") - (c in ")]}")
            if not code[:i].strip():
                continue
            sign = {"+": 0, "-": 0, "*": 2, "@": 2, "/": 3}.get(code[i + 1 : i + 2], 6)
            if c == " " and i and code[i + 2 : i + 3] == " " and sign < 6:
                found = 3 * depth + sign + 12 * (width - i) / width
            elif c == " " and code[i - 1] == ",":
                found = 3 * depth + 6 + 12 * (width - i) / width
            else:
                continue
            if found < cost:
                best, cost = i, found
        if not best:
            break
        yield code[:best]
        code = "  " + code[best + 1 :]
    yield code


def returned(line: str) -> Iterator[str]:
    """The lines of `return value, {"name": name, …}`."""
    if len(line) + 4 <= WIDTH:
        yield f"    {line}"
        return
    head, _, inside = line.partition("{")
    yield f"    {head}{{"
    yield from (f"        {x}," for x in inside.removesuffix("}").split(", "))
    yield "    }"


__all__ = ["assigned", "letters", "returned"]
