"""Columns of a table that are rarely what somebody meant: the answer itself, and cells far from all others."""

from __future__ import annotations

import numpy as np

from ..data import Preprocessor, Table
from ..data.encoders import Dropped, Numeric
from ..data.targets import NumberTarget
from ..errors import counted
from ..train.samples import Array

_ENOUGH = 20  # cells from which their quartiles say something
_FAR, _SQUEEZED = 1e3, 0.01


def leaks(table: Table, preprocessor: Preprocessor, rows: Array) -> list[str]:
    """Columns that alone name the class of every training row: mostly the answer under another name."""
    if preprocessor.task != "classification":
        return []
    y = preprocessor.encode_target(table, rows)
    found = []
    for encoder in preprocessor.columns:
        if isinstance(encoder, Dropped):
            continue
        codes = table[encoder.name].texts()[0][rows]
        pairs = np.unique(np.stack([codes, y]), axis=1)
        levels = len(np.unique(pairs[0]))
        if pairs.shape[1] == levels <= max(2, len(preprocessor.class_names or ())) and len(rows) >= 10 * levels:
            found.append(
                f"column {encoder.name!r} alone tells the target {preprocessor.target_name!r} in all {len(rows):,} "
                f"training rows: if it is the answer under another name, leave it out with drop={encoder.name!r}"
            )
    return found


def outliers(table: Table, preprocessor: Preprocessor, rows: Array) -> list[str]:
    """Columns of numbers in which one cell is so far away that standardizing squeezes all others together.

    With q the distance between the quartiles and s the standard deviation of a column: a cell more than 1000 q from
    the median, and q < 0.01 s.
    """
    warnings = []
    names = [e.name for e in preprocessor.columns if isinstance(e, Numeric)]
    if isinstance(preprocessor.target, NumberTarget):
        names.append(preprocessor.target.name)
    for name in names:
        values = table[name].values[rows]
        present = np.flatnonzero(~np.isnan(values))
        if len(present) < _ENOUGH:
            continue
        low, middle, high = np.quantile(values[present], [0.25, 0.5, 0.75])
        spread, away = high - low, np.abs(values[present] - middle)
        far = int(np.argmax(away))
        largest = float(away[far])
        if spread > 0 and largest > _FAR * spread and spread < _SQUEEZED * largest * float(np.std(away / largest)):
            row, others = int(rows[present[far]]), int(np.count_nonzero(away > _FAR * spread)) - 1
            more = f" ({counted(others, 'more row')} like it)" if others else ""
            value, times = float(values[present[far]]), largest / spread
            warnings.append(
                f"column {name!r}, row {row + 1}: {value:g} lies {times:.0e} times as far from the median {middle:g} "
                f"as the quartiles are apart{more} and squeezes all other rows together: mend the cell or empty it"
            )
    return warnings


__all__ = ["leaks", "outliers"]
