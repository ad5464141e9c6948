"""Threads inside one training: chosen by measuring, and never changing a bit."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.execute import native
from chainrule.train import Model, Settings, fit
from chainrule.train.threads import Threads

needs_native = pytest.mark.skipif(not native.available(), reason="the native executor was not built")


def told(threads: Threads, seconds: dict[int, float]) -> int:
    """Let every row of steps take as long as `seconds` says; return what is chosen and how many rows it took."""
    for _ in range(100):
        if threads.chosen is not None:
            return threads.chosen
        assert threads.steps is not None
        threads.report(threads.steps, threads.steps * seconds[threads.current])
    raise AssertionError("no choice was made")


def test_the_faster_number_is_chosen() -> None:
    assert told(Threads(), {1: 1e-3, Threads().most: 6e-4}) == Threads().most
    assert told(Threads(), {1: 1e-3, Threads().most: 9.9e-4}) == 1 or Threads().most == 1
    assert told(Threads(), {1: 1e-3, Threads().most: 3e-3}) == 1 or Threads().most == 1


def test_small_steps_are_not_shared() -> None:
    assert told(Threads(), {1: 1e-5, Threads().most: 1e-6}) == 1 or Threads().most == 1


def test_a_number_given_is_taken_without_measuring() -> None:
    assert Threads(3).current == 3
    assert Threads(3).steps is None


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("network", ["20-300:relu:batchnorm:dropout=0.2-200:tanh-4:softmax", "20-40:gelu-4:softmax"])
def test_any_number_of_threads_gives_the_same_bits(network: str, dtype: type) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2048, 20)), rng.integers(0, 4, 2048)
    found = set()
    for threads in (1, 2, 3, 5, None):
        model = Model(network, labels=True, dtype=dtype)
        fit(model, model.samples(X, y), None, Settings(epochs=2, batch_size=1000, threads=threads, clip_norm=1.0))
        found.add(model.theta.tobytes())
    assert len(found) == 1
