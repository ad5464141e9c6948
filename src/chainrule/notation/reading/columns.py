"""Plain lines as people lay them out: equations side by side, sizes noted behind them, remarks behind a sign."""

from __future__ import annotations

import re

_GAP = re.compile(r"[ \u00a0]{2,}|[ \u00a0]*(?:\t|[\u2002\u2003])[\s\u00a0\u2002\u2003]*")
_RELATION = re.compile(r":=|<-|←|≔|≈|(?<![<>=!:+\-*/.])=(?!=)|[-+*/]=")
_OPERATOR = "+-−–*/·⋅×∘⊙@⊗^|=<>≈←→,;:.&"
_REMARK = re.compile(r"(?:(?<=\s)|^)(?:#+|//+|%+(?=\s*[A-Za-z])|<--+|←--*(?=\s*[A-Za-z]{3}))")
_SIZE = (
    r"(?:\d+|[mnNdDkKMLpqlhH](?:_?\{?[\w+\-−\[\]₀-₉ₗ]*\}?|\[[\w+\-−]*\]|\^?\{?[\[(][\w+\-−]+[\])]\}?|[⁰-⁹⁽⁾ˡ⁻₀-₉₋ₗ]*))"
)
# (n_l × m), [3 x 4], (n[l], n[l-1]) alone
_SHAPE = rf"[(\[]\s*{_SIZE}\s*(?:[×x]|\\times|,|by)\s*{_SIZE}\s*[)\]]"
_SHAPES = re.compile(rf"(?:shapes?\s*:?\s*|dims?\s*:?\s*)?{_SHAPE}(?:\s*(?:[=+·*@,→]|<-|->)?\s*{_SHAPE})*\s*[.,;]?")
# The same with a sign that only sizes have, so that it may stand right behind a formula.
_LAST = re.compile(rf"(?<=[^\s=+\-−*/·∘⊙@(])\s+[(\[]\s*{_SIZE}\s*[×]\s*{_SIZE}\s*[)\]]\s*[.,;]?\s*\Z")
_NUMBER = re.compile(r"[(\[]\d+(?:\.\d+)*[a-z]?[)\]]\s*[.,;]?")  # of an equation
_WORDS = re.compile(
    r"(?!(?:if|else|for|otherwise|when|and|where|with)\b)(?=.*[A-Za-z]{4})[A-Za-z][A-Za-z ,'-]*[.:!]?", re.IGNORECASE
)
_LONGEST = 5_000  # characters of a line that is taken apart


def columns(line: str) -> list[str]:
    """The equations that stand side by side in a plain line, without notes of sizes and remarks.

    >>> columns("z = W x + b      a = g(z)")
    ['z = W x + b', 'a = g(z)']
    >>> columns("dW = dz x.T      (n × m) = (n × 1)(1 × m)")
    ['dW = dz x.T']
    """
    return [part for part in (x.strip() for x in divided(line).split("\n")) if part]


def divided(text: str) -> str:
    """The text, as long as it was, with a line break for a gap between equations, and blanks for notes and remarks."""
    if "  " not in text and not _ODD.search(text):
        return text
    return "\n".join(_line(x) if len(x) <= _LONGEST else x for x in text.split("\n"))


_ODD = re.compile(r"[\t\u2002\u2003×#%]|//|--")


def _line(line: str) -> str:
    remark = _REMARK.search(line)
    if remark is not None and line[: remark.start()].strip():
        line = line[: remark.start()] + " " * (len(line) - remark.start())
    kept = ""
    begin = 0  # where the part that is looked at begins
    gaps = [m for m in _GAP.finditer(line) if m.start() and m.end() < len(line)]
    depths = _depths(line) if gaps else []
    for n, gap in enumerate([*gaps, None]):
        end = len(line) if gap is None else gap.start()
        if gap is not None and depths[gap.start()]:
            continue
        part = line[begin:end]
        before = gaps[n - 1] if n else None
        wide = before is not None and (len(before[0]) > 2 or not before[0].isspace() or "\t" in before[0])
        if before is not None and _complete(kept) and _is_note(part.strip(), wide=wide):
            kept += " " * len(part)
        elif before is not None and _complete(kept) and _begins(part, wide=wide):
            kept = kept[: len(kept) - len(before[0])] + "\n" + " " * (len(before[0]) - 1) + part
        else:
            kept += part
        if gap is not None:
            kept += gap[0] if gap[0].isspace() else " " * len(gap[0])
            begin = gap.end()
    if "×" in kept and (last := _LAST.search(kept)) is not None and _RELATION.search(kept[: last.start()]):
        kept = kept[: last.start()] + " " * (len(kept) - last.start())
    return kept


def _depths(line: str) -> list[int]:
    """How many brackets are open at every character."""
    found, depth = [], 0
    for c in line:
        depth = max(0, depth + (c in "([{") - (c in ")]}"))
        found.append(depth)
    return found


def _complete(before: str) -> bool:
    """Whether what stands before a gap is an equation that may end there."""
    last = before.rsplit("\n", 1)[-1].strip()
    return bool(last and _RELATION.search(last)) and last[-1] not in "+-−–*/·⋅×∘⊙@⊗^|=<>≈←→"


def _is_note(part: str, *, wide: bool) -> bool:
    """Whether a part only notes sizes, numbers an equation or names it in words."""
    return bool(_SHAPES.fullmatch(part)) or (wide and bool(_NUMBER.fullmatch(part) or _WORDS.fullmatch(part)))


def _begins(part: str, *, wide: bool) -> bool:
    """Whether a new equation begins: a left side and a relation, the left side one quantity where the gap is narrow."""
    part = part.strip()
    relation = _RELATION.search(part)
    if relation is None or not part or part[0] in _OPERATOR:
        return False
    left = part[: relation.start()].strip()
    if not left or left.count("(") != left.count(")") or left.count("[") != left.count("]"):
        return False
    return wide or not re.search(r"\s|[ᵀ@*+]|\.T", left)
