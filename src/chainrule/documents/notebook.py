"""Notebooks of Jupyter as one text of Markdown, and of each of its lines the cell and the line there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import DataError
from .report import DocumentReport

_FENCE = "~" * 10
_WHAT = "a notebook is a file of JSON with a list of cells, as Jupyter saves it"


class Place(int):
    """The number of a line in the whole of a notebook, shown as its cell and the line there: "cell 3, line 2"."""

    shown: str

    def __new__(cls, line: int, shown: str) -> Place:
        new = super().__new__(cls, line)
        new.shown = shown
        return new

    def __str__(self) -> str:
        return self.shown

    def __format__(self, spec: str) -> str:
        return format(self.shown, spec)


@dataclass(frozen=True)
class Notebook:
    """The text of a notebook, and of each line the numbers of its cell and of the line there, both from 1 on."""

    text: str
    places: tuple[tuple[int, int], ...]

    def shown(self, line: int) -> str:
        """How people find a line."""
        cell, inner = self.places[min(max(line, 1), len(self.places)) - 1]
        return f"cell {cell}, line {inner}"

    def placed(self, report: DocumentReport) -> DocumentReport:
        """A report on the text with the places of the notebook in it."""
        entries = (
            replace(e, found=replace(e.found, line=Place(e.found.line, self.shown(e.found.line))))
            for e in report.entries
        )
        return replace(report, entries=tuple(entries), warnings=tuple(map(self._said, report.warnings)))

    def _said(self, warning: str) -> str:
        head, colon, rest = warning.partition(":")
        number = head.removeprefix("line ")
        return f"{self.shown(int(number))}{colon}{rest}" if colon and number.isdecimal() and number != head else warning


def notebook(text: str, name: str) -> Notebook:
    """The cells of words and of code of a notebook, code as blocks of code; `DataError` for what is no notebook."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"{name}{place}: {reason}; {_WHAT}") from None
    cells = list(_cells(content))
    if not cells:
        raise DataError(f"{name} is no notebook with cells; {_WHAT}")
    language = _language(content)
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, (kind, source) in enumerate(cells, 1):
        inside = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        numbers = list(range(1, len(inside) + 1))
        if kind == "code":
            inside, numbers = [f"{_FENCE}{language}", *inside, _FENCE], [1, *numbers, len(inside)]
        elif kind != "markdown":
            continue
        lines += [*inside, ""]
        places += [(number, x) for x in [*numbers, numbers[-1]]]
    return Notebook("\n".join(lines), tuple(places) or ((1, 1),))


def _cells(content: Any) -> Iterator[tuple[str, str]]:
    """Kind and text of each cell; the notebooks of old have them in work sheets."""
    if not isinstance(content, dict):
        return
    sheets = content.get("worksheets")
    given = [content, *(sheets if isinstance(sheets, list) else [])]
    for sheet in given:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        for cell in cells if isinstance(cells, list) else []:
            if isinstance(cell, dict):
                source = cell.get("source", cell.get("input", ""))
                parts = source if isinstance(source, list) else [source]
                yield str(cell.get("cell_type", "")), "".join(x for x in parts if isinstance(x, str))


def _language(content: dict[str, Any]) -> str:
    """The language of its code, Python where it does not say."""
    metadata = content.get("metadata")
    for key in ("language_info", "kernelspec"):
        told = metadata.get(key) if isinstance(metadata, dict) else None
        name = told.get("name" if key == "language_info" else "language") if isinstance(told, dict) else None
        if isinstance(name, str) and name.isalnum():
            return name.lower()
    return "python"
