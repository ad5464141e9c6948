"""Claims like those of the ledger: variants of its formulas and of the others of the five sources, with one mistake or
with none, and single formulas for declared networks.

Every line of tests/documents/claims.jsonl is a claim:

    source, line      where it would stand in a source: it is judged under the header of that document there
    text, options     or a single formula, and what is declared for `check_formula`
    formulas, syntax  of a claim with a source: all of them are judged, the worst verdict counts
    verdict           right, right if, wrong
    cause             of a wrong one: the names that fit, divided by `|`
    loose             right may come with a condition too (a reading that the header declares)
    open              the judge is known to miss it

The verdicts were found without this library: those of variants, of networks in numbers and of random formulas by NumPy
and complex step, the others by hand. It is a floor against regressions and no score: claims that the judge met were
taken, the fastest first, and few of those that it misses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from test_ledger import LEDGER, SHARED, Claim, Outcome, in_ascii, stretches

from chainrule import check_formula
from chainrule.documents.found import Found
from chainrule.documents.judged import judge_found

CLAIMS = [
    json.loads(line)
    for line in (Path(__file__).parent / "documents" / "claims.jsonl").read_text("utf-8").splitlines()
    if line.strip()
]
SECONDS = 0.2


@dataclass(frozen=True)
class Said:
    """A claim and what the judge says of it."""

    claim: dict[str, Any]
    verdict: str
    causes: frozenset[str]

    @property
    def met(self) -> bool:
        wanted = self.claim["verdict"]
        return self.verdict == wanted or (wanted == "right" and self.verdict == "right if" and self.claim["loose"])

    @property
    def named(self) -> bool:
        return bool(self.causes & set(self.claim["cause"].split("|")))

    def __str__(self) -> str:
        claim = self.claim
        where = f"{claim['source']}:{claim['line']}" if "source" in claim else str(claim["options"])
        what = claim.get("text") or " ; ".join(claim["formulas"])
        cause = f" [{claim['cause']}]" if claim["cause"] else ""
        return f"{where}: {what}\n    expected {claim['verdict']}{cause}, found {self.verdict} {sorted(self.causes)}"


def single(claim: dict[str, Any]) -> Said:
    judged = check_formula(claim["text"], seconds=SECONDS, **claim["options"])
    named = {c.cause for c in judged.causes} | {c.cause for other in judged.others for c in other}
    return Said(claim, judged.verdict, frozenset(named))


def under_its_header(claim: dict[str, Any]) -> Said:
    (source,) = (SHARED / "sources").glob(f"{claim['source']}_*.txt")
    stretch = [s for s in stretches(source.name) if s.start <= claim["line"]][-1]
    if claim["syntax"] == "text":
        stretch = in_ascii(stretch)
    found = tuple(Found(claim["line"], f, f, claim["syntax"]) for f in claim["formulas"])
    about = Claim("", "", "", claim["verdict"], claim["cause"], found, stretch)
    outcome = Outcome(about, tuple(judge_found(list(found), [stretch], seconds=SECONDS)))
    return Said(claim, outcome.verdict, frozenset(outcome.causes))


@cache
def said_of(kind: str) -> tuple[Said, ...]:
    """The claims with a source or a text, judged once."""
    judge = under_its_header if kind == "source" else single
    return tuple(judge(claim) for claim in CLAIMS if kind in claim)


class Holdout:
    """What must hold of the claims of one kind."""

    kind: ClassVar[str]

    @property
    def said(self) -> tuple[Said, ...]:
        return said_of(self.kind)

    @property
    def closed(self) -> list[Said]:
        return [s for s in self.said if not s.claim.get("open")]

    def test_no_right_formula_is_called_wrong(self) -> None:
        assert not [str(s) for s in self.closed if s.claim["verdict"] != "wrong" and s.verdict == "wrong"]

    def test_no_wrong_formula_is_called_right(self) -> None:
        wrong = [s for s in self.closed if s.claim["verdict"] == "wrong"]
        assert not [str(s) for s in wrong if s.verdict in ("right", "right if")]

    def test_verdicts(self) -> None:
        missed = [str(s) for s in self.closed if not s.met]
        assert len(missed) <= 0.01 * len(self.closed), "\n".join(missed)

    def test_causes_of_the_wrong_ones(self) -> None:
        wrong = [s for s in self.closed if s.claim["verdict"] == "wrong"]
        missed = [str(s) for s in wrong if not s.named]
        assert len(missed) <= 0.05 * len(wrong), "\n".join(missed)

    def test_open_ones_are_few(self) -> None:
        assert len(self.said) - len(self.closed) <= 0.06 * len(self.said)


@pytest.mark.skipif(not LEDGER.exists(), reason="../shared/acceptance/ledger.jsonl is absent")
class TestUnderTheHeadersOfTheSources(Holdout):
    kind = "source"


class TestSingleFormulas(Holdout):
    kind = "text"
