"""Functions that nobody defined: random ones, smooth and without special form."""

from __future__ import annotations

import numpy as np

from ..graph import OPS, Node
from .tape import Function
from .values import Array, Value, entrywise, undefined


class Generic:
    """A smooth function of any matrices that nobody defined: random, analytic, positive near the origin.

    f(u) = p + q e^s + r sin(s + t), s = Σ w ∘ u over all arguments; with `entries` several such, one for each entry.
    """

    def __init__(self, name: str, rng: np.random.Generator, entries: int = 1) -> None:
        self.name, self._rng, self.entries = name, rng, entries
        self._weights: dict[tuple[int, tuple[int, int]], Array] = {}
        self._parts: list[Function] = []
        for _ in range(entries):
            p, q, r, t = rng.uniform(0.6, 1.4), *rng.uniform(0.2, 0.6, 2), rng.uniform(0.2, 1.2)

            def make(s: Node, p: float = p, q: float = q, r: float = r, t: float = t) -> Node:
                return OPS["add"](p + q * OPS["exp"](0.5 * s), r * OPS["sin"](s + t))

            self._parts.append(Function(name, make))

    def __call__(self, values: tuple[Value, ...], order: int = 0) -> Value:
        if order and (len(values) != 1 or not values[0].is_scalar):
            raise undefined(f"{self.name}' of anything but one number")
        parts = []
        for k, part in enumerate(self._parts):
            s: Value | None = None
            for place, v in enumerate(values):
                w = self._weight(k, place, v.shape)
                term = Value((v.array * w).sum(axis=(-2, -1), keepdims=True), v.labels)
                s = term if s is None else entrywise(s, term, np.add)
            if s is None:
                raise undefined(f"{self.name} without an argument")
            inner = float(self._weight(k, 0, (1, 1))[0, 0]) ** order if order else 1.0
            parts.append(Value(part(s.array, order) * inner, s.labels))
        return Value(np.concatenate([p.array for p in parts], axis=-2), parts[0].labels)

    def by_entries(self, value: Value, order: int = 0) -> Value:
        """The same function of every entry, as an activation is."""
        w = float(self._weight(0, 0, (1, 1))[0, 0])
        return Value(self._parts[0](value.array * w, order) * w**order, value.labels)

    def _weight(self, part: int, place: int, shape: tuple[int, int]) -> Array:
        key = (place * 100 + part, shape)
        if key not in self._weights:
            self._weights[key] = self._rng.uniform(0.3, 0.9, shape)
        return self._weights[key]
