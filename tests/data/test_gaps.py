"""Rows that are missing are rows without values, and irregular stamps go to the nearest point: nothing is filled."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recuerdo.data.frequency import Frequency
from recuerdo.data.tables import panel, to_frame
from recuerdo.errors import DataError

FREQUENCIES = ["s", "15min", "30min", "7min", "h", "2h", "D", "B", "W", "2W", "MS", "ME", "QS", "QE", "6MS", "YS", "YE"]


def table(times, **columns):
    return pl.DataFrame({"ds": np.asarray(times).astype("datetime64[us]")} | columns)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FREQUENCIES), st.integers(0, 3000), st.sets(st.integers(1, 38), max_size=12))
def test_the_grid_of_a_table_with_rows_knocked_out_is_the_original(freq, start, gone):
    whole = pd.date_range(pd.Timestamp("1995-03-05") + pd.Timedelta(days=start), periods=40, freq=freq).to_numpy()
    kept = np.delete(np.arange(40), list(gone))
    assume(freq != "D" or not np.is_busday(whole[kept].astype("datetime64[D]")).all())
    known = panel(table(whole[kept], y=kept.astype(float), extra=2.0 * kept), target="y", past="extra")
    one = known.series[0]
    np.testing.assert_array_equal(one.times, whole.astype("datetime64[us]"))
    expected = np.arange(40.0)
    expected[list(gone)] = np.nan
    np.testing.assert_array_equal(one.values, expected)
    np.testing.assert_array_equal(one.covariates[:, 0], 2 * expected)
    assert any("missing" in note for note in known.notes) == bool(gone)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sets(st.integers(1, 58), max_size=17), min_size=2, max_size=4), st.booleans(), st.data())
def test_gaps_of_one_series_are_not_those_of_another(gone, shuffled, data):
    starts = data.draw(st.lists(st.integers(0, 99), min_size=len(gone), max_size=len(gone)))
    hours = np.datetime64("2024-01-01", "us") + np.arange(200).astype("timedelta64[h]")
    parts = [np.delete(np.arange(60), list(each)) for each in gone]
    frame = pl.concat(
        table(hours[start + part], unique_id=[f"s{i}"] * len(part), y=1000.0 * i + part)
        for i, (start, part) in enumerate(zip(starts, parts, strict=True))
    )
    known = panel(frame.sample(fraction=1, shuffle=True, seed=1) if shuffled else frame)
    for one in known.series:
        i = int(one.id[1:])
        np.testing.assert_array_equal(one.times, hours[starts[i] : starts[i] + 60])
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(one.values)), sorted(gone[i]))
        there = ~np.isnan(one.values)
        np.testing.assert_array_equal(one.values[there], 1000 * i + np.flatnonzero(there))


def test_missing_values_stay_missing_also_at_the_ends_and_are_said():
    days = pd.date_range("2024-01-01", periods=9).to_numpy()
    known = panel(table(days, y=[None, 1.0, None, None, None, 5.0, 6.0, None, None]))
    np.testing.assert_array_equal(np.isnan(known.series[0].values), [1, 0, 1, 1, 1, 0, 0, 1, 1])
    assert known.notes[1:] == ("6 of 9 values are missing, the longest run is 3 from 2024-01-03; nothing is filled in",)


def test_the_longest_run_is_found_within_one_series():
    days = pd.date_range("2024-01-01", periods=4).to_numpy()
    frame = table(np.tile(days, 2), id=["a"] * 4 + ["b"] * 4, y=[1, 2, None, None, None, 5, None, None])
    assert (
        "5 of 8 values are missing in 2 series, the longest run is 2 from 2024-01-03 of 'a'; nothing is filled in"
        in panel(frame, id="id", target="y").notes
    )


def test_public_holidays_are_gaps_of_business_days():
    days = pd.bdate_range("2020-12-21", "2021-01-05").to_numpy()
    days = days[~np.isin(days, np.array(["2020-12-25", "2021-01-01"], dtype=days.dtype))]
    known = panel(table(days, y=np.arange(float(len(days)))))
    assert known.notes[1] == (
        "2 time stamps, such as public holidays, are missing (2020-12-25, 2021-01-01) and are rows without a value"
    )
    assert known.rows == len(days) + 2


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/New_York"])
@pytest.mark.parametrize("freq", ["h", "D", "MS"])
def test_gaps_where_clocks_are_set_are_only_those_that_are_there(zone, freq):
    whole = pd.date_range("2024-03-01", periods=1000 if freq == "h" else 300, freq=freq, tz=zone)
    whole = whole[whole.year < 2030]
    known = panel(pd.DataFrame({"ds": whole, "y": 1.0}).drop(index=[5, 6]))
    assert np.flatnonzero(np.isnan(known.series[0].values)).tolist() == [5, 6]
    result = to_frame(known, [one.times for one in known.series], {"y": [one.values for one in known.series]})
    assert (result["ds"] == whole).all()


def test_irregular_stamps_go_to_the_nearest_point_and_are_averaged():
    stamps = ["2024-01-01T00:02", "2024-01-01T00:58", "2024-01-01T02:05", "2024-01-01T02:20", "2024-01-01T04:50"]
    stamps += ["2024-01-01T05:55", "2024-01-01T06:57", "2024-01-01T08:03", "2024-01-01T09:04", "2024-01-01T10:01"]
    frame = table(
        np.array(stamps, dtype="datetime64[us]"),
        y=[0.0, 1, 2, 3, 5, 6, 7, 8, 9, 10],
        heat=[0.0, 1, None, 3, 5, 6, 7, 8, 9, 10],
        kind=["a", "b", "b", None, "a", "a", "a", "a", "a", "a"],
    )
    known = panel(frame, target="y", past=["heat", "kind"])
    one = known.series[0]
    assert known.freq == Frequency("microseconds", 3_600_000_000, nearest=True)
    np.testing.assert_array_equal(one.times, np.datetime64("2024-01-01", "us") + np.arange(11).astype("timedelta64[h]"))
    np.testing.assert_array_equal(one.values, [0, 1, 2.5, np.nan, np.nan, 5, 6, 7, 8, 9, 10])
    np.testing.assert_array_equal(one.covariates[:, 0], [0, 1, 3, np.nan, np.nan, 5, 6, 7, 8, 9, 10])
    np.testing.assert_array_equal(one.covariates[:, 1], [0, 1, 1, np.nan, np.nan, 0, 0, 0, 0, 0, 0])
    assert known.notes[1].startswith(
        "time stamps are irregular and go to the nearest point of a grid (hourly): 10 of 10 rows are moved, 1 are "
        "averaged"
    )
    # Later tables of the model are read on the same grid, also if they are too short to tell one.
    later = panel(table(np.array(["2024-01-02T00:20"], dtype="datetime64[us]"), y=[1.0]), freq=known.freq)
    assert later.series[0].times[0] == np.datetime64("2024-01-02T00:00", "us")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.2, 3), min_size=12, max_size=60), st.sampled_from([61, 4000, 90_000]))
def test_no_value_of_an_irregular_table_is_lost(steps, size):
    stamps = np.datetime64("2024-01-01", "us") + np.cumsum(np.array(steps) * size * 1e6).astype("timedelta64[us]")
    values = np.arange(float(len(stamps)))
    known = panel(table(stamps, y=values))
    one = known.series[0]
    assume(known.freq.nearest)
    step = known.freq.count
    np.testing.assert_array_equal(np.diff(one.times).astype(np.int64), step)
    places = np.abs(stamps[:, None] - one.times[None]).astype(np.int64)
    assert places.min(axis=1).max() <= step // 2 + 1
    for i, value in enumerate(one.values):
        here = values[(places.argmin(axis=1) == i) & (places.min(axis=1) * 2 != step)]
        if (places.min(axis=1) * 2 != step).all():
            np.testing.assert_allclose(value, here.mean() if len(here) else np.nan)


def test_a_table_at_predict_time_keeps_the_frequency_of_the_model():
    hourly = Frequency.from_text("h")
    two = pd.date_range("2024-10-26 12:00", periods=2, freq="24h", tz="Europe/Madrid")
    known = panel(pd.DataFrame({"ds": two, "y": [1.0, 2.0]}), freq=hourly)
    assert (known.freq, known.rows, known.time_type.wall) == (hourly, 25, False)
    assert to_frame(known, known.future(30), {"y": [np.ones(30)]})["ds"].iloc[-1] == two[1] + pd.Timedelta(hours=30)
    with pytest.raises(DataError, match=r"The table is every 30 minutes, and one that is hourly is asked for"):
        panel(table(pd.date_range("2024-01-01", periods=9, freq="30min"), y=1.0 * np.arange(9)), freq=hourly)


def test_a_frequency_that_is_named_makes_gaps_of_what_is_not_there():
    weekly = table(pd.date_range("2024-01-01", periods=4, freq="7D").to_numpy(), y=[1.0, 2.0, 3.0, 4.0])
    known = panel(weekly, freq="D")
    assert (known.freq.words, known.rows, int(np.isnan(known.series[0].values).sum())) == ("daily", 22, 18)


def test_a_series_without_a_value_is_refused():
    frame = table(pd.date_range("2024-01-01", periods=4).to_numpy(), id=["a", "a", "b", "b"], y=[1.0, 2.0, None, None])
    with pytest.raises(DataError, match=r"series 'b': there is not a single value. Leave the series out"):
        panel(frame, id="id")


def test_ten_thousand_series_are_read_as_views_of_one_block():
    hours = np.datetime64("2024-01-01", "us") + np.arange(20).astype("timedelta64[h]")
    frame = table(np.tile(hours, 10_000), unique_id=np.repeat(np.arange(10_000)[::-1], 20), y=np.arange(200_000.0))
    known = panel(frame)
    assert len({id(one.values.base) for one in known.series}) == 1
    assert [one.id for one in known.series[:3]] == [9999, 9998, 9997]
    assert all((one.values == 20.0 * i + np.arange(20)).all() for i, one in enumerate(known.series))


MONTHS = [f"{1949 + i // 12}-{i % 12 + 1:02d}" for i in range(144)]
MINUTES = np.datetime64("2024-01-01", "us") + np.arange(3000).astype("timedelta64[m]")


def wrong(stamps, place, stamp):
    return [stamp if i == place else each for i, each in enumerate(stamps)]


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        (
            wrong(MONTHS, 143, "2960-12"),
            "The table: 12,000 rows in a run are missing, from 1960-12-01 to 2960-11-01, and only 144 are there. Is "
            "the last date right, 2960-12-01 in row 143? Correct it; if it is, give the rows on one side of the gap "
            "alone.",
        ),
        (
            wrong(MONTHS, 0, "1049-01"),
            "The table: 10,800 rows in a run are missing, from 1049-02-01 to 1949-01-01, and only 144 are there. Is "
            "the first date right, 1049-01-01 in row 0?",
        ),
        (
            [*MONTHS[:100], *(f"{int(each[:4]) + 500}{each[4:]}" for each in MONTHS[100:])],
            "Is the next date right, 2457-05-01 in row 100?",
        ),
        (
            [*(f"{int(each[:4]) - 500}{each[4:]}" for each in MONTHS[:40]), *MONTHS[40:]],
            "Is the previous date right, 1452-04-01 in row 39?",
        ),
    ],
    ids=["last", "first", "behind", "before"],
)
def test_a_series_that_is_mostly_one_run_of_missing_rows_has_a_wrong_date(stamps, words):
    with pytest.raises(DataError, match=re.escape(words)):
        panel(pl.DataFrame({"ds": stamps, "y": np.arange(float(len(stamps)))}))


def test_a_wrong_date_is_said_before_a_grid_of_it_is_made(monkeypatch):
    def refuse(*_):
        raise AssertionError("a row for each of 52 million minutes")

    monkeypatch.setattr("recuerdo.data.tables.laid_out", refuse)
    stamps = MINUTES.copy()
    stamps[-1] = np.datetime64("2123-01-03T01:59", "us")
    with pytest.raises(DataError, match="Is the last date right, 2123-01-03 01:59:00 in row"):
        panel(table(stamps, y=np.arange(3000.0)))


def test_of_many_series_the_one_with_the_wrong_date_is_named():
    good = pd.date_range("2024-01-01", periods=50).to_numpy()
    bad = np.append(good[:-1], np.datetime64("2042-02-19"))
    parts = [table(each, unique_id=[name] * 50, y=np.arange(50.0)) for name, each in (("a", good), ("b", bad))]
    frame = pl.concat(parts)
    with pytest.raises(DataError, match=r"The table, series 'b': 6,5.* Is the last date right, 2042-02-19 in row 99\?"):
        panel(frame)


def test_a_long_pause_among_many_rows_is_no_wrong_date():
    days = pd.date_range("2000-01-01", periods=3000).to_numpy()
    kept = np.r_[0:400, 1200:3000]
    assert len(panel(table(days[kept], y=kept.astype(float))).series[0].values) == 3000
    few = np.r_[0:20, 300:320]  # most of it is missing, and a year of days is soon so
    assert len(panel(table(days[few], y=few.astype(float))).series[0].values) == 320
