"""Ways of writing that people really use, each with the formula in plain ASCII that says the same.

The right column is written by hand; both columns are read, and their trees must be equal.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from chainrule.errors import FormulaError
from chainrule.notation import Letters, canonical, read
from chainrule.notation.formula import Binary, Call, Dots, Equation, Formula, Limit, Number, Symbol
from chainrule.notation.read import Syntax
from chainrule.notation.write import exact, latex, text

# As written, and the same in plain text.
TEXT = [
    # Unicode: runs of indices, raised letters, fractions
    ("zⱼ = wⱼₖ aₖ", "z_j = w_{jk} a_k"),
    ("w⁽ˡ⁾ⱼₖ", "w^{(l)}_{jk}"),
    ("e⁻ˣ", "exp(-x)"),
    ("⅟m dZ Aᵀ", "1/m dZ A^T"),
    ("¼ x", "0.25 x"),
    # MATLAB
    ("u = (W*e) .* a .* (1 - a.^2)", "u = (W · e) ∘ a ∘ (1 - a^2)"),
    ("x ./ y", "x / y"),
    ("exp(z) ./ sum(exp(z), 1)", "exp(z) / sum(exp(z), axis=0, keepdims=True)"),
    ("db = dZ2.sum(1) / dZ2.shape[1]", "db = sum(dZ2, 1) / shape(dZ2, 1)"),
    # a matrix by one of its entries
    ("dW = [dz_i a_j]", "dW[i, j] = dz_i a_j"),
    ("dC/dW = [dC/dW_ij]", "dC/dW_ij = dC/dW_ij"),
    ("W' * e .* g'(z)", "W^T · e ∘ g'(z)"),
    # indices behind a layer
    ("dL/dW[2]_jk = dz[2]_j * a[1]_k", "dL/dW[2][j,k] = dz[2][j] * a[1][k]"),
    ("a[1]_j^2", "a[1][j]^2"),
    # 1 where a condition holds, else 0
    ("(i == j) - p_j", "kronecker(i, j) - p_j"),
    ("[i == j]", "kronecker(i, j)"),
    ("1{i = j}", "kronecker(i, j)"),
    ("(i != j)", "1 - kronecker(i, j)"),
    # two signs, limits, sums that leave out one term
    ("a + -b", "a - b"),
    ("a - -b", "a + b"),
    ("lim h→0 (f(x + h) - f(x))/h", "lim_{h -> 0} (f(x + h) - f(x)) / h"),
    ("lim_h->0 f(h)", "lim_{h -> 0} f(h)"),
    ("lim_(h → 0) f(h)", "lim_{h -> 0} f(h)"),
    # letters
    ("∂_x f", "df/dx"),
    ("df/dxn * dxn/dt", "df/dx_n * dx_n/dt"),
    ("1/m sum_i e(i)", "1/m sum_i e^{(i)}"),
    ("net_j = w_j x_j", "net_j = (w_j) (x_j)"),
    ("d_k - y_k", "(d_k) - (y_k)"),
    ("dW{l} = dZ{l} A{l-1}", "dW[l] = dZ[l] A[l-1]"),
    ("¹⁄ₘ dZ Aᵀ", "1/m dZ A^T"),
    ('"dz" = a - y', "dz = a - y"),
]
LATEX = [
    (r"\delta_j = x \bullet y", "delta_j = x ∘ y"),
    (r"(a - y) .* g'(z)", "(a - y) ∘ g'(z)"),
    (r"a .^2 ./ b", "a^2 / b"),
    (r"\partial_{o_j} l", "dl/d(o_j)"),
    (r"\frac{\partial o_j}{\partial \text{net}_j}", "d(o_j)/d(net_j)"),
    (r"\sum_{k \neq i} y_k", "sum_k ((1 - kronecker(k, i)) * y_k)"),
    (r"\sum_{k=1, k \ne i}^{K} y_k", "sum_{k=1}^{K} ((1 - kronecker(k, i)) * y_k)"),
    (r"\begin{cases} z & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}", "where(z > 0, z, 0)"),
    (r"\begin{cases} 1 & z > 0 \\ 0.1 & z \le 0 \end{cases}", "where(z > 0, 1, 0.1)"),
    (r"\begin{cases} 1 & \text{if $z_j^{[1]} > 0$} \\ 0 & \text{else} \end{cases}", "where(z[1]_j > 0, 1, 0)"),
    (r"\begin{cases} -1 & z < -1 \\ z & \text{if } z \le 1 \\ 1 & \text{else} \end{cases}",
     "where(z < -1, -1, where(z <= 1, z, 1))"),
    (r"\frac1N \mathbf{1}^{\mathsf{T}} (\hat y - y)", "1/N (ones).T (yhat - y)"),
    (r"h^\top (p - t)", "(h).T (p - t)"),
    # rows and columns of a transpose; whole rows by a dot
    (r"W^{[l]T}_{k,:} x", "(W[l].T)[k,:] x"),
    (r"W^{[l]T}_{:,k} x", "(W[l][:,k]).T x"),
    (r"W_{k,:}^T x", "(W[k,:]).T x"),
    (r"W_{k\cdot} x + W_{\bullet j} y + W_{k,*} z", "W[k,:] x + W[:,j] y + W[k,:] z"),
    (r"\frac{\partial h_j}{\partial x_k}(\mathbf{x}) u", "dh_j/dx_k(x) u"),
    (r"x = --y", "x = y"),
    (r"\begin{aligned} u &= v \\ &= w \end{aligned}", "u = v = w"),
    (r"\text{where } u = v", "u = v"),
    # a full stop that multiplies
    (r"Z^{[2]} = W^{[2]} . A^{[1]} + b^{[2]}", "Z[2] = W[2] . A[1] + b[2]"),
    (r"\frac{\partial L}{\partial w} = \frac{\partial L}{\partial a}. \frac{\partial a}{\partial z} . x",
     "dL/dw = dL/da . da/dz . x"),
    (r"Z^{[1]} = W X. (3.2)", "Z[1] = W X"),
    (r"u = \frac{a}{b}. \text{ Hence } v", "u = a/b"),
    (r"(da^{[l-1]})' = (dz^{[l]})' W^{[l]}", "da[l-1].T = dz[l].T W[l]"),
    (r"\frac1m \sum_i e^{(i)} x^{(i)T}", "1/m sum_i e(i) x(i).T"),
    (r"in_j = \sum_i w_{i,j} a_i", "in_j = sum_i w_{i,j} a_i"),
    (r"\sum_{i'} L^{(i')}", "sum_{i'} L(i')"),
    (r"z^{2(i)} + a^{l(i)}", "z[2](i) + a[l](i)"),
    (r"dW^{[l]} = \left(\frac{\partial C}{\partial W_{ij}^{[l]}}\right)_{ij}", "dW[l][i,j] = dC/dW[l][i,j]"),
    (r"A^{[l]} = [a_i^{[l](k)}]", "A[l][i,k] = a[l](k)[i]"),
    (r"z = (w x_i)", "z_i = w x_i"),
    # the brackets of Prince's activations, the weights of a layer by their two indices, entries that are displayed
    (r"h = a[f_{k-1}] \odot a'\left[f_k\right]", "h = g(f_{k-1}) ∘ g'(f_k)"),
    (r"w_{kj}^{(2)} x", "w[2][k,j] x"),
    # the slope of an activation by Leibniz and by a dot, why an equation holds
    (r"u \odot \frac{d g^{[l]}}{dz}(z^{[l]})", "u ∘ g[l]'(z[l])"),
    (r"u_k \frac{d g^{[l]}}{dz}(z^{[l]}_k)", "u_k g[l]'(z[l][k])"),
    (r"u \odot \left. \frac{d g^{[l]}}{dz} \right|_{z = a^{[l]}}", "u ∘ g[l]'(a[l])"),
    (r"\left.\frac{d\sigma(z)}{dz}\right|_{z = z^{[2]}}", "sigma'(z[2])"),
    (r"\dot{g}^{[l]}(z) \dot\sigma(z)", "g[l]'(z) sigma'(z)"),
    (r"u \overset{\text{def}}{=} v", "u := v"),
    (r"u \stackrel{(2)}{=} v", "u = v"),
    # means over the samples
    (r"\mathbb{E}[dz^{[l]} a^{[l-1]T}]", "1/m * sum_{i=1}^{m} dz[l](i) a[l-1](i).T"),
    (r"\operatorname{E}_k\left[L\right]", "1/m * sum_{k=1}^{m} L^{(k)}"),
    (r"\left\langle dz_k a_i \right\rangle", "1/m * sum_{s=1}^{m} dz^{(s)}_k a^{(s)}_i"),
    (r"\mathrm{E}[\frac{\partial L}{\partial W}]", "1/m * sum_{i=1}^{m} dL^{(i)}/dW"),
    (r"\operatorname{CE}(y, \hat y)", "CE(y, yhat)"),
    # a transpose or a prime beside the layer
    (r"W^{[l+1],T} x", "W[l+1].T x"),
    (r"W^{\top[l]} x", "W[l].T x"),
    (r"{\sigma'}(z)", "sigma'(z)"),
    (r"{g'}^{[2]}(z)", "g'[2](z)"),
    (r"w_j^T a", "(w_j) a"),
    # what a letter is applied to
    (r"\sigma\begin{pmatrix} u & v \end{pmatrix}^T", "(sigma([u, v])).T"),
    (r"\theta_h(a_h)", "theta_h(a_h)"),
    (r"\nabla_{z} L \; (a^{[1]})^\top", "(dL/dz) (a[1]).T"),
    (r"\frac{\partial}{\partial z} L (a)^\top", "(dL/dz) (a).T"),
    # e that is no number, entries, arrows of updates
    (r"2 e^T e", "2 (e).T e"),
    (r"e^2 + e", "e^2 + e"),
    (r"H^{\odot 2}", "H^2"),
    (r"p_i ([i = j] - p_j)", "p_i ((i == j) - p_j)"),
    (r"w \rightarrow w - \eta g", "w <- w - eta g"),
    (r"W \mathrel{-}= \eta D", "W -= eta D"),
    (r"\sum_i y^{(i)} a^{(i)} + (1 - y^{(i)}) b_i", "sum_i (y(i) a^{(i)} + (1 - y(i)) (b_i))"),
]  # fmt: skip
# Statements of programs, and the formulas that they are.
CODE = [
    ('grads["dW" + str(l)] = 1./m * np.dot(dZ, cache["A" + str(l-1)].T)', "dW[l] = 1/m * (dZ @ A[l-1].T)"),
    ('params[f"W{l}"] = self.W[l] - lr * dW[l]', "W[l] = W[l] - alpha * dW[l]"),
    ("dz2 = torch.mm(self.w3.t(), dz3)", "dz[2] = w[3].T @ dz[3]"),
    ("probs = exp_scores / exp_scores.sum(1, keepdims=True)", None),
    ("dz = da if z > 0 else 0", "dz = where(z > 0, da, 0)"),
    ("dZ1 = np.multiply(dA1, np.int64(A1 > 0))", "dZ[1] = dA[1] ∘ (A[1] > 0)"),
    ("dZ1 = dA1 * (Z1 > 0).astype(float)", "dZ[1] = dA[1] * (Z[1] > 0)"),
    ("db = np.sum(dZ, axis=1)[:, None]", "db = sum(dZ, axis=1, keepdims=True)"),
    ("u = v[None, :]", "u = v.T"),
    ("a = scipy.special.expit(z)", "a = sigmoid(z)"),
    ("dz = da * sigmoid_prime(z)", "dz = da * sigmoid'(z)"),
    ("dz = da * d_tanh(z)", "dz = da * tanh'(z)"),
    ("J = np.sum(y) / len(y)", "J = sum(y) / shape(y, 0)"),
    ("db = np.ones((1, N)) @ dZ", "db = (ones).T @ dZ"),
    ("W2 += -lr * dW2", "W[2] = W[2] - alpha * dW[2]"),
    ("C = np.einsum('ni,nj->ij', A, B)", "C = A.T @ B"),
    ("C = np.einsum('ij,jk->ik', A, B)", "C = A @ B"),
    ("C = np.einsum('ij,kj->ki', A, B)", "C = B @ A.T"),
    ("C = np.einsum('ij,ij->', A, B)", "C = sum(A * B)"),
    ("C = np.einsum('ij,ji->j', A, B)", "C = sum(A * B.T, axis=0)"),
    ("C = np.einsum('ij->ji', A)", "C = A.T"),
    ("C = np.einsum('i,j->ij', x, y)", "C = outer(x, y)"),
    ("c = np.einsum('ij,j->i', A, x)", "c = A @ x"),
    ("c = np.einsum('i,ij->j', x, A)", "c = A.T @ x"),
    ("w.g = x.t() @ z.g", "dw = x.T @ dz"),
    ("b.g = self.z.g.sum(0)", "db = sum(dz, 0)"),
    ("y = W.g(z)", "y = W @ g(z)"),
]


def tree(written: str, *, syntax: Syntax = "auto", letters: Letters | None = None) -> Equation:
    return read(written, syntax=syntax, letters=letters)[0].equation


@pytest.mark.parametrize(("written", "plain"), TEXT)
def test_text(written: str, plain: str) -> None:
    assert tree(written, syntax="text") == tree(plain, syntax="text"), exact(tree(written, syntax="text"))


@pytest.mark.parametrize(("written", "plain"), LATEX)
def test_latex(written: str, plain: str) -> None:
    assert tree(written, syntax="latex") == tree(plain, syntax="text"), exact(tree(written, syntax="latex"))


@pytest.mark.parametrize(("written", "plain"), [(w, p) for w, p in CODE if p is not None])
def test_code(written: str, plain: str) -> None:
    assert tree(written, syntax="code") == tree(plain, syntax="text"), exact(tree(written, syntax="code"))


def test_code_has_one_reading_and_any_word_is_a_name() -> None:
    (reading,) = read("dh = dscores.dot(W3.T) @ a * b @ exp_scores", syntax="code")
    names = {x.name for x in reading.equation.parts if isinstance(x, Symbol)}
    assert {"dscores", "exp_scores"} <= names


@pytest.mark.parametrize("operands", ["'ij,jk,kl->il', A, B, C", "'ii->i', A", "'ij,ij', A, B", "'i...,j', A, B"])
def test_einsum_that_is_no_product_is_refused(operands: str) -> None:
    with pytest.raises(FormulaError, match=r"einsum\(.*\) is not read"):
        read(f"D = np.einsum({operands})", syntax="code")


@pytest.mark.parametrize(
    ("declared", "written", "ours"),
    [
        ({"z": "z[2]"}, "dL/dz[1] + dL/dz", "dL/dz[1] + dL/dz[2]"),
        ({"a_j": "z[1][j]", "a_k": "z[2][k]"}, "a_j + sum_k a_k", "z[1][j] + sum_k z[2][k]"),
        ({"W_h": "W[1]", "W_o": "W[2]", "h": "A[1]"}, "W_o @ h + W_h", "W[2] @ A[1] + W[1]"),
        ({"d_o": "dZ[2]"}, "d_o.T", "dZ[2].T"),
        ({"h_{W,b}(x)": "yhat"}, "h_{W,b}(x(i)) - y(i)", "yhat(i) - y(i)"),
        ({}, "log(h_{w,b}(x(i))) - h_theta(x)", "log(yhat(i)) - yhat"),
        ({"varphi": "g[1]"}, "φ'(z[1])", "g[1].prime(z[1])"),
        ({"w_{ji}": "W[1][j,i]", "w_{kj}": "W[2][k,j]"}, "w_{jk} + w_{ij}", "W[2][j,k] + W[1][i,j]"),
        ({"AL": "A[2]"}, "dAL * AL", "dA[2] * A[2]"),
        ({"AL": "A[2]", "dAL": "dZ[2]"}, "dAL", "dZ[2]"),
        ({"δ₂": "dz[2]", "η": "alpha"}, "η δ₂", "alpha dz[2]"),
        ({"z_i": "a[i-1]", "N": "L+1"}, "z_{N}", "a[L]"),
        ({}, "ΔW[l] = -eta dW[l]", "W[l] <- W[l] + (-eta dW[l])"),
        ({"Delta[l]": "dZ[l]"}, "Δ[l] A", "dZ[l] A"),
        ({"ΔZ₂": "dZ[2]"}, "ΔZ₂ H", "dZ[2] H"),
        ({}, r"W^{(k)} h^{(k-1)} + b^{(k)}", "W[k] h[k-1] + b[k]"),
        ({}, r"W[l] x[l-1]", "W[l] x[l-1]"),
        ({}, r"z^{(l)} = W^{(l)} x^{(l-1)} + b^{(l)}", "z[l] = W[l] a[l-1] + b[l]"),
        ({}, r"x^{(l)} = W^{(l)} y^{(l-1)}", "x^{(l)} = W^{(l)} y^{(l-1)}"),
        ({"h": "yhat"}, "L(h_theta(x(i)), y(i))", "L(i)"),
        ({"theta[l]": "W[l+1]"}, "theta[l].T x", "W[l+1].T x"),
        ({"x^{(l)}": "a[l]", "u^{(l)}": "z[l]"}, "u^{(l)} x^{(l-1)} + x^{(i)}", "z[l] a[l-1] + x(i)"),
        ({"\\bm{x}^{(l)}": "a[l]"}, r"\bm{x}^{(l-1)}", "a[l-1]"),
        ({"a_k": "z[2][k]", "a_h": "z[1][h]"}, "sum_{k'} a_{k'} a_h", "sum_{k'} z[2][k'] z[1][h]"),
        ({"a_j": "z[1]", "a_k": "z[2]"}, "a_j = sum_i w_{ji} x_i", "z[1][j] = sum_i w[j,i] x_i"),
        ({"a_j": "z[1]", "a_k": "z[2]"}, "a_j = f(a_k)", "z[1] = f(z[2])"),
        ({}, r"W^{[l]} = [w_{11}, w_{12}]", "W[l] = [w[l][1,1], w[l][1,2]]"),
    ],
)
def test_declared_letters(declared: dict[str, str], written: str, ours: str) -> None:
    layer = "subscript" if {"δ₂", "z_i"} & declared.keys() else "brackets"
    letters = Letters(layer=layer, rename=declared)
    assert canonical(tree(written, letters=letters), letters) == canonical(tree(ours), Letters())


def test_a_superscript_on_a_declared_function_is_its_layer() -> None:
    letters = Letters(layer="superscript")
    assert tree("(f^{l-1})'(z^{l-1})", letters=letters) == tree("f[l-1].prime(z[l-1])")


def test_numbers_above_and_below_data_are_samples_and_components() -> None:
    assert tree("y^{(i)}_k", letters=Letters(layer="parentheses")) == tree("y(i)[k]")
    assert tree("y_k", letters=Letters(layer="subscript")) == tree("y[k]")


def test_limits_are_written_and_read_back() -> None:
    limit = tree(r"\lim_{\Delta x \to 0} \frac{f(x + \Delta x) - f(x)}{\Delta x} + 1", syntax="latex")
    (inner,) = [x for x in limit.parts if isinstance(x, Limit)]
    assert (inner.letter, inner.place) == (Symbol("Deltax"), Number(Fraction(0)))
    limit = tree("f'(x) = lim_{h -> 0} (f(x + h) - f(x)) / h + 1")
    for written in (exact(limit), text(limit), latex(limit)):
        assert tree(written) == limit, written


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (r"\mathbb{E}[x] = 0", "assumed or found by experiment"),
        (r"J = \mathbb{E}[W]", "differ from sample to sample"),
        (r"J = \mathbb{E}[Z]", "in small letters"),
        (r"\dot{x} = y", "a dot above"),
        (r"f'(z) = 0 \text{ otherwise}", "otherwise"),
        ("W = dZ[:, None, :] * X[None, :, :]", "three axes"),
        (r"\lim x", "a limit needs a letter"),
        (r"\lim_{h \to 0}", "nothing follows the limit"),
        (r"\lim_{h = 0} h", "a limit needs a letter"),
        (r"\lim_{2 \to 0} h", "only a letter goes"),
        ("∂_x", "taken of nothing"),
        ("W[l] @ np.ones((3, 4))", "a matrix of ones"),
    ],
)
def test_refused_with_one_sentence(written: str, said: str) -> None:
    with pytest.raises(FormulaError, match=said):
        read(written, syntax="code" if "np." in written else "auto")


def test_what_may_be_read_in_two_ways() -> None:
    for written, first, second in [
        ("A = exp(Z) ./ sum(exp(Z))", "A = exp(Z) / sum(exp(Z))", "A = exp(Z) / sum(exp(Z), axis=0, keepdims=True)"),
        (r"J = E\left[L\right]", "J = E L", "J = 1/m * sum_{i=1}^{m} L(i)"),
        ("dW2 = dz2[:, None] * a1", "dW2 = dz2 * a1", "dW2 = outer(dz2, a1)"),
        (r"W^T_{k} x", "(W_k).T x", "(W.T)_k x"),
        (r"L = \frac12 |u - v|^2", "L = 1/2 abs(u - v)^2", "L = 1/2 ||u - v||^2"),
        (r"u = (W^{[2]})^t v", "u = (W[2])^t v", "u = W[2].T v"),
    ]:
        assert [r.equation for r in read(written)] == [read(x)[0].equation for x in (first, second)], written


def test_exact_keeps_the_parentheses_that_text_drops() -> None:
    product = tree("a * (b * c)")
    assert exact(product) == "a * (b * c)"
    assert text(product) == "a * b * c"
    for written in ("x - (y - z)", "x + (y + z)", "sum_{i,j} (a_i + b_j)", "(x . y) * z", "d/dx (x^2)", "x / (y z)"):
        assert tree(exact(tree(written))) == tree(written)


def test_lists_of_gradients() -> None:
    equation = tree(r"\nabla L = (\partial L/\partial w_1, \dots, \partial L/\partial w_n)", syntax="latex")
    assert equation.children[0] == Call(Symbol("nabla"), (Symbol("L"),))
    assert equation.children[1].children == (*tree("[dL/dw_1, ..., dL/dw_n]").children[0].children,)
    assert isinstance(equation.children[1].children[1], Dots)


# A quantity written with what it depends on is the quantity, one that is applied to other things a function.
DEPENDENT = [
    (r"a(z) = \tanh(z)", "a = tanh(z)"),
    (r"z(x) = W x + b", "z = W x + b"),
    (r"\hat y(x; \theta) = \sigma(z)", r"\hat y = \sigma(z)"),
    (r"y(x, w) = \sigma(z)", r"\hat y = \sigma(z)"),
    (r"a'(z) = a(z)(1 - a(z))", r"\frac{\partial a}{\partial z} = a (1 - a)"),
    (r"a^{[1]}(z^{[1]}) = \tanh(z^{[1]})", r"a^{[1]} = \tanh(z^{[1]})"),
    (r"L(\hat y(x), y) = 3", r"L(\hat y, y) = 3"),
    (r"z_k(x) = \sum_i w_{ki} x_i", r"z_k = \sum_i w_{ki} x_i"),
]


@pytest.mark.parametrize(("written", "plain"), DEPENDENT)
def test_quantities_with_what_they_depend_on(written: str, plain: str) -> None:
    assert canonical(read(written)[0].equation, Letters()) == canonical(read(plain)[0].equation, Letters())


def test_a_quantity_that_is_applied_to_two_things_is_a_function() -> None:
    tree = canonical(read("c = a(z) - a(x)")[0].equation, Letters())
    assert len({part for part in tree.parts if isinstance(part, Call)}) == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("u(z)", Call(Symbol("u"), (Symbol("z"),))),
        ("p(y|x)", Call(Symbol("p"), (Symbol("y"), Symbol("x")))),
        (r"\rho(v)", Call(Symbol("rho"), (Symbol("v"),))),
        ("f(|x|)", Call(Symbol("f"), (Call(Symbol("abs"), (Symbol("x"),)),))),
    ],
)
def test_letters_right_before_a_letter_in_brackets_are_applied(written: str, said: Formula) -> None:
    assert read(written)[0].equation.sides[0] == said


@pytest.mark.parametrize("written", ["W(x)", "x(y)", r"\theta(x)", "a (b)", "a(1 - a)", "2(x)", "a(x_1 + x_2)"])
def test_factors_before_a_bracket(written: str) -> None:
    assert isinstance(read(written)[0].equation.sides[0], Binary)


def test_names_of_arguments_in_another_library() -> None:
    assert read("torch.sum(dZ, dim=1, keepdim=True)") == read("np.sum(dZ, axis=1, keepdims=True)")


@pytest.mark.parametrize(
    "written",
    [
        r"h_j^\mu = \sum_k w_{jk} \xi_k^\mu",
        r"\delta_k^n = y_k^n - t_k^n",
        r"E = \sum_p E^p",
        r"E_p = \sum_j (t_{pj} - o_{pj})",
        r"\Delta_p w_{ji} = \eta \delta_{pj} o_{pi}",
    ],
)
def test_bare_numbers_of_samples(written: str) -> None:
    found = canonical(read(written)[0].equation, Letters())
    numbered = [x for x in found.parts if isinstance(x, Symbol) and x.sample is not None]
    assert numbered
    assert not any(isinstance(x, Binary) and x.sign == "^" and isinstance(x.right, Symbol) for x in found.parts)


def test_declared_indices_are_no_samples() -> None:
    letters = Letters(rename={"o_{pk}": "a[2][k]", "t_{pk}": "y[k]", "E_p": "L"})
    found = canonical(read(r"E_p = \sum_k (t_{pk} - o_{pk})^2", letters=letters)[0].equation, letters)
    assert Symbol("a", Number(Fraction(2))) in found.parts


def test_powers_stay_powers() -> None:
    for written in ("x^n + y^n = z^n", "a^p b^p", "p^n (1 - p)^n"):
        tree = read(written)[0].equation
        assert canonical(tree, Letters()) == tree


@pytest.mark.parametrize(("written", "plain"), [(r"\delta^{x,l}", r"\delta^{l,x}"), (r"a^{(i),l-1}", "a^{l-1,(i)}")])
def test_sample_and_layer_above_a_letter(written: str, plain: str) -> None:
    assert read(written) == read(plain)
    letter = read(written)[0].equation.sides[0]
    assert isinstance(letter, Symbol)
    assert letter.layer is not None
    assert letter.sample is not None


def test_the_component_of_a_bracket_above_it() -> None:
    letters = Letters(component="superscript")
    assert read("(W z + b)^k", letters=letters)[0].equation.sides[0] == read("(W z + b)_k")[0].equation.sides[0]
    assert isinstance(read("(W z + b)^2", letters=letters)[0].equation.sides[0], Binary)


def test_a_declared_value_of_a_layer_is_not_applied() -> None:
    letters = Letters(rename={"h": "a"})
    assert read("h(x - y)", letters=letters)[0].equation.sides[0] == read("w(x - y)")[0].equation.sides[0].mapped(
        lambda x: Symbol("h") if x == Symbol("w") else x
    )


@pytest.mark.parametrize(
    ("written", "numbered"),
    [
        (r"C = \sum_x \|y(x) - a^L(x)\|^2", {("y", "x"), ("a", "x")}),
        (r"C_x = \|y(x) - a^L(x)\|^2", {("y", "x"), ("a", "x")}),
        (r"E = \sum_n y(x^{(n)}, w)", {("yhat", "n")}),
    ],
)
def test_quantities_of_a_sample(written: str, numbered: set[tuple[str, str]]) -> None:
    found = canonical(read(written)[0].equation, Letters())
    assert {(x.name, x.sample) for x in found.parts if isinstance(x, Symbol) and x.sample is not None} == {
        (name, Symbol(number)) for name, number in numbered
    }


def test_the_output_for_an_input_with_an_index() -> None:
    found = canonical(read(r"E = \sum_n (y(x_n, w) - t_n)^2")[0].equation, Letters())
    assert found == canonical(read(r"E = \sum_n (\hat y_n - t_n)^2")[0].equation, Letters())


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"dA^{l-1} = W^{lT} dZ^{l}", r"dA^{[l-1]} = W^{[l]T} dZ^{[l]}"),
        (r"dZ^{l} = W^{l+1 T} dZ^{l+1}", r"dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]}"),
        (r"z^{l} = w^{l+1^T} \sigma^{\prime l}(z)", r"z^{[l]} = w^{[l+1]T} \sigma'^{[l]}(z)"),
        (r"db^{L} = d \odot g^{L\prime}(Z^{L})", r"db^{[L]} = d \odot g'^{[L]}(Z^{[L]})"),
        (r"z^j = W^j a^{j-1} + b^j", r"z^{[j]} = W^{[j]} a^{[j-1]} + b^{[j]}"),
    ],
)  # fmt: skip
def test_layers_that_stand_bare_above(written: str, plain: str) -> None:
    assert tree(written) == tree(plain)


@pytest.mark.parametrize(
    ("written", "carriers"),
    [
        ("e_j(n) = d_j(n) - y_j(n)", {"e", "d", "y"}),
        (r"\frac{\partial \mathcal{E}(n)}{\partial e_j(n)} = e_j(n)", {"E", "e"}),
        (r"w(n+1) = w(n) + \eta e(n) x(n)", {"w", "e", "x"}),
        ("x = [x_1(t), x_2(t)]", set()),  # functions of t
        ("u(k) v = k", set()),
    ],
)
def test_letters_in_brackets_that_number_steps(written: str, carriers: set[str]) -> None:
    assert {x.name for x in tree(written).parts if isinstance(x, Symbol) and x.sample is not None} == carriers


@pytest.mark.parametrize(
    ("written", "said", "meant"),
    [
        (r"L_{CE} = -\ln \hat y", "", r"L = -\ln \hat y"),
        (r"L_{CE} = -\ln \hat y", "the loss is the one of that name", r"\operatorname{CE}(\hat y, y) = -\ln \hat y"),
        ("J_MSE = 1", "", "J = 1"),
        (r"\sum_i (A_i - Y_i)", "the index of the sum is that of a sample", r"\sum_i (A^{(i)} - Y^{(i)})"),
        (r"\sigma(z)_i = e^{z_i} / \sum_j z_j", "sigma is the soft-max", r"\softmax(z)_i = e^{z_i} / \sum_j z_j"),
        (r"g\begin{pmatrix} u & v \end{pmatrix} = 1", "g is a factor of the matrix behind it", None),
        (r"L = e^2", "e is a letter", None),
    ],
)  # fmt: skip
def test_what_may_be_meant_otherwise_is_read_both_ways(written: str, said: str, meant: str | None) -> None:
    found = {x.note: x.equation for x in read(written)}
    assert said in found
    assert len(found) > 1
    assert meant is None or found[said] == tree(meant.replace(r"\softmax", r"\operatorname{softmax}"))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"dw_1 += x_1^{(i)} dz^{(i)}", r"\frac{\partial L^{(i)}}{\partial w_1} = x_1^{(i)} dz^{(i)}"),
        (r"db := db + dz^{(i)}", r"\frac{\partial L^{(i)}}{\partial b} = dz^{(i)}"),
        (r"J += -\ln a^{(i)}", r"L^{(i)} = -\ln a^{(i)}"),
        (r"W := W + A B", r"W := W + A B"),
        (r"L(\hat y = a^{[L]}, y) = 1", r"L(\hat y = a^{[L]}, y) = 1"),
        (r"\delta^L = \nabla_a C", r"\delta^L = \nabla_{a^L} C"),
    ],
)
def test_what_a_statement_comes_to(written: str, plain: str) -> None:
    assert canonical(tree(written), Letters()) == canonical(tree(plain), Letters())
