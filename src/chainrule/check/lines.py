"""A cost on straight lines through a point that move one block of parameters.

Whatever does not depend on the block is evaluated once and frozen: checking the last layer of a network does not
propagate through the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..execute import evaluate
from ..graph import Node, substitute, variable, walk
from .kinks import crossings, kink_values, kinked_nodes

Array = npt.NDArray[Any]


class Section:
    """The cost as a function of one block.

    cost    1 × 1, its sizes already numbers
    values  name -> matrix
    block   the variable that moves
    """

    def __init__(self, cost: Node, values: Mapping[str, Array], block: Node) -> None:
        self.name = block.name
        self.start: Array = np.asarray(values[block.name], dtype=np.float64)
        below = {block}
        for n in walk(cost):
            if any(x in below for x in n.inputs):
                below.add(n)
        kinked = [n for n in kinked_nodes(cost) if n in below]
        roots = [cost, *dict.fromkeys(x for n in kinked for x in n.inputs)]
        used = [x for n in walk(*roots) if n in below for x in n.inputs]
        still = list(dict.fromkeys(x for x in [*roots, *used] if x not in below and not x.is_variable))
        frozen = dict(zip(still, evaluate(still, values), strict=True))
        stand_in = {n: variable(f"·{i}", *a.shape) for i, (n, a) in enumerate(frozen.items())}
        memo: dict[Node, Node] = {}
        self._values: dict[str, Array] = {stand_in[n].name: a for n, a in frozen.items()}
        self._values |= {n.name: values[n.name] for n in walk(*roots) if n.is_variable}
        self._cost = substitute(cost, stand_in, memo)
        self._kinked = [(n, [substitute(x, stand_in, memo) for x in n.inputs]) for n in kinked]
        self._operands = list(dict.fromkeys(x for _, inputs in self._kinked for x in inputs))
        self.here = self._kinks(self.start)

    @property
    def bends(self) -> bool:
        """Whether a kink depends on this block."""
        return bool(self._kinked)

    def cost(self, x: Array) -> complex:
        """The cost with the block at x, real or complex."""
        kind = np.complex128 if np.iscomplexobj(x) else np.float64
        return complex(evaluate(self._cost, {**self._values, self.name: x}, kind).item())

    def crossed(self, *beside: Array) -> int:
        """Number of kinks passed between the start and the places beside it."""
        return crossings(self.here, *(self._kinks(x) for x in beside)) if self.bends else 0

    def _kinks(self, x: Array) -> Sequence[Array]:
        if not self._kinked:
            return []
        found = dict(zip(self._operands, evaluate(self._operands, {**self._values, self.name: x}), strict=True))
        nodes = [n for n, _ in self._kinked]
        return kink_values(nodes, [[found[x] for x in inputs] for _, inputs in self._kinked])


class Line:
    """φ(t) = J(x + t d) for one direction of a section; real values are kept."""

    def __init__(self, section: Section, direction: Array) -> None:
        self.section, self.direction = section, direction
        self._known: dict[complex, complex] = {}

    def __call__(self, t: complex) -> complex:
        if t not in self._known:
            self._known[t] = self.section.cost(self.at(t))
        return self._known[t]

    def at(self, t: complex) -> Array:
        """The block at t."""
        t = t if t.imag else t.real
        moved: Array = self.section.start + t * self.direction
        return moved

    def crossed(self, t: float) -> int:
        """Number of kinks between -t and t."""
        return self.section.crossed(self.at(t), self.at(-t)) if self.section.bends else 0
