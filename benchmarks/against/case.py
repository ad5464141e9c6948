"""What is trained: networks, data, first weights and orders, the same for every side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

Epoch = Callable[[int], float]  # number of the epoch, from 1 -> its mean loss

RATES = {"adam": 1e-3, "sgd": 1e-2}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
TABULAR = "T"
OURS = "chainrule"


class LeftOutError(Exception):
    """A side that cannot do a case, and why."""


@dataclass(frozen=True)
class Case:
    """One network and its data: steps per epoch, epochs per turn, batch norm and dropout in hidden layers."""

    name: str
    widths: tuple[int, ...]
    batch: int
    steps: int
    turn: int
    tabular: bool = False
    dropout: float = 0.1
    dtype: str = "float32"

    @property
    def samples(self) -> int:
        return self.batch * self.steps

    @property
    def network(self) -> str:
        dropout = f":dropout={self.dropout}" if self.dropout else ""
        hidden = f":relu:batchnorm{dropout}" if self.tabular else ":relu"
        output = ":sigmoid" if self.tabular else ":softmax"
        first, *inner, last = self.widths
        return "-".join([str(first), *(f"{n}{hidden}" for n in inner), f"{last}{output}"])

    @property
    def flops(self) -> int:
        """Floating-point operations of one step's matrix products; the input's gradient is never needed."""
        pairs = [a * b for a, b in pairwise(self.widths)]
        return 2 * self.batch * (3 * sum(pairs) - pairs[0])

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, n_0) and labels (N,) of a linear teacher with noise."""
        rng = np.random.default_rng(1)
        X = rng.standard_normal((self.samples, self.widths[0]), dtype=np.float32)
        classes = 2 if self.tabular else self.widths[-1]
        teacher = rng.standard_normal((self.widths[0], classes), dtype=np.float32)
        y = (X @ teacher + 2 * rng.standard_normal((self.samples, classes), dtype=np.float32)).argmax(axis=1)
        return X.astype(self.dtype), y

    def weights(self) -> list[np.ndarray]:
        """W[l] as n_{l-1} × n_l; biases start at 0."""
        rng = np.random.default_rng(2)
        return [(rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(self.dtype) for a, b in pairwise(self.widths)]

    def order(self, epoch: int) -> np.ndarray:
        """The order that chainrule's Trainer takes with seed 0."""
        return np.random.Generator(np.random.Philox(key=[0, epoch])).permutation(self.samples)


CASES = {
    c.name: c
    for c in (
        Case("S", (64, 32, 10), 32, 500, 8),
        Case("M", (784, 128, 64, 10), 128, 100, 3),
        Case("L", (784, 1024, 1024, 10), 256, 8, 2),
        Case(TABULAR, (30, 256, 256, 1), 256, 50, 3, tabular=True),
        Case("XL", (4096, 4096, 4096, 1000), 512, 2, 2),
    )
}


def description(case: Case) -> str:
    """A case as a process is told of it."""
    return json.dumps({f.name: getattr(case, f.name) for f in fields(Case)})
