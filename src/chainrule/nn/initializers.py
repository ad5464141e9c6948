"""Initial weights: random matrices W (n_out × n_in) whose variance keeps signals or gradients at one size.

With weights of variance v, a layer multiplies the variance of a signal by n_in v and that of a gradient by n_out v.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite, sqrt
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, unknown_name

Matrix = npt.NDArray[np.float64]
Draw = Callable[..., Matrix]


@dataclass(frozen=True)
class Initializer:
    """A rule that draws a weight matrix: `initializer("he_normal")(rng, (n_out, n_in))`.

    name        its name in messages and files
    draw        (generator, (n_out, n_in), **parameters) -> float64 matrix
    parameters  numbers of the rule, such as the standard deviation of `normal`
    """

    name: str
    draw: Draw
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
        """Draw W (n_out × n_in) in float64; the same generator state gives the same matrix.

        Raises `ConfigurationError` for sizes below 1, and if the rule returns another shape or a non-finite number.
        """
        if len(shape) != 2 or min(shape) < 1:
            raise ConfigurationError(f"initializer {self.name}: expected a shape (n_out, n_in) >= 1, received {shape}")
        W = np.asarray(self.draw(rng, (int(shape[0]), int(shape[1])), **self.parameters), dtype=np.float64)
        if W.shape != tuple(shape):
            raise ConfigurationError(f"initializer {self.name}: expected weights {tuple(shape)}, received {W.shape}")
        if not np.isfinite(W).all():
            raise ConfigurationError(f"initializer {self.name}: expected finite weights, received NaN or infinity")
        return W


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """U(-a, a), a = √(6 / (n_in + n_out)): variance 2/(n_in + n_out) (Glorot & Bengio 2010, formula 16)."""
    return _uniform(rng, shape, 2 / sum(shape))


def glorot_normal(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """N(0, 2 / (n_in + n_out)), not truncated (Glorot & Bengio 2010, formula 12)."""
    return rng.normal(0, sqrt(2 / sum(shape)), shape)


def he_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """U(-a, a), a = √(6 / n_in): variance 2/n_in (He et al. 2015)."""
    return _uniform(rng, shape, 2 / shape[1])


def he_normal(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """N(0, 2 / n_in): relu halves the variance, this doubles it again (He et al. 2015, formula 10)."""
    return rng.normal(0, sqrt(2 / shape[1]), shape)


def lecun_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """U(-a, a), a = √(3 / n_in): variance 1/n_in (LeCun et al. 1998, §4.6)."""
    return _uniform(rng, shape, 1 / shape[1])


def lecun_normal(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """N(0, 1 / n_in) (LeCun et al. 1998, §4.6), what selu needs (Klambauer et al. 2017)."""
    return rng.normal(0, sqrt(1 / shape[1]), shape)


def uniform(rng: np.random.Generator, shape: tuple[int, int], low: float, high: float) -> Matrix:
    """U(low, high)."""
    if not low < high:
        raise ConfigurationError(f"initializer uniform: low must be below high, received {low} and {high}")
    return rng.uniform(low, high, shape)


def normal(rng: np.random.Generator, shape: tuple[int, int], std: float) -> Matrix:
    """N(0, std²)."""
    if std <= 0:
        raise ConfigurationError(f"initializer normal: std must be positive, received {std}")
    return rng.normal(0, std, shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int], gain: float) -> Matrix:
    """gain · Q with orthonormal rows or columns, whichever are fewer, uniformly distributed (Saxe et al. 2014).

    Q is the factor of A = QR, A standard normal, with signs that make the diagonal of R positive.
    """
    if gain <= 0:
        raise ConfigurationError(f"initializer orthogonal: gain must be positive, received {gain}")
    n_out, n_in = shape
    Q, R = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return gain * (Q if n_out >= n_in else Q.T)


def zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """0 everywhere: right for biases; as weights it keeps all units of a layer equal."""
    return np.zeros(shape)


def _uniform(rng: np.random.Generator, shape: tuple[int, int], variance: float) -> Matrix:
    a = sqrt(3 * variance)
    return rng.uniform(-a, a, shape)


INITIALIZERS: Mapping[str, Initializer] = MappingProxyType(
    {
        "glorot_uniform": Initializer("glorot_uniform", glorot_uniform),
        "glorot_normal": Initializer("glorot_normal", glorot_normal),
        "he_uniform": Initializer("he_uniform", he_uniform),
        "he_normal": Initializer("he_normal", he_normal),
        "lecun_uniform": Initializer("lecun_uniform", lecun_uniform),
        "lecun_normal": Initializer("lecun_normal", lecun_normal),
        "uniform": Initializer("uniform", uniform, {"low": -0.05, "high": 0.05}),
        "normal": Initializer("normal", normal, {"std": 0.05}),
        "orthogonal": Initializer("orthogonal", orthogonal, {"gain": 1.0}),
        "zeros": Initializer("zeros", zeros),
    }
)

_HE = frozenset({"relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "swish", "mish"})


def initializer(given: str | Initializer | Draw, **parameters: float) -> Initializer:
    """The initializer of a name, an `Initializer` as it is, or a function (generator, (n_out, n_in)) -> matrix.

    parameters  numbers of the rule: `initializer("uniform", low=-1, high=1)`

    Raises `UnknownNameError` for a name or parameter that does not exist, `ConfigurationError` for one that is not a
    finite number.
    """
    if isinstance(given, str):
        if given not in INITIALIZERS:
            raise unknown_name("initializer", given, INITIALIZERS)
        found = INITIALIZERS[given]
    elif isinstance(given, Initializer):
        found = given
    elif callable(given):
        found = Initializer(getattr(given, "__name__", type(given).__name__), given)
    else:
        raise ConfigurationError(f"an initializer must be a name or a function (generator, shape), received {given!r}")
    for name, value in parameters.items():
        if name not in found.parameters:
            if not found.parameters:
                raise ConfigurationError(f"initializer {found.name} has no parameter {name!r}: it takes none")
            raise unknown_name(f"parameter of initializer {found.name}", name, found.parameters)
        if not isfinite(value):
            raise ConfigurationError(f"initializer {found.name}: {name} must be a finite number, received {value}")
    return Initializer(found.name, found.draw, {**found.parameters, **parameters}) if parameters else found


def default_for(activation: object) -> str:
    """Name of the initializer that suits the activation after the layer.

    The relu family: he_normal; selu: lecun_normal; any other, and functions: glorot_uniform.
    """
    if activation == "selu":
        return "lecun_normal"
    return "he_normal" if activation in _HE else "glorot_uniform"
