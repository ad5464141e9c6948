"""The same random_state gives scikit-learn's fit, up to rounding; the stated loss is the one that is followed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
import sklearn.neural_network as theirs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.preprocessing import StandardScaler

import chainrule.estimators as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSES = {
    "iris": load_iris(return_X_y=True),
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "digits": tuple(a[:600] for a in load_digits(return_X_y=True)),
}
STOCHASTIC: dict[str, dict[str, Any]] = {
    "adam": {},
    "adam, other numbers": {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3, "alpha": 1.0, "batch_size": 33},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd without momentum": {"solver": "sgd", "momentum": 0, "activation": "logistic"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "n_iter_no_change": 2},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False, "power_t": 0.2},
    "early stopping": {"early_stopping": True, "activation": "tanh", "learning_rate_init": 0.01},
    "no hidden layer": {"hidden_layer_sizes": (), "activation": "identity"},
}


def assert_same_fit(mine: Any, other: Any, rtol: float = 1e-6) -> None:
    for a, b in zip(mine.coefs_ + mine.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())
    assert (mine.n_iter_, mine.t_, mine.n_layers_, mine.n_outputs_, mine.out_activation_) == (
        (other.n_iter_, other.t_, other.n_layers_, other.n_outputs_, other.out_activation_)
    )


@pytest.mark.parametrize("data", CLASSES)
@pytest.mark.parametrize("kind", STOCHASTIC)
def test_whole_fits_of_a_classifier(kind: str, data: str) -> None:
    X, y = CLASSES[data]
    X = StandardScaler().fit_transform(X)
    settings = {"hidden_layer_sizes": (15, 7), "max_iter": 40, "random_state": 4, **STOCHASTIC[kind]}
    mine, other = (module.MLPClassifier(**settings).fit(X, y) for module in (ours, theirs))
    assert_same_fit(mine, other)
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)
    np.testing.assert_array_equal(mine.predict(X), other.predict(X))
    np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), rtol=1e-6, atol=1e-12)
    for name in ("validation_scores_", "best_validation_score_"):
        assert getattr(mine, name) == getattr(other, name)


@pytest.mark.parametrize("kind", ["adam", "sgd", "early stopping"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_whole_fits_of_a_regressor(kind: str, outputs: int) -> None:
    X, y = load_diabetes(return_X_y=True, scaled=True)
    X, y = 20 * X, y / 100
    Y = y if outputs == 1 else np.c_[y, np.sqrt(y), -y]
    settings = {"hidden_layer_sizes": (12,), "max_iter": 30, "random_state": 4, **STOCHASTIC[kind]}
    mine, other = (module.MLPRegressor(**settings).fit(X, Y) for module in (ours, theirs))
    assert_same_fit(mine, other)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=1e-6)
    assert mine.score(X, Y) == pytest.approx(other.score(X, Y), rel=1e-6)


@pytest.mark.parametrize("outputs", [1, 2])
def test_poisson(outputs: int) -> None:
    X, y = load_diabetes(return_X_y=True, scaled=True)
    counts = np.floor(y / 60)
    assert counts.min() == 0
    Y = counts if outputs == 1 else np.c_[counts, counts[::-1]]
    mine, other = (
        module.MLPRegressor("poisson", (8,), max_iter=20, random_state=1, learning_rate_init=0.01).fit(10 * X, Y)
        for module in (ours, theirs)
    )
    assert_same_fit(mine, other)
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("data", CLASSES)
def test_lbfgs_takes_the_same_path(data: str) -> None:
    X, y = CLASSES[data]
    X = StandardScaler().fit_transform(X)
    settings: dict[str, Any] = {"solver": "lbfgs", "hidden_layer_sizes": (9,), "activation": "tanh", "random_state": 0}
    mine, other = (module.MLPClassifier(**settings, max_iter=12).fit(X, y) for module in (ours, theirs))
    assert_same_fit(mine, other)
    assert mine.loss_ == pytest.approx(other.loss_, rel=1e-9)


@pytest.mark.parametrize("kind", ["adam", "sgd", "invscaling", "adaptive"])
def test_one_epoch_from_copied_weights(kind: str) -> None:
    X, y = CLASSES["iris"]
    settings = {"shuffle": False, "batch_size": 16, "hidden_layer_sizes": (5,), **STOCHASTIC[kind]}
    mine = ours.MLPClassifier(**settings, random_state=1, warm_start=True, max_iter=1)
    other = theirs.MLPClassifier(**settings, random_state=2, warm_start=True, max_iter=1)
    mine.partial_fit(X, y, classes=[0, 1, 2])
    other.partial_fit(X, y, classes=[0, 1, 2])
    assert not np.allclose(mine.coefs_[0], other.coefs_[0])
    mine.coefs_ = [W.copy() for W in other.coefs_]
    mine.intercepts_ = [b.copy() for b in other.intercepts_]
    mine.fit(X, y)
    other.fit(X, y)
    assert_same_fit(mine, other)


@pytest.mark.parametrize("kind", ["adam", "sgd", "invscaling", "adaptive"])
def test_partial_fits_in_turn(kind: str) -> None:
    X, y = CLASSES["digits"]
    settings = {"hidden_layer_sizes": (10,), "random_state": 5, **STOCHASTIC[kind]}
    mine, other = ours.MLPClassifier(**settings), theirs.MLPClassifier(**settings)
    for part in np.array_split(np.arange(len(y)), 6):
        for model in (mine, other):
            model.partial_fit(X[part], y[part], classes=np.arange(10))
    assert_same_fit(mine, other)


def test_sample_weights() -> None:
    X, y = CLASSES["breast_cancer"]
    X = StandardScaler().fit_transform(X)
    w = np.random.default_rng(0).uniform(0.1, 4, len(y))
    mine, other = (
        module.MLPClassifier((8,), alpha=5.0, max_iter=15, random_state=0).fit(X, y, sample_weight=w)
        for module in (ours, theirs)
    )
    assert_same_fit(mine, other)


def test_float32() -> None:
    X, y = CLASSES["breast_cancer"]
    X = StandardScaler().fit_transform(X).astype(np.float32)
    mine, other = (module.MLPClassifier((8,), max_iter=10, random_state=0).fit(X, y) for module in (ours, theirs))
    assert_same_fit(mine, other, rtol=1e-4)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_step_follows_the_stated_loss(loss: str) -> None:
    """One step of gradient descent against central differences of the documented J, written in NumPy."""
    rng = np.random.default_rng(3)
    X, Y, w = rng.normal(size=(9, 2)), rng.integers(0, 5, (9, 3)).astype(float), rng.uniform(0.5, 2, 9)
    alpha, rate = 0.7, 1e-3
    model = ours.MLPRegressor(loss, (4,), "tanh", solver="sgd", momentum=0, alpha=alpha, learning_rate_init=rate)
    model.set_params(shuffle=False, random_state=0).partial_fit(X, Y, sample_weight=w)

    def J(parameters: list[Any]) -> Any:
        W1, W2, b1, b2 = parameters
        Z = np.tanh(X @ W1 + b1) @ W2 + b2
        if loss == "squared_error":
            terms = (Y - Z) ** 2 / 2
        else:
            safe = np.where(Y > 0, Y, 1)
            terms = np.exp(Z) - Y * Z + Y * np.log(safe) - Y
        return (w @ terms.sum(axis=1) + alpha / 2 * ((W1**2).sum() + (W2**2).sum())) / w.sum()

    before = [a.copy() for a in model.coefs_ + model.intercepts_]
    model.partial_fit(X, Y, sample_weight=w)
    assert model.loss_ == pytest.approx(J(before), rel=1e-12)
    for index, after in enumerate(model.coefs_ + model.intercepts_):
        for place in np.ndindex(after.shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [a.copy() for a in before]
                moved[index][place] += h
                ends.append(J(moved))
            slope = (ends[0] - ends[1]) / 2e-5
            assert (before[index][place] - after[place]) / rate == pytest.approx(slope, rel=1e-5, abs=1e-7)
