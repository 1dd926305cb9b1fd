"""Intervals that cover as often as they say, from numbers whose distribution nobody told them."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.errors import OptionError
from recuerdo.tasks.conformal import Conformal, errors_for

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
