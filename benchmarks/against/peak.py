"""The most multiply-adds that this machine does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import numpy as np

from .case import Case, Epoch

PEAK = """
#if defined(__AVX512F__)
#define BYTES 64
#else
#define BYTES 32
#endif
typedef float lane __attribute__((vector_size(BYTES)));
/* Twelve independent chains hide the latency; returns the floating-point operations done. */
double peak(long rounds, float *out) {
    lane a[12], b = {0}, c = {0};
    b += out[0]; c += out[1];
    for (int j = 0; j < 12; j++) a[j] = c * (float)j;
    for (long i = 0; i < rounds; i++)
        for (int j = 0; j < 12; j++) a[j] = a[j] * b + c;
    for (int j = 1; j < 12; j++) a[0] += a[j];
    for (unsigned k = 0; k < BYTES / 4; k++) out[2] += a[0][k];
    return 2.0 * 12 * (BYTES / 4) * rounds;
}
"""


def machine_peak(case: Case, optimizer: str, threads: int) -> Epoch:
    """Does float32 multiply-adds that never leave the registers (without a compiler, an sgemm); 10⁹ operations done."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        A = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
        out = np.empty_like(A)

        def sgemm(number: int) -> float:
            np.dot(A, A, out=out)
            return 2 * 2048**3 / 1e9

        return sgemm
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "peak.c"), Path(folder, "peak.so")
        source.write_text(PEAK)
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([compiler, *options, str(source), "-o", str(library)], check=True, capture_output=True)
        function = ctypes.CDLL(str(library)).peak
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_void_p]

    def fused(number: int) -> float:
        done: list[float] = []

        def one() -> None:
            numbers = np.array([0.999, 0.001, 0.0], np.float32)
            done.append(function(12_000_000, numbers.ctypes.data))

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        return sum(done) / 1e9

    return fused
