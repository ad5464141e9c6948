"""LaTeX formulas cut to lines: parted at their relations, broken at binary signs, measured before TeX does.

Nothing is read here, a line is only cut where TeX allows it: outside braces and environments. A `\\left(` that is still
open at a break is closed with `\\right.` and taken up again with `\\left.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ...notation.formula import Array, Formula, Number
from ..document import Line
from .lines import Writer, chained, decimal_of, rows_of, written

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|[^\\\s]", re.DOTALL)
_RELATIONS = frozenset(
    {"=", r"\leftarrow", r"\gets", r"\to", r"\rightarrow", r"\approx", r"\neq", r"\ne", r"\coloneqq"}
)
_SUMS = frozenset({"+", "-", r"\pm"})
_PRODUCTS = frozenset({r"\odot", r"\circ", r"\cdot", r"\otimes", r"\times", "*", r"\,", r"\;", "/"})
_BEFORE_UNARY = frozenset({"(", "[", "{", ",", "&", "|", r"\{", *_RELATIONS, *_SUMS, *_PRODUCTS})
_OPEN, _CLOSE = frozenset({"(", "[", r"\{", r"\lbrace"}), frozenset({")", "]", r"\}", r"\rbrace"})
_NOTHING = frozenset(
    {
        r"\left",
        r"\right",
        "{",
        "}",
        r"\!",
        "^",
        "_",
        r"\displaystyle",
        r"\textstyle",
        r"\limits",
        r"\nolimits",
        r"\mathrm",
        r"\mathbf",
        r"\mathcal",
        r"\operatorname",
        r"\text",
        r"\big",
        r"\Big",
        r"\bigl",
        r"\bigr",
        r"\Bigl",
        r"\Bigr",
        r"\hat",
        r"\bar",
        r"\tilde",
        r"\mathbb",
        r"\boldsymbol",
    }
)
_WIDE = {
    r"\tanh": 4,
    r"\exp": 3,
    r"\ln": 2,
    r"\log": 3,
    r"\max": 3,
    r"\min": 3,
    r"\sin": 3,
    r"\cos": 3,
    r"\sum": 2,
    r"\quad": 2,
    r"\qquad": 4,
    r"\,": 0.4,
    r"\;": 0.6,
    ".": 0.6,
    ",": 0.8,
    "-": 1.4,
    "+": 1.4,
}


@dataclass(frozen=True)
class Row:
    """One line of an equation: what stands left of the relation, the relation, what stands right of it.

    A line that goes on from the one before has no relation.
    """

    left: str
    relation: str
    right: str


def blocks(lines: Sequence[Line], writer: Writer, room: Sequence[float], *, decimals: bool = False) -> list[list[Row]]:
    """Equations that are set below each other, aligned at their relations: the widest left side is everybody's."""
    parts = (_parts(x.formula, writer, r, decimals) for x, r in zip(lines, room, strict=True))
    every = list(zip(parts, room, chained(lines), strict=True))
    alone = [_laid(x, r, 0.0, on) for x, r, on in every]
    align = max((measure(found[0].left) for found in alone if found[0].relation), default=0.0)
    return [_laid(x, r, align, on) for x, r, on in every]


def rows(
    formula: Formula,
    writer: Writer,
    room: float,
    align: float = 0.0,
    *,
    decimals: bool = False,
    goes_on: bool = False,
) -> list[Row]:
    """An equation as lines of about `room` characters each.

    writer  writes LaTeX; align: width of the left sides above and below; decimals: fractions such as 1/2 as 0.5;
    goes_on: the line above ends in what stands left, which is not written again
    """
    return _laid(_parts(formula, writer, room, decimals), room, align, goes_on)


@dataclass(frozen=True)
class _Parts:
    """An equation in LaTeX: what stands left, each relation with the side after it, whether matrices are held in it."""

    left: str
    rest: Sequence[tuple[str, str]]
    matrices: bool


def _parts(formula: Formula, writer: Writer, room: float, decimals: bool) -> _Parts:
    whole = written(formula, writer, decimals=decimals)
    whole = replace(whole, text=whole.text.replace(r"\\ \dots \\", r"\\ \vdots \\"))  # of a column
    held = {sign: _set(part, room) for sign, part in whole.held.items()}
    matrices = "".join(sign for sign, part in whole.held.items() if isinstance(part, Array))
    left, rest = parted(_put(_stretched(whole.text, matrices) if matrices else whole.text, held))
    return _Parts(left, rest, bool(matrices))


def _laid(parts: _Parts, room: float, align: float, goes_on: bool) -> list[Row]:
    left, rest = parts.left, parts.rest
    if not rest:
        return [Row("", "", piece) for piece in broken(left, room)]
    left = "" if goes_on else left
    wide = measure(left)
    flat = max(wide, align) + sum(measure(side) + 3 for _, side in rest)
    if flat <= room and len(rest) <= 2 and not parts.matrices:
        return [Row(left, rest[0][0], " ".join([rest[0][1], *(f"{r} {s}" for r, s in rest[1:])]))]
    found: list[Row] = []
    indent = max(wide, align)
    if wide > room / 2.5:
        found += [Row("", "", piece) for piece in broken(left, room)]
        left, indent = "", max(align, 2.0)
    for relation, side in rest:
        first, *more = broken(side, room - indent - 3)
        found += [Row(left, relation, first), *(Row("", "", x) for x in more)]
        left = ""
    return found


def _set(part: Formula, room: float) -> str:
    """A decimal, or a matrix; one that is wider than the page is set in groups of columns, one below the other."""
    if not isinstance(part, Array):
        assert isinstance(part, Number)
        return decimal_of(part)
    shown = rows_of(part)
    wide = max(len(x) for row in shown for x in row) + 2.2
    fitting = max(int((room * 0.8) // wide), 1)
    if part.columns <= fitting:
        return _matrix(shown)
    groups = []
    for start in range(0, part.columns, fitting):
        group = [row[start : start + fitting] for row in shown]
        groups.append(_matrix([[*([r"\cdots"] if start else []), *row] for row in group]))
    return r"\begin{array}{l} " + r" \\ ".join(groups) + r" \end{array}"


def _matrix(shown: list[list[str]]) -> str:
    body = r" \\ ".join(" & ".join(row) for row in shown)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def _stretched(text: str, matrices: str) -> str:
    """Parentheses around a matrix grow with it, or go where it stands alone in them; e to its power is a function."""
    text = _powers(text, matrices)
    opened: list[int] = []
    found: dict[int, str] = {}
    for i, c in enumerate(text):
        if c == "(" and not text[:i].endswith(r"\left"):
            opened.append(i)
        elif c == ")" and opened and not text[:i].endswith(r"\right"):
            start = opened.pop()
            if text[start + 1 : i] in set(matrices):
                found[start] = found[i] = ""  # it has parentheses of its own
            elif any(x in matrices for x in text[start:i]):
                found[start], found[i] = r"\left(", r"\right)"
    return "".join(found.get(i, c) for i, c in enumerate(text))


def _powers(text: str, matrices: str) -> str:
    start = text.find("e^{")
    while start >= 0:
        depth, end = 1, start + 3
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        inside = text[start + 3 : end - 1]
        if any(x in matrices for x in inside):
            text = f"{text[:start]}\\exp({inside}){text[end:]}"
        start = text.find("e^{", start + 1)
    return text


def _put(text: str, held: Mapping[str, str]) -> str:
    return "".join(held.get(c, c) for c in text)


@dataclass(frozen=True)
class _Token:
    """A token with its place in the text, the depth of braces and environments, of brackets, and the open \\left's."""

    text: str
    start: int
    braces: int
    brackets: int
    lefts: int
    before: str


def _tokens(latex: str) -> Iterator[_Token]:
    braces = brackets = lefts = 0
    before = "{"
    sized = False
    for match in _TOKEN.finditer(latex):
        t = match.group()
        if t.isspace():
            continue
        if t in ("}", r"\end"):
            braces -= 1
        if t == r"\right":
            lefts -= 1
        if sized:
            brackets += {r"\left": 1, r"\right": -1}[before]
        elif braces == 0:
            brackets -= t in _CLOSE
        yield _Token(t, match.start(), braces, brackets, lefts, before)
        if not sized and braces == 0:
            brackets += t in _OPEN
        if t == r"\left":
            lefts += 1
        if t in ("{", r"\begin"):
            braces += 1
        sized = t in (r"\left", r"\right")
        before = t


@lru_cache(maxsize=4096)
def parted(latex: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The side before the first relation, and every relation with the side after it."""
    cuts = [t for t in _tokens(latex) if t.text in _RELATIONS and t.braces == t.brackets == t.lefts == 0]
    if not cuts:
        return latex.strip(), ()
    ends = [_begin(latex, t) for t in cuts[1:]] + [len(latex)]
    sides = tuple(
        (latex[_begin(latex, t) : t.start + len(t.text)].strip(), latex[t.start + len(t.text) : end].strip())
        for t, end in zip(cuts, ends, strict=True)
    )
    return latex[: _begin(latex, cuts[0])].strip(), sides


def _begin(latex: str, relation: _Token) -> int:
    """Where a relation begins; `:=` has two signs."""
    head = latex[: relation.start].rstrip()
    return len(head) - 1 if head.endswith(":") else relation.start


def broken(latex: str, room: float) -> list[str]:
    """Pieces of at most `room` characters where binary signs allow it."""
    room = max(room, 16.0)
    found = []
    rest = latex
    while measure(rest) > room:
        cut = _cut(rest, room)
        if cut is None:
            break
        found.append(rest[: cut.start].rstrip() + r" \right." * cut.lefts)
        # A sign that begins a line would be set as a unary one without the empty group.
        rest = r"\left. " * cut.lefts + "{}" + rest[cut.start :]
    return [*found, rest]


def _cut(latex: str, room: float) -> _Token | None:
    """The sign to break before: as far outside and as far right as it goes."""
    best, best_cost = None, float("inf")
    for t in _tokens(latex):
        kind = 0 if t.text in _SUMS else 3 if t.text in _PRODUCTS else None
        if kind is None or t.braces or t.before in _BEFORE_UNARY or not latex[: t.start].strip(" {}"):
            continue
        used = measure(latex[: t.start])
        if used < 4:
            continue
        far = (room - used) / room
        cost = 9 * t.brackets + kind + (12 * far if far >= 0 else 100 - 60 * far)
        if cost < best_cost:
            best, best_cost = t, cost
    return best


@lru_cache(maxsize=4096)
def measure(latex: str) -> float:
    """About how many characters of running text a formula is wide."""
    tokens = [t for t in _TOKEN.findall(latex) if not t.isspace()]
    return _measure(tokens, 0, len(tokens))


def _measure(tokens: list[str], start: int, end: int) -> float:
    total, i = 0.0, start
    while i < end:
        t = tokens[i]
        if t == r"\frac" or t == r"\dfrac" or t == r"\tfrac":
            top = _group(tokens, i + 1, end)
            bottom = _group(tokens, top, end)
            total += max(_measure(tokens, i + 1, top), _measure(tokens, top, bottom)) * 0.85 + 0.5
            i = bottom
        elif t in ("^", "_"):
            stop = _group(tokens, i + 1, end)
            wide = _measure(tokens, i + 1, stop) * 0.75
            other = stop
            if stop < end and tokens[stop] in ("^", "_") and tokens[stop] != t:
                other = _group(tokens, stop + 1, end)
                wide = max(wide, _measure(tokens, stop + 1, other) * 0.75)
            total += wide
            i = other
        elif t == r"\begin":
            stop = _end(tokens, i, end)
            body = tokens[_group(tokens, i + 1, end) : stop]
            lines, line = [], list[str]()
            for x in [*body, r"\\"]:
                if x == r"\\":
                    lines.append(line)
                    line = []
                else:
                    line.append(x)
            total += 2 + max(_measure(x, 0, len(x)) + 2.2 * x.count("&") for x in lines)
            i = _group(tokens, stop + 1, end)
        else:
            binary = t in _RELATIONS or t in _SUMS or t in _PRODUCTS - {r"\,", r"\;", "/"}
            unary = i == start or tokens[i - 1] in _BEFORE_UNARY
            total += 0.0 if t in _NOTHING else _WIDE.get(t, 1) + (1.6 if binary and not unary else 0.0)
            i += 1
    return total


def _group(tokens: list[str], at: int, end: int) -> int:
    """Where the group that begins at a place ends."""
    depth = 0
    while at < end:
        depth += (tokens[at] == "{") - (tokens[at] == "}")
        at += 1
        if depth <= 0:
            return at
    return end


def _end(tokens: list[str], at: int, end: int) -> int:
    """The place of the `\\end` that belongs to a `\\begin`."""
    depth = 0
    for i in range(at, end):
        depth += (tokens[i] == r"\begin") - (tokens[i] == r"\end")
        if depth == 0:
            return i
    return end
