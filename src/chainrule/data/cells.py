"""What the text cells of a column mean: missing, number, boolean, category; decided over whole columns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data import dates
from chainrule.data.columns import EXAMPLE_DATE, Column
from chainrule.errors import DataError

if TYPE_CHECKING:
    import polars as pl

# Compared in lower case, after stripping blanks.
MISSING_TEXTS = ("", "na", "n/a", "nan", "null", "?")
NUMERIC_SHARE = 0.99  # with this share of numbers, a text is taken for a mistake rather than for a category


@dataclass
class _Cells:
    """A text column while it is being judged."""

    name: str
    texts: pl.Series  # stripped, null where missing
    n_missing: int
    missing_texts: dict[str, int]
    numbers: pl.Series  # parsed with a decimal point, null elsewhere

    @property
    def n_present(self) -> int:
        return len(self.texts) - self.n_missing

    @property
    def n_text(self) -> int:
        return self.numbers.null_count() - self.n_missing


def type_columns(
    series: list[pl.Series],
    *,
    where: str,
    place: Callable[[int], str],
    decimal: str | None,
    comma_separated: bool,
    categories: Collection[str],
    notes: list[str],
    lenient: Collection[str] = (),
) -> list[Column]:
    """Type text columns; append to `notes` what was detected.

    place: where a row (from 0) stands, in words. lenient: columns in which a few texts among numbers are no mistake.

    Raises:
        DataError: text in a numeric column, or decimal marks that contradict each other.
    """
    judged = [_judge(s) for s in series]
    by_comma = set()
    if decimal != ".":
        for cells in judged:
            if cells.name not in categories and (decimal == "," or cells.n_text):
                numbers = _decimal_comma(cells, where, place, force=decimal == ",", comma_separated=comma_separated)
                if numbers is not None:
                    cells.numbers = numbers
                    by_comma.add(cells.name)
    if by_comma and decimal is None:
        notes.append(f"numbers are written with a decimal comma (column {sorted(by_comma)[0]!r})")
        _refuse_points(judged, by_comma, categories, where, place)
    return [_finish(cells, where, place, categories, notes, lenient) for cells in judged]


def _judge(series: pl.Series) -> _Cells:
    import polars as pl

    texts, numbers = series, series.cast(pl.Float64, strict=False)
    if numbers.null_count() > texts.null_count():  # not plain numbers throughout
        texts = series.str.strip_chars()
        numbers = texts.cast(pl.Float64, strict=False)
    # Few cells are neither null nor a finite number: look for missing texts among these only.
    odd = texts.filter(texts.is_not_null() & (numbers.is_null() | numbers.is_nan()))
    n_null = texts.null_count()
    found = {"": n_null} if n_null else {}
    if len(odd):
        counts = odd.value_counts()
        for text, count in zip(*(counts[c].to_list() for c in counts.columns), strict=True):
            if text.lower() in MISSING_TEXTS:
                found[text] = found.get(text, 0) + count
        texts = texts.set(texts.is_in(list(found)), None)
        numbers = numbers.set(texts.is_null() | numbers.is_nan(), None)
    return _Cells(series.name, texts, sum(found.values()), found, numbers)


def _decimal_comma(
    cells: _Cells, where: str, place: Callable[[int], str], *, force: bool, comma_separated: bool
) -> pl.Series | None:
    """The column read with a decimal comma, or None if that does not make it numeric."""
    import polars as pl

    has_comma = cells.texts.str.contains(",", literal=True).fill_null(False)
    if not force and not has_comma.any():
        return None
    pointed = cells.texts.str.contains(".", literal=True).fill_null(False)
    numbers = cells.texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    numbers = numbers.set(pointed, None)
    if force:
        return numbers
    n_numbers = len(numbers) - numbers.null_count()
    if n_numbers < NUMERIC_SHARE * cells.n_present:
        return None
    with_comma = cells.texts.filter(has_comma)
    if comma_separated and with_comma.str.contains(r"^[+-]?\d{1,3}(,\d{3})+$").all():
        row = int(has_comma.arg_max() or 0)
        raise DataError(
            f"{where}, column {cells.name!r}, {place(row)}: {with_comma[0]!r} has a comma that "
            "may mark thousands or decimals; remove the commas, or say decimal=',' if they mark decimals."
        )
    return numbers


def _refuse_points(
    judged: list[_Cells], by_comma: set[str], categories: Collection[str], where: str, place: Callable[[int], str]
) -> None:
    for cells in judged:
        if cells.name in by_comma or cells.name in categories or not cells.n_present or cells.n_text:
            continue
        pointed = cells.texts.str.contains(".", literal=True).fill_null(False)
        if pointed.any():
            row = int(pointed.arg_max() or 0)
            raise DataError(
                f"{where}, column {cells.name!r}, {place(row)}: {cells.texts[row]!r} has a "
                f"decimal point although column {sorted(by_comma)[0]!r} has decimal commas; write all numbers in one "
                "way, or say decimal='.' or decimal=','."
            )


def _finish(
    cells: _Cells,
    where: str,
    place: Callable[[int], str],
    categories: Collection[str],
    notes: list[str],
    lenient: Collection[str],
) -> Column:
    import polars as pl

    if cells.missing_texts:
        listed = ", ".join(
            f"{'empty' if text == '' else repr(text)} {count:,}" for text, count in sorted(cells.missing_texts.items())
        )
        notes.append(f"column {cells.name!r}: {cells.n_missing:,} of {len(cells.texts):,} cells are missing ({listed})")
    is_category = cells.name in categories
    if not cells.n_present or (not cells.n_text and not is_category):
        return Column(cells.name, "numeric", _floats(cells.numbers))
    if not is_category:
        lower = cells.texts.str.to_lowercase()
        if cells.n_text == cells.n_present and lower.drop_nulls().is_in(["true", "false"]).all():
            return Column(cells.name, "boolean", _floats((lower == "true").cast(pl.Float64)))
        if cells.n_text == cells.n_present and (found := _dates(cells, place, notes)) is not None:
            return found
        _weigh_text(cells, where, place, notes, strict=cells.name not in lenient)
    return category(cells.name, cells.texts)


def _dates(cells: _Cells, place: Callable[[int], str], notes: list[str]) -> Column | None:
    """A column whose texts are all dates; what keeps a column from being one is said."""
    days = dates.days(cells.texts)
    if days is None:
        example = dates.unclear(cells.texts)
        if example is not None:
            notes.append(
                f"column {cells.name!r}: {example!r} may be a date, but whether day or month comes first is not said, "
                f"so it is read as categories; write dates as {EXAMPLE_DATE}"
            )
        return None
    wrong = cells.texts.is_not_null() & days.is_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        notes.append(
            f"column {cells.name!r}: {len(days) - days.null_count():,} of {cells.n_present:,} cells are dates but not "
            f"all ({cells.texts[row]!r} in {place(row)}), so it is read as categories; mend what is no date"
        )
        return None
    notes.append(f"column {cells.name!r} holds dates, read as {dates.READ}")
    return Column(cells.name, "numeric", _floats(days), dates=True)


def _weigh_text(cells: _Cells, where: str, place: Callable[[int], str], notes: list[str], *, strict: bool) -> None:
    """A column with texts among its numbers: a mistake if they are few, else a category, and said."""
    n_numbers = cells.n_present - cells.n_text
    if not n_numbers:
        return
    is_text = cells.texts.is_not_null() & cells.numbers.is_null()
    row = int(is_text.arg_max() or 0)
    if strict and n_numbers >= NUMERIC_SHARE * cells.n_present:
        more = f" (and {cells.n_text - 1} more)" if cells.n_text > 1 else ""
        raise DataError(
            f"{where}, column {cells.name!r}, {place(row)}: {cells.texts[row]!r} is text{more} in a column whose other "
            f"{n_numbers:,} cells are numbers; write a number, leave the cell empty if it is missing, or say "
            f"categories=[{cells.name!r}] to read the column as text."
        )
    notes.append(
        f"column {cells.name!r}: {n_numbers:,} of {cells.n_present:,} cells are numbers but not all "
        f"({cells.texts[row]!r} in {place(row)}), so it is read as categories; mend what is no number, "
        f"or say categories=[{cells.name!r}] if that is meant"
    )


def category(name: str, texts: pl.Series) -> Column:
    """A category column from texts with nulls for missing; levels sorted by code point."""
    import polars as pl

    levels = texts.drop_nulls().unique().sort()
    codes = texts.cast(pl.Enum(levels)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
    return Column(name, "category", np.ascontiguousarray(codes), tuple(levels.to_list()))


def _floats(numbers: pl.Series) -> np.ndarray:
    return np.array(numbers.fill_null(float("nan")).to_numpy(), dtype=np.float64)
