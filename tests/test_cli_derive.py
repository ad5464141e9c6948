"""`chainrule derive` from end to end: pages, programs, numbers, verification, errors."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chainrule.cli import app
from chainrule.train import Model, save_model

SMALL = "3-2:tanh-2:softmax"
NETWORKS = [
    "2-1:sigmoid",
    "3-2:relu-2:softmax",
    "4-3:gelu-2",
    "2-2:tanh-2:tanh-2:tanh-1:sigmoid",
    "5-4:elu-3:softmax",
    "3-3:softplus-1",
]


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["derive", *args])


def good(*args: str) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_derived_and_every_line_verified(network: str) -> None:
    shown = good(network)
    count = len(re.findall(r"^\s*\(\d+\)  ", shown, re.MULTILINE))
    last = shown.strip().splitlines()[-1]
    assert re.fullmatch(rf"{count} lines verified from text and LaTeX, worst relative error \d\.\de-\d+", last)
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown  # a pipe gets plain text


@pytest.mark.parametrize("style", ["ng", "delta", "leibniz", "components"])
@pytest.mark.parametrize("samples", ["columns", "rows"])
def test_every_convention_prints_and_verifies(style: str, samples: str) -> None:
    for place in ("parameters", "dZ"):
        for layout in ("denominator", "numerator"):
            shown = good(SMALL, "--style", style, "--samples", samples, "--place", place, "--layout", layout)
            assert "lines verified" in shown


@pytest.mark.parametrize("width", ["60", "80", "100"])
def test_text_keeps_the_width_with_everything_asked_for(width: str) -> None:
    shown = good("3-2:sigmoid-2:softmax", "--proofs", "--two-ways", "--numbers", "--width", width)
    assert max(map(len, shown.splitlines())) <= int(width)
    for title in ("Forward pass", "Backward pass", "Proofs", "Two ways", "With numbers"):
        assert title in shown


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [
        ("latex", r"\documentclass", "% "),
        ("markdown", "# ", "<!-- "),
        ("html", "<!DOCTYPE html>", "<!-- "),
    ],
)
def test_pages_of_other_formats_end_with_the_verdict_as_a_remark(form: str, first: str, last: str) -> None:
    shown = good(SMALL, "--format", form)
    assert shown.startswith(first)
    verdict = shown.strip().splitlines()[-1]
    assert verdict.startswith(last)
    assert "lines verified" in verdict


def test_fragments_stand_in_a_document_of_the_users() -> None:
    assert r"\documentclass" not in good(SMALL, "--format", "latex", "--fragment")
    assert "<html" not in good(SMALL, "--format", "html", "--fragment")


@pytest.mark.parametrize("language", ["numpy", "torch", "jax"])
def test_programs_are_python(language: str) -> None:
    shown = good(SMALL, "--format", language)
    names = {x.name for x in ast.parse(shown).body if isinstance(x, ast.FunctionDef)}
    assert {"forward", "gradients"} <= names
    assert shown.strip().splitlines()[-1].startswith("# ")


def test_the_program_of_the_command_runs_and_is_the_gradient(tmp_path: Path) -> None:
    script = tmp_path / "gradient.py"
    shown = good(SMALL, "--out", str(script))  # the ending says which format
    assert shown.startswith(f"{script}: ")
    model = Model(SMALL, dtype=np.float64)
    X, Y = np.random.default_rng(1).normal(size=(3, 6)), np.eye(2)[:, [0, 1, 1, 0, 0, 1]]
    parameters = {n.replace("[", "").replace("]", ""): v for n, v in model.parameters.items()}
    np.savez(tmp_path / "data.npz", X=X, Y=Y, **parameters)
    call = (
        "import numpy as np, gradient; d = dict(np.load('data.npz'));"
        "J, g = gradient.gradients(d, d['X'], d['Y']); np.savez('found.npz', J=J, **g)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", call], cwd=tmp_path, check=True, env=environment)
    with np.load(tmp_path / "found.npz") as found:
        model.gradient(model.samples(X.T, Y.T))
        for n, expected in model.gradients.items():
            mine = found["d" + n.replace("[", "").replace("]", "")]
            assert np.abs(mine - expected).max() <= 1e-12


def test_numbers_of_the_user(tmp_path: Path) -> None:
    table = tmp_path / "samples.csv"
    table.write_text("x1,x2,y\n1.5,-0.5,1\n0.2,0.7,0\n")
    shown = good("2-1:sigmoid", "--numbers", "--values", str(table))
    assert "X, Y are given; " in shown
    assert "⎡  1.5   0.2 ⎤" in shown
    weights = tmp_path / "weights.npz"
    np.savez(weights, W1=[[0.5, -1.2]], b1=[[0.3]], X=[[1.5, 0.2], [-0.5, 0.7]], Y=[[1, 0]])
    shown = good("2-1:sigmoid", "--values", str(weights), "--digits", "6")
    # z = 0.5·1.5 - 1.2·(-0.5) + 0.3 = 1.65 and 0.5·0.2 - 1.2·0.7 + 0.3 = -0.44
    assert "= [1.65  -0.44]" in shown
    assert f"{1 / (1 + np.exp(-1.65)):.6f}" in shown
    model = Model("2-1:sigmoid", seed=3, dtype=np.float64)
    save_model(tmp_path / "model.safetensors", model)
    shown = good("2-1:sigmoid", "--values", str(tmp_path / "model.safetensors"))
    assert "W[1], b[1] are given; " in shown
    assert f"{model.parameters['W[1]'][0, 0]:.4f}" in shown


def test_a_run_is_derived(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["train", "iris", "--hidden", "4", "--epochs", "2", "--out", str(tmp_path / "run"), "--quiet"]
    )
    assert result.exit_code == 0, result.output
    shown = good(str(tmp_path / "run"))
    assert "4-4:relu-3" in shown


def test_an_expression_is_derived() -> None:
    pytest.importorskip("chainrule.derivation.expressions")
    shown = good("sum((W @ x - y)**2)", "--wrt", "W")
    assert "dW" in shown
    program = good("sum((W @ x - y)**2)", "--wrt", "W", "--format", "numpy")
    names: dict[str, object] = {}
    exec(program, names)
    W, x, y = np.array([[1.0, 2], [3, 4]]), np.array([[1.0], [-1]]), np.array([[0.5], [0.5]])
    J, found = names["gradients"](*({"W": W, "x": x, "y": y}[n] for n in _order(program)))  # type: ignore[operator]
    assert ((W @ x - y) ** 2).sum() == J
    assert np.allclose(found["dW"], 2 * (W @ x - y) @ x.T)


def _order(program: str) -> list[str]:
    function = next(x for x in ast.parse(program).body if isinstance(x, ast.FunctionDef) and x.name == "gradients")
    return [a.arg for a in function.args.args]


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["4-3:sigmid-1"], ["activation 'sigmid'", "did you mean 'sigmoid'?"]),
        (["4-3:tanh-2", "--loss", "cross_entrpy"], ["loss 'cross_entrpy'", "did you mean 'cross_entropy'?"]),
        (["4-3:tanh-2", "--style", "nk"], ["style 'nk'", "did you mean 'ng'?"]),
        (["4-3:tanh-2", "--format", "latx"], ["format 'latx'", "did you mean 'latex'?", "torch"]),
        (["4-3:tanh-2", "--layer", "x"], ["--layer 'x'", "l for a general layer"]),
        (["4-3:tanh-2", "--layer", "7"], ["layer 7", "has 2"]),
        (["4-3:tanh-2", "--samples", "cols"], ["samples 'cols'", "columns"]),
        (["4-3:tanh-2", "--format", "numpy", "--numbers"], ["--numbers belongs to a page"]),
        (["4-3:tanh-2", "--width", "10"], ["--width", "40"]),
        (["40-3:tanh-2", "--numbers"], ["W[1] is 3 × 40", "up to 10 rows and columns"]),
        (["4-3:tanh-2", "--values", "nowhere.npz"], ["'nowhere.npz' does not exist", "NPZ or CSV"]),
        (["4-3:tanh-2", "--digits", "99"], ["digits 99", "0 to 12"]),
        (["4-0-3"], ["'4-0-3'", "'0' does not begin with a width"]),
        ([], ["NETWORK|EXPRESSION|RUN is missing", "derive --help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_say_what_is_allowed(args: list[str], parts: list[str]) -> None:
    if "--digits" in args:
        args = [*args, "--numbers"]
    result = run(*args)
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    for part in parts:
        assert part in lines[0], lines[0]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("1,2,3,4\n", ["sample 1", "expected 2 features and 1 targets, received 4 cells"]),
        ("1,2,1\n1,2\n", ["sample 2", "received 2 cells"]),
        ("a,b,y\n1,x,1\n", ["sample 1", "'1,x,1'", "no number"]),
        ("a,b,y\n", ["holds no sample"]),
    ],
)
def test_bad_tables_of_numbers_are_refused(tmp_path: Path, content: str, parts: list[str]) -> None:
    table = tmp_path / "bad.csv"
    table.write_text(content)
    result = run("2-1:sigmoid", "--values", str(table))
    assert result.exit_code == 2, result.output
    for part in parts:
        assert part in result.stderr


def test_arrays_that_do_not_fit_are_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.npz"
    np.savez(file, W1=np.ones((3, 3)))
    assert "W1: expected 1 × 2, received 3 × 3" in run("2-1:sigmoid", "--values", str(file)).stderr
    np.savez(file, W9=np.ones((1, 2)))
    assert "'W9': did you mean 'W1'?" in run("2-1:sigmoid", "--values", str(file)).stderr
    np.savez(file, W1=np.array([["a", "b"]]))
    assert "expected numbers" in run("2-1:sigmoid", "--values", str(file)).stderr
    file.write_bytes(b"PK\x03\x04 broken")
    assert "cannot be read as NPZ" in run("2-1:sigmoid", "--values", str(file)).stderr


def test_a_line_that_fails_is_named_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.derivation import verify
    from chainrule.derivation.pages import Page

    failed = verify.Report(3, 6, 0.0, (verify.Failure(2, "text", "dW = x", "it is not so"),))
    monkeypatch.setattr(Page, "verify", lambda found, **given: failed)
    result = run(SMALL)
    assert result.exit_code == 1
    assert "1 of 3 lines failed" in result.stdout
    assert "line 2 (text): dW = x: it is not so" in result.stderr


def test_help_shows_examples() -> None:
    shown = run("--help").stdout
    assert "chainrule derive 4-3:sigmoid-1:sigmoid" in shown.split("Examples", 1)[1]


def test_a_formula_may_begin_with_a_minus() -> None:
    assert "dx = -y / x" in good("-sum(y*log(x))", "--wrt", "x")
    assert "dx = -y / x" in good("--wrt", "x", "--width", "100", "--", "-sum(y*log(x))")
    assert run("-sum").exit_code == 2


def test_an_ending_that_says_no_format_is_refused(tmp_path: Path) -> None:
    result = run(SMALL, "--out", str(tmp_path / "x.pdf"))
    assert result.exit_code == 2
    assert "the ending .pdf says no format" in result.output
    assert not (tmp_path / "x.pdf").exists()
    assert "verified" in good(SMALL, "--out", str(tmp_path / "x.pdf"), "--format", "text")
    result = run("sum((W @ x - y)**2)", "--samples", "rows")
    assert "belongs to a network" in result.output


def test_numbers_are_taken_as_people_write_them() -> None:
    shown = good("2-2:tanh-1:sigmoid", "--numbers", "--values", "x=[1, 2], y=1, alpha=0.5")
    assert "α and" not in shown
    assert "- 0.5 ·" in shown
    result = run("2-2:tanh-1", "--numbers", "--values", "X=[[1, 2]]")
    assert "X: expected 2 × m, received 1 × 2; transposed it would fit" in result.output
    assert "3.1416" in good("pi*r**2", "--numbers", "--values", "r=2")
