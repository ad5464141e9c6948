"""Numbers for what was derived: its parts as expressions, random values for its variables, sizes for its symbols.

The letters of an expression are positive where others give it no value, as in log x."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...execute import evaluate
from ...graph import Node, Shape, size, substitute, variable, walk
from ...nn import Dense
from ...notation import write
from ...notation.from_graph import symbol
from ...notation.style import Style
from ...ops import total
from ..every_step import numbered_parts
from ..subject import Subject
from .meaning import SAMPLES


def is_plain(subject: Subject) -> bool:
    """Whether the judge's network worlds have every quantity: dense layers, targets as a matrix, no penalties."""
    network = subject.network
    return (
        network is not None
        and not subject.labels
        and not network.embeddings
        and not subject.weighted
        and all(type(x) is Dense and isinstance(x.activation, str) and not x.l1 and not x.l2 for x in network.layers)
    )


def parts(subject: Subject, fused: bool) -> tuple[Node, dict[str, Node]]:
    """The cost J as one expression, and the named parts in it, inputs first.

    fused  J as it was differentiated, after the laws, and with the numbered parts; else through the network's output
    """
    named = dict(subject.forward)
    output = subject.found.output
    if subject.kind == "network" and subject.cost is not None and not fused:
        table = {variable(n, *x.shape): x for n, x in named.items()}
        output = substitute(subject.cost[1], table)
    elif subject.kind == "network":
        c = subject.conventions
        output = _with_penalties(subject, output if c.one or c.place == "dZ" else _mean(subject, output))
    for node, label in numbered_parts(subject).items():
        if fused or subject.kind != "network":
            named.setdefault(label, node)
    order = {n: i for i, n in enumerate(walk(*named.values(), output))}
    ordered = sorted(named, key=lambda n: order[named[n]])
    shown = {n: write.text(symbol(n), Style(plain=True)) for n in ordered if not named[n].is_variable}
    return output, {label: named[n] for n, label in shown.items()}


def _mean(subject: Subject, S: Node) -> Node:
    """S/m (with weights S / Σ w), where the derivatives per sample are m times those of J."""
    return S / total(variable("w", 1, "m"), axis=None) if subject.weighted else S * size("m", -1)


def _with_penalties(subject: Subject, S: Node) -> Node:
    R = subject.penalties.whole
    return S if R is None else S + R


def drawn(subject: Subject, seed: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Random numbers for all variables, and the sizes: labels are labels, targets sum to one where they should."""
    rng = np.random.default_rng(seed)
    nodes = [subject.found.output, *subject.forward.values(), *(x for _, x in subject.early)]
    nodes += [subject.cost[1]] if subject.cost else []
    nodes += [subject.given] if subject.given is not None else []
    found: dict[str, Node] = {}
    dims: dict[str, int] = {}
    for n in walk(*nodes):
        for d in n.shape:
            if isinstance(d, str) and d not in dims:
                dims[d] = SAMPLES if d == "m" else 3 + len([x for x in dims if x != "m"])
        if n.is_variable:
            found[n.name] = n
    values: dict[str, Any] = {}
    for name, n in found.items():
        shape = Shape(*n.shape).bind(dims)
        if n.get("kind") == "label":
            high = subject.network.outputs if subject.network is not None else 3
            if subject.network is not None and name.startswith("c["):
                high = subject.network.embeddings[int(name[2:-1]) - 1][0]
            values[name] = rng.integers(0, high, shape)
        elif n.get("kind") == "counter":
            values[name] = np.array([[3]])
        elif name in ("Y", "y") and subject.loss is not None:
            values[name] = _targets(subject.loss.target, shape, rng)
        elif name == "w" or "positive" in n.get("assume"):
            values[name] = rng.uniform(0.5, 2.0, shape)
        else:
            values[name] = rng.normal(0.0, 0.8, shape)
    if subject.kind == "expression" and not np.all(np.isfinite(evaluate(subject.found.output, values))):
        values = {n: rng.uniform(0.3, 1.5, v.shape) if v.dtype == float else v for n, v in values.items()}
    return values, dims


def _targets(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    if kind in ("probabilities", "labels"):
        return rng.dirichlet(np.ones(shape[0]), shape[1]).T
    return rng.uniform(0.1, 0.9, shape) if kind == "binary" else rng.uniform(0.2, 2.0, shape)


__all__ = ["drawn", "is_plain", "parts"]
