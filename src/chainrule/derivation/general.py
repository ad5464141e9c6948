"""One layer with a symbolic number l: the recursion of the backward pass, derived once for every depth.

The layer is built from its equations with sizes n_{l-1}, n_l, n_{l+1}, and reverse mode goes through it from the seed
dZ[l+1]. What g'(Z) is, is found by deriving every point-wise activation: each must give dA ∘ g'(Z).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..errors import DerivationError
from ..execute import evaluate
from ..graph import Dim, Node, rename_dim, size, substitute, variable, variables
from ..laws import simplify
from ..ops import ACTIVATIONS, total
from ..reverse import Derivation, Step, derive
from .conventions import lower
from .penalties import of_layer

SLOPE = "g[l]'(Z[l])"  # names of what the activation is and of its derivative, whatever it is
VALUE = "g[l](Z[l])"
WITHOUT_SLOPE = ("softmax", "log_softmax")  # not entry by entry


@lru_cache(maxsize=64)
def slope(activation: str) -> tuple[Node, Node, Node]:
    """g'(Z) of an activation that works entry by entry, derived: (Z, A = g(Z), g'(Z)).

    d ΣA / dZ is g'(Z) entry by entry, because no entry of A depends on another one of Z.
    """
    Z = variable("Z", "n", "m")
    A = simplify(ACTIVATIONS[activation](Z))
    return Z, A, derive(total(A, axis=None), [Z]).of(Z)


@dataclass(frozen=True)
class Layer:
    """The equations of layer l and of the sums of layer l+1, and what reverse mode found."""

    forward: tuple[tuple[str, Node], ...]
    found: Derivation
    slope: Node  # the variable that stands for g[l]'(Z[l])


@lru_cache(maxsize=8)
def layer(
    place: str = "parameters", penalties: tuple[tuple[str, str], ...] = (), *, one: bool = False, spread: bool = False
) -> Layer:
    """Layer l between A[l-1] and Z[l+1], seeded with dZ[l+1]; of `one` sample with lower-case letters.

    penalties  kinds and letters of what the cost adds for the weights, see `penalties`; `spread` over the samples

    Raises DerivationError if the activations disagree.
    """
    added = of_layer(variable("W[l]", "n_l", "n_{l-1}"), dict(penalties), "l", size("m", -1) if spread else None)
    derived = {name: _through(name, place, one, added) for name in sorted(ACTIVATIONS) if name not in WITHOUT_SLOPE}
    texts = {n: str(x.found["dz[l]" if one else "dZ[l]"]) for n, x in derived.items()}
    if len(set(texts.values())) != 1:
        raise DerivationError(f"the activations do not agree on the recursion: {texts}")
    return derived["tanh"]


def _through(activation: str, place: str, one: bool, penalty: Node | None) -> Layer:
    """Reverse mode through the layer, its activation's derivative replaced by the name g[l]'(Z[l])."""
    m: Dim = 1 if one else "m"

    def sampled(name: str, rows: Dim) -> Node:
        return variable(lower(name) if one else name, rows, m)

    before, A, seed = sampled("A[l-1]", "n_{l-1}"), sampled("A[l]", "n_l"), sampled("dZ[l+1]", "n_{l+1}")
    W, b = variable("W[l]", "n_l", "n_{l-1}"), variable("b[l]", "n_l", 1)
    W_after, b_after = variable("W[l+1]", "n_{l+1}", "n_l"), variable("b[l+1]", "n_{l+1}", 1)
    Z, dZ = sampled("Z[l]", "n_l"), sampled("dZ[l]", "n_l")
    # The affine part behind the activations, with A[l] a variable; the activation alone; the affine part before it.
    after = W_after @ A + b_after
    behind = derive(after, [A], seed=seed)
    dA, factor = sampled("dA[l]", "n_l"), sampled(SLOPE, "n_l")
    through = derive(simplify(ACTIVATIONS[activation](Z)), [Z], seed=dA).of(Z)
    expected = simplify(dA * _at(slope(activation)[2], Z))
    if through is not expected and not _equal(through, expected):
        raise DerivationError(f"{activation} does not act entry by entry: its derivative is no factor g'(Z)")
    affine = W @ before + b
    front = derive(affine, [W, b, before], seed=dZ)
    why = "every entry of the activations depends on the same entry of the logits"
    steps = [*behind.steps, Step("entry by entry", Z, Z, dA * factor, why), *front.steps]
    parameters = {}
    for x in (W, b):
        parameters[x] = c = front.of(x)
        mean = size("m", -1) * c if place == "parameters" and not one else c
        why = "J is the mean of the losses over the m samples"
        if penalty is not None and x is W:
            mean, why = mean + simplify(derive(penalty, [x]).of(x), every=True), f"{why}, plus the penalties"
        if mean is not c:
            steps.append(Step("cost", x, c, mean, why))
            parameters[x] = simplify(mean)
    order = (A, Z, W, b, before)
    cotangents = {**behind.cotangents, **front.cotangents, Z: dA * factor, **parameters}
    forward = ((Z.name, affine), (A.name, sampled(VALUE, "n_l")), (sampled("Z[l+1]", 1).name, after))
    return Layer(forward, Derivation(after, cotangents, tuple(steps), {x.name: x for x in order}), factor)


def _equal(a: Node, b: Node) -> bool:
    """Whether two expressions that the laws left in different forms have the same values."""
    rng = np.random.default_rng(0)
    values = {n: rng.normal(size=(5, 1 if x.shape.cols == 1 else 7)) for n, x in variables(a, b).items()}
    x, y = evaluate([a, b], values)
    return bool(np.max(np.abs(x - y)) <= 1e-12 * np.max(np.abs(y)))


def _at(pattern: Node, Z: Node) -> Node:
    """g'(Z) of another Z."""
    moved = rename_dim(rename_dim(pattern, "n", Z.shape.rows), "m", Z.shape.cols)
    return substitute(moved, {variable("Z", *Z.shape): Z})
