"""Programs on the native executor: the reference executor and `evaluate` say what they mean."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tables import CALLS, sample
from test_execute import INSTRUCTION_OF, SPECIAL
from test_programs_fuzz import condition, error, random_program

import chainrule.ops as o
from chainrule.errors import ConfigurationError
from chainrule.execute import Bound, Program, bind, evaluate, executor, native, plan
from chainrule.execute.direct import sizes_of
from chainrule.execute.program import INSTRUCTIONS, MatMul
from chainrule.graph import OPS, Node, Shape, constant, variable, variables, walk
from chainrule.ops import uniform_numbers
from chainrule.reverse import derive

pytestmark = pytest.mark.skipif(not native.available(), reason="the native executor was not built")

KINDS: dict[str, type[Bound]] = {"native": native.NativeBound, "reference": Bound}
DTYPES = [np.float64, np.float32]
SETS = native.instruction_sets()
FUSED = [name for name in SETS if name != "sse"]  # with fused multiply-adds: products have the same bits
RNG = np.random.default_rng(23)


class _OneSet:
    """The compiled module, with tasks that use one instruction set."""

    def __init__(self, name: str) -> None:
        self.name, self.module = name, native._module()

    def Task(self, *arguments: Any) -> Any:
        return self.module.Task(*(self.name if isinstance(a, str) else a for a in arguments))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def with_set(patch: pytest.MonkeyPatch, name: str) -> None:
    one = _OneSet(name)
    patch.setattr(native, "_module", lambda: one)


def compute(
    program: Program, values: dict[str, Any], dtype: Any = np.float64, kind: str = "native", times: int = 1
) -> dict[str, Any]:
    """What `execute.run` does, on the executor named: results, and states that are assigned, under their names."""
    buffers = {b.name: b for b in program.buffers if b.role in ("input", "bound")}
    arrays = {
        n: np.array(np.atleast_2d(values[n]), dtype if b.kind == "real" else np.int64, order="F")
        for n, b in buffers.items()
    }
    sizes = sizes_of(arrays, {n: b.shape for n, b in buffers.items()})
    bound = {n: arrays[n] for n in program.bound}
    task = KINDS[kind](program, sizes, dtype, bound)
    for _ in range(times):
        results = task.run({n: arrays[n] for n in program.inputs})
    return {n: a.copy() for n, a in (results | {n: bound[n] for n in program.assigns}).items()}


def same(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert got.keys() == wanted.keys()
    for name in wanted:
        assert got[name].dtype == wanted[name].dtype
        assert got[name].tobytes() == wanted[name].tobytes(), name


# --- every op, every instruction ------------------------------------------------------------------------------------


def test_every_pointwise_op_has_an_opcode_and_no_other() -> None:
    pointwise = {name for name, op in OPS.items() if op.pointwise}
    assert set(native.OPCODES) == pointwise | {"copy"}
    assert list(native.OPCODES.values()) == list(range(len(native.OPCODES)))


def test_every_instruction_is_tested_here() -> None:
    assert {c.__name__ for c in INSTRUCTIONS} == set(INSTRUCTION_OF.values()) | {"Map", "Store"}
    assert set(CALLS) == set(INSTRUCTION_OF) | {n for n, op in OPS.items() if op.pointwise}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_every_op_is_what_evaluate_means(name: str, dtype: Any) -> None:
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    for seed, (r, c) in enumerate([(1, 1), (3, 4), (4, 3), (1, 7), (9, 1), (130, 40), (2100, 2)]):
        node, values = sample(name, r, c, seed)
        got = compute(plan({"out": node}), values, dtype)["out"]
        rounded = {n: v.astype(dtype) if v.dtype.kind == "f" else v for n, v in values.items()}
        wanted = evaluate(node, rounded, np.float64)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * max(1, np.max(np.abs(wanted))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(n for n in CALLS if OPS[n].pointwise))
def test_nan_and_infinity_propagate_as_evaluated(name: str, dtype: Any) -> None:
    record = OPS[name]
    attrs = CALLS[name].attrs(3, 4)
    node = record(*(variable(v, 3, 4) for v in "abc"[: record.arity]), **attrs)
    single = record(*(variable(v, 1, 1) for v in "abc"[: record.arity]), **attrs)
    with np.errstate(over="ignore"):
        special = SPECIAL.astype(dtype)
    orders = [special, special.ravel()[::-1].reshape(3, 4), np.roll(special.ravel(), 5).reshape(3, 4)]
    program, small = plan({"out": node}), plan({"out": single})
    for first, second in itertools.product(orders, orders):
        values = {k: v for k, v in {"a": first, "b": second, "c": orders[2]}.items() if k in variables(node)}
        wanted = evaluate(node, values, dtype)
        np.testing.assert_allclose(compute(program, values, dtype)["out"], wanted, rtol=1e-5)
        place = {k: v[:1, 1:2] for k, v in values.items()}
        np.testing.assert_allclose(compute(small, place, dtype)["out"][0, 0], wanted[0, 1], rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("reduce", [o.total, o.maximum_of, o.lse])
def test_reductions_of_nan_and_infinity(reduce: Any, axis: int | None) -> None:
    e = reduce(variable("X", 3, 4), axis=axis)
    moderate = np.where(np.abs(SPECIAL) == 1e308, 7.0, SPECIAL)
    for special in (moderate, np.where(np.isnan(moderate), -3, moderate), np.where(moderate > 9, 0, moderate)):
        got = compute(plan({"e": e}), {"X": special})["e"]
        np.testing.assert_allclose(got, evaluate(e, {"X": special}), rtol=1e-12)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, -1, -2, 0.5, -0.5, 2.5])
def test_constant_powers(exponent: float) -> None:
    x = variable("x", 5, 1)
    values = {"x": np.array([[0.0], [0.3], [-1.7], [np.inf], [np.nan]])}
    with np.errstate(all="ignore"):
        wanted = evaluate(x ** constant(exponent), values)
    np.testing.assert_allclose(compute(plan({"p": x ** constant(exponent)}), values)["p"], wanted, rtol=1e-14)


# --- shapes: pieces of a column, several columns, one of either -----------------------------------------------------

SHAPES = [(1, 1), (1, 5000), (5000, 1), (3, 7001), (1024, 3), (1023, 17), (1025, 2), (16384, 2), (40001, 1), (500, 90)]


def _everything(n: int, m: int) -> tuple[dict[str, Node], dict[str, Any]]:
    X, b, r, s = variable("X", n, m), variable("b", n, 1), variable("r", 1, m), variable("s", 1, 1)
    small = o.tanh(X * s + b) * r
    outputs = {
        "fused": small + b / (1 + r * r),
        "also": o.where(small, b, r) - s,
        "number": o.maximum(s, 0.25) * X,
        "row": o.sigmoid(r) * 2 + s,
        "column": o.softplus(b) - s,
        "turned": (X + b).T,
        "max0": o.maximum_of(X, axis=0),
        "max1": o.maximum_of(X, axis=1),
        "max": o.maximum_of(X, axis=None),
        "sum0": o.total(X, axis=0),
        "sum1": o.total(X, axis=1),
        "sum": o.total(X, axis=None),
        "lse0": o.lse(X, axis=0),
        "lse1": o.lse(X, axis=1),
        "lse": o.lse(X, axis=None),
        "soft": o.softmax(X),
        "inner": b.T @ X,
        "outer": b @ r,
    }
    rng = np.random.default_rng(n + m)
    return outputs, {v.name: rng.normal(size=v.shape) for v in (X, b, r, s)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "m"), SHAPES)
def test_shapes_around_the_size_of_a_block(n: int, m: int, dtype: Any) -> None:
    outputs, values = _everything(n, m)
    values = {k: v.astype(dtype).astype(np.float64) for k, v in values.items()}
    wanted = dict(zip(outputs, evaluate(list(outputs.values()), values), strict=True))
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    for inputs in ([], ["X"]):
        got = compute(plan(outputs, inputs=inputs), values, dtype)
        for name, value in wanted.items():
            assert got[name].shape == value.shape
            assert error(got[name], value) < tolerance * (np.sqrt(n * m) if name.startswith("sum") else 1), name


def test_constants_without_a_matrix_fill_their_result() -> None:
    outputs = {
        "full": constant(2, Shape(1500, 3)),
        "one": constant(3),
        "root": o.broadcast(o.sqrt(constant(2)), rows=40, cols=60),
    }
    for name, value in compute(plan(outputs), {}).items():
        np.testing.assert_array_equal(value, evaluate(outputs[name], {}))


EMPTY: dict[str, Callable[[Node], Node]] = {
    "map": lambda X: o.tanh(X) * 2,
    "sum0": lambda X: o.total(X, axis=0),
    "sum1": lambda X: o.total(X, axis=1),
    "sum": lambda X: o.total(X, axis=None),
    "max0": lambda X: o.maximum_of(X, axis=0),
    "max1": lambda X: o.maximum_of(X, axis=1),
    "lse0": lambda X: o.lse(X, axis=0),
    "lse1": lambda X: o.lse(X, axis=1),
    "outer": lambda X: X @ X.T,
    "inner": lambda X: X.T @ X,
    "turned": lambda X: X.T,
}


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0)])
@pytest.mark.parametrize("name", EMPTY)
def test_matrices_without_entries(name: str, shape: tuple[int, int]) -> None:
    """As the reference does: an empty sum is 0, an empty maximum is a `ValueError`."""
    program = plan({"e": EMPTY[name](variable("X", "n", "m"))})
    values = {"X": np.zeros(shape)}
    try:
        wanted = compute(program, values, kind="reference")
    except ValueError:
        with pytest.raises(ValueError, match="no entries"):
            compute(program, values)
    else:
        same(compute(program, values), wanted)


# --- random programs ------------------------------------------------------------------------------------------------


def _planned(seed: int, smooth: bool) -> tuple[Program, dict[str, Node], dict[str, Any]]:
    outputs, assigns, numbers = random_program(seed, smooth)
    inputs = [n for n in ("X", "Y") if n in numbers]
    return plan(outputs, inputs=inputs, assigns=assigns), outputs | assigns, numbers


@pytest.mark.parametrize("block", range(10))
def test_random_programs_compute_what_evaluate_means(block: int) -> None:
    for seed in range(3000 + block * 30, 3030 + block * 30):
        program, nodes, numbers = _planned(seed, smooth=False)
        got = compute(program, numbers)
        for name, wanted in zip(nodes, evaluate(list(nodes.values()), numbers), strict=True):
            assert got[name].shape == wanted.shape
            assert error(got[name], wanted) < 1e-9, (seed, name, str(nodes[name]))


@pytest.mark.parametrize("block", range(4))
def test_random_programs_in_float32_are_as_close_as_the_reference(block: int) -> None:
    for seed in range(4000 + block * 20, 4020 + block * 20):
        program, nodes, numbers = _planned(seed, smooth=True)
        got = compute(program, numbers, np.float32)
        reference = compute(program, numbers, np.float32, "reference")
        for name, node in nodes.items():
            assert got[name].dtype == np.float32
            bound = 2.0**-23 * sum(1 for _ in walk(node)) + (
                20 * condition(node, numbers, seed) if variables(node) else 0
            )
            assert error(got[name], reference[name]) < 2 * bound, (seed, name)


def test_random_programs_reach_every_instruction_but_those_of_labels() -> None:
    found = {type(x).__name__ for seed in range(3000, 3100) for x in _planned(seed, smooth=False)[0].instructions}
    assert found >= {"MatMul", "Map", "Reduce", "LogSumExp", "Transpose", "Store"}


# --- instruction sets -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(len(SETS) < 2, reason="this machine has one instruction set")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_instruction_set_computes_the_same_bits(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[tuple[Program, dict[str, Any]]] = []
    for name in CALLS:
        for r, c in ((5, 7), (1100, 3)):
            node, values = sample(name, r, c, 1)
            cases.append((plan({"out": node}), values))
    for n, m in SHAPES[3:7]:
        outputs, values = _everything(n, m)
        cases.append((plan(outputs), values))
    for seed in range(5000, 5040):
        program, _, numbers = _planned(seed, smooth=False)
        cases.append((program, numbers))
    with monkeypatch.context() as patch:
        with_set(patch, SETS[0])
        wanted = [compute(program, values, dtype) for program, values in cases]
    for other in SETS[1:]:
        with monkeypatch.context() as patch:
            with_set(patch, other)
            for (program, values), expected in zip(cases, wanted, strict=True):
                got = compute(program, values, dtype)
                if other in FUSED or not any(isinstance(x, MatMul) for x in program.instructions):
                    same(got, expected)


@pytest.mark.skipif(SETS == FUSED, reason="every instruction set here has fused multiply-adds")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5, 7), (50, 49, 120), (16, 64, 700)])
def test_products_without_fused_multiply_adds_differ_by_rounding_alone(
    shape: tuple[int, int, int], dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    m, n, k = shape
    program = plan({"C": variable("A", m, k) @ variable("B", k, n)})
    values = {"A": RNG.normal(size=(m, k)).astype(dtype), "B": RNG.normal(size=(k, n)).astype(dtype)}
    bound = k * np.finfo(dtype).eps * (np.abs(values["A"]).astype(float) @ np.abs(values["B"]).astype(float))
    with_set(monkeypatch, "sse")
    wanted = values["A"].astype(np.longdouble) @ values["B"].astype(np.longdouble)
    assert (np.abs(compute(program, values, dtype)["C"] - wanted) <= bound).all()


def test_an_instruction_set_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with_set(monkeypatch, "mmx")
    with pytest.raises(ValueError, match="mmx"):
        compute(plan({"e": o.tanh(variable("X", 2, 2))}), {"X": np.ones((2, 2))})


# --- binding and running --------------------------------------------------------------------------------------------

X, W, B = variable("X", 3, "m"), variable("W", 3, 3), variable("b", 3, 1)


def test_a_program_runs_again_on_new_inputs_and_changed_parameters() -> None:
    w, b = np.asfortranarray(RNG.normal(size=(3, 3))), RNG.normal(size=(3, 1))
    task = bind(plan({"A": o.tanh(W @ X + B)}, inputs=["X"]), {"m": 4}, np.float64, {"W": w, "b": b}, name="native")
    assert isinstance(task, native.NativeBound)
    first = None
    for k in range(3):
        x = RNG.normal(size=(3, 4))
        w[...] += k
        got = task.run({"X": x})["A"]
        np.testing.assert_allclose(got, np.tanh(w @ x + b), rtol=1e-13)
        assert first is None or got is first  # a view on the same memory
        first = got


def test_state_is_written_in_place_run_after_run() -> None:
    s, c = variable("s", 3, 1), variable("c", 3, 1)
    program = plan({"out": s * 2}, inputs=[], assigns={"s": s + c, "c": s})
    values = {"s": np.array([[1.0], [2.0], [3.0]]), "c": np.array([[1.0], [1.0], [0.0]])}
    same(compute(program, values, times=9), compute(program, values, kind="reference", times=9))
    assert compute(program, values, times=9)["s"].ravel().tolist() == [89, 144, 165]  # Fibonacci


def test_results_may_be_bound_to_arrays_of_the_caller() -> None:
    out = np.zeros((3, 4), order="F")
    task = native.NativeBound(plan({"A": o.exp(X)}, inputs=["X"]), {"m": 4}, np.float64, {}, {"A": out})
    task.run({"X": np.ones((3, 4))})
    np.testing.assert_allclose(out, np.e, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_inputs_of_any_layout_and_type_are_converted(dtype: Any) -> None:
    task = native.NativeBound(plan({"out": X * 2}, inputs=["X"]), {"m": 4}, dtype, {})
    whole = np.arange(12).reshape(3, 4)
    other = np.float32 if dtype == np.float64 else np.float64
    for given in (
        whole,
        np.asfortranarray(whole, dtype=dtype),
        np.ascontiguousarray(whole, dtype=dtype),
        whole.astype(other),
        whole.astype(np.uint8),
        whole.tolist(),
        np.arange(24.0).reshape(3, 8)[:, ::2],
        np.arange(12.0).reshape(3, 4)[::-1, ::-1],
        whole.astype(np.dtype(dtype).newbyteorder()),
        np.frombuffer(b"\0" + whole.astype(dtype).tobytes(), np.uint8)[1:].view(dtype).reshape(3, 4),  # not aligned
    ):
        np.testing.assert_array_equal(task.run({"X": given})["out"], 2 * np.asarray(given))
        # The quick way in, transposed, converts too: nothing of another type or stride reaches native code.
        task.call(np.asarray(given).T)
        np.testing.assert_array_equal(task.results["out"], 2 * np.asarray(given))


def test_the_quick_way_in_refuses_what_does_not_fit() -> None:
    task = native.NativeBound(plan({"out": X * 2}, inputs=["X"]), {"m": 4}, np.float64, {})
    for wrong in (np.zeros((5, 3)), np.zeros((4, 2)), np.zeros((4, 3, 2))):
        with pytest.raises(ValueError, match=r"broadcast|shape|dimensions"):
            task.call(wrong)
    with pytest.raises(ValueError, match="zip"):
        task.call(np.zeros((4, 3)), np.zeros((4, 3)))


def test_an_input_that_was_freed_is_not_read() -> None:
    """The task keeps the arrays that it points to."""
    task = native.NativeBound(plan({"out": X * 2}, inputs=["X"]), {"m": 1000}, np.float64, {})
    task.call(np.full((1000, 3), 7.0))
    np.full((1000, 3), -1.0)  # would take the freed memory
    task.call()
    assert (task.results["out"] == 14).all()


# --- labels and chance ----------------------------------------------------------------------------------------------

Y = variable("y", 1, "m", kind="label")
LABELLED: dict[str, tuple[Node, int]] = {
    "one_hot": (o.one_hot(Y, classes=4), 4),
    "pick": (o.pick(variable("A", 4, "m"), Y), 4),
    "gather": (o.gather(variable("E", 2, 5), Y), 5),
    "scatter_add": (o.scatter_add(variable("D", 2, "m"), Y, cols=5), 5),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LABELLED)
def test_labels_out_of_range_are_refused_and_never_followed(name: str, dtype: Any) -> None:
    node, classes = LABELLED[name]
    values = {v.name: RNG.normal(size=v.shape.bind({"m": 3})) for v in variables(node).values() if v.name != "y"}
    program = plan({"out": node}, inputs=["y"])
    for wrong in (classes, -1, 2**31, -(2**31), 2**62, -(2**63)):
        for place in range(3):
            y = np.zeros((1, 3), np.int64)
            y[0, place] = wrong
            with pytest.raises(IndexError, match="label"):
                compute(program, values | {"y": y}, dtype)
    y = np.array([[0, classes - 1, 1]])
    got, wanted = compute(program, values | {"y": y}, dtype), evaluate(node, values | {"y": y}, dtype)
    np.testing.assert_array_equal(got["out"], wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_may_be_numbers_and_numbers_labels(dtype: Any) -> None:
    A, k = variable("A", 3, "m"), constant(2)
    r, seed = variable("r", 1, "m"), variable("seed", 1, 1, kind="counter")
    outputs = {
        "hot": o.one_hot(k, classes=3),
        "taken": o.gather(A, k),
        "next": o.gather(A, 3 - Y),
        "real": o.pick(A, r),
        "scaled": A * Y + seed,
        "counted": o.uniform(constant(5), constant(2), stream=1, rows=2, cols=3),
        "moved": o.uniform(seed + 1, seed, stream=1, rows=2, cols=3),
    }
    values = {"A": RNG.normal(size=(3, 4)), "y": np.array([[0, 2, 1, 1]]), "r": np.array([[2.0, 1, 0, 2]])}
    values |= {"seed": np.array([[6]])}
    got = compute(plan(outputs, inputs=["y"]), values, dtype)
    for name, wanted in zip(outputs, evaluate(list(outputs.values()), values, dtype), strict=True):
        np.testing.assert_allclose(got[name], wanted, rtol=1e-6, err_msg=name)
    for wrong in (3.0, -1.0, np.nan, np.inf, 1e300):
        with pytest.raises(IndexError, match="label"), np.errstate(over="ignore"):
            compute(plan({"real": outputs["real"]}), values | {"r": np.array([[0, 1, 0, wrong]])}, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (129, 257)])
def test_uniform_numbers_are_the_bits_of_numpys_philox(shape: tuple[int, int], dtype: Any) -> None:
    r, c = shape
    seed, step = variable("seed", 1, 1, kind="counter"), variable("step", 1, 1, kind="counter")
    program = plan({"u": o.uniform(seed, step, stream=3, rows=r, cols=c)})
    for key, counter in ((0, 0), (12345, 7), (2**62, 2**40)):
        got = compute(program, {"seed": np.full((1, 1), key), "step": np.full((1, 1), counter)}, dtype)["u"]
        generator = np.random.Generator(np.random.Philox(key=[key, 3], counter=[0, counter, 0, 0]))
        wanted = generator.random(r * c, dtype=np.float32).reshape((r, c), order="F")
        np.testing.assert_array_equal(wanted.ravel(order="F"), uniform_numbers(key, counter, 3, r * c))
        np.testing.assert_array_equal(got, wanted.astype(dtype))


# --- derivatives ----------------------------------------------------------------------------------------------------


def _own(z: Node) -> Node:
    """An activation that no library has."""
    return o.softplus(z) * o.tanh(z) + o.where(z, o.log1p(z * z), o.expm1(z)) / (2 + o.cos(z))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_users_own_activation_and_its_gradient_run_natively(dtype: Any) -> None:
    J = o.total(_own(W @ X + B), axis=None)
    d = derive(J)
    outputs = {"J": J, **{n: d[n] for n in d}}
    rng = np.random.default_rng(4)
    values = {"W": rng.normal(size=(3, 3)), "b": rng.normal(size=(3, 1)), "X": rng.normal(size=(3, 50))}
    got = compute(plan(outputs, inputs=["X"]), values, dtype)
    for name, wanted in zip(outputs, evaluate(list(outputs.values()), values), strict=True):
        assert error(got[name], wanted) < (1e-13 if dtype == np.float64 else 1e-5), name


# --- which executor -------------------------------------------------------------------------------------------------


def test_the_environment_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    program, values = plan({"e": o.exp(X)}), {"X": np.ones((3, 2))}
    for name, kind in KINDS.items():
        monkeypatch.setenv("CHAINRULE_EXECUTOR", name)
        assert executor() == name
        task = bind(program, {"m": 2}, np.float64, {"X": np.asfortranarray(values["X"])})
        assert type(task) is kind
    monkeypatch.delenv("CHAINRULE_EXECUTOR")
    assert executor() == "native"
    assert executor("reference") == "reference"


def test_an_unknown_executor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "natve")
    with pytest.raises(ConfigurationError, match=r"natve.*native"):
        executor()


def _python(code: str) -> str:
    environment = {n: v for n, v in os.environ.items() if n != "CHAINRULE_EXECUTOR"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_without_the_compiled_part_the_reference_executor_does_the_work() -> None:
    code = """
import sys
sys.modules["chainrule._native"] = None  # as if it had not been built
import numpy as np
from chainrule import Model
from chainrule.errors import ConfigurationError
from chainrule.execute import executor
from chainrule.train import Settings, fit
assert executor() == "reference"
m = Model("2-3-1", seed=0)
fit(m, m.samples(np.ones((4, 2)), np.ones((4, 1))), settings=Settings(epochs=1))
assert type(m.bound("gradient", 4)).__name__ == "Bound"
try:
    executor("native")
except ConfigurationError as e:
    print(e)
"""
    said = _python(code)
    assert "native executor was not built" in said
    assert "compiler" in said
    assert "reference" in said


def test_importing_chainrule_loads_neither_scipy_nor_the_compiled_part() -> None:
    code = "import sys, chainrule; print([n for n in sys.modules if n.startswith(('scipy', 'chainrule._native'))])"
    assert _python(code) == "[]"
