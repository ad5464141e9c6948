"""How a page writes: its formulas, and the formulas inside its sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .lines import Writer


@dataclass(frozen=True)
class Hand:
    """What a page of one format and style writes with.

    formula  a formula as the format has it
    words    of a terminal, a sentence as it is printed; of LaTeX, Markdown and HTML, a piece of a sentence that is a
             formula, in LaTeX
    """

    formula: Writer
    words: Callable[[str], str]
