"""The temperature is the one that is known, changes no verdict, and does not run away."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import norm

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.class_metrics import log_loss
from recuerdo.tasks.temperature import COLDEST, HOTTEST, SPREAD, at_temperature, fit_temperature, temperature_words


def honest(n, count=4, seed=0):
    """Logits whose softmax says how often each class comes true, and classes drawn from it."""
    draw = np.random.default_rng(seed)
    z = 2 * draw.normal(size=(n, count))
    p = softmax(z, axis=1)
    return z, np.minimum((draw.uniform(size=(n, 1)) > p.cumsum(axis=1)).sum(axis=1), count - 1)


@pytest.mark.parametrize("factor", [0.25, 1.0, 2.0, 5.0])
def test_logits_that_are_too_large_by_a_factor_have_that_temperature(factor):
    z, y = honest(20_000)
    assert fit_temperature(factor * z, y) == pytest.approx(factor, rel=0.03)
    assert fit_temperature(factor * z, y) == pytest.approx(factor * fit_temperature(z, y), rel=2e-3)


def test_no_other_temperature_has_less_log_loss():
    z, y = honest(5_000)
    best = fit_temperature(3 * z, y)
    losses = [log_loss(at_temperature(3 * z, best * step), y) for step in (0.9, 0.97, 1.0, 1.03, 1.1)]
    assert np.argmin(losses) == 2
    assert losses[0] > losses[1]
    assert losses[4] > losses[3]


def test_no_verdict_changes_and_certainty_falls_with_the_temperature():
    z, _ = honest(200)
    steps = [at_temperature(z, t) for t in (0.05, 0.5, 1.0, 4.0, 20.0)]
    for p in steps:
        np.testing.assert_array_equal(p.argmax(axis=1), z.argmax(axis=1))
        np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(steps[2], softmax(z, axis=1))
    tops = [p.max(axis=1) for p in steps]
    assert all((colder >= warmer).all() for colder, warmer in pairwise(tops))


@pytest.mark.parametrize("n", [1, 4, 12, 60, 500])
def test_it_is_the_most_probable_one_of_the_rows_and_the_prior(n):
    z, y = honest(n, seed=n)

    def surprise(log_t):
        rows = -log_softmax(3 * z / np.exp(log_t), axis=1)[np.arange(n), y].sum()
        return rows - norm.logpdf(log_t, scale=SPREAD)

    best = min((minimize_scalar(surprise, bounds=part).x for part in [(-3, -1), (-1, 1), (1, 3)]), key=surprise)
    assert fit_temperature(3 * z, y) == pytest.approx(np.exp(best), rel=1e-3)


def test_few_rows_that_are_all_right_leave_the_network_nearly_as_sure_as_it_was():
    sure = np.tile([[5.0, 0.0]], (10, 1))
    assert 0.9 < fit_temperature(sure, np.zeros(10, int)) <= 1
    unsure = np.tile([[0.5, 0.0]], (10, 1))
    found = [fit_temperature(np.repeat(unsure, k, axis=0), np.zeros(10 * k, int)) for k in (1, 10, 100)]
    assert 0.7 > found[0] > found[1] > found[2]


def test_many_logits_that_are_all_but_equal_stop_at_the_coldest_and_worthless_ones_at_the_hottest():
    close = np.tile([[1e-2, 0.0]], (20_000, 1))
    assert fit_temperature(close, np.zeros(20_000, int)) == pytest.approx(COLDEST, rel=1e-3)
    wrong = np.tile([[9.0, 0.0]], (5000, 1))
    assert fit_temperature(wrong, np.ones(5000, int)) == pytest.approx(HOTTEST, rel=1e-3)


def test_a_weight_counts_as_so_many_rows():
    z, y = honest(2_000)
    w = np.random.default_rng(1).integers(0, 4, len(y))
    repeated = fit_temperature(np.repeat(z, w, axis=0), np.repeat(y, w))
    assert fit_temperature(z, y, w) == pytest.approx(repeated, rel=2e-3)


def test_huge_logits_and_one_class_and_one_row_are_taken():
    assert fit_temperature([[1e4, 0.0], [0.0, 1e4]], [0, 1]) == pytest.approx(1, rel=1e-3)
    assert fit_temperature([[1e4, 0.0], [0.0, 1e4]], [1, 0]) == pytest.approx(HOTTEST, rel=1e-3)
    assert fit_temperature([[3.0]], [0]) == pytest.approx(1, rel=1e-4)
    assert COLDEST <= fit_temperature([[1.0, 0.0]], [0]) <= HOTTEST


@pytest.mark.parametrize(
    ("temperature", "words"),
    [
        (1.43, "probabilities are softened by a temperature of 1.43, fitted on 60 held-out verdicts"),
        (1.004, "probabilities are as the network says them: 60 held-out verdicts tell of no better temperature"),
        (0.7, "probabilities are sharpened by a temperature of 0.70, fitted on 60 held-out verdicts"),
        (HOTTEST, "probabilities are softened by a temperature of 20.00, fitted on 60 held-out verdicts: the highest "
         "that is tried, since what the network is sure of is no more often right"),
        (COLDEST, "probabilities are sharpened by a temperature of 0.05, fitted on 60 held-out verdicts: the lowest "
         "that is tried, since its verdicts are right and its logits are close together"),
    ],
)  # fmt: skip
def test_it_is_said_what_a_temperature_does(temperature, words):
    assert temperature_words(temperature, 60) == words


@pytest.mark.parametrize(
    ("z", "y", "error", "words"),
    [
        ([1.0, 2.0], [0], ShapeError, r"Logits are \(n, C\) and the true classes \(n,\)"),
        ([[1.0, np.inf]], [0], DataError, "Row 0 of the logits holds a number that is not finite"),
        ([[1.0, 2.0]], [2], DataError, "whole numbers from 0 to 1"),
    ],
)
def test_what_is_no_logit_or_no_class_is_said(z, y, error, words):
    with pytest.raises(error, match=words):
        fit_temperature(z, y)
