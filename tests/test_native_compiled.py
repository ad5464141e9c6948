"""Passes compiled for known code, column sums, soft-max of few classes: the bits of every set, and NumPy numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_native import DTYPES, KINDS, SETS, compute, same, with_set

import chainrule.ops as o
from chainrule.execute import native, plan
from chainrule.graph import variable
from chainrule.train.optimizers import OPTIMIZERS
from chainrule.train.update import Update

pytestmark = pytest.mark.skipif(not native.available(), reason="the native executor was not built")

SIZES = [1, 15, 16, 17, 33, 1000, 40_001]  # around vectors, and several pieces


def updated(name: str, size: int, dtype: Any, steps: int = 3) -> tuple[dict[str, Any], Update]:
    """θ and the state after a few steps on made-up gradients, with a zero, a tiny and a huge one among them."""
    rng = np.random.default_rng(size)
    theta, grad = (rng.normal(size=(size, 1)).astype(dtype) for _ in range(2))
    update = Update(OPTIMIZERS[name], theta, grad, np.ones_like(theta))
    for step in range(steps):
        grad[...] = rng.normal(size=grad.shape)
        grad[step % size] = (0.0, 1e-30, 1e12)[step]
        update.step(0.01)
    return {"theta": theta, **update.state}, update


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_compiled_update_has_the_bits_of_its_lines(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in SIZES:
        results = []
        for isa in SETS:
            with monkeypatch.context() as patch:
                with_set(patch, isa)
                arrays, update = updated(name, size, dtype)
            results.append(arrays)
            compiled = update.bound.task.compiled()
            # SGD is one line in one pass anyway; SSE4.2 goes line by line, which is what the others are held against.
            assert compiled == (0 if name == "sgd" or isa == "sse" else 1), (name, isa)
        for other in results[1:]:
            same(other, results[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_compiled_update_is_the_reference_executors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got, _ = updated(name, 1000, np.float64)
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "reference")
    wanted, update = updated(name, 1000, np.float64)
    assert type(update.bound) is KINDS["reference"]
    for key, array in wanted.items():
        np.testing.assert_allclose(got[key], array, rtol=1e-13, atol=0, err_msg=key)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_columns_at_every_height(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    for n in [*range(1, 36), 63, 64, 65, 130, 1025]:
        for m in (1, 2, 3, 17, 40):
            values = {"X": rng.normal(size=(n, m)).astype(dtype)}
            program = plan({"s": o.total(variable("X", n, m), axis=1)})
            wanted = values["X"][:, 0].copy()
            for j in range(1, m):
                wanted += values["X"][:, j]  # column after column: the order is part of the meaning
            for isa in SETS:
                with monkeypatch.context() as patch:
                    with_set(patch, isa)
                    assert compute(program, values, dtype)["s"].ravel().tobytes() == wanted.tobytes(), (n, m, isa)


@pytest.mark.parametrize("dtype", DTYPES)
def test_soft_max_of_few_classes_at_every_width(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    for n in range(1, 20):
        for m in (1, 2, 7, 8, 15, 16, 17, 31, 33, 100):
            X = variable("X", n, m)
            outputs = {"l": o.lse(X, axis=0), "s": o.exp(X - o.lse(X, axis=0))}
            program = plan(outputs)
            values = {"X": (30 * rng.normal(size=(n, m))).astype(dtype)}
            got = []
            for isa in SETS:
                with monkeypatch.context() as patch:
                    with_set(patch, isa)
                    got.append(compute(program, values, dtype))
            for other in got[1:]:
                same(other, got[0])
            x = values["X"].astype(np.longdouble)
            top = x.max(axis=0)
            total = np.exp(x - top).sum(axis=0)
            lse, soft = top + np.log(total), np.exp(x - top) / total
            eps = float(np.finfo(dtype).eps)
            # x - max is rounded before it is raised: half an ulp of it is that much in the power's relative error
            share = eps * (8 + np.abs(x - top))
            assert (np.abs(got[0]["s"] - soft) <= share * soft + np.finfo(dtype).tiny).all(), (n, m)
            assert (np.abs(got[0]["l"] - lse) <= 4 * eps * (1 + np.abs(x).max(axis=0))).all(), (n, m)


def test_a_column_that_is_not_a_number_spoils_no_other() -> None:
    X = variable("X", 10, 40)
    values = {"X": np.random.default_rng(7).normal(size=(10, 40))}
    values["X"][3, 5], values["X"][4, 39] = np.nan, np.inf
    got = compute(plan({"s": o.exp(X - o.lse(X, axis=0))}), values)["s"]
    assert np.isnan(got[:, [5, 39]]).any(axis=0).all()
    np.testing.assert_allclose(np.delete(got, [5, 39], axis=1).sum(axis=0), 1, rtol=1e-14)
