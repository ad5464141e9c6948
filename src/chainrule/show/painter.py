"""Pictures drawn by a process at the side: importing matplotlib takes longer than training a small network."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from threading import Thread
from typing import Any

Drawing = tuple[str, tuple[Any, ...]]  # name of a function of `chainrule.show` and its arguments

_SERVE = "import sys; sys.path[:] = {path!r}; from chainrule.show.painter import serve; serve()"


class Painter:
    """Imports matplotlib at the side from its creation on; with `close`, or at the end of `with`, the process ends.

    It does nothing with a single processor, or where matplotlib is imported already or not installed. Whatever goes
    wrong there, `draw` says False, and the caller draws for itself and meets the error.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._sender: Thread | None = None
        if not (sys.executable and worthwhile()):
            return
        command = [sys.executable, "-P", "-c", _SERVE.format(path=sys.path)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us
            )
        except OSError:
            return

    def begin(self, drawings: Sequence[Drawing]) -> None:
        """Have all drawn while the caller goes on; once."""
        if self._process is not None:
            self._sender = Thread(target=self._send, args=(self._process, pickle.dumps(list(drawings))), daemon=True)
            self._sender.start()

    def done(self) -> bool:
        """Wait for what was begun; whether it went well."""
        if self._process is None or self._sender is None:
            return False
        self._sender.join()
        return self._process.returncode == 0

    def draw(self, drawings: Sequence[Drawing]) -> bool:
        """Draw all; whether that went well. It can be asked once."""
        self.begin(drawings)
        return self.done()

    @staticmethod
    def _send(process: subprocess.Popen[bytes], drawings: bytes) -> None:
        with contextlib.suppress(OSError):
            process.communicate(drawings)

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.terminate()
            if self._sender is None:
                assert self._process.stdin is not None
                self._process.stdin.close()
                self._process.wait()
            else:
                self._sender.join()
            self._process = self._sender = None

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def worthwhile() -> bool:
    """Whether a process at the side would save time."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return available > 1 and "matplotlib.figure" not in sys.modules and find_spec("matplotlib") is not None


def serve() -> None:
    """What the process does: get ready, wait for the drawings, draw each in a process of its own where it can fork."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinding, so that no unfinished file stays
    gc.disable()  # it lives for a second
    import multiprocessing

    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401

    from chainrule import show

    try:
        drawings: list[Drawing] = pickle.load(sys.stdin.buffer)
    except EOFError:  # nothing to draw
        return
    *others, last = ((getattr(show, name), arguments) for name, arguments in drawings)
    if sys.platform == "linux":  # there is one thread here, so forking is safe
        fork = multiprocessing.get_context("fork")
        children = [fork.Process(target=function, args=arguments, daemon=True) for function, arguments in others]
        for child in children:
            child.start()
        last[0](*last[1])
        for child in children:
            child.join()
        sys.exit(any(child.exitcode for child in children))
    for function, arguments in (*others, last):
        function(*arguments)
