"""Training steps, cross-validation, prediction and whole processes against the peers, on one machine in one run.

    python benchmarks/compare.py --quick
    python benchmarks/compare.py --cases S,M,L --threads 1,2 --rounds 9 --json results.json

Every side is a process of its own, asked in turn A B C A B C and stopped (SIGSTOP) while another is asked, so that no
pool of threads disturbs the next side. float32, the same initial weights, the same batches in the same order, the same
optimizer; every epoch's mean loss must agree with ours. Only ratios of one run mean anything; benchmarks/README.md says
what is timed. Peers that are not installed are left out with a line.
"""

from __future__ import annotations

import argparse
import atexit
import ctypes
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

Epoch = Callable[[int], float]  # number of the epoch, from 1 -> its mean loss

RATES = {"adam": 1e-3, "sgd": 1e-2}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
TABULAR = "T"


class LeftOutError(Exception):
    """A side that cannot do a case, and why."""


@dataclass(frozen=True)
class Case:
    """One network and its data: steps per epoch, epochs per turn, batch norm and dropout 0.1 in hidden layers."""

    name: str
    widths: tuple[int, ...]
    batch: int
    steps: int
    turn: int
    tabular: bool = False

    @property
    def samples(self) -> int:
        return self.batch * self.steps

    @property
    def network(self) -> str:
        hidden = ":relu:batchnorm:dropout=0.1" if self.tabular else ":relu"
        output = ":sigmoid" if self.tabular else ":softmax"
        first, *inner, last = self.widths
        return "-".join([str(first), *(f"{n}{hidden}" for n in inner), f"{last}{output}"])

    @property
    def flops(self) -> int:
        """Floating-point operations of one step's matrix products; the input's gradient is never needed."""
        pairs = [a * b for a, b in pairwise(self.widths)]
        return 2 * self.batch * (3 * sum(pairs) - pairs[0])

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, n_0) and labels (N,) of a linear teacher with noise."""
        rng = np.random.default_rng(1)
        X = rng.standard_normal((self.samples, self.widths[0]), dtype=np.float32)
        classes = 2 if self.tabular else self.widths[-1]
        teacher = rng.standard_normal((self.widths[0], classes), dtype=np.float32)
        return X, (X @ teacher + 2 * rng.standard_normal((self.samples, classes), dtype=np.float32)).argmax(axis=1)

    def weights(self) -> list[np.ndarray]:
        """W[l] as n_{l-1} × n_l; biases start at 0."""
        rng = np.random.default_rng(2)
        return [(rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32) for a, b in pairwise(self.widths)]

    def order(self, epoch: int) -> np.ndarray:
        """The order that chainrule's Trainer takes with seed 0."""
        return np.random.Generator(np.random.Philox(key=[0, epoch])).permutation(self.samples)


CASES = {
    c.name: c
    for c in (
        Case("S", (64, 32, 10), 32, 500, 8),
        Case("M", (784, 128, 64, 10), 128, 100, 3),
        Case("L", (784, 1024, 1024, 10), 256, 8, 2),
        Case(TABULAR, (30, 256, 256, 1), 256, 50, 3, tabular=True),
        Case("XL", (4096, 4096, 4096, 1000), 512, 2, 2),
    )
}


# --- the sides --------------------------------------------------------------------------------------------------------


def ours(case: Case, optimizer: str, threads: int) -> Epoch:
    """`Trainer`, stopped after every epoch."""
    from chainrule.train import Callback, Model, Settings, Trainer

    class Pause(Callback):
        def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
            trainer.stop = "the next epoch has not been asked for"

    model = Model(case.network, labels=not case.tabular, dtype=np.float32)
    for i, W in enumerate(case.weights(), 1):
        model.parameters[f"W[{i}]"][...] = W.T
    given: dict[str, Any] = {"threads": threads} if "threads" in {f.name for f in fields(Settings)} else {}
    settings = Settings(
        epochs=10**6, batch_size=case.batch, optimizer=optimizer, learning_rate=RATES[optimizer], **given
    )
    trainer = Trainer(model, model.samples(*case.data()), settings=settings, callbacks=[Pause()])

    def epoch(number: int) -> float:
        trainer.stop = None
        return float(trainer.run().rows[-1]["loss"])

    return epoch


def numpy_step(case: Case, optimizer: str, threads: int) -> Epoch:
    """The step of benchmarks/step.py, over whole epochs and with SGD too."""
    if case.tabular:
        raise LeftOutError("the plain NumPy step has no batch norm")
    X, y = case.data()
    W = case.weights()
    b = [np.zeros((1, w.shape[1]), np.float32) for w in W]
    p = W + b
    u, v = [np.zeros_like(x) for x in p], [np.zeros_like(x) for x in p]
    eye, layers, m = np.eye(case.widths[-1], dtype=np.float32), len(W), case.batch
    t = 0

    def step(rows: np.ndarray) -> float:
        nonlocal t
        t += 1
        A, Y = [X[rows]], eye[y[rows]]
        for i in range(layers):
            Z = A[-1] @ W[i] + b[i]
            if i < layers - 1:
                A.append(np.maximum(Z, 0))
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        total = E.sum(axis=1, keepdims=True)
        cost = -np.sum(Y * (Z - np.log(total))) / m
        dZ = (E / total - Y) / m
        g: list[Any] = [None] * len(p)
        for i in reversed(range(layers)):
            g[i], g[layers + i] = A[i].T @ dZ, dZ.sum(axis=0, keepdims=True)
            if i:
                dZ = (dZ @ W[i].T) * (A[i] > 0)
        if optimizer == "sgd":
            for x, d in zip(p, g, strict=True):
                x -= RATES["sgd"] * d
            return float(cost)
        root = np.sqrt(1 - BETA2**t)
        rate, epsilon = RATES["adam"] * root / (1 - BETA1**t), EPSILON * root
        for x, d, first, second in zip(p, g, u, v, strict=True):
            first *= BETA1
            first += (1 - BETA1) * d
            second *= BETA2
            second += (1 - BETA2) * d * d
            x -= rate * first / (np.sqrt(second) + epsilon)
        return float(cost)

    return lambda number: statistics.fmean(step(rows) for rows in case.order(number).reshape(-1, m))


def sklearn_partial_fit(case: Case, optimizer: str, threads: int) -> Epoch:
    """One epoch is one `partial_fit` of the reordered samples; scikit-learn has neither batch norm nor dropout."""
    from sklearn.neural_network import MLPClassifier

    if case.tabular:
        raise LeftOutError("scikit-learn has no batch norm")
    X, y = case.data()
    machine = MLPClassifier(
        case.widths[1:-1],
        solver=optimizer,
        alpha=0.0,
        batch_size=case.batch,
        learning_rate_init=RATES[optimizer],
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        max_iter=1,
    )
    machine.partial_fit(X[: case.batch], y[: case.batch], classes=np.arange(case.widths[-1]))
    for mine, W in zip(machine.coefs_, case.weights(), strict=True):
        mine[...] = W
    for mine in machine.intercepts_:
        mine[...] = 0
    del machine._optimizer  # its moments; the next call makes a fresh one

    def epoch(number: int) -> float:
        rows = case.order(number)
        machine.partial_fit(X[rows], y[rows])
        return float(machine.loss_)

    return epoch


def torch_step(case: Case, optimizer: str, threads: int, *, compiled: bool = False) -> Epoch:
    """Eager or compiled forward and backward pass, the fused optimizer."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    X, y = map(torch.from_numpy, case.data())
    layers: list[nn.Module] = []
    for i, W in enumerate(case.weights(), 1):
        dense = nn.Linear(*W.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(W.T.copy()))
            dense.bias.zero_()
        layers.append(dense)
        if i < len(case.widths) - 1:
            layers += [nn.BatchNorm1d(W.shape[1]), nn.ReLU(), nn.Dropout(0.1)] if case.tabular else [nn.ReLU()]
    model = nn.Sequential(*layers)
    if case.tabular:
        y = y.float()[:, None]
    loss = nn.BCEWithLogitsLoss() if case.tabular else nn.CrossEntropyLoss()

    def cost(x: Any, target: Any) -> Any:
        return loss(model(x), target)

    objective = torch.compile(cost) if compiled else cost
    kinds: Any = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    update = kinds[optimizer](model.parameters(), lr=RATES[optimizer], fused=True)

    def epoch(number: int) -> float:
        total = torch.zeros(())
        for rows in torch.from_numpy(case.order(number)).view(-1, case.batch):
            update.zero_grad(set_to_none=True)
            cost = objective(X[rows], y[rows])
            cost.backward()
            update.step()
            total += cost.detach()
        return float(total) / case.steps

    return epoch


def jax_scan(case: Case, optimizer: str, threads: int) -> Epoch:
    """A whole epoch is one compiled scan; parameters and moments are donated."""
    import jax
    import jax.numpy as jnp

    X, y = map(jnp.asarray, case.data())
    theta: list[dict[str, Any]] = []
    for W in case.weights():
        theta.append({"W": jnp.asarray(W), "b": jnp.zeros(W.shape[1])})
        if case.tabular and W.shape[1] > 1:
            theta[-1] |= {"gamma": jnp.ones(W.shape[1]), "beta": jnp.zeros(W.shape[1])}
    running = [(jnp.zeros(n), jnp.ones(n)) for n in case.widths[1:-1]] if case.tabular else []

    def cost(theta: Any, running: Any, key: Any, x: Any, target: Any) -> Any:
        kept = []
        for i, layer in enumerate(theta):
            z = x @ layer["W"] + layer["b"]
            if i == len(theta) - 1:
                break
            if case.tabular:
                mean, var = z.mean(axis=0), z.var(axis=0)
                kept.append((0.9 * running[i][0] + 0.1 * mean, 0.9 * running[i][1] + 0.1 * var))
                z = layer["gamma"] * (z - mean) * jax.lax.rsqrt(var + 1e-5) + layer["beta"]
            x = jax.nn.relu(z)
            if case.tabular:
                x = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, i), 0.9, x.shape), x / 0.9, 0.0)
        if case.tabular:
            z = z[:, 0]
            return jnp.mean(jax.nn.softplus(z) - z * target), kept
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(z) * jax.nn.one_hot(target, z.shape[1]), axis=1)), kept

    def step(carry: Any, rows: Any) -> Any:
        theta, u, v, t, running = carry
        t = t + 1
        key = jax.random.fold_in(jax.random.key(0), t)
        (J, running), g = jax.value_and_grad(cost, has_aux=True)(theta, running, key, X[rows], y[rows])
        if optimizer == "sgd":
            return (jax.tree.map(lambda p, d: p - RATES["sgd"] * d, theta, g), u, v, t, running), J
        u = jax.tree.map(lambda a, d: BETA1 * a + (1 - BETA1) * d, u, g)
        v = jax.tree.map(lambda a, d: BETA2 * a + (1 - BETA2) * d * d, v, g)
        root = jnp.sqrt(1 - BETA2**t)
        rate = RATES["adam"] * root / (1 - BETA1**t)
        theta = jax.tree.map(lambda p, a, s: p - rate * a / (jnp.sqrt(s) + EPSILON * root), theta, u, v)
        return (theta, u, v, t, running), J

    whole = jax.jit(partial(jax.lax.scan, step), donate_argnums=0)
    zeros = (lambda: jax.tree.map(jnp.zeros_like, theta)) if optimizer == "adam" else lambda: []
    carry = (theta, zeros(), zeros(), jnp.zeros((), jnp.int32), running)

    def epoch(number: int) -> float:
        nonlocal carry
        carry, J = whole(carry, jnp.asarray(case.order(number).reshape(-1, case.batch)))
        jax.block_until_ready(carry)
        return float(J.mean())

    return epoch


def keras_fit(case: Case, optimizer: str, threads: int) -> Epoch:
    """One epoch is one `fit` of the reordered samples."""
    import keras
    from keras import layers

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    X, y = case.data()
    stack: list[Any] = [keras.Input((case.widths[0],))]
    dense = [layers.Dense(n) for n in case.widths[1:]]
    for layer in dense[:-1]:
        stack.append(layer)
        if case.tabular:
            stack.append(layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        stack.append(layers.Activation("relu"))
        if case.tabular:
            stack.append(layers.Dropout(0.1))
    model = keras.Sequential([*stack, dense[-1]])
    for layer, W in zip(dense, case.weights(), strict=True):
        layer.set_weights([W, np.zeros(W.shape[1], np.float32)])
    losses: Any = keras.losses
    cost = losses.BinaryCrossentropy if case.tabular else losses.SparseCategoricalCrossentropy
    update: Any = (
        keras.optimizers.Adam(RATES["adam"], epsilon=EPSILON)
        if optimizer == "adam"
        else keras.optimizers.SGD(RATES["sgd"])
    )
    model.compile(update, cost(from_logits=True))

    def epoch(number: int) -> float:
        rows = case.order(number)
        history = model.fit(X[rows], y[rows], batch_size=case.batch, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    return epoch


def products_alone(case: Case, optimizer: str, threads: int) -> Epoch:
    """The matrix products of the steps through NumPy, into arrays that are there already."""
    rng, m = np.random.default_rng(3), case.batch
    A = [rng.random((m, n), dtype=np.float32) for n in case.widths]
    W = case.weights()
    dW, dA = [np.empty_like(w) for w in W], [np.empty_like(a) for a in A]

    def epoch(number: int) -> float:
        for _ in range(case.steps):
            for i, w in enumerate(W):
                np.dot(A[i], w, out=dA[i + 1])
            for i in reversed(range(len(W))):
                np.dot(A[i].T, A[i + 1], out=dW[i])
                if i:
                    np.dot(A[i + 1], W[i].T, out=dA[i])
        return 0.0

    return epoch


PEAK = """
#if defined(__AVX512F__)
#define BYTES 64
#else
#define BYTES 32
#endif
typedef float lane __attribute__((vector_size(BYTES)));
/* Twelve independent chains hide the latency; returns the floating-point operations done. */
double peak(long rounds, float *out) {
    lane a[12], b = {0}, c = {0};
    b += out[0]; c += out[1];
    for (int j = 0; j < 12; j++) a[j] = c * (float)j;
    for (long i = 0; i < rounds; i++)
        for (int j = 0; j < 12; j++) a[j] = a[j] * b + c;
    for (int j = 1; j < 12; j++) a[0] += a[j];
    for (unsigned k = 0; k < BYTES / 4; k++) out[2] += a[0][k];
    return 2.0 * 12 * (BYTES / 4) * rounds;
}
"""


def machine_peak(case: Case, optimizer: str, threads: int) -> Epoch:
    """Does float32 multiply-adds that never leave the registers (without a compiler, an sgemm); 10⁹ operations done."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        A = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
        out = np.empty_like(A)

        def sgemm(number: int) -> float:
            np.dot(A, A, out=out)
            return 2 * 2048**3 / 1e9

        return sgemm
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "peak.c"), Path(folder, "peak.so")
        source.write_text(PEAK)
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([compiler, *options, str(source), "-o", str(library)], check=True, capture_output=True)
        function = ctypes.CDLL(str(library)).peak
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_void_p]

    def fused(number: int) -> float:
        done: list[float] = []

        def one() -> None:
            numbers = np.array([0.999, 0.001, 0.0], np.float32)
            done.append(function(12_000_000, numbers.ctypes.data))

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        return sum(done) / 1e9

    return fused


Side = Callable[[Case, str, int], Epoch]
OURS, PRODUCTS, FMA = "chainrule", "the GEMMs alone", "FMA peak"
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
    PRODUCTS: products_alone,
    FMA: machine_peak,
}
ENVIRONMENT = {
    "chainrule, reference": {"CHAINRULE_EXECUTOR": "reference"},
    "keras-jax": {"KERAS_BACKEND": "jax"},
    "keras-torch": {"KERAS_BACKEND": "torch"},
}


# --- processes --------------------------------------------------------------------------------------------------------


def environment(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "JAX_PLATFORMS": "cpu", "TQDM_DISABLE": "1"}


def pin(threads: int) -> None:
    """Keep this process to as many cores as it has threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))


class Worker:
    """A side in a process of its own; `ask` for an epoch, stopped in between."""

    def __init__(self, kind: str, side: str, *rest: str, threads: int) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        command = [sys.executable, __file__, "--worker", kind, side, *rest, str(threads)]
        given = environment(threads) | ENVIRONMENT.get(side, {})
        self.process = subprocess.Popen(
            command,
            env=given,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,  # signals reach the processes that a side starts, as joblib does
        )
        atexit.register(self._signal, "SIGKILL")  # a stopped process would not notice that its parent ended
        self.error = self._answer().get("error")

    def ask(self, number: int) -> dict[str, Any]:
        self._signal("SIGCONT")
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            last = self.log.read().strip().splitlines()[-1:] or ["no message"]
            return {"error": f"its process ended: {last[0]}"}
        self._signal("SIGSTOP")
        result: dict[str, Any] = json.loads(line)
        return result

    def _signal(self, name: str) -> None:
        if self.process.returncode is None and hasattr(os, "killpg"):
            os.killpg(self.process.pid, getattr(signal, name))

    def close(self) -> None:
        self._signal("SIGKILL")
        self.process.kill()
        self.process.wait()
        self.log.close()


def worker(kind: str, side: str, *rest: str) -> None:
    """Serve one side: numbers in, JSON out. What libraries print goes to the log."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads = int(rest[-1])
    pin(threads)
    try:
        if kind == "steps":
            case = Case(**json.loads(rest[0]))
            epoch = SIDES[side](case, rest[1], threads)
        elif kind == "folds":
            epoch = FOLDS[side](Case(**json.loads(rest[0])), threads)
        else:
            epoch = LATENCY[side]()
    except (ImportError, LeftOutError) as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({}), file=answers, flush=True)
    # The first epoch of a turn finds the caches as the side before left them: it is run, not timed.
    turn = case.turn if kind == "steps" else 1
    for line in sys.stdin:
        first = (int(line) - 1) * turn + 1
        for number in range(first, first + turn):
            if number <= first + 1:
                wall, cpu = time.perf_counter(), time.process_time()
            value = epoch(number)
        share = max(1, turn - 1)
        times = {"wall": (time.perf_counter() - wall) / share, "cpu": (time.process_time() - cpu) / share}
        print(json.dumps({**times, "value": value}), file=answers, flush=True)


def rounds_of(workers: dict[str, Worker], rounds: int, warm: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Ask all in turn; a side that fails is left out with a line. The first answers are for warming up."""
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in workers}
    for number in range(1, rounds + warm + 1):
        for side in list(workers):
            answer = workers[side].ask(number)
            if "error" in answer:
                print(f"- {side}: left out, {answer['error']}")
                workers.pop(side).close()
                answers.pop(side)
                continue
            answers[side].append(answer | {"warm": number <= warm})
    return answers


def start(kind: str, sides: Iterator[str] | list[str], *rest: str, threads: int) -> dict[str, Worker]:
    workers: dict[str, Worker] = {}
    for side in sides:
        made = Worker(kind, side, *rest, threads=threads)
        if made.error:
            print(f"- {side}: left out, {made.error}")
            made.close()
        else:
            workers[side] = made
    return workers


def timed(answers: list[dict[str, Any]], clock: str = "wall") -> list[float]:
    return [a[clock] for a in answers if not a["warm"]]


def ratio(a: list[float], b: list[float]) -> float:
    """Median of the rounds' ratios a / b."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def description(case: Case) -> str:
    return json.dumps({f.name: getattr(case, f.name) for f in fields(Case)})


# --- training steps ---------------------------------------------------------------------------------------------------


def steps(case: Case, optimizer: str, threads: int, sides: list[str], rounds: int, clock: str) -> dict[str, Any]:
    """One table: time per step of every side, interleaved."""
    print(f"\n### {case.name}: {case.network}, batch {case.batch}, {optimizer}, {threads} thread(s)\n")
    workers = start("steps", sides, description(case), optimizer, threads=threads)
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


# --- cross-validation -------------------------------------------------------------------------------------------------

FOLD_EPOCHS = 30


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


FOLDS: dict[str, Callable[[Case, int], Epoch]] = {OURS: ours_folds, "scikit-learn": sklearn_folds}
FOLD_CASES = {"S": Case("S", (64, 32, 10), 32, 56, 1), "M": Case("M", (784, 128, 64, 10), 128, 20, 1)}


def cross_validation(names: list[str], threads: int, rounds: int) -> list[dict[str, Any]]:
    print(f"\n### 10-fold cross-validation, {FOLD_EPOCHS} epochs, {threads} thread(s)\n")
    print("| case | samples | ours s | scikit-learn s | ratio | accuracy ours | scikit-learn |\n|---|" + "---:|" * 6)
    results = []
    for name in names:
        case = FOLD_CASES[name]
        workers = start("folds", list(FOLDS), description(case), threads=threads)
        try:
            answers = rounds_of(workers, rounds, warm=0)
        finally:
            for w in workers.values():
                w.close()
        if set(answers) != set(FOLDS):
            continue
        seconds = {side: timed(given) for side, given in answers.items()}
        score = {side: given[-1]["value"] for side, given in answers.items()}
        peer, mine = seconds["scikit-learn"], seconds[OURS]
        results.append({"case": name, "seconds": seconds, "ratio": ratio(peer, mine), "accuracy": score})
        print(
            f"| {name} | {case.samples} | {statistics.median(mine):.2f} | {statistics.median(peer):.2f} "
            f"| {ratio(peer, mine):.1f} | {score[OURS]:.3f} | {score['scikit-learn']:.3f} |"
        )
    return results


# --- one prediction ---------------------------------------------------------------------------------------------------

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


# --- whole processes --------------------------------------------------------------------------------------------------

SKLEARN_JOB = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import matplotlib
matplotlib.use("Agg")
import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
folder.mkdir()
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
net = MLPClassifier((128, 64), batch_size=32, early_stopping=True, validation_fraction=0.15, n_iter_no_change=20,
                    tol=0.0, max_iter=200, random_state=0)
pipe = make_pipeline(StandardScaler(), net).fit(X, y)
print(net.n_iter_, "epochs")
print(classification_report(y_test, pipe.predict(X_test)))
figure, axes = plt.subplots()
axes.plot(net.loss_curve_)
axes.twinx().plot(net.validation_scores_)
figure.savefig(folder / "curves.png")
ConfusionMatrixDisplay.from_estimator(pipe, X_test, y_test).figure_.savefig(folder / "confusion.png")
joblib.dump(pipe, folder / "model.joblib")
"""


def processes(rounds: int) -> dict[str, Any] | None:
    print("\n### Whole process, start to exit: `chainrule train digits` and the same job in scikit-learn\n")
    for module, what in (("chainrule.cli", "the command"), ("sklearn", "scikit-learn"), ("matplotlib", "matplotlib")):
        if importlib.util.find_spec(module) is None:
            print(f"- left out: {what} is not installed")
            return None
    commands = {
        OURS: [sys.executable, "-m", "chainrule", "train", "digits", "--out"],
        "scikit-learn": [sys.executable, "-c", SKLEARN_JOB],
    }
    seconds: dict[str, list[float]] = {side: [] for side in commands}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for k, (side, command) in enumerate(commands.items()):
                begin = time.perf_counter()
                out = str(Path(folder, f"{k}-{number}"))
                subprocess.run([*command, out], check=True, capture_output=True, env=environment(1))
                if number:  # the first reads the files of the libraries from disk
                    seconds[side].append(time.perf_counter() - begin)
    peer, mine = seconds["scikit-learn"], seconds[OURS]
    print("| side | s | side / ours |\n|---|---:|---:|")
    for side, given in seconds.items():
        print(f"| {side} | {statistics.median(given):.2f} | {ratio(given, mine):.2f} |")
    return {"seconds": seconds, "ratio": ratio(peer, mine)}


# --- the run ----------------------------------------------------------------------------------------------------------


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
    parser.add_argument("--parts", default="steps,folds,latency,process")
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
    sides = [s for s in SIDES if s in {OURS, PRODUCTS, FMA, *peers}]
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
    if "steps" in parts:
        for count in threads:
            for optimizer in optimizers:
                for name in cases:
                    result["steps"].append(steps(CASES[name], optimizer, count, sides, rounds, given.clock))
    if "folds" in parts:
        names = [c for c in cases if c in FOLD_CASES]
        result["folds"] = cross_validation(names, min(2, os.cpu_count() or 1), 1 if given.quick else min(rounds, 3))
    if "latency" in parts:
        result["latency"] = latency(rounds)
    if "process" in parts:
        result["process"] = processes(min(rounds, 5))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main()
