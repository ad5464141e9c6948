"""The steps of a derivation with the names of its parts: they print by name, and prove themselves in indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..graph import Node, text
from ..reverse import Step

if TYPE_CHECKING:
    from .pages import Page
    from .subject import Subject


@dataclass(frozen=True, eq=False)
class NamedStep(Step):
    """A step of reverse mode in a derivation; equal to the same step without names.

    subject  what is derived
    origin   the step before conventions, with samples as columns
    shown    node -> name, in this step's convention
    """

    subject: Subject = field(repr=False, kw_only=True)
    origin: Step = field(repr=False, kw_only=True)
    shown: Mapping[Node, str] = field(repr=False, kw_only=True)

    def components(self) -> Page:
        """The proof of the step in indices, as a page that prints: `∂L/∂W_ij = Σ_k ∂L/∂z_k ∂z_k/∂W_ij`, contracted.

        A step that applies a law gives the law and its condition; one that adds contributions, the chain rule of
        several variables. Proofs are written with samples as columns.
        """
        from .document import Document
        from .pages import Page
        from .proofs.components import components_of, layer
        from .proofs.explained import in_style
        from .settings import InColumns

        subject = self.subject
        if subject.kind == "layer":
            return Page(Document("", "", (layer("l"),)), subject.conventions.writing(), subject)
        names = {node: n for n, node in reversed(list({**subject.names, **subject.forward}.items()))}
        names = {n: name for n, name in names.items() if not n.is_variable}
        names[subject.found.output] = "S" if _sum_of_losses(subject) else "J"
        section = components_of(self.origin, names)
        if section.setting is None:
            section = replace(section, setting=InColumns())
        section = in_style(section, subject.conventions)
        return Page(Document(f"The step: {self.rule}", "", (section,)), subject.conventions.writing(), subject)

    def __str__(self) -> str:
        by_name = {n: name for n, name in self.shown.items() if n is not self.after and n is not self.before}
        sides = [text(n, by_name, inside=True) for n in (self.before, self.after)]
        of = self.shown.get(self.target, self.target.name if self.target.is_variable else "")
        found = f" of d{of}" if of else ""
        return f"{self.rule}{found}: {sides[0]} → {sides[1]}  ({self.why})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and _content(self) == _content(other)

    def __hash__(self) -> int:
        return hash(_content(self))


def _sum_of_losses(subject: Subject) -> bool:
    c = subject.conventions
    return subject.kind == "network" and not c.one and c.place == "parameters"


def _content(step: Step) -> tuple[object, ...]:
    return step.rule, step.target, step.before, step.after, step.why


__all__ = ["NamedStep"]
