"""A derivation on a page, in four formats: text for a terminal, LaTeX, Markdown, HTML."""

from __future__ import annotations

from ...notation import write
from ...notation.style import Style
from ..document import Document
from . import markdown_page, terminal, tex, web
from .lines import Writer

FORMATS = ("text", "latex", "markdown", "html")


def text(document: Document, style: Style, width: int = 80, *, color: bool = False) -> str:
    """Unicode text of at most `width` columns (40 at least); with `color`, escape codes that dim what is beside."""
    return terminal.text(document, lambda f: write.text(f, style), width, color=color)


def latex(document: Document, style: Style, standalone: bool = True) -> str:
    """A document for pdflatex with amsmath, xcolor and geometry, or what stands between its begin and end."""
    return tex.latex(document, _latex(style), standalone=standalone)


def markdown(document: Document, style: Style) -> str:
    """Markdown with formulas between `$$`, for notebooks and code hosts."""
    return markdown_page.markdown(document, _latex(style))


def html(document: Document, style: Style, standalone: bool = True) -> str:
    """A page with MathML that needs no network; not standalone: the part that a notebook shows."""
    return (web.html if standalone else web.fragment)(document, _latex(style))


def _latex(style: Style) -> Writer:
    return lambda f: write.latex(f, style)


__all__ = ["FORMATS", "html", "latex", "markdown", "text"]
