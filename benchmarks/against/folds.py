"""Cross-validation: many small trainings at once."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from .case import OURS, Case, Epoch, description
from .jax_side import jax_folds
from .workers import ratio, rounds_of, start, timed

FOLD_EPOCHS = 30
VMAP = "jax, vmap"


def _folds(case: Case) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    X, y = case.data()
    parts = np.array_split(np.arange(len(X)), 10)
    return X, y, [(np.concatenate(parts[:k] + parts[k + 1 :]), parts[k]) for k in range(10)]


def ours_folds(case: Case, threads: int) -> Epoch:
    from chainrule.train import Settings, cross_validate_model

    X, y, folds = _folds(case)
    settings = Settings(epochs=FOLD_EPOCHS, batch_size=case.batch)

    def run(number: int) -> float:
        return cross_validate_model(case.network, X, y, settings=settings, folds=folds, threads=threads).mean[
            "accuracy"
        ]

    return run


def sklearn_folds(case: Case, threads: int) -> Epoch:
    import warnings

    from sklearn.model_selection import cross_val_score
    from sklearn.neural_network import MLPClassifier

    os.environ["PYTHONWARNINGS"] = "ignore"  # for the processes of joblib: 30 epochs do not converge
    warnings.simplefilter("ignore")
    X, y, folds = _folds(case)
    machine = MLPClassifier(
        case.widths[1:-1],
        alpha=0.0,
        batch_size=case.batch,
        max_iter=FOLD_EPOCHS,
        tol=0.0,
        n_iter_no_change=FOLD_EPOCHS + 1,
        random_state=0,
    )
    return lambda number: float(cross_val_score(machine, X, y, cv=folds, n_jobs=threads).mean())


def jax_vmap(case: Case, threads: int) -> Epoch:
    """The ten networks as one; compiling is not timed."""
    X, y, folds = _folds(case)
    count = max(len(train) for train, _ in folds)
    orders = [
        np.random.Generator(np.random.Philox(key=[0, epoch])).permutation(count) for epoch in range(1, FOLD_EPOCHS + 1)
    ]
    run = jax_folds(case, X, y, folds, orders, case.batch)
    return lambda number: run()


FOLDS: dict[str, Callable[[Case, int], Epoch]] = {OURS: ours_folds, "scikit-learn": sklearn_folds, VMAP: jax_vmap}
FOLD_CASES = {"S": Case("S", (64, 32, 10), 32, 56, 1), "M": Case("M", (784, 128, 64, 10), 128, 20, 1)}


def cross_validation(names: list[str], threads: int, rounds: int) -> list[dict[str, Any]]:
    print(f"\n### 10-fold cross-validation, {FOLD_EPOCHS} epochs, {threads} thread(s)\n")
    print("| case | samples | side | s | side / ours | accuracy |\n|---|---:|---|" + "---:|" * 3)
    results = []
    for name in names:
        case = FOLD_CASES[name]
        workers = start("folds", list(FOLDS), description(case), threads=threads)
        try:
            answers = rounds_of(workers, rounds, warm=0)
        finally:
            for w in workers.values():
                w.close()
        if OURS not in answers:
            continue
        seconds = {side: timed(given) for side, given in answers.items()}
        score = {side: given[-1]["value"] for side, given in answers.items()}
        ratios = {side: ratio(given, seconds[OURS]) for side, given in seconds.items()}
        results.append({"case": name, "seconds": seconds, "ratio": ratios, "accuracy": score})
        for side, given in seconds.items():
            print(
                f"| {name} | {case.samples} | {side} | {statistics.median(given):.2f} | {ratios[side]:.1f} "
                f"| {score[side]:.3f} |"
            )
    return results
