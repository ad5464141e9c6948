"""A whole document judged: every formula under the notation declared at its place, definitions taken up on the way."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ChainruleError, ConfigurationError, DataError, FormulaError
from ..judge.verdict import Declared, Judgement
from ..notation.canonical import renamed
from ..notation.formula import Equation
from ..notation.read import Syntax, names_of
from .assumed import assume
from .code import fault_of
from .doubted import doubted, unsettled
from .extraction import extracted, take_headers
from .found import Found
from .guessed import guess, is_open
from .header import Header, Notation, Stretch, read_header
from .headings import headings
from .inferred import in_batches, infer
from .losses import of_several_losses
from .notebook import notebook
from .own import as_read
from .penalized import penalize
from .report import DocumentReport, Entry, shortened
from .retold import retold
from .section import Judge, Known, Reader, Section, Told
from .settled import settled
from .stated import nothing_stated
from .unwritten import under_any_loss

__all__ = [
    "LARGEST",
    "InternalWarning",
    "decoded",
    "judge_document",
    "judge_found",
    "kind_of",
    "nothing_stated",
    "read_found",
]

LARGEST = 5_000_000
LONGEST_SHOWN = 2_000  # characters of a formula that is written in Unicode
KINDS = {
    ".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".ltx": "latex", ".latex": "latex", ".py": "python",
    ".m": "matlab",    ".ipynb": "notebook",
}  # fmt: skip


class InternalWarning(RuntimeWarning):
    """A formula was not judged because of a mistake in this library; in its tests warnings are errors."""


Progress = Callable[[int, int], None]


def decoded(data: bytes, name: str) -> str:
    """The text of a document.

    Raises `DataError` for one that is empty, larger than 5 MB, binary, or not UTF-8.
    """
    if len(data) > LARGEST:
        raise DataError(f"{name} has more than {LARGEST / 1e6:.0f} MB, which is the most that is judged: divide it")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name} is text in UTF-16: save it as UTF-8")
    if b"\0" in data or data.startswith(b"%PDF"):
        raise DataError(f"{name} is no text but a binary file: give Markdown, LaTeX or plain text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line}: byte {data[error.start]:#04x} is no UTF-8; save the file as UTF-8"
        ) from None
    if not text.strip():
        raise DataError(f"{name} is empty: there is nothing to judge")
    return text


def kind_of(name: str) -> str:
    """How a file of this name is taken apart: "markdown", "latex", "python", "matlab", "notebook" or "text"."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return KINDS.get(suffix, "text")


def judge_document(
    text: str,
    name: str = "document",
    *,
    kind: str | None = None,
    header: Header | None = None,
    overrides: dict[str, object] | None = None,
    seconds: float = 1.0,
    progress: Progress | None = None,
    read: Reader | None = None,
    judge: Judge | None = None,
) -> DocumentReport:
    """Judge all formulas of a document.

    header     notation in place of the one that the document itself declares
    overrides  keys of the notation that hold everywhere, whatever is declared
    seconds    for the search for the mistake of one formula
    progress   called with (formulas done, all formulas)
    read       reads a formula, `judge` judges it; those of this library by default

    Raises `ConfigurationError` for a header that cannot be read, `DataError` for what is no program or notebook.
    """
    kind = kind or kind_of(name)
    if kind == "notebook":
        cells = notebook(text, name)
        report = judge_document(
            cells.text, name, kind="markdown", header=header, overrides=overrides, seconds=seconds, progress=progress,
            read=read, judge=judge,
        )  # fmt: skip
        return cells.placed(report)
    blocks, bare = take_headers(text)  # a header names places of the document, not of itself
    if header is None:
        header = Header()
        for i, block in enumerate(blocks):
            if not block.closed:
                raise ConfigurationError(
                    f"{name}, line {block.line}: the comment of the header never ends; close it with -->"
                )
            own = read_header(block.toml, name, block.line, start=block.line if i else 1)
            header = header.followed_by(own)
    stretches = [s.overridden(overrides or {}) for s in header.stretches(bare)]
    _check_letters(stretches, header.name)
    notations = [notation for stretch in stretches for _, notation in stretch.readings]
    names = frozenset[str]().union(*(_words_of(x) for x in notations))
    found, _, unclosed = extracted(text, kind, names)
    if kind == "python" and (fault := fault_of(text)):
        if not any(f.syntax == "code" for f in found):
            raise DataError(f"{name}, {fault}: it is no program of Python; mend it, or give it as text")
        unclosed = [*unclosed, f"{fault}: it is no program of Python; its lines are read one by one"]
    quick = judge or verdict_only
    read, judge = read or read_found, judge or _judge(seconds)
    given = stretches
    stretches, inferred = infer(found, stretches)
    stretches, guessed = guess(found, stretches, read, quick, headings(text, program=kind == "python"), text)
    stretches = in_batches(found, stretches)
    stretches, assumed = assume(found, stretches, read, judge)
    stretches, penalized = penalize(found, stretches, read, quick)
    assumed += penalized
    declared = [s.start for s in given]
    given = [given[max(0, bisect_right(declared, s.start) - 1)] for s in stretches]
    told: Told = {}
    entries = _judged(found, stretches, read, judge, progress, told)
    starts = [s.start for s in stretches]
    numbers = [max(0, bisect_right(starts, e.found.line) - 1) for e in entries]
    entries = settled(text, entries, numbers, stretches, read, quick, judge, told)
    entries = of_several_losses(entries, numbers, given, stretches, read, quick, judge)
    entries = under_any_loss(entries, numbers, given, stretches, read, quick, told)
    if any(is_open(s) for s in given):
        entries = list(doubted(entries, numbers, given, stretches, read))
        entries = retold(found, entries, numbers, given, stretches, read, quick, judge)
        entries = list(unsettled(text, entries, numbers, given, stretches, read))
    return DocumentReport(
        name,
        tuple(entries),
        (*_no_header(text), *unclosed, *inferred, *guessed, *assumed, *_nothing_found(entries, text)),
    )


def _words_of(notation: Notation) -> set[str]:
    """The words that are letters of a document."""
    patterns = " ".join([*(theirs for theirs, _ in notation.letters), *notation.free, *notation.definitions])
    return {*names_of(notation.as_letters()), *re.findall(r"[A-Za-z_]\w*", patterns)}


def _check_letters(stretches: Sequence[Stretch], name: str) -> None:
    """ConfigurationError for declared letters that cannot be read as such."""
    for stretch in stretches:
        for _, notation in stretch.readings:
            try:
                renamed(notation.as_letters())
            except FormulaError as error:
                raise ConfigurationError(f"{name}: letters: {error}") from None


_NO_HEADER = re.compile(r"<!--\s*chainrule\b(?!\s*:)")


def _no_header(text: str) -> list[str]:
    """A warning for a comment that was meant as a header and is none."""
    lines = (text.count("\n", 0, m.start()) + 1 for m in _NO_HEADER.finditer(text))
    return [
        f'line {line}: this comment is no header: one begins with "chainrule:" and is TOML, such as network = "3-4-2"'
        for line in lines
    ]


_SIGN = re.compile(r"\\(?:frac|partial|sum|begin|\(|\[)|\$|[∂Σ∑∇⊙ᵀ]|[\w\])] ?= ?[\w(\[-]")


def _nothing_found(entries: Sequence[Entry], text: str) -> list[str]:
    """A warning where a text has signs of mathematics and no formula of it states anything."""
    if any(e.status != "no statement" for e in entries):
        return []
    text = re.sub(r"<!--.*?(?:-->|\Z)", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    sign = _SIGN.search(text)
    if sign is None:
        return []
    line = text.count("\n", 0, sign.start()) + 1
    return [
        f"no formula was found, though line {line} has signs of mathematics: write formulas between $ and $, in a "
        "block of code, or each on a line of its own"
    ]


def judge_found(found: Sequence[Found], stretches: Sequence[Stretch], *, seconds: float = 1.0) -> list[Entry]:
    """Judge formulas that were taken out of a document, under the notation of its stretches."""
    return _judged(found, stretches, read_found, _judge(seconds), None, {})


def _judged(
    found: Sequence[Found],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    progress: Progress | None,
    told: Told,
) -> list[Entry]:
    entries: list[Entry] = []
    known: Known = {}
    starts = [s.start for s in stretches]
    section, current = Section(stretches[0], read, judge, known, told=told), 0
    for i, each in enumerate(found):
        if progress is not None:
            progress(i, len(found))
        number = max(0, bisect_right(starts, each.line) - 1)
        if number != current:
            taken = section.taken if stretches[number].continues else {}
            section, current = Section(stretches[number], read, judge, known, dict(taken), told), number
        for entry in section.entries(each):
            latex = each.syntax == "latex" and len(each.formula) <= LONGEST_SHOWN
            shown = as_read(each.formula, section.letters) if latex else ""
            entries.append(replace(entry, shown=shown))
    if progress is not None:
        progress(len(found), len(found))
    return entries


def read_found(found: Found, notation: Notation) -> Equation:
    """A formula as the notation has it, in its first reading; `FormulaError` where it cannot be read."""
    from ..notation.read import read

    letters = notation.as_letters()
    try:
        return read(found.formula, syntax=_syntax(found), letters=letters)[0].equation
    except ChainruleError:
        raise
    except Exception as error:  # one formula must not cost the judgement of all others
        raise FormulaError(_internal(found, error)) from error


def _judge(seconds: float) -> Judge:
    return lambda found, declared: _checked(found, declared, seconds=seconds)


def verdict_only(found: Found, declared: Sequence[Declared]) -> Judgement:
    """The judgement of a formula that is tried under several notations: no mistake is looked for."""
    return _checked(found, declared, seconds=0.1, mend=False)


def _checked(found: Found, declared: Sequence[Declared], *, seconds: float, mend: bool = True) -> Judgement:
    from ..judge.judge import check_formula

    try:
        return check_formula(found.formula, syntax=_syntax(found), readings=declared, seconds=seconds, mend=mend)
    except ChainruleError as error:
        return Judgement(found.text, "cannot tell", note=str(error))
    except Exception as error:  # one formula must not cost the judgement of all others
        return Judgement(found.text, "cannot tell", note=_internal(found, error))


def _internal(found: Found, error: Exception) -> str:
    """What is said of a mistake in this library, which is a warning too."""
    note = f"an internal error, please report it: {type(error).__name__}: {error}"
    warnings.warn(f"line {found.line}: {shortened(found.text, 60)!r}: {note}", InternalWarning, stacklevel=3)
    return note


def _syntax(found: Found) -> Syntax:
    return found.syntax
