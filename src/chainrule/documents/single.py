"""One formula by itself: judged as it is, and where that tells nothing, as a document of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..errors import ChainruleError, ConfigurationError, FormulaError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.letters import Letters
from ..notation.read import Syntax, read
from .found import Found
from .header import Header, Notation
from .measures import known
from .report import DocumentReport, Entry, shortened

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
    if found.verdict == "wrong" and found.one_sample and not declared:
        of_rows = judged(text, network, loss, syntax=syntax, samples="batch", rows=True, mend=False)
        if of_rows.verdict in ("right", "right if"):
            condition = " and ".join(x for x in ("samples are rows", of_rows.condition) if x)
            return replace(of_rows, verdict="right if", condition=condition)
    if _is_understood(found) or declared or syntax != "auto" or not mend or len(text) > LONGEST:
        return found
    return _as_document(text, network, loss, seconds) or found


def judge_formulas(
    formulas: Sequence[str],
    *,
    header: Header | None = None,
    overrides: dict[str, object] | None = None,
    seconds: float = 1.0,
) -> DocumentReport:
    """Judge formulas that were given by themselves, under the header's first keys; what cannot be read is an error.

    They are judged one after the other, so that a definition holds for those behind it; where that tells nothing and
    nothing but network and loss is declared, each is a document of one line, as in `check_formula`.
    """
    from .judged import judge_found, read_found

    stretch = (header or Header()).top().overridden(overrides or {})
    notation = stretch.readings[0][1]
    found = [Found(i, f, f, "latex" if "\\" in f else "text") for i, f in enumerate(formulas, 1)]
    for each in found:
        try:
            read_found(each, notation)
        except ChainruleError as error:
            raise FormulaError(f"{shortened(each.text, 60)!r} cannot be read: {error}") from None
    entries = judge_found(found, [stretch], seconds=seconds)
    for entry in entries:
        if entry.status == "no statement":
            raise ConfigurationError(
                f"{shortened(entry.found.text, 60)!r} states nothing ({entry.why}): "
                "give an equation: dW[2] = 1/m * dZ[2] @ A[1].T"
            )
    network, loss = (None if x == "any" else x for x in (notation.network, notation.loss))
    if stretch.readings == (("", Notation(network=notation.network, loss=notation.loss)),):
        entries = [_told_alone(entry, network, loss, seconds) for entry in entries]
    return DocumentReport("formula", tuple(entries))


def _told_alone(entry: Entry, network: str | None, loss: str | None, seconds: float) -> Entry:
    judgement, text = entry.judgement, entry.found.text
    if judgement is None or _is_understood(judgement) or network == NO_NETWORK or len(text) > LONGEST:
        return entry
    other = _as_document(text, network, loss, seconds)
    return entry if other is None else replace(entry, judgement=other, mended=None)


def _is_understood(found: Judgement) -> bool:
    return found.verdict in ("right", "right if") or (found.verdict == "wrong" and found.cause not in _UNTOLD)


def _as_document(text: str, network: str | None, loss: str | None, seconds: float) -> Judgement | None:
    """The judgement of a document of this one line, if it is judged whole and tells something."""
    found = _read_as_document(text, network, loss, None)
    if found is not None and found.verdict == "wrong" and (network is not None or _is_of_measures(text)):
        # What one line leaves open may excuse it, so only where the network is known. A mistake was looked for once
        # already: this time with half the work.
        found = _read_as_document(text, network, loss, seconds / 2)
        if found is not None and (found.cause in _UNTOLD or found.one_sample):
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


def _is_of_measures(text: str) -> bool:
    """Whether a formula is about measures of a classifier, which need no network."""
    try:
        return known(read(text)[0].equation)
    except ChainruleError:
        return False


def _squeezed(text: str) -> str:
    return "".join(text.split())
