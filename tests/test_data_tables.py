"""Reading tables: what is detected is said, and what is doubtful is refused with its place."""

import csv
import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Table, read_table
from chainrule.errors import ConfigurationError, DataError

pl = pytest.importorskip("polars")

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"


@pytest.fixture
def read(tmp_path):
    def reader(content: str | bytes, name: str = "t.csv", **options) -> Table:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **options)

    return reader


def cells(table: Table, name: str) -> list:
    return [None if v is None or v != v else v for v in table[name].to_numpy().tolist()]


def test_kinds(read):
    table = read('x,flag,color\n1,true, red\n-2.5e3,FALSE,"b,l""ue"\n.5,True,red\n')
    assert [c.kind for c in table] == ["numeric", "boolean", "category"]
    assert cells(table, "x") == [1.0, -2500.0, 0.5]
    assert cells(table, "flag") == [True, False, True]
    assert cells(table, "color") == ["red", 'b,l"ue', "red"]
    assert table["color"].levels == ('b,l"ue', "red")
    assert (table.n_rows, table.name, table.notes) == (3, "t", [])


@pytest.mark.parametrize(("separator", "said"), [(",", 0), (";", 1), ("\t", 1), ("|", 1)])
def test_separator_is_detected_and_said(read, separator, said):
    table = read(f"a{separator}b\n1{separator}x\n2{separator}y\n")
    assert table.names == ("a", "b")
    assert len(table.notes) == said
    assert all(repr(separator) in note for note in table.notes)


def test_separator_ignores_quoted_cells_and_can_be_given(read):
    assert read('a,b\n"1;2;3",x\n"4;5;6",y\n').names == ("a", "b")
    assert read("a:b\n1:2\n", separator=":").names == ("a", "b")
    assert read("sep=;\na;b\n1;2\n").names == ("a", "b")
    with pytest.raises(ConfigurationError, match="one ASCII character"):
        read("a,b\n1,2\n", separator=",,")


def test_decimal_comma_is_detected_and_said(read):
    table = read("a;b\n1,5;x\n-2,25;y\n3;x\n")
    assert cells(table, "a") == [1.5, -2.25, 3.0]
    assert any("decimal comma" in note for note in table.notes)
    assert cells(read('a,b\n"1,5",x\n"2,25",y\n'), "a") == [1.5, 2.25]
    assert read("a;b\n1,5;x\n2,5;y\n", decimal=".")["a"].kind == "category"
    assert cells(read('a,b\n"1,500",x\n"2,250",y\n', decimal=","), "a") == [1.5, 2.25]


def test_doubtful_decimal_marks(read):
    with pytest.raises(DataError, match=r"'a', row 1 \(line 2\): '1,500' has a comma that may mark thousands"):
        read('a,b\n"1,500",x\n"2,250",y\n')
    with pytest.raises(DataError, match=r"'b', row 2 \(line 3\): '1.234' has a decimal point although column 'a'"):
        read("a;b\n1,5;7\n2,5;1.234\n")
    with pytest.raises(ConfigurationError, match="decimal"):
        read("a\n1\n", decimal=";")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [True, False])
def test_line_ends_and_bom_give_the_same_data(read, newline, bom, end):
    text = newline.join(["a,b", "1,x", '2,"y"']) + newline * end
    table = read(bom + text.encode())
    assert table.names == ("a", "b")
    assert (cells(table, "a"), cells(table, "b")) == ([1.0, 2.0], ["x", "y"])
    assert any("byte order mark" in note for note in table.notes) == bool(bom)
    assert any("CR alone" in note for note in table.notes) == (newline == "\r")


@pytest.mark.parametrize("text", ["", "NA", "na", "N/A", "?", "nan", "NaN", "null", "NULL", " "])
def test_missing_texts_are_counted_and_said(read, text):
    table = read(f"x,c\n1,a\n{text},{text}\n3,b\n")
    assert table.missing == {"x": 1, "c": 1}
    assert cells(table, "x") == [1.0, None, 3.0]
    assert cells(table, "c") == ["a", None, "b"]
    assert sum("1 of 3 cells are missing" in note for note in table.notes) == 2


def test_a_column_of_missing_cells(read):
    table = read("a,b\n,1\nNA,2\n")
    assert table.missing == {"a": 2, "b": 0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n\n\n", "no rows"),
        (b"a,b\n1,2\n3\n4,5\n", "line 3, has 1 cell where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n4\n", r"line 3, has 3 cells where the header has 2 \(and 1 other row\)"),
        (b'a,b\n"1\n2",2\n3,4,5\n', "line 4, has 3 cells"),
        (b"a,b\n\n1,2\n3\n", "line 4, has 1 cell "),
        (b"a,a\n1,2\n", r"two columns named 'a' \(columns 1 and 2\)"),
        (b"5.1,3.5\n4.9,3.0\n", "begins with the numbers 5.1, 3.5"),
        ("a,b\n1,2\n".encode("utf-16"), r"UTF-16 \(byte order mark 0xFFFE at byte offset 0\)"),
        ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16 without a byte order mark .NUL at byte offset 0"),
        ("a,b\n1,2\n".encode("utf-32"), "UTF-32"),
        (b"a,b\n1,caf\xe9\n", r"byte 0xE9 at byte offset 9 \(line 2\).*Latin-1.*'é'"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"PNG image \(bytes 0x89504E47 at byte offset 0\)"),
        (b"PK\x03\x04abc", "Excel"),
        (b"a,b\n1,2\n3,x\0y\n", r"NUL byte in line 3 \(byte offset 11\)"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "line 3, opens a quoted cell that never ends"),
        (b'a,b\n1,"x\n2,"y"\n', "line 2, opens a quoted cell that is not closed properly"),
        (b'a,b\n1,x"y"\n', "line 2, has a quotation mark in the middle"),
        (b'a,b\n1,"x"y\n', "line 2, opens a quoted cell that is not closed properly"),
        (b"a,b\n1,inf\n2,1e999\n-inf,3\n", r"3 infinite numbers, first at row 1 \(line 2\), column 'b': inf; row 2"),
        (b"a,b\n1,2\n1e39,3\n", r"1 number beyond float32, first at row 2 \(line 3\), column 'a': 1e\+39"),
    ],
)
def test_refused(read, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_first_five_infinities_are_named(read):
    with pytest.raises(DataError, match="7 infinite numbers") as caught:
        read("a\n" + "inf\n" * 7)
    assert str(caught.value).count("(line ") == 5


@pytest.mark.parametrize(("number", "good"), [("3.4028234e38", True), ("-3.4028236e38", False), ("1e-300", True)])
def test_float32_range(read, number, good):
    text = f"a\n1\n{number}\n"
    if good:
        assert cells(read(text), "a") == [1.0, float(number)]
    else:
        with pytest.raises(DataError, match="beyond float32"):
            read(text)


def test_text_late_in_a_numeric_column(read):
    rows = ["1.5,2"] * 250_000
    rows[200_000] = "oops,2"
    with pytest.raises(DataError, match=r"column 'x', row 200001 \(line 200002\): 'oops' is text .* 249,999 cells"):
        read("x,y\n" + "\n".join(rows))
    rows[200_000] = ",2"
    assert read("x,y\n" + "\n".join(rows)).missing == {"x": 1, "y": 0}


def test_mostly_numbers_is_said_and_text_can_be_wished(read):
    table = read("x\n0\n1\n2\n3+\n")
    assert table["x"].kind == "category"
    assert any("3 of 4 cells are numbers" in note and "'3+' in row 4 (line 5)" in note for note in table.notes)
    assert cells(read("zip,y\n01,1\n02,2\n", categories=["zip"]), "zip") == ["01", "02"]


def test_blank_lines(read):
    table = read("\na,b\n\n1,2\n\n3,4\n\n\n")
    assert cells(table, "a") == [1.0, 3.0]
    assert any("2 blank lines were skipped" in note for note in table.notes)
    # With one column an empty line is a missing cell, except at the end.
    assert cells(read("a\n1\n\n3\n\n"), "a") == [1.0, None, 3.0]


def test_unnamed_column(read):
    table = read(",a\n0,5\n1,6\n")
    assert table.names == ("unnamed_1", "a")
    assert any("column 1 has no name" in note for note in table.notes)


def test_gzip(read):
    packed = gzip.compress(b"a,b\n1,2\n")
    assert read(packed, "t.csv.gz").names == ("a", "b")
    assert read(packed, "misnamed.csv").n_rows == 1
    with pytest.raises(DataError, match="damaged gzip"):
        read(packed[:-6], "t.csv.gz")
    with pytest.raises(DataError, match="damaged gzip"):
        read(packed[:15] + b"\xff\xff" + packed[17:], "t.csv.gz")


def test_paths(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


def test_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    frame = {"x": [1, None, 3], "f": [0.5, float("nan"), 2.0], "b": [True, None, False], "c": ["u", "?", None]}
    pl.DataFrame(frame).write_parquet(path)
    table = read_table(path)
    assert [c.kind for c in table] == ["numeric", "numeric", "boolean", "category"]
    assert cells(table, "x") == [1.0, None, 3.0]
    assert cells(table, "f") == [0.5, None, 2.0]
    assert cells(table, "b") == [True, None, False]
    assert cells(table, "c") == ["u", None, None]
    assert table.missing == {"x": 1, "f": 1, "b": 1, "c": 2}
    assert len(table.notes) == 4


def test_bad_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"x": [1.0, float("inf")]}).write_parquet(path)
    with pytest.raises(DataError, match="1 infinite number, first at row 2, column 'x'"):
        read_table(path)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], data[:8], data[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged Parquet"):
            read_table(path)
    pl.DataFrame({"x": [[1, 2]]}).write_parquet(path)
    with pytest.raises(DataError, match="'x', holds List"):
        read_table(path)
    pl.DataFrame({"x": []}).write_parquet(path)
    with pytest.raises(DataError, match="0 rows"):
        read_table(path)


def test_table_from_columns():
    table = Table.from_columns({"x": [1, None, 3], "c": ["b", None, "a"], "f": [True, None, False]})
    assert [c.kind for c in table] == ["numeric", "category", "boolean"]
    assert cells(table, "c") == ["b", None, "a"]
    assert cells(table.take([2, 0]), "c") == ["a", "b"]
    for bad, message in (
        ({"x": [1, 2], "y": [1]}, "equal length"),
        ({"x": [1, "a"]}, "row 2: 'a' is a str"),
        ({"x": [1, float("inf")]}, "infinite"),
        ({"x": np.zeros((2, 2))}, "shape"),
        ({"x": []}, "no rows"),
        ({}, "no columns"),
    ):
        with pytest.raises(DataError, match=message):
            Table.from_columns(bad)


plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(plain | st.sampled_from(['"', "a\nb", "x,y", "1.5", "", "?", "NA"]), min_size=2, max_size=2),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_reads_what_the_csv_module_wrote(tmp_path_factory, rows, separator, newline):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=newline)
    writer.writerow(["p", "q"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(stream.getvalue().encode())
    table = read_table(path, separator=separator, decimal=".", categories=["p", "q"])
    for at, name in enumerate(table.names):
        expected = [row[at].strip() for row in rows]
        expected = [None if text.lower() in {"", "na", "?", "nan", "null", "n/a"} else text for text in expected]
        found = cells(table, name)
        assert [v if v is None else v.strip() for v in found] == expected


@settings(deadline=None)
@given(
    st.binary(max_size=30)
    | st.lists(
        st.sampled_from([b"a", b"1", b"1,5", b"nan", b"inf", b",", b";", b'"', b"\n", b"\r", b" ", b"\xe9"]),
        max_size=25,
    ).map(b"".join)
)
def test_any_bytes_are_a_table_or_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "t.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except DataError:
        return  # one sentence; anything else fails the test
    assert table.n_rows >= 1


@pytest.mark.skipif(not TABLES.is_dir(), reason="needs ../shared/data/tables")
@pytest.mark.parametrize(
    ("name", "n_rows", "missing"),
    [
        ("adult-train.csv.gz", 32561, {"workclass": 1836, "occupation": 1843, "native-country": 583}),
        ("titanic.csv", 891, {"age": 177, "embarked": 2, "deck": 688, "embark_town": 2}),
        ("mpg.csv", 398, {"horsepower": 6}),
        ("diamonds.csv.gz", 53940, {}),
        ("california-housing.csv.gz", 20640, {"total_bedrooms": 207}),
    ],
)
def test_real_tables(name, n_rows, missing):
    table = read_table(TABLES / name)
    assert table.n_rows == n_rows
    assert {k: v for k, v in table.missing.items() if v} == missing
    assert len(table.notes) == len(missing)


def test_a_first_line_that_looks_like_data_is_said(tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("0.942,-1.397,v\n0.1,0.2,w\n0.3,0.4,v\n")
    assert any("looks like data (0.942, -1.397, v)" in note for note in read_table(bare).notes)
    named = tmp_path / "named.csv"
    named.write_text("2019,2020,v 1.5\n0.1,0.2,w\n0.3,0.4,v\n")
    assert not any("looks like data" in note for note in read_table(named).notes)
