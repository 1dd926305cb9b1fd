"""A backtest is what fit and predict say of tables that were cut, and refuses a forecaster that has seen the rest."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import DATA, HORIZON, SEASON, daily, holed, long, numbers, quick, weekly

import recuerdo as rc
from recuerdo.errors import DataError, NotFittedError, OptionError
from recuerdo.tasks.baselines import seasonal_naive
from recuerdo.tasks.metrics import naive_scale

A, B = weekly(), weekly(70, seed=1, level=20)
TABLE = long(a=A, b=B)
STEPS = [11, 8, 5]  # rows that are not known at each of three origins, three rows apart


def cut(last):
    return long(a=A[:-last], b=B[:-last])


def said(backtest, step):
    """The forecasts of the model from one origin, series by series, as predict gives them."""
    which = [row for row, (number, end) in enumerate(backtest.origins) if end == len((A, B)[number]) - step - 1]
    return {
        "y": backtest.forecasts["GRU"][which].ravel(),
        "y-10": backtest.quantiles[0.1][which].ravel(),
        "y-90": backtest.quantiles[0.9][which].ravel(),
    }


def same(backtest, step, frame):
    for column, values in said(backtest, step).items():
        np.testing.assert_allclose(values, numbers(frame, column), rtol=2e-6)


def test_fitted_once_it_has_learned_from_the_rows_before_the_first_origin():
    result = quick().backtest(TABLE, windows=3, stride=3)
    model = quick().fit(cut(11))
    for step in STEPS:
        same(result, step, model.predict(cut(step)))
    assert result.notes == ("fitted once, without the last 11 rows",)


def test_fitted_anew_it_has_learned_from_all_rows_before_each_origin():
    result = quick().backtest(TABLE, windows=3, stride=3, refit=True)
    for step in STEPS:
        same(result, step, quick().fit(cut(step)).predict())
    assert result.notes == ("fitted anew before each of 3 origins",)
    once = quick().backtest(TABLE, windows=3, stride=3)
    np.testing.assert_array_equal(result.origins, once.origins)
    np.testing.assert_array_equal(result.truth, once.truth)
    np.testing.assert_array_equal(result.naive_scales, once.naive_scales)
    assert (result.forecasts["GRU"][2:] != once.forecasts["GRU"][2:]).all()
    np.testing.assert_array_equal(result.forecasts["GRU"][:2], once.forecasts["GRU"][:2])


def test_never_fitted_it_is_the_forecaster_as_it_is():
    model = quick().fit(cut(11))
    before = model.predict()
    result = model.backtest(TABLE, windows=3, stride=3, refit="never")
    for step in STEPS:
        same(result, step, model.predict(cut(step)))
    assert result.notes == ("the forecaster as it was fitted",)
    assert_frame_equal(model.predict(), before, check_exact=True)


def test_a_forecaster_that_has_seen_the_rows_is_refused():
    model = quick().fit(cut(10))
    with pytest.raises(
        OptionError,
        match=r"learned from rows of series 'a' up to 2024-02-23, behind the first origin 2024-02-22: fit it on fewer",
    ):
        model.backtest(TABLE, windows=3, stride=3, refit="never")
    model.backtest(TABLE, windows=2, stride=3, refit="never")
    alone = quick().fit(daily(A[:-5]))
    renamed = daily(A).rename({"y": "sold"})
    with pytest.raises(OptionError, match="has learned from rows of series 'sold'"):
        alone.backtest(renamed, windows=2, refit="never", target="sold")


def test_each_origin_has_its_truth_and_its_unit():
    result = quick(baselines="auto").backtest(TABLE, windows=3, stride=3)
    expected = [(number, len(values) - step - 1) for step in STEPS for number, values in enumerate((A, B))]
    assert result.origins.tolist() == [list(pair) for pair in expected]
    for (number, end), truth, unit, naive in zip(
        result.origins, result.truth, result.naive_scales, result.forecasts["seasonal naive"], strict=True
    ):
        values = (A, B)[number]
        np.testing.assert_array_equal(truth, values[end + 1 : end + 1 + HORIZON])
        assert unit == naive_scale(values[:-11], SEASON)
        np.testing.assert_array_equal(naive, seasonal_naive(values[: end + 1], HORIZON, SEASON))
    assert list(result.forecasts) == ["GRU", "MLP (same size)", "naive", "seasonal naive", "drift"]


def test_the_stride_is_the_horizon_unless_it_is_told():
    result = quick().backtest(daily(), windows=3)
    assert result.origins[:, 1].tolist() == [len(A) - 1 - HORIZON * step for step in (3, 2, 1)]


@pytest.mark.parametrize("refit", [False, True, "never"])
def test_rows_after_an_origin_do_not_reach_its_forecast(refit):
    changed = [each.copy() for each in (A, B)]
    for values in changed:
        values[-8:] = 500 - 3 * values[-8:]  # all behind the second origin
    other = long(a=changed[0], b=changed[1])
    model = quick(n_seeds=2).fit(cut(11))
    one, two = (model.backtest(table, windows=3, stride=3, refit=refit) for table in (TABLE, other))
    for known in (slice(0, 2), slice(2, 4)):
        np.testing.assert_array_equal(one.forecasts["GRU"][known], two.forecasts["GRU"][known])
        np.testing.assert_array_equal(one.quantiles[0.9][known], two.quantiles[0.9][known])
    assert (one.forecasts["GRU"][4:] != two.forecasts["GRU"][4:]).all()


def test_the_forecaster_that_is_asked_stays_as_it_was():
    fresh = quick()
    fresh.backtest(daily(), windows=2)
    assert not hasattr(fresh, "report_")
    model = quick().fit(daily())
    before = model.predict()
    model.backtest(daily(), windows=2, refit=True)
    assert_frame_equal(model.predict(), before, check_exact=True)


def test_several_seeds_are_averaged_and_kept_apart():
    result = quick(n_seeds=2).backtest(daily(), windows=2)
    assert list(result.members) == [3, 4]
    np.testing.assert_allclose(np.mean(list(result.members.values()), axis=0), result.forecasts["GRU"], rtol=1e-12)
    anew = quick(n_seeds=2).backtest(daily(), windows=2, refit=True)
    assert anew.members[3].shape == (2, HORIZON)
    drawn = quick(n_seeds=2, random_state=None).backtest(daily(), windows=2, refit=True)
    assert drawn.members == {}  # other seeds at each origin


@pytest.mark.parametrize("refit", [False, True, "never"])
def test_covariates_are_known_as_they_would_be(refit):
    table, columns = DATA["covariates"]
    early = pl.concat(
        [part.head(len(part) - 2 * HORIZON) for _, part in table.group_by("unique_id", maintain_order=True)]
    )
    middle = pl.concat([part.head(len(part) - HORIZON) for _, part in table.group_by("unique_id", maintain_order=True)])
    model = quick().fit(early, **columns)
    given = {} if refit == "never" else columns
    result = model.backtest(table, windows=2, refit=refit, **given)
    np.testing.assert_allclose(result.forecasts["GRU"][:2].ravel(), numbers(model.predict(future=table)), rtol=2e-6)
    later = quick().fit(middle, **columns) if refit is True else model
    np.testing.assert_allclose(
        result.forecasts["GRU"][2:].ravel(), numbers(later.predict(middle, future=table)), rtol=2e-6
    )


def test_missing_values_are_neither_forecast_from_nor_scored():
    values = holed(weekly(90))
    result = quick(baselines="auto").backtest(daily(values), windows=4)
    assert np.isnan(result.truth).any()
    assert all(np.isfinite(each).all() for each in result.forecasts.values())
    assert all(np.isfinite(score) for row in result.scores().values() for score in row.values())
    assert 0 <= result.coverage() <= 1
    assert result.frame().height == 4 * HORIZON


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"windows": 0}, "windows=0: it counts, so it has to be a whole number of 1 or more"),
        ({"windows": "3"}, "windows='3': it counts, so it has to be a whole number of 1 or more"),
        ({"windows": True}, "windows=True: it counts"),
        ({"stride": 0}, "stride=0: it counts, so it has to be a whole number of 1 or more"),
        ({"stride": 1.5}, r"stride=1\.5: it counts, so it has to be a whole number of 1 or more"),
        ({"stride": "x"}, "stride='x': it counts"),
        ({"refit": "always"}, "refit='always' is not offered; there are False, True, 'never'"),
        ({"refit": None}, "refit=None is not offered"),
        ({"refit": 1}, "refit=1 is not offered; there are False, True, 'never'"),
        ({"refit": np.array([True, False])}, "refit=array"),
    ],
)
def test_what_is_not_offered_is_refused(options, words):
    with pytest.raises(OptionError, match=words):
        quick().backtest(daily(), **options)


def test_too_few_rows_before_the_first_origin_are_refused():
    with pytest.raises(
        DataError, match="Series 'y' has 64 rows, and these origins need 65 behind the first alone: ask"
    ):
        quick().backtest(daily(), windows=13)
    with pytest.raises(DataError, match=r"Series 'y' has 14 rows, and horizon 5 with lookback"):
        quick().backtest(daily(), windows=10)


def test_a_forecaster_that_was_never_fitted_cannot_be_asked_as_it_is():
    with pytest.raises(NotFittedError, match=r"call fit\(table\)"):
        quick().backtest(daily(), refit="never")


def test_a_loaded_forecaster_says_the_same(fitted, tmp_path):
    table = daily(np.concatenate([A, A[-14:] + 1]))
    expected = fitted(baselines="auto").backtest(table, windows=2, refit="never")
    loaded = rc.load(fitted(baselines="auto").save(tmp_path / "model")).backtest(table, windows=2, refit="never")
    for name, values in expected.forecasts.items():
        np.testing.assert_array_equal(loaded.forecasts[name], values)


@pytest.mark.parametrize("refit", [False, True, "never"])
@pytest.mark.parametrize("path", [False, True])
def test_the_columns_of_fit_are_those_of_its_backtest(refit, path, tmp_path):
    table = TABLE.rename({"unique_id": "shop", "ds": "day", "y": "sold"}).with_columns(noise=pl.lit(1.0))
    columns = {"id": "shop", "target": "sold", "past": ["noise"]}
    model = quick(max_steps=2).fit(table.filter(pl.col("day") < pl.date(2024, 2, 20)), **columns)
    given = tmp_path / "table.csv" if path else table
    if path:
        table.write_csv(given)
    found, expected = (model.backtest(given, windows=2, refit=refit, **each) for each in ({}, columns))
    assert len(found.known) == 2
    np.testing.assert_array_equal(found.forecasts["GRU"], expected.forecasts["GRU"])


def test_a_backtest_takes_static_values_of_fit_that_stood_in_a_table_of_their_own():
    table, sizes = TABLE, pl.DataFrame({"unique_id": ["a", "b"], "size": [1.0, 2.0]})
    model = quick(max_steps=2).fit(table, static=sizes)
    found, expected = model.backtest(table, windows=1), model.backtest(table, windows=1, static=sizes)
    assert [one.static.tolist() for one in found.known.series] == [[1.0], [2.0]]
    np.testing.assert_array_equal(found.forecasts["GRU"], expected.forecasts["GRU"])


def test_a_table_of_other_columns_than_those_of_fit_is_read_for_itself():
    model = quick(max_steps=2).fit(TABLE)
    assert model.backtest(daily(), windows=1).known.target == "y"
    assert model.backtest(daily(), windows=1).known.date == "day"


@pytest.fixture
def no_time(monkeypatch):
    """Baselines that are to be fitted take longer than they may."""
    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SECONDS", 0.0)
    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SHARE", 1e-9)


LATE = "The MLP (same size) was left out for lack of time"


@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest_without_the_mlp_says_so(no_time, refit, tmp_path):
    result = quick(baselines="auto").backtest(TABLE, windows=2, refit=refit)
    assert "MLP (same size)" not in result.forecasts
    assert LATE + ", so " in result.verdict
    assert LATE in str(result)
    assert LATE in result.to_html(tmp_path / "page.html").read_text(encoding="utf-8").partition("<h2>")[0]


def test_a_backtest_says_in_how_many_fits_the_mlp_was_left_out(monkeypatch):
    fits = []
    whole = rc.Forecaster._fit_panel

    def fit(self, *args, **options):
        fits.append(self)
        with monkeypatch.context() as patched:
            if len(fits) == 2:
                patched.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SECONDS", 0.0)
                patched.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SHARE", 1e-9)
            return whole(self, *args, **options)

    monkeypatch.setattr(rc.Forecaster, "_fit_panel", fit)
    result = quick(baselines="auto").backtest(TABLE, windows=3, refit=True)
    assert "MLP (same size)" not in result.forecasts
    assert LATE + " in 1 of 3 fits, so " in result.verdict


def test_a_model_that_was_loaded_still_says_why_there_is_no_mlp(no_time, tmp_path):
    model = rc.load(quick(baselines="auto").fit(cut(11)).save(tmp_path / "model"))
    assert LATE in model.report_.verdict
    assert LATE in model.backtest(TABLE, windows=2, refit="never").verdict


def test_a_fit_without_the_mlp_says_so_at_the_head_of_its_page(no_time, tmp_path):
    model = quick(baselines="auto").fit(TABLE)
    assert LATE in model.report_.verdict
    assert LATE in model.to_html(tmp_path / "page.html").read_text(encoding="utf-8").partition("<h2>")[0]


def test_hold_out_says_what_it_did_not_compare_with(no_time):
    assert LATE in rc.tasks.hold_out(quick(baselines="auto"), TABLE).verdict
