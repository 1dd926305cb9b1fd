"""Written dates are read as Python's own datetime reads them, and written back in the form they came in."""

import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recuerdo.data.times import TimeType, looks_like_dates, parse
from recuerdo.errors import DataError

FORMS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y-%m",
    "%Y",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S+01:00",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M",
]


def read(*texts):
    return parse(pl.Series(list(texts)), np.arange(2, 2 + len(texts)), "sales.csv, column 'day'")


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(times=st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=5))
def test_what_is_read_is_what_datetime_reads_and_is_written_back_as_it_came(form, times):
    texts = [time.strftime(form) for time in times]
    texts += [datetime(2001, 12, 31, 23, 59, 58, 123456).strftime(form)]  # tells the day from the month
    stamps, time_type, _ = read(*texts)
    naive = form.removesuffix("+01:00")
    assert stamps.tolist() == [datetime.strptime(text.removesuffix("+01:00"), naive) for text in texts]
    assert time_type.text(stamps) == texts


@pytest.mark.parametrize(
    ("texts", "months"), [(("2020Q1", "2020Q4"), [1, 10]), (("2020-Q2", "2020-Q3"), [4, 7]), (("1999 Q4",), [10])]
)
def test_quarters_are_read_as_their_first_day(texts, months):
    stamps, time_type, _ = read(*texts)
    assert [stamp.month for stamp in stamps.tolist()] == months
    assert time_type.text(stamps) == list(texts)


def test_days_and_months_without_a_zero_stay_so():
    stamps, time_type, notes = read("31/1/2020", "1/2/2020")
    assert time_type.text(stamps) == ["31/1/2020", "1/2/2020"]
    assert notes == ["sales.csv, column 'day' is read as day/month/year"]


def test_spaces_around_a_date_do_no_harm():
    assert read(" 2020-01-31 ")[0].tolist() == [datetime(2020, 1, 31)]


def test_several_offsets_are_read_in_utc_and_said():
    stamps, time_type, notes = read("2020-03-29T01:00+01:00", "2020-03-29T03:00+02:00", "2020-03-29T00:00-0130")
    assert stamps.tolist() == [datetime(2020, 3, 29, 0), datetime(2020, 3, 29, 1), datetime(2020, 3, 29, 1, 30)]
    assert time_type.text(stamps[:1]) == ["2020-03-29T00:00Z"]
    assert "read in UTC" in notes[0]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("01/02/2020", "03/04/2020"), "every row fits both. Write the dates as 2020-12-31"),
        (("01.02.2020", "03.04.2020"), "with the day or the month first, as in '01.02.2020'"),
        (("12/31/2020", "31/12/2020"), "begins with the day in row 3 and with the month in row 2"),
        (
            ("2020-01-01", "soon", "2020-01-03", "later"),
            r"row 3: 'soon' is no date \(2 such rows\); most cells are a day",
        ),
        (("one", "two"), "row 2: 'one' is no date .*; write it such as 2020-01-31"),
        (("2020-02-28", "2020-02-30"), "row 3: '2020-02-30' is no date; there is no such day or time"),
        (("2020-01-01 23:00", "2020-01-01 24:00"), "row 3: '2020-01-01 24:00' is no date"),
        (("2020-01-01T00:00Z", "2020-01-01T01:00"), "row 3 has no time zone and other rows have one"),
    ],
)
def test_a_date_that_cannot_be_read_for_sure_is_refused_in_words(texts, message):
    with pytest.raises(DataError, match=f"sales.csv, column 'day'.*{message}"):
        read(*texts)


def test_most_cells_decide_whether_a_column_looks_like_dates():
    assert looks_like_dates(pl.Series(["2020-01-01", "2020-01-02", "soon"]))
    assert not looks_like_dates(pl.Series(["2020-01-01", "soon", "later"]))
    assert not looks_like_dates(pl.Series(["2020", "2021"]))
    assert not looks_like_dates(pl.Series([None], dtype=pl.String))


def test_a_time_type_survives_json():
    time_type = TimeType("datetime", dtype="ns", zone="Europe/Berlin", wall=True)
    assert TimeType.from_json(json.loads(json.dumps(time_type.to_json()))) == time_type
