"""The order of the samples in an epoch, and numbers of samples that a caller gives."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .samples import Array, Samples

FEW = 4096  # samples up to which orders are kept: 8 MB at most


def permutation(seed: int, n: int, epoch: int) -> Array:
    """The order of n samples in an epoch, a function of seed and epoch alone."""
    return _kept(seed, n, epoch) if n <= FEW else _drawn(seed, n, epoch)


def _drawn(seed: int, n: int, epoch: int) -> Array:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(n)


@lru_cache(256)  # folds and other jobs of one seed share their orders
def _kept(seed: int, n: int, epoch: int) -> Array:
    order = _drawn(seed, n, epoch)
    order.setflags(write=False)
    return order


def row_numbers(rows: npt.ArrayLike, samples: Samples) -> npt.NDArray[np.int64]:
    """Check the numbers of samples, 0..N-1 in any order; those of weight 0 are left out."""
    array = in_range(rows, len(samples))
    return array if samples.weights is None else array[samples.weights[array].ravel() != 0]


def in_range(rows: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """Check numbers of samples, each within 0..count-1."""
    array = np.asarray(rows)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(f"rows: expected sample numbers (n,), received {array.dtype} values of shape {array.shape}")
    array = array.astype(np.int64)
    if array.size and (array.min() < 0 or array.max() >= count):
        bad = int(array[(array < 0) | (array >= count)][0])
        raise DataError(f"rows: there is no sample {bad}; {count} samples are numbered 0..{count - 1}")
    return array


__all__ = ["in_range", "permutation", "row_numbers"]
