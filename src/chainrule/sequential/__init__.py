"""Floor 5, the Keras-like level: `Sequential`, `Dense`, `compile`, `fit`, `evaluate`, `predict`; rows are samples.

A thin dress over `chainrule.train`: layers become a `Network`, fitting is a `Trainer`. Names, the order and shapes of
weights, and defaults follow Keras 3, except that

* the cost of weighted samples is Σ w ℓ / Σ w;
* metrics of the training data are taken at the end of an epoch, with the equations of prediction;
* weights are drawn as suits the activation unless an initializer is named;
* `History` counts epochs from 1, and `evaluate` leaves penalties out.
"""

from .callbacks import EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint
from .layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    LayerNormalization,
    Penalty,
    l1,
    l2,
)
from .metrics import METRICS
from .model import Sequential

__all__ = [
    "METRICS",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "LambdaCallback",
    "Layer",
    "LayerNormalization",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Penalty",
    "Sequential",
    "l1",
    "l2",
]
