"""A run as its folder tells it, without training again: measures, curves, confusion matrix or residuals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data import BUILTIN
from ..errors import ChainruleError, DataError, ModelFileError
from ..evaluate import Confusion
from ..files import RunFolder
from ..train import History, load_model
from .curves import comparable
from .measures import judge
from .options import Options
from .preparation import prepare
from .saved import SavedRun

Drawing = tuple[str, str, tuple[Any, ...]]  # name of the file, function of `show`, arguments before and after the path


@dataclass
class ShownRun:
    """What is known of a run.

    facts      the content of metrics.json, empty where training has not ended
    curves     by name, one number per epoch, comparable with each other; empty before the first epoch
    confusion  of the part `part`; residuals: true and predicted numbers of it
    notes      what could not be shown, and why
    """

    path: Path
    facts: Mapping[str, Any]
    curves: dict[str, list[float]]
    part: str = "test"
    confusion: Confusion | None = None
    residuals: tuple[Any, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> ShownRun:
        """Read a run folder; residuals need the data of the run where they were.

        Raises `ModelFileError` for a folder that is no run, `DataError` for a file of it that cannot be read.
        """
        facts = _facts(path / "metrics.json")
        lines = RunFolder(path, resume=True, writable=False).read_history()
        rows = [{name: _number(cell) for name, cell in row.items()} for row in lines]
        if not facts and not rows:
            raise ModelFileError(f"{str(path)!r} is no run: give a folder that chainrule train wrote")
        history = History([{name: v for name, v in row.items() if v is not None} for row in rows])
        made = cls(path, facts, comparable(history) if "train_loss" in history else {})
        if not facts:
            made.notes.append(
                f"the training of {str(path)!r} has not ended: there are no measures yet; finish it with "
                f"chainrule train --resume --out {path}"
            )
            return made
        made.part = next((name for name in ("test", "validation", "train") if name in facts["measures"]), "train")
        counted = facts.get("confusion", {}).get(made.part)
        if counted:
            made.confusion = Confusion(counted["matrix"], counted["labels"])
        else:
            made._judge_again()
        return made

    def _judge_again(self) -> None:
        """Confusion matrix or residuals from the model and the data of the run."""
        try:
            saved = SavedRun.load(self.path)
            _, extra = load_model(self.path)
            source = str(extra.get("source", ""))
            if source not in BUILTIN and not Path(source).exists():
                raise DataError(f"the data of the run are no longer at {source!r}: put them back")
            data = prepare(source, Options.from_json(extra["options"]))
            if data.fingerprint != saved.fingerprint:
                raise DataError(f"the data {source!r} have changed since the run: restore them")
            judged = judge(saved.model, saved.preprocessor, data.parts[self.part])
            self.confusion, self.residuals = judged.confusion, judged.residuals
        except (ChainruleError, KeyError, TypeError) as error:
            self.notes.append(f"neither a confusion matrix nor residuals can be shown: {error}")

    def drawings(self) -> list[Drawing]:
        """What `show` is to draw."""
        found: list[Drawing] = [("curves", "curves_figure", (self.curves, ()))] if self.curves else []
        if self.confusion is not None:
            found.append(("confusion", "confusion_figure", (self.confusion, ())))
        if self.residuals is not None:
            name = str(self.facts.get("target", "y"))
            found.append(("residuals", "residuals_figure", (*self.residuals, (name,))))
        return found


def _facts(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{str(file)!r} cannot be read ({error}): train again, or restore it") from None
    if not isinstance(found, dict) or not isinstance(found.get("measures"), dict):
        raise DataError(f"{str(file)!r} holds no measures of a run: train again, or restore it")
    return found


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


__all__ = ["ShownRun"]
