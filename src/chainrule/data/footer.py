"""How many rows the row groups of a Parquet file have, from its footer: polars reads the groups but does not say it.

The footer is a `FileMetaData` of parquet-format's `parquet.thrift` in Thrift's compact protocol. Only what is needed is
looked at; everything else is stepped over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.errors import DataError

_MAGIC = b"PAR1"
_ROW_GROUPS, _ROWS = 4, 3  # field numbers: FileMetaData.row_groups, RowGroup.num_rows
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_DEEPEST = 32


def group_rows(path: Path) -> tuple[int, ...]:
    """Rows of every row group, in the order of the file.

    Raises `DataError` if it is no Parquet file, or a damaged or encrypted one.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 8))
            tail = file.read(8)
            length = int.from_bytes(tail[:4], "little")
            if tail[4:] != _MAGIC or length > size - 12:
                raise DataError(f"{path} does not end like a Parquet file: give a whole Parquet file, not encrypted.")
            file.seek(size - 8 - length)
            footer = file.read(length)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): give a Parquet file.") from None
    try:
        groups = _Compact(footer).struct({_ROW_GROUPS: {_ROWS: int}}).get(_ROW_GROUPS, [])
        rows = tuple(int(group[_ROWS]) for group in groups)
    except (IndexError, KeyError, TypeError, ValueError):
        raise DataError(f"{path} has a damaged Parquet footer: write it again.") from None
    if any(n < 0 for n in rows):
        raise DataError(f"{path} has a damaged Parquet footer (a row group of {min(rows)} rows): write it again.")
    return rows


class _Compact:
    """Reads structs of Thrift's compact protocol; a field that is not wanted is stepped over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self, wanted: dict[int, Any], depth: int = 0) -> dict[int, Any]:
        """The wanted fields of a struct: number -> int, or -> the wanted fields of each struct of a list."""
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            kind, delta = head & 15, head >> 4
            number = number + delta if delta else self._integer()
            take = wanted.get(number)
            if take is int and _BYTE < kind < _DOUBLE:
                found[number] = self._integer()
            elif isinstance(take, dict) and kind == _LIST:
                count, element = self._list()
                if element != _STRUCT:
                    raise ValueError("a list of something else")
                found[number] = [self.struct(take, depth + 1) for _ in range(count)]
            else:
                self._skip(kind, depth)
        return found

    def _skip(self, kind: int, depth: int, element: bool = False) -> None:
        if kind in (_TRUE, _FALSE):
            self.at += int(element)  # a field's truth stands in its head, an element's in a byte
        elif kind == _BYTE:
            self.at += 1
        elif _BYTE < kind < _DOUBLE:
            self._number()
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self._number()
            self.at += length
        elif kind in (_LIST, _SET):
            count, inner = self._list()
            for _ in range(count):
                self._skip(inner, depth + 1, element=True)
        elif kind == _MAP:
            count = self._number()
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._skip(kinds >> 4, depth + 1, element=True)
                self._skip(kinds & 15, depth + 1, element=True)
        elif kind == _STRUCT:
            self.struct({}, depth + 1)
        else:
            raise ValueError(f"type {kind}")
        if depth > _DEEPEST or self.at > len(self.data):
            raise ValueError("runs over its end")

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _number(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _integer(self) -> int:
        value = self._number()
        return value >> 1 ^ -(value & 1)

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        return (self._number() if count == 15 else count), head & 15
