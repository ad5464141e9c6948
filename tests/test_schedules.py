"""Schedules: values worked by hand, scikit-learn's invscaling, exact state, the string form."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import _stochastic_optimizers as sk

from chainrule.errors import ConfigurationError, UnknownNameError
from chainrule.train.schedules import SCHEDULES, Cosine, OneCycle, ReduceOnPlateau, Schedule, Step, schedule


def rates(spec, epochs, *, learning_rate=1.0):
    found = schedule(spec, learning_rate)
    return [found.rate(p, epochs) for p in range(epochs)]


def test_hand_worked():
    assert rates("constant", 3, learning_rate=0.3) == [0.3] * 3
    assert rates("step:2:0.5", 6, learning_rate=8) == [8, 8, 4, 4, 2, 2]
    assert rates("exponential:0.5", 4) == [1, 0.5, 0.25, 0.125]
    assert rates("inverse_scaling:0.5", 4) == pytest.approx([1, 1 / math.sqrt(2), 1 / math.sqrt(3), 0.5])
    assert rates("inverse_scaling:1:2", 3) == pytest.approx([1, 1 / 3, 1 / 5])
    assert rates("cosine", 4) == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])
    assert rates("cosine:2:0.1", 6) == pytest.approx(
        [1 / 3, 2 / 3, 1, 0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2, 0.55, 0.1 + 0.9 * (1 - math.sqrt(0.5)) / 2]
    )
    # Up over 2 of 6 epochs from 0.2, then down to 0.1 over 4.
    root = math.sqrt(0.5)
    assert rates(OneCycle(rise=1 / 3, start=0.2, end=0.1), 6) == pytest.approx(
        [0.2, 0.6, 1, 0.1 + 0.9 * (1 + root) / 2, 0.55, 0.1 + 0.9 * (1 - root) / 2]
    )


def test_inverse_scaling_is_that_of_scikit_learn():
    n = 150
    theirs = sk.SGDOptimizer([np.zeros(1)], 0.2, "invscaling", power_t=0.4)
    ours = schedule(f"inverse_scaling:0.4:{n}", 0.2)
    for epoch in range(5):
        assert ours.rate(epoch, 5) == pytest.approx(theirs.learning_rate, rel=1e-14)
        theirs.iteration_ends((epoch + 1) * n)


def test_within_an_epoch():
    assert schedule("cosine").rate(1.75, 4) == schedule("cosine").rate(1, 4)
    fine = schedule("cosine", per_step=True)
    assert fine.rate(1.5, 3) == pytest.approx(0.5)
    assert fine.rate(3, 3) == pytest.approx(0, abs=1e-16)
    assert schedule("exponential:0.25", per_step=True).rate(0.5, 3) == 0.5
    assert schedule("step:2:0.5", per_step=True).rate(3.99, 9) == 0.5
    warm = Cosine(warmup=3, per_step=True)
    assert warm.rate(0, 9) == 0.25
    assert warm.rate(0.5, 9) == 0.375
    one = OneCycle(learning_rate=2, per_step=True)
    assert one.rate(0, 10) == pytest.approx(0.08)
    assert one.rate(3, 10) == pytest.approx(2)
    assert one.rate(10, 10) == pytest.approx(8e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["constant", "step:3", "exponential", "inverse_scaling", "cosine:2:0.01", "one_cycle"]),
    st.floats(0, 1),
    st.integers(3, 50),
    st.floats(1e-6, 10),
)
def test_rates_stay_within_the_full_rate(spec, part, epochs, learning_rate):
    found = schedule(spec, learning_rate, per_step=True)
    assert 0 < found.rate(part * epochs, epochs) <= learning_rate * (1 + 1e-12)


def test_reduce_on_plateau():
    found = schedule("reduce_on_plateau:0.5:2:0.1:0.2", 8)
    # value -> rate of the next epoch; improvements must exceed 0.1, two poor epochs halve, never below 0.2 · 8.
    story = [(5, 8), (4, 8), (3.95, 8), (3.92, 4), (3.85, 4), (3, 4), (math.nan, 4), (3, 2), (9, 2), (9, 1.6), (9, 1.6)]
    for epoch, (value, after) in enumerate(story):
        found.report(epoch, value)
        assert found.rate(epoch + 1, 99) == pytest.approx(after), epoch

    higher = schedule(ReduceOnPlateau(factor=0.5, patience=1, mode="max"))
    for epoch, (value, after) in enumerate([(math.nan, 0.5), (0.6, 0.5), (0.7, 0.5), (0.65, 0.25)]):
        higher.report(epoch, value)
        assert higher.rate(epoch + 1, 9) == after


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30), st.data())
def test_state_through_json_continues_exactly(values, data):
    cut = data.draw(st.integers(0, len(values)))
    whole, first = (schedule("reduce_on_plateau:0.3:2", 0.1) for _ in range(2))
    for epoch, value in enumerate(values):
        whole.report(epoch, value)
        if epoch < cut:
            first.report(epoch, value)
    second = schedule("reduce_on_plateau:0.3:2", 0.1)
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    for epoch in range(cut, len(values)):
        second.report(epoch, values[epoch])
    assert second.state() == whole.state()
    assert second.rate(len(values), 99) == whole.rate(len(values), 99)


def test_copies_begin_without_memory():
    used = schedule("reduce_on_plateau:0.5:1", 2)
    for epoch in range(4):
        used.report(epoch, 1.0)
    assert used.rate(4, 9) == 0.25
    fresh = schedule(used)
    assert fresh.rate(4, 9) == 2
    assert schedule(used, 3).rate(4, 9) == 3
    assert schedule(Step(every=1, learning_rate=7, per_step=True)) == Step(every=1, learning_rate=7, per_step=True)


def test_function_of_the_epoch():
    found = schedule(lambda epoch: 0.1 / (1 + epoch), 5.0)
    assert [found.rate(p, 9) for p in (0, 0.9, 3)] == [0.1, 0.1, 0.025]
    assert schedule(lambda p: p, per_step=True).rate(2.5, 9) == 2.5
    for bad in (-0.1, math.nan, math.inf):
        with pytest.raises(ConfigurationError, match=f"learning rate {bad} at epoch 2"):
            schedule(lambda epoch, bad=bad: bad).rate(2, 9)


def test_state_of_another_schedule_is_refused():
    assert schedule("cosine").state() == {}
    schedule("cosine").restore({})
    good = schedule("reduce_on_plateau").state()
    with pytest.raises(ConfigurationError, match="schedule cosine: expected a state with nothing, received best"):
        schedule("cosine").restore(good)
    for bad in ({}, {**good, "waited": -1}, {**good, "waited": 1.5}, {**good, "share": None}, {**good, "best": "x"}):
        with pytest.raises(ConfigurationError, match="reduce_on_plateau"):
            schedule("reduce_on_plateau").restore(bad)


def test_string_form():
    assert schedule("step: 3 :0.25") == Step(every=3, factor=0.25)
    assert schedule("step:factor=0.25") == Step(factor=0.25)
    assert schedule("step:4:factor=0.25") == Step(every=4, factor=0.25)
    assert schedule("cosine:final=0.1:warmup=2") == Cosine(warmup=2, final=0.1)
    for name, cls in SCHEDULES.items():
        found = schedule(name)
        assert type(found) is cls
        assert isinstance(found, Schedule)
        assert str(found).split(":")[0] == name
        assert schedule(str(found)) == found
    assert str(Step(every=3, factor=0.1)) == "step:3:0.1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedule(0.1), "name, a Schedule or a function of the epoch, received 0.1"),
        (lambda: schedule("step:1:2:3"), "has 3 values: at most 2 fit, step:every:factor"),
        (lambda: schedule("step:ten"), r"every must be a whole number \(step:every:factor\), received 'ten'"),
        (lambda: schedule("step:1.5"), "every must be a whole number"),
        (lambda: schedule("exponential:fast"), "factor must be a number"),
        (lambda: schedule("exponential:"), "received ''"),
        (lambda: schedule("step:5:every=5"), "gives every twice"),
        (lambda: schedule("step:0"), "schedule step: every must be at least 1 epoch, received 0"),
        (lambda: schedule("exponential:nan"), r"factor must lie in \(0, 1\], received nan"),
        (lambda: schedule("exponential:1.5"), "received 1.5"),
        (lambda: schedule("inverse_scaling:inf"), "power must not be negative, received inf"),
        (lambda: schedule("cosine:-1"), "warmup must not be negative"),
        (lambda: schedule("cosine:5").rate(0, 5), "warmup must be shorter than the 5 epochs, received 5"),
        (lambda: schedule("one_cycle:1"), "rise must lie between 0 and 1, received 1.0"),
        (lambda: schedule("reduce_on_plateau:0.5:0"), "patience must be at least 1 epoch, received 0"),
        (lambda: schedule("constant", 0), "learning rate must be a positive number, received 0"),
        (lambda: schedule("constant", math.nan), "received nan"),
        (lambda: schedule("constant").rate(-1, 5), "progress >= 0 and at least 1 epoch, received -1 and 5"),
        (lambda: schedule("constant").rate(0, 0), "received 0 and 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown schedule 'cosin': did you mean 'cosine'"):
        schedule("cosin")
    with pytest.raises(UnknownNameError, match="value of schedule step 'evry': did you mean 'every'"):
        schedule("step:evry=3")
    with pytest.raises(UnknownNameError, match="mode"):
        ReduceOnPlateau(mode="smallest")
