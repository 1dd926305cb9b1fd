"""Each fault of a series is one sentence: what, where, and what now."""

import numpy as np
import pandas as pd
import pytest

from recuerdo.data.frequency import Frequency
from recuerdo.data.rows import Rows
from recuerdo.data.validation import fits, in_order, one_frequency, say_constant, sound
from recuerdo.errors import DataError


def stamps(start, periods, freq, skip=()):
    return np.delete(pd.date_range(start, periods=periods, freq=freq).to_numpy().astype("datetime64[us]"), list(skip))


def rows(**series):
    """Series by name: stamps, or values that are daily."""
    times = [
        one if isinstance(one, np.ndarray) and one.dtype.kind == "M" else stamps("2020-01-01", len(one), "D")
        for one in series.values()
    ]
    values = [
        np.arange(float(len(one))) if isinstance(one, np.ndarray) and one.dtype.kind == "M" else np.array(one, float)
        for one in series.values()
    ]
    bounds = np.cumsum([0, *map(len, values)])
    return Rows(
        tuple(series),
        bounds,
        np.concatenate(times),
        np.concatenate(values),
        np.empty((bounds[-1], 0)),
        np.arange(2, 2 + bounds[-1]),
        "sales.csv",
    )


def test_a_sound_series_gives_its_frequency():
    known = rows(a=[1, 2, 3])
    sound(known)
    assert one_frequency(known).words == "daily"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, np.inf, -np.inf], r"2 values are infinite, the first in row 23 \(2020-01-02\). Correct them"),
        ([np.nan, np.nan], "there is not a single value. Leave the series out"),
        ([1, 1e200, np.nan], r"the largest value is 1e\+200, in row 23 \(2020-01-02\), and cannot be computed with"),
        ([0, 1e-200], "the largest value is 1e-200, in row 23"),
    ],
)
def test_a_fault_is_said_with_its_place_and_a_mend(values, message):
    with pytest.raises(DataError, match=f"sales.csv, series 'a': {message}"):
        sound(rows(sound=range(20), a=values))


def test_missing_values_are_no_fault():
    sound(rows(a=[np.nan, 1, np.nan], b=[0, 0, np.nan]))


def test_no_step_is_in_single_rows():
    with pytest.raises(DataError, match=r"series 'a': there is only one row, 2020-01-01. Two or more .* freq="):
        one_frequency(rows(a=[1], b=[1]))
    assert one_frequency(rows(a=[1], b=[1, 2])).words == "daily"


def test_series_of_several_frequencies_are_refused():
    with pytest.raises(DataError, match=r"series 'a' is daily and series 'b' is monthly. Give the series of each"):
        one_frequency(rows(a=stamps("2020-01-01", 20, "D"), b=stamps("2020-01-01", 4, "MS")))
    late = stamps("2020-01-01", 3, "MS") + np.timedelta64(4, "D")
    with pytest.raises(DataError, match=r"series 'b' is monthly and series 'c' is monthly on another day of the month"):
        one_frequency(rows(b=stamps("2020-01-01", 4, "MS"), c=late))


def test_irregular_series_are_no_series_of_several_frequencies():
    uneven = np.datetime64("2020-01-01", "us") + np.cumsum([3, 11, 8, 13, 5, 7]).astype("timedelta64[h]")
    assert one_frequency(rows(a=uneven, b=stamps("2020-01-01", 9, "7h"))).nearest


def test_a_short_series_takes_the_frequency_of_the_long_one():
    assert one_frequency(rows(long=stamps("2024-01-04", 4, "B"), short=stamps("2024-01-04", 2, "D"))).words == (
        "business days"
    )


def test_one_long_month_tells_that_the_last_day_is_meant():
    day = np.timedelta64(27, "D")
    frequency = one_frequency(rows(a=stamps("2023-02-01", 3, "MS") + day, b=stamps("2023-02-01", 2, "MS") + day))
    assert frequency.day == 28


@pytest.mark.parametrize(
    ("times", "freq", "words"),
    [
        (stamps("2024-01-01", 2, "2h"), "h", "hourly"),
        (stamps("2024-01-01", 1, "h"), "h", "hourly"),
        (stamps("2024-02-29", 1, "D"), "ME", "monthly"),
        (stamps("2024-01-01", 9, "h", skip=(1, 2, 4)), "h", "hourly"),
        (stamps("2024-01-05", 2, "3D"), "B", "business days"),
    ],
)
def test_a_table_too_short_to_tell_keeps_the_frequency_of_the_model(times, freq, words):
    freq = Frequency.from_text(freq)
    assert fits(rows(a=times), freq, named=False) == freq
    assert freq.words == words


@pytest.mark.parametrize(
    ("times", "freq", "message"),
    [
        (
            stamps("2024-01-01", 9, "30min"),
            "h",
            r"is every 30 minutes, and one that is hourly is asked for \(freq=\): 2024-01-01 00:30:00, in row 3",
        ),
        (
            stamps("2024-01-01", 9, "D"),
            "h",
            r"is daily, and one that is hourly is asked for \(freq=\). Give a table of",
        ),
        (stamps("2024-01-06", 1, "D"), "B", "is on other days or times, and one that is business days is asked for"),
        (stamps("2024-01-01", 9, "QS"), "MS", "is quarterly, and one that is monthly is asked for"),
        (stamps("2024-01-01", 9, "MS"), "ME", "is monthly on other days or times, and one that is monthly"),
        (stamps("2024-01-01", 9, "D"), "B", "is daily, and one that is business days is asked for .*2024-01-06"),
        (
            stamps("2024-01-01", 9, "h") + np.arange(9) ** 2 * np.timedelta64(7, "m"),
            "h",
            "is irregular, and one that is hourly",
        ),
    ],
)
def test_a_table_of_another_frequency_than_the_models_is_refused(times, freq, message):
    with pytest.raises(DataError, match=f"sales.csv {message}"):
        fits(rows(a=times), Frequency.from_text(freq), named=False)


def test_dates_are_no_counts():
    with pytest.raises(DataError, match=r"sales.csv has dates, and step is asked for"):
        fits(rows(a=[1, 2]), Frequency("steps", 1), named=False)


def test_a_frequency_that_a_person_names_is_a_grid_for_irregular_stamps():
    hourly = Frequency.from_text("h")
    uneven = stamps("2024-01-01", 9, "h") + np.arange(9) ** 2 * np.timedelta64(7, "m")
    assert fits(rows(a=uneven), hourly, named=True) == hourly.snapping()
    assert fits(rows(a=stamps("2024-01-01", 9, "D")), hourly, named=True) == hourly
    with pytest.raises(DataError, match="is every 30 minutes, and one that is hourly"):
        fits(rows(a=stamps("2024-01-01", 9, "30min")), hourly, named=True)


def order_of(times, group=None, ids=("a",), mend=lambda: ""):
    times = np.array(times, dtype="datetime64[us]")
    group = np.zeros(len(times), dtype=np.int64) if group is None else np.array(group)
    return in_order(group, list(ids), times, np.arange(2, 2 + len(times)), "sales.csv", mend)


def test_rows_in_order_are_left_alone_and_others_sorted():
    assert order_of(["2020-01-01", "2020-01-02", "2020-01-03"]) == (None, 0)
    order, unsorted = order_of(["2020-01-02", "2020-01-01", "2020-01-03"])
    assert (order.tolist(), unsorted) == ([1, 0, 2], 1)


def test_series_that_take_turns_are_brought_together_and_are_not_out_of_order():
    order, unsorted = order_of(["2020-01-01", "2020-01-01", "2020-01-02", "2020-01-02"], [0, 1, 0, 1], ["a", "b"])
    assert (order.tolist(), unsorted) == ([0, 2, 1, 3], 0)
    order, unsorted = order_of(["2020-01-02", "2020-01-01", "2020-01-01", "2020-01-02"], [0, 1, 0, 1], ["a", "b"])
    assert (order.tolist(), unsorted) == ([2, 0, 1, 3], 1)


def test_repeated_dates_are_named_with_their_rows():
    twice = ["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-01"]
    with pytest.raises(
        DataError, match=r"sales.csv: 2020-01-01 stands in rows 3 and 5, and 1 other date repeats. Mend it."
    ):
        order_of(twice, mend=lambda: "Mend it.")
    with pytest.raises(DataError, match=r"sales.csv, series 'b': 2020-01-01 stands in rows 3 and 5\. Mend it"):
        order_of(["2020-01-02", "2020-01-01", "2020-01-03", "2020-01-01"], [0, 1, 0, 1], ["a", "b"], lambda: "Mend it.")


def test_constant_series_are_noted():
    assert say_constant(rows(a=[1, 2])) == []
    assert say_constant(rows(a=[1, np.nan, 1], b=[np.nan, 1, 2])) == ["never changes: 'a'"]
    assert say_constant(rows(**{name: [1, 1] for name in "abcde"})) == ["never changes: 'a', 'b', 'c' and 2 more"]
