"""Any table in, the same kind of table out, and sensible sentences for real files."""

from datetime import date, timedelta
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recuerdo.data.tables import panel, to_frame
from recuerdo.errors import DataError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "forecasting"
MAKERS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the data file {name} is not beside the checkout")
    return path


def days(count, start=date(2020, 1, 1)):
    return [start + timedelta(days=i) for i in range(count)]


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(2, 6), min_size=1, max_size=3),
    horizon=st.integers(1, 4),
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=3, max_size=3, unique=True
    ),
)
def test_a_long_table_of_any_kind_comes_back_as_its_kind(kind, lengths, horizon, names):
    ids = [names[i] for i, length in enumerate(lengths) for _ in range(length)]
    stamps = [day for length in lengths for day in days(length)]
    values = [float(i) for i in range(len(ids))]
    table = MAKERS[kind]({"shop": ids, "day": pd.to_datetime(stamps) if kind == "pandas" else stamps, "sold": values})
    before = nw.from_native(table).clone().to_dict(as_series=False)
    read = panel(table, id="shop", date="day", target="sold")
    assert len(read) == len(lengths)
    assert read.rows == len(ids)
    assert [value for series in read.series for value in series.values] == values
    result = to_frame(read, read.future(horizon), {"sold": [np.arange(float(horizon)) for _ in read.series]})
    assert isinstance(result, type(table))
    result = nw.from_native(result)
    assert result.columns == ["shop", "day", "sold"]
    assert [result.schema[name] for name in result.columns] == list(nw.from_native(table).schema.values())
    assert result["shop"].to_list() == [one for one in names[: len(lengths)] for _ in range(horizon)]
    expected = [day for length in lengths for day in days(length + horizon)[length:]]
    assert [str(day)[:10] for day in result["day"].to_list()] == [str(day) for day in expected]
    assert nw.from_native(table).to_dict(as_series=False) == before


def test_a_wide_table_gives_a_series_for_each_column():
    table = pl.DataFrame({"day": days(3), "a": [1, 2, 3], "b": [4, 5, 6], "c": [0, 0, 0]})
    read = panel(table, target=["b", "a"])
    assert [series.id for series in read.series] == ["b", "a"]
    assert read.target == ("b", "a")
    result = to_frame(read, read.future(1), {"b": [np.array([1.0]), np.array([2.0])]})
    assert result.rows() == [("b", date(2020, 1, 4), 1.0), ("a", date(2020, 1, 4), 2.0)]


def test_one_series_has_no_id_column_and_is_called_as_its_column():
    read = panel(pl.DataFrame({"day": days(3), "sold": [1, 2, 3]}))
    assert (read.series[0].id, read.target, read.id, read.date, read.kind) == ("sold", "sold", None, "day", "polars")
    assert to_frame(read, read.future(1), {"sold": [np.array([1.0])]}).columns == ["day", "sold"]


def test_series_keep_the_order_and_the_type_of_their_ids():
    table = pl.DataFrame(
        {"unique_id": [7, 3, 7, 3], "ds": [*days(1), *days(1), *days(2)[1:], *days(2)[1:]], "y": range(4)}
    )
    read = panel(table)
    assert [series.id for series in read.series] == [7, 3]
    result = to_frame(read, read.future(1), {"y": [np.ones(1), np.ones(1)]})
    assert result.schema["unique_id"] == pl.Int64


def test_blocks_can_be_more_than_the_series():
    read = panel(pl.DataFrame({"unique_id": ["a"] * 3 + ["b"] * 3, "ds": days(3) * 2, "y": range(6)}))
    times = [read.series[0].times[:2], read.series[0].times[1:]]
    result = to_frame(
        read, times, {"y": [np.ones(2), np.zeros(2)], "window": [np.zeros(2, int), np.ones(2, int)]}, ids=["a", "a"]
    )
    assert result["unique_id"].to_list() == ["a"] * 4
    assert result["window"].to_list() == [0, 0, 1, 1]


def test_a_column_of_the_result_cannot_hide_the_dates():
    read = panel(pl.DataFrame({"day": days(3), "sold": [1, 2, 3]}))
    with pytest.raises(DataError, match="A column of the result would be called 'day'"):
        to_frame(read, read.future(1), {"day": [np.ones(1)]})


def test_rows_out_of_order_are_sorted_and_said():
    table = pl.DataFrame({"day": days(3)[::-1], "sold": [3, 2, 1]})
    read = panel(table)
    assert read.series[0].values.tolist() == [1, 2, 3]
    assert "rows were sorted by date" in read.notes
    assert table["sold"].to_list() == [3, 2, 1]


def test_a_split_is_by_time_in_every_series():
    read = panel(pl.DataFrame({"unique_id": ["a"] * 3 + ["b"] * 4, "ds": days(3) + days(4), "y": range(7)}))
    early, late = read.split(2)
    assert [series.values.tolist() for series in early.series] == [[0], [3, 4]]
    assert [series.values.tolist() for series in late.series] == [[1, 2], [5, 6]]
    assert late.freq == read.freq
    np.testing.assert_array_equal(early.future(2)[0], late.series[0].times)
    for last in (3, 0, -1):
        with pytest.raises(
            DataError, match=f"The last {last} rows cannot be set apart from series 'a', which has 3 rows"
        ):
            read.split(last)


def test_an_integer_index_counts_steps():
    read = panel(pl.DataFrame({"t": [0, 1, 2], "y": [1, 2, 3]}), date="t")
    assert read.freq.words == "step"
    assert read.future(2)[0].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pl.DataFrame({"ds": [], "y": []}), "The table has no rows"),
        (pl.LazyFrame({"ds": ["2020"], "y": [1]}), r"got polars.*LazyFrame. Call .collect\(\) first"),
        (pd.Series([1]), "got pandas.*Series"),
        ({"ds": ["2020"], "y": [1]}, "got builtins.dict"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns of one name"),
        (pd.DataFrame([[1, 2]]), "columns need text as names, and one is called 0"),
        (
            pl.DataFrame({"unique_id": ["a", None], "ds": days(2), "y": [1, 2]}),
            "Column 'unique_id', row 1 is empty, so the row belongs to no series",
        ),
        (
            pl.DataFrame({"shop": ["a", "a", "b", "b"], "ds": days(2) * 2, "y": range(4)}),
            r"2020-01-01 stands in rows 0 and 2, and 1 other date repeats. Is 'shop' the column .* id= \(--id\)",
        ),
        (
            pl.DataFrame({"ds": ["2021-10-31 01:00", "2021-10-31 02:00", "2021-10-31 02:00"], "y": [1, 2, 3]}),
            "2021-10-31 02:00:00 stands in rows 1 and 2. Keep one row for each, or write times with their offset",
        ),
        (
            pl.DataFrame({"ds": ["2021-03-27T00:00+01:00", "2021-03-29T00:00+02:00"] * 2, "y": range(4)}),
            r"The table \(times in UTC\): 2021-03-26 23:00:00 stands in rows 0 and 2",
        ),
        (pl.DataFrame({"ds": days(1) * 2, "y": [1, 2]}), "stands in rows 0 and 1. Keep one row for each date"),
        (
            pl.DataFrame({"unique_id": ["a"] * 2, "ds": days(1) * 2, "y": [1, 2]}),
            "stands in rows 0 and 1. Keep one row",
        ),
    ],
)
def test_a_table_that_is_none_is_refused_in_words(table, message):
    with pytest.raises(DataError, match=message):
        panel(table)


def test_reading_frames_imports_neither_pandas_nor_pyarrow():
    import subprocess
    import sys

    code = (
        "import sys, polars as pl; from recuerdo.data.tables import panel, to_frame; "
        "p = panel(pl.DataFrame({'ds': ['2020-01', '2020-02'], 'y': [1, 2]})); "
        "to_frame(p, p.future(1), {'y': [p.series[0].values[:1]]}); "
        "print(sorted({'pandas', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_air_passengers_are_found_whole():
    read = panel(shared("airpassengers/airline-passengers.csv"))
    assert (read.date, read.target, read.freq.words, read.rows) == ("Month", "Passengers", "monthly", 144)
    result = to_frame(read, read.future(2), {"Passengers": [np.array([1.0, 2.0])]})
    assert result.rows() == [("1961-01", 1.0), ("1961-02", 2.0)]


def test_the_days_that_the_temperatures_lack_are_rows_and_named():
    read = panel(shared("daily_min_temperatures/daily-min-temperatures.csv"))
    assert read.freq.words == "daily"
    assert np.flatnonzero(np.isnan(read.series[0].values)).size == 2
    assert "2 time stamps are missing (1984-12-31, 1988-12-31) and are rows without a value" in read.notes


def test_sunspots_are_monthly_and_yearly():
    assert panel(shared("sunspots/monthly-sunspots.csv")).freq.words == "monthly"
    yearly = panel(shared("sunspots/yearly-sunspots.csv"))
    assert (yearly.freq.words, yearly.rows) == ("yearly", 309)
    assert to_frame(yearly, yearly.future(1), {"x": [np.ones(1)]})["YEAR"].to_list() == [2009]


def test_electricity_asks_for_its_columns_and_is_half_hourly():
    path = shared("vic_electricity/vic_electricity.csv.gz")
    with pytest.raises(DataError, match=r"several columns that hold dates \(Time, Date\): name one with date="):
        panel(path)
    with pytest.raises(DataError, match=r"several columns of numbers \(Demand, Temperature\): name one with target="):
        panel(path, date="Time")
    read = panel(path, date="Time", target="Demand")
    assert (read.freq.words, read.freq.season, read.rows) == ("every 30 minutes", 48, 52_608)
    assert read.time_type.text(read.future(1)[0]) == ["2014-12-31T13:00:00Z"]


def test_transformer_loads_ask_for_a_target_and_are_hourly():
    path = shared("etth1/ETTh1.csv.gz")
    with pytest.raises(DataError, match=r"several columns of numbers \(HUFL, .*, OT\)"):
        panel(path)
    assert panel(path, target="OT").freq.words == "hourly"


def test_pollution_says_that_its_dates_are_spread_and_its_values_missing():
    path = shared("beijing_pm25/pollution.csv.gz")
    with pytest.raises(DataError, match=r"dates spread over the columns year, month, day, hour. Join them"):
        panel(path)
    read = panel(path, date="No", target="pm2.5", past=["TEMP", "cbwd"])
    assert any("2067 of 43824 values are missing, the longest run is 155 from 6318" in note for note in read.notes)
    assert read.covariates[1].categories == ("NE", "NW", "SE", "cv")


def test_a_panel_is_taken_as_it_is_and_its_columns_are_not_chosen_again():
    known = panel(pl.DataFrame({"month": ["2020-01", "2020-02"], "sold": [1, 2]}))
    assert panel(known) is known
    with pytest.raises(DataError, match="A panel has its columns chosen already: leave date="):
        panel(known, target="sold")


def test_a_target_that_holds_the_dates_is_named_as_the_mistake():
    table = pl.DataFrame({"month": ["2020-01", "2020-02"], "sold": [1, 2]})
    with pytest.raises(DataError, match="Column 'month' of The table holds its dates, and was named as target="):
        panel(table, target="month")
