"""Learning curves in signs, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_TRAIN, _VALIDATION, _BOTH = "·", "o", "*"
_LEFT = 10  # signs for the numbers at the axis
_LOGARITHMIC_FROM = 100.0


def curves_text(history: Mapping[str, Sequence[float]], width: int = 80, height: int = 12) -> str:
    """The loss of training (·) and validation (o) against the epoch; * where both meet.

    A column is the mean of the epochs that share it; a loss that falls by more than a factor of 100 is drawn on a
    logarithmic axis. Without a finite loss the text says so.
    """
    train = _columns(history["loss"], width - _LEFT - 2)
    validation = _columns(history.get("val_loss", ()), width - _LEFT - 2)
    shown = np.concatenate([train, validation])
    shown = shown[np.isfinite(shown)]
    if not len(shown):
        return "no epoch has a finite loss"
    log = bool(shown.min() > 0 and shown.max() > _LOGARITHMIC_FROM * shown.min())
    low, high = (float(f(np.log(shown) if log else shown)) for f in (np.min, np.max))
    grid = [[" "] * len(train) for _ in range(height)]
    for curve, sign in ((train, _TRAIN), (validation, _VALIDATION)):
        for x, value in enumerate(curve):
            if math.isfinite(value):
                place = ((math.log(value) if log else value) - low) / (high - low or 1.0)
                row = grid[round((1 - place) * (height - 1))]
                row[x] = sign if row[x] == " " else _BOTH
    ticks = {0: high, height // 2: high + (low - high) * (height // 2) / (height - 1), height - 1: low}
    lines = []
    for k, row in enumerate(grid):
        tick = f"{math.exp(ticks[k]) if log else ticks[k]:.3g}" if k in ticks else ""
        lines.append(f"{tick:>{_LEFT - 2}} │{''.join(row)}".rstrip())
    epochs = len(history["loss"])
    axis = f"{'':>{_LEFT - 2}} └{'─' * len(train)}"
    below = f"{'':>{_LEFT}}{'1':<{max(1, len(train) - len(str(epochs)))}}{epochs if epochs > 1 else ''}"
    scale = ", logarithmic" if log else ""
    title = f"loss{scale}: {_TRAIN} training" + (f", {_VALIDATION} validation" if len(validation) else "")
    return "\n".join([title, *lines, axis, f"{below}  epoch"])


def _columns(curve: Sequence[float], most: int) -> NDArray[np.float64]:
    """The curve in at most so many columns, each the mean of its finite epochs."""
    values = np.asarray(curve, dtype=np.float64)
    if len(values) <= most:
        return values
    parts = np.array_split(values, most)
    return np.array([np.mean(p[np.isfinite(p)]) if np.isfinite(p).any() else np.nan for p in parts])


__all__ = ["curves_text"]
