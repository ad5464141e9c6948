"""Formulas found in Markdown, LaTeX and plain text, each with its line and its text as it stands there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from .code import is_python, of_code, of_matlab, with_changes
from .found import Found, HeaderBlock
from .pieces import begins_with_relation, first_relation, has_relation, joined, pieces
from .plain import letters_of, of_line, whole_line
from .tex import expand, rows, take_macros

_BLOCK = re.compile(
    r"^[ \t]*(`{3,10}(?!`)|~{3,10}(?!~))[ \t]*([\w+-]*)[^\n`]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_LISTING = re.compile(r"\\begin\{(verbatim|lstlisting|minted)\*?\}(.*?)(?:\\end\{\1\*?\}|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PERCENT = re.compile(r"(?<!\\)%[^\n]*")
_MATLAB = ("matlab", "octave", "m")
_TURNED = re.compile(r"(?<=[\w)\]])'(?=\s*(?:[·+\-)]|$))")  # a1' of MATLAB, where no argument follows
_DOCSTRING = re.compile(r"[rRbBuU]?(\"{3}|'{3}).*?(?:\1|\Z)", re.DOTALL)
# With the two backslashes that generators of pages need.
_ESCAPED = re.compile(r"\\\\\((?:(?!\\\\).)+\\\\\)|\\\\\[(?![\d.]+\w\w\])(?:(?!\\\\).)+\\\\\]")
# Commands that only show, and what is left of them.
_MARKUP = (
    (re.compile(r"\\(?:short)?intertext\s*\{[^{}]*\}"), r" \\\\ "),
    (re.compile(r"\\(?:textcolor|colorbox)\s*\{[^{}]*\}\s*(?=\{)"), " "),
    (re.compile(r"\\(?:overset|stackrel)\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{\s*(:?=|\\approx)\s*\}"), r" \1 "),
)
_LABEL = re.compile(r"\\label\s*\{[^{}\n]*\}")
_NAMES = "equation|align|alignat|gather|multline|eqnarray|flalign|displaymath|math"
_PARAGRAPH = r"(?:(?!\n[ \t]*\n).)"  # any letter that does not end its paragraph
_MATH = re.compile(
    r"(?=[$\\])(?:"  # looked for first, so that other letters cost little
    r"(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$"
    r"|(?<!\\)\\\[(?P<bracket>(?:(?!(?<!\\)\\\[).)*?)\\\]"
    r"|(?<!\\)\\\((?P<round>(?:(?!(?<!\\)\\\().)*?)\\\)"
    rf"|\\begin\{{(?P<name>{_NAMES})(?P<star>\*?)\}}(?P<environment>(?:(?!\\begin\{{(?P=name)\*?\}}).)*?)"
    r"\\end\{(?P=name)(?P=star)\}"
    rf"|(?P<open>(?<!\\)(?:\$\$|\\\[)|\\begin\{{(?:{_NAMES})\*?\}})(?P<rest>{_PARAGRAPH}*)"
    r"|(?<![\\$])\$(?P<inline>(?![\s$])(?:[^$\\\n]|\\.|\n(?!\s*\n))*?(?<![\s\\]))\$(?!\d))",
    re.DOTALL,
)
# The same where the $$ of a text do not come in pairs: then those that belong together stand in one paragraph.
_MATH_UNPAIRED = re.compile(_MATH.pattern.replace("(?P<display>.+?)", f"(?P<display>{_PARAGRAPH}+?)"), re.DOTALL)
_DOLLARS = re.compile(r"(?<!\\)\$\$")

LONGEST = 50_000  # characters of one piece of mathematics that is taken apart
FORMULAS = 10_000  # formulas of a document
_MOST = f"at most {LONGEST} are taken apart"


def extract(text: str, kind: str = "markdown") -> tuple[list[Found], list[HeaderBlock]]:
    """All formulas of a document in order, and its header comments.

    kind  "markdown", "latex", "text", which differ only in what a `%` and a plain line are, or "python", a program
    """
    found, headers, _ = extracted(text, kind)
    return found, headers


def extracted(
    text: str, kind: str = "markdown", names: frozenset[str] = frozenset()
) -> tuple[list[Found], list[HeaderBlock], list[str]]:
    """As `extract`, and warnings: what is opened as mathematics and never closed, each with its line.

    names  words that are letters of the document, so that a plain line with them may be a formula
    """
    warnings: list[str] = []
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    headers, text = take_headers(text)
    code: list[Found] = []
    if kind == "python":
        text = _without_program(text, code)
    if kind == "matlab":
        code += of_matlab(text, 1)
        text = re.sub(r"[^\n]", "", text)
    text = _without_blocks(text, code, names)
    text = _COMMENT.sub(_blank, text)
    if kind == "latex":
        text = _PERCENT.sub(_blank, text)
    text = _ESCAPED.sub(lambda m: f" {m[0][1:-3]} {m[0][-2:]}", text)
    for pattern, instead in _MARKUP:
        text = _replaced(pattern, instead, text)
    text = _with_conditions(_unveiled(text))
    macros, text = take_macros(text)
    text = expand(text, macros)
    starts = _line_starts(text)
    found: list[Found] = []
    plain: list[str] = []
    at = 0
    for match in (_MATH_UNPAIRED if len(_DOLLARS.findall(text)) % 2 else _MATH).finditer(text):
        line = bisect_right(starts, match.start(match.lastgroup or 0))
        environment = match["environment"] is not None
        inner = match[0] if environment else match[1] or match[2] or match[3] or match["inline"] or ""
        line = bisect_right(starts, match.start()) if environment else line
        if match["open"] is not None:
            line, inner = bisect_right(starts, match.start()), match["rest"]
            warnings.append(
                f"line {line}: {match['open']} is never closed; what follows it is read up to an empty line"
            )
        if _goes_on_in_code(text, match):
            pass
        elif len(inner) > LONGEST:
            warnings.append(
                f"line {line}: {len(inner)} characters of mathematics in one piece are passed over: {_MOST}"
            )
        else:
            found += _of_math(inner, line, display=match["inline"] is None and match["round"] is None)
        plain += [text[at : match.start()], "\ufffc" + "\n" * match[0].count("\n")]
        at = match.end()
    lines = "".join([*plain, text[at:]]).split("\n")
    for number, rest in _never_closed(lines):
        warnings.append(f"line {number}: $ is never closed; what follows it is read up to an empty line")
        found += _of_math(rest, number, display=False)
    names |= letters_of("\n".join(lines)) if kind != "latex" else frozenset()
    typed = [f for i, each in enumerate(lines, 1) for f in of_line(each, i, names, prose=kind == "latex")]
    found = _with_products(found + with_changes(typed)) + code
    found.sort(key=lambda f: f.line)
    if len(found) > FORMULAS:
        warnings.append(
            f"line {found[FORMULAS].line}: what follows is passed over: at most {FORMULAS} formulas are judged"
        )
        del found[FORMULAS:]
    return list(_continued(found)), headers, warnings


_VEILS = r"\\(?:alert|only|onslide|uncover|visible)(?![A-Za-z])"
_VEIL = re.compile(rf"{_VEILS}\s*(?:<[^<>\n]*>)?\s*(\{{)?|\\.|[{{}}]", re.DOTALL)


def _unveiled(text: str) -> str:
    """What slides show step by step, `\\onslide<2->{…}`, without the commands and their braces."""
    if not re.search(_VEILS, text):
        return text
    kept: list[str] = []
    opened: list[bool] = []  # of each open brace, whether it stays
    at = 0
    for match in _VEIL.finditer(text):
        veil = match[0][0] == "\\" and len(match[0]) > 2
        if match[0] == "{" or (veil and match[1]):
            opened.append(not veil)
        closes = match[0] == "}" and opened and not opened.pop()
        if veil or closes:
            kept.append(text[at : match.start()])
            kept.append("\n" * match[0].count("\n"))
            at = match.end()
    return "".join([*kept, text[at:]])


_COMPARED = re.compile(
    r"(?<![\\$])\$(?P<said>[^$\n]*=[^$\n]*)\$ (?:if|for|when|where|wenn|falls|für|si|pour|para|quando) "
    r"\$(?P<condition>[^$=\n]*(?:[<>≤≥≠]|\\(?:leq?|geq?|lt|gt|neq?)(?![a-z]))[^$=\n]*)\$(?!\d)"
)
_OTHERWISE = re.compile(r"(?<![\\$])\$([^$\n]*=[^$\n]*)\$ (?:otherwise|else|sonst|sinon)\b")
_ELSE = re.compile(r"(?<=[,;] )(?:else|otherwise|sonst|sinon) \$([^$\n]*=[^$\n]*)\$(?!\d)")


def _with_conditions(text: str) -> str:
    """`$A$ for $z > 0$` as one formula that holds on a condition; `$B$ otherwise`, `else $B$`."""
    text = _COMPARED.sub(r"$\g<said> \\text{ for } \g<condition>$", text)
    text = _OTHERWISE.sub(r"$\1 \\text{ otherwise}$", text)
    return _ELSE.sub(r"$\1 \\text{ otherwise}$", text)


_OPEN = re.compile(r"(?<![\\$\w])\$(?=[\\A-Za-z({])([^$]*)$")
_CODE_BEHIND = re.compile(r" ?`[A-Za-z_][\w.]*\([^`=\n]*(?:=[^`=\n]*)*\)`")


def _never_closed(lines: list[str]) -> Iterator[tuple[int, str]]:
    """What follows a single $ that is never closed, up to the next empty line, where it looks like mathematics."""
    for i, line in enumerate(lines):
        match = _OPEN.search(line)
        if match is None or not re.search(r"[\\^_]", match[1]) or not has_relation(match[1]):
            continue
        end = next((k for k in range(i + 1, len(lines)) if not lines[k].strip() or "\ufffc" in lines[k]), len(lines))
        rest = "\n".join([match[1], *lines[i + 1 : end]])
        lines[i : max(end, i + 1)] = [line[: match.start()] + "\ufffc", *("" for _ in lines[i + 1 : end])]
        yield i + 1, rest[:LONGEST]


def _goes_on_in_code(text: str, match: re.Match[str]) -> bool:
    """`$db = \\frac1m$ `np.sum(dZ)``: a formula whose other half is a piece of code."""
    return match["inline"] is not None and _CODE_BEHIND.match(text, match.end()) is not None


def take_headers(text: str) -> tuple[list[HeaderBlock], str]:
    """The comments that begin with `chainrule:`, and the text with blank lines for them."""
    blocks: list[HeaderBlock] = []

    def html(match: re.Match[str]) -> str:
        inner = match[1]
        line = text.count("\n", 0, match.start(1)) + 1
        blocks.append(HeaderBlock(line, inner, match[0].endswith("-->")))
        return _blank(match)

    text = re.sub(r"<!--\s*chainrule:(.*?)(?:-->|\Z)", html, text, flags=re.DOTALL)
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        opened = re.match(r"\s*(%+|#+|//)\s*chainrule:(.*)", lines[i])
        if opened is None:
            i += 1
            continue
        sign, first, inner = opened[1][0], i, [opened[2]]
        lines[i] = ""
        i += 1
        while i < len(lines) and lines[i].lstrip().startswith(sign):
            inner.append(re.sub(rf"^\s*{re.escape(sign)}+ ?", "", lines[i]))
            lines[i] = ""
            i += 1
        blocks.append(HeaderBlock(first + 1, "\n".join(inner)))
    blocks.sort(key=lambda b: b.line)
    return blocks, "\n".join(lines)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _line_starts(text: str) -> list[int]:
    return [0, *(m.end() for m in re.finditer("\n", text))]


def _of_code(block: str, first: int, names: frozenset[str]) -> Iterator[Found]:
    """The assignments of a block, and its other lines that are formulas as a whole."""
    found = list(of_code(block, first))
    yield from found
    taken = {f.line for f in found}
    for number, line in enumerate(block.split("\n"), first):
        if number not in taken and not is_python(line):
            yield from whole_line(line.split("#")[0], number, names)


def _without_blocks(text: str, code: list[Found], names: frozenset[str]) -> str:
    """The text without its blocks of code, whose statements are appended to `code`."""
    starts = _line_starts(text)

    def fenced(match: re.Match[str]) -> str:
        line, language, inner = bisect_right(starts, match.start(3)), match[2].lower(), match[3]
        if language in ("latex", "tex", "math"):
            code.extend(_of_math(inner, line, display=True))
        elif language in _MATLAB:
            code.extend(of_matlab(inner, line))
        elif language in ("", "python", "py", "python3", "numpy", "pseudo", "text", "txt", "ipython"):
            code.extend(_of_code(inner, line, names))
        return _blank(match)

    def listing(match: re.Match[str]) -> str:
        code.extend(of_code(match[2], bisect_right(starts, match.start(2))))
        return _blank(match)

    return _LISTING.sub(listing, _BLOCK.sub(fenced, text))


def _without_program(text: str, code: list[Found]) -> str:
    """The doc-strings and comments of a Python file, whose statements are appended to `code`."""
    prose = _DOCSTRING.sub(lambda m: _blank(m), text)
    code.extend(of_code(prose, 1))
    kept = [" " * len(line) for line in text.split("\n")]
    whole = text.split("\n")
    starts = _line_starts(text)
    said: set[int] = set()
    for match in _DOCSTRING.finditer(text):
        said |= set(range(bisect_right(starts, match.start()) - 1, bisect_right(starts, match.end())))
    for i in said:
        kept[i] = re.sub(r"[rRbBuU]?(?:\"{3}|'{3})", "", whole[i])
    for i, line in enumerate(prose.split("\n")):
        if line.lstrip().startswith("#"):
            kept[i] = line.lstrip().lstrip("#")
    return "\n".join(kept)


def _replaced(pattern: re.Pattern[str], instead: str, text: str) -> str:
    """The text with every match replaced, and as many lines as before."""
    return pattern.sub(lambda m: m.expand(instead) + "\n" * m[0].count("\n"), text)


def _of_math(math: str, first: int, *, display: bool) -> Iterator[Found]:
    for line, row in joined(rows(_LABEL.sub(_blank, math))):
        for piece in pieces(row):
            yield Found(first + line, " ".join(piece.split()), piece, "latex", display)


def _with_products(found: list[Found]) -> list[Found]:
    """Plain formulas of a text that writes .* for products entry by entry: elsewhere * is the matrix product."""
    if not any(f.syntax == "text" and re.search(r"\.[*^/]", f.formula) for f in found):
        return found
    return [
        replace(f, formula=_TURNED.sub(".T", re.sub(r" ?(?<!\*)\*(?!\*) ?", " · ", f.formula)))
        if f.syntax == "text" and not re.search(r"\.[*^/]", f.formula)
        else f
        for f in found
    ]


def _continued(found: list[Found]) -> Iterator[Found]:
    """Formulas that begin with a relation get the left side of the one before them, if that stated something."""
    left: dict[tuple[str, bool], str] = {}
    for each in found:
        kind = each.syntax, each.display
        if begins_with_relation(each.formula):
            if kind in left:
                each = replace(each, formula=f"{left[kind]} {each.formula}")
        else:
            relation = first_relation(each.formula)
            if relation:
                left[kind] = each.formula[: relation[0]].strip()
        yield each


__all__ = [
    "FORMULAS",
    "LONGEST",
    "Found",
    "HeaderBlock",
    "extract",
    "extracted",
    "has_relation",
    "pieces",
    "take_headers",
]
