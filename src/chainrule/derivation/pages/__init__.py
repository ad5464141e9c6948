"""A derivation on a page: text for a terminal, LaTeX, Markdown, HTML."""

from .formats import FORMATS, html, latex, markdown, text
from .page import Page

__all__ = ["FORMATS", "Page", "html", "latex", "markdown", "text"]
