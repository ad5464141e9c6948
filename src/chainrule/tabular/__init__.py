"""Tables: data, network, training and measures joined into one job, and a trained run applied to new rows."""

from .job import Job, TableResult, train_table
from .keeper import Every
from .options import Options
from .saved import SavedRun

__all__ = ["Every", "Job", "Options", "SavedRun", "TableResult", "train_table"]
