"""`chainrule train`: what it says, what it writes, and that a run can be resumed to the same bits."""

from __future__ import annotations

import csv
import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chainrule.cli import app
from chainrule.data import Table
from chainrule.errors import ConfigurationError, DataError, ModelFileError, NonFiniteError
from chainrule.files import RunFolder, load_bundle
from chainrule.tabular import Every, Job, Options, SavedRun, train_table
from chainrule.tabular.architecture import default_l2
from chainrule.tabular.job import dead_layers
from chainrule.tabular.preparation import fingerprint, prepare
from chainrule.train import Callback

pytest.importorskip("matplotlib.figure")  # drawn in this process, which is quicker for many runs


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mixed_table(path: Path, rows: int = 200, seed: int = 0) -> None:
    """Numbers with gaps, a small category, one with many levels, a constant, row numbers; y follows from them."""
    rng = np.random.default_rng(seed)
    towns = [f"town{k:02d}" for k in range(40)]
    with path.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["id", "size", "color", "town", "same", "y"])
        for i in range(rows):
            size, color, town = rng.normal(), rng.choice(["red", "blue"]), rng.integers(40)
            label = "big" if size + (color == "red") + (town > 20) > 1 else "small"
            write.writerow([i + 1, "" if i % 17 == 0 else f"{size:.3f}", color, towns[town], 7, label])


def test_says_what_it_found_and_writes_the_run(place: Path) -> None:
    mixed_table(place / "t.csv")
    result = run("train", "t.csv", "--epochs", "4", "--hidden", "8")
    out = result.stdout
    for part in (
        "target: column 'y'",
        "--target COLUMN",
        "task: classification, because column 'y' holds text",
        "classes: 2 (big ",
        "1 numeric, 1 categorical, 1 embedded, 2 dropped",
        "12 of 200 cells are missing",
        "column 'town' has many levels and is embedded",
        "rows: 130 train, 30 validation, 40 test",
        "epoch 1/4",
        "validation accuracy",
        "Confusion matrix (test)",
        "learning curves:",
        "chainrule predict runs/t-001 DATA",
    ):
        assert part in out, out
    assert "warning: column 'same' was dropped: it is constant" in result.stderr
    folder = place / "runs" / "t-001"
    names = {p.name for p in folder.iterdir()} - {".lock"}
    assert names == {
        "model.safetensors", "history.csv", "metrics.json", "curves.png", "confusion.png", "checkpoints"
    }  # fmt: skip
    assert len(list((folder / "checkpoints").iterdir())) == 1  # the epochs ran out: the run can be lengthened
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["epoch"] for r in rows] == ["1", "2", "3", "4"]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["measures"]) == {"train", "validation", "test"}
    assert metrics["measures"]["test"]["samples"] == 40
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    run("train", "t.csv", "--epochs", "1", "--hidden", "8", "--quiet")
    assert (place / "runs" / "t-002" / "model.safetensors").exists()


def test_regression_draws_residuals_and_quiet_says_nothing(place: Path) -> None:
    result = run("train", "diabetes", "--epochs", "2", "--out", "r", "--quiet")
    assert result.output == ""
    assert (place / "r" / "residuals.png").exists()
    assert not (place / "r" / "confusion.png").exists()
    measures = json.loads((place / "r" / "metrics.json").read_text())["measures"]["test"]
    assert set(measures) == {"samples", "r2", "rmse", "mae", "max_error"}


def test_the_measures_agree_with_scikit_learn(place: Path) -> None:
    from sklearn import metrics

    result = train_table("wine", Options(epochs=3, hidden=(8,)))
    part, found = result.data.parts["test"], result.measures["test"]
    P = result.model.predict(part.X).astype(np.float64)
    guess = P.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(part.y, guess))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(part.y, guess, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(part.y, P / P.sum(axis=1, keepdims=True)), rel=1e-5)
    result = train_table("diabetes", Options(epochs=3, hidden=(8,)))
    y, yhat = result.judged["test"].residuals or (np.empty(0), np.empty(0))
    found = result.measures["test"]
    assert found["r2"] == pytest.approx(metrics.r2_score(y, yhat))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, yhat))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, yhat))
    assert 25 <= y.min() <= y.max() <= 346  # in the units of the data


@pytest.mark.parametrize(
    "extra",
    [
        ["--dropout", "0.2", "--batch-norm"],
        ["--loss", "binary_cross_entropy", "--class-weight", "balanced", "--label-smoothing", "0.1"],
        ["--loss", "mean_squared", "--activation", "tanh", "--l1", "0.001", "--l2", "0.001"],
        ["--hidden", "none", "--float64", "--schedule", "cosine", "--optimizer", "sgd", "--clip-norm", "1"],
        ["--validation", "0", "--patience", "0", "--test", "0", "--batch-size", "9999"],
        ["--class-weight", "balanced", "--label-smoothing", "0.1", "--checkpoint-every", "3steps"],
    ],
    ids=" ".join,
)
def test_options_reach_the_training(place: Path, extra: list[str]) -> None:
    result = run("train", "breast_cancer", "--epochs", "3", "--out", "r", "--hidden", "6", *extra)
    saved = SavedRun.load("r")
    network = str(saved.model.network)
    assert ("dropout=0.2" in network) == ("--dropout" in extra)
    assert ("batchnorm" in network) == ("--batch-norm" in extra)
    assert network.endswith("1:sigmoid" if "binary_cross_entropy" in extra else "2:softmax")
    assert saved.model.dtype == (np.float64 if "--float64" in extra else np.float32)
    if "--hidden" in extra:
        assert network == "30-2:softmax"
    if "9999" in extra:
        assert "warning: batch size 9999 is above the 569 training rows" in result.stderr
    assert json.loads((place / "r" / "metrics.json").read_text())["measures"]["train"]["accuracy"] > 0.3


def test_separator_decimal_drop_and_category(place: Path) -> None:
    rows = "".join(f"{i % 10},5;{i % 3};{i};{'u' if i % 10 > 4 else 'v'}\n" for i in range(80))
    (place / "t.csv").write_text("a;code;leak;y\n" + rows)
    out = run("train", "t.csv", "--epochs", "1", "--separator", ";", "--decimal", ",", "--drop", "leak",
              "--category", "code", "--out", "r").stdout  # fmt: skip
    assert "1 numeric, 1 categorical" in out
    saved = SavedRun.load("r")
    assert saved.preprocessor.feature_names == ("a", "code=0", "code=1", "code=2")


def test_a_column_that_gives_the_answer_away_is_named(place: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    table = Table.from_columns({"x": rng.normal(size=100), "alive": np.where(y, "yes", "no"), "y": y})
    warnings = prepare(table, Options()).warnings
    assert any("'alive' alone tells the target" in w for w in warnings)
    assert not any("'x'" in w for w in warnings)


def test_idx_folders_use_their_own_test_part(place: Path) -> None:
    rng = np.random.default_rng(0)
    (place / "images").mkdir()
    for part, n in (("train", 60), ("t10k", 20)):
        labels = (np.arange(n) % 2).astype(np.uint8)
        pixels = (rng.integers(0, 60, (n, 4, 4)) + 150 * labels[:, None, None]).astype(np.uint8)
        with gzip.open(place / "images" / f"{part}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, n, 4, 4) + pixels.tobytes())
        (place / "images" / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + labels.tobytes())
    out = run("train", "images", "--epochs", "30", "--hidden", "8", "--out", "r").stdout
    assert "the 20 test samples are those that come with the data" in out
    assert "51 train, 9 validation, 20 test" in out
    assert json.loads((place / "r" / "metrics.json").read_text())["measures"]["test"]["accuracy"] == 1.0
    assert " 20 " in run("evaluate", "r", "images").stdout
    assert len(run("predict", "r", "images").stdout.splitlines()) == 21


def test_preprocessing_is_fitted_on_training_rows_only() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), rng.integers(0, 2, 300)
    first = prepare(Table.from_columns({"x": x, "y": y}), Options())
    other = x.copy()
    moved = np.isin(x, [v for name in ("validation", "test") for v in _values(first, name)])
    assert 0 < moved.sum() < 300
    other[moved] += 1000
    second = prepare(Table.from_columns({"x": other, "y": y}), Options())
    np.testing.assert_array_equal(first.parts["train"].X, second.parts["train"].X)


def _values(prepared: object, part: str) -> np.ndarray:
    encoder = prepared.preprocessor.columns[0]  # type: ignore[attr-defined]
    z = prepared.parts[part].X[:, 0].astype(np.float64)  # type: ignore[attr-defined]
    data = np.random.default_rng(0).normal(size=300)
    return data[np.abs((data[:, None] - encoder.mean) / encoder.scale - z).min(axis=1) < 1e-5]


# --- resume ------------------------------------------------------------------------------------------------------


class StopAt(Callback):
    """Asks for the end after a step, as a signal would."""

    def __init__(self, step: int) -> None:
        self.step, self.now = step, False

    def on_batch_end(self, trainer: object, step: int, cost: float) -> None:
        self.now = step >= self.step

    def wanted(self) -> bool:
        return self.now


def bits(folder: str) -> dict[str, bytes]:
    bundle = load_bundle(Path(folder) / "model.safetensors", kind="model")
    return {name: tensor.tobytes() for name, tensor in bundle.tensors.items()}


def curves(folder: str) -> list[dict[str, str]]:
    with (Path(folder) / "history.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("stop", [1, 7, 8, 15], ids=lambda s: f"after-step-{s}")
@pytest.mark.parametrize(
    "options",
    [
        Options(epochs=4, hidden=(8,), dropout=0.3, schedule="reduce_on_plateau:0.5:1", batch_size=60),
        Options(epochs=40, hidden=(6,), patience=4, learning_rate=0.05, batch_norm=True, batch_size=60, float64=True),
    ],
    ids=["dropout", "early-stopping"],
)
def test_a_resumed_run_has_the_bits_of_the_uninterrupted_one(place: Path, options: Options, stop: int) -> None:
    train_table("breast_cancer", options, out="whole")  # 7 steps per epoch
    job = Job.plan("breast_cancer", options)
    at = StopAt(stop)
    job.trainer.callbacks.insert(0, at)
    with RunFolder("parts") as folder:
        assert not job.train(folder, wanted=at.wanted)
        assert job.trainer.step == stop
    assert "unfinished" in load_bundle(place / "parts" / "model.safetensors", kind="model").content["extra"]
    out = run("train", "--resume", "--out", "parts").stdout
    assert f"after {stop} steps" in out
    assert bits("parts") == bits("whole")
    assert curves("parts") == curves("whole")
    assert "nothing to resume" in run("train", "--resume", "--out", "parts").stdout


def test_a_run_stopped_when_patience_ended_does_not_train_on(place: Path) -> None:
    options = Options(epochs=50, hidden=(6,), patience=2, learning_rate=0.3)
    whole = train_table("iris", options, out="whole")
    assert whole.stopped
    job = Job.plan("iris", options)
    at = StopAt(job.trainer.batches * len(whole.history.rows))
    job.trainer.callbacks.insert(0, at)
    with RunFolder("parts") as folder:
        job.train(folder, wanted=at.wanted)
    run("train", "--resume", "--out", "parts")
    assert bits("parts") == bits("whole")
    assert curves("parts") == curves("whole")


def test_resume_refuses_changed_data_and_foreign_options(place: Path) -> None:
    mixed_table(place / "t.csv")
    job = Job.plan("t.csv", Options(epochs=3, hidden=(4,)))
    at = StopAt(2)
    job.trainer.callbacks.insert(0, at)
    with RunFolder("r") as folder:
        job.train(folder, wanted=at.wanted)
    before = (place / "t.csv").read_text()
    (place / "t.csv").write_text(before.replace("town01", "town02"))
    result = run("train", "--resume", "--out", "r", code=2)
    assert "have changed since the run" in result.stderr
    assert "t.csv" in result.stderr
    (place / "moved.csv").write_text(before)
    (place / "t.csv").unlink()
    told = run("train", "--resume", "--out", "r", code=2).stderr
    assert "put them back, or name the place where they are now" in told
    assert run("train", "moved.csv", "--resume", "--out", "r").exit_code == 0  # the same data elsewhere


def test_resume_without_a_checkpoint(place: Path) -> None:
    (place / "r").mkdir()
    assert "no checkpoint" in run("train", "--resume", "--out", "r", code=2).stderr


def test_resume_uses_the_checkpoint_before_a_damaged_one(place: Path) -> None:
    job = Job.plan("iris", Options(epochs=6, hidden=(4,)))
    at = StopAt(14)
    job.trainer.callbacks.insert(0, at)
    with RunFolder("r") as folder:
        job.train(folder, wanted=at.wanted, every=Every(epochs=1))
    newest = max((place / "r" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-5])
    result = run("train", "--resume", "--out", "r")
    assert "warning: skipped a checkpoint" in result.stderr
    assert "after 12 steps" in result.stdout
    train_table("iris", Options(epochs=6, hidden=(4,)), out="whole")
    assert bits("r") == bits("whole")


def test_overwrite_replaces_the_run_and_leaves_other_files(place: Path) -> None:
    run("train", "diabetes", "--epochs", "1", "--out", "r", "--quiet")
    (place / "r" / "mine.txt").write_text("mine")
    assert "not empty" in run("train", "iris", "--epochs", "1", "--out", "r", code=2).stderr
    run("train", "iris", "--epochs", "1", "--out", "r", "--overwrite", "--quiet")
    assert json.loads((place / "r" / "metrics.json").read_text())["data"]["name"] == "iris"
    assert (place / "r" / "mine.txt").read_text() == "mine"
    assert not (place / "r" / "residuals.png").exists()


# --- numerics ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "where"), [("1e30", "layer"), ("1e38", "")])
def test_divergence_keeps_the_last_finite_model(place: Path, rate: str, where: str) -> None:
    result = run("train", "iris", "--optimizer", "sgd", "--learning-rate", rate, "--out", "r", code=1)
    assert "first NaN or infinity" in result.stderr
    assert "step" in result.stderr
    assert where in result.stderr
    assert "lower the learning rate" in result.stderr
    assert "r/model.safetensors" in result.stderr
    assert "Traceback" not in result.output
    for tensor in load_bundle(place / "r" / "model.safetensors", kind="model").tensors.values():
        assert np.isfinite(tensor).all()
    assert len(run("predict", "r", "iris").stdout.splitlines()) == 151


def test_divergence_raises_in_python_too() -> None:
    with pytest.raises(NonFiniteError, match="step"):
        train_table("iris", Options(optimizer="sgd", learning_rate=1e30))


def test_a_dead_layer_is_named() -> None:
    job = Job.plan("iris", Options(hidden=(5, 4), epochs=1))
    assert dead_layers(job.model, job.data) == []
    job.model.parameters["b[2]"][...] = -1e6
    (warning,) = dead_layers(job.model, job.data)
    assert "layer 2 is dead" in warning
    assert "all its 4 ReLU units" in warning
    job.model.parameters["b[2]"][...] = 0
    job.model.parameters["b[1]"][:3] = -1e6
    (warning,) = dead_layers(job.model, job.data)
    assert "layer 1: 3 of 5 ReLU units are 0" in warning
    assert "60 % dead" in warning


def test_a_dead_layer_is_warned_of_after_training(place: Path) -> None:
    # One step of plain SGD with a large rate throws every bias far below zero.
    result = run("train", "iris", "--optimizer", "sgd", "--learning-rate", "100", "--clip-norm", "1", "--epochs", "5",
                 "--patience", "0", "--l2", "0", "--out", "r", "--hidden", "6")  # fmt: skip
    assert "warning: layer 1" in result.stderr
    assert "ReLU units" in result.stderr
    assert "--activation leaky_relu" in result.stderr


def test_default_l2_rises_with_the_noise() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(-3, 3, 400)
    clean = prepare(Table.from_columns({"x": x, "y": np.sin(x)}), Options(target="y"))
    noisy = prepare(Table.from_columns({"x": x, "y": np.sin(x) + rng.normal(size=400)}), Options(target="y"))
    n = len(clean.parts["train"])
    assert default_l2(clean) == pytest.approx(3 / n, rel=1e-2)
    assert default_l2(noisy) > 5 * default_l2(clean)


def test_a_validation_set_of_one_row_and_no_spread(place: Path) -> None:
    (place / "t.csv").write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(6)))
    result = run("train", "t.csv", "--epochs", "3", "--out", "r", "--checkpoint-every", "1")
    assert "nan" not in result.stdout
    assert "only 4 training rows" in result.stderr


# --- parts -------------------------------------------------------------------------------------------------------


def test_checkpoint_intervals() -> None:
    assert Every.parse("3") == Every(epochs=3, seconds=None)
    assert Every.parse("3 epochs") == Every(epochs=3, seconds=None)
    assert Every.parse("500steps") == Every(steps=500, seconds=None)
    for text in ("", "0", "-1", "3 hours", "x", "1.5"):
        with pytest.raises(ConfigurationError, match="checkpoint_every"):
            Every.parse(text)


def test_the_options_of_the_command_have_the_defaults_of_the_library() -> None:
    from chainrule.cli.train import command

    given = command.make_context("train", ["DATA"]).params
    library = Options()
    names = set(given) - {"data", "out", "overwrite", "resume", "checkpoint_every", "quiet", "debug"}
    assert names == set(library.to_json())
    for name in names:
        assert given[name] == getattr(library, name), name


def test_patience_is_at_least_400_steps_or_20_epochs() -> None:
    assert Options().settings(100).patience == 100  # 4 steps per epoch
    assert Options().settings(100_000).patience == 20
    assert Options(patience=7).settings(100).patience == 7
    assert Options(patience=0).settings(100).patience is None
    assert Options().settings(100, watched=False).patience is None


def test_options_survive_json() -> None:
    options = Options(hidden=(3, 2), drop=("a",), l2=0.5, clip_norm=1.0)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options
    with pytest.raises(ModelFileError, match="'extra'"):
        Options.from_json(options.to_json() | {"extra": 1})


def test_fingerprints_differ_with_the_data() -> None:
    one = Table.from_columns({"x": [1.0, 2.0], "y": ["a", "b"]})
    assert fingerprint(one) == fingerprint(Table.from_columns({"x": [1.0, 2.0], "y": ["a", "b"]}))
    for other in (
        {"x": [1.0, 2.5], "y": ["a", "b"]},
        {"x": [1.0, 2.0], "y": ["b", "a"]},
        {"z": [1.0, 2.0], "y": ["a", "b"]},
    ):
        assert fingerprint(Table.from_columns(other)) != fingerprint(one)


def test_too_few_rows() -> None:
    with pytest.raises((ConfigurationError, DataError)):
        train_table(Table.from_columns({"x": [1.0, 2.0], "y": ["a", "b"]}))
    tiny = Table.from_columns({"x": [1.0, 2.0, 3.0, 4.0] * 3, "y": ["a", "b", "a", "b"] * 3})
    prepared = prepare(tiny, Options())
    assert any(f"only {len(prepared.parts['train'])} training rows" in w for w in prepared.warnings)


def test_pictures_are_skipped_with_a_word_where_matplotlib_is_missing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("train", "iris", "--epochs", "1", "--out", "r")
    assert result.stderr.count("no pictures were drawn") == 1
    assert "chainrule[plots]" in result.stderr
    assert not (place / "r" / "curves.png").exists()
    assert (place / "r" / "metrics.json").exists()


def small_table(path: Path, odd: str | None = None) -> None:
    """60 rows of two numbers and a class; `odd` stands in column a of row 18."""
    cells = [[f"{a:.3f}", f"{b:.3f}", "pq"[i % 2]] for i, (a, b) in enumerate(np.random.default_rng(1).random((60, 2)))]
    if odd is not None:
        cells[17][0] = odd
    path.write_text("a,b,y\n" + "\n".join(map(",".join, cells)) + "\n")


def test_a_text_among_numbers_is_warned_of_and_named(place: Path) -> None:
    small_table(place / "good.csv")
    small_table(place / "odd.csv", odd="abc")
    result = run("train", "odd.csv", "--epochs", "1", "--quiet")
    assert "59 of 60 cells are numbers but not all ('abc' in row 18 (line 19))" in result.stderr
    assert "--category a" in result.stderr
    run("train", "good.csv", "--epochs", "1", "--quiet", "--out", "m")
    for command in ("predict", "evaluate"):
        assert "column 'a', row 18: 'abc' is text" in run(command, "m", "odd.csv", code=2).stderr


def test_text_is_no_target_of_a_regression(place: Path) -> None:
    small_table(place / "t.csv")
    error = run("train", "t.csv", "--task", "regression", code=2).stderr
    assert "holds text ('p' in row 1)" in error
    assert "choose --task classification" in error
    assert "training had" not in error


def test_classes_that_do_not_occur_are_one_warning(place: Path) -> None:
    lines = [f"{i % 7},{i % 5},c{i}" for i in range(60)]
    (place / "t.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    warned = [w for w in run("train", "t.csv", "--epochs", "1", "--quiet").stderr.splitlines() if "not occur" in w]
    assert len(warned) == 1
    assert "classes of target 'y' do not occur in the training rows: 'c" in warned[0]


def test_one_row_is_too_few_and_says_how_many_are_needed(place: Path) -> None:
    (place / "t.csv").write_text("a,b,y\n1,2,p\n")
    error = run("train", "t.csv", code=2).stderr
    assert "has 1 row with a target: training, validation and test need one each" in error
    assert "--validation 0 and --test 0" in error


def test_an_option_that_is_far_from_all_others_suggests_none(place: Path) -> None:
    error = run("train", "digits", "--network", "64-10", code=2).stderr
    assert "unknown option --network" in error
    assert "did you mean" not in error
    assert "did you mean --epochs" in run("train", "digits", "--epoch", "3", code=2).stderr


def test_the_overview_shows_every_kind_of_command() -> None:
    shown = run("--help").stdout
    for words in ("train digits", "predict runs/", "evaluate runs/", "derive 4-3", "check notes.md"):
        assert f"  chainrule {words}" in shown
