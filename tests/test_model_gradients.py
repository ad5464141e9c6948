"""The gradient that the optimizer receives against the complex step of the exact cost, entry by entry.

J(θ + i h) = J(θ) + i h J'(θ) + O(h²) with h = 1e-30: no difference is taken, so the derivative is exact to rounding.
The cost is evaluated node by node in complex128 and knows nothing of the derived graph or of programs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tables import STEP

from chainrule.execute import evaluate
from chainrule.graph import walk
from chainrule.nn import LOSSES, Activate, BatchNorm, Dense, Dropout, LayerNorm, Loss, Network, Skip, loss
from chainrule.ops import ACTIVATIONS
from chainrule.train import Model, Samples

M = 5
TOLERANCE = 1e-9
KINK = 1e-6  # distance from every kink that a test point must keep

# Where the values of an activation lie, and what a loss needs of them.
RANGE = dict.fromkeys(ACTIVATIONS, "real") | {
    "sigmoid": "unit",
    "softmax": "columns",
    "softplus": "positive",
}
FITS = {
    "cross_entropy": {"columns", "unit", "positive"},
    "binary_cross_entropy": {"unit", "columns"},
    "poisson": {"positive", "unit", "columns"},
}
NATURAL = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "softplus"}


def output_for(activation: str, name: str) -> str:
    """The activation itself where the loss accepts its values, else the one the loss is made for."""
    return activation if RANGE[activation] in FITS.get(name, set(RANGE.values())) else NATURAL[name]


def targets(rng: np.random.Generator, name: str, n: int) -> Any:
    if name == "cross_entropy":
        return rng.dirichlet(np.ones(n), size=M)
    if name == "binary_cross_entropy":
        return rng.integers(0, 2, (M, n)).astype(float)
    if name == "poisson":
        return rng.poisson(2, (M, n)).astype(float)
    return rng.normal(scale=2, size=(M, n))


def distance_to_kinks(model: Model, samples: Samples) -> float:
    """How far the nearest argument of a kinked operation lies from its kink."""
    nodes = [n for n in walk(model.cost_expression) if n.op.kinks is not None and n.op.name != "max"]
    nodes = [n for n in nodes if not any(x.op.name == "uniform" for x in walk(n))]
    if not nodes:
        return np.inf
    flat = [x for n in nodes for x in n.inputs]
    values = dict(zip(flat, evaluate(flat, model.values(samples)), strict=True))
    return min(
        float(np.min(np.abs(n.op.kinks(*(values[x] for x in n.inputs), **dict(n.attrs)))))
        for n in nodes
        if n.op.kinks is not None
    )


def setting(model: Model, name: str, *, codes: Any = None, first: int = 0) -> Samples:
    """A point in general position, away from kinks; parameters are moved there."""
    n, labels = model.network.outputs, model.objective.labels
    for seed in range(first, first + 20):
        rng = np.random.default_rng(seed)
        # positive biases and inputs keep some units of every layer alive
        model.theta[...] = rng.normal(scale=0.7, size=model.theta.shape)
        for state, value in model.state.items():
            value[...] = rng.uniform(0.5, 2, size=value.shape) if "var" in state else rng.normal(size=value.shape)
        model.counters["seed"][...], model.counters["step"][...] = 3, seed
        Y = rng.integers(0, n, M) if labels else targets(rng, name, n)
        w = rng.uniform(0.3, 3, M) if model.objective.weighted else None
        samples = model.samples(rng.normal(size=(M, model.network.inputs)), Y, w, codes)
        if distance_to_kinks(model, samples) > KINK:
            return samples
    raise AssertionError("no point away from the kinks")


def complex_gradient(model: Model, samples: Samples, most: int | None = None) -> dict[str, tuple[Any, Any]]:
    """name -> (places, derivatives) by complex step: every entry, or `most` of each parameter."""
    values = model.values(samples)
    found = {}
    for name, array in model.parameters.items():
        places = list(np.ndindex(array.shape))
        if most is not None and len(places) > most:
            chosen = np.random.default_rng(len(places)).choice(len(places), most, replace=False)
            places = [places[i] for i in sorted(chosen)]
        slopes = []
        for place in places:
            moved = array.astype(np.complex128)
            moved[place] += 1j * STEP
            J = evaluate(model.cost_expression, {**values, name: moved}, np.complex128)
            slopes.append(float(J[0, 0].imag) / STEP)
        found[name] = (tuple(np.array(places).T), np.array(slopes))
    return found


def check(model: Model, samples: Samples, most: int | None = None) -> None:
    cost, gradient = model.gradient(samples)
    wanted = complex_gradient(model, samples, most)
    exact = evaluate(model.cost_expression, model.values(samples))[0, 0]
    assert np.isfinite(exact)
    assert cost == pytest.approx(exact, rel=1e-12, abs=1e-14)
    assert gradient.keys() == wanted.keys() == model.layout.keys()
    largest = max(float(np.max(np.abs(slopes))) for _, slopes in wanted.values())
    assert largest > 1e-8, "a test point where nothing has a gradient shows nothing"
    for name, (places, slopes) in wanted.items():
        error = np.abs(gradient[name][places] - slopes) / np.maximum(np.abs(slopes), largest * 1e-3)
        assert error.max() <= TOLERANCE, (name, error.max(), gradient[name][places], slopes)


def decorated(name: str, n: int) -> Loss:
    """The loss with class weights and label smoothing where it has classes."""
    if LOSSES[name].target == "probabilities":
        return loss(name, label_smoothing=0.1, class_weights=np.linspace(0.5, 2, n).tolist())
    if LOSSES[name].target == "binary":
        return loss(name, label_smoothing=0.2, class_weights=3.0)
    return loss(name)


def network(activation: str, last: str, widths: tuple[int, ...], l1: float = 0.0, l2: float = 0.0) -> Network:
    names = [activation] * (len(widths) - 2) + [last]
    layers = tuple(Dense(n, g, l1=l1, l2=l2) for n, g in zip(widths[1:], names, strict=True))
    return Network(widths[0], layers)


WIDTHS = {1: (3, 2), 2: (3, 4, 2), 4: (3, 5, 4, 2, 3)}
GRID = [(g, name, depth) for g in ACTIVATIONS for name in LOSSES for depth in WIDTHS]


@pytest.mark.parametrize(("activation", "name", "depth"), GRID)
def test_every_activation_loss_and_depth(activation: str, name: str, depth: int) -> None:
    """Sample weights, L1 and L2 penalties, class weights and label smoothing are on; labels at every other depth."""
    widths = WIDTHS[depth]
    labels = name == "cross_entropy" and depth != 2
    net = network(activation, output_for(activation, name), widths, l1=0.05, l2=0.3)
    model = Model(net, decorated(name, widths[-1]), labels=labels, weighted=True, spread=depth == 4)
    check(model, setting(model, name), most=None if depth < 4 else 6)


@pytest.mark.parametrize(
    ("activation", "name"), [*((g, "quadratic") for g in ACTIVATIONS), *(("tanh", name) for name in LOSSES)]
)
def test_the_plain_mean_over_samples(activation: str, name: str) -> None:
    """No weights and no penalties: J is 1/m times the sum of the losses."""
    model = Model(network(activation, output_for(activation, name), (3, 4, 2)), name)
    assert model.objective.parts(model.training)[2] is None
    check(model, setting(model, name))


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "cross_entropy"])
@pytest.mark.parametrize("depth", WIDTHS)
def test_one_output(name: str, depth: int) -> None:
    widths = (*WIDTHS[depth][:-1], 1)
    net = network("tanh", output_for("identity", name), widths, l1=0.1, l2=0.1)
    model = Model(net, decorated(name, 1), weighted=True)
    check(model, setting(model, name), most=None if depth < 4 else 6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0, 0.1])
@pytest.mark.parametrize("class_weights", [None, [0.5, 1, 2]])
def test_labels_and_matrices_have_one_gradient(weighted: bool, smoothing: float, class_weights: Any) -> None:
    chosen = loss("cross_entropy", label_smoothing=smoothing, class_weights=class_weights)
    by_label = Model("4-5:tanh-3:softmax", chosen, labels=True, weighted=weighted)
    by_matrix = Model("4-5:tanh-3:softmax", chosen, weighted=weighted)
    s = setting(by_label, "cross_entropy")
    by_matrix.theta[...] = by_label.theta
    hot = by_matrix.samples(s.X, np.eye(3)[s.targets], s.weights)
    check(by_label, s)
    check(by_matrix, hot)
    cost, gradient = by_label.gradient(s)
    again, others = by_matrix.gradient(hot)
    assert cost == pytest.approx(again, rel=1e-13)
    for n in gradient:
        np.testing.assert_allclose(gradient[n], others[n], rtol=1e-11, atol=1e-14)


def test_one_sample_and_equal_widths() -> None:
    model = Model("2-2:tanh-2:softmax", weighted=True)
    rng = np.random.default_rng(1)
    check(model, model.samples(rng.normal(size=(1, 2)), [[0.3, 0.7]], [1.7]))
    single = Model("1-1:tanh-1:sigmoid", weighted=True)
    check(single, single.samples(rng.normal(size=(1, 1)), [[1.0]], [0.3]))


# --- layers that are not dense ---------------------------------------------------------------------------------------

LAYERS: dict[str, tuple[Any, ...]] = {
    "batch norm": (Dense(4), BatchNorm(), Activate("tanh")),
    "batch norm of the output": (Dense(4, "tanh"), Dense(4), BatchNorm(epsilon=1e-2)),
    "batch norm twice": (Dense(4), BatchNorm(), Activate("sigmoid"), Dense(3), BatchNorm(), Activate("relu")),
    "layer norm": (Dense(4), LayerNorm(), Activate("elu")),
    "layer norm after batch norm": (Dense(4), BatchNorm(), LayerNorm(epsilon=1e-2), Activate("gelu")),
    "dropout": (Dense(5, "tanh"), Dropout(0.4)),
    "dropout twice": (Dense(5, "tanh"), Dropout(0.3), Dense(4, "softplus"), Dropout(0.5)),
    "skip": (Dense(4, "tanh"), Skip((Dense(4, "sigmoid"),))),
    "skip in skip": (Dense(3, "tanh"), Skip((Dense(5, "silu"), Skip((Dense(5, "mish"),)), Dense(3)))),
    "all": (
        Dense(4),
        BatchNorm(),
        Activate("selu"),
        Dropout(0.2),
        Skip((Dense(4), LayerNorm(), Activate("gelu_tanh"))),
    ),
    "without biases": (Dense(4, "tanh", bias=False), Dense(3, "leaky_relu", bias=False)),
    "soft-max inside": (Dense(4, "softmax"), Dense(3, "log_softmax")),
}
ENDS = {
    "cross_entropy": "softmax",
    "binary_cross_entropy": "sigmoid",
    "quadratic": "identity",
    "huber": "identity",
}


@pytest.mark.parametrize(("name", "embedded"), list(zip(ENDS, (True, False, False, True), strict=True)))
@pytest.mark.parametrize("layers", LAYERS)
def test_every_kind_of_layer(layers: str, name: str, embedded: bool) -> None:
    """With and without embeddings, weights and penalties on."""
    last = Dense(2, ENDS[name], l1=0.02, l2=0.2)
    net = Network(3, (*LAYERS[layers], last), embeddings=((4, 2), (3, 1)) if embedded else ())
    model = Model(net, decorated(name, 2), labels=name == "cross_entropy", weighted=True)
    codes = np.array([[0, 2], [3, 0], [3, 1], [1, 1], [0, 2]]) if embedded else None
    check(model, setting(model, name, codes=codes), most=None if embedded else 8)


def test_batch_statistics_carry_gradient() -> None:
    """The mean of a batch-normalized column is fixed, so its bias before the norm has gradient 0."""
    model = Model(Network(3, (Dense(4), BatchNorm(), Activate("tanh"), Dense(2))), "quadratic")
    samples = setting(model, "quadratic")
    _, gradient = model.gradient(samples)
    assert np.abs(gradient["b[1]"]).max() < 1e-14
    assert np.abs(gradient["W[1]"]).max() > 1e-3


def test_a_function_of_ones_own_is_derived_too() -> None:
    def bent(Z: Any) -> Any:
        return Z / (1 + Z * Z)

    def quartic(Yhat: Any, Y: Any) -> Any:
        return (Y - Yhat) ** 4 / 4

    model = Model(Network(3, (Dense(4, bent, l2=0.1), Dense(2, bent))), loss(quartic), weighted=True)
    check(model, setting(model, "quadratic"))


@pytest.mark.parametrize("delta", [0.3, 1, 5])
def test_both_branches_of_huber(delta: float) -> None:
    model = Model("3-4:tanh-2", loss("huber", delta=delta))
    check(model, setting(model, "huber"))


@pytest.mark.parametrize("name", LOSSES)
def test_float32_gradients_are_close(name: str) -> None:
    net = network("tanh", output_for("identity", name), (3, 4, 2), l1=0.05, l2=0.3)
    exact = Model(net, decorated(name, 2), weighted=True)
    s = setting(exact, name)
    single = Model(net, decorated(name, 2), weighted=True, dtype=np.float32)
    single.theta[...] = exact.theta
    J, gradient = exact.gradient(s)
    j, rounded = single.gradient(single.samples(s.X, s.targets, s.weights))
    assert j == pytest.approx(J, rel=1e-5)
    for n in gradient:
        assert rounded[n].dtype == np.float32
        np.testing.assert_allclose(rounded[n], gradient[n], rtol=1e-4, atol=1e-5)


def test_a_wrong_gradient_would_be_seen() -> None:
    """The check itself fails for a factor 1/m, a sign and a missing penalty."""
    net = network("tanh", "identity", (3, 4, 2), l2=0.3)
    model = Model(net, "quadratic")
    samples = setting(model, "quadratic")
    right = model.gradient

    def spoiled(change: Any) -> Any:
        def gradient(s: Samples) -> tuple[float, dict[str, Any]]:
            J, g = right(s)
            return J, {n: change(n, x) for n, x in g.items()}

        return gradient

    for change in (
        lambda n, x: x * M,
        lambda n, x: -x if n == "b[1]" else x,
        lambda n, x: x - 0.3 * model.parameters[n] if n == "W[2]" else x,
        lambda n, x: x + 1e-7,
    ):
        model.gradient = spoiled(change)  # type: ignore[method-assign]
        with pytest.raises(AssertionError):
            check(model, samples)
