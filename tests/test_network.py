"""Networks: strings, JSON, names and groups, layers against NumPy, the cost, and the place of 1/m."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

import chainrule.ops as o
from chainrule.errors import ChainruleError, ConfigurationError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import variable
from chainrule.nn import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    Objective,
    Skip,
    loss,
)
from chainrule.train import Model, Settings, Trainer

RNG = np.random.default_rng(3)
M = 6

# --- network strings -------------------------------------------------------------------------------------------------

STRINGS = {
    "4-3": (Dense(3),),
    "4-3:softmax": (Dense(3, "softmax"),),
    "784-128:relu-10:softmax": (Dense(128, "relu"), Dense(10, "softmax")),
    "5-4:tanh:dropout=0.25-2": (Dense(4, "tanh"), Dropout(0.25), Dense(2)),
    "5-4:dropout=0.1-2:sigmoid": (Dense(4), Dropout(0.1), Dense(2, "sigmoid")),
    "5-4:batchnorm:relu-2": (Dense(4), BatchNorm(), Activate("relu"), Dense(2)),
    "5-4:batchnorm:relu:dropout=0.5-2": (Dense(4), BatchNorm(), Activate("relu"), Dropout(0.5), Dense(2)),
    "5-4:layernorm-2": (Dense(4), LayerNorm(), Dense(2)),
    "1-1": (Dense(1),),
}


@pytest.mark.parametrize("text", STRINGS)
def test_strings_are_read_and_printed(text: str) -> None:
    network = Network.parse(text)
    assert network.inputs == int(text.split("-")[0])
    assert network.layers == STRINGS[text]
    assert str(network) == text
    assert Network.parse(str(network)) == network


def test_strings_may_be_written_loosely() -> None:
    assert Network.parse(" 4 - 3 : relu - 2 ") == Network.parse("4-3:relu-2")
    assert Network.parse("4-3:relu:batchnorm-2") == Network.parse("4-3:batchnorm:relu-2")  # one place for the norm
    rate = 0.12345678912345678
    assert Network.parse(str(Network(2, (Dense(3), Dropout(rate))))).layers[1] == Dropout(rate)


@pytest.mark.parametrize("alias", ["linear", "logistic", "swish"])
def test_other_names_of_activations(alias: str) -> None:
    network = Network.parse(f"4-3:{alias}")
    assert Network.parse(str(network)) == network
    Z = RNG.normal(size=(3, M))
    values = {"A[0]": RNG.normal(size=(4, M)), "W[1]": np.zeros((3, 4)), "b[1]": np.zeros((3, 1))}
    got = evaluate(network.forward(training=False).output, values)
    assert got.shape == Z.shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["''", "784-128:relu-10:softmax"]),
        ("4", ["'4'", "at least one layer"]),
        ("4-", ["''", "does not begin with a width"]),
        ("4--3", ["does not begin with a width"]),
        ("x-3", ["'x'", "does not begin with a width"]),
        ("1000000000-3", ["'1000000000'", "more than any machine can hold"]),
        ("4-3.5", ["'3.5'"]),
        ("4-0", ["'0'"]),
        ("0-4", ["'0'"]),
        ("4-9999999999", ["'9999999999'"]),
        ("4:relu-3", ["the first width is the input"]),
        ("4-3:rellu", ["rellu", "did you mean 'relu'"]),
        ("4-3:", ["nothing after a ':'"]),
        ("4-3:dropout=2", ["dropout=2", "[0, 1)"]),
        ("4-3:dropout=nan", ["dropout=nan", "[0, 1)"]),
        ("4-3:dropout", ["dropout=0.1"]),
        ("4-3:dropout=x", ["dropout=x", "dropout=0.1"]),
        ("4-3:relu:tanh", ["'tanh'", "second choice"]),
        ("4-3:batchnorm:layernorm", ["'layernorm'", "second choice"]),
        ("4-3:dropout=0.1:dropout=0.2", ["dropout=0.2", "second choice"]),
        ("99999999-99999999", ["W[1]", "99999999 × 99999999", "GiB"]),
    ],
)
def test_strings_that_cannot_be_read(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as e:
        Network.parse(text)
    assert all(w in str(e.value) for w in words), str(e.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Network(0, (Dense(2),)), ["0 inputs"]),
        (lambda: Network(2.5, (Dense(2),)), ["2.5 inputs"]),  # type: ignore[arg-type]
        (lambda: Network(2, ()), ["no dense layer"]),
        (lambda: Network(2, (Dropout(0.5),)), ["no dense layer"]),
        (lambda: Dense(0), ["0 units"]),
        (lambda: Dense(2.0), ["2.0 units"]),  # type: ignore[arg-type]
        (lambda: Dense(2, "rellu"), ["did you mean 'relu'"]),
        (lambda: Dense(2, l1=-1), ["l1=-1"]),
        (lambda: Dense(2, l2=float("nan")), ["l2=nan"]),
        (lambda: Dense(2, l2=float("inf")), ["l2=inf"]),
        (lambda: Dropout(1.0), ["1.0", "[0, 1)"]),
        (lambda: Dropout(-0.1), ["-0.1"]),
        (lambda: BatchNorm(momentum=1.0), ["momentum 1.0"]),
        (lambda: BatchNorm(epsilon=0), ["epsilon 0"]),
        (lambda: LayerNorm(epsilon=-1), ["epsilon -1"]),
        (lambda: Activate("rellu"), ["did you mean 'relu'"]),
        (lambda: Network(3, (Skip((Dense(2),)), Dense(2))), ["3 × m", "2 × m", "3 units"]),
    ],
)
def test_networks_that_cannot_be(make: Any, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as e:
        make()
    assert all(w in str(e.value) for w in words), str(e.value)


# --- JSON -----------------------------------------------------------------------------------------------------------

EVERY_LAYER = Network(
    5,
    (
        Dense(4, "relu", initializer="orthogonal", l1=0.1, l2=0.2),
        Dropout(0.1),
        Skip((Dense(4, "tanh", bias=False), LayerNorm(epsilon=1e-3), Skip((Dense(4),)))),
        Dense(3),
        BatchNorm(momentum=0.5, epsilon=1e-4),
        Activate("elu"),
        Dense(2, "softmax"),
    ),
    embeddings=((7, 2), (3, 1)),
)


@pytest.mark.parametrize("network", [EVERY_LAYER, *map(Network.parse, STRINGS)], ids=str)
def test_json_round_trip(network: Network) -> None:
    text = json.dumps(network.to_json(), allow_nan=False)
    again = Network.from_json(json.loads(text))
    assert again == network
    assert again.to_json() == network.to_json()
    a, b = network.forward(training=True), again.forward(training=True)
    assert a.output is b.output  # hash-consed: the very same graph
    assert a.parameters == b.parameters


def _changed(path: list[Any], value: Any) -> dict[str, Any]:
    d = json.loads(json.dumps(EVERY_LAYER.to_json()))
    at: Any = d
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return d


@pytest.mark.parametrize(
    ("d", "words"),
    [
        (_changed(["layers", 0, "kind"], "dens"), ["dens", "did you mean 'dense'"]),
        (_changed(["layers", 0, "kind"], ["dense"]), ["layer"]),
        (_changed(["layers", 0, "units"], 0), ["0 units"]),
        (_changed(["layers", 0, "units"], "4"), ["'4' units"]),
        (_changed(["layers", 0, "unit"], 4), ["unit", "did you mean 'units'"]),
        (_changed(["layers", 0, "l1"], "much"), ["dense"]),
        (_changed(["layers", 1, "rate"], 1.5), ["1.5"]),
        (_changed(["layers", 2, "layers"], 5), ["cannot be read"]),
        (_changed(["layers"], {}), ["no dense layer"]),
        (_changed(["layers"], None), ["cannot be read"]),
        (_changed(["inputs"], "5"), ["'5' inputs"]),
        (_changed(["embeddings"], [[7]]), ["cannot be read"]),
        (_changed(["embeddings"], [[0, 2]]), ["E[1]"]),
        (_changed(["embeddings"], 3), ["cannot be read"]),
        ({}, ["cannot be read"]),
        ({"inputs": 3, "layers": [7]}, ["cannot be read"]),
        ({"inputs": 3, "layers": [{}]}, ["layer"]),
        ({"inputs": 3, "layers": [{"kind": "dense"}]}, ["dense"]),
    ],
)
def test_json_that_cannot_be_read(d: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ChainruleError) as e:
        Network.from_json(d)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_a_function_cannot_be_written_as_json() -> None:
    def bent(Z: Any) -> Any:
        return Z * o.sigmoid(Z)

    network = Network(2, (Dense(3, bent), Dense(1)))
    assert "bent" in str(network)
    with pytest.raises(ConfigurationError, match="bent"):
        network.to_json()


# --- names and groups ------------------------------------------------------------------------------------------------


def test_names_of_the_equations() -> None:
    graph = Network.parse("4-3:tanh-2:softmax").forward(training=True).graph
    assert list(graph) == ["Z[1]", "A[1]", "Z[2]", "A[2]"]
    assert graph.equation("Z[1]") == "Z[1] = W[1] @ A[0] + b[1]"
    assert graph.equation("A[1]") == "A[1] = tanh(Z[1])"
    assert graph.equation("Z[2]") == "Z[2] = W[2] @ A[1] + b[2]"
    assert graph["A[1]"].shape == (3, "m")
    assert set(graph.variables) == {"A[0]", "W[1]", "b[1]", "W[2]", "b[2]"}
    assert graph.groups == {"layer 1": ("Z[1]", "A[1]"), "layer 2": ("Z[2]", "A[2]")}


def test_names_of_every_kind_of_layer() -> None:
    forward = EVERY_LAYER.forward(training=True)
    names = list(forward.graph)
    assert {"D[1]", "A[1d1]", "R[1]", "R[2]", "mu[1]", "v[1]", "Xhat[1]", "N[1]", "mu[2]", "v[2]", "N[2]", "A[4']"} <= {
        *names
    }
    assert len(set(names)) == len(names)
    assert list(forward.parameters) == [
        *("W[1]", "V[1]", "E[1]", "V[2]", "E[2]", "b[1]", "W[2]", "gamma[1]", "beta[1]", "W[3]", "b[3]"),
        *("W[4]", "b[4]", "gamma[2]", "beta[2]", "W[5]", "b[5]"),
    ]
    assert {n for n, p in forward.parameters.items() if not p.decays} == {
        *("b[1]", "gamma[1]", "beta[1]", "b[3]", "b[4]", "gamma[2]", "beta[2]", "b[5]")
    }
    shapes = {n: (p.rows, p.cols) for n, p in forward.parameters.items()}
    assert shapes["W[1]"] == (4, 5)
    assert shapes["V[1]"] == (4, 2)
    assert shapes["E[1]"] == (2, 7)
    assert shapes["E[2]"] == (1, 3)
    assert shapes["gamma[2]"] == (3, 1)
    assert forward.state == {"mean[2]": (3, 0.0), "var[2]": (3, 1.0)}
    assert forward.output.shape == (2, "m")


def test_groups_are_drawn_closed_or_open() -> None:
    graph = Network.parse("4-3:tanh-2:softmax").forward(training=True).graph
    closed = graph.collapsed()
    assert ("layer 1", "layer 2") in closed
    assert ("A[0]", "layer 1") in closed
    assert not {"Z[1]", "A[1]", "Z[2]", "A[2]"} & {x for arrow in closed for x in arrow}
    opened = graph.edges({"layer 1"})
    assert ("Z[1]", "A[1]") in opened
    assert ("A[1]", "layer 2") in opened
    every = graph.edges()
    assert ("Z[2]", "A[2]") in every
    assert not any("layer" in x for arrow in every for x in arrow)
    normed = Network.parse("4-3:batchnorm:relu-2").forward(training=True).graph
    assert ("layer 1", "batch norm 1") in normed.collapsed()


# --- layers against NumPy --------------------------------------------------------------------------------------------


def numbers(network: Network, seed: int = 1, m: int = M) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    forward = network.forward(training=True)
    values = {n: rng.normal(size=(p.rows, p.cols)) for n, p in forward.parameters.items()}
    values |= {n: rng.uniform(0.5, 2, size=(r, 1)) for n, (r, _) in forward.state.items()}
    values |= {f"c[{k}]": rng.integers(0, levels, (1, m)) for k, (levels, _) in enumerate(network.embeddings, 1)}
    return {**values, "A[0]": rng.normal(size=(network.inputs, m)), "seed": np.array([[5]]), "step": np.array([[2]])}


def output(network: Network, values: dict[str, Any], *, training: bool = False) -> Any:
    return evaluate(network.forward(training=training).output, values)


def test_dense_layers() -> None:
    network = Network.parse("4-3:sigmoid-2")
    v = numbers(network)
    A = 1 / (1 + np.exp(-(v["W[1]"] @ v["A[0]"] + v["b[1]"])))
    np.testing.assert_allclose(output(network, v), v["W[2]"] @ A + v["b[2]"], rtol=1e-13)
    bare = Network(4, (Dense(3, "sigmoid", bias=False),))
    assert list(bare.forward(training=True).parameters) == ["W[1]"]
    np.testing.assert_allclose(output(bare, v), 1 / (1 + np.exp(-(v["W[1]"] @ v["A[0]"]))), rtol=1e-13)


def test_a_function_as_activation() -> None:
    network = Network(4, (Dense(3, lambda Z: Z * Z + 1),))
    v = numbers(network)
    np.testing.assert_allclose(output(network, v), (v["W[1]"] @ v["A[0]"] + v["b[1]"]) ** 2 + 1, rtol=1e-13)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(training: bool) -> None:
    network = Network(4, (Dense(3), BatchNorm(momentum=0.8, epsilon=1e-3)))
    v = numbers(network)
    Z = v["W[1]"] @ v["A[0]"] + v["b[1]"]
    mu, var = (Z.mean(1, keepdims=True), Z.var(1, keepdims=True)) if training else (v["mean[1]"], v["var[1]"])
    wanted = v["gamma[1]"] * (Z - mu) / np.sqrt(var + 1e-3) + v["beta[1]"]
    np.testing.assert_allclose(output(network, v, training=training), wanted, rtol=1e-12)
    if training:
        forward = network.forward(training=True)
        np.testing.assert_allclose(
            evaluate(forward.updates["mean[1]"], v), 0.8 * v["mean[1]"] + 0.2 * mu, rtol=1e-13, atol=1e-15
        )
        np.testing.assert_allclose(evaluate(forward.updates["var[1]"], v), 0.8 * v["var[1]"] + 0.2 * var, rtol=1e-13)
    else:
        assert not network.forward(training=False).updates


def test_running_statistics_after_steps_of_training() -> None:
    model = Model(Network(3, (Dense(2), BatchNorm(momentum=0.7), Activate("tanh"), Dense(1))), "quadratic")
    X, y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 1))
    mean, var = np.zeros((2, 1)), np.ones((2, 1))
    W, b = (model.parameters[n].copy() for n in ("W[1]", "b[1]"))
    trainer = Trainer(
        model, model.samples(X, y), settings=Settings(epochs=2, batch_size=4, shuffle=False, learning_rate=1e-300)
    )
    trainer.run()
    for _ in range(2):
        for part in (slice(0, 4), slice(4, 8), slice(8, 10)):
            Z = W @ X[part].T + b
            mean = 0.7 * mean + 0.3 * Z.mean(1, keepdims=True)
            var = 0.7 * var + 0.3 * Z.var(1, keepdims=True)
    np.testing.assert_allclose(model.state["mean[1]"], mean, rtol=1e-12)
    np.testing.assert_allclose(model.state["var[1]"], var, rtol=1e-12)
    Z = W @ X.T + b
    A = np.tanh((Z - mean) / np.sqrt(var + 1e-5))
    np.testing.assert_allclose(model.predict(X), (model.parameters["W[2]"] @ A + model.parameters["b[2]"]).T, rtol=1e-9)


def test_a_gradient_or_a_prediction_moves_no_running_statistics() -> None:
    model = Model("3-2:batchnorm:tanh-1", "quadratic")
    samples = model.samples(RNG.normal(size=(5, 3)), RNG.normal(size=(5, 1)))
    before = {n: v.copy() for n, v in model.state.items()}
    model.gradient(samples)
    model.predict(samples.X)
    model.loss(samples)
    for name, value in before.items():
        np.testing.assert_array_equal(model.state[name], value)


def test_layer_norm() -> None:
    network = Network(4, (Dense(3), LayerNorm(epsilon=1e-2)))
    v = numbers(network)
    Z = v["W[1]"] @ v["A[0]"] + v["b[1]"]
    wanted = v["gamma[1]"] * (Z - Z.mean(0)) / np.sqrt(Z.var(0) + 1e-2) + v["beta[1]"]
    for training in (True, False):
        np.testing.assert_allclose(output(network, v, training=training), wanted, rtol=1e-12)


def mask(network: Network, seed: int, step: int, name: str = "D[1]", m: int = M) -> Any:
    v = {**numbers(network, m=m), "seed": np.array([[seed]]), "step": np.array([[step]])}
    forward = network.forward(training=True)
    return evaluate([forward.graph[name], forward.output], v)[0]  # m is read off the inputs of the second


def test_the_dropout_mask_is_a_function_of_seed_step_and_stream() -> None:
    network = Network(2, (Dense(8), Dropout(0.5), Dense(8), Dropout(0.5), Dense(1)))
    one = mask(network, 7, 3)
    np.testing.assert_array_equal(one, mask(network, 7, 3))
    np.testing.assert_array_equal(one, mask(Network(2, (Dense(8), Dropout(0.5))), 7, 3))
    for other in (mask(network, 8, 3), mask(network, 7, 4), mask(network, 7, 3, "D[2]")):
        assert 0.2 < (one != other).mean() < 0.8
    # a partial last batch draws the first samples' part of the same mask
    np.testing.assert_array_equal(mask(network, 7, 3, m=3), one[:, :3])


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_expectation(rate: float) -> None:
    network = Network(2, (Dense(40, lambda Z: 0 * Z + 1), Dropout(rate)))
    m = 2000
    forward = network.forward(training=True)
    out = evaluate([forward.output, forward.graph["Z[1]"]], numbers(network, m=m))[0]
    np.testing.assert_allclose(out[out != 0], 1 / (1 - rate), rtol=1e-14)
    kept = (out > 0).mean()
    deviation = np.sqrt(rate * (1 - rate) / out.size)
    assert abs(kept - (1 - rate)) <= 5 * deviation
    assert out.mean() == pytest.approx(1, abs=5 * deviation / (1 - rate) + 1e-12)


def test_dropout_is_off_at_prediction() -> None:
    with_it = Network(3, (Dense(4, "tanh"), Dropout(0.5), Dense(2)))
    without = Network(3, (Dense(4, "tanh"), Dense(2)))
    assert with_it.forward(training=False).output is without.forward(training=False).output
    assert with_it.forward(training=True).output is not without.forward(training=True).output
    assert (
        Network(3, (Dense(4, "tanh"), Dropout(0.0), Dense(2))).forward(training=True).output
        is without.forward(training=True).output
    )


def test_the_dropped_units_are_scaled() -> None:
    network = Network(3, (Dense(4, "tanh"), Dropout(0.4), Dense(2)))
    v = numbers(network)
    A = np.tanh(v["W[1]"] @ v["A[0]"] + v["b[1]"]) * mask(network, 5, 2)
    np.testing.assert_allclose(output(network, v, training=True), v["W[2]"] @ A + v["b[2]"], rtol=1e-12)


def test_embeddings_are_dense_layers_on_one_hot_inputs() -> None:
    network = Network(4, (Dense(3, "tanh"), Dense(2)), embeddings=((5, 2), (3, 1)))
    v = numbers(network)
    hot = [np.eye(levels)[:, v[f"c[{k}]"][0]] for k, (levels, _) in enumerate(network.embeddings, 1)]
    wide = {
        "A[0]": np.vstack([v["A[0]"], *hot]),
        "W[1]": np.hstack([v["W[1]"], v["V[1]"] @ v["E[1]"], v["V[2]"] @ v["E[2]"]]),
        **{n: v[n] for n in ("b[1]", "W[2]", "b[2]")},
    }
    np.testing.assert_allclose(output(network, v), output(Network.parse("12-3:tanh-2"), wide), rtol=1e-12)


def test_embeddings_in_a_model() -> None:
    network = Network(2, (Dense(3, "tanh"), Dense(2)), embeddings=((5, 2), (3, 1)))
    model = Model(network, "quadratic", seed=2)
    X, codes = RNG.normal(size=(M, 2)), np.column_stack([RNG.integers(0, 5, M), RNG.integers(0, 3, M)])
    v = {**model.parameters, "A[0]": X.T, "c[1]": codes[:, :1].T, "c[2]": codes[:, 1:].T}
    np.testing.assert_allclose(model.predict(X, codes), output(network, v).T, rtol=1e-12)
    for bad in (codes[:, :1], codes + 5, codes - 9):
        with pytest.raises(ChainruleError, match="codes"):
            model.predict(X, bad)


def test_skip_connections() -> None:
    network = Network(4, (Dense(3, "tanh"), Skip((Dense(3, "relu"), Dense(3))), Dense(2)))
    v = numbers(network)
    A = np.tanh(v["W[1]"] @ v["A[0]"] + v["b[1]"])
    F = v["W[3]"] @ np.maximum(v["W[2]"] @ A + v["b[2]"], 0) + v["b[3]"]
    np.testing.assert_allclose(output(network, v), v["W[4]"] @ (A + F) + v["b[4]"], rtol=1e-12)
    assert network.outputs == 2


# --- initial parameters ----------------------------------------------------------------------------------------------


def test_initial_parameters() -> None:
    values = EVERY_LAYER.initial(np.random.default_rng(4))
    again = EVERY_LAYER.initial(np.random.default_rng(4))
    assert list(values) == list(EVERY_LAYER.forward(training=True).parameters)
    for name, value in values.items():
        assert value.flags.f_contiguous
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value, again[name])
    assert (values["gamma[1]"] == 1).all()
    assert (values["beta[1]"] == 0).all()
    assert (values["b[1]"] == 0).all()
    np.testing.assert_allclose(values["W[1]"] @ values["W[1]"].T, np.eye(4), atol=1e-12)
    wide = Network.parse("400-300:relu-200:tanh-100:selu").initial(np.random.default_rng(0))
    assert wide["W[1]"].std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert wide["W[2]"].std() == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    assert wide["W[3]"].std() == pytest.approx(np.sqrt(1 / 200), rel=0.02)
    with pytest.raises(UnknownNameError, match="he_normal"):
        Network(2, (Dense(2, initializer="he_norml"),)).initial(np.random.default_rng(0))


# --- the cost -------------------------------------------------------------------------------------------------------


def parts(objective: Objective, values: dict[str, Any]) -> list[float]:
    found = objective.parts(objective.network.forward(training=True))
    assert found[2] is not None
    return [float(array[0, 0]) for array in evaluate([x for x in found if x is not None], values)]


def test_the_parts_of_the_cost() -> None:
    network = Network(3, (Dense(4, "tanh", l1=0.3, l2=0.7), Dense(2, l2=0.2)))
    v = numbers(network)
    v["Y"], v["w"] = RNG.normal(size=(2, M)), RNG.uniform(0.5, 2, size=(1, M))
    per_sample = ((output(network, v) - v["Y"]) ** 2).sum(0) / 2
    R = 0.3 * np.abs(v["W[1]"]).sum() + 0.35 * (v["W[1]"] ** 2).sum() + 0.1 * (v["W[2]"] ** 2).sum()
    w = v["w"][0]
    for weighted in (False, True):
        for spread in (False, True):
            objective = Objective(network, loss("quadratic"), weighted=weighted, spread=spread)
            S, scale = (w @ per_sample, 1 / w.sum()) if weighted else (per_sample.sum(), 1 / M)
            penalty = R * scale if spread else R
            np.testing.assert_allclose(parts(objective, v), [S, scale, penalty], rtol=1e-12)
            J = evaluate(objective.cost(network.forward(training=True)), v)
            np.testing.assert_allclose(J, [[S * scale + penalty]], rtol=1e-12)


def test_no_penalty_is_none() -> None:
    objective = Objective(Network.parse("3-2"), loss("quadratic"))
    assert objective.parts(objective.network.forward(training=True))[2] is None


def test_biases_and_norms_are_not_penalized() -> None:
    network = Network(3, (Dense(4, l1=1, l2=1), BatchNorm(), Activate("relu"), Dense(1)))
    _, _, R = Objective(network, loss("quadratic")).parts(network.forward(training=True))
    v = numbers(network)
    assert evaluate(R, v)[0, 0] == pytest.approx(np.abs(v["W[1]"]).sum() + (v["W[1]"] ** 2).sum() / 2)


def test_embedded_weights_are_penalized_with_the_layer() -> None:
    network = Network(3, (Dense(2, l2=1),), embeddings=((4, 2),))
    _, _, R = Objective(network, loss("quadratic")).parts(network.forward(training=True))
    v = numbers(network)
    assert evaluate(R, v)[0, 0] == pytest.approx(((v["W[1]"] ** 2).sum() + (v["V[1]"] ** 2).sum()) / 2)


def test_labels_and_their_one_hot_matrix_cost_the_same() -> None:
    network = Network.parse("3-4:tanh-5:softmax")
    v = numbers(network)
    v["y"] = RNG.integers(0, 5, (1, M))
    v["Y"] = np.eye(5)[:, v["y"][0]]
    forward = network.forward(training=True)
    labels = Objective(network, loss("cross_entropy"), labels=True)
    matrix = Objective(network, loss("cross_entropy"))
    assert labels.target is variable("y", 1, "m", kind="label")
    assert matrix.target.shape == (5, "m")
    a, b = (float(evaluate(x.cost(forward), v)[0, 0]) for x in (labels, matrix))
    picked = output(network, v)[v["y"][0], np.arange(M)]
    assert a == pytest.approx(-np.log(picked).mean(), rel=1e-12)
    assert b == pytest.approx(a, rel=1e-14)


# --- the place of 1/m ------------------------------------------------------------------------------------------------


def test_the_derivation_prints_as_the_textbook() -> None:
    found = Model("3-4:sigmoid-2:softmax").derivation()
    assert found.equation("dZ[2]") == "dZ[2] = A[2] - Y"
    assert found.equation("dA[1]") == "dA[1] = W[2].T @ dZ[2]"
    assert found.equation("dZ[1]") == "dZ[1] = dA[1] * A[1] * (1 - A[1])"
    assert found.equation("dW[2]") == "dW[2] = 1/m * dZ[2] @ A[1].T"
    assert found.equation("dW[1]") == "dW[1] = 1/m * dZ[1] @ A[0].T"
    assert found.equation("db[2]") == "db[2] = 1/m * sum(dZ[2], axis=1)"
    assert found.equation("db[1]") == "db[1] = 1/m * sum(dZ[1], axis=1)"


def test_the_derivation_with_1_m_in_dz() -> None:
    found = Model("3-4:sigmoid-2:softmax").derivation("dZ")
    assert found.equation("dZ[2]") == "dZ[2] = 1/m * (A[2] - Y)"
    assert found.equation("dA[1]") == "dA[1] = W[2].T @ dZ[2]"
    assert found.equation("dW[2]") == "dW[2] = dZ[2] @ A[1].T"
    assert found.equation("dW[1]") == "dW[1] = dZ[1] @ A[0].T"
    assert found.equation("db[1]") == "db[1] = sum(dZ[1], axis=1)"


def test_binary_cross_entropy_and_the_square_print_as_the_textbook() -> None:
    assert Model("3-4:tanh-1:sigmoid").derivation().equation("dZ[2]") == "dZ[2] = A[2] - Y"
    found = Model("3-4:tanh-2", "quadratic").derivation()
    assert found.equation("dZ[2]") == "dZ[2] = A[2] - Y"
    assert found.equation("dZ[1]") == "dZ[1] = dA[1] * (1 - A[1] * A[1])"


def test_labels_are_read_where_the_one_hot_matrix_would_stand() -> None:
    found = Model("3-4:tanh-2:softmax", labels=True).derivation()
    assert found.equation("dZ[2]") == "dZ[2] = A[2] - onehot(y)"
    assert found.equation("dW[2]") == "dW[2] = 1/m * dZ[2] @ A[1].T"


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_both_places_give_one_gradient(weighted: bool, spread: bool) -> None:
    network = Network(
        3,
        (
            Dense(4, "tanh", l1=0.1, l2=0.3),
            Dropout(0.3),
            Skip((Dense(4, "sigmoid", l2=0.1),)),
            Dense(3),
            BatchNorm(),
            Activate("elu"),
            Dense(2, "softmax"),
        ),
        embeddings=((4, 2),),
    )
    model = Model(network, weighted=weighted, spread=spread, seed=3)
    model.theta[...] += 0.1 * np.random.default_rng(0).normal(size=model.theta.shape)
    Y = RNG.dirichlet(np.ones(2), size=M)
    samples = model.samples(
        RNG.normal(size=(M, 3)), Y, RNG.uniform(0.5, 2, M) if weighted else None, RNG.integers(0, 4, (M, 1))
    )
    _, gradient = model.gradient(samples)
    values = model.values(samples)
    places = {place: model.derivation(place) for place in ("parameters", "dZ")}
    for name in model.parameters:
        for found in places.values():
            np.testing.assert_allclose(evaluate(found[f"d{name}"], values), gradient[name], rtol=1e-10, atol=1e-13)
    scale = 1 / samples.weights.sum() if weighted else 1 / M
    for name in ("dZ[4]", "dA[1]", "dZ[1]", "dA[0]"):
        per_sample, mean = (evaluate(places[p][name], values) for p in ("parameters", "dZ"))
        np.testing.assert_allclose(per_sample * scale, mean, rtol=1e-10, atol=1e-14)


def test_per_sample_cotangents_do_not_depend_on_the_other_samples() -> None:
    model = Model("3-4:tanh-2:softmax", seed=1)
    X, Y = RNG.normal(size=(M, 3)), RNG.dirichlet(np.ones(2), size=M)
    found = model.derivation()
    whole = evaluate(found["dZ[1]"], model.values(model.samples(X, Y)))
    for j in range(M):
        alone = evaluate(found["dZ[1]"], model.values(model.samples(X[j : j + 1], Y[j : j + 1])))
        np.testing.assert_allclose(alone, whole[:, j : j + 1], rtol=1e-12)


def test_networks_are_values() -> None:
    assert hash(Network.parse("4-3:relu-2")) == hash(Network.parse("4-3:relu-2"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Network.parse("4-3").inputs = 5  # type: ignore[misc]


def test_a_long_network_string_is_not_repeated_whole() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Network.parse("4-" + "9" * 5000 + "-2")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda Z: np.tanh(Z), "does not take an expression"),
        (lambda Z: Z.relu(), "does not take an expression"),
        (lambda Z: 3, "returned int"),
        (lambda Z: None, "returned NoneType"),
        (lambda Z: o.total(Z, axis=0), "makes 1 × m of 2 × m"),
    ],
)
def test_an_activation_that_is_no_expression_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ChainruleError, match=said):
        Network(3, (Dense(2, wrong), Dense(1)))
    with pytest.raises(ChainruleError, match=said):
        Network(3, (Dense(2), Activate(wrong), Dense(1)))


def test_a_soft_max_of_one_unit_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="constant 1 and learns nothing"):
        Model("3-2:tanh-1:softmax")
