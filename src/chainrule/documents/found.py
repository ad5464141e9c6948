"""What is found in a document: formulas and headers, each with its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Found:
    """A formula of a document.

    line       the number of the line where it begins
    text       as it stands there, white space collapsed
    formula    what is to be read: `text` without what only decorates, with the left side that it continues
    syntax     "latex", "text" or "code"
    display    it stands on lines of its own, so that the next one may continue it
    certain    it is marked as mathematics or code; otherwise a line that looks like a formula
    then       what a program makes of the value in place before it uses it, each with the whole value up to there
    after      of such a change, the line where the value was given
    name       of a value of a program that is changed, or was: its name
    """

    line: int
    text: str
    formula: str
    syntax: Literal["latex", "text", "code"]
    display: bool = True
    certain: bool = True
    then: tuple[Found, ...] = ()
    after: int = 0
    name: str = ""


@dataclass(frozen=True)
class HeaderBlock:
    """A comment with declared notation: the first line of its TOML, that, and whether the comment ends."""

    line: int
    toml: str
    closed: bool = True
