"""The computational graph of a network as boxes and arrows: what is computed from what, and what flows back."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.execute import evaluate
from chainrule.graph import Graph, Node, variables
from chainrule.train.model import Model
from chainrule.train.samples import Samples

_MOST = 6  # rows and columns of a matrix that are shown
_WIDEST = 46  # signs of a line of a formula


@dataclass(frozen=True)
class Box:
    """One quantity.

    name      such as Z[1]; shape: in symbols, or in numbers where there are values
    formula   its equation from its neighbors, () for what is given
    value     its numbers, line by line, () without numbers
    gradient  the equation of its gradient, () where nothing flows back; slope: the numbers of that gradient
    """

    name: str
    shape: str
    formula: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    gradient: tuple[str, ...] = ()
    slope: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        return not self.formula


@dataclass(frozen=True)
class Flow:
    """boxes in the order of computation, inputs before what uses them; arrows from and to boxes by name."""

    title: str
    boxes: dict[str, Box]
    arrows: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        """The same for a terminal: forward from top to bottom, then backward."""
        forward = [line for box in self.boxes.values() for line in _lines(box.name, box.shape, box.formula, box.value)]
        back = [
            line
            for box in reversed(self.boxes.values())
            if box.gradient
            for line in _lines(f"d{box.name}", box.shape, box.gradient, box.slope)
        ]
        return "\n".join(["forward", *forward, "", "backward", *back])


def _lines(name: str, shape: str, formula: tuple[str, ...], numbers: tuple[str, ...]) -> list[str]:
    whole = " ".join(line.strip() for line in formula) or f"{name} is given"
    found = [f"  {whole:<58}  {shape}".rstrip()]
    return found + [f"      {'= ' if k == 0 else '  '}{row}" for k, row in enumerate(numbers)]


def network_flow(model: Model, sample: Samples | None = None, digits: int = 4) -> Flow:
    """The graph of a model's cost J, from inputs and parameters by every named quantity to J, and its gradients.

    sample  with one sample (or a few) every box has its value and its gradient; None: formulas and shapes only
    digits  decimals of the numbers
    """
    graph = Graph({**model.graph, "J": model.cost_expression}, model.graph.groups)
    d = model.derivation()
    nodes = {**dict(graph.variables.items()), **dict(graph.items())}
    order = _ordered(graph)
    values: dict[str, NDArray[Any]] = {}
    if sample is not None:
        given = model.values(sample)
        named = {name: nodes[name] for name in order} | {name: d[name] for name in d}
        found = evaluate(list(named.values()), given, model.dtype)
        values = dict(zip(named, found, strict=True))
    boxes = {}
    for name in order:
        back = f"d{name}" if f"d{name}" in d else None
        boxes[name] = Box(
            name,
            _shape(nodes[name], values.get(name)),
            () if name in graph.variables else _wrapped(graph.equation(name)),
            _matrix(values.get(name), digits),
            () if back is None else _wrapped(d.equation(back)),
            () if back is None else _matrix(values.get(back), digits),
        )
    arrows = [(a, b) for a, b in graph.edges() if a in boxes and b in boxes]
    return Flow(f"{model.network}, {model.objective.loss.name.replace('_', ' ')}", boxes, arrows)


def _ordered(graph: Graph) -> list[str]:
    """Every quantity after all that it is computed from, a given one just before its first use."""
    found: dict[str, None] = {}
    for name, node in graph.items():
        found |= {used: None for used in variables(node) if used in graph.variables and used not in ("seed", "step")}
        found[name] = None
    return list(found)


def _shape(node: Node, value: NDArray[Any] | None) -> str:
    return str(node.shape) if value is None else f"{value.shape[0]} × {value.shape[1]}"


def _wrapped(equation: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(equation, _WIDEST, subsequent_indent="    ", break_long_words=False))


def _matrix(value: NDArray[Any] | None, digits: int) -> tuple[str, ...]:
    """A matrix line by line, its columns aligned; what is beyond the first rows and columns as dots."""
    if value is None:
        return ()
    # + 0 makes the zero of a negative number that rounds to it a plain one.
    cells = [[f"{round(float(x), digits) + 0.0:.{digits}f}" for x in row[:_MOST]] for row in value[:_MOST]]
    width = max(len(cell) for row in cells for cell in row)
    more = " …" if value.shape[1] > _MOST else ""
    lines = [" ".join(cell.rjust(width) for cell in row) + more for row in cells]
    return (*lines, "…") if value.shape[0] > _MOST else tuple(lines)


def drawn_sample(model: Model, seed: int = 0) -> Samples:
    """One sample of numbers with one decimal, and the target that fits the loss: a class, 0 or 1, or a number."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(-1, 1, (1, model.network.inputs)), 1)
    outputs, kind = model.network.outputs, model.objective.loss.target
    y: Any
    if model.objective.labels or kind == "labels":
        y = np.array([int(rng.integers(outputs))])
    elif kind == "probabilities":
        y = np.eye(outputs)[[int(rng.integers(outputs))]]
    elif kind == "real":
        y = np.round(rng.uniform(-1, 1, (1, outputs)), 1)
    else:
        y = rng.integers(0, 2, (1, outputs)).astype(float)
    codes = [[int(rng.integers(levels)) for levels, _ in model.network.embeddings]]
    return model.samples(x, y, codes=codes if codes[0] else None)


def rounded_parameters(model: Model) -> Mapping[str, NDArray[Any]]:
    """Round a fresh model's parameters to one decimal in place, so that its numbers can be followed on paper."""
    model.theta[...] = np.round(model.theta, 1)
    return model.parameters


__all__ = ["Box", "Flow", "drawn_sample", "network_flow", "rounded_parameters"]
