"""Formulas that nobody marked as mathematics: lines that are one, back ticks, and formulas in the midst of prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..notation.reading.list_marks import without_marks
from ..notation.reading.text_words import is_component
from ..notation.reading.tokens import COUNTS, FUNCTIONS, GREEK, KEYWORDS, SYNONYMS
from .code import assignment, is_python
from .found import Found
from .measures import DEFINITIONS
from .pieces import RELATION, at_commas, pieces
from .tex import words

_KNOWN = COUNTS | DEFINITIONS.keys() | FUNCTIONS | GREEK.keys() | SYNONYMS.keys() | KEYWORDS | words(
    "np numpy torch jnp tf eps prime norm learning rate lr yhat Yhat hat partial odot circ cdot frac mathrm text",
    "mathbf left right",
)  # fmt: skip
_BULLET = re.compile(
    r"^\s*(?:[-*+•‣–]\s+|\((?:\d+[a-z]?|[a-z]|[ivx]+)\)\s+|\[\d+\]\s+|(?:\d+|[A-Za-z]|[ivx]+)[.)]\s+|>\s*)*"
)
_NUMBER = re.compile(r"(?:\s+|\s*[-–—]\s*)\(\d+(?:\.\d+)*[a-z']?\)\s*$")  # of an equation, at the end of its line
_LETTER = re.compile(
    r"(?<![A-Za-z])(?:d?[AWZXYabwzxy](?:hat)?\d*|[JCL]|delta|eps|epsilon)(?![A-Za-z])|[∂∇δεϵσ]|[yYaA]\u0302|[ŷŶ]"
)
_MEASURE = re.compile(rf"\b(?:{'|'.join(sorted(COUNTS | DEFINITIONS.keys()))})\b")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FOREIGN = re.compile(r"[\ufffc\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af?!&#$]|;\s*\w")
_WORD = re.compile(r"[A-Za-z][A-Za-z]+")
_SLOPE = re.compile(
    r"(?<![A-Za-z])d([A-Za-z][A-Za-z]{0,7}\d?)(?:_\w+)? ?/ ?d([A-Za-z][A-Za-z]{0,7}\d?)(?![A-Za-z])"
)  # dE/do
_DIFFERENTIAL = re.compile(rf"\\[A-Za-z]+|{_SLOPE.pattern}|(?<![A-Za-z])d[AWZXYLJCazwbxy][A-Za-z]*\d*")
_OPERATION = re.compile(r"[\d)\]²³½]\s*(?:[-+−–*/·×⋅^²³(]|\*\*)\s*[\d(.½]?|[a-z]\(|√")
_PROSE = words(  # no products of letters
    "so is as at be by do he if in it me my no of on or to up us we an am go et ou la le un en el il al si ed im ob wo",
    "er zu es",
)
_LONGEST = 600  # characters of a formula
_LONGEST_TEXT = 200_000  # characters of a text in which letters are looked for
_LONGEST_PROSE = 5_000  # characters of a line in which formulas are looked for amid words


def letters_of(text: str) -> frozenset[str]:
    """The letters by and of which a text writes derivatives: E, o of `dE/do`."""
    found = {x for pair in _SLOPE.findall(text[:_LONGEST_TEXT]) for x in pair}
    return frozenset(found | {f"d{x}" for x in found if len(x) > 1})


def of_line(line: str, number: int, names: frozenset[str] = frozenset(), *, prose: bool) -> Iterator[Found]:
    """The formulas of a plain line: in back ticks, the whole line, or in the midst of words.

    names  words that are letters of the document
    prose  the text is LaTeX, where only what is marked is mathematics
    """
    line = re.sub(r"\s{3,}", "  ", line)
    for match in _SPAN.finditer(line):
        yield from _whole(match[1].strip(), number, names, display=False)
    if "`" in line and not prose and "\ufffc" not in line:  # what stands beside code is prose
        yield from _amid(_SPAN.sub(" \ufffc ", line), number, names)
        return
    if prose or "\ufffc" in line or "`" in line or not re.search(rf"{RELATION.pattern}|[-+*/]=", line):
        return
    whole = without_marks(_BULLET.sub("", line, count=1)).strip()
    whole = _NUMBER.sub("", whole).strip().rstrip(".,;").strip()
    if not whole:
        return
    if line.lstrip("> \t").startswith("|"):  # a row of a table
        for cell in line.split("|"):
            yield from _whole(cell.strip(), number, names, display=False)
        return
    found = list(_whole(whole, number, names, display=True))
    for each in found or _amid(whole, number, names):
        yield replace(each, formula=_SLOPE.sub(_of_words, each.formula)) if each.syntax == "text" else each


def _of_words(match: re.Match[str]) -> str:
    """`dE/dnet_j` as ∂E/∂net_j: words are letters where they are differentiated."""
    if max(len(match[1]), len(match[2])) < len("net"):
        return match[0]
    return re.sub(r"(^|/ ?)d", r"\1∂", match[0])


def _whole(text: str, number: int, names: frozenset[str], *, display: bool) -> Iterator[Found]:
    """A text that is a formula as a whole, or a statement of a program."""
    if _looks_like_a_formula(text, names):
        syntax = _syntax(text)
        for part in pieces(text) if syntax == "latex" else at_commas(text):
            yield Found(number, " ".join(part.split()), part, syntax, display, False)
    elif len(text) <= _LONGEST and (_has_letter(text, names) or "np." in text) and is_python(text):
        if not (formula := assignment(text)):
            return
        yield Found(number, " ".join(text.split()), formula, "code", display, False)


def whole_line(line: str, number: int, names: frozenset[str]) -> Iterator[Found]:
    """A line that is a formula in mathematics, not in a program: `relu(x) = x * (x > 0)`."""
    text = _NUMBER.sub("", without_marks(_BULLET.sub("", line, count=1))).strip().rstrip(".,;").strip()
    if _looks_like_a_formula(text, names):
        for part in at_commas(text):
            yield Found(number, " ".join(part.split()), part, "code", True, False)


def _syntax(text: str) -> Literal["latex", "text"]:
    """Which of the two a text is: commands, or braces at letters, are LaTeX; sum_{i=1} is none."""
    bare = re.sub(r"(?<!\\)\b(?:sum|lim|prod|max|min)_\{", "", text)
    return "latex" if re.search(r"\\[A-Za-z]+|[\^_]\{", text) and bare == text else "text"


def _has_letter(text: str, names: frozenset[str]) -> bool:
    words_of_it = re.findall(r"[A-Za-z_]\w*", text)
    if _SLOPE.search(text):
        return True
    return bool(_LETTER.search(text) or _MEASURE.search(text)) or any(_is_named(w, names) for w in words_of_it)


def _is_arithmetic(text: str) -> bool:
    """`0.69 * (1 - 0.69) = 0.2139`: numbers, functions and an operation left of the relation."""
    relation = RELATION.search(text)
    if relation is None or any(w not in FUNCTIONS for w in re.findall(r"[A-Za-zα-ωΑ-Ω]+", text.replace("np.", ""))):
        return False
    left, right = text[: relation.start()], text[relation.end() :]
    return bool(_OPERATION.search(left)) and bool(re.search(r"\d", left) and re.search(r"\d", right))


def _looks_like_a_formula(text: str, names: frozenset[str]) -> bool:
    """A relation, a letter of networks or arithmetic, brackets that close, and no words but those of formulas."""
    if len(text) > _LONGEST or not RELATION.search(text):
        return False
    if not _has_letter(text, names) and not _is_arithmetic(text):
        return False
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")):
        return False
    return not _FOREIGN.search(text) and not _odd_words(text, names)


def _is_named(word: str, names: frozenset[str]) -> bool:
    stem, _, index = word.rpartition("_")
    return word in names or (stem in names and is_component(index))


def _odd_words(text: str, names: frozenset[str]) -> list[str]:
    """The words of a text that no formula has."""
    bare = re.sub(r"[A-Za-z_]\w*", lambda m: " " if _is_named(m[0], names) else m[0], text) if names else text
    found = _WORD.findall(_DIFFERENTIAL.sub(" ", bare))
    return [w for w in found if w not in _KNOWN and (len(w) > 2 or w.lower() in _PROSE)]


# Formulas amid prose --------------------------------------------------------------------------------------------------

_RELATIONS = words("= := <- ← ≈ ≔")
_SIGNS = words("+ - − * / @ · ∘ ⊙ × ⊗ .* ./ ** ^ | ⋅ •")  # signs that join operands
_CONDITION = words("if unless when whenever")
_ARTICLES = words("a A I")


@dataclass(frozen=True)
class _Chunk:
    """What stands between spaces, brackets taken whole: a relation, a sign, mathematics, a word, or a stop."""

    kind: Literal["relation", "sign", "math", "word", "stop"]
    text: str
    start: int
    end: int

    @property
    def strong(self) -> bool:
        """Mathematics that cannot be a word of prose, as a single letter can."""
        return self.kind == "math" and (len(self.text) > 1 or self.text in "dΣ∑∂½¼")


def _amid(line: str, number: int, names: frozenset[str]) -> Iterator[Found]:
    """The formulas in a line of prose: around a relation, up to the first word or stop on either side."""
    if len(line) > _LONGEST_PROSE:
        return
    chunks = list(_chunks(line, names))
    after = 0
    for i, chunk in enumerate(chunks):
        if chunk.kind != "relation" or i < after:
            continue
        begin, end = _left_side(chunks, i, after), _right_side(chunks, i)
        if after < begin < i and chunks[begin].text[0] == "(" and chunks[begin - 1].text.isdecimal():
            begin -= 1  # 2 (0.3 - 1)^2
        after = end
        if begin == i or end == i + 1 or _cut_inside(chunks, begin, end):
            continue
        text = line[chunks[begin].start : chunks[end - 1].end]
        conditional = end < len(chunks) and chunks[end].text in _CONDITION
        if conditional or _a_setting(text) or not _looks_like_a_formula(text, names):
            continue
        yield Found(number, text, text, _syntax(text), False, False)


def _chunks(line: str, names: frozenset[str]) -> Iterator[_Chunk]:
    depth, start = 0, 0
    at = 0
    relation = re.compile(r"\s*(:=|<-|←|≈|≔|(?<![<>=!:+\-*/])=(?!=))\s*")
    while at <= len(line):
        sign = relation.match(line, at) if depth == 0 and at < len(line) else None
        ends = at == len(line) or (depth == 0 and (line[at].isspace() or sign is not None))
        if not ends:
            depth = max(0, depth + (line[at] in "([{") - (line[at] in ")]}"))
            at += 1
            continue
        if start < at:
            yield from _chunk(line, start, at, names)
        if sign is not None:
            yield _Chunk("relation", sign[1], sign.start(1), sign.end(1))
            at = start = sign.end()
        else:
            at += 1
            start = at


def _chunk(line: str, start: int, end: int, names: frozenset[str]) -> Iterator[_Chunk]:
    text = line[start:end]
    bare = text.rstrip(".,;:!?…\"'”")
    if text.endswith("'") and bare + "'" == text:
        bare = text  # a prime
    if text == "." and line[end : end + 1] == " " and start > 0:
        yield _Chunk("sign", text, start, end)  # w . x
    elif bare in _SIGNS:
        yield _Chunk("sign", bare, start, end)
    elif bare:
        known = not _odd_words(bare, names) and not _FOREIGN.search(bare)
        yield _Chunk("math" if known else "word", bare, start, start + len(bare))
    if len(bare) < len(text) and text != ".":
        yield _Chunk("stop", text[len(bare) :], start + len(bare), end)


def _left_side(chunks: list[_Chunk], relation: int, least: int) -> int:
    """The first chunk of the left side: operands joined by signs, or side by side where none can be a word."""
    i = relation
    while i > least:
        before = chunks[i - 1]
        if before.kind == "math":
            beside = i < relation and chunks[i].kind == "math"
            if beside and not before.strong:
                break
        elif not (before.kind == "sign" and i - 2 >= least and chunks[i - 2].kind == "math"):
            break
        i -= 1
    while i < relation and chunks[i].kind == "sign" and chunks[i].text not in "-−":
        i += 1
    return i


def _right_side(chunks: list[_Chunk], relation: int) -> int:
    """The chunk behind the right side and all that follow it by further relations."""
    i = relation + 1
    while i < len(chunks) and chunks[i].kind in ("math", "sign", "relation"):
        i += 1
    prose = i < len(chunks) and chunks[i].kind == "word"
    while i > relation + 1:
        last = chunks[i - 1]
        article = prose and last.text in _ARTICLES and i - 2 > relation and chunks[i - 2].kind == "math"
        if last.kind == "math" and not article:
            break
        i -= 1
    return i


def _cut_inside(chunks: list[_Chunk], begin: int, end: int) -> bool:
    """Whether a sign joins the formula to a word, so that it goes on in words."""
    before = begin > 1 and chunks[begin - 1].kind == "sign" and chunks[begin - 2].kind == "word"
    return before or (end + 1 < len(chunks) and chunks[end].kind == "sign" and chunks[end + 1].kind == "word")


def _a_setting(text: str) -> bool:
    """`m = 5`, `alpha = 0.1`: what an example takes, no claim."""
    return re.fullmatch(r"\s*\w+\s*(?:=|:=)\s*[-−–+]?[\d.,]+(?:e[-+]?\d+)?\s*", text) is not None
