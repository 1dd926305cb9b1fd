"""Tables of every kind go in and come out; series keep to themselves; what does not fit is refused in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import HORIZON, LOOKBACK, ROWS, daily, dates, days, kinds, long, numbers, quick, weekly

import recuerdo as rc
from recuerdo.data import panel
from recuerdo.errors import DataError

DATES = {"wide": "day", "wide pyarrow": "day", "long": "ds", "long pandas": "ds"}
A, B = weekly(), weekly(seed=1, level=20)


@pytest.fixture(scope="module")
def several():
    return quick().fit(long(a=A, b=B[:-10]))


def of(frame, name):
    return frame.filter(pl.col("unique_id") == name)


def dtype_of(table, column):
    return table.schema.field(column).type if isinstance(table, pa.Table) else table[column].dtype


@pytest.mark.parametrize("kind", kinds())
def test_a_forecast_is_a_table_of_the_kind_that_came_in(kind, tmp_path):
    table, columns = kinds()[kind]
    model = quick().fit(table, **columns)
    frame = model.predict()
    assert type(frame) is type(table)
    when = DATES.get(kind, columns.get("date", "time" if kind == "time zone" else "day"))
    names = [when, "y", "y-10", "y-90"]
    found = frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)
    assert found == (["unique_id", *names] if kind in DATES else names)
    assert len(frame) == HORIZON * (2 if kind in DATES else 1)
    assert dtype_of(frame, when) == dtype_of(table, when)
    assert all(numbers(frame, name).dtype == np.float64 for name in names[1:])
    if kind in DATES:
        ids = frame["unique_id"].to_pylist() if isinstance(frame, pa.Table) else list(frame["unique_id"])
        assert ids == ["a"] * HORIZON + ["b"] * HORIZON
    again = rc.load(model.save(tmp_path / "model")).predict()
    assert again.equals(frame)
    assert model.predict(table).equals(frame)


def test_the_kind_of_a_table_changes_no_number():
    one = [numbers(quick().fit(table, **columns).predict()) for table, columns in _dated_alone()]
    two = [numbers(quick().fit(table, **columns).predict()) for table, columns in _dated_together()]
    assert all(np.array_equal(each, one[0]) for each in one)
    assert all(np.array_equal(each, two[0]) for each in two)


def _dated_alone():
    return [kinds()[kind] for kind in ("pandas", "polars", "pyarrow", "text dates", "time zone")]


def _dated_together():
    return [kinds()[kind] for kind in ("long", "long pandas", "wide", "wide pyarrow")]


def test_time_stamps_go_on_where_the_table_ends():
    zoned = quick().fit(kinds()["time zone"][0]).predict()
    expected = pd.date_range(days(zone="Europe/Madrid")[-1], periods=HORIZON + 1, freq="D")[1:]
    assert list(zoned["time"]) == list(expected)
    steps = quick().fit(kinds()["integer steps"][0], date="step").predict()
    assert steps["step"].tolist() == list(range(100 + ROWS, 100 + ROWS + HORIZON))
    text = quick().fit(kinds()["text dates"][0]).predict()
    assert text["day"].to_list() == expected.strftime("%d/%m/%Y").to_list()


def test_steps_without_a_calendar_have_no_season():
    model = quick().fit(kinds()["integer steps"][0], date="step")
    assert model.season_ == 1
    assert model.report_.choices[-1].startswith("season 1 (from the time stamps), ")


def test_a_file_is_a_table_too(tmp_path):
    daily().write_csv(tmp_path / "sales.csv")
    frame = quick().fit(tmp_path / "sales.csv").predict(str(tmp_path / "sales.csv"))
    np.testing.assert_array_equal(numbers(frame), numbers(quick().fit(daily()).predict()))


def test_series_of_different_lengths_each_go_on_from_their_own_end(several):
    frame = several.predict()
    assert frame["unique_id"].to_list() == ["a"] * HORIZON + ["b"] * HORIZON
    assert of(frame, "a")["ds"].to_list() == dates(ROWS + HORIZON)[-HORIZON:].to_list()
    assert of(frame, "b")["ds"].to_list() == dates(ROWS - 10 + HORIZON)[-HORIZON:].to_list()
    assert np.abs(numbers(of(frame, "a")) - A[-LOOKBACK:].mean()).max() < 20
    assert np.abs(numbers(of(frame, "b")) - B[-LOOKBACK:].mean()).max() < 20


def test_a_forecast_does_not_depend_on_what_stands_beside_it(several):
    beside_b = of(several.predict(long(a=A, b=B)), "a")
    assert_frame_equal(of(several.predict(long(a=A, b=1000 * B[::-1])), "a"), beside_b, check_exact=True)
    # Alone or in another place the same sums may be taken in another order: float32 of values near 60.
    assert_frame_equal(of(several.predict(long(b=B, a=A)), "a"), beside_b, rel_tol=1e-6)
    assert_frame_equal(several.predict(long(a=A)), beside_b, rel_tol=1e-6)


def test_a_new_series_is_put_on_a_scale_of_its_own(several):
    frame = several.predict(long(a=A, new=3 * A + 10))
    for column in ("y", "y-10", "y-90"):
        expected = 3 * numbers(of(frame, "a"), column) + 10
        np.testing.assert_allclose(numbers(of(frame, "new"), column), expected, rtol=1e-5)


def test_a_known_series_keeps_the_scale_that_it_was_fitted_with(several):
    tail = several.predict(long(a=A).tail(LOOKBACK))
    assert_frame_equal(tail, of(several.predict(), "a"), rel_tol=1e-6)


def test_a_newer_table_is_forecast_from_its_own_end():
    model = quick().fit(daily())
    grown = daily(np.concatenate([A, [70.0, 71.0]]))
    frame = model.predict(grown)
    assert frame["day"].to_list() == dates(ROWS + 2 + HORIZON)[-HORIZON:].to_list()
    assert (numbers(frame) != numbers(model.predict())).all()


def test_integer_ids_come_back_as_integers(tmp_path):
    table = pl.DataFrame({"shop": [7] * ROWS + [3] * ROWS, "day": [*dates(ROWS)] * 2, "y": [*A, *B]})
    model = quick().fit(table, id="shop", target="y")
    assert model.predict()["shop"].to_list() == [7] * HORIZON + [3] * HORIZON
    loaded = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(loaded.predict(table), model.predict(), check_exact=True)


def test_another_frequency_is_refused():
    model = quick().fit(daily())
    hourly = pl.DataFrame({"day": pd.date_range("2024-01-01", periods=ROWS, freq="h"), "y": A})
    with pytest.raises(
        DataError, match=r"The table is hourly, and one that is daily is asked for .* of that frequency"
    ):
        model.predict(hourly)
    with pytest.raises(DataError, match="This table is hourly, and the model was fitted on one that is daily: give"):
        model.predict(panel(hourly))


def test_a_table_shorter_than_the_lookback_is_forecast_with_a_warning(several):
    with pytest.warns(
        UserWarning, match=r"1 of the last 14 values of series 'b' are missing\. The model has met no mis"
    ):
        frame = several.predict(long(a=A, b=B[:13]))
    assert np.isfinite(numbers(frame)).all()
    assert_frame_equal(of(frame, "a"), of(several.predict(), "a"), rel_tol=1e-6)
    holes = [each.copy() for each in (A, B)]
    for values in holes:
        values[-3:-1] = np.nan
    with pytest.warns(UserWarning, match=r"2 of the last 14 values of series 'a' are missing, and of 1 other series"):
        several.predict(long(a=holes[0], b=holes[1]))


def test_a_series_without_any_value_is_refused(several):
    with pytest.raises(DataError, match=r"series 'b': there is not a single value. Leave the series out"):
        several.predict(long(a=A, b=np.full(20, np.nan)))


def test_values_that_have_no_logarithm_are_refused_by_a_model_of_logarithms():
    model = quick(log=True).fit(daily())
    with pytest.raises(DataError, match="Series 'y' has values of 0 or less, and the model was fitted on logarithms"):
        model.predict(daily(A - A.min()))


def test_a_table_for_a_look_inside_needs_a_window_and_its_target():
    with pytest.raises(DataError, match=r"has 18 rows; lookback 14 \+ horizon 5 need at least 19"):
        quick().fit(daily()).as_problem(daily(A[:18]))


def test_business_month_ends_are_followed_by_business_month_ends():
    whole = pd.date_range("2015-01-01", periods=64 + HORIZON, freq="BME")
    model = quick().fit(pd.DataFrame({"day": whole[:64], "y": weekly()}))
    assert "season 12" in str(model.report_)
    assert model.predict()["day"].tolist() == whole[64:].tolist()
