"""The formulas that stand in a row of mathematics: cut at words, arrows and commas, with what decorates taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .tex import outermost, words

RELATION = re.compile(
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
_CONDITION = re.compile(r"\(?\s*[i-np-t]\s*(?:=|\\neq?(?![a-z])|≠|!=)\s*[i-np-t]\s*\)?")
_COMPARISON = re.compile(r"[^=]*(?:[<>≤≥≠]|\\(?:leq?|geq?|lt|gt|neq?)(?![a-z]))[^=]*")
_OTHERWISE = words("otherwise else sonst sinon")
_ONLY_SPACE = re.compile(r"\\(?:displaystyle|textstyle|limits|nolimits|,|;|:|!| )|~")
# Words between formulas; other words in \text are names: \text{sig}(z).
_PROSE = words(
    "and or where for with if so then thus hence since also i.e e.g eg ie let of in the is as per when by from to",
    "therefore because such that compute sample output input loss cost otherwise",
)


def joined(given: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Rows where one begins with an operation (or the one before ends with it) are one formula."""
    found: list[tuple[int, str]] = []
    for line, row in given:
        row = re.sub(r"^(?:\s|\\(?:quad|qquad)(?![A-Za-z])|\\[,;:! ])+", "", row)
        begins = re.match(r"\s*(?:[+\-]|\\(?:cdot|times|circ|odot)(?![A-Za-z])|\*)", row)
        ends = found and re.search(r"(?:[+\-*=]|\\(?:cdot|times|circ|odot))\s*$", found[-1][1])
        if found and (ends or (begins and not first_relation(row) and first_relation(found[-1][1]))):
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
            if len(said) == 1 and said[0].strip(".,;:") in _OTHERWISE and row[:start].strip():
                continue  # the reader knows that it holds on a condition then
            applied = len(said) == 1 and row[end : end + 1] == "(" and said[0].lower() in ("loss", "cost")
            if len(said) != 1 or (said[0].lower().strip(".,;:()") in {"", *_PROSE} and not applied):
                cuts.append((start, end))
    cuts = [c for c in cuts if not _names_a_side(row, *c)]
    found: list[str] = []
    at, after_words = 0, False
    for start, end in [*cuts, (len(row), len(row))]:
        if start < at:
            continue
        piece = _undecorated(row[at:start])
        # Words with a relation behind them are its left side; that is no continuation of the formula before.
        if piece and not (after_words and begins_with_relation(piece)):
            found += _branches(piece) or at_commas(piece)
        after_words = bool(_WORDS.match(row, start))
        at = end
    return _with_conditions(found)


def _with_conditions(found: list[str]) -> list[str]:
    """`i = j`, `i ≠ j` and `z > 0` behind a formula belong to it: they say for which entries or numbers it holds."""
    kept: list[str] = []
    for piece in found:
        if kept and _COMPARISON.fullmatch(piece) and not first_relation(piece) and first_relation(kept[-1]):
            kept[-1] = rf"{kept[-1]} \text{{ for }} {piece}"
            continue
        if kept and _CONDITION.fullmatch(piece) and first_relation(kept[-1]):
            kept[-1] = rf"{kept[-1]} \text{{ if }} {piece.strip('()')}"
        else:
            kept.append(piece)
    return kept


def _names_a_side(row: str, start: int, end: int) -> bool:
    r"""Whether words are the name of a quantity: `\text{error rate} = …`."""
    if not _WORDS.match(row, start) or not begins_with_relation(row[end:]) or row[:start].strip():
        return False
    said = row[row.index("{", start) + 1 : end - 1].replace("~", " ").split()
    return len(said) in (2, 3) and all(re.fullmatch(r"[A-Za-z-]+", w) and w.lower() not in _PROSE for w in said)


def _after_words(row: str, start: int) -> int:
    depth = 0
    for i in range(row.index("{", start), len(row)):
        depth += (row[i] == "{") - (row[i] == "}")
        if depth == 0:
            return i + 1
    return len(row)


def _tags_removed(row: str) -> str:
    row = re.sub(r"\\(?:text|mathrm|mbox|hbox)\s*\{[\s~]*\}", " ", row)
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
    if match is None or not first_relation(match[1]):
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


def at_commas(piece: str) -> list[str]:
    """A list of formulas divided at its commas, where every part is one."""
    cuts = [
        start + m.start() for start, token in outermost(piece) for m in re.finditer(r"[,;]", token) if token[0] != "\\"
    ]
    parts = [_undecorated(piece[a:b]) for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(piece)], strict=True)]
    parts = [p for p in parts if p]
    if len(parts) > 1 and all(first_relation(p) and not begins_with_relation(p) for p in parts):
        return parts
    return [piece]


def first_relation(formula: str) -> tuple[int, int] | None:
    """Where the first relation outside of all brackets stands."""
    for start, token in outermost(formula):
        match = RELATION.search(token) if token[0] != "\\" else RELATION.match(token)
        if match:
            return start + match.start(), start + match.end()
    return None


def only_sides(formula: str, kept: Sequence[int], count: int) -> str:
    """A chain of `count` sides with some of them alone, each behind its own relation; empty where it has others."""
    found = [(0, 0)]
    for start, token in outermost(formula):
        hits = RELATION.finditer(token) if token[0] != "\\" else filter(None, [RELATION.match(token)])
        found += [(start + m.start(), start + m.end()) for m in hits]
    if len(found) != count:
        return ""
    ends = [*(start for start, _ in found[1:]), len(formula)]
    return " ".join(formula[found[i][1 if i == kept[0] else 0] : ends[i]].strip() for i in kept)


def has_relation(formula: str) -> bool:
    """Whether a formula states something: a relation outside of all brackets."""
    return first_relation(formula) is not None


def begins_with_relation(formula: str) -> bool:
    return bool(RELATION.match(formula.strip()))
