"""From columns to matrices: hand-worked tables, scikit-learn as a second opinion, and JSON there and back."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Dataset, Preprocessor, Table, choose_target, detect_task, load_builtin, read_table
from chainrule.errors import ConfigurationError, DataError, ModelFileError, UnknownNameError

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"

SMALL = {
    "size": [1.0, None, 3.0, 8.0],
    "color": ["red", "blue", None, "red"],
    "new": [True, False, True, True],
    "price": [10.5, 20.0, 31.0, 40.0],
}


def table(columns: dict | None = None, **changes) -> Table:
    return Table.from_columns({**(SMALL if columns is None else columns), **changes}, name="small")


def test_hand_worked():
    fitted = Preprocessor.fit(table())
    assert (fitted.task, fitted.target_name) == ("regression", "price")
    assert fitted.feature_names == (
        "size",
        "size=(missing)",
        "color=blue",
        "color=red",
        "color=(missing)",
        "new",
    )
    encoded = fitted.transform(table(), dtype=np.float64)
    # size: the median of 1, 3, 8 is 3; mean of 1, 3, 3, 8 is 15/4, variance (121 + 9 + 9 + 289)/64.
    size = (np.array([1, 3, 3, 8]) - 3.75) / math.sqrt(428 / 64)
    new = (np.array([1, 0, 1, 1]) - 0.75) / math.sqrt(3 / 16)
    expected = np.column_stack([size, [0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0], new])
    np.testing.assert_allclose(encoded.X, expected, rtol=1e-15)
    assert encoded.X.flags.c_contiguous
    assert encoded.codes.shape == (4, 0)
    assert encoded.notes == []
    y = fitted.encode_target(table())
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-15)
    np.testing.assert_allclose(fitted.decode_target(y), SMALL["price"], rtol=1e-15)


def test_transform_accepts_other_order_extra_columns_and_no_target():
    fitted = Preprocessor.fit(table())
    other = {"weight": [1.0] * 4, "new": SMALL["new"], "color": SMALL["color"], "size": SMALL["size"]}
    encoded = fitted.transform(table(other))
    np.testing.assert_array_equal(encoded.X, fitted.transform(table()).X)
    assert encoded.notes == ["columns that training did not have are ignored: 'weight'"]
    with pytest.raises(DataError, match="lacks the columns 'size', 'color'"):
        fitted.transform(table({"new": [True]}))
    with pytest.raises(DataError, match="lacks the target column 'price'"):
        fitted.encode_target(table(other))


def test_new_at_prediction():
    complete = Preprocessor.fit(table(size=[1.0, 2.0, 3.0, 8.0], color=["red", "blue", "blue", "red"]))
    assert complete.feature_names == ("size", "color=blue", "color=red", "new")
    encoded = complete.transform(table({"size": [None, 1.0], "color": ["green", None], "new": [True, False]}))
    assert encoded.X[0, 0] == np.float32((2.5 - 3.5) / math.sqrt((6.25 + 2.25 + 0.25 + 20.25) / 4))
    assert not encoded.X[:, 1:3].any()
    assert encoded.notes == [
        "column 'size': 1 missing cells, though training had none, count as the median 2.5",
        "column 'color': 1 cells hold levels unknown in training ('green'), encoded as zeros",
    ]
    with pytest.raises(DataError, match="'size', row 2: 'x' is text where training had numbers"):
        complete.transform(table({"size": [None, "x"], "color": ["red", "red"], "new": [True, False]}))


def test_category_that_looks_numeric_at_prediction():
    grades = Preprocessor.fit(table({"grade": ["1", "2", "3+", "1"], "y": [1.5, 2.5, 3.5, 4.5]}))
    encoded = grades.transform(table({"grade": [2.0, 1.0]}))
    assert encoded.X.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert grades.category_columns == ("grade",)


def test_embedding_codes():
    names = ["c", "a", "b", "a", "c", "rare", None]
    fitted = Preprocessor.fit(table({"name": names, "y": [0.5, 1, 2, 3, 4, 5, 6]}), embed_above=2)
    assert fitted.embeddings == [("name", 3)]  # a, c and 0; b and rare occur once
    encoded = fitted.transform(table({"name": [*names, "new"]}))
    assert encoded.codes.dtype == np.int64
    assert encoded.codes[:, 0].tolist() == [2, 1, 0, 1, 2, 0, 0, 0]
    assert encoded.X.shape == (8, 0)
    assert encoded.notes == [
        "column 'name': 3 cells hold levels unknown or seen once in training ('b', 'new', 'rare'), encoded as 0"
    ]


def test_columns_dropped_by_name():
    n = 24
    columns = {
        "id": np.arange(n) + 1,
        "ticket": [f"A{k}" for k in range(n)],
        "constant": np.full(n, 0.1),
        "single": ["x"] * n,
        "void": [None] * n,
        "x": np.arange(n) + 0.0,
        "y": np.arange(n) * 1.5,
    }
    fitted = Preprocessor.fit(table(columns), target="y")
    assert fitted.feature_names == ("x",)
    dropped = [note for note in fitted.notes if "was dropped" in note]
    reasons = ["numbers the rows", "looks like an identifier", "is constant (0.1)", "is constant ('x')", "has no value"]
    assert len(dropped) == 5
    for column, reason, note in zip(columns, reasons, dropped, strict=False):
        assert repr(column) in note
        assert reason in note
    # Dropped columns need not be there at prediction.
    assert fitted.transform(table({"x": [1.0]})).X.shape == (1, 1)
    with pytest.raises(DataError, match="leaves no feature to learn from"):
        Preprocessor.fit(table({"constant": columns["constant"], "y": columns["y"]}))


def test_fit_sees_the_training_rows_only():
    whole = table()
    rows = [3, 0]
    fitted = Preprocessor.fit(whole, rows=rows)
    assert fitted.feature_names == ("size",)  # color is red in both, new is True in both
    alone = Preprocessor.fit(whole.take(rows))
    assert alone.to_json()["columns"] == fitted.to_json()["columns"]
    assert alone.to_json()["target"] == fitted.to_json()["target"]
    np.testing.assert_allclose(fitted.transform(whole, rows=rows).X[:, 0], [1, -1])
    assert fitted.encode_target(whole, rows=[0]).tolist() == [-1.0]
    for bad in ([], [4], [-1], [0.5], [[0]]):
        with pytest.raises(DataError, match=r"row ind|rows of"):
            Preprocessor.fit(whole, rows=bad)


@pytest.mark.parametrize(
    ("names", "given", "chosen"),
    [
        (["a", "b", "c"], None, "c"),
        (["a", "b", "c"], "a", "a"),
        (["Label", "b", "c"], None, "Label"),
        (["class", "target", "c"], None, "target"),
        (["y", "b", "c"], None, "y"),
        (["x", "y", "z"], None, "z"),  # coordinates
    ],
)
def test_choice_of_target(names, given, chosen):
    found, note = choose_target(table({name: [1.0, 2.0] for name in names}), given)
    assert found == chosen
    assert repr(chosen) in note
    assert ("target='" in note) == (given is None)


def test_choice_of_target_errors():
    with pytest.raises(UnknownNameError, match="did you mean 'price'"):
        choose_target(table(), "prize")
    with pytest.raises(DataError, match="single column"):
        choose_target(table({"a": [1.0]}))


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([0, 1, 1, 0], "classification"),
        ([0, 1], "classification"),
        (list(range(10)) * 2, "classification"),
        (list(range(20)) * 5, "classification"),
        (list(range(21)) * 50, "regression"),
        ([1, 2, 3, 4, 5], "regression"),
        ([0.5, 1.5, 0.5, 1.5], "regression"),
        ([1.0, 2.0, None, 1.0, 2.0], "classification"),
    ],
)
def test_task(values, task):
    column = table({"t": values})["t"]
    found, note = detect_task(column, np.arange(len(values)))
    assert found == task
    assert "'t'" in note


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (["b", "a", "c", "a"], ["a", "b", "c"], [1, 0, 2, 0]),
        ([7, -1, 3, 7], [-1, 3, 7], [2, 0, 1, 2]),
        ([True, False, True, True], [False, True], [1, 0, 1, 1]),
        ([0.5, 1.5, 0.5, 0.5], [0.5, 1.5], [0, 1, 0, 0]),
    ],
)
def test_labels_there_and_back(labels, classes, numbers):
    data = table({"x": [1.0, 2.0, 3.0, 4.0], "t": labels})
    fitted = Preprocessor.fit(data, task="classification")
    assert fitted.classes.tolist() == classes
    assert fitted.encode_target(data).tolist() == numbers
    decoded = Preprocessor.from_json(json.loads(json.dumps(fitted.to_json()))).decode_target(np.array(numbers))
    assert decoded.tolist() == labels
    assert decoded.dtype.kind == np.array(labels).dtype.kind
    with pytest.raises(DataError, match="give integers from 0"):
        fitted.decode_target(np.array([len(classes)]))


def test_target_errors():
    x = [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(DataError, match="single class 'a' in all 4 training rows"):
        Preprocessor.fit(table({"x": x, "t": ["a"] * 4}))
    with pytest.raises(DataError, match="single class 'a' in all 2 training rows"):
        Preprocessor.fit(table({"x": x, "t": ["a", "a", "b", "b"]}), rows=[0, 1])
    with pytest.raises(DataError, match=r"constant \(2\.5\)"):
        Preprocessor.fit(table({"x": x, "t": [2.5] * 4}))
    with pytest.raises(DataError, match=r"holds text \('a' in row 1\), but regression"):
        Preprocessor.fit(table({"x": x, "t": ["a", "b", "a", "b"]}), task="regression")
    with pytest.raises(DataError, match="missing in all 4 rows"):
        Preprocessor.fit(table({"x": x, "t": [None] * 4}))
    with pytest.raises(ConfigurationError, match="'clustering' is not allowed"):
        Preprocessor.fit(table(), task="clustering")
    with pytest.raises(ConfigurationError, match="embed_above -1"):
        Preprocessor.fit(table(), embed_above=-1)
    fitted = Preprocessor.fit(table({"x": x, "t": ["a", "b", "a", "b"]}))
    with pytest.raises(DataError, match="row 2: label 'c' is not among the classes of the training data \\(a, b\\)"):
        fitted.encode_target(table({"t": ["a", "c"]}))


def test_class_outside_the_training_rows_keeps_its_number():
    data = table({"x": [1.0, 2.0, 3.0], "t": ["a", "b", "c"]})
    fitted = Preprocessor.fit(data, rows=[0, 2])
    assert fitted.classes.tolist() == ["a", "b", "c"]
    assert "class 'b' of target 't' does not occur in the training rows" in fitted.notes


def test_rows_without_target():
    data = table({"x": [1.0, 100.0, 3.0], "t": ["a", None, "b"]})
    fitted = Preprocessor.fit(data)
    assert "1 of 3 rows have no target 't' and are left out" in fitted.notes
    rows = fitted.labeled_rows(data)
    assert rows.tolist() == [0, 2]
    assert fitted.transform(data, rows).X[:, 0].tolist() == [-1, 1]
    assert fitted.encode_target(data, rows).tolist() == [0, 1]
    with pytest.raises(DataError, match="missing in 1 rows, first in row 2"):
        fitted.encode_target(data)


def test_extreme_scales_stay_finite():
    data = table({"tiny": [1e-200, 2e-200, 3e-200], "huge": [3e38, -3e38, 0.0], "y": [1.5, 2.5, 4.5]})
    encoded = Preprocessor.fit(data).transform(data)
    step = math.sqrt(1.5)
    np.testing.assert_allclose(encoded.X, [[-step, step], [0, -step], [step, 0]], rtol=1e-6, atol=1e-7)
    with pytest.raises(DataError, match=r"small \(standardized\) has 1 value that are NaN or infinite, first at row 2"):
        Preprocessor.fit(data).transform(table({"tiny": [0.0, 1.0], "huge": [0.0, 0.0]}))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.floats(-1e6, 1e6), st.none() | st.sampled_from("abcde")), min_size=3, max_size=12)
)
def test_agrees_with_scikit_learn(cells):
    compose = pytest.importorskip("sklearn.preprocessing")
    impute = pytest.importorskip("sklearn.impute")
    numbers = np.array([np.nan if a is None else a for a, _ in cells]).reshape(-1, 1)
    texts = np.array([b or "" for _, b in cells]).reshape(-1, 1)
    present = numbers[~np.isnan(numbers)]
    spread = np.ptp(present) if len(present) else 0.0
    data = table(
        {
            "n": [a for a, _ in cells],
            "c": [b for _, b in cells],
            "free": np.arange(len(cells)) + 0.5,
            "y": np.arange(len(cells)) / 3,
        }
    )
    encoded = Preprocessor.fit(data, target="y")
    X = encoded.transform(data, dtype=np.float64).X
    names = encoded.feature_names
    if spread > 1e-3:
        filled = impute.SimpleImputer(strategy="median").fit_transform(numbers)
        theirs = compose.StandardScaler().fit_transform(filled)
        np.testing.assert_allclose(X[:, names.index("n")], theirs[:, 0], rtol=1e-6, atol=1e-6)
    levels = [k for k, name in enumerate(names) if name.startswith("c=")]
    if len(set(texts[:, 0])) > 1:
        theirs = compose.OneHotEncoder(sparse_output=False).fit_transform(texts)
        ours = X[:, levels]
        if "" in texts:  # "" sorts first there, the missing level stands last here
            ours = np.roll(ours, 1, axis=1)
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes", "digits"])
def test_from_dataset(name):
    compose = pytest.importorskip("sklearn.preprocessing")
    data = load_builtin(name)
    fitted = Preprocessor.from_dataset(data)
    encoded = fitted.transform(data, dtype=np.float64)
    expected = data.X / 16 if name == "digits" else compose.StandardScaler().fit_transform(data.X)
    np.testing.assert_allclose(encoded.X, expected, rtol=1e-12, atol=1e-12)
    again = Preprocessor.from_json(json.loads(json.dumps(fitted.to_json())))
    np.testing.assert_array_equal(again.transform(data.X, dtype=np.float64).X, encoded.X)
    np.testing.assert_array_equal(again.transform(data, rows=[5, 2], dtype=np.float64).X, encoded.X[[5, 2]])
    # A table with the same columns gives the same numbers as the array.
    columns = {name: data.X[:, j] for j, name in enumerate(data.feature_names)}
    np.testing.assert_array_equal(again.transform(Table.from_columns(columns), dtype=np.float64).X, encoded.X)
    if data.task == "classification":
        np.testing.assert_array_equal(fitted.encode_target(data), data.y)
        assert fitted.class_names == tuple(map(str, data.classes))
    else:
        np.testing.assert_allclose(fitted.decode_target(fitted.encode_target(data.y)), data.y, rtol=1e-14)


def test_from_dataset_text_labels_and_errors():
    X = np.array([[0.0, 1.0, 5.0], [1.0, 1.0, 6.0], [2.0, 1.0, 9.0]])
    names = ("a", "b", "c")
    data = Dataset("d", X, np.array(["no", "yes", "no"]), "classification", names)
    fitted = Preprocessor.from_dataset(data)
    assert fitted.feature_names == ("a", "c")
    assert fitted.notes == ["column 'b' was dropped: it is constant (1) in the training rows"]
    assert fitted.encode_target(data).tolist() == [0, 1, 0]
    assert fitted.transform(X).X.shape == (3, 2)
    with pytest.raises(DataError, match="training had 3 features"):
        fitted.transform(X[:, :2])
    with pytest.raises(DataError, match="1 value that are NaN or infinite, first at row 2, column 'c': nan"):
        fitted.transform(np.where(X == 6, np.nan, X))
    with pytest.raises(DataError, match="is an array, but training had the category 'color'"):
        Preprocessor.fit(table()).transform(X)
    broken = Dataset("d", np.where(X == 9, np.inf, X), data.y, "classification", names)
    with pytest.raises(DataError, match="row 3, column 'c': inf"):
        Preprocessor.from_dataset(broken)


def fitted_with_everything() -> Preprocessor:
    names = ["a", "b", "c", "a", "b", "c"]
    columns = {
        "name": names,
        "x": [0.1, 1 / 3, None, 1e-17, 5, 6],
        "s": ["u", "v", None, "u", "v", "v"],
        "k": [1.0] * 6,
    }
    return Preprocessor.fit(table({**columns, "t": [0.1, 0.7, 1 / 7, 3, 4, 5]}), embed_above=2)


def test_json_is_exact():
    fitted = fitted_with_everything()
    assert [c["kind"] for c in fitted.to_json()["columns"]] == ["embedding", "numeric", "one_hot", "dropped"]
    text = json.dumps(fitted.to_json(), allow_nan=False)
    again = Preprocessor.from_json(json.loads(text))
    assert again == fitted
    assert json.dumps(again.to_json()) == text


def places(data, path=()):
    """Every place in nested JSON."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key)
            yield from places(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield (*path, at)
            yield from places(value, (*path, at))


@pytest.mark.parametrize("kind", ["number", "class"])
def test_nonsense_is_refused_at_every_place(kind):
    fitted = fitted_with_everything() if kind == "number" else Preprocessor.from_dataset(load_builtin("iris"))
    good = fitted.to_json()
    for path in list(places(good)):
        for nonsense in ({"?": 1}, float("nan"), None):
            data = copy.deepcopy(good)
            inner = data
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = nonsense
            with pytest.raises(ModelFileError):
                Preprocessor.from_json(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "other"),
        (("version",), 2),
        (("version",), True),
        (("columns", 0, "scale"), 0.0),
        (("columns", 0, "scale"), -1.0),
        (("columns", 0, "scale"), 10**400),
        (("columns", 0, "name"), "petal width (cm)"),
        (("columns", 0, "name"), "species"),
        (("columns", 0, "kind"), "pickle"),
        (("columns",), []),
        (("target", "labels"), [0, 2, 1]),
        (("target", "labels"), [0]),
        (("target", "labels"), [0, 1, "2"]),
        (("target", "names"), ["a"]),
        (("target", "task"), "ranking"),
    ],
)
def test_json_values_are_checked(path, value):
    data = Preprocessor.from_dataset(load_builtin("iris")).to_json()
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ModelFileError):
        Preprocessor.from_json(data)
    with pytest.raises(ModelFileError):
        Preprocessor.from_json([])


@pytest.mark.skipif(not TABLES.is_dir(), reason="needs ../shared/data/tables")
def test_adult():
    pytest.importorskip("polars")
    train, test = (read_table(TABLES / f"adult-{part}.csv.gz") for part in ("train", "test"))
    fitted = Preprocessor.fit(train)
    assert (fitted.target_name, fitted.task) == ("income", "classification")
    assert fitted.classes.tolist() == ["<=50K", ">50K"]
    # 41 countries, one of which occurs once in training, and one row for the rest.
    assert fitted.embeddings == [("native-country", 41)]
    encoded = fitted.transform(test)
    assert encoded.X.shape == (16281, 66)
    # 3,846 of the 16,281 test rows earn more, as the documentation of the data set says (23.62 %).
    assert int(fitted.encode_target(test).sum()) == 3846
    assert "workclass=(missing)" in fitted.feature_names
    assert int(encoded.X[:, fitted.feature_names.index("workclass=(missing)")].sum()) == test.missing["workclass"]
