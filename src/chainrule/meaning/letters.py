"""What a letter stands for: which stored quantity, how it is seen (per sample, transposed), or that nobody knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..notation.formula import Call, Equation, Formula, Index, Symbol
from .context import PARAMETERS, Context
from .quantities import Key
from .seen import layer_letters
from .values import SAMPLE, Array, Labels, Value, undefined

PER_SAMPLE = {
    "x": "X",
    "y": "Y",
    "yhat": "Yhat",
    "z": "Z",
    "a": "A",
    "dx": "dX",
    "dyhat": "dYhat",
    "dz": "dZ",
    "da": "dA",
}
SMALL_WEIGHTS = {"w": "W", "dw": "dW"}  # w_jk^{[l]}
LOSSES = {"L": "L", "ell": "L", "loss": "L", "J": "J", "C": "J", "cost": "J"}
RATES = frozenset({"alpha", "eta", "lr", "learning_rate"})
PENALTIES = frozenset({"lambda", "lambd", "reg", "weight_decay", "wd"})  # what scales the penalty on the weights
CONSTANTS = {"pi": np.pi, "e": np.e}


@dataclass(frozen=True)
class Place:
    """A stored quantity and how a letter shows it.

    sample    None: as a matrix; a label or a number: the column of that sample
    turned    transposed (samples as rows, or weights stored the other way)
    negative  the letter means minus the quantity
    signed    of a quantity that is 0 or 1 the letter shows -1 or 1
    """

    key: Key
    sample: str | int | None = None
    turned: bool = False
    negative: bool = False
    signed: bool = False


def is_defined(c: Context, symbol: Symbol) -> bool:
    """A document defines the letter; `g(x) = …` says nothing of g[l]."""
    if symbol.name not in c.model.definitions:
        return False
    head = c.model.definitions[symbol.name]
    if not isinstance(head, Equation) or len(head.sides) < 2 or symbol.layer is None:
        return True
    letter = head.sides[0]
    while isinstance(letter, Index | Call):
        letter = letter.base if isinstance(letter, Index) else letter.function
    return not isinstance(letter, Symbol) or letter.layer is not None


def place_of(c: Context, symbol: Symbol) -> Place:
    """Find what a letter stands for; a letter that nobody knows is an error that names it."""
    name = symbol.name
    if not name:
        raise undefined("there is nothing on one side")
    if symbol.prime:
        raise undefined(f"{name}{chr(39) * symbol.prime} without an argument")
    if symbol.layer is None and ("local", name) in c.overrides:
        return Place(("local", name))
    if is_defined(c, symbol):
        layer = None if symbol.layer is None else c.whole(symbol.layer, layer=True)
        if symbol.layer is not None and layer is None:
            raise undefined(f"{name} of a layer that is no number")
        at = _where(c, name) if layer is None and c.bindings else layer
        return Place((f"def {name}", at), _sample(c, symbol, None))
    if symbol.layer is None and name in c.model.depends:
        return Place((f"def {name}", None), _sample(c, symbol, None))
    s = c.model.structure
    if s.is_network and (found := _of_network(c, symbol)):
        return found
    key: Key = (name, None if symbol.layer is None else c.whole(symbol.layer, layer=True))
    if key in s.leaves or key in s.tapes or (name[:1] == "d" and (name[1:], key[1]) in s.leaves):
        return Place(key)
    if c.model.is_free(name) or (s.is_network and name in RATES | PENALTIES):
        return Place(("free", name if symbol.layer is None else repr((name, symbol.layer))), _sample(c, symbol, None))
    raise undefined(f"{name} is not defined")


def _where(c: Context, name: str) -> str | None:
    """`k = 2` for g of `g = dz[k]`, and for what is defined by it: another in every layer k."""
    known, found = c.model.definitions, {name}
    new = found
    while new:
        inside = {x.name for each in new for x in known[each].parts if isinstance(x, Symbol) and x.layer is None}
        new = (inside & known.keys()) - found
        found = found | new
    letters = {x for each in found for x in layer_letters(known[each])} & c.bindings.keys()
    return ", ".join(f"{x} = {c.bindings[x]}" for x in sorted(letters)) or None


def _of_network(c: Context, symbol: Symbol) -> Place | None:
    name, one = symbol.name, c.one
    if name in LOSSES:
        if symbol.layer is not None:
            return None
        total = LOSSES[name] == "J" and not one and symbol.sample is None
        key: Key = ("J", None) if total else ("J*" if LOSSES[name] == "J" else "L", None)
        return Place(key, None if total else _sample(c, symbol, SAMPLE), False, c.convention.minus_dropped)
    upper = PER_SAMPLE.get(name, SMALL_WEIGHTS.get(name, name) if symbol.layer is not None else name)
    stem = upper.removeprefix("d") if upper.startswith("d") else upper
    if stem in PARAMETERS:
        return _parameter(c, symbol, upper, stem)
    if stem not in ("X", "Y", "Yhat", "Z", "A") or upper == "dY":
        return None
    number = _layer_number(c, symbol, stem)
    letter = {"X": "A", "Yhat": "A"}.get(stem, stem)
    key = (letter, number if letter != "Y" else None)
    key = c.model.structure.alias.get(key, key) if upper == stem else (f"d{letter}", key[1])
    implicit = SAMPLE if one or name in PER_SAMPLE else None
    turned = c.convention.rows != (upper != stem and c.convention.transposed_gradients)
    signed = upper == "Y" and c.convention.signed_targets and c.model.structure.target == "binary"
    return Place(key, _sample(c, symbol, implicit), turned, signed=signed)


def _parameter(c: Context, symbol: Symbol, upper: str, stem: str) -> Place | None:
    if symbol.layer is None:
        if c.model.is_free(symbol.name):
            return None
        raise undefined(f"{symbol.name} has no layer")
    number = c.layer(symbol.layer)
    if (stem, number) not in c.model.structure.leaves:
        raise undefined(f"{symbol.name}[{number}] does not exist in a network of {c.model.structure.layers} layers")
    turned = c.convention.rows or (c.convention.transposed_weights and stem == "W")
    turned = turned and not (c.convention.weights_by_unit and stem == "W")
    if upper == stem:
        return Place((stem, number), None, turned)
    turned = turned != c.convention.transposed_gradients
    if c.one or symbol.sample is not None:
        return Place((f"{upper}*", number), _sample(c, symbol, SAMPLE), turned)
    return Place((upper, number), None, turned)


def _layer_number(c: Context, symbol: Symbol, stem: str) -> int | None:
    s = c.model.structure
    if stem in ("X", "Y", "Yhat"):
        if symbol.layer is not None:
            raise undefined(f"{symbol.name} has no layers")
        return 0 if stem == "X" else s.layers if stem == "Yhat" else None
    if symbol.layer is None:
        if c.model.is_free(symbol.name):
            return None
        if s.layers != 1:
            raise undefined(f"{symbol.name} has no layer")
        return 1
    number = c.layer(symbol.layer)
    if not (0 if stem == "A" else 1) <= number <= s.layers:
        raise undefined(f"{symbol.name}[{number}] does not exist in a network of {s.layers} layers")
    return number


def _sample(c: Context, symbol: Symbol, implicit: str | None) -> str | int | None:
    if symbol.sample is None:
        return implicit
    given: Formula = symbol.sample
    if isinstance(given, Symbol) and given.layer is None and given.sample is None:
        return given.name + "'" * given.prime
    number = c.whole(given)
    if number is None:
        raise undefined("a sample that is neither a letter nor a number")
    return number


def view(c: Context, stored: Value, place: Place) -> Value:
    """A stored quantity as its letter shows it."""
    array, labels = stored.array, stored.labels
    sample = place.sample
    if stored.samples and (sample is not None or place.key[0].startswith("def ")):
        label = SAMPLE if sample is None else sample
        if isinstance(label, int):
            array = _column(c, array, label)
        else:
            if label != SAMPLE:
                c.runs(label, array.shape[-1])
            array, labels = np.moveaxis(array, -1, 0)[..., None], (label, *labels)
    elif SAMPLE in labels and isinstance(sample, str) and sample != SAMPLE:
        c.runs(sample, array.shape[labels.index(SAMPLE)])
        labels = tuple(sample if x == SAMPLE else x for x in labels)
    elif sample is not None and not stored.samples and sample != SAMPLE:
        array, labels = _numbered(c, array, labels, sample)
    if place.turned:
        array = np.swapaxes(array, -1, -2)
    if place.negative:
        array = -array
    if place.signed:
        array = 2 * array - 1
    return Value(array, labels)


def _column(c: Context, array: Array, number: int) -> Array:
    m = array.shape[-1]
    if not 0 <= number - c.first < m:
        raise undefined(f"there is no sample {number} among m = {m}")
    at = number - c.first
    return array[..., at : at + 1]


def _numbered(c: Context, array: Array, labels: Labels, sample: str | int) -> tuple[Array, Labels]:
    """A number in the sample's place of a letter without samples: its columns are counted."""
    if isinstance(sample, int):
        return _column(c, array, sample), labels
    c.runs(sample, array.shape[-1])
    return np.moveaxis(array, -1, 0)[..., None], (sample, *labels)
