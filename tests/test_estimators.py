"""The estimators keep scikit-learn's contract: its own checks, its tools, saving, weights, labels, stopping, errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
import sklearn.neural_network as theirs
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from chainrule.errors import ChainruleError, ConfigurationError, DataError, NonFiniteError
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.progress import Progress
from chainrule.ops import tanh
from chainrule.train import OPTIMIZERS, optimizer

IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)


def some_regression(outputs: int = 1, n: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 3))
    Y = np.sin(X @ rng.normal(size=(3, outputs))) + 0.1 * rng.normal(size=(n, outputs))
    return X, Y[:, 0] if outputs == 1 else Y


@pytest.mark.filterwarnings("ignore")  # the checks train for a few epochs on purpose, and count warnings themselves
@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_parameters_are_scikit_learns(cls: Any) -> None:
    assert cls().get_params() == getattr(theirs, cls.__name__)().get_params()
    assert cls._parameter_constraints.keys() == cls().get_params().keys()
    check_param_validation(cls.__name__, cls())


# --- scikit-learn's tools ----------------------------------------------------------------------------------------


def test_pipeline_and_grid_search() -> None:
    pipe = make_pipeline(StandardScaler(), MLPClassifier((8,), solver="lbfgs", max_iter=2000, tol=1e-3, random_state=0))
    grid = {"mlpclassifier__activation": ["tanh", "silu"], "mlpclassifier__alpha": [1e-3, 100.0]}
    search = GridSearchCV(pipe, grid, cv=3).fit(*IRIS)
    assert search.best_score_ > 0.94
    assert search.best_params_["mlpclassifier__alpha"] == 1e-3
    assert search.predict_proba(IRIS[0]).shape == (150, 3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_accuracy_is_scikit_learns_with_other_initial_weights(load: Any) -> None:
    X, y = load(return_X_y=True)
    shared: dict[str, Any] = {"hidden_layer_sizes": (30,), "learning_rate_init": 0.01, "max_iter": 60}
    ours, other = (
        cross_val_score(make_pipeline(StandardScaler(), m), X, y, cv=4).mean()
        for m in (
            MLPClassifier(**shared, random_state=1),
            theirs.MLPClassifier(**shared, random_state=2),
        )
    )
    assert ours > other - 0.025
    assert ours > 0.93


def test_clone_keeps_functions_and_optimizers() -> None:
    given = MLPClassifier(activation=tanh, solver=optimizer("adamw", weight_decay=0.1))
    copied = clone(given)
    assert copied.activation is tanh
    assert copied.solver == given.solver
    assert not hasattr(copied, "coefs_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "solver", [*OPTIMIZERS, "lbfgs", optimizer("rmsprop", rho=0.8)], ids=lambda s: s if isinstance(s, str) else s.name
)
def test_every_solver_lowers_the_loss(solver: Any) -> None:
    X = StandardScaler().fit_transform(IRIS[0])
    model = MLPClassifier((10,), "gelu", solver=solver, max_iter=15, learning_rate_init=0.01, random_state=0)
    model.fit(X, IRIS[1])
    assert model.loss_ < 0.95 * model.loss_curve_[0]


# --- saving and copying ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_pickled_model_predicts_and_goes_on_with_the_same_bits(solver: str) -> None:
    X, y = WINE
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier((6,), solver=solver, learning_rate="adaptive", random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    saved = pickle.dumps(model)
    restored, copied = pickle.loads(saved), copy.deepcopy(model)
    before = model.predict_proba(X)
    for other in (restored, copied):
        np.testing.assert_array_equal(other.predict_proba(X), before)
        other.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)  # the copy has its own numbers
    model.partial_fit(X, y)
    assert not np.array_equal(model.predict_proba(X), before)
    for other in (restored, copied):
        for mine, expected in zip(other.coefs_ + other.intercepts_, model.coefs_ + model.intercepts_, strict=True):
            np.testing.assert_array_equal(mine, expected)
    assert len(saved) < 20_000  # numbers and parameters, no programs or buffers


def test_predict_reads_replaced_and_rewritten_weights() -> None:
    X, y = some_regression()
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    model.intercepts_[-1][:] += 1
    first = model.predict(X)
    model.coefs_ = [np.zeros_like(W) for W in model.coefs_]
    hidden = np.maximum(model.intercepts_[0], 0)
    np.testing.assert_allclose(model.predict(X), np.full(60, model.intercepts_[1][0] + 0 * hidden.sum()))
    assert not np.allclose(first, model.predict(X))
    model.coefs_ = [np.zeros((2, 2))] * 2
    with pytest.raises(ConfigurationError, match="coefs_ has shapes"):
        model.predict(X)


def test_a_fresh_fit_leaves_old_weights_alone() -> None:
    X, y = some_regression()
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    old = model.coefs_
    values = [W.copy() for W in old]
    model.set_params(random_state=1).fit(X, y)
    for kept, value in zip(old, values, strict=True):
        np.testing.assert_array_equal(kept, value)


def test_threads_may_predict_at_once() -> None:
    X, y = some_regression(n=400)
    model = MLPRegressor(solver="lbfgs", max_iter=200, random_state=0, tol=0.1).fit(X, y)
    parts = [X[k : k + 40] for k in range(0, 400, 40)] * 20
    expected = [model.predict(p) for p in parts]
    with ThreadPoolExecutor(4) as pool:
        for found, value in zip(pool.map(model.predict, parts), expected, strict=True):
            np.testing.assert_array_equal(found, value)


# --- data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_type_is_kept(dtype: Any) -> None:
    X, y = some_regression()
    regressor = MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", max_iter=1000, tol=1e-2).fit(X.astype(dtype), y)
    assert {a.dtype for a in regressor.coefs_ + regressor.intercepts_} == {np.dtype(dtype)}
    assert regressor.predict(X.astype(dtype)).dtype == dtype
    classifier = MLPClassifier((5,), solver="lbfgs", max_iter=1000, tol=1e-2).fit(X.astype(dtype), y > 0)
    assert classifier.predict_proba(X.astype(dtype)).dtype == dtype


def test_sparse_features_are_the_dense_ones() -> None:
    X, y = WINE
    X = X * (X > 1)
    models = [
        MLPClassifier((5,), "tanh", random_state=0, solver="lbfgs", tol=1e-1).fit(data, y)
        for data in (X, sparse.csr_array(X), sparse.csc_matrix(X))
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(models[0].predict_proba(X), model.predict_proba(sparse.csr_array(X)))


def test_feature_names_of_a_table() -> None:
    polars = pytest.importorskip("polars")
    X, y = some_regression()
    table = polars.DataFrame(X, schema=["a", "b", "c"], orient="row")
    model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=1000, random_state=0).fit(table, y)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert model.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename({"a": "z"}))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weight_zero_leaves_out_and_whole_weights_repeat() -> None:
    X, y = IRIS[0][::2], IRIS[1][::2]
    w = np.random.default_rng(0).integers(0, 4, len(y))
    shared: dict[str, Any] = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 30, "alpha": 1.0}
    weighted = MLPClassifier(**shared).fit(X, y, sample_weight=w)
    repeated = MLPClassifier(**shared).fit(X.repeat(w, axis=0), y.repeat(w))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-12)
    small: dict[str, Any] = {**shared, "batch_size": 7}
    kept = w > 0
    a = MLPClassifier(**small).fit(X, y, sample_weight=w)
    b = MLPClassifier(**small).fit(X[kept], y[kept], sample_weight=w[kept])
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    plain = MLPClassifier(**small).fit(X, y)
    ones = MLPClassifier(**small).fit(X, y, sample_weight=3.0)  # only the penalty feels a common factor
    assert not np.allclose(plain.coefs_[0], ones.coefs_[0], rtol=1e-9)


def test_labels_of_any_kind_come_back() -> None:
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    model = MLPClassifier((6,), "tanh", solver="lbfgs", random_state=0, max_iter=1000).fit(X, names)
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]
    assert model.score(X, names) > 0.97
    two = MLPClassifier((6,), "tanh", solver="lbfgs", random_state=0, max_iter=1000).fit(X[:100], names[:100])
    assert (two.n_outputs_, two.out_activation_, two.n_layers_) == (1, "logistic", 3)
    proba = two.predict_proba(X[:100])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(two.classes_[proba.argmax(axis=1)], two.predict(X[:100]))
    np.testing.assert_allclose(np.exp(two.predict_log_proba(X[:100])), proba)


def test_one_class_is_always_predicted() -> None:
    model = MLPClassifier((3,), solver="lbfgs", random_state=0).fit(IRIS[0], np.full(150, "only"))
    assert set(model.predict(IRIS[0])) == {"only"}
    np.testing.assert_array_equal(model.predict_proba(IRIS[0]), np.ones((150, 1)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_multilabel() -> None:
    X, Y = make_multilabel_classification(80, n_features=6, n_classes=4, random_state=0)
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier((12,), random_state=0, learning_rate_init=0.02, max_iter=150).fit(X, Y)
    other = theirs.MLPClassifier((12,), random_state=0, learning_rate_init=0.02, max_iter=150).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=1e-6)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.score(X, Y) == other.score(X, Y) > 0.6
    assert model.n_outputs_ == 4
    from_sparse = MLPClassifier((12,), random_state=0, learning_rate_init=0.02, max_iter=150).fit(
        X, sparse.csr_array(Y)
    )
    np.testing.assert_array_equal(from_sparse.coefs_[0], model.coefs_[0])
    by_parts = MLPClassifier((12,), random_state=0).partial_fit(X, Y, classes=range(4)).partial_fit(X, Y)
    assert by_parts.predict(X).shape == Y.shape


def test_column_of_targets_is_flattened_with_a_warning() -> None:
    X, y = some_regression()
    with pytest.warns(DataConversionWarning):
        MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=1000).fit(X, y[:, None])


# --- stopping and going on ---------------------------------------------------------------------------------------


def test_stops_when_the_loss_stands_still() -> None:
    X, y = some_regression()
    model = MLPRegressor(hidden_layer_sizes=(3,), tol=10.0, n_iter_no_change=4, random_state=0).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 6  # the first epoch counts as progress, then more than four
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.t_ == 6 * 60
    assert model.validation_scores_ is None


def test_warns_when_iterations_run_out() -> None:
    X, y = some_regression()
    for solver in ("sgd", "lbfgs"):
        with pytest.warns(ConvergenceWarning, match="raise max_iter=3"):
            model = MLPRegressor(hidden_layer_sizes=(3,), solver=solver, max_iter=3, tol=1e-9, random_state=0).fit(X, y)
        assert model.n_iter_ == 3
        assert len(model.loss_curve_) == 3
    with pytest.warns(UserWarning, match="batch_size=100"):
        MLPRegressor(hidden_layer_sizes=(3,), batch_size=100, tol=1.0, random_state=0).fit(X, y)


def test_early_stopping_keeps_the_best() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier((5,), early_stopping=True, random_state=3, learning_rate_init=0.05, batch_size=50).fit(X, y)
    assert model.n_iter_ == len(model.validation_scores_) < 200
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    weighted = MLPClassifier((5,), early_stopping=True, random_state=3, learning_rate_init=0.05, batch_size=50)
    weighted.fit(X, y, sample_weight=np.where(y == 1, 1.0, 0.0))  # the validation score is of the positives alone
    assert weighted.best_validation_score_ == 1
    with pytest.raises(DataError, match="hold out 1 samples"):
        MLPClassifier(early_stopping=True).fit(IRIS[0][::15], IRIS[1][::15])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_goes_on() -> None:
    X, y = some_regression()
    model = MLPRegressor(hidden_layer_sizes=(5,), warm_start=True, max_iter=7, random_state=0).fit(X, y)
    first = model.loss_
    model.fit(X, y)
    assert len(model.loss_curve_) == 14
    assert model.n_iter_ == 7
    assert model.t_ == 14 * 60
    assert model.loss_ < first
    with pytest.raises(ConfigurationError, match="fit anew without warm_start"):
        model.set_params(hidden_layer_sizes=(6,)).fit(X, y)
    model.set_params(warm_start=False).fit(X, y)
    assert len(model.loss_curve_) == 7


def test_interruption_keeps_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = some_regression()
    model = MLPRegressor(hidden_layer_sizes=(5,), random_state=0)
    original = Progress.on_epoch_end

    def interrupted(self: Progress, trainer: Any, epoch: int, row: Any) -> None:
        original(self, trainer, epoch, row)
        if epoch == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_epoch_end", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert np.isfinite(model.predict(X)).all()


def test_verbose_prints_every_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = some_regression()
    MLPRegressor(hidden_layer_sizes=(5,), verbose=True, tol=10.0, n_iter_no_change=1, random_state=0).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[:3]] == ["Iteration 1", "Iteration 2", "Iteration 3"]
    assert lines[3] == "Training loss did not improve more than tol=10.000000 for 1 consecutive epochs. Stopping."


# --- errors ------------------------------------------------------------------------------------------------------


def test_errors_say_what_is_wrong() -> None:
    X, y = IRIS
    small = MLPClassifier((3,))
    with pytest.raises(DataError, match="every sample weight is zero"):
        small.fit(X, y, sample_weight=np.zeros(150))
    with pytest.raises(ChainruleError, match="negative"):
        small.fit(X, y, sample_weight=np.full(150, -1.0))
    with pytest.raises(ChainruleError, match=r"expected \(150,\)"):
        small.fit(X, y, sample_weight=np.ones(149))
    with pytest.raises(ConfigurationError, match="needs classes"):
        MLPClassifier().partial_fit(X, y)
    started = MLPClassifier((3,)).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(DataError, match=r"classes \[7\]"):
        started.partial_fit(X, np.full(150, 7))
    with pytest.raises(ConfigurationError, match="not those of the first call"):
        started.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ConfigurationError, match="early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(DataError, match="several columns of classes"):
        small.fit(X, np.c_[y, y])
    with pytest.raises(ConfigurationError, match="hidden_layer_sizes"):
        MLPClassifier((3, 0)).fit(X, y)
    with pytest.raises(DataError, match="negative value -1"):
        MLPRegressor("poisson").fit(X, y - 1)
    with pytest.raises(ConfigurationError, match="momentum"):
        MLPClassifier(solver=optimizer("momentum", momentum=1.5)).fit(X, y)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


def test_divergence_is_named() -> None:
    X, y = some_regression()
    with pytest.raises(NonFiniteError, match="first NaN or infinity"):
        MLPRegressor(hidden_layer_sizes=(3,), solver="sgd", learning_rate_init=1e6, activation="identity").fit(X, y)


def test_scikit_learn_is_imported_only_here() -> None:
    code = "import sys, chainrule, chainrule.train; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from chainrule.errors import ConfigurationError\n"
        "try:\n    import chainrule.estimators\n"
        "except ConfigurationError as e:\n    print(e)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'chainrule[estimators]'" in said
