"""Shapes that do not fit, in letters: n[1] × n[0] in place of the numbers of the network that is tried."""

from __future__ import annotations

import re

from ..meaning.world import Comparison, World
from ..notation.formula import Binary, Equation, Formula
from ..notation.write import exact

_SHAPE = re.compile(r"(\d+) × (\d+)")
_NAMED = re.compile(r"\b((?:n_\d+)|m) = \d+")
_LAYER = re.compile(r"\bn_(\d+)")


def misfit(tree: Equation, found: Comparison, world: World, *, own: bool) -> str:
    """What does not fit, and what was to be expected.

    own  the world has the widths that the document declares: then they are its numbers
    """
    message = found.message if own else _in_letters(found.message, world)
    part: Formula = tree
    if found.path:
        try:
            part = tree.at(found.path)
        except IndexError:
            return message
    for word in (" against ", " times "):
        left, between, right = message.partition(word)
        if between:
            return _of_two(part, left, right, word.strip()) or message
    return message


def _of_two(part: Formula, left: str, right: str, word: str) -> str:
    if isinstance(part, Equation):
        one, other = ("the left side", "the right side") if len(part.sides) == 2 else ("one side", "the next")
        return f"{one} is {left}, {other} {right}"
    if not isinstance(part, Binary):
        return ""
    both = f"{exact(part.left)} is {left} and {exact(part.right)} is {right}"
    if word == "times":
        return f"{both}: a product of matrices needs as many columns in the first as rows in the second"
    return f"{both}: entry by entry both need one shape"


def _in_letters(message: str, world: World) -> str:
    """`5 × 3 times 5 × 1` as `n[1] × n[0] times n[1] × 1`, where each number is the size of one thing alone."""
    structure = world.model.structure
    if not structure.is_network:
        return message
    sizes = [(n, f"n[{i}]") for i, n in enumerate(structure.widths)]
    if world.model.convention.samples == "batch":
        sizes.append((world.model.m, "m"))
    names = {n: name for n, name in sizes if n > 1 and sum(n == other for other, _ in sizes) == 1}

    def named(match: re.Match[str]) -> str:
        pair = [names.get(int(n), n) for n in match.groups()]
        return "a number" if pair == ["1", "1"] else " × ".join(pair)

    message = _SHAPE.sub(named, _NAMED.sub(r"\1", message))
    return _LAYER.sub(r"n[\1]", message)
