"""What is derived: a network with its cost, or an expression, under the conventions, and what reverse mode found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..errors import ConfigurationError
from ..graph import SCALAR, Node, Shape, size, substitute, variable, variables
from ..laws import Applied, simplify
from ..nn import Activate, Dense, Loss, Network, Objective
from ..nn.layers import BatchNorm, Layer, Skip
from ..ops import ACTIVATIONS, one_hot, total
from ..reverse import Derivation, Step, derive, derive_cost
from .conventions import Conventions, lower, one_sample
from .general import WITHOUT_SLOPE

SUM_TO_ONE = "columns that sum to one"  # the law whose condition a text has to state


@dataclass(frozen=True)
class Subject:
    """A derivation before it is printed. Samples are columns here, whatever the convention; lines are transformed.

    forward      name -> expression, in order
    cost         name of the cost (J, or L of one sample) and its expression in the named outputs
    found        what reverse mode found
    parameters   names of what is trained, or of what an expression is differentiated by
    activations  layer -> activation of that dense layer, where it works entry by entry
    early        (name, expression) of derivatives that the laws skipped, such as dA[L] of a fused loss, and the form
                 before a law with a condition was used
    given        an expression as it was written, before the laws
    names        all names of a network's parts; `found` lacks A[L] where the loss fuses with the output activation
    """

    kind: Literal["network", "expression", "layer"]
    title: str
    conventions: Conventions
    forward: Mapping[str, Node]
    cost: tuple[str, Node] | None
    found: Derivation
    parameters: tuple[str, ...]
    activations: Mapping[int, str] = field(default_factory=dict)
    early: tuple[tuple[str, Node], ...] = ()
    given: Node | None = None
    names: Mapping[str, Node] = field(default_factory=dict)
    network: Network | None = None
    loss: Loss | None = None
    labels: bool = False
    layers: int = 0

    def letter(self, letter: str, layer: int | str) -> str:
        """`Z[2]`, or `z[2]` for one sample."""
        name = f"{letter}[{layer}]"
        if not self.conventions.one:
            return name
        return "d" + lower(name[1:]) if name.startswith("d") else lower(name)

    @property
    def target(self) -> str:
        """Name of the targets."""
        return "y" if self.labels or self.conventions.one else "Y"


def natural_loss(network: Network) -> str:
    """The loss that the output activation is made for."""
    return {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}.get(network.output_activation, "quadratic")


def of_network(objective: Objective, conventions: Conventions) -> Subject:
    """Derive a network's cost in the given conventions."""
    network = objective.network
    if conventions.one and _normalizes_batches(network.layers):
        style = " (style delta is one)" if conventions.style == "delta" else ""
        raise ConfigurationError(
            f"{network} normalizes batches, which have no meaning in a derivation for one sample{style}: "
            "take samples as columns or rows, and another style than delta"
        )
    forward = network.forward(training=True)
    S, scale, R = objective.parts(forward)
    graph = dict(forward.graph)
    output = forward.output
    out_name = next(n for n in reversed(list(graph)) if graph[n] is output)
    cost = _cost(objective, out_name, forward.output.shape, R)
    general = _without_the_law(objective, S)
    if conventions.one:
        dims: dict[Node, Node] = {}
        laws: dict[Node, Node] = {}

        def single(n: Node) -> Node:
            return simplify(one_sample([n], dims)[0], laws)

        S, general, cost = single(S), single(general), single(cost)
        R = None if R is None else single(R)
        graph = {lower(n): single(x) for n, x in graph.items()}
        out_name = lower(out_name)
    present = variables(S)
    parameters = tuple(n for n in forward.parameters if n in present)
    entry = lower("A[0]") if conventions.one else "A[0]"
    wrt = [*graph.values(), *(present[n] for n in parameters), *([present[entry]] if entry in present else [])]
    if conventions.one:
        found = derive(S if R is None else simplify(S + R), wrt, names=graph)
    elif conventions.place == "dZ":
        found = derive(objective.cost(forward), wrt, names=graph)
    else:
        given = [present[n] for n in parameters]
        found = _with_laws_of_the_cost(derive_cost(S, scale, given, R, wrt=wrt, names=graph))
    activations = dict(_activations(network.layers))
    subject = Subject(
        "network",
        f"Backpropagation in the network {network}",
        conventions,
        graph,
        ("L" if conventions.one else "J", cost),
        found,
        parameters,
        {k: a for k, a in activations.items() if a in ACTIVATIONS and a not in WITHOUT_SLOPE},
        network=network,
        loss=objective.loss,
        labels=objective.labels,
        layers=max(activations, default=0),
    )
    weight = scale if conventions.place == "dZ" and not conventions.one else None
    early = tuple(_early(subject, out_name, cost, general, weight))
    # What a fused loss still reads of A[L] is not all of dA[L].
    fused = any(n == f"d{out_name}" for n, _ in early)
    kept = {n: x for n, x in found.names.items() if n != out_name or not fused}
    return replace(subject, early=early, names=found.names, found=replace(found, names=kept))


def _normalizes_batches(layers: Sequence[Layer]) -> bool:
    return any(isinstance(x, BatchNorm) or (isinstance(x, Skip) and _normalizes_batches(x.layers)) for x in layers)


def _cost(objective: Objective, out_name: str, shape: Shape, R: Node | None) -> Node:
    """J in the network's letters: the output is a variable of its name, so nothing fuses."""
    output = variable(out_name, *shape)
    target = objective.target
    Y = one_hot(target, classes=objective.network.outputs) if objective.labels else target
    per_sample = objective.loss.per_sample(output, Y)
    S = simplify(total(per_sample, axis=None))
    if objective.weighted:
        w = variable("w", 1, "m")
        J = simplify(total(w * per_sample, axis=None)) / total(w, axis=None)
    else:
        J = size("m", -1) * S if S.op.name != "negate" else -(size("m", -1) * S.inputs[0])
    J = J if R is None else J + R
    return simplify(J) if S.op.name != "negate" else J


def _without_the_law(objective: Objective, S: Node) -> Node:
    """The sum of the losses for targets of which nothing is assumed."""
    target = objective.target
    plain = variable(target.name, *target.shape, kind=target.get("kind"))
    return S if plain is target else substitute(S, {target: plain})


def _with_laws_of_the_cost(found: Derivation) -> Derivation:
    """The same derivation with the laws that brought the mean into its last form among its steps."""
    steps: list[Step] = []
    for s in found.steps:
        steps.append(s)
        if s.rule == "cost":
            used: list[Applied] = []
            simplify(s.after, {}, used)
            steps += [Step(a.law.name, s.target, a.before, a.after, _reason(a)) for a in used]
    return Derivation(found.output, found.cotangents, tuple(steps), found.names)


def _reason(a: Applied) -> str:
    return a.law.equation + (f" ({a.law.condition})" if a.law.condition else "")


def _activations(layers: Sequence[Layer], count: int = 0) -> Iterator[tuple[int, str]]:
    for layer in layers:
        if isinstance(layer, Dense):
            count += 1
            yield count, layer.activation if isinstance(layer.activation, str) else "custom"
        elif isinstance(layer, Skip):
            inner = list(_activations(layer.layers, count))
            yield from inner
            count = inner[-1][0] if inner else count  # the numbers go on behind the skip
        elif isinstance(layer, Activate):
            continue


def _early(
    subject: Subject, out_name: str, cost: Node, general: Node, weight: Node | None
) -> Iterator[tuple[str, Node]]:
    """Derivatives that the laws skipped: dA[L] of a loss that fuses with the output activation, and dZ[L] before a
    law that needs a condition."""
    found = subject.found
    node = subject.forward[out_name]
    A = variables(cost).get(out_name)
    if A is not None and node is not subject.forward.get(subject.letter("Z", subject.layers)):
        dA = derive(cost, [A]).of(A)
        if weight is None and not subject.conventions.one:
            dA = simplify(dA / size("m", -1))
        if found.cotangents.get(node) is not substitute(dA, {A: node}):
            yield f"d{out_name}", dA
    lawful = [s for s in found.steps if s.rule == SUM_TO_ONE]
    last = subject.letter("Z", subject.layers)
    if lawful and last in subject.forward:
        Z = subject.forward[last]
        before = derive(general, [Z]).of(Z)
        yield f"d{last}", before if weight is None else simplify(before * weight)


# Expressions ---------------------------------------------------------------------------------------------------------


def of_expression(
    output: Node,
    wrt: Sequence[Node | str] | None,
    conventions: Conventions,
    *,
    seed: Node | None = None,
    names: Mapping[str, Node] | None = None,
    title: str = "",
    given: Node | None = None,
) -> Subject:
    """Derive an expression by variables or named parts of it; `given` is how it was written before the laws."""
    found = derive(output, wrt, seed=seed, names=names)
    forward = {n: x for n, x in (names or {}).items() if not x.is_variable}
    wanted = tuple(n.removeprefix("d") for n in found)
    cost = ("J", output) if output.shape == SCALAR else None
    return Subject(
        "expression", title or "Derivative of an expression", conventions, forward, cost, found, wanted, given=given
    )
