"""What stands beside a derivation on request: the rules proved by components, and the same result in two ways."""

from __future__ import annotations

from dataclasses import replace

from ...errors import DerivationError
from ...graph import walk
from ...notation.formula import Equation
from ...notation.style import Style
from ..conventions import Conventions
from ..document import Section
from ..subject import SUM_TO_ONE, Subject
from .activations import derivative_of
from .components import layer, operation, slopes_of
from .conditions import column_sums
from .samples import multivariate_chain_rule
from .two_ways import two_ways

COLUMNS = "Samples are columns here, and dZ and dA are the derivatives of the loss of each sample."


def proofs(subject: Subject) -> Section:
    """The chain rule of several variables, the matrix rules in indices, and every activation from its definition."""
    parts: list[Section] = [multivariate_chain_rule()]
    if subject.kind == "expression":
        seen: set[str] = set()
        for node in walk(subject.found.output):
            if any(slopes_of(node)) and node.op.name not in seen and node.op.name != "broadcast":
                seen.add(node.op.name)
                parts.append(operation(node))
    else:
        parts.append(layer("l"))
        parts += [derivative_of(name) for name in dict.fromkeys(_activations(subject))]
    if any(s.rule == SUM_TO_ONE for s in subject.found.steps):
        parts.append(column_sums())
    return in_style(Section("Proofs", "proofs", "", (), tuple(parts)), subject.conventions)


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
    return in_style(two_ways(subject.loss, subject.network.output_activation), subject.conventions)


def in_style(section: Section, conventions: Conventions) -> Section:
    """A section that is written with samples as columns and 1/m at the parameters, for a page of any conventions.

    Where the page writes dZ as ∂C/∂Z, for its dZ is a derivative of the cost, the section's is ∂L/∂Z.
    """
    usual = conventions.samples == "columns" and conventions.place == "parameters" and not conventions.numerator
    prose = section.prose if usual else f"{section.prose} {COLUMNS}".strip()
    if conventions.writing().place == "parameters":
        return replace(section, prose=prose)
    style = Style(conventions.style, "parameters")
    return replace(_written(section, style), prose=prose)


def _written(section: Section, style: Style) -> Section:
    lines = tuple(replace(x, formula=_names(x.formula, style)) for x in section.lines)
    return replace(section, lines=lines, parts=tuple(_written(x, style) for x in section.parts))


def _names(formula: Equation, style: Style) -> Equation:
    """The formula in a style's names, where that style has names of its own for derivatives."""
    found = style.shown(formula) if style.notation in ("leibniz", "components") else formula
    assert isinstance(found, Equation)
    return found


__all__ = ["both_ways", "in_style", "proofs"]
