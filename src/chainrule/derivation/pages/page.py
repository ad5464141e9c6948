"""A document with the style in which it is written: it prints as text, LaTeX, Markdown and HTML, and verifies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...notation.style import Style
from ..document import Document
from . import formats

if TYPE_CHECKING:
    from ..subject import Subject
    from ..verify import Report


@dataclass(frozen=True)
class Page:
    """A derivation or a part of one, ready to print; Jupyter shows it by itself.

    subject  what the letters are about; without it the page prints but cannot be verified
    """

    document: Document
    style: Style = field(default_factory=Style)
    subject: Subject | None = field(default=None, repr=False)

    def text(self, width: int = 80, *, color: bool = False) -> str:
        """Unicode text for a terminal of `width` columns; with `color`, reasons and shapes are dimmed."""
        return formats.text(self.document, self.style, width, color=color)

    def latex(self, *, standalone: bool = True) -> str:
        """A LaTeX document, or the fragment between its begin and end."""
        return formats.latex(self.document, self.style, standalone)

    def markdown(self) -> str:
        """Markdown with formulas between dollars."""
        return formats.markdown(self.document, self.style)

    def html(self, *, standalone: bool = True) -> str:
        """A page with MathML that needs no network; not standalone: the part that a notebook shows."""
        return formats.html(self.document, self.style, standalone)

    def verify(self, *, seed: int = 0) -> Report:
        """Read every printed line back from its text and its LaTeX and evaluate it; `report.check()` raises.

        Raises `ConfigurationError` for a page that belongs to no derivation.
        """
        if self.subject is None:
            raise ConfigurationError("this page belongs to no derivation: verify those of chainrule.derive")
        from ..verify import verify

        return verify(self.subject, self.document, seed=seed)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html(standalone=False)

    def _repr_markdown_(self) -> str:
        return self.markdown()


__all__ = ["Page"]
