"""Bad input to the command: one sentence with place, value, allowed and mend; exit code 2; no file changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainrule.cli import app

GOOD = "a,b,y\n" + "".join(f"{i},{i * i % 7},{'no' if i % 3 else 'yes'}\n" for i in range(60))


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def tree(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        for p in sorted(folder.rglob("*"))
    }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(GOOD)
    return tmp_path


def fails(place: Path, *args: str, code: int = 2) -> str:
    """Run, expect one sentence on standard error and an unchanged folder; return the sentence."""
    before = tree(place)
    result = run(*args)
    assert result.exit_code == code, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert "Traceback" not in result.output
    assert tree(place) == before
    return lines[0]


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["trian"], ["'trian'", "did you mean 'train'?", "predict"]),
        (["train", "digits", "--epoch", "3"], ["--epoch:", "did you mean --epochs?"]),
        (["train", "digits", "--activation", "rellu"], ["activation 'rellu'", "did you mean 'relu'?", "tanh"]),
        (["train", "digits", "--loss", "cross_entrpy"], ["loss 'cross_entrpy'", "did you mean 'cross_entropy'?"]),
        (["train", "digits", "--optimizer", "adm"], ["optimizer 'adm'", "did you mean 'adam'?", "sgd"]),
        (["train", "digits", "--schedule", "cosin"], ["schedule 'cosin'", "did you mean 'cosine'?"]),
        (["train", "digits", "--task", "classify"], ["task 'classify'", "classification, regression"]),
        (["train", "digits", "--class-weight", "balance"], ["class weight 'balance'", "did you mean 'balanced'?"]),
        (["train", "digts"], ["'digts'", "did you mean 'digits'?", "CSV"]),
        (["train", "digits", "--hidden", "0"], ["--hidden", "0 is no width", "whole numbers from 1"]),
        (["train", "digits", "--hidden", "8,x"], ["--hidden", "'8,x'", "joined by commas"]),
        (["train", "digits", "--learning-rate", "nan"], ["--learning-rate", "nan", "positive"]),
        (["train", "digits", "--learning-rate", "-1"], ["--learning-rate", "-1.0", "positive"]),
        (["train", "digits", "--dropout", "1"], ["--dropout", "1.0", "below 1"]),
        (["train", "digits", "--l2", "-1"], ["--l2", "-1.0", "from 0 on"]),
        (["train", "digits", "--l1", "inf"], ["--l1", "inf", "from 0 on"]),
        (["train", "digits", "--epochs", "0"], ["--epochs", "0", "whole number from 1"]),
        (["train", "digits", "--epochs", "x"], ["--epochs", "'x'", "integer", "train --help"]),
        (["train", "digits", "--batch-size", "0"], ["--batch-size", "0", "from 1 on"]),
        (["train", "digits", "--seed", "-1"], ["--seed", "-1", "from 0"]),
        (["train", "digits", "--clip-norm", "0"], ["--clip-norm", "0.0", "positive"]),
        (["train", "digits", "--validation", "0.6", "--test", "0.5"], ["0.6", "0.5", "less than 1"]),
        (["train", "digits", "--checkpoint-every", "often"], ["--checkpoint-every", "'often'", "500steps"]),
        (["train", "digits", "--hidden", "999999999"], ["999999999 × 64", "GiB", "fewer units"]),
        (["train", "digits", "--hidden", "33000000"], ["--hidden 33000000", "GiB", "33000000 × 64", "fewer units"]),
        (["train", "digits", "--loss", "binary_cross_entropy"], ["2 classes", "has 10", "cross_entropy"]),
        (["train", "digits", "--loss", "poisson"], ["poisson", "counts"]),
        (["train", "diabetes", "--loss", "cross_entropy"], ["cross_entropy", "progression", "mean_squared"]),
        (["train", "diabetes", "--class-weight", "balanced"], ["--class-weight balanced", "regression"]),
        (["train", "digits", "--target", "weight"], ["'weight'", "digit"]),
        (["train", "digits", "--task", "regression"], ["regression", "classification"]),
        (["train", "digits", "--separator", ";"], ["separator", "tables in files"]),
        (["train", "good.csv", "--target", "yy"], ["'yy'", "did you mean 'y'?", "a, b, y"]),
        (["train", "good.csv", "--drop", "c"], ["'c'", "a, b, y"]),
        (["train"], ["DATA is missing", "train --help"]),
        (["train", "digits", "--out", "good.csv"], ["good.csv", "it is a file", "another path"]),
        (["train", "digits", "--out", "good.csv/run"], ["good.csv"]),
        (["train", "--resume"], ["--resume", "--out RUN"]),
        (["train", "--resume", "--out", "nowhere"], ["'nowhere'", "no such folder"]),
        (["train", "--resume", "--out", ".", "--hidden", "9"], ["--hidden", "cannot be changed", "new run"]),
        (["predict", "nowhere", "digits"], ["'nowhere' does not exist", "folder of a run"]),
        (["predict", ".", "digits"], ["no model.safetensors"]),
        (["predict", "good.csv", "digits"], ["good.csv"]),
        (["predict"], ["RUN is missing", "predict --help"]),
        (["evaluate", "x"], ["DATA is missing", "evaluate --help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0] in ("train", "predict") else None,
)
def test_usage_errors_name_place_value_allowed_and_mend(place: Path, args: list[str], parts: list[str]) -> None:
    sentence = fails(place, *args)
    for part in parts:
        assert part in sentence, sentence


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["is empty", "header"]),
        (b"a,b,y\n", ["no rows", "line 1"]),
        (b"a,b,y\n1,2,u\n1,2\n", ["line 3", "2 cells", "header has 3"]),
        ("a,b,y\n1,2,ü\n".encode("utf-16"), ["UTF-16"]),
        ("a,b,y\n1,2,ü\n".encode("latin-1"), ["byte offset 10"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ["PNG"]),
        (b'a,b,y\n1,2,"u\n', ["line 2", "never ends"]),
        (b"a,b,y\n1,\x002,u\n", ["NUL", "line 2"]),
        (b"a,a,y\n1,2,u\n", ["'a'"]),
        (b"a,b,y\n1,inf,u\n2,1,v\n3,2,u\n", ["'b'", "row 1"]),
        (b"a,b,y\n1,1e300,u\n2,1,v\n3,2,u\n", ["'b'", "row 1"]),
        ("a,b,y\n" + "1,2,u\n" * 50, ["single class 'u'", "at least two"]),
        ("a,b,y\n" + "1,2,u\n1,2,v\n" * 30, ["no feature", "constant"]),
        ("a,b,y\n" + "1,2,\n" * 30, ["'y' is missing in all 30 rows"]),
        ("y\n1\n2\n", ["single column 'y'"]),
        ("a,y\n" + "".join(f"{i},3.5\n" for i in range(40)), ["'y' is constant"]),
    ],
)
def test_bad_tables_are_refused(place: Path, content: bytes | str, parts: list[str]) -> None:
    (place / "bad.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    args = ["train", "bad.csv", "--target", "y"]
    if isinstance(content, str) and "3.5" in content:
        args += ["--task", "regression"]
    sentence = fails(place, *args)
    for part in parts:
        assert part in sentence, sentence


def test_text_far_down_a_numeric_column_is_named(place: Path) -> None:
    rows = [f"{i % 13},{i % 2}" for i in range(200_000)]
    (place / "long.csv").write_text("a,y\n" + "\n".join(rows) + "\noops,1\n")
    sentence = fails(place, "train", "long.csv", "--target", "y")
    assert "'a', row 200001 (line 200002): 'oops'" in sentence
    assert "--category a" in sentence


def test_a_run_that_exists_is_neither_read_nor_replaced(place: Path) -> None:
    (place / "run").mkdir()
    (place / "run" / "notes.txt").write_text("mine")
    sentence = fails(place, "train", "no-such-data.csv", "--out", "run")  # before the data are looked at
    assert "not empty" in sentence
    assert "--overwrite or --resume" in sentence


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written(place: Path) -> None:
    (place / "locked").mkdir(mode=0o555)
    assert "locked" in fails(place, "train", "iris", "--out", "locked/run")


def test_predict_refuses_a_file_that_exists_before_anything_else(place: Path) -> None:
    sentence = fails(place, "predict", "nowhere", "digits", "--out", "good.csv")
    assert "'good.csv' exists" in sentence
    assert "--overwrite" in sentence


def test_unexpected_exceptions_are_reported_in_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise KeyError("odd\nthing")

    monkeypatch.setattr("chainrule.tabular.job.prepare", broken)
    result = run("train", "iris")
    assert result.exit_code == 1
    assert result.stderr.startswith("internal error: KeyError")
    assert "--debug" in result.stderr
    assert result.stderr.count("\n") == 1
    shown = run("train", "iris", "--debug")
    assert "Traceback" in shown.stderr
    assert shown.stderr.splitlines()[-1].startswith("internal error: KeyError")


def test_debug_shows_the_traceback_of_a_user_error_too(place: Path) -> None:
    result = run("train", "digts", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: 'digts'")


@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_every_help_shows_an_example_that_uses_the_command(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"chainrule {command} " in result.stdout.split("Example", 1)[1]


def test_version_and_overview() -> None:
    from chainrule.cli.app import COMMANDS

    assert run("--version").stdout.startswith("chainrule 0.")
    overview = run("--help")
    assert overview.exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in overview.stdout
    assert run().exit_code == 2
