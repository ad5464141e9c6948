"""Letters in brackets that number the steps or samples of all that they stand behind: `e_j(n) = d_j(n) - y_j(n)`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..letters import Letters
from .grammar import Chain, Factor, List
from .parts import COSTS, single
from .tokens import FUNCTIONS, words

_NUMBERING = words("n k i s m p q r t mu nu tau")
_TIMES = words("t tau r")  # of which functions are taken too


def steps_of(chain: Chain, letters: Letters) -> frozenset[str]:
    """The letters that stand alone in brackets behind two quantities or more, and nowhere as a quantity."""
    found = _Found()
    stack: list[object] = [chain]
    while stack:
        x = stack.pop()
        if isinstance(x, Chain):
            for side in x.sides:
                for _, product in side:
                    for part in product:
                        stack += _of_run(part.factors, letters, found)
        elif isinstance(x, List):
            stack += x.items
        elif isinstance(x, list | tuple):
            stack += x
    several = {
        name for name, times in found.times.items() if (times > 1 or name in found.summed) and name not in found.varied
    }
    return frozenset(name for name in several if name in found.sure or name not in _TIMES)


@dataclass
class _Found:
    """How often letters number others, those that also do as n - 1, those that vary, and the indices of sums."""

    times: dict[str, int] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    varied: set[str] = field(default_factory=set)
    summed: set[str] = field(default_factory=set)


def _of_run(run: list[Factor], letters: Letters, found: _Found) -> list[object]:
    """What stands in factors side by side, but for the numbers behind their letters, which are counted."""
    inner: list[object] = []
    numbers = False
    for k, factor in enumerate(run):
        if numbers:  # the bracket of the letter before
            numbers = False
            continue
        if factor.kind == "sumop":
            below = [x for kind, content in factor.marks if kind == "sub" for x in content.items]
            found.summed |= {str(of[0].factor.value) for x in below if (of := single(Chain(x.sides[:1], [])))}
        follows = run[k + 1] if k + 1 < len(run) else None
        name, shifted = _number(follows) if follows is not None and follows.start == factor.end else ("", False)
        if name and factor.kind == "name" and factor.value not in FUNCTIONS:
            kinds = {kind for kind, _ in factor.marks}
            if "prime" in kinds:
                found.varied.add(name)  # u'(t)
            elif factor.value not in letters.functions or factor.value in COSTS:
                found.times[name] = found.times.get(name, 0) + 1
                found.sure |= {name} if shifted else set()
                numbers = True
        if factor.kind == "name":
            found.varied |= {factor.value, factor.value[1:]}  # t and dt
        elif not isinstance(factor.value, str):
            inner.append(factor.value)
    return inner


def _number(factor: Factor) -> tuple[str, bool]:
    """n of `(n)` and of `(n + 1)`, and whether it is one more or less."""
    if factor.kind != "lpar" or len(factor.value.items) != 1 or factor.value.items[0].relations:
        return "", False
    side = factor.value.items[0].sides[0]
    if any(len(product) != 1 or len(product[0].factors) != 1 for _, product in side) or len(side) > 2:
        return "", False
    first, *rest = [product[0].factors[0] for _, product in side]
    if first.kind != "name" or first.marks or side[0][0] == "-" or any(x.kind != "num" for x in rest):
        return "", False
    return (str(first.value), bool(rest)) if first.value in _NUMBERING else ("", False)
