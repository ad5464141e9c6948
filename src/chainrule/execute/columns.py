"""Columns that lie apart, side by side as the rows of one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ShapeError
from . import native
from .direct import Array

_LINE = 64  # bytes of a cache line


def side_by_side(columns: Sequence[Array], X: Array, isa: str = "") -> None:
    """Write columns (n,) into X (n, number of columns): X[i, j] = columns[j][i].

    X is C-contiguous and writable. Where all columns have its type and no gaps the native executor's code copies them
    (`isa` names its instruction set, else the fastest); otherwise NumPy does, with its rules of conversion.

    Raises `ShapeError` for other shapes.
    """
    if X.ndim != 2 or X.shape[1] != len(columns) or any(c.shape != X.shape[:1] for c in columns):
        found = sorted({c.shape for c in columns})
        raise ShapeError(
            f"{len(columns)} columns of shapes {found} side by side: X must be (n, columns), not {X.shape}"
        )
    plain = X.flags.c_contiguous and X.flags.writeable and X.dtype in (np.float32, np.float64)
    if native.available() and plain and all(c.dtype == X.dtype and c.flags.c_contiguous for c in columns):
        native.side_by_side(columns, X, isa)
        return
    # In strips of one cache line's width, by way of a buffer that stays in the cache: thrice as fast as entry by entry.
    wide = max(1, _LINE // X.itemsize)
    strip = np.empty((wide, len(X)), X.dtype)
    for first in range(0, len(columns), wide):
        part = columns[first : first + wide]
        for row, column in zip(strip, part, strict=False):
            row[...] = column
        X[:, first : first + len(part)] = strip[: len(part)].T
