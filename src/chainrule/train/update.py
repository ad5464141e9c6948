"""The parameter update as a program: the optimizer's expression over the flat vectors, run in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..execute import aligned, bind, plan
from ..graph import variable, variables
from ..laws import simplify
from .optimizers import Optimizer, clip_by_norm, clip_by_value

Array = npt.NDArray[Any]


class Update:
    """θ and the optimizer's state after one step: `Update(...).step(rate)`.

    theta, grad, decay  P × 1 arrays; theta is written in place
    """

    def __init__(
        self,
        optimizer: Optimizer,
        theta: Array,
        grad: Array,
        decay: Array,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.state = {name: aligned.full_like(theta, start) for name, start in optimizer.state.items()}
        self.rate, self.count = np.zeros((1, 1), theta.dtype), np.zeros((1, 1), theta.dtype)
        vector = {name: variable(name, "P", 1) for name in ("theta", "g", "decay", *self.state)}
        g = vector["g"]
        if clip_value is not None:
            g = clip_by_value(g, clip_value)
        if clip_norm is not None:
            g = clip_by_norm(g, clip_norm)
        lr, t = variable("lr", 1, 1), variable("t", 1, 1)
        new, state = optimizer.update(vector["theta"], g, {n: vector[n] for n in self.state}, lr, t, vector["decay"])
        self.expressions = {"theta": simplify(new)} | {n: simplify(e) for n, e in state.items()}
        self.program = plan({}, assigns=self.expressions)
        arrays = {"theta": theta, "g": grad, "decay": decay, "lr": self.rate, "t": self.count, **self.state}
        used = variables(*self.expressions.values())
        self.bound = bind(self.program, {"P": len(theta)}, theta.dtype, {n: arrays[n] for n in used})

    def step(self, rate: float) -> None:
        """One update with learning rate `rate`; counts itself from 1."""
        self.rate[0, 0] = rate
        self.count[0, 0] += 1
        self.bound.call()
