"""JSON without its loose ends: no NaN, no duplicate or non-text keys, one text per value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

VALUE_LIMIT = 1_000_000  # counted by the signs , [ {
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DEPTH = 100  # far below the interpreter's recursion limit, so that what was written can be read


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write `value` as ASCII JSON with sorted keys; tuples become lists, NumPy scalars become numbers.

    Raises ValueError naming the place (such as `content.layers[2].rate`) of anything that JSON cannot say.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    plain = _plain(value, "", 0)
    text = json.dumps(plain, allow_nan=False, sort_keys=True, indent=indent, separators=separators)
    _check_surrogates(plain, text)
    return text


def from_json(text: str) -> Any:
    """Read JSON; raises ValueError for duplicate keys, NaN or Infinity, endless nesting or length, and other text."""
    check_count(text)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
        _check_surrogates(value, text)
        return value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_count(text: str) -> None:
    """Raise ValueError for more values than are parsed: 100 MB of `{},{},…` would become gigabytes of objects."""
    if sum(text.count(sign) for sign in ",[{") > VALUE_LIMIT:
        raise ValueError(f"it has more than {VALUE_LIMIT} values, the most that is read; put long lists into arrays")


def _plain(value: object, place: str, depth: int) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{place or 'the value'} is {value}, which JSON cannot hold; use None")
        return value
    if depth >= _DEPTH:
        raise ValueError(f"the value is nested more than {_DEPTH} deep")
    if isinstance(value, Mapping):
        plain: dict[str, object] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{place or 'the value'} has the key {key!r}, but keys must be text")
            plain[key] = _plain(item, f"{place}.{key}" if place else key, depth + 1)
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(value)]
    kinds = "text, numbers, true/false, None, lists and mappings"
    raise ValueError(f"{place or 'the value'} is a {type(value).__name__}, but allowed are {kinds}")


def _check_surrogates(value: object, text: str) -> None:
    # Half a pair is no text: it cannot be printed or encoded, and two halves would come back as one sign.
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("it holds half a surrogate pair") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:80]!r} stands twice")
            seen.add(key)
    return result


def _constant(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"it holds {digits[:40]}, which no float64 can hold")
    return number
