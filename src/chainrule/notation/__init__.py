"""Floor 2: formulas as they are written: read from text and LaTeX into `Formula`, in the letters of a document."""

from .canonical import canonical
from .formula import Formula
from .letters import Letters
from .read import Reading, read, read_all

__all__ = ["Formula", "Letters", "Reading", "canonical", "read", "read_all"]
