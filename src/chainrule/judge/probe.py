"""The first test of a changed formula: one world, one binding, and what was computed of its parts is kept."""

from __future__ import annotations

from ..meaning.compare import ZERO
from ..meaning.world import Memo
from ..notation.formula import Binary, Equation, Number, Symbol
from .budget import PER_COMPARISON, Budget
from .parts import places
from .worlds import Worlds

_PER_BINDING = 40_000  # what it costs to find that no layers fit


class Probe:
    """Whether formulas that are much alike hold in one world of one case with one binding: most fail that.

    like    the formula whose layers they have
    budget  what the comparisons may cost
    """

    def __init__(self, worlds: Worlds, like: Equation, budget: Budget) -> None:
        self.cases, self.budget = worlds.cases + worlds.more, budget
        self._worlds, self._binding = worlds, worlds.binding(like)
        self._memos: list[Memo] = [{} for _ in self.cases]
        self._alike = not _depends_on_the_case(like)

    def __call__(self, equation: Equation) -> bool:
        binding, memos = self._binding, self._memos
        if binding is None:
            binding, memos = self._worlds.binding(equation), [{} for _ in self.cases]
            self.budget.spend(_PER_BINDING)
        if binding is None:
            return False
        for case, memo in zip(self.cases, memos, strict=True):
            found = case.worlds[0].compare(equation, binding, place=False, memo=memo)
            self.budget.spend(found.work + PER_COMPARISON)
            if found.status == "equal":
                return not found.nothing or ZERO in equation.sides  # 0 = 0 mends nothing
            if found.status == "shape" or (found.status == "different" and self._alike):
                return False  # the widths are those of every case, and a rule for every network fails in none alone
        return False


def _depends_on_the_case(equation: Equation) -> bool:
    """It names targets, a loss, a function or the value 1 - a, so that it may hold for some activations alone."""
    for place in places(equation):
        part = place.part
        if isinstance(part, Symbol) and place.role == "operand" and part.name in _OF_A_CASE:
            return True
        if isinstance(part, Symbol) and place.role == "function" and part.name not in ("g", "sum", "outer"):
            return True
        total = isinstance(part, Binary) and part.sign in "+-" and place.role == "operand"
        if total and any(isinstance(x, Number) for x in part.children):
            return True
    return False


_OF_A_CASE = frozenset({"Y", "y", "Yhat", "yhat", "dYhat", "dyhat", "L", "J", "C", "ell", "sigma", "phi"})
