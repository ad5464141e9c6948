"""What is easily overlooked is said: classes never predicted, far cells, files that are no tables, full disks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chainrule.cli.app import app
from chainrule.cli.progress import describe
from chainrule.data import Table, read_table
from chainrule.errors import ConfigurationError, DataError, counted, nearest, unknown_name
from chainrule.evaluate import Confusion, overfitting, split
from chainrule.files import write_atomic
from chainrule.show import curves_figure
from chainrule.tabular import Options, train_table
from chainrule.tabular.cautions import about_classes
from chainrule.train import Model, save_model


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


def imbalanced(rows: int = 400, rare: int = 36) -> Table:
    """A rare class that nothing tells apart."""
    rng = np.random.default_rng(1)
    label = ["yes" if k < rare else "no" for k in range(rows)]
    return Table.from_columns({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "y": label}, "rare")


# --- classes -----------------------------------------------------------------------------------------------------


def test_a_class_that_is_never_predicted_is_named_with_the_mend() -> None:
    result = train_table(imbalanced(), Options(epochs=5, hidden=(4,)))
    confusion = result.judged["test"].confusion
    assert confusion is not None
    assert confusion.predicted.tolist() == [80, 0], "a case in which only one class is predicted"
    (warning,) = [w for w in result.warnings if "never predicted" in w]
    share = confusion.support[0] / 80
    assert warning == (
        f"class 'yes' ({confusion.support[1]} of 80 test rows) is never predicted, and the accuracy {share:.4f} is "
        "only that of always predicting 'no': try class_weight='balanced'"
    )
    assert result.to_json()["confusion"]["test"]["matrix"] == confusion.matrix.tolist()


def test_the_command_says_it_with_its_option_and_evaluate_too(place: Path) -> None:
    table = imbalanced()
    cells = [[str(c) for c in column.to_numpy()] for column in table]
    Path("t.csv").write_text("a,b,y\n" + "\n".join(",".join(row) for row in zip(*cells, strict=True)) + "\n")
    linear = ["--epochs", "40", "--hidden", "none", "--learning-rate", "0.02"]
    told = run("train", "t.csv", *linear, "--out", "r").stderr
    assert "is never predicted" in told
    assert "try --class-weight balanced" in told
    assert "class 'yes' (36 of 400 given rows) is never predicted" in run("evaluate", "r", "t.csv").stderr
    found = json.loads(run("evaluate", "r", "t.csv", "--json").stdout)
    assert found["confusion"]["labels"] == ["no", "yes"]
    assert found["confusion"]["matrix"] == [[364, 0], [36, 0]]
    assert [c["recall"] for c in found["confusion"]["classes"]] == [1.0, 0.0]
    assert found["accuracy"] == 0.91
    balanced = run(
        "train", "t.csv", "--epochs", "5", "--hidden", "4", "--out", "b", "--class-weight", "balanced"
    ).stderr
    assert "--class-weight" not in balanced


def test_a_good_model_gets_no_such_warning() -> None:
    result = train_table("iris", Options(epochs=30, hidden=(16,), learning_rate=0.01))
    assert not [w for w in result.warnings if "predict" in w]


@pytest.mark.parametrize(
    ("matrix", "never", "expected"),
    [
        ([[50, 0], [0, 50]], [], []),
        ([[60, 10], [25, 5]], [], ["the accuracy 0.6500 is not above the 0.7000 of always predicting 'a': mend"]),
        ([[9, 0], [1, 0]], [1], ["class 'b' (1 of 10 x rows) is never predicted, and always predicting 'a' would have "
                                 "accuracy 0.9000: mend"]),
        ([[6, 4], [4, 5]], [], []),  # too few to compare
    ],
)  # fmt: skip
def test_the_words_about_classes(matrix: list[list[int]], never: list[int], expected: list[str]) -> None:
    confusion = Confusion(matrix, ["a", "b"])
    assert about_classes(confusion, "x", never=np.array(never, dtype=int), mend="mend") == expected


# --- cells far from all others -------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["age", "price"])
def test_one_cell_that_squeezes_a_column_is_named_with_its_row(where: str) -> None:
    rng = np.random.default_rng(0)
    columns = {"age": rng.uniform(20, 80, 300), "b": rng.normal(size=300), "price": rng.uniform(1, 9, 300)}
    columns[where][41] = 1e20
    result = train_table(Table.from_columns(columns), Options(epochs=2, hidden=(4,)))
    (warning,) = [w for w in result.warnings if "squeezes" in w]
    assert warning.startswith(f"column {where!r}, row 42: 1e+20 lies ")
    columns[where][41] = columns[where][40]
    result = train_table(Table.from_columns(columns), Options(epochs=2, hidden=(4,)))
    assert not [w for w in result.warnings if "squeezes" in w]


def test_heavy_tails_are_no_outliers() -> None:
    rng = np.random.default_rng(0)
    columns = {"income": np.exp(rng.normal(10, 1.2, 2000)), "t": rng.standard_t(3, 2000), "y": rng.normal(size=2000)}
    columns["mostly"] = np.where(rng.random(2000) < 0.9, 0.0, rng.random(2000) * 1e6)
    result = train_table(Table.from_columns(columns), Options(epochs=1, hidden=(4,), target="y"))
    assert not [w for w in result.warnings if "squeezes" in w]


# --- files that are no tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "separator", "words"),
    [
        (
            b'a,"b"\n1,"x y"\n2,"z"\n',
            ";",
            "has no ';' in its first line, but 2 cells between ',': leave the separator out",
        ),
        (b"a;b\n1;2\n", ",", "but 2 cells between ';'"),
        (b'[{"a": 1, "b": 2},\n {"a": 3, "b": 4}]\n', None, "is JSON (it begins with"),
        (b'{"a": 1, "b": "x"}\n{"a": 3, "b": "y"}\n', None, "is JSON lines"),
        (b'{"a": [1, 2],\n "b": [3, 4]}', None, "is JSON"),
        (
            b'a b\n1 "x"\n2 "y"\n3 "z"\n',
            None,
            "between blanks, say separator=' '",
        ),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 40 + b"\x01\x02", None, "is a program"),
        (bytes([0, 3, 0, 0, 9, 0, 0, 0]) * 40, None, "is a binary file of a kind that is not known here"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(
    tmp_path: Path, content: bytes, separator: str | None, words: str
) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, separator=separator)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["[a],b\n1,2\n", "{x\n1\n", '"{""k"": 1}",b\n1,2\n', "one column\n1\n2\n"])
def test_odd_tables_are_tables(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_table(path).n_rows == len(text.strip().split("\n")) - 1


# --- messages -------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_from_a_wrong_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="choose a path in a folder that exists and can be written"):
        write_atomic(tmp_path / "none" / "x", b"")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left on device; free some space there, or choose a place"):
        write_atomic(tmp_path / "x", b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_standard_output_is_named(place: Path) -> None:
    train_table("iris", Options(epochs=1, hidden=(4,)), out="r")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "chainrule", "predict", "r", "iris"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == (
        "error: standard output cannot be written: No space left on device; write to a place that has room and works\n"
    )


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(n, "row") for n in (0, 1, 1000)] == ["0 rows", "1 row", "1,000 rows"]
    assert overfitting({"loss": [1.0], "val_loss": [1.0]}).reason == "1 epoch is too few, 5 are needed."
    (note,) = split(np.array([0] * 20 + [1] * 20 + [2]), validation=0.2, test=0.2, stratify=True, seed=0).notes
    assert note.startswith("1 of 3 classes has fewer samples than the 3 sets and is not stratified")


def test_names_that_do_not_exist() -> None:
    assert str(unknown_name("column", "nosuch", ["age"])) == "unknown column 'nosuch': allowed are age."
    assert (
        str(unknown_name("column", "Age", ["age", "b"])) == "unknown column 'Age': did you mean 'age'? Allowed: age, b."
    )
    assert nearest("AGE", ["age", "wage"]) == "age"
    assert run("trian", code=2).stderr.startswith("error: unknown command 'trian': did you mean 'train'? Allowed: ")
    assert run("x", code=2).stderr.startswith("error: unknown command 'x': allowed are ")


def test_a_renamed_column_is_recognized(place: Path) -> None:
    train_table("iris", Options(epochs=1, hidden=(4,)), out="iris")
    rows = "".join(f"{k},{k % 7},{k / 3}\n" for k in range(40))
    Path("t.csv").write_text("age,b,y\n" + rows)
    train_table("t.csv", Options(epochs=1, hidden=(4,)), out="r")
    Path("new.csv").write_text("Age,b\n3,4\n")
    told = run("predict", "r", "new.csv", code=2).stderr
    assert "lacks the column 'age' that training had: did you mean 'Age' to be 'age'? Rename it, or add it" in told


def test_curves_of_very_many_epochs(tmp_path: Path) -> None:
    rng, epochs = np.random.default_rng(0), np.arange(900)
    loss = 30 * np.exp(-epochs / 3) + 1 + 0.2 * rng.random(900)
    path = curves_figure({"loss": loss, "val_loss": loss + 0.1, "r2": 1 - loss, "val_r2": 1 - loss}, tmp_path / "c.svg")
    drawn = path.read_text()
    assert "<!-- loss (logarithmic) -->" in drawn
    assert "<!-- R² -->" in drawn
    assert "<!-- training, median of 19 epochs -->" in drawn


def test_the_line_of_an_epoch_shows_losses_that_can_be_compared() -> None:
    row = {"epoch": 1, "loss": 1.723, "train_loss": 0.31, "val_loss": 0.2746}  # the cost has its penalty
    assert describe(row) == "loss 0.31  validation loss 0.2746"
    assert describe({"epoch": 1, "loss": 1.723}) == "loss 1.723"


def test_save_model_with_its_arguments_turned_round(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"given a str where the model is expected: write save_model\(path"):
        save_model(Model("2-1"), str(tmp_path / "x"))  # type: ignore[arg-type]
