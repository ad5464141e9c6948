"""The defaults of `chainrule train` reach what such networks reach; averaged over seeds where data are few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainrule.tabular import Options, train_table

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def accuracies(name: str, seeds: int) -> list[float]:
    return [train_table(name, Options(seed=seed)).measures["test"]["accuracy"] for seed in range(seeds)]


@pytest.mark.parametrize(
    ("name", "first", "mean"),
    [("digits", 0.97, 0.975), ("breast_cancer", 0.96, 0.965), ("wine", 0.94, 0.96)],
)
def test_classes(name: str, first: float, mean: float) -> None:
    found = accuracies(name, 4)
    assert found[0] >= first  # the default seed
    assert np.mean(found) >= mean


def test_iris_is_as_good_as_a_linear_classifier() -> None:
    """30 test flowers of which one split has hard ones: compared with logistic regression on the same splits."""
    from sklearn.linear_model import LogisticRegression

    ours, linear = [], []
    for seed in range(6):
        result = train_table("iris", Options(seed=seed))
        train, test = result.data.parts["train"], result.data.parts["test"]
        ours.append(result.measures["test"]["accuracy"])
        linear.append(LogisticRegression().fit(train.X, train.y).score(test.X, test.y))
    assert np.mean(ours) >= 0.93
    assert np.mean(ours) >= np.mean(linear) - 0.02


def test_diabetes_is_no_worse_than_a_linear_model() -> None:
    """Least squares on the same training rows, judged on the same test rows; R² averaged over splits."""
    ours, linear = [], []
    for seed in range(12):  # the difference of one split is ±0.02 by chance
        result = train_table("diabetes", Options(seed=seed))
        train, test = result.data.parts["train"], result.data.parts["test"]
        A, B = (np.column_stack([p.X, np.ones(len(p))]).astype(np.float64) for p in (train, test))
        residual = test.y - B @ np.linalg.lstsq(A, train.y)[0]
        ours.append(result.measures["test"]["r2"])
        linear.append(1 - (residual**2).sum() / ((test.y - test.y.mean()) ** 2).sum())
    assert np.mean(ours) >= np.mean(linear)


@pytest.mark.skipif(
    not (DATA / "tables" / "titanic.csv").exists(), reason="../shared/data/tables/titanic.csv is absent"
)
def test_titanic_is_clearly_above_the_majority_class() -> None:
    result = train_table(DATA / "tables" / "titanic.csv", Options(target="survived", drop=("alive",)))
    y = result.data.parts["test"].y
    majority = max(np.mean(y), 1 - np.mean(y))
    assert result.measures["test"]["accuracy"] >= majority + 0.12


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="../shared/data/mnist is absent")
def test_mnist() -> None:
    result = train_table(DATA / "mnist", Options(hidden=(128,), epochs=10))
    assert result.measures["test"]["samples"] == 10_000
    assert result.measures["test"]["accuracy"] >= 0.975
