"""Products and what they end: ∇ and log before several factors, inner products, positive parts, parts of arrays.

The right column is written by hand in brackets that leave no choice; both columns are read, and their trees are equal.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from chainrule.errors import FormulaError
from chainrule.notation import Letters, canonical, read
from chainrule.notation.formula import At, Binary, Call, Formula, Index, Number, Partial, Range, Slice, Symbol


def tree(written: str) -> Formula:
    equation = read(written)[0].equation
    return equation if len(equation.sides) > 1 else equation.sides[0]


A, B, C, W, X = (Symbol(name) for name in "ABCWX")
x, w = Symbol("x"), Symbol("w")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"\nabla_x x^\top A x", r"\frac{\partial (x^\top A x)}{\partial x}"),
        (r"\nabla_x x^\top x = 2 x", r"\frac{\partial (x^\top x)}{\partial x} = 2 x"),
        (r"\partial_w w^\top x", r"\frac{\partial (w^\top x)}{\partial w}"),
        (r"\nabla_a C \odot \sigma'(z)", r"\frac{\partial C}{\partial a} \odot \sigma'(z)"),
        (r"\nabla_x \hat y \nabla_y L", r"\frac{\partial \hat y}{\partial x} \frac{\partial L}{\partial y}"),
        (r"\nabla_x f(x) g", r"\frac{\partial f(x)}{\partial x} g"),
        (r"\nabla_W a^\top W b", r"\frac{\partial (a^\top W b)}{\partial W}"),
        (r"\log \frac{1}{2} e^{-z}", r"\log (\frac{1}{2} e^{-z})"),
        (r"y \log a + (1 - y) \log (1 - a)", r"y \log(a) + (1 - y) \log(1 - a)"),
        (r"[z]_+", r"\mathrm{relu}(z)"),
        (r"(W x + b)_+", r"\mathrm{relu}(W x + b)"),
        (r"(W x)^+", r"\mathrm{relu}(W x)"),
        (r"z^{[1]}_+", r"\mathrm{relu}(z^{[1]})"),
        ("a = z_+ + 1", "a = relu(z) + 1"),
    ],
)
def test_what_an_operator_is_taken_of(written: str, plain: str) -> None:
    assert tree(written) == tree(plain)


def test_log_of_one_factor_and_of_all() -> None:
    found = {r.equation.sides[0] for r in read(r"\ln a_k t_k")}
    assert found == {tree(r"\ln(a_k) t_k"), tree(r"\ln(a_k t_k)")}


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("A : B", (A, B)),
        (r"\langle A, B \rangle", (A, B)),
        (r"\langle A, B \rangle_F", (A, B)),
        ("A : B C", (A, Binary(" ", B, C))),
        (r"\frac{\partial J}{\partial W} : W", (Partial(Symbol("J"), W), W)),
    ],
)
def test_inner_products_of_matrices(written: str, parts: tuple[Formula, ...]) -> None:
    assert tree(written) == Call(Symbol("inner"), parts)


def test_the_second_derivative_as_a_sign() -> None:
    L, z = Symbol("L"), Symbol("z")
    assert tree(r"\nabla^2_z L") == tree(r"\nabla_z^2 L") == Call(Symbol("hessian"), (L, z))
    assert tree(r"\nabla^2 f") == Call(Symbol("hessian"), (Symbol("f"),))
    assert tree(r"\mathrm{d}\operatorname{tr}(X)") == Call(Symbol("d"), (Call(Symbol("tr"), (X,)),))


@pytest.mark.parametrize("written", [r"f : x \to y", "lambda x: x"])
def test_colons_that_are_no_products(written: str) -> None:
    with pytest.raises(FormulaError):
        read(written)


ONE_BESIDE = tree("hstack(1, X)")


@pytest.mark.parametrize(
    "written",
    [
        "[ones(m, 1) X]",
        "[ones(m, 1), X]",
        "[ones(size(X, 1), 1) X]",
        "np.hstack([np.ones((m, 1)), X])",
        "np.hstack((np.ones((m, 1)), X))",
        "np.c_[np.ones(m), X]",
        "np.column_stack([np.ones(m), X])",
        "np.concatenate([np.ones((m, 1)), X], axis=1)",
        "np.concatenate((np.ones((m, 1)), X), axis=-1)",
        "np.insert(X, 0, 1, axis=1)",
        "np.insert(X, 0, values=np.ones(m), axis=1)",
        "np.append(np.ones((m, 1)), X, axis=1)",
        "torch.cat([torch.ones(m, 1), X], dim=1)",
    ],
)
def test_a_column_of_ones_beside_a_matrix(written: str) -> None:
    assert tree(written) == ONE_BESIDE


@pytest.mark.parametrize("written", ["[ones(1, m); X]", "np.vstack([np.ones((1, m)), X])", "np.r_[np.ones((1, m)), X]"])
def test_a_row_of_ones_above_a_matrix(written: str) -> None:
    assert tree(written) == tree("vstack(1, X)")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("J = 1/m * (-y' * log(h) - (1 - y)' * log(1 - h))", "J = 1/m * (-y.T · log(h) - (1 - y).T · log(1 - h))"),
        ("E = (y - t)' * (y - t)", "E = (y - t).T · (y - t)"),
        ("(y - t)'(y - t)", "(y - t).T (y - t)"),
        ("d3' * a2", "d3.T · a2"),
        ("p' * q", "p.T · q"),
        ("dz = da * g'(z)", "dz = da * g.prime(z)"),
    ],
)
def test_the_prime_of_matlab(written: str, plain: str) -> None:
    assert tree(written) == tree(plain)


@pytest.mark.parametrize("written", ["(f*g)' = f'*g + f*g'", "(u*v)' = u'*v + u*v'"])
def test_the_prime_of_calculus(written: str) -> None:
    with pytest.raises(FormulaError, match="a prime behind a bracket"):
        read(written)


def test_the_gradient_of_a_program() -> None:
    assert tree("theta = theta - alpha * grad") == tree("theta = theta - alpha * (grad)")
    step = canonical(read("theta -= lr * grad")[0].equation, Letters())
    assert Symbol("grad") in step.parts
    assert tree("Theta1_grad") == tree(r"d\Theta_1") == tree("grad_Theta1")
    assert read("db2 = d.sum(axis=0)", syntax="code")[0].equation.sides[1] == tree("sum(d, axis=0)")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"(g \circ h)(x)", "g(h(x))"),
        (r"(\sigma \circ g \circ h)(x)", r"\sigma(g(h(x)))"),
        (r"\mathcal{E}[w]", "E(w)"),
        (r"h^{(k-1)} (\nabla_a J)^\top", r"h^{(k-1)} \cdot (\nabla_a J)^\top"),
        ("db = 1/m dZ 1", "db = 1/m dZ ones"),
        ("db = 1/m dZ 1_m", "db = 1/m dZ ones"),
        ("z[L][i] = w_i[L] . a[L-1]", "z[L][i] = w[L][i] . a[L-1]"),
        ("dW_ij[l] = dz_i[l] * a_j[l-1]", "dW[l][i,j] = dz[l][i] * a[l-1][j]"),
        ("dL/dw[j] = (a - y)*x[j]", "dL/dw_j = (a - y)*x_j"),
    ],
)
def test_what_is_written_in_several_ways(written: str, plain: str) -> None:
    same = {" ": "·"}

    def without_signs(f: Formula) -> Formula:
        return f.mapped(lambda p: Binary(same.get(p.sign, p.sign), p.left, p.right) if isinstance(p, Binary) else p)

    assert without_signs(tree(written)) == without_signs(tree(plain))


def test_d_with_a_layer_is_a_letter() -> None:
    three = Number(Fraction(3))
    assert tree(r"d^{[3]}") == Symbol("d", three)
    assert Symbol("d", three) in [r.equation.sides[0] for r in read(r"d^{(3)} = \hat y - y")]


def test_a_list_without_commas() -> None:
    assert tree("A[l] = [a[l](1) ... a[l](m)]") == tree("A[l] = [a[l](1), ..., a[l](m)]")


def test_a_slope_at_a_place() -> None:
    place = tree("dg/dz(h(x))")
    assert isinstance(place, At)
    assert place.place == tree("h(x)")


def test_zeros_like_what_stands_beside_them() -> None:
    found = read("dZ1 = torch.where(Z1 > 0, dH, torch.zeros_like(dH))")[0].equation
    assert found == read("dZ1 = np.where(Z1 > 0, dH, 0)")[0].equation


def test_an_upright_d_may_be_a_small_change() -> None:
    found = read(r"\mathrm{d}A = \tanh'(Z) \odot \mathrm{d}Z")
    assert found[0].equation.sides[0] == Symbol("dA")
    assert found[-1].note == "an upright d is a small change"
    changed = canonical(found[-1].equation, Letters())
    assert changed.children[0] == Call(Symbol("d"), (A,))
    assert canonical(read(r"\mathrm{d}W = \mathrm{d}Z A")[-1].equation, Letters()).children[0] == Call(
        Symbol("d"), (W,)
    )
    assert len(read("dA = tanh.prime(Z) * dZ")) == 1


def test_a_sum_of_values_is_transposed_and_one_of_functions_differentiated() -> None:
    assert tree(r"\frac12 (y - t)'(y - t)") == tree(r"\frac12 (y - t)^T (y - t)")
    assert tree("(1 - x)' = -1") == tree(r"\frac{\partial (1 - x)}{\partial x} = -1")
    assert tree("(x^n)' = 1") == tree(r"\frac{\partial (x^n)}{\partial x} = 1")
    with pytest.raises(FormulaError, match="a prime behind a bracket"):
        read(r"(x^2 + a)' = 2 x \cdot 1")


def test_ones_keep_their_sizes() -> None:
    assert tree("ones(p, 1)") == Call(Symbol("ones"), (Symbol("p"), Number(Fraction(1))))


def test_a_bracket_behind_a_denominator_is_the_place() -> None:
    assert tree("dg/dz(x)") == At(Partial(Symbol("g"), Symbol("z")), x)
    assert tree("ds(z)/dz") == Partial(Call(Symbol("s"), (Symbol("z"),)), Symbol("z"))


@pytest.mark.parametrize(
    ("written", "entries"),
    [
        ("Theta2[:, 1:]", (Slice(), Range(Number(Fraction(1)), None))),
        ("Theta2(:, 2:end)", (Slice(), Range(Number(Fraction(1)), None))),
        ("theta[1:]", (Range(Number(Fraction(1)), None),)),
        ("theta(2:end)", (Range(Number(Fraction(1)), None),)),
        ("x[:3]", (Range(None, Number(Fraction(3))),)),
    ],
)
def test_parts_of_arrays(written: str, entries: tuple[Formula, ...]) -> None:
    found = tree(written)
    assert isinstance(found, Index)
    assert found.entries == entries
