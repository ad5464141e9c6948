"""One process per run folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from chainrule.errors import ConfigurationError
from chainrule.files.atomic import write_text

LOCK_FILES = frozenset({".lock", ".lock-owner"})


@contextlib.contextmanager
def lock_run(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the existing `folder` for this process; ConfigurationError names the process that holds it already.

    The operating system frees the lock when the process ends, also by kill -9, so no stale lock is left.
    """
    path = Path(folder)
    lock = FileLock(path / ".lock", timeout=0)
    # The lock file itself is emptied by whoever tries to lock it, so the holder's number stands beside it.
    owner = path / ".lock-owner"
    if not path.is_dir():
        raise ConfigurationError(f"cannot lock {str(path)!r}: there is no such folder.")
    try:
        lock.acquire()
    except Timeout:
        raise ConfigurationError(
            f"the run folder {str(path)!r} is in use by process {_owner(owner)}; wait for it, or give another folder."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"cannot lock the run folder {str(path)!r}: {error.strerror or error}.") from error
    try:
        write_text(owner, f"{os.getpid()}\n")
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink()
        lock.release()


def _owner(path: Path) -> str:
    try:
        return str(int(path.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return "(number unknown)"
