"""Dates as numbers, texts that are numbers, columns that are not looked at: the same in CSV, Parquet and frames."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import polars
import pytest
from click.testing import CliRunner, Result

from chainrule.cli.app import app
from chainrule.data import Preprocessor, Table, from_frame, read_table
from chainrule.errors import DataError, UnknownNameError
from chainrule.tabular import Options, SavedRun, train_table

UTC = datetime.UTC


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


class Plain:
    """What pandas gives: names as `columns`, and columns as NumPy arrays by name."""

    def __init__(self, frame: polars.DataFrame) -> None:
        self.columns = frame.columns
        self.frame = frame

    def __getitem__(self, name: str) -> np.ndarray:
        cells = self.frame[name]
        return np.array(cells.to_list(), dtype=object) if cells.dtype == polars.String else cells.to_numpy()


def column(path: Path, cells: list[str], name: str = "when"):
    path.write_text("a," + name + "\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(cells)))
    return read_table(path)


def epoch_days(moment: datetime.datetime) -> float:
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) / datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01", (1970, 1, 1)),
        ("2024-02-29", (2024, 2, 29)),
        ("1969-12-31", (1969, 12, 31)),
        ("2024/1/31", (2024, 1, 31)),
        ("31.1.2024", (2024, 1, 31)),
        ("31.01.2024 18:30", (2024, 1, 31, 18, 30)),
        ("2024-01-31T06:00:00Z", (2024, 1, 31, 6)),
        ("2024-01-31 06:00:07.5", (2024, 1, 31, 6, 0, 7, 500_000)),
        ("2024-01-31T00:30+01:00", (2024, 1, 30, 23, 30)),
        ("2024-01-31 20:00:00-0530", (2024, 2, 1, 1, 30)),
    ],
)
def test_a_date_is_its_days_since_1970(tmp_path: Path, text: str, moment: tuple[int, ...]) -> None:
    table = column(tmp_path / "t.csv", [text, "", text])
    found = table["when"]
    assert found.dates
    assert found.kind == "numeric"
    expected = epoch_days(datetime.datetime(*moment, tzinfo=UTC))
    np.testing.assert_allclose(found.values, [expected, np.nan, expected], rtol=0, atol=1e-9)
    assert any("column 'when' holds dates, read as days since 1970-01-01" in note for note in table.notes)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["2024-02-29", "2023-02-29"], "1 of 2 cells are dates but not all ('2023-02-29' in row 2 (line 3))"),
        (["2024-02-29", "soon"], "1 of 2 cells are dates but not all ('soon' in row 2 (line 3))"),
        (["2024-02-29 24:10", "2024-02-28"], "('2024-02-29 24:10' in row 1 (line 2))"),
        (["1/2/2024", "3/4/2024"], "'1/2/2024' may be a date, but whether day or month comes first is not said"),
    ],
)
def test_what_is_no_date_stays_a_text_and_is_said(tmp_path: Path, cells: list[str], words: str) -> None:
    table = column(tmp_path / "t.csv", cells)
    assert table["when"].kind == "category"
    assert any(words in note and "read as categories" in note for note in table.notes), table.notes


def test_texts_without_dates_are_left_alone(tmp_path: Path) -> None:
    for cells in (["a", "b"], ["10-20-30 x", "y"], ["v1.2.2024", "v1.3.2024"]):
        table = column(tmp_path / "t.csv", cells)
        assert table["when"].kind == "category"
        assert not any("date" in note for note in table.notes)
    path = tmp_path / "t.csv"
    assert read_table(path, categories=["when"])["when"].kind == "category"


def test_the_same_dates_in_every_kind_of_data(tmp_path: Path) -> None:
    days = [datetime.date(2024, 1, k) for k in (1, 15, 31)]
    moments = [datetime.datetime(2024, 1, k, 12, tzinfo=UTC) for k in (1, 15, 31)]
    frame = polars.DataFrame({"day": days, "moment": moments, "text": [d.isoformat() for d in days], "x": [1, 2, 3]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    expected = [epoch_days(datetime.datetime(2024, 1, k, tzinfo=UTC)) for k in (1, 15, 31)]
    tables = [
        read_table(tmp_path / "t.parquet"),
        read_table(tmp_path / "t.csv"),
        from_frame(frame),
        from_frame(Plain(frame)),
        Table.from_columns({"day": days, "moment": moments, "text": days}),
    ]
    for k, table in enumerate(tables):
        np.testing.assert_array_equal(table["day"].values, expected, err_msg=str(k))
        np.testing.assert_allclose(table["moment"].values, np.add(expected, 0.5), rtol=0, atol=1e-9)
        assert table["day"].dates
        assert table["moment"].dates
        assert table["text"].dates
    with_gap = Table.from_columns({"day": [days[0], None, days[1]]})["day"]
    assert np.isnan(with_gap.values).tolist() == [False, True, False]


def test_times_and_durations_of_parquet_are_numbers(tmp_path: Path) -> None:
    frame = polars.DataFrame({"t": [datetime.time(6, 30)], "d": [datetime.timedelta(hours=36)], "x": [1]})
    frame.write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["t"].values.tolist() == [6.5]
    assert table["d"].values.tolist() == [1.5]
    assert any("hours since midnight" in note for note in table.notes)


def test_dates_are_a_feature_that_new_rows_must_have_as_dates(place: Path) -> None:
    first = datetime.date(2020, 1, 1)
    days = [first + datetime.timedelta(days=3 * k) for k in range(120)]
    Path("t.csv").write_text("since,x,y\n" + "".join(f"{d},{k % 7},{k * 2.5}\n" for k, d in enumerate(days)))
    result = train_table("t.csv", Options(epochs=60, hidden=(8,), learning_rate=0.02), out="r")
    assert result.preprocessor.feature_names == ("since", "x")
    assert result.measures["test"]["r2"] > 0.9
    again = Preprocessor.from_json(result.preprocessor.to_json())
    assert again == result.preprocessor
    saved = SavedRun.load("r")
    one, _ = saved.predict({"since": [datetime.date(2020, 3, 1)], "x": [3]})
    Path("new.csv").write_text("x,since\n3,2020-03-01\n")
    two, _ = saved.predict("new.csv")
    assert one.values.tobytes() == two.values.tobytes()
    Path("new.csv").write_text("x,since\n3,18322\n")
    assert "column 'since', row 1: it holds numbers where training had dates; give a date such as 2024-01-31" in (
        run("predict", "r", "new.csv", code=2).stderr
    )
    Path("new.csv").write_text("x,since\n2024-01-01,2020-03-01\n")
    assert (
        "column 'x', row 1: it holds dates where training had numbers" in run("predict", "r", "new.csv", code=2).stderr
    )
    Path("new.csv").write_text("x,since\n3,later\n")
    assert "'later' is text where training had dates; give a date" in run("predict", "r", "new.csv", code=2).stderr
    three, _ = saved.predict({"since": ["2020-03-01"], "x": ["3"]})  # texts, as of a file
    assert one.values.tobytes() == three.values.tobytes()
    Path("new.csv").write_text("x,since\n3,\n")
    run("predict", "r", "new.csv")


def test_dates_as_target_are_numbers(tmp_path: Path) -> None:
    days = [datetime.date(2024, 1, 1 + k % 28) for k in range(60)]
    table = Table.from_columns({"x": np.arange(60.0) % 28, "end": days})
    result = train_table(table, Options(epochs=2, hidden=(4,), target="end"))
    assert result.preprocessor.task == "regression"


# --- texts of Parquet that are numbers -----------------------------------------------------------------------------


def test_texts_of_parquet_are_judged_as_those_of_csv(tmp_path: Path) -> None:
    frame = polars.DataFrame(
        {
            "income": ["3469.94", "NA", " 12 "],
            "zip": ["01234", "98765", "11111"],
            "mixed": ["1", "2", "many"],
            "flag": ["true", "FALSE", None],
            "word": ["a", "b", "a"],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert {c.name: c.kind for c in table} == {
        "income": "numeric",
        "zip": "category",
        "mixed": "category",
        "flag": "boolean",
        "word": "category",
    }
    np.testing.assert_array_equal(table["income"].values, [3469.94, np.nan, 12])
    assert any("'income' holds texts that are all numbers, and is read as numbers" in n for n in table.notes)
    assert any("'mixed': 2 of 3 cells are numbers but not all ('many' in row 3)" in n for n in table.notes)
    assert read_table(tmp_path / "t.parquet", categories=["income"])["income"].kind == "category"


def test_a_model_of_csv_predicts_parquet_with_texts(place: Path) -> None:
    rows = [(str(k * 1.5), k % 3, k * 3.0) for k in range(60)]
    Path("t.csv").write_text("income,b,y\n" + "".join(f"{a},{b},{y}\n" for a, b, y in rows))
    train_table("t.csv", Options(epochs=2, hidden=(4,)), out="r")
    polars.DataFrame({"income": [a for a, _, _ in rows], "b": [b for _, b, _ in rows]}).write_parquet("t.parquet")
    one, two = run("predict", "r", "t.csv").stdout, run("predict", "r", "t.parquet").stdout
    assert one == two


# --- columns that are not looked at --------------------------------------------------------------------------------


def nested(path: str) -> None:
    frame = {"l": [[1], [2, 3]] * 30, "x": np.arange(60.0), "y": np.arange(60.0) * 2}
    polars.DataFrame(frame).write_parquet(path)


def test_a_dropped_column_is_not_decoded(place: Path) -> None:
    nested("t.parquet")
    told = run("train", "t.parquet", "--target", "y", code=2).stderr
    assert "column 'l', holds List" in told
    assert "--drop l" in told
    run("train", "t.parquet", "--drop", "l", "--target", "y", "--epochs", "2", "--hidden", "4", "--out", "r", "--quiet")
    assert run("predict", "r", "t.parquet").stdout.count("\n") == 61  # what is not needed is no obstacle
    Path("t.csv").write_text("l,x,y\n" + "".join(f"{'oops' if k == 7 else k},{k},{2 * k}\n" for k in range(200)))
    assert "'oops' is text" in run("train", "t.csv", "--target", "y", code=2).stderr
    assert run("predict", "r", "t.csv").stdout.count("\n") == 201
    with pytest.raises(UnknownNameError, match="'L': did you mean 'l'"):
        read_table("t.csv", drop=["L"])


def test_data_of_a_run_with_dropped_columns_are_recognized(place: Path) -> None:
    nested("t.parquet")
    run("train", "t.parquet", "--drop", "l", "--target", "y", "--epochs", "2", "--hidden", "4", "--out", "r", "--quiet")
    assert "these are the data the run was trained on" in run("evaluate", "r", "t.parquet").stderr


# --- frames ---------------------------------------------------------------------------------------------------------


def test_frames_are_trained_on_and_predicted(place: Path) -> None:
    frame = polars.DataFrame(
        {
            "town": ["a", "b", "c", "a"] * 20,
            "when": [datetime.date(2024, 1, 1 + k % 28) for k in range(80)],
            "x": [None if k % 9 == 3 else k / 7 for k in range(80)],
            "note": [{"k": 1}] * 80,
            "y": ["yes", "no"] * 40,
        }
    )
    part = frame.drop("note")
    result = train_table(part, Options(epochs=3, hidden=(4,), drop=("when",)), out="r")
    assert result.preprocessor.feature_names == ("town=a", "town=b", "town=c", "x", "x=(missing)")
    saved = SavedRun.load("r")
    part.write_csv("t.csv")
    expected, _ = saved.predict("t.csv")
    for data in (frame, Plain(frame), frame.to_dict(as_series=False)):
        found, notes = saved.predict(data)
        assert found.probabilities is not None
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()
        assert any("are ignored: " in n and "'note'" in n for n in notes)
        assert saved.evaluate(data)[0].measures == saved.evaluate("t.csv")[0].measures
    assert saved.predict(Path("t.csv"))[0].values.tobytes() == expected.values.tobytes()
    with pytest.raises(DataError, match="an array has no target"):
        saved.evaluate(np.zeros((3, 3)))


def test_pandas_missing_values_of_any_kind() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "i": pandas.array([1, None, 3], dtype="Int64"),
            "s": pandas.array(["a", None, "b"], dtype="string"),
            "d": pandas.to_datetime(["2024-01-01", None, "2024-01-03"]),
        }
    )
    table = from_frame(frame)
    assert table.missing == {"i": 1, "s": 1, "d": 1}
    assert [c.kind for c in table] == ["numeric", "category", "numeric"]
