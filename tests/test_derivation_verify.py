"""Verification: every line of a page is tried, wide networks on small twins, and a wrong line anywhere is found."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import pytest

from chainrule.derivation import derive
from chainrule.derivation.document import Line, Section
from chainrule.derivation.pages import Page
from chainrule.derivation.verify import verify
from chainrule.notation import write
from chainrule.notation.formula import Array, Equation, Negate, Number


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("2-2:sigmoid-1:sigmoid", {}),
        ("3-2:gelu-2:softmax", {"samples": "rows"}),
        ("3-2:silu-2:softmax", {"style": "leibniz", "place": "dZ"}),
        ("3-2:relu-1:sigmoid", {"style": "components", "samples": "one"}),
        ("3-2:mish-2", {"style": "delta"}),
        ("3-2:tanh-2", {"layout": "numerator", "samples": "rows"}),
        ("3-4:batchnorm:gelu-3:elu-2:softmax", {}),
    ],
)
def test_every_line_of_a_whole_page_is_verified(text: str, options: dict[str, object]) -> None:
    page = derive(text, **options).page(steps=True, proofs=True, two_ways=True, numbers=True)  # type: ignore[arg-type]
    report = page.verify().check()
    assert report.unverified == ()
    assert report.lines == sum(1 for _ in page.document.every_line()) > 100
    assert report.read == 2 * report.lines


@pytest.mark.parametrize("part", ["proofs", "two_ways", "numbers"])
def test_a_wrong_line_anywhere_on_a_page_is_found(part: str) -> None:
    """Each line beside the derivation in turn, with the sign of its last side turned."""

    d = derive("2-2:sigmoid-1:sigmoid")
    page = d.page(**{part: True})  # type: ignore[arg-type]
    last = page.document.sections[-1]

    def turned(line: Line) -> Line:
        *rest, side = line.formula.sides
        wrong = Array(tuple(map(Negate, side.entries)), side.columns) if isinstance(side, Array) else Negate(side)
        return replace(line, formula=Equation((*rest, wrong), line.formula.relations))

    def with_turned(section: Section, k: int) -> Section:
        lines = list(section.lines)
        if 0 <= k < len(lines):
            lines[k] = turned(lines[k])
        k -= len(lines)
        parts = []
        for p in section.parts:
            parts.append(with_turned(p, k))
            k -= sum(1 for _ in p.every_line())
        return replace(section, lines=tuple(lines), parts=tuple(parts))

    every = list(last.every_line())
    for k, line in list(enumerate(every))[:: {"proofs": 9, "two_ways": 5, "numbers": 3}[part]]:
        if line.formula.relations[0] == ":=":  # what is defined may be anything
            continue
        side = line.formula.sides[-1]
        if isinstance(side, Number) and side.value == 0:
            continue
        wrong = Page(replace(page.document, sections=(with_turned(last, k),)), page.style, page.subject)
        report = wrong.verify()
        found = {f.number for f in (*report.failures, *report.unverified)}  # some have no value when they are wrong
        assert found == {k + 1}, (write.text(line.formula), str(report))


def test_numbers_that_are_rounded_wrongly_are_found() -> None:

    page = derive("2-1:sigmoid").page(numbers=True)
    section = page.document.sections[-1]
    k, line = next((k, x) for k, x in enumerate(section.lines) if x.label == "A[1]")
    (*rest, value) = line.formula.sides
    assert isinstance(value, Array)
    first = value.entries[0]
    assert isinstance(first, Number)
    off = Array((Number(first.value + Fraction(1, 10000)), *value.entries[1:]), value.columns)
    lines = list(section.lines)
    lines[k] = replace(line, formula=Equation((*rest, off), line.formula.relations))
    wrong = Page(replace(page.document, sections=(replace(section, lines=tuple(lines)),)), page.style, page.subject)
    report = wrong.verify()
    assert {f.number for f in report.failures} == {k + 1}
    assert "off by" in report.failures[0].message


@pytest.mark.parametrize(
    "text",
    ["784-64:sigmoid-10:softmax", "784-128:relu-64:relu-10:softmax", "300-200:layernorm:tanh-200:batchnorm:relu-1"],
)
def test_wide_networks_verify_on_a_small_twin(text: str) -> None:
    start = time.process_time()
    report = derive(text).verify().check()
    assert report.unverified == ()
    assert time.process_time() - start < 4  # 1 s on a quiet machine
    assert report.worst < 1e-10


def test_a_wrong_line_of_a_wide_network_is_found() -> None:

    d = derive("784-64:sigmoid-10:softmax")
    doc = d.document(steps=False)
    section = doc.sections[2]
    wrong = tuple(
        replace(x, formula=Equation((x.formula.sides[0], Negate(x.formula.sides[1])), ("=",)))
        if x.label == "dW[1]"
        else x
        for x in section.lines
    )
    report = verify(d.subject, replace(doc, sections=(*doc.sections[:2], replace(section, lines=wrong))))  # type: ignore[arg-type]
    assert {f.printed.split()[0] for f in report.failures} == {"dW[1]", "dW^{[1]}"}
