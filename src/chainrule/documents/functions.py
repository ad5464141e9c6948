"""Functions that a text lists, one letter for all: `g(z) = tanh(z)`, `g'(z) = 1 - g(z)^2`, then `g(z) = max(0, z)`, …

Such a line is about the function alone, whatever network stands beside it; g' is that of the definition before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.formula import Binary, Call, Equation, Formula, Symbol
from ..notation.reading.tokens import COMPARISONS, FUNCTIONS
from .anew import is_slip
from .report import Entry

_BEGINS = re.compile(r"\s*\\?([A-Za-z]+)(?:\\left)?\s*\(\s*[A-Za-z]\s*(?:\\right)?\)\s*=")


@dataclass
class Functions:
    """What the functions of one variable are that a text has defined so far, by their letter.

    known  the definition as it was written; empty where the last one could not be read or is given in pieces
    """

    known: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)  # where it was defined

    def unread(self, text: str) -> None:
        """A line that cannot be read: what it defines is not known any more."""
        match = _BEGINS.match(text)
        if match is not None and match[1] in self.known:
            self.known[match[1]] = ""

    def told(self, equation: Equation, entry: Entry, judge: Callable[[Declared], Judgement], like: Declared) -> Entry:
        """The entry of a statement; another where it is about a listed function alone.

        judge  judges the statement under a declaration
        like   the declaration of its letters
        """
        name = function_alone(equation)
        if not name or (entry.judgement is not None and defines(equation) and is_slip(entry.judgement)):
            return entry
        before = self.known.get(name)
        plain = entry.status == "definition" or entry.verdict in ("right", "right if")
        if defines(equation) or (in_pieces(equation) and not plain):
            pieces = not defines(equation)
            if not plain and before and not pieces:
                again = self._judged(before, entry, judge, like)
                if again.judgement is not None and is_slip(again.judgement):
                    return again
            self.known[name] = "" if pieces else entry.found.formula
            self._lines[name] = entry.found.line
            why = f"{name} is defined {'in pieces ' if pieces else ''}here"
            return entry if plain else Entry(entry.found, "definition", why=why)
        if before is None or entry.judgement is None or entry.verdict == "right":
            return entry
        if not before:
            note = f"what {name} is in the lines before is not known for every number"
            unknown = replace(entry.judgement, verdict="cannot tell", condition="", causes=(), others=(), note=note)
            return replace(entry, judgement=unknown, mended=None)
        told = self._judged(before, entry, judge, like)
        beside = entry.found.line - self._lines.get(name, 0) <= 1  # further on another g may be meant
        return told if told.verdict == "right" or beside or not plain else entry

    def _judged(self, definition: str, entry: Entry, judge: Callable[[Declared], Judgement], like: Declared) -> Entry:
        """The entry of a statement under a definition alone."""
        told = judge(replace(like, network=NO_NETWORK, loss=None, definitions=(definition,)))
        return Entry(entry.found, "judged", replace(told, text=entry.found.text))


def function_alone(equation: Equation) -> str:
    """g where an equation is about one function of the text, its derivative and the letters it is taken of."""
    parts = list(equation.parts)
    calls = [p for p in parts if isinstance(p, Call) and isinstance(p.function, Symbol)]
    own = {p.function.name for p in calls if isinstance(p.function, Symbol) and p.function.name not in FUNCTIONS}
    main = _named(_unconditional(equation.sides[0]))
    functions = {p.function for p in calls}
    bare = all(p.layer is None and p.sample is None for p in parts if isinstance(p, Symbol))
    taken_of = {x for p in calls if _named(p) == main for x in p.arguments}
    letters = {p for p in parts if isinstance(p, Symbol)} - functions
    variables = all(isinstance(x, Symbol) for x in taken_of) and len(taken_of) == 1
    return main if main in own and bare and variables and letters == taken_of else ""


def defines(equation: Equation) -> bool:
    """Whether an equation says what a function is: g(z) = …, without g on its right side."""
    left = equation.sides[0]
    name = _named(left)
    if not isinstance(left, Call) or len(equation.sides) != 2 or equation.relations[0] not in ("=", ":="):
        return False
    called = [p.function for p in equation.sides[1].parts if isinstance(p, Call)]
    plain = all(isinstance(f, Symbol) and not f.prime and f.name != name for f in called)
    return isinstance(left.function, Symbol) and not left.function.prime and plain


def in_pieces(equation: Equation) -> bool:
    """`g(z) = z for z > 0`, which the reader gives as `[z > 0] g(z) = [z > 0] z`."""
    plain = [_unconditional(side) for side in equation.sides]
    if len(plain) != 2 or any(a is b for a, b in zip(plain, equation.sides, strict=True)):
        return False
    return defines(Equation((plain[0], plain[1]), equation.relations))


def _unconditional(side: Formula) -> Formula:
    """The value of `[z > 0] * value`."""
    match side:
        case Binary(left=Call(function=Symbol(name=name)), right=value) if name in COMPARISONS.values():
            return value
    return side


def _named(f: Formula) -> str:
    return f.function.name if isinstance(f, Call) and isinstance(f.function, Symbol) else ""
