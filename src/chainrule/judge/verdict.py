"""What the judge says of a formula, and how that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..notation.formula import Formula
from ..notation.letters import Letters

NO_NETWORK = "none"
Verdict = Literal["right", "right if", "wrong", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """One mistake: what it is, where it stands, and what belongs there.

    cause       the name of the mistake, such as "wrong-layer-index"; "not named" where no known mistake explains it
    place       the part of the formula that is wrong, as text
    found       what stands there, `wanted` what should stand there
    correction  the whole mended formula (all findings of one mending together); empty where none is known
    words       the mistake in one sentence
    """

    cause: str
    place: str
    found: str = ""
    wanted: str = ""
    correction: str = ""
    words: str = ""

    def to_json(self) -> dict[str, str]:
        """The fields by name."""
        return {
            "cause": self.cause,
            "place": self.place,
            "found": self.found,
            "wanted": self.wanted,
            "correction": self.correction,
            "words": self.words,
        }


@dataclass(frozen=True)
class Judgement:
    """The judgement of one formula.

    text       the formula as it was given
    verdict    "right", "right if" (see `condition`), "wrong" (see `causes`) or "cannot tell" (see `note`)
    condition  under what it is right, in words
    causes     the mistakes of the smallest mending, in the order of the formula
    others     other mendings that are equally small: which of them was meant cannot be known
    note       why it equals our formula in other clothes, what is ambiguous, what was assumed
    reading    how the formula was read, as one line of text
    one_sample  what is said is true of one sample alone (m = 1), though nothing says that there is but one
    """

    text: str
    verdict: Verdict
    condition: str = ""
    causes: tuple[Finding, ...] = ()
    others: tuple[tuple[Finding, ...], ...] = ()
    note: str = ""
    reading: str = ""
    one_sample: bool = False

    @property
    def cause(self) -> str:
        """The main cause of a wrong formula; empty otherwise."""
        return self.causes[0].cause if self.causes else ""

    @property
    def correction(self) -> str:
        """The mended formula; empty where none is known."""
        return self.causes[0].correction if self.causes else ""

    def to_json(self) -> dict[str, Any]:
        """The judgement as plain JSON."""
        return {
            "text": self.text,
            "verdict": self.verdict,
            "condition": self.condition,
            "causes": [c.to_json() for c in self.causes],
            "others": [[c.to_json() for c in other] for other in self.others],
            "note": self.note,
            "reading": self.reading,
            "one_sample": self.one_sample,
        }

    def __str__(self) -> str:
        head = self.text.strip()
        if self.verdict == "right if":
            head += f"\n  right if {self.condition}"
        elif self.verdict == "wrong":
            head += f"\n  wrong: {'; '.join(dict.fromkeys(c.cause for c in self.causes))}"
            lines = [c.words for c in self.causes if c.words]
            if self.correction:
                lines.append(f"should read {self.correction}")
            lines += [f"or {other[0].cause}: {other[0].correction}" for other in self.others[:4] if other]
            if len(self.others) > 4:
                lines.append(f"or {len(self.others) - 4} more mendings of the same size")
            head += "".join(f"\n    {line}" for line in lines)
        else:
            head += f"\n  {self.verdict}"
        return head + (f"\n    {self.note}" if self.note else "")


@dataclass(frozen=True)
class Declared:
    """One declared meaning of a document: which letters stand for what, and which conventions hold.

    name         how the reading is called where several are declared
    network      a network string, or None: judged on several networks; `loss` likewise. "none": the formula is about no
                 network, and every letter is any number, vector or function
    samples      "batch" (m columns), "one" (all formulas are about one sample), None: not declared
    place        of 1/m: "parameters", "dZ", None: not declared
    rows         samples are rows of X; None: not declared
    layout       of a derivative by a column: "denominator" (a column) or "numerator" (a row); None: not declared
    definitions  formulas that hold in the document: `w` is a column, `a = sig(z)`
    free         letters that are any numbers
    any_widths   the widths of `network` are not said in the document: other ones are meant as well
    output       the activation of the last layer where no network is declared but a remark names it; empty: any
    meant        letters with what they usually are, where nobody declared them
    refused      words of conditions that the document rules out: what holds under them alone is no excuse
    conventions  other fields of `Convention` that the document declares, such as {"transposed_weights": True}
    """

    name: str = ""
    network: str | None = None
    loss: str | None = None
    letters: Letters = field(default_factory=Letters, hash=False)
    samples: Literal["batch", "one"] | None = None
    place: Literal["parameters", "dZ"] | None = None
    rows: bool | None = None
    layout: Literal["numerator", "denominator"] | None = None
    definitions: Mapping[str, str] | Sequence[str] = field(default=(), hash=False)
    free: tuple[str, ...] = ()
    any_widths: bool = False
    output: str = ""
    meant: tuple[tuple[str, Formula], ...] = field(default=(), hash=False)
    refused: tuple[str, ...] = ()
    conventions: Mapping[str, Any] = field(default_factory=dict, hash=False)


def noted(*notes: str) -> str:
    """Notes in one line, those that are empty left out."""
    return "; ".join(n for n in notes if n)
