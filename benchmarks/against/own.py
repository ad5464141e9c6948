"""Functions of a user's own against built-in ones of the same cost: activations in hidden layers, losses at the end."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .case import CASES, Case, Epoch, description
from .workers import ratio, rounds_of, start, timed

LIMIT = 1.5  # of the time of the built-in one


def gate(Z: Any) -> Any:
    """g(z) = z (1 + tanh z)/2: one transcendental function, as in SiLU."""
    from chainrule import ops

    return Z * (1 + ops.tanh(Z)) * 0.5


def pseudo_huber(Yhat: Any, Y: Any) -> Any:
    """√(1 + (ŷ - y)²) - 1: smooth, and for large errors linear, as Huber's loss."""
    from chainrule import ops

    difference = Yhat - Y
    return ops.sqrt(difference * difference + 1) - 1


def trained(case: Case, threads: int, *, activation: Any = "relu", loss: Any = None) -> Epoch:
    """Epochs with this activation in the hidden layers; with a loss, of a regression."""
    from chainrule.nn import Dense, Network
    from chainrule.train import Callback, Model, Settings, Trainer

    class Pause(Callback):
        def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
            trainer.stop = "the next epoch has not been asked for"

    first, *inner, last = case.widths
    output = Dense(last) if loss is not None else Dense(last, "softmax")
    network = Network(first, (*(Dense(n, activation) for n in inner), output))
    model = Model(network, loss, labels=loss is None, dtype=np.float32)
    X, y = case.data()
    targets = y if loss is None else np.eye(last, dtype=np.float32)[y]
    settings = Settings(epochs=10**6, batch_size=case.batch, threads=threads)
    trainer = Trainer(model, model.samples(X, targets), settings=settings, callbacks=[Pause()])

    def epoch(number: int) -> float:
        trainer.stop = None
        return float(trainer.run().rows[-1]["loss"])

    return epoch


OWN: dict[str, Callable[[Case, int], Epoch]] = {
    "built-in silu": partial(trained, activation="silu"),
    "own z (1 + tanh z)/2": partial(trained, activation=gate),
    "built-in huber": partial(trained, loss="huber"),
    "own sqrt(1 + (Yhat - Y)^2) - 1": partial(trained, loss=pseudo_huber),
}
PAIRS = (tuple(OWN)[:2], tuple(OWN)[2:])


def own_functions(names: list[str], rounds: int) -> list[dict[str, Any]]:
    """One table: time per step with the built-in function and with one of the user's own."""
    print("\n### Functions of one's own and built-in ones, chainrule, adam, one pinned thread\n")
    print("| case | built-in | µs/step | own | µs/step | own / built-in |\n|---|---|---:|---|---:|---:|")
    results = []
    for name in names:
        case = CASES[name]
        workers = start("own", OWN, description(case), threads=1)
        try:
            answers = rounds_of(workers, rounds)
        finally:
            for w in workers.values():
                w.close()
        for given, own in PAIRS:
            if not {given, own} <= set(answers):
                continue
            seconds = {side: timed(answers[side]) for side in (given, own)}
            each = {side: statistics.median(s) / case.steps * 1e6 for side, s in seconds.items()}
            share = ratio(seconds[own], seconds[given])
            results.append({"case": name, "us_per_step": each, "ratio": share})
            print(f"| {name} | {given} | {each[given]:,.1f} | {own} | {each[own]:,.1f} | {share:.2f} |")
            if share > LIMIT:
                print(f"\n**{own} takes more than {LIMIT} times as long as {given}**\n")
    return results
