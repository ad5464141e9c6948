"""chainrule."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from .case import RATES, Case, Epoch


def ours(case: Case, optimizer: str, threads: int, **hyper: Any) -> Epoch:
    """`Trainer`, stopped after every epoch."""
    from chainrule.train import Callback, Model, Settings, Trainer

    class Pause(Callback):
        def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
            trainer.stop = "the next epoch has not been asked for"

    model = Model(case.network, labels=not case.tabular, dtype=case.dtype)
    for i, W in enumerate(case.weights(), 1):
        model.parameters[f"W[{i}]"][...] = W.T
    given: dict[str, Any] = {"threads": threads} if "threads" in {f.name for f in fields(Settings)} else {}
    settings = Settings(
        epochs=10**6, batch_size=case.batch, optimizer=optimizer, hyper=hyper, learning_rate=RATES[optimizer], **given
    )
    trainer = Trainer(model, model.samples(*case.data()), settings=settings, callbacks=[Pause()])

    def epoch(number: int) -> float:
        trainer.stop = None
        return float(trainer.run().rows[-1]["loss"])

    return epoch
