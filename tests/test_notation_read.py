"""Formulas as people write them, read into trees that were written by hand."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction

import pytest

from chainrule.errors import FormulaError
from chainrule.notation import Letters, canonical, read, read_all
from chainrule.notation.formula import (
    Array,
    At,
    Binary,
    Bound,
    Call,
    Cases,
    Dots,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)


def n(value: int | str) -> Number:
    return Number(Fraction(value))


def sym(name: str, layer: Formula | None = None, sample: Formula | None = None, prime: int = 0) -> Symbol:
    return Symbol(name, layer, sample, prime)


def b(left: Formula, sign: str, right: Formula) -> Binary:
    return Binary(sign, left, right)


def at(name: str, *entries: Formula, layer: Formula | None = None, sample: Formula | None = None) -> Index:
    return Index(sym(name, layer, sample), entries)


def call(function: Formula | str, *arguments: Formula, names: tuple[str, ...] = ()) -> Call:
    return Call(sym(function) if isinstance(function, str) else function, arguments, names)


i, j, k, el, m, x, y, z, a = (sym(c) for c in "ijklmxyza")
W, A, L = sym("W"), sym("A"), sym("L")
below, above = b(el, "-", n(1)), b(el, "+", n(1))
one, two = n(1), n(2)
third = b(n(1), "/", m)
backward = b(Transpose(sym("W", above)), "@", sym("dZ", above))


def eq(left: Formula, right: Formula) -> Equation:
    return Equation((left, right), ("=",))


TREES: list[tuple[str, Formula]] = [
    # NumPy-like text
    ("dW[2] = 1/m * dZ[2] @ A[1].T",
     eq(sym("dW", two), b(b(third, "*", sym("dZ", two)), "@", Transpose(sym("A", one))))),
    ("np.dot(W, x)", b(W, "@", x)),
    ("dZ[l].dot(A[l-1].T)", b(sym("dZ", el), "@", Transpose(sym("A", below)))),
    ("np.multiply(a, y)", b(a, "∘", y)),
    ("np.outer(y, a)", call("outer", y, a)),
    ("np.sum(dZ, axis=1, keepdims=True)", call("sum", sym("dZ"), one, sym("True"), names=("axis", "keepdims"))),
    ("dZ.sum(axis=1)", call("sum", sym("dZ"), one, names=("axis",))),
    ("np.transpose(W)", Transpose(W)),
    ("g[l].prime(Z[l])", call(sym("g", el, prime=1), sym("Z", el))),
    ("f.prime(x)", call(sym("f", prime=1), x)),
    ("g[l].prime(z[l][i])", call(sym("g", el, prime=1), at("z", i, layer=el))),
    ("W[l][k,:]", at("W", k, Slice(), layer=el)),
    ("(A.T)[k,j]", Index(Transpose(A), (k, j))),
    ("(W @ A.T)[i,j]", Index(b(W, "@", Transpose(A)), (i, j))),
    ("y[k]", at("y", k)),
    ("w[l][k,j]", at("w", k, j, layer=el)),
    ("a[l](i)", sym("a", el, i)),
    ("dz[l](k)[i]", at("dz", i, layer=el, sample=k)),
    ("x(i)", sym("x", None, i)),
    ("dL/dz[l][k]", Partial(L, at("z", k, layer=el))),
    ("da[l]/da[l-1]", Partial(sym("a", el), sym("a", below))),
    ("dz/m", b(sym("dz"), "/", m)),
    ("1/m * dL/da", b(third, "*", Partial(L, a))),
    ("dL(k)/dW", Partial(sym("L", None, k), W)),
    ("d(x*y)/dx", Partial(b(x, "*", y), x)),
    ("d/dx ln(x)", Partial(call("ln", x), x)),
    ("d/dx[x**2] + 1", b(Partial(b(x, "^", two), x), "+", one)),
    ("dL = dL/dz * d(z)", Equation((sym("dL"), b(Partial(L, z), "*", call("d", z))), ("=",))),
    ("sum_k x*y", Sum(b(x, "*", y), (Bound(k),))),
    ("sum_{k=1}^{n_l} y[k]", Sum(at("y", k), (Bound(k, one, at("n", el)),))),
    ("sum_{k,j} W[k,j]", Sum(at("W", k, j), (Bound(k), Bound(j)))),
    ("sum(x - y)", call("sum", b(x, "-", y))),
    ("2**-x", b(n(2), "^", Negate(x))),
    ("x**y**z", b(x, "^", b(y, "^", z))),
    ("||y - yhat||^2", b(call("norm", b(y, "-", sym("yhat"))), "^", two)),
    ("|x|", call("abs", x)),
    ("u . v", b(sym("u"), "·", sym("v"))),
    ("[a, ..., y]", Array((a, Dots(), y), 3)),
    ("[[1, 2], [3, 4]]", Array((n(1), n(2), n(3), n(4)), 2)),
    ("[x; y]", Array((x, y), 1)),
    ("[[x], [y]]", Array((x, y), 1)),
    ("W * (x)|_{x=y}", b(W, "*", At(x, eq(x, y)))),
    ("dW2 = dZ2", Equation((sym("dW", two), sym("dZ", two)), ("=",))),
    ("x1 + z1", b(at("x", one), "+", sym("z", one))),
    ("W -= alpha * dW", Equation((W, b(W, "-", b(sym("alpha"), "*", sym("dW")))), ("<-",))),
    ("z = wx + y", Equation((z, b(b(sym("w"), " ", x), "+", y)), ("=",))),
    ("y_hat - eps_i", b(sym("yhat"), "-", at("epsilon", i))),
    ("h_theta(x(i))", call(at("h", sym("theta")), sym("x", None, i))),
    ("df/dx(x) = dg/dz |_{z=y}",
     eq(At(Partial(sym("f"), x), x), At(Partial(sym("g"), z), eq(z, y)))),
    ("0.5 * x + .25 + 1e-2", b(b(b(n("1/2"), "*", x), "+", n("1/4")), "+", n("1/100"))),
    ("dA[l] (per sample, as before)", sym("dA", el)),
    # Unicode
    ("∂L/∂W[2]", Partial(L, sym("W", two))),
    ("∂z_k/∂W_ij · δ_ki", b(Partial(at("z", k), at("W", i, j)), "·", at("delta", k, i))),
    ("Σ_i x ∘ y", Sum(b(x, "∘", y), (Bound(i),))),
    ("W[2]ᵀ ⊗ σ′(z)", b(Transpose(sym("W", two)), "⊗", call(sym("sigma", prime=1), z))),
    ("ŷ − x²", b(sym("yhat"), "-", b(x, "^", two))),
    ("W₁₂ ⊙ W⁽ˡ⁾", b(at("W", one, two), "∘", sym("W", el))),
    ("ε_i ≈ y⁻¹", Equation((at("epsilon", i), b(y, "^", Negate(one))), ("≈",))),
    # LaTeX
    (r"d W_{ij}^{[\ell]} = d z_i^{[\ell]} a_j^{[\ell-1]} } \tag{1}",
     Equation((at("dW", i, j, layer=el), b(at("dz", i, layer=el), " ", at("a", j, layer=below))), ("=",))),
    (r"A^{[\ell -1]T}", Transpose(sym("A", below))),
    (r"\mathbf{a}^{[l-1]}^T", Transpose(sym("a", below))),
    (r"{W^{[l]}}^\top", Transpose(sym("W", el))),
    (r"W^{\mathsf T}", Transpose(W)),
    (r"d z^{[\ell](1)}", sym("dz", el, one)),
    (r"g'^{[l]}(Z^{[l]})", call(sym("g", el, prime=1), sym("Z", el))),
    (r"g^{[\ell]}{}'(z_i)", call(sym("g", el, prime=1), at("z", i))),
    (r"g^{[\ell]{}'}(z)", call(sym("g", el, prime=1), z)),
    (r"g^{[l]\prime}(\mathbf{z}^{[l]})_k", Index(call(sym("g", el, prime=1), sym("z", el)), (k,))),
    (r"\sigma^{\prime}(z)", call(sym("sigma", prime=1), z)),
    (r"\frac{\partial C}{\partial z_k^{[\ell]}}", Partial(sym("C"), at("z", k, layer=el))),
    (r"\frac{dg}{dz}", Partial(sym("g"), z)),
    (r"\frac{d}{dx}[\ln x] y", b(Partial(call("ln", x), x), " ", y)),
    (r"\frac{\partial}{\partial w} x y", Partial(b(x, " ", y), sym("w"))),
    (r"\frac{\partial W x + y}{\partial x}", Partial(b(b(W, " ", x), "+", y), x)),
    (r"\frac{\partial L(\hat y, \theta)}{\partial a_i}", Partial(call("L", sym("yhat"), sym("theta")), at("a", i))),
    (r"\frac1m x", b(third, " ", x)),
    (r"\sum_{k,j=1}^{n_l} z_{kj}", Sum(at("z", k, j), (Bound(k, one, at("n", el)), Bound(j, one, at("n", el))))),
    (r"-\sum \left[y\right]", Negate(Sum(y))),
    (r"\sum - y", Sum(Negate(y))),
    (r"(ZA^T)_{ij}", Index(b(sym("Z"), " ", Transpose(A)), (i, j))),
    (r"(W^{[l]T})_{i:}", Index(Transpose(sym("W", el)), (i, Slice()))),
    (r"w_{1n_{l-1}}", at("w", one, at("n", below))),
    (r"e^{-z}", call("exp", Negate(z))),
    (r"\ln \frac{x}{y}", call("ln", b(x, "/", y))),
    (r"y_k \cdot \log y_k", b(at("y", k), "·", call("log", at("y", k)))),
    (r"\log^2 x", b(call("log", x), "^", two)),
    (r"[\ln x]'", Partial(call("ln", x), x)),
    (r"\|\mathbf{y} - \hat{\mathbf{y}}\|^2", b(call("norm", b(y, "-", sym("yhat"))), "^", two)),
    (r"\sqrt{1 + x^2}", call("sqrt", b(one, "+", b(x, "^", two)))),
    (r"\mathrm{np.sum}(dZ, \text{axis = 1}, \text{keepdims = True})",
     call("sum", sym("dZ"), one, sym("True"), names=("axis", "keepdims"))),
    (r"\text{sum}(((A * Z), \text{axis} = 1))", call("sum", b(A, "*", sym("Z")), one, names=("axis",))),
    (r"\begin{bmatrix} x & y \\ 1 & 2 \end{bmatrix}", Array((x, y, one, two), 2)),
    (r"\begin{pmatrix} \vdots & & \vdots \\ x^{(1)} & \dots & x^{(m)} \\ \vdots & & \vdots \end{pmatrix}",
     Array((sym("x", None, one), Dots(), sym("x", None, m)), 3)),
    (r"\begin{cases} x & (\text{if small}) \\ y & \text{otherwise} \end{cases}",
     Cases((x, y), ("if small", "otherwise"))),
    (r"\frac{dg}{dz}(z) \Big|_{z=h(x)}", At(At(Partial(sym("g"), z), z), Equation((z, call("h", x)), ("=",)))),
    (r"\underbrace{x y}_{\text{both}} \cdot z", b(b(x, " ", y), "·", z)),
    (r"\boxed{db_i = \epsilon_i} \quad - (3)", Equation((at("db", i), at("epsilon", i)), ("=",))),
    (r"(1) \quad x &= y \quad \blacksquare", Equation((x, y), ("=",))),
    (r"W \leftarrow W - \alpha\, dW", Equation((W, b(W, "-", b(sym("alpha"), " ", sym("dW")))), ("<-",))),
    (r"x \rightarrow y \neq z", Equation((x, y, z), ("->", "!="))),
    (r"x : = y \coloneqq z", Equation((x, y, z), (":=", ":="))),
    (r"&= y", Equation((sym(""), y), ("=",))),
    (r"\therefore x = y.", Equation((x, y), ("=",))),
    (r"\text{overall accuracy} = 1", Equation((sym("overall_accuracy"), one), ("=",))),
    (r"注意到： $$x - y$$ 最终", b(x, "-", y)),
    (r"\nabla L(a)", Partial(call("L", a), a)),
    (r"\nabla L", call("nabla", L)),
    (r"W_{ij}^{[l]T}", Index(Transpose(sym("W", el)), (i, j))),
    (r"a(1 - a)", b(a, " ", b(one, "-", a))),
    (r"\frac{dL}{dx} dx", b(Partial(L, x), " ", sym("dx"))),
    (r"L(\hat y = a, y)", call("L", Equation((sym("yhat"), a), ("=",)), y)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), TREES, ids=[t for t, _ in TREES])
def test_reads_as_written_by_hand(text: str, tree: Formula) -> None:
    equation = read(text)[0].equation
    expected = tree if isinstance(tree, Equation) and tree.relations else Equation((tree,))
    assert equation == expected


SECOND = Letters(
    layer="subscript",
    component="superscript",
    rename={"z_i": "a[i-1]", "a_i": "z[i]", "W_i": "W[i]", "epsilon_i": "dz[i]", "delta_i": "da[i]", "f": "g[i]"},
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (r"z_{i-1}^k", at("z", k, layer=b(i, "-", one))),
        (r"W_{i-1}^{jk}", at("W", j, k, layer=b(i, "-", one))),
        (r"W_{i-1}^{11}", at("W", one, one, layer=b(i, "-", one))),
        (r"W_{i-1}^{T1}", Index(Transpose(sym("W", b(i, "-", one))), (one,))),
        (r"W_{i-1}^T \cdot \epsilon_i", b(Transpose(sym("W", b(i, "-", one))), "·", sym("epsilon", i))),
        (r"x^2", b(x, "^", two)),
        (r"f'(a_i)", call(sym("f", prime=1), sym("a", i))),
        (r"dW_i", sym("dW", i)),
    ],
)
def test_layers_below_and_components_above(text: str, tree: Formula) -> None:
    assert read(text, letters=SECOND)[0].equation.sides[0] == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (r"z_{i-1}^k", at("a", k, layer=b(i, "-", two))),
        (r"z_2", sym("a", one)),
        (r"a_i^1", at("z", one, layer=i)),
        (r"\epsilon_i", sym("dz", i)),
        (r"\delta_i \circ f'(a_i)", b(sym("da", i), "∘", call(sym("g", i, prime=1), sym("z", i)))),
        (r"\frac{\partial L(\hat{y}, \theta)}{\partial a_i}", Partial(L, sym("z", i))),
        (r"b_{i-1+1}", sym("b", i)),
        (r"b_{2-1}", sym("b", one)),
        (r"W_{N-1-i+2}", sym("W", b(b(sym("N"), "-", i), "+", one))),
    ],
)
def test_canonical_renames_and_simplifies_layers(text: str, tree: Formula) -> None:
    assert canonical(read(text, letters=SECOND)[0].equation, SECOND).children[0] == tree


def test_canonical_keeps_what_varies_in_a_loss() -> None:
    plain = Letters()
    kept = read(r"L(\dots, W + \epsilon, \dots)")[0].equation
    assert canonical(kept, plain) == kept
    sample = read("L(yhat(i), y(i))")[0].equation
    assert canonical(sample, plain).children[0] == sym("L", None, i)
    assert canonical(read("n_{l-1}")[0].equation, plain).children[0] == sym("n", below)


def test_layers_in_parentheses() -> None:
    letters = Letters(layer="parentheses")
    for text in ("a(L)", r"a^{(L)}", "a⁽ᴸ⁾", "a[L]"):
        assert read(text, letters=letters)[0].equation.sides[0] == sym("a", L)
    assert read("a0(L)", letters=letters)[0].equation.sides[0] == at("a", n(0), layer=L)
    assert read(r"a^{(l)(i)}", letters=letters)[0].equation.sides[0] == sym("a", el, i)
    # Weights have no samples, so that a number in parentheses beside them is a layer.
    found = read(r"\frac{\partial a^{(3)}}{\partial W^{(3)}}")
    assert found[0].equation.sides[0] == Partial(sym("a", n(3)), sym("W", n(3)))
    assert len(found) == 2
    assert "samples" in found[1].note


def test_differentials_are_small_changes() -> None:
    tree = read(r"dL = \frac{\partial L}{\partial g} dg", letters=Letters(differentials=True))[0].equation
    assert tree.sides == (call("d", L), b(Partial(L, sym("g")), " ", call("d", sym("g"))))


def test_declared_functions() -> None:
    assert read("theta(x)")[0].equation.sides[0] == b(sym("theta"), " ", x)  # a parameter is a factor
    assert read("q(x)")[0].equation.sides[0] == call("q", x)
    assert read("q (x)")[0].equation.sides[0] == b(sym("q"), " ", x)
    assert read("q(x)", letters=Letters(functions=frozenset({"q"})))[0].equation.sides[0] == call("q", x)
    declared = Letters(functions=frozenset({"act"}))
    assert read("act'(x)", letters=declared)[0].equation.sides[0] == call(sym("act", prime=1), x)


def sides(text: str) -> list[tuple[Formula, str]]:
    return [(r.equation.sides[0], r.note) for r in read(text)]


def test_the_scope_of_a_sum() -> None:
    (first, none), (second, note) = sides(r"\sum_i y \ln a + x")
    term = b(y, " ", call("ln", a))
    assert first == b(Sum(term, (Bound(i),)), "+", x)
    assert second == Sum(b(term, "+", x), (Bound(i),))
    assert none == ""
    assert "covers all terms" in note
    assert len(sides(r"\sum_i (y - a)^2 + x")) == 1
    assert len(sides(r"\sum_i y a")) == 1


def test_a_power_behind_a_function() -> None:
    (first, _), (second, note) = sides(r"\ln(1+x)^{-1}")
    inside = b(one, "+", x)
    assert first == b(call("ln", inside), "^", Negate(one))
    assert second == call("ln", b(inside, "^", Negate(one)))
    assert "argument" in note
    assert len(sides(r"\sigma(x)^2")) == 1


def test_a_matrix_product_and_an_entry_by_entry_product() -> None:
    right = call(sym("g", el, prime=1), sym("Z", el))
    for text, product in (
        ("W[l+1].T @ dZ[l+1] * g[l].prime(Z[l])", "@"),
        (r"W^{[l+1]T} \cdot dZ^{[l+1]} * g'^{[l]}(Z^{[l]})", "·"),
        (r"W^{[l+1]T} dZ^{[l+1]} * g'^{[l]}(Z^{[l]})", " "),
    ):
        (first, _), (second, note) = sides(text)
        transposed, upper = Transpose(sym("W", above)), sym("dZ", above)
        assert first == b(b(transposed, product, upper), "*", right)
        assert second == b(transposed, product, b(upper, "*", right))
        assert "entry-by-entry" in note
    for text in (
        "1/m * dZ @ A.T",
        "alpha * W @ x",
        "(W.T @ dZ) * Z",
        "sum_k dz[l+1][k] * W[l+1][k,i] * x",
        r"\frac{1}{m} dZ A^T",
        r"W_{ij} a_j * y_k",
    ):
        assert len(sides(text)) == 1, text


def test_a_quotient_without_parentheses() -> None:
    (first, _), (second, note) = sides("1/2x")
    assert first == b(b(one, "/", two), " ", x)
    assert second == b(one, "/", b(two, " ", x))
    assert "below the bar" in note
    assert len(sides("1/2 x")) == 1
    assert len(sides("1/m dZ A")) == 1
    assert sides("x/ln(y)") == [(b(x, "/", call("ln", y)), "")]


def test_a_derivative_used_as_an_operator() -> None:
    (first, _), (second, note) = sides(r"\frac{\partial L}{\partial w} [yz - x]")
    inside = b(b(y, " ", z), "-", x)
    assert first == b(Partial(L, sym("w")), " ", inside)
    assert second == Partial(inside, sym("w"))
    assert "what follows" in note


def test_number_of_readings_is_bounded() -> None:
    text = " + ".join([r"\sum_i x \ln(y)^{2} W \cdot A * z"] * 8)
    found = read(text)
    assert 2 <= len(found) <= 8
    assert len({r.equation for r in found}) == len(found)


def test_several_statements() -> None:
    display = r"""\begin{aligned} \mathbf{a}^{[0]} &= \mathbf{x} \\ \mathbf{z}^{[1]} &= \mathbf{W}^{[1]} \cdot
        \mathbf{a}^{[0]} \\ &\vdots \\ &= y \quad \text{and} \quad x = y, \quad y = z \end{aligned}"""
    found = [r[0].equation for r in read_all(display)]
    assert [len(e.sides) for e in found] == [2] * 5
    assert found[2] == Equation((sym(""), y), ("=",))
    assert len(read_all("A[0] = X; z = y\nx = y")) == 3
    assert [r[0].equation.sides[0] for r in read_all("where $x = y$, and $y = z$ as before")] == [x, y]
    assert read_all("nothing but prose here") == []
    with pytest.raises(FormulaError, match="2 statements"):
        read("x = y; y = z")


def test_mentions_beside_one_equation_do_not_count() -> None:
    assert read(r"for $W$ we get $x = y$ here")[0].equation == Equation((x, y), ("=",))
    with pytest.raises(FormulaError, match="statements"):
        read(r"it is enough to know $dA$ and $dZ$")


@pytest.mark.parametrize(
    "text",
    [
        r"x = y }", r"x = y \]", r"x = y$$", r"x = y \\", "x = y \\", r"& x = y", r"\[ x = y", r"x = y, \quad",
        "x = y.", r"\boxed{ x = y", r"x = y \\ d\mathbf{b} = (d", r"\begin{aligned} x &= y",
    ],
)  # fmt: skip
def test_fragments_cut_out_of_a_page(text: str) -> None:
    assert read(text)[0].equation == Equation((x, y), ("=",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no formula"),
        ("x = ", "must follow"),
        ("x ** ", "nothing follows"),
        ("(x", "is open"),
        ("x)", "closes"),
        ("(x]", "closes"),
        ("x + * y", "cannot stand there"),
        (r"\lim x", "limit needs"),
        (r"\foo x", "not read"),
        ("((((a = b", "is open"),
        ("x <= y", "inequality"),
        ("(x < y < z)", "chain of inequalities"),
        (r"\frac{\partial^3 L}{\partial z^3}", "higher derivative"),
        ("x = 1, 2, 3", "comma"),
        ("the loss is small", "no formula"),
        ("the loss x is small", "prose"),
        ("∂x∂f", "outside a fraction"),
        ("().__class__", "no operation"),
        ("__import__('os')", "program text"),
        ("x.__class__", "no operation"),
        ("lambda x: x", "colon"),
        ("eval(x)", "program text"),
        ("open('x')", "quotation"),
        ("1e999999", "too large"),
        ("9" * 301, "too large"),
        ("10**10**10", "exponent"),
        ("x^{1000}", "exponent"),
        ("(" * 100 + "x" + ")" * 100, "nested"),
        ("{" * 100 + "x" + "}" * 100, "nested"),
        (r"\frac{" * 100 + "x" + "}{y}" * 100, "nested"),
        ("x" + "*x" * 5000, "signs"),
        ("x" + "*x" * 500, "more than"),
        ("x" + "+x" * 500, "more than"),
        ("x" + ".T" * 500, "twelve"),
        ("x" + "'" * 500, "twelve"),
        ("x" + "**x" * 500, "deep"),
        ("x " * 50_001, "characters"),
        ("[x y]'", "which"),
        ("1 2", "two numbers"),
        ("C=i∑(x)", "before its sign"),
    ],
    ids=lambda s: s[:20],
)
def test_refused_with_one_sentence(text: str, said: str) -> None:
    begin = time.process_time()
    with pytest.raises(FormulaError, match=said) as caught:
        read(text)
    assert time.process_time() - begin < 1
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_only_text_is_read() -> None:
    with pytest.raises(FormulaError, match="text"):
        read(b"x")  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match="syntax"):
        read("x", syntax="word")  # type: ignore[arg-type]


def test_a_pattern_must_be_a_letter() -> None:
    bad = Letters(rename={"x + y": "z"})
    with pytest.raises(FormulaError, match="letter"):
        canonical(x, bad)


def test_a_line_is_read_in_two_milliseconds() -> None:
    text = "dW[l] = 1/m * dZ[l] @ A[l-1].T + x"
    read(text)
    best = min(_timed(text) for _ in range(20))
    assert best < 0.002


def _timed(text: str) -> float:
    begin = time.process_time()
    read(text)
    return time.process_time() - begin


def test_the_parser_library_is_loaded_by_the_first_formula_only() -> None:
    code = "import sys, chainrule.notation; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- functions before sums, conditions as numbers, second derivatives ---


def greater(u: Formula, v: Formula) -> Formula:
    return call("greater", u, v)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"\ln \sum_i x_i", call("ln", Sum(Index(x, (i,)), (Bound(i),)))),
        (r"\log\sum_{i} x_i", call("log", Sum(Index(x, (i,)), (Bound(i),)))),
        (r"\ln \frac{x}{y}", call("ln", b(x, "/", y))),
        (r"\ln \sum_i x_i - y", b(call("ln", Sum(Index(x, (i,)), (Bound(i),))), "-", y)),
        (r"\max_i x_i", Call(Index(sym("max"), (i,)), (Index(x, (i,)),))),
        (r"\prod_i x_i y", Call(Index(sym("prod"), (i,)), (b(Index(x, (i,)), " ", y),))),
        ("y * (x > 0)", b(y, "*", greater(x, n(0)))),
        ("y * (x >= 0).astype(float)", b(y, "*", call("greater_equal", x, n(0)))),
        ("np.where(x < y, x, y)", call("where", call("less", x, y), x, y)),
        (r"\mathbb{1}[x > 0]", greater(x, n(0))),
        (r"\mathbb 1_{x > 0}", greater(x, n(0))),
        (r"1_{\{x \leq y\}}", call("less_equal", x, y)),
        (r"\mathbf{1}\left(x > y\right)", greater(x, y)),
        (r"\mathbb{1}_{i=j}", call("kronecker", i, sym("j"))),
        ("np.square(x)", b(x, "^", two)),
        ("np.maximum(0, x)", call("maximum", n(0), x)),
        (r"{g^{[1]}}'(x)", Call(Symbol("g", one, None, 1), (x,))),
        (r"\left(g^{[1]}\right)'(x)", Call(Symbol("g", one, None, 1), (x,))),
        (r"\frac{\partial^2 L}{\partial x^2}", Partial(Partial(L, x), x)),
        (r"\frac{\partial^2 L}{\partial x \partial y}", Partial(Partial(L, y), x)),
        (r"\frac{d^2}{dx^2} x", Partial(Partial(x, x), x)),
    ],
    ids=lambda s: s[:30] if isinstance(s, str) else "",
)
def test_conditions_sums_and_second_derivatives(text: str, wanted: Formula) -> None:
    assert sides(text) == [(wanted, "")]


def test_where_an_equation_is_said_to_hold() -> None:
    holds = greater(x, n(0))
    assert read("x = y, x > 0")[0].equation == Equation((b(holds, "*", x), b(holds, "*", y)), ("=",))
    with pytest.raises(FormulaError, match="inequality"):
        read("x > 0")


def test_a_letter_that_stands_for_one_with_a_layer_has_its_layer_above() -> None:
    letters = Letters(layer="superscript", rename={"H": "A", "S": "Z", "R": "dZ", "T": "Y"})
    for theirs, ours in (
        ("R^3 = H^3 - T", "dZ^{[3]} = A^{[3]} - Y"),
        ("S^l = W^l H^{l-1} + b^l", "Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}"),
        ("J = T^2", "J = Y^2"),
    ):
        found = canonical(read(theirs, letters=letters, syntax="latex")[0].equation, letters)
        assert found == canonical(read(ours, syntax="latex")[0].equation, Letters()), theirs
