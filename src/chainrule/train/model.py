"""A network with numbers in it: parameters in one flat vector, and the programs derived from its cost.

The gradient program is planned from the one derived graph; nothing here knows a formula.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, ShapeError
from ..execute import Bound, Program, aligned, bind, evaluate, plan
from ..graph import Graph, Node, variable, variables
from ..nn import Forward, Loss, Network, Objective, loss
from ..nn.layers import Parameter
from ..reverse import Derivation, derive, derive_cost
from .predictor import Predictor
from .samples import Array, Samples, as_it_lies, finite, labels, targets

CHUNK = 4096  # samples per run of the loss program: bounded memory for any number of rows


class Model:
    """A network, its objective and its numbers.

    network    a `Network` or a network string
    loss       name, `Loss` or function; None takes the one made for the output activation
    labels     targets are integers 0..K-1 (cross-entropy) instead of a matrix
    weighted   samples carry weights; spread: penalties are divided by the batch's samples (see `Objective`)
    dtype      float32 or float64
    seed       of the initial parameters

    `parameters["W[1]"]` is n_1 × n_0, a view on the flat vector `theta`: writing to it changes the model.
    """

    def __init__(
        self,
        network: Network | str,
        loss: str | Loss | None = None,
        *,
        labels: bool = False,
        weighted: bool = False,
        spread: bool = False,
        dtype: npt.DTypeLike = np.float64,
        seed: int = 0,
    ) -> None:
        self.network = Network.parse(network) if isinstance(network, str) else network
        if self.network.outputs == 1 and self.network.output_activation in ("softmax", "log_softmax"):
            warnings.warn(
                "a soft-max of one unit is the constant 1 and learns nothing: use sigmoid, or one unit per class",
                stacklevel=2,
            )
        self.objective = Objective(self.network, _loss_for(self.network, loss), labels, weighted, spread)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ConfigurationError(f"dtype {self.dtype}: a model computes in float32 or float64")
        self.layout: Mapping[str, Parameter] = self.prediction.parameters
        self._allocate()
        self.initialize(seed)

    def _allocate(self) -> None:
        count = sum(p.count for p in self.layout.values())
        self.theta: Array = aligned.zeros((count, 1), self.dtype)
        self.grad: Array = aligned.zeros((count, 1), self.dtype)
        self.parameters = self._views(self.theta)
        self.gradients = self._views(self.grad)
        self.state = {n: np.full((r, 1), v, self.dtype) for n, (r, v) in self.prediction.state.items()}
        self.counters = {"seed": np.zeros((1, 1), np.int64), "step": np.zeros((1, 1), np.int64)}
        self._bound: dict[tuple[str, int], Bound] = {}
        self.predictor = Predictor(self)

    def twin(self, seed: int | None = None) -> Model:
        """A model of the same formulas with numbers of its own: a copy of these, or drawn anew from a seed.

        Formulas and programs are derived and planned once, for both.
        """
        for name in ("gradient_program", "loss_program", "prediction_program"):
            getattr(self, name)
        other = object.__new__(Model)
        vars(other).update(vars(self))
        other._allocate()
        if seed is not None:
            other.initialize(seed)
            return other
        other.theta[...] = self.theta
        for mine, its in ((self.state, other.state), (self.counters, other.counters)):
            for name, value in mine.items():
                its[name][...] = value
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles take what makes the formulas, and the numbers; programs are planned anew."""
        o = self.objective
        numbers = {n: dict(a) for n, a in (("state", self.state), ("counters", self.counters))} | {"theta": self.theta}
        return _revived, (self.network, o.loss, o.labels, o.weighted, o.spread, self.dtype, numbers)

    def release(self) -> None:
        """Give back the buffers of all batch sizes; the next call makes its own anew."""
        self._bound.clear()
        self.predictor.release()

    def initialize(self, seed: int) -> None:
        """Draw fresh parameters; the seed also keys the dropout masks."""
        for name, value in self.network.initial(np.random.default_rng(seed)).items():
            self.parameters[name][...] = value
        for name, (_, start) in self.prediction.state.items():
            self.state[name][...] = start
        self.counters["seed"][...] = seed
        self.counters["step"][...] = 0

    def _views(self, flat: Array) -> dict[str, Array]:
        views, start = {}, 0
        for p in self.layout.values():
            views[p.name] = flat[start : start + p.count, 0].reshape((p.rows, p.cols), order="F")
            start += p.count
        return views

    @property
    def decay(self) -> Array:
        """1 for entries of weights, 0 for biases and normalization parameters (P × 1)."""
        return np.concatenate([np.full((p.count, 1), float(p.decays), self.dtype) for p in self.layout.values()])

    # --- formulas ------------------------------------------------------------------------------------------------

    @cached_property
    def prediction(self) -> Forward:
        return self.network.forward(training=False)

    @cached_property
    def training(self) -> Forward:
        return self.network.forward(training=True)

    @property
    def graph(self) -> Graph:
        """The named forward equations with groups, as trained."""
        return self.training.graph

    @cached_property
    def cost_expression(self) -> Node:
        """J, what the optimizer minimizes, as an expression."""
        return self.objective.cost(self.training)

    def derivation(self, place: Literal["parameters", "dZ"] = "parameters") -> Derivation:
        """Every cotangent by name, `d["dW[1]"]`, with 1/m at dW and db (as the sources have it) or in dZ.

        One derivation; the place of 1/m is the choice of its seed (see `derive_cost`). dW and db are the gradient of
        the cost J, penalties included, either way.
        """
        S, scale, R = self.objective.parts(self.training)
        present = variables(S)
        parameters = [present[n] for n in self.layout if n in present]
        # Everything but the targets and the weights of samples, whose derivatives nobody asks for.
        wrt = [*self.graph.values(), *parameters, *(present[n] for n in ("A[0]",) if n in present)]
        if place == "dZ":
            return derive(self.cost_expression, wrt, names=self.graph)
        return derive_cost(S, scale, parameters, R, wrt=wrt, names=self.graph)

    @cached_property
    def _gradient(self) -> Derivation:
        return _derived(self.cost_expression, tuple(self.layout))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what a batch brings, in the order of the programs."""
        codes = tuple(f"c[{k + 1}]" for k in range(len(self.network.embeddings)))
        return ("A[0]", *codes, "y" if self.objective.labels else "Y", *(("w",) if self.objective.weighted else ()))

    @cached_property
    def gradient_program(self) -> Program:
        """J and its gradient; running statistics are updated on the way."""
        outputs = {"J": self.cost_expression}
        outputs |= {f"d{n}": self._gradient.of(variable(n, p.rows, p.cols)) for n, p in self.layout.items()}
        return plan(outputs, inputs=self._used(outputs), assigns=self.training.updates)

    @cached_property
    def prediction_program(self) -> Program:
        outputs = {"Yhat": self.prediction.output}
        return plan(outputs, inputs=self._used(outputs))

    @cached_property
    def loss_program(self) -> Program:
        """S and the weight it is divided by, with the equations of prediction."""
        S, _, _ = self.objective.parts(self.prediction)
        outputs = {"S": S, "Yhat": self.prediction.output}
        return plan(outputs, inputs=self._used(outputs))

    def _used(self, outputs: Mapping[str, Node]) -> list[str]:

        present = variables(*outputs.values())
        return [n for n in self.inputs if n in present]

    # --- numbers -------------------------------------------------------------------------------------------------

    def bound(self, which: Literal["gradient", "prediction", "loss"], m: int) -> Bound:
        """A program bound to this model's arrays for batches of m samples; kept for the next batch of that size."""
        key = (which, m)
        if key not in self._bound:
            if len(self._bound) > 8:
                self._bound.pop(next(iter(self._bound)))
            program: Program = getattr(self, f"{which}_program")
            arrays = {**self.parameters, **self.state, **self.counters}
            results = {f"d{n}": g for n, g in self.gradients.items()} if which == "gradient" else {}
            self._bound[key] = bind(program, {"m": m}, self.dtype, arrays, results)
        return self._bound[key]

    def samples(self, X: Any, y: Any, weights: Any = None, codes: Any = None) -> Samples:
        """Check data and bring it into the programs' form; nothing is copied that already has it."""
        n = self.network.outputs
        data = as_it_lies(X, self.network.inputs, self.dtype)
        found = labels(y, n) if self.objective.labels else targets(y, n, self.dtype)
        if len(found) != len(data):
            raise ShapeError(f"X has {len(data)} samples but y has {len(found)}: they must agree")
        w = None
        if self.objective.weighted:
            w = np.ones(len(data), self.dtype) if weights is None else np.ascontiguousarray(weights, dtype=self.dtype)
            if w.shape != (len(data),):
                raise ShapeError(f"sample weights: expected ({len(data)},), received {w.shape}")
            finite(w, "sample weights")
            if (w < 0).any():
                raise ConfigurationError(f"sample weight {w.min()} is negative: weights are 0 or more")
        return Samples(data, found, w, self.codes(codes, len(data)))

    def codes(self, codes: Any, count: int) -> Array | None:
        """Check the categories' codes of `count` samples; None without embeddings."""
        sizes = [levels for levels, _ in self.network.embeddings]
        if not sizes:
            return None
        array = np.ascontiguousarray(codes, dtype=np.int64)
        if array.shape != (count, len(sizes)):
            raise ShapeError(f"category codes: expected ({count}, {len(sizes)}), received {array.shape}")
        if array.size and (array.min() < 0 or (array.max(axis=0) >= sizes).any()):
            raise ShapeError(f"category codes must lie in 0..levels-1 with levels {sizes}")
        return array

    def arrays(self, s: Samples, program: Program, *, lying: bool = False) -> list[Array]:
        """The samples as a program's inputs, transposed (samples × rows).

        lying  leave arrays as they lie, in any memory order and either float type (they may be mapped files); otherwise
               they are made contiguous in the model's type, without a copy where they already are
        """
        every = {"A[0]": s.X, "y": s.targets, "Y": s.targets}
        if s.weights is not None:
            every["w"] = s.weights
        for k in range(len(self.network.embeddings)):
            assert s.codes is not None
            every[f"c[{k + 1}]"] = s.codes[:, k]
        columns = [a if a.ndim == 2 else np.ascontiguousarray(a)[:, None] for a in (every[n] for n in program.inputs)]
        return columns if lying else [self.exact(a) for a in columns]

    def exact(self, a: Array) -> Array:
        """An array as the programs take it: contiguous, numbers in the model's type."""
        return np.ascontiguousarray(a, dtype=self.dtype if a.dtype.kind == "f" else None)

    def predict(self, X: Any, codes: Any = None) -> Array:
        """Ŷ for features (N, n_0): an array (N, n_L), in bounded memory and from any number of threads at once."""
        return self.predictor(X, codes)

    def loss(self, s: Samples) -> float:
        """The mean (or weighted mean) loss with the equations of prediction, without penalties."""
        S = sum(float(task.results["S"][0, 0]) for _, task in self._chunks(s))
        return S / (len(s) if s.weights is None else float(s.weights.sum()))

    def loss_and_prediction(self, s: Samples, rows: Array | None = None) -> tuple[float, Array]:
        """Both in one pass, of all samples or of those with these numbers, of which no copy as a whole is made."""
        count = len(s) if rows is None else len(rows)
        out = np.empty((count, self.network.outputs), self.dtype)
        S = 0.0
        for part, task in self._chunks(s, rows):
            S += float(task.results["S"][0, 0])
            out[part] = task.results["Yhat"].T
        w = s.weights if s.weights is None or rows is None else s.weights[rows]
        return S / (count if w is None else float(w.sum())), out

    def _chunks(self, s: Samples, rows: Array | None = None) -> Any:
        arrays, count = self.arrays(s, self.loss_program, lying=True), len(s) if rows is None else len(rows)
        for start in range(0, count, CHUNK):
            part = slice(start, min(start + CHUNK, count))
            task = self.bound("loss", part.stop - start)
            taken = part if rows is None else rows[part]
            with np.errstate(all="ignore"):
                task.call(*(self.exact(a[taken]) for a in arrays))
            yield part, task

    def cost(self, s: Samples) -> float:
        """J over all samples, as trained (batch statistics, dropout mask of the current step, penalties)."""
        return float(self._evaluate(s, [self.cost_expression])[0][0, 0])

    def gradient(self, s: Samples) -> tuple[float, dict[str, Array]]:
        """J and dJ/dθ by parameter over all samples at once."""
        task = self.bound("gradient", len(s))
        kept = {n: v.copy() for n, v in self.state.items()}
        with np.errstate(all="ignore"):
            task.call(*self.arrays(s, self.gradient_program))
        for n, v in kept.items():  # asking for a gradient is no training step
            self.state[n][...] = v
        return float(task.results["J"][0, 0]), {n: g.copy(order="F") for n, g in self.gradients.items()}

    def values(self, s: Samples) -> dict[str, Array]:
        """Every variable of the cost with its matrix, for `evaluate` and for gradient checking."""
        given = dict(
            zip(self.gradient_program.inputs, (a.T for a in self.arrays(s, self.gradient_program)), strict=True)
        )
        return {**self.parameters, **self.state, **self.counters, **given}

    def _evaluate(self, s: Samples, nodes: list[Node]) -> list[Array]:
        return evaluate(nodes, self.values(s), self.dtype)

    def first_non_finite(self, s: Samples) -> tuple[str, str] | None:
        """(layer, tensor) of the first value, forward and then backward, that is NaN or infinite."""
        values = self.values(s)
        for name in (*self.inputs, *self.parameters):
            if name in values and not np.isfinite(values[name]).all():
                return self.layer_of(name), name
        forward = dict(self.graph.items()) | {"J": self.cost_expression}
        backward = self.derivation("dZ")
        named = list(forward.items()) + [(n, backward[n]) for n in reversed(list(backward))]
        for (name, _), array in zip(named, evaluate([n for _, n in named], values, self.dtype), strict=True):
            if not np.isfinite(array).all():
                return self.layer_of(name), name
        return None

    def layer_of(self, name: str) -> str:
        """Where a tensor stands, in words: "layer 2", "batch norm 1", "the input"."""
        stem, _, index = name.removeprefix("d").rstrip("]").partition("[")
        found = f"N[{index}]" if stem in ("gamma", "beta", "mean", "var") else name.removeprefix("d")
        for group, members in self.graph.groups.items():
            if found in members:
                return group
        words = {"D": "dropout", "R": "skip connection", "E": "embedding", "V": "embedding", "c": "embedding"}
        if stem in words:
            return f"{words[stem]} {index}"
        index = index.rstrip("'").split("d")[0]
        return f"layer {index}" if index not in ("", "0") else "the input" if stem == "A" else "the cost"


# Expressions are kept once, so the same network, made again for the next fold or call, is the same key.
@lru_cache(64)
def _derived(J: Node, names: tuple[str, ...]) -> Derivation:
    return derive(J, names)


def _revived(
    network: Network, loss: Loss, labels: bool, weighted: bool, spread: bool, dtype: Any, numbers: Mapping[str, Any]
) -> Model:
    model = Model(network, loss, labels=labels, weighted=weighted, spread=spread, dtype=dtype)
    model.theta[...] = numbers["theta"]
    for mine, its in ((model.state, numbers["state"]), (model.counters, numbers["counters"])):
        for name, value in its.items():
            mine[name][...] = value
    return model


def _loss_for(network: Network, given: str | Loss | None) -> Loss:
    if given is not None:
        return loss(given)
    natural = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}
    return loss(natural.get(network.output_activation, "quadratic"))


__all__ = ["CHUNK", "Model"]
