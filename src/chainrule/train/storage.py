"""A model as a file, and back: architecture and loss as JSON, numbers as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ChainruleError, ConfigurationError, ModelFileError
from ..files import load_bundle, save_bundle
from ..nn import LOSSES, Loss, Network, loss
from .model import Model


def save_model(path: str | Path, model: Model, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model atomically, `save_model("net.safetensors", model)`; `extra` is any JSON that belongs to it, such as
    its preprocessing.

    Raises `ConfigurationError` for something else than a `Model`, and for a file that cannot be written.
    """
    if not isinstance(model, Model):
        raise ConfigurationError(
            f"save_model was given a {type(model).__name__} where the model is expected: write "
            "save_model(path, model), or call the save method of what you have"
        )
    tensors = {f"parameter/{n}": v for n, v in model.parameters.items()}
    tensors |= {f"state/{n}": v for n, v in model.state.items()}
    save_bundle(Path(path), tensors, {"model": describe(model), "extra": dict(extra or {})}, kind="model")


def load_model(path: str | Path, *, allow_nonfinite: bool = False) -> tuple[Model, dict[str, Any]]:
    """Read a model and what was saved with it, from its file or from the folder of a run of `chainrule train`.

    Of a run, the second part has the preprocessing: `chainrule.tabular.SavedRun.load` applies both to new rows.
    Anything wrong is a `ModelFileError` that names the file.
    """
    inside = Path(path) / "model.safetensors"
    path = inside if inside.is_file() else path
    bundle = load_bundle(Path(path), kind="model", allow_nonfinite=allow_nonfinite)
    try:
        model = build(bundle.content["model"])
        extra = dict(bundle.content["extra"])
    except (ChainruleError, KeyError, TypeError) as e:
        if isinstance(e, ModelFileError):
            raise
        raise ModelFileError(f"{path}: the description of the network cannot be used: {e}") from None
    targets = {f"parameter/{n}": v for n, v in model.parameters.items()}
    targets |= {f"state/{n}": v for n, v in model.state.items()}
    if set(targets) != set(bundle.tensors):
        odd = sorted(set(targets) ^ set(bundle.tensors))[0]
        raise ModelFileError(f"{path}: the tensor {odd!r} does not belong to the network it describes, or is missing")
    for name, target in targets.items():
        found = bundle.tensors[name]
        if found.shape != target.shape or found.dtype != target.dtype:
            raise ModelFileError(
                f"{path}: {name} is {found.shape} {found.dtype}, the network needs {target.shape} {target.dtype}"
            )
        target[...] = found
    return model, extra


def describe(model: Model) -> dict[str, Any]:
    """Everything but the numbers, as JSON."""
    o = model.objective
    return {
        "network": model.network.to_json(),
        "loss": describe_loss(o.loss),
        "labels": o.labels,
        "weighted": o.weighted,
        "spread": o.spread,
        "dtype": str(model.dtype),
    }


def build(d: Mapping[str, Any]) -> Model:
    """The model of a description, with fresh numbers."""
    if d["dtype"] not in ("float32", "float64"):
        raise ConfigurationError(f"dtype {d['dtype']!r} is neither float32 nor float64")
    flags = {k: d[k] for k in ("labels", "weighted", "spread")}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}={value!r} is neither true nor false")
    return Model(Network.from_json(d["network"]), build_loss(d["loss"]), dtype=np.dtype(d["dtype"]), **flags)


def describe_loss(given: Loss) -> dict[str, Any]:
    if LOSSES.get(given.name) is None or LOSSES[given.name].term is not given.term:
        raise ConfigurationError(
            f"the loss {given.name!r} is a function of your own and cannot be saved in a model file"
        )
    if given.class_weights is not None and not isinstance(given.class_weights, int | float | tuple):
        raise ConfigurationError("class weights that are an expression cannot be saved; give them as numbers")
    weights = given.class_weights
    return {
        "name": given.name,
        "parameters": {k: float(v) for k, v in given.parameters.items()},
        "label_smoothing": float(given.label_smoothing),
        "class_weights": [float(x) for x in weights] if isinstance(weights, tuple) else weights,
    }


def build_loss(d: Mapping[str, Any]) -> Loss:
    return loss(d["name"], label_smoothing=d["label_smoothing"], class_weights=d["class_weights"], **d["parameters"])
