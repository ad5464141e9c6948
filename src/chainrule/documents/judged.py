"""A whole document judged: every formula under the notation declared at its place, definitions taken up on the way."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ChainruleError, ConfigurationError, DataError, FormulaError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.canonical import canonical, renamed
from ..notation.formula import Equation, Symbol
from ..notation.read import Syntax, names_of
from ..notation.write import exact
from . import measures
from .assumed import assume
from .extraction import extracted, take_headers
from .found import Found
from .header import Header, Notation, Stretch, read_header
from .own import as_read, in_own_letters
from .pieces import first_relation, has_relation
from .report import DocumentReport, Entry, shortened
from .stated import ACTIVATIONS, LETTERS, RANGE, TYPE, defined_letter, is_known, nothing_stated, of_itself

LARGEST = 5_000_000
LONGEST_SHOWN = 2_000  # characters of a formula that is written in Unicode
KINDS = {
    ".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".ltx": "latex", ".latex": "latex", ".py": "python",
}  # fmt: skip

# What reads a formula, and what judges it under declared meanings.
Reader = Callable[[Found, Notation], Equation]
Judge = Callable[[Found, Sequence[Declared]], Judgement]
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
    """How a file of this name is taken apart: "markdown", "latex", "python" or "text"."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix == ".ipynb":
        raise DataError(f"{name} is a notebook: save it as Markdown (File, Save and Export As) and give that")
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

    Raises `ConfigurationError` for a header that cannot be read.
    """
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
    found, _, warnings = extracted(text, kind or kind_of(name), names)
    read, judge = read or read_found, judge or _judge(seconds)
    stretches, assumed = assume(found, stretches, read, judge)
    entries = _judged(found, stretches, read, judge, progress)
    return DocumentReport(name, tuple(entries), (*warnings, *assumed, *_nothing_found(entries, text)))


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


def judge_formulas(
    formulas: Sequence[str],
    *,
    header: Header | None = None,
    overrides: dict[str, object] | None = None,
    seconds: float = 1.0,
    read: Reader | None = None,
    judge: Judge | None = None,
) -> DocumentReport:
    """Judge formulas that were given by themselves, under the header's first keys; what cannot be read is an error."""
    stretch = (header or Header()).top().overridden(overrides or {})
    found = [Found(i, f, f, "latex" if "\\" in f else "text") for i, f in enumerate(formulas, 1)]
    reader = read or read_found
    for each in found:
        try:
            reader(each, stretch.readings[0][1])
        except ChainruleError as error:
            raise FormulaError(f"{shortened(each.text, 60)!r} cannot be read: {error}") from None
    entries = _judged(found, [stretch], reader, judge or _judge(seconds), None)
    for entry in entries:
        if entry.status == "no statement":
            raise ConfigurationError(
                f"{shortened(entry.found.text, 60)!r} states nothing ({entry.why}): "
                "give an equation: dW[2] = 1/m * dZ[2] @ A[1].T"
            )
    return DocumentReport("formula", tuple(entries))


def judge_found(found: Sequence[Found], stretches: Sequence[Stretch], *, seconds: float = 1.0) -> list[Entry]:
    """Judge formulas that were taken out of a document, under the notation of its stretches."""
    return _judged(found, stretches, read_found, _judge(seconds), None)


def _judged(
    found: Sequence[Found], stretches: Sequence[Stretch], read: Reader, judge: Judge, progress: Progress | None
) -> list[Entry]:
    entries: list[Entry] = []
    taken: dict[str, str] = {}
    known: dict[tuple[str, str, tuple[Declared, ...]], Judgement] = {}
    starts = [s.start for s in stretches]
    stretch, current = _without_known(stretches[0], judge), 0
    for i, each in enumerate(found):
        if progress is not None:
            progress(i, len(found))
        number = max(0, bisect_right(starts, each.line) - 1)
        if number != current:
            stretch, taken, current = _without_known(stretches[number], judge), {}, number
        for entry in _entry(each, stretch, taken, known, read, judge):
            latex = each.syntax == "latex" and len(each.formula) <= LONGEST_SHOWN
            shown = as_read(each.formula, stretch.readings[0][1].as_letters()) if latex else ""
            entries.append(replace(entry, shown=shown))
    if progress is not None:
        progress(len(found), len(found))
    return entries


def _without_known(stretch: Stretch, judge: Judge) -> Stretch:
    """The stretch without declared definitions of this library's letters that its network has by itself.

    `z = w.T @ x + b` in a network of one unit says nothing new; taken up, it would hide that w and b are its own.
    """

    def needed(definition: str, notation: Notation, name: str) -> bool:
        left = re.match(r"\s*(\w+)(?:_\{?[\w,]+\}?\(\w\))?\s*:?=", definition)  # h_{w,b}(x) is the network's output
        hypothesis = left is not None and "(" in left[0]
        if left is None or notation.network in ("any", NO_NETWORK) or (left[1] not in LETTERS and not hypothesis):
            return True
        bare = replace(notation, definitions=())
        return judge(Found(0, definition, definition, "text"), (bare.declared(name),)).verdict != "right"

    return replace(
        stretch,
        readings=tuple(
            (name, replace(x, definitions=tuple(d for d in x.definitions if needed(d, x, name))))
            for name, x in stretch.readings
        ),
    )


def _entry(
    each: Found,
    stretch: Stretch,
    taken: dict[str, str],
    known: dict[tuple[str, str, tuple[Declared, ...]], Judgement],
    read: Reader,
    judge: Judge,
) -> list[Entry]:
    """The entry of one formula; none for a line that only looked like one."""
    if not has_relation(each.formula):
        return [Entry(each, "no statement", why="no relation")]
    if RANGE.fullmatch(each.formula.strip()):
        return [Entry(each, "no statement", why="a range")]
    if TYPE.search(each.formula):
        return [Entry(each, "no statement", why="what a function maps to what")]
    try:
        equation = read(each, stretch.readings[0][1])
    except ChainruleError as error:
        if not each.certain:
            return []
        if each.syntax == "code":
            return [Entry(each, "no statement", why="code that is no formula")]
        return [Entry(each, "judged", Judgement(each.text, "cannot tell", note=f"it cannot be read: {error}"))]
    why = nothing_stated(equation)
    if not why and each.syntax == "code" and of_itself(equation, stretch.readings[0][1].as_letters()):
        why = "a new value of itself"
    if why:
        return [Entry(each, "no statement", why=why)]
    declared = tuple(
        replace(d, definitions=(*d.definitions, *taken.values()))
        for d in (notation.declared(name) for name, notation in stretch.readings)
    )
    if measures.known(equation) and not taken.keys() & measures.DEFINITIONS.keys():
        judgement = judge(each, tuple(measures.declared_with(d) for d in declared[:1]))
        return [Entry(each, "judged", judgement)]
    letter = defined_letter(equation)
    free = {x for _, notation in stretch.readings for x in notation.free}
    if letter and letter not in free and letter not in taken and not _declares(stretch, letter):
        if each.syntax == "code" and not is_known(canonical(equation, declared[0].letters), taken):
            return [Entry(each, "no statement", why="code about names of its own")]
        if letter in ACTIVATIONS and all(n.network not in ("any", NO_NETWORK) for _, n in stretch.readings):
            judgement = judge(each, declared)
            if judgement.verdict in ("right", "right if"):  # it is the network's own, and says so
                return [Entry(each, "judged", judgement, readings=_names(declared))]
        if letter not in LETTERS:  # else it would hide ours, which other letters may stand for
            taken[letter] = exact(equation) if each.syntax == "code" else each.formula
        why = f"{letter} is taken up as defined here"
        return _of_the_rest(each, equation, why, stretch, taken, known, read, judge) or [
            Entry(each, "definition", why=why)
        ]
    key = (each.formula, each.syntax, declared)
    if key not in known:
        known[key] = judge(each, declared)
    judgement = replace(known[key], text=each.text)
    if letter in taken and judgement.verdict == "wrong":
        taken[letter] = exact(equation) if each.syntax == "code" else each.formula
        return [Entry(each, "definition", why=f"{letter} is defined anew here")]
    if each.syntax == "code" and judgement.verdict == "cannot tell" and not _is_ours(equation, declared[0], taken):
        return [Entry(each, "no statement", why=f"code: {judgement.note}")]
    mended = in_own_letters(judgement, _meant(judgement, declared).letters, latex=each.syntax == "latex")
    return [Entry(each, "judged", judgement, mended=mended, readings=_names(declared))]


def _names(declared: Sequence[Declared]) -> tuple[str, ...]:
    """The names of the readings that were judged, where there are several."""
    return tuple(d.name for d in declared if len(declared) > 1)


def _of_the_rest(
    each: Found,
    equation: Equation,
    why: str,
    stretch: Stretch,
    taken: dict[str, str],
    known: dict[tuple[str, str, tuple[Declared, ...]], Judgement],
    read: Reader,
    judge: Judge,
) -> list[Entry]:
    """What `h = a = f(z)` says besides what h is: a = f(z), judged; nothing where there is no such rest."""
    relation = first_relation(each.formula)
    if len(equation.sides) < 3 or relation is None:
        return []
    rest = replace(each, formula=each.formula[relation[1] :].strip())
    entries = _entry(rest, stretch, taken, known, read, judge)
    if len(entries) != 1 or (judgement := entries[0].judgement) is None:
        return []
    note = f"{why}; {judgement.note}" if judgement.note else why
    return [replace(entries[0], judgement=replace(judgement, note=note))]


def _is_ours(equation: Equation, declared: Declared, taken: dict[str, str]) -> bool:
    """Whether a statement of a program is about a layer's quantity and nothing that nobody knows."""
    ours = canonical(equation, declared.letters)
    left = ours.children[0]
    return isinstance(left, Symbol) and left.layer is not None and is_known(ours, taken)


def _meant(judgement: Judgement, declared: Sequence[Declared]) -> Declared:
    """The reading under which a formula was mended."""
    return next((d for d in declared if f"mended for the reading {d.name!r}" in judgement.note), declared[0])


def _declares(stretch: Stretch, letter: str) -> bool:
    """Whether the header says what a letter stands for."""
    for _, notation in stretch.readings:
        if letter in renamed(notation.as_letters()):
            return True
        if any(d.strip().startswith(letter) for d in notation.definitions):
            return True
    return False


def read_found(found: Found, notation: Notation) -> Equation:
    """A formula as the notation has it, in its first reading; `FormulaError` where it cannot be read."""
    from ..notation.read import read

    return read(found.formula, syntax=_syntax(found), letters=notation.as_letters())[0].equation


def _judge(seconds: float) -> Judge:
    def judge(found: Found, declared: Sequence[Declared]) -> Judgement:
        from ..judge.judge import check_formula

        try:
            return check_formula(found.formula, syntax=_syntax(found), readings=declared, seconds=seconds)
        except ChainruleError as error:
            return Judgement(found.text, "cannot tell", note=str(error))
        except Exception as error:  # one formula must not cost the judgement of all others
            note = f"an internal error, please report it: {type(error).__name__}: {error}"
            return Judgement(found.text, "cannot tell", note=note)

    return judge


def _syntax(found: Found) -> Syntax:
    return found.syntax
