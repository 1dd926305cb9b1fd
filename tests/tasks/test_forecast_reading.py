"""A table at predict is read as that of fit was, and what is not known of a series is asked for in words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import DATA, HORIZON, LOOKBACK, ROLES, ahead, covariates, daily, dates, long, numbers, weekly

from recuerdo.data import panel
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.forecast_reading import read_again, tail

TABLE = DATA["covariates"][0]
FITTED = panel(TABLE, **ROLES)


def test_columns_frequency_and_categories_are_those_of_fit():
    known = read_again(FITTED, TABLE.drop("size", "region"))
    assert (known.freq, known.covariates, known.static) == (FITTED.freq, FITTED.covariates, FITTED.static)
    for one, other in zip(known.series, FITTED.series, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.covariates, other.covariates)
        np.testing.assert_array_equal(one.static, other.static)


def test_static_columns_that_a_table_has_count_as_they_are_there():
    moved = TABLE.with_columns(size=pl.lit(7.0), region=pl.lit("south"))
    known = read_again(FITTED, moved)
    assert known.static == FITTED.static
    assert [one.static.tolist() for one in known.series] == [[7, 1]] * 2
    some = read_again(FITTED, moved.drop("size"))
    assert [one.static.tolist() for one in some.series] == [[10, 1], [11, 1]]
    assert some.static == FITTED.static


def test_a_new_series_has_the_static_columns_of_its_table(fitted, tmp_path):
    model = fitted("covariates")
    table = covariates(new=weekly(50, seed=5), other=weekly(40, seed=6))
    expected = model.predict(panel(table, **ROLES), future=ahead(table, HORIZON))
    for number, each in enumerate((table, tmp_path / "table.csv", str(tmp_path / "table.csv"))):
        if number == 1:
            table.write_csv(each)
        found = model.predict(each, future=ahead(table, HORIZON))
        np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-6)


def test_a_series_that_has_moved_is_forecast_by_what_the_table_says(fitted):
    model, following = fitted("covariates"), ahead(TABLE, HORIZON)
    moved = TABLE.with_columns(size=pl.lit(30.0), region=pl.lit("south"))
    expected = model.predict(panel(moved, **ROLES), future=following)
    found = model.predict(moved, future=following)
    assert_frame_equal(found, expected)
    assert (numbers(found) != numbers(model.predict(TABLE, future=following))).any()


def test_categories_keep_their_codes_where_a_table_lacks_one():
    one = read_again(FITTED, TABLE.with_columns(open=pl.lit("yes"))).series[0]
    assert (one.covariates[:, 2] == 1).all()


def test_a_category_that_is_new_is_said_and_counts_as_missing():
    with pytest.warns(UserWarning, match="Column 'open' has a category that is new to the model"):
        known = read_again(FITTED, TABLE.with_columns(open=pl.lit("half")))
    assert np.isnan(known.series[0].covariates[:, 2]).all()


def test_a_column_that_fit_had_is_asked_for():
    with pytest.raises(DataError, match="'rain'"):
        read_again(FITTED, TABLE.drop("rain"))


def test_one_column_of_many_may_hold_other_numbers_beside_it():
    known = read_again(panel(daily()), daily().with_columns(noise=pl.lit(1.0)))
    assert (known.target, known.date) == ("y", "day")


def test_a_panel_of_another_frequency_is_refused():
    hourly = pl.DataFrame({"day": pl.datetime_range(dates(9)[0], dates(9)[2], "1h", eager=True)})
    hourly = panel(hourly.with_columns(y=pl.Series(weekly(len(hourly)))))
    with pytest.raises(
        DataError, match="This table is hourly, and the model was fitted on one that is daily: give a t"
    ):
        read_again(panel(daily()), hourly)


def test_a_series_without_any_value_is_refused():
    known = panel(long(a=weekly(), b=weekly()))
    known.series[1].values[:] = np.nan
    with pytest.raises(DataError, match="Series 'b' has no value at all, so there is nothing to forecast from: leave"):
        read_again(panel(long(a=weekly())), known)


def test_a_new_series_needs_its_static_covariates_in_a_panel(fitted):
    new = covariates(a=weekly(), b=weekly(seed=4), new=weekly(seed=5))
    with pytest.raises(
        DataError, match=r"Series 'new' was not there in fit, so its 'size', 'region' are not known: give"
    ):
        read_again(FITTED, new.drop("size", "region"))
    model, future = fitted(data="covariates"), ahead(new, HORIZON)
    frame = model.predict(panel(new, **ROLES), future=future)
    assert np.isfinite(frame.select("y", "y-10", "y-90").to_numpy()).all()
    assert frame["unique_id"].to_list()[-1] == "new"


@pytest.mark.parametrize(
    ("columns", "has"),
    [
        ({}, "none of them"),
        ({"past": ["rain"]}, "past 'rain'"),
        ({"past": ["rain"], "future": ["open", "price"]}, "past 'rain', future 'open', future 'price'"),
        ({"past": ["rain", "size"], "future": ["price", "open"]}, "past 'rain', past 'size', future 'price', future "),
    ],
)
def test_a_panel_with_other_covariates_than_those_of_fit_is_refused(columns, has):
    words = rf"fitted with the columns past 'rain', future 'price', future 'open', and this panel has {has}.*: make it"
    with pytest.raises(DataError, match=words):
        read_again(FITTED, panel(TABLE, target="y", **columns))
    with pytest.raises(
        DataError, match=r"fitted with the columns of the target alone, and this panel has past 'rain':"
    ):
        read_again(panel(TABLE, target="y"), panel(TABLE, target="y", past=["rain"]))


def test_static_covariates_may_come_as_a_table_of_their_own():
    sizes = pl.DataFrame({"unique_id": ["b", "a"], "size": [11.0, 10.0], "region": ["south", "north"]})
    apart = panel(TABLE.drop("size", "region"), past=ROLES["past"], future=ROLES["future"], static=sizes)
    assert [one.static.tolist() for one in apart.series] == [one.static.tolist() for one in FITTED.series]


def test_what_is_known_ahead_is_asked_for_and_refused_where_it_is_not_used(fitted):
    model, table = fitted(data="covariates"), TABLE
    with pytest.raises(
        OptionError, match=r"fitted with 'price', 'open' as known ahead: give future=, a table with the ne"
    ):
        model.predict()
    with pytest.raises(OptionError, match="future= was given, and the model was fitted without columns that are known"):
        fitted().predict(future=ahead(table, HORIZON))
    with pytest.raises(DataError, match=r"has no row for 2024-03-09 .*of series 'a'"):
        model.predict(future=ahead(table, HORIZON - 1))


def test_what_is_known_ahead_reaches_the_forecast_step_by_step(fitted):
    model, future = fitted(data="covariates"), ahead(TABLE, HORIZON)
    expected = numbers(model.predict(future=future)).reshape(2, HORIZON)
    place = 3
    dearer = future.with_columns(
        price=pl.col("price") + 3 * (pl.int_range(pl.len()).over("unique_id") == place).cast(pl.Float64)
    )
    moved = numbers(model.predict(future=dearer)).reshape(2, HORIZON) != expected
    assert (moved == (np.arange(HORIZON) == place)).all()
    assert_frame_equal(
        model.predict(future=future.sample(fraction=1, shuffle=True, seed=1)), model.predict(future=future)
    )


def test_the_tail_is_the_last_rows_of_each_series():
    cut = tail(FITTED, LOOKBACK)
    for one, whole in zip(cut.series, FITTED.series, strict=True):
        np.testing.assert_array_equal(one.values, whole.values[-LOOKBACK:])
        np.testing.assert_array_equal(one.times, whole.times[-LOOKBACK:])
        np.testing.assert_array_equal(one.covariates, whole.covariates[-LOOKBACK:])
        np.testing.assert_array_equal(one.static, whole.static)
    assert [len(one.values) for one in tail(FITTED, 70).series] == [64, 70]
