"""What texts mean without saying it: each meaning makes a formula an equation that holds, and no wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule.meaning.convention import Convention
from chainrule.meaning.usual import usual
from chainrule.meaning.world import World
from chainrule.notation.canonical import canonical
from chainrule.notation.formula import Equation, Symbol
from chainrule.notation.letters import Letters
from chainrule.notation.read import read

CLASSES = ("3-5:tanh-3:softmax", "cross_entropy")
SQUARES = ("3-5:sigmoid-2:sigmoid", "quadratic")
UNIT = ("3-1:sigmoid", "binary_cross_entropy")
LAYER = ("3-2:softmax", "cross_entropy")
ONE = Convention(samples="one")


def tree(text: str) -> Equation:
    found = canonical(read(text)[0].equation, Letters())
    assert isinstance(found, Equation)
    return found


def holding(text: str, network: tuple[str, str], convention: Convention = ONE) -> list[str]:
    """The words of the meanings in which a formula holds."""
    found = []
    for meant in usual(tree(text)):
        made = replace(convention, **meant.conventions)
        world = World.of_network(*network, convention=made, free_letters=meant.free)
        bindings = world.bindings(meant.tree)
        if bindings and all(world.compare(meant.tree, b).status == "equal" for b in bindings):
            found.append(meant.words)
    return found


@pytest.mark.parametrize(
    ("text", "network", "words"),
    [
        ("∂E/∂o_k = -(t_k - o_k)", SQUARES, "E is the loss of one sample, and o is the output, and t is the target"),
        ("E = 1/2 sum_k (t_k - o_k)^2", SQUARES, "E is the loss of one sample"),
        ("E = 1/2 sum_k (t_k - y_k)^2", SQUARES, "y is the output"),
        ("∂L/∂z[2] = p - t", CLASSES, "p is the output, and t is the target"),
        ("L = -(sum_k p_k ln(q_k))", CLASSES, "p is the target, and q is the output"),
        ("∂E/∂z[2]_k = o_k - d_k", CLASSES, "d is the target"),
        ("p_k = exp(s_k) / sum_j exp(s_j)", LAYER, "s is z"),
        ("∂L/∂W[2] = (p - y) h.T", CLASSES, "h is the hidden layer, and p is the output"),
        ("∂L/∂W[1] = (W[2].T (p - y) ∘ (1 - h^2)) x.T", CLASSES, "h is the hidden layer"),
        ("∂L/∂V = (p - y) h.T", CLASSES, "V is the weights of layer 2"),
        ("∂L/∂W = (V.T (p - y) ∘ (1 - h^2)) x.T", CLASSES, "W is the weights of layer 1"),
        ("p = softmax(V h + c)", CLASSES, "c is the bias of layer 2"),
        ("L = -ln(p_y)", CLASSES, "y is the class of the sample (y is one-hot), and p is the output"),
        ("∂L/∂z[2]_k = p_k - kronecker(k, c)", CLASSES, "c is the class of the sample"),
        ("∂L/∂z[2] = J.T ∂L/∂a[2]", CLASSES, "J is the Jacobian da[2]/dz[2]"),
        ("L = 1/2 (f(x) - y)^2", ("3-1:sigmoid", "quadratic"), "f(x) is the output"),
        ("z = W x + c", LAYER, ""),
        ("L = -ln yhat_c", CLASSES, "c is the class of the sample"),
        ("L = -ln p_2", CLASSES, "2 is the class of the sample (y is one-hot), and p is the output"),
        ("L = ln(1 + exp(-y z))", UNIT, "the targets are -1 and 1"),
        ("L = ln(1 + exp(-y s))", UNIT, "the targets are -1 and 1, and s is z"),
        ("∂L/∂z = -y σ(-y z)", UNIT, "the targets are -1 and 1"),
        ("∂L/∂x = -(y / (1 + exp(y z))) W[1].T", UNIT, "the targets are -1 and 1"),
        ("L = (1 - y a)^2 / 2", ("3-1", "quadratic"), ""),
        ("∂E/∂z_j = y_j (1 - y_j) ∂E/∂y_j", UNIT, "y is the output of a unit, and E is the loss of one sample"),
        ("∂E/∂W[1]_ji = x_i ∂E/∂z_j", UNIT, "E is the loss of one sample"),
        ("∂L/∂z[2]_c = yhat_c - 1", CLASSES, "c is the class of the sample"),
        ("∂a[2]_i/∂z[2]_j = -a[2]_i a[2]_j", CLASSES, "i ≠ j"),
        ("∂a[1]/∂z[1] = a[1] * (1 - a[1])", SQUARES, "entry by entry"),
        ("∂a[1]/∂z[1] = 1 - a[1]^2", CLASSES, "entry by entry"),
        ("L = -(sum_k kronecker(y, k) ln(yhat_k))", CLASSES, "y is the class of the sample"),
        ("L = -(sum_k kronecker(k, y) ln(yhat_k))", CLASSES, "y is the class of the sample"),
        ("L = -kronecker(y, 1) ln(yhat) - kronecker(y, 0) ln(1 - yhat)", UNIT, "the targets are 0 and 1"),
    ],
)
def test_letters_that_nobody_declares(text: str, network: tuple[str, str], words: str) -> None:
    found = holding(text, network)
    if text == "L = (1 - y a)^2 / 2":  # nothing tells that y is -1 or 1
        assert found == []
        return
    if text == "z = W x + c":  # W has no layer here; the judge gives it one
        assert [m.tree for m in usual(tree(text))] == [tree("z = W x + b")]
        return
    assert any(words in x for x in found), found


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("∂E/∂o_k = t_k - o_k", SQUARES),
        ("E = sum_k (t_k - o_k)^2", SQUARES),
        ("∂L/∂z[2] = t - p", CLASSES),
        ("L = -(sum_k q_k ln(p_k))", CLASSES),
        ("L = ln yhat_c", CLASSES),
        ("L = ln yhat_2", CLASSES),
        ("L = ln(1 + exp(y z))", UNIT),
        ("∂L/∂z = y σ(-y z)", UNIT),
        ("∂L/∂z = -y σ(y z)", UNIT),
        ("∂E/∂z_j = z_j (1 - z_j) ∂E/∂y_j", UNIT),
        ("∂L/∂z[2]_c = yhat_c", CLASSES),
        ("∂a[2]_i/∂z[2]_j = a[2]_i a[2]_j", CLASSES),
        ("∂a[2]_i/∂z[2]_j = a[2]_i (1 - a[2]_j)", CLASSES),
        ("∂a[2]/∂z[2] = a[2] * (1 - a[2])", CLASSES),  # the soft-max does not act entry by entry
        ("∂a[1]/∂z[1] = 1 - a[1]^2", SQUARES),
        ("∂L/∂V = h (p - y).T", CLASSES),
        ("∂L/∂W[1] = (W[2].T (p - y) ∘ (1 + h^2)) x.T", CLASSES),
        ("∂L/∂z[2] = J.T ∂L/∂a[1]", CLASSES),
        ("L = -(sum_k kronecker(y, k) yhat_k)", CLASSES),
        ("L = sum_k kronecker(y, k) ln(yhat_k)", CLASSES),
        ("∂L/∂z[2]_k = (sum_c kronecker(k, c)) yhat_k - yhat_k", CLASSES),  # c is bound, and no class
        ("L = -kronecker(y, 0) ln(yhat) - kronecker(y, 1) ln(1 - yhat)", UNIT),
    ],
)
def test_no_meaning_excuses_a_mistake(text: str, network: tuple[str, str]) -> None:
    assert holding(text, network) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("w ← w - η ∇J", "w <- w - eta dJ/dw"),
        ("w_ij ← w_ij + γ ∂J/∂w_ij", "w_ij <- w_ij + α ∂J/∂w_ij"),
        ("θ ← θ - α dθ", "w <- w - α dw"),
        ("g'(z) = 1 - g(z)^2", "tanh'(z) = 1 - tanh(z)^2"),
        ("J = diag(a) - a @ a.T", "∂a/∂z = diag(a) - a @ a.T"),
        ("J_ij = a_i * (kronecker(i, j) - a_j)", "∂a_i/∂z_j = a_i * (kronecker(i, j) - a_j)"),
        ("dW = 1/M * dZ @ X.T", "dW = 1/m * dZ @ X.T"),
        ("∂l/∂w = (a - y) x", "∂L/∂w = (a - y) x"),
    ],
)
def test_the_tree_of_a_meaning(text: str, wanted: str) -> None:
    found = [meant.tree for meant in usual(tree(text))]
    assert tree(wanted) in found


def test_the_change_of_a_step() -> None:
    """`W ← W + ΔW` is a step of descent where ΔW = -η dW, and `W ← W - ΔW` is none."""
    world = World.of_network(*SQUARES)
    for text, status in (("W[1] ← W[1] + ΔW[1]", "equal"), ("W[1] ← W[1] - ΔW[1]", "different")):
        (meant,) = usual(tree(text))
        assert meant.words == "ΔW = -η dW"
        assert world.compare(meant.tree).status == status


def test_a_transpose_and_product_of_octave() -> None:
    given = tree("dW[2] = dZ[2] * A[1] / m")
    primed = given.mapped(lambda x: replace(x, prime=1) if isinstance(x, Symbol) and x.name == "A" else x)
    assert isinstance(primed, Equation)
    (meant,) = usual(primed)
    assert World.of_network(*CLASSES).compare(meant.tree).status == "equal"
    assert "Octave" in meant.words


@pytest.mark.parametrize(
    ("text", "network", "status"),
    [
        ("dW[2] = (J(W[2] + ε) - J(W[2] - ε)) / (2 ε)", CLASSES, "equal"),
        ("dW[1] ≈ (J(W[1] + h) - J(W[1])) / h", SQUARES, "equal"),
        ("dW[1][i,j] ≈ (J(W[1][i,j] + h) - J(W[1][i,j] - h)) / (2 h)", SQUARES, "equal"),
        ("dW[1] ≈ (J(W[1] + h) - J(W[1] - h)) / h", SQUARES, "different"),
        ("dW[1] ≈ (J(W[1] - h) - J(W[1] + h)) / (2 h)", SQUARES, "different"),
        ("db[1] ≈ (J(W[1] + h) - J(W[1])) / h", SQUARES, ""),
    ],
)
def test_quotients_of_differences(text: str, network: tuple[str, str], status: str) -> None:
    found = []
    for meant in usual(tree(text)):
        world = World.of_network(*network, free_letters=meant.free)
        found.append(world.compare(meant.tree).status)
    assert found == [status] if status else "equal" not in found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("E = 1/2 sum_i (o(i) - t(i))^2", "equal"),
        ("E = sum_i (o(i) - t(i))^2", "different"),
        ("∂E/∂W[1] = sum_i (o(i) - t(i)) x(i).T", "equal"),
        ("∂E/∂W[1] = sum_i (t(i) - o(i)) x(i).T", "different"),
        ("∂E/∂W[1] = sum_n ∂E_n/∂W[1]", "equal"),
        ("J = 1/2 sum_i (f(x(i)) - y(i))^2", "equal"),
    ],
)
def test_a_cost_that_is_the_sum_over_the_samples(text: str, wanted: str) -> None:
    world = World.of_network("3-1", "quadratic")
    told = [m for m in usual(tree(text)) if "is the sum of the losses of all samples" in m.words]
    found = {world.compare(m.tree).status for m in told}
    assert ("equal" in found) == (wanted == "equal")
    assert not any(m.anyway for m in usual(tree(text), activations=("identity",)) if "f(x)" not in m.words)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∂MSE/∂ŷ_k = 2/2 * (ŷ_k - y_k)", True),  # of two outputs
        ("∂MSE/∂ŷ_k = 2/2 * (y_k - ŷ_k)", False),
        ("SSE = Σ_k (y_k - p_k)^2", True),
        ("SSE = Σ_k (y_k - p_k)", False),
        ("CE = -Σ_k y_k ln(p_k)", True),
        ("∂CE/∂ŷ_k = -y_k / ŷ_k", True),
    ],
)
def test_losses_that_are_called_by_their_name(text: str, wanted: bool) -> None:
    assert bool(holding(text, ("3-2:sigmoid", "quadratic"))) == wanted


def test_the_cost_without_the_penalty() -> None:
    world = World.of_network("3-2", "quadratic", convention=Convention(penalty=Symbol("lambda")))
    for text, wanted in (("∂J/∂W[1] = ∂L/∂W[1] + λ W[1]", "equal"), ("∂J/∂W[1] = ∂L/∂W[1] - λ W[1]", "different")):
        (meant,) = [m for m in usual(tree(text)) if "penalty" in m.words]
        assert world.compare(meant.tree).status == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dL = tr((∂L/∂Z[l]).T dZ[l])", True),
        ("dL = tr((∂L/∂Z[l]).T dA[l])", False),
        ("dL = -tr((∂L/∂Z[l]).T dZ[l])", False),
        ("dJ = tr((∂J/∂Z[l]).T dZ[l])", True),
        ("dJ = 1/m tr(delta[l].T dZ[l])", True),
        ("dJ = tr(delta[l].T dZ[l])", False),
        ("dZ[l] = dW[l] A[l-1] + W[l] dA[l-1] + db[l] 1^T", True),
        ("dZ[1] = dW[1] X + db[1]", True),
        ("dZ[1] = dW[1] X - db[1]", False),
        ("dZ[1] = 2 dW[1] X + db[1]", False),
        ("dZ[2] = W[2] dA[1] + db[2]", True),
        ("dZ[2] = W[2] dA[1] + db[1]", False),
    ],
)
def test_small_changes_of_a_layer(text: str, wanted: bool) -> None:
    """What Z[l] is computed from changes, so that the cost changes by Z[l] alone."""
    found = set()
    for meant in usual(tree(text)):
        convention = Convention(**meant.conventions)
        world = World.of_network(*SQUARES, convention=convention, definitions={"delta": tree("delta[l] = dZ[l]")})
        found |= {all(world.compare(meant.tree, b).status == "equal" for b in world.bindings(meant.tree))}
    assert (True in found) == wanted


def test_what_is_declared_keeps_its_meaning() -> None:
    assert usual(tree("∂E/∂w = (a - y) x"), {"E"}) == []
    assert [m.words for m in usual(tree("dL/dz = p - t"), {"t"})] == ["p is the output"]
    assert all("γ" not in m.words for m in usual(tree("W ← W - γ dW"), {"gamma"}))


def test_a_function_that_is_a_whole_layer() -> None:
    """g[l] of a[l-1] has the weights inside; of anything else, or in a declared network, it is the activation."""
    world = World.of_network(*SQUARES, convention=ONE)
    for text, wanted in (
        ("da[2]/dx = dg[2](a[1])/da[1] ∂a[1]/∂x", "equal"),
        ("∂L/∂a[1] = ∂L/∂a[2] · ∂g[2](a[1])/∂a[1]", "equal"),
        ("∂L/∂a[1] = ∂L/∂a[2] · ∂g[2](a[1])/∂a[2]", "different"),
    ):
        told = [m for m in usual(tree(text)) if "the whole layer" in m.words]
        assert {world.compare(m.tree).status == "equal" for m in told} == {wanted == "equal"}, text
    for text in ("a[2] = g[2](a[2])", "a[2] = g[2](z[1])", "a[2] = g[1](a[1])"):
        assert not any("the whole layer" in m.words for m in usual(tree(text)))
    assert not any("the whole layer" in m.words for m in usual(tree("a[2] = g[2](a[1])"), activations=("tanh", "tanh")))


def test_numpy_repeats_where_the_network_is_declared() -> None:
    text = tree("dA[1] = W[2].T * dZ[2]")
    (meant,) = [m for m in usual(text, activations=("tanh", "sigmoid")) if "NumPy" in m.words]
    for network, wanted in (("3-4:tanh-1:sigmoid", "equal"), ("3-4:tanh-2:sigmoid", "shape")):
        world = World.of_network(network, convention=Convention(**meant.conventions))
        assert world.compare(meant.tree).status == wanted
    assert not any("NumPy" in m.words for m in usual(text))


@pytest.mark.parametrize("text", ["dz = W.T dz + db", "dz = 3 dz + db", "v = 1.9 v + dW", "v = W v + dW"])
def test_no_average_of_gradients(text: str) -> None:
    """What is kept is kept with a number below one, and the derivative by a layer is kept nowhere."""
    assert not any(m.definitions for m in usual(tree(text)))


def test_a_definition_is_no_claim() -> None:
    """What defines an undeclared letter cannot be wrong."""
    assert [m.defines for m in usual(tree("net_j = sum_i w_ji x_i"))] == [True]
    assert not any(m.defines for m in usual(tree("∂E/∂o = o - t")))
    assert all(m.defines for m in usual(tree("f'(x) = 1/x")))


def test_one_kind_of_activation_is_the_one_that_is_meant() -> None:
    (meant,) = usual(tree("g'(z) = 1 - g(z)^2"), activations=("tanh", "tanh"))
    assert (meant.words, meant.tree) == ("", tree("tanh'(z) = 1 - tanh(z)^2"))


def test_few_meanings_are_offered() -> None:
    found = usual(tree("E = o_k + s_k * t_k"))
    assert 1 < len(found) <= 7
    assert all(m.defines for m in found)
