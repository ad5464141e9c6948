"""An expression in letters that mean nothing to a reader, in which its lines are read back.

People call their matrices C, L or Σ and their vectors δ or x₁, which a reader of gradients takes for the cost, for a
sum, for the δ of a layer or for an entry. These letters are exchanged for ones without a meaning, in the lines and in
the expression alike; what is printed differs from what is read in nothing but such a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from ...graph import Node, substitute, variable, walk
from ...notation.formula import Equation, Formula, Symbol
from ...notation.from_graph import symbol
from ...reverse import Derivation, Step
from ..document import Document, Line, Section
from ..settings import InColumns, Numbers
from ..subject import Subject

_UPPER, _LOWER = "XYMNPQRSKVHGDE", "xyvqrstkpc"  # of which a raised or lowered number is no layer
_GREEK = ("alpha", "beta", "gamma", "lambda", "mu", "nu", "rho", "tau", "theta", "omega", "eta", "kappa", "xi", "pi")
_SAFEST = re.compile(f"[{_UPPER}{_LOWER}]")
_SAFE = re.compile(rf"[{_UPPER}{_LOWER}ABWZabwzmnuijo]|[AWZabwz]\[\d+\]|{'|'.join(_GREEK)}")


def spelled(subject: Subject, document: Document, *, every: bool = False) -> tuple[Subject, Document]:
    """The subject and its document in letters that can be read; the same two where they can be already.

    every  also letters that are read well as long as no number stands at them: w¹ is w of layer 1
    """
    if subject.kind != "expression":
        return subject, document
    found = subject.found
    nodes = [found.output, *found.names.values(), *([subject.given] if subject.given is not None else [])]
    names = {n.name: n for x in nodes for n in walk(x) if n.is_variable}
    sizes = {d for x in nodes for n in walk(x) for d in n.shape if isinstance(d, str)}
    cost = subject.cost[0] if subject.cost else "J"
    safe = _SAFEST if every else _SAFE
    unsafe = [n for n in names if safe.fullmatch(n) is None]
    if not unsafe and cost == "J":
        return subject, document
    free = _free({*names, *sizes, "J"})
    table = {n: next(free[n[0].isupper()]) for n in unsafe}
    return _subject(subject, table, names), _document(document, {**table, cost: "J"})


def _free(taken: set[str]) -> dict[bool, Iterator[str]]:
    def letters(pool: str, more: str) -> Iterator[str]:
        yield from (c for c in pool if c not in taken)
        yield from (x for k in count(1) if (x := f"{more}[{k}]") not in taken)

    return {True: letters(_UPPER, "W"), False: letters(_LOWER, "b")}


def _subject(subject: Subject, table: Mapping[str, str], names: Mapping[str, Node]) -> Subject:
    memo: dict[Node, Node] = {}
    real = {n: names[n] for n in table if names[n].get("kind") == "real"}
    nodes = {x: variable(table[n], x.shape.rows, x.shape.cols) for n, x in real.items()}

    def new(x: Node) -> Node:
        return substitute(x, nodes, memo)

    def named(old: Mapping[str, Node]) -> dict[str, Node]:
        return {table.get(n, n): new(x) for n, x in old.items()}

    found = subject.found
    steps = tuple(Step(s.rule, new(s.target), new(s.before), new(s.after), s.why) for s in found.steps)
    cotangents = {new(x): new(c) for x, c in found.cotangents.items()}
    return replace(
        subject,
        forward=named(subject.forward),
        cost=("J", new(subject.cost[1])) if subject.cost else None,
        found=Derivation(new(found.output), cotangents, steps, named(found.names)),
        parameters=tuple(table.get(n, n) for n in subject.parameters),
        early=tuple((_renamed(n, table), new(x)) for n, x in subject.early),
        given=None if subject.given is None else new(subject.given),
        names=named(subject.names),
    )


def _document(document: Document, table: Mapping[str, str]) -> Document:
    letters: dict[Formula, Formula] = {}
    for old, fresh in table.items():
        letters[symbol(old)] = symbol(fresh)
        letters[symbol(f"d{old}")] = symbol(f"d{fresh}")

    def line(x: Line) -> Line:
        formula = _exchanged(x.formula, letters)
        assert isinstance(formula, Equation)
        return replace(x, formula=formula, label=_renamed(x.label, table))

    def section(x: Section) -> Section:
        setting = x.setting
        if setting is not None and not isinstance(setting, Numbers | InColumns):
            return x  # it has letters of its own
        if isinstance(setting, Numbers):
            values: dict[str, Any] = {_renamed(n, table): v for n, v in setting.values.items()}
            setting = Numbers(values, setting.digits)
        return replace(x, lines=tuple(map(line, x.lines)), parts=tuple(map(section, x.parts)), setting=setting)

    return replace(document, sections=tuple(map(section, document.sections)))


def _exchanged(formula: Formula, letters: Mapping[Formula, Formula]) -> Formula:
    def new(x: Formula) -> Formula:
        if isinstance(x, Symbol) and x.prime == 0 and x.sample is None:
            return letters.get(x, x)
        return x

    return formula.mapped(new)


def _renamed(name: str, table: Mapping[str, str]) -> str:
    """`dx_1` as `dq`, where x_1 is q."""
    if name in table:
        return table[name]
    return f"d{table[name[1:]]}" if name[:1] == "d" and name[1:] in table else name


__all__ = ["spelled"]
