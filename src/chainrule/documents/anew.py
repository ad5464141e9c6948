"""A letter that a text defines anew: where what was said of it before holds no more, or was said of any function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from ..errors import ChainruleError
from ..judge.verdict import Judgement
from ..notation.canonical import COSTS
from ..notation.formula import Call, Equation, Partial, Symbol
from ..notation.letters import Letters
from ..notation.read import read
from ..notation.reading.tokens import FUNCTIONS
from .stated import ACTIVATIONS, LETTERS

_SLIPS = frozenset(
    {"sign", "operands-swapped", "wrong-index", "wrong-layer-index", "missing-transpose"}
    | {"factor-2", "derivative-used-for-function", "function-used-for-derivative"}
)
ANEW = "is defined anew here"  # what is said of a letter that means something else from a line on
_ARGUMENTS = re.compile(r"\s*\w+\s*\(([\w, ]+)\)\s*:?=")


def is_another(judgement: Judgement) -> bool:
    """Wrong, and no slip in what was defined before: something else is meant."""
    return judgement.verdict == "wrong" and judgement.cause in ("", "not named", "shape")


def is_next(judgement: Judgement, equation: Equation) -> bool:
    """Whether a second definition of a cost is that of the next loss of a list."""
    left = equation.sides[0]
    alone = isinstance(left, Symbol) and left.layer is None and left.name in COSTS and len(equation.sides) == 2
    return alone and judgement.verdict == "wrong" and not is_slip(judgement)


def is_slip(judgement: Judgement) -> bool:
    """Whether a second definition differs by a sign, a factor 2, an index, the order or a prime alone."""
    return bool(judgement.causes) and {c.cause for c in judgement.causes} <= _SLIPS


def is_general(definition: str, letters: Letters) -> bool:
    """Whether a definition calls functions that nobody has defined: `f(x) = g(h(x))`, which any f may be."""
    known = (FUNCTIONS - letters.functions) | (LETTERS - ACTIVATIONS - {"g"})
    try:
        sides = read(definition, letters=letters)[0].equation.sides[1:]
    except ChainruleError:
        return False
    called = (p.function for side in sides for p in side.parts if isinstance(p, Call))
    return any(isinstance(f, Symbol) and f.name not in known for f in called)


def is_claim(definition: str, equation: Equation, letters: Letters) -> bool:
    """Whether a letter was defined as a derivative, δ_j = ∂E/∂a_j, of which `δ_j = …` without one claims something."""
    if any(isinstance(p, Partial) for side in equation.sides[1:] for p in side.parts):
        return False
    try:
        sides = read(definition, letters=letters)[0].equation.sides[1:]
    except ChainruleError:
        return False
    return any(isinstance(side, Partial) for side in sides)


def inside(equation: Equation, taken: Mapping[str, str]) -> tuple[str, Equation] | None:
    """h and `h(x) = w x + b` of `z = h(x) = w x + b`, where h was something else before."""
    for side, body in pairwise(equation.sides[1:]):
        match side:
            case Call(function=Symbol(name=name, layer=None, prime=0) as function, arguments=arguments, names=()):
                plain = all(isinstance(x, Symbol) and x.layer is None for x in arguments)
                if plain and name in taken and function not in body.parts:
                    return name, Equation((side, body), ("=",))
    return None


def argument_of(equation: Equation, taken: Mapping[str, str]) -> str:
    """z of `dg/dz`, where the text has g(z) = … and never says what z is; all of them in words, or nothing."""
    letters = {p.name for p in equation.parts if isinstance(p, Symbol) and p.layer is None} - taken.keys()
    arguments = {x.strip() for text in taken.values() if (m := _ARGUMENTS.match(text)) for x in m[1].split(",")}
    return " and ".join(sorted(letters & arguments))
