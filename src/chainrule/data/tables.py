"""Read CSV, TSV and Parquet files as a `Table`. Uses polars (extra `tables`)."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.data.cells import MISSING_TEXTS, category, type_columns
from chainrule.data.columns import Column, Table, check_names, check_range
from chainrule.data.content import PARQUET, check_text, load_bytes
from chainrule.data.dates import temporal
from chainrule.data.delimited import lay_out
from chainrule.errors import ConfigurationError, DataError, unknown_name

if TYPE_CHECKING:
    import polars as pl


def read_table(
    path: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    needed: Collection[str] | None = None,
) -> Table:
    """Read a CSV or TSV file (also gzipped) or a Parquet file; the kind is recognized by content.

    Rows count from 1 below the header in messages; lines count from 1 at the top of the file. Empty cells and the texts
    NA, N/A, nan, null and ? (in any case) are missing; `Table.notes` says how many, and what else was detected. Dates
    (2024-01-31, 31.1.2024, with a time or without) become days since 1970-01-01.

    Args:
        path: the file.
        separator: one character; None detects comma, semicolon, tab or vertical bar.
        decimal: "." or ","; None detects.
        categories: columns to read as text even if they look numeric, such as postal codes.
        drop: columns to leave out; their cells are not looked at.
        needed: columns that will be used, None for all; others that cannot be read are left out without an error.

    Raises:
        DataError: anything about the file that makes its content doubtful, with the place.
        UnknownNameError: a column to drop, or to read as text, that is not there.
        ConfigurationError: a bad option, or polars is not installed.
    """
    path = Path(path)
    if decimal not in (None, ".", ","):
        raise ConfigurationError(f"decimal {decimal!r} is not allowed: give '.' or ',', or None to detect it.")
    data = load_bytes(path)
    name = path.name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".parquet"):
        name = name.removesuffix(suffix)
    wanted = _Wanted(frozenset(categories), frozenset(drop), None if needed is None else frozenset(needed))
    if data.startswith(PARQUET):
        return _read_parquet(data, path, name, wanted)
    return _read_delimited(data, path, name, separator, decimal, wanted)


@dataclass(frozen=True)
class _Wanted:
    """Which columns are read, and how."""

    categories: frozenset[str]
    drop: frozenset[str]
    needed: frozenset[str] | None

    def check(self, names: Sequence[str], path: Path) -> None:
        check_names(names, str(path))
        for name in self.drop if self.needed is None else ():
            if name not in names:
                raise unknown_name("column", name, names)
        if names and self.drop >= set(names):
            raise ConfigurationError(f"all {len(names)} columns of {path} are to be dropped: keep some")

    def is_needed(self, name: str) -> bool:
        return self.needed is None or name in self.needed


def _read_delimited(
    data: bytes, path: Path, name: str, separator: str | None, decimal: str | None, wanted: _Wanted
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
    wanted.check(layout.header, path)
    columns = type_columns(
        [
            series.rename(title)
            for series, title in zip(frame.get_columns(), layout.header, strict=True)
            if title not in wanted.drop
        ],
        where=str(path),
        place=lambda row: f"row {row + 1} (line {layout.line_of(row)})",
        decimal=decimal,
        comma_separated=layout.separator == ",",
        categories=wanted.categories,
        notes=notes,
        lenient=[title for title in layout.header if not wanted.is_needed(title)],
    )
    check_range([c for c in columns if wanted.is_needed(c.name)], str(path), layout.line_of)
    return Table(name, tuple(columns), notes)


def _read_parquet(data: bytes, path: Path, name: str, wanted: _Wanted) -> Table:
    pl = polars()
    try:
        names = list(pl.read_parquet_schema(io.BytesIO(data)))
        wanted.check(names, path)
        frame = pl.read_parquet(io.BytesIO(data), columns=[n for n in names if n not in wanted.drop])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path} is a damaged Parquet file ({one_line(error)}): write it again.") from None
    if not frame.width or not frame.height:
        raise DataError(f"{path} has {len(names)} columns and {frame.height} rows: it needs at least one of each.")
    notes: list[str] = []
    columns = []
    for series in frame.get_columns():
        if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
            if wanted.is_needed(series.name):
                raise DataError(
                    f"{path}, column {series.name!r}, holds {series.dtype} values: allowed are numbers, booleans, "
                    f"texts and dates; split the column, or leave it out with drop={series.name!r}."
                )
            notes.append(f"column {series.name!r} holds {series.dtype} values and is left out")
        else:
            columns.append(_typed(series, path, wanted, notes))
    if not columns:
        raise DataError(f"{path} has no column of numbers, booleans, texts or dates: give one at least.")
    check_range([c for c in columns if wanted.is_needed(c.name)], str(path))
    return Table(name, tuple(columns), notes)


def _typed(series: pl.Series, path: Path, wanted: _Wanted, notes: list[str]) -> Column:
    pl = polars()
    name, dtype = series.name, series.dtype
    as_category = name in wanted.categories
    if (dtype.is_numeric() and not as_category) or dtype == pl.Null:
        column = Column(name, "numeric", series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy())
    elif dtype == pl.Boolean and not as_category:
        column = Column(name, "boolean", series.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy())
    elif dtype == pl.String and not as_category:
        return _typed_texts(series, path, notes)
    elif dtype.is_temporal() and not as_category:
        column, what = temporal(series)
        notes.append(f"column {name!r} holds {dtype} values, read as {what}")
    else:
        texts = series.cast(pl.String).str.strip_chars()
        texts = texts.set(texts.str.to_lowercase().is_in(MISSING_TEXTS), None)
        column = category(name, texts)
    if column.n_missing:
        notes.append(f"column {name!r}: {column.n_missing:,} of {len(series):,} cells are missing")
    return column


def _typed_texts(series: pl.Series, path: Path, notes: list[str]) -> Column:
    """Texts are judged as those of a CSV file are, but codes such as "007" stay texts."""
    codes = [series.name] if series.str.contains(r"^\s*0\d").any() else []
    (column,) = type_columns(
        [series],
        where=str(path),
        place=lambda row: f"row {row + 1}",
        decimal=".",
        comma_separated=False,
        categories=codes,
        notes=notes,
        lenient=[series.name],
    )
    if column.kind == "numeric" and not column.dates and column.n_missing < len(series):
        notes.append(
            f"column {series.name!r} holds texts that are all numbers, and is read as numbers; "
            f"to keep them apart as categories say categories=[{series.name!r}]"
        )
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
