"""What the keys of a header may say: each value of its TOML as the notation has it, or a message that says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ChainruleError, ConfigurationError, unknown_name
from ..judge.verdict import NO_NETWORK
from ..meaning.letters import PENALTIES
from ..nn import Network, loss
from ..notation.formula import Formula, Symbol, symbols
from ..notation.read import read
from .patterns import counts_above, in_brackets


def checked_options(**keys: Any) -> dict[str, Any]:
    """Keys given as options of the command, those that are not None; messages name the option."""
    return checked({k: v for k, v in keys.items() if v is not None}, lambda key: f"--{key}")


def checked(table: Mapping[str, Any], where: Callable[[str], str]) -> dict[str, Any]:
    """Keys with their values as `Notation` has them."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in READERS:
            raise ConfigurationError(f"{where(key)}: {unknown_name('key', key, [*READERS, 'reading', 'section'])}")
        try:
            found[key] = READERS[key](value)
        except ChainruleError as error:
            raise ConfigurationError(f"{where(key)}: {key} = {_short(value)}: {error}") from None
    if "letters" in found and "layer" not in table and counts_above(table["letters"]):
        found["layer"] = "superscript"
    return found


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ConfigurationError(f"allowed: {', '.join(allowed)}")
        return str(value)

    return read


def _any_or(check: Callable[[str], object]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ConfigurationError("a text is needed here")
        if value != "any":
            check(value)
        return value

    return read


def _network(value: str) -> None:
    if value != NO_NETWORK:
        Network.parse(value)


def _texts(value: Any) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(x, str) and x.strip() for x in given):
        raise ConfigurationError('a list of texts is needed here, such as ["f", "h"]')
    return tuple(given)


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(isinstance(v, str) and v.strip() for v in value.values()):
        raise ConfigurationError('a table from texts to texts is needed here, such as {"delta[l]" = "dZ[l]"}')
    return tuple((in_brackets(theirs), in_brackets(ours)) for theirs, ours in value.items())


def _truth_or_texts(value: Any) -> bool | tuple[str, ...]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple):
        raise ConfigurationError("allowed: true, false, or a list of letters")
    return _texts(value)


def scale_of(text: str) -> Formula:
    """What a penalty is scaled by."""
    return read(text, syntax="text")[0].equation.sides[0]


def _penalty(value: Any) -> str:
    if not isinstance(value, str) or not any(x.name in PENALTIES for x in symbols(scale_of(value))):
        raise ConfigurationError('a text such as "lambda/(2*m)" is needed here')
    return value


def letter_name(written: str) -> str:
    """The name that a reader gives a letter: of `\\varphi` and of φ it is phi."""
    try:
        letter = read(written)[0].equation.sides[0]
    except ChainruleError:
        return written
    return letter.name if isinstance(letter, Symbol) else written


READERS: dict[str, Callable[[Any], Any]] = {
    "network": _any_or(_network),
    "loss": _any_or(loss),
    "samples": _one_of("columns", "rows", "one"),
    "place": _one_of("parameters", "dZ"),
    "layer": _one_of("brackets", "parentheses", "subscript", "superscript"),
    "layers": _texts,
    "component": _one_of("subscript", "superscript"),
    "functions": _texts,
    "differentials": _truth_or_texts,
    "letters": _pairs,
    "definitions": _texts,
    "layout": _one_of("denominator", "numerator"),
    "free": _texts,
    "penalty": _penalty,
    "minus": _one_of("kept", "dropped"),
    "cost": _one_of("mean", "sum"),
}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
