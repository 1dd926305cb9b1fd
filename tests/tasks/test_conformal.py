"""Intervals that cover as often as they say, from numbers whose distribution nobody told them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from recuerdo.errors import OptionError
from recuerdo.tasks.conformal import Answer, Conformal, ConformalQuantiles, errors_for

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
    return Answer(point, np.ones((n, 1)), lambda level: point + spread * norm.ppf(level)), truth


def part(answer, rows):
    return Answer(answer.point[rows], answer.scale[rows], lambda level: answer.quantile(level)[rows])


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
    answer = Answer(point, np.ones((19, 1)), lambda level: point + (level - 0.5))
    moves = ConformalQuantiles.fitted((0.1, 0.9), answer, truth).moves
    errors = np.sort(truth[:, 0])
    # Width 0.8: of 19 scores the 18th bounds 90 % of the next ones, and the 2nd has 10 % below it.
    assert moves[0.9] == pytest.approx((errors[17] - 0.4) / 0.8)
    assert moves[0.1] == pytest.approx((errors[1] + 0.4) / 0.8)


def test_one_quantile_alone_moves_on_the_scale_of_the_window():
    answer, truth = answered(300)
    scaled = Answer(answer.point, np.full((300, 1), 3.0), answer.quantile)
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
