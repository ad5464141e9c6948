"""A random network (or expression, or just letters) in which formulas have numbers, and equations are true or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import product as tuples
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..graph import Node
from ..nn.losses import Loss
from ..nn.network import Network
from ..notation.formula import Formula
from .compare import FLAT, TOLERANCE, Comparison, compared, evaluated
from .context import Context, Known
from .convention import Convention
from .evaluator import Evaluator
from .free import Inferred, inferred
from .matrices import told_apart
from .model import Model
from .own_letters import with_own_letters, with_plain_indices
from .penalty import with_penalty
from .quantities import Key, Structure, expression_structure, generator, key_of, network_numbers, network_structure
from .seen import bound_layers, counts_from_zero, layer_places, letters
from .values import NO_NUMBER, NoValueError, Value
from .values import Array as Numbers
from .written import widths_written

# Network, loss, m, seed, convention, definitions and free letters of which a world was made.
Made = tuple[str, str | Loss | None, int, int, Convention, tuple[tuple[str, Formula], ...], frozenset[str]]
Memo = dict[tuple[Model, int], Known]
_MOST_KNOWN, _MOST_MODELS = 20_000, 512
_MOST_LETTERS = 3  # that count layers in one formula
_LAYERED = frozenset({"W", "w", "b", "Z", "A", "z", "a", "g"})
_NO_STRUCTURE = Structure({}, {}, frozenset())


class World:
    """Numbers for every letter, made by `of_network`, `of_expression` or `free`.

    >>> world = World.of_network("3-5:tanh-4:tanh-2", "quadratic")
    >>> world.compare(equation, {"l": 2}).status
    'equal'
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._made: Made | None = None
        self._models: dict[Any, Model] = {}
        self._bindings: dict[Any, list[dict[str, int]]] = {}
        self._definitions, self._shapes = tuple(model.definitions.items()), tuple(model.shapes.items())

    @classmethod
    def of_network(
        cls,
        network: str | Network,
        loss: str | Loss | None = None,
        *,
        m: int = 7,
        seed: int = 0,
        convention: Convention = Convention(),  # noqa: B008  (immutable)
        definitions: Mapping[str, Formula] | None = None,
        free_letters: Collection[str] = (),
    ) -> World:
        """Random parameters, m samples and targets for a network with a loss (None: one without special form).

        definitions   letters that a document defines: name -> equation, or a formula
        free_letters  letters that nobody defines and that are random positive numbers

        Raises `ConfigurationError` for a network or loss that does not exist.
        """
        items = tuple((definitions or {}).items())
        try:
            return _network_world(network, loss, m, seed, convention, items, frozenset(free_letters))
        except TypeError:  # an argument without a hash, such as a loss with parameters
            return _new_network_world(network, loss, m, seed, convention, items, frozenset(free_letters))

    @classmethod
    def of_expression(
        cls,
        output: Node,
        values: Mapping[str, Any] | int = 0,
        name: str = "J",
        *,
        named: Mapping[str, Node] | None = None,
        convention: Convention = Convention(),  # noqa: B008
    ) -> World:
        """Any graph expression: its variables, named nodes and itself are quantities, dX is d output / dX.

        values  numbers of the variables by name, or a seed to draw them
        """
        s = expression_structure(output, name, named or {})
        if isinstance(values, int):
            numbers = _drawn(s, values)
        else:
            numbers = {key_of(k): np.atleast_2d(np.asarray(v, dtype=float)) for k, v in values.items()}
            for key in s.leaves:
                if key not in numbers:
                    raise ConfigurationError(f"the variable {_spelled(key)} has no numbers: give them by its name")
        return cls(Model(s, numbers, convention, seed=values if isinstance(values, int) else 0))

    @classmethod
    def free(
        cls,
        seed: int = 0,
        *,
        definitions: Mapping[str, Formula] | None = None,
        shapes: Mapping[str, tuple[int, int]] | None = None,
        convention: Convention = Convention(),  # noqa: B008
    ) -> World:
        """No network: a letter is a random positive number, a vector or matrix if it is indexed, a function if called.

        definitions  letters that a document defines; `f(x)` alone says that f is some function of x
        shapes       rows and columns of letters that are matrices; `U_1` is another letter than U
        """
        return _free_world(seed, tuple((definitions or {}).items()), tuple((shapes or {}).items()), convention)

    # --- evaluation ---

    def value(self, formula: Formula, bindings: Mapping[str, int] | None = None) -> Value:
        """The numbers of a formula.

        Raises `NoValueError` (status and message) if it has none.
        """
        formula = self._in_own_letters(formula)
        return evaluated(self._context(formula, bindings or {}), formula)

    def compare(
        self,
        equation: Formula,
        bindings: Mapping[str, int] | None = None,
        *,
        tolerance: float = TOLERANCE,
        place: bool = True,
        memo: Memo | None = None,
    ) -> Comparison:
        """Compare the sides of an equation, neighbor with neighbor; never raises.

        `W <- W - …` (or `:=`, or `=` with the parameter on both sides) is compared with one step of gradient descent.

        place  whether the part that failed is looked for
        memo   where many formulas are compared under the same bindings: what was found of their parts
        """
        if self.model.convention.written and self._made is not None:
            found = self._as_written(equation, bindings or {})
            if found is not self:
                return found.compare(equation, bindings, tolerance=tolerance, place=place, memo=memo)
        try:
            equation = self._in_own_letters(equation)
        except NoValueError as error:
            return Comparison(error.status, 0.0, error.message)
        own = {"J", "C"} & self.model.definitions.keys()  # the cost as the document defines it, with or without
        if self.model.convention.penalty is not None and self.model.structure.is_network and not own:
            equation = with_penalty(equation, self.model.convention.penalty)
        return compared(lambda formula: self._context(formula, bindings or {}, memo), equation, tolerance, place=place)

    def _as_written(self, equation: Formula, bindings: Mapping[str, int]) -> World:
        """This network with as many units in a layer as the formula writes one by one."""
        layers, there = self.model.structure.layers, Evaluator(self.model, bindings)
        widths = widths_written(equation, layers, lambda at: there.whole(at, layer=True))
        if self._made is None or not widths:
            return self
        network, *others = self._made
        parts = network.split("-")
        for layer, units in widths.items():
            if 0 <= layer < len(parts):
                parts[layer] = ":".join([str(units), *parts[layer].split(":")[1:]])
        made = ("-".join(parts), *others)
        return self if made == self._made else _network_world(*made)

    def _in_own_letters(self, formula: Formula) -> Formula:
        """The formula with letters that are told apart by what stands at them."""
        formula = told_apart(with_plain_indices(formula), self.model.shapes)
        return with_own_letters(formula, self.model.definitions.values()) if self.model.free is True else formula

    def bindings(self, equation: Formula) -> list[dict[str, int]]:
        """Values of the free layer letters for which every layer that is mentioned exists; [{}] if there is none."""
        if not self.model.structure.layers:
            return [{}]
        places, bound = frozenset(layer_places(equation)), frozenset(bound_layers(equation))
        key = places, bound
        if key not in self._bindings:
            if len(self._bindings) > _MOST_MODELS:
                self._bindings.clear()
            self._bindings[key] = self._bound_so(places, bound)
        return [dict(x) for x in self._bindings[key]]

    def _bound_so(self, places: frozenset[tuple[str, Formula]], bound: frozenset[str]) -> list[dict[str, int]]:
        """The values of the layer letters for which every place exists; letters that stand alone are tried first."""
        names = sorted({x for _, at in places for x in letters(at)} - bound - {"L"})
        if len(names) > _MOST_LETTERS:
            return []
        alone = {name: [p for p in places if letters(p[1]) - {"L"} == {name}] for name in names}
        ranges = []
        for name in names:
            fitting = range(self.model.structure.layers + 2)
            ranges.append([n for n in fitting if self._all_exist(alone[name], {name: n}, bound)])
        given = (dict(zip(names, numbers, strict=True)) for numbers in tuples(*ranges))
        return [x for x in given if self._all_exist(places, x, bound)]

    def _all_exist(
        self, places: Iterable[tuple[str, Formula]], given: Mapping[str, int], bound: frozenset[str]
    ) -> bool:
        context = Evaluator(self.model, given)
        return all(self._exists(context, name, at, bound) for name, at in places)

    def _exists(self, c: Context, name: str, at: Formula, bound: frozenset[str]) -> bool:
        if letters(at) & bound:
            return True
        number = c.whole(at, layer=True)
        if number is None:
            return False
        stem = name[1:] if name[:1] == "d" and len(name) > 1 else name
        lowest = 0 if stem in ("A", "a", "n") else 1
        if name in self.model.definitions or stem not in _LAYERED | {"n"}:
            return 0 <= number <= self.model.structure.layers
        return lowest <= number <= self.model.structure.layers

    def _context(self, formula: Formula, bindings: Mapping[str, int], memo: Memo | None = None) -> Evaluator:
        context = Evaluator(self._model_for(formula), bindings)
        zero = self.model.convention.first_index
        context.first = (0 if counts_from_zero(formula) else 1) if zero is None else zero
        context.roots.append(formula)
        if memo is not None:
            context.memo = memo.setdefault((context.model, context.first), {})
            if len(context.memo) > _MOST_KNOWN:
                context.memo.clear()
        return context

    def _model_for(self, formula: Formula) -> Model:
        """The model with what the formula itself says of letters that nobody defined."""
        model = self.model
        if not model.free and not model.definitions:
            return model
        defined = model.definitions
        found = _inferred(formula, self._definitions, self._shapes)
        free = {k: v for k, v in found.shapes.items() if model.is_free(k)} | dict(model.shapes)
        depends = {k: v for k, v in found.depends.items() if model.is_free(k) or k in defined}
        counts = {k: v for k, v in found.counts.items() if model.free is True and k not in defined}
        key = (*(tuple(sorted(x.items())) for x in (free, depends, counts)), found.by_entries, found.distributions)
        if key not in self._models:
            if len(self._models) > _MOST_MODELS:
                self._models.clear()
            self._models[key] = replace(
                model,
                shapes=free,
                depends=depends,
                counts=counts,
                by_entries=found.by_entries,
                distributions=found.distributions,
                stored={},
                derivatives={},
                generic={},
                costs={},
            )
        return self._models[key]


@lru_cache(maxsize=1 << 12)
def _inferred(
    formula: Formula, definitions: tuple[tuple[str, Formula], ...], shapes: tuple[tuple[str, tuple[int, int]], ...]
) -> Inferred:
    """What the formula and the definitions around it say of letters; a formula is tried in several worlds."""
    defined = dict(definitions)
    return inferred((*defined.values(), formula), defined, dict(shapes))


def _spelled(key: Key) -> str:
    return key[0] if key[1] is None else f"{key[0]}[{key[1]}]"


def _drawn(s: Structure, seed: int) -> dict[Key, Numbers]:
    """Numbers for the variables of an expression; positive ones where others give no number."""
    dims = sorted({d for shape in s.leaves.values() for d in shape if isinstance(d, str)})
    sizes = {d: 3 + i for i, d in enumerate(dims)}
    for positive in (False, True):
        numbers: dict[Key, Numbers] = {}
        for key, shape in s.leaves.items():
            rng = generator(seed, *key)
            bound = tuple(sizes[d] if isinstance(d, str) else d for d in shape)
            numbers[key] = rng.uniform(0.3, 1.5, bound) if positive else rng.normal(0.0, 0.8, bound)
        with np.errstate(all="ignore"):
            result = Evaluator(Model(s, numbers, Convention()), {}).stored(s.output or ("", None))
        if np.all(np.isfinite(result.array)):
            break
    return numbers


@lru_cache(maxsize=256)
def _network_world(
    network: str | Network,
    loss: str | Loss | None,
    m: int,
    seed: int,
    convention: Convention,
    definitions: tuple[tuple[str, Formula], ...],
    free: frozenset[str],
) -> World:
    return _new_network_world(network, loss, m, seed, convention, definitions, free)


def _new_network_world(
    network: str | Network,
    loss: str | Loss | None,
    m: int,
    seed: int,
    convention: Convention,
    definitions: tuple[tuple[str, Formula], ...],
    free: frozenset[str],
) -> World:
    s = network_structure(network, loss)
    numbers = network_numbers(s, m, seed, convention)
    known = {name: with_plain_indices(formula) for name, formula in definitions}
    world = World(Model(s, numbers, convention, m, seed, known, free=free))
    if isinstance(network, str):
        world._made = (network, loss, m, seed, convention, definitions, free)
    return world


@lru_cache(maxsize=256)
def _free_world(
    seed: int,
    definitions: tuple[tuple[str, Formula], ...],
    shapes: tuple[tuple[str, tuple[int, int]], ...],
    convention: Convention,
) -> World:
    plain = {name: told_apart(with_plain_indices(formula), dict(shapes)) for name, formula in definitions}
    known = {name: with_own_letters(formula) for name, formula in plain.items()}
    return World(Model(_NO_STRUCTURE, {}, convention, 1, seed, known, dict(shapes), free=True))


__all__ = ["FLAT", "NO_NUMBER", "Comparison", "Convention", "Memo", "World"]
