"""How many threads share a step: measured on the first steps, since on a busy machine a second thread can lose.

The results do not depend on the number of threads, so measuring is training.
"""

from __future__ import annotations

import os
from statistics import median

SMALL = 150e-6  # seconds per step below which sharing costs more than it gives
GAIN = 0.95  # several threads are used only if a step takes less than this part of the time with one
ROUNDS = 3
SPAN = 0.01  # seconds that one measurement should take


class Threads:
    """Chooses between one thread and `most`: ask `current` and `steps` before a row of steps, tell `report` after it.

    most  None: the processors this process may use; a number is taken as it is, without measuring
    """

    def __init__(self, most: int | None = None) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.most = most or available
        self.chosen: int | None = self.most if most is not None or self.most == 1 else None
        self._seconds: dict[int, list[float]] = {1: [], self.most: []}
        self._steps = 1

    @property
    def current(self) -> int:
        """Threads for the next row of steps."""
        if self.chosen is not None:
            return self.chosen
        one, several = self._seconds[1], self._seconds[self.most]
        return 1 if len(one) <= len(several) else self.most

    @property
    def steps(self) -> int | None:
        """How many steps the next row should have at most while measuring; None afterwards."""
        return None if self.chosen is not None else self._steps

    def report(self, steps: int, seconds: float) -> None:
        """Tell how long a row of steps with `current` threads took."""
        if self.chosen is not None or not steps:
            return
        each = seconds / steps
        first = not self._seconds[1]
        if first and self._steps == 1:  # the first step also warms caches: it only sets the length of a measurement
            self._steps = max(2, min(200, int(SPAN / max(each, 1e-7))))
            return
        self._seconds[self.current].append(each)
        if first and each < SMALL:
            self.chosen = 1
        elif len(self._seconds[self.most]) >= ROUNDS:
            better = median(self._seconds[self.most]) < GAIN * median(self._seconds[1])
            self.chosen = self.most if better else 1
