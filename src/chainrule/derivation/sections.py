"""The sections of a derivation's document: forward pass, cost, backward pass, update, laws, every single step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..graph import Node, broadcast_to, rename_dim, substitute, variable
from ..laws import LAWS
from ..notation import write
from ..notation.formula import Call, Formula, Symbol
from ..notation.from_graph import symbol
from ..notation.style import Style, shifted
from .conventions import one_sample
from .document import Document, Line, Section
from .every_step import every_step
from .general import slope
from .lines import Names, Setter
from .subject import SUM_TO_ONE, Subject
from .written import names_of, setter_of, slope_name

_LAWS = {law.name: law for law in LAWS}
_SHOWN_NAME = ("softmax", "log_softmax", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish")


def document(subject: Subject, *, steps: bool = True, only: int | None = None) -> Document:
    """The document of a derivation.

    steps  whether the section of every single step is added
    only   the number of the one layer that is shown
    """
    found = [_forward(subject), _cost(subject), _backward(subject)]
    if subject.kind == "network":
        found.append(_update(subject))
    if only is not None:
        found = [_of_layer(s, only) if s.kind != "cost" else s for s in found]
    found.append(_laws(subject))
    if steps:
        found.append(every_step(subject))
    kept = tuple(s for s in found if s.lines or s.parts or s.prose)
    return Document(subject.title, str(subject.network or subject.found.output), kept)


def _of_layer(section: Section, layer: int) -> Section:
    """The lines about one layer."""
    kept = tuple(x for x in section.lines if f"[{layer}]" in x.label)
    return replace(section, lines=kept)


# Forward and cost --------------------------------------------------------------------------------------------------


def _forward(subject: Subject) -> Section:
    setter, names = setter_of(subject), Names()
    lines: list[Line] = []
    seen: dict[Node, str] = {}
    if subject.kind == "network":
        x = subject.letter("A", 0)
        node = subject.found.names.get(x)
        if node is not None:
            lines.append(setter.line(x, symbol("x" if subject.conventions.one else "X"), shape=node.shape,
                                     rule="definition", why="the input is the activation of layer 0"))  # fmt: skip
    for name, node in subject.forward.items():
        if node in seen:
            right: list[Node | Formula] = [variable(seen[node], node.shape.rows, node.shape.cols)]
        else:
            right = [names.own(node)]
        right = _named_activation(subject, name, right)
        rule, why = _forward_reason(subject, name, node)
        lines.append(setter.line(name, *right, shape=node.shape, rule=rule, why=why))
        seen.setdefault(node, name)
        names.enter(name, node)
    if subject.kind == "network" and lines:
        last = next(reversed(list(subject.forward)))
        yhat = "yhat" if subject.conventions.one else "Yhat"
        shape = subject.forward[last].shape
        node = variable(last, shape.rows, shape.cols)
        lines.append(setter.line(yhat, node, rule="definition", why="the output of the network"))
    return Section("Forward pass" if subject.kind != "expression" else "Parts", "forward", lines=tuple(lines))


def _named_activation(subject: Subject, name: str, right: list[Node | Formula]) -> list[Node | Formula]:
    """`A = relu(Z) = max(Z, 0)` where the activation has a name that its expression does not show."""
    if subject.network is None or subject.conventions.style == "components":
        return right
    known = dict(_layer_activations(subject))
    if subject.kind == "layer" and name == subject.letter("A", "L"):
        output = subject.network.output_activation
        return [Call(Symbol(output), (symbol(subject.letter("Z", "L")),)), *right] if output in _SHOWN_NAME else right
    for layer, activation in known.items():
        single = subject.forward[name].shape.rows == 1  # a soft-max of one unit is 1: nobody means that
        if (
            name == subject.letter("A", layer)
            and activation in _SHOWN_NAME
            and not (single and "softmax" in activation)
        ):
            return [Call(Symbol(activation), (symbol(subject.letter("Z", layer)),)), *right]
    return right


def _layer_activations(subject: Subject) -> Iterator[tuple[int, str]]:
    from .subject import _activations

    if subject.network is not None:
        yield from _activations(subject.network.layers)


def _forward_reason(subject: Subject, name: str, node: Node) -> tuple[str, str]:
    stem = name.partition("[")[0].upper()
    one = subject.conventions.one
    if stem == "Z":
        return "affine map", "weights times what comes in, plus the bias" + ("" if one else " of every sample")
    if stem == "A":
        return "activation", "the activation is applied" + (
            " entry by entry" if node.op.pointwise and node.op.name != "exp" else ""
        )
    return node.op.name, ""


def _cost(subject: Subject) -> Section:
    if subject.cost is None:
        return Section("Cost", "cost")
    name, node = subject.cost
    setter = setter_of(subject)
    if subject.kind == "expression":
        names = Names()
        names.enter_all(subject.forward.items())
        sides = [names.own(node)]
        if subject.given is not None and subject.given is not node:
            sides.insert(0, names.own(subject.given))
        line = setter.line(name, *sides, rule="definition", why="the expression that is differentiated")
        return Section("Expression", "cost", lines=(line,))
    why = (
        f"the loss {subject.loss.name if subject.loss else ''} of one sample"
        if subject.conventions.one
        else f"the mean over the m samples of the loss {subject.loss.name if subject.loss else ''}"
    ).replace("_", "-")
    return Section("Cost", "cost", lines=(setter.line(name, node, rule="definition", why=why),))


# Backward ----------------------------------------------------------------------------------------------------------


def _backward(subject: Subject) -> Section:
    setter, names, found = setter_of(subject), names_of(subject), subject.found
    lines: list[Line] = []
    printed: dict[Node, str] = {}
    rules = _rules(subject)
    early = list(subject.early)

    def add(name: str, *right: Node | Formula, rule: str, why: str, label: str = "") -> None:
        lines.append(setter.line(name, *right, rule=rule, why=why, label=label or name))

    output = [n for n, _ in early if n.upper().startswith("DA[")]
    known = {*found, *output}
    for n, node in early:
        if n in output:
            add(n, node, rule="loss", why="the derivative of the loss by the output")
            lines += _slope_lines(subject, setter, subject.layers)
    for n in found.ordered():
        stem = n.removeprefix("d")
        node = found[n]
        if node in printed and not node.is_constant:
            usual = names.by_name(node).name
            same = printed[node] if usual == n else usual
            add(n, variable(same, node.shape.rows, node.shape.cols), rule="the same", why=_same(setter, n, same))
            continue
        layer = _layer_of(subject, stem)
        if layer is not None and stem == subject.letter("Z", layer):
            upstream = subject.letter("dA", layer)
            if layer in subject.activations and upstream in known:
                if upstream not in output:
                    lines += _slope_lines(subject, setter, layer)
                add(
                    n,
                    variable(upstream, *node.shape) * variable(slope_name(subject, layer), *node.shape),
                    rule="chain rule",
                    why="the activation works entry by entry, so the derivatives are multiplied entry by entry",
                )
            for name, before in early:
                if name == n:
                    add(n, names.own(before), rule="chain rule", why="the derivative of the loss by the logits, before "
                        "anything is assumed of the targets")  # fmt: skip
        if subject.kind == "layer" and stem == subject.letter("Z", "L"):
            for name, before in early:
                if name == n:
                    add(n, names.own(before), rule="chain rule", why="the derivative of the loss by the logits, before "
                        "anything is assumed of the targets")  # fmt: skip
        add(n, names.own(node), rule=rules.get(n, "chain rule"), why=_reason(subject, setter, n))
        if subject.kind == "layer" and stem == subject.letter("Z", "l"):
            dA = found[subject.letter("dA", "l")]
            table = {variable(subject.letter("dA", "l"), *node.shape): dA}
            add(n, substitute(node, table), rule="put together", why="the two lines above in one")
        printed[node] = n
    return Section("Backward pass" if subject.kind != "expression" else "Derivatives", "backward", lines=tuple(lines))


def _slope_lines(subject: Subject, setter: Setter, layer: int) -> list[Line]:
    """`g[1]'(Z[1]) = 1 - A[1]²`, derived from the activation's definition."""
    activation = subject.activations.get(layer)
    if activation is None:
        return []
    Z, A, derivative = slope(activation)
    shape = subject.found.names[subject.letter("Z", layer)].shape
    at = variable(subject.letter("Z", layer), *shape)
    sized = [rename_dim(x, "n", shape.rows) for x in (Z, A, derivative)]
    if subject.conventions.one:
        memo: dict[Node, Node] = {}
        sized = one_sample(sized, memo)
    zed, value, derivative = sized
    names: dict[Node, Node] = {zed: at}
    if value is not zed:
        names = {value: variable(subject.letter("A", layer), *shape), zed: at}
    node = substitute(derivative, names)
    left = slope_name(subject, layer)
    special = setter.named(left)
    line = setter.line(special, broadcast_to(node, shape), rule=activation.replace("_", " "), label=left,
                       why=f"the derivative of the activation {activation}, from its definition")  # fmt: skip
    return [line]


def _layer_of(subject: Subject, stem: str) -> int | None:
    inside = stem.partition("[")[2].rstrip("]")
    return int(inside) if inside.isdigit() else None


def _rules(subject: Subject) -> dict[str, str]:
    """What was applied for each derivative: operations of the chain rule, then laws."""
    found = subject.found
    by_target: dict[Node, dict[str, None]] = {}
    for s in found.steps:
        by_target.setdefault(s.target, {})[s.rule] = None
    rules = {}
    for n in found:
        used = by_target.get(found.names[n.removeprefix("d")], {})
        laws = [r for r in used if r in _LAWS and _LAWS[r].condition and r != "collect like terms"]
        rules[n] = "; ".join(["chain rule", *laws])
    return rules


def _same(setter: Setter, name: str, same: str) -> str:
    return f"{setter.say(name.removeprefix('d'))} and {setter.say(same.removeprefix('d'))} change the cost alike"


def _reason(subject: Subject, setter: Setter, name: str) -> str:
    """One sentence on a derivative of a network."""
    if subject.kind == "expression":
        return "the chain rule from the expression down to this part"
    stem = name.removeprefix("d")
    letter, _, inside = stem.partition("[")
    layer = inside.rstrip("]")
    before, after = (_neighbor(symbol(stem).layer, by) for by in (-1, 1))
    say, one = setter.say, subject.conventions.one
    this, dZ, A = say(stem), say(subject.letter("dZ", layer)), say(subject.letter("A", before))
    sample = "row" if subject.conventions.rows else "column"
    if letter == "W":
        if one:
            return f"each weight acts on one entry of {say(subject.letter('Z', layer))} through one entry of {A}"
        return f"each sample gives the outer product of its {sample}s of {dZ} and {A}, and the matrix product adds them"
    if letter == "b":
        if one:
            return f"{this} is added to the weighted sum as it is"
        return f"{this} is added to every sample, so its derivative adds the {sample}s of {dZ}"
    if letter in ("A", "a"):
        if layer in (str(subject.layers), "L"):
            return "the derivative of the loss by the output"
        return f"{this} enters {say(subject.letter('Z', after))} by the weights, and its derivative comes back by them"
    if letter in ("Z", "z"):
        target = subject.found.names[stem]
        if any(s.rule == SUM_TO_ONE and s.target in _above(subject, target) for s in subject.found.steps):
            return f"1ᵀ{subject.target} = 1ᵀ, which needs: {_LAWS[SUM_TO_ONE].condition}"
        return "the derivative of the activation is inserted"
    return "the chain rule through the equations above"


def _neighbor(layer: Formula | None, by: int) -> str:
    return "" if layer is None else write.text(shifted(layer, by), Style(plain=True)).replace(" ", "")


def _above(subject: Subject, target: Node) -> set[Node]:
    """Unnamed parts between a named one and the cost, and the part itself: for the last layer, where losses fuse."""
    if subject.kind == "layer":
        return set(subject.found.cotangents) if target is subject.found.names[subject.letter("Z", "L")] else set()
    last = subject.forward.get(subject.letter("Z", subject.layers))
    return set(subject.found.cotangents) - set(subject.forward.values()) | {target} if target is last else set()


# Update, laws ------------------------------------------------------------------------------------------------------


def _update(subject: Subject) -> Section:
    setter = setter_of(subject)
    alpha = variable("alpha", 1, 1)
    lines = []
    for n in subject.parameters:
        x = subject.found.names[n]
        step = variable(f"d{n}", *x.shape)
        lines.append(setter.line(n, x - alpha * step, rule="gradient descent", relation="<-", label=f"{n} update",
                                 why="one step of length alpha against the gradient"))  # fmt: skip
    return Section("Update", "update", lines=tuple(lines))


def _laws(subject: Subject) -> Section:
    """The laws that were used, each with its condition."""
    used = dict.fromkeys(s.rule for s in subject.found.steps if s.rule in _LAWS)
    parts = []
    for name in used:
        law = _LAWS[name]
        condition = f" This needs: {law.condition}." if law.condition else ""
        parts.append(Section(name, "law", prose=f"{law.equation}.{condition}"))
    return Section("Laws used", "law", parts=tuple(parts))
