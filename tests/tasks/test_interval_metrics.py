"""Quantile loss, coverage and width against scikit-learn, against loops, and against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.tasks.interval_metrics import coverage, interval_width, quantile_loss, weighted_quantile_loss

rng = np.random.default_rng(0)
TRUTH = rng.normal(5, 10, (7, 3))
QUANTILES = {0.1: TRUTH - rng.random((7, 3)), 0.5: rng.normal(5, 10, (7, 3)), 0.9: rng.normal(9, 10, (7, 3))}
HOLED = np.where(rng.random((7, 3)) < 0.4, np.nan, TRUTH)
THERE = ~np.isnan(HOLED)


@pytest.mark.parametrize("q", QUANTILES)
def test_the_quantile_loss_is_that_of_scikit_learn(q):
    theirs = mean_pinball_loss(TRUTH.ravel(), QUANTILES[q].ravel(), alpha=q)
    assert quantile_loss(TRUTH, QUANTILES[q], q) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("truth", [TRUTH, HOLED], ids=["whole", "holed"])
def test_the_weighted_loss_is_twice_the_pinball_sum_over_the_sum_of_sizes(truth):
    by_quantile = []
    for q, forecast in QUANTILES.items():
        total, size = 0.0, 0.0
        for y, f in zip(truth.ravel(), forecast.ravel(), strict=True):
            if not math.isnan(y):
                total, size = total + (q * (y - f) if y > f else (1 - q) * (f - y)), size + abs(y)
        by_quantile.append(2 * total / size)
    assert weighted_quantile_loss(truth, QUANTILES) == pytest.approx(np.mean(by_quantile), rel=1e-12)


def test_the_weighted_loss_of_the_median_is_the_error_over_the_size():
    expected = np.sum(np.abs(TRUTH - QUANTILES[0.5])) / np.sum(np.abs(TRUTH))
    assert weighted_quantile_loss(TRUTH, {0.5: QUANTILES[0.5]}) == pytest.approx(expected, rel=1e-12)


def test_the_weighted_loss_is_undefined_where_all_is_zero():
    assert math.isnan(weighted_quantile_loss([0.0, 0.0], {0.5: [1.0, 1.0]}))


def test_the_true_quantile_has_the_least_loss():
    sample = np.sort(rng.exponential(size=1001))
    losses = {q: quantile_loss(sample, np.full(1001, sample[q]), 0.7) for q in (600, 699, 700, 701, 800)}
    assert min(losses, key=losses.__getitem__) == 700


@pytest.mark.parametrize("q", [0, 1, -0.1, 80])
def test_a_quantile_outside_of_0_and_1_is_refused(q):
    with pytest.raises(OptionError, match=f"A quantile lies between 0 and 1, got {q}: 0.9 is the one that 90 % stay"):
        quantile_loss([1.0], [1.0], q)


def test_no_quantile_at_all_is_refused():
    with pytest.raises(OptionError, match="needs the forecasts of one quantile or more, and got none"):
        weighted_quantile_loss([1.0], {})


def test_coverage_counts_the_ends_and_leaves_out_what_is_missing():
    assert coverage([1, 2, 3, 4], low=[1, 0, 4, 0], high=[2, 2, 5, 3]) == 0.5
    assert coverage([1, 2, math.nan, 4], low=[1, 0, 4, 0], high=[2, 2, 5, 3]) == pytest.approx(2 / 3)
    low, high = TRUTH - rng.random((7, 3)) + 0.5, TRUTH + 1
    assert coverage(HOLED, low, high) == np.mean((low <= TRUTH)[THERE])


def test_width_is_a_mean_in_units_of_each_scale():
    low, high = np.zeros((2, 3)), np.array([[1.0, 2, 3], [2, 2, 2]])
    assert interval_width(low, high) == 2
    assert interval_width(low, high, scale=4) == 0.5
    assert interval_width(low, high, scale=[2, 4]) == pytest.approx((1 + 0.5) / 2)
    assert math.isnan(interval_width(low, high, scale=[2, 0]))


@pytest.mark.parametrize("score", [lambda low, high: coverage(np.ones(2), low, high), interval_width])
def test_ends_that_crossed_are_refused(score):
    with pytest.raises(DataError, match=r"lower end is above its upper one, at index \(1,\): 3.0 and 2.0. Are low"):
        score([1.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize("score", [lambda low, high: coverage(np.ones(2), low, high), interval_width])
def test_ends_that_are_no_numbers_or_of_other_shapes_are_refused(score):
    with pytest.raises(DataError, match=r"1 of 2 are not, the first at index \(1,\): nan"):
        score([1.0, math.nan], [1.0, 2.0])
    with pytest.raises(DataError, match=r"1 of 2 are not, the first at index \(0,\): inf"):
        score([1.0, 1.0], [math.inf, 2.0])
    with pytest.raises(ShapeError, match=r"ends have the same shape and at least one value; got \(2,\) and \(1,\)"):
        score([1.0, 1.0], [1.0])


@pytest.mark.parametrize("score", [lambda y, f: quantile_loss(y, f, 0.5), lambda y, f: coverage(y, f, f)])
def test_a_truth_that_is_missing_altogether_is_refused(score):
    with pytest.raises(DataError, match="All 2 true values are missing, so there is nothing to score"):
        score([math.nan, math.nan], [1.0, 2.0])


def test_a_forecast_of_a_quantile_that_is_no_number_is_refused():
    with pytest.raises(DataError, match=r"1 of 2 are not, the first at index \(1,\): nan"):
        weighted_quantile_loss([1.0, math.nan], {0.5: [1.0, math.nan]})
