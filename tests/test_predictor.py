"""Prediction, one sample or many, from one thread or several: the same numbers as the meaning, `evaluate`."""

import threading

import numpy as np
import pytest

from chainrule.errors import DataError, ShapeError
from chainrule.execute import evaluate, executor
from chainrule.nn import Network
from chainrule.nn.layers import Dense
from chainrule.train import Model, Predictor
from chainrule.train.predictor import LEAST, MOST, SMALL

NETWORKS = ("5-7:tanh-3:softmax", "4-6:relu:batchnorm-2", "3-8:sigmoid-1:sigmoid", "2-1")


@pytest.fixture(params=("native", "reference"))
def run_by(request, monkeypatch):
    """Both executors, where both are there."""
    if request.param == "native" and executor() != "native":
        pytest.skip("the native executor is not built here")
    monkeypatch.setenv("CHAINRULE_EXECUTOR", request.param)
    return request.param


def expected(model, X, dtype=np.float64):
    values = {**model.parameters, **model.state, "A[0]": np.asarray(X, dtype=model.dtype).T}
    return evaluate([model.prediction.output], {n: v for n, v in values.items() if n in used(model)}, dtype)[0].T


def used(model):
    program = model.prediction_program
    return (*program.inputs, *program.bound)


def data(model, m, seed=0):
    return np.random.default_rng(seed).normal(size=(m, model.network.inputs)).astype(model.dtype)


@pytest.mark.parametrize("m", [0, 1, 2, SMALL, SMALL + 1, LEAST + 3, MOST + 5])
@pytest.mark.parametrize("network", NETWORKS)
def test_any_number_of_rows(run_by, network, m):
    model = Model(network, seed=3)
    X = data(model, m)
    for _ in range(2):  # the second call finds its buffers
        found = model.predict(X)
        assert found.shape == (m, model.network.outputs)
        if m:
            np.testing.assert_allclose(found, expected(model, X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool])
def test_types_and_layouts(run_by, kind):
    model = Model(NETWORKS[0], dtype=np.float32, seed=1)
    X = (data(model, 6) * 3).astype(kind)
    wanted = expected(model, X)
    forms = {"C": X, "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2], "reversed": X[::-1][::-1]}
    forms |= {"list": X.tolist()}
    model.predict(np.zeros((6, 5), np.float32))  # the fast way is open
    for name, form in forms.items():
        np.testing.assert_allclose(model.predict(form), wanted, rtol=2e-6, atol=1e-7, err_msg=name)


def test_chunks_of_float64_for_a_float32_model(run_by):
    model = Model(NETWORKS[0], dtype=np.float32, seed=1)
    X = data(model, 3 * MOST + 17).astype(np.float64)
    np.testing.assert_allclose(model.predict(X), expected(model, X), rtol=1e-5, atol=1e-6)


def test_a_vector_for_one_feature(run_by):
    model = Model("1-4:tanh-1", seed=2)
    np.testing.assert_array_equal(model.predict([0.5, -1.0]), model.predict([[0.5], [-1.0]]))


def test_the_models_own_numbers_are_used(run_by):
    model = Model(NETWORKS[0], seed=1)
    X = data(model, 1)
    before = model.predict(X)
    kept = before.copy()
    model.parameters["b[2]"][0] += 1.0
    after = model.predict(X)
    np.testing.assert_array_equal(before, kept)  # a result is the caller's: later calls leave it alone
    np.testing.assert_allclose(after, expected(model, X), rtol=1e-12)
    assert not np.allclose(before, after)


@pytest.mark.parametrize("m", [1, 3, SMALL + 6, MOST + 9])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_not_finite(run_by, m, bad):
    model = Model(NETWORKS[0], seed=1)
    X = data(model, m)
    model.predict(X)
    X[-1, 2] = bad
    with pytest.raises(DataError, match=rf"1 values .*\[{m - 1}, 2\]"):
        model.predict(X)
    X[-1, 2] = 0.0
    np.testing.assert_allclose(model.predict(X), expected(model, X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("m", [1, SMALL + 6])
def test_large_numbers(run_by, m):
    """Whose squares overflow are good; those beyond the model's type are not."""
    model = Model(NETWORKS[0], dtype=np.float32, seed=1)
    model.predict(np.zeros((m, 5)))
    np.testing.assert_allclose(model.predict(np.full((m, 5), 3e38)).sum(axis=1), 1, rtol=1e-6)
    with pytest.raises(DataError, match="does not fit into float32"):
        model.predict(np.full((m, 5), 1e39))


@pytest.mark.parametrize("X", [np.zeros((1, 4)), np.zeros(5), np.zeros((2, 1, 5)), np.zeros((0, 6)), 1.0])
def test_refuses_wrong_shapes(run_by, X):
    model = Model(NETWORKS[0])
    model.predict(np.zeros((1, 5)))
    with pytest.raises(ShapeError):
        model.predict(X)


@pytest.mark.parametrize("X", [np.full((1, 5), "a"), np.zeros((1, 5), complex), np.zeros((1, 5), object)])
def test_refuses_other_types(run_by, X):
    model = Model(NETWORKS[0])
    model.predict(np.zeros((1, 5)))
    with pytest.raises(DataError, match="give numbers"):
        model.predict(X)


@pytest.mark.parametrize("m", [1, 5, LEAST + 2])
def test_embeddings(run_by, m):
    model = Model(Network(2, (Dense(5, "tanh"), Dense(2)), embeddings=((4, 3),)), seed=4)
    rng = np.random.default_rng(1)
    X, codes = rng.normal(size=(m, 2)), rng.integers(0, 4, size=(m, 1))
    model.predict(X, codes)
    values = {**model.parameters, "A[0]": X.T, "c[1]": codes.T}
    wanted = evaluate([model.prediction.output], {n: values[n] for n in used(model)}, np.float64)[0].T
    np.testing.assert_allclose(model.predict(X, codes), wanted, rtol=1e-12, atol=1e-14)
    with pytest.raises(ShapeError, match="category codes"):
        model.predict(X, codes + 4)


def test_threads_do_not_disturb_each_other(run_by):
    """Every thread asks for other samples, few and many in turn; an answer of another thread would be seen."""
    model = Model("6-40:tanh-4:softmax", seed=5)
    predictor = Predictor(model)
    sets = [[data(model, m, seed=10 * k + m) for m in (1, 3, SMALL, MOST + 30)] for k in range(4)]
    wanted = [[expected(model, X) for X in parts] for parts in sets]
    wrong, start = [], threading.Barrier(4)

    def ask(k):
        start.wait()
        for _ in range(30):
            for X, right in zip(sets[k][:3], wanted[k][:3], strict=True):
                if not np.allclose(predictor(X), right, rtol=1e-12, atol=1e-14):
                    wrong.append(k)
        if not np.allclose(predictor(sets[k][3]), wanted[k][3], rtol=1e-12, atol=1e-14):
            wrong.append(k)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_release_and_twin(run_by):
    model = Model(NETWORKS[1], seed=1)
    X = data(model, 3)
    first = model.predict(X)
    model.release()
    np.testing.assert_array_equal(model.predict(X), first)
    copy, other = model.twin(), model.twin(seed=8)
    np.testing.assert_array_equal(copy.predict(X), first)
    np.testing.assert_array_equal(other.theta, Model(NETWORKS[1], seed=8).theta)
    copy.theta[...] = 0
    np.testing.assert_array_equal(model.predict(X), first)  # nothing written is shared
    assert not np.allclose(copy.predict(X), first)


def test_memory_is_bounded():
    """A run takes the samples in chunks, fewer where the network is wide."""
    slim, wide = Model("8-8:relu-2"), Model("8-1000:relu-1000:relu-2")
    assert slim.predictor.chunk == MOST
    assert wide.predictor.chunk == LEAST
