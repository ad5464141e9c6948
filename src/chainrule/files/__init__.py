"""Files that survive: atomic writes, one checked format for models and checkpoints, run folders and their lock."""

from chainrule.files.atomic import write_atomic, write_json
from chainrule.files.bundle import Bundle, load_bundle, save_bundle
from chainrule.files.checkpoints import CheckpointFolder
from chainrule.files.lock import lock_run
from chainrule.files.runs import RunFolder

__all__ = [
    "Bundle",
    "CheckpointFolder",
    "RunFolder",
    "load_bundle",
    "lock_run",
    "save_bundle",
    "write_atomic",
    "write_json",
]
