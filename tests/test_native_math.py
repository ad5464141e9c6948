"""Elementary functions of the native executor: at most 2 units in the last place, special values as IEEE 754 asks.

They are reached as a user reaches them: a program of one point-wise op. The truth is the C library's function in a
wider type, rounded by nobody before the comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule.execute import native, plan
from chainrule.graph import OPS, variable

pytestmark = pytest.mark.skipif(not native.available(), reason="the native executor was not built")

Array = npt.NDArray[Any]
WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}
LONG_DOUBLE_IS_WIDER = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant
ROWS = 4096


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


TRUTH: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
}
CORRECTLY_ROUNDED: dict[str, Callable[[Array], Array]] = {"sqrt": np.sqrt, "abs": np.abs, "negate": np.negative}
DTYPES = [
    np.float32,
    pytest.param(
        np.float64,
        marks=pytest.mark.skipif(not LONG_DOUBLE_IS_WIDER, reason="long double is no wider than double here"),
    ),
]


def computed(name: str, x: Array) -> Array:
    """op(x) by a program of one line, for a vector of any length."""
    columns = -(-len(x) // ROWS)
    full = np.resize(x, ROWS * columns).reshape((ROWS, columns), order="F")
    a = variable("a", ROWS, columns)
    task = native.NativeBound(plan({"f": OPS[name](a)}, inputs=["a"]), {}, x.dtype, {})
    result: Array = task.run({"a": full})["f"].ravel(order="F")[: len(x)]
    return result


def units(got: Array, wanted: Array) -> Array:
    """Distance in units of the last place of the number wanted, denormals included; infinite where the kind differs."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        rounded = wanted.astype(got.dtype)
        exponent = np.maximum(np.frexp(wanted)[1] - info.nmant - 1, info.minexp - info.nmant)
        error = np.abs(got.astype(wanted.dtype) - wanted) / np.ldexp(wanted.dtype.type(1), exponent)
    same = (np.isnan(got) & np.isnan(wanted)) | (got == rounded)
    return np.where(same, np.where(np.isfinite(error), error, 0), np.where(np.isfinite(error), error, np.inf))


def every_exponent(dtype: Any, each: int, seed: int) -> Array:
    """`each` random mantissas for every exponent and sign: denormals, infinity and NaN are among the exponents."""
    info = np.finfo(dtype)
    unsigned = {4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
    upper = np.arange(2 ** (info.bits - info.nmant), dtype=unsigned) << unsigned(info.nmant)
    drawn = np.random.default_rng(seed).integers(0, 2**info.nmant, (len(upper), each), dtype=unsigned)
    drawn[:, :3] = [0, 1, 2**info.nmant - 1]
    return (upper[:, None] | drawn).ravel().view(dtype)


def where_it_bends(dtype: Any, seed: int) -> Array:
    """Dense samples where the functions are neither constant nor linear."""
    rng = np.random.default_rng(seed)
    wide = [rng.uniform(-r, r, 100_000) for r in (1, 4, 20, 110, 750)]
    near_one = 1 + rng.normal(size=100_000) * 10.0 ** rng.uniform(-8, 0, 100_000)
    return np.concatenate([*wide, near_one, -near_one]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTH)
def test_two_units_in_the_last_place(name: str, dtype: Any) -> None:
    x = np.concatenate([every_exponent(dtype, 1000 if dtype == np.float32 else 130, 1), where_it_bends(dtype, 2)])
    with np.errstate(all="ignore"):
        wanted = TRUTH[name](x.astype(WIDE[np.dtype(dtype)]))
    error = units(computed(name, x), wanted)
    worst = int(np.argmax(error))
    assert error[worst] <= 2, (name, x[worst], error[worst])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CORRECTLY_ROUNDED)
def test_correctly_rounded(name: str, dtype: Any) -> None:
    x = every_exponent(dtype, 20, 3)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(computed(name, x), CORRECTLY_ROUNDED[name](x))


NAN, INF = np.nan, np.inf
#                 x:  0     -0    inf   -inf  NaN
SPECIAL = {
    "exp": (1, 1, INF, 0, NAN),
    "expm1": (0, -0.0, INF, -1, NAN),
    "log": (-INF, -INF, INF, NAN, NAN),
    "log1p": (0, -0.0, INF, NAN, NAN),
    "tanh": (0, -0.0, 1, -1, NAN),
    "sigmoid": (0.5, 0.5, 1, 0, NAN),
    "softplus": (np.log(2), np.log(2), INF, 0, NAN),
    "sqrt": (0, -0.0, INF, NAN, NAN),
    "abs": (0, 0, INF, INF, NAN),
    "negate": (-0.0, 0, -INF, INF, NAN),
    "sign": (0, -0.0, 1, -1, NAN),
    "step": (0, 0, 1, 0, 0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values_and_the_sign_of_zero(name: str, dtype: Any) -> None:
    got = computed(name, np.array([0.0, -0.0, INF, -INF, NAN], dtype))
    wanted = np.array(SPECIAL[name], dtype)
    np.testing.assert_array_equal(got, wanted)
    if name != "sign":  # of -0 either zero will do
        numbers = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(got)[numbers], np.signbit(wanted)[numbers])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_the_range(dtype: Any) -> None:
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    for name in ("expm1", "log1p", "tanh"):  # f(x) = x there
        np.testing.assert_array_equal(
            computed(name, np.array([tiny, -tiny, info.tiny], dtype)), [tiny, -tiny, info.tiny]
        )
    wide = WIDE[np.dtype(dtype)]
    last = dtype(np.nextafter(dtype(np.log(wide(info.max))), dtype(0)))
    assert np.isfinite(computed("exp", np.array([last], dtype))[0])
    assert np.isinf(computed("exp", np.array([last * dtype(1.001)], dtype))[0])
    low = dtype(np.log(wide(info.tiny)) - 4)  # e^x is denormal: gradual underflow, no jump to 0
    for name in ("exp", "sigmoid", "softplus"):
        value = computed(name, np.array([low, low * 2], dtype))
        assert 0 < value[0] < info.tiny
        assert value[1] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_are_odd_and_bounded(dtype: Any) -> None:
    x = every_exponent(dtype, 50, 5)
    x = x[np.isfinite(x)]
    tanh, sigmoid = computed("tanh", x), computed("sigmoid", x)
    np.testing.assert_array_equal(computed("tanh", -x), -tanh)
    assert (np.abs(tanh) <= 1).all()
    assert ((sigmoid >= 0) & (sigmoid <= 1)).all()
    assert (computed("softplus", x) >= np.maximum(x, 0)).all()
