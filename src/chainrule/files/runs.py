"""The folder of one training run: checked before training starts, the same names inside every time."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from chainrule.errors import ConfigurationError, DataError
from chainrule.files.atomic import is_temporary, make_folder, temporary_beside, write_atomic
from chainrule.files.checkpoints import CheckpointFolder
from chainrule.files.lock import LOCK_FILES, lock_run


class RunFolder:
    """The folder `path` of a run; `with RunFolder(path) as run:` holds it for this process.

    Making one only checks, and raises ConfigurationError before any training: the folder must be new or empty
    (or `overwrite`, or `resume`), and files must be possible in it, unless it is not to be `writable` but only read.
    Entering locks it, and with `overwrite` removes what an earlier run left under the names below; files of other
    names are never touched.

    Inside: `model` (model.safetensors), `history` (history.csv), `metrics` (metrics.json), `curves` (curves.png),
    `confusion` (confusion.png), `checkpoints` (a folder).
    """

    def __init__(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, resume: bool = False, writable: bool = True
    ) -> None:
        self.path = Path(path)
        self.model = self.path / "model.safetensors"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.curves = self.path / "curves.png"
        self.confusion = self.path / "confusion.png"
        self.checkpoints = self.path / "checkpoints"
        self._overwrite = overwrite
        self._stack = contextlib.ExitStack()
        if overwrite and resume:
            raise ConfigurationError("overwrite and resume contradict each other; give one of them.")
        self._check_state(overwrite=overwrite, resume=resume)
        if writable:
            self._check_writable()

    def __enter__(self) -> RunFolder:
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock_run(self.path))
            if self._overwrite:
                self._clear()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def checkpoint_folder(self, keep: int = 3) -> CheckpointFolder:
        """The run's checkpoints, of which the newest `keep` stay."""
        return CheckpointFolder(self.checkpoints, keep)

    def write_history(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Write the whole history atomically; the columns are the keys of the first row, which all rows share."""
        listed = list(rows)
        columns = list(listed[0]) if listed else []
        text = _csv_line(columns) if columns else ""
        text += "".join(_csv_line(_values(row, columns, self.history)) for row in listed)
        write_atomic(self.history, text.encode("utf-8"))

    def append_history(self, row: Mapping[str, object]) -> None:
        """Add one row; the first one makes the header. A line left unfinished by a crash is removed first."""
        columns = self._columns()
        if not columns:
            return self.write_history([row])
        line = _csv_line(_values(row, columns, self.history)).encode("utf-8")
        try:
            with open(self.history, "r+b") as file:
                whole = file.read()
                # A quoted cell may hold a line end, but numbers and names do not: the last one ends the last row.
                file.seek(whole.rfind(b"\n") + 1)
                file.truncate()
                file.write(line)
        except OSError as error:
            raise ConfigurationError(f"cannot write {str(self.history)!r}: {error.strerror}.") from error
        return None

    def read_history(self) -> list[dict[str, str]]:
        """The complete rows written so far, cells as text; empty where there are none."""
        columns, *rows = self._lines() or [[]]
        return [dict(zip(columns, row, strict=False)) for row in rows if len(row) == len(columns)]

    def _columns(self) -> list[str]:
        lines = self._lines()
        return lines[0] if lines else []

    def _lines(self) -> list[list[str]]:
        try:
            whole = self.history.read_bytes()
            text = whole[: whole.rfind(b"\n") + 1].decode("utf-8")
            return [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(f"cannot read {str(self.history)!r}: {error.strerror}.") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{str(self.history)!r} is not a history that chainrule wrote: {error}.") from error

    def _check_state(self, *, overwrite: bool, resume: bool) -> None:
        shown = str(self.path)
        try:
            there = stat.S_ISDIR(os.stat(self.path).st_mode)
            names = os.listdir(self.path) if there else []
        except FileNotFoundError:
            if resume:
                raise ConfigurationError(f"cannot resume {shown!r}: there is no such folder.") from None
            return
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigurationError(
                f"cannot use {shown!r} as a run folder: {reason}; give a path in a folder that can be written."
            ) from error
        if not there:
            raise ConfigurationError(f"cannot use {shown!r} as a run folder: it is a file; give another path.")
        # A run that was killed before it wrote anything leaves at most these.
        names = [name for name in names if name not in LOCK_FILES and not is_temporary(name)]
        if names and not overwrite and not resume:
            raise ConfigurationError(
                f"the run folder {shown!r} is not empty (it holds {min(names)!r}); "
                "give another folder, or overwrite or resume it."
            )

    def _check_writable(self) -> None:
        # Permission bits do not tell of full disks or read-only mounts; writing does.
        make_folder(self.path)
        probe = temporary_beside(self.model)
        write_atomic(probe, b"probe")
        with contextlib.suppress(OSError):
            probe.unlink()

    def _clear(self) -> None:
        self.checkpoint_folder().clear()
        for path in (self.model, self.history, self.metrics, self.curves, self.confusion):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise ConfigurationError(f"cannot overwrite {str(path)!r}: {error.strerror}.") from error


def _values(row: Mapping[str, object], columns: list[str], path: Path) -> list[object]:
    if list(row) != columns:
        raise ConfigurationError(
            f"a row of {str(path)!r} has the columns {', '.join(row)}, but the history has {', '.join(columns)}."
        )
    return list(row.values())


def _csv_line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
