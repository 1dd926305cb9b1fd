"""The plainest test of a forecaster: its scores are those of its forecasts, and it has not seen what it forecasts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, root_mean_squared_error
from tests.tasks.tables import DATA, HORIZON, ROLES, SEASON, daily, long, numbers, quick, weekly

from recuerdo.errors import DataError
from recuerdo.tasks import hold_out
from recuerdo.tasks.baselines import drift, naive, seasonal_naive
from recuerdo.tasks.report import verdict

A, B = weekly(), weekly(80, seed=1, level=20)
KNOWN = {"a": A[:-HORIZON], "b": B[:-HORIZON]}
TRUTH = np.stack([A[-HORIZON:], B[-HORIZON:]])


@pytest.fixture(scope="module")
def result():
    return hold_out(quick(baselines="auto"), long(a=A, b=B))


def by_hand(forecasts):
    units = [np.mean(np.abs(values[SEASON:] - values[:-SEASON])) for values in KNOWN.values()]
    return {
        "MAE": mean_absolute_error(TRUTH, forecasts),
        "RMSE": root_mean_squared_error(TRUTH.ravel(), forecasts.ravel()),
        "MAPE": 100 * mean_absolute_percentage_error(TRUTH, forecasts),
        "sMAPE": 200 * np.mean(np.abs(TRUTH - forecasts) / (np.abs(TRUTH) + np.abs(forecasts))),
        "MASE": np.mean([mean_absolute_error(t, f) / u for t, f, u in zip(TRUTH, forecasts, units, strict=True)]),
    }


def test_the_models_scores_are_those_of_its_forecasts(result):
    forecasts = numbers(result.forecasts.frame()).reshape(2, HORIZON)
    assert result.scores["GRU"] == pytest.approx(by_hand(forecasts), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "forecast"),
    [
        ("naive", naive),
        ("seasonal naive", lambda values, horizon: seasonal_naive(values, horizon, SEASON)),
        ("drift", drift),
    ],
)
def test_the_baselines_know_the_rows_before(result, name, forecast):
    expected = by_hand(np.stack([forecast(values, HORIZON) for values in KNOWN.values()]))
    assert result.scores[name] == pytest.approx(expected, rel=1e-12)


def test_all_baselines_are_compared_with_and_none_if_none_are_asked_for(result):
    assert list(result.scores) == ["GRU", "MLP (same size)", "naive", "seasonal naive", "drift"]
    assert list(hold_out(quick(), daily()).scores) == ["GRU"]


def test_the_truth_is_the_last_rows(result):
    np.testing.assert_array_equal(np.stack([one.values for one in result.truth.series]), TRUTH)


def test_coverage_is_the_share_of_truth_between_the_outermost_quantiles(result):
    frame = result.forecasts.frame()
    within = (numbers(frame, "y-10") <= TRUTH.ravel()) & (TRUTH.ravel() <= numbers(frame, "y-90"))
    assert result.coverage == np.mean(within)
    many = hold_out(quick(quantiles=(0.5, 0.9, 0.05, 0.3)), daily())
    frame, truth = many.forecasts.frame(), A[-HORIZON:]
    assert many.coverage == np.mean((numbers(frame, "y-5") <= truth) & (truth <= numbers(frame, "y-90")))


@pytest.mark.parametrize("quantiles", [(), (0.9,)])
def test_without_a_pair_of_quantiles_there_is_no_coverage(quantiles):
    assert hold_out(quick(quantiles=quantiles), daily()).coverage is None


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_the_held_out_rows_never_reach_the_fit(strategy):
    changed = A.copy()
    changed[-HORIZON:] = 500 - 3 * changed[-HORIZON:]
    one, two = (hold_out(quick(strategy=strategy), daily(values)) for values in (A, changed))
    assert_frame_equal(one.forecasts.frame(), two.forecasts.frame(), check_exact=True)
    assert one.model.report_.scores == two.model.report_.scores
    assert one.scores["GRU"]["MAE"] != two.scores["GRU"]["MAE"]


def test_it_is_what_fit_and_predict_give_by_hand():
    result = hold_out(quick(), daily())
    by_hand = quick().fit(daily(A[:-HORIZON]))
    assert_frame_equal(result.forecasts.frame(), by_hand.predict(), check_exact=True)


def test_the_verdict_and_the_table_are_those_of_the_scores(result):
    assert result.verdict == verdict("GRU", result.scores)
    assert result.table().splitlines()[1].split()[:2] == ["GRU", f"{result.scores['GRU']['MAE']:.3f}"]


def test_a_table_no_longer_than_the_horizon_is_refused():
    with pytest.raises(DataError, match="The last 5 rows cannot be set apart from series 'y', which has 5 rows"):
        hold_out(quick(), daily(A[:5]))


@pytest.mark.parametrize(
    "columns",
    [ROLES, {"past": ["rain"]}, {"future": ["price", "open"]}, {"static": ["size"]}],
    ids=["all", "past", "future", "static"],
)
def test_covariates_are_known_as_they_would_be(columns):
    table = DATA["covariates"][0]
    result = hold_out(quick(), table, target="y", **columns)
    counts = table.group_by("unique_id", maintain_order=True).len()
    known = pl.concat(
        [table.filter(pl.col("unique_id") == name).head(count - HORIZON) for name, count in counts.iter_rows()]
    )
    model = quick().fit(known, target="y", **columns)
    assert_frame_equal(result.forecasts.frame(), model.predict(future=table if "future" in columns else None))


def test_missing_truth_is_left_out_of_the_scores():
    values = A.copy()
    values[-3] = np.nan
    result = hold_out(quick(), daily(values))
    errors = np.abs(numbers(result.forecasts.frame()) - A[-HORIZON:])[[0, 1, 3, 4]]
    assert result.scores["GRU"]["MAE"] == pytest.approx(errors.mean())
