"""What stays the same while formulas are evaluated: the network, its numbers, and what is known of letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..notation.formula import Formula
from .convention import Convention
from .generic import Generic
from .quantities import Key, Structure
from .values import Array, Labels, Value


@dataclass(eq=False)
class Model:
    """What stays the same while formulas are evaluated: structure, numbers, definitions, and what was found so far.

    definitions  letter -> its defining equation, or a formula
    shapes       rows and columns of letters that nobody defined; others are numbers
    depends      letter -> arguments of the function that it stands for, where nobody defined it
    counts       letters that are the upper bound of a sum, and how far it runs
    distributions  letters whose entries sum to one in each column (or row)
    by_entries   those that act entry by entry on a vector or matrix
    generic      the random functions of letters that nobody defined
    costs        how many numbers were computed for what was found, so that an evaluation counts alike before and after
    free         letters nobody defined have random positive numbers: True for all, or their names
    """

    structure: Structure
    numbers: Mapping[Key, Array]
    convention: Convention
    m: int = 1
    seed: int = 0
    definitions: Mapping[str, Formula] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    depends: Mapping[str, tuple[Formula, ...]] = field(default_factory=dict)
    free: bool | frozenset[str] = False
    counts: Mapping[str, int] = field(default_factory=dict)
    by_entries: frozenset[str] = frozenset()
    distributions: frozenset[str] = frozenset()
    generic: dict[str, Generic] = field(default_factory=dict)
    stored: dict[Key, Value] = field(default_factory=dict)
    derivatives: dict[Any, tuple[Labels, Array]] = field(default_factory=dict)
    costs: dict[Any, int] = field(default_factory=dict)

    def is_free(self, name: str) -> bool:
        return self.free is True or (isinstance(self.free, frozenset) and name in self.free)

    def size_name(self, n: int) -> str:
        """`n_2 = 4`, where one size of the network is that number."""
        names = [f"n_{i}" for i, w in enumerate(self.structure.widths) if w == n]
        if self.structure.is_network and self.m == n:
            names.append("m")
        return f"{names[0]} = {n}" if len(names) == 1 else str(n)
