"""Formulas found in Markdown, LaTeX and plain text, each with its line and its text as it stands there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .tex import expand, outermost, rows, take_macros, words

_BLOCK = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_LISTING = re.compile(r"\\begin\{(verbatim|lstlisting|minted)\*?\}(.*?)(?:\\end\{\1\*?\}|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PERCENT = re.compile(r"(?<!\\)%[^\n]*")
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
_RELATION = re.compile(
    r":\s*=|(?<![<>=!:+\-*/])=(?!=)|\\(?:coloneqq|coloneq|gets|leftarrow|rightarrow|to|approx|equiv|neq|ne)(?![A-Za-z])"
    r"|[←→≈≔≠]|<-|->|!="
)
_SPLITTERS = re.compile(
    r"\\(?:quad|qquad|implies|Rightarrow|Longrightarrow|iff|Leftrightarrow|Longleftrightarrow|therefore|because|hspace"
    r"|blacksquare|square|qed|tag|label|nonumber|notag|hfill)(?![A-Za-z])\*?|[⇒⟹⇔∴■□]"
)
_WORDS = re.compile(r"\\(?:text|textrm|textit|textbf|mbox|mathrm|hbox)\s*\{")
_CASES = re.compile(r"(.*?)\\begin\s*\{cases\}(.*)\\end\s*\{cases\}", re.DOTALL)
_NUMBERED = re.compile(r"^\s*-?\s*\(\s*(?:\d+[a-z']*|[ivx]+|\*+)\s*\)\s*")
_BULLET = re.compile(r"^\s*(?:[-*+•‣–]\s+|\(\d+\)\s+|\[\d+\]\s+|\d+[.)]\s+|>\s+)*")
_ONLY_SPACE = re.compile(r"\\(?:displaystyle|textstyle|limits|nolimits|,|;|:|!| )|~")
# Words between formulas; other words in \text are names: \text{sig}(z).
_PROSE = words(
    "and or where for with if so then thus hence since also i.e e.g eg ie let of in the is as per when by from to",
    "therefore because such that compute sample output input loss cost otherwise",
)


LONGEST = 50_000  # characters of one piece of mathematics that is taken apart
FORMULAS = 10_000  # formulas of a document
_MOST = f"at most {LONGEST} are taken apart"


@dataclass(frozen=True)
class Found:
    """A formula of a document.

    line       the number of the line where it begins
    text       as it stands there, white space collapsed
    formula    what is to be read: `text` without what only decorates, with the left side that it continues
    syntax     "latex", "text" or "code"
    display    it stands on lines of its own, so that the next one may continue it
    certain    it is marked as mathematics or code; otherwise a line that looks like a formula
    """

    line: int
    text: str
    formula: str
    syntax: str
    display: bool = True
    certain: bool = True


@dataclass(frozen=True)
class HeaderBlock:
    """A comment with declared notation: the first line of its TOML, and that."""

    line: int
    toml: str


def extract(text: str, kind: str = "markdown") -> tuple[list[Found], list[HeaderBlock]]:
    """All formulas of a document in order, and its header comments.

    kind  "markdown", "latex" or "text"; the three differ only in what a `%` and a plain line are
    """
    found, headers, _ = extracted(text, kind)
    return found, headers


def extracted(text: str, kind: str = "markdown") -> tuple[list[Found], list[HeaderBlock], list[str]]:
    """As `extract`, and warnings: what is opened as mathematics and never closed, each with its line."""
    warnings: list[str] = []
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    headers, text = take_headers(text)
    code: list[Found] = []
    text = _without_blocks(text, code)
    text = _COMMENT.sub(_blank, text)
    if kind == "latex":
        text = _PERCENT.sub(_blank, text)
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
        if len(inner) > LONGEST:
            warnings.append(
                f"line {line}: {len(inner)} characters of mathematics in one piece are passed over: {_MOST}"
            )
        else:
            found += _of_math(inner, line, display=match["inline"] is None and match["round"] is None)
        plain += [text[at : match.start()], "\ufffc" + "\n" * match[0].count("\n")]
        at = match.end()
    lines = "".join([*plain, text[at:]]).split("\n")
    for number, each in enumerate(lines, 1):
        found += _of_line(each, number, prose=kind == "latex")
    found += code
    found.sort(key=lambda f: f.line)
    if len(found) > FORMULAS:
        warnings.append(
            f"line {found[FORMULAS].line}: what follows is passed over: at most {FORMULAS} formulas are judged"
        )
        del found[FORMULAS:]
    return list(_continued(found)), headers, warnings


def take_headers(text: str) -> tuple[list[HeaderBlock], str]:
    """The comments that begin with `chainrule:`, and the text with blank lines for them."""
    blocks: list[HeaderBlock] = []

    def html(match: re.Match[str]) -> str:
        inner = match[1]
        line = text.count("\n", 0, match.start(1)) + 1
        blocks.append(HeaderBlock(line, inner))
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


def _without_blocks(text: str, code: list[Found]) -> str:
    """The text without its blocks of code, whose statements are appended to `code`."""
    starts = _line_starts(text)

    def fenced(match: re.Match[str]) -> str:
        line, language, inner = bisect_right(starts, match.start(3)), match[2].lower(), match[3]
        if language in ("latex", "tex", "math"):
            code.extend(_of_math(inner, line, display=True))
        elif language in ("", "python", "py", "python3", "numpy", "pseudo", "text", "txt"):
            code.extend(_of_code(inner, line))
        return _blank(match)

    def listing(match: re.Match[str]) -> str:
        code.extend(_of_code(match[2], bisect_right(starts, match.start(2))))
        return _blank(match)

    return _LISTING.sub(listing, _BLOCK.sub(fenced, text))


def _of_math(math: str, first: int, *, display: bool) -> Iterator[Found]:
    for line, row in _joined(rows(math)):
        for piece in pieces(row):
            yield Found(first + line, " ".join(piece.split()), piece, "latex", display)


def _joined(given: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Rows where one begins with an operation (or the one before ends with it) are one formula."""
    found: list[tuple[int, str]] = []
    for line, row in given:
        row = re.sub(r"^(?:\s|\\(?:quad|qquad)(?![A-Za-z])|\\[,;:! ])+", "", row)
        begins = re.match(r"\s*(?:[+\-]|\\(?:cdot|times|circ|odot)(?![A-Za-z])|\*)", row)
        ends = found and re.search(r"(?:[+\-*=]|\\(?:cdot|times|circ|odot))\s*$", found[-1][1])
        if found and (ends or (begins and not _first_relation(row) and _first_relation(found[-1][1]))):
            found[-1] = (found[-1][0], f"{found[-1][1]} {row}")
        else:
            found.append((line, row))
    return found


def pieces(row: str) -> list[str]:
    """The formulas that stand side by side in a row, without numbers, tags and words around them."""
    row = _tags_removed(row)
    cuts: list[tuple[int, int]] = []
    for start, token in outermost(row):
        if _SPLITTERS.match(token) or (len(token) > 1 and not token.startswith("\\") and _SPLITTERS.search(token)):
            cuts += [(start + m.start(), start + m.end()) for m in _SPLITTERS.finditer(token)]
        elif _WORDS.match(row, start):
            end = _after_words(row, start)
            inner = row[row.index("{", start) + 1 : end - 1]
            said = inner.replace("~", " ").split()
            if len(said) != 1 or said[0].lower().strip(".,;:()") in {"", *_PROSE}:
                cuts.append((start, end))
    found: list[str] = []
    at, after_words = 0, False
    for start, end in [*cuts, (len(row), len(row))]:
        if start < at:
            continue
        piece = _undecorated(row[at:start])
        # Words with a relation behind them are its left side; that is no continuation of the formula before.
        if piece and not (after_words and _begins_with_relation(piece)):
            found += _branches(piece) or _at_commas(piece)
        after_words = bool(_WORDS.match(row, start))
        at = end
    return found


def _after_words(row: str, start: int) -> int:
    depth = 0
    for i in range(row.index("{", start), len(row)):
        depth += (row[i] == "{") - (row[i] == "}")
        if depth == 0:
            return i + 1
    return len(row)


def _tags_removed(row: str) -> str:
    return re.sub(r"\\(?:tag|label|hspace)\*?\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])", " ", row)


def _undecorated(piece: str) -> str:
    """A formula without number, punctuation, spaces and a box around it."""
    before = None
    while before != piece:
        before = piece
        piece = _NUMBERED.sub("", piece.strip())
        piece = re.sub(
            r"^(?:" + _ONLY_SPACE.pattern + r"|[.,;])+|(?:" + _ONLY_SPACE.pattern + r"|(?<!\\)[.,;:。，])+$", "", piece
        )
        piece = re.sub(r"\s*-\s*\(\d+\)$|(?:(?<=\s)|(?<=\\quad))\(\d+\)$", "", piece)
        boxed = re.match(r"\\(?:boxed|fbox|displaystyle)\s*\{", piece)
        if boxed and _after_words(piece, 0) == len(piece):
            piece = piece[boxed.end() : -1]
    return re.sub(r":\s+=", ":=", piece.strip())


def _branches(piece: str) -> list[str]:
    """`left = cases` as one formula for every branch, where words and no conditions on numbers stand beside them."""
    match = _CASES.fullmatch(piece)
    if match is None or not _first_relation(match[1]):
        return []
    found = []
    for row in re.split(r"\\\\(?:\[\w+\])?", match[2]):
        formula, _, beside = row.partition("&")
        beside = re.sub(r"\\(?:text|textrm|mbox|mathrm)\s*\{([^{}]*)\}", r"\1", beside)
        if not formula.strip():
            continue
        if re.search(r"[<>=\\^_]", beside) or not re.search(r"[A-Za-z]{4}", beside):
            return []
        found.append(_undecorated(f"{match[1]} {formula}"))
    return found


def _at_commas(piece: str) -> list[str]:
    """A list of formulas divided at its commas, where every part is one."""
    cuts = [
        start + m.start() for start, token in outermost(piece) for m in re.finditer(r"[,;]", token) if token[0] != "\\"
    ]
    parts = [_undecorated(piece[a:b]) for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(piece)], strict=True)]
    parts = [p for p in parts if p]
    if len(parts) > 1 and all(_first_relation(p) and not _begins_with_relation(p) for p in parts):
        return parts
    return [piece]


def _first_relation(formula: str) -> tuple[int, int] | None:
    """Where the first relation outside of all brackets stands."""
    for start, token in outermost(formula):
        match = _RELATION.search(token) if token[0] != "\\" else _RELATION.match(token)
        if match:
            return start + match.start(), start + match.end()
    return None


def has_relation(formula: str) -> bool:
    """Whether a formula states something: a relation outside of all brackets."""
    return _first_relation(formula) is not None


def _begins_with_relation(formula: str) -> bool:
    return bool(_RELATION.match(formula.strip()))


def _continued(found: list[Found]) -> Iterator[Found]:
    """Formulas that begin with a relation get the left side of the one before them, if that stated something."""
    left: dict[tuple[str, bool], str] = {}
    for each in found:
        kind = each.syntax, each.display
        if _begins_with_relation(each.formula):
            if kind in left:
                each = replace(each, formula=f"{left[kind]} {each.formula}")
        else:
            relation = _first_relation(each.formula)
            if relation:
                left[kind] = each.formula[: relation[0]].strip()
        yield each


# Plain lines ---------------------------------------------------------------------------------------------------------

_KNOWN = words(
    "np numpy dot matmul outer multiply sum mean sqrt exp log ln tanh sigmoid sigma sig softmax relu max axis keepdims",
    "True False prime diag norm alpha beta gamma delta epsilon eps eta theta lambda mu omega phi psi ell lr learning",
    "rate yhat Yhat hat partial sin cos ones zeros shape copy transpose power square np.dot reshape odot circ cdot",
    "frac mathrm text mathbf left right",
)
_LETTER = re.compile(r"\b(?:d?[AWZXYabwzxy](?:hat)?\d*|[JCL]|delta|eps|epsilon|δ|ε|ϵ)(?![A-Za-z])|∂|ŷ|Ŷ")


def _of_line(line: str, number: int, *, prose: bool) -> Iterator[Found]:
    """A plain line that is a formula as a whole, and the formulas in back ticks."""
    for match in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", line):
        if _looks_like_a_formula(match[1]):
            yield Found(number, match[1].strip(), match[1].strip(), _syntax(match[1]), False, False)
    if prose or "\ufffc" in line or "`" in line or ("=" not in line and "←" not in line and "<-" not in line):
        return
    whole = _BULLET.sub("", line, count=1).strip().strip("|").strip()
    whole = re.sub(r"(?:\s+|\s*[-–—]\s*)\(\d+[a-z']?\)\s*$", "", whole).strip().rstrip(".,;").strip()
    if whole and _looks_like_a_formula(whole):
        syntax = _syntax(whole)
        parts = pieces(whole) if syntax == "latex" else [whole]
        for part in parts:
            yield Found(number, " ".join(part.split()), part, syntax, True, False)


def _syntax(text: str) -> str:
    return "latex" if re.search(r"\\[A-Za-z]+|[\^_]\{", text) and "sum_{" not in text.replace("\\sum", "") else "text"


def _looks_like_a_formula(text: str) -> bool:
    """A relation, a letter of networks, brackets that close, and no two words beside each other."""
    if len(text) > 600 or not _RELATION.search(text) or "==" in text or not _LETTER.search(text):
        return False
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")):
        return False
    if re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af?!@&;#$]", text.replace("@", "")):
        return False
    used = re.findall(r"[A-Za-z][A-Za-z]+", re.sub(r"\\[A-Za-z]+|d[AWZXYLJCazwbxy][A-Za-z]*\d*", " ", text))
    odd = [w for w in used if w not in _KNOWN and len(w) > 2]
    return not odd


# Code ----------------------------------------------------------------------------------------------------------------

_STATEMENT = re.compile(r"([A-Za-z_][\w.]*(?:\[[^\]=]*\])*)\s*([-+*/]?)=(?!=)\s*(.+)", re.DOTALL)
_KEYWORD = re.compile(r"(?:if|elif|else|for|while|def|class|return|import|from|print|assert|with|raise|try|except)\b")
_DATA = re.compile(
    r"\b(?:array|asarray|zeros|ones|empty|eye|rand\w*|load\w*|arange|linspace|None)\b|^\s*(?:\[|\{|\.\.\.)|['\"]"
)


def _of_code(block: str, first: int) -> Iterator[Found]:
    """The assignments of a block of code; what is no assignment of an expression is passed over."""
    lines = block.split("\n")
    i = 0
    while i < len(lines):
        start, statement = i, _without_comment(lines[i])
        while i - start < 20 and i + 1 < len(lines) and statement.count("(") > statement.count(")"):
            i += 1
            statement += " " + _without_comment(lines[i]).strip()
        i += 1
        printed = " ".join(statement.split())
        for part in statement.split(";"):
            match = _STATEMENT.fullmatch(part.strip())
            if match is None or _KEYWORD.match(part.strip()) or _DATA.search(match[3]):
                continue
            left, operation, right = match[1], match[2], match[3].strip()
            text = f"{left} = {right}" if not operation else f"{left} = {left} {operation} ({right})"
            yield Found(first + start, printed if ";" not in statement else part.strip(), text, "code")


def _without_comment(line: str) -> str:
    return line if "#" not in line else re.sub(r"(?<!['\"])#.*", "", line)
