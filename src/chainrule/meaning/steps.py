"""What the left side of an update means: one step of descent, in a network or in a text about letters of its own."""

from __future__ import annotations

from dataclasses import replace

from ..notation.formula import Binary, Equation, Formula, Index, Negate, Partial, Symbol
from .context import Context, argument_names
from .letters import LOSSES, RATES
from .seen import counts_nothing, keeps, rate_in, updated
from .values import undefined

_COSTS = (*LOSSES, "E", "l")


def step(c: Context, equation: Equation) -> Formula | None:
    """The old value and one step of descent by the cost, for `W <- W - …`; None for what is no update.

    Without a network the cost is what the text defines: the letter that the right side differentiates, or the only
    one with the name of a cost. Raises `NoValueError` where nobody says by what it goes down, or how far.
    """
    found = updated(equation, turned=c.convention.transposed_gradients)
    if found is not None or c.model.free is not True or len(equation.sides) != 2:
        return found
    left, right = equation.sides
    letter = left.base if isinstance(left, Index) else left
    if not isinstance(letter, Symbol) or letter.name in c.model.definitions or right == left:
        return None
    if letter.name.startswith("Delta") and {x.name for x in right.parts if isinstance(x, Symbol)} & RATES:
        return _change(c, left, letter, right)
    if not keeps(right, left):
        return None
    slopes = {x.numerator.name for x in right.parts if isinstance(x, Partial) and isinstance(x.numerator, Symbol)}
    rates = {x.name for x in right.parts if isinstance(x, Symbol)} & RATES
    if equation.relations[0] not in ("<-", ":=") and not slopes and not rates:
        return None  # an equation that has the same term on both sides
    return Binary("-", left, Binary("*", _rate(c, left, right), Partial(_cost(c, slopes, letter), left)))


def _change(c: Context, left: Formula, letter: Symbol, right: Formula) -> Formula | None:
    """-η ∂E/∂v for Δv of `Δv = η e x`, where v is a letter by which the cost can be varied."""
    own = Symbol(letter.name.removeprefix("Delta"))
    inner = {x for d in c.model.definitions.values() for x in d.parts}
    if own not in inner or own.name in c.model.definitions:
        return None
    by = replace(left, base=own) if isinstance(left, Index) else own
    slopes = {x.numerator.name for x in right.parts if isinstance(x, Partial) and isinstance(x.numerator, Symbol)}
    return Negate(Binary("*", rate_in(right), Partial(_cost(c, slopes, own), by)))


def _cost(c: Context, slopes: set[str], letter: Symbol) -> Formula:
    """The cost that a step of a letter goes down, as a text writes it: E, E_n, or the function f(w) of it alone."""
    known = c.model.definitions
    costs = slopes & known.keys() or {x for x in _COSTS if x in known}
    costs = costs or {name for name, x in known.items() if argument_names(x) == (letter,)}
    if len(costs) != 1:
        raise undefined("a step, and nobody says by what cost it goes down")
    name = costs.pop()
    definition = known[name]
    if isinstance(definition, Equation) and isinstance(definition.sides[0], Index) and counts_nothing(definition):
        return definition.sides[0]
    return Symbol(name)


def _rate(c: Context, left: Formula, right: Formula) -> Formula:
    """The learning rate: by its name, a number, or the only letter that the model has not."""
    usual = rate_in(right)
    if usual in right.parts:
        return usual
    of_model = {x.name for d in c.model.definitions.values() for x in d.parts if isinstance(x, Symbol)}
    of_model |= {x.name for x in left.parts if isinstance(x, Symbol)} | c.model.definitions.keys()
    others = {x for x in right.parts if isinstance(x, Symbol) and x.name not in of_model}
    if len(others) == 1:
        return others.pop()
    raise undefined("a step whose length is no letter of its own")
