"""The loss that a document defines, under the letter that it uses for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..notation.formula import Equation
from .composed import costs
from .found import Found
from .header import Notation
from .lettered import is_letter, with_one_output
from .section import Judge, Reader

_OF_NUMBERS = ("quadratic", "mean_squared", "sum_of_squares")

_LOSSES = {"softmax": ("cross_entropy", "quadratic"), "sigmoid": ("binary_cross_entropy", *_OF_NUMBERS)}


def with_losses(
    notation: Notation,
    equations: Sequence[Equation],
    found: Sequence[Found],
    read: Reader,
    judge: Judge,
    *,
    of_any: bool = False,
) -> list[Notation]:
    """The notation with the loss that the document defines, under the letter that it uses for it.

    of_any  also where its network is not known, but what its general layer is
    """
    if notation.loss != "any" or (notation.network == "any" and not of_any):
        return [notation]
    losses = _LOSSES.get(notation.output or notation.network.rpartition(":")[2], _OF_NUMBERS)
    if notation.network == "any" and not notation.output:
        losses = tuple(dict.fromkeys((*_OF_NUMBERS, *(x for several in _LOSSES.values() for x in several))))
    narrow = replace(notation, network=with_one_output(notation.network), any_widths=True)
    several = [notation, *([narrow] if narrow.network else [])]
    conditional: list[Notation] = []
    for each, cost in costs(found, notation, read):
        for meaning in (("J", "L") if _is_mean(each) else ("L", "J")) if cost not in ("J", "C") else (cost,):
            if meaning != cost and not is_letter(cost, meaning, notation):
                continue
            letters = notation.letters if meaning == cost else (*notation.letters, (cost, meaning))
            for loss in losses:
                told = [replace(x, letters=letters, loss=loss) for x in several]
                verdicts = [judge(each, (x.declared(),)).verdict for x in told]
                if "right" in verdicts:
                    right = [x for x, verdict in zip(told, verdicts, strict=True) if verdict == "right"]
                    return right if loss in ("binary_cross_entropy", "mean_squared") else right[:1]
                conditional += [x for x, verdict in zip(told, verdicts, strict=True) if verdict == "right if"]
                if _is_mean(each):
                    continue
                named = notation.letters if cost in ("J", "C") else (*notation.letters, (cost, "J"))
                summed = [replace(x, letters=named, loss=loss, cost="sum") for x in several]
                right = [x for x in summed if judge(each, (x.declared(),)).verdict == "right"]
                if right:
                    return right[:1]
    if conditional:
        return conditional[:1]
    if notation.network == "any":
        return [notation]
    several = several if losses == _LOSSES["sigmoid"] else several[:1]
    return [replace(x, loss=loss) for x in several for loss in losses[: 1 if x is narrow else None]]


_MEAN = re.compile(
    r"\\frac\s*\{?\s*1\s*\}?\s*\{?\s*2?\s*(?:\\,)?[mNn](?![A-Za-z])"
    r"|\b1 ?/ ?\(?2? ?\*? ?[mNn]\b|mean|/ ?(?:[mNn]|batch_size)\b|shape|size|len\("
)


def _is_mean(each: Found) -> bool:
    """Whether a cost is divided by the number of samples."""
    return _MEAN.search(each.formula) is not None
