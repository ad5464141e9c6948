"""What stands beside a derivation on request: the rules proved by components, and the same result in two ways."""

from __future__ import annotations

from ...errors import DerivationError
from ...graph import walk
from ..document import Section
from ..subject import SUM_TO_ONE, Subject
from .activations import derivative_of
from .components import layer, operation
from .conditions import column_sums
from .samples import multivariate_chain_rule
from .two_ways import two_ways


def proofs(subject: Subject) -> Section:
    """The chain rule of several variables, the matrix rules in indices, and every activation from its definition."""
    parts: list[Section] = [multivariate_chain_rule()]
    if subject.kind == "expression":
        seen: set[str] = set()
        for node in walk(subject.found.output):
            if node.inputs and node.op.name not in seen and node.op.name != "broadcast":
                seen.add(node.op.name)
                parts.append(operation(node))
    else:
        parts.append(layer("l"))
        parts += [derivative_of(name) for name in dict.fromkeys(_activations(subject))]
    if any(s.rule == SUM_TO_ONE for s in subject.found.steps):
        parts.append(column_sums())
    return Section("Proofs", "proofs", "", (), tuple(parts))


def _activations(subject: Subject) -> list[str]:
    names = list(subject.activations.values())
    if subject.network is not None:
        names.append(subject.network.output_activation)
    return [n for n in names if n not in ("identity", "custom")]


def both_ways(subject: Subject) -> Section:
    """The derivative of the loss by the last logits by the chain rule and by substitution, shown to meet.

    Raises `DerivationError` for an expression, which has no output activation to substitute.
    """
    if subject.network is None or subject.loss is None:
        raise DerivationError("two ways need a network with an output activation and a loss")
    return two_ways(subject.loss, subject.network.output_activation)


__all__ = ["both_ways", "proofs"]
