"""Seeds, budgets and what a fit leaves alone; and one fit as people will make it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from polars.testing import assert_frame_equal
from tests.tasks.tables import HORIZON, LOOKBACK, ROWS, SEASON, daily, numbers, quick, weekly

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks import hold_out
from recuerdo.tasks.baselines import seasonal_naive
from recuerdo.tasks.ets_baseline import ETS
from recuerdo.tasks.forecast_inputs import Rows
from recuerdo.tasks.forecast_training import typical_change
from recuerdo.tasks.metrics import mape

HELD_OUT = HORIZON - 1 + ROWS // 10


def test_a_budget_of_seconds_is_repeated_exactly_by_its_number_of_steps():
    timed = quick(max_steps=None, max_seconds=1.0, hidden_size=8).fit(daily())
    assert timed._tried.members[0].history.stopped == "max_seconds"
    assert timed.report_.steps == timed._ensemble.members[0].history.steps >= 1
    counted = quick(max_steps=timed.report_.steps, hidden_size=8).fit(daily())
    assert_frame_equal(counted.predict(), timed.predict(), check_exact=True)
    assert counted.report_.scores == timed.report_.scores


def test_a_seed_that_was_drawn_is_told_and_repeats_the_fit():
    first, second = (quick(random_state=None, max_steps=2).fit(daily()) for _ in range(2))
    seed = first.report_.random_state
    assert seed != second.report_.random_state
    again = quick(random_state=seed, max_steps=2).fit(daily())
    assert_frame_equal(again.predict(), first.predict(), check_exact=True)


def test_the_users_own_random_numbers_and_threads_are_left_alone(tmp_path):
    threads = torch.get_num_threads()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - the user's
    model = quick(random_state=None).fit(daily())
    model.predict()
    rc.load(model.save(tmp_path / "model"))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]
    assert torch.get_num_threads() == threads


def test_the_users_random_numbers_change_nothing():
    torch.manual_seed(1)
    first = quick(dropout=0.3, num_layers=2).fit(daily()).predict()
    torch.manual_seed(2)
    assert_frame_equal(quick(dropout=0.3, num_layers=2).fit(daily()).predict(), first, check_exact=True)


def test_without_a_limit_the_steps_follow_from_the_windows(monkeypatch):
    windows = ROWS - HELD_OUT - LOOKBACK - HORIZON + 1
    for least, most, steps in [(2, 5, 5), (45, 70, 45), (2, 70, 20 * -(-windows // 20))]:
        monkeypatch.setattr("recuerdo.tasks.forecast_training.AUTO_STEPS", (least, most))
        assert quick(max_steps=None, batch_size=20).fit(daily()).report_.steps == steps


def test_a_fit_that_fails_leaves_the_one_before():
    model = quick().fit(daily())
    expected = model.predict()
    for options, table, error in [
        ({"season": 7, "lookback": 8}, daily(weekly(200)), OptionError),
        ({"season": None, "lookback": None}, daily(weekly(10)), DataError),
    ]:
        with pytest.raises(error, match="rows"):
            model.set_params(**options).fit(table)
    assert_frame_equal(model.predict(), expected, check_exact=True)


def test_a_second_fit_forgets_the_first():
    model = quick().fit(daily(100 * weekly(seed=5)))
    assert_frame_equal(model.fit(daily()).predict(), quick().fit(daily()).predict(), check_exact=True)


def stacked(*series):
    """Rows as make_rows lays them out."""
    lengths = np.array([len(z) for z in series])
    starts = np.cumsum([0, *lengths[:-1]])
    return Rows(np.concatenate(series)[:, None].astype(np.float32), starts, lengths, 0, 0, None, ())


def test_the_typical_change_is_the_root_mean_square_over_seasons():
    one, two = weekly(30), weekly(50, seed=1)
    squares = [(z[t] - z[t - SEASON]) ** 2 for z in (one, two) for t in range(SEASON, len(z))]
    assert typical_change(stacked(one, two), SEASON) == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-6)
    holed = one.copy()
    holed[11] = np.nan
    known = [(z[t] - z[t - SEASON]) ** 2 for z in (holed, two) for t in range(SEASON, len(z))]
    assert typical_change(stacked(holed, two), SEASON) == pytest.approx(np.sqrt(np.nanmean(known)), rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-13])
def test_a_series_that_repeats_itself_but_for_rounding_has_the_unit_one(noise):
    wave = np.tile([1.0, -1.0, 0.5, 0.0], 10)
    assert typical_change(stacked(wave + noise * np.arange(40)), 4) == 1


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_a_season_without_noise_is_forecast_as_it_is(strategy):
    t = np.arange(100)
    wave = np.sin(2 * np.pi * t / SEASON)
    frame = quick(strategy=strategy).fit(daily(wave[:95])).predict()
    np.testing.assert_allclose(numbers(frame), wave[95:], atol=0.1)


def test_a_fit_with_baselines_scores_them_on_the_same_windows():
    model = quick(baselines="auto").fit(daily())
    compared = [name for name in model.report_.scores if name != ETS]  # which is there where it took less than a second
    assert compared == ["GRU", "MLP (same size)", "naive", "seasonal naive", "drift"]
    assert model.trial_.truth.shape == (model.report_.windows, 5)
    for name, forecasts in model.trial_.forecasts.items():
        assert forecasts.shape == model.trial_.truth.shape
        assert model.report_.scores[name]["MAPE"] == pytest.approx(mape(model.trial_.truth, forecasts))
    values = weekly()
    for (_, end), truth, said in zip(
        model.trial_.origins, model.trial_.truth, model.trial_.forecasts["seasonal naive"], strict=True
    ):
        np.testing.assert_array_equal(truth, values[end + 1 : end + 6])
        np.testing.assert_array_equal(said, seasonal_naive(values[: end + 1], 5, SEASON))


def test_baselines_do_not_change_the_model(fitted):
    assert_frame_equal(quick(baselines="auto").fit(daily()).predict(), fitted().predict(), check_exact=True)


# The one slow test of this folder: five fits as people make them, with nothing cut short.
def test_a_year_of_airline_passengers_is_forecast_to_four_percent_with_any_seed():
    table = rc.data.air_passengers()
    values = table["passengers"].to_numpy().astype(float)
    naive = mape(values[-12:], seasonal_naive(values[:-12], 12, 12))
    found = [hold_out(rc.Forecaster(12, random_state=seed, baselines=None), table) for seed in range(5)]
    errors = [each.scores["GRU"]["MAPE"] for each in found]
    assert np.mean(errors) <= 4.0, errors
    assert max(errors) < naive, errors
