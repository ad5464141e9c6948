"""A derivation on a page, in four formats: text for a terminal, LaTeX, Markdown, HTML."""

from __future__ import annotations

from ...notation import write
from ...notation.style import Style
from ..document import Document
from . import markdown_page, terminal, tex, web, words
from .hand import Hand
from .scripts import plain_line

FORMATS = ("text", "latex", "markdown", "html")


def text(document: Document, style: Style, width: int = 80, *, color: bool = False) -> str:
    """Unicode text of at most `width` columns (40 at least); with `color`, escape codes that dim what is beside."""
    hand = Hand(lambda f: plain_line(f, style), lambda w: words.plain(w, style))
    return terminal.text(document, hand, width, color=color)


def latex(document: Document, style: Style, standalone: bool = True) -> str:
    """A document for pdflatex with amsmath, xcolor and geometry, or what stands between its begin and end."""
    return tex.latex(document, _latex(style), standalone=standalone)


def markdown(document: Document, style: Style) -> str:
    """Markdown with formulas between `$$`, for notebooks and code hosts."""
    return markdown_page.markdown(document, _latex(style))


def html(document: Document, style: Style, standalone: bool = True) -> str:
    """A page with MathML that needs no network; not standalone: the part that a notebook shows."""
    return (web.html if standalone else web.fragment)(document, _latex(style))


def _latex(style: Style) -> Hand:
    return Hand(lambda f: write.latex(f, style), lambda w: words.latex(w, style))


__all__ = ["FORMATS", "html", "latex", "markdown", "text"]
