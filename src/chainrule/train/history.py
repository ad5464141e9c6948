"""What happened, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class History(Mapping[str, list[float]]):
    """Curves by name: `history["loss"]`, `history["val_loss"]`, … one number per epoch.

    loss           mean cost of the epoch's batches as trained (penalties and dropout included)
    val_loss       mean loss of the validation samples with the equations of prediction
    learning_rate  at the start of the epoch; seconds: duration of the epoch
    """

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.rows: list[dict[str, Any]] = [dict(r) for r in rows or []]
        self.stopped_early = False
        self.best_epoch: int | None = None

    def append(self, row: Mapping[str, Any]) -> None:
        self.rows.append(dict(row))

    @property
    def history(self) -> dict[str, list[float]]:
        """The curves as a plain dictionary, as Keras names it."""
        return {name: self[name] for name in self}

    @property
    def epoch(self) -> list[int]:
        return [int(r["epoch"]) for r in self.rows]

    def __getitem__(self, name: str) -> list[float]:
        if not any(name in r for r in self.rows):
            raise KeyError(name)
        return [r.get(name, float("nan")) for r in self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(k for r in self.rows for k in r if k != "epoch"))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"<History of {len(self.rows)} epochs: {', '.join(self)}>"
