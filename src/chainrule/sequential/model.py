"""`Sequential`: layers one after the other, compiled, fitted, evaluated, saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import nn
from ..errors import ConfigurationError, DataError, ModelFileError, ShapeError
from ..nn import Loss, Network
from ..nn import loss as find_loss
from ..nn.losses import Term
from ..train import Callback, History, Model, Optimizer, Samples, Settings, Trainer, load_model, save_model
from ..train.samples import finite
from .callbacks import Attached, Measured, Progress
from .layers import KINDS, Layer
from .metrics import METRICS, Metric, metric

Array = npt.NDArray[Any]

_SPARSE = ("sparse_categorical_crossentropy", "sparse_categorical_cross_entropy")


@dataclass(frozen=True)
class _Compiled:
    optimizer: str | Optimizer
    loss: Loss
    labels: bool
    metrics: Mapping[str, Metric]
    learning_rate: float

    def to_json(self) -> dict[str, Any] | None:
        """What can be written down; functions of the user's own cannot."""
        if not isinstance(self.optimizer, str) or any(METRICS.get(n) is not f for n, f in self.metrics.items()):
            return None
        return {"optimizer": self.optimizer, "learning_rate": self.learning_rate, "metrics": list(self.metrics)}


class Sequential:
    """Layers one after the other.

    layers  of this module, in order; the number of features is told by the first one, or by the data at `fit`
    seed    of the weights, the order of the samples and the dropout masks
    dtype   float32 or float64
    """

    def __init__(
        self, layers: Sequence[Layer] | None = None, *, seed: int = 0, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.layers: list[Layer] = []
        self.seed, self.dtype = seed, np.dtype(dtype)
        self.history: History | None = None
        self._model: Model | None = None
        self._compiled: _Compiled | None = None
        self._moments: tuple[dict[str, Array], Array] | None = None  # optimizer state, kept between calls of fit
        self._fits = 0
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Append a layer; the model is then to be compiled again, and its weights are drawn anew."""
        if not isinstance(layer, Layer):
            raise ConfigurationError(f"add: expected a layer such as Dense(64, activation='relu'), received {layer!r}")
        if self.layers and layer.inputs is not None and layer.inputs != _units(self.layers, self.layers[0].inputs):
            raise ConfigurationError(f"input_dim={layer.inputs} does not fit the layer before it; leave it out")
        self.layers.append(layer)
        self._model, self._compiled, self._moments = None, None, None

    @property
    def model(self) -> Model:
        """The `chainrule.train.Model` behind: its graph, its derivation, its parameters."""
        return self._built(None)

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Term | None = None,
        metrics: Sequence[str | Metric] = (),
        learning_rate: float | None = None,
    ) -> None:
        """Choose how to train; weights stay, the optimizer forgets.

        optimizer      name or `Optimizer`; learning_rate: 0.01 for sgd, momentum, nesterov, else 0.001
        loss           name, ours or that of Keras ("categorical_crossentropy" for one-hot targets,
                       "sparse_categorical_crossentropy" for integer labels, "binary_crossentropy", "mse"), `Loss` or
                       function; None takes the one that suits the last activation
        metrics        "accuracy", "binary_accuracy", "mse", "mae", or functions (targets, Ŷ) -> number
        """
        if not self.layers:
            raise ConfigurationError("compile: the model has no layers yet, add them first")
        name = optimizer if isinstance(optimizer, str) else getattr(optimizer, "name", "")
        rate = (0.01 if name in ("sgd", "momentum", "nesterov") else 0.001) if learning_rate is None else learning_rate
        Settings(optimizer=optimizer, learning_rate=rate)  # says what is wrong before any training
        natural = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}
        chosen = natural.get(self._output_activation(), "quadratic") if loss is None else loss
        labels = isinstance(chosen, str) and chosen in _SPARSE
        found = find_loss(chosen)
        self._compiled = _Compiled(optimizer, found, labels, dict(metric(m) for m in metrics), rate)
        self._moments = None
        if self._model is not None:
            self._model = self._remade(weighted=False)

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        epochs: int = 1,
        batch_size: int | None = 32,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 1,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train on X (N, n_0) and y (N, n_L) or N labels; returns the `History` of this call.

        epochs            the last epoch; with initial_epoch=k training begins after epoch k
        validation_split  share of the samples, from the end as they are given, that is held out
        validation_data   (X, y) or (X, y, weights) instead of a split
        sample_weight     N weights; class_weight: class -> weight; the cost is Σ w ℓ / Σ w
        verbose           1 prints a line per epoch

        In `history.history`: loss (as trained), the metrics of the training data at the end of the epoch, and val_...
        """
        c = self._need_compiled()
        held, weights = None, sample_weight
        if validation_data is not None:
            if len(validation_data) not in (2, 3):
                raise ConfigurationError("validation_data must be (X, y) or (X, y, weights)")
            held = (*validation_data, None)[:3]
        elif validation_split:
            (X, y, weights), held = _split(X, y, weights, validation_split)
        if class_weight is not None:
            weights = _class_weighted(y, weights, class_weight)
        model = self._built(X, weighted=weights is not None or (held is not None and held[2] is not None))
        train = self._samples(X, y, weights)
        validation = None if held is None else self._samples(*held)
        settings = Settings(
            epochs=epochs,
            batch_size=batch_size or 32,
            optimizer=c.optimizer,
            learning_rate=c.learning_rate,
            shuffle=shuffle,
            seed=self.seed + self._fits,
        )
        if not isinstance(initial_epoch, int) or not 0 <= initial_epoch < epochs:
            raise ConfigurationError(f"initial_epoch={initial_epoch!r}: it must be from 0 to epochs - 1 = {epochs - 1}")
        own: list[Callback] = [Measured(c.metrics)] if c.metrics else []
        given = list(callbacks or ())
        for callback in given:
            if not isinstance(callback, Callback):
                raise ConfigurationError(f"callbacks must be chainrule.train.Callback objects, received {callback!r}")
            if isinstance(callback, Attached):
                callback.set_model(self)
        own += given + ([Progress()] if verbose else [])
        trainer = Trainer(model, train, validation, settings, callbacks=own, measures=dict(c.metrics))
        trainer.epoch = initial_epoch + 1
        if self._moments is not None:
            for name, value in self._moments[0].items():
                trainer.update.state[name][...] = value
            trainer.update.count[...] = self._moments[1]
        self._fits += 1
        self.history = trainer.run()
        self._moments = (trainer.update.state, trainer.update.count)
        return self.history

    def evaluate(
        self, X: Any, y: Any, *, sample_weight: Any = None, return_dict: bool = False
    ) -> list[float] | dict[str, float]:
        """[loss, metrics…] with the equations of prediction, without penalties; as a dictionary if asked."""
        c = self._need_compiled()
        model = self._built(X, weighted=sample_weight is not None)
        samples = self._samples(X, y, sample_weight)
        value, Yhat = model.loss_and_prediction(samples)
        found = {"loss": value} | {name: float(f(samples.targets, Yhat)) for name, f in c.metrics.items()}
        return found if return_dict else list(found.values())

    def predict(self, X: Any) -> Array:
        """Ŷ (N, n_L) for X (N, n_0)."""
        return self._built(X).predict(X)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of layers, output shapes and numbers of parameters."""
        rows, fixed = [("Layer", "Output shape", "Parameters")], 0
        units, names = self.model.network.inputs, list(self._tensors())
        for i, layer in enumerate(self.layers):
            units = layer.core.units if isinstance(layer.core, nn.Dense) else units
            mine = [(n, a.size) for k, n, a in names if k == i]
            fixed += sum(count for n, count in mine if n in self.model.state)
            rows.append((f"{i + 1}. {layer.kind}", f"(None, {units})", f"{sum(count for _, count in mine):,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for a, b, number in rows:
            print_fn(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {number:>{widths[2]}}")
        count = sum(a.size for _, _, a in names)
        print_fn(f"Total parameters: {count:,} (trainable: {count - fixed:,}, not trainable: {fixed:,})")

    def count_params(self) -> int:
        """Number of all parameters, running statistics included, as Keras counts."""
        return sum(a.size for _, _, a in self._tensors())

    def get_weights(self) -> list[Array]:
        """Copies in the order and shapes of Keras: kernel (in, out), bias (out,); γ, β, running mean, variance."""
        return [a.T.copy() if a.shape[1] > 1 or n.startswith("W") else a[:, 0].copy() for _, n, a in self._tensors()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Write what `get_weights` returns. Raises `ShapeError` for another number of arrays or another shape."""
        mine = self.get_weights()
        given = [np.asarray(w) for w in weights]
        if [w.shape for w in given] != [w.shape for w in mine]:
            wanted, found = ([w.shape for w in ws] for ws in (mine, given))
            raise ShapeError(f"set_weights: expected arrays of the shapes {wanted}, received {found}")
        for value in given:
            finite(value, "set_weights")
        for (_, _, target), value in zip(self._tensors(), given, strict=True):
            target[...] = value.T if value.ndim == 2 else value[:, None]

    def save(self, path: str | Path) -> None:
        """Write architecture, weights, loss and how it was compiled, atomically, as `chainrule.train.save_model`."""
        extra = {"seed": self.seed, "compiled": None if self._compiled is None else self._compiled.to_json()}
        save_model(path, self.model, {"sequential": extra})

    @classmethod
    def load(cls, path: str | Path) -> Sequential:
        """Read what `save` wrote, or any saved model of these layers.

        The optimizer's memory is not kept. A model compiled with functions of your own must be compiled again.
        Raises `ModelFileError`.
        """
        model, extra = load_model(path)
        about = extra.get("sequential") or {}
        odd = [type(x).__name__ for x in model.network.layers if type(x) not in KINDS]
        if odd or model.network.embeddings:
            raise ModelFileError(f"{path}: the network has {odd or 'embeddings'}, which Sequential does not know")
        new = cls(seed=int(about.get("seed", 0)), dtype=model.dtype)
        new.layers = [Layer(core, KINDS[type(core)]) for core in model.network.layers]
        new.layers[0] = replace(new.layers[0], inputs=model.network.inputs)
        new._model = model
        how = about.get("compiled")
        if how is not None:
            metrics = dict(metric(m) for m in how["metrics"])
            rate = float(how["learning_rate"])
            new._compiled = _Compiled(how["optimizer"], model.objective.loss, model.objective.labels, metrics, rate)
        return new

    # --- inside --------------------------------------------------------------------------------------------------

    def _output_activation(self) -> str:
        last = [x.core for x in self.layers if isinstance(x.core, nn.Dense | nn.Activate)]
        given = last[-1].activation if last else "identity"
        return given if isinstance(given, str) else ""

    def _need_compiled(self) -> _Compiled:
        if self._compiled is None:
            raise ConfigurationError("the model has no loss and no optimizer yet: call compile first")
        return self._compiled

    def _built(self, X: Any, *, weighted: bool = False) -> Model:
        """The model behind; the number of features is read off X where no layer tells it."""
        if self._model is None:
            if not self.layers:
                raise ConfigurationError("the model has no layers: add one, such as Dense(10, activation='softmax')")
            inputs = self.layers[0].inputs
            if inputs is None and np.ndim(X) != 2:
                raise ConfigurationError("the number of features is not known: give input_dim to the first layer")
            inputs = int(np.shape(X)[1]) if inputs is None else inputs
            network = Network(inputs, tuple(x.core for x in self.layers))
            c = self._compiled
            self._model = Model(
                network,
                None if c is None else c.loss,
                labels=c is not None and c.labels,
                weighted=weighted,
                dtype=self.dtype,
                seed=self.seed,
            )
        elif weighted and not self._model.objective.weighted:
            self._model = self._remade(weighted)
        return self._model

    def _remade(self, weighted: bool) -> Model:
        """The model for another objective, with the numbers it has."""
        old, c = self.model, self._need_compiled()
        new = Model(old.network, c.loss, labels=c.labels, weighted=weighted, dtype=self.dtype, seed=self.seed)
        new.theta[...] = old.theta
        for name, value in old.state.items():
            new.state[name][...] = value
        return new

    def _samples(self, X: Any, y: Any, weights: Any) -> Samples:
        c, n = self._need_compiled(), self.model.network.outputs
        if not c.labels and c.loss.target == "probabilities" and n > 1 and np.ndim(y) == 1:
            raise DataError(
                f"y holds one label per sample, but the loss expects one-hot rows (samples, {n}): compile with "
                "loss='sparse_categorical_crossentropy', or encode y"
            )
        return self.model.samples(X, y, weights)

    def _tensors(self) -> Iterator[tuple[int, str, Array]]:
        """(layer, name, array) in the order of Keras."""
        dense = norm = 0
        m = self.model
        for i, layer in enumerate(self.layers):
            names: tuple[str, ...] = ()
            if isinstance(layer.core, nn.Dense):
                dense += 1
                names = (f"W[{dense}]", f"b[{dense}]")
            elif isinstance(layer.core, nn.BatchNorm | nn.LayerNorm):
                norm += 1
                names = (f"gamma[{norm}]", f"beta[{norm}]", f"mean[{norm}]", f"var[{norm}]")
            for n in names:
                found = m.parameters.get(n, m.state.get(n))
                if found is not None:
                    yield i, n, found


def _units(layers: Sequence[Layer], inputs: int | None) -> int | None:
    dense = [x.core.units for x in layers if isinstance(x.core, nn.Dense)]
    return dense[-1] if dense else inputs


def _class_weighted(y: Any, sample_weight: Any, class_weight: Mapping[int, float]) -> Array:
    given = np.asarray(y)
    if given.dtype.kind not in "fiub" or given.ndim not in (1, 2):
        raise DataError("class_weight needs classes as numbers: labels (samples,) or one-hot rows")
    classes = given.argmax(axis=1) if given.ndim == 2 and given.shape[1] > 1 else given.reshape(-1)
    missing = sorted({int(k) for k in np.unique(classes)} - {int(k) for k in class_weight})
    if missing:
        raise ConfigurationError(f"class_weight has no weight for class {missing[0]}: give one for every class")
    of_class = np.array([float(class_weight[int(k)]) for k in classes])
    if sample_weight is None:
        return of_class
    if np.shape(sample_weight) != of_class.shape:
        raise ShapeError(f"sample_weight: expected {of_class.shape}, received {np.shape(sample_weight)}")
    both: Array = of_class * np.asarray(sample_weight)
    return both


def _split(X: Any, y: Any, weights: Any, share: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first and the last part of the samples; the last has a share of them, rounded up."""
    X, y = np.asarray(X), np.asarray(y)
    cut = int(len(X) * (1 - share)) if 0 < share < 1 else 0
    if not 0 < cut < len(X):
        raise ConfigurationError(
            f"validation_split={share!r} of {len(X)} samples leaves none to train on or to validate with: "
            "give a share in (0, 1), such as 0.2"
        )
    w = None if weights is None else np.asarray(weights)
    return (X[:cut], y[:cut], None if w is None else w[:cut]), (X[cut:], y[cut:], None if w is None else w[cut:])
