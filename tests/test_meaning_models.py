"""What a text says of its own letters: shapes of matrices, compositions, small changes, stacks, second derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.meaning.convention import Convention
from chainrule.meaning.matrices import matrix_shapes
from chainrule.meaning.usual import usual
from chainrule.meaning.world import World
from chainrule.notation.canonical import canonical
from chainrule.notation.formula import ONE, Call, Equation, Formula, Index, Partial, Range, Slice, Symbol
from chainrule.notation.letters import Letters
from chainrule.notation.read import read

CLASSES = ("3-5:tanh-2:softmax", "cross_entropy")


def tree(text: str, functions: str = "") -> Equation:
    letters = Letters(functions=frozenset(functions))
    found = canonical(read(text, letters=letters)[0].equation, letters)
    assert isinstance(found, Equation)
    return found


def defined(*texts: str, functions: str = "") -> dict[str, Formula]:
    """Definitions by the letter at the left."""
    found: dict[str, Formula] = {}
    for text in texts:
        equation = tree(text, functions)
        letter = equation.sides[0]
        while not isinstance(letter, Symbol):
            assert isinstance(letter, Index | Call)
            letter = letter.base if isinstance(letter, Index) else letter.function
        found[letter.name] = equation if len(equation.sides) > 1 else equation.sides[0]
    return found


def statuses(text: str, model: dict[str, Formula], functions: str = "") -> set[str]:
    """How the sides compare in worlds of the shapes that the formula and the definitions have."""
    formula = tree(text, functions)
    shapes = matrix_shapes((*model.values(), formula), model)
    mixed = Convention(signs="mixed")
    worlds = (World.free(seed, definitions=model, shapes=shapes, convention=mixed) for seed in range(3))
    return {world.compare(formula).status for world in worlds}


HEADS = ("h = tanh(W x + b)", "r = A h", "p = softmax(C h)", "L = 1/2 ||r - s||^2 - (sum_k y_k ln(p_k))")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∂L/∂C = (p - y) h.T", "equal"),
        ("∂L/∂C = h (p - y).T", "different"),
        ("∂L/∂h = A.T (r - s) + C.T (p - y)", "equal"),
        ("∂L/∂h = A.T (r - s)", "different"),
        ("∂L/∂A = (r - s) h.T", "equal"),
    ],
)
def test_two_heads_of_which_a_matrix_is_called_as_a_cost(text: str, wanted: str) -> None:
    """C h is a product, and the targets of the cross-entropy sum to one."""
    assert statuses(text, defined(*HEADS)) == {wanted}


def test_the_soft_max_of_a_single_column() -> None:
    """Of a column there is one soft-max, though samples are rows: that of each number would be 1."""
    for rows in (False, True):
        world = World.free(1, shapes={"z": (3, 1)}, convention=Convention(rows=rows))
        found = world.value(tree("q = softmax(z)").sides[1]).array
        assert found.shape == (3, 1)
        np.testing.assert_allclose(found.sum(), 1.0)
        assert found.max() < 1.0


class TestMatricesWithNumbers:
    """`U_1` and `U_2` are matrices, not entries of a column, where U has no other index."""

    model = defined("R = U_1 X + p_1", "F = max(0, R)", "O = U_2 F + p_2", "E = 1/(2n) ||O - D||^2")

    @pytest.mark.parametrize(
        "text",
        [
            "dE/dO = 1/n (O - D)",
            "dE/dU_2 = 1/n (O - D) F^T",
            "dE/dF = 1/n U_2^T (O - D)",
            "dE/dR = dE/dF * (R > 0)",
            "dE/dU_1 = dE/dR X^T",
            "dE/dX = U_1^T dE/dR",
        ],
    )
    def test_the_right_ones_hold(self, text: str) -> None:
        assert statuses(text, self.model) == {"equal"}

    @pytest.mark.parametrize(
        "text",
        [
            "dE/dU_2 = 1/n F (O - D)^T",
            "dE/dU_2 = 1/n (O - D) R^T",
            "dE/dF = 1/n U_2 (O - D)",
            "dE/dF = 1/n U_1^T (O - D)",
            "dE/dU_1 = dE/dF X^T",
        ],
    )
    def test_the_wrong_ones_do_not(self, text: str) -> None:
        assert statuses(text, self.model) & {"different", "shape"}  # in some world, where relu is not 1 all over

    def test_with_a_running_index_too_they_are_entries(self) -> None:
        assert matrix_shapes((tree(r"U^\top x = \sum_i U_i x_i + U_1"),)).keys() >= {"U"}
        assert "U_1" not in matrix_shapes((tree(r"U^\top x = \sum_i U_i x_i + U_1"),))


class TestStackedColumns:
    """`(x; 1)` has one entry more than x, and so has a matrix one column more that multiplies it."""

    model = defined(
        r"\tilde x = \begin{pmatrix} x \\ 1 \end{pmatrix}",
        r"\tilde h = \begin{pmatrix} h \\ 1 \end{pmatrix}",
        r"s = W \tilde x",
        r"h = \sigma(s)",
        r"o = V \tilde h",
        r"L = \frac12 \| o - t \|^2",
    )

    def test_the_right_one_holds(self) -> None:
        assert statuses(r"\frac{\partial L}{\partial V} = (o - t) \tilde h^\top", self.model) == {"equal"}
        assert statuses(r"\frac{\partial L}{\partial \tilde h} = V^\top (o - t)", self.model) == {"equal"}

    def test_wrong_ones_do_not(self) -> None:
        assert "equal" not in statuses(r"\frac{\partial L}{\partial V} = \tilde h (o - t)^\top", self.model)
        assert "equal" not in statuses(r"\frac{\partial L}{\partial \tilde h} = V (o - t)", self.model)

    def test_sizes_are_sums(self) -> None:
        shapes = matrix_shapes((tree(r"y = A \begin{pmatrix} x \\ 1 \end{pmatrix}"), tree("y = B x")))
        assert shapes["A"] == (3, 4)
        assert shapes["B"] == (3, 3)


class TestFunctionsOfVectors:
    model = defined("f(x) = g(h(x))", "g(z)", "z_j = h_j(x)", functions="fgh")

    @pytest.mark.parametrize(
        "text",
        [
            "∂f/∂x_k = sum_j ∂g/∂z_j ∂h_j/∂x_k",
            r"\frac{\partial f}{\partial x_k} = \frac{\partial f(x)}{\partial x_k}",
            r"f(x) = g \circ h(x)",
            r"f = g \circ h",
            "g(z) = g(h(x)) = g(h_1(x), h_2(x))",
        ],
    )
    def test_composed_functions(self, text: str) -> None:
        assert World.free(1, definitions=self.model).compare(tree(text, "fgh")).status == "equal"

    @pytest.mark.parametrize(
        "text",
        [
            r"f(x) = h \circ g(x)",
            r"\frac{\partial f}{\partial x_k} = \frac{\partial g}{\partial z_k} \frac{\partial h_k}{\partial x_k}",
            "g(z) = g(h_2(x), h_1(x))",
        ],
    )
    def test_wrongly_composed(self, text: str) -> None:
        assert World.free(1, definitions=self.model).compare(tree(text, "fgh")).status != "equal"

    @pytest.mark.parametrize("n", [2, 3])
    def test_a_sum_says_how_long_a_vector_is(self, n: int) -> None:
        model = defined("f(x)", "x(t)", functions="fx")
        text = r"\frac{\partial f}{\partial t_j} = \sum_{i=1}^" + str(n)
        text += r" \frac{\partial f}{\partial x_i} \frac{\partial x_i}{\partial t_j}"
        assert World.free(0, definitions=model).compare(tree(text, "fx")).status == "equal"


class TestSmallChanges:
    """d(…) and dX are changes along one direction; the rules are those of every calculus book."""

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            (r"d(X Y) = dX\, Y + X\, dY", True),
            (r"d(X Y) = dX\, dY", False),
            (r"d(X Y) = X dX + Y dY", False),
            (r"d(X^{-1}) = -X^{-1} dX X^{-1}", True),
            (r"d(X^{-1}) = X^{-1} dX X^{-1}", False),
            (r"d(\det X) = \det(X) \operatorname{tr}(X^{-1} dX)", True),
            (r"d(x^\top x) = 2 x^\top dx", True),
            (r"d(u v) = u\, dv + v\, du", True),
            (r"d(u v) = u\, du + v\, dv", False),
        ],
    )
    def test_of_any_letters(self, text: str, holds: bool) -> None:
        assert (statuses(text, {}) == {"equal"}) == holds

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("dL = tr(∂L/∂W[1].T dW[1])", True),
            ("dL = tr(∂L/∂W[1] dW[1].T)", True),
            ("dL = -tr(∂L/∂W[1].T dW[1])", False),
            ("dz[1] = dW[1] x + W[1] dx + db[1]", True),
            ("dz[1] = dW[1] x - W[1] dx + db[1]", False),
        ],
    )
    def test_in_a_network(self, text: str, holds: bool) -> None:
        told = [x for x in usual(tree(text)) if x.conventions.get("differentials")]
        found = []
        for meant in told:
            world = World.of_network(*CLASSES, convention=Convention(samples="one", **meant.conventions))
            found.append(world.compare(meant.tree).status)
        assert told
        assert ("equal" in found) == holds

    def test_nothing_changes_is_no_proof(self) -> None:
        world = World.free(0, convention=Convention(varying=("Q",)))
        assert world.compare(tree(r"d(u v) = 2 u\, du")).status == "undefined"
        assert world.compare(tree("0 * u = 0")).status == "equal"


class TestStacksAndRanges:
    """Bias and weights in one matrix, as `[b W]` times `[1; X]`."""

    world = World.of_network(*CLASSES)
    theta = Call(Symbol("hstack"), (Symbol("b", ONE), Symbol("W", ONE)))

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("Z[1] = hstack(b[1], W[1]) @ vstack(1, X)", "equal"),
            ("Z[1] = hstack(W[1], b[1]) @ vstack(1, X)", "different"),
            ("hstack(b[1], W[1]) := hstack(b[1], W[1]) - alpha * hstack(db[1], dW[1])", "equal"),
            ("hstack(b[1], W[1]) := hstack(b[1], W[1]) + alpha * hstack(db[1], dW[1])", "different"),
            ("hstack(db[1], dW[1]) = 1/m * dZ[1] @ vstack(1, X).T", "equal"),
            ("hstack(db[2], dW[2]) = 1/m * dZ[2] @ vstack(1, X).T", "shape"),
        ],
    )
    def test_values_and_steps(self, text: str, status: str) -> None:
        assert self.world.compare(tree(text)).status == status

    def test_derivative_and_range(self) -> None:
        slopes = Call(Symbol("hstack"), (Symbol("db", ONE), Symbol("dW", ONE)))
        assert self.world.compare(Equation((Partial(Symbol("J"), self.theta), slopes), ("=",))).status == "equal"
        without = Index(self.theta, (Slice(), Range(ONE, None)))
        assert self.world.compare(Equation((without, Symbol("W", ONE)), ("=",))).status == "equal"
        most = Index(self.theta, (Slice(), Range(None, ONE)))
        assert self.world.compare(Equation((most, Symbol("b", ONE)), ("=",))).status == "equal"


class TestFunctions:
    def test_log_sum_exp_and_signs(self) -> None:
        world = World.free(0, shapes={"z": (4, 1)})
        z = world.value(Symbol("z")).array
        assert world.value(tree("LSE(z)").sides[0]).array.item() == pytest.approx(np.log(np.sum(np.exp(z))))
        assert world.compare(tree("sgn(z - 1) = 2 step(z - 1) - 1")).status == "equal"
        assert world.compare(tree("logit(sigmoid(z)) = z")).status == "equal"

    def test_inner_product(self) -> None:
        world = World.free(0, shapes={"A": (2, 3), "B": (2, 3)})
        a, b = (world.value(Symbol(x)).array for x in "AB")
        product = Call(Symbol("inner"), (Symbol("A"), Symbol("B")))
        assert world.value(product).array.item() == pytest.approx(float(np.sum(a * b)))

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("hessian(lse(z), z) = diag(softmax(z)) - softmax(z) softmax(z).T", True),
            ("hessian(lse(z), z) = diag(softmax(z)) + softmax(z) softmax(z).T", False),
            ("hessian(x.T A x, x) = A + A.T", True),
            ("hessian(x.T A x, x) = A", False),
        ],
    )
    def test_second_derivatives(self, text: str, holds: bool) -> None:
        assert (statuses(text, {}) == {"equal"}) == holds

    def test_step_function_by_its_usual_letters(self) -> None:
        for letter, words in (("H", ""), ("Theta", ""), ("u", "u is the step function")):
            told = usual(tree(f"{letter}(z[1]) = relu.prime(z[1])", letter))[0]
            assert told.words.startswith(words)
            assert told.tree == Equation(
                (Call(Symbol("step"), (Symbol("z", ONE),)), tree("relu.prime(z[1]) = 0").sides[0]), ("=",)
            )
        entropies = usual(tree("KL(p, q) = H(p, q) - H(p)", "H"))
        assert tree("KL(p, q) = H(p, q) - H(p, p)", "H") in [x.tree for x in entropies]


class TestLists:
    """Vectors and matrices by their entries: the last index is how many there are, and lists are rows or columns."""

    world = World.of_network("3-5:tanh-4:sigmoid-2:tanh", "quadratic", convention=Convention(samples="one"))

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            (r"b^{[l]} = \begin{pmatrix} b_1^{[l]} \\ \vdots \\ b_{n_l}^{[l]} \end{pmatrix}", "equal"),
            (r"b^{[l]} = \begin{pmatrix} b_1^{[l]} \\ \vdots \\ b_{n_{l-1}}^{[l]} \end{pmatrix}", "shape"),
            (r"\hat y = [\hat y_1, \dots, \hat y_{n_3}]^T", "equal"),
            (r"\hat y = [\hat y_1, \dots, \hat y_{n_1}]^T", "shape"),
            (r"\hat y = [\hat y_1, \dots, \hat y_{10}]^T", "equal"),
            (r"\hat y = [\hat y_1, \dots, \hat y_K]^T", "equal"),
            ("W[l] = [[W[l][1,1], ..., W[l][1,n_{l-1}]], ..., [W[l][n_l,1], ..., W[l][n_l,n_{l-1}]]]", "equal"),
            ("W[l] = [[W[l][1,1], ..., W[l][1,n_l]], ..., [W[l][n_{l-1},1], ..., W[l][n_{l-1},n_l]]]", "shape"),
            ("dz[L][i]/dW[L][i,:] = a[L-1]", "equal"),
            ("dz[L][i]/dW[L][i,:] = a[L]", "shape"),
            ("dz[L][i]/dW[L][i,:] = -a[L-1]", "different"),
            (r"\mathrm{vec}(\nabla_{W^{[1]}} L) = x \otimes dz^{[1]}", "equal"),
            (r"\mathrm{vec}(\nabla_{W^{[1]}} L) = dz^{[1]} \otimes x", "different"),
            (r"\nabla_{W^{[1]}} L = dz^{[1]} \otimes x", "equal"),
        ],
    )
    def test_by_their_entries(self, text: str, status: str) -> None:
        found = {self.world.compare(tree(text), b).status for b in self.world.bindings(tree(text))}
        assert status in found
        assert found == {"equal"} or status != "equal"

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            (r"g^{[L]}(g^{[L-1]}(\dots g^{[1]}(X) \dots)) = g^{[4]}(g^{[3]}(g^{[2]}(g^{[1]}(X))))", "equal"),
            (r"g^{[L]}(\dots (g^{[1]}(X))) = g^{[4]}(g^{[3]}(g^{[2]}(g^{[1]}(X))))", "equal"),
            (r"g^{[L]}(g^{[L-1]}(\dots g^{[2]}(X) \dots)) = g^{[4]}(g^{[3]}(g^{[2]}(g^{[1]}(X))))", "different"),
            (r"g^{[1]}(\dots (g^{[4]}(X))) = g^{[4]}(g^{[3]}(g^{[2]}(g^{[1]}(X))))", "undefined"),
        ],
    )
    def test_functions_between_dots(self, text: str, status: str) -> None:
        letters = Letters()
        equation = canonical(read(text, letters=letters)[0].equation, letters)
        world = World.of_network("3-3:tanh-3:sigmoid-3:softplus-3:tanh", "quadratic")
        assert world.compare(equation).status == status

    def test_gradient_by_the_arguments_of_a_function(self) -> None:
        model = defined("f(x)", functions="f")
        right, wrong = r"\nabla f = [∂f/∂x_1, ∂f/∂x_2]^T", r"\nabla f = [∂f/∂x_2, ∂f/∂x_1]^T"
        assert World.free(0, definitions=model).compare(tree(right, "f")).status == "equal"
        assert World.free(0, definitions=model).compare(tree(wrong, "f")).status == "different"


class TestSquares:
    """σ² as a letter of its own: ∂f/∂σ² is ∂f/∂σ divided by 2 σ."""

    model = defined(r"u = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}")

    @pytest.mark.parametrize(("power", "status"), [("-3/2", "equal"), ("-1/2", "different")])
    def test_derivative_by_the_variance(self, power: str, status: str) -> None:
        text = r"\frac{\partial u}{\partial \sigma^2} = -\frac{1}{2} (x - \mu) (\sigma^2 + \epsilon)^{" + power + "}"
        assert World.free(2, definitions=self.model).compare(tree(text)).status == status

    def test_pi_is_a_constant(self) -> None:
        assert World.free(1).compare(tree("pi = 3.141592653589793")).status == "equal"
        assert World.free(1).compare(tree(r"\frac{\partial}{\partial \pi} \pi^2 = 2 \pi")).status == "equal"

    def test_what_a_letter_is_defined_by_leads_on(self) -> None:
        model = defined("y = x + F(x)", functions="F")
        right, wrong = "∂L/∂x = ∂L/∂y (1 + ∂F/∂x)", "∂L/∂x = ∂L/∂y ∂F/∂x"
        assert World.free(1, definitions=model).compare(tree(right, "F")).status == "equal"
        assert World.free(1, definitions=model).compare(tree(wrong, "F")).status == "different"


class TestOptimizers:
    """The rules are those of the papers (Polyak; Tieleman and Hinton; Duchi; Kingma and Ba), here by hand."""

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            (r"v_t = \beta v_{t-1} + (1 - \beta) g_t", True),
            (r"v_t = \beta v_{t-1} - (1 - \beta) g_t", False),
            (r"v_t = \beta v_{t-1} + \beta g_t", False),
            (r"v_t = \mu v_{t-1} - \eta g_t", True),
            (r"v_t = \mu v_{t-1} + g_t", True),
            (r"m_t = \beta_1 m_{t-1} + (1 - \beta_2) g_t", False),
            (r"s_t = \beta s_{t-1} + (1 - \beta) g_t^2", True),
            (r"s_t = \beta s_{t-1} + (1 - \beta) g_t", False),
            (r"S_{dW} := \beta S_{dW} + (1 - \beta) (dW)^2", True),
            (r"\hat m_t = \frac{m_t}{1 - \beta_1^t}", True),
            (r"\hat m_t = \frac{m_t}{1 + \beta_1^t}", False),
            (r"\hat m_t = \frac{m_t}{1 - \beta_1}", False),
            (r"\hat m_t = \frac{m_t}{1 - \beta_2^t}", False),
            (r"\theta_t = \theta_{t-1} - \alpha \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}", True),
            (r"\theta_t = \theta_{t-1} + \alpha \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}", False),
            (r"\theta_t = \theta_{t-1} - \alpha \frac{\hat m_t}{\hat v_t + \epsilon}", False),
            (r"\theta_{t+1} = \theta_t - \frac{\alpha}{\sqrt{s_t + \epsilon}} g_t", True),
        ],
    )
    def test_averages_and_steps(self, text: str, holds: bool) -> None:
        told = [x for x in usual(tree(text)) if x.definitions]
        assert told
        worlds = (World.free(seed, definitions=dict(x.definitions)) for x in told for seed in range(2))
        found = {w.compare(x.tree).status for x in told for w in worlds}
        assert (found == {"equal"}) == holds

    @pytest.mark.parametrize(
        "text",
        [
            r"s_t = \beta s_{t-1} + (1 - \beta) (g_t - m_t)^2",
            r"v_t = \mu v_{t-1} + (1 - \tau) g_t",
            r"v_t = \mu v_{t-1} - \eta \nabla J(\theta + \mu v_{t-1})",
            r"h_t = h_{t-1} + x_t",
        ],
    )
    def test_of_other_rules_nothing_is_said(self, text: str) -> None:
        assert not [x for x in usual(tree(text)) if x.definitions]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (r"W^{[1]} := W^{[1]} - \alpha v", "v is an average of the gradients dW"),
            (r"W^{[1]} := W^{[1]} + v", "v is minus the sum of the steps η dW"),
            (r"W := W - \alpha V_{dW}", "V is an average of the gradients dW"),
            (r"\theta_t = \theta_{t-1} - \eta v_t", "v is an average of the gradients dtheta"),
            (r"\theta \leftarrow \theta - \eta \nabla_\theta J(\theta)", ""),
        ],
    )
    def test_plain_steps(self, text: str, words: str) -> None:
        world = World.of_network(*CLASSES)
        holding = []
        for meant in usual(tree(text)):
            bindings = world.bindings(meant.tree)
            if bindings and all(world.compare(meant.tree, b).status == "equal" for b in bindings):
                holding.append(meant.words)
        assert words in holding

    def test_up_the_hill(self) -> None:
        world = World.of_network(*CLASSES)
        for text in (r"W^{[1]} := W^{[1]} + \alpha v", r"\theta \leftarrow \theta + \eta \nabla_\theta J(\theta)"):
            found = [world.compare(x.tree, b).status for x in usual(tree(text)) for b in world.bindings(x.tree)]
            assert "equal" not in found


def test_laws_of_logarithms_hold_for_letters_of_the_network_too() -> None:
    world = World.of_network("3-1:sigmoid", "binary_cross_entropy", free_letters=("anya", "anyb"))
    for text, status in ((r"\ln(a) + \ln(b) = \ln(a b)", "equal"), (r"\ln(a) + \ln(b) = \ln(a + b)", "different")):
        (meant,) = (x for x in usual(tree(text)) if x.free)
        assert world.compare(meant.tree).status == status


class TestStepsOfOwnModels:
    """A step of descent by the cost that the text defines, in its own letters: the gradients are worked by hand."""

    layers = defined("R = U_1 X + p_1", "F = max(0, R)", "O = U_2 F + p_2", "E = 1/(2n) ||O - D||^2")
    margin = defined(r"s = w^\top x", r"\ell = \ln(1 + e^{-y s})")

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("U_2 <- U_2 - q dE/dU_2", "equal"),
            ("U_2 <- U_2 - eta/n (O - D) F^T", "equal"),
            ("U_2 <- U_2 + q dE/dU_2", "different"),
            ("U_2 <- U_2 - eta dE/dU_1", "different"),
            ("p_1 <- p_1 - eta dE/dp_1", "equal"),
            ("U_2 <- U_2 - q r dE/dU_2", "undefined"),
        ],
    )
    def test_of_layers(self, text: str, status: str) -> None:
        assert statuses(text, self.layers) == {status}

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            (r"w \leftarrow w + \eta \frac{y}{1 + e^{y w^\top x}} x", "equal"),
            (r"w \leftarrow w - \eta \frac{y}{1 + e^{y w^\top x}} x", "different"),
            (r"w := w - 0.1 \nabla_w \ell", "equal"),
            (r"w \leftarrow w + q \nabla_w \ell", "different"),
        ],
    )
    def test_of_a_margin_loss(self, text: str, status: str) -> None:
        assert statuses(text, self.margin) == {status}

    def test_without_a_cost_nothing_is_said(self) -> None:
        assert statuses(r"v \leftarrow \beta v + (1 - \beta) u", {}) == {"undefined"}
        assert statuses(r"a = a - b + b", {}) == {"equal"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (r"C_0 = \frac12 \sum_k (a_k^{[2]} - y_k)^2", True),
        (r"C_x = \frac12 \| y - a^{[2]}\|^2", True),
        (r"C_x = \| y - a^{[2]}\|^2", False),
        (r"\frac{\partial C_x}{\partial b^{[2]}_j} = dz_j^{[2]}", True),
    ],
)
def test_cost_of_one_sample(text: str, holds: bool) -> None:
    world = World.of_network("3-4:sigmoid-2:sigmoid", "quadratic", convention=Convention(samples="one"))
    told = usual(tree(text))[0]
    assert told.words == ""
    assert (world.compare(told.tree).status == "equal") == holds


def test_cost_of_a_sample_that_other_letters_number_too() -> None:
    assert all("C_i" not in x.words and x.words for x in usual(tree(r"C_i = \frac12 (a^{(i)} - y^{(i)})^2")))


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("sigmoid([1.25, -2.0]) = [0.78, 0.12]", "equal"),
        ("sigmoid([1.25, -2.0]) = [0.79, 0.12]", "different"),
        ("[0.5, 0.25] * 2 = [1.00, 0.51]", "different"),
    ],
)
def test_lists_of_rounded_numbers(text: str, status: str) -> None:
    assert World.free(0).compare(tree(text)).status == status


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (r"W x = (x^\top \otimes I) \mathrm{vec}(W)", True),
        (r"W x = (I \otimes x^\top) \mathrm{vec}(W)", False),
        (r"\mathrm{vec}(A X) = (I \otimes A) \mathrm{vec}(X)", True),
        (r"\mathrm{vec}(A X) = (A \otimes I) \mathrm{vec}(X)", False),
        (r"\mathrm{vec}(A X B) = (B^\top \otimes A) \mathrm{vec}(X)", True),
        (r"\mathrm{vec}(A X B) = (B \otimes A) \mathrm{vec}(X)", False),
        (r"\mathrm{vec}(x y^\top) = y \otimes x", True),
        (r"\mathrm{vec}(x y^\top) = x \otimes y", False),
    ],
)
def test_kronecker_products(text: str, holds: bool) -> None:
    assert (statuses(text, {}) == {"equal"}) == holds


class TestLettersToldApart:
    """Bishop's and Graves' letters: the index, or a number above, says of which layer they are."""

    texts = (
        r"u_j = \sum_i w_{ji}^{(1)} x_i + w_{j0}^{(1)}",
        r"h(t) = \tanh(t)",
        r"z_j = h(u_j)",
        r"v_k = \sum_j w_{kj}^{(2)} z_j + w_{k0}^{(2)}",
        r"p_k = \frac{e^{v_k}}{\sum_{k'} e^{v_{k'}}}",
        r"E_n = -\sum_k t_k \ln p_k",
    )

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            (r"\frac{\partial p_{k'}}{\partial v_k} = p_k \delta_{kk'} - p_k p_{k'}", "equal"),
            (r"\frac{\partial p_{k'}}{\partial v_k} = p_k \delta_{kk'} - p_k p_k", "different"),
            (r"\frac{\partial E_n}{\partial v_k} = p_k - t_k", "equal"),
            (r"\frac{\partial E_n}{\partial v_k} = t_k - p_k", "different"),
            (r"\frac{\partial E_n}{\partial w_{kj}^{(2)}} = (p_k - t_k) z_j", "equal"),
            (r"\frac{\partial E_n}{\partial w_{kj}^{(2)}} = (p_k - t_k) u_j", "different"),
            (r"\frac{\partial E_n}{\partial w_{k0}^{(2)}} = p_k - t_k", "equal"),
            (r"\frac{\partial E_n}{\partial w_{ji}^{(1)}} = h'(u_j) x_i \sum_k w_{kj}^{(2)} (p_k - t_k)", "equal"),
            (r"\frac{\partial E_n}{\partial w_{ji}^{(1)}} = h'(u_j) x_i \sum_k w_{jk}^{(2)} (p_k - t_k)", "different"),
            (r"\frac{\partial E_n}{\partial w_{ji}^{(2)}} = h'(u_j) x_i \sum_k w_{kj}^{(2)} (p_k - t_k)", "different"),
            (r"\Delta w_{k0}^{(2)} = -\eta (p_k - t_k)", "equal"),
            (r"\Delta w_{k0}^{(2)} = \eta (p_k - t_k)", "different"),
        ],
    )
    def test_derivatives(self, text: str, wanted: str) -> None:
        found = self.world().compare(tree_of_numbers(text, "h")).status
        assert found in (("equal",) if wanted == "equal" else ("different", "shape"))

    def world(self) -> World:
        return World.free(0, definitions={x[0]: tree_of_numbers(x, "h") for x in self.texts})

    def test_a_function_with_the_index_of_its_unit(self) -> None:
        model = {"b": tree_of_numbers(r"b_h = \theta_h(a_h)"), "r": tree_of_numbers(r"r = \sum_h c_h b_h")}
        world = World.free(0, definitions=model)
        slope = r"\frac{\partial r}{\partial a_h} = c_h \theta_h'(a_h)"
        assert world.compare(tree_of_numbers(slope)).status == "equal"
        assert world.compare(tree_of_numbers(slope.replace("'", ""))).status == "different"

    def test_steps_of_letters_of_its_own(self) -> None:
        texts = (r"s_h = \sum_i v_{ih} x_i - q_h", r"E = \frac12 \sum_h (s_h - t_h)^2")
        world = World.free(0, definitions={x[0]: tree_of_numbers(x) for x in texts})
        for text, wanted in (
            (r"\Delta v_{ih} = -\eta (s_h - t_h) x_i", "equal"),
            (r"\Delta q_h = \eta (s_h - t_h)", "equal"),
            (r"\Delta q_h = -\eta (s_h - t_h)", "different"),
        ):
            assert world.compare(tree_of_numbers(text)).status == wanted

    def test_one_sum_from_zero_and_a_bias_beside_it(self) -> None:
        world = self.world()
        assert world.compare(tree_of_numbers(r"u_j = \sum_{i=0}^{D} w_{ji}^{(1)} x_i", "h")).status == "undefined"


def tree_of_numbers(text: str, functions: str = "") -> Equation:
    """A formula of a text about no network."""
    letters = Letters(layer="parentheses", network=False, functions=frozenset(functions))
    found = canonical(read(text, letters=letters)[0].equation, letters)
    assert isinstance(found, Equation)
    return found


def plain_tree(text: str) -> Equation:
    letters = Letters(network=False)
    found = canonical(read(text, letters=letters)[0].equation, letters)
    assert isinstance(found, Equation)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dh/dw = x", "equal"),  # w is no argument of h, but stands in it
        ("dh/db = 1", "equal"),
        ("dh/dx = w", "equal"),
        ("dh/dw = w", "different"),
        ("q''(x) = 6 x", "equal"),
        ("q''(x) = 3 x^2", "different"),
        ("dz = dW u + db", "equal"),  # beside what is constant
        ("dz = dW u - db", "different"),
        ("dz = dW u + W du + db", "equal"),
    ],
)
def test_what_functions_and_changes_depend_on(text: str, wanted: str) -> None:
    model = {x: plain_tree(y) for x, y in {"h": "h(x) = w x + b", "q": "q(t) = t^3", "z": "z = W u + b"}.items()}
    assert World.free(0, definitions=model).compare(plain_tree(text)).status == wanted


def test_a_letter_that_is_another_in_every_layer() -> None:
    """`g = dz[k]` is not what it was for the first k that was tried; nor is q, which is g."""
    known = {"g": tree("g = dz[k]"), "q": tree("q = g")}
    world = World.of_network("3-5:tanh-4:sigmoid-2:tanh", convention=Convention(samples="one"), definitions=known)
    for text, wanted in (("dW[k] = g a[k-1].T", True), ("dW[k] = q a[k-1].T", True), ("dW[k] = g a[k].T", False)):
        assert {world.compare(tree(text), {"k": k}).status == "equal" for k in (1, 2, 3)} == {wanted}


def test_what_is_stated_of_one_argument() -> None:
    """`g[l](a[l-1]) = a[l]` says nothing of g[l] of anything else."""
    known = {"g": tree("g[l](a[l-1]) = a[l]")}
    world = World.of_network("3-5:tanh-4:sigmoid-2:tanh", convention=Convention(samples="one"), definitions=known)
    for right, wanted in (
        ("g[l](a[l-1])", True),
        ("g[l](z[l])", False),
        ("g[l](a[l])", False),
        ("g[l-1](a[l-1])", False),
    ):
        found = {world.compare(tree(f"a[l] = {right}"), {"l": n}).status == "equal" for n in (2, 3)}
        assert found == {wanted}


def test_zero_on_both_sides_proves_nothing_of_letters_that_do_not_depend() -> None:
    assert World.free(0).compare(plain_tree("d(m J)/dA = W d(m J)/dZ")).status == "undefined"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∂E/∂v = (y - t) y (1 - y)", "equal"),
        ("∂E/∂u = (y - t) y (1 - y) h.T", "equal"),
        ("∂E/∂u = (t - y) y (1 - y) h.T", "different"),
        ("∂E/∂h = u (y - t) y (1 - y)", "shape"),  # u is a row, and the derivative a column
    ],
)
def test_a_row_before_a_column_where_the_cost_is_a_number(text: str, wanted: str) -> None:
    model = defined("y = sigmoid(v)", "v = u h + c", "h = tanh(s)", "s = V x + b", "E = 1/2 (y - t)^2")
    assert statuses(text, model) == {wanted}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dz[2](k) = e(k)", "equal"),
        ("dz[2](k) = 2 e(k)", "different"),
        ("dW[2] = 1/m sum_k e(k) a[1](k).T", "equal"),
        ("dW[2] = 1/m sum_k e(k) a[2](k).T", "shape"),
    ],
)
def test_a_definition_for_every_sample(text: str, wanted: str) -> None:
    """`e(i) = a(i) - y(i)` holds whatever letter numbers the samples elsewhere."""
    for definition in ("e(i) = a[2](i) - y(i)", "e_j(i) = a[2]_j(i) - y_j(i)"):
        world = World.of_network(*CLASSES, definitions={"e": tree(definition)})
        assert world.compare(tree(text)).status == wanted


def test_errors_of_numbered_patterns_without_a_network() -> None:
    model = {x[0]: plain_tree(x) for x in ("e_j(n) = d_j(n) - y_j(n)", "E(n) = 1/2 (sum_j e_j(n)^2)")}
    world = World.free(0, definitions=model)
    for text, wanted in (
        (r"\frac{\partial E(n)}{\partial e_j(n)} = e_j(n)", "equal"),
        (r"\frac{\partial E(n)}{\partial y_j(n)} = -e_j(n)", "equal"),
        (r"\frac{\partial E(n)}{\partial y_j(n)} = e_j(n)", "different"),
        (r"\frac{\partial e_j(n)}{\partial y_j(n)} = -1", "equal"),
    ):
        assert world.compare(plain_tree(text)).status == wanted, text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("L = 1/2 ((a[2][1] - y[1])^2 + (a[2][2] - y[2])^2 + ... + (a[2][n_2] - y[n_2])^2)", "equal"),
        ("L = 1/2 ((a[2][1] - y[1])^2 + (a[2][2] + y[2])^2 + ... + (a[2][n_2] - y[n_2])^2)", "different"),
        ("L = 1/2 ((a[2][1] - y[1])^2 + (a[1][2] - y[2])^2 + ... + (a[2][n_2] - y[n_2])^2)", "different"),
        ("L = 1/2 ((a[2][1] - y[1])^2 + ... + (a[2][n_2] + y[n_2])^2)", "different"),
        ("L = 1/2 ((a[2][1] - y[1])^2 + ... + (a[2][n_1] - y[n_1])^2)", "shape"),
        ("A[1] = [a[1](1), ..., a[1](m)]", "equal"),
        ("A[1].T = [a[1](1), ..., a[1](m)]", "shape"),
        ("(W[2].T)[i,j] = W[2][j,i]", "equal"),
        ("W[2][j,i] = (W[2].T)[i,j]", "equal"),
    ],
)
def test_terms_and_entries_that_go_on(text: str, wanted: str) -> None:
    """Every written term beside the dots is the one that its place asks for."""
    one = Convention(samples="batch" if "(m)" in text else "one")
    assert World.of_network("3-4:tanh-5:tanh", "quadratic", convention=one).compare(tree(text)).status == wanted


def test_a_tuple_is_a_vector_in_every_layout() -> None:
    for layout in ("free", "numerator", "denominator"):
        world = World.free(0, shapes={"z": (2, 1)}, convention=Convention(layout=layout))
        assert world.compare(plain_tree("z = (z_1, z_2)")).status == "equal"
        assert world.compare(plain_tree("z = (z_2, z_1)")).status == "different"
