"""Each fault of a series is one sentence: what, where, and what now."""

import numpy as np
import pytest

from recuerdo.data.validation import Series, in_order, one_frequency, say_constant
from recuerdo.errors import DataError


def daily(name, values, start="2020-01-01", skip=()):
    days = np.delete(np.arange(np.datetime64(start), np.datetime64(start) + len(values) + len(skip)), list(skip))
    return Series(name, days.astype("datetime64[us]"), np.array(values, dtype=float))


def validate(*series):
    return one_frequency(series, [np.arange(2, 2 + len(one.values)) for one in series], "sales.csv")


def test_a_sound_series_gives_its_frequency():
    assert validate(daily("a", [1, 2, 3])).words == "daily"


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (daily("a", [1]), "there is only one row, 2020-01-01. Two or more are needed"),
        (
            daily("a", [1, 2, 3, 4], skip=(1,)),
            "1 time stamp is missing between 2020-01-01 and 2020-01-05, daily: 2020-01-02",
        ),
        (
            daily("a", range(9), skip=(2, 3, 4, 6)),
            "4 time stamps are missing .*: 2020-01-03, 2020-01-04, 2020-01-05, ...",
        ),
        (daily("a", [1, np.nan, 3]), r"1 value is missing, the first in row 3 \(2020-01-02\). Fill them"),
        (
            daily("a", [1, np.nan, 3, np.nan, np.nan, 6]),
            r"3 values are missing, the first in row 3 \(2020-01-02\); the longest run is 2 from row 5",
        ),
        (daily("a", [1, np.inf, -np.inf]), "2 values are infinite, the first in row 3"),
    ],
)
def test_a_fault_is_said_with_its_place_and_a_mend(series, message):
    with pytest.raises(DataError, match=f"sales.csv, series 'a': {message}"):
        validate(daily("sound", range(20)), series)


def test_series_of_several_frequencies_are_refused():
    months = np.array(["2020-01", "2020-02", "2020-03"], dtype="datetime64[M]").astype("datetime64[us]")
    with pytest.raises(DataError, match=r"series 'a' is daily and series 'b' is monthly. Give the series of each"):
        validate(daily("a", range(9)), Series("b", months, np.arange(3.0)))
    later = months + np.timedelta64(4, "D")
    with pytest.raises(DataError, match=r"series 'b' is monthly and series 'c' is monthly on another day of the month"):
        validate(Series("c", months, np.arange(3.0)), Series("b", later, np.arange(3.0)))


def test_a_short_series_takes_the_frequency_of_the_long_one():
    business = np.array(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"], dtype="datetime64[us]")
    frequency = validate(Series("long", business, np.arange(4.0)), daily("short", [1, 2], start="2024-01-04"))
    assert frequency.words == "business days"


def test_one_long_month_tells_that_the_last_day_is_meant():
    def ends(*days):
        return np.array(days, dtype="datetime64[us]")

    frequency = validate(
        Series("a", ends("2023-02-28", "2023-03-28", "2023-04-28"), np.arange(3.0)),
        Series("b", ends("2023-02-28", "2023-03-28"), np.arange(2.0)),
    )
    assert frequency.day == 28


def test_rows_in_order_are_left_alone_and_others_sorted():
    times = np.array(["2020-01-02", "2020-01-01", "2020-01-03"], dtype="datetime64[us]")
    assert in_order(np.sort(times), np.arange(3), "", str) is None
    order = in_order(times, np.arange(3), "", str)
    assert order is not None
    assert order.tolist() == [1, 0, 2]


def test_repeated_dates_are_named_with_their_rows():
    times = np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-01"], dtype="datetime64[us]")
    with pytest.raises(
        DataError, match=r"sales.csv: 2020-01-01 stands in rows 3 and 5, and 1 other date repeats. Mend it."
    ):
        in_order(times, np.arange(2, 6), "sales.csv", lambda: "Mend it.")


def test_constant_series_are_noted():
    assert say_constant([daily("a", [1, 2])]) == []
    assert say_constant([daily("a", [1, 1]), daily("b", [1, 2])]) == ["never changes: 'a'"]
    assert say_constant([daily(i, [1, 1]) for i in range(5)]) == ["never changes: 0, 1, 2 and 2 more"]
