"""How much a search may compute: counted in numbers computed, so that a busy machine changes no verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..notation.formula import Formula, Sum

PER_SECOND = 15_000_000  # numbers computed in a second, the trees around them included
PER_COMPARISON = 3_000  # what a comparison costs beside the numbers
PER_TREE = 50  # what it costs to make a changed formula, for each of its parts
_LEAST = 0.5  # seconds' worth: slips of the pen are looked for, however little is allowed
_FAR = 5.0  # times the seconds that were allowed: the processor time after which a search ends whatever was counted


@dataclass
class Budget:
    """What is left of an allowance of work; what a share of it spends is taken from it too.

    left    numbers that may still be computed
    ends    processor time of this thread at which all ends: a safety net that no common formula reaches
    """

    left: float
    ends: float
    whole: Budget | None = field(default=None, repr=False)

    @classmethod
    def of_seconds(cls, seconds: float, least: float = _LEAST) -> Budget:
        """As much as is computed in these seconds where nothing else runs."""
        seconds = max(seconds, least)
        return cls(seconds * PER_SECOND, time.thread_time() + _FAR * seconds)

    def spend(self, work: float) -> None:
        """Take away what was computed."""
        self.left -= work
        if self.whole is not None:
            self.whole.spend(work)

    @property
    def spent(self) -> bool:
        """Nothing is left."""
        return self.left <= 0 or time.thread_time() > self.ends

    def share(self, part: float) -> Budget:
        """An allowance of a part of what is left."""
        return Budget(self.left * part, self.ends, self)


_LONG, _DEEP, _SUMMED = 90, 16, 3  # parts of a formula, levels of them, sums within sums: more than people write


def ease(formula: Formula) -> float:
    """The share of its allowance that a formula gets: 1, and less for one that is larger than people write."""
    depth = max(len(path) for path, _ in formula.walk())
    return min(1.0, _LONG / len(formula.parts), _DEEP / max(depth, 1), _SUMMED / max(_nested_sums(formula), 1))


def _nested_sums(formula: Formula) -> int:
    inner = max((_nested_sums(x) for x in formula.children), default=0)
    return inner + (max(len(formula.bounds), 1) if isinstance(formula, Sum) else 0)
