"""The penalties of a cost with their factors as letters: λ/2 ΣW² and not 0.0102/2 ΣW².

The equations of the penalties are the layers' own, taken at the factor 1; a letter is multiplied with them. Where all
layers have one factor it is λ, else λ[l] in layer l; where both kinds stand in one cost, that of Σ|W| is κ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ..graph import Node, constant, substitute, variable, variables
from ..laws import simplify
from ..laws.ring import coefficient
from ..nn import Dense, Network, Objective
from ..nn.layers import Layer, Skip
from ..reverse import Derivation, Step, derive

KINDS = ("l2", "l1")  # λ/2 ΣW² and λ Σ|W|
PENALTY = ("lambda", "kappa")  # names of their factors


@dataclass(frozen=True)
class Penalties:
    """R of J = S · scale + R, and the numbers of the letters in it.

    letters  kind -> letter, `lambda`, or `lambda[]` where layers differ; a kind that no layer has is not there
    """

    whole: Node | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)


def penalties(objective: Objective, scale: Node) -> Penalties:
    """The penalties of an objective; `scale` (1/m) is a factor of them where they are spread over the samples."""
    rates = _rates(objective.network)
    if not any(any(x.values()) for x in rates):
        return Penalties()
    letters = _letters(rates)
    sums: dict[str, Node] = {}
    found: dict[str, float] = {}
    for kind, letter in letters.items():
        for p in _of_factor_one(objective.network, kind):
            layer = next(int(n[2:-1]) if n[0] == "W" else 1 for n in variables(p))  # V[k], of embeddings, is layer 1
            name = _in_layer(letter, layer)
            found[name] = rates[layer - 1][kind]
            sums[name] = sums[name] + p if name in sums else p
    whole: Node | None = None
    for name, x in sums.items():
        term = _multiple(variable(name, 1, 1), x, scale if objective.spread else None)
        whole = term if whole is None else whole + term
    return Penalties(whole, found, letters)


def with_penalties(found: Derivation, penalty: Node) -> Derivation:
    """What reverse mode found of S · scale, with the derivatives of R added at the parameters, as the last steps."""
    own = {
        x: simplify(c, every=True) for x, c in derive(penalty, _weights(penalty)).cotangents.items() if x.is_variable
    }
    steps, cotangents, entered = list[Step](), dict(found.cotangents), set[Node]()
    for s in found.steps:
        if s.rule == "cost" and s.target in own:
            entered.add(s.target)
            s = Step(s.rule, s.target, s.before, s.after + own[s.target], s.why)
            cotangents[s.target] = simplify(s.after)
        steps.append(s)
    for x in (x for x in own if x not in entered):
        whole = found.of(x) + own[x]
        steps.append(Step("cost", x, found.of(x), whole, "the penalties on the weights are added"))
        cotangents[x] = simplify(whole)
    return Derivation(found.output, cotangents, tuple(steps), found.names)


def _weights(penalty: Node) -> list[Node | str]:
    return [x for n, x in variables(penalty).items() if n.startswith(("W[", "V["))]


def of_layer(W: Node, letters: Mapping[str, str], layer: str, scale: Node | None) -> Node | None:
    """The penalties on the weights of one layer of any size, in the letters of `penalties`."""
    whole: Node | None = None
    for kind, letter in letters.items():
        term = _multiple(variable(_in_layer(letter, layer), 1, 1), _on(W, kind), scale)
        whole = term if whole is None else whole + term
    return whole


@lru_cache(maxsize=16)
def _on(W: Node, kind: str) -> Node:
    """A layer's own equation of a penalty at the factor 1, for weights W."""
    (p,) = _of_factor_one(Network(1, (_with_factor(Dense(1), kind, 1.0),)), kind)
    (own,) = variables(p).values()
    return substitute(p, {own: W})


def _multiple(rate: Node, x: Node, scale: Node | None) -> Node:
    """λ/2 · (…): the numbers of a penalty stand below its letter."""
    c, powers, rest = coefficient(simplify(x))
    if rest is None:
        return rate * x
    if scale is not None and scale.is_constant:
        d, others, _ = coefficient(scale)
        return (rate / constant(1 / (c * d), powers=tuple((n, -p) for n, p in (*powers, *others)))) * rest
    factor = rate if c == 1 else rate / constant(1 / c)
    return factor * rest if scale is None else factor * rest * scale


def _rates(network: Network) -> list[dict[str, float]]:
    return [{k: float(getattr(x, k)) for k in KINDS} for x in dense_layers(network.layers)]


def dense_layers(layers: Sequence[Layer]) -> list[Dense]:
    """The dense layers in order, those inside skip connections too."""
    found: list[Dense] = []
    for x in layers:
        found += [x] if isinstance(x, Dense) else dense_layers(x.layers) if isinstance(x, Skip) else []
    return found


def _letters(rates: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """Kind -> its letter, `lambda`, or `lambda[]` where layers differ."""
    kinds = [k for k in KINDS if any(x[k] for x in rates)]
    names = dict(zip(kinds, PENALTY, strict=False))
    return {k: names[k] if len({x[k] for x in rates}) == 1 else f"{names[k]}[]" for k in kinds}


def _in_layer(letter: str, layer: int | str) -> str:
    return letter.replace("[]", f"[{layer}]")


def _of_factor_one(network: Network, kind: str) -> tuple[Node, ...]:
    """The penalties of one kind, each at the factor 1."""

    def changed(layers: Sequence[Layer]) -> tuple[Layer, ...]:
        found: list[Layer] = []
        for x in layers:
            if isinstance(x, Dense):
                x = _with_factor(x, kind, 1.0 if getattr(x, kind) else 0.0)
            elif isinstance(x, Skip):
                x = replace(x, layers=changed(x.layers))
            found.append(x)
        return tuple(found)

    return Network(network.inputs, changed(network.layers), network.embeddings).forward(training=True).penalties


def _with_factor(layer: Dense, kind: str, factor: float) -> Dense:
    return replace(layer, l1=factor if kind == "l1" else 0.0, l2=factor if kind == "l2" else 0.0)


__all__ = ["KINDS", "Penalties", "dense_layers", "of_layer", "penalties", "with_penalties"]
