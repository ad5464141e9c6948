"""Points at which lines are tried: random numbers with which the logits of every layer are of order one.

In a deep network drawn at random some unit saturates: at z = 20 the difference 1 - σ(z) has lost nine of its sixteen
digits, and a line that reads it cannot hold to 1e-10 however true it is. So the scale of each layer is set from the
forward pass, before any line is read: W[l] and b[l] are multiplied by one number, so that the entry of Z[l] that is
largest in size becomes a positive random number between 1 and 2. It is positive so that some unit of a layer of
rectifiers is alive, for where all are dead every derivative is 0 and nothing is tried. Real targets lie on both sides
of the output in turn, by a little or by more than 1, so that every branch of a loss is taken and a soft-max under
|y - ŷ| does not see the same sign everywhere, which would make its derivative 0. Where a loss has no value at the
outputs, such as cross-entropy at those of tanh below 0, the last logits are drawn where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import ChainruleError
from ...execute import evaluate
from ...graph import Node, rename_dim, variable
from ...meaning.convention import Convention
from ...meaning.model import Model
from ...meaning.quantities import (
    Key,
    Structure,
    expression_structure,
    generator,
    key_of,
    network_numbers,
    network_structure,
)
from ...meaning.tape import Tape
from ...meaning.values import Array
from ...meaning.world import World
from ...nn import Loss, Network
from ...nn import loss as loss_of
from ...ops import ACTIVATIONS, total
from ..subject import Subject

LARGEST = (1.0, 2.0)  # the largest logit of a layer lies between
DISTANCE = (0.2, 1.6)  # of a real target from the output
NOTHING = 1e-9
INSIDE = ((0.1, 0.9), (-0.9, -0.1), (0.9, 2.0), (-2.0, -0.9))  # where the last logits may lie for a loss's sake


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
    placed = _placed(s, given, seed, key_of(subject.target) if real else None, subject.loss)
    return {n: placed[key_of(n)] for n in values}


def has_a_point(activation: str, outputs: int, loss: Loss) -> bool:
    """Whether the loss has a value at some outputs of an activation: cross-entropy has none at logarithms."""
    for low, high in INSIDE:
        z = np.linspace(low, high, outputs)[:, None]
        if _has_value(loss, np.asarray(evaluate(ACTIVATIONS[activation](variable("z", outputs, 1)), {"z": z}))):
            return True
    return False


def _network_world(network: str | Network, loss: str | Loss | None, m: int, seed: int, convention: Convention) -> World:
    s = network_structure(network, loss)
    given, target = network_numbers(s, m, seed, convention), ("Y", None) if s.target == "real" else None
    numbers = _placed(s, given, seed, target, loss_of(loss) if isinstance(loss, str) else loss)
    return World(Model(s, numbers, convention, m, seed))


_kept = lru_cache(maxsize=64)(_network_world)


def _placed(
    s: Structure, given: Mapping[Key, Array], seed: int, target: Key | None, loss: Loss | None
) -> dict[Key, Array]:
    """The numbers with layers scaled, a real target beside the output, and the output where the loss has a value."""
    numbers, output = _scaled(s, given, seed, target, None)
    if loss is None or output is None or _has_value(loss, output):
        return numbers
    for within in INSIDE:
        moved, output = _scaled(s, given, seed, target, within)
        if output is not None and _has_value(loss, output):
            return moved
    return numbers


def _has_value(loss: Loss, output: Array) -> bool:
    a, y = variable("a", *output.shape), variable("y", *output.shape)
    try:
        node = total(loss.per_sample(a, y), axis=None)
        return bool(np.isfinite(evaluate(node, {"a": output, "y": np.full(output.shape, 0.5)})).all())
    except ChainruleError:  # a loss of another form, which is not judged here
        return True


def _scaled(
    s: Structure, given: Mapping[Key, Array], seed: int, target: Key | None, within: tuple[float, float] | None
) -> tuple[dict[Key, Array], Array | None]:
    """The numbers with layers scaled, and the output; `within` is where the logits of the last layer shall lie."""
    numbers, known = dict(given), dict(given)
    last = max((layer for letter, layer in given if letter == "W" and isinstance(layer, int)), default=None)
    for key, tape in s.tapes.items():
        letter, layer = key
        if any(key_of(n) not in known for n in tape.inputs):
            continue
        result = _value(tape, known)
        own = [k for k in (("W", layer), ("b", layer)) if k in numbers]
        if letter in ("Z", "z") and own:
            rng = generator(seed, "scale", layer)
            if within is not None and layer == last and len(own) == 2:
                numbers |= _moved(numbers, own, result - known[own[1]], within, rng)
                known |= {k: numbers[k] for k in own}
                result = _value(tape, known)
            else:
                largest = result.flat[np.argmax(np.abs(result))]
                factor = rng.uniform(*LARGEST) / largest if largest else 1.0
                numbers |= {k: numbers[k] * factor for k in own}
                known |= {k: numbers[k] for k in own}
                result = result * factor
        known[key] = result
        if key == s.output and target is not None:
            numbers[target] = result + _around(result.shape, generator(seed, "around"))
            break
    return numbers, known.get(s.output) if s.output is not None else None


def _value(tape: Tape, known: Mapping[Key, Array]) -> Array:
    with np.errstate(all="ignore"):
        return tape({n: known[key_of(n)] for n in tape.inputs})


def _moved(
    numbers: Mapping[Key, Array], own: list[Key], products: Array, within: tuple[float, float], rng: np.random.Generator
) -> dict[Key, Array]:
    """W[l] and b[l] with which the logits lie in an interval."""
    low, high = within
    weights, bias = own
    largest = float(np.max(np.abs(products)))
    factor = 0.3 * (high - low) / largest if largest > NOTHING else 1.0  # a soft-max of one unit passes nothing on
    middle = (low + high) / 2 + rng.uniform(-0.15, 0.15, numbers[bias].shape) * (high - low)
    return {weights: numbers[weights] * factor, bias: middle}


def _around(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Distances with alternating signs along rows and columns."""
    signs = (-1.0) ** np.add.outer(np.arange(shape[0]), np.arange(shape[1]))
    return signs * rng.uniform(*DISTANCE, shape)


__all__ = ["has_a_point", "network_world", "of_order_one"]
