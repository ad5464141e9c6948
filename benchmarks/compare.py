"""Training steps, cross-validation, prediction and whole processes against the peers, on one machine in one run.

    python benchmarks/compare.py --quick
    python benchmarks/compare.py --cases S,M,L --threads 1,2 --rounds 9 --json results.json

Every side is a process of its own, asked in turn A B C A B C and stopped (SIGSTOP) while another is asked, so that no
pool of threads disturbs the next side. float32, the same initial weights, the same batches in the same order, the same
optimizer; the part `losses` compares every side's loss with ours, and the exit code is 1 if one differs. Only ratios
of one run mean anything; benchmarks/README.md says what is timed. A peer that is not installed is left out with a line.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from against.case import CASES, RATES, Case, Epoch
from against.folds import FOLD_CASES, FOLDS, cross_validation
from against.latency import LATENCY, latency
from against.own import OWN, own_functions
from against.process import processes
from against.steps import AFTER, FMA, OURS, PRODUCTS, SAME, SIDES, same_work, steps
from against.workers import serve


def worker(kind: str, side: str, *rest: str) -> None:
    """What a side's process does: `rest` is its case, other words, and the number of threads."""
    threads, turn = int(rest[-1]), 1
    make: Callable[[], Epoch]
    if kind == "latency":
        make = LATENCY[side]
    else:
        case = Case(**json.loads(rest[0]))
        if kind == "steps":
            make, turn = partial(SIDES[side], case, rest[1], threads), case.turn
        elif kind == "own":
            make, turn = partial(OWN[side], case, threads), case.turn
        else:
            make = partial(FOLDS[side], case, threads)
    serve(make, turn, threads)


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("chainrule", "numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "keras", "onnxruntime"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    import chainrule

    found["chainrule"] = chainrule.__version__
    return found


def machine() -> dict[str, Any]:
    """Processor, cores, load, and chainrule's executor."""
    from chainrule.execute.choose import executor

    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [
            x.split(":", 1)[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x
        ]
        cpu = names[0] if names else cpu
    peak = "multiply-adds in registers (C)" if any(map(shutil.which, ("cc", "gcc", "clang"))) else "sgemm 2048³"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {"cpu": cpu, "cores": os.cpu_count(), "load": load, "executor": executor(), "peak_by": peak}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="S,M,L,T,XL", help=f"of {','.join(CASES)}")
    parser.add_argument("--peers", help=f"of {'; '.join(SIDES)}, separated by ';' (chainrule is always there)")
    parser.add_argument("--optimizers", default="adam,sgd")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: processor time of the side's process, for one thread on a machine that others use",
    )
    parser.add_argument("--parts", default="losses,steps,folds,own,latency,process")
    parser.add_argument("--quick", action="store_true", help="no XL, no torch.compile, Adam, one thread, 3 rounds")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    cases = [c for c in given.cases.split(",") if not (given.quick and c == "XL")]
    threads = [1] if given.quick else [int(t) for t in given.threads.split(",")]
    optimizers = ["adam"] if given.quick else given.optimizers.split(",")
    rounds = min(given.rounds, 3) if given.quick else given.rounds
    peers = given.peers.split(";") if given.peers else [s for s in SIDES if not (given.quick and s == "torch.compile")]
    for what, names, known in (("case", cases, CASES), ("side", peers, SIDES), ("optimizer", optimizers, RATES)):
        if unknown := [n for n in names if n not in known]:
            parser.error(f"unknown {what} {unknown[0]!r}: choose from {', '.join(known)}")
    sides = [s for s in SIDES if s in {OURS, AFTER, PRODUCTS, FMA, *peers}]
    parts = given.parts.split(",")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a run takes minutes: tables appear as they are measured
    if given.clock == "cpu" and threads != [1]:
        parser.error("--clock cpu adds up the threads' times: it needs --threads 1")
    result: dict[str, Any] = {"versions": versions(), "machine": machine(), "rounds": rounds, "steps": []}
    print(", ".join(f"{k} {v}" for k, v in result["versions"].items()))
    print(
        ", ".join(f"{k}: {v}" for k, v in result["machine"].items())
        + f"; medians of {rounds} rounds, {given.clock} clock"
    )
    other_work = False
    if "losses" in parts:
        for optimizer in optimizers:
            for name in cases:
                found = same_work(CASES[name], optimizer, sides)
                result.setdefault("losses", []).append({"case": name, "optimizer": optimizer, "difference": found})
                other_work |= any(not far <= SAME for far in found.values())
    if "steps" in parts:
        for count in threads:
            for optimizer in optimizers:
                for name in cases:
                    result["steps"].append(steps(CASES[name], optimizer, count, sides, rounds, given.clock))
    if "folds" in parts:
        names = [c for c in cases if c in FOLD_CASES]
        result["folds"] = cross_validation(names, min(2, os.cpu_count() or 1), 1 if given.quick else min(rounds, 3))
    if "own" in parts:
        result["own"] = own_functions([c for c in cases if c in ("S", "M")], rounds)
    if "latency" in parts:
        result["latency"] = latency(rounds)
    if "process" in parts:
        result["process"] = processes(rounds)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    if other_work:
        raise SystemExit("sides marked above did not do the same work")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main()
