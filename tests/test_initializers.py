"""Initializers: variance laws, bounds, orthogonality, reproducible draws, errors."""

import copy
import math

import numpy as np
import pytest
from scipy import stats

from chainrule.errors import ConfigurationError, UnknownNameError
from chainrule.nn.initializers import INITIALIZERS, Initializer, default_for, initializer

SHAPE = (150, 400)  # n_out × n_in, unequal, so that a mistaken fan shows
VARIANCE = {
    "glorot_uniform": 2 / 550,
    "glorot_normal": 2 / 550,
    "he_uniform": 2 / 400,
    "he_normal": 2 / 400,
    "lecun_uniform": 1 / 400,
    "lecun_normal": 1 / 400,
    "uniform": 0.1**2 / 12,
    "normal": 0.05**2,
    "orthogonal": 1 / 400,
    "zeros": 0.0,
}


def draw(name, shape=SHAPE, seed=0, **parameters):
    return initializer(name, **parameters)(np.random.default_rng(seed), shape)


def test_every_initializer_has_its_law():
    assert set(VARIANCE) == set(INITIALIZERS)
    assert all(name == rule.name for name, rule in INITIALIZERS.items())


@pytest.mark.parametrize("name", INITIALIZERS)
def test_shape_mean_and_variance(name):
    W = draw(name)
    assert W.shape == SHAPE
    assert W.dtype == np.float64
    # 60,000 entries: the standard error of a normal's variance is √(2/60000) = 0.6 % of it; five of them are allowed.
    np.testing.assert_allclose(W.var(), VARIANCE[name], rtol=5 * math.sqrt(2 / W.size))
    assert abs(W.mean()) <= 5 * math.sqrt(VARIANCE[name] / W.size)


@pytest.mark.parametrize("name", [n for n in INITIALIZERS if n not in ("orthogonal", "zeros")])
def test_distribution(name):
    W = draw(name)
    if "uniform" in name:
        a = math.sqrt(3 * VARIANCE[name])
        assert 0.999 * a < np.abs(W).max() <= a
        law = stats.uniform(-a, 2 * a)
    else:
        law = stats.norm(0, math.sqrt(VARIANCE[name]))
    assert stats.kstest(W.ravel(), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", [n for n in INITIALIZERS if n != "zeros"])
def test_seeds(name):
    np.testing.assert_array_equal(draw(name, (5, 4), seed=3), draw(name, (5, 4), seed=3))
    assert not np.array_equal(draw(name, (5, 4), seed=3), draw(name, (5, 4), seed=4))
    rng = np.random.default_rng(3)
    first, second = initializer(name)(rng, (5, 4)), initializer(name)(rng, (5, 4))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (1, 4), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, math.sqrt(2)])
def test_orthogonal(shape, gain):
    W = draw("orthogonal", shape, gain=gain)
    gram = W @ W.T if shape[0] <= shape[1] else W.T @ W
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(shape)), atol=1e-14)


def test_orthogonal_is_uniform_over_rotations_and_reflections():
    # Under the Haar measure each entry has mean 0 and variance 1/n; QR without the signs fails the first.
    rng = np.random.default_rng(0)
    Q = np.array([initializer("orthogonal")(rng, (3, 3)) for _ in range(2000)])
    assert np.abs(Q.mean(axis=0)).max() < 5 / math.sqrt(3 * 2000)
    np.testing.assert_allclose(Q.var(axis=0), 1 / 3, rtol=0.15)
    assert 0.4 < np.mean(np.linalg.det(Q) > 0) < 0.6


def test_parameters():
    W = draw("uniform", low=2, high=3)
    assert W.min() >= 2
    assert W.max() <= 3
    assert W.max() - W.min() > 0.999
    np.testing.assert_allclose(draw("normal", std=7).std(), 7, rtol=0.02)
    np.testing.assert_array_equal(draw("zeros"), np.zeros(SHAPE))
    assert INITIALIZERS["normal"].parameters == {"std": 0.05}, "settings must not change the registered rule"


def test_own_function_and_copies():
    def two(rng, shape):
        return np.full(shape, 2)

    rule = initializer(two)
    assert rule.name == "two"
    W = rule(np.random.default_rng(0), (2, 3))
    assert W.dtype == np.float64
    np.testing.assert_array_equal(W, np.full((2, 3), 2.0))
    he = initializer("he_normal")
    assert initializer(he) is he
    assert copy.deepcopy(he) == he


def test_defaults():
    assert default_for("relu") == default_for("leaky_relu") == default_for("silu") == "he_normal"
    assert default_for("selu") == "lecun_normal"
    for name in ("tanh", "sigmoid", "softmax", "identity", "linear", "softplus", math.sin):
        assert default_for(name) == "glorot_uniform"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializer(3), "name or a function"),
        (lambda: initializer("zeros", gain=1), "takes none"),
        (lambda: initializer("normal", std=math.nan), "std must be a finite number, received nan"),
        (lambda: draw("normal", std=0), "std must be positive, received 0"),
        (lambda: draw("uniform", low=1, high=1), "low must be below high, received 1 and 1"),
        (lambda: draw("orthogonal", gain=-1), "gain must be positive, received -1"),
        (lambda: draw("he_normal", (0, 3)), r"received \(0, 3\)"),
        (lambda: draw("he_normal", (3,)), r"received \(3,\)"),
        (lambda: draw(lambda rng, shape: np.zeros(shape[::-1]), (2, 3)), r"weights \(2, 3\), received \(3, 2\)"),
        (lambda: draw(lambda rng, shape: np.full(shape, np.nan), (2, 3)), "NaN"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'he_normal'"):
        initializer("he_norml")
    with pytest.raises(UnknownNameError, match="did you mean 'std'"):
        initializer("normal", sd=1)
    assert isinstance(INITIALIZERS["zeros"], Initializer)
