"""The step of a series is found from its stamps, agrees with pandas' calendars, and survives a model file."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recuerdo.data.frequency import HOUR, Frequency
from recuerdo.data.steps import find
from recuerdo.errors import DataError


def stamps(*texts):
    return np.array(texts, dtype="datetime64[us]")


def as_times(index):
    return index.to_numpy().astype("datetime64[us]")


CASES = [
    ("s", "every second", 1),
    ("15min", "every 15 minutes", 96),
    ("30min", "every 30 minutes", 48),
    ("7min", "every 7 minutes", 1),
    ("h", "hourly", 24),
    ("2h", "every 2 hours", 12),
    ("D", "daily", 7),
    ("B", "business days", 5),
    ("W", "weekly", 52),
    ("2W", "every 2 weeks", 26),
    ("MS", "monthly", 12),
    ("ME", "monthly", 12),
    ("QS", "quarterly", 4),
    ("QE", "quarterly", 4),
    ("6MS", "every 6 months", 2),
    ("YS", "yearly", 1),
    ("YE", "yearly", 1),
    ("2YS", "every 2 years", 1),
    ("BME", "monthly", 12),
    ("BMS", "monthly", 12),
    ("BQE", "quarterly", 4),
    ("2BME", "every 2 months", 6),
    ("BYE", "yearly", 1),
]


@pytest.mark.parametrize(("alias", "words", "season"), CASES)
def test_every_calendar_is_found_and_continued_as_pandas_does(alias, words, season):
    whole = as_times(pd.date_range("2019-12-28 00:00", periods=60, freq=alias))
    frequency = find(whole[:40])
    assert (frequency.words, frequency.season) == (words, season)
    np.testing.assert_array_equal(frequency.after(whole[39], 20), whole[40:])
    np.testing.assert_array_equal(frequency.positions(whole, whole[0]), np.arange(60))


@pytest.mark.parametrize(("alias", "words", "season"), CASES)
def test_a_frequency_survives_json(alias, words, season):
    frequency = find(as_times(pd.date_range("2019-12-28", periods=20, freq=alias)))
    assert Frequency.from_json(json.loads(json.dumps(frequency.to_json()))) == frequency


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 5000),
    st.sampled_from([alias for alias, _, _ in CASES]),
    st.sets(st.integers(1, 38), max_size=12),
)
def test_the_step_is_found_though_stamps_are_missing(start, alias, gone):
    begin = pd.Timestamp("2001-01-01") + pd.Timedelta(days=start % (1500 if alias.endswith(("YS", "YE")) else 5000))
    whole = as_times(pd.date_range(begin, periods=40, freq=alias))
    kept = np.delete(whole, list(gone))
    assume(alias != "D" or not np.is_busday(kept.astype("datetime64[D]")).all())  # days without any weekend
    assert find(kept) == find(whole)


def test_the_step_is_found_over_all_series_together():
    hours = as_times(pd.date_range("2024-01-01", periods=9, freq="h"))
    assert find(np.concatenate([hours[[0, 2, 4]], hours]), np.array([0, 3, 12])).words == "hourly"
    # Between the last stamp of a series and the first of the next there is no step.
    assert find(np.concatenate([hours, hours + np.timedelta64(7, "m")]), np.array([0, 9, 18])).words == "hourly"


def test_the_last_day_of_the_month_stays_the_last_day():
    frequency = find(stamps("2023-01-31", "2023-02-28", "2023-03-31"))
    np.testing.assert_array_equal(frequency.after(np.datetime64("2024-01-31"), 2), stamps("2024-02-29", "2024-03-31"))


def test_the_last_trading_day_before_a_holiday_is_still_that_of_its_month():
    trading = as_times(pd.date_range("2019-01-01", periods=60, freq="BME"))
    trading[[16, 28, 40]] -= np.timedelta64(3, "D")  # before a Monday at the end of May
    frequency = find(trading)
    assert (frequency.words, frequency.day, frequency.nearest, frequency.business) == ("monthly", 31, True, False)
    assert frequency.positions(trading, frequency.begin(trading[:1])[0]).tolist() == list(range(60))
    ends = as_times(pd.date_range("2024-01-01", periods=2, freq="ME"))
    np.testing.assert_array_equal(frequency.after(frequency.at(frequency.begin(trading[:1])[0], 59), 2), ends)


def test_a_payday_that_moves_by_a_weekend_is_monthly():
    days = as_times(pd.date_range("2020-01-01", periods=36, freq="MS")) + np.timedelta64(14, "D")
    paid = np.busday_offset(days.astype("datetime64[D]"), 0, roll="backward").astype("datetime64[us]")
    frequency = find(paid)
    assert (frequency.words, frequency.day, frequency.nearest) == ("monthly", 15, True)


def test_every_thirty_days_is_not_monthly():
    thirty = as_times(pd.date_range("2024-01-15", periods=6, freq="30D"))  # one in each month, within four days
    assert find(thirty).words == "every 30 days"


def test_the_thirtieth_stays_the_thirtieth():
    frequency = find(stamps("2023-01-30", "2023-02-28", "2023-03-30"))
    np.testing.assert_array_equal(frequency.after(np.datetime64("2023-03-30"), 1), stamps("2023-04-30"))
    np.testing.assert_array_equal(frequency.after(np.datetime64("2023-04-30"), 1), stamps("2023-05-30"))


def test_a_clock_time_is_kept_from_month_to_month():
    frequency = find(stamps("2023-01-01T06:30", "2023-02-01T06:30"))
    np.testing.assert_array_equal(frequency.after(np.datetime64("2023-02-01T06:30"), 1), stamps("2023-03-01T06:30"))


def test_five_days_without_a_weekend_between_them_are_daily():
    assert find(as_times(pd.date_range("2024-01-01", periods=5))).words == "daily"


def test_days_without_any_weekend_are_business_days_though_holidays_stand_beside_it():
    days = as_times(pd.bdate_range("2020-12-21", "2021-01-05"))
    days = days[~np.isin(days, stamps("2020-12-25", "2021-01-01"))]
    assert find(days).words == "business days"
    places = find(days).positions(days, days[0])
    assert np.setdiff1d(np.arange(12), places).tolist() == [4, 9]
    np.testing.assert_array_equal(find(days).at(days[0], [4, 9]), stamps("2020-12-25", "2021-01-01"))


def test_integers_are_steps():
    frequency = find(np.array([10, 15, 20]))
    assert (frequency.words, frequency.season) == ("every 5 steps", 1)
    assert frequency.after(20, 2).tolist() == [25, 30]
    assert find(np.array([1, 2, 3])).words == "step"


def test_a_change_of_the_step_is_located():
    times = stamps("2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01", "2020-04-02", "2020-04-03", "2020-04-04")
    times = np.concatenate([times, stamps("2020-04-05")])
    with pytest.raises(DataError, match="change their step at 2020-04-01, from every 31 days to daily"):
        find(times)


def test_a_change_to_months_is_located_though_their_days_differ():
    days, months = pd.date_range("2020-01-01", periods=19), pd.date_range("2020-02-01", periods=10, freq="MS")
    with pytest.raises(DataError, match="change their step at 2020-01-19, from daily to every 31 days"):
        find(np.concatenate([as_times(days), as_times(months)]))


def test_stamps_off_the_common_step_are_no_step_of_their_own():
    hours = as_times(pd.date_range("2024-01-01", periods=50, freq="h"))
    late = hours.copy()
    late[7] += np.timedelta64(25, "m")
    assert find(late) == Frequency("microseconds", HOUR, nearest=True)
    # Half of the half hours are there: nothing needs to be moved.
    halves = as_times(pd.date_range("2024-01-01", periods=8, freq="30min"))
    assert find(halves[[0, 2, 4, 5]]) == Frequency("microseconds", HOUR // 2)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (61.3, "every minute"),
        (3500, "hourly"),
        (86000, "daily"),
        (7.2, "every 7 seconds"),
        (0.7, "every 700000 microseconds"),
        (3000, "every 50 minutes"),
        (294000, "every 82 hours"),
    ],
)
def test_irregular_stamps_get_a_round_step(seconds, words):
    rng = np.random.default_rng(0)
    steps = np.cumsum(seconds * (1 + 0.3 * rng.uniform(-1, 1, 999)))
    found = find(np.datetime64("2024-01-01", "us") + (steps * 1e6).astype("timedelta64[us]"))
    assert found.nearest
    close = Frequency("microseconds", round(seconds * 1e6))
    assert found.words == words or abs(found.count - close.count) < 0.04 * close.count


def test_irregular_counts_get_a_whole_step():
    assert find(np.array([0, 7, 29, 42, 53, 91])) == Frequency("steps", 13, nearest=True)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([alias for alias, _, _ in CASES]),
    st.lists(st.floats(-0.3, 0.3), min_size=40, max_size=40),
)
def test_each_stamp_goes_to_its_nearest_point(alias, shifts):
    whole = as_times(pd.date_range("2019-12-28", periods=41, freq=alias))
    grid = find(whole).snapping()
    step = np.diff(whole).astype(np.int64).min() * (1 if alias != "B" else 0.5)
    moved = whole[:-1] + (np.array(shifts) * step).astype("timedelta64[us]")
    assert grid.positions(moved, whole[0]).tolist() == list(range(40))


@pytest.mark.parametrize(
    "alias",
    [
        "s",
        "30min",
        "h",
        "2h",
        "D",
        "B",
        "W",
        "2W",
        "MS",
        "ME",
        "QS",
        "QE",
        "6MS",
        "YS",
        "YE",
        "2YS",
        "ms",
        "us",
        "BME",
        "BQS",
    ],
)
def test_a_frequency_that_is_named_is_the_one_that_is_found(alias):
    assert Frequency.from_text(alias) == find(as_times(pd.date_range("2019-12-28", periods=40, freq=alias)))


@pytest.mark.parametrize(
    ("old", "new"), [("T", "min"), ("H", "h"), ("M", "ME"), ("Q", "QE"), ("A", "YE"), ("AS", "YS"), ("BM", "BME")]
)
def test_old_short_forms_are_still_read(old, new):
    assert Frequency.from_text(old) == Frequency.from_text(new)


@pytest.mark.parametrize("text", ["", "hourly", "0h", "-1D", "h2"])
def test_a_short_form_that_is_none_is_refused(text):
    with pytest.raises(DataError, match=rf"freq='{text}' is no frequency. Write s, min, h, D, B .* such as 30min"):
        Frequency.from_text(text)


def test_an_anchor_is_the_tables_own():
    with pytest.raises(DataError, match=r"freq='W-SUN' is no frequency.*behind - is read from the table itself"):
        Frequency.from_text("W-SUN")


def test_a_model_file_from_before_there_was_nearest_is_read():
    assert Frequency.from_json({"unit": "months", "count": 1, "day": 31}) == Frequency("months", 1, 31)
