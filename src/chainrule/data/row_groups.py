"""A Parquet file that need not fit into memory: its row groups, read one at a time. Uses polars (extra `tables`)."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.footer import group_rows
from chainrule.data.tables import one_line, polars
from chainrule.errors import ConfigurationError, DataError, unknown_name
from chainrule.execute.columns import side_by_side

Array = npt.NDArray[Any]
_ASKED = 2**17  # bytes: of a longer piece Linux fetches only the first part


class RowGroups:
    """The row groups of Parquet files as blocks of features and targets.

    paths     one file, or several with the same columns
    target    column to predict: integers 0..K-1 for labels, else numbers
    features  columns of X in this order; None: all others
    dtype     of the features: float32 or float64

    `sizes[k]` is the number of rows of block k, `read(k)` its X (n, features) and y (n,); `read_into` writes X into
    memory that is there. Groups without rows are left out. All columns must hold numbers or booleans without missing
    cells: encode and scale before writing the file.

    Raises `DataError` for files that cannot be used, `UnknownNameError` for a column that is not there.
    """

    def __init__(
        self,
        *paths: str | Path,
        target: str,
        features: Sequence[str] | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        if not paths:
            raise ConfigurationError("no Parquet file was named: give at least one path")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ConfigurationError(f"dtype {self.dtype}: features are read as float32 or float64")
        self.paths, self.target = tuple(Path(p) for p in paths), target
        self._groups: list[tuple[Path, int, int, int]] = []  # file, number of the group, first row, rows
        self._rows: dict[Path, int] = {}
        for path in self.paths:
            rows = group_rows(path)
            self._rows[path] = sum(rows)
            starts = accumulate(rows, initial=0)
            self._groups += [(path, k, start, n) for k, (start, n) in enumerate(zip(starts, rows, strict=False)) if n]
        if not self._groups:
            raise DataError(f"{self.paths[0]} has no rows: it needs at least one.")
        names = tuple(self._schema(self.paths[0]))
        self.features = tuple(n for n in names if n != target) if features is None else tuple(features)
        if not self.features:
            raise DataError(f"{self.paths[0]} has no column besides the target {target!r}: give features.")
        if target in self.features:
            raise ConfigurationError(f"column {target!r} is the target: leave it out of the features")
        self._frames = {p: self._columns(p) for p in self.paths}

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(n for *_, n in self._groups)

    def __len__(self) -> int:
        return sum(self.sizes)

    def read(self, block: int) -> tuple[Array, Array]:
        """X (n, features), C-contiguous, and y (n,) of one block."""
        X = np.empty((self.sizes[block], len(self.features)), self.dtype)
        return X, self.read_into(block, X)

    def expect(self, blocks: Iterable[int]) -> None:
        """Blocks that are read next: Linux fetches one from the disk while another is decoded."""
        if sys.platform != "linux":
            return
        for block in blocks:
            path, _, start, rows = self._groups[block]
            with contextlib.suppress(OSError), path.open("rb") as file:  # who reads the block says what is wrong
                size, count = os.fstat(file.fileno()).st_size, self._rows[path]
                # About where it lies: the footer would say it exactly, at a price for each of its columns.
                for at in range(size * start // count, size * (start + rows) // count, _ASKED):
                    os.posix_fadvise(file.fileno(), at, _ASKED, os.POSIX_FADV_WILLNEED)

    def read_into(self, block: int, X: Array) -> Array:
        """Write the features of one block into X (n, features) of type `dtype`; returns y (n,)."""
        *columns, target = self._frame(block).get_columns()
        side_by_side([c.to_numpy() for c in columns], X)
        found: Array = target.to_numpy()
        return found

    def _frame(self, block: int) -> Any:
        """The rows of one block, without missing cells."""
        pl = polars()
        path, number, start, rows = self._groups[block]
        try:
            frame = self._frames[path].slice(start, rows).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise DataError(
                f"{path}, row group {number + 1}, is damaged ({one_line(error)}): write it again."
            ) from None
        if frame.height != rows:
            raise DataError(
                f"{path}, row group {number + 1}, has {frame.height} rows where its footer says {rows}: write it again."
            )
        for name, missing in zip(frame.columns, frame.null_count().row(0), strict=True):
            if missing:
                first = start + int(np.argmax(frame[name].is_null().to_numpy())) + 1
                raise DataError(
                    f"{path}, column {name!r}: {missing} missing cells in row group {number + 1}, first in row "
                    f"{first}: fill or drop such rows before training."
                )
        return frame

    def _schema(self, path: Path) -> dict[str, Any]:
        pl = polars()
        try:
            return dict(pl.scan_parquet(path).collect_schema())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise DataError(f"{path} is a damaged Parquet file ({one_line(error)}): write it again.") from None

    def _columns(self, path: Path) -> Any:
        """The features as numbers of type `dtype`, then the target, of one file: read when they are asked for."""
        pl, schema = polars(), self._schema(path)
        for name in (self.target, *self.features):
            if name not in schema:
                raise unknown_name(f"column of {str(path)!r}", name, list(schema))
            if not (schema[name].is_integer() or schema[name].is_float() or schema[name] == pl.Boolean):
                raise DataError(
                    f"{path}, column {name!r}, holds {schema[name]} values, but row groups are read as numbers: "
                    "encode the column before writing the file, or name the features without it."
                )
        wanted = pl.Float32 if self.dtype == np.float32 else pl.Float64
        # A cast costs polars a little for every column and row group, also where there is nothing to do.
        columns = [pl.col(n) if schema[n] == wanted else pl.col(n).cast(wanted) for n in self.features]
        return pl.scan_parquet(path).select(*columns, self.target)
