"""Random programs against `evaluate`: expressions over matrices, columns, rows and numbers, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.ops as o
from chainrule.execute import evaluate, plan, run
from chainrule.graph import Node, variable, variables, walk
from chainrule.laws import simplify
from chainrule.reverse import derive

N = 3
LEAVES = {
    "X": variable("X", N, "m"),
    "Y": variable("Y", N, "m"),
    "b": variable("b", N, 1),
    "r": variable("r", 1, "m"),
    "s": variable("s", 1, 1),
    "W": variable("W", N, N),
}
SMOOTH = (
    o.tanh,
    o.sigmoid,
    o.softplus,
    o.sin,
    o.cos,
    o.erf,
    o.gelu,
    lambda x: o.exp(o.tanh(x)),
    lambda x: o.expm1(o.sin(x)),
    lambda x: o.log1p(x * x),
    lambda x: o.sqrt(1 + x * x),
    lambda x: -x,
    lambda x: x * x,
    lambda x: o.tanh(x) ** 3,
    lambda x: (2 + o.sin(x)) ** -2,
    lambda x: o.lse(x, axis=0),
    lambda x: o.lse(x, axis=1),
    lambda x: o.lse(x, axis=None),
    lambda x: o.total(x, axis=0),
    lambda x: o.total(x, axis=1),
    lambda x: o.mean(x),
    o.softmax,
    o.log_softmax,
)
KINKED = (
    lambda x: o.maximum(x, 0),
    o.absolute,
    o.elu,
    o.sign,
    o.step,
    lambda x: o.clip(x, lo=-1, hi=1),
    lambda x: o.where(x, o.tanh(x), x * 2),
    lambda x: o.maximum_of(x, axis=0),
    lambda x: o.maximum_of(x, axis=1),
)
PAIRS = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (1 + b * b),
    lambda a, b: 2 * a + b / 3,
)
KINKED_PAIRS = (o.maximum, o.minimum)


def _fits(a: Node, b: Node) -> bool:
    return all(x == y or 1 in (x, y) for x, y in zip(a.shape, b.shape, strict=True))


def _product(rng: np.random.Generator, a: Node, b: Node) -> Node | None:
    if rng.random() < 0.3:
        a = a.T
    if rng.random() < 0.3:
        b = b.T
    return a @ b if a.shape.cols == b.shape.rows else None


def random_pool(rng: np.random.Generator, smooth: bool) -> list[Node]:
    """Expressions that grow out of each other, so that most are used several times."""
    ones, twos = (SMOOTH, PAIRS) if smooth else (SMOOTH + KINKED, PAIRS + KINKED_PAIRS)
    pool = [LEAVES[n] for n in ("X", "Y", "b", "r", "s")]
    for _ in range(rng.integers(3, 16)):
        kind = rng.random()
        a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
        new: Node | None = None
        if kind < 0.45:
            new = ones[rng.integers(len(ones))](a)
        elif kind < 0.8:
            new = twos[rng.integers(len(twos))](a, b) if _fits(a, b) else None
        else:
            new = LEAVES["W"] @ a if a.shape.rows == N and rng.random() < 0.5 else _product(rng, a, b)
        if new is not None and "m" not in (new.shape.rows,):  # keep the pool combinable
            pool.append(new)
    return pool


def random_program(seed: int, smooth: bool) -> tuple[dict[str, Node], dict[str, Node], dict[str, Any]]:
    """(outputs, assigns, numbers): several results, a cost with its derivatives, and states that are written over."""
    rng = np.random.default_rng(seed)
    pool = random_pool(rng, smooth)
    outputs = {f"out{i}": pool[j] for i, j in enumerate(rng.integers(0, len(pool), 3))}
    cost = simplify(o.total(pool[-1] * o.sin(pool[-1] + 1), axis=None))
    outputs["J"] = cost
    if variables(cost):
        found = derive(cost)
        outputs |= {name: found[name] for name in found}
    if seed % 4 == 0:  # second derivatives
        second = o.total(outputs["dX"] * LEAVES["Y"], axis=None) if "dX" in outputs else None
        if second is not None and variables(second):
            outputs |= {f"d{n}": node for n, node in derive(simplify(second)).items()}
    assigns = {}
    for name in variables(*outputs.values()):
        fitting = [p for p in pool if p.shape == LEAVES[name].shape]
        if name not in ("X", "Y") and fitting and rng.random() < 0.4:
            assigns[name] = fitting[rng.integers(len(fitting))]
    m = int(rng.integers(1, 6))
    numbers = {n: rng.normal(size=v.shape.bind({"m": m})) for n, v in LEAVES.items()}
    used = variables(*outputs.values(), *assigns.values())
    return outputs, assigns, {n: numbers[n] for n in used}


def results(seed: int, smooth: bool, dtype: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Node]]:
    outputs, assigns, numbers = random_program(seed, smooth)
    program = plan(outputs, inputs=[n for n in ("X", "Y") if n in numbers], assigns=assigns)
    got = run(program, numbers, dtype)
    names = [*outputs, *(f"new {n}" for n in assigns)]
    nodes = [*outputs.values(), *assigns.values()]
    wanted = dict(zip(names, evaluate(nodes, numbers, np.float64), strict=True))
    return {n: got[n.removeprefix("new ")] for n in names}, wanted, dict(zip(names, nodes, strict=True))


def error(got: Any, wanted: Any) -> float:
    return float(np.max(np.abs(got - wanted)) / (1 + np.max(np.abs(wanted))))


@pytest.mark.parametrize("block", range(10))
def test_programs_compute_what_evaluate_means(block: int) -> None:
    for seed in range(block * 30, block * 30 + 30):
        got, wanted, nodes = results(seed, smooth=False, dtype=np.float64)
        for name in wanted:
            assert got[name].shape == wanted[name].shape
            assert np.isfinite(wanted[name]).all(), (seed, name)
            assert error(got[name], wanted[name]) < 1e-9, (seed, name, str(nodes[name]))


def condition(node: Node, numbers: dict[str, Any], seed: int) -> float:
    """How far the value moves when the arguments move by float32's rounding."""
    rng = np.random.default_rng(seed)
    base = evaluate(node, numbers)
    moved = {n: a * (1 + 2.0**-24 * rng.choice([-1, 1], a.shape)) for n, a in numbers.items()}
    return error(evaluate(node, moved), base)


@pytest.mark.parametrize("block", range(4))
def test_float32_is_close_to_float64_on_smooth_programs(block: int) -> None:
    for seed in range(1000 + block * 20, 1020 + block * 20):
        _, _, numbers = random_program(seed, smooth=True)
        got, wanted, nodes = results(seed, smooth=True, dtype=np.float32)
        for name, node in nodes.items():
            assert got[name].dtype == np.float32
            steps = sum(1 for _ in walk(node))
            bound = 2.0**-23 * steps + 20 * condition(node, numbers, seed)
            assert error(got[name], wanted[name]) < bound, (seed, name, str(node))


def test_the_programs_are_varied() -> None:
    """What the generator reaches: ops, results, states, shared values."""
    ops, instructions, assigned, sizes = set(), set(), 0, set()
    for seed in range(100):
        outputs, assigns, numbers = random_program(seed, smooth=False)
        program = plan(outputs, assigns=assigns)
        ops |= {n.op.name for n in walk(*outputs.values())}
        instructions |= {type(x).__name__ for x in program.instructions}
        assigned += len(assigns)
        sizes |= {np.shape(numbers["X"])[1]} if "X" in numbers else set()
    assert {"matmul", "transpose", "broadcast", "lse", "max", "sum", "where", "clip", "maximum", "power", "erf"} <= ops
    assert {"MatMul", "Map", "Reduce", "LogSumExp", "Transpose", "Store"} <= instructions
    assert assigned > 50
    assert sizes == {1, 2, 3, 4, 5}


def test_the_programs_are_the_same_in_every_run() -> None:
    a, b = random_program(17, smooth=False), random_program(17, smooth=False)
    assert a[0] == b[0]  # hash-consed: the very same nodes
    assert a[1] == b[1]
    assert all(np.array_equal(a[2][n], b[2][n]) for n in a[2])
