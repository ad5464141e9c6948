"""Built-in sets against scikit-learn's own, IDX files written by hand, and the one entry `read_data`."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import BUILTIN, Dataset, Preprocessor, Table, load_builtin, load_idx_folder, read_data, read_idx
from chainrule.errors import ConfigurationError, DataError, UnknownNameError

MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_equals_scikit_learn(name):
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    ours = load_builtin(name)
    np.testing.assert_array_equal(ours.X, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert list(ours.feature_names) == list(theirs.feature_names)
    assert ours.X.dtype == np.float64
    assert ours.X.flags.c_contiguous
    if name == "diabetes":
        assert (ours.task, ours.classes) == ("regression", None)
    else:
        assert ours.task == "classification"
        assert list(ours.classes) == list(theirs.target_names)


def test_builtin_unknown_name_suggests():
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        load_builtin("digit")


def test_dataset_lengths_must_agree():
    with pytest.raises(DataError, match=r"\(3, 2\).*\(4,\)"):
        Dataset("d", np.zeros((3, 2)), np.zeros(4), "regression", ("a", "b"))
    with pytest.raises(DataError, match="2 features but 1 feature names"):
        Dataset("d", np.zeros((3, 2)), np.zeros(3), "regression", ("a",))
    with pytest.raises(DataError, match="empty"):
        Dataset("d", np.zeros((0, 2)), np.zeros(0), "regression", ("a", "b"))


def idx(type_byte: int, sizes: tuple[int, ...], payload: bytes) -> bytes:
    return bytes([0, 0, type_byte, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + payload


@pytest.mark.parametrize(
    ("type_byte", "letter", "values"),
    [
        (0x08, "B", [0, 255, 7]),
        (0x09, "b", [-128, 127, 0]),
        (0x0B, "h", [-2, 300, 32767]),
        (0x0C, "i", [-70000, 70000, 1]),
        (0x0D, "f", [0.5, -1.25, 3.0]),
        (0x0E, "d", [0.1, -1e300, 3.0]),
    ],
)
def test_every_idx_type(tmp_path, type_byte, letter, values):
    path = tmp_path / "x"
    path.write_bytes(idx(type_byte, (3, 1), struct.pack(f">3{letter}", *values)))
    array = read_idx(path)
    assert array.shape == (3, 1)
    assert array[:, 0].tolist() == values
    assert array.dtype.isnative


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x08", "byte offset 3, before the 4 bytes"),
        (b"\0\x01\x08\x01", "wrong at byte offset 1"),
        (b"\0\0\x07\x01", "0x00000701, wrong at byte offset 2"),
        (b"\0\0\x08\x00", "wrong at byte offset 3"),
        (b"\0\0\x08\x03\0\0\0\x01\0\0", "ends at byte offset 10 inside its 3 sizes, which end at byte offset 16"),
        (
            idx(8, (2, 2), b"abc"),
            "truncated: it ends at byte offset 15, but 2 × 2 values of 1 bytes end at byte offset 16",
        ),
        (idx(8, (2, 2), b"abcde"), "too long: it ends at byte offset 17"),
        (idx(8, (2**32 - 1,) * 255, b""), "truncated"),
    ],
)
def test_damaged_idx(tmp_path, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


def write_part(folder: Path, part: str, images: np.ndarray, labels: list[int], *, packed: bool = False) -> None:
    for name, data in (
        (f"{part}-images-idx3-ubyte", idx(8, images.shape, images.astype(np.uint8).tobytes())),
        (f"{part}-labels-idx1-ubyte", idx(8, (len(labels),), bytes(labels))),
    ):
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)


def test_idx_folder_with_test_part(tmp_path):
    images = np.arange(24).reshape(4, 2, 3)
    images[0, 0, 0] = 255
    write_part(tmp_path, "train", images, [3, 1, 1, 9])
    write_part(tmp_path, "t10k", images[:2], [1, 9], packed=True)
    data = read_data(tmp_path)
    assert data.X.shape == (4, 6)
    assert data.X.dtype == np.float32
    assert data.X[0, 0] == 1
    assert data.X[3, 5] == np.float32(23) / np.float32(255)
    assert data.y.tolist() == [3, 1, 1, 9]
    assert list(data.classes) == [1, 3, 9]
    assert data.test.X.shape == (2, 6)
    fitted = Preprocessor.from_dataset(data)
    encoded = fitted.transform(data)
    np.testing.assert_array_equal(encoded.X, data.X)  # pixels are not standardized
    assert fitted.encode_target(data).tolist() == [1, 0, 0, 2]
    assert fitted.encode_target(data.test).tolist() == [0, 2]
    assert fitted.class_names == ("1", "3", "9")


def test_idx_folder_errors(tmp_path):
    with pytest.raises(DataError, match="holds no train-images"):
        read_data(tmp_path)
    write_part(tmp_path, "train", np.zeros((2, 2, 2)), [1, 2, 3])
    with pytest.raises(DataError, match=r"2 images but .* 3 labels"):
        load_idx_folder(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="has no file train-labels-idx1-ubyte"):
        load_idx_folder(tmp_path)


@pytest.mark.skipif(not MNIST.is_dir(), reason="needs ../shared/data/mnist")
def test_mnist_labels():
    labels = read_idx(MNIST / "t10k-labels-idx1-ubyte.gz")
    # Counts of the digits 0 to 9 in the MNIST test part, well known.
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_read_data(tmp_path):
    pytest.importorskip("polars")
    assert isinstance(read_data("iris"), Dataset)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    assert isinstance(read_data(str(path)), Table)
    with pytest.raises(DataError, match="neither a file nor a built-in data set: did you mean 'wine'"):
        read_data("wines")
    for odd in ("a\0b", "a" * 5000):
        with pytest.raises(DataError):
            read_data(odd)


def test_polars_absent(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'chainrule\[tables\]'"):
        read_data(tmp_path / "t.csv")


def test_import_is_light():
    code = "import sys, chainrule.data; print([m for m in ('polars', 'sklearn', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
