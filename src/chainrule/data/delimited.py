"""Delimited text: find the separator, check quotes and row lengths over all bytes at once, cut off the header.

Only the structure is judged here (RFC 4180 quoting); what the cells hold is the business of `cells`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.data.columns import check_names
from chainrule.data.dataset import Array
from chainrule.errors import ConfigurationError, DataError, counted

SEPARATORS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@dataclass(frozen=True)
class Layout:
    """Checked text: column names, the bytes of the rows below the header, and how to find a row's line."""

    header: list[str]
    body: bytes
    separator: str
    n_rows: int
    line_of: Callable[[int], int]
    notes: list[str]


def lay_out(data: bytes, path: Path, separator: str | None = None) -> Layout:
    """Check the structure of delimited text.

    Args:
        data: UTF-8 with "\\n" line ends (see `content.check_text`).
        path: for messages.
        separator: one character; None to detect it among comma, semicolon, tab and vertical bar.

    Raises:
        DataError: empty, header only, ragged row, misplaced or unterminated quote, duplicate or numeric names.
        ConfigurationError: a separator that is not one ASCII character.
    """
    if separator is not None and (len(separator) != 1 or not separator.isascii() or separator in '"\n\r\0'):
        raise ConfigurationError(
            f'separator {separator!r} is not allowed: give one ASCII character such as ",", ";", "|" or a tab.'
        )
    if not data.strip():
        raise DataError(f"{path} is empty ({len(data)} bytes): it needs a header line with column names, then rows.")
    first_line = 1
    notes: list[str] = []
    declared = re.match(rb"sep=(.)\n", data)  # Excel's own way to say it
    if declared:
        data, first_line = data[declared.end() :], 2
        separator = separator or declared[1].decode("latin-1")
        notes.append("the first line declares the separator and was skipped")
    if separator is None:
        separator = detect_separator(data, prefer_tab=".tsv" in path.suffixes)
        if separator != ",":
            notes.append(f"the separator is a {_NAMES[separator]} ({separator!r})")
    _check_separator(data, separator, path)
    if not data.endswith(b"\n"):
        data += b"\n"
    buffer = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(buffer == 10)

    def line_at(offset: int) -> int:
        return int(np.searchsorted(newlines, offset)) + first_line

    ends, marks = newlines, np.flatnonzero(buffer == ord(separator))
    if b'"' in data:
        quotes = np.flatnonzero(buffer == 34)
        _check_quotes(buffer, quotes, ord(separator), path, line_at)
        ends, marks = (p[np.searchsorted(quotes, p) % 2 == 0] for p in (ends, marks))
    starts = np.concatenate(([0], ends[:-1] + 1))
    widths = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    blank = starts == ends
    top = int(np.argmin(blank))  # the first record that is not blank is the header
    if widths[top] == 1:  # with one column an empty line is a missing cell, unless it only ends the file
        blank[top : len(blank) - int(np.argmin(blank[::-1]))] = False
    keep = ~blank
    keep[top] = False
    rows = np.flatnonzero(keep)
    header = _header(data[starts[top] : ends[top]].decode("utf-8"), separator, path, notes)
    if not len(rows):
        raise DataError(
            f"{path} has a header with {len(header)} column{'s' if len(header) > 1 else ''} but no rows: "
            "add rows below line {0}.".format(line_at(int(starts[top])))
        )
    _check_widths(widths[rows], len(header), starts[rows], path, separator, line_at)
    n_blank = int(np.count_nonzero(blank[top:])) - _trailing(blank)
    if n_blank:
        notes.append(f"{n_blank} blank line{'s were' if n_blank > 1 else ' was'} skipped")
    if blank.any():
        solid = np.ones(len(buffer), dtype=bool)
        solid[ends[blank]] = False
        solid[: ends[top] + 1] = False
        body = buffer[solid].tobytes()
    else:
        body = data[ends[top] + 1 :]
    row_starts = starts[rows]
    return Layout(header, body, separator, len(rows), lambda row: line_at(int(row_starts[row])), notes)


def _trailing(blank: Array) -> int:
    return int(np.argmin(blank[::-1]))


def detect_separator(data: bytes, *, prefer_tab: bool = False) -> str:
    """The separator that cuts the first lines into the same number of cells; a comma if there is none."""
    sample = data[:65536]
    lines = re.sub(rb'"[^"]*"', b"", sample).split(b"\n")
    if len(sample) < len(data) and len(lines) > 1:
        lines.pop()  # cut off in the middle
    lines = [line for line in lines if line.strip(b" ")][:100]
    order = ("\t", ",", ";", "|") if prefer_tab else SEPARATORS
    best, best_score = ",", (0.0, 0)
    for candidate in order:
        counts = [line.count(candidate.encode()) for line in lines]
        in_header = counts[0] if counts else 0
        if in_header:
            # Rounded so that one bad row, to be reported later, does not change the choice.
            agreeing = round(sum(c == in_header for c in counts) / len(counts), 1)
            if (agreeing, in_header) > best_score:
                best, best_score = candidate, (agreeing, in_header)
    return best


def _check_separator(data: bytes, separator: str, path: Path) -> None:
    """Refuse a separator that the first line does not have, where another cuts all of the first lines alike.

    Blanks count if every line has the same number of words, two at least, and the first line no other separator.
    """
    first, *rest = [line for line in data[:65536].split(b"\n") if line.strip()][:50]
    if separator.encode() in first:
        return
    better = detect_separator(data)
    if better != separator and better.encode() in first:
        raise DataError(
            f"{path} has no {separator!r} in its first line, but {first.count(better.encode()) + 1} cells between "
            f"{better!r}: leave the separator out, or say separator={better!r}."
        )
    words = {len(line.split()) for line in (first, *rest[:-1])}
    if separator != " " and len(rest) > 1 and len(words) == 1 and min(words) > 1 and b'"' in data:
        raise DataError(
            f"{path} has no {separator!r} in its first line, but {min(words)} words in each line: if its cells stand "
            "between blanks, say separator=' ' (where they are single), or write the file with commas."
        )


def _header(text: str, separator: str, path: Path, notes: list[str]) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))]
    except csv.Error as error:
        raise DataError(f"{path} has a header that cannot be read ({error}): shorten its column names.") from None
    if all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", name) for name in names):
        raise DataError(
            f"{path} begins with the numbers {', '.join(names[:3])}{', …' if len(names) > 3 else ''} where the column "
            "names are expected: add a first line with one name per column."
        )
    like_data = [name for name in names if re.fullmatch(r"[+-]?\d*\.\d+([eE][+-]?\d+)?", name)]
    if 2 * len(like_data) >= len(names):
        notes.append(
            f"the first line is taken for column names and looks like data ({', '.join(names[:3])}"
            f"{', …' if len(names) > 3 else ''}): add a line with one name per column above it"
        )
    for at, name in enumerate(names):
        if not name:
            names[at] = f"unnamed_{at + 1}"
            notes.append(f"column {at + 1} has no name and is called {names[at]!r}")
    check_names(names, str(path))
    return names


def _check_widths(
    widths: Array, n_columns: int, starts: Array, path: Path, separator: str, line_at: Callable[[int], int]
) -> None:
    ragged = np.flatnonzero(widths != n_columns)
    if not len(ragged):
        return
    row = int(ragged[0])
    others = f" (and {counted(len(ragged) - 1, 'other row')})" if len(ragged) > 1 else ""
    raise DataError(
        f"{path}, line {line_at(int(starts[row]))}, has {widths[row]} cell{'s' if widths[row] != 1 else ''} where the "
        f"header has {n_columns}{others}: give every row {n_columns} cells, and put cells that contain the separator "
        f"{separator!r} in quotation marks."
    )


def _check_quotes(buffer: Array, quotes: Array, separator: int, path: Path, line_at: Callable[[int], int]) -> None:
    """Quotes open at the start of a cell and close at its end; inside they are doubled."""
    opens, closes = quotes[0::2], quotes[1::2]
    before = np.where(opens > 0, buffer[np.maximum(opens - 1, 0)], 10)
    doubled = np.zeros(len(opens), dtype=bool)
    doubled[1:] = opens[1:] == closes[: len(opens) - 1] + 1
    good_open = (before == separator) | (before == 10) | doubled
    after = buffer[np.minimum(closes + 1, len(buffer) - 1)]
    good_close = (after == separator) | (after == 10)
    good_close[: len(opens) - 1] |= doubled[1:]
    bad_open, bad_close = np.flatnonzero(~good_open), np.flatnonzero(~good_close)
    first_open = int(bad_open[0]) if len(bad_open) else len(opens)
    first_close = int(bad_close[0]) if len(bad_close) else len(opens)
    mend = 'close it, and write a quotation mark inside a quoted cell twice ("")'
    if first_open < len(opens) and first_open <= first_close:
        raise DataError(
            f"{path}, line {line_at(int(opens[first_open]))}, has a quotation mark in the middle of a cell: "
            'put the whole cell in quotation marks and write the one inside twice ("").'
        )
    if first_close < len(opens):
        raise DataError(
            f"{path}, line {line_at(int(opens[first_close]))}, opens a quoted cell that is not closed properly (its "
            f"next quotation mark, in line {line_at(int(closes[first_close]))}, does not end a cell): {mend}."
        )
    if len(quotes) % 2:
        raise DataError(f"{path}, line {line_at(int(opens[-1]))}, opens a quoted cell that never ends: {mend}.")
