"""The patterns of declared letters: as LaTeX has them, with their derivatives, and which of them are functions."""

from __future__ import annotations

import re

from ..notation.letters import FUNCTIONS


def in_brackets(letter: str) -> str:
    r"""A letter of LaTeX with its layer where LaTeX has it: `\Omega[l]` as `\Omega^{[l]}`."""
    return re.sub(r"(?<=[A-Za-z}])\[([^\[\]]*)\]", r"^{[\1]}", letter) if "\\" in letter else letter


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
