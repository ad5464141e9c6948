"""A folder of checkpoints: the newest complete one is always there, whatever happens while saving."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ConfigurationError, ModelFileError, NonFiniteError
from chainrule.files.atomic import make_folder, remove_temporaries
from chainrule.files.bundle import Bundle, NewerFormatError, load_bundle, save_bundle

_NAME = re.compile(r"checkpoint-(\d{9,18})\.safetensors")


class Newest(NamedTuple):
    """The newest usable checkpoint, where it lies, and one note per newer one that could not be used."""

    bundle: Bundle
    path: Path
    notes: list[str]


class CheckpointFolder:
    """Checkpoints `checkpoint-000000123.safetensors` in the folder `path`, of which the newest `keep` stay.

    One process may write at a time (`lock_run`). The folder is made at the first save. Tensors with NaN or infinity
    are refused at save and at load, so that they never push a usable checkpoint out, unless `allow_nonfinite`.
    """

    def __init__(self, path: str | os.PathLike[str], keep: int = 3, *, allow_nonfinite: bool = False) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ConfigurationError(f"keep is {keep!r}, but it is the number of checkpoints to keep, at least 1.")
        self.path = Path(path)
        self.keep = keep
        self.allow_nonfinite = allow_nonfinite

    def save(self, step: int, tensors: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> Path:
        """Save the state after `step` steps durably, then remove the checkpoints no longer kept.

        Checkpoints of later steps belong to a run that was given up when an earlier one was resumed; they are
        removed as well. Raises NonFiniteError, ModelFileError or ConfigurationError; then nothing was removed.
        """
        step = _step(step)
        if not self.allow_nonfinite:
            for name, tensor in tensors.items():
                if np.asarray(tensor).dtype.kind == "f" and not np.isfinite(tensor).all():
                    raise NonFiniteError(
                        f"step {step}: tensor {name!r} is not finite, so no checkpoint is saved; the last one stays."
                    )
        make_folder(self.path)
        with contextlib.suppress(OSError):
            remove_temporaries(self.path)
        path = self.path / f"checkpoint-{step:09d}.safetensors"
        save_bundle(path, tensors, content, kind="checkpoint")
        found = self._found()
        earlier = sorted((s for s in found if s < step), reverse=True)
        surplus = [s for s in found if s > step] + earlier[self.keep - 1 :]
        for unkept in surplus:
            # What cannot be removed now is tried again at the next save; training need not stop for it.
            with contextlib.suppress(OSError):
                found[unkept].unlink()
        return path

    def newest(self) -> Newest | None:
        """Load the newest usable checkpoint: (bundle, path, notes); None where none was ever saved.

        A damaged one is named in `notes` and the one before it used. Raises ModelFileError if all are damaged, or
        if one was written by a newer chainrule, because training on from an older one would remove it.
        """
        notes: list[str] = []
        found = self._found()
        for step in sorted(found, reverse=True):
            try:
                bundle = load_bundle(found[step], kind="checkpoint", allow_nonfinite=self.allow_nonfinite)
            except NewerFormatError:
                raise
            except ModelFileError as error:
                notes.append(f"skipped a checkpoint: {error}")
            else:
                return Newest(bundle, found[step], notes)
        if notes:
            raise ModelFileError(
                f"none of the {len(notes)} checkpoints in {str(self.path)!r} can be used; the newest: "
                f"{notes[0].removeprefix('skipped a checkpoint: ')}"
            )
        return None

    def clear(self, keep: int = 0) -> None:
        """Remove all checkpoints but the newest `keep`, and leftovers of unfinished saves; other files stay."""
        try:
            found = self._found()
            for step in sorted(found, reverse=True)[keep:]:
                found[step].unlink(missing_ok=True)
            if self.path.is_dir():
                remove_temporaries(self.path)
        except OSError as error:
            raise ConfigurationError(f"cannot clear {str(self.path)!r}: {error.strerror}.") from error

    def _found(self) -> dict[int, Path]:
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(f"cannot read the folder {str(self.path)!r}: {error.strerror}.") from error
        return {int(match[1]): self.path / name for name in names if (match := _NAME.fullmatch(name))}


def _step(step: int) -> int:
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or not 0 <= step < 10**18:
        raise ConfigurationError(f"the step is {step!r}, but steps are whole numbers from 0 to 10**18 - 1.")
    return int(step)
