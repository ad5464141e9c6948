"""The sections of a derivation's document: forward pass, cost, backward pass, update, laws, every single step."""

from __future__ import annotations

from dataclasses import replace

from ..graph import Node, broadcast_to, rename_dim, substitute, variable, variables, walk
from ..laws import LAWS
from ..laws.ring import RING
from ..notation.formula import Call, Formula, Symbol
from ..notation.from_graph import symbol
from . import reasons
from .conventions import one_sample
from .document import Document, Line, Section
from .every_step import every_step
from .general import slope
from .lines import Names, Setter
from .subject import Subject
from .turned import turned
from .written import names_of, names_of_parts, setter_of, slope_name

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
    kept = tuple(turned(s, subject.conventions) for s in found if s.lines or s.parts or s.prose)
    name = str(subject.network) if subject.network else subject.title
    return Document(subject.title, f"of the network {name}" if subject.kind == "layer" else name, kept)


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
            given = symbol("x" if subject.conventions.one else "X")
            samples = "" if subject.conventions.one else f", one sample in each {_sample(subject)},"
            why = f"the input{samples} counts as the activations of layer 0"
            lines.append(setter.line(x, given, shape=node.shape, rule="definition", why=why))
    for name, node in subject.forward.items():
        own = variable(seen[node], node.shape.rows, node.shape.cols) if node in seen else names.own(node)
        right = _named_activation(subject, name, own)
        rule, why = reasons.of_forward(subject, name, own)
        if subject.kind == "expression" and lines:
            rule, why = "", ""  # said once
        lines.append(setter.line(name, *right, shape=node.shape, rule=rule, why=why))
        seen.setdefault(node, name)
        names.enter(name, node)
    if subject.kind == "network" and lines:
        last = next(reversed(list(subject.forward)))
        yhat = "yhat" if subject.conventions.one else "Yhat"
        shape = subject.forward[last].shape
        node = variable(last, shape.rows, shape.cols)
        lines.append(setter.line(yhat, node, rule="definition", why="the output of the network"))
    title = "Forward pass" if subject.kind != "expression" else "Parts"
    prose = _sizes(subject) if subject.kind == "expression" and lines else reasons.of_single_units(subject)
    return Section(title, "forward", prose, lines=tuple(lines))


def _named_activation(subject: Subject, name: str, own: Node) -> list[Node | Formula]:
    """`A = relu(Z) = max(Z, 0)` where the activation has a name that its expression does not show."""
    right: list[Node | Formula] = [own]
    if subject.network is None or subject.conventions.style == "components":
        return right
    known = reasons.activations(subject)
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


def _cost(subject: Subject) -> Section:
    if subject.cost is None:
        return Section("Cost", "cost", prose=reasons.of_cost(subject))
    name, node = subject.cost
    setter = setter_of(subject)
    if subject.kind == "expression":
        names = Names()
        names.enter_all(subject.forward.items())
        sides = [names.own(node)]
        if subject.given is not None:
            told = [subject.given, node] if _is_another(subject.given, node) else [subject.given]
            sides = [names.own(x) for x in told]
        line = setter.line(name, *sides, rule="definition", why="the expression that is differentiated")
        return Section("Expression", "cost", "" if subject.forward else _sizes(subject), lines=(line,))
    loss = reasons.loss_name(subject)
    if subject.conventions.one:
        why = f"the loss of one sample, {loss}"
    elif subject.weighted:
        why = f"the mean over the samples, weighted by w, of the loss, {loss}"
    else:
        why = f"the mean over the m samples of the loss, {loss}"
    if subject.penalties.whole is not None:
        why += f", plus the penalties on the weights; {reasons.of_penalties(subject)}"
    if subject.objective is not None and subject.objective.labels and not subject.labels:
        why += "; Y is 1 at the label of each sample and 0 elsewhere"
    return Section("Cost", "cost", lines=(setter.line(name, node, rule="cost", why=why),))


def _is_another(given: Node, node: Node) -> bool:
    """Whether the laws made other functions of an expression, or dropped letters: not only another order of terms."""

    def content(x: Node) -> set[str]:
        return {n.name if n.is_variable else n.op.name for n in walk(x) if n.op.name not in (*RING, "broadcast")}

    return content(given) != content(node)


def _sample(subject: Subject) -> str:
    return "row" if subject.conventions.rows else "column"


def _sizes(subject: Subject) -> str:
    """`W is p × q, x is q × 1.`"""
    found = {
        x.name: x.shape for x in walk(subject.found.output if subject.given is None else subject.given) if x.is_variable
    }
    say = setter_of(subject).say
    turned_shapes = {n: s.T if subject.conventions.rows else s for n, s in found.items() if s != (1, 1)}
    shapes = [f"`{say(n)}` is {s}" for n, s in turned_shapes.items()]
    return f"{', '.join(shapes)}." if shapes else ""


# Backward ----------------------------------------------------------------------------------------------------------


def _backward(subject: Subject) -> Section:
    setter, names, found = setter_of(subject), names_of(subject), subject.found
    of_parts = names_of_parts(subject) if subject.kind == "expression" and subject.forward else names
    lines: list[Line] = []
    printed: dict[Node, str] = {}
    rules = reasons.rules(subject)
    early = list(subject.early)

    def add(name: str, *right: Node | Formula, rule: str, why: str, label: str = "") -> None:
        lines.append(setter.line(name, *right, rule=rule, why=why, label=label or name))

    output = [n for n, _ in early if n.upper().startswith("DA[")]
    known = {*found, *output}
    for n, node in early:
        if n in output:
            add(n, node, rule="derivative of the loss", why=reasons.LOSS_BY_OUTPUT)
            lines += _slope_lines(subject, setter, subject.layers)
    for n in _in_order(subject, found.ordered(), names, of_parts):
        stem = n.removeprefix("d")
        node = found[n]
        own = of_parts if stem in subject.forward else names
        if node in printed and not node.is_constant:
            usual = names.by_name(node)
            same = printed[node] if not usual.is_variable or usual.name == n else usual.name
            add(
                n,
                variable(same, node.shape.rows, node.shape.cols),
                rule="the same",
                why=reasons.of_same(setter, n, same),
            )
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
                    why=reasons.ENTRY_BY_ENTRY,
                )
        if (layer is not None and stem == subject.letter("Z", layer)) or stem == subject.letter("Z", "L"):
            for name, before in early:
                if name == n and names.own(before) is not names.own(node):
                    add(n, names.own(before), rule="chain rule", why=reasons.BEFORE_THE_LAW)
        add(n, own.own(node), rule=rules.get(n, "chain rule"), why=reasons.of_derivative(subject, setter, n))
        if subject.kind == "layer" and stem == subject.letter("Z", "l"):
            dA = found[subject.letter("dA", "l")]
            table = {variable(subject.letter("dA", "l"), *node.shape): dA}
            add(n, substitute(node, table), rule="put together", why="the two lines above in one")
        printed[node] = n
    title = "Backward pass" if subject.kind != "expression" else "Derivatives"
    return Section(title, "backward", reasons.of_backward(subject), lines=tuple(lines))


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
    why = reasons.of_slope(activation, setter, subject.letter("Z", layer))
    rule = f"derivative of {activation.replace('_', ' ')}"
    return [setter.line(setter.named(left), broadcast_to(node, shape), rule=rule, why=why, label=left)]


def _in_order(subject: Subject, order: list[str], names: Names, of_parts: Names) -> list[str]:
    """The derivatives as they are written: of an expression each behind those by whose names it is written."""
    if subject.kind != "expression":
        return _in_layers(subject, order)
    own = {n: of_parts if n.removeprefix("d") in subject.forward else names for n in order}
    reads = {n: variables(own[n].own(subject.found[n])) for n in order}
    rest, found = list(order), list[str]()
    while rest:
        n = next((n for n in rest if not any(x in reads[n] for x in rest if x != n)), rest[0])
        rest.remove(n)
        found.append(n)
    return found


def _in_layers(subject: Subject, names: list[str]) -> list[str]:
    """Of each layer dZ, dW, db one after the other; dA[0], for which no parameter waits, last."""
    entry = subject.letter("dA", 0)
    rest = [n for n in names if n != entry]
    for layer in range(1, subject.layers + 1):
        dZ = subject.letter("dZ", layer)
        own = [n for n in (f"dW[{layer}]", f"db[{layer}]") if n in rest]
        if dZ in rest:
            rest = [n for n in rest if n not in own]
            at = rest.index(dZ) + 1
            rest[at:at] = own
    return rest + ([entry] if entry in names else [])


def _layer_of(subject: Subject, stem: str) -> int | None:
    inside = stem.partition("[")[2].rstrip("]")
    return int(inside) if inside.isdigit() else None


# Update, laws ------------------------------------------------------------------------------------------------------


def _update(subject: Subject) -> Section:
    setter = setter_of(subject)
    alpha = variable("alpha", 1, 1)
    lines: list[Line] = []
    for n in subject.parameters:
        x = subject.found.names[n]
        step = variable(f"d{n}", *x.shape)
        rule, why = ("", "") if lines else ("gradient descent", "a step against the gradient; α is the learning rate")
        lines.append(setter.line(n, x - alpha * step, rule=rule, why=why, relation="<-", label=f"{n} update"))
    return Section("Update", "update", lines=tuple(lines))


def _laws(subject: Subject) -> Section:
    """The laws that were used, each with its condition."""
    used = dict.fromkeys(s.rule for s in subject.found.steps if s.rule in _LAWS)
    parts = []
    for name in used:
        law = _LAWS[name]
        condition = f" Condition: {law.condition}." if law.condition else ""
        parts.append(Section(name, "law", prose=f"{law.equation}.{condition}"))
    return Section("Laws used", "law", parts=tuple(parts))
