"""The section of every single step: contributions, laws one by one, and what was found."""

from __future__ import annotations

from ..graph import Node, Shape
from ..graph.shape import show
from ..notation import write
from ..notation.formula import Equation
from ..reverse import Step
from .document import Line, Section
from .lines import Names, Setter
from .replay import is_contribution
from .subject import Subject
from .written import names_of, setter_of


def every_step(subject: Subject) -> Section:
    """All steps as lines: contributions of the uses, then each law as before = after, then what was found."""
    setter, names, found = setter_of(subject), names_of(subject), subject.found
    named = {node: n for n, node in reversed(list(found.names.items()))}
    definitions: list[Line] = []
    for target, label in numbered_parts(subject).items():
        named[target] = label
        definitions.append(setter.line(label, names.own(target), rule="name", why="a part of the expression"))
        names.enter(label, target)
    groups: dict[Node, list[Step]] = {}
    for s in found.steps:
        groups.setdefault(s.target, []).append(s)
    written = dict.fromkeys(named.values(), 1)
    parts = []
    entered = set(names._of)
    for target, steps in groups.items():
        name = named.get(target, target.name if target.is_variable else "")
        if target is found.output:
            continue
        label = f"d{name}"
        cotangent = found.cotangents[target]
        lines = _group(setter, names, label if name else "", steps, cotangent)
        if name and cotangent not in entered and label not in written:
            names.enter(label, cotangent)
            entered.add(cotangent)
        parts.append(Section(setter.say(label) if name else "A part without a name", "step", lines=tuple(lines)))
    first = Section("Names of parts", "step", prose="u[1], u[2], … number parts of the expression, not layers.",
                    lines=tuple(definitions))  # fmt: skip
    every = ((first,) if definitions else ()) + tuple(p for p in parts if p.lines)
    return Section("Every step", "steps", parts=every)


def numbered_parts(subject: Subject) -> dict[Node, str]:
    """Unnamed parts that the steps go through, from the input on: u[1], u[2], …"""
    found = subject.found
    if subject.kind == "layer":
        return {}
    named = set(found.names.values())
    targets = dict.fromkeys(s.target for s in found.steps)
    rest = [t for t in reversed(targets) if t not in named and not t.is_variable and t is not found.output]
    rest = [t for t in rest if t.op.name != "broadcast"]  # what is repeated is written as itself
    return {t: f"u[{k}]" for k, t in enumerate(rest, start=1)}


def _group(setter: Setter, names: Names, label: str, steps: list[Step], cotangent: Node) -> list[Line]:
    lines: list[Line] = []
    uses = [s for s in steps if is_contribution(s)]
    has_cost = any(s.rule == "cost" for s in steps)
    current: Node | None = None
    for s in uses:
        current = s.after if current is None else current + s.after
    if label and current is not None and uses and not has_cost:
        rule = "; ".join(dict.fromkeys(s.rule for s in uses))
        why = uses[0].why if len(uses) == 1 else "a part used several times adds the contributions of its uses"
        lines.append(setter.line(label, _shown(names, current, label), rule=rule, why=why))
    for s in steps:
        if s.rule == "cost":
            rule = "; ".join([*dict.fromkeys(u.rule for u in uses), "mean"])
            lines.append(setter.line(label, names.own(s.after), rule=rule, why=s.why))
        elif not is_contribution(s) and s.rule != "sum over uses":
            before, after = (setter.convention(names.own(x), False) for x in (s.before, s.after))
            left, right = setter.whole(before), setter.whole(after)
            if write.text(left) != write.text(right):
                shape = after.shape
                lines.append(Line(Equation((left, right), ("=",)), s.rule, s.why, _shape(shape), ""))
    if label and any(not is_contribution(s) for s in steps):
        last = setter.line(label, _shown(names, cotangent, label), rule="result", why="the laws applied one by one")
        if not lines or lines[0].formula != last.formula:
            lines.append(last)
    return lines


def _shape(shape: Shape) -> tuple[str, str]:
    return show(shape.rows), show(shape.cols)


def _shown(names: Names, node: Node, label: str) -> Node:
    """A right side: by name if it is called otherwise than the left side."""
    named = names.by_name(node)
    return named if named.is_variable and named.name != label and not node.is_variable else names.own(node)
