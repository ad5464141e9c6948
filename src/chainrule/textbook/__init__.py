"""Floor 5: the classes of the lecture slides, with their names; columns are samples. No derivative is written here.

The numbers of every layer come from programs that `derive` made of its two equations.
"""

from .activation import ActivationFunction
from .cost import BinaryCrossEntropyCost, Cost, CostGradient, CrossEntropyCost, QuadraticCost
from .layer import Layer
from .minibatches import MiniBatches, learning_rate
from .mlp import MLP, DeltaEpsilon

__all__ = [
    "MLP",
    "ActivationFunction",
    "BinaryCrossEntropyCost",
    "Cost",
    "CostGradient",
    "CrossEntropyCost",
    "DeltaEpsilon",
    "Layer",
    "MiniBatches",
    "QuadraticCost",
    "learning_rate",
]
