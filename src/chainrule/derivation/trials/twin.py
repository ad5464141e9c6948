"""A small network whose derivation has the same lines, on which wide networks are verified in bounded time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import count

from ...errors import ChainruleError
from ...nn import Dense, Network, Objective
from ...nn.layers import Layer, Skip
from ...notation.formula import Formula, Number
from ..subject import Subject, of_network
from .meaning import SAMPLES

WIDEST = 6  # of inputs and hidden layers
MOST_OUTPUTS = 12

Widths = tuple[tuple[int, int], ...]


def twin(subject: Subject) -> tuple[Subject, Widths]:
    """A subject with small, distinct widths, and pairs of the widths here and there.

    A single unit stays single, for formulas of one number look different; around skip connections equal widths stay
    equal. A subject that is small already, or no network, is its own twin.
    """
    network = subject.network
    if subject.kind != "network" or network is None or subject.loss is None:
        return subject, ()
    here = _widths(network)
    small = _small(network, here)
    if small == here:
        return subject, ()
    weights = subject.loss.class_weights is not None and small[-1] != here[-1]
    loss = replace(subject.loss, class_weights=None) if weights else subject.loss
    try:
        narrow = _with_widths(network, small)
        whole = subject.objective or Objective(narrow, loss, subject.labels)
        found = of_network(replace(whole, network=narrow, loss=loss), subject.conventions)
    except ChainruleError:
        return subject, ()
    return found, tuple(zip(here, small, strict=True))


def same_formula(wide: Formula, narrow: Formula, widths: Widths) -> bool:
    """Whether two formulas are one, but for a width that stands in them as a number, n or 1/n."""
    if isinstance(wide, Number) and isinstance(narrow, Number):
        a, b = wide.value, narrow.value
        ratios = {r for w, n in widths for r in (Fraction(w, n), Fraction(n, w))}
        return a == b or (b != 0 and a / b in ratios)
    mine, theirs = wide.children, narrow.children
    if type(wide) is not type(narrow) or len(mine) != len(theirs):
        return False
    if not mine:
        return wide == narrow
    return (wide if mine == theirs else wide.rebuilt(theirs)) == narrow and all(
        same_formula(a, b, widths) for a, b in zip(mine, theirs, strict=True)
    )


def is_small(subject: Subject) -> bool:
    """Whether a subject can be tried at its own size."""
    return subject.network is None or max(_widths(subject.network)) <= 2 * MOST_OUTPUTS


def _dense(layers: tuple[Layer, ...]) -> list[Dense]:
    found = []
    for x in layers:
        if isinstance(x, Dense):
            found.append(x)
        elif isinstance(x, Skip):
            found += _dense(x.layers)
    return found


def _widths(network: Network) -> list[int]:
    """Inputs, embeddings (levels, then width), dense layers in order."""
    embedded = [n for pair in network.embeddings for n in pair]
    return [network.inputs, *embedded, *(x.units for x in _dense(network.layers))]


def _small(network: Network, here: list[int]) -> list[int]:
    """A small width for each; of equal ones distinct ones where no skip connection ties them."""
    tied = any(isinstance(x, Skip) for x in network.layers)
    small: dict[int, int] = {}
    kept = {n for n in (here if tied else ()) if n <= WIDEST}
    last = here[-1] if here[-1] <= MOST_OUTPUTS else None
    used = kept | {1, SAMPLES} | ({last} if last else set())
    found = []
    for k, n in enumerate(here):
        if n == 1 or (k == len(here) - 1 and last is not None):
            new = n
        elif tied and n in small:
            new = small[n]
        elif (n <= WIDEST and (n not in used or (tied and n in kept))) or (tied and n == last):
            new = n
        else:
            new = next(x for x in count(2) if x not in used)
        used.add(new)
        small[n] = new
        found.append(new)
    return found


def _with_widths(network: Network, widths: list[int]) -> Network:
    pairs = 2 * len(network.embeddings)
    units = iter(widths[1 + pairs :])

    def narrowed(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        new: list[Layer] = []
        for x in layers:
            if isinstance(x, Dense):
                x = replace(x, units=next(units))
            elif isinstance(x, Skip):
                x = replace(x, layers=narrowed(x.layers))
            new.append(x)
        return tuple(new)

    embeddings = tuple((widths[1 + i], widths[2 + i]) for i in range(0, pairs, 2))
    return Network(widths[0], narrowed(network.layers), embeddings)


__all__ = ["is_small", "same_formula", "twin"]
