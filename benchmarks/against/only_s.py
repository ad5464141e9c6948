"""Case S in C++ written by hand for its sizes alone: what an executor of any network could at best come to."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .case import Case, Epoch, LeftOutError

SOURCE = Path(__file__).with_name("only_s.cpp")


def written_for_s(case: Case, optimizer: str, threads: int) -> Epoch:
    """Adam in float32; the compiler may round as it likes."""
    if (case.name, optimizer, case.dtype) != ("S", "adam", "float32"):
        raise LeftOutError("it is written for S, Adam and float32")
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        raise LeftOutError("there is no C++ compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "only_s.so")
        options = ["-std=c++20", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
        done = subprocess.run([compiler, *options, str(SOURCE), "-o", str(library)], capture_output=True, text=True)
        if done.returncode:
            raise LeftOutError("it asks for AVX-512")
        loaded = ctypes.CDLL(str(library))
    loaded.epoch.restype, loaded.epoch.argtypes = ctypes.c_double, [ctypes.c_void_p] * 3 + [ctypes.c_int64]
    loaded.start.argtypes = [ctypes.c_void_p] * 2
    X, y = case.data()
    y = y.astype(np.int64)
    first, second = case.weights()
    loaded.start(first.ctypes.data, second.ctypes.data)

    def epoch(number: int) -> float:
        rows = case.order(number)
        return float(loaded.epoch(X.ctypes.data, y.ctypes.data, rows.ctypes.data, case.steps))

    return epoch
