"""Formulas as text and LaTeX, with the fewest parentheses that every reader reads alike.

One walk serves all ways of writing: NumPy-like ASCII (`dW[2] = 1/m * dZ[2] @ A[1].T`), Unicode for terminals
(`dW[2] = 1/m · dZ[2] A[1]ᵀ`), LaTeX, and ASCII with every parenthesis of the tree.
"""

from __future__ import annotations

from .formula import Formula
from .style import Style
from .writing.ascii import Ascii, Unicode
from .writing.exact import Exact
from .writing.people import AsItStands, Layer, People, PeopleLatex, mathematical, tidied
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


def for_people(formula: Formula, layer: Layer = "brackets") -> str:
    """The formula as one line of Unicode in the letters that stand there; not to be read back.

    layer  where the document puts the number of a layer
    """
    return People(AsItStands.of(layer)).whole(mathematical(formula))


def latex_for_people(formula: Formula, layer: Layer = "brackets") -> str:
    """The same in LaTeX."""
    return PeopleLatex(AsItStands.of(layer)).whole(mathematical(formula))


def exact(formula: Formula) -> str:
    """The formula as a line of ASCII text in the library's names that is read back as the very same tree.

    Where `text` drops parentheses and joins signs that leave the value the same, this keeps them: 2 * (A * B).
    """
    return Exact(Style(plain=True)).whole(formula)


__all__ = [
    "DELTA_ASCII",
    "FUNCTIONS",
    "GREEK",
    "HATS",
    "exact",
    "for_people",
    "latex",
    "latex_for_people",
    "text",
    "tidied",
]
