"""The step of a series is found from its stamps, agrees with pandas' calendars, and survives a model file."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recuerdo.data.frequency import Frequency, find, missing
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
]


@pytest.mark.parametrize(("alias", "words", "season"), CASES)
def test_every_calendar_is_found_and_continued_as_pandas_does(alias, words, season):
    whole = as_times(pd.date_range("2019-12-28 00:00", periods=60, freq=alias))
    frequency = find(whole[:40])
    assert (frequency.words, frequency.season) == (words, season)
    np.testing.assert_array_equal(frequency.after(whole[39], 20), whole[40:])
    assert missing(whole, frequency)[0] == 0


@pytest.mark.parametrize(("alias", "words", "season"), CASES)
def test_a_frequency_survives_json(alias, words, season):
    frequency = find(as_times(pd.date_range("2019-12-28", periods=20, freq=alias)))
    assert Frequency.from_json(json.loads(json.dumps(frequency.to_json()))) == frequency


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), st.sampled_from(["MS", "ME", "B", "h", "D"]), st.sets(st.integers(1, 38), max_size=6))
def test_missing_stamps_are_counted_and_named(start, alias, gone):
    whole = as_times(pd.date_range(pd.Timestamp("2001-01-01") + pd.Timedelta(days=start), periods=40, freq=alias))
    kept = np.delete(whole, list(gone))
    count, first = missing(kept, find(whole))
    assert count == len(gone)
    np.testing.assert_array_equal(first, whole[sorted(gone)][:3])


def test_the_last_day_of_the_month_stays_the_last_day():
    frequency = find(stamps("2023-01-31", "2023-02-28", "2023-03-31"))
    np.testing.assert_array_equal(frequency.after(np.datetime64("2024-01-31"), 2), stamps("2024-02-29", "2024-03-31"))


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
    count, first = missing(days, find(days))
    assert count == 2
    np.testing.assert_array_equal(first, stamps("2020-12-25", "2021-01-01"))


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


def test_an_irregular_pair_is_shown():
    with pytest.raises(
        DataError, match=r"most of them are hourly, but .* 02:00:00 is followed by .* 02:30:00 \(1 such"
    ):
        find(stamps("2020-01-01T00:00", "2020-01-01T01:00", "2020-01-01T02:00", "2020-01-01T02:30"))
