"""Points at which lines are tried: random numbers with which the logits of every layer are of order one.

In a deep network drawn at random some unit saturates: at z = 20 the difference 1 - σ(z) has lost nine of its sixteen
digits, and a line that reads it cannot hold to 1e-10 however true it is. So the scale of each layer is set from the
forward pass, before any line is read: W[l] and b[l] are multiplied by one number, so that the entry of Z[l] that is
largest in size becomes a positive random number between 1 and 2. It is positive so that some unit of a layer of
rectifiers is alive, for where all are dead every derivative is 0 and nothing is tried. Real targets lie on both sides
of the output in turn, by a little or by more than 1, so that every branch of a loss is taken and a soft-max under
|y - ŷ| does not see the same sign everywhere, which would make its derivative 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ...graph import Node, rename_dim
from ...meaning.context import Model
from ...meaning.convention import Convention
from ...meaning.quantities import (
    Key,
    Structure,
    expression_structure,
    generator,
    key_of,
    network_numbers,
    network_structure,
)
from ...meaning.values import Array
from ...meaning.world import World
from ...nn import Loss, Network
from ..subject import Subject

LARGEST = (1.0, 2.0)  # the largest logit of a layer lies between
DISTANCE = (0.2, 1.6)  # of a real target from the output


def network_world(
    network: str | Network, loss: str | Loss | None, *, m: int, seed: int = 0, convention: Convention | None = None
) -> World:
    """A network with random numbers of order one."""
    arguments = (network, loss, m, seed, convention or Convention())
    try:
        return _kept(*arguments)
    except TypeError:  # a loss without a hash
        return _network_world(*arguments)


def of_order_one(subject: Subject, values: Mapping[str, Any], sizes: Mapping[str, int], seed: int) -> dict[str, Any]:
    """The values of the variables, with the parameters of each layer scaled."""
    if subject.kind != "network":
        return dict(values)
    forward = dict(subject.forward)
    for dim, number in sizes.items():
        memo: dict[Node, Node] = {}
        forward = {n: rename_dim(x, dim, number, memo) for n, x in forward.items()}
    *_, output = forward.values()
    s = expression_structure(output, "output", forward)
    given = {key_of(n): np.asarray(v) for n, v in values.items()}
    real = subject.loss is not None and subject.loss.target == "real"
    placed = _placed(s, given, seed, key_of(subject.target) if real else None)
    return {n: placed[key_of(n)] for n in values}


def _network_world(network: str | Network, loss: str | Loss | None, m: int, seed: int, convention: Convention) -> World:
    s = network_structure(network, loss)
    numbers = _placed(s, network_numbers(s, m, seed, convention), seed, ("Y", None) if s.target == "real" else None)
    return World(Model(s, numbers, convention, m, seed))


_kept = lru_cache(maxsize=64)(_network_world)


def _placed(s: Structure, given: Mapping[Key, Array], seed: int, target: Key | None) -> dict[Key, Array]:
    """The numbers with layers scaled, and a real target beside the output."""
    numbers, known = dict(given), dict(given)
    for key, tape in s.tapes.items():
        letter, layer = key
        if any(key_of(n) not in known for n in tape.inputs):
            continue
        with np.errstate(all="ignore"):
            result = tape({n: known[key_of(n)] for n in tape.inputs})
        own = [k for k in (("W", layer), ("b", layer)) if k in numbers]
        if letter in ("Z", "z") and own:
            largest = result.flat[np.argmax(np.abs(result))]
            factor = generator(seed, "scale", layer).uniform(*LARGEST) / largest if largest else 1.0
            numbers |= {k: numbers[k] * factor for k in own}
            known |= {k: numbers[k] for k in own}
            result = result * factor
        known[key] = result
        if key == s.output and target is not None:
            numbers[target] = result + _around(result.shape, generator(seed, "around"))
            break
    return numbers


def _around(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Distances with alternating signs along rows and columns."""
    signs = (-1.0) ** np.add.outer(np.arange(shape[0]), np.arange(shape[1]))
    return signs * rng.uniform(*DISTANCE, shape)


__all__ = ["network_world", "of_order_one"]
