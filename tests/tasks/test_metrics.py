"""The scores of point forecasts against scikit-learn, against loops, and against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, root_mean_squared_error

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks import metrics

rng = np.random.default_rng(0)
TRUTH, FORECAST = rng.normal(50, 10, (7, 3)), rng.normal(50, 10, (7, 3))
SCALES = np.arange(1.0, 8.0)
HOLED = np.where(rng.random((7, 3)) < 0.4, np.nan, TRUTH)
SCORES = {
    "MAE": metrics.mae,
    "RMSE": metrics.rmse,
    "MAPE": metrics.mape,
    "sMAPE": metrics.smape,
    "MASE": lambda truth, forecast: metrics.mase(truth, forecast, 2.0),
    "RMSSE": lambda truth, forecast: metrics.rmsse(truth, forecast, 2.0),
}


@pytest.mark.parametrize(
    ("score", "theirs", "times"),
    [
        (metrics.mae, mean_absolute_error, 1),
        (metrics.rmse, root_mean_squared_error, 1),
        (metrics.mape, mean_absolute_percentage_error, 100),
    ],
)
def test_scores_are_those_of_scikit_learn(score, theirs, times):
    assert score(TRUTH, FORECAST) == pytest.approx(times * theirs(TRUTH.ravel(), FORECAST.ravel()), rel=1e-12)


@pytest.mark.parametrize(
    ("truth", "forecast", "percent"),
    [
        ([100.0], [50.0], 200 * 50 / 150),
        ([100.0, 0.0], [100.0, 0.0], 0.0),  # nothing said of nothing is right
        ([0.0], [3.0], 200.0),
        ([-4.0], [4.0], 200.0),
        ([-100.0, 300.0], [-50.0, 100.0], (200 * 50 / 150 + 200 * 200 / 400) / 2),
    ],
)
def test_smape_is_that_of_the_m4_competition(truth, forecast, percent):
    assert metrics.smape(truth, forecast) == pytest.approx(percent, rel=1e-12)


def test_smape_is_a_mean_over_forecasts_of_two_over_h_times_a_sum():
    total = 0.0
    for y, f in zip(TRUTH.ravel(), FORECAST.ravel(), strict=True):
        total += abs(y - f) / (abs(y) + abs(f))
    assert metrics.smape(TRUTH, FORECAST) == pytest.approx(2 / TRUTH.size * total * 100, rel=1e-12)


@pytest.mark.parametrize("season", [1, 4])
def test_mase_is_the_error_over_the_mean_seasonal_change_of_training(season):
    training = rng.normal(50, 10, 30)
    unit, count = 0.0, 0
    for t in range(season, 30):
        unit, count = unit + abs(training[t] - training[t - season]), count + 1
    total = 0.0
    for y, f in zip(TRUTH[0], FORECAST[0], strict=True):
        total += abs(y - f) / (unit / count)
    scale = metrics.naive_scale(training, season)
    assert scale == pytest.approx(unit / count, rel=1e-12)
    assert metrics.mase(TRUTH[0], FORECAST[0], scale) == pytest.approx(total / 3, rel=1e-12)


def test_each_forecast_is_divided_by_its_own_series_scale():
    scales = np.arange(1.0, 8.0)
    by_hand = np.mean([metrics.mae(y, f) / s for y, f, s in zip(TRUTH, FORECAST, scales, strict=True)])
    assert metrics.mase(TRUTH, FORECAST, scales) == pytest.approx(by_hand, rel=1e-12)


def test_a_perfect_forecast_scores_zero():
    assert list(metrics.scores(TRUTH, TRUTH, 2.0).values()) == [0, 0, 0, 0, 0]


def test_scores_come_in_the_order_of_the_tables():
    assert tuple(metrics.scores(TRUTH, FORECAST, 2.0)) == metrics.SCORES


def test_mape_is_undefined_where_a_true_value_is_zero():
    assert math.isnan(metrics.mape([1.0, 0.0], [1.0, 1.0]))


def test_mase_is_undefined_where_training_never_changed():
    assert metrics.naive_scale(np.full(10, 3.0), 1) == 0
    assert math.isnan(metrics.mase([1.0], [2.0], 0.0))
    assert math.isnan(metrics.mase(TRUTH, FORECAST, np.array([0.0, 1, 1, 1, 1, 1, 1])))


def test_a_series_no_longer_than_its_season_has_no_unit_of_mase():
    with pytest.raises(DataError, match="unit of MASE for season 12 needs 13 rows or more, got 12"):
        metrics.naive_scale(np.arange(12.0), 12)


@pytest.mark.parametrize("score", [metrics.mae, metrics.rmse, metrics.mape, metrics.smape])
@pytest.mark.parametrize(("truth", "forecast"), [([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [1.0, 2.0]), ([], [])])
def test_shapes_that_differ_or_hold_nothing_are_refused(score, truth, forecast):
    with pytest.raises(ShapeError, match=r"same shape and at least one value; got \("):
        score(truth, forecast)


@pytest.mark.parametrize(("rows", "scales"), [(TRUTH, np.ones(3)), (TRUTH[0], np.ones(3)), (TRUTH, np.ones((7, 3)))])
def test_scales_that_are_not_one_for_each_forecast_are_refused(rows, scales):
    with pytest.raises(ShapeError, match=r"one for each of n forecasts \(n, K\); got scales \("):
        metrics.mase(rows, rows, scales)


@pytest.mark.parametrize("name", SCORES)
def test_missing_true_values_are_left_out(name):
    there = ~np.isnan(HOLED[0])
    assert 0 < there.sum() < 3
    whole = SCORES[name](TRUTH[0][there], FORECAST[0][there])
    assert SCORES[name](HOLED[0], FORECAST[0]) == pytest.approx(whole, rel=1e-12)


@given(arrays(np.float64, (4, 3), elements=st.sampled_from([-3.0, 0.0, 2.0, 7.5, math.nan])), st.integers(0, 99))
def test_no_forecast_of_a_missing_value_changes_a_score(truth, seed):
    truth[0, 0] = 1.0
    forecast = np.random.default_rng(seed).normal(size=(4, 3))
    other = np.where(np.isnan(truth), 1e6, forecast)
    for score in SCORES.values():
        np.testing.assert_array_equal(score(truth, forecast), score(truth, other))


def test_mase_of_each_forecast_counts_as_often_as_it_has_true_values():
    total = np.nansum(np.abs(HOLED - FORECAST) / SCALES[:, None])
    expected = total / np.sum(~np.isnan(HOLED))
    assert metrics.mase(HOLED, FORECAST, SCALES) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_a_truth_that_is_missing_altogether_is_refused(score):
    with pytest.raises(DataError, match="All 3 true values are missing, so there is nothing to score: leave"):
        score(np.full(3, np.nan), np.ones(3))


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_forecast_that_is_no_number_is_refused_even_where_the_truth_is_missing(score, value):
    with pytest.raises(DataError, match=rf"here 1 of 4 are not, the first at index \(1, 0\): {value}. Only a true"):
        score([[1.0, 2.0], [math.nan, 4.0]], [[1.0, 2.0], [value, 4.0]])


def test_a_true_value_that_is_infinite_is_refused():
    with pytest.raises(DataError, match=r"A true value is infinite, at index \(1,\): correct it, or make it NaN"):
        metrics.mae([1.0, math.inf], [1.0, 1.0])


@pytest.mark.parametrize("season", [1, 4])
def test_rmsse_is_the_root_of_m5s_ratio_for_each_forecast(season):
    training = rng.normal(50, 10, 30)
    unit = sum((training[t] - training[t - season]) ** 2 for t in range(season, 30)) / (30 - season)
    by_hand = math.sqrt(sum((y - f) ** 2 for y, f in zip(TRUTH[0], FORECAST[0], strict=True)) / 3 / unit)
    scale = metrics.naive_rms_scale(training, season)
    assert scale == pytest.approx(math.sqrt(unit), rel=1e-12)
    assert metrics.rmsse(TRUTH[0], FORECAST[0], scale) == pytest.approx(by_hand, rel=1e-12)


def test_rmsse_is_a_mean_over_forecasts_and_leaves_out_those_without_truth():
    truth = HOLED.copy()
    truth[2] = np.nan
    rows = [row for row in range(7) if not np.isnan(truth[row]).all()]
    by_hand = np.mean([metrics.rmsse(truth[row], FORECAST[row], SCALES[row]) for row in rows])
    assert metrics.rmsse(truth, FORECAST, SCALES) == pytest.approx(by_hand, rel=1e-12)
    assert len(rows) < 7


def test_rmsse_is_undefined_where_training_never_changed():
    assert metrics.naive_rms_scale(np.full(10, 3.0), 1) == 0
    assert math.isnan(metrics.rmsse([1.0], [2.0], 0.0))


@pytest.mark.parametrize("scale", [metrics.naive_scale, metrics.naive_rms_scale])
def test_a_unit_counts_pairs_of_which_both_are_observed(scale):
    values = np.array([1.0, np.nan, 4.0, 6.0, np.nan, 5.0])  # of season 2: only 1 -> 4 and 6 -> 5
    assert scale(values, 2) == pytest.approx(2.0 if scale is metrics.naive_scale else math.sqrt(5))
    assert math.isnan(scale(np.array([1.0, np.nan, 2.0]), 1))


def test_a_series_no_longer_than_its_season_has_no_unit_of_rmsse():
    with pytest.raises(DataError, match="unit of RMSSE for season 12 needs 13 rows or more, got 12"):
        metrics.naive_rms_scale(np.arange(12.0), 12)


def test_owa_is_that_of_the_published_table():
    # M4's table for Hourly: Smyl, the winner.
    naive2 = {"sMAPE": 18.383, "MASE": 2.395}
    assert round(metrics.owa({"sMAPE": 9.328, "MASE": 0.893}, naive2), 3) == 0.440
    assert metrics.owa(naive2, naive2) == 1


def test_owa_is_undefined_where_naive2_is_never_wrong():
    assert math.isnan(metrics.owa({"sMAPE": 1.0, "MASE": 1.0}, {"sMAPE": 1.0, "MASE": 0.0}))
