"""What texts mean without saying it: E is the error, t the target, o the output, θ the weights, `'` a transpose.

Each is a change of the formula into one that has a value here, with the words of the condition under which it is meant.
It is offered where the letters mean nothing else, and only for those that nobody declared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from ..notation.formula import Equation
from .usual_averages import averages
from .usual_differentials import differentials
from .usual_forms import (
    entries_in_turn,
    entry_by_entry,
    functions,
    jacobians,
    laws_of_functions,
    of_one_sample,
    of_the_class,
    off_the_diagonal,
    steps,
)
from .usual_layers import whole_layers
from .usual_letters import (
    Usual,
    letters_meant,
    losses_by_name,
    net_inputs,
    numbers_samples,
    operands,
    outputs,
    sums_of_losses,
    with_letters,
    without_penalty,
)
from .usual_programs import octave, repeating
from .usual_steps import changes, gradients, of_any_layer
from .usual_targets import signed_targets, units

__all__ = ["Usual", "usual"]

_MOST = 7  # meanings of one formula that are offered


def usual(tree: Equation, known: Collection[str] = (), activations: Sequence[str] = ()) -> list[Usual]:
    """The meanings that a formula may have which has none as it stands, the likelier first.

    known        letters that are declared: they are left as they are
    activations  of the declared network, layer by layer
    """
    found: dict[object, Usual] = {}
    for told in islice(_meanings(tree, frozenset(known), activations), 4 * _MOST):
        if told.tree != tree or told.free or told.conventions:
            found.setdefault((told.tree, tuple(sorted(told.conventions.items()))), told)
    return list(found.values())[:_MOST]


def _meanings(tree: Equation, known: frozenset[str], activations: Sequence[str]) -> Iterator[Usual]:
    gradient = list(entries_in_turn(tree, known))
    if gradient:  # its small letter is nothing else
        yield from gradient
        return
    yield from steps(tree, known)
    one = [x for x in of_one_sample(tree, known) if not x.words]
    for told in one:  # it is nothing else
        yield told
        yield from with_letters(told, known)
    if one:
        return
    yield from laws_of_functions(tree, known)
    yield from differentials(tree, known)
    yield from octave(tree)
    yield from whole_layers(tree, declared=bool(activations))
    yield from repeating(tree, declared=bool(activations))
    yield from losses_by_name(tree, known)
    yield from signed_targets(tree, known)
    for told in (*averages(tree, known), Usual("", tree)):
        anywhere = list(of_any_layer(told, known))
        yield from anywhere or ([told] if told.tree != tree else [])
    yield from changes(tree, known)
    yield from gradients(tree, known)
    summed = list(sums_of_losses(tree, known, declared=bool(activations)))
    if operands(tree) & {"E"} - known and (numbers_samples(tree) or operands(tree) & {"x", "X", "Y"}):
        yield from summed
        summed = []
    yield from net_inputs(tree, known, declared=bool(activations))
    yield from units(tree, known, declared=bool(activations))
    yield from letters_meant(tree, known)
    yield from functions(tree, known, activations)
    yield from outputs(tree, known, declared=bool(activations))
    yield from without_penalty(tree, known)
    yield from jacobians(tree, known)
    yield from of_one_sample(tree, known)
    yield from entry_by_entry(tree)
    yield from summed
    for told in (*of_the_class(tree, known), *off_the_diagonal(tree)):
        yield told
        yield from with_letters(told, known)
