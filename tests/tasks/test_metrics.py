"""The five scores against scikit-learn, against loops, and against numbers that were worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, root_mean_squared_error

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks import metrics

rng = np.random.default_rng(0)
TRUTH, FORECAST = rng.normal(50, 10, (7, 3)), rng.normal(50, 10, (7, 3))


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
