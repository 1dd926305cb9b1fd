"""What is known beside the target: numbers and categories, up to now, ahead, and of each series as a whole."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recuerdo.data import Covariate, ahead, panel
from recuerdo.errors import DataError

MAKERS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
DAYS = [f"2024-01-0{i}" for i in range(1, 6)]


def shops(**changed):
    return {
        "shop": ["b"] * 3 + ["a"] * 3,
        "day": DAYS[:3] * 2,
        "sold": [1.0, 2, 3, 4, 5, 6],
        "visits": [7, None, 9, 10, 11, 12],
        "weather": ["sun", "rain", None, "sun", "sun", "fog"],
        "price": [1.5, 1.5, 2, 2, 2, 2],
        "open": [True, True, False, True, True, True],
        "country": ["es", "es", "es", "pt", "pt", "pt"],
        "area": [120, 120, 120, 80, 80, 80],
    } | changed


COLUMNS = {
    "id": "shop",
    "date": "day",
    "target": "sold",
    "past": ["visits", "weather"],
    "future": ["price", "open"],
    "static": ["country", "area"],
}


@pytest.mark.parametrize("kind", MAKERS)
def test_columns_of_numbers_and_of_categories_come_with_their_series(kind):
    known = panel(MAKERS[kind](shops()), **COLUMNS)
    assert known.covariates == (
        Covariate("visits", "past"),
        Covariate("weather", "past", ("fog", "rain", "sun")),
        Covariate("price", "future"),
        Covariate("open", "future", ("False", "True")),
    )
    assert known.static == (Covariate("country", "static", ("es", "pt")), Covariate("area", "static"))
    first, second = known.series
    np.testing.assert_array_equal(first.covariates, [[7, 2, 1.5, 1], [np.nan, 1, 1.5, 1], [9, np.nan, 2, 0]])
    np.testing.assert_array_equal(second.covariates, [[10, 2, 2, 1], [11, 2, 2, 1], [12, 0, 2, 1]])
    assert (first.static.tolist(), second.static.tolist()) == ([0, 120], [1, 80])
    early, late = known.split(1)
    np.testing.assert_array_equal(late.series[0].covariates, first.covariates[-1:])
    np.testing.assert_array_equal(early.series[0].covariates, first.covariates[:-1])
    assert (late.series[1].static == second.static).all()


def test_rows_out_of_order_keep_their_covariates():
    frame = pl.DataFrame(shops())
    known, mixed = panel(frame, **COLUMNS), panel(frame[[4, 2, 0, 5, 1, 3]], **COLUMNS)
    for one in mixed.series:
        same = next(each for each in known.series if each.id == one.id)
        np.testing.assert_array_equal(one.covariates, same.covariates)
        np.testing.assert_array_equal(one.static, same.static)


def test_without_covariates_there_are_none():
    one = panel(pl.DataFrame({"day": DAYS, "sold": range(5)})).series[0]
    assert (one.covariates.shape, one.static.shape) == ((5, 0), (0,))


def test_covariates_are_not_taken_for_the_target_or_the_dates():
    table = pl.DataFrame({"day": DAYS, "sold": range(5), "heat": range(5), "seen": DAYS, "size": [1] * 5})
    known = panel(table, past=["heat", "seen"], static="size")
    assert (known.target, known.date, known.covariates[1].categories) == ("sold", "day", tuple(DAYS))


def test_one_column_is_named_as_text():
    assert panel(pl.DataFrame(shops()), id="shop", target="sold", past="visits").covariates == (
        Covariate("visits", "past"),
    )


def test_the_series_of_a_wide_table_share_its_covariates():
    table = pl.DataFrame(
        {"day": DAYS, "a": range(5), "b": range(5, 10), "heat": [1.0, 2, None, 4, 5], "land": ["x"] * 5}
    )
    known = panel(table, target=["a", "b"], past="heat", static="land")
    for one, begin in zip(known.series, (0, 5), strict=True):
        assert one.values.tolist() == list(range(begin, begin + 5))
        np.testing.assert_array_equal(one.covariates[:, 0], [1, 2, np.nan, 4, 5])
        assert one.static.tolist() == [0]


@pytest.mark.parametrize("kind", MAKERS)
def test_static_values_may_have_a_table_of_their_own(kind, tmp_path):
    own = {"shop": ["a", "x", "b"], "area": [80, 0, 120], "land": ["pt", "fr", "es"]}
    known = panel(MAKERS[kind](shops()), **COLUMNS | {"static": MAKERS[kind](own)})
    assert known.static == (Covariate("area", "static"), Covariate("land", "static", ("es", "pt")))
    assert [one.static.tolist() for one in known.series] == [[120, 0], [80, 1]]
    pl.DataFrame(own).write_csv(tmp_path / "shops.csv")
    again = panel(MAKERS[kind](shops()), **COLUMNS | {"static": Path(tmp_path, "shops.csv")})
    assert [one.static.tolist() for one in again.series] == [[120, 0], [80, 1]]


def test_a_static_value_that_is_missing_in_some_rows_is_that_of_the_others():
    known = panel(pl.DataFrame(shops(area=[None, 120, None, None, None, None])), **COLUMNS)
    np.testing.assert_array_equal([one.static[1] for one in known.series], [120, np.nan])


def test_numbers_with_zeros_in_front_and_categories_of_digits_are_names():
    table = pd.DataFrame({"day": DAYS, "sold": range(5), "till": ["007", "010", "007", "010", "007"]})
    table["line"] = pd.Categorical([1, 2, 1, 2, 1])
    known = panel(table, target="sold", past=["till", "line"])
    assert [one.categories for one in known.covariates] == [("007", "010"), ("1", "2")]


@pytest.mark.parametrize(
    ("changed", "named", "message"),
    [
        ({}, {"past": "visit"}, r"no column 'visit' \(past=, --past\); .* Did you mean 'visits'"),
        ({}, {"static": ["areas"]}, r"no column 'areas' \(static=, --static\); .* Did you mean 'area'"),
        ({}, {"future": ["sold"]}, r"'sold' is named twice, as target= \(--target\) and future= \(--future\). Name it"),
        ({}, {"future": ["visits"]}, "'visits' is named twice, as past= .* and future="),
        ({}, {"past": ["visits", "visits"]}, r"'visits' is named twice, as past= \(--past\). Name it once"),
        ({}, {"past": "day"}, "'day' is named twice, as date= .* and past="),
        ({}, {"static": "shop"}, "'shop' is named twice, as id= .* and static="),
        (
            {"area": [120, 120, 121, 80, 80, 80]},
            {},
            "series 'b': column 'area' is 120 in one row and 121 in another, so it is not static. Name it with past=",
        ),
        ({"country": ["es", "es", "es", "pt", "fr", "pt"]}, {}, "series 'a': column 'country' is 'fr' .* and 'pt' in"),
        ({"visits": ["1", "n.v.", "3", "4", "5", "6"]}, {}, "column 'visits', row 1 is 'n.v.' and no number"),
        (
            {"visits": ["1", "2", "3", "4", "5", "6"]},
            {},
            "If they are names, make it one of categories: .cast",
        ),
        ({"visits": [1.0, 2, float("inf"), 4, 5, 6]}, {}, "column 'visits', row 2 is infinite. Correct it"),
        (
            {"visits": pl.Series(DAYS + DAYS[:1]).str.to_date()},
            {},
            r"column 'visits' is of type Date, and numbers are needed. Name another with past= \(--past\)",
        ),
        ({}, {"static": pl.DataFrame({"shop": ["a"], "area": [1]})}, "static= has no row for 'shop' 'b'. Add it"),
        (
            {},
            {"static": pl.DataFrame({"shop": ["a", "b", "a"], "area": [1, 2, 3]})},
            "static= has several rows for 'shop' 'a': rows 0 and 2. Keep one",
        ),
        ({}, {"static": pl.DataFrame({"shops": ["a"], "area": [1]})}, "has no column 'shop'; .* Did you mean 'shops'"),
    ],
)
def test_a_covariate_that_is_none_is_refused_in_words(changed, named, message):
    with pytest.raises(DataError, match=message):
        panel(pl.DataFrame(shops(**changed)), **COLUMNS | named)


def test_a_model_keeps_its_categories():
    fitted = {"weather": ("rain", "snow", "sun"), "open": ("False", "True"), "country": ("pt", "es")}
    with pytest.warns(
        UserWarning, match=r"Column 'weather' has a category that is new to the model \('fog'\), and taken"
    ):
        known = panel(pl.DataFrame(shops()), **COLUMNS, categories=fitted)
    assert known.covariates[1].categories == ("rain", "snow", "sun")
    np.testing.assert_array_equal(known.series[1].covariates[:, 1], [2, 2, np.nan])
    assert [one.static[0] for one in known.series] == [1, 0]
    # What was numbers in the model is read as numbers.
    with pytest.raises(DataError, match="column 'weather', row 0 is 'sun' and no number"):
        panel(pl.DataFrame(shops()), **COLUMNS, categories={})
    with pytest.warns(
        UserWarning, match=r"'weather' has 3 categories that are new to the model \('fog', 'rain', 'sun'\)"
    ):
        panel(pl.DataFrame(shops()), **COLUMNS, categories=fitted | {"weather": ("snow",)})


def coming(**changed):
    return {
        "shop": ["a", "b", "b", "a", "x", "a", "b"],
        "day": [DAYS[4], DAYS[3], DAYS[4], DAYS[3], DAYS[3], DAYS[2], DAYS[0]],
        "price": [9.0, 6, 7, 8, 0, 0, 0],
        "open": [False, True, True, True, True, True, True],
    } | changed


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_known_ahead_is_found_by_series_and_time(kind):
    known = panel(MAKERS[kind](shops()), **COLUMNS)
    first, second = ahead(known, MAKERS[kind](coming()), 2)
    np.testing.assert_array_equal(first, [[6, 1], [7, 1]])
    np.testing.assert_array_equal(second, [[8, 1], [9, 0]])


def test_what_is_known_ahead_of_all_series_needs_no_ids(tmp_path):
    known = panel(pl.DataFrame(shops()), **COLUMNS)
    calendar = pl.DataFrame({"day": DAYS, "price": [1.0, 2, 3, 4, 5], "open": [True] * 5})
    calendar.write_csv(tmp_path / "next.csv")
    for table in (calendar, tmp_path / "next.csv"):
        if table is calendar:
            assert [one.tolist() for one in ahead(known, table, 2)] == [[[4, 1], [5, 1]]] * 2
    wide = panel(
        pl.DataFrame({"day": DAYS[:3], "a": [1, 2, 3], "b": [1, 2, 4], "price": [0, 0, 1]}),
        target=["a", "b"],
        future="price",
    )
    assert [one.tolist() for one in ahead(wide, tmp_path / "next.csv", 2)] == [[[4], [5]]] * 2


def test_without_future_covariates_nothing_is_asked_for():
    known = panel(pl.DataFrame(shops()), **COLUMNS | {"future": ()})
    assert [one.shape for one in ahead(known, None, 4)] == [(4, 0)] * 2


def test_a_new_category_ahead_is_missing_and_warned_of():
    known = panel(pl.DataFrame(shops()), **COLUMNS | {"future": "weather", "past": ()})
    table = pl.DataFrame(coming()).with_columns(weather=pl.Series(["hail"] + ["sun"] * 6))
    with pytest.warns(UserWarning, match="Column 'weather' has a category that is new to the model"):
        _, second = ahead(known, table, 2)
    np.testing.assert_array_equal(second, [[2], [np.nan]])


def test_days_ahead_are_read_as_those_of_the_table_were():
    known = panel(
        pl.DataFrame({"day": ["30/12/2023", "31/12/2023"], "y": [1, 2], "price": [1, 2]}), target="y", future="price"
    )
    assert ahead(known, pl.DataFrame({"day": ["01/01/2024", "02/01/2024"], "price": [3, 4]}), 2)[0].tolist() == [
        [3],
        [4],
    ]
    counted = panel(pl.DataFrame({"t": [998, 999], "y": [1, 2], "price": [1, 2]}), date="t", target="y", future="price")
    assert ahead(counted, pl.DataFrame({"t": [1000, 1001], "price": [3, 4]}), 2)[0].tolist() == [[3], [4]]


def test_times_ahead_in_a_zone_are_hours_where_clocks_are_set():
    hours = pd.date_range("2024-10-26 22:00", periods=8, freq="h", tz="Europe/Madrid")
    known = panel(pd.DataFrame({"ds": hours[:4], "y": 1.0 * np.arange(4), "price": 1.0}), target="y", future="price")
    found = ahead(known, pd.DataFrame({"ds": hours[4:], "price": [5.0, 6, 7, 8]}), 4)[0]
    assert found[:, 0].tolist() == [5, 6, 7, 8]
    one = ahead(known, pd.DataFrame({"ds": hours[4:5], "price": [5.0]}), 1)[0]
    assert one.tolist() == [[5]]


def test_irregular_rows_ahead_go_to_the_nearest_point():
    stamps = np.datetime64("2024-01-01", "us") + (np.arange(20) * 60 + np.arange(20) ** 2 % 7).astype("timedelta64[m]")
    frame = pl.DataFrame({"ds": stamps, "y": np.arange(20.0), "price": np.arange(20.0)})
    known = panel(frame[:17], target="y", future="price")
    assert known.freq.nearest
    assert ahead(known, frame[17:], 3)[0].tolist() == [[17], [18], [19]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, r"The next values of 'price', 'open' are needed: give a table of them with future= \(--future-table\)"),
        (
            coming(day=[DAYS[0], *coming()["day"][1:]]),
            "has no row for 2024-01-05 of series 'a'. The next 2 rows of each",
        ),
        (
            coming(day=[DAYS[0]] * 7),
            "has no row for 2024-01-04 of series 'b', nor 3 other rows that are needed",
        ),
        (
            coming(price=[9.0, 6, None, 8, 0, 0, 0]),
            r"'price' is missing at 2024-01-05 of series 'b', in row 2. What is known ahead is needed whole",
        ),
        (coming(price=[9.0, 6, float("nan"), 8, 0, 0, 0]), "'price' is missing at 2024-01-05 of series 'b', in row 2"),
        (coming(open=[None] * 7), r"'open' is missing at 2024-01-04 of series 'b', in row 1 \(4 such cells\)"),
        (coming(shop=["a", "b", "b", "a", "a", "a", "b"]), "2024-01-04 of series 'a' stands in rows 3 and 4. Keep one"),
        ({"shop": ["a"], "dya": ["2024-01-04"]}, "has no column 'day'; the columns are shop, dya. Did you mean 'dya'"),
        ({"shop": ["a"], "day": ["2024-01-04"], "prices": [1]}, "has no column 'price'; .* Did you mean 'prices'"),
        (coming(day=[1, 2, 3, 4, 5, 6, 7]), "column 'day' holds other stamps than the table of the series. Write them"),
    ],
)
def test_what_is_not_known_ahead_is_said(table, message):
    known = panel(pl.DataFrame(shops()), **COLUMNS)
    with pytest.raises(DataError, match=message):
        ahead(known, table if table is None else pl.DataFrame(table), 2)


def test_a_panel_has_its_covariates_chosen():
    known = panel(pl.DataFrame(shops()), **COLUMNS)
    assert panel(known) is known
    for named in ({"past": "visits"}, {"static": ["area"]}, {"freq": "D"}, {"static": pl.DataFrame({"shop": ["a"]})}):
        with pytest.raises(DataError, match=re.escape("leave date=, target=, id=, past=, future=, static= and freq=")):
            panel(known, **named)
