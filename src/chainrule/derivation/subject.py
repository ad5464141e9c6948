"""What is derived: a network with its cost, or an expression, under the conventions, and what reverse mode found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..errors import ConfigurationError
from ..graph import SCALAR, Node, Shape, constant, size, substitute, variable, variables, walk
from ..laws import Applied, simplify
from ..nn import Activate, Dense, Dropout, Loss, Network, Objective
from ..nn.layers import BatchNorm, Layer, Skip
from ..ops import ACTIVATIONS, one_hot, total
from ..reverse import Derivation, Step, derive, derive_cost
from .conventions import Conventions, lower, one_sample
from .general import WITHOUT_SLOPE
from .layered import layers_of
from .penalties import Penalties, penalties, with_penalties

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
    penalties    what the cost has besides the mean of the losses, and the numbers of its letters
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
    objective: Objective | None = None
    penalties: Penalties = field(default_factory=Penalties)

    def letter(self, letter: str, layer: int | str) -> str:
        """`Z[2]`, or `z[2]` for one sample."""
        name = f"{letter}[{layer}]"
        if not self.conventions.one:
            return name
        return "d" + lower(name[1:]) if name.startswith("d") else lower(name)

    @property
    def weighted(self) -> bool:
        """Whether samples have weights w."""
        return self.kind == "network" and "w" in self.found.names

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
    asked = objective
    if conventions.style == "components":
        objective = replace(objective, labels=False)  # labels in indices: Y is 1 at the label of its sample, else 0
        _refuse_without_indices(objective)
    forward = network.forward(training=True)
    S, scale, _ = objective.parts(forward)
    added = penalties(objective, scale)
    R = added.whole
    graph = dict(forward.graph)
    output = forward.output
    out_name = next(n for n in reversed(list(graph)) if graph[n] is output)
    losses, cost = _cost(objective, out_name, forward.output.shape, R)
    general = _without_the_law(objective, S)
    if conventions.one:
        dims: dict[Node, Node] = {}
        laws: dict[Node, Node] = {}

        def single(n: Node) -> Node:
            return simplify(one_sample([n], dims)[0], laws)

        S, general, losses = single(S), single(general), single(losses)
        R = None if R is None else single(R)
        added = replace(added, whole=R)
        cost = losses if R is None else simplify(losses + R)
        graph = {lower(n): single(x) for n, x in graph.items()}
        out_name = lower(out_name)
    present = variables(S)
    parameters = tuple(n for n in forward.parameters if n in present)
    entry = lower("A[0]") if conventions.one else "A[0]"
    wrt = [*graph.values(), *(present[n] for n in parameters), *([present[entry]] if entry in present else [])]
    if conventions.one:
        found = derive(S, wrt, names=graph)
    elif conventions.place == "dZ":
        found = derive(simplify(S * scale), wrt, names=graph)
    else:
        given = [present[n] for n in parameters]
        found = derive_cost(S, scale, given, wrt=wrt, names=graph)
    if R is not None:
        found = with_penalties(found, R)
    if R is not None or not (conventions.one or conventions.place == "dZ"):
        found = _with_laws_of_the_cost(found)
    activations = dict(layer_activations(network.layers))
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
        objective=asked,
        penalties=added,
    )
    weight = scale if conventions.place == "dZ" and not conventions.one else None
    early = tuple(_early(subject, out_name, losses if weight is None else cost, general, weight))
    # What a fused loss still reads of A[L] is not all of dA[L].
    fused = any(n == f"d{out_name}" for n, _ in early)
    kept = {n: x for n, x in found.names.items() if n != out_name or not fused}
    return replace(subject, early=early, names=found.names, found=replace(found, names=kept))


def _refuse_without_indices(objective: Objective) -> None:
    network = objective.network
    reasons = {
        "class weights": isinstance(objective.loss.class_weights, tuple),
        "embeddings": bool(network.embeddings),
        "dropout": _has_dropout(network.layers),
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    if found is not None:
        raise ConfigurationError(
            f"{found} cannot be written in indices here: take another style than components, or leave {found} out"
        )


def _has_dropout(layers: Sequence[Layer]) -> bool:
    return any(isinstance(x, Dropout) or (isinstance(x, Skip) and _has_dropout(x.layers)) for x in layers)


def _normalizes_batches(layers: Sequence[Layer]) -> bool:
    return any(isinstance(x, BatchNorm) or (isinstance(x, Skip) and _normalizes_batches(x.layers)) for x in layers)


def _cost(objective: Objective, out_name: str, shape: Shape, R: Node | None) -> tuple[Node, Node]:
    """The sum of the losses and J in the network's letters: the output is a variable of its name, so nothing fuses."""
    output = variable(out_name, *shape)
    target = objective.target
    Y = one_hot(target, classes=objective.network.outputs) if objective.labels else target
    per_sample = objective.loss.per_sample(output, Y)
    S = simplify(total(per_sample, axis=None))
    if objective.weighted:
        w = variable("w", 1, "m")
        S = simplify(total(w * per_sample, axis=None))
        J = S / total(w, axis=None)
    else:
        J = size("m", -1) * S if S.op.name != "negate" else -(size("m", -1) * S.inputs[0])
    J = J if R is None else J + R
    return S, simplify(J) if S.op.name != "negate" or objective.weighted else J


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
            simplify(s.after, {s.before: s.before}, used)  # what was found before the mean entered is in its last form
            steps += [Step(a.law.name, s.target, a.before, a.after, _reason(a)) for a in used]
    return Derivation(found.output, found.cotangents, tuple(steps), found.names)


def _reason(a: Applied) -> str:
    return a.law.equation + (f" ({a.law.condition})" if a.law.condition else "")


def layer_activations(layers: Sequence[Layer], count: int = 0) -> Iterator[tuple[int, str]]:
    for layer in layers:
        if isinstance(layer, Dense):
            count += 1
            yield count, layer.activation if isinstance(layer.activation, str) else "custom"
        elif isinstance(layer, Skip):
            inner = list(layer_activations(layer.layers, count))
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
        dA = by_output(cost, A) if weight is None else derive(cost, [A]).of(A)
        if found.cotangents.get(node) is not substitute(dA, {A: node}):
            yield f"d{out_name}", dA
    lawful = [s for s in found.steps if s.rule == SUM_TO_ONE]
    last = subject.letter("Z", subject.layers)
    if lawful and last in subject.forward:
        Z = subject.forward[last]
        before = derive(general, [Z]).of(Z)
        yield f"d{last}", before if weight is None else simplify(before * weight)


def by_output(losses: Node, A: Node) -> Node:
    """The derivative of the sum of the losses by the output, in the form that the laws give that of their mean."""
    mean = size("m", -1)
    found = simplify(derive(simplify(losses * mean), [A]).of(A) / mean)
    left = any("m" in dict(n.get("powers")) for n in walk(found) if n.is_constant)
    return derive(losses, [A]).of(A) if left else found


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
    """Derive an expression by variables or named parts of it.

    given  how it was written before the laws; its derivatives are brought into the form that people write
    """
    conventions = replace(conventions, place="dZ")  # there is no loss per sample, and one letter for the cost
    known = {**variables(output if given is None else given), **variables(output)}
    gone = {n: x for n, x in known.items() if n not in variables(output)}
    if wrt is None and given is not None:
        wrt = _by_default(given)
    asked = list(known) if wrt is None else [x.name if isinstance(x, Node) and x.is_variable else x for x in wrt]
    zero = {n: x for n, x in gone.items() if n in asked}
    rest = [x for x in asked if x not in zero]
    letters = all(not isinstance(x, str) or x in known for x in rest)
    layered = layers_of(output) if given is not None and names is None and rest and letters else {}
    names = layered or names
    found = derive(output, rest, seed=seed, names=names) if rest else Derivation(output, {}, (), {})
    if given is not None:
        found = found if layered else _numbers_outside(found)
        zero |= {n: x for n, x in found.names.items() if n in asked and x.is_variable and x not in found.cotangents}
        still = {x: constant(0, x.shape) for x in zero.values() if x.get("kind") == "real"}
        found = Derivation(output, {**found.cotangents, **still}, found.steps, {**found.names, **zero})
    forward = {n: x for n, x in (names or {}).items() if not x.is_variable}
    wanted = tuple(n for n in (x.removeprefix("d") for x in found) if n not in layered)
    cost = (_cost_letter(known, conventions), output) if output.shape == SCALAR else None
    return Subject(
        "expression", title or "Derivative of an expression", conventions, forward, cost, found, wanted, given=given
    )


def _by_default(given: Node) -> list[str]:
    """All letters but π, and m and n where they are nothing but counts that something is divided by."""
    divisors = [n.inputs[1] for n in walk(given) if n.op.name == "divide"]
    counts = {n for n in ("m", "n") if any(n in variables(x) for x in divisors)}
    elsewhere = _outside(given, set(divisors))
    every = list(variables(given))
    return [n for n in every if n != "pi" and not (n in counts and n not in elsewhere)] or every


def _outside(given: Node, divisors: set[Node]) -> set[str]:
    """The variables that are read other than below a fraction stroke."""
    found, stack, seen = set[str](), [given], set[Node]()
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.is_variable:
            found.add(n.name)
        stack += [x for i, x in enumerate(n.inputs) if not (n.op.name == "divide" and i == 1 and x in divisors)]
    return found


def _cost_letter(known: Mapping[str, Node], conventions: Conventions) -> str:
    """J, or another letter where an expression has a J of its own."""
    if conventions.style in ("leibniz", "components"):
        taken = next((x for x in ("C", "J", "L") if x in known), None)
        if taken is not None:
            raise ConfigurationError(
                f"{taken} is a letter of the cost in style {conventions.style}: take another letter, or style ng"
            )
    return next(x for x in ("J", "F", "Q", "H", "K", "N", "R") if x not in known)


def _numbers_outside(found: Derivation) -> Derivation:
    """The derivatives by the letters, with numbers put outside of products as the last steps, where that makes
    none longer."""
    cotangents, steps = dict(found.cotangents), list(found.steps)
    for n in found:
        x = found.names[n.removeprefix("d")]
        before = found.of(x)
        if not x.is_variable or before.is_constant:
            continue
        used: list[Applied] = []
        after = simplify(before, {}, used, every=True)
        if any(not a.law.always for a in used) and _operations(after) <= _operations(before):
            cotangents[x] = after
            outside = next(a.law for a in used if not a.law.always)
            steps.append(Step(outside.name, x, before, before, "from here on numbers are put outside of products"))
            steps += [Step(a.law.name, x, a.before, a.after, _reason(a)) for a in used]
    return Derivation(found.output, cotangents, tuple(steps), found.names)


def _operations(node: Node) -> int:
    """How many operations are written, each time anew."""
    count: dict[Node, int] = {}
    for n in walk(node):
        own = n.op.name not in ("broadcast", "transpose") and bool(n.inputs)
        count[n] = own + sum(count[x] for x in n.inputs)
    return count[node]
