"""chainrule: neural networks whose gradient is derived once, as a formula that is printed, checked and run.

    import chainrule as cr

    mlp = cr.MLP([784, 64, 10], activations=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    model = cr.Sequential([cr.Dense(64, activation="relu", input_dim=784), cr.Dense(10, activation="softmax")])
    clf = cr.MLPClassifier(hidden_layer_sizes=(64,))
    W, x, y = cr.variable("W", "k", "n"), cr.variable("x", "n", 1), cr.variable("y", "k", 1)
    print(cr.derive(cr.ops.total((W @ x - y) ** 2, axis=None)))

Names are loaded when they are first used, so that `import chainrule` costs little more than NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import ChainruleError

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import ops
    from .check import check_gradients
    from .derivation.derive import derive
    from .documents import check_formula
    from .estimators import MLPClassifier, MLPRegressor
    from .graph import Graph, constant, variable
    from .laws import simplify
    from .nn import Network
    from .reverse import jvp, vjp
    from .sequential import Dense, Sequential
    from .textbook import MLP
    from .train import Model, Settings, fit, load_model, save_model

_LAZY = {
    "Graph": "graph",
    "constant": "graph",
    "variable": "graph",
    "simplify": "laws",
    "jvp": "reverse",
    "vjp": "reverse",
    "MLP": "textbook",
    "Sequential": "sequential",
    "Dense": "sequential",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Network": "nn",
    "Model": "train",
    "Settings": "train",
    "fit": "train",
    "load_model": "train",
    "save_model": "train",
    "check_formula": "documents",
    "check_gradients": "check",
    "derive": "derivation",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    if name == "ops":
        return import_module(".ops", __name__)
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, "ops"})


__all__ = [
    "MLP",
    "ChainruleError",
    "Dense",
    "Graph",
    "MLPClassifier",
    "MLPRegressor",
    "Model",
    "Network",
    "Sequential",
    "Settings",
    "check_formula",
    "check_gradients",
    "constant",
    "derive",
    "fit",
    "jvp",
    "load_model",
    "ops",
    "save_model",
    "simplify",
    "variable",
    "vjp",
]
