"""Class labels as vectors: checked, brought to one kind, and turned into positions 0..K−1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

_SHOWN = 12


def label_vector(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as a vector of labels: whole numbers as int64, truth values as bool, text as str.

    values: shape (n,). Raises DataError for another shape, for NaN, infinity or None (with its place), and for
    values that are neither numbers nor text.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(
            f"{name} has shape {array.shape}, but labels are one vector of shape (n,): "
            "use argmax over the classes to turn probabilities or one-hot rows into labels."
        )
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise DataError(
                f"{name}[{bad[0]}] is {array[bad[0]]} ({bad.size} of {array.size} values are not finite), "
                "but a label is a whole number, a truth value or text: remove or fill these rows."
            )
        whole = array.astype(np.int64) if np.all(np.abs(array) < 2**53) else array
        return whole if np.array_equal(whole, array) else array
    if array.dtype.kind not in "biuU":
        raise DataError(f"{name} holds values of type {array.dtype}, but a label is a number, a truth value or text.")
    return array


def class_labels(labels: ArrayLike | None, *vectors: NDArray[Any]) -> NDArray[Any]:
    """Return the classes, shape (K,): `labels` in the order given, or the sorted distinct values of `vectors`."""
    if labels is None:
        return np.unique(np.concatenate(vectors))
    classes = label_vector(labels, "labels")
    distinct, counts = np.unique(classes, return_counts=True)
    if classes.size == 0:
        raise DataError("labels is empty, but at least one class is needed.")
    if distinct.size != classes.size:
        raise DataError(f"labels names {distinct[counts > 1][0]!r} more than once, but every class stands once.")
    return classes


def positions(values: NDArray[Any], classes: NDArray[Any], name: str) -> NDArray[np.intp]:
    """Return the position of every value in `classes`, shape (n,); DataError names the first unknown label."""
    if values.size and is_text(values) != is_text(classes):
        raise DataError(
            f"{name} holds {_kind(values)} but the classes are {_kind(classes)}: give both as numbers or both as text."
        )
    order = np.argsort(classes, kind="stable")
    place = np.searchsorted(classes, values, sorter=order)
    found = order[np.minimum(place, classes.size - 1)]
    unknown = np.flatnonzero(classes[found] != values)
    if unknown.size:
        listed = ", ".join(repr(c) for c in classes[:_SHOWN].tolist()) + (", …" if classes.size > _SHOWN else "")
        raise DataError(
            f"{name}[{unknown[0]}] is the unknown label {values[unknown[0]].item()!r}: the classes are {listed}."
        )
    return found


def two_label_vectors(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return true and predicted labels as two vectors of the same length n ≥ 1 and of the same kind."""
    true, predicted = label_vector(y_true, "y_true"), label_vector(y_pred, "y_pred")
    if true.size != predicted.size:
        raise DataError(f"y_true has {true.size} labels and y_pred {predicted.size}, but both need one per sample.")
    if true.size == 0:
        raise DataError("y_true and y_pred are empty, but at least one sample is needed.")
    if is_text(true) != is_text(predicted):
        raise DataError(
            f"y_true holds {_kind(true)} and y_pred {_kind(predicted)}: give both as numbers or both as text."
        )
    return true, predicted


def is_text(vector: NDArray[Any]) -> bool:
    """Whether the labels are text rather than numbers."""
    return vector.dtype.kind == "U"


def _kind(vector: NDArray[Any]) -> str:
    return "text" if is_text(vector) else "numbers"


def _from_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Bring an object array (data frames hand these out) to text or numbers, without turning 1 into '1'."""
    text = [isinstance(value, str) for value in array]
    if all(text):
        return array.astype(str)
    allowed = (bool, int, float, np.bool_, np.integer, np.floating)
    for place, value in enumerate(array):
        if any(text) and isinstance(value, allowed) and value == value:
            raise DataError(f"{name} mixes text with numbers ({name}[{place}] is {value!r}): use one kind of label.")
        if not text[place] and not isinstance(value, allowed):
            raise DataError(f"{name}[{place}] is {value!r}, but a label is a number, a truth value or text.")
        if not text[place] and value != value:
            raise DataError(f"{name}[{place}] is missing (NaN): remove or fill this row.")
    return np.array(array.tolist())
