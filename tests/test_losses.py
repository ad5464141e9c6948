"""Losses against scikit-learn, SciPy and numbers worked by hand; their derived gradients against differences."""

import math

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

import chainrule.ops as o
from chainrule.errors import ChainruleError, ConfigurationError, ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import variable
from chainrule.laws import simplify
from chainrule.nn.losses import ALIASES, LOSSES, Loss, cost, loss
from chainrule.reverse import derive

N, M = 3, 7
RNG = np.random.default_rng(5)
REAL = RNG.normal(size=(N, M))
GUESS = RNG.normal(size=(N, M))
RATES = RNG.uniform(0.3, 4, size=(N, M))
COUNTS = RNG.poisson(2, size=(N, M)).astype(float)
BITS = RNG.integers(0, 2, size=(N, M)).astype(float)
CHANCES = RNG.uniform(0.02, 0.98, size=(N, M))
SHARES = RNG.dirichlet(np.ones(N), size=M).T
SOFT = RNG.dirichlet(np.ones(N), size=M).T
WEIGHTS = RNG.uniform(0.5, 2, size=(1, M))
LABELS = np.array([[0, 1, 2, 1, 1, 0, 2]])
HOT = np.eye(N)[:, LABELS[0]]


def values(found: Loss, output, target) -> np.ndarray:
    """Losses of the samples, by the reference executor, also after the laws."""
    Yhat, Y = variable("Yhat", N, "m"), variable("Y", N, "m")
    expression = found.per_sample(Yhat, Y)
    given = {"Yhat": output, "Y": target}
    np.testing.assert_allclose(evaluate(simplify(expression), given), evaluate(expression, given), rtol=1e-12)
    return evaluate(expression, given)[0]


ORACLES = {
    "quadratic": (GUESS, REAL, lambda f, y: 0.5 * np.linalg.norm(y - f, axis=0) ** 2),
    "sum_of_squares": (GUESS, REAL, lambda f, y: np.linalg.norm(y - f, axis=0) ** 2),
    "mean_squared": (GUESS, REAL, lambda f, y: [metrics.mean_squared_error(y[:, j], f[:, j]) for j in range(M)]),
    "absolute": (GUESS, REAL, lambda f, y: [metrics.mean_absolute_error(y[:, j], f[:, j]) for j in range(M)]),
    "huber": (GUESS, REAL, lambda f, y: special.huber(1.0, y - f).mean(axis=0)),
    "poisson": (RATES, COUNTS, lambda f, y: (f - special.xlogy(y, f)).sum(axis=0)),
    "cross_entropy": (SHARES, SOFT, lambda f, y: (special.entr(y) + special.rel_entr(y, f)).sum(axis=0)),
    "binary_cross_entropy": (
        CHANCES,
        BITS,
        lambda f, y: [N * metrics.log_loss(y[:, j], f[:, j], labels=[0, 1]) for j in range(M)],
    ),
}


def test_every_loss_has_an_oracle():
    assert set(ORACLES) == set(LOSSES)
    assert set(ALIASES.values()) <= set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_values(name):
    output, target, oracle = ORACLES[name]
    np.testing.assert_allclose(values(LOSSES[name], output, target), oracle(output, target), rtol=1e-12)


def test_poisson_is_half_the_deviance_up_to_a_constant():
    got = values(LOSSES["poisson"], RATES, COUNTS) - values(LOSSES["poisson"], COUNTS + 1e-300, COUNTS)
    expected = [N / 2 * metrics.mean_poisson_deviance(COUNTS[:, j], RATES[:, j]) for j in range(M)]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_hand_worked():
    output, target = np.array([[1.0], [0.0], [-3.0]]), np.array([[0.0], [0.0], [1.0]])
    worked = {
        "quadratic": 8.5,
        "sum_of_squares": 17,
        "mean_squared": 17 / 3,
        "absolute": 5 / 3,
        "huber": (0.5 + 3.5) / 3,
    }
    for name, expected in worked.items():
        assert values(LOSSES[name], output, target)[0] == pytest.approx(expected, rel=1e-15)
    assert values(loss("huber", delta=2), output, target)[0] == pytest.approx((0.5 + 2 * (4 - 1)) / 3, rel=1e-15)
    half = np.full((N, 1), 0.5)
    assert values(LOSSES["binary_cross_entropy"], half, target)[0] == pytest.approx(3 * math.log(2), rel=1e-15)
    quarter = np.array([[0.5], [0.25], [0.25]])
    assert values(LOSSES["cross_entropy"], quarter, target)[0] == pytest.approx(math.log(4), rel=1e-15)


def test_labels_come_as_one_hot():
    Yhat, y = variable("Yhat", N, "m"), variable("y", 1, "m", kind="label")
    by_label = LOSSES["cross_entropy"].per_sample(Yhat, o.one_hot(y, classes=N))
    got = evaluate(by_label, {"Yhat": SHARES, "y": LABELS})
    expected = [metrics.log_loss([LABELS[0, j]], [SHARES[:, j]], labels=range(N)) for j in range(M)]
    np.testing.assert_allclose(got[0], expected, rtol=1e-12)


def test_label_smoothing_values():
    smooth = loss("cross_entropy", label_smoothing=0.3)
    np.testing.assert_allclose(
        values(smooth, SHARES, HOT), [-(0.7 * HOT[:, j] + 0.1) @ np.log(SHARES[:, j]) for j in range(M)], rtol=1e-12
    )
    binary = loss("bce", label_smoothing=0.3)
    t = 0.7 * BITS + 0.15
    expected = -(t * np.log(CHANCES) + (1 - t) * np.log1p(-CHANCES)).sum(axis=0)
    np.testing.assert_allclose(values(binary, CHANCES, BITS), expected, rtol=1e-12)


def test_class_weights_are_sample_weights_of_the_class():
    c = [0.5, 2, 3.25]
    plain = values(LOSSES["cross_entropy"], SHARES, HOT)
    by_number = values(loss("cross_entropy", class_weights=c), SHARES, HOT)
    np.testing.assert_allclose(by_number, np.array(c)[LABELS[0]] * plain, rtol=1e-12)
    smooth = loss("cross_entropy", label_smoothing=0.1)
    got = values(smooth.weighted(np.array(c)), SHARES, HOT)
    np.testing.assert_allclose(got, np.array(c)[LABELS[0]] * values(smooth, SHARES, HOT), rtol=1e-12)

    Yhat, y, column = variable("Yhat", N, "m"), variable("y", 1, "m", kind="label"), variable("c", N, 1)
    by_label = loss("cross_entropy", class_weights=column).per_sample(Yhat, o.one_hot(y, classes=N))
    given = {"Yhat": SHARES, "y": LABELS, "c": np.array(c)[:, None]}
    np.testing.assert_allclose(evaluate(by_label, given)[0], by_number, rtol=1e-12)


def test_weight_of_positives():
    per_output = -np.where(BITS > 0, np.log(CHANCES), np.log1p(-CHANCES))
    for given, p in ((4, 4.0), ((1, 2.5, 0), np.array([[1], [2.5], [0]]))):
        got = values(loss("bce", class_weights=given), CHANCES, BITS)
        np.testing.assert_allclose(got, (np.where(BITS > 0, p, 1) * per_output).sum(axis=0), rtol=1e-12)


def test_cost_is_the_mean_or_weighted_mean():
    Yhat, Y, w = variable("Yhat", N, "m"), variable("Y", N, "m"), variable("w", 1, "m")
    weights = np.arange(1.0, M + 1)[None]
    given = {"Yhat": GUESS, "Y": REAL, "w": weights}
    losses = LOSSES["mean_squared"].per_sample(Yhat, Y)
    S, scale = evaluate(list(cost(losses)), given)
    assert scale.item() == 1 / M
    assert (S * scale).item() == pytest.approx(metrics.mean_squared_error(REAL.T, GUESS.T), rel=1e-13)
    S, scale = evaluate(list(cost(losses, w)), given)
    assert scale.item() == 1 / 28
    expected = metrics.mean_squared_error(REAL.T, GUESS.T, sample_weight=weights[0])
    assert (S * scale).item() == pytest.approx(expected, rel=1e-13)


# Targets and extra settings for the gradient of each loss after its default output activation.
SETTINGS = [
    *(pytest.param(name, {}, id=name) for name in LOSSES),
    pytest.param("huber", {"delta": 0.8}, id="huber-0.8"),
    pytest.param("cross_entropy", {"label_smoothing": 0.15}, id="cross_entropy-smooth"),
    pytest.param("cross_entropy", {"class_weights": (0.5, 2, 3)}, id="cross_entropy-weights"),
    pytest.param("cross_entropy", {"label_smoothing": 0.1, "class_weights": (0.5, 2, 3)}, id="cross_entropy-both"),
    pytest.param("binary_cross_entropy", {"label_smoothing": 0.15, "class_weights": 3}, id="binary-both"),
    pytest.param("binary_cross_entropy", {"class_weights": (1, 2, 0.5)}, id="binary-multi-label"),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_gradient_by_the_logits(name, settings, weighted):
    found = loss(name, **settings)
    Z, w = variable("Z", N, "m"), variable("w", 1, "m")
    Y = variable("Y", N, "m", assume=("columns sum to one",) if found.target == "probabilities" else ())
    S, _ = cost(found.per_sample(o.activation(found.output_activation)(Z), Y), w if weighted else None)
    target = {"probabilities": SOFT, "binary": BITS}.get(found.target, COUNTS if name == "poisson" else REAL)
    given = {"Y": target, "w": WEIGHTS}
    logits = 2 * GUESS
    got = evaluate(derive(simplify(S))["dZ"], {**given, "Z": logits})
    # Complex step on the expression as it stands, before any law: exact to rounding, kinks lie at no drawn point.
    expected = np.empty_like(logits)
    h = 1e-30
    for i, j in np.ndindex(*logits.shape):
        moved = logits.astype(complex)
        moved[i, j] += 1j * h
        expected[i, j] = evaluate(S, {**given, "Z": moved}, dtype=np.complex128).item().imag / h
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
    assert np.abs(got).max() > 0.1


def test_gradients_of_the_sources():
    Z, Y = variable("Z", N, "m"), variable("Y", N, "m", assume=("columns sum to one",))
    for name in ("cross_entropy", "binary_cross_entropy", "quadratic"):
        A = o.activation(LOSSES[name].output_activation)(Z)
        S, _ = cost(LOSSES[name].per_sample(A, Y))
        assert derive(simplify(S))["dZ"] is A - Y


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_finite_at_extreme_logits(smoothing):
    Z = variable("Z", N, "m")
    extreme = np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, 1e4], [0, 1e4, -1e4]], dtype=np.float32)
    Y = variable("Y", N, "m", assume=("columns sum to one",))
    target = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32)
    cases = [("cross_entropy", extreme), ("binary_cross_entropy", extreme / 50)]
    for name, logits in cases:
        found = loss(name, label_smoothing=smoothing)
        S = simplify(cost(found.per_sample(o.activation(found.output_activation)(Z), Y))[0])
        both = evaluate([S, derive(S)["dZ"]], {"Z": logits, "Y": target}, dtype=np.float32)
        wide = evaluate([S, derive(S)["dZ"]], {"Z": logits, "Y": target})
        for narrow, exact in zip(both, wide, strict=True):
            assert narrow.dtype == np.float32
            assert np.isfinite(narrow).all()
            # The logits' own spacing in float32 bounds what e^(Z - lse Z) can lose where two classes tie.
            np.testing.assert_allclose(narrow, exact, rtol=1e-6, atol=np.spacing(np.abs(logits).max()))
    if smoothing == 0:
        # By hand: the columns of cross-entropy cost 2e4, 2e4 and ln 2 + 2e4 (the target has no likely class).
        S = simplify(cost(LOSSES["cross_entropy"].per_sample(o.softmax(Z), Y))[0])
        got = evaluate(S, {"Z": extreme, "Y": target}, dtype=np.float32).item()
        assert got == pytest.approx(6e4 + math.log(2), rel=1e-6)


def test_own_loss_is_any_expression():
    Z, Y, w = variable("Z", N, "m"), variable("Y", N, "m"), variable("w", 1, "m")

    def log_cosh(Yhat, Y):
        """ln cosh(ŷ - y)."""
        r = Yhat - Y
        return r + o.softplus(-2 * r) - math.log(2)

    forms = [log_cosh, lambda f, y: o.total(log_cosh(f, y), axis=0), lambda f, y: o.total(log_cosh(f, y), axis=None)]
    expected = np.log(np.cosh(GUESS - REAL)).sum()
    for form in forms:
        S, scale = cost(loss(form).per_sample(Z, Y), samples="m")
        J = evaluate(S * scale, {"Z": GUESS, "Y": REAL})
        assert J.item() == pytest.approx(expected / M, rel=1e-12)
        np.testing.assert_allclose(
            evaluate(derive(S)["dZ"], {"Z": GUESS, "Y": REAL}), np.tanh(GUESS - REAL), rtol=1e-9, atol=1e-12
        )
    assert loss(log_cosh).name == "log_cosh"
    assert loss(log_cosh).doc == "ln cosh(ŷ - y)."
    with pytest.raises(ConfigurationError, match="one loss per sample"):
        cost(loss(forms[2]).per_sample(Z, Y), w)
    own = Loss("half", lambda f, y: (f - y) ** 2 / 2, output_activation="tanh")
    assert loss(own) is own


def test_names_and_aliases():
    assert loss("mse") is LOSSES["mean_squared"]
    assert loss("mae") is LOSSES["absolute"]
    assert loss("bce") is LOSSES["binary_cross_entropy"]
    assert loss("categorical_cross_entropy") is LOSSES["cross_entropy"]
    assert dict(LOSSES["huber"].parameters) == {"delta": 1}, "settings must not change the registered loss"
    for name, found in LOSSES.items():
        assert found.name == name
        assert found.equation.startswith("ℓ = ")
        assert found.output_activation in o.ACTIVATIONS
    with pytest.raises(UnknownNameError, match="did you mean 'cross_entropy'"):
        loss("crossentropy")
    with pytest.raises(UnknownNameError, match="did you mean 'delta'"):
        loss("huber", detla=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: loss(3), "name, a Loss or a function"),
        (lambda: loss("mse", delta=2), "takes none"),
        (lambda: loss("huber", delta=0), "delta must be a positive number, received 0"),
        (lambda: loss("huber", delta=math.nan), "delta must be a positive number, received nan"),
        (lambda: loss("mse", label_smoothing=0.1), "label smoothing"),
        (lambda: loss("bce", label_smoothing=1), "received 1"),
        (lambda: loss("bce", label_smoothing=-0.1), "received -0.1"),
        (lambda: loss("bce", label_smoothing=math.nan), "received nan"),
        (lambda: loss("mse", class_weights=2), "class weights need"),
        (lambda: loss("bce", class_weights=-1), ">= 0, received -1"),
        (lambda: loss("cross_entropy", class_weights=[1, math.inf]), "received inf"),
    ],
)
def test_errors_in_settings(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_errors_in_shapes():
    Yhat = variable("Yhat", N, "m")
    with pytest.raises(ShapeError, match="received 1 × m; integer labels go through one_hot"):
        LOSSES["cross_entropy"].per_sample(Yhat, variable("y", 1, "m", kind="label"))
    with pytest.raises(ShapeError, match="received 3 × 1"):
        LOSSES["quadratic"].per_sample(Yhat, variable("Y", N, 1))
    with pytest.raises(ShapeError, match="agree"):
        LOSSES["quadratic"].per_sample(Yhat, variable("Y", N + 1, "m"))
    with pytest.raises(ShapeError, match="expected 3 class weights, one per output, received 2"):
        loss("cross_entropy", class_weights=[1, 2]).per_sample(Yhat, variable("Y", N, "m"))
    with pytest.raises(ShapeError, match="expected one loss per sample"):
        loss(lambda f, y: o.total(f - y, axis=1)).per_sample(Yhat, variable("Y", N, "m"))
    with pytest.raises(ChainruleError, match="received float"):
        loss(lambda f, y: 0.0).per_sample(Yhat, variable("Y", N, "m"))
