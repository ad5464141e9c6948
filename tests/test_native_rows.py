"""Epochs that run as one row of steps: the same bits, the same history and the same errors as one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.errors import NonFiniteError
from chainrule.execute import native
from chainrule.nn import BatchNorm, Dense, Dropout, Network
from chainrule.train import Callback, Model, Settings, Trainer, steps

RNG = np.random.default_rng(3)
N = 50
X = RNG.normal(size=(N, 4))
y = RNG.integers(0, 3, N)
WEIGHTS = RNG.uniform(0.5, 2, N)
NETWORK = Network(4, (Dense(8, "relu"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")))
EXECUTORS = ["reference", *(["native"] if native.available() else [])]


class Listens(Callback):
    """Hears the end of every epoch, so that each is a row of its own."""

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Any) -> None:
        pass


class Watches(Callback):
    """Notes where progress is told, and may stop there."""

    def __init__(self, stop: Callable[[int, int], bool] = lambda epoch, batch: False) -> None:
        self.places: list[tuple[int, int]] = []
        self.stop = stop

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        self.places.append((epoch, batch))
        if self.stop(epoch, batch):
            trainer.stop = "enough"


def trainer(*callbacks: Callback, scale: float = 1.0, weights: Any = None, **settings: Any) -> Trainer:
    model = Model(NETWORK, labels=True, dtype=np.float32, seed=1, weighted=weights is not None)
    chosen = Settings(**{"epochs": 7, "batch_size": 8, "threads": 1, **settings})
    return Trainer(model, model.samples(X * scale, y, weights), settings=chosen, callbacks=callbacks)


def rows(t: Trainer) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if k != "seconds"} for r in t.history.rows]


@pytest.fixture(params=EXECUTORS, autouse=True)
def _executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", request.param)


@pytest.mark.parametrize("batch", [1, 8, 10, 49, 50])  # with and without samples left over
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step:2:0.5"])
def test_many_epochs_are_the_same_bits_as_one_by_one(batch: int, schedule: str) -> None:
    together = trainer(batch_size=batch, schedule=schedule, weights=WEIGHTS)
    apart = trainer(Listens(), batch_size=batch, schedule=schedule, weights=WEIGHTS)
    assert (together._together(), apart._together()) == (7, 1)
    together.run()
    apart.run()
    assert rows(together) == rows(apart)
    assert [r["epoch"] for r in together.history.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert together.model.theta.tobytes() == apart.model.theta.tobytes()
    assert together.step == apart.step == 7 * -(-N // batch)
    for n, value in together.model.state.items():
        assert value.tobytes() == apart.model.state[n].tobytes()


def test_a_row_cut_at_every_step_is_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, watch = trainer(), Watches()
    whole.run()
    monkeypatch.setattr(steps, "BUDGET", 0.0)
    cut = trainer(watch)
    cut.run()
    assert watch.places == [(e, b) for e in range(1, 8) for b in range(1, 8)]
    assert rows(cut) == rows(whole)
    assert cut.model.theta.tobytes() == whole.model.theta.tobytes()


@pytest.mark.parametrize("place", [(2, 3), (2, 7), (7, 7), (1, 1)])
def test_a_stop_between_rows_keeps_what_was_done_and_goes_on(
    place: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trainer()
    whole.run()
    monkeypatch.setattr(steps, "BUDGET", 0.0)
    stopped = trainer(Watches(lambda e, b: (e, b) == place))
    stopped.run()
    ended = place[0] if place[1] == 7 else place[0] - 1
    assert rows(stopped) == rows(whole)[:ended]
    assert (stopped.epoch, stopped.batch) == (ended + 1, place[1] % 7)
    tensors, content = stopped.snapshot()
    monkeypatch.setattr(steps, "BUDGET", 0.05)
    other = trainer()
    other.restore(tensors, content)
    other.run()
    assert rows(other) == rows(whole)
    assert other.model.theta.tobytes() == whole.model.theta.tobytes()


def test_the_seconds_of_the_epochs_are_those_of_the_run() -> None:
    t = trainer(epochs=20)
    t.run()
    seconds = [r["seconds"] for r in t.history.rows]
    assert all(s > 0 for s in seconds)
    assert sum(seconds) < 60


@pytest.mark.parametrize("batch", [8, 10])
def test_a_value_that_is_not_finite_is_found_in_its_epoch(batch: int) -> None:
    found = []
    for listeners in ((), (Listens(),)):
        t = trainer(*listeners, batch_size=batch, scale=1e3, optimizer="sgd", learning_rate=1e7)
        with pytest.raises(NonFiniteError) as error:
            t.run()
        found.append((str(error.value), t.epoch, t.batch, t.step, rows(t), t.model.theta.tobytes()))
        assert np.isfinite(t.model.theta).all()
    assert found[0] == found[1]


def test_steps_that_may_overflow_are_tried_in_any_epoch() -> None:
    found = []
    for listeners in ((), (Listens(),)):  # above a rate of 10 every step is made on trial
        t = trainer(*listeners, optimizer="sgd", learning_rate=11.0, clip_norm=1e-3)
        t.run()
        found.append((rows(t), t.step, t.model.theta.tobytes()))
    assert found[0] == found[1]
    assert found[0][1] == 49


def test_an_epoch_is_a_row_of_its_own_where_somebody_decides() -> None:
    plateau = trainer(schedule="reduce_on_plateau")
    assert plateau._together() == 1
    held = trainer()
    held.validation = held.samples
    assert held._together() == 1
    many = trainer(epochs=10**6)
    assert 1 < many._together() * N <= 2**14
