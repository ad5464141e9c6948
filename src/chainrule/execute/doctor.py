"""What computes here: executor, instruction sets, BLAS, processors; and why the executor is not native if it is not."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
from typing import Any

import numpy as np

from ..errors import ChainruleError
from . import native
from .choose import VARIABLE, executor

_CONFIG = ("scipy_openblas_get_config64_", "scipy_openblas_get_config", "openblas_get_config")
_THREADS = ("scipy_openblas_get_num_threads64_", "scipy_openblas_get_num_threads", "openblas_get_num_threads")


def report() -> dict[str, Any]:
    """Facts as plain values, ready for `json.dumps`.

    executor           "native", "reference", or None where the one asked for cannot be had; reason: why it is this one
    instruction_sets   those the native executor can use on this machine, the fastest, which it takes, first
    products           where matrix products come from: "own" (native executor) or "BLAS"
    blas               every BLAS library loaded: path, configuration, number of its own threads (None: not told)
    blas_of            the BLAS that NumPy and SciPy say they were built with
    processors         of the machine; usable: those that this process may run on
    python, numpy, scipy, system, machine
    """
    name, reason = _executor()
    import scipy
    import scipy.__config__

    return {
        "executor": name,
        "reason": reason,
        "instruction_sets": native.instruction_sets(),
        "products": "own" if name == "native" else "BLAS",
        "blas": _libraries(),
        "blas_of": {"numpy": _built_with(np.__config__), "scipy": _built_with(scipy.__config__)},
        "processors": os.cpu_count(),
        "usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "system": platform.system(),
        "machine": platform.machine(),
    }


def text() -> str:
    """The report for people, one fact a line."""
    r = report()
    sets = r["instruction_sets"]
    lines = [
        ("executor", f"{r['executor'] or 'none'} ({r['reason']})"),
        ("instructions", f"{sets[0]} (of {', '.join(sets)})" if sets else "those of NumPy"),
    ]
    lines.append(("products", "the executor's own" if r["products"] == "own" else "those of NumPy's BLAS"))
    for library in r["blas"]:
        threads = library["threads"]
        count = "threads not told" if threads is None else f"{threads} thread{'s' if threads != 1 else ''}"
        lines.append(("BLAS", f"{library['config'] or 'unknown'}, {count}, {library['path']}"))
    lines += [(f"BLAS of {name}", built or "unknown") for name, built in r["blas_of"].items() if not r["blas"]]
    lines += [
        ("processors", f"{r['processors']}, of which this process may use {r['usable']}"),
        ("versions", f"Python {r['python']}, NumPy {r['numpy']}, SciPy {r['scipy']}"),
        ("system", f"{r['system']} {r['machine']}"),
    ]
    return "\n".join(f"{name:<14}{value}" for name, value in lines)


def _executor() -> tuple[str | None, str]:
    try:
        name = executor()
    except ChainruleError as error:
        return None, str(error)
    if os.environ.get(VARIABLE) is not None:
        return name, f"{VARIABLE} asks for it"
    return name, "the fastest there is" if name == "native" else _why_not_native()


def _why_not_native() -> str:
    try:
        importlib.import_module("chainrule._native")
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError):
            return f"the native executor cannot be loaded: {error}"
    return "the native executor was not built: install a C++20 compiler and reinstall"


def _libraries() -> list[dict[str, Any]]:
    """The BLAS libraries in this process: NumPy's, which the reference executor calls; the native one has its own."""
    try:
        with open("/proc/self/maps") as maps:
            lines = [line.split(maxsplit=5) for line in maps]
    except OSError:
        return []
    paths = sorted({line[5].strip() for line in lines if len(line) == 6})
    return [_library(path) for path in paths if _is_blas(os.path.basename(path))]


def _is_blas(file: str) -> bool:
    known = ("openblas", "libblas", "libcblas", "libmkl_rt", "libblis", "libflexiblas")
    return ".so" in file and any(name in file for name in known)


def _library(path: str) -> dict[str, Any]:
    config, threads = None, None
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return {"path": path, "config": None, "threads": None}
    if (found := _function(library, _CONFIG)) is not None:
        found.restype = ctypes.c_char_p
        config = found().decode()
    if (found := _function(library, _THREADS)) is not None:
        threads = int(found())
    return {"path": path, "config": config, "threads": threads}


def _function(library: ctypes.CDLL, names: tuple[str, ...]) -> Any:
    return next((getattr(library, name) for name in names if hasattr(library, name)), None)


def _built_with(config: Any) -> str | None:
    """Name and version of the BLAS in a package's build record."""
    try:
        blas = config.show(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    except (AttributeError, KeyError, TypeError):
        return None
