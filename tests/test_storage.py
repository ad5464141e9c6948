"""Models as files: the same bits back, for every kind of layer; what cannot be saved or read is said."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.ops as o
from chainrule.errors import ChainruleError, ConfigurationError, ModelFileError
from chainrule.files import bundle as bundle_module
from chainrule.files import load_bundle, save_bundle
from chainrule.graph import Shape, constant
from chainrule.nn import LOSSES, Activate, BatchNorm, Dense, Dropout, LayerNorm, Loss, Network, Skip, initializer, loss
from chainrule.nn.layers import LAYERS
from chainrule.ops import ACTIVATIONS
from chainrule.train import Model, Settings, fit, load_model, save_model
from chainrule.train.storage import describe

RNG = np.random.default_rng(21)
N = 12
X = RNG.normal(size=(N, 5))
CODES = np.column_stack([RNG.integers(0, 4, N), RNG.integers(0, 3, N)])

NETWORKS = {
    "dense": Network.parse("5-4:relu-3"),
    "without biases": Network(5, (Dense(4, "tanh", bias=False), Dense(3, bias=False))),
    "penalties and initializers": Network(
        5, (Dense(4, "elu", initializer="orthogonal", l1=0.1, l2=0.25), Dense(3, initializer="lecun_normal"))
    ),
    "dropout": Network.parse("5-4:relu:dropout=0.3-3"),
    "batch norm": Network(5, (Dense(4), BatchNorm(momentum=0.7, epsilon=1e-4), Activate("selu"), Dense(3))),
    "layer norm": Network(5, (Dense(4), LayerNorm(epsilon=1e-3), Activate("gelu"), Dense(3))),
    "skip": Network(5, (Dense(4, "mish"), Skip((Dense(4, "silu"), Skip((Dense(4), LayerNorm())))), Dense(3))),
    "embeddings": Network(5, (Dense(4, "tanh"), Dense(3)), embeddings=((4, 2), (3, 1))),
    "one unit": Network(5, (Dense(1), Dense(1), Dense(3))),
    "aliases": Network(5, (Dense(4, "logistic"), Dense(3, "linear"))),
}


def model_of(network: Network, dtype: Any = np.float64, seed: int = 3, **kind: Any) -> Model:
    """A model whose numbers, running statistics too, are none that a fresh one has."""
    model = Model(network, kind.pop("loss", "quadratic"), dtype=dtype, seed=seed, **kind)
    rng = np.random.default_rng(seed)
    model.theta[...] = rng.normal(size=model.theta.shape)
    for value in model.state.values():
        value[...] = rng.uniform(0.1, 3, size=value.shape)
    return model


def same(a: Model, b: Model) -> None:
    assert a.dtype == b.dtype
    assert a.theta.tobytes() == b.theta.tobytes()
    assert list(a.parameters) == list(b.parameters)
    assert a.state.keys() == b.state.keys()
    for n in a.state:
        assert a.state[n].tobytes() == b.state[n].tobytes()
    assert a.network == b.network
    assert a.cost_expression is b.cost_expression  # hash-consed: the same graph, with all numbers of loss and penalties
    codes = CODES if a.network.embeddings else None
    assert a.predict(X, codes).tobytes() == b.predict(X, codes).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_layer_comes_back(tmp_path: Path, name: str, dtype: Any) -> None:
    model = model_of(NETWORKS[name], dtype)
    extra = {"scaler": {"mean": [1.5, 2.0]}, "classes": ["a", "b", "ü"], "nothing": None}
    save_model(tmp_path / "m", model, extra)
    again, found = load_model(tmp_path / "m")
    same(model, again)
    assert found == extra
    save_model(tmp_path / "again", again, found)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_every_layer_is_among_them() -> None:
    kinds = {json.dumps(n.to_json()) for n in NETWORKS.values()}
    for kind in LAYERS:
        assert any(f'"kind": "{kind}"' in text for text in kinds), kind


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_comes_back(tmp_path: Path, activation: str) -> None:
    model = model_of(Network(5, (Dense(4, activation), Dense(3))))
    save_model(tmp_path / "m", model)
    same(model, load_model(tmp_path / "m")[0])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("flags", [{}, {"weighted": True}, {"spread": True, "weighted": True}])
def test_every_loss_comes_back(tmp_path: Path, name: str, flags: dict[str, bool]) -> None:
    last = LOSSES[name].output_activation
    model = model_of(Network(5, (Dense(4, "tanh", l2=0.5), Dense(3, last))), loss=name, **flags)
    save_model(tmp_path / "m", model)
    again = load_model(tmp_path / "m")[0]
    same(model, again)
    assert again.objective == model.objective
    assert again.inputs == model.inputs


@pytest.mark.parametrize(
    "chosen",
    [
        loss("cross_entropy", label_smoothing=0.1, class_weights=[0.5, 1, 3]),
        loss("binary_cross_entropy", label_smoothing=0.05, class_weights=2.5),
        loss("binary_cross_entropy", class_weights=[1, 2, 3]),
        loss("huber", delta=0.7),
        loss("mse"),
    ],
)
def test_the_numbers_of_a_loss_come_back(tmp_path: Path, chosen: Loss) -> None:
    last = chosen.output_activation
    labels = chosen.target == "probabilities"
    model = model_of(Network(5, (Dense(3, last),)), loss=chosen, labels=labels)
    save_model(tmp_path / "m", model)
    again = load_model(tmp_path / "m")[0]
    same(model, again)
    targets = RNG.integers(0, 3, N) if labels else RNG.integers(0, 2, (N, 3))
    assert model.gradient(model.samples(X, targets))[0] == again.gradient(again.samples(X, targets))[0]


def test_a_trained_model_trains_on_as_if_it_had_not_been_saved(tmp_path: Path) -> None:
    network = Network(5, (Dense(4), BatchNorm(), Activate("relu"), Dropout(0.2), Dense(3, "softmax")))
    model = Model(network, labels=True, seed=1)
    labels = RNG.integers(0, 3, N)
    fit(model, model.samples(X, labels), settings=Settings(epochs=2, batch_size=5))
    save_model(tmp_path / "m", model)
    again, _ = load_model(tmp_path / "m")
    same(model, again)
    for each in (model, again):
        fit(each, each.samples(X, labels), settings=Settings(epochs=2, batch_size=5, seed=4))
    same(model, again)


def test_a_loaded_model_owns_its_numbers(tmp_path: Path) -> None:
    model = model_of(NETWORKS["batch norm"])
    save_model(tmp_path / "m", model)
    again, _ = load_model(tmp_path / "m")
    again.parameters["W[1]"][...] = 0
    assert (again.theta == 0).sum() >= 20
    assert not np.shares_memory(again.theta, model.theta)
    assert again.parameters["W[1]"].flags.writeable
    same(load_model(tmp_path / "m")[0], model)


def test_saving_over_a_model_replaces_it_whole(tmp_path: Path) -> None:
    save_model(tmp_path / "m", model_of(NETWORKS["dense"]), {"n": 1})
    other = model_of(NETWORKS["skip"], np.float32)
    save_model(str(tmp_path / "m"), other, {"n": 2})
    again, extra = load_model(str(tmp_path / "m"))
    same(other, again)
    assert extra == {"n": 2}
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_the_tensors_have_the_names_and_shapes_of_the_textbook(tmp_path: Path) -> None:
    model = model_of(NETWORKS["batch norm"])
    save_model(tmp_path / "m", model)
    tensors = load_bundle(tmp_path / "m", kind="model").tensors
    assert {n: t.shape for n, t in tensors.items()} == {
        "parameter/W[1]": (4, 5),
        "parameter/b[1]": (4, 1),
        "parameter/gamma[1]": (4, 1),
        "parameter/beta[1]": (4, 1),
        "parameter/W[2]": (3, 4),
        "parameter/b[2]": (3, 1),
        "state/mean[1]": (4, 1),
        "state/var[1]": (4, 1),
    }
    np.testing.assert_array_equal(tensors["parameter/W[1]"], model.parameters["W[1]"])


# --- what cannot be saved --------------------------------------------------------------------------------------------


def bent(Z: Any) -> Any:
    return Z * o.sigmoid(Z)


def cubic(Yhat: Any, Y: Any) -> Any:
    return o.absolute(Y - Yhat) ** 3


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: Model(Network(5, (Dense(4, bent), Dense(3))), "quadratic"), ["bent", "function", "cannot be saved"]),
        (lambda: Model(Network(5, (Dense(4), Activate(bent), Dense(3))), "quadratic"), ["bent", "cannot be saved"]),
        (lambda: Model(Network(5, (Dense(5), Skip((Dense(5, bent),)), Dense(3))), "quadratic"), ["bent"]),
        (lambda: Model("5-3", loss(cubic)), ["cubic", "function of your own", "cannot be saved"]),
        (lambda: Model("5-3", Loss("quadratic", cubic)), ["quadratic", "cannot be saved"]),
        (
            lambda: Model("5-3:softmax", loss("cross_entropy", class_weights=constant(2, Shape(3, 1)))),
            ["class weights", "cannot be saved"],
        ),
    ],
)
def test_functions_of_the_user_are_refused(tmp_path: Path, model: Any, words: list[str]) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"older")
    with pytest.raises(ConfigurationError) as e:
        save_model(path, model())
    assert all(w in str(e.value) for w in words), str(e.value)
    assert path.read_bytes() == b"older"  # an existing file stays
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_an_extra_that_is_no_json_is_refused(tmp_path: Path) -> None:
    for extra in ({"x": float("nan")}, {"x": object()}, {"x": np.zeros(3)}):
        with pytest.raises(ModelFileError, match="x"):
            save_model(tmp_path / "m", model_of(NETWORKS["dense"]), extra)
    assert not (tmp_path / "m").exists()


def test_numbers_that_are_not_finite_are_refused_unless_allowed(tmp_path: Path) -> None:
    model = model_of(NETWORKS["dense"])
    model.parameters["W[1]"][1, 2] = np.nan
    save_model(tmp_path / "m", model)
    with pytest.raises(ModelFileError, match=r"W\[1\].*not finite"):
        load_model(tmp_path / "m")
    again, _ = load_model(tmp_path / "m", allow_nonfinite=True)
    assert np.isnan(again.parameters["W[1]"][1, 2])


# --- what cannot be read ---------------------------------------------------------------------------------------------


def parts(network: str = "skip") -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and content as `save_model` writes them, to be damaged."""
    model = model_of(NETWORKS[network])
    tensors = {f"parameter/{n}": v for n, v in model.parameters.items()}
    tensors |= {f"state/{n}": v for n, v in model.state.items()}
    return tensors, {"model": copy.deepcopy(describe(model)), "extra": {}}


def written(tmp_path: Path, tensors: dict[str, Any], content: dict[str, Any], kind: Any = "model") -> Path:
    path = tmp_path / "damaged.model"
    save_bundle(path, tensors, content, kind=kind)
    return path


def refused(path: Path, *words: str) -> None:
    with pytest.raises(ModelFileError) as e:
        load_model(path)
    message = str(e.value)
    assert all(w in message for w in ("damaged.model", *words)), message


def test_the_undamaged_parts_are_read(tmp_path: Path) -> None:
    tensors, content = parts()
    model, _ = load_model(written(tmp_path, tensors, content))
    same(model, model_of(NETWORKS["skip"]))


def _at(content: dict[str, Any], path: list[Any]) -> tuple[Any, Any]:
    at: Any = content
    for key in path[:-1]:
        at = at[key]
    return at, path[-1]


NET = ["model", "network"]
LAYER = [*NET, "layers", 0]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ([*LAYER, "kind"], "dens", ["dens", "did you mean 'dense'"]),
        ([*LAYER, "kind"], 7, ["layer 7"]),
        ([*LAYER, "kind"], ["dense"], ["layer"]),
        ([*LAYER, "units"], 5, []),
        ([*LAYER, "units"], -1, ["-1 units"]),
        ([*LAYER, "units"], 2.5, ["2.5 units"]),
        ([*LAYER, "units"], True, []),
        ([*LAYER, "units"], 10**9, ["skip connection"]),
        ([*NET, "layers", 2, "units"], 10**9, ["W[4]", "GiB"]),
        ([*LAYER, "activation"], "rellu", ["did you mean 'relu'"]),
        ([*LAYER, "activation"], None, []),
        ([*LAYER, "activation"], 5, []),
        ([*LAYER, "activation"], ["relu"], []),
        ([*LAYER, "initializer"], "he", ["initializer"]),
        ([*LAYER, "initializer"], 3, ["initializer"]),
        ([*LAYER, "bias"], "no", []),
        ([*LAYER, "l2"], -1, ["l2=-1"]),
        ([*LAYER, "l2"], "much", []),
        ([*LAYER, "l2"], None, []),
        ([*LAYER, "extra"], 1, ["extra"]),
        ([*NET, "layers", 1, "layers"], 5, []),
        ([*NET, "layers", 1, "layers"], [5], []),
        ([*NET, "layers", 1, "layers", 0, "units"], 3, ["skip connection"]),
        ([*NET, "layers"], [], ["no dense layer"]),
        ([*NET, "layers"], "dense", []),
        ([*NET, "inputs"], 0, ["0 inputs"]),
        ([*NET, "inputs"], 6, []),
        ([*NET, "inputs"], None, ["inputs"]),
        ([*NET, "embeddings"], [[1, 2, 3]], []),
        ([*NET, "embeddings"], [[3, 1]], []),
        ([*NET, "embeddings"], [[-3, 1]], []),
        ([*NET, "embeddings"], 3, []),
        (["model", "network"], None, []),
        (["model", "network"], [], []),
        (["model", "loss"], None, []),
        (["model", "loss", "name"], "quadratik", ["did you mean 'quadratic'"]),
        (["model", "loss", "name"], None, ["loss"]),
        (["model", "loss", "name"], ["quadratic"], []),
        (["model", "loss", "parameters"], {"delta": 1.0}, ["delta"]),
        (["model", "loss", "parameters"], [], []),
        (["model", "loss", "label_smoothing"], 0.1, ["label smoothing"]),
        (["model", "loss", "label_smoothing"], "x", []),
        (["model", "loss", "class_weights"], [1.0], ["class weights"]),
        (["model", "loss", "class_weights"], "x", []),
        (["model", "dtype"], "float16", ["float16"]),
        (["model", "dtype"], "object", ["object"]),
        (["model", "dtype"], "float32", ["float64", "float32"]),
        (["model", "dtype"], None, ["dtype"]),
        (["model", "dtype"], ["float32"], ["dtype"]),
        (["model", "labels"], "yes", ["labels"]),
        (["model"], None, []),
        (["model"], [], []),
        (["extra"], None, []),
        (["extra"], [1], []),
    ],
    ids=str,
)
def test_a_damaged_description_is_refused(tmp_path: Path, path: list[Any], value: Any, words: list[str]) -> None:
    tensors, content = parts()
    at, key = _at(content, path)
    at[key] = value
    refused(written(tmp_path, tensors, content), *words)


@pytest.mark.parametrize(
    "path",
    [
        ["model"],
        ["extra"],
        *(["model", k] for k in ("network", "loss", "labels", "weighted", "spread", "dtype")),
        *(["model", "loss", k] for k in ("name", "parameters", "label_smoothing", "class_weights")),
        *(["model", "network", k] for k in ("inputs", "layers")),
        [*LAYER, "kind"],
        [*LAYER, "units"],
    ],
    ids=str,
)
def test_a_description_that_lacks_something_is_refused(tmp_path: Path, path: list[Any]) -> None:
    tensors, content = parts()
    at, key = _at(content, path)
    del at[key]
    refused(written(tmp_path, tensors, content), {"units": "dense", "kind": "layer"}.get(path[-1], path[-1]))


def test_tensors_that_do_not_fit_the_network_are_refused(tmp_path: Path) -> None:
    good, content = parts("batch norm")
    for name in good:
        refused(written(tmp_path, {n: v for n, v in good.items() if n != name}, content), name)
        wrong = {**good, name: np.vstack([good[name], good[name]])}
        refused(written(tmp_path, wrong, content), name, str(wrong[name].shape), str(good[name].shape))
        refused(written(tmp_path, {**good, name: good[name].astype(np.float32)}, content), name, "float32", "float64")
        refused(written(tmp_path, {**good, name: good[name].astype(np.int64)}, content), name, "int64")
    turned = {**good, "parameter/W[2]": np.ascontiguousarray(good["parameter/W[2]"].T)}
    refused(written(tmp_path, turned, content), "parameter/W[2]", "(4, 3)", "(3, 4)")
    flat = {**good, "parameter/W[2]": good["parameter/W[2]"].ravel()}
    refused(written(tmp_path, flat, content), "parameter/W[2]")
    refused(written(tmp_path, {**good, "parameter/W[3]": np.zeros((2, 2))}, content), "parameter/W[3]")
    refused(written(tmp_path, {**good, "optimizer/m": np.zeros((2, 2))}, content), "optimizer/m")
    refused(written(tmp_path, {}, content), "missing")


def test_the_memory_order_of_a_tensor_does_not_matter(tmp_path: Path) -> None:
    tensors, content = parts()
    rows = {n: np.ascontiguousarray(v) for n, v in tensors.items()}
    model, _ = load_model(written(tmp_path, rows, content))
    same(model, model_of(NETWORKS["skip"]))


def test_a_checkpoint_is_no_model(tmp_path: Path) -> None:
    tensors, content = parts()
    refused(written(tmp_path, tensors, content, kind="checkpoint"), "checkpoint", "model")


def test_a_file_of_a_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, content = parts()
    with monkeypatch.context() as later:
        later.setattr(bundle_module, "FORMAT", 2)
        path = written(tmp_path, tensors, content)
    refused(path, "newer chainrule", "format 2", "upgrade")


def test_every_flipped_byte_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "damaged.model"
    save_model(path, model_of(Network.parse("2-2")))
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        refused(path)
    for cut in (0, 1, 8, 100, len(good) - 1):
        path.write_bytes(good[:cut])
        refused(path)
    path.write_bytes(good + b"\0")
    refused(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.model"
    for content in (b"", b"\x80\x04K\x01.", b"PK\x03\x04", b"{}", b"\x89PNG\r\n\x1a\n" + b"\0" * 100):
        path.write_bytes(content)
        refused(path)
    with pytest.raises(ChainruleError, match="nowhere"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ChainruleError):
        load_model(tmp_path)


def test_the_initializer_of_a_saved_network_is_known() -> None:
    assert initializer("orthogonal").name == NETWORKS["penalties and initializers"].layers[0].initializer
