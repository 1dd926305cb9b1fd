"""Time stamps leave in the type in which they came, in every kind of frame."""

from datetime import date, datetime, timedelta

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recuerdo.data.stamps import column_of, holds_dates, read_times
from recuerdo.errors import DataError

HOURS = [datetime(2020, 3, 28) + timedelta(hours=i) for i in range(48)]
DAYS = [date(2020, 3, 25) + timedelta(days=i) for i in range(10)]


def zoned(times, zone="Europe/Berlin"):
    return pd.Series(pd.DatetimeIndex(times).tz_localize(zone, nonexistent="shift_forward"))


COLUMNS = {
    "pandas ns": pd.Series(HOURS).astype("datetime64[ns]"),
    "pandas s": pd.Series(HOURS).astype("datetime64[s]"),
    "pandas hours in a zone": pd.Series(pd.date_range("2020-03-28", periods=48, freq="h", tz="Europe/Berlin")),
    "pandas days in a zone": zoned(DAYS),
    "pandas hours at an offset": pd.Series(pd.to_datetime(["2020-03-29T01:00+01:00", "2020-03-29T02:00+01:00"])),
    "pandas days at an offset": pd.Series(pd.to_datetime(["2020-03-29T00:00-03:30", "2020-03-30T00:00-03:30"])),
    "pandas dates": pd.Series(DAYS),
    "pandas text": pd.Series(["2020-01", "2020-02"]),
    "pandas years": pd.Series([1949, 1950], dtype="int32"),
    "pandas years with a point": pd.Series([1949.0, 1950.0]),
    "pandas arrow dates": pd.Series(DAYS, dtype=pd.ArrowDtype(pa.date32())),
    "polars ms": pl.Series(HOURS, dtype=pl.Datetime("ms")),
    "polars zone": pl.Series(HOURS, dtype=pl.Datetime("us", "America/New_York")),
    "polars date": pl.Series(DAYS),
    "polars text": pl.Series(["31.12.2020", "01.01.2021"]),
    "polars steps": pl.Series([5, 10, 15], dtype=pl.Int16),
    "arrow": pa.chunked_array([pa.array(HOURS, pa.timestamp("us"))]),
    "arrow zone": pa.chunked_array([pa.array(HOURS, pa.timestamp("ms", "Asia/Tokyo"))]),
    "arrow offset": pa.chunked_array([pa.array(HOURS[::24], pa.timestamp("us", "+01:00"))]),
    "arrow date": pa.chunked_array([pa.array(DAYS)]),
    "arrow text": pa.chunked_array([pa.array(["2020Q1", "2020Q2"])]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_stamps_come_back_as_they_were(name):
    column = nw.from_native(COLUMNS[name], series_only=True).alias("when")
    times, time_type, _ = read_times(column, np.arange(len(column)), "The table, column 'when'")
    back = column_of(times, time_type, "when", column.implementation.value)
    assert back.dtype == column.dtype
    assert back.to_list() == column.to_list()
    assert back.name == "when"


@pytest.mark.parametrize("name", ["pandas int8", "pandas Int8", "polars", "arrow"])
def test_a_counter_that_outgrows_its_type_gets_a_wider_one(name):
    steps = {
        "pandas int8": pd.Series([126, 127], dtype="int8"),
        "pandas Int8": pd.Series([126, 127], dtype="Int8"),
        "polars": pl.Series([254, 255], dtype=pl.UInt8),
        "arrow": pa.chunked_array([pa.array([126, 127], pa.int8())]),
    }[name]
    column = nw.from_native(steps, series_only=True)
    times, time_type, _ = read_times(column, np.arange(2), "")
    after = column_of(times[-1:] + 1, time_type, "step", column.implementation.value)
    assert after.to_list() == [column.to_list()[-1] + 1]


def test_days_in_a_zone_follow_the_clock_on_the_wall_through_summer_time():
    column = nw.from_native(zoned(DAYS), series_only=True)
    times, time_type, _ = read_times(column, np.arange(10), "")
    assert time_type.wall
    assert set(np.diff(times)) == {np.timedelta64(1, "D")}


def test_hours_in_a_zone_follow_utc_through_summer_time():
    column = nw.from_native(
        pd.Series(pd.date_range("2020-03-28", periods=48, freq="h", tz="Europe/Berlin")), series_only=True
    )
    times, time_type, _ = read_times(column, np.arange(48), "")
    assert not time_type.wall
    assert set(np.diff(times)) == {np.timedelta64(1, "h")}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series("x", DAYS), True),
        (pl.Series("x", HOURS), True),
        (pl.Series("x", ["2020-01-01"]), True),
        (pl.Series("x", ["2020"]), False),
        (pl.Series("year", ["2020"]), True),
        (pl.Series("x", [2020]), False),
        (pl.Series("YEAR", [2020]), True),
        (pl.Series("year", [20]), False),
        (pl.Series("x", ["a", "b"]), False),
        (pl.Series("x", [1.5]), False),
        (pd.Series(DAYS, name="x"), True),
    ],
)
def test_dates_are_known_by_type_by_form_or_by_name(column, expected):
    assert holds_dates(nw.from_native(column, series_only=True)) is expected


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series("d", [None, date(2020, 1, 1), None]), r"row 2 has no date \(2 such rows\). Write it"),
        (pl.Series("d", [1.5, 2.5, 3.5]), "is of type Float64 and holds no dates"),
        (pl.Series("d", [1.0, 2.0, float("inf")]), "is of type Float64 and holds no dates"),
        (pl.Series("d", [1e300, 2e300, 3e300]), "is of type Float64 and holds no dates"),
        (
            pl.Series("d", [20200131, 20200229, 20200331]),
            "dates without marks, such as 20200131. Write them as 2020-01-31",
        ),
        (pl.Series("d", [202011, 202012, 202101]), "dates without marks, such as 202011. Write them as 2020-01."),
        (
            pd.Series(pd.period_range("2020-01", periods=3, freq="M"), name="d"),
            r"is of type period\[M\] and holds no dates",
        ),
        (pd.Series(HOURS[:3], dtype=object, name="d"), "holds datetime objects one by one"),
    ],
)
def test_a_column_without_dates_is_refused_in_words(column, message):
    with pytest.raises(DataError, match=f"sales.csv, column 'd'.*{message}"):
        read_times(nw.from_native(column, series_only=True), np.arange(2, 5), "sales.csv, column 'd'")
