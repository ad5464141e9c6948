"""What the five sources print comes out of `derive`, in each source's letters: their line, our page, and our line.

Both are read, the source's LaTeX and the LaTeX that is printed, and their trees are compared. What is put alike: the
sign of a product (a dot or nothing; `*`, ∘ and ⊙ entry by entry), the letter of a bound index, ℓ and l, and the order
of the factors of numbers. Where a source errs, its line stands here as the ledger corrects it.

What cannot be had in a source's own letters:
- the second source's general layer is `i`, ours is `l`;
- the third writes ∂L/∂a^{[l]} for vectors, which is `da^{[l]}` in style "ng" by its own dictionary; its a^{[L]} before
  a soft-max are the logits z^{[L]} here; the loss of one sample, its L, is C in style "components";
- the fourth counts rows from 0, we count from 1; its lines for a unit are those of style "components", where the
  square of a difference is (y_i - a_i)², as the third source has it;
- `keepdims=True` is not printed: a sum over the samples of a matrix has one column here anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

import chainrule as cr
from chainrule.derivation.pages import Page
from chainrule.notation import write
from chainrule.notation.formula import Binary, Bound, Call, Equation, Formula, Index, Number, Sum, Symbol
from chainrule.notation.letters import Letters
from chainrule.notation.read import read
from chainrule.notation.style import Style

LAYER = {"given": "4-3:sigmoid-1:sigmoid", "layer": "l"}
ONE = {**LAYER, "samples": "one"}
BINARY = {"given": "4-3:sigmoid-1:sigmoid", "loss": "binary_cross_entropy"}
SOFTMAX = {"given": "4-3:sigmoid-3:softmax", "loss": "cross_entropy", "samples": "one"}
SQUARES = {"given": "4-3:sigmoid-2", "loss": "quadratic", "samples": "one"}
SUMMED = {"given": "4-3:sigmoid-2:sigmoid", "loss": "sum_of_squares", "samples": "one"}
PROOFS, TWO_WAYS = {"proofs": True}, {"two_ways": True}

Case = tuple[
    str, dict[str, Any], dict[str, bool]
]  # the source's line in LaTeX, derive's arguments, the page's sections

FIRST: dict[str, Case] = {
    "(1)": (r"d W_{ij}^{[\ell]} = d z_i^{[\ell]} a_j^{[\ell-1]}", ONE, PROOFS),
    "(2)": (r"d W^{[\ell]} = \frac{1}{m} d Z^{[\ell]} A^{[\ell-1]T}", LAYER, {}),
    "(3)": (r"d z^{[\ell]} = (W^{[\ell+1]T} d z^{[\ell+1]}) * g^{[\ell]}{}'(z^{[\ell]})", ONE, {}),
    "stacked": (r"d Z^{[\ell]} = W^{[\ell+1]T} d Z^{[\ell+1]} * g^{[\ell]}{}'(Z^{[\ell]})", LAYER, {}),
    "(4)": (r"d A^{[\ell-1]} = W^{[\ell]T} d Z^{[\ell]}", LAYER, {}),
    "(5)": (r"d Z^{[\ell]} = d A^{[\ell]} * g^{[\ell]}{}'(Z^{[\ell]})", LAYER, {}),
    "db": (r"d b^{[\ell]} = \frac{1}{m} \sum_{i=1}^m d z^{[\ell](i)}", LAYER, PROOFS),
    "db, np.sum": (r"d b^{[\ell]} = \frac{1}{m} \mathrm{np.sum}(dZ^{[\ell]}, \text{axis = 1})", LAYER, {}),
    "update": (r"W^{[1]} = W^{[1]} - \alpha dW^{[1]}", BINARY, {}),
    "update of b": (r"b^{[1]} = b^{[1]} - \alpha db^{[1]}", BINARY, {}),
    "of (1)": (r"\frac{\partial z_k^{[l]}}{\partial W_{ij}^{[l]}} = \sum_u \frac{\partial W_{ku}^{[l]}}"
               r"{\partial W_{ij}^{[l]}} a_u^{[l-1]}", ONE, PROOFS),
    "of (2)": (r"d W_{ij}^{[l]} = \frac{1}{m}\sum_{k=1}^m d z_i^{[l](k)} a_j^{[l-1](k)}", LAYER, PROOFS),
    "of (3)": (r"d z_i^{[l]} = \sum_k d z_k^{[l+1]} W_{ki}^{[l+1]} g^{[l]}{}'(z_i^{[l]})", ONE, PROOFS),
    "of (4)": (r"d a_i^{[l]} = \sum_j d z_j^{[l+1]} W_{ji}^{[l+1]}", ONE, PROOFS),
}  # fmt: skip
SECOND: dict[str, Case] = {  # in the numbering of its forward pass: z_{i+1} = f_i(a_i), a_i = W_i z_i + b_i
    "(1)": (r"\epsilon_l = \delta_{l+1} \circ f_l'(a_l)", LAYER, {}),
    "(2)": (r"\delta_l = W_l^T \epsilon_l", LAYER, {}),
    "(3)": (r"db_l = \epsilon_l", LAYER, {}),
    "(4)": (r"dW_l = \epsilon_l \otimes z_l", LAYER, {}),
}
THIRD: dict[str, Case] = {
    "dz, soft-max": (r"d z^{[2]} = a^{[2]} - y", SOFTMAX, {}),  # printed y - a
    "da, squares": (r"d a^{[2]} = a^{[2]} - y", SQUARES, {}),
    "dZ of N, soft-max": (r"d Z^{[2]} = A^{[2]} - Y", {**SOFTMAX, "samples": "columns"}, {}),  # printed Y - A
    "dA of N, squares": (r"d A^{[2]} = A^{[2]} - Y", {**SQUARES, "samples": "columns"}, {}),
    "dW": (r"d W^{[l]} = (d a^{[l]} * g^{[l]\prime}(z^{[l]})) a^{[l-1]T}", ONE, PROOFS),
    "db": (r"d b^{[l]} = d a^{[l]} * g^{[l]\prime}(z^{[l]})", ONE, PROOFS),
    "da": (r"d a^{[l-1]} = W^{[l]T} \cdot (d a^{[l]} * g^{[l]\prime}(z^{[l]}))", ONE, PROOFS),
    "dW of N": (r"d W^{[l]} = \frac{1}{m} (d A^{[l]} * g^{[l]\prime}(Z^{[l]})) \cdot A^{[l-1]T}", LAYER, PROOFS),
    "db of N": (
        r"d b^{[l]} = \frac{1}{m} \text{sum}(d A^{[l]} * g^{[l]\prime}(Z^{[l]}), \text{axis = 1})",
        LAYER,
        PROOFS,
    ),
    "dA of N": (r"d A^{[l-1]} = W^{[l]T} \cdot (d A^{[l]} * g^{[l]\prime}(Z^{[l]}))", LAYER, PROOFS),
    "da_i": (r"d a_i^{[l-1]} = \sum_k d a_k^{[l]} g^{[l]\prime}(z^{[l]})_k W_{ki}^{[l]}", ONE, PROOFS),
    "W": (r"W^{[2]} \leftarrow W^{[2]} - \alpha d W^{[2]}", BINARY, {}),
    "a0": (r"a^{[0]} = x", SQUARES, {}),
    "z1": (r"z^{[1]} = W^{[1]} \cdot a^{[0]} + b^{[1]}", SQUARES, {}),
    "z2": (r"z^{[2]} = W^{[2]} \cdot a^{[1]} + b^{[2]}", SQUARES, {}),
    "a": (r"a^{[l]} = g^{[l]}(z^{[l]})", ONE, {}),
    "yhat": (r"\hat{y} = a^{[2]}", SQUARES, {}),
    "A0": (r"A^{[0]} = X", BINARY, {}),
    "Z": (r"Z^{[2]} = W^{[2]} \cdot A^{[1]} + b^{[2]}", BINARY, {}),
    "A": (r"A^{[l]} = g^{[l]}(Z^{[l]})", LAYER, {}),  # printed with a prime
}
FOURTH: dict[str, Case] = {
    "the matrix": (r"\frac{\partial C}{\partial W^{(l)}} = \begin{bmatrix} "
                   r"\frac{\partial C}{\partial W_{1,:}^{(l)}} \\ \frac{\partial C}{\partial W_{2,:}^{(l)}} "
                   r"\\ \dots \\ \frac{\partial C}{\partial W_{n_l,:}^{(l)}} \end{bmatrix}", ONE, PROOFS),
    "a row": (r"\frac{\partial C}{\partial W_{i,:}^{(l)}} = \begin{bmatrix} \frac{\partial C}{\partial W_{i1}^{(l)}} & "
              r"\frac{\partial C}{\partial W_{i2}^{(l)}} & \dots & \frac{\partial C}{\partial W_{i,n_{l-1}}^{(l)}} "
              r"\end{bmatrix}", ONE, PROOFS),
    "equation 2": (r"\frac{\partial f}{\partial t} = \frac{\partial f}{\partial u} \frac{\partial u}{\partial t} + "
                   r"\frac{\partial f}{\partial v} \frac{\partial v}{\partial t}", ONE, PROOFS),
}  # fmt: skip
COMPONENTS: dict[str, Case] = {
    "third, dz_k": (r"\frac{\partial C}{\partial z_i^{[2]}} = a_i^{[2]} - y_i", SOFTMAX, {}),
    "third, loss": (r"C = -\sum_{k=1}^{3} y_k \ln(a_k^{[2]})", SOFTMAX, {}),
    "fourth, C": (r"C = \sum_{k=1}^{2} (y_k - a_k^{[2]})^2", SUMMED, {}),
    "fourth, a_i": (r"\frac{\partial C}{\partial a_i^{[2]}} = 2 (a_i^{[2]} - y_i)", SUMMED, {}),
}
FIFTH: dict[str, Case] = {
    "[1]": (r"\frac{\partial L}{\partial a} = -\left(\frac{y}{a} - \frac{1-y}{1-a}\right)", BINARY, TWO_WAYS),
    "[1], ln'": (r"\frac{\partial}{\partial x} [\ln(x)] = \frac{1}{x}", BINARY, PROOFS),
    "[2], definition": (r"a := \frac{1}{1+e^{-z}} = (1 + e^{-z})^{-1}", BINARY, PROOFS),
    "[2], quotient": (r"\frac{\partial}{\partial z}[(1 + e^{-z})^{-1}] = -(1 + e^{-z})^{-2} \cdot (-e^{-z})"
                      r"= \frac{e^{-z}}{(1+e^{-z})^2}", BINARY, PROOFS),
    "[2], +1-1": (r"\frac{e^{-z}}{(1+e^{-z})^2} = \frac{1}{1+e^{-z}} \cdot \frac{1 + e^{-z} - 1}{1+e^{-z}}",
                  BINARY, PROOFS),
    "[2]": (r"\frac{\partial a}{\partial z} = \sigma(z)(1 - \sigma(z)) = a (1 - a)", BINARY, TWO_WAYS),
    "[3], product": (r"\frac{\partial L}{\partial z} = -\left(\frac{y}{a} - \frac{1-y}{1-a}\right) a (1-a)",
                     BINARY, TWO_WAYS),
    "[3], numerator": (r"-y(1-a) + (1-y) a = -y + y a + a - y a", BINARY, TWO_WAYS),
    "[3]": (r"-y + y a + a - y a = a - y", BINARY, TWO_WAYS),
    "[4]": (r"\frac{\partial z}{\partial w} = x", BINARY, TWO_WAYS),
    "[5], chain rule": (r"\frac{\partial L}{\partial w} = \frac{\partial L}{\partial a} \cdot "
                        r"\frac{\partial a}{\partial z} \cdot \frac{\partial z}{\partial w}", BINARY, TWO_WAYS),
    "[5], logarithms": (r"\ln(e^z) + \ln(1 + e^{-z}) - z = \ln(e^z (1 + e^{-z})) - z", BINARY, TWO_WAYS),
    "[5], the loss": (r"L = -(y z - \ln(1 + e^z))", BINARY, TWO_WAYS),
    "[5], directly": (r"\frac{\partial L}{\partial w} = x (\sigma(z) - y)", BINARY, TWO_WAYS),
    "[5]": (r"\frac{\partial L}{\partial w} = x (a - y)", BINARY, TWO_WAYS),
    "[6], chain rule": (r"\frac{\partial L}{\partial b} = \frac{\partial L}{\partial z} \cdot "
                        r"\frac{\partial z}{\partial b}", BINARY, TWO_WAYS),
    "[6]": (r"\frac{\partial L}{\partial b} = a - y", BINARY, TWO_WAYS),
    "forward Z": (r"Z^{[1]} = W^{[1]} A^{[0]} + b^{[1]}", BINARY, {}),
    "forward A": (r"A^{[l]} = g^{[l]}(Z^{[l]})", LAYER, {}),
    "dZ": (r"dZ^{[L]} = A^{[L]} - Y", LAYER, {}),
    "dZ before": (r"dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]} * g'^{[l]}(Z^{[l]})", LAYER, {}),  # printed dW^{[L]T}
    "dW before": (r"dW^{[1]} = \frac{1}{m} dZ^{[1]} A^{[0]T}", BINARY, {}),  # printed A^{[1]T}
    "db before": (r"db^{[1]} = \frac{1}{m} \mathrm{np.sum}(dZ^{[1]}, \text{axis = 1})", BINARY, {}),
    "dW": (r"dW^{[L]} = \frac{1}{m} dZ^{[L]} A^{[L-1]T}", BINARY, TWO_WAYS),  # printed A^{[L]T}
}  # fmt: skip
SOURCES = {"first": ("ng", FIRST), "second": ("delta", SECOND), "third": ("ng", THIRD), "fourth": ("leibniz", FOURTH),
           "components": ("components", COMPONENTS), "fifth": ("ng", FIFTH)}  # fmt: skip


@lru_cache(maxsize=32)
def page(style: str, given: tuple[tuple[str, Any], ...], sections: tuple[tuple[str, bool], ...]) -> Page:
    arguments = dict(given)
    return cr.derive(arguments.pop("given"), style=style, **arguments).page(**dict(sections))


@lru_cache(maxsize=32)
def lines_of(style: str, given: tuple[tuple[str, Any], ...], sections: tuple[tuple[str, bool], ...]) -> Any:
    return list(printed(page(style, given, sections)))


def printed(shown: Page) -> Iterator[tuple[str, list[Equation]]]:
    """Every printed line with the equation that it is, and the chains that lines make which go on from each other."""
    chain: list[Formula] = []
    for line in shown.document.every_line():
        latex = write.latex(line.formula, shown.style)
        equation = line.formula
        chain = [*chain, *equation.sides[1:]] if chain and chain[-1] == equation.sides[0] else list(equation.sides)
        whole = Equation(tuple(chain), ("=",) * (len(chain) - 1))
        yield latex, [tree(x, shown.style.letters) for x in (latex, write.latex(whole, shown.style))]


def tree(latex: str, letters: Letters) -> Equation:
    found = read(latex, syntax="latex", letters=letters)[0].equation
    assert isinstance(found, Equation)
    return replace(found, sides=tuple(side.mapped(alike) for side in found.sides))


def alike(part: Formula) -> Formula:
    match part:
        case Symbol(name="ell"):
            return replace(part, name="l")
        case Binary(sign="∘" | "*"):
            return replace(part, sign="*")
        case Binary(sign="@" | " " | "·"):
            return commuted(replace(part, sign="·"))
        case Call(function=Symbol(name="log")):
            return replace(part, function=Symbol("ln"))
        case Index(entries=(Symbol(name=name),)) if len(name) > 1 and name.isalpha():
            return replace(part, entries=tuple(Symbol(c) for c in name))
        case Sum(bounds=(Bound(index=Symbol(name=letter)) as bound, *_)):
            body = part.body.mapped(lambda x: Symbol("bound") if x == Symbol(letter) else x)
            return Sum(body, (replace(bound, index=Symbol("bound")),))
    return part


def commuted(product: Binary) -> Formula:
    """Factors that are numbers in an order of their own; matrices and vectors stay where they are."""
    factors: list[Formula] = []
    stack: list[Formula] = [product]
    while stack:
        x = stack.pop()
        if isinstance(x, Binary) and x.sign == "·":
            stack += [x.right, x.left]
        else:
            factors.append(x)
    if all(is_number(x) for x in factors):
        factors.sort(key=repr)
    whole = factors[0]
    for x in factors[1:]:
        whole = Binary("·", whole, x)
    return whole


def is_number(x: Formula) -> bool:
    """An entry, or a letter without a layer; an entry of g'(z) is one, too."""
    if isinstance(x, Symbol):
        return x.layer is None and x.name.islower()
    return isinstance(x, Index | Number) or (isinstance(x, Binary | Call) and all(is_number(c) for c in x.children))


CASES = [(s, name) for s, (_, cases) in SOURCES.items() for name in cases]


@pytest.mark.parametrize(("source", "name"), CASES)
def test_the_source_s_line_is_printed(source: str, name: str) -> None:
    style, cases = SOURCES[source]
    theirs, given, sections = cases[name]
    shown = lines_of(style, tuple(given.items()), tuple(sections.items()))
    wanted = tree(re.sub(r"\bd ([A-Za-z])", r"d\1", theirs), Style(style).letters).sides
    for _, equations in shown:
        if any(all(side in ours.sides for side in wanted) for ours in equations):
            return
    lines = "\n".join(latex for latex, _ in shown)
    raise AssertionError(f"{source} {name}: {theirs} is not among\n{lines}")


@pytest.mark.parametrize(("source", "name"), [("first", "(2)"), ("second", "(4)"), ("fifth", "[3]")])
def test_a_wrong_line_of_a_source_is_not_found(source: str, name: str) -> None:
    """The comparison can fail: with one letter changed, no printed line agrees."""
    style, cases = SOURCES[source]
    theirs, given, sections = cases[name]
    wrong = {"(2)": theirs.replace("-1]", "]"), "(4)": theirs.replace("z_l", "z_{l+1}"), "[3]": theirs[:-1] + "z"}[name]
    assert wrong != theirs
    wanted = tree(wrong, Style(style).letters).sides
    shown = lines_of(style, tuple(given.items()), tuple(sections.items()))
    assert not any(all(s in x.sides for s in wanted) for _, equations in shown for x in equations)


@pytest.mark.parametrize(
    ("style", "given", "sections"),
    [("ng", ONE, PROOFS), ("delta", LAYER, {}), ("leibniz", ONE, PROOFS), ("components", SUMMED, {}),
     ("ng", BINARY, TWO_WAYS)],
)  # fmt: skip
def test_every_line_of_these_pages_is_verified(style: str, given: dict[str, Any], sections: dict[str, bool]) -> None:
    report = page(style, tuple(given.items()), tuple(sections.items())).verify().check()
    assert not report.unverified
