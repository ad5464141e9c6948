"""A data set held as arrays: samples in rows, one target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Dataset:
    """Samples `X`, targets `y`, and what is known about them.

    Attributes:
        name: what messages call it.
        X: (n_samples, n_features), floats, C order; float64, except image files, which are float32.
        y: (n_samples,), class labels as given (integers or texts) or float targets.
        task: "classification" or "regression".
        feature_names: one per column of `X`.
        target_name: what `y` is.
        classes: (n_classes,) names for display, in the sorted order of the labels in `y`; None in regression.
        test: the test part, where the source comes with one.
        description: one sentence.
        pixel_max: the largest value a pixel can have if every feature is a pixel, else None.

    Raises:
        DataError: lengths differ, or there is no sample.
    """

    name: str
    X: Array
    y: Array
    task: Task
    feature_names: tuple[str, ...]
    target_name: str = "target"
    classes: Array | None = None
    test: Dataset | None = None
    description: str = ""
    pixel_max: float | None = None

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or self.y.ndim != 1 or len(self.X) != len(self.y):
            raise DataError(
                f"data set {self.name!r} has X of shape {self.X.shape} and y of shape {self.y.shape}: "
                "give X as (n_samples, n_features) and y as (n_samples,), one target per sample."
            )
        if len(self.feature_names) != self.X.shape[1]:
            raise DataError(
                f"data set {self.name!r} has {self.X.shape[1]} features but {len(self.feature_names)} feature names: "
                "give one name per column of X."
            )
        if self.test is not None and self.test.X.shape[1] != self.X.shape[1]:
            raise DataError(
                f"data set {self.name!r} has {self.X.shape[1]} features in its training part and "
                f"{self.test.X.shape[1]} in its test part: both parts need the same features."
            )
        if not self.X.size:
            raise DataError(
                f"data set {self.name!r} is empty (X has shape {self.X.shape}): give at least one sample and feature."
            )

    @property
    def n_samples(self) -> int:
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        return int(self.X.shape[1])
