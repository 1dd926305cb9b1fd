"""ETS stands beside the forecaster on all windows that are judged, or a sentence says why it does not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.tasks.tables import HORIZON, SEASON, daily, holed, long, quick, weekly

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks import ets_baseline
from recuerdo.tasks.ets_baseline import SECONDS, ets_forecasts
from recuerdo.tasks.exponential_smoothing import Smoothed, automatic_ets

SERIES = [weekly(40), weekly(50, seed=1, level=20)]
ORIGINS = np.array([[0, 33], [0, 34], [1, 44]])
LEFT_OUT = "ETS was left out: "


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still, and a fit that moves it by `seconds` and forecasts the mean of what it was given."""
    clock = SimpleNamespace(now=0.0, seconds=1.0, asked=[])

    def fit(values, horizon, season, *, max_seconds):
        clock.asked.append((len(values), season, max_seconds))
        clock.now += min(clock.seconds, max_seconds)
        if clock.seconds > max_seconds:
            raise OptionError(f"ETS did not finish within {max_seconds:g} seconds")
        return Smoothed(np.full(horizon, values.mean()), "constant")

    monkeypatch.setattr(ets_baseline, "automatic_ets", fit)
    monkeypatch.setattr(ets_baseline, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_each_origin_gets_the_forecast_that_its_own_rows_give():
    made, said, late = ets_forecasts(SERIES, ORIGINS[[0, 2]], 3, 1, max_seconds=1e9)
    assert (list(made), said, late) == (["ETS"], (), False)
    expected = [automatic_ets(SERIES[number][: end + 1], 3, 1).forecast for number, end in ORIGINS[[0, 2]]]
    np.testing.assert_array_equal(made["ETS"], expected)


def test_no_row_behind_an_origin_reaches_its_forecast(clock):
    made, *_ = ets_forecasts(SERIES, ORIGINS, HORIZON, SEASON, max_seconds=4)
    np.testing.assert_array_equal(made["ETS"][:, 0], [SERIES[number][: end + 1].mean() for number, end in ORIGINS])
    assert clock.asked == [(34, SEASON, 4), (35, SEASON, 3), (45, SEASON, 2)]


@pytest.mark.parametrize(("allowed", "fits"), [(3.0, 3), (2.9, 3), (2.0, 2), (0.5, 1)])
def test_it_is_shown_only_where_all_origins_can_be_done_in_time(clock, allowed, fits):
    made, said, late = ets_forecasts(SERIES, ORIGINS, HORIZON, SEASON, max_seconds=allowed)
    assert len(clock.asked) == fits
    slow = (f"{LEFT_OUT}its 3 fits would have taken more than {allowed:.1f} s",)
    assert (list(made), said, late) == ((["ETS"], (), False) if allowed == 3 else ([], slow, True))


def test_what_cannot_be_done_in_time_on_any_machine_is_not_begun(clock):
    clock.seconds = 0.0
    least = SECONDS * SEASON * (34 + 35 + 45)
    assert ets_forecasts(SERIES, ORIGINS, HORIZON, SEASON, max_seconds=least * 1.01)[0]
    assert len(clock.asked) == 3
    made, (said,), late = ets_forecasts(SERIES, ORIGINS, HORIZON, SEASON, max_seconds=least * 0.99)
    assert said == f"{LEFT_OUT}its 3 fits would have taken more than {0.99 * least:.1f} s"
    assert (made, late, len(clock.asked)) == ({}, True, 3)


@pytest.mark.parametrize(
    ("series", "season", "words"),
    [
        (SERIES, 25, "it estimates a number for each row of a season, and is for up to 24, not 25"),
        ([holed(weekly(40)), SERIES[1]], 7, "it takes no missing values"),
    ],
)
def test_what_ets_is_not_for_leaves_it_out(clock, series, season, words):
    assert ets_forecasts(series, ORIGINS, HORIZON, season, max_seconds=1e9) == ({}, (LEFT_OUT + words,), False)
    assert clock.asked == []


def test_too_few_rows_leave_it_out(clock):
    few = ets_forecasts(SERIES, np.array([[0, 33], [1, 8]]), HORIZON, SEASON, max_seconds=1e9)
    assert few == ({}, (f"{LEFT_OUT}it needs 10 rows, and an origin has 9",), False)


def test_values_that_no_form_fits_leave_it_out(monkeypatch):
    def fit(*_, **__):
        raise DataError("No form of ETS fits these values.")

    monkeypatch.setattr(ets_baseline, "automatic_ets", fit)
    assert ets_forecasts(SERIES, ORIGINS, 3, 1, max_seconds=1e9)[1] == (f"{LEFT_OUT}No form of ETS fits these values.",)


def test_where_statsmodels_is_not_installed_nothing_is_said(clock, monkeypatch):
    monkeypatch.setattr(ets_baseline, "find_spec", lambda name: None)
    assert ets_forecasts(SERIES, ORIGINS, HORIZON, SEASON, max_seconds=1e9) == ({}, (), False)
    report = quick(baselines="auto").fit(daily()).report_
    assert "ETS" not in report.scores
    assert "ETS" not in str(report)


def test_a_fit_shows_it_beside_the_others_on_the_same_windows(clock, monkeypatch):
    clock.seconds = 0.0
    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SECONDS", 1e9)
    model = quick(baselines="auto").fit(long(a=SERIES[0], b=SERIES[1]))
    trial = model.trial_
    assert list(model.report_.scores) == ["GRU", "MLP (same size)", "naive", "seasonal naive", "drift", "ETS"]
    means = [SERIES[number][: end + 1].mean() for number, end in trial.origins]
    np.testing.assert_array_equal(trial.forecasts["ETS"], np.repeat(means, HORIZON).reshape(-1, HORIZON))
    assert LEFT_OUT not in str(model.report_)
    assert "ETS" not in quick().fit(daily()).report_.scores


def test_a_fit_says_that_it_was_left_out(clock, monkeypatch):
    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.BASELINE_SECONDS", 5.0)
    model = quick(baselines="auto").fit(daily())
    report = model.report_
    assert "ETS" not in report.scores
    slow = f"{LEFT_OUT}its {report.windows} fits would have taken more than 5.0 s"
    assert slow in report.choices
    assert report.verdict.endswith(" ETS was left out for lack of time, so " + report.verdict.rpartition(", so ")[2])
    assert report.left_out == model.trial_.left_out == {"ETS": "for lack of time"}


def test_what_ets_is_not_for_does_not_weigh_on_the_verdict(clock):
    report = quick(baselines="auto").fit(daily(holed(weekly()))).report_
    assert "ETS was left out: it takes no missing values" in report.choices
    assert "ETS" not in report.verdict


def test_ctrl_c_during_it_keeps_the_network_of_the_trial(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("recuerdo.tasks.forecast_fitting.ets_forecasts", interrupted)
    model = quick(baselines="auto").fit(daily())
    assert model._ensemble is model._tried
    assert model.report_.left_out == {"ETS": "because Ctrl-C stopped the fit"}
    assert "interrupted: the network of the trial is kept, after 4 steps" in str(model.report_)
