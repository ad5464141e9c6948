"""Splits and folds: properties that any right split has."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import ConfigurationError, DataError
from chainrule.evaluate import CrossValidation, cross_validate, k_folds, split


@settings(max_examples=80, deadline=None)
@given(st.integers(3, 200), st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(1, 6))
def test_sets_are_disjoint_complete_and_exact_in_size(n, validation, test, seed, classes):
    validation, test = min(validation, (n - 1) // 2), min(test, (n - 1) // 2)
    y = np.random.default_rng(seed).integers(0, classes, n)
    for stratify in (None, True):
        s = split(y, validation=validation, test=test, stratify=stratify, seed=seed)
        assert (s.validation.size, s.test.size) == (validation, test)
        everything = np.concatenate([s.train, s.validation, s.test])
        np.testing.assert_array_equal(np.sort(everything), np.arange(n))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(3, 80), min_size=2, max_size=6), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_stratified_sets_keep_class_shares(counts, validation, test):
    y = np.repeat(np.arange(len(counts)), counts)
    s = split(y, validation=validation, test=test, stratify=True)
    n = y.size
    assert s.notes == ()
    for part in (s.test, s.validation, s.train):
        got = np.bincount(y[part], minlength=len(counts))
        # Each draw is within one sample of its share; validation and train also bear what the test draw left.
        assert np.all(np.abs(got - np.array(counts) * part.size / n) < (1 if part is s.test else 2))


def test_sizes_and_seed():
    s = split(1000, validation=0.1, test=0.25, seed=3)
    assert (s.train.size, s.validation.size, s.test.size) == (650, 100, 250)
    same = split(1000, validation=0.1, test=0.25, seed=3)
    other = split(1000, validation=0.1, test=0.25, seed=4)
    np.testing.assert_array_equal(s.test, same.test)
    assert not np.array_equal(s.test, other.test)
    np.testing.assert_array_equal(split(1000, test=0.25, seed=3).test, s.test)
    assert split(10, validation=0.001).validation.size == 1
    assert split(10).train.size == 10
    assert split(np.zeros((7, 2)), test=2).test.size == 2


def test_plain_split_is_random_not_a_slice():
    chosen = np.concatenate([split(50, test=10, seed=seed).test for seed in range(200)])
    # 40 draws of each index expected, standard deviation 5.7.
    counts = np.bincount(chosen, minlength=50)
    assert counts.min() > 12
    assert counts.max() < 72


def test_rare_classes_are_pooled_with_a_note():
    y = ["a"] * 50 + ["b"] * 50 + ["c", "d"]
    s = split(y, validation=0.2, test=0.2, stratify=True)
    assert "2 of 4 classes" in s.notes[0]
    test_labels = np.array(y)[s.test]
    assert abs((test_labels == "a").sum() - (test_labels == "b").sum()) <= 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((10,), {"validation": 0.6, "test": 0.4}, ConfigurationError, "leave at least one"),
        ((10,), {"test": 10}, ConfigurationError, "leave at least one"),
        ((10,), {"test": 1.0}, ConfigurationError, "below 1"),
        ((10,), {"validation": -0.1}, ConfigurationError, "validation is -0.1"),
        ((10,), {"validation": float("nan")}, ConfigurationError, "validation is nan"),
        ((10,), {"validation": True}, ConfigurationError, "validation is True"),
        ((10,), {"seed": -1}, ConfigurationError, "seed is -1"),
        ((10,), {"test": 0.2, "stratify": True}, ConfigurationError, "give the labels"),
        ((10,), {"test": 0.2, "stratify": [0, 1]}, DataError, "2 labels"),
        (([0, float("nan"), 1],), {"test": 1, "stratify": True}, DataError, r"stratify\[1\] is nan"),
        ((0,), {}, DataError, "at least one"),
        ((None,), {}, DataError, "None"),
    ],
)
def test_impossible_splits(arguments, options, error, words):
    with pytest.raises(error, match=words):
        split(*arguments, **options)


@pytest.mark.parametrize("stratified", [False, True])
def test_every_sample_is_validated_once(stratified):
    y = np.array([0] * 30 + [1] * 15)
    folds = k_folds(y, 5, stratified=stratified, seed=2)
    assert len(folds) == 5
    np.testing.assert_array_equal(np.sort(np.concatenate([f.validation for f in folds])), np.arange(45))
    for train, validation in folds:
        assert np.intersect1d(train, validation).size == 0
        assert train.size + validation.size == 45
        if stratified:
            assert np.bincount(y[validation]).tolist() == [6, 3]
    again = k_folds(y, 5, stratified=stratified, seed=2)
    np.testing.assert_array_equal(folds[0].validation, again[0].validation)
    assert not np.array_equal(folds[0].validation, k_folds(y, 5, stratified=stratified, seed=3)[0].validation)


def test_folds_without_shuffling_keep_the_order():
    assert [f.validation.tolist() for f in k_folds(6, 3, shuffle=False)] == [[0, 1], [2, 3], [4, 5]]


def test_rare_classes_in_folds_are_noted():
    some = k_folds(["a"] * 9 + ["b"] * 2, 3, stratified=True)
    assert "2 samples" in some.notes[0]
    every = k_folds(["a", "b", "c", "d"], 2, stratified=True)
    assert "without stratification" in every.notes[0]
    assert len(every) == 2
    assert k_folds(["a"] * 9, 3, stratified=True).notes == ()


@pytest.mark.parametrize("k", [1, 0, 11, 2.0, True])
def test_impossible_k(k):
    with pytest.raises(ConfigurationError, match="from 2 to 10"):
        k_folds(10, k)


def test_folds_without_scikit_learn_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'chainrule\[estimators\]'"):
        k_folds(10, 2)


def test_cross_validation_by_hand():
    scores = iter([{"r2": 0.5, "mse": 1}, {"r2": 0.7, "mse": 2}, {"r2": 0.9, "mse": 6, "notes": ["few samples"]}])
    seen = []

    def fit_and_score(train, validation):
        seen.append((train.size, validation.size))
        return next(scores)

    result = cross_validate(fit_and_score, k_folds(9, 3))
    assert seen == [(6, 3)] * 3
    assert result.mean == pytest.approx({"r2": 0.7, "mse": 3.0})
    assert result.std == pytest.approx({"r2": 0.2, "mse": math.sqrt(7)})
    assert result.notes == ("fold 3: few samples",)
    lines = str(result).splitlines()
    assert lines[0].split() == ["fold", "r2", "mse"]
    assert lines[4].split() == ["mean", "0.7", "3"]
    assert lines[5].split() == ["±", "std", "0.2", "2.64575"]
    assert "ddof = 1" in lines[6]
    assert json.loads(json.dumps(result.to_json()))["folds"][2] == {"r2": 0.9, "mse": 6.0}


def test_one_fold_has_no_deviation():
    result = CrossValidation(({"r2": 0.5},))
    assert math.isnan(result.std["r2"])
    assert result.to_json()["std"] == {"r2": None}


def test_measures_that_folds_lack():
    results = iter([{"r2": 1.0, "auc": 0.5}, {"r2": 0.5}])
    result = cross_validate(lambda train, validation: next(results), k_folds(4, 2))
    assert list(result.mean) == ["r2"]
    assert "auc" in result.notes[0]


def test_bad_cross_validation():
    with pytest.raises(DataError, match="no folds"):
        cross_validate(lambda t, v: {"r2": 1.0}, [])
    with pytest.raises(DataError, match="measure 'r2' of fold 1"):
        cross_validate(lambda t, v: {"r2": "high"}, k_folds(4, 2))
    with pytest.raises(DataError, match="no measure"):
        cross_validate(lambda t, v: {}, k_folds(4, 2))
