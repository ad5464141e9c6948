"""Documents whose formulas carry the verdict that is expected, and what the judge says of them.

Every formula in tests/documents has its expected verdict in a comment at the end of its line, which is taken away
before the judge sees the document:

    % right                    it holds
    % right if                 it holds under a condition
    % wrong: sign|factor-2     it is wrong, and one of these causes is to be named (first, or as equally small)
    % defined                  it defines a letter
    % open right               as above, but the judge is known to miss it

Several formulas in a line are separated by semicolons. The verdicts were found without this library: by NumPy, complex
step and the definition of each quantity. The documents are divided over several test files by `share`, so that none
takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from chainrule.documents.judged import judge_document
from chainrule.documents.report import Entry

DOCUMENTS = sorted(p for p in (Path(__file__).parent / "documents").iterdir() if p.suffix in (".md", ".tex", ".txt"))
SHARES = 6
ONE = r"(?:open )?(?:right if|right|wrong: [a-zA-Z0-9/|\- ]+?|defined)"
MARK = re.compile(rf"[ \t]*(?:%|#|<!--)\s*({ONE}(?:; {ONE})*)\s*(?:-->)?\s*$")


@dataclass(frozen=True)
class Case:
    """One formula with what is expected and what was found; `found` is None where nothing was found in its line."""

    document: str
    line: int
    expected: str
    found: Entry | None

    @property
    def open(self) -> bool:
        return self.expected.startswith("open ")

    @property
    def wanted(self) -> str:
        return self.expected.removeprefix("open ").split(":")[0]

    @property
    def verdict(self) -> str:
        if self.found is None:
            return "not found"
        return {"definition": "defined", "no statement": "passed over"}.get(self.found.verdict, self.found.verdict)

    @property
    def cause_named(self) -> bool:
        judgement = None if self.found is None else self.found.judgement
        if judgement is None or judgement.verdict != "wrong":
            return False
        named = {c.cause for c in judgement.causes[:1]} | {o[0].cause for o in judgement.others if o}
        return bool(named & {c.strip() for c in self.expected.split(":")[1].split("|")})

    def __str__(self) -> str:
        formula = "" if self.found is None else self.found.found.formula
        return f"{self.document}:{self.line}: expected {self.expected}, found {self.verdict}: {formula}"


def unmarked(text: str) -> tuple[str, dict[int, list[str]]]:
    """A document without its marks, and the marks by line."""
    lines, marks = [], {}
    for number, line in enumerate(text.split("\n"), 1):
        match = MARK.search(line)
        if match:
            marks[number] = match[1].split("; ")
            line = line[: match.start()]
        lines.append(line)
    return "\n".join(lines), marks


def judged(path: Path) -> Iterator[Case]:
    """The formulas of a document as the judge finds them."""
    text, marks = unmarked(path.read_text(encoding="utf-8"))
    entries: dict[int, list[Entry]] = {}
    for entry in judge_document(text, path.name, seconds=0.1).entries:
        entries.setdefault(entry.found.line, []).append(entry)
    for line, expected in marks.items():
        found = entries.pop(line, [])
        if len(found) > len(expected):
            found = [e for e in found if e.status != "no statement"]
        for i, each in enumerate(expected):
            yield Case(path.name, line, each, found[i] if i < len(found) else None)
        assert len(found) <= len(expected), f"{path.name}:{line} holds {len(found)} formulas"
    rest = [e for each in entries.values() for e in each if e.judgement is not None]
    assert not rest, f"{path.name}: formulas without an expected verdict: {[e.found.formula for e in rest]}"


@cache
def cases_of(share: int) -> tuple[Case, ...]:
    """The formulas of every SHARES-th document, judged once."""
    return tuple(case for path in DOCUMENTS[share::SHARES] for case in judged(path))


class Marked:
    """What must hold of each share of the documents; a test class says which share is its own."""

    share: ClassVar[int]

    @property
    def cases(self) -> tuple[Case, ...]:
        return cases_of(self.share)

    def test_no_right_formula_is_called_wrong(self) -> None:
        closed = [c for c in self.cases if c.wanted in ("right", "right if") and not c.open]
        assert not [str(c) for c in closed if c.verdict == "wrong"]

    def test_no_wrong_formula_is_called_right(self) -> None:
        called = ("right", "right if", "defined")
        closed = [c for c in self.cases if c.wanted == "wrong" and not c.open]
        assert not [str(c) for c in closed if c.verdict in called]

    def test_verdicts(self) -> None:
        missed = [str(c) for c in self.cases if c.verdict != c.wanted]
        assert len(missed) <= 0.015 * len(self.cases), "\n".join(missed)

    def test_causes_of_the_wrong_ones(self) -> None:
        wrong = [c for c in self.cases if c.wanted == "wrong"]
        missed = [str(c) for c in wrong if not c.cause_named]
        assert len(missed) <= 0.04 * len(wrong), "\n".join(missed)

    def test_open_ones_are_few(self) -> None:
        assert sum(c.open for c in self.cases) <= 0.01 * len(self.cases)
