"""Learning-rate schedules: the rate as a function of how far training has come.

Progress p is counted in epochs: 0 at the start, 1.5 in the middle of the second epoch. Unless `per_step` is set, the
rate stays constant within an epoch (p is rounded down).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import cos, floor, isfinite, pi
from types import MappingProxyType
from typing import Any

from ..errors import ConfigurationError, unknown_name


@dataclass(kw_only=True)
class Schedule:
    """Base of all schedules: `rate = learning_rate · share(p, epochs)`.

    learning_rate  the full rate η₀ > 0; with 1 the rate is the share itself
    per_step       let the rate change within an epoch

    Raises `ConfigurationError` for numbers out of range.
    """

    learning_rate: float = 1.0
    per_step: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigurationError(f"the learning rate must be a positive number, received {self.learning_rate}")

    def share(self, p: float, epochs: int) -> float:
        """Share of the full learning rate at progress p of `epochs`."""
        raise NotImplementedError

    def rate(self, progress: float, epochs: int) -> float:
        """Learning rate at `progress` (in epochs, from 0) of a training of `epochs`."""
        if not (isfinite(progress) and progress >= 0) or epochs < 1:
            raise ConfigurationError(
                f"a schedule needs a progress >= 0 and at least 1 epoch, received {progress} and {epochs}"
            )
        return self.learning_rate * self.share(progress if self.per_step else floor(progress), epochs)

    def report(self, epoch: int, value: float) -> None:
        """Tell the value watched (the validation loss, say) at the end of an epoch; most schedules need none."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep, as JSON values; empty for a schedule without memory."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state()` returned; the rates that follow are the same bits."""
        _expect_keys(self, state, ())

    def _require(self, fits: bool, what: str, received: object) -> None:
        if not fits:
            raise ConfigurationError(f"schedule {_NAME_OF[type(self)]}: {what}, received {received!r}")

    def __str__(self) -> str:
        """The form `schedule()` reads: `step:10:0.5`."""
        return ":".join([_NAME_OF[type(self)], *(repr(getattr(self, name)) for name in _parameters(type(self)))])


@dataclass
class Constant(Schedule):
    """η = η₀."""

    def share(self, p: float, epochs: int) -> float:
        return 1.0


@dataclass
class Step(Schedule):
    """η = η₀ γ^⌊p/k⌋: times γ = `factor` every k = `every` epochs."""

    every: int = 10
    factor: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.every >= 1, "every must be at least 1 epoch", self.every)
        self._require(0 < self.factor <= 1, "factor must lie in (0, 1]", self.factor)

    def share(self, p: float, epochs: int) -> float:
        return self.factor ** floor(p / self.every)


@dataclass
class Exponential(Schedule):
    """η = η₀ γ^p with γ = `factor`."""

    factor: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 < self.factor <= 1, "factor must lie in (0, 1]", self.factor)

    def share(self, p: float, epochs: int) -> float:
        return float(self.factor**p)


@dataclass
class InverseScaling(Schedule):
    """η = η₀ / (1 + s p)^q with q = `power`, s = `scale`.

    With s = the number of training samples it is scikit-learn's `invscaling`, which counts samples and not epochs.
    """

    power: float = 0.5
    scale: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(isfinite(self.power) and self.power >= 0, "power must not be negative", self.power)
        self._require(isfinite(self.scale) and self.scale > 0, "scale must be positive", self.scale)

    def share(self, p: float, epochs: int) -> float:
        return float((1 + self.scale * p) ** -self.power)


@dataclass
class Cosine(Schedule):
    """Half a cosine from 1 to `final` after a linear warm-up of w = `warmup` epochs (Loshchilov & Hutter 2017).

    p < w:  η = η₀ (1 + p)/(1 + w), never zero;  else η = η₀ (f + (1 - f) (1 + cos(π (p - w)/(epochs - w)))/2).
    """

    warmup: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.warmup >= 0, "warmup must not be negative", self.warmup)
        self._require(0 <= self.final <= 1, "final must lie in [0, 1]", self.final)

    def share(self, p: float, epochs: int) -> float:
        self._require(self.warmup < epochs, f"warmup must be shorter than the {epochs} epochs", self.warmup)
        if p < self.warmup:
            return (1 + p) / (1 + self.warmup)
        return _half_cosine(1.0, self.final, (p - self.warmup) / (epochs - self.warmup))


@dataclass
class OneCycle(Schedule):
    """Half a cosine up from `start` to 1 over the first part `rise` of training, then one down to `end`.

    Smith & Topin 2018 with cosines, as in PyTorch: η₀ is the highest rate, start = 1/25, end = start/10⁴.
    """

    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 < self.rise < 1, "rise must lie between 0 and 1", self.rise)
        self._require(0 < self.start <= 1, "start must lie in (0, 1]", self.start)
        self._require(0 <= self.end <= 1, "end must lie in [0, 1]", self.end)

    def share(self, p: float, epochs: int) -> float:
        peak = self.rise * epochs
        if p < peak:
            return _half_cosine(self.start, 1.0, p / peak)
        return _half_cosine(1.0, self.end, (p - peak) / (epochs - peak))


@dataclass
class ReduceOnPlateau(Schedule):
    """Times `factor` when `patience` epochs in a row brought no value better than the best by more than `min_change`.

    Lower is better unless `mode` is "max"; NaN is no improvement; the rate never falls below η₀ · `lowest`.
    """

    factor: float = 0.1
    patience: int = 10
    min_change: float = 1e-4
    lowest: float = 0.0
    mode: str = field(default="min", kw_only=True)
    _best: float | None = field(default=None, init=False)
    _waited: int = field(default=0, init=False)
    _share: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 < self.factor < 1, "factor must lie between 0 and 1", self.factor)
        self._require(self.patience >= 1, "patience must be at least 1 epoch", self.patience)
        self._require(isfinite(self.min_change) and self.min_change >= 0, "min_change must be >= 0", self.min_change)
        self._require(0 <= self.lowest <= 1, "lowest must lie in [0, 1]", self.lowest)
        if self.mode not in ("min", "max"):
            raise unknown_name("mode of schedule reduce_on_plateau", self.mode, ("min", "max"))

    def share(self, p: float, epochs: int) -> float:
        return self._share

    def report(self, epoch: int, value: float) -> None:
        gain = None if self._best is None else self._best - value if self.mode == "min" else value - self._best
        if isfinite(value) and (gain is None or gain > self.min_change):
            self._best, self._waited = float(value), 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            self._share = max(self._share * self.factor, self.lowest)
            self._waited = 0

    def state(self) -> dict[str, Any]:
        return {"best": self._best, "waited": self._waited, "share": self._share}

    def restore(self, state: Mapping[str, Any]) -> None:
        _expect_keys(self, state, ("best", "waited", "share"))
        best, waited, share = state["best"], state["waited"], state["share"]
        fits = (best is None or _is_number(best)) and type(waited) is int and waited >= 0
        self._require(fits and _is_number(share) and 0 <= share <= 1, "a state that cannot be its own", dict(state))
        self._best, self._waited, self._share = best, waited, share


@dataclass
class Function(Schedule):
    """η = f(p): any function of the epoch gives the rate itself; the learning rate does not enter."""

    function: Callable[[float], float] = field(kw_only=True)

    def rate(self, progress: float, epochs: int) -> float:
        p = progress if self.per_step else floor(progress)
        value = float(self.function(p))
        if not (isfinite(value) and value >= 0):
            raise ConfigurationError(
                f"the schedule's function gave the learning rate {value} at epoch {p}: give one >= 0"
            )
        return value

    def __str__(self) -> str:
        return f"function {getattr(self.function, '__name__', self.function)}"


SCHEDULES: Mapping[str, type[Schedule]] = MappingProxyType(
    {
        "constant": Constant,
        "step": Step,
        "exponential": Exponential,
        "inverse_scaling": InverseScaling,
        "cosine": Cosine,
        "one_cycle": OneCycle,
        "reduce_on_plateau": ReduceOnPlateau,
    }
)

_NAME_OF: Mapping[type[Schedule], str] = {**{cls: name for name, cls in SCHEDULES.items()}, Function: "function"}


def schedule(
    spec: str | Schedule | Callable[[float], float], learning_rate: float | None = None, *, per_step: bool | None = None
) -> Schedule:
    """A fresh schedule from a name with values, a `Schedule`, or a function of the epoch.

    spec           "constant", "step:10:0.5" or "step:every=10:factor=0.5" (values in the order of the class, any left
                   out keep their defaults); a `Schedule`, which is copied without its memory; or p -> rate
    learning_rate  the full rate; None keeps the schedule's own (1 for a new one)
    per_step       let the rate change within an epoch; None keeps the schedule's own (False for a new one)

    Raises `UnknownNameError` for a name that does not exist, `ConfigurationError` for a value that is no number or out
    of range.
    """
    own: dict[str, Any] = {} if learning_rate is None else {"learning_rate": learning_rate}
    if per_step is not None:
        own["per_step"] = per_step
    if isinstance(spec, Schedule):
        return replace(spec, **own)
    if isinstance(spec, str):
        return _parse(spec, own)
    if callable(spec):
        return Function(function=spec, **own)
    raise ConfigurationError(f"a schedule must be a name, a Schedule or a function of the epoch, received {spec!r}")


def _parse(spec: str, own: dict[str, Any]) -> Schedule:
    name, *values = (part.strip() for part in spec.split(":"))
    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    cls = SCHEDULES[name]
    kinds = _parameters(cls)
    form = ":".join([name, *kinds])
    if len(values) > len(kinds):
        raise ConfigurationError(f"schedule {spec!r} has {len(values)} values: at most {len(kinds)} fit, {form}")
    given: dict[str, Any] = {}
    for place, text in zip(kinds, values, strict=False):
        key, equals, number = text.partition("=")
        key, number = (key.strip(), number.strip()) if equals else (place, text)
        if key not in kinds:
            raise unknown_name(f"value of schedule {name}", key, kinds)
        if key in given:
            raise ConfigurationError(f"schedule {spec!r} gives {key} twice: give each of {form} once")
        try:
            given[key] = int(number) if kinds[key] is int else float(number)
        except ValueError:
            wanted = "a whole number" if kinds[key] is int else "a number"
            raise ConfigurationError(
                f"schedule {spec!r}: {key} must be {wanted} ({form}), received {number!r}"
            ) from None
    return cls(**own, **given)


def _parameters(cls: type[Schedule]) -> dict[str, type]:
    """Values of the string form, in order, with their kind."""
    return {f.name: type(f.default) for f in fields(cls) if f.init and not f.kw_only}


def _half_cosine(begin: float, end: float, part: float) -> float:
    return end + (begin - end) * (1 + cos(pi * min(part, 1.0))) / 2


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _expect_keys(owner: Schedule, state: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    if set(state) != set(keys):
        raise ConfigurationError(
            f"schedule {_NAME_OF[type(owner)]}: expected a state with {', '.join(keys) or 'nothing'}, "
            f"received {', '.join(map(str, state)) or 'nothing'}; was it saved by another schedule?"
        )
