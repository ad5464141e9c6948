"""What a training of a table is told, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from typing import Any, Literal

from ..errors import ConfigurationError, ModelFileError, unknown_name
from ..nn import loss as find_loss
from ..ops import activation as find_activation
from ..train import Settings

CLASS_WEIGHTS = ("balanced",)
_PATIENCE, _PATIENT_STEPS = 20, 400
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Options:
    """Data, network and training of one job. Numbers that suit most tables are the defaults.

    target, task      the column to predict and what it is; None: detected
    drop, categories  columns to leave out; columns to read as text although they look numeric
    separator, decimal  of delimited text; None: detected
    hidden            units of the hidden layers; () is a linear model
    activation, dropout, batch_norm  of each hidden layer
    l1, l2            λ₁ Σ|W| and λ₂/2 ΣW², added to the cost; l2 None: see `architecture.default_l2`
    loss              None: cross_entropy for classes, mean_squared (of the standardized target) for numbers
    label_smoothing   ε in [0, 1); class_weight: "balanced" or None
    float64           compute in float64 instead of float32
    epochs, batch_size, optimizer, learning_rate, schedule, clip_norm  see `train.Settings`
    patience          epochs without a better validation loss after which training stops; 0: never; None: 20, and
                      more where these are fewer than 400 steps
    validation, test  shares in [0, 1) of the rows; a test part that comes with the data wins
    seed              of the split, the initial weights, the order and the dropout masks

    Raises `ConfigurationError` for a number out of range, `UnknownNameError` for a name that does not exist.
    """

    target: str | None = None
    task: Literal["classification", "regression"] | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    hidden: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    l1: float = 0.0
    l2: float | None = None
    loss: str | None = None
    label_smoothing: float = 0.0
    class_weight: str | None = None
    float64: bool = False
    epochs: int = 200
    batch_size: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None
    validation: float = 0.15
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        if self.class_weight is not None and self.class_weight not in CLASS_WEIGHTS:
            raise unknown_name("class weight", self.class_weight, CLASS_WEIGHTS)
        for units in self.hidden:
            if isinstance(units, bool) or not isinstance(units, int) or units < 1:
                raise ConfigurationError(
                    f"hidden={','.join(map(str, self.hidden))!r}: {units!r} is no width; give whole numbers from 1 on, "
                    "e.g. 128,64"
                )
        find_activation(self.activation)
        if self.loss is not None:
            find_loss(self.loss)
        for name in ("dropout", "label_smoothing", "validation", "test"):
            self._require(name, 0 <= getattr(self, name) < 1, "a number from 0 to below 1")
        for name in ("l1", "l2"):
            value = getattr(self, name)
            self._require(name, value is None or (isfinite(value) and value >= 0), "a number from 0 on")
        self._require("clip_norm", self.clip_norm is None or 0 < self.clip_norm < float("inf"), "a positive number")
        patience = 0 if self.patience is None else self.patience
        self._require("patience", isinstance(patience, int) and patience >= 0, "a whole number from 0 on")
        self._require("seed", isinstance(self.seed, int) and 0 <= self.seed < 2**32, f"a number from 0 to {2**32 - 1}")
        if self.validation + self.test >= 1:
            raise ConfigurationError(
                f"validation={self.validation:g} and test={self.test:g} leave no rows to train on: "
                "give shares that add up to less than 1"
            )
        self.settings()

    def _require(self, name: str, fits: bool, allowed: str) -> None:
        if not fits:
            raise ConfigurationError(f"{name}={getattr(self, name)!r}: it must be {allowed}")

    def settings(self, rows: int | None = None, *, watched: bool = True) -> Settings:
        """The settings of the loop over `rows` training rows; early stopping only where a validation set is watched."""
        made = Settings(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            clip_norm=self.clip_norm,
            seed=self.seed,
            patience=self.patience or None,
        )
        if not watched:
            return replace(made, patience=None)
        if self.patience is None and rows is not None:
            steps = -(-rows // made.batch_for(rows))
            made = replace(made, patience=max(_PATIENCE, -(-_PATIENT_STEPS // steps)))
        return made

    def to_json(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Options:
        """Read what `to_json` wrote; anything else is a `ModelFileError`."""
        known = {f.name for f in fields(cls)}
        if set(d) != known:
            odd = sorted(set(d) ^ known)[0]
            raise ModelFileError(f"the recorded options have no or an unknown entry {odd!r}: start a new run")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in d.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise ModelFileError(f"the recorded options cannot be used ({error}): start a new run") from None
