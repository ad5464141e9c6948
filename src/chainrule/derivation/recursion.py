"""The backward pass of a general layer as something to print: the recursion for l, its start l = L from the loss."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..graph import Dim, Node, size, variable
from ..laws import simplify
from ..nn import Dense, Objective
from ..ops import activation, total
from ..reverse import Derivation, derive
from .conventions import Conventions
from .general import layer
from .penalties import penalties
from .subject import SUM_TO_ONE, Subject, by_output


def recursion(objective: Objective, conventions: Conventions) -> Subject:
    """Layer l of a network of any depth, derived from its equations; layer L from the loss.

    Raises ConfigurationError for a network or a loss of which the recursion would leave something out.
    """
    _refuse_what_it_would_leave_out(objective)
    one = conventions.one
    added = penalties(objective, size("m", -1))
    spread = objective.spread and not one
    recursive = layer(conventions.place, tuple(added.letters.items()), one=one, spread=spread)
    weight = None if one or conventions.place == "parameters" else size("m", -1)
    output, last, early = _last(objective, weight, one)
    found = Derivation(
        recursive.found.output,
        {**last.cotangents, **recursive.found.cotangents},
        (*last.steps, *recursive.found.steps),
        {**last.names, **recursive.found.names},
    )
    return Subject(
        "layer",
        "Backpropagation through layer l",
        conventions,
        {**dict(recursive.forward), ("a[L]" if one else "A[L]"): output},
        None,
        found,
        ("W[l]", "b[l]"),
        early=early,
        network=objective.network,
        loss=objective.loss,
        labels=objective.labels,
        objective=objective,
        penalties=added,
    )


def _refuse_what_it_would_leave_out(objective: Objective) -> None:
    network = objective.network
    other = next((x for x in network.layers if not isinstance(x, Dense)), None)
    dense = [x for x in network.layers if isinstance(x, Dense)]
    reasons = {
        f"a {other.kind} layer" if other is not None else "": other is not None,
        "class weights": objective.loss.class_weights is not None,
        "sample weights": objective.weighted,
        "an activation of its own": any(not isinstance(x.activation, str) for x in dense),
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    if found is not None:
        raise ConfigurationError(
            f"layer='l' is the recursion of plain dense layers, and this network has {found}: leave layer out, or give "
            "the number of a layer"
        )


def _last(
    objective: Objective, weight: Node | None, one: bool
) -> tuple[Node, Derivation, tuple[tuple[str, Node], ...]]:
    """A[L], the derivatives of the loss by A[L] and Z[L] with symbolic n_L, and what the laws skipped on the way."""
    m: Dim = 1 if one else "m"
    a, z, y = ("a[L]", "z[L]", "y") if one else ("A[L]", "Z[L]", "Y")
    Z = variable(z, "n_L", m)
    A = simplify(activation(objective.network.output_activation)(Z))
    facts = ("columns sum to one",) if objective.loss.target in ("probabilities", "labels") else ()
    loss = objective.loss
    named = variable(a, "n_L", m)

    def cost(output: Node, assume: tuple[str, ...] = facts) -> Node:
        S = simplify(total(loss.per_sample(output, variable(y, "n_L", m, assume=assume)), axis=None))
        return S if weight is None else simplify(S * weight)

    if A is Z:
        found = derive(cost(named), [named])
        return Z, Derivation(found.output, found.cotangents, found.steps, {a: named, z: named}), ()
    found = derive(cost(A), [A, Z], names={a: A, z: Z})
    early = []
    if f"d{a}" not in found:
        dA = by_output(cost(named), named) if weight is None else derive(cost(named), [named]).of(named)
        early.append((f"d{a}", dA))
    if any(s.rule == SUM_TO_ONE for s in found.steps):
        early.append((f"d{z}", derive(cost(A, ()), [Z]).of(Z)))
    shown = {n: x for n, x in found.names.items() if n in (a, z)}
    return A, Derivation(found.output, found.cotangents, found.steps, shown), tuple(early)
