"""A cost that is written in parts: `data_loss = …`, `reg_loss = …`, `loss = data_loss + reg_loss`, put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.formula import Call, Equation, Formula, Index, Number, Symbol
from ..notation.write import exact
from .found import Found
from .header import Notation
from .section import Reader
from .tex import words

COSTS = (*"LJCEQRl", "loss", "cost", "Loss", "Cost", "error")  # letters and words of costs
_MORE = words("total_loss total_cost total Loss_total")
_PART = re.compile(r"loss|cost|reg|penal|decay|l2|entropy|prob|mse|^ce$|nll|error|squares?|norm", re.IGNORECASE)
_DEEPEST = 4
_LONGEST = 1_000  # characters


def costs(found: Sequence[Found], notation: Notation, read: Reader) -> Iterator[tuple[Found, str]]:
    """The formulas that define a cost, with the parts that were defined before put in, and the letter of each."""
    parts: dict[Formula, Formula] = {}
    ours = {theirs for theirs, _ in notation.letters}
    for each in found:
        try:
            equation = read(each, notation)
        except ChainruleError:
            continue
        if len(equation.sides) < 2:
            continue
        left = equation.sides[0]
        letter = left.function if isinstance(left, Call) else left
        if isinstance(letter, Symbol) and letter.layer is None and letter.name in (*COSTS, *_MORE):
            yield _together(each, equation, parts), letter.name
        elif (one := _of_one_sample(left)) and left not in parts:
            parts[left] = equation.sides[-1]
            yield each, one
        elif _is_part(left) and not (isinstance(left, Symbol) and left.name in ours):
            parts[left] = equation.sides[-1]


def _of_one_sample(left: Formula) -> str:
    """C_0, the cost of one example."""
    match left:
        case Index(base=Symbol(name="C" | "E" | "L" | "J" as name, layer=None), entries=(Number(value=value),)):
            return f"{name}_{value}"
    return ""


def _is_part(left: Formula) -> bool:
    """Whether a name is that of a part of a cost: data_loss, or a cost with something below."""
    if isinstance(left, Index):
        return isinstance(left.base, Symbol) and left.base.name in COSTS
    return isinstance(left, Symbol) and left.layer is None and _PART.search(left.name) is not None


def _together(each: Found, equation: Equation, parts: dict[Formula, Formula]) -> Found:
    sides = equation.sides[1:]
    for _ in range(_DEEPEST):
        new = tuple(side.mapped(lambda part: parts.get(part, part)) for side in sides)
        if new == sides:
            break
        sides = new
    if sides == equation.sides[1:]:
        return each
    text = exact(Equation((equation.sides[0], *sides), equation.relations))
    return replace(each, formula=text, syntax="code") if len(text) <= _LONGEST else each
