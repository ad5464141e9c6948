"""The network and loss that options and data ask for; sizes are checked before memory is taken."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError
from ..nn import Loss, Network
from ..nn import loss as find_loss
from ..nn.layers import Activate, BatchNorm, Dense, Dropout, Layer
from ..train import Model
from .options import Options
from .preparation import Prepared

# θ, its gradient, two optimizer vectors, the best parameters, a float64 draw and a snapshot.
_COPIES = 8
_NEIGHBORS = 1000  # rows among which nearest neighbors are sought


def build_model(data: Prepared, options: Options) -> Model:
    """A model with fresh weights; `ConfigurationError` if loss and data do not fit, or it needs more memory than is."""
    loss = _loss(data, options)
    classes = data.preprocessor.class_names
    single = loss.output_activation == "sigmoid"
    outputs = 1 if classes is None or single else len(classes)
    last = "identity" if classes is None else "sigmoid" if single else "softmax"
    network = build_network(data, options, outputs, last)
    _check_memory(network, options)
    dtype = np.float64 if options.float64 else np.float32
    labels = classes is not None and not single
    return Model(network, loss, labels=labels, dtype=dtype, seed=options.seed)


def build_network(data: Prepared, options: Options, outputs: int, last: str) -> Network:
    """Hidden layers as the options say; categories with many levels are embedded (width ≈ ⁴√levels · 2, 2 to 16)."""
    l2 = default_l2(data) if options.l2 is None else options.l2
    layers: list[Layer] = []
    for units in options.hidden:
        if options.batch_norm:
            dense = Dense(units, l1=options.l1, l2=l2)
            layers += [dense, BatchNorm(), Activate(options.activation)]
        else:
            layers.append(Dense(units, options.activation, l1=options.l1, l2=l2))
        if options.dropout:
            layers.append(Dropout(options.dropout))
    layers.append(Dense(outputs, last, l1=options.l1, l2=l2))
    embeddings = tuple((levels, _width(levels)) for _, levels in data.preprocessor.embeddings)
    return Network(data.preprocessor.n_features, tuple(layers), embeddings)


def default_l2(data: Prepared) -> float:
    """λ₂ = c/n for n training rows: c = 1 for classes, max(3, 120 δ²) for numbers, δ the share of noise in the target.

    The more noise, the closer to a linear model; found on nine public tables over several seeds. δ is the Delta test,
    half the mean squared difference between the (standardized) targets of nearest neighbors (Pi & Peterson 1994).
    """
    train = data.parts["train"]
    if data.preprocessor.task == "classification" or len(train) < 2 or not train.X.shape[1]:
        return 1.0 / len(train)
    X, y = train.X[:_NEIGHBORS].astype(np.float64), train.y[:_NEIGHBORS]
    norms = (X**2).sum(axis=1)
    distances = norms[:, None] + norms - 2 * X @ X.T
    np.fill_diagonal(distances, np.inf)
    noise = 0.5 * float(np.mean((y - y[distances.argmin(axis=1)]) ** 2))
    return float(f"{max(3.0, 120 * min(noise, 0.6) ** 2) / len(train):.3g}")


def _width(levels: int) -> int:
    return min(16, max(2, round(2 * math.sqrt(math.sqrt(levels)))))


def _loss(data: Prepared, options: Options) -> Loss:
    classes = data.preprocessor.class_names
    name = options.loss or ("mean_squared" if classes is None else "cross_entropy")
    found = find_loss(name)
    if found.name == "poisson":
        raise ConfigurationError(
            "loss='poisson' needs counts as they are, but the targets of a table are standardized: "
            "use mean_squared, absolute or huber"
        )
    if classes is None and found.target != "real":
        raise ConfigurationError(
            f"loss={name!r} is for classes, but the target {data.preprocessor.target_name!r} holds numbers: "
            "use mean_squared, absolute or huber, or say task='classification'"
        )
    if found.name == "binary_cross_entropy" and classes is not None and len(classes) != 2:
        raise ConfigurationError(
            f"loss='binary_cross_entropy' needs 2 classes, but {data.preprocessor.target_name!r} has {len(classes)}: "
            "use cross_entropy"
        )
    if options.label_smoothing or options.class_weight:
        found = find_loss(name, label_smoothing=options.label_smoothing, class_weights=_weights(data, options, found))
    return found


def _weights(data: Prepared, options: Options, found: Loss) -> float | tuple[float, ...] | None:
    """ "balanced": n / (K n_k) from the training rows; for a single output the weight of the positives, n_0 / n_1."""
    if options.class_weight is None:
        return None
    classes = data.preprocessor.class_names
    if classes is None:
        raise ConfigurationError("class_weight='balanced' needs classes, but this is a regression: leave it out")
    counts = np.bincount(data.parts["train"].y, minlength=len(classes))
    if found.name == "binary_cross_entropy":
        return float(counts[0] / max(counts[1], 1))
    return tuple(float(counts.sum() / (len(counts) * n)) if n else 1.0 for n in counts)


def _check_memory(network: Network, options: Options) -> None:
    parameters = network.forward(training=False).parameters.values()
    needed = sum(p.count for p in parameters) * (8 if options.float64 else 4) * _COPIES
    there = _memory()
    if there is not None and needed > there:
        largest = max(parameters, key=lambda p: p.count)
        raise ConfigurationError(
            f"hidden={','.join(map(str, options.hidden))}: training needs about {needed / 2**30:.1f} GiB, most of it "
            f"for {largest.name} of {largest.rows} × {largest.cols}, but this machine has {there / 2**30:.1f} GiB: "
            "use fewer units"
        )


def _memory() -> int | None:
    """Bytes that this process may use at most, or None where the system does not say."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        return min(total, int(limit))
    except (OSError, ValueError):
        return total
