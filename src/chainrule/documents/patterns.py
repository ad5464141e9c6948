"""The patterns of declared letters: as LaTeX has them, with their derivatives, and which of them are functions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..notation.letters import FUNCTIONS


def in_brackets(letter: str) -> str:
    r"""A declared letter, its layer in brackets: `\Omega[l]` as `\Omega^{[l]}`: it is a name, and `n^m` no power."""
    bare = _ABOVE.fullmatch(letter.strip())
    if bare is not None:
        letter = f"{bare[1]}[{bare[2]}]"
    return re.sub(r"(?<=[A-Za-z}])\[([^\[\]]*)\]", r"^{[\1]}", letter) if "\\" in letter else letter


_ABOVE = re.compile(r"(\\?[A-Za-z]+|\\[a-z]+\{\\?[A-Za-z]+\})\s*\^\s*\{?\s*(\d|[A-Za-z](?:\s*[+-]\s*\d)?)\s*\}?")


def counts_above(letters: Mapping[str, str]) -> bool:
    """Whether a declared letter has its layer bare above it, `n^m`."""
    return any(_ABOVE.fullmatch(x.strip()) for x, ours in letters.items() if "[" in ours)


_QUANTITIES = re.compile(r"[WbwZAza]\[.+\](?:\.T)?")


def with_slopes(letters: dict[str, str]) -> dict[str, str]:
    """The letters with the derivatives of those that are words: of `A_prev`, which is A[l-1], `dA_prev` is dA[l-1]."""
    words = ((a, b) for a, b in letters.items() if re.fullmatch(r"[A-Za-z]\w+", a) and _QUANTITIES.fullmatch(b))
    slopes = {f"d{a}": f"d{b}" for a, b in words}
    taken = {re.split(r"\W", a)[0] for a in letters}
    return {**{a: b for a, b in slopes.items() if a not in taken}, **letters}


def functions_of(letters: tuple[tuple[str, str], ...]) -> set[str]:
    """Letters that stand for a loss, a cost or an activation, which may be applied: l(y, yhat) where l is L."""
    stands = ((re.match(r"\\?([A-Za-z]+)", theirs), re.match(r"([A-Za-z]+)(?:\[|$)", ours)) for theirs, ours in letters)
    return {theirs[1] for theirs, ours in stands if theirs and ours and ours[1] in FUNCTIONS}


def in_general(letters: dict[str, str], place: str) -> dict[str, str]:
    """`h[l]` is a[l], where h[1] is a[1] and h[2] is a[2]."""
    pairs = [
        (a, b)
        for theirs, ours in letters.items()
        if (a := re.fullmatch(r"(\w+?)(?:\[|_|\^)(\d)\]?", theirs)) and (b := re.fullmatch(r"(\w+)\[(\d)\]", ours))
    ]
    found: dict[str, str] = {}
    for stem in {a[1] for a, _ in pairs}:
        of = {b[1] for a, b in pairs if a[1] == stem}
        if len(of) == 1 and all(a[2] == b[2] for a, b in pairs if a[1] == stem):
            found[f"{stem}{place}"] = f"{of.pop()}[l]"
    return found
