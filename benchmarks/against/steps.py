"""Training steps of every side."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from .by_hand import numpy_step, products_alone
from .case import OURS, Case, Epoch, description
from .jax_side import jax_scan
from .keras_side import keras_fit
from .only_s import written_for_s
from .ours import ours
from .peak import machine_peak
from .sklearn_side import sklearn_partial_fit
from .torch_side import torch_step
from .workers import ratio, rounds_of, start, timed

Side = Callable[[Case, str, int], Epoch]
PRODUCTS, FMA = "the GEMMs alone", "FMA peak"
AFTER = "chainrule, ε after the correction"  # Adam as scikit-learn and Keras have it (Kingma and Ba's last line)
SIDES: dict[str, Side] = {
    OURS: ours,
    "chainrule, reference": ours,
    "scikit-learn": sklearn_partial_fit,
    "torch": torch_step,
    "torch.compile": partial(torch_step, compiled=True),
    "jax": jax_scan,
    "keras-jax": keras_fit,
    "keras-torch": keras_fit,
    "numpy": numpy_step,
    AFTER: partial(ours, epsilon_hat=True),
    "C++ for S alone": written_for_s,
    PRODUCTS: products_alone,
    FMA: machine_peak,
}
UNTIMED = (AFTER,)
SAME = 1e-3  # of a loss


def steps(case: Case, optimizer: str, threads: int, sides: list[str], rounds: int, clock: str) -> dict[str, Any]:
    """One table: time per step of every side, interleaved."""
    print(f"\n### {case.name}: {case.network}, batch {case.batch}, {optimizer}, {threads} thread(s)\n")
    workers = start("steps", [s for s in sides if s not in UNTIMED], description(case), optimizer, threads=threads)
    try:
        answers = rounds_of(workers, rounds)
    finally:
        for w in workers.values():
            w.close()
    if OURS not in answers:
        raise SystemExit("chainrule itself did not run")
    peak = float("nan")
    if FMA in answers:
        peak = statistics.median(a["value"] / a[clock] for a in answers.pop(FMA) if not a["warm"])
    off = disagreements(case, answers)
    mine, products = timed(answers[OURS], clock), timed(answers[PRODUCTS], clock) if PRODUCTS in answers else None
    result: dict[str, Any] = {
        "case": case.name,
        "optimizer": optimizer,
        "threads": threads,
        "clock": clock,
        "peak_gflops": peak,
        "losses_disagree": off,
        "sides": {},
    }
    head = ["side", "µs/step", "side / ours", "GFLOP/s", "of peak", "GEMMs alone / side", "loss"]
    print(f"FMA peak {peak:,.0f} GFLOP/s; {case.flops / 1e6:,.2f} MFLOP in the matrix products of a step\n")
    print("| " + " | ".join(head) + " |\n|---" + "|---:" * (len(head) - 1) + "|")
    for side, given in answers.items():
        seconds = timed(given, clock)
        per_step = statistics.median(seconds) / case.steps
        speed = case.flops / per_step / 1e9
        alone = ratio(products, seconds) if products else float("nan")
        result["sides"][side] = {
            "us_per_step": per_step * 1e6,
            "ratio": ratio(seconds, mine),
            "gflops": speed,
            "of_peak": speed / peak,
            "gemms_alone": alone,
            "rounds_us": {c: [s / case.steps * 1e6 for s in timed(given, c)] for c in ("wall", "cpu")},
            "losses": [a["value"] for a in given],
        }
        loss = "" if side == PRODUCTS else f"{given[-1]['value']:.5f}"
        print(
            f"| {side} | {per_step * 1e6:,.1f} | {ratio(seconds, mine):.2f} | {speed:,.1f} | {speed / peak:.0%} "
            f"| {alone:.2f} | {loss} |"
        )
    for side, far in off.items():
        print(f"\n**{side} does not reach our losses: an epoch's mean differs by {far:.1e} of the first's**")
    return result


def disagreements(case: Case, answers: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Sides with an epoch whose mean loss differs from ours by more than 1e-3 of the first epoch's, or, where masks
    differ, by more than 5 %: how far they are, as such a share."""
    mine = [a["value"] for a in answers[OURS]]
    found = {}
    for side, given in answers.items():
        if side == PRODUCTS:
            continue
        far = [abs(a["value"] - b) / mine[0] for a, b in zip(given, mine, strict=True)]
        if not all(f <= (5e-2 if case.tabular else 1e-3) for f in far):
            found[side] = max(far)
    return found


def same_work(case: Case, optimizer: str, sides: list[str]) -> dict[str, float]:
    """One table, nothing timed: the mean losses of the last epochs of two turns in float64, without dropout, whose
    masks libraries draw each in its own way. What is left of a difference is one of the work or of its precision.

    Adam of scikit-learn and Keras is compared with ours of the same form. Returns the larger relative difference.
    """
    print(f"\n### {case.name}: losses of epochs {case.turn} and {2 * case.turn} in float64, {optimizer}\n")
    exact = replace(case, dtype="float64", dropout=0.0)
    wanted = [s for s in sides if s not in (PRODUCTS, FMA) and (s != AFTER or optimizer == "adam")]
    workers = start("steps", wanted, description(exact), optimizer, threads=1)
    try:
        answers = rounds_of(workers, 2, warm=0)
    finally:
        for w in workers.values():
            w.close()
    losses = {side: [a["value"] for a in given] for side, given in answers.items()}
    print("| side | last loss | larger difference | of |\n|---|---:|---:|---|")
    found = {}
    for side, given in losses.items():
        like = AFTER if AFTER in losses and side.startswith(("scikit", "keras")) else OURS
        found[side] = max(abs(a - b) / b for a, b in zip(given, losses[like], strict=True))
        far = "" if side in (OURS, AFTER) or found[side] <= SAME else " **not the same work**"
        print(f"| {side} | {given[-1]:.6f} | {found[side]:.1e}{far} | {like} |")
    return {side: far for side, far in found.items() if side != AFTER}
