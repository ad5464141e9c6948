"""Layers whose units a formula writes one by one, `w_j1 a_1 + w_j2 a_2`: they have no others."""

from __future__ import annotations

from collections.abc import Callable

from ..notation.formula import Dots, Formula, Index, Number, Symbol

_VALUES = frozenset({"z", "a", "dz", "da"})
_WEIGHTS = frozenset({"W", "w", "dW", "dw"})
_OUTPUTS = frozenset({"y", "yhat"})


def widths_written(tree: Formula, layers: int, number: Callable[[Formula], int | None]) -> dict[int, int]:
    """Layer -> how many units it has, where each is named by its number, two at least; empty where dots stand for more.

    layers  L, the layer of the outputs y; `number` tells the number of a layer, None where it has none
    """
    units: dict[int, set[Formula]] = {}
    for part in tree.parts:
        if isinstance(part, Dots):
            return {}
        if isinstance(part, Index) and isinstance(part.base, Symbol):
            for layer, entry in zip(_counted(part.base, len(part.entries), layers, number), part.entries, strict=False):
                units.setdefault(layer, set()).add(entry)
    return {layer: len(found) for layer, found in units.items() if len(found) > 1 and _are_all(found)}


def _counted(base: Symbol, entries: int, layers: int, number: Callable[[Formula], int | None]) -> list[int]:
    """The layers of which the indices of a letter count the units."""
    if base.layer is None:
        alone = {"x": 0, **dict.fromkeys(_OUTPUTS, layers)}
        return [alone[base.name]] if base.name in alone and entries == 1 else []
    at = number(base.layer)
    if at is None:
        return []
    if base.name in _VALUES and entries == 1:
        return [at]
    return [at, at - 1] if base.name in _WEIGHTS and entries == 2 else []


def _are_all(units: set[Formula]) -> bool:
    """1, 2, … or 0, 1, …, and no letter among them."""
    numbers = sorted(x.value for x in units if isinstance(x, Number))
    return (
        len(numbers) == len(units)
        and numbers[0] in (0, 1)
        and numbers == list(range(int(numbers[0]), int(numbers[0]) + len(units)))
    )
