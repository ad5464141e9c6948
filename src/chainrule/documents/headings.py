"""Where the parts of a document begin, each of which may be about a network of its own."""

from __future__ import annotations

import re

_MARKED = re.compile(
    r"\s{0,3}#{1,6}\s+\S"  # Markdown
    r"|\s*\\(?:chapter|section|subsection|subsubsection|paragraph|frametitle|question|problem|exercise)\*?\s*[\[{]"
    r"|\s*\\begin\s*\{(?:frame|exercise|problem|example|question|solution)\}"
    r"|\s*class\s+\w+.*:\s*$"
    r"|def\s+\w+_forward\s*\("
    r"|\s*#\s*(?:%%|In\[)"
)
_NAMED = re.compile(
    r"\W{0,4}(?:part|example|exercise|problem|question|case|chapter|section|assignment|step|teil|beispiel|aufgabe|partie"
    r"|exemple|exercice|parte|ejemplo|ejercicio|esempio|esercizio)\s+(?:\d+|[A-Z]|[IVX]+)\b.{0,60}$",
    re.IGNORECASE,
)
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|\*{3,}|~{3,})\s*$")
_TITLE = re.compile(r"[A-ZÄÖÜÉÀ][^=$<>≈:;?!+*^_\\]{2,70}[^\s=.,:;?!+*^_\\]")
_NUMBERED = re.compile(r"\s*(?:\d+(?:\.\d+)*[.)]?|[IVX]+\.|\[\d+\])\s+[A-ZÄÖÜ][^=$]{3,70}$")


def headings(text: str, *, program: bool = False) -> list[int]:
    """The numbers of the lines in which a part begins: marked headings, `Example 2`, titles on lines of their own.

    program  the text is a program, in which `#` begins a comment
    """
    lines = text.split("\n")
    found: list[int] = []
    for i, line in enumerate(lines):
        before, after = (lines[i - 1] if i else ""), (lines[i + 1] if i + 1 < len(lines) else "")
        alone = not before.strip() and not after.strip()
        marked = _MARKED.match(line) and not (program and re.match(r"\s*#+\s(?!%%)", line))
        underlined = _UNDERLINE.match(after) and line.strip() and not before.strip()
        title = alone and (_TITLE.fullmatch(line.strip()) or _NUMBERED.match(line)) and not line.startswith((" ", "\t"))
        if marked or underlined or _NAMED.fullmatch(line.strip()) or (title and not program):
            found.append(i + 1)
    return found
