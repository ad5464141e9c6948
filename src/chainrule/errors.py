"""Errors for users: one sentence that says what was found, where, what is allowed and how to mend it.

Every error that a user can cause derives from `ChainruleError`; the command line prints its sentence without a
traceback. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ChainruleError(ValueError):
    """Something the user gave cannot be used; the message is one sentence meant for the user."""


class ShapeError(ChainruleError):
    """Matrix shapes do not fit: names the operation, the shape expected and the shape received."""


class DataError(ChainruleError):
    """A data file, table, array or label cannot be used as it is."""


class ConfigurationError(ChainruleError):
    """An option, name or number outside what is allowed."""


class ModelFileError(ChainruleError):
    """A saved model or checkpoint is damaged, unsafe, too new, or not one of ours."""


class NonFiniteError(ChainruleError):
    """Training met the first NaN or infinity: names step, layer and tensor."""


class DerivationError(ChainruleError):
    """An expression has no derivative here, or the derivation cannot be carried through."""


class FormulaError(ChainruleError):
    """A written formula cannot be read: says what was found, where, and what is allowed."""


class UnknownNameError(ConfigurationError):
    """A name that does not exist, with the nearest one that does."""


def unknown_name(kind: str, given: object, allowed: Iterable[str]) -> UnknownNameError:
    """Build the error for a name that is not among `allowed`, suggesting the nearest.

    >>> str(unknown_name("activation", "rellu", ["relu", "tanh"]))
    "unknown activation 'rellu': did you mean 'relu'? Allowed: relu, tanh."
    >>> str(unknown_name("column", "x", ["age"]))
    "unknown column 'x': allowed are age."
    """
    names = sorted(allowed)
    near = nearest(given, names)
    listed = ", ".join(names)
    hint = f"allowed are {listed}." if near is None else f"did you mean {near!r}? Allowed: {listed}."
    return UnknownNameError(f"unknown {kind} {given!r}: {hint}")


def nearest(given: object, allowed: Iterable[str]) -> str | None:
    """The name among `allowed` that is most like the one given, letter case aside; None if none is.

    >>> nearest("AGE", ["age", "wage"]), nearest("x", ["age"])
    ('age', None)
    """
    known = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(str(given).lower(), known, n=1, cutoff=0.5)
    return known[near[0]] if near else None


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, in the plural unless it is one.

    >>> counted(1, "row"), counted(1200, "row"), counted(2, "class", "classes")
    ('1 row', '1,200 rows', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
