"""The trial forecasts held-out windows of every series, and its errors are on the scale that intervals need."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.tables import HORIZON, LOOKBACK, SEASON, daily, long, numbers, quick, weekly

from recuerdo.tasks import forecast_trial
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
    trial, tried = model.trial_, model._trial_model
    for i, (number, end) in enumerate(trial.origins):
        scaler = tried.scalers[number]
        window = (A, B)[number][end + 1 - LOOKBACK : end + 1]
        scale = np.sqrt(scaler.forward(window).var() + (FLOOR * tried.unit) ** 2)
        by_hand = (trial.truth[i] - trial.forecasts["GRU"][i]) / scaler.std / scale
        np.testing.assert_allclose(trial.errors[i], by_hand, rtol=1e-4, atol=1e-5)


def test_an_interval_is_the_margin_on_the_scale_of_the_last_window(model):
    frame, last = model.predict(), A[-LOOKBACK:]
    scaler, unit = model._model.scalers[0], model._model.unit
    scale = np.sqrt(scaler.forward(last).var() + (FLOOR * unit) ** 2) * scaler.std
    reach = model._conformal.margin(0.8) * scale
    point = numbers(frame)[:HORIZON]
    np.testing.assert_allclose(numbers(frame, "y-90")[:HORIZON], point + reach, rtol=1e-5)
    np.testing.assert_allclose(numbers(frame, "y-10")[:HORIZON], point - reach, rtol=1e-5)


def test_of_very_many_windows_an_even_choice_is_judged(monkeypatch):
    monkeypatch.setattr(forecast_trial, "MOST_WINDOWS", 3)
    trial = quick().fit(daily(weekly(100))).trial_
    assert trial.origins[:, 1].tolist() == [85, 89, 94]  # of the origins 85 to 94
    assert trial.truth.shape == (3, HORIZON)
