"""Intervals that cover as often as they say, from numbers whose distribution nobody told them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t

from recuerdo.errors import OptionError
from recuerdo.tasks.conformal import (
    Answer,
    Conformal,
    ConformalQuantiles,
    errors_for,
    independent_errors,
    widening,
)

STEPS = np.array([1.0, 1.5, 3.0])
LEVELS = [0.5, 0.8, 0.9]


@pytest.mark.parametrize("draw", ["standard_normal", "standard_cauchy", "standard_exponential"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_new_error_is_covered_as_often_as_promised_and_hardly_more(draw, level):
    rng = np.random.default_rng(1)
    n, repeats = 39, 3000
    covered = []
    for _ in range(repeats):
        errors = getattr(rng, draw)((n + 1, 1))
        covered.append(abs(errors[-1, 0]) <= Conformal.fitted(errors[:-1]).margin(level)[0])
    # Lei et al. 2018, theorem 1: level <= coverage <= level + 1 / (n + 1). Three standard errors are allowed for.
    slack = 3 * np.sqrt(level * (1 - level) / repeats)
    assert level - slack <= np.mean(covered) <= level + 1 / (n + 1) + slack


@pytest.mark.parametrize("level", LEVELS)
def test_all_steps_of_a_horizon_together_are_covered_as_promised(level):
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(2000):
        errors = rng.standard_normal((21, 3)) * STEPS
        covered.append(np.abs(errors[-1]) <= Conformal.fitted(errors[:-1]).margin(level))
    assert level - 0.02 <= np.mean(covered) <= level + 0.03


def test_the_margin_is_the_order_statistic_that_theory_asks_for():
    errors = np.random.default_rng(3).standard_normal((19, 1))
    sizes = np.sort(np.abs(errors[:, 0]))
    conformal = Conformal.fitted(errors)
    for level, rank in [(0.5, 10), (0.8, 16), (0.9, 18), (0.95, 19)]:
        assert conformal.margin(level)[0] == pytest.approx(sizes[rank - 1], rel=1e-12)


def test_margins_grow_with_the_level_and_never_fall_with_the_step():
    errors = np.random.default_rng(4).standard_normal((50, 3)) * STEPS[::-1]
    conformal = Conformal.fitted(errors)
    margins = np.stack([conformal.margin(level) for level in (0.0, 0.2, 0.5, 0.8, 0.9, 0.99)])
    assert (np.diff(margins, axis=0) > 0).all()
    assert (np.diff(margins, axis=1) >= 0).all()
    assert (margins[0] == 0).all()


def test_the_sign_of_an_error_does_not_matter():
    errors = np.random.default_rng(5).standard_normal((30, 2))
    np.testing.assert_array_equal(Conformal.fitted(errors).margin(0.8), Conformal.fitted(-errors).margin(0.8))


def test_a_forecast_that_was_never_wrong_has_intervals_of_no_width():
    assert Conformal.fitted(np.zeros((10, 2))).margin(0.8).tolist() == [0, 0]


@pytest.mark.parametrize(("level", "enough"), [(0.75, 3), (0.8, 4), (0.9, 9), (0.95, 19), (0.98, 49)])
def test_too_few_errors_for_a_level_are_refused_and_just_enough_are_not(level, enough):
    errors = np.arange(1.0, enough + 1)[:, None]
    assert errors_for(level) == enough
    largest = Conformal.fitted(errors).margin(level)[0]
    assert largest == pytest.approx(enough)
    with pytest.raises(
        OptionError, match=rf"interval of {100 * level:g} % needs {enough} held-out errors, and there are {enough - 1}:"
    ):
        Conformal.fitted(errors[:-1]).margin(level)


def answered(n, K=2, seed=0):
    """What a network says of n windows that differ in how sure it is: normal quantiles of half the true spread."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.5, 4, size=(n, 1)) * np.ones((n, K))
    point = rng.normal(size=(n, K))
    truth = point + 2 * spread * rng.standard_normal((n, K))
    return Answer(point, np.ones((n, 1)), np.ones((n, 1)), lambda level: point + spread * norm.ppf(level)), truth


def part(answer, rows):
    return Answer(
        answer.point[rows], answer.scale[rows], answer.change[rows], lambda level: answer.quantile(level)[rows]
    )


@pytest.mark.parametrize("levels", [(0.1, 0.9), (0.025, 0.5, 0.975), (0.3,), (0.9, 0.05, 0.5)])
def test_moved_quantiles_have_as_much_of_the_truth_below_them_as_they_say(levels):
    answer, truth = answered(6000)
    old, new = slice(0, 3000), slice(3000, None)
    calibrated = ConformalQuantiles.fitted(levels, part(answer, old), truth[old])
    for level in levels:
        below = (truth[new] <= calibrated.quantile(level, part(answer, new))).mean()
        assert below == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 6000) + 1e-3)
        if len(levels) > 1 and level != 0.5:
            unmoved = (truth[new] <= answer.quantile(level)[new]).mean()
            assert abs(unmoved - level) > 0.05  # so that there was something to mend


def test_a_move_is_in_units_of_the_windows_own_width():
    answer, truth = answered(500)
    calibrated = ConformalQuantiles.fitted((0.1, 0.9), answer, truth)
    width = answer.quantile(0.9) - answer.quantile(0.1)
    for level in (0.1, 0.9):
        moved = (calibrated.quantile(level, answer) - answer.quantile(level)) / width
        np.testing.assert_allclose(moved, calibrated.moves[level], rtol=1e-9)


def test_the_move_is_the_order_statistic_that_theory_asks_for():
    rng = np.random.default_rng(1)
    point, truth = np.zeros((19, 1)), rng.standard_normal((19, 1))
    answer = Answer(point, np.ones((19, 1)), np.ones((19, 1)), lambda level: point + (level - 0.5))
    moves = ConformalQuantiles.fitted((0.1, 0.9), answer, truth).moves
    errors = np.sort(truth[:, 0])
    # Width 0.8: of 19 scores the 18th bounds 90 % of the next ones, and the 2nd has 10 % below it.
    assert moves[0.9] == pytest.approx((errors[17] - 0.4) / 0.8)
    assert moves[0.1] == pytest.approx((errors[1] + 0.4) / 0.8)


def test_one_quantile_alone_moves_on_the_scale_of_the_window():
    answer, truth = answered(300)
    scaled = replace(answer, scale=np.full((300, 1), 3.0))
    one = ConformalQuantiles.fitted((0.8,), answer, truth).moves[0.8]
    assert ConformalQuantiles.fitted((0.8,), scaled, truth).moves[0.8] == pytest.approx(one / 3)


def test_missing_truth_moves_nothing():
    answer, truth = answered(200)
    holed = truth.copy()
    holed[::3] = np.nan
    kept = np.arange(200) % 3 > 0
    assert (
        ConformalQuantiles.fitted((0.1, 0.9), answer, holed).moves
        == ConformalQuantiles.fitted((0.1, 0.9), part(answer, kept), truth[kept]).moves
    )
    errors = (truth - answer.point)[kept]
    holed_errors = np.where(np.isnan(holed), np.nan, truth - answer.point)
    assert Conformal.fitted(holed_errors).margin(0.8) == pytest.approx(Conformal.fitted(errors).margin(0.8), rel=1e-12)


def test_too_few_windows_for_a_quantile_are_refused():
    answer, truth = answered(9, K=1)
    ConformalQuantiles.fitted((0.05, 0.95), answer, truth)
    with pytest.raises(OptionError, match=r"The quantile 0.95 needs 9 held-out errors, and there are 8: ask for"):
        ConformalQuantiles.fitted((0.95,), part(answer, slice(0, 8)), truth[:8])


# Few windows that overlap, whose steps err together, count for less than their errors.


WORTH = {1: 1.0, 2: 4 / 3, 3: 9 / (3 + 2 * (1 / 2 + 1 / 3 + 2 / 3)), 500: 2.0}


@pytest.mark.parametrize("K", WORTH)
def test_the_errors_of_a_window_are_worth_as_many_as_those_of_a_random_walk(K):
    # The mean square of n independent normal errors has the variance 2 / n; that of a walk's, each by its spread:
    walks = np.random.default_rng(8).standard_normal((20_000, min(K, 20))).cumsum(axis=1)
    squares = (walks**2 / np.arange(1, min(K, 20) + 1)).mean(axis=1)
    apart = np.array([[0, 9]])
    assert independent_errors(apart, np.zeros((1, K))) == pytest.approx(WORTH[K], rel=0.01)
    assert 2 / squares.var() == pytest.approx(independent_errors(apart, np.zeros((1, min(K, 20)))), rel=0.08)


def test_windows_that_overlap_count_by_the_rows_that_they_share_and_each_series_by_itself():
    origins = np.array([[0, end] for end in range(20, 34)] + [[1, end] for end in (4, 5, 20)])
    truth = np.zeros((17, 12))
    one = independent_errors(origins[:1], truth[:1])
    # Series 0: rows 21 to 45; series 1: rows 5 to 17 and 21 to 32.
    assert independent_errors(origins, truth) == pytest.approx(one * (25 + 13 + 12) / 12)
    holed = truth.copy()
    holed[:14] = np.where(np.arange(14)[:, None] + np.arange(12) < 10, np.nan, 0)  # the first ten rows of series 0
    assert independent_errors(origins, holed) == pytest.approx(one * (15 + 13 + 12) / 12)
    assert independent_errors(origins[:1], np.where(np.arange(12) < 9, np.nan, truth[:1])) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_an_interval_is_widened_as_student_has_it_and_not_at_all_where_all_errors_are_independent(level):
    errors = np.random.default_rng(6).standard_normal((40, 3)) * STEPS
    plain = Conformal.fitted(errors).margin(level)
    place = (1 + level) / 2
    for independent in (1.0, 2.5, 14.0):
        factor = t.ppf(place, independent) / t.ppf(place, 120)
        np.testing.assert_allclose(Conformal.fitted(errors, independent).margin(level), factor * plain, rtol=1e-9)
    np.testing.assert_array_equal(Conformal.fitted(errors, 120.0).margin(level), plain)
    np.testing.assert_array_equal(Conformal.fitted(errors, 500.0).margin(level), plain)
    assert widening(level, 20_000, 400.0) < 1.004  # the windows of a large panel


@pytest.mark.parametrize(("level", "slack"), [(0.8, 0.03), (0.95, 0.04)])
def test_few_overlapping_windows_of_a_random_walk_cover_the_next_one_nearly_as_promised(level, slack):
    rng = np.random.default_rng(7)
    n, K = 9, 12
    origins = np.stack([np.zeros(n, dtype=np.int64), np.arange(n)], axis=1)
    wide, plain = [], []
    for _ in range(1000):
        walk = rng.standard_normal(n + 2 * K).cumsum()
        errors = np.stack([walk[end + 1 : end + 1 + K] - walk[end] for end in range(n)])
        following = np.abs(walk[n + K :] - walk[n + K - 1])
        wide.append(following <= Conformal.fitted(errors, independent_errors(origins, errors)).margin(level))
        plain.append(following <= Conformal.fitted(errors).margin(level))
    assert np.mean(wide) == pytest.approx(level, abs=slack)
    assert np.mean(plain) < level - 0.05


def test_a_head_s_quantiles_move_outwards_in_proportion_to_their_distance_from_the_forecast():
    answer, truth = answered(60)
    levels = (0.05, 0.3, 0.5, 0.9)
    plain, wide = (ConformalQuantiles.fitted(levels, answer, truth, independent) for independent in (None, 3.0))
    for level in levels:
        place, sign = abs(level - 0.5) + 0.5, np.sign(level - 0.5)
        reach = np.abs(plain.quantile(level, answer) - answer.point) / (answer.quantile(0.9) - answer.quantile(0.05))
        factor = t.ppf(place, 3) / t.ppf(place, 120) if level != 0.5 else 1.0
        assert wide.moves[level] - plain.moves[level] == pytest.approx(sign * (factor - 1) * reach.mean(), abs=1e-9)
    all_of_them = ConformalQuantiles.fitted(levels, answer, truth, 120.0)
    assert all_of_them.moves == pytest.approx(plain.moves, rel=1e-12)
