"""A false line is named as false: lines of every kind are broken, one way or another, and verification must fail them.

"Not verified" is not enough: a line that could not be tried says nothing, a line that is wrong has to be called wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import chainrule as cr
from chainrule.derivation.document import Document, Line, Section
from chainrule.derivation.pages import Page
from chainrule.notation import write
from chainrule.notation.formula import Binary, Call, Equation, Formula, Negate, Number, Symbol, Transpose

TWO = Number(Fraction(2))
EVERYTHING = {"proofs": True, "two_ways": True, "steps": True, "numbers": True}
PAGES: list[tuple[str, dict[str, Any], dict[str, bool]]] = [
    ("4-3:sigmoid-1:sigmoid", {}, EVERYTHING),
    ("4-3:tanh-2:softmax", {"style": "leibniz", "samples": "rows", "layout": "numerator"}, EVERYTHING),
    ("784-64:relu-10:softmax", {"style": "components"}, {"proofs": True, "steps": True}),
    ("4-5:layernorm:gelu:dropout=0.2-3", {"place": "dZ"}, {"proofs": True, "two_ways": True, "steps": True}),
    ("4-3:tanh-2:softmax", {"layer": "l"}, {"proofs": True, "two_ways": True}),
    ("4-3:sigmoid-1:sigmoid", {"layer": "l", "style": "delta"}, {"proofs": True}),
    ("sum((W @ x - y)**2)", {"wrt": "W"}, {"proofs": True, "steps": True, "numbers": True}),
]


def page(given: str, conventions: dict[str, Any], sections: dict[str, bool]) -> Page:
    return cr.derive(given, **conventions).page(**sections)


def with_lines(document: Document, change: Callable[[Line], Line]) -> Document:
    def below(section: Section) -> Section:
        lines = tuple(change(x) for x in section.lines)
        return replace(section, lines=lines, parts=tuple(below(x) for x in section.parts))

    return replace(document, sections=tuple(below(x) for x in document.sections))


def is_definition(line: Line) -> bool:
    return line.formula.relations[0] == ":="


def last_doubled(line: Line) -> Line:
    *before, last = line.formula.sides
    return replace(line, formula=replace(line.formula, sides=(*before, Binary("·", TWO, last))))


def last_negated(line: Line) -> Line:
    *before, last = line.formula.sides
    return replace(line, formula=replace(line.formula, sides=(*before, Negate(last))))


@pytest.mark.parametrize(
    ("given", "conventions", "sections", "broken"),
    [*((*x, last_doubled) for x in PAGES), ("3-2:tanh-1:sigmoid", {}, {"two_ways": True}, last_negated)],
)
def test_every_broken_line_fails(
    given: str, conventions: dict[str, Any], sections: dict[str, bool], broken: Callable[[Line], Line]
) -> None:
    shown = page(given, conventions, sections)
    document = with_lines(shown.document, lambda x: x if is_definition(x) else broken(x))
    report = replace(shown, document=document).verify()
    failed = {f.number for f in report.failures}
    lines = list(enumerate(document.every_line(), start=1))
    missed = [(n, write.text(x.formula)) for n, x in lines if n not in failed and not is_definition(x)]
    assert not missed
    assert not report.ok


def edits(formula: Formula) -> Iterator[Formula]:
    """One place changed: a transpose left out, a layer too high, g for g', a sign turned, a product entry by entry."""
    for path, part in formula.walk():
        match part:
            case Transpose(operand=operand):
                yield formula.replaced(path, operand)
            case Symbol(layer=Number(value=value)):
                yield formula.replaced(path, replace(part, layer=Number(value + 1)))
            case Symbol(layer=Symbol()):
                yield formula.replaced(path, replace(part, layer=Binary("+", part.layer, Number(Fraction(1)))))
            case Call(function=Symbol(prime=1) as g):
                yield formula.replaced(path, replace(part, function=replace(g, prime=0)))
            case Binary(sign="-"):
                yield formula.replaced(path, replace(part, sign="+"))
            case Binary(sign="@"):
                yield formula.replaced(path, Binary("@", part.right, part.left))


@pytest.mark.parametrize(
    ("given", "conventions"),
    [
        ("4-3:sigmoid-2:tanh", {}),
        ("4-3:tanh-2:softmax", {"samples": "rows"}),
        ("4-3:sigmoid-2:softmax", {"layer": "l"}),
        ("4-3:softplus-2", {"style": "delta"}),
    ],
)
def test_a_small_mistake_in_the_backward_pass_fails(given: str, conventions: dict[str, Any]) -> None:
    """Every edit of every right side: each is false, so each has to fail, be it by its value or by its shape."""
    shown = page(given, conventions, {})
    backward = next(s for s in shown.document.sections if s.kind == "backward")
    wrong: list[Line] = []
    for line in backward.lines:
        *before, last = line.formula.sides
        for new in edits(last):
            if new != last:
                equation = Equation((*before, new), line.formula.relations)
                wrong.append(replace(line, formula=equation))
    assert len(wrong) > 15
    document = Document("", shown.document.subject, (replace(backward, lines=tuple(wrong)),))
    report = replace(shown, document=document).verify()
    failed = {f.number for f in report.failures}
    assert [write.text(x.formula) for n, x in enumerate(wrong, start=1) if n not in failed] == []


@pytest.mark.parametrize(("given", "name"), [("4-3:sigmoid-1:sigmoid", "u"), ("4-3:sigmoid-1:sigmoid", "z")])
def test_a_broken_definition_fails_what_rests_on_it(given: str, name: str) -> None:
    shown = page(given, {}, {"proofs": True, "two_ways": True})
    document = with_lines(
        shown.document, lambda x: last_doubled(x) if is_definition(x) and x.formula.sides[0] == Symbol(name) else x
    )
    assert document != shown.document
    assert not replace(shown, document=document).verify().ok
