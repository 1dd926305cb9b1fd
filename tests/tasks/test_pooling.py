"""Several verdicts as one: against scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from recuerdo.tasks.class_metrics import log_loss
from recuerdo.tasks.pooling import (
    averaged,
    cross_pooled,
    dealt,
    even_pool,
    fit_pool,
    log_probabilities,
    pooled,
)
from recuerdo.tasks.temperature import SPREAD, fit_temperature


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

    def best(z):
        def surprise(a):
            return -log_softmax(a * z, axis=1)[np.arange(len(z)), truth].sum() + (np.log(a) / SPREAD) ** 2 / 2

        return minimize_scalar(surprise, bounds=(0.05, 20)).x

    alone = [best(part) for part in parts]
    together = sum(a / 2 * log_softmax(part, axis=1) for a, part in zip(alone, parts, strict=True))
    np.testing.assert_allclose(fit_pool(parts, truth), best(together) / 2 * np.array(alone), rtol=1e-3)
    assert alone[1] < alone[0] / 3


def test_scales_of_the_parts_change_nothing():
    truth, one, two = drawn(20_000)
    pool, other = fit_pool([one, two], truth), fit_pool([one / 3, 2 * two], truth)
    np.testing.assert_allclose(pooled([one, two], pool), pooled([one / 3, 2 * two], other), atol=0.02)


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
    expected = fit_pool([part[twice] for part in parts], truth[twice])  # where the prior counts half as much
    np.testing.assert_allclose(weighted, expected, rtol=0.02)


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


def test_where_every_verdict_is_right_and_sure_the_parts_are_averaged():
    truth = np.array([0, 1] * 30)
    sure = 10 * np.eye(2)[truth]
    np.testing.assert_allclose(fit_pool([sure, sure], truth), even_pool(2), rtol=0.02)


@pytest.mark.parametrize(("rows", "folds"), [(50, 10), (1200, 2)])
def test_each_row_is_pooled_by_what_others_tell(rows, folds):
    truth, *parts = drawn(rows)
    parts[0] = 4 * parts[0]
    made = cross_pooled(parts, truth)
    fold = dealt(truth, folds)
    np.testing.assert_array_equal(np.bincount(fold), [rows / folds] * folds)
    for own in range(folds):
        here, others = fold == own, fold != own
        pool = fit_pool([part[others] for part in parts], truth[others])
        np.testing.assert_allclose(made[here], pooled([part[here] for part in parts], pool))


def test_steps_of_one_sequence_are_pooled_by_what_other_sequences_tell():
    truth, part, _ = drawn(90)
    owner = np.repeat(np.arange(30), 3)
    made = cross_pooled([part], truth, None, owner)
    here = owner % 10 == 2
    np.testing.assert_allclose(made[here], pooled([part[here]], fit_pool([part[~here]], truth[~here])))


@pytest.mark.parametrize(("parts", "weights"), [(1, None), (2, None), (2, [1.0, 0.0])])
def test_a_row_without_others_is_pooled_evenly(parts, weights):
    z = np.array([[3.0, 0.0], [0.0, 2.0]])[: 1 if weights is None else 2]
    made = cross_pooled([z] * parts, np.array([0, 1])[: len(z)], None if weights is None else np.array(weights))
    np.testing.assert_allclose(made[0], log_softmax(z[0]))


def test_what_luck_gives_is_not_counted_as_skill():
    """Two parts that know nothing: their log loss on the rows that the pool was fitted on is less than on new ones."""
    random = np.random.default_rng(0)
    found = []

    def beyond(made, z, truth):  # a pool that depends on nothing takes most of the chance out of a mean
        return log_loss(np.exp(made), truth) - log_loss(np.exp(pooled(z, (0.2, 0.2))), truth)

    for _ in range(120):
        seen, new = random.standard_normal((2, 2, 24, 3))
        y, truth = random.integers(0, 3, (2, 24))
        pool = fit_pool(list(seen), y)
        found.append((
            beyond(pooled(seen, pool), seen, y),
            beyond(cross_pooled(list(seen), y), seen, y),
            beyond(pooled(new, pool), new, truth),
        ))  # fmt: skip
    fitted, crossed, fresh = np.mean(found, axis=0)
    assert crossed == pytest.approx(fresh, abs=0.01)
    assert fitted < fresh - 0.012


def test_rows_are_dealt_class_by_class_and_sequences_whole():
    random = np.random.default_rng(0)
    classes = random.integers(0, 3, 47)
    hand = dealt(classes, 4)
    for one in range(3):
        assert np.ptp(np.bincount(hand[classes == one], minlength=4)) <= 1
    owner = np.sort(random.integers(0, 9, 47))
    hand = dealt(owner, 4, apart=True)
    assert all(len(set(hand[owner == one])) == 1 for one in np.unique(owner))
    assert set(hand) == {0, 1, 2, 3}
