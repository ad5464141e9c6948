"""Functions that a text defines: called with other arguments, differentiated, taken of every entry of a matrix."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..notation.formula import Call, Equation, Formula, Index, Number, Partial, Symbol
from .context import STEP, Context, NestedStepError, argument_names
from .quantities import Key
from .values import Array, Labels, NoValueError, Value, spread, undefined


def called(c: Context, f: Symbol, part: Call) -> Value:
    definition = c.model.definitions[f.name]
    given = argument_names(definition)
    body = definition.sides[-1] if isinstance(definition, Equation) else definition
    if not given:
        if isinstance(body, Symbol) and body.name != f.name:  # f = ln
            return c.eval(Call(Symbol(body.name, body.layer, None, body.prime + f.prime), part.arguments))
        if isinstance(body, Call) and names_itself(body.function, f.name):
            if not f.prime and (part.arguments == body.arguments or _all_entries(c, part.arguments, body.arguments)):
                return c.eval(f)
            return c.generic(f.name, values_of(c, part.arguments, body.arguments), f.prime)
        if f.prime:
            raise undefined(f"{f.name}' of a letter that is no function")
        return c.eval(f)
    if len(given) != len(part.arguments):
        raise undefined(f"{f.name} of {len(part.arguments)} arguments")
    of_a_layer = any(isinstance(x, Symbol) and x.layer is not None for x in given)
    if isinstance(definition, Equation) and of_a_layer and not any(x in body.parts for x in given):
        return _stated_of_one(c, f, definition, part.arguments)
    if f.prime:
        if len(given) != 1 or f.prime > 2:
            raise undefined(f"{f.name}{chr(39) * f.prime} of {len(given)} arguments")
        if f.prime == 2:
            twice = Partial(Partial(body, given[0]), given[0])
            entries = _entry_by_entry(c, twice, given, part.arguments)
            return entries if entries is not None else locals_of(c, given, part.arguments).eval(twice)
        each = _slope_entry_by_entry(c, body, given[0], part.arguments[0])
        return each if each is not None else locals_of(c, given, part.arguments).eval(Partial(body, given[0]))
    there = locals_of(c, given, part.arguments)
    try:
        return there.eval(body)
    except NoValueError as error:
        each = _entry_by_entry(c, body, given, part.arguments) if error.status == "shape" else None
        if each is None:
            raise
        return each


def _stated_of_one(c: Context, f: Symbol, definition: Equation, arguments: tuple[Formula, ...]) -> Value:
    """`g[l](a[l-1]) = a[l]` says what g[l] is of a[l-1], and nothing of what it is of anything else.

    Of anything else it is some function.
    """
    head, body = definition.sides[0], definition.sides[-1]
    assert isinstance(head, Call)
    assert isinstance(head.function, Symbol)
    values = tuple(c.eval(named_argument(x)) for x in arguments)
    if f.prime:
        return c.generic(f.name, values, f.prime)
    number = None if f.layer is None else c.layer(f.layer)
    name = f.name if number is None else f"{f.name}[{number}]"
    kept = c.bindings
    try:
        c.bindings = {**kept, **c.bindings_of(head.function, number)}
        own = tuple(c.eval(x) for x in head.arguments)
        if all(a.labels == b.labels and np.array_equal(a.array, b.array) for a, b in zip(values, own, strict=True)):
            return c.eval(body)
    finally:
        c.bindings = kept
    return c.generic(name, values, 0)


def _entry_by_entry(
    c: Context, body: Formula, given: tuple[Formula, ...], arguments: tuple[Formula, ...]
) -> Value | None:
    """`q(z) = z (1 - z)` of a column, which is no product of matrices: q of each entry."""
    values = [c.eval(named_argument(x)) for x in arguments]
    sizes = {v.shape for v in values if not v.is_scalar}
    if len(sizes) != 1 or not all(isinstance(x, Symbol) for x in given):
        return None
    overrides: dict[Key, Value] = {}
    for name, v in zip(given, values, strict=True):
        assert isinstance(name, Symbol)
        if not v.is_scalar:
            array = np.moveaxis(v.array, (-2, -1), (0, 1))[..., None, None]
            v = Value(array, (_ROW, _COLUMN, *v.labels))
        overrides[("local", name.name)] = v
    result = c.child(overrides).eval(body)
    if not result.is_scalar or not {_ROW, _COLUMN} <= set(result.labels):
        return None
    at = (result.labels.index(_ROW), result.labels.index(_COLUMN))
    array = np.moveaxis(result.array[..., 0, 0], at, (-2, -1))
    return Value(array, tuple(x for x in result.labels if x not in (_ROW, _COLUMN)))


_ROW, _COLUMN = "·each row", "·each column"  # labels of the entries while a function is taken of each


def _slope_entry_by_entry(c: Context, body: Formula, name: Formula, argument: Formula) -> Value | None:
    """f' of every entry of a matrix, where f(x) = body acts entry by entry; None where it does not."""
    at = c.eval(named_argument(argument))
    if at.is_scalar or not isinstance(name, Symbol):
        return None
    if c.complex or c.varied:
        raise NestedStepError
    steps = np.linspace(1.0, 2.0, at.shape[0] * at.shape[1]).reshape(at.shape)  # no two entries move alike

    def along(direction: Array) -> Value:
        moved = Value(at.array + 1j * STEP * direction, at.labels)
        return c.child({("local", name.name): moved}, stepped=True).eval(body)

    one, other = along(np.ones(at.shape)), along(steps)
    if one.shape != at.shape or not np.allclose(one.array.imag * steps, other.array.imag, rtol=1e-9, atol=0.0):
        return None
    return Value(one.array.imag / STEP, one.labels)


def _all_entries(c: Context, arguments: tuple[Formula, ...], given: tuple[Formula, ...]) -> bool:
    """`f(t_1, t_2)` is f(t) for a vector t of two entries."""
    if len(given) != 1 or not isinstance(given[0], Symbol):
        return False
    wanted = tuple(Index(given[0], (Number(Fraction(i + 1)),)) for i in range(len(arguments)))
    return arguments == wanted and c.eval(given[0]).shape == (len(arguments), 1)


def values_of(c: Context, arguments: tuple[Formula, ...], given: tuple[Formula, ...]) -> tuple[Value, ...]:
    """What an unknown function is taken of; `g(h_1(x), h_2(x))` is g of a column of two entries where g(z) is."""
    values = tuple(c.eval(x) for x in arguments)
    if len(given) != 1 or len(values) < 2 or not all(v.is_scalar for v in values):
        return values
    if not isinstance(given[0], Symbol) or c.eval(given[0]).shape != (len(values), 1):
        return values
    union: Labels = tuple(dict.fromkeys(x for v in values for x in v.labels))
    arrays = np.broadcast_arrays(*(spread(v, union) for v in values))
    return (Value(np.concatenate(arrays, axis=-2), union),)


def locals_of(c: Context, names: tuple[Formula, ...], values: tuple[Formula, ...]) -> Context:
    """A place in which letters have given values."""
    overrides: dict[Key, Value] = {}
    for name, x in zip(names, values, strict=True):
        if not isinstance(name, Symbol):
            raise undefined("a definition with an argument that is no letter")
        overrides[("local", name.name)] = c.eval(named_argument(x))
    return c.child(overrides)


def named_argument(part: Formula) -> Formula:
    """`ŷ = a` among the arguments of a loss names the argument a."""
    return part.sides[-1] if isinstance(part, Equation) else part


def names_itself(f: Formula, name: str) -> bool:
    return isinstance(f, Symbol) and f.name == name
