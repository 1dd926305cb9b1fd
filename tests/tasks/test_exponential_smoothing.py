"""Exponential smoothing continues what it is the exact model of, chooses as it says, and refuses in words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks import exponential_smoothing
from recuerdo.tasks.exponential_smoothing import Form, automatic_ets, holt_winters
from recuerdo.tasks.metrics import mape

PASSENGERS = rc.data.air_passengers()["passengers"].to_numpy().astype(float)
T = np.arange(60.0)
ADDITIVE = {"ANN", "AAN", "AAdN", "ANA", "AAA", "AAdA"}
POSITIVE = {"MNN", "MAN", "MAdN", "MNA", "MAA", "MAdA", "MNM", "MAM", "MAdM"}
NOISE = np.random.default_rng(0).normal(size=60)


@pytest.mark.parametrize(
    ("whole", "season"),
    [(5 + 2 * T, 1), (100 + 2 * T + np.resize([5.0, -3, -2], 60), 3), (np.resize([1.0, 2, 3, 4], 60), 4)],
    ids=["line", "line and season", "season"],
)
def test_a_series_without_error_is_continued(whole, season):
    found = automatic_ets(whole[:48], 12, season)
    np.testing.assert_allclose(found.forecast, whole[48:], rtol=1e-4)
    assert found.form[-2] == ("A" if season > 1 else "N")


def test_holt_winters_continues_a_line_times_factors():
    whole = (100 + 2 * T) * np.resize([1.2, 0.9, 0.9], 60)
    np.testing.assert_allclose(holt_winters(whole[:48], 12, 3), whole[48:], rtol=1e-3)


def test_noise_gets_no_trend_and_no_season():
    found = automatic_ets(50 + NOISE, 3, 12)
    assert found.form in ("ETS(A,N,N)", "ETS(M,N,N)")
    np.testing.assert_allclose(found.forecast, 50, atol=1)


def test_the_airline_passengers_are_forecast_as_well_as_is_known():
    # Over the origins 1957 to 1960; published fits of the multiplicative method lie around 3.6 %.
    errors = [mape(PASSENGERS[o : o + 12], holt_winters(PASSENGERS[:o], 12, 12)) for o in range(96, 144, 12)]
    assert 3.4 < np.mean(errors) < 4.0


def test_the_form_that_is_named_is_the_one_that_forecasts():
    found = automatic_ets(PASSENGERS[:132], 12, 12)
    assert found.form == "ETS(M,A,M)"
    model = ETSModel(PASSENGERS[:132], "mul", "add", seasonal="mul", seasonal_periods=12)
    np.testing.assert_allclose(found.forecast, model.fit(disp=False).forecast(12), rtol=1e-6)


def test_without_a_season_the_criterion_is_that_of_statsmodels():
    for form in (Form("add", None, False, None), Form("mul", "add", True, None)):
        theirs = ETSModel(PASSENGERS, form.error, form.trend, damped_trend=form.damped).fit(disp=False)
        assert exponential_smoothing._aicc(theirs, form, 144, 12) == pytest.approx(theirs.aicc)


def test_a_season_costs_its_parameter_and_all_states_but_one():
    # Of level, slope, damping and season the parameters; level, slope, 11 of 12 states that average to one; a variance.
    form, k = Form("mul", "add", True, "mul"), 4 + 2 + 11 + 1
    theirs = ETSModel(PASSENGERS, "mul", "add", damped_trend=True, seasonal="mul", seasonal_periods=12).fit(disp=False)
    expected = -2 * theirs.llf + 2 * k + 2 * k * (k + 1) / (144 - k - 1)
    assert str(form) == "ETS(M,Ad,M)"
    assert exponential_smoothing._aicc(theirs, form, 144, 12) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("rows", "season", "lowest", "letters"),
    [
        (60, 12, 1, ADDITIVE | POSITIVE),
        (60, 12, -1, ADDITIVE),
        (60, 1, 1, {"ANN", "AAN", "AAdN", "MNN", "MAN", "MAdN"}),
        (23, 12, -1, {"ANN", "AAN", "AAdN"}),  # less than two seasons
    ],
)
def test_forms_are_those_that_are_stable_and_that_the_rows_allow(rows, season, lowest, letters):
    forms = exponential_smoothing._forms(np.arange(rows) + float(lowest), season)
    assert {str(form)[4:-1].replace(",", "") for form in forms} == letters


def test_a_constant_is_continued():
    found = automatic_ets(np.full(30, 3.0), 4, 7)
    assert (found.forecast.tolist(), found.form) == ([3.0] * 4, "constant")


def test_a_fit_ends_when_its_time_is_over():
    with pytest.raises(OptionError, match=r"ETS did not finish within 0\.05 seconds: allow more, or give fewer rows"):
        automatic_ets(np.resize(PASSENGERS, 3000) + np.resize(NOISE, 3000), 12, 24, max_seconds=0.05)


def test_time_that_suffices_changes_nothing():
    one, two = (automatic_ets(50 + NOISE, 3, 1, max_seconds=limit).forecast for limit in (None, 600))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("forecast", "method"),
    [(automatic_ets, "ETS"), (holt_winters, "Holt and Winters' method")],
)
def test_gaps_and_too_few_rows_are_refused(forecast, method):
    with pytest.raises(DataError, match=f"{method} takes no missing values, and row 3 is missing: compare with"):
        forecast(np.where(T == 3, np.nan, T), 3, 4)
    with pytest.raises(DataError, match=rf"{method} needs 1\d rows or more, got 9"):
        forecast(T[:9], 3, 4)


def test_a_long_season_is_refused():
    with pytest.raises(OptionError, match="it is for seasons up to 24, got 48: give a shorter season, 1 for none"):
        automatic_ets(T, 3, 48)


def test_values_that_no_form_fits_are_refused():
    with pytest.raises(
        DataError, match=r"No form of ETS fits these values: their likelihood is not a number\. Rescale"
    ):
        automatic_ets(NOISE * 1e200, 3, 1)


def test_holt_winters_refuses_what_it_is_not_for():
    with pytest.raises(OptionError, match="needs a season of 2 rows or more, got 1"):
        holt_winters(T + 1, 3, 1)
    with pytest.raises(DataError, match="needs values above 0, and row 0 holds 0: use automatic_ets instead"):
        holt_winters(T, 3, 4)


@pytest.mark.parametrize("forecast", [automatic_ets, holt_winters])
def test_without_the_extra_it_says_what_to_install(forecast, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(OptionError, match=r"comes from statsmodels, .*pip install 'recuerdo\[baselines\]'"):
        forecast(50 + NOISE, 3, 4)


def test_it_is_imported_at_the_first_call_and_not_before():
    program = "import sys, recuerdo.tasks.exponential_smoothing; sys.exit('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
