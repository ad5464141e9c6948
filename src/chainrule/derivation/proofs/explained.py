"""What stands beside a derivation on request: the rules proved by components, and the same result in two ways."""

from __future__ import annotations

import re
from dataclasses import replace

from ...errors import DerivationError
from ...graph import variable, walk
from ...notation import write
from ...notation.formula import Binary, Bound, Equation, Formula, Index, Symbol, Transpose
from ...notation.from_graph import symbol
from ...notation.style import Style
from ..conventions import Conventions
from ..document import Section
from ..subject import SUM_TO_ONE, Subject
from .activations import derivative_of, logarithm
from .components import layer
from .conditions import column_sums
from .operations import operation, slopes_of
from .samples import multivariate_chain_rule
from .two_ways import two_ways

COLUMNS = "Here samples are columns, derivatives have the shape of their variable, and 1/m stands at the parameters."
_MEANING = {
    "ng": "`d` before a letter stands for the derivative by it: `dz` is `∂L/∂z`, and `dW` is that of the cost.",
    "delta": "`ε_l` is `∂L/∂a_l`, and `δ_l` is `∂L/∂z_l`.",
}
_NAME = re.compile(r"\bd?(?:[WbAZazg]|Yhat|yhat)\[[^\[\]]*\]")  # the library's, as a section of proofs writes them
_SUMMAND = re.compile(r"\b([uv])(?= = [a-z]\b)")
_VECTORS = ("a", "z", "da", "dz", "x")
_LETTERS = {"u": "r", "v": "t"}  # raised in Unicode, for the style that puts indices above


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
        alone = subject.conventions.one and subject.kind == "layer"
        general = layer("l", alone=alone)
        if subject.conventions.one and not alone:
            general = replace(general, parts=general.parts[:1])
        meaning = _MEANING.get(subject.conventions.style, "")
        if subject.penalties.whole is not None:
            meaning = (
                f"{meaning} Penalties are left out here: the derivative of each is added to what is found.".strip()
            )
        parts.append(replace(general, prose=f"{general.prose} {meaning}".strip()))
        parts += [derivative_of(name) for name in dict.fromkeys(_activations(subject))]
        parts += [logarithm()] if _has_logarithm(subject) else []
    found = in_style(Section("Proofs", "proofs", "", (), tuple(parts)), subject.conventions)
    if any(s.rule == SUM_TO_ONE for s in subject.found.steps):
        found = replace(found, parts=(*found.parts, in_letters(column_sums(subject.conventions), subject.conventions)))
    return found


def _has_logarithm(subject: Subject) -> bool:
    if subject.loss is None:
        return False
    term = subject.loss.per_sample(variable("a", 1, 1), variable("y", 1, 1))
    return any(n.op.name == "log" for n in walk(term))


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

    Where the page writes dZ as ∂C/∂Z, for its dZ is a derivative of the cost, the section's is ∂L/∂Z. Letters in titles
    and reasons become those of the style, and the cost has one letter.
    """
    usual = not conventions.rows and conventions.place == "parameters" and not conventions.numerator
    prose = section.prose if usual else f"{section.prose} {COLUMNS}".strip()
    return in_letters(replace(section, prose=prose), conventions)


def in_letters(section: Section, conventions: Conventions) -> Section:
    """A section with 1/m at the parameters in the letters of the page's style."""
    return _written(section, Style(conventions.style, "parameters"), conventions.writing())


def _written(section: Section, style: Style, page: Style) -> Section:
    def said(words: str) -> str:
        if style.notation == "delta":
            words = _SUMMAND.sub(lambda m: _LETTERS[m[1]], words)
        return _NAME.sub(lambda m: write.text(symbol(m[0]), style), words) if style.notation != "ng" else words

    lines = tuple(replace(x, formula=_names(x.formula, style, page), why=said(x.why)) for x in section.lines)
    parts = tuple(_written(x, style, page) for x in section.parts)
    return replace(section, title=said(section.title), prose=said(section.prose), lines=lines, parts=parts)


def _names(equation: Equation, style: Style, page: Style) -> Equation:
    """The formula with one letter for the cost, and in a style's names where the page would take others."""
    found: Formula = equation
    if style.notation in ("leibniz", "components"):
        found = found.mapped(lambda x: Symbol("C") if x == Symbol("J") else x)
        found = style.shown(found) if page.place != "parameters" else found
    elif style.notation == "delta":
        found = found.mapped(_raisable)
    assert isinstance(found, Equation)
    return _without_repetition(found, style)


def _raisable(part: Formula) -> Formula:
    """Of the second source: indices above, and u ⊗ v for u vᵀ."""
    if isinstance(part, Binary) and part.sign == "@" and isinstance(part.right, Transpose):
        pair = (part.left, part.right.operand)
        if all(isinstance(x, Symbol) and x.name in _VECTORS for x in pair):
            return Binary("⊗", *pair)
    if isinstance(part, Index):
        return replace(part, entries=tuple(_letter(x) for x in part.entries))
    return replace(part, index=_letter(part.index)) if isinstance(part, Bound) and part.index is not None else part


def _letter(part: Formula) -> Formula:
    return Symbol(_LETTERS.get(part.name, part.name)) if isinstance(part, Symbol) and part.layer is None else part


def _without_repetition(equation: Equation, style: Style) -> Equation:
    """Sides that a style writes alike, such as dz and ∂L/∂z, once."""
    sides, relations = [equation.sides[0]], []
    for relation, side in zip(equation.relations, equation.sides[1:], strict=True):
        if len(equation.sides) == 2 or write.text(side, style) != write.text(sides[-1], style):
            sides.append(side)
            relations.append(relation)
    return Equation(tuple(sides), tuple(relations)) if len(sides) > 1 else equation


__all__ = ["both_ways", "in_style", "proofs"]
