"""Floor 4: the numbers of a written formula in a random network, and whether the sides of an equation agree."""

from .convention import Convention
from .world import World

__all__ = ["Convention", "World"]
