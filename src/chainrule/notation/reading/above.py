r"""The T of a transpose and the primes that stand above a letter together with its layer: `W^{lT}`, `g^{L-1\prime}`."""

from __future__ import annotations

from dataclasses import replace

from .grammar import Chain, Factor, List
from .parts import single

_LAYERS = frozenset({"l", "L"})


def without_turn(content: List, *, any_letter: bool, components: bool) -> tuple[List, bool, int]:
    """What stands above a letter without its T and primes, whether there was a T, and how many primes.

    any_letter  every letter above another numbers its layer, not l and L alone
    components  what stands behind a T is a component: `W^{T1}`

    What is no number of a layer is given back as it was.
    """
    items, turned, primes = list(content.items), False, 0
    if content.semicolons or any(c.relations for c in items):
        return content, False, 0
    if len(items) == 2 and (k := next((k for k in (1, 0) if _sign(items[k]) is not None), None)) is not None:
        primes = _sign(items.pop(k)) or 0
        turned = primes == 0
    if len(items) != 1:
        return content, False, 0
    side = [(sign, [replace(p, factors=list(p.factors)) for p in product]) for sign, product in items[0].sides[0]]
    if not turned and not primes:
        if sum(len(p.factors) for _, product in side for p in product) > 1:
            first = side[0][1][0].factors
            counted = len(first) > 1 and (components or first[1].kind == "num")  # W^{T1}, a component
            turned, primes = (False, 0) if counted else _taken(first, 0)
        ends_in_bracket = len(side) == 1 and side[0][1][0].factors[0].kind in ("lbrack", "lpar")
        if not turned and not primes and not ends_in_bracket:  # what follows a bracket is sorted where it stands
            last = side[-1][1][-1].factors
            if len(last) > 1:
                turned, primes = _taken(last, -1)
            if not turned and not primes:
                last[-1], turned, primes = _bare(last[-1])
    numbered = all(
        len(product) == 1 and len(product[0].factors) == 1 and _is_number(product[0].factors[0], any_letter)
        for _, product in side
    )
    if not (turned or primes) or not numbered or len(side) > 2 or side[0][0] == "-":
        return content, False, 0
    return List([Chain([side], [])]), turned, primes


def _sign(chain: Chain) -> int | None:
    """0 for a T, the number of primes for primes, None for anything else."""
    run = single(chain)
    if run is None or any(x.factor.marks for x in run):
        return None
    if all(x.factor.kind == "prime" for x in run):
        return len(run)
    return 0 if len(run) == 1 and run[0].factor.value == "T" else None


def _taken(factors: list[Factor], place: int) -> tuple[bool, int]:
    """Takes a T or a prime away from one end of factors that stand side by side."""
    factor = factors[place]
    if factor.marks or not (factor.kind == "prime" or (factor.kind, factor.value) == ("name", "T")):
        return False, 0
    del factors[place]
    return (False, 1) if factor.kind == "prime" else (True, 0)


def _bare(factor: Factor) -> tuple[Factor, bool, int]:
    """A number without the T above it, or without its primes."""
    kinds = [kind for kind, _ in factor.marks]
    if kinds and all(kind == "prime" for kind in kinds):
        return replace(factor, marks=[]), False, len(kinds)
    if kinds == ["sup"] and len(factor.marks[0][1].items) == 1 and _sign(factor.marks[0][1].items[0]) == 0:
        return replace(factor, marks=[]), True, 0
    return factor, False, 0


def _is_number(factor: Factor, any_letter: bool) -> bool:
    if factor.marks:
        return False
    if factor.kind in ("lbrack", "lpar"):
        return True
    return factor.kind == "num" or (factor.kind == "name" and (any_letter or factor.value in _LAYERS))
