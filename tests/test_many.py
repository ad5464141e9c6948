"""Many trainings at once: each is the training alone, bit for bit; one that fails leaves the others alone."""

import threading
import weakref

import numpy as np
import pytest

from chainrule.errors import ChainruleError, ConfigurationError, DataError, NonFiniteError
from chainrule.execute import executor, native
from chainrule.train import Callback, Job, Model, Samples, Settings, Trainer, cross_validate_model, fit, fit_many

SPEC = "6-9:tanh-3:softmax"


@pytest.fixture(params=("native", "reference"))
def run_by(request, monkeypatch):
    if request.param == "native" and executor() != "native":
        pytest.skip("the native executor is not built here")
    monkeypatch.setenv("CHAINRULE_EXECUTOR", request.param)
    return request.param


def table(n=90, seed=0):
    """Three clouds of points, far enough apart to be learned."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(size=(n, 6)) + 2 * np.eye(3, 6)[y], y


def same(a, b):
    """Parameters, running statistics and curves, bit for bit; only the seconds are the clock's."""
    np.testing.assert_array_equal(a.model.theta, b.model.theta)
    for name, value in a.model.state.items():
        np.testing.assert_array_equal(value, b.model.state[name])
    for name in [n for n in a.history if n != "seconds"]:
        assert a.history[name] == b.history[name]


class Alone:
    """The training of a job without `fit_many`, its rows copied out."""

    def __init__(self, spec, X, y, rows, settings, held=None):
        self.model = Model(spec, labels=True, seed=settings.seed)
        samples = self.model.samples(X[rows], y[rows])
        validation = None if held is None else self.model.samples(X[held], y[held])
        self.history = fit(self.model, samples, validation, settings, measures=MEASURES if held is not None else None)


MEASURES = {"hits": lambda y, Yhat: float(np.mean(Yhat.argmax(axis=1) == y))}
GRID = [
    (SPEC, Settings(epochs=3, batch_size=8, seed=1)),
    (SPEC, Settings(epochs=4, batch_size=7, seed=2, learning_rate=0.01)),
    (SPEC, Settings(epochs=3, batch_size=16, seed=3, optimizer="momentum", clip_norm=1.0)),
    ("6-8:relu:dropout=0.3-3:softmax", Settings(epochs=3, batch_size=8, seed=4, schedule="cosine")),
    ("6-8:relu:batchnorm-3:softmax", Settings(epochs=6, batch_size=8, seed=5, patience=2, learning_rate=0.5)),
    (SPEC, Settings(epochs=3, batch_size=8, seed=1, hyper={"beta1": 0.5})),
]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_is_the_training_alone(run_by, threads):
    X, y = table()
    samples = Model(SPEC, labels=True).samples(X, y)
    rng = np.random.default_rng(9)
    parts = [np.split(rng.permutation(len(y)), [70]) for _ in GRID]
    jobs = [
        Job(lambda spec=spec, s=s: Model(spec, labels=True, seed=s.seed), samples, train, held, s, MEASURES)
        for (spec, s), (train, held) in zip(GRID, parts, strict=True)
    ]
    results = fit_many(jobs, threads=threads)
    assert [r.error for r in results] == [None] * len(GRID)
    for result, (spec, s), (train, held) in zip(results, GRID, parts, strict=True):
        same(result, Alone(spec, X, y, train, s, held))


def test_twins_are_fresh_models(run_by):
    X, y = table()
    first = Model(SPEC, labels=True, seed=7)
    samples, s = first.samples(X, y), Settings(epochs=2, batch_size=8, seed=7)
    start = first.theta.copy()
    results = fit_many([Job(lambda: first.twin(7), samples, settings=s) for _ in range(4)], threads=3)
    alone = Alone(SPEC, X, y, np.arange(len(y)), s)
    for result in results:
        same(result, alone)
    np.testing.assert_array_equal(first.theta, start)


def test_rows_may_repeat_and_are_not_copied():
    """A bootstrap sample; the trainer's own arrays are the caller's."""
    X, y = table()
    rows = np.random.default_rng(3).integers(0, len(y), size=50)
    s = Settings(epochs=2, batch_size=8, seed=7)
    model = Model(SPEC, labels=True, seed=7)
    samples = model.samples(X, y)
    trainer = Trainer(model, samples, settings=s, rows=rows)
    assert any(np.shares_memory(a, samples.X) for a in trainer.steps.inputs)
    trainer.run()
    same(trainer, Alone(SPEC, X, y, rows, s))


def test_rows_of_weight_zero_are_left_out():
    X, y = table()
    weights = np.ones(len(y))
    weights[:10] = 0
    s = Settings(epochs=2, batch_size=8, seed=7)
    a, b = (Model(SPEC, labels=True, weighted=True, seed=7) for _ in range(2))
    one = Trainer(a, a.samples(X, y, weights), settings=s, rows=np.arange(60))
    two = Trainer(b, b.samples(X[10:60], y[10:60]), settings=s)
    one.run(), two.run()
    same(one, two)


def test_a_run_over_rows_resumes():
    X, y = table()
    rows = np.arange(5, 80)
    s = Settings(epochs=4, batch_size=8, seed=7, schedule="cosine")

    def trainer(callbacks=()):
        model = Model(SPEC, labels=True, seed=7)
        return Trainer(model, model.samples(X, y), settings=s, rows=rows, callbacks=callbacks)

    class Stop(Callback):
        def on_batch_end(self, trainer, step, cost):
            if step == 13:  # within the second epoch
                trainer.stop = "here"

    whole, first, second = trainer(), trainer([Stop()]), trainer()
    whole.run()
    first.run()
    assert (first.epoch, first.step) == (2, 13)
    second.restore(*first.snapshot())
    second.run()
    same(second, whole)


@pytest.mark.parametrize("rows", [[0, 90], [-1], [[0, 1]], [0.0, 1.0], [True, False]])
def test_refuses_rows_that_are_not_there(rows):
    X, y = table()
    model = Model(SPEC, labels=True)
    with pytest.raises(DataError, match="rows"):
        Trainer(model, model.samples(X, y), rows=rows)


def test_no_rows_is_an_error():
    X, y = table()
    model = Model(SPEC, labels=True)
    with pytest.raises(DataError, match="no sample"):
        Trainer(model, model.samples(X, y), rows=[])


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_stay_with_their_job(run_by, threads):
    X, y = table()
    samples = Model(SPEC, labels=True).samples(X, y)
    s = Settings(epochs=2, batch_size=8, seed=7)

    def broken():
        raise RuntimeError("no model today")

    class Fails(Callback):
        def on_epoch_end(self, trainer, epoch, row):
            raise ValueError("in a callback")

    def new():
        return Model(SPEC, labels=True, seed=7)

    def steep():
        return Model("6-9:relu-3:softmax", labels=True, seed=7)

    wild = Settings(epochs=2, batch_size=8, seed=7, learning_rate=1e200, optimizer="sgd")
    jobs = [
        Job(new, samples, settings=s),
        Job(broken, samples, settings=s),
        Job(new, samples, [500], settings=s),
        Job(steep, samples, settings=wild),
        Job(new, samples, settings=s, callbacks=[Fails()]),
        Job(new, samples, settings=s),
    ]
    results = fit_many(jobs, threads=threads)
    kinds = [type(r.error) for r in results]
    assert kinds == [type(None), RuntimeError, DataError, NonFiniteError, ValueError, type(None)]
    assert [r.history is None for r in results] == [False, True, True, True, True, False]
    alone = Alone(SPEC, X, y, np.arange(len(y)), s)
    same(results[0], alone)
    same(results[5], alone)


def test_one_model_is_for_one_job():
    X, y = table()
    model = Model(SPEC, labels=True)
    samples, s = model.samples(X, y), Settings(epochs=1)
    with pytest.raises(ConfigurationError, match="share one model"):
        fit_many([Job(model, samples, settings=s)] * 2)
    for makers in ([lambda: model] * 2, [lambda: model, model], [model, lambda: model]):
        results = fit_many([Job(m, samples, settings=s) for m in makers], threads=1)
        assert [type(r.error) for r in results].count(ConfigurationError) == 1


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_refuses_thread_numbers(threads):
    X, y = table()
    model = Model(SPEC, labels=True)
    with pytest.raises(ConfigurationError, match="threads"):
        fit_many([Job(model, model.samples(X, y))], threads=threads)


def test_no_jobs():
    assert fit_many([]) == []


def test_the_callback_sees_every_result_in_the_callers_thread():
    X, y = table()
    samples, s = Model(SPEC, labels=True).samples(X, y), Settings(epochs=1)
    seen = []
    jobs = [Job(lambda: Model(SPEC, labels=True), samples, settings=s) for _ in range(5)]
    results = fit_many(
        jobs, threads=2, callback=lambda k, result: seen.append((k, result, threading.current_thread().name))
    )
    assert sorted(k for k, _, _ in seen) == list(range(5))
    assert {name for _, _, name in seen} == {threading.current_thread().name}
    assert all(results[k] is result for k, result, _ in seen)


def test_an_error_in_the_callback_stops_all(run_by):
    """As Ctrl-C does: what trains ends at its next interval, what waits never begins."""
    X, y = table(900)
    samples = Model(SPEC, labels=True).samples(X, y)
    begun, before = [], threading.active_count()

    def new():
        begun.append(1)
        return Model(SPEC, labels=True)

    def stop(k, result):
        raise KeyboardInterrupt

    endless = Settings(epochs=10**9, batch_size=8)
    jobs = [Job(new, samples, settings=Settings(epochs=1))] + [Job(new, samples, settings=endless)] * 4
    with pytest.raises(KeyboardInterrupt):
        fit_many(jobs, threads=2, callback=stop)
    assert threading.active_count() == before
    assert len(begun) <= 3


def test_cross_validation_measures_every_fold():
    X, y = table()
    s = Settings(epochs=5, batch_size=8, seed=3, learning_rate=0.01)
    folds = [(np.flatnonzero(np.arange(90) % 5 != k), np.flatnonzero(np.arange(90) % 5 == k)) for k in range(5)]
    found = cross_validate_model(SPEC, X, y, settings=s, folds=folds, dtype=np.float64, threads=2)
    hits, losses = [], []
    for train, held in folds:
        alone = Alone(SPEC, X, y, train, s).model
        Yhat = alone.predict(X[held])
        hits.append(np.mean(Yhat.argmax(axis=1) == y[held]))
        losses.append(-np.mean(np.log(Yhat[np.arange(len(held)), y[held]])))
    np.testing.assert_allclose([f["accuracy"] for f in found.folds], hits, rtol=1e-15)
    np.testing.assert_allclose([f["loss"] for f in found.folds], losses, rtol=1e-12)
    assert found.mean["accuracy"] == pytest.approx(np.mean(hits))
    assert found.std["accuracy"] == pytest.approx(np.std(hits, ddof=1))


def test_cross_validation_of_a_regression():
    """r2 and rmse against scikit-learn's, on folds of its own drawing."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = X @ rng.normal(size=(4, 2)) + 0.1 * rng.normal(size=(60, 2))
    s = Settings(epochs=4, seed=3, learning_rate=0.02)
    held = []
    found = cross_validate_model(
        "4-6:tanh-2",
        X,
        Y,
        4,
        s,
        dtype=np.float64,
        measures={
            "r2": lambda y, Yhat: held.append((y, Yhat)) or 0.0,
        },
    )
    again = cross_validate_model("4-6:tanh-2", X, Y, 4, s, dtype=np.float64)
    assert len(found.folds) == len(again.folds) == 4
    assert sorted(f["r2"] for f in again.folds) == pytest.approx(sorted(metrics.r2_score(y, p) for y, p in held))
    wanted = sorted(metrics.mean_squared_error(y, p) ** 0.5 for y, p in held)
    assert sorted(f["rmse"] for f in again.folds) == pytest.approx(wanted)


def test_cross_validation_takes_a_model():
    X, y = table()
    model = Model(SPEC, labels=True, dtype=np.float64, seed=1)
    before = model.theta.copy()
    s = Settings(epochs=2, seed=3)
    a = cross_validate_model(model, X, y, 3, s)
    b = cross_validate_model(SPEC, X, y, 3, s, dtype=np.float64)
    assert a.folds == b.folds
    np.testing.assert_array_equal(model.theta, before)


def test_cross_validation_names_the_fold_that_failed():
    X, y = table()
    wild = Settings(epochs=2, learning_rate=1e300, optimizer="sgd")
    with pytest.raises(ChainruleError) as caught:
        cross_validate_model(SPEC, X, y, 3, wild)
    assert any("in fold" in note for note in caught.value.__notes__)


def test_folds_are_scored_without_a_copy_of_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Samples, "take", lambda *a: pytest.fail("a copy was made"))
    X, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    folds = [(np.setdiff1d(np.arange(60), part), part) for part in np.array_split(np.arange(60), 3)]
    found = cross_validate_model("4-5:relu-3:softmax", X, y, settings=Settings(epochs=2), folds=folds, threads=1)
    monkeypatch.undo()
    model = Model("4-5:relu-3:softmax", labels=True, dtype=np.float32)
    samples = model.samples(X, y)
    rows = np.array([5, 3, 59, 3])
    value, Yhat = model.loss_and_prediction(samples, rows)
    again, its = model.loss_and_prediction(samples.take(rows))
    assert value == again
    assert Yhat.tobytes() == its.tobytes()
    assert len(found.folds) == 3


@pytest.mark.skipif(not native.available(), reason="the native executor was not built")
def test_programs_that_are_released_are_gone_at_once() -> None:
    model = Model("4-5:relu-3:softmax", labels=True, dtype=np.float32)
    gone = weakref.ref(model.bound("loss", 7))
    model.release()
    assert gone() is None


def test_held_numbers_are_watched_where_they_lie(monkeypatch):
    """No copy of held samples is made, and the curve is that of their copy."""
    X, y = table()
    held, settings = np.arange(60, 90), Settings(epochs=2, batch_size=8)
    wanted = Alone(SPEC, X, y, np.arange(60), settings, held).history["val_loss"]
    model = Model(SPEC, labels=True)
    samples = model.samples(X, y)
    monkeypatch.setattr(Samples, "take", None)
    assert Trainer(model, samples, held, settings, rows=np.arange(60)).run()["val_loss"] == wanted
    with pytest.raises(DataError, match="there is no sample 90"):
        Trainer(model, samples, [90], settings)
