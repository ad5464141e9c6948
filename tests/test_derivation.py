"""Derivations as documents: what they say, in which letters, that their steps compose, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import ops
from chainrule.derivation import derive, replay
from chainrule.derivation.conventions import rows_as_samples, transposed
from chainrule.derivation.document import Line
from chainrule.derivation.pages.scripts import plain_line
from chainrule.errors import ChainruleError, ConfigurationError, DerivationError, ShapeError, UnknownNameError
from chainrule.execute import evaluate
from chainrule.graph import size, variable
from chainrule.nn import BatchNorm, Dense, Dropout, Network, Objective, Skip, loss
from chainrule.notation import write
from chainrule.notation.style import Style
from chainrule.reverse import Step
from chainrule.reverse import derive as reverse_derive
from chainrule.train import Model


def lines(d: object, *, latex: bool = False, kind: str = "") -> dict[str, list[str]]:
    """label -> the lines of that label, as printed."""
    style = d.subject.conventions.writing()  # type: ignore[attr-defined]
    put = write.latex if latex else write.text
    found: dict[str, list[str]] = {}
    for section in d.document(steps=False).sections:  # type: ignore[attr-defined]
        if kind in ("", section.kind):
            for x in section.lines:
                found.setdefault(x.label, []).append(put(x.formula, style))
    return found


def printed(d: object, **options: object) -> set[str]:
    return {x for xs in lines(d, **options).values() for x in xs}  # type: ignore[arg-type]


# The sources --------------------------------------------------------------------------------------------------------


def test_boxed_equations_of_the_first_source() -> None:
    one = printed(derive("4-3:tanh-2", "quadratic", layer="l", samples="one") if False else
                  derive("4-3:tanh-2", loss="quadratic", layer="l", samples="one"), latex=True)  # fmt: skip
    assert r"dW^{[l]} = dz^{[l]} a^{[l-1]T}" in one  # (1), stacked
    assert r"dz^{[l]} = W^{[l+1]T} dz^{[l+1]} * g^{[l]\prime}(z^{[l]})" in one  # (3)
    many = printed(derive("4-3:tanh-2", loss="quadratic", layer="l"), latex=True)
    assert r"dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T}" in many  # (2)
    assert r"dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]} * g^{[l]\prime}(Z^{[l]})" in many
    assert r"dA^{[l-1]} = W^{[l]T} dZ^{[l]}" in many  # (4)
    assert r"dZ^{[l]} = dA^{[l]} * g^{[l]\prime}(Z^{[l]})" in many  # (5)
    assert r"db^{[l]} = \frac{1}{m} \operatorname{sum}(dZ^{[l]}, \mathrm{axis} = 1)" in many
    entries = printed(derive("4-3:tanh-2", loss="quadratic", layer="l", samples="one", style="components"), latex=True)
    assert any(x.endswith(r"= \frac{\partial C}{\partial z_i^{[l]}} a_j^{[l-1]}") for x in entries)  # (1)


def test_equations_of_the_second_source() -> None:
    """(1) to (4); its numbering is that of its own forward pass, z_{i+1} = f_i(W_i z_i + b_i), misprints corrected."""
    found = printed(derive("4-3:tanh-2", loss="quadratic", layer="l", style="delta"), latex=True)
    assert r"a_l = W_l z_l + b_l" in found
    assert r"z_{l+1} = f_l(a_l)" in found
    assert r"\epsilon_l = \delta_{l+1} \circ f_l'(a_l)" in found  # (1)
    assert r"\delta_l = W_l^T \epsilon_l" in found  # (2), printed there as b_{i-1}
    assert r"db_l = \epsilon_l" in found  # (3)
    assert r"dW_l = \epsilon_l \otimes z_l" in found  # (4), printed there with z_{i+1}


def test_summary_slides_of_the_third_source() -> None:
    found = printed(derive("4-3:sigmoid-2:softmax"), latex=True)
    assert (
        r"A^{[2]} = \operatorname{softmax}(Z^{[2]}) = e^{Z^{[2]} - \operatorname{lse}(Z^{[2]}, \mathrm{axis} = 0)}"
        in found
    )
    assert r"dZ^{[2]} = A^{[2]} - Y" in found
    assert r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}" in found
    assert r"dA^{[1]} = W^{[2]T} dZ^{[2]}" in found
    per_sample = printed(derive("4-3:sigmoid-2", samples="one"), latex=True)
    assert r"da^{[2]} = a^{[2]} - y" in per_sample  # square distance
    assert r"dW^{[2]} = dz^{[2]} a^{[1]T}" in per_sample
    assert r"db^{[2]} = dz^{[2]}" in per_sample
    assert r"da^{[1]} = W^{[2]T} dz^{[2]}" in per_sample


def test_derivative_by_a_matrix_in_the_fourth_source() -> None:
    """C = Σ (a - y)², ∂C/∂a = 2 (a - y), ∂C/∂W = ∂C/∂z aᵀ: the matrix of derivatives by the entries, row by row."""
    found = printed(derive("4-3:sigmoid-2:sigmoid", loss="sum_of_squares", samples="one", style="leibniz"), latex=True)
    assert r"\frac{\partial C}{\partial a^{(2)}} = 2 (a^{(2)} - y)" in found
    assert r"\frac{\partial C}{\partial W^{(2)}} = \frac{\partial C}{\partial z^{(2)}} a^{(1)T}" in found
    assert (
        r"\frac{\partial C}{\partial z^{(2)}} = \frac{\partial C}{\partial a^{(2)}} \odot g^{(2)\prime}(z^{(2)})"
        in found
    )


def test_list_of_the_fifth_source() -> None:
    """[1] ∂L/∂a, [2] σ', [3] ∂L/∂z = a - y, [4], [5] ∂L/∂w = x (a - y), [6] ∂L/∂b = a - y."""
    found = printed(derive("4-1:sigmoid", samples="one"))
    assert "z[1] = W[1] a[0] + b[1]" in found
    assert "da[1] = (1 - y) / (1 - a[1]) - y / a[1]" in found
    assert "g[1]'(z[1]) = a[1] · (1 - a[1])" in found
    assert "dz[1] = a[1] - y" in found
    assert "dW[1] = dz[1] · a[0]ᵀ" in found or "dW[1] = dz[1] a[0]ᵀ" in found
    assert "db[1] = dz[1]" in found


# Content ------------------------------------------------------------------------------------------------------------


def test_a_derivation_is_what_reverse_mode_found() -> None:
    model = Model("4-3:sigmoid-1:sigmoid")
    d, plain = derive(model), model.derivation()
    assert {n: d[n] for n in plain} == {n: plain[n] for n in plain}
    assert str(d) == str(plain)
    assert d.equation("dW[2]") == "dW[2] = 1/m * dZ[2] @ A[1].T"
    assert derive(Network.parse("4-3:sigmoid-1:sigmoid"))["dW[1]"] is plain["dW[1]"]


def test_soft_max_with_its_condition() -> None:
    d = derive("4-3:sigmoid-2:softmax")
    assert lines(d)["dZ[2]"] == ["dZ[2] = sum(Y, axis=0) * A[2] - Y", "dZ[2] = A[2] - Y"]
    reasons = [x.why for x in d.document().every_line() if x.label == "dZ[2]"]
    assert any("one-hot, a soft-max, or declared to sum to one" in x for x in reasons)
    laws = next(s for s in d.document().sections if s.kind == "law")
    assert any(p.title == "columns that sum to one" and "Condition: " in p.prose for p in laws.parts)


def test_shapes_rules_and_reasons_everywhere() -> None:
    """The reason of an update stands at the first one only."""
    for section in derive("4-3:tanh-2:softmax").document().sections:
        for k, x in enumerate(section.every_line()):
            assert isinstance(x, Line)
            assert x.shape is not None
            assert x.rule or (section.kind == "update" and k > 0)
            assert x.why or section.kind == "steps" or (section.kind == "update" and k > 0)


def test_one_layer_of_many() -> None:
    d = derive("4-3:tanh-5:relu-2", layer=2)
    labels = {x for s in d.document(steps=False).sections for x in (line.label for line in s.lines)}
    assert "dW[2]" in labels
    assert "dW[1]" not in labels
    assert "dW[3]" not in labels


def test_rows_as_samples() -> None:
    d = derive("4-3:tanh-2:softmax", samples="rows")
    found = printed(d)
    assert "Z[1] = A[0] W[1] + b[1]" in found
    assert "dW[2] = 1/m · A[1]ᵀ dZ[2]" in found
    assert "dA[1] = dZ[2] W[2]ᵀ" in found
    assert d["dW[2]"].shape == (3, 2)


def test_rows_are_derived_alike_on_the_transposed_graph() -> None:
    """Transposing what was derived, and deriving what was transposed, give the same values."""
    X, Y, W, b = (variable(*a) for a in (("X", "p", "m"), ("Y", "q", "m"), ("W", "q", "p"), ("b", "q", 1)))
    J = ops.total((ops.tanh(W @ X + b) - Y) ** 2, axis=None) / 2 * size("m", -1)
    turned = rows_as_samples(reverse_derive(J))
    again = reverse_derive(transposed(J, {}))
    rng = np.random.default_rng(0)
    v = {
        "X": rng.normal(size=(7, 4)),
        "Y": rng.normal(size=(7, 3)),
        "W": rng.normal(size=(4, 3)),
        "b": rng.normal(size=(1, 3)),
    }
    for n in ("dW", "db", "dX"):
        np.testing.assert_allclose(evaluate(turned[n], v), evaluate(again[n], v), rtol=1e-13)


def test_numerator_layout() -> None:
    found = printed(derive("4-3:tanh-2", samples="one", layout="numerator", style="leibniz"))
    assert "∂C/∂a[1] = (∂C/∂z[2]) W[2]" in found
    assert "∂C/∂W[2] = a[1] (∂C/∂z[2])" in found
    assert "W[1] ← W[1] - α · (∂C/∂W[1])ᵀ" in found


def test_place_of_the_mean() -> None:
    assert "dZ[2] = 1/m · (A[2] - Y)" in printed(derive("4-3:tanh-2:softmax", place="dZ"))
    assert "dW[2] = dZ[2] A[1]ᵀ" in printed(derive("4-3:tanh-2:softmax", place="dZ"))


@pytest.mark.parametrize(
    "text", ["4-3:sigmoid-1:sigmoid", "3-5:gelu-4:softmax-2:tanh", "3-4:batchnorm:relu-2", "3-4:tanh:dropout=0.2-2"]
)
@pytest.mark.parametrize("samples", ["columns", "rows", "one"])
def test_steps_compose(text: str, samples: str) -> None:
    if samples == "one" and "batchnorm" in text:
        return  # has no meaning, see test_what_is_refused
    d = derive(text, samples=samples)  # type: ignore[arg-type]
    results = replay(d.steps)
    assert len(results) > 5
    for node, result in results.items():
        assert result is d.cotangents[node]
    for n in d.subject.parameters:  # type: ignore[union-attr]
        assert d.names[n] in results


def test_replay_refuses_steps_that_do_not_follow() -> None:
    steps = list(derive("4-3:sigmoid-1:sigmoid").steps)
    k = next(i for i, s in enumerate(steps) if s.rule == "cost")
    steps[k] = Step("cost", steps[k].target, steps[k].after, steps[k].after, "")
    with pytest.raises(DerivationError):
        replay(steps)


def test_verification_finds_a_wrong_line() -> None:
    """A line with a sign turned, put into the document, is reported with its number and text."""
    from dataclasses import replace

    from chainrule.derivation.verify import verify
    from chainrule.notation.formula import Equation, Negate

    d = derive("4-3:tanh-2:softmax")
    doc = d.document(steps=False)
    section = doc.sections[2]
    wrong = [
        replace(x, formula=Equation((x.formula.sides[0], Negate(x.formula.sides[1])), ("=",)))
        if x.label == "dW[1]"
        else x
        for x in section.lines
    ]
    sections = (*doc.sections[:2], replace(section, lines=tuple(wrong)), *doc.sections[3:])
    report = verify(d.subject, replace(doc, sections=sections))  # type: ignore[arg-type]
    assert len(report.failures) == 2
    assert all("dW" in f.printed for f in report.failures)
    with pytest.raises(DerivationError, match="dW"):
        report.check()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("3-4:relu:dropout=0.2-2:softmax", {}),
        ("3-4:batchnorm:tanh-2:softmax", {"samples": "rows"}),
        ("3-4:layernorm:tanh-2", {"style": "delta"}),
        ("3-4:relu-2:softmax", {"labels": True}),
        ("3-4:tanh-2:sigmoid", {"layer": "l", "style": "leibniz"}),
        ("3-4:tanh-2:sigmoid", {"layer": "l", "style": "components", "layout": "numerator"}),
    ],
)
def test_other_networks_verify(text: str, options: dict[str, object]) -> None:
    derive(text, **options).verify().check()  # type: ignore[arg-type]


def test_penalties_and_parameters_of_a_loss_verify() -> None:
    network = Network(3, (Dense(4, "tanh", l2=0.1, l1=0.2), Dense(2, l2=0.3)))
    derive(network, loss=loss("huber", delta=2)).verify().check()
    derive(Network.parse("3-4:tanh-2:softmax"), loss=loss("cross_entropy", label_smoothing=0.1)).verify().check()


# Expressions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wrt", "line"),
    [
        ("sum((W @ x - y)**2)", "W", "dW = 2 * (W @ x - y) @ x.T"),
        ("sum(lse(W @ X, axis=0)) - sum(Y * (W @ X))", "W", "dW = (exp(W @ X - lse(W @ X, axis=0)) - Y) @ X.T"),
        (
            "-sum(Y * log(exp(W @ X) / sum(exp(W @ X), axis=0)))",
            "W",
            "dW = (sum(Y, axis=0) * exp(W @ X - lse(W @ X, axis=0)) - Y) @ X.T",
        ),
        ("trace(A @ B)", "A", "dA = B.T"),
        ("sum(A @ B)", "A", None),
        ("exp(W[0, 0])", "W", None),
        ("||W x - y||^2 + lambda * sum(W^2)", "W", None),
        (r"\frac{1}{2} \sum_i", "W", "error"),
        ("1/m * sum((sigmoid(W[2] @ sigmoid(W[1] @ X + b[1]) + b[2]) - Y)**2)", ["W[1]", "b[1]"], None),
    ],
)
def test_expressions(text: str, wrt: str | list[str], line: str | None) -> None:
    if line == "error":
        with pytest.raises((DerivationError, ShapeError, ConfigurationError, ValueError)):
            derive(text, wrt)
        return
    d = derive(text, wrt)
    assert line is None or str(d) == line
    d.verify().check()
    assert all(replay(d.steps)[n] is c for n, c in d.cotangents.items())


def test_an_entry_of_a_matrix() -> None:
    """d e^{W_00} / dW, which SymPy 1.14 says is 0."""
    d = derive("exp(W[0, 0])", "W")
    W = np.random.default_rng(0).normal(size=(3, 4))
    wanted = np.zeros((3, 4))
    wanted[0, 0] = np.exp(W[0, 0])
    np.testing.assert_allclose(evaluate(d["dW"], {"W": W}), wanted, rtol=1e-15)


def test_two_layers_in_batch_form() -> None:
    """By the first weights and bias, where SymPy 1.14 raises ShapeError or leaves the derivative unevaluated."""
    d = derive("1/2 * sum((sigmoid(V @ sigmoid(W @ X + b) + c) - Y)**2)", ["W", "b"])
    rng = np.random.default_rng(1)
    v = {
        n: rng.normal(size=s)
        for n, s in {"W": (4, 3), "b": (4, 1), "V": (2, 4), "c": (2, 1), "X": (3, 6), "Y": (2, 6)}.items()
    }
    A1 = 1 / (1 + np.exp(-(v["W"] @ v["X"] + v["b"])))
    A2 = 1 / (1 + np.exp(-(v["V"] @ A1 + v["c"])))
    dZ1 = v["V"].T @ ((A2 - v["Y"]) * A2 * (1 - A2)) * A1 * (1 - A1)
    np.testing.assert_allclose(evaluate(d["dW"], v), dZ1 @ v["X"].T, rtol=1e-12)
    np.testing.assert_allclose(evaluate(d["db"], v), dZ1.sum(axis=1, keepdims=True), rtol=1e-12)


def test_a_graph_node_behaves_as_in_reverse_mode() -> None:
    W, x = variable("W", "k", "n"), variable("x", "n", 1)
    z = W @ x
    seed = variable("s", "k", 1)
    d, plain = derive(z, "W", seed=seed), reverse_derive(z, ["W"], seed=seed)
    assert dict(d) == dict(plain)
    assert d.steps == plain.steps
    assert d.of(W) is plain.of(W)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: derive("log(det(W))", "W"), DerivationError, r"det\(W\) is out of scope"),
        (lambda: derive("W @ x", "W"), ShapeError, "sum"),
        (lambda: derive("sum(W @ x)", "V"), UnknownNameError, "V"),
        (lambda: derive("4-3:tanh-2", place="middle"), UnknownNameError, "dZ"),
        (lambda: derive("4-3:tanh-2", style="ngg"), UnknownNameError, "ng"),
        (lambda: derive("4-3:tanh-2", layer=5), ConfigurationError, "has 2"),
        (lambda: derive("4-3:tanh-2", "W[1]"), ConfigurationError, "wrt"),
        (lambda: derive("4-3:tanh-2", "cross_entropy"), ConfigurationError, "loss='cross_entropy'"),
        (lambda: derive("3-4:batchnorm:relu-2", style="delta"), ConfigurationError, "normalizes batches"),
        (lambda: derive(3.5), ConfigurationError, "float"),
    ],
)
def test_what_is_refused(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()  # type: ignore[operator]


# Speed --------------------------------------------------------------------------------------------------------------


def test_speed() -> None:
    """CPU time, which the machine's other work does not count in: NumPy's start included, and derived again."""
    code = (
        "import time; from chainrule.derivation import derive; "
        "d = derive('8-7:tanh-6:relu-5:sigmoid-3:softmax'); d.text(); print(time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1
    again = []
    for _ in range(20):
        start = time.process_time()
        derive("8-7:tanh-6:relu-5:sigmoid-3:softmax").text()
        again.append(time.process_time() - start)
    assert median(again) < 0.05


# Steps and names ----------------------------------------------------------------------------------------------------


def test_steps_print_by_name_and_prove_themselves() -> None:
    d = derive("4-3:tanh-2:softmax")
    step = next(s for s in d.steps if s.rule == "matmul" and s.target is d.names["W[1]"])
    assert str(step) == "matmul of dW[1]: W[1] → dZ[1] @ A[0].T  (chain rule through matmul)"
    page = step.components()  # type: ignore[attr-defined]
    assert "∂L/∂W[1] = dz[1] a[0]ᵀ" in str(page)
    assert r"\documentclass" in page.latex()
    assert "<math" in page._repr_html_()
    for s in d.steps:
        report = s.components().verify().check()  # type: ignore[attr-defined]
        assert report.unverified == ()


def test_steps_of_an_expression_prove_themselves() -> None:
    for text in ("sum((W @ x - y)**2)", "sum(lse(W @ X, axis=0)) - sum(Y * (W @ X))"):
        for s in derive(text).steps:
            report = s.components().verify().check()  # type: ignore[attr-defined]
            assert report.unverified == (), str(report)


def test_one_name_as_a_page() -> None:
    page = derive("4-3:tanh-2:softmax").lines("dW[2]")
    assert "dW[2] = 1/m · dZ[2] A[1]ᵀ" in page.text()
    assert r"dW^{[2]}" in page.latex(standalone=False)
    assert "<math" in page.html()
    assert page.verify().check().lines == 1
    with pytest.raises(UnknownNameError, match="dW"):
        derive("4-3:tanh-2:softmax").lines("dW[7]")


def test_a_quadratic_form_is_short() -> None:
    assert str(derive("x.T @ A @ x", "x")) == "dx = A.T @ x + A @ x"
    assert str(derive("trace(A.T @ A)", "A")) == "dA = 2 * A"


# What a student types ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wrt", "right"),
    [
        ("norm(W @ x - y)**2", "W", "2 * (W @ x - y) @ x.T"),
        ("1/2 * ||W x - y||^2", "x", "W.T @ (W @ x - y)"),
        ("norm(x)", "x", "x / sqrt(sum(x ** 2, axis=None))"),
        ("mean((X @ w - y)**2)", "w", "2/p * X.T @ (X @ w - y)"),
        ("x^T A x", "x", "A.T @ x + A @ x"),
        (r"\frac{1}{2} x^T A x", "x", "1/2 * (A.T @ x + A @ x)"),
        ("x.T @ A @ x", "A", "x @ x.T"),
        ("tr(X.T @ A @ X)", "X", "A.T @ X + A @ X"),
        ("trace(2 * A @ X - B.T @ X)", "X", "2 * A.T - B"),
        ("a.T @ X.T @ X @ b", "X", "X @ a @ b.T + X @ b @ a.T"),
        ("sum(max(0, W @ x))", "W", "step(W @ x) @ x.T"),
        ("log(sum(exp(x)))", "x", "exp(x - lse(x, axis=None))"),
        ("-sum(y * log(softmax(W @ x + b)))", "b", "sum(y, axis=None) * exp(W @ x + b - lse(W @ x + b, axis=0)) - y"),
        ("sum(x * x * y)", "x", "2 * y * x"),
        ("sum((x @ y.T)**2)", "x", "2 * x @ y.T @ y"),
        ("sum(sum(X, axis=0)**2)", "X", "2 * sum(X, axis=0)"),
        ("x @ y", "x", "y"),
        ("x . y", "y", "x"),
        ("np.dot(x, y)", "x", "y"),
        ("(w.T @ x)**2", "w", "2 * w.T @ x * x"),
        ("y.T @ log(p)", "p", "y / p"),
        ("sum(log(1 + exp(-y * (X @ w))))", "w", "X.T @ ((sigmoid(y * (X @ w)) - 1) * y)"),
        ("max(x)", "x", None),
        ("sum(min(x, y))", "x", None),
        ("sum(outer(x, y) * A)", "x", "A @ y"),
        ("(W @ x - y).T @ S @ (W @ x - y)", "x", None),
    ],
)
def test_expressions_of_vectors(text: str, wrt: str, right: str | None) -> None:
    d = derive(text, wrt)
    assert right is None or str(d) == f"d{wrt} = {right}"
    report = d.verify().check()
    assert report.unverified == ()
    assert all(replay(d.steps)[n] is c for n, c in d.cotangents.items())


@pytest.mark.parametrize(
    ("text", "wrt", "right"),
    [
        ("a*x**2 + b*x + c", "x", "2 * a * x + b"),
        ("a x^2 + b x + c", "x", "2 * a * x + b"),
        ("x**3", "x", "3 * x ** 2"),
        ("sin(x) * y", "y", "sin(x)"),
        ("1/(1 + exp(-x))", "x", "sigmoid(x) * (1 - sigmoid(x))"),
        ("ln(x)", "x", "1 / x"),
        ("(x - mu)**2 / (2*sigma**2)", "mu", "-(x - mu) / sigma ** 2"),
        ("w.T @ x + b", "b", "1"),
        ("(y - w.T @ x)**2", "w", "2 * (w.T @ x - y) * x"),
    ],
)
def test_letters_whose_size_nothing_fixes_are_numbers(text: str, wrt: str, right: str) -> None:
    d = derive(text, wrt)
    assert str(d) == f"d{wrt} = {right}"
    assert d.verify().check().unverified == ()


def test_a_rayleigh_quotient_has_its_numbers_outside() -> None:
    """d (xᵀAx / xᵀx) / dx = (A + Aᵀ) x / xᵀx - 2 (xᵀAx) x / (xᵀx)², worked by hand."""
    d = derive("x.T @ A @ x / (x.T @ x)", "x")
    assert str(d) == ("dx = 1 / (x.T @ x) * (A.T @ x) - 2 * x.T @ A @ x / (x.T @ x) ** 2 * x + 1 / (x.T @ x) * (A @ x)")
    rng = np.random.default_rng(3)
    A, x = rng.normal(size=(4, 4)), rng.normal(size=(4, 1))
    n, q = (x.T @ x).item(), (x.T @ A @ x).item()
    np.testing.assert_allclose(evaluate(d["dx"], {"A": A, "x": x}), (A + A.T) @ x / n - 2 * q / n**2 * x, rtol=1e-13)
    assert d.verify().check().unverified == ()
    assert all(replay(d.steps)[n] is c for n, c in d.cotangents.items())
    for s in d.steps:
        s.components().verify().check()


@pytest.mark.parametrize(
    ("text", "wrt", "words"),
    [
        ("", "x", "the expression is empty"),
        ("3", "x", "has no letters"),
        ("x1*x2 + sin(x1)", "x3", "unknown variable 'x3': allowed are x_1, x_2"),
        ("W_12 * x", "x", r"W12 could be a letter of its own or an entry: write W\[0, 1\]"),
        ("sum(x * dy)", "x", "dy is how the derivative by y is called"),
        ("x.T @ A^{-1} @ x", "x", "no inverses of matrices"),
        ("x.T @ A**-1 @ x", "x", "no inverses of matrices"),
        ("inv(A) @ x", "x", "no determinants, inverses"),
        ("sum_i x_i^2", "x", r"write it with whole matrices, such as sum\(x\*\*2\)"),
        ("W @ x", "x", "is a column, but a derivative is taken of one number"),
        ("norm(w)**2 + C * sum(w)", "w", "write what is a number in lower case"),
        ("f(x, y)", "x", "f of 2 arguments is out of scope"),
        ("trace(X)", "X", r"traces of products, such as trace\(A @ X\)"),
    ],
)
def test_what_an_expression_cannot_be(text: str, wrt: str, words: str) -> None:
    with pytest.raises(ChainruleError, match=words) as e:
        derive(text, wrt)
    assert "\n" not in str(e.value)


# Models with all that they may have ----------------------------------------------------------------------------------

PLAIN = Network(3, (Dense(4, "tanh"), Dense(2, "softmax")))
CLASSES = loss("cross_entropy")
OBJECTIVES = {
    "sample weights": Objective(PLAIN, CLASSES, weighted=True),
    "class weights": Objective(PLAIN, CLASSES.weighted((1, 2))),
    "label smoothing": Objective(PLAIN, CLASSES.smoothed(0.1)),
    "integer labels": Objective(PLAIN, CLASSES, labels=True),
    "labels with class weights": Objective(PLAIN, CLASSES.weighted((1, 2)), labels=True),
    "weight of positives": Objective(Network.parse("3-4:tanh-2:sigmoid"), loss("binary_cross_entropy").weighted(3)),
    "penalties": Objective(Network(3, (Dense(4, "tanh", l2=0.1, l1=0.2), Dense(2, "softmax", l2=0.3))), CLASSES),
    "embeddings": Objective(Network(3, (Dense(4, "tanh"), Dense(2, "softmax")), ((5, 2),)), CLASSES),
    "layer normalization": Objective(Network.parse("3-4:layernorm:tanh-2"), loss("quadratic")),
    "dropout": Objective(Network.parse("3-4:tanh:dropout=0.3-2:softmax"), CLASSES),
    "skip connection": Objective(Network(3, (Dense(4, "tanh"), Skip((Dense(4, "tanh"),)), Dense(2))), loss("huber")),
    "one unit of a soft-max": Objective(Network.parse("3-1:softmax-2:tanh-2"), loss("quadratic")),
    "one unit normalized": Objective(Network.parse("3-1:layernorm-2:tanh"), loss("quadratic")),
    "everything": Objective(
        Network(3, (Dense(4, "tanh", l2=0.1), BatchNorm(), Dropout(0.2), Dense(2, "softmax")), ((5, 2),)),
        CLASSES.smoothed(0.1).weighted((1, 2)),
        labels=True,
        weighted=True,
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("options", [{}, {"place": "dZ", "samples": "rows"}, {"samples": "one", "style": "leibniz"}])
def test_models_verify(name: str, options: dict[str, Any]) -> None:
    if name == "everything" and options.get("samples") == "one":
        with pytest.raises(ConfigurationError, match="normalizes batches"):
            derive(OBJECTIVES[name], **options)
        return
    report = derive(OBJECTIVES[name], **options).verify().check()
    assert report.unverified == ()
    assert report.worst <= 1e-12


def test_the_loss_of_a_weighted_sample_is_the_one_that_is_derived() -> None:
    found = lines(derive(OBJECTIVES["sample weights"], samples="one"))
    assert found["L"] == ["L = -w · sum(y * log(a[2]), axis=0)"]
    assert found["da[2]"] == ["da[2] = -w · y / a[2]"]
    assert found["dz[2]"][-1] == "dz[2] = w · (a[2] - y)"
    assert lines(derive(OBJECTIVES["sample weights"]))["dA[2]"] == ["dA[2] = -w * Y / A[2]"]


@pytest.mark.parametrize("name", ["sample weights", "class weights", "layer normalization", "dropout"])
def test_the_general_layer_leaves_nothing_out(name: str) -> None:
    with pytest.raises(ConfigurationError, match="recursion of plain dense layers, and this network has"):
        derive(OBJECTIVES[name], layer="l")


def test_what_has_no_form_in_indices() -> None:
    for name in ("class weights", "embeddings", "dropout"):
        with pytest.raises(ConfigurationError, match=f"{name} cannot be written in indices"):
            derive(OBJECTIVES[name], style="components")


def test_every_derivative_is_there_before_it_is_used() -> None:
    for objective in OBJECTIVES.values():
        d = derive(objective)
        (section,) = (s for s in d.document(steps=False).sections if s.kind == "backward")
        known: set[str] = set()
        for x in section.lines:
            used = {write.text(p, Style(plain=True)) for side in x.formula.sides[1:] for _, p in side.walk()}
            assert {n for n in used if n in dict(d)} <= known, x
            known.add(x.label)
    labels = [x.label for s in derive("4-3:tanh-2:softmax").document(steps=False).sections for x in s.lines]
    at = labels.index("dA[2]")
    assert labels[at : at + 11] == [
        *("dA[2]", "dZ[2]", "dZ[2]", "dW[2]", "db[2]", "dA[1]", "g[1]'(Z[1])", "dZ[1]", "dZ[1]", "dW[1]", "db[1]")
    ]


def test_a_soft_max_of_one_unit_is_warned_of() -> None:
    for network, layer in (("3-2:tanh-1:softmax", 2), ("3-1:softmax-2", 1), ("3-1:log_softmax-2", 1)):
        value = 0 if "log" in network else 1
        shown = derive(network).text(400)
        assert f"layer {layer} has one unit, and the" in shown
        assert f"soft-max of one unit is {value} whatever its logit" in shown
    assert "layer L has one unit" in derive("3-2:tanh-1:softmax", layer="l").text(400)
    for found in (derive("3-2:softmax"), derive("3-1:tanh-2:softmax"), derive("3-1:softmax-2", layer="l")):
        assert "Warning" not in found.text(400)


def test_a_derivation_s_own_text_names_a_derivative_once() -> None:
    lines = str(derive("2-2:tanh-1:sigmoid", samples="one")).splitlines()
    assert lines[:4] == ["dz[2] = a[2] - y", "dW[2] = dz[2] @ a[1].T", "db[2] = dz[2]", "da[1] = W[2].T @ dz[2]"]
    assert "db[1] = dz[1]" in lines
    assert str(derive("2-3-2")).splitlines()[:3] == [
        "dA[2] = A[2] - Y",
        "dZ[2] = A[2] - Y",
        "dW[2] = 1/m * dZ[2] @ A[1].T",
    ]


@pytest.mark.parametrize(
    ("text", "wrt", "lines"),
    [
        ("(w1*x1 + w2*x2 + b - y)**2", "w1", ["dw_1 = 2 * (w_1 * x_1 + w_2 * x_2 + b - y) * x_1"]),
        ("x1*x2 + sin(x1)", "x1", ["dx_1 = cos(x_1) + x_2"]),
        ("sum((W1 @ x - y)**2)", "W1", ["dW[1] = 2 * (W[1] @ x - y) @ x.T"]),
        ("sum(x[0] * y)", "y", None),
    ],
)
def test_numbered_letters_are_letters_of_their_own(text: str, wrt: str, lines: list[str] | None) -> None:
    found = derive(text, wrt=wrt)
    found.verify().check()
    assert lines is None or str(found).splitlines() == lines


def test_greek_letters_are_columns_where_they_are_multiplied_as_such() -> None:
    """Linear regression in its usual letters: the normal equations' gradient 2 Xᵀ (X β - y) + 2 λ β."""
    found = derive("sum((y - X @ beta)**2) + lambda*sum(beta**2)", wrt="beta")
    found.verify().check()
    rng = np.random.default_rng(0)
    X, y, beta = rng.normal(size=(5, 3)), rng.normal(size=(5, 1)), rng.normal(size=(3, 1))
    value = evaluate(found["dbeta"], {"X": X, "y": y, "beta": beta, "lambda": np.array([[0.3]])})
    assert np.allclose(value, 2 * X.T @ (X @ beta - y) + 0.6 * beta, rtol=1e-13)
    for text in ("sum(theta**2)", "theta.T @ x", r"\|y - X \beta\|^2", "norm(theta)"):
        assert derive(text).verify().ok
    assert "dlambda" in derive("sum(lambda * w**2)")
    assert derive("sum(lambda * w**2)")["dlambda"].shape == (1, 1)


@pytest.mark.parametrize(
    "text",
    ["sum(A @ B @ C)", "sum((C @ x)**2)", "alpha*sum(w**2)", "delta**2", "sum(Sigma * W)", "lam*sum(w**2)", "sum(L*w)",
     "sum(J*w)", "sum(sig*x)", "sum(W_out*w)", "sum((f + h)*g)", "sum((C @ x - d)**2)", "sum(one*w)", "e*x"],
)  # fmt: skip
def test_letters_that_mean_something_else_to_a_reader_are_verified(text: str) -> None:
    found = derive(text)
    report = found.page(steps=True, proofs=True, numbers=True).verify().check()
    assert not report.unverified


def test_a_derivative_that_is_zero_is_said() -> None:
    for text, name in (("x/sum(x)", "dx"), ("0*x", "dx"), ("x - x + y", "dx"), ("sum(W@x) - sum(W@x)", "dW"),
                       ("sum(sign(x))", "dx"), ("sum(W**2) + 0*sum(x)", "dx")):  # fmt: skip
        found = derive(text)
        assert f"{name} = 0" in found.text()
        assert not found.verify().check().unverified
        assert derive(text, wrt=name[1:]).text().count(" = 0") >= 1


def test_pi_and_counts_are_no_letters_to_derive_by() -> None:
    assert list(derive("pi*r**2")) == ["dr"]
    assert list(derive("sum((y - X@w)**2)/m")) == ["dy", "dX", "dw"]
    assert "dm" in derive("sum((m*x + b - y)**2)")
    assert "dm" in derive("sum(x)/m", wrt="m")
    assert "3.1416" in derive("pi*r**2").numbers("r=2").text()


def test_what_people_train_with_is_derived() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    fitted = chainrule.MLPClassifier((5,), tol=10.0).fit(X, y)
    sequential = chainrule.Sequential([chainrule.sequential.Dense(5, "tanh", input_dim=4)])
    sequential.add(chainrule.sequential.Dense(3, "softmax"))
    sequential.compile(loss="categorical_crossentropy")
    slides = chainrule.MLP([4, 5, 3], ["tanh", "softmax"])
    for given in (sequential, slides, fitted):
        found = derive(given)
        found.verify().check()
        assert "dW[2] = 1/m" in found.equation("dW[2]")
    assert str(derive(slides)) == str(derive("4-5:tanh-3:softmax"))
    with pytest.raises(ConfigurationError, match="a MLPClassifier: fit it first"):
        derive(chainrule.MLPClassifier())
    no_network: Any = [1]
    with pytest.raises(ConfigurationError, match="a list that holds no network"):
        derive(no_network)


def test_labels_are_written_in_indices_as_a_matrix() -> None:
    found = derive(Model("3-4:tanh-2:softmax", labels=True), style="components")
    found.verify().check()
    assert "Y is 1 at the label of each sample and 0 elsewhere" in found.text(400)
    assert "Y is 1 at" not in derive("3-4:tanh-2:softmax", style="components").text(400)


# Nested expressions, powers, numbers in front ------------------------------------------------------------------------

NESTED = "sum((Y - sigmoid(W2 @ sigmoid(W1 @ X + b1) + b2))**2)/m"


def test_a_nested_expression_is_derived_part_by_part() -> None:
    d = derive(NESTED)
    assert [x for xs in lines(d).values() for x in xs] == [
        "Z[1] = W[1] X + b[1]",
        "A[1] = sigmoid(Z[1])",
        "Z[2] = W[2] A[1] + b[2]",
        "A[2] = sigmoid(Z[2])",
        "J = sum((Y - A[2])^2) / m",
        "dY = 2/m · (Y - A[2])",
        "dA[2] = -2/m · (Y - A[2])",
        "dZ[2] = dA[2] * A[2] * (1 - A[2])",
        "dW[2] = dZ[2] A[1]ᵀ",
        "db[2] = sum(dZ[2], axis=1)",
        "dA[1] = W[2]ᵀ dZ[2]",
        "dZ[1] = dA[1] * A[1] * (1 - A[1])",
        "dW[1] = dZ[1] Xᵀ",
        "dX = W[1]ᵀ dZ[1]",
        "db[1] = sum(dZ[1], axis=1)",
    ]
    assert d.verify().check().unverified == ()
    assert "Z1 = W1 @ X + b1" in d.numpy()
    space: dict[str, Any] = {}
    exec(d.numpy(), space)
    rng = np.random.default_rng(0)
    values = {"W2": (2, 4), "W1": (4, 3), "X": (3, 5), "Y": (2, 5), "b1": (4, 1), "b2": (2, 1)}
    given: dict[str, Any] = {n: rng.normal(size=s) for n, s in values.items()} | {"m": np.array([[5.0]])}
    names = space["gradients"].__code__.co_varnames[: space["gradients"].__code__.co_argcount]
    _, found = space["gradients"](**{n: given[n] for n in names})
    for n, shape in values.items():
        wanted = np.zeros(shape)
        for place in np.ndindex(*shape):
            moved = given[n].astype(complex)
            moved[place] += 1e-30j
            v = {**given, n: moved}
            Z = v["W2"] @ (1 / (1 + np.exp(-(v["W1"] @ v["X"] + v["b1"])))) + v["b2"]
            wanted[place] = (np.sum((v["Y"] - 1 / (1 + np.exp(-Z))) ** 2) / 5).imag / 1e-30
        np.testing.assert_allclose(found[f"d{n}"], wanted, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (NESTED, {"style": "components"}),
        (NESTED, {"layout": "numerator", "style": "leibniz"}),
        ("sum(tanh(X.T @ tanh(X @ w)))", {"layout": "numerator"}),
        ("-sum(y * log(softmax(W2 @ tanh(W1 @ x + b1) + b2)))", {}),
        ("sum((W3 @ tanh(W2 @ tanh(W1 @ x)) + W1 @ x)**2)", {"style": "delta"}),
        ("sum(softmax(Q @ K.T) @ V)", {"style": "components", "layout": "numerator"}),
        ("x**n", {"style": "delta"}),
        ("sum(x**(a + 1))", {"style": "components"}),
    ],
)
def test_nested_expressions_verify(text: str, options: dict[str, Any]) -> None:
    report = derive(text, **options).page(steps=True, numbers=True).verify().check()
    assert report.unverified == ()


def test_parts_are_named_only_where_products_are_nested() -> None:
    for text in (
        "sum((W @ x - y)**2)",
        "sum(sigmoid(W @ x + b))",
        "sum(tanh(A @ B) @ tanh(C @ D))",
        "sum(Z @ tanh(A @ x))",
    ):
        assert [n for n in derive(text) if n[1] in "ZAU" and n[1:] not in text] == [], text
    assert set(derive("sum((W2 @ tanh(W1 @ x) - y)**2)", "W2")) == {"dZ[2]", "dW[2]"}
    with pytest.raises(ChainruleError, match=r"allowed are W\[1\], W\[2\], x, y"):
        derive("sum((W2 @ tanh(W1 @ x) - y)**2)", "W3")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sqrt(x.T @ x)", "dx = x / sqrt(xᵀ x)"),
        ("lambda * sum(W**2)", "dW = 2 · λ · W"),
        ("lambda / 2 * sum(W**2)", "dW = λ · W"),
        ("x**n", "dx = n · xⁿ⁻¹"),
        ("x**-2", "dx = -2 · x⁻³"),
        ("exp(-x**2)", "dx = -2 · exp(-x²) · x"),
        ("-sum(y * log(x))", "dx = -y / x"),
        ("sum(x**n)", "dn = sum(xⁿ * ln(x))"),
        ("x.T @ A @ x / (x.T @ x)", "dA = 1 / (xᵀ x) · x xᵀ"),
        ("sum((X @ w - y)**2) / (2 * m)", "dw = 1/m · Xᵀ (X w - y)"),
        ("sum(gelu(x))", "dx = 1/2 · (1 + erf(x / sqrt(2))) + 1 / sqrt(2 · π) · x * exp(-(x / sqrt(2))²)"),
    ],
)
def test_numbers_stand_in_front_and_are_multiplied(text: str, wanted: str) -> None:
    d = derive(text)
    style = d._subject.conventions.writing()
    printed = [plain_line(x.formula, style) for s in d.document(steps=False).sections for x in s.lines]
    assert wanted in printed
    d.verify().check()


def test_an_expression_is_said_twice_only_where_the_laws_change_it() -> None:
    def cost(text: str) -> str:
        (line,) = lines(derive(text))["J"]
        return line

    assert cost("a*x**2 + b*x + c") == "J = a · x^2 + b · x + c"
    assert cost("x**-2") == "J = x**(-2)"
    assert cost("x / sum(x)") == "J = x / sum(x) = 1"
    assert cost("sum(log(1 + exp(x)))") == "J = sum(log(1 + exp(x))) = sum(softplus(x))"


def test_labels_are_not_assumed_to_sum_to_one_but_do() -> None:
    d = derive(OBJECTIVES["integer labels"])
    assert lines(d)["dZ[2]"] == ["dZ[2] = A[2] - one_hot(y, 2)"]
    assert "one_hot(y, 2) has a single 1 in every column" in d.text(200)
    assert "1ᵀY = 1ᵀ" in derive(OBJECTIVES["integer labels"], layer="l").text(200)
