"""Several verdicts as one: against scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
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


def test_each_part_is_honest_by_itself_and_so_is_the_pool():
    truth, *parts = drawn(2000)
    parts[1] = 5 * parts[1]  # far too sure of itself
    n, C = parts[0].shape
    right = np.full((n, C), 1 / (n + 2) / (C - 1))
    right[np.arange(n), truth] = (n + 1) / (n + 2)

    def best(z):
        return minimize_scalar(lambda a: -(log_softmax(a * z, axis=1) * right).sum(), bounds=(0.05, 20)).x

    alone = [best(part) for part in parts]
    together = sum(a * log_softmax(part, axis=1) for a, part in zip(alone, parts, strict=True))
    np.testing.assert_allclose(fit_pool(parts, truth), best(together) * np.array(alone), rtol=1e-3)
    assert alone[1] < alone[0] / 3


def test_scales_of_the_parts_change_nothing():
    truth, one, two = drawn()
    pool, other = fit_pool([one, two], truth), fit_pool([one / 3, 2 * two], truth)
    np.testing.assert_allclose(pooled([one, two], pool), pooled([one / 3, 2 * two], other), atol=1e-4)


def test_a_part_that_knows_nothing_says_little():
    truth, one, _ = drawn(2000)
    noise = 3 * np.random.default_rng(5).standard_normal(one.shape)
    pool = fit_pool([one, noise], truth)
    assert pool[1] < pool[0] / 10


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
