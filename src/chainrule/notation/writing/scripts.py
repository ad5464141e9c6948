"""One line of Unicode with raised exponents and lowered limits, where Unicode has such signs: `x²`, `Σₖ₌₁ᵐ`."""

from __future__ import annotations

from ..formula import Binary, Bound, Call, Formula, Negate, Number, Symbol
from .ascii import Unicode
from .forms import looks_indexed
from .signs import POWER, RAISED, lowered, raised


class Scripts(Unicode):
    """What a terminal and a report for people have in common."""

    letters_raised = False  # whether xⁿ is a power of x, not the entry or the layer n of it

    def power(self, f: Binary) -> str:
        exponent = self.tight(f.right).removeprefix("(").removesuffix(")")
        # x^(2 - 1) would be the number of a sample to a reader
        kinds = (Number, Binary, Negate, Symbol) if self.letters_raised else (Number, Binary, Negate)
        above = raised(exponent) if all(isinstance(x, kinds) for x in f.right.parts) else None
        if above is None:
            return super().power(f)
        body, binding = self.put(f.left)
        apart = looks_indexed(f, self.style) or body.endswith("ᵀ") or isinstance(f.left, Call | Number)
        body = self.brackets(body) if apart or body[-1:] in RAISED.values() else self.within(body, binding, POWER + 1)
        return f"{body}{above}"

    def sigma(self, b: Formula, big: str) -> str:
        assert isinstance(b, Bound)
        below = lowered(self.bound(b).replace(" ", ""))
        if below is None:
            return super().sigma(b, big)
        if b.upper is None:
            return f"{big}{below}"
        upper = self.tight(b.upper)
        above = raised(upper)
        return f"{big}{below}{above}" if above else super().sigma(b, big)


__all__ = ["Scripts"]
