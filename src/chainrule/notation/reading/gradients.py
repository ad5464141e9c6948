"""∇: the gradient of a cost or of what follows, by the letters below it, and the Hessian ∇²."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ..formula import Call, Formula, Index, Number, Partial, Symbol
from .brackets import Brackets
from .grammar import Factor
from .parts import BRACKETED, COSTS, PARAMETERS, Item, is_two, mentioned, single
from .tokens import FUNCTIONS

_TWO = Number(Fraction(2))


class Gradients(Brackets):
    """Resolves ∇ with what it is taken of."""

    def gradient(self, factor: Factor, items: list[Item], i: int) -> tuple[Formula, int]:
        """`∇_W J`, `∇_W ½‖Wx - y‖²`, `∇J(w)`, `∇W` (of the cost by W) from item i on, and the number of the next."""
        twice, factor = self.squared(factor)
        marks = factor.marks
        below = self.below(factor)
        end = self.end_of_operand(below, factor, items, i)
        if end > i + 1:
            operand, j = self.product([replace(items[i], sign=""), *items[i + 1 : end]]), end
        else:
            operand, j = self.primary(items, i)
        if twice:
            return Call(Symbol("hessian"), (operand,) if below is None else (operand, below)), j
        if below is not None:
            return Partial(operand, below), j
        if isinstance(operand, Call) and len(operand.arguments) == 1 and isinstance(operand.arguments[0], Symbol):
            return Partial(operand, operand.arguments[0]), j
        letter = operand.base if isinstance(operand, Index) else operand
        if isinstance(letter, Symbol) and letter.name in PARAMETERS and not letter.prime and not marks:
            return operand.mapped(lambda x: replace(letter, name=f"d{letter.name}") if x is letter else x), j
        return Call(Symbol("nabla"), (operand,)), j

    def squared(self, factor: Factor) -> tuple[bool, Factor]:
        """Whether a 2 stands above ∇, and the sign without it."""
        squares = [k for k, (kind, x) in enumerate(factor.marks) if kind in ("sup", "power") and is_two(x)]
        if len(squares) != 1:
            return False, factor
        return True, replace(factor, marks=[x for k, x in enumerate(factor.marks) if k != squares[0]])

    def end_of_operand(self, below: Formula | None, factor: Factor, items: list[Item], i: int) -> int:
        """Where ∇_x ends: behind the product of all that stands side by side if x is one of its factors."""
        first = items[i].factor
        if not factor.marks or (first.kind == "name" and first.value in COSTS):
            return i + 1
        end = i + 1
        while end < len(items) and items[end].sign in (" ", "@") and items[end].factor.value != "nabla":
            end += 1
        if first.kind in ("num", "frac"):
            return end
        base = below.base if isinstance(below, Index) else below
        if not isinstance(base, Symbol):
            return i + 1
        applied = first.kind in BRACKETED or (
            first.kind == "name" and (first.value in FUNCTIONS or first.value in self.letters.functions)
        )
        varies = any(base.name in mentioned(x.factor) for x in items[i:end])
        return end if varies and not applied else i + 1

    def below(self, factor: Factor) -> Formula | None:
        """W of `∇_W`, W[2] of `∇_W[2]`."""
        marks = factor.marks
        if [kind for kind, _ in marks] == ["sub"]:
            return self.listed(marks[0][1], factor)
        inner = single(marks[0][1].items[0]) if [kind for kind, _ in marks] == ["sub", "idx"] else None
        if inner is None or len(inner) != 1:
            return None
        f = inner[0].factor
        return self.value(Factor(f.kind, f.value, f.start, f.end, [*f.marks, marks[1]]))
