"""Every printed line read back from its text and its LaTeX and evaluated, independently of how it was derived.

What is read is the string that was printed. The quantities get their numbers from the worlds of `chainrule.meaning`,
where a derivative is a complex step through the forward equations and no backward rule is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import ChainruleError, DerivationError
from ..meaning.world import Comparison
from ..notation import write
from ..notation.canonical import canonical
from ..notation.formula import Equation, Formula
from ..notation.read import read
from .document import Document, Line, Section
from .pages.scripts import letters_of, plain_line
from .sections import document as document_of
from .settings import Numbers
from .subject import Subject
from .trials.beside import comparing
from .trials.derived import TOLERANCE, Trials
from .trials.spelled import spelled
from .trials.twin import is_small, same_formula, twin
from .trials.with_numbers import WithNumbers

Check = Callable[[Line, Equation], Comparison]


@dataclass(frozen=True)
class Failure:
    """A printed line that is not true, or that could not be tried: its number, how it was printed, and why."""

    number: int
    syntax: str
    printed: str
    message: str

    def __str__(self) -> str:
        return f"line {self.number} ({self.syntax}): {self.printed}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What verification found.

    lines       that are verified or failed; read: strings that were read back
    worst       relative error
    failures    what is not true, or cannot be read back
    unverified  what could not be evaluated, each with its reason: not known to be false, and not verified
    """

    lines: int
    read: int
    worst: float
    failures: tuple[Failure, ...] = ()
    unverified: tuple[Failure, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failures

    def check(self) -> Report:
        """The report itself; raises DerivationError if a line failed."""
        if self.failures:
            raise DerivationError(f"{len(self.failures)} printed lines are not verified, first: {self.failures[0]}")
        return self

    @property
    def head(self) -> str:
        """The verdict in one line."""
        if not self.ok:
            return f"{len({f.number for f in self.failures})} of {self.lines} lines failed"
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        head = f"{lines} verified from text and LaTeX, worst relative error {self.worst:.1e}"
        if self.unverified:
            numbers = list(dict.fromkeys(f.number for f in self.unverified))
            shown = ", ".join(f"({n})" for n in numbers)
            head += f"; {len(numbers)} not verified: {shown}"
        return head

    def __str__(self) -> str:
        return "\n".join([self.head, *map(str, self.failures), *(f"not verified: {f}" for f in self.unverified)])


def verify(subject: Subject, document: Document, *, seed: int = 0) -> Report:
    """Verify every line of a document: relative error at most 1e-10, from text and from LaTeX.

    The lines of a wide network are tried on a small one with the very same lines; letters of an expression that mean
    something else to a reader are exchanged first.
    """
    found = _verified(*spelled(subject, document), seed)
    if found.failures and subject.kind == "expression":
        again = _verified(*spelled(subject, document, every=True), seed)
        found = again if again.ok else found
    return found


def _verified(subject: Subject, document: Document, seed: int) -> Report:
    own = _Own(subject, document, seed)
    style = subject.conventions.writing()
    failures: list[Failure] = []
    unverified: list[Failure] = []
    worst, count, number, judged = 0.0, 0, 0, 0
    for line, check, strict in _lines(document, own):
        number += 1
        missing = False
        for syntax, printed in (("text", plain_line(line.formula, style)), ("latex", write.latex(line.formula, style))):
            found = _checked(check, line, printed, syntax, subject)
            count += 1
            if found.status == "equal" and found.error <= TOLERANCE:
                worst = max(worst, found.error)
                continue
            why = found.message or f"{found.status}, relative error {found.error:.2g}"
            failure = Failure(number, syntax, printed, why)
            if strict or found.status in ("different", "shape"):
                failures.append(failure)
            else:
                unverified.append(failure)
                missing = True
        judged += not missing
    return Report(judged, count, worst, tuple(failures), tuple(unverified))


def _lines(document: Document, own: _Own) -> Iterator[tuple[Line, Check, bool]]:
    """Each line, how it is checked, and whether it has to have a value."""
    for section in document.sections:
        check, strict = own.check(section), True
        yield from _below(section, check, strict, own)


def _below(section: Section, check: Check, strict: bool, own: _Own) -> Iterator[tuple[Line, Check, bool]]:
    if isinstance(section.setting, Numbers):
        check, strict = WithNumbers(Trials(own.subject), section.setting).compare, True
    elif section.setting is not None:
        compare = comparing(section, own.trials)
        check, strict = (lambda line, equation: compare(equation)), False
    for line in section.lines:
        yield line, check, strict
    for part in section.parts:
        yield from _below(part, check, strict, own)


def _checked(check: Check, line: Line, printed: str, syntax: Any, subject: Subject) -> Comparison:
    style = subject.conventions.writing()
    letters = letters_of(style) if syntax == "text" else style.letters
    try:
        readings = [canonical(r.equation, letters) for r in read(printed, syntax=syntax, letters=letters)]
    except ChainruleError as e:
        return Comparison("unreadable", 0.0, str(e))
    found = Comparison("unreadable", 0.0, "no reading")
    for reading in readings:
        assert isinstance(reading, Equation)
        try:
            found = check(line, reading)
        except ChainruleError as e:
            found = Comparison("undefined", 0.0, str(e))
        if found.status == "equal":
            break
    return found


@dataclass
class _Own:
    """The derivation's own lines, which are tried on a small twin."""

    subject: Subject
    document: Document
    seed: int
    trials: Trials = field(init=False)
    _whole: Trials | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.small, self.widths = twin(self.subject)
        self.trials = Trials(self.small, self.seed)
        self.known: dict[tuple[bool, str], list[Formula]] = {}
        if self.small is not self.subject:
            steps = any(s.kind == "steps" for s in self.document.sections)
            for section in document_of(self.small, steps=steps).sections:
                for line in section.every_line():
                    self.known.setdefault((section.kind == "steps", line.label), []).append(line.formula)

    def check(self, section: Section) -> Check:
        in_steps = section.kind == "steps"

        def compare(line: Line, equation: Equation) -> Comparison:
            there = self.known.get((in_steps, line.label), [])
            if self.small is self.subject or line.formula in there:
                return self.trials.compare(equation, in_steps)
            if is_small(self.subject):
                return self.whole.compare(equation, in_steps)
            same = next((x for x in there if same_formula(line.formula, x, self.widths)), None)
            if same is not None:
                return self._with_its_width(same, in_steps)
            return Comparison("unreadable", 0.0, "it is another line in a small network, and this one is too wide")

        return compare

    def _with_its_width(self, formula: Formula, in_steps: bool) -> Comparison:
        assert isinstance(formula, Equation)
        style = self.subject.conventions.writing()
        letters = letters_of(style)
        readings = read(plain_line(formula, style), letters=letters)
        equation = canonical(readings[0].equation, letters)
        assert isinstance(equation, Equation)
        return self.trials.compare(equation, in_steps)

    @property
    def whole(self) -> Trials:
        if self._whole is None:
            self._whole = Trials(self.subject, self.seed)
        return self._whole


__all__ = ["Failure", "Report", "verify"]
