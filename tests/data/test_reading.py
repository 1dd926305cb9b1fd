"""Whatever wrote the file, the same cells are read, and what was found out is said."""

import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recuerdo.data.reading import read
from recuerdo.errors import DataError


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="sales.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_same_cells_are_read_from_every_dialect(write, encoding, separator, ending, packed):
    lines = ["Größe|Ort|Wert", "1|Málaga|2.5", "2|Zürich|-1e3", "3|Ærø|0.25", "", ""]
    content = ending.join(lines).replace("|", separator).encode(encoding)
    table = read(write(gzip.compress(content) if packed else content))
    assert table.frame.to_dict(as_series=False) == {
        "Größe": [1, 2, 3],
        "Ort": ["Málaga", "Zürich", "Ærø"],
        "Wert": [2.5, -1000.0, 0.25],
    }
    assert table.rows.tolist() == [2, 3, 4]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_found_and_said(write, separator):
    table = read(write("day;a;b\n2020-01-01;1,5;10\n2020-01-02;2,125;20\n".replace(";", separator)))
    assert table.frame["a"].to_list() == [1.5, 2.125]
    assert table.frame["b"].to_list() == [10, 20]
    assert "decimal commas" in table.notes[0]


def test_a_comma_that_may_mark_thousands_is_not_guessed(write):
    table = read(write("day;a\n2020-01-01;1,234\n2020-01-02;2,500\n"))
    assert table.frame["a"].to_list() == ["1,234", "2,500"]


def test_a_point_beside_decimal_commas_is_not_guessed(write):
    table = read(write("day;a;b\n2020-01-01;0,5;1.234\n2020-01-02;0,6;2.500\n"))
    assert table.frame["b"].to_list() == ["1.234", "2.500"]


def test_a_list_in_a_column_of_words_makes_no_commas_decimal(write):
    table = read(write('day,a,seats\n2020-01-01,"1,234","12,15"\n2020-01-02,"2,500",none\n'))
    assert table.frame["a"].to_list() == ["1,234", "2,500"]
    assert not table.notes


def test_a_point_beside_points_for_thousands_is_not_guessed(write):
    table = read(write("day;a;b\n2020-01-01;1.234,56;1.234\n2020-01-02;2.500,75;2.500\n"))
    assert table.frame["b"].to_list() == ["1.234", "2.500"]


def test_names_that_begin_with_zero_stay_names(write):
    assert read(write("shop,y\n007,1\n010,2\n")).frame["shop"].to_list() == ["007", "010"]


def test_the_usual_words_for_missing_cells_are_missing(write):
    frame = read(write("a,b\n1,x\nNA,y\nnan,\nNULL,z\n,w\n,\n")).frame
    assert frame["a"].to_list() == [1, None, None, None, None]
    assert frame["b"].to_list() == ["x", "y", None, "z", "w"]


def test_a_row_of_missing_values_is_kept_and_an_empty_one_is_not(write):
    table = read(write("a,b\n1,2\nNA,NA\n , \n5,6\n"))
    assert table.frame["a"].to_list() == [1, None, 5]
    assert table.rows.tolist() == [2, 3, 5]


def test_rows_are_counted_as_in_the_file_past_empty_lines(write):
    table = read(write("\na,b\n1,x\n\n2,y\n\n\n"))
    assert table.rows.tolist() == [3, 5]
    assert table.frame["a"].to_list() == [1, 2]


def test_a_file_without_a_header_is_read_from_its_first_row(write):
    table = read(write("2020-01-01,1\n2020-01-02,2\n"))
    assert table.rows.tolist() == [1, 2]
    assert len(table.frame) == 2
    assert "no header" in table.notes[0]


@pytest.mark.parametrize("first", ["A,2020-01-01,1", "A,2020-01-01,1,1", "A,2020-01-01,NA"])
def test_a_first_row_with_words_in_it_is_no_header_where_a_date_stands_over_dates(write, first):
    rows = [first, *(first.replace("-01", f"-0{day}") for day in (2, 3))]
    table = read(write("\n".join(rows)))
    assert len(table.frame) == 3
    assert table.rows.tolist() == [1, 2, 3]
    assert table.frame["column_1"][0] == "2020-01-01"
    assert "no header" in table.notes[0]


def test_dates_over_numbers_are_a_header(write):
    assert read(write("id,2020-01,2020-02\nA,1,2\nB,3,4\n")).frame.columns == ["id", "2020-01", "2020-02"]


def test_lines_that_end_as_on_an_old_macintosh_are_read(write):
    assert read(write("a,b\r1,x\r2,y\r")).frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("lead", ["sep=;\r\n", "  \n", "\n  \n"])
def test_what_stands_above_the_header_for_excel_or_for_looks_is_passed_over(write, lead):
    table = read(write(lead + "a;b\n1,5;x\n2,5;y\n"))
    assert table.frame.to_dict(as_series=False) == {"a": [1.5, 2.5], "b": ["x", "y"]}
    assert table.rows.tolist() == [2 + lead.count("\n"), 3 + lead.count("\n")]


def test_rows_are_counted_alike_past_a_cell_of_several_lines(write):
    content = 'a,b\n1,"x\ny\nz"\n2,y\n'
    assert read(write(content)).rows.tolist() == [2, 3]
    with pytest.raises(DataError, match="row 4 has 3 cells"):
        read(write(content + "3,z,4\n"))


def test_a_quotation_mark_that_is_not_closed_is_found_in_a_large_file_too(write):
    for content in ('a,b\n"1,2\n' + "3,4\n" * 50_000, '"a,b\n' + "3,4\n" * 50_000):
        with pytest.raises(DataError, match="a quotation mark is opened and not closed"):
            read(write(content))


def test_columns_that_a_spreadsheet_left_empty_are_dropped(write):
    table = read(write("a;b;;\n1;2;;\n3;4;;\n"))
    assert table.frame.columns == ["a", "b"]
    assert read(write(",a,\n0,1,x\n1,2,y\n")).frame.columns == ["", "a", "column_2"]


def test_separators_inside_quotes_are_letters(write):
    assert read(write('a;b\n"1;5";2\n"x, y";3\n')).frame["a"].to_list() == ["1;5", "x, y"]


def test_parquet_is_read_by_what_is_in_it(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.write_parquet(tmp_path / "sales.data")
    assert read(tmp_path / "sales.data").frame.equals(frame)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(allow_nan=False, width=64), min_size=1, max_size=20))
def test_every_float_comes_back_bit_for_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("floats") / "values.csv"
    path.write_text("name,value\n" + "".join(f"n{i},{value!r}\n" for i, value in enumerate(values)))
    np.testing.assert_array_equal(read(path).frame["value"].to_numpy().astype(float), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "sales.csv is empty. It should hold a header"),
        (" \n\n", "sales.csv is empty"),
        ("sep=;\n", "sales.csv is empty"),
        ("\ufeff", "sales.csv is empty"),
        ("a,b\n", r"has a header \(a, b\) and no rows"),
        ("a,b\n,\n", r"has a header \(a, b\) and no rows"),
        ("a,b,a\n1,2,3\n", "several columns called 'a' in its header. Rename"),
        ("a,b\n1,2\n1,2,3\n", "row 3 has 3 cells and the header 2. Quote the cells that hold commas"),
        ('a,b\n"1,2\n3,4\n', "a quotation mark is opened and not closed"),
        (b"\x00\x01\x02", "is no text: it may be a spreadsheet. Save it as CSV"),
        (b"PK\x03\x04", "is no text: it may be a spreadsheet"),
        (b"PAR1 and no more", "cut off or damaged: it begins as Parquet"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "cut off or damaged: it begins as gzip"),
        (b"\xff\xfea\x00\x00\xd8", "begins with the mark of utf-16 and is not so encoded"),
    ],
)
def test_a_file_with_no_table_in_it_is_said_in_words(write, content, message):
    with pytest.raises(DataError, match=message):
        read(write(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*sales.csv. Look at the spelling"):
        read(tmp_path / "sales.csv")


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_is_not_the_present_folder(path):
    with pytest.raises(DataError, match=r"The path of the table is empty: .* For the present folder write '\.'"):
        read(path)
