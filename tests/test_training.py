"""Training: the same bits for the same seed, resuming, optimizers by hand, stopping, divergence, sample weights."""

from __future__ import annotations

import copy
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier

import chainrule.ops as o
from chainrule.errors import ChainruleError, ConfigurationError, DataError, ModelFileError, NonFiniteError
from chainrule.files import CheckpointFolder, load_bundle, save_bundle
from chainrule.nn import Activate, BatchNorm, Dense, Dropout, Network
from chainrule.train import (
    OPTIMIZERS,
    Callback,
    EarlyStopping,
    History,
    Model,
    Samples,
    Settings,
    Trainer,
    fit,
    fit_full_batch,
    schedule,
)

RNG = np.random.default_rng(11)
N = 50
X = RNG.normal(size=(N, 4))
CENTRES = RNG.normal(scale=3, size=(3, 4))
y = RNG.integers(0, 3, N)
X = X + CENTRES[y]
T = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] * 0.5])
NETWORK = Network(4, (Dense(8), BatchNorm(), Activate("relu"), Dropout(0.2), Dense(6, "tanh"), Dense(3, "softmax")))


def classifier(dtype: Any = np.float64, seed: int = 1, network: Any = NETWORK, **kind: Any) -> Model:
    return Model(network, labels=True, dtype=dtype, seed=seed, **kind)


def trainer(
    model: Model, *, weights: Any = None, validate: bool = False, callbacks: Any = (), **settings: Any
) -> Trainer:
    chosen = {"epochs": 3, "batch_size": 8, **settings}
    samples = model.samples(X, y, weights)
    half = model.samples(X[::2] + 0.3, y[::2]) if validate else None
    return Trainer(model, samples, half, Settings(**chosen), callbacks=callbacks)


def rows(history: History) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if k != "seconds"} for r in history.rows]


class At(Callback):
    """Does something after given steps."""

    def __init__(self, steps: Any, action: Any) -> None:
        self.steps, self.action = steps, action

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        if step in self.steps:
            self.action(trainer)


class Thetas(Callback):
    """Parameters after every epoch."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Any) -> None:
        self.kept.append(trainer.model.theta.copy())


# --- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_bits(dtype: Any) -> None:
    first, second = (trainer(classifier(dtype), seed=5, validate=True) for _ in range(2))
    assert rows(first.run()) == rows(second.run())
    assert first.model.theta.dtype == dtype
    assert first.model.theta.tobytes() == second.model.theta.tobytes()
    for n in first.model.state:
        assert first.model.state[n].tobytes() == second.model.state[n].tobytes()
    assert first.model.predict(X).tobytes() == second.model.predict(X).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_another_seed_gives_other_bits(dtype: Any) -> None:
    base = trainer(classifier(dtype), seed=5)
    base.run()
    for other in (trainer(classifier(dtype), seed=6), trainer(classifier(dtype, seed=2), seed=5)):
        other.run()
        assert (other.model.theta != base.model.theta).mean() > 0.9


def test_the_seed_orders_the_samples_and_drops_the_units() -> None:
    plain = Network.parse("4-5:tanh-3:softmax")
    thetas = []
    for network, shuffle, seed in ((plain, True, 1), (plain, True, 2), (NETWORK, False, 1), (NETWORK, False, 2)):
        t = trainer(classifier(network=network), shuffle=shuffle, seed=seed)
        t.run()
        thetas.append(t.model.theta)
    assert not np.array_equal(thetas[0], thetas[1])  # the order alone
    assert not np.array_equal(thetas[2], thetas[3])  # the masks alone
    same = [trainer(classifier(network=plain), shuffle=False, seed=s) for s in (1, 2)]
    for t in same:
        t.run()
    assert same[0].model.theta.tobytes() == same[1].model.theta.tobytes()  # nothing random is left


def test_another_model_in_between_changes_nothing() -> None:
    alone = trainer(classifier())
    alone.run()
    beside = trainer(classifier(), callbacks=[At({3, 7}, lambda t: trainer(classifier(seed=9), epochs=1).run())])
    beside.run()
    assert alone.model.theta.tobytes() == beside.model.theta.tobytes()


def test_watching_changes_nothing() -> None:
    alone, watched = trainer(classifier()), trainer(classifier(), validate=True)
    alone.run()
    samples = watched.samples
    watched.callbacks.append(At(range(20), lambda t: (t.model.predict(X), t.model.gradient(samples), t.snapshot())))
    watched.run()
    assert alone.model.theta.tobytes() == watched.model.theta.tobytes()


# --- batches ---------------------------------------------------------------------------------------------------------


def batches_of(t: Trainer) -> list[list[Any]]:
    """Sample numbers in the batches of each epoch, as the rows of steps were given them."""
    seen: list[list[Any]] = []
    given = t.steps.advance

    def spy(rows: Any, place: int, rates: Any, sums: Any) -> Any:
        did, at = given(rows, place, rates, sums), 0
        for _ in range(did.done):
            if place == t.batches:
                place = 0
            if place == 0:
                seen.append([])
            seen[-1].append(list(rows[at : at + t.steps.size(place)]))
            at, place = at + t.steps.size(place), place + 1
        return did

    t.steps.advance = spy  # type: ignore[method-assign]
    t.run()
    return seen


def test_every_epoch_sees_every_sample_once_in_a_new_order() -> None:
    t = trainer(classifier(), epochs=3, batch_size=8)
    epochs = batches_of(t)
    assert t.batches == 7
    for batches in epochs:
        assert [len(b) for b in batches] == [8] * 6 + [2]
        assert sorted(i for b in batches for i in b) == list(range(N))
    flat = [[i for b in batches for i in b] for batches in epochs]
    assert flat[0] != flat[1] != flat[2]
    assert t.step == 21


def test_without_shuffling_the_order_is_that_of_the_data() -> None:
    for batches in batches_of(trainer(classifier(), epochs=2, batch_size=16, shuffle=False)):
        assert [i for b in batches for i in b] == list(range(N))


@pytest.mark.parametrize(("batch_size", "wanted"), [(1, 1), (N, N), (N + 5, N), (None, 32)])
def test_batch_sizes(batch_size: int | None, wanted: int) -> None:
    t = trainer(classifier(network="4-3:softmax"), epochs=1, batch_size=batch_size)
    assert t.batch_size == wanted
    t.run()
    assert t.step == -(-N // wanted)


def test_the_order_within_a_full_batch_does_not_matter() -> None:
    model = classifier(network="4-6:tanh-3:softmax")
    p = RNG.permutation(N)
    J, gradient = model.gradient(model.samples(X, y))
    again, permuted = model.gradient(model.samples(X[p], y[p]))
    assert again == pytest.approx(J, rel=1e-13)
    for n in gradient:
        np.testing.assert_allclose(permuted[n], gradient[n], rtol=1e-10, atol=1e-14)


def test_the_mean_of_the_batches_weighs_a_partial_one_less() -> None:
    model = classifier(network="4-3:softmax")
    t = trainer(model, epochs=1, batch_size=16, shuffle=False, learning_rate=1e-300)
    wanted = model.loss(t.samples)  # the parameters do not move
    assert t.run()["loss"][0] == pytest.approx(wanted, rel=1e-12)


# --- resuming --------------------------------------------------------------------------------------------------------

RUNS: dict[str, dict[str, Any]] = {
    "adam": {},
    "momentum, step": {"optimizer": "momentum", "schedule": "step:1:0.5", "learning_rate": 0.05},
    "nesterov, one cycle by step": {"optimizer": "nesterov", "schedule": schedule("one_cycle", 0.05, per_step=True)},
    "adamw, cosine, clipped": {"optimizer": "adamw", "schedule": "cosine", "clip_norm": 0.5, "clip_value": 0.1},
    "plateau": {"schedule": "reduce_on_plateau:factor=0.5:patience=1:min_change=0.5", "learning_rate": 0.01},
    "early stopping": {"patience": 2, "learning_rate": 0.3, "min_change": 0.01},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("after", [0, 1, 10, 14, 17])
@pytest.mark.parametrize("run", RUNS)
def test_a_resumed_run_is_the_run_that_was_not_interrupted(tmp_path: Any, run: str, after: int, dtype: Any) -> None:
    """In the middle of an epoch, at its end, before the first step; through files, into a model with other numbers."""
    chosen = {"epochs": 6, "validate": True, **RUNS[run]}
    whole = trainer(classifier(dtype), **chosen)
    whole.run()
    folder = CheckpointFolder(tmp_path / "run")

    def save(t: Trainer) -> None:
        folder.save(t.step, *t.snapshot())

    broken = trainer(classifier(dtype), **chosen)
    if after == 0:
        save(broken)
    else:
        broken.callbacks.append(At({after}, lambda t: (save(t), setattr(t, "stop", "killed"))))
        broken.run()
        assert broken.step == after
    newest = folder.newest()
    assert newest is not None
    assert not newest.notes
    resumed = trainer(classifier(dtype, seed=77), **chosen)
    resumed.restore(newest.bundle.tensors, newest.bundle.content)
    assert resumed.step == after
    resumed.run()
    assert resumed.model.theta.tobytes() == whole.model.theta.tobytes()
    for n in whole.model.state:
        assert resumed.model.state[n].tobytes() == whole.model.state[n].tobytes()
    for n in whole.update.state:
        assert resumed.update.state[n].tobytes() == whole.update.state[n].tobytes()
    assert rows(resumed.history) == rows(whole.history)
    assert (resumed.step, resumed.epoch, resumed.stop) == (whole.step, whole.epoch, whole.stop)
    assert resumed.history.best_epoch == whole.history.best_epoch
    assert resumed.history.stopped_early == whole.history.stopped_early


def test_a_run_that_stopped_early_stays_stopped(tmp_path: Any) -> None:
    chosen = {"patience": 1, "epochs": 50, "learning_rate": 1.0, "validate": True}
    snapshots: list[Any] = []

    class Keep(Callback):
        def on_epoch_end(self, trainer: Trainer, epoch: int, row: Any) -> None:
            snapshots.append(trainer.snapshot())

    done = trainer(classifier(), callbacks=[Keep()], **chosen)
    done.run()
    assert done.stop is not None
    again = trainer(classifier(seed=9), **chosen)
    save_bundle(tmp_path / "c", *snapshots[-1], kind="checkpoint")
    bundle = load_bundle(tmp_path / "c", kind="checkpoint")
    again.restore(bundle.tensors, bundle.content)
    again.run()
    assert again.step == done.step
    assert again.model.theta.tobytes() == done.model.theta.tobytes()


def test_a_history_with_nan_is_saved(tmp_path: Any) -> None:
    model = classifier(network="4-3:softmax")
    measures = {"undefined": lambda t, p: float("nan"), "endless": lambda t, p: math.inf, "one": lambda t, p: 1.0}
    t = Trainer(model, model.samples(X, y), model.samples(X, y), Settings(epochs=2), measures=measures)
    t.run()
    save_bundle(tmp_path / "c", *t.snapshot(), kind="checkpoint")
    bundle = load_bundle(tmp_path / "c", kind="checkpoint")
    t.restore(bundle.tensors, bundle.content)
    assert np.isnan(t.history["val_undefined"]).all()
    assert np.isnan(t.history["val_endless"]).all()
    assert t.history["val_one"] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 9}, ["batch_size=8", "9"]),
        ({"seed": 4}, ["seed=0", "4"]),
        ({"optimizer": "sgd"}, ["optimizer=adam", "sgd"]),
        ({"optimizer": "momentum"}, ["optimizer=adam", "momentum"]),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change: dict[str, Any], words: list[str]) -> None:
    source = trainer(classifier(), epochs=1)
    source.run()
    other = trainer(classifier(), epochs=1, **change)
    before = other.model.theta.copy()
    with pytest.raises(ModelFileError) as e:
        other.restore(*source.snapshot())
    assert all(w in str(e.value) for w in words), str(e.value)
    np.testing.assert_array_equal(other.model.theta, before)


@pytest.mark.parametrize("model", [classifier(network="4-5:tanh-3:softmax"), classifier(np.float32)])
def test_a_checkpoint_of_another_network_or_type_is_refused(model: Model) -> None:
    source = trainer(classifier(), epochs=1)
    with pytest.raises(ModelFileError, match=r"theta of shape|state/"):
        trainer(model, epochs=1).restore(*source.snapshot())


# --- optimizers by hand ----------------------------------------------------------------------------------------------


def _sgd(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    return theta - lr * g


def _momentum(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    s["v"] = 0.9 * s.get("v", 0) - lr * g
    return theta + s["v"]


def _nesterov(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    s["v"] = 0.9 * s.get("v", 0) - lr * g
    return theta + 0.9 * s["v"] - lr * g


def _rmsprop(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g**2
    return theta - lr * g / (np.sqrt(s["s"]) + 1e-8)


def _adagrad(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    s["s"] = s.get("s", 0) + g**2
    return theta - lr * g / (np.sqrt(s["s"]) + 1e-10)


def _adam(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return theta - lr * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def _adamw(theta: Any, g: Any, s: dict[str, Any], lr: float, t: int, D: Any) -> Any:
    return _adam(theta - lr * 0.01 * D * theta, g, s, lr, t, D)


BY_HAND = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adam": _adam,
    "adamw": _adamw,
}
SMALL = Network(4, (Dense(5, "tanh", l2=0.1), Dense(3, "softmax")))


def logistic_gradient(theta: dict[str, Any], rows: Any) -> dict[str, Any]:
    """The gradient of the small network in NumPy, written by hand from the lecture's formulas."""
    A0, m = X[rows].T, len(rows)
    A1 = np.tanh(theta["W[1]"] @ A0 + theta["b[1]"])
    Z2 = theta["W[2]"] @ A1 + theta["b[2]"]
    E = np.exp(Z2 - Z2.max(0))
    dZ2 = (E / E.sum(0) - np.eye(3)[:, y[rows]]) / m
    dZ1 = theta["W[2]"].T @ dZ2 * (1 - A1**2)
    return {
        "W[1]": dZ1 @ A0.T + 0.1 * theta["W[1]"],
        "b[1]": dZ1.sum(1, keepdims=True),
        "W[2]": dZ2 @ A1.T,
        "b[2]": dZ2.sum(1, keepdims=True),
    }


def train_by_hand(name: str, t: Trainer, lr: Any, change: Any = lambda g: g) -> dict[str, Any]:
    theta = {n: v.copy() for n, v in t.model.parameters.items()}
    state: dict[str, dict[str, Any]] = {n: {} for n in theta}
    step = 0
    for epoch in range(t.settings.epochs):
        for start in range(0, N, t.batch_size):
            g = change(logistic_gradient(theta, np.arange(N)[start : start + t.batch_size]))
            step += 1
            rate = lr(epoch, start / N) if callable(lr) else lr
            for n in theta:
                decays = float(n.startswith("W"))
                theta[n] = BY_HAND[name](theta[n], g[n], state[n], rate, step, decays)
    return theta


def compare(t: Trainer, wanted: dict[str, Any], tolerance: float = 1e-9) -> None:
    for n, value in wanted.items():
        np.testing.assert_allclose(t.model.parameters[n], value, rtol=tolerance, atol=tolerance)


def test_every_optimizer_is_written_by_hand_here() -> None:
    assert BY_HAND.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("batch_size", [N, 16])
@pytest.mark.parametrize("name", BY_HAND)
def test_steps_of_every_optimizer_by_hand(name: str, batch_size: int, epochs: int) -> None:
    model = classifier(network=SMALL)
    t = trainer(model, optimizer=name, batch_size=batch_size, shuffle=False, learning_rate=0.02, epochs=epochs)
    wanted = train_by_hand(name, t, 0.02)
    t.run()
    compare(t, wanted)


def test_weight_decay_spares_biases_and_norms() -> None:
    model = classifier()
    model.theta[...] = 1.0
    names = {n for n in model.parameters if not n.startswith("W")}
    flat = np.concatenate([np.full(v.size, float(n not in names)) for n, v in model.parameters.items()])
    np.testing.assert_array_equal(model.decay[:, 0], flat)
    assert names == {"b[1]", "b[2]", "b[3]", "gamma[1]", "beta[1]"}


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("sgd", 0.5),
        ("momentum", 0.1),
        ("nesterov", 0.1),
        ("rmsprop", 0.01),
        ("adagrad", 0.2),
        ("adam", 0.02),
        ("adamw", 0.02),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_optimizer_reaches_a_low_loss(name: str, rate: float, dtype: Any) -> None:
    model = classifier(dtype, network="4-8:tanh-3:softmax")
    history = trainer(model, epochs=40, batch_size=10, optimizer=name, learning_rate=rate).run()
    assert history["loss"][0] > 0.2
    assert history["loss"][-1] < 0.05
    assert (model.predict(X).argmax(axis=1) == y).mean() >= 0.98


def test_regression_is_learned() -> None:
    model = Model("4-16:tanh-2", "mean_squared", seed=0)
    samples = model.samples(X / 3, T)
    history = fit(model, samples, settings=Settings(epochs=300, learning_rate=0.02, batch_size=10))
    assert history["loss"][-1] < 0.05 * T.var(axis=0).mean()


# --- schedules and clipping ------------------------------------------------------------------------------------------


def test_the_schedule_sets_the_rate_of_every_step() -> None:
    t = trainer(classifier(network=SMALL), optimizer="sgd", schedule="step:1:0.5", learning_rate=0.2, shuffle=False)
    wanted = train_by_hand("sgd", t, lambda epoch, part: 0.2 * 0.5**epoch)
    history = t.run()
    compare(t, wanted)
    assert history["learning_rate"] == [0.2, 0.1, 0.05]


def test_a_schedule_by_step_and_a_function() -> None:
    def rate(p: float) -> float:
        return 0.1 / (1 + p)

    size = 10
    for by_step in (False, True):
        chosen = schedule(rate, per_step=by_step)
        t = trainer(
            classifier(network=SMALL), optimizer="sgd", schedule=chosen, shuffle=False, batch_size=size, epochs=2
        )
        wanted = train_by_hand("sgd", t, lambda e, part: rate(e + part) if by_step else rate(e))  # noqa: B023
        t.run()
        compare(t, wanted)


def test_a_plateau_lowers_the_rate() -> None:
    """No epoch improves by 100, so after every second one the rate is halved."""
    chosen = "reduce_on_plateau:factor=0.5:patience=2:min_change=100"
    history = trainer(classifier(), epochs=6, schedule=chosen, learning_rate=0.01, validate=True).run()
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.01, 0.01, 0.005, 0.005, 0.0025])
    better = "reduce_on_plateau:factor=0.5:patience=2:min_change=0"
    history = trainer(classifier(network="4-3:softmax"), epochs=6, schedule=better, learning_rate=0.001).run()
    assert np.diff(history["loss"]).max() < 0
    assert set(history["learning_rate"]) == {0.001}


@pytest.mark.parametrize(("norm", "value"), [(0.1, None), (None, 0.02), (0.1, 0.02), (1e6, 1e6)])
def test_gradients_are_clipped(norm: float | None, value: float | None) -> None:
    def change(g: dict[str, Any]) -> dict[str, Any]:
        if value is not None:
            g = {n: np.clip(x, -value, value) for n, x in g.items()}
        if norm is not None:
            length = np.sqrt(sum((x**2).sum() for x in g.values()))
            g = {n: x * min(1, norm / length) for n, x in g.items()}
        return g

    t = trainer(
        classifier(network=SMALL), optimizer="sgd", learning_rate=0.3, shuffle=False, clip_norm=norm, clip_value=value
    )
    wanted = train_by_hand("sgd", t, 0.3, change)
    t.run()
    compare(t, wanted)


# --- early stopping --------------------------------------------------------------------------------------------------


def overfitting(callbacks: Any = (), **settings: Any) -> Trainer:
    """Labels of the validation samples are shuffled: its loss falls a little, then grows."""
    model = classifier(network="4-10:tanh-3:softmax")
    noisy = np.random.default_rng(0).permutation(y)
    chosen = Settings(**{"epochs": 60, "learning_rate": 0.003, "batch_size": 10, **settings})
    return Trainer(model, model.samples(X, y), model.samples(X, noisy), chosen, callbacks=callbacks)


def test_early_stopping_restores_the_best_parameters() -> None:
    seen = Thetas()
    t = overfitting([seen], patience=4)
    history = t.run()
    best = int(np.argmin(history["val_loss"])) + 1
    assert history.stopped_early
    assert history.best_epoch == best
    assert len(history.rows) == best + 4 < 60
    np.testing.assert_array_equal(t.model.theta, seen.kept[best - 1])
    assert t.model.loss(t.validation) == pytest.approx(min(history["val_loss"]), rel=1e-12)
    assert f"best {min(history['val_loss']):.6g} in epoch {best}" in str(t.stop)


def test_early_stopping_may_keep_the_last_parameters() -> None:
    seen = Thetas()
    t = overfitting([seen], patience=4, restore_best=False)
    t.run()
    np.testing.assert_array_equal(t.model.theta, seen.kept[-1])
    assert not np.array_equal(seen.kept[-1], seen.kept[t.history.best_epoch - 1])


def test_early_stopping_needs_an_improvement_of_min_change() -> None:
    t = overfitting(patience=2, min_change=100.0)
    history = t.run()
    assert len(history.rows) == 3
    assert history.best_epoch == 1


def test_best_parameters_are_restored_with_running_statistics() -> None:
    kept: list[Any] = []

    class States(Callback):
        def on_epoch_end(self, trainer: Trainer, epoch: int, row: Any) -> None:
            kept.append({n: v.copy() for n, v in trainer.model.state.items()})

    model = classifier()
    chosen = Settings(epochs=30, learning_rate=0.5, patience=2, batch_size=10)
    t = Trainer(model, model.samples(X, y), model.samples(X, y[::-1]), chosen, callbacks=[States()])
    t.run()
    best = t.history.best_epoch
    assert best is not None
    assert best < len(kept)
    for n, v in model.state.items():
        np.testing.assert_array_equal(v, kept[best - 1][n])


def test_without_validation_the_loss_is_watched() -> None:
    t = trainer(classifier(network="4-3:softmax"), epochs=4, patience=1)
    assert t.watched == "loss"
    t.run()
    assert t.early is not None
    assert t.early.best == min(t.history["loss"])


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_error"])
def test_a_measure_may_be_watched(monitor: str) -> None:
    model = classifier(network="4-3:softmax")
    s = model.samples(X, y)
    measures = {
        "accuracy": lambda t, p: float((p.argmax(1) == t).mean()),
        "error": lambda t, p: float((p.argmax(1) != t).mean()),
    }
    stopping = EarlyStopping(3, monitor=monitor)
    t = Trainer(model, s, s, Settings(epochs=50, learning_rate=0.05), callbacks=[stopping], measures=measures)
    history = t.run()
    pick = np.argmax if monitor == "val_accuracy" else np.argmin
    assert history.best_epoch == int(pick(history[monitor])) + 1
    assert stopping.best == history[monitor][history.best_epoch - 1]


def test_a_nan_is_no_improvement() -> None:
    model = classifier(network="4-3:softmax")
    s = model.samples(X, y)
    values = iter([float("nan"), 3.0, 2.0, float("nan"), float("inf"), 1.0])
    t = Trainer(
        model,
        s,
        s,
        Settings(epochs=20),
        callbacks=[EarlyStopping(2, monitor="val_error")],
        measures={"error": lambda t, p: next(values)},
    )
    history = t.run()
    assert len(history.rows) == 5
    assert history.best_epoch == 3


# --- divergence ------------------------------------------------------------------------------------------------------


def diverge(t: Trainer) -> str:
    """Train until it fails; parameters and running statistics must then be those before the failing step."""
    before: dict[str, Any] = {}

    def keep(trainer: Trainer) -> None:
        before["theta"] = trainer.model.theta.copy()
        before["optimizer"] = {n: v.copy() for n, v in trainer.update.state.items()}
        before.update({n: v.copy() for n, v in trainer.model.state.items()})

    keep(t)
    t.callbacks.append(At(range(10**6), keep))
    with pytest.raises(NonFiniteError) as e:
        t.run()
    np.testing.assert_array_equal(t.model.theta, before["theta"])
    for n, v in t.model.state.items():
        np.testing.assert_array_equal(v, before[n])
        assert np.isfinite(v).all()
    for n, v in t.update.state.items():
        np.testing.assert_array_equal(v, before["optimizer"][n])
    message = str(e.value)
    assert f"in step {t.step + 1} (epoch {t.epoch})" in message
    assert "learning rate" in message
    return message


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [1e3, 1e30, 1e300])
def test_a_huge_learning_rate(name: str, dtype: Any, rate: float) -> None:
    """Either the cost stays finite or training stops before anything that is not finite reaches the parameters."""
    model = Model(Network(4, (Dense(5), BatchNorm(), Activate("relu"), Dense(2))), "quadratic", dtype=dtype)
    t = Trainer(
        model, model.samples(X, T), settings=Settings(epochs=4, batch_size=10, optimizer=name, learning_rate=rate)
    )
    message = ""
    try:
        t.run()
    except NonFiniteError as e:
        message = str(e)
    assert message or rate < 1e300
    assert not message or re.search(r"step \d+ \(epoch \d\): \S+ in (layer|batch norm|the)", message)
    assert np.isfinite(model.theta).all()
    assert all(np.isfinite(v).all() for v in model.state.values())


def test_divergence_keeps_the_last_finite_parameters() -> None:
    model = Model(Network(4, (Dense(5), BatchNorm(), Activate("relu"), Dense(2))), "quadratic")
    settings = Settings(epochs=50, batch_size=10, optimizer="sgd", learning_rate=100.0)
    message = diverge(Trainer(model, model.samples(X, T), settings=settings))
    assert re.search(r": \S+\[\d\] in (layer|batch norm) \d|: J in the cost", message)


def test_an_update_that_overflows_is_taken_back() -> None:
    model = Model("4-5:tanh-2", "quadratic", dtype=np.float32)
    settings = Settings(epochs=5, batch_size=10, optimizer="momentum", learning_rate=3e38)
    message = diverge(Trainer(model, model.samples(X * 10, T * 100), settings=settings))
    assert re.search(r"step 1 \(epoch 1\): (W|b)\[[12]\] in layer [12]", message)


@pytest.mark.parametrize(
    ("tensor", "layer"), [("W[1]", "layer 1"), ("b[2]", "layer 2"), ("W[3]", "layer 3"), ("gamma[1]", "batch norm 1")]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_planted_nan_is_named(tensor: str, layer: str, value: float) -> None:
    model = classifier()
    model.parameters[tensor].flat[0] = value
    message = diverge(trainer(model))
    assert f"in step 1 (epoch 1): {tensor} in {layer};" in message


def test_overflow_in_float32_names_the_first_tensor() -> None:
    model = Model("4-5:relu-5:relu-2", "quadratic", dtype=np.float32)
    model.parameters["W[1]"][...] = 1e20
    model.parameters["W[2]"][...] = 1e20
    message = diverge(Trainer(model, model.samples(np.abs(X), T)))
    assert "Z[2] in layer 2" in message


def test_overflow_of_the_cost_alone() -> None:
    model = Model("4-2", "quadratic", dtype=np.float32)
    model.parameters["W[1]"][...] = 1e25
    assert ": J in the cost" in diverge(Trainer(model, model.samples(np.abs(X), T)))


def test_overflow_of_the_gradient_alone() -> None:
    model = Model(Network(4, (Dense(2, lambda Z: o.sqrt(o.maximum(Z, 0))),)), "quadratic")
    model.parameters["W[1]"][...] = 0.0  # the root of 0 is finite, its slope is not
    message = diverge(Trainer(model, model.samples(np.abs(X), T)))
    assert "dZ[1] in layer 1" in message or "dW[1] in layer 1" in message


def test_a_large_gradient_whose_square_overflows_goes_on() -> None:
    model = Model("4-1", "absolute", dtype=np.float32)
    s = model.samples(X, T[:, :1])
    big = Samples((s.X * 1e20).astype(np.float32), s.targets)
    t = Trainer(model, big, settings=Settings(epochs=1, optimizer="sgd", learning_rate=1e-30))
    t.run()
    assert np.isfinite(model.theta).all()
    assert t.step == t.batches


def test_lbfgs_diverging_is_an_error() -> None:
    model = Model("4-2", "quadratic")
    model.parameters["W[1]"][0, 0] = np.nan
    with pytest.raises(NonFiniteError, match="L-BFGS"):
        fit_full_batch(model, model.samples(X, T))


# --- full batch ------------------------------------------------------------------------------------------------------


def test_lbfgs_finds_the_optimum_of_logistic_regression() -> None:
    """The cost is convex: J = mean loss + λ/2 ‖W‖² has the minimum that scikit-learn finds with C = 1/(m λ)."""
    lam = 0.01
    model = Model(Network(4, (Dense(3, "softmax", l2=lam),)), labels=True)
    history, converged, iterations = fit_full_batch(model, model.samples(X, y), tolerance=1e-9, max_iterations=1000)
    assert converged
    assert iterations == len(history.rows)
    peer = LogisticRegression(C=1 / (N * lam), tol=1e-10, max_iter=10000).fit(X, y)
    np.testing.assert_allclose(model.predict(X), peer.predict_proba(X), atol=2e-5)
    np.testing.assert_allclose(model.parameters["W[1]"], peer.coef_, atol=2e-4)
    assert history["loss"][-1] == pytest.approx(model.cost(model.samples(X, y)), rel=1e-9)
    assert np.diff(history["loss"]).max() <= 0


def test_lbfgs_finds_ridge_regression_with_sample_weights() -> None:
    w = RNG.uniform(0.2, 3, N)
    lam = 0.05
    model = Model(Network(4, (Dense(2, l2=lam),)), "quadratic", weighted=True)
    fit_full_batch(model, model.samples(X, T, w), tolerance=1e-10, max_iterations=1000)
    peer = Ridge(alpha=lam * w.sum(), tol=1e-12).fit(X, T, sample_weight=w)
    np.testing.assert_allclose(model.parameters["W[1]"], peer.coef_, atol=1e-6)
    np.testing.assert_allclose(model.parameters["b[1]"][:, 0], peer.intercept_, atol=1e-6)


def test_lbfgs_trains_a_network_as_low_as_scikit_learn() -> None:
    alpha = 0.1
    net = Network(4, (Dense(8, "tanh", l2=alpha), Dense(3, "softmax", l2=alpha)))
    noisy = np.where(np.random.default_rng(1).random(N) < 0.2, (y + 1) % 3, y)
    ours, peers = [], []
    for seed in range(3):
        model = Model(net, labels=True, spread=True, seed=seed)
        history, _, _ = fit_full_batch(model, model.samples(X, noisy), max_iterations=500)
        ours.append(history["loss"][-1])
        peer = MLPClassifier((8,), activation="tanh", solver="lbfgs", alpha=alpha, random_state=seed, max_iter=500)
        peers.append(peer.fit(X, noisy).loss_)
    assert np.median(ours) < 1.3 * np.median(peers)
    assert min(ours) > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_is_the_same_in_every_run(dtype: Any) -> None:
    thetas = []
    for _ in range(2):
        model = classifier(dtype, network="4-5:tanh-3:softmax")
        costs: list[float] = []
        history, _, _ = fit_full_batch(
            model,
            model.samples(X, y),
            max_iterations=20,
            callback=lambda i, cost: costs.append(cost),  # noqa: B023
        )
        assert costs == history["loss"]
        thetas.append(model.theta)
    assert thetas[0].tobytes() == thetas[1].tobytes()


# --- sample weights --------------------------------------------------------------------------------------------------

LAST = 7  # the sample that counts twice, or not at all
TWICE = np.append(np.arange(N), LAST)
ONCE_LESS = np.delete(np.arange(N), LAST)


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_two_is_repeating_the_sample(name: str, spread: bool) -> None:
    net = Network(4, (Dense(5, "tanh", l2=0.1), Dense(3, "softmax")))
    w = np.ones(N)
    w[LAST] = 2
    weighted = classifier(network=net, weighted=True, spread=spread)
    repeated = classifier(network=net, spread=spread)
    a = fit(weighted, weighted.samples(X, y, w), settings=Settings(epochs=5, batch_size=N, optimizer=name))
    b = fit(
        repeated, repeated.samples(X[TWICE], y[TWICE]), settings=Settings(epochs=5, batch_size=N + 1, optimizer=name)
    )
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-12)
    assert weighted.loss(weighted.samples(X, y, w)) == pytest.approx(
        repeated.loss(repeated.samples(X[TWICE], y[TWICE])), rel=1e-9
    )


@pytest.mark.parametrize("batch_size", [N, 8])
def test_weight_zero_is_leaving_the_sample_out(batch_size: int) -> None:
    w = np.ones(N)
    w[LAST] = 0
    weighted, shorter = classifier(weighted=True), classifier(weighted=True)
    settings = Settings(epochs=3, batch_size=batch_size)
    fit(weighted, weighted.samples(X, y, w), settings=settings)
    settings = Settings(epochs=3, batch_size=min(batch_size, len(ONCE_LESS)))
    fit(shorter, shorter.samples(X[ONCE_LESS], y[ONCE_LESS], w[ONCE_LESS]), settings=settings)
    assert weighted.theta.tobytes() == shorter.theta.tobytes()
    plain = classifier()
    fit(plain, plain.samples(X[ONCE_LESS], y[ONCE_LESS]), settings=settings)
    np.testing.assert_allclose(weighted.theta, plain.theta, rtol=1e-6, atol=1e-8)


def test_weight_zero_has_no_gradient() -> None:
    w = np.ones(N)
    w[LAST] = 0
    model = classifier(network=SMALL, weighted=True)
    J, gradient = model.gradient(model.samples(X, y, w))
    other, shorter = model.gradient(model.samples(X[ONCE_LESS], y[ONCE_LESS], w[ONCE_LESS]))
    assert other == pytest.approx(J, rel=1e-13)
    for n in gradient:
        np.testing.assert_allclose(gradient[n], shorter[n], rtol=1e-9, atol=1e-14)


def test_weights_in_lbfgs() -> None:
    w = np.ones(N)
    w[LAST], w[3] = 0, 2
    index = np.append(ONCE_LESS, 3)
    weighted, listed = classifier(network=SMALL, weighted=True), classifier(network=SMALL)
    a, _, _ = fit_full_batch(weighted, weighted.samples(X, y, w), max_iterations=15)
    b, _, _ = fit_full_batch(listed, listed.samples(X[index], y[index]), max_iterations=15)
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-6)


def test_scaling_all_weights_changes_nothing_without_penalties() -> None:
    one, many = (classifier(network="4-5:tanh-3:softmax", weighted=True) for _ in range(2))
    fit(one, one.samples(X, y), settings=Settings(epochs=3, batch_size=8))
    fit(many, many.samples(X, y, np.full(N, 4.0)), settings=Settings(epochs=3, batch_size=8))
    np.testing.assert_allclose(one.theta, many.theta, rtol=1e-10)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(N - 1), ["sample weights", f"({N},)", f"({N - 1},)"]),
        (np.full(N, -1.0), ["-1", "negative"]),
        (np.full(N, np.nan), ["sample weights", "NaN"]),
    ],
)
def test_weights_that_cannot_be(weights: Any, words: list[str]) -> None:
    model = classifier(weighted=True)
    with pytest.raises(ChainruleError) as e:
        model.samples(X, y, weights)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_no_weight_at_all() -> None:
    model = classifier(weighted=True)
    with pytest.raises(DataError, match="no sample to train on"):
        fit(model, model.samples(X, y, np.zeros(N)))


# --- callbacks and history -------------------------------------------------------------------------------------------


class Diary(Callback):
    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines

    def on_train_begin(self, trainer: Trainer) -> None:
        self.lines.append(f"{self.name} begin")

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        self.lines.append(f"{self.name} epoch {epoch}")

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        assert math.isfinite(cost)
        self.lines.append(f"{self.name} step {step}")

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: Any) -> None:
        assert row["epoch"] == epoch == len(trainer.history.rows)
        self.lines.append(f"{self.name} end of {epoch}")

    def on_train_end(self, trainer: Trainer) -> None:
        self.lines.append(f"{self.name} end")


def test_callbacks_are_called_in_order() -> None:
    lines: list[str] = []
    trainer(
        classifier(network="4-3:softmax"),
        epochs=2,
        batch_size=25,
        callbacks=[Diary("a", lines), Diary("b", lines), Callback()],
    ).run()
    wanted = ["begin", "epoch 1", "step 1", "step 2", "end of 1", "epoch 2", "step 3", "step 4", "end of 2", "end"]
    assert lines == [f"{who} {what}" for what in wanted for who in ("a", "b")]


def test_a_callback_stops_within_an_epoch() -> None:
    lines: list[str] = []
    t = trainer(classifier(network="4-3:softmax"), epochs=3, batch_size=10, callbacks=[Diary("a", lines)])
    t.callbacks.append(At({7}, lambda t: setattr(t, "stop", "enough")))
    history = t.run()
    assert (t.stop, t.step, t.epoch, t.batch) == ("enough", 7, 2, 2)
    assert len(history.rows) == 1
    assert lines[-2:] == ["a step 7", "a end"]


def test_a_callback_stops_at_the_end_of_an_epoch() -> None:
    t = trainer(classifier(network="4-3:softmax"), epochs=3, batch_size=10)
    t.callbacks.append(At({5}, lambda t: setattr(t, "stop", "enough")))
    history = t.run()
    assert len(history.rows) == 1  # the epoch was complete
    assert (t.epoch, t.batch) == (2, 0)


def test_an_error_in_a_callback_passes_through() -> None:
    def fail(t: Trainer) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trainer(classifier(), callbacks=[At({1}, fail)]).run()


def test_the_history() -> None:
    model = classifier(network="4-5:tanh-3:softmax")
    s = model.samples(X, y)
    measures = {"accuracy": lambda t, p: float((p.argmax(1) == t).mean())}
    history = fit(model, s, s, Settings(epochs=3, learning_rate=0.01), measures=measures)
    assert list(history) == ["loss", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    assert len(history) == 5
    assert history.epoch == [1, 2, 3]
    assert history.history == {n: history[n] for n in history}
    assert history["val_loss"][-1] == pytest.approx(model.loss(s), rel=1e-12)
    assert history["val_accuracy"][-1] == (model.predict(X).argmax(1) == y).mean()
    assert history["learning_rate"] == [0.01] * 3
    assert all(x >= 0 for x in history["seconds"])
    assert "3 epochs" in repr(history)
    assert "val_loss" in history
    with pytest.raises(KeyError):
        history["mse"]
    assert math.isnan(History([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5, "f1": 1.0}])["f1"][0])


def test_the_loss_of_the_history_has_penalties_and_the_validation_loss_has_none() -> None:
    model = Model(Network(4, (Dense(3, "softmax", l2=10.0),)), labels=True)
    s = model.samples(X, y)
    penalty = 5 * float((model.parameters["W[1]"] ** 2).sum())
    history = fit(model, s, s, Settings(epochs=1, batch_size=N, learning_rate=1e-300))
    assert history["loss"][0] == pytest.approx(history["val_loss"][0] + penalty, rel=1e-10)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, ["epochs=0"]),
        ({"epochs": 1.5}, ["epochs=1.5"]),
        ({"batch_size": 0}, ["batch_size=0"]),
        ({"batch_size": True}, ["batch_size=True"]),
        ({"patience": 0}, ["patience=0"]),
        ({"seed": -1}, ["seed=-1"]),
        ({"learning_rate": 0.0}, ["learning_rate=0.0"]),
        ({"learning_rate": float("nan")}, ["learning_rate=nan"]),
        ({"learning_rate": -1.0}, ["learning_rate=-1.0"]),
        ({"min_change": -1.0}, ["min_change=-1.0"]),
        ({"optimizer": "adaam"}, ["did you mean 'adam'"]),
        ({"hyper": {"beta3": 1}}, ["beta3"]),
        ({"schedule": "cosin"}, ["did you mean 'cosine'"]),
        ({"clip_norm": -1.0}, ["clip", "-1.0"]),
        ({"clip_value": 0.0}, ["clip", "0.0"]),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as e:
        trainer(classifier(), **settings)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_what_is_rarely_meant_is_said() -> None:
    model = classifier()
    with pytest.warns(UserWarning, match="batch_size=64 is more than the 50 samples"):
        fit(model, model.samples(X, y), settings=Settings(epochs=1, batch_size=64))
    with pytest.warns(UserWarning, match="all 50 samples have the label 2"):
        fit(model, model.samples(X, np.full(N, 2)), settings=Settings(epochs=1))


def test_arrays_that_are_more_than_numbers_are_refused() -> None:
    from scipy.sparse import csr_array

    model = classifier()
    hidden = np.ma.masked_less(X, -3.0)
    assert np.ma.is_masked(hidden)
    missing = int((X < -3.0).sum())
    with pytest.raises(DataError, match=f"masked array with {missing} masked entries"):
        model.samples(hidden, y)
    assert np.array_equal(model.samples(np.ma.masked_less(X, -1e9), y).X, X)  # nothing is masked
    with pytest.raises(DataError, match=r"sparse matrix.*X\.toarray\(\)"):
        model.samples(csr_array(X), y)
    with pytest.raises(DataError, match=r"y\.astype\(int\)"):
        model.samples(X, y.astype(float))
    with pytest.raises(DataError, match=r"give integers 0\.\.2$"):
        model.samples(X, y + 0.5)


def test_narrow_arrays_in_a_wide_model_are_looked_at_without_a_word() -> None:
    model = classifier(np.float64)
    narrow = X.astype(np.float32)
    assert model.samples(narrow, y).X is narrow
    with pytest.raises(DataError, match="NaN or infinity"):
        model.samples(np.where(narrow > 2, np.inf, narrow).astype(np.float32), y)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_model_is_a_model_of_its_own(how: Any) -> None:
    model = classifier(np.float32)
    fit(model, model.samples(X, y), settings=Settings(epochs=2))
    other = how(model)
    assert other.theta.tobytes() == model.theta.tobytes()
    for n, value in model.state.items():
        assert other.state[n].tobytes() == value.tobytes()
    assert other.predict(X).tobytes() == model.predict(X).tobytes()
    again = [fit(m, m.samples(X, y), settings=Settings(epochs=2)) for m in (model, other)]
    assert rows(again[0]) == rows(again[1])  # the counters of the masks too
    assert other.theta.tobytes() == model.theta.tobytes()
    other.theta[...] = 0
    assert model.theta.any()
