"""Numbers of a written formula: matrices with labeled leading axes, and the arithmetic of the signs between them.

A letter that indexes an entry, `z_i`, or numbers a sample, `z^(i)`, becomes an axis of that name, so that a formula is
evaluated for all values of its indices at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import ChainruleError
from ..notation.formula import Formula

Array = npt.NDArray[Any]
Labels = tuple[str, ...]
Status = Literal["equal", "different", "shape", "undefined", "unreadable"]

SAMPLE = "samples"  # label of the sample axis that a per-sample letter has without writing it
NO_NUMBER = "a value that is no number"
LARGEST = 2_000_000  # numbers of one value; beyond this a formula has more indices than anybody writes


class NoValueError(ChainruleError):
    """A formula has no value: why (status, one phrase), and at which part of it."""

    def __init__(self, status: Status, message: str, part: Formula | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.part = status, message, part


def misfit(message: str) -> NoValueError:
    return NoValueError("shape", message)


def undefined(message: str) -> NoValueError:
    return NoValueError("undefined", message)


def bounded(entries: int) -> None:
    """`NoValueError` where a value would have too many entries."""
    if entries > LARGEST:
        raise undefined("it is too large to be tried: too many indices or entries at once")


class Value:
    """A matrix for every value of its labels: `array` has the axes (*labels, rows, columns).

    flat     a column of sums without keepdims, which NumPy takes for a row; a row of sums stays one when broadcast
    unit     a number that stands for this multiple of the identity matrix, of whatever size is wanted
    repeated a column times 1ᵀ or 1 times a row: it is repeated as often as wanted
    samples  of a stored quantity: its columns are the samples
    """

    __slots__ = ("array", "flat", "labels", "repeated", "samples", "unit")

    def __init__(
        self, array: Array, labels: Labels = (), *, flat: bool = False, samples: bool = False, unit: bool = False
    ) -> None:
        self.array, self.labels, self.flat, self.samples, self.unit = array, labels, flat, samples, unit
        self.repeated = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape[-2], self.array.shape[-1]

    @property
    def is_scalar(self) -> bool:
        return self.array.shape[-2:] == (1, 1)

    def length(self, label: str) -> int:
        return int(self.array.shape[self.labels.index(label)])

    def last(self, label: str) -> Array:
        """The array with the axis of a label moved to the end."""
        return np.moveaxis(self.array, self.labels.index(label), -1)

    def without(self, label: str) -> Labels:
        return tuple(x for x in self.labels if x != label)

    @property
    def T(self) -> Value:
        return Value(np.swapaxes(self.array, -1, -2), self.labels, unit=self.unit)

    def sized(self, shape: tuple[int, int]) -> Value:
        """A multiple of the identity, or a repeated column or row, as a matrix that goes with one of another shape."""
        n = max(shape)
        bounded(n * n)
        if self.unit and n > 1:
            return Value(self.array * np.eye(n), self.labels)
        if self.repeated and all(own in (1, wanted) for own, wanted in zip(self.shape, shape, strict=True)):
            return Value(np.broadcast_to(self.array, (*self.array.shape[:-2], *shape)), self.labels)
        return self

    def __repr__(self) -> str:
        axes = ", ".join(f"{x}: {n}" for x, n in zip(self.labels, self.array.shape, strict=False))
        return f"<value {size(self.shape)}{' for ' + axes if axes else ''}>"


def scalar(number: complex) -> Value:
    return Value(np.full((1, 1), number))


def size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


def together(a: Value, b: Value) -> tuple[Labels, Array, Array]:
    """The arrays of two values with their labels in one order, ready to be broadcast."""
    if a.labels == b.labels:
        return a.labels, a.array, b.array
    lengths = dict(zip(a.labels, a.array.shape, strict=False))
    for label, n in zip(b.labels, b.array.shape, strict=False):
        if lengths.setdefault(label, n) != n:
            raise misfit(f"{label} runs over {lengths[label]} and {n} values")
    union = tuple(lengths)
    entries = max(a.shape[0], b.shape[0]) * max(a.shape[1], b.shape[1])
    for n in lengths.values():
        entries *= n
    bounded(entries)
    return union, spread(a, union), spread(b, union)


def spread(v: Value, union: Labels) -> Array:
    """The array of a value with an axis for every label of `union`, of length 1 where the value lacks it."""
    if v.labels == union[len(union) - len(v.labels) :]:
        return v.array.reshape((1,) * (len(union) - len(v.labels)) + v.array.shape)
    order = [v.labels.index(x) for x in union if x in v.labels]
    kept = np.transpose(v.array, (*order, v.array.ndim - 2, v.array.ndim - 1))
    it = iter(kept.shape)
    lead = tuple(next(it) if x in v.labels else 1 for x in union)
    return kept.reshape(lead + kept.shape[-2:])


def entrywise(a: Value, b: Value, op: Callable[[Array, Array], Array]) -> Value:
    """Entry by entry: equal shapes, a number with anything, a column or row repeated along a matrix."""
    if a.unit != b.unit:
        a, b = a.sized(b.shape), b.sized(a.shape)
    (ra, ca), (rb, cb) = a.shape, b.shape
    if not (
        (ra == rb and (ca == cb or ca == 1 or cb == 1))
        or (ca == cb and (ra == 1 or rb == 1))
        or ra == ca == 1
        or rb == cb == 1
    ):
        raise misfit(f"{size(a.shape)} against {size(b.shape)}")
    unit = (a.unit and b.unit) or (a.unit and b.is_scalar and op in (np.multiply, np.divide))
    unit = unit or (b.unit and a.is_scalar and op is np.multiply)
    labels, x, y = together(a, b)
    return Value(op(x, y), labels, flat=a.flat or b.flat, unit=unit)


def product(a: Value, b: Value) -> Value:
    """Product of matrices; a number scales."""
    if a.is_scalar or b.is_scalar:
        labels, x, y = together(a, b)
        unit = (a.unit or b.unit) and a.is_scalar and b.is_scalar
        return Value(x * y, labels, flat=a.flat or b.flat, unit=unit)
    if a.repeated or b.repeated:
        raise undefined("how often 1ᵀ repeats a column is not known")
    if a.shape[1] != b.shape[0]:
        raise misfit(f"{size(a.shape)} times {size(b.shape)}")
    labels, x, y = together(a, b)
    return Value(np.matmul(x, y), labels)


def dot(a: Value, b: Value) -> Value:
    """`·`: uᵀv for two columns (or rows) of one length, else as a product of matrices."""
    if a.shape == b.shape and 1 in a.shape and not a.is_scalar:
        return product(a.T, b) if a.shape[1] == 1 else product(a, b.T)
    return product(a, b)


def inner(a: Value, b: Value) -> Value:
    """⟨A, B⟩ = A : B = tr(Aᵀ B), the sum of the products of the entries of two arrays of one shape."""
    if a.shape != b.shape and 1 in a.shape and a.shape == b.shape[::-1]:
        b = b.T  # of vectors nothing is said of rows and columns
    if a.shape != b.shape:
        raise misfit(f"inner product of {size(a.shape)} and {size(b.shape)}")
    products = entrywise(a, b, np.multiply)
    return Value(products.array.sum(axis=(-2, -1), keepdims=True), products.labels)


def outer(a: Value, b: Value) -> Value:
    """u vᵀ of two vectors; of two matrices `⊗` is the Kronecker product."""
    if 1 not in a.shape and 1 not in b.shape:
        return kronecker_product(a, b)
    if 1 not in a.shape or 1 not in b.shape:
        raise misfit(f"outer product of {size(a.shape)} and {size(b.shape)}, not of two vectors")
    u = a if a.shape[1] == 1 else a.T
    v = b if b.shape[0] == 1 else b.T
    labels, x, y = together(u, v)
    return Value(np.matmul(x, y), labels)


def kronecker_product(a: Value, b: Value) -> Value:
    """b repeated with every entry of a as a factor: of columns one long column."""
    labels, x, y = together(a, b)
    bounded(x.size * y.shape[-2] * y.shape[-1])
    blocks = x[..., :, None, :, None] * y[..., None, :, None, :]
    rows, cols = a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]
    return Value(blocks.reshape((*blocks.shape[:-4], rows, cols)), labels)


def inverse(a: Value) -> Value:
    """The inverse of a square matrix."""
    if a.shape[0] != a.shape[1]:
        raise misfit(f"inverse of {size(a.shape)}")
    if np.min(np.abs(np.linalg.det(a.array)), initial=1.0) == 0.0:
        raise undefined("the inverse of a matrix that has none")
    return Value(np.linalg.inv(a.array), a.labels, unit=a.unit)


def power(a: Value, b: Value) -> Value:
    """Entry by entry, but A^{-1} is the inverse of a square matrix.

    Whole exponents stay whole, so that negative bases keep their powers.
    """
    if b.is_scalar and not b.labels and not np.iscomplexobj(b.array):
        n = float(b.array[0, 0])
        if n == -1.0 and a.shape[0] == a.shape[1] > 1:
            return inverse(a)
        if n.is_integer() and abs(n) <= 64:
            base = a.array
            return Value(base ** int(n) if n >= 0 else 1.0 / base ** int(-n), a.labels, flat=a.flat)
    if np.any(a.array.real < 0.0):
        raise undefined(NO_NUMBER)  # a complex step would cross the cut of the root
    return entrywise(a, b, np.power)


def moved_to_label(labels: Labels, array: Array, axis: int, label: str) -> tuple[Labels, Array]:
    """Turn a trailing axis (counted from the end) into a label; where the label is there already, take the diagonal."""
    if label in labels:
        place = labels.index(label)
        if array.shape[place] != array.shape[axis]:
            raise misfit(f"{label} runs over {array.shape[place]} and {array.shape[axis]} values")
        same = np.moveaxis(np.diagonal(array, axis1=place, axis2=array.ndim + axis), -1, place)
        return labels, np.expand_dims(same, axis)
    return (label, *labels), np.expand_dims(np.moveaxis(array, axis, 0), axis)


def difference(a: Value, b: Value) -> float:
    """Largest difference of two values of one shape, relative to the largest entry of either."""
    _, x, y = together(a, b)
    scale = max(float(np.max(np.abs(x), initial=0.0)), float(np.max(np.abs(y), initial=0.0)))
    gap = float(np.max(np.abs(x - y), initial=0.0))
    return gap / scale if scale else 0.0
