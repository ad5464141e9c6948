"""The confusion matrix: the lecture slide's table by exact fractions, random labels by scikit-learn."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from chainrule.errors import ChainruleError, ConfigurationError, DataError
from chainrule.evaluate import Confusion

# TSM_DeepLearn, Back-Propagation, "Model Selection / Performance Measures".
SLIDE = [
    [902, 0, 3, 3, 3, 11, 5, 4, 3, 2],
    [0, 1119, 10, 4, 1, 8, 1, 1, 14, 5],
    [3, 12, 872, 15, 13, 5, 15, 13, 27, 7],
    [3, 9, 25, 896, 0, 50, 2, 13, 24, 16],
    [3, 0, 6, 1, 858, 3, 10, 5, 8, 54],
    [8, 5, 10, 20, 9, 809, 16, 6, 29, 9],
    [1, 1, 6, 1, 4, 14, 978, 1, 4, 3],
    [6, 2, 11, 3, 6, 1, 1, 957, 0, 42],
    [3, 18, 11, 16, 6, 27, 9, 4, 867, 17],
    [5, 4, 3, 8, 22, 9, 0, 27, 2, 912],
]


def counts_by_hand(k):
    """TP, FN, FP, TN of class k, counted cell by cell."""
    tp = fn = fp = tn = 0
    for i, row in enumerate(SLIDE):
        for j, cell in enumerate(row):
            if i == k and j == k:
                tp += cell
            elif i == k:
                fn += cell
            elif j == k:
                fp += cell
            else:
                tn += cell
    return tp, fn, fp, tn


def test_slide_overall():
    c = Confusion(SLIDE)
    assert c.samples == 10000
    assert c.accuracy == 0.9170
    assert c.error_rate == 0.0830
    assert c.support.tolist() == [936, 1163, 982, 1038, 948, 921, 1013, 1029, 978, 992]


@pytest.mark.parametrize("k", range(10))
@pytest.mark.parametrize("beta", [1, 2])
def test_slide_per_class(k, beta):
    tp, fn, fp, tn = counts_by_hand(k)
    precision, recall = Fraction(tp, tp + fp), Fraction(tp, tp + fn)
    f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    c = Confusion(SLIDE)
    got = [c.class_accuracy[k], c.recall[k], c.precision[k], c.f_score(beta)[k]]
    expected = [Fraction(tp + tn, 10000), recall, precision, f]
    np.testing.assert_allclose(got, [float(value) for value in expected], rtol=4e-16)


def test_slide_averages():
    c = Confusion(SLIDE)
    counts = [counts_by_hand(k) for k in range(10)]
    recall = [Fraction(tp, tp + fn) for tp, fn, _, _ in counts]
    precision = [Fraction(tp, tp + fp) for tp, _, fp, _ in counts]
    f1 = [2 * p * r / (p + r) for p, r in zip(precision, recall, strict=True)]
    support = [tp + fn for tp, fn, _, _ in counts]
    for kind, weight in (("macro", [1] * 10), ("weighted", support)):
        expected = [
            float(sum(w * v for w, v in zip(weight, values, strict=True)) / sum(weight))
            for values in (precision, recall, f1)
        ]
        np.testing.assert_allclose(c.average(kind), expected, rtol=1e-15)
    assert c.average("micro") == (0.917, 0.917, 0.917)


def test_slide_most_confused():
    assert Confusion(SLIDE).most_confused(3) == [(4, 9, 54), (3, 5, 50), (7, 9, 42)]
    assert Confusion([[1, 0], [0, 1]]).most_confused() == []


labels_and_predictions = st.integers(1, 6).flatmap(
    lambda classes: st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1)
)


@settings(max_examples=60, deadline=None)
@given(labels_and_predictions)
def test_random_labels_against_scikit_learn(pairs):
    names = np.array(["f", "a", "c", "b", "e", "d"])
    true, predicted = names[[t for t, _ in pairs]], names[[p for _, p in pairs]]
    c = Confusion.from_predictions(true, predicted, labels=names)
    np.testing.assert_array_equal(c.matrix, metrics.confusion_matrix(true, predicted, labels=names))
    assert c.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    for beta in (0.5, 1.0):
        p, r, f, s = metrics.precision_recall_fscore_support(
            true, predicted, labels=names, beta=beta, average=None, zero_division=0
        )
        for got, expected in zip((c.precision, c.recall, c.f_score(beta), c.support), (p, r, f, s), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)
        for kind in ("macro", "weighted", "micro"):
            expected = metrics.precision_recall_fscore_support(
                true, predicted, labels=names, beta=beta, average=kind, zero_division=0
            )[:3]
            np.testing.assert_allclose(c.average(kind, beta), expected, rtol=1e-12)
    one_against_rest = [metrics.accuracy_score(true == name, predicted == name) for name in names]
    np.testing.assert_allclose(c.class_accuracy, one_against_rest, rtol=1e-12)


def test_zero_over_zero_is_zero_and_noted():
    c = Confusion.from_predictions(["a", "a", "c"], ["a", "b", "a"], labels=["a", "b", "c"])
    assert c.recall.tolist() == [0.5, 0.0, 0.0]
    assert c.precision.tolist() == [0.5, 0.0, 0.0]
    assert c.f_score().tolist() == [0.5, 0.0, 0.0]
    assert len(c.notes) == 2
    assert "'b'" in c.notes[0]
    assert "'c'" in c.notes[1]
    assert Confusion(SLIDE).notes == []


def test_labels_keep_their_kind():
    assert Confusion.from_predictions([True, False], [True, True]).labels == (False, True)
    assert Confusion.from_predictions([3.0, 1.0], np.array([1, 1], dtype=np.uint8)).labels == (1, 3)
    assert Confusion.from_predictions(np.array(["x", "y"], dtype=object), ["y", "y"]).labels == ("x", "y")
    assert Confusion.from_predictions([0.5, 1.5], [0.5, 0.5]).labels == (0.5, 1.5)


def test_json_and_text():
    c = Confusion(SLIDE, list("0123456789"))
    read = json.loads(json.dumps(c.to_json()))
    assert Confusion(read["matrix"], read["labels"]) == c
    assert read["classes"][4]["recall"] == pytest.approx(858 / 948)
    rows = c.table()
    assert rows[5] == ["4", *map(str, SLIDE[4]), "948"]
    assert rows[-1][-1] == "10000"
    assert str(c).endswith("accuracy 0.9170 (9170 of 10000 samples)")
    assert len({len(line) for line in str(c).splitlines()[:-1]}) == 1


def test_matrix_is_a_read_only_copy():
    given_matrix = np.array([[1, 2], [3, 4]])
    c = Confusion(given_matrix)
    given_matrix[0, 0] = 99
    assert c.matrix[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        c.matrix[0, 0] = 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Confusion([[1, 2, 3], [4, 5, 6]]), r"\(2, 3\)"),
        (lambda: Confusion([[1, -2], [3, 4]]), "row 0, column 1"),
        (lambda: Confusion([[1, 2], [float("nan"), 4]]), "row 1, column 0"),
        (lambda: Confusion([[0.5, 2], [3, 4]]), "0.5"),
        (lambda: Confusion([["a", "b"], ["c", "d"]]), "counts"),
        (lambda: Confusion([[0, 0], [0, 0]]), "all zeros"),
        (lambda: Confusion([[1, 0], [0, 1]], ["a", "b", "c"]), "3 labels"),
        (lambda: Confusion([[1, 0], [0, 1]], ["a", "a"]), "more than once"),
        (lambda: Confusion.from_predictions([0, 1], [0]), "2 labels and y_pred 1"),
        (lambda: Confusion.from_predictions([], []), "empty"),
        (lambda: Confusion.from_predictions([0, 1], [0, 7], labels=[0, 1]), r"y_pred\[1\] is the unknown label 7"),
        (lambda: Confusion.from_predictions([0, float("nan")], [0, 1]), r"y_true\[1\] is nan"),
        (lambda: Confusion.from_predictions([0, None], [0, 1]), r"y_true\[1\] is None"),
        (lambda: Confusion.from_predictions(np.array(["a", 1], dtype=object), ["a", "a"]), "mixes"),
        (lambda: Confusion.from_predictions(np.array(["a", np.nan], dtype=object), ["a", "a"]), "missing"),
        (lambda: Confusion.from_predictions(["a"], [0]), "text"),
        (lambda: Confusion.from_predictions([0], [0], labels=["a"]), "text"),
        (lambda: Confusion.from_predictions([[0, 1]], [[0, 1]]), "argmax"),
        (lambda: Confusion.from_predictions([1 + 2j], [0]), "complex128"),
    ],
)
def test_bad_input_is_a_data_error(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_bad_options():
    with pytest.raises(ChainruleError, match="did you mean 'macro'"):
        Confusion([[1]]).average("macros")
    for beta in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="beta"):
            Confusion([[1]]).f_score(beta)
