r"""LaTeX as people write it, taken apart: macros expanded, aligned rows and side-by-side formulas separated.

Everything here works on text and keeps its lines: what is read as a formula is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


def words(*texts: str) -> frozenset[str]:
    """The words of texts, as a set."""
    return frozenset(word for text in texts for word in text.split())


# Environments that only arrange rows of formulas; all others (cases, matrices) belong to the formula they stand in.
ARRANGING = words(
    "equation align aligned alignat alignedat gather gathered split multline multlined eqnarray flalign displaymath",
    "math",
)
_DEFINITION = re.compile(
    r"\\(?:(?:re|provide)?newcommand|providecommand|DeclareMathOperator|def|gdef)\*?(?![A-Za-z])\s*"
)
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}()\[\]&%$]|\n|[^\\{}()\[\]&%$\n]+", re.DOTALL)
_IN_WORDS = words(r"\text \textrm \textit \textbf \mbox \hbox")
_NAMED = re.compile(r"\s*\{\s*(\w+)\*?\s*\}")
_ARGUMENT = re.compile(r"(\s*\[[a-z]\]|\s*\{\d+\})+")
_SPACING = re.compile(r"\*?\s*\[[^\]\n]{0,12}(?:pt|em|ex|cm|mm|in)\]")
_MOST = 400_000  # characters that macros may grow a text by


@dataclass(frozen=True)
class Macro:
    """A command: the number of its arguments, the first one's default, and what it stands for."""

    arguments: int
    body: str
    default: str | None = None


def group(text: str, start: int, opening: str = "{", closing: str = "}") -> int:
    """The place after the group that opens at `start`; the length of the text and one more if it never closes."""
    depth = 0
    for match in re.compile(r"\\.|[" + re.escape(opening + closing) + "]", re.DOTALL).finditer(text, start):
        if match[0] == opening:
            depth += 1
        elif match[0] == closing:
            depth -= 1
            if depth == 0:
                return match.end()
    return len(text) + 1


def take_macros(text: str) -> tuple[dict[str, Macro], str]:
    r"""The macros that a text defines by \newcommand, \def, \DeclareMathOperator, and the text with spaces for them."""
    macros: dict[str, Macro] = {}
    pieces: list[str] = []
    at = 0
    for match in _DEFINITION.finditer(text):
        if match.start() < at:
            continue
        parsed = _definition(text, match)
        if parsed is None:
            continue
        name, macro, end = parsed
        macros[name] = macro
        pieces += [text[at : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
        at = end
    return macros, "".join([*pieces, text[at:]])


def _definition(text: str, match: re.Match[str]) -> tuple[str, Macro, int] | None:
    at = match.end()
    named = re.compile(r"\{\s*(\\[A-Za-z]+)\s*\}|(\\[A-Za-z]+)").match(text, at)
    if named is None:
        return None
    name, at = named[1] or named[2], named.end()
    count, default = 0, None
    if match[0].startswith(("\\def", "\\gdef")):
        given = re.compile(r"((?:#\d)*)\s*").match(text, at)
        assert given is not None
        count, at = given[1].count("#"), given.end()
    else:
        given = re.compile(r"\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*").match(text, at)
        assert given is not None
        count, default, at = int(given[1] or 0), given[2], given.end()
    if text[at : at + 1] != "{":
        return None
    end = group(text, at)
    if end > len(text):
        return None
    body = " ".join(text[at + 1 : end - 1].split("\n"))
    if match[0].startswith("\\DeclareMathOperator"):
        body = rf"\operatorname{{{body}}}"
    return name, Macro(count, body, default), end


def expand(text: str, macros: Mapping[str, Macro]) -> str:
    """The text with its macros written out, line for line; a macro in its own body, or growth without end, stays."""
    if not macros:
        return text
    names = re.compile(r"\\(?:" + "|".join(re.escape(n[1:]) for n in macros) + r")(?![A-Za-z])")
    limit = len(text) + _MOST
    for _ in range(12):
        pieces: list[str] = []
        at = size = 0
        for match in names.finditer(text):
            if match.start() < at or size > limit:
                continue
            written, end = _call(text, match, macros[match[0]])
            pieces += [text[at : match.start()], written]
            size += len(pieces[-1]) + len(pieces[-2])
            at = end
        if not pieces or size > limit:
            break
        text = "".join([*pieces, text[at:]])
    return text


def _call(text: str, match: re.Match[str], macro: Macro) -> tuple[str, int]:
    """What one call stands for, with the line breaks that it spans behind it, and where it ends."""
    at, given = match.end(), list[str]()
    for i in range(macro.arguments):
        at = _skip_spaces(text, at)
        if i == 0 and macro.default is not None:
            if text[at : at + 1] == "[":
                end = min(group(text, at, "[", "]"), len(text))
                given.append(text[at + 1 : end - 1])
                at = end
            else:
                given.append(macro.default)
        elif text[at : at + 1] == "{":
            end = min(group(text, at), len(text))
            given.append(text[at + 1 : end - 1])
            at = end
        else:
            single = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL).match(text, at)
            given.append(single[0] if single else "")
            at = single.end() if single else at
    body = re.sub(r"#(\d)", lambda m: given[int(m[1]) - 1] if 1 <= int(m[1]) <= len(given) else "", macro.body)
    if body[-1:].isalpha() and re.search(r"\\[A-Za-z]+$", body) and text[at : at + 1].isalpha():
        body += " "
    return body.replace("\n", " ") + "\n" * text.count("\n", match.start(), at), at


def _skip_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n":
        at += 1
    return at


def rows(math: str) -> list[tuple[int, str]]:
    r"""The rows of a piece of mathematics: (line within it, text), arranging environments opened, `&` taken away.

    Every second `&` of a row separates formulas; it is written \qquad.
    """
    found: list[tuple[int, str]] = []
    row: list[str] = []
    line = begun = depth = marks = 0
    environments: list[str] = []
    at = 0

    def add(text: str) -> None:
        nonlocal begun
        if not row and not text.strip():
            return
        if not row:
            begun = line
        row.append(text)

    def end_row() -> None:
        nonlocal row, marks
        if row:
            found.append((begun, "".join(row).strip()))
        row, marks = [], 0

    while at < len(math):
        match = _TOKEN.match(math, at)
        if match is None:
            break
        token, end = match[0], match.end()
        if token in (r"\begin", r"\end"):
            named = _NAMED.match(math, end)
            name, end = (named[1], named.end()) if named else ("", end)
            if name in ARRANGING and not environments:
                opened = _ARGUMENT.match(math, end) if token == r"\begin" else None
                end = opened.end() if opened else end
                if token == r"\end":
                    end_row()
            else:
                if token == r"\begin":
                    environments.append(name)
                elif environments:
                    environments.pop()
                add(" ".join(math[at:end].split("\n")))
        elif token == "\\\\" and not environments and depth <= 0:
            end_row()
            skipped = _SPACING.match(math, end)
            end = skipped.end() if skipped else end
        elif token == "&" and not environments:
            marks += 1
            before = next((x.rstrip() for x in reversed(row) if x.strip()), "")
            add(r" \qquad " if marks % 2 == 0 and not before.endswith(("=", r"\approx", r"\le", r"\to")) else " ")
        else:
            depth += (token == "{") - (token == "}")
            add(" " if token in ("\n", "\\\n") else token)
        line += math.count("\n", at, end)
        at = end
    end_row()
    return found


def outermost(text: str) -> Iterator[tuple[int, str]]:
    """The tokens of a formula that stand in no brackets and no environment, each with its place."""
    depth = inside = at = 0
    while match := _TOKEN.match(text, at):
        token, at = match[0], match.end()
        if token in _IN_WORDS and text[at : at + 1] == "{":
            at = min(group(text, at), len(text))  # brackets in words need not close
        if token == r"\begin":
            inside += 1
        elif token == r"\end":
            inside -= 1
        elif token in ("{", "(", "["):
            depth += 1
        elif token in ("}", ")", "]"):
            depth -= 1
        elif depth == 0 and inside == 0:
            yield match.start(), token
