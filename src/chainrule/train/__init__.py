"""Floor 4: models, optimizers, schedules, the training loop, saved models."""

from .callbacks import Callback, EarlyStopping
from .full_batch import fit_full_batch
from .history import History
from .loop import Trainer, fit
from .many import Job, Result, cross_validate_model, fit_many
from .model import Model
from .optimizers import OPTIMIZERS, Optimizer, clip_by_norm, clip_by_value, optimizer
from .predictor import Predictor
from .samples import Samples
from .schedules import SCHEDULES, Schedule, schedule
from .settings import Settings
from .storage import load_model, save_model
from .stream import Stream
from .update import Update

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "Callback",
    "EarlyStopping",
    "History",
    "Job",
    "Model",
    "Optimizer",
    "Predictor",
    "Result",
    "Samples",
    "Schedule",
    "Settings",
    "Stream",
    "Trainer",
    "Update",
    "clip_by_norm",
    "clip_by_value",
    "cross_validate_model",
    "fit",
    "fit_full_batch",
    "fit_many",
    "load_model",
    "optimizer",
    "save_model",
    "schedule",
]
