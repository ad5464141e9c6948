"""Why each line of a derivation holds, in one sentence that names the quantities it is about."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from ..graph import OPS, Node, constant, size, variable, variables, walk
from ..laws import LAWS
from ..notation import write
from ..notation.formula import Formula
from ..notation.from_graph import function_name, symbol
from ..notation.style import Style, shifted
from ..notation.write import text
from .general import WITHOUT_SLOPE, slope
from .lines import Names, Setter
from .penalties import dense_layers, of_layer
from .replay import is_contribution
from .subject import SUM_TO_ONE, Subject, layer_activations
from .written import slope_name

_LAWS = {law.name: law for law in LAWS}
LOSS_BY_OUTPUT = "with respect to the output, entry by entry"
BEFORE_THE_LAW = "the derivative of the loss with respect to the logits, before anything is assumed of the targets"
ENTRY_BY_ENTRY = "the activation works entry by entry, so the derivatives are multiplied entry by entry"


def loss_name(subject: Subject) -> str:
    """The name of the loss as words."""
    name = subject.loss.name if subject.loss else ""
    return name.replace("cross_entropy", "cross-entropy").replace("_", " ")


def of_cost(subject: Subject) -> str:
    """The cost of a general network in words: the mean of a loss, whose equation is the loss's own."""
    if subject.kind != "layer" or subject.loss is None:
        return ""
    c = subject.conventions
    equation = f"{loss_name(subject)}: `{subject.loss.equation.replace('ℓ', 'L')}`."
    cost = "C" if c.style in ("leibniz", "components") else "J"
    added = _of_layer_penalties(subject)
    if c.one:
        return f"The loss of one sample is {equation}{f' Besides, {added}' if added else ''}"
    return (
        f"The cost {cost} is the mean over the m samples of the loss, {equation}{f' Besides, {added}' if added else ''}"
    )


def _of_layer_penalties(subject: Subject) -> str:
    """The penalty that each layer adds to the cost, as a formula of the style."""
    found = subject.penalties
    if found.whole is None:
        return ""
    spread = subject.objective is not None and subject.objective.spread and not subject.conventions.one
    node = of_layer(variable("W[l]", "n_l", "n_{l-1}"), found.letters, "l", size("m", -1) if spread else None)
    assert node is not None
    setter = Setter(replace(subject.conventions, style="ng"))
    shown = text(setter.whole(node), subject.conventions.writing())
    return f"the penalty `{shown}` is added for every layer l, where {of_penalties(subject)}."


def of_penalties(subject: Subject) -> str:
    """The numbers of the letters before the penalties: λ = 0.01."""
    style = subject.conventions.writing()
    rates = dict(subject.penalties.rates)
    if subject.kind == "layer" and subject.network is not None:
        for letter in subject.penalties.letters.values():
            for i in range(1, len(dense_layers(subject.network.layers)) + 1) if letter.endswith("[]") else ():
                rates.setdefault(letter.replace("[]", f"[{i}]"), 0.0)
    return ", ".join(f"{text(symbol(n), style)} {_as_number(rates[n])}" for n in sorted(rates))


def _as_number(x: float) -> str:
    return f"= {x:.4g}" if float(f"{x:.4g}") == x else f"≈ {x:.4g}"


def activations(subject: Subject) -> dict[int, str]:
    """Layer -> name of its activation, those that do not work entry by entry too."""
    return {} if subject.network is None else dict(layer_activations(subject.network.layers))


def of_single_units(subject: Subject) -> str:
    """A warning of layers whose activation is a constant: a soft-max over one unit."""
    known, said = activations(subject), []
    for layer, activation in known.items():
        general = subject.kind == "layer"
        shown = ("L" if layer == max(known) else "") if general else str(layer)
        node = subject.forward.get(subject.letter("A", shown))
        if activation not in WITHOUT_SLOPE or node is None or subject.network is None:
            continue
        if (subject.network.outputs if general else node.shape.rows) == 1:
            value, name = ("1", "soft-max") if activation == "softmax" else ("0", "logarithm of a soft-max")
            said.append(
                f"Warning: layer {shown} has one unit, and the {name} of one unit is {value} whatever its logit: no "
                "derivative comes back through it. For one probability write `1:sigmoid`."
            )
    return " ".join(said)


def of_forward(subject: Subject, name: str, own: Node) -> tuple[str, str]:
    """Rule and reason of an equation of the forward pass; `own` is its right side with the parts before it by name."""
    if subject.kind == "expression":
        return "definition", "names for parts of the expression"
    stem = name.partition("[")[0].upper()
    one = subject.conventions.one
    sample, feature = ("row", "column") if subject.conventions.rows else ("column", "row")
    if stem == "Z":
        added = "" if one else f", which is added to every {sample}"
        return "affine map", f"the weights times the activations of the layer before, plus the bias{added}"
    batch = own.shape.cols == 1 and not one
    along = (
        f"over the samples, {feature} by {feature}" if batch else f"over the units{'' if one else ' of every sample'}"
    )
    match stem:
        case "A" if own.is_variable and subject.kind == "layer":
            return "activation", "applied entry by entry"
        case "A" if own.is_variable:
            return "activation", "the identity"
        case "A" if _random(name):
            return "dropout", "the mask is applied entry by entry"
        case "A" if _is_entrywise(own):
            return "activation", "applied entry by entry"
        case "A":
            where = f"applied to {'the whole vector' if one else f'every {sample}'}"
            summed = any(n.op.name == "lse" for n in walk(own)) and subject.conventions.style != "components"
            return "activation", where + (_LSE if summed else "")
        case "MU":
            return "mean", along
        case "V":
            return "variance", along
        case "XHAT":
            return "normalization", "to mean 0 and variance 1, up to a small number that keeps the root from 0"
        case "N":
            return "scale and shift", "by trained numbers, one of each for every unit"
        case "D":
            return "dropout mask", "0 where a unit is dropped, else larger than 1, so that the mean stays"
        case "R":
            return "skip connection", "what came in is added again"
        case "E":
            return "embedding", "the column of the table that belongs to the label"
    return own.op.name, ""


_LSE = "; lse is the logarithm of the sum of the exponentials of its entries"  # components write it as such
_EDGES = {
    "step": "step(x) is 1 where x > 0, else 0: where there is no derivative, 0 is taken.",
    "sign": "sign(x) is 1, 0 or -1 as x is positive, 0 or negative: where there is no derivative, 0 is taken.",
}


def of_backward(subject: Subject) -> str:
    """What the letters of the backward pass are derivatives of, in a sentence."""
    c = subject.conventions
    if subject.kind == "expression":
        used = {n.op.name for x in subject.found for n in walk(subject.found[x])}
        return " ".join(said for name, said in _EDGES.items() if name in used)
    J = "C" if c.style in ("leibniz", "components") else "J"
    some = "the loss of a sample" if J == "C" and c.one else "the loss L of a sample"  # which is the cost C there
    some += " times its weight w" if subject.weighted else ""
    if c.style == "delta":
        said = "ε_i = ∂L/∂a_i, δ_i = ∂L/∂z_i and dW_i = ∂L/∂W_i are derivatives of the loss L of one sample."
    elif c.one:
        said = f"All derivatives are those of {some}, of which there is one."
    elif c.place == "dZ":
        said = f"All derivatives are those of the cost {J}, so that 1/m stands in those by the logits and activations."
    else:
        sample = "row" if c.rows else "column"
        said = f"Derivatives by logits and activations are those of {some}, one {sample} per sample"
        said += f"; derivatives by weights and biases are those of the cost {J}."
    return said + (" Each has the transposed shape of its variable (numerator layout)." if c.numerator else "")


def _random(name: str) -> bool:
    return "d" in name.partition("[")[2]


def _is_entrywise(own: Node) -> bool:
    return all(n.op.pointwise or not n.inputs or n.op.name == "broadcast" for n in walk(own))


def rules(subject: Subject) -> dict[str, str]:
    """What was applied for each derivative: operations of the chain rule, then laws."""
    found = subject.found
    by_target: dict[Node, dict[str, None]] = {}
    for s in found.steps:
        by_target.setdefault(s.target, {})[s.rule] = None
    result = {}
    for n in found:
        used = by_target.get(found.names[n.removeprefix("d")], {})
        laws = [r for r in used if r in _LAWS and _LAWS[r].condition and r != "collect like terms"]
        result[n] = "; ".join(["chain rule", *laws])
    return result


def of_same(setter: Setter, name: str, same: str) -> str:
    """Why two derivatives are one."""
    a, b = setter.say(name.removeprefix("d")), setter.say(same.removeprefix("d"))
    if name.removeprefix("d")[:1] == "b":
        return f"{a} is added to {b}, so the cost changes alike with both"
    return f"the cost changes alike with {a} and {b}"


def of_slope(activation: str, setter: Setter, at: str) -> str:
    """Why g' is what it is; where a step stands in it, what that is."""
    _, _, derivative = slope(activation)
    if not any(n.op.name == "step" for n in walk(derivative)):
        return "from its definition"
    z = setter.say(at)
    return f"from its definition; step({z}) is 1 where {z} > 0, else 0: at 0 there is no derivative, and 0 is taken"


def of_derivative(subject: Subject, setter: Setter, name: str) -> str:
    """One sentence on a derivative of a network."""
    if subject.kind == "expression":
        stem = name.removeprefix("d")
        return _by_parts(subject, setter, stem) or _down_to(subject, setter, subject.found.names[stem])
    stem = name.removeprefix("d")
    letter, _, inside = stem.partition("[")
    layer = inside.rstrip("]")
    say, one = setter.say, subject.conventions.one
    this, Z, dZ = say(stem), subject.letter("Z", layer), say(subject.letter("dZ", layer))
    sample = "row" if subject.conventions.rows else "column"
    if letter == "W":
        before = say(_input_of(subject, layer))
        added = "; the rest is the derivative of the penalty" if _is_penalized(subject, stem) else ""
        if one:
            return f"each weight acts on one entry of {say(Z)} through one entry of {before}{added}"
        outer = f"each sample gives the outer product of its {sample}s of"
        return f"{outer} {dZ} and {before}, and the matrix product adds them{added}"
    if letter == "b":
        if one:
            return f"{this} is added to the weighted sum as it is"
        return f"{this} is added to every {sample} of {say(Z)}, so its derivative adds the {sample}s of {dZ}"
    if letter in ("A", "a") and layer in (str(subject.layers), "L"):
        return "the derivative of the loss with respect to the output"
    if stem in ("A[0]", "a[0]"):
        return "not needed for training: it would go on to whatever made the input"
    if letter in ("Z", "z"):
        target = subject.found.names[stem]
        if any(s.rule == SUM_TO_ONE and s.target in _above(subject, target) for s in subject.found.steps):
            condition = _LAWS[SUM_TO_ONE].condition
            if subject.labels and subject.kind == "network" and subject.network is not None:
                there = f"`one_hot({subject.target}, {subject.network.outputs})`"
                return f"{there} has a single 1{'' if one else f' in every {sample}'}: its entries sum to one"
            Y = "y" if one else "Y"
            ones = f"{Y} 1 = 1" if subject.conventions.rows else f"1ᵀ{Y} = 1{'' if one else 'ᵀ'}"
            each = "the entries sum" if one else f"every {sample} sums"
            return f"since {ones}, {each} to one: {condition}"
        if layer.isdigit() and int(layer) in subject.activations:
            slope_there = say(slope_name(subject, int(layer)))
            if any(n.upper() == f"DA[{layer}]" for n, _ in subject.early):
                dA = say(subject.letter("dA", layer))
                return f"{dA} and {slope_there} are inserted, and common factors cancel"
            return f"{slope_there} is inserted"
        if subject.kind == "layer" and layer == "l":
            return ENTRY_BY_ENTRY
        return "the chain rule through the activation of the output"
    return _through(subject, setter, stem)


def _is_penalized(subject: Subject, name: str) -> bool:
    found = subject.penalties
    if subject.kind == "layer":
        return found.whole is not None
    return found.whole is not None and name in variables(found.whole)


_OPERATIONS = {
    "add": "the addition", "broadcast": "", "divide": "the quotient", "exp": "the exponential function",
    "log": "the logarithm", "lse": "the log-sum-exp", "matmul": "the matrix product", "multiply": "the product",
    "negate": "the sign", "power": "the power", "subtract": "the difference", "sum": "the sum",
    "transpose": "the transpose",
}  # fmt: skip


def _by_parts(subject: Subject, setter: Setter, stem: str) -> str:
    """The named parts of an expression that read a letter, through which its derivative comes back."""
    users = [n for n, read in _reads(subject) if stem in read]
    if not users:
        return ""
    node, names = subject.found.output, Names()
    names.enter_all(subject.forward.items())
    told = [setter.say(n) for n in users] + (["the expression"] if stem in variables(names.own(node)) else [])
    if len(told) == 1:
        return f"{setter.say(stem)} enters {told[0]}, and its derivative comes back through it"
    return f"{setter.say(stem)} enters {', '.join(told[:-1])} and {told[-1]}: what comes back through each is added"


def _down_to(subject: Subject, setter: Setter, target: Node) -> str:
    """The operations on the way from an expression to a part of it, from outside in."""
    if subject.found.of(target) is constant(0, target.shape):
        return f"the expression does not change with {setter.say(target.name)}, where it has a derivative"
    way = [s for s in subject.found.steps if is_contribution(s) and s.rule in OPS and target in set(walk(s.target))]
    names = (_OPERATIONS.get(s.rule, f"`{function_name(s.rule)}`") for s in way)
    found = [x for x in dict.fromkeys(names) if x]
    if not found:
        return "the chain rule from the expression down to this part"
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    order = "" if len(found) == 1 else ", from outside in"
    several = sum(s.target is target for s in way) > 1
    this = setter.say(target.name) if target.is_variable else ""
    added = f"; {this} occurs more than once, and what comes back from each place is added" if several else ""
    return f"the chain rule through {listed}{order}{added if target.is_variable else ''}"


def _through(subject: Subject, setter: Setter, stem: str) -> str:
    """A quantity enters those of the forward pass that read it, and its derivative comes back through them."""
    users = [n for n, read in _reads(subject) if stem in read]
    if not users and subject.kind == "layer":
        users = [subject.letter("Z", _neighbor(symbol(stem).layer, 1))]
    if not users:
        return "the chain rule through the equations above"
    this, said = setter.say(stem), [setter.say(n) for n in users]
    if len(users) == 1 and users[0][:1] in "Zz" and users[0][1:2] == "[":
        return f"{this} enters {said[0]} by the weights, and its derivative comes back by them"
    if len(users) == 1:
        return f"{this} enters {said[0]}, and its derivative comes back through it"
    return f"{this} enters {', '.join(said[:-1])} and {said[-1]}: what comes back through each is added"


@lru_cache(maxsize=32)
def _reads_of(forward: tuple[tuple[str, Node], ...]) -> tuple[tuple[str, frozenset[str]], ...]:
    names, found = Names(), []
    seen: dict[Node, str] = {}
    for name, node in forward:
        found.append((name, frozenset([seen[node]] if node in seen else variables(names.own(node)))))
        names.enter(name, node)
        seen.setdefault(node, name)
    return tuple(found)


def _reads(subject: Subject) -> tuple[tuple[str, frozenset[str]], ...]:
    """What each equation of the forward pass reads by name."""
    return _reads_of(tuple(subject.forward.items()))


def _input_of(subject: Subject, layer: str) -> str:
    """The activations that a layer multiplies with its weights."""
    own = {f"W[{layer}]", f"b[{layer}]"}
    read = dict(_reads(subject)).get(subject.letter("Z", layer), frozenset()) - own
    return next(iter(read)) if len(read) == 1 else subject.letter("A", _neighbor(symbol(f"W[{layer}]").layer, -1))


def _neighbor(layer: Formula | None, by: int) -> str:
    return "" if layer is None else write.text(shifted(layer, by), Style(plain=True)).replace(" ", "")


def _above(subject: Subject, target: Node) -> set[Node]:
    """Unnamed parts between a named one and the cost, and the part itself: for the last layer, where losses fuse."""
    if subject.kind == "layer":
        return set(subject.found.cotangents) if target is subject.found.names[subject.letter("Z", "L")] else set()
    last = subject.forward.get(subject.letter("Z", subject.layers))
    return set(subject.found.cotangents) - set(subject.forward.values()) | {target} if target is last else set()


__all__ = [
    "BEFORE_THE_LAW",
    "ENTRY_BY_ENTRY",
    "LOSS_BY_OUTPUT",
    "loss_name",
    "of_backward",
    "of_derivative",
    "of_forward",
    "of_penalties",
    "of_same",
    "of_slope",
    "rules",
]
