"""Terminal tables: rendered text carries the numbers, fits 80 columns, and labels are never markup."""

import io

import numpy as np
import pytest

from chainrule.evaluate import Confusion, CrossValidation, regression_measures
from chainrule.show import class_table, confusion_table, cross_validation_table, measures_table

CATS = Confusion([[8, 2], [0, 0]], ["[bold]cat[/bold]", "dog"])


def lines(renderable, width=80):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]


def row(text, start):
    return next(line for line in text if line.strip().startswith(start)).split()


def test_measures():
    text = lines(measures_table(regression_measures([1.0, 1.0], [2.0, 1e6]), "Test set"))
    assert text[0] == "Test set"
    assert row(text, "samples") == ["samples", "2"]
    assert row(text, "mse") == ["mse", "4.99999e+11"]
    assert any("constant" in line for line in text)
    assert row(lines(measures_table({"accuracy": 1.0})), "accuracy") == ["accuracy", "1.0000"]


def test_confusion_matrix():
    text = lines(confusion_table(CATS))
    assert row(text, "[bold]cat[/bold]") == ["[bold]cat[/bold]", "8", "2", "10"]
    assert row(text, "total") == ["total", "8", "2", "10"]
    assert text[-1].strip() == "accuracy 0.8000, error rate 0.2000, 10 samples."


def test_ten_classes_fit_a_terminal():
    # Ten classes of 1000 samples, as in MNIST's test set.
    matrix = np.full((10, 10), 3) + np.eye(10, dtype=int) * 970
    text = lines(confusion_table(Confusion(matrix)))
    assert row(text, "3 ") == ["3", *["3"] * 3, "973", *["3"] * 6, "1000"]
    assert row(text, "total") == ["total", *["1000"] * 10, "10000"]


@pytest.mark.parametrize("size", [2, 8, 9, 10, 11, 12, 13, 20])
@pytest.mark.parametrize("count", [1, 1000, 100000])
def test_no_number_is_ever_cut(size, count):
    c = Confusion(np.full((size, size), count))
    text = lines(confusion_table(c), width=80)
    assert not any("…" in line for line in text)
    assert any(str(count) in line.split() for line in text)


def test_many_classes_list_the_mistakes():
    matrix = np.eye(30, dtype=int) * 50
    matrix[4, 7] = 9
    matrix[2, 1] = 3
    text = lines(confusion_table(Confusion(matrix)))
    assert "The 2 most frequent mistakes" in text[0]
    assert [line.split() for line in text[-3:-1]] == [["4", "7", "9"], ["2", "1", "3"]]


def test_measures_per_class():
    text = lines(class_table(CATS))
    # TP 8, FN 2, FP 0 of the only class with samples: F1 = 16/18
    assert row(text, "[bold]cat") == ["[bold]cat[/bold]", "10", "0.8000", "1.0000", "0.8889", "0.8000"]
    assert row(text, "macro mean") == ["macro", "mean", "10", "0.4000", "0.5000", "0.4444"]
    assert any("'dog'" in line for line in text)


@pytest.mark.parametrize("folds", [1, 3])
def test_cross_validation(folds):
    result = CrossValidation(tuple({"r2": 0.5 + 0.1 * k} for k in range(folds)), ("a note",))
    text = lines(cross_validation_table(result))
    expected = {1: ["0.5000", "nan", "0.5000", "0.5000"], 3: ["0.6000", "0.1000", "0.5000", "0.7000"]}
    assert row(text, "r2") == ["r2", *expected[folds]]
    assert text[-1].strip() == "a note"
