"""One formula by itself: judged as it is, and where that tells nothing, as a document of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..judge.verdict import Declared, Judgement
from ..notation.letters import Letters
from ..notation.read import Syntax

LONGEST = 1_000  # characters of a line that people write
_UNTOLD = ("", "not named", "shape")  # causes that may mean that it was not understood


def check_formula(
    text: str,
    network: str | None = None,
    loss: str | None = None,
    *,
    letters: Letters | None = None,
    syntax: Syntax = "auto",
    place: Literal["parameters", "dZ"] | None = None,
    samples: Literal["batch", "one"] | None = None,
    rows: bool | None = None,
    layout: Literal["numerator", "denominator"] | None = None,
    definitions: Mapping[str, str] | Sequence[str] = (),
    readings: Sequence[Declared] = (),
    seconds: float = 1.0,
    mend: bool = True,
) -> Judgement:
    """Judge one formula.

    text         NumPy-like text (`dW[2] = 1/m * dZ[2] @ A[1].T`) or LaTeX
    network      a network string: its activations (widths are replaced by distinct and by equal ones), or None: the
                 formula is tried on several networks; `loss` likewise
    letters      which letters the text uses
    syntax       "auto", "text" or "latex"
    place        where 1/m stands: in the parameters' derivatives or in dZ; None: both are tried
    samples      "batch" or "one"; None: what the letters say
    rows         samples are rows (Z = A W + b); None: both are tried
    layout       "numerator" or "denominator" layout of derivatives; None: both are tried
    definitions  letters of the text's own: ["q = W[2] @ a[1]"]
    readings     several complete meanings, each judged
    seconds      how long the mistake of a wrong formula is looked for, on a usual machine; it is counted in work
    mend         whether the mistake of a wrong formula is looked for

    What holds in every world is right; what holds under another reading or convention alone is right if that is meant;
    what the smallest known mistake explains is wrong, and named. Where that tells nothing, or finds a formula wrong
    without knowing why, and nothing but network and loss was declared, the formula is read as a document of one line,
    which knows δ, measures and what code calls things. Raises `ConfigurationError` for a network, a loss or an option
    that does not exist.

    >>> check_formula("dW[2] = 1/m * dZ[2] @ A[1].T", "3-4:tanh-2:softmax", "cross_entropy").verdict
    'right'
    """
    from ..judge.judge import check_formula as judged

    found = judged(
        text,
        network,
        loss,
        letters=letters,
        syntax=syntax,
        place=place,
        samples=samples,
        rows=rows,
        layout=layout,
        definitions=definitions,
        readings=readings,
        seconds=seconds,
        mend=mend,
    )
    declared = letters or place or samples or rows is not None or layout or definitions or readings
    understood = found.verdict in ("right", "right if") or (found.verdict == "wrong" and found.cause not in _UNTOLD)
    if understood or declared or syntax != "auto" or not mend or len(text) > LONGEST:
        return found
    return _as_document(text, network, loss, seconds) or found


def _as_document(text: str, network: str | None, loss: str | None, seconds: float) -> Judgement | None:
    """The judgement of a document of this one line, if it is judged whole and tells something."""
    found = _read_as_document(text, network, loss, None)
    if found is not None and found.verdict == "wrong" and network is not None:
        # What one line leaves open may excuse it, so only where the network is known. A mistake was looked for once
        # already: this time with half the work.
        found = _read_as_document(text, network, loss, seconds / 2)
        if found is not None and (found.cause in _UNTOLD or "one sample" in found.note):
            return None
        return found
    return found if found is not None and found.verdict in ("right", "right if") else None


def _read_as_document(text: str, network: str | None, loss: str | None, seconds: float | None) -> Judgement | None:
    """The judgement of the one formula that the line is; without `seconds` no mistake is looked for."""
    from .judged import judge_document, verdict_only

    told = {key: value for key, value in (("network", network), ("loss", loss)) if value is not None}
    latex = "\\" in text
    report = judge_document(
        f"${text}$" if latex else text,
        "formula",
        kind="markdown" if latex else "text",
        overrides=dict(told),
        seconds=seconds or 0.0,
        judge=verdict_only if seconds is None else None,
    )
    entries = [e for e in report.entries if e.judgement is not None]
    if len(entries) != 1 or len(report.entries) != 1 or _squeezed(entries[0].found.text) != _squeezed(text):
        return None  # a formula is never judged by a part of it
    judgement = entries[0].judgement
    assert judgement is not None
    notes = [judgement.note] if judgement.note else []
    notes += [w.removeprefix("line 1: ") for w in report.warnings]
    return replace(judgement, text=text, note="; ".join(notes))


def _squeezed(text: str) -> str:
    return "".join(text.split())
