"""Reading of learning curves whose verdict is known by construction."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.evaluate import overfitting

EPOCHS = np.arange(1, 61)
FALLING = 2.0 * np.exp(-EPOCHS / 8)


def history(train, validation):
    return {"loss": list(train), "val_loss": list(validation)}


def test_overfitting_is_dated_after_the_best_epoch():
    validation = 0.3 + 0.0005 * (EPOCHS - 21.0) ** 2
    r = overfitting(history(FALLING, validation))
    assert r.kind == "overfitting"
    assert (r.best_epoch, r.since, r.epochs) == (21, 22, 60)
    assert r.verdict == "overfitting since epoch 22"
    assert r.gap_at_best == pytest.approx(0.3 - FALLING[20])
    # The end is read as the median of the last 6 epochs.
    assert r.gap_at_end == pytest.approx(np.median(validation[-6:]) - np.median(FALLING[-6:]))
    assert "0.3 to" in r.reason


def test_overfitting_from_the_first_epoch():
    r = overfitting(history(FALLING, 0.5 + 0.05 * EPOCHS))
    assert r.verdict == "overfitting since epoch 2"


def test_settled_curves_are_good():
    r = overfitting(history(FALLING + 0.10, FALLING + 0.12))
    assert r.kind == "good"
    assert "wide gap" not in r.reason


def test_settled_with_wide_gap_says_so():
    r = overfitting(history(FALLING + 0.01, FALLING + 0.5))
    assert r.kind == "good"
    assert "wide gap" in r.reason


def test_falling_curves_are_still_improving():
    slow = 2.0 * np.exp(-EPOCHS / 50)
    r = overfitting(history(slow, slow + 0.1))
    assert r.kind == "underfit/still improving"
    assert "train longer" in r.reason


def test_flat_curves_are_underfit():
    r = overfitting(history(np.full(60, 0.69), np.full(60, 0.70)))
    assert r.kind == "underfit/still improving"
    assert "hardly learned" in r.reason


def test_divergence_is_not_called_overfitting():
    rising = 0.3 + 0.01 * EPOCHS
    r = overfitting(history(rising, rising + 0.1))
    assert r.kind == "cannot tell"
    assert "learning rate" in r.reason


@pytest.mark.parametrize("seed", range(10))
def test_noise_on_settled_curves_is_not_overfitting(seed):
    rng = np.random.default_rng(seed)
    noisy = FALLING + 0.5 + 0.02 * rng.standard_normal(60)
    assert overfitting(history(FALLING + 0.45, noisy)).kind == "good"


@pytest.mark.parametrize("seed", range(10))
def test_overfitting_is_seen_through_noise(seed):
    rng = np.random.default_rng(seed)
    noisy = 0.3 + 0.0005 * (EPOCHS - 21.0) ** 2 + 0.02 * rng.standard_normal(60)
    r = overfitting(history(FALLING, noisy))
    assert r.kind == "overfitting"
    assert 10 <= r.since <= 33


def test_one_bad_last_epoch_decides_nothing():
    validation = FALLING + 0.12
    validation[-1] = 3.0
    assert overfitting(history(FALLING + 0.1, validation)).kind == "good"


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1e6))
def test_verdict_does_not_depend_on_the_unit_of_the_loss(scale):
    validation = 0.3 + 0.0005 * (EPOCHS - 21.0) ** 2
    assert overfitting(history(scale * FALLING, scale * validation)).verdict == "overfitting since epoch 22"
    assert overfitting(history(scale * (FALLING + 0.1), scale * (FALLING + 0.12))).kind == "good"


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ({"loss": [1.0] * 9}, "no validation loss"),
        (history([1, 0.5, 0.4, 0.3], [1, 0.5, 0.6, 0.7]), "4 epochs are too few"),
        (history([1.0] * 9, [1.0] * 4 + [float("nan")] * 5), "validation loss of epoch 5 is nan"),
        (history([1.0] * 8 + [float("inf")], [1.0] * 9), "training loss of epoch 9 is inf"),
    ],
)
def test_cannot_tell(curves, words):
    r = overfitting(curves)
    assert r.verdict == "cannot tell"
    assert words in r.reason
    assert r.since is None


def test_json_and_text():
    r = overfitting(history(FALLING, 0.5 + 0.05 * EPOCHS))
    assert json.loads(json.dumps(r.to_json()))["since"] == 2
    assert str(r).startswith("overfitting since epoch 2: after epoch 1 the validation loss rose")


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ({}, "no 'loss'"),
        (history([1.0] * 9, [1.0] * 8), "9 epochs and val_loss 8"),
        (history(["x"] * 9, [1.0] * 9), "numbers"),
        ({"loss": []}, "one number per epoch"),
    ],
)
def test_bad_histories(curves, words):
    with pytest.raises(DataError, match=words):
        overfitting(curves)
