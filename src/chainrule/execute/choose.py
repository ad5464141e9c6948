"""Which executor runs a program: the native one where it was built, else the reference executor."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache

import numpy.typing as npt

from ..errors import ConfigurationError, unknown_name
from . import native
from .direct import Array
from .program import Program
from .reference import Bound

EXECUTORS = ("native", "reference")
VARIABLE = "CHAINRULE_EXECUTOR"


def executor(name: str | None = None) -> str:
    """Name of the executor in use: the one asked for, else that of the environment, else the fastest there is.

    Raises `ConfigurationError` if the native executor is asked for and was not built.
    """
    asked = name or os.environ.get(VARIABLE) or None
    if asked is None:
        if native.available():
            return "native"
        _say_once()
        return "reference"
    if asked not in EXECUTORS:
        raise unknown_name("executor", asked, EXECUTORS)
    if asked == "native" and not native.available():
        raise ConfigurationError(
            "the native executor was not built on this machine: "
            "install a C++20 compiler and reinstall, or use 'reference'"
        )
    return asked


@cache
def _say_once() -> None:
    logging.getLogger("chainrule").warning(
        "the native executor was not built on this machine, so NumPy computes (slower, the same results); "
        "`chainrule doctor` tells more"
    )


def bind(
    program: Program,
    sizes: Mapping[str, int],
    dtype: npt.DTypeLike,
    arrays: Mapping[str, Array],
    results: Mapping[str, Array] | None = None,
    *,
    name: str | None = None,
) -> Bound:
    """Bind a program to arrays on the executor in use; see `Bound`."""
    kind = native.NativeBound if executor(name) == "native" else Bound
    return kind(program, sizes, dtype, arrays, results)
