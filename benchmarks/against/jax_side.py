"""JAX: whole epochs compiled, and many networks as one by vmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .case import BETA1, BETA2, EPSILON, RATES, Case, Epoch


def training(case: Case, optimizer: str, X: Any, y: Any) -> tuple[Any, Any]:
    """What a training begins with, and its step: (carry, row numbers) -> (carry, cost)."""
    import jax
    import jax.numpy as jnp

    theta: list[dict[str, Any]] = []
    for W in case.weights():
        theta.append({"W": jnp.asarray(W), "b": jnp.zeros(W.shape[1])})
        if case.tabular and W.shape[1] > 1:
            theta[-1] |= {"gamma": jnp.ones(W.shape[1]), "beta": jnp.zeros(W.shape[1])}
    running = [(jnp.zeros(n), jnp.ones(n)) for n in case.widths[1:-1]] if case.tabular else []

    def cost(theta: Any, running: Any, key: Any, x: Any, target: Any) -> Any:
        kept = []
        for i, layer in enumerate(theta):
            z = x @ layer["W"] + layer["b"]
            if i == len(theta) - 1:
                break
            if case.tabular:
                mean, var = z.mean(axis=0), z.var(axis=0)
                kept.append((0.9 * running[i][0] + 0.1 * mean, 0.9 * running[i][1] + 0.1 * var))
                z = layer["gamma"] * (z - mean) * jax.lax.rsqrt(var + 1e-5) + layer["beta"]
            x = jax.nn.relu(z)
            if case.tabular and case.dropout:
                kept_share = 1 - case.dropout
                drawn = jax.random.bernoulli(jax.random.fold_in(key, i), kept_share, x.shape)
                x = jnp.where(drawn, x / kept_share, 0.0)
        if case.tabular:
            z = z[:, 0]
            return jnp.mean(jax.nn.softplus(z) - z * target), kept
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(z) * jax.nn.one_hot(target, z.shape[1]), axis=1)), kept

    def step(carry: Any, rows: Any) -> Any:
        theta, u, v, t, running = carry
        t = t + 1
        key = jax.random.fold_in(jax.random.key(0), t)
        (J, running), g = jax.value_and_grad(cost, has_aux=True)(theta, running, key, X[rows], y[rows])
        if optimizer == "sgd":
            return (jax.tree.map(lambda p, d: p - RATES["sgd"] * d, theta, g), u, v, t, running), J
        u = jax.tree.map(lambda a, d: BETA1 * a + (1 - BETA1) * d, u, g)
        v = jax.tree.map(lambda a, d: BETA2 * a + (1 - BETA2) * d * d, v, g)
        root = jnp.sqrt(1 - BETA2**t)
        rate = RATES["adam"] * root / (1 - BETA1**t)
        theta = jax.tree.map(lambda p, a, s: p - rate * a / (jnp.sqrt(s) + EPSILON * root), theta, u, v)
        return (theta, u, v, t, running), J

    zeros = (lambda: jax.tree.map(jnp.zeros_like, theta)) if optimizer == "adam" else lambda: []
    return (theta, zeros(), zeros(), jnp.zeros((), jnp.int32), running), step


def jax_scan(case: Case, optimizer: str, threads: int) -> Epoch:
    """A whole epoch is one compiled scan; parameters and moments are donated."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", case.dtype == "float64")
    X, y = map(jnp.asarray, case.data())
    carry, step = training(case, optimizer, X, y)
    whole = jax.jit(partial(jax.lax.scan, step), donate_argnums=0)

    def epoch(number: int) -> float:
        nonlocal carry
        carry, J = whole(carry, jnp.asarray(case.order(number).reshape(-1, case.batch)))
        jax.block_until_ready(carry)
        return float(J.mean())

    return epoch


def jax_folds(
    case: Case, X: Any, y: Any, folds: Sequence[tuple[Any, Any]], orders: Sequence[Any], batch: int
) -> Callable[[], float]:
    """Cross-validation with all networks as one by `vmap`: the mean accuracy, compiled before the first call.

    orders  for each epoch the order of a fold's samples, the same for all. Batches have one size here: what is left of
            an epoch is not trained on, and folds are as long as the shortest, which spares some steps
    """
    import jax
    import jax.numpy as jnp

    X, y = jnp.asarray(X), jnp.asarray(y)
    first, step = training(case, "adam", X, y)
    first = jax.tree.map(lambda a: jnp.stack([a] * len(folds)), first)
    full, held = min(len(f) for f, _ in folds) // batch, min(len(h) for _, h in folds)
    numbers = [np.stack([f[o[o < len(f)]][: full * batch] for f, _ in folds]) for o in orders]
    rows = jnp.asarray(np.concatenate([n.reshape(len(folds), full, batch).swapaxes(0, 1) for n in numbers]))
    judged = jnp.asarray(np.stack([h[:held] for _, h in folds]))

    def right(theta: Any, numbers: Any) -> Any:
        a = X[numbers]
        for layer in theta[:-1]:
            a = jax.nn.relu(a @ layer["W"] + layer["b"])
        return jnp.mean(jnp.argmax(a @ theta[-1]["W"] + theta[-1]["b"], axis=1) == y[numbers])

    @jax.jit
    def run(carry: Any, rows: Any) -> Any:
        carry, _ = jax.lax.scan(jax.vmap(step), carry, rows)
        return jnp.mean(jax.vmap(right)(carry[0], judged))

    jax.block_until_ready(run(first, rows))
    return lambda: float(run(first, rows))
