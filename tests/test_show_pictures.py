"""Pictures: the file is a whole PNG of what was asked for, written atomically; what is drawn carries the numbers."""

import io
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from chainrule.errors import ChainruleError, ConfigurationError, DataError
from chainrule.evaluate import Confusion
from chainrule.show import confusion_figure, curves_figure, residuals_figure

HISTORY = {
    "loss": [1.0, 0.5, 0.3, 0.2, 0.1],
    "val_loss": [1.1, 0.7, 0.6, 0.65, 0.7],
    "accuracy": [0.5, 0.7, 0.8, 0.9, 0.95],
    "val_accuracy": [0.4, 0.6, 0.7, 0.7, 0.68],
    "learning_rate": [0.1] * 5,
}


def pixels(path):
    image = imread(io.BytesIO(path.read_bytes()), format="png")
    assert image.ndim == 3
    return image


def written_words(draw, folder):
    """The words of a picture, in order: SVG with text kept as text."""
    with mpl.rc_context({"svg.fonttype": "none"}):
        path = draw(folder / "words.svg")
    return [re.sub("<[^>]*>", "", text) for text in re.findall(r"<text.*?</text>", path.read_text(), flags=re.DOTALL)]


def test_curves_mark_the_best_epoch_and_label_axes(tmp_path):
    words = written_words(lambda path: curves_figure(HISTORY, path), tmp_path)
    for expected in ("epoch", "loss", "accuracy", "training", "validation", "least validation loss: 0.6 in epoch 3"):
        assert expected in words
    assert "at the least loss: 0.7 in epoch 3" in words
    assert not any("learning" in word for word in words)


def test_curves_without_validation_and_with_chosen_measures(tmp_path):
    only = {"loss": HISTORY["loss"], "learning_rate": HISTORY["learning_rate"]}
    words = written_words(lambda path: curves_figure(only, path, measures=["learning_rate"]), tmp_path)
    assert "learning rate" in words
    assert "least training loss: 0.1 in epoch 5" in words
    assert "validation" not in words


def test_curves_width_grows_with_panels(tmp_path):
    one = pixels(curves_figure(HISTORY, tmp_path / "one.png", measures=[]))
    two = pixels(curves_figure(HISTORY, tmp_path / "two.png"))
    assert two.shape[1] > 1.8 * one.shape[1]


def test_steep_loss_is_logarithmic(tmp_path):
    steep = {"loss": [1.0, 1e-2, 1e-4]}
    assert "loss (logarithmic)" in written_words(lambda path: curves_figure(steep, path), tmp_path)
    assert "loss (logarithmic)" not in written_words(lambda path: curves_figure(HISTORY, path), tmp_path)


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [0.3]},
        {"loss": [0.0, 0.0]},
        {"loss": [1.0, float("nan"), float("inf")], "val_loss": [float("nan"), 2.0, 1.0]},
        {"loss": [-1.0, -2.0, -300.0]},
        {"loss": list(np.linspace(1, 0.5, 5000))},
    ],
)
def test_unusual_curves_are_drawn(history, tmp_path):
    assert pixels(curves_figure(history, tmp_path / "c.png")).std() > 0


@pytest.mark.parametrize(
    ("history", "options", "error", "words"),
    [
        ({}, {}, DataError, "no 'loss'"),
        ({"loss": [1.0], "val_loss": [1.0, 2.0]}, {}, DataError, "val_loss has 2 epochs and loss 1"),
        ({"loss": [float("nan")]}, {}, DataError, "finite loss"),
        ({"loss": ["x"]}, {}, DataError, "numbers"),
        (HISTORY, {"measures": ["acuracy"]}, ChainruleError, "did you mean 'accuracy'"),
    ],
)
def test_bad_histories(history, options, error, words, tmp_path):
    with pytest.raises(error, match=words):
        curves_figure(history, tmp_path / "c.png", **options)
    assert list(tmp_path.iterdir()) == []


def test_confusion_shows_counts_and_row_percent(tmp_path):
    c = Confusion([[8, 2], [5, 15]], ["benign $x_1$", "a very long class name that goes on"])
    words = written_words(lambda path: confusion_figure(c, path), tmp_path)
    for expected in ("8", "80.0 %", "2", "20.0 %", "5", "25.0 %", "15", "75.0 %", "benign $x_1$", "true class"):
        assert expected in words
    assert "a very long class…" in words
    assert "Accuracy 76.67 % of 30 samples" in words


@pytest.mark.parametrize(("classes", "numbers"), [(1, True), (2, True), (20, True), (21, False), (100, False)])
def test_confusion_of_few_and_many_classes(classes, numbers, tmp_path):
    matrix = np.eye(classes, dtype=int) * 123457 + 1
    c = Confusion(matrix)
    words = written_words(lambda path: confusion_figure(c, path), tmp_path)
    assert words.count("123458") == (classes if numbers else 0)


def test_confusion_picture_grows_with_the_classes(tmp_path):
    widths = [pixels(confusion_figure(Confusion(np.eye(n)), tmp_path / "c.png")).shape[1] for n in (2, 9)]
    assert 1.5 * widths[0] < widths[1] < 2400


def test_confusion_with_an_empty_row(tmp_path):
    words = written_words(lambda path: confusion_figure(Confusion([[3, 0], [0, 0]]), path), tmp_path)
    assert "100 %" in words
    assert not any("nan" in word for word in words)


def test_residuals_name_what_is_predicted(tmp_path):
    y = np.array([1.0, 2.0, 4.0])
    words = written_words(lambda path: residuals_figure(y, [2.0, 1.0, 5.0], path, name="price in $"), tmp_path)
    for expected in ("true price in $", "predicted price in $", "true − predicted price in $", "perfect prediction"):
        assert expected in words
    assert "Residuals: RMSE 1, n = 3" in words


@pytest.mark.parametrize("n", [1, 40, 5000])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_residuals_of_few_many_and_perfect(n, noise, tmp_path):
    rng = np.random.default_rng(0)
    y = rng.normal(size=n)
    assert pixels(residuals_figure(y, y + noise * rng.normal(size=n), tmp_path / "r.png")).std() > 0


def test_residuals_of_several_outputs(tmp_path):
    y = np.arange(12.0).reshape(6, 2)
    words = written_words(lambda path: residuals_figure(y, y + 1, path), tmp_path)
    assert {"true y[0]", "true y[1]"} <= set(words)
    with pytest.raises(ConfigurationError, match="7 outputs"):
        residuals_figure(np.zeros((3, 7)), np.zeros((3, 7)), tmp_path / "r.png")
    with pytest.raises(DataError, match="one number per sample"):
        residuals_figure(y, y[:3], tmp_path / "r.png")


def test_a_picture_replaces_the_old_one_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "c.png"
    path.write_text("old")
    assert confusion_figure(Confusion([[1, 2], [3, 4]]), str(path)) == path
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["c.png"]


def test_a_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "c.png"
    path.write_text("old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        confusion_figure(Confusion([[1]]), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.png"]


@pytest.mark.parametrize(
    ("name", "words"), [("c.jpg", "end the name in"), ("c", "end the name"), ("no/c.png", "folder")]
)
def test_bad_paths(name, words, tmp_path):
    with pytest.raises(ConfigurationError, match=words):
        confusion_figure(Confusion([[1]]), tmp_path / name)


def test_pdf_and_svg(tmp_path):
    assert confusion_figure(Confusion([[1]]), tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in confusion_figure(Confusion([[1]]), tmp_path / "c.SVG").read_bytes()


def test_without_matplotlib_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'chainrule\[plots\]'"):
        confusion_figure(Confusion([[1]]), tmp_path / "c.png")


def test_import_is_light_and_pyplot_is_never_loaded(tmp_path):
    code = (
        "import sys, chainrule.show as s\n"
        "print([p for p in ('matplotlib', 'rich', 'sklearn', 'scipy') if p in sys.modules])\n"
        f"s.curves_figure({{'loss': [1.0, 0.5]}}, {str(tmp_path / 'c.png')!r})\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "False"]
