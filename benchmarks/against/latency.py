"""One sample at a time, called from Python."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from .case import CASES, OURS, Epoch
from .workers import ratio, rounds_of, start, timed

CALLS = 500


def _calls(call: Callable[[], Any]) -> Epoch:
    def run(number: int) -> float:
        for _ in range(CALLS):
            out = call()
        return float(np.asarray(out).sum())

    return run


def ours_latency() -> Epoch:
    from chainrule.train import Model

    case = CASES["S"]
    model = Model(case.network, labels=True, dtype=np.float32)
    x = case.data()[0][:1]
    return _calls(lambda: model.predict(x))


def _small_sklearn() -> Any:
    from sklearn.neural_network import MLPClassifier

    X, y = CASES["S"].data()
    return MLPClassifier((32,), max_iter=1).partial_fit(X[:640], y[:640], classes=np.arange(10)), X[:1]


def sklearn_latency() -> Epoch:
    machine, x = _small_sklearn()
    return _calls(lambda: machine.predict_proba(x))


def onnx_latency() -> Epoch:
    import onnxruntime
    from skl2onnx import to_onnx

    machine, x = _small_sklearn()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = to_onnx(machine, x, options={"zipmap": False}).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name, given = session.get_inputs()[0].name, [session.get_outputs()[1].name]
    return _calls(lambda: session.run(given, {name: x})[0])


LATENCY: dict[str, Callable[[], Epoch]] = {
    OURS: ours_latency,
    "scikit-learn": sklearn_latency,
    "ONNX Runtime": onnx_latency,
}


def latency(rounds: int) -> dict[str, Any]:
    print("\n### One sample through 64-32-10 from Python, one pinned thread\n")
    workers = start("latency", list(LATENCY), threads=1)
    try:
        answers = rounds_of(workers, rounds)
    finally:
        for w in workers.values():
            w.close()
    mine = timed(answers[OURS])
    print("| side | µs per prediction | side / ours |\n|---|---:|---:|")
    results = {}
    for side, given in answers.items():
        each = statistics.median(timed(given)) / CALLS * 1e6
        results[side] = {"us": each, "ratio": ratio(timed(given), mine)}
        print(f"| {side} | {each:,.1f} | {results[side]['ratio']:.2f} |")
    return results
