"""Floor 1: named laws of simplification, the textbook's last steps and the source of numerical stability."""

from .law import LAWS, Law
from .ring import collect
from .simplify import Applied, simplify

__all__ = ["LAWS", "Applied", "Law", "collect", "simplify"]
