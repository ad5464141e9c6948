"""Writing a file so that at every moment the path holds the old content or the new, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from chainrule.errors import ConfigurationError
from chainrule.files.strict_json import to_json

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room, whoever may write there
_TEMPORARY = (".chainrule-", ".tmp")


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` at `path`: temporary file beside it, write, flush, fsync, rename over it, fsync the folder.

    After return the new content survives a crash of process or machine. After an error, or kill -9 at any
    moment, `path` is what it was before. Raises ConfigurationError where the file cannot be written, or `path`
    is a folder, a link or a device.
    """
    write_chunks(path, [data])


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 by `write_atomic`, line ends as they are."""
    write_atomic(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """Write `value` as indented JSON with sorted keys by `write_atomic`; NaN is a ConfigurationError."""
    try:
        text = to_json(value, indent=2)
    except ValueError as error:
        raise ConfigurationError(f"cannot write {os.fspath(path)!r} as JSON: {error}.") from error
    write_text(path, text + "\n")


def write_chunks(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """`write_atomic` for content that stands in several buffers, which are not joined in memory."""
    target = Path(path)
    try:
        _refuse_special(target)
        temporary = temporary_beside(target)
        try:
            # Not tempfile: its files are 0600, and the result should follow the user's umask.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with open(handle, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(target.parent)
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        full = isinstance(error, OSError) and error.errno in FULL
        mend = "free some space there, or choose a place" if full else "choose a path in a folder that exists and"
        mend += " on another disk" if full else " can be written"
        raise ConfigurationError(f"cannot write {str(target)!r}: {reason}; {mend}.") from error


def sync_folder(folder: Path) -> None:
    """Make the folder's entries (a rename, a removal) survive a power cut; a no-op where folders cannot be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such call
            raise
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it where missing, durably; ConfigurationError where that cannot be."""
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            sync_folder(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"cannot make the folder {str(folder)!r}: {error.strerror}; give a path that can be written."
        ) from error


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left in `folder`; only for the one process that writes there."""
    for entry in folder.iterdir():
        if is_temporary(entry.name):
            entry.unlink(missing_ok=True)


def temporary_beside(target: Path) -> Path:
    """A name for an unfinished file in the folder of `target` that no other process picks."""
    return target.parent / (_TEMPORARY[0] + secrets.token_hex(8) + _TEMPORARY[1])


def is_temporary(name: str) -> bool:
    """True for the names that unfinished writes have."""
    return name.startswith(_TEMPORARY[0]) and name.endswith(_TEMPORARY[1])


def _refuse_special(target: Path) -> None:
    # A rename replaces whatever stands there, also /dev/null or a link somewhere else.
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a link" if stat.S_ISLNK(mode) else "not an ordinary file"
        raise ConfigurationError(f"cannot write {str(target)!r}: it is {found}; give the path of an ordinary file.")
