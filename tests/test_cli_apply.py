"""`chainrule predict` and `chainrule evaluate` on files that training never saw."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chainrule.cli import app

HEADER = "id,size,color,town,y\n"


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run `r` of a table whose 40 towns are embedded, and the run `p` that predicts numbers."""
    folder = tmp_path_factory.mktemp("apply")
    rng = np.random.default_rng(0)
    lines = []
    for i in range(300):
        size, color, town = rng.normal(), rng.choice(["red", "blue"]), rng.integers(40)
        lines.append(f"{i + 1},{size:.3f},{color},t{town:02d},{'big, tall' if size > 0 else 'small'}\n")
    quoted = "".join(line.replace("big, tall", '"big, tall"') for line in lines)
    (folder / "t.csv").write_text(HEADER + quoted)
    args = ["train", str(folder / "t.csv"), "--epochs", "30", "--hidden", "8", "--quiet", "--out", str(folder / "r")]
    assert CliRunner().invoke(app, args).exit_code == 0
    args = ["train", "diabetes", "--epochs", "20", "--hidden", "8", "--quiet", "--out", str(folder / "p")]
    assert CliRunner().invoke(app, args).exit_code == 0
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_predict_writes_identifiers_predictions_and_probabilities(trained: Path, place: Path) -> None:
    (place / "new.csv").write_text("id,size,color,town\n71,2.5,red,t01\n72,-2.5,blue,t02\n")
    result = run("predict", str(trained / "r"), "new.csv", "--proba")
    assert result.stderr == ""
    found = rows(result.stdout)
    assert [r["id"] for r in found] == ["71", "72"]
    assert [r["prediction"] for r in found] == ["big, tall", "small"]
    for r in found:
        assert float(r["probability_big, tall"]) + float(r["probability_small"]) == pytest.approx(1, abs=1e-5)
    assert float(found[0]["probability_big, tall"]) > 0.5
    plain = rows(run("predict", str(trained / "r"), "new.csv").stdout)
    assert list(plain[0]) == ["id", "prediction"]


def test_new_categories_and_columns_are_counted_and_said(trained: Path, place: Path) -> None:
    (place / "new.csv").write_text("town,extra,color,size\nmoon,1,green,0.5\nt01,2,red,\nmars,3,red,0.1\n")
    result = run("predict", str(trained / "r"), "new.csv")
    assert [r["row"] for r in rows(result.stdout)] == ["1", "2", "3"]
    for part in ("'town': 2 cells", "moon", "'color': 1 cells", "green", "'extra'", "'size': 1 missing"):
        assert part in result.stderr, result.stderr
    assert all(line.startswith("warning: ") for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("id,size,color\n1,2.5,red\n", ["lacks the column 'town'"]),
        ("size,color,town\nx,red,t01\ny,red,t01\n", ["'size', row 1", "'x' is text"]),
        ("size,color,town\ninf,red,t01\n", ["'size'", "row 1"]),
        ("size,color,town\n", ["no rows"]),
        ("", ["empty"]),
    ],
)
def test_files_that_do_not_fit_are_refused(trained: Path, place: Path, content: str, parts: list[str]) -> None:
    (place / "new.csv").write_text(content)
    result = run("predict", str(trained / "r"), "new.csv", "--out", "p.csv", code=2)
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr
    assert not (place / "p.csv").exists()
    assert result.stdout == ""


def test_predict_out_is_written_whole_and_not_over_a_file(trained: Path, place: Path) -> None:
    target = place / "p.csv"
    out = run("predict", str(trained / "p"), "diabetes", "--out", "p.csv").stdout
    assert "442 predictions written to p.csv" in out
    found = rows(target.read_text())
    assert len(found) == 442
    assert 20 < np.mean([float(r["prediction"]) for r in found]) < 300  # in the units of the data
    before = target.read_bytes()
    assert "exists already" in run("predict", str(trained / "p"), "diabetes", "--out", "p.csv", code=2).stderr
    assert target.read_bytes() == before
    run("predict", str(trained / "p"), "diabetes", "--out", "p.csv", "--overwrite")
    assert "folder" in run("predict", str(trained / "p"), "diabetes", "--out", "no/such/p.csv", code=2).stderr
    assert "--proba needs classes" in run("predict", str(trained / "p"), "diabetes", "--proba", code=2).stderr


def test_evaluate_measures_labeled_rows_only(trained: Path, place: Path) -> None:
    (place / "new.csv").write_text(
        'size,color,town,y\n3,red,t01,"big, tall"\n-3,red,t02,small\n-3,blue,t02,small\n'
        '-3,blue,t02,"big, tall"\n1,red,t01,\n'
    )
    result = run("evaluate", str(trained / "r"), "new.csv")
    assert "0.7500" in result.stdout
    assert "Confusion matrix" in result.stdout
    assert "1 of 5 rows have no target" in result.stderr
    measures = json.loads(run("evaluate", str(trained / "r"), "new.csv", "--json").stdout)
    assert measures["samples"] == 4
    assert measures["accuracy"] == 0.75


def test_evaluate_regression_and_training_data(trained: Path, place: Path) -> None:
    result = run("evaluate", str(trained / "p"), "diabetes")
    assert "R²" in result.stdout
    assert "RMSE" in result.stdout
    assert "trained on" in result.stderr
    found = json.loads(run("evaluate", str(trained / "p"), "diabetes", "--json").stdout)
    predicted = rows(run("predict", str(trained / "p"), "diabetes").stdout)
    from chainrule.data import load_builtin

    r = load_builtin("diabetes").y - np.array([float(p["prediction"]) for p in predicted])
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(r**2)), rel=1e-6)


def test_evaluate_needs_known_labels(trained: Path, place: Path) -> None:
    (place / "new.csv").write_text("size,color,town,y\n3,red,t01,huge\n")
    sentence = run("evaluate", str(trained / "r"), "new.csv", code=2).stderr
    assert "'huge' is not among the classes" in sentence
    (place / "new.csv").write_text("size,color,town\n3,red,t01\n")
    assert "lacks the target column 'y'" in run("evaluate", str(trained / "r"), "new.csv", code=2).stderr


@pytest.mark.parametrize("damage", ["flip", "cut", "pickle"])
def test_damaged_models_are_refused(trained: Path, place: Path, damage: str) -> None:
    data = bytearray((trained / "r" / "model.safetensors").read_bytes())
    if damage == "flip":
        data[-40] ^= 1
    elif damage == "cut":
        del data[-7:]
    else:
        data[:4] = b"\x80\x04\x95\x00"
    (place / "m.safetensors").write_bytes(data)
    sentence = run("predict", "m.safetensors", str(trained / "t.csv"), code=2).stderr
    assert sentence.startswith("error: ")
    assert "m.safetensors" in sentence
    assert sentence.count("\n") == 1


def test_a_model_without_preprocessing_is_refused(place: Path) -> None:
    from chainrule.train import Model, save_model

    save_model(place / "m.safetensors", Model("4-3:softmax", labels=True))
    assert "without preprocessing" in run("predict", "m.safetensors", "iris", code=2).stderr
