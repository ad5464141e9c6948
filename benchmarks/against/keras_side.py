"""Keras, on JAX or PyTorch by its environment variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import EPSILON, RATES, Case, Epoch


def keras_fit(case: Case, optimizer: str, threads: int) -> Epoch:
    """One epoch is one `fit` of the reordered samples."""
    import keras
    from keras import layers

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        if case.dtype == "float64":
            _keep_float64()
    else:
        import jax

        jax.config.update("jax_enable_x64", case.dtype == "float64")
    keras.config.set_floatx(case.dtype)
    X, y = case.data()
    stack: list[Any] = [keras.Input((case.widths[0],))]
    dense = [layers.Dense(n) for n in case.widths[1:]]
    for layer in dense[:-1]:
        stack.append(layer)
        if case.tabular:
            stack.append(layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        stack.append(layers.Activation("relu"))
        if case.tabular and case.dropout:
            stack.append(layers.Dropout(case.dropout))
    model = keras.Sequential([*stack, dense[-1]])
    for layer, W in zip(dense, case.weights(), strict=True):
        layer.set_weights([W, np.zeros(W.shape[1], W.dtype)])
    losses: Any = keras.losses
    cost = losses.BinaryCrossentropy if case.tabular else losses.SparseCategoricalCrossentropy
    update: Any = (
        keras.optimizers.Adam(RATES["adam"], epsilon=EPSILON)
        if optimizer == "adam"
        else keras.optimizers.SGD(RATES["sgd"])
    )
    model.compile(update, cost(from_logits=True))

    def epoch(number: int) -> float:
        rows = case.order(number)
        history = model.fit(X[rows], y[rows], batch_size=case.batch, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    return epoch


def _keep_float64() -> None:
    """Let Keras compute in float64 where that is asked for. Its rule for the type of a result turns float64 into
    float32 on every backend but TensorFlow, and on PyTorch its matmul casts the operands to that type: the losses would
    be those of float32, whose differences Adam's division by sqrt(v) enlarges. What is timed, in float32, stays as
    Keras has it."""
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
