"""The trial forecasts held-out windows of every series, and its errors are on the scale that intervals need."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.tables import HORIZON, LOOKBACK, SEASON, daily, long, numbers, quick, weekly

from recuerdo.tasks.baselines import seasonal_naive
from recuerdo.tasks.conformal import Conformal, independent_errors
from recuerdo.tasks.forecast_nets import FLOOR
from recuerdo.tasks.metrics import naive_scale

A, B = weekly(), weekly(80, seed=1, level=20)


@pytest.fixture(scope="module")
def model():
    return quick(baselines="auto").fit(long(a=A, b=B))


def test_each_origin_lies_before_held_out_rows_of_its_series(model):
    trial, held_out = model.trial_, model._plan.held_out
    expected = [
        (number, end)
        for number, values in enumerate((A, B))
        for end in range(len(values) - held_out - 1, len(values) - HORIZON)
    ]
    assert trial.origins.tolist() == [list(pair) for pair in expected]
    for (number, end), truth in zip(trial.origins, trial.truth, strict=True):
        np.testing.assert_array_equal(truth, (A, B)[number][end + 1 : end + 1 + HORIZON])


def test_the_unit_of_mase_comes_from_the_training_rows_of_each_series(model):
    units = [naive_scale(values[: -model._plan.held_out], SEASON) for values in (A, B)]
    np.testing.assert_array_equal(model.trial_.naive_scales, np.array(units)[model.trial_.origins[:, 0]])


def test_an_error_is_divided_by_its_window_and_makes_the_interval(model):
    trial, tried = model.trial_, model._tried
    by_hand = np.empty_like(trial.truth)
    for i, (number, end) in enumerate(trial.origins):
        scaler = tried.encoding.scalers["ab"[number]]
        window = (A, B)[number][end + 1 - LOOKBACK : end + 1]
        changes = scaler.forward(window[SEASON:]) - scaler.forward(window[:-SEASON])
        change = np.sqrt(np.mean(changes**2) + (FLOOR * tried.members[0].unit) ** 2)
        by_hand[i] = (trial.truth[i] - trial.forecasts["GRU"][i]) / scaler.std / change
    expected = Conformal.fitted(by_hand)
    np.testing.assert_allclose(model._calibration.spread, expected.spread, rtol=1e-4)
    np.testing.assert_allclose(model._calibration.scores, expected.scores, rtol=1e-3, atol=1e-4)
    assert model._calibration.independent == independent_errors(trial.origins, trial.truth)


def test_the_trials_own_interval_is_that_of_its_calibration(model):
    trial = model.trial_
    for level in (0.1, 0.9):
        reach = np.abs(trial.quantiles[level] - trial.forecasts["GRU"])
        assert (reach > 0).all()
    # A forecast of 80 % covers at least so much of the errors that it was made from.
    assert trial.coverage() >= 0.8


@pytest.mark.parametrize("head", ["quantiles", "gaussian", "student_t"])
def test_of_a_head_that_knows_how_sure_it_is_each_quantile_has_its_share_of_the_trial_below_it(head):
    series = {f"s{number}": weekly(seed=number, level=20 + number) for number in range(200)}
    trial = quick(head=head, max_steps=1).fit(long(**series)).trial_  # so many that the intervals are hardly widened
    for level, rows in trial.quantiles.items():
        assert (trial.truth <= rows).mean() == pytest.approx(level, abs=0.003)
    few = quick(head=head).fit(long(a=A, b=B)).trial_
    shares = [(few.truth <= few.quantiles[level]).mean() for level in (0.1, 0.9)]
    assert shares[0] <= 0.1 < 0.9 <= shares[1]


def test_an_interval_is_the_margin_in_units_of_the_last_windows_seasonal_change(model):
    frame, last = model.predict(), A[-LOOKBACK:]
    scaler, unit = model._ensemble.encoding.scalers["a"], model._ensemble.members[0].unit
    z = scaler.forward(last)
    change = np.sqrt(np.mean((z[SEASON:] - z[:-SEASON]) ** 2) + (FLOOR * unit) ** 2) * scaler.std
    reach = model._calibration.margin(0.8) * change
    point = numbers(frame)[:HORIZON]
    np.testing.assert_allclose(numbers(frame, "y-90")[:HORIZON], point + reach, rtol=1e-5)
    np.testing.assert_allclose(numbers(frame, "y-10")[:HORIZON], point - reach, rtol=1e-5)


def test_where_steps_are_chosen_on_held_out_rows_the_others_alone_judge_and_all_calibrate():
    values = weekly(200)
    model = quick(max_steps=None).fit(daily(values))
    history, trial = model._tried.members[0].history, model.trial_
    assert model.report_.steps == history.best_step
    assert [each.history.steps for each in model._ensemble.members] == [history.best_step]
    assert trial.origins[:, 1].tolist() == list(range(200 - 12 - 1, 200 - HORIZON))
    assert len(model._calibration.scores) == (24 - HORIZON + 1) * HORIZON
    # The weights that are kept are those of the lowest loss on the 8 windows before.
    losses = dict(history.evaluations)
    assert losses[history.best_step] == min(losses.values())


def test_of_very_many_windows_an_even_choice_is_judged(monkeypatch):
    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.MOST_WINDOWS", 3)
    trial = quick().fit(daily(weekly(100))).trial_
    assert trial.origins[:, 1].tolist() == [85, 89, 94]  # of the origins 85 to 94
    assert trial.truth.shape == (3, HORIZON)


@pytest.mark.parametrize("head", ["point", "quantiles", "gaussian", "student_t"])
def test_the_median_that_is_asked_for_is_the_forecast_itself_and_lies_between_the_other_quantiles(head):
    model = quick(head=head, quantiles=(0.2, 0.5, 0.4, 0.8), n_seeds=2).fit(long(a=A, b=B))
    trial, frame = model.trial_, model.predict()
    np.testing.assert_array_equal(trial.quantiles[0.5], trial.forecasts["GRU"])
    np.testing.assert_array_equal(numbers(frame, "y-50"), numbers(frame))
    told = [trial.quantiles[level] for level in (0.2, 0.4, 0.5, 0.8)]
    assert (np.diff(told, axis=0) >= 0).all()


def test_a_series_shorter_than_a_season_has_a_seasonal_naive_forecast_and_its_number_is_told():
    short = weekly(33, seed=2)
    table = long(a=weekly(120), b=weekly(110, seed=1), short=short)
    model = quick(baselines="auto", season=30).fit(table)
    trial = model.trial_
    mine = trial.origins[:, 0] == 2
    assert mine.any()
    for (_, end), said in zip(trial.origins[mine], trial.forecasts["seasonal naive"][mine], strict=True):
        np.testing.assert_array_equal(said, seasonal_naive(short[: end + 1], HORIZON, 30))
    sentence = (
        "1 series has fewer rows than a season of 30 before an origin: the seasonal naive forecast of a place in the "
        "season that was never observed is the last value"
    )
    assert sentence in model.report_.choices
    unit = naive_scale(short[: -model._plan.held_out], 1)
    np.testing.assert_array_equal(trial.naive_scales[mine], np.full(mine.sum(), unit))
    assert sentence in model.backtest(table, windows=2).notes
    assert sentence not in quick(season=30).fit(table).report_.choices
