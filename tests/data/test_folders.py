"""A folder of files is one table, and files that do not go together are said to be so."""

import polars as pl
import pytest

from recuerdo.data import panel
from recuerdo.data.reading import read
from recuerdo.errors import DataError

DAYS = ["2020-01-01", "2020-01-02", "2020-01-03"]


@pytest.fixture
def put(tmp_path):
    def put_frame(name, **columns):
        path = tmp_path / "sales" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame(columns)
        frame.write_csv(path) if name.endswith(".csv") else frame.write_parquet(path)
        return tmp_path / "sales"

    return put_frame


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_are_one_table_in_the_order_of_their_names(put, kind):
    put(f"b.{kind}", day=DAYS[:2], y=[3, 4])
    put(f"a/late.{kind}", day=DAYS[1:2], y=[2.5])
    folder = put(f"a/early.{kind}", y=[1], day=DAYS[:1])
    (folder / "_SUCCESS").write_text("")
    (folder / "README").write_text("what this is")
    table = read(folder)
    assert table.frame.select("day", "y").to_dict(as_series=False) == {
        "day": [DAYS[0], DAYS[1], DAYS[0], DAYS[1]],
        "y": [1.0, 2.5, 3.0, 4.0],
    }
    assert (table.rows.tolist(), table.name) == ([0, 1, 2, 3], "sales")
    assert table.notes == (
        f"3 {'CSV' if kind == 'csv' else 'Parquet'} files of sales are read as one table; "
        "rows count from 0 over all of them",
    )


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_what_folders_are_called_is_a_column(put, kind):
    put(f"country=es/store=007/part-0.{kind}", day=DAYS, y=[1, 2, 3])
    folder = put(f"country=es/store=012/part-0.{kind}", day=DAYS[:2], y=[4, 5])
    assert read(folder).frame["store"].to_list() == ["007"] * 3 + ["012"] * 2  # 007 is a name
    known = panel(folder, id="store", static="country")
    assert [one.id for one in known.series] == ["007", "012"]
    assert known.static[0].categories == ("es",)


def test_numbers_in_the_names_of_folders_are_numbers(put):
    put("year=2019/a.parquet", y=[1])
    assert read(put("year=2020/a.parquet", y=[1])).frame["year"].to_list() == [2019, 2020]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_that_do_not_go_together_are_said(put, kind):
    folder = put(f"a.{kind}", day=DAYS, y=[1, 2, 3])
    put(f"b.{kind}", day=DAYS, z=[1, 2, 3])
    with pytest.raises(DataError, match=rf"different columns: b.{kind} has 'z' and lacks 'y', unlike a.{kind}. Give"):
        read(folder)
    put(f"b.{kind}", day=DAYS, y=["x", "y", "z"])
    with pytest.raises(DataError, match=rf"column 'y' is String in b.{kind} and Int64 in a.{kind}. Make them alike"):
        read(folder)


def test_a_column_that_is_empty_in_one_file_goes_with_any(put):
    put("a.csv", day=DAYS[:1], y=[None])
    assert read(put("b.csv", day=DAYS[:1], y=[2.5])).frame["y"].to_list() == [None, 2.5]


def test_folders_that_do_not_go_together_are_said(put):
    folder = put("store=1/a.parquet", y=[1])
    put("b.parquet", y=[1])
    with pytest.raises(DataError, match=r"folders of .* are called store=\.\.\., and b.parquet is in none. Put it"):
        read(folder)
    (folder / "b.parquet").unlink()
    put("store=1/a.parquet", y=[1], store=[2])
    with pytest.raises(DataError, match=r"have a column 'store', and its folders too. Rename one"):
        read(folder)


def test_a_folder_of_two_kinds_or_of_none_is_refused(put, tmp_path):
    put("a.csv", y=[1])
    with pytest.raises(DataError, match=r"both Parquet files, such as b.parquet, and text files, such as a.csv. Keep"):
        read(put("b.parquet", y=[1]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder without any Parquet or CSV file in it"):
        read(tmp_path / "empty")


def test_a_damaged_file_is_said(put):
    folder = put("a.parquet", y=[1])
    (folder / "b.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"A file of .* is cut off or damaged"):
        read(folder)
