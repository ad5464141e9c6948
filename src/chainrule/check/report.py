"""What a gradient check found: one row for each block of parameters, and the table that shows them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Verdict = Literal["right", "wrong", "at a kink", "cannot tell"]

HEAD = ("block", "shape", "checked", "abs err", "rel err", "allowed", "kinks", "slope", "verdict")
WIDTHS = (-10, -10, 7, 7, 7, 7, 5, 5, -11)


@dataclass(frozen=True)
class Row:
    """One block of parameters.

    checked         entries, or random directions, that were compared
    directions      whether they were directions
    absolute_error  largest |analytic - numeric|
    relative_error  largest |analytic - numeric| / max(|analytic|, |numeric|, floor); the floor is a thousandth of the
                    largest derivative in the block, for the rounding of a zero is no error of 100 %
    index           the comparison of the largest relative error among those that decide the verdict: (row, column)
                    of an entry, (number,) of a direction
    allowed         what the relative error may be there
    analytic        derivative at the worst comparison as derived or given, numeric: as measured
    sides           at a kink, the span of the derivatives on either side; numeric is its value nearest to analytic
    kinks           comparisons whose step passes a kink
    slope           of the Taylor remainder: 2 or more right, 1 wrong; None if it vanishes (linear) or at a kink
    """

    name: str
    shape: tuple[int, int]
    checked: int
    directions: bool
    absolute_error: float
    relative_error: float
    allowed: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    sides: tuple[float, float] | None
    kinks: int
    slope: float | None
    verdict: Verdict

    def place(self) -> str:
        """The worst comparison in words: `W[1][0, 2]` (counted from 0) or `W[1] along direction 3`."""
        if self.directions:
            return f"{self.name} along direction {self.index[0]}"
        return f"{self.name}[{', '.join(map(str, self.index))}]"

    def finding(self) -> str:
        """The two values at the worst comparison."""
        if self.sides is not None:
            low, high = self.sides
            return f"analytic {self.analytic:.8g}, from side to side {low:.8g} to {high:.8g}"
        found = f"analytic {self.analytic:.10g}, numeric {self.numeric:.10g}"
        if self.verdict == "cannot tell":
            found += f" (± {self.allowed:.0e} relative)"
        return found


@dataclass(frozen=True)
class GradientCheck:
    """Outcome of a gradient check. `ok` is True if every block is right, or right at a kink.

    cost   value of the cost at the point
    given  whether the gradients were given, else derived
    """

    rows: tuple[Row, ...]
    method: str
    step: float
    seed: int
    tolerance: float | None
    cost: float
    given: bool

    @property
    def ok(self) -> bool:
        return all(row.verdict in ("right", "at a kink") for row in self.rows)

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, text, lists; None where a number is not finite."""
        return {
            "ok": self.ok,
            **{k: _plain(v) for k, v in asdict(self).items() if k != "rows"},
            "rows": [{k: _plain(v) for k, v in asdict(row).items()} for row in self.rows],
        }

    def __str__(self) -> str:
        found = [f"{sum(r.verdict == v for r in self.rows)} {v}" for v in get_args(Verdict)]
        lines = [
            f"Gradient check of {'given' if self.given else 'derived'} gradients: "
            + ", ".join(f for f in found if not f.startswith("0 ")),
            f"{_METHODS[self.method]}, step {self.step:.1e}; {self._allowance()}",
            _line(HEAD),
        ]
        for row in self.rows:
            lines.append(_line(_cells(row)))
            if row.verdict != "right":
                lines.append(f"  {row.place()}: {row.finding()}")
        return "\n".join(lines)

    def _allowance(self) -> str:
        if self.tolerance is not None:
            return f"allowed: {self.tolerance:.1e} relative, as given"
        worst = max((r.allowed for r in self.rows), default=0.0)
        return f"allowed by its own error: up to {worst:.1e}"


_METHODS = {"complex": "Complex step", "central": "Central difference", "forward": "Forward difference (one-sided)"}


def _cells(row: Row) -> tuple[str, ...]:
    errors = (f"{x:.1e}" for x in (row.absolute_error, row.relative_error, row.allowed))
    slope = "-" if row.slope is None else f"{row.slope:.2f}"
    rows, cols = row.shape
    checked = f"{row.checked} dir" if row.directions else str(row.checked)
    return (row.name, f"{rows} × {cols}", checked, *errors, str(row.kinks), slope, row.verdict)


def _line(cells: tuple[str, ...]) -> str:
    parts = []
    for cell, width in zip(cells, WIDTHS, strict=True):
        shown = cell if len(cell) <= abs(width) else cell[: abs(width) - 1] + "…"
        parts.append(shown.ljust(-width) if width < 0 else shown.rjust(width))
    return " ".join(parts).rstrip()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
