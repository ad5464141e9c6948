"""Floor 5: whole documents: their notation headers, the formulas found in them, each judged, and the reports."""

from .header import read_header
from .judged import judge_document

__all__ = ["judge_document", "read_header"]
