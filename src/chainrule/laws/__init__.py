"""Floor 1: named laws of simplification, the textbook's last steps and the source of numerical stability."""

from .ring import collect
from .simplify import Applied, simplify
from .table import LAWS, Law

__all__ = ["LAWS", "Applied", "Law", "collect", "simplify"]
