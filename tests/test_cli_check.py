"""`chainrule check`: reports, exit codes, options, and every error as one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainrule.cli import app

RIGHT = "dW[2] = 1/m * dZ[2] @ A[1].T"
WRONG = "dW[2] = 1/m * dZ[2] @ A[2].T"
NOTES = f"""# Notes

<!-- chainrule:
network = "3-5:tanh-4:sigmoid-2:softmax"
loss = "cross_entropy"
-->

The gradient of the weights is
$$dW^{{[2]}} = \\frac{{1}}{{m}} dZ^{{[2]}} A^{{[1]T}}$$

- {WRONG}
- db[2] = 1/m * sum(dZ[2], axis=1, keepdims=True)
"""


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *args], input=stdin)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    (tmp_path / "good.md").write_text(NOTES.replace(WRONG, RIGHT), "utf-8")
    return tmp_path


def test_a_wrong_formula_is_named_placed_and_mended(place: Path) -> None:
    result = run("notes.md")
    assert result.exit_code == 1, result.output
    assert "3 formulas: 2 right, 1 wrong" in result.stdout
    assert "notes.md:11" in result.stdout
    assert "wrong-layer-index" in result.stdout
    assert "A[1]" in result.stdout
    assert result.stderr == ""


def test_a_document_without_mistakes_ends_with_0(place: Path) -> None:
    result = run("good.md")
    assert result.exit_code == 0, result.output
    assert "3 formulas: 3 right" in result.stdout


def test_json_of_several_files(place: Path) -> None:
    result = run("notes.md", "good.md", "--format", "json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["counts"]["formulas"] == 6
    assert [d["name"] for d in report["documents"]] == ["notes.md", "good.md"]
    wrong = [f for f in report["documents"][0]["formulas"] if f["verdict"] == "wrong"]
    assert [(f["line"], f["text"], f["causes"][0]["cause"]) for f in wrong] == [(11, WRONG, "wrong-layer-index")]


def test_a_page_into_a_file(place: Path) -> None:
    result = run("notes.md", "--out", "report.html")
    assert result.exit_code == 1
    assert "written to report.html" in result.stdout
    page = (place / "report.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<math" in page
    assert "wrong-layer-index" in page


def test_text_into_a_file(place: Path) -> None:
    assert run("notes.md", "--out", "report.txt").exit_code == 1
    assert "notes.md:11: wrong: " in (place / "report.txt").read_text("utf-8")


def test_a_format_with_any_ending(place: Path) -> None:
    assert run("notes.md", "--out", "r.pdf", "--format", "json").exit_code == 1
    assert json.loads((place / "r.pdf").read_text("utf-8"))["counts"]["wrong"] == 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_report_keeps_to_its_width_and_cuts_no_formula(place: Path, width: int) -> None:
    (place / "a.tex").write_text(
        "$$\\frac{\\partial L}{\\partial a^{[2]}} = y \\ln(a^{[2]}) + (1 - y) \\ln(1 - a^{[2]}) + 1234 + 9012 $$\n",
        "utf-8",
    )
    result = run("a.tex", "--width", str(width))
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert "∂L/∂a[2] =" in result.stdout
    assert "9012" in result.stdout.split("a.tex")[0]
    assert "…" not in result.stdout
    assert "\\frac" not in result.stdout


def test_code_is_shown_without_its_comment(place: Path) -> None:
    (place / "a.md").write_text("```python\ndW2 = dZ2 @ A2.T  # the gradient\n```\n", "utf-8")
    assert "the gradient" not in run("a.md").stdout


def test_warnings_stand_on_standard_error(place: Path) -> None:
    (place / "a.md").write_text("$$ dW^{[2]} = \\frac{1}{m} dZ^{[2]} A^{[1]T}\n", "utf-8")
    result = run("a.md")
    assert "warning: a.md: line 1: $$ is never closed" in result.stderr
    assert "1 formula: 1 right" in result.stdout


def test_a_long_formula_is_not_echoed_whole(place: Path) -> None:
    result = run("--formula", "dW[2" + " + A" * 200)
    assert result.exit_code == 2
    assert len(result.stderr) < 300


def test_standard_input(place: Path) -> None:
    result = run("-", stdin=NOTES)
    assert result.exit_code == 1
    assert "standard input:11" in result.stdout
    assert "2 right, 1 wrong" in result.stdout


@pytest.mark.parametrize(("formula", "code", "words"), [(RIGHT, 0, "1 right"), (WRONG, 1, "wrong-layer-index")])
def test_one_formula(place: Path, formula: str, code: int, words: str) -> None:
    result = run("--formula", formula, "--network", "3-5:tanh-2:softmax", "--loss", "cross_entropy")
    assert result.exit_code == code, result.output
    assert words in result.stdout


def test_options_and_a_notation_file(place: Path) -> None:
    (place / "delta.toml").write_text('network = "3-5:tanh-2"\nloss = "quadratic"\nletters = {"delta_l" = "dZ[l]"}\n')
    (place / "delta.txt").write_text("delta_2 = A[2] - Y\n", "utf-8")
    result = run("delta.txt", "--notation", "delta.toml")
    assert result.exit_code == 0, result.output
    assert "1 right" in result.stdout
    result = run("delta.txt", "--notation", "delta.toml", "--network", "3-5:tanh-2:tanh")
    assert "1 right\n" not in result.stdout


def test_what_states_nothing_is_listed_on_request(place: Path) -> None:
    (place / "a.md").write_text(f"The shape of $W$ is $n_l \\times n_{{l-1}}$, and `{RIGHT}`.\n", "utf-8")
    assert "no statement" not in run("a.md").stdout
    assert run("a.md", "--verbose").stdout.count("no statement") == 2


def test_a_document_without_formulas_is_no_error(place: Path) -> None:
    (place / "a.md").write_text("Nothing but words.\n")
    result = run("a.md")
    assert result.exit_code == 0
    assert "0 formulas" in result.stdout


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ([], ["nothing to check", "--formula"]),
        (["notes.md", "--formula", RIGHT], ["files or --formula", "not both"]),
        (["missing.md"], ["'missing.md'", "No such file"]),
        (["."], ["'.'", "directory"]),
        (["empty.md"], ["empty.md is empty"]),
        (["big.md"], ["5 MB"]),
        (["binary.md"], ["binary.md", "binary"]),
        (["latin.md"], ["latin.md, line 2", "0xfc", "UTF-8"]),
        (["a.ipynb"], ["a.ipynb", "notebook"]),
        (["notes.md", "--network", "3-x"], ["--network", "'x'"]),
        (["notes.md", "--loss", "cross_entrpy"], ["--loss", "did you mean 'cross_entropy'?"]),
        (["notes.md", "--samples", "cols"], ["--samples", "columns, rows, one"]),
        (["notes.md", "--place", "W"], ["--place", "parameters, dZ"]),
        (["notes.md", "--format", "pdf"], ["--format pdf", "text, json, html"]),
        (["notes.md", "--seconds", "0"], ["--seconds 0", "positive"]),
        (["notes.md", "--notation", "bad.toml"], ["bad.toml, line 2", "'los'", "did you mean 'loss'?"]),
        (["notes.md", "--notation", "none.toml"], ["'none.toml'"]),
        (["badheader.md"], ["badheader.md, line 3", "'los'"]),
        (["notes.md", "--frmat", "json"], ["--frmat", "did you mean --format?"]),
        (["--formula", "dW[2"], ["dW[2"]),
        (["--formula", "A[1] @ Y"], ["'A[1] @ Y'", "states nothing"]),
        (["notes.md", "--out", "no/such/report.html"], ["report.html"]),
        (["notes.md", "--out", "r.pdf"], ["--out r.pdf", "'.pdf'", ".txt", ".json", ".html", "--format"]),
        (["notes.md", "--width", "3"], ["--width"]),
    ],
    ids=lambda x: " ".join(x)[:40],
)
def test_errors_are_one_sentence_and_exit_2(place: Path, args: list[str], parts: list[str]) -> None:
    (place / "empty.md").write_text("\n")
    (place / "big.md").write_bytes(b"words " * 840_000)
    (place / "binary.md").write_bytes(b"a\0b")
    (place / "latin.md").write_bytes("a\nü".encode("latin-1"))
    (place / "a.ipynb").write_text("{}")
    (place / "bad.toml").write_text('network = "any"\nlos = "any"\n')
    (place / "badheader.md").write_text("<!-- chainrule:\n\nlos = 1\n-->\n")
    result = run(*args)
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0], lines[0]


def test_a_document_of_a_hundred_formulas_is_judged_in_ten_seconds(place: Path) -> None:
    def lines(i: int) -> str:
        n = 1 + i % 3
        return (
            f"dW[{n}] = 1/m * dZ[{n}] @ A[{n - 1}].T + 0*dW[{n}]*{i}\n"
            f"db[{n}] = 1/m * sum(dZ[{n}], axis=1, keepdims=True) * {i + 1}/{i + 1}\n"
            f"dA[{n - 1}] = W[{n}].T @ dZ[{n}] * {i + 1}/{i + 1}\n"
            f"dW[{n}] = {'-' if i % 2 else ''}1/m * dZ[{n}] @ A[{n - i % 2}].T * {i + 1}/{i + 1}\n"
        )

    (place / "long.txt").write_text("".join(lines(i) for i in range(25)))
    started = time.perf_counter()
    result = run("long.txt", "--network", "3-5:tanh-4:sigmoid-2:softmax", "--loss", "cross_entropy")
    seconds = time.perf_counter() - started
    assert result.exit_code == 1, result.output
    assert "100 formulas: 75 right, 25 wrong" in result.stdout
    assert seconds < 10


def test_the_command_as_a_process_and_a_reader_that_goes_away(place: Path) -> None:
    command = [sys.executable, "-m", "chainrule", "check", "notes.md"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "2 right, 1 wrong" in done.stdout


def test_help_shows_examples_and_a_header() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "chainrule check notes.md" in result.stdout
    assert "<!-- chainrule:" in result.stdout
