"""Memory for programs: arrays that begin with a cache line, so that no vector of 64 bytes lies across two of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .direct import Array

LINE = 64  # bytes


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """`numpy.zeros`, beginning at a multiple of 64 bytes.

    >>> zeros((3, 5), np.float32).ctypes.data % 64
    0
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(kind).reshape(shape)


def several(wanted: Sequence[tuple[tuple[int, ...], npt.DTypeLike]]) -> list[Array]:
    """`zeros` for each of these shapes and types, in one piece of memory."""
    places, end = [], 0
    for shape, dtype in wanted:
        places.append(end)
        end += -(-math.prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE
    room = zeros((end,), np.uint8)
    return [np.ndarray(shape, dtype, room, place) for (shape, dtype), place in zip(wanted, places, strict=True)]


def full_like(array: Array, value: float) -> Array:
    """`numpy.full_like`, beginning at a multiple of 64 bytes."""
    made = zeros(array.shape, array.dtype)
    made[...] = value
    return made
