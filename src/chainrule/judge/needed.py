"""What a formula needs of a network where none is declared: its loss, the activation of its output, or of a layer.

It was found to hold in a few networks, each with activations and a loss of its own. One of these is changed at a time;
what can be changed is no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..notation.formula import Equation, Symbol
from .attempt import Attempt
from .worlds import MORE_PAIRS, PAIRS, stretched

_LOSSES = ("quadratic", "sum_of_squares")
_OWN_LOSS = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}
_SPOKEN = {"quadratic": "half the sum of squares", "sum_of_squares": "the sum of squares"}
_OUTPUTS = ("identity", "tanh", "sigmoid")
_HIDDEN = ("tanh", "softplus", "sigmoid", "silu")


@dataclass(frozen=True)
class _Network:
    """Activations, layer by layer, and a loss."""

    activations: tuple[str, ...]
    loss: str

    @property
    def output(self) -> str:
        return self.activations[-1]

    def with_layer(self, layer: int, activation: str) -> _Network:
        """Another activation in one layer, counted from 0."""
        new = (*self.activations[:layer], activation, *self.activations[layer + 1 :])
        return replace(self, activations=new)


def needed(attempt: Attempt, cases: Sequence[str]) -> str:
    """What the networks have in common in which it holds, in words that end "right if …"; empty where nothing is known.

    cases  names of the pairs of output and loss in which it holds
    """
    pairs: dict[str, list[str]] = {}
    for hidden, output, loss in PAIRS + MORE_PAIRS:
        name = f"{output} with {loss.replace('_', ' ')}"
        if name in cases:
            at = _Network((*stretched(hidden, attempt.depth - 1), output), loss)
            kind, what = _of(attempt, at)
            if not what:
                return ""
            pairs.setdefault(kind, []).append(what)
    return " or ".join(kind + " or ".join(dict.fromkeys(found)) for kind, found in pairs.items())


def needed_alike(attempt: Attempt, activation: str) -> str:
    """The layers that must have the activation that all have in the network in which it holds."""
    loss = attempt.declared.loss or _OWN_LOSS.get(activation, "quadratic")
    kind, what = _of(attempt, _Network((activation,) * attempt.depth, loss))
    return kind + what if what else f"all activations are {activation}"


def _of(attempt: Attempt, at: _Network) -> tuple[str, str]:
    """The words for what is needed: before what differs from network to network, and that itself."""
    if not _holds(attempt, at):
        return "", ""
    loss = any(not _holds(attempt, other) for other in _other_losses(attempt, at))
    output = any(not _holds(attempt, other) for other in _other_outputs(attempt, at))
    last = attempt.depth - 1
    layers = [k for k in range(last) if not all(_holds(attempt, at.with_layer(k, x)) for x in _others(at, k))]
    matching = f"{at.output} with {at.loss.replace('_', ' ')}"
    words = [f"layer {k + 1} is {at.activations[k]}" for k in layers]
    if len(layers) == last > 1:
        words = [f"all hidden layers are {at.activations[0]}"] if len(set(at.activations[:-1])) == 1 else words
    before = "".join(f"{x}, and " for x in words)
    if loss and output:
        return f"{before}the output layer and the loss match: ", matching
    if loss:
        return f"{before}the loss is ", _SPOKEN.get(at.loss, at.loss.replace("_", " "))
    if output:
        return f"{before}the activation of the output layer is ", at.output
    return "", ", and ".join(words)


def _holds(attempt: Attempt, at: _Network) -> bool:
    string = "-".join(["3", *(f"{k + 4}:{x}" for k, x in enumerate(at.activations))])
    declared = replace(attempt.declared, network=string, loss=at.loss)
    return replace(attempt, declared=declared).survey().everywhere


def _others(at: _Network, layer: int) -> Iterator[str]:
    yield from [x for x in _HIDDEN if x != at.activations[layer]][:2]


def _other_losses(attempt: Attempt, at: _Network) -> Iterator[_Network]:
    if not _names(attempt.tree) & {"Y", "y"} and not _of_a_loss(attempt.tree):
        return
    own = _OWN_LOSS.get(at.output)
    for loss in (*_LOSSES, *([own] if own else [])):
        if loss != at.loss:
            yield replace(at, loss=loss)


def _other_outputs(attempt: Attempt, at: _Network) -> Iterator[_Network]:
    last = attempt.depth - 1
    if at.loss in _LOSSES:
        for output in _OUTPUTS:
            if output != at.output:
                yield at.with_layer(last, output)
    elif not attempt.numbers:
        yield at.with_layer(last, "sigmoid" if at.output == "softmax" else "softmax")
    elif at.output == "sigmoid":
        yield replace(at.with_layer(last, "tanh"), loss="quadratic")


def _names(tree: Equation) -> set[str]:
    return {x.name for x in tree.parts if isinstance(x, Symbol)}


def _of_a_loss(tree: Equation) -> bool:
    """It names a loss or a derivative of one."""
    names = _names(tree)
    return bool(names & {"L", "J", "C", "ell"}) or any(n[:1] == "d" and n[1:] for n in names)
