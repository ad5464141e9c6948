"""The Keras-like level: what it computes against NumPy by hand and against `chainrule.train`, and its contract."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.data import load_builtin
from chainrule.errors import ChainruleError, ConfigurationError, DataError, ModelFileError, ShapeError, UnknownNameError
from chainrule.sequential import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    EarlyStopping,
    LambdaCallback,
    LayerNormalization,
    LearningRateScheduler,
    ModelCheckpoint,
    Penalty,
    Sequential,
    l1,
    l2,
)
from chainrule.train import Callback, History, Model, Settings, fit, load_model, save_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
ONE_HOT = np.eye(2)[LABELS]


def small(**kwargs):
    layers = [Dense(8, activation="tanh", input_dim=2), Dense(2, activation="softmax")]
    return Sequential(layers, dtype=np.float64, **kwargs)


def compiled(loss="sparse_categorical_crossentropy", **kwargs):
    model = small()
    model.compile(optimizer="adam", loss=loss, learning_rate=0.03, **kwargs)
    return model


def softmax(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def by_hand(weights, X, Y):
    """Loss and gradients of small() with rows as samples, typed out."""
    K1, b1, K2, b2 = weights
    H = np.tanh(X @ K1 + b1)
    P = softmax(H @ K2 + b2)
    dZ2 = (P - Y) / len(X)
    dZ1 = dZ2 @ K2.T * (1 - H**2)
    loss = -(Y * np.log(P)).sum(axis=1).mean()
    return loss, P, [X.T @ dZ1, dZ1.sum(axis=0), H.T @ dZ2, dZ2.sum(axis=0)]


def test_predict_evaluate_and_one_step_by_hand():
    model = small()
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy", "mse", "mae"])
    before = model.get_weights()
    loss, P, gradients = by_hand(before, X, ONE_HOT)
    np.testing.assert_allclose(model.predict(X), P, rtol=1e-12)
    expected = [loss, (P.argmax(axis=1) == LABELS).mean(), ((P - ONE_HOT) ** 2).mean(), np.abs(P - ONE_HOT).mean()]
    np.testing.assert_allclose(model.evaluate(X, ONE_HOT), expected, rtol=1e-12)
    assert list(model.evaluate(X, ONE_HOT, return_dict=True)) == ["loss", "accuracy", "mse", "mae"]
    history = model.fit(X, ONE_HOT, batch_size=60, verbose=0)
    assert history.history["loss"] == [pytest.approx(loss)]
    for old, new, g in zip(before, model.get_weights(), gradients, strict=True):
        np.testing.assert_allclose(new, old - 0.01 * g, rtol=1e-10, atol=1e-14)


def test_regularizers_have_the_meaning_of_keras():
    """l1 Σ|W| + l2 ΣW²: the step of plain gradient descent tells the gradient."""
    model = Sequential([Dense(1, input_dim=2, kernel_regularizer=Penalty(l1=0.5, l2=0.25))], dtype=np.float64)
    model.compile(optimizer="sgd", loss="mse", learning_rate=1.0)
    model.set_weights([[[2.0], [-4.0]], [0.0]])
    model.fit(np.zeros((3, 2)), np.zeros(3), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], [[2 - 0.5 - 0.5 * 2], [-4 + 0.5 + 0.5 * 4]])
    assert l1(3) == Penalty(3, 0)
    assert l2(3) == Penalty(0, 3)
    cores = [Dense(1, kernel_regularizer=name).core for name in ("l1", "l2")]
    assert [(c.l1, c.l2) for c in cores] == [(0.01, 0), (0, 0.02)]  # the network's own penalty is λ/2 ΣW²


def test_it_trains_as_the_trainer_does():
    model = compiled()
    other = Model("2-8:tanh-2:softmax", "cross_entropy", labels=True, seed=0)
    settings = Settings(epochs=4, batch_size=16, learning_rate=0.03)
    history = fit(other, other.samples(X, LABELS), None, settings)
    found = model.fit(X, LABELS, epochs=4, batch_size=16, verbose=0)
    assert found.history["loss"] == history["loss"]
    np.testing.assert_array_equal(model.model.theta, other.theta)
    assert isinstance(found, History)
    assert found.epoch == [1, 2, 3, 4]


def test_labels_and_one_hot_rows_are_the_same():
    models = [compiled("sparse_categorical_crossentropy"), compiled("categorical_crossentropy")]
    for model, y in zip(models, (LABELS, ONE_HOT), strict=True):
        model.fit(X, y, epochs=5, verbose=0)
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-10)


def test_xor():
    model = Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"], learning_rate=0.05)
    corners, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    history = model.fit(corners, y, epochs=200, batch_size=4, verbose=0)
    assert history.history["accuracy"][-1] == 1
    np.testing.assert_array_equal(model.predict(corners)[:, 0] > 0.5, y == 1)


def test_iris():
    iris = load_builtin("iris")
    order = np.random.default_rng(0).permutation(150)
    data, y = ((iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0))[order], iris.y[order]
    model = Sequential([Dense(16, activation="relu"), Dropout(0.1), Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], learning_rate=0.01)
    history = model.fit(data, y, epochs=60, validation_split=0.2, verbose=0)
    assert history.history["val_accuracy"][-1] >= 0.9
    assert model.evaluate(data, y)[1] >= 0.95
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


def test_regression():
    model = Sequential([Dense(1, input_dim=2)], dtype=np.float64)
    model.compile("sgd", "mse", ["mae"], learning_rate=0.1)
    model.fit(X, X @ [2.0, -3.0] + 1, epochs=100, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], [2, -3], atol=1e-3)
    np.testing.assert_allclose(bias, [1], atol=1e-3)


def test_validation_split_takes_the_last_samples():
    model = compiled(metrics=["accuracy"])
    history = model.fit(X, LABELS, epochs=2, validation_split=0.25, verbose=0)
    loss, accuracy = model.evaluate(X[45:], LABELS[45:])
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-12)
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy)
    assert history.history["accuracy"][-1] == pytest.approx(model.evaluate(X[:45], LABELS[:45])[1])
    other = compiled()
    given = other.fit(X[:45], LABELS[:45], epochs=2, validation_data=(X[45:], LABELS[45:]), verbose=0)
    assert given.history["val_loss"] == history.history["val_loss"]


def test_weights_of_classes_are_weights_of_samples():
    first, second = compiled(), compiled()
    first.fit(X, LABELS, epochs=2, class_weight={0: 1.0, 1: 3.0}, validation_split=0.1, verbose=0)
    second.fit(
        X[:54],
        LABELS[:54],
        epochs=2,
        sample_weight=np.where(LABELS[:54], 3.0, 1.0),
        validation_data=(X[54:], LABELS[54:]),
        verbose=0,
    )
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    plain = compiled()
    plain.fit(X[:54], LABELS[:54], epochs=2, verbose=0)
    assert np.abs(first.predict(X) - plain.predict(X)).max() > 1e-3
    one_hot = compiled("categorical_crossentropy")
    one_hot.fit(X, ONE_HOT, epochs=2, class_weight={0: 1.0, 1: 3.0}, validation_split=0.1, verbose=0)
    np.testing.assert_allclose(one_hot.predict(X), first.predict(X), rtol=1e-9)


def test_weighted_evaluation():
    model = compiled()
    w = np.r_[np.ones(30), np.zeros(30)]
    assert model.evaluate(X, LABELS, sample_weight=w)[0] == pytest.approx(model.evaluate(X[:30], LABELS[:30])[0])


def test_fitting_goes_on_where_it_stopped():
    """The optimizer keeps its memory from one call to the next, as in Keras."""
    once, twice = (small() for _ in range(2))
    for model in (once, twice):
        model.compile("momentum", "categorical_crossentropy", learning_rate=0.1)
    once.fit(X, ONE_HOT, epochs=2, shuffle=False, verbose=0)
    twice.fit(X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
    history = twice.fit(X, ONE_HOT, epochs=2, initial_epoch=1, shuffle=False, verbose=0)
    assert history.epoch == [2]
    np.testing.assert_array_equal(once.predict(X), twice.predict(X))
    again = small()
    again.compile("momentum", "categorical_crossentropy", learning_rate=0.1)
    again.fit(X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
    again.compile("momentum", "categorical_crossentropy", learning_rate=0.1)  # forgets the momentum, not the weights
    again.fit(X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
    assert np.abs(again.predict(X) - once.predict(X)).max() > 1e-4


def every_layer():
    return Sequential(
        [
            Dense(5, input_dim=2, use_bias=False, kernel_initializer="he_normal"),
            BatchNormalization(),
            Activation("relu"),
            Dropout(0.5),
            Dense(4),
            LayerNormalization(),
            Dense(1, activation="sigmoid"),
        ],
        dtype=np.float64,
    )


def test_weights_have_the_order_and_shapes_of_keras():
    model = every_layer()
    shapes = [(2, 5), *[(5,)] * 4, (5, 4), (4,), (4,), (4,), (4, 1), (1,)]
    assert [w.shape for w in model.get_weights()] == shapes
    rng = np.random.default_rng(1)
    given = [rng.uniform(0.5, 1.5, s) for s in shapes]
    model.set_weights(given)
    for mine, wanted in zip(model.get_weights(), given, strict=True):
        np.testing.assert_array_equal(mine, wanted)
    K1, gamma, beta, mean, var, K2, b2, gamma2, beta2, K3, b3 = given
    H = np.maximum((X @ K1 - mean) / np.sqrt(var + 1e-3) * gamma + beta, 0) @ K2 + b2
    N = (H - H.mean(axis=1, keepdims=True)) / np.sqrt(H.var(axis=1, keepdims=True) + 1e-3) * gamma2 + beta2
    np.testing.assert_allclose(model.predict(X), 1 / (1 + np.exp(-(N @ K3 + b3))), rtol=1e-10)
    model.get_weights()[0][...] = 0  # a copy
    np.testing.assert_array_equal(model.get_weights()[0], K1)


def test_running_statistics():
    model = Sequential([BatchNormalization(momentum=0.75, input_dim=2), Dense(1)], dtype=np.float64)
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0], batch_size=60, verbose=0)
    np.testing.assert_allclose(model.get_weights()[2], 0.25 * X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.get_weights()[3], 0.75 + 0.25 * X.var(axis=0), rtol=1e-12)


def test_summary(capsys):
    every_layer().summary()
    assert capsys.readouterr().out == (
        "Layer                  Output shape  Parameters\n"
        "1. Dense               (None, 5)             10\n"
        "2. BatchNormalization  (None, 5)             20\n"
        "3. Activation          (None, 5)              0\n"
        "4. Dropout             (None, 5)              0\n"
        "5. Dense               (None, 4)             24\n"
        "6. LayerNormalization  (None, 4)              8\n"
        "7. Dense               (None, 1)              5\n"
        "Total parameters: 67 (trainable: 57, not trainable: 10)\n"
    )


def test_progress(capsys):
    compiled(metrics=["accuracy"]).fit(X, LABELS, epochs=2, validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    assert [part.split(":")[0] for part in lines[0].split(" - ")[2:]] == [
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
    ]
    compiled().fit(X, LABELS, verbose=0)
    assert capsys.readouterr().out == ""


def test_early_stopping():
    model = compiled(metrics=["accuracy"])
    stopping = EarlyStopping(monitor="accuracy", min_delta=2, patience=3, restore_best_weights=True)
    kept = []
    remember = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.predict(X)))
    history = model.fit(X, LABELS, epochs=50, callbacks=[stopping, remember], verbose=0)
    assert history.epoch == [1, 2, 3, 4]  # nothing after the first counts as better
    assert history.stopped_early
    assert history.best_epoch == 1
    np.testing.assert_array_equal(model.predict(X), kept[0])


@pytest.mark.parametrize(("monitor", "mode", "epochs"), [("mse", "auto", 30), ("mse", "max", 4), ("loss", "min", 30)])
def test_what_counts_as_better(monitor, mode, epochs):
    model = small()
    model.compile("sgd", "categorical_crossentropy", ["mse"], learning_rate=0.02)  # falls steadily
    stopping = EarlyStopping(monitor, patience=3, mode=mode)
    assert len(model.fit(X, ONE_HOT, epochs=30, batch_size=60, callbacks=[stopping], verbose=0).epoch) == epochs


def test_model_checkpoint(tmp_path):
    model = compiled()
    every = ModelCheckpoint(tmp_path / "e{epoch:02d}-{val_loss:.2f}.model")
    best = ModelCheckpoint(tmp_path / "best.model", save_best_only=True)
    history = model.fit(X, LABELS, epochs=3, validation_split=0.2, callbacks=[every, best], verbose=0)
    losses = history.history["val_loss"]
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["best.model", *(f"e{k + 1:02d}-{v:.2f}.model" for k, v in enumerate(losses))]
    found = Sequential.load(tmp_path / "best.model").evaluate(X[48:], LABELS[48:])
    assert found[0] == pytest.approx(min(losses), rel=1e-12)
    with pytest.raises(ConfigurationError, match="epoch_number"):
        model.fit(X, LABELS, callbacks=[ModelCheckpoint(tmp_path / "{epoch_number}")], verbose=0)


def test_learning_rate_scheduler():
    model = compiled()
    halved = LearningRateScheduler(lambda epoch, rate: rate / 2)
    assert model.fit(X, LABELS, epochs=3, callbacks=[halved], verbose=0)["learning_rate"] == [0.015, 0.0075, 0.00375]
    told = LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch))
    assert model.fit(X, LABELS, epochs=2, callbacks=[told], verbose=0)["learning_rate"] == [0.1, 0.05]


def test_callbacks_see_the_run():
    seen = []
    watch = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_begin=lambda epoch, logs: seen.append(("epoch", epoch)),
        on_train_batch_end=lambda batch, logs: seen.append(("batch", batch, *logs)),
        on_epoch_end=lambda epoch, logs: seen.append(("end", epoch, *logs)),
        on_train_end=lambda logs: seen.append("done"),
    )

    class Stop(Callback):
        def on_epoch_end(self, trainer, epoch, row):
            trainer.stop = "enough"

    compiled(metrics=["mse"]).fit(X, LABELS, epochs=9, batch_size=30, callbacks=[watch, Stop()], verbose=0)
    assert seen == [
        "begin",
        ("epoch", 0),
        ("batch", 0, "loss"),
        ("batch", 1, "loss"),
        ("end", 0, "loss", "mse", "learning_rate"),
        "done",
    ]


def test_save_and_load(tmp_path):
    model = every_layer()
    model.compile("adamw", "binary_crossentropy", ["accuracy", "mae"], learning_rate=0.02)
    model.fit(X, LABELS, epochs=3, verbose=0)
    model.save(tmp_path / "m")
    again = Sequential.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, LABELS, return_dict=True) == model.evaluate(X, LABELS, return_dict=True)
    assert [layer.kind for layer in again.layers] == [layer.kind for layer in model.layers]
    assert again.fit(X, LABELS, epochs=2, verbose=0)["learning_rate"] == [0.02, 0.02]


def test_sparse_labels_survive_saving(tmp_path):
    model = compiled()
    model.save(tmp_path / "m")
    assert Sequential.load(tmp_path / "m").evaluate(X, LABELS) == model.evaluate(X, LABELS)


def test_what_cannot_be_saved_must_be_compiled_again(tmp_path):
    model = compiled(metrics=[lambda y, Yhat: 0.0])
    model.save(tmp_path / "m")
    again = Sequential.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ConfigurationError, match="call compile first"):
        again.evaluate(X, LABELS)
    again.compile(loss="sparse_categorical_crossentropy")
    assert again.evaluate(X, LABELS)[0] == model.evaluate(X, LABELS)[0]


def test_any_saved_model_of_these_layers_loads(tmp_path):
    plain = Model("2-3:relu-2:softmax", seed=4)
    save_model(tmp_path / "m", plain)
    np.testing.assert_array_equal(Sequential.load(tmp_path / "m").predict(X), plain.predict(X))
    model, extra = load_model(tmp_path / "m")
    assert extra == {}
    assert str(model.network) == "2-3:relu-2:softmax"
    skip = cr.nn.Network(2, (cr.nn.Skip((cr.nn.Dense(2),)), cr.nn.Dense(1)))
    save_model(tmp_path / "s", Model(skip))
    with pytest.raises(ModelFileError, match="Skip"):
        Sequential.load(tmp_path / "s")


def test_seeds():
    assert not np.array_equal(small(seed=1).predict(X), small(seed=2).predict(X))
    runs = []
    for _ in range(2):
        model = compiled()
        model.fit(X, LABELS, epochs=2, verbose=0)
        runs.append(model.predict(X))
    np.testing.assert_array_equal(*runs)


def test_compiling_keeps_the_weights():
    model = small()
    before = model.predict(X)
    model.compile(loss="categorical_crossentropy")
    np.testing.assert_array_equal(model.predict(X), before)


def test_own_loss_and_metric():
    model = Sequential([Dense(1, input_dim=2)], dtype=np.float64)

    def spread(y, Yhat):
        return np.ptp(Yhat)

    model.compile(loss=lambda Yhat, Y: (Yhat - Y) ** 4, metrics=[spread])
    found = model.evaluate(X, np.zeros(60), return_dict=True)
    Yhat = model.predict(X)
    assert found == {"loss": pytest.approx((Yhat**4).mean()), "spread": pytest.approx(np.ptp(Yhat))}


def test_top_level_names():
    assert (cr.Sequential, cr.Dense) == (Sequential, Dense)


WRONG = {
    "not compiled": (lambda m: small().fit(X, LABELS), ConfigurationError, "call compile first"),
    "evaluate": (lambda m: small().evaluate(X, LABELS), ConfigurationError, "call compile first"),
    "no layer": (lambda m: Sequential().predict(X), ConfigurationError, "no layers"),
    "compile empty": (lambda m: Sequential().compile(), ConfigurationError, "no layers"),
    "not built": (lambda m: Sequential([Dense(2)]).get_weights(), ConfigurationError, "input_dim"),
    "optimizer": (lambda m: m.compile("adm"), UnknownNameError, "'adam'"),
    "loss": (lambda m: m.compile(loss="binary_crossentropi"), UnknownNameError, "'binary_cross"),
    "metric": (lambda m: m.compile(metrics=["acuracy"]), UnknownNameError, "'accuracy'"),
    "rate": (lambda m: m.compile(learning_rate=-1), ConfigurationError, "positive"),
    "activation": (lambda m: Dense(2, activation="sigmod"), UnknownNameError, "'sigmoid'"),
    "regularizer": (lambda m: Dense(2, kernel_regularizer=0.1), ConfigurationError, "l1"),
    "regularizer name": (lambda m: Dense(2, kernel_regularizer="l3"), UnknownNameError, "'l1'|'l2'"),
    "initializer": (
        lambda m: Sequential([Dense(2, kernel_initializer="he_norml", input_dim=1)]).model,
        UnknownNameError,
        "'he_normal'",
    ),
    "image": (lambda m: Dense(2, input_shape=(28, 28)), ConfigurationError, "vectors"),
    "both": (lambda m: Dense(2, input_shape=(3,), input_dim=4), ConfigurationError, "one of them"),
    "not a layer": (lambda m: Sequential([3]), ConfigurationError, "Dense"),
    "input in the middle": (
        lambda m: Sequential([Dense(2, input_dim=3), Dense(2, input_dim=3)]),
        ConfigurationError,
        "input_dim=3",
    ),
    "labels for one-hot": (
        lambda m: compiled("categorical_crossentropy").fit(X, LABELS),
        DataError,
        "sparse_categorical_crossentropy",
    ),
    "label": (lambda m: m.fit(X, LABELS + 1), DataError, "label 2"),
    "lengths": (lambda m: m.fit(X, LABELS[:9]), ShapeError, "60 samples but y has 9"),
    "features": (lambda m: m.predict(np.ones((4, 3))), ShapeError, "3 features"),
    "split": (lambda m: m.fit(X, LABELS, validation_split=1.5), ConfigurationError, "validation_split"),
    "initial epoch": (lambda m: m.fit(X, LABELS, initial_epoch=1), ConfigurationError, "initial_epoch"),
    "epochs": (lambda m: m.fit(X, LABELS, epochs=0), ConfigurationError, "epochs"),
    "class weight": (lambda m: m.fit(X, LABELS, class_weight={0: 1}), ConfigurationError, "class 1"),
    "class names": (lambda m: m.fit(X, LABELS.astype(str), class_weight={0: 1}), DataError, "numbers"),
    "weights": (lambda m: m.set_weights([np.ones((2, 8))]), ShapeError, r"\(2, 8\), \(8,\)"),
    "NaN": (lambda m: m.set_weights([w * np.nan for w in m.get_weights()]), DataError, "NaN"),
    "callback": (lambda m: m.fit(X, LABELS, callbacks=[print]), ConfigurationError, "Callback"),
    "monitor": (
        lambda m: m.fit(X, LABELS, callbacks=[EarlyStopping("val_los")], verbose=0),
        UnknownNameError,
        "'loss'",
    ),
    "mode": (lambda m: EarlyStopping(mode="maximum"), UnknownNameError, "'max'"),
}


@pytest.mark.parametrize(("do", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_errors(do, error, message):
    with pytest.raises(error, match=message) as caught:
        do(compiled())
    assert isinstance(caught.value, ChainruleError)
