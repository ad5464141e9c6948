"""How the tests compare the sides of printed lines in a world, for all files about derivations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from chainrule.meaning.world import Comparison, World
from chainrule.notation.formula import Equation, Formula, Negate, Number, Symbol

BELOW_ZERO = Equation((Symbol("z"), Negate(Symbol("t"))), (":=",))  # free letters are positive: here z is not


def with_pi(formula: Formula) -> Formula:
    """The formula with the number for π, which is a letter like any other where there is no network."""
    return formula.mapped(lambda x: Number(Fraction(math.pi)) if x == Symbol("pi") else x)


def compared(world: World, formula: Formula, bindings: Mapping[str, int], tolerance: float) -> Comparison:
    """The sides of a line; where all of it is zero, such as a branch that is not taken, they are equal."""
    meant = with_pi(formula)
    found = world.compare(meant, bindings, tolerance=tolerance)
    if found.status == "undefined" and isinstance(meant, Equation):
        sides = [np.asarray(world.value(side, bindings).array) for side in meant.sides]
        if not any(np.any(x) for x in sides):
            return replace(found, status="equal")
    return found
