"""A random network (or expression, or just letters) in which formulas have numbers, and equations are true or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product as tuples
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..graph import Node
from ..nn.losses import Loss
from ..nn.network import Network
from ..notation.formula import ONE, Array, Equation, Formula, Path, Symbol, Transpose
from .context import Context, Model, NestedStepError
from .convention import Convention
from .evaluator import Evaluator
from .free import inferred
from .functions import NOT_ENTRYWISE
from .letters import LOSSES
from .quantities import Key, Structure, expression_structure, generator, key_of, network_numbers, network_structure
from .seen import bound_layers, counts_from_zero, has_bare_sum, layer_places, letters, updated
from .values import SAMPLE, NoValueError, Status, Value, difference, size
from .values import Array as Numbers

TOLERANCE = 1e-8
FLAT = "keepdims missing"  # the message where sides are equal if sums keep their dimension
_LAYERED = frozenset({"W", "w", "b", "Z", "A", "z", "a", "g"})
_NO_STRUCTURE = Structure({}, {}, frozenset())


@dataclass(frozen=True)
class Comparison:
    """How the sides of an equation compare.

    status   "equal"; "different" numbers; "shape": shapes or indices do not fit; "undefined": something has no value;
             "unreadable": the form has no meaning here
    error    largest difference relative to the largest entry, 0 where nothing was compared
    message  one phrase, such as "3 × 7 against 4 × 7"
    path     place of the part that failed, in the equation; `part` itself where its place was not looked for
    """

    status: Status
    error: float = 0.0
    message: str = ""
    path: Path | None = None
    part: Formula | None = field(default=None, repr=False, compare=False)


class World:
    """Numbers for every letter, made by `of_network`, `of_expression` or `free`.

    >>> world = World.of_network("3-5:tanh-4:tanh-2", "quadratic")
    >>> world.compare(equation, {"l": 2}).status
    'equal'
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._models: dict[Formula, Model] = {}

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
        shapes       rows and columns of letters that are matrices
        """
        return _free_world(seed, tuple((definitions or {}).items()), tuple((shapes or {}).items()), convention)

    # --- evaluation ---

    def value(self, formula: Formula, bindings: Mapping[str, int] | None = None) -> Value:
        """The numbers of a formula.

        Raises `NoValueError` (status and message) if it has none.
        """
        return self._evaluated(self._context(formula, bindings or {}), formula)

    def compare(
        self,
        equation: Formula,
        bindings: Mapping[str, int] | None = None,
        *,
        tolerance: float = TOLERANCE,
        place: bool = True,
    ) -> Comparison:
        """Compare the sides of an equation, neighbor with neighbor; never raises.

        `W <- W - …` (or `:=`, or `=` with the parameter on both sides) is compared with one step of gradient descent.

        place  whether the part that failed is looked for
        """
        try:
            with np.errstate(all="ignore"):
                found = self._compared(equation, bindings or {}, tolerance)
                if place and found.part is not None:
                    found = replace(found, path=_path(equation, found.part), part=None)
                if found.status != "equal" and self.model.convention.bare_sum is None and has_bare_sum(equation):
                    other = self._compared(equation, bindings or {}, tolerance, "entries")
                    found = other if other.status == "equal" else found
                return found
        except RecursionError:
            return Comparison("unreadable", 0.0, "nested too deeply")
        except MemoryError:
            return Comparison("undefined", 0.0, "too many indices at once")
        except NestedStepError:
            return Comparison("undefined", 0.0, "a derivative inside a differential")
        except (
            ArithmeticError,
            ValueError,
            TypeError,
            IndexError,
            KeyError,
            AttributeError,
            np.exceptions.AxisError,
        ) as e:
            return Comparison("unreadable", 0.0, f"it could not be evaluated ({type(e).__name__})")

    def bindings(self, equation: Formula) -> list[dict[str, int]]:
        """Values of the free layer letters for which every layer that is mentioned exists; [{}] if there is none."""
        layers = self.model.structure.layers
        if not layers:
            return [{}]
        places = list(layer_places(equation))
        bound = bound_layers(equation)
        names = sorted({x for _, at in places for x in letters(at)} - bound - {"L"})
        found = []
        for numbers in tuples(range(layers + 2), repeat=min(len(names), 3)):
            given = dict(zip(names, numbers, strict=False))
            context = Evaluator(self.model, given)
            if all(self._exists(context, name, at, bound) for name, at in places):
                found.append(given)
        return found

    def _exists(self, c: Context, name: str, at: Formula, bound: set[str]) -> bool:
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

    def _context(self, formula: Formula, bindings: Mapping[str, int]) -> Evaluator:
        context = Evaluator(self._model_for(formula), bindings)
        zero = self.model.convention.first_index
        context.first = (0 if counts_from_zero(formula) else 1) if zero is None else zero
        context.roots.append(formula)
        return context

    def _model_for(self, formula: Formula) -> Model:
        """The model with what the formula itself says of letters that nobody defined."""
        model = self.model
        if not model.free and not model.definitions:
            return model
        if formula not in self._models:
            defined = model.definitions
            found = inferred((*defined.values(), formula), defined, model.shapes)
            free = {k: v for k, v in found.shapes.items() if model.is_free(k)} | dict(model.shapes)
            depends = {k: v for k, v in found.depends.items() if model.is_free(k) or k in defined}
            counts = {k: v for k, v in found.counts.items() if model.free is True and k not in defined}
            if len(self._models) > 512:
                self._models.clear()
            self._models[formula] = replace(
                model, shapes=free, depends=depends, counts=counts, stored={}, derivatives={}, generic={}
            )
        return self._models[formula]

    def _evaluated(self, context: Context, part: Formula) -> Value:
        with np.errstate(all="ignore"):
            try:
                value = context.eval(part)
            except NoValueError as p:
                p.part = p.part or part
                raise
        if not np.all(np.isfinite(value.array)):
            raise NoValueError("undefined", "a value that is no number", part)
        return value

    def _compared(
        self, equation: Formula, bindings: Mapping[str, int], tolerance: float, bare: str | None = None
    ) -> Comparison:
        limits: dict[str, int] = {}
        for _ in range(4 if self.model.convention.common_range else 1):
            known = dict(limits)
            try:
                return self._judged(equation, bindings, tolerance, bare, limits)
            except NoValueError as p:
                found = Comparison(p.status, 0.0, p.message, None, p.part)
            if limits == known:  # no index was found to have to stop earlier
                break
        return found

    def _judged(
        self,
        equation: Formula,
        bindings: Mapping[str, int],
        tolerance: float,
        bare: str | None,
        limits: dict[str, int],
    ) -> Comparison:
        if not isinstance(equation, Equation) or len(equation.sides) < 2:
            self._evaluated(self._context(equation, bindings), _single(equation))
            return Comparison("unreadable", 0.0, "there is no equation")
        if "->" in equation.relations:
            return Comparison("unreadable", 0.0, "an arrow states no equality")
        if "!=" in equation.relations:
            return self._unequal(equation, bindings, tolerance)
        context = self._context(equation, bindings)
        context.bare, context.limits = bare or context.bare, limits
        update = updated(equation)
        sides = [self._evaluated(context, equation.sides[0] if update is None else update)]
        sides += [self._evaluated(context, side) for side in equation.sides[1:]]
        note = FLAT if any(v.flat for v in sides) else ""
        for i, side in enumerate(equation.sides):
            other = sides[i - 1 if i else 1]
            if (
                _is_list(side)
                and sides[i].shape == other.shape[::-1] != other.shape
                and self.model.convention.layout == "free"
            ):
                sides[i], note = sides[i].T, "a list as a column"
            elif side == _ONES and other.shape[0] == 1:
                sides[i] = Value(np.ones(other.shape))
            elif sides[i].unit or (sides[i].repeated and sides[i].shape != other.shape):
                sides[i] = sides[i].sized(other.shape)
            if isinstance(side, Symbol) and side.name in LOSSES:
                sides[i] = _in_line(sides[i], other)
        worst = 0.0
        for i in range(len(equation.relations)):
            a, b = sides[i], sides[i + 1]
            if a.shape != b.shape:
                raise NoValueError("shape", f"{size(a.shape)} against {size(b.shape)}", equation)
            error = difference(a, b)
            if error > tolerance:
                return Comparison("different", error, f"the sides differ by {error:.2g}", (i + 1,))
            worst = max(worst, error)
        return Comparison("equal", worst, note)

    def _unequal(self, equation: Equation, bindings: Mapping[str, int], tolerance: float) -> Comparison:
        """`a != b` holds where a = b does not: other numbers, other shapes, or g' of a g that has no such vector."""
        if len(equation.sides) != 2:
            return Comparison("unreadable", 0.0, "an inequality in a chain of equations")
        found = self._compared(Equation(equation.sides, ("=",)), bindings, tolerance)
        if found.status == "equal":
            return Comparison("different", found.error, "the sides are equal", (1,))
        if found.status in ("different", "shape") or NOT_ENTRYWISE in found.message:
            return Comparison("equal", 0.0, "")
        return found


_ONES = Transpose(ONE)  # 1ᵀ, a row of ones


def _is_list(side: Formula) -> bool:
    """`[a, b, c]`, which says nothing of rows and columns."""
    return isinstance(side, Array) and (side.columns == len(side.entries))


def _in_line(loss: Value, other: Value) -> Value:
    """The losses of the samples as a row (or column), where the other side is one: `L = np.sum(…, axis=0)`."""
    if loss.labels != (SAMPLE,) or SAMPLE in other.labels or loss.length(SAMPLE) == 1:
        return loss
    if sorted(other.shape) != [1, loss.length(SAMPLE)]:
        return loss
    return Value(loss.array.reshape(other.shape))


def _single(equation: Formula) -> Formula:
    return equation.sides[0] if isinstance(equation, Equation) else equation


def _path(equation: Formula, part: Formula | None) -> Path | None:
    if part is None:
        return None
    try:
        return next((path for path, x in equation.walk() if x is part), None)
    except RecursionError:
        return None


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
    return World(Model(s, numbers, convention, m, seed, dict(definitions), free=free))


@lru_cache(maxsize=256)
def _free_world(
    seed: int,
    definitions: tuple[tuple[str, Formula], ...],
    shapes: tuple[tuple[str, tuple[int, int]], ...],
    convention: Convention,
) -> World:
    return World(Model(_NO_STRUCTURE, {}, convention, 1, seed, dict(definitions), dict(shapes), free=True))


__all__ = ["FLAT", "Comparison", "Convention", "World"]
