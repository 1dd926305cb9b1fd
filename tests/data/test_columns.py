"""Columns are found where only one fits, and asked for by argument where several do."""

import re
from datetime import date
from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from recuerdo.data.columns import Choice, choose, numbers
from recuerdo.data.tables import panel
from recuerdo.errors import DataError

DAYS = ["2020-01-01", "2020-01-02"]


def choice(columns, **named):
    named = {"date": None, "target": None, "identity": None} | named
    return choose(nw.from_native(pl.DataFrame(columns)), "sales.csv", **named)


def test_the_one_column_of_dates_and_the_one_of_numbers_are_found():
    assert choice({"note": ["a", "b"], "day": DAYS, "sold": [1, 2]}) == Choice("day", ("sold",), None)


def test_the_names_of_the_nixtla_tools_are_taken():
    frame = {"unique_id": ["a", "b"], "ds": DAYS, "when": DAYS, "y": [1, 2], "other": [3, 4]}
    assert choice(frame) == Choice("ds", ("y",), "unique_id")


def test_names_by_argument_come_first():
    frame = {"ds": DAYS, "day": DAYS, "y": [1, 2], "sold": [1, 2], "shop": ["a", "b"]}
    assert choice(frame, date="day", target="sold", identity="shop") == Choice("day", ("sold",), "shop")
    assert choice(frame, date="day", target=["y", "sold"]) == Choice("day", ("y", "sold"), None)


def test_row_numbers_that_were_written_as_a_column_are_no_target():
    assert choice({"": [0, 1], "Unnamed: 0": [0, 1], "day": DAYS, "sold": [5, 6]}).targets == ("sold",)


def test_numbers_with_a_slip_are_still_a_target_so_that_the_slip_is_reported():
    assert choice({"day": DAYS, "shop": ["x", "y"], "sold": ["1", "n.v."]}).targets == ("sold",)


@pytest.mark.parametrize("name", ["year", "Date", "ds"])
def test_years_are_dates_in_a_column_that_is_called_so(name):
    assert choice({name: [1949, 1950], "sold": [1, 2]}).date == name


@pytest.mark.parametrize(
    ("columns", "named", "message"),
    [
        (
            {"a": DAYS, "b": DAYS, "y": [1, 2]},
            {},
            r"several columns that hold dates \(a, b\): name one with date= \(--date",
        ),
        (
            {"d": DAYS, "a": [1, 2], "b": [1, 2]},
            {},
            r"several columns of numbers \(a, b\): name one with target= \(--target",
        ),
        ({"a": [1, 2], "b": [1, 2]}, {}, "no column that holds dates; the columns are a, b"),
        ({"d": DAYS, "a": ["x", "y"]}, {}, "no column of numbers besides the dates; the columns are d, a"),
        (
            {"year": [2020, 2020], "month": [1, 2], "y": [1, 2]},
            {},
            "dates spread over the columns year, month. Join them",
        ),
        (
            {"d": DAYS, "Sold": [1, 2]},
            {"target": "sold"},
            r"no column 'sold' \(target=, --target\).*Did you mean 'Sold'",
        ),
        (
            {"d": DAYS, "sold": [1, 2]},
            {"identity": "shop"},
            r"no column 'shop' \(id=, --id\); the columns are d, sold.$",
        ),
        ({"date": DAYS, "y": [1, 2]}, {"date": "dat"}, r"no column 'dat' \(date=, --date\).*Did you mean 'date'"),
        ({"d": DAYS, "y": [1, 2]}, {"date": "y", "target": "y"}, "'y' is named twice"),
        ({"d": DAYS, "y": [1, 2], "z": [1, 2]}, {"target": ["y", "y"]}, "'y' is named twice"),
        ({"d": DAYS, "y": [1, 2], "z": [1, 2]}, {"target": ["y", "z"], "identity": "d", "date": "d"}, "named twice"),
        (
            {"d": DAYS, "s": ["a", "b"], "y": [1, 2], "z": [1, 2]},
            {"target": ["y", "z"], "identity": "s"},
            "are several series, so id= .* cannot go with them",
        ),
    ],
)
def test_a_choice_that_cannot_be_made_is_asked_for(columns, named, message):
    with pytest.raises(DataError, match=f"{message}"):
        choice(columns, **named)


def test_numbers_with_thousands_are_still_a_target_so_that_they_are_reported():
    assert choice({"day": DAYS, "shop": ["x", "y"], "sold": ["1.234,56", "2.000,5"]}).targets == ("sold",)


@pytest.mark.parametrize(
    "index",
    [
        pd.period_range("2020", periods=2, freq="M"),
        pd.Index(DAYS),
        pd.MultiIndex.from_product([["a"], pd.date_range("2020", periods=2)]),
    ],
)
def test_an_index_that_may_hold_dates_is_hinted_at(index):
    frame = nw.from_native(pd.DataFrame({"y": [1, 2]}, index=index))
    with pytest.raises(
        DataError,
        match=r"(no column that holds dates.* If the|dates in the) index.*all .reset_index\(\)",
    ):
        choose(frame, "The table", None, None, None)
    with pytest.raises(DataError, match=r"no column 'ds' .* If the index holds it, call .reset_index\(\)"):
        choose(frame, "The table", "ds", None, None)


def test_dates_in_the_index_of_a_frame_are_hinted_at():
    frame = pd.DataFrame({"y": [1, 2]}, index=pd.date_range("2020", periods=2))
    with pytest.raises(DataError, match=r"dates in the index, and no column does. Call .reset_index\(\) first"):
        choose(nw.from_native(frame), "The table", None, None, None)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("y", [1, None, 3]),
        pl.Series("y", [1.0, float("nan"), 3.0]),
        pl.Series("y", [Decimal(1), None, Decimal(3)]),
        pd.Series([1, None, 3], dtype="Int64", name="y"),
        pd.Series([1, None, Decimal(3)], dtype=object, name="y"),
    ],
)
def test_numbers_of_every_type_become_floats_with_nan_for_missing(column):
    np.testing.assert_array_equal(
        numbers(nw.from_native(column, series_only=True), np.arange(3), "The table"), [1, np.nan, 3]
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "n.v.", "-"], r"sales.csv, column 'y', row 3 is 'n.v.' and no number \(2 such rows\). Correct it"),
        (["1.0", "1,234.5", "2"], "row 3 is '1,234.5' and no number. Write numbers without thousands separators"),
        (["1,234", "2,500", "3"], "row 2 is '1,234', where the comma may mark decimals or thousands"),
        (["1.234", "2.500", "3"], "row 2 is '1.234', where the point may mark decimals or thousands"),
        (["1", "2", "3"], "holds numbers as text, such as '1' in row 2. Make its type numeric"),
        ([True, False, True], "holds true and false, and numbers are needed"),
        ([date(2020, 1, 1)] * 3, "is of type Date, and numbers are needed"),
    ],
)
def test_a_target_that_is_no_number_is_refused_with_its_row(cells, message):
    with pytest.raises(DataError, match=message):
        numbers(nw.from_native(pl.Series("y", cells), series_only=True), np.arange(2, 5), "sales.csv")


@pytest.mark.parametrize(("cells", "message"), [([1j, 2], "complex128"), ([1, "x"], "row 1 is 'x' and no number")])
def test_a_pandas_target_that_is_no_number_is_refused(cells, message):
    with pytest.raises(DataError, match=message):
        numbers(nw.from_native(pd.Series(cells, name="y"), series_only=True), np.arange(2), "The table")


MONTHS = pd.date_range("2020-01-31", periods=6, freq="ME")
SOLD = pd.Series(np.arange(6.0), index=MONTHS, name="sold")
PERIODS = pd.DataFrame({"month": MONTHS.to_period("M"), "sold": np.arange(6.0)})


@pytest.mark.parametrize(
    ("table", "columns", "words"),
    [
        (SOLD, {}, "got pandas.Series. Call .reset_index() first."),
        (pl.Series("sold", [1.0, 2.0]), {}, "Series. Call .to_frame() first."),
        (
            PERIODS,
            {},
            "The table, column 'month' holds periods, and dates are needed: turn it into dates by",
        ),
        (PERIODS, {"date": "month"}, "holds no dates. Turn it into dates by .dt.to_timestamp() first, or name another"),
        (
            PERIODS.set_index("month"),
            {},
            "holds its dates in the index, and no column does. Call .reset_index()",
        ),
    ],
    ids=["pandas series", "polars series", "periods", "periods by name", "periods in the index"],
)
def test_dates_of_pandas_that_are_no_column_of_dates_are_told_the_way(table, columns, words):
    with pytest.raises(DataError, match=re.escape(words)):
        panel(table, **columns)


def test_the_way_that_is_told_is_one():
    assert panel(SOLD.reset_index()).freq.words == "monthly"
    dated = PERIODS.assign(month=PERIODS["month"].dt.to_timestamp())
    assert panel(dated).freq.words == "monthly"
