"""Programs on the reference executor against `evaluate`: every op, every instruction, memory, types, errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tables import CALLS, LEAVES, sample

import chainrule.ops as o
from chainrule.errors import ChainruleError, ConfigurationError, DataError, ShapeError
from chainrule.execute import Bound, evaluate, plan, run, source
from chainrule.execute.numpy_code import SCALAR, UFUNC
from chainrule.execute.program import INSTRUCTIONS, Map, Store, describe
from chainrule.graph import OPS, Node, constant, size, variable, variables
from chainrule.reverse import derive
from chainrule.train import Model

# Ops of other shapes than point-wise, and the instruction that each becomes; a repetition is how an operand is read.
INSTRUCTION_OF = {
    "matmul": "MatMul",
    "transpose": "Transpose",
    "sum": "Reduce",
    "max": "Reduce",
    "lse": "LogSumExp",
    "one_hot": "OneHot",
    "pick": "Pick",
    "gather": "Gather",
    "scatter_add": "ScatterAdd",
    "uniform": "Uniform",
    "broadcast": "Map",
}
RNG = np.random.default_rng(7)
X, Y = variable("X", "n", "m"), variable("Y", "n", "m")
B, R, S = variable("b", "n", 1), variable("r", 1, "m"), variable("s", 1, 1)
Q = variable("Q", "n", "n")
SIZES = {"n": 3, "m": 4}
NUMBERS = {v.name: RNG.normal(size=v.shape.bind(SIZES)) for v in (X, Y, B, R, S, Q)}


def of(*nodes: Node) -> dict[str, Any]:
    return {name: NUMBERS[name] for name in variables(*nodes)}


def agree(nodes: dict[str, Node], values: dict[str, Any], dtype: Any = np.float64, tolerance: float = 1e-12) -> None:
    got = run(plan(nodes), values, dtype)
    for (name, node), wanted in zip(nodes.items(), evaluate(list(nodes.values()), values, dtype), strict=True):
        assert got[name].shape == wanted.shape == node.shape.bind({**SIZES, **_sizes(values, node)})
        assert got[name].dtype == dtype
        np.testing.assert_allclose(got[name], wanted, rtol=tolerance, atol=tolerance, err_msg=name)


def _sizes(values: dict[str, Any], node: Node) -> dict[str, int]:
    return {
        d: k
        for name, v in variables(node).items()
        for d, k in zip(v.shape, np.shape(values[name]), strict=True)
        if isinstance(d, str)
    }


# --- every op -------------------------------------------------------------------------------------------------------


def test_the_executor_knows_every_op() -> None:
    pointwise = {name for name, record in OPS.items() if record.pointwise}
    assert pointwise | {"copy"} == set(UFUNC)
    assert set(SCALAR) <= set(UFUNC)
    assert OPS.keys() - pointwise - LEAVES == INSTRUCTION_OF.keys()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("r", "c"), [(3, 4), (1, 5), (4, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_op_runs_as_evaluated(name: str, r: int, c: int, dtype: Any) -> None:
    node, values = sample(name, r, c, seed=r * 10 + c)
    if name not in ("transpose", "broadcast"):
        program = plan({"out": node})
        kinds = {type(x).__name__ for x in program.instructions}
        assert kinds == {INSTRUCTION_OF.get(name, "Map")}
    agree({"out": node}, values, dtype, 1e-12 if dtype == np.float64 else 2e-5)


@pytest.mark.parametrize("name", sorted(n for n in CALLS if OPS[n].pointwise))
def test_every_pointwise_op_in_the_middle_of_fused_code(name: str) -> None:
    """Its operands are earlier lines, its result is read again, and it is a result itself beside another."""
    inner, values = sample(name, 3, 4, seed=2)
    args = [x * 1 + x / 2 - x / 2 for x in inner.inputs]
    middle = OPS[name](*args, **dict(inner.attrs))
    outputs = {"middle": middle, "after": o.tanh(middle) * args[-1] + middle, "args": args[0] + middle}
    agree(outputs, values, tolerance=1e-11)


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("reduce", [o.total, o.maximum_of, o.lse, o.mean])
def test_reductions_over_every_axis(reduce: Any, axis: int | None) -> None:
    e = reduce(o.tanh(X) + Y, axis=axis)
    agree({"out": e, "again": e * 2, "wide": X * e if axis != 1 else X + e}, of(X, Y))


@pytest.mark.parametrize(("ta", "tb", "scale"), list(itertools.product([False, True], repeat=3)))
def test_products_take_transposes_and_a_scale(ta: bool, tb: bool, scale: bool) -> None:
    a = variable("a", 3, 2) if ta else variable("a", 2, 3)
    b = variable("b", 4, 3) if tb else variable("b", 3, 4)
    e = (a.T if ta else a) @ (b.T if tb else b)
    e = constant(0.25) * e if scale else e
    values = {"a": RNG.normal(size=a.shape), "b": RNG.normal(size=b.shape)}
    program = plan({"out": e})
    assert [type(x).__name__ for x in program.instructions if not isinstance(x, Map)] == ["MatMul"]
    want = (values["a"].T if ta else values["a"]) @ (values["b"].T if tb else values["b"]) * (0.25 if scale else 1)
    np.testing.assert_allclose(run(program, values)["out"], want, rtol=1e-13)


def test_a_scaled_product_is_one_instruction() -> None:
    program = plan({"out": constant(0.5) * (Q @ X)})
    assert len(program.instructions) == 1
    assert "0.5 * Q @ X" in str(program)
    both = plan({"out": constant(0.5) * (Q @ X), "raw": Q @ X})  # the unscaled product is wanted too
    got = run(both, of(Q, X))
    np.testing.assert_allclose(got["raw"], NUMBERS["Q"] @ NUMBERS["X"], rtol=1e-13)
    np.testing.assert_allclose(got["out"], got["raw"] / 2, rtol=1e-13)


@pytest.mark.parametrize("exponent", [2, 3, -1, 1, 0.5, -2, 4])
def test_powers(exponent: float) -> None:
    positive = o.exp(X)
    agree({"p": positive**exponent, "q": positive**exponent * positive, "s": o.exp(S) ** exponent}, of(X, S))


def test_sizes_stand_in_constants() -> None:
    e = {"mean": o.mean(X, axis=1), "scaled": X * size("m", -1), "square": X * size("n", 2), "one": S * size("m")}
    agree(e, of(X, S))
    assert "X" in plan(e).bound


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_labels_may_be_constants_or_computed(dtype: Any) -> None:
    A, k, y = variable("A", 3, 4), constant(2), variable("y", 1, "m", kind="label")
    e = {
        "hot": o.one_hot(k, classes=3),
        "taken": o.gather(A, k),
        "picked": o.pick(o.gather(A, k), constant(1)),
        "added": o.scatter_add(o.gather(A, k), k, cols=3),
        "next": o.gather(A, 3 - y),
        "rows": o.one_hot(o.total(o.one_hot(y, classes=2), axis=0), classes=2),
    }
    agree(e, {"A": RNG.normal(size=(3, 4)), "y": np.array([[0, 1, 1]])}, dtype, 1e-6)


def test_results_that_are_variables_repetitions_constants_or_the_same() -> None:
    outputs = {
        "x": X,
        "x again": X,
        "turned": X.T,
        "wide": o.broadcast(B, rows="n", cols="m"),
        "number": constant(3),
        "full": constant(2, X.shape),
        "sum": X + Y,
        "the same sum": X + Y,
    }
    agree(outputs, of(X, Y, B))


def test_softmax_comes_with_its_log_sum_exp() -> None:
    Z = X * 3
    lse, soft = o.lse(Z, axis=0), o.softmax(Z)
    program = plan({"lse": lse, "soft": soft, "log": o.log_softmax(Z)})
    assert sum(type(x).__name__ == "LogSumExp" for x in program.instructions) == 1
    assert " exp(" not in str(program)
    got = run(program, of(X))
    np.testing.assert_allclose(got["soft"].sum(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(np.log(got["soft"]), got["log"], rtol=1e-12, atol=1e-13)


# --- instructions and listings ---------------------------------------------------------------------------------------


def every_instruction() -> Any:
    """One program with all kinds of instructions: a classifier with an embedding, dropout and a running mean."""
    E, W = variable("E", 3, 5), variable("W", 4, 3)
    codes, y = variable("c", 1, "m", kind="label"), variable("y", 1, "m", kind="label")
    seed, step = variable("seed", 1, 1, kind="counter"), variable("step", 1, 1, kind="counter")
    V = variable("V", 4, 4)
    mask = o.step(o.uniform(seed, step, stream=1, rows=4, cols="m") - 0.25)
    Z = (W @ o.gather(E, codes)) * mask
    J = o.total(o.lse(Z, axis=0) - o.pick(Z, y), axis=None)
    d = derive(J, [E, W])
    outputs = {"J": J, "dE": d.of(E), "dW": d.of(W), "Y": o.one_hot(y, classes=4), "turned": o.tanh(Z).T}
    program = plan(outputs, inputs=["c", "y", "step"], assigns={"V": V @ V, "seed2": variable("seed2", 1, 1) + 1})
    values = {
        "E": RNG.normal(size=(3, 5)),
        "W": RNG.normal(size=(4, 3)),
        "V": RNG.normal(size=(4, 4)),
        "seed2": np.array([[1.5]]),
        "c": np.array([[0, 4, 4, 2, 1, 4]]),
        "y": np.array([[3, 0, 1, 1, 2, 0]]),
        "seed": np.array([[11]]),
        "step": np.array([[3]]),
    }
    return program, outputs, values


def test_all_kinds_of_instructions_run() -> None:
    program, outputs, values = every_instruction()
    assert {type(x) for x in program.instructions} == set(INSTRUCTIONS)
    got = run(program, values)
    for name, wanted in zip(outputs, evaluate(list(outputs.values()), values), strict=True):
        np.testing.assert_allclose(got[name], wanted, rtol=1e-12, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(got["V"], values["V"] @ values["V"], rtol=1e-13)
    assert got["seed2"] == 2.5
    np.testing.assert_array_equal(values["seed2"], 1.5)  # `run` works on copies


def test_a_listing_shows_every_instruction() -> None:
    program, _, _ = every_instruction()
    text = str(program)
    lines = text.splitlines()
    assert lines[0] == "inputs  c, y, step"
    assert lines[1].startswith("bound ")
    words = ["matmul", "map", "reduce", "lse", "one_hot", "pick", "gather", "scatter", "uniform", "transpose", "store"]
    assert len(words) == len(INSTRUCTIONS)
    numbered = [line for line in lines[2:] if line[:3].strip().isdigit()]
    assert [int(line[:3]) for line in numbered] == list(range(len(program.instructions)))
    for instruction, line in zip(program.instructions, numbered, strict=True):
        assert line[5:].split()[0] in words
        assert describe(instruction, program.buffers) in text
    assert {line[5:].split()[0] for line in numbered} == set(words)
    for name in (*program.inputs, *program.bound, *program.results):
        assert name in text
    assert "0x" not in text


def test_the_source_is_the_code_that_runs() -> None:
    program = plan({"Z": o.tanh(Q @ X + B)})
    code = source(program, SIZES)
    assert code.startswith("def make(")
    assert "tanh(" in code
    assert "dot(" in code
    names: dict[str, Any] = {"dot": np.dot, "add": np.add, "tanh": np.tanh}
    scope: dict[str, Any] = {}
    exec(code, scope)
    wanted = scope["make"].__code__.co_varnames[: scope["make"].__code__.co_argcount]
    held = {f"b{b.index}": np.zeros(b.shape.bind(SIZES)[::-1]) for b in program.buffers}
    for name in ("Q", "X", "b"):
        held[f"b{program.buffer(name).index}"][...] = NUMBERS[name].T
    scope["make"](*({**names, **held}[n] for n in wanted))()
    got = held[f"b{program.results['Z']}"].T
    np.testing.assert_allclose(got, np.tanh(NUMBERS["Q"] @ NUMBERS["X"] + NUMBERS["b"]), rtol=1e-13)


def test_planning_is_a_function_of_the_expressions() -> None:
    assert every_instruction()[0] == every_instruction()[0]
    network = "5-4:tanh:batchnorm-3:softmax"
    assert str(Model(network).gradient_program) == str(Model(network, seed=9).gradient_program)


# --- memory ---------------------------------------------------------------------------------------------------------


def test_work_buffers_share_slots_in_a_deep_network() -> None:
    A = variable("A", 6, "m")
    for i in range(12):
        A = o.tanh(variable(f"W{i}", 6, 6) @ A)
    program = plan({"Yhat": A}, inputs=["A"])
    work = [b for b in program.buffers if b.role == "work"]
    assert len(work) >= 12
    assert program.slots <= 2  # forward, only the last activation is alive
    model = Model("6-" + "-".join(["6:tanh"] * 12))
    work = [b for b in model.gradient_program.buffers if b.role == "work"]
    assert model.gradient_program.slots < len(work)


def test_slots_hold_one_shape_and_are_never_shared_while_alive() -> None:
    program = Model("6-5:tanh-5:relu:batchnorm-5:elu-3:softmax", weighted=True).gradient_program
    from chainrule.execute.program import reads, writes

    lives: dict[int, list[int]] = {}
    for i, x in enumerate(program.instructions):
        for b in (*reads(x), *writes(x)):
            if program.buffers[b].slot >= 0:
                lives.setdefault(b, [i, i])[1] = i
    by_slot: dict[int, list[int]] = {}
    for b in lives:
        by_slot.setdefault(program.buffers[b].slot, []).append(b)
    assert any(len(v) > 1 for v in by_slot.values())
    for members in by_slot.values():
        assert len({program.buffers[b].shape for b in members}) == 1
        spans = sorted(lives[b] for b in members)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_assigns_write_in_place_where_nothing_reads_the_old_value() -> None:
    theta, g = variable("theta", "P", 1), variable("g", "P", 1)
    program = plan({}, assigns={"theta": theta - constant(0.1) * g})
    assert len(program.instructions) == 1
    assert not any(isinstance(x, Store) for x in program.instructions)
    held = {"theta": np.ones((5, 1), order="F"), "g": np.arange(5.0)[:, None]}
    task = Bound(program, {"P": 5}, np.float64, held)
    task.run()
    task.run()
    np.testing.assert_allclose(held["theta"][:, 0], 1 - 0.2 * np.arange(5))


def test_assigned_states_read_each_others_old_values() -> None:
    a, b = variable("a", 2, 2), variable("b", 2, 2)
    values = {"a": RNG.normal(size=(2, 2)), "b": RNG.normal(size=(2, 2))}
    swapped = run(plan({}, assigns={"a": b, "b": a}), values)
    np.testing.assert_array_equal(swapped["a"], values["b"])
    np.testing.assert_array_equal(swapped["b"], values["a"])
    for order in (["a", "b"], ["b", "a"]):
        new = {"a": a + b, "b": a}
        shifted = run(plan({}, assigns={name: new[name] for name in order}), values)
        np.testing.assert_array_equal(shifted["a"], values["a"] + values["b"])
        np.testing.assert_array_equal(shifted["b"], values["a"])
    mixed = plan(
        {"out": a @ b}, assigns={"a": a + o.total(b, axis=None), "b": a.T @ b - a, "s": S + o.total(a, axis=None)}
    )
    given = {**values, "s": np.ones((1, 1))}
    got = run(mixed, given)
    A, C = values["a"], values["b"]
    np.testing.assert_allclose(got["out"], A @ C, rtol=1e-13)
    np.testing.assert_allclose(got["a"], A + C.sum(), rtol=1e-13)
    np.testing.assert_allclose(got["b"], A.T @ C - A, rtol=1e-13)
    np.testing.assert_allclose(got["s"], 1 + A.sum(), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bound_arrays_are_used_in_place(dtype: Any) -> None:
    W = np.asfortranarray(RNG.normal(size=(3, 3)).astype(dtype))
    dW = np.zeros((3, 3), dtype, order="F")
    program = plan({"J": o.total(Q @ X, axis=None), "dW": X @ X.T}, inputs=["X"])
    task = Bound(program, SIZES, dtype, {"Q": W}, {"dW": dW})
    x = RNG.normal(size=(3, 4)).astype(dtype)
    first = float(task.run({"X": x})["J"][0, 0])
    assert np.shares_memory(task.results["dW"], dW)
    np.testing.assert_allclose(dW, x @ x.T, rtol=1e-5)
    W *= 2  # no copy was made: the program sees the new numbers
    assert float(task.run({"X": x})["J"][0, 0]) == pytest.approx(2 * first, rel=1e-5)
    assert task.results["J"].dtype == dtype


def test_results_are_views_that_the_next_run_overwrites() -> None:
    task = Bound(plan({"out": X + 1}, inputs=["X"]), SIZES, np.float64, {})
    first = task.run({"X": NUMBERS["X"]})["out"]
    task.run({"X": NUMBERS["Y"]})
    np.testing.assert_array_equal(first, NUMBERS["Y"] + 1)
    np.testing.assert_allclose(NUMBERS["X"], of(X)["X"])


def test_inputs_of_any_layout_and_type_are_accepted() -> None:
    task = Bound(plan({"out": X * 2}, inputs=["X"]), SIZES, np.float64, {})
    whole = np.arange(12).reshape(3, 4)
    for given in (
        whole,
        np.asfortranarray(whole),
        whole.astype(np.float32),
        whole.tolist(),
        np.arange(24).reshape(3, 8)[:, ::2],
    ):
        np.testing.assert_array_equal(task.run({"X": given})["out"], 2 * np.asarray(given))


# --- IEEE 754 -------------------------------------------------------------------------------------------------------

SPECIAL = np.array([[np.nan, np.inf, -np.inf, 0.0], [-0.0, 1e308, -1e308, 1.0], [np.inf, -1.0, 0.5, np.nan]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(n for n in CALLS if OPS[n].pointwise))
def test_nan_and_infinity_propagate_as_evaluated(name: str, dtype: Any) -> None:
    record = OPS[name]
    a, b, c = variable("a", 3, 4), variable("b", 3, 4), variable("c", 3, 4)
    attrs = CALLS[name].attrs(3, 4)
    node = record(*(a, b, c)[: record.arity], **attrs)
    with np.errstate(over="ignore"):
        special = SPECIAL.astype(dtype)
    orders = [special, special.ravel()[::-1].reshape(3, 4), np.roll(special.ravel(), 5).reshape(3, 4)]
    for first, second in itertools.product(orders, orders):
        values = {"a": first, "b": second, "c": orders[2]}
        values = {k: v for k, v in values.items() if k in variables(node)}
        wanted = evaluate(node, values, dtype)
        got = run(plan({"out": node}), values, dtype)["out"]
        np.testing.assert_allclose(got, wanted, rtol=1e-5)
        for i in range(3):  # the same on single numbers, where the executor writes scalar code
            scalar = record(*(variable(v, 1, 1) for v in ("a", "b", "c")[: record.arity]), **attrs)
            place = {k: v[i : i + 1, i : i + 1] for k, v in values.items()}
            single = run(plan({"out": scalar}), place, dtype)["out"]
            np.testing.assert_allclose(single[0, 0], wanted[i, i], rtol=1e-5)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softmax"])
def test_a_nan_is_never_hidden_by_an_activation(name: str) -> None:
    Z = variable("Z", 2, 2)
    given = {"Z": np.array([[np.nan, 1.0], [1.0, 2.0]])}
    assert np.isnan(evaluate(o.activation(name)(Z), given)[0, 0])
    assert np.isnan(run(plan({"A": o.activation(name)(Z)}), given)["A"][0, 0])


@pytest.mark.parametrize("make", [o.maximum, o.minimum])
def test_maximum_and_minimum_keep_a_nan_of_either_side(make: Any) -> None:
    e = make(X, Y)
    for x, y in ((np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan), (np.nan, np.inf), (-np.inf, np.nan)):
        given = {"X": np.full((1, 1), x), "Y": np.full((1, 1), y)}
        assert np.isnan(evaluate(e, given)).all()
        assert np.isnan(run(plan({"e": e}), given)["e"]).all()


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("reduce", [o.total, o.maximum_of, o.lse])
def test_reductions_of_nan_and_infinity(reduce: Any, axis: int | None) -> None:
    e = reduce(X, axis=axis)
    moderate = np.where(np.abs(SPECIAL) == 1e308, 7.0, SPECIAL)
    for special in (moderate, np.where(np.isnan(moderate), -3, moderate), np.where(moderate > 9, 0, moderate)):
        np.testing.assert_allclose(run(plan({"e": e}), {"X": special})["e"], evaluate(e, {"X": special}), rtol=1e-12)


@pytest.mark.parametrize(
    "e",
    [
        1 / S,
        S ** constant(-1),
        constant(1) / o.step(S),
        constant(1) / o.maximum(S, 0),
        constant(-1) / o.minimum(0, -S),
        constant(1) / constant(0) * o.exp(S),
        constant(0) ** (-constant(1)) + S,
        constant(-1) ** constant(0.5) + S,
        constant(10) ** constant(400) + S,
        o.log(S),
    ],
)
def test_single_numbers_divide_as_arrays_do(e: Node) -> None:
    with np.errstate(all="ignore"):
        got, wanted = run(plan({"e": e}), {"s": 0.0})["e"], evaluate(e, {"s": 0.0})
    assert not np.isfinite(wanted).any()
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_logits_stay_finite(dtype: Any) -> None:
    Z, y = variable("Z", 3, "m"), variable("y", 1, "m", kind="label")
    J = o.total(o.lse(Z, axis=0) - o.pick(Z, y), axis=None)
    values = {"Z": np.array([[1e4, -1e4], [-1e4, 1e4], [0, 1e4]]), "y": np.array([[1, 0]])}
    got = run(plan({"J": J, "dZ": derive(J, [Z]).of(Z)}), values, dtype)
    assert got["J"][0, 0] == pytest.approx(4e4 + np.log(2), rel=1e-7)
    np.testing.assert_allclose(got["dZ"], [[1, -1], [-1, 0.5], [0, 0.5]], atol=1e-3)


# --- errors ---------------------------------------------------------------------------------------------------------


def bound() -> Bound:
    return Bound(
        plan({"Z": Q @ X + B}, inputs=["X"]),
        SIZES,
        np.float64,
        {"Q": np.zeros((3, 3), order="F"), "b": np.zeros((3, 1))},
    )


def test_a_missing_input_is_named() -> None:
    with pytest.raises(DataError, match=r"input X \(3 × 4\)"):
        bound().run({"Q": np.zeros((3, 3))})
    with pytest.raises(DataError, match="input X"):
        bound().run()
    with pytest.raises(DataError, match="array for b"):
        run(plan({"Z": Q @ X + B}), {"Q": np.zeros((3, 3)), "X": np.zeros((3, 4))})
    with pytest.raises(DataError, match="variable b"):
        evaluate(Q @ X + B, {"Q": np.zeros((3, 3)), "X": np.zeros((3, 4))})


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (12,), (3, 4, 1), ()])
def test_an_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="X: expected 3 × 4"):
        bound().run({"X": np.zeros(shape)})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"b": np.zeros((3, 1))}, ["Q", "3 × 3"]),
        ({"Q": np.zeros((3, 2)), "b": np.zeros((3, 1))}, ["Q", "expected 3 × 3", "(3, 2)"]),
        ({"Q": np.zeros((3, 3), np.float32), "b": np.zeros((3, 1))}, ["Q", "float64", "float32"]),
        ({"Q": np.zeros((3, 3), np.int64), "b": np.zeros((3, 1))}, ["Q", "float64", "int64"]),
        ({"Q": np.zeros((6, 3))[::2], "b": np.zeros((3, 1))}, ["Q", "contiguous", "asfortranarray"]),
        ({"Q": np.zeros((3, 3), order="C")[:, :], "b": np.zeros((3, 1))}, ["Q", "contiguous", "asfortranarray"]),
    ],
)
def test_a_bound_array_that_cannot_be_used_in_place_is_refused(arrays: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ChainruleError) as e:
        Bound(plan({"Z": Q @ X + B}, inputs=["X"]), SIZES, np.float64, arrays)
    assert all(word in str(e.value) for word in words), str(e.value)


def test_a_result_array_is_checked_too() -> None:
    program = plan({"Z": X + 1}, inputs=["X"])
    with pytest.raises(ShapeError, match="Z: expected 3 × 4"):
        Bound(program, SIZES, np.float64, {}, {"Z": np.zeros((4, 3))})
    with pytest.raises(DataError, match="Z: expected columns contiguous"):
        Bound(program, SIZES, np.float64, {}, {"Z": np.zeros((3, 4))})


def test_contradicting_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match="X"):
        run(plan({"Z": Q @ X}), {"Q": np.zeros((3, 3)), "X": np.zeros((2, 4))})


def test_plans_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match=r"Omega is not a variable of the program.*X"):
        plan({"Z": X}, assigns={"Omega": X})
    with pytest.raises(ConfigurationError, match="Omega is not a variable"):
        plan({"Z": X}, inputs=["Omega"])
    with pytest.raises(ShapeError, match=r"assignment to b: expected n × 1, received n × m"):
        plan({"Z": X + B}, assigns={"b": X + B})
