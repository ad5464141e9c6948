"""Where a document writes the numbers of layers, seen from its formulas where its header does not say."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..notation.reading.tokens import SUBSCRIPTS, SUPERSCRIPTS
from .found import Found
from .header import Notation, Stretch
from .tex import words

_FONTS = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|vec|mathrm|mathit|mathsf|mathcal|hat|tilde|bar|pmb|bf)(?![A-Za-z])\s*(?:\{\s*(\\?\w+)\s*\})?"
)
_BRACES = re.compile(r"\{\s*(\\?[A-Za-z]+)\s*\}(?=\s*[\^_])")


def _script(name: str) -> str:
    """What stands above or below a letter: in braces, or one sign."""
    return rf"(?:\{{(?P<{name}>[^{{}}]*)\}}|(?P<{name}1>\\[A-Za-z]+|\w))"


_LETTER = re.compile(
    rf"(?P<base>\\[A-Za-z]+|[A-Za-zα-ωΑ-Ω])['′]*\s*(?:_\s*{_script('low')}\s*)?(?:\^\s*{_script('up')}\s*)?"
    rf"(?:_\s*{_script('below')})?"
)
_BRACKETED = re.compile(r"\^\s*\{?\s*\[|(?<![A-Za-z])d?[WbZAza]\d?\s*\[\s*(?:l|L|\d|i|k)\b")
_WEIGHTS = words("W w b B Theta theta θ Θ dW db")
_QUANTITIES = _WEIGHTS | words("a z h A Z H delta δ dz da dZ dA g f")
_TURNED = re.compile(r"(?:[T⊤]|top|intercal|'|prime)+$")
_COMMANDS = re.compile(r"\\(?:top|intercal|prime|mathsf|mathrm)(?![A-Za-z])|[\s\\]|[{}]")
_SAID = {
    "parentheses": "the numbers in parentheses above letters",
    "superscript": "the numbers above letters",
    "subscript": "the numbers below letters",
}


@dataclass(frozen=True)
class _Seen:
    """A letter with what stands above and below it."""

    base: str
    up: str
    low: str


def infer(found: Sequence[Found], stretches: Sequence[Stretch]) -> tuple[list[Stretch], list[str]]:
    """The stretches with the place of layers that their formulas show, and a sentence for each that was inferred."""
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number and f.syntax != "code"]
        notations = [n for _, n in stretch.readings]
        place, numbers = _place(f.formula for f in here) if all(map(_is_open, notations)) else ("", frozenset())
        if place == "subscript" and any("_" in theirs for n in notations for theirs, _ in n.letters):
            place = ""
        if place:
            said.append(f"line {here[0].line}: {_SAID[place]} are read as those of layers")
            readings = ((name, replace(n, layer=place, layers=tuple(sorted(numbers)))) for name, n in stretch.readings)
            stretch = replace(stretch, readings=tuple(readings))
        new.append(stretch)
    return new, said


def _is_open(notation: Notation) -> bool:
    """Whether nothing is declared of where layers and components stand."""
    return notation.layer == "brackets" and notation.component == "subscript" and notation.network != "none"


def _place(formulas: Iterable[str]) -> tuple[str, frozenset[str]]:
    """Where layers stand, empty for brackets and for what is not certain; and the letters that count them."""
    texts = [_plain(f) for f in formulas]
    if any(_BRACKETED.search(t) for t in texts):
        return "", frozenset()
    seen = [x for t in texts for x in _letters(t)]
    weights = [x for x in seen if x.base in _WEIGHTS]
    if any(_in_parentheses(x.up) for x in weights) or any(
        re.match(r"\([A-Za-zℓ][+-]1\)|\(L\)", x.up) for x in seen if x.base in _QUANTITIES
    ):
        return "parentheses", frozenset()
    counted = {x.base for x in seen if re.fullmatch(r"\([lkdℓ][+-]1\)|\(L\)", x.up)}
    if len(counted) > 1:  # of letters of the document's own
        return "parentheses", frozenset()
    above = [x for x in seen if x.base in _QUANTITIES and _counts(x.up)]
    shifted = {x.up[0] for x in above if len(x.up) > 1 and x.base not in _WEIGHTS}  # w^{t+1} is the next step
    if shifted and any(x.base in _WEIGHTS and x.up[0] in shifted | {"l", "L"} for x in above):
        return "superscript", frozenset()
    below = [x for x in seen if x.base in _QUANTITIES and not x.up and _counts(x.low, digits=True)]
    shifted = {x.low[0] for x in below if len(x.low) > 1 and x.base not in _WEIGHTS}
    others = {x.low for x in below if x.base not in _WEIGHTS}
    matrices = [x for x in below if x.base in ("W", "Theta", "Θ")]
    if any(x.low[0] in shifted or (x.low.isdigit() and x.low in others) for x in matrices):
        last = {x.low for x in below if x.low.isupper() and x.low.lower() in shifted}  # a_D, where d = 1, …, D
        return "subscript", frozenset(shifted | last | {"l", "L"})
    return "", frozenset()


def _in_parentheses(script: str) -> bool:
    return re.fullmatch(r"\((?:[A-Za-z]|\d)(?:[+-]\d)?\)", script) is not None


def _counts(script: str, *, digits: bool = False) -> bool:
    """`l`, `l-1`, `L`, and `2` where numbers count too."""
    return re.fullmatch(r"[lLkitdDK](?:[+-][12])?" + (r"|\d" if digits else ""), script) is not None


def _letters(text: str) -> Iterator[_Seen]:
    for match in _LETTER.finditer(text):
        part = {k: v or "" for k, v in match.groupdict().items()}
        low = part["low"] or part["low1"] or part["below"] or part["below1"]
        yield _Seen(part["base"].lstrip("\\"), _bare(part["up"] or part["up1"]), _bare(low))


def _bare(script: str) -> str:
    """A script without spaces and the sign of the transpose behind it."""
    return _TURNED.sub("", _COMMANDS.sub("", script.replace("\\ell", "l").replace("ℓ", "l")))


def _plain(formula: str) -> str:
    """A formula with letters in no font and with raised and lowered signs as scripts."""
    for table, sign in ((SUPERSCRIPTS, "^"), (SUBSCRIPTS, "_")):
        for run in sorted(set(re.findall(f"[{''.join(table)}]+", formula)), key=len, reverse=True):
            formula = formula.replace(run, f"{sign}{{{''.join(table[c] for c in run)}}}")
    formula = _FONTS.sub(lambda m: m[1] or " ", formula)
    return _BRACES.sub(r"\1", formula)
