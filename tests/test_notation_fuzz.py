"""Reading survives everything: soups of signs, trees printed in full parentheses, cut and doubled pieces."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.errors import FormulaError
from chainrule.notation import Letters, canonical, read, read_all
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
    Slice,
    Sum,
    Symbol,
    Transpose,
)

SIGNS = r"""
W b Z A dW dZ x y z a yhat dL L J g f sigma ln exp np. np.sum np.dot sum sum_k sum_{k=1}^{m} Σ ∂ ∂L/∂W d/dx [l]
[l-1] [2] [i,:] (i) ( ) [ ] { } ^ ^2 ^T ^{ _{ _ _i ** * @ · ∘ ⊗ / + - = := <- -> ≈ != , ; : . ... .T .prime .dot
' ′ ² ᵀ ₁ | || 1 0.5 1e3 12 \frac \frac{ \dfrac12 \partial \sum \sum_{k} \left( \right) \left[ \right] \Big|_{
\big| \mathbf \mathbf{ \text{ \hat \hat{y} \hat{ \ell \alpha \odot \cdot \begin{bmatrix} \end{bmatrix}
\begin{cases} \end{cases} \begin{aligned} & \\ \quad \tag{1} \boxed{ \underbrace{ } \| \sqrt \sqrt{ \ln \log
\exp \nabla \prime \top $ $$ \[ \] \( \text{and} \text{if} axis=1 for where \lim \Rightarrow \leftarrow \dots
\vdots 注意 … ½ δ \mathrm{np.sum} \operatorname{ __ # " lambda
"""
PIECES = list(SIGNS.split())
LETTERS = [
    Letters(),
    Letters(layer="parentheses"),
    Letters(layer="subscript", component="superscript", rename={"z_i": "a[i-1]", "f": "g[i]"}),
    Letters(differentials=True),
]
soup = st.lists(st.one_of(st.sampled_from(PIECES), st.just(" ")), max_size=40).map("".join)
QUIET = settings(deadline=None, max_examples=600, suppress_health_check=list(HealthCheck))


def survives(text: str, letters: Letters) -> None:
    begin = time.process_time()
    sentences: list[str] = []
    for reader in (read, read_all):
        for syntax in ("auto", "text", "latex"):
            try:
                found = reader(text, syntax=syntax, letters=letters)  # type: ignore[operator]
            except FormulaError as error:
                sentences.append(str(error))
                continue
            readings = found if reader is read else [r for several in found for r in several]
            assert all(isinstance(r.equation, Equation) for r in readings)
            for r in readings:
                canonical(r.equation, letters)
    assert time.process_time() - begin < 6  # six readings of one second each
    assert all(s and "\n" not in s for s in sentences)


@QUIET
@given(soup, st.sampled_from(LETTERS))
def test_soups_of_signs(text: str, letters: Letters) -> None:
    survives(text, letters)


@settings(QUIET, max_examples=200)
@given(st.text(max_size=60), st.sampled_from(LETTERS))
def test_any_text(text: str, letters: Letters) -> None:
    survives(text, letters)


@settings(QUIET, max_examples=60)
@given(st.sampled_from(PIECES), st.sampled_from(PIECES), st.integers(1, 1500))
def test_long_repetitions(first: str, second: str, times: int) -> None:
    survives((first + second) * times, LETTERS[0])


LINES = [
    r"d W^{[\ell]} = \frac{1}{m} d Z^{[\ell]}  A^{[\ell -1]T}} \tag{2}",
    r"d b^{[\ell]} =\frac{1}{m} \sum_{i=1}^m d z^{[\ell](i)} =\frac{1}{m}\mathrm{np.sum}(dZ^{[\ell]}, \text{axis = 1})",
    r"\frac{df}{dx}(x) = \frac{dg}{dz}(z) \Big|_{z=h(x)} \cdot \frac{dh}{dx}(x)",
    r"d\mathbf{a}^{[L]} &= \begin{cases} \mathbf{y} - a & (\text{softmax}) \\ y & \text{else} \end{cases}",
    "dz[l][i] = sum_k dz[l+1][k] * W[l+1][k,i] * g[l].prime(z[l][i])",
    "∂L/∂W[2] = 1/m · dZ[2] A[1]ᵀ − Σ_k ||y − ŷ||²",
]


@settings(QUIET, max_examples=200)
@given(st.sampled_from(LINES), st.integers(0, 120), st.integers(0, 120), st.integers(0, 120))
def test_lines_cut_and_doubled(line: str, begin: int, end: int, repeat: int) -> None:
    survives(line[min(begin, end) : max(begin, end)], LETTERS[0])
    survives(line[:repeat] + line[min(begin, end) :], LETTERS[0])


# --- hostile input -------------------------------------------------------------------------------------------------

HOSTILE = [
    "x" * 100_000,
    "(" * 10_000 + "x" + ")" * 10_000,
    "{" * 9_999,
    r"\frac{" * 3_000,
    "x^{" * 6_000,
    "x^" * 8_000 + "x",
    "1" * 15_000,
    "1e" + "9" * 10_000,
    "x ** 10 ** 10 ** 10",
    "a" * 6_006 + " = = b",
    "\\" + "a" * 15_000 + " = x",
    "x." + "b" * 15_000,
    "np." + "c" * 15_000 + "(x)",
    "__" + "a" * 15_000,
    "x.__class__.__mro__",
    "x > " * 4_000 + "y",
    "1_{" * 50 + "x > 0" + "}" * 50,
    r"x = " + r"\sum_{i} " * 300 + "x",
    "ln " * 3_000 + "x",
    "x" + "\n" * 15_000 + "= y",
    "'" * 15_000,
    r"\begin{cases}" * 1_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda s: s[:12])
def test_hostile_input_ends_in_a_short_sentence(text: str) -> None:
    for reader in (read, read_all):
        begin = time.process_time()
        said = ""
        try:
            reader(text)
        except FormulaError as error:
            said = str(error)
        assert time.process_time() - begin < 1
        assert len(said) < 260
        # of the formula itself no run of more than 80 characters comes back
        assert not any(text[k : k + 80] in said for k in range(0, min(len(text) - 80, 200)))


# --- random trees, printed with every parenthesis ------------------------------------------------------------------

names = st.sampled_from(["W", "b", "Z", "A", "dW", "dZ", "z", "a", "da", "delta"])
numbers = st.integers(0, 99).map(lambda v: Number(Fraction(v)))
layers = st.one_of(
    st.integers(0, 9).map(lambda v: Number(Fraction(v))),
    st.just(Symbol("l")),
    st.sampled_from(["+", "-"]).map(lambda s: Binary(s, Symbol("l"), Number(Fraction(1)))),
)
entry = st.one_of(st.sampled_from("ijk").map(Symbol), st.integers(0, 9).map(lambda v: Number(Fraction(v))))
layered = st.builds(Symbol, names, layers)
plain = st.sampled_from(["x", "y", "yhat", "m", "alpha"]).map(Symbol)
indexed = st.builds(lambda s, e: Index(s, tuple(e)), layered, st.lists(entry, min_size=1, max_size=2))
row = st.builds(lambda s, e: Index(s, (e, Slice())), layered, entry)
leaves = st.one_of(numbers, plain, layered, indexed, row)


def bigger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    signs = st.sampled_from(["+", "-", "@", "*", "∘", "·", "⊗", "/"])
    functions = st.one_of(
        st.sampled_from(["ln", "exp", "tanh", "sigmoid"]).map(Symbol),
        st.builds(lambda e, p: Symbol("g", e, None, p), layers, st.integers(0, 1)),
    )
    power = st.builds(lambda x, v: Binary("^", x, Number(Fraction(v))), inner, st.integers(2, 9))
    return st.one_of(
        st.builds(Binary, signs, inner, inner),
        power,
        st.builds(Negate, inner),
        st.builds(lambda x: Transpose(x), inner),
        st.builds(lambda f, x: Call(f, (x,)), functions, inner),
        st.builds(lambda x, e: Sum(x, (Bound(e),)), inner, st.sampled_from("ijk").map(Symbol)),
        st.builds(Partial, st.one_of(st.just(Symbol("L")), layered, indexed), st.one_of(layered, indexed)),
    )


trees = st.recursive(leaves, bigger, max_leaves=12)


def text(f: Formula) -> str:
    """A formula as ASCII text with every parenthesis."""
    if isinstance(f, Number):
        return str(f.value)
    if isinstance(f, Symbol):
        return f.name + (f"[{text(f.layer)}]" if f.layer is not None else "") + ".prime" * f.prime
    if isinstance(f, Slice):
        return ":"
    if isinstance(f, Index):
        return f"{text(f.base)}[{','.join(text(x) for x in f.entries)}]"
    if isinstance(f, Negate):
        return f"(-{text(f.operand)})"
    if isinstance(f, Transpose):
        return f"({text(f.operand)}).T"
    if isinstance(f, Call):
        return f"{text(f.function)}({text(f.arguments[0])})"
    if isinstance(f, Sum):
        bound = f.bounds[0]
        assert isinstance(bound, Bound)
        assert bound.index is not None
        return f"(sum_{text(bound.index)} ({text(f.body)}))"
    if isinstance(f, Partial):
        return f"(∂{text(f.numerator)}/∂{text(f.denominator)})"
    assert isinstance(f, Binary)
    if f.sign == "^":
        return f"(({text(f.left)})**{text(f.right)})"
    return f"({text(f.left)} {f.sign} {text(f.right)})"


def latex(f: Formula) -> str:
    """A formula as LaTeX with every parenthesis."""
    if isinstance(f, Number):
        return str(f.value)
    if isinstance(f, Symbol):
        name = {"yhat": r"\hat{y}", "alpha": r"\alpha ", "delta": r"\delta "}.get(f.name, f.name)
        if f.name in ("ln", "exp", "tanh"):
            name = "\\" + f.name
        elif f.name == "sigmoid":
            name = r"\operatorname{sigmoid}"
        return name + "'" * f.prime + (f"^{{[{latex(f.layer)}]}}" if f.layer is not None else "")
    if isinstance(f, Slice):
        return ":"
    if isinstance(f, Index):
        return f"{latex(f.base)}_{{{','.join(latex(x) for x in f.entries)}}}"
    if isinstance(f, Negate):
        return f"(-{latex(f.operand)})"
    if isinstance(f, Transpose):
        return rf"\left({latex(f.operand)}\right)^{{\top}}"
    if isinstance(f, Call):
        return f"{latex(f.function)}({latex(f.arguments[0])})"
    if isinstance(f, Sum):
        bound = f.bounds[0]
        assert isinstance(bound, Bound)
        assert bound.index is not None
        return rf"(\sum_{{{latex(bound.index)}}} ({latex(f.body)}))"
    if isinstance(f, Partial):
        return rf"\frac{{\partial {latex(f.numerator)}}}{{\partial {latex(f.denominator)}}}"
    assert isinstance(f, Binary)
    if f.sign == "/":
        return rf"\frac{{{latex(f.left)}}}{{{latex(f.right)}}}"
    if f.sign == "^":
        return rf"({latex(f.left)})^{{{latex(f.right)}}}"
    sign = {"@": "@", "∘": r"\odot", "·": r"\cdot", "⊗": r"\otimes"}.get(f.sign, f.sign)
    return rf"({latex(f.left)} {sign} {latex(f.right)})"


def is_change(f: Formula) -> bool:
    """Whether f is dW or an entry of it, so that a quotient of two such is a derivative by the grammar."""
    base = f.base if isinstance(f, Index) else f
    return isinstance(base, Symbol) and base.name in ("dW", "dZ", "da")


def is_plain(tree: Formula) -> bool:
    parts = [f for _, f in tree.walk() if isinstance(f, Binary) and f.sign == "/"]
    return not any(is_change(f.left) and is_change(f.right) for f in parts)


@settings(QUIET, max_examples=300)
@given(trees.filter(is_plain))
def test_trees_come_back_from_text(tree: Formula) -> None:
    assert read(text(tree))[0].equation.sides == (tree,)


@settings(QUIET, max_examples=300)
@given(trees.filter(is_plain))
def test_trees_come_back_from_latex(tree: Formula) -> None:
    assert read(latex(tree), syntax="latex")[0].equation.sides == (tree,)
