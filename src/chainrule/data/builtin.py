"""Five small classic data sets that come with the package, as gzipped CSV files in `sets/`."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np

from chainrule.data.dataset import Dataset
from chainrule.errors import unknown_name

BUILTIN: tuple[str, ...] = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def load_builtin(name: str) -> Dataset:
    """Load one of `BUILTIN`.

    Shapes: digits (1797, 64), iris (150, 4), wine (178, 13), breast_cancer (569, 30), diabetes (442, 10).
    Class labels are integers 0..K-1 and `classes` holds their names. Sources: `sets/README.md`.

    Raises:
        UnknownNameError: no such data set; names the nearest.

    >>> iris = load_builtin("iris")
    >>> iris.X.shape, list(iris.classes)
    ((150, 4), ['setosa', 'versicolor', 'virginica'])
    """
    if name not in BUILTIN:
        raise unknown_name("data set", name, BUILTIN)
    folder = Path(__file__).parent / "sets"
    about = json.loads((folder / "sets.json").read_text(encoding="utf-8"))[name]
    text = gzip.decompress((folder / f"{name}.csv.gz").read_bytes()).decode("ascii")
    numbers = np.loadtxt(io.StringIO(text), delimiter=",", dtype=np.float64, ndmin=2)
    labels = about["classes"]
    y = numbers[:, -1].copy()
    return Dataset(
        name=name,
        X=np.ascontiguousarray(numbers[:, :-1]),
        y=y if labels is None else y.astype(np.int64),
        task=about["task"],
        feature_names=tuple(about["features"]),
        target_name=about["target"],
        classes=None if labels is None else np.array(labels),
        description=about["description"],
        pixel_max=about["pixel_max"],
    )
