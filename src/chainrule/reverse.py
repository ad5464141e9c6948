"""Reverse mode as a transformation of graphs that keeps its steps.

The knowledge is in the op records: each gives, for a node and its cotangent, the cotangents of its inputs as
expressions. Here they are only chained (the chain rule) and added (several uses of one node), and the laws bring the
sum into its shortest form. The result is a graph like any other, so deriving again gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .errors import DerivationError, ShapeError, unknown_name
from .graph import SCALAR, Graph, Node, constant, substitute, text, variable, variables, walk
from .laws import Applied, simplify


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    rule    the op whose backward rule was used, or the name of the law
    target  the node whose cotangent this step finds
    before  the expression before the step, after: what it became
    why     one sentence
    """

    rule: str
    target: Node
    before: Node
    after: Node
    why: str

    def __str__(self) -> str:
        return f"{self.rule}: {text(self.before)} → {text(self.after)}  ({self.why})"


@dataclass(frozen=True)
class Derivation(Mapping[str, Node]):
    """Cotangents of an output with respect to the nodes it depends on.

    output      what was differentiated (1 × 1, or any shape with a seed)
    cotangents  node -> simplified expression of d output / d node, for every node on the way
    steps       how they were found, in order
    names       name -> node; `derivation["dW[1]"]` is the cotangent of the node called `W[1]`
    """

    output: Node
    cotangents: Mapping[Node, Node]
    steps: tuple[Step, ...]
    names: Mapping[str, Node] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Node:
        stem = name.removeprefix("d")
        if stem not in self.names or self.names[stem] not in self.cotangents:
            raise unknown_name("cotangent", name, list(self))
        return self.cotangents[self.names[stem]]

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __iter__(self) -> Iterator[str]:
        return (f"d{n}" for n, node in self.names.items() if node in self.cotangents)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def of(self, node: Node) -> Node:
        """Cotangent of a node; zeros of its shape if the output does not depend on it."""
        if node.is_variable and node not in self.cotangents:  # its sizes may have been unified since it was made
            node = self.names.get(node.name, node)
        return self.cotangents.get(node, constant(0, node.shape))

    def equation(self, name: str) -> str:
        """`dW[2] = dZ[2] @ A[1].T`, with every named part by its name."""
        shown = {self.names[n.removeprefix("d")]: n.removeprefix("d") for n in self}
        shown.update({self[n]: n for n in reversed(list(self)) if not self[n].is_constant})
        shown.update({node: n for n, node in self.names.items() if node not in shown})
        return f"{name} = {text(self[name], shown, inside=True)}"

    def ordered(self) -> list[str]:
        """The names in the order of the backward pass: each variable right after the cotangent it is read from."""
        steps = [n for n in reversed(list(self)) if not self.names[n.removeprefix("d")].is_variable]
        place = {self[n]: i for i, n in enumerate(steps)}
        after: dict[int, list[str]] = {}
        for n in self:
            if self.names[n.removeprefix("d")].is_variable:
                after.setdefault(max((place[x] for x in walk(self[n]) if x in place), default=-1), []).append(n)
        found = after.get(-1, [])
        for i, n in enumerate(steps):
            found += [n, *sorted(after.get(i, []))]
        return found

    def __str__(self) -> str:
        return "\n".join(self.equation(n) for n in self.ordered())


def derive(
    output: Node,
    wrt: Sequence[Node | str] | None = None,
    *,
    seed: Node | None = None,
    names: Mapping[str, Node] | Graph | None = None,
) -> Derivation:
    """Differentiate an expression by reverse mode.

    output  a 1 × 1 expression; or any shape together with `seed`, its cotangent (a vector-Jacobian product)
    wrt     nodes or names of variables or named nodes; None means every variable that can carry a derivative
    seed    cotangent of the output, of its shape; default 1
    names   named nodes whose cotangents are wanted by name (variables are always named)

    Returns a `Derivation`: each cotangent has the shape of its node. Raises `ShapeError` if the output is not 1 × 1
    and no seed is given, `UnknownNameError` for a name that is not there, `DerivationError` for an op without a rule.
    The chain rule of the third source: dL/dx = Σ over the uses u of x of (dL/du)(du/dx).
    """
    if seed is None:
        if output.shape != SCALAR:
            raise ShapeError(
                f"derive: expected a 1 × 1 output, received {output.shape}; sum it, or give the seed (its cotangent)"
            )
        seed = constant(1)
    elif seed.shape != output.shape:
        raise ShapeError(f"derive: expected a seed of the output's shape {output.shape}, received {seed.shape}")
    table = dict(variables(output))
    table.update(names or {})
    wanted = _resolve(wrt, table)
    targets = {n for n in walk(output) if n in wanted}
    relevant: set[Node] = set()
    for n in walk(output):
        if n in targets or any(x in relevant for x in n.inputs):
            relevant.add(n)

    cotangents: dict[Node, Node] = {}
    steps: list[Step] = []
    memo: dict[Node, Node] = {}
    pending: dict[Node, list[tuple[str, Node]]] = {output: [("seed", seed)]}
    for node in reversed(list(walk(output))):
        if node not in pending or node not in relevant:
            continue
        cotangents[node] = d = _gathered(node, pending.pop(node), memo, steps)
        if not node.inputs or not any(x in relevant for x in node.inputs):
            continue
        if node.op.backward is None:
            raise DerivationError(f"{node.op.name}: this operation has no derivative")
        for x, dx in zip(node.inputs, node.op.backward(node, d), strict=True):
            if dx is not None and x in relevant:
                pending.setdefault(x, []).append((node.op.name, dx))
    return Derivation(output, cotangents, tuple(steps), table)


def derive_cost(
    S: Node,
    scale: Node,
    parameters: Sequence[Node],
    penalty: Node | None = None,
    *,
    wrt: Sequence[Node | str] | None = None,
    names: Mapping[str, Node] | Graph | None = None,
) -> Derivation:
    """Differentiate J = S · scale + R in the convention of the sources.

    S is the sum of the per-sample losses, seeded with 1, so that dZ, dA are derivatives of the loss L per sample;
    `scale` (1/m) and the penalty R enter at the parameters: dW = scale · dS/dW + dR/dW, formula (2) of the first
    source. `derive(J)` is the other convention, in which the seed is 1 on J and 1/m stands in dZ: one derivation, and
    the place of 1/m is the choice of the seed.
    """
    found = derive(S, wrt, names=names)
    extra = None if penalty is None else derive(penalty, parameters)
    cotangents, steps = dict(found.cotangents), list(found.steps)
    for x in parameters:
        total = scale * found.of(x)
        if extra is not None:
            total = total + extra.of(x)
        steps.append(Step("cost", x, found.of(x), total, "J = S · scale + R: the mean and the penalties enter here"))
        cotangents[x] = simplify(total)
    return Derivation(found.output, cotangents, tuple(steps), found.names)


def _gathered(node: Node, parts: list[tuple[str, Node]], memo: dict[Node, Node], steps: list[Step]) -> Node:
    """Add the contributions of all uses of a node and simplify, keeping the steps."""
    result = parts[0][1]
    for rule, part in parts:
        why = "seed of the derivation" if rule == "seed" else f"chain rule through {rule}"
        steps.append(Step(rule, node, node, part, why))
    for _, part in parts[1:]:
        joined = result + part
        steps.append(Step("sum over uses", node, result, joined, "a node used several times adds the contributions"))
        result = joined
    used: list[Applied] = []
    simple = simplify(result, memo, used)
    for a in used:
        why = a.law.equation + (f" ({a.law.condition})" if a.law.condition else "")
        steps.append(Step(a.law.name, node, a.before, a.after, why))
    return simple


def _resolve(wrt: Sequence[Node | str] | None, table: Mapping[str, Node]) -> set[Node]:
    if wrt is None:
        return {n for n in table.values() if not n.is_variable or n.get("kind") == "real"}
    found = set()
    for w in wrt:
        if isinstance(w, Node):
            found.add(table.get(w.name, w) if w.is_variable else w)
        elif w in table:
            found.add(table[w])
        else:
            raise unknown_name("variable", w, table)
    return found


def vjp(output: Node, wrt: Sequence[Node | str], seed: Node) -> list[Node]:
    """Vector-Jacobian products: for each x, the sum of seed ∘ d output / d x, of the shape of x."""
    d = derive(output, wrt, seed=seed)
    return [d.of(d.names[w] if isinstance(w, str) else w) for w in wrt]


def jvp(output: Node, tangents: Mapping[Node, Node]) -> Node:
    """Jacobian-vector product: the change of `output` along `tangents`, of the output's shape.

    Reverse mode twice: the vector-Jacobian product is linear in its seed, so its own derivative by the seed, weighted
    with the tangents, is the forward derivative. No second set of rules is needed.
    """
    probe = variable("·probe", output.shape.rows, output.shape.cols)
    back = derive(output, list(tangents), seed=probe)
    paired = constant(0)
    for x, t in tangents.items():
        if t.shape != x.shape:
            raise ShapeError(f"jvp: expected a tangent of shape {x.shape} for {x}, received {t.shape}")
        from .ops import total

        paired = paired + total(back.of(x) * t, axis=None)
    forward = derive(simplify(paired), [probe]).of(probe)
    return simplify(substitute(forward, {probe: constant(0, probe.shape)}))
