"""Programs written from a derivation: they run alone and give the gradient of the complex step, in every language."""

from __future__ import annotations

import ast
import re
import zlib
from typing import Any

import numpy as np
import pytest
from tables import CALLS, LEAVES, sample, weighted, weights

from chainrule.derivation import derive as presented
from chainrule.derivation.conventions import rows_as_samples
from chainrule.derivation.programs.program import Equations, write
from chainrule.derivation.programs.spelling import letters
from chainrule.derivation.programs.words import LANGUAGES
from chainrule.errors import DerivationError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import OPS, Node, broadcast_to, constant, variable, walk
from chainrule.nn.losses import LOSSES
from chainrule.ops import ACTIVATIONS, clip, lse, maximum_of, one_hot, pick, total, uniform
from chainrule.reverse import derive
from chainrule.train import Model

OUTPUT = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "softplus"}
PAIRS = [
    (f"4-3:{activation}-2:{last}", name)
    for activation in ACTIVATIONS
    for name in LOSSES
    for last in ([OUTPUT[name]] if name in OUTPUT else ["identity", activation])
]
rng = np.random.default_rng(7)


def equations(network: str, loss: str, place: str = "parameters", samples: str = "columns") -> tuple[Model, Equations]:
    model = Model(network, loss)
    found, graph, cost = model.derivation(place), dict(model.graph), model.cost_expression  # type: ignore[arg-type]
    if samples == "rows":
        turned = rows_as_samples(found)
        graph = {n: turned.names[n] for n in graph}
        found, cost = turned, _rows_of(cost)
    backward = {n: found[n] for n in found.ordered() if n != "dA[0]"}
    parameters = list(model.layout)
    return model, Equations(
        graph,
        ("J", cost),
        backward,
        ["A[0]", "Y"],
        parameters,
        [f"d{p}" for p in parameters],
        f"The gradient of {network}, {loss}",
        samples,
        list(graph)[-1],
    )


def _rows_of(cost: Node) -> Node:
    from chainrule.derivation.conventions import transposed

    return transposed(cost, {})


def module(text: str, language: str = "numpy") -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, f"<{language}>", "exec"), names)
    return names


def data(model: Model) -> dict[str, Any]:
    rng = np.random.default_rng(zlib.crc32(repr(model.network).encode()))  # the same in whatever order tests run
    X = rng.normal(size=(model.network.inputs, 5))
    Y = rng.uniform(0.1, 0.9, (model.network.outputs, 5))
    values = {n: rng.normal(size=v.shape) for n, v in model.parameters.items()}
    return {**values, "A[0]": X, "Y": Y / Y.sum(axis=0)}


def stepped(model: Model, values: dict[str, Any], name: str) -> Any:
    """dJ/d name by the complex step on the cost expression: no derivative of this library is used."""
    result = np.zeros(values[name].shape)
    for place in np.ndindex(result.shape):
        moved = values[name].astype(complex)
        moved[place] += 1e-30j
        result[place] = evaluate(model.cost_expression, {**values, name: moved}, np.complex128).item().imag / 1e-30
    return result


def close(found: Any, expected: Any, tolerance: float = 1e-10) -> bool:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return bool(np.abs(found - expected).max() <= tolerance * max(1e-3, np.abs(expected).max()))


@pytest.mark.parametrize(("network", "loss"), PAIRS, ids=[f"{n} {x}" for n, x in PAIRS])
def test_the_numpy_program_gives_the_gradient(network: str, loss: str) -> None:
    for place in ("parameters", "dZ"):
        model, given = equations(network, loss, place)
        values = data(model)
        program = module(write(given))
        J, gradient = program["gradients"]({letters(n): values[n] for n in model.layout}, values["A[0]"], values["Y"])
        assert close(J, evaluate(model.cost_expression, values).item())
        own = evaluate([model._gradient.of(model._gradient.names[n]) for n in model.layout], values)
        for name, mine in zip(model.layout, own, strict=True):
            assert close(gradient[f"d{letters(name)}"], mine)
            if place == "parameters":
                assert close(gradient[f"d{letters(name)}"], stepped(model, values, name))


def test_the_forward_function_gives_the_prediction() -> None:
    model, given = equations("4-3:tanh-2:softmax", "cross_entropy")
    values = data(model)
    Yhat, kept = module(write(given))["forward"]({letters(n): values[n] for n in model.layout}, values["A[0]"])
    assert close(Yhat, evaluate(model.prediction.output, values))
    assert set(kept) == {"A1", "Z2", "A2"}  # and nothing that nobody reads


def test_samples_as_rows_give_the_transposed_gradient() -> None:
    for network, loss in (("4-3:gelu-2:softmax", "cross_entropy"), ("3-4:batchnorm:relu-2", "huber")):
        model, given = equations(network, loss, samples="rows")
        values = data(model)
        turned = {letters(n): values[n].T for n in model.layout}
        text = write(given)
        J, gradient = module(text)["gradients"](turned, values["A[0]"].T, values["Y"].T)
        assert close(J, evaluate(model.cost_expression, values).item())
        for name in model.layout:
            assert close(gradient[f"d{letters(name)}"].T, stepped(model, values, name))
        assert "m = X.shape[0]" in text
        assert "Samples are the rows" in text


@pytest.mark.parametrize("samples", ["columns", "rows", "one"])
@pytest.mark.parametrize("layout", ["denominator", "numerator"])
@pytest.mark.parametrize("place", ["parameters", "dZ"])
@pytest.mark.parametrize("style", ["ng", "delta"])
def test_the_program_of_a_derivation_has_its_layout(samples: str, layout: str, place: str, style: str) -> None:
    for network in ("4-3:tanh-2:softmax", "3-4:layernorm:relu-2", "3-2:gelu:dropout=0.5-1:sigmoid"):
        model = Model(network)
        found = presented(network, samples=samples, layout=layout, place=place, style=style)  # type: ignore[arg-type]
        one, rows = samples == "one" or style == "delta", samples == "rows"
        values = data(model)
        if one:
            values = {**values, "A[0]": values["A[0]"][:, :1], "Y": values["Y"][:, :1]}
        text = found.program()
        program = module(text)
        order = [a.arg for a in _function(text, "gradients").args.args][1:]
        whole = values | {"seed": np.array([[3]]), "step": np.array([[1]])}
        chance = [x for x in walk(*model.graph.values()) if x.op.random]
        masks = {f"U[{x.get('stream')}]": evaluate([x, model.cost_expression], whole)[0] for x in chance}
        given = {letters(n): v for n, v in {**values, **masks}.items()}
        given |= {n.lower(): v for n, v in given.items() if n in ("X", "Y")}
        given = {n: v.T if rows else v for n, v in given.items()}
        J, gradient = program["gradients"](given, *(given[n] for n in order))
        assert close(J, evaluate(model.cost_expression, whole).item())
        for name in model.layout:
            mine = gradient[f"d{letters(name)}"]
            mine = mine.T if rows != (layout == "numerator") else mine
            assert close(mine, stepped(model, whole, name)), (network, name)


def _function(text: str, name: str) -> ast.FunctionDef:
    return next(x for x in ast.parse(text).body if isinstance(x, ast.FunctionDef) and x.name == name)


def test_a_general_layer_has_no_program() -> None:
    with pytest.raises(DerivationError, match="general layer l has no numbers"):
        presented("4-3:tanh-2", layer="l").program()


def test_programs_stay_finite_where_exponentials_overflow() -> None:
    for network, loss in (("2-2:softmax", "cross_entropy"), ("2-2:sigmoid", "binary_cross_entropy")):
        _, given = equations(network, loss)
        parameters = {"W1": np.array([[800.0, 0], [0, -800.0]]), "b1": np.zeros((2, 1))}
        J, gradient = module(write(given))["gradients"](parameters, np.array([[1.0], [1.0]]), np.array([[0.0], [1.0]]))
        assert np.isfinite(J)
        assert J > 700
        assert all(np.isfinite(g).all() for g in gradient.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_read_well_and_need_nothing_of_ours(language: str) -> None:
    for network, loss in PAIRS[:: 9 if language != "numpy" else 1]:
        text = write(equations(network, loss)[1], language)
        tree = ast.parse(text)
        modules = {a.name.split(".")[0] for x in ast.walk(tree) if isinstance(x, ast.Import) for a in x.names}
        assert modules <= {language, "numpy" if language == "numpy" else "jax", "math"}
        assert "import chainrule" not in text
        assert max(map(len, text.splitlines())) <= 100
        functions = {x.name: x for x in tree.body if isinstance(x, ast.FunctionDef)}
        assert [a.arg for a in functions["forward"].args.args] == ["parameters", "X"]
        assert [a.arg for a in functions["gradients"].args.args] == ["parameters", "X", "Y"]
        for name in set(functions) - {"forward", "gradients"}:  # helpers only where they are used
            assert re.search(rf"[^f] {name}\(|\({name}\(|[-*+/@] {name}\(", text), (network, name)
        for words in ("grad(", "backward()", "requires_grad", "autograd"):
            assert words not in text
        for function in functions.values():
            targets = [t for x in ast.walk(function) if isinstance(x, ast.Assign) for t in x.targets]
            assigned = [t.id for t in targets if isinstance(t, ast.Name)]
            read = {x.id for x in ast.walk(function) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load)}
            assert not [a for a in assigned if a not in read and not a.startswith("d")], network


@pytest.mark.parametrize("name", sorted(set(CALLS) - LEAVES - {"uniform", "scatter_add"}))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operation_is_spelled_right(name: str, language: str) -> None:
    pytest.importorskip(language)
    into, out = converters(language)
    for r, c in ((3, 4), (2, 5), (1, 4)):
        node, values = sample(name, r, c, seed=3)
        whole = weighted(node, "u")
        values = weights(whole, values, 3)
        data_names = sorted(values)
        kinds = {n: v for n, v in values.items() if np.asarray(v).dtype.kind == "i"}
        found = derive(whole, [n for n in data_names if n not in kinds])
        real = [n.removeprefix("d") for n in found]
        backward = {f"d{n}": found[f"d{n}"] for n in real}
        if any(x in str(v) for v in backward.values() for x in ("scatter_add",)):
            continue
        text = write(Equations({}, ("J", whole), backward, data_names, [], list(backward), name), language)
        J, gradient = module(text, language)["gradients"](*(into(values[n]) for n in data_names))
        assert close(out(J), evaluate(whole, values).item())
        for n in real:
            assert close(out(gradient[letters(f"d{n}")]), evaluate(found[f"d{n}"], values)), (name, n, text)


def converters(language: str) -> tuple[Any, Any]:
    if language == "torch":
        import torch

        return torch.tensor, np.asarray
    if language == "jax":
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        return jnp.asarray, np.asarray
    return np.asarray, np.asarray


@pytest.mark.parametrize(("network", "loss"), PAIRS[::5], ids=[f"{n} {x}" for n, x in PAIRS[::5]])
@pytest.mark.parametrize("language", ["torch", "jax"])
def test_other_languages_agree_with_their_own_automatic_derivative(language: str, network: str, loss: str) -> None:
    library = pytest.importorskip(language)
    into, out = converters(language)
    model, given = equations(network, loss)
    values = data(model)
    gradients = module(write(given, language), language)["gradients"]
    parameters = {letters(n): into(values[n]) for n in model.layout}
    X, Y = into(values["A[0]"]), into(values["Y"])
    J, found = gradients(parameters, X, Y)
    assert close(out(J), evaluate(model.cost_expression, values).item())
    if language == "torch":
        traced = {n: p.clone().requires_grad_() for n, p in parameters.items()}
        their = dict(zip(traced, library.autograd.grad(gradients(traced, X, Y)[0], list(traced.values())), strict=True))
    else:
        their = library.grad(lambda p: gradients(p, X, Y)[0])(parameters)
    for name in parameters:
        assert close(out(found[f"d{name}"]), out(their[name]))


def test_shapes_that_an_expression_leaves_to_broadcasting_are_made() -> None:
    x = variable("x", "n", "m")
    wide = total(broadcast_to(variable("s", 1, 1), x.shape), axis=None) + total(constant(2, x.shape), axis=None)
    found = derive(wide * total(x, axis=None), ["x", "s"])
    whole, backward = wide * total(x, axis=None), {n: found[n] for n in ("dx", "ds")}
    given = Equations({}, ("C", whole), backward, ["x", "s"], [], list(backward), "t")
    for language in LANGUAGES:
        if language != "numpy":
            pytest.importorskip(language)
        into, out = converters(language)
        C, gradient = module(write(given, language))["gradients"](into(np.ones((3, 4))), into(np.array([[0.5]])))
        assert out(C) == (0.5 * 12 + 24) * 12
        assert out(gradient["dx"]).shape == (3, 4)
        assert (out(gradient["dx"]) == 30).all()
        assert out(gradient["ds"]).tolist() == [[144.0]]


def test_largest_and_limits_and_labels() -> None:
    Z, y = variable("Z", 3, "m"), variable("y", 1, "m", kind="label")
    loss = total(lse(Z, axis=0) - pick(Z, y) + maximum_of(clip(Z, lo=-1, hi=1), axis=0), axis=None)
    found = derive(loss + total(one_hot(y, classes=3) * Z, axis=None), ["Z"])
    text = write(Equations({}, ("C", loss), {"dZ": found["dZ"]}, ["Z", "y"], [], ["dZ"], "labels"))
    values = {"Z": rng.normal(size=(3, 5)), "y": rng.integers(0, 3, (1, 5))}
    C, gradient = module(text)["gradients"](values["Z"], values["y"])
    assert close(C, evaluate(loss, values).item())
    assert close(gradient["dZ"], evaluate(found["dZ"], values))


def test_what_cannot_be_written_is_refused() -> None:
    _, given = equations("2-1", "quadratic")
    with pytest.raises(UnknownNameError, match="language 'numpi': did you mean 'numpy'"):
        write(given, "numpi")
    seed, step = variable("seed", 1, 1, kind="counter"), variable("step", 1, 1, kind="counter")
    noise = total(uniform(seed, step, stream=1, rows=2, cols=3) * variable("x", 2, 3), axis=None)
    with pytest.raises(DerivationError, match=r"uniform: this operation cannot be written as a NumPy program"):
        write(Equations({}, ("C", noise), {}, ["seed", "step", "x"], [], [], "noise"))


def test_names_become_names_of_python() -> None:
    names = ("W[1]", "A[0]", "dA[0]", "A[1']", "lambda", "np", "A[1d1]", "dW[l-1]", "gamma[2]")
    assert [letters(x) for x in names] == [
        "W1",
        "X",
        "dX",
        "A1_",
        "lambda_",
        "np_",
        "A1d1",
        "dWl_1",
        "gamma2",
    ]
    assert set(OPS) - LEAVES - {"broadcast", "matmul", "transpose", "uniform", "scatter_add"} - {
        "add",
        "subtract",
        "negate",
        "multiply",
        "divide",
        "power",
    } <= set(LANGUAGES["numpy"].calls)
