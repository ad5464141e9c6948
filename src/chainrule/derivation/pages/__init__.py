"""A derivation on a page: text for a terminal, LaTeX, Markdown, HTML."""

from .formats import FORMATS, html, latex, markdown, text

__all__ = ["FORMATS", "html", "latex", "markdown", "text"]
