"""How the operations of the graph are spelled in NumPy, PyTorch and JAX.

Values only, no derivative: what a function does when it is differentiated is never asked, the programs contain the
derived expressions. Stable forms stay: log-sum-exp shifts by the maximum, soft-plus and sigmoid never overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Language:
    """One language's words.

    calls      operation -> template; `{0}`, `{1}` are the operands, `{axis}` and so on the attributes; the template of
               "maximum number" is for a second operand that is a number
    helpers    name -> text of a function, emitted only where a template calls it
    broadcast  template for a value repeated to a shape; full: for a number repeated; scalar: for the number in a
               1 × 1 matrix; both: the axis of a reduction over all entries
    """

    name: str
    title: str
    imports: tuple[str, ...]
    calls: Mapping[str, str]
    helpers: Mapping[str, str]
    broadcast: str
    full: str
    scalar: str
    both: str = "None"


def _calls(np: str) -> dict[str, str]:
    """The words that NumPy and JAX share."""
    words = {name: f"{np}.{name}({{0}})" for name in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh")}
    return words | {
        "sign": f"{np}.sign({{0}})",
        "abs": f"{np}.abs({{0}})",
        "maximum": f"{np}.maximum({{0}}, {{1}})",
        "minimum": f"{np}.minimum({{0}}, {{1}})",
        "where": f"{np}.where({{0}} > 0, {{1}}, {{2}})",
        "clip": f"{np}.clip({{0}}, {{lo}}, {{hi}})",
        "step": f"{np}.where({{0}} > 0, 1.0, 0.0)",
        "softplus": f"{np}.logaddexp(0.0, {{0}})",
        "sum": f"{np}.sum({{0}}, axis={{axis}}, keepdims=True)",
        "max": f"{np}.max({{0}}, axis={{axis}}, keepdims=True)",
        "one_hot": f"1.0 * ({np}.arange({{classes}})[:, None] == {{0}})",
        "pick": f"{np}.take_along_axis({{0}}, {{1}}, axis=0)",
        "gather": "{0}[:, {1}.ravel()]",
    }


NUMPY = Language(
    "numpy",
    "NumPy",
    ("import numpy as np",),
    {**_calls("np"), "sigmoid": "sigmoid({0})", "lse": "lse({0}, {axis})", "erf": "erf({0})"},
    {
        "sigmoid": '''
def sigmoid(z):
    """1 / (1 + exp(-z)), by the exponential that cannot overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e)''',
        "lse": '''
def lse(z, axis):
    """log(sum(exp(z))) along an axis, shifted by the maximum so that nothing overflows."""
    top = np.max(z, axis=axis, keepdims=True)
    return top + np.log(np.sum(np.exp(z - top), axis=axis, keepdims=True))''',
        "erf": '''
def erf(z):
    """The error function, entry by entry."""
    return np.vectorize(math.erf, otypes=[float])(z)''',
    },
    broadcast="np.broadcast_to({0}, ({1}, {2}))",
    full="np.full(({1}, {2}), {0})",
    scalar="{0}.item()",
)

JAX = Language(
    "jax",
    "JAX",
    ("import jax", "import jax.numpy as jnp"),
    {
        **_calls("jnp"),
        "sigmoid": "jax.nn.sigmoid({0})",
        "lse": "jax.nn.logsumexp({0}, axis={axis}, keepdims=True)",
        "erf": "jax.scipy.special.erf({0})",
    },
    {},
    broadcast="jnp.broadcast_to({0}, ({1}, {2}))",
    full="jnp.full(({1}, {2}), {0})",
    scalar="{0}[0, 0]",
)

_TORCH = {name: f"torch.{name}({{0}})" for name in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh")}
TORCH = Language(
    "torch",
    "PyTorch",
    ("import torch",),
    {
        **_TORCH,
        "sigmoid": "torch.sigmoid({0})",
        "softplus": "softplus({0})",
        "erf": "torch.erf({0})",
        "sign": "torch.sign({0})",
        "abs": "torch.abs({0})",
        "maximum": "torch.maximum({0}, {1})",
        "minimum": "torch.minimum({0}, {1})",
        "maximum number": "torch.clamp({0}, min={1})",
        "minimum number": "torch.clamp({0}, max={1})",
        "where": "where({0}, {1}, {2})",
        "clip": "torch.clamp({0}, {lo}, {hi})",
        "step": "step({0})",
        "sum": "torch.sum({0}, dim={axis}, keepdim=True)",
        "max": "torch.amax({0}, dim={axis}, keepdim=True)",
        "lse": "torch.logsumexp({0}, dim={axis}, keepdim=True)",
        "one_hot": "1.0 * (torch.arange({classes})[:, None] == {0})",
        "pick": "torch.take_along_dim({0}, {1}, dim=0)",
        "gather": "{0}[:, {1}.ravel()]",
    },
    {
        "softplus": '''
def softplus(z):
    """log(1 + exp(z)), finite for every z."""
    return torch.logaddexp(z, torch.zeros_like(z))''',
        "step": '''
def step(z):
    """1 where z > 0, else 0."""
    return (z > 0).to(z.dtype)''',
        "where": '''
def where(p, a, b):
    """a where p > 0, else b; numbers in the type of p."""
    a, b = (torch.as_tensor(x, dtype=p.dtype) for x in (a, b))
    return torch.where(p > 0, a, b)''',
    },
    broadcast="torch.broadcast_to({0}, ({1}, {2}))",
    full="torch.full(({1}, {2}), {0}, dtype={like}.dtype)",
    scalar="{0}[0, 0]",
    both="(0, 1)",
)

LANGUAGES: Mapping[str, Language] = MappingProxyType({x.name: x for x in (NUMPY, TORCH, JAX)})
