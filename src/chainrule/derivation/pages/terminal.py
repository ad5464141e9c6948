"""A derivation for a terminal: Unicode, numbered lines aligned at their equals signs, never wider than asked."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...notation.formula import Array, Formula, Number
from ..document import Document, Section
from .hand import Hand
from .lines import (
    Numbering,
    Writer,
    Written,
    chained,
    decimal_of,
    has_matrix,
    reason,
    rows_of,
    shape_of,
    width_of,
    written,
)
from .words import heading

_RELATION = re.compile(r"(?<=\s)(?::=|<-|->|!=|=|≈|←|→|≔|≠|∝)(?=\s)")
_SIGNS = {"+": 0, "-": 0, "−": 0, "*": 3, "@": 3, "∘": 3, "⊙": 3, "⊗": 3, "·": 3, "/": 3, "×": 3}
_TALL = {"(": ("⎛", "⎜", "⎝"), ")": ("⎞", "⎟", "⎠")}
_OPEN, _CLOSE = "([{⟨⌊", ")]}⟩⌋"
_NARROWEST = 20  # columns for a formula, however narrow the page


def text(document: Document, hand: Hand, width: int = 80, *, color: bool = False) -> str:
    """The document as lines of at most `width` columns; with `color`, shapes, numbers and reasons are dimmed."""
    page = _Page(max(width, 40), hand, color)
    return "\n".join(x.rstrip() for x in page.document(document)) + "\n"


def formula(given: Formula, writer: Writer, width: int = 80) -> str:
    """One equation, without a number, broken where it is longer than `width`."""
    whole = written(given, writer)
    return "\n".join(x.rstrip() for x in _Equation(whole).placed(0, width).rows())


@dataclass(frozen=True)
class _Page:
    width: int
    hand: Hand
    color: bool

    def document(self, document: Document) -> Iterator[str]:
        numbers = Numbering()
        total = sum(1 for _ in document.every_line())
        gutter = len(f"({max(total, 1)})")
        if document.title:
            yield from self._title(document.title, "═")
        if document.subject not in document.title:
            yield from self._prose(document.subject)
        for section in document.sections:
            yield ""
            yield from self._section(section, numbers, gutter, 0)

    def _section(self, section: Section, numbers: Numbering, gutter: int, depth: int) -> Iterator[str]:
        if section.title:
            yield from self._title(section.title, "─┈"[depth] if depth < 2 else "")
        if section.prose:
            yield from self._prose(section.prose)
        if section.lines:
            if section.title or section.prose:
                yield ""
            yield from self._block(section, numbers, gutter)
        if section.code is not None:
            yield ""
            for row in section.code[0].splitlines():
                yield from _cut(row, self.width)
        for part in section.parts:
            yield ""
            yield from self._section(part, numbers, gutter, depth + 1)

    def _title(self, title: str, rule: str) -> Iterator[str]:
        rows = _filled(self.hand.words(heading(title)), self.width)
        yield from (self._bold(r) for r in rows)
        if rule:
            yield rule * max(width_of(r) for r in rows)

    def _prose(self, prose: str) -> Iterator[str]:
        for paragraph in prose.splitlines():
            yield from _filled(self.hand.words(paragraph), self.width)

    def _block(self, section: Section, numbers: Numbering, gutter: int) -> Iterator[str]:
        margin = gutter + 2
        room = self.width - margin
        decimals = section.kind == "numbers"
        equations = [
            _Equation(written(x.formula, self.hand.formula, decimals=decimals), goes_on)
            for x, goes_on in zip(section.lines, chained(section.lines), strict=True)
        ]
        align = max((e.left_width for e in equations if e.rest and e.left_width <= room // 3), default=0)
        tall = False
        for i, (line, equation) in enumerate(zip(section.lines, equations, strict=True)):
            rows = equation.placed(align, room).rows()
            if i and (tall or len(rows) > 1 or reason(section.lines[i - 1], section.kind)):
                yield ""
            tall = len(rows) > 1
            shape = self.hand.words(shape_of(line.shape)).replace("\u00a0", " ")
            yield from self._numbered(rows, equation.base, f"({numbers.next()})".rjust(gutter), shape)
            indent, why = " " * (margin + 4), self.hand.words(numbers.reason(line, section.kind))
            for row in _filled(why, self.width - len(indent)) if why else ():
                yield indent + self._dim(row)

    def _numbered(self, rows: list[str], base: int, mark: str, shape: str) -> Iterator[str]:
        """Rows with the number before the row of the first relation, and the shape at the right where there is room."""
        room = self.width - len(mark) - 2
        at = next((k for k, row in enumerate(rows) if width_of(row) + len(shape) + 3 <= room), None)
        if shape and at is None:
            rows, at = [*rows, ""], len(rows)
        for k, row in enumerate(rows):
            head = self._dim(mark) if k == base else " " * len(mark)
            tail = " " * (room - width_of(row) - len(shape)) + self._dim(shape) if shape and k == at else ""
            yield f"{head}  {row}{tail}"

    def _dim(self, words: str) -> str:
        return f"\x1b[2m{words}\x1b[0m" if self.color and words else words

    def _bold(self, words: str) -> str:
        return f"\x1b[1m{words}\x1b[0m" if self.color and words else words


class _Equation:
    """A written equation parted at its relations: `left`, then (relation, side) pairs.

    goes_on  the line above ends in what stands left, which is not written again
    """

    def __init__(self, whole: Written, goes_on: bool = False) -> None:
        self.whole = whole
        cuts = [m for m in _RELATION.finditer(whole.text) if _depth(whole.text, m.start()) == 0]
        ends = [m.start() for m in cuts[1:]] + [len(whole.text)]
        self.left = "" if goes_on else whole.text[: cuts[0].start()].strip() if cuts else whole.text.strip()
        self.rest = [(m.group(), whole.text[m.end() : e].strip()) for m, e in zip(cuts, ends, strict=True)]
        self.left_width = width_of(self.left)
        self.broad = any(has_matrix(whole, side) for _, side in self.rest)

    def placed(self, align: int, room: int) -> _Equation:
        """Say where the relations stand and how much room there is."""
        self.align, self.room = align, room
        self.box = _Boxes(self.whole.held, room - min(align, room - _NARROWEST) - 8)
        self._lines = list(self._written())
        return self

    @property
    def base(self) -> int:
        """The row in which the number stands: that of the first relation."""
        return self.box.base(self._lines[0])

    def rows(self) -> list[str]:
        return [row for line in self._lines for row in self.box.set(line)]

    def _written(self) -> Iterator[str]:
        """The equation as lines of text in which a matrix is still one sign."""
        short = self.left_width <= max(self.align, self.room // 3)
        head = " " * (self.align - self.left_width) + self.left if short else self.left
        flat = head + "".join(f" {r} {s}" for r, s in self.rest)
        if not self.broad and len(self.rest) <= 2 and self.box.measure(flat) <= self.room:
            yield flat
            return
        if not short or not self.rest:
            yield from self._broken(self.left, self.room, 0, 4)
            head = "  "
        for relation, side in self.rest:
            lead = f"{head} {relation} "
            if self.room - width_of(lead) < _NARROWEST:
                yield from self._broken(head, self.room, 0, 4) if head.strip() else ()
                lead = f"    {relation} "
            indent = width_of(lead)
            first, *more = self._broken(side, self.room - indent, 0, 2)
            yield lead + first
            yield from (" " * indent + x for x in more)
            head = " " * (self.align if short else 2)

    def _broken(self, side: str, room: int, indent: int, hanging: int) -> list[str]:
        rows = []
        rest = side
        while self.box.measure(rest) > room - indent:
            at = self._place(rest, room - indent)
            rows.append(" " * indent + rest[:at].rstrip())
            rest = rest[at:].lstrip()
            indent = hanging
        return [*rows, " " * indent + rest]

    def _place(self, side: str, room: int) -> int:
        """Where to break: before a sign as far outside and as far right as it goes, else at a space, else anywhere."""
        best, best_cost = 0, float("inf")
        depth = used = 0
        fits = 0
        for i, c in enumerate(side):
            if used <= room:
                fits = i
            if c == " " and i > 0 and used <= room:
                sign = side[i + 1 : i + 3]
                kind = _SIGNS.get(sign[:1], 8) if sign[1:] in (" ", "") else 8
                cost = 6 * depth + kind + 14 * (room - used) / room
                if cost < best_cost:
                    best, best_cost = i + 1, cost
            depth += (c in _OPEN) - (c in _CLOSE)
            used += self.box.measure(c)
            if used > room:
                break
        return best if best > 0 and side[:best].strip() else max(fits, 1)


class _Boxes:
    """Sets lines in which private signs stand for matrices and decimals: a line becomes several rows."""

    def __init__(self, held: Mapping[str, Formula], limit: int) -> None:
        self.boxes = {sign: _box(part, limit) for sign, part in held.items()}

    def measure(self, line: str) -> int:
        if not self.boxes:
            return width_of(line)
        return sum(width_of(self.boxes[c][0]) if c in self.boxes else width_of(c) for c in line)

    def base(self, line: str) -> int:
        return max(((len(self.boxes[c]) - 1) // 2 for c in line if c in self.boxes), default=0)

    def set(self, line: str) -> list[str]:
        present = [self.boxes[c] for c in line if c in self.boxes]
        above = self.base(line)
        below = max((len(b) - 1 - (len(b) - 1) // 2 for b in present), default=0)
        rows = [""] * (above + 1 + below)
        for i, c in enumerate(line):
            box = self.boxes.get(c) or self._bracket(line, i)
            blank = " " * width_of(box[0])
            top = above - (len(box) - 1) // 2
            for k in range(len(rows)):
                rows[k] += box[k - top] if 0 <= k - top < len(box) else blank
        return [r.rstrip() for r in rows]

    def _bracket(self, line: str, at: int) -> list[str]:
        """A parenthesis as tall as the tallest matrix inside it; any other sign as it is."""
        if line[at] not in _TALL:
            return [line[at]]
        inside, depth = "", 0
        for c in line[at:] if line[at] == "(" else reversed(line[: at + 1]):
            depth += {"(": 1, ")": -1}.get(c, 0)
            inside += c
            if depth == 0:
                break
        tall = max((len(self.boxes[c]) for c in inside if c in self.boxes), default=1)
        top, middle, bottom = _TALL[line[at]]
        return [line[at]] if tall == 1 else [top, *[middle] * (tall - 2), bottom]


def _box(part: Formula, limit: int) -> list[str]:
    if isinstance(part, Number):
        return [decimal_of(part)]
    assert isinstance(part, Array)
    rows = rows_of(part)
    if len(rows) == 1 and 4 + sum(len(x) + 2 for x in rows[0]) <= limit:
        return [f"[{'  '.join(rows[0])}]"]
    wide = max(len(x) for row in rows for x in row)
    fitting = max((limit - 8) // (wide + 2), 1)
    if part.columns <= fitting or 4 + part.columns * (wide + 2) <= limit:
        return _bracketed(["  ".join(x.rjust(wide) for x in row) for row in rows])
    found: list[str] = []
    for start in range(0, part.columns, fitting):
        before, after = ("… " if start else "  "), (" …" if start + fitting < part.columns else "")
        group = [row[start : start + fitting] for row in rows]
        found += _bracketed([before + "  ".join(x.rjust(wide) for x in row) + after for row in group])
    broad = max(len(x) for x in found)
    return [x.ljust(broad) for x in found]


def _bracketed(body: list[str]) -> list[str]:
    if len(body) == 1:
        return [f"[{body[0]}]"]
    edges = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(body) - 2), ("⎣", "⎦")]
    return [f"{a} {row} {b}" for (a, b), row in zip(edges, body, strict=True)]


def _depth(line: str, at: int) -> int:
    return sum((c in _OPEN) - (c in _CLOSE) for c in line[:at])


def _filled(words: str, width: int) -> list[str]:
    rows = textwrap.wrap(words, max(width, _NARROWEST), break_long_words=True, break_on_hyphens=False)
    return [row.replace("\u00a0", " ") for row in rows] or [""]


def _cut(row: str, width: int) -> Iterator[str]:
    """A row of program text; one that is too long goes on below, marked."""
    while len(row) > width:
        yield row[: width - 1] + "↩"
        row = row[width - 1 :]
    yield row
