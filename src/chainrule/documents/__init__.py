"""Floor 5: whole documents: their notation headers, the formulas found in them, each judged, and the reports."""

from .header import read_header
from .judged import judge_document
from .single import check_formula

__all__ = ["check_formula", "judge_document", "read_header"]
