"""Floor 4: formulas that somebody wrote are judged by numbers, and mistakes are named by the smallest mending."""

from .judge import check_formula
from .verdict import Declared, Finding, Judgement

__all__ = ["Declared", "Finding", "Judgement", "check_formula"]
