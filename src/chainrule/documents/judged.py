"""A whole document judged: every formula under the notation declared at its place, definitions taken up on the way."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from ..errors import ChainruleError, ConfigurationError, DataError, FormulaError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.canonical import canonical
from ..notation.formula import Array, Binary, Call, Dots, Equation, Formula, Index, Negate, Number, Symbol, symbols
from .extraction import Found, extracted, has_relation
from .header import Header, Notation, Stretch, read_header
from .own import as_read, in_own_letters
from .report import DocumentReport, Entry, shortened
from .tex import words

LARGEST = 5_000_000
LONGEST_SHOWN = 2_000  # characters of a formula that is written in Unicode
KINDS = {".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".ltx": "latex", ".latex": "latex"}

# What reads a formula, and what judges it under declared meanings.
Reader = Callable[[Found, Notation], Equation]
Judge = Callable[[Found, Sequence[Declared]], Judgement]
Progress = Callable[[int, int], None]

_RANGE = re.compile(  # l = 1, ..., L
    r"(?:\\ell|[a-zA-Z])(?:_\{?\w\}?)?\s*=(?:\s|[-+,.…]|\b\w\b|\\(?:l?dots|cdots|ell|,|;|!|quad))*(?:,|…|\.\.\.|dots)"
    r"(?:\s|[-+,.…:]|\b\w\b|\\(?:l?dots|cdots|ell|,|;|!|quad))*"
)
_TYPE = re.compile(r":\s*(?:\\mathbb|\\R(?![a-z])|ℝ)")  # f: R^n -> R^m
_INDICES = words("i j k l m n p q r s t u v N M K D ell")  # letters of indices and sizes
_LETTERS = words(
    "X Y Yhat W b Z A dZ dA dW db x y yhat w z a dz da dw L J C alpha g sigma sig softmax exp ln log sqrt tanh",
    "sigmoid relu i j k l m n ell N M",
)
_CALLED = words("sum mean max maximum min minimum abs square norm dot outer diag True False")


def decoded(data: bytes, name: str) -> str:
    """The text of a document.

    Raises `DataError` for one that is empty, larger than 5 MB, binary, or not UTF-8.
    """
    if len(data) > LARGEST:
        raise DataError(f"{name} has {len(data) / 1e6:.1f} MB: documents of at most {LARGEST / 1e6:.0f} MB are judged")
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
    """How a file of this name is taken apart: "markdown", "latex" or "text"."""
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
    found, blocks, warnings = extracted(text, kind or kind_of(name))
    if header is None:
        header = Header()
        for i, block in enumerate(blocks):
            own = read_header(block.toml, name, block.line, start=block.line if i else 1)
            header = header.followed_by(own)
    stretches = [s.overridden(overrides or {}) for s in header.stretches(text)]
    entries = _judged(found, stretches, read or read_found, judge or _judge(seconds), progress)
    return DocumentReport(name, tuple(entries), (*warnings, *_nothing_found(entries, text)))


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
        left = re.match(r"\s*(\w+)\s*:?=", definition)
        if left is None or left[1] not in _LETTERS or notation.network in ("any", NO_NETWORK):
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
    if _RANGE.fullmatch(each.formula.strip()):
        return [Entry(each, "no statement", why="a range")]
    if _TYPE.search(each.formula):
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
    if why:
        return [Entry(each, "no statement", why=why)]
    declared = tuple(
        replace(d, definitions=(*d.definitions, *taken.values()))
        for d in (notation.declared(name) for name, notation in stretch.readings)
    )
    letter = defined_letter(equation)
    free = {x for _, notation in stretch.readings for x in notation.free}
    if letter and letter not in free and letter not in taken and not _declares(stretch, letter):
        if each.syntax == "code" and not _known(canonical(equation, declared[0].letters), taken):
            return [Entry(each, "no statement", why="code about names of its own")]
        taken[letter] = each.formula
        return [Entry(each, "definition", why=f"{letter} is taken up as defined here")]
    key = (each.formula, each.syntax, declared)
    if key not in known:
        known[key] = judge(each, declared)
    judgement = replace(known[key], text=each.text)
    if letter in taken and judgement.verdict == "wrong":
        taken[letter] = each.formula
        return [Entry(each, "definition", why=f"{letter} is defined anew here")]
    if each.syntax == "code" and judgement.verdict == "cannot tell":
        return [Entry(each, "no statement", why=f"code: {judgement.note}")]
    mended = in_own_letters(judgement, _meant(judgement, declared).letters, latex=each.syntax == "latex")
    return [
        Entry(each, "judged", judgement, mended=mended, readings=tuple(d.name for d in declared if len(declared) > 1))
    ]


def _meant(judgement: Judgement, declared: Sequence[Declared]) -> Declared:
    """The reading under which a formula was mended."""
    return next((d for d in declared if f"mended for the reading {d.name!r}" in judgement.note), declared[0])


def nothing_stated(equation: Equation) -> str:
    """Why an equation states nothing about a network: it has one side, or says which numbers an index runs over."""
    if len(equation.sides) < 2:
        return "no relation"
    if any(isinstance(side, Dots) for side in equation.sides):
        return "left out"
    if "->" in equation.relations:
        return "an arrow states no equality"
    if "<-" in equation.relations and not isinstance(equation.sides[0], Symbol):
        return "an arrow states no equality"
    if all(_counts(side) for side in equation.sides):
        return "a range or a size"
    if any(_numbers(side) for side in equation.sides):
        return "the numbers of an example"
    match equation.sides:
        case (Symbol(name=name), Array(entries=(Index(base=Symbol(name=inner)),))) if name == inner:
            return "names of entries"  # Z = [Z_ij]
    return ""


def _counts(side: Formula) -> bool:
    """Whether a side is made of indices, sizes and whole numbers only."""
    match side:
        case Number() | Dots():
            return True
        case Symbol(name=name):
            return name in _INDICES or name == "L"
        case Index(base=Symbol(name="n")):
            return True  # n_x
        case Binary() | Array():
            return all(_counts(x) for x in side.children)
    return False


def _numbers(side: Formula) -> bool:
    """A matrix of numbers, as in a worked example."""
    if not isinstance(side, Array):
        return False
    inner = (x.operand if isinstance(x, Negate) else x for x in side.entries)
    return all(isinstance(x, Number | Dots | Array) and (not isinstance(x, Array) or _numbers(x)) for x in inner)


def defined_letter(equation: Equation) -> str:
    """The letter outside of this library's names that an equation may define: alone left, not on the right."""
    left: Formula = equation.sides[0]
    if equation.relations[0] not in ("=", ":="):
        return ""
    arguments: tuple[Formula, ...] = ()
    alone = isinstance(left, Symbol)
    if isinstance(left, Call):
        arguments = left.arguments
        if not all(isinstance(x, Symbol) for x in arguments) or left.names:
            return ""
        left = left.function
    if isinstance(left, Index):
        left = left.base
    if not isinstance(left, Symbol) or left.prime:
        return ""
    # g[l](z) is the activation; g(x, W, b) is a function of the document, as no activation has parameters.
    # w alone is the weight of one unit; w_i is whatever the document says.
    own = left.layer is None and ((left.name == "g" and len(arguments) > 1) or (left.name == "w" and not alone))
    if left.name in _LETTERS and not own:
        return ""
    name = left.name
    inside = (p for side in equation.sides[1:] for _, p in side.walk())
    return "" if any(isinstance(p, Symbol) and p.name == name for p in inside) else name


def _known(equation: Formula, taken: dict[str, str]) -> bool:
    """Whether the sides behind the first are written in names that mean something."""
    names = {s.name for side in equation.children[1:] for s in symbols(side)}
    known = _LETTERS | _CALLED | taken.keys()
    return all(n in known or n.removeprefix("d") in known for n in names)


def _declares(stretch: Stretch, letter: str) -> bool:
    """Whether the header says what a letter stands for."""
    for _, notation in stretch.readings:
        for pattern, _ in notation.letters:
            if pattern.startswith(letter):
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

        return check_formula(found.formula, syntax=_syntax(found), readings=declared, seconds=seconds)

    return judge


def _syntax(found: Found) -> Literal["text", "latex"]:
    return "latex" if found.syntax == "latex" else "text"
