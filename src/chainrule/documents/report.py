"""What was found in a document: every formula with its verdict, the counts, and the words for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..judge.verdict import Finding, Judgement
from .found import Found

Status = Literal["judged", "definition", "no statement"]
VERDICTS = ("right", "right if", "wrong", "cannot tell")
WORDS = {"right": "right", "right if": "right under a condition", "wrong": "wrong", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class Entry:
    """One formula of a document.

    status     "judged"; "definition" (of a letter of the document, taken up for what follows); "no statement"
    judgement  what the judge says; None where there is nothing to judge
    why        why nothing was judged, in a few words
    shown      the formula for people: LaTeX as it was read, in one line of Unicode; else as it stands
    mended     the judgement with its mendings in the letters of the document, where they can be put back
    readings   the names of the declared readings under which it was judged
    typeset    formulas of `mended` in LaTeX, where the document is written in it: as shown -> LaTeX
    """

    found: Found
    status: Status
    judgement: Judgement | None = None
    why: str = ""
    shown: str = ""
    mended: Judgement | None = None
    readings: tuple[str, ...] = ()
    typeset: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The verdict, or the status where nothing was judged."""
        return self.judgement.verdict if self.judgement is not None else self.status

    def to_json(self) -> dict[str, Any]:
        """Line, text, what was read, and the judgement."""
        found = self.found
        head = {"line": found.line, "text": found.text, "formula": found.formula, "syntax": found.syntax}
        judged = {} if self.judgement is None else {k: v for k, v in self.judgement.to_json().items() if k != "text"}
        mended = self.mended.correction if self.mended is not None else ""
        own = {"mended": mended, "mended_latex": self.typeset.get(mended, ""), "shown": self.line}
        own["reason"] = reason(self)
        return {**head, **own, "status": self.status, "verdict": None, "why": self.why, **judged}

    @property
    def line(self) -> str:
        """The formula in one line, for people."""
        return " ".join((self.shown or self.found.text).split())


@dataclass(frozen=True)
class DocumentReport:
    """The formulas of one document in order; warnings about the document itself, each one sentence."""

    name: str
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[Entry, ...]:
        """The formulas with a verdict."""
        return tuple(e for e in self.entries if e.judgement is not None)

    @property
    def wrong(self) -> tuple[Entry, ...]:
        """The formulas that are wrong."""
        return tuple(e for e in self.entries if e.verdict == "wrong")

    def to_json(self, *, everything: bool = False) -> dict[str, Any]:
        """Name, counts and formulas; `everything`: also what states nothing."""
        shown = [e for e in self.entries if everything or e.status != "no statement"]
        return {
            "name": self.name,
            "counts": counts([self]),
            "warnings": list(self.warnings),
            "formulas": [e.to_json() for e in shown],
        }


def counts(reports: Iterable[DocumentReport]) -> dict[str, int]:
    """How many formulas were judged, how many have each verdict, how many are definitions."""
    entries = [e for r in reports for e in r.entries]
    verdicts = Counter(str(e.judgement.verdict) for e in entries if e.judgement is not None)
    return {
        "formulas": verdicts.total(),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        "definitions": sum(e.status == "definition" for e in entries),
    }


def summary(reports: Sequence[DocumentReport]) -> str:
    """`31 formulas: 24 right, 4 right under a condition, 2 wrong, 1 cannot tell`."""
    n = counts(reports)
    text = f"{n['formulas']} formula{'s' * (n['formulas'] != 1)}"
    parts = [f"{n[v]} {WORDS[v]}" for v in VERDICTS if n[v]]
    text += f": {', '.join(parts)}" if parts else ""
    if n["definitions"]:
        text += f"; {n['definitions']} definition{'s' * (n['definitions'] != 1)} taken up"
    return text


def as_json(reports: Sequence[DocumentReport], *, everything: bool = False) -> dict[str, Any]:
    """All documents and their counts together, as plain JSON."""
    return {"counts": counts(reports), "documents": [r.to_json(everything=everything) for r in reports]}


def as_text(reports: Sequence[DocumentReport], *, everything: bool = False) -> str:
    """Plain text: a line for every formula, the mistakes below it, the counts at the end."""
    lines: list[str] = []
    for report in reports:
        lines += [f"{report.name}: warning: {x}" for x in report.warnings]
        for entry in report.entries:
            if everything or entry.status != "no statement":
                why = reason(entry)
                lines.append(f"{report.name}:{entry.found.line}: {entry.verdict}: {shortened(entry.line, 1000)}")
                lines += [f"    {why}"] if why and entry.verdict != "wrong" else []
                lines += [f"    {x}" for x in details(entry)]
    return "\n".join([*lines, summary(reports)]) + "\n"


def reason(entry: Entry, width: int = 0) -> str:
    """Beside the verdict: the condition, the causes in short, or why it cannot be told; one line.

    width  of the column; where more is known of a cause than fits into two rows of it, what the cause means is said
    """
    judgement = entry.judgement
    if judgement is None:
        return entry.why
    if judgement.verdict == "right if":
        return judgement.condition
    if judgement.verdict == "wrong":
        causes = (entry.mended or judgement).causes
        return "; ".join(dict.fromkeys(_in_short(c, width) for c in causes)) or "the mistake is not named"
    return note(entry)


_MEANT = {  # what a name of a mistake means, where the mistake itself takes more room than there is
    "activation-derivative-at-wrong-place": "g' is taken of something else than its argument",
    "derivative-used-for-function": "g' stands where g belongs",
    "doubled-1/m": "1/m is there twice",
    "factor-2": "a factor 2 too much or too little",
    "function-used-for-derivative": "g stands where g' belongs",
    "gradient-used-for-weight": "a gradient and its weight are exchanged",
    "missing-1/m": "1/m is missing",
    "missing-activation-derivative": "the factor g' is missing",
    "missing-parentheses": "parentheses are missing",
    "missing-square": "a square is missing",
    "missing-sum": "a sum is missing",
    "missing-transpose": "a transpose is missing",
    "not named": "no known mistake explains it",
    "operands-swapped": "two operands are exchanged",
    "outer-product-order": "the factors of the outer product are exchanged",
    "product-vs-sum": "a sum and a product are exchanged",
    "shape": "the shapes do not fit",
    "sign": "a sign is turned round",
    "sum-axis": "summed along the wrong direction",
    "superfluous-sum": "one sum too many",
    "undefined-symbol": "a letter stands for nothing",
    "wrong-index": "an index is another letter's",
    "wrong-layer-index": "the number of a layer is wrong",
    "wrong-operand": "another quantity belongs here",
    "wrong-product": "the wrong one of the two products",
}


def _in_short(cause: Finding, width: int = 0) -> str:
    """The name of a mistake and what is to be done, in a short phrase."""
    words = _phrase(cause)
    if not words or len(f"{cause.cause}: {words}") > (2 * width or _LONGEST):
        words = _MEANT.get(cause.cause, "")
    return f"{cause.cause}: {words}" if words and words != cause.cause else cause.cause


_LONGEST = 90  # characters of a mistake beside a verdict


def _phrase(cause: Finding) -> str:
    """What is to be done about a mistake: `W_2 should be transposed: W_2ᵀ`."""
    if cause.cause == "missing-transpose" and cause.found and cause.wanted in (f"{cause.found}ᵀ", f"{cause.found}.T"):
        return f"{cause.found} should be transposed: {cause.wanted}"
    words = cause.words.removeprefix(f"{cause.cause}: ")
    if words and words != cause.cause:
        return words
    return f"{cause.found} should be {cause.wanted}" if cause.found and cause.wanted else ""


def brief(entry: Entry, width: int) -> str:
    """The reason for a narrow column: why a right formula is ours in other clothes only if that fits in one line."""
    text = reason(entry, width)
    if entry.verdict == "cannot tell":
        return "" if len(text) > width else text
    return "" if entry.verdict == "right" and len(text) > width else text


def note(entry: Entry) -> str:
    """The judge's note without the list of what each declared reading gives, which the verdict sums up."""
    judgement = entry.mended or entry.judgement
    if judgement is None:
        return ""
    text = judgement.note
    for name in entry.readings:
        text = re.sub(rf"(?:^|; ){re.escape(name or 'as it stands')}: {_OUTCOME}", "", text)
    return text.removeprefix("; ")


_OUTCOME = r"(?:right if [^;]*|right|wrong(?: \([^;)]*\))?|cannot tell)(?=;|$)"


def details(entry: Entry) -> list[str]:
    """Below a wrong formula: each mistake with what stands there and what should, and the mended formula."""
    judgement = entry.mended or entry.judgement
    if judgement is None or judgement.verdict != "wrong":
        return []
    lines: list[str] = []
    alone = len(judgement.causes) == 1 and len(entry.line) <= _ONE_LINE  # then the mended formula shows the place
    for cause in judgement.causes:
        words = _phrase(cause) or cause.cause
        lines.append(f"{words}" if cause.cause in words or not cause.cause else f"{cause.cause}: {words}")
        if _is_shown(cause, words) and not (alone and judgement.correction and _quotes(words, cause.found)):
            lines.append(f"  stands there: {cause.found or 'nothing'}")
            lines.append(f"  should stand there: {cause.wanted or 'nothing'}")
        elif cause.place and not (cause.found or cause.wanted):
            lines.append(f"  place: {cause.place}")
    if judgement.correction:
        lines.append(f"mended: {judgement.correction}")
    for other in judgement.others[:3]:
        if other:
            lines.append(f"or ({other[0].cause}): {other[0].correction}")
    if len(judgement.others) > 3:
        lines.append(f"or {len(judgement.others) - 3} more mendings of the same size")
    said = note(entry)
    return [*lines, said if said.startswith("mended for") else f"assumed: {said}"] if said else lines


_ONE_LINE = 60


def _quotes(words: str, formula: str) -> bool:
    """Whether a sentence names a letter of a formula: `the sign before b should be +`."""
    letters = set(re.findall(r"[^\W\d_]\w*", formula)) - {"a", "A", "I"}
    return not letters.isdisjoint(re.findall(r"[^\W\d_]\w*", words))


def _is_shown(cause: Finding, words: str) -> bool:
    """Whether what stands there and what should is to be shown, for the sentence does not say it."""
    told = cause.found and cause.wanted and cause.found in words and cause.wanted in words
    return bool(cause.found or cause.wanted) and not told


def shortened(text: str, width: int = 60) -> str:
    """A formula on one line of at most `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
