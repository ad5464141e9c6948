"""Measures against hand-worked numbers and definitions; bad input."""

import math
import subprocess
import sys

import numpy as np
import pytest

from chainrule.errors import ConfigurationError, DataError
from chainrule.evaluate import classification_measures, regression_measures

TRUE = ["a", "a", "a", "b", "b", "c"]
PREDICTED = ["a", "a", "b", "b", "c", "c"]
CHANCE = [
    [0.7, 0.2, 0.1],
    [0.6, 0.3, 0.1],
    [0.3, 0.5, 0.2],
    [0.2, 0.6, 0.2],
    [0.1, 0.4, 0.5],
    [0.1, 0.1, 0.8],
]


def area_under_roc(positive, score):
    """Share of (positive, negative) pairs in the right order, ties half: the definition of the area."""
    pairs = [
        (p, q)
        for p, yes in zip(score, positive, strict=True)
        if yes
        for q, y in zip(score, positive, strict=True)
        if not y
    ]
    return sum((p > q) + 0.5 * (p == q) for p, q in pairs) / len(pairs)


def test_classification_by_hand():
    got = classification_measures(TRUE, PREDICTED, CHANCE)
    # recall a 2/3, b 1/2, c 1/1; precision a 2/2, b 1/2, c 1/2; F1 a 4/5, b 1/2, c 2/3
    expected = {
        "samples": 6,
        "accuracy": 4 / 6,
        "error_rate": 2 / 6,
        "precision_macro": 2 / 3,
        "recall_macro": (2 / 3 + 1 / 2 + 1) / 3,
        "f1_macro": (4 / 5 + 1 / 2 + 2 / 3) / 3,
        "precision_micro": 4 / 6,
        "recall_micro": 4 / 6,
        "f1_micro": 4 / 6,
        "precision_weighted": (3 * 1 + 2 * 0.5 + 1 * 0.5) / 6,
        "recall_weighted": 4 / 6,
        "f1_weighted": (3 * 0.8 + 2 * 0.5 + 2 / 3) / 6,
        "log_loss": -sum(math.log(p) for p in (0.7, 0.6, 0.3, 0.6, 0.4, 0.8)) / 6,
        "roc_auc": sum(
            area_under_roc([t == name for t in TRUE], [row[k] for row in CHANCE]) for k, name in enumerate("abc")
        )
        / 3,
    }
    assert got.pop("notes") == []
    assert got == pytest.approx(expected, rel=1e-12)


def test_binary_probabilities_as_vector_and_as_columns():
    true, p = [0, 0, 1, 1, 1], np.array([0.1, 0.6, 0.6, 0.8, 0.3])
    vector = classification_measures(true, p > 0.5, p)
    columns = classification_measures(true, p > 0.5, np.column_stack([1 - p, p]).astype(np.float32))
    assert vector["roc_auc"] == pytest.approx(area_under_roc(true, p))
    assert vector["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.4, 0.6, 0.8, 0.3])))
    assert columns["log_loss"] == pytest.approx(vector["log_loss"], rel=1e-6)


def test_weights_equal_repetition():
    weight = [1, 2, 1, 3, 1, 2]
    repeated = np.repeat(np.arange(6), weight)
    weighted = classification_measures(TRUE, PREDICTED, CHANCE, sample_weight=weight)
    plain = classification_measures(np.array(TRUE)[repeated], np.array(PREDICTED)[repeated], np.array(CHANCE)[repeated])
    for name in set(plain) - {"samples", "notes"}:
        assert weighted[name] == pytest.approx(plain[name], rel=1e-12), name


def test_certain_and_wrong_stays_finite():
    got = classification_measures([0, 1], [1, 1], [[0.0, 1.0], [0.0, 1.0]])
    assert 10 < got["log_loss"] < 40


def test_undefined_measures_are_left_out_with_a_note():
    got = classification_measures([0, 0], [0, 0], [[0.8, 0.1, 0.1]] * 2, labels=[0, 1, 2])
    assert "roc_auc" not in got
    assert any("roc_auc" in note for note in got["notes"])
    assert got["log_loss"] == pytest.approx(-math.log(0.8))
    single = classification_measures(["x"], ["x"], [[1.0]])
    assert "log_loss" not in single
    assert any("two classes" in note for note in single["notes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0, 1, 1], [0, 1]), "3 labels and y_pred 2"),
        (([0, 1], [0, 1], [[0.5, 0.5]]), r"\(1, 2\)"),
        (([0, 1], [0, 1], [[0.2, 0.3, 0.5]] * 2), "labels="),
        (([0, 1], [0, 1], [[2.0, -1.0], [0.5, 0.5]]), "row 0"),
        (([0, 1], [0, 1], [[0.5, 0.5], [3.0, 4.0]]), "softmax"),
        (([0, 1], [0, 1], [[0.5, 0.5], [float("nan"), 0.5]]), r"probabilities\[1, 0\] is nan"),
        (([0, 1], [0, 1], [["x", "y"], ["x", "y"]]), "numbers"),
        (([0, 5], [0, 1], None, [0, 1]), r"y_true\[1\] is the unknown label 5"),
        (([0, 1], [0, 1], None, None, [1, 2, 3]), "sample_weight has shape"),
        (([0, 1], [0, 1], None, None, [1, -2]), "≥ 0"),
        (([0, 1], [0, 1], None, None, [0, 0]), "≥ 0"),
    ],
)
def test_bad_classification_input(arguments, words):
    with pytest.raises(DataError, match=words):
        classification_measures(*arguments)


def test_regression_by_hand():
    got = regression_measures([1.0, 2.0, 3.0, 6.0], [2.0, 2.0, 2.0, 9.0])
    # r = −1, 0, 1, −3: Σr² = 11, Σ(y − 3)² = 14; mean r = −3/4, Var r = 11/4 − 9/16, Var y = 14/4
    expected = {
        "samples": 4,
        "r2": 1 - 11 / 14,
        "mse": 11 / 4,
        "rmse": math.sqrt(11 / 4),
        "mae": 5 / 4,
        "median_absolute_error": 1.0,
        "max_error": 3.0,
        "explained_variance": 1 - (11 / 4 - 9 / 16) / (14 / 4),
    }
    assert got.pop("notes") == []
    assert got == pytest.approx(expected, rel=1e-12)


def test_regression_shapes_and_several_outputs():
    rng = np.random.default_rng(1)
    y, yhat = rng.normal(size=(2, 30, 3))
    got = regression_measures(y, yhat)
    r = y - yhat
    assert got["rmse"] == pytest.approx(math.sqrt(np.mean(r**2)))
    assert got["max_error"] == pytest.approx(np.abs(r).max())
    assert got["r2"] == pytest.approx(np.mean(1 - (r**2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)))
    assert regression_measures(y[:, :1], yhat[:, 0]) == regression_measures(y[:, 0], yhat[:, 0])


def test_regression_edges_are_noted():
    one = regression_measures([1.0], [3.0])
    assert "r2" not in one
    assert one["mse"] == 4.0
    assert "two samples" in one["notes"][0]
    constant = regression_measures([2.0, 2.0], [1.0, 2.0])
    assert constant["r2"] == 0.0
    assert "constant" in constant["notes"][0]


@pytest.mark.parametrize(
    ("y", "yhat", "words"),
    [
        ([1.0, 2.0], [1.0], "one number per sample"),
        ([1.0, float("nan")], [1.0, 2.0], r"y\[1\] is nan"),
        ([1.0, 2.0], [1.0, float("inf")], r"yhat\[1\] is inf"),
        ([], [], "at least one"),
        (["a"], [1.0], "numbers"),
        ([1e200, 1.0], [1.0, 1.0], "overflow"),
    ],
)
def test_bad_regression_input(y, yhat, words):
    with pytest.raises(DataError, match=words):
        regression_measures(y, yhat)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'chainrule\[estimators\]'"):
        regression_measures([1.0, 2.0], [1.0, 2.0])


def test_import_and_split_do_without_heavy_packages():
    code = (
        "import sys, chainrule.evaluate as e; e.split([0, 1] * 9, test=0.2, stratify=True);"
        "e.Confusion([[1]]).average('macro');"
        "print([p for p in ('sklearn', 'scipy', 'matplotlib', 'rich', 'polars') if p in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
