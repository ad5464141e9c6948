"""Ctrl-C and SIGTERM: at once while nothing is at stake, after the step while training."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Stopped(BaseException):
    """The process was asked to end; the message says what became of its work."""

    def __init__(self, signum: int, message: str = "interrupted; nothing was changed") -> None:
        super().__init__(message)
        self.signum = signum


class Interruption:
    """`with Interruption() as stop:` raises `Stopped` at a signal; with `stop.gentle = True` it only notes the first.

    A second signal raises in any case, so that nobody is held.
    """

    def __init__(self) -> None:
        self.gentle = False
        self.signum: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        # Only the main thread may set handlers; elsewhere (embedded use) signals are not ours.
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._before[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def wanted(self) -> bool:
        return self.signum is not None

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.gentle and self.signum is None:
            self.signum = signum
            return
        raise Stopped(signum)
