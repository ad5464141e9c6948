"""Optimizers as expressions: new parameters and state from θ, g and the state, all P × 1, and a few scalars.

θ is the flat vector of all parameters and g its gradient. Like everything else an update prints, evaluates and runs;
factors such as bias corrections are 1 × 1, so that an executor computes them once per step and not per parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, log
from types import MappingProxyType

from ..errors import ConfigurationError, ShapeError, unknown_name
from ..graph import SCALAR, Node, Number, constant, exact
from ..ops import clip, expm1, maximum, sqrt, total

Hyper = Mapping[str, Number]
Updated = tuple[Node, dict[str, Node]]


@dataclass(frozen=True)
class Rates:
    """What a rule may read besides θ, g and the state: learning rate η and update number t (1 × 1), mask (P × 1)."""

    lr: Node
    t: Node
    decay: Node


Rule = Callable[[Node, Node, Mapping[str, Node], Rates, Hyper], Updated]


@dataclass(frozen=True)
class Optimizer:
    """One update rule with its numbers.

    name      its name in messages and files
    rule      (θ, g, state, rates, hyper) -> (new θ, new state), expressions
    equation  the rule in print
    hyper     hyper-parameters, e.g. {"beta1": 0.9}
    state     names of the state vectors (each P × 1 like θ) -> their initial value
    """

    name: str
    rule: Rule
    equation: str
    hyper: Hyper = field(default_factory=dict)
    state: Mapping[str, float] = field(default_factory=dict)

    def update(self, theta: Node, g: Node, state: Mapping[str, Node], lr: Node, t: Node, decay: Node) -> Updated:
        """Expressions of the parameters and the state after one update.

        theta, g  parameters and gradient of the cost, P × 1
        state     name -> P × 1, for the names in `self.state`
        lr        learning rate, 1 × 1
        t         number of this update, 1 × 1, counted from 1
        decay     P × 1 mask: 1 where weight decay applies (weights), 0 where not (biases and the like)

        Raises `ShapeError` if `lr` or `t` is not 1 × 1 or a vector has not the shape of θ, `UnknownNameError` for a
        missing or unknown state.
        """
        for name in (*self.state, *state):
            if name not in state or name not in self.state:
                raise unknown_name(f"state of {self.name}", name, self.state if name in state else state)
        for name, node in (("lr", lr), ("t", t)):
            if node.shape != SCALAR:
                raise ShapeError(f"{self.name}: expected {name} as 1 × 1, received {node.shape}")
        for name, node in (("g", g), ("decay", decay), *state.items()):
            if node.shape != theta.shape:
                raise ShapeError(f"{self.name}: expected {name} of theta's shape {theta.shape}, received {node.shape}")
        return self.rule(theta, g, state, Rates(lr, t, decay), self.hyper)


def _sgd(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    return theta - at.lr * g, {}


def _momentum(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    v = hyper["momentum"] * state["v"] - at.lr * g
    return theta + v, {"v": v}


def _nesterov(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    step = at.lr * g
    v = hyper["momentum"] * state["v"] - step
    return theta + (hyper["momentum"] * v - step), {"v": v}


def _rmsprop(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    s = _average(hyper["rho"], state["s"], g * g)
    return theta - at.lr * g / (sqrt(s) + hyper["epsilon"]), {"s": s}


def _adagrad(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    s = state["s"] + g * g
    return theta - at.lr * g / (sqrt(s) + hyper["epsilon"]), {"s": s}


def _adam(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    m = _average(hyper["beta1"], state["m"], g)
    v = _average(hyper["beta2"], state["v"], g * g)
    # m̂/(√v̂ + ε) with both corrections taken out of the vectors: √c₂/c₁ · m / (√v + ε √c₂).
    root = sqrt(_bias_correction(hyper["beta2"], at.t))
    rate = at.lr * root / _bias_correction(hyper["beta1"], at.t)
    epsilon = constant(hyper["epsilon"]) if hyper["epsilon_hat"] else hyper["epsilon"] * root
    return theta - rate * m / (sqrt(v) + epsilon), {"m": m, "v": v}


def _adamw(theta: Node, g: Node, state: Mapping[str, Node], at: Rates, hyper: Hyper) -> Updated:
    kept = theta - (at.lr * hyper["weight_decay"]) * at.decay * theta
    return _adam(kept, g, state, at, hyper)


def _average(rho: Number, old: Node, new: Node) -> Node:
    """ρ old + (1 - ρ) new; 1 - ρ exactly, as a fraction."""
    return rho * old + (1 - exact(rho)) * new


def _bias_correction(beta: Number, t: Node) -> Node:
    """1 - βᵗ as -expm1(t ln β): in float32 the difference would lose digits while βᵗ is near 1."""
    return constant(1) if beta == 0 else -expm1(t * log(beta))


_ALL = (
    # Robbins & Monro 1951; the update W = W - α dW of the sources.
    Optimizer("sgd", _sgd, "θ ← θ - η g"),
    # Polyak 1964, written with the velocity of Sutskever et al. 2013, formulas 1 and 2; scikit-learn's `sgd`
    # with nesterovs_momentum=False. PyTorch keeps η outside the velocity: equal while η is constant.
    Optimizer("momentum", _momentum, "v ← μ v - η g;  θ ← θ + v", {"momentum": 0.9}, {"v": 0.0}),
    # Nesterov 1983 in the form of Sutskever et al. 2013 (formulas 3 and 4) with θ standing for the look-ahead point
    # θ + μ v (Bengio et al. 2013), so that the gradient is taken at θ; scikit-learn's `sgd` with nesterovs_momentum.
    Optimizer("nesterov", _nesterov, "v ← μ v - η g;  θ ← θ + μ v - η g", {"momentum": 0.9}, {"v": 0.0}),
    # Tieleman & Hinton 2012, lecture 6.5; ε outside the root as in PyTorch.
    Optimizer(
        "rmsprop",
        _rmsprop,
        "s ← ρ s + (1-ρ) g²;  θ ← θ - η g / (√s + ε)",
        {"rho": 0.9, "epsilon": 1e-8},
        {"s": 0.0},
    ),
    # Duchi, Hazan & Singer 2011, diagonal form.
    Optimizer("adagrad", _adagrad, "s ← s + g²;  θ ← θ - η g / (√s + ε)", {"epsilon": 1e-10}, {"s": 0.0}),
    # Kingma & Ba 2015, algorithm 1, as PyTorch. With epsilon_hat=True the faster form at the end of their section 2,
    # η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε̂), as scikit-learn and Keras: there ε is not divided by √(1-β₂ᵗ).
    Optimizer(
        "adam",
        _adam,
        "m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← θ - η (m/(1-β₁ᵗ)) / (√(v/(1-β₂ᵗ)) + ε)",
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "epsilon_hat": False},
        {"m": 0.0, "v": 0.0},
    ),
    # Loshchilov & Hutter 2019, decoupled decay scaled by η as in PyTorch; D is the mask of what decays.
    Optimizer(
        "adamw",
        _adamw,
        "m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← θ - η λ D ∘ θ - η (m/(1-β₁ᵗ)) / (√(v/(1-β₂ᵗ)) + ε)",
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "epsilon_hat": False, "weight_decay": 0.01},
        {"m": 0.0, "v": 0.0},
    ),
)

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType({each.name: each for each in _ALL})

_UNIT = frozenset({"momentum", "rho", "beta1", "beta2"})


def optimizer(given: str | Optimizer, **hyper: Number) -> Optimizer:
    """The optimizer of a name, or an `Optimizer` as it is, with hyper-parameters replaced.

    `optimizer("adam", beta2=0.99)`; momentum, rho, beta1, beta2 in [0, 1), epsilon > 0, weight_decay >= 0,
    epsilon_hat True or False. Raises `UnknownNameError` for a name or hyper-parameter that does not exist,
    `ConfigurationError` for a number out of range.
    """
    if isinstance(given, Optimizer):
        found = given
    elif isinstance(given, str):
        if given not in OPTIMIZERS:
            raise unknown_name("optimizer", given, OPTIMIZERS)
        found = OPTIMIZERS[given]
    else:
        raise ConfigurationError(f"an optimizer must be a name or an Optimizer, received {given!r}")
    for name, value in hyper.items():
        if name not in found.hyper:
            if not found.hyper:
                raise ConfigurationError(f"optimizer {found.name} has no hyper-parameter {name!r}: it takes none")
            raise unknown_name(f"hyper-parameter of {found.name}", name, found.hyper)
        _check(found.name, name, value)
    return replace(found, hyper={**found.hyper, **hyper}) if hyper else found


def _check(optimizer_name: str, name: str, value: Number) -> None:
    where = f"{optimizer_name}: {name}"
    if name == "epsilon_hat":
        if not isinstance(value, bool):
            raise ConfigurationError(f"{where} must be True or False, received {value!r}")
        return
    if isinstance(value, bool) or not isfinite(value):
        raise ConfigurationError(f"{where} must be a finite number, received {value!r}")
    if name in _UNIT and not 0 <= value < 1:
        raise ConfigurationError(f"{where} must lie in [0, 1), received {value}")
    if name == "epsilon" and value <= 0:
        raise ConfigurationError(f"{where} must be positive, received {value}")
    if name == "weight_decay" and value < 0:
        raise ConfigurationError(f"{where} must not be negative, received {value}")


def clip_by_norm(g: Node, max_norm: Number) -> Node:
    """g · c / max(‖g‖, c) with the Euclidean norm and c = `max_norm` > 0 (Pascanu et al. 2013); same shape.

    Gradients within the limit are unchanged, and ‖g‖ = 0 divides by nothing.
    """
    _positive("clip_by_norm", max_norm)
    return g * (max_norm / maximum(sqrt(total(g * g, axis=None)), max_norm))


def clip_by_value(g: Node, limit: Number) -> Node:
    """Every entry limited to [-limit, limit], limit > 0; same shape."""
    _positive("clip_by_value", limit)
    return clip(g, lo=-limit, hi=limit)


def _positive(name: str, value: Number) -> None:
    if not (isfinite(value) and value > 0):
        raise ConfigurationError(f"{name}: the limit must be a positive number, received {value}")
