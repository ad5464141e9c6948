"""What a derivation prints, before it is printed: sections of numbered lines, each a formula with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..notation.formula import Equation
from .settings import Setting


@dataclass(frozen=True)
class Line:
    """One formula of a derivation.

    formula  the equation, in the library's own names (`dW[2] = 1/m * dZ[2] @ A[1].T`); writers put it in a style
    rule     what was applied: an operation, a law, "definition", "chain rule", …
    why      the reason in one sentence, plain text
    shape    of what stands left, as ("n_2", "n_1") or numbers; None where there is none
    label    how other lines refer to it, e.g. "dW[2]"; writers number lines in order and print the number
    """

    formula: Equation
    rule: str = ""
    why: str = ""
    shape: tuple[str, str] | None = None
    label: str = ""


@dataclass(frozen=True)
class Section:
    """A titled part: prose, lines, and parts of its own.

    kind     "forward", "cost", "backward", "proof", "activation", "law", "two ways", "numbers", "code", …
    code     a program text with its language, for a section that is one
    setting  what the letters of its lines stand for; None: the same as around it
    """

    title: str
    kind: str = ""
    prose: str = ""
    lines: tuple[Line, ...] = ()
    parts: tuple[Section, ...] = ()
    code: tuple[str, str] | None = None
    setting: Setting | None = None

    def every_line(self) -> Iterator[Line]:
        """The lines of this section and of its parts, in order."""
        yield from self.lines
        for part in self.parts:
            yield from part.every_line()


@dataclass(frozen=True)
class Document:
    """A whole derivation: a title, what was derived, and its sections in order."""

    title: str
    subject: str = ""
    sections: tuple[Section, ...] = field(default_factory=tuple)

    def every_line(self) -> Iterator[Line]:
        """All lines in order."""
        for section in self.sections:
            yield from section.every_line()
