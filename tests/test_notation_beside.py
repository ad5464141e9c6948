"""What stands beside a formula: cases, conditions, other equations, sizes, remarks; and quantities named by words.

The right column is written by hand; both columns are read, and their trees must be equal.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from chainrule.errors import FormulaError
from chainrule.notation import Letters, canonical, read, read_all
from chainrule.notation.formula import Binary, Call, Equation, Formula, Number, Symbol
from chainrule.notation.reading.columns import columns
from chainrule.notation.reading.list_marks import without_marks
from chainrule.notation.write import exact

CASES = "r(z) = where(z > 0, 1, 0)"


def tree(written: str, *, letters: Letters | None = None) -> Equation:
    return read(written, letters=letters)[0].equation


def standard(written: str) -> Formula:
    return canonical(tree(written), Letters())


@pytest.mark.parametrize(
    "written",
    [
        "r(z) = 1 if z > 0 else 0",
        "r(z) = 1 if z > 0, 0 otherwise",
        "r(z) = 1 if z > 0, otherwise 0",
        "r(z) = 1 for z > 0, 0 else",
        "r(z) = 1 for all z > 0 and 0 for z <= 0",
        "r(z) = 1 when z > 0; 0 when z <= 0",
        "r(z) = {1 if z > 0; 0 otherwise}",
        "r(z) = {1 if z > 0, 0 if z ≤ 0}",
        "r(z) = (1 if z > 0 else 0)",
        "r(z) = z > 0 ? 1 : 0",
        "r(z) = (z > 0) ? 1 : 0",
        "r(z) = if z > 0 then 1 else 0",
        "r(z) = {1, z > 0; 0, z ≤ 0}",
        "r(z) = {1, z > 0; 0, otherwise}",
        "r(z) = 1 (z > 0), 0 (z ≤ 0)",
        r"r(z) = \left\{ \begin{array}{ll} 1 & z > 0 \\ 0 & z \le 0 \end{array} \right.",
        r"r(z) = 1 \text{ if } z > 0 \text{ else } 0",
        r"r(z) = 1 \quad \text{if } z > 0, \quad 0 \quad \text{otherwise}",
        r"r(z) = 1 \text{ if $z > 0$ and } 0 \text{ otherwise}",
    ],
)
def test_cases_written_in_a_line(written: str) -> None:
    assert tree(written) == tree(CASES), exact(tree(written))


def test_more_cases_than_two() -> None:
    assert tree("u = 1 if z > 1 else z if z > 0 else 0") == tree("u = where(z > 1, 1, where(z > 0, z, 0))")
    assert tree("u = x if i = j, else y") == tree("u = where(kronecker(i, j), x, y)")
    assert tree("u = x for i = j and y for i ≠ j") == tree("u = where(kronecker(i, j), x, y)")


@pytest.mark.parametrize(
    "written",
    [
        "u_i = v_j for i ≠ j",
        "u_i = v_j   (i ≠ j)",
        "u_i = v_j, i != j",
        "u_i = v_j (for i ≠ j)",
        "for i ≠ j: u_i = v_j",
        "If i ≠ j, then u_i = v_j",
        r"u_i = v_j \quad (i \neq j)",
        r"i \ne j: u_i = v_j",
        "Case i ≠ j: u_i = v_j",
        r"u_i = v_j, \quad i \ne j",
        r"u_i = v_j \text{ for } i \neq j",
    ],
)
def test_entries_that_an_equation_holds_for(written: str) -> None:
    assert tree(written) == tree("(i != j) * u_i = (i != j) * (v_j)"), exact(tree(written))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("u = 1 + z if z > 0", "(z > 0) * u = (z > 0) * (1 + z)"),
        ("u = 1 + z, z > 0", "(z > 0) * u = (z > 0) * (1 + z)"),
        (r"u = 1 + z \quad z > 0", "(z > 0) * u = (z > 0) * (1 + z)"),
        ("dZ[Z <= 0] = 0 * Z", "(Z <= 0) * dZ = (Z <= 0) * (0 * Z)"),
        ("u = z, x > 0", "(x > 0) * u = (x > 0) * z"),
        ("u = (x - z) for k = l", "u = x - z"),
        ("z[l] = y for l = L", "z[L] = y"),
        ("z[l] = y for l = 1, …, L", "z[l] = y"),
        ("z[l] = y, l = 1, …, L", "z[l] = y"),
        ("z[l] = y (l = 1, …, L)", "z[l] = y"),
        ("z[l] = y for l < L", "z[l] = y"),
        ("z = x y where x is the input", "z = x y"),
        ("z = x y since it is linear", "z = x y"),
        ("Using the chain rule, z = x y", "z = x y"),
        ("u = z > 0", "u = (z > 0)"),
        ("(c) z = x y", "z = x y"),
        ("z = x y   # the product", "z = x y"),
        ("z = x y // the product", "z = x y"),
        ("z = x y      (n_1 × m) = (n_1 × n_0)(n_0 × m)", "z = x y"),
        ("z = x y (n_1 × m)", "z = x y"),
        ("z = x y      [3 x 4]", "z = x y"),
        ("z = x y      (12)", "z = x y"),
        ("z = x y      bilinear", "z = x y"),
        (r"z = x \\ & + y", "z = x + y"),
        (r"z = x \quad + y", "z = x + y"),
    ],
)
def test_what_else_is_said(written: str, plain: str) -> None:
    assert tree(written) == tree(plain), exact(tree(written))


@pytest.mark.parametrize(
    "written",
    ["L = -ln a for y = 1", "z = x y where x = 3", "a[z < 0] *= 0.01", "square L = (a - y)^2"],
)
def test_what_is_not_understood_is_not_left_out(written: str) -> None:
    with pytest.raises(FormulaError):
        read(written)


def test_a_comparison_at_the_end_may_be_a_remark() -> None:
    first, second = read("a = sigma(z) > 0")
    assert first.equation == tree("a = (sigma(z) > 0)")
    assert second.equation == tree("a = sigma(z)")
    assert "says more" in second.note


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("z = x y      a = g(z)", ["z = x y", "a = g(z)"]),
        ("z = x y  a = g(z)", ["z = x y", "a = g(z)"]),
        ("z = x y\ta = g(z)", ["z = x y", "a = g(z)"]),
        ("z = x y,    a = g(z),   u = v", ["z = x y,", "a = g(z),", "u = v"]),
        ("W -= α dW    b -= α db", ["W -= α dW", "b -= α db"]),
        ("z  =  x y   +  b", ["z  =  x y   +  b"]),
        ("dW  = dZ  A[0]ᵀ = dZ Xᵀ", ["dW  = dZ  A[0]ᵀ = dZ Xᵀ"]),
        ("sum(dZ,   axis = 1,   keepdims = True)", ["sum(dZ,   axis = 1,   keepdims = True)"]),
        ("r(x)  =  x      if x > 0", ["r(x)  =  x      if x > 0"]),
    ],
)
def test_columns(line: str, found: list[str]) -> None:
    assert columns(line) == found


@pytest.mark.parametrize("written", ["z = x y   a = g(z)", r"z &= x y & a &= g(z)", "z = x y => a = g(z)"])
def test_equations_side_by_side_are_two(written: str) -> None:
    assert [r[0].equation for r in read_all(written)] == [tree("z = x y"), tree("a = g(z)")]
    with pytest.raises(FormulaError, match="2 statements"):
        read(written)


# Quantities by the names that people give them ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("dW2 = dZ2 * A1' / m", "dW[2] = dZ[2] · A[1].T / m"),
        ("u = X'(X b - y)", "u = X.T (X b - y)"),
        ("z = w'x + b", "z = w.T x + b"),
        ("db = sum(dZ, 2) / m", "db = sum(dZ, axis=1, keepdims=True) / m"),
        ("dW2 = torch.mm(dZ2, A1.t()) / m", "dW[2] = (dZ[2] @ A[1].T) / m"),
        ("dW2 = tf.matmul(dZ2, A1, transpose_b=True)", "dW[2] = dZ[2] @ A[1].T"),
        ("grads['W2'] = dZ2.dot(A1.T) / m", "dW[2] = (dZ[2] @ A[1].T) / m"),
        ("self.grads['dW2'] = x @ grads.b1", "dW[2] = x @ db[1]"),
        (r"u = \operatorname{where}\left(x < 1, 2, 3\right)", "u = where(x < 1, 2, 3)"),
        ("W1 = W1 - lr * W1.grad", "W[1] = W[1] - alpha * dW[1]"),
        ("dZ1 = dA1 * (Z1 > 0).float()", "dZ[1] = dA[1] * (Z[1] > 0)"),
        ("grad_W1 = x", "dW[1] = x"),
        ("W1_grad = x", "dW[1] = x"),
        ("dz = da * phi_prime(z)", "dz = da * phi'(z)"),
        ("dz = da * dphi(z)", "dz = da * phi'(z)"),
        ("dZ = relu_backward(dA, Z)", "dZ = dA * relu'(Z)"),
        ("∇_W[2] J = x", "dJ/dW[2] = x"),
        ("∇W[2] = x", "dW[2] = x"),
        ("∇J(w) = x", "dJ(w)/dw = x"),
        (r"\nabla_W \frac12 \|W x\|^2 = y", "d/dW (1/2 ||W x||^2) = y"),
        ("x ⊘ y", "x / y"),
        (r"x \oslash y", "x / y"),
        ("u_i (1 - h_i) h_i (1 - h_i)", "((u_i (1 - h_i)) (h_i)) (1 - h_i)"),
        (r"h (r - v)^\top + g(x - y)^\top", "(h) (r - v).T + (g(x - y)).T"),
        ("h_in = y_pred - y_true", "h_in = yhat - y"),
        (r"\frac{\partial E}{\partial net_k} = out_k", "dE/d(net_k) = out_k"),
        (r"\frac{\partial E}{\partial d} = p - t", None),
        ("dW^[2] = dZ^[2] A^[1]T", "dW[2] = dZ[2] A[1].T"),
        ("dW2 = dZ2 A1T", "dW[2] = dZ[2] A[1].T"),
        ("∂L/∂W² = δ² a¹ᵀ", "dL/dW[2] = delta[2] a[1].T"),
        ("z = <w, x> + b", "z = (w · x) + b"),
        (r"z = \langle w, x \rangle + b", "z = (w · x) + b"),
        ("eᶻⁱ/Σⱼeᶻʲ", "exp(z_i) / sum_j exp(z_j)"),
        ("e^z_i + e^{-z}", "exp(z_i) + exp(-z)"),
        ("e^{(l)} = x y", "e^{[l]} = x y"),
        ("(¾, ½)", "(0.75, 0.5)"),
        ("dE/dnet_j = x", "dE/d(net_j) = x"),
        ("dZ1 = dA1 * g1'(Z1)", "dZ[1] = dA[1] * g[1]'(Z[1])"),
        ("relu(z) = max{0, z}", "relu(z) = max(0, z)"),
        ("J(θ) = h_θ(x)", "J(theta) = h_{theta}(x)"),
        (r"\frac{{\rm d} L}{{\rm d} z} = x", "dL/dz = x"),
        (r"{W^{[2]}}^T x = W^{[2]^T} x", "W[2].T x = W[2].T x"),
        (r"\underbrace{\frac{\partial L}{\partial z}}_{\delta} = x", "dL/dz = x"),
        (r"w^l_{jk} = \frac{\partial C}{\partial w^l_{jk}}", "w[l][j,k] = dC/dw[l][j,k]"),
        (r"\text{hidden}^T x = \text{hidden} W_2", None),
        (r"\mathbf{1}_{[z > 0]} x", "(z > 0) x"),
        (r"\bar y = \frac1n\sum y_i", "ybar = 1/n sum y_i"),
        (r"Z[l] = W[l] A[l-1] \odot x", "Z[l] = W[l] A[l-1] ∘ x"),
        ("KL(p||q) = x", "KL(p, q) = x"),
        ("db = np.mean(dZ, axis=-1)", "db = mean(dZ, axis=1)"),
        ("A = F.relu(Z)", "A = relu(Z)"),
        ("dW = dZ @ A.transpose(0, 1)", "dW = dZ @ A.T"),
        ("dW = u[:, None] * v[None, :]", "dW = outer(u, v)"),
        ("dW = np.sum(u[:, None, :] * v[None, :, :], axis=2)", "dW = u @ v.T"),
        ("dW = (u[:, :, None] * v[:, None, :]).mean(0)", "dW = u.T @ v / shape(u, 0)"),
        ("with torch.no_grad(): W2 -= lr * W2.grad", "W[2] = W[2] - alpha * dW[2]"),
        ("dW2 = torch.autograd.grad(J, W2)[0]", "dW[2] = dJ/dW[2]"),
        ("Z = torch.addmm(b, W, X)", "Z = b + W @ X"),
        ("Z = np.tensordot(W, X, axes=1)", "Z = W @ X"),
        ("db = np.add.reduce(dZ, axis=1, keepdims=True) / m", "db = sum(dZ, axis=1, keepdims=True) / m"),
        ("log y^_k + (y^ - y)", "log(yhat_k) + (yhat - y)"),
    ],
)
def test_names(written: str, plain: str | None) -> None:
    if plain is not None:
        assert tree(written) == tree(plain), exact(tree(written))
    else:
        assert {"d", "hidden"} & {part.name for part in tree(written).parts if isinstance(part, Symbol)}


@pytest.mark.parametrize(
    "written",
    [
        "w_new = w - eta * dw",
        "w_new = w_old - eta * dw",
        r"w_{new} = w_{old} - \eta * dw",
        r"w^{\text{new}} = w^{\text{old}} - \eta * dw",
        r"w_{t+1} = w_t - \eta * dw_t",
        r"w^{(t+1)} = w^{(t)} - \eta * dw",
        r"w^{t+1} = w^t - \eta * dw",
        r"w_{t} = w_{t-1} - \eta * dw",
        "w' = w - eta * dw",
        "w^+ = w - eta * dw",
    ],
)
def test_steps(written: str) -> None:
    assert standard(written) == tree("w <- w - eta * dw"), exact(standard(written))


def test_what_looks_like_a_step_and_is_none() -> None:
    for written in ("a_{t+1} = a_t - x", "w_{t+1} = x - w_t", "z[l+1] = z[l] - x"):
        assert standard(written) == tree(written)


@pytest.mark.parametrize(
    "written",
    [
        r"W^{[l]} \in \mathbb{R}^{n_l \times m}",
        "W[l] ∈ ℝ^{n_l × m}",
        "W[l] ∈ R^(n_l x m)",
        "W[l].shape = (n_l, m)",
        "assert W[l].shape == (n_l, m)",
        "dim(W[l]) = n_l × m",
        "W[l]: n_l x m",
        "W[l]: shape (n_l, m)",
    ],
)
def test_sizes(written: str) -> None:
    assert standard(written) == standard("shape(W[l]) = (n_l, m)")


def test_a_matrix_with_commas_and_semicolons() -> None:
    assert tree("[1, 2; 3, 4]") == tree("[[1, 2], [3, 4]]")
    with pytest.raises(FormulaError, match="different lengths"):
        read("[1, 2; 3]")


def test_a_display_in_an_array_is_no_matrix() -> None:
    rows = r"\begin{array}{rcl} z &=& x y \\ a &=& g(z) \end{array}"
    assert [r[0].equation for r in read_all(rows)] == [tree("z = x y"), tree("a = g(z)")]


def test_sizes_of_an_example_and_sets_are_refused() -> None:
    with pytest.raises(FormulaError, match="numbers"):
        read("W.shape = (3, 4)")
    with pytest.raises(FormulaError, match="membership"):
        read(r"\eta \in \mathbb{R}")
    assert tree("x ∈ ℝ^n") == tree("shape(x) = (n, 1)")


def test_numbers_above_letters_are_layers_where_they_are_no_powers() -> None:
    assert tree("z¹ = W¹ x + b¹") == tree("z[1] = W[1] x + b[1]")
    assert tree("δˡ = (wˡ⁺¹)ᵀ δˡ⁺¹") == tree("delta[l] = (w[l+1]).T delta[l+1]")
    first, second = read("δ³ = a - y")
    assert first.equation == tree("delta[3] = a - y")
    assert "powers" in second.note
    assert [r.note for r in read("u = 1 - a²")] == [""]
    square = Binary("^", Symbol("a"), Number(Fraction(2)))
    assert tree("u = 1 - a²") == Equation((Symbol("u"), Binary("-", Number(Fraction(1)), square)), ("=",))


def test_layers_from_the_last() -> None:
    assert standard("A[-1] = x") == standard("A[L] = x")
    assert standard("A[-2] = x") == standard("A[L-1] = x")
    assert standard("A[-l] = x") == standard("A[L-l+1] = x")


def test_layers_before_and_behind() -> None:
    assert standard("dA_prev = W.T @ dZ") == standard("dA[l-1] = W[l].T @ dZ[l]")
    assert standard(r"dW = \frac{1}{m} dZ A_{prev}^T") == standard(r"dW[l] = 1/m dZ[l] A[l-1].T")
    assert standard("Z[2] = W[2] A_prev") == tree("Z[2] = W[2] A_prev")


def test_a_loss_of_two_equal_quantities_stays_one() -> None:
    loss = standard("J = L(y, y)").children[1]
    assert isinstance(loss, Call)
    assert standard("J = L(yhat, y)").children[1] == Symbol("L")
    above = Letters(layer="parentheses")
    assert canonical(tree("J = L⁽ᵏ⁾", letters=above), above).children[1] == Symbol("L", None, Symbol("k"))


@pytest.mark.parametrize(
    "mark",
    [
        "(a')", "(b'')", "a')", "a’)", "1')", "(i')", "(2*)", "b2)", "(iii)", "[3]", "Step 2:", "Step 2.", "Q3:", "1.",
        "(2.1)", "(4.3a)", "•", "(*)", "(†)", "BP1:", "(BP1)", "A)", "iv.", "Aufgabe 3a)", "Part (b):", "Eq. (3):",
        "(1) (a)", "ad (a):", "> (c)",
    ],
)  # fmt: skip
def test_the_mark_of_a_list_is_no_part_of_the_formula(mark: str) -> None:
    assert read(f"{mark} dz = a - y") == read("dz = a - y")
    assert read(rf"{mark} \delta^{{[2]}} = a^{{[2]}} - y") == read(r"\delta^{[2]} = a^{[2]} - y")


@pytest.mark.parametrize("text", ["(a) + b = c", "(a b) c = d", "- x = y", "2.1 x = y", "w (a) = b", "(T) x = y"])
def test_operands_in_brackets_are_no_marks(text: str) -> None:
    assert without_marks(text) == text


def test_marks_are_found_at_every_line_and_row() -> None:
    assert len(read_all("(a') x = 1\n(b') y = 2")) == 2
    rows = read_all(r"\begin{aligned} (i) & x = 1 \\ (ii) & y = 2 \end{aligned}")
    assert [r[0].equation.sides[0] for r in rows] == [Symbol("x"), Symbol("y")]


@pytest.mark.parametrize(
    "written",
    [
        "for l = L, L-1, ..., 1: dW[l] = dZ[l] @ A[l-1].T",
        "for l in range(L, 0, -1): dW[l] = dZ[l] @ A[l-1].T",
        r"\forall l: \quad dW^{[l]} = dZ^{[l]} A^{[l-1]T}",
        "∀ l: dW[l] = dZ[l] @ A[l-1].T",
    ],
)
def test_the_head_of_a_loop_is_no_part_of_the_formula(written: str) -> None:
    assert tree(written).sides[0] == tree("dW[l] = 1").sides[0]


def test_conditions_joined_by_and() -> None:
    plain = tree("d = where((k == i) (u == j), 1, 0)")
    assert tree("d = 1 if k = i and u = j else 0") == plain
    assert tree("r(z) = 1 if z > 0 and 0 otherwise") == tree(CASES)
    cases = tree(r"d = \begin{cases} 1 & k = i \text{ and } u = j \\ 0 & \text{otherwise} \end{cases}")
    assert len({x for x in cases.parts if isinstance(x, Call) and x.function == Symbol("kronecker")}) == 2


def test_a_layer_that_is_told_behind_the_formula() -> None:
    assert tree("dC/dW[L] = dZ[L] for L = 3") == tree("dC/dW[3] = dZ[3]")
