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
            above = place == "subscript" and _has_entries_above(f.formula for f in here)
            readings = ((name, replace(n, layer=place, layers=tuple(sorted(numbers)))) for name, n in stretch.readings)
            if above:
                readings = ((name, replace(n, component="superscript")) for name, n in readings)
            stretch = replace(stretch, readings=tuple(readings))
        new.append(stretch)
    return new, said


def in_batches(found: Sequence[Found], stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches where x of a program is the whole of X, as samples are rows or columns and no X stands there."""
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if f.syntax == "code" and max(0, bisect_right(starts, f.line) - 1) == number]
        names = {x for f in here for x in re.findall(r"(?<![\w])(?:self\.)?([A-Za-z_]\w*)", f.formula)}

        def told(notation: Notation, names: set[str] = names) -> Notation:
            if notation.samples not in ("rows", "columns") or "X" in names | dict(notation.letters).keys():
                return notation
            given = {a: b for a, b in {"x": "X", "y": "Y"}.items() if a in names and b not in names}
            return replace(notation, of_programs=tuple(given.items()))

        new.append(replace(stretch, readings=tuple((name, told(n)) for name, n in stretch.readings)))
    return new


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
    quantities = [x for x in seen if x.base in _QUANTITIES]
    values = [x for x in quantities if x.base not in _WEIGHTS]  # w^{t+1} is the next step
    shifted = {x.up[0] for x in values if len(x.up) > 1 and _counts(x.up)}
    above = [x for x in quantities if _counts(x.up) or x.up in shifted]
    if shifted and any(x.base in _WEIGHTS and x.up[0] in shifted | {"l", "L"} for x in above):
        return "superscript", frozenset()
    shifted = {x.low[0] for x in values if not x.up and len(x.low) > 1 and _counts(x.low)}
    below = [x for x in quantities if not x.up and (_counts(x.low, digits=True) or x.low in shifted)]
    others = {x.low for x in below if x.base not in _WEIGHTS}
    matrices = [x for x in below if x.base in ("W", "Theta", "Θ")]
    if any(x.low[0] in shifted or (x.low.isdigit() and x.low in others) for x in matrices):
        last = {x.low for x in below if x.low.isupper() and x.low.lower() in shifted}  # a_D, where d = 1, …, D
        last |= {x.low[0] for x in quantities if re.fullmatch("[A-Z]-1", x.low)}  # a_{N-1}
        return "subscript", frozenset(shifted | last | {"l", "L"})
    return _of_layers(texts)


def _of_layers(texts: Sequence[str]) -> tuple[str, frozenset[str]]:
    """Where the layers stand in `y_n = w_n x_{n-1}` beside `x_n = f(y_n)`, whatever the letters; and n.

    Each is computed of the other, and the weight is another one in every layer: no recurrence in time is.
    """
    for place in ("subscript", "superscript"):
        said: dict[tuple[str, str], list[set[tuple[str, str]]]] = {}
        for left, right in (t.split("=", 1) for t in texts if t.count("=") == 1):
            (target, *others), inside = [*_scripts(left, place), None], set(_scripts(right, place))
            if target is not None and others == [None] and len(target[1]) == 1 and target[1].isalpha():
                said.setdefault(target, []).append(inside)
        for (pre, letter), sides in said.items():
            for post, of in ((x, s) for s in sides for x, by in s if by == f"{letter}-1" and x != pre):
                weighed = any(by == letter and x not in (pre, post) for x, by in of)
                if weighed and any((pre, letter) in s for s in said.get((post, letter), ())):
                    return place, frozenset({letter, "l", "L"} if place == "subscript" else ())
    return "", frozenset()


def _scripts(text: str, place: str) -> list[tuple[str, str]]:
    """The letters of a text that have something below, or above, and what that is."""
    given = ((x.base, x.low if place == "subscript" else x.up) for x in _letters(text))
    return [(base, script) for base, script in given if script]


def _has_entries_above(formulas: Iterable[str]) -> bool:
    """Whether entries are numbered above the letters, W_{i-1}^{jk}, whose layers stand below."""
    seen = (x for f in formulas for x in _letters(_plain(f)))
    return any(x.base in _WEIGHTS and x.low and re.fullmatch(r"[a-z]{2}|\d\d", x.up) for x in seen)


def _in_parentheses(script: str) -> bool:
    return re.fullmatch(r"\((?:[A-Za-z]|\d)(?:[+-]\d)?\)", script) is not None


def _counts(script: str, *, digits: bool = False) -> bool:
    """`l`, `L`, any letter with a shift, `j-1`, and `2` where numbers count too."""
    return re.fullmatch(r"[lLkitdDK]|[A-Za-z][+-][12]" + (r"|\d" if digits else ""), script) is not None


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
