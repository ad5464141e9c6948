"""Reading plain JSON values that came from a model file: whatever is not as expected is a ModelFileError."""

from __future__ import annotations

import math
from typing import Any

from chainrule.errors import ModelFileError


def entry(data: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """`data[key]`, which must be there and of this kind (a bool is no number here)."""
    if not isinstance(data, dict) or key not in data:
        raise ModelFileError(f"{where} has no entry {key!r}: the file is damaged or not one of ours, save it again.")
    value = data[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise bad(where, key, value, " or ".join(k.__name__ for k in kinds))
    return value


def number(data: Any, key: str, where: str) -> float:
    """A finite number."""
    value = entry(data, key, (int, float), where)
    if abs(value) > 1.7976931348623157e308 or not math.isfinite(value):
        raise bad(where, key, value, "a finite number")
    return float(value)


def texts(data: Any, key: str, where: str, *, distinct: bool = True) -> tuple[str, ...]:
    """A list of texts."""
    value = entry(data, key, list, where)
    if not all(isinstance(v, str) for v in value):
        raise bad(where, key, value, "a list of texts")
    if distinct and len(set(value)) != len(value):
        raise bad(where, key, value, "a list of distinct texts")
    return tuple(value)


def bad(where: str, key: str, value: object, allowed: str) -> ModelFileError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    return ModelFileError(
        f"{where} has {key} = {shown} where {allowed} is expected: "
        "the file is damaged or not one of ours, save it again."
    )
