"""Several verdicts as one: against scikit-learn's logistic regression, scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from recuerdo.tasks.pooling import averaged, fit_pool, log_probabilities, pooled
from recuerdo.tasks.temperature import fit_temperature


def drawn(n: int = 400, C: int = 3, seed: int = 0):
    """A truth, and two views of it that err apart."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, C, n)
    right = np.eye(C)[truth]
    return truth, 2 * right + random.standard_normal((n, C)), right + random.standard_normal((n, C))


def test_log_probabilities_are_scipys_and_do_not_overflow():
    z = np.random.default_rng(0).normal(0, 300, (5, 2, 4))
    np.testing.assert_allclose(log_probabilities(z), log_softmax(z, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(log_probabilities(z + 1e5), log_softmax(z, axis=-1), rtol=1e-9)


def test_the_weights_are_those_that_scipy_finds():
    truth, *parts = drawn()
    z = [log_softmax(part, axis=1) for part in parts]
    n, C = parts[0].shape
    right = np.full((n, C), 1 / (n + 2) / (C - 1))
    right[np.arange(n), truth] = (n + 1) / (n + 2)

    def expected(pool):
        if min(pool) <= 0:
            return np.inf
        made = -(log_softmax(pool[0] * z[0] + pool[1] * z[1], axis=1) * right).sum(axis=1).mean()
        return made + np.log(pool[0] / pool[1]) ** 2 / 4 / n  # normal, of their logarithms about their mean

    found = minimize(expected, [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
    np.testing.assert_allclose(fit_pool(parts, truth), found.x, rtol=1e-3)
    assert expected(fit_pool(parts, truth)) <= min(expected(pool) for pool in ([1, 0.02], [0.02, 1], [0.5, 0.5]))


def test_with_one_part_it_is_the_temperature():
    truth, part, _ = drawn()
    (weight,) = fit_pool([part], truth)
    assert weight == pytest.approx(1 / fit_temperature(part, truth))


def test_a_weight_counts_as_often_as_the_row_stood():
    truth, *parts = drawn(2000)
    weights = np.random.default_rng(1).integers(1, 4, 2000).astype(float)
    twice = np.repeat(np.arange(2000), weights.astype(int))
    weighted = fit_pool(parts, truth, weights)
    np.testing.assert_allclose(
        weighted, fit_pool([part[twice] for part in parts], truth[twice]), rtol=0.02
    )  # the doubt of a row is of n


def test_pooled_verdicts_are_those_of_weighted_logarithms():
    _, one, two = drawn()
    expected = log_softmax(0.3 * log_softmax(one, axis=1) + 1.2 * log_softmax(two, axis=1), axis=1)
    np.testing.assert_allclose(pooled([one, two], (0.3, 1.2)), expected, rtol=1e-9)
    np.testing.assert_allclose(np.exp(pooled([one], (0.5,))), softmax(0.5 * one, axis=1), rtol=1e-9)


def test_the_mean_of_one_is_itself_and_of_several_that_of_their_logarithms():
    _, one, two = drawn()
    assert averaged([one]) is one
    expected = (log_softmax(one, axis=1) + log_softmax(two + 5, axis=1)) / 2
    np.testing.assert_allclose(averaged([one, two + 5]), expected, rtol=1e-9)


def test_weights_stay_finite_where_every_verdict_is_right():
    truth = np.array([0, 1] * 30)
    sure = 10 * np.eye(2)[truth]
    pool = fit_pool([sure, sure], truth)
    assert np.isfinite(pool).all()
    assert np.exp(pooled([sure, sure], pool))[np.arange(60), truth].mean() == pytest.approx(61 / 62, abs=1e-3)
