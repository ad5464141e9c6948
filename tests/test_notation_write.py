"""Written formulas: the fewest parentheses, the style's letters, and the same meaning when they are read back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.derivation import derive
from chainrule.graph import text as graph_text
from chainrule.meaning.world import World
from chainrule.notation import canonical, write
from chainrule.notation.formula import (
    Binary,
    Bound,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Sum,
    Symbol,
    Transpose,
)
from chainrule.notation.from_graph import formula, symbol
from chainrule.notation.read import read
from chainrule.notation.style import NOTATIONS, Style, shifted

L = Symbol("l")
PLAIN = Style(plain=True)


def number(x: int | str) -> Number:
    return Number(Fraction(x))


def at(name: str, layer: int | Formula = L, prime: int = 0) -> Symbol:
    return Symbol(name, number(layer) if isinstance(layer, int) else layer, None, prime)


BEFORE, AFTER = shifted(L, -1), shifted(L, 1)
MEAN = Binary("/", number(1), Symbol("m"))
dW = Equation((at("dW"), Binary("·", MEAN, Binary("@", at("dZ"), Transpose(at("A", BEFORE))))), ("=",))
dz = Equation(
    (at("dz"), Binary("∘", Binary("@", Transpose(at("W", AFTER)), at("dz", AFTER)), Call(at("g", L, 1), (at("z"),)))),
    ("=",),
)
ROW, COL, K = Symbol("i"), Symbol("j"), Symbol("k")
ENTRY = Equation(
    (
        Index(at("dW"), (ROW, COL)),
        Binary("·", MEAN, Sum(Binary("·", Index(at("dZ"), (ROW, K)), Index(at("A", BEFORE), (COL, K))), (Bound(K),))),
    ),
    ("=",),
)


@pytest.mark.parametrize(
    ("equation", "style", "text", "latex"),
    [
        (dW, Style(), "dW[l] = 1/m · dZ[l] A[l-1]ᵀ", r"dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T}"),
        (dW, PLAIN, "dW[l] = 1/m * dZ[l] @ A[l-1].T", r"dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T}"),
        (
            dW,
            Style("leibniz"),
            "∂C/∂W[l] = 1/m · (∂L/∂Z[l]) A[l-1]ᵀ",
            r"\frac{\partial C}{\partial W^{(l)}} = \frac{1}{m} \frac{\partial L}{\partial Z^{(l)}} A^{(l-1)T}",
        ),
        (
            dz,
            Style(),
            "dz[l] = W[l+1]ᵀ dz[l+1] * g[l]'(z[l])",
            r"dz^{[l]} = W^{[l+1]T} dz^{[l+1]} * g^{[l]\prime}(z^{[l]})",
        ),
        (
            dz,
            Style("delta"),
            "ε_l = W_{l+1}ᵀ ε_{l+1} ∘ f'_l(a_l)",
            r"\epsilon_l = W_{l+1}^T \epsilon_{l+1} \circ f_l'(a_l)",
        ),
        (
            ENTRY,
            Style("components"),
            "∂C/∂W[l][i, j] = 1/m · Σ_k (∂L/∂Z[l][i, k]) · A[l-1][j, k]",
            r"\frac{\partial C}{\partial W_{ij}^{[l]}} = \frac{1}{m} \sum_k "
            r"\frac{\partial L}{\partial Z_{ik}^{[l]}} A_{jk}^{[l-1]}",
        ),
    ],
)
def test_styles(equation: Equation, style: Style, text: str, latex: str) -> None:
    assert write.text(equation, style) == text
    assert write.latex(equation, style) == latex


def test_numbers_and_signs() -> None:
    x, y = Symbol("x"), Symbol("y")
    assert write.text(Binary("-", x, Binary("-", x, y)), PLAIN) == "x - (x - y)"
    assert write.text(Binary("+", x, Negate(y)), PLAIN) == "x + (-y)"
    assert write.text(Binary("/", x, Binary("*", x, y)), PLAIN) == "x / (x * y)"
    assert write.text(Binary("^", Negate(x), number(2)), PLAIN) == "(-x) ** 2"
    assert write.text(Negate(Binary("^", x, number(2))), PLAIN) == "-x ** 2"
    assert write.text(number("0.7071067811865475"), PLAIN) == "0.7071067811865475"
    assert write.text(number("1/3"), PLAIN) == "1/3"
    assert write.latex(Binary("·", number(2), number(3))) == r"2 \cdot 3"
    assert write.latex(Binary("^", at("A", 1), number(2))) == "(A^{[1]})^2"
    assert write.latex(Call(Symbol("exp"), (Negate(x),))) == "e^{-x}"
    assert write.latex(Call(Symbol("log"), (Symbol("Yhat"),))) == r"\ln(\hat{Y})"
    assert write.latex(Partial(Symbol("L"), Symbol("x"))) == r"\frac{\partial L}{\partial x}"
    assert write.text(Symbol("\ue000")) == write.latex(Symbol("\ue000")) == "\ue000"


SQUARE = "4-4:tanh-4:sigmoid-4"  # equal widths: every product of two quantities has a shape
WORLD = World.of_network(SQUARE, "quadratic", m=4, seed=3)
LEAVES = [at(n, k) for n in ("W", "A", "Z", "dZ", "dA") for k in (1, 2)] + [
    at("b", 2),
    number(2),
    number("1/2"),
    Symbol("m"),
]


def _trees(children: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "∘", "@", "/"]), children, children),
        st.builds(lambda x, y: Binary("·", x, y), st.sampled_from([number(2), number("1/2"), MEAN]), children),
        st.builds(Negate, children),
        st.builds(Transpose, st.sampled_from(LEAVES[:10])),
        st.builds(lambda x: Binary("^", x, number(2)), children),
        st.builds(lambda n, x: Call(Symbol(n), (x,)), st.sampled_from(["tanh", "exp", "sigmoid", "step"]), children),
        st.builds(lambda x, a: Call(Symbol("sum"), (x, number(a)), ("axis",)), children, st.sampled_from([0, 1])),
    )


@settings(max_examples=150, deadline=None)
@given(tree=st.recursive(st.sampled_from(LEAVES), _trees, max_leaves=7), style=st.sampled_from(["ng", "leibniz"]))
def test_read_back_it_has_the_same_value(tree: Formula, style: Any) -> None:
    try:
        wanted = WORLD.value(tree).array
    except Exception:
        return
    for used in (Style(style), Style(style, plain=True)):
        for printed, syntax in ((write.text(tree, used), "text"), (write.latex(tree, used), "latex")):
            values = []
            for reading in read(f"x = {printed}", syntax=syntax, letters=used.letters):  # type: ignore[arg-type]
                meant = canonical(reading.equation, used.letters)
                assert isinstance(meant, Equation)
                try:
                    values.append(WORLD.value(meant.sides[-1]).array)
                except Exception:
                    continue
            assert any(
                v.shape == wanted.shape and abs(v - wanted).max() <= 1e-9 * max(abs(wanted).max(), 1e-300)
                for v in values
            ), printed


def test_plain_text_is_what_a_derivation_prints() -> None:
    """The record's templates and this writer agree, but for squares, which the templates write as products."""
    d = derive("4-3:sigmoid-2:softmax")
    names = {d[n]: symbol(n) for n in reversed(list(d))}
    names.update({node: symbol(n) for n, node in d.names.items() if node not in names})
    for n in d:
        assert f"{n} = {write.text(formula(d[n], names, inside=True), PLAIN)}" == d.equation(n)


def test_a_repetition_whose_size_counts_is_written() -> None:
    d = derive("sum(A @ B)", "A")
    assert graph_text(d["dA"]) == "1 @ B.T"  # the templates do not show that 1 is a matrix of ones
    assert write.text(formula(d["dA"]), PLAIN) == "ones(p, r) @ B.T"


@pytest.mark.parametrize("notation", NOTATIONS)
def test_letters_read_back_into_the_names_of_the_library(notation: Any) -> None:
    style = Style(notation)
    for f in (at("W"), at("A", 2), at("z"), at("b", AFTER)):
        for printed in (write.text(f, style), write.latex(f, style)):
            found = [canonical(r.equation, style.letters) for r in read(printed, letters=style.letters)]
            assert any(isinstance(x, Equation) and x.sides[0] == f for x in found), printed
