"""Read CSV, TSV and Parquet files as a `Table`. Uses polars (extra `tables`)."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.data.cells import MISSING_TEXTS, category, type_columns
from chainrule.data.columns import Column, Table, check_names, check_range
from chainrule.data.content import PARQUET, check_text, load_bytes
from chainrule.data.delimited import lay_out
from chainrule.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import polars as pl


def read_table(
    path: str | Path, *, separator: str | None = None, decimal: str | None = None, categories: Collection[str] = ()
) -> Table:
    """Read a CSV or TSV file (also gzipped) or a Parquet file; the kind is recognized by content.

    Rows count from 1 below the header in messages; lines count from 1 at the top of the file. Empty cells and the texts
    NA, N/A, nan, null and ? (in any case) are missing; `Table.notes` says how many, and what else was detected.

    Args:
        path: the file.
        separator: one character; None detects comma, semicolon, tab or vertical bar.
        decimal: "." or ","; None detects.
        categories: columns to read as text even if they look numeric, such as postal codes.

    Raises:
        DataError: anything about the file that makes its content doubtful, with the place.
        ConfigurationError: a bad option, or polars is not installed.
    """
    path = Path(path)
    if decimal not in (None, ".", ","):
        raise ConfigurationError(f"decimal {decimal!r} is not allowed: give '.' or ',', or None to detect it.")
    data = load_bytes(path)
    name = path.name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".parquet"):
        name = name.removesuffix(suffix)
    if data.startswith(PARQUET):
        return _read_parquet(data, path, name, categories)
    return _read_delimited(data, path, name, separator, decimal, categories)


def _read_delimited(
    data: bytes, path: Path, name: str, separator: str | None, decimal: str | None, categories: Collection[str]
) -> Table:
    pl = polars()
    data, notes = check_text(data, path)
    layout = lay_out(data, path, separator)
    notes += layout.notes
    try:
        frame = pl.read_csv(
            io.BytesIO(layout.body),
            has_header=False,
            separator=layout.separator,
            schema={f"column_{k}": pl.String for k in range(len(layout.header))},
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be parsed as delimited text ({one_line(error)}): check its format.") from None
    if frame.height != layout.n_rows:
        raise DataError(
            f"{path} has {layout.n_rows} rows by its line ends but was parsed into {frame.height}: "
            "check its quotation marks."
        )
    columns = type_columns(
        [series.rename(title) for series, title in zip(frame.get_columns(), layout.header, strict=True)],
        where=str(path),
        line_of=layout.line_of,
        decimal=decimal,
        comma_separated=layout.separator == ",",
        categories=categories,
        notes=notes,
    )
    check_range(columns, str(path), layout.line_of)
    return Table(name, tuple(columns), notes)


def _read_parquet(data: bytes, path: Path, name: str, categories: Collection[str]) -> Table:
    pl = polars()
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path} is a damaged Parquet file ({one_line(error)}): write it again.") from None
    if not frame.width or not frame.height:
        raise DataError(f"{path} has {frame.width} columns and {frame.height} rows: it needs at least one of each.")
    check_names(frame.columns, str(path))
    notes: list[str] = []
    columns = [_typed(series, path, series.name in categories, notes) for series in frame.get_columns()]
    check_range(columns, str(path))
    return Table(name, tuple(columns), notes)


def _typed(series: pl.Series, path: Path, as_category: bool, notes: list[str]) -> Column:
    pl = polars()
    name, dtype = series.name, series.dtype
    if dtype.is_numeric() and not as_category:
        column = Column(name, "numeric", series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy())
    elif dtype == pl.Boolean and not as_category:
        column = Column(name, "boolean", series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy())
    elif dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise DataError(
            f"{path}, column {name!r}, holds {dtype} values: allowed are numbers, booleans, texts and dates; "
            "split or remove the column."
        )
    elif dtype == pl.Null:
        column = Column(name, "numeric", series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy())
    else:
        if dtype.is_temporal():
            notes.append(f"column {name!r} holds {dtype} values, which are read as text")
        texts = series.cast(pl.String).str.strip_chars()
        texts = texts.set(texts.str.to_lowercase().is_in(MISSING_TEXTS), None)
        column = category(name, texts)
    if column.n_missing:
        notes.append(f"column {name!r}: {column.n_missing:,} of {len(series):,} cells are missing")
    return column


def polars() -> Any:
    try:
        import polars
    except ImportError:
        raise ConfigurationError(
            "reading tables needs polars, which is not installed: pip install 'chainrule[tables]'."
        ) from None
    return polars


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
