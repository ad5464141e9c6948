"""Formulas in one line of a terminal as a book prints them: `∂C/∂W⁽²⁾ᵢⱼ`, `zₖ₊₁`, `Σₖ`, `(1 + exp(-z))⁻²`, `ln`, `σ`.

Unicode has raised and lowered forms of a few letters only. What has none stands in brackets behind its letter,
`W[q, j]`, as it does in the names by which the library calls its quantities; layers of the style "ng" always stand so:
`dW[2]`.
"""

from __future__ import annotations

from dataclasses import replace

from ...notation.formula import Array, Binary, Call, Formula, Index, Symbol, Transpose
from ...notation.letters import Letters
from ...notation.style import Style
from ...notation.writing.forms import is_scalar
from ...notation.writing.scripts import Scripts
from ...notation.writing.signs import ATOM, ENTRIES, lowered, raised

_NAMES = {"sigmoid": "σ", "log": "ln"}  # functions whose sign every text knows


def plain_line(formula: Formula, style: Style) -> str:
    """The formula as one line of a terminal."""
    return Terminal(style).whole(style.shown(formula))


def letters_of(style: Style) -> Letters:
    """What a reader has to know to read such a line: the layer of "components" stands in raised parentheses."""
    found = style.letters
    return replace(found, layer="parentheses") if style.notation == "components" else found


class Terminal(Scripts):
    """Unicode with raised layers, lowered indices and the names of functions that mathematics has."""

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self.letters_raised = style.notation != "delta"

    def compound(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent.replace(' ', '')}}}"

    def symbol(self, f: Symbol, entries: tuple[Formula, ...]) -> str:
        if self.style.notation == "delta":
            return self.in_delta(f, entries)
        name = self.name(f.name) + self.layer(f)
        name += self.primes(f.prime)
        if f.sample is not None:
            name += raised(f"({self.tight(f.sample)})") or f"({self.tight(f.sample)})"
        if len(entries) == 1 and f.layer is None and f.sample is None:  # behind a bare letter, [q] is its layer
            only = self.tight(entries[0])
            return name + (lowered(only) or (f"_{only}" if len(only) == 1 else f"_{{{only}}}"))
        return name + self.entries(entries)

    def layer(self, f: Symbol) -> str:
        if f.layer is None:
            return ""
        number = self.tight(f.layer)
        above = raised(f"({number})") if self.style.notation != "ng" else None
        return (lowered(number) if f.name == "n" else above) or f"[{number}]"

    def entries(self, entries: tuple[Formula, ...]) -> str:
        if not entries:
            return ""
        shown = [self.tight(x) for x in entries]
        single = len(shown) == 1 or all(len(x) == 1 for x in shown)
        return (lowered("".join(shown)) if single else None) or f"[{', '.join(shown)}]"

    def in_delta(self, f: Symbol, entries: tuple[Formula, ...]) -> str:
        """z₂ of layer 2, ε₂ᵏ its component k: the second source puts layers below and components above."""
        if f.layer is None:
            return super().symbol(f, entries)
        below = lowered(self.tight(f.layer))
        if below is None:
            return super().symbol(f, entries)
        body = self.name(f.name) + self.primes(f.prime) + below
        if f.sample is not None:
            body += f"({self.tight(f.sample)})"
        if not entries:
            return body
        shown = [self.tight(x) for x in entries]
        above = raised("".join(shown)) if all(len(x) == 1 for x in shown) and f.sample is None else None
        return f"{body}{above}" if above else f"{body}[{', '.join(shown)}]"

    def indexed(self, f: Index) -> str:
        body, binding = self.put(f.base)
        if isinstance(f.base, Transpose):
            body = self.brackets(body)
        found = (
            self.entries(f.entries) if self.style.notation != "delta" else f"[{', '.join(map(self.tight, f.entries))}]"
        )
        return f"{self.within(body, binding, ATOM)}{found}"

    def sign(self, f: Binary, a: str, b: str) -> str:
        if self.style.notation == "leibniz" and f.sign in ENTRIES and not is_scalar(f.left):
            return " ⊙ "
        return super().sign(f, a, b)

    def call(self, f: Call) -> tuple[str, int]:
        if isinstance(f.function, Symbol) and f.function.name in _NAMES and not f.names:
            inside = ", ".join(self.arguments(f)[0])
            return f"{_NAMES[f.function.name]}{self.primes(f.function.prime)}({inside})", ATOM
        return super().call(f)

    def array(self, f: Array) -> str:
        if f.columns != 1 or len(f.entries) < 2:
            return super().array(f)
        return f"[{'; '.join(self.whole(x) for x in f.entries)}]"


__all__ = ["letters_of", "plain_line"]
