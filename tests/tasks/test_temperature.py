"""The temperature is the one that is known, changes no verdict, and does not run away."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.class_metrics import log_loss
from recuerdo.tasks.temperature import COLDEST, HOTTEST, at_temperature, fit_temperature, temperature_words


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
    assert fit_temperature(factor * z, y) == pytest.approx(factor * fit_temperature(z, y), rel=1e-4)


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


@pytest.mark.parametrize("n", [5, 54, 1000])
def test_where_all_are_right_the_certainty_is_what_so_many_rows_support(n):
    z = np.tile([[3.0, 0.0]], (n, 1))
    p = at_temperature(z, fit_temperature(z, np.zeros(n, int)))[0, 0]
    assert p == pytest.approx((n + 1) / (n + 2), abs=1e-4)


def test_logits_that_are_all_but_equal_stop_at_the_coldest_and_worthless_ones_at_the_hottest():
    close = np.tile([[1e-3, 0.0]], (50, 1))
    assert fit_temperature(close, np.zeros(50, int)) == pytest.approx(COLDEST, rel=1e-3)
    wrong = np.tile([[9.0, 0.0]], (50, 1))
    assert fit_temperature(wrong, np.ones(50, int)) == pytest.approx(HOTTEST, rel=1e-3)


def test_a_weight_counts_as_so_many_rows():
    z, y = honest(2_000)
    w = np.random.default_rng(1).integers(0, 4, len(y))
    repeated = fit_temperature(np.repeat(z, w, axis=0), np.repeat(y, w))
    assert fit_temperature(z, y, w) == pytest.approx(repeated, rel=2e-3)


def test_huge_logits_and_one_class_and_one_row_are_taken():
    assert fit_temperature([[1e4, 0.0], [0.0, 1e4]], [0, 1]) == pytest.approx(HOTTEST, rel=1e-3)
    assert fit_temperature([[3.0]], [0]) == 1.0
    assert COLDEST <= fit_temperature([[1.0, 0.0]], [0]) <= HOTTEST


@pytest.mark.parametrize(
    ("temperature", "words"),
    [
        (1.43, "probabilities are softened by a temperature of 1.43, fitted on 60 held-out verdicts"),
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
