"""Training data as the programs take it: rows are samples in memory, which are the columns of the formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ShapeError

Array = npt.NDArray[Any]
PIECE = 2**16  # entries looked at together: they stay in the cache for the second look


@dataclass(frozen=True)
class Samples:
    """Features, targets, weights and categorical codes of N samples.

    X        (N, n_0), float32 or float64 in any memory order: it is read where it lies
    targets  (N, n_L) numbers, or (N,) integer labels 0..K-1
    weights  (N,) or None; codes (N, c) integers of the embedded columns or None
    """

    X: Array
    targets: Array
    weights: Array | None = None
    codes: Array | None = None

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def take(self, rows: Array) -> Samples:
        """The samples of some rows."""
        weights = None if self.weights is None else self.weights[rows]
        codes = None if self.codes is None else self.codes[rows]
        return Samples(self.X[rows], self.targets[rows], weights, codes)


def _array(given: Any, name: str) -> Array:
    """As an array; what would silently become another thing is refused."""
    if hasattr(given, "toarray"):  # SciPy's, which NumPy takes for one object
        raise DataError(f"{name} is a sparse matrix, which is not read: give {name}.toarray()")
    if np.ma.is_masked(given):
        missing = int(np.ma.getmaskarray(given).sum())
        raise DataError(
            f"{name} is a masked array with {missing} masked entries: fill them in, or leave out their rows"
        )
    return np.asarray(given)


def features(X: Any, n_inputs: int, dtype: npt.DTypeLike) -> Array:
    """Check features: (N, n_0), finite numbers; returned C-contiguous in the given type, uncopied where possible."""
    array = _array(X, "X")
    if array.ndim == 1 and n_inputs == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ShapeError(f"X: expected (samples, {n_inputs} features), received an array of shape {array.shape}")
    if array.shape[1] != n_inputs:
        raise ShapeError(f"X has {array.shape[1]} features, but the network expects {n_inputs} features as input")
    if array.dtype.kind not in "fiub":
        raise DataError(f"X holds {array.dtype} values: give numbers (encode categories first)")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=dtype)
    finite(result, "X", array)
    return result


def as_it_lies(X: Any, n_inputs: int, dtype: npt.DTypeLike) -> Array:
    """Check features like `features`, but leave float32 and float64 arrays where and as they are.

    Any memory order, views and mapped files are read in place while training; a batch is converted as it is gathered.
    """
    array = _array(X, "X")
    if array.ndim != 2 or array.shape[1] != n_inputs or array.dtype not in (np.float32, np.float64):
        return features(X, n_inputs, dtype)
    if not (array.dtype.isnative and array.flags.aligned):
        return features(X, n_inputs, dtype)
    if not _all_within(array, float(min(np.finfo(dtype).max, np.finfo(array.dtype).max))):
        return features(X, n_inputs, dtype)  # which says what is wrong
    return array


def _all_within(array: Array, largest: float) -> bool:
    """Whether all entries lie in ±largest, which NaN does not; a file is read once, piece by piece."""
    lines = array.T if array.flags.f_contiguous else array
    step = max(1, PIECE // max(1, lines.shape[1]))
    for start in range(0, len(lines), step):
        piece = lines[start : start + step]
        if piece.size and not (-largest <= piece.min() and piece.max() <= largest):
            return False
    return True


def finite(converted: Array, name: str, original: Array | None = None) -> None:
    """Refuse NaN and infinity, with the count and the first five places."""
    # One pass: the sum is finite only if every entry is, and a finite array can overflow only the sum.
    if np.isfinite(np.sum(converted, dtype=np.float64)):
        return
    bad = np.argwhere(~np.isfinite(converted))
    if not len(bad):
        return
    places = ", ".join(f"[{', '.join(map(str, place))}]" for place in bad[:5])
    source = converted if original is None else original
    value = source[tuple(bad[0])]
    if original is not None and np.isfinite(value):
        raise DataError(
            f"{name}: {value!r} at {places} does not fit into {converted.dtype}: scale the data or use float64"
        )
    raise DataError(
        f"{name} contains {len(bad)} values that are NaN or infinity (first places: {places}): remove or impute them"
    )


def labels(y: Any, classes: int) -> Array:
    """Check integer labels: (N,) within 0..K-1; returned as int64."""
    array = _array(y, "y")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"labels: expected (samples,), received an array of shape {array.shape}")
    if array.dtype.kind not in "iub":
        whole = array.dtype.kind == "f" and bool((array == np.floor(array)).all())
        how = ", for example y.astype(int)" if whole else ""
        raise DataError(f"labels are {array.dtype} values: give integers 0..{classes - 1}{how}")
    if array.size and (array.min() < 0 or array.max() >= classes):
        bad = int(np.flatnonzero((array < 0) | (array >= classes))[0])
        raise DataError(
            f"label {array[bad]} of sample {bad}: expected 0..{classes - 1} for a network of {classes} outputs"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def targets(y: Any, outputs: int, dtype: npt.DTypeLike) -> Array:
    """Check real targets: (N, n_L), or (N,) for one output; finite; returned C-contiguous."""
    array = _array(y, "y")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != outputs:
        raise ShapeError(f"targets: expected (samples, {outputs}), received an array of shape {np.shape(y)}")
    if array.dtype.kind not in "fiub":
        raise DataError(f"targets are {array.dtype} values: give numbers")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=dtype)
    finite(result, "targets", array)
    return result
