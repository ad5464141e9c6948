"""Formulas as text and LaTeX, with the fewest parentheses that every reader reads alike.

One walk serves three ways of writing: NumPy-like ASCII (`dW[2] = 1/m * dZ[2] @ A[1].T`), Unicode for terminals
(`dW[2] = 1/m · dZ[2] A[1]ᵀ`) and LaTeX.
"""

from __future__ import annotations

from .formula import Formula
from .style import Style
from .writing.ascii import Ascii, Unicode
from .writing.signs import DELTA_ASCII, GREEK, HATS
from .writing.tex import FUNCTIONS, Latex


def text(formula: Formula, style: Style | None = None) -> str:
    """The formula as one line of text.

    style  names and signs; `Style(plain=True)` writes ASCII as NumPy has it, else Unicode for a terminal
    """
    style = style or Style()
    return (Ascii if style.plain else Unicode)(style).whole(style.shown(formula))


def latex(formula: Formula, style: Style | None = None) -> str:
    r"""The formula in LaTeX, for math mode: `dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}`."""
    style = style or Style()
    return Latex(style).whole(style.shown(formula))


__all__ = ["DELTA_ASCII", "FUNCTIONS", "GREEK", "HATS", "latex", "text"]
