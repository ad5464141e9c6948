"""What the letters of a section stand for, so that every line of it can be evaluated.

A section without a setting of its own has that of the section around it; where there is none, the letters are those of
what was derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph import Node
from ..nn import Loss
from ..ops import Activation


@dataclass(frozen=True)
class Stated:
    """Letters mean what the lines of the section define with `:=`; all others are random numbers."""


@dataclass(frozen=True)
class EveryLayer:
    """The letter `l` stands for every layer of every network of dense layers."""


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a network: its activation, and the loss behind it."""

    loss: str | Loss
    activation: str | Activation


@dataclass(frozen=True, eq=False)
class Quantities:
    """The parts of one expression: `output` is J, its variables and `named` parts go by their names.

    within  intervals of the numbers of some variables, where a function has a value
    """

    output: Node
    named: Mapping[str, Node] = field(default_factory=dict)
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class InColumns:
    """The network that was derived, samples as columns and 1/m at the parameters, whatever convention is printed."""


@dataclass(frozen=True)
class OneSample:
    """One sample as a column in what was derived, derivatives in the shape of their variable, whatever is printed."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """Every name has a value, and lines hold these values, rounded to `digits` decimals."""

    values: Mapping[str, Any]
    digits: int


Setting = Stated | EveryLayer | LastLayer | Quantities | InColumns | OneSample | Numbers

__all__ = ["EveryLayer", "InColumns", "LastLayer", "Numbers", "OneSample", "Quantities", "Setting", "Stated"]
