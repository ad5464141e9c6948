"""The named expressions of a derivation under its conventions: what a program computes and what has a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import DerivationError
from ...graph import Node, build, constant, substitute, variable, variables, walk
from ...laws import simplify
from ..conventions import pushed, transposed

if TYPE_CHECKING:
    from ..subject import Subject


@dataclass(frozen=True)
class Named:
    """Name -> expression in the layout of the derivation, all expressions in terms of the same variables.

    forward, backward  in order; early: derivatives that a law skipped, such as dA[L] of a fused loss
    cost               its name and its stable expression
    inputs             names of the data in order: features, targets, weights, random numbers
    parameters         names of what is trained
    results            names of the derivatives that were asked for
    output             name of the last activation, "" for an expression
    """

    forward: Mapping[str, Node]
    cost: tuple[str, Node]
    backward: Mapping[str, Node]
    early: Mapping[str, Node]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    output: str


def named(subject: Subject, *, masks: bool = True) -> Named:
    """The expressions of a derivation.

    masks  for a program: the random numbers U[k] of a dropout mask are data, given like the features, and the factors
           of penalties are numbers; else masks are drawn by seed and step

    Raises `DerivationError` for a general layer, whose activation has no numbers, and for an output that is not 1 × 1.
    """
    if subject.kind == "layer":
        raise DerivationError("a general layer l has no numbers: give a network with widths, and no layer")
    if subject.cost is None:
        raise DerivationError("the expression has no 1 × 1 value: sum it, for numbers and programs need a cost")
    found, forward = subject.found, dict(subject.forward)
    name, cost = subject.cost
    if subject.kind == "network":
        # The printed cost names the output; put in, the laws bring it into the form that cannot overflow.
        present = variables(cost)
        output = next(reversed(forward))
        cost = simplify(substitute(cost, {present[n]: x for n, x in forward.items() if n in present}))
    else:
        output = ""
    backward = {n: found[n] for n in found.ordered() if n in found}
    # What the laws skipped is written in the letter of the output; here it is the output itself.
    # So are targets of which nothing was assumed the targets themselves.
    own = variables(cost, *backward.values()) | forward
    letters = {x: own[x.name] for _, e in subject.early for x in walk(e) if x.is_variable and x.name in own}
    early = {n: substitute(x, letters) for n, x in subject.early}
    chance = [x for x in walk(cost, *backward.values(), *forward.values()) if x.op.random] if masks else []
    if chance:
        drawn = {x: variable(f"U[{x.get('stream')}]", *x.shape) for x in chance}
        forward, backward, early = (
            {n: substitute(x, drawn) for n, x in table.items()} for table in (forward, backward, early)
        )
        cost = substitute(cost, drawn)
    if masks and subject.penalties.rates:
        rates = {variable(n, 1, 1): constant(x) for n, x in subject.penalties.rates.items()}
        cost, backward = (
            simplify(substitute(cost, rates)),
            {n: simplify(substitute(x, rates)) for n, x in backward.items()},
        )
    forward, backward, early, cost = _laid_out(subject, forward, backward, early, cost)
    present = variables(*forward.values(), cost, *backward.values())
    parameters = tuple(subject.parameters) if subject.kind == "network" else ()
    first = {"A[0]": 0, "a[0]": 0, subject.target: 2}
    data = [n for n in present if n not in parameters]
    inputs = sorted(data, key=lambda n: (first.get(n, 1 if subject.kind == "network" else 0), data.index(n)))
    results = tuple(f"d{n}" for n in subject.parameters)
    return Named(forward, (name, cost), backward, early, tuple(inputs), parameters, results, output)


Table = dict[str, Node]


def _laid_out(
    subject: Subject, forward: Table, backward: Table, early: Table, cost: Node
) -> tuple[Table, Table, Table, Node]:
    """Samples as rows transposes every expression; the numerator layout transposes the derivatives once more."""
    conventions = subject.conventions
    if conventions.rows:
        memo: dict[Node, Node] = {}
        forward, backward, early = (
            {n: transposed(x, memo) for n, x in table.items()} for table in (forward, backward, early)
        )
        cost = transposed(cost, memo)
    if conventions.numerator:
        turned: dict[Node, Node] = {}
        for x in walk(*backward.values(), *early.values()):
            turned.setdefault(x, pushed(x, turned, _leaf))
        known = {pushed(x, turned, _leaf): x for x in forward.values()}
        backward, early = ({n: _readable(turned[x], known) for n, x in table.items()} for table in (backward, early))
    return forward, backward, early, cost


def _leaf(x: Node) -> Node:
    return x if x.shape == (1, 1) else x.T


def _readable(node: Node, known: Mapping[Node, Node]) -> Node:
    """A transposed expression in which a forward expression that was turned is written as its transpose."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        if n in known and not known[n].is_variable and not known[n].is_constant:
            memo[n] = known[n].T if n.shape != (1, 1) else known[n]
        else:
            memo[n] = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
    return memo[node]


__all__ = ["Named", "named"]
