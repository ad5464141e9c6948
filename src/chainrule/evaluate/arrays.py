"""Numbers from the user as checked float64 arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError


def float_array(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return `values` as float64 of any shape; DataError if they are not numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} cannot be read as numbers ({error}).") from error


def finite_array(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return `values` as float64 of any shape; DataError names the first NaN or infinity."""
    array = float_array(values, name)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise DataError(
            f"{name}[{place}] is {array[tuple(bad[0])]} ({len(bad)} of {array.size} values are not finite), "
            "but only finite numbers can be used: remove or fill these rows."
        )
    return array


def target_pair(y: ArrayLike, yhat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return true and predicted numbers, both of shape (n, k): k outputs, 1 for vectors; n, k ≥ 1."""
    pair = []
    for values, name in ((y, "y"), (yhat, "yhat")):
        array = finite_array(values, name)
        if array.ndim not in (1, 2) or array.size == 0:
            raise DataError(
                f"{name} has shape {array.shape}, but at least one number, as (n,) or (n, outputs), is needed."
            )
        pair.append(array.reshape(array.shape[0], -1))
    if pair[0].shape != pair[1].shape:
        raise DataError(
            f"y has shape {np.shape(y)} and yhat {np.shape(yhat)}, but both need one number per sample and output."
        )
    return pair[0], pair[1]


def learning_curve(history: Mapping[str, Sequence[float]], name: str) -> NDArray[np.float64]:
    """Return history[name], one number per epoch, shape (epochs,); NaN and infinity stay."""
    if name not in history:
        raise DataError(
            f"the history has no {name!r} but {sorted(history)}: give one number per epoch under this name."
        )
    curve = float_array(history[name], f"history[{name!r}]")
    if curve.ndim != 1 or curve.size == 0:
        raise DataError(f"history[{name!r}] has shape {curve.shape}, but one number per epoch is needed.")
    return curve
