"""One table drives every op through every contract: how to call it on r × c operands, and how exact it must be.

The interval from which an operand is drawn and the places of kinks are data of the op record (`domain`, `kinks`);
what stands here is what the record cannot know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph import OPS, Node, variable, walk
from chainrule.ops import total

LEAVES = frozenset({"variable", "constant"})
STEP = 1e-30  # of the complex derivative: no difference is taken, so nothing cancels
REAL = (-3.0, 3.0)

Shapes = Callable[[int, int], list[tuple[int, int]]]


@dataclass(frozen=True)
class Call:
    """A sample call of an op.

    shapes     (r, c) -> shapes of the operands
    kinds      of the operands, "real" unless given
    attrs      (r, c) -> attributes
    tolerance  relative error allowed against the complex step in float64
    """

    shapes: Shapes
    kinds: tuple[str, ...] = ()
    attrs: Callable[[int, int], dict[str, Any]] = field(default=lambda r, c: {})
    tolerance: float = 1e-9


def _each(n: int) -> Shapes:
    return lambda r, c: [(r, c)] * n


LABELS = 3
CALLS: dict[str, Call] = {
    "add": Call(_each(2)),
    "subtract": Call(_each(2)),
    "negate": Call(_each(1)),
    "multiply": Call(_each(2)),
    "divide": Call(_each(2)),
    "power": Call(_each(2)),
    "exp": Call(_each(1)),
    "log": Call(_each(1)),
    "log1p": Call(_each(1)),
    "expm1": Call(_each(1)),
    "sqrt": Call(_each(1)),
    "sin": Call(_each(1)),
    "cos": Call(_each(1)),
    "erf": Call(_each(1)),
    "tanh": Call(_each(1)),
    "sigmoid": Call(_each(1)),
    "softplus": Call(_each(1)),
    "step": Call(_each(1)),
    "sign": Call(_each(1)),
    "abs": Call(_each(1)),
    "maximum": Call(_each(2)),
    "minimum": Call(_each(2)),
    "where": Call(_each(3)),
    "clip": Call(_each(1), attrs=lambda r, c: {"lo": -1.25, "hi": 0.5}),
    "matmul": Call(lambda r, c: [(r, c), (c, r + 1)]),
    "transpose": Call(_each(1)),
    "broadcast": Call(lambda r, c: [(r, 1)], attrs=lambda r, c: {"rows": r, "cols": c}),
    "sum": Call(_each(1), attrs=lambda r, c: {"axis": (0, 1, None)[(r + c) % 3]}),
    "max": Call(_each(1), attrs=lambda r, c: {"axis": (0, 1, None)[(r + c) % 3]}),
    "lse": Call(_each(1), attrs=lambda r, c: {"axis": (0, 1, None)[(r + c) % 3]}),
    "one_hot": Call(lambda r, c: [(1, c)], ("label",), lambda r, c: {"classes": LABELS}),
    "pick": Call(lambda r, c: [(LABELS, c), (1, c)], ("real", "label")),
    "gather": Call(lambda r, c: [(r, LABELS), (1, c)], ("real", "label")),
    "scatter_add": Call(lambda r, c: [(r, c), (1, c)], ("real", "label"), lambda r, c: {"cols": LABELS}),
    "uniform": Call(
        lambda r, c: [(1, 1), (1, 1)], ("counter", "counter"), lambda r, c: {"rows": r, "cols": c, "stream": 1}
    ),
}


def sample(name: str, r: int, c: int, seed: int) -> tuple[Node, dict[str, Any]]:
    """The op called on fresh variables, and numbers for them from the record's domain."""
    rng = np.random.default_rng(seed)
    call, record = CALLS[name], OPS[name]
    inputs, values = [], {}
    for i, (rows, cols) in enumerate(call.shapes(r, c)):
        kind = call.kinds[i] if call.kinds else "real"
        inputs.append(variable(f"x{i}", rows, cols, kind=kind))
        lo, hi = record.domain[i] if record.domain else REAL
        drawn = rng.uniform(lo, hi, (rows, cols)) if kind == "real" else rng.integers(0, LABELS, (rows, cols))
        values[f"x{i}"] = drawn
    return record(*inputs, **call.attrs(r, c)), values


def weighted(node: Node, label: str) -> Node:
    """Σ U ∘ node with a variable U: a 1 × 1 output that no symmetry of the op can hide in."""
    return total(node * variable(f"·{label}", *node.shape), axis=None)


def weights(node: Node, values: dict[str, Any], seed: int) -> dict[str, Any]:
    """Numbers for the weights that `weighted` left open below a node, beside those already given."""
    rng = np.random.default_rng(seed)
    full = dict(values)
    for n in walk(node):
        if n.is_variable and n.name not in full:
            full[n.name] = rng.uniform(0.5, 1.5, n.shape) * rng.choice([-1, 1], n.shape)
    return full


def complex_step(evaluated: Callable[[dict[str, Any]], Any], values: dict[str, Any], name: str) -> Any:
    """d output / d values[name], entry by entry, exact to rounding: Im f(x + i h) / h."""
    result = np.zeros(np.shape(values[name]))
    for place in np.ndindex(result.shape):
        moved = np.array(values[name], dtype=np.complex128)
        moved[place] += 1j * STEP
        result[place] = np.imag(evaluated({**values, name: moved}).item()) / STEP
    return result


def relative_error(got: Any, wanted: Any) -> float:
    """Largest difference against the largest entry wanted, or 1 where all entries are small."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    return float(np.max(np.abs(got - wanted)) / max(1.0, float(np.max(np.abs(wanted)))))
