"""NumPy: a step written by hand, and the matrix products of a step alone."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from .case import BETA1, BETA2, EPSILON, RATES, Case, Epoch, LeftOutError


def numpy_step(case: Case, optimizer: str, threads: int) -> Epoch:
    """The step of benchmarks/step.py, over whole epochs and with SGD too."""
    if case.tabular:
        raise LeftOutError("the plain NumPy step has no batch norm")
    X, y = case.data()
    W = case.weights()
    b = [np.zeros((1, w.shape[1]), w.dtype) for w in W]
    p = W + b
    u, v = [np.zeros_like(x) for x in p], [np.zeros_like(x) for x in p]
    eye, layers, m = np.eye(case.widths[-1], dtype=case.dtype), len(W), case.batch
    t = 0

    def step(rows: np.ndarray) -> float:
        nonlocal t
        t += 1
        A, Y = [X[rows]], eye[y[rows]]
        for i in range(layers):
            Z = A[-1] @ W[i] + b[i]
            if i < layers - 1:
                A.append(np.maximum(Z, 0))
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        total = E.sum(axis=1, keepdims=True)
        cost = -np.sum(Y * (Z - np.log(total))) / m
        dZ = (E / total - Y) / m
        g: list[Any] = [None] * len(p)
        for i in reversed(range(layers)):
            g[i], g[layers + i] = A[i].T @ dZ, dZ.sum(axis=0, keepdims=True)
            if i:
                dZ = (dZ @ W[i].T) * (A[i] > 0)
        if optimizer == "sgd":
            for x, d in zip(p, g, strict=True):
                x -= RATES["sgd"] * d
            return float(cost)
        root = np.sqrt(1 - BETA2**t)
        rate, epsilon = RATES["adam"] * root / (1 - BETA1**t), EPSILON * root
        for x, d, first, second in zip(p, g, u, v, strict=True):
            first *= BETA1
            first += (1 - BETA1) * d
            second *= BETA2
            second += (1 - BETA2) * d * d
            x -= rate * first / (np.sqrt(second) + epsilon)
        return float(cost)

    return lambda number: statistics.fmean(step(rows) for rows in case.order(number).reshape(-1, m))


def products_alone(case: Case, optimizer: str, threads: int) -> Epoch:
    """The matrix products of the steps through NumPy, into arrays that are there already."""
    rng, m = np.random.default_rng(3), case.batch
    A = [rng.random((m, n), dtype=np.float32) for n in case.widths]
    W = case.weights()
    dW, dA = [np.empty_like(w) for w in W], [np.empty_like(a) for a in A]

    def epoch(number: int) -> float:
        for _ in range(case.steps):
            for i, w in enumerate(W):
                np.dot(A[i], w, out=dA[i + 1])
            for i in reversed(range(len(W))):
                np.dot(A[i].T, A[i + 1], out=dW[i])
                if i:
                    np.dot(A[i + 1], W[i].T, out=dA[i])
        return 0.0

    return epoch
