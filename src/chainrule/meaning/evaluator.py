"""The meaning of a written formula: every part of the tree as numbers, for all values of its indices at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..notation.formula import (
    Array,
    At,
    Binary,
    Call,
    Cases,
    Dots,
    Equation,
    Formula,
    Index,
    Limit,
    Negate,
    Number,
    Partial,
    Range,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from ..notation.write import exact
from .calls import call, is_function
from .context import Context, is_delta
from .defined_functions import names_itself
from .letters import CONSTANTS, LOSSES, place_of, view
from .limits import limit_value
from .lists import entries_value, unreadable
from .partials import partial, pick_entries
from .quantities import Key
from .seen import (
    bound_in,
    changes_alone,
    counts_nothing,
    has_new_axis,
    is_small_change,
    speaks_of_differentials,
    stands_alone,
)
from .signs import ONES, binary
from .sums import by_cases, kronecker, sum_value
from .values import SAMPLE, NoValueError, Value, entrywise, misfit, scalar, size, undefined

MOST_WORK = 30_000_000  # numbers that one evaluation computes: half a second
_STEP_WORK = 1_000  # what a part costs however small it is
_KNOWN_WORK = 100  # where its value is known


class Evaluator(Context):
    """Evaluates the parts of formulas; see `Context` for where."""

    def eval(self, part: Formula) -> Value:
        memo = self.memo if self.bindings is self.given else None
        if memo is not None and (known := memo.get(part)) is not None:
            for letter, n in known[1]:
                self.runs(letter, n)
            self.work += _KNOWN_WORK
            return known[0]
        begun = len(self.counted)
        try:
            rule = _RULES.get(type(part))
            if rule is None:
                raise unreadable(f"{type(part).__name__.lower()} has no value")
            value = rule(self, part)
            self.root.work += value.array.size + _STEP_WORK
            if self.root.work > MOST_WORK:
                raise undefined("it is too large to be tried: too many indices or layers at once")
            if memo is not None and stands_alone(part):
                inner = bound_in(part)
                memo[part] = value, tuple(x for x in dict.fromkeys(self.counted[begun:]) if x[0] not in inner)
            return value
        except NoValueError as p:
            if p.part is None:
                p.part = part
            raise

    # --- letters and numbers ---

    def _number(self, part: Number) -> Value:
        return scalar(float(part.value))

    def _symbol(self, part: Symbol) -> Value:
        name = part.name
        plain = part.layer is None and part.sample is None and not part.prime
        if name == "n" and not plain:
            number = self.whole(part)
            if number is None:
                raise undefined("n of a layer that does not exist")
            return scalar(number)
        if plain and name in self.bound:
            return self._index_as_number(name)
        if self._is_differential(part):
            return self.differential(Symbol(name[1:], part.layer, part.sample))
        if plain and name in self.model.counts and ("local", name) not in self.overrides:
            return scalar(self.model.counts[name])
        if plain and (loss := self._derived_letter(name)) is not None:
            return self.eval(Partial(Symbol(loss), Symbol(name[1:])))
        if plain and name == "I" and (self._has_matrices() or self._is_beside_a_derivative(part)):
            return Value(np.ones((1, 1)), unit=True)
        if plain and name == "pi" and self._is_the_constant(part):
            return scalar(CONSTANTS[name])
        try:
            place = place_of(self, part)
        except NoValueError:
            number = self.whole(part) if plain else None
            if number is not None:
                return scalar(number)
            if plain and name in CONSTANTS:
                return scalar(CONSTANTS[name])
            if plain and name == "I":
                return Value(np.ones((1, 1)), unit=True)
            if plain and name in ONES:
                ones = Value(np.ones((1, 1)))
                ones.repeated = True
                return ones
            raise
        return view(self, self.stored(place.key), place)

    def _has_matrices(self) -> bool:
        """Where letters are any matrices I is the identity, unless it is one of them."""
        model = self.model
        square = any(rows == cols > 1 for rows, cols in model.shapes.values())
        return square and model.free is True and "I" not in model.shapes and "I" not in model.definitions

    def _is_the_constant(self, letter: Symbol) -> bool:
        """π is 3.14…, unless a text says what it is or differentiates by it."""
        if letter.name in self.model.definitions or letter.name in self.model.shapes:
            return False
        return not any(isinstance(x, Partial) and x.denominator == letter for root in self.roots for x in root.parts)

    def _is_beside_a_derivative(self, letter: Symbol) -> bool:
        """`∂y/∂x = I + ∂F/∂x`, where nobody says what I is."""
        if self.model.free is not True or {"I"} & {*self.model.definitions, *self.model.shapes} or not self.roots:
            return False
        terms = [x for x in self.roots[0].parts if isinstance(x, Binary) and x.sign in "+-" and letter in x.children]
        return bool(terms) and any(isinstance(x, Partial) for x in self.roots[0].parts)

    def _derived_letter(self, name: str) -> str | None:
        """`dz` where a document defines the loss: its derivative; dw and db are those of the cost, if there is one."""
        defined = self.model.definitions
        if len(name) < 2 or name[0] != "d" or name in defined or self.model.structure.is_network:
            return None
        if not (name[1:] in defined or self.model.is_free(name[1:])):
            return None
        order = ("J", "C", "L") if name[1:] in ("w", "W", "b") else ("L", "J", "C")
        return next((x for x in order if x in defined), None)

    def _index_as_number(self, letter: str) -> Value:
        n = self.length_of(letter)
        return Value((np.arange(n) + float(self.first))[:, None, None], (letter,))

    def is_function(self, symbol: Symbol) -> bool:
        return is_function(self, symbol)

    def key_of_letter(self, symbol: Symbol) -> Key:
        return place_of(self, symbol).key

    def defined(self, name: str, key: Any) -> Value:
        definition = self.model.definitions.get(f"{name}[{key[1]}]") or self.model.definitions.get(name)
        if definition is None or (isinstance(definition, Call) and names_itself(definition.function, name)):
            given = definition.arguments if isinstance(definition, Call) else self.model.depends[name]
            return self.generic(name, tuple(self.eval(x) for x in given), 0)
        if not isinstance(definition, Equation) or len(definition.sides) == 1:
            return self.eval(definition.sides[0] if isinstance(definition, Equation) else definition)
        head, body = definition.sides[0], definition.sides[-1]
        kept, at = self.bindings, head.base if isinstance(head, Index) else head
        if isinstance(at, Symbol) and at.layer is not None and key[1] is not None:
            self.bindings = self.bindings_of(at, key[1])
        try:
            value = self._componentwise(head, body) if isinstance(head, Index) else self.eval(body)
        finally:
            self.bindings = kept
        return self._of_samples(value, at)

    def _of_samples(self, value: Value, head: Formula) -> Value:
        """`e(i) = a(i) - y(i)` defines e for every sample, whatever letter numbers it elsewhere."""
        letter = head.sample if isinstance(head, Symbol) else None
        if not isinstance(letter, Symbol) or letter.name not in value.labels:
            return value
        return Value(value.array, tuple(SAMPLE if x == letter.name else x for x in value.labels))

    def _componentwise(self, head: Index, body: Formula) -> Value:
        """`u_i = …` defines the column u."""
        value = self.eval(body)
        if value.is_scalar and counts_nothing(Equation((head, body), ("=",))):
            return value
        for entry, axis in zip(head.entries, (-2, -1), strict=False):
            if not isinstance(entry, Symbol) or entry.name not in value.labels:
                raise undefined("a definition by entries whose index does not occur on the right")
            at = value.labels.index(entry.name)
            if value.shape[axis] != 1:
                raise misfit(f"{size(value.shape)} for one entry of {exact(head)}")
            value = Value(np.moveaxis(value.array, at, axis - 1).squeeze(axis), value.without(entry.name))
        return value

    # --- differentials ---

    def _is_differential(self, part: Symbol) -> bool:
        name = part.name
        if not is_small_change(name) or part.prime or name in self.model.definitions:
            return False
        if any(not is_small_change(k[0].removeprefix("def ")) for k in self.open):
            return False  # `delta = dZ` defines delta by the gradient
        if self.convention.differentials or (name[1:] in LOSSES and name != "dC"):
            return True
        if self.model.free is not True or not self.roots:
            return False
        return speaks_of_differentials(self.roots[0]) or bool(changes_alone(self.roots[0], self.model.definitions))

    # --- signs ---

    def _negate(self, part: Negate) -> Value:
        v = self.eval(part.operand)
        return Value(-v.array, v.labels, flat=v.flat, unit=v.unit)

    def _transpose(self, part: Transpose) -> Value:
        return self.eval(part.operand).T

    def _index(self, part: Index) -> Value:
        if isinstance(part.base, Symbol) and part.base.name == "n" and (number := self.whole(part)) is not None:
            return scalar(number)
        if is_delta(part) and "delta" not in self.model.definitions:
            return kronecker(self, part.entries)
        if not part.entries:
            raise unreadable("an index without entries")
        if self._is_of_a_sample(part):
            assert isinstance(part.base, Symbol)
            return self.eval(replace(part.base, sample=part.entries[0]))
        if self._names_a_number(part):
            return self.eval(part.base)
        base = self.eval(part.base)
        if has_new_axis(part):
            return self._with_new_axis(base, part.entries)
        if base.unit:
            return entrywise(base, kronecker(self, part.entries), np.multiply)
        labels, array = pick_entries(self, base.labels, base.array, part.entries)
        return Value(array, labels)

    def _is_of_a_sample(self, part: Index) -> bool:
        """C_k is the cost of sample k: a number has no entries."""
        base = part.base
        if not isinstance(base, Symbol) or base.layer is not None or base.sample is not None or len(part.entries) != 1:
            return False
        known = ("local", base.name) in self.overrides or base.name in self.model.definitions
        return self.model.structure.is_network and base.name in LOSSES and not known

    def _names_a_number(self, part: Index) -> bool:
        """`E_n` of `E_n = 1/2 Σ_k (y_k - t_k)²`, where n counts nothing: the error of one pattern, whichever it is."""
        base = part.base
        known = self.model.definitions.get(base.name) if isinstance(base, Symbol) and base.layer is None else None
        if not isinstance(known, Equation) or len(known.sides) < 2 or not isinstance(known.sides[0], Index):
            return False
        return part.entries == known.sides[0].entries and counts_nothing(known)

    def _with_new_axis(self, base: Value, entries: tuple[Formula, ...]) -> Value:
        """`v[:, None]`: a vector as a column; `v[None, :]`: as a row."""
        if len(entries) != 2 or Slice() not in entries or 1 not in base.shape:
            raise unreadable("a new axis of anything but a vector")
        n = max(base.shape)
        shape = (n, 1) if entries[0] == Slice() else (1, n)
        return Value(base.array.reshape((*base.array.shape[:-2], *shape)), base.labels)

    def _at(self, part: At) -> Value:
        """A formula at a place z = …: the letter z has that value. `dg/dz (x)` is taken at z = x."""
        place = part.place
        if not isinstance(place, Equation):
            inner = part.body.body if isinstance(part.body, At) else part.body
            if not isinstance(inner, Partial):
                raise unreadable("a place that is not given as an equation")
            below = inner.denominator
            whole = below.base if isinstance(below, Index) else below  # ∂g/∂z_1 (h(x)): all of z is h(x)
            place = Equation((whole, place), ("=",))
        letter, there = place.sides[0], place.sides[-1]
        if letter == there:
            return self.eval(part.body)
        if not isinstance(letter, Symbol) or letter.layer is not None or letter.sample is not None:
            raise unreadable("a place of something that is no plain letter")
        at_place = self.child({("local", letter.name): self.eval(there)})
        at_place.places = {**self.places, letter.name: there}
        return at_place.eval(part.body)


def _without_value(c: Context, part: Formula) -> Value:
    said = {Dots: "dots outside a list", Slice: "a colon outside indices", Range: "a range outside indices"}
    raise unreadable(said.get(type(part), "an equation inside a formula"))


_RULES: dict[type[Formula], Callable[[Evaluator, Any], Value]] = {
    Number: Evaluator._number,
    Symbol: Evaluator._symbol,
    Index: Evaluator._index,
    Call: call,
    Negate: Evaluator._negate,
    Binary: binary,
    Transpose: Evaluator._transpose,
    Sum: sum_value,
    Partial: partial,
    At: Evaluator._at,
    Limit: limit_value,
    Array: entries_value,
    Cases: by_cases,
    Dots: _without_value,
    Range: _without_value,
    Slice: _without_value,
    Equation: _without_value,
}
