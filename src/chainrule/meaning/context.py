"""Where a formula is evaluated: the numbers of all quantities, and those that are overridden to differentiate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import prod

import numpy as np

from ..notation.formula import Binary, Call, Equation, Formula, Index, Negate, Number, Symbol
from ..notation.write import exact
from .convention import Convention
from .generic import Generic
from .model import Model
from .quantities import Key, generator, key_of
from .seen import changes_alone
from .values import SAMPLE, Array, Labels, NoValueError, Value, bounded, misfit, moved_to_label, spread, undefined

Known = dict[Formula, tuple[Value, tuple[tuple[str, int], ...]]]
STEP = 1e-40  # of the complex step: nothing is subtracted, so it can be so small that its square vanishes
_FUNCTION_WORK = 2_000  # what one entry of an unknown function costs, in numbers
PARAMETERS = frozenset({"W", "b", "gamma", "beta"})
_SPELLED = {"A": ("x", "X"), "W": ("w",)}  # leaves of a network, as texts spell them


class NestedStepError(Exception):
    """A derivative is wanted inside a complex step; the outer one must use real differences."""


class Context(ABC):
    """One evaluation: model, numbers of layer letters, overridden quantities, and the lengths of index letters.

    places      letters that have the value of a formula here, as z in `… |_{z = h(x)}`
    memo        what parts were found to be before, where many like formulas are evaluated: values, and how far the
                index letters in them run
    complex     an override carries a complex step
    varied      the leaves carry a complex step along one direction (a differential)
    """

    def __init__(
        self,
        model: Model,
        bindings: Mapping[str, int],
        overrides: Mapping[Key, Value] | None = None,
        *,
        stepped: bool = False,
        varied: bool = False,
        parent: Context | None = None,
    ) -> None:
        self.model, self.bindings = model, dict(bindings)
        self.overrides: Mapping[Key, Value] = overrides or {}
        self.complex, self.varied = stepped, varied
        self.found: dict[Key, Value] = {} if overrides or varied else model.stored
        self.scope: dict[str, int] = parent.scope if parent else {}
        self.places: Mapping[str, Formula] = parent.places if parent else {}
        self.limits: dict[str, int] = parent.limits if parent else {}
        self.bound: set[str] = parent.bound if parent else set()
        self.roots: list[Formula] = parent.roots if parent else []
        self.first: int = parent.first if parent else 1
        self.bare: str | None = parent.bare if parent else model.convention.bare_sum
        self.depth: int = parent.depth + 1 if parent else 0
        self.open: set[Key] = parent.open if parent else set()
        self.root: Context = parent.root if parent else self
        self.memo: Known | None = None
        self.given = self.bindings  # a sum over layers has others
        self.counted: list[tuple[str, int]] = []  # of the root, with a memo: index letters and their lengths as met
        self.work = 0  # of the root: how many numbers were computed

    @property
    def convention(self) -> Convention:
        return self.model.convention

    @property
    def one(self) -> bool:
        return self.model.convention.samples == "one" and self.model.structure.is_network

    @abstractmethod
    def eval(self, part: Formula) -> Value:
        """The value of a part of a formula."""

    @abstractmethod
    def defined(self, name: str, key: Key) -> Value:
        """The value of a letter that a document defines."""

    @abstractmethod
    def key_of_letter(self, symbol: Symbol) -> Key:
        """The stored quantity for which a letter stands; `NoValueError` for one that nobody knows."""

    @abstractmethod
    def is_function(self, symbol: Symbol) -> bool:
        """Whether a bare letter is a function without an argument, as in ∂σ/∂z."""

    def composes(self, part: Formula) -> bool:
        """Whether a bare letter is a function that nobody knows or a document defines, as g in g ∘ h."""
        if not isinstance(part, Symbol) or part.layer is not None or part.sample is not None or part.prime:
            return False
        definition = self.model.definitions.get(part.name)
        if definition is None:
            return self.model.free is True and part.name in self.model.depends
        return isinstance(definition, Call) or bool(argument_names(definition))

    def child(self, overrides: Mapping[Key, Value], *, stepped: bool = False, varied: bool = False) -> Context:
        """The same place with more quantities overridden; what lies before them keeps its numbers."""
        return type(self)(
            self.model,
            self.bindings,
            {**self.overrides, **overrides},
            stepped=self.complex or stepped,
            varied=self.varied or varied,
            parent=self,
        )

    def length_of(self, letter: str) -> int:
        """How many values an index letter has, found from the places where it stands."""
        if letter in self.scope:
            return self.scope[letter]
        for root in reversed(self.roots):
            for part in root.parts:
                if isinstance(part, Index) and any(isinstance(e, Symbol) and e.name == letter for e in part.entries):
                    if is_delta(part):
                        continue
                    try:
                        self.eval(part)
                    except NoValueError:
                        continue
                    if letter in self.scope:
                        return self.scope[letter]
        raise undefined(f"how far {letter} runs is not known")

    def generic(self, name: str, values: tuple[Value, ...], order: int) -> Value:
        known = self.model.generic
        if name not in known:
            entries = self.model.shapes.get(name, (1, 1))[0]
            bounded(entries * _FUNCTION_WORK)
            known[name] = Generic(name, generator(self.model.seed, "function", name), entries)
        function: Generic = known[name]
        if name in self.model.by_entries and len(values) == 1 and not values[0].is_scalar:
            return function.by_entries(values[0], order)
        return function(values, order)

    def differential(self, of: Formula) -> Value:
        """The change of a quantity along one direction of the leaves."""
        if self.complex or self.varied:
            raise undefined("a differential inside a derivative")
        varied = self.child({}, varied=True)
        there: dict[Key, Value] = {("local", name): varied.eval(place) for name, place in self.places.items()}
        value = self.child(there, varied=True).eval(of)
        return Value(value.array.imag / STEP, value.labels)

    # --- numbers of quantities ---

    def stored(self, key: Key) -> Value:
        """A quantity as it is stored: samples as columns."""
        if key in self.overrides:
            return self.overrides[key]
        if key in self.found:
            self.root.work += self.model.costs.get(key, 0)
            return self.found[key]
        s, before = self.model.structure, self.root.work
        if self.overrides and not self.varied and key in s.sources and not (s.sources[key] & self.overrides.keys()):
            return self.root.stored(key)
        if key[0] == "free" and self.overrides and not self.varied:
            return self.root.stored(key)
        if key in s.leaves:
            value = self._leaf(key, self.model.numbers[key], key in s.sampled)
        elif key in s.tapes:
            value = self._computed(key)
        elif key[0] == "free":
            value = self._free(key)
        elif key[0].startswith("def "):
            value = self._defined(key)
        else:
            value = self._gradient(key)
        self.found[key] = value
        if self.found is self.model.stored:
            self.model.costs[key] = self.root.work - before
        return value

    def _leaf(self, key: Key, numbers: Array, sampled: bool) -> Value:
        if self.varied and self._varies(key):
            numbers = numbers + 1j * STEP * generator(self.model.seed, "direction", *key).normal(size=numbers.shape)
        return Value(numbers, samples=sampled)

    def _varies(self, key: Key) -> bool:
        name, varying = key[0], self.convention.varying
        if not varying and self.model.free is True and self.roots:
            varying = changes_alone(self.roots[0], self.model.definitions)
        spelled = () if key[1] is None else (f"{name}[{key[1]}]", *_SPELLED.get(name, ()))
        if not varying or {name, *spelled} & set(varying):
            return True
        whole = [self.key_of_letter(x) for x in varying if isinstance(x, Symbol)]
        return any(key == x or key in self.model.structure.sources.get(x, ()) for x in whole)

    def _computed(self, key: Key) -> Value:
        tape = self.model.structure.tapes[key]
        inputs = {n: self.stored(key_of(n)) for n in tape.inputs}
        union: Labels = ()
        for v in inputs.values():
            union += tuple(x for x in v.labels if x not in union)
        lengths = {x: v.length(x) for v in inputs.values() for x in v.labels}
        bounded(prod(lengths.values()) * max((v.shape[0] * v.shape[1] for v in inputs.values()), default=1))
        arrays = {n: v.array if not v.labels else spread(v, union) for n, v in inputs.items()}
        if self.convention.summed and key[0] in ("J", "J*") and "L" in arrays:  # the mean of m L is the sum of L
            arrays["L"] = arrays["L"] * (1 if self.one else self.model.m)
        return Value(tape(arrays), union, samples=key in self.model.structure.sampled)

    def _defined(self, key: Key) -> Value:
        if key in self.open:
            raise undefined(f"{key[0].removeprefix('def ')} is defined by itself")
        self.open.add(key)
        try:
            value = self.defined(key[0].removeprefix("def "), key)
        finally:
            self.open.discard(key)
        if SAMPLE in value.labels and value.shape[1] == 1:
            return Value(value.last(SAMPLE)[..., 0, :], value.without(SAMPLE), samples=True)
        return value

    def _free(self, key: Key) -> Value:
        name = str(key[1])
        shape = self.model.shapes.get(name, (1, 1))
        bounded(shape[0] * shape[1])
        numbers = generator(self.model.seed, "free", name).uniform(0.4, 1.6, shape)
        if name in self.model.distributions and numbers.size > 1:
            axis = 1 if numbers.shape[0] == 1 or (self.convention.rows and numbers.shape[1] > 1) else 0
            numbers = numbers / numbers.sum(axis=axis, keepdims=True)
        elif self.convention.signs == "negative":
            numbers = -numbers
        elif self.convention.signs == "mixed":
            numbers = numbers * generator(self.model.seed, "sign", name).choice((-1.0, 1.0), shape)
        if self.convention.symmetric and shape[0] == shape[1]:
            numbers = (numbers + numbers.T) / 2
        return self._leaf((name, None), numbers, False)

    def _gradient(self, key: Key) -> Value:
        """dA, dZ: derivatives of the loss of each sample; dW, db, …: of the cost; dW*: of the loss of each sample."""
        s = self.model.structure
        if self.overrides and not (self.varied or any(k in s.leaves or k in s.tapes for k in self.overrides)):
            return self.root.stored(key)
        if self.complex or self.varied:
            raise NestedStepError
        name, layer = key[0][1:], key[1]
        if not s.is_network:
            return self._slope((name, layer), s.output or key)
        if name in PARAMETERS:
            each = self.stored((f"d{name}*", layer))
            return Value(each.last(SAMPLE).mean(axis=-1), each.without(SAMPLE))
        if name.endswith("*"):
            return self._slope((name[:-1], layer), ("J*", None))
        return self._slope_of_samples((name, layer))

    def _slope(self, key: Key, output: Key) -> Value:
        """Derivative of an output by every entry of a leaf; a row over the samples gives one for each sample."""
        base = self.stored(key)
        r, c = base.shape
        result = self.child({key: stepped(base, "∂")}, stepped=True).stored(output)
        if "∂" not in result.labels:
            return Value(np.zeros((r, c)))
        slope = result.last("∂").imag / STEP
        slope = slope.reshape((*slope.shape[:-1], r, c))
        labels = result.without("∂")
        if result.samples:
            return Value(slope[..., 0, :, :, :], (*labels, SAMPLE))
        return Value(slope[..., 0, 0, :, :], labels)

    def _slope_of_samples(self, key: Key) -> Value:
        """Derivative of every sample's loss by its own column: a row of entries is perturbed in all samples at once."""
        key = self.model.structure.alias.get(key, key)
        base = self.stored(key)
        n = base.shape[0]
        steps = np.zeros((n, *(1 for _ in base.labels), n, 1), complex)
        steps.reshape(n, n)[np.diag_indices(n)] = 1j * STEP
        moved = Value(base.array + steps, ("∂", *base.labels), samples=True)
        loss = self.child({key: moved}, stepped=True).stored(("L", None))
        if "∂" not in loss.labels:
            return Value(np.zeros(base.shape), samples=True)
        slope = np.moveaxis(loss.last("∂")[..., 0, :, :].imag / STEP, -1, -2)
        if self.convention.place == "dZ" and not self.one and not self.convention.summed:
            slope = slope / base.shape[1]
        return Value(slope, loss.without("∂"), samples=True)

    # --- whole numbers ---

    def layer(self, part: Formula) -> int:
        """The number of a layer: l, l-1, L, 2."""
        number = self.whole(part, layer=True)
        if number is None:
            raise undefined("a layer that is no number")
        return number

    def whole(self, part: Formula, *, layer: bool = False) -> int | None:
        """A whole number that is known without evaluating: 3, l-1, L, n_l, m; None for anything else."""
        s = self.model.structure
        match part:
            case Number(value):
                return int(value) if value.denominator == 1 else None
            case Symbol(name="n", layer=Formula() as at) | Index(Symbol("n", None, None, 0), (at,)):
                number = self.whole(at, layer=True)
                if number is None or not 0 <= number < len(s.widths):
                    return None
                return s.widths[number]
            case Symbol(name, None, None, 0):
                if name in self.bindings:
                    return self.bindings[name]
                if layer and name == "L" and s.layers:
                    return s.layers
                if not layer and name in ("m", "N") and s.is_network and name not in self.bound:
                    return 1 if self.one else self.model.m
            case Negate(x):
                number = self.whole(x, layer=layer)
                return None if number is None else -number
            case Binary(sign, left, right) if sign in "+-" or sign in ("*", " ", "·"):
                a, b = self.whole(left, layer=layer), self.whole(right, layer=layer)
                if a is not None and b is not None:
                    return a + b if sign == "+" else a - b if sign == "-" else a * b
        return None

    def bindings_of(self, head: Symbol, layer: int | str | None) -> dict[str, int]:
        """The numbers of layer letters for which `h[l] = …`, `h[l+1] = …` defines h of a layer; h[0] is no other."""
        if head.layer is None or not isinstance(layer, int):
            return self.bindings
        letters = {x.name for x in head.layer.parts if isinstance(x, Symbol)}
        letters -= {"L"} if self.model.structure.layers else set()
        for letter in letters:
            offset = type(self)(self.model, {letter: 0}).whole(head.layer, layer=True)
            if offset is not None:
                return {**self.bindings, letter: layer - offset}
        if self.whole(head.layer, layer=True) != layer:
            raise undefined(f"{head.name}[{layer}] is not defined: {exact(head)} alone is")
        return self.bindings

    # --- indices ---

    def runs(self, letter: str, n: int) -> None:
        """Note that an index letter runs over n values; another number is an error that names both."""
        if self.root.memo is not None:
            self.root.counted.append((letter, n))
        known = self.scope.setdefault(letter, n)
        if known != n:
            if self.convention.common_range and letter not in self.bound:
                self.limits[letter] = min(known, n)
            raise misfit(f"{letter} runs over {self.model.size_name(known)} and {self.model.size_name(n)}")

    def picked(self, labels: Labels, array: Array, axis: int, entry: Formula) -> tuple[Labels, Array]:
        """One index applied to a trailing axis (counted from the end), which keeps its place with length 1."""
        n = array.shape[axis]
        if isinstance(entry, Symbol) and entry.layer is None and entry.sample is None:
            letter = entry.name + "'" * entry.prime
            if n > self.limits.get(letter, n):
                n = self.limits[letter]
                array = np.take(array, range(n), axis=axis)
            if letter in labels:
                self.runs(letter, array.shape[labels.index(letter)])
            self.runs(letter, n)
            return moved_to_label(labels, array, axis, letter)
        number = self.whole(entry)
        if number is None:
            raise undefined("an index that is neither a letter nor a number")
        if not 0 <= number - self.first < n:
            raise undefined(f"there is no entry {number} among {self.model.size_name(n)}")
        place = number - self.first
        return labels, np.take(array, range(place, place + 1), axis=axis)


def stepped(base: Value, label: str) -> Value:
    """A value with a complex step at each of its entries in turn, along a new label."""
    r, c = base.shape
    bounded(r * c * base.array.size)
    steps = np.zeros((r * c, r * c), complex)
    steps[np.diag_indices(r * c)] = 1j * STEP
    steps = steps.reshape((r * c, *(1 for _ in base.labels), r, c))
    return Value(base.array + steps, (label, *base.labels), samples=base.samples)


def argument_names(definition: Formula) -> tuple[Formula, ...]:
    """The arguments of a definition `h(x) = …`; none for `z = …`."""
    head = definition.sides[0] if isinstance(definition, Equation) and len(definition.sides) > 1 else definition
    return head.arguments if isinstance(head, Call) and isinstance(definition, Equation) else ()


def is_delta(part: Index) -> bool:
    base = part.base
    return isinstance(base, Symbol) and base.name == "delta" and base.layer is None and len(part.entries) == 2
