"""Dates as numbers: days since 1970-01-01, with the time of day as a fraction; reckoned in UTC where a zone is given.

Whoever standardizes them needs no other origin, and the same date has the same number in every file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.columns import Column
from chainrule.data.dataset import Array

if TYPE_CHECKING:
    import polars as pl

READ = "days since 1970-01-01"
_TIME = (
    r"(?:[T ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?\s?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)
# 2024-01-31, 2024/1/31 and 31.1.2024; day and month of 1/2/2024 stand in either order, so it is no date for us.
_PATTERNS = (
    r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})" + _TIME,
    r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + _TIME,
)
_UNCLEAR = r"^\d{1,2}[/-]\d{1,2}[/-](\d{4}|\d{2})(\D.*)?$"
_DAY = 86_400.0


def days(texts: pl.Series) -> pl.Series | None:
    """Texts as days (null where a text is missing or no date), or None if the first text is no date."""
    import polars as pl

    first = texts.drop_nulls().head(1)
    for pattern in _PATTERNS:
        if len(first) and first.str.contains(pattern)[0]:
            found = texts.str.extract_groups(pattern).struct.unnest()
            date = found.select(
                pl.concat_str("year", "month", "day", separator="-").str.to_date("%Y-%m-%d", strict=False)
            )
            part = {name: found[name].cast(pl.Float64) for name in ("hour", "minute", "second")}
            seconds = 3600 * part["hour"].fill_null(0) + 60 * part["minute"].fill_null(0) + part["second"].fill_null(0)
            in_time = (part["hour"].fill_null(0) < 24) & (part["minute"].fill_null(0) < 60)
            zone = found["zone"].str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
            shift = zone.str.slice(1, 2).cast(pl.Float64) * 3600 + zone.str.slice(3, 2).cast(pl.Float64) * 60
            shift = pl.select(pl.when(zone.str.starts_with("-")).then(-shift).otherwise(shift)).to_series().fill_null(0)
            whole = date.to_series().cast(pl.Int32).cast(pl.Float64) + (seconds - shift) / _DAY
            return whole.set(~in_time, None).rename(texts.name)
    return None


def level_days(levels: Sequence[str]) -> Array | None:
    """The days of texts that are all dates, or None. Without polars only a file could be read, so there is no date."""
    try:
        import polars as pl
    except ImportError:
        return None
    found = days(pl.Series("", list(levels), dtype=pl.String).str.strip_chars())
    return None if found is None or found.null_count() else np.asarray(found.to_numpy(), dtype=np.float64)


def unclear(texts: pl.Series) -> str | None:
    """The first text, if all look like dates of which nobody knows whether day or month comes first."""
    present = texts.drop_nulls()
    if len(present) and present.head(1).str.contains(_UNCLEAR)[0] and present.str.contains(_UNCLEAR).all():
        return str(present[0])
    return None


def temporal(series: pl.Series) -> tuple[Column, str]:
    """A column of dates, times or durations as numbers, and what they count."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Date:
        numbers, what = series.cast(pl.Int32).cast(pl.Float64), READ
    elif dtype == pl.Time:
        numbers, what = series.cast(pl.Int64).cast(pl.Float64) / 3.6e12, "hours since midnight"
    elif dtype == pl.Duration:
        numbers, what = series.dt.total_microseconds().cast(pl.Float64) / (1e6 * _DAY), "days"
    else:
        numbers, what = series.dt.epoch("us").cast(pl.Float64) / (1e6 * _DAY), READ
    values = np.array(numbers.fill_null(float("nan")).to_numpy(), dtype=np.float64)
    return Column(series.name, "numeric", values, dates=what == READ), what
