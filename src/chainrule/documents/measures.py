"""Measures of a classifier, known by their names: what a document says of them is judged, not taken up as defined."""

from __future__ import annotations

from dataclasses import replace

from ..judge.verdict import NO_NETWORK, Declared
from ..notation.formula import Equation, Symbol
from ..notation.reading.tokens import COUNTS
from .tex import words

_ALL = "(TP + TN + FP + FN)"
DEFINITIONS = {
    "accuracy": f"accuracy = (TP + TN)/{_ALL}",
    "error_rate": f"error_rate = (FP + FN)/{_ALL}",
    "precision": "precision = TP/(TP + FP)",
    "recall": "recall = TP/(TP + FN)",
    "sensitivity": "sensitivity = TP/(TP + FN)",
    "specificity": "specificity = TN/(TN + FP)",
}
_HARMONIC = "F = 2*TP/(2*TP + FP + FN)"  # F_1
_SPELLED = words("Accuracy Precision Recall Sensitivity Specificity Error_rate Error_Rate")


def known(equation: Equation) -> bool:
    """Whether an equation is about measures and the counts that make them, and nothing else."""
    inside = {_name(x) for side in equation.sides for x in side.parts if isinstance(x, Symbol)}
    return bool(inside & (DEFINITIONS.keys() | {"F"})) and inside <= {*COUNTS, *DEFINITIONS, "F"} and len(inside) > 1


def _name(letter: Symbol) -> str:
    if letter.name in _SPELLED:
        return letter.name.lower()
    return letter.name.upper() if letter.name.upper() in COUNTS else letter.name


def declared_with(declared: Declared) -> Declared:
    """The meaning in which counts are any numbers and the measures are what they are."""
    letters = replace(
        declared.letters,
        network=False,
        rename={
            **declared.letters.rename,
            "F_1": "F",
            **{x: x.lower() for x in sorted(_SPELLED)},
            **{x: x.upper() for x in sorted(COUNTS) if x.islower()},
        },
    )
    definitions = (*DEFINITIONS.values(), _HARMONIC)
    return replace(
        declared, network=NO_NETWORK, letters=letters, definitions=definitions, free=(*declared.free, *sorted(COUNTS))
    )
