"""Data: built-in sets, tables from files, IDX images, and the preprocessing from columns to matrices."""

from chainrule.data.builtin import BUILTIN, load_builtin
from chainrule.data.columns import Column, Table
from chainrule.data.dataset import Dataset
from chainrule.data.frames import from_frame, is_frame
from chainrule.data.idx import load_idx_folder, read_idx
from chainrule.data.preprocess import Encoded, Preprocessor
from chainrule.data.row_groups import RowGroups
from chainrule.data.sources import read_data
from chainrule.data.tables import read_table
from chainrule.data.targets import choose_target, detect_task

__all__ = [
    "BUILTIN",
    "Column",
    "Dataset",
    "Encoded",
    "Preprocessor",
    "RowGroups",
    "Table",
    "choose_target",
    "detect_task",
    "from_frame",
    "is_frame",
    "load_builtin",
    "load_idx_folder",
    "read_data",
    "read_idx",
    "read_table",
]
