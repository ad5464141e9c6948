"""The readings of a text as formulas in our letters, each text read once."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

from ..notation.canonical import canonical
from ..notation.formula import Equation
from ..notation.letters import Letters
from ..notation.read import Syntax, read
from .normal import applied_functions, components_of, products_of_calls, without_guards

Trees = list[tuple[Equation, str]]
LettersKey = tuple[tuple[tuple[str, str], ...], tuple[Any, ...]]  # what letters are declared, as something hashable

_FIELDS = tuple(x.name for x in fields(Letters) if x.name != "rename")


def key_of(letters: Letters) -> LettersKey:
    return tuple(letters.rename.items()), tuple(getattr(letters, x) for x in _FIELDS)


def letters_of(key: LettersKey) -> Letters:
    rename, rest = key
    return Letters(rename=dict(rename), **dict(zip(_FIELDS, rest, strict=True)))


def trees_of(text: str, syntax: Syntax, letters: Letters) -> Trees:
    """Every reading with what is unclear in it, the likeliest first; `FormulaError` for what cannot be read."""
    return list(_read(text, syntax, key_of(letters)))


@lru_cache(maxsize=512)
def _read(text: str, syntax: Syntax, key: LettersKey) -> tuple[tuple[Equation, str], ...]:
    letters, found = letters_of(key), []
    for reading in read(text, syntax=syntax, letters=letters):
        tree = canonical(reading.equation, letters)
        equation = tree if isinstance(tree, Equation) else Equation((tree,))  # a lone expression has one side
        tree = applied_functions(components_of(products_of_calls(without_guards(equation))))
        found.append((tree, reading.note))
    return tuple(found)
