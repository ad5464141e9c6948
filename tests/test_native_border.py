"""Training across the border between Python and native code: the numbers of the reference, nothing lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_native import FUSED, with_set

from chainrule.errors import NonFiniteError, ShapeError
from chainrule.execute import native, plan
from chainrule.execute.columns import side_by_side
from chainrule.graph import variable
from chainrule.nn import Activate, BatchNorm, Dense, Dropout, Network
from chainrule.ops import tanh
from chainrule.train import Callback, Model, Samples, Settings, Trainer, fit
from chainrule.train import steps as stepping

pytestmark = pytest.mark.skipif(not native.available(), reason="the native executor was not built")

RNG = np.random.default_rng(31)
N = 90
X = RNG.normal(size=(N, 5))
LABELS = (X[:, 0] + X[:, 1] ** 2 > 0.8).astype(np.int64) + (X[:, 2] > 0.5)
TARGETS = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]])
WEIGHTS = RNG.uniform(0.5, 2, N)
MIXED = Network(5, (Dense(8), BatchNorm(), Activate("relu"), Dropout(0.2), Dense(6, "tanh"), Dense(3, "softmax")))
DTYPES = [np.float64, np.float32]


def _labels(dtype: Any, seed: int = 1) -> tuple[Model, Samples]:
    model = Model(MIXED, labels=True, dtype=dtype, seed=seed)
    return model, model.samples(X, LABELS)


def _targets(dtype: Any) -> tuple[Model, Samples]:
    model = Model("5-7:gelu-4:elu-2", dtype=dtype, seed=2)
    return model, model.samples(X, TARGETS)


def _weighted(dtype: Any) -> tuple[Model, Samples]:
    model = Model("5-7:silu-3:softmax", labels=True, weighted=True, dtype=dtype, seed=3)
    return model, model.samples(X, LABELS, WEIGHTS)


def _binary(dtype: Any) -> tuple[Model, Samples]:
    model = Model("5-6:softplus-1:sigmoid", dtype=dtype, seed=4)
    return model, model.samples(X, (LABELS > 0).astype(float)[:, None])


CASES: dict[str, Callable[[Any], tuple[Model, Samples]]] = {
    "labels, batch norm, dropout": _labels,
    "targets": _targets,
    "weights": _weighted,
    "binary": _binary,
}


def train(make: Callable[[Any], tuple[Model, Samples]], dtype: Any, **settings: Any) -> Trainer:
    model, samples = make(dtype)
    trainer = Trainer(model, samples, samples, Settings(**{"epochs": 4, "batch_size": 16, **settings}))
    trainer.run()
    return trainer


def outcome(trainer: Trainer) -> dict[str, bytes]:
    """Every bit that training left: parameters, running statistics, optimizer state, history."""
    tensors, content = trainer.snapshot()
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in content["history"]]
    return {n: a.tobytes() for n, a in tensors.items()} | {"history": repr(rows).encode()}


# --- the same numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("case", CASES)
def test_training_follows_the_reference(case: str, optimizer: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "native")
    ours = train(CASES[case], dtype, optimizer=optimizer)
    assert isinstance(ours.model.bound("gradient", 16), native.NativeBound)
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "reference")
    wanted = train(CASES[case], dtype, optimizer=optimizer)
    assert not isinstance(wanted.model.bound("gradient", 16), native.NativeBound)
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    np.testing.assert_allclose(ours.model.predict(X), wanted.model.predict(X), rtol=tolerance, atol=tolerance)
    # A bias before a batch norm has gradient 0, and Adam blows up what rounding makes of it.
    if (dtype, optimizer) != (np.float32, "adam"):
        np.testing.assert_allclose(ours.model.theta, wanted.model.theta, rtol=tolerance, atol=tolerance)
        for name, value in wanted.model.state.items():
            np.testing.assert_allclose(ours.model.state[name], value, rtol=tolerance, atol=tolerance)
    for a, b in zip(ours.history.rows, wanted.history.rows, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=tolerance)
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=tolerance)
    assert ours.step == wanted.step
    np.testing.assert_array_equal(ours.update.count, wanted.update.count)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_gives_the_same_bits(case: str, dtype: Any) -> None:
    first, second = train(CASES[case], dtype), train(CASES[case], dtype)
    assert outcome(first) == outcome(second)
    assert outcome(train(CASES[case], dtype, seed=9)) != outcome(first)


@pytest.mark.skipif(len(FUSED) < 2, reason="this machine has one instruction set with fused multiply-adds")
@pytest.mark.parametrize("case", CASES)
def test_every_instruction_set_trains_to_the_same_bits(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in FUSED:
        with monkeypatch.context() as patch:
            with_set(patch, name)
            found.append(outcome(train(CASES[case], np.float32)))
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("case", CASES)
def test_how_often_native_code_returns_changes_nothing(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = outcome(train(CASES[case], np.float32))
    monkeypatch.setattr(stepping, "BUDGET", 0.0)
    assert outcome(train(CASES[case], np.float32)) == wanted


# --- interruption ---------------------------------------------------------------------------------------------------


class _Stop(Callback):
    """Stops where native code returns, after about so many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
        if trainer.step >= self.after:
            trainer.stop = "enough"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("after", [1, 4, 5, 8, 17])  # an epoch has six steps, the last of them smaller
@pytest.mark.parametrize("case", CASES)
def test_a_run_resumed_within_an_epoch_has_the_bits_of_one_that_was_not_interrupted(
    case: str, after: int, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(epochs=4, batch_size=16)
    wanted = outcome(train(CASES[case], dtype))
    monkeypatch.setattr(stepping, "BUDGET", 0.0)  # native code returns after every step
    model, samples = CASES[case](dtype)
    first = Trainer(model, samples, samples, settings, callbacks=[_Stop(after)])
    first.run()
    assert after <= first.step <= after + 1
    tensors, content = first.snapshot()
    monkeypatch.undo()
    model, samples = CASES[case](dtype)
    model.theta += 1  # everything comes from the snapshot
    second = Trainer(model, samples, samples, settings)
    second.restore(tensors, content)
    second.run()
    assert outcome(second) == wanted


def test_progress_is_told_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Told(Callback):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int]] = []

        def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
            self.seen.append((epoch, batch))

    model, samples = _labels(np.float32)
    monkeypatch.setattr(stepping, "BUDGET", 0.0)
    told = Told()
    fit(model, samples, settings=Settings(epochs=2, batch_size=16), callbacks=[told])
    assert told.seen == [(e, b) for e in (1, 2) for b in range(1, 7)]


class _Long:
    """One epoch of many small steps: far longer than the time after which native code returns."""

    count = 300_000

    def __init__(self) -> None:
        self.model = Model("2-16:tanh-16:tanh-1", dtype=np.float32)
        x = np.random.default_rng(0).normal(size=(self.count, 2)).astype(np.float32)
        self.samples = self.model.samples(x, x[:, :1])

    def trainer(self, callback: Callback) -> Trainer:
        settings = Settings(epochs=1, batch_size=1, optimizer="sgd", learning_rate=1e-6)
        return Trainer(self.model, self.samples, None, settings, callbacks=[callback])


def test_a_stop_flag_is_seen_within_a_long_epoch() -> None:
    class Enough(Callback):
        def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
            trainer.stop = "enough"

    trainer = _Long().trainer(Enough())
    trainer.run()
    assert 0 < trainer.step < _Long.count
    assert trainer.batch == trainer.step == trainer.update.count[0, 0]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
def test_ctrl_c_is_served_within_a_long_epoch() -> None:
    class Press(Callback):
        def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()

    trainer = _Long().trainer(Press())
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert 0 < trainer.update.count[0, 0] < _Long.count
    assert np.isfinite(trainer.model.theta).all()


# --- what is not finite ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_guard_keeps_the_last_finite_parameters_and_statistics(dtype: Any, value: float) -> None:
    settings = Settings(epochs=1, batch_size=16, shuffle=False)
    model, samples = _labels(dtype)
    planted = samples.X.copy()
    planted[3 * 16 + 5, 2] = value  # in the fourth batch
    trainer = Trainer(model, Samples(planted, samples.targets), None, settings)
    with pytest.raises(NonFiniteError, match=r"step 4 \(epoch 1\): A\[0\]"):
        trainer.run()
    assert trainer.step == 3
    clean, others = _labels(dtype)
    wanted = Trainer(clean, others.take(np.arange(3 * 16)), None, settings)
    wanted.run()
    assert model.theta.tobytes() == clean.theta.tobytes()
    assert model.state.keys() == clean.state.keys() != set()
    for name, kept in clean.state.items():
        assert model.state[name].tobytes() == kept.tobytes(), name
    for name, kept in wanted.update.state.items():
        assert trainer.update.state[name].tobytes() == kept.tobytes(), name
    np.testing.assert_array_equal(trainer.update.count, wanted.update.count)


def test_a_step_that_may_overflow_ends_as_on_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for name in ("native", "reference"):
        monkeypatch.setenv("CHAINRULE_EXECUTOR", name)
        model = Model("5-4-2", dtype=np.float32, seed=0)
        samples = model.samples(X, TARGETS)
        trainer = Trainer(model, samples, None, Settings(epochs=50, batch_size=16, optimizer="sgd", learning_rate=1e6))
        with pytest.raises(NonFiniteError) as caught:
            trainer.run()
        assert np.isfinite(model.theta).all()
        said.append((trainer.step, str(caught.value)))
    assert said[0] == said[1]


# --- labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", [3, -1, 2**40, -(2**63)])
def test_a_label_out_of_range_ends_training(wrong: int, dtype: Any) -> None:
    """`samples` refuses such labels; what gets past it is refused at the border, and no memory beside is touched."""
    model, samples = _labels(dtype)
    bad = samples.targets.copy()
    bad.flat[40] = wrong
    before = model.theta.copy()
    with pytest.raises(IndexError, match="label"):
        fit(model, Samples(samples.X, bad), settings=Settings(epochs=1, batch_size=N))
    np.testing.assert_array_equal(model.theta, before)


# --- threads --------------------------------------------------------------------------------------------------------


def _side_by_side(works: list[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(w,)) for w in works]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors


def test_networks_in_threads_of_their_own_train_as_if_alone() -> None:
    """K trainings over one shared, read-only X: the bits of each training alone."""
    seeds = range(4)
    settings = Settings(epochs=3, batch_size=16)
    alone, together = {}, {}
    for seed in seeds:
        model, samples = _labels(np.float32, seed)
        alone[seed] = Trainer(model, samples, samples, settings)
        alone[seed].run()
        model = Model(MIXED, labels=True, dtype=np.float32, seed=seed)
        together[seed] = Trainer(model, samples, samples, settings)
    _side_by_side([together[seed].run for seed in seeds])  # type: ignore[list-item]
    for seed in seeds:
        assert outcome(together[seed]) == outcome(alone[seed])


def test_tasks_of_two_threads_do_not_meet() -> None:
    a = variable("A", 40, "m")
    program = plan({"B": tanh(a @ a.T) @ a}, inputs=["A"])
    inputs = [np.random.default_rng(k).normal(size=(40, 60)) for k in range(2)]
    tasks = [native.NativeBound(program, {"m": 60}, np.float64, {}) for _ in inputs]
    wanted = [task.run({"A": x})["B"].copy() for task, x in zip(tasks, inputs, strict=True)]

    def work(k: int) -> None:
        for _ in range(50):
            tasks[k].run({"A": inputs[k]})
            np.testing.assert_array_equal(tasks[k].results["B"], wanted[k])

    _side_by_side([lambda k=k: work(k) for k in range(2)])  # type: ignore[misc]


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_of_threads_computes_the_same_bits(dtype: Any) -> None:
    """Shapes around which work is cut into pieces: products, point-wise code, reductions, random masks."""
    network = Network(
        150, (Dense(310), BatchNorm(), Activate("tanh"), Dropout(0.3), Dense(130, "gelu"), Dense(11, "softmax"))
    )
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(300, 150)), rng.integers(0, 11, 300)
    model = Model(network, labels=True, dtype=dtype, seed=0)
    samples = model.samples(x, y)
    task = model.bound("gradient", len(samples))
    arrays = model.arrays(samples, model.gradient_program)
    found = []
    for threads in (1, 2, 3, 5):
        task.task.set_pool(native._module().Pool(threads))  # type: ignore[attr-defined]
        for _ in range(3):
            task.call(*arrays)
            found.append((model.grad.tobytes(), task.results["J"].tobytes()))
            for name, (_, value) in model.prediction.state.items():
                model.state[name][...] = value
    assert all(f == found[0] for f in found)


# --- prediction -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 2, 4095, 4096, 4097, 9000])
def test_prediction_of_any_number_of_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(rows).normal(size=(rows, 10))[:, ::2]
    model, _ = _labels(np.float64)
    got = model.predict(x)
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "reference")
    wanted = _labels(np.float64)[0].predict(x)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


COLUMNS = [(1, 1), (17, 33), (1024, 16), (2000, 40), (1023, 5), (15, 40), (1040, 31), (3, 0), (0, 7)]


@pytest.mark.parametrize("isa", native.instruction_sets() or [""])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "width"), COLUMNS)
def test_columns_side_by_side(isa: str, dtype: type, rows: int, width: int) -> None:
    rng = np.random.default_rng(rows)
    columns = [rng.standard_normal(rows + 1).astype(dtype)[1:] for _ in range(width)]  # not at a cache line's begin
    around = np.full(rows * width + 2, 7, dtype)
    X = around[1:-1].reshape(rows, width)
    side_by_side(columns, X, isa)
    for j, column in enumerate(columns):
        assert np.array_equal(X[:, j], column)
    assert around[0] == around[-1] == 7


def test_columns_of_other_types_and_with_gaps() -> None:
    columns = [np.arange(5), np.arange(10.0)[::2], np.array([True, False, True, True, False])]
    X = np.empty((5, 3), np.float32)
    side_by_side(columns, X)
    assert X.tolist() == [[0, 0, 1], [1, 2, 0], [2, 4, 1], [3, 6, 1], [4, 8, 0]]


@pytest.mark.parametrize("shape", [(4, 2), (5, 3), (5,), (5, 2, 1)])
def test_columns_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="2 columns"):
        side_by_side([np.zeros(5), np.ones(5)], np.empty(shape))
    with pytest.raises(ShapeError, match="2 columns"):
        side_by_side([np.zeros(5), np.ones(4)], np.empty((5, 2)))
