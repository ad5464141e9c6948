"""Floor 3: networks as graphs: initializers, layers, losses, the cost. Nothing here differentiates."""

from .initializers import initializer
from .layers import Activate, BatchNorm, Dense, Dropout, Layer, LayerNorm, Parameter, Skip
from .losses import LOSSES, Loss, loss
from .network import Forward, Network, Objective

__all__ = [
    "LOSSES",
    "Activate",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Forward",
    "Layer",
    "LayerNorm",
    "Loss",
    "Network",
    "Objective",
    "Parameter",
    "Skip",
    "initializer",
    "loss",
]
