"""Random numbers as a function: a counter, not a state.

`uniform(seed, step; stream)` depends on its arguments alone (Philox 4×64, ten rounds), so every executor and any
number of threads draw the same dropout mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from ..graph import Dim, Op, Shape


def uniform_numbers(seed: int, step: int, stream: int, count: int) -> Any:
    """`count` float32 numbers in [0, 1), multiples of 2⁻²⁴: Philox keyed by (seed, stream).

    Entry e is 32-bit half e % 8 (low half first) of the block with counter (1 + e // 8, step, 0, 0), its upper 24 bits
    as a fraction. More bits would decide nothing about a mask.
    """
    mask = 0xFFFFFFFFFFFFFFFF
    generator = np.random.Philox(key=[seed & mask, stream & mask], counter=[0, step & mask, 0, 0])
    return np.random.Generator(generator).random(count, dtype=np.float32)


def _uniform(seed: Any, step: Any, stream: int, rows: int, cols: int) -> Any:
    numbers = uniform_numbers(int(np.real(seed).item()), int(np.real(step).item()), stream, rows * cols)
    return numbers.reshape((rows, cols), order="F").astype(float)


def _uniform_shape(shapes: tuple[Shape, ...], attrs: Mapping[str, Any]) -> Shape:
    return Shape(cast(Dim, attrs["rows"]), cast(Dim, attrs["cols"]))


uniform = Op(
    name="uniform",
    arity=2,
    equation="C_ij ~ U[0, 1)",
    shape=_uniform_shape,
    forward=_uniform,
    backward=lambda c, dc: (None, None),
    components="C_ij = U(seed, step, stream, i + j · rows)",
    text="uniform({0}, {1}; {stream})",
    latex=r"U_{{{stream}}}\left({0}, {1}\right)",
    random=True,
    doc="Numbers in [0, 1) from a counter-based generator: a function of seed, step, stream and place.",
)
