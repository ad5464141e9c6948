"""What a document defines: its formulas, read once, by the letter at the left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..notation.canonical import canonical
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Symbol
from ..notation.letters import Letters
from ..notation.read import read
from ..notation.write import exact
from .trees import LettersKey, key_of, letters_of
from .verdict import Declared

_TWO = Number(Fraction(2))


@dataclass(frozen=True, eq=False)
class Definitions:
    """The definitions of a document, by the letter; the same texts are the same object."""

    by_letter: Mapping[str, Formula]


def definitions_of(declared: Declared) -> Mapping[str, Formula]:
    """What the document defines, by the letter at the left; `FormulaError` for what cannot be read."""
    return definitions(declared).by_letter


def definitions(declared: Declared) -> Definitions:
    """The definitions of a declared meaning; `FormulaError` for what cannot be read."""
    given, letters = declared.definitions, declared.letters
    texts = [f"{k} = {v}" for k, v in given.items()] if isinstance(given, Mapping) else given
    return _read(tuple(texts), key_of(letters), declared.meant)


@lru_cache(maxsize=256)
def _read(texts: tuple[str, ...], key: LettersKey, meant: tuple[tuple[str, Formula], ...]) -> Definitions:
    letters = letters_of(key)
    found: dict[str, Formula] = dict(meant)
    for text in texts:
        name, formula, layer = _one(text, letters)
        if name and layer:  # `h[0] = x` beside `h[k] = …`, which is what h is
            found[f"{name}[{layer}]"] = formula
            found.setdefault(name, formula)
        elif name:
            found[name] = formula
    return Definitions(found)


def _one(text: str, letters: Letters) -> tuple[str, Formula, str]:
    """The letter that a text defines, its definition, and the layer where that is a number."""
    equation = canonical(read(text, letters=letters)[0].equation, letters)
    assert isinstance(equation, Equation)
    left = equation.sides[0]
    if isinstance(left, Binary) and left.sign == "^" and isinstance(left.left, Symbol) and left.right == _TWO:
        left, root = left.left, Call(Symbol("sqrt"), (equation.sides[-1],))  # of `sigma^2 = …`
        return left.name, Equation((left, root), ("=",)), ""
    while isinstance(left, Index | Call):
        left = left.base if isinstance(left, Index) else left.function
    formula = equation if len(equation.sides) > 1 else equation.sides[0]
    if not isinstance(left, Symbol):
        return "", formula, ""
    return left.name, formula, exact(left.layer) if isinstance(left.layer, Number) else ""
