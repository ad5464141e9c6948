"""Runs that end before they should: interrupted ones give a model, finished ones can be lengthened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainrule.cli.app import app
from chainrule.data import read_data
from chainrule.errors import ModelFileError
from chainrule.files import RunFolder, load_bundle
from chainrule.tabular import Job, Options, SavedRun, train_table
from chainrule.train import Callback, Trainer, load_model


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


class StopAfter(Callback):
    """Asks for the end after an epoch, as a signal would."""

    def __init__(self, epoch: int) -> None:
        self.epoch, self.now = epoch, False

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: object) -> None:
        self.now = epoch >= self.epoch

    def wanted(self) -> bool:
        return self.now


def interrupted(source: str, options: Options, epoch: int) -> None:
    job = Job.plan(source, options)
    at = StopAfter(epoch)
    job.trainer.callbacks.insert(0, at)
    with RunFolder("r") as folder:
        assert not job.train(folder, wanted=at.wanted)


def bits(folder: str) -> dict[str, bytes]:
    bundle = load_bundle(Path(folder) / "model.safetensors", kind="model")
    return {name: tensor.tobytes() for name, tensor in bundle.tensors.items()}


def test_an_interrupted_run_has_the_best_parameters_so_far(place: Path) -> None:
    options = Options(epochs=100, hidden=(6,), learning_rate=0.3, patience=50)
    interrupted("iris", options, 12)
    saved = SavedRun.load("r")
    history = RunFolder("r", resume=True).read_history()
    losses = [float(row["val_loss"]) for row in history]
    best = losses.index(min(losses)) + 1
    assert best < 12, "a case in which the last parameters are not the best"
    assert saved.notes == (
        f"the training of 'r' was interrupted: these are the parameters after epoch {best}, the best so far",
    )
    shorter = train_table("iris", Options(**{**vars(options), "epochs": best}), out="shorter")
    assert shorter.history.best_epoch == best
    assert bits("r") == bits("shorter")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_an_interrupted_run_is_used_with_a_warning(place: Path, command: str) -> None:
    interrupted("iris", Options(epochs=30, hidden=(4,), patience=0), 3)
    result = run(command, "r", "iris")
    assert "warning: the training of 'r' was interrupted: these are the parameters after" in result.stderr
    assert result.stdout


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_checkpoints_alone_say_how_the_run_is_finished(place: Path, command: str) -> None:
    interrupted("iris", Options(epochs=30, hidden=(4,)), 3)
    os.unlink("r/model.safetensors")
    wanted = "chainrule train --resume --out r"
    assert wanted in run(command, "r", "iris", code=2).stderr
    newest = max(Path("r/checkpoints").iterdir())
    told = run(command, str(newest), "iris", code=2).stderr
    assert "is a checkpoint" in told
    assert wanted in told


@pytest.mark.parametrize("finished", [True, False], ids=["finished", "interrupted"])
def test_a_lengthened_run_has_the_bits_of_the_long_one(place: Path, finished: bool) -> None:
    options = Options(epochs=6, hidden=(5,), dropout=0.2, patience=0)
    if finished:
        train_table("iris", options, out="r")
    else:
        interrupted("iris", options, 4)
    train_table("iris", Options(**{**vars(options), "epochs": 11}), out="whole")
    assert "resuming in epoch" in run("train", "--resume", "--out", "r", "--epochs", "11").stdout
    assert bits("r") == bits("whole")
    assert len(RunFolder("r", resume=True).read_history()) == 11
    # And once more, from where it is now.
    run("train", "--resume", "--out", "r", "--epochs", "12", "--quiet")
    assert len(RunFolder("r", resume=True).read_history()) == 12


def test_a_lengthened_run_that_is_killed_is_resumed_to_its_new_length(place: Path) -> None:
    options = Options(epochs=4, hidden=(5,), patience=0)
    train_table("iris", options, out="r")
    with RunFolder("r", resume=True) as folder:
        job, _ = Job.resume(folder, epochs=9)
        at = StopAfter(6)
        job.trainer.callbacks.insert(0, at)
        job.train(folder, wanted=at.wanted)
    assert not Path("r/metrics.json").exists()  # else it would count as finished
    run("train", "--resume", "--out", "r", "--quiet")
    assert len(RunFolder("r", resume=True).read_history()) == 9


def test_lengthening_refuses_what_it_cannot_do(place: Path) -> None:
    train_table("iris", Options(epochs=5, hidden=(4,)), out="r")
    assert (
        "--epochs 5: the run 'r' has done 5 already"
        in run("train", "--resume", "--out", "r", "--epochs", "5", code=2).stderr
    )
    assert "nothing to resume" in run("train", "--resume", "--out", "r").stdout
    stopped = train_table("iris", Options(epochs=90, hidden=(4,), patience=1, learning_rate=0.3), out="early")
    assert stopped.stopped
    assert not list(Path("early/checkpoints").iterdir())
    told = run("train", "--resume", "--out", "early", "--epochs", "200", code=2).stderr
    assert "larger --patience" in told


def test_data_that_are_gone_are_named(place: Path) -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i / 7},{i % 5}.5\n" for i in range(60)))
    interrupted("t.csv", Options(epochs=9, hidden=(4,)), 2)
    shutil.move("t.csv", "elsewhere.csv")
    assert "are no longer at" in run("train", "--resume", "--out", "r", code=2).stderr
    run("train", "elsewhere.csv", "--resume", "--out", "r", "--quiet")


def test_load_model_takes_the_folder_of_a_run(place: Path) -> None:
    train_table("iris", Options(epochs=2, hidden=(4,)), out="r")
    (one, extra), (two, _) = load_model("r"), load_model("r/model.safetensors")
    assert one.theta.tobytes() == two.theta.tobytes()
    assert extra["preprocessor"]
    os.mkdir("empty")
    with pytest.raises(ModelFileError, match="'empty' is a folder"):
        load_model("empty")
    assert SavedRun.load("r").predict(read_data("iris"))[0].values.shape == (150,)
