"""One entry for every kind of data."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

from chainrule.data.builtin import BUILTIN, load_builtin
from chainrule.data.columns import Table
from chainrule.data.dataset import Dataset
from chainrule.data.idx import is_idx_folder, load_idx_folder
from chainrule.data.tables import read_table
from chainrule.errors import DataError


def read_data(
    source: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    needed: Collection[str] | None = None,
) -> Dataset | Table:
    """Read data by its name or path: a built-in name, a CSV/TSV/Parquet file, or a folder with IDX files.

    A built-in name wins over a file of the same name; write `./iris` for the file.

    Args:
        source: "iris", "table.csv.gz", "folder/with/mnist".
        separator, decimal, categories, drop, needed: as in `read_table`; for tables only.

    Raises:
        DataError: nothing of that name (the nearest built-in name is suggested), or the content cannot be used.
    """
    if isinstance(source, str) and source in BUILTIN:
        return load_builtin(source)
    path = Path(source)
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL
        is_there = is_folder = False
    if is_folder:
        if is_idx_folder(path):
            return load_idx_folder(path)
        raise DataError(
            f"folder {path} holds no train-images-idx3-ubyte[.gz]: give a CSV, TSV or Parquet file, "
            "or a folder with IDX files."
        )
    if not is_there:
        near = difflib.get_close_matches(str(source), BUILTIN, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? Give" if near else "give"
        raise DataError(
            f"{str(source)[:200]!r} is neither a file nor a built-in data set: {hint} "
            f"a CSV, TSV or Parquet file, a folder with IDX files, or one of {', '.join(BUILTIN)}."
        )
    return read_table(path, separator=separator, decimal=decimal, categories=categories, drop=drop, needed=needed)
