"""Calendar features agree with pandas, in the time zone of the table, and end where they begin."""

import numpy as np
import pandas as pd
import pytest

from recuerdo.data.calendar import calendar, calendar_names
from recuerdo.data.frequency import Frequency
from recuerdo.data.tables import panel, to_frame
from recuerdo.errors import DataError, OptionError

PANDAS = {
    "minute": (60, lambda dt: dt.minute),
    "hour": (24, lambda dt: dt.hour),
    "weekday": (7, lambda dt: dt.day_of_week),
    "monthday": (31, lambda dt: dt.day - 1),
    "yearday": (366, lambda dt: dt.day_of_year - 1),
    "month": (12, lambda dt: dt.month - 1),
    "quarter": (4, lambda dt: dt.quarter - 1),
}


def expected(index, names):
    columns = []
    for name in names:
        period, of = PANDAS[name]
        angle = 2 * np.pi * of(pd.Series(index).dt).to_numpy() / period
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("start", ["1961-12-30", "2023-12-30"])
@pytest.mark.parametrize("zone", [None, "Europe/Madrid", "America/St_Johns", "UTC+05:30"])
@pytest.mark.parametrize(
    ("freq", "names"),
    [
        ("17min", ["minute", "hour", "weekday", "monthday", "yearday", "month", "quarter"]),
        ("h", ["hour", "weekday", "yearday"]),
        ("D", ["weekday", "monthday", "yearday"]),
        ("B", ["weekday", "monthday"]),
        ("MS", ["month", "quarter"]),
    ],
)
def test_features_are_those_of_pandas_in_local_time(start, zone, freq, names):
    zone = "+05:30" if zone == "UTC+05:30" else zone
    index = pd.date_range(start, periods=900 if freq != "17min" else 5000, freq=freq)
    index = index[index.year < 2030].tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    known = panel(pd.DataFrame({"ds": index, "y": np.arange(float(len(index)))}))
    found = calendar(known.series[0].times, known.freq, names, time_type=known.time_type)
    np.testing.assert_allclose(found, expected(index, names), atol=1e-12)
    assert np.abs(found).max() <= 1


@pytest.mark.parametrize(("freq", "wall"), [("h", False), ("D", True)])
def test_pandas_stamps_in_a_zone_with_a_longer_name_come_back(freq, wall):
    index = pd.date_range("2024-03-01", periods=40, freq=freq, tz="America/New_York")
    known = panel(pd.DataFrame({"ds": index[:30], "y": np.arange(30.0)}))
    assert known.time_type.wall == wall
    result = to_frame(known, known.future(10), {"y": [np.ones(10)]})
    assert result["ds"].dtype == index.dtype
    assert (result["ds"] == index[30:]).all()


def test_the_hour_is_the_users_own_where_summer_time_begins():
    index = pd.date_range("2024-03-30 12:00", periods=48, freq="h", tz="Europe/Madrid")
    known = panel(pd.DataFrame({"ds": index, "y": 1.5}))
    found = calendar(known.series[0].times, known.freq, ["hour"], time_type=known.time_type)
    np.testing.assert_allclose(found, expected(index, ["hour"]), atol=1e-12)
    assert not np.allclose(found, calendar(known.series[0].times, known.freq, ["hour"]))


@pytest.mark.parametrize(
    ("freq", "names"),
    [
        ("s", ("minute", "hour", "weekday", "yearday")),
        ("30min", ("minute", "hour", "weekday", "yearday")),
        ("h", ("hour", "weekday", "yearday")),
        ("D", ("weekday", "monthday", "yearday")),
        ("B", ("weekday", "monthday", "yearday")),
        ("W", ("monthday", "yearday")),
        ("MS", ("month",)),
        ("QE", ("quarter",)),
        ("YS", ()),
    ],
)
def test_the_features_that_make_sense_are_those_that_vary(freq, names):
    frequency = Frequency.from_text(freq)
    assert calendar_names(frequency) == names
    begin = np.datetime64("2020-01-01", "us")
    in_three_years = np.timedelta64(3 * 366, "D") // (frequency.at(begin, 1) - begin)
    times = frequency.at(begin, np.linspace(0, in_three_years, 5000).astype(np.int64))
    for name in names:
        assert np.ptp(calendar(times, frequency, [name]), axis=0).max() > 0.5


@pytest.mark.parametrize(("freq", "names"), [("h", ["minute"]), ("D", ["hour"]), ("W", ["weekday"]), ("YS", ["month"])])
def test_a_feature_that_never_changes_is_refused(freq, names):
    frequency = Frequency.from_text(freq)
    times = frequency.at(np.datetime64("2020-01-01", "us"), np.arange(9))
    with pytest.raises(OptionError, match=f"calendar='{names[0]}' is the same in every row, since the table is"):
        calendar(times, frequency, names)


def test_integers_have_no_calendar():
    assert calendar_names(Frequency("steps", 1)) == ()
    with pytest.raises(DataError, match="The time stamps are whole numbers, and no calendar goes with them"):
        calendar(np.arange(3), Frequency("steps", 1), ["hour"])


def test_a_feature_that_is_none_is_refused():
    times = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[us]")
    with pytest.raises(OptionError, match=r"calendar='weekdays' is not offered.* Did you mean 'weekday'"):
        calendar(times, Frequency.from_text("D"), ["weekdays"])
