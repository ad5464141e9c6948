"""The quantities of a network or an expression, each computed from the ones before it, so that any can be overridden.

Everything is stored as the core stores it, samples as columns; how a letter shows it is a matter of the convention.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

import numpy as np

from ..errors import ConfigurationError
from ..graph import Dim, Node, broadcast_to, size, substitute, variable, variables
from ..nn.layers import Activate, Construction, Dense, Layer, Skip
from ..nn.losses import Loss
from ..nn.losses import loss as loss_of
from ..nn.network import Network
from ..ops import activation, exp, total
from .convention import Convention
from .tape import Function, Tape, function
from .values import Array

Key = tuple[str, int | str | None]  # a letter and its layer

_NUMBERED = re.compile(r"([A-Za-z]+)\[(\w+'*)\]")


def key_of(name: str) -> Key:
    """`W[1]` is the letter W of layer 1."""
    found = _NUMBERED.fullmatch(name)
    if not found:
        return name, None
    layer = found[2]
    return found[1], int(layer) if layer.isdigit() else layer


def generator(seed: int, *names: object) -> np.random.Generator:
    """Random numbers that depend on the seed and the letter alone, not on the order in which letters are met."""
    return np.random.default_rng([seed, crc32(repr(names).encode())])


@dataclass(frozen=True)
class Structure:
    """How the quantities hang together, before they have numbers.

    leaves     key -> (rows, columns) of what is given
    tapes      key -> how it is computed from other quantities (by name), in order
    names      name in the tapes -> key
    sampled    keys whose columns are the samples
    alias      key that is asked for -> key that holds it (A of the last layer may have passed a normalization)
    layers     L; widths: n_0 … n_L
    functions  layer -> its activation
    loss       loss of the samples as a function of the variables Yhat and Y
    sources    key -> all keys that it depends on
    target     kind of targets, see `Loss.target`
    """

    leaves: Mapping[Key, tuple[Dim, Dim]]
    tapes: Mapping[Key, Tape]
    sampled: frozenset[Key]
    alias: Mapping[Key, Key] = field(default_factory=dict)
    layers: int = 0
    widths: tuple[int, ...] = ()
    functions: Mapping[int, Function] = field(default_factory=dict)
    loss: Tape | None = None
    sources: Mapping[Key, frozenset[Key]] = field(default_factory=dict)
    target: str = "real"
    output: Key | None = None

    @property
    def is_network(self) -> bool:
        return self.layers > 0


class _Cut(Construction):
    """Writes a network with every named quantity cut off: the next equation reads it as a variable."""

    def name(self, name: str, node: Node) -> Node:
        self.nodes[name] = node
        return variable(name, node.shape.rows, node.shape.cols)


def _generic_term(Yhat: Node, Y: Node) -> Node:
    """A loss with no special form: neither a difference of its arguments nor a sum of terms of one output."""
    mixed = total(Yhat, axis=0)
    return total((Yhat - 2 * Y) ** 2 * 0.3 + exp(0.4 * Yhat) * Y**2, axis=0) + mixed**2 * 0.2


GENERIC = Loss("generic", _generic_term, doc="A loss without special form, for formulas that hold for every loss.")


def _sources(leaves: Mapping[Key, object], tapes: Mapping[Key, Tape]) -> dict[Key, frozenset[Key]]:
    found: dict[Key, frozenset[Key]] = {k: frozenset() for k in leaves}
    for key, tape in tapes.items():
        inputs = [key_of(n) for n in tape.inputs]
        found[key] = frozenset(inputs).union(*(found[k] for k in inputs))
    return found


MOST_LAYERS = 100


@lru_cache(maxsize=256)
def _named_structure(network: Network | str, loss: str | None) -> Structure:
    return structure_of_network(network, loss)


def network_structure(network: Network | str, loss: Loss | str | None) -> Structure:
    """The quantities of a network with a loss; None is a loss without special form."""
    if isinstance(loss, Loss):
        return structure_of_network(network, loss)
    try:
        return _named_structure(network, loss)
    except TypeError:  # a network that holds something without a hash
        return structure_of_network(network, loss)


def structure_of_network(network: Network | str, loss: Loss | str | None) -> Structure:
    """Build the structure afresh."""
    net = Network.parse(network) if isinstance(network, str) else network
    if net.embeddings:
        raise ConfigurationError("formulas are tried on networks without embeddings; leave the embeddings out")
    dense = sum(isinstance(x, Dense) for x in net.layers)
    if dense > MOST_LAYERS:
        raise ConfigurationError(
            f"formulas are tried on networks of at most {MOST_LAYERS} layers, and this one has {dense:,}: "
            "what holds for its layers holds in a smaller one"
        )
    c = _Cut(False)
    A = variable("A[0]", net.inputs, "m")
    alias: dict[Key, Key] = {}
    functions: dict[int, Function] = {}
    widths = [net.inputs]
    for layer in net.layers:
        A = layer.build(c, A)
        alias[("A", c.dense)] = key_of(A.name)
    _activations(net.layers, functions, 0)
    widths += [c.parameters[f"W[{i}]"].rows for i in range(1, c.dense + 1)]
    chosen = GENERIC if loss is None else loss_of(loss)
    Y = variable("Y", net.outputs, "m")
    per_sample = chosen.per_sample(A, Y)
    if per_sample.shape.cols != "m":
        raise ConfigurationError(f"loss {chosen.name} gives a sum, not a loss per sample: formulas need the latter")
    nodes = dict(c.nodes)
    L = variable("L", 1, "m")
    nodes["L"] = per_sample
    J, each = total(L, axis=None) * size("m", -1), L
    if c.penalties:
        R = c.penalties[0]
        for p in c.penalties[1:]:
            R = R + p
        nodes["R"] = R
        J, each = J + variable("R", 1, 1), L + broadcast_to(variable("R", 1, 1), L.shape)
    nodes["J"], nodes["J*"] = J, each * 1
    leaves: dict[Key, tuple[Dim, Dim]] = {("A", 0): (net.inputs, "m"), ("Y", None): (net.outputs, "m")}
    leaves |= {key_of(p.name): (p.rows, p.cols) for p in c.parameters.values()}
    leaves |= {key_of(name): (rows, 1) for name, (rows, _) in c.state.items()}
    tapes = {key_of(name): Tape(node) for name, node in nodes.items()}
    sampled = {key_of(n) for n, node in nodes.items() if node.shape.cols == "m"} | {("A", 0), ("Y", None)}
    Yhat = variable("Yhat", net.outputs, "m")
    return Structure(
        leaves,
        tapes,
        frozenset(sampled),
        alias,
        c.dense,
        tuple(widths),
        functions,
        Tape(chosen.per_sample(Yhat, Y)),
        _sources(leaves, tapes),
        chosen.target if chosen is not GENERIC else "real",
        key_of(A.name),
    )


def _activations(layers: tuple[Layer, ...], found: dict[int, Function], dense: int) -> int:
    for layer in layers:
        if isinstance(layer, Dense):
            dense += 1
        if isinstance(layer, Dense | Activate):
            given = layer.activation
            name = given if isinstance(given, str) else getattr(given, "__name__", "custom")
            found[dense] = function(name, activation(given))
        elif isinstance(layer, Skip):
            dense = _activations(layer.layers, found, dense)
    return dense


def expression_structure(output: Node, name: str, named: Mapping[str, Node]) -> Structure:
    """The quantities of an expression: its variables, the nodes that have a name, and the output."""
    table: dict[Node, Node] = {}
    nodes: dict[str, Node] = {}
    for label, node in {**named, name: output}.items():
        if node.is_variable and label != name:
            continue
        nodes[label] = substitute(node, table)
        table[node] = variable(label, node.shape.rows, node.shape.cols)
    given = variables(output, *named.values())
    leaves: dict[Key, tuple[Dim, Dim]] = {key_of(n): (v.shape.rows, v.shape.cols) for n, v in given.items()}
    tapes = {key_of(n): Tape(node) for n, node in nodes.items()}
    return Structure(leaves, tapes, frozenset(), sources=_sources(leaves, tapes), output=key_of(name))


def network_numbers(s: Structure, m: int, seed: int, convention: Convention) -> dict[Key, Array]:
    """Random numbers for the leaves of a network: generic, and positive or summing to one where they must be."""
    numbers: dict[Key, Array] = {}
    for key, (rows, cols) in s.leaves.items():
        rng = generator(seed, *key)
        shape = (int(rows), m if cols == "m" else int(cols))
        name = key[0]
        if name in ("gamma", "var"):
            numbers[key] = rng.uniform(0.5, 1.5, shape)
        elif name == "Y":
            numbers[key] = _targets(rng, shape, s.target, convention)
        elif name == "W":
            numbers[key] = rng.normal(0.0, 1.6 / np.sqrt(shape[1]), shape)
        elif name == "b":
            numbers[key] = np.zeros(shape) if convention.zero_bias else rng.normal(0.0, 0.5, shape)
        else:
            numbers[key] = rng.normal(0.0, 1.0, shape)
    return numbers


def _targets(rng: np.random.Generator, shape: tuple[int, int], target: str, convention: Convention) -> Array:
    if target == "binary" and (convention.one_hot_targets or convention.signed_targets):
        return rng.integers(0, 2, shape).astype(float)
    if target == "binary":
        return rng.uniform(0.1, 0.9, shape)
    if target == "real" and convention.signed_targets:
        return rng.choice((-1.0, 1.0), shape)
    if target in ("probabilities", "labels") and convention.one_hot_targets:
        return np.eye(shape[0])[:, rng.integers(0, shape[0], shape[1])]
    if target in ("probabilities", "labels"):
        raw = rng.uniform(0.2, 1.5, shape)
        return raw / raw.sum(axis=0, keepdims=True) if convention.normalized_targets else raw
    return rng.uniform(0.3, 2.0, shape)
